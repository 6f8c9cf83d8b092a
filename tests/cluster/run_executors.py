#!/usr/bin/env python3
"""Queries and jobs on executors of their own cluster: the same bytes as on one machine, whatever becomes of the executors.

    run_executors.py [STORY]...     VONK_SECONDS: of each story that kills

Executors are processes of this test's workers; they are ended by their ids.
"""
import collections
import contextlib
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cluster import VONK, Cluster, a_secret, expect, main, run, wait_for  # noqa: E402
from cluster_work import QUERIES, Work  # noqa: E402
from jobs import submit, write_job  # noqa: E402

SECONDS = float(os.environ.get("VONK_SECONDS", 10))


def three_workers(**options):
    return Cluster(3, executor=None, cores=3, **options)


class Breaker(threading.Thread):
    """Does something to a random executor, now and then, until `with` ends."""

    def __init__(self, cluster, act, every):
        super().__init__()
        self.cluster, self.act, self.every, self.count = cluster, act, every, 0
        self.over, self.generator = threading.Event(), random.Random(11)

    def run(self):
        while not self.over.wait(self.every):
            while not self.acts() and not self.over.wait(0.01):  # between two queries there are none
                pass

    def acts(self):
        pids = sorted(self.cluster.executors())
        if not pids:
            return False
        try:
            self.act(self.generator.choice(pids))
        except ProcessLookupError:
            return False
        self.count += 1
        return True

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def test_undisturbed(work):
    with three_workers() as cluster:
        work.compare(cluster, "undisturbed")


def test_killed(work):
    with three_workers() as cluster, Breaker(cluster, lambda pid: os.kill(pid, signal.SIGKILL), 1) as breaker:
        work.compare(cluster, "killed", SECONDS)
        expect(breaker.count > 0, "no executor was killed")


