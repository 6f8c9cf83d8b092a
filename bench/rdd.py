#!/usr/bin/env python3
"""RDD jobs beside what people use instead.

    bench/rdd.py [--scale 1.0] [--runs 3] [--slow] [--engines vonk,spark] [JOB]...

Scale 1 is 1 GB of text or records, 50 M pairs, 10 M links, 200 M samples. Each engine runs in a process of its own, with 2
threads, the engines in turns. Printed: the least CPU time of the runs with its wall time, and the same without the engine's
start where it says so (Spark); ratios of Vonk's time to it. Answers are compared, sorted files looked through. PySpark, Dask
and Ray take minutes at scale 1: they run with --slow, once. An engine that is not installed is left out, and said so.
"""
import argparse
import glob
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from rdd_data import ROOT
from rdd_jobs import HEADS, jobs

SLOW = ("pyspark", "dask", "ray")


def spark_shell(program, folder):
    """The command line that runs Scala, or None without PySpark's wheel or a Java."""
    homes = glob.glob(os.path.join(sys.prefix, "lib", "python3*", "site-packages", "pyspark"))
    if not homes or shutil.which("java") is None:
        return None
    path = os.path.join(folder, "job.scala")
    with open(path, "w", encoding="utf-8") as f:
        f.write(program + '\nprintln(s"seconds: ${(System.nanoTime - started) / 1e9}")\nSystem.exit(0)\n')
    settings = ["spark.ui.enabled=false", "spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1",
                f"spark.local.dir={folder}", "spark.ui.showConsoleProgress=false", "spark.log.level=ERROR"]
    return [os.path.join(homes[0], "bin", "spark-shell"), "--master", "local[2]", "--driver-memory", "6g",
            *[word for setting in settings for word in ("--conf", setting)], "-I", path]


def command_of(engine, program, folder):
    if not isinstance(program, str):
        return program
    program = HEADS[engine] + program
    if engine == "spark":
        return spark_shell(program, folder)
    path = os.path.join(folder, "job.py")
    with open(path, "w", encoding="utf-8") as f:
        f.write(program)
    return [sys.executable, path]


class Run:
    """One run: answer (None: the engine is not there, or failed), seconds of CPU time, of wall time, and of the work alone."""

    def __init__(self, engine, program, cache):
        self.answer, self.cpu, self.wall, self.work = None, math.inf, math.inf, math.inf
        with tempfile.TemporaryDirectory(prefix="vonk-bench-") as folder:
            command = command_of(engine, program, folder)
            if command is None:
                print(f"  {engine}: not installed")
                return
            self.measure(engine, command, {**os.environ, "XDG_CACHE_HOME": cache, "PYSPARK_PYTHON": sys.executable,
                                           "SPARK_LOCAL_DIRS": folder, "TMPDIR": folder}, folder)

    def measure(self, engine, command, environment, folder):
        start = time.monotonic()
        with open(os.path.join(folder, "out"), "w+") as out, open(os.path.join(folder, "err"), "w+") as err:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            text, trouble = out.read(), err.read()
        self.wall = self.work = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        seconds = re.search(r"^seconds: (.*)$", text, re.M)
        if seconds:
            self.work = float(seconds.group(1))
        if child.returncode != 0:
            print(f"  {engine}: {'not installed' if 'ModuleNotFoundError' in trouble else trouble[-300:]}")
        else:
            self.answer = "\n".join(line for line in text.splitlines() if re.fullmatch(r"[^\s:]+", line))


def same(a, b):
    """Numbers are the same to 9 digits: sums of doubles depend on their order elsewhere."""
    x, y = re.split(r"[,\n]", a), re.split(r"[,\n]", b)

    def is_same(v, w):
        try:
            return v == w or math.isclose(float(v), float(w), rel_tol=1e-9)
        except ValueError:
            return False
    return len(x) == len(y) and all(map(is_same, x, y))


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)


def measure(name, job, runs, engines, cache):
    job.make()
    print(name, flush=True)
    programs = {engine: program for engine, program in job.programs.items() if engines(engine)}
    measured, wrong = {engine: [] for engine in programs}, {}
    for turn in range(runs):
        for engine in list(programs):
            if turn > 0 and engine in SLOW:
                continue
            if job.out:
                remove(job.out)
            run = Run(engine, programs[engine], cache)
            if run.answer is None:
                del programs[engine]
                continue
            if job.check and not measured[engine]:
                wrong[engine] = job.check(job.out)
            measured[engine].append(run)
    ours = min(measured["vonk"], key=lambda run: run.cpu)
    work = min(run.work for run in measured["vonk"])
    for engine in programs:
        best = min(measured[engine], key=lambda run: run.cpu)
        least = min(run.work for run in measured[engine])
        if not wrong.get(engine) and not same(best.answer, ours.answer):
            wrong[engine] = "ANOTHER ANSWER"
        print(f"  {engine:16}{best.cpu:8.2f} s CPU{best.wall:8.2f} s{least:8.2f} s of work   vonk: {ours.cpu / best.cpu:5.2f} of its CPU,"
              f" {work / least:5.2f} of its work   {wrong.get(engine) or ''}", flush=True)
    if job.out:
        remove(job.out)
    return not any(wrong.values())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--engines", default="", help="only these, by commas; of all that a job has")
    parser.add_argument("--data", default=os.path.join(ROOT, "build", "bench", "rdd"))
    parser.add_argument("jobs", nargs="*")
    options = parser.parse_args()
    wanted = {"vonk", *options.engines.split(",")} if options.engines else None
    engines = lambda engine: engine in wanted if wanted else options.slow or engine not in SLOW
    os.makedirs(options.data, exist_ok=True)
    all_jobs = jobs(options.data, options.scale)
    with tempfile.TemporaryDirectory(prefix="vonk-bench-") as cache:
        is_same = all([measure(name, all_jobs[name], options.runs, engines, cache) for name in options.jobs or all_jobs])
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
