"""The jobs of bench/rdd.py: the same job in each engine, on data of rdd_data.py.

    jobs(folder, scale)     {"word_count": Job, ...}

A program is a command line, Python behind its engine's lines in HEADS, or Scala for spark-shell. What it prints is its answer;
a line "seconds: S" says how long the work itself took, without the engine's start.
"""
import os
import subprocess

from rdd_data import HERE, ROOT, VONK, made, make_links, make_pairs, make_records, make_text

SUBMIT = [VONK, "submit", "--master", "local[2]"]

HEADS = {
    "duckdb": """
import duckdb
c = duckdb.connect(config={"threads": 2})
c.execute("SET enable_progress_bar = false")
""",
    "polars": """
import os
os.environ["POLARS_MAX_THREADS"] = "2"
import polars as pl
""",
    "multiprocessing": """
import collections, multiprocessing, os
""",
    "ray": """
import collections, os, ray
ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
""",
    "dask": """
import dask, os
dask.config.set(num_workers=2) # as threads for data frames, processes for bags: Dask's own choice
""",
    "pyspark": """
from operator import add
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "6g")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
         .config("spark.ui.showConsoleProgress", "false").getOrCreate())
sc = spark.sparkContext
""",
    "spark": """
sc.setLogLevel("ERROR")
import spark.implicits._
val started = System.nanoTime
""",
}


class Job:
    """make(): makes the data, once. programs: engine -> command line, or a program's text. check(folder): None, or what is
    wrong with the files that a program has written there."""

    def __init__(self, make, programs, out=None, check=None):
        self.make, self.programs, self.out, self.check = make, programs, out, check


# words of whole lines between two byte offsets: multiprocessing and Ray
COUNT_WORDS = """
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
def pieces(path, step=32 << 20):
    size = os.path.getsize(path)
    return [(path, i, min(size, i + step)) for i in range(0, size, step)]
def show(counts):
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    print("word,n\\n" + "\\n".join(f"{w.decode()},{n}" for w, n in top))
"""


def word_count(text):
    return {
        "vonk": SUBMIT + [os.path.join(ROOT, "examples", "word_count.c"), text],
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
        "spark": f"""
val counts = sc.textFile("{text}").flatMap(_.split(" ")).map((_, 1L)).reduceByKey(_ + _, 4)
val top = counts.takeOrdered(10)(Ordering.by((p: (String, Long)) => (-p._2, p._1)))
println("word,n\\n" + top.map(p => s"${{p._1}},${{p._2}}").mkString("\\n"))
""",
        "pyspark": f"""
counts = sc.textFile('{text}', 4).flatMap(lambda l: l.split(' ')).map(lambda w: (w, 1)).reduceByKey(add, 4)
top = counts.takeOrdered(10, key=lambda p: (-p[1], p[0]))
print("word,n\\n" + "\\n".join(f"{{w}},{{n}}" for w, n in top))
""",
        "dask": f"""
import dask.bag
if __name__ == "__main__":
    counts = dask.bag.read_text('{text}', blocksize=32 << 20).map(str.split).flatten().frequencies(split_every=8)
    top = sorted(counts.compute(), key=lambda p: (-p[1], p[0]))[:10]
    print("word,n\\n" + "\\n".join(f"{{w}},{{n}}" for w, n in top))
""",
        "ray": COUNT_WORDS + f"""
work = ray.remote(count)
total = collections.Counter()
for part in [work.remote(p) for p in pieces('{text}')]:
    total.update(ray.get(part))
show(total)
""",
        "multiprocessing": COUNT_WORDS + f"""
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        total = collections.Counter()
        for more in pool.imap(count, pieces('{text}')):
            total.update(more)
    show(total)
""",
        "sort, uniq": ["bash", "-c", f"echo word,n; export LC_ALL=C; tr -s ' ' '\\n' <'{text}' | sort -S 2G --parallel=2 | uniq -c | "
                       "sort -k1,1nr -k2 | head -10 | awk '{print $2 \",\" $1}'"],
    }


