/* test_sort.c -- ORDER BY against a naive reference, in all modes */
#include "exec/sort_key.h"
#include "exec/sorter_radix.h"
#include "tests/unit/exec/op_driver.h"

static MemPool *pool;
static Arena *arena;
static atomic_bool stop;

static void setup(void)
{
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    atomic_store(&stop, false);
}

static void teardown(void)
{
    arena_free(arena);
    mem_pool_free(pool);
}

/* --- reference --- */

static const DriverTable *sorted_table;
static const SortKeyList *sorted_keys;

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    for (uint32_t k = 0; k < sorted_keys->count; k++) {
        const SortKey *key = &sorted_keys->items[k];
        const Column *column = &sorted_table->data[key->column - 1];
        Value v = value_from_column(column, x), w = value_from_column(column, y);
        int order = 0;

        if (v.is_null || w.is_null)
            order = key->nulls_first ? w.is_null - v.is_null : v.is_null - w.is_null;
        else
            order = key->is_descending ? -value_compare(&v, &w) : value_compare(&v, &w);
        if (order != 0)
            return order;
    }
    return x < y ? -1 : x > y;
}

static DriverRows naive_sort(const DriverTable *table, const SortKeyList *keys)
{
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, table->row_count), count = 0;
    DriverRows result = {0};

    for (uint32_t i = 0; i < table->row_count; i++)
        if (driver_is_kept(table, i))
            rows[count++] = i;
    sorted_table = table;
    sorted_keys = keys;
    qsort(rows, count, sizeof *rows, compare_rows);
    for (uint32_t i = 0; i < count; i++)
        driver_rows_add(&result, driver_table_row(arena, table, rows[i]));
    return result;
}

/* Runs of a batch each; of a few hundred rows; and of so many that it may not spill at all. */
static const DriverMode spill_modes[] = {
    {1, 7, 100, 1}, {1, 64, 100000, 40000}, {1, 2048, 700, 1 << 20}};
enum { SPILL_MODE_COUNT = sizeof spill_modes / sizeof spill_modes[0] };

static void check_sort(const DriverTable *table, const SortKeyList *keys)
{
    DriverRows expected = naive_sort(table, keys);
    const Plan *plan = plan_sort(arena, driver_plan(arena, table), keys->count, keys->items);

    for (uint32_t m = 0; m < DRIVER_MODE_COUNT + SPILL_MODE_COUNT; m++) {
        DriverMode mode =
            m < DRIVER_MODE_COUNT ? driver_modes[m] : spill_modes[m - DRIVER_MODE_COUNT];
        ExecContext context = driver_context(pool, mode, &stop);
        Error err = ERROR_NONE;
        DriverRows rows;
        Operator *op;

        ck_assert_int_eq(op_sort_new(&context, arena, plan_as_sort(plan), &err, &op), ST_OK);
        ck_assert_int_eq(driver_fill(op, table, mode, &err), ST_OK);
        ck_assert_int_eq(driver_read(op, mode, &rows, &err), ST_OK);
        driver_assert_same(&expected, &rows);
        driver_rows_fini(&rows);
        driver_close(op);
        ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    }
    driver_rows_fini(&expected);
}

static SortKey key_of(const DriverTable *table, uint32_t column, bool descending, bool nulls_first)
{
    return (SortKey){.column = table->columns[column].id,
                     .type = table->columns[column].type,
                     .is_descending = descending,
                     .nulls_first = nulls_first};
}

/* --- tests --- */

static const TypeId types[] = {TYPE_BOOL,      TYPE_INT2,     TYPE_INT4,   TYPE_INT8,
                               TYPE_FLOAT4,    TYPE_FLOAT8,   TYPE_TEXT,   TYPE_DATE,
                               TYPE_TIMESTAMP, TYPE_INTERVAL, TYPE_DECIMAL};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

START_TEST(one_key_of_each_type)
{
    Type type = types[_i] == TYPE_DECIMAL ? type_decimal(30, 2) : type_of(types[_i]);

    for (uint32_t direction = 0; direction < 4; direction++) {
        DriverTable table = {.row_count = 1000, .has_selection = true};
        SortKey key;

        driver_add_column(&table, arena, type_of(TYPE_INT8), 1u << 30, 0, 5);
        driver_add_column(&table, arena, type, 200, direction % 2 ? 10 : 0, 1);
        key = key_of(&table, 1, direction / 2 == 1, direction == 3);
        check_sort(&table, &(SortKeyList){1, &key});
    }
}
END_TEST

