/* test_memory_table.c -- tables in memory: splits, batches of any size, predicates, statistics */
#include <check.h>
#include <stdlib.h>

#include "formats/memory_table.h"

enum { BATCH = 100, BATCHES = 7, ROWS = BATCH * BATCHES };

typedef struct Fixture {
    Arena *arena;
    MemPool *pool;
    Table *table;
} Fixture;

/* Columns: i (every ninth NULL), text of i. Every second row of what is added is selected. */
static Fixture make_fixture(uint32_t split_rows)
{
    TableColumn columns[2] = {{"i", type_of(TYPE_INT4), true}, {"t", type_of(TYPE_TEXT), false}};
    Fixture fixture = {.arena = arena_new(NULL, "test", ARENA_NO_CAP),
                       .pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT)};
    Error err = ERROR_NONE;

    ck_assert_int_eq(
        memory_table_new("t", 2, columns, split_rows, fixture.pool, &err, &fixture.table), ST_OK);
    for (int b = 0; b < BATCHES; b++) {
        int32_t numbers[2 * BATCH];
        Str texts[2 * BATCH];
        uint64_t validity[(2 * BATCH + 63) / 64];
        uint32_t selection[BATCH];
        Column data[2] = {
            {.type = columns[0].type, .form = COLUMN_FLAT, .values = numbers, .validity = validity},
            {.type = columns[1].type, .form = COLUMN_FLAT, .values = texts}};
        Batch batch = {.column_count = 2,
                       .row_count = 2 * BATCH,
                       .columns = data,
                       .selection = selection,
                       .selected_count = BATCH};

        for (int i = 0; i < 2 * BATCH; i++) {
            int number = b * BATCH + i / 2;
            const char *text = arena_printf(fixture.arena, "a text about number %d", number);

            numbers[i] = i % 2 ? number : -1;
            bitmap_put(validity, (size_t)i, number % 9 != 0);
            texts[i] = str_make(text, (uint32_t)strlen(text));
            if (i % 2)
                selection[i / 2] = (uint32_t)i;
        }
        ck_assert_int_eq(memory_table_add(fixture.table, &batch, &err), ST_OK);
    }
    return fixture;
}

static void free_fixture(Fixture *fixture)
{
    table_unref(fixture->table);
    arena_free(fixture->arena);
    ck_assert_uint_eq(mem_pool_used_bytes(fixture->pool), 0);
    mem_pool_free(fixture->pool);
}

static bool is_wanted(const Value *number, int least)
{
    return least == 0 || (!number->is_null && number->int32 >= least);
}

static Status keep_large(void *context, uint32_t thread, const Column *column, uint32_t row_count,
                         const uint32_t *selection, uint32_t count, uint32_t *kept,
                         uint32_t *kept_count_out, Error *err)
{
    (void)thread, (void)row_count, (void)err;
    *kept_count_out = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = selection == NULL ? i : selection[i];
        Value value = value_from_column(column, row);

        if (is_wanted(&value, *(const int *)context))
            kept[(*kept_count_out)++] = row;
    }
    return ST_OK;
}

/* Reads all splits; checks each row; returns how many there were. */
static uint32_t read_all(const Fixture *fixture, uint32_t batch_rows, int least)
{
    uint32_t columns[2] = {1, 0}, split_count, rows = 0;
    ScanPredicate predicate = {.column = 0, .keep = keep_large, .context = &least};
    ScanRequest request = {.column_count = 2,
                           .columns = columns,
                           .predicate_count = least == 0 ? 0 : 1,
                           .predicates = &predicate,
                           .batch_rows = batch_rows,
                           .pool = fixture->pool};
    const TableClass *class = fixture->table->class;
    Error err = ERROR_NONE;
    const Split *splits;
    int expected = least;

    ck_assert_int_eq(class->splits(fixture->table, fixture->arena, 1, &err, &split_count, &splits),
                     ST_OK);
    for (uint32_t s = 0; s < split_count; s++) {
        TableScan *scan;
        Batch batch;
        bool is_exact;

        ck_assert_int_eq(class->scan_open(fixture->table, &splits[s], &request, &err, &scan),
                         ST_OK);
        for (;;) {
            ck_assert_int_eq(class->scan_next(scan, &err, &batch, &is_exact), ST_OK);
            ck_assert(is_exact);
            ck_assert_uint_le(batch.row_count, batch_rows);
            if (batch.row_count == 0)
                break;
            for (uint32_t i = 0; i < batch.selected_count; i++, rows++) {
                Value text = value_from_column(&batch.columns[0], batch_row(&batch, i));
                Value number = value_from_column(&batch.columns[1], batch_row(&batch, i));

                while (least > 0 && expected % 9 == 0)
                    expected++;
                ck_assert_int_eq(number.is_null, expected % 9 == 0);
                ck_assert(number.is_null || number.int32 == expected);
                ck_assert_str_eq(
                    arena_strndup(fixture->arena, str_bytes(&text.str), text.str.length),
                    arena_printf(fixture->arena, "a text about number %d", expected));
                expected++;
            }
        }
        class->scan_close(scan);
    }
    return rows;
}

START_TEST(rows_come_back)
{
    static const uint32_t batch_rows[] = {1, 3, 64, 70, 2048};
    static const uint32_t split_rows[] = {1, 150, 0};

    for (uint32_t s = 0; s < 3; s++) {
        Fixture fixture = make_fixture(split_rows[s]);

        for (uint32_t b = 0; b < 5; b++) {
            ck_assert_uint_eq(read_all(&fixture, batch_rows[b], 0), ROWS);
            ck_assert_uint_eq(read_all(&fixture, batch_rows[b], 400), 300 - 33);
        }
        free_fixture(&fixture);
    }
}
END_TEST

START_TEST(statistics)
{
    Fixture fixture = make_fixture(0);
    const TableClass *class = fixture.table->class;
    ColumnStatistics numbers = class->column_statistics(fixture.table, 0);
    TableStatistics table = class->statistics(fixture.table);

    ck_assert(table.row_count_is_exact && table.row_count == ROWS);
    ck_assert(numbers.has_range && numbers.range_is_exact);
    ck_assert_int_eq(numbers.min.int32, 1);
    ck_assert_int_eq(numbers.max.int32, ROWS - 1);
    ck_assert_int_eq(numbers.null_count, (ROWS + 8) / 9);
    free_fixture(&fixture);
}
END_TEST

START_TEST(memory_refused)
{
    TableColumn column = {"i", type_of(TYPE_INT4), true};
    MemPool *pool = mem_pool_new(NULL, "test", 100);
    Error err = ERROR_NONE;
    Table *table;

    ck_assert_int_eq(memory_table_new("t", 1, &column, 0, pool, &err, &table), ST_OUT_OF_MEMORY);
    ck_assert_ptr_null(table);
    mem_pool_free(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_table");
    TCase *tests = tcase_create("memory_table");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, rows_come_back);
    tcase_add_test(tests, statistics);
    tcase_add_test(tests, memory_refused);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
