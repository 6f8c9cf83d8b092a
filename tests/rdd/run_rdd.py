#!/usr/bin/env python3
"""RDD jobs: what the calls promise, in every mode; the examples' answers; jobs that fail.

    run_rdd.py                         all of it; ends with 'rdd: N passed, N failed'
    VONK_TEST_MASTER=URL run_rdd.py    what the calls promise, on that cluster

Answers must not depend on threads, batch sizes, the JIT, or on blocks and attempts that are lost on the way.
"""
import collections
import glob
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from jobs import ROOT, VONK, check, report, submit, write_job  # noqa: E402

MODES = [
    [],
    ["--master", "local[1]"],
    ["--master", "local[8]"],
    ["--set", "batch_rows=1"],
    ["--set", "batch_rows=3", "--set", "jit=off", "--set", "test.wire=on"],
    ["--set", "jit=on", "--set", "test.wire=on"],
    ["--set", "jit=on", "--set", "batch_rows=7", "--set", "test.faults=5"],
    ["--set", "optimizer.disable=all"],
    ["--set", "test.faults=7"],
    ["--set", "test.faults=8", "--master", "local[8]"],
    ["--set", "test.faults=9", "--master", "local[3]", "--set", "batch_rows=100"],
]


def semantics(folder, modes):
    """What each call promises: jobs/semantics*.c check it themselves, and may write to a folder."""
    for job in sorted(glob.glob(os.path.join(HERE, "jobs", "semantics*.c"))):
        name = os.path.basename(job)
        for number, mode in enumerate(modes):
            place = os.path.join(folder, f"{name}.{number}")
            os.mkdir(place)
            faults = {"WITH_FAULTS": "1"} if any("test.faults" in part for part in mode) else {}
            code, out, err = submit(job, place, options=mode, env=faults)
            lines = out.splitlines()
            for line in lines:
                if line.startswith("FAILED") or line.startswith("ok "):
                    check(line.startswith("ok "), f"{name} {' '.join(mode)}: {line}")
            check(code == 0 and bool(lines) and lines[-1].endswith(" 0 failed"),
                  f"{name} {' '.join(mode)}: exit {code}, {lines[-1:]}, {err[-500:]}")


def write_text(folder):
    """Some files of words, one of them compressed; returns the counts."""
    import gzip
    import random
    words = random.Random(5)
    counts = collections.Counter()
    for number in range(3):
        lines = []
        for _ in range(4000):
            line = " ".join(f"w{int(words.paretovariate(0.7)) % 3000}" for _ in range(words.randrange(0, 20)))
            counts.update(line.split())
            lines.append(line)
        text = ("\r\n" if number == 1 else "\n").join(lines)  # no newline at the end
        if number == 2:
            with gzip.open(os.path.join(folder, "c.txt.gz"), "wt") as f:
                f.write(text)
        else:
            with open(os.path.join(folder, f"{number}.txt"), "w", newline="") as f:
                f.write(text)
    return counts


def word_count(folder):
    texts = os.path.join(folder, "texts")
    os.mkdir(texts)
    counts = write_text(texts)
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    expected = "word,n\n" + "".join(f"{word},{n}\n" for word, n in top)
    for mode in MODES:
        code, out, err = submit("examples/word_count.c", texts, options=mode)
        check(code == 0 and out == expected, f"word_count {mode}: exit {code}\n{out}\n{err[-500:]}")


def gzip_padding(folder):
    """Zeros behind a gzip file's last member, as tapes leave them, are no part of it; all else is an error."""
    import gzip
    job = write_job(folder, "lines.c", """
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c;
    return vonk_rdd_print_csv(vonk_rdd_text_file(s, v[1]));
}
""")
    packed = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    path = os.path.join(folder, "padded.txt.gz")
    for behind, is_right in ((b"\0", True), (bytes(700000), True), (bytes(100) + b"x", False),
                             (bytes(700000) + packed, False), (b"no gzip", False)):
        with open(path, "wb") as f:
            f.write(packed + behind)
        code, out, err = submit(job, path)
        right = code == 0 and out.split() == ["text", "one", "two"] if is_right else code == 1 and "damaged gzip" in err
        check(right, f"{len(behind)} bytes behind gzip members, {is_right}: {code} {out[-100:]} {err[-300:]}")


def without_details(err):
    """Which task of several failed, how often and where is no part of an answer."""
    return [line for line in err.splitlines() if not line.startswith("DETAIL")]


def names():
    """Functions that are named as some of libc's are the job's own."""
    for jit in ("off", "on"):
        code, out, err = submit("tests/rdd/jobs/names.c", options=["--set", f"jit={jit}"])
        check(code == 0 and out == "n\n500\n499\n498\n", f"names, jit {jit}: exit {code}, {out!r}\n{err[-500:]}")


def inlined(job, least):
    """Functions inlined into a compiled loop, or called: the same output, errors and the numbers of their records included."""
    expected = None
    for mode in [["--set", "jit=off"], ["--set", "jit=on"], ["--set", "jit=auto"], ["--set", "jit=on", "--set", "batch_rows=7"],
                 ["--set", "jit=on", "--set", "test.faults=4"], ["--set", "jit=on", "--set", "optimizer.disable=all"]]:
        code, out, err = submit(job, options=mode)
        answer = out, without_details(err)
        expected = expected or answer
        check(code == 0 and len(out.splitlines()) > least and answer == expected, f"{job} {mode}: exit {code}\n{err[-500:]}")
    gcc = shutil.which("gcc")
    if gcc:  # an object without bitcode
        code, out, err = submit(job, env={"VONK_CC": gcc})
        check(code == 0 and (out, without_details(err)) == expected, f"{job}, compiled by gcc: exit {code}\n{err[-500:]}")


def answers(printed):
    """Without the plans."""
    return [line for line in printed.splitlines() if line and not line.startswith((" ", "Stage"))]


