/*
 * semantics_keys.c -- calls by key, joins, sets, ranges, order: as Spark's RDDs have them
 */
#include "semantics.h"

VONK_RECORD(Pair, VONK_KEY(int8, k), VONK_FIELD(int8, v));
VONK_RECORD(Maybe, VONK_NULLABLE_KEY(text, k), VONK_FIELD(int8, v));
VONK_RECORD(MaybeCount, VONK_NULLABLE_KEY(text, k), VONK_FIELD(int8, n));
VONK_RECORD(SureCount, VONK_KEY(text, k), VONK_FIELD(int8, n));
VONK_RECORD(KeyCount, VONK_KEY(int8, k), VONK_FIELD(int8, n));
VONK_RECORD(PairCount, VONK_KEY(int8, k), VONK_KEY(int8, v), VONK_FIELD(int8, n));
VONK_RECORD(Two, VONK_KEY(int4, a), VONK_KEY(text, b), VONK_FIELD(int8, v));
VONK_RECORD(Sides, VONK_NULLABLE(text, k), VONK_NULLABLE(int8, a), VONK_NULLABLE(int8, b));
VONK_RECORD(Four, VONK_FIELD(int8, k), VONK_FIELD(int8, a), VONK_FIELD(int8, b),
            VONK_FIELD(int8, c), VONK_FIELD(int8, d));
VONK_RECORD(ByDigit, VONK_KEY(int8, digit), VONK_FIELD(int8, value));
VONK_RECORD(Loose, VONK_NULLABLE(int8, x), VONK_NULLABLE(text, y));

/* --- functions --- */

void to_pair(VonkTask *task, const VonkNumber *in, Pair *out)
{
    *out = (Pair){.k = in->value % *VONK_CLOSURE(task, int64_t), .v = in->value};
}

void add_pair(VonkTask *task, Pair *sum, const Pair *more)
{
    (void)task;
    sum->v += more->v;
}

void pair_sides(VonkTask *task, const Maybe *a, const Maybe *b, Sides *out)
{
    const Maybe *any = a != NULL ? a : b;

    (void)task;
    *out = (Sides){.k = any->k,
                   .k_is_null = any->k_is_null,
                   .a = a == NULL ? 0 : a->v,
                   .a_is_null = a == NULL,
                   .b = b == NULL ? 0 : b->v,
                   .b_is_null = b == NULL};
}

void wrong_sides(VonkTask *task, const Pair *a, const Maybe *b, Sides *out)
{
    (void)task, (void)a, (void)b, (void)out;
}

void multiply(VonkTask *task, const VonkNumber *a, const Pair *b, Pair *out)
{
    (void)task;
    *out = (Pair){.k = a->value, .v = b->v};
}

void add_sides(VonkTask *task, const Pair *a, const Pair *b, Pair *out)
{
    (void)task;
    *out =
        (Pair){.k = a != NULL ? a->k : b->k, .v = (a == NULL ? 0 : a->v) + (b == NULL ? 0 : b->v)};
}

static int64_t drain(VonkIn *in, int64_t *key)
{
    int64_t count = 0;

    for (const Pair *pair; (pair = VONK_NEXT(in, Pair)) != NULL; count++)
        *key = pair->k;
    return count;
}

void count_3(VonkTask *task, VonkIn *a, VonkIn *b, VonkIn *c, VonkOut *out)
{
    Four four = {0};

    (void)task;
    four.a = drain(a, &four.k);
    four.b = drain(b, &four.k);
    four.c = drain(c, &four.k);
    vonk_emit(out, &four);
}

void count_4(VonkTask *task, VonkIn *a, VonkIn *b, VonkIn *c, VonkIn *d, VonkOut *out)
{
    Four four = {0};

    (void)task;
    four.a = drain(a, &four.k);
    four.b = drain(b, &four.k);
    four.c = drain(c, &four.k);
    four.d = drain(d, &four.k);
    vonk_emit(out, &four);
}

void find_digit(VonkTask *task, const VonkNumber *in, ByDigit *out)
{
    (void)task;
    out->digit = in->value % 10;
}