# sums of every eighth row group, split by key four ways, and what the keys of one way add to the answer: Ray
SUM_PAIRS = """
import pandas, pyarrow.parquet as parquet
def sums(path, groups):
    sums = parquet.ParquetFile(path).read_row_groups(groups).to_pandas().groupby('k').v.sum()
    return [sums[sums.index % 4 == i] for i in range(4)]
def answer(*parts):
    total = pandas.concat(parts).groupby(level=0).sum()
    return int((total.index * (total % 1000)).sum())
def tasks(path):
    return [(path, list(range(i, parquet.ParquetFile(path).num_row_groups, 8))) for i in range(8)]
"""


def group_sum(pairs):
    return {
        "vonk": SUBMIT + [os.path.join(HERE, "rdd", "group_sum.c"), pairs],
        "duckdb": f"""
q = "SELECT sum(k * (s % 1000))::bigint FROM (SELECT k, sum(v)::bigint AS s FROM '{pairs}' GROUP BY k)"
print(f"k,v\\n1,{{c.sql(q).fetchall()[0][0]}}")
""",
        "polars": f"""
q = (pl.scan_parquet('{pairs}').group_by('k').agg(pl.col('v').sum().alias('s'))
     .select((pl.col('k') * (pl.col('s') % 1000)).sum()))
print(f"k,v\\n1,{{q.collect(engine='streaming').item()}}")
""",
        "spark": f"""
val pairs = spark.read.parquet("{pairs}").as[(Long, Long)].rdd
println("k,v\\n1," + pairs.reduceByKey(_ + _, 4).map(p => p._1 * (p._2 % 1000)).reduce(_ + _))
""",
        "pyspark": f"""
pairs = spark.read.parquet('{pairs}').rdd.map(lambda r: (r[0], r[1]))
print("k,v\\n1,%d" % pairs.reduceByKey(add, 4).map(lambda p: p[0] * (p[1] % 1000)).sum())
""",
        "dask": f"""
import dask.dataframe as dd
if __name__ == "__main__":
    sums = dd.read_parquet('{pairs}').groupby('k').v.sum(split_out=4).reset_index()
    print("k,v\\n1,%d" % (sums.k * (sums.v % 1000)).sum().compute())
""",
        "ray": SUM_PAIRS + f"""
sums, answer = ray.remote(num_returns=4)(sums), ray.remote(answer)
parts = [sums.remote(*task) for task in tasks('{pairs}')]
print("k,v\\n1,%d" % sum(ray.get([answer.remote(*part) for part in zip(*parts)])))
""",
        "multiprocessing": f"""
import pandas, pyarrow.parquet
def sums(group):
    return pyarrow.parquet.ParquetFile('{pairs}').read_row_group(group).to_pandas().groupby('k').v.sum()
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        parts = pool.imap(sums, range(pyarrow.parquet.ParquetFile('{pairs}').num_row_groups))
        total = pandas.concat(parts).groupby(level=0).sum()
    print("k,v\\n1,%d" % (total.index * (total % 1000)).sum())
""",
    }


def filter_map(pairs):
    return {
        "vonk": SUBMIT + [os.path.join(HERE, "rdd", "filter_map.c"), pairs, "rdd"],
        "vonk sql": SUBMIT + [os.path.join(HERE, "rdd", "filter_map.c"), pairs, "sql"],
        "duckdb": f"""
q = "SELECT sum(k * 3 + v)::bigint FROM '{pairs}' WHERE v > 100 AND k < 900000"
print(f"sum\\n{{c.sql(q).fetchall()[0][0]}}")
""",
    }


# sorts are a shuffle between 8 tasks and 8 ranges: split() makes a piece for each range, merge() a file of a range's pieces:
# multiprocessing and Ray
RANGES = """
import numpy as np
def bounds_of(sample):
    return np.array([part[0] for part in np.array_split(np.sort(sample), 8)[1:]])
def pieces_of(rows, keys, bounds):
    ranges = np.searchsorted(bounds, keys)
    return [rows[ranges == i] for i in range(8)]
"""
SORT_VALUES = RANGES + """
import pyarrow, pyarrow.parquet as parquet
def read(path, groups):
    return parquet.ParquetFile(path).read_row_groups(groups, ['v'])['v'].to_numpy()
def split(path, groups, bounds):
    values = read(path, groups)
    return pieces_of(values, values, bounds)
def merge(path, *pieces):
    parquet.write_table(pyarrow.table({'v': np.sort(np.concatenate(pieces))}), path)
def tasks(path):
    count = parquet.ParquetFile(path).num_row_groups
    bounds = bounds_of(read(path, list(range(0, count, 64))))
    return [(path, list(range(i, count, 8)), bounds) for i in range(8)]
"""


