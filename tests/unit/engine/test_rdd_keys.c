/*
 * test_rdd_keys.c -- each call by key, over keys of all SQL types, nested records and NULLs among
 * them: as many keys as SQL's GROUP BY finds, as many pairs as its joins
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vonk/vonk.h"

enum { ROWS = 499, SPAN = 23 };

VONK_RECORD(Inner, VONK_NULLABLE(text, name), VONK_FIELD(int4, number));
VONK_RECORD(Middle, VONK_NESTED(Inner, inner), VONK_NULLABLE(numeric(5, 1), share));

#define KEYS                                                                                       \
    VONK_NULLABLE_KEY(bool, a), VONK_NULLABLE_KEY(int2, b), VONK_NULLABLE_KEY(int4, c),            \
        VONK_NULLABLE_KEY(int8, d), VONK_NULLABLE_KEY(float4, e), VONK_NULLABLE_KEY(float8, f),    \
        VONK_NULLABLE_KEY(numeric(9, 2), g), VONK_NULLABLE_KEY(numeric(30, 5), h),                 \
        VONK_NULLABLE_KEY(text, i), VONK_NULLABLE_KEY(varchar(10), j),                             \
        VONK_NULLABLE_KEY(char(5), k), VONK_NULLABLE_KEY(date, l),                                 \
        VONK_NULLABLE_KEY(timestamp, m), VONK_NULLABLE_KEY(interval, n),                           \
        VONK_NESTED_KEY(Middle, nested)
VONK_RECORD(Row, KEYS, VONK_FIELD(int8, value));
VONK_RECORD(Key, KEYS);
VONK_RECORD(Sum, KEYS, VONK_FIELD(int8, sum), VONK_FIELD(int8, count));
VONK_RECORD(Count, KEYS, VONK_FIELD(int8, rows));
VONK_RECORD(Indexed, VONK_FIELD(int8, index), VONK_FIELD(int8, value));

static VonkSession *session;
static VonkError error;

/* --- rows: every field is NULL in some, NaN and zeros of both signs in others --- */

static Row row_of(int64_t number)
{
    static const double reals[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1.5};
    static const char *const texts[] = {"", "a", "longer than twelve bytes", "\xc3\xa9t\xc3\xa9",
                                        "a "};
    int64_t x = number * number % SPAN, null = number % 41;
    Row row = {
        .a = x % 2,
        .a_is_null = null == 0,
        .b = (int16_t)(x % 5 - 2),
        .b_is_null = null == 1,
        .c = (int32_t)(x % 3),
        .c_is_null = null == 2,
        .d = x % 2 == 0 ? INT64_MIN : INT64_MAX,
        .d_is_null = null == 3,
        .e = (float)reals[x % 6],
        .e_is_null = null == 4,
        .f = reals[(x + number % 2) % 6],
        .f_is_null = null == 5,
        .g = -12345 * (x % 3),
        .g_is_null = null == 6,
        .h = (__int128)1000000007 * 1000000009 * 1000000 * (x % 4),
        .h_is_null = null == 7,
        .i = vonk_text(texts[x % 5]),
        .i_is_null = null == 8,
        .j = vonk_text(texts[x % 2]),
        .j_is_null = null == 9,
        .k = vonk_text(number % 2 ? "a" : "a    "), /* one value: blanks behind do not count */
        .k_is_null = null == 10,
        .l = (VonkDate)(x % 7 - 3),
        .l_is_null = null == 11,
        .m = (x % 3 - 1) * 1000000007,
        .m_is_null = null == 12,
        .n = number % 2 ? (VonkInterval){.months = 1} : (VonkInterval){.days = 30}, /* the same */
        .n_is_null = null == 13,
        .value = number};

    row.nested.inner.name = vonk_text(texts[x % 3]);
    row.nested.inner.name_is_null = null == 14;
    row.nested.inner.number = (int32_t)(x % 2);
    row.nested.share = x % 2 * 7;
    row.nested.share_is_null = null == 15;
    return row;
}

static void make_row(VonkTask *task, const VonkNumber *in, Row *out)
{
    (void)task;
    *out = row_of(in->value);
}

