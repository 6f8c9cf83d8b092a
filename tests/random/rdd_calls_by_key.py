"""More calls, as rdd_calls.py has them: by key, places and order, what is kept, SQL and files."""
from rdd_calls import BAG, CONCAT, EXACT, MERGED, Data, Node, function, key_by, pairing, reading, representations_differ
from rdd_code import Root, accumulator, adder, build, int_expr, rem, with_key, zero_of
from rdd_values import (Field, Kind, Record, c_fields, can_be_csv, canonical, csv_lines, order_key, random_row, row_order)


# --- by key ---

def by_key(p, rng, nodes):
    """(groups by first arrival: {key: [rows of each node]}, option, level of what comes out and its partitions)"""
    groups = {}
    for at, node in enumerate(nodes):
        for row in node.data.rows:
            groups.setdefault(node.record.key_of(row), [[] for _ in nodes])[at].append(row)
    n = rng.choice([None, None, None, 1, 3, 7, 50, 200])
    datas = [node.data for node in nodes]
    level = BAG
    if all(data.is_ordered() for data in datas) or (len(nodes) == 1 and n is None and datas[0].has_ordered_keys()):
        level = MERGED
    if len(nodes) == 1 and datas[0].placed and n is None:
        partitions = datas[0].partitions
    else:
        partitions = n or (min(64, datas[0].partitions) if len(nodes) == 1 and datas[0].partitions else None)
    return groups, f", VONK_PARTITIONS({n})" if n else "", level, partitions


def gathered(out, nodes, groups, results, option, level, partitions, is_fuzzy, placed=True):
    """What comes of each group, in a list of its own, where it is."""
    data = nodes[0].data
    if len(nodes) > 1 or data.level != EXACT or not data.placed or option:
        return Data(out, level, [row for rows in results for row in rows], partitions=partitions, placed=placed, is_fuzzy=is_fuzzy)
    at = {nodes[0].record.key_of(row): i for i, part in enumerate(data.parts) for row in part}
    parts = [[] for _ in data.parts]
    for key, rows in zip(groups, results):
        parts[at[key]] += rows
    return Data(out, EXACT, parts=parts, placed=placed, is_fuzzy=is_fuzzy)


def is_vague(nodes):
    """Whether which one of equal keys is first depends on an order that is not known, or they may differ between inputs."""
    rows = [tuple(leaf.of(row) for leaf in node.record.key_leaves()) for node in nodes for row in node.data.rows]
    record = nodes[0].record
    differ, seen = False, {}
    for values in rows:
        key = tuple(canonical(leaf.kind, v) for leaf, v in zip(record.key_leaves(), values))
        differ |= seen.setdefault(key, values) != values
    return differ and (len(nodes) > 1 or not nodes[0].data.has_ordered_keys())


def fuzzy(nodes):
    return any(node.data.is_fuzzy for node in nodes) or is_vague(nodes)


def call_reduce_by_key(p, rng, node):
    record, data = node.record, node.data
    if not record.keys():
        return None
    groups, option, level, n = by_key(p, rng, [node])
    is_fold = rng.random() < 0.3
    lines, add = adder(rng, record, data.has_ordered_keys(), True, is_fold)
    fn = function(p, "add", f"void @(VonkTask *task, {record.name} *sum, const {record.name} *more)", ["(void)sum, (void)more;", *lines])
    result = []
    for rows, in groups.values():
        total = rows[0]
        if is_fold:
            zero = build(record, {leaf.index: None if leaf.is_nullable else zero_of(leaf.kind) for leaf in record.leaves})
            total = add(with_key(record, zero, record, rows[0]), rows[0])
        for row in rows[1:]:
            total = add(total, row)
        result.append([total])
    if is_fold:
        zero = c_fields(record, build(record, {leaf.index: None if leaf.is_nullable else zero_of(leaf.kind) for leaf in record.leaves}))
        call = f"vonk_rdd_fold_by_key({node.name}, {record.name}, (&({record.name}){{{zero}}}), {fn}{option})"
    else:
        call = f"vonk_rdd_reduce_by_key({node.name}, {record.name}, {fn}{option})"
    return p.node(call, gathered(record, [node], groups, result, option, level, n, fuzzy([node])))


