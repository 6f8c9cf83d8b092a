#!/usr/bin/env python3
"""Random RDD programs, in many modes, against a model of what rdd.h promises.

    run_random_rdd.py [--seed N] [--programs N] [--from N] [--pipelines N] [--modes all] [--cluster]
    run_random_rdd.py --seed 7 --from 12 --programs 1 --only 3 [--skip 0,2] [--rows 5] [--keep FOLDER]     one pipeline of one program

A program has some pipelines (random_rdd.py). What it prints must be what the model says, and the same bytes in each mode (other
orders where nothing is promised and the optimizer does without a rule, or knows nothing of functions). A pipeline that fails is tried alone, without some of its
calls and with fewer rows; what is left is printed as the command line that runs it.
"""
import argparse
import collections
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from jobs import ROOT, VONK, check, report  # noqa: E402
from random_rdd import Program, outputs  # noqa: E402

RULES = re.findall(r"^RULE\((\w+)\)", open(os.path.join(ROOT, "sql", "optimizer", "rules", "rules.def")).read(), re.M)
SECONDS_MAX = 120


def settings(**values):
    return [word for name, value in values.items() for word in ("--set", f"{name.replace('__', '.')}={value}")]


def modes(rng, url, everything, has_wide_texts):
    """{name: options}; the first one is what others are compared with. Some of them, unless everything is wanted."""
    found = {
        "plain": [],
        "1 thread": ["--master", "local[1]"],
        "8 threads": ["--master", "local[8]", *settings(jit="off")],
        "compiled": settings(jit="on", batch_rows=rng.choice([1, 7, 100, 2048])),
        "tiny batches": settings(batch_rows=1, jit="off"),
        "as bytes": settings(test__wire="on", batch_rows=3, jit=rng.choice(["on", "off"])),
        "no rules": settings(optimizer__disable="all"),
        "no rule": settings(optimizer__disable=rng.choice(RULES)),
        "faults": ["--master", f"local[{rng.choice([1, 3, 8])}]", *settings(test__faults=rng.randint(1, 999), batch_rows=rng.choice([5, 2048]))],
        "little memory": settings(memory="24MiB", batch_rows=50 if has_wide_texts else rng.choice([50, 2048]),
                                  spill_encryption=rng.choice(["on", "off"])),
        "apart": settings(adaptive__merge_bytes=0, adaptive__split_bytes=rng.choice([0, 1000]), adaptive__join=rng.choice(["on", "off"])),
        "no bitcode": settings(batch_rows=rng.choice([2, 2048])),
    }
    if url:
        found["cluster"] = ["--master", url, *settings(shuffle_compression=rng.choice(["none", "lz4", "snappy", "zstd"]))]
    if not everything:
        names = list(found)[1:]
        for name in rng.sample(names, len(names) - 5):
            del found[name]
    return found


def run(folder, program, name, options):
    """(exit code, {pipeline: lines}, the end of standard error)"""
    job, place = os.path.join(folder, "job.c"), tempfile.mkdtemp(dir=folder)
    for path, content in program.files().items():
        os.makedirs(os.path.dirname(os.path.join(place, path)), exist_ok=True)
        with open(os.path.join(place, path), "wb") as f:
            f.write(content)
    env = {**os.environ, "VONK_CC": "gcc"} if name == "no bitcode" else dict(os.environ)
    try:
        done = subprocess.run([VONK, "submit", *options, job, place], capture_output=True, timeout=SECONDS_MAX, env=env)
    except subprocess.TimeoutExpired as late:
        return "late", outputs((late.stdout or b"").decode(errors="replace")), f"not done within {SECONDS_MAX} s"
    return done.returncode, outputs(done.stdout.decode(errors="replace")), done.stderr.decode(errors="replace")[-1500:]


