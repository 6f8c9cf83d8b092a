#!/usr/bin/env python3
"""Sorts by ranges that a sample finds: of windows of what is read, or of all that was made.

    run_ranges.py         ends with 'ranges: N passed, N failed'
    VONK_TEST_MASTER=URL run_ranges.py    keys that most rows have, on that cluster beside one process

Whatever lies in the files, and however it lies there: the records come in their order, the same bytes in every mode, and no
range is much larger than the others.
"""
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from jobs import VONK, check, report, submit  # noqa: E402

JOB = "tests/rdd/jobs/ranges.c"
FILES = 5
ROWS = 300000
MASTER = os.environ.get("VONK_TEST_MASTER")
MODES = [["--master", MASTER]] if MASTER else [["--master", "local[1]"], ["--master", "local[8]"], ["--set", "test.wire=on"], ["--set", "jit=off", "--set", "test.faults=5"]]


def write(folder, name, keys, rest=lambda i: "x" * 40, files=FILES, end="\n"):
    """Lines of those keys, dealt out to files by runs; returns the folder."""
    place = os.path.join(folder, name)
    os.mkdir(place)
    for f in range(files):
        start = len(keys) * f // files
        part = keys[start:len(keys) * (f + 1) // files]
        with open(os.path.join(place, f"{f}.txt"), "w") as out:
            out.write("".join(f"{key};{rest(start + i)}{end}" for i, key in enumerate(part)))
    return place


def run(folder, *args, options=()):
    """Exit code, what was printed, standard error, and the stages as the ledger has them."""
    ledger = os.path.join(folder, "ledger.jsonl")
    if os.path.exists(ledger):
        os.unlink(ledger)
    code, out, err = submit(JOB, *args, options=[*options, "--lineage", ledger])
    stages = []
    if code == 0:
        with open(ledger) as f:
            stages = json.loads(f.readline())["stages"]
    return code, out, err, stages


def parts(stages):
    return [[(p["hash"], p["rows"], p["bytes"]) for p in stage["partitions"]] for stage in stages]


def sorts(folder, name, args, keys, is_sampled=True, most=1.5, modes=()):
    """Sorted as they should be, in ranges of about one size, from a sample of windows or of all, alike in all modes."""
    code, out, err, stages = run(folder, *args)
    numbers = [int(n) for n in out.split()]
    if not check(code == 0 and numbers[:2] == [len(keys), sum(keys)] and numbers[3] == 0, f"{name}: {code}, {out}, {err[-300:]}"):
        return
    labels = [stage["name"] for stage in stages]
    check(labels[0].startswith("sample ") == is_sampled and ("move rows" in labels) != is_sampled, f"{name}: stages {labels}")
    rows = [p["rows"] for p in stages[-1]["partitions"]]
    check(max(rows) <= most * sum(rows) / len(rows) + 1, f"{name}: ranges of {rows} rows")
    for mode in modes:
        code, other, err, again = run(folder, *args, options=mode)
        check(code == 0 and other == out and parts(again) == parts(stages), f"{name} {mode}: {code}, {other}, {err[-300:]}")


def orders(folder):
    """What is sorted already lies window by window; what is not, row by row."""
    up = list(range(ROWS))
    mixed = random.Random(7).sample(up, ROWS)
    for name, keys, modes in (("ascending", up, MODES), ("descending", up[::-1], []), ("mixed", mixed, MODES),
                              ("runs", [i % 3000 * 100 + i // 3000 for i in up], [])):
        sorts(folder, name, ("lines", write(folder, name, keys)), keys, modes=modes)


def densities(folder):
    """A file with long lines has few of them: a row that is met there stands for no more rows than another."""
    keys = random.Random(8).sample(range(ROWS), ROWS)
    place = write(folder, "dense", keys, rest=lambda i: "y" * (10 if i < ROWS * 4 // 5 else 300))
    sorts(folder, "dense", ("lines", place), keys)
    dropped = [i for i in range(ROWS) if i % 20 == 0]
    place = write(folder, "filtered", list(range(ROWS)), rest=lambda i: "z" * 40 if i % 20 == 0 else "-" * 40)
    sorts(folder, "filtered", ("lines", place), dropped)
    place = write(folder, "nothing", list(range(2000)), rest=lambda i: "-")
    sorts(folder, "nothing", ("lines", place), [])


def shapes(folder):
    """Few, none, longer than any window, two inputs at once, lines that end otherwise."""
    few = [3, 1, 2]
    sorts(folder, "few", ("lines", write(folder, "few", few, files=9)), few, most=3)
    sorts(folder, "none", ("lines", write(folder, "none", [])), [])
    long = random.Random(9).sample(range(40), 40)
    sorts(folder, "long", ("lines", write(folder, "long", long, rest=lambda i: "w" * 400000)), long, most=4, modes=MODES[:1])
    one = [7]
    sorts(folder, "one", ("lines", write(folder, "one", one, rest=lambda i: "v" * (40 << 20), files=1)), one, most=2)
    windows = list(range(3000))
    sorts(folder, "crlf", ("lines", write(folder, "crlf", windows, end="\r\n")), windows)
    a, b = [2 * i for i in range(ROWS // 10)], [2 * i + 1 for i in range(ROWS // 10)]
    places = write(folder, "a", a), write(folder, "b", b, files=2)
    sorts(folder, "two", ("two", *places), a + b, modes=MODES[:1])


def hash_of(rows):
    """As the job has it."""
    found = 0
    for key, rest in rows:
        found = (found * 31 + key) % (1 << 64)
        for byte in rest.encode():
            found = (found * 31 + byte) % (1 << 64)
    return found


def deals(folder, name, args, rows, most=1.3, modes=()):
    """Just these rows, in this order, whatever keys most of them have; in ranges of about one size."""
    code, out, err, stages = run(folder, *args)
    numbers = [int(n) for n in out.split()]
    check(code == 0 and numbers[:3] == [len(rows), sum(key for key, _ in rows), hash_of(rows)], f"{name}: {code}, {out}, {err[-300:]}")
    counts = [p["rows"] for p in stages[-1]["partitions"]] if stages else [0]
    check(max(counts) <= most * len(rows) / len(counts) + 1, f"{name}: ranges of {counts} rows")
    for mode in modes:
        code, other, err, again = run(folder, *args, options=mode)
        check(code == 0 and other == out and parts(again) == parts(stages), f"{name} {mode}: {code}, {other}, {err[-300:]}")


def heavy(folder):
    """Keys that most rows have: they are dealt to several ranges by their places, so that equal ones stay as they came."""
    few, modes = ROWS // 5, [*MODES, ["--set", "batch_rows=7"]]
    mixed = random.Random(11).sample(range(few), few)

    def lines(name, keys, rest=str, files=FILES):
        rows = [(key, rest(i)) for i, key in enumerate(keys)]
        return rows, write(folder, name, keys, rest=rest, files=files)

    def by_key(rows, **options):
        return sorted(rows, key=lambda row: row[0], **options)

    rows, place = lines("heavy", [few // 3 if i % 10 else key for i, key in enumerate(mixed)])
    deals(folder, "one heavy key", ("lines", place), by_key(rows), modes=modes)
    deals(folder, "descending", ("by", "k DESC", place), by_key(rows, reverse=True), modes=modes[:2])
    deals(folder, "sorted twice, with functions between", ("twice", place), [(-k, rest) for k, rest in by_key(rows) if k % 2 == 0])
    csv = f"FROM read_csv('{place}/*.txt', delimiter=';', header=false, names='k,rest')"
    nulls = sorted(rows, key=lambda row: (row[0] == few // 3, row[0]))
    deals(folder, "NULLs", ("ordered", f"SELECT k, rest::text AS rest {csv} ORDER BY nullif(k, {few // 3})"), nulls, modes=modes)
    deals(folder, "NULLs first", ("ordered", f"SELECT k, rest::text AS rest {csv} ORDER BY nullif(k, {few // 3}) NULLS FIRST"),
          sorted(rows, key=lambda row: (row[0] != few // 3, row[0] if row[0] != few // 3 else 0)))
    deals(folder, "a number of equal ones", ("ordered", f"SELECT * FROM (SELECT k, rest::text AS rest {csv} ORDER BY k) s LIMIT 40000"),
          by_key(rows)[:40000], most=99)
    rows, place = lines("two heavy", [(7, 7, 50, 50, key)[i % 5] for i, key in enumerate(mixed)])
    deals(folder, "two heavy keys", ("lines", place), by_key(rows), modes=modes[:1])
    rows, place = lines("all equal", [3] * few)
    deals(folder, "all equal", ("lines", place), rows, modes=modes)
    rows, place = lines("one file", [key if i < few * 4 // 5 else 9 for i, key in enumerate(mixed)])
    deals(folder, "the heavy key is in one file", ("lines", place), by_key(rows))
    rows, place = lines("columns", [key % 2 for key in mixed], rest=lambda i: ("heavy", "heavy", "heavy", f"{i}")[i % 4])
    deals(folder, "a text", ("by", "rest", place), sorted(rows, key=lambda row: row[1]), modes=modes[:3])
    deals(folder, "two columns", ("by", "rest DESC, k", place), sorted(by_key(rows), key=lambda row: row[1], reverse=True))
    long = "a text that is longer than the first words of a key"
    rows, place = lines("long heavy", [key % 2 for key in mixed], rest=lambda i: (long, long, long, f"{long}, {i}")[i % 4])
    deals(folder, "a long text", ("by", "rest DESC", place), sorted(rows, key=lambda row: row[1], reverse=True), modes=modes)


def tables(folder):
    """Columns of files; those that can only be read from their start are kept and sampled whole."""
    keys = random.Random(10).sample(range(ROWS), ROWS)
    csv = write(folder, "csv", keys, rest=lambda i: f'"{i};\n{i}"')
    query = f"SELECT a AS k, b AS rest FROM read_csv('{csv}/*.txt', delimiter=';', header=false, names='a,b')"
    sorts(folder, "csv", ("query", query), keys, modes=MODES)
    plain = query.replace("header=false", "header=false, quote=''").replace(csv, write(folder, "plain", keys))
    sorts(folder, "csv without quotes", ("query", plain), keys)
    for name, part in (("sorted.parquet", f"k / {ROWS // FILES}"), ("mixed.parquet", f"k % {FILES}")):
        place = os.path.join(folder, name)
        os.mkdir(place)
        for f in range(FILES):
            copy = f"COPY (SELECT * FROM ({query}) AS t WHERE {part} = {f} ORDER BY k) TO '{place}/{f}.parquet' (row_group_size 17000)"
            subprocess.run([VONK, "sql", "-c", copy], check=True, stdout=subprocess.DEVNULL)
        sorts(folder, name, ("query", f"SELECT k, rest FROM read_parquet('{place}/*.parquet') WHERE k >= 0"), keys, modes=MODES)
    packed = os.path.join(folder, "packed")
    os.mkdir(packed)
    for f in range(3):
        with gzip.open(os.path.join(packed, f"{f}.txt.gz"), "wt") as out:
            out.write("".join(f"{key};u\n" for key in keys[f * 1000:(f + 1) * 1000]))
    sorts(folder, "packed", ("lines", packed), keys[:3000], is_sampled=False)


def failing(folder):
    """The error is that of the first record that cannot be taken, whether a window has it or not."""
    for name, bad in (("first", 0), ("late", 59999)):
        place = write(folder, name, [f"no {i}" if i >= bad else i for i in range(60000)])
        said = {run(folder, "lines", place, options=mode)[:3] for mode in [[], *MODES[:3]]}
        check(len(said) == 1 and next(iter(said))[0] == 1 and f"no number: no {bad}" in next(iter(said))[2], f"{name}: {said}")


def main():
    with tempfile.TemporaryDirectory(prefix="vonk-ranges-") as folder:
        os.environ["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
        for test in (heavy,) if MASTER else (orders, densities, shapes, heavy, tables, failing):
            test(folder)
    return report("ranges")


if __name__ == "__main__":
    sys.exit(main())
