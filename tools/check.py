#!/usr/bin/env python3
"""Builds and runs every test: what `make check` does.

    tools/check.py [STEP]...      these steps; without any: all of them

    lint      style and format
    build     all presets: release, dev (ASan, UBSan), tsan, fuzz
    unit      unit tests and golden plans under ASan and UBSan
    kernels   random kernels and random plans, each in both of its ways, under ASan and UBSan
    sim       the scheduler, and whole clusters, in simulated worlds of faults
    sql       SQL logic tests in all modes, and on PostgreSQL
    tpch      the 22 queries in all modes, against DuckDB and PostgreSQL
    api shell parquet random bits faults    as tests/README.md has them; and every run_*.py of any other tests/NAME that has a run_NAME.py
    cancel    of the faults: how long a cancel takes; alone, for it is measured
    tsan      unit tests with threads, whole queries on 8 of them, and small clusters, under TSan
    fuzz      fuzz targets on their corpora, and a little further

A step that cannot run (a build that fails, a test that is missing or finds nothing to do) is a failure. Two steps run side by
side, and one that mostly waits; what a test prints is shown when it has ended and something failed. The last line is 'N passed, N failed'; the exit status
is 1 when anything failed.
"""
import concurrent.futures
import functools
import glob
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = os.cpu_count() or 2
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "exitcode=99:halt_on_error=0:second_deadlock_stack=1:suppressions=" + os.path.join(ROOT, "tools", "tsan.supp"),
    "G_SLICE": "always-malloc",  # else GLib hands memory from thread to thread in ways that TSan does not see
    "CK_DEFAULT_TIMEOUT": "60",
    "CK_TIMEOUT_MULTIPLIER": "10",  # a busy machine is slow; a hang is for ever
}
PRESET_TARGETS = {
    "release": ["all", "scheduler_sim", "cluster_sim", "parquet_dump", "cluster_driver", "cluster_intruder"],
    "dev": ["unit_tests", "scheduler_sim", "cluster_sim"],
    "tsan": ["threaded_tests"],
    "fuzz": ["fuzz_parser", "fuzz_sql", "fuzz_csv", "fuzz_parquet", "fuzz_plan", "fuzz_frame"],
}
printing = threading.Lock()
building = threading.Lock()


def say(text):
    with printing:
        print(text, flush=True)


def count(output, ok):
    """(passed, failed) from 'N passed, N failed' lines and Check's summaries; without any the exit status counts as one."""
    plain = re.findall(r"^(?:[\w-]+: )?(\d+) passed, (\d+) failed", output, flags=re.M)
    checks = re.findall(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", output, flags=re.M)
    passed = sum(int(p) for p, _ in plain) + sum(int(c) - int(f) - int(e) for c, f, e in checks)
    failed = sum(int(f) for _, f in plain) + sum(int(f) + int(e) for _, f, e in checks)
    if not plain and not checks:
        return (1, 0) if ok else (0, 1)
    if not passed and not failed:
        return 0, 1
    return passed, failed + (0 if ok or failed else 1)


def run(name, command, env=None, timeout=1200):
    """Runs one test; its (passed, failed)."""
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)
        output, ok = done.stdout, done.returncode == 0
    except OSError as error:
        output, ok = str(error), False
    except subprocess.TimeoutExpired as error:
        output, ok = f"{(error.stdout or b'').decode(errors='replace')[-20000:]}\nstill running after {timeout} s", False
    passed, failed = count(output, ok)
    if failed:
        say(f"--- {name}\n{output[-60000:]}\n--- {name} FAILED")
    say(f"{name}: {passed} ok, {failed} not ok, {time.monotonic() - started:.0f} s")
    return passed, failed


def run_all(tests, jobs=JOBS):
    """Tests as run() takes them, some at a time; the sum."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda test: run(*test), tests))
    return sum(p for p, _ in results), sum(f for _, f in results)


@functools.cache
def build_once(preset):
    directory = os.path.join(ROOT, "build", preset)
    commands = [["cmake", "--build", directory, "-j", str(JOBS), "--target", *PRESET_TARGETS[preset]]]
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        commands.insert(0, ["cmake", "--preset", preset])
    started = time.monotonic()
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if done.returncode != 0:
            say(done.stdout[-20000:] + done.stderr[-5000:] + f"\nbuilding {preset} FAILED")
            return False
    say(f"built {preset}, {time.monotonic() - started:.0f} s")
    return True


def build(preset):
    """Configures and builds, the first time it is asked for; whether that went well. One at a time: each uses all cores."""
    with building:
        return build_once(preset)


def unit_tests(preset, folders):
    """Check programs of tests/unit/<folder> as tests for run_all."""
    tests = []
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(ROOT, "tests", "unit", folder, "test_*.c"))):
            name = os.path.basename(path)[:-2]
            tests.append((f"{preset} {name}", [os.path.join(ROOT, "build", preset, name)], SANITIZER_ENV, 900))
    return tests


def script(name, *arguments, timeout=1200):
    """tests/<name> over the release build."""
    return name.split("/")[-1], [PYTHON, os.path.join("tests", name), *arguments], None, timeout


def step_lint():
    return run_all([("lint of lint", [PYTHON, "tools/lint.py", "--self-test"]), ("lint", [PYTHON, "tools/lint.py"])])


def step_build():
    results = [build(preset) for preset in PRESET_TARGETS]
    return sum(results), len(results) - sum(results)


def step_unit():
    if not build("dev"):
        return 0, 1
    plans = sorted(glob.glob(os.path.join(ROOT, "tests", "plans", "*.plan")))
    golden = ("plan_test", [os.path.join(ROOT, "build", "dev", "plan_test"), *plans], SANITIZER_ENV, 600)
    return run_all([golden, *unit_tests("dev", sorted(os.listdir(os.path.join(ROOT, "tests", "unit"))))])


def step_kernels():
    if not build("dev"):
        return 0, 1
    return run_all([("rule_fuzz", [os.path.join(ROOT, "build", "dev", "rule_fuzz"), "3000"], SANITIZER_ENV, 600)])


def step_scripts(*tests, jobs=JOBS):
    if not build("release"):
        return 0, 1
    return run_all(tests, jobs)


def step_tsan():
    """What runs on several threads: unit tests of these folders, the engine's among them; driver, executors and keeper."""
    if not build("tsan"):
        return 0, 1
    cluster = ("tsan test_executors", [os.path.join(ROOT, "build", "tsan", "test_executors")],
               {**SANITIZER_ENV, "CK_RUN_CASE": "small"}, 600)
    return run_all([cluster, *unit_tests("tsan", ("base", "scheduler", "exec", "rdd", "engine"))])


