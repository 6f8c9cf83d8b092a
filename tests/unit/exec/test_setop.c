/* test_setop.c -- INTERSECT and EXCEPT [ALL] against a naive reference, in all modes */
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

/* The second input's columns have ids from 51 on, and stand in the opposite order. */
static const PlanSetop *make_plan(const DriverTable *first, DriverTable *second, SetopKind kind,
                                  bool is_all)
{
    uint32_t count = first->column_count;
    ColumnId ids[2][DRIVER_COLUMNS_MAX];
    PlanColumn columns[DRIVER_COLUMNS_MAX];
    ColumnList maps[2];

    for (uint32_t c = 0; c < count; c++) {
        second->columns[c].id = 51 + c;
        columns[c] = driver_column(101 + c, first->columns[c].type, true);
    }
    for (uint32_t c = 0; c < count; c++) {
        ids[0][c] = first->columns[c].id;
        ids[1][c] = second->columns[count - 1 - c].id;
    }
    maps[0] = (ColumnList){count, ids[0]};
    maps[1] = (ColumnList){count, ids[1]};
    return plan_as_setop(plan_setop(arena, kind, is_all, driver_plan(arena, first),
                                    driver_plan(arena, second), maps, count, columns));
}

static bool same_row(const DriverTable *a, uint32_t x, const DriverTable *b, uint32_t y,
                     bool is_reversed)
{
    for (uint32_t c = 0; c < a->column_count; c++) {
        Value v = value_from_column(&a->data[c], x);
        Value w = value_from_column(&b->data[is_reversed ? b->column_count - 1 - c : c], y);

        if (v.is_null != w.is_null || (!v.is_null && value_compare(&v, &w) != 0))
            return false;
    }
    return true;
}

static uint32_t count_rows(const DriverTable *a, uint32_t row, const DriverTable *b,
                           bool is_reversed)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < b->row_count; i++)
        count += driver_is_kept(b, i) && same_row(a, row, b, i, is_reversed);
    return count;
}

static bool is_first_of_its_kind(const DriverTable *table, uint32_t row)
{
    for (uint32_t i = 0; i < row; i++)
        if (driver_is_kept(table, i) && same_row(table, i, table, row, false))
            return false;
    return true;
}

static DriverRows naive(const DriverTable *first, const DriverTable *second, SetopKind kind,
                        bool is_all)
{
    DriverRows rows = {0};

    for (uint32_t row = 0; row < first->row_count; row++) {
        uint32_t a, b, result;

        if (!driver_is_kept(first, row) || !is_first_of_its_kind(first, row))
            continue;
        a = count_rows(first, row, first, false);
        b = count_rows(first, row, second, true);
        if (kind == SETOP_INTERSECT)
            result = is_all ? (a < b ? a : b) : b > 0;
        else
            result = is_all ? (a > b ? a - b : 0) : b == 0;
        for (; result > 0; result--)
            driver_rows_add(&rows, driver_table_row(arena, first, row));
    }
    return rows;
}

static DriverRows run(const PlanSetop *node, const DriverTable *first, const DriverTable *second,
                      DriverMode mode)
{
    ExecContext context = driver_context(pool, mode, &stop);
    Operator *ops[2];
    DriverRows rows;

    ck_assert_int_eq(op_setop_new(&context, arena, node, 0, NULL, NULL, &ops[0]), ST_OK);
    ck_assert_int_eq(op_setop_new(&context, arena, node, 1, ops[0], NULL, &ops[1]), ST_OK);
    ck_assert_int_eq(driver_fill(ops[0], first, mode, NULL), ST_OK);
    ck_assert_int_eq(driver_fill(ops[1], second, mode, NULL), ST_OK);
    ck_assert_int_eq(driver_read(ops[1], mode, &rows, NULL), ST_OK);
    driver_close(ops[1]);
    driver_close(ops[0]);
    ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    return rows;
}

static void check_all_kinds(const DriverTable *first, DriverTable *second)
{
    for (uint32_t k = 0; k < 4; k++) {
        SetopKind kind = k / 2 == 0 ? SETOP_INTERSECT : SETOP_EXCEPT;
        const PlanSetop *node = make_plan(first, second, kind, k % 2);
        DriverRows expected = naive(first, second, kind, k % 2);

        for (uint32_t m = 0; m < DRIVER_MODE_COUNT; m++) {
            DriverRows rows = run(node, first, second, driver_modes[m]);

            driver_assert_same(&expected, &rows);
            driver_rows_fini(&rows);
        }
        driver_rows_fini(&expected);
    }
}

START_TEST(nulls_texts_and_floats)
{
    DriverTable first = {.row_count = 900, .has_selection = true};
    DriverTable second = {.row_count = 700, .has_dictionaries = true};

    driver_add_column(&first, arena, type_of(TYPE_TEXT), 12, 10, 1);
    driver_add_column(&first, arena, type_of(TYPE_FLOAT8), 9, 10, 2);
    driver_add_column(&second, arena, type_of(TYPE_FLOAT8), 9, 10, 3);
    driver_add_column(&second, arena, type_of(TYPE_TEXT), 12, 10, 4);
    check_all_kinds(&first, &second);
}
END_TEST

START_TEST(empty_sides_and_no_columns)
{
    for (uint32_t sizes = 0; sizes < 4; sizes++) {
        DriverTable first = {.row_count = sizes % 2 ? 5 : 0};
        DriverTable second = {.row_count = sizes / 2 ? 3 : 0};

        check_all_kinds(&first, &second);
        driver_add_column(&first, arena, type_of(TYPE_INT4), 3, 10, 1);
        driver_add_column(&second, arena, type_of(TYPE_INT4), 3, 10, 1);
        check_all_kinds(&first, &second);
    }
}
END_TEST

START_TEST(refused_memory_frees_all)
{
    DriverTable first = {.row_count = 8000}, second = {.row_count = 8000};
    const PlanSetop *node;

    driver_add_column(&first, arena, type_of(TYPE_TEXT), 5000, 1, 1);
    driver_add_column(&second, arena, type_of(TYPE_TEXT), 5000, 1, 2);
    node = make_plan(&first, &second, SETOP_EXCEPT, false);
    for (uint32_t nth = 1; nth < 300; nth += 7) {
        ExecContext context = driver_context(pool, driver_modes[3], &stop);
        Operator *ops[2];
        Error err = ERROR_NONE;
        Status status;

        ck_assert_int_eq(op_setop_new(&context, arena, node, 0, NULL, NULL, &ops[0]), ST_OK);
        ck_assert_int_eq(op_setop_new(&context, arena, node, 1, ops[0], NULL, &ops[1]), ST_OK);
        mem_pool_fail_nth(pool, nth);
        status = driver_fill(ops[0], &first, driver_modes[3], &err);
        if (status == ST_OK)
            status = driver_fill(ops[1], &second, driver_modes[3], &err);
        mem_pool_fail_nth(pool, 0);
        if (status != ST_OK)
            ck_assert_int_eq(status, ST_OUT_OF_MEMORY);
        driver_close(ops[1]);
        driver_close(ops[0]);
        ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("setop");
    TCase *tcase = tcase_create("setop");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, nulls_texts_and_floats);
    tcase_add_test(tcase, empty_sides_and_no_columns);
    tcase_add_test(tcase, refused_memory_frees_all);
    suite_add_tcase(suite, tcase);
    return driver_main(suite);
}
