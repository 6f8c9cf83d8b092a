#!/usr/bin/env python3
"""Random queries: modes against each other and against PostgreSQL, and relations that must hold.

    run_random.py [--seed N] [--queries N] [--from N] [--no-postgres]

Every other query is of random_wide.py's shapes. Relations (Rigger & Su 2020): TLP, the rows of a query are those where p, where NOT p and where p IS NULL together, and so are
its aggregates; NoREC, count(*) where p = the sum of CASE WHEN p THEN 1 ELSE 0 END over all rows. A failing query is printed
with its seed.
"""
import argparse
import math
import os
import random
import re
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from postgres import Postgres, PostgresError, available  # noqa: E402
from random_sql import Generator, create  # noqa: E402
from random_wide import Wide, create_wide  # noqa: E402
from vonkpy import Session, VonkError  # noqa: E402

MODES = [{"threads": 2, "jit": "off"}, {"threads": 8, "jit": "on", "batch_rows": 3},
         {"threads": 1, "jit": "off", "optimizer_disable": "all"},
         {"threads": 2, "jit": "off", "test_jobs": 3, "test_wire": "on", "adaptive_merge_bytes": "1KiB",
          "adaptive_split_bytes": 1},
         {"threads": 2, "jit": "off"}]  # the last one does without one rule, another for each query
THIRDS = {1: 1, 3: 2}  # compiling, and moving rows through partitions, takes longer than all else: mode i for queries of number % 3
RULES = re.findall(r"^RULE\((\w+)\)", open(os.path.join(HERE, "../../sql/optimizer/rules/rules.def")).read(), re.M)
# Errors that depend on the order in which rows or conjuncts are looked at: any side may have them.
MAY_DIFFER = {"22012", "22003", "22008"}
NOT_SUPPORTED = "0A000"
# What the generator writes wrong now and then, and both engines refuse: an aggregate of outer columns in WHERE or GROUP BY,
# a constant in GROUP BY that is no column's number.
INVALID = {"42803", "42P10"}
SECONDS_MAX = 10


INTERVAL = re.compile(r"^(?:(-?\d+) years? ?)?(?:(-?\d+) mons? ?)?(?:(-?\d+) days? ?)?(?:(-?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?$")


def interval_seconds(value):
    """Equal intervals have several texts: '1 day' and '24:00:00'. None: no interval."""
    parts = INTERVAL.match(value) if value else None
    if parts is None:
        return None
    years, months, days, sign, hours, minutes, seconds = (p or 0 for p in parts.groups())
    time = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return ((int(years) * 12 + int(months)) * 30 + int(days)) * 86400 + (-time if sign else time)


def key(value):
    if value is None:
        return (0, "")
    seconds = interval_seconds(value)
    if seconds is not None:
        return (1, f"{seconds:.10g}")
    try:
        return (1, f"{float(value) + 0.0:.10g}")  # no -0, which may sort elsewhere
    except ValueError:
        return (2, {"t": "true", "f": "false"}.get(value, value))


def rows_of(run, sql, error_type):
    """The rows as a sorted list of keys, or ('error', SQLSTATE)."""
    try:
        return sorted(tuple(key(v) for v in row) for row in run(sql))
    except error_type as error:
        return ("error", error.sqlstate)


def agree(a, b):
    if a == b or any(x[0] == "error" and x[1] in MAY_DIFFER for x in (a, b) if isinstance(x, tuple)):
        return True
    if isinstance(a, tuple) or isinstance(b, tuple) or len(a) != len(b):
        return False
    for x, y in zip(a, b):
        for (k, v), (m, w) in zip(x, y):
            if k != m or (v != w and not (k == 1 and math.isclose(float(v), float(w), rel_tol=1e-9, abs_tol=1e-9))):
                return False
    return True


class Slow(Exception):
    """The query took longer than a random query should."""


def limited(session):
    """run(sql) on the session, cancelled after some seconds."""
    def run(sql):
        timer = threading.Timer(SECONDS_MAX, session.cancel)
        timer.start()
        try:
            return session.query(sql)[1]
        except VonkError as error:
            if error.sqlstate == "57014":
                raise Slow from error
            raise
        finally:
            timer.cancel()
    return run