def sort_in_pool(data, out, name):
    return f"""
import tempfile
def split_to_files(folder, number, task):
    for i, piece in enumerate(split(*task)):
        np.save(f'{{folder}}/{{number}}-{{i}}.npy', piece)
def merge_files(folder, i):
    merge(f'{out}/{name}', *[np.load(f'{{folder}}/{{number}}-{{i}}.npy', mmap_mode='r') for number in range(8)])
if __name__ == "__main__":
    os.mkdir('{out}')
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(2) as pool:
        pool.starmap(split_to_files, [(folder, number, task) for number, task in enumerate(tasks('{data}'))])
        pool.starmap(merge_files, [(folder, i) for i in range(8)])
"""


def sort_in_ray(data, out, name):
    return f"""
os.mkdir('{out}')
split, merge = ray.remote(num_returns=8)(split), ray.remote(merge)
pieces = [split.remote(*task) for task in tasks('{data}')]
ray.get([merge.remote(f'{out}/{name}', *part) for i, part in enumerate(zip(*pieces))])
"""


def sort(pairs, out):
    return {
        "vonk": SUBMIT + [os.path.join(HERE, "rdd", "sort.c"), pairs, out],
        "vonk sql": [VONK, "sql", "--threads", "2", "-c",
                     f"COPY (SELECT v FROM read_parquet('{pairs}') ORDER BY v) TO '{out}' (FORMAT parquet)"],
        "duckdb": f"""c.execute("COPY (SELECT v FROM '{pairs}' ORDER BY v) TO '{out}' (FORMAT parquet)")""",
        "polars": f"""pl.scan_parquet('{pairs}').select('v').sort('v').sink_parquet('{out}', compression='snappy')""",
        "spark": f"""
spark.read.parquet("{pairs}").select("v").as[Long].rdd.sortBy(x => x, true, 4).toDF("v").write.parquet("{out}")
""",
        "pyspark": f"""
values = spark.read.parquet('{pairs}').select('v').rdd.map(lambda r: r[0])
values.sortBy(lambda v: v, True, 4).map(lambda v: (v,)).toDF('v bigint').write.parquet('{out}')
""",
        "dask": f"""
import dask.dataframe as dd
if __name__ == "__main__":
    dd.read_parquet('{pairs}', columns=['v']).sort_values('v').to_parquet('{out}', write_index=False, name_function=lambda i: f"part-{{i:05}}.parquet")
""",
        "ray": SORT_VALUES + sort_in_ray(pairs, out, "part-{i:05}.parquet"),
        "multiprocessing": SORT_VALUES + sort_in_pool(pairs, out, "part-{i:05}.parquet"),
    }


def check_sorted(out):
    import duckdb
    path = out + "/*.parquet" if os.path.isdir(out) else out
    column = duckdb.sql(f"SELECT * FROM read_parquet('{path}')").columns[0]
    order = "file_row_number" if not os.path.isdir(out) else "filename, file_row_number"
    wrong = duckdb.sql(f"SELECT count(*) FROM (SELECT {column} AS v, lag({column}) OVER (ORDER BY {order}) AS before "
                       f"FROM read_parquet('{path}', file_row_number=true, filename=true)) WHERE before > v").fetchall()[0][0]
    return f"{wrong} are out of order" if wrong else None


# records are 100 bytes, their key the first 10
SORT_RECORDS = RANGES + """
RECORD = np.dtype([('key', 'S10'), ('rest', 'S90')])
def split(path, task, bounds):
    records = np.array_split(np.memmap(path, RECORD, 'r'), 8)[task]
    return pieces_of(records, records['key'], bounds)
def merge(path, *pieces):
    records = np.concatenate(pieces)
    records[np.argsort(records['key'], kind='stable')].tofile(path)
def tasks(path):
    bounds = bounds_of(np.memmap(path, RECORD, 'r')['key'][::1000])
    return [(path, task, bounds) for task in range(8)]
"""


