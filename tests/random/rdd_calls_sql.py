"""SQL over RDDs, whose rows are RDDs again: calls as rdd_calls.py has them, of more than one table."""
from rdd_calls import BAG, CONCAT, Data, representations_differ
from rdd_calls_by_key import has_ties, order_of
from rdd_code import rem
from rdd_values import Field, Kind, canonical, order_key, row_order

INTS = ("int2", "int4", "int8")


def quoted(leaf, table=None):
    return (f"{table}." if table else "") + f'\\"{leaf.path}\\"'


def table(p, rng, node, may_be_replaced=True):
    """Its name; one that others have had, now and then."""
    name = "shared" if may_be_replaced and rng.random() < 0.3 else p.name("table")
    p.lines.append(f'register_rdd({node.name}, "{name}");')
    return name


def query(p, out, sql, rows, nodes, is_fuzzy=False, level=BAG):
    return p.node(f'vonk_rdd_sql(s, {out.name}, "{sql}")',
                  Data(out, level, rows, is_fuzzy=is_fuzzy or any(node.data.is_fuzzy for node in nodes)))


def key(leaf, row):
    return canonical(leaf.kind, leaf.of(row))


def some_leaves(rng, record, most, wanted=lambda leaf: True):
    leaves = [leaf for leaf in record.leaves if wanted(leaf)]
    return rng.sample(leaves, min(len(leaves), rng.randint(1, most))) if leaves else []


def fields(name, leaves, is_nullable=False):
    return [Field(f"{name}_{i}", leaf.kind, leaf.is_nullable or is_nullable) for i, leaf in enumerate(leaves)]


def test_of(rng, record, name):
    """(SQL, function of a row): whether it is true."""
    leaf = rng.choice(record.leaves)
    at = quoted(leaf, name)
    roll = rng.random()
    if roll < 0.3:
        return f"{at} IS NOT NULL", lambda row: leaf.of(row) is not None
    if leaf.kind.name in INTS:
        n = rng.choice([2, 3])
        return f"{at} % {n} = 0", lambda row: leaf.of(row) is not None and rem(leaf.of(row), n) == 0
    if leaf.kind.is_text():
        return f"{at} >= 'b'", lambda row: leaf.of(row) is not None and leaf.of(row) >= b"b"
    if leaf.kind.name == "bool":
        return f"NOT {at}", lambda row: leaf.of(row) == 0
    return f"{at} = {at}", lambda row: leaf.of(row) is not None


# --- a table ---

def call_sql_group(p, rng, node):
    """Aggregates, of groups or of all rows."""
    record = node.record
    by = some_leaves(rng, record, 2) if rng.random() < 0.8 else []
    name, columns, out, makers = table(p, rng, node), [quoted(leaf) for leaf in by], [], []
    for _ in range(rng.randint(1, 4)):
        leaf = rng.choice(record.leaves)
        at, kind = quoted(leaf), leaf.kind
        where, test = test_of(rng, record, None) if rng.random() < 0.3 else ("", lambda row: True)

        def values(rows, leaf=leaf, test=test):
            return [leaf.of(row) for row in rows if test(row) and leaf.of(row) is not None]
        roll = rng.random()
        if kind.name in INTS and roll < 0.4:
            wide = kind.name == "int8"
            columns.append(f"sum({at})#{'::numeric(38, 0)' if wide else ''}")
            out.append(Field(f"a{len(out)}", Kind("numeric", 38, 0) if wide else Kind("int8"), True))
            makers.append(lambda rows, values=values: sum(values(rows)) if values(rows) else None)
        elif roll < 0.7 and kind.name not in ("float4", "float8", "interval", "bool"):
            call = rng.choice([min, max])
            columns.append(f"{call.__name__}({at})#")
            out.append(Field(f"a{len(out)}", kind, True))
            makers.append(lambda rows, values=values, call=call: call(values(rows), default=None))
        elif kind.name == "bool":
            columns.append(f"bool_or({at})#")
            out.append(Field(f"a{len(out)}", kind, True))
            makers.append(lambda rows, values=values: max(values(rows), default=None))
        else:
            is_distinct = rng.random() < 0.5
            columns.append(f"count({'DISTINCT ' if is_distinct else ''}{at})#")
            out.append(Field(f"a{len(out)}", Kind("int8")))
            makers.append(lambda rows, values=values, is_distinct=is_distinct, kind=kind: len(
                {canonical(kind, v) for v in values(rows)} if is_distinct else values(rows)))
        columns[-1] = columns[-1].replace("#", f" FILTER (WHERE {where})" if where else "")
    groups = {} if by else {(): []}
    for row in node.data.rows:
        groups.setdefault(tuple(key(leaf, row) for leaf in by), []).append(row)
    having = rng.random() < 0.3
    rows = [tuple(leaf.of(rows[0]) for leaf in by) + tuple(make(rows) for make in makers) for rows in groups.values()
            if not having or len(rows) > 1]
    sql = f"SELECT {', '.join(columns)} FROM {name}" + (f" GROUP BY {', '.join(quoted(leaf) for leaf in by)}" if by else "") + (
        " HAVING count(*) > 1" if having else "")
    return query(p, p.add_type(fields("by", by) + out), sql, rows, [node],
                 node.data.is_fuzzy or representations_differ(record, node.data.rows))


