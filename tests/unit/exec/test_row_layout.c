/* test_row_layout.c -- rows in and out of columns, NULLs, texts, equality */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/data/value.h"
#include "exec/row_layout.h"

enum { ROWS = 1000 };

static MemPool *pool;
static Arena *arena;

static void setup(void)
{
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
}

static void teardown(void)
{
    arena_free(arena);
    mem_pool_free(pool);
}

static const TypeId all_types[] = {TYPE_BOOL,    TYPE_INT2,      TYPE_INT4,    TYPE_INT8,
                                   TYPE_DECIMAL, TYPE_FLOAT4,    TYPE_FLOAT8,  TYPE_TEXT,
                                   TYPE_DATE,    TYPE_TIMESTAMP, TYPE_INTERVAL};
enum { TYPE_COUNT = sizeof all_types / sizeof *all_types };

static Type nth_type(uint32_t i)
{
    return all_types[i] == TYPE_DECIMAL ? type_decimal(30, 2) : type_of(all_types[i]);
}

/* Row i's value: few distinct ones, texts on both sides of 12 bytes, every 5th null. */
static Column make_column(Type type, uint32_t rows, uint32_t salt)
{
    size_t width = phys_bytes(type_phys(type));
    char *values = arena_alloc(arena, width * rows);
    uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(rows));

    for (uint32_t i = 0; i < rows; i++) {
        uint32_t number = (i * 7 + salt) % 13;
        bool is_null = (i + salt) % 5 == 0;

        bitmap_put(validity, i, !is_null);
        if (is_null)
            continue;
        if (type_phys(type) == PHYS_STR) {
            const char *text =
                arena_printf(arena, number % 2 ? "t%u" : "a longer text than twelve %u", number);
            Str str = str_make(text, (uint32_t)strlen(text));

            memcpy(values + i * width, &str, width);
        } else if (type_phys(type) == PHYS_FLOAT32) {
            ((float *)(void *)values)[i] = (float)number / 4;
        } else if (type_phys(type) == PHYS_FLOAT64) {
            ((double *)(void *)values)[i] = (double)number / 4;
        } else {
            values[i * width] = (char)(type.id == TYPE_BOOL ? number % 2 : number);
        }
    }
    return (Column){.type = type, .form = COLUMN_FLAT, .values = values, .validity = validity};
}

START_TEST(columns_come_back_as_they_went_in)
{
    Type types[TYPE_COUNT];
    Column columns[TYPE_COUNT];
    RowLayout layout;
    RowStore store;
    TextStore texts;
    RowReader reader;
    void *rows[ROWS];
    uint32_t selection[ROWS / 2];

    for (uint32_t c = 0; c < TYPE_COUNT; c++) {
        types[c] = nth_type(c);
        columns[c] = make_column(types[c], ROWS, c);
    }
    for (uint32_t i = 0; i < ROWS / 2; i++)
        selection[i] = i * 2 + 1;
    layout = row_layout_make(arena, 8, TYPE_COUNT, types, 24);
    ck_assert_uint_eq(layout.tail_offset % 16, 0);
    row_store_init(&store, layout.row_bytes, pool, "test");
    text_store_init(&texts, pool, "test");
    ck_assert_int_eq(row_store_add(&store, ROWS / 2, NULL, rows), ST_OK);
    ck_assert_int_eq(row_write(&layout, &texts, columns, selection, ROWS / 2, rows, NULL), ST_OK);
    row_store_list(&store, rows);
    ck_assert_int_eq(row_reader_init(&reader, &layout, ROWS, arena, pool, "test", NULL), ST_OK);
    row_reader_read(&reader, (const void *const *)rows, ROWS / 2);
    for (uint32_t c = 0; c < TYPE_COUNT; c++)
        for (uint32_t i = 0; i < ROWS / 2; i++) {
            Value before = value_from_column(&columns[c], selection[i]);
            Value after = value_from_column(&reader.columns[c], i);

            ck_assert(value_identical(&before, &after));
        }
    row_reader_fini(&reader);
    row_store_fini(&store);
    text_store_fini(&texts);
}
END_TEST

START_TEST(match_agrees_with_equal_values)
{
    for (uint32_t t = 0; t < TYPE_COUNT; t++) {
        Type type = nth_type(t);
        Column stored = make_column(type, ROWS, 0), probe = make_column(type, ROWS, 3);
        RowLayout layout = row_layout_make(arena, 0, 1, &type, 0);
        RowStore store;
        void *rows[ROWS];
        uint32_t candidates[ROWS], rejected[ROWS], rejected_count, kept;
        bool is_kept[ROWS] = {false};

        row_store_init(&store, layout.row_bytes, pool, "test");
        ck_assert_int_eq(row_store_add(&store, ROWS, NULL, rows), ST_OK);
        ck_assert_int_eq(row_write(&layout, NULL, &stored, NULL, ROWS, rows, NULL), ST_OK);
        for (uint32_t i = 0; i < ROWS; i++)
            candidates[i] = i;
        kept =
            row_match(&layout, 1, &probe, NULL, rows, candidates, ROWS, rejected, &rejected_count);
        ck_assert_uint_eq(kept + rejected_count, ROWS);
        for (uint32_t i = 0; i < kept; i++)
            is_kept[candidates[i]] = true;
        for (uint32_t i = 0; i < ROWS; i++) {
            Value a = value_from_column(&stored, i), b = value_from_column(&probe, i);

            ck_assert_int_eq(is_kept[i], value_identical(&a, &b));
        }
        for (uint32_t i = 1; i < ROWS; i++) {
            Value a = value_from_column(&stored, i - 1), b = value_from_column(&stored, i);

            ck_assert_int_eq(row_equal(&layout, 1, rows[i - 1], rows[i]), value_identical(&a, &b));
            if (!a.is_null && !b.is_null)
                ck_assert_int_eq(row_compare_field(&layout, 0, rows[i - 1], rows[i]) < 0,
                                 value_compare(&a, &b) < 0);
        }
        row_store_fini(&store);
    }
}
END_TEST