def wrong(folder, program, some):
    """[(pipeline's number or None, mode, what is wrong)], one a pipeline."""
    with open(os.path.join(folder, "job.c"), "w") as f:
        f.write(program.source())
    found, plain = {}, None
    for name, options in some.items():
        code, lines, errors = run(folder, program, name, options)
        if code != 0:
            number = list(lines)[-1] if lines else None
            found.setdefault(number, (name, f"exit code {code}: {errors[-600:]}"))
            if plain is None and not lines:
                break
        for pipeline in program.pipelines:
            if pipeline.number in found or (code != 0 and pipeline.number not in lines):
                continue
            what = pipeline.check(lines.get(pipeline.number, []))
            if what is None and plain and not name.startswith("no ") and lines.get(pipeline.number) != plain.get(pipeline.number):
                what = "other bytes than in the first mode"
            if what is not None:
                found[pipeline.number] = (name, what)
        plain = plain or lines
    return [(number, *rest) for number, rest in found.items()]


def shrink(folder, arguments, number, pipeline, some, kind):
    """Leaves calls and rows out, as long as it fails; the pipeline that is left, and the options that make it."""
    def fails(skipped, rows):
        program = Program(arguments.seed, number, arguments.pipelines, pipeline, skipped, rows)
        result = wrong(folder, program, some)
        return (program, result[0]) if result and result[0][2][:9] == kind[:9] else None
    skipped, rows = set(), 10 ** 6
    best = fails(skipped, rows)
    if best is None:
        return None, f"--only {pipeline} (does not fail alone)"
    for step in range(13, -1, -1):
        found = fails(skipped | {step}, rows)
        if found is not None:
            best, skipped = found, skipped | {step}
    for fewer in (1, 3, 10, 40, 150):
        found = fails(skipped, fewer)
        if found is not None:
            best, rows = found, fewer
            break
    options = f"--only {pipeline}" + (f" --skip {','.join(map(str, sorted(skipped)))}" if skipped else "") + (
        f" --rows {rows}" if rows < 10 ** 6 else "")
    return best, options


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=int, default=24)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--pipelines", type=int, default=8)
    parser.add_argument("--modes", choices=["some", "all"], default="some")
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--only", type=int)
    parser.add_argument("--skip", default="")
    parser.add_argument("--rows", type=int, default=10 ** 6)
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    skipped = {int(step) for step in arguments.skip.split(",") if step}
    calls = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="vonk-random-rdd-") as top:
        folder = arguments.keep or top
        os.makedirs(folder, exist_ok=True)
        cluster = os.path.join(top, "cluster")
        url = None
        try:
            if arguments.cluster:
                os.environ["XDG_STATE_HOME"] = top
                url = subprocess.run([VONK, "cluster", "up", "2", "--cores", "4", "--dir", cluster], stdout=subprocess.PIPE, text=True,
                                     check=True).stdout.strip()
            for number in range(arguments.first, arguments.first + arguments.programs):
                program = Program(arguments.seed, number, arguments.pipelines, arguments.only, skipped, arguments.rows)
                some = modes(random.Random(f"{arguments.seed}/{number}/modes"), url, arguments.modes == "all", program.has_wide_texts)
                results = wrong(folder, program, some)
                for pipeline in program.pipelines:
                    calls.update(pipeline.calls)
                    check(True, "") if pipeline.number not in [n for n, *_ in results] else None
                for pipeline, mode, what in results:
                    command = f"--seed {arguments.seed} --from {number} --programs 1"
                    if arguments.only is None and pipeline is not None:
                        tried = {name: some[name] for name in {"plain": 0, mode: 0}}
                        best, options = shrink(folder, arguments, number, pipeline, tried, what)
                        command += f" --pipelines {arguments.pipelines} {options}"
                        if best is not None:
                            what += f"\n  as small: {best[0].pipelines[0].calls}, {best[1][1]}: {best[1][2]}"
                    check(False, f"{command} --modes {arguments.modes}{' --cluster' if url else ''}, {mode}: {what}")
        finally:
            if arguments.cluster:
                subprocess.run([VONK, "cluster", "down", "--dir", cluster], check=url is not None)
    print("(" + ", ".join(f"{name} {count}" for name, count in sorted(calls.items())) + ")")
    return report("random_rdd")


if __name__ == "__main__":
    sys.exit(main())
