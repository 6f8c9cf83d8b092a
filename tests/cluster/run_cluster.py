#!/usr/bin/env python3
"""The processes of a cluster, for real, on loopback: masters, workers, and programs in the place of executors.

    run_cluster.py [NAME]...     VONK_BUILD names another build than build/release

Processes are ended here at the worst moments; what must hold is that the rest goes on, says what happened, and that
nothing is left: no process, no file, no port. The driver is cluster_driver.c, which does nothing but register.
"""
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cluster import (PATIENCE, ROOT, SLEEPER, VONK, Cluster, expect, is_listening, listening_port, main,  # noqa: E402
                     processes_with, run, starts_most, stop, wait_for)


# --- up and down ---

def test_up_and_down():
    with Cluster(3, cores=5) as cluster:
        status = cluster.status()
        expect(sorted(worker["cores"] for worker in status["workers"]) == [1, 2, 2], f"cores are shared out: {status}")
        expect(all(worker["state"] == "alive" for worker in status["workers"]), status)
        expect(os.stat(cluster.dir).st_mode & 0o777 == 0o700, "the folder is its owner's alone")
        second = run("cluster", "up", "1", "--dir", cluster.dir, code=1)
        expect("is up in" in second.stderr and cluster.url in second.stderr, second.stderr)
        expect("3 workers" in run("status", "--master", cluster.url).stdout, "status in words")


def test_down_twice_and_of_nothing():
    cluster = Cluster(1)
    cluster.close()
    expect("There is no cluster" in run("cluster", "down", "--dir", cluster.dir).stderr, "said")


def test_down_when_some_are_dead():
    with Cluster(3) as cluster:
        cluster.driver("--executors", "3").hears("^news 3")
        for name in ("master", "worker-2"):
            os.kill(cluster.pid_of(name), signal.SIGKILL)


def test_up_over_dead_ones():
    with Cluster(2) as cluster:
        for name in ("master", "worker-1", "worker-2"):
            os.kill(cluster.pid_of(name), signal.SIGKILL)
        wait_for("they are dead", lambda: not processes_with(cluster.dir))
        up = run("cluster", "up", "1", "--dir", cluster.dir, "--memory", "1GiB", env={"VONK_TEST_EXECUTOR": cluster.script})
        cluster.url = up.stdout.strip()
        expect(len(cluster.status()["workers"]) == 1, "a new one")


def test_down_ends_nobody_else():
    """A pid that is another process's by now."""
    with Cluster(1) as cluster:
        bystander = subprocess.Popen(["sleep", "1000"])
        path = os.path.join(cluster.dir, "cluster.state")
        with open(path, "a") as f:
            f.write(f"process worker-2 {bystander.pid} 12345\n")
        run("cluster", "down", "--dir", cluster.dir)
        expect(bystander.poll() is None, "it lives")
        bystander.kill()
        bystander.wait()


def test_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        failed = run("master", "--port", str(taken.getsockname()[1]), code=1)
        expect("in use" in failed.stderr, failed.stderr)


def test_nobody_to_ask():
    with tempfile.TemporaryDirectory() as state:
        for command in (["status"], ["kill", "1"], ["metrics"]):
            failed = run(*command, code=2, env={"XDG_STATE_HOME": state})
            expect("no cluster is up here; --master URL" in failed.stderr, failed.stderr)


def test_no_secret_is_loopback_only():
    failed = run("master", "--host", "0.0.0.0", "--port", "0", code=1)
    expect("only loopback" in failed.stderr, failed.stderr)


# --- executors ---

def seen_by(cluster):
    """All that the executor has noted, the last of which is how large a core file may be: 0."""
    path = os.path.join(cluster.top, "seen")
    text = open(path).read() if os.path.exists(path) else ""
    return text if text.endswith("\n0\n") else None


