#!/usr/bin/env python3
"""Stages that are shaped by what was made (docs/adr/0011): skewed, tiny, empty and NULL keys, beside the plain road and DuckDB.

    run_adaptive.py
    VONK_TEST_MASTER=URL run_adaptive.py    on that cluster

Every query runs in one process without jobs, and as jobs with each kind of change on and off, with stages that went through
bytes and with lost blocks. EXPLAIN ANALYZE says what was changed, and must say it of what is meant to be.
"""
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import pyenv  # noqa: E402

pyenv.use()
import duckdb  # noqa: E402
from vonkpy import Session  # noqa: E402

ROWS, FILES = 40000, 32
OFF = {"adaptive_merge_bytes": 0, "adaptive_split_bytes": 0, "adaptive_join": "off"}
SMALL = {"adaptive_merge_bytes": "64KiB", "adaptive_split_bytes": "48KiB"}
LOCAL_MODES = [OFF, {}, SMALL, {**SMALL, "test_wire": "on"}, {**SMALL, "test_faults": 11}, {**SMALL, "test_faults": 12, "test_wire": "on"},
               {**SMALL, "optimizer_disable": "all"}, {**SMALL, "adaptive_join": "off"}]
MASTER = os.environ.get("VONK_TEST_MASTER")
MODES = [{**mode, "master": MASTER, "executors": 2} for mode in (OFF, {}, SMALL)] if MASTER else LOCAL_MODES

# k: half of the rows have 7, the rest few or many; z: about Zipf; n: all NULL; t: text that makes rows wide
KEYS = """CASE WHEN g % 2 = 0 THEN 7 ELSE g * 7919 % 20011 END AS k, 40000 / (1 + g * 31 % 997) AS z,
          CASE WHEN g < 0 THEN g END AS n, g - g % 500 / 499 AS id, 'row ' || g * 77 % 1009 || ' of many' AS t"""
FEW = "(SELECT max(id) AS id, max(k) AS k, max(t) AS t FROM dim GROUP BY id HAVING count(*) > 1)"  # 40 of 20000; by estimate a third

# (query, what EXPLAIN ANALYZE must say of it with SMALL)
QUERIES = [
    ("SELECT count(*), sum(f.id), min(d.t) FROM fact f JOIN dim d ON f.k = d.id", r"split in"),
    ("SELECT f.k % 5, count(*), sum(d.id), max(f.t) FROM fact f JOIN dim d ON f.k = d.id GROUP BY 1 ORDER BY 1", r"split in"),
    ("SELECT count(*), count(d.id), sum(f.id) FROM fact f LEFT JOIN dim d ON f.k = d.id + 3 AND d.id % 3 = f.id % 3", r"split in"),
    ("SELECT count(*), count(f.id), sum(d.id) FROM fact f RIGHT JOIN dim d ON f.k = d.id", None),
    ("SELECT count(*), count(f.id), count(d.id), sum(f.id) FROM fact f FULL JOIN dim d ON f.k = d.id", None),
    ("SELECT count(*), sum(f.id) FROM fact f WHERE EXISTS (SELECT 1 FROM dim d WHERE d.id = f.k AND d.k <> f.id)", None),
    ("SELECT count(*), sum(f.id) FROM fact f WHERE NOT EXISTS (SELECT 1 FROM dim d WHERE d.id = f.k)", None),
    ("SELECT count(*), sum(f.id) FROM fact f WHERE f.k NOT IN (SELECT d.id FROM dim d)", None),
    ("SELECT f.k, count(*) FROM fact f JOIN dim d ON f.k = d.id GROUP BY f.k ORDER BY 2 DESC, 1 LIMIT 20", None),
    ("SELECT count(*), sum(d.id) FROM fact f JOIN dim d ON f.z = d.id", None),
    ("SELECT count(*), count(d.id) FROM fact f LEFT JOIN dim d ON f.n = d.id", None),
    ("SELECT count(*), count(d.id) FROM fact f LEFT JOIN dim d ON f.n = d.n", None),
    ("SELECT count(*) FROM fact f JOIN dim d ON f.n = d.n AND f.k = d.k", None),
    (f"SELECT count(*), sum(f.id), max(d.t) FROM fact f JOIN {FEW} d ON f.k = d.id", r"shuffle -> broadcast"),
    (f"SELECT f.z, count(*), sum(d.id) FROM fact f LEFT JOIN {FEW} d ON f.k = d.id GROUP BY f.z ORDER BY 2 DESC, 1 LIMIT 30",
     r"shuffle -> broadcast"),
    (f"SELECT count(*) FROM fact f WHERE NOT EXISTS (SELECT 1 FROM {FEW} d WHERE d.id = f.k)", None),
    (f"SELECT count(*), sum(e.id) FROM fact f JOIN {FEW} d ON f.k = d.id JOIN dim e ON e.id = f.z", None),
    (f"SELECT count(*), sum(e.id) FROM fact f JOIN dim e ON e.id = f.k JOIN {FEW} d ON f.id = d.id JOIN {FEW} c ON c.k = e.id", None),
    ("SELECT count(*), sum(d.id) FROM fact f JOIN (SELECT * FROM dim WHERE t = 'none such' OR id * 3 < -7) d ON f.k = d.id", None),
    ("SELECT count(*) FROM (SELECT * FROM fact WHERE id * 3 < -7) f LEFT JOIN dim d ON f.k = d.id", None),
    ("SELECT a.k, count(*) FROM fact a JOIN fact b ON a.id = b.id AND a.k = b.k GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 9", None),
    ("WITH s AS (SELECT k, count(*) c, sum(id) i FROM fact GROUP BY k) SELECT count(*), sum(a.c), sum(b.i) FROM s a JOIN s b ON a.k = b.k "
     "WHERE a.c < 100", None),
    ("SELECT k, count(*), sum(id) FROM fact GROUP BY k ORDER BY k LIMIT 50", r"merged"),
    ("SELECT n, count(DISTINCT k), sum(id) FROM fact GROUP BY n", None),
    ("SELECT k, id FROM fact ORDER BY k, id LIMIT 40 OFFSET 19990", None),
    ("SELECT k FROM fact ORDER BY k", r"merged"),
    ("SELECT n, t FROM fact WHERE id % 100 = 3 ORDER BY n, t, id", None),
    ("SELECT k FROM fact WHERE id % 50 = 1 INTERSECT SELECT id FROM dim ORDER BY 1", None),
    ("SELECT k, c FROM (SELECT k, count(*) c FROM fact GROUP BY k UNION ALL SELECT z, count(*) FROM fact GROUP BY z "
     "UNION ALL SELECT f.k, sum(d.id) FROM fact f JOIN dim d ON f.k = d.id GROUP BY f.k) u ORDER BY c DESC, k LIMIT 60", r"merged"),
]
# Rows that are alike in what they are sorted by: as they came, which DuckDB does not promise. Half of k, and all of n, is one key.
TIES = [
    "SELECT k, id, t FROM fact ORDER BY k",
    "SELECT k, id, z FROM fact ORDER BY k DESC",
    "SELECT n, id FROM fact ORDER BY n",
    "SELECT k, id, t FROM fact WHERE k = 7 OR id % 3 = 1 ORDER BY nullif(k, 7), n DESC",
    "SELECT k, t, id FROM fact ORDER BY CASE WHEN k = 7 THEN 'a text that is longer than a key has room for' ELSE t END, n",
    "SELECT k, id FROM fact ORDER BY k % 2, n, k",
    "SELECT * FROM (SELECT id % 10 AS i, k, z, count(*) AS c FROM fact GROUP BY 1, 2, 3) g ORDER BY k, c, z, i",
    "SELECT a.k, a.id, a.z FROM (SELECT k, id, z FROM fact UNION ALL SELECT 7, k, id FROM dim) a ORDER BY a.k",
    "SELECT i, k FROM (SELECT k, id AS i FROM fact ORDER BY k LIMIT 30000) f ORDER BY k DESC OFFSET 300",
]
passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"FAILED: {what}", flush=True)


