"""The Python packages that tests compare with (DuckDB, pyarrow, tpchgen-cli), in build/venv; and TPC-H data.

A test that needs them calls use() first: it makes the environment when it is missing and runs the test again in it.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, "build", "venv")
PACKAGES = ["duckdb", "pyarrow", "tpchgen-cli"]


def use():
    """Goes on in build/venv's Python; makes it first. Exits with a message when the packages cannot be had."""
    python = os.path.join(VENV, "bin", "python")
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        return
    if not os.path.exists(os.path.join(VENV, "ready")):
        subprocess.run(["/usr/bin/python3", "-m", "venv", VENV], check=True)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"these tests need {', '.join(PACKAGES)} from PyPI:\n{done.stderr[-2000:]}")
            print("0 passed, 1 failed")
            sys.exit(1)
        open(os.path.join(VENV, "ready"), "w").close()
    os.execv(python, [python, *sys.argv])


def tpch(scale, form="parquet"):
    """A folder with TPC-H's tables at that scale, made once."""
    folder = os.path.join(ROOT, "build", "tpch", f"{form}-{scale}")
    if not os.path.exists(os.path.join(folder, "ready")):
        os.makedirs(folder, exist_ok=True)
        command = [os.path.join(VENV, "bin", "tpchgen-cli"), form, "-s", str(scale), f"--output-dir={folder}"]
        subprocess.run(command, check=True, capture_output=True)
        open(os.path.join(folder, "ready"), "w").close()
    return folder
