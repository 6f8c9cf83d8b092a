#!/usr/bin/env python3
"""What an application can do with its key, and that it has no other.

    run_keys.py [STORY]...       VONK_BUILD names another build than build/release

A user's function looks for the cluster's secret in all that its process has, and finds it where it was put on purpose; with the key
that it does find, every call that there is in the IDL is made (cluster_intruder.c).
"""
import base64
import contextlib
import hashlib
import hmac
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cluster import BUILD, PATIENCE, ROOT, VONK, Cluster, a_secret, expect, listening_port, main, other_user, run, wait_for  # noqa: E402
from jobs import write_job  # noqa: E402

# NEEDLES: what is looked for, each byte of it turned, so that the program has none itself.
SCAN = r"""
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
VONK_RECORD(Find, VONK_FIELD(text, what), VONK_FIELD(int8, needle), VONK_FIELD(int8, count));
VONK_RECORD(Line, VONK_FIELD(text, key));

typedef struct Needle { unsigned length; unsigned char bytes[64]; } Needle;
enum { TURN = 0x5a, CHUNK = 1 << 20 };
static const Needle needles[] = {NEEDLES};
enum { NEEDLE_COUNT = sizeof needles / sizeof *needles };

static int64_t count_in(const unsigned char *bytes, size_t length, const Needle *needle)
{
    const unsigned char *at = bytes, *end = bytes + length;
    int64_t found = 0;

    while (length >= needle->length && at <= end - needle->length &&
           (at = memchr(at, needle->bytes[0] ^ TURN, (size_t)(end - at) - needle->length + 1)) != NULL) {
        unsigned i = 1;

        while (i < needle->length && (at[i] ^ TURN) == needle->bytes[i])
            i++;
        found += i == needle->length;
        at++;
    }
    return found;
}

/* Of a file, or of a range of memory, piece by piece, each with the end of the one before. */
static void scan_file(int fd, unsigned long from, unsigned long to, int64_t *found)
{
    enum { END = 63 };
    static unsigned char bytes[END + CHUNK];
    size_t length = 0;
    ssize_t got;

    while (from < to && (got = pread(fd, bytes + length, to - from < CHUNK ? to - from : CHUNK, (off_t)from)) > 0) {
        length += (size_t)got;
        from += (size_t)got;
        for (int i = 0; i < NEEDLE_COUNT; i++)
            found[i] += count_in(bytes, length, &needles[i]);
        if (length > END)
            memmove(bytes, bytes + length - END, END);
        length = length < END ? length : END;
    }
}

static void scan_memory(int64_t *found)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY);
    char line[4352], mode[8];
    unsigned long from, to;

    if (maps == NULL || memory < 0)
        abort();
    while (fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[0] == 'r')
            scan_file(memory, from, to, found);
    close(memory);
    fclose(maps);
}

static void scan_files(int64_t *found)
{
    static const char *const others[] = {"/proc/self/environ", "/proc/self/cmdline"};
    DIR *folder = opendir("/proc/self/fd");
    char path[300];
    int fd;

    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        fd = open(path, O_RDONLY | O_NONBLOCK);
        scan_file(fd, 0, 1 << 24, found);
        close(fd);
    }
    closedir(folder);
    for (int i = 0; i < 2; i++) {
        fd = open(others[i], O_RDONLY);
        scan_file(fd, 0, 1 << 24, found);
        close(fd);
    }
}

/* Thrice: as it is; with each in memory, and in a file that is open. */
static void scan(void (*tell)(void *to, const char *what, int needle, int64_t count), void *to)
{
    static const char *const names[] = {"is there", "was put in memory", "was put in a file"};

    for (int round = 0; round < 3; round++) {
        int64_t found[NEEDLE_COUNT] = {0};
        unsigned char *planted = malloc(sizeof needles);
        char path[] = "/tmp/vonk-planted-XXXXXX";
        int fd = mkstemp(path);
        size_t at = 0;

        unlink(path);
        for (int i = 0; i < NEEDLE_COUNT; i++)
            for (unsigned k = 0; k < needles[i].length; k++)
                planted[at++] = needles[i].bytes[k] ^ (round == 0 ? 0 : TURN);
        if (round == 2 && write(fd, planted, at) != (ssize_t)at)
            abort();
        if (round == 2)
            memset(planted, 0, at);
        if (round < 2)
            scan_memory(found);
        if (round != 1)
            scan_files(found);
        memset(planted, 0, at);
        free(planted);
        close(fd);
        for (int i = 0; i < NEEDLE_COUNT; i++)
            tell(to, names[round], i, found[i]);
    }
}

static void tell_record(void *to, const char *what, int needle, int64_t count)
{
    vonk_emit((VonkOut *)to, &(Find){.what = vonk_text(what), .needle = needle, .count = count});
}

static void tell_line(void *to, const char *what, int needle, int64_t count)
{
    fprintf((FILE *)to, "driver %s,%d,%lld\n", what, needle, (long long)count);
}

static void look(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    (void)task, (void)in;
    scan(tell_record, out);
}

/* What the process was given, which is its to have. */
static void read_key(char *text)
{
    unsigned char bytes[8192];
    ssize_t got = pread(4, bytes, sizeof bytes, 0);

    *text = '\0';
    for (ssize_t i = 0; i < got; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void steal(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    static char text[2 * 8192 + 1];

    (void)task, (void)in;
    read_key(text);
    vonk_emit(out, &(Line){.key = vonk_text(text)});
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    static char text[2 * 8192 + 1];
    VonkRdd *one = vonk_rdd_range(session, 0, 1, 1, 1);

    if (argc > 1 && strcmp(argv[1], "scan") == 0) {
        scan(tell_line, stdout);
        fflush(stdout);
        return vonk_rdd_print_csv(vonk_rdd_flat_map(one, VonkNumber, Find, look));
    }
    read_key(text);
    printf("driver %s\n", text);
    vonk_rdd_print_csv(vonk_rdd_flat_map(one, VonkNumber, Line, steal));
    fflush(stdout);
    for (;;) /* until it is ended: so long its executors are there */
        pause();
}
"""