def test_executor_is_started_as_it_should_be():
    body = f'env > "$(dirname "$0")/seen"; echo "$@" >> "$(dirname "$0")/seen"; ulimit -c >> "$(dirname "$0")/seen"; {SLEEPER}'
    os.environ["VONK_TEST_SECRET"] = "canary"
    try:
        with Cluster(1, body) as cluster:
            driver = cluster.driver("--memory", str(64 << 20))
            driver.hears("^news 1")
            application, executor = driver.application(), wait_for("it runs", lambda: cluster.runs(1))[0]["id"]
            seen = wait_for("it has started", lambda: seen_by(cluster))
            expect("canary" not in seen, "the environment has nothing that is secret")
            folder = f"{cluster.dir}/worker-1/app-{application}"
            wanted = (rf"executor --driver 127.0.0.1:\d+ --executor {executor} --application {application} --host 127.0.0.1 --cores 1 "
                      rf"--memory {64 << 20} --dir {re.escape(folder)}/executor-{executor} --keep-dir {re.escape(folder)}/kept --keep \d+ "
                      r"--keeper-port \d+ --keep-key fd:5$")
            expect(re.search(wanted, seen, flags=re.M), f"arguments: {seen}")
            expect(os.stat(folder).st_mode & 0o777 == 0o700, "its folder is its owner's alone")
            driver.end()
            wait_for("the application's folder is removed", lambda: not os.path.exists(folder))
            wait_for("its executor has ended", lambda: not cluster.executors())
    finally:
        del os.environ["VONK_TEST_SECRET"]


def test_keeper_is_started_again():
    """With the same socket, so that its port stays; and it ends with its worker."""
    with Cluster(1) as cluster:
        def listens_at():
            pids = cluster.keepers()
            found = listening_port(pids[0]) if pids else None
            return (pids[0], found) if found else None
        first, port = wait_for("there is a keeper", listens_at)
        os.kill(first, signal.SIGKILL)
        second, again = wait_for("there is another one", lambda: (listens_at() or (first,))[0] != first and listens_at())
        expect(second != first and again == port, f"its port was {port}, and is {again}")
        os.kill(cluster.pid_of("worker-1"), signal.SIGKILL)
        wait_for("the keeper has ended", lambda: not cluster.keepers())


def test_executor_that_is_killed_is_replaced():
    with Cluster(2) as cluster:
        driver = cluster.driver("--executors", "2")
        wait_for("both have started", lambda: cluster.started(2))
        time.sleep(1.2)  # it has lived long enough: no pause
        victim = next(iter(with_executors(cluster)[1]))
        before = {executor["id"] for executor in wait_for("both run", lambda: cluster.runs(2))}
        started = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        driver.hears(r"^ended \d+ signal 9")
        heard = time.monotonic() - started
        after = wait_for("another one runs", lambda: cluster.runs(2, other_than=before))
        expect(len({executor["id"] for executor in after} - before) == 1, f"one is new: {before}, {after}")
        print(f"    the driver heard after {heard * 1000:.0f} ms, another one ran after {(time.monotonic() - started) * 1000:.0f} ms")


def test_executor_that_dies_again_and_again():
    with Cluster(2, "echo 'the disk is on fire' >&2; exit 3") as cluster:
        started = time.monotonic()
        driver = cluster.driver("--executors", "1")
        driver.hears(r"^ended \d+ exit code 3; its last words: the disk is on fire")
        driver.hears(r"^news 0 \d+ executors in a row ended at once; the last one, on .*: exit code 3; its last words: the disk is on fire")
        time.sleep(2)
        expect(len(driver.said("^ended")) <= starts_most(time.monotonic() - started), f"there are pauses: {driver.text()}")
        cluster.set_executor(SLEEPER)
        driver.hears("^news 1")
        driver.hears("^news 1 $")  # and all is forgiven


def test_memory_limit():
    body = "exec python3 -c 'import time; x = bytearray(300 << 20); time.sleep(1000)'"
    with Cluster(1, body) as cluster:
        driver = cluster.driver("--memory", str(100 << 20))
        driver.hears(r"^ended \d+ it used \d+\.\d MiB of its 100\.0 MiB memory")
        wait_for("the master is told", lambda: "of its 100.0 MiB memory" in cluster.log("master"))


