#!/usr/bin/env python3
"""RDD jobs beside what people use instead: python bench/rdd.py [--scale 1.0] [--runs 3] [JOB]...

Each engine runs in a process of its own, in turns, with 2 threads; the least CPU time of the runs and its wall time are
printed, and ratios to Vonk. Answers are compared. Scale 1 is 1 GB of text, 50 M pairs, 200 M samples. What cannot be
imported is left out, and said so.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
VONK = os.path.join(ROOT, "build", "release", "vonk")
THREADS = "2"

PEERS = {
    "duckdb": """
import duckdb, sys
c = duckdb.connect(config={"threads": 2})
c.execute("SET enable_progress_bar = false")
""",
    "polars": """
import os, sys
os.environ["POLARS_MAX_THREADS"] = "2"
import polars as pl
""",
    "multiprocessing": """
import collections, itertools, multiprocessing, os, sys
def count(piece):
    path, start, end = piece
    counts = collections.Counter()
    with open(path, "rb") as f:
        if start > 0:
            f.seek(start - 1)
            f.readline()
        while f.tell() < end and (lines := f.readlines(min(1 << 24, max(1, end - f.tell())))):
            for line in lines:
                counts.update(line.split())
    return counts
""",
}


def make_text(path, scale):
    import numpy as np
    rng = np.random.default_rng(7)
    vocabulary = 1_000_000
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(letters[rng.integers(0, 26, n)]) for n in rng.integers(2, 12, vocabulary)], dtype=object)
    weights = 1 / np.arange(1, vocabulary + 1)
    bounds = np.cumsum(weights / weights.sum())
    size = 0
    with open(path, "w", encoding="ascii") as out:
        while size < scale * 1e9:
            drawn = words[np.minimum(np.searchsorted(bounds, rng.random(1_000_000)), vocabulary - 1)]
            text = "\n".join(" ".join(drawn[i:i + 10]) for i in range(0, len(drawn), 10)) + "\n"
            out.write(text)
            size += len(text)


def make_pairs(path, scale):
    sql = (f"COPY (SELECT (x * 7919 % 1000003) % 1000000 AS k, (x * 2654435761) % 1000000007 AS v "
           f"FROM generate_series(1::bigint, {int(scale * 50e6)}) g(x)) TO '{path}' (FORMAT parquet)")
    subprocess.run([VONK, "sql", "-c", sql], check=True, capture_output=True)


class Job:
    """commands: engine -> (arguments, or Python behind the engine's lines)"""

    def __init__(self, make, commands):
        self.make, self.commands = make, commands


def jobs(data, scale):
    text, pairs, out = (os.path.join(data, name) for name in (f"zipf-{scale}.txt", f"pairs-{scale}.parquet", "sorted.parquet"))
    samples = int(scale * 200e6)
    submit = [VONK, "submit", "--master", f"local[{THREADS}]"]
    return {
        "word_count": Job(lambda: os.path.exists(text) or make_text(text, scale), {
            "vonk": submit + [os.path.join(ROOT, "examples", "word_count.c"), text],
            "duckdb": f"""
q = '''SELECT w AS word, count(*) AS n FROM (SELECT unnest(string_split(line, ' ')) AS w FROM read_csv('{text}',
columns={{'line': 'VARCHAR'}}, delim='\\x01', header=false, quote='', escape='')) GROUP BY w ORDER BY n DESC, w LIMIT 10'''
print("word,n\\n" + "\\n".join(f"{{w}},{{n}}" for w, n in c.sql(q).fetchall()))
""",
            "polars": f"""
q = (pl.scan_csv('{text}', has_header=False, separator='\\x01', quote_char=None, new_columns=['l'])
     .select(pl.col('l').str.split(' ').explode().alias('w')).group_by('w').len()
     .sort(['len', 'w'], descending=[True, False]).head(10))
print("word,n\\n" + "\\n".join(f"{{w}},{{n}}" for w, n in q.collect(engine='streaming').rows()))
""",
            "multiprocessing": f"""
if __name__ == "__main__":
    size = os.path.getsize('{text}')
    step = 32 << 20
    with multiprocessing.Pool(2) as pool:
        counts = collections.Counter()
        for more in pool.imap(count, [('{text}', i, min(size, i + step)) for i in range(0, size, step)]):
            counts.update(more)
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    print("word,n\\n" + "\\n".join(f"{{w.decode()}},{{n}}" for w, n in top))
""",
        }),
        "group_sum": Job(lambda: os.path.exists(pairs) or make_pairs(pairs, scale), {
            "vonk": submit + [os.path.join(HERE, "rdd", "group_sum.c"), pairs],
            "duckdb": f"""
q = "SELECT sum(k * (s % 1000))::bigint FROM (SELECT k, sum(v)::bigint AS s FROM '{pairs}' GROUP BY k)"
print(f"k,v\\n1,{{c.sql(q).fetchall()[0][0]}}")
""",
            "polars": f"""
q = (pl.scan_parquet('{pairs}').group_by('k').agg(pl.col('v').sum().alias('s'))
     .select((pl.col('k') * (pl.col('s') % 1000)).sum()))
print(f"k,v\\n1,{{q.collect(engine='streaming').item()}}")
""",
        }),
        "filter_map": Job(lambda: os.path.exists(pairs) or make_pairs(pairs, scale), {
            "vonk": submit + [os.path.join(HERE, "rdd", "filter_map.c"), pairs, "rdd"],
            "vonk sql": submit + [os.path.join(HERE, "rdd", "filter_map.c"), pairs, "sql"],
            "duckdb": f"""
q = "SELECT sum(k * 3 + v)::bigint FROM '{pairs}' WHERE v > 100 AND k < 900000"
print(f"sum\\n{{c.sql(q).fetchall()[0][0]}}")
""",
        }),
        "sort": Job(lambda: os.path.exists(pairs) or make_pairs(pairs, scale), {
            "vonk": submit + [os.path.join(HERE, "rdd", "sort.c"), pairs, out],
            "duckdb": f"""c.execute("COPY (SELECT v FROM '{pairs}' ORDER BY v) TO '{out}' (FORMAT parquet)")""",
            "polars": f"""pl.scan_parquet('{pairs}').select('v').sort('v').sink_parquet('{out}', compression='snappy')""",
        }),
        "pi": Job(lambda: None, {
            "vonk": submit + [os.path.join(HERE, "rdd", "pi.c"), str(samples)],
        }),
    }


def run(engine, command, cache):
    """(answer, CPU seconds, wall seconds); the answer is None when the engine is not there."""
    if isinstance(command, str):
        command = [sys.executable, "-c", PEERS[engine] + command]
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True, env={**os.environ, "XDG_CACHE_HOME": cache})
        err = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        answer = out.read()
    if child.returncode != 0:
        print(f"  {engine}: {'not installed' if 'ModuleNotFoundError' in err else err[-300:]}")
        return None, 0, 0
    return answer, usage.ru_utime + usage.ru_stime, time.monotonic() - start


def measure(name, job, runs, cache):
    job.make()
    best, answers = {}, {}
    for _ in range(runs):
        for engine, command in job.commands.items():
            if engine in answers and answers[engine] is None:
                continue
            answers[engine], cpu, wall = run(engine, command, cache)
            if answers[engine] is not None:
                best[engine] = min(best.get(engine, (cpu, wall)), (cpu, wall))
    print(name)
    for engine, (cpu, wall) in best.items():
        same = "" if answers[engine] == answers["vonk"] else "   ANOTHER ANSWER"
        print(f"  {engine:16} {cpu:8.2f} s CPU {wall:8.2f} s   {best['vonk'][0] / cpu:5.2f} of its CPU{same}")
    return all(answer is None or answer == answers["vonk"] for answer in answers.values())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", default=os.path.join(ROOT, "build", "bench", "rdd"))
    parser.add_argument("jobs", nargs="*")
    options = parser.parse_args()
    os.makedirs(options.data, exist_ok=True)
    cache = tempfile.mkdtemp(prefix="vonk-bench-")
    all_jobs = jobs(options.data, options.scale)
    is_same = all([measure(name, all_jobs[name], options.runs, cache) for name in options.jobs or all_jobs])
    shutil.rmtree(cache)
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