void count_digit(VonkTask *task, VonkIn *in, VonkOut *out)
{
    KeyCount count = {0};

    (void)task;
    for (const ByDigit *at; (at = VONK_NEXT(in, ByDigit)) != NULL; count.n++)
        count.k = at->digit;
    vonk_emit(out, &count);
}

void check_sorted(VonkTask *task, VonkIn *in, VonkOut *out)
{
    Pair last = {.k = -1, .v = INT64_MAX};
    VonkNumber wrong = {0};

    (void)task;
    for (const Pair *pair; (pair = VONK_NEXT(in, Pair)) != NULL; last = *pair)
        wrong.value += pair->k < last.k || (pair->k == last.k && pair->v > last.v);
    vonk_emit(out, &wrong);
}

void add_number(VonkTask *task, VonkNumber *sum, const VonkNumber *more)
{
    (void)task;
    sum->value += more->value;
}

bool is_odd(VonkTask *task, const Pair *in)
{
    (void)task;
    return in->k % 2 == 1;
}

/* --- cases --- */

static VonkRdd *pairs(VonkSession *session, int64_t count, int64_t modulus, uint32_t partitions)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, count, 1, partitions), VonkNumber, Pair, to_pair,
                        VONK_WITH(modulus));
}

static VonkRdd *left(VonkSession *session)
{
    Maybe rows[] = {{.k = {"a", 1}, .v = 1},
                    {.k_is_null = true, .v = 2},
                    {.k = {"b", 1}, .v = 3},
                    {.k = {"a", 1}, .v = 4},
                    {.k = {"", 0}, .v = 5}};

    return vonk_rdd_parallelize(session, Maybe, rows, 5, 3);
}

static VonkRdd *right(VonkSession *session)
{
    Maybe rows[] = {{.k = {"a", 1}, .v = 10},
                    {.k_is_null = true, .v = 20},
                    {.k_is_null = true, .v = 30},
                    {.k = {"c", 1}, .v = 40}};

    return vonk_rdd_parallelize(session, Maybe, rows, 4, 9);
}

/* Rows as "key a b;", sorted: what a join gave. */
static void check_sides(VonkRdd *rdd, const char *expected, const char *name)
{
    char text[500];
    size_t at = 0;
    COLLECT(vonk_rdd_sort_by(rdd, "k, a, b"), Sides, got, count);

    for (size_t i = 0; i < count; i++) {
        char a[24] = "-", b[24] = "-";

        if (!got[i].a_is_null)
            snprintf(a, sizeof a, "%lld", (long long)got[i].a);
        if (!got[i].b_is_null)
            snprintf(b, sizeof b, "%lld", (long long)got[i].b);
        at += (size_t)snprintf(text + at, sizeof text - at, "%.*s %s %s;",
                               got[i].k_is_null ? 4 : (int)got[i].k.bytes,
                               got[i].k_is_null      ? "NULL"
                               : got[i].k.bytes == 0 ? ""
                                                     : got[i].k.data,
                               a, b);
    }
    check(strcmp(text, expected) == 0, name);
    if (strcmp(text, expected) != 0)
        printf("    %s\n    %s\n", text, expected);
    LET_GO(got);
}

/* In Spark a NULL key is a key as any other. */
static void test_joins(VonkSession *session)
{
    VonkRdd *a = left(session), *b = right(session);
    VonkRdd *none = vonk_rdd_parallelize(session, Maybe, NULL, 0, 2);

    check_sides(vonk_rdd_join(a, Maybe, b, Maybe, Sides, pair_sides),
                "a 1 10;a 4 10;NULL 2 20;NULL 2 30;", "join: NULL keys are equal");
    check_sides(vonk_rdd_left_join(a, Maybe, b, Maybe, Sides, pair_sides),
                " 5 -;a 1 10;a 4 10;b 3 -;NULL 2 20;NULL 2 30;", "left_join");
    check_sides(vonk_rdd_right_join(a, Maybe, b, Maybe, Sides, pair_sides),
                "a 1 10;a 4 10;c - 40;NULL 2 20;NULL 2 30;", "right_join");
    check_sides(vonk_rdd_full_join(a, Maybe, b, Maybe, Sides, pair_sides),
                " 5 -;a 1 10;a 4 10;b 3 -;c - 40;NULL 2 20;NULL 2 30;", "full_join");
    check(count_of(vonk_rdd_join(a, Maybe, none, Maybe, Sides, pair_sides)) == 0 &&
              count_of(vonk_rdd_left_join(a, Maybe, none, Maybe, Sides, pair_sides)) == 5 &&
              count_of(vonk_rdd_right_join(a, Maybe, none, Maybe, Sides, pair_sides)) == 0 &&
              count_of(vonk_rdd_full_join(none, Maybe, a, Maybe, Sides, pair_sides)) == 5,
          "joins with nothing");
    REFUSED(vonk_rdd_join(a, Pair, b, Maybe, Sides, wrong_sides), VONK_BAD_INPUT, "Maybe",
            "a join of another record type");
}

