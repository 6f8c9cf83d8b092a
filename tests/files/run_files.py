#!/usr/bin/env python3
"""Files as users have them: CSV dialects beside DuckDB, compressed and damaged files, folders, catalogs, COPY and faults.

    tests/files/run_files.py [NAME]...       the program is $VONK_BUILD/vonk, by default build/release/vonk

Functions named test_* run in a folder of their own; what they say to check() is counted.
"""
import csv
import gzip
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import postgres  # noqa: E402
import pyenv  # noqa: E402
from written import wait_for_bytes  # noqa: E402

VONK = os.path.join(os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release")), "vonk")
PATIENCE = 60
passed = failed = 0


def check(what, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"not ok: {what}\n    {detail}", flush=True)


def vonk(*arguments, stdin=None, **more):
    done = subprocess.run([VONK, "sql", *arguments], input=stdin, capture_output=True, timeout=PATIENCE, **more)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def rows(sql, *arguments):
    """The rows as csv prints them, the header left out; or the error."""
    status, out, err = vonk(*arguments, "--format", "csv", "-c", sql)
    return out.split("\n", 1)[1] if status == 0 and "\n" in out else err


def same(what, sql, wanted, *arguments):
    got = rows(sql, *arguments)
    check(what, got == wanted, f"{sql}\n    wanted {wanted!r}\n    got    {got!r}")


def fails(what, sql, *parts, arguments=()):
    status, out, err = vonk(*arguments, "--format", "csv", "-c", sql)
    check(what, status == 1 and all(part in err for part in parts), f"{sql}\n    {status} {out[:200]!r} {err!r}")


def write(path, content):
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


# --- inference, beside DuckDB ---

def matrix():
    """Small files of every mixture of delimiter, quotes, newlines, header and columns, with their values."""
    columns = [("n", ["1", "-20", "300"]), ("x", ["1.5", "2", "-0.25"]), ("t", ["plain", "two words", "déjà vu"]),
               ("q", ["a,b;c|d\te", 'say "hi"', "two\nlines"]), ("d", ["2024-01-31", "1999-12-31", "2000-02-29"]),
               ("ts", ["2024-01-31 10:00:00", "1999-12-31 23:59:59.5", "2000-02-29 00:00:00"]),
               ("b", ["true", "false", "true"]), ("e", ["", "7", ""]), ("z", ["007", "01234", "99999"])]
    chooser = random.Random(7)
    for number in range(120):
        delimiter = ",;\t|"[number % 4]
        chosen = chooser.sample(columns, chooser.randint(2, 6))
        quoting = csv.QUOTE_ALL if number % 5 == 0 else csv.QUOTE_MINIMAL
        newline = "\r\n" if number % 3 == 0 else "\n"
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=newline)
        writer.writerow([name for name, _ in chosen])
        for row in range(30):
            writer.writerow([values[row % 3] for _, values in chosen])
        content = text.getvalue()
        if number % 7 == 0:
            content = content.rstrip("\r\n")
        if number % 11 == 0:
            content = "\ufeff" + content
        yield f"m{number}.csv", content


def test_matrix_as_duckdb():
    import duckdb
    connection = duckdb.connect()
    names = [write(name, content) for name, content in matrix()]
    script = "".join(f"COPY (SELECT * FROM read_csv('{name}')) TO 'o{name}.parquet';\n" for name in names)
    status, _, err = vonk("-f", "/dev/stdin", stdin=script.encode())
    check("matrix reads", status == 0, err)
    for name in names if status == 0 else []:
        # an empty quoted text is NULL for DuckDB
        ours = connection.execute(f"SELECT * FROM 'o{name}.parquet'")
        our_names, ours = [d[0] for d in ours.description], ours.fetchall()
        theirs = connection.execute(f"SELECT * FROM read_csv('{name}')")
        their_names, theirs = [d[0] for d in theirs.description], theirs.fetchall()
        check(name, (our_names, ours) == (their_names, theirs), f"{ours[:2]} {theirs[:2]}")