def tera_sort(records, out):
    line = f"read_csv('{records}', columns={{'line': 'VARCHAR'}}, delim='\\x01', header=false, quote='', escape='')"
    return {
        "vonk": SUBMIT + [os.path.join(ROOT, "examples", "tera_sort.c"), records, out],
        "duckdb": f"""
c.execute('''COPY (SELECT line FROM {line} ORDER BY substr(line, 1, 10)) TO '{out}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\\x01')''')
""",
        "polars": f"""
(pl.scan_csv('{records}', has_header=False, separator='\\x01', quote_char=None, new_columns=['l'])
 .sort(pl.col('l').str.slice(0, 10)).sink_csv('{out}', include_header=False, quote_style='never'))
""",
        "spark": f"""
val records = sc.textFile("{records}", 8).map(l => (l.substring(0, 10), l.substring(10)))
records.sortByKey(true, 8).map(p => p._1 + p._2).saveAsTextFile("{out}")
""",
        "pyspark": f"""
records = sc.textFile('{records}', 8).map(lambda l: (l[:10], l[10:]))
records.sortByKey(True, 8).map(lambda p: p[0] + p[1]).saveAsTextFile('{out}')
""",
        "dask": f"""
import csv, dask.dataframe as dd
if __name__ == "__main__":
    lines = dd.read_csv('{records}', header=None, names=['line'], na_filter=False, blocksize=32 << 20,
                        sep='\\x01', quoting=csv.QUOTE_NONE)
    ordered = lines.assign(key=lines.line.str[:10]).sort_values('key')
    ordered[['line']].to_csv('{out}/part-*', name_function=lambda i: f"{{i:05}}", header=False, index=False,
                             sep='\\x01', quoting=csv.QUOTE_NONE, quotechar='\\x02')
""",
        "ray": SORT_RECORDS + sort_in_ray(records, out, "part-{i:05}"),
        "multiprocessing": SORT_RECORDS + sort_in_pool(records, out, "part-{i:05}"),
        "sort": ["bash", "-c", f"LC_ALL=C sort -s -S 2G --parallel=2 -k1.1,1.10 '{records}' -o '{out}'"],
    }


def check_records(records, out):
    parts = f"'{out}'/*[0-9]*" if os.path.isdir(out) else f"'{out}'"
    wrong = subprocess.run(["bash", "-c", f"set -o pipefail; cat {parts} | LC_ALL=C sort -c -k1.1,1.10 -s"], capture_output=True, text=True)
    if wrong.returncode != 0:
        return wrong.stderr[:200]
    count = subprocess.run(["bash", "-c", f"cat {parts} | wc -lc"], capture_output=True, text=True).stdout.split()
    expected = subprocess.run(["bash", "-c", f"wc -lc <'{records}'"], capture_output=True, text=True).stdout.split()
    return None if count == expected else f"{count} lines and bytes instead of {expected}"


# pages are numbered in the order met, links are arrays of such numbers, and a round adds up shares in halves of the links:
# multiprocessing and Ray
PAGE_ARRAYS = """
import numpy as np, pandas
def read(path):
    ends, pages = pandas.factorize(pandas.read_csv(path, sep=' ', header=None).to_numpy().ravel())
    sources, targets = ends[::2].copy(), ends[1::2].copy()
    return pages, np.bincount(sources, minlength=len(pages)), list(zip(np.array_split(sources, 2), np.array_split(targets, 2)))
def given(sources, targets, shares):
    return np.bincount(targets, shares[sources], len(shares))
def best(pages, ranks):
    order = np.lexsort((pages, -ranks))[:10]
    return zip(pages[order].tolist(), ranks[order].tolist())
"""


