#!/usr/bin/env python3
"""Random queries: modes against each other and against PostgreSQL, and relations that must hold.

    run_random.py [--seed N] [--queries N] [--no-postgres]

Relations (Rigger & Su 2020): TLP, rows = rows where p + where NOT p + where p IS NULL; NoREC, count(*) where p = the sum
of CASE WHEN p THEN 1 ELSE 0 END over all rows. A failing query is printed with its seed.
"""
import argparse
import math
import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from postgres import Postgres, PostgresError, available  # noqa: E402
from vonkpy import Session, VonkError  # noqa: E402

MODES = [{"threads": 2, "jit": "off"}, {"threads": 8, "jit": "on", "batch_rows": 3},
         {"threads": 1, "jit": "off", "optimizer_disable": "all"},
         {"threads": 2, "jit": "off"}]  # the last one does without one rule, another for each query
RULES = re.findall(r"^RULE\((\w+)\)", open(os.path.join(HERE, "../../sql/optimizer/rules/rules.def")).read(), re.M)
# Errors that depend on the order in which rows or conjuncts are looked at: any side may have them.
MAY_DIFFER = {"22012", "22003"}

TABLES = {"r": {"a": "int", "b": "int", "s": "text", "d": "date", "n": "num"},
          "q": {"a": "int", "c": "int", "s": "text", "f": "float"},
          "e": {"a": "int", "s": "text"}}


