#!/usr/bin/env python3
"""Drivers that workers run, for real: `vonk submit --deploy-mode cluster`, on loopback.

    run_drivers.py [STORY]...     VONK_BUILD names another build than build/release

Processes of drivers, their workers and masters are ended at the worst moments; what is supervised is started again, what is not
is reported, and nothing that was submitted is lost.
"""
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import zookeeper  # noqa: E402
from cluster import ROOT, VONK, Cluster, Masters, expect, main, run, skip, starts_most, stop, wait_for  # noqa: E402

JOB = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vonk/vonk.h>

/* job.c until FILE [CODE]; crash; query FILE */
int vonk_main(VonkSession *session, int argc, char **argv)
{
    printf("process %d\n", (int)getpid());
    fflush(stdout);
    if (strcmp(argv[1], "crash") == 0)
        abort();
    if (strcmp(argv[1], "query") == 0) {
        VonkResult *result = NULL;

        if (vonk_query(session, "SELECT count(*) FROM generate_series(1, 10)", NULL, 0, &result, NULL) != VONK_OK)
            return 1;
    }
    while (access(argv[2], F_OK) != 0)
        usleep(10000);
    puts("these are the last words");
    return argc > 3 ? atoi(argv[3]) : 0;
}
"""


class Job:
    """A driver of the job above, on a cluster."""

    def __init__(self, cluster, folder, *words, options=()):
        self.cluster, self.folder = cluster, folder
        self.source, self.gate = f"{folder}/job.c", f"{folder}/gate"
        with open(self.source, "w") as f:
            f.write(JOB)
        words = [self.gate if word == "GATE" else word for word in words]
        done = run("submit", "--master", cluster.url, "--deploy-mode", "cluster", *options, self.source, *words)
        self.id = int(done.stdout)

    def news(self):
        status = self.cluster.status()
        return next(driver for driver in status["drivers"] if driver["id"] == self.id) if status else {"state": ""}

    def is_in(self, state):
        return wait_for(f"it is {state}; it is {self.news()}", lambda: (lambda news: news if news["state"] == state else None)(self.news()))

    def log(self):
        """The processes' words, from all workers that it was on."""
        text = ""
        for top, _, files in os.walk(self.cluster.top):
            for name in files:
                if name == f"driver-{self.id}.log":
                    with open(os.path.join(top, name)) as f:
                        text += f.read()
        return text

    def processes(self):
        return [int(pid) for pid in re.findall(r"^process (\d+)$", self.log(), flags=re.M)]

    def starts(self, times):
        """Its last process."""
        wait_for(f"it has started {times} times; {self.log()}", lambda: len(self.processes()) == times)
        return next(pid for pid in self.processes() if os.path.exists(f"/proc/{pid}"))

    def open_gate(self):
        open(self.gate, "w").close()


def test_word_count(folder):
    with open(f"{folder}/words.txt", "w") as f:
        f.write("a b a\nc a b\n")
    with Cluster(2, executor=f'exec {VONK} "$@"') as cluster:
        submit = ["submit", "--master", cluster.url, "--deploy-mode", "cluster", "--wait", "--files", f"{folder}/words.txt",
                  f"{ROOT}/examples/word_count.c", "words.txt"]
        for _ in range(2):  # the second time the worker may have the files
            driver = int(run(*submit).stdout)
            news = next(news for news in cluster.status()["drivers"] if news["id"] == driver)
            expect(news["state"] == "finished" and news["exit_code"] == 0, news)
            with open(news["log"].split(":", 1)[1]) as log:
                expect("a,3\nb,2\nc,1" in log.read(), "its output is in its log")
        expect(f"driver {driver}" in run("status", "--master", cluster.url).stdout, "in words, too")
        wait_for("its folders are removed", lambda: not [name for worker in (1, 2) for name in os.listdir(f"{cluster.dir}/worker-{worker}")
                                                         if name.startswith("driver-") and not name.endswith(".log")])


def test_exit_code(folder):
    """It is the job's answer: nothing is started again."""
    with Cluster(2) as cluster:
        job = Job(cluster, folder, "until", "GATE", "3", options=["--supervise"])
        job.open_gate()
        news = job.is_in("failed")
        expect(news["exit_code"] == 3 and "exit code 3; its last words: these are the last words" in news["reason"], news)
        waited = run("submit", "--master", cluster.url, "--deploy-mode", "cluster", "--wait", job.source, "until", job.gate, "7", code=7)
        expect("has failed: exit code 7" in waited.stderr and "Its log is" in waited.stderr, waited.stderr)


def test_supervised_process_is_killed(folder):
    with Cluster(2) as cluster:
        job = Job(cluster, folder, "until", "GATE", options=["--supervise"])
        started = time.monotonic()
        os.kill(job.starts(1), signal.SIGKILL)
        started = time.monotonic()
        job.starts(2)
        print(f"    started again after {time.monotonic() - started:.2f} s")
        news = job.is_in("running")
        expect(news["restarts"] == 1 and "signal 9" in news["reason"], news)
        job.open_gate()
        expect(job.is_in("finished")["exit_code"] == 0, "its own end")
        expect(len(job.processes()) == 2, job.log())