def page_rank(links):
    show = """print("page,rank\\n" + "\\n".join(f"{page},{rank!r}" for page, rank in top))"""
    return {
        "vonk": SUBMIT + [os.path.join(ROOT, "examples", "page_rank.c"), links, "10"],
        "duckdb": f"""
c.execute('''CREATE TEMP TABLE e AS SELECT column0 AS s, column1 AS d FROM read_csv('{links}', delim=' ', header=false,
columns={{'column0': 'bigint', 'column1': 'bigint'}})''')
c.execute("CREATE TEMP TABLE g AS SELECT s, d, count(*) OVER (PARTITION BY s) AS n FROM e")
c.execute("CREATE TEMP TABLE r AS SELECT DISTINCT v, 1.0::double AS x FROM (SELECT s AS v FROM e UNION SELECT d FROM e)")
for _ in range(10):
    c.execute('''CREATE TEMP TABLE r2 AS SELECT r.v, 0.15 + 0.85 * coalesce(y, 0) AS x FROM r LEFT JOIN
(SELECT d, sum(x / n) AS y FROM g JOIN r ON r.v = g.s GROUP BY d) i ON i.d = r.v''')
    c.execute("DROP TABLE r; ALTER TABLE r2 RENAME TO r")
top = c.sql("SELECT v, x FROM r ORDER BY x DESC, v LIMIT 10").fetchall()
{show}
""",
        "polars": f"""
e = pl.scan_csv('{links}', has_header=False, separator=' ', new_columns=['s', 'd'], schema_overrides=[pl.Int64, pl.Int64]).collect()
e = e.join(e.group_by('s').agg(n=pl.len()), on='s')
r = pl.concat([e['s'], e['d'].rename('s')]).unique().to_frame('v').with_columns(x=pl.lit(1.0))
for _ in range(10):
    given = e.lazy().join(r.lazy(), left_on='s', right_on='v').group_by('d').agg(y=(pl.col('x') / pl.col('n')).sum())
    r = (r.lazy().join(given, left_on='v', right_on='d', how='left').select('v', x=0.15 + 0.85 * pl.col('y').fill_null(0))
         .collect(engine='streaming'))
top = r.sort(['x', 'v'], descending=[True, False]).head(10).rows()
{show}
""",
        "spark": f"""
val edges = sc.textFile("{links}", 4).map {{ l => val k = l.indexOf(' '); (l.substring(0, k).toLong, l.substring(k + 1).toLong) }}
val links = edges.groupByKey(4).cache()
var ranks = edges.flatMap(e => Seq(e._1, e._2)).distinct(4).map((_, 1.0))
for (_ <- 1 to 10) {{
  val given = links.join(ranks, 4).values.flatMap {{ case (to, rank) => val n = to.size; to.map(d => (d, rank / n)) }}
  ranks = given.union(ranks.mapValues(_ => 0.0)).reduceByKey(_ + _, 4).mapValues(0.15 + 0.85 * _)
}}
val top = ranks.takeOrdered(10)(Ordering.by((p: (Long, Double)) => (-p._2, p._1)))
println("page,rank\\n" + top.map(p => s"${{p._1}},${{p._2}}").mkString("\\n"))
""",
        "pyspark": f"""
edges = sc.textFile('{links}', 4).map(lambda l: tuple(map(int, l.split(' '))))
links = edges.groupByKey(4).mapValues(list).cache()
ranks = edges.flatMap(lambda e: e).distinct(4).map(lambda p: (p, 1.0))
for _ in range(10):
    given = links.join(ranks, 4).values().flatMap(lambda t: [(to, t[1] / len(t[0])) for to in t[0]])
    ranks = given.union(ranks.mapValues(lambda _: 0.0)).reduceByKey(add, 4).mapValues(lambda x: 0.15 + 0.85 * x)
top = ranks.takeOrdered(10, key=lambda p: (-p[1], p[0]))
{show}
""",
        "dask": f"""
import pandas, dask.dataframe as dd
if __name__ == "__main__":
    links = dd.read_csv('{links}', sep=' ', header=None, names=['page', 'to'], blocksize=32 << 20).persist()
    count = links.page.value_counts().compute()
    ranks = pandas.Series(1.0, dd.concat([links.page, links.to]).unique().compute())
    for _ in range(10):
        shares = links.page.map(ranks / count, meta=('share', 'float64'))
        ranks = 0.15 + 0.85 * shares.groupby(links.to).sum().compute().reindex(ranks.index, fill_value=0)
    ranks = ranks.rename_axis('page').reset_index(name='rank')
    top = ranks.sort_values(['rank', 'page'], ascending=[False, True]).head(10).itertuples(index=False)
    {show}
""",
        "ray": PAGE_ARRAYS + f"""
pages, count, halves = read('{links}')
given, halves = ray.remote(given), [(ray.put(sources), ray.put(targets)) for sources, targets in halves]
ranks = np.ones(len(pages))
for _ in range(10):
    shares = ray.put(ranks / np.maximum(count, 1))
    ranks = 0.15 + 0.85 * sum(ray.get([given.remote(*half, shares) for half in halves]))
top = best(pages, ranks)
{show}
""",
        "multiprocessing": PAGE_ARRAYS + f"""
def given_by(half, shares):
    return given(*halves[half], shares)
if __name__ == "__main__":
    pages, count, halves = read('{links}')
    ranks = np.ones(len(pages))
    with multiprocessing.get_context("fork").Pool(2) as pool: # forked here: its workers have the links
        for _ in range(10):
            shares = ranks / np.maximum(count, 1)
            ranks = 0.15 + 0.85 * sum(pool.starmap(given_by, [(0, shares), (1, shares)]))
    top = best(pages, ranks)
    {show}
""",
    }