START_TEST(several_keys_with_ties)
{
    DriverTable table = {.row_count = 1500, .has_dictionaries = true};
    SortKey keys[4];

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 4, 20, 1);
    driver_add_column(&table, arena, type_of(TYPE_INT4), 5, 20, 2);
    driver_add_column(&table, arena, type_of(TYPE_TEXT), 12, 5, 3);
    driver_add_column(&table, arena, type_of(TYPE_FLOAT8), 10, 0, 4);
    driver_add_column(&table, arena, type_of(TYPE_INT8), 1u << 30, 0, 5);
    keys[0] = key_of(&table, 0, true, true);
    keys[1] = key_of(&table, 1, false, false);
    keys[2] = key_of(&table, 2, true, false);
    keys[3] = key_of(&table, 3, false, true);
    check_sort(&table, &(SortKeyList){4, keys});
    check_sort(&table, &(SortKeyList){1, keys + 2});
    check_sort(&table, &(SortKeyList){2, keys + 2});
}
END_TEST

/* More key bytes than words hold: the rest is compared in the rows. */
START_TEST(keys_that_do_not_fit)
{
    DriverTable table = {.row_count = 1200};
    SortKey keys[6];

    for (uint32_t k = 0; k < 6; k++) {
        driver_add_column(&table, arena, k % 2 ? type_decimal(30, 2) : type_of(TYPE_INT8), 3,
                          k % 3 ? 10 : 0, k + 1);
        keys[k] = key_of(&table, k, k % 2, k % 3 == 1);
    }
    driver_add_column(&table, arena, type_of(TYPE_INT8), 1u << 30, 0, 5);
    check_sort(&table, &(SortKeyList){6, keys});
}
END_TEST

static void put_text(DriverTable *table, uint32_t row, const char *bytes, uint32_t length)
{
    Str text = str_make(arena_copy(arena, bytes, length), length);

    memcpy((char *)(uintptr_t)table->data[0].values + row * sizeof text, &text, sizeof text);
}

START_TEST(texts_with_zero_bytes_and_common_starts)
{
    static const char bytes[] = "a long common start that fills every key word there is \0\0\0b";
    DriverTable table = {.row_count = 2000};
    SortKey keys[2];
    uint64_t state = 77;

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 5, 0, 1);
    driver_add_column(&table, arena, type_of(TYPE_INT4), 3, 0, 2);
    for (uint32_t i = 0; i < table.row_count; i++) {
        char text[4] = {0};
        uint64_t random = driver_random(&state);

        for (uint32_t b = 0; b < 4; b++)
            text[b] = (char)(random >> (8 * b) & 1);
        if (random >> 40 & 1)
            put_text(&table, i, text, random >> 50 & 3);
        else
            put_text(&table, i, bytes, 50 + (random >> 50) % 9);
    }
    keys[0] = key_of(&table, 0, false, false);
    keys[1] = key_of(&table, 1, true, false);
    check_sort(&table, &(SortKeyList){2, keys});
    keys[0].is_descending = true;
    check_sort(&table, &(SortKeyList){2, keys});
}
END_TEST

/* Only the last rows have a NULL: entries made before it are widened. With a text beside them rows
 * lie apart, with few columns in the entries. */
/* What texts lie in is there as long as the rows are; where a batch is mostly dropped, they are
 * copied. */
START_TEST(texts_that_are_held)
{
    for (uint32_t kind = 0; kind < 4; kind++) {
        DriverTable table = {.row_count = 500,
                             .has_selection = kind & 1,
                             .has_dictionaries = kind & 2,
                             .holds_texts = true};
        SortKey keys[2];

        driver_add_column(&table, arena, type_of(TYPE_TEXT), 300, 5, 1);
        driver_add_column(&table, arena, type_of(TYPE_INT8), 100, 0, 2);
        driver_add_column(&table, arena, type_of(TYPE_TEXT), 1000, 0, 3);
        keys[0] = key_of(&table, 1, false, false);
        keys[1] = key_of(&table, 2, true, false);
        check_sort(&table, &(SortKeyList){2, keys});
    }
}
END_TEST

START_TEST(nulls_that_come_late)
{
    for (uint32_t variant = 0; variant < 4; variant++) {
        DriverTable table = {.row_count = 3000};
        uint32_t null_column = variant % 2;
        uint64_t *validity;
        SortKey keys[2];

        driver_add_column(&table, arena, type_of(TYPE_INT8), 50, 1, 1);
        driver_add_column(&table, arena, type_of(TYPE_INT4), 90, 1, 2);
        for (uint32_t c = 0; c < (variant < 2 ? 1u : 6u); c++)
            driver_add_column(&table, arena, type_of(TYPE_INT8), 1u << 30, 0, 3 + c);
        for (uint32_t c = 0; c < 2; c++) {
            validity = (uint64_t *)(uintptr_t)table.data[c].validity;
            for (uint32_t i = 0; i < table.row_count; i++)
                bitmap_put(validity, i, c != null_column || i < 2990);
        }
        keys[0] = key_of(&table, 0, false, true);
        keys[1] = key_of(&table, 1, true, false);
        check_sort(&table, &(SortKeyList){1, keys});
        check_sort(&table, &(SortKeyList){2, keys});
    }
}
END_TEST

