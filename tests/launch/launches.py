"""Jobs that are given to `vonk submit --launcher`, what must hold while they run, and what they may not leave behind.

    launches = Launches(folder)
    launches.test("slurm", env)        the checks that each launcher has to pass
"""
import glob
import os
import signal
import stat
import subprocess
import time

from jobs import ROOT, VONK, check

JOB = os.path.join(ROOT, "tests", "launch", "where.c")
LAUNCHERS = os.path.join(ROOT, "cluster", "launchers")
PATIENCE = 300  # Ray may need its time on a busy machine
TWO_EXECUTORS = ("--executors", "2", "--executor-cores", "1", "--executor-memory", "512MiB")


def wait_until(holds, seconds):
    """Whether it came to hold in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def read_bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # a process that has ended
        return b""


def vonk_processes():
    """{pid: words} of Vonk's processes, and of the scripts that start them."""
    found = {}
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        words = read_bytes(path).decode(errors="replace").split("\0")
        if any(word == VONK or word.startswith(LAUNCHERS) for word in words[:4]):
            found[int(path.split("/")[2])] = words
    return found


def open_gate(folder):
    open(os.path.join(folder, "gate"), "w").close()


class Launches:
    def __init__(self, folder):
        self.folder = folder
        self.tmp = os.path.join(folder, "tmp")
        os.mkdir(self.tmp, 0o700)
        self.meetings = 0

    def meeting(self, is_open):
        """A new folder for where.c, whose tasks go on when it is open and two processes are there."""
        self.meetings += 1
        folder = os.path.join(self.folder, f"meeting-{self.meetings}")
        os.mkdir(folder)
        if is_open:
            open_gate(folder)
        return folder

    def env(self, env):
        return {**os.environ, "VONK": VONK, "TMPDIR": self.tmp, **env}

    def start(self, launcher, env, *arguments, options=TWO_EXECUTORS):
        command = [VONK, "submit", "--launcher", launcher, *options, *map(str, arguments)]
        return subprocess.Popen(command, env=self.env(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd=self.folder)

    def submit(self, launcher, env, *arguments, options=TWO_EXECUTORS):
        """(exit code, standard output, standard error)"""
        process = self.start(launcher, env, *arguments, options=options)
        try:
            output = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.terminate()
            output = process.communicate()
            return "no end", *output
        return process.returncode, *output

    def secrets(self, kind="*"):
        return glob.glob(os.path.join(self.tmp, f"vonk-{kind}.*", "secret"))

    def workers_run(self):
        """Two have their secret and have been started: a worker's child is like it until it becomes an executor, and counts no more."""
        folders = {words[words.index("--dir") + 1] for words in vonk_processes().values() if "worker" in words and VONK in words and "--dir" in words}
        return len(self.secrets("worker")) == 2 and len(folders) >= 2

    def wait_for_workers(self, where, process):
        wait_until(lambda: self.workers_run() or process.poll() is not None, PATIENCE)
        return check(self.workers_run(), f"{where}: two workers run: exit code {process.poll()}, {self.secrets()}, {vonk_processes()}")

    def check_secret(self, where):
        """Who may read it, and that no process shows it."""
        files = self.secrets()
        check(len(files) == 3, f"{where}: the master and two workers have the secret: {files}")
        for path in files:
            modes = [stat.S_IMODE(os.stat(p).st_mode) for p in (path, os.path.dirname(path))]
            check(modes == [0o600, 0o700], f"{where}: {path}: {[oct(mode) for mode in modes]}")
        texts = {read_bytes(path).strip() for path in files}
        check(len(texts) == 1 and len(min(texts)) >= 32, f"{where}: there is one secret: {len(texts)}")
        shown = [path for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ")
                 if any(text and text in read_bytes(path) for text in texts)]
        check(not shown, f"{where}: processes show the secret: {shown}")

    def check_nothing_left(self, where, files="vonk-*", seconds=60):
        left = []

        def is_gone():
            left[:] = [*vonk_processes().items(), *glob.glob(os.path.join(self.tmp, files))]
            return not left

        check(wait_until(is_gone, seconds), f"{where}: left behind: {left}")

    def test_options(self):
        for options, message in ((("--launcher", "yarn"), "slurm, ray or dask"),
                                 (("--launcher=run_worker",), "slurm, ray or dask"),
                                 (("--launcher", "slurm", "--executors", "0"), "--executors takes a number"),
                                 (("--launcher", "dask", "--executor-cores", "x"), "--executor-cores takes a number"),
                                 (("--launcher", "ray", "--executor-memory", "much"), "is not a size"),
                                 (("--launcher", "slurm", "--master", "local"), "not both"),
                                 (("--executors", "2"), "are for clusters")):
            done = subprocess.run([VONK, "submit", *options, JOB, "1", "nowhere", "0"], capture_output=True, text=True)
            check(done.returncode != 0 and message in done.stderr, f"{options}: {done.returncode} {done.stderr}")

    def test(self, launcher, env, files_after_kill="vonk-worker*"):
        self.test_answer(launcher, env)
        self.test_codes(launcher, env)
        self.test_end(launcher, env, signal.SIGTERM, "vonk-*")
        self.test_end(launcher, env, signal.SIGKILL, files_after_kill)

    def test_answer(self, launcher, env):
        folder = self.meeting(is_open=False)
        process = self.start(launcher, env, JOB, 16, folder, 0)
        if self.wait_for_workers(launcher, process):
            self.check_secret(launcher)
        open_gate(folder)
        output, errors = process.communicate(timeout=PATIENCE)
        check(process.returncode == 0, f"{launcher}: exit code {process.returncode}: {errors}")
        check(output == "16 tasks, 120, in 2 processes\n", f"{launcher}: {output!r} {errors}")
        self.check_nothing_left(launcher)

    def test_codes(self, launcher, env):
        code, _, errors = self.submit(launcher, env, JOB, 2, self.meeting(is_open=True), 3)
        check(code == 3, f"{launcher}: the job's exit code 3 is {code}: {errors}")
        code, _, errors = self.submit(launcher, env, "/nowhere/job.c")
        check(code == 1 and "/nowhere/job.c" in errors, f"{launcher}: a job that is missing: {code} {errors}")
        self.check_nothing_left(f"{launcher} after jobs that fail")

    def test_end(self, launcher, env, number, files):
        """The launcher is ended in the middle of a job: all that it has started ends."""
        where = f"{launcher} after {signal.Signals(number).name}"
        process = self.start(launcher, env, JOB, 16, self.meeting(is_open=False), 0)
        self.wait_for_workers(where, process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
        expected = (1, 128 + number, -number)  # 1: of a job that Slurm has cancelled
        check(process.returncode in expected, f"{where}: exit code {process.returncode}: {errors}")
        self.check_nothing_left(where, files)
        for folder in glob.glob(os.path.join(self.tmp, "vonk-*")):
            subprocess.run(["rm", "-r", folder], check=False)
