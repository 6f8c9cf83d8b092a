#!/usr/bin/env python3
"""Fuzz targets on their kept corpora, and some seconds further.

    run_fuzz.py [--seconds N] [TARGET]...

corpus/<target>/ holds small inputs, and every input that ever failed. SQL text is also taken from tests/sql. A failing
input is kept below build/fuzz and named.
"""
import argparse
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "fuzz")
TARGETS = ["parser", "sql", "csv", "parquet", "plan", "frame"]


def seeds(target):
    """A fresh folder with the corpus; for SQL also statements of the logic tests."""
    folder = os.path.join(BUILD, "seeds", target)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for path in glob.glob(os.path.join(HERE, "corpus", target, "*")):
        shutil.copy(path, folder)
    if target in ("parser", "sql"):
        count = 0
        for path in sorted(glob.glob(os.path.join(ROOT, "tests", "sql", "*", "*.slt"))):
            for block in open(path, encoding="utf-8").read().split("\n\n")[::9]:
                lines = block.split("\n")
                if len(lines) > 1 and lines[0].startswith(("query", "statement")):
                    sql = "\n".join(lines[1:]).split("\n----")[0]
                    with open(os.path.join(folder, f"slt-{count}"), "w", encoding="utf-8") as f:
                        f.write(sql)
                    count += 1
    return folder


def run(target, seconds):
    program = os.path.join(BUILD, f"fuzz_{target}")
    failures = os.path.join(BUILD, "failures", target)
    os.makedirs(failures, exist_ok=True)
    command = [program, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={failures}/", seeds(target)]
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, errors="replace",
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1"})
    units = [line for line in done.stderr.split("\n") if "number_of_executed_units" in line]
    print(f"fuzz_{target}: {units[0].split()[-1] if units else '?'} inputs, exit {done.returncode}", flush=True)
    if done.returncode != 0:
        print(done.stderr[-6000:])
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("targets", nargs="*", default=TARGETS)
    arguments = parser.parse_args()
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["cmake", "--preset", "fuzz"], cwd=ROOT, check=True, capture_output=True)
    built = subprocess.run(["cmake", "--build", BUILD, "--target", *[f"fuzz_{t}" for t in arguments.targets]],
                           capture_output=True, text=True)
    if built.returncode != 0:
        print(built.stdout[-4000:])
        print("fuzz: 0 passed, 1 failed")
        return 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = list(pool.map(lambda target: run(target, arguments.seconds), arguments.targets))
    print(f"fuzz: {sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
