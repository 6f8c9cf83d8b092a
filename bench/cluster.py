#!/usr/bin/env python3
"""A cluster of two workers of one core beside one process with two threads, Spark standalone and Sail.

    bench/cluster.py TPCH_FOLDER [--scale 0.1] [--runs 3] [--without spark,sail] [PART]...

    start       from a new process to the answer of a count(*), on a cluster that runs
    tpch        the 22 queries in one application
    word_count  of --scale GB of text       tera_sort  of --scale GB of records, and bytes moved a second and core
    tasks       empty tasks a second
    shuffle     --scale GB of records that only go elsewhere: MB a second and core
    recovery    a join of all of lineitem, one executor killed in its middle: how much longer it takes
    kills       the 22 queries, word count, PageRank, TeraSort with an executor killed every second, beside the same undisturbed

Engines take turns, the best of the runs counts; ratios are of Vonk's cluster to the other: below 1 it is faster. Answers are
compared with those of one process, byte for byte for Vonk, numbers to 9 digits for the others. All processes are on this machine and
ended by their ids. Spark runs from PyPI's pyspark and needs a Java, Sail from pysail (one process, as it comes): what is missing is said.
"""
import argparse
import glob
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import kills
from rdd import remove, same
from rdd_data import HERE, ROOT, VONK
from rdd_jobs import HEADS, jobs

TABLES = "customer lineitem nation orders part partsupp region supplier".split()
COUNT = "SELECT count(*) FROM nation WHERE n_name > 'F'"  # statistics do not answer it
# all rows of two tables meet by a key; nothing to be dropped before
JOIN = """SELECT count(*), sum(l_extendedprice), max(o_comment), max(l_comment) FROM lineitem JOIN orders ON l_orderkey = o_orderkey
WHERE length(l_comment) + length(o_comment) > 20"""
PATIENCE = 60
failures = []


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.02)
    return found


def children_of(pids, text):
    """Processes below these that have the text in their command line."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                parents[int(pid)] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    lines = {}
    for pid in found - set(pids):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                lines[pid] = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            pass
    return sorted(pid for pid, line in lines.items() if text in line)


class Answer:
    def __init__(self, text, seconds, parts=()):
        self.text, self.seconds, self.parts = text, seconds, parts


def run(command, env=None):
    """The program's output and how long it took, by itself and by what it says."""
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, **(env or {})})
    wall = time.monotonic() - start
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])}: {done.stderr[-400:] or done.stdout[-400:]}")
    return done.stdout, done.stderr, wall


# --- Vonk ---

class Vonk:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options

    def sql(self, queries, more=()):
        command = [VONK, "sql", self.folder, "--format", "csv", "--timing", *self.options, *more]
        for query in queries:
            command += ["-c", query]
        out, err, wall = run(command)
        return Answer(out, wall, [float(ms) / 1000 for ms in re.findall(r"^Time: ([\d.]+) ms", err, re.M)])

    def job(self, program, arguments, more=()):
        out, _, wall = run([VONK, "submit", *self.options, *more, program, *arguments])
        said = re.search(r"^seconds: (.*)$", out, re.M)
        return Answer(re.sub(r"^seconds: .*\n", "", out, flags=re.M), float(said.group(1)) if said else wall)

    def close(self):
        pass