START_TEST(zeros_nans_and_intervals_match_by_value)
{
    static const double doubles[2][3] = {{0.0, NAN, 1.0}, {-0.0, -NAN, 2.0}};
    static const Interval intervals[2][3] = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 5}},
                                             {{0, 30, 0}, {0, 0, 86400000000}, {0, 0, 6}}};
    Type types[2] = {type_of(TYPE_FLOAT8), type_of(TYPE_INTERVAL)};
    RowLayout layout = row_layout_make(arena, 0, 2, types, 0);
    RowStore store;
    void *rows[3];
    uint32_t candidates[3] = {0, 1, 2}, rejected[3], rejected_count;
    Column stored[2] = {{.type = types[0], .values = doubles[0]},
                        {.type = types[1], .values = intervals[0]}};
    Column probe[2] = {{.type = types[0], .values = doubles[1]},
                       {.type = types[1], .values = intervals[1]}};

    row_store_init(&store, layout.row_bytes, pool, "test");
    ck_assert_int_eq(row_store_add(&store, 3, NULL, rows), ST_OK);
    ck_assert_int_eq(row_write(&layout, NULL, stored, NULL, 3, rows, NULL), ST_OK);
    ck_assert_uint_eq(
        row_match(&layout, 2, probe, NULL, rows, candidates, 3, rejected, &rejected_count), 2);
    ck_assert_uint_eq(rejected_count, 1);
    ck_assert_uint_eq(rejected[0], 2);
    row_store_fini(&store);
}
END_TEST

START_TEST(dictionary_and_constant_columns)
{
    Str entries[2] = {str_make("short", 5), str_make("quite a long dictionary entry", 29)};
    Dictionary dictionary = {.values = entries, .value_count = 2, .id = dictionary_new_id()};
    uint32_t codes[4] = {0, 1, 1, 0};
    Value number = value_int8(42), none = value_null(type_of(TYPE_INT8));
    Type types[3] = {type_of(TYPE_TEXT), type_of(TYPE_INT8), type_of(TYPE_INT8)};
    Column columns[3] = {
        {.type = types[0], .form = COLUMN_DICT, .codes = codes, .dictionary = &dictionary},
        value_as_column(&number),
        value_as_column(&none)};
    RowLayout layout = row_layout_make(arena, 0, 3, types, 0);
    RowStore store;
    TextStore texts;
    void *rows[4];
    uint32_t candidates[4] = {0, 1, 2, 3}, rejected[4], rejected_count;

    row_store_init(&store, layout.row_bytes, pool, "test");
    text_store_init(&texts, pool, "test");
    ck_assert_int_eq(row_store_add(&store, 4, NULL, rows), ST_OK);
    ck_assert_int_eq(row_write(&layout, &texts, columns, NULL, 4, rows, NULL), ST_OK);
    for (uint32_t i = 0; i < 4; i++) {
        Str text;

        memcpy(&text, row_value(&layout, rows[i], 0), sizeof text);
        ck_assert(str_equal(text, entries[codes[i]]));
        ck_assert(!row_is_null(&layout, rows[i], 1));
        ck_assert(row_is_null(&layout, rows[i], 2));
    }
    ck_assert_uint_eq(
        row_match(&layout, 3, columns, NULL, rows, candidates, 4, rejected, &rejected_count), 4);
    row_store_fini(&store);
    text_store_fini(&texts);
}
END_TEST

START_TEST(refused_memory_is_an_error)
{
    RowStore store;
    TextStore texts;
    void *rows[ROWS];
    Str text = str_make("a text that needs memory of its own", 35);
    Error err = ERROR_NONE;

    row_store_init(&store, 100, pool, "hash aggregate");
    text_store_init(&texts, pool, "hash aggregate");
    mem_pool_fail_nth(pool, 2);
    ck_assert_int_eq(row_store_add(&store, ROWS, &err, rows), ST_OUT_OF_MEMORY);
    ck_assert_ptr_nonnull(strstr(err.message, "hash aggregate"));
    mem_pool_fail_nth(pool, 1);
    ck_assert_int_eq(text_store_own(&texts, &text, &err), ST_OUT_OF_MEMORY);
    row_store_fini(&store);
    text_store_fini(&texts);
}
END_TEST

START_TEST(moved_rows_follow)
{
    RowStore a, b;
    void *rows[ROWS], *all[ROWS];

    row_store_init(&a, 16, pool, "test");
    row_store_init(&b, 16, pool, "test");
    ck_assert_int_eq(row_store_add(&a, ROWS / 2, NULL, rows), ST_OK);
    ck_assert_int_eq(row_store_add(&b, ROWS / 2, NULL, rows + ROWS / 2), ST_OK);
    ck_assert_int_eq(row_store_move(&a, &b, NULL), ST_OK);
    ck_assert_uint_eq(a.row_count, ROWS);
    ck_assert_uint_eq(b.row_count, 0);
    row_store_list(&a, all);
    ck_assert_mem_eq(rows, all, sizeof rows);
    row_store_fini(&a);
    row_store_fini(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("row_layout");
    TCase *tcase = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, columns_come_back_as_they_went_in);
    tcase_add_test(tcase, match_agrees_with_equal_values);
    tcase_add_test(tcase, zeros_nans_and_intervals_match_by_value);
    tcase_add_test(tcase, dictionary_and_constant_columns);
    tcase_add_test(tcase, refused_memory_is_an_error);
    tcase_add_test(tcase, moved_rows_follow);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
