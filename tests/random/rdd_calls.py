"""Calls of rdd.h on the model's data, and the C that makes them: call_NAME(pipeline, rng, node) gives the next node, or None where it
does not apply. Those by key, and of places, are in rdd_calls_by_key.py.
"""
from rdd_code import Root, adder, condition, fill, int_expr, with_key, wrap
from rdd_values import Field, Kind, Record, c_fields, canonical, random_row

EXACT, CONCAT, MERGED, BAG = range(4)  # what is promised of the order


class Data:
    """Rows of a record type.

    EXACT: `parts` are the partitions. CONCAT: rows come in that order, from whichever partitions. MERGED: each partition has some of
    them in that order; where `placed`, equal keys are in the same one. BAG: nothing is known. partitions: how many; None: unknown.
    is_part: only some of the rows are there, part_rows of them where that is known; is_repeated: some more than once.
    """

    def __init__(self, record, level, rows=(), parts=None, partitions=None, placed=False, is_fuzzy=False, is_part=False,
                 part_rows=None, is_repeated=False):
        self.record, self.level = record, level
        self.parts = [list(part) for part in parts] if parts is not None else None
        self.rows = [row for part in self.parts for row in part] if parts is not None else list(rows)
        self.partitions = len(self.parts) if parts is not None else partitions
        self.placed, self.is_fuzzy, self.is_part = placed, is_fuzzy, is_part
        self.part_rows, self.is_repeated = part_rows, is_repeated

    def is_ordered(self):
        return self.level <= CONCAT

    def has_ordered_keys(self):
        return self.is_ordered() or (self.level == MERGED and self.placed)

    def like(self, record, f, keeps_key=False):
        """Each row becomes the rows that f gives, where it is."""
        rest = {"is_fuzzy": self.is_fuzzy, "is_part": self.is_part}
        if self.level == EXACT:
            return Data(record, EXACT, parts=[[new for row in part for new in f(row)] for part in self.parts],
                        placed=self.placed and keeps_key, **rest)
        return Data(record, self.level, [new for row in self.rows for new in f(row)], partitions=self.partitions,
                    placed=self.placed and keeps_key, **rest)


class Node:
    def __init__(self, name, data):
        self.name, self.data, self.record = name, data, data.record


def representations_differ(record, rows, leaves=None):
    """Whether some are equal and yet not the same."""
    seen = {}
    for row in rows:
        values = tuple(leaf.of(row) for leaf in leaves or record.leaves)
        key = tuple(canonical(leaf.kind, value) for leaf, value in zip(leaves or record.leaves, values))
        if seen.setdefault(key, values) != values:
            return True
    return False


def closure(p, rng):
    """(option of the call, lines at the start of the function, names of numbers, their values); half the time there is none."""
    if rng.random() < 0.5:
        return "", [], (), {}
    value, small = rng.choice([3, -7, 10 ** 12]), rng.randint(0, 100)
    name = p.name("closure")
    p.lines.append(f"Closure {name} = {{.small = {small}, .value = {value}LL, .end = 'x'}};")
    return (f", VONK_WITH({name})", ["const Closure *closure = VONK_CLOSURE(task, Closure);",
                                     "const int64_t given = ADD(closure->value, closure->small), end = closure->end;"],
            ("given", "end"), {"given": value + small, "end": ord("x")})


def places(rng, data):
    """(lines, names of numbers), as closure: the partition's number, where that is known; most of the time there is none."""
    if data.level != EXACT or rng.random() < 0.7:
        return [], ()
    return ["const int64_t place = vonk_task_partition(task);"], ("place",)


def like_placed(data, record, f, keeps_key=False):
    """As data.like, of a function that gets the partition's number, too."""
    if data.level != EXACT:
        return data.like(record, lambda row: f(row, None), keeps_key)
    return Data(record, EXACT, parts=[[new for row in part for new in f(row, at)] for at, part in enumerate(data.parts)],
                placed=data.placed and keeps_key, is_fuzzy=data.is_fuzzy, is_part=data.is_part)


def function(p, kind, signature, lines):
    name = p.name(kind)
    if p.checking is not None and not any("VONK_CLOSURE" in line or "given" in line for line in lines):
        p.checked.add(name)
        value = "false" if signature.startswith("bool") else "0" if signature.startswith(("double", "uint32_t")) else ""
        lines = [f"if (VONK_CLOSURE(task, Closure)->value != {p.checking}LL) {{",
                 f'    vonk_fail(task, "it has another closure");', f"    return {value};", "}", *lines]
    p.functions.append(f"{signature.replace('@', name)}\n{{\n    (void)task;\n" + "".join(f"    {line}\n" for line in lines) + "}\n")
    return name


