#!/usr/bin/env python3
"""All 22 TPC-H queries: the same bytes in every mode, and the answers of DuckDB and PostgreSQL.

    run_tpch.py [--scale S] [--queries 1,6] [--no-postgres]
    VONK_TEST_MASTER=URL run_tpch.py [--scale S] [--queries 1,6]    on that cluster, beside one process

At scale 0.01 every mode runs (threads, tiers, tiny batches, no optimizer rules, Parquet and CSV); at --scale (0.1) the
ordinary ones. Modes over Parquet must agree byte for byte. DuckDB and PostgreSQL are compared to 9 significant digits.
"""
import argparse
import glob
import hashlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "bench"))
import pyenv  # noqa: E402

pyenv.use()
from postgres import Postgres, available  # noqa: E402
from engines import same  # noqa: E402
from tpch import TABLES  # noqa: E402
from vonkpy import Session, VonkError  # noqa: E402

ALL_MODES = [
    {"threads": 1, "jit": "off"}, {"threads": 2, "jit": "off"}, {"threads": 8, "jit": "off"},
    {"threads": 1, "jit": "on"}, {"threads": 8, "jit": "on", "test_wire": "on"}, {"threads": 2, "jit": "auto"},
    {"threads": 2, "jit": "off", "batch_rows": 1}, {"threads": 2, "jit": "on", "batch_rows": 3},
    {"threads": 2, "jit": "off", "optimizer_disable": "all"},
    {"threads": 2, "test_jobs": 1}, {"threads": 8, "jit": "on", "test_jobs": 4, "test_wire": "on",
                                     "adaptive_merge_bytes": "8KiB", "adaptive_split_bytes": "4KiB"},
    {"threads": 2, "jit": "off", "test_jobs": 3, "optimizer_disable": "all"},
]
ORDINARY_MODES = [{"threads": 2, "jit": "auto"}, {"threads": 8, "jit": "on"}, {"threads": 1, "jit": "off"},
                  {"threads": 2, "test_jobs": 3}]

TYPES = {
    "nation": "n_nationkey bigint, n_name text, n_regionkey bigint, n_comment text",
    "region": "r_regionkey bigint, r_name text, r_comment text",
    "part": "p_partkey bigint, p_name text, p_mfgr text, p_brand text, p_type text, p_size int, p_container text,"
            " p_retailprice numeric(15,2), p_comment text",
    "supplier": "s_suppkey bigint, s_name text, s_address text, s_nationkey bigint, s_phone text,"
                " s_acctbal numeric(15,2), s_comment text",
    "partsupp": "ps_partkey bigint, ps_suppkey bigint, ps_availqty int, ps_supplycost numeric(15,2), ps_comment text",
    "customer": "c_custkey bigint, c_name text, c_address text, c_nationkey bigint, c_phone text,"
                " c_acctbal numeric(15,2), c_mktsegment text, c_comment text",
    "orders": "o_orderkey bigint, o_custkey bigint, o_orderstatus text, o_totalprice numeric(15,2), o_orderdate date,"
              " o_orderpriority text, o_clerk text, o_shippriority int, o_comment text",
    "lineitem": "l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber int, l_quantity numeric(15,2),"
                " l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag text,"
                " l_linestatus text, l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct text,"
                " l_shipmode text, l_comment text",
}

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + ok, failed + (not ok)
    if not ok:
        print(f"FAILED: {what}", flush=True)


def read_queries(numbers):
    queries = {}
    for path in sorted(glob.glob(os.path.join(HERE, "queries", "q*.sql"))):
        number = int(os.path.basename(path)[1:3])
        if not numbers or number in numbers:
            queries[number] = open(path, encoding="utf-8").read()
    return queries


def run_mode(folder, mode, queries):
    """Answers by query number; a failure is its text."""
    answers = {}
    with Session(folder, **mode) as session:
        for number, sql in queries.items():
            try:
                answers[number] = session.query(sql)[1]
            except VonkError as error:
                answers[number] = f"error {error}"
    return answers


def digest(rows):
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def compare(name, answers, truth):
    for number, rows in answers.items():
        ok = not isinstance(rows, str) and same(rows, truth[number])
        check(ok, f"{name}, Q{number}: {rows if isinstance(rows, str) else rows[:2]} instead of {truth[number][:2]}")


def run_modes(folder, modes, queries, truth, form):
    first = None
    for mode in modes:
        name = f"{form} " + " ".join(f"{k}={v}" for k, v in mode.items())
        answers = run_mode(folder, mode, queries)
        compare(name, answers, truth)
        if first is None:
            first = (name, answers)
        for number in queries:
            check(digest(answers[number]) == digest(first[1][number]),
                  f"Q{number}: other bytes in [{name}] than in [{first[0]}]: {answers[number][:3]} {first[1][number][:3]}")
        print(f"[{name}] done", flush=True)


def duckdb_answers(folder, queries):
    import duckdb
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{folder}/{table}.parquet'")
    return {number: connection.execute(sql).fetchall() for number, sql in queries.items()}


def postgres_answers(csv_folder, queries):
    answers = {}
    with Postgres() as server:
        for table, columns in TYPES.items():
            server.query(f"CREATE TABLE {table} ({columns})")
            server.query(f"\\copy {table} from '{csv_folder}/{table}.csv' with (format csv, header)\n")
            first = columns.split()[0]
            server.query(f"CREATE INDEX ON {table} ({first})")
        server.query("CREATE INDEX ON lineitem (l_partkey, l_suppkey)")
        server.query("ANALYZE")
        for number, sql in queries.items():
            answers[number] = server.query(sql)[1]
    return answers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", default="0.1")
    parser.add_argument("--queries", default="")
    parser.add_argument("--no-postgres", action="store_true")
    arguments = parser.parse_args()
    queries = read_queries({int(n) for n in arguments.queries.split(",")} if arguments.queries else set())

    if "VONK_TEST_MASTER" in os.environ:
        folder = pyenv.tpch(arguments.scale)
        run_modes(folder, [{"threads": 2}, {"threads": 2, "master": os.environ["VONK_TEST_MASTER"]}], queries,
                  duckdb_answers(folder, queries), f"parquet {arguments.scale}")
        print(f"tpch: {passed} passed, {failed} failed")
        return 1 if failed else 0
    tiny = pyenv.tpch("0.01")
    truth = duckdb_answers(tiny, queries)
    run_modes(tiny, ALL_MODES, queries, truth, "parquet 0.01")
    run_modes(pyenv.tpch("0.01", "csv"), [{"threads": 2}, {"threads": 8, "jit": "off"}], queries, truth, "csv 0.01")
    folder = pyenv.tpch(arguments.scale)
    truth = duckdb_answers(folder, queries)
    run_modes(folder, ORDINARY_MODES, queries, truth, f"parquet {arguments.scale}")
    if available() and not arguments.no_postgres:
        answers = postgres_answers(pyenv.tpch(arguments.scale, "csv"), queries)
        vonk = run_mode(folder, {"threads": 2}, queries)
        compare(f"against PostgreSQL {arguments.scale}", vonk, answers)
    print(f"tpch: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
