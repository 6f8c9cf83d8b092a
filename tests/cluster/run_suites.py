#!/usr/bin/env python3
"""Whole suites of other folders on a cluster of 3 workers with a secret: the answers of one process.

    run_suites.py [--scale S]     ends with 'suites: N passed, N failed'; S is TPC-H's scale (0.1)

All SQL logic tests, TPC-H beside one process and DuckDB, what RDD calls promise, every example of RDDs, and stages that heavy keys and sizes shape.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from jobs import ROOT, VONK  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", default="0.1")
    arguments = parser.parse_args()
    suites = [["sql/run_slt.py", "--modes", "master"], ["tpch/run_tpch.py", "--scale", arguments.scale], ["rdd/run_rdd.py"],
              ["rdd/run_examples.py"], ["rdd/run_ranges.py"], ["adaptive/run_adaptive.py"]]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="vonk-suites-") as top:
        secret, folder = os.path.join(top, "secret"), os.path.join(top, "cluster")
        subprocess.run([VONK, "cluster", "init", "--secret-file", secret], check=True)
        env = {**os.environ, "VONK_SECRET_FILE": secret}
        try:
            up = subprocess.run([VONK, "cluster", "up", "3", "--cores", "6", "--dir", folder], stdout=subprocess.PIPE, text=True, env=env, check=True)
            env["VONK_TEST_MASTER"] = up.stdout.strip()
            for suite, *options in suites:
                done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", suite), *options], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=env)
                counts = re.findall(r"^\w+: (\d+) passed, (\d+) failed", done.stdout, flags=re.M)
                p, f = (int(n) for n in counts[-1]) if counts else (0, 1)
                passed, failed = passed + p, failed + (f or (done.returncode != 0) or p == 0)
                print(f"{suite}: {p} ok, {f} not ok" if not f else f"{done.stdout[-20000:]}\n{suite} FAILED", flush=True)
        finally:
            subprocess.run([VONK, "cluster", "down", "--dir", folder], env=env, check="VONK_TEST_MASTER" in env)
    print(f"suites: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
