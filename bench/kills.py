"""The part `kills` of bench/cluster.py: what it costs when one executor of the application is killed every second.

TPC-H's queries, word count, PageRank and a sort run on three workers of one core, again and again for some seconds, in turns undisturbed
and with an executor, drawn by a seed, killed by signal 9 each second. The answers must be the same, byte for byte. Of each kill the event log
tells when the driver knew, when another executor was there, and what was run again: the lost tasks' own time.
"""
import glob
import hashlib
import json
import os
import random
import shutil
import signal
import statistics
import tempfile
import threading
import time

EVERY = 1.0
LOOP_SECONDS = 5.0  # for so long a query is repeated, so that kills meet short ones too
REPEATS_MAX = 60


class Killer(threading.Thread):
    """Kills an executor every second, from one second on."""

    def __init__(self, cluster, draw):
        super().__init__()
        self.cluster, self.draw, self.is_over, self.times = cluster, draw, threading.Event(), []

    def run(self):
        until = time.monotonic() + EVERY
        while not self.is_over.wait(max(0, until - time.monotonic())):
            until += EVERY
            victims = self.cluster.executors()
            if not victims:
                continue
            try:
                at = time.time() * 1000
                os.kill(self.draw.choice(victims), signal.SIGKILL)
                self.times.append(at)
            except ProcessLookupError:
                pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


class Losses:
    """What event logs say about executors that were killed; times in milliseconds."""

    def __init__(self):
        self.known, self.replaced, self.again, self.again_ms = [], [], 0, 0.0

    def add_logs(self, folder, kills):
        for path in glob.glob(os.path.join(folder, "*.jsonl")):
            with open(path, encoding="utf-8") as f:
                self.add_events([json.loads(line) for line in f], kills)

    def add_events(self, events, kills):
        for kill in kills:
            for kind, found in (("executor_lost", self.known), ("executor", self.replaced)):
                later = (e["time_ms"] - kill for e in events if e["event"] == kind and e["time_ms"] >= int(kill))
                if (first := next(later, None)) is not None and first < EVERY * 1000:
                    found.append(max(0, first))
        for e in events:
            if e["event"] != "task" or e["outcome"] != "made":
                continue
            if e["attempt"] > 1:
                self.again += 1
                self.again_ms += e["cpu_us"] / 1000

    def add(self, other):
        self.known += other.known
        self.replaced += other.replaced
        self.again += other.again
        self.again_ms += other.again_ms

    def say(self):
        if not self.known:
            return "no application was met"
        return (f"{len(self.known)} kills: the driver knew after {statistics.median(self.known):.0f} ms (worst {max(self.known):.0f}), another executor "
                f"was there after {statistics.median(self.replaced or [0]):.0f} ms (worst {max(self.replaced or [0]):.0f}); "
                f"a kill: {self.again / len(self.known):.1f} tasks ran again, of {self.again_ms / len(self.known):.0f} ms CPU")


# --- what runs ---

class Work:
    """once(cluster, options, repeats): (answer, seconds of each repeat)"""

    def __init__(self, name, once):
        self.name, self.once = name, once


def only_one(texts):
    return texts.pop() if len(texts) == 1 else f"{len(texts)} different answers"


def query_work(path):
    with open(path, encoding="utf-8") as f:
        query = f.read()

    def once(cluster, options, repeats):
        repeats += 1  # the first one waits for the application's executors, too: not counted
        answer = cluster.sql([query] * repeats, options)
        size = len(answer.text) // repeats
        return only_one({answer.text[at * size:(at + 1) * size] for at in range(repeats)} | {answer.text[:size]}), answer.parts[1:]
    return Work(os.path.basename(path)[:3], once)


def hash_of(folder):
    """Of its files, one behind the other."""
    whole = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            whole.update(f.read())
    return whole.hexdigest()


def job_work(name, job):
    command = job.programs["vonk"]
    program, *arguments = command[command.index("submit") + 3:]

    def once(cluster, options, repeats):
        texts, parts = set(), []
        for _ in range(repeats):
            if job.out:
                shutil.rmtree(job.out, ignore_errors=True)
            start = time.monotonic()
            answer = cluster.job(program, arguments, options)
            parts.append(time.monotonic() - start)
            texts.add(hash_of(job.out) if job.out else answer.text)
        return only_one(texts), parts
    return Work(name, once)


# --- how long it takes ---

class Outcome:
    def __init__(self, name):
        self.name, self.calm, self.hurt, self.losses, self.note = name, [], [], Losses(), ""

    def mean_ratio(self):
        return statistics.mean(self.hurt) / statistics.mean(self.calm)

    def beyond_ms(self):
        """That a kill adds to the lost tasks' own time, if the runs differ by nothing else."""
        longer = (statistics.mean(self.hurt) - statistics.mean(self.calm)) * len(self.hurt) * 1000
        return (longer - self.losses.again_ms) / max(1, len(self.losses.known))

    def say(self):
        calm, worst = statistics.median(self.calm), max(self.hurt)
        print(f"  {self.name:10}  undisturbed {calm * 1000:6.0f} ms; with kills median {statistics.median(self.hurt) * 1000:6.0f}, worst {worst * 1000:6.0f} ms "
              f"({len(self.hurt)} runs); on average {self.mean_ratio():4.2f}x, worst {worst / calm:5.2f}x; a kill adds {self.beyond_ms():5.0f} ms "
              f"to the lost tasks' own time  {self.note}\n              {self.losses.say()}", flush=True)


def run_hurt(cluster, work, repeats, draw, losses):
    log = tempfile.mkdtemp(prefix="vonk-bench-events-")
    try:
        with Killer(cluster, draw) as killer:
            answer, parts = work.once(cluster, ["--set", f"event_log={log}"], repeats)
        losses.add_logs(log, killer.times)
        return answer, parts
    finally:
        shutil.rmtree(log, ignore_errors=True)


def measure(cluster, work, rounds, draw):
    outcome = Outcome(work.name)
    expected, parts = work.once(cluster, [], 2)  # code is compiled, files are in memory
    repeats = max(1, min(REPEATS_MAX, round(LOOP_SECONDS / parts[-1])))
    for _ in range(rounds):
        calm, parts = work.once(cluster, [], repeats)
        outcome.calm += parts
        hurt, parts = run_hurt(cluster, work, repeats, draw, outcome.losses)
        outcome.hurt += parts
        if calm != expected or hurt != expected:
            outcome.note = "ANOTHER ANSWER"
    outcome.say()
    return outcome


def measure_all(cluster, works, rounds, seed):
    draw, losses, outcomes = random.Random(seed), Losses(), []
    for work in works:
        outcomes.append(measure(cluster, work, rounds, draw))
        losses.add(outcomes[-1].losses)
    print(f"  all: {losses.say()}", flush=True)
    return outcomes
