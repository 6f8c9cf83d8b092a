#!/usr/bin/env python3
"""The same bits, whatever happens: results of a varied set of queries, hashed in every mode and in repeated runs.

    run_bits.py [--repeat N] [--all-modes]

Threads, tier, batch size and rules, each query in each pair of settings (or in all combinations); and the likeliest to waver N times each. Rows count in their order,
ORDER BY or not. Sums are over doubles of wild magnitudes, whose plain sum depends on the order of addition.
"""
import argparse
import hashlib
import itertools
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from vonkpy import Session, VonkError  # noqa: E402

PARTS, PART_ROWS = 12, 2500

THREADS, TIERS, BATCHES = (1, 2, 8), ("off", "on", "auto"), (2048, 1, 3)
ALL_MODES = [{"threads": t, "jit": j, "batch_rows": b} for t, j, b in itertools.product(THREADS, TIERS, BATCHES)]
# each pair of settings in one of them
PAIRS = [{"threads": THREADS[t], "jit": TIERS[j], "batch_rows": BATCHES[(t + j) % 3]} for t, j in itertools.product(range(3), repeat=2)]
RULES_OFF = [{**mode, "optimizer.disable": "all"} for mode in
             ({"threads": 1, "jit": "off"}, {"threads": 8, "jit": "off"}, {"threads": 8, "jit": "on", "batch_rows": 3})]
AGAIN = [{"threads": 2, "jit": "auto"}, {"threads": 8, "jit": "off"}, {"threads": 8, "jit": "on"}]

# Without ORDER BY these follow the plan: rules off, their rows come in another order. Compared as sets.
ORDER_OF_PLAN = {"right join"}

QUERIES = {
    "sum and avg of doubles": "SELECT sum(f), avg(f), sum(g), avg(g), sum(w) FROM t",
    "float4": "SELECT sum(g::float4), avg(f2::float4), sum((g * k)::float4) FROM t",
    "variance": "SELECT var_pop(g), var_samp(g), stddev(g), stddev_pop(g), variance(g::float4) FROM t",
    "sum by group": "SELECT k, sum(f), avg(g), stddev(g), count(*) FROM t GROUP BY k",
    "sum by many groups": "SELECT id % 7001, sum(f), avg(g), variance(g) FROM t GROUP BY 1",
    "sum by text": "SELECT s, sum(f), min(g), max(g) FROM t GROUP BY s",
    "sum with filter": "SELECT sum(f) FILTER (WHERE k % 3 = 1), avg(f) FILTER (WHERE s LIKE '%7'), sum(DISTINCT g) FROM t",
    "sum over a join": "SELECT sum(a.f * b.k), avg(a.g * b.k), count(*) FROM t a JOIN u b ON a.k = b.k",
    "sum by group over a join": "SELECT b.name, sum(a.f), avg(a.g * b.k) FROM t a LEFT JOIN u b ON a.k = b.k GROUP BY b.name",
    "sum of a union": "SELECT sum(f), stddev(f2) FROM (SELECT f, f2 FROM t UNION ALL SELECT g, f2 FROM t WHERE k < 5) x",
    "sum from CSV": "SELECT sum(f), avg(g), stddev(g), count(*) FROM c",
    "sum by group from CSV": "SELECT k, sum(f), avg(g) FROM c GROUP BY k",
    "numeric": "SELECT sum(n), avg(n), stddev(n), sum(n * n) FROM t",
    "special values": "SELECT sum(x), avg(x), min(x), max(x), count(x) FROM (SELECT CASE k % 4 WHEN 0 THEN 'NaN'::float8 WHEN 1 THEN g ELSE NULL END AS x FROM t) y",
    "zeros": "SELECT min(z), max(z), sum(z) FROM (SELECT CASE WHEN id % 2 = 0 THEN 0.0::float8 ELSE -0.0::float8 END AS z FROM t) x",
    "group by zeros": "SELECT z, count(*) FROM (SELECT CASE WHEN id % 2 = 0 THEN 0.0::float8 ELSE -0.0::float8 END AS z FROM t) x GROUP BY z",
    "limit": "SELECT id, s FROM t LIMIT 20",
    "limit and offset": "SELECT id, f FROM t LIMIT 10 OFFSET 11111",
    "limit after a filter": "SELECT id FROM t WHERE k = 3 AND s LIKE '%1%' LIMIT 40",
    "limit of CSV": "SELECT id, s FROM c WHERE k > 10 LIMIT 17 OFFSET 9000",
    "limit of a group by": "SELECT k, count(*) FROM t GROUP BY k LIMIT 7",
    "limit of distinct": "SELECT DISTINCT s FROM t LIMIT 9",
    "limit of a join": "SELECT a.id, b.name FROM t a JOIN u b ON a.k = b.k LIMIT 25",
    "limit of a left join": "SELECT a.id, b.name FROM t a LEFT JOIN u b ON a.k = b.k AND b.k % 2 = 0 LIMIT 25 OFFSET 5000",
    "limit of a union": "SELECT k FROM t UNION SELECT k + 3 FROM u LIMIT 13",
    "all rows": "SELECT id, k, s, f FROM t",
    "rows of a filter": "SELECT id, s FROM t WHERE k % 5 = 2",
    "rows of CSV": "SELECT id, s FROM c WHERE k % 5 = 2",
    "ties, ordered": "SELECT k, id FROM t ORDER BY k",
    "ties, ordered by text": "SELECT s, id FROM t ORDER BY s DESC",
    "ties, top-N": "SELECT k, id FROM t ORDER BY k LIMIT 300",
    "ties, top-N and offset": "SELECT s, id FROM t ORDER BY s DESC LIMIT 50 OFFSET 700",
    "ties, top-N from CSV": "SELECT k, id FROM c ORDER BY k DESC LIMIT 100",
    "ties, sort after group": "SELECT id % 100 AS h, count(*) AS c FROM t GROUP BY 1 ORDER BY c LIMIT 20",
    "ties, sort over a join": "SELECT b.name, a.id FROM t a JOIN u b ON a.k = b.k ORDER BY b.name LIMIT 200",
    "group by order": "SELECT s, count(*) FROM t GROUP BY s",
    "group by two": "SELECT k, s, count(*) FROM t GROUP BY k, s",
    "group by id": "SELECT id, count(*) FROM t GROUP BY id",
    "distinct": "SELECT DISTINCT k, s FROM t",
    "count distinct": "SELECT k, count(DISTINCT s), count(DISTINCT id) FROM t GROUP BY k",
    "join with duplicates": "SELECT a.id, b.id FROM t a JOIN t b ON a.k = b.k AND a.id % 997 = b.id % 991",
    "right join": "SELECT a.id, b.k, b.name FROM t a RIGHT JOIN u b ON a.k = b.k AND a.id < 300",
    "full join": "SELECT a.id, b.k FROM (SELECT * FROM t WHERE id % 50 = 1) a FULL JOIN u b ON a.k = b.k + 20",
    "semi join": "SELECT id FROM t WHERE k IN (SELECT k FROM u WHERE name LIKE '%1%')",
    "anti join": "SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.k % 3 = 0)",
    "nested loops": "SELECT a.k, b.k FROM u a JOIN u b ON a.k < b.k AND a.name <> b.name",
    "union": "SELECT k, s FROM t UNION SELECT k, name FROM u",
    "except all": "SELECT k FROM t EXCEPT ALL SELECT k FROM u",
    "intersect": "SELECT id FROM t INTERSECT SELECT id * 3 FROM t",
    "correlated": "SELECT k, (SELECT sum(f) FROM t WHERE t.k = u.k) FROM u",
    "shared": "WITH x AS (SELECT k, sum(f) AS f, avg(g) AS g FROM t GROUP BY k) SELECT a.k, b.f, a.g FROM x a JOIN x b ON a.k = b.k",
    "having": "SELECT k, avg(g) FROM t GROUP BY k HAVING sum(f2) > 0",
}


