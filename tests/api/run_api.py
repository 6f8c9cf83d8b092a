#!/usr/bin/env python3
"""The examples, built and run against an installed libvonk; and what Arrow streams carry, type by type."""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "lib"), os.path.join(ROOT, "examples")]
import pyenv  # noqa: E402

pyenv.use()
import ctypes  # noqa: E402
import datetime  # noqa: E402
import decimal  # noqa: E402
import struct  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

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


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def library_folder(prefix):
    for folder, _, files in os.walk(prefix):
        if "libvonk.so" in files:
            return folder
    return prefix


def test_installed(prefix):
    """What `make install` copies: programs find it by pkg-config, also after the prefix has moved."""
    first = os.path.join(prefix, "first")
    installed = run("cmake", "--install", BUILD, "--prefix", first)
    check(installed.returncode == 0, f"install: {installed.stderr}")
    prefix = os.path.join(prefix, "moved to another place")
    os.rename(first, prefix)
    libraries = library_folder(prefix)
    paths = {**os.environ, "PKG_CONFIG_PATH": os.path.join(libraries, "pkgconfig"), "LD_LIBRARY_PATH": libraries,
             "XDG_CACHE_HOME": os.path.join(prefix, "cache")}
    flags = run("pkg-config", "--cflags", "--libs", "vonk", env=paths)
    check(flags.returncode == 0, f"pkg-config: {flags.stderr}")
    for name, wanted in (("first_query", "x\tsquare\n1\t1\n2\t4\n3\t9\n4\t16\n5\t25\n"),
                         ("parameters", "42 true 2024-02-29\n"), ("progress", "cancelled")):
        program = os.path.join(prefix, name)
        built = run("cc", "-std=c17", "-Wall", "-Wextra", "-Werror", os.path.join(ROOT, "examples", name + ".c"),
                    *shlex.split(flags.stdout), "-o", program)
        check(built.returncode == 0, f"{name}: {built.stderr}")
        ran = run(program, env=paths, timeout=60)
        check(wanted in ran.stdout, f"{name}: {ran.stdout!r} {ran.stderr!r}")
    python = run(sys.executable, os.path.join(ROOT, "examples", "arrow.py"), os.path.join(libraries, "libvonk.so"))
    check("'next_age': 8" in python.stdout and "500000500000" in python.stdout, f"arrow.py: {python}")
    compiled = run(os.path.join(prefix, "first_query"), ".",
                   "SET jit = on; EXPLAIN ANALYZE SELECT sum(x * 3 + 1) FROM generate_series(1, 100000) g(x) "
                   "WHERE x % 7 = 3", env={**paths, "LD_DEBUG": "libs"})
    check(" compiled" in compiled.stdout, f"no compiled code: {compiled.stdout}")
    check(f"calling init: {libraries}/libvonk_jit.so" in compiled.stderr, "libvonk_jit.so is not the installed one")
    shell = run("vonk", "sql", "--set", "jit=on", "-c", "EXPLAIN ANALYZE SELECT sum(x * 3 + 1) "
                "FROM generate_series(1, 100000) g(x) WHERE x % 7 = 3",
                env={"PATH": os.path.join(prefix, "bin"), "XDG_CACHE_HOME": os.path.join(prefix, "cache of vonk")})
    check(" compiled" in shell.stdout and shell.stderr == "", f"installed vonk, found by PATH: {shell}")
    test_cmake_package(prefix, paths)
    test_headers(prefix)


def test_cmake_package(prefix, paths):
    project = os.path.join(prefix, "project")
    os.mkdir(project)
    with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as f:
        f.write("cmake_minimum_required(VERSION 3.20)\nproject(try C)\nfind_package(vonk 0.1 REQUIRED)\n"
                f"add_executable(try {ROOT}/examples/first_query.c)\ntarget_link_libraries(try vonk::vonk)\n")
    configured = run("cmake", "-S", project, "-B", project + "/build", f"-DCMAKE_PREFIX_PATH={prefix}")
    check(configured.returncode == 0, f"find_package(vonk): {configured.stderr}")
    built = run("cmake", "--build", project + "/build")
    check(built.returncode == 0, f"CMake project: {built.stdout} {built.stderr}")
    ran = run(project + "/build/try", env=paths)
    check(ran.stdout.startswith("x\tsquare\n"), f"CMake project: {ran}")


def test_headers(prefix):
    """Each header compiles alone, as C99 and as C++ where a compiler for it is there."""
    headers = os.listdir(os.path.join(prefix, "include", "vonk"))
    languages = [["cc", "-x", "c", "-std=c99", "-pedantic-errors"]]
    languages += [[name, "-x", "c++", "-std=c++11"] for name in ("g++", "clang++-19") if shutil.which(name)]
    for header in (h for h in headers if h.endswith(".h")):
        for language in languages:
            done = run(*language, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{prefix}/include", "-",
                       input=f"#include <vonk/{header}>\nint main(void) {{ return 0; }}\n")
            check(done.returncode == 0, f"{header} by {language[0]}: {done.stderr}")


