/*
 * inlined.c -- functions of every kind, most of which can be inlined and some of which cannot
 *
 * Prints what comes out, errors included: the same whether functions are inlined or called.
 */
#include <math.h>

#include "shown.h"

VONK_RECORD(Row, VONK_KEY(int8, id), VONK_NULLABLE(text, name), VONK_NULLABLE(int4, small),
            VONK_FIELD(float8, x), VONK_FIELD(numeric(30, 4), price), VONK_FIELD(bool, odd),
            VONK_FIELD(int2, tiny), VONK_NULLABLE(date, day));
VONK_RECORD(Short, VONK_KEY(int8, id), VONK_NULLABLE(varchar(20), name), VONK_FIELD(float8, x));
VONK_RECORD(Point, VONK_FIELD(int4, a), VONK_FIELD(int8, b));
VONK_RECORD(Tree, VONK_KEY(int8, id), VONK_NESTED(Point, at), VONK_NULLABLE(interval, span));
VONK_RECORD(Limits, VONK_FIELD(int8, low), VONK_FIELD(int8, high));

static const char *const names[] = {"",
                                    "a",
                                    "abc",
                                    "abcd",
                                    "twelve bytes",
                                    "thirteen byte",
                                    "something that is longer than fits",
                                    "zürich"};
static int64_t calls; /* no constant: who uses it is not inlined */

static void make(VonkTask *task, const VonkNumber *in, Row *out)
{
    int64_t i = in->value;
    uint64_t mixed = (uint64_t)i * 0x9e3779b97f4a7c15u;

    (void)task;
    out->id = i;
    out->name_is_null = mixed % 7 == 0;
    out->name = vonk_text(names[mixed % 8]);
    out->small_is_null = mixed % 5 == 0;
    out->small = (int32_t)mixed;
    out->x = (double)i / 3 + sin((double)i);
    out->price = (__int128)(int64_t)mixed * 1000;
    out->odd = i % 2;
    out->tiny = (int16_t)i;
    out->day_is_null = mixed % 11 == 0;
    out->day = (VonkDate)(i * 37);
}

static bool is_wanted(VonkTask *task, const Row *row)
{
    (void)task;
    return row->odd || (!row->small_is_null && row->small % 3 == 0);
}

static bool is_within(VonkTask *task, const Row *row)
{
    const Limits *limits = VONK_CLOSURE(task, Limits);

    return row->id >= limits->low && row->id < limits->high;
}

static void cut(VonkTask *task, const Row *row, Short *out)
{
    char *copy = vonk_task_alloc(task, row->name.bytes + 1);

    if (copy == NULL)
        return;
    out->id = row->id / 2;
    out->name_is_null = row->name_is_null;
    for (size_t i = 0; i < row->name.bytes; i++)
        copy[row->name.bytes - 1 - i] =
            (unsigned char)row->name.data[i] > 127 ? '?' : row->name.data[i];
    out->name = (VonkText){copy, row->name.bytes > 20 ? 20 : row->name.bytes};
    out->x = row->x * 2 - 1;
}

static int64_t collatz(int64_t n) /* recursive: stays a call */
{
    return n <= 1 ? 0 : 1 + collatz(n % 2 == 0 ? n / 2 : 3 * n + 1);
}

static void spread(VonkTask *task, const Short *in, VonkOut *out)
{
    (void)task;
    for (int64_t i = 0; i < in->id % 4; i++)
        vonk_emit(out, &(Tree){.id = in->id + i,
                               .at = {.a = (int32_t)i, .b = collatz(in->id % 100)},
                               .span = {.months = 1, .days = (int32_t)i, .microseconds = 7},
                               .span_is_null = i == 1});
    if (in->id % 10 == 3)
        vonk_emit(out, &(Tree){.id = -in->id});
}

static void spread_again(VonkTask *task, const Tree *in, VonkOut *out)
{
    (void)task;
    vonk_emit(out, in);
    if (in->at.a == 2)
        vonk_emit(out, in);
}

static bool is_counted(VonkTask *task, const Tree *in)
{
    (void)task;
    return in->id % 3 != 0;
}

static void number(VonkTask *task, const Tree *in, int64_t index, Tree *out)
{
    *out = *in;
    out->at.b = index + vonk_task_partition(task);
}

static void count_calls(VonkTask *task, const Tree *in, Tree *out)
{
    (void)task;
    *out = *in;
    calls += in->id < 0; /* not atomic, and not looked at: it only must not be inlined */
}

