#!/usr/bin/env python3
"""The jobs in examples/: each one's answer beside the same computed in Python, in several modes.

    run_examples.py                         ends with 'examples: N passed, N failed'
    VONK_TEST_MASTER=URL run_examples.py    here, and on that cluster
"""
import collections
import csv
import glob
import io
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import jobs  # noqa: E402
from jobs import ROOT, VONK, check, report, write_job  # noqa: E402

MODES = [
    [],
    ["--master", "local[1]", "--set", "jit=off"],
    ["--set", "batch_rows=7", "--set", "test.faults=3"],
]
if "VONK_TEST_MASTER" in os.environ:  # a cluster that runs
    MODES = [[], ["--master", os.environ["VONK_TEST_MASTER"]]]


def submit(name, *args, options=()):
    return jobs.submit(os.path.join("examples", name), *args, options=options)


def expect(name, args, fits, what=""):
    """fits(standard output, standard error) in each mode; the same output in all."""
    first = None
    for mode in MODES:
        code, out, err = submit(name, *args, options=mode)
        check(code == 0 and fits(out, err), f"{name} {' '.join(mode)} {what}: exit {code}\n{out[:300]}\n{err[-300:]}")
        first = out if first is None else first
        check(out == first, f"{name} {' '.join(mode)}: another answer than in the first mode")


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


def words(generator, count):
    return [f"w{int(generator.paretovariate(0.8)) % 500}" for _ in range(count)]


def word_count(folder, generator):
    counts = collections.Counter()
    for number in range(3):
        lines = [words(generator, generator.randrange(0, 12)) for _ in range(1000)]
        counts.update(word for line in lines for word in line)
        write(folder, f"texts/{number}.txt", "\n".join(" ".join(line) for line in lines))
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    expected = "word,n\n" + "".join(f"{word},{n}\n" for word, n in top)
    expect("word_count.c", [os.path.join(folder, "texts")], lambda out, err: out == expected)


def inverted_index(folder):
    texts = os.path.join(folder, "texts")
    index = collections.defaultdict(collections.Counter)
    for name in sorted(os.listdir(texts)):
        with open(os.path.join(texts, name)) as f:
            for word in f.read().split():
                index[word][name] += 1
    expected = "word,places\n" + "".join(
        f"{word},{' '.join(f'{name}:{n}' for name, n in sorted(places.items()))}\n"
        for word, places in sorted(index.items()))
    expect("inverted_index.c", [texts], lambda out, err: out == expected)


def log_sessions(folder, generator):
    gap, visits, lines = 1800, collections.defaultdict(list), []
    for _ in range(3000):
        user, at = f"user{generator.randrange(60)}", generator.randrange(400000)
        visits[user].append(at)
        lines.append(f"{user} {at} /page{generator.randrange(9)}")
    lines += ["nonsense", "user1 late /page", ""]
    generator.shuffle(lines)
    path = write(folder, "visits.log", "\n".join(lines) + "\n")
    rows = []
    for user, times in sorted(visits.items()):
        start = last = None
        for at in sorted(times):
            if last is None or at - last > gap:
                rows.append([user, at, 0, 0])
                start = at
            rows[-1][2] = at - start
            rows[-1][3] += 1
            last = at
    expected = "user,start,seconds,pages\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    expect("log_sessions.c", [path, gap], lambda out, err: out == expected and "bad lines" in err)
    code, _, err = submit("log_sessions.c", path, gap)
    check(code == 0, f"log_sessions.c: {err}")


def close(out, rows, tolerance=1e-9):
    """CSV whose numbers are those of rows, nearly."""
    got = list(csv.reader(io.StringIO(out)))
    return len(got) == len(rows) and all(
        len(a) == len(b) and all(abs(float(x) - y) <= tolerance * max(1, abs(y)) for x, y in zip(a, b))
        for a, b in zip(got, rows))