def create(rng):
    """CREATE TABLE statements with a few dozen rows of few distinct values, NULLs among them."""
    def value(kind):
        if rng.random() < 0.15:
            return "NULL"
        return {"int": lambda: str(rng.randint(-3, 6)), "text": lambda: "'" + rng.choice(["", "a", "ab", "b", "B%", "xyz"]) + "'",
                "date": lambda: f"date '2024-0{rng.randint(1, 4)}-1{rng.randint(0, 9)}'",
                "num": lambda: f"{rng.randint(-500, 500) / 100:.2f}", "float": lambda: str(rng.randint(-8, 8) / 4)}[kind]()

    casts = {"int": "int", "text": "text", "date": "date", "num": "numeric(8,2)", "float": "float8"}
    for name, columns in TABLES.items():
        rows = ", ".join("(" + ", ".join(f"{value(k)}::{casts[k]}" for k in columns.values()) + ")"
                         for _ in range(0 if name == "e" else rng.randint(15, 40)))
        rows = rows or "(" + ", ".join(f"NULL::{casts[k]}" for k in columns.values()) + ")"
        where = " WHERE false" if name == "e" else ""
        yield f"CREATE TABLE {name} AS SELECT * FROM (VALUES {rows}) v({', '.join(columns)}){where}"


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.aliases = 0

    def pick(self, *choices):
        return self.rng.choice(choices)

    def alias(self):
        self.aliases += 1
        return f"t{self.aliases}"

    def columns(self, scope, kind):
        return [f"{alias}.{name}" for alias, table in scope for name, k in TABLES[table].items() if k == kind]

    def scalar(self, scope, kind, depth):
        columns = self.columns(scope, kind)
        if columns and (depth <= 0 or self.rng.random() < 0.5):
            return self.rng.choice(columns)
        if kind == "int":
            a = lambda: self.scalar(scope, "int", depth - 1)  # noqa: E731
            return self.pick(lambda: str(self.rng.randint(-2, 5)), lambda: f"({a()} {self.pick('+', '-', '*')} {a()})",
                             lambda: f"coalesce({a()}, {a()})", lambda: f"CASE WHEN {self.predicate(scope, depth - 1)} THEN {a()} "
                             f"ELSE {a()} END", lambda: f"abs({a()})", lambda: f"nullif({a()}, {a()})",
                             lambda: f"length({self.scalar(scope, 'text', depth - 1)})",
                             lambda: f"greatest({a()}, {a()})" if depth > 0 else "1")()
        if kind == "text":
            b = lambda: self.scalar(scope, "text", depth - 1)  # noqa: E731
            return self.pick(lambda: self.pick("'a'", "'ab'", "''"), lambda: f"({b()} || {b()})" if depth > 0 else "'x'",
                             lambda: f"upper({b()})" if depth > 0 else "'b'",
                             lambda: f"substring({b()}, 1, 2)" if depth > 0 else "'z'")()
        if kind == "date":
            return self.pick("date '2024-02-15'", "date '2024-03-11' + 7")
        if kind == "num":
            return self.pick("1.25", "(-0.5)", "2 * 1.10")
        return self.pick("0.25::float8", "(-1.5)::float8")

    def predicate(self, scope, depth):
        kind = self.pick("int", "int", "text", "date", "num", "float")
        x = lambda: self.scalar(scope, kind, depth - 1)  # noqa: E731
        p = lambda: self.predicate(scope, depth - 1)  # noqa: E731
        simple = [lambda: f"{x()} {self.pick('=', '<>', '<', '<=', '>', '>=')} {x()}", lambda: f"{x()} IS {self.pick('', 'NOT ')}NULL",
                  lambda: f"{x()} BETWEEN {x()} AND {x()}", lambda: f"{x()} {self.pick('', 'NOT ')}IN ({x()}, {x()})",
                  lambda: f"{self.scalar(scope, 'text', depth - 1)} LIKE {self.pick(repr('a%'), repr('%b%'), repr('_'), repr('%'))}",
                  lambda: f"{x()} IS DISTINCT FROM {x()}"]
        if depth <= 0:
            return self.rng.choice(simple)()
        return self.rng.choice(simple + [lambda: f"({p()} AND {p()})", lambda: f"({p()} OR {p()})", lambda: f"(NOT {p()})",
                                         lambda: self.subquery(scope, depth), lambda: self.subquery(scope, depth),
                                         lambda: f"({p()}) IS {self.pick('TRUE', 'NOT TRUE', 'FALSE', 'UNKNOWN')}"])()

    def subquery(self, scope, depth):
        table, alias = self.pick(*TABLES), self.alias()
        inner = [(alias, table)] + list(scope)
        where = self.predicate(inner, depth - 2)
        own = self.scalar([(alias, table)], "int", 0)
        outer = self.scalar(scope, "int", 0)
        return self.pick(f"{self.pick('', 'NOT ')}EXISTS (SELECT 1 FROM {table} {alias} WHERE {where})",
                         f"{outer} {self.pick('', 'NOT ')}IN (SELECT {own} FROM {table} {alias} WHERE {where})",
                         f"{outer} {self.pick('<', '=', '>=')} (SELECT {self.pick('max', 'min', 'count', 'sum')}({own}) "
                         f"FROM {table} {alias} WHERE {where})",
                         f"{outer} {self.pick('=', '<>', '<')} {self.pick('ANY', 'ALL')} (SELECT {own} FROM {table} {alias} "
                         f"WHERE {where})")

    def source(self):
        """FROM text and its scope; full joins only on one equality, as PostgreSQL asks."""
        table, alias = self.pick("r", "q", "r", "q", "e"), self.alias()
        text, scope = f"{table} {alias}", [(alias, table)]
        for _ in range(self.pick(0, 1, 1, 2)):
            kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
            table, alias = self.pick("r", "q", "q", "e"), self.alias()
            left = self.rng.choice(self.columns(scope, "int"))
            scope.append((alias, table))
            if kind == "CROSS JOIN":
                text += f" CROSS JOIN {table} {alias}"
                continue
            on = f"{left} = {alias}.a"
            if kind != "FULL JOIN" and self.rng.random() < 0.4:
                on += f" AND {self.predicate(scope, 1)}"
            text += f" {kind} {table} {alias} ON {on}"
        return text, scope

    def query(self):
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 3)}" if self.rng.random() < 0.8 else ""
        shape = self.rng.random()
        if shape < 0.35:
            key = self.scalar(scope, self.pick("int", "text"), 1)
            aggs = [f"{self.pick('sum', 'min', 'max', 'count', 'count', 'avg')}({self.pick('', '', 'DISTINCT ')}"
                    f"{self.scalar(scope, 'int', 1)})" for _ in range(self.pick(1, 2))]
            having = f" HAVING count(*) > {self.rng.randint(0, 3)}" if self.rng.random() < 0.3 else ""
            return f"SELECT {key}, count(*), {', '.join(aggs)} FROM {text}{where} GROUP BY {key}{having}"
        if shape < 0.5:
            a, b = self.query_columns(scope), self.query_columns(scope)
            return f"SELECT {a} FROM {text}{where} {self.pick('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT ALL')} SELECT {b} FROM {text}"
        distinct = "DISTINCT " if shape > 0.85 else ""
        extra = f", {self.predicate(scope, 2)}" if self.rng.random() < 0.3 else ""
        return f"SELECT {distinct}{self.query_columns(scope)}{extra} FROM {text}{where}"

    def query_columns(self, scope):
        return f"{self.scalar(scope, 'int', 2)}, {self.scalar(scope, 'text', 1)}"