def test_files_of_the_next_process(folder):
    """They stay when those of the process before it are removed late: the worker has much to remove just then."""
    with Cluster(1) as cluster:
        other = Job(cluster, folder, "until", "GATE")
        job = Job(cluster, folder, "until", "GATE", options=["--supervise"])
        first, of_other = job.starts(1), other.starts(1)
        left, much = os.readlink(f"/proc/{first}/cwd"), os.readlink(f"/proc/{of_other}/cwd")
        for i in range(20000):
            open(f"{much}/{i}", "w").close()
        os.kill(of_other, signal.SIGKILL)
        time.sleep(0.02)
        os.kill(first, signal.SIGKILL)
        own = os.readlink(f"/proc/{job.starts(2)}/cwd")
        wait_for("what was left is removed", lambda: not os.path.exists(left) and not os.path.exists(much))
        expect(os.path.exists(own) and os.listdir(own), f"the files of the second stay: {own}")
        job.open_gate()
        expect(job.is_in("finished")["exit_code"] == 0, "its own end")
        wait_for("its folder is removed", lambda: not os.path.exists(os.path.dirname(own)))


def test_process_is_killed(folder):
    with Cluster(1) as cluster:
        job = Job(cluster, folder, "until", "GATE")
        os.kill(job.starts(1), signal.SIGKILL)
        news = job.is_in("failed")
        expect("signal 9" in news["reason"] and news["restarts"] == 0, news)


def test_crash_loop(folder):
    """There are pauses, and it ends when it is told to."""
    with Cluster(1) as cluster:
        started = time.monotonic()
        job = Job(cluster, folder, "crash", options=["--supervise"])
        wait_for("it is tried again and again", lambda: job.news()["restarts"] >= 4)
        time.sleep(1)
        news = job.news()
        expect(news["restarts"] <= starts_most(time.monotonic() - started), news)
        run("kill", str(job.id), "--master", cluster.url)
        job.is_in("killed")


def test_worker_is_killed(folder):
    with Cluster(2) as cluster:
        job = Job(cluster, folder, "until", "GATE", options=["--supervise"])
        first = job.starts(1)
        worker = re.search(r"worker-\d", job.news()["log"]).group(0)
        os.kill(cluster.pid_of(worker), signal.SIGKILL)
        wait_for("its process ends with it", lambda: not os.path.exists(f"/proc/{first}"))
        again = cluster.start_worker(worker[-1])  # then the master need not wait for its silence
        try:
            job.starts(2)
            job.open_gate()
            job.is_in("finished")
        finally:
            stop(again)


def test_kill(folder):
    with Cluster(2) as cluster:
        job = Job(cluster, folder, "query", "GATE", options=["--supervise"])
        process = job.starts(1)
        wait_for("it is an application", lambda: job.news()["application"])
        run("kill", str(job.id), "--master", cluster.url)
        expect(job.news()["state"] == "killed", job.news())
        expect(not cluster.status()["applications"], "its application is over with it")
        wait_for("its process has ended", lambda: not os.path.exists(f"/proc/{process}"))
        wait_for("its executors too", lambda: not cluster.executors())
        expect(len(job.processes()) == 1, job.log())


def test_master_is_started_anew(folder):
    with Cluster(2) as cluster:
        job = Job(cluster, folder, "until", "GATE", options=["--supervise"])
        first = job.starts(1)
        os.kill(cluster.pid_of("master"), signal.SIGKILL)
        master = cluster.start_master("--dir", f"{cluster.dir}/master")
        try:
            wait_for("it is known", lambda: run_quietly(cluster) and job.news()["state"] == "running")
            expect(job.processes() == [first], "it goes on")
            os.kill(first, signal.SIGKILL)
            job.starts(2)
            job.open_gate()
            job.is_in("finished")
        finally:
            stop(master)


def run_quietly(cluster):
    return subprocess.run([VONK, "status", "--master", cluster.url], capture_output=True).returncode == 0


def test_leader_and_worker_are_killed(folder):
    """At once: what was kept in ZooKeeper is all that is left."""
    missing = zookeeper.why_not()
    if missing:
        skip(missing)
    with zookeeper.Server() as server, Masters(server) as cluster:
        job = Job(cluster, folder, "until", "GATE", options=["--supervise"])
        quiet = Job(cluster, folder, "until", "GATE")
        for one in (job, quiet):
            one.starts(1)
        leader = cluster.leader()
        at = re.search(r"worker-(\d)", job.news()["log"]).group(1)
        for process in (cluster.masters[leader], cluster.workers[int(at)]):
            process.kill()
            process.wait()
        cluster.masters[leader] = cluster.start_master(leader)
        job.starts(2)
        quiet_is_there = re.search(r"worker-(\d)", quiet.news()["log"]).group(1) != at
        expect(quiet_is_there == (quiet.news()["state"] == "running"), quiet.news())
        job.open_gate()
        job.is_in("finished")
        if quiet_is_there:
            expect(len(quiet.processes()) == 1, quiet.log())
            quiet.is_in("finished")


def test_what_cannot_be_submitted(folder):
    with Cluster(1) as cluster:
        submit = ["submit", "--master", cluster.url, "--deploy-mode", "cluster"]
        with open(f"{folder}/large", "wb") as f:
            f.truncate(9 << 20)
        job = Job(cluster, folder, "until", "GATE")
        expect("more than 8 MiB" in run(*submit, "--files", f"{folder}/large", job.source, code=1).stderr, "too large")
        expect("cannot read" in run(*submit, "--files", f"{folder}/none", job.source, code=1).stderr, "not there")
        expect("is no plain file" in run(*submit, "--files", folder, job.source, code=1).stderr, "a folder")
        run("submit", "--deploy-mode", "cluster", job.source, code=2)
        run("submit", "--supervise", job.source, code=2)
        run("submit", "--deploy-mode", "moon", job.source, code=2)
        job.open_gate()
        job.is_in("finished")


@contextlib.contextmanager
def a_folder():
    with tempfile.TemporaryDirectory(prefix="vonk-drivers-") as folder:
        yield (folder,)


if __name__ == "__main__":
    sys.exit(main(globals(), a_folder))
