/* test_range_places.c -- a key that many rows have is dealt to neighbours, and all stay in order */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/bitmap.h"
#include "core/rdd/ranges.h"

enum { PARTITIONS = 8, TASKS = 5, BATCH_ROWS = 1000, TEXT_BYTES = 200 };

enum { N = 1, T = 2 }; /* the columns: a number, or NULL; a text */

typedef struct Row {
    uint32_t task;
    uint64_t row;
    bool has_n;
    int64_t n;
    char t[TEXT_BYTES];
    uint32_t partition;
} Row;

typedef void (*FillFn)(Row *row);

/* Rows, what they are sorted by, and how large the largest partition may be, in percent of the
 * mean. */
typedef struct Case {
    const char *name;
    FillFn fill;
    uint64_t rows[TASKS];
    const char *order; /* "n", "t": ascending; "N": descending */
    uint32_t most;
} Case;

static Arena *arena;
static const Plan *like;
static SortKey keys[2];
static SortKeyList order;

static void setup(void)
{
    PlanColumn columns[] = {{N, type_of(TYPE_INT8), "n", true}, {T, type_of(TYPE_TEXT), "t", true}};

    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    like = plan_values(arena, 2, columns, 0, NULL);
}

static void teardown(void)
{
    arena_free(arena);
}

static void set_order(const char *text)
{
    order = (SortKeyList){(uint32_t)strlen(text), keys};
    for (uint32_t k = 0; k < order.count; k++)
        keys[k] = text[k] == 't' ? (SortKey){.column = T, .type = type_of(TYPE_TEXT)}
                                 : (SortKey){.column = N,
                                             .type = type_of(TYPE_INT8),
                                             .is_descending = text[k] == 'N',
                                             .nulls_first = text[k] == 'N'};
}

/* --- what is in the rows --- */

static uint64_t mixed(const Row *row)
{
    uint64_t x = (row->row + 1) * UINT64_C(0x9e3779b97f4a7c15) + row->task * UINT64_C(0xbf58476d);

    x = (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 32);
}

static void one_of_ten_differs(Row *row)
{
    row->n = mixed(row) % 10 == 0 ? (int64_t)(mixed(row) >> 40) : 500000;
}

static void two_are_heavy(Row *row)
{
    uint64_t kind = mixed(row) % 10;

    row->n = kind < 4 ? 7 : kind < 8 ? 9000000 : (int64_t)(mixed(row) >> 40);
}

static void all_are_equal(Row *row)
{
    row->n = 3;
}

static void most_are_null(Row *row)
{
    one_of_ten_differs(row);
    row->has_n = row->n != 500000;
}

/* The heavy key is that of the last task's rows. */
static void last_task_is_heavy(Row *row)
{
    row->n = row->task == TASKS - 1 ? 500000 : (int64_t)(mixed(row) >> 40);
}

static void short_texts(Row *row)
{
    snprintf(row->t, sizeof row->t, "%s",
             mixed(row) % 10 == 0 ? (mixed(row) % 20 == 0 ? "a" : "z") : "heavy");
}

/* They differ behind their first 32 bytes. */
static void long_texts(Row *row)
{
    snprintf(row->t, sizeof row->t, "a beginning that many texts have, but %u",
             (unsigned)(mixed(row) >> 40));
}

/* Of two lengths, so that keys go on at different places. */
static void one_text_is_long(Row *row)
{
    bool is_heavy = mixed(row) % 5 > 0;

    row->n = (int64_t)(mixed(row) >> 60);
    snprintf(row->t, sizeof row->t, "%s %u",
             is_heavy ? "one that is as long as several words are, and that most rows have"
                      : "another one",
             is_heavy ? 1 : (unsigned)(mixed(row) >> 40));
}

/* They differ where no key reaches. */
static void too_long_texts(Row *row)
{
    snprintf(row->t, sizeof row->t, "%0150u", (unsigned)(mixed(row) >> 60));
}

