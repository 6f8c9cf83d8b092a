#!/usr/bin/env python3
"""Faults on real processes: too little memory, disk, threads or descriptors; calls that fail; Ctrl-C; damaged code caches.

    run_faults.py [memory|calls|limits|cancel|cache|jobs|allocation]...      without any: all
"""
import importlib
import sys
import tempfile
import time

import faults

GROUPS = ["memory", "calls", "limits", "cancel", "cache", "jobs", "allocation"]


def main():
    for group in sys.argv[1:] or GROUPS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="vonk-faults-") as folder:
            importlib.import_module(f"fault_{group}").run_all(folder)
        print(f"[{group}] {time.monotonic() - started:.0f} s", flush=True)
    print(f"faults: {faults.passed} passed, {faults.failed} failed")
    return 1 if faults.failed else 0


if __name__ == "__main__":
    sys.exit(main())