def make_data(folder):
    """t: PARTS files; c: the same as one CSV; u: a small table with every second key and some keys twice."""
    os.makedirs(os.path.join(folder, "t"))
    columns = ("x AS id, x * 7919 % 61 AS k, 'text ' || x * 31 % 97 AS s, "
               "(CASE WHEN x % 3 = 0 THEN -1 ELSE 1 END) * power(10::float8, x * 7919 % 240 - 120) * (x % 1009 + 0.1) AS f, "
               "(x * 48271 % 2147483647) / 1e5::float8 - 7000 AS g, sin(x) * power(2::float8, x % 60) AS f2, "
               "(CASE WHEN x % 2 = 0 THEN '1e300'::float8 ELSE '-1e300'::float8 END) * (x % 7) AS w, "
               "(x * 7919 % 1000003)::numeric(20,4) / 7 AS n")
    with Session(folder) as session:
        for part in range(PARTS):
            first = part * PART_ROWS + 1
            session.query(f"COPY (SELECT {columns} FROM generate_series({first}::bigint, {first + PART_ROWS - 1}) g(x)) "
                          f"TO '{folder}/t/part{part:02}.parquet'")
        session.query(f"COPY (SELECT * FROM t) TO '{folder}/c.csv'")
        session.query("CREATE TABLE u AS SELECT x % 40 * 2 AS k, 'name ' || x % 13 AS name FROM generate_series(1::bigint, 90) g(x)")


def digest(session, sql, is_set):
    try:
        names, rows = session.query(sql)
        rows = sorted(rows, key=repr) if is_set else rows
    except VonkError as error:
        return f"error {error}"
    return hashlib.sha256(repr((names, session.types, rows)).encode()).hexdigest()[:16]


def name_of(mode):
    return " ".join(f"{k}={v}" for k, v in mode.items())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--all-modes", action="store_true")
    arguments = parser.parse_args()
    modes = [*(ALL_MODES if arguments.all_modes else PAIRS), *RULES_OFF]
    passed = failed = 0
    truth = {}
    with tempfile.TemporaryDirectory(prefix="vonk-bits-") as folder:
        make_data(folder)
        for mode, times in [*((m, 1) for m in modes), *((m, arguments.repeat) for m in AGAIN)]:
            with Session(folder, **mode) as session:
                for _ in range(times):
                    for name, sql in QUERIES.items():
                        got = digest(session, sql, name in ORDER_OF_PLAN)
                        same = got == truth.setdefault(name, got) and not got.startswith("error")
                        passed, failed = passed + same, failed + (not same)
                        if not same:
                            print(f"FAILED: {name} in [{name_of(mode)}]: {got}, not {truth[name]} as in [{name_of(modes[0])}]", flush=True)
    print(f"bits: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
