#!/usr/bin/env python3
"""Builds and runs every test: what `make check` does.

    tools/check.py [STEP]...      these steps; without any: lint, unit, plans, sim, sql

Steps by hand: tsan (the threaded unit tests under TSan), fuzz (targets on their corpora and a little further).

Each step prints its output as it goes and ends in a count; the last line adds them up as
'N passed, N failed'. The exit status is 1 when a test or a step failed.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = str(os.cpu_count() or 2)
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def run(command, env=None, timeout=3600):
    """The command's output, also printed; and whether it exited with 0."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = []
    deadline = time.monotonic() + timeout
    for line in process.stdout:
        lines.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
        if time.monotonic() > deadline:
            process.kill()
    return "".join(lines), process.wait() == 0


def count(output, ok):
    """(passed, failed) from a 'N passed, N failed' line or Check's summary; else the exit status counts as one."""
    plain = re.findall(r"^(?:[\w-]+: )?(\d+) passed, (\d+) failed", output, flags=re.M)
    checks = re.findall(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", output, flags=re.M)
    passed = sum(int(p) for p, _ in plain) + sum(int(c) - int(f) - int(e) for c, f, e in checks)
    failed = sum(int(f) for _, f in plain) + sum(int(f) + int(e) for _, f, e in checks)
    if not plain and not checks:
        return (1, 0) if ok else (0, 1)
    return passed, failed + (0 if ok or failed else 1)


def build(preset, *targets):
    """Configures and builds; an empty list of targets builds everything."""
    directory = os.path.join(ROOT, "build", preset)
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        output, ok = run(["cmake", "--preset", preset])
        if not ok:
            return False
    quiet = subprocess.run(["cmake", "--build", directory, "-j", JOBS, *(["--target", *targets] if targets else [])],
                           cwd=ROOT, capture_output=True, text=True)
    if quiet.returncode != 0:
        print(quiet.stdout[-20000:] + quiet.stderr[-5000:])
    return quiet.returncode == 0


SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "exitcode=99:halt_on_error=0",
    "CK_DEFAULT_TIMEOUT": "600",
}


def unit_programs(preset):
    names = []
    for folder, _, files in os.walk(os.path.join(ROOT, "tests", "unit")):
        names += [f[:-2] for f in files if f.startswith("test_") and f.endswith(".c")]
    return [os.path.join(ROOT, "build", preset, name) for name in sorted(names)]


def run_units(preset, programs):
    """The programs, as many at once as there are cores; what failed prints its output."""
    def one(program):
        try:
            done = subprocess.run([program], cwd=ROOT, env={**os.environ, **SANITIZER_ENV}, capture_output=True,
                                  text=True, errors="replace", timeout=900)
            return program, done.stdout + done.stderr, done.returncode == 0
        except (OSError, subprocess.TimeoutExpired) as error:
            return program, str(error), False

    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for program, output, ok in pool.map(one, programs):
            p, f = count(output, ok)
            if not ok or f:
                print(f"{output}\nFAILED under {preset}: {os.path.basename(program)}", flush=True)
            passed, failed = passed + p, failed + f
    return passed, failed


def step_lint():
    output, ok = run([PYTHON, "tools/lint.py", "--self-test"])
    if not ok:
        return 0, 1
    output, ok = run([PYTHON, "tools/lint.py"])
    return (1, 0) if ok else (0, 1)


def step_unit():
    """Unit tests under ASan and UBSan."""
    if not build("dev", "unit_tests"):
        return 0, 1
    return run_units("dev", unit_programs("dev"))


def step_tsan():
    """Unit tests of what runs on several threads, under TSan."""
    names = ("exec/", "scheduler/", "engine/")
    threaded = []
    for name in names:
        folder = os.path.join(ROOT, "tests", "unit", name)
        if os.path.isdir(folder):
            threaded += [f[:-2] for f in sorted(os.listdir(folder)) if f.endswith(".c") and f.startswith("test_")]
    if not build("tsan", *threaded):
        return 0, 1
    return run_units("tsan", [os.path.join(ROOT, "build", "tsan", name) for name in threaded])


def step_scripts(names):
    """Python tests over the release build: tests/<name>."""
    if not build("release"):
        return 0, 1
    passed = failed = 0
    for name in names:
        output, ok = run([PYTHON, os.path.join("tests", name)])
        p, f = count(output, ok)
        if not ok:
            print(f"FAILED: tests/{name}")
        passed, failed = passed + p, failed + f
    return passed, failed


def step_sql():
    names = [n for n in ("sql/run_slt.py", "tpch/run_tpch.py", "shell/run_shell.py", "api/run_api.py",
                         "explain/run_explain.py", "random/run_random.py", "parquet/run_parquet.py",
                         "files/run_files.py", "rdd/run_rdd.py")
             if os.path.exists(os.path.join(ROOT, "tests", n))]
    return step_scripts(names)


def step_plans():
    program = os.path.join(ROOT, "build", "dev", "plan_test")
    if not build("dev", "plan_test"):
        return 0, 1
    plans = sorted(os.path.join("tests/plans", n) for n in os.listdir(os.path.join(ROOT, "tests/plans"))
                   if n.endswith(".plan"))
    output, ok = run([program, *plans], env=SANITIZER_ENV)
    return count(output, ok)


def step_fuzz():
    """Fuzz targets on their kept corpora and a little further; the whole engine (fuzz_sql) by hand."""
    if not os.path.exists(os.path.join(ROOT, "tests", "fuzz", "run_fuzz.py")) or shutil.which("clang-19") is None:
        return 0, 0
    output, ok = run([PYTHON, "tests/fuzz/run_fuzz.py", "--seconds", "10", "parser", "csv", "parquet"])
    return count(output, ok)


def step_sim():
    """The scheduler under 20,000 schedules of faults; a few under ASan and UBSan."""
    if not build("release", "scheduler_sim") or not build("dev", "scheduler_sim"):
        return 0, 1
    passed = failed = 0
    for preset, schedules in (("release", "20000"), ("dev", "500")):
        output, ok = run([os.path.join(ROOT, "build", preset, "scheduler_sim"), "--count", schedules],
                         env=SANITIZER_ENV)
        p, f = count(output, ok)
        passed, failed = passed + p, failed + f
    return passed, failed


STEPS = {"lint": step_lint, "unit": step_unit, "plans": step_plans, "sql": step_sql, "sim": step_sim,
         "tsan": step_tsan, "fuzz": step_fuzz}
DEFAULT_STEPS = ["lint", "unit", "plans", "sim", "sql"]


def main():
    wanted = sys.argv[1:] or DEFAULT_STEPS
    passed = failed = 0
    for name in wanted:
        started = time.monotonic()
        print(f"=== {name}", flush=True)
        p, f = STEPS[name]()
        print(f"=== {name}: {p} ok, {f} not ok, {time.monotonic() - started:.0f} s", flush=True)
        passed, failed = passed + p, failed + f
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