static VonkRdd *rows(int64_t from, int64_t count, uint32_t partitions)
{
    return vonk_rdd_map(vonk_rdd_range(session, from, from + count, 1, partitions), VonkNumber, Row,
                        make_row);
}

/* --- functions --- */

static void add_row(VonkTask *task, Row *sum, const Row *more)
{
    (void)task;
    sum->value += more->value;
}

static void take_in(VonkTask *task, Sum *sum, const Row *row)
{
    (void)task;
    sum->sum += row->value;
    sum->count++;
}

static void unite(VonkTask *task, Sum *sum, const Sum *more)
{
    (void)task;
    sum->sum += more->sum;
    sum->count += more->count;
}

static void begin(VonkTask *task, const Row *row, Sum *sum)
{
    (void)task;
    sum->sum = row->value;
    sum->count = 1;
}

static void count_rows(VonkTask *task, VonkIn *in, VonkOut *out)
{
    VonkNumber number = {0};

    (void)task;
    while (VONK_NEXT(in, Row) != NULL)
        number.value++;
    vonk_emit(out, &number);
}

static void count_both(VonkTask *task, VonkIn *a, VonkIn *b, VonkOut *out)
{
    count_rows(task, a, out);
    while (VONK_NEXT(b, Row) != NULL)
        ;
}

static void count_four(VonkTask *task, VonkIn *a, VonkIn *b, VonkIn *c, VonkIn *d, VonkOut *out)
{
    count_both(task, a, b, out);
    while (VONK_NEXT(c, Row) != NULL || VONK_NEXT(d, Row) != NULL)
        ;
}

static void pair_values(VonkTask *task, const Row *a, const Row *b, VonkNumber *out)
{
    (void)task;
    out->value = a == NULL || b == NULL ? -1 : a->value * ROWS + b->value;
}

static void double_row(VonkTask *task, const Row *in, Row *out)
{
    (void)task;
    out->value = 2 * in->value;
}

static void emit_twice(VonkTask *task, const Row *in, VonkOut *out)
{
    (void)task;
    vonk_emit(out, &(Row){.value = in->value});
    vonk_emit(out, &(Row){.value = in->value});
}

static double half(VonkTask *task, const Row *in)
{
    (void)task, (void)in;
    return 0.5;
}

static void add_values(VonkTask *task, Row *sum, const Row *more)
{
    (void)task;
    sum->value += more->value;
}

static void see(VonkTask *task, const Row *at, uint32_t before, uint32_t after, Indexed *out)
{
    (void)task;
    *out = (Indexed){.index = before + after, .value = at[0].value};
}

/* --- answers --- */

static int64_t count_of(VonkRdd *rdd)
{
    int64_t count;

    if (vonk_rdd_count(rdd, &count, &error) == VONK_OK)
        return count;
    printf("%s (%s)\n", error.message, error.detail);
    return -1;
}

/* What SQL finds: the first value of its first row. */
static int64_t asked(const char *sql)
{
    VonkNumber answer = {.value = -2};
    bool found;

    if (vonk_rdd_first(vonk_rdd_sql(session, VonkNumber, sql), VonkNumber, &answer, &found,
                       &error) != VONK_OK)
        printf("%s: %s\n", sql, error.message);
    return answer.value;
}

static void setup(void)
{
    ck_assert_int_eq(vonk_session_open(NULL, &session, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "threads", "3", &error), VONK_OK);
    ck_assert_int_eq(vonk_rdd_register(rows(0, ROWS, 5), "r", &error), VONK_OK);
    ck_assert_int_eq(vonk_rdd_register(rows(ROWS / 2, 100, 3), "s", &error), VONK_OK);
}

static void teardown(void)
{
    vonk_session_close(session);
}

#define COLUMNS                                                                                    \
    "a, b, c, d, e, f, g, h, i, j, k, l, m, n, \"nested.inner.name\", \"nested.inner.number\", "   \
    "\"nested.share\""

