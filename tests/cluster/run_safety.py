#!/usr/bin/env python3
"""What strangers, and what applications themselves, must not be able to do.

    run_safety.py [STORY]...     VONK_BUILD names another build than build/release

Executors that run as a user of their own (this test makes one, as root, and removes it); key pairs, and those that are not taken.
"""
import contextlib
import errno
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from clocks import Clocks  # noqa: E402
from cluster import PATIENCE, ROOT, VONK, Cluster, a_secret, expect, main, other_user, run, skip, stop, wait_for  # noqa: E402
from jobs import write_job  # noqa: E402


# --- executors as another user ---

# Each line says what the function was able to do, which is nothing; the last process leaves its group and its parent.
TRIES = r"""
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
VONK_RECORD(Try, VONK_FIELD(text, what), VONK_FIELD(int8, result));

static int64_t opens(const char *path)
{
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

/* It stays: its child is nobody's stray before it is killed itself. */
static int64_t stray(int stays)
{
    if (fork() != 0)
        return 0;
    setsid();
    if (fork() == 0)
        execlp("sleep", "sleep", "4711", NULL);
    while (stays)
        pause();
    _exit(0);
}

static void tell(VonkOut *out, const char *what, int64_t result)
{
    vonk_emit(out, &(Try){.what = vonk_text(what), .result = result});
}

static void all(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    struct rlimit files, core;
    char path[64];

    (void)task, (void)in;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)getppid());
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    tell(out, "user", getuid());
    tell(out, "becomes root", setuid(0) == 0 ? 0 : -errno);
    tell(out, "reads the secret", opens(SECRET));
    tell(out, "reads the worker's environment", opens(path));
    tell(out, "lists the worker's folder", opens(WORKER));
    tell(out, "kills the worker", kill(getppid(), SIGKILL) == 0 ? 0 : -errno);
    tell(out, "files", files.rlim_max <= 65536 ? 0 : 1);
    tell(out, "core", core.rlim_max == 0 ? 0 : 1);
    tell(out, "leaves its group", stray(0) + stray(1));
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc, (void)argv;
    return vonk_rdd_print_csv(vonk_rdd_flat_map(vonk_rdd_range(session, 0, 1, 1, 1), VonkNumber, Try, all));
}
"""


