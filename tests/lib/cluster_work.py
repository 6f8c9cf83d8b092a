"""Queries and a job for clusters, and their answers of one process.

    with Work() as work:
        work.compare(cluster, "undisturbed")              all of them once: the same bytes
        work.compare(cluster, "killed", seconds=10)       over and over for so long
"""
import os
import random
import shutil
import subprocess
import tempfile
import time

from cluster import ROOT, VONK, expect

ROWS = 60000
# None: the job that counts words
QUERIES = [
    "SELECT count(*), sum(amount), min(note), max(day) FROM sales",
    "SELECT shop, count(*), sum(amount), avg(amount) FROM sales GROUP BY shop ORDER BY shop",
    "SELECT s.city, sum(x.amount) FROM sales x JOIN shops s ON s.shop = x.shop GROUP BY s.city ORDER BY 2 DESC, 1",
    "SELECT id, shop, amount FROM sales WHERE note LIKE '%7%' ORDER BY amount DESC, id LIMIT 50",
    "SELECT id, note FROM sales ORDER BY note, id",
    "SELECT day, shop, count(DISTINCT note) FROM sales WHERE id % 5 = 0 GROUP BY day, shop ORDER BY shop, 3, 1",
    "SELECT DISTINCT note FROM sales WHERE shop IN (SELECT shop FROM shops WHERE city = 'city 3') ORDER BY note",
    None,
]


class Work:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="vonk-work-")
        self.make_data()
        self.answers = []
        for query in QUERIES:
            code, out, err = self.ask(query)
            expect(code == 0, f"here: {query}: {err}")
            self.answers.append(out)

    def make_data(self):
        generator = random.Random(7)
        os.makedirs(os.path.join(self.folder, "db", "sales"))
        for part in range(6):
            with open(os.path.join(self.folder, "db", "sales", f"part-{part}.csv"), "w") as f:
                f.write("id,shop,day,amount,note\n")
                for i in range(part, ROWS, 6):
                    f.write(f"{i},{generator.randrange(40)},2024-0{1 + i % 9}-11,{generator.randrange(10**6) / 100},note {i % 977}\n")
        with open(os.path.join(self.folder, "db", "shops.csv"), "w") as f:
            f.write("shop,city\n" + "".join(f"{shop},city {shop % 7}\n" for shop in range(40)))
        with open(os.path.join(self.folder, "text.txt"), "w") as f:
            for _ in range(20000):
                f.write(" ".join(f"w{int(generator.paretovariate(0.8)) % 500}" for _ in range(8)) + "\n")

    def database(self):
        return os.path.join(self.folder, "db")

    def ask(self, query, where=(), prefix=(), env=None):
        """(exit code, output, error text); where: options of the cluster"""
        if query is None:
            line = [VONK, "submit", *where, os.path.join(ROOT, "examples", "word_count.c"), os.path.join(self.folder, "text.txt")]
        else:
            line = [VONK, "sql", self.database(), *where, "--format", "csv", "-c", query]
        try:
            done = subprocess.run([*prefix, *line], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                                  env={**os.environ, **(env or {})})
        except subprocess.TimeoutExpired:
            return 124, "", "it did not end"
        return done.returncode, done.stdout, done.stderr

    def compare(self, cluster, what, seconds=0, env=None):
        where = ["--master", cluster.url, *(["--set", f"secret_file={cluster.secret()[1]}"] if cluster.secret() else [])]
        end = time.monotonic() + seconds
        number = 0
        while number < len(QUERIES) or time.monotonic() < end:
            at = number % len(QUERIES)
            code, out, err = self.ask(QUERIES[at], where, cluster.prefix, env)
            expect(code == 0 and out == self.answers[at], f"{what}: {QUERIES[at] or 'word_count.c'}: exit {code} {err[-400:]}")
            number += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)
