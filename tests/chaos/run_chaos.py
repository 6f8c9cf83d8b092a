#!/usr/bin/env python3
"""A cluster whose processes die while it works: every answer has the bytes of one process.

    run_chaos.py [--seconds 120] [--seed 1] [--victims executor,driver,...] [--every 1.0] [--only NAME,...] [--alone] [--net] [--keep FOLDER]

A master, one that stands by (with a ZooKeeper server of this test's own) and three workers are started. While TPC-H's 22
queries, word count, PageRank and a sort run again and again through them, one of their processes, by the seed, is killed every
second; masters and workers are started again with the command line that they had, as systemd would do. Executors and
keepers are the workers' business. In the end nothing may be left: no process, no file, no port. --alone: one master, none stands by.
--keep: of answers that take very long, or are wrong, the logs of all processes, the event logs and who was killed when go to a folder there.

--net: the cluster lives in a namespace with a bad network (tests/lib/fault_proxy.py) and nobody is killed: messages are lost,
repeated, late and damaged, connections are reset, nodes are cut off for some seconds, in one direction or both.
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import pyenv  # noqa: E402
import zookeeper  # noqa: E402

pyenv.use()
from fault_proxy import FaultNet  # noqa: E402
from jobs import VONK, check, report  # noqa: E402

WORKERS = 3
STATEMENT_TIMEOUT, MASTER_AWAY = 180, 5
SLOW_RATIO, SLOW_SECONDS = 5, 2  # what is both is kept
QUIET_RUNS = 3  # the fastest counts: the machine may do other things

NET_EPISODES = [
    ("late", {"delay_ms": 20}),
    ("lost and repeated", {"lose": 0.02, "repeat": 0.2}),
    ("damaged", {"flip": 0.02}),
    ("reset", {"reset": 0.02}),
    ("cut off", {"cut": "both"}),
    ("half cut off", {"cut": "down"}),
    ("half cut off, the other half", {"cut": "up"}),
]


# --- the cluster ---

def processes(folder):
    """(pid, kind, command line) of the cluster's processes: those that have its folder in their command line."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = open(path, "rb").read().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        if words == parent_words(path):  # what a worker has just forked: it is about to become something else
            continue
        if len(words) > 1 and words[1] in ("master", "worker", "executor", "keeper") and any(folder in word for word in words):
            found.append((int(path.split("/")[2]), words[1], words))
        elif len(words) > 1 and words[1] == "submit" and is_in(folder, path):
            found.append((int(path.split("/")[2]), "driver", words))
    return found


def parent_words(path):
    try:
        parent = open(path.replace("cmdline", "stat")).read().rsplit(")", 1)[1].split()[1]
        return open(f"/proc/{parent}/cmdline", "rb").read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return None


def is_in(folder, path):
    """Whether that process works there."""
    try:
        return os.readlink(path.replace("cmdline", "cwd")).startswith(folder)
    except OSError:
        return False


