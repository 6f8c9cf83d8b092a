"""Random RDD programs: pipelines of a source, some calls and an action, and what they print.

    Program(seed, number).source()          C
    Program(seed, number).pipelines[2].check(lines)    None, or what is wrong with what the pipeline has printed
"""
import collections
import math
import random
import re
from fractions import Fraction

import rdd_actions
import rdd_calls
import rdd_calls_by_key
import rdd_calls_sql
import rdd_sources
from rdd_calls import CONCAT, EXACT, MERGED, Data, Node, emitting, function
from rdd_code import HELPERS, Root, accumulator, adder, fill, int_expr, rem
from rdd_values import DUMP, Field, Kind, Record, c_fields, canonical_line, random_kind, random_row, row_order, show_row

CALLS = {name[5:]: f for module in (rdd_calls, rdd_calls_by_key, rdd_calls_sql) for name, f in sorted(vars(module).items())
         if name.startswith("call_")}
SOURCES = {name[7:]: f for name, f in sorted(vars(rdd_sources).items()) if name.startswith("source_")}
ACTIONS = [f for name, f in sorted(vars(rdd_actions).items()) if name.startswith("action_")]
WEIGHTS = {"map": 3, "flat_map": 2, "filter": 3, "reduce_by_key": 2, "group_by_key": 2, "cogroup": 2, "join": 3, "sort": 2, "keep": 2,
           "sql": 2, "tag": 1, "union": 2, "partition_by": 2}
PRELUDE = r"""
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wtautological-compare"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vonk/vonk.h>

typedef struct Closure { char small; int64_t value; char end; } Closure;
typedef struct Counters { VonkAccumulator partitions, sum; } Counters;
static const char *place = ".";

/* Until the next call. */
static const char *in_folder(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", place, name);
    return path;
}

static const char *of_files(const char *name)
{
    static char sql[1024];
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s/%s')", place, name);
    return sql;
}
"""
STEPS = r"""
static void name_and_text(VonkTask *task, const VonkFile *in, VonkLine *out)
{
    VonkText name = in->path;
    for (VonkText rest = in->path, field; vonk_text_next_field(&rest, '/', &field);)
        name = field;
    out->text = text_join(task, name, in->text);
}
static void told(VonkStatus status, const VonkError *error)
{
    if (status != VONK_OK)
        show_error(status, error);
}
static void count_now(VonkRdd *rdd)
{
    VonkError error = {0};
    int64_t count;
    told(vonk_rdd_count(rdd, &count, &error), &error);
}
static void show_plan(VonkRdd *rdd)
{
    const char *text = vonk_rdd_explain(rdd), *json = vonk_rdd_explain_as(rdd, "json"), *dot = vonk_rdd_explain_as(rdd, "dot");
    if (strncmp(text, "Stage", 5) == 0 && json[0] == '{' && strncmp(dot, "digraph", 7) == 0)
        puts("# a plan");
    else
        printf("# %.60s, %.60s, %.60s\n", text, json, dot);
}
static void show_count(VonkRdd *rdd)
{
    VonkError error = {0};
    int64_t count;
    told(vonk_rdd_count(rdd, &count, &error), &error);
    printf("# %lld\n", (long long)count);
}
static void add_two(VonkTask *task, const VonkNumber *a, const VonkNumber *b, VonkNumber *out)
{
    (void)task;
    out->value = ADD(a->value, b->value);
}
static void show_wrong(VonkRdd *rdd)
{
    VonkError error = {0};
    VonkRecords *records = NULL;
    VonkStatus status = vonk_rdd_collect(rdd, &records, &error);
    printf("# %s\n", status != VONK_OK && status != VONK_CANCELLED && error.message[0] != 0 && records == NULL ? "an error" : "none");
}
static void cancel_now(VonkSession *s, VonkRdd *rdd, int how)
{
    VonkError error = {0};
    VonkJob *job = NULL;
    int64_t count;
    if (how == 1)
        vonk_job_group(s, "some");
    if (how == 2)
        vonk_job_tag(s, "any");
    told(vonk_rdd_count(vonk_rdd_async(rdd, &job), &count, &error), &error);
    how == 0 ? vonk_job_cancel(job) : how == 1 ? vonk_cancel_group(s, "some") : vonk_cancel_tag(s, "any");
    vonk_job_group(s, NULL);
    vonk_job_untag(s, NULL);
    VonkStatus status = vonk_job_wait(job, &error);
    if (status != VONK_CANCELLED)
        told(status, &error);
    vonk_job_free(job);
}
static VonkJob *count_later(VonkRdd *rdd, int64_t *count)
{
    VonkError error = {0};
    VonkJob *job = NULL;
    told(vonk_rdd_count(vonk_rdd_async(rdd, &job), count, &error), &error);
    return job;
}
static void show_later(VonkJob *job, const int64_t *count)
{
    VonkError error = {0};
    told(vonk_job_wait(job, &error), &error);
    printf("# %lld\n", (long long)*count);
    vonk_job_free(job);
}
static void register_rdd(VonkRdd *rdd, const char *name)
{
    VonkError error = {0};
    told(vonk_rdd_register(rdd, name, &error), &error);
}
static void save_one(VonkRdd *rdd, const char *path)
{
    VonkError error = {0};
    told(vonk_rdd_save(rdd, path, "parquet", &error), &error);
}
static void save_parts(VonkRdd *rdd, const char *path)
{
    VonkError error = {0};
    told(vonk_rdd_save_as_parquet(rdd, path, &error), &error);
}
static void save_csv(VonkRdd *rdd, const char *path)
{
    VonkError error = {0};
    told(vonk_rdd_save_as_csv(rdd, path, &error), &error);
}
static void save_one_csv(VonkRdd *rdd, const char *path)
{
    VonkError error = {0};
    told(vonk_rdd_save(rdd, path, "csv", &error), &error);
}
static void save_lines(VonkRdd *rdd, const char *path)
{
    VonkError error = {0};
    told(vonk_rdd_save_as_text(rdd, path, &error), &error);
}
"""


