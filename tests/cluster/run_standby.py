#!/usr/bin/env python3
"""Masters that stand by, for real: a ZooKeeper server of this test's own, two masters, two workers, on loopback.

    run_standby.py [STORY]...     VONK_BUILD names another build than build/release

The leader is killed, stopped and cut off; what must hold is that another one leads soon, that never two of them answer, and
that executors and drivers do not care. The time from the leader's end to the next one's first answer is printed.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import zookeeper  # noqa: E402
from cluster import PATIENCE, VONK, Cluster, Masters, expect, main, run, wait_for  # noqa: E402


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


def both_run(cluster):
    """Their ids, and those of their processes."""
    ids = wait_for("both run", lambda: (lambda found: found if len(found) == 2 else None)(cluster.ids()))
    return ids, wait_for("both have started", lambda: cluster.started(2))


def test_leader_is_killed(server):
    with Masters(server) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        application, before, pids = driver.application(), *both_run(cluster)
        leader = cluster.leader()
        _, error = cluster.ask(1 - leader)
        expect(f"stands by: the one at 127.0.0.1:{cluster.ports[leader]} leads" in error, error)
        cluster.masters[leader].kill()
        cluster.masters[leader].wait()
        takes_over(cluster, 1 - leader)
        expect(cluster.ids() == before and set(cluster.executors()) == pids, "the same executors")
        wait_for("the driver is back", lambda: len(driver.said("^application")) == 2)
        expect(driver.application() == application, "the same application")
        os.kill(next(iter(pids)), signal.SIGKILL)
        wait_for("one is replaced", lambda: len(cluster.ids()) == 2 and cluster.ids() != before)
        expect(max(cluster.ids()) > max(before), "ids ascend")
        cluster.masters[leader] = cluster.start_master(leader)
        wait_for("the first one stands by", lambda: cluster.standbys())
        expect(cluster.leader() == 1 - leader, "and no more than that")
        driver.end()
        wait_for("all is over", lambda: not cluster.executors())


def test_leader_is_started_again(server):
    """It removes the node of the one before, whose session would last longer; one of another network could not know."""
    with Masters(server) as cluster:
        leader, started = cluster.leader(), time.monotonic()
        cluster.masters[leader].kill()
        cluster.masters[leader].wait()
        cluster.masters[leader] = cluster.start_master(leader)
        wait_for("the other one leads, and this one stands by", lambda: cluster.ask(1 - leader)[0] and cluster.standbys())
        took = time.monotonic() - started
        expect("the master that was here before is gone" in cluster.log(f"master-{leader}") or took > 2, f"not waited for: {took:.1f} s")
        print(f"    the next leader was there after {took:.1f} s")


def test_leader_is_stopped(server):
    """It does not know what has happened meanwhile, and must not say anything."""
    with Masters(server) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        (before, pids), leader = both_run(cluster), cluster.leader()
        cluster.masters[leader].send_signal(signal.SIGSTOP)
        takes_over(cluster, 1 - leader)
        cluster.masters[leader].send_signal(signal.SIGCONT)
        for _ in range(20):  # from the first moment on
            status, error = cluster.ask(leader)
            expect(status is None and "stands by" in error, f"it answers: {status or error}")
        expect(cluster.leader() == 1 - leader and cluster.ids() == before and set(cluster.executors()) == pids, "nothing has changed")
        wait_for("it is a standby", lambda: cluster.standbys())
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
        (before, pids), leader = both_run(cluster), cluster.leader()
        server.kill()
        try:
            wait_for("nobody leads", lambda: cluster.leader_now() is None)
            wait_for("that is said", lambda: "gives no orders" in cluster.log(f"master-{leader}") or "stands down" in cluster.log(f"master-{leader}"))
            expect(set(cluster.executors()) == pids, "executors go on")
        finally:
            server.start()
        wait_for("all are back", lambda: cluster.leader() is not None and cluster.ids() == before)
        expect(set(cluster.executors()) == pids, "the same processes")
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
                expect(not cluster.standbys()[1:], "it is no standby")
            finally:
                stranger.terminate()
                stranger.wait(PATIENCE)
    finally:
        shutil.rmtree(folder)


def test_cluster_up(server):
    """Of one command; the URL names all masters, and any of them may end."""
    run("cluster", "up", "1", "--masters", "2", "--dir", "/nonexistent", code=1)
    with Cluster(1, executor=None, cores=1, extra=["--masters", "3", "--zookeeper", server.address + "/up"]) as cluster:
        expect(cluster.url.count(",") == 2 and wait_for("two stand by", lambda: len(cluster.status()["masters"]["standbys"]) == 2), cluster.url)
        os.kill(cluster.pid_of("master"), signal.SIGKILL)
        answer = run("sql", "--master", cluster.url, "--format", "csv", "-c", "SELECT count(*) FROM generate_series(1, 100)").stdout
        expect(answer == "count\n100\n", answer)


def test_wrong_servers(server):
    failed = run("master", "--port", "0", "--zookeeper", "/vonk", code=1)
    expect("does not name servers of ZooKeeper" in failed.stderr, failed.stderr)


if __name__ == "__main__":
    missing = zookeeper.why_not()
    if missing:
        print(f"not run: {missing}\n1 passed, 0 failed")
        sys.exit(0)
    with zookeeper.Server() as server:
        sys.exit(main(globals(), lambda: contextlib.nullcontext((server,))))