def one_plan(folder):
    """SQL over RDDs: the plans are those of one_plan.txt (run with UPDATE=1 to write it: read the diff); the rules that read
    the functions' bitcode change no answer, and without bitcode nothing is assumed."""
    data = os.path.join(folder, "orders")
    os.mkdir(data)
    subprocess.run([VONK, "sql", "-c", "COPY (SELECT x AS id, 'n' || x AS name, x::float8 AS price, repeat('note', 3) AS note "
                    f"FROM generate_series(1, 1000) g(x)) TO '{data}/orders.parquet' (FORMAT parquet)"], check=True,
                   capture_output=True)
    golden = os.path.join(HERE, "one_plan.txt")
    code, out, err = submit("tests/rdd/jobs/one_plan.c", data)
    printed = out.replace(data, "DATA")
    if os.environ.get("UPDATE"):
        with open(golden, "w") as f:
            f.write(printed)
    with open(golden) as f:
        check(code == 0 and f.read() == printed, f"one_plan: exit {code}, not as in one_plan.txt {err[-300:]}\n{printed}")
    rows = answers(printed)
    for options, env in [(["--set", "optimizer.disable=all"], {}), (["--set", "jit=on"], {}), (["--set", "jit=off"], {}),
                         (["--set", "optimizer.disable=push_filter_through_call,push_call_filter,push_call_filter_through_join,skip_unread_fields"], {}),
                         (["--set", "test.faults=2"], {}), ([], {"VONK_CC": "gcc"})]:
        code, out, err = submit("tests/rdd/jobs/one_plan.c", data, options=options, env=env)
        check(code == 0 and answers(out) == rows, f"one_plan {options} {env}: exit {code} {err[-300:]}\n{out}")
        if env:
            check("predicates: (id" not in out and "reads:" not in out, f"one_plan without bitcode:\n{out}")


