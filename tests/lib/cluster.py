"""Clusters on loopback for tests: their processes, drivers that do nothing, what to wait for, and a main loop.

    with Cluster(2) as cluster:                       vonk cluster up 2; scripts in the place of executors
    with Cluster(2, executor=None) as cluster:        real ones
    with Masters(zookeeper_server) as cluster:        two masters, one of which stands by
    wait_for("both run", lambda: cluster.runs(2))     looks until it is so, with patience
    expect(condition, "what should be")               raises Failure
    skip("only root may")                             raises Skipped
    sys.exit(main(globals()))                         runs all test_* or those that are named; the last line counts them

VONK_BUILD names another build than build/release. When `with` ends, nothing may be left: no process, no file, no port.
"""
import contextlib
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import zookeeper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release"))
VONK = os.path.join(BUILD, "vonk")
SLOW = 6 if "san" in BUILD or "dev" in BUILD else 1
PATIENCE = int(os.environ.get("VONK_TEST_PATIENCE", 30 * SLOW))
# a program of the cluster's own folder, so that it is seen in /proc whose it is
SLEEPER = 'exec "$(dirname "$0")/sleeper" 1000'
# what the environment of this process must not pass on
for name in ("VONK_MASTER", "VONK_SECRET_FILE"):
    os.environ.pop(name, None)
# who is told to end leaves nothing: `with` ends
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


class Failure(Exception):
    pass


class Skipped(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failure(what)


def skip(why):
    raise Skipped(why)


def wait_for(what, look, patience=PATIENCE):
    """Until look() gives something true; what it gives."""
    end = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"not within {patience} s: {what}")
        time.sleep(0.01)


def starts_most(seconds):
    """So often the master starts in that time what ends at once: thrice without a pause, which is 0.1 s then, and twice as long each time."""
    return 3 + math.log2(1 + seconds / 0.1)


