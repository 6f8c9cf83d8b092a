/*
 * semantics.c -- what RDD calls promise, as a job: prints a line a case and 'N passed, N failed'
 *
 * Run by run_rdd.py with many settings; the answers must not depend on them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <vonk/vonk.h>

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Word, VONK_KEY(text, word), VONK_FIELD(int8, n));
VONK_RECORD(Maybe, VONK_NULLABLE_KEY(int8, k), VONK_NULLABLE(text, t));
VONK_RECORD(Stats, VONK_KEY(int8, k), VONK_FIELD(int8, count), VONK_FIELD(float8, sum),
            VONK_FIELD(text, longest));
VONK_RECORD(Joined, VONK_FIELD(int8, k), VONK_NULLABLE(int8, a), VONK_NULLABLE(int8, b));
VONK_RECORD(Numbered, VONK_FIELD(int8, index), VONK_FIELD(int8, value));
VONK_RECORD(Place, VONK_FIELD(int8, partition), VONK_FIELD(int8, value));
VONK_RECORD(Point, VONK_FIELD(int4, x), VONK_FIELD(int4, y));
VONK_RECORD(Nested, VONK_NESTED_KEY(Point, at), VONK_FIELD(numeric(30, 4), price),
            VONK_FIELD(bool, ok), VONK_FIELD(date, day));
VONK_RECORD(Plain, VONK_FIELD(int8, value));

static int passed, failed;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAILED", name);
    *(ok ? &passed : &failed) += 1;
}

static void fail_with(const VonkError *error, const char *name)
{
    printf("FAILED %s: %s (%s)\n", name, error->message, error->detail);
    failed++;
}

#define COLLECT(rdd, name)                                                                         \
    VonkRecords *records;                                                                          \
    VonkError collect_error;                                                                       \
    if (vonk_rdd_collect((rdd), &records, &collect_error) != VONK_OK) {                            \
        fail_with(&collect_error, (name));                                                         \
        return;                                                                                    \
    }

/* --- functions --- */

void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    const int64_t *modulus = VONK_CLOSURE(task, int64_t);

    *out = (Pair){.k = in->value % *modulus, .v = in->value};
}