def call_sql_order(p, rng, node):
    record, rows = node.record, node.data.rows
    found = order_of(rng, record, False)
    order = found[1]
    rest = [leaf for leaf in record.leaves if leaf not in [one for one, *_ in order] and leaf.kind.name != "interval"]
    order += [(leaf, False, False) for leaf in rest]
    if has_ties(record, order, rows):
        return None
    by = ", ".join(f"{quoted(leaf)}{' DESC' if is_descending else ''} NULLS {'FIRST' if nulls_first else 'LAST'}"
                   for leaf, is_descending, nulls_first in order)
    limit, offset = rng.choice([None, 0, 7, 50]), rng.choice([0, 0, 3])
    sql = f"SELECT * FROM {table(p, rng, node)} ORDER BY {by}" + (f" LIMIT {limit}" if limit is not None else "") + (
        f" OFFSET {offset}" if offset else "")
    rows = sorted(rows, key=lambda row: row_order(record, order, row))[offset:]
    return query(p, record, sql, rows if limit is None else rows[:limit], [node], level=CONCAT)


def call_sql_project(p, rng, node):
    record, out, columns, makers = node.record, [], [], []
    name = table(p, rng, node)
    for _ in range(rng.randint(1, 5)):
        leaf, roll = rng.choice(record.leaves), rng.random()
        at, kind = quoted(leaf), leaf.kind
        if roll < 0.15:
            what = f"{at} IS NULL", Kind("bool"), False, lambda v: int(v is None)
        elif kind.name in INTS and roll < 0.6:
            what = rng.choice([(f"coalesce({at}::int8, -5)", Kind("int8"), False, lambda v: -5 if v is None else v),
                               (f"({at} % 7)::int4", Kind("int4"), True, lambda v: None if v is None else rem(v, 7)),
                               (f"CASE WHEN {at} > 3 THEN 'more' WHEN {at} <= 3 THEN 'less' END", Kind("text"), True,
                                lambda v: None if v is None else b"more" if v > 3 else b"less"),
                               (f"nullif({at}, 1)", kind, True, lambda v: None if v == 1 else v)])
        elif kind.name in ("text", "varchar") and roll < 0.6:
            what = rng.choice([(f"octet_length({at})", Kind("int4"), True, lambda v: None if v is None else len(v)),
                               (f"length({at})", Kind("int4"), True, lambda v: None if v is None else len(v.decode())),
                               (f"'<' || {at} || '>'", Kind("text"), True, lambda v: None if v is None else b"<" + v + b">"),
                               (f"substr({at}, 2, 3)", Kind("text"), True, lambda v: None if v is None else v.decode()[1:4].encode()),
                               (f"{at} LIKE '%b_'", Kind("bool"), True,
                                lambda v: None if v is None else int(len(v.decode()) > 1 and v.decode()[-2] == "b"))])
        else:
            what = at, kind, leaf.is_nullable, lambda v: v
        columns.append(what[0])
        out.append(Field(f"p{len(out)}", what[1], what[2]))
        makers.append(lambda row, leaf=leaf, f=what[3]: f(leaf.of(row)))
    where, test = test_of(rng, record, None) if rng.random() < 0.4 else ("true", lambda row: True)
    return query(p, p.add_type(out), f"SELECT {', '.join(columns)} FROM {name} WHERE {where}",
                 [tuple(make(row) for make in makers) for row in node.data.rows if test(row)], [node])


# --- two tables ---

def equalities(rng, a, b):
    """Pairs of leaves that compare."""
    pairs = [(x, y) for x in a.leaves for y in b.leaves if x.kind.same(y.kind) or (x.kind.name in INTS and y.kind.name in INTS) or
             (x.kind.name in ("text", "varchar") and y.kind.name in ("text", "varchar"))]
    return rng.sample(pairs, min(len(pairs), rng.choice([1, 1, 2])))


