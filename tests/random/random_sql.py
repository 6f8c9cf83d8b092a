"""Random SQL over three small tables, typed so that PostgreSQL takes nearly all of it.

    Generator(rng).query()      a SELECT whose rows, as a multiset, are the same everywhere

A scope is a list of (alias, {column: kind}), the innermost query's first. Kinds: int, big, num, float, text, bool, date, ts.
Kept out: what rightly differs, such as digits of numeric quotients inside comparisons.
"""

TABLES = {"r": {"a": "int", "b": "int", "s": "text", "d": "date", "n": "num", "p": "bool"},
          "q": {"a": "int", "c": "int", "s": "text", "f": "float", "t": "ts", "g": "big"},
          "e": {"a": "int", "s": "text", "n": "num"}}
CASTS = {"int": "int", "big": "bigint", "text": "text", "date": "date", "num": "numeric(8,2)", "float": "float8",
         "bool": "boolean", "ts": "timestamp"}
KINDS = ("int", "int", "int", "text", "text", "big", "num", "float", "bool", "date", "ts")


def create(rng):
    """CREATE TABLE statements with some rows of few distinct values, NULLs among them."""
    def value(kind):
        if rng.random() < 0.15:
            return "NULL"
        return {"int": lambda: str(rng.randint(-3, 6)), "big": lambda: str(rng.choice([0, 1, -1, 2**40, -2**62, 7])),
                "text": lambda: "'" + rng.choice(["", "a", "ab", "b", "B%", "xyz", "é_", "12"]) + "'",
                "date": lambda: f"date '2024-0{rng.randint(1, 4)}-1{rng.randint(0, 9)}'",
                "num": lambda: f"{rng.randint(-500, 500) / 100:.2f}", "float": lambda: str(rng.randint(-8, 8) / 4),
                "bool": lambda: rng.choice(["true", "false"]),
                "ts": lambda: f"timestamp '2024-0{rng.randint(1, 3)}-0{rng.randint(1, 9)} {rng.randint(10, 23)}:30:0{rng.randint(0, 9)}'"}[kind]()

    for name, columns in TABLES.items():
        rows = ", ".join("(" + ", ".join(f"{value(k)}::{CASTS[k]}" for k in columns.values()) + ")"
                         for _ in range(1 if name == "e" else rng.randint(8, 20)))
        where = " WHERE false" if name == "e" else ""
        yield f"CREATE TABLE {name} AS SELECT * FROM (VALUES {rows}) v({', '.join(columns)}){where}"


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.aliases = 0

    def pick(self, *choices):
        return self.rng.choice(choices)

    def chance(self, p):
        return self.rng.random() < p

    def alias(self):
        self.aliases += 1
        return f"t{self.aliases}"

    def columns(self, scope, kind):
        return [f"{alias}.{name}" for alias, columns in scope for name, k in columns.items() if k == kind]

    # --- expressions ---

    def scalar(self, scope, kind, depth):
        columns = self.columns(scope, kind)
        if columns and (depth <= 0 or self.chance(0.45)):
            return self.rng.choice(columns)
        if depth <= 0:
            return self.literal(kind)
        x = lambda k=kind: self.scalar(scope, k, depth - 1)  # noqa: E731
        shared = [lambda: self.literal(kind), lambda: f"coalesce({x()}, {x()})", lambda: f"nullif({x()}, {x()})",
                  lambda: f"CASE WHEN {self.predicate(scope, depth - 1)} THEN {x()} ELSE {x()} END",
                  lambda: f"CASE WHEN {self.predicate(scope, depth - 1)} THEN {x()} END",
                  lambda: f"CASE {x('int')} WHEN {self.literal('int')} THEN {x()} WHEN {self.literal('int')} THEN {x()} END",
                  lambda: f"{self.pick('greatest', 'least')}({x()}, {x()})"]
        if depth > 1 and self.chance(0.08):
            return self.scalar_subquery(scope, kind, depth)
        return self.rng.choice(shared + self.own_forms(kind, x))()

    def literal(self, kind):
        if self.chance(0.06):
            return f"NULL::{CASTS[kind]}"
        return {"int": lambda: self.pick("0", "1", "2", "-2", "5", "100"), "big": lambda: self.pick("7::bigint", "0::bigint", "1099511627776"),
                "num": lambda: self.pick("1.25", "(-0.5)", "0.00", "2.10"), "float": lambda: self.pick("0.25::float8", "(-1.5)::float8", "0::float8"),
                "text": lambda: self.pick("'a'", "'ab'", "''", "'b'", "'xyz'", "' a '"), "bool": lambda: self.pick("true", "false"),
                "date": lambda: self.pick("date '2024-02-15'", "date '2024-03-11'", "date '2023-12-31'"),
                "ts": lambda: self.pick("timestamp '2024-02-01 00:00'", "timestamp '2024-01-31 23:59:59'")}[kind]()

    def own_forms(self, kind, x):
        """Thunks that make an expression of that kind in its own ways."""
        r = self.rng
        if kind == "int":
            return [lambda: f"({x()} {self.pick('+', '-', '*')} {x()})", lambda: f"abs({x()})", lambda: f"length({x('text')})",
                    lambda: f"({x()} {self.pick('/', '%')} {self.pick('2', '3', '-4')})", lambda: f"(- {x()})",
                    lambda: f"({x('date')} - {x('date')})", lambda: f"position({x('text')} IN {x('text')})",
                    lambda: f"extract({self.pick('year', 'month', 'day', 'dow', 'doy', 'quarter')} FROM {x('date')})::int",
                    lambda: f"({x('bool')})::int", lambda: f"sign({x()})::int", lambda: f"ascii({x('text')})",
                    lambda: f"mod({x()}, {self.pick('3', '5')})", lambda: f"round({x('num')})::int", lambda: f"({x()} {self.pick('&', '|', '#')} {x()})"]
        if kind == "big":
            return [lambda: f"({x('int')}::bigint {self.pick('+', '-', '*')} {x('int')})", lambda: f"({x()} / {self.pick('3', '-7')})",
                    lambda: f"({x()} - 1)", lambda: f"abs({x()} + 1)"]
        if kind == "num":
            return [lambda: f"({x()} {self.pick('+', '-', '*')} {x('num')})", lambda: f"({x('int')} {self.pick('+', '*')} {x()})",
                    lambda: f"{self.pick('round', 'trunc')}({x()}, {self.pick('1', '0', '2')})", lambda: f"{self.pick('floor', 'ceil', 'abs')}({x()})",
                    lambda: f"({x('int')})::numeric(8,2)", lambda: f"(- {x()})"]
        if kind == "float":
            return [lambda: f"({x()} {self.pick('+', '-', '*')} {x()})", lambda: f"({x()} / {self.pick('2', '0.5')})", lambda: f"abs({x()})",
                    lambda: f"{self.pick('floor', 'ceil', 'trunc')}({x()})", lambda: f"({x('int')})::float8", lambda: f"({x('num')})::float8"]
        if kind == "text":
            return [lambda: f"({x()} || {x()})", lambda: f"{self.pick('upper', 'lower', 'reverse', 'initcap')}({x()})",
                    lambda: f"substring({x()}, {self.pick('1', '2', '-1')}, {self.pick('0', '2', '5')})", lambda: f"({x('int')})::text",
                    lambda: f"{self.pick('left', 'right', 'repeat')}({x()}, {self.pick('1', '2', '-1')})", lambda: f"replace({x()}, 'a', {x()})",
                    lambda: f"{self.pick('btrim', 'ltrim', 'rtrim')}({x()})", lambda: f"concat({x()}, {x('int')}, {x('bool')})",
                    lambda: f"{self.pick('lpad', 'rpad')}({x()}, {r.randint(0, 4)}, 'xy')", lambda: f"({x('date')})::text", lambda: f"({x('bool')})::text",
                    lambda: f"concat_ws('-', {x()}, {x()})", lambda: f"translate({x()}, 'ab', 'x')", lambda: f"split_part({x()}, 'b', 1)"]
        if kind == "bool":
            return [lambda: f"({x('int')} {self.pick('=', '<', '>=')} {x('int')})", lambda: f"(NOT {x()})", lambda: f"({x('text')} IS NULL)",
                    lambda: f"({x()} {self.pick('AND', 'OR')} {x()})", lambda: f"({x('text')} < {x('text')})", lambda: f"({x('int')})::boolean"]
        if kind == "date":
            return [lambda: f"({x()} {self.pick('+', '-')} {self.pick('7', '31', x('int'))})", lambda: f"({x('ts')})::date",
                    lambda: f"date_trunc('{self.pick('month', 'year', 'week', 'quarter')}', {x()})::date",
                    lambda: f"({x()} + interval '{self.pick('1 month', '-1 year', '40 days')}')::date"]
        return [lambda: f"({x()} {self.pick('+', '-')} interval '{self.pick('1 day', '36 hours', '1 month 2 days', '90 minutes')}')",
                lambda: f"date_trunc('{self.pick('hour', 'day', 'month')}', {x()})", lambda: f"({x('date')})::timestamp",
                lambda: f"({x('date')} + interval '1 hour')"]

    def scalar_subquery(self, scope, kind, depth):
        """One row by an aggregate or by LIMIT over all columns; correlated more often than not."""
        columns, text = self.table()
        inner = [columns] + list(scope)
        where = self.predicate(inner, depth - 2)
        value = self.scalar([columns] if self.chance(0.7) else inner, kind, 1)
        if kind == "bool":
            return f"(SELECT {self.pick('bool_and', 'bool_or')}({value}) FROM {text} WHERE {where})"
        if self.chance(0.2):
            return f"(SELECT {value} FROM {text} WHERE {where} ORDER BY 1 LIMIT 1)"
        return f"(SELECT {self.pick('max', 'min')}({value}) FROM {text} WHERE {where})"

    # --- predicates ---

    def predicate(self, scope, depth):
        kind = self.rng.choice(KINDS)
        x = lambda k=kind: self.scalar(scope, k, depth - 1)  # noqa: E731
        p = lambda: self.predicate(scope, depth - 1)  # noqa: E731
        simple = [lambda: f"{x()} {self.pick('=', '<>', '<', '<=', '>', '>=', '=')} {x()}", lambda: f"{x()} IS {self.pick('', 'NOT ')}NULL",
                  lambda: f"{x()} {self.pick('', 'NOT ')}BETWEEN {self.pick('', 'SYMMETRIC ')}{x()} AND {x()}",
                  lambda: f"{x()} {self.pick('', 'NOT ')}IN ({', '.join(x() for _ in range(self.rng.randint(1, 4)))})",
                  lambda: f"{x('text')} {self.pick('', 'NOT ')}{self.pick('LIKE', 'LIKE', 'ILIKE')} "
                          f"{self.pick(repr('a%'), repr('%b%'), repr('_'), repr('%'), repr('%B'), repr('a_'), x('text'))}",
                  lambda: f"{x()} IS {self.pick('', 'NOT ')}DISTINCT FROM {x()}",
                  lambda: f"({x('int')}, {x('text')}) {self.pick('=', '<>', '<', '>=')} ({x('int')}, {x('text')})",
                  lambda: self.scalar(scope, "bool", depth - 1)]
        if depth <= 0:
            return self.rng.choice(simple[:6])()
        return self.rng.choice(simple + [lambda: f"({p()} AND {p()})", lambda: f"({p()} OR {p()})", lambda: f"(NOT {p()})",
                                         lambda: f"({p()} AND {p()} AND {p()})", lambda: f"(({p()} AND {p()}) OR ({p()} AND {p()}))",
                                         lambda: self.subquery(scope, depth), lambda: self.subquery(scope, depth), lambda: self.subquery(scope, depth),
                                         lambda: f"({p()}) IS {self.pick('TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE', 'UNKNOWN')}"])()

    def subquery(self, scope, depth):
        columns, text = self.table()
        if depth > 1 and self.chance(0.25):  # a join inside
            more, more_text = self.table()
            inner = [columns, more] + list(scope)
            text += f" {self.pick('JOIN', 'LEFT JOIN')} {more_text} ON {self.predicate([columns, more], 0)}"
        else:
            inner = [columns] + list(scope)
        where = self.predicate(inner, depth - (1 if self.chance(0.3) else 2))
        kind = self.pick("int", "int", "text", "date")
        own = self.scalar([columns] if self.chance(0.8) else inner, kind, 0)
        outer = self.scalar(scope, kind, 0)
        limit = f" ORDER BY 1 LIMIT {self.rng.randint(0, 3)}" if self.chance(0.1) else ""
        group = f" GROUP BY {own}{self.pick('', ' HAVING count(*) > 1')}" if self.chance(0.15) and not limit else ""
        number = self.scalar([columns], "int", 0)
        return self.pick(f"{self.pick('', 'NOT ')}EXISTS (SELECT 1 FROM {text} WHERE {where})",
                         f"{outer} {self.pick('', 'NOT ')}IN (SELECT {own} FROM {text} WHERE {where}{group}{limit})",
                         f"{self.scalar(scope, 'int', 0)} {self.pick('<', '=', '>=')} (SELECT {self.pick('max', 'min', 'count', 'sum')}({number}) "
                         f"FROM {text} WHERE {where})",
                         f"{outer} {self.pick('=', '<>', '<', '>')} {self.pick('ANY', 'ALL')} (SELECT {own} FROM {text} WHERE {where}{group})",
                         f"({outer}, {self.scalar(scope, 'int', 0)}) {self.pick('', 'NOT ')}IN (SELECT {own}, {number} FROM {text} WHERE {where})")

    # --- FROM ---

    def table(self):
        """((alias, columns), text) of a table."""
        name, alias = self.pick("r", "q", "r", "q", "e"), self.alias()
        return (alias, TABLES[name]), f"{name} {alias}"

    def derived(self, outer):
        """As table(): a subquery in FROM; outer is the scope it may use (LATERAL), or nothing."""
        columns, text = self.table()
        inner = [columns] + list(outer)
        alias = self.alias()
        where = f" WHERE {self.predicate(inner, 1)}" if self.chance(0.7) else ""
        kinds = [self.rng.choice(KINDS) for _ in range(self.rng.randint(0, 2))]
        lateral = "LATERAL " if outer else ""
        shape = self.rng.random()
        if shape < 0.35:
            key = self.scalar([columns], "int", 1)
            values = [f"{self.pick('max', 'min')}({self.scalar([columns], k, 1)})" if k != "bool" else
                      f"bool_or({self.scalar([columns], k, 1)})" for k in kinds]
            group = f" GROUP BY {key}"
            targets = [key, *values, "count(*)"]
            names = {"c0": "int", **{f"c{i + 1}": k for i, k in enumerate(kinds)}, "n": "big"}
            body = f"SELECT {', '.join(targets)} FROM {text}{where}{group}"
        else:
            targets = [self.scalar(inner, k, 1) for k in ("int", *kinds)]
            names = {f"c{i}": k for i, k in enumerate(("int", *kinds))}
            distinct = "DISTINCT " if shape > 0.8 else ""
            order = f" ORDER BY {', '.join(str(i + 1) for i in range(len(targets)))} LIMIT {self.rng.randint(0, 9)}" if self.chance(0.25) else ""
            body = f"SELECT {distinct}{', '.join(targets)} FROM {text}{where}{order}"
        return (alias, names), f"{lateral}({body}) {alias}({', '.join(names)})"

    def source(self, depth=1):
        """FROM text and its scope; full joins only on one equality, as PostgreSQL asks."""
        columns, text = self.derived([]) if depth and self.chance(0.15) else self.table()
        scope = [columns]
        for _ in range(self.pick(0, 1, 1, 1, 2, 2)):
            kind = self.pick("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "LATERAL", "COMMA")
            if kind == "LATERAL":
                columns, more = self.derived(scope)
                text += self.pick(f" CROSS JOIN {more}", f" LEFT JOIN {more} ON true", f" JOIN {more} ON {self.predicate(scope + [columns], 1)}")
                scope.append(columns)
                continue
            columns, more = self.derived([]) if depth and self.chance(0.2) else self.table()
            left, right = self.rng.choice(self.columns(scope, "int")), self.rng.choice(self.columns([columns], "int"))
            scope.append(columns)
            if kind == "CROSS JOIN" or kind == "COMMA" and " " in text:
                text += f" CROSS JOIN {more}"
                continue
            on = f"{left} = {right}"
            if kind != "FULL JOIN" and self.chance(0.4):
                on = self.pick(f"{on} AND {self.predicate(scope, 1)}", f"{on} OR {self.predicate(scope, 0)}", self.predicate(scope, 1))
            elif self.chance(0.15):
                on = f"{left} + 1 = {right}"
            text += f" {kind if kind != 'COMMA' else 'JOIN'} {more} ON {on}"
        return text, scope

    # --- queries ---

    def aggregate(self, scope):
        kind = self.rng.choice(KINDS)
        x = self.scalar(scope, kind, 1)
        distinct = self.pick("", "", "", "DISTINCT ")
        if kind == "bool":
            text = f"{self.pick('bool_and', 'bool_or', 'count')}({x})"
        elif kind in ("text", "date", "ts"):
            text = f"{self.pick('min', 'max', 'count')}({distinct}{x})"
        elif kind == "float":
            text = f"{self.pick('sum', 'avg', 'min', 'max', 'stddev', 'var_pop')}({x})"
        else:
            text = f"{self.pick('sum', 'avg', 'min', 'max', 'count')}({distinct}{x})"
        return text + (f" FILTER (WHERE {self.predicate(scope, 1)})" if self.chance(0.25) else "")

    def select(self, kinds):
        """A SELECT of just these kinds."""
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 2)}" if self.chance(0.7) else ""
        targets = ", ".join(self.scalar(scope, k, 2) for k in kinds)
        return f"SELECT {self.pick('', '', 'DISTINCT ')}{targets} FROM {text}{where}"

    def set_operation(self):
        kinds = [self.rng.choice(KINDS) for _ in range(self.rng.randint(1, 3))]
        text = self.select(kinds)
        for _ in range(self.rng.randint(1, 3)):
            operation = f"{self.pick('UNION', 'EXCEPT', 'INTERSECT')}{self.pick('', ' ALL')}"
            text = f"({text}) {operation} ({self.select(kinds)})"
        return text + self.order(len(kinds))

    def order(self, count):
        """ORDER BY all columns, so that LIMIT has one answer; mostly nothing."""
        if not self.chance(0.3):
            return ""
        columns = list(range(1, count + 1))
        self.rng.shuffle(columns)
        keys = ", ".join(f"{c}{self.pick('', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST')}" for c in columns)
        return f" ORDER BY {keys}" + self.pick("", f" LIMIT {self.rng.randint(0, 12)}", f" LIMIT {self.rng.randint(1, 9)} OFFSET {self.rng.randint(0, 9)}")

    def grouped(self):
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 3)}" if self.chance(0.7) else ""
        keys = [self.scalar(scope, self.rng.choice(KINDS), 1) for _ in range(self.pick(0, 1, 1, 2, 3))]
        aggregates = [self.aggregate(scope) for _ in range(self.pick(1, 2, 3))]
        group = " GROUP BY " + ", ".join(self.pick(k, str(i + 1)) for i, k in enumerate(keys)) if keys else ""
        having = ""
        if self.chance(0.3):
            having = " HAVING " + self.pick("count(*) > 1", f"max({self.scalar(scope, 'int', 1)}) > 0", f"NOT bool_and({self.scalar(scope, 'bool', 1)})")
        return f"SELECT {', '.join([*keys, 'count(*)', *aggregates])} FROM {text}{where}{group}{having}"

    def with_query(self):
        """A WITH that is used twice."""
        name = self.alias()
        columns, body = self.derived([])
        body = body[1:body.rindex(")", 0, body.rindex(f" {columns[0]}(") + 1)]
        one, two = self.alias(), self.alias()
        scope = [(one, columns[1]), (two, columns[1])]
        materialized = self.pick("", " MATERIALIZED", " NOT MATERIALIZED")
        return (f"WITH {name}({', '.join(columns[1])}) AS{materialized} ({body}) SELECT {self.scalar(scope, 'int', 1)}, {self.scalar(scope, 'text', 1)} "
                f"FROM {name} {one} {self.pick('JOIN', 'LEFT JOIN')} {name} {two} ON {one}.c0 = {two}.c0 WHERE {self.predicate(scope, 2)}")

    def query(self):
        shape = self.rng.random()
        if shape < 0.35:
            return self.grouped()
        if shape < 0.5:
            return self.set_operation()
        if shape < 0.58:
            return self.with_query()
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 3)}" if self.chance(0.8) else ""
        kinds = [self.rng.choice(KINDS) for _ in range(self.rng.randint(1, 3))]
        targets = [self.scalar(scope, k, 2) for k in kinds]
        if self.chance(0.3):
            targets.append(self.predicate(scope, 2))
        distinct = "DISTINCT " if shape > 0.9 else ""
        return f"SELECT {distinct}{', '.join(targets)} FROM {text}{where}{self.order(len(targets))}"