/* Rows that come in order stay where they are; with one row out of order, at the border of two
 * splits or within one, they do not. */
START_TEST(rows_in_order)
{
    static const uint32_t misplaced[] = {UINT32_MAX, 2000, 1234, 0};

    for (uint32_t m = 0; m < 4; m++) {
        for (uint32_t kind = 0; kind < 2; kind++) {
            DriverTable table = {.row_count = 3000};
            int64_t *values;
            SortKey key;

            driver_add_column(&table, arena, type_of(TYPE_INT8), 10, 0, 1);
            driver_add_column(&table, arena, type_of(kind ? TYPE_TEXT : TYPE_INT4), 9999, 0, 2);
            values = (int64_t *)(uintptr_t)table.data[0].values;
            for (uint32_t i = 0; i < table.row_count; i++)
                values[i] = i / 3 - 500;
            if (misplaced[m] < table.row_count)
                values[misplaced[m]] += m == 3 ? 9000 : -10;
            key = key_of(&table, 0, false, false);
            check_sort(&table, &(SortKeyList){1, &key});
        }
    }
}
END_TEST

/* Every shape of entry, with keys that differ in few bits, in many, or in one word only. */
START_TEST(radix_of_each_shape)
{
    static const uint64_t masks[] = {UINT64_MAX, 0xff00, 7, (uint64_t)3 << 62 | 3, 0};
    enum { COUNT = 3000 };
    uint64_t *entries = ARENA_ARRAY(arena, uint64_t, COUNT *SORTER_STRIDE_MAX);
    uint64_t *temp = ARENA_ARRAY(arena, uint64_t, COUNT *SORTER_STRIDE_MAX), state = 5;

    for (uint32_t words = 1; words <= SORTER_WORDS_MAX; words++)
        for (uint32_t stride = words; stride <= SORTER_STRIDE_MAX; stride++)
            for (uint32_t m = 0; m < 25; m++) {
                for (uint32_t i = 0; i < COUNT; i++)
                    for (uint32_t w = 0; w < stride; w++)
                        entries[i * stride + w] =
                            w >= words ? i : driver_random(&state) & masks[w == 0 ? m / 5 : m % 5];
                sorter_radix(words, stride, entries, temp, COUNT);
                for (uint32_t i = 1; i < COUNT; i++) {
                    const uint64_t *a = entries + (i - 1) * stride, *b = a + stride;
                    int order = sort_key_compare_words(words, a, b);

                    ck_assert_int_le(order, 0);
                    for (uint32_t w = words; order == 0 && w < stride; w++)
                        ck_assert_uint_lt(a[w], b[w]);
                }
            }
}
END_TEST

START_TEST(no_rows_and_one_row)
{
    for (uint32_t rows = 0; rows < 2; rows++) {
        DriverTable table = {.row_count = rows};
        SortKey key;

        driver_add_column(&table, arena, type_of(TYPE_INT4), 10, 0, 1);
        key = key_of(&table, 0, false, false);
        check_sort(&table, &(SortKeyList){1, &key});
    }
}
END_TEST

/* Enough rows for several buckets, with one value that most rows have. */
START_TEST(many_rows_with_skew)
{
    DriverTable table = {.row_count = 90000};
    SortKey key;
    ExecContext context = driver_context(pool, driver_modes[3], &stop);
    const Plan *plan;
    Operator *op;
    DriverRows rows, expected;
    int64_t *values;

    driver_add_column(&table, arena, type_of(TYPE_INT8), 1000, 1, 1);
    driver_add_column(&table, arena, type_of(TYPE_INT4), 1u << 30, 0, 2);
    values = (int64_t *)(uintptr_t)table.data[0].values;
    for (uint32_t i = 0; i < table.row_count; i++)
        if (i % 4 != 0)
            values[i] = 42;
    key = key_of(&table, 0, true, false);
    expected = naive_sort(&table, &(SortKeyList){1, &key});
    plan = plan_sort(arena, driver_plan(arena, &table), 1, &key);
    ck_assert_int_eq(op_sort_new(&context, arena, plan_as_sort(plan), NULL, &op), ST_OK);
    ck_assert_int_eq(driver_fill(op, &table, driver_modes[3], NULL), ST_OK);
    ck_assert_int_eq(driver_read(op, driver_modes[3], &rows, NULL), ST_OK);
    driver_assert_same(&expected, &rows);
    driver_rows_fini(&rows);
    driver_rows_fini(&expected);
    driver_close(op);
}
END_TEST