# --- a record at a time ---

def call_map(p, rng, node):
    out = p.any_type(rng)
    option, start, ints, values = closure(p, rng)
    start_place, place = places(rng, node.data)
    lines, make = fill(rng, out, "out->", [Root("in", node.record)], (*ints, *place))
    fn = function(p, "map", f"void @(VonkTask *task, const {node.record.name} *in, {out.name} *out)", start + start_place + lines)
    return p.node(f"vonk_rdd_map({node.name}, {node.record.name}, {out.name}, {fn}{option})",
                  like_placed(node.data, out, lambda row, at: [make({"in": row, "place": at, **values})]))


def emitting(rng, out, roots, ints):
    """Statements that emit 0 to 3 records for the rows of the roots; what they emit."""
    count, fc = int_expr(rng, roots, ints)
    lines, make = fill(rng, out, "one.", roots, (*ints, "i"))
    body = [f"const int64_t count = ({count}) & 3;", "for (int64_t i = 0; i < count; i++) {", f"    {out.name} one = {{0}};",
            *(f"    {line}" for line in lines), "    vonk_emit(to, &one);", "}"]
    same = [root.name for root in roots if root.record is out]
    if same and rng.random() < 0.2:  # and itself
        body.append(f"vonk_emit(to, {same[0]});")
        return body, lambda env: [*(make({**env, "i": i}) for i in range(fc(env) & 3)), env[same[0]]]
    return body, lambda env: [make({**env, "i": i}) for i in range(fc(env) & 3)]


def call_flat_map(p, rng, node):
    out = p.any_type(rng)
    option, start, ints, values = closure(p, rng)
    start_place, place = places(rng, node.data)
    body, make = emitting(rng, out, [Root("in", node.record)], (*ints, *place))
    fn = function(p, "flat_map", f"void @(VonkTask *task, const {node.record.name} *in, VonkOut *to)", start + start_place + body)
    return p.node(f"vonk_rdd_flat_map({node.name}, {node.record.name}, {out.name}, {fn}{option})",
                  like_placed(node.data, out, lambda row, at: make({"in": row, "place": at, **values})))


def call_filter(p, rng, node):
    option, start, ints, values = closure(p, rng)
    start_place, place = places(rng, node.data)
    ints, start = (*ints, *place), start + start_place
    c, f = condition(rng, [Root("in", node.record)], ints, 2)
    if rng.random() < 0.3 and not ints:
        helper = p.name("holds")
        kind = rng.choice(["__attribute__((noinline)) static", "static"])
        p.functions.append(f"{kind} bool {helper}(VonkTask *task, const {node.record.name} *in)\n{{\n    (void)task;\n    return {c};\n}}\n")
        c = f"{helper}(task, in)"
    fn = function(p, "filter", f"bool @(VonkTask *task, const {node.record.name} *in)", [*start, f"return {c};"])
    return p.node(f"vonk_rdd_filter({node.name}, {node.record.name}, {fn}{option})",
                  like_placed(node.data, node.record, lambda row, at: [row] if f({"in": row, "place": at, **values}) else [], True))


def call_map_values(p, rng, node):
    out = p.keyed_like(rng, node.record)
    if out is None:
        return None
    record = node.record
    lines, make = fill(rng, out, "out->", [Root("in", record)])
    fn = function(p, "map_values", f"void @(VonkTask *task, const {record.name} *in, {out.name} *out)", lines)
    return p.node(f"vonk_rdd_map_values({node.name}, {record.name}, {out.name}, {fn})",
                  node.data.like(out, lambda row: [with_key(out, make({"in": row}), record, row)], True))


def call_flat_map_values(p, rng, node):
    out = p.keyed_like(rng, node.record)
    if out is None:
        return None
    record = node.record
    body, make = emitting(rng, out, [Root("in", record)], ())
    fn = function(p, "flat_map_values", f"void @(VonkTask *task, const {record.name} *in, VonkOut *to)", body)
    return p.node(f"vonk_rdd_flat_map_values({node.name}, {record.name}, {out.name}, {fn})",
                  node.data.like(out, lambda row: [with_key(out, new, record, row) for new in make({"in": row})], True))


