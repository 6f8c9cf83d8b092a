"""Ctrl-C at every kind of operator: the program is gone within 100 ms, with status 130, one line said, and no file left.

On a loaded machine a process waits for its turn; so each kind has several tries, of which the quickest counts, and the 100 ms
are multiplied by what a piece of work takes longer at that moment than its CPU time.
The last test cancels through the library from another thread, at random moments, and asks the session for an answer after each.
"""
import os
import random
import signal
import sys
import threading
import time

from faults import ROOT, check, finish, sql, start

sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from at_work import catches_interrupts  # noqa: E402

TRIES = 3
LIMIT_SECONDS = 0.1
SLOWEST_SECONDS = 1.5  # of all tries, whatever else the machine does

# None ends by itself, nor wants more memory than there is, however long the signal takes: what keeps data keeps some millions of
# rows at first, and then goes through them without end.
QUERIES = {
    "scan": "SELECT count(*) FROM big a, generate_series(1::bigint, 20000) g(x) WHERE a.s LIKE '%7%7' || x % 10 || '%7%'",
    "expression": "SELECT sum(sqrt(abs(sin(x) * cos(x + 1)) + ln(x))) FROM generate_series(1::bigint, 2000000000) g(x)",
    "CSV of one gz, inferred": "SELECT count(*) FROM zipped a, zipped b",
    "CSV of one gz, read": "SELECT sum(length(c1 || c2)) FROM zipped a, generate_series(1::bigint, 1000000) g(x)",
    "join build": "SELECT count(*) FROM generate_series(1::bigint, 100000000000) a(x) JOIN generate_series(1::bigint, 20000000) b(x) ON b.x = a.x * 7 % 20000003",
    "probe blow-up": "SELECT count(*) FROM (SELECT 1 AS k, s FROM big) a JOIN (SELECT 1 AS k, s FROM big) b USING (k) WHERE a.s > b.s",
    "sort": "SELECT count(*) FROM (SELECT x FROM generate_series(1::bigint, 20000000) g(x) ORDER BY x * 7919 % 10000019, -x OFFSET 1) a, "
            "generate_series(1::bigint, 1000000) b(y) WHERE a.x % 7 = y % 5",
    "sort by text": "SELECT count(*) FROM (SELECT a.s FROM big a, generate_series(1::bigint, 15) g(x) ORDER BY a.s DESC OFFSET 1) a, "
                    "generate_series(1::bigint, 1000000) b(y) WHERE length(a.s) + y % 3 = y % 5",
    "group by": "SELECT count(*) FROM (SELECT x * 7919 % 100000007 AS k, count(*) AS n, sum(x) AS s FROM generate_series(1::bigint, 15000000) g(x) GROUP BY 1) y, "
                "generate_series(1::bigint, 1000000) z(z) WHERE k % 7 + n + s % 3 = z % 5",
    "count distinct": "SELECT count(*) FROM (SELECT count(DISTINCT x * 7919 % 100000007) AS n FROM generate_series(1::bigint, 20000000) g(x)) y, "
                      "generate_series(1::bigint, 100000000000) z(z) WHERE n % 7 = z % 5",
    "nested loops": "SELECT count(*) FROM big a JOIN big b ON a.k < b.k OR a.s > b.s",
    "small nested loops": "SELECT count(*) FROM (VALUES (1), (2)) v(a), generate_series(1::bigint, 15000) x(x), generate_series(1::bigint, 15000) y(y), "
                          "generate_series(1::bigint, 15000) z(z) WHERE x * y % 3 = z % 2",
    "generate_series": "SELECT count(*) FROM generate_series(1::bigint, 100000000000) g(x)",
    "rows to nobody": "SELECT * FROM generate_series(1::bigint, 10000000000) g(x)",
    "top-N": "SELECT x FROM generate_series(1::bigint, 10000000000) g(x) ORDER BY x * 7919 % 10000019 LIMIT 100000",
    "set operation": "SELECT count(*) FROM (SELECT x FROM generate_series(1::bigint, 20000000) a(x) EXCEPT SELECT x + 1 FROM generate_series(1::bigint, 20000000) b(x)) c, "
                     "generate_series(1::bigint, 100000000000) z(z) WHERE x % 7 = z % 5",
    "correlated": "SELECT count(*) FROM big a WHERE k < (SELECT count(*) FROM big b WHERE b.k < a.k)",
    "long texts": "SELECT sum(length(replace(repeat('x', 1000000), 'x', repeat('y', 100)))) FROM generate_series(1::bigint, 100000000000) g(x)",
    "one long text": "SELECT count(*) FROM generate_series(1::bigint, 1000000) g(x) WHERE split_part(repeat('x,', 40000000 + x::int), ',', 100000000) > 'a'",
    # rows of one text: to give back a batch of long ones takes its time, too
    "like": "SELECT count(*) FROM (SELECT repeat('ab', 2000000) AS t) a, generate_series(1::bigint, 10000000000) g(x) "
            "WHERE t LIKE '%a%b%a%b%' || (x % 7 + 2)::text || '%a%'",
    "100 joins": "SELECT count(*) FROM generate_series(1::bigint, 10000000000) g(x)" + "".join(
        f" JOIN (SELECT id, k FROM big WHERE id <= 10000) t{i} ON t{i}.id = " + (f"t{i - 1}.k % 10000 + 1" if i else "x % 10000 + 1")
        for i in range(100)),
    "large IN list": "SELECT count(*) FROM generate_series(1::bigint, 10000000000) g(id) WHERE id IN (" +
                     ", ".join(f"{i} + id" for i in range(3000)) + ")",
    "JIT compile": "SELECT " + ", ".join(f"sum(x * {i} + x % {i + 2}), max(x / {i + 1} - x * {i})" for i in range(300)) +
                   " FROM generate_series(1::bigint, 10000000000) g(x)",
    "COPY to Parquet": "COPY (SELECT x, x * 7919 % 10000019 AS y FROM generate_series(1::bigint, 10000000000) g(x)) TO '{out}/a.parquet'",
    "COPY to CSV": "COPY (SELECT x, x * 7919 % 10000019 AS y FROM generate_series(1::bigint, 10000000000) g(x)) TO '{out}/a.csv'",
    "COPY to csv.gz": "COPY (SELECT x, x * 7919 % 10000019 AS y FROM generate_series(1::bigint, 10000000000) g(x)) TO '{out}/a.csv.gz'",
}
MODES = {"JIT compile": ("on",)}