void add(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

void add_numbers(VonkTask *task, VonkNumber *sum, const VonkNumber *more)
{
    (void)task;
    sum->value += more->value;
}

bool is_even(VonkTask *task, const VonkNumber *in)
{
    (void)task;
    return in->value % 2 == 0;
}

void repeat(VonkTask *task, const VonkNumber *in, VonkOut *out)
{
    (void)task;
    for (int64_t i = 0; i < in->value % 5; i++)
        vonk_emit(out, &(VonkNumber){.value = in->value * 10 + i});
}

void take_in(VonkTask *task, Stats *acc, const Pair *in)
{
    char text[32];
    int bytes = snprintf(text, sizeof text, "value number %lld", (long long)in->v);

    acc->count++;
    acc->sum += 0.1 * (double)in->v;
    if ((size_t)bytes > acc->longest.bytes) {
        char *copy = vonk_task_alloc(task, (size_t)bytes);

        if (copy == NULL)
            return;
        memcpy(copy, text, (size_t)bytes);
        acc->longest = (VonkText){copy, (size_t)bytes};
    }
}

void unite(VonkTask *task, Stats *acc, const Stats *more)
{
    (void)task;
    acc->count += more->count;
    acc->sum += more->sum;
    if (more->longest.bytes > acc->longest.bytes)
        acc->longest = more->longest;
}

void sum_group(VonkTask *task, VonkIn *in, VonkOut *out)
{
    Pair sum = {0};

    (void)task;
    for (const Pair *pair; (pair = VONK_NEXT(in, Pair)) != NULL; sum.v += pair->v)
        sum.k = pair->k;
    vonk_emit(out, &sum);
}

void count_sides(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    Joined joined = {0};

    (void)task;
    for (const Pair *pair; (pair = VONK_NEXT(a, Pair)) != NULL; joined.a++)
        joined.k = pair->k;
    for (const Pair *pair; (pair = VONK_NEXT(b, Pair)) != NULL; joined.b++)
        joined.k = pair->k;
    vonk_emit(out, &joined);
}

void join_two(VonkTask *task, const Pair *a, const Pair *b, Joined *out)
{
    (void)task;
    out->k = a != NULL ? a->k : b->k;
    out->a_is_null = a == NULL;
    out->b_is_null = b == NULL;
    out->a = a == NULL ? 0 : a->v;
    out->b = b == NULL ? 0 : b->v;
}

void number(VonkTask *task, const VonkNumber *in, int64_t index, Numbered *out)
{
    (void)task;
    *out = (Numbered){.index = index, .value = in->value};
}

void say_place(VonkTask *task, VonkIn *in, VonkOut *out)
{
    for (const VonkNumber *n; (n = VONK_NEXT(in, VonkNumber)) != NULL;)
        vonk_emit(out, &(Place){.partition = vonk_task_partition(task), .value = n->value});
}

void zip_up(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    const VonkNumber *x, *y;

    (void)task;
    while ((x = VONK_NEXT(a, VonkNumber)) != NULL && (y = VONK_NEXT(b, VonkNumber)) != NULL)
        vonk_emit(out, &(Pair){.k = x->value, .v = y->value});
}

void halve(VonkTask *task, const Pair *in, Pair *out)
{
    (void)task;
    *out = (Pair){.k = in->k, .v = in->v / 2};
}

void make_nested(VonkTask *task, const VonkNumber *in, Nested *out)
{
    (void)task;
    *out = (Nested){.at = {.x = (int32_t)(in->value % 10), .y = (int32_t)(in->value % 7)},
                    .price = (__int128)in->value * 1000000007,
                    .ok = in->value % 3 == 0,
                    .day = (VonkDate)in->value};
}

void add_nested(VonkTask *task, Nested *sum, const Nested *more)
{
    (void)task;
    sum->price += more->price;
    sum->ok |= more->ok;
    sum->day = sum->day > more->day ? sum->day : more->day;
}

void complain(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    if (in->value == 777)
        vonk_fail(task, "no sevens: %lld", (long long)in->value);
    *out = *in;
}

void add_one(VonkTask *task, const VonkNumber *in, VonkNumber *out)
{
    (void)task;
    out->value = in->value + 1;
}

uint32_t by_last_digit(VonkTask *task, const VonkNumber *in, uint32_t n)
{
    (void)task;
    return (uint32_t)(in->value % 10) % n;
}

/* --- cases --- */

static VonkRdd *pairs(VonkSession *session, int64_t count, int64_t modulus, uint32_t partitions)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, count, 1, partitions), VonkNumber, Pair, to_pair,
                        VONK_WITH(modulus));
}

static void test_counts(VonkSession *session)
{
    int64_t count;
    VonkError error;
    VonkRdd *range = vonk_rdd_range(session, 0, 10000, 1, 7);
    uint32_t partitions;

    check(vonk_rdd_count(range, &count, &error) == VONK_OK && count == 10000, "count of a range");
    check(vonk_rdd_count(vonk_rdd_filter(range, VonkNumber, is_even), &count, &error) == VONK_OK &&
              count == 5000,
          "count of a filter");
    check(vonk_rdd_count(vonk_rdd_flat_map(range, VonkNumber, VonkNumber, repeat), &count,
                         &error) == VONK_OK &&
              count == 20000,
          "count of a flat map");
    check(vonk_rdd_count(vonk_rdd_range(session, 5, 5, 1, 3), &count, &error) == VONK_OK &&
              count == 0,
          "empty partitions");
    check(vonk_rdd_count(vonk_rdd_range(session, 10, -10, -3, 100), &count, &error) == VONK_OK &&
              count == 7,
          "more partitions than rows, downwards");
    check(vonk_rdd_partition_count(range, &partitions, &error) == VONK_OK && partitions == 7,
          "partition count");
    check(vonk_rdd_count(vonk_rdd_range(session, 0, 1, 0, 1), &count, &error) == VONK_BAD_INPUT,
          "a step of zero is refused");
}

