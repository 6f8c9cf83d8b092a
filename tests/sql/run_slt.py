#!/usr/bin/env python3
"""SQL logic tests: tests/sql/<topic>/*.slt, in every mode of the engine, and against PostgreSQL.

    run_slt.py [FILE]...              the files (all of them) in every mode
    run_slt.py --modes test_jobs      ... in those that set it
    run_slt.py --postgres [FILE]...   the same statements on a private PostgreSQL 15: do the files tell the truth?
    run_slt.py --update [FILE]...     writes the answers that PostgreSQL gives into the files
    VONK_TEST_MASTER=URL run_slt.py   on that cluster

A file is a list of blocks with blank lines between:

    statement ok            statement error 22012           query [rowsort]
    CREATE VIEW ...         SELECT 1/0                      SELECT a, b FROM t ORDER BY a
                                                            ----
                                                            1<tab>NULL

NULL is NULL, empty text is (empty), tabs and newlines are \\t and \\n. Numbers with a point are compared to 13 significant
digits: where PostgreSQL prints 20 digits of a quotient and Vonk 16, both are right. A block with "onlyif vonk" in front is
not run on PostgreSQL. Each file has a session and a database folder of its own.
"""
import argparse
import concurrent.futures
import glob
import math
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

MODES = [
    {"threads": 2},
    {"threads": 1, "jit": "off"},
    {"threads": 8, "jit": "on", "test_wire": "on"},
    {"threads": 2, "jit": "off", "batch_rows": 1},
    {"threads": 2, "jit": "on", "batch_rows": 3},
    {"threads": 2, "jit": "off", "optimizer_disable": "all"},
    {"threads": 2, "test_jobs": 1},
    {"threads": 2, "jit": "off", "test_jobs": 3, "test_wire": "on", "adaptive_merge_bytes": 0},
    {"threads": 8, "jit": "on", "batch_rows": 3, "test_jobs": 2, "test_wire": "on"},
    {"threads": 2, "jit": "off", "test_jobs": 5, "optimizer_disable": "all", "adaptive_merge_bytes": "1KiB",
     "adaptive_split_bytes": 1},
]
if "VONK_TEST_MASTER" in os.environ:  # on a cluster that runs, and nowhere else
    MODES = [{"threads": 2, "master": os.environ["VONK_TEST_MASTER"], "executors": 2}]


class Block:
    def __init__(self, line, kind, words, sql, expected, only_vonk):
        self.line, self.kind, self.words, self.sql = line, kind, words, sql
        self.expected, self.only_vonk = expected, only_vonk


def parse(path):
    """The file's blocks; lines outside blocks are comments."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    blocks, i = [], 0
    while i < len(lines):
        if not lines[i].strip() or lines[i].startswith("#"):
            i += 1
            continue
        only_vonk = lines[i].strip() == "onlyif vonk"
        if only_vonk:
            i += 1
        start, words = i, lines[i].split()
        if words[0] not in ("statement", "query"):
            raise SystemExit(f"{path}:{i + 1}: expected 'statement' or 'query', found {lines[i]!r}")
        i += 1
        sql = []
        while i < len(lines) and lines[i].strip() and lines[i] != "----":
            sql.append(lines[i])
            i += 1
        expected = None
        if words[0] == "query":
            expected = []
            if i < len(lines) and lines[i] == "----":
                i += 1
                while i < len(lines) and lines[i] != "":
                    expected.append(lines[i])
                    i += 1
        blocks.append(Block(start + 1, words[0], words[1:], "\n".join(sql), expected, only_vonk))
    return blocks


def show(value):
    if value is None:
        return "NULL"
    return "(empty)" if value == "" else value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def show_rows(rows, words):
    lines = ["\t".join(show(value) for value in row) for row in rows]
    return sorted(lines) if "rowsort" in words else lines


NUMBER = re.compile(r"^-?\d*\.?\d+(e[-+]?\d+)?$")


def same_value(a, b):
    if a == b:
        return True
    if {a, b} <= {"t", "true"} or {a, b} <= {"f", "false"}:
        return True
    if NUMBER.match(a) and NUMBER.match(b) and ("." in a or "." in b or "e" in a or "e" in b):
        return math.isclose(float(a), float(b), rel_tol=1e-13, abs_tol=1e-15)
    return False


def same_rows(got, expected):
    if len(got) != len(expected):
        return False
    for a, b in zip(got, expected):
        x, y = a.split("\t"), b.split("\t")
        if len(x) != len(y) or not all(same_value(p, q) for p, q in zip(x, y)):
            return False
    return True


def run_blocks(blocks, run, error_type, report):
    """Runs the blocks through run(sql) -> rows; report(block, what) for each that fails. How many passed."""
    passed = 0
    for block in blocks:
        try:
            rows = run(block.sql)
        except error_type as error:
            wanted = block.words[1] if block.kind == "statement" and block.words[0] == "error" else None
            if wanted is not None and wanted in ("any", error.sqlstate):
                passed += 1
            else:
                report(block, f"{error}")
            continue
        if block.kind == "statement" and block.words[0] == "error":
            report(block, f"expected error {block.words[1]}, got rows {rows[:3]}")
        elif block.kind == "query" and not same_rows(show_rows(rows, block.words), block.expected):
            got = "\n        ".join(show_rows(rows, block.words)[:20])
            want = "\n        ".join(block.expected[:20])
            report(block, f"got\n        {got}\n    expected\n        {want}")
        else:
            passed += 1
    return passed


def run_vonk_file(path, mode):
    """In a process of its own, so that a crash is one file's failure: prints counts, exits."""
    from vonkpy import Session, VonkError
    failures = []
    with tempfile.TemporaryDirectory(prefix="vonk-slt-") as folder, Session(folder, **mode) as session:
        passed = run_blocks(parse(path), lambda sql: session.query(sql)[1], VonkError,
                            lambda block, what: failures.append((block, what)))
    for block, what in failures:
        print(f"{path}:{block.line}: {block.sql}\n    {what}")
    print(f"counts {passed} {len(failures)}")


