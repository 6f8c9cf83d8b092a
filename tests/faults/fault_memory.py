"""A budget per query: what does not fit ends with an error that names operator and need; the session goes on; the process
stays within budget + a constant."""
import os
import re
import sys

from faults import ROOT, check, finish, sql, start

MIB = 1 << 20
# What a process has beside the budget: program, libraries, thread stacks, the allocator's slack.
CONSTANT_BYTES = 28 * MIB
BUDGETS = (16, 64)

NEED = re.compile(r"ERROR:  out of memory: .+ needs [\d.]+ (B|[KMGT]iB) more\n(.*\n)*.*limit is [\d.]+ [KMGT]?i?B, of which")

# name: SQL over big (id, k, s, f; many distinct), skew (one key), wide (500 columns)
QUERIES = {
    "scan": "SELECT count(*), sum(k), max(s) FROM big",
    "join, large build": "SELECT count(*) FROM big a JOIN big b ON a.s = b.s",
    "left join": "SELECT count(b.s) FROM big a LEFT JOIN big b ON a.id = b.k",
    "full join": "SELECT count(*) FROM big a FULL JOIN big b ON a.id = b.k",
    "join, one huge key": "SELECT count(*) FROM (SELECT * FROM skew LIMIT 1000) a JOIN skew b USING (k)",
    "semi join": "SELECT count(*) FROM big WHERE s IN (SELECT s FROM big WHERE id % 2 = 0)",
    "not in": "SELECT count(*) FROM big WHERE id NOT IN (SELECT k FROM big)",
    "inequality join": "SELECT count(*) FROM (SELECT * FROM small WHERE x < 30000) a JOIN big b ON a.x < b.k AND a.x + 5 > b.k",
    "group by text": "SELECT count(*) FROM (SELECT s, count(*), sum(f) FROM big GROUP BY s) x",
    "group by, min of text": "SELECT count(*) FROM (SELECT k, min(s), max(s) FROM big GROUP BY k) x",
    "distinct": "SELECT count(*) FROM (SELECT DISTINCT id, s FROM big) x",
    "count distinct": "SELECT count(DISTINCT s), count(DISTINCT k) FROM big",
    "sort": "SELECT * FROM big ORDER BY s, id",
    "sort, narrow": "SELECT id FROM big ORDER BY k DESC, id",
    "top-N, large": "SELECT * FROM big ORDER BY s LIMIT 900000",
    "top-N, small": "SELECT * FROM big ORDER BY s LIMIT 10",
    "limit and offset": "SELECT * FROM big LIMIT 5 OFFSET 900000",
    "union": "SELECT count(*) FROM (SELECT s FROM big UNION SELECT s FROM big WHERE k % 2 = 0) x",
    "except": "SELECT count(*) FROM (SELECT id, s FROM big EXCEPT ALL SELECT id, s FROM big WHERE k > 5) x",
    "shared": "WITH b AS MATERIALIZED (SELECT * FROM big) SELECT count(*) FROM b x JOIN b y ON x.id = y.id",
    "correlated": "SELECT count(*) FROM big a WHERE k < (SELECT count(*) FROM big b WHERE b.k = a.k)",
    "scalar subquery": "SELECT id, (SELECT max(s) FROM big b WHERE b.k = a.k) FROM big a",
    "wide": "SELECT * FROM wide",
    "wide sort": "SELECT * FROM wide ORDER BY c7 DESC",
    "csv": "SELECT count(*), sum(k), max(s) FROM text",
    "csv.gz": "SELECT count(*), sum(k), max(s) FROM zipped",
    "long csv value": "SELECT max(length(v)) FROM long_value",
    "long texts": "SELECT sum(length(repeat('x', 1000000 + x::int))) FROM generate_series(1::bigint, 300) g(x)",
    "long texts kept": "SELECT count(*) FROM (SELECT DISTINCT repeat('x', 100000 + x::int) FROM generate_series(1::bigint, 3000) g(x)) y",
    "one longer text": "SELECT length(repeat('x', 200000000))",
    "doubling": "SELECT length(replace(repeat('x', 3000000), 'x', repeat('y', 100)))",
    "generate_series": "SELECT count(*) FROM generate_series(1::bigint, 3000000) g(x)",
    "cross": "SELECT count(*) FROM (SELECT * FROM big LIMIT 3000) a, (SELECT * FROM big LIMIT 3000) b WHERE a.k <> b.k",
    "rows out": "SELECT * FROM big",
    "as table": "COPY (SELECT * FROM big) TO '{out}/a.csv'",
    "copy to parquet": "COPY (SELECT * FROM big) TO '{out}/a.parquet'",
    "copy wide": "COPY (SELECT * FROM wide) TO '{out}/w.parquet'",
    "copy to csv.gz": "COPY (SELECT * FROM big LIMIT 200000) TO '{out}/a.csv.gz'",
    "create table as": "CREATE TABLE made AS SELECT * FROM big",
    "in list": "SELECT count(*) FROM big WHERE id IN (" + ", ".join(str(7 * i) for i in range(12000)) + ")",
}


