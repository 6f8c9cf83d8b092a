"""What the fault tests share: the vonk program under limits and faults, counts, temporary folders."""
import hashlib
import os
import resource
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release"))
VONK = os.path.join(BUILD, "vonk")

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"FAILED: {what}", flush=True)
    return ok


class Run:
    """How a process ended: status (negative: by that signal), out and err as text, seconds, peak_bytes resident."""

    def __init__(self, status, out, err, seconds, peak_bytes):
        self.status, self.out, self.err, self.seconds, self.peak_bytes = status, out, err, seconds, peak_bytes

    def __str__(self):
        return f"status {self.status} after {self.seconds:.1f} s, {self.out[:200]!r} {self.err[:600]!r}"

    @property
    def crashed(self):
        return self.status not in (0, 1, 2, 130) or "internal error" in self.err or "Sanitizer" in self.err

    @property
    def digest(self):
        return hashlib.sha256(self.out.encode()).hexdigest()


def start(arguments, env=None, limits=None, stdout=None, stdin=subprocess.DEVNULL, cwd=None):
    """The vonk program as a process; limits: {resource.RLIMIT_X: value}. Output goes to files, so nothing blocks."""
    out = stdout if stdout is not None else tempfile.TemporaryFile()
    err = tempfile.TemporaryFile()

    def before():
        for what, value in (limits or {}).items():
            resource.setrlimit(what, (value, value))
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    process = subprocess.Popen([VONK, *arguments], env={**os.environ, **(env or {})}, stdin=stdin, stdout=out, stderr=err,
                               cwd=cwd, preexec_fn=before)
    process.out_file, process.err_file, process.started = out, err, time.monotonic()
    return process


def resident_peak(pid):
    """Most bytes resident so far; 0 when it has ended. (ru_maxrss has those of the forked Python in it.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            return next((int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def finish(process, timeout=120):
    """Waits for it; after timeout it is killed, which counts as a crash."""
    deadline = time.monotonic() + timeout
    peak_bytes = 0
    while True:
        peak_bytes = resident_peak(process.pid) or peak_bytes
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.002)
    seconds = time.monotonic() - process.started
    process.returncode = os.waitstatus_to_exitcode(status)
    texts = []
    for file in (process.out_file, process.err_file):
        if hasattr(file, "seek") and file.readable():
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
            file.close()
        else:
            texts.append("")
    return Run(process.returncode, texts[0], texts[1], seconds, peak_bytes)


def sql(statements, *options, database=None, timeout=120, **how):
    """Runs `vonk sql [DATABASE] OPTIONS -c STATEMENT...`, csv out."""
    if isinstance(statements, str):
        statements = [statements]
    arguments = ["sql", *([database] if database else []), "--format", "csv", *options]
    for statement in statements:
        arguments += ["-c", statement]
    return finish(start(arguments, **how), timeout)


def build_shim(folder):
    """The fault shim, compiled; its path."""
    path = os.path.join(folder, "fault_shim.so")
    subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", os.path.join(HERE, "fault_shim.c"),
                    "-o", path, "-ldl"], check=True)
    return path