START_TEST(combined_and_grouped)
{
    VonkRdd *all = rows(0, ROWS, 5), *some = rows(ROWS / 2, 100, 3);
    int64_t keys = asked("SELECT count(*) FROM (SELECT " COLUMNS " FROM r GROUP BY " COLUMNS ") x");
    int64_t both =
        asked("SELECT count(*) FROM (SELECT " COLUMNS " FROM r UNION SELECT " COLUMNS " FROM s) x");
    Sum total, zero = {0};
    VonkRdd *const grouped[] = {
        vonk_rdd_reduce_by_key(all, Row, add_row),
        vonk_rdd_reduce_by_key(all, Row, add_row, VONK_PARTITIONS(150)),
        vonk_rdd_aggregate_by_key(all, Row, Sum, &zero, take_in, unite),
        vonk_rdd_combine_by_key(all, Row, Sum, begin, take_in, unite),
        vonk_rdd_fold_by_key(all, Row, &(Row){0}, add_row),
        vonk_rdd_count_by_key(all, Count),
        vonk_rdd_group_by_key(all, Row, VonkNumber, count_rows),
        vonk_rdd_distinct(vonk_rdd_keys(all, Key)),
        vonk_rdd_intersection(vonk_rdd_keys(all, Key), vonk_rdd_keys(all, Key)),
        vonk_rdd_reduce_by_key(
            vonk_rdd_partition_by(vonk_rdd_map_values(all, Row, Row, double_row), 7), Row,
            add_row)};

    ck_assert_int_gt(keys, 60);
    ck_assert_int_eq(
        asked("SELECT count(*) FROM (SELECT k, n FROM r WHERE k IS NOT NULL AND n IS NOT "
              "NULL GROUP BY k, n) x"),
        1);
    ck_assert_int_lt(keys, ROWS);
    for (size_t i = 0; i < sizeof grouped / sizeof grouped[0]; i++)
        if (count_of(grouped[i]) != keys)
            ck_abort_msg("%zu: %lld keys and not %lld", i, (long long)count_of(grouped[i]),
                         (long long)keys);
    ck_assert_int_eq(count_of(vonk_rdd_cogroup(all, Row, some, Row, VonkNumber, count_both)), both);
    ck_assert_int_eq(count_of(vonk_rdd_cogroup4(some, Row, all, Row, some, Row, all, Row,
                                                VonkNumber, count_four)),
                     both);
    ck_assert_int_eq(vonk_rdd_aggregate(all, Row, Sum, &zero, take_in, unite, &total, &error),
                     VONK_OK);
    ck_assert_int_eq(total.sum, (int64_t)ROWS * (ROWS - 1) / 2);
    ck_assert_int_eq(count_of(vonk_rdd_count_by_value(vonk_rdd_keys(all, Key), Count)), keys);
}
END_TEST

START_TEST(joined)
{
    VonkRdd *all = rows(0, ROWS, 5), *some = rows(ROWS / 2, 100, 3);
    int64_t keys = asked("SELECT count(*) FROM (SELECT " COLUMNS " FROM s GROUP BY " COLUMNS ") x");
    /* a join's pairs by the sizes of groups, which need no join */
    int64_t pairs =
        asked("SELECT sum(x * y)::bigint FROM (SELECT count(*) FILTER (WHERE t = 0) AS "
              "x, count(*) FILTER (WHERE t = 1) AS y FROM (SELECT 0 AS t, " COLUMNS
              " FROM r UNION ALL SELECT 1, " COLUMNS " FROM s) z GROUP BY " COLUMNS ") w");
    int64_t alone = asked("SELECT sum(x)::bigint FROM (SELECT count(*) FILTER (WHERE t = 0) AS x, "
                          "count(*) FILTER (WHERE t = 1) AS y FROM (SELECT 0 AS t, " COLUMNS
                          " FROM r UNION ALL SELECT 1, " COLUMNS " FROM s) z GROUP BY " COLUMNS
                          ") w WHERE y = 0");

    ck_assert_int_gt(alone, 0);
    ck_assert_int_eq(count_of(vonk_rdd_join(all, Row, some, Row, VonkNumber, pair_values)), pairs);
    ck_assert_int_eq(
        count_of(vonk_rdd_join(all, Row, some, Row, VonkNumber, pair_values, VONK_PARTITIONS(11))),
        pairs);
    ck_assert_int_eq(count_of(vonk_rdd_left_join(all, Row, some, Row, VonkNumber, pair_values)),
                     pairs + alone);
    ck_assert_int_eq(count_of(vonk_rdd_right_join(some, Row, all, Row, VonkNumber, pair_values)),
                     pairs + alone);
    ck_assert_int_eq(count_of(vonk_rdd_full_join(all, Row, some, Row, VonkNumber, pair_values)),
                     pairs + alone);
    ck_assert_int_eq(count_of(vonk_rdd_subtract_by_key(all, some)), alone);
    ck_assert_int_eq(count_of(vonk_rdd_subtract(vonk_rdd_keys(all, Key), vonk_rdd_keys(some, Key))),
                     alone);
    ck_assert_int_eq(
        count_of(vonk_rdd_intersection(vonk_rdd_keys(all, Key), vonk_rdd_keys(some, Key))), keys);
    ck_assert_int_eq(count_of(vonk_rdd_cartesian(some, Row, some, Row, VonkNumber, pair_values)),
                     100 * 100);
}
END_TEST