def test_log_is_turned_over():
    body = "i=0; while [ $i -lt 60 ]; do head -c 1000000 /dev/zero | tr '\\0' x; echo; i=$((i + 1)); done; " + SLEEPER
    with Cluster(1, body) as cluster:
        driver = cluster.driver()
        driver.hears("^news 1")
        folder = f"{cluster.dir}/worker-1/app-{driver.application()}"
        name = f"executor-{wait_for('it runs', lambda: cluster.runs(1))[0]['id']}.log"
        wait_for("the log is turned over", lambda: {name, name + ".1", name + ".2"} <= set(os.listdir(folder)))
        wait_for("all is written", lambda: "/sleeper" in " ".join(cluster.executors().values()))
        sizes = [os.path.getsize(os.path.join(folder, file)) for file in os.listdir(folder) if ".log" in file]
        expect(len(sizes) == 3 and sum(sizes) <= 33 << 20, sizes)


def test_what_an_executor_started_ends_with_it():
    with Cluster(1, SLEEPER.replace("exec ", "") + " & sleep 1000 & wait") as cluster:
        driver = cluster.driver()
        driver.hears("^news 1")
        parent = wait_for("it has started", lambda: cluster.children_of("worker-1"))[0]
        group = lambda: [pid for pid in filter(str.isdigit, os.listdir("/proc")) if group_of(pid) == parent]
        wait_for("three processes", lambda: len(group()) == 3)
        os.kill(parent, signal.SIGKILL)
        driver.hears("^ended")
        wait_for("the group has ended", lambda: not group())


def group_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[2]) if fields[0] != "Z" else 0
    except OSError:
        return 0


# --- ends of masters and workers ---

def with_executors(cluster):
    """A worker that has executors (on a busy machine one may have them all), and these."""
    return next((name, children) for name in ("worker-1", "worker-2") if (children := cluster.children_of(name)))


def test_worker_is_killed():
    with Cluster(2, cores=4) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        wait_for("both have started", lambda: cluster.started(2))
        worker, children = with_executors(cluster)
        os.kill(cluster.pid_of(worker), signal.SIGKILL)
        wait_for("its executors end with it", lambda: not any(pid in cluster.executors() for pid in children))
        wait_for("it is given up, and the other one has both", lambda: len(cluster.status()["workers"]) == 1 and cluster.runs(2))
        ended = [past for past in cluster.status()["ended"] if past["kind"] == "worker"]
        expect("silent" in ended[0]["reason"], ended)


def test_worker_is_started_anew():
    with Cluster(1) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        old = cluster.status()["workers"][0]["id"]
        os.kill(cluster.pid_of("worker-1"), signal.SIGKILL)
        wait_for("it is dead", lambda: not cluster.executors())
        worker = cluster.start_worker(1)
        try:
            wait_for("it is used", lambda: cluster.runs(2, not_on=old))
            ended = [past["reason"] for past in cluster.status()["ended"] if past["kind"] == "worker"]
            expect(ended == ["its process was started anew"], f"nobody waits until the old one is silent for too long: {ended}")
        finally:
            stop(worker)


def test_worker_in_a_folder_that_is_taken():
    with Cluster(1) as cluster:
        failed = run("worker", "--master", cluster.url, "--dir", f"{cluster.dir}/worker-1", code=1)
        expect("is another worker's" in failed.stderr, failed.stderr)


def has_open(pid, path):
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}") == path for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:  # it has ended, or has just closed one
        return False


