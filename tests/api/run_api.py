#!/usr/bin/env python3
"""The examples, built and run against an installed libvonk; and what Arrow streams carry, type by type."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "lib"), os.path.join(ROOT, "examples")]
import pyenv  # noqa: E402

pyenv.use()
import datetime  # noqa: E402
import decimal  # noqa: E402
import struct  # noqa: E402
import threading  # noqa: E402

import pyarrow as pa  # noqa: E402
from arrow import Vonk  # noqa: E402

BUILD = os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release"))
LIBRARY = os.path.join(BUILD, "libvonk.so")
passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"FAILED: {what}")


def test_examples():
    with tempfile.TemporaryDirectory() as prefix:
        installed = subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], capture_output=True, text=True)
        check(installed.returncode == 0, f"install: {installed.stderr}")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "vonk"], capture_output=True, text=True,
                               env={**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/x86_64-linux-gnu/pkgconfig:"
                                                                     f"{prefix}/lib/pkgconfig"})
        check(flags.returncode == 0, f"pkg-config: {flags.stderr}")
        library_path = [f[2:] for f in flags.stdout.split() if f.startswith("-L")]
        for name, wanted in (("first_query", "x\tsquare\n1\t1\n2\t4\n3\t9\n4\t16\n5\t25\n"),
                             ("parameters", "42 true 2024-02-29\n")):
            program = os.path.join(prefix, name)
            built = subprocess.run(["cc", "-std=c17", "-Wall", "-Werror", os.path.join(ROOT, "examples", name + ".c"),
                                    *flags.stdout.split(), "-o", program], capture_output=True, text=True)
            check(built.returncode == 0, f"{name}: {built.stderr}")
            run = subprocess.run([program], capture_output=True, text=True,
                                 env={**os.environ, "LD_LIBRARY_PATH": ":".join(library_path)})
            check(run.stdout == wanted, f"{name}: {run.stdout!r} {run.stderr!r}")
        run = subprocess.run([sys.executable, os.path.join(ROOT, "examples", "arrow.py"), LIBRARY],
                             capture_output=True, text=True)
        check("'next_age': 8" in run.stdout and "500000500000" in run.stdout, f"arrow.py: {run.stdout} {run.stderr}")


def test_exports():
    """libvonk.so exports vonk_* and nothing else, and does not link LLVM, GLib or Thrift."""
    names = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True).stdout.split("\n")
    names = [line.split()[-1] for line in names if line.strip()]
    check(all(n.startswith(("vonk_", "VONK_")) for n in names), f"exports: {[n for n in names if n[:5] != 'vonk_']}")
    needed = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True).stdout
    check(not any(word in needed for word in ("libLLVM", "libglib", "libthrift")), needed)


def test_arrow_round_trip():
    dec = decimal.Decimal
    columns = {
        "b": pa.array([True, None, False]), "i8": pa.array([1, None, -128], pa.int8()),
        "i16": pa.array([1, None, -32768], pa.int16()), "i32": pa.array([1, None, -2**31], pa.int32()),
        "i64": pa.array([1, None, -2**63], pa.int64()), "u8": pa.array([1, None, 255], pa.uint8()),
        "u32": pa.array([1, None, 2**32 - 1], pa.uint32()), "u64": pa.array([1, None, 2**64 - 1], pa.uint64()),
        "f": pa.array([1.5, None, -0.25], pa.float32()), "g": pa.array([1e300, None, 0.1]),
        "d9": pa.array([dec("1.25"), None, dec("-99.99")], pa.decimal128(9, 2)),
        "d38": pa.array([dec("1" * 30 + ".5"), None, dec("-0.1")], pa.decimal128(38, 1)),
        "s": pa.array(["", None, "a text of more than twelve bytes"]),
        "l": pa.array(["x", None, "y" * 100], pa.large_string()),
        "k": pa.array(["red", None, "red"]).dictionary_encode(),
        "date": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1900, 1, 1)]),
        "ts": pa.array([datetime.datetime(2024, 1, 1, 12, 30, 15, 123456), None, datetime.datetime(1969, 12, 31)]),
        "ms": pa.array([datetime.datetime(2024, 1, 1, 12), None, datetime.datetime(1969, 12, 31)], pa.timestamp("ms")),
        "n": pa.nulls(3), "u16": pa.array([1, None, 65535], pa.uint16()),
        "v": pa.array(["", None, "a text of more than twelve bytes"], pa.string_view()),
        "date64": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1900, 1, 1)], pa.date64()),
        "s_": pa.array([datetime.datetime(2024, 1, 1, 12), None, datetime.datetime(1969, 12, 31)], pa.timestamp("s")),
        "d32": pa.array([dec("1.25"), None, dec("-99.99")], pa.decimal32(9, 2)),
        "d64": pa.array([dec("1.25"), None, dec("-99.99")], pa.decimal64(18, 2)),
        "ki": pa.array([7, None, 7], pa.int64()).dictionary_encode(),
        "kd": pa.array([dec("1.25"), None, dec("1.25")], pa.decimal128(9, 2)).dictionary_encode(),
        "kl": pa.array(["x" * 20, None, "y"], pa.large_string()).dictionary_encode(),
        "knull": pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.uint8()), pa.array(["a", None])),
    }
    vonk = Vonk(LIBRARY)
    table = pa.table(columns)
    for source in (table, table.slice(1, 2), pa.concat_tables([table] * 1500), table.slice(0, 0),
                   pa.concat_tables([table] * 1500).combine_chunks().slice(7, 3001)):
        vonk.register("t", source)
        for name in columns:
            got = vonk.query(f'SELECT "{name}" FROM t')[name].to_pylist()
            wanted = source[name].to_pylist()
            check(got == wanted, f"column {name}: {got[:3]} instead of {wanted[:3]}")
        check(vonk.query("SELECT * FROM t").num_rows == source.num_rows, "row count")
    for values in (pa.array([[1], [2]]), pa.array([b"x"]), pa.array([dec(1)], pa.decimal256(40, 2)),
                   pa.array([datetime.time(1, 2)]), pa.array([{"a": 1}])):
        try:
            vonk.register("bad", pa.table({"x": values}))
            check(False, f"a column of {values.type} must be refused")
        except RuntimeError as error:
            check('column "x"' in str(error), f"refusal names the column: {error}")
    check(vonk.query("SELECT 1 AS a WHERE false").num_rows == 0, "an empty result has a schema and no rows")
    try:
        vonk.query("SELECT 10 / (x - 5000) FROM generate_series(1, 10000) g(x)")
        check(False, "an error inside the stream must arrive")
    except (RuntimeError, OSError) as error:
        check("division by zero" in str(error), f"error of a stream: {error}")
    vonk.close()


def test_half_floats():
    vonk = Vonk(LIBRARY)
    values = [0.5, -2.0, 65504.0, 2.0**-24, float("-inf"), 0.0999755859375]
    halves = pa.Array.from_buffers(pa.float16(), len(values), [None, pa.py_buffer(struct.pack("<6e", *values))])
    vonk.register("t", pa.table({"x": halves}))
    check(vonk.query("SELECT x FROM t")["x"].to_pylist() == values, "half floats")
    vonk.close()


def test_values_under_nulls():
    """What lies where a value is null does not matter."""
    vonk = Vonk(LIBRARY)
    bits = pa.py_buffer(bytes([0b101]))
    values = pa.Array.from_buffers(pa.int32(), 3, [bits, pa.array([1, 2**31 - 1, 3], pa.int32()).buffers()[1]])
    vonk.register("t", pa.table({"x": values}))
    check(vonk.query("SELECT sum(x + 1) AS s FROM t")["s"].to_pylist() == [6], "overflow of a null")
    vonk.close()


def test_results_outlive():
    """Batches that left stay as they are when their result, and then the session, is gone."""
    vonk = Vonk(LIBRARY)
    reader = vonk.stream("SELECT x AS i, x * 1.5::float8 AS f, 'text number ' || x AS t, (x::numeric(38,2)) AS d, "
                         "CASE WHEN x % 3 = 0 THEN x END AS n FROM generate_series(1, 20000) g(x)")
    kept = [reader.read_next_batch() for _ in range(3)]
    columns = [batch.column(1) for batch in kept]
    del reader
    check(vonk.query("SELECT 1 AS a").num_rows == 1, "a stream that was left does not bind the session")
    vonk.close()
    rows = pa.Table.from_batches(kept).to_pylist()
    check(all(r == {"i": n, "f": n * 1.5, "t": f"text number {n}", "d": decimal.Decimal(n), "n": n if n % 3 == 0 else None}
              for n, r in enumerate(rows, 1)), f"kept rows: {rows[:2]}")
    del kept, rows
    check([v for c in columns for v in c.to_pylist()][:3] == [1.5, 3.0, 4.5], "columns alone")


def test_many_sessions():
    """Sessions on threads of their own do not disturb each other."""
    answers = []

    def work(number):
        vonk = Vonk(LIBRARY)
        vonk.register("t", pa.table({"x": list(range(number, number + 10000))}))
        for _ in range(5):
            answers.append((number, vonk.query("SELECT sum(x) AS s FROM t")["s"].to_pylist()[0]))
        vonk.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(len(answers) == 40 and all(s == sum(range(n, n + 10000)) for n, s in answers), f"sessions: {answers[:3]}")


def test_cancel():
    vonk = Vonk(LIBRARY)
    timer = threading.Timer(0.3, lambda: vonk.lib.vonk_session_cancel(vonk.session))
    timer.start()
    started = datetime.datetime.now()
    try:
        vonk.query("SELECT count(*) FROM generate_series(1, 100000) a(x), generate_series(1, 1000000) b(y) "
                   "WHERE x * y % 7 = 3")
        check(False, "the query must be cancelled")
    except (RuntimeError, OSError) as error:
        seconds = (datetime.datetime.now() - started).total_seconds()
        check("cancel" in str(error) and seconds < 3, f"cancel: {error} after {seconds} s")
    check(vonk.query("SELECT 1 AS a").to_pylist() == [{"a": 1}], "the session goes on after a cancel")
    vonk.close()


def main():
    for test in (test_examples, test_exports, test_arrow_round_trip, test_half_floats, test_values_under_nulls, test_results_outlive,
                 test_many_sessions, test_cancel):
        test()
    print(f"api: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