def call_aggregate_by_key(p, rng, node):
    record, data, out = node.record, node.data, p.keyed_like(rng, node.record)
    if out is None:
        return None
    groups, option, level, n = by_key(p, rng, [node])
    zero, adds, merges, add = accumulator(rng, out, Root("in", record), data.has_ordered_keys(), True)
    names = f"{out.name} *sum, const {record.name} *in"
    add_fn = function(p, "add", f"void @(VonkTask *task, {names})", ["(void)sum, (void)in;", *adds])
    merge_fn = function(p, "merge", f"void @(VonkTask *task, {out.name} *sum, const {out.name} *more)", ["(void)sum, (void)more;", *merges])
    result = []
    for rows, in groups.values():
        total = with_key(out, zero, record, rows[0])
        for row in rows:
            total = add(total, {"in": row})
        result.append([total])
    if rng.random() < 0.5:
        create = function(p, "create", f"void @(VonkTask *task, const {record.name} *in, {out.name} *out)",
                          [f"*out = ({out.name}){{{c_fields(out, zero)}}};", f"{add_fn}(task, out, in);"])
        call = f"vonk_rdd_combine_by_key({node.name}, {record.name}, {out.name}, {create}, {add_fn}, {merge_fn}{option})"
    else:
        call = (f"vonk_rdd_aggregate_by_key({node.name}, {record.name}, {out.name}, (&({out.name}){{{c_fields(out, zero)}}}), {add_fn}, "
                f"{merge_fn}{option})")
    return p.node(call, gathered(out, [node], groups, result, option, level, n, fuzzy([node])))


def call_count_by(p, rng, node):
    record, data = node.record, node.data
    is_value = rng.random() < 0.5 and len(record.leaves) < 40
    if not is_value and not record.keys():
        return None
    fields = [f for f in record.fields if is_value or f.is_key]
    if any(f.name == "how_many" for f in fields):
        return None
    out = p.add_type([Field(f.name, f.kind, f.is_nullable, True) for f in fields] + [Field("how_many", Kind("int8"))])
    at = [i for i, f in enumerate(record.fields) if is_value or f.is_key]
    counts, leaves = {}, [leaf for leaf in record.leaves if is_value or leaf.is_key]
    for row in data.rows:
        entry = counts.setdefault(tuple(canonical(leaf.kind, leaf.of(row)) for leaf in leaves), [tuple(row[i] for i in at), 0])
        entry[1] += 1
    level = MERGED if data.is_ordered() else BAG
    is_fuzzy = data.is_fuzzy or (level == BAG and representations_differ(record, data.rows, leaves))
    return p.node(f"vonk_rdd_count_by_{'value' if is_value else 'key'}({node.name}, {out.name})",
                  Data(out, level, [(*key, n) for key, n in counts.values()], placed=True, is_fuzzy=is_fuzzy))


def call_group_by_key(p, rng, node):
    record = node.record
    start, name = "", node.name
    if not record.keys() or rng.random() < 0.2:
        found = key_by(p, rng, node)
        if found is None:
            return None
        keyed, key_fn, f = found
        node = Node(name, node.data.like(keyed, lambda row: [f(row)]))
        start, record = f"{record.name}, {keyed.name}, {key_fn}", keyed
    out = p.any_type(rng)
    groups, option, level, n = by_key(p, rng, [node])
    is_ordered = node.data.has_ordered_keys()
    body, effect = reading(rng, out, record, is_ordered, True)
    is_twice = rng.random() < 0.4
    if is_twice:
        body = [f"while (VONK_NEXT(from, {record.name}) != NULL) {{}}", "vonk_rewind(from);", *body]
    fn = function(p, "group", "void @(VonkTask *task, VonkIn *from, VonkOut *to)", body)
    rows = [effect(group) for group, in groups.values()]
    call = f"vonk_rdd_group_by({name}, {start}, {out.name}, {fn}{option})" if start else \
        f"vonk_rdd_group_by_key({name}, {record.name}, {out.name}, {fn}{option})"
    return p.node(call, gathered(out, [node], groups, rows, option, level, n, fuzzy([node]), placed=False))


