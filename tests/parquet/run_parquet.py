#!/usr/bin/env python3
"""Parquet files: samples of the format's project, a matrix of types, encodings and layouts, files that lie, files we write.

    run_parquet.py [--seed N] [--predicates N] [--samples FOLDER]

Samples (github.com/apache/parquet-testing) are looked for in FOLDER, in $VONK_PARQUET_TESTING, and in a folder parquet-testing
near the checkout; without them that part is skipped and said so.
"""
import argparse
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import pyenv  # noqa: E402

BUILD = os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release"))
MODES = [{"threads": 2, "jit": "off"}, {"threads": 1, "jit": "off", "batch_rows": 7}]


def samples_folder(argument):
    near = [f for steps in ("", "*/", "*/*/") for f in glob.glob(os.path.join(ROOT, "..", f"{steps}parquet-testing"))]
    for folder in (argument, os.environ.get("VONK_PARQUET_TESTING"), *near):
        if folder and glob.glob(os.path.join(folder, "*.parquet")):
            return folder
    return None


def run_samples(folder):
    """compare_samples.py over the folder; (passed, failed)."""
    import compare_samples
    subprocess.run(["cmake", "--build", BUILD, "--target", "parquet_dump"], check=True, capture_output=True)
    passed = failed = 0
    for path in sorted(pathlib.Path(folder).glob("*.parquet")):
        good, text = compare_samples.check(os.path.join(BUILD, "parquet_dump"), path)
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"DIFFERS {path.name}: {text}")
    return passed, failed


def run_file(matrix, sessions, name, table, predicates):
    """All that is asked of one file of the matrix."""
    columns = matrix.values(sessions[0], name, table)
    if not columns:
        return
    matrix.refusals(sessions[0], name, table)
    matrix.predicates(matrix.rng.choice(sessions), name, columns, predicates)
    if name.endswith(("default", "fallback2")):
        matrix.aggregates(sessions[0], name, columns)


def check_blooms(matrix, table):
    """Values that are not there pass over all row groups: statistics say nothing in this file."""
    from vonkpy import Session
    absent = {"ordered": "7", "i64": "-12345678901", "u64": "12345678901", "textfew": "'nowhere'", "f8": "6.5::float8",
              "n18_6": "12.345678", "n38_0": "1234567890123456789012345678", "tsms": "timestamp '2001-01-01 00:00:00.001'",
              "date": "date '9000-01-01'", "fixed": "'abcde'"}
    with Session(matrix.folder, threads=1) as session:
        for stem, literal in absent.items():
            name = next(n for n in table.column_names if n.startswith(f"{stem}_"))
            sql = f'EXPLAIN ANALYZE SELECT count(*) FROM many_bloom WHERE "{name}" = {literal}'
            text = "\n".join(row[0] for row in matrix.query(session, sql) or [])
            pruned = re.search(r"pruned (\d+) rows", text)
            matrix.note(pruned and int(pruned.group(1)) >= table.num_rows * 0.7, f"Bloom filter of {name}: {text[:500]}")


def run_matrix(folder, seed, predicates):
    import parquet_hostile
    import parquet_matrix
    import parquet_written
    import pyarrow.parquet as pq
    from vonkpy import Session

    os.makedirs(os.path.join(folder, "hostile"))
    os.makedirs(os.path.join(folder, "written"))
    matrix = parquet_matrix.Matrix(folder, seed)
    tables = {"many": (1500, {}), "one": (1, {}), "none": (0, {}), "few": (60, {"patterns": ("none", "rare")})}
    made = {}
    for label, (count, options) in tables.items():
        table = parquet_matrix.make_table(matrix.rng, count, **options)
        for layout, arguments in parquet_matrix.layouts(table, matrix.rng):
            if label in ("one", "none") and layout not in ("default", "indexed", "encoded2", "bloom"):
                continue
            kept = table.drop_columns([n for n in table.column_names if "nothing" in n]) if layout == "old" else table
            pq.write_table(kept, matrix.path(f"{label}_{layout}"), **arguments)
            made[f"{label}_{layout}"] = kept
        for layout, options in (("duck", "ROW_GROUP_SIZE 2048, COMPRESSION snappy"),
                                ("duck2", "PARQUET_VERSION v2, COMPRESSION zstd"), ("duck3", "COMPRESSION lz4_raw, PARQUET_VERSION v2")):
            made[f"{label}_{layout}"] = parquet_matrix.duckdb_file(table, matrix.path(f"{label}_{layout}"), options)
    sessions = [Session(folder, **mode) for mode in MODES]
    for name, table in made.items():
        run_file(matrix, sessions, name, table, predicates)
        if "duck" in name:
            rows = matrix.query(sessions[0], f'SELECT span, last FROM "{name}"') or []
            wrong = [(r, parquet_matrix.span_text(int(r[1]))) for r in rows if r[0] != parquet_matrix.span_text(int(r[1]))]
            matrix.note(not wrong, f"{name}.span: {wrong[:1]}")
    for session in sessions:
        session.close()
    check_blooms(matrix, made["many_bloom"])
    parquet_hostile.run(Session, os.path.join(folder, "hostile"), matrix)
    written = {name: made[name] for name in ("many_default", "one_default", "none_default", "few_encoded")}
    parquet_written.run(Session, BUILD, os.path.join(folder, "written"), folder, written, matrix)
    return matrix.passed, matrix.failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--predicates", type=int, default=80, help="for each file")
    parser.add_argument("--samples")
    arguments = parser.parse_args()
    pyenv.use()
    folder = samples_folder(arguments.samples)
    wrong = 0
    if folder is None:
        print("samples: skipped, there is no folder of them\nsamples: 0 passed, 0 failed")
    else:
        right, wrong = run_samples(folder)
        print(f"samples: {right} passed, {wrong} failed")
    scratch = tempfile.mkdtemp(prefix="vonk-parquet-")
    try:
        passed, failed = run_matrix(scratch, arguments.seed, arguments.predicates)
    finally:
        shutil.rmtree(scratch)
    print(f"matrix: {passed} passed, {failed} failed")
    return 1 if failed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