static void test_order(VonkSession *session)
{
    VonkRdd *rdd = vonk_rdd_flat_map(
        vonk_rdd_filter(vonk_rdd_range(session, 0, 5000, 1, 5), VonkNumber, is_even), VonkNumber,
        VonkNumber, repeat);
    bool ascends = true;
    COLLECT(rdd, "order")
    const VonkNumber *numbers = VONK_RECORDS(records, VonkNumber);

    for (size_t i = 1; i < vonk_records_count(records); i++)
        ascends &= numbers[i - 1].value < numbers[i].value;
    check(ascends && vonk_records_count(records) == 5000, "narrow calls keep the order");
    check(VONK_RECORDS(records, Pair) == NULL, "records of another type are not given");
    vonk_records_free(records);
}

static void test_reduce_by_key(VonkSession *session)
{
    int64_t sums[97] = {0}, seen = 0;
    bool right = true;
    COLLECT(vonk_rdd_reduce_by_key(pairs(session, 100000, 97, 8), Pair, add, VONK_PARTITIONS(5)),
            "reduce_by_key")
    const Pair *got = VONK_RECORDS(records, Pair);

    for (int64_t i = 0; i < 100000; i++)
        sums[i % 97] += i;
    for (size_t i = 0; i < vonk_records_count(records); i++, seen++)
        right &= got[i].k >= 0 && got[i].k < 97 && sums[got[i].k] == got[i].v;
    check(right && seen == 97, "reduce_by_key");
    vonk_records_free(records);
}

static void test_skew(VonkSession *session)
{
    int64_t modulus = 1;
    VonkRdd *one = vonk_rdd_map(vonk_rdd_range(session, 0, 50000, 1, 16), VonkNumber, Pair, to_pair,
                                VONK_WITH(modulus));
    COLLECT(vonk_rdd_group_by_key(one, Pair, Pair, sum_group), "one key")
    const Pair *got = VONK_RECORDS(records, Pair);

    check(vonk_records_count(records) == 1 && got[0].k == 0 &&
              got[0].v == (int64_t)50000 * 49999 / 2,
          "one key has all records");
    vonk_records_free(records);
}

static void test_aggregate(VonkSession *session)
{
    VonkRdd *rdd = vonk_rdd_aggregate_by_key(pairs(session, 30000, 3, 6), Pair, Stats, &(Stats){0},
                                             take_in, unite);
    bool right = true;
    COLLECT(vonk_rdd_sort_by(rdd, "k"), "aggregate_by_key")
    const Stats *got = VONK_RECORDS(records, Stats);

    right = vonk_records_count(records) == 3;
    for (size_t i = 0; right && i < 3; i++)
        right = got[i].k == (int64_t)i && got[i].count == 10000 &&
                fabs(got[i].sum - 0.1 * (149985000.0 + 10000.0 * (double)i)) < 1e-3 &&
                got[i].longest.bytes == 18;
    check(right, "aggregate_by_key with texts");
    vonk_records_free(records);
}

static void test_reduce(VonkSession *session)
{
    VonkNumber sum = {0};
    VonkError error;
    Stats all = {0};
    bool found;

    check(vonk_rdd_reduce(vonk_rdd_range(session, 1, 100001, 1, 9), VonkNumber, add_numbers, &sum,
                          &found, &error) == VONK_OK &&
              found && sum.value == (int64_t)100000 * 100001 / 2,
          "reduce");
    check(vonk_rdd_reduce(vonk_rdd_range(session, 1, 1, 1, 9), VonkNumber, add_numbers, &sum,
                          &found, &error) == VONK_OK &&
              !found,
          "reduce of nothing");
    check(vonk_rdd_aggregate(pairs(session, 1000, 10, 4), Pair, Stats, &(Stats){0}, take_in, unite,
                             &all, &error) == VONK_OK &&
              all.count == 1000,
          "aggregate");
    all.count = -1;
    check(vonk_rdd_aggregate(pairs(session, 0, 10, 4), Pair, Stats, &(Stats){0}, take_in, unite,
                             &all, &error) == VONK_OK &&
              all.count == 0,
          "aggregate of nothing is zero");
}