static void test_cartesian(VonkSession *session)
{
    bool right = true;
    COLLECT(vonk_rdd_cartesian(vonk_rdd_range(session, 0, 70, 1, 3), VonkNumber,
                               pairs(session, 50, 5, 4), Pair, Pair, multiply),
            Pair, got, count);

    for (size_t i = 0; i < count; i++)
        right &= got[i].k == (int64_t)i / 50 && got[i].v == (int64_t)i % 50;
    check(right && count == 3500, "cartesian: by a's rows, then b's");
    LET_GO(got);
}

static void test_cogroups(VonkSession *session)
{
    VonkRdd *a = pairs(session, 100, 10, 3), *b = pairs(session, 40, 20, 2);
    VonkRdd *c = pairs(session, 0, 3, 2), *d = pairs(session, 5, 100, 7);
    bool right = true;

    {
        COLLECT(vonk_rdd_sort_by(vonk_rdd_cogroup3(a, Pair, b, Pair, c, Pair, Four, count_3), "k"),
                Four, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].k == (int64_t)i && got[i].a == (i < 10 ? 10 : 0) && got[i].b == 2 &&
                     got[i].c == 0;
        check(right && count == 20, "cogroup3");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_sort_by(
                    vonk_rdd_cogroup4(c, Pair, a, Pair, d, Pair, a, Pair, Four, count_4), "k"),
                Four, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].k == (int64_t)i && got[i].a == 0 && got[i].b == 10 &&
                     got[i].c == (i < 5) && got[i].d == 10;
        check(right && count == 10, "cogroup4, one RDD twice");
        LET_GO(got);
    }
}

static void test_folds(VonkSession *session)
{
    {
        COLLECT(vonk_rdd_sort_by(vonk_rdd_fold_by_key(pairs(session, 1000, 10, 7), Pair,
                                                      (&(Pair){.k = 99, .v = 0}), add_pair),
                                 "k"),
                Pair, got, count);
        bool right = count == 10;

        for (size_t i = 0; right && i < count; i++)
            right = got[i].k == (int64_t)i && got[i].v == 100 * (int64_t)i + 10 * 99 * 50;
        check(right, "fold_by_key");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_group_by(vonk_rdd_range(session, 0, 995, 1, 4), VonkNumber, ByDigit,
                                  find_digit, KeyCount, count_digit),
                KeyCount, got, count);
        bool right = count == 10;

        for (size_t i = 0; i < count; i++)
            right &= got[i].n == (got[i].k < 5 ? 100 : 99);
        check(right, "group_by");
        LET_GO(got);
    }
}