def page_rank(folder, generator):
    links = {(generator.randrange(40), generator.randrange(60)) for _ in range(300)}
    path = write(folder, "links.txt", "# from to\n" + "".join(f"{a}\t{b}\n" for a, b in sorted(links)))
    out_of = collections.defaultdict(list)
    for a, b in links:
        out_of[a].append(b)
    ranks = {page: 1.0 for link in links for page in link}
    for _ in range(8):
        sums = dict.fromkeys(ranks, 0.0)
        for page, targets in out_of.items():
            for target in targets:
                sums[target] += ranks[page] / len(targets)
        ranks = {page: 0.15 + 0.85 * total for page, total in sums.items()}
    top = [[page, rank] for page, rank in sorted(ranks.items(), key=lambda item: (-item[1], item[0]))[:10]]
    expect("page_rank.c", [path, 8], lambda out, err: out.startswith("page,rank\n") and close(out[10:], top))


def k_means(folder, generator):
    points = [(generator.gauss(x, 1), generator.gauss(y, 1)) for x, y in [(0, 0), (9, 1), (4, 8)] for _ in range(400)]
    generator.shuffle(points)
    path = write(folder, "points.csv", "".join(f"{x!r},{y!r}\n" for x, y in points))
    centers = points[:3]
    for _ in range(10):
        groups = collections.defaultdict(list)
        for x, y in points:
            best = min(range(3), key=lambda i: (x - centers[i][0]) ** 2 + (y - centers[i][1]) ** 2)
            groups[best].append((x, y))
        centers = [(sum(x for x, _ in groups[i]) / len(groups[i]), sum(y for _, y in groups[i]) / len(groups[i]))
                   for i in range(3)]
    expect("k_means.c", [path, 3, 10], lambda out, err: close(out, centers, 1e-8))


def triangle_count(folder, generator):
    edges = [(generator.randrange(80), generator.randrange(80)) for _ in range(900)]
    path = write(folder, "edges.txt", "".join(f"{a} {b}\n" for a, b in edges))
    known = {(min(e), max(e)) for e in edges if e[0] != e[1]}
    count = sum((a, c) in known for a, b in known for b2, c in known if b2 == b)
    expect("triangle_count.c", [path], lambda out, err: out == f"{count}\n")


def monte_carlo_pi():
    mask, hits, per_partition = (1 << 64) - 1, 0, 300
    for partition in range(64):
        state = partition << 40
        for _ in range(per_partition):
            point = []
            for _ in range(2):
                state = (state + 0x9e3779b97f4a7c15) & mask
                x = ((state ^ state >> 30) * 0xbf58476d1ce4e5b9) & mask
                x = ((x ^ x >> 27) * 0x94d049bb133111eb) & mask
                point.append(((x ^ x >> 31) >> 11) * 2.0 ** -53)
            hits += point[0] ** 2 + point[1] ** 2 < 1
    total = 64 * per_partition
    expected = f"{hits} of {total}: pi is about {4 * hits / total:.6f}\n"
    expect("monte_carlo_pi.c", [total], lambda out, err: out == expected)


def tera_sort(folder, generator):
    letters = "".join(chr(c) for c in range(33, 127))
    lines = ["".join(generator.choices(letters, k=10)) + f"{number:032X}" + "A" * 56 for number in range(20000)]
    lines += [lines[5][:10] + "again" * 17 + "xyz"]  # an equal key: stays behind
    path = write(folder, "input.txt", "\r\n".join(lines) + "\r\n")
    expected = sorted(lines, key=lambda line: line[:10])
    for number, mode in enumerate(MODES):
        output = os.path.join(folder, f"sorted{number}")
        code, _, err = submit("tera_sort.c", path, output, options=mode)
        check(code == 0, f"tera_sort.c {mode}: {code} {err[-300:]}")
        got = []
        for part in sorted(os.listdir(output)) if code == 0 else []:
            with open(os.path.join(output, part)) as f:
                got += f.read().splitlines()
        check(got == expected, f"tera_sort.c {mode}: {len(got)} lines")
    code, _, err = submit("tera_sort.c", path, os.path.join(folder, "sorted0"))
    check(code == 1 and "already" in err, f"tera_sort.c over its output: {code} {err[-300:]}")


