#!/usr/bin/env python3
"""Nodes in trouble: clocks that jump, calls that fail, full disks, a bad network, connections that say nothing.

    run_nodes.py [STORY]...     VONK_BUILD names another build than build/release

Each answer is that of one process, or an error that names the cause, and comes in time.
"""
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cluster import VONK, Cluster, expect, is_listening, listening_port, main, run, skip, stop, wait_for  # noqa: E402
from cluster_work import QUERIES, Work  # noqa: E402
from clocks import Clocks  # noqa: E402
from fault_proxy import FaultNet  # noqa: E402
from jobs import write_job  # noqa: E402

FIU = [f"/usr/lib/fiu/fiu_{name}_preload.so" for name in ("run", "posix")]


def need(*paths):
    for path in paths:
        if not os.path.exists(path):
            skip(f"there is no {path}")


def shell(cluster, work, *options, env=None):
    """vonk sql, whose executors stay from one query to the next."""
    return subprocess.Popen([*cluster.prefix, VONK, "sql", work.database(), "--master", cluster.url, "--format", "csv", *options], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **(env or {})})


def answers(process, query, wanted):
    process.stdin.write(query + ";\n")
    process.stdin.flush()
    for line in wanted.splitlines():
        got = process.stdout.readline()
        expect(got == line + "\n", f"{query}: {got!r}, not {line!r}")


# --- clocks ---

def test_clocks_jump(work):
    """By days, forwards and backwards, on all of them and on one: nobody is given up, nothing is made again."""
    with tempfile.TemporaryDirectory(prefix="vonk-clock-") as folder:
        clocks = Clocks(folder)
        words = " ".join(f"{name}={value}" for name, value in clocks.environment("executors").items())
        secret = os.path.join(folder, "secret")
        run("cluster", "init", "--secret-file", secret)
        with Cluster(2, executor=f'exec env {words} {VONK} "$@"', cores=2, env=clocks.environment("servers"),
                     extra=["--secret-file", secret]) as cluster:
            process = shell(cluster, work, "--set", f"secret_file={secret}", env=clocks.environment("driver"))
            try:
                answers(process, QUERIES[1], work.answers[1])
                before = wait_for("both run", lambda: cluster.runs(2))
                for days in ((3, 3, 3), (-400, 0, 0), (0, 5000, -3), (0, 0, 0)):
                    for name, by in zip(("servers", "executors", "driver"), days):
                        clocks.turn(name, by)
                    for number in (4, 2):
                        answers(process, QUERIES[number], work.answers[number])
                clocks.turn("servers", -400)
                expect(not [past for past in cluster.status()["ended"] if past["kind"] == "worker"], cluster.status()["ended"])
                expect([one["id"] for one in before] == [one["id"] for one in cluster.running()], f"the same executors: {before} {cluster.running()}")
                # a master that begins with a time of day that has been
                os.kill(cluster.pid_of("master"), signal.SIGKILL)
                wait_for("it has ended", lambda: not is_listening(cluster.port))
                master = cluster.start_master("--secret-file", secret, "--dir", f"{cluster.dir}/master")
                try:
                    wait_for("it answers", lambda: is_listening(cluster.port))
                    wait_for("all are back", lambda: {one["id"] for one in cluster.running()} == {one["id"] for one in before})
                    answers(process, QUERIES[4], work.answers[4])
                    work.compare(cluster, "clocks that are not the same")
                finally:
                    process.stdin.close()
                    stop(master)
            finally:
                process.stdin.close()
                process.wait(60)
            expect(process.returncode == 0, "it ends")


# --- calls that fail ---

CALLS = {"calls": {"posix/io/rw/*": 0.01, "posix/io/net/*": 0.01, "posix/io/oc/*": 0.02, "posix/io/dir/*": 0.05, "posix/mm/*": 0.01},
         "memory": {"libc/mm/*": 0.0001}}


def test_calls_fail(work):
    """In executors, one of so many: what is lost is made again, or the query fails and says why."""
    need(*FIU)
    right = wrong = 0
    ends = set()
    for name, points in CALLS.items():
        enable = "\n".join(f"enable_random name={point},probability={probability}" for point, probability in points.items())
        body = f'export FIU_ENABLE="{enable}" LD_PRELOAD="{":".join(FIU)}"; exec {VONK} "$@"'
        with Cluster(2, executor=body, cores=2) as cluster:
            for query, answer in zip(QUERIES, work.answers):
                code, out, err = work.ask(query, ["--master", cluster.url])
                expect(code != 124, f"{name}: {query} did not end")
                expect(code != 0 or out == answer, f"{name}: {query}: other bytes")
                expect(code in (0, 1) and (code == 0 or "ERROR:" in err or "vonk " in err), f"{name}: {query}: exit {code} {err}")
                right, wrong = right + (code == 0), wrong + (code != 0)
                if code != 0:
                    print(f"    {name}: {err.strip().splitlines()[0][:200]}")
            ends |= {past["reason"] for past in cluster.status()["ended"] if past["kind"] == "executor"}
    ends -= {"it was stopped", "it was stopped before it was started"}
    print(f"    {right} answers, {wrong} errors; executors have ended of {len(ends)} causes")
    expect(right > wrong and ends, f"most are answered, and calls do fail: {ends}")


# --- disks ---

