"""How far a process has come with what it writes: its files may have no names yet."""
import time


def bytes_written(pid):
    """By its calls of write; 0 of a process that has ended."""
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as counters:
            return int(next(line for line in counters if line.startswith("wchar:")).split()[1])
    except OSError:
        return 0


def wait_for_bytes(process, count, seconds):
    """Until it has written that much, has ended, or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None and bytes_written(process.pid) < count:
        time.sleep(0.01)