def key(value):
    if value is None:
        return (0, "")
    try:
        return (1, f"{float(value):.10g}")
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
            if k != m or (v != w and not (k == 1 and math.isclose(float(v), float(w), rel_tol=1e-9))):
                return False
    return True


def check_relations(rng, run):
    """None, or what does not hold."""
    generator = Generator(rng)
    text, scope = generator.source()
    p = generator.predicate(scope, 3)
    try:
        count = lambda where: int(run(f"SELECT count(*) FROM {text}{where}")[0][0])  # noqa: E731
        parts = [count(f" WHERE {p}"), count(f" WHERE NOT ({p})"), count(f" WHERE ({p}) IS NULL")]
        if sum(parts) != count(""):
            return f"TLP: {parts} of {count('')} rows: {text} WHERE {p}"
        total = run(f"SELECT sum(CASE WHEN {p} THEN 1 ELSE 0 END) FROM {text}")[0][0]
        if int(total or 0) != parts[0]:
            return f"NoREC: {total} instead of {parts[0]}: {text} WHERE {p}"
    except VonkError as error:
        return None if error.sqlstate in MAY_DIFFER else f"{error}: {text} WHERE {p}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--queries", type=int, default=1500)
    parser.add_argument("--no-postgres", action="store_true")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    statements = list(create(rng))
    sessions = [Session(None, **mode) for mode in MODES]
    server = Postgres() if available() and not arguments.no_postgres else None
    passed = failed = errors = 0
    try:
        for statement in statements:
            for session in sessions:
                session.query(statement)
            if server:
                server.query(statement)
        for number in range(arguments.queries):
            query_rng = random.Random(arguments.seed * 1000003 + number)
            sql = Generator(query_rng).query()
            sessions[-1].query(f"SET optimizer.disable = '{RULES[number % len(RULES)]}'")
            answers = [rows_of(lambda s, x=session: x.query(s)[1], sql, VonkError) for session in sessions]
            truth = rows_of(lambda s: server.query(s)[1], sql, PostgresError) if server else answers[0]
            errors += isinstance(truth, tuple)
            ok = all(agree(answer, truth) for answer in answers)
            passed, failed = passed + ok, failed + (not ok)
            if not ok:
                shown = [a if isinstance(a, tuple) else (len(a), a[:3]) for a in [truth, *answers]]
                print(f"FAILED: seed {arguments.seed}, query {number}: {sql}\n  PostgreSQL {shown[0]}\n  modes {shown[1:]}", flush=True)
            what = check_relations(query_rng, lambda s: sessions[number % 3].query(s)[1])
            passed, failed = passed + (what is None), failed + (what is not None)
            if what is not None:
                print(f"FAILED: seed {arguments.seed}, query {number}: {what}", flush=True)
    finally:
        for session in sessions:
            session.close()
        if server:
            server.close()
    print(f"({errors} of the queries are errors on both sides)")
    print(f"random: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
