#!/usr/bin/env python3
"""TPC-H over Parquet, engine beside engine, query by query in one run.

    bench/tpch.py FOLDER [--runs N] [--threads N] [--queries 1,6,18] [--engines vonk,duckdb] [--set jit=off]

Each query runs in every engine in turn, once to warm up (for Vonk that first run has an empty code cache and is shown
apart), then N times interleaved; the median counts. Answers are compared with DuckDB's.
"""
import argparse
import glob
import os
import sys

from engines import ENGINES, Engines, Report

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = "customer lineitem nation orders part partsupp region supplier".split()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--queries", default="")
    parser.add_argument("--engines", default="")
    parser.add_argument("--set", action="append", default=[], help="a setting of Vonk: NAME=VALUE")
    arguments = parser.parse_args()

    paths = sorted(glob.glob(os.path.join(HERE, "..", "tests", "tpch", "queries", "q*.sql")))
    if arguments.queries:
        numbers = {int(n) for n in arguments.queries.split(",")}
        paths = [p for p in paths if int(os.path.basename(p)[1:3]) in numbers]
    folder = os.path.abspath(arguments.folder)
    tables = {table: f"{folder}/{table}.parquet" for table in TABLES}
    names = arguments.engines.split(",") if arguments.engines else list(ENGINES)
    settings = dict(item.split("=", 1) for item in arguments.set)
    with Engines(names, tables, arguments.threads, settings) as engines:
        report = Report(list(engines.pipes))
        for path in paths:
            with open(path, encoding="utf-8") as file:
                report.add(os.path.basename(path)[:3], engines.compare(file.read(), arguments.runs))
        return report.finish()


if __name__ == "__main__":
    sys.exit(main())