def run(*arguments, code=0, env=None, prefix=(), **options):
    done = subprocess.run([*prefix, VONK, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE * 4,
                          env={**os.environ, **(env or {})}, **options)
    expect(done.returncode == code, f"vonk {' '.join(arguments)}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done


def stop(process):
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait(PATIENCE)


@contextlib.contextmanager
def other_user():
    """The name of a user that nothing belongs to."""
    if os.geteuid() != 0:
        skip("only root runs executors as another user")
    if shutil.which("useradd") is None:
        skip("there is no useradd")
    name = f"vonk-test-{os.getpid()}"
    subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", name], check=True)
    try:
        yield name
    finally:  # refused while a process of the user, killed a moment ago, is still there
        wait_for(f"{name} is removed", lambda: subprocess.run(["userdel", name], capture_output=True).returncode == 0)


@contextlib.contextmanager
def a_secret():
    """The file, in a folder that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="vonk-secret-") as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "secret")
        run("cluster", "init", "--secret-file", path)
        yield path


# --- what the machine shows ---

def processes_with(text):
    """Of this machine: {pid: command line} of those that have the text in theirs."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and int(pid) != os.getpid():
            found[int(pid)] = line
    return found


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listening_port(pid):
    """The port that the process listens on; None: it does not (yet)."""
    inodes = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    except OSError:
        return None
    for line in open(f"/proc/{pid}/net/tcp").read().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
            return int(words[1].split(":")[1], 16)
    return None


# --- drivers ---

class Driver:
    """cluster_driver.c, which does nothing but register."""

    def __init__(self, url, *arguments):
        self.path = tempfile.mktemp(prefix="driver-")
        self.output = open(self.path, "w+")
        self.process = subprocess.Popen([os.path.join(BUILD, "cluster_driver"), "--master", url, *arguments],
                                        stdin=subprocess.PIPE, stdout=self.output, stderr=subprocess.STDOUT)

    def text(self):
        with open(self.path) as f:
            return f.read()

    def said(self, pattern):
        return re.findall(pattern, self.text(), flags=re.M)

    def hears(self, pattern):
        return wait_for(f"the driver hears {pattern!r}; it heard: {self.text()}", lambda: self.said(pattern))

    def application(self):
        return int(self.hears(r"^application (\d+)")[-1])

    def end(self, code=0):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        expect(self.process.returncode == code, f"the driver's exit code is {self.process.returncode}: {self.text()}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.output.close()
        os.unlink(self.path)


# --- clusters ---

class Stage:
    """What clusters have in common: a folder of their own, what runs in the place of executors, drivers."""

    def __init__(self, executor, extra):
        self.top = tempfile.mkdtemp(prefix="vonk-cluster-")
        self.dir = os.path.join(self.top, "cluster")
        self.script = os.path.join(self.top, "executor")
        self.extra, self.drivers = list(extra), []
        self.env = {}
        if executor is not None:
            os.symlink(shutil.which("sleep"), os.path.join(self.top, "sleeper"))
            self.set_executor(executor)
            self.env["VONK_TEST_EXECUTOR"] = self.script

    def set_executor(self, body):
        with open(self.script + ".new", "w") as f:
            f.write("#!/bin/sh\n" + body + "\n")
        os.chmod(self.script + ".new", 0o755)
        os.rename(self.script + ".new", self.script)

    def secret(self):
        at = self.extra.index("--secret-file") if "--secret-file" in self.extra else None
        return [] if at is None else self.extra[at:at + 2]

    def driver(self, *arguments):
        self.drivers.append(Driver(self.url, *arguments, *self.secret()))
        return self.drivers[-1]

    def running(self):
        status = self.status()
        return [executor for executor in status["executors"] if executor["state"] == "running"] if status else []

    def runs(self, count, *, not_on=None, other_than=None):
        """For wait_for: what runs, when it is so many, none of them on that worker and not just those ids. One look at the
        status: between two of them an executor may come or go."""
        running = self.running()
        if len(running) == count and {executor["id"] for executor in running} != other_than:
            return running if all(executor["worker"] != not_on for executor in running) else None
        return None

    def executors(self):
        """{pid: command line} of those that run, or of what runs in their place"""
        return {pid: line for pid, line in processes_with(self.top).items()
                if self.script in line or "/sleeper" in line or line.startswith("vonk executor ")}

    def started(self, count):
        """For wait_for: their ids, when there are so many. They run for the master before their worker has started them."""
        pids = set(self.executors())
        return pids if len(pids) == count else None

    def keepers(self):
        return [pid for pid, line in processes_with(self.dir).items() if line.startswith("vonk keeper ")]

    def log(self, name):
        with open(os.path.join(self.dir, name + ".log")) as f:
            return f.read()

    def start(self, name, *arguments, env=None):
        return subprocess.Popen([VONK, *arguments, "--log-file", f"{self.dir}/{name}.log"], stdin=subprocess.DEVNULL,
                                env={**os.environ, **self.env, **(env or {})})

    def check_ends(self):
        wait_for(f"all processes have ended: {processes_with(self.top)}", lambda: not processes_with(self.top))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and kind is not Skipped:
            for name in sorted(os.listdir(self.dir)) if os.path.isdir(self.dir) else []:
                if name.endswith(".log"):
                    print(f"--- {name}\n{self.log(name[:-4])[-6000:]}")
        for driver in self.drivers:
            driver.close()
        self.close()


class Cluster(Stage):
    """vonk cluster up."""

    def __init__(self, workers=2, executor=SLEEPER, cores=None, extra=(), memory="4GiB", env=None, prefix=()):
        super().__init__(executor, extra)
        self.env.update(env or {})
        self.prefix = prefix  # of its processes, and of who wants to reach them
        if "--run-as" in self.extra:  # the other user finds what is its own
            os.chmod(self.top, 0o711)
        try:
            up = run("cluster", "up", str(workers), "--dir", self.dir, "--cores", str(cores or 2 * workers), "--memory", memory, *extra,
                     env=self.env, prefix=prefix)
        except SystemExit:  # who is ended in here is not ended by `with`
            subprocess.run([*prefix, VONK, "cluster", "down", "--dir", self.dir])
            shutil.rmtree(self.top, ignore_errors=True)
            raise
        self.url = up.stdout.strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def status(self):
        return json.loads(run("status", "--master", self.url, "--json", *self.secret(), prefix=self.prefix).stdout)

    def pid_of(self, name):
        with open(os.path.join(self.dir, "cluster.state")) as f:
            return int(re.search(rf"^process {name} (\d+)", f.read(), flags=re.M).group(1))

    def children_of(self, worker):
        """Executors, whatever runs in their place."""
        pid = self.pid_of(worker)
        children = [int(child) for child in open(f"/proc/{pid}/task/{pid}/children").read().split()]
        return [child for child in children if child not in self.keepers()]

    def start_worker(self, number, *arguments, env=None):
        """One more, which is to be stopped."""
        return self.start(f"worker-{number}", "worker", "--master", self.url, "--dir", f"{self.dir}/worker-{number}", "--cores", "2", "--memory", "2GiB",
                          *arguments, env=env)

    def start_master(self, *arguments):
        """In the place of the one that was killed; is to be stopped."""
        return self.start("master", "master", "--port", str(self.port), *arguments)

    def close(self):
        try:
            run("cluster", "down", "--dir", self.dir, prefix=self.prefix)
            expect(not os.path.exists(self.dir), f"left: {os.listdir(self.dir) if os.path.exists(self.dir) else ''}")
            self.check_ends()
            expect(not is_listening(self.port), "the port is still open")
        finally:
            shutil.rmtree(self.top, ignore_errors=True)


class Masters(Stage):
    """Masters that stand by, and workers, through a server of ZooKeeper."""

    def __init__(self, server, masters=2, workers=2, executor=SLEEPER, extra=()):
        super().__init__(executor, extra)
        os.mkdir(self.dir)
        self.server = server
        self.root = "/" + os.path.basename(self.top)  # each story has its own masters
        self.ports = [zookeeper.free_port() for _ in range(masters)]
        self.url = "vonk://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self.masters = [self.start_master(at) for at in range(masters)]
        self.workers = [self.start(f"worker-{at}", "worker", "--master", self.url, "--host", "127.0.0.1", "--cores", "2", "--memory", "2GiB",
                                   "--dir", f"{self.dir}/worker-{at}", *extra) for at in range(workers)]
        try:
            wait_for("all are there", lambda: self.is_whole(workers, masters - 1))
        except BaseException as error:  # who fails in here is not ended by `with`
            self.__exit__(type(error), error, None)
            raise

    def is_whole(self, workers, standbys):
        status = self.status()
        return status and len(status["workers"]) == workers and len(status["masters"]["standbys"]) == standbys

    def start_master(self, at):
        return self.start(f"master-{at}", "master", "--port", str(self.ports[at]), "--zookeeper", self.server.address + self.root, *self.extra)

    def ask(self, at):
        """(status, error) of that master alone."""
        done = subprocess.run([VONK, "status", "--json", "--master", f"vonk://127.0.0.1:{self.ports[at]}", *self.extra],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr)

    def status(self):
        """The leader's, or None."""
        for at, master in enumerate(self.masters):
            if master.poll() is None:
                status, _ = self.ask(at)
                if status:
                    return status
        return None

    def leader_now(self):
        """None: nobody leads, or it is not sure of that until ZooKeeper answers again."""
        leads = [at for at, master in enumerate(self.masters) if master.poll() is None and self.ask(at)[0]]
        expect(len(leads) <= 1, f"masters {leads} lead at once")
        return leads[0] if leads else None

    def leader(self):
        return wait_for("one of the masters leads", lambda: [at for at in [self.leader_now()] if at is not None])[0]

    def standbys(self):
        status = self.status()
        return status["masters"]["standbys"] if status else []

    def ids(self):
        return {executor["id"] for executor in self.running()}

    def close(self):
        everybody = [*self.workers, *self.masters]
        for process in everybody:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in everybody:
            process.wait(PATIENCE)
        try:
            self.check_ends()
        finally:
            shutil.rmtree(self.top, ignore_errors=True)


# --- the main loop ---

def main(names, each=lambda: contextlib.nullcontext(())):
    """Runs test_*(*what each() gives); names: a module's globals()."""
    tests = {name[5:]: function for name, function in names.items() if name.startswith("test_")}
    passed = failed = skipped = 0
    for name in sys.argv[1:] or tests:
        started = time.monotonic()
        try:
            with each() as arguments:
                tests[name](*arguments)
            passed += 1
            print(f"ok      {name}, {time.monotonic() - started:.1f} s", flush=True)
        except Skipped as why:
            skipped += 1
            print(f"skipped {name}: {why}", flush=True)
        except Exception as error:
            failed += 1
            print(f"not ok  {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed + skipped else 0