/* Sorted by all keys, in one partition as in several. */
START_TEST(placed_and_sorted)
{
    VonkRdd *all = rows(0, ROWS, 5);
    VonkRdd *const sorted[] = {
        vonk_rdd_sort_by_key(all), vonk_rdd_sort_by(vonk_rdd_coalesce(all, 1), NULL),
        vonk_rdd_take_ordered(all, ROWS, NULL),
        vonk_rdd_repartition_and_sort_within_partitions(all, 1, NULL),
        vonk_rdd_merge_sorted(vonk_rdd_sort_by_key(rows(0, 200, 2)),
                              vonk_rdd_sort_by_key(rows(200, ROWS - 200, 3)), NULL)};
    VonkRecords *first, *other;
    Row key = row_of(41 * 3); /* its key is NULL in one field */
    int64_t as_key = 0;

    ck_assert_int_eq(vonk_rdd_collect(sorted[0], &first, &error), VONK_OK);
    ck_assert_uint_eq(vonk_records_count(first), ROWS);
    for (size_t s = 1; s < sizeof sorted / sizeof sorted[0]; s++) {
        ck_assert_int_eq(vonk_rdd_collect(sorted[s], &other, &error), VONK_OK);
        ck_assert_uint_eq(vonk_records_count(other), ROWS);
        for (size_t i = 0; i < ROWS; i++)
            ck_assert_int_eq(VONK_RECORDS(first, Row)[i].value, VONK_RECORDS(other, Row)[i].value);
        vonk_records_free(other);
    }
    vonk_records_free(first);
    ck_assert_int_eq(count_of(vonk_rdd_partition_by(all, 50)), ROWS);
    ck_assert_int_eq(count_of(vonk_rdd_filter_by_range(all, Row, NULL, NULL)), ROWS);
    ck_assert_int_eq(count_of(vonk_rdd_filter_by_range(all, Row, &key, &key)),
                     0); /* NULL: in none */
    key.a_is_null = false;
    ck_assert_int_eq(vonk_rdd_lookup(all, Row, &key, &other, &error), VONK_OK);
    vonk_records_free(other);
    key = row_of(41 * 3);
    ck_assert_int_eq(vonk_rdd_lookup(all, Row, &key, &other, &error), VONK_OK);
    for (size_t i = 0; i < vonk_records_count(other); i++)
        as_key += VONK_RECORDS(other, Row)[i].value == 41 * 3;
    ck_assert_int_eq(as_key, 1);
    vonk_records_free(other);
}
END_TEST

static void pair_numbers(VonkTask *task, const VonkNumber *a, const VonkNumber *b, Indexed *out)
{
    (void)task;
    *out = (Indexed){.index = a->value, .value = b->value};
}

