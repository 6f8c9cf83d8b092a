#!/usr/bin/env python3
"""Queries that load one operator each, Vonk beside DuckDB: grouping, joins, sorting, scans.

    bench/operators.py [FILE ...] [--rows N] [--runs N] [--threads N] [--only NAME,...] [--engines ...] [--set jit=off]

FILE is a name in bench/operators (group, join, scan, sort; all when none). The data is made by DuckDB in build/bench.
"""
import argparse
import os
import re
import sys

from engines import Engines, Report

HERE = os.path.dirname(os.path.abspath(__file__))
QUERIES = os.path.join(HERE, "operators")


def make_data(rows):
    """Files of the tables data.sql makes, by table."""
    folder = os.path.join(os.path.dirname(HERE), "build", "bench", f"operators-{rows}")
    with open(os.path.join(QUERIES, "data.sql"), encoding="utf-8") as file:
        script = file.read()
    if not os.path.exists(os.path.join(folder, "ready")):
        import duckdb
        os.makedirs(folder, exist_ok=True)
        duckdb.connect(config={"threads": 2}).execute(script.replace("ROWS", str(rows)).replace("FOLDER", folder))
        with open(os.path.join(folder, "ready"), "w", encoding="ascii"):
            pass
    return {name: os.path.join(folder, f"{name}.parquet") for name in re.findall(r"FOLDER/(\w+)\.parquet", script)}


def read_queries(name):
    """[(label, sql)] of a file: a line "-- label" before each statement."""
    with open(os.path.join(QUERIES, f"{name}.sql"), encoding="utf-8") as file:
        return re.findall(r"^-- (\w+)\n(.*?);\n", file.read(), re.M | re.S)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", default=["scan", "group", "join", "sort"])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--engines", default="vonk,duckdb")
    parser.add_argument("--set", action="append", default=[], help="a setting of Vonk: NAME=VALUE")
    arguments = parser.parse_args()

    tables = make_data(arguments.rows)
    only = arguments.only.split(",") if arguments.only else []
    settings = dict(item.split("=", 1) for item in arguments.set)
    with Engines(arguments.engines.split(","), tables, arguments.threads, settings) as engines:
        report = Report(list(engines.pipes))
        for file in arguments.files:
            for label, sql in read_queries(file):
                if not only or label in only:
                    report.add(f"{file[0]}.{label}", engines.compare(sql, arguments.runs))
        return report.finish()


if __name__ == "__main__":
    sys.exit(main())
