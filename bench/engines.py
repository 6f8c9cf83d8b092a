"""Engines side by side: each in a process of its own, so that its CPU time and its peak memory are its own.

    with Engines(["vonk", "duckdb"], {"lineitem": ["/data/lineitem.parquet"]}, threads=2) as engines:
        measured = engines.compare(sql, runs=5)     # {"vonk": Measured(...), "duckdb": Measured(...)}

Answers leave as Arrow where the engine can (Vonk, DuckDB, DataFusion), so that Python does not count. The engines take
turns, run by run: what else the machine does meets all of them.
"""
import decimal
import math
import multiprocessing
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "lib"))


def arrow_rows(table):
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns))


class Vonk:
    """SET statements before a query are run apart."""

    def __init__(self, tables, threads, settings):
        from vonkpy import Session
        self.cache = tempfile.mkdtemp(prefix="vonk-bench-")
        os.environ["XDG_CACHE_HOME"] = self.cache
        self.session = Session(None, threads=threads, **settings)
        for name, path in tables.items():
            self.session.query(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")

    def run(self, sql):
        return self.session.arrow(sql)

    rows = staticmethod(arrow_rows)

    def close(self):
        self.session.close()
        shutil.rmtree(self.cache)


class DuckDb:
    def __init__(self, tables, threads, settings):
        import duckdb
        self.connection = duckdb.connect(config={"threads": threads})
        for name, path in tables.items():
            self.connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")

    def run(self, sql):
        return self.connection.sql(sql).to_arrow_table()

    rows = staticmethod(arrow_rows)

    def close(self):
        self.connection.close()


class DataFusion:
    def __init__(self, tables, threads, settings):
        import datafusion
        self.context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(threads))
        for name, path in tables.items():
            self.context.register_parquet(name, path)

    def run(self, sql):
        return self.context.sql(sql).to_arrow_table()

    rows = staticmethod(arrow_rows)

    def close(self):
        pass


class Polars:
    """Its SQL has no correlated subqueries, among others: what it does not answer is counted."""

    def __init__(self, tables, threads, settings):
        os.environ["POLARS_MAX_THREADS"] = str(threads)  # read when it is imported
        import polars
        self.context = polars.SQLContext({name: polars.scan_parquet(path) for name, path in tables.items()})

    def run(self, sql):
        return self.context.execute(sql.strip().rstrip(";"), eager=True)

    def rows(self, answer):
        return answer.rows()

    def close(self):
        pass


class Hyper:
    """Its server is another process: only its times count here."""

    def __init__(self, tables, threads, settings):
        import tableauhyperapi as api
        self.process = api.HyperProcess(api.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU,
                                        parameters={"log_config": ""})
        self.connection = api.Connection(self.process.endpoint)
        for name, path in tables.items():
            self.connection.execute_command(f"CREATE TEMP EXTERNAL TABLE {name} FOR '{path}'")

    def run(self, sql):
        return self.connection.execute_list_query(sql)

    def rows(self, answer):
        return [tuple(row) for row in answer]

    def close(self):
        self.connection.close()
        self.process.close()


ENGINES = {"vonk": Vonk, "duckdb": DuckDb, "datafusion": DataFusion, "polars": Polars, "hyper": Hyper}


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


def status_mib(field):
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return math.nan


def reset_peak():
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")
    except OSError:
        pass


def serve(pipe, name, tables, threads, settings):
    """The child: answers (sql, wants rows) with (milliseconds, CPU ms, peak MiB, rows or None) or an error's text."""
    try:
        engine = ENGINES[name](tables, threads, settings)
    except Exception as error:
        pipe.send(str(error))
        return
    pipe.send(None)
    while (request := pipe.recv()) is not None:
        sql, wants_rows = request
        try:
            reset_peak()
            cpu, start = cpu_ms(), time.perf_counter()
            answer = engine.run(sql)
            wall, cpu = (time.perf_counter() - start) * 1000, cpu_ms() - cpu
            peak = status_mib("VmHWM")
            pipe.send((wall, cpu, peak, engine.rows(answer) if wants_rows else None))
            del answer
        except Exception as error:
            pipe.send(str(error))
    engine.close()


class Measured:
    """One engine's runs of one query; error is its text if it failed."""

    def __init__(self):
        self.walls, self.cpus, self.peaks = [], [], []
        self.first, self.rows, self.error = math.nan, None, None

    wall = property(lambda self: statistics.median(self.walls) if self.walls else math.nan)
    cpu = property(lambda self: min(self.cpus) if self.cpus else math.nan)
    peak = property(lambda self: max(self.peaks) if self.peaks else math.nan)