def test_worker_whose_predecessor_is_about_to_go():
    """What a worker had just forked when it was killed still has the folder's lock."""
    with Cluster(1) as cluster:
        folder = f"{cluster.dir}/worker-2"
        os.mkdir(folder)
        with open(f"{folder}/worker.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            worker = cluster.start_worker(2)
            wait_for("it wants the lock", lambda: has_open(worker.pid, os.path.realpath(lock.name)) or worker.poll() is not None)
        try:
            wait_for("it is there", lambda: len(cluster.status()["workers"]) == 2)
        finally:
            stop(worker)


def test_worker_hangs_and_comes_back():
    with Cluster(2, cores=4) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        pid = cluster.pid_of("worker-1")
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_for("it is given up", lambda: len(cluster.status()["workers"]) == 1)
            wait_for("the other one has both", lambda: cluster.runs(2))
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for("it is back", lambda: len(cluster.status()["workers"]) == 2)
        wait_for("what it ran is stopped", lambda: not cluster.children_of("worker-1"))
        expect(len(cluster.running()) == 2, "and nothing else")


def test_master_is_killed_and_started_anew():
    with Cluster(2) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        before = {executor["id"] for executor in wait_for("both run", lambda: cluster.runs(2))}
        application = driver.application()
        pids = wait_for("both have started", lambda: cluster.started(2))
        os.kill(cluster.pid_of("master"), signal.SIGKILL)
        time.sleep(0.5)
        expect(set(cluster.executors()) == pids, "executors go on without a master")
        master = cluster.start_master()
        try:
            wait_for("the workers are back", lambda: is_listening(cluster.port) and len(cluster.status()["workers"]) == 2)
            back = wait_for("the executors are", lambda: cluster.runs(2))
            expect({executor["id"] for executor in back} == before, f"the same executors: {before}, {back}")
            wait_for("the driver is back", lambda: len(driver.said("^application")) == 2)
            expect(driver.application() == application, "the same application")
            time.sleep(1.2)
            os.kill(next(iter(with_executors(cluster)[1])), signal.SIGKILL)
            after = wait_for("one is replaced", lambda: cluster.runs(2, other_than=before))
            expect(max(executor["id"] for executor in after) > max(before), "ids ascend")
            driver.end()
            wait_for("all is over", lambda: not cluster.executors())
        finally:
            stop(master)


def test_driver_is_killed():
    with Cluster(1) as cluster:
        driver = cluster.driver()
        driver.hears("^news 1")
        driver.process.kill()
        wait_for("its application is over", lambda: not cluster.status()["applications"])
        wait_for("its executors too", lambda: not cluster.executors())
        wait_for("and its folders", lambda: not [name for name in os.listdir(f"{cluster.dir}/worker-1") if name.startswith("app-")])


def test_kill():
    with Cluster(1) as cluster:
        driver = cluster.driver()
        driver.hears("^news 1")
        run("kill", str(driver.application()), "--master", cluster.url)
        driver.process.wait(PATIENCE)
        expect(driver.process.returncode == 3, driver.text())
        wait_for("its executors have ended", lambda: not cluster.executors())
        failed = run("kill", "1", "--master", cluster.url, code=1)
        expect("there is no application 1" in failed.stderr, failed.stderr)


def test_drain():
    with Cluster(2, cores=2) as cluster:
        driver = cluster.driver("--executors", "1")
        driver.hears("^news 1")
        worker = wait_for("it runs", lambda: cluster.runs(1))[0]["worker"]
        run("worker", "--master", cluster.url, "--drain", str(worker))
        wait_for("it has moved, and the worker has left", lambda: cluster.runs(1, not_on=worker) and len(cluster.status()["workers"]) == 1)
        wait_for("its process has ended", lambda: len([line for line in processes_with(cluster.dir).values() if " worker " in line]) == 1)


def test_worker_ends_by_a_signal():
    with Cluster(2) as cluster:
        driver = cluster.driver("--executors", "2")
        driver.hears("^news 2")
        os.kill(cluster.pid_of("worker-2"), signal.SIGTERM)
        wait_for("the master was told", lambda: len(cluster.status()["workers"]) == 1)
        wait_for("it is said", lambda: "has ended" in cluster.log("master"))
        expect("silent" not in cluster.log("master"), "it was not found out by its silence")


def test_executor_that_does_not_listen():
    """SIGTERM is nothing to it."""
    with Cluster(1, "trap '' TERM; while :; do sleep 0.1; done") as cluster:
        driver = cluster.driver()
        driver.hears("^news 1")
        driver.end()
        wait_for("it is made to end", lambda: not cluster.children_of("worker-1"))


# --- several applications, secrets ---

def test_two_applications():
    with Cluster(2, cores=4) as cluster:
        first = cluster.driver("--executors", "4")
        first.hears("^news 4")
        second = cluster.driver("--executors", "2")
        second.hears("^news 2")
        first.hears("^news 2 2 of 4 executors: no worker has 1 more core")
        second.end()
        wait_for("the first has all again", lambda: first.said("^news")[-1:] and re.findall("^news .*", first.text(), flags=re.M)[-1] == "news 4 ")


def test_secret():
    top = tempfile.mkdtemp(prefix="vonk-secret-")
    try:
        right, wrong = os.path.join(top, "right"), os.path.join(top, "wrong")
        run("cluster", "init", "--secret-file", right)
        run("cluster", "init", "--secret-file", wrong)
        expect(os.stat(right).st_mode & 0o777 == 0o600, "a secret is its owner's alone")
        run("cluster", "init", "--secret-file", right, code=1)
        with Cluster(1, extra=["--secret-file", right]) as cluster:
            cluster.driver().hears("^news 1")
            expect("1 workers" in run("status", "--master", cluster.url, env={"VONK_SECRET_FILE": right}).stdout, "from the environment")
            failed = run("status", "--master", cluster.url, "--secret-file", wrong, code=1)
            expect("another secret" in failed.stderr, failed.stderr)
            failed = run("status", "--master", cluster.url, code=1)
            expect("it has a secret, and this process has none" in failed.stderr, failed.stderr)
            worker = cluster.start_worker(7, "--secret-file", wrong)
            try:
                wait_for("it says so", lambda: os.path.exists(f"{cluster.dir}/worker-7.log") and "another secret" in cluster.log("worker-7"))
                expect(len(cluster.status()["workers"]) == 1, "it is no member")
            finally:
                stop(worker)
            with open(right) as f:
                secret = f.read().strip()
            for name in ("master", "worker-1"):
                expect(secret not in cluster.log(name), "no secret in a log")
    finally:
        shutil.rmtree(top)


# --- metrics ---

METRIC = re.compile(r'^(vonk_\w+)(\{\w+="(?:[^"\\\n]|\\.)*"(?:,\w+="(?:[^"\\\n]|\\.)*")*\})? (-?[\d.]+)$')


def metrics_of(text):
    """{metric with its labels: number}; what is no line of Prometheus's format is a failure."""
    found, known = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            known.add(line.split()[2])
        if line.startswith("#"):
            continue
        parts = METRIC.match(line)
        expect(parts and parts[1] in known, f"no metric: {line}")
        found[parts[1] + (parts[2] or "")] = float(parts[3])
    return found


def scrape(url, token=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Exporter:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([VONK, "metrics", "--port", "0", *arguments], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)
        expect(self.process.returncode == 0, "it ends well")


def test_metrics():
    with Cluster(2) as cluster:
        cluster.driver("--executors", "2").hears("^news 2")
        wait_for("both run", lambda: cluster.runs(2))
        printed = metrics_of(run("metrics", "--master", cluster.url).stdout)
        expect(printed["vonk_up"] == 1 and printed['vonk_workers{state="alive"}'] == 2 and printed['vonk_executors{state="running"}'] == 2, printed)
        with Exporter("--master", cluster.url) as exporter:
            code, text = scrape(exporter.url)
            expect(code == 200 and metrics_of(text).keys() == printed.keys(), text)
            expect(scrape(exporter.url + "s")[0] == 404, "another path")
            os.kill(cluster.pid_of("master"), signal.SIGKILL)
            wait_for("the master is gone", lambda: not is_listening(cluster.port))
            expect(metrics_of(scrape(exporter.url)[1]) == {"vonk_up": 0}, "that is a metric too")


def test_metrics_of_a_cluster_with_a_secret():
    with tempfile.TemporaryDirectory(prefix="vonk-secret-") as top:
        secret = os.path.join(top, "secret")
        run("cluster", "init", "--secret-file", secret)
        token = run("metrics", "--token", "--secret-file", secret).stdout.strip()
        with Cluster(1, extra=["--secret-file", secret]) as cluster, Exporter("--master", cluster.url, "--secret-file", secret) as exporter:
            expect(scrape(exporter.url)[0] == 401, "without a token")
            expect(scrape(exporter.url, token[:-1] + "x")[0] == 401, "with another one")
            code, text = scrape(exporter.url, token)
            expect(code == 200 and metrics_of(text)["vonk_up"] == 1, text)
            with open(secret) as f:
                expect(f.read().strip() not in token, "a token tells nothing of the secret")


def test_systemd_units():
    """What a unit may do is as narrow as it can be."""
    units = [os.path.join(ROOT, "cluster", "systemd", f"vonk-{name}.service") for name in ("master", "worker")]
    if shutil.which("systemd-analyze") is None:
        print("    there is no systemd-analyze here: the units are not looked at")
        return
    for unit in units:
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=25", unit], capture_output=True, text=True)
        expect(done.returncode == 0, done.stdout[-300:] + done.stderr)


if __name__ == "__main__":
    sys.exit(main(globals()))
