"""The Python packages that tests compare with (DuckDB, pyarrow, tpchgen-cli), in build/venv; and TPC-H data.

A test that needs them calls use() first: it makes the environment when it is missing and runs the test again in it.
"""
import contextlib
import fcntl
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, "build", "venv")
PACKAGES = ["duckdb", "pyarrow", "tpchgen-cli"]


@contextlib.contextmanager
def making(folder):
    """Tests that run side by side make a thing one after the other; gives whether it is still to be made."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = os.path.join(folder, "ready")
        is_missing = not os.path.exists(ready)
        yield is_missing
        if is_missing:
            open(ready, "w").close()


def environment(name, *packages):
    """The python of build/venv-NAME with these packages, made once; raises RuntimeError when they cannot be had."""
    folder = f"{VENV}-{name}"
    python = os.path.join(folder, "bin", "python3")
    with making(folder) as is_missing:
        if is_missing:
            subprocess.run(["/usr/bin/python3", "-m", "venv", folder], check=True)
            done = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(f"{', '.join(packages)} from PyPI: {done.stderr[-2000:]}")
    return python


def use():
    """Goes on in build/venv's Python; makes it first. Exits with a message when the packages cannot be had."""
    python = os.path.join(VENV, "bin", "python")
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        return
    with making(VENV) as is_missing:
        if is_missing:
            subprocess.run(["/usr/bin/python3", "-m", "venv", VENV], check=True)
            done = subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], capture_output=True, text=True)
            if done.returncode != 0:
                print(f"these tests need {', '.join(PACKAGES)} from PyPI:\n{done.stderr[-2000:]}")
                print("0 passed, 1 failed")
                sys.exit(1)
    os.execv(python, [python, *sys.argv])


def tpch(scale, form="parquet"):
    """A folder with TPC-H's tables at that scale, made once."""
    folder = os.path.join(ROOT, "build", "tpch", f"{form}-{scale}")
    with making(folder) as is_missing:
        if is_missing:
            os.makedirs(folder, exist_ok=True)
            command = [os.path.join(VENV, "bin", "tpchgen-cli"), form, "-s", str(scale), f"--output-dir={folder}"]
            subprocess.run(command, check=True, capture_output=True)
    return folder
