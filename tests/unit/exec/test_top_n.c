/* test_top_n.c -- ORDER BY ... LIMIT against a sort of everything, in all modes */
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

static const PlanTopN *make_plan(const DriverTable *table, uint32_t key_count, const SortKey *keys,
                                 int64_t skip_rows, int64_t fetch_rows)
{
    const Plan *input = driver_plan(arena, table);
    PlanTopN *node = ARENA_NEW(arena, PlanTopN);

    node->head = (Plan){.kind = PLAN_TOP_N,
                        .input_count = 1,
                        .column_count = input->column_count,
                        .inputs = arena_copy(arena, &input, sizeof input),
                        .columns = input->columns,
                        .estimated_rows = -1};
    node->keys = (SortKeyList){key_count, keys};
    node->skip_rows = skip_rows;
    node->fetch_rows = fetch_rows;
    return node;
}

static DriverRows sort_all(const DriverTable *table, uint32_t key_count, const SortKey *keys)
{
    const DriverMode mode = driver_modes[0];
    ExecContext context = driver_context(pool, mode, &stop);
    const Plan *plan = plan_sort(arena, driver_plan(arena, table), key_count, keys);
    DriverRows rows;
    Operator *op;

    ck_assert_int_eq(op_sort_new(&context, arena, plan_as_sort(plan), NULL, &op), ST_OK);
    ck_assert_int_eq(driver_fill(op, table, mode, NULL), ST_OK);
    ck_assert_int_eq(driver_read(op, mode, &rows, NULL), ST_OK);
    driver_close(op);
    return rows;
}

static DriverRows top_n(const DriverTable *table, const PlanTopN *node, DriverMode mode)
{
    ExecContext context = driver_context(pool, mode, &stop);
    DriverRows rows;
    Operator *op;

    ck_assert_int_eq(op_top_n_new(&context, arena, node, NULL, &op), ST_OK);
    ck_assert_int_eq(driver_fill(op, table, mode, NULL), ST_OK);
    ck_assert_int_eq(driver_read(op, mode, &rows, NULL), ST_OK);
    driver_close(op);
    ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    return rows;
}

static void check_top_n(const DriverTable *table, uint32_t key_count, const SortKey *keys)
{
    static const int64_t bounds[][2] = {{0, 1},    {0, 10},      {3, 7},        {0, 0},
                                        {990, 50}, {100000, 10}, {5, ALL_ROWS}, {17, 5000}};
    DriverRows sorted = sort_all(table, key_count, keys);

    for (uint32_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        const PlanTopN *node = make_plan(table, key_count, keys, bounds[b][0], bounds[b][1]);
        uint32_t start = sorted.count < bounds[b][0] ? sorted.count : (uint32_t)bounds[b][0];
        uint32_t left = sorted.count - start;
        DriverRows expected = {.count = left < bounds[b][1] ? left : (uint32_t)bounds[b][1],
                               .texts = sorted.texts + start};

        for (uint32_t m = 0; m < DRIVER_MODE_COUNT; m++) {
            DriverRows rows = top_n(table, node, driver_modes[m]);

            driver_assert_same(&expected, &rows);
            driver_rows_fini(&rows);
        }
    }
    driver_rows_fini(&sorted);
}

static SortKey key_of(const DriverTable *table, uint32_t column, bool descending, bool nulls_first)
{
    return (SortKey){.column = table->columns[column].id,
                     .type = table->columns[column].type,
                     .is_descending = descending,
                     .nulls_first = nulls_first};
}

START_TEST(many_ties)
{
    DriverTable table = {.row_count = 1200, .has_selection = true};
    SortKey keys[2];

    driver_add_column(&table, arena, type_of(TYPE_INT4), 7, 10, 1);
    driver_add_column(&table, arena, type_of(TYPE_TEXT), 40, 10, 2);
    keys[0] = key_of(&table, 0, true, true);
    keys[1] = key_of(&table, 1, false, false);
    check_top_n(&table, 2, keys);
    check_top_n(&table, 1, keys);
}
END_TEST

/* Texts whose words are all equal, and enough rows that the buffer is cut several times. */
START_TEST(open_keys_are_cut_off_right)
{
    DriverTable table = {.row_count = 12000};
    SortKey key;
    Str *texts;

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 10, 0, 1);
    texts = (Str *)(uintptr_t)table.data[0].values;
    for (uint32_t i = 0; i < table.row_count; i++) {
        const char *text =
            arena_printf(arena, "a common start that fills all words: %u", i * 2654435761u % 5000);

        texts[i] = str_make(text, (uint32_t)strlen(text));
    }
    key = key_of(&table, 0, false, false);
    for (uint32_t m = 0; m < DRIVER_MODE_COUNT; m += 3) {
        DriverRows sorted = sort_all(&table, 1, &key);
        DriverRows rows = top_n(&table, make_plan(&table, 1, &key, 2, 20), driver_modes[m]);
        DriverRows expected = {.count = 20, .texts = sorted.texts + 2};

        driver_assert_same(&expected, &rows);
        driver_rows_fini(&rows);
        driver_rows_fini(&sorted);
    }
}
END_TEST

START_TEST(refused_memory_frees_all)
{
    DriverTable table = {.row_count = 12000};
    SortKey key;

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 3000, 1, 1);
    key = key_of(&table, 0, true, false);
    for (uint32_t nth = 1; nth < 60; nth++) {
        ExecContext context = driver_context(pool, driver_modes[3], &stop);
        Error err = ERROR_NONE;
        Operator *op;
        Status status;

        ck_assert_int_eq(
            op_top_n_new(&context, arena, make_plan(&table, 1, &key, 0, 900), &err, &op), ST_OK);
        mem_pool_fail_nth(pool, nth);
        status = driver_fill(op, &table, driver_modes[3], &err);
        mem_pool_fail_nth(pool, 0);
        if (status != ST_OK) {
            ck_assert_int_eq(status, ST_OUT_OF_MEMORY);
            ck_assert_ptr_nonnull(strstr(err.message, "top-N"));
        }
        driver_close(op);
        ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("top_n");
    TCase *tcase = tcase_create("top_n");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, many_ties);
    tcase_add_test(tcase, open_keys_are_cut_off_right);
    tcase_add_test(tcase, refused_memory_frees_all);
    suite_add_tcase(suite, tcase);
    return driver_main(suite);
}