def uid_of(pid):
    """None: it has ended."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return int(re.search(r"^Uid:\s+(\d+)", f.read(), flags=re.M).group(1))
    except OSError:
        return None


def strays():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as f:
            if f.read() == b"sleep\x004711\x00":
                found.append(pid)
    return found


def test_executors_run_as_another_user():
    with other_user() as user, a_secret() as secret, Cluster(2, executor=None, cores=2, extra=["--secret-file", secret, "--run-as", user]) as cluster:
        uid = pwd.getpwnam(user).pw_uid
        job = write_job(cluster.top, "tries.c", f'#define SECRET "{secret}"\n#define WORKER "{cluster.dir}/worker-1"\n' + TRIES)
        master = ["--master", cluster.url, "--set", f"secret_file={secret}"]
        said = dict(line.split(",") for line in run("submit", *master, job).stdout.splitlines()[1:])
        refused = {name: int(said.pop(name)) for name in list(said) if name.split()[0] in ("becomes", "reads", "lists", "kills")}
        expect(set(refused.values()) <= {-errno.EPERM, -errno.EACCES} and len(refused) == 5, f"what it could do: {refused}")
        expect(said == {"user": str(uid), "files": "0", "core": "0", "leaves its group": "0"}, said)
        wait_for("what has left its group has ended, too", lambda: not strays())
        # a query while executors are killed: what they have kept is theirs, and their worker serves it
        query = "SELECT i % 7 AS k, count(*), sum(i) FROM generate_series(1, 200000) AS t(i) GROUP BY 1 ORDER BY 1"
        wanted = run("sql", "--format", "csv", "-c", query).stdout
        shell = subprocess.Popen([VONK, "sql", *master, "--format", "csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            for _ in range(2):
                shell.stdin.write(query + ";\n")
                shell.stdin.flush()
                for line in wanted.splitlines():
                    expect(shell.stdout.readline() == line + "\n", "the answer")
                # one may be about to be started: it has its folder first, and then its user
                executors = wait_for("both have started", lambda: cluster.started(2))
                expect({uid_of(pid) for pid in executors} == {uid} and {uid_of(pid) for pid in cluster.keepers()} == {0}, "whose processes they are")
                for folder in (os.path.join(top, name) for top, names, _ in os.walk(cluster.dir) for name in names if "app-" in top):
                    with contextlib.suppress(FileNotFoundError):  # of one that was killed: it is removed just now
                        info = os.stat(folder)
                        expect((info.st_uid, info.st_mode & 0o777) == (uid, 0o700), f"{folder} is the user's alone")
                for pid in executors:
                    os.kill(pid, signal.SIGKILL)
        finally:
            shell.stdin.close()
            shell.wait(PATIENCE)
        expect(shell.returncode == 0, "it ends")


def test_other_user_ends_with_the_worker():
    with other_user() as user, Cluster(1, extra=["--run-as", user]) as cluster:
        cluster.driver("--executors", "2").hears("^news 2")
        # the master has ordered them: they may be about to be started, or to become that user's
        wait_for("they are another user's", lambda: len(cluster.executors()) == 2 and
                 {uid_of(pid) for pid in cluster.children_of("worker-1")} == {pwd.getpwnam(user).pw_uid})
        os.kill(cluster.pid_of("worker-1"), signal.SIGKILL)
        wait_for("its executors have ended", lambda: not cluster.executors())


def test_drivers_run_as_another_user():
    with other_user() as user, a_secret() as secret, Cluster(1, executor=None, cores=1, extra=["--secret-file", secret, "--run-as", user]) as cluster:
        job = write_job(cluster.top, "tries.c", f'#define SECRET "{secret}"\n#define WORKER "{cluster.dir}/worker-1"\n' + TRIES)
        with open(os.path.join(cluster.top, "words.txt"), "w") as f:
            f.write("a b a\n")
        submit = ["submit", "--master", cluster.url, "--set", f"secret_file={secret}", "--deploy-mode", "cluster", "--wait"]
        driver = int(run(*submit, "--files", f"{cluster.top}/words.txt", f"{ROOT}/examples/word_count.c", "words.txt").stdout)
        news = next(news for news in cluster.status()["drivers"] if news["id"] == driver)
        with open(news["log"].split(":", 1)[1]) as log:
            text = log.read()
        expect("a,2\nb,1" in text and os.stat(log.name).st_uid == 0, f"its output is in its log: {text}")
        driver = int(run(*submit, job).stdout)
        with open(cluster.dir + f"/worker-1/driver-{driver}.log") as log:
            expect(f"reads the secret,{-errno.EACCES}" in log.read(), "nor do its executors read the secret's file")


def test_run_as_what_cannot_be():
    with Cluster(1) as cluster:
        worker = ["worker", "--master", cluster.url]
        failed = run(*worker, "--dir", f"{cluster.top}/w", "--run-as", "nobody-of-that-name", code=1)
        expect('there is no user "nobody-of-that-name" for executors' in failed.stderr and "useradd" in failed.stderr, failed.stderr)
        with other_user() as user:
            failed = run(*worker, "--dir", f"{cluster.top}/w", "--run-as", user, code=1)  # below a folder of 0700
            expect(f'user "{user}" does not come to the folder' in failed.stderr and "chmod o+x" in failed.stderr, failed.stderr)
            os.chmod(cluster.top, 0o755)
            with tempfile.TemporaryDirectory(prefix="vonk-nobody-") as folder:
                os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
                failed = run(*worker, "--dir", f"{folder}/w", "--run-as", user, code=1, user="nobody")
            expect(f'cannot run as user "{user}": this worker has not the right' in failed.stderr and "as root" in failed.stderr, failed.stderr)


# --- a key pair for each node ---

def test_key_pairs():
    with tempfile.TemporaryDirectory(prefix="vonk-keys-") as folder:
        keys, strange = os.path.join(folder, "keys"), os.path.join(folder, "strange")
        run("cluster", "init", "--tls", keys, "a", "b")
        run("cluster", "init", "--tls", keys, "me")  # later, by the same authority
        run("cluster", "init", "--tls", strange, "a")
        run("cluster", "init", "--secret-file", f"{folder}/secret")
        expect("--tls DIR NODE" in run("cluster", "init", "--tls", keys, code=2).stderr, "which nodes?")
        expect({os.stat(os.path.join(keys, name)).st_mode & 0o777 for name in os.listdir(keys)} == {0o600}, "its owner's alone")
        with Cluster(1, executor=None, cores=1, extra=["--secret-file", f"{keys}/a.pem"]) as cluster:
            more = cluster.start_worker(2, "--secret-file", f"{keys}/b.pem")
            other = cluster.start_worker(3, "--secret-file", f"{strange}/a.pem")
            try:
                wait_for("the other node is there", lambda: len(cluster.status()["workers"]) == 2)
                query = "SELECT i % 7 AS k, count(*), sum(i) FROM generate_series(1, 200000) AS t(i) GROUP BY 1 ORDER BY 1"
                answer = run("sql", "--master", cluster.url, "--set", f"secret_file={keys}/me.pem", "--format", "csv", "-c", query).stdout
                expect(answer == run("sql", "--format", "csv", "-c", query).stdout, answer)
                wait_for("who is refused says so", lambda: "its key pair is another cluster's" in cluster.log("worker-3"))
                wait_for("and who refuses, too", lambda: "does not take our key pair" in cluster.log("master"))
                for file, wanted in ((f"{strange}/a.pem", "its key pair is another cluster's"), (f"{keys}/ca.pem", "is the authority's file"),
                                     (f"{folder}/secret", "it has a key pair, and this process has a secret")):
                    failed = run("status", "--master", cluster.url, "--secret-file", file, code=1)
                    expect(wanted in failed.stderr, failed.stderr)
                expect("it has a key pair, and this process has none" in run("status", "--master", cluster.url, code=1).stderr, "nothing")
                os.chmod(f"{keys}/me.pem", 0o644)
                failed = run("status", "--master", cluster.url, "--secret-file", f"{keys}/me.pem", code=1)
                expect("chmod 600" in failed.stderr, failed.stderr)
            finally:
                stop(more)
                stop(other)


def test_key_pairs_expire():
    """Seen by who has one, and, where its clock is behind, by who is shown it."""
    with tempfile.TemporaryDirectory(prefix="vonk-keys-") as folder:
        clocks = Clocks(folder)
        then = clocks.environment("then")
        clocks.turn("then", -400)
        run("cluster", "init", "--tls", f"{folder}/keys", "a", env=then)
        run("cluster", "init", "--tls", f"{folder}/keys", "--days", "30", "old", env=then)
        with Cluster(1, extra=["--secret-file", f"{folder}/keys/a.pem"]) as cluster:
            ask = ["status", "--master", cluster.url, "--secret-file", f"{folder}/keys/old.pem"]
            failed = run(*ask, code=1)
            expect('the certificate of "old" in' in failed.stderr and "has expired" in failed.stderr, failed.stderr)
            clocks.turn("then", -390)
            failed = run(*ask, code=1, env=then)
            expect("it does not take our key pair" in failed.stderr and "expired" in failed.stderr, failed.stderr)
            wait_for("the master says so", lambda: "its key pair has expired" in cluster.log("master"))
            clocks.turn("then", -450)
            failed = run(*ask, code=1, env=then)
            expect("is not valid yet: is the clock right?" in failed.stderr, failed.stderr)


QUERY = "SELECT i % 7 AS k, count(*), sum(i) FROM generate_series(1, 200000) AS t(i) GROUP BY 1 ORDER BY 1"


def test_node_is_shut_out():
    """One of two workers, in the middle of its life: nobody speaks to it any more, and the other one goes on."""
    with tempfile.TemporaryDirectory(prefix="vonk-keys-") as folder:
        keys, theirs = f"{folder}/keys", f"{folder}/theirs"
        run("cluster", "init", "--tls", keys, "a", "b", "c")
        os.mkdir(theirs, 0o700)
        os.rename(f"{keys}/b.pem", f"{theirs}/b.pem")  # on its own machine, without the list
        with Cluster(1, executor=None, cores=1, extra=["--secret-file", f"{keys}/a.pem"]) as cluster:
            other = cluster.start_worker(2, "--secret-file", f"{theirs}/b.pem")
            query = ["sql", "--master", cluster.url, "--format", "csv", "-c", QUERY, "--set"]
            answer = run("sql", "--format", "csv", "-c", QUERY).stdout
            try:
                wait_for("both are there", lambda: len(cluster.status()["workers"]) == 2)
                expect(run(*query, f"secret_file={keys}/c.pem").stdout == answer, "with both")
                expect('names node b now' in run("cluster", "init", "--tls", keys, "--revoke", "b").stderr, "it says so")
                said = run("cluster", "init", "--tls", keys, "--revoke", "bb").stderr
                expect("names node bb now" in said and "No bb.pem is in" in said, said)
                wait_for("its connection is cut", lambda: re.search("the node of 127.0.0.1:[0-9]+ is shut out", cluster.log("master")))
                wait_for("and it gets no other", lambda: "its node is shut out" in cluster.log("master"))
                wait_for("which it says, too", lambda: "it does not take our key pair" in cluster.log("worker-2"))
                wait_for("it is given up", lambda: len(cluster.status()["workers"]) == 1)
                failed = run("status", "--master", cluster.url, "--secret-file", f"{theirs}/b.pem", code=1)
                expect("it does not take our key pair" in failed.stderr and "revoked" in failed.stderr, failed.stderr)
                expect(run(*query, f"secret_file={keys}/c.pem").stdout == answer, "without it")
            finally:
                stop(other)


def test_nodes_where_they_say():
    """A node at another address than its own is not believed to be it; on loopback, whose it is does not matter."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        skip("a network of its own needs root, ip and unshare")
    with tempfile.TemporaryDirectory(prefix="vonk-keys-") as folder:
        run("cluster", "init", "--tls", f"{folder}/keys", "a=10.71.0.1,a.example", "b=10.71.0.2", "c=*", "10.71.0.1")
        for bad in ("d=", "d=a b", "d=x:y:z", "d=1,,2"):
            failed = run("cluster", "init", "--tls", f"{folder}/keys", bad, code=1)
            expect("is no node with its addresses" in failed.stderr, failed.stderr)
        ask = f'"$0" status --master vonk://10.71.0.1:7071 --secret-file {folder}/keys/c.pem'
        wanted = {"a": "ok", "b": "its key pair is of a node that is elsewhere", "c": "ok", "10.71.0.1": "ok"}
        script = "ip link set lo up; ip address add 10.71.0.1/32 dev lo\n" + "".join(
            f'"$0" master --host 10.71.0.1 --port 7071 --secret-file {folder}/keys/{node}.pem > {folder}/{node}.log 2>&1 & master=$!\n'
            f'while ! grep -qs "answers at" {folder}/{node}.log; do kill -0 $master || exit 1; done\n'
            f"echo {node}; {ask} 2>&1; kill $master; wait $master\n" for node in wanted)
        said = subprocess.run(["unshare", "-n", "sh", "-c", script, VONK], capture_output=True, text=True, timeout=PATIENCE * 4)
        parts = dict(zip(wanted, re.split(r"^(?:%s)$" % "|".join(wanted), said.stdout, flags=re.M)[1:]))
        for node, text in wanted.items():
            expect((text in parts[node] and "NODE=ADDRESS" in parts[node]) if text != "ok" else "worker" in parts[node], f"{node}: {said}")


if __name__ == "__main__":
    sys.exit(main(globals()))
