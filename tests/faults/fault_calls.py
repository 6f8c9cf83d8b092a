"""The nth write, fsync, rename, open, pread, read, close or pthread_create fails: an error or the right answer, no file left half
written, no temporary file left, the next statement right."""
import os

from faults import build_shim, check, sql

ROWS = 300000
READS = {
    "parquet": "SELECT count(*), sum(k), min(s), max(s) FROM big",
    "csv": "SELECT count(*), sum(k), min(s), max(s) FROM text",
    "csv.gz": "SELECT count(*), sum(k), min(s), max(s) FROM zipped",
    "join": "SELECT count(*) FROM big a JOIN text b ON a.id = b.id",
}
WRITES = {
    "COPY to Parquet": ("COPY (SELECT * FROM big) TO '{path}'", "made.parquet"),
    "COPY to CSV": ("COPY (SELECT * FROM big) TO '{path}'", "made.csv"),
    "COPY to csv.gz": ("COPY (SELECT * FROM big LIMIT 20000) TO '{path}'", "made.csv.gz"),
    "CREATE TABLE AS": ("CREATE TABLE made AS SELECT * FROM big", "made.parquet"),
}
NTHS = (1, 2, 3, 7, 20, 100)
STICKY_NTHS = (1, 3)


def make_data(folder):
    made = sql([f"CREATE TABLE big AS SELECT x AS id, x * 7919 % 100003 AS k, 'text ' || x * 31 % 100033 AS s "
                f"FROM generate_series(1::bigint, {ROWS}) g(x)",
                f"COPY (SELECT * FROM big) TO '{folder}/text.csv'", f"COPY (SELECT * FROM big) TO '{folder}/zipped.csv.gz'"],
               database=folder)
    check(made.status == 0, f"making data: {made}")


def with_fault(shim, folder, fault, statements, **how):
    env = {"LD_PRELOAD": shim, "VONK_FAULT": fault, "VONK_FAULT_UNDER": folder}
    return sql(statements, "--threads", "2", "--set", "jit=off", database=folder, env=env, timeout=60, **how)


def test_reads(shim, folder):
    for name, query in READS.items():
        right = sql(query, database=folder)
        check(right.status == 0, f"{name}: {right}")
        failures = 0
        faults = [f"{call}:{nth}:{error}{sticky}" for call, errors in (("pread", ("EIO", "EINTR", "SHORT")), ("read", ("EIO", "EINTR", "SHORT")),
                                                                      ("open", ("EMFILE", "EACCES"))) for error in errors
                  for nth in NTHS for sticky in ("", ":") if not sticky or nth in STICKY_NTHS and error != "EINTR"]
        for fault in faults:
            run = with_fault(shim, folder, fault, query)
            is_error = run.status == 1 and run.err.startswith("ERROR:") and folder in run.err
            failures += is_error
            harmless = "EINTR" in fault or "SHORT" in fault
            check(run.out == right.out and run.status == 0 or is_error and not harmless, f"{name}, {fault}: {run}")
        check(failures >= 4, f"{name}: only {failures} of the faults were felt")


def test_writes(shim, folder):
    out = os.path.join(folder, "out")
    os.makedirs(out, exist_ok=True)
    for name, (statement, file_name) in WRITES.items():
        is_table = statement.startswith("CREATE")
        path = os.path.join(folder if is_table else out, file_name)
        reading = f"SELECT count(*), sum(k), max(s) FROM \"{path}\""
        statement = statement.replace("{path}", path)
        failures = 0
        faults = [f"{call}:{nth}:{error}{sticky}" for call, errors in (("write", ("ENOSPC", "EIO", "EINTR", "SHORT")), ("fsync", ("EIO", "ENOSPC")),
                                                                      ("rename", ("EIO",)), ("open", ("ENOSPC",)), ("close", ("EIO",)))
                  for error in errors for nth in NTHS for sticky in ("", ":") if not sticky or nth in STICKY_NTHS and error != "EINTR"]
        right = None
        for fault in [None, *faults]:
            if os.path.exists(path):
                os.unlink(path)
            run = with_fault(shim, folder, fault or "none:1:EIO", statement)
            left = [n for n in os.listdir(out) + os.listdir(folder) if ".tmp" in n]
            check(not left, f"{name}, {fault}: left {left}")
            if fault is None:
                right = sql(reading, database=folder)
                check(run.status == 0 and right.status == 0, f"{name}: {run} {right}")
                continue
            failures += run.status != 0
            harmless = "EINTR" in fault or "SHORT" in fault
            check(run.status == 0 or run.status == 1 and run.err.startswith("ERROR:") and not harmless, f"{name}, {fault}: {run}")
            if os.path.exists(path):
                check(sql(reading, database=folder).out == right.out, f"{name}, {fault}: a file that is not whole")
            else:
                check(run.status == 1, f"{name}, {fault}: no file, and no error")
        check(failures >= 6, f"{name}: only {failures} of the faults were felt")
        if os.path.exists(path):
            os.unlink(path)


def test_old_file_stays(shim, folder):
    """A COPY over a file that exists: on failure the old one is there as it was."""
    path = os.path.join(folder, "out", "old.csv")
    check(sql(f"COPY (SELECT 42 AS x) TO '{path}'").status == 0, "writing the old file")
    for fault in ("write:1:ENOSPC:", "fsync:1:EIO", "rename:1:EIO"):
        run = with_fault(shim, folder, fault, f"COPY (SELECT * FROM big) TO '{path}'")
        with open(path, encoding="utf-8") as f:
            check(run.status == 1 and f.read() == "x\n42\n", f"{fault}: the old file is not as it was: {run}")


def test_threads(shim, folder):
    """The system refuses the nth thread: fewer threads, or an error; never a hang."""
    for name, query in READS.items():
        right = sql(query, database=folder)
        for nth in (1, 2, 3, 5):
            for sticky in ("", ":"):
                run = with_fault(shim, folder, f"thread:{nth}:EAGAIN{sticky}", query)
                check(run.status == 0 and run.out == right.out or run.status == 1 and "thread" in run.err,
                      f"{name}, thread {nth}{sticky}: {run}")
    for statement, file_name in WRITES.values():
        path = os.path.join(folder if statement.startswith("CREATE") else os.path.join(folder, "out"), file_name)
        for nth in (1, 2, 4):
            if os.path.exists(path):
                os.unlink(path)
            run = with_fault(shim, folder, f"thread:{nth}:EAGAIN:", statement.replace("{path}", path))
            check(run.status in (0, 1) and os.path.exists(path) == (run.status == 0), f"{statement}, thread {nth}: {run}")
        if os.path.exists(path):
            os.unlink(path)


def run_all(folder):
    shim = build_shim(folder)
    data = os.path.join(folder, "data")
    os.makedirs(data)
    make_data(data)
    test_reads(shim, data)
    test_writes(shim, data)
    test_old_file_stays(shim, data)
    test_threads(shim, data)