/* Each pair once, however both are cut; and more than one task where one RDD has one partition. */
START_TEST(each_with_each)
{
    static const struct {
        int64_t a, b;
        uint32_t a_partitions, b_partitions, partitions;
    } cases[] = {{300, 100, 1, 4, 4}, {100, 300, 4, 1, 4}, {100, 300, 1, 4, 4}, {50, 60, 3, 2, 2},
                 {60, 7, 1, 5, 1},    {0, 40, 2, 3, 0},    {40, 0, 3, 2, 0},    {1, 1, 1, 1, 1}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        VonkRdd *crossed = vonk_rdd_cartesian(
            vonk_rdd_range(session, 0, cases[i].a, 1, cases[i].a_partitions), VonkNumber,
            vonk_rdd_range(session, 0, cases[i].b, 1, cases[i].b_partitions), VonkNumber, Indexed,
            pair_numbers);
        uint32_t partitions;

        ck_assert_int_eq(count_of(vonk_rdd_distinct(crossed)), cases[i].a * cases[i].b);
        ck_assert_int_eq(count_of(crossed), cases[i].a * cases[i].b);
        ck_assert_int_eq(vonk_rdd_partition_count(crossed, &partitions, &error), VONK_OK);
        if (cases[i].partitions != 0 && partitions != cases[i].partitions)
            ck_abort_msg("case %zu has %u partitions", i, partitions);
    }
}
END_TEST

/* In order, whether the inputs are or not; of equal ones the first's come first. */
START_TEST(merged)
{
    VonkRdd *numbers = vonk_rdd_range(session, 0, 300, 1, 3);
    VonkRdd *backwards = vonk_rdd_range(session, 99, -1, -1, 2),
            *none = vonk_rdd_range(session, 0, 0, 1, 4);
    VonkRdd *both[] = {vonk_rdd_merge_sorted(numbers, backwards, "value"),
                       vonk_rdd_merge_sorted(backwards, numbers, "value")};

    for (size_t b = 0; b < 2; b++) {
        VonkRecords *records;
        const VonkNumber *got;

        ck_assert_int_eq(vonk_rdd_collect(both[b], &records, &error), VONK_OK);
        got = VONK_RECORDS(records, VonkNumber);
        ck_assert_uint_eq(vonk_records_count(records), 400);
        for (size_t i = 0; i < 400; i++)
            ck_assert_int_eq(got[i].value, (int64_t)(i < 200 ? i / 2 : i - 100));
        vonk_records_free(records);
    }
    ck_assert_int_eq(count_of(vonk_rdd_merge_sorted(backwards, backwards, "value DESC")), 200);
    ck_assert_int_eq(count_of(vonk_rdd_merge_sorted(numbers, none, "value")), 300);
    ck_assert_int_eq(count_of(vonk_rdd_merge_sorted(none, none, "value")), 0);
    ck_assert_int_eq(count_of(vonk_rdd_merge_sorted(numbers, numbers, "value")), 600);
}
END_TEST

START_TEST(carried_along)
{
    VonkRdd *all = rows(0, ROWS, 5);
    VonkRdd *twice = vonk_rdd_flat_map_values(all, Row, Row, emit_twice);
    int64_t sampled = count_of(vonk_rdd_sample_by_key(all, Row, 7, half)), about;
    int64_t keys = count_of(vonk_rdd_count_by_key(all, Count));

    ck_assert_int_eq(count_of(vonk_rdd_count_by_key(twice, Count)), keys);
    ck_assert_int_eq(count_of(vonk_rdd_values(all, VonkNumber)), ROWS);
    ck_assert(sampled > ROWS / 3 && sampled < ROWS * 2 / 3);
    ck_assert_int_eq(count_of(vonk_rdd_prefix_sum(all, Row, add_values)), ROWS);
    ck_assert_int_eq(count_of(vonk_rdd_window(all, Row, 2, 2, Indexed, see)), ROWS);
    ck_assert_int_eq(vonk_rdd_count_approx_distinct(vonk_rdd_keys(all, Key), 0.02, &about, &error),
                     VONK_OK);
    ck_assert_int_eq(count_of(vonk_rdd_persist(twice)), 2 * ROWS);
    ck_assert_int_eq(count_of(vonk_rdd_local_checkpoint(twice)), 2 * ROWS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys of RDDs");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, combined_and_grouped);
    tcase_add_test(tests, joined);
    tcase_add_test(tests, placed_and_sorted);
    tcase_add_test(tests, each_with_each);
    tcase_add_test(tests, merged);
    tcase_add_test(tests, carried_along);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
