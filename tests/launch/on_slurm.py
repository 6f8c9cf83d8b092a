"""vonk submit --launcher slurm, and slurm.sbatch, in a Slurm of two nodes."""
import os
import subprocess

from jobs import check, skip
from launches import JOB, LAUNCHERS, PATIENCE, wait_until
from slurm_cluster import SlurmCluster, missing


def queue(slurm):
    return subprocess.run(["squeue", "-h", "-o", "%A"], env=slurm.env, capture_output=True, text=True).stdout.split()


def submit_batch(launches, slurm, meeting):
    """(the number of the job, where its output goes)"""
    output = os.path.join(slurm.folder, f"batch-{os.path.basename(meeting)}")
    done = subprocess.run(["sbatch", "--parsable", "--nodes=2", f"--output={output}", os.path.join(LAUNCHERS, "slurm.sbatch"),
                           JOB, "16", meeting, "0"], env=launches.env(slurm.env), capture_output=True, text=True)
    check(done.returncode == 0, f"sbatch: {done.stderr}")
    return done.stdout.strip(), output


def test_batch(launches, slurm):
    job, output = submit_batch(launches, slurm, launches.meeting(is_open=True))
    check(wait_until(lambda: job not in queue(slurm), PATIENCE), "sbatch: the job ends")
    with open(output) as file:
        said = file.read()
    check(said == "16 tasks, 120, in 2 processes\n", f"sbatch: {said!r}")
    launches.check_nothing_left("sbatch")


def test_cancel(launches, slurm):
    job, output = submit_batch(launches, slurm, launches.meeting(is_open=False))
    check(wait_until(launches.workers_run, PATIENCE), "scancel: two workers run before")
    subprocess.run(["scancel", job], env=slurm.env, check=True)
    check(wait_until(lambda: not queue(slurm), PATIENCE), "scancel: the job leaves the queue")
    launches.check_nothing_left("scancel")


def test(launches):
    if missing():
        skip(f"Slurm: {', '.join(missing())} are missing: tools/setup.sh installs them")
        return
    folder = os.path.join(launches.folder, "slurm")
    os.mkdir(folder)
    with SlurmCluster(folder) as slurm:
        launches.test("slurm", slurm.env)
        test_batch(launches, slurm)
        test_cancel(launches, slurm)
        check(not queue(slurm), "Slurm's queue is empty")