def failures(folder):
    broken = write_job(folder, "broken.c", "int vonk_main(VonkSession *s, int c, char **v) { return x; }\n")
    code, _, err = submit(broken)
    check(code == 1 and "did not compile" in err, f"a job that does not compile: {code} {err[-300:]}")

    wrong = write_job(folder, "wrong.c", """
VONK_RECORD(One, VONK_FIELD(int8, n));
void f(VonkTask *task, const VonkNumber *in, VonkNumber *out) { (void)task; *out = *in; }
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_map(vonk_rdd_range(s, 0, 3, 1, 1), VonkNumber, One, f));
}
""")
    code, _, err = submit(wrong)
    check(code == 1 and "_Generic" in err, f"a function of a wrong type is a compiler's error: {code} {err[-300:]}")

    nothing = write_job(folder, "nothing.c", "int nobody(void) { return 0; }\n")
    code, _, err = submit(nothing)
    check(code == 1 and "vonk_main" in err, f"a job without vonk_main: {code} {err[-300:]}")

    code, _, err = submit(os.path.join(folder, "missing.c"))
    check(code == 1 and "missing.c" in err, f"a job that is not there: {code} {err[-300:]}")

    crash = write_job(folder, "crash.c", """
void fall(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    (void)task;
    *out = *in;
    if (in->value == 1234)
        *(volatile int *)0 = 1;
}
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_map(vonk_rdd_range(s, 0, 3000, 1, 1), VonkNumber, VonkNumber, fall));
}
""")
    for jit in "off", "on":
        code, _, err = submit(crash, options=["--set", f"jit={jit}"])
        check(code == -11 and "user function fall, record 1235 of partition 0" in err,
              f"a crash, jit={jit}: {code} {err[-300:]}")

    crash = write_job(folder, "all_crash.c", """
void fall(VonkTask *task, VonkIn *in, VonkOut *out)
{
    for (const VonkNumber *number; (number = VONK_NEXT(in, VonkNumber)) != NULL; vonk_emit(out, number))
        if (number->value % 3000 == 2500)
            *(volatile int *)(8 + 0 * vonk_task_partition(task)) = 1;
}
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_map_partitions(vonk_rdd_range(s, 0, 24000, 1, 8), VonkNumber, VonkNumber, fall));
}
""")
    code, _, err = submit(crash, options=["--master", "local[8]"])
    check(code == -11 and err.count("FATAL") == 1 and "user function fall, record 2501 of partition" in err,
          f"crashes on all threads are one message: {code} {err[-300:]}")

    crash = write_job(folder, "deep.c", """
static long dig(volatile long *from, long depth)
{
    volatile long here[512] = {*from};
    return depth == 0 ? 0 : dig(here, depth + 1) + here[511];
}
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void pair(VonkTask *task, const VonkNumber *in, Pair *out) { (void)task; *out = (Pair){in->value % 10, in->value}; }
void add(VonkTask *task, Pair *sum, const Pair *more)
{
    long from = 1;
    (void)task;
    sum->v += more->v == 777 ? dig(&from, 1) : more->v;
}
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(
        vonk_rdd_map(vonk_rdd_range(s, 0, 1000, 1, 1), VonkNumber, Pair, pair), Pair, add));
}
""")
    for jit in "off", "on":
        code, _, err = submit(crash, options=["--set", f"jit={jit}"])
        check(code == -11 and "user function add, record 778 of partition 0: its stack is full" in err,
              f"too deep a recursion, jit={jit}: {code} {err[-300:]}")

    for past, name in (0, "into"), (100000, "behind"):
        crash = write_job(folder, f"writes_{name}.c", f"""
typedef struct Limits {{
    char bytes[200];
}} Limits;
void scribble(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{{
    char *bytes = (char *)(uintptr_t)VONK_CLOSURE(task, Limits);
    *out = *in;
    for (int i = 0; in->value == 77 && i <= {past}; i++)
        bytes[i]++;
}}
int vonk_main(VonkSession *s, int c, char **v)
{{
    Limits limits = {{{{0}}}};
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_map(vonk_rdd_range(s, 0, 100, 1, 1), VonkNumber, VonkNumber, scribble, VONK_WITH(limits)));
}}
""")
        for jit in "off", "on":
            code, _, err = submit(crash, options=["--set", f"jit={jit}"])
            check(code == -11 and "user function scribble, record 78 of partition 0: it writes to its closure" in err,
                  f"writing {name} the closure, jit={jit}: {code} {err[-300:]}")

    crash = write_job(folder, "main_crash.c", """
#include <stdlib.h>
static long dig(volatile long *from, long depth)
{
    volatile long here[512] = {*from};
    return depth == 0 ? 0 : dig(here, depth + 1) + here[511];
}
int vonk_main(VonkSession *s, int c, char **v)
{
    long from = 1;
    if (vonk_rdd_print_csv(vonk_rdd_range(s, 0, 10, 1, 2)) != 0)
        return 1;
    if (c > 1 && strcmp(v[1], "deep") == 0)
        return (int)dig(&from, 1);
    if (c > 1)
        abort();
    *(volatile int *)0 = 1;
    return 0;
}
""")
    for words, signal, said in (([], 11, "Segmentation fault in the job's vonk_main"),
                                (["abort"], 6, "Aborted in the job's vonk_main"),
                                (["deep"], 11, "vonk_main, or in what it called: its stack is full")):
        code, _, err = submit(crash, *words)
        check(code == -signal and err.count("FATAL") == 1 and said in err,
              f"a crash of vonk_main itself, {words}: {code} {err[-300:]}")

    mistaken = write_job(folder, "mistaken.c", """
void twice(VonkTask *task, const VonkLine *in, VonkNumber *out) { (void)task; out->value = 2 * (int64_t)in->text.bytes; }
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_map(vonk_rdd_range(s, 0, 9, 1, 1), VonkNumber, VonkNumber, twice));
}
""")
    code, _, err = submit(mistaken)
    check(code == 1 and "void (*)(VonkTask *, const VonkLine *, VonkNumber *)" in err and
          "void (*)(VonkTask *, const VonkNumber *, VonkNumber *)" in err,
          f"a function of another type: the compiler says which is wanted: {code} {err[:1000]}")

    exits = write_job(folder, "exits.c", "int vonk_main(VonkSession *s, int c, char **v) { (void)s; puts(v[c - 1]); return c; }\n")
    code, out, _ = submit(exits, "a", "b c")
    check(code == 3 and out == "b c\n", f"arguments and exit code: {code} {out}")

    shows = write_job(folder, "shows.c", """
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c, (void)v;
    puts(vonk_session_get(s, "memory"));
    return 0;
}
""")
    code, out, _ = submit(shows, options=["--memory", "96MiB"])
    check((code, out) == (0, submit(shows, options=["--set", "memory=96MiB"])[1]), f"memory: {code} {out}")
    code, _, err = submit(shows, options=["--memory", "much"])
    check(code != 0 and "much" in err, f"no size of memory: {code} {err}")

    prints = write_job(folder, "prints.c", "int vonk_main(VonkSession *s, int c, char **v) { (void)s, (void)c, (void)v; puts(\"all\"); return 0; }\n")
    with open("/dev/full", "w") as full:
        done = subprocess.run([VONK, "submit", prints], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    check(done.returncode == 1 and "could not write to standard output: No space left" in done.stderr, f"output that is lost: {done}")

    refuses = write_job(folder, "refuses.c", """
void refuse(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    *out = *in;
    if (in->value == 77) {
        fputs("called\\n", stderr);
        vonk_fail(task, "I do not like %d", 77);
    }
}
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_map(vonk_rdd_range(s, 0, 100, 1, 2), VonkNumber, VonkNumber, refuse));
}
""")
    code, out, err = submit(refuses)
    check(code == 1 and "refuse: I do not like 77" in err and "record 28 of partition 1" in err and
          "partition 1 failed 4 times" in err and err.count("called") == 4, f"four attempts: {code} {err[-500:]}")
    check("77" not in out and "99" not in out, f"no rows of a job that failed: {out[-100:]}")

    random_job = write_job(folder, "random.c", """
#include <stdatomic.h>
static _Atomic long calls;
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void draw(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = in->value % 5, .v = atomic_fetch_add(&calls, 1)};
}
void add(VonkTask *task, Pair *sum, const Pair *more) { (void)task; sum->v += more->v; }
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(
        vonk_rdd_map(vonk_rdd_range(s, 0, 100000, 1, 8), VonkNumber, Pair, draw), Pair, add));
}
""")
    code, _, err = submit(random_job, options=["--set", "test.faults=3"])
    check(code == 1 and "not deterministic" in err, f"another answer the second time: {code} {err[-300:]}")


def which_error(folder):
    """Many partitions fail, the lowest one last: it is the one whose error is reported."""
    body = """
#include <time.h>
void refuse(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    struct timespec nap = {.tv_nsec = 2000000};
    *out = *in;
    if (task->partition == 2)
        nanosleep(&nap, NULL);
    if (task->partition >= 2 && in->value % 50 == 49)
        vonk_fail(task, "no %d", (int)in->value);
}
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_map(vonk_rdd_range(s, 0, 1000, 1, 20), VonkNumber, VonkNumber, refuse));
}
"""
    job = write_job(folder, "refuses_all.c", body)
    for options in ([], ["--master", "local[8]"], ["--set", "batch_rows=1"], ["--set", "jit=on"], ["--set", "test.faults=5"],
                    ["--set", "test.faults=6", "--master", "local[5]"]):
        code, _, err = submit(job, options=options)
        check(code == 1 and "no 149" in err and "partition 2 failed 4 times" in err, f"the lowest error, {options}: {code} {err[-400:]}")


CLOCK_JOB = """
#include <time.h>
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
static void at(VonkTask *task, const VonkNumber *in, Pair *out)
{
    struct timespec now;
    (void)task;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *out = (Pair){.k = in->value % 5, .v = now.tv_sec * 1000000000 + now.tv_nsec};
}
void last(VonkTask *task, Pair *sum, const Pair *more) { (void)task; sum->v = more->v > sum->v ? more->v : sum->v; }
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(
        vonk_rdd_map(vonk_rdd_range(s, 0, 1000, 1, 8), VonkNumber, Pair, at), Pair, last));
}
"""


def clocks(folder):
    """A function that looks at a clock: an answer while nothing is made twice; else an error that names its stage, or, when nobody
    has used what was made first, an answer."""
    job = write_job(folder, "clock.c", CLOCK_JOB.replace("static void at", "void at"))
    code, out, err = submit(job)
    check(code == 0 and out.count("\n") == 6, f"a clock, nothing lost: {code} {err[-300:]}")
    refused = 0
    for seed in range(1, 13):
        code, out, err = submit(job, options=["--set", f"test.faults={seed}"])
        named = "is not deterministic" in err and '"0: combine last, call at"' in err and "clock" in err
        check(named if code == 1 else code == 0 and out.count("\n") == 6, f"a clock, faults {seed}: {code} {err[-300:]}")
        refused += code == 1
    check(refused > 0, "no seed has made a partition again that was used")


ONCE_JOB = """
#include <stdatomic.h>
VONK_RECORD(Numbered, VONK_FIELD(int8, index), VONK_FIELD(int8, value));
VONK_RECORD(Around, VONK_FIELD(int8, sum));
static _Atomic int64_t calls;
/* Other records each time. */
void some(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    (void)task;
    if (atomic_fetch_add(&calls, 1) % 3 != 0)
        vonk_emit(out, in);
}
void number(VonkTask *task, const VonkNumber *in, int64_t index, Numbered *out)
{
    (void)task;
    *out = (Numbered){index, in->value};
}
void add(VonkTask *task, VonkNumber *sum, const VonkNumber *more) { (void)task; sum->value += more->value; }
void around(VonkTask *task, const VonkNumber *at, uint32_t before, uint32_t after, Around *out)
{
    (void)task;
    out->sum = (before > 0 ? at[-1].value : 0) + (after > 0 ? at[1].value : 0);
}
static int64_t total(VonkRdd *rdd)
{
    VonkRecords *records;
    VonkError error;
    int64_t sum = 0;

    if (atomic_load(&calls) != 0 || vonk_rdd_collect(rdd, &records, &error) != VONK_OK)
        return -1;
    if (VONK_RECORDS(records, Numbered) != NULL)
        for (size_t i = 0; i < vonk_records_count(records); i++)
            sum += VONK_RECORDS(records, Numbered)[i].index != (int64_t)i;
    vonk_records_free(records);
    printf("%lld calls\\n", (long long)atomic_exchange(&calls, 0));
    return sum;
}
int vonk_main(VonkSession *s, int c, char **v)
{
    VonkRdd *rdd = vonk_rdd_flat_map(vonk_rdd_range(s, 0, 30000, 1, 7), VonkNumber, VonkNumber, some);

    (void)c; (void)v;
    return total(vonk_rdd_zip_with_index(rdd, VonkNumber, Numbered, number)) != 0 ||
           total(vonk_rdd_prefix_sum(rdd, VonkNumber, add)) != 0 ||
           total(vonk_rdd_window(rdd, VonkNumber, 1, 1, Around, around)) != 0;
}
"""


def made_once(folder):
    """Calls that look at neighbours in other partitions read records twice, which are made once, by the action."""
    job = write_job(folder, "once.c", ONCE_JOB)
    for options in ([], ["--master", "local[8]"], ["--set", "optimizer.disable=all"]):
        code, out, err = submit(job, options=options)
        check(code == 0 and out == "30000 calls\n" * 3, f"made once, {options}: {code} {out} {err[-300:]}")


def spilling(folder):
    """A sort and a join that need more memory than there is: blocks go to the disk, the answer stays."""
    job = write_job(folder, "spill.c", """
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void mix(VonkTask *task, const VonkNumber *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = (int64_t)((uint64_t)in->value * 2654435761u % 1000003u), .v = in->value};
}
void add(VonkTask *task, Pair *sum, const Pair *more) { (void)task; sum->v ^= more->v * 31 + more->k; }
int vonk_main(VonkSession *s, int c, char **v)
{
    Pair sum = {0};
    bool found;
    VonkError error;
    VonkRdd *rdd = vonk_rdd_map(vonk_rdd_range(s, 0, 2000000, 1, 16), VonkNumber, Pair, mix);

    (void)c; (void)v;
    if (vonk_rdd_reduce(vonk_rdd_persist(vonk_rdd_repartition(vonk_rdd_persist(rdd), 16)), Pair, add, &sum, &found,
                        &error) != VONK_OK) {
        fprintf(stderr, "%s\\n%s\\n", error.message, error.detail);
        return 1;
    }
    printf("%lld\\n", (long long)sum.v);
    return 0;
}
""")
    code, expected, err = submit(job)
    check(code == 0 and expected != "", f"with enough memory: {code} {err[-300:]}")
    code, out, err = submit(job, options=["--set", "memory=40MiB", "--set", f"spill_dir={folder}"])
    check(code == 0 and out == expected, f"spilled: {code} {out} {err[-300:]}")
    check(not any(name.startswith("vonk-spill") for name in os.listdir(folder)), "nothing is left of a spill")
    code, out, err = submit(job, options=["--set", "memory=40MiB", "--set", "spill_dir=/nowhere/at/all"])
    check(code == 1 and "out of memory" in err, f"no place to spill to: {code} {err[-300:]}")


JOIN_JOB = """
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v), VONK_FIELD(int8, w));
void pair(VonkTask *task, const VonkNumber *in, Pair *out) { (void)task; *out = (Pair){in->value, in->value, 1}; }
void put(VonkTask *task, const Pair *a, const Pair *b, VonkNumber *out) { (void)task; out->value = a->v + b->w; }
int vonk_main(VonkSession *s, int c, char **v)
{
    VonkRdd *a = vonk_rdd_map(vonk_rdd_range(s, 0, 3000000, 1, 4), VonkNumber, Pair, pair);
    VonkRdd *b = vonk_rdd_map(vonk_rdd_range(s, 0, 3000000, 1, 3), VonkNumber, Pair, pair);
    VonkRdd *joined = vonk_rdd_join(a, Pair, b, Pair, VonkNumber, put, VONK_PARTITIONS(24));
    int64_t count;
    VonkError error;

    (void)c; (void)v;
    if (vonk_rdd_count(joined, &count, &error) != VONK_OK) {
        fputs(error.message, stderr);
        return 1;
    }
    return count == 3000000 ? 0 : 2;
}
"""


def joining(folder):
    """A join of more than memory holds, in partitions of which each fits: the blocks that tasks fill leave room for them."""
    code, _, err = submit(write_job(folder, "join.c", JOIN_JOB), options=["--set", "memory=40MiB", "--set", f"spill_dir={folder}"])
    check(code == 0, f"a large join in 40 MiB: {code} {err[-300:]}")


SHORT_OF_MEMORY = """join left_join right_join full_join skewed_join skewed_full_join skewed_left_join cartesian cogroup
group_by_key reduce_by_key sort_by sort_by_key sort_within merge_sorted distinct subtract subtract_by_key intersection repartition
coalesce persist""".split()


def short_of_memory(folder):
    """Each call with tasks that need several times the memory there is: the same rows in the same order."""
    job = "tests/rdd/jobs/short_of_memory.c"
    spill = os.path.join(folder, "spill")
    os.mkdir(spill)
    for number, call in enumerate(SHORT_OF_MEMORY):
        code, expected, err = submit(job, call, 130000)
        check(code == 0 and expected.count("\n") > 1000, f"{call} with enough memory: {code} {err[-300:]}")
        threads = (1, 2, 8)[number % 3]  # at so little memory one task is at work at a time
        options = ["--master", f"local[{threads}]", "--set", "memory=32MiB", "--set", f"spill_dir={spill}"]
        code, out, err = submit(job, call, 130000, options=options)
        check(code == 0 and out == expected, f"{call} in 32 MiB, {threads} threads: {code} {err[-400:]}")
    for call in "join", "sort_by", "group_by_key":  # several tasks, which write each other's blocks
        code, expected, err = submit(job, call, 500000)
        code, out, err = submit(job, call, 500000, options=["--master", "local[8]", "--set", "memory=96MiB", "--set",
                                                             f"spill_dir={spill}"])
        check(code == 0 and out == expected, f"{call} in 96 MiB, three tasks at once: {code} {err[-400:]}")
    for call, records in ("sql_groups", 500000), ("sql_few_groups", 200000):  # groups with their states
        code, expected, err = submit(job, call, records)
        check(code == 0 and expected.count("\n") > 50000, f"{call} with enough memory: {code} {err[-300:]}")
        code, out, err = submit(job, call, records, options=["--set", "memory=32MiB", "--set", f"spill_dir={spill}"])
        check(code == 0 and out == expected, f"{call} in 32 MiB: {code} {err[-400:]}")
    for number, call in enumerate(("sql_intersect", "sql_intersect_all", "sql_except", "sql_except_all", "sql_union", "sql_distinct")):
        code, expected, err = submit(job, call, 300000)
        check(code == 0 and expected.count("\n") > 1000, f"{call} with enough memory: {code} {err[-300:]}")
        options = ["--master", f"local[{(1, 2, 8)[number % 3]}]", "--set", "memory=12MiB", "--set", f"spill_dir={spill}",
                   "--set", f"jit={('on', 'off')[number % 2]}"]
        code, out, err = submit(job, call, 300000, options=options)
        check(code == 0 and out == expected, f"{call} in 12 MiB: {code} {err[-400:]}")
    code, _, err = submit(job, "one_group", 200000, options=["--set", "memory=16MiB", "--set", f"spill_dir={spill}"])
    check(code == 1 and "out of memory" in err and "reduce_by_key" in err and "k = 3" in err, f"one large group: {code} {err[-600:]}")
    code, _, err = submit(job, "join", 60000, options=["--set", "memory=12MiB", "--set", "spill_dir=/nowhere/at/all"])
    check(code == 1 and "/nowhere/at/all" in err, f"no place to spill to: {code} {err[-300:]}")
    check(not os.listdir(spill), "nothing is left of a spill")


ENDLESS_JOB = """
void for_ever(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    (void)task;
    for (int64_t i = in->value;; i++)
        vonk_emit(out, &(VonkNumber){.value = i});
}
void whole(VonkTask *task, VonkIn *in, VonkOut *out)
{
    (void)task; (void)in;
    for (int64_t i = 7;; i++)
        vonk_emit(out, &(VonkNumber){.value = i});
}
void polite(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    for (int64_t i = in->value; !vonk_task_is_cancelled(task); i++)
        vonk_emit(out, &(VonkNumber){.value = i});
}
int vonk_main(VonkSession *s, int c, char **v)
{
    VonkRdd *n = vonk_rdd_range(s, 0, 3, 1, 1);
    VonkRdd *made = c != 2                            ? NULL
                    : strcmp(v[1], "for_ever") == 0 ? vonk_rdd_flat_map(n, VonkNumber, VonkNumber, for_ever)
                    : strcmp(v[1], "whole") == 0    ? vonk_rdd_map_partitions(n, VonkNumber, VonkNumber, whole)
                                                    : vonk_rdd_flat_map(n, VonkNumber, VonkNumber, polite);
    return made == NULL ? 2 : vonk_rdd_print_csv(vonk_rdd_take(made, 3));
}
"""


def endless(folder):
    """Functions that emit for ever, of which some records are taken: they end when they look, and else are named."""
    job = write_job(folder, "endless.c", ENDLESS_JOB)
    for options in ([], ["--set", "jit=on"], ["--set", "jit=off"]):
        code, out, err = submit(job, "polite", options=options)
        check(code == 0 and out == "value\n0\n1\n2\n", f"endless, {options}: {code} {out} {err[-300:]}")
        for function in "for_ever", "whole":
            code, out, err = submit(job, function, options=options)
            check(code == 70 and f"in user function {function}, record" in err and "vonk_task_is_cancelled" in err,
                  f"endless {function}, {options}: {code} {out} {err[-300:]}")


def combining(folder):
    """In which order and which parts records are combined depends on them alone, whatever is spilled below."""
    job = "tests/rdd/jobs/combine_order.c"
    code, expected, err = submit(job, 200000)
    check(code == 0 and expected.count("\n") == 7, f"combined with enough memory: {code} {err[-300:]}")
    for threads, memory in (1, "24MiB"), (8, "32MiB"), (2, "64MiB"):
        options = ["--master", f"local[{threads}]", "--set", f"memory={memory}", "--set", f"spill_dir={folder}"]
        code, out, err = submit(job, 200000, options=options)
        check(code == 0 and out == expected, f"combined in {memory}, {threads} threads: {code} {out} {err[-300:]}")


CONCAT_JOB = """VONK_RECORD(T, VONK_KEY(int8, k), VONK_FIELD(text, a), VONK_FIELD(text, b));
void mk(VonkTask *task, const VonkNumber *in, T *out)
{
    char *t = vonk_task_alloc(task, 24);
    if (t == NULL)
        return;
    *out = (T){.k = in->value % 3, .a = {t, (size_t)snprintf(t, 24, "%lld,", (long long)in->value)}, .b = {t, 1 + (size_t)(in->value % 2)}};
}
void cat(VonkTask *task, T *sum, const T *more)
{
    char *t = vonk_task_alloc(task, sum->a.bytes + more->a.bytes);
    if (t == NULL)
        return;
    if (sum->a.bytes) memcpy(t, sum->a.data, sum->a.bytes);
    if (more->a.bytes) memcpy(t + sum->a.bytes, more->a.data, more->a.bytes);
    sum->a = (VonkText){t, sum->a.bytes + more->a.bytes}; sum->b = more->b;
}
int vonk_main(VonkSession *s, int c, char **v)
{
    return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(vonk_rdd_map(vonk_rdd_range(s, 0, 30000, 1, 2), VonkNumber, T, mk), T, cat));
}
"""


def growing_texts(folder):
    """A text of an accumulator that grows with every record: in memory in proportion to its length, not to all it has been."""
    code, out, err = submit(write_job(folder, "concat.c", CONCAT_JOB), options=["--set", "memory=40MiB", "--set", "jit=off"])
    expected = [",".join(map(str, range(key, 30000, 3))) + "," for key in range(3)]
    check(code == 0 and all(f'{key},"{text}",' in out for key, text in enumerate(expected)), f"growing texts: {code} {err[-300:]}")


# GATE is what tasks wait for
SLOW_JOB = """
#include <time.h>
#include <unistd.h>
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void wait_a_little(VonkTask *task, const VonkNumber *in, Pair *out)
{
    struct timespec ms = {.tv_nsec = 150000000};
    (void)task;
    do
        nanosleep(&ms, NULL);
    while (access(GATE, F_OK) != 0);
    *out = (Pair){.k = in->value % 2, .v = in->value};
}
void add(VonkTask *task, Pair *sum, const Pair *more) { (void)task; sum->v += more->v; }
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(
        vonk_rdd_map(vonk_rdd_range(s, 0, 20, 1, 20), VonkNumber, Pair, wait_a_little), Pair, add, VONK_PARTITIONS(1)));
}
"""


def progress(folder):
    """On a terminal a line shows stage and tasks, and is gone when rows come; in a pipe there is nothing."""
    gate = os.path.join(folder, "gate")
    job = write_job(folder, "slow.c", f'#define GATE "{gate}"\n' + SLOW_JOB)
    open(gate, "w").close()
    code, out, err = submit(job, options=["--master", "local[2]"])
    check(code == 0 and out == "k,v\n0,90\n1,100\n" and err == "", f"quiet in a pipe: {code} {out} {err}")
    os.unlink(gate)
    terminal, theirs = pty.openpty()
    process = subprocess.Popen([VONK, "submit", "--master", "local[2]", job], stdout=subprocess.PIPE, stderr=theirs, text=True,
                               env={**os.environ, "TERM": "xterm", "COLUMNS": "160"})
    os.close(theirs)
    shown, lines, drawn = b"", [], []
    while True:
        try:
            got = os.read(terminal, 4096)
        except OSError:  # nobody has it open any more
            break
        if not got:
            break
        shown += got
        lines = [line.rstrip() for line in shown.decode(errors="replace").replace("\x1b[K", "").split("\r") if line.strip()]
        drawn = [line for line in lines if " stage 1 of 2 [" in line and " 0 of 20 tasks, 2 running" in line and
                 "(combine add, call wait_a_little)" in line]
        if len(drawn) >= 2 and not os.path.exists(gate):  # it is drawn again and again
            open(gate, "w").close()
    os.close(terminal)
    out = process.communicate()[0]
    check(process.returncode == 0 and out == "k,v\n0,90\n1,100\n", f"on a terminal: {process.returncode} {out}")
    check(len(drawn) >= 2 and all(re.match(r" stage [12] of 2 \[.*\] +\d+ of \d+ tasks, [0-2] running|  *running ", line) for line in lines), f"the line: {lines}")
    check(shown.endswith(b"\r\x1b[K"), f"the line stays: {shown[-200:]}")


LINEAGE_JOB = """
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void pair(VonkTask *task, const VonkNumber *in, Pair *out) { (void)task; *out = (Pair){in->value % 1000, in->value}; }
void add(VonkTask *task, Pair *sum, const Pair *more) { (void)task; sum->v += more->v; }
int vonk_main(VonkSession *s, int c, char **v)
{
    VonkRdd *kept = vonk_rdd_persist(vonk_rdd_map(vonk_rdd_range(s, 0, 20000, 1, 4), VonkNumber, Pair, pair));
    VonkRdd *sums = vonk_rdd_reduce_by_key(vonk_rdd_union(kept, vonk_rdd_repartition(kept, 3)), Pair, add);
    VonkRdd *sorted = vonk_rdd_sort_by(sums, "v, k");
    int64_t count;

    if (vonk_rdd_count(vonk_rdd_filter(sorted, Pair, is_any), &count, NULL) != VONK_OK || count != 1000 || c != 2 ||
        vonk_rdd_explain_as(sorted, "xml") != NULL)
        return 1;
    puts(vonk_rdd_explain_as(sorted, v[1]));
    return 0;
}
"""


def lineage(folder):
    """The stages of a plan in each format; and the ledger: the same hashes, whatever was lost on the way."""
    body = LINEAGE_JOB.replace("int vonk_main", "bool is_any(VonkTask *task, const Pair *pair) { (void)task; return pair->v >= 0; }\nint vonk_main")
    job = write_job(folder, "lineage.c", body)
    code, out, err = submit(job, "text")
    stages = re.findall(r"^Stage (\d+): (.*) \((\d+) tasks\) -> (.*)$", out, re.M)
    check(code == 0 and stages[0] == ("0", "call pair", "4", "kept (4 of 4 there)") and stages[-1][3] == "result" and
          "combine add" in [name for _, name, _, _ in stages] and re.search(r"\n +Read stage 0 \(keep\)\n", out), f"lineage as text: {code} {out} {err}")
    code, out, err = submit(job, "json")
    seen = json.loads(out)["stages"]
    check(len(seen) == len(stages) and [s["stage"] for s in seen] == list(range(len(seen))) and
          all(read < s["stage"] for s in seen for read in s["reads"]) and
          all(sorted(set(s["reads"])) == sorted({n["stage"] for n in s["plan"] if "stage" in n}) for s in seen) and
          sum(p["rows"] for p in seen[0]["partitions"]) == 20000, f"lineage as JSON: {out}")
    code, out, err = submit(job, "dot")
    edges = re.findall(r"s(\d+)_0 -> s(\d+)_\d+ \[style=bold\]", out)
    check({(int(a), int(b)) for a, b in edges} == {(read, s["stage"]) for s in seen for read in s["reads"]} and
          out.count("subgraph cluster_") == len(seen) and out.count("{") == out.count("}"), f"lineage as DOT: {out}")
    if shutil.which("dot"):
        check(subprocess.run(["dot", "-Tsvg"], input=out, capture_output=True, text=True).returncode == 0, "dot takes it")

    ledgers = []
    for options in ([], ["--master", "local[1]"], ["--set", "batch_rows=7", "--master", "local[5]"], ["--set", "test.faults=5"],
                    ["--set", "test.faults=6", "--master", "local[4]"]):
        path = os.path.join(folder, "ledger.jsonl")
        code, out, err = submit(job, "text", options=[*options, "--lineage", path])
        with open(path) as f:
            jobs = [json.loads(line) for line in f]
        check(code == 0 and len(jobs) == 1, f"a ledger: {code} {err}")
        ledgers.append([[(p["hash"], p["rows"], p["bytes"]) for p in stage["partitions"]] for stage in jobs[0]["stages"]])
        again = sum(stage["attempts"] - stage["tasks"] + stage["skipped"] for stage in jobs[0]["stages"])
        check("test.faults=5" not in options or again > 0, "faults were felt")
    check(all(ledger == ledgers[0] for ledger in ledgers), f"a partition has other bytes: {ledgers}")
    code, out, err = submit(job, "text", options=["--lineage", "/nowhere/at/all"])
    check(code == 1 and "/nowhere/at/all" in err, f"no place for the ledger: {code} {err}")


MANY_KEYS_JOB = """
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Sum, VONK_KEY(int8, k), VONK_FIELD(int8, n), VONK_FIELD(int8, v), VONK_FIELD(text, t));
void pair(VonkTask *task, const VonkNumber *in, Pair *out) { (void)task; *out = (Pair){in->value % 200000, in->value}; }
static VonkText text(VonkTask *task, const Sum *sum)
{
    char *bytes = vonk_task_alloc(task, 48);
    return bytes == NULL ? (VonkText){0}
                         : (VonkText){bytes, (size_t)snprintf(bytes, 48, "%lld of %lld", (long long)sum->n, (long long)sum->k)};
}
void first(VonkTask *task, const Pair *in, Sum *sum)
{
    *sum = (Sum){.k = in->k, .n = 1, .v = in->v};
    sum->t = text(task, sum);
}
void take(VonkTask *task, Sum *sum, const Pair *in) { sum->n++; sum->v += in->v; sum->t = text(task, sum); }
void unite(VonkTask *task, Sum *sum, const Sum *more) { sum->n += more->n; sum->v += more->v; sum->t = text(task, sum); }
int vonk_main(VonkSession *s, int c, char **v)
{
    VonkRdd *rdd = vonk_rdd_map(vonk_rdd_range(s, 0, 600000, 1, 3), VonkNumber, Pair, pair);
    VonkRdd *sums[2] = {vonk_rdd_combine_by_key(rdd, Pair, Sum, first, take, unite),
                        vonk_rdd_aggregate_by_key(rdd, Pair, Sum, &(Sum){.v = 0}, take, unite)};
    (void)c; (void)v;
    for (int i = 0; i < 2; i++) {
        VonkRecords *records;
        VonkError error;
        char expected[48];

        if (vonk_rdd_collect(sums[i], &records, &error) != VONK_OK || vonk_records_count(records) != 200000)
            return 2;
        for (const Sum *sum = VONK_RECORDS(records, Sum), *end = sum + 200000; sum < end; sum++) {
            snprintf(expected, sizeof expected, "3 of %lld", (long long)sum->k);
            if (sum->n != 3 || sum->v != 3 * sum->k + 600000 || !vonk_text_equal(sum->t, vonk_text(expected)))
                return 3;
        }
        vonk_records_free(records);
    }
    return 0;
}
"""


def many_keys(folder):
    """So many keys that partial tables find nothing to combine, and pass records on one by one."""
    job = write_job(folder, "many_keys.c", MANY_KEYS_JOB)
    for options in ([], ["--set", "batch_rows=100", "--master", "local[4]"], ["--set", "test.faults=3"], ["--set", "memory=40MiB"]):
        path = os.path.join(folder, "many.jsonl")
        code, out, err = submit(job, options=[*options, "--lineage", path])
        check(code == 0, f"many keys, {options}: {code} {err[-300:]}")
        with open(path) as f:
            first = json.loads(f.readline())["stages"][0]
        check(first["rows"] == 600000, f"many keys, {options}: {first['rows']} rows of partial tables")


KEYS_JOB = """
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_KEY(text, t), VONK_FIELD(int8, v));
VONK_RECORD(Group, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void mix(VonkTask *task, const VonkNumber *in, Pair *out)
{
    int64_t key = (int64_t)((uint64_t)in->value * 2654435761u % 400009u);
    char *text = vonk_task_alloc(task, 32);

    if (text == NULL)
        return;
    *out = (Pair){.k = key, .t = {text, (size_t)snprintf(text, 32, "the key's text %lld", (long long)key)},
                  .v = in->value};
}
void chain(VonkTask *task, Pair *sum, const Pair *more) { (void)task; sum->v = sum->v * 31 + more->v; }
void number(VonkTask *task, const VonkNumber *in, Group *out)
{
    (void)task;
    *out = (Group){.k = in->value * 2654435761 % 400009, .v = in->value};
}
/* the key that it leaves there is not the accumulator's */
void chain_word(VonkTask *task, Group *sum, const Group *more) { (void)task; *sum = (Group){.k = more->v, .v = sum->v * 31 + more->v}; }
void group(VonkTask *task, VonkIn *in, VonkOut *out)
{
    Group group = {.v = 1};
    (void)task;
    for (const Pair *pair; (pair = VONK_NEXT(in, Pair)) != NULL;)
        group = (Group){.k = pair->k, .v = group.v * 31 + pair->v};
    vonk_emit(out, &group);
}
int vonk_main(VonkSession *s, int c, char **v)
{
    VonkRdd *numbers = vonk_rdd_range(s, 0, 1200000, 1, 6), *rdd = vonk_rdd_map(numbers, VonkNumber, Pair, mix);

    (void)c;
    if (v[1][0] == 'w')
        return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(vonk_rdd_map(numbers, VonkNumber, Group, number), Group, chain_word,
                                                         VONK_PARTITIONS(2)));
    if (v[1][0] == 'r')
        return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(rdd, Pair, chain, VONK_PARTITIONS(2)));
    return vonk_rdd_print_csv(vonk_rdd_group_by_key(rdd, Pair, Group, group, VONK_PARTITIONS(2)));
}
"""


def keeping(folder):
    """What persist keeps at each level, when memory is short and when it is not: how often records are made."""
    job = "tests/rdd/jobs/semantics_keep.c"
    for args, options in ((), []), (("short",), ["--set", "memory=40MiB"]):
        code, out, err = submit(job, *args, options=["--set", f"spill_dir={folder}", *options], env={"EXPECT_CALLS": "1"})
        check(code == 0, f"keeping {args}: {code} {[line for line in out.splitlines() if not line.startswith('ok')]} {err[-300:]}")
    for faults in 3, 4, 5, 6:
        code, out, err = submit(job, options=["--set", "memory=60MiB", "--set", f"test.faults={faults}"])
        check(code == 0, f"keeping, faults {faults}: {code} {[line for line in out.splitlines() if not line.startswith('ok')]} {err[-300:]}")
    full = write_job(folder, "full.c", """
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_persist_at(vonk_rdd_range(s, 0, 100, 1, 2), VONK_DISK));
}
""")
    code, _, err = submit(full, options=["--set", "spill_dir=/nowhere/at/all"])
    check(code == 1 and "/nowhere/at/all" in err, f"no disk to keep on: {code} {err[-300:]}")


def keys_that_do_not_fit(folder):
    """Keys combined and grouped in tables that are larger than memory: the same bytes come out, in the same order."""
    job = write_job(folder, "keys.c", KEYS_JOB)
    for kind in ("word", "reduce", "group"):
        code, expected, err = submit(job, kind)
        check(code == 0 and expected.count("\n") == 400010 and len({line.split(",")[0] for line in expected.splitlines()}) == 400010, f"{kind} in memory: {code} {len(expected)} {err[-300:]}")
        for options in (["--set", "memory=40MiB"], ["--set", "memory=70MiB", "--set", "test.faults=4"]):
            code, out, err = submit(job, kind, options=[*options, "--set", f"spill_dir={folder}"])
            check(code == 0 and out == expected, f"{kind} {options}: {code} {out[:50]} {err[-300:]}")


NARROW_KEYS_JOB = """
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    int64_t round = in->value % 600000;
    (void)task;
    *out = (Pair){.k = round % 100 == 7 && round > 100000 ? round * 1000000007 : round * 7919 % 200003 - 100000, .v = in->value};
}
void mix(VonkTask *task, Pair *sum, const Pair *more) { (void)task; sum->v = sum->v * 31 + more->v; }
int vonk_main(VonkSession *s, int c, char **v)
{
    (void)c; (void)v;
    return vonk_rdd_print_csv(vonk_rdd_reduce_by_key(vonk_rdd_map(vonk_rdd_range(s, 0, 1800000, 1, 3), VonkNumber, Pair, pair),
                                                     Pair, mix, VONK_PARTITIONS(2)));
}
"""


def narrow_keys(folder):
    """Keys that are nearly all numbers of a narrow range are combined before they are sent, however late one comes again."""
    job = write_job(folder, "narrow_keys.c", NARROW_KEYS_JOB)
    path = os.path.join(folder, "narrow.jsonl")
    code, expected, err = submit(job, options=["--lineage", path])
    check(code == 0, f"narrow keys: {code} {err[-300:]}")
    with open(path) as f:
        rows = json.loads(f.readline())["stages"][0]["rows"]
    check(expected.count("\n") < rows < 1000000, f"narrow keys: {rows} rows of partial tables")
    for options in ["batch_rows=100"], ["test.faults=3"], ["memory=40MiB", f"spill_dir={folder}"]:
        code, out, err = submit(job, options=["--master", "local[4]", *[word for option in options for word in ("--set", option)]])
        check(code == 0 and out == expected, f"narrow keys, {options}: {code} {out[:50]} {err[-300:]}")


MEET_JOB = """
VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
void pair(VonkTask *task, const VonkNumber *in, Pair *out) { (void)task; *out = (Pair){.k = in->value % 100, .v = in->value}; }
void same(VonkTask *task, const Pair *a, const Pair *b, Pair *out) { (void)task; *out = (Pair){.k = a->k, .v = a->v + b->v}; }
void other(VonkTask *task, const Pair *a, const Pair *b, Pair *out) { (void)task; *out = (Pair){.k = a->v, .v = a->k + b->v}; }
void left(VonkTask *task, const Pair *a, const Pair *b, Pair *out) { (void)task; *out = (Pair){.k = a->k, .v = b == NULL ? -1 : a->v + b->v}; }
void maybe(VonkTask *task, const Pair *a, const Pair *b, Pair *out)
{
    (void)task;
    out->v = a->v;
    if (b != NULL) {
        out->k = a->k;
        out->v += b->v;
    }
}
int vonk_main(VonkSession *s, int c, char **v)
{
    VonkRdd *a = vonk_rdd_partition_by(vonk_rdd_map(vonk_rdd_range(s, 0, 300, 1, 3), VonkNumber, Pair, pair), 4);
    VonkRdd *b = vonk_rdd_partition_by(vonk_rdd_map(vonk_rdd_range(s, 0, 200, 1, 2), VonkNumber, Pair, pair), 4);
    VonkRdd *met = v[1][0] == 's'   ? vonk_rdd_join(a, Pair, b, Pair, Pair, same)
                   : v[1][0] == 'o' ? vonk_rdd_join(a, Pair, b, Pair, Pair, other)
                   : v[1][0] == 'l' ? vonk_rdd_left_join(a, Pair, b, Pair, Pair, left)
                                    : vonk_rdd_left_join(a, Pair, b, Pair, Pair, maybe);

    (void)c;
    met = vonk_rdd_partition_by(met, 4);
    puts(vonk_rdd_explain(met));
    return vonk_rdd_print_csv(met);
}
"""


def meeting(folder):
    """Rows whose key a join's function passes on lie where they are wanted already."""
    job = write_job(folder, "meet.c", MEET_JOB)
    for function, moves in ("same", 2), ("other", 3), ("left", 2), ("maybe", 3):
        code, out, err = submit(job, function)
        plan, rows = out.split("k,v\n")
        check(code == 0 and plan.count("-> hash into 4") == moves and rows.count("\n") == 600, f"meeting, {function}: {code} {out[:2000]} {err[-300:]}")


def main():
    with tempfile.TemporaryDirectory(prefix="vonk-rdd-") as folder:
        os.environ["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
        if "VONK_TEST_MASTER" in os.environ:
            semantics(folder, [["--master", os.environ["VONK_TEST_MASTER"]]])
            return report("rdd")
        semantics(folder, MODES)
        inlined("tests/rdd/jobs/inlined.c", 30000)
        inlined("tests/rdd/jobs/combined.c", 6000)
        inlined("tests/rdd/jobs/facts.c", 3500)
        names()
        one_plan(folder)
        word_count(folder)
        gzip_padding(folder)
        failures(folder)
        which_error(folder)
        clocks(folder)
        made_once(folder)
        spilling(folder)
        joining(folder)
        short_of_memory(folder)
        combining(folder)
        endless(folder)
        growing_texts(folder)
        keeping(folder)
        keys_that_do_not_fit(folder)
        many_keys(folder)
        narrow_keys(folder)
        meeting(folder)
        progress(folder)
        lineage(folder)
    return report("rdd")


if __name__ == "__main__":
    sys.exit(main())