def test_examples():
    with tempfile.TemporaryDirectory() as prefix:
        test_installed(prefix)


def test_exports():
    """libvonk.so exports vonk_* and nothing else, and does not link LLVM, GLib or Thrift."""
    names = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True).stdout.split("\n")
    names = [line.split()[-1] for line in names if line.strip()]
    odd = [n for n in names if not (n.startswith("vonk_") and "@@VONK_" in n) and not n.startswith("VONK_")]
    check(names and not odd, f"exports: {odd}")
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


def test_misuse():
    """What a program gets wrong is an error, not a crash."""
    vonk = Vonk(LIBRARY)
    null, error = ctypes.c_void_p(), vonk.error
    for name, arguments, part in (
            ("vonk_session_open", (None, None), "session_out"), ("vonk_query", (null, b"", None, 0, ctypes.byref(null)),
                                                                  "session"),
            ("vonk_query", (vonk.session, None, None, 0, ctypes.byref(null)), "sql"),
            ("vonk_query", (vonk.session, b"SELECT $1", None, 1, ctypes.byref(null)), "params"),
            ("vonk_query", (vonk.session, b"SELECT 1", None, 0, None), "result_out"),
            ("vonk_query", (vonk.session, b"SELECT $1", None, 0, ctypes.byref(null)), "no parameter $1"),
            ("vonk_query", (vonk.session, b"CREATE VIEW v AS SELECT $1", ctypes.create_string_buffer(32), 1, ctypes.byref(null)),
             "no parameters"),
            ("vonk_query", (vonk.session, b" ; ", None, 0, ctypes.byref(null)), "no statement"),
            ("vonk_session_set", (vonk.session, b"jit", None), "value"),
            ("vonk_session_set", (vonk.session, b"nonsense", b"1"), "nonsense"),
            ("vonk_register_arrow", (vonk.session, b"t", None), "stream"),
            ("vonk_result_arrow_stream", (None, None), "result")):
        status = getattr(vonk.lib, name)(*arguments, ctypes.byref(error))
        check(status == 1 and part in error.message.decode(), f"{name}: {status} {error.message}")
        check(getattr(vonk.lib, name)(*arguments, None) == 1, f"{name} without a VonkError")
    vonk.lib.vonk_session_close(None)
    vonk.lib.vonk_result_free(None)
    vonk.lib.vonk_session_cancel(None)
    vonk.close()


def test_results_side_by_side():
    """Two results of a session are read in turns; one that is left when the session closes says so."""
    vonk = Vonk(LIBRARY)
    readers = [vonk.stream(f"SELECT x * {n} AS x FROM generate_series(1, 10000) g(x)") for n in (1, 2)]
    sums = [0, 0]
    for _ in range(3):
        for n in (0, 1):
            sums[n] += sum(readers[n].read_next_batch()["x"].to_pylist())
    check(sums[1] == 2 * sums[0] > 0, f"sums {sums}")
    vonk.close()
    try:
        readers[0].read_all()
        check(False, "rows after the session was closed")
    except (RuntimeError, OSError) as error:
        check("cancel" in str(error), f"after the session was closed: {error}")


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
    is_over, sent = threading.Event(), []

    def cancel():  # again and again: one that comes before the query starts is not for it
        while not is_over.wait(0.3):
            sent.append(time.monotonic())
            vonk.lib.vonk_session_cancel(vonk.session)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        vonk.query("SELECT count(*) FROM generate_series(1, 100000) a(x), generate_series(1, 1000000) b(y) "
                   "WHERE x * y % 7 = 3")
        check(False, "the query must be cancelled")
    except (RuntimeError, OSError) as error:
        seconds = time.monotonic() - sent[0] if sent else 0
        check("cancel" in str(error) and seconds < 3, f"cancel: {error} after {seconds} s")
    is_over.set()
    canceller.join()
    check(vonk.query("SELECT 1 AS a").to_pylist() == [{"a": 1}], "the session goes on after a cancel")
    vonk.close()


def test_notice():
    import vonkpy
    check(vonkpy.LIB is None or vonkpy.LIB.vonk_result_notice(None) is None, "the notice of no result")
    with vonkpy.Session() as session:
        session.query("BEGIN")
        check(session.tag == "BEGIN" and b"no transactions" in (session.notice or b""), f"BEGIN: {session.notice}")
        session.query("SELECT 1")
        check(session.notice is None, f"SELECT: {session.notice}")


def main():
    for test in (test_examples, test_exports, test_arrow_round_trip, test_half_floats, test_values_under_nulls, test_results_outlive, test_misuse,
                 test_results_side_by_side, test_many_sessions, test_cancel, test_notice):
        test()
    print(f"api: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