def logs_with_users(folder, generator):
    users = os.path.join(folder, "users.parquet")
    made = subprocess.run([VONK, "sql", "-c",
                           "COPY (SELECT g AS id, CASE WHEN g % 9 = 0 THEN NULL ELSE 'country ' || g % 5 END AS country, "
                           f"g % 60 AS age FROM generate_series(1, 500) t(g)) TO '{users}'"],
                          capture_output=True, text=True, check=False)
    check(made.returncode == 0, f"users.parquet: {made.stderr}")
    hits = [(generator.randrange(1, 600), generator.randrange(10000)) for _ in range(4000)]
    path = write(folder, "access.log", "".join(f"{user} {size}\n" for user, size in hits) + "no hit\n")
    totals = collections.defaultdict(lambda: [0, 0])
    for user, size in hits:
        if user <= 500 and user % 60 >= 18:
            total = totals["" if user % 9 == 0 else f"country {user % 5}"]
            total[0] += 1
            total[1] += size
    rows = sorted(totals.items(), key=lambda item: (-item[1][1], item[0]))
    expected = "country,hits,bytes\n" + "".join(f"{country},{n},{size}\n" for country, (n, size) in rows)
    expect("logs_with_users.c", [path, users],
           lambda out, err: out.splitlines()[1:] == expected.splitlines()[1:], "")


def usage():
    for name in sorted(os.listdir(os.path.join(ROOT, "examples"))):
        with open(os.path.join(ROOT, "examples", name)) as f:
            if "vonk_main" not in f.read():
                continue
        code, _, err = submit(name)
        check(code == 2 and f"usage: {name}" in err, f"{name} without arguments: {code} {err[-300:]}")


def kept_objects(folder):
    """A compiled job is used again, until its source, or the module that found its functions' facts, is another."""
    program = os.path.join(folder, "program")
    cache = os.path.join(folder, "kept")
    os.makedirs(os.path.join(program, "include"))
    shutil.copy(VONK, program)
    module = os.path.join(os.path.dirname(VONK), "libvonk_jit.so")
    job = write_job(folder, "kept.c", 'int vonk_main(VonkSession *s, int argc, char **argv) { puts("ran"); return 0; }\n')

    def object_made():
        done = subprocess.run([os.path.join(program, "vonk"), "submit", job], capture_output=True, text=True, timeout=300,
                              env={**os.environ, "XDG_CACHE_HOME": cache, "VONK_INCLUDE": os.path.join(ROOT, "include")})
        objects = glob.glob(os.path.join(cache, "vonk", "jobs", "*.so"))
        check(done.returncode == 0 and done.stdout == "ran\n" and len(objects) == 1, f"kept.c: {done} {objects}")
        return os.stat(objects[0]).st_mtime_ns

    first = object_made()
    check(object_made() == first, "without a module: the same object")
    shutil.copy2(module, program)  # its time is that of the build
    second = object_made()
    check(second > first, "a module: another object")
    check(object_made() == second, "the same module: the same object")


def main():
    generator = random.Random(11)
    with tempfile.TemporaryDirectory(prefix="vonk-examples-") as folder:
        os.environ["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
        word_count(folder, generator)
        inverted_index(folder)
        log_sessions(folder, generator)
        page_rank(folder, generator)
        k_means(folder, generator)
        triangle_count(folder, generator)
        monte_carlo_pi()
        tera_sort(folder, generator)
        logs_with_users(folder, generator)
        usage()
        kept_objects(folder)
    return report("examples")


if __name__ == "__main__":
    sys.exit(main())
