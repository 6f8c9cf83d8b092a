#!/usr/bin/env python3
"""`vonk sql` from outside: what it prints where, exit statuses, pipes, Ctrl-C, the prompt on a terminal.

    tests/shell/run_shell.py [NAME]...       the program is $VONK_BUILD/vonk, by default build/release/vonk

CASES are commands with the output they must give; functions named test_* drive the rest.
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from at_work import wait_for_work  # noqa: E402
from written import wait_for_bytes  # noqa: E402

VONK = os.path.join(os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release")), "vonk")
PIPE_BYTES = 1 << 16  # that nobody has read stop who writes
ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000000000) a(i) WHERE i % 7 = 3"
# a sanitized or busy build is slow; a hang is minutes
PATIENCE = 60
PEOPLE = 'id,name,born\n1,Ann,1990-01-02\n2,"Bob, Jr",\n3,"say ""hi""",2001-12-31\n'

# (name, arguments, standard input, status, standard output, part of standard error)
CASES = [
    ("csv", ["sql", ".", "-c", "SELECT * FROM people ORDER BY id", "--format", "csv"], None, 0,
     'id,name,born\n1,Ann,1990-01-02\n2,"Bob, Jr",\n3,"say ""hi""",2001-12-31\n', ""),
    ("csv values", ["sql", "-c", "SELECT '' a, NULL b, 1.50 c, 0.1::float8 d, true e, E'x\\ny' f", "--format=csv"],
     None, 0, 'a,b,c,d,e,f\n"",,1.50,0.1,true,"x\ny"\n', ""),
    ("table", ["sql", ".", "-c", "SELECT id, name FROM people ORDER BY id"], None, 0,
     " id |   name   \n----+----------\n  1 | Ann\n  2 | Bob, Jr\n  3 | say \"hi\"\n(3 rows)\n\n", ""),
    ("json", ["sql", "-c", "SELECT 1 AS a, 'x' AS b", "--format", "json"], None, 0, '[{"a":1,"b":"x"}]\n', ""),
    ("jsonl", ["sql", "-c", "VALUES (1), (NULL)", "--format", "jsonl"], None, 0,
     '{"column1":1}\n{"column1":null}\n', ""),
    ("none", ["sql", "-c", "SELECT 1", "--format", "none"], None, 0, "", ""),
    ("plain", ["sql", "-c", "SELECT 1, 'x'", "--format", "plain"], None, 0, "1\tx\n", ""),
    ("several -c and -f", ["sql", "-c", "SELECT 1 AS a", "-f", "two.sql", "-c", "SELECT 4 AS a", "--format", "csv"],
     None, 0, "a\n1\na\n2\na\n3\na\n4\n", ""),
    ("several statements", ["sql", "-c", "SELECT 1 AS a; ; SELECT ';' AS b;", "--format", "csv"], None, 0,
     "a\n1\nb\n;\n", ""),
    ("standard input", ["sql", "--format", "csv"], "SELECT 1 AS a;\n\\echo hi\nSELECT\n2 AS a", 0, "a\n1\nhi\na\n2\n", ""),
    ("empty input", ["sql"], "", 0, "", ""),
    ("a file as DATABASE", ["sql", "people.csv", "-c", "SELECT count(*) AS n FROM people", "--format", "csv"], None, 0,
     "n\n3\n", ""),
    ("a file in FROM", ["sql", "-c", 'SELECT count(*) AS n FROM "people.csv"', "--format", "csv"], None, 0, "n\n3\n", ""),
    ("settings", ["sql", "--threads", "3", "--set", "jit=off", "-c", "SHOW threads", "-c", "SHOW jit", "--format",
                  "plain"], None, 0, "3\noff\n", ""),
    ("master", ["sql", "--master", "local[2]", "-c", "SHOW threads", "--format", "plain"], None, 0, "2\n", ""),
    ("timing", ["sql", "--timing", "-c", "SELECT 1", "--format", "plain"], None, 0, "1\n", r"Time: \d+\.\d{3} ms\n"),
    ("version", ["version"], None, 0, r"re:vonk \d+\.\d+\.\d+\n", ""),
    ("help", ["help"], None, 0, r"re:Usage: vonk .*", ""),
    ("help of sql", ["sql", "--help"], None, 0, r"re:Usage: vonk sql .*", ""),
    ("syntax error", ["sql", "-c", "SELECT 1;\n  SELEC 2"], None, 1, r"re:.*1 row.*",
     r'ERROR:  syntax error at or near "SELEC"\nLINE 2:   SELEC 2\n {10}\^\n'),
    ("stops at the first error", ["sql", "-c", "SELECT 1/0; SELECT 2"], None, 1, "", "ERROR:  division by zero"),
    ("error in a file", ["sql", "-f", "bad.sql", "--format", "csv"], None, 1, "a\n1\n",
     r'vonk:bad.sql:3: ERROR:  .*\nLINE 3: SELECT nonsense\n'),
    ("did you mean", ["sql", ".", "-c", "SELECT nam FROM people"], None, 1, "", r'"(people\.)?name"'),
    ("unknown table", ["sql", ".", "-c", "SELECT * FROM peple"], None, 1, "", "people"),
    ("no such file", ["sql", "-f", "missing.sql"], None, 1, "", "missing.sql"),
    ("no such folder", ["sql", "missing", "-c", "SELECT 1"], None, 1, "", "missing"),
    ("wrong option", ["sql", "--nonsense"], None, 2, "", "there is no option --nonsense"),
    ("misspelt option", ["sql", "--formt", "csv"], None, 2, "", "perhaps you meant --format"),
    ("unknown short option", ["sql", "-xc", "SELECT 1"], None, 2, "", "there is no option -x"),
    ("master that is not there", ["sql", "--master", "vonk://127.0.0.1:1", "-c", "SELECT count(*) FROM generate_series(1, 9)"],
     None, 1, "", "no connection with 127.0.0.1:1"),
    ("master of no port", ["sql", "--master", "vonk://127.0.0.1:99999", "-c", "SELECT 1"], None, 2, "", "is no master's URL"),
    ("master without threads", ["sql", "--master", "local[0]", "-c", "SELECT 1"], None, 2, "", "number of threads"),
    ("master of Spark", ["sql", "--master", "local[*]", "--format", "none", "-c", "SELECT 1"], None, 0, "", ""),
    ("misspelt command", ["sqll"], None, 2, "", 'perhaps you meant "sql"'),
    ("a worker of nobody", ["worker", "--dir", "/nonexistent"], None, 2, "", "--master URL"),
    ("a cluster of how many", ["cluster", "up", "0"], None, 2, "", "from 1 to 64"),
    ("help of the master", ["help", "master"], None, 0, r"re:Usage: vonk master .*", ""),
    ("a job that is not there", ["submit", "nowhere/job.c"], None, 1, "", "nowhere/job.c"),
    ("help of a command", ["help", "sql"], None, 0, r"re:Usage: vonk sql .*", ""),
    ("help of nothing", ["help", "nonsense"], None, 2, "", "nonsense"),
    ("too much for version", ["version", "-x"], None, 2, "", "too much"),
    ("wrong format", ["sql", "--format", "xml"], None, 2, "", 'no format "xml"'),
    ("wrong setting", ["sql", "--set", "jitt=off", "-c", "SELECT 1"], None, 2, "", "jit"),
    ("wrong command", ["squeal"], None, 2, "", "squeal"),
    ("no command", [], None, 2, "", "Usage"),
    ("two databases", ["sql", ".", "."], None, 2, "", "one DATABASE"),
    ("unknown backslash command", ["sql"], "\\nonsense\nSELECT 1;", 1, "", r"no command \\nonsense"),
    ("misspelt backslash command", ["sql"], "\\timng\n", 1, "", r"Perhaps you meant \\timing"),
    ("a command of the prompt", ["sql"], "\\p\n", 1, "", r"\\p is for the prompt only"),
    ("tables by pattern", ["sql", ".", "-c", "\\dt+ P*", "-c", "\\dt x*", "--format", "csv"], None, 0,
     r"re:Name,Kind,Format,Path\npeople,table,csv,.*\nName,Kind,Format,Path\n", ""),
    ("describe what is not there", ["sql", ".", "-c", "\\d peple"], None, 1, "", '"people"'),
    ("describe", ["sql", ".", "-c", "\\d people", "--format", "csv"], None, 0,
     "re:Column,Type,Nullable\nid,(integer|bigint),.*\nname,text,.*\nborn,date,.*\n", ""),
    ("tables", ["sql", ".", "-c", "\\dt", "--format", "csv"], None, 0, r"re:Name,Kind,Format,Path\npeople,table,csv,.*\n",
     ""),
    ("functions", ["sql", "-c", "\\df date_trunc", "--format", "csv"], None, 0, r"re:Name,.*\ndate_trunc,.*", ""),
    ("expanded", ["sql"], "\\x\nSELECT 1 AS a, 'b' AS bcd;", 0, "-[ RECORD 1 ]\na   | 1\nbcd | b\n\n", ""),
    ("\\gx", ["sql", "-c", "SELECT 1 AS a \\gx"], None, 0, "-[ RECORD 1 ]\na | 1\n\n", ""),
    ("\\i and \\echo", ["sql", "--format", "plain"], "\\i two.sql\n\\echo 'a  b' c\n", 0, "2\n3\na  b c\n", ""),
    ("\\i in a circle", ["sql", "--format", "plain"], "\\i circle.sql\n", 1, "", "nested more than"),
    ("explain is text", ["sql", "-c", "EXPLAIN SELECT 1"], None, 0, r"re:[^|]*\n", ""),
    ("view", ["sql", "--format", "plain"], "CREATE VIEW v AS SELECT 7 AS a;\nSELECT a FROM v;\nDROP VIEW v;", 0, "7\n", ""),
    ("control characters", ["sql", "-c", "SELECT E'\\x1b[31m' AS a"], None, 0,
     "    a     \n----------\n \\x1B[31m\n(1 row)\n\n", ""),
    ("huge statement", ["sql"], "SELECT 1" + "+1" * (1 << 20) + ";", 1, "", "too long"),
    ("deep statement", ["sql"], "SELECT " + "(" * 100000 + "1", 1, "", "statement too complex"),
]


