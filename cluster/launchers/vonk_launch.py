"""vonk_launch.py -- a Vonk cluster on the nodes of another one, for one job: what `ray` and `dask` beside this file share

    catch_signals()     first of all, before Ray or Dask is imported
    launch(cluster)     a secret and a master, here -> a Worker on each node -> vonk submit --master, here -> all of it ends

cluster is an object with
    nodes()                        [Node]: where a worker may be
    place(Worker, node, cores)     a Worker there, which keeps its cores from others where the cluster can
    call(worker, method, *rest)    what worker.method(*rest) returns there
    errors                         the exceptions of these three

The secret is made for this job. It is in a folder that only this user may read, and goes to the nodes in a call.
"""
import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
CALL_SECONDS = 120
LOOK_SECONDS = 2
SILENCE_SECONDS = 30
END_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

Node = collections.namedtuple("Node", "address cores place")

# A program that becomes another one. What it does first cannot be done between fork and exec: a lock that one of Ray's
# threads had at the fork would never be released there.
TIED = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_SETMASK, ())
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class LaunchError(Exception):
    """What the user is told."""


def worker_class(silence_seconds):
    """Worker: a class of a function's travels by value, so that the nodes need no module of ours."""

    class Worker:
        """vonk worker on the node that this object is on. It ends with the object, with the process that has it, and when
        nobody has asked for it for a while: a cluster may keep objects of clients that are gone."""

        def start(self, command, secret):
            self.output = tempfile.TemporaryFile()
            # a grandchild: Ray kills the children of an actor that is gone, before they clean up
            command = ["sh", "-c", 'exec 3<&0; "$@" <&3 3<&- & wait $!', "-", *command]
            self.process = process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self.output, stderr=self.output)
            self.process.stdin.write(secret)
            self.process.stdin.flush()
            self.asked = asked = [time.monotonic()]

            def wait_for_silence():
                while process.poll() is None and time.monotonic() < asked[0] + silence_seconds:
                    time.sleep(0.5)
                process.stdin.close()

            threading.Thread(target=wait_for_silence, daemon=True).start()

        def last_words(self):
            """Of one that has ended; None while it runs."""
            self.asked[0] = time.monotonic()
            if self.process.poll() is None:
                return None
            self.output.seek(0)
            return self.output.read().decode(errors="replace")

        def stop(self):
            self.process.stdin.close()
            self.process.wait()

        def __del__(self):
            self.process.stdin.close()

    return Worker


def wanted(variable):
    """A number that `vonk submit` was given, or None."""
    value = os.environ.get(variable)
    return int(value) if value else None


def own_address(peer):
    """The address of this machine that a node reaches: the one from which it reaches the node. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((peer, 9))
        return probe.getsockname()[0]


def catch_signals():
    """From now on those that end this process raise SystemExit in its main thread, whatever handlers a library sets for
    them: Ray's aborts. All threads block them but one, which waits for the first and passes it on as one of our own."""
    signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
    caught = []

    def end(number, frame):
        sys.exit(128 + caught[0])

    def wait_for_signal():
        caught.append(signal.sigwait(END_SIGNALS))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR2)

    signal.signal(signal.SIGUSR2, end)
    threading.Thread(target=wait_for_signal, daemon=True).start()


@contextlib.contextmanager
def running(*command, **options):
    """A process that ends when this one does, however that goes."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", TIED, str(os.getpid()), *command], **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def running_master(vonk, host, folder):
    """Yields its URL."""
    log = os.path.join(folder, "master.log")
    with open(log, "wb") as output, running(vonk, "master", "--host", host, "--port", "0", stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output) as master:
        url = None
        while url is None:
            has_ended = master.poll() is not None
            with open(log, errors="replace") as text:
                said = text.read()
            url = next((word for word in said.split() if word.startswith("vonk://")), None)
            if url is None and has_ended:
                raise LaunchError(f"the master did not start: {said}")
            time.sleep(0.05)
        yield url


@contextlib.contextmanager
def running_workers(cluster, nodes, command, secret):
    """Yields them; each with all cores of its node, or with those that were asked for."""
    Worker, workers = worker_class(SILENCE_SECONDS), []
    try:
        for node in nodes:
            cores = wanted("VONK_EXECUTOR_CORES") or node.cores
            workers.append(cluster.place(Worker, node, cores))
            cluster.call(workers[-1], "start", [*command, "--cores", str(cores)], secret)
        yield workers
    finally:
        for worker in workers:
            with contextlib.suppress(LaunchError, *cluster.errors):  # a node that is gone has no worker
                cluster.call(worker, "stop")


def look_after(cluster, workers):
    """The workers that still run; says what happened to the others."""
    alive = []
    for worker in workers:
        try:
            words = cluster.call(worker, "last_words")
        except cluster.errors as error:
            words = f"vonk: a node is lost: {error}"
        if words is None:
            alive.append(worker)
        else:
            print(words.rstrip(), file=sys.stderr)
    return alive


def run_driver(vonk, url, arguments, cluster, workers):
    """The exit code of `vonk submit`."""
    with running(vonk, "submit", "--master", url, *arguments) as driver:
        while workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return driver.wait(LOOK_SECONDS)
            workers = look_after(cluster, workers)
        raise LaunchError("the workers have ended before the job")


def choose_nodes(cluster):
    nodes = cluster.nodes()
    count = wanted("VONK_EXECUTORS") or len(nodes)
    if count > len(nodes) or not nodes:
        raise LaunchError(f"{count} nodes are wanted, one an executor, and the cluster has {len(nodes)}")
    return nodes[:count]


def run_job(cluster):
    vonk, arguments = sys.argv[1], sys.argv[2:]
    nodes = choose_nodes(cluster)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vonk-job."))  # 0700
        secret_file = os.environ["VONK_SECRET_FILE"] = os.path.join(folder, "secret")
        made = subprocess.run([vonk, "cluster", "init", "--secret-file", secret_file], capture_output=True, text=True)
        if made.returncode != 0:
            raise LaunchError(f"no secret could be made: {made.stderr}")
        with open(secret_file, "rb") as file:
            secret = file.read()
        host = os.environ.get("VONK_HOST") or own_address(nodes[0].address)
        url = stack.enter_context(running_master(vonk, host, folder))
        command = [os.path.join(HERE, "run_worker"), vonk, "--master", url]
        if wanted("VONK_EXECUTOR_MIB"):
            command += ["--memory", f"{wanted('VONK_EXECUTOR_MIB')}MiB"]
        workers = stack.enter_context(running_workers(cluster, nodes, command, secret))
        return run_driver(vonk, url, arguments, cluster, workers)


def launch(cluster):
    """Runs the job of the command line (VONK [OPTION OF vonk submit]... JOB [ARGUMENT]...), and exits as it does."""
    try:
        code = run_job(cluster)
    except (LaunchError, OSError, *cluster.errors) as error:
        print(f"vonk: {error}", file=sys.stderr)
        code = 1
    sys.exit(code if code >= 0 else 128 - code)