@contextlib.contextmanager
def small_disk(path, size):
    os.makedirs(path)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path], capture_output=True, text=True)
    if done.returncode != 0:
        os.rmdir(path)
        skip(f"no disk of a fixed size can be had: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
        os.rmdir(path)


# more than the memory of its executors, and than the small disk
SORT = "SELECT a.id, a.note, b.city FROM sales a, shops b WHERE b.shop < 20 ORDER BY a.note, b.city, a.id, b.shop"


def test_disk_is_full(work):
    """On one node: the same bytes. On all of them: an error that says so."""
    code, wanted, err = work.ask(SORT)
    expect(code == 0, err)
    with Cluster(1, executor=None, cores=1) as cluster, small_disk(os.path.join(cluster.top, "small"), "2m"):
        options = ["--master", cluster.url, "--set", "executor_memory=100MiB"]
        worker = cluster.start("small", "worker", "--master", cluster.url, "--dir", os.path.join(cluster.top, "small"), "--cores", "1",
                               "--memory", "1GiB")
        try:
            wait_for("both are there", lambda: len(cluster.status()["workers"]) == 2)
            code, out, err = work.ask(SORT, options)
            expect(code == 0 and out == wanted, f"one disk of two is full: exit {code} {err}")
            os.kill(cluster.pid_of("worker-1"), signal.SIGTERM)
            wait_for("it has left", lambda: len(cluster.status()["workers"]) == 1)
            code, out, err = work.ask(SORT, options)
            expect(code == 1 and "No space left on device" in err, f"all disks are full: exit {code} {err}")
        finally:
            stop(worker)
            os.unlink(f"{cluster.dir}/small.log")


# --- networks ---

EPISODES = [{"lose": 0.2, "repeat": 0.2}, {"flip": 0.1}, {"cut": "up"}, {"reset": 0.1}, {"cut": "down"}, {"delay_ms": 50}, {"cut": "both"}]


def test_bad_network(work):
    missing = FaultNet.why_not()
    if missing:
        skip(missing)
    with FaultNet(seed=5) as net, Cluster(2, executor=None, cores=2, prefix=net.command([])) as cluster:
        over = threading.Event()

        def spoil():
            for faults in EPISODES * 100:
                net.faults(**faults)
                if over.wait(0.7):
                    break
                net.faults()
                if over.wait(0.3):
                    break
            net.faults()

        spoiler = threading.Thread(target=spoil)
        spoiler.start()
        try:
            work.compare(cluster, "bad network", 7)
        finally:
            over.set()
            spoiler.join()
        print(f"    {net.faults()}")


DRIVERS_ROWS = """#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>
VONK_RECORD(N, VONK_FIELD(int8, v));
static void add(VonkTask *task, N *sum, const N *more)
{
    (void)task;
    sum->v += more->v;
}
int vonk_main(VonkSession *session, int argc, char **argv)
{
    enum { COUNT = 2000000 };
    N *all = malloc(COUNT * sizeof *all), sum;
    VonkRdd *few, *rdd;
    VonkError error;
    (void)argc, (void)argv;
    for (int i = 0; i < COUNT; i++)
        all[i].v = i;
    few = vonk_rdd_parallelize(session, N, all, 10, 4);
    rdd = vonk_rdd_parallelize(session, N, all, COUNT, 4);
    free(all);
    if (vonk_rdd_reduce(few, N, add, &sum, NULL, &error) == VONK_OK) {
        fprintf(stderr, "ready\\n");
        getchar();
        if (vonk_rdd_reduce(rdd, N, add, &sum, NULL, &error) == VONK_OK)
            return printf("%lld\\n", (long long)sum.v), 0;
    }
    return fprintf(stderr, "%s\\n", error.message), 1;
}
"""


def test_rows_of_a_driver_out_of_reach(work):
    """What only the driver has is waited for: nobody else could make it again."""
    missing = FaultNet.why_not()
    if missing:
        skip(missing)
    job = write_job(work.folder, "drivers_rows.c", DRIVERS_ROWS)
    with FaultNet(seed=5) as net, Cluster(2, executor=None, cores=2, prefix=net.command([])) as cluster:
        process = subprocess.Popen([*cluster.prefix, VONK, "submit", "--master", cluster.url, job], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(process.stderr.readline() == "ready\n", "it runs")
        net.faults(reset=1, ports=[listening_port(process.pid)])  # who asks the driver gets no answer
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(6)  # longer than a fetch from an executor is tried, shorter than executors are given up
        net.faults()
        out, err = process.communicate(timeout=60)
        expect(process.returncode == 0 and out == "1999999000000\n", f"exit {process.returncode} {err}")


def test_silent_connections(work):
    """1,000 to the master, to an executor, to a keeper and to the driver each keep nobody out, and half a hello neither."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 5000:
        skip(f"this process may have {hard} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = []
    try:
        with Cluster(2, executor=None, cores=2) as cluster:
            process = shell(cluster, work)
            answers(process, QUERIES[0], work.answers[0])
            wait_for("both run", lambda: cluster.runs(2))
            pids = [next(iter(cluster.executors())), cluster.keepers()[0], process.pid]
            for port in [cluster.port, *(wait_for("it listens", lambda pid=pid: listening_port(pid)) for pid in pids)]:
                for number in range(1000):
                    connections.append(socket.create_connection(("127.0.0.1", port)))
                    connections[-1].sendall(b"VRPC"[:number % 5])
            answers(process, QUERIES[4], work.answers[4])
            work.compare(cluster, "4,000 connections that say nothing")
            process.stdin.close()
            process.wait(60)
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    with Work() as all_work:
        sys.exit(main(globals(), lambda: contextlib.nullcontext((all_work,))))