def key_by(p, rng, node):
    """(Keyed, function, its effect)"""
    record = node.record
    if len(record.leaves) > 30 or p.depth(record) > 3:
        return None
    key = [Field(f"key_{i}", kind, rng.random() < 0.4, True) for i, kind in enumerate(p.small_kinds(rng))]
    if rng.random() < 0.5:
        rest = [Field("value", Kind("record", record=record))]
    else:
        rest = [Field(f.name if not f.name.startswith("key_") else f"was_{f.name}", f.kind, f.is_nullable) for f in record.fields]
        if len({f.name for f in [*key, *rest]}) < len(key) + len(rest):
            rest = [Field(f"v{i}", f.kind, f.is_nullable) for i, f in enumerate(record.fields)]
    out = p.add_type([*key, *rest])
    is_nested = len(rest) == 1 and rest[0].name == "value" and rest[0].kind.record is record
    front = Record(out.name, key)
    lines, make = fill(rng, front, "out->", [Root("in", record)])
    fn = function(p, "key_by", f"void @(VonkTask *task, const {record.name} *in, {out.name} *out)", lines)
    return out, fn, lambda row: make({"in": row}) + ((row,) if is_nested else row)


def call_key_by(p, rng, node):
    found = key_by(p, rng, node)
    if found is None:
        return None
    out, fn, f = found
    return p.node(f"vonk_rdd_key_by({node.name}, {node.record.name}, {out.name}, {fn})", node.data.like(out, lambda row: [f(row)]))


def call_keys(p, rng, node):
    record = node.record
    if not record.keys():
        return None
    out = p.add_type([Field(f.name, f.kind, f.is_nullable, rng.random() < 0.5) for f in record.keys()])
    at = [i for i, f in enumerate(record.fields) if f.is_key]
    return p.node(f"vonk_rdd_keys({node.name}, {out.name})", node.data.like(out, lambda row: [tuple(row[i] for i in at)]))


def call_values(p, rng, node):
    record = node.record
    at = [i for i, f in enumerate(record.fields) if not f.is_key]
    if not record.keys() or not at:
        return None
    out = p.add_type([Field(record.fields[i].name, record.fields[i].kind, record.fields[i].is_nullable) for i in at])
    return p.node(f"vonk_rdd_values({node.name}, {out.name})", node.data.like(out, lambda row: [tuple(row[i] for i in at)]))


def call_zip_with_index(p, rng, node):
    data, record, out = node.data, node.record, p.any_type(rng)
    is_unique = rng.random() < 0.4
    if not data.is_ordered() or (is_unique and data.level != EXACT):
        return None
    lines, make = fill(rng, out, "out->", [Root("in", record)], ("number",))
    fn = function(p, "number", f"void @(VonkTask *task, const {record.name} *in, int64_t number, {out.name} *out)", lines)
    call = f"vonk_rdd_zip_with_{'unique_id' if is_unique else 'index'}({node.name}, {record.name}, {out.name}, {fn})"
    if is_unique:
        n = len(data.parts)
        return p.node(call, Data(out, EXACT, is_fuzzy=data.is_fuzzy, parts=[
            [make({"in": row, "number": i * n + at}) for i, row in enumerate(part)] for at, part in enumerate(data.parts)]))
    numbers = iter(range(len(data.rows)))
    return p.node(call, data.like(out, lambda row: [make({"in": row, "number": next(numbers)})]))


def call_random_split(p, rng, node):
    """Its parts together are all of it; their order is that of the parts."""
    name = p.name("splits")
    p.lines.append(f"VonkRdd *{name}[3];")
    p.lines.append(f"vonk_rdd_random_split({node.name}, (double[]){{1, {rng.choice([0, 1, 5])}, 2}}, 3, {rng.randint(0, 99)}, {name});")
    d = node.data
    return p.node(f"vonk_rdd_union({name}[0], vonk_rdd_union({name}[1], {name}[2]))",
                  Data(d.record, BAG, d.rows, partitions=d.partitions and 3 * d.partitions, is_fuzzy=d.is_fuzzy))


def call_sample(p, rng, node):
    """Some rows: nothing more is known, but for none and all."""
    d = node.data
    n, fraction = rng.choice([0, 1, 20, 10 ** 6]), rng.choice([0, 0.5, 1])
    if rng.random() < 0.4:
        size = min(n, len(d.rows))
        is_part = size < len(d.rows)
        return p.node(f"vonk_rdd_take_sample({node.name}, {n}, {rng.randint(0, 99)})",
                      Data(d.record, BAG, d.rows, partitions=1, is_fuzzy=d.is_fuzzy, is_part=is_part, part_rows=size if is_part else None))
    kind = rng.choice(["sample", "sample_with_replacement"])
    call = f"vonk_rdd_{kind}({node.name}, {fraction}, {rng.randint(0, 99)})"
    if fraction == 0 or (fraction == 1 and kind == "sample"):
        return p.node(call, d.like(d.record, lambda row: [row] if fraction else [], True))
    return p.node(call, Data(d.record, BAG, d.rows, is_fuzzy=d.is_fuzzy, is_part=True, is_repeated=kind != "sample"))