def call_cogroup(p, rng, node):
    record = node.record
    if not record.keys():
        return None
    nodes = [node, *(p.other(rng, node, p.keyed_like(rng, record)) for _ in range(rng.randint(1, 3)))]
    groups, option, level, n = by_key(p, rng, nodes)
    out = p.any_type(rng)
    body, effects = [], []
    for letter, one in zip("abcd", nodes):
        lines, effect = reading(rng, out, one.record, all(x.data.is_ordered() for x in nodes), True)
        body += ["{", f"VonkIn *from = {letter};", *lines, "}"]
        effects.append(effect)
    letters = "abcd"[:len(nodes)]
    fn = function(p, "cogroup", f"void @(VonkTask *task, {', '.join(f'VonkIn *{x}' for x in letters)}, VonkOut *to)", body)
    inputs = ", ".join(f"{one.name}, {one.record.name}" for one in nodes)
    rows = [new for sides in groups.values() for effect, side in zip(effects, sides) for new in effect(side)]
    return p.node(f"vonk_rdd_cogroup{len(nodes) if len(nodes) > 2 else ''}({inputs}, {out.name}, {fn}{option})",
                  Data(out, level, rows, partitions=n, is_fuzzy=fuzzy(nodes)))


def call_join(p, rng, node):
    record = node.record
    if not record.keys():
        return None
    other = p.other(rng, node, p.keyed_like(rng, record))
    sides = {}
    for at, one in enumerate((node, other)):
        for row in one.data.rows:
            sides.setdefault(one.record.key_of(row), ([], []))[at].append(row)
    kind = rng.choice(["join", "left_join", "right_join", "full_join"])
    keep_a, keep_b = kind in ("left_join", "full_join"), kind in ("right_join", "full_join")
    if sum(len(a) * len(b) for a, b in sides.values()) > 2 * p.program.rows_max:
        return None
    out, fn, make = pairing(p, rng, node, other, keep_b, keep_a)
    rows = []
    for a, b in sides.values():
        rows += [make(x, y) for x in a for y in b]
        rows += [make(x, None) for x in a] if keep_a and not b else []
        rows += [make(None, y) for y in b] if keep_b and not a else []
    n = rng.choice([None, None, None, 1, 5])
    return p.node(f"vonk_rdd_{kind}({node.name}, {record.name}, {other.name}, {other.record.name}, {out.name}, {fn}"
                  f"{f', VONK_PARTITIONS({n})' if n else ''})",
                  Data(out, BAG, rows, is_fuzzy=node.data.is_fuzzy or other.data.is_fuzzy))


def call_subtract_by_key(p, rng, node):
    record = node.record
    if not record.keys():
        return None
    other = p.other(rng, node, p.keyed_like(rng, record))
    has = {other.record.key_of(row) for row in other.data.rows}
    return p.node(f"vonk_rdd_subtract_by_key({node.name}, {other.name})",
                  Data(record, MERGED if node.data.is_ordered() else BAG, [row for row in node.data.rows if record.key_of(row) not in has],
                       is_fuzzy=node.data.is_fuzzy or other.data.is_fuzzy))


def call_filter_by_range(p, rng, node):
    record = node.record
    leaves = record.key_leaves()
    if not leaves or (len(leaves) > 1 and any(leaf.is_nullable for leaf in leaves)):
        return None
    bounds = []
    for _ in range(2):
        row = random_row(rng, record, True, True) if not node.data.rows or rng.random() < 0.3 else rng.choice(node.data.rows)
        if rng.random() < 0.2 or any(leaf.of(row) is None for leaf in leaves):
            row = None
        bounds.append(row)

    def key(row):
        return [order_key(leaf.kind, leaf.of(row)) for leaf in leaves]

    def is_in(row):
        if any(leaf.of(row) is None for leaf in leaves):
            return bounds == [None, None]
        return (bounds[0] is None or key(row) >= key(bounds[0])) and (bounds[1] is None or key(row) <= key(bounds[1]))
    if bounds == [None, None] and any(leaf.is_nullable for leaf in leaves):
        return None
    low, high = ("NULL" if row is None else f"(&({record.name}){{{c_fields(record, row)}}})" for row in bounds)
    return p.node(f"vonk_rdd_filter_by_range({node.name}, {record.name}, {low}, {high})",
                  node.data.like(record, lambda row: [row] if is_in(row) else [], True))


# --- places and order ---