def test_real_looking_files():
    write("bank.csv", "Konto;DE12 3456\nZeitraum;01.01.2024 - 31.01.2024\n\n"
          'Buchung;Betrag;Text\n02.01.2024;"-12,50";"Miete; Januar"\n31.01.2024;"1.000,00";Lohn\n')
    same("bank", "SELECT * FROM read_csv('bank.csv')",
         '2024-01-02,"-12,50",Miete; Januar\n2024-01-31,"1.000,00",Lohn\n')
    write("sensor.csv", "# station 7\n# unit: C\ntime,temp,ok\n2024-01-01T00:00:00Z,1.5,t\n"
          "2024-01-01T00:00:10.250Z,nan,f\n2024-01-01T00:00:20Z,-3e-1,t\n")
    same("sensor", "SELECT time, temp, ok FROM read_csv('sensor.csv')",
         "2024-01-01 00:00:00,1.5,true\n2024-01-01 00:00:10.25,NaN,false\n2024-01-01 00:00:20,-0.3,true\n")
    write("access.log", '1.2.3.4\t[01/Jan/2024:00:00:01]\t"GET /a?x=1,2 HTTP/1.1"\t200\t12\n'
          '1.2.3.5\t[01/Jan/2024:00:00:02]\t"GET /\tb HTTP/1.1"\t404\t0\n')
    same("log", "SELECT column2, column3 FROM read_csv('access.log') WHERE column3 = 404", "GET /\tb HTTP/1.1,404\n")
    write("titanic.csv", 'PassengerId,Name,Age\n1,"Braund, Mr. Owen",22\n2,"Cumings, Mrs. (""Flo"")",38\n3,"X",\n')
    same("titanic", "SELECT Name, age FROM \"titanic.csv\" t WHERE t.PassengerId >= 2",
         '"Cumings, Mrs. (""Flo"")",38\nX,\n')


def test_broken_promise():
    lines = ["id,amount"] + [f"{i},{i}" for i in range(300000)]
    lines[180001] = "180000,n/a"
    write("late.csv", "\n".join(lines) + "\n")
    fails("late text", "SELECT sum(amount) FROM read_csv('late.csv')", 'late.csv", line 180002, column "amount"',
          'type bigint: "n/a"', "types = '\"amount\" text'", "sample_size = -1", "ignore_errors")
    same("another column", "SELECT sum(id) FROM read_csv('late.csv')", "44999850000\n")
    same("types", "SELECT count(*) FROM read_csv('late.csv', types = 'amount text') WHERE amount = 'n/a'", "1\n")
    same("the whole sample", "SELECT count(*) FROM read_csv('late.csv', sample_size = -1) WHERE amount = 'n/a'", "1\n")
    for what in ("count(*)", "count(id)", "count(amount)"):
        same("ignore_errors", f"SELECT {what} FROM read_csv('late.csv', ignore_errors = true)", "299999\n")


def test_options():
    write("a.csv", "a,b\n1,2\n")
    fails("unknown", "SELECT * FROM read_csv('a.csv', delimeter = ';')", 'Did you mean "delimiter"?', "skip")
    fails("wrong value", "SELECT * FROM read_csv('a.csv', header = 7)", "wanted: true or false")
    fails("column", "SELECT c FROM read_csv('a.csv')", 'column "c" does not exist')
    same("arrow", "SELECT * FROM read_csv('a.csv', all_varchar => true, header => false)", "a,b\n1,2\n")


# --- compression, damage, pipes ---