def call_sample_by_key(p, rng, node):
    """All records of some keys."""
    record = node.record
    if not record.keys():
        return None
    key = Record(record.name, record.fields)
    key.leaves = record.key_leaves()
    c, f = condition(rng, [Root("in", key)])
    fn = function(p, "fraction", f"double @(VonkTask *task, const {record.name} *in)", [f"return {c} ? 1.0 : 0.0;"])
    return p.node(f"vonk_rdd_sample_by_key({node.name}, {record.name}, {rng.randint(0, 99)}, {fn})",
                  node.data.like(record, lambda row: [row] if f({"in": row}) else [], True))


def call_broadcast(p, rng, node):
    """A function that looks a record up."""
    out, record, shared = p.any_type(rng), node.record, p.any_type(rng)
    known = [random_row(rng, shared, p.program.is_plain, False) for _ in range(8)]
    name = p.name("known")
    p.lines += [f"VonkBroadcast {name} = {{0}};",
                f"SHARE({shared.name}, (({shared.name}[]){{{', '.join('{' + c_fields(shared, row) + '}' for row in known)}}}), 8, {name});"]
    c, f = int_expr(rng, [Root("in", record)])
    lines, make = fill(rng, out, "out->", [Root("in", record), Root("found", shared)])
    body = ["size_t known_count = 0;",
            f"const {shared.name} *known = VONK_BROADCAST(task, *VONK_CLOSURE(task, VonkBroadcast), {shared.name}, &known_count);",
            "if (known == NULL || known_count != 8) {", '    vonk_fail(task, "no broadcast value");', "    return;", "}",
            f"const {shared.name} *found = known + (({c}) & 7);", "(void)found;", *lines]
    fn = function(p, "map", f"void @(VonkTask *task, const {record.name} *in, {out.name} *out)", body)
    return p.node(f"vonk_rdd_map({node.name}, {record.name}, {out.name}, {fn}, VONK_WITH({name}))",
                  node.data.like(out, lambda row: [make({"in": row, "found": known[f({"in": row}) & 7]})]))


# --- a partition at a time ---

def reading(rng, out, record, is_ordered, may_keep=False):
    """Statements that read `from` and emit for each record; may_keep: and then for one that was kept meanwhile."""
    root = Root("in", record)
    number, fn = int_expr(rng, [root])
    lines, make = emitting(rng, out, [root], ("sum",) if is_ordered else ())
    mix = "ADD(MUL(sum, 31), {})" if is_ordered else "ADD(sum, {})"
    body = ["int64_t sum = 0;", f"for (const {record.name} *in; (in = VONK_NEXT(from, {record.name})) != NULL;) {{",
            f"    sum = {mix.format(number)};", *(f"    {line}" for line in lines), "}", "(void)sum;"]

    def effect(rows):
        total, given = 0, []
        for row in rows:
            n = fn({"in": row})
            total = wrap(total * 31 + n if is_ordered else total + n)
            given += make({"in": row, "sum": total})
        return given
    if not may_keep or not is_ordered or rng.random() < 0.5:
        return body, effect
    more, make_more = emitting(rng, out, [root], ())
    body[0:1] = [body[0], f"const {record.name} *kept = NULL;", "int64_t most = 0;"]
    at = next(i for i, line in enumerate(body) if line == "}")
    body[at:at] = [f"    const int64_t number = {number};", "    if (kept == NULL || number > most)", "        kept = in, most = number;"]
    body += ["if (kept != NULL) {", f"    const {record.name} *in = kept;", *(f"    {line}" for line in more), "}"]
    return body, lambda rows: effect(rows) + (make_more({"in": max(rows, key=lambda row: fn({"in": row}))}) if rows else [])


