"""A private Slurm for tests: munged, a controller and two nodes on loopback, all state in one folder, stopped at the end.

    with SlurmCluster(folder) as slurm:
        subprocess.run(["srun", "--nodes=2", "hostname"], env=slurm.env)
"""
import os
import shutil
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "salloc", "sbatch")
NODES = ("n1", "n2")
CONFIG = """
ClusterName=vonktest
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[0]}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser={user}
SlurmdUser={user}
SlurmdParameters=config_overrides
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
KillWait=30
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=8000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=8000
PartitionName=main Nodes=n1,n2 Default=YES DefMemPerNode=2048 MaxTime=10:00
"""


def program(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


def missing():
    """The programs that are not installed."""
    return [name for name in PROGRAMS if program(name) is None]


def free_ports(count):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class SlurmCluster:
    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        os.makedirs(os.path.join(folder, "state"), mode=0o755)
        os.chmod(folder, 0o755)  # munged's clients are of any user
        self.env = {**os.environ, "SLURM_CONF": os.path.join(folder, "slurm.conf")}
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        with open(self.env["SLURM_CONF"], "w") as config:
            config.write(CONFIG.format(folder=folder, user=user, ports=free_ports(3)))
        self.start_munged()
        self.start("slurmctld", "-D", "-i")
        for node in NODES:
            self.start("slurmd", "-D", "-N", node)
        self.wait_until(self.is_idle, "the nodes of Slurm are idle")

    def start(self, name, *arguments):
        with open(os.path.join(self.folder, "output"), "ab") as output:
            self.processes.append(subprocess.Popen([program(name), *arguments], env=self.env, stdin=subprocess.DEVNULL,
                                                   stdout=output, stderr=output))

    def start_munged(self):
        key = os.path.join(self.folder, "munge.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(os.urandom(128))
        names = {"socket": "munge.socket", "log-file": "munged.log", "pid-file": "munged.pid", "seed-file": "munge.seed"}
        self.start("munged", "--foreground", "--force", f"--key-file={key}",
                   *(f"--{option}={self.folder}/{name}" for option, name in names.items()))
        self.wait_until(lambda: os.path.exists(os.path.join(self.folder, "munge.socket")), "munged answers")

    def is_idle(self):
        states = subprocess.run(["sinfo", "-h", "-N", "-o", "%t"], env=self.env, capture_output=True, text=True)
        return states.stdout.split() == ["idle"] * len(NODES)

    def wait_until(self, holds, what, seconds=120):
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until or any(process.poll() is not None for process in self.processes):
                said = open(os.path.join(self.folder, "output"), errors="replace").read()
                self.stop()
                raise RuntimeError(f"not within {seconds} s: {what}\n{said}")
            time.sleep(0.1)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