def step_sim():
    """The scheduler under 20,000 schedules of faults, clusters under 2,000; a few of each under ASan and UBSan."""
    if not build("release") or not build("dev"):
        return 0, 1
    return run_all([(f"{preset} {name}", [os.path.join(ROOT, "build", preset, name), "--count", schedules], SANITIZER_ENV, 900)
                    for name, preset, schedules in (("scheduler_sim", "release", "20000"), ("cluster_sim", "release", "2000"),
                                                    ("scheduler_sim", "dev", "500"), ("cluster_sim", "dev", "10"))])


def step_fuzz():
    if not build("fuzz"):
        return 0, 1
    return run_all([script("fuzz/run_fuzz.py", "--seconds", "20")])


def step_sql():
    """Where PostgreSQL is missing, tests do without it: here that is a failure."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
    from postgres import available
    passed, failed = step_scripts(script("sql/run_slt.py"))
    if not available():
        say("PostgreSQL 15 is missing: run tools/setup.sh")
    return passed, failed + (not available())


STEPS = {
    "lint": step_lint,
    "build": step_build,
    "unit": step_unit,
    "kernels": step_kernels,
    "sim": step_sim,
    "sql": step_sql,
    "tpch": lambda: step_scripts(script("tpch/run_tpch.py")),
    "api": lambda: step_scripts(script("api/run_api.py")),
    "shell": lambda: step_scripts(script("shell/run_shell.py")),
    "parquet": lambda: step_scripts(script("parquet/run_parquet.py")),
    "random": lambda: step_scripts(script("random/run_random.py"), script("random/run_random_rdd.py", "--cluster")),
    "bits": lambda: step_scripts(script("bits/run_bits.py")),
    "tsan": step_tsan,
    "fuzz": step_fuzz,
    "faults": lambda: step_scripts(script("faults/run_faults.py", "memory", "calls", "limits", "cache", "jobs", "allocation")),
    "cancel": lambda: step_scripts(script("faults/run_faults.py", "cancel")),
}
# Tests of a folder that is not named above.
OTHERS = sorted({name for name in os.listdir(os.path.join(ROOT, "tests"))
                 if os.path.exists(os.path.join(ROOT, "tests", name, f"run_{name}.py"))} - set(STEPS))
def scripts_of(folder):
    """All run_*.py of the folder."""
    return [script(os.path.relpath(path, os.path.join(ROOT, "tests"))) for path in sorted(glob.glob(os.path.join(ROOT, "tests", folder, "run_*.py")))]


for other in OTHERS:
    STEPS[other] = lambda other=other: step_scripts(*scripts_of(other))
# Processes of clusters that start, are silent, are given up: the machine is idle meanwhile.
WAITING = ("launch", "chaos", "cluster")
BUSY = ("random", "sql", "faults", "unit", "tpch", "tsan", *(name for name in OTHERS if name not in WAITING),
        "parquet", "bits", "fuzz", "kernels", "sim", "api", "shell")
# One line after the other; the steps of a line two at a time, the long ones first, and beside BUSY one of WAITING.
PLAN = (("lint", "build"), BUSY, ("cancel",))


def run_step(name):
    started = time.monotonic()
    try:
        passed, failed = STEPS[name]()
    except Exception:  # a mistake in here must not pass for a success, nor stop the others
        say(traceback.format_exc())
        passed, failed = 0, 1
    say(f"=== {name}: {passed} ok, {failed} not ok, {time.monotonic() - started:.0f} s")
    return passed, failed


def main():
    # Whoever runs this in the background may have it ignore Ctrl-C: the tests of Ctrl-C would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = sys.argv[1:]
    unknown = [name for name in wanted if name not in STEPS]
    if unknown:
        sys.exit(f"check.py: no step {unknown[0]}; there are {', '.join(STEPS)}")
    results = []
    for line in PLAN:
        chosen = [name for name in line if not wanted or name in wanted]
        waiting = [name for name in WAITING if line is BUSY and (not wanted or name in wanted)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool, concurrent.futures.ThreadPoolExecutor(1) as patient:
            done = [pool.submit(run_step, name) for name in chosen] + [patient.submit(run_step, name) for name in waiting]
            results += [step.result() for step in done]
    passed, failed = sum(p for p, _ in results), sum(f for _, f in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
