"""Limits of the system: a full disk, closed output, few descriptors, no threads, a small stack, little address space, no home."""
import os
import resource
import subprocess

from faults import VONK, check, finish, sql, start

MIB = 1 << 20


def make_data(folder):
    made = sql(["CREATE TABLE big AS SELECT x AS id, x * 7919 % 100003 AS k, 'text ' || x * 31 % 100033 AS s "
                "FROM generate_series(1::bigint, 400000) g(x)"], database=folder)
    check(made.status == 0, f"making data: {made}")


def test_disk_full(folder):
    """A file system of 2 MiB; needs root, without it /dev/full stands in for output."""
    small = os.path.join(folder, "small")
    os.makedirs(small)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], capture_output=True).returncode == 0
    try:
        for name in ("a.parquet", "a.csv", "a.csv.gz") if mounted else ():
            run = sql(f"COPY (SELECT id, k, s || id || k AS s FROM big) TO '{small}/{name}'", database=folder)
            check(run.status == 1 and "No space left" in run.err, f"disk full, {name}: {run}")
            check(not os.listdir(small), f"disk full, {name}: left {os.listdir(small)}")
        if mounted:
            run = sql("CREATE TABLE t AS SELECT x, x * x % 1000003 * 7919 % 999983 AS y FROM generate_series(1::bigint, 3000000) g(x)", database=small)
            check(run.status == 1 and "No space left" in run.err and not os.listdir(small), f"disk full, CREATE TABLE: {run}")
            # the code cache on a full disk: answers all the same
            with open(os.path.join(small, "filler"), "wb") as f:
                try:
                    f.write(b"x" * 3 * MIB)
                except OSError:
                    pass
            run = sql("SELECT sum(k * 3 + id) FROM big WHERE k % 3 = 1", "--set", "jit=on", database=folder,
                      env={"XDG_CACHE_HOME": small})
            check(run.status == 0, f"code cache on a full disk: {run}")
    finally:
        if mounted:
            subprocess.run(["umount", small], check=False)
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = finish(start(["sql", folder, "--format", "csv", "-c", "SELECT * FROM big"], stdout=full))
    check(run.status == 1 and "No space left" in run.err, f"/dev/full: {run}")


def test_closed_output(folder):
    """A reader that goes away is no error to shout about, nor is output that was never open."""
    for form in ("csv", "table", "json"):
        process = start(["sql", folder, "--format", form, "-c", "SELECT * FROM big"], stdout=subprocess.PIPE)
        process.stdout.read(100)
        process.stdout.close()
        run = finish(process, timeout=20)
        check(run.err == "" and run.status != -11, f"reader gone, {form}: {run}")
    run = subprocess.run(f"{VONK} sql {folder} --format csv -c 'SELECT * FROM big' | head -1", shell=True, capture_output=True,
                         text=True, timeout=20)
    check(run.stdout == "id,k,s\n" and run.stderr == "", f"| head -1: {run}")
    run = subprocess.run(f"{VONK} sql {folder} --format csv -c 'SELECT * FROM big' >&-", shell=True, capture_output=True, text=True,
                         timeout=20)
    check(run.returncode == 0 and run.stderr == "", f"closed standard output: {run}")
    run = subprocess.run(f"{VONK} sql {folder} -c 'SELECT 1' 2>&- <&-", shell=True, capture_output=True, text=True, timeout=20)
    check(run.returncode == 0 and "1 row" in run.stdout, f"closed input and error: {run}")