/* As rows are that are written in turns. */
static void every_other_is_heavy(Row *row)
{
    row->n = row->row % 2 == 0 ? 500000 : (int64_t)(mixed(row) >> 40);
}

/* The first column alone is the same. */
static void second_column_differs(Row *row)
{
    row->n = 5;
    snprintf(row->t, sizeof row->t, "%u", (unsigned)(mixed(row) >> 40));
}

static void both_columns_are_heavy(Row *row)
{
    one_of_ten_differs(row);
    snprintf(row->t, sizeof row->t, "%s", mixed(row) % 7 == 0 ? "x" : "y");
}

/* --- running --- */

/* A batch of some of the rows, which live in the arena. */
static Batch batch_of(const Row *rows, uint32_t count)
{
    Column *columns = ARENA_ARRAY(arena, Column, 2);
    int64_t *numbers = ARENA_ARRAY(arena, int64_t, BATCH_ROWS);
    uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(BATCH_ROWS));
    Str *texts = ARENA_ARRAY(arena, Str, BATCH_ROWS);

    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = rows[i].n;
        bitmap_put(validity, i, rows[i].has_n);
        texts[i] = str_make(rows[i].t, (uint32_t)strlen(rows[i].t));
    }
    columns[0] = (Column){.type = type_of(TYPE_INT8), .values = numbers, .validity = validity};
    columns[1] = (Column){.type = type_of(TYPE_TEXT), .values = texts};
    return (Batch){
        .column_count = 2, .columns = columns, .row_count = count, .selected_count = count};
}

static RangeSample sample_of(const Row *rows, uint64_t count, uint32_t task)
{
    RangeSampler *sampler = range_sampler_new(arena, like, order, PARTITIONS, TASKS);

    for (uint64_t from = 0; from < count; from += BATCH_ROWS) {
        Batch batch = batch_of(rows + from,
                               count - from < BATCH_ROWS ? (uint32_t)(count - from) : BATCH_ROWS);

        range_sampler_add(sampler, &batch);
    }
    return (RangeSample){range_sampler_take(sampler, 1, 1, arena), {task, 0}};
}

static void place_rows(const Ranges *ranges, Row *rows, uint64_t count, uint32_t batch_rows)
{
    RangePlacer *placer = range_placer_new(arena, ranges);
    uint32_t places[BATCH_ROWS];

    for (uint64_t from = 0; from < count; from += batch_rows) {
        Row *some = rows + from;
        Batch batch =
            batch_of(some, count - from < batch_rows ? (uint32_t)(count - from) : batch_rows);

        range_placer_place(placer, &batch, (RowPlace){some->task, from}, places);
        for (uint32_t i = 0; i < batch.row_count; i++)
            some[i].partition = places[i];
    }
}

static int compare_keys(const Row *a, const Row *b)
{
    for (uint32_t k = 0; k < order.count; k++) {
        int found;

        if (keys[k].column == T)
            found = strcmp(a->t, b->t);
        else if (!a->has_n || !b->has_n)
            found = b->has_n - a->has_n;
        else
            found = a->n < b->n ? -1 : a->n > b->n;
        if (found != 0)
            return keys[k].is_descending ? -found : found;
    }
    return 0;
}

/* As a stable sort has them. */
static int compare_rows(const void *a, const void *b)
{
    const Row *left = a, *right = b;
    int found = compare_keys(left, right);

    if (found == 0)
        found = left->task < right->task ? -1 : left->task > right->task;
    if (found == 0)
        found = left->row < right->row ? -1 : left->row > right->row;
    return found;
}

