#!/usr/bin/env python3
"""EXPLAIN of TPC-H's queries at SF0.01 and of WITH upon WITH: every step, in text, JSON and DOT (drawn by graphviz)."""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import pyenv  # noqa: E402

pyenv.use()
VONK = os.path.join(os.environ.get("VONK_BUILD", os.path.join(ROOT, "build", "release")), "vonk")
QUERIES = os.path.join(ROOT, "tests", "tpch", "queries")
PATIENCE = 120
passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"FAILED: {what}")


def vonk(database, *statements, options=(), env=None):
    arguments = [argument for statement in statements for argument in ("-c", statement)]
    return subprocess.run([VONK, "sql", database, *options, *arguments], capture_output=True, text=True,
                          timeout=PATIENCE, env=env)


def nodes(node):
    yield node
    for node_below in node["inputs"]:
        yield from nodes(node_below)


def test_json(database, name, sql):
    result = vonk(database, f"EXPLAIN (ANALYZE, RULES, STAGES, CODE, CONFIG, FORMAT JSON) {sql}")
    check(result.returncode == 0, f"{name}: {result.stderr}")
    try:
        found = json.loads(result.stdout)
    except ValueError as error:
        check(False, f"{name}: no JSON: {error}")
        return
    check(set(found) == {"plan", "execution_ms", "peak_memory_bytes", "rules", "stages", "code", "config"},
          f"{name}: members {list(found)}")
    plan = list(nodes(found["plan"]))
    check(all("rows" in n and "cpu_ms" in n and "kernel" in n for n in plan), f"{name}: a node without numbers")
    rows = vonk(database, sql, options=("--format", "jsonl")).stdout.count("\n")
    check(plan[0]["rows"] == rows, f"{name}: {plan[0]['rows']} rows at the root, {rows} in the result")
    scans = [n for n in plan if n["node"] == "Scan"]
    check(scans and all(n["read_bytes"] > 0 for n in scans if n["rows"] > 0), f"{name}: a scan that read nothing")
    check(all(r["fired"] > 0 and r["before"] and r["after"] for r in found["rules"]), f"{name}: a rule that says nothing")
    check("Stage 0" in found["stages"] and "kernel" in found["code"] and "define" in found["code"],
          f"{name}: stages or code")


def test_text(database, name, sql):
    plan = vonk(database, f"EXPLAIN {sql}").stdout
    analyzed = vonk(database, f"EXPLAIN ANALYZE {sql}").stdout
    lines = [line.split("  rows=")[0] for line in plan.splitlines()]
    check(lines and all(line in analyzed.splitlines() for line in lines), f"{name}: ANALYZE has another plan")
    check("Execution time: " in analyzed and "rows " in analyzed, f"{name}: ANALYZE without numbers")


def test_dot(database, name, sql):
    for options in ("FORMAT DOT", "ANALYZE, RULES, STAGES, KERNELS, CONFIG, FORMAT DOT"):
        result = vonk(database, f"EXPLAIN ({options}) {sql}")
        drawn = subprocess.run(["dot", "-Tplain"], input=result.stdout, capture_output=True, text=True,
                               timeout=PATIENCE)
        check(drawn.returncode == 0 and drawn.stdout.startswith("graph") and drawn.stderr == "",
              f"{name} ({options}): {drawn.stderr[:500]}")


def test_tiers_and_cache(database):
    """A second process finds the code of the first on disk, and says so."""
    sql = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT sum(l_quantity * 3 + l_tax) FROM lineitem WHERE l_discount > 0.03"
    kernels = []
    with tempfile.TemporaryDirectory(prefix="vonk-explain-") as cache:  # there may be no home, and other tests fill the user's
        for jit in ("off", "on", "on"):
            found = json.loads(vonk(database, sql, options=("--set", f"jit={jit}"), env={**os.environ, "XDG_CACHE_HOME": cache}).stdout)
            kernels.append([n["kernel"] for n in nodes(found["plan"])])
    check(sum(k["rows_compiled"] for k in kernels[0]) == 0 and sum(k["rows_interpreted"] for k in kernels[0]) > 0,
          f"jit=off: {kernels[0]}")
    check(sum(k["rows_compiled"] for k in kernels[1]) > 0, f"jit=on: {kernels[1]}")
    check(any(k["cache_hit"] for k in kernels[2]) and all(k["compile_ms"] == 0 for k in kernels[2]),
          f"jit=on, again: {kernels[2]}")