class Engines:
    def __init__(self, names, tables, threads=2, settings=None):
        context = multiprocessing.get_context("fork")
        self.pipes, self.children = {}, {}
        for name in names:
            ours, theirs = context.Pipe()
            child = context.Process(target=serve, args=(theirs, name, tables, threads, settings or {}))
            child.start()
            theirs.close()
            trouble = ours.recv()
            if trouble is not None:
                print(f"without {name}: {trouble}")
                continue
            self.pipes[name], self.children[name] = ours, child

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for name, pipe in self.pipes.items():
            pipe.send(None)
            self.children[name].join()

    def ask(self, name, sql, wants_rows):
        self.pipes[name].send((sql, wants_rows))
        try:
            return self.pipes[name].recv()
        except EOFError:
            raise SystemExit(f"{name} died of: {sql}") from None

    def compare(self, sql, runs):
        measured = {name: Measured() for name in self.pipes}
        for name, m in measured.items():
            answer = self.ask(name, sql, True)
            if isinstance(answer, str):
                m.error = answer
            else:
                m.first, _, first_peak, m.rows = answer
                m.peaks.append(first_peak)
        for _ in range(runs):
            for name, m in measured.items():
                if m.error is None:
                    wall, cpu, peak, _ = self.ask(name, sql, False)
                    m.walls.append(wall)
                    m.cpus.append(cpu)
                    m.peaks.append(peak)
        return measured


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


class Report:
    """Prints a line a query and the totals: median milliseconds, least CPU time, peak memory, and Vonk's ratios."""

    def __init__(self, names):
        self.names = names
        self.walls = {name: [] for name in names}
        self.unanswered = {name: [] for name in names}
        self.ratios, self.cpu_ratios, self.peak_ratios, self.wrong = [], [], [], []
        peers = "".join(f"{name:>11}" for name in names)
        print(f"{'':14}{'vonk first':>11}{peers}{'vonk/duckdb':>13}{'its CPU':>9}{'peak MiB':>14}  answer", flush=True)

    def add(self, label, measured):
        line = f"{label[:13]:14}"
        line += f"{measured['vonk'].first:11.1f}" if "vonk" in measured else f"{'':11}"
        for name in self.names:
            self.walls[name].append(measured[name].wall)
            line += f"{measured[name].wall:11.1f}" if measured[name].error is None else f"{'-':>11}"
            if measured[name].error is not None:
                self.unanswered[name].append(label)
        if "vonk" in measured and "duckdb" in measured:
            ours, theirs = measured["vonk"], measured["duckdb"]
            verdict = "ok"
            if ours.error is not None or theirs.error is not None:
                verdict = f"vonk: {ours.error}; duckdb: {theirs.error}"
            elif not same(ours.rows, theirs.rows):
                verdict = "DIFFERENT"
            if verdict != "ok":
                self.wrong.append(label)
            self.ratios.append((ours.wall / theirs.wall, label))
            self.cpu_ratios.append((ours.cpu / theirs.cpu, label))
            self.peak_ratios.append((ours.peak / theirs.peak, label))
            line += f"{ours.wall / theirs.wall:13.2f}{ours.cpu / theirs.cpu:9.2f}"
            line += f"{ours.peak:7.0f}{theirs.peak:7.0f}  {verdict}"
        print(line, flush=True)

    def finish(self):
        print(f"{'sum':25}" + "".join(f"{sum(w for w in self.walls[n] if w == w):11.1f}" for n in self.names))
        for name in self.names:
            if self.unanswered[name]:
                print(f"not answered by {name}: {' '.join(self.unanswered[name])}")
        for what, ratios in (("times", self.ratios), ("CPU times", self.cpu_ratios), ("peaks", self.peak_ratios)):
            good = [r for r in ratios if r[0] == r[0]]
            if good:
                mean = math.exp(sum(math.log(r) for r, _ in good) / len(good))
                print(f"vonk/duckdb, {what}: geometric mean {mean:.3f} over {len(good)} queries, "
                      f"worst {max(good)[0]:.2f} ({max(good)[1]})")
        print(f"different answers: {len(self.wrong)} {' '.join(self.wrong)}")
        return 1 if self.wrong else 0