def call_sql_join(p, rng, node):
    other = p.other(rng, node, None)
    a, b = node.record, other.record
    pairs = equalities(rng, a, b)
    if not pairs:
        return None
    names = table(p, rng, node), table(p, rng, other, False)
    where, test = test_of(rng, b, "y") if rng.random() < 0.3 else ("", lambda row: True)
    on = " AND ".join([*(f"{quoted(x, 'x')} = {quoted(y, 'y')}" for x, y in pairs), *([where] if where else [])])
    found = {}
    for row in other.data.rows:
        found.setdefault(tuple(key(y, row) for _, y in pairs), []).append(row)

    def partners(row):
        wanted = tuple(key(x, row) for x, _ in pairs)
        return [] if None in wanted else [one for one in found.get(wanted, []) if test(one)]
    kind = rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "EXISTS", "NOT EXISTS", "NOT IN"])
    if kind in ("EXISTS", "NOT EXISTS"):
        sql = f"SELECT * FROM {names[0]} AS x WHERE {kind} (SELECT 1 FROM {names[1]} AS y WHERE {on})"
        return query(p, a, sql, [row for row in node.data.rows if bool(partners(row)) == (kind == "EXISTS")], [node, other])
    if kind == "NOT IN":
        x, y = pairs[0]
        values = {key(y, row) for row in other.data.rows if test(row)}
        rows = [row for row in node.data.rows if not values or (key(x, row) is not None and None not in values and key(x, row) not in values)]
        sql = f"SELECT * FROM {names[0]} AS x WHERE {quoted(x, 'x')} NOT IN (SELECT {quoted(y, 'y')} FROM {names[1]} AS y{' WHERE ' + where if where else ''})"
        return query(p, a, sql, rows, [node, other])
    if sum(len(partners(row)) for row in node.data.rows) > 2 * p.program.rows_max:
        return None
    keeps_a, keeps_b = kind in ("LEFT JOIN", "FULL JOIN"), kind in ("RIGHT JOIN", "FULL JOIN")
    lefts, rights = some_leaves(rng, a, 3), some_leaves(rng, b, 3)
    rows, used = [], set()
    for row in node.data.rows:
        some = partners(row)
        used.update(map(id, some))
        rows += [(row, one) for one in some] or ([(row, None)] if keeps_a else [])
    if keeps_b:
        rows += [(None, row) for row in other.data.rows if id(row) not in used]
        if len({id(row) for row in other.data.rows}) < len(other.data.rows):
            return None  # the same row twice: which one is used is not known
    columns = ", ".join([*(quoted(leaf, "x") for leaf in lefts), *(quoted(leaf, "y") for leaf in rights)])
    made = [tuple(None if x is None else leaf.of(x) for leaf in lefts) + tuple(None if y is None else leaf.of(y) for leaf in rights)
            for x, y in rows]
    return query(p, p.add_type(fields("l", lefts, keeps_b) + fields("r", rights, keeps_a)),
                 f"SELECT {columns} FROM {names[0]} AS x {kind} {names[1]} AS y ON {on}", made, [node, other])


def call_sql_set(p, rng, node):
    other, record = p.other(rng, node, node.record), node.record
    if len(record.leaves) > 40 or len(node.data.rows) + len(other.data.rows) > p.program.rows_max:
        return None
    names = table(p, rng, node), table(p, rng, other, False)
    word, is_all = rng.choice(["UNION", "INTERSECT", "EXCEPT"]), rng.random() < 0.5
    counts = {}
    for at, one in enumerate((node, other)):
        for row in one.data.rows:
            counts.setdefault(tuple(key(leaf, row) for leaf in record.leaves), [row, 0, 0])[at + 1] += 1

    def how_many(a, b):
        if is_all:
            return a + b if word == "UNION" else min(a, b) if word == "INTERSECT" else max(0, a - b)
        return int(a + b > 0 if word == "UNION" else a > 0 and b > 0 if word == "INTERSECT" else a > 0 and b == 0)
    rows = [row for row, a, b in counts.values() for _ in range(how_many(a, b))]
    return query(p, record, f"SELECT * FROM {names[0]} {word}{' ALL' if is_all else ''} SELECT * FROM {names[1]}", rows, [node, other],
                 representations_differ(record, node.data.rows + other.data.rows))


def call_sql_limited_by(p, rng, node):
    """A subquery that gives one value."""
    record = node.record
    leaves = [leaf for leaf in record.leaves if leaf.kind.name not in ("interval", "float4", "float8", "bool")]
    if not leaves:
        return None
    leaf, call, name = rng.choice(leaves), rng.choice([min, max]), table(p, rng, node)
    values = [leaf.of(row) for row in node.data.rows if leaf.of(row) is not None]
    best = call(values, key=lambda v: order_key(leaf.kind, v)) if values else None
    return query(p, record, f"SELECT * FROM {name} WHERE {quoted(leaf)} = (SELECT {call.__name__}({quoted(leaf)}) FROM {name})",
                 [row for row in node.data.rows if best is not None and key(leaf, row) == canonical(leaf.kind, best)], [node])