static const Case cases[] = {
    {"one heavy key", one_of_ten_differs, {20000, 20000, 20000, 20000, 20000}, "n", 125},
    {"descending", one_of_ten_differs, {20000, 20000, 20000, 20000, 20000}, "N", 125},
    {"fewer tasks than partitions have it", last_task_is_heavy, {9000, 9, 0, 1, 99999}, "n", 125},
    {"in turns", every_other_is_heavy, {20000, 20000, 20000, 20000, 20000}, "n", 125},
    {"two heavy keys", two_are_heavy, {20000, 30000, 0, 20000, 10000}, "n", 125},
    {"all are equal", all_are_equal, {20000, 20000, 3, 20000, 20000}, "n", 125},
    {"NULLs", most_are_null, {20000, 20000, 20000, 20000, 20000}, "n", 125},
    {"NULLs first", most_are_null, {20000, 20000, 20000, 20000, 20000}, "N", 125},
    {"texts", short_texts, {20000, 20000, 20000, 20000, 20000}, "t", 125},
    {"two columns", both_columns_are_heavy, {20000, 20000, 20000, 20000, 20000}, "nt", 125},
    {"the first of two columns", second_column_differs, {20000, 20000, 20000, 9, 9}, "nt", 125},
    {"a few rows", one_of_ten_differs, {3, 0, 2, 1, 1}, "n", 400},
    {"long texts", long_texts, {20000, 20000, 20000, 20000, 20000}, "t", 125},
    {"one long text", one_text_is_long, {20000, 20000, 20000, 20000, 20000}, "t", 125},
    {"descending, and a number", one_text_is_long, {9000, 9000, 9000, 9000, 9000}, "tN", 125},
    {"a number, and long texts", long_texts, {20000, 20000, 20000, 20000, 20000}, "nt", 125},
    {"texts that are too long", too_long_texts, {9000, 9000, 9, 9, 9}, "t", 800},
};

START_TEST(partitions_are_in_order_and_even)
{
    const Case *at = &cases[_i];
    RangeSample samples[TASKS];
    uint64_t total = 0, done = 0, counts[PARTITIONS] = {0};
    Ranges ranges, decoded;
    Row *rows;

    set_order(at->order);
    for (uint32_t t = 0; t < TASKS; t++)
        total += at->rows[t];
    rows = ARENA_ARRAY(arena, Row, total);
    for (uint32_t t = 0; t < TASKS; done += at->rows[t++]) {
        for (uint64_t r = 0; r < at->rows[t]; r++) {
            rows[done + r] = (Row){.task = t, .row = r, .has_n = true};
            at->fill(&rows[done + r]);
        }
        samples[t] = sample_of(rows + done, at->rows[t], t);
    }
    ck_assert_int_eq(
        ranges_of_samples(arena, like, order, PARTITIONS, TASKS, samples, NULL, &ranges), ST_OK);
    ck_assert_int_eq(ranges_decode(ranges_encode(&ranges, arena), arena, like, order, PARTITIONS,
                                   NULL, &decoded),
                     ST_OK);
    done = 0;
    for (uint32_t t = 0; t < TASKS; done += at->rows[t++])
        place_rows(&decoded, rows + done, at->rows[t], t == 1 ? 7 : BATCH_ROWS);
    qsort(rows, total, sizeof *rows, compare_rows);
    for (uint64_t r = 0; r < total; r++) {
        ck_assert_msg(r == 0 || rows[r].partition >= rows[r - 1].partition,
                      "%s: row %u of task %u is in partition %u, the one before in %u", at->name,
                      (unsigned)rows[r].row, rows[r].task, rows[r].partition,
                      r == 0 ? 0 : rows[r - 1].partition);
        counts[rows[r].partition]++;
    }
    for (uint32_t p = 0; p < PARTITIONS; p++)
        ck_assert_msg(counts[p] * PARTITIONS * 100 <= total * at->most,
                      "%s: %llu of %llu rows in partition %u", at->name,
                      (unsigned long long)counts[p], (unsigned long long)total, p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("range places");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, partitions_are_in_order_and_even, 0,
                        (int)(sizeof cases / sizeof *cases));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
