"""More actions of random RDD programs: action_NAME(pipeline, rng, node) makes C, and gives a function that says what is wrong with the
lines that it has printed; None where it does not apply.
"""
import bisect
import math
from fractions import Fraction

from rdd_calls import BAG, CONCAT, EXACT, Data, closure, function
from rdd_code import Root, condition, int_expr, rem, wrap
from rdd_values import can_be_csv, csv_lines, show_row


def number_leaves(record):
    return [leaf for leaf in record.leaves if leaf.kind.name in ("int2", "int4", "int8", "numeric")]


def numbers(leaf, rows):
    return [Fraction(leaf.of(row), 10 ** leaf.kind.scale) for row in rows if leaf.of(row) is not None]


def close(wanted):
    def check(lines):
        words = lines[0].split() if len(lines) == 1 and "ERROR" not in lines[0] else []
        ok = len(words) == len(wanted) and all(
            math.isclose(float(a), b, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(float(a)) and math.isnan(b)) for a, b in zip(words, wanted))
        return None if ok else f"{lines[:2]} instead of {wanted}"
    return check


def action_number(p, rng, node):
    """The sum, the mean or the variance."""
    leaves = number_leaves(node.record)
    if not leaves:
        return None
    leaf, call = rng.choice(leaves), rng.choice(["sum", "mean", "variance"])
    values = numbers(leaf, node.data.rows)
    mean = sum(values) / len(values) if values else math.nan
    wanted = {"sum": float(sum(values)), "mean": float(mean),
              "variance": float(sum((v - mean) ** 2 for v in values) / len(values)) if values else math.nan}[call]
    asked, after = p.asked(rng, node)
    p.lines += ["VonkError error = {0};", "double number = -1;", f'told(vonk_rdd_{call}({asked}, "{leaf.path}", &number, &error), &error);',
                *after, 'printf("%.17g\\n", number);']
    return close([wanted])


def action_histogram(p, rng, node):
    leaves = number_leaves(node.record)
    if not leaves:
        return None
    leaf, buckets = rng.choice(leaves), rng.choice([1, 2, 5])
    values = [float(v) for v in numbers(leaf, node.data.rows)]
    edges = sorted({float(rng.choice([-10, 0, 1, 2.5, 7, 100, 1e6, -1e9])) for _ in range(buckets + 1)})
    if len(edges) < 2:
        return None
    buckets = len(edges) - 1
    counts = [0] * buckets
    for v in values:
        if edges[0] <= v <= edges[-1]:
            counts[min(bisect.bisect_right(edges, v) - 1, buckets - 1)] += 1
    asked, after = p.asked(rng, node)
    p.lines += ["VonkError error = {0};", f"double edges[] = {{{', '.join(map(repr, edges))}}};", f"int64_t counts[{buckets}];",
                f'told(vonk_rdd_histogram_of({asked}, "{leaf.path}", edges, {buckets}, counts, &error), &error);', *after,
                f'for (int i = 0; i < {buckets}; i++) printf("%lld\\n", (long long)counts[i]);']
    return p.expected([str(n) for n in counts])


def action_about_distinct(p, rng, node):
    record, d = node.record, node.data
    different = len({show_row(record, row) for row in d.rows})
    if d.is_fuzzy or not p.program.is_plain or len(record.leaves) > 40:
        return None
    asked, after = p.asked(rng, node)
    p.lines += ["VonkError error = {0};", "int64_t about = -1;", f"told(vonk_rdd_count_approx_distinct({asked}, 0.01, &about, &error), &error);",
                *after, 'printf("%lld\\n", (long long)about);']

    def check(lines):
        ok = len(lines) == 1 and "ERROR" not in lines[0] and abs(int(lines[0]) - different) <= 3 + 0.06 * different
        return None if ok else f"{lines[:2]} instead of about {different}"
    return check


def action_foreach_partition(p, rng, node):
    """Each partition once, each record once."""
    record, d = node.record, node.data
    if d.is_fuzzy:
        return None
    c, f = int_expr(rng, [Root("in", record)])
    fn = function(p, "each", "void @(VonkTask *task, VonkIn *from)", [
        "const Counters *counters = VONK_CLOSURE(task, Counters);", "vonk_accumulate(task, counters->partitions, 1);",
        f"for (const {record.name} *in; (in = VONK_NEXT(from, {record.name})) != NULL;)",
        f"    vonk_accumulate(task, counters->sum, ({c}) % 1000);"])
    asked, after = p.asked(rng, node)
    p.lines += ["VonkError error = {0};", "uint32_t partitions = 0;", "Counters counters = {vonk_accumulator(s), vonk_accumulator(s)};",
                f"told(vonk_rdd_foreach_partition({asked}, {record.name}, {fn}, &error, VONK_WITH(counters)), &error);", *after,
                f"told(vonk_rdd_partition_count({node.name}, &partitions, &error), &error);",
                'printf("%lld %d\\n", (long long)vonk_accumulator_value(s, counters.sum), '
                "vonk_accumulator_value(s, counters.partitions) == partitions);"]
    total = sum(rem(f({"in": row}), 1000) for row in d.rows)
    if d.partitions is not None:
        p.lines.append('printf("%u\\n", partitions);')
    return p.expected([f"{total} 1", *([str(d.partitions)] if d.partitions is not None else [])])