def test_few_descriptors(folder):
    parts = os.path.join(folder, "parts")
    os.makedirs(parts)
    for i in range(60):
        with open(os.path.join(parts, f"p{i:02}.csv"), "w", encoding="utf-8") as f:
            f.write(f"a,b\n{i},{i * i}\n")
    wanted = f"count,sum\n60,{sum(i * i for i in range(60))}\n"
    for limit in (20, 12, 8, 6, 5, 4):
        run = sql("SELECT count(*) AS count, sum(b) AS sum FROM parts", "--threads", "4", database=folder,
                  limits={resource.RLIMIT_NOFILE: limit})
        check(run.out == wanted or run.status == 1 and "Too many open files" in run.err or run.status == 127 and limit < 8,
              f"{limit} descriptors: {run}")
        check(limit < 20 or run.status == 0, f"{limit} descriptors are enough: {run}")
        run = sql("SELECT count(*) FROM big a JOIN big b USING (id)", "--set", "jit=on", database=folder,
                  limits={resource.RLIMIT_NOFILE: limit})
        check(run.status == 0 or run.status in (1, 127) and limit < 20, f"{limit} descriptors, JIT: {run}")


def test_small_stack(folder):
    wanted = sql("SELECT count(*), sum(k) FROM big WHERE k IN (1, 2, 3) OR s LIKE 'text 1%'", database=folder)
    for kib in (128, 256, 512):
        for jit in ("off", "on"):
            run = sql("SELECT count(*), sum(k) FROM big WHERE k IN (1, 2, 3) OR s LIKE 'text 1%'", "--set", f"jit={jit}",
                      database=folder, limits={resource.RLIMIT_STACK: kib << 10})
            check(run.out == wanted.out and run.status == 0 or kib < 256 and not run.crashed, f"stack of {kib} KiB, jit {jit}: {run}")
        deep = "SELECT " + "1+" * 20000 + "1"
        run = sql(deep, limits={resource.RLIMIT_STACK: kib << 10})
        check(run.status == 0 or run.status == 1 and "ERROR" in run.err or kib < 256 and not run.crashed,
              f"stack of {kib} KiB, deep expression: {run}")


def test_address_space(folder):
    """ulimit -v: the system refuses memory that the budget would allow."""
    for mib in (400, 600, 800, 1200):
        for query in ("SELECT count(*) FROM big a JOIN big b USING (s)", "SELECT count(*) FROM (SELECT DISTINCT s, id FROM big) x",
                      "SELECT length(repeat('x', 900000000))"):
            run = sql(query, "--memory", "8GiB", "--threads", "2", "--set", "jit=off", database=folder,
                      limits={resource.RLIMIT_AS: mib * MIB})
            check(run.status == 0 or run.status == 1 and "memory" in run.err or
                  "refused" in run.err or "address space" in run.err, f"{mib} MiB of address space: {query}: {run}")


def test_homes(folder):
    """A home that is missing, read-only, a file or not ours: no disk cache, the right answer, nothing said."""
    query = "SELECT sum(k * 5 + id) FROM big WHERE k % 7 = 1"
    wanted = sql(query, database=folder)
    home = os.path.join(folder, "home")
    os.makedirs(home)
    with open(os.path.join(home, "file"), "w", encoding="utf-8"):
        pass
    os.makedirs(os.path.join(home, "open", "vonk"))
    os.chmod(os.path.join(home, "open", "vonk"), 0o777)
    os.symlink("/etc", os.path.join(home, "link"))
    for env in ({"HOME": "/nonexistent/home", "XDG_CACHE_HOME": ""}, {"HOME": "/proc", "XDG_CACHE_HOME": "/proc/cache"},
                {"XDG_CACHE_HOME": os.path.join(home, "file")}, {"XDG_CACHE_HOME": os.path.join(home, "open")},
                {"XDG_CACHE_HOME": "relative/path", "HOME": ""}, {"XDG_CACHE_HOME": "/" + "x" * 5000, "HOME": ""}):
        run = sql(query, "--set", "jit=on", database=folder, env=env)
        check(run.status == 0 and run.out == wanted.out and run.err == "", f"{str(env)[:80]}: {run}")
    check(not os.listdir(os.path.join(home, "open", "vonk")), "a cache folder that others may write to was used")


def run_all(folder):
    make_data(folder)
    test_disk_full(folder)
    test_closed_output(folder)
    test_few_descriptors(folder)
    test_small_stack(folder)
    test_address_space(folder)
    test_homes(folder)