static void test_counts(VonkSession *session)
{
    VonkRdd *twice = vonk_rdd_union(pairs(session, 50, 7, 3), pairs(session, 30, 7, 2));
    bool right = true;

    {
        COLLECT(vonk_rdd_count_by_key(left(session), MaybeCount), MaybeCount, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].n ==
                     (!got[i].k_is_null && vonk_text_equal(got[i].k, vonk_text("a")) ? 2 : 1);
        check(right && count == 4, "count_by_key, a NULL key among them");
        LET_GO(got);
    }
    {
        COLLECT(vonk_rdd_count_by_value(twice, PairCount), PairCount, got, count);
        for (size_t i = 0; i < count; i++)
            right &= got[i].n == (got[i].v < 30 ? 2 : 1) && got[i].k == got[i].v % 7;
        check(right && count == 50, "count_by_value");
        LET_GO(got);
    }
    check(count_of(vonk_rdd_count_by_key(pairs(session, 0, 1, 3), KeyCount)) == 0,
          "count_by_key of nothing");
    REFUSED(vonk_rdd_count_by_key(left(session), SureCount), VONK_BAD_INPUT, "may be NULL",
            "a NULL key has no place");
    REFUSED(vonk_rdd_count_by_key(pairs(session, 5, 5, 1), MaybeCount), VONK_BAD_INPUT, "types",
            "a count of other keys");
}

/* A sort keeps the order of the one before among what is alike to it; so does all that says so. */
static void test_sorted_before(VonkSession *session)
{
    VonkRdd *down = vonk_rdd_sort_by(pairs(session, 300, 7, 4), "v DESC");
    Pair least;
    VonkError error;
    bool found, right = true;

    {
        COLLECT(vonk_rdd_sort_by_key(down), Pair, got, count);
        for (size_t i = 1; i < count; i++)
            right &=
                got[i].k > got[i - 1].k || (got[i].k == got[i - 1].k && got[i].v < got[i - 1].v);
        check(right && count == 300, "a sort of what was sorted by other fields");
        LET_GO(got);
    }
    check(vonk_rdd_min(down, Pair, "k", &least, &found, &error) == VONK_OK && least.v == 294,
          "min: of equal ones the first of what was sorted");
    {
        COLLECT(
            vonk_rdd_take_ordered(vonk_rdd_sql(session, Pair,
                                               "SELECT x % 3, x FROM generate_series(0::bigint, "
                                               "50) g(x) ORDER BY x DESC"),
                                  2, "k"),
            Pair, got, count);
        check(count == 2 && got[0].v == 48 && got[1].v == 45, "take_ordered of a sorted query");
        LET_GO(got);
    }
    {
        COLLECT(
            vonk_rdd_subtract_by_key(down, vonk_rdd_filter(pairs(session, 7, 7, 2), Pair, is_odd)),
            Pair, got, count);
        for (size_t i = 1; i < count; i++)
            right &= got[i].v < got[i - 1].v || got[i].k != got[i - 1].k;
        check(right && count == 171, "subtract_by_key keeps the order of a key's records");
        LET_GO(got);
    }
    check(count_of(down) == 300 && strstr(vonk_rdd_explain(down), "Sort") != NULL,
          "count of sorted");
}

static void test_ranges(VonkSession *session)
{
    Two rows[] = {
        {1, {"a", 1}, 1}, {1, {"b", 1}, 2}, {2, {"a", 1}, 3}, {2, {"z", 1}, 4}, {3, {"a", 1}, 5}};
    VonkRdd *two = vonk_rdd_parallelize(session, Two, rows, 5, 2);
    VonkRdd *many = vonk_rdd_sort_by_key(pairs(session, 1000, 1000, 5));
    Two low = {1, {"b", 1}, 0}, high = {2, {"m", 1}, 0};

    {
        COLLECT(vonk_rdd_filter_by_range(two, Two, &low, &high), Two, got, count);
        check(count == 2 && got[0].v == 2 && got[1].v == 3, "filter_by_range of two fields");
        LET_GO(got);
    }
    check(count_of(vonk_rdd_filter_by_range(many, Pair, &(Pair){.k = 10}, &(Pair){.k = 20})) ==
                  11 &&
              count_of(vonk_rdd_filter_by_range(many, Pair, NULL, &(Pair){.k = 20})) == 21 &&
              count_of(vonk_rdd_filter_by_range(many, Pair, &(Pair){.k = 990}, NULL)) == 10 &&
              count_of(vonk_rdd_filter_by_range(many, Pair, NULL, NULL)) == 1000 &&
              count_of(vonk_rdd_filter_by_range(many, Pair, &(Pair){.k = 5}, &(Pair){.k = 4})) == 0,
          "filter_by_range: both ends are in, and may be open");
}