START_TEST(refused_memory_names_the_operator_and_all_is_freed)
{
    DriverTable table = {.row_count = 3000};
    SortKey key;
    const Plan *plan;

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 1000, 1, 1);
    key = key_of(&table, 0, true, false);
    plan = plan_sort(arena, driver_plan(arena, &table), 1, &key);
    for (uint32_t nth = 1; nth < 200; nth += nth < 20 ? 1 : 23) {
        ExecContext context = driver_context(pool, driver_modes[3], &stop);
        Error err = ERROR_NONE;
        Operator *op;
        Status status;

        ck_assert_int_eq(op_sort_new(&context, arena, plan_as_sort(plan), &err, &op), ST_OK);
        mem_pool_fail_nth(pool, nth);
        status = driver_fill(op, &table, driver_modes[3], &err);
        mem_pool_fail_nth(pool, 0);
        if (status != ST_OK) {
            ck_assert_int_eq(status, ST_OUT_OF_MEMORY);
            ck_assert_ptr_nonnull(strstr(err.message, "sort"));
        }
        driver_close(op);
        ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    }
}
END_TEST

/* One request is refused: it spills, and the rows are right, or it says that there is no memory. */
START_TEST(refused_memory_is_spilled)
{
    DriverTable table = {.row_count = 3000, .holds_texts = _i == 2};
    DriverRows expected;
    uint32_t right = 0;
    SortKey key;
    const Plan *plan;

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 1000, 1, 1);
    key = key_of(&table, 0, true, false);
    expected = naive_sort(&table, &(SortKeyList){1, &key});
    plan = plan_sort(arena, driver_plan(arena, &table), 1, &key);
    for (uint32_t nth = 1; nth < 300; nth += nth < 120 ? 1 : 17) {
        DriverMode mode = {1, 100, 1000, _i == 0 ? 1 << 30 : 100000};
        ExecContext context = driver_context(pool, mode, &stop);
        Error err = ERROR_NONE;
        DriverRows rows;
        Operator *op;
        Status status;

        ck_assert_int_eq(op_sort_new(&context, arena, plan_as_sort(plan), &err, &op), ST_OK);
        mem_pool_fail_nth(pool, nth);
        status = driver_fill(op, &table, mode, &err);
        mem_pool_fail_nth(pool, 0);
        if (status == ST_OK) {
            ck_assert_int_eq(driver_read(op, mode, &rows, &err), ST_OK);
            driver_assert_same(&expected, &rows);
            driver_rows_fini(&rows);
            right++;
        } else {
            ck_assert_int_eq(status, ST_OUT_OF_MEMORY);
        }
        driver_close(op);
        ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    }
    ck_assert_uint_gt(right, 20);
    driver_rows_fini(&expected);
}
END_TEST

START_TEST(a_cancelled_sort_stops)
{
    DriverTable table = {.row_count = 1000};
    ExecContext context = driver_context(pool, driver_modes[0], &stop);
    SortKey key;
    const Plan *plan;
    Operator *op;

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 1000, 1, 1);
    key = key_of(&table, 0, true, false);
    plan = plan_sort(arena, driver_plan(arena, &table), 1, &key);
    ck_assert_int_eq(op_sort_new(&context, arena, plan_as_sort(plan), NULL, &op), ST_OK);
    atomic_store(&stop, true);
    ck_assert_int_eq(driver_fill(op, &table, driver_modes[0], NULL), ST_CANCELLED);
    driver_close(op);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sort");
    TCase *tcase = tcase_create("sort");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, one_key_of_each_type, 0, TYPE_COUNT);
    tcase_add_test(tcase, several_keys_with_ties);
    tcase_add_test(tcase, keys_that_do_not_fit);
    tcase_add_test(tcase, texts_with_zero_bytes_and_common_starts);
    tcase_add_test(tcase, texts_that_are_held);
    tcase_add_test(tcase, nulls_that_come_late);
    tcase_add_test(tcase, rows_in_order);
    tcase_add_test(tcase, radix_of_each_shape);
    tcase_add_test(tcase, no_rows_and_one_row);
    tcase_add_test(tcase, many_rows_with_skew);
    tcase_add_test(tcase, refused_memory_names_the_operator_and_all_is_freed);
    tcase_add_loop_test(tcase, refused_memory_is_spilled, 0, 3);
    tcase_add_test(tcase, a_cancelled_sort_stops);
    suite_add_tcase(suite, tcase);
    return driver_main(suite);
}