def call_repartition(p, rng, node):
    d, n = node.data, rng.choice([1, 2, 5, 20, 20, 200])
    if d.level == EXACT:
        parts = [[] for _ in range(n)]
        for p_at, part in enumerate(d.parts):
            for i, row in enumerate(part):
                parts[(p_at + i) % n].append(row)
        return p.node(f"vonk_rdd_repartition({node.name}, {n})", Data(d.record, EXACT, parts=parts, is_fuzzy=d.is_fuzzy))
    return p.node(f"vonk_rdd_repartition({node.name}, {n})",
                  Data(d.record, CONCAT if n == 1 and d.is_ordered() else MERGED if d.is_ordered() else BAG, d.rows, partitions=n,
                       is_fuzzy=d.is_fuzzy))


def call_coalesce(p, rng, node):
    d, n = node.data, rng.choice([1, 2, 3, 9])
    if d.partitions is not None and n >= d.partitions:
        data = Data(d.record, d.level, d.rows, d.parts, d.partitions, d.placed, d.is_fuzzy)
    elif n == 1 and d.is_ordered():
        data = Data(d.record, EXACT, parts=[d.rows], is_fuzzy=d.is_fuzzy)
    elif d.level == EXACT:
        m = d.partitions
        data = Data(d.record, EXACT, is_fuzzy=d.is_fuzzy,
                    parts=[[row for i in range(m) if i * n // m == at for row in d.parts[i]] for at in range(n)])
    else:
        data = Data(d.record, CONCAT if d.is_ordered() else BAG, d.rows, partitions=d.partitions and n, is_fuzzy=d.is_fuzzy)
    return p.node(f"vonk_rdd_coalesce({node.name}, {n})", data)


def call_partition_by(p, rng, node):
    d, n = node.data, rng.choice([1, 3, 8])
    if not d.record.keys():
        return None
    return p.node(f"vonk_rdd_partition_by({node.name}, {n})",
                  Data(d.record, MERGED if d.is_ordered() else BAG, d.rows, partitions=n, placed=True, is_fuzzy=d.is_fuzzy))


def call_partition_with(p, rng, node):
    d, record, n = node.data, node.record, rng.choice([1, 3, 8])
    if not record.keys() or not d.is_ordered():
        return None
    key = Record(record.name, record.fields)
    key.leaves = record.key_leaves()
    leaves = [leaf for leaf in key.leaves if leaf.kind.name in ("int2", "int4", "int8", "bool", "date", "text")]
    if len(leaves) != len(key.leaves):
        return None
    c, f = int_expr(rng, [Root("in", key)])
    fn = function(p, "place", f"uint32_t @(VonkTask *task, const {record.name} *in, uint32_t n)",
                  [f"return (uint32_t)((uint64_t)({c}) % n);"])
    parts = [[] for _ in range(n)]
    for row in d.rows:
        parts[(f({"in": row}) & (2 ** 64 - 1)) % n].append(row)
    if any(leaf.is_nullable for leaf in leaves) and any(leaf.of(row) is None for row in d.rows for leaf in leaves):
        pass  # of a NULL only the flag is seen, as everywhere
    return p.node(f"vonk_rdd_partition_with({node.name}, {record.name}, {n}, {fn})",
                  Data(record, EXACT, parts=parts, placed=True, is_fuzzy=d.is_fuzzy))


def order_of(rng, record, by_key):
    """(text for sort_by, [(leaf, is_descending, has_nulls_first)])"""
    if by_key:
        return "NULL", [(leaf, False, False) for leaf in record.key_leaves()]
    terms, order = [], []
    for leaf in rng.sample(record.leaves, rng.randint(1, min(3, len(record.leaves)))):
        is_descending, nulls = rng.random() < 0.4, rng.choice([None, None, "FIRST", "LAST"])
        terms.append(leaf.path + (" DESC" if is_descending else rng.choice(["", " ASC"])) + (f" NULLS {nulls}" if nulls else ""))
        order.append((leaf, is_descending, nulls == "FIRST" if nulls else is_descending))
    return f'"{", ".join(terms)}"', order


def chosen_order(p, rng, record):
    return order_of(rng, record, rng.random() < 0.4 and bool(record.keys()))


def has_ties(record, order, rows):
    seen = {}
    for row in rows:
        key = tuple(canonical(leaf.kind, leaf.of(row)) for leaf, *_ in order)
        if seen.setdefault(key, row) != row:
            return True
    return False


def call_sort(p, rng, node):
    record, d = node.record, node.data
    found = chosen_order(p, rng, record)
    if found is None:
        return None
    text, order = found
    if not d.is_ordered() and has_ties(record, order, d.rows):
        return None
    rows = sorted(d.rows, key=lambda row: row_order(record, order, row))
    call = f"vonk_rdd_sort_by_key({node.name})" if text == "NULL" and rng.random() < 0.5 else f"vonk_rdd_sort_by({node.name}, {text})"
    return p.node(call, Data(record, CONCAT, rows, is_fuzzy=d.is_fuzzy))


def call_sort_within(p, rng, node):
    record, d, n = node.record, node.data, rng.choice([1, 4])
    found = chosen_order(p, rng, record)
    if found is None or not record.keys():
        return None
    text, order = found
    if not d.is_ordered() and has_ties(record, order, d.rows):
        return None
    rows = sorted(d.rows, key=lambda row: row_order(record, order, row))
    return p.node(f"vonk_rdd_repartition_and_sort_within_partitions({node.name}, {n}, {text})",
                  Data(record, CONCAT if n == 1 else MERGED, rows, partitions=n, placed=True, is_fuzzy=d.is_fuzzy))


def call_merge_sorted(p, rng, node):
    record, d = node.record, node.data
    found, other = chosen_order(p, rng, record), p.other(rng, node, record)
    if found is None or len(d.rows) + len(other.data.rows) > p.program.rows_max:
        return None
    text, order = found
    both = d.rows + other.data.rows
    if not (d.is_ordered() and other.data.is_ordered()) and has_ties(record, order, both):
        return None
    return p.node(f"vonk_rdd_merge_sorted({node.name}, {other.name}, {text})",
                  Data(record, CONCAT, sorted(both, key=lambda row: row_order(record, order, row)), is_fuzzy=d.is_fuzzy or other.data.is_fuzzy))


def call_take(p, rng, node):
    record, d, n = node.record, node.data, rng.choice([0, 1, 5, 100, 5000])
    kind = rng.choice(["take", "take_ordered", "top"])
    if kind == "take":
        if not d.is_ordered():
            return None
        return p.node(f"vonk_rdd_take({node.name}, {n})", Data(record, EXACT, parts=[d.rows[:n]], is_fuzzy=d.is_fuzzy))
    found = chosen_order(p, rng, record)
    if found is None or (not d.is_ordered() and has_ties(record, found[1], d.rows)):
        return None
    text, order = found
    if kind == "top":
        order = [(leaf, not is_descending, not nulls_first) for leaf, is_descending, nulls_first in order]
    rows = sorted(d.rows, key=lambda row: row_order(record, order, row))[:n]
    return p.node(f"vonk_rdd_{kind}({node.name}, {n}, {text})", Data(record, EXACT, parts=[rows], is_fuzzy=d.is_fuzzy))


def same(node):
    d = node.data
    return Data(d.record, d.level, d.rows, d.parts, d.partitions, d.placed, d.is_fuzzy)


def fits_parquet(record):
    """It has no intervals below 0, nor microseconds of them."""
    return all(leaf.kind.name != "interval" for leaf in record.leaves)


def call_keep(p, rng, node):
    kind = rng.choice(["persist", "persist_at", "persist_at", "checkpoint", "local_checkpoint"])
    if kind == "checkpoint" and not fits_parquet(node.record):
        kind = "persist"
    if kind == "persist_at":
        level = rng.choice(["VONK_MEMORY", "VONK_DISK", "VONK_MEMORY | VONK_DISK | VONK_COMPRESSED", "VONK_DISK | VONK_COMPRESSED",
                            "VONK_MEMORY | VONK_TWO_REPLICAS"])
        call = f"vonk_rdd_persist_at({node.name}, {level})"
    elif kind == "checkpoint":
        call = f'vonk_rdd_checkpoint({node.name}, in_folder("{p.name("checkpoint")}"))'
    else:
        call = f"vonk_rdd_{kind}({node.name})"
    kept = p.node(call, same(node))
    if rng.random() < 0.4:
        p.lines.append(f"count_now({kept.name});")
        if kind.startswith("persist") and rng.random() < 0.3:
            p.lines.append(f"vonk_rdd_unpersist({kept.name});")
    return kept


# --- SQL ---

def quoted(leaf):
    return f'\\"{leaf.path}\\"'


def call_sql(p, rng, node):
    record, d = node.record, node.data
    name = p.name("table")
    p.lines.append(f'register_rdd({node.name}, "{name}");')
    leaves = [leaf for leaf in record.leaves if leaf.kind.name in ("int2", "int4", "int8", "text", "bool")]
    if leaves and rng.random() < 0.7:
        leaf = rng.choice(leaves)
        if leaf.is_nullable and rng.random() < 0.3:
            where, test = f"{quoted(leaf)} IS NOT NULL", lambda v: v is not None
        elif leaf.kind.name == "text":
            where, test = f"{quoted(leaf)} >= 'b'", lambda v: v is not None and v >= b"b"
        elif leaf.kind.name == "bool":
            where, test = f"{quoted(leaf)}", lambda v: bool(v)
        else:
            n = rng.choice([2, 3])
            where, test = f"{quoted(leaf)} % {n} = 0", lambda v: v is not None and rem(v, n) == 0
    else:
        leaf, where, test = record.leaves[0], "true", lambda v: True
    rows = [row for row in d.rows if test(leaf.of(row))]
    kind = rng.random()
    if kind < 0.5:
        columns = "*" if rng.random() < 0.5 else ", ".join(quoted(leaf) for leaf in record.leaves)
        return p.node(f'vonk_rdd_sql(s, {record.name}, "SELECT {columns} FROM {name} WHERE {where}")', Data(record, BAG, rows, is_fuzzy=d.is_fuzzy))
    by = rng.sample(record.leaves, min(len(record.leaves), rng.randint(1, 2)))
    out = p.add_type([Field(f"key_{i}", leaf.kind, True, True) for i, leaf in enumerate(by)] + [Field("n", Kind("int8"))])
    counts = {}
    for row in rows:
        entry = counts.setdefault(tuple(canonical(leaf.kind, leaf.of(row)) for leaf in by), [tuple(leaf.of(row) for leaf in by), 0])
        entry[1] += 1
    columns = ", ".join(quoted(leaf) for leaf in by)
    return p.node(f'vonk_rdd_sql(s, {out.name}, "SELECT {columns}, count(*) FROM {name} WHERE {where} GROUP BY {columns}")',
                  Data(out, BAG, [(*key, n) for key, n in counts.values()],
                       is_fuzzy=d.is_fuzzy or representations_differ(record, d.rows, by)))


def call_files(p, rng, node):
    """Written to Parquet, and read by SQL."""
    record, d = node.record, node.data
    if not fits_parquet(record):
        return None
    folder = p.name("files")
    is_one = rng.random() < 0.4
    if is_one:
        p.lines.append(f'save_one({node.name}, in_folder("{folder}.parquet"));')
        place = f"{folder}.parquet"
    else:
        p.lines.append(f'save_parts({node.name}, in_folder("{folder}"));')
        place = f"{folder}/*.parquet"
    return p.node(f'vonk_rdd_sql(s, {record.name}, of_files("{place}"))', Data(record, BAG, d.rows, is_fuzzy=d.is_fuzzy))


def call_text_files(p, rng, node):
    record, d = node.record, node.data
    if len(record.fields) != 1 or len(record.leaves) != 1 or record.leaves[0].kind.name != "text":
        return None
    texts = [record.leaves[0].of(row) or b"" for row in d.rows]
    if any(b"\n" in text or b"\r" in text for text in texts):
        return None
    folder = p.name("lines")
    p.lines.append(f'save_lines({node.name}, in_folder("{folder}"));')
    return p.node(f'vonk_rdd_text_file(s, in_folder("{folder}"))',
                  Data(p.line, CONCAT if d.is_ordered() else BAG, [(text,) for text in texts], is_fuzzy=d.is_fuzzy))


def call_csv_files(p, rng, node):
    """Written as CSV, and read as lines."""
    record, d = node.record, node.data
    if not can_be_csv(record, d.rows) or d.is_fuzzy or (d.partitions or 99) > 30 or d.level > CONCAT:
        return None
    folder = p.name("csv")
    if d.level == EXACT and rng.random() < 0.6:
        p.lines.append(f'save_csv({node.name}, in_folder("{folder}"));')
        parts = d.parts
    else:
        p.lines.append(f'save_one_csv({node.name}, in_folder("{folder}.csv"));')
        folder, parts = f"{folder}.csv", [d.rows]
    return p.node(f'vonk_rdd_text_file(s, in_folder("{folder}"))',
                  Data(p.line, EXACT, parts=[[(line.encode(),) for line in csv_lines(record, part)] for part in parts]))