LEVELS = 25
SECONDS_MAX = 5  # of CPU time: it takes 0.1; printing each reader's input anew would take hours


def cpu_seconds():
    """Of all processes that were run so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def with_upon_with(level):
    """LEVELS queries, each read by what level(name of the one below) says."""
    queries = ["a0 AS (SELECT x, x % 3 AS k FROM generate_series(1, 3) AS g(x))"]
    queries += [f"a{i} AS ({level(f'a{i - 1}')})" for i in range(1, LEVELS + 1)]
    return f"WITH {', '.join(queries)} SELECT p.x FROM a{LEVELS} AS p JOIN a{LEVELS} AS q ON p.x = q.k + 1"


def test_shared():
    """What several read is shown below the first of them, by every step and in every format."""
    levels = {"joins": lambda below: f"SELECT l.x, r.k FROM {below} AS l JOIN {below} AS r ON l.x = r.k + 1 LIMIT 3",
              "subqueries": lambda below: f"SELECT l.x, l.k FROM {below} AS l WHERE x <= (SELECT max(x) FROM {below}) "
                                          f"AND EXISTS (SELECT FROM {below} AS r WHERE r.k = l.k OR r.x < l.x)"}
    for name, level in levels.items():
        sql = with_upon_with(level)
        for options in ("PLAN", "ANALYZE", "RULES", "STAGES, KERNELS", "PLAN, FORMAT JSON", "ANALYZE, RULES, FORMAT JSON",
                        "PLAN, FORMAT DOT", "ANALYZE, RULES, FORMAT DOT"):
            started = cpu_seconds()
            result = vonk(".", f"EXPLAIN ({options}) {sql}")
            seconds = cpu_seconds() - started
            check(result.returncode == 0 and seconds < SECONDS_MAX, f"{name} ({options}): {seconds:.1f} s {result.stderr}")
            if "JSON" in options:
                shared = [n for n in nodes(json.loads(result.stdout)["plan"]) if n["node"] == "Shared"]
                first = [n["shared_id"] for n in shared if not n["is_above"]]
                check(len(first) == len(set(first)) >= LEVELS, f"{name}: inputs shown: {first}")
                check(all(n["shared_id"] in first and bool(n["inputs"]) != n["is_above"] for n in shared),
                      f"{name}: readers: {shared}")
            elif "DOT" in options:
                readers = re.findall(r"^  (n\d+) \[label=\"Shared ", result.stdout, flags=re.M)
                edges = {r: re.findall(rf"^  (n\d+) -> {r} ", result.stdout, flags=re.M) for r in readers}
                read = {inputs[0] for inputs in edges.values()}
                check(all(len(inputs) == 1 for inputs in edges.values()) and LEVELS <= len(read) < len(readers),
                      f"{name}: edges: {edges}")
            elif options in ("PLAN", "ANALYZE"):
                check(result.stdout.count(", as above") >= LEVELS and len(result.stdout) < 200000,
                      f"{name} ({options}): {len(result.stdout)} bytes")


def test_options():
    for statement, part in (("EXPLAIN (NONSENSE) SELECT 1", 'unrecognized EXPLAIN option "nonsense"'),
                            ("EXPLAIN (ANALYZE maybe) SELECT 1", "analyze requires a Boolean value"),
                            ("EXPLAIN (FORMAT xml) SELECT 1", 'unrecognized value for EXPLAIN option "format"'),
                            ("EXPLAIN CREATE VIEW v AS SELECT 1", "")):
        result = vonk(".", statement)
        check(result.returncode == 1 and part in result.stderr, f"{statement}: {result.stderr}")
    check("Execution time" not in vonk(".", "EXPLAIN (ANALYZE off) SELECT 1").stdout, "ANALYZE off")
    config = json.loads(vonk(".", "EXPLAIN (CONFIG, FORMAT JSON) SELECT 1", options=("--threads", "3")).stdout)
    config = {row["name"]: row for row in config["config"]}
    check(config["threads"]["value"] == "3" and config["threads"]["from"] == "set", config["threads"])
    check("of the " in config["memory"]["from"], config["memory"])


def test_writes():
    """EXPLAIN shows what CREATE TABLE AS and COPY would do, ANALYZE does it."""
    with tempfile.TemporaryDirectory(prefix="vonk-explain-") as database:
        table, file = "CREATE TABLE t AS SELECT x FROM generate_series(1, 5) AS g(x)", os.path.join(database, "f.csv")
        copy = f"COPY (SELECT x FROM t WHERE x > 2) TO '{file}' (HEADER false)"
        for options in ("", "(STAGES) ", "(FORMAT JSON) "):
            result = vonk(database, f"EXPLAIN {options}{table}")
            check(result.returncode == 0 and ("Write" in result.stdout or "write" in result.stdout), f"{options}: {result}")
            check(os.listdir(database) == [], f"{options}: {os.listdir(database)}")
        result = vonk(database, f"EXPLAIN ANALYZE {table}", "SELECT count(*) FROM t", options=("--format", "csv"))
        check(result.returncode == 0 and "Execution time" in result.stdout and result.stdout.endswith("count\n5\n"), f"{result}")
        result = vonk(database, "EXPLAIN CREATE TABLE IF NOT EXISTS t AS SELECT 1")
        check(result.stdout.startswith("Nothing to do\n"), f"{result}")
        result = vonk(database, f"EXPLAIN {copy}; SELECT 7 AS seven")
        check(result.returncode == 0 and "Write" in result.stdout and "seven" in result.stdout, f"{result}")
        check(not os.path.exists(file), "EXPLAIN COPY wrote")
        for analyze in ("ANALYZE", "(ANALYZE, BUFFERS)", "/* with ; */ (ANALYZE, FORMAT 'json')"):
            result = vonk(database, f"SELECT 1; EXPLAIN {analyze} {copy}")
            with open(file, encoding="utf-8") as f:
                check(result.returncode == 0 and f.read() == "3\n4\n5\n", f"{analyze}: {result}")
            os.remove(file)
        statement = f"SELECT 1; EXPLAIN (NONSENSE) {copy}"
        result = vonk(database, statement)
        line, caret = result.stderr.splitlines()[1:3]
        check('unrecognized EXPLAIN option "nonsense"' in result.stderr and line[caret.index("^"):].startswith("NONSENSE"),
              f"{result}")
        check(vonk(database, f"EXPLAIN COPY t FROM '{file}'").returncode == 1, "COPY FROM")
    result = vonk(".", "EXPLAIN ANALYZE CREATE TEMPORARY TABLE m AS SELECT 1 AS x", "SELECT x + 41 AS y FROM m",
                  options=("--format", "csv"))
    check(result.returncode == 0 and result.stdout.endswith("y\n42\n"), f"in memory: {result}")


BOXES = "part WHERE p_container = 'MED BOX'"
# what the plan of a job has, and has not: lines by their beginnings, ">" for what stands right below what is before it
JOBS = {
    "a filter goes below an aggregate in two halves":
        (f"SELECT q FROM (SELECT * FROM {BOXES}) p JOIN (SELECT l_partkey, avg(l_quantity) q FROM lineitem GROUP BY l_partkey) a "
         "ON l_partkey = p_partkey", ["Aggregate keys: l_partkey aggs: state of", "> Exchange deal", "> semi Hash Join", "> Scan lineitem"],
         []),
    "no filter where most is kept": ("SELECT count(*) FROM lineitem JOIN orders ON l_orderkey = o_orderkey", ["inner Hash Join"],
                                     ["semi Hash Join"]),
    "an outer join's rows are not dropped": (f"SELECT count(p_partkey) FROM lineitem LEFT JOIN (SELECT * FROM {BOXES}) p ON l_partkey = p_partkey",
                                             ["left Hash Join"], ["semi Hash Join"]),
    "exchanges carry what is read": ("SELECT count(p_name), count(o_clerk) FROM lineitem FULL JOIN part ON l_partkey = p_partkey "
                                     "FULL JOIN orders ON l_orderkey = o_orderkey",
                                     ["Exchange hash l_orderkey", "> Project exprs: l_orderkey, p_name", "full Hash Join"], []),
    "keys that are expressions are hashed": ("SELECT count(l_tax), count(o_clerk) FROM lineitem FULL JOIN orders ON l_orderkey + 1 = o_orderkey",
                                             ["full Hash Join", "> Exchange hash key", "> Project exprs: l_orderkey, l_tax, (l_orderkey + 1)"], []),
    "a full join's rows do not lie by its keys": ("SELECT l_orderkey, count(*) FROM lineitem FULL JOIN orders ON l_orderkey = o_orderkey GROUP BY 1",
                                                  ["Aggregate keys: l_orderkey", "> Exchange hash l_orderkey", "> Project", "> full Hash Join"], []),
    "the few left rows of a right join are repeated": ("SELECT count(n_name) FROM nation RIGHT JOIN customer ON c_nationkey = n_nationkey",
                                                      ["Exchange broadcast", "> Exchange deal", "> Scan nation"], ["Exchange hash"]),
}


def tell(line):
    """A line of a plan as JOBS has it."""
    line = line.split("  rows=")[0].strip()
    scan = re.match(r"Scan \S+/(\w+)\.parquet", line)
    exchange = re.match(r"(\w+) Exchange partitions: \d+ (?:keys: (.*) )?order:", line)
    if scan:
        return f"Scan {scan.group(1)}"
    return f"Exchange {exchange.group(1)} {exchange.group(2) or ''}".strip() if exchange else line


def test_jobs(database):
    for name, (sql, wanted, unwanted) in JOBS.items():
        result = vonk(database, f"EXPLAIN {sql}", options=("--set", "test.jobs=3", "--format", "plain"))
        lines = [tell(line) for line in result.stdout.splitlines()]
        at = -1
        for line in wanted:
            near, text = (lines[at + 1:at + 2], line[2:]) if line.startswith("> ") and at >= 0 else (lines[at + 1:], line.removeprefix("> "))
            found = next((i for i, one in enumerate(near) if one.startswith(text)), None)
            check(found is not None, f"{name}: no {line!r} in\n{result.stdout}{result.stderr}")
            if found is None:
                break
            at += 1 + found
        for line in unwanted:
            check(not any(one.startswith(line) for one in lines), f"{name}: {line!r} in\n{result.stdout}")


def main():
    database = pyenv.tpch(0.01)
    has_dot = subprocess.run(["sh", "-c", "command -v dot"], capture_output=True).returncode == 0
    if not has_dot:
        print("graphviz is not installed: DOT is not tested")
    for file in sorted(os.listdir(QUERIES)):
        with open(os.path.join(QUERIES, file), encoding="utf-8") as f:
            sql = f.read().strip().rstrip(";")
        if ";" in sql:
            continue  # a view, its query and its end
        test_json(database, file, sql)
        test_text(database, file, sql)
        if has_dot:
            test_dot(database, file, sql)
    test_tiers_and_cache(database)
    test_shared()
    test_jobs(database)
    test_writes()
    test_options()
    print(f"explain: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
