"""vonk submit --launcher ray, with a Ray of two nodes on loopback's first two addresses."""
import contextlib
import os
import secrets
import subprocess
import threading

from jobs import skip
from launches import wait_until
from slurm_cluster import free_ports

START_SECONDS = 120
COMMON = ("--block", "--num-cpus=1", "--object-store-memory=80000000", "--disable-usage-stats", "--min-worker-port=0",
          "--max-worker-port=0")


class RayCluster:
    def __init__(self, python, launches):
        (port,) = free_ports(1)
        folder = launches.folder
        self.program = os.path.join(os.path.dirname(python), "ray")
        self.address = f"127.0.0.1:{port}"
        self.log = os.path.join(folder, "ray.output")
        self.processes = []
        token = os.path.join(folder, "ray.token")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        self.env = {"TMPDIR": launches.tmp, "PATH": os.path.dirname(python) + ":" + os.environ["PATH"], "RAY_USAGE_STATS_ENABLED": "0",
                    "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": token}
        self.nodes = (["--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=false",
                       f"--temp-dir={folder}/ray"],
                      [f"--address={self.address}", "--node-ip-address=127.0.0.2"])
        self.is_stopping = False
        self.starting = threading.Thread(target=self.start_nodes)
        self.starting.start()

    def said(self):
        with open(self.log, errors="replace") as output:
            return output.read()

    def start_nodes(self):
        """One after the other, and once more: on a busy machine a node gives up after 30 s."""
        for number, node in enumerate(self.nodes, 1):
            if not self.start_node(node, number) and not self.start_node(node, number):
                return

    def start_node(self, node, number):
        with open(self.log, "ab") as output:
            process = subprocess.Popen([self.program, "start", *COMMON, *node], env={**os.environ, **self.env},
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.processes.append(process)
        wait_until(lambda: self.is_stopping or process.poll() is not None or self.count() == number, START_SECONDS)
        return self.is_stopping or self.count() == number

    def count(self):
        """Of the nodes that have started."""
        return self.said().count("Ray runtime started")

    def stop(self):
        self.is_stopping = True
        self.starting.join()
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def starting(python, launches):
    """Yields a Ray that may not be ready yet; None where there is no such package."""
    ray = RayCluster(python, launches) if python is not None else None
    try:
        yield ray
    finally:
        if ray is not None:
            ray.stop()


def test(launches, ray):
    if ray is None:
        return
    ray.starting.join()
    if ray.count() != len(ray.nodes):
        skip(f"Ray has not started: {ray.said()}")
        return
    # Ray may kill what an actor has started, too: processes end, but a folder may stay
    launches.test("ray", {**ray.env, "RAY_ADDRESS": ray.address}, files_after_kill="none")
