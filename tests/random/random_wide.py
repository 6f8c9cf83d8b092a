"""Random SQL of wider shapes than random_sql.py's, over tables of every type, an empty one and one of NULLs only.

    Wide(rng).query()      a SELECT whose rows, as a multiset, are the same everywhere

Correlated subqueries in every clause, two levels deep; NATURAL and USING over columns of different types; DISTINCT ON; WITH TIES;
VALUES; set operations whose sides differ in type and nest; aggregates with FILTER, DISTINCT and ORDER BY; WITH used in subqueries.
"""
from random_sql import Generator

COLUMNS = {
    "w": {"k": "int", "v": "big", "m": "small", "x": "num", "y": "num", "f": "float", "h": "real", "s": "text", "c": "varchar",
          "d": "date", "t": "ts", "i": "interval", "p": "bool"},
    "u": {"k": "big", "s": "text", "x": "num", "z": "int", "d": "ts"},
    "o": {"k": "small", "c": "text", "y": "num", "p": "bool", "b": "int"},
    "nil": {"k": "int", "s": "text", "x": "num", "d": "date"},
    "empty": {"k": "int", "s": "text", "x": "num", "q": "int"},
    "one": {"k": "int", "s": "varchar", "f": "float", "t": "ts"},
}
TYPES = {  # by table, where a kind has more than one type
    "w": {"x": "numeric(6,2)", "y": "numeric(20,4)"}, "u": {"x": "numeric(8,3)"}, "o": {"y": "numeric(30,1)"},
    "nil": {"x": "numeric(4,1)"}, "empty": {"x": "numeric(38,6)"}, "one": {"s": "varchar(4)"},
}
KIND_TYPES = {"int": "int", "big": "bigint", "small": "smallint", "num": "numeric(8,2)", "float": "float8", "real": "real",
              "text": "text", "varchar": "varchar(6)", "date": "date", "ts": "timestamp", "interval": "interval", "bool": "boolean"}
ROWS = {"w": (12, 30), "u": (10, 20), "o": (6, 12), "nil": (3, 3), "empty": (1, 1), "one": (1, 1)}
NUMBERS = ("small", "int", "big", "num", "float", "real")
# What a set operation, CASE or USING may put together, the kind of the outcome last.
FAMILIES = [("small", "int", "big"), ("int", "num"), ("small", "num"), ("num", "num"), ("big", "float"), ("num", "float"),
            ("varchar", "text"), ("text", "text"), ("date", "ts"), ("date", "date"), ("interval", "interval"), ("bool", "bool"),
            ("int", "int"), ("real", "float")]


def wide_type(table, column):
    return TYPES.get(table, {}).get(column) or KIND_TYPES[COLUMNS[table][column]]


def create_wide(rng):
    def value(kind):
        if rng.random() < 0.18:
            return "NULL"
        return {"int": lambda: str(rng.randint(-2, 5)), "small": lambda: str(rng.randint(-2, 5)),
                "big": lambda: str(rng.choice([0, 1, 2, 3, -1, 4, 2**40])),
                "num": lambda: rng.choice(["0", "1", "2.0", "1.5", "-0.5", "2.5", "3.1", "-2"]),
                "float": lambda: rng.choice(["0", "'-0'", "1", "2.5", "-0.5", "3", "'NaN'", "'Infinity'"]),
                "real": lambda: rng.choice(["0", "1", "2.5", "-0.5", "3"]),
                "text": lambda: "'" + rng.choice(["", "a", "ab", "b", "B%", "ä", "a_b", "12", " a"]) + "'",
                "varchar": lambda: "'" + rng.choice(["", "a", "ab", "b", "Ab", "é", "a "]) + "'",
                "date": lambda: f"'2024-0{rng.randint(1, 3)}-{rng.choice(['01', '15', '28'])}'",
                "ts": lambda: f"'2024-0{rng.randint(1, 3)}-{rng.choice(['01', '15'])} {rng.choice(['00:00:00', '12:30:00', '23:59:59.5'])}'",
                "interval": lambda: rng.choice(["'1 day'", "'24 hours'", "'1 month'", "'-1 day'", "'30 days'", "'0'"]),
                "bool": lambda: rng.choice(["true", "false"])}[kind]()

    for table, columns in COLUMNS.items():
        rows = ", ".join("(" + ", ".join(("NULL" if table == "nil" else value(kind)) + f"::{wide_type(table, name)}"
                                         for name, kind in columns.items()) + ")" for _ in range(rng.randint(*ROWS[table])))
        where = " WHERE false" if table == "empty" else ""
        yield f"CREATE TABLE {table} AS SELECT * FROM (VALUES {rows}) v({', '.join(columns)}){where}"
    yield ("CREATE VIEW seen AS SELECT k, s, count(*) AS n, max(x) AS x, min(d) AS d FROM w WHERE p IS NOT FALSE GROUP BY k, s")
    yield ("CREATE VIEW pairs AS SELECT w.k, u.z, w.s, o.y AS x, w.p FROM w LEFT JOIN u USING (k) FULL JOIN o ON o.k = w.k")


