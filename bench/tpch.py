#!/usr/bin/env python3
"""TPC-H over Parquet, engine beside engine, query by query in one run.

    bench/tpch.py FOLDER [--runs N] [--threads N] [--queries 1,6,18] [--engines vonk,duckdb]

Each query runs in every engine in turn, once to warm up (for Vonk that first run has an empty code cache and is shown
apart), then N times interleaved; the median counts. Answers are compared with DuckDB's. Prints milliseconds, Vonk's
ratio to DuckDB, the sum, the geometric mean of the ratios, and each process's peak memory.
"""
import argparse
import decimal
import glob
import math
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "lib"))
TABLES = "customer lineitem nation orders part partsupp region supplier".split()


class Vonk:
    name = "vonk"

    def __init__(self, folder, threads):
        from vonkpy import Session
        self.cache = tempfile.mkdtemp(prefix="vonk-bench-")
        os.environ["XDG_CACHE_HOME"] = self.cache
        self.session = Session(folder, threads=threads)

    def run(self, sql):
        return self.session.query(sql)[1]

    def close(self):
        self.session.close()
        shutil.rmtree(self.cache)


class DuckDb:
    name = "duckdb"

    def __init__(self, folder, threads):
        import duckdb
        self.connection = duckdb.connect(config={"threads": threads})
        for table in TABLES:
            self.connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{folder}/{table}.parquet'")

    def run(self, sql):
        return self.connection.execute(sql).fetchall()

    def close(self):
        self.connection.close()


class DataFusion:
    name = "datafusion"

    def __init__(self, folder, threads):
        import datafusion
        self.context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(threads))
        for table in TABLES:
            self.context.register_parquet(table, f"{folder}/{table}.parquet")

    def run(self, sql):
        return [tuple(row.values()) for batch in self.context.sql(sql).collect() for row in batch.to_pylist()]

    def close(self):
        pass


class Hyper:
    name = "hyper"

    def __init__(self, folder, threads):
        import tableauhyperapi as api
        self.process = api.HyperProcess(api.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU,
                                        parameters={"log_config": ""})
        self.connection = api.Connection(self.process.endpoint)
        for table in TABLES:
            self.connection.execute_command(f"CREATE TEMP EXTERNAL TABLE {table} FOR '{folder}/{table}.parquet'")

    def run(self, sql):
        return [tuple(row) for row in self.connection.execute_list_query(sql)]

    def close(self):
        self.connection.close()
        self.process.close()


ENGINES = [Vonk, DuckDb, DataFusion, Hyper]


def value_key(value):
    """A value as text that engines agree on: numbers to 9 significant digits."""
    if value is None:
        return "NULL"
    text = str(value)
    try:
        return f"{float(decimal.Decimal(text)):.9g}"
    except (decimal.InvalidOperation, ValueError):
        return text.rstrip()


def same(a, b):
    """The same rows; order is the query's, so ties may stand otherwise: compared sorted."""
    def rows(answer):
        return sorted(tuple(value_key(v) for v in row) for row in answer)
    x, y = rows(a), rows(b)
    if len(x) != len(y):
        return False
    for p, q in zip(x, y):
        for v, w in zip(p, q):
            if v != w:
                try:
                    if math.isclose(float(v), float(w), rel_tol=1e-6):
                        continue
                except ValueError:
                    pass
                return False
    return True


def timed(engine, sql):
    start = time.perf_counter()
    answer = engine.run(sql)
    return (time.perf_counter() - start) * 1000, answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--queries", default="")
    parser.add_argument("--engines", default="")
    arguments = parser.parse_args()

    wanted = arguments.engines.split(",") if arguments.engines else [e.name for e in ENGINES]
    engines = []
    for engine_class in ENGINES:
        if engine_class.name not in wanted:
            continue
        try:
            engines.append(engine_class(os.path.abspath(arguments.folder), arguments.threads))
        except Exception as error:
            print(f"without {engine_class.name}: {error}")
    paths = sorted(glob.glob(os.path.join(HERE, "..", "tests", "tpch", "queries", "q*.sql")))
    if arguments.queries:
        numbers = {int(n) for n in arguments.queries.split(",")}
        paths = [p for p in paths if int(os.path.basename(p)[1:3]) in numbers]

    print(f"{'':6}{'vonk first':>12}" + "".join(f"{e.name:>12}" for e in engines) + f"{'vonk/duckdb':>13}  answer")
    medians = {e.name: [] for e in engines}
    ratios, wrong = [], 0
    for path in paths:
        sql = open(path, encoding="utf-8").read()
        times = {e.name: [] for e in engines}
        first, answers = {}, {}
        for engine in engines:
            try:
                first[engine.name], answers[engine.name] = timed(engine, sql)
            except Exception as error:
                answers[engine.name] = None
                print(f"{os.path.basename(path)} in {engine.name}: {str(error)[:200]}")
        for _ in range(arguments.runs):
            for engine in engines:
                if answers[engine.name] is not None:
                    times[engine.name].append(timed(engine, sql)[0])
        line = f"{os.path.basename(path)[:3]:6}{first.get('vonk', math.nan):12.1f}"
        for engine in engines:
            median = statistics.median(times[engine.name]) if times[engine.name] else math.nan
            medians[engine.name].append(median)
            line += f"{median:12.1f}"
        if "vonk" in medians and "duckdb" in medians:
            ratio = medians["vonk"][-1] / medians["duckdb"][-1]
            ratios.append(ratio)
            ok = answers["vonk"] is not None and same(answers["vonk"], answers["duckdb"])
            wrong += not ok
            line += f"{ratio:13.2f}  {'ok' if ok else 'DIFFERENT'}"
        print(line, flush=True)
    print(f"{'sum':18}" + "".join(f"{sum(m for m in medians[e.name] if m == m):12.1f}" for e in engines))
    good = [r for r in ratios if r == r]
    if good:
        print(f"geometric mean of vonk/duckdb: {math.exp(sum(map(math.log, good)) / len(good)):.3f}"
              f" over {len(good)} queries; worst {max(good):.2f}; different answers: {wrong}")
    print(f"peak memory of this process (all engines in it): "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    for engine in engines:
        engine.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