def check_relations(generator, run):
    """None, or what does not hold."""
    rng = generator.rng
    text, scope = generator.source()
    p = generator.predicate(scope, 3)
    parts = [f"{text} WHERE {p}", f"{text} WHERE NOT ({p})", f"{text} WHERE ({p}) IS NULL"]
    value = generator.scalar(scope, rng.choice(["int", "text", "date"]), 1)
    try:
        rows = lambda sql: sorted(tuple(key(v) for v in row) for row in run(sql))  # noqa: E731
        counts = [int(run(f"SELECT count(*) FROM {part}")[0][0]) for part in parts]
        if rows(f"SELECT {value} FROM {text}") != rows(" UNION ALL ".join(f"SELECT {value} FROM {part}" for part in parts)):
            return f"TLP: {counts} rows: {value} FROM {text} WHERE {p}"
        for outer, inner in (("min", "min"), ("max", "max"), ("sum", "count")):
            whole = rows(f"SELECT {inner}({value}) FROM {text}")
            united = " UNION ALL ".join(f"SELECT {inner}({value}) AS v FROM {part}" for part in parts)
            if rows(f"SELECT {outer}(v) FROM ({united}) x") != whole:
                return f"TLP of {inner}: {value} FROM {text} WHERE {p}"
        total = run(f"SELECT sum(CASE WHEN {p} THEN 1 ELSE 0 END) FROM {text}")[0][0]
        if int(total or 0) != counts[0]:
            return f"NoREC: {total} instead of {counts[0]}: {text} WHERE {p}"
    except VonkError as error:
        is_expected = error.sqlstate in MAY_DIFFER | INVALID or error.sqlstate == NOT_SUPPORTED
        return None if is_expected else f"{error}: {text} WHERE {p}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--no-postgres", action="store_true")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    statements = [*create(rng), *create_wide(rng)]
    sessions = [Session(None, **mode) for mode in MODES]
    server = Postgres() if available() and not arguments.no_postgres else None
    passed = failed = errors = refused = slow = 0
    try:
        for statement in statements:
            for session in sessions:
                session.query(statement)
            if server:
                server.query(statement)
        if server:
            server.query(f"SET statement_timeout = {SECONDS_MAX * 1000}")
            server.query("SET jit = off")
        for number in range(arguments.first, arguments.first + arguments.queries):
            generator = (Generator, Wide)[number % 2](random.Random(arguments.seed * 1000003 + number))
            sql = generator.query()
            sessions[-1].query(f"SET optimizer.disable = '{RULES[number % len(RULES)]}'")
            try:
                truth = rows_of(lambda s: server.query(s)[1], sql, PostgresError) if server else None
                if truth == ("error", "57014"):
                    raise Slow
                asked = [session for i, session in enumerate(sessions) if THIRDS.get(i, number % 3) == number % 3]
                answers = [rows_of(limited(session), sql, VonkError) for session in asked]
                what = check_relations(type(generator)(generator.rng), limited(sessions[number % 3]))
            except Slow:
                slow += 1
                continue
            truth = answers[0] if truth is None else truth
            errors += isinstance(truth, tuple)
            is_refused = all(answer == ("error", NOT_SUPPORTED) for answer in answers)
            refused += is_refused
            ok = is_refused or all(agree(answer, truth) for answer in answers)
            passed, failed = passed + ok + (what is None), failed + (not ok) + (what is not None)
            if not ok:
                shown = [a if isinstance(a, tuple) else (len(a), a[:3]) for a in [truth, *answers]]
                print(f"FAILED: seed {arguments.seed}, query {number}: {sql}\n  PostgreSQL {shown[0]}\n  modes {shown[1:]}", flush=True)
            if what is not None:
                print(f"FAILED: seed {arguments.seed}, query {number}: {what}", flush=True)
    finally:
        for session in sessions:
            session.close()
        if server:
            server.close()
    print(f"({errors} of the queries are errors on both sides, {refused} are not supported, {slow} were left out as slow)")
    failed += (refused + slow) * 10 > arguments.queries
    print(f"random: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
