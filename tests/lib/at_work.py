"""Whether a process has come so far that a signal meets it at work, however slow or fast the machine is.

    wait_for_work(process.pid, 60)     it has its handler of SIGINT, and computes since then
"""
import os
import signal
import time

TICKS = os.sysconf("SC_CLK_TCK")
WORK_SECONDS = 0.2  # of CPU time


def catches_interrupts(pid):
    """Whether the process has its handler of SIGINT yet, or has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            caught = next((int(line.split()[1], 16) for line in f if line.startswith("SigCgt:")), None)
            return caught is None or caught >> (signal.SIGINT - 1) & 1
    except OSError:
        return True


def cpu_seconds(pid):
    """Of all its threads; None of a process that has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[11]) + int(fields[12])) / TICKS


def wait_for_work(pid, seconds):
    """Whether it was so in time; a process that has ended is not at work."""
    until = time.monotonic() + seconds
    begun = None
    while time.monotonic() < until:
        used = cpu_seconds(pid)
        if used is None:
            return False
        if begun is not None and used >= begun + WORK_SECONDS:
            return True
        if begun is None and catches_interrupts(pid):
            begun = used
        time.sleep(0.01)
    return False