VIEWS = {"seen": {"k": "int", "s": "text", "n": "big", "x": "num", "d": "date"},
         "pairs": {"k": "int", "z": "int", "s": "text", "x": "num", "p": "bool"}}
KINDS = ("int", "int", "int", "text", "text", "num", "num", "big", "small", "float", "real", "varchar", "date", "ts", "interval", "bool")


class Wide(Generator):
    """Scopes are as Generator's, kinds more; ctes: names that FROM may use."""

    def __init__(self, rng):
        super().__init__(rng)
        self.ctes = []

    def columns(self, scope, kind):
        return [(f"{alias}." if alias else "") + name for alias, columns in scope for name, k in columns.items() if k == kind]

    # --- expressions ---

    def literal(self, kind):
        if self.chance(0.06):
            return f"NULL::{KIND_TYPES[kind]}"
        own = {"small": lambda: self.pick("1::smallint", "0::smallint", "3::smallint"), "real": lambda: self.pick("1::real", "2.5::real"),
               "varchar": lambda: self.pick("'a'::varchar(6)", "'ab'::varchar", "''::varchar(6)"),
               "interval": lambda: self.pick("interval '1 day'", "interval '1 month'", "interval '24:00:00'", "interval '0'"),
               "num": lambda: self.pick("1.5", "2", "0.50", "-0.5", "1.0000", "2.125")}
        return own[kind]() if kind in own else super().literal(kind)

    def own_forms(self, kind, x):
        if kind == "small":
            return [lambda: f"(- {x()})", lambda: f"abs({x()})", lambda: f"({x()} / 2::smallint)", lambda: f"(({x('int')}) % 7)::smallint"]
        if kind == "real":
            return [lambda: f"(- {x()})", lambda: f"abs({x()})", lambda: f"({x('int')})::real", lambda: f"({x()} + {x()})"]
        if kind == "varchar":
            return [lambda: f"({x()})::varchar(2)", lambda: f"({x('text')})::varchar(3)", lambda: f"({x('int')})::varchar"]
        if kind == "interval":
            return [lambda: f"({x('ts')} - {x('ts')})", lambda: f"({x()} {self.pick('+', '-')} {x()})", lambda: f"({x()} * {self.pick('2', '0.5', '-1')})",
                    lambda: f"(- {x()})", lambda: f"age({x('ts')}, {x('ts')})", lambda: f"justify_days({x()})", lambda: f"({x()} / 2)"]
        forms = super().own_forms(kind, x)
        if kind == "int":
            forms += [lambda: f"({x('small')} + {x()})", lambda: f"extract({self.pick('day', 'hour', 'month')} FROM {x('interval')})::int",
                      lambda: f"(CASE WHEN {x('bool')} THEN {x('small')} ELSE {x()} END)", lambda: f"num_nulls({x()}, {x('text')})"]
        if kind == "num":
            forms += [lambda: f"coalesce({x()}, {x('int')})", lambda: f"greatest({x()}, {x('small')})", lambda: f"round({x()}, {self.pick('-1', '3', '0')})",
                      lambda: f"(CASE WHEN {x('bool')} THEN {x()} ELSE {x('int')} END)", lambda: f"({x()} % {self.pick('2', '1.5')})",
                      lambda: f"extract({self.pick('second', 'epoch', 'minute')} FROM {x('ts')})", lambda: f"({x()} * {self.pick('1.10', '-2', '0.001')})"]
        if kind == "float":
            forms += [lambda: f"({x('real')} + {x('num')})", lambda: f"({x('num')} * {x()})", lambda: f"(- {x()})"]
        if kind == "text":
            forms += [lambda: f"({x()} || {x('int')})", lambda: f"({x('num')})::text", lambda: f"({x('interval')})::text", lambda: f"overlay({x()} placing 'Z' from 2)",
                      lambda: f"coalesce({x('varchar')}, {x()})", lambda: f"split_part({x()}, '_', {self.pick('1', '2', '-1')})",
                      lambda: f"format('%s-%s', {x()}, {x('int')})", lambda: f"to_char({x('date')}, 'YYYY-MM')", lambda: f"substring({x()} from {x('int')})"]
        if kind == "bool":
            forms += [lambda: f"({x('float')} {self.pick('=', '<', '>')} {x('float')})", lambda: f"({x('num')} {self.pick('=', '<', '>=')} {x('float')})",
                      lambda: f"({x('big')} {self.pick('=', '<', '<>')} {x('num')})", lambda: f"({x('date')} {self.pick('=', '<', '>=')} {x('ts')})",
                      lambda: f"({x('varchar')} {self.pick('=', '<', '~~')} {x('text')})", lambda: f"({x('interval')} {self.pick('=', '<')} {x('interval')})",
                      lambda: f"({x('small')} IN ({x('int')}, {x('big')}, {x('num')}))"]
        if kind == "date":
            forms += [lambda: f"(date '2024-01-31' + {x('int')} * interval '1 month')::date"]
        if kind == "ts":
            forms += [lambda: f"({x()} + {x('interval')})", lambda: f"({x('date')} + {x('interval')})", lambda: f"coalesce({x()}, {x('date')})"]
        return forms

    def aggregate_of(self, scope, kind):
        """An aggregate call of that kind, or None where there is none."""
        value = lambda k: self.scalar(scope, k, 1)  # noqa: E731
        if kind == "bool":
            return f"{self.pick('bool_and', 'bool_or', 'every')}({value(kind)})"
        if kind == "big":
            return self.pick("count(*)", f"count({value(self.pick('int', 'text', 'date'))})", f"count(DISTINCT {value(self.pick('int', 'text', 'num'))})",
                             f"sum({value('int')})", f"sum(DISTINCT {value('small')})", f"max({value('big')})")
        if kind == "num":
            return f"{self.pick('sum', 'min', 'max', 'sum')}({self.pick('', '', 'DISTINCT ')}{value(kind)})"
        if kind == "text" and self.chance(0.3):
            v = value("text")
            return self.pick(f"string_agg({v}, ',' ORDER BY {v})", f"string_agg(DISTINCT {v}, '-')", f"string_agg({v}, '' ORDER BY {v} DESC)")
        return f"{self.pick('min', 'max')}({value(kind)})"

    def scalar_subquery(self, scope, kind, depth):
        """Correlated, by an aggregate, a LIMIT or a subquery of its own."""
        columns, text = self.source_in(scope, depth)
        inner = columns + list(scope)
        where = self.predicate(inner, depth - 1)
        shape = self.rng.random()
        if shape < 0.15 and kind != "bool":
            return f"(SELECT {self.scalar(inner, kind, 1)} FROM {text} WHERE {where} ORDER BY 1{self.pick('', ' DESC', ' NULLS FIRST')} LIMIT 1)"
        if shape < 0.25:
            key = self.scalar(columns, "int", 0)
            return (f"(SELECT {self.pick('max', 'min') if kind != 'bool' else 'bool_or'}(a) FROM (SELECT {self.aggregate_of(inner if self.chance(0.3) else columns, kind)} AS a "
                    f"FROM {text} WHERE {where} GROUP BY {key}) {self.alias()})")
        if shape < 0.3:
            return f"(SELECT {self.scalar(scope, kind, 1)} WHERE {self.predicate(scope, 1)})"
        target = self.aggregate_of(columns if self.chance(0.8) else inner, kind)
        if self.chance(0.15):
            target = f"coalesce({target}, {self.scalar(scope, kind, 0)})"
        having = f" HAVING {self.pick('count(*) > 1', 'count(*) < 3', 'max(' + self.scalar(columns, 'int', 0) + ') > ' + self.scalar(scope, 'int', 0))}" if self.chance(0.12) else ""
        return f"(SELECT {target} FROM {text} WHERE {where}{having})"

    def subquery(self, scope, depth):
        if self.chance(0.3):
            return super().subquery(scope, depth)
        columns, text = self.source_in(scope, depth)
        inner = columns + list(scope)
        where = self.predicate(inner, depth - 1)
        kinds = self.rng.choice([k for k in FAMILIES])
        outer, own = self.scalar(scope, kinds[0], 1), self.scalar(columns if self.chance(0.8) else inner, kinds[-1], 1)
        outer2, own2 = self.scalar(scope, "int", 0), self.scalar(columns, self.pick("int", "big", "small"), 0)
        body = f"SELECT {own} FROM {text} WHERE {where}"
        body = self.pick(body, body, f"SELECT DISTINCT {own} FROM {text} WHERE {where}",
                         f"SELECT {self.pick('max', 'min') if kinds[-1] != 'bool' else 'bool_or'}({own}) FROM {text} WHERE {where} GROUP BY {self.scalar(columns, 'int', 0)}",
                         f"{body} UNION ALL SELECT {self.scalar(scope, kinds[-1], 0)}", f"{body} EXCEPT SELECT {self.literal(kinds[-1])}",
                         f"{body} ORDER BY 1 LIMIT {self.rng.randint(0, 3)}", f"VALUES ({self.literal(kinds[-1])}), ({self.scalar(scope, kinds[-1], 0)}), (NULL)")
        return self.pick(f"{outer} {self.pick('', 'NOT ')}IN ({body})", f"{outer} {self.pick('=', '<>', '<', '>', '<=')} {self.pick('ANY', 'ALL', 'SOME')} ({body})",
                         f"{self.pick('', 'NOT ')}EXISTS ({body})", f"({outer2}, {outer}) {self.pick('', 'NOT ')}IN (SELECT {own2}, {own} FROM {text} WHERE {where})",
                         f"({outer2}, {outer}) {self.pick('=', '<>')} {self.pick('ANY', 'ALL')} (SELECT {own2}, {own} FROM {text} WHERE {where})"
                         if kinds[0] == kinds[-1] else f"EXISTS ({body})",
                         f"(({outer} IN ({body})) IS {self.pick('NULL', 'TRUE', 'NOT TRUE')})")

    # --- FROM ---

    def table(self):
        if self.ctes and self.chance(0.4):
            name, columns = self.rng.choice(self.ctes)
        else:
            name = self.pick("w", "w", "u", "o", "u", "w", "nil", "empty", "one", "seen", "pairs")
            columns = {**COLUMNS, **VIEWS}[name]
        alias = self.alias()
        return (alias, columns), f"{name} {alias}"

    def values(self):
        kinds = [self.rng.choice(FAMILIES) for _ in range(self.rng.randint(1, 3))]
        kinds[0] = ("int", "int")
        rows = ", ".join("(" + ", ".join(self.pick("NULL", *[self.literal(k) for k in family] * 3) for family in kinds) + ")"
                         for _ in range(self.rng.randint(1, 5)))
        names = {f"c{i}": family[-1] for i, family in enumerate(kinds)}
        # a row without bare NULLs, so that each column has the type it is taken for
        first = ", ".join(self.literal(family[-1]) for family in kinds)
        alias = self.alias()
        return (alias, names), f"(VALUES ({first}), {rows}) {alias}({', '.join(names)})"

    def source_in(self, scope, depth):
        """A scope and its text, for a subquery: a table, a join or something derived that may use the outer scope."""
        shape = self.rng.random()
        if shape < 0.1:
            columns, text = self.values()
        elif shape < 0.2 and depth > 1:
            columns, text = self.derived(scope if self.chance(0.5) else [])
            text = text.removeprefix("LATERAL ")
        else:
            columns, text = self.table()
        if depth < 2 or not self.chance(0.25):
            return [columns], text
        more, more_text = self.table()
        kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
        on = f"{self.scalar([columns], 'int', 0)} = {self.scalar([more], 'int', 0)}"
        if kind != "FULL JOIN" and self.chance(0.5):
            on = self.predicate([columns, more] + (list(scope) if self.chance(0.5) else []), 1)
        return [columns, more], f"{text} {kind} {more_text} ON {on}"

    def merged(self):
        """NATURAL and USING chains: one scope of unqualified names, qualified ones beside it."""
        def kind_of(a, b):
            if a == b:
                return a
            return "ts" if "ts" in (a, b) else "text" if "text" in (a, b) else max(a, b, key=NUMBERS.index)
        tables = [self.pick("w", "u", "o", "nil", "one", "empty") for _ in range(self.pick(2, 2, 3))]
        alias = self.alias()
        text, names = f"{tables[0]} {alias}", dict(COLUMNS[tables[0]])
        aliases = [(alias, tables[0])]
        ambiguous = set()
        for table in tables[1:]:
            columns, alias = COLUMNS[table], self.alias()
            shared = [c for c in columns if c in names and c not in ambiguous
                      and (columns[c] == names[c] or {columns[c], names[c]} <= set(NUMBERS) or {columns[c], names[c]} <= {"text", "varchar"}
                           or {columns[c], names[c]} <= {"date", "ts"})]
            kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
            used = self.rng.sample(shared, self.rng.randint(1, len(shared))) if shared else []
            if not used:
                join = f" CROSS JOIN {table} {alias}"
            elif set(shared) == {c for c in columns if c in names} and not ambiguous and self.chance(0.3):
                used, join = shared, f" NATURAL {kind} {table} {alias}"
            else:
                join = f" {kind} {table} {alias} USING ({', '.join(used)})"
            text += join
            for c, k in columns.items():
                if c in used:
                    names[c] = kind_of(names[c], k)
                elif c in names:
                    ambiguous.add(c)
                else:
                    names[c] = k
            aliases.append((alias, table))
        scope = [(a, COLUMNS[t]) for a, t in aliases]
        return text, scope, {c: k for c, k in names.items() if c not in ambiguous}

    def natural(self):
        text, scope, names = self.merged()
        bare = [("", names)]
        both = scope + bare
        where = f" WHERE {self.predicate(both, 2)}" if self.chance(0.6) else ""
        if self.chance(0.25):
            return f"SELECT * FROM {text}{where}"
        key = self.rng.choice(sorted(names))
        if self.chance(0.4):
            return f"SELECT {key}, count(*), {self.aggregate(both)} FROM {text}{where} GROUP BY {key}"
        targets = [self.scalar(both, self.rng.choice(KINDS), 1) for _ in range(2)]
        return f"SELECT {key}, {', '.join(targets)} FROM {text}{where}"

    def source(self, depth=1):
        if self.chance(0.1):
            columns, text = self.values()
            more, more_text = self.table()
            return f"{text} {self.pick('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN')} {more_text} ON {columns[0]}.c0 = {self.int_of([more])}", [columns, more]
        if self.chance(0.07):
            columns, text = self.table()
            alias = self.alias()
            series = f"generate_series({self.pick('1', '0', self.int_of([columns]))}, {self.pick('3', self.int_of([columns]))}) {alias}(g)"
            return f"{text} {self.pick('CROSS JOIN', 'CROSS JOIN LATERAL')} {series}", [columns, (alias, {"g": "int"})]
        for _ in range(20):
            try:
                return super().source(depth)
            except IndexError:  # a table without an int column
                continue
        return "w", [("w", COLUMNS["w"])]

    def int_of(self, scope):
        names = self.columns(scope, "int")
        if names:
            return self.rng.choice(names)
        return f"{self.rng.choice(self.columns(scope, 'small') + self.columns(scope, 'big') + ['1'])}::int"

    # --- queries ---

    def aggregate(self, scope):
        if self.chance(0.3):
            return super().aggregate(scope)
        kind = self.rng.choice(KINDS)
        text = self.aggregate_of(scope, kind)
        if self.chance(0.2):
            numeric = self.pick("num", "int", "big")
            text = f"{self.pick('avg', 'stddev', 'variance', 'var_pop', 'stddev_pop')}({self.pick('', 'DISTINCT ')}{self.scalar(scope, numeric, 0)})"
        return text + (f" FILTER (WHERE {self.predicate(scope, self.pick(1, 2))})" if self.chance(0.3) else "")

    def grouped(self):
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 2)}" if self.chance(0.5) else ""
        keys = [self.scalar(scope, self.rng.choice(KINDS), 1) for _ in range(self.pick(0, 1, 1, 2))]
        alias, columns = scope[0]
        own = [c for c in columns]
        key = f"{alias}.{self.rng.choice(own)}"
        keys.append(key)
        grouped = [(alias, {key.split('.')[1]: columns[key.split('.')[1]]})]
        targets = [*keys, *(self.aggregate(scope) for _ in range(self.pick(0, 1, 2)))]
        if self.chance(0.35):  # a subquery over the group's key
            targets.append(self.scalar_subquery(grouped, self.pick("int", "big", "text", "num", "bool"), 2))
        having = f" HAVING {self.pick('count(*) > 1', self.subquery(grouped, 2), self.predicate(grouped, 2), 'max(' + self.int_of(scope) + ') IN (SELECT k FROM u)')}" \
            if self.chance(0.4) else ""
        group = ", ".join(self.pick(k, str(i + 1)) for i, k in enumerate(keys))
        return f"SELECT {', '.join(targets)} FROM {text}{where} GROUP BY {group}{having}"

    def ungrouped(self):
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 3)}" if self.chance(0.6) else ""
        having = f" HAVING {self.pick('count(*) > 2', 'count(*) = 0', 'NOT EXISTS (SELECT 1 FROM one WHERE one.k > 3)')}" if self.chance(0.2) else ""
        group = self.pick("", "", " GROUP BY ()")
        targets = [self.aggregate(scope) for _ in range(self.pick(1, 2, 3))]
        if self.chance(0.15):  # an aggregate of the outer query inside of a subquery
            targets.append(f"(SELECT count(*) FROM u WHERE u.z < max({self.int_of(scope)}))")
        return f"SELECT {', '.join(targets)} FROM {text}{where}{group}{having}"

    def set_operation(self):
        families = [self.rng.choice(FAMILIES) for _ in range(self.rng.randint(1, 3))]

        def side(depth):
            if depth and self.chance(0.4):
                operation = f"{self.pick('UNION', 'EXCEPT', 'INTERSECT')}{self.pick('', ' ALL')}"
                return f"({side(depth - 1)} {operation} {side(depth - 1)})"
            if self.chance(0.15):
                row = lambda: "(" + ", ".join(self.literal(self.rng.choice(f)) for f in families) + ")"  # noqa: E731
                return f"(VALUES {', '.join(row() for _ in range(self.rng.randint(1, 4)))})"
            limit = f" ORDER BY {', '.join(str(i + 1) for i in range(len(families)))} LIMIT {self.rng.randint(0, 6)}" if self.chance(0.15) else ""
            return f"({self.select([self.rng.choice(f) for f in families])}{limit})"

        text = side(2)
        for _ in range(self.rng.randint(1, 2)):
            text = f"{text} {self.pick('UNION', 'EXCEPT', 'INTERSECT')}{self.pick('', ' ALL')} {side(1)}"
        return text + self.order(len(families))

    def distinct_on(self):
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 2)}" if self.chance(0.5) else ""
        targets = [self.scalar(scope, self.rng.choice(KINDS), 1) for _ in range(self.rng.randint(2, 3))]
        on = self.rng.randint(1, len(targets) - 1)
        order = ", ".join(f"{i + 1}{self.pick('', ' DESC', ' NULLS FIRST')}" for i in range(len(targets)))
        return f"SELECT DISTINCT ON ({', '.join(targets[:on])}) {', '.join(targets)} FROM {text}{where} ORDER BY {order}"

    def ties(self):
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 2)}" if self.chance(0.5) else ""
        targets = [self.scalar(scope, self.rng.choice(KINDS), 1) for _ in range(self.rng.randint(1, 3))]
        key = self.pick("1", f"{targets[0]} NULLS FIRST", self.scalar(scope, "int", 1), self.scalar(scope, "text", 2))
        key = "1" if key.lstrip("(-").rstrip(")").isdigit() else key
        return f"SELECT {', '.join(targets)} FROM {text}{where} ORDER BY {key} FETCH FIRST {self.rng.randint(1, 8)} ROWS WITH TIES"

    def ordered(self):
        """ORDER BY an expression or a subquery, then all columns; LIMIT by an expression."""
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 2)}" if self.chance(0.5) else ""
        targets = [self.scalar(scope, self.rng.choice(KINDS), 1) for _ in range(self.rng.randint(1, 3))]
        first = self.pick(self.scalar_subquery(scope, self.pick("int", "text"), 2), f"({self.predicate(scope, 2)})", self.scalar(scope, "num", 2) + " IS NULL")
        keys = ", ".join([first + self.pick("", " DESC", " NULLS FIRST"), *(str(i + 1) for i in range(len(targets)))])
        limit = self.pick("", f" LIMIT {self.rng.randint(0, 9)}", " LIMIT 3 + 2 OFFSET 1 + 1", " OFFSET 3", " LIMIT ALL", " LIMIT NULL")
        return f"SELECT {', '.join(targets)} FROM {text}{where} ORDER BY {keys}{limit}"

    def with_query(self):
        """A chain of WITH, each may use the ones before it, some columns unused; used in FROM and in subqueries."""
        parts, before = [], self.ctes
        for _ in range(self.rng.randint(1, 3)):
            columns, body = self.derived([])
            body = body[1:body.rindex(")", 0, body.rindex(f" {columns[0]}(") + 1)]
            name = self.alias()
            parts.append(f"{name}({', '.join(columns[1])}) AS{self.pick('', '', ' MATERIALIZED', ' NOT MATERIALIZED')} ({body})")
            self.ctes = self.ctes + [(name, columns[1])]
        shape = self.rng.random()
        body = self.grouped() if shape < 0.3 else self.set_operation() if shape < 0.45 else self.plain()
        self.ctes = before
        return f"WITH {', '.join(parts)} {body}"

    def plain(self):
        text, scope = self.source()
        where = f" WHERE {self.predicate(scope, 3)}" if self.chance(0.8) else ""
        kinds = [self.rng.choice(KINDS) for _ in range(self.rng.randint(1, 3))]
        targets = [self.scalar(scope, k, 2) for k in kinds]
        if self.chance(0.4):
            targets.append(self.scalar_subquery(scope, self.rng.choice(KINDS), 3))
        if self.chance(0.3):
            targets.append(self.predicate(scope, 3))
        if self.chance(0.2):
            targets.append(f"CASE WHEN {self.subquery(scope, 2)} THEN {self.scalar_subquery(scope, 'int', 2)} ELSE {self.scalar(scope, 'int', 1)} END")
        return f"SELECT {self.pick('', '', '', 'DISTINCT ')}{', '.join(targets)} FROM {text}{where}{self.order(len(targets))}"

    def query(self):
        shape = self.rng.random()
        for bound, make in ((0.15, self.grouped), (0.22, self.ungrouped), (0.37, self.set_operation), (0.45, self.with_query), (0.53, self.natural),
                            (0.6, self.distinct_on), (0.66, self.ties), (0.74, self.ordered)):
            if shape < bound:
                return make()
        return self.plain()
