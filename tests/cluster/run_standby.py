#!/usr/bin/env python3
"""Masters that stand by, for real: a ZooKeeper server of this test's own, two masters, two workers, on loopback.

    run_standby.py [STORY]...     VONK_BUILD names another build than build/release

The leader is killed, stopped and cut off; what must hold is that another one leads soon, that never two of them answer, and
that executors and drivers do not care. The time from the leader's end to the next one's first answer is printed.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import zookeeper  # noqa: E402
from run_cluster import PATIENCE, SLEEPER, VONK, Driver, expect, processes_with, run, wait_for  # noqa: E402


def is_whole(status, workers, standbys):
    return status and len(status["workers"]) == workers and len(status["masters"]["standbys"]) == standbys


class Masters:
    """Masters and workers in a folder of their own; scripts in the place of executors."""

    def __init__(self, server, masters=2, workers=2, extra=()):
        self.server, self.extra, self.drivers = server, list(extra), []
        self.top = tempfile.mkdtemp(prefix="vonk-standby-")
        os.symlink(shutil.which("sleep"), os.path.join(self.top, "sleeper"))
        self.script = os.path.join(self.top, "executor")
        with open(self.script, "w") as f:
            f.write(f"#!/bin/sh\n{SLEEPER}\n")
        os.chmod(self.script, 0o755)
        self.root = "/" + os.path.basename(self.top)  # each story has its own masters
        self.ports = [zookeeper.free_port() for _ in range(masters)]
        self.url = "vonk://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self.masters = [self.start_master(at) for at in range(masters)]
        self.workers = [self.start(f"worker-{at}", "worker", "--master", self.url, "--host", "127.0.0.1", "--cores", "2", "--memory", "2GiB",
                                   "--dir", f"{self.top}/worker-{at}") for at in range(workers)]
        try:
            wait_for("all are there", lambda: is_whole(self.status(), workers, masters - 1))
        except BaseException as error:  # who fails in here is not ended by `with`
            self.__exit__(type(error), error, None)
            raise

    def start(self, name, *arguments):
        return subprocess.Popen([VONK, *arguments, "--log-file", f"{self.top}/{name}.log", *self.extra], stdin=subprocess.DEVNULL,
                                env={**os.environ, "VONK_TEST_EXECUTOR": self.script})

    def start_master(self, at):
        return self.start(f"master-{at}", "master", "--port", str(self.ports[at]), "--zookeeper", self.server.address + self.root)

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

    def leader(self):
        leads = [at for at, master in enumerate(self.masters) if master.poll() is None and self.ask(at)[0]]
        expect(len(leads) <= 1, f"masters {leads} lead at once")
        return leads[0] if leads else None

    def running(self):
        status = self.status()
        return {executor["id"] for executor in status["executors"] if executor["state"] == "running"} if status else set()

    def executors(self):
        return {pid for pid, line in processes_with(self.top).items() if self.script in line or "/sleeper" in line}

    def driver(self, *arguments):
        self.drivers.append(Driver(self.url, *arguments, *self.extra))
        return self.drivers[-1]

    def log(self, at):
        with open(f"{self.top}/master-{at}.log") as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            for name in sorted(name for name in os.listdir(self.top) if name.endswith(".log")):
                with open(f"{self.top}/{name}") as f:
                    print(f"--- {name}\n{f.read()[-6000:]}")
        for driver in self.drivers:
            driver.close()
        for process in [*self.workers, *self.masters]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in [*self.workers, *self.masters]:
            process.wait(PATIENCE)
        try:
            wait_for(f"all processes have ended: {processes_with(self.top)}", lambda: not processes_with(self.top), 10)
        finally:
            shutil.rmtree(self.top, ignore_errors=True)


def has_all(status):
    return len(status["workers"]) == 2 and [executor["state"] for executor in status["executors"]] == ["running"] * 2


def takes_over(cluster, other):
    """Until the other one leads, with all that there was."""
    started = time.monotonic()
    wait_for("the other one leads", lambda: cluster.ask(other)[0])
    answered = time.monotonic()
    wait_for("all are back", lambda: has_all(cluster.ask(other)[0]))
    print(f"    the next leader answered after {answered - started:.1f} s, and had all workers and executors after "
          f"{time.monotonic() - started:.1f} s")


def test_leader_is_killed(server):
    with Masters(server) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        application, before, pids = driver.application(), cluster.running(), cluster.executors()
        leader = cluster.leader()
        _, error = cluster.ask(1 - leader)
        expect(f"stands by: the one at 127.0.0.1:{cluster.ports[leader]} leads" in error, error)
        cluster.masters[leader].kill()
        cluster.masters[leader].wait()
        takes_over(cluster, 1 - leader)
        expect(cluster.running() == before and cluster.executors() == pids, "the same executors")
        wait_for("the driver is back", lambda: len(driver.said("^application")) == 2)
        expect(driver.application() == application, "the same application")
        os.kill(next(iter(pids)), signal.SIGKILL)
        wait_for("one is replaced", lambda: len(cluster.running()) == 2 and cluster.running() != before)
        expect(max(cluster.running()) > max(before), "ids ascend")
        cluster.masters[leader] = cluster.start_master(leader)
        wait_for("the first one stands by", lambda: cluster.status()["masters"]["standbys"])
        expect(cluster.leader() == 1 - leader, "and no more than that")
        driver.end()
        wait_for("all is over", lambda: not cluster.executors())


def test_leader_is_stopped(server):
    """It does not know what has happened meanwhile, and must not say anything."""
    with Masters(server) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        before, pids, leader = cluster.running(), cluster.executors(), cluster.leader()
        cluster.masters[leader].send_signal(signal.SIGSTOP)
        takes_over(cluster, 1 - leader)
        cluster.masters[leader].send_signal(signal.SIGCONT)
        for _ in range(20):  # from the first moment on
            status, error = cluster.ask(leader)
            expect(status is None and "stands by" in error, f"it answers: {status or error}")
        expect(cluster.leader() == 1 - leader and cluster.running() == before and cluster.executors() == pids, "nothing has changed")
        wait_for("it is a standby", lambda: cluster.status()["masters"]["standbys"])
        refused = run("kill", "1", "--master", f"vonk://127.0.0.1:{cluster.ports[leader]}", code=1)
        expect("stands by" in refused.stderr, refused.stderr)
        driver.end()


def test_leader_ends(server):
    """By SIGTERM: the next one need not wait."""
    with Masters(server, workers=0) as cluster:
        leader = cluster.leader()
        started = time.monotonic()
        cluster.masters[leader].terminate()
        wait_for("the other one leads", lambda: cluster.ask(1 - leader)[0])
        print(f"    the next leader answered after {time.monotonic() - started:.2f} s")


def test_zookeeper_is_lost(server):
    with Masters(server) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        before, pids, leader = cluster.running(), cluster.executors(), cluster.leader()
        server.kill()
        try:
            wait_for("nobody leads", lambda: cluster.leader() is None)
            wait_for("that is said", lambda: "gives no orders" in cluster.log(leader) or "stands down" in cluster.log(leader))
            expect(cluster.executors() == pids, "executors go on")
        finally:
            server.start()
        wait_for("somebody leads", lambda: cluster.leader() is not None)
        wait_for("all are back", lambda: cluster.running() == before)
        expect(cluster.executors() == pids, "the same processes")
        driver.end()


def test_query_without_a_leader(server):
    """A client waits for the next one."""
    with Masters(server) as cluster:
        cluster.masters[cluster.leader()].kill()
        status = run("status", "--master", cluster.url)
        expect("leads; no other stands by" in status.stdout, status.stdout)


def test_secret(server):
    folder = tempfile.mkdtemp(prefix="vonk-secret-")
    try:
        run("cluster", "init", "--secret-file", f"{folder}/secret")
        with Masters(server, workers=1, extra=["--secret-file", f"{folder}/secret"]) as cluster:
            cluster.driver().hears("^news 1")
            stranger = subprocess.Popen([VONK, "master", "--port", "0", "--zookeeper", server.address + cluster.root, "--log-file",
                                         f"{folder}/log"], stdin=subprocess.DEVNULL)
            try:
                wait_for("one without it is refused", lambda: os.path.exists(f"{folder}/log") and "not authenticated" in open(f"{folder}/log").read())
                expect(not cluster.status()["masters"]["standbys"][1:], "it is no standby")
            finally:
                stranger.terminate()
                stranger.wait(PATIENCE)
    finally:
        shutil.rmtree(folder)


def test_wrong_servers(server):
    failed = run("master", "--port", "0", "--zookeeper", "/vonk", code=1)
    expect("does not name servers of ZooKeeper" in failed.stderr, failed.stderr)


def main():
    missing = zookeeper.why_not()
    if missing:
        print(f"not run: {missing}\n1 passed, 0 failed")
        return 0
    tests = {name[5:]: function for name, function in globals().items() if name.startswith("test_")}
    failed = 0
    names = sys.argv[1:] or list(tests)
    with zookeeper.Server() as server:
        for name in names:
            started = time.monotonic()
            try:
                tests[name](server)
                print(f"ok      {name}, {time.monotonic() - started:.1f} s", flush=True)
            except Exception as error:
                failed += 1
                print(f"not ok  {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