def run(arguments, stdin=None, folder=None, **more):
    """In a state folder of its own: the machine may have a cluster that runs."""
    environment = {**os.environ, "VONK_HISTORY": "", "NO_COLOR": "1", "XDG_STATE_HOME": folder or "/nonexistent"}
    return subprocess.run([VONK, *arguments], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          capture_output=True, text=True, cwd=folder, env=environment, timeout=PATIENCE, **more)


def expect(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


def text_matches(actual, expected):
    if expected.startswith("re:"):
        return re.fullmatch(expected[3:], actual, flags=re.S) is not None
    return actual == expected


def check_case(folder, case):
    _, arguments, stdin, status, output, error = case
    result = run(arguments, stdin, folder)
    expect(result.returncode == status, "status", result.returncode, "stderr", result.stderr[-2000:])
    expect(text_matches(result.stdout, output), "stdout", repr(result.stdout[:2000]))
    expect(re.search(error, result.stderr), "stderr", repr(result.stderr[-2000:]))
    if not error:
        expect(result.stderr == "", "stderr", repr(result.stderr[-2000:]))


# --- what needs more than one command ---

def test_output_file(folder):
    path = os.path.join(folder, "out.csv")
    result = run(["sql", "-c", "SELECT 1 AS a", "-c", "SELECT 2 AS a", "--format", "csv", "--output", path])
    expect(result.returncode == 0 and result.stdout == "", result)
    with open(path, encoding="utf-8") as f:
        expect(f.read() == "a\n1\na\n2\n")


def test_backslash_o(folder):
    path = os.path.join(folder, "o.txt")
    result = run(["sql", "--format", "plain"], f"\\o {path}\nSELECT 1;\n\\o\nSELECT 2;\n")
    expect(result.stdout == "2\n", result)
    with open(path, encoding="utf-8") as f:
        expect(f.read() == "1\n")


def test_output_cannot_be_written(folder):
    expect(run(["sql", "-c", "SELECT 1", "--output", os.path.join(folder, "no/such/file")]).returncode == 1)
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([VONK, "sql", "-c", "SELECT 1"], stdout=full, stderr=subprocess.PIPE, text=True,
                                timeout=PATIENCE, check=False)
    expect(result.returncode == 1 and result.stderr.count("ERROR") == 1, result)


def test_closed_output_is_quiet(_folder):
    for redirect in (">&-", ">&- 2>&-", "<&- >&- 2>&-"):
        result = subprocess.run(["sh", "-c", f'"$0" sql -c "SELECT 1" {redirect}', VONK], capture_output=True,
                                timeout=PATIENCE, check=False)
        expect(result.returncode == 0 and result.stderr == b"", redirect, result)


def test_reader_goes_away(_folder):
    command = f'"$0" sql -c "SELECT i FROM generate_series(1, 100000000) g(i)" --format csv | head -n 2'
    result = subprocess.run(["sh", "-c", command, VONK], capture_output=True, timeout=PATIENCE, check=False)
    expect(result.stdout == b"i\n1\n" and result.stderr == b"", result)


def test_statements_run_as_they_come(_folder):
    with subprocess.Popen([VONK, "sql", "--format", "plain"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        for number in (1, 2):
            p.stdin.write(b"SELECT %d;\n" % number)
            p.stdin.flush()
            expect(select.select([p.stdout], [], [], PATIENCE)[0], "no answer while the input is open")
            expect(p.stdout.readline() == b"%d\n" % number)
        p.stdin.close()
        expect(p.wait(PATIENCE) == 0)


def test_interrupt(_folder):
    with subprocess.Popen([VONK, "sql", "-c", ENDLESS, "-c", "SELECT 2"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as p:
        expect(wait_for_work(p.pid, PATIENCE), "it does not run")
        started = time.monotonic()
        p.send_signal(signal.SIGINT)
        output, error = p.communicate(timeout=PATIENCE)
        seconds = time.monotonic() - started
    expect(p.returncode == 130, p.returncode, error)
    expect("canceling statement due to user request" in error and output == "", output, error)
    print(f"      (after {seconds * 1000:.0f} ms)")


def test_interrupt_while_nobody_reads(_folder):
    with subprocess.Popen([VONK, "sql", "--format", "csv", "-c", "SELECT i FROM generate_series(1, 100000000) g(i)"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        wait_for_bytes(p, PIPE_BYTES, PATIENCE)
        p.send_signal(signal.SIGINT)
        expect(p.wait(PATIENCE) == 130, p.returncode)
        p.stdout.close()


def test_interrupt_while_nobody_will_read(_folder):
    """There is no room from the start: what is held back when the signal comes must not be waited for."""
    for form in ("csv", "json", "table"):
        reads, writes = os.pipe()
        os.set_blocking(writes, False)
        try:
            while True:
                os.write(writes, bytes(PIPE_BYTES))
        except BlockingIOError:
            os.set_blocking(writes, True)
        with subprocess.Popen([VONK, "sql", "--format", form, "-c", ENDLESS], stdout=writes, stderr=subprocess.PIPE, text=True) as p:
            os.close(writes)
            expect(wait_for_work(p.pid, PATIENCE), "it does not run")
            p.send_signal(signal.SIGINT)
            try:
                _, error = p.communicate(timeout=PATIENCE)
            finally:
                p.kill()
                os.close(reads)
        expect(p.returncode == 130 and "canceling statement due to user request" in error, form, p.returncode, error)


def test_json_is_json(_folder):
    result = run(["sql", "-c", "SELECT i AS \"a\"\"b\", E'\\t\\n\\\\\"\\x01é' AS t, i / 3.0 AS n, 'NaN'::float8 AS f, "
                  "timestamp '2020-01-02 03:04:05' AS ts, i = 2 AS b FROM generate_series(1, 3) g(i)",
                  "--format", "json"])
    rows = json.loads(result.stdout)
    expect(len(rows) == 3 and rows[1]['a"b'] == 2 and rows[1]["t"] == '\t\n\\"\x01é', rows)
    expect(rows[0]["f"] == "NaN" and rows[0]["ts"] == "2020-01-02T03:04:05" and rows[1]["b"] is True, rows)


def test_many_rows(_folder):
    result = run(["sql", "-c", "SELECT i, i * 2 AS j FROM generate_series(1, 100000) g(i)", "--format", "csv"])
    expect(result.stdout == "i,j\n" + "".join(f"{i},{2 * i}\n" for i in range(1, 100001)))
    result = run(["sql", "-c", "SELECT i FROM generate_series(1, 300000) g(i)"])
    expect(result.stdout.endswith("300000\n(300000 rows)\n\n"), result.stdout[-100:])


# --- on a terminal ---

class Terminal:
    """The program on a pseudo-terminal of its own."""

    def __init__(self, arguments, folder, rows=40, columns=80, **environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            # libedit never frees the names of functions that are added to it
            os.environ.update({"TERM": "xterm", "VONK_HISTORY": "", "PAGER": "cat",
                               "ASAN_OPTIONS": "detect_leaks=0", **environment})
            for name in ("COLUMNS", "LINES", "NO_COLOR"):
                if name not in environment:
                    os.environ.pop(name, None)
            os.chdir(folder)
            os.execv(VONK, ["vonk", *arguments])
        self.seen = ""

    def wait_for(self, text):
        """What was printed up to and with text, without the terminal's own control sequences."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            expect(time.monotonic() < deadline, "waited in vain for", repr(text), "in", repr(self.seen[-2000:]))
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    data = os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    data = ""
                expect(data, "the program ended before", repr(text), "in", repr(self.seen[-2000:]))
                self.seen = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]|\x1b[=>]|\r", "", self.seen + data)
        end = self.seen.index(text) + len(text)
        seen, self.seen = self.seen[:end], self.seen[end:]
        return seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Its exit status."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError("did not end")


def test_prompt(folder):
    t = Terminal(["sql", "."], folder)
    t.wait_for("vonk> ")
    t.type("SELECT 1 +\n")
    t.wait_for("   -> ")
    t.type("41 AS answer;\n")
    t.wait_for(" answer \n--------\n     42\n(1 row)\n")
    t.wait_for("vonk> ")
    t.type("SELECT 'a\n")
    t.wait_for("   '> ")
    t.type("\x03")
    t.wait_for("^C\nvonk> ")
    t.type("SELEC;\n")
    t.wait_for('syntax error at or near "SELEC"')
    t.wait_for("vonk> ")
    t.type("\\timing\nSELECT 2;\n")
    t.wait_for("Timing is on.")
    t.wait_for("Time: ")
    t.wait_for("vonk> ")
    t.type("\\q\n")
    expect(t.end() == 0)


def test_prompt_ends_with_its_input(folder):
    t = Terminal(["sql"], folder)
    t.wait_for("vonk> ")
    t.type("\x04")
    expect(t.end() == 0)


def test_input_ends_while_a_statement_runs(folder):
    """Ctrl-D is no key then, the terminal makes an end of file of it: the prompt that follows ends."""
    t = Terminal(["sql"], folder)
    t.wait_for("vonk> ")
    t.type("SELECT count(*) FROM generate_series(1, 30000000) g(i) WHERE i%7=3;\n")
    t.wait_for("=3;\n")
    time.sleep(0.1)
    t.type("\x04")
    t.wait_for("4285714")
    expect(t.end() == 0)


def test_completion(folder):
    t = Terminal(["sql", "."], folder)
    t.wait_for("vonk> ")
    t.type("SELECT bo\t")
    t.wait_for("bool")
    t.type("\x03")
    t.wait_for("vonk> ")
    t.type("SELECT count(*) FROM peo\t;\n")
    t.wait_for("     3\n")
    t.type("\\q\n")
    expect(t.end() == 0)


def test_interrupt_in_a_line(folder):
    """Ctrl-C within a line leaves the line as it is and begins a new one."""
    t = Terminal(["sql", "."], folder)
    t.wait_for("vonk> ")
    t.type("SELECT nam\t \x01\x06")
    t.wait_for("SELECT name")  # Ctrl-C makes the terminal drop what nobody has read yet
    t.type("\x03")
    t.wait_for("^C\nvonk> ")
    t.type("\\q\n")
    expect(t.end() == 0)


def test_history(folder):
    path = os.path.join(folder, "history")
    for _ in range(2):
        t = Terminal(["sql"], folder, VONK_HISTORY=path)
        t.wait_for("vonk> ")
        t.type("SELECT 'remembered'\n || ' well';\n")
        t.wait_for("remembered well")
        t.wait_for("vonk> ")
        t.type("\x1b[A\n")
        t.wait_for("(1 row)")
        t.wait_for("vonk> ")
        t.type("\\q\n")
        expect(t.end() == 0)
    expect(os.stat(path).st_mode & 0o077 == 0, "others can read the history")


def test_interrupt_at_the_prompt(folder):
    t = Terminal(["sql"], folder)
    t.wait_for("vonk> ")
    t.type(ENDLESS + ";\n")
    expect(wait_for_work(t.pid, PATIENCE), "it does not run")
    started = time.monotonic()
    t.type("\x03")
    t.wait_for("canceling statement due to user request")
    print(f"      (after {(time.monotonic() - started) * 1000:.0f} ms)")
    t.wait_for("vonk> ")
    t.type("SELECT 5 AS five;\n")
    t.wait_for("    5\n")
    t.type("\\q\n")
    expect(t.end() == 0)


def test_paste(folder):
    """Tabs in what is pasted are text; each line runs as if typed; the last one can be typed on."""
    t = Terminal(["sql", "."], folder)
    t.wait_for("vonk> ")
    t.type("\x1b[200~SELECT length('a\tb') AS n,\r\t'\u00e9\u6f22' AS t\r;\rSELECT 5 AS\x1b[201~")
    t.wait_for(" n |  t  \n")
    t.wait_for(" 3 | \u00e9\u6f22\n")
    t.wait_for("SELECT 5 AS")
    t.type(" five;\n")
    t.wait_for(" five \n------\n    5\n")
    t.type("\\q\n")
    expect(t.end() == 0)


def test_history_keeps_lines(folder):
    """A statement of several lines comes back with them, also in the next session."""
    path = os.path.join(folder, "history of lines")
    t = Terminal(["sql"], folder, VONK_HISTORY=path)
    t.wait_for("vonk> ")
    t.type("SELECT length('a\nb') -- three\n AS n;\n")
    t.wait_for(" 3\n")
    t.type("\\q\n")
    expect(t.end() == 0)
    t = Terminal(["sql"], folder, VONK_HISTORY=path)
    t.wait_for("vonk> ")
    t.type("\x1b[A\x1b[A\n")
    t.wait_for(" n \n---\n 3\n")
    t.type("\\s\n")
    t.wait_for("SELECT length('a\nb') -- three\n AS n;\n")
    t.type("exit\n")
    expect(t.end() == 0)


def test_editor(folder):
    editor = os.path.join(folder, "editor")
    with open(editor, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\nsed -i s/41/42/ \"$1\"\n")
    os.chmod(editor, 0o755)
    t = Terminal(["sql"], folder, VISUAL=editor)
    t.wait_for("vonk> ")
    t.type("SELECT 41 AS a;\n")
    t.wait_for(" 41\n")
    t.type("\\e\n")
    t.wait_for(" 42\n")
    t.type("SELECT 41\n")
    t.wait_for("   -> ")
    t.type("\\e\n;\n")
    t.wait_for(" 42\n")
    t.type("SELECT 7 AS kept\n\\w kept.sql\n\\r\n\\p\n")
    t.wait_for("42\n;\n")
    with open(os.path.join(folder, "kept.sql"), encoding="utf-8") as f:
        expect(f.read() == "SELECT 7 AS kept\n")
    t.type("\\q\n")
    expect(t.end() == 0)


def test_plain_words(folder):
    t = Terminal(["sql"], folder)
    t.wait_for("vonk> ")
    t.type("help\n")
    t.wait_for("Commands:")
    t.type("SELECT\nquit\n")
    t.wait_for("Use \\q to quit")
    t.type(";\n")
    t.wait_for('column "quit" does not exist')
    t.type("quit\n")
    expect(t.end() == 0)


def test_progress_keeps_off_rows(folder):
    """The bar goes when rows are shown; and is not drawn at all on a dumb terminal."""
    for term, drawn in (("xterm", True), ("dumb", False)):
        t = Terminal(["sql"], folder, TERM=term)
        t.wait_for("vonk> ")
        t.type(ENDLESS + ";\n")
        if drawn:
            t.wait_for("running  ")
            t.wait_for(" s")
        else:
            expect(wait_for_work(t.pid, PATIENCE), "it does not run")
            time.sleep(1.5)  # it would have been drawn after a second
        t.type("\x03")
        expect(drawn or "running" not in t.wait_for("canceling"))
        t.wait_for("vonk> ")
        t.type("\\q\n")
        expect(t.end() == 0)


def test_wide_result_fits(folder):
    t = Terminal(["sql"], folder, columns=60)
    t.wait_for("vonk> ")
    t.type("SELECT repeat('x', 100) AS a, 1 AS b;\n")
    seen = t.wait_for("(1 row)")
    expect("…" in seen and max(len(line) for line in seen.split("\n") if "…" in line) <= 60, seen)
    t.type("\\q\n")
    expect(t.end() == 0)


def test_pager(folder):
    t = Terminal(["sql"], folder, rows=10, PAGER="sed s/^/paged:/")
    t.wait_for("vonk> ")
    t.type("SELECT i FROM generate_series(1, 50) g(i);\n")
    t.wait_for("paged: 50")
    t.wait_for("vonk> ")
    t.type("SELECT 7 AS short;\n")
    expect("paged" not in t.wait_for("(1 row)"))
    t.type("\\q\n")
    expect(t.end() == 0)


def test_pager_that_is_left(folder):
    t = Terminal(["sql"], folder, rows=10, PAGER="head -n 3")
    t.wait_for("vonk> ")
    t.type("SELECT i FROM generate_series(1, 100000000) g(i);\n")
    t.wait_for("1\n")
    t.wait_for("vonk> ")
    t.type("SELECT 7 AS seven;\n")
    t.wait_for("     7\n")
    t.type("\\q\n")
    expect(t.end() == 0)


def test_colours(folder):
    for variable, colours in (({}, True), ({"NO_COLOR": "1"}, False)):
        t = Terminal(["sql", "-c", "SELEC"], folder, **variable)
        raw = b""
        while True:
            try:
                data = os.read(t.fd, 4096)
            except OSError:
                break
            if not data:
                break
            raw += data
        expect((b"\x1b[1;31mERROR" in raw) == colours, raw)
        expect(t.end() == 1)


def make_data(folder):
    files = {"people.csv": PEOPLE, "two.sql": "SELECT 2 AS a;\nSELECT 3 AS a;\n", "circle.sql": "\\i circle.sql\n",
             "bad.sql": "SELECT 1 AS a;\n\nSELECT nonsense\n"}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)


def main():
    tests = [(case[0], lambda folder, case=case: check_case(folder, case)) for case in CASES]
    tests += [(name[5:].replace("_", " "), test) for name, test in globals().items() if name.startswith("test_")]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        make_data(folder)
        for name, test in tests:
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            try:
                test(folder)
                passed += 1
            except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED: {name}: {error}")
    print(f"shell: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
