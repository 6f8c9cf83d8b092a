/* test_ranges.c -- samples of what tasks made give ranges of about one size */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/rdd/ranges.h"

enum { PARTITIONS = 8, ROWS_MOST = 200000 };

static Arena *arena;
static const Plan *like;
static SortKey key;

static void setup(void)
{
    PlanColumn column = {1, type_of(TYPE_INT8), "n", false};

    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    like = plan_values(arena, 1, &column, 0, NULL);
    key = (SortKey){.column = 1, .type = column.type};
}

static void teardown(void)
{
    arena_free(arena);
}

static SortKeyList order(void)
{
    return (SortKeyList){1, &key};
}

/* Values in no order, the same each time. */
static int64_t value_of(uint64_t row, uint64_t seed)
{
    uint64_t x = (row + 1) * UINT64_C(0x9e3779b97f4a7c15) + seed;

    return (int64_t)((x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9) >> 20) % 1000003;
}

/* Of rows that are one in total / taken. */
static RangeSample window_sample(uint64_t rows, uint64_t seed, uint32_t batch_rows, uint32_t tasks,
                                 uint64_t taken, uint64_t total)
{
    RangeSampler *sampler = range_sampler_new(arena, like, order(), PARTITIONS, tasks);
    int64_t values[BATCH_ROWS_MAX];
    Column column = {.type = type_of(TYPE_INT8), .values = values};
    Batch batch = {.column_count = 1, .columns = &column};

    for (uint64_t from = 0; from < rows; from += batch.row_count) {
        batch.row_count = rows - from < batch_rows ? (uint32_t)(rows - from) : batch_rows;
        batch.selected_count = batch.row_count;
        for (uint32_t i = 0; i < batch.row_count; i++)
            values[i] = value_of(from + i, seed);
        range_sampler_add(sampler, &batch);
    }
    return (RangeSample){range_sampler_take(sampler, taken, total, arena), {(uint32_t)seed, 0}};
}

static RangeSample sample(uint64_t rows, uint64_t seed, uint32_t batch_rows, uint32_t tasks)
{
    return window_sample(rows, seed, batch_rows, tasks, 1, 1);
}

static void count_places(const Ranges *ranges, uint64_t rows, uint64_t seed, uint64_t *counts)
{
    RangePlacer *placer = range_placer_new(arena, ranges);
    uint32_t places[BATCH_ROWS_MAX];
    int64_t values[BATCH_ROWS_MAX];
    Column column = {.type = type_of(TYPE_INT8), .values = values};

    for (uint64_t from = 0; from < rows; from += 1000) {
        uint32_t count = rows - from < 1000 ? (uint32_t)(rows - from) : 1000;
        Batch batch = {
            .column_count = 1, .columns = &column, .row_count = count, .selected_count = count};

        for (uint32_t i = 0; i < count; i++)
            values[i] = value_of(from + i, seed);
        range_placer_place(placer, &batch, (RowPlace){(uint32_t)seed, from}, places);
        for (uint32_t i = 0; i < count; i++) {
            ck_assert_uint_lt(places[i], PARTITIONS);
            counts[places[i]]++;
        }
    }
}

/* One task has most of the rows, others few or none. */
START_TEST(parts_are_of_about_one_size)
{
    static const uint64_t rows[] = {ROWS_MOST, 0, 3, 20000, 1};
    RangeSample samples[5];
    uint64_t counts[PARTITIONS] = {0}, mean = 0;
    Ranges ranges, decoded;
    Error err = ERROR_NONE;

    for (uint32_t t = 0; t < 5; t++)
        samples[t] = sample(rows[t], t, 1024, 5);
    ck_assert_int_eq(ranges_of_samples(arena, like, order(), PARTITIONS, 5, samples, &err, &ranges),
                     ST_OK);
    ck_assert_uint_eq(ranges.bound_count, PARTITIONS - 1);
    ck_assert_int_eq(ranges_decode(ranges_encode(&ranges, arena), arena, like, order(), PARTITIONS,
                                   &err, &decoded),
                     ST_OK);
    for (uint32_t t = 0; t < 5; t++) {
        count_places(&decoded, rows[t], t, counts);
        mean += rows[t];
    }
    mean /= PARTITIONS;
    for (uint32_t p = 0; p < PARTITIONS; p++)
        ck_assert_msg(counts[p] > mean * 3 / 5 && counts[p] < mean * 7 / 5,
                      "partition %u has %llu rows, the mean is %llu", p,
                      (unsigned long long)counts[p], (unsigned long long)mean);
}
END_TEST