static void test_lookup(VonkSession *session)
{
    VonkRecords *records;
    VonkError error;
    const Maybe *got;

    check(vonk_rdd_lookup(left(session), Maybe, &(Maybe){.k = vonk_text("a")}, &records, &error) ==
              VONK_OK,
          "lookup");
    got = VONK_RECORDS(records, Maybe);
    check(vonk_records_count(records) == 2 && got[0].v == 1 && got[1].v == 4, "lookup finds all");
    vonk_records_free(records);
    check(vonk_rdd_lookup(left(session), Maybe, &(Maybe){.k_is_null = true}, &records, &error) ==
                  VONK_OK &&
              vonk_records_count(records) == 1,
          "lookup of NULL");
    vonk_records_free(records);
    check(vonk_rdd_lookup(left(session), Maybe, &(Maybe){.k = vonk_text("no")}, &records, &error) ==
                  VONK_OK &&
              vonk_records_count(records) == 0,
          "lookup of what is not there");
    vonk_records_free(records);
}

static void test_subtract(VonkSession *session)
{
    Loose rows[] = {{.x = 1, .y = {"p", 1}},
                    {.x = 1, .y = {"p", 1}},
                    {.x_is_null = true, .y_is_null = true},
                    {.x = 2, .y_is_null = true},
                    {.x = 3, .y = {"q", 1}}};
    VonkRdd *a = vonk_rdd_parallelize(session, Loose, rows, 5, 2);
    VonkRdd *b = vonk_rdd_parallelize(session, Loose, rows + 2, 3, 3);

    check(count_of(vonk_rdd_subtract(a, b)) == 2 &&
              count_of(vonk_rdd_subtract(a, vonk_rdd_parallelize(session, Loose, NULL, 0, 1))) == 5,
          "subtract keeps duplicates, and NULLs are equal");
    {
        COLLECT(vonk_rdd_subtract_by_key(left(session), right(session)), Maybe, got, count);
        int64_t sum = 0;

        for (size_t i = 0; i < count; i++)
            sum += got[i].v;
        check(count == 2 && sum == 3 + 5, "subtract_by_key: a NULL key matches a NULL key");
        LET_GO(got);
    }
    REFUSED(vonk_rdd_subtract(a, left(session)), VONK_BAD_INPUT, "Maybe",
            "subtract of other records");
}

/* Keys of a digit go to the partition that the closure says. */
uint32_t place_pair(VonkTask *task, const Pair *pair, uint32_t n)
{
    return (uint32_t)(pair->k + *VONK_CLOSURE(task, int64_t) + pair->v) % n; /* v is always 0 */
}

void say_pair_place(VonkTask *task, VonkIn *in, VonkOut *out)
{
    for (const Pair *pair; (pair = VONK_NEXT(in, Pair)) != NULL;)
        vonk_emit(out, &(Pair){.k = pair->k, .v = vonk_task_partition(task)});
}

void add_digit(VonkTask *task, const Pair *a, const ByDigit *b, Pair *out)
{
    (void)task;
    *out = (Pair){.k = a != NULL ? a->k : b->digit,
                  .v = (a == NULL ? 0 : a->v) + (b == NULL ? 0 : b->value)};
}

void count_both(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    int64_t key = 0, count = drain(a, &key) + 1000 * drain(b, &key);

    (void)task;
    vonk_emit(out, &(Pair){.k = key, .v = count});
}

void to_digit(VonkTask *task, const VonkNumber *in, ByDigit *out)
{
    (void)task;
    *out = (ByDigit){.digit = in->value % 50, .value = in->value};
}

/* How often rows move by their keys. */
static int shuffles_of(VonkRdd *rdd)
{
    int count = 0;

    for (const char *at = vonk_rdd_explain(rdd); (at = strstr(at, "-> ")) != NULL; at++)
        count += strncmp(at, "-> place ", 9) == 0 || strncmp(at, "-> hash ", 8) == 0;
    return count;
}