def action_fail(p, rng, node):
    """A function that fails for some records: the first of the lowest partition is told."""
    record, d = node.record, node.data
    if d.level > CONCAT or d.is_fuzzy:
        return None
    c, f = condition(rng, [Root("in", record)], (), 1)
    n, fn_n = int_expr(rng, [Root("in", record)])
    if rng.random() < 0.5:
        fn = function(p, "failing", f"void @(VonkTask *task, const {record.name} *in, {record.name} *out)",
                      ["*out = *in;", f"if ({c})", f'    vonk_fail(task, "there is %lld", (long long)({n}));'])
        failing = p.node(f"vonk_rdd_map({node.name}, {record.name}, {record.name}, {fn})", d.like(record, lambda row: [row]))
    else:
        fn = function(p, "failing", f"bool @(VonkTask *task, const {record.name} *in)",
                      [f"if ({c})", f'    vonk_fail(task, "there is %lld", (long long)({n}));', "return true;"])
        failing = p.node(f"vonk_rdd_filter({node.name}, {record.name}, {fn})", d.like(record, lambda row: [row]))
    bad = [row for row in d.rows if f({"in": row})]
    p.lines.append(f"COLLECT({failing.name}, {record.name});")
    if not bad:
        return p.expected([show_row(record, row) for row in d.rows])
    told = f"there is {fn_n({'in': bad[0]})}"

    def check(lines):
        ok = len(lines) == 1 and lines[0].startswith("ERROR") and lines[0].endswith(told) and fn in lines[0]
        return None if ok else f"{lines[:2]} instead of an error of {fn}: {told}"
    return check


def action_accumulate(p, rng, node):
    """A function that counts, below other calls: each record counts once."""
    record, d = node.record, node.data
    if d.is_fuzzy:
        return None
    c, f = int_expr(rng, [Root("in", record)])
    fn = function(p, "counting", f"void @(VonkTask *task, const {record.name} *in, {record.name} *out)", [
        "const Counters *counters = VONK_CLOSURE(task, Counters);", "*out = *in;", "vonk_accumulate(task, counters->partitions, 1);",
        f"vonk_accumulate(task, counters->sum, ({c}) % 1000);"])
    p.lines.append("Counters counters = {vonk_accumulator(s), vonk_accumulator(s)};")
    last = p.node(f"vonk_rdd_map({node.name}, {record.name}, {record.name}, {fn}, VONK_WITH(counters))", d.like(record, lambda row: [row], True))
    above = rng.choice(["", "repartition", "filter", "count", "distinct"])
    if above == "repartition":
        last = p.node(f"vonk_rdd_repartition({last.name}, 3)", Data(record, BAG, d.rows))
    elif above == "distinct" and len(record.leaves) < 40:
        last = p.node(f"vonk_rdd_distinct({last.name})", Data(record, BAG, d.rows))
    elif above == "filter":
        text, _ = condition(rng, [Root("in", record)])
        keep = function(p, "filter", f"bool @(VonkTask *task, const {record.name} *in)", [f"return {text};"])
        last = p.node(f"vonk_rdd_filter({last.name}, {record.name}, {keep})", Data(record, BAG, d.rows))
    p.lines += ["VonkError error = {0};", "VonkRecords *records = NULL;", "int64_t count;",
                f"told(vonk_rdd_count({last.name}, &count, &error), &error);" if above == "count" else
                f"told(vonk_rdd_collect({last.name}, &records, &error), &error);", "vonk_records_free(records);",
                'printf("%lld %lld\\n", (long long)vonk_accumulator_value(s, counters.partitions), '
                "(long long)vonk_accumulator_value(s, counters.sum));"]
    return p.expected([f"{len(d.rows)} {sum(rem(f({'in': row}), 1000) for row in d.rows)}"])


def action_print_parts(p, rng, node):
    """What each partition has, added up in a fixed order."""
    record, d = node.record, node.data
    if d.level != EXACT:
        return None
    c, f = int_expr(rng, [Root("in", record)])
    option, start, ints, values = closure(p, rng)
    fn = function(p, "sum_up", "void @(VonkTask *task, VonkIn *from, VonkOut *to)", [
        *start, f"int64_t sum = {ints[0] if ints else 0}, n = 0;", f"for (const {record.name} *in; (in = VONK_NEXT(from, {record.name})) != NULL; n++)",
        f"    sum = ADD(MUL(sum, 31), {c});", "vonk_emit(to, &(VonkNumber){.value = sum});", "vonk_emit(to, &(VonkNumber){.value = n});"])

    def effect(rows):
        total = values[ints[0]] if ints else 0
        for row in rows:
            total = wrap(total * 31 + f({"in": row}))
        return [(total,), (len(rows),)]
    last = p.node(f"vonk_rdd_map_partitions({node.name}, {record.name}, VonkNumber, {fn}{option})",
                  Data(p.program.number_type, EXACT, parts=[effect(part) for part in d.parts]))
    return p.collect(rng, last) if not d.is_fuzzy else None


def action_print_csv(p, rng, node):
    record, d = node.record, node.data
    if d.level > CONCAT or not can_be_csv(record, d.rows):
        return None
    p.lines += ["fflush(stdout);", f"vonk_rdd_print_csv({node.name});"]
    return p.expected(csv_lines(record, d.rows, is_printed=True))
