"""A private PostgreSQL 15 for tests: its own folder, a Unix socket, no TCP; stopped when the test ends.

    with Postgres() as server:
        server.query("SELECT 1")        # (names, rows of text) or raises PostgresError
"""
import csv
import io
import os
import pwd
import shutil
import subprocess
import tempfile

BIN = "/usr/lib/postgresql/15/bin"


def available():
    return os.path.exists(os.path.join(BIN, "postgres"))


class PostgresError(Exception):
    def __init__(self, sqlstate, message):
        self.sqlstate, self.message = sqlstate, message
        super().__init__(f"{sqlstate}: {message}")


class Postgres:
    NULL = "\x01NULL\x01"
    END = "\x01END\x01"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="vonk-pg-", dir="/tmp")
        self.prefix = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
            self.prefix = [runuser or "runuser", "-u", "postgres", "--"]
        data = os.path.join(self.folder, "data")
        self.run([f"{BIN}/initdb", "-D", data, "-A", "trust", "-U", "vonk", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"])
        self.data = data
        self.run([f"{BIN}/pg_ctl", "-D", data, "-w", "-s", "-l", os.path.join(self.folder, "log"), "-o",
                  f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off "
                  "-c shared_buffers=256MB -c work_mem=256MB -c timezone=UTC -c max_parallel_workers_per_gather=0",
                  "start"])
        self.psql = None

    def run(self, command):
        done = subprocess.run(self.prefix + command, cwd="/", capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def start_psql(self):
        self.psql = subprocess.Popen(
            [f"{BIN}/psql", "-X", "-q", "-h", self.folder, "-U", "vonk", "-d", "postgres", "-v", "VERBOSITY=verbose",
             "-P", f"null={self.NULL}", "--csv"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)

    def query(self, sql):
        """Names and rows as text, NULL as None; ([], []) for statements without rows."""
        if self.psql is None:
            self.start_psql()
        self.psql.stdin.write(sql.strip().rstrip(";") + f"\n;\n\\echo {self.END}\n")
        self.psql.stdin.flush()
        lines = []
        while True:
            line = self.psql.stdout.readline()
            if not line:
                self.psql = None
                raise RuntimeError("psql died: " + "".join(lines))
            if line.strip() == self.END:
                break
            lines.append(line)
        text = "".join(lines)
        if text.startswith("ERROR:"):
            _, sqlstate, message = text.split("\n")[0].split(": ", 2)
            raise PostgresError(sqlstate.strip(), message)
        # psql prints one empty text as an empty line
        lines = [row or [""] for row in csv.reader(io.StringIO(text))]
        rows = [tuple(None if v == self.NULL else v for v in row) for row in lines]
        return (list(rows[0]), rows[1:]) if rows else ([], [])

    def close(self):
        if self.psql is not None:
            self.psql.stdin.close()
            self.psql.wait()
            self.psql = None
        subprocess.run(self.prefix + [f"{BIN}/pg_ctl", "-D", self.data, "-m", "immediate", "-s", "stop"], cwd="/",
                       capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