static void test_cogroup(VonkSession *session)
{
    bool right = true;
    COLLECT(
        vonk_rdd_sort_by(vonk_rdd_cogroup(pairs(session, 1000, 10, 3), Pair,
                                          pairs(session, 300, 20, 2), Pair, Joined, count_sides),
                         "k"),
        "cogroup")
    const Joined *got = VONK_RECORDS(records, Joined);

    right = vonk_records_count(records) == 20;
    for (size_t i = 0; right && i < 20; i++)
        right = got[i].k == (int64_t)i && got[i].a == (i < 10 ? 100 : 0) && got[i].b == 15;
    check(right, "cogroup, sides without a key");
    vonk_records_free(records);
}

static void test_joins(VonkSession *session)
{
    VonkRdd *a = pairs(session, 40, 100, 3), *b = pairs(session, 60, 50, 2);
    int64_t inner, left, full;
    VonkError error;

    /* a: keys 0..39 once; b: keys 0..49, 0..9 twice */
    check(vonk_rdd_count(vonk_rdd_join(a, Pair, b, Pair, Joined, join_two), &inner, &error) ==
                  VONK_OK &&
              inner == 50,
          "inner join");
    check(vonk_rdd_count(vonk_rdd_left_join(b, Pair, a, Pair, Joined, join_two), &left, &error) ==
                  VONK_OK &&
              left == 60,
          "left join");
    check(vonk_rdd_count(vonk_rdd_full_join(a, Pair, b, Pair, Joined, join_two), &full, &error) ==
                  VONK_OK &&
              full == 60,
          "full join");
    {
        bool right = true;
        COLLECT(vonk_rdd_sort_by(vonk_rdd_full_join(a, Pair, b, Pair, Joined, join_two), "k, b"),
                "full join")
        const Joined *got = VONK_RECORDS(records, Joined);

        for (size_t i = 0; i < vonk_records_count(records); i++)
            right &= got[i].a_is_null == (got[i].k >= 40) && !got[i].b_is_null;
        check(right, "full join: the missing side is NULL");
        vonk_records_free(records);
    }
}

static void test_index(VonkSession *session)
{
    bool right = true;
    COLLECT(vonk_rdd_zip_with_index(
                vonk_rdd_filter(vonk_rdd_range(session, 0, 20000, 1, 6), VonkNumber, is_even),
                VonkNumber, Numbered, number),
            "zip_with_index")
    const Numbered *got = VONK_RECORDS(records, Numbered);

    for (size_t i = 0; i < vonk_records_count(records); i++)
        right &= got[i].index == (int64_t)i && got[i].value == (int64_t)i * 2;
    check(right && vonk_records_count(records) == 10000, "zip_with_index");
    vonk_records_free(records);
}