class Cluster(Vonk):
    def __init__(self, folder, workers=2):
        self.dir = tempfile.mkdtemp(prefix="vonk-bench-cluster-")
        out, _, _ = run([VONK, "cluster", "up", str(workers), "--cores", "2", "--dir", os.path.join(self.dir, "cluster")])
        url = re.search(r"vonk://\S+", out).group(0)
        super().__init__(folder, ["--master", url, "--set", f"executors={workers}", "--set", "executor_cores=1"])

    def executors(self):
        workers = [int(pid) for pid in filter(str.isdigit, os.listdir("/proc")) if self.is_worker(pid)]
        return children_of(workers, "executor")

    def is_worker(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().split(b"\0")
        except OSError:
            return False
        return b"worker" in line and any(word.startswith(self.dir.encode()) for word in line)

    def close(self):
        run([VONK, "cluster", "down", "--dir", os.path.join(self.dir, "cluster")])
        shutil.rmtree(self.dir, ignore_errors=True)


# --- Spark, Sail ---

PYSPARK = """
import sys, time
from pyspark.sql import SparkSession
{connect}
for table in {tables}:
    spark.read.parquet("{folder}/" + table + ".parquet").createOrReplaceTempView(table)
for path in sys.argv[1:]:
    start = time.monotonic()
    try:
        rows = spark.sql(open(path).read().strip().rstrip(";")).collect()
        print("\\n".join("\\t".join("" if v is None else str(v) for v in row) for row in rows))
    except Exception as error:
        print("error:", str(error)[:200].replace("\\n", " "))
    print(f"took: {{time.monotonic() - start}}", flush=True)
{end}
"""


class Foreign:
    """An engine that a Python program of its own drives."""

    def program(self, connect, end=""):
        path = os.path.join(self.dir, "queries.py")
        with open(path, "w", encoding="utf-8") as f:
            f.write(PYSPARK.format(connect=connect, tables=TABLES, folder=self.folder, end=end))
        return path

    def sql(self, queries):
        paths = []
        for query in queries:
            paths.append(os.path.join(self.dir, f"{len(paths)}.sql"))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(query)
        out, _, wall = run([sys.executable, self.script, *paths], self.env)
        return Answer(re.sub(r"^took: .*\n", "\0", out, flags=re.M), wall, [float(s) for s in re.findall(r"^took: (.*)$", out, re.M)])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Spark(Foreign):
    def __init__(self, folder):
        homes = glob.glob(os.path.join(sys.prefix, "lib", "python3*", "site-packages", "pyspark"))
        if not homes or shutil.which("java") is None:
            raise RuntimeError("pyspark or a Java is not installed")
        self.folder, self.home, self.processes = folder, homes[0], []
        self.dir = tempfile.mkdtemp(prefix="vonk-bench-spark-")
        self.env = {"SPARK_LOCAL_DIRS": self.dir, "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": self.home, "SPARK_LOCAL_IP": "127.0.0.1"}
        port = free_port()
        self.url = f"spark://127.0.0.1:{port}"
        try:
            self.start_all(port)
        except BaseException:
            self.close()
            raise
        self.settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
                         "spark.executor.memory": "1800m", "spark.log.level": "OFF", "spark.ui.showConsoleProgress": "false"}
        chain = "".join(f'.config("{key}", "{value}")' for key, value in self.settings.items())
        self.script = self.program(f'spark = SparkSession.builder.master("{self.url}"){chain}.getOrCreate()', "spark.stop()")

    def start_all(self, port):
        ui = free_port()
        self.start("org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui))
        wait_for("Spark's master", lambda: is_listening(port))
        for _ in range(2):
            ui = free_port()
            self.start("org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "2g",
                       "--webui-port", str(ui), "--work-dir", self.dir, self.url)
            wait_for("Spark's worker", lambda: is_listening(ui))

    def start(self, what, *arguments):
        log = open(os.path.join(self.dir, f"{len(self.processes)}.log"), "w")
        self.processes.append(subprocess.Popen([os.path.join(self.home, "bin", "spark-class"), what, *arguments], stdin=subprocess.DEVNULL,
                                               stdout=log, stderr=log, env={**os.environ, **self.env}))

    def scala(self, program):
        path = os.path.join(self.dir, "job.scala")
        with open(path, "w", encoding="utf-8") as f:
            f.write(HEADS["spark"] + program + '\nprintln(s"seconds: ${(System.nanoTime - started) / 1e9}")\nSystem.exit(0)\n')
        command = [os.path.join(self.home, "bin", "spark-shell"), "--master", self.url, "--driver-memory", "2g"]
        for key, value in self.settings.items():
            command += ["--conf", f"{key}={value}"]
        out, _, wall = run([*command, "-I", path], self.env)
        answer = "\n".join(line for line in out.splitlines() if re.fullmatch(r"[^\s:]+", line))
        said = re.search(r"^seconds: (.*)$", out, re.M)
        return Answer(answer + "\n", float(said.group(1)) if said else wall)

    def executors(self):
        return children_of([process.pid for process in self.processes[1:]], "CoarseGrainedExecutorBackend")

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Sail(Foreign):
    def __init__(self, folder):
        if not glob.glob(os.path.join(sys.prefix, "lib", "python3*", "site-packages", "pysail")):
            raise RuntimeError("pysail is not installed")
        self.folder, self.dir = folder, tempfile.mkdtemp(prefix="vonk-bench-sail-")
        self.env = {"SAIL_MODE": "local", "TOKIO_WORKER_THREADS": "2"}
        self.script = self.program("from pysail.spark import SparkConnectServer\nserver = SparkConnectServer('127.0.0.1', 0)\n"
                                   "server.start(background=True)\n"
                                   "spark = SparkSession.builder.remote('sc://127.0.0.1:%d' % server.listening_address[1]).getOrCreate()")

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


# --- parts ---

WANTED = {"start": "< 0.15 s", "tpch": "1.5 times one process", "tasks": "20,000", "recovery": "< 1 s and the lost tasks' own time", "kills": "3 times"}
figures = {}  # by part: {engine: text}


def show(part, engine, value, unit, ratio, note=""):
    figures.setdefault(part, {})[engine] = f"{value:.{3 if value < 10 else 1 if value < 1000 else 0}f} {unit}"
    print(f"{part:11} {engine:14} {value:10.3f} {unit:9} {'' if ratio is None else f'vonk cluster: {ratio:6.3f} of it'} {note}", flush=True)


def measured(engines, runs, work):
    """work(engine) by engine, in turns: the answers of each. An engine that fails is said so, and left out."""
    answers = {}
    for _ in range(runs):
        for name, engine in engines.items():
            if answers.get(name, []) is None:
                continue
            try:
                answers.setdefault(name, []).append(work(engine))
            except (RuntimeError, OSError) as error:
                print(f"  {name}: {error}", flush=True)
                answers[name] = None
                if isinstance(engine, Vonk):
                    failures.append(name)
    return {name: found for name, found in answers.items() if found}


def best(found):
    return min(found, key=lambda answer: answer.seconds)


def check(part, name, is_same):
    if not is_same:
        failures.append(f"{part} {name}")
    return "" if is_same else "ANOTHER ANSWER"


def words(text):
    return re.split(r"[\t,\n]", text.replace("\0", "").strip())


def compare(part, found, truth="one process", skip_head=False):
    ours = best(found["vonk cluster"]).seconds
    expected = best(found[truth]).text
    for name, answers in found.items():
        text = best(answers).text
        if name in ("vonk cluster", "one process"):
            note = check(part, name, text == expected)
        else:
            rest = expected.split("\n", 1)[1] if skip_head else expected
            note = check(part, name, same("\n".join(words(text)), "\n".join(words(rest))))
        show(part, name, best(answers).seconds, "s", None if name == "vonk cluster" else ours / best(answers).seconds, note)


def part_start(engines, options):
    compare("start", measured(engines, options.runs, lambda engine: engine.sql([COUNT])), skip_head=True)


def part_tpch(engines, options):
    paths = sorted(glob.glob(os.path.join(ROOT, "tests", "tpch", "queries", "q*.sql")))
    queries = [open(path, encoding="utf-8").read() for path in paths]
    found = measured(engines, options.runs, lambda engine: engine.sql(queries))
    times = {name: [min(parts) for parts in zip(*(answer.parts for answer in answers))] for name, answers in found.items()}
    texts = {name: answers[0].text for name, answers in found.items()}
    for i, path in enumerate(paths):
        line = "  ".join(f"{name} {parts[i] * 1000:7.0f} ms" for name, parts in times.items())
        print(f"  {os.path.basename(path)[:3]}  {line}")
    ours = sum(times["vonk cluster"])
    for name, parts in times.items():
        note, took, mine = "", sum(parts), ours
        if name in ("vonk cluster", "one process"):
            note = check("tpch", name, texts[name] == texts["one process"])
        else:
            answered = [not text.strip().startswith("error:") for text in texts[name].split("\0")[:len(paths)]]
            took = sum(seconds for seconds, ok in zip(parts, answered) if ok)
            mine = sum(seconds for seconds, ok in zip(times["vonk cluster"], answered) if ok)
            note = "" if all(answered) else f"(of {sum(answered)} queries; it does not take the others)"
        show("tpch", name, took, "s", None if name == "vonk cluster" else mine / took, note)


def job_of(engine, name, options, out):
    programs = jobs(options.data, options.scale)[name].programs
    if isinstance(engine, Spark):
        return engine.scala(programs["spark"])
    submit = programs["vonk"].index("submit")
    program, *arguments = programs["vonk"][submit + 3:]
    return engine.job(program, arguments)


def part_word_count(engines, options):
    job = jobs(options.data, options.scale)["word_count"]
    job.make()
    compare("word_count", measured(engines, options.runs, lambda engine: job_of(engine, "word_count", options, None)))


def part_tera_sort(engines, options):
    job = jobs(options.data, options.scale)["tera_sort"]
    job.make()
    wrong = {}

    def work(engine):
        remove(job.out)
        answer = job_of(engine, "tera_sort", options, job.out)
        wrong[id(engine)] = wrong.get(id(engine)) or job.check(job.out)
        return answer

    found = measured(engines, options.runs, work)
    remove(job.out)
    ours = best(found["vonk cluster"]).seconds
    for name, answers in found.items():
        seconds = best(answers).seconds
        note = wrong[id(engines[name])] or ""
        check("tera_sort", name, not note)
        show("tera_sort", name, seconds, "s", None if name == "vonk cluster" else ours / seconds,
             f"{options.scale * 1000 / seconds / 2:6.1f} MB moved a second and core  {note}")


SHUFFLE = """
def mixed(x: Long): Long = {{ var b = x * 0x9e3779b97f4a7c15L; b = (b ^ (b >>> 30)) * 0xbf58476d1ce4e5b9L; b ^ (b >>> 27) }}
def moved(rows: Long) = sc.range(0, rows, 1, 8).map {{ n => val x = mixed(n); (x, Array.tabulate(11)(i => mixed(x + 1 + i))) }}.partitionBy(
  new org.apache.spark.HashPartitioner(8)).map {{ case (key, rest) => rest.foldLeft(key)(_ ^ _) & 1023 }}.reduce(_ + _)
moved(1000)
val begun = System.nanoTime
println(moved({rows}))
println(s"seconds: ${{(System.nanoTime - begun) / 1e9}}")"""


def part_shuffle(engines, options):
    """Records of 96 bytes, as bench/cluster/shuffle.c says."""
    rows = int(options.scale * 1e7)

    def work(engine):
        if isinstance(engine, Spark):
            return engine.scala(SHUFFLE.format(rows=rows))
        return engine.job(os.path.join(HERE, "cluster", "shuffle.c"), [str(rows)])

    found = measured(engines, options.runs, work)
    ours, expected = best(found["vonk cluster"]).seconds, best(found["one process"]).text
    for name, answers in found.items():
        seconds = best(answers).seconds
        show("shuffle", name, rows * 96 / 1e6 / seconds / 2, "MB/s*core", None if name == "vonk cluster" else ours / seconds,
             check("shuffle", name, words(best(answers).text) == words(expected)))


def part_tasks(engines, options):
    def work(engine):
        if isinstance(engine, Spark):
            count = options.tasks // 10
            answer = engine.scala(f"sc.range(0, 2, 1, 2).count()\nval begun = System.nanoTime\n"
                                  f"println(sc.range(0, {count}, 1, {count}).count())\n"
                                  f'println(s"seconds: ${{(System.nanoTime - begun) / 1e9}}")')
            return Answer(answer.text, answer.seconds / count * options.tasks)
        return engine.job(os.path.join(HERE, "cluster", "empty_tasks.c"), [str(options.tasks)])

    found = measured(engines, options.runs, work)
    ours = best(found["vonk cluster"]).seconds
    for name, answers in found.items():
        seconds = best(answers).seconds
        show("tasks", name, options.tasks / seconds, "tasks/s", None if name == "vonk cluster" else ours / seconds)


def killed(engine, after, *more):
    """The join, with one executor killed when so much time has gone by since there were two."""
    missed = []
    wait_for("no executor of what ran before", lambda: not engine.executors())

    def kill():
        try:
            pids = wait_for("two executors", lambda: len(found := engine.executors()) >= 2 and found)
            time.sleep(after)
            os.kill(pids[0], signal.SIGKILL)
        except (ProcessLookupError, RuntimeError) as error:
            missed.append(error)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        answer = engine.sql([JOIN], *more)
    finally:
        killer.join()
    if missed:
        raise RuntimeError(f"no executor was killed in its middle: {missed[0]}")
    return answer


def killed_once(engine, after, again):
    """As above; again: what Vonk had to run once more, in ms of CPU."""
    if not isinstance(engine, Vonk):
        return killed(engine, after)
    with tempfile.TemporaryDirectory(prefix="vonk-bench-events-") as log:
        answer, losses = killed(engine, after, ["--set", f"event_log={log}"]), kills.Losses()
        losses.add_logs(log, [])
        again.append(losses.again_ms)
    return answer


def part_recovery(engines, options):
    for name, engine in engines.items():
        if not hasattr(engine, "executors"):
            continue
        calm = measured({name: engine}, options.runs + 1, lambda engine: engine.sql([JOIN]))  # the first one warms up
        if name not in calm:
            continue
        calm = min(calm[name], key=lambda answer: answer.seconds)
        again = []
        hurt = measured({name: engine}, options.runs, lambda engine: killed_once(engine, calm.parts[0] / 2, again))
        if name not in hurt:
            continue
        hurt = min(hurt[name], key=lambda answer: answer.seconds)
        note = check("recovery", name, calm.text == hurt.text)
        show("recovery", name, hurt.seconds - calm.seconds, "s longer", None, f"than {calm.seconds:.3f} s undisturbed"
             f"{f'; the lost tasks took {max(again) / 1000:.3f} s' if again else ''} {note}")


def part_kills(engines, options):
    works = [kills.query_work(path) for path in sorted(glob.glob(os.path.join(ROOT, "tests", "tpch", "queries", "q*.sql")))]
    for name in ("word_count", "page_rank", "tera_sort"):
        job = jobs(options.data, options.scale)[name]
        job.make()
        works.append(kills.job_work(name, job))
    if options.only:
        works = [work for work in works if work.name in options.only.split(",")]
    cluster = Cluster(engines["one process"].folder, workers=3)
    try:
        outcomes = kills.measure_all(cluster, works, options.runs, options.seed)
    finally:
        cluster.close()
    for outcome in outcomes:
        check("kills", outcome.name, not outcome.note)
    ratios = sorted((outcome.mean_ratio(), outcome.name) for outcome in outcomes)
    show("kills", "vonk cluster", ratios[len(ratios) // 2][0], "times", None, "its undisturbed time (median of all); the slowest: "
         f"{ratios[-1][0]:.2f} times ({ratios[-1][1]})")


PARTS = {"start": part_start, "tpch": part_tpch, "word_count": part_word_count, "tera_sort": part_tera_sort, "tasks": part_tasks,
         "shuffle": part_shuffle, "recovery": part_recovery, "kills": part_kills}
SQL_ONLY = {"start", "tpch"}


def print_table():
    """All that was measured, to be quoted."""
    names = [name for name in ("vonk cluster", "one process", "spark", "sail") if any(name in row for row in figures.values())]
    print(f"\n| | {' | '.join(names)} | wanted |\n|{'---|' * (len(names) + 2)}")
    for part, row in figures.items():
        print(f"| {part} | {' | '.join(row.get(name, '') for name in names)} | {WANTED.get(part, '')} |", flush=True)


def open_engines(engines, folder, without):
    engines["one process"] = Vonk(folder, ["--master", "local[2]"])
    for name, make in (("vonk cluster", Cluster), ("spark", Spark), ("sail", Sail)):
        if name in without:
            continue
        try:
            engines[name] = make(folder)
        except RuntimeError as error:
            print(f"without {name}: {error}")
            if name == "vonk cluster":
                raise


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="TPC-H's tables as Parquet")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1, help="of kills")
    parser.add_argument("--only", default="", help="of kills: q01,word_count,...")
    parser.add_argument("--without", default="", help="spark, sail")
    parser.add_argument("--data", default=os.path.join(ROOT, "build", "bench", "rdd"))
    parser.add_argument("parts", nargs="*", metavar="PART")
    options = parser.parse_intermixed_args()
    os.makedirs(options.data, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through what ends the processes
    engines = {}
    try:
        open_engines(engines, os.path.abspath(options.folder), options.without.split(","))
        for part in options.parts or PARTS:
            PARTS[part]({name: engine for name, engine in engines.items() if part in SQL_ONLY or not isinstance(engine, Sail)}, options)
        print_table()
    finally:
        for engine in engines.values():
            engine.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