def test_worker_killed(work):
    """With all that is its own, so that nobody tells the driver: it finds out, also that what was kept there is gone."""
    logs = tempfile.mkdtemp(dir=work.folder)
    with three_workers() as cluster:
        driver = subprocess.Popen([VONK, "sql", work.database(), "--master", cluster.url, "--set", f"event_log={logs}", "--format", "csv"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def said(name):
            driver.stdin.write(QUERIES[5] + ";\n")
            driver.stdin.flush()
            for expected in work.answers[5].splitlines():
                expect(driver.stdout.readline() == expected + "\n", "a line of the answer")
            with open(os.path.join(logs, os.listdir(logs)[0])) as f:
                return [event for event in map(json.loads, f) if event["event"] == name]

        wait_for("the driver has three executors", lambda: len(said("executor")) == 3)
        expect(not said("executor_lost"), "all executors live")
        os.kill(cluster.pid_of("worker-1"), signal.SIGKILL)
        found = wait_for("the driver has lost an executor", lambda: said("executor_lost"))
        expect({event["blocks"] for event in found} == {"lost"}, f"what was kept is gone as well: {found}")
        driver.stdin.close()
        driver.wait(60)


def test_driver_killed(work):
    """Its executors find nobody where it was, and make room, long before it counts as silent."""
    with three_workers() as cluster:
        driver = subprocess.Popen([VONK, "sql", work.database(), "--master", cluster.url, "--format", "csv"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        driver.stdin.write(QUERIES[5] + ";\n")
        driver.stdin.flush()
        expect(driver.stdout.readline() == work.answers[5].splitlines()[0] + "\n", "the first line of the answer")
        driver.kill()
        driver.wait()
        wait_for("its executors have ended", lambda: not cluster.running())
        ends = "".join(cluster.log(f"worker-{at}") for at in (1, 2, 3))
        expect("ends: its driver is gone" in ends and "its driver is silent" not in ends, ends)
        work.compare(cluster, "another driver")


def test_damaged(work):
    with three_workers(env={"VONK_TEST_DAMAGE": "5"}) as cluster:
        work.compare(cluster, "damaged")


def test_stopped(work):
    """An executor that is slow without a reason: its driver gives it up, and what it says later is refused."""
    stopped = []

    def freeze(pid):
        if not stopped:
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
            threading.Timer(15, lambda: resume(pid)).start()

    def resume(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    with three_workers() as cluster:
        with Breaker(cluster, freeze, 0.1):
            work.compare(cluster, "stopped")
        expect(stopped, "no executor was stopped")
        for pid in stopped:
            resume(pid)


def status_of(cluster, *options, code=0):
    done = subprocess.run([VONK, "status", "--master", cluster.url, *options], capture_output=True, text=True)
    expect(done.returncode == code, f"vonk status {options}: {done.stderr}")
    return done.stdout if code == 0 else done.stderr


def test_events(work):
    """What an event log says of a query, and what a driver that runs says of itself."""
    logs = os.path.join(work.folder, "logs")
    with three_workers() as cluster:
        line = [VONK, "sql", work.database(), "--master", cluster.url, "--set", f"event_log={logs}"]
        driver = subprocess.Popen([*line, "--format", "csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        driver.stdin.write(QUERIES[5] + ";\n")
        driver.stdin.flush()
        for expected in work.answers[5].splitlines():
            expect(driver.stdout.readline() == expected + "\n", "a line of the answer")
        application = str(cluster.status()["applications"][0]["id"])
        live = status_of(cluster, "--lineage", application)
        driver.stdin.close()
        driver.wait(60)
        names = os.listdir(logs)
        expect(len(names) == 1, f"one file, not {names}")
        path = os.path.join(logs, names[0])
        with open(path) as f:
            said = [json.loads(line) for line in f]
        made = [event for event in said if event["event"] == "task" and event["outcome"] == "made"]
        expect(made and {event["state"] for event in said if event["event"] == "job_ended"} == {"succeeded"}, said)
        expect({event["stage"] for event in made} == {event["stage"] for event in said if event["event"] == "stage"}, "of every stage")
        with open(path, "a") as f:
            f.write('{"event": "task", "sta')  # as of a driver that was killed
        later = subprocess.run([VONK, "status", "--from", path, "--lineage"], capture_output=True, text=True).stdout
        expect("1 of" in later and "left out" in later, f"half a line: {later}")
        for event in made:
            expect(event["hash"] in live and event["hash"] in later, f"{event} is not in {live}")
        expect("vonk status --from" in status_of(cluster, "--lineage", application, code=1), "of one that has ended")
        expect("is no event log" in status_of(cluster, "--from", os.path.abspath(__file__), code=1), "of another file")


def test_ended_by_kill(work):
    """The statement that runs then says by whom it was ended."""
    endless = "SELECT count(*) FROM sales a, sales b, sales c WHERE a.id + b.id + c.id = 5"
    with three_workers() as cluster:
        driver = subprocess.Popen([VONK, "sql", work.database(), "--master", cluster.url, "-c", endless], stderr=subprocess.PIPE, text=True)
        wait_for("a stage at work", lambda: any(one["stages"] for one in cluster.status()["applications"]))
        subprocess.run([VONK, "kill", "--master", cluster.url, str(cluster.status()["applications"][0]["id"])], check=True)
        said = driver.communicate(timeout=60)[1]
        expect(driver.returncode == 1 and re.search("^ERROR: .* was ended by vonk kill", said, re.MULTILINE), said)


def test_interrupted_in_a_step(work):
    """A batch of one side gives a billion rows: its task ends at once all the same, and nobody has to give its executor up."""
    with three_workers() as cluster:
        driver = subprocess.Popen([VONK, "sql", work.database(), "--master", cluster.url, "-c", "SELECT a.id, b.id FROM sales a, sales b, sales c"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for("a task at work", lambda: any(one["stages"] for one in cluster.status()["applications"]))
        time.sleep(0.5)
        driver.send_signal(signal.SIGINT)
        said = driver.communicate(timeout=60)[1]
        expect(driver.returncode == 130 and "canceling statement due to user request" in said, f"exit {driver.returncode} {said}")
        expect("did not stop a task that was cancelled" not in cluster.log("master"), cluster.log("master"))


def test_sort_larger_than_memory(work):
    """What was freed by one phase of a task does not count for the next: an executor of any size spills, and is not ended."""
    query = "SELECT x, x::text || repeat('x', 200) AS s FROM generate_series(1, 1200000) g(x) ORDER BY s DESC"
    wanted = hashlib.sha256(run("sql", "--format", "csv", "-c", query).stdout.encode()).hexdigest()
    with Cluster(1, executor=None, cores=1) as cluster:
        for memory in ("100MiB", "150MiB", "300MiB"):
            process = subprocess.run([VONK, "sql", "--master", cluster.url, "--set", f"executor_memory={memory}", "--format", "csv", "-c", query],
                                     capture_output=True, timeout=120)
            expect(process.returncode == 0 and hashlib.sha256(process.stdout).hexdigest() == wanted, f"{memory}: {process.stderr.decode()}")


BAD = """
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
VONK_RECORD(N, VONK_FIELD(int8, v));
static char *volatile kept;
static void same(VonkTask *task, const VonkNumber *in, N *out) { (void)task, out->v = in->value; }
static void crash(VonkTask *task, const VonkNumber *in, N *out)
{
    (void)task;
    if (in->value == 777)
        *(volatile int *)NULL = 1;
    out->v = in->value;
}
static void leave(VonkTask *task, const VonkNumber *in, N *out)
{
    (void)task;
    if (in->value == 777)
        exit(0);
    out->v = in->value;
}
static void eat(VonkTask *task, const VonkNumber *in, N *out)
{
    (void)task;
    for (int i = 0; in->value == 777 && i < 100; i++) {
        kept = memset(malloc(32 << 20), 1, 32 << 20);
        usleep(10000);
    }
    out->v = in->value;
}
static void refuse(VonkTask *task, const VonkNumber *in, N *out)
{
    if (in->value == 777)
        vonk_fail(task, "777 is not for me");
    out->v = in->value;
}
static void stay(VonkTask *task, const VonkNumber *in, N *out)
{
    (void)task;
    while (in->value == 777)
        sleep(1);
    out->v = in->value;
}
static void rest(VonkTask *task, const VonkNumber *in, N *out)
{
    (void)task;
    sleep(3);
    out->v = in->value;
}
/* A job of one long task; beside it, on the other slot, another one crashes their executor. */
static int beside(VonkSession *session)
{
    VonkJob *job;
    VonkError error;
    int64_t count;
    int64_t rested;
    VonkRdd *resting = vonk_rdd_map(vonk_rdd_range(session, 0, 1, 1, 1), VonkNumber, N, rest);
    bool fails = vonk_rdd_count(vonk_rdd_async(resting, &job), &rested, &error) != VONK_OK;

    while (!fails && vonk_job_progress(job).running == 0)
        usleep(1000);
    fails |= vonk_rdd_count(vonk_rdd_map(vonk_rdd_range(session, 777, 778, 1, 1), VonkNumber, N, crash), &count, &error) == VONK_OK;
    fprintf(stderr, "%s\\n", error.message);
    if (fails || vonk_job_wait(job, &error) != VONK_OK)
        return fprintf(stderr, "the job beside it: %s\\n", error.message), 1;
    vonk_job_free(job);
    printf("%lld\\n", (long long)rested);
    return 0;
}
int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *numbers = vonk_rdd_range(session, 0, 100000, 1, 8), *rdd = numbers;
    VonkError error;
    int64_t count;

    (void)argc;
    switch (argv[1][0]) {
    case 'b': return beside(session);
    case 'c': rdd = vonk_rdd_map(numbers, VonkNumber, N, crash); break;
    case 'l': rdd = vonk_rdd_map(numbers, VonkNumber, N, leave); break;
    case 'e': rdd = vonk_rdd_map(numbers, VonkNumber, N, eat); break;
    case 'r': rdd = vonk_rdd_map(numbers, VonkNumber, N, refuse); break;
    case 'h': /* and is counted */
    case 's': rdd = vonk_rdd_map(numbers, VonkNumber, N, stay); break;
    }
    if (argv[1][0] == 's') {
        VonkJob *job;

        if (vonk_rdd_count(vonk_rdd_async(rdd, &job), &count, &error) != VONK_OK)
            return 2;
        sleep(1);
        vonk_job_cancel(job);
        if (vonk_job_wait(job, &error) == VONK_OK)
            return 2;
        vonk_job_free(job);
        rdd = vonk_rdd_map(numbers, VonkNumber, N, same);
    }
    if (vonk_rdd_count(rdd, &count, &error) != VONK_OK) {
        fprintf(stderr, "%s\\n", error.message);
        return 1;
    }
    printf("%lld\\n", (long long)count);
    return 0;
}
"""


def test_bad_functions(work):
    """A user's function that crashes, leaves, eats all memory or never ends: an error that names it, and others go on."""
    job = write_job(work.folder, "bad.c", BAD)
    wanted = {"crash": "Segmentation fault in user function crash, record", "leave": "exit() in user function leave, record",
              "eat": "of its 200.0 MiB memory"}
    with three_workers() as cluster:
        for name, text in wanted.items():
            code, out, err = submit(job, name, options=["--master", cluster.url, "--set", "executor_memory=200MiB"], timeout=120)
            expect(code == 1 and out == "" and "partition 0: its executor has crashed 4 times" in err and text in err, f"{name}: exit {code} {out}{err}")
        code, out, err = submit(job, "refuse", options=["--master", cluster.url], timeout=120)
        expect(code == 1 and out == "" and "777 is not for me" in err, f"refuse: exit {code} {out}{err}")
        code, out, err = submit(job, "stay", options=["--master", cluster.url], timeout=120)
        expect(code == 0 and out == "100000\n", f"a task that is cancelled and goes on: exit {code} {out}{err}")
        process = subprocess.Popen([VONK, "submit", "--master", cluster.url, job, "hang"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        applications = wait_for("its stage runs", lambda: (lambda found: found if any(
            stage["running"] for application in found for stage in application["stages"]) else None)(cluster.status()["applications"]))
        expect([application["name"] for application in applications] == ["bad.c"], "an application has its job's name")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        expect(process.returncode == 130 and "canceling job due to user request" in out, f"Ctrl-C: exit {process.returncode} {out}")
        expect(cluster.status()["applications"] == [], "what was interrupted has ended for the master too")
        work.compare(cluster, "after bad functions")


def test_crash_beside_another_task(work):
    """Who runs beside a function that crashes its executor four times is not to blame, and ends well."""
    job = write_job(work.folder, "bad.c", BAD)
    with Cluster(1, executor=None, cores=2) as cluster:
        code, out, err = submit(job, "beside", options=["--master", cluster.url], timeout=120)
        expect(code == 0 and out == "1\n", f"exit {code} {out}{err}")
        expect("its executor has crashed 4 times" in err and "in user function crash, record" in err, err)


SHUFFLE = """
#include <string.h>
#include <unistd.h>
VONK_RECORD(Count, VONK_KEY(text, word), VONK_FIELD(int8, n));

/* Long enough that what it makes is kept. */
static void spell(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    static volatile unsigned spent;
    char word[64];

    (void)task;
    for (unsigned i = 0; i < 200000; i++)
        spent += i;
    snprintf(word, sizeof word, "haystack with needle %d", (int)(in->value % 100));
    vonk_emit(out, &(Count){.word = vonk_text_copy(task, vonk_text(word)), .n = in->value});
}

static void add(VonkTask *task, Count *sum, const Count *more) { (void)task, sum->n += more->n; }

/* All map tasks are done: says so, and waits. */
static void wait(VonkTask *task, const Count *in, Count *out)
{
    (void)task;
    if (access(FOLDER "/began", F_OK) != 0)
        fclose(fopen(FOLDER "/began", "w"));
    while (access(FOLDER "/gate", F_OK) != 0)
        usleep(1000);
    *out = *in;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *words = vonk_rdd_flat_map(vonk_rdd_range(session, 0, 1000, 1, 8), VonkNumber, Count, spell), *sums;

    (void)argc, (void)argv;
    sums = vonk_rdd_reduce_by_key(words, Count, add, VONK_PARTITIONS(4));
    return vonk_rdd_print_csv(vonk_rdd_sort_by(vonk_rdd_map(sums, Count, Count, wait), "word"));
}
"""


def kept_files(cluster):
    return [os.path.join(top, name) for top, _, names in os.walk(cluster.dir) for name in names if "/kept" in top and name[0].isdigit() and ".part" not in name]


def made_of_first_stage(logs):
    """{partition: how often it was made}, of map tasks"""
    with open(os.path.join(logs, os.listdir(logs)[0])) as f:
        said = [json.loads(line) for line in f]
    made = [event for event in said if event["event"] == "task" and event["outcome"] == "made"]
    first = min(event["stage"] for event in made)
    return collections.Counter(event["partition"] for event in made if event["stage"] == first)


def test_encrypted_blocks_are_kept(work):
    """All executors are killed between the two halves of a shuffle: with encryption no map task runs again either, and what lies on the
    disk is not to be read."""
    for encryption in ("on", "off"):
        with a_secret() as secret, Cluster(2, executor=None, cores=2, extra=["--secret-file", secret]) as cluster:
            logs = os.path.join(cluster.top, "logs")
            job = write_job(cluster.top, "shuffle.c", f'#define FOLDER "{cluster.top}"\n' + SHUFFLE)
            driver = subprocess.Popen([VONK, "submit", "--master", cluster.url, "--set", f"secret_file={secret}", "--set", f"event_log={logs}",
                                       "--set", f"spill_encryption={encryption}", job], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_for("map tasks are done", lambda: os.path.exists(f"{cluster.top}/began") or driver.poll() is not None)
            files = kept_files(cluster)
            with_words = 0
            for path in files:
                with open(path, "rb") as f:
                    with_words += b"needle" in f.read()
            before = set(cluster.executors())
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            wait_for("others have come", lambda: len(set(cluster.executors()) - before) == 2)
            with open(f"{cluster.top}/gate", "w"):
                pass
            out, err = driver.communicate(timeout=120)
            expect(driver.returncode == 0, err)
            expect(len(files) == 8 and with_words == (0 if encryption == "on" else 8), f"encryption {encryption}: {with_words} of {files}")
            expect(out == submit(job)[1] and out.count("\n") == 101, f"the answer: {out}")
            expect(made_of_first_stage(logs) == {partition: 1 for partition in range(8)}, "no map task runs again")


if __name__ == "__main__":
    with Work() as all_work:
        sys.exit(main(globals(), lambda: contextlib.nullcontext((all_work,))))