/* Each key's records, wherever they are, say that partition (+ shift) of n. */
static bool lie_as_placed(VonkRdd *rdd, int64_t shift, uint32_t n, size_t records)
{
    VonkRecords *got;
    VonkError error;
    bool right;

    if (vonk_rdd_collect(vonk_rdd_map_partitions(rdd, Pair, Pair, say_pair_place), &got, &error) !=
        VONK_OK) {
        fail_with(&error, __func__);
        return false;
    }
    right = vonk_records_count(got) == records;
    for (size_t i = 0; i < vonk_records_count(got); i++)
        right &= VONK_RECORDS(got, Pair)[i].v == (VONK_RECORDS(got, Pair)[i].k + shift) % n;
    vonk_records_free(got);
    return right;
}

/* Values that a and b have of k, summed over all of what is joined. */
static int64_t sum_of(VonkRdd *rdd)
{
    VonkError error;
    Pair sum = {0};
    bool found;

    if (vonk_rdd_reduce(rdd, Pair, add_pair, &sum, &found, &error) != VONK_OK)
        fail_with(&error, __func__);
    return sum.v;
}

static void test_placed(VonkSession *session)
{
    int64_t zero = 0, one = 1;
    VonkRdd *few = pairs(session, 3000, 40, 6), *many = pairs(session, 5000, 50, 3);
    VonkRdd *a = vonk_rdd_partition_with(few, Pair, 5, place_pair, VONK_WITH(zero));
    VonkRdd *b = vonk_rdd_partition_with(many, Pair, 5, place_pair, VONK_WITH(zero));
    VonkRdd *other = vonk_rdd_partition_with(many, Pair, 5, place_pair, VONK_WITH(one));
    VonkRdd *wide = vonk_rdd_partition_with(many, Pair, 9, place_pair, VONK_WITH(zero));
    VonkRdd *digits =
        vonk_rdd_map(vonk_rdd_range(session, 0, 5000, 1, 3), VonkNumber, ByDigit, to_digit);
    VonkRdd *joins[] = {vonk_rdd_join(a, Pair, b, Pair, Pair, add_sides),
                        vonk_rdd_left_join(a, Pair, b, Pair, Pair, add_sides),
                        vonk_rdd_right_join(a, Pair, b, Pair, Pair, add_sides),
                        vonk_rdd_full_join(a, Pair, b, Pair, Pair, add_sides)};
    VonkRdd *plain[] = {vonk_rdd_join(few, Pair, many, Pair, Pair, add_sides),
                        vonk_rdd_left_join(few, Pair, many, Pair, Pair, add_sides),
                        vonk_rdd_right_join(few, Pair, many, Pair, Pair, add_sides),
                        vonk_rdd_full_join(few, Pair, many, Pair, Pair, add_sides)};
    VonkRdd *mixed[] = {vonk_rdd_join(a, Pair, digits, ByDigit, Pair, add_digit),
                        vonk_rdd_full_join(a, Pair, digits, ByDigit, Pair, add_digit)};

    check(lie_as_placed(a, 0, 5, 3000) && lie_as_placed(vonk_rdd_persist(a), 0, 5, 3000),
          "a partitioner sees a record's key, and zeros");
    check(shuffles_of(vonk_rdd_partition_with(a, Pair, 5, place_pair, VONK_WITH(zero))) == 1 &&
              shuffles_of(vonk_rdd_partition_with(a, Pair, 5, place_pair, VONK_WITH(one))) == 2,
          "... and moves nothing that is there");
    check(shuffles_of(vonk_rdd_reduce_by_key(a, Pair, add_pair)) == 1 &&
              lie_as_placed(vonk_rdd_reduce_by_key(a, Pair, add_pair), 0, 5, 40),
          "reduce_by_key of what a partitioner has placed");
    for (int i = 0; i < 4; i++)
        check(shuffles_of(joins[i]) == 2 && count_of(joins[i]) == count_of(plain[i]) &&
                  sum_of(joins[i]) == sum_of(plain[i]) &&
                  lie_as_placed(joins[i], 0, 5, (size_t)count_of(plain[i])),
              "a join of two that one partitioner has placed");
    for (int i = 0; i < 2; i++)
        check(shuffles_of(mixed[i]) <= 2 && count_of(mixed[i]) == count_of(plain[3 * i]) &&
                  sum_of(mixed[i]) == sum_of(plain[3 * i]) &&
                  (i == 0 || lie_as_placed(mixed[i], 0, 5, (size_t)count_of(plain[3]))),
              "a join of one that a partitioner has placed and other records");
    check(shuffles_of(vonk_rdd_join(a, Pair, other, Pair, Pair, add_sides)) == 3 &&
              sum_of(vonk_rdd_join(a, Pair, other, Pair, Pair, add_sides)) == sum_of(plain[0]),
          "... of two by partitioners with other closures");
    check(shuffles_of(vonk_rdd_join(a, Pair, wide, Pair, Pair, add_sides)) == 3 &&
              lie_as_placed(vonk_rdd_join(a, Pair, wide, Pair, Pair, add_sides), 0, 9,
                            (size_t)count_of(plain[0])),
          "... into as many partitions as the wider one has");
    check(shuffles_of(vonk_rdd_cogroup(a, Pair, b, Pair, Pair, count_both)) == 2 &&
              lie_as_placed(vonk_rdd_cogroup(b, Pair, few, Pair, Pair, count_both), 0, 5, 50) &&
              shuffles_of(vonk_rdd_cogroup(b, Pair, few, Pair, Pair, count_both)) == 2 &&
              sum_of(vonk_rdd_cogroup(b, Pair, few, Pair, Pair, count_both)) == 3005000,
          "cogroup by a partitioner");
    check(shuffles_of(vonk_rdd_subtract_by_key(b, a)) == 2 &&
              lie_as_placed(vonk_rdd_subtract_by_key(b, few), 0, 5, 1000),
          "subtract_by_key by a partitioner");
    check(sum_of(vonk_rdd_join(vonk_rdd_persist(a), Pair, vonk_rdd_persist(b), Pair, Pair,
                               add_sides)) == sum_of(plain[0]),
          "a join of kept ones");
}