def call_map_partitions(p, rng, node):
    data, record, out = node.data, node.record, p.any_type(rng)
    body, effect = reading(rng, out, record, data.level == EXACT)
    with_index = rng.random() < 0.5
    index = ", uint32_t partition" if with_index else ""
    fn = function(p, "partition", f"void @(VonkTask *task{index}, VonkIn *from, VonkOut *to)",
                  (["(void)partition;"] if with_index else []) + body)
    call = f"vonk_rdd_map_partitions{'_with_index' if with_index else ''}({node.name}, {record.name}, {out.name}, {fn})"
    if data.level == EXACT:
        return p.node(call, Data(out, EXACT, parts=[effect(part) for part in data.parts], is_fuzzy=data.is_fuzzy))
    return p.node(call, data.like(out, lambda row: effect([row])))


def call_tag(p, rng, node):
    """Where each record is."""
    data, record = node.data, node.record
    if data.level != EXACT or p.depth(record) > 3 or len(record.leaves) > 40:
        return None
    out = p.tagged(record)
    return p.node(f"vonk_rdd_map_partitions_with_index({node.name}, {record.name}, {out.name}, {p.tagger(record)})",
                  Data(out, EXACT, parts=[[(at, row) for row in part] for at, part in enumerate(data.parts)], is_fuzzy=data.is_fuzzy))


def call_glom(p, rng, node):
    data, record = node.data, node.record
    if data.level != EXACT:
        return None
    fn = function(p, "glom", f"void @(VonkTask *task, const {record.name} *in, size_t count, VonkOut *to)",
                  ["for (size_t i = count; i-- > 0;)", "    vonk_emit(to, in + i);"])
    return p.node(f"vonk_rdd_glom({node.name}, {record.name}, {record.name}, {fn})",
                  Data(record, EXACT, parts=[part[::-1] for part in data.parts], is_fuzzy=data.is_fuzzy))


def call_pipe(p, rng, node):
    record, data = node.record, node.data
    if len(record.leaves) != 1 or record.leaves[0].kind.name != "text" or record.leaves[0].is_nullable or len(record.fields) != 1 or \
            record.fields[0].kind.record is not None or (data.partitions or 99) > 8:
        return None
    if any(b"\n" in row[0] or b"\r" in row[0] for row in data.rows):
        return None
    if rng.random() < 0.5:
        return p.node(f'vonk_rdd_pipe({node.name}, (const char *const[]){{"cat", NULL}})',
                      data.like(p.line, lambda row: [row]))
    return p.node(f'vonk_rdd_pipe({node.name}, (const char *const[]){{"tr", "a-c", "A-C", NULL}})',
                  data.like(p.line, lambda row: [(row[0].translate(bytes.maketrans(b"abc", b"ABC")),)]))


def call_prefix_sum(p, rng, node):
    data, record = node.data, node.record
    if not data.is_ordered():
        return None
    lines, add = adder(rng, record, True, False)
    fn = function(p, "add", f"void @(VonkTask *task, {record.name} *sum, const {record.name} *more)", ["(void)sum, (void)more;", *lines])
    total = []

    def step(row):
        total.append(row if not total else add(total[-1], row))
        return [total[-1]]
    return p.node(f"vonk_rdd_prefix_sum({node.name}, {record.name}, {fn})", data.like(record, step))


def call_window(p, rng, node):
    data, record, out = node.data, node.record, p.any_type(rng)
    if not data.is_ordered():
        return None
    before, after = rng.choice([0, 0, 1, 2, 5, 300]), rng.choice([0, 0, 1, 3, 40])
    number, fn = int_expr(rng, [Root("each", record)])
    lines, make = fill(rng, out, "out->", [Root("in", record), Root("last", record)], ("sum", "n"))
    body = [f"const {record.name} *last = in + after;", "int64_t sum = 0, n = (int64_t)before * 1000 + after;",
            f"for (const {record.name} *each = in - before; each <= last; each++)", f"    sum = ADD(MUL(sum, 31), {number});",
            "(void)sum, (void)n;", *lines]
    fn_name = function(p, "look", f"void @(VonkTask *task, const {record.name} *in, uint32_t before, uint32_t after, {out.name} *out)", body)
    rows = data.rows
    numbers = [fn({"each": row}) for row in rows]
    at = iter(range(len(rows)))

    def step(row):
        i = next(at)
        first, last = max(0, i - before), min(len(rows) - 1, i + after)
        total = 0
        for n in numbers[first:last + 1]:
            total = wrap(total * 31 + n)
        return [make({"in": row, "last": rows[last], "sum": total, "n": (i - first) * 1000 + last - i})]
    return p.node(f"vonk_rdd_window({node.name}, {record.name}, {before}, {after}, {out.name}, {fn_name})", data.like(out, step))


# --- sets ---