def expand(secret, info):
    """As cluster/rpc/secret.c derives."""
    prk = hmac.new(b"vonk cluster", secret, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def needles_of_secret(path):
    with open(path, "rb") as f:
        text = f.read().strip()
    return [text[:40], expand(text, b"vonk rpc tls psk 1")]


def needles_of_pair(path):
    """Of the private key and of the secret: as text, and as numbers lie in memory."""
    with open(path) as f:
        parts = dict(re.findall(r"-----BEGIN (PRIVATE KEY|VONK CLUSTER SECRET)-----\n(.*?)\n-----END", f.read(), flags=re.S))
    key, secret = base64.b64decode(parts["PRIVATE KEY"]), base64.b64decode(parts["VONK CLUSTER SECRET"])
    number = key[36:68]  # PKCS #8 of P-256
    text = parts["PRIVATE KEY"].replace("\n", "")[50:90]
    return [number, number[::-1], secret, expand(secret, b"vonk rpc tls psk 1"), text.encode()]


def with_needles(needles):
    lines = ("{%d, {%s}}" % (len(needle), ", ".join(str(byte ^ 0x5a) for byte in needle)) for needle in needles)
    return "#define NEEDLES " + ", ".join(lines) + "\n" + SCAN


@contextlib.contextmanager
def proofs(kind):
    """A file with the proof of that kind, which a cluster is started with, and what must not be found of it."""
    if kind == "secret":
        with a_secret() as path:
            yield path, needles_of_secret(path)
        return
    with tempfile.TemporaryDirectory(prefix="vonk-keys-") as folder:
        run("cluster", "init", "--tls", f"{folder}/keys", "a")
        yield f"{folder}/keys/a.pem", needles_of_pair(f"{folder}/keys/a.pem")


def check_found(text, prefix, what, wanted):
    """The counts of one process: of each needle one that satisfies."""
    found = re.findall(rf"^{prefix}{what},\d+,(\d+)$", text, flags=re.M)
    expect(found and all(map(wanted, map(int, found))), f"{prefix}{what}: {found} in\n{text}")


def check_scan(text, prefix, has_secret):
    if has_secret:  # of what there are several forms, one at least
        found = re.findall(rf"^{prefix}is there,\d+,(\d+)$", text, flags=re.M)
        expect(any(map(int, found)), f"{prefix}: a member has it: {text}")
    else:
        check_found(text, prefix, "is there", lambda count: count == 0)
    check_found(text, prefix, "was put in memory", lambda count: count > 0)
    check_found(text, prefix, "was put in a file", lambda count: count > 0)


def log_of_driver(cluster, driver):
    """Of one that is over."""
    news = next(news for news in cluster.status()["drivers"] if news["id"] == driver)
    with open(news["log"].split(":", 1)[1]) as f:
        return f.read()


def scan_everywhere(kind, extra):
    with proofs(kind) as (proof, needles), Cluster(1, executor=None, cores=1, extra=["--secret-file", proof, *extra]) as cluster:
        job = write_job(cluster.top, "scan.c", with_needles(needles))
        submit = ["submit", "--master", cluster.url, "--set", f"secret_file={proof}"]
        text = run(*submit, job, "scan").stdout
        check_scan(text, "driver ", True)  # where it runs where the person is who has the secret
        check_scan(text, "", False)
        text = log_of_driver(cluster, int(run(*submit, "--deploy-mode", "cluster", "--wait", job, "scan").stdout))
        check_scan(text, "driver ", False)
        check_scan(text, "", False)


def test_no_secret_in_executors():
    scan_everywhere("secret", [])


def test_no_key_pair_in_executors():
    scan_everywhere("pair", [])


def test_no_secret_in_executors_of_another_user():
    with other_user() as user:
        scan_everywhere("secret", ["--run-as", user])


# --- what can be done with an application's key ---

def calls_of(service):
    """Of the IDL, so that no call is forgotten."""
    with open(f"{ROOT}/cluster/idl/cluster.thrift") as f:
        name, base, body = re.search(rf"^service ({service})(?: extends (\w+))? {{(.*?)^}}", f.read(), flags=re.M | re.S).groups()
    own = set(re.findall(r"^  [\w<>]+ (\w+)\(", body, flags=re.M))
    return own | calls_of(base) if base else own


def intrude(key, application, service, address):
    """{call: (SQLSTATE or 'ok' or '-', message)}"""
    done = subprocess.run([f"{BUILD}/cluster_intruder", "--secret-file", key, "--application", str(application), service, address],
                          capture_output=True, text=True, timeout=PATIENCE * 4)
    expect(done.returncode == 0, done.stderr)
    answers = {call: (state, message) for call, state, message in re.findall(r"^(\w+) (\S+) ?(.*)$", done.stdout, flags=re.M)}
    expect(set(answers) == calls_of(service.title()), f"all calls: {answers}")
    return answers


def save_key(folder, name, text):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
        f.write(bytes.fromhex(text))
    return path


def check_refused(answers, who, but=()):
    for call, (state, message) in answers.items():
        if call not in but:
            expect(state == "42501" and message.startswith(f"{who} may not "), f"{call}: {state} {message}")


class Shell:
    """An application that stays."""

    def __init__(self, cluster, proof):
        self.process = subprocess.Popen([VONK, "sql", "--master", cluster.url, "--set", f"secret_file={proof}", "--format", "csv"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self):
        self.process.stdin.write("SELECT sum(i) FROM generate_series(1, 1000) AS t(i);\n")
        self.process.stdin.flush()
        expect([self.process.stdout.readline() for _ in range(2)] == ["sum\n", "500500\n"], "the answer")

    def end(self):
        self.process.stdin.close()
        expect(self.process.wait(PATIENCE) == 0, "it ends as it should")


def steal_keys(cluster, proof, job):
    """Of an application whose driver a worker runs, which goes on: the driver's number, the application's, and the keys of both."""
    driver = int(run("submit", "--master", cluster.url, "--set", f"secret_file={proof}", "--set", "executor_cores=1", "--deploy-mode", "cluster", job).stdout)
    path = f"{cluster.dir}/worker-1/driver-{driver}.log"

    def keys():
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return re.findall(r"^(?:driver )?([0-9a-f]{40,})\n", f.read(), flags=re.M)  # whole lines

    found = wait_for("it tells its keys", lambda: len(keys()) == 2 and keys())
    application = next(application["id"] for application in cluster.status()["applications"] if application["driver"] == driver)
    return driver, application, save_key(cluster.top, "driver.key", found[0]), save_key(cluster.top, "executor.key", found[1])


def intrude_everywhere(kind):
    with proofs(kind) as (proof, needles), Cluster(1, executor=None, cores=2, extra=["--secret-file", proof]) as cluster:
        job = write_job(cluster.top, "steal.c", with_needles(needles))
        driver, own, driver_key, key = steal_keys(cluster, proof, job)
        executors_of_thief = set(cluster.executors())
        shell = Shell(cluster, proof)
        shell.ask()
        other = next(application for application in cluster.status()["applications"] if application["id"] != own)
        victims = set(cluster.executors()) - executors_of_thief
        master = f"127.0.0.1:{cluster.port}"
        # of the executor's: nothing at all of the master's, not even of its own application
        check_refused(intrude(key, own, "master", master), f"driver/{driver}/app/{own}")
        check_refused(intrude(key, other["id"], "master", master), f"driver/{driver}/app/{own}")
        # of its driver's: what is its own, which these calls are not
        theirs = {"register_application", "application_heartbeat", "release_executor", "end_application"}
        answers = intrude(driver_key, other["id"], "master", master)
        check_refused(answers, f"driver/{driver}", but=theirs)
        expect("may not register an application of another process's" in answers["register_application"][1] and
               "does not know" in answers["application_heartbeat"][1] and "does not know" in answers["release_executor"][1], answers)
        # blocks of another application, where workers keep them, and in that application's processes
        keeper = f"127.0.0.1:{listening_port(cluster.keepers()[0])}"
        answers = intrude(key, other["id"], "blocks", keeper)
        check_refused(answers, f"driver/{driver}/app/{own}")
        for thief in (key, driver_key):
            answers = intrude(thief, own, "blocks", keeper)
            expect(answers["fetch"][0] not in ("42501", "58030", "ok"), f"its own, of which there is nothing: {answers}")
            expect(set(state for state, _ in intrude(thief, other["id"], "driver", f"{other['driver_host']}:{other['driver_port']}").values())
                   == {"42501"}, "the other driver")
            for pid in victims:
                answers = intrude(thief, other["id"], "executor", f"127.0.0.1:{listening_port(pid)}")
                expect({state for state, _ in answers.values()} == {"58030"}, f"the other executor: {answers}")
        # with the programs that there are
        failed = run("kill", str(other["id"]), "--master", cluster.url, "--secret-file", key, code=1)
        expect(f"driver/{driver}/app/{own} may not" in failed.stderr, failed.stderr)
        shell.ask()
        expect(victims <= set(cluster.executors()), "and its executors are the same")
        expect(re.search(rf"WARN +rpc: 127.0.0.1:\d+, as driver/{driver}/app/{own}, may not be a worker: refused", cluster.log("master")),
               "the master's log tells")
        shell.end()
        run("kill", str(driver), "--master", cluster.url, "--secret-file", proof)


def test_what_a_key_is_good_for():
    intrude_everywhere("secret")


def test_what_a_certificate_is_good_for():
    intrude_everywhere("pair")


if __name__ == "__main__":
    sys.exit(main(globals()))
