"""Jobs that are submitted, and what was found out about them: for the tests of RDDs.

    check(out == "1\\n", "one row")     counts; what does not hold is printed
    skip("Ray is not installed")       counts apart, and is printed
    sys.exit(report("rdd"))            'rdd: N passed, N failed[, N skipped]', and the exit code
"""
import os
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VONK = os.environ.get("VONK", os.path.join(ROOT, "build", "release", "vonk"))

# who is told to end leaves nothing: each `with` and `finally` ends what it began
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

_counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(ok, what):
    """Whether it holds."""
    _counts["passed" if ok else "failed"] += 1
    if not ok:
        print(f"FAILED: {what}", flush=True)
    return ok


def skip(why):
    _counts["skipped"] += 1
    print(f"not run: {why}", flush=True)


def report(name):
    skipped = f", {_counts['skipped']} skipped" if _counts["skipped"] else ""
    print(f"{name}: {_counts['passed']} passed, {_counts['failed']} failed{skipped}")
    return 1 if _counts["failed"] or not _counts["passed"] else 0


def submit(job, *args, options=(), env=None, timeout=300):
    """(exit code, standard output, standard error); a job that is named relatively is the repository's."""
    done = subprocess.run([VONK, "submit", *options, os.path.join(ROOT, job), *map(str, args)], capture_output=True,
                          text=True, timeout=timeout, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def write_job(folder, name, body):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write("#include <stdio.h>\n#include <vonk/vonk.h>\n" + body)
    return path