def make_data(folder):
    made = sql(["CREATE TABLE big AS SELECT x AS id, x * 7919 % 1000003 AS k, 'text number ' || x * 31 % 1000033 AS s "
                "FROM generate_series(1::bigint, 500000) g(x)",
                f"COPY (SELECT x AS c1, 'some text ' || x * 7919 % 1000003 AS c2 FROM generate_series(1::bigint, 4000000) g(x)) "
                f"TO '{folder}/zipped.csv.gz'"], database=folder)
    check(made.status == 0, f"making data: {made}")


def slowness():
    """How much longer work takes than its CPU time: 1 on an idle machine."""
    wall, cpu = time.monotonic(), time.process_time()
    while time.process_time() - cpu < 0.03:
        pass
    return max(1.0, (time.monotonic() - wall) / (time.process_time() - cpu))


def cancel_once(folder, query, jit, seconds):
    """(seconds from the signal to the end, as on an idle machine; the run). None when the query ended before."""
    with open("/dev/null", "w", encoding="utf-8") as null:
        process = start(["sql", folder, "--format", "csv", "--threads", "2", "--memory", "2GiB", "--set", f"jit={jit}", "-c", query],
                        stdout=null)
        time.sleep(seconds)
        if process.poll() is not None:
            return None
        while not catches_interrupts(process.pid):  # a slow start
            time.sleep(0.005)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        run = finish(process, timeout=20)
        return (time.monotonic() - sent) / slowness(), run


def test_interrupts(folder):
    rng = random.Random(3)
    out = os.path.join(folder, "out")
    os.makedirs(out)
    for name, query in QUERIES.items():
        query = query.replace("{out}", out)
        for jit in MODES.get(name, ("auto",)):
            times = []
            for number in range(TRIES):
                got = cancel_once(folder, query, jit, 0.1 + 0.3 * number + rng.random() * 0.2)
                if got is None:
                    continue
                times.append(got[0])
                run = got[1]
                check(run.status == 130 and run.err.count("\n") <= 3 and (not run.err or "canceling statement" in run.err), f"Ctrl-C, {name}: {run}")
                check(not os.listdir(out), f"Ctrl-C, {name}: left {os.listdir(out)}")
            check(len(times) >= 2, f"Ctrl-C, {name}: the query is too quick for this test")
            if os.environ.get("FAULTS_VERBOSE"):
                print(f"{name:26} jit {jit}: " + " ".join(f"{t * 1000:.0f}" for t in times) + " ms", flush=True)
            check(min(times, default=9) <= LIMIT_SECONDS and max(times, default=9) <= SLOWEST_SECONDS,
                  f"Ctrl-C, {name}: " + " ".join(f"{t * 1000:.0f}" for t in times) + " ms")