static void pick_third(VonkTask *task, const Tree *in, VonkOut *out)
{
    const Tree *first = in, *second = in->id % 2 == 0 ? in : first;

    (void)task;
    if (second->at.a < 2)
        vonk_emit(out, &(Tree){.id = second->id, .at = second->at});
}

static void step_on(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    (void)task;
    out->value = in->value % 2 == 0 ? in->value / 2 : 3 * in->value + 1;
}

static bool is_odd_enough(VonkTask *task, const VonkNumber *in)
{
    return in->value % 32 != VONK_CLOSURE(task, Limits)->low;
}

static void fail_at(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    if (in->value == 777)
        vonk_fail(task, "no %d here", 777);
    *out = *in;
}

static void emit_wrong(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    (void)task;
    if (in->value == 50)
        vonk_emit(out, &(Point){1, 2});
    else
        vonk_emit(out, in);
}

static void too_long(VonkTask *task, const VonkNumber *in, Short *out)
{
    (void)task;
    out->id = in->value;
    out->name = vonk_text(in->value == 999 ? "123456789012345678901" : "short");
}

static void too_wide(VonkTask *task, const VonkNumber *in, Row *out)
{
    (void)task;
    if (in->value == 321)
        for (int i = 0; i < 31; i++)
            out->price = out->price * 10 + 1;
}

static void join_up(VonkTask *task, const Short *a, const Row *b, Tree *out)
{
    (void)task;
    out->id = a == NULL ? b->id : a->id;
    out->at.a = a != NULL;
    out->at.b = b == NULL ? -1 : b->tiny;
}

static void add(VonkTask *task, Tree *sum, const Tree *more)
{
    (void)task;
    sum->at.a += more->at.a;
    sum->at.b = sum->at.b * 31 + more->at.b;
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    VonkRdd *numbers = vonk_rdd_range(session, 0, 5000, 1, 3);
    VonkRdd *rows = vonk_rdd_map(numbers, VonkNumber, Row, make);
    VonkRdd *wanted = vonk_rdd_filter(rows, Row, is_wanted);
    VonkRdd *within = vonk_rdd_filter(wanted, Row, is_within, VONK_WITH(((Limits){100, 4000})));
    VonkRdd *cuts = vonk_rdd_map(within, Row, Short, cut);
    VonkRdd *trees = vonk_rdd_flat_map(cuts, Short, Tree, spread);
    VonkRdd *steps = numbers;
    VonkRdd *more =
        vonk_rdd_filter(vonk_rdd_flat_map(trees, Tree, Tree, spread_again), Tree, is_counted);

    (void)argc;
    (void)argv;
    print("map", rows);
    print("filters", within);
    print("texts that it made", cuts);
    print("flat maps", more);
    print("numbers", vonk_rdd_zip_with_index(more, Tree, Tree, number));
    print("what cannot be inlined", vonk_rdd_map(more, Tree, Tree, count_calls));
    print("two pointers", vonk_rdd_flat_map(trees, Tree, Tree, pick_third));
    print("join", vonk_rdd_sort_by(vonk_rdd_full_join(cuts, Short, rows, Row, Tree, join_up),
                                   "id, at.a, at.b"));
    print("sums", vonk_rdd_sort_by_key(vonk_rdd_reduce_by_key(trees, Tree, add)));
    for (int i = 0; i < 50; i++)
        steps = i % 5 == 4
                    ? vonk_rdd_filter(steps, VonkNumber, is_odd_enough, VONK_WITH(((Limits){i, 0})))
                    : vonk_rdd_map(steps, VonkNumber, VonkNumber, step_on);
    print("many steps", steps);
    count("fails", vonk_rdd_map(numbers, VonkNumber, VonkNumber, fail_at));
    count("emits what it may not", vonk_rdd_flat_map(numbers, VonkNumber, VonkNumber, emit_wrong));
    print("too long", vonk_rdd_map(numbers, VonkNumber, Short, too_long));
    print("too wide", vonk_rdd_map(numbers, VonkNumber, Row, too_wide));
    print("NULLs",
          vonk_rdd_map(vonk_rdd_sql(session, VonkNumber,
                                    "SELECT nullif(x, 7) FROM generate_series(1, 10) g(x)"),
                       VonkNumber, VonkNumber, fail_at));
    return 0;
}