def run_in_mode(path, mode):
    """(passed, failed) of one file in one mode; prints what failed. A warning, such as of code that does not load, is a failure."""
    name = " ".join(f"{k}={v}" for k, v in mode.items())
    run = subprocess.run([sys.executable, __file__, "--one", repr(mode), path], capture_output=True, text=True, errors="replace",
                         timeout=600)
    counts = re.search(r"^counts (\d+) (\d+)$", run.stdout, flags=re.M)
    if counts is None:
        print(f"[{name}] {path}: crashed ({run.returncode})\n{run.stdout[-500:]}{run.stderr[-3000:]}")
        return 0, 1
    if int(counts[2]):
        print(f"[{name}] {run.stdout}")
    if run.stderr:
        print(f"[{name}] {path}: {run.stderr[-3000:]}")
    return int(counts[1]), int(counts[2]) + bool(run.stderr)


def run_vonk(paths, modes):
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for mode in modes:
            results = list(pool.map(run_in_mode, paths, [mode] * len(paths)))
            mode_passed, mode_failed = sum(p for p, _ in results), sum(f for _, f in results)
            print(f"[{' '.join(f'{k}={v}' for k, v in mode.items())}] {mode_passed} ok, {mode_failed} not ok", flush=True)
            passed, failed = passed + mode_passed, failed + mode_failed
    return passed, failed


def run_postgres(paths):
    from postgres import Postgres, PostgresError
    passed = 0
    failures = []
    with Postgres() as server:
        for path in paths:
            server.query("DROP SCHEMA public CASCADE")
            server.query("CREATE SCHEMA public")
            blocks = [b for b in parse(path) if not b.only_vonk]
            passed += run_blocks(blocks, lambda sql: server.query(sql)[1], PostgresError,
                                 lambda block, what, path=path: failures.append((path, block, what)))
    for path, block, what in failures:
        print(f"{path}:{block.line}: {block.sql}\n    PostgreSQL: {what}")
    return passed, len(failures)


def update(paths):
    from postgres import Postgres, PostgresError
    with Postgres() as server:
        for path in paths:
            server.query("DROP SCHEMA public CASCADE")
            server.query("CREATE SCHEMA public")
            out = []
            blocks = {b.line: b for b in parse(path)}
            lines = open(path, encoding="utf-8").read().split("\n")
            i = 0
            while i < len(lines):
                block = blocks.get(i + 1)
                if block is None or block.only_vonk:
                    out.append(lines[i])
                    i += 1
                    continue
                i += 1 + block.sql.count("\n") + 1
                has_answer = i < len(lines) and lines[i] == "----"
                if has_answer:
                    i += 1 + len(block.expected)
                try:
                    rows = server.query(block.sql)[1]
                    head = " ".join(["query", *(w for w in block.words if w == "rowsort")]) \
                        if block.kind == "query" else "statement ok"
                    out += [head, block.sql]
                    if block.kind == "query":
                        out += ["----", *show_rows(rows, block.words)]
                except PostgresError as error:
                    out += [f"statement error {error.sqlstate}", block.sql]
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n".join(out))
            print(f"updated {path}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--modes", default="", metavar="SETTING", help="only the modes that set it")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    paths = arguments.files or sorted(glob.glob(os.path.join(HERE, "*", "*.slt")))
    if arguments.one:
        run_vonk_file(paths[0], eval(arguments.one, {}))
        return 0
    if arguments.update:
        update(paths)
        return 0
    if arguments.postgres:
        passed, failed = run_postgres(paths)
    else:
        passed, failed = run_vonk(paths, [mode for mode in MODES if not arguments.modes or arguments.modes in mode])
        from postgres import available
        if not arguments.files and not arguments.modes and available():
            p, f = run_postgres(paths)
            print(f"[postgres] {p} ok, {f} not ok")
            passed, failed = passed + p, failed + f
    print(f"slt: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