def is_alive(pid):
    """A zombie has let go of what it had when its threads have ended, too."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


class Cluster:
    """`vonk cluster up`: one master."""
    has_standby = False

    def __init__(self, folder, net=None):
        self.folder, self.net = folder, net
        self.prefix = net.command([]) if net else []
        self.children, self.killed = [], set()
        self.events = None  # where event logs go

    def vonk(self, *words, **options):
        return subprocess.run([*self.prefix, VONK, *words], capture_output=True, text=True, timeout=60, **options)

    def __enter__(self):
        done = self.vonk("cluster", "up", str(WORKERS), "--dir", self.folder)
        if done.returncode != 0:
            raise SystemExit(f"no cluster: {done.stderr}")
        self.url = done.stdout.strip()
        return self

    def kill(self, kinds, draw):
        """One process of these kinds; which it was, or None."""
        victims = sorted(p for p in processes(self.folder) if p[1] in kinds)
        if not victims:
            return None
        pid, kind, words = draw.choice(victims)
        self.killed.add(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # a driver that was done
            return None
        while is_alive(pid):  # its port and its folder are its own until then
            time.sleep(0.005)
        if "--ready-fd" in words:  # that was for who started it first
            at = words.index("--ready-fd")
            del words[at:at + 2]
        if kind == "master" and not self.has_standby:  # where everybody looks for it
            words += ["--port", self.url.rsplit(":", 1)[1]]
        if kind in ("master", "worker"):  # the others are the workers' business
            self.start(*words[1:])
        self.check_ends()
        return f"{kind} {pid}"

    def check_ends(self):
        """Nobody ends who was not killed."""
        for child in self.children:
            if child.poll() is not None and child.pid not in self.killed:
                self.killed.add(child.pid)
                with open(self.folder + ".errors") as errors:
                    check(False, f"{' '.join(child.args)} has ended by itself, code {child.returncode}: {errors.read()[-2000:]}")
                self.start(*child.args[len(self.prefix) + 1:])

    def run(self, work):
        out, error, took = run(work, self.prefix, ["--master", self.url, *(["--set", f"event_log={self.events}"] if self.events else [])])
        if "--wait" in work[0] and not error:
            out = self.words_of(int(out))
        return out, error, took

    def words_of(self, driver):
        """What the last process of a driver has said, without what was said about executors."""
        for _ in range(100):
            done = self.vonk("status", "--json", "--master", self.url)
            if done.returncode == 0:
                break
            time.sleep(0.1)
        log = next(one["log"] for one in json.loads(done.stdout)["drivers"] if one["id"] == driver).split(":", 1)[1]
        lines = []
        for path in (log + ".1", log):
            if os.path.exists(path):
                with open(path, "rb") as f:
                    lines += [line for line in f.read().splitlines(True) if not re.match(rb"\d{4}-\d\d-\d\dT", line)]
        first = max((at for at, line in enumerate(lines) if line == b"word,n\n"), default=0)
        return b"".join(lines[first:])

    def start(self, *words):
        with open(self.folder + ".errors", "a") as errors:
            self.children.append(subprocess.Popen([*self.prefix, VONK, *words], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors))

    def down(self):
        done = self.vonk("cluster", "down", "--dir", self.folder)
        check(done.returncode == 0, f"the cluster goes down: {done.stderr}")

    def __exit__(self, *_):
        self.down()
        for child in self.children:  # those that were started here, not by `cluster up`
            child.terminate()
        for child in self.children:
            child.wait(20)
        deadline = time.monotonic() + 15
        while processes(self.folder) and time.monotonic() < deadline:
            time.sleep(0.1)
        left = processes(self.folder)
        check(not left, f"processes that are left: {left}")
        for pid, _, _ in left:
            os.kill(pid, signal.SIGKILL)


class StandbyCluster(Cluster):
    """Two masters, one of which stands by."""
    has_standby = True

    def __enter__(self):
        os.makedirs(self.folder)
        self.zookeeper = zookeeper.Server().__enter__()
        ports = [zookeeper.free_port() for _ in range(2)]
        self.url = "vonk://" + ",".join(f"127.0.0.1:{port}" for port in ports)
        for port in ports:
            self.start("master", "--port", str(port), "--zookeeper", self.zookeeper.address, "--log-file", f"{self.folder}/master-{port}.log")
        for worker in range(WORKERS):
            self.start("worker", "--master", self.url, "--host", "127.0.0.1", "--cores", "1", "--memory", "2GiB", "--dir",
                       f"{self.folder}/worker-{worker}", "--log-file", f"{self.folder}/worker-{worker}.log")
        deadline = time.monotonic() + 60
        while f"{WORKERS} workers" not in self.vonk("status", "--master", self.url).stdout:
            if time.monotonic() > deadline:
                raise SystemExit("no cluster: its workers do not come")
            time.sleep(0.1)
        return self

    def down(self):
        for child in self.children[2:] + self.children[:2]:  # masters last, so that they are told
            if child.poll() is None:
                child.terminate()

    def __exit__(self, *_):
        super().__exit__()
        self.zookeeper.__exit__()
        for path in glob.glob(f"{self.folder}/*.log*") + glob.glob(f"{self.folder}/worker-*/driver-*.log*"):
            os.unlink(path)
        for path in glob.glob(f"{self.folder}/worker-*"):
            if not os.listdir(path):  # the folder itself is who starts a worker's
                os.rmdir(path)


# --- the work ---

def sort_sql(folder):
    return f"SELECT l_orderkey, l_linenumber, l_comment FROM '{folder}/lineitem.parquet' ORDER BY l_comment, l_orderkey, l_linenumber"


def works(scale, scratch, has_drivers):
    """By name: the arguments of vonk, behind which --master comes."""
    data = pyenv.tpch(scale)
    text = os.path.join(scratch, "words.txt")
    draw = random.Random(5)
    with open(text, "w") as f:
        for _ in range(60000):
            f.write(" ".join(f"w{int(draw.paretovariate(0.6)) % 5000}" for _ in range(12)) + "\n")
    edges = os.path.join(scratch, "edges.txt")
    with open(edges, "w") as f:
        for _ in range(40000):
            f.write(f"{draw.randrange(5000)} {draw.randrange(5000)}\n")
    all_works = {"sort": (["sql", "--format", "csv"], ["-c", sort_sql(data)])}
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "tpch", "queries", "q*.sql"))):
        all_works[os.path.basename(path)[:3]] = (["sql", "--format", "csv"], [data, "-f", path])
    all_works["word count"] = (["submit"], [os.path.join(ROOT, "examples", "word_count.c"), text])
    if has_drivers:
        all_works["a driver on a worker"] = (["submit", "--deploy-mode", "cluster", "--supervise", "--wait"], all_works["word count"][1])
    all_works["page rank"] = (["submit"], [os.path.join(ROOT, "examples", "page_rank.c"), edges, "3"])
    return all_works


def run(work, prefix=(), master=()):
    """(standard output, error text or "", seconds)"""
    verb, rest = work
    started = time.monotonic()
    try:
        done = subprocess.run([*prefix, VONK, *verb, *master, *rest], capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=STATEMENT_TIMEOUT)
    except subprocess.TimeoutExpired:
        return b"", f"no answer after {STATEMENT_TIMEOUT} s", STATEMENT_TIMEOUT
    error = done.stderr.decode(errors="replace") if done.returncode != 0 else ""
    return done.stdout, error or ("" if done.returncode == 0 else f"exit {done.returncode}"), time.monotonic() - started


class Disturbance(threading.Thread):
    """One disturbance every so often, until it is stopped; counts them."""

    def __init__(self, every, disturb):
        super().__init__()
        self.every, self.disturb, self.events, self.is_over = every, disturb, [], threading.Event()

    def run(self):
        while not self.is_over.wait(self.every):
            at = time.monotonic()
            self.events.append((at, self.disturb()))

    def counts(self):
        return dict(collections.Counter(what and re.sub(r" \d+$", "", what) for _, what in self.events))

    def between(self, start, end):
        return ", ".join(f"{what} after {at - start:.1f} s" for at, what in self.events if start - 1 <= at <= end)

    def stop(self):
        self.is_over.set()
        self.join()


class Keeper(threading.Thread):
    """While an answer takes very long, copies of all logs: those of executors go with the application."""

    def __init__(self, cluster, top, name, quiet):
        super().__init__()
        self.cluster, self.is_over, self.start_at, self.has_kept = cluster, threading.Event(), time.monotonic(), False
        self.folder = os.path.join(top, f"{time.strftime('%H%M%S')}-{name.replace(' ', '-')}")
        self.slow = max(SLOW_SECONDS, SLOW_RATIO * quiet)

    def copy(self):
        self.has_kept = True
        os.makedirs(self.folder, exist_ok=True)
        for path in glob.glob(f"{self.cluster.folder}/**/*.log*", recursive=True) + glob.glob(f"{self.cluster.events}/*"):
            try:
                shutil.copy(path, os.path.join(self.folder, os.path.relpath(path, self.cluster.folder).replace("/", ".").lstrip(".")))
            except OSError:  # it goes just now
                pass

    def run(self):
        if not self.is_over.wait(self.slow):
            self.copy()
        while self.has_kept and not self.is_over.wait(0.5):
            self.copy()

    def end(self, disturbance, has_failed):
        self.is_over.set()
        self.join()
        if self.has_kept or has_failed:
            self.copy()
            wall = time.time() - time.monotonic()
            with open(os.path.join(self.folder, "kills"), "w") as f:
                for at, what in [(self.start_at, "begin"), *disturbance.events, (time.monotonic(), "end")]:
                    if at >= self.start_at - 15:
                        f.write(f"{time.strftime('%FT%H:%M:%S', time.gmtime(at + wall))}.{int((at + wall) * 1000 % 1000):03} {what}\n")
        for path in glob.glob(f"{self.cluster.events}/*"):
            os.unlink(path)


def loop(cluster, wanted, everything, seconds, disturbance, quiet, keep=None):
    """Runs all works, in turn, for so long. Answers are compared; returns (ratio to the undisturbed time, name, seconds, start) of each."""
    answers, runs, until = [], 0, time.monotonic() + seconds
    if disturbance:
        disturbance.start()
    while not runs or (disturbance and time.monotonic() < until):
        for name, work in everything.items():
            start = time.monotonic()
            keeper = Keeper(cluster, keep, name, quiet[name]) if keep else None
            if keeper:
                keeper.start()
            out, error, took = cluster.run(work)
            while not cluster.has_standby and "no connection with" in error and took < MASTER_AWAY:  # the master is being started again
                time.sleep(0.2)
                out, error, again = cluster.run(work)
                took += again + 0.2
            if keeper:
                keeper.end(disturbance, error or out != wanted[name])
            check(not error, f"{name}: {error[:2000]}")
            check(bool(error) or out == wanted[name], f"{name}: other bytes than in one process")
            answers.append((took / quiet.get(name, took), name, took, start))
            if disturbance and time.monotonic() >= until:
                break
        runs += 1
    if disturbance:
        disturbance.stop()
    return answers


def say_answers(answers, disturbance, what):
    ratios = sorted(answers)

    def shares(column):
        values = sorted(answer[column] for answer in answers)
        return ", ".join(f"{name} {values[min(int(len(values) * share), len(values) - 1)]:.1f}"
                         for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("most", 1)))

    print(f"{what}: {len(answers)} answers; in undisturbed times: {shares(0)}; in seconds: {shares(2)}; "
          f"disturbances: {disturbance.counts()}; the slowest:", flush=True)
    for ratio, name, took, start in ratios[:-6:-1]:
        print(f"  {ratio:.1f}x, {took:.1f} s, {name}: {disturbance.between(start, start + took)}", flush=True)


def one_cluster(options, everything, wanted, net):
    draw = random.Random(options.seed)
    folder = os.path.join(options.scratch, "net" if net else "cluster")
    missing = zookeeper.why_not()
    if missing and not net and not options.alone:
        print(f"no master stands by: {missing}")
    with (Cluster if net or options.alone or missing else StandbyCluster)(folder, net) as cluster:
        quiet = {}
        for name, work in everything.items():  # after the first run code is compiled, files are in memory
            cluster.run(work)
            for _ in range(QUIET_RUNS):
                out, error, took = cluster.run(work)
                quiet[name] = min(took, quiet.get(name, took))
                check(not error and out == wanted[name], f"{name}, undisturbed: {error[:2000] or 'other bytes than in one process'}")

        def spoil():
            name, faults = draw.choice(NET_EPISODES)
            net.faults(**faults)
            time.sleep(draw.uniform(0.2, 3.0))
            net.faults()
            return name

        disturb = spoil if net else (lambda: cluster.kill(options.victims, draw))
        disturbance = Disturbance(options.every, disturb)
        if options.keep:
            cluster.events = os.path.join(options.scratch, "events")
            os.makedirs(cluster.events)
        answers = loop(cluster, wanted, everything, options.seconds, disturbance, quiet, options.keep)
        cluster.events = None
        say_answers(answers, disturbance, "bad network" if net else "kills")
        if net:
            print(f"messages: {net.faults()}", flush=True)
        loop(cluster, wanted, everything, 0, None, {})  # and it is as good as new
    check(not os.path.exists(folder) or not os.listdir(folder), f"left in {folder}: {os.listdir(folder) if os.path.exists(folder) else ''}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", default="0.1")
    parser.add_argument("--every", type=float, default=1.0)
    parser.add_argument("--victims", type=lambda text: text.split(","), default=["executor", "keeper", "worker", "master", "driver"])
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--net", action="store_true")
    parser.add_argument("--keep", type=os.path.abspath)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vonk-chaos-") as options.scratch:
        everything = works(options.scale, options.scratch, not options.net)
        if options.only:
            everything = {name: everything[name] for name in options.only}
        wanted = {}
        for name, work in everything.items():
            wanted[name], error, _ = run(work if "--wait" not in work[0] else (["submit"], work[1]))
            check(not error and wanted[name], f"{name} in one process: {error}")
        if options.net:
            missing = FaultNet.why_not()
            if missing:
                print(f"not run: {missing}")
            else:
                with FaultNet(options.seed) as net:
                    one_cluster(options, everything, wanted, net)
        else:
            one_cluster(options, everything, wanted, None)
    return report("chaos")


if __name__ == "__main__":
    sys.exit(main())