def test_compressed():
    text = "a,b\n" + "".join(f"{i},\"text\n{i}\"\n" for i in range(20000))
    write("p.csv", text)
    whole = gzip.compress(text.encode())
    write("one.csv.gz", whole)
    write("many.csv.gz", b"".join(gzip.compress(text.encode()[i:i + 10000]) for i in range(0, len(text), 10000)))
    shutil.copy("one.csv.gz", "hidden.csv")
    subprocess.run([VONK, "sql", "-c", "COPY (SELECT * FROM 'p.csv') TO 'z.csv.zst'".replace("'p.csv'", '"p.csv"')], check=True)
    question = "SELECT count(*), sum(a), min(b), max(b) FROM read_csv('{}')"
    wanted = rows(question.format("p.csv"))
    for name in ("one.csv.gz", "many.csv.gz", "hidden.csv", "z.csv.zst"):
        same(name, question.format(name), wanted)
    write("cut.csv.gz", whole[:-2000])
    fails("cut", question.format("cut.csv.gz"), "cut.csv.gz", "ends in the middle of compressed data")
    write("crc.csv.gz", whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    fails("crc", question.format("crc.csv.gz"), "damaged gzip data: incorrect data check")
    write("tail.csv.gz", whole + b"garbage")
    fails("garbage behind", question.format("tail.csv.gz"), "damaged gzip data")
    write("no.csv.gz", b"a,b\n1,2\n")
    fails("not gzip", question.format("no.csv.gz"), "damaged gzip data")
    write("empty.csv.gz", b"")
    same("empty gz", "SELECT count(*) FROM read_csv('empty.csv.gz')", "0\n")
    same("empty gz with columns", "SELECT count(*), count(b), sum(a) FROM read_csv('empty.csv.gz', columns = 'a int, b text')", "0,0,\n")


def test_pipes():
    text = "a,b\n" + "".join(f"{i},x\n" for i in range(100000))
    for data in (text.encode(), gzip.compress(text.encode())):
        status, out, err = vonk("--format", "csv", "-c", "SELECT count(*), sum(a) FROM read_csv('/dev/stdin')", stdin=data)
        check("pipe", (status, out) == (0, "count,sum\n100000,4999950000\n"), err)
    with open(write("f.csv", text)) as file:
        done = subprocess.run([VONK, "sql", "--format", "csv", "-c", "SELECT count(*) FROM read_csv('/dev/stdin')"],
                              stdin=file, capture_output=True, text=True, timeout=PATIENCE)
    check("redirect", done.stdout == "count\n100000\n", done.stderr)
    fails("no file", "SELECT * FROM read_csv('/dev/null')", "is not a regular file")


def test_huge_field():
    write("huge.csv", 'a,b\n1,"' + "x\n" * 5_000_000 + '"\n2,y\n')
    same("10 MB", "SELECT a, length(b) FROM read_csv('huge.csv')", "1,10000000\n2,1\n")


def test_first_rows_come_at_once():
    with open("big.csv", "w") as file:
        file.write("a,b,c\n" + "1,some text that fills the file,2.5\n" * 100)
        file.seek(20 << 30)  # a file with a hole: reading it all would take minutes
        file.write("\n")
    start = time.monotonic()
    same("limit", "SELECT * FROM read_csv('big.csv') LIMIT 2", "1,some text that fills the file,2.5\n" * 2)
    check("in time", time.monotonic() - start < 20, f"{time.monotonic() - start} s")


# --- the same answer however it is cut ---

def test_threads():
    chooser = random.Random(3)
    with open("t.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "note", "x"])
        for i in range(150000):
            writer.writerow([i, chooser.choice(['a "quoted" word', "two\nlines,\n\n", "plain", "", "x" * 60]), i / 7])
    question = "SELECT count(*), sum(id), sum(x), sum(length(note)), min(note), max(x) FROM read_csv('t.csv')"
    ordered = "SELECT id, note FROM read_csv('t.csv') WHERE id % 10007 = 3"
    wanted = [rows(q, "--threads", "1") for q in (question, ordered)]
    check("rows", wanted[0].startswith("150000,11249925000,"), wanted[0])
    for threads in ("2", "8"):
        for q, want in zip((question, ordered), wanted):
            same(f"{threads} threads", q, want, "--threads", threads)


# --- many files ---

def test_folders():
    for year in (2023, 2024):
        for month in (1, 2):
            write(f"sales/year={year}/month={month}/p.csv", f"amount\n{year * 100 + month}\n")
    write("sales/_SUCCESS", "")
    write("sales/.hidden.csv", "other\n1\n")
    write("sales/year=2023/notes.txt", "no data")
    os.symlink("..", "sales/year=2024/loop")
    same("folder", "SELECT * FROM sales ORDER BY 1", "202301,2023,1\n202302,2023,2\n202401,2024,1\n202402,2024,2\n", ".")
    os.unlink("sales/year=2024/loop")
    same("pruned", "SELECT amount FROM sales WHERE year = 2024 AND month = 2", "202402\n", ".")
    for glob, wanted in (("sales/**/*.csv", 4), ("sales/year=2024/**", 2), ("sales/year=202[4]/*/p.csv", 2),
                         ("sales/year={2023,2024}/month=1/*.csv", 2), ("sales/*", 4), ("sales/*/month=?/*", 4)):
        same(glob, f"SELECT count(*) FROM read_csv('{glob}')", f"{wanted}\n")
    fails("nothing", "SELECT * FROM read_csv('sales/**/*.tsv')", 'no file matches "sales/**/*.tsv"')
    write("dir.parquet/x.csv", "a\n1\n")
    long = "long" * 30  # past the 63 bytes of a PostgreSQL name
    write(f"{long}/{long} é.csv", "a,b\n1,2\n")
    for quoted in (f'"{long}/{long} é.csv"', f"'{long}/{long} é.csv'"):
        same("a long path", f"SELECT t.b, x.a FROM {quoted} t JOIN {quoted} x USING (a), {quoted} y WHERE y.b = 2", "2,1\n")
    same("as DuckDB has it", "SELECT trim('x' FROM 'xax') FROM 'dir.parquet/x.csv'", "a\n", ".")
    same("in a view", "CREATE VIEW quoted AS SELECT * FROM 'dir.parquet/x.csv'; SELECT * FROM quoted", "1\n", ".")
    fails("no file", "SELECT 1 FROM a, 'it''s.csv'", "syntax error")
    same("a folder that looks like a file", "SELECT * FROM \"dir.parquet\"", "1\n", ".")
    vonk("-c", "COPY (SELECT 1 AS a) TO 'dir.parquet/y.parquet'")
    fails("mixed formats", "SELECT * FROM \"dir.parquet\"", "different formats", arguments=["."])
    write("old/1.csv", "a,b\n1,2\n")
    write("old/2.csv", "b,a\n4,3\n")
    same("order of columns", "SELECT a, b FROM old ORDER BY a", "1,2\n3,4\n", ".")
    write("old/3.csv", "a,c\n5,6\n")
    fails("other columns", "SELECT * FROM old", "old/1.csv", 'no column "c"', "old/3.csv", "union_by_name",
          arguments=["."])
    same("by name", "SELECT a, b, c FROM read_csv('old/*.csv', union_by_name = true) ORDER BY a", "1,2,\n3,4,\n5,,6\n")


def test_many_small_files():
    for i in range(2000):
        write(f"small/{i:04}.csv", f"a,b\n{i},x\n")
    same("2,000 files", "SELECT count(*), sum(a) FROM small", "2000,1999000\n", ".")


# --- the catalog ---

def test_catalog():
    write("Titanic.CSV", "PassengerId\n1\n")
    write("odd name.csv", "x\n1\n")
    write("two.csv", "x\n1\n")
    vonk("-c", "COPY (SELECT 1 AS x) TO 'two.parquet'")
    same("folded", "SELECT * FROM titanic", "1\n", ".")
    same("quoted", 'SELECT passengerid FROM "Titanic"', "1\n", ".")
    same("joined", "SELECT count(*) FROM titanic a JOIN titanic b USING (PassengerId) GROUP BY a.passengerID", "1\n", ".")
    same("blank", 'SELECT * FROM "odd name"', "1\n", ".")
    fails("two of a name", "SELECT * FROM two", "ambiguous", "two.csv", "two.parquet", arguments=["."])
    fails("near", "SELECT * FROM titanix", 'Perhaps you meant the table "Titanic"', arguments=["."])
    for name in ("../evil", "a/b", "..", ".hidden"):
        fails(name, f'CREATE TABLE "{name}" AS SELECT 1 AS x', "invalid name", arguments=["."])
    check("nothing escaped", not os.path.exists("../evil.parquet"))
    check("create", vonk(".", "-c", "CREATE TABLE made AS SELECT 7 AS x")[0] == 0)
    same("another process", "SELECT * FROM made", "7\n", ".")
    fails("again", "CREATE TABLE made AS SELECT 8 AS x", "already exists", arguments=["."])
    check("if not exists", vonk(".", "-c", "CREATE TABLE IF NOT EXISTS made AS SELECT 8 AS x")[0] == 0)
    same("still", "SELECT * FROM made", "7\n", ".")
    fails("drop as view", "DROP VIEW made", "is not a view", arguments=["."])
    check("drop", vonk(".", "-c", "DROP TABLE made")[0] == 0 and not os.path.exists("made.parquet"))
    check("drop if exists", vonk(".", "-c", "DROP TABLE IF EXISTS made")[0] == 0)
    same("a view of this session", "CREATE TEMP VIEW seen AS SELECT 9 AS x; SELECT * FROM seen", "9\n", ".")
    check("not kept", not os.path.exists("seen.view.sql"))
    fails("dropped", "SELECT * FROM made", "does not exist", arguments=["."])
    write("sub/a.csv", "x\n1\n")
    write("sub/b.csv", "x\n2\n")
    same("a glob as DATABASE", "SELECT count(*) FROM sub", "2\n", "sub/*.csv")


def test_changes_are_seen():
    write("c.csv", "a\n1\n")
    process = subprocess.Popen([VONK, "sql", ".", "--format", "csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    process.stdin.write("SELECT a FROM c;\n")
    process.stdin.flush()
    first = process.stdout.readline() + process.stdout.readline()
    write("c.csv", "b,a\n1,x\n2,y\n")
    out, _ = process.communicate("SELECT a FROM c ORDER BY b;\n", timeout=PATIENCE)
    check("changed file", first + out == "a\n1\na\nx\ny\n", first + out)


# --- COPY ---

VALUES = """SELECT * FROM (VALUES
    (1, 'plain', 1.50, 0.1::float8, DATE '2024-02-29', TIMESTAMP '2024-01-01 10:00:00.5', true, INTERVAL '1 day 02:03:04'),
    (2, 'a,b;c"d''e', -0.01, 1e300::float8, DATE '0001-01-01', TIMESTAMP '1999-12-31 23:59:59', false, INTERVAL '-1 month'),
    (3, E'two\\nlines\\r\\n', 0.00, 'NaN', NULL, NULL, NULL, NULL),
    (4, '', NULL, '-Infinity', NULL, NULL, NULL, NULL),
    (5, NULL, 99999999.99, 5e-324::float8, NULL, NULL, NULL, NULL),
    (6, ' blanks ', 1, 3, NULL, NULL, NULL, NULL), (7, 'déjà €😀', 1, 3, NULL, NULL, NULL, NULL),
    (8, '\\.', 1, 3, NULL, NULL, NULL, NULL), (9, 'NULL', 1, 3, NULL, NULL, NULL, NULL),
    (10, '#x', 1, 3, NULL, NULL, NULL, NULL)) v(i, t, n, f, d, ts, b, iv)"""
TYPES = "types = 'n numeric(10,2), iv interval, i integer'"


def test_copy_round_trips():
    wanted = rows(VALUES)
    for name, options, reading in (("a.csv", "", ""), ("b.tsv", "", ""), ("c.csv.gz", "", ""), ("d.csv.zst", "", ""),
                                   ("e.csv", "(DELIMITER '|', FORCE_QUOTE *)", ""),
                                   ("f.csv", "(HEADER false)", ", names = 'i,t,n,f,d,ts,b,iv', header = false"),
                                   ("g.csv", "(NULL 'NULL', QUOTE '''', FORCE_QUOTE (n, t))",
                                    ", nullstr = 'NULL', quote = ''''"),
                                   ("h.csv", "(COMPRESSION gzip, ESCAPE '\\')", ", escape = '\\'")):
        status, _, err = vonk("-c", f"COPY ({VALUES}) TO '{name}' {options}")
        check(f"COPY to {name}", status == 0, err)
        same(name, f"SELECT * FROM read_csv('{name}', {TYPES}{reading})", wanted)
    got = list(csv.reader(open("a.csv", newline="")))
    check("Python's csv", [r[1] for r in got[1:4]] == ["plain", "a,b;c\"d'e", "two\nlines\r\n"], got)
    import duckdb
    got = duckdb.connect().execute("SELECT i, t, n, f FROM read_csv('a.csv', allow_quoted_nulls = false)").fetchall()
    check("DuckDB", [r[1] for r in got] == ["plain", "a,b;c\"d'e", "two\nlines\r\n", "", None, " blanks ", "déjà €😀", "\\.",
                                            "NULL", "#x"], got)
    fails("unknown option", "COPY (SELECT 1) TO 'x.csv' (HEDER)", 'Did you mean "header"?')
    fails("reading's option", "COPY (SELECT 1) TO 'x.csv' (SKIP 1)", "not recognized")
    fails("no folder", "COPY (SELECT 1) TO 'no/x.csv'", "could not create", "No such file")
    check("no trace", not os.path.exists("x.csv"))


def test_postgres_round_trip():
    if not postgres.available():
        return
    columns = "i int, t text, n numeric(10,2), f float8, d date, ts timestamp, b boolean, iv interval"
    wanted = rows(VALUES)
    vonk("-c", f"COPY ({VALUES}) TO 'out.csv'")
    with postgres.Postgres() as server:
        os.chmod(server.folder, 0o755)
        ours, theirs = os.path.join(server.folder, "ours.csv"), os.path.join(server.folder, "theirs.csv")
        shutil.copy("out.csv", ours)
        os.chmod(ours, 0o644)
        server.query(f"CREATE TABLE v ({columns})")
        server.query(f"COPY v FROM '{ours}' (FORMAT csv, HEADER)")
        for options in ("", ", NULL 'nil'", ", DELIMITER ';', FORCE_QUOTE *", ", QUOTE '''', ESCAPE '\\'"):
            server.query(f"COPY (SELECT * FROM v ORDER BY i) TO '{theirs}' (FORMAT csv, HEADER{options})")
            reading = {", NULL 'nil'": ", nullstr = 'nil'", ", QUOTE '''', ESCAPE '\\'": ", quote = '''', escape = '\\'"}
            same(f"PostgreSQL{options}",
                 f"SELECT * FROM read_csv('{theirs}', {TYPES}{reading.get(options, '')})", wanted)


def test_copy_is_all_or_nothing():
    write("keep.csv", "old\n1\n")
    fails("error in the middle", "COPY (SELECT 1 / (50000 - i) FROM generate_series(1, 60000) g(i)) TO 'keep.csv'",
          "division by zero")
    check("old file", open("keep.csv").read() == "old\n1\n" and os.listdir(".") == ["keep.csv"], os.listdir("."))
    endless = [VONK, "sql", "-c", "COPY (SELECT i FROM generate_series(1, 10000000000) g(i)) TO 'keep.csv'"]
    process = subprocess.Popen(endless)
    wait_for_bytes(process, 1 << 20, PATIENCE)
    process.kill()
    process.wait()
    check("killed", open("keep.csv").read() == "old\n1\n")
    for name in os.listdir("."):
        if name.endswith(".tmp"):  # where a file must have a name from the start
            os.unlink(name)
    process = subprocess.Popen(endless, stderr=subprocess.PIPE)
    wait_for_bytes(process, 1 << 20, PATIENCE)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    check("interrupted", os.listdir(".") == ["keep.csv"], os.listdir("."))


def test_full_disk_and_closed_folders():
    if os.geteuid() != 0:
        return
    os.mkdir("small")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", "small"], capture_output=True).returncode == 0:
        try:
            for name in ("x.csv", "x.parquet", "x.csv.gz"):
                fails(name, f"COPY (SELECT i, md5(i::text) m FROM generate_series(1, 300000) g(i)) TO 'small/{name}'",
                      "No space left on device")
                check("nothing left", os.listdir("small") == [], os.listdir("small"))
        finally:
            subprocess.run(["umount", "small"])
    os.mkdir("closed")
    write("closed/a.csv", "a\n1\n")
    os.chmod("closed", 0o555)
    os.chmod("closed/a.csv", 0)
    nobody = dict(user="nobody", group="nogroup")
    os.chmod(".", 0o755)
    status, _, err = vonk("-c", "COPY (SELECT 1 AS x) TO 'closed/b.csv'", **nobody)
    check("closed folder", status == 1 and "Permission denied" in err, err)
    status, _, err = vonk("closed", "-c", "CREATE TABLE b AS SELECT 1 AS x", **nobody)
    check("closed database", status == 1 and "Permission denied" in err, err)
    status, _, err = vonk("closed", "-c", "SELECT * FROM a", **nobody)
    check("closed file", status == 1 and "a.csv" in err and "Permission denied" in err, err)


def main():
    pyenv.use()
    names = sys.argv[1:] or [name for name in globals() if name.startswith("test_")]
    here = os.getcwd()
    for name in names:
        name = name if name.startswith("test_") else f"test_{name}"
        folder = tempfile.mkdtemp(prefix="vonk-files-", dir="/tmp")
        os.chdir(folder)
        start = time.monotonic()
        try:
            globals()[name]()
        except Exception as error:  # a test that cannot go on has failed; the others run
            check(name, False, repr(error))
        print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)
        os.chdir(here)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"files: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