def call_union(p, rng, node):
    other = p.other(rng, node, node.record)
    a, b = node.data, other.data
    if len(a.rows) + len(b.rows) > p.program.rows_max:
        return None
    rest = {"is_fuzzy": a.is_fuzzy or b.is_fuzzy}
    call = f"vonk_rdd_union({node.name}, {other.name})"
    if a.level == b.level == EXACT:
        return p.node(call, Data(a.record, EXACT, parts=a.parts + b.parts, **rest))
    partitions = a.partitions + b.partitions if a.partitions and b.partitions else None
    return p.node(call, Data(a.record, max(a.level, b.level), a.rows + b.rows, partitions=partitions, **rest))


def call_distinct(p, rng, node):
    data, record = node.data, node.record
    seen = {}
    for row in data.rows:
        seen.setdefault(tuple(canonical(leaf.kind, leaf.of(row)) for leaf in record.leaves), row)
    return p.node(f"vonk_rdd_distinct({node.name})",
                  Data(record, BAG, seen.values(), is_fuzzy=data.is_fuzzy or representations_differ(record, data.rows)))


def whole(record, row):
    return tuple(canonical(leaf.kind, leaf.of(row)) for leaf in record.leaves)


def call_intersection(p, rng, node):
    other, record = p.other(rng, node, node.record), node.record
    has, seen = {whole(record, row) for row in other.data.rows}, {}
    for row in node.data.rows:
        if whole(record, row) in has:
            seen.setdefault(whole(record, row), row)
    fuzzy = node.data.is_fuzzy or other.data.is_fuzzy or representations_differ(record, node.data.rows + other.data.rows)
    return p.node(f"vonk_rdd_intersection({node.name}, {other.name})", Data(record, BAG, seen.values(), is_fuzzy=fuzzy))


def call_subtract(p, rng, node):
    other, record = p.other(rng, node, node.record), node.record
    has = {whole(record, row) for row in other.data.rows}
    return p.node(f"vonk_rdd_subtract({node.name}, {other.name})",
                  Data(record, MERGED if node.data.is_ordered() else BAG, [row for row in node.data.rows if whole(record, row) not in has],
                       is_fuzzy=node.data.is_fuzzy or other.data.is_fuzzy))


def pairing(p, rng, node, other, may_a, may_b):
    out = p.any_type(rng)
    roots = [Root("a", node.record, may_a), Root("b", other.record, may_b)]
    lines, make = fill(rng, out, "out->", roots)
    fn = function(p, "pair", f"void @(VonkTask *task, const {node.record.name} *a, const {other.record.name} *b, {out.name} *out)",
                  ["(void)a, (void)b;", *lines])
    return out, fn, lambda a, b: make({"a": a, "b": b})


def call_cartesian(p, rng, node):
    other = p.other(rng, node, None)
    if len(node.data.rows) * len(other.data.rows) > 2 * p.program.rows_max:
        return None
    out, fn, make = pairing(p, rng, node, other, False, False)
    return p.node(f"vonk_rdd_cartesian({node.name}, {node.record.name}, {other.name}, {other.record.name}, {out.name}, {fn})",
                  Data(out, BAG, [make(a, b) for a in node.data.rows for b in other.data.rows],
                       is_fuzzy=node.data.is_fuzzy or other.data.is_fuzzy))


def call_zip(p, rng, node):
    data = node.data
    if data.level != EXACT or data.partitions == 0:
        return None
    other = call_map(p, rng, node)
    if rng.random() < 0.5:
        out, fn, make = pairing(p, rng, node, other, False, False)
        return p.node(f"vonk_rdd_zip({node.name}, {node.record.name}, {other.name}, {other.record.name}, {out.name}, {fn})",
                      Data(out, EXACT, is_fuzzy=data.is_fuzzy, parts=[
                          [make(a, b) for a, b in zip(x, y)] for x, y in zip(data.parts, other.data.parts)]))
    other = call_filter(p, rng, other)
    out = p.any_type(rng)
    body, effect = reading(rng, out, node.record, True)
    body2, effect2 = reading(rng, out, other.record, True)
    fn = function(p, "zip", "void @(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *to)",
                  ["VonkIn *from = b;", "{", *body2, "}", "from = a;", *body])
    return p.node(f"vonk_rdd_zip_partitions({node.name}, {node.record.name}, {other.name}, {other.record.name}, {out.name}, {fn})",
                  Data(out, EXACT, is_fuzzy=data.is_fuzzy, parts=[
                      effect2(y) + effect(x) for x, y in zip(data.parts, other.data.parts)]))