static void test_order(VonkSession *session)
{
    VonkRdd *rdd = pairs(session, 5000, 37, 6), *sorted;
    VonkNumber wrong;
    bool found, right = true;
    uint32_t partitions;
    VonkError error;

    sorted = vonk_rdd_repartition_and_sort_within_partitions(rdd, 4, "k, v DESC");
    check(vonk_rdd_reduce(vonk_rdd_map_partitions(sorted, Pair, VonkNumber, check_sorted),
                          VonkNumber, add_number, &wrong, &found, &error) == VONK_OK &&
              found && wrong.value == 0 && count_of(sorted) == 5000 &&
              vonk_rdd_partition_count(sorted, &partitions, &error) == VONK_OK && partitions == 4,
          "repartition_and_sort_within_partitions");
    check(count_of(vonk_rdd_reduce_by_key(sorted, Pair, add_pair)) == 37 &&
              strstr(vonk_rdd_explain(vonk_rdd_reduce_by_key(sorted, Pair, add_pair)),
                     "partially") == NULL,
          "... leaves records where their keys are");
    REFUSED(vonk_rdd_repartition_and_sort_within_partitions(rdd, 4, "nothing"), VONK_BAD_INPUT,
            "nothing", "... by a field that is not there");
    {
        COLLECT(vonk_rdd_merge_sorted(vonk_rdd_sort_by(pairs(session, 300, 9, 3), "v"),
                                      vonk_rdd_sort_by(pairs(session, 200, 8, 2), "v"), "v"),
                Pair, got, count);

        for (size_t i = 1; i < count; i++)
            right &= got[i - 1].v <= got[i].v;
        for (size_t i = 0; i < 400; i += 2)
            right &= got[i].k == got[i].v % 9 && got[i + 1].k == got[i].v % 8;
        check(right && count == 500, "merge_sorted: of equal ones a's come first");
        LET_GO(got);
    }
}

int vonk_main(VonkSession *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_joins(session);
    test_cartesian(session);
    test_cogroups(session);
    test_folds(session);
    test_counts(session);
    test_sorted_before(session);
    test_ranges(session);
    test_lookup(session);
    test_subtract(session);
    test_placed(session);
    test_order(session);
    return finish();
}