static void test_partitions(VonkSession *session)
{
    VonkRdd *range = vonk_rdd_range(session, 0, 100, 1, 4);
    VonkError error;
    uint32_t partitions;
    bool right = true;
    COLLECT(vonk_rdd_map_partitions(range, VonkNumber, Place, say_place), "map_partitions")
    const Place *got = VONK_RECORDS(records, Place);

    for (size_t i = 0; i < vonk_records_count(records); i++)
        right &= got[i].value == (int64_t)i && got[i].partition == (int64_t)i / 25;
    check(right && vonk_records_count(records) == 100, "map_partitions knows its partition");
    vonk_records_free(records);
    check(vonk_rdd_partition_count(vonk_rdd_repartition(range, 9), &partitions, &error) ==
                  VONK_OK &&
              partitions == 9,
          "repartition");
    check(vonk_rdd_partition_count(vonk_rdd_coalesce(range, 3), &partitions, &error) == VONK_OK &&
              partitions == 3,
          "coalesce");
    check(vonk_rdd_partition_count(vonk_rdd_coalesce(range, 30), &partitions, &error) == VONK_OK &&
              partitions == 4,
          "coalesce makes no more");
    check(vonk_rdd_partition_count(vonk_rdd_union(range, vonk_rdd_range(session, 0, 5, 1, 2)),
                                   &partitions, &error) == VONK_OK &&
              partitions == 6,
          "union adds partitions");
    check(vonk_rdd_partition_count(
              vonk_rdd_map_values(vonk_rdd_partition_by(pairs(session, 50, 5, 3), 11), Pair, Pair,
                                  halve),
              &partitions, &error) == VONK_OK &&
              partitions == 11,
          "map_values keeps partitions");
    {
        COLLECT(
            vonk_rdd_map_partitions(vonk_rdd_partition_with(range, VonkNumber, 5, by_last_digit),
                                    VonkNumber, Place, say_place),
            "partition_with")
        const Place *placed = VONK_RECORDS(records, Place);

        right = vonk_records_count(records) == 100;
        for (size_t i = 0; i < vonk_records_count(records); i++)
            right &= placed[i].partition == placed[i].value % 10 % 5;
        check(right, "partition_with");
        vonk_records_free(records);
    }
}

static void test_zip(VonkSession *session)
{
    VonkRdd *a = vonk_rdd_range(session, 0, 5000, 1, 3),
            *b = vonk_rdd_range(session, 5000, 10000, 1, 3);
    VonkRecords *none;
    VonkError refused;
    bool right = true;
    COLLECT(vonk_rdd_zip_partitions(a, VonkNumber, b, VonkNumber, Pair, zip_up), "zip_partitions")
    const Pair *got = VONK_RECORDS(records, Pair);

    for (size_t i = 0; i < vonk_records_count(records); i++)
        right &= got[i].v == got[i].k + 5000;
    check(right && vonk_records_count(records) == 5000, "zip_partitions");
    vonk_records_free(records);
    check(
        vonk_rdd_collect(vonk_rdd_zip_partitions(a, VonkNumber, vonk_rdd_range(session, 0, 9, 1, 2),
                                                 VonkNumber, Pair, zip_up),
                         &none, &refused) == VONK_BAD_INPUT,
        "zip_partitions of other numbers is refused");
}

static void test_sets(VonkSession *session)
{
    VonkRdd *a = vonk_rdd_range(session, 0, 1000, 1, 4),
            *b = vonk_rdd_range(session, 500, 1500, 1, 3);
    int64_t count;
    VonkError error;

    check(vonk_rdd_count(vonk_rdd_distinct(vonk_rdd_union(a, b)), &count, &error) == VONK_OK &&
              count == 1500,
          "distinct");
    check(vonk_rdd_count(vonk_rdd_intersection(a, b), &count, &error) == VONK_OK && count == 500,
          "intersection");
    check(vonk_rdd_count(vonk_rdd_subtract(a, b), &count, &error) == VONK_OK && count == 500,
          "subtract");
    check(vonk_rdd_count(vonk_rdd_union(a, a), &count, &error) == VONK_OK && count == 2000,
          "union with itself");
}

static void test_sort(VonkSession *session)
{
    VonkRdd *rdd = pairs(session, 60000, 101, 6);
    bool right = true;
    COLLECT(vonk_rdd_sort_by(rdd, "k DESC, v"), "sort_by")
    const Pair *got = VONK_RECORDS(records, Pair);

    for (size_t i = 1; i < vonk_records_count(records); i++)
        right &= got[i - 1].k > got[i].k || (got[i - 1].k == got[i].k && got[i - 1].v < got[i].v);
    check(right && vonk_records_count(records) == 60000, "sort_by");
    vonk_records_free(records);
    {
        COLLECT(vonk_rdd_sort_by_key(rdd), "sort_by_key")
        const Pair *sorted = VONK_RECORDS(records, Pair);

        for (size_t i = 1; i < vonk_records_count(records); i++)
            right &= sorted[i - 1].k < sorted[i].k ||
                     (sorted[i - 1].k == sorted[i].k && sorted[i - 1].v < sorted[i].v);
        check(right, "sort_by_key is stable");
        vonk_records_free(records);
    }
    {
        COLLECT(vonk_rdd_top(rdd, 3, "v"), "top")
        const Pair *top = VONK_RECORDS(records, Pair);

        check(vonk_records_count(records) == 3 && top[0].v == 59999 && top[2].v == 59997, "top");
        vonk_records_free(records);
    }
    {
        COLLECT(vonk_rdd_take(rdd, 5), "take")
        const Pair *first = VONK_RECORDS(records, Pair);

        check(vonk_records_count(records) == 5 && first[0].v == 0 && first[4].v == 4, "take");
        vonk_records_free(records);
    }
}