START_TEST(batches_do_not_matter)
{
    WireBytes one = sample(ROWS_MOST, 7, 1024, 2).bytes;
    WireBytes other = sample(ROWS_MOST, 7, 17, 2).bytes;

    ck_assert_uint_eq(one.byte_count, other.byte_count);
    ck_assert_mem_eq(one.bytes, other.bytes, one.byte_count);
    ck_assert_uint_lt(one.byte_count, 64 << 10);
}
END_TEST

/* Of one file all rows were looked at, of the other a tenth; they have as many. */
START_TEST(rows_of_windows_stand_for_others)
{
    RangeSample samples[] = {sample(50000, 1, 1024, 2), window_sample(5000, 2, 1024, 2, 7, 70)};
    uint64_t counts[PARTITIONS] = {0};
    Ranges ranges;

    ck_assert_int_eq(ranges_of_samples(arena, like, order(), PARTITIONS, 2, samples, NULL, &ranges),
                     ST_OK);
    count_places(&ranges, 50000, 1, counts);
    count_places(&ranges, 50000, 2, counts);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        ck_assert_msg(counts[p] > 12500 * 3 / 4 && counts[p] < 12500 * 5 / 4, "%llu rows in %u",
                      (unsigned long long)counts[p], p);
    samples[0].bytes = range_sampler_take(NULL, 1, 1, arena); /* a task that gave up */
    ck_assert_int_eq(ranges_of_samples(arena, like, order(), PARTITIONS, 2, samples, NULL, &ranges),
                     ST_OK);
    ck_assert_uint_eq(ranges.bound_count, PARTITIONS - 1);
}
END_TEST

START_TEST(no_rows)
{
    RangeSample samples[] = {sample(0, 1, 10, 2), sample(0, 2, 10, 2)};
    Ranges ranges;
    uint64_t counts[PARTITIONS] = {0};

    ck_assert_int_eq(ranges_of_samples(arena, like, order(), PARTITIONS, 2, samples, NULL, &ranges),
                     ST_OK);
    ck_assert_uint_eq(ranges.bound_count, 0);
    count_places(&ranges, 10, 1, counts);
    ck_assert_uint_eq(counts[0], 10);
}
END_TEST

START_TEST(damaged_bytes)
{
    RangeSample sampled = sample(500, 1, 100, 1);
    WireBytes whole = sampled.bytes, none = {0};
    Ranges ranges;
    Error err = ERROR_NONE;

    for (size_t bytes = 0; bytes < whole.byte_count; bytes++) {
        RangeSample cut = {{whole.bytes, bytes}, {0}};

        ck_assert_int_eq(
            ranges_of_samples(arena, like, order(), PARTITIONS, 1, &cut, &err, &ranges),
            ST_CORRUPT);
    }
    ck_assert_int_eq(
        ranges_of_samples(arena, like, order(), PARTITIONS, 1, &sampled, &err, &ranges), ST_OK);
    whole = ranges_encode(&ranges, arena);
    for (size_t bytes = 0; bytes < whole.byte_count; bytes++) {
        WireBytes cut = {whole.bytes, bytes};
        Ranges decoded;

        ck_assert_int_eq(ranges_decode(cut, arena, like, order(), PARTITIONS, &err, &decoded),
                         ST_CORRUPT);
    }
    ck_assert_int_eq(ranges_decode(whole, arena, like, order(), PARTITIONS + 1, &err, &ranges),
                     ST_CORRUPT);
    ck_assert_int_eq(ranges_decode(none, arena, like, order(), PARTITIONS, &err, &ranges),
                     ST_CORRUPT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ranges");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, parts_are_of_about_one_size);
    tcase_add_test(tcase, batches_do_not_matter);
    tcase_add_test(tcase, rows_of_windows_stand_for_others);
    tcase_add_test(tcase, no_rows);
    tcase_add_test(tcase, damaged_bytes);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
