"""Damaged entries of the code cache on disk: recompiled, never executed, and the answer is right."""
import os
import random
import re
import shutil
import subprocess

from faults import BUILD, check, sql

QUERIES = ["SELECT sum(x * 3 + 1), count(*) FROM t WHERE x % 5 = 2", "SELECT x % 10, avg(x / 3.0) FROM t GROUP BY 1 ORDER BY 1",
           "SELECT count(*) FROM t WHERE s LIKE '%7%' AND length(s) > 3"]


def entries(cache):
    folder = os.path.join(cache, "vonk")
    return sorted(os.path.join(folder, n) for n in os.listdir(folder)) if os.path.isdir(folder) else []


def damages(rng, images):
    """(name, images after the damage) by path."""
    paths = sorted(images)
    yield "empty", {p: b"" for p in paths}
    yield "truncated", {p: b[:len(b) // 2] for p, b in images.items()}
    yield "cut by one byte", {p: b[:-1] for p, b in images.items()}
    yield "one byte more", {p: b + b"x" for p, b in images.items()}
    yield "random bytes", {p: rng.randbytes(len(b)) for p, b in images.items()}
    yield "head kept, rest random", {p: b[:40] + rng.randbytes(len(b) - 40) for p, b in images.items()}
    yield "zeros", {p: bytes(len(b)) for p, b in images.items()}
    yield "huge lengths", {p: b[:16] + b"\xff" * 24 + b[40:] for p, b in images.items()}
    yield "swapped", dict(zip(paths, [images[p] for p in paths[1:] + paths[:1]]))
    for number in range(12):
        changed = {}
        for p, b in images.items():
            at = rng.randrange(len(b))
            changed[p] = b[:at] + bytes([b[at] ^ 1 << rng.randrange(8)]) + b[at + 1:]
        yield f"one bit, {number}", changed


def test_another_build(folder, cache, env, wanted):
    """What another build of libvonk_jit.so has kept is code for that one's kernels: it is not even looked at."""
    copy = os.path.join(folder, "build")
    os.makedirs(copy)
    for name in ("vonk", "libvonk_jit.so"):
        shutil.copy(os.path.join(BUILD, name), copy)
    path = os.path.join(copy, "libvonk_jit.so")
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    build_id = bytes.fromhex(re.search(r"Build ID: ([0-9a-f]+)", notes)[1])
    with open(path, "rb") as file:
        image = file.read()
    before = set(entries(cache))

    def run_with(changed):
        with open(path, "wb") as file:
            file.write(changed)
        run = subprocess.run([os.path.join(copy, "vonk"), "sql", folder, "--format", "csv", "--set", "jit=on",
                              *[word for query in QUERIES for word in ("-c", query)]],
                             capture_output=True, text=True, env={**os.environ, **env})
        check(run.returncode == 0 and run.stdout == wanted.out, f"another build: {run}")
        return run.stderr

    run_with(image.replace(build_id, build_id[::-1]))
    check(len(set(entries(cache)) - before) == len(before), f"another build: {len(before)} entries became {len(entries(cache))}")
    run = subprocess.run(["strings", "-n", "64", path], capture_output=True, text=True, check=True)
    interfaces = [line for line in run.stdout.split("\n") if re.fullmatch("[0-9a-f]{64}", line)]
    check(len(interfaces) == 1, f"hashes of headers: {interfaces}")
    said = run_with(image.replace(interfaces[0].encode(), interfaces[0][::-1].encode()))
    check("of another build" in said, f"a module of other headers is taken: {said}")


def run_all(folder):
    rng = random.Random(7)
    cache = os.path.join(folder, "cache")
    env = {"XDG_CACHE_HOME": cache}
    made = sql("CREATE TABLE t AS SELECT x, 'text ' || x AS s FROM generate_series(1::bigint, 200000) g(x)", database=folder)
    check(made.status == 0, f"making data: {made}")
    wanted = sql(QUERIES, "--set", "jit=on", database=folder, env=env)
    images = {path: open(path, "rb").read() for path in entries(cache)}
    check(wanted.status == 0 and len(images) >= 3, f"the cache has {len(images)} entries: {wanted}")
    test_another_build(folder, cache, env, wanted)
    for path in set(entries(cache)) - set(images):
        os.unlink(path)
    for name, changed in damages(rng, images):
        for path, image in changed.items():
            with open(path, "wb") as f:
                f.write(image)
        run = sql(QUERIES, "--set", "jit=on", database=folder, env=env)
        check(run.status == 0 and run.out == wanted.out and run.err == "", f"cache entries: {name}: {run}")
        after = {path: open(path, "rb").read() for path in entries(cache)}
        check(set(after) == set(images) and all(after[p][24:48] == images[p][24:48] for p in images),
              f"cache entries: {name}: not written anew")
    for path in images:  # not ours to trust
        os.chmod(path, 0o666)
    run = sql(QUERIES, "--set", "jit=on", database=folder, env=env)
    check(run.status == 0 and run.out == wanted.out, f"cache entries that others may write: {run}")
    for path in images:
        os.unlink(path)
        os.mkfifo(path, 0o600)
    run = sql(QUERIES, "--set", "jit=on", database=folder, env=env, timeout=30)
    check(run.status == 0 and run.out == wanted.out, f"pipes for cache entries: {run}")