def pi(samples):
    mixed = """
def hits(start, end):
    import numpy as np
    x = np.arange(start, end, dtype=np.uint64) * np.uint64(0x9e3779b97f4a7c15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xbf58476d1ce4e5b9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94d049bb133111eb)
    x ^= x >> np.uint64(31)
    a, b = (x >> np.uint64(32)) * 2.0**-32, (x & np.uint64(0xffffffff)) * 2.0**-32
    return int((a * a + b * b < 1).sum())
"""
    steps = f"[(i, min(i + 1000000, {samples})) for i in range(0, {samples}, 1000000)]"
    return {
        "vonk": SUBMIT + [os.path.join(HERE, "rdd", "pi.c"), str(samples)],
        "spark": f"""
def mixed(i: Long): Long = {{ var x = i; x ^= x >>> 30; x *= 0xbf58476d1ce4e5b9L; x ^= x >>> 27; x *= 0x94d049bb133111ebL; x ^ (x >>> 31) }}
println(sc.range(0, {samples}L, 1, 4).map {{ i =>
  val bits = mixed(i * 0x9e3779b97f4a7c15L)
  val x = (bits >>> 32) / 4294967296.0
  val y = (bits & 0xffffffffL) / 4294967296.0
  if (x * x + y * y < 1) 1L else 0L }}.reduce(_ + _))
""",
        "pyspark": mixed + f"""
print(sc.parallelize({steps}, 4).map(lambda step: hits(*step)).sum())
""",
        "multiprocessing": mixed + f"""
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.starmap(hits, {steps})))
""",
        "ray": mixed + f"""
work = ray.remote(hits)
print(sum(ray.get([work.remote(a, b) for a, b in {steps}])))
""",
        "dask": mixed + f"""
if __name__ == "__main__":
    print(sum(dask.compute(*[dask.delayed(hits)(a, b) for a, b in {steps}])))
""",
    }


def jobs(folder, scale):
    text, pairs, links, records, out = (os.path.join(folder, name) for name in (
        f"zipf-{scale}.txt", f"pairs-{scale}.parquet", f"links-{scale}.txt", f"records-{scale}.txt", "sorted"))
    with_pairs = lambda: made(pairs, lambda path: make_pairs(path, int(scale * 50e6)))
    return {
        "word_count": Job(lambda: made(text, lambda path: make_text(path, scale * 1e9)), word_count(text)),
        "group_sum": Job(with_pairs, group_sum(pairs)),
        "filter_map": Job(with_pairs, filter_map(pairs)),
        "sort": Job(with_pairs, sort(pairs, out), out, check_sorted),
        "tera_sort": Job(lambda: made(records, lambda path: make_records(path, int(scale * 1e7))), tera_sort(records, out), out,
                         lambda out: check_records(records, out)),
        "page_rank": Job(lambda: made(links, lambda path: make_links(path, int(scale * 1e6), int(scale * 1e7))), page_rank(links)),
        "pi": Job(lambda: None, pi(int(scale * 200e6))),
    }