class TooLarge(Exception):
    """More rows than are needed to find mistakes."""


class Choice(random.Random):
    """What is random in a pipeline; has_wide_texts: texts are some kilobytes long, now and then."""
    has_wide_texts = False


class Pipeline:
    def __init__(self, program, number, steps, skipped=()):
        self.program, self.number = program, number
        self.lines, self.functions, self.nodes, self.names, self.calls = [], [], [], collections.Counter(), []
        self.line, self.files = program.line, {}
        self.checked, self.checking = set(), None
        self.asides, self.later = [], []
        node = self.tried(lambda: self.source(self.rng("source"), None))
        for step in range(steps):
            if step in skipped or node.data.is_fuzzy or node.data.is_part:
                continue
            node = self.step(self.rng(step), node)
            self.look(self.rng(f"look {step}"), node)
        self.last = node
        self.check_action = self.action(self.rng("action"), node)
        self.rng("later").shuffle(self.later)
        self.lines += [line for line, _ in self.later]
        self.asides += [shown for _, shown in self.later]

    def rng(self, what):
        rng = Choice(f"{self.program.seed}/{self.program.number}/{self.number}/{what}")
        rng.has_wide_texts = self.program.has_wide_texts
        return rng

    def check(self, lines):
        """What is wrong with what it has printed; None: nothing."""
        asides = [line[2:] for line in lines if line.startswith("# ")]
        if asides != self.asides:
            return f"on the way: {asides} instead of {self.asides}"
        return self.check_action([line for line in lines if not line.startswith("# ")])

    def look(self, rng, node):
        """An action on the way, now and then."""
        if node.data.is_part:
            return
        roll = rng.random()
        if roll < 0.05:
            self.lines.append(f"READ_SOME({node.name}, {node.record.name}, {rng.choice([0, 1, 30])});")
        elif roll < 0.08:
            self.lines.append(f"cancel_now(s, {node.name}, {rng.randint(0, 2)});")
        elif roll < 0.12:
            name = self.name("job")
            self.lines += [f"int64_t count_{name} = -1;", f"VonkJob *{name} = count_later({node.name}, &count_{name});"]
            self.later.append((f"show_later({name}, &count_{name});", str(len(node.data.rows))))
        elif roll < 0.16:
            self.lines.append(f"show_wrong({rng.choice(self.wrong_calls(node))});")
            self.asides.append("an error")
        elif roll < 0.28:
            if rng.random() < 0.3:
                self.lines.append(f"show_plan({node.name});")
                self.asides.append("a plan")
            self.lines.append(f"show_count({node.name});")
            self.asides.append(str(len(node.data.rows)))

    def wrong_calls(self, node):
        """Each is an error at the action."""
        name, record = node.name, node.record
        other = next(x for x in [*self.program.types, self.program.number_type] if not x.same(record))
        return [f'vonk_rdd_sort_by({name}, "no_such_field")', f"vonk_rdd_take({name}, -1)", f"vonk_rdd_repartition({name}, 0)",
                f"vonk_rdd_sample({name}, 1.5, 1)", f"vonk_rdd_union({name}, vonk_rdd_parallelize(s, {other.name}, NULL, 0, 1))",
                f'vonk_rdd_sql(s, {record.name}, "SELECT nothing FROM nowhere")', "vonk_rdd_distinct(NULL)",
                f'vonk_rdd_checkpoint({name}, in_folder("."))', f"vonk_rdd_coalesce({name}, 0)",
                f"vonk_rdd_zip(vonk_rdd_range(s, 0, 5, 1, 2), VonkNumber, vonk_rdd_range(s, 0, 5, 1, 3), VonkNumber, VonkNumber, add_two)",
                f"vonk_rdd_zip(vonk_rdd_range(s, 0, 5, 1, 2), VonkNumber, vonk_rdd_range(s, 0, 6, 1, 2), VonkNumber, VonkNumber, add_two)"]

    def step(self, rng, node):
        if rng.random() < 0.3:
            self.checking = rng.choice([5, -9, 10 ** 13])
        try:
            return self.some_step(rng, node)
        finally:
            self.checking = None

    def some_step(self, rng, node):
        names = sorted(CALLS, key=lambda name: rng.random() ** (1 / WEIGHTS.get(name, 1)), reverse=True)
        state = rng.getstate()
        for name in names:
            rng.setstate(state)
            found = self.tried(lambda name=name: CALLS[name](self, rng, node))
            if found is not None:
                self.calls.append(name)
                return found
        return node

    def tried(self, make):
        """What it makes; where that is nothing, nothing is left of it."""
        lengths = len(self.lines), len(self.functions), len(self.nodes)
        try:
            found = make()
        except TooLarge:
            found = None
        if found is None:
            del self.lines[lengths[0]:], self.functions[lengths[1]:], self.nodes[lengths[2]:]
        return found

    # --- what the calls need ---

    def name(self, kind):
        self.names[kind] += 1
        return f"{kind}_{self.number}_{self.names[kind]}"

    def node(self, call, data):
        if len(data.rows) > self.program.rows_max * 3:
            raise TooLarge
        name = self.name("rdd")
        if self.checked & set(re.findall(r"\w+", call)):
            own = self.name("closure")
            self.lines.append(f"Closure {own} = {{.small = 1, .value = {self.checking}LL, .end = 'x'}};")
            call = f"{call[:-1]}, VONK_WITH({own}))"
        self.lines.append(f"VonkRdd *{name} = {call};")
        self.lines += [f"memset(&{own}, 0x55, sizeof {own});" for own in re.findall(r"VONK_WITH\((closure_\w+)\)", call)]
        node = Node(name, data)
        self.nodes.append(node)
        return node

    def any_type(self, rng):
        return rng.choice(self.program.types)

    def add_type(self, fields):
        return self.program.add_type(fields)

    def keyed_like(self, rng, record):
        if not record.keys():
            return None
        found = [other for other in [record, *self.program.types] if other.same_key(record)]
        if len(found) > 1 or rng.random() < 0.3:
            return rng.choice(found)
        keys = [Field(f"k{i}", f.kind, f.is_nullable, True) for i, f in enumerate(record.keys())]
        return self.add_type(self.program.mixed(rng, keys, self.program.some_fields(rng, 3)))

    def small_kinds(self, rng):
        return [Kind(rng.choice(["int4", "int8", "text", "bool", "date", "int2"])) for _ in range(rng.randint(1, 2))]

    def depth(self, record):
        return 1 + max([self.depth(f.kind.record) for f in record.fields if f.kind.record is not None], default=0)

    def tagged(self, record):
        return self.add_type([Field("partition", Kind("int4")), Field("value", Kind("record", record=record))])

    def tagger(self, record):
        out = self.tagged(record)
        return function(self, "tag", "void @(VonkTask *task, uint32_t partition, VonkIn *from, VonkOut *to)", [
            f"for (const {record.name} *in; (in = VONK_NEXT(from, {record.name})) != NULL;)",
            f"    vonk_emit(to, &({out.name}){{.partition = (int32_t)partition, .value = *in}});"])

    def other(self, rng, node, record):
        """An RDD of that type, or of any: one that is there, or a new one."""
        found = [other for other in self.nodes if (record is None or other.record is record) and not other.data.is_fuzzy and
                 not other.data.is_part]
        if found and rng.random() < 0.4:
            return rng.choice(found)
        return self.source(rng, record)

    def source(self, rng, record):
        roll = rng.random()
        record = record or (self.any_type(rng) if rng.random() < 0.9 else None)
        if rng.random() < 0.3:
            name = rng.choice(sorted(SOURCES))
            found = SOURCES[name](self, rng, record)
            if found is not None:
                self.calls.append(name)
                return found
        if roll < 0.5 and record is not None:
            return self.parallelize(rng, record)
        if roll < 0.8 or record is None:
            return self.range(rng, record)
        return self.generate(rng, record)

    def parallelize(self, rng, record):
        count = min(rng.choice([0, 1, 5, 40, 40, 150]), self.program.rows)
        parts = rng.choice([1, 2, 3, 7, 20])
        few = rng.random() < 0.3
        rows = [random_row(rng, record, self.program.is_plain, few) for _ in range(count)]
        if count == 0:
            return self.node(f"vonk_rdd_parallelize(s, {record.name}, NULL, 0, {parts})", Data(record, EXACT, parts=[[]] * parts))
        name = self.name("rows")
        self.lines.append(f"static const {record.name} {name}[] = {{{', '.join('{' + c_fields(record, row) + '}' for row in rows)}}};")
        return self.node(f"vonk_rdd_parallelize(s, {record.name}, {name}, {count}, {parts})",
                         Data(record, EXACT, parts=[rows[count * p // parts:count * (p + 1) // parts] for p in range(parts)]))

    def range(self, rng, record):
        parts, step = rng.choice([1, 2, 5, 16]), rng.choice([1, 1, 3, -2])
        first = rng.choice([0, -50, 10 ** 12])
        count = min(rng.choice([0, 3, 100, 700, self.program.rows_max // 3]), self.program.rows)
        last = first + count * step
        rows = [(n,) for n in range(first, last, step)]
        node = self.node(f"vonk_rdd_range(s, {first}LL, {last}LL, {step}, {parts})",
                         Data(self.program.number_type, EXACT, parts=[rows[count * p // parts:count * (p + 1) // parts] for p in range(parts)]))
        if record is None:
            return node
        lines, make = fill(rng, record, "out->", [Root("in", node.record)])
        fn = function(self, "map", f"void @(VonkTask *task, const VonkNumber *in, {record.name} *out)", lines)
        return self.node(f"vonk_rdd_map({node.name}, VonkNumber, {record.name}, {fn})",
                         node.data.like(record, lambda row: [make({"in": row})]))

    def generate(self, rng, record):
        parts, times = rng.choice([1, 3, 9]), min(rng.choice([1, 10, 60, self.program.rows_max // 30]), self.program.rows)
        body, make = emitting(rng, record, [], ("partition", "at"))
        fn = function(self, "generate", "void @(VonkTask *task, VonkOut *to)", [
            "const int64_t partition = vonk_task_partition(task);", f"for (int64_t at = 0; at < {times}; at++) {{", *body, "}"])
        return self.node(f"vonk_rdd_generate(s, {parts}, {record.name}, {fn})", Data(record, EXACT, parts=[
            [new for at in range(times) for new in make({"partition": p, "at": at})] for p in range(parts)]))

    # --- actions: C, and a function that says what is wrong with the lines ---

    def action(self, rng, node):
        if node.data.is_part:
            return self.collect(rng, node)
        actions = [self.collect] * 8 + [self.places] * 5 + [self.count, self.first, self.reduce, self.aggregate, self.extreme, self.stats,
                                                            self.lookup, self.foreach]
        if rng.random() < 0.25 and not node.data.is_fuzzy:
            actions = [lambda rng, node, f=f: f(self, rng, node) for f in ACTIONS]
        return rng.choice(actions)(rng, node) or self.collect(rng, node)

    def print_records(self, rng, node):
        other = f", {rng.choice(self.nodes).name}"
        call = rng.choice(["COLLECT", "COLLECT", "ITERATE", "START", "BESIDE"])
        self.lines.append(f"{call}({node.name}, {node.record.name}{other if call == 'BESIDE' else ''});")

    def collect(self, rng, node):
        self.print_records(rng, node)
        return lambda lines: wrong_rows(node.data, lines)

    def places(self, rng, node):
        data, record = node.data, node.record
        if data.level == EXACT or data.is_fuzzy or self.depth(record) > 3 or len(record.leaves) > 40:
            return None
        out = self.tagged(record)
        tagged = self.node(f"vonk_rdd_map_partitions_with_index({node.name}, {record.name}, {out.name}, {self.tagger(record)})",
                           Data(out, data.level, [(0, row) for row in data.rows]))
        self.print_records(rng, tagged)
        return lambda lines: wrong_places(data, lines)

    def expected(self, lines):
        return lambda found: None if found == lines else f"{found[:3]} instead of {lines[:3]}"

    def asked(self, rng, node):
        """The RDD for an action, and what comes after the action: now and then it goes on in the background."""
        if rng.random() < 0.7:
            return node.name, []
        self.lines.append("VonkJob *job = NULL;")
        return f"vonk_rdd_async({node.name}, &job)", ["told(vonk_job_wait(job, &error), &error);", "vonk_job_free(job);"]

    def count(self, rng, node):
        d = node.data
        asked, after = self.asked(rng, node)
        self.lines += ["VonkError error = {0};", "int64_t count = -1;", "bool is_empty = false;",
                       f"told(vonk_rdd_count({asked}, &count, &error), &error);", *after,
                       f"told(vonk_rdd_is_empty({node.name}, &is_empty, &error), &error);",
                       'printf("%lld %d\\n", (long long)count, is_empty);']
        return self.expected([f"{len(d.rows)} {int(not d.rows)}"])

    def one(self, rng, node, call, row, record=None):
        """A call on @ that gives a record, or none."""
        record = record or node.record
        asked, after = self.asked(rng, node)
        self.lines += ["VonkError error = {0};", "bool found = true;", f"{record.name} result = {{0}};",
                       f"told({call.replace('@', asked)}, &error);", *after,
                       f"if (found) dump(&{record.name}_vonk, &result, 1); else puts(\"none\");"]
        if row is None:
            return self.expected(["none"])
        data = Data(record, EXACT, parts=[[row]], is_fuzzy=node.data.is_fuzzy)
        return lambda lines: wrong_rows(data, lines)

    def first(self, rng, node):
        d = node.data
        if not d.is_ordered():
            return None
        return self.one(rng, node, f"vonk_rdd_first(@, {node.record.name}, &result, &found, &error)", d.rows[0] if d.rows else None)

    def reduce(self, rng, node):
        record, d = node.record, node.data
        lines, add = adder(rng, record, d.is_ordered(), False)
        fn = function(self, "add", f"void @(VonkTask *task, {record.name} *sum, const {record.name} *more)", ["(void)sum, (void)more;", *lines])
        total = None
        for row in d.rows:
            total = row if total is None else add(total, row)
        depth = rng.choice(["", "1, ", "2, ", "3, "])
        return self.one(rng, node, f"vonk_rdd_{'tree_' if depth else ''}reduce(@, {record.name}, {depth}{fn}, &result, &found, &error)", total)

    def aggregate(self, rng, node):
        record, d, out = node.record, node.data, self.any_type(rng)
        zero, adds, merges, add = accumulator(rng, out, Root("in", record), d.is_ordered(), False)
        add_fn = function(self, "add", f"void @(VonkTask *task, {out.name} *sum, const {record.name} *in)", ["(void)sum, (void)in;", *adds])
        merge = function(self, "merge", f"void @(VonkTask *task, {out.name} *sum, const {out.name} *more)", ["(void)sum, (void)more;", *merges])
        total = zero
        for row in d.rows:
            total = add(total, {"in": row})
        depth = rng.choice(["", "1, ", "2, "])
        self.lines.append(f"{out.name} zero = {{{c_fields(out, zero)}}};")
        return self.one(rng, node, f"vonk_rdd_{'tree_' if depth else ''}aggregate(@, {record.name}, {out.name}, {depth}&zero, {add_fn}, "
                        f"{merge}, &result, &error)", total, out)

    def extreme(self, rng, node):
        record, d = node.record, node.data
        if not d.is_ordered():
            return None
        leaf, is_descending, is_max = rng.choice(record.leaves), rng.random() < 0.5, rng.random() < 0.5
        order = [(leaf, is_descending != is_max, is_descending != is_max)]
        rows = sorted(d.rows, key=lambda row: row_order(record, order, row))
        text = leaf.path + (" DESC" if is_descending else "")
        return self.one(rng, node, f"vonk_rdd_{'max' if is_max else 'min'}(@, {record.name}, \"{text}\", &result, &found, &error)",
                        rows[0] if rows else None)

    def stats(self, rng, node):
        leaves = [leaf for leaf in node.record.leaves if leaf.kind.name in ("int2", "int4", "int8", "numeric")]
        if not leaves:
            return None
        leaf = rng.choice(leaves)
        values = [Fraction(leaf.of(row), 10 ** leaf.kind.scale) for row in node.data.rows if leaf.of(row) is not None]
        asked, after = self.asked(rng, node)
        self.lines += ["VonkError error = {0};", "VonkStats stats = {0};", f"told(vonk_rdd_stats({asked}, \"{leaf.path}\", &stats, &error), &error);"]
        self.lines += after
        self.lines.append('printf("%lld %.17g %.17g %.17g %.17g %.17g\\n", (long long)stats.count, stats.sum, stats.mean, stats.min, '
                          "stats.max, stats.variance);")
        n = len(values)
        mean = sum(values) / n if n else 0
        wanted = [n, float(sum(values)), float(mean), float(min(values, default=0)), float(max(values, default=0)),
                  float(sum((v - mean) ** 2 for v in values) / n) if n else 0.0]

        def check(lines):
            found = [float(word) for word in lines[0].split()] if len(lines) == 1 and "ERROR" not in lines[0] else []
            ok = len(found) == 6 and all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(found, wanted))
            return None if ok else f"{lines[:2]} instead of {wanted}"
        return check

    def lookup(self, rng, node):
        record, d = node.record, node.data
        if not record.keys():
            return None
        key = rng.choice(d.rows) if d.rows and rng.random() < 0.8 else random_row(rng, record, True, True)
        wanted = record.key_of(key)
        self.lines += [f"LOOKUP({node.name}, {record.name}, (&({record.name}){{{c_fields(record, key)}}}));"]
        rows = [row for row in d.rows if record.key_of(row) == wanted]
        found = Data(record, CONCAT if d.has_ordered_keys() else MERGED, rows, is_fuzzy=d.is_fuzzy)
        return lambda lines: wrong_rows(found, lines)

    def foreach(self, rng, node):
        record = node.record
        c, f = int_expr(rng, [Root("in", record)])
        fn = function(self, "each", f"void @(VonkTask *task, const {record.name} *in)",
                      [f"vonk_accumulate(task, *VONK_CLOSURE(task, VonkAccumulator), ({c}) % 1000);"])
        asked, after = self.asked(rng, node)
        self.lines += ["VonkError error = {0};", "VonkAccumulator total = vonk_accumulator(s);",
                       f"told(vonk_rdd_foreach({asked}, {record.name}, {fn}, &error, VONK_WITH(total)), &error);", *after,
                       'printf("%lld\\n", (long long)vonk_accumulator_value(s, total));']
        return self.expected([str(sum(rem(f({"in": row}), 1000) for row in node.data.rows))])

    def source_text(self):
        return "\n".join([*self.functions, f"static void pipeline_{self.number}(VonkSession *s)\n{{\n    (void)s;", *(f"    {line}" for line in self.lines), "}\n"])


def wrong_rows(data, lines):
    """What is wrong with these records."""
    record = data.record
    wanted = [show_row(record, row) for row in data.rows]
    if any(line.startswith("ERROR") for line in lines):
        return next(line for line in lines if line.startswith("ERROR"))
    if data.is_fuzzy:
        lines, wanted = ([canonical_line(record, line) for line in some] for some in (lines, wanted))
    if data.is_part:
        if data.part_rows is not None and len(lines) != data.part_rows:
            return f"{len(lines)} records of {len(wanted)}, should be {data.part_rows}"
        more = collections.Counter(set(lines) if data.is_repeated else lines) - collections.Counter(wanted)
        return f"{sum(more.values())} records that there are not: {list(more)[:2]}" if more else None
    if data.level <= CONCAT and not data.is_fuzzy and lines != wanted:
        at = next((i for i, (a, b) in enumerate(zip(lines, wanted)) if a != b), min(len(lines), len(wanted)))
        return f"{len(lines)} records, should be {len(wanted)}; record {at} is {lines[at:at + 1]}, should be {wanted[at:at + 1]}"
    if sorted(lines) != sorted(wanted):
        more, less = (list((collections.Counter(a) - collections.Counter(b)).elements()) for a, b in ((lines, wanted), (wanted, lines)))
        return f"{len(lines)} records, should be {len(wanted)}; {len(more)} that should not be there: {more[:2]}; missing: {less[:2]}"
    return None


def wrong_places(data, lines):
    """What is wrong with records that have their partition's number in front."""
    if any(line.startswith("ERROR") for line in lines):
        return next(line for line in lines if line.startswith("ERROR"))
    words = [line.split(" ", 1) for line in lines]
    wrong = wrong_rows(data, [rest for _, rest in words])
    if wrong:
        return wrong
    places = [int(number) for number, _ in words]
    if places != sorted(places):
        return "partitions do not come one after the other"
    if data.partitions is not None and places and places[-1] >= data.partitions:
        return f"a record of partition {places[-1]}, of {data.partitions}"
    if data.level == MERGED:
        shown = [show_row(data.record, row) for row in data.rows]
        for place in set(places):
            rest = iter(shown)
            if not all(line in rest for line in [rest_of for (number, rest_of) in words if int(number) == place]):
                return f"partition {place} is not in the order of the input's rows"
    if data.placed:
        keys, by_line = {}, {show_row(data.record, row): row for row in data.rows}
        for place, (_, line) in zip(places, words):
            if keys.setdefault(data.record.key_of(by_line[line]), place) != place:
                return f"a key is in partitions {place} and {keys[data.record.key_of(by_line[line])]}: {line}"
    return None


PRINTING = r"""
#define COLLECT(rdd, Type)                                                              \
    do {                                                                                \
        VonkError error_ = {0};                                                         \
        VonkRecords *records_ = NULL;                                                   \
        told(vonk_rdd_collect((rdd), &records_, &error_), &error_);                     \
        dump(&Type##_vonk, VONK_RECORDS(records_, Type), vonk_records_count(records_)); \
        vonk_records_free(records_);                                                    \
    } while (0)
#define ITERATE(rdd, Type)                                                              \
    do {                                                                                \
        VonkError error_ = {0};                                                         \
        VonkIterator *iterator_ = NULL;                                                 \
        told(vonk_rdd_iterate((rdd), &iterator_, &error_), &error_);                    \
        for (const Type *at_; iterator_ && (at_ = VONK_ITERATE(iterator_, Type)) != NULL;) \
            dump(&Type##_vonk, at_, 1);                                                 \
        told(vonk_iterator_free(iterator_, &error_), &error_);                          \
    } while (0)
#define BESIDE(rdd, Type, other)                                                        \
    do {                                                                                \
        VonkError error_ = {0};                                                         \
        VonkIterator *iterator_ = NULL;                                                 \
        told(vonk_rdd_iterate((rdd), &iterator_, &error_), &error_);                    \
        int times_ = 0;                                                                 \
        for (const Type *at_; iterator_ && (at_ = VONK_ITERATE(iterator_, Type)) != NULL;) { \
            dump(&Type##_vonk, at_, 1);                                                 \
            if (times_++ % 50 == 2 && times_ < 110)                                     \
                count_now(other);                                                       \
        }                                                                               \
        told(vonk_iterator_free(iterator_, &error_), &error_);                          \
    } while (0)
#define READ_SOME(rdd, Type, n)                                                         \
    do {                                                                                \
        VonkError error_ = {0};                                                         \
        VonkIterator *iterator_ = NULL;                                                 \
        told(vonk_rdd_iterate((rdd), &iterator_, &error_), &error_);                    \
        for (int i_ = 0; i_ < (n) && VONK_ITERATE(iterator_, Type) != NULL; i_++) {}    \
        told(vonk_iterator_free(iterator_, &error_), &error_);                          \
    } while (0)
#define START(rdd, Type)                                                                \
    do {                                                                                \
        VonkError error_ = {0};                                                         \
        VonkRecords *records_ = NULL;                                                   \
        VonkJob *job_ = NULL;                                                           \
        told(vonk_rdd_collect(vonk_rdd_async((rdd), &job_), &records_, &error_), &error_); \
        told(vonk_job_wait(job_, &error_), &error_);                                    \
        dump(&Type##_vonk, VONK_RECORDS(records_, Type), vonk_records_count(records_)); \
        vonk_records_free(records_);                                                    \
        vonk_job_free(job_);                                                            \
    } while (0)
#define SHARE(Type, records, count, broadcast)                                          \
    do {                                                                                \
        VonkError error_ = {0};                                                         \
        told(vonk_broadcast(s, Type, (records), (count), &(broadcast), &error_), &error_); \
    } while (0)
#define LOOKUP(rdd, Type, key)                                                          \
    do {                                                                                \
        VonkError error_ = {0};                                                         \
        VonkRecords *records_ = NULL;                                                   \
        told(vonk_rdd_lookup((rdd), Type, key, &records_, &error_), &error_);           \
        dump(&Type##_vonk, VONK_RECORDS(records_, Type), vonk_records_count(records_)); \
        vonk_records_free(records_);                                                    \
    } while (0)
"""


class Program:
    def __init__(self, seed, number, pipelines=8, only=None, skipped=(), rows=10 ** 6):
        self.seed, self.number, self.rows = seed, number, rows
        rng = random.Random(f"{seed}/{number}")
        self.is_plain = rng.random() < 0.8
        self.declared, self.types = [], []
        self.has_wide_texts = rng.random() < 0.15
        self.rows_max = 20000 if rng.random() < 0.1 and not self.has_wide_texts else 1500
        self.line = Record("VonkLine", [Field("text", Kind("text"))])
        self.file_type = Record("VonkFile", [Field("path", Kind("text")), Field("text", Kind("text"))])
        self.number_type = Record("VonkNumber", [Field("value", Kind("int8"))])
        for _ in range(2):
            key = self.some_key(rng)
            for _ in range(2):
                names = "kKxyz" if rng.random() < 0.5 else "abcde"
                fields = [Field(f"{names[i]}{i}", f.kind, f.is_nullable, True) for i, f in enumerate(key)]
                self.types.append(self.add_type(self.mixed(rng, fields, self.some_fields(rng, 5))))
        self.types.append(self.add_type(self.some_fields(rng, 40 if rng.random() < 0.1 else 7) or [Field("only", random_kind(rng), True)]))
        self.types.append(self.line if rng.random() < 0.5 else self.add_type([Field("text", Kind("text"))]))
        self.steps = {}
        self.pipelines = []
        for at in range(pipelines):
            if only is None or at == only:
                steps = random.Random(f"{seed}/{number}/{at}/steps").choice([*range(1, 9), 14])
                self.pipelines.append(Pipeline(self, at, steps, skipped))

    def some_key(self, rng):
        if rng.random() < 0.25:
            inner = self.add_type([Field(f"n{i}", random_kind(rng), rng.random() < 0.3) for i in range(rng.randint(1, 3))])
            return [Field("k", Kind("record", record=inner), False, True)] + ([Field("k", Kind("int4"), True, True)] if rng.random() < 0.3 else [])
        return [Field("k", random_kind(rng), rng.random() < 0.4, True) for _ in range(rng.choice([1, 1, 1, 2, 3]))]

    def some_fields(self, rng, most):
        fields = []
        for i in range(rng.randint(0, most)):
            if rng.random() < 0.1:
                inner = self.add_type([Field(f"i{j}", random_kind(rng), rng.random() < 0.3) for j in range(rng.randint(1, 3))])
                fields.append(Field(f"f{i}", Kind("record", record=inner)))
            else:
                fields.append(Field(f"f{i}", random_kind(rng), rng.random() < 0.4))
        return fields

    def mixed(self, rng, keys, fields):
        """Keys keep their order among themselves; often they are in front."""
        all_fields = list(fields)
        at = [0] * len(keys) if rng.random() < 0.6 else sorted(rng.randint(0, len(fields)) for _ in keys)
        for i, (place, key) in enumerate(zip(at, keys)):
            all_fields.insert(place + i, key)
        return all_fields

    def add_type(self, fields):
        for record in self.declared:
            if len(record.fields) == len(fields) and all(
                    a.name == b.name and a.is_key == b.is_key and a.same(b) and a.kind.record is b.kind.record for a, b in zip(record.fields, fields)):
                return record
        self.declared.append(Record(f"Type{len(self.declared)}", fields))
        return self.declared[-1]

    def files(self):
        """What it reads: {path below its folder: bytes}"""
        return {path: content for p in self.pipelines for path, content in p.files.items()}

    def source(self):
        runs = "\n".join(f'    puts("== {p.number}");\n    fflush(stdout);\n    pipeline_{p.number}(s);' for p in self.pipelines)
        return "\n".join([PRELUDE, *(record.declare() for record in self.declared), HELPERS, DUMP, STEPS, PRINTING,
                          *(p.source_text() for p in self.pipelines),
                          f"int vonk_main(VonkSession *s, int argc, char **argv)\n{{\n    place = argc > 1 ? argv[1] : \".\";\n{runs}\n    return 0;\n}}"])


def outputs(text):
    """{number: lines} of what the program has printed."""
    found, lines = {}, None
    for line in text.splitlines():
        if line.startswith("== "):
            lines = found.setdefault(int(line[3:]), [])
        elif lines is not None:
            lines.append(line)
    return found



