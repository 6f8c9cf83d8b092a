"""The data of bench/rdd.py, made once: the same bytes each time."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
VONK = os.path.join(ROOT, "build", "release", "vonk")


def made(path, make):
    if not os.path.exists(path):
        make(path + ".part")
        os.rename(path + ".part", path)


def make_text(path, size):
    """Words of Zipf's law, ten a line."""
    import numpy as np
    rng = np.random.default_rng(7)
    vocabulary = 1_000_000
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(letters[rng.integers(0, 26, n)]) for n in rng.integers(2, 12, vocabulary)], dtype=object)
    weights = 1 / np.arange(1, vocabulary + 1)
    bounds = np.cumsum(weights / weights.sum())
    written = 0
    with open(path, "w", encoding="ascii") as out:
        while written < size:
            drawn = words[np.minimum(np.searchsorted(bounds, rng.random(1_000_000)), vocabulary - 1)]
            text = "\n".join(" ".join(drawn[i:i + 10]) for i in range(0, len(drawn), 10)) + "\n"
            out.write(text)
            written += len(text)


def make_pairs(path, count):
    """1 M keys and values below 1e9, in no order that an encoding could use: squares modulo primes."""
    sql = (f"COPY (SELECT (y * y % 2147483647) % 1000000 AS k, (y * (y % 1000003) % 2147483629) % 1000000000 AS v "
           f"FROM (SELECT (x * 2654435761) % 1000000007 AS y FROM generate_series(1::bigint, {count}) g(x)) s) "
           f"TO '{path}' (FORMAT parquet)")
    subprocess.run([VONK, "sql", "-c", sql], check=True, capture_output=True)


def make_links(path, nodes, edges):
    """Pages that many link to are those with small numbers; some pages link to nothing."""
    import numpy as np
    rng = np.random.default_rng(7)
    links = np.column_stack((rng.integers(0, nodes, edges), (nodes * rng.random(edges) ** 3).astype(np.int64)))
    np.savetxt(path, np.unique(links, axis=0), fmt="%d")


def make_records(path, count):
    """gensort's form: a key of 10 printable bytes, a number, filler; 100 bytes with the line's end."""
    import numpy as np
    rng = np.random.default_rng(7)
    with open(path, "wb") as out:
        for start in range(0, count, 100_000):
            rows = np.full((min(100_000, count - start), 100), ord("A"), np.uint8)
            rows[:, :10] = rng.integers(33, 127, (len(rows), 10))
            numbers = np.char.zfill(np.arange(start, start + len(rows)).astype("S"), 32)
            rows[:, 10:42] = np.frombuffer(numbers.tobytes(), np.uint8).reshape(len(rows), 32)
            rows[:, 99] = ord("\n")
            out.write(rows.tobytes())
