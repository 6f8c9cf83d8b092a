"""vonk submit --launcher dask, with a scheduler and three workers on two hosts: loopback's first two addresses."""
import os
import subprocess
import sys

from jobs import check
from launches import PATIENCE, wait_until
from slurm_cluster import free_ports


def test(launches, python):
    if python is None:
        return
    (port,) = free_ports(1)
    folder = os.path.join(launches.folder, "dask")
    os.mkdir(folder)
    env = {"PATH": os.path.dirname(python) + ":" + os.environ["PATH"]}
    processes = []

    def start(*arguments):
        with open(os.path.join(folder, "output"), "ab") as output:
            processes.append(subprocess.Popen([python, "-m", "distributed.cli." + arguments[0], *arguments[1:]], cwd=folder,
                                              env=launches.env(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output))

    try:
        start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.2"):
            start("dask_worker", f"tcp://127.0.0.1:{port}", "--host", host, "--nthreads", "1", "--no-dashboard", "--no-nanny",
                  "--local-directory", folder)

        def said():
            with open(os.path.join(folder, "output"), errors="replace") as output:
                return output.read()

        if check(wait_until(lambda: said().count("Registered to") == 3, PATIENCE), f"Dask's workers have registered: {said()}"):
            launches.test("dask", {**env, "DASK_SCHEDULER_ADDRESS": f"tcp://127.0.0.1:{port}"})
            test_errors(launches, env)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_errors(launches, env):
    code, _, errors = launches.submit("dask", env, "job.c")
    check(code == 1 and "DASK_SCHEDULER_ADDRESS" in errors, f"dask: no scheduler is named: {code} {errors}")
    python = os.path.realpath(sys.executable)
    code, _, errors = launches.submit("dask", {"PATH": os.path.dirname(python) + ":" + os.environ["PATH"]}, "job.c")
    check(code == 1 and "PATH" in errors, f"dask: a Python without Dask: {code} {errors}")
