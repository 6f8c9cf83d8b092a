#!/usr/bin/env python3
"""vonk submit --launcher: Vonk's processes under Slurm, Ray and Dask, each a cluster of two nodes on this machine, and the
manifests for Kubernetes.

    run_launch.py [slurm|ray|dask|kubernetes]...

What is not installed, or cannot be, is not run, and is counted as that. The test has a network and processes of its own
where the system lets it (unshare): nothing listens outside of it, and all of it ends with it.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib"), HERE]
from jobs import report, skip
from pyenv import environment
from launches import Launches
import kubernetes_files
import on_dask
import on_ray
import on_slurm

ISOLATED = "VONK_TEST_ISOLATED"
PACKAGES = {"ray": ["ray"], "dask": ["distributed"], "kubernetes": ["kubernetes-validate"]}


def isolate():
    """Goes on in namespaces of its own, where that is allowed. There PyPI is out of reach: what is needed of it is made first."""
    if ISOLATED in os.environ:
        return
    os.environ[ISOLATED] = json.dumps({name: install(name, packages) for name, packages in PACKAGES.items()})
    command = ["unshare", "--map-root-user", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() == 0:
        command.remove("--map-root-user")
    # getaddrinfo(AI_ADDRCONFIG) wants an address beside loopback's, Slurm that this host's name has one
    inside = ["sh", "-c", 'hostname localhost && ip link set lo up && ip address add 192.0.2.1/32 dev lo && exec "$@"', "-"]
    if subprocess.run([*command, *inside, "true"], capture_output=True).returncode == 0:
        os.execvp("unshare", [*command, *inside, sys.executable, *sys.argv])
    print("no namespaces: in those of this machine", flush=True)


def install(name, packages):
    """(the python that has them, why there is none)"""
    try:
        return environment(name, *packages), None
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return None, str(error)


def wants(name):
    return len(sys.argv) == 1 or name in sys.argv


def main():
    isolate()
    pythons = {}
    for name, (pythons[name], problem) in json.loads(os.environ[ISOLATED]).items():
        if problem is not None:
            skip(f"{name}: {problem}")
    folder = tempfile.mkdtemp(prefix="vonk-launch-")
    try:
        launches = Launches(folder)
        launches.test_options()
        if wants("kubernetes"):
            kubernetes_files.test_files(pythons["kubernetes"])
        with on_ray.starting(pythons["ray"] if wants("ray") else None, launches) as ray:  # takes a while: meanwhile the others
            if wants("kubernetes"):
                kubernetes_files.test_commands(launches, pythons["kubernetes"])
            if wants("slurm"):
                on_slurm.test(launches)
            if wants("dask"):
                on_dask.test(launches, pythons["dask"])
            if wants("ray"):
                on_ray.test(launches, ray)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report("launch")


if __name__ == "__main__":
    sys.exit(main())
