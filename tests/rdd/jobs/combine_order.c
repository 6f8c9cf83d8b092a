/*
 * combine_order.c -- reductions that tell in which order, and in which parts, records were combined
 *
 *     combine_order.c RECORDS
 *
 * Above joins, sorts and groups, which spill where memory is short. Prints the same numbers
 * whatever memory and threads there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Row, VONK_KEY(int8, k), VONK_FIELD(int8, v), VONK_FIELD(text, t));
VONK_RECORD(Sum, VONK_KEY(int8, k), VONK_FIELD(int8, v));

static uint64_t mixed(uint64_t number)
{
    number *= 0x9e3779b97f4a7c15u;
    return ((number ^ number >> 29) * 0xbf58476d1ce4e5b9u) >> 8;
}

void spread(VonkTask *task, const VonkNumber *in, Row *out)
{
    uint64_t count = (uint64_t)*VONK_CLOSURE(task, int64_t);
    char *text = vonk_task_alloc(task, 64);

    if (text == NULL)
        return;
    *out = (Row){.k = (int64_t)(mixed((uint64_t)in->value) % (count / 2)), .v = in->value};
    out->t = (VonkText){text, (size_t)snprintf(text, 64, "%*d", 20 + (int)(out->k % 30), 1)};
}

/* Keys that half of the rows above have. */
void shift(VonkTask *task, const Row *in, Row *out)
{
    *out = *in;
    out->k += *VONK_CLOSURE(task, int64_t) / 4;
}

void put(VonkTask *task, const Row *a, const Row *b, Sum *out)
{
    (void)task;
    *out = (Sum){.k = (a == NULL ? b->k : a->k) % 5,
                 .v = (a == NULL ? 7 : a->v) * 3 + (b == NULL ? 5 : b->v)};
}

/* Keys that are many: a partial table is passed on again and again. */
void put_far(VonkTask *task, const Row *a, const Row *b, Sum *out)
{
    (void)task;
    *out = (Sum){.k = (int64_t)(mixed((uint64_t)a->v) % 40000), .v = a->v * 3 + b->v};
}

void to_sum(VonkTask *task, const Row *in, Sum *out)
{
    (void)task;
    *out = (Sum){.k = in->k % 3, .v = in->v};
}

void chain(VonkTask *task, VonkIn *in, VonkOut *out)
{
    Sum all = {.v = 1};

    (void)task;
    for (const Row *row; (row = VONK_NEXT(in, Row)) != NULL;)
        all = (Sum){.k = row->k % 4, .v = all.v * 31 + row->v};
    vonk_emit(out, &all);
}

/* Neither associative nor commutative. */
void add(VonkTask *task, Sum *sum, const Sum *more)
{
    (void)task;
    sum->v = (int64_t)((uint64_t)sum->v * 31 + ((uint64_t)more->v ^ 12345));
    sum->k += more->k;
}

void add_by_key(VonkTask *task, Sum *sum, const Sum *more)
{
    (void)task;
    sum->v = (int64_t)((uint64_t)sum->v * 31 + ((uint64_t)more->v ^ 12345));
}

static int print(const char *name, VonkRdd *rdd)
{
    VonkRecords *records;
    VonkError error;
    uint64_t all = 1;
    bool found;
    Sum sum;

    if (vonk_rdd_reduce(rdd, Sum, add, &sum, &found, &error) != VONK_OK ||
        vonk_rdd_collect(vonk_rdd_reduce_by_key(rdd, Sum, add_by_key), &records, &error) !=
            VONK_OK) {
        fprintf(stderr, "%s: %s\n%s\n", name, error.message, error.detail);
        return 1;
    }
    for (size_t i = 0; i < vonk_records_count(records); i++)
        all = all * 31 + (uint64_t)VONK_RECORDS(records, Sum)[i].v;
    printf("%s: %lld, of %zu keys %llu\n", name, (long long)sum.v, vonk_records_count(records),
           (unsigned long long)all);
    vonk_records_free(records);
    return 0;
}

int vonk_main(VonkSession *s, int argc, char **argv)
{
    int64_t count = argc == 2 ? atoll(argv[1]) : 0;
    VonkRdd *a, *b, *ordered;

    if (count < 100)
        return 2;
    a = vonk_rdd_map(vonk_rdd_range(s, 0, count, 1, 3), VonkNumber, Row, spread, VONK_WITH(count));
    b = vonk_rdd_map(a, Row, Row, shift, VONK_WITH(count));
    ordered = vonk_rdd_sort_by(a, "t DESC, v");
    return print("join", vonk_rdd_join(a, Row, b, Row, Sum, put, VONK_PARTITIONS(2))) +
           print("join, many keys",
                 vonk_rdd_join(a, Row, b, Row, Sum, put_far, VONK_PARTITIONS(2))) +
           print("left join", vonk_rdd_left_join(a, Row, b, Row, Sum, put, VONK_PARTITIONS(2))) +
           print("full join", vonk_rdd_full_join(a, Row, b, Row, Sum, put, VONK_PARTITIONS(2))) +
           print("sort", vonk_rdd_map(ordered, Row, Sum, to_sum)) +
           print("groups", vonk_rdd_group_by_key(a, Row, Sum, chain, VONK_PARTITIONS(2))) +
           print("distinct", vonk_rdd_map(vonk_rdd_distinct(a), Row, Sum, to_sum));
}