def make_data(folder):
    """The tables, written by the engine itself; CSV also by hand."""
    rows = 1000000
    made = sql([f"CREATE TABLE big AS SELECT x AS id, x * 7919 % 1000003 AS k, 'text number ' || x * 31 % 1000033 || ' and more' AS s, "
                f"x / 7.0::float8 AS f FROM generate_series(1::bigint, {rows}) g(x)",
                "CREATE TABLE skew AS SELECT 1 AS k, x AS v, 'the same row of text' AS s FROM generate_series(1::bigint, 300000) g(x)",
                "CREATE TABLE small AS SELECT x * 300 AS x FROM generate_series(1::bigint, 300) g(x)",
                "CREATE TABLE wide AS SELECT " + ", ".join(f"x + {i} AS c{i}" for i in range(500)) +
                " FROM generate_series(1::bigint, 20000) g(x)",
                f"COPY (SELECT * FROM big) TO '{folder}/text.csv'",
                f"COPY (SELECT * FROM big) TO '{folder}/zipped.csv.gz'"], database=folder)
    check(made.status == 0, f"making data: {made}")
    with open(os.path.join(folder, "long_value.csv"), "w", encoding="utf-8") as f:
        f.write("n,v\n1,short\n2,")
        for _ in range(100):
            f.write("y" * MIB)
        f.write("\n")


def test_budgets(folder):
    out = os.path.join(folder, "out")
    os.makedirs(out)
    fits = 0
    for name, query in QUERIES.items():
        query = query.replace("{out}", out)
        after = ["DROP TABLE made"] if query.startswith("CREATE TABLE") else []
        for budget in BUDGETS:
            run = sql([query, *after], "--memory", f"{budget}MiB", "--threads", "2", "--set", "jit=off", database=folder)
            what = f"{name} within {budget} MiB"
            check(run.status == 0 or run.status == 1 and NEED.match(run.err), f"{what}: {run}")
            check(run.peak_bytes <= budget * MIB + CONSTANT_BYTES, f"{what}: {run.peak_bytes / MIB:.0f} MiB resident")
            if os.environ.get("FAULTS_VERBOSE"):
                print(f"{name:24} {budget:4} MiB: status {run.status}, {run.peak_bytes / MIB:.0f} MiB resident, {run.seconds:.1f} s "
                      f"{run.err[:90].strip()}")
            fits += run.status == 0
        left = [n for n in os.listdir(out) + os.listdir(folder) if ".tmp" in n]
        check(not left, f"{name}: left {left}")
    check(fits >= len(QUERIES) // 2, f"only {fits} of the runs fit: the test has no answers to look at")


def test_session_goes_on(folder):
    """One session, errors, then the answer; several times, so that what an error leaks would add up."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
    from vonkpy import Session, VonkError
    with Session(folder, memory="32MiB", threads=4, jit="off") as session:
        for _ in range(8):
            for query in ("SELECT count(*) FROM (SELECT DISTINCT id, s FROM big) x", "SELECT count(*) FROM big a JOIN big b ON a.s = b.s",
                          "SELECT * FROM big ORDER BY s", "SELECT k, min(s) FROM big GROUP BY k"):
                try:
                    session.query(query)
                    check(False, f"{query} must not fit")
                except VonkError as error:
                    check(error.sqlstate == "53200", f"{query}: {error}")
            check(session.query("SELECT count(*), max(id) FROM big")[1] == [("1000000", "1000000")], "the session goes on")


def test_data_sized_output(folder):
    """The table format looks at all widths first; it must not keep all rows for that."""
    for form in ("table", "markdown", "json", "jsonl", "tsv", "none"):
        with open("/dev/null", "w", encoding="utf-8") as null:
            run = finish(start(["sql", folder, "--memory", "64MiB", "--set", "jit=off", "--format", form, "-c", "SELECT * FROM big"],
                               stdout=null))
        check(run.status == 0, f"--format {form}: {run}")
        check(run.peak_bytes <= 64 * MIB + CONSTANT_BYTES, f"--format {form}: {run.peak_bytes / MIB:.0f} MiB resident")


def run_all(folder):
    make_data(folder)
    test_budgets(folder)
    test_session_goes_on(folder)
    test_data_sized_output(folder)