LONG_STATEMENTS = {  # up to 1 MiB: libpg_query's part alone takes up to a second
    "IN list": "SELECT count(*) FROM generate_series(1, 10000000000) g(x) WHERE x IN (" + ", ".join(str(i) for i in range(130000)) + ")",
    "conditions": "SELECT count(*) FROM generate_series(1, 10000000000) g(x) WHERE " +
                  " OR ".join(f"x % {i + 3} = {i}" for i in range(10000)),
    "UNION ALL": " UNION ALL ".join(f"SELECT count(*) FROM generate_series(1, 10000000000) g(x) WHERE x % {i + 3} = 1" for i in range(2000)),
}


def test_long_statements(folder):
    """What is parsed, bound and optimized for long: Ctrl-C leaves libpg_query, which cannot be interrupted, behind, and the rest
    looks. The statements do not end, so no signal is too late."""
    path = os.path.join(folder, "long.sql")
    for name, statement in LONG_STATEMENTS.items():
        with open(path, "w", encoding="utf-8") as f:
            f.write(statement)
        times = []
        for number in range(4 * TRIES):
            process = start(["sql", "-f", path])
            while not catches_interrupts(process.pid):
                time.sleep(0.005)
            time.sleep(0.02 + 0.12 * number)
            sent = time.monotonic()
            process.send_signal(signal.SIGINT)
            run = finish(process, timeout=20)
            times.append((time.monotonic() - sent) / slowness())
            check(run.status == 130 and (not run.err or "canceling statement" in run.err), f"Ctrl-C, long {name}: {run}")
        told = f"Ctrl-C, long {name}: " + " ".join(f"{t * 1000:.0f}" for t in times) + " ms"
        if os.environ.get("FAULTS_VERBOSE"):
            print(told, flush=True)
        check(sorted(times)[3 * TRIES - 1] <= LIMIT_SECONDS and max(times) <= SLOWEST_SECONDS, told)


def test_other_thread(folder):
    """vonk_session_cancel from another thread at random moments; then the session answers, and all memory is back."""
    from vonkpy import Session, VonkError
    import vonkpy
    rng = random.Random(5)
    queries = [q for q in QUERIES.values() if "{out}" not in q]
    slowest = []
    with Session(folder, threads=2, memory="4GiB") as session:
        for number in range(40):
            delay = rng.random() * 0.3
            sent = []

            def cancel(delay=delay, sent=sent):
                time.sleep(delay)
                for _ in range(200):  # a cancel that comes before the query starts is not for it
                    sent.append(time.monotonic())
                    vonkpy.LIB.vonk_session_cancel(session.handle)
                    time.sleep(0.05)
                    if stop.is_set():
                        break
            stop = threading.Event()
            thread = threading.Thread(target=cancel)
            thread.start()
            try:
                session.query(rng.choice(queries))
                ended = True
            except VonkError as error:
                ended = error.sqlstate == "57014"
                slowest.append((time.monotonic() - sent[0]) / slowness() if sent else 0)
            stop.set()
            thread.join()
            check(ended, f"cancel {number}: another error than 57014")
            try:
                check(session.query("SELECT sum(x) FROM generate_series(1::bigint, 1000) g(x)")[1] == [("500500",)], f"answer after cancel {number}")
            except VonkError as error:
                check(False, f"answer after cancel {number}: {error}")
    check(len(slowest) >= 20, f"only {len(slowest)} cancels came in time")
    slowest.sort()
    check(slowest and slowest[len(slowest) // 2] < LIMIT_SECONDS, f"cancel by another thread: median {slowest[len(slowest) // 2]:.3f} s")


def run_all(folder):
    make_data(folder)
    test_interrupts(folder)
    test_long_statements(folder)
    test_other_thread(folder)