def write_tables(folder):
    with Session(None) as session:
        for name, rows in (("fact", ROWS), ("dim", ROWS // 2)):
            os.mkdir(os.path.join(folder, name))
            for i in range(FILES):
                session.query(f"COPY (SELECT {KEYS} FROM generate_series({i * rows // FILES}, {(i + 1) * rows // FILES - 1}) s(g)) "
                              f"TO '{folder}/{name}/{i}.parquet' (FORMAT parquet)")


def rows_of(rows, sql):
    rows = [tuple(None if v is None else str(v) for v in row) for row in rows]
    return rows if "ORDER BY" in sql else sorted(rows, key=str)


def settings_text(mode):
    return " ".join(f"{name}={value}" for name, value in mode.items()) or "as it is"


def main():
    with tempfile.TemporaryDirectory(prefix="vonk-adaptive-") as folder:
        write_tables(folder)
        plain = Session(folder, threads=2)
        duck = duckdb.connect()
        for name in ("fact", "dim"):
            duck.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder}/{name}/*.parquet')")
        queries = [*(sql for sql, _ in QUERIES), *TIES]
        expected = [rows_of(plain.query(sql)[1], sql) for sql in queries]
        for (sql, _), rows in zip(QUERIES, expected):
            check(rows_of(duck.execute(sql).fetchall(), sql) == rows, f"DuckDB: {sql}")
        for mode in MODES:
            with Session(folder, threads=2, test_jobs=0 if MASTER else 1, **mode) as session:
                for sql, rows in zip(queries, expected):
                    got = rows_of(session.query(sql)[1], sql)
                    check(got == rows, f"{settings_text(mode)}: {sql}: {len(got)} rows of {len(rows)}")
        said = Session(folder, threads=2, test_jobs=1, **SMALL)
        for sql, change in QUERIES:
            text = "\n".join(str(row[0]) for row in said.query("EXPLAIN ANALYZE " + sql)[1])
            check(change is None or re.search(change, text), f"EXPLAIN ANALYZE does not say {change!r}: {sql}\n{text}")
    print(f"adaptive: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