static void test_nested(VonkSession *session)
{
    __int128 total = 0, expected = 0;
    COLLECT(vonk_rdd_reduce_by_key(vonk_rdd_map(vonk_rdd_range(session, 0, 7000, 1, 5), VonkNumber,
                                                Nested, make_nested),
                                   Nested, add_nested),
            "nested keys")
    const Nested *got = VONK_RECORDS(records, Nested);

    for (size_t i = 0; i < vonk_records_count(records); i++)
        total += got[i].price;
    for (int64_t i = 0; i < 7000; i++)
        expected += (__int128)i * 1000000007;
    check(vonk_records_count(records) == 70 && total == expected, "nested records as keys");
    vonk_records_free(records);
}

void copy_first(VonkTask *task, VonkIn *in, VonkOut *out)
{
    int64_t n = 0;
    const Maybe *first = VONK_NEXT(in, Maybe);
    Maybe copy = *first;
    char *text = vonk_task_alloc(task, 16);

    do
        n++;
    while (VONK_NEXT(in, Maybe) != NULL);
    if (text == NULL)
        return;
    copy.t = (VonkText){text, (size_t)snprintf(text, 16, "%lld", (long long)n)};
    copy.t_is_null = false;
    vonk_emit(out, &copy);
}

static void test_nulls(VonkSession *session)
{
    Maybe rows[] = {{.k_is_null = true, .t = {"a", 1}},
                    {.k = 0, .t_is_null = true},
                    {.k_is_null = true, .t_is_null = true},
                    {.k = 0, .t = {"", 0}},
                    {.k = 7}};
    VonkRdd *rdd = vonk_rdd_parallelize(session, Maybe, rows, 5, 3);
    bool right = true;
    COLLECT(vonk_rdd_group_by_key(rdd, Maybe, Maybe, copy_first), "NULL keys")
    const Maybe *got = VONK_RECORDS(records, Maybe);

    for (size_t i = 0; i < vonk_records_count(records); i++)
        right &= vonk_text_equal(got[i].t, vonk_text(got[i].k == 7 ? "1" : "2"));
    check(right && vonk_records_count(records) == 3, "NULL keys are one key, and not zero");
    vonk_records_free(records);
    {
        COLLECT(rdd, "parallelize")
        const Maybe *same = VONK_RECORDS(records, Maybe);

        check(vonk_records_count(records) == 5 && same[0].k_is_null && same[1].t_is_null &&
                  !same[3].t_is_null && same[3].t.bytes == 0,
              "parallelize keeps NULLs apart from empty texts");
        vonk_records_free(records);
    }
}

static void test_persist(VonkSession *session)
{
    VonkRdd *kept = vonk_rdd_persist(vonk_rdd_partition_by(pairs(session, 20000, 11, 4), 3));
    int64_t count;
    VonkError error;

    for (int i = 0; i < 3; i++) {
        check(vonk_rdd_count(vonk_rdd_reduce_by_key(kept, Pair, add), &count, &error) == VONK_OK &&
                  count == 11,
              "a kept RDD, again");
        if (i == 1)
            vonk_rdd_unpersist(kept);
    }
}

