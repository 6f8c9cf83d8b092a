"""The nth allocation fails, through the library (allocation_driver.c)."""
import os
import re
import subprocess

from faults import BUILD, HERE, ROOT, check, sql

QUERIES = {
    "scan and filter": "SELECT count(*), sum(k) FROM big WHERE s LIKE '%7%'",
    "join": "SELECT count(*), min(b.s) FROM big a JOIN big b ON a.id = b.k WHERE a.k < 1000",
    "group by": "SELECT k % 1000, count(*), min(s), avg(id) FROM big GROUP BY 1 ORDER BY 1 LIMIT 5",
    "sort": "SELECT id, s FROM big ORDER BY s, id LIMIT 3 OFFSET 5000",
    "distinct, set operation": "SELECT count(*) FROM (SELECT DISTINCT k FROM big EXCEPT SELECT id FROM big WHERE k > 3) x",
    "subqueries": "SELECT count(*) FROM big a WHERE EXISTS (SELECT 1 FROM big b WHERE b.k = a.id AND b.id > 5) OR k IN (1, 2)",
    "CSV": "SELECT count(*), sum(k), max(s) FROM text",
    "csv.gz": "SELECT count(*), sum(k) FROM zipped",
    "COPY": "COPY (SELECT * FROM big WHERE id < 500) TO '{out}/a.parquet'",
    "job, word count": "job: word_count 3000",
    "job, join": "job: join 5000",
    "job, cogroup": "job: cogroup 2000",
    "job, sort": "job: sort 3000",
    "job, broadcast": "job: look_up 2000",
    "job, persist": "job: keep 1500",
    "job, text files": "job: save_text 2000",
    "job, Parquet files": "job: save_parquet 2000",
    "job, checkpoint": "job: checkpoint 2000",
    "EXPLAIN": "EXPLAIN (FORMAT JSON) SELECT count(*) FROM big a JOIN big b USING (id)",
}


def build_driver(folder):
    path = os.path.join(folder, "allocation_driver")
    subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Werror", "-fno-builtin", "-rdynamic", f"-I{ROOT}/include",
                    os.path.join(HERE, "allocation_driver.c"), f"-L{BUILD}", "-lvonk", "-lpg_query", "-ldl", f"-Wl,-rpath,{BUILD}", "-o", path], check=True)
    return path


def run_all(folder):
    made = sql(["CREATE TABLE big AS SELECT x AS id, x * 7919 % 30011 AS k, 'text ' || x * 31 % 30013 AS s "
                "FROM generate_series(1::bigint, 30000) g(x)", f"COPY (SELECT * FROM big) TO '{folder}/text.csv'",
                f"COPY (SELECT * FROM big) TO '{folder}/zipped.csv.gz'"], database=folder)
    check(made.status == 0, f"making data: {made}")
    driver = build_driver(folder)
    for name, query in QUERIES.items():
        query = query.replace("{out}", folder)
        done = subprocess.run([driver, folder, "threads=2 jit=off", query], capture_output=True, text=True, errors="replace",
                              env={**os.environ, "TMPDIR": folder}, timeout=600)
        count = re.search(r"(\d+) allocations: (\d+) right, (\d+) errors, (\d+) ended, 0 bad", done.stdout)
        if os.environ.get("FAULTS_VERBOSE"):
            print(f"{name}: {done.stdout.strip()}")
        # a job's task that is refused memory is tried again, with success when the fault was but one
        felt = count is not None and int(count[3]) + (int(count[4]) if query.startswith("job: ") else 0) > 0
        check(done.returncode == 0 and felt, f"{name}: {done.stdout} {done.stderr}")