static void test_errors(VonkSession *session)
{
    VonkRdd *bad =
        vonk_rdd_map(vonk_rdd_range(session, 0, 5000, 1, 4), VonkNumber, VonkNumber, complain);
    VonkError error;
    int64_t count;

    check(vonk_rdd_count(bad, &count, &error) == VONK_BAD_INPUT &&
              strstr(error.message, "complain: no sevens: 777") != NULL &&
              strstr(error.detail, "record 778 of partition 0") != NULL,
          "vonk_fail names function and record");
    check(vonk_rdd_count(vonk_rdd_distinct(vonk_rdd_text_file(session, "/nowhere/at/all")), &count,
                         &error) == VONK_IO,
          "an error is kept to the action");
    check(vonk_rdd_count(vonk_rdd_filter(pairs(session, 5, 5, 1), VonkNumber, is_even), &count,
                         &error) == VONK_BAD_INPUT &&
              strstr(error.message, "Pair") != NULL,
          "a wrong record type is told");
    check(vonk_rdd_count(vonk_rdd_sort_by(vonk_rdd_range(session, 0, 5, 1, 1), "nonsense"), &count,
                         &error) == VONK_BAD_INPUT,
          "an order by a field that is not there");
}

static void test_sql(VonkSession *session)
{
    COLLECT(vonk_rdd_reduce_by_key(
                vonk_rdd_sql(session, Pair,
                             "SELECT x % 10, x FROM generate_series(1, 1000) g(x) WHERE x > 500"),
                Pair, add),
            "rows of a query")
    const Pair *got = VONK_RECORDS(records, Pair);
    int64_t total = 0;

    for (size_t i = 0; i < vonk_records_count(records); i++)
        total += got[i].v;
    check(vonk_records_count(records) == 10 && total == 1000 * 1001 / 2 - 500 * 501 / 2,
          "rows of a query");
    vonk_records_free(records);
}

static void test_lineage(VonkSession *session)
{
    VonkRdd *rdd = vonk_rdd_range(session, 0, 100, 1, 2);
    VonkNumber sum = {0};
    VonkError error = {0};
    bool found;
    VonkStatus status;

    for (int i = 0; i < 10000; i++)
        rdd = vonk_rdd_map(rdd, VonkNumber, VonkNumber, add_one);
    status = vonk_rdd_reduce(rdd, VonkNumber, add_numbers, &sum, &found, &error);
    if (status != VONK_OK)
        fail_with(&error, "10,000 steps");
    else
        check(sum.value == 4950 + 1000000, "10,000 steps");
}

static void test_closures(VonkSession *session)
{
    int64_t modulus = 7, count;
    VonkRdd *rdd = vonk_rdd_map(vonk_rdd_range(session, 0, 700, 1, 2), VonkNumber, Pair, to_pair,
                                VONK_WITH(modulus));
    VonkError error;

    modulus = 100; /* too late: a copy travels */
    check(vonk_rdd_count(vonk_rdd_reduce_by_key(rdd, Pair, add), &count, &error) == VONK_OK &&
              count == 7,
          "a closure is copied");
}

static void test_sample(VonkSession *session)
{
    VonkRdd *rdd = vonk_rdd_sample(vonk_rdd_range(session, 0, 100000, 1, 8), 0.1, 42);
    int64_t first, second;
    VonkError error;

    check(vonk_rdd_count(rdd, &first, &error) == VONK_OK && first > 9000 && first < 11000,
          "sample");
    check(vonk_rdd_count(rdd, &second, &error) == VONK_OK && first == second,
          "the same sample again");
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_counts(session);
    test_order(session);
    test_reduce_by_key(session);
    test_skew(session);
    test_aggregate(session);
    test_reduce(session);
    test_cogroup(session);
    test_joins(session);
    test_index(session);
    test_partitions(session);
    test_zip(session);
    test_sets(session);
    test_sort(session);
    test_nested(session);
    test_nulls(session);
    test_persist(session);
    test_errors(session);
    test_sql(session);
    test_closures(session);
    test_sample(session);
    test_lineage(session);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
