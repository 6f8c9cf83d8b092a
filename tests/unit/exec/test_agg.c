/* test_agg.c -- GROUP BY, DISTINCT and whole-table aggregates against a naive reference, in all
 * modes */
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

/*
 * Every test's table: keys first, then a bigint and a text; every aggregate list is count(*),
 * sum(bigint), min(text), first(text).
 */
enum { ALL_AGGS = 4 };

static void add_arguments(DriverTable *table)
{
    driver_add_column(table, arena, type_of(TYPE_INT8), 1000, 10, 91);
    driver_add_column(table, arena, type_of(TYPE_TEXT), 50, 10, 92);
}

static const Plan *make_plan(const DriverTable *table, uint32_t key_count, uint32_t agg_count)
{
    ColumnId keys[DRIVER_COLUMNS_MAX];
    const PlanColumn *number = &table->columns[table->column_count - 2];
    const PlanColumn *text = &table->columns[table->column_count - 1];
    const Expr *number_arg = expr_column(arena, number->id, number->type);
    const Expr *text_arg = expr_column(arena, text->id, text->type);
    const Expr *aggs[ALL_AGGS] = {
        expr_agg(arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL),
        expr_agg(arena, AGG_SUM, type_decimal(38, 0), 1, &number_arg, false, NULL),
        expr_agg(arena, AGG_MIN, text->type, 1, &text_arg, false, NULL),
        expr_agg(arena, AGG_FIRST, text->type, 1, &text_arg, false, NULL)};
    PlanColumn columns[ALL_AGGS];

    for (uint32_t k = 0; k < key_count; k++)
        keys[k] = table->columns[k].id;
    for (uint32_t a = 0; a < ALL_AGGS; a++)
        columns[a] = driver_column(100 + a, aggs[a]->type, true);
    return plan_aggregate(arena, driver_plan(arena, table), key_count, keys, agg_count, aggs,
                          columns);
}

/* --- reference --- */

typedef struct NaiveGroup {
    uint32_t first_row;
    int64_t row_count;
    Value sum, min;
    uint32_t next; /* of the same hash */
} NaiveGroup;

static bool same_keys(const DriverTable *table, uint32_t key_count, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < key_count; k++) {
        Value x = value_from_column(&table->data[k], a), y = value_from_column(&table->data[k], b);

        if (x.is_null != y.is_null || (!x.is_null && value_compare(&x, &y) != 0))
            return false;
    }
    return true;
}

static void naive_update(const DriverTable *table, NaiveGroup *group, uint32_t row)
{
    Value number = value_from_column(&table->data[table->column_count - 2], row);
    Value text = value_from_column(&table->data[table->column_count - 1], row);

    group->row_count++;
    if (!number.is_null) {
        group->sum.int128 += number.int64;
        group->sum.is_null = false;
    }
    if (!text.is_null && (group->min.is_null || value_compare(&text, &group->min) < 0))
        group->min = text;
}

static void naive_print(DriverRows *rows, const DriverTable *table, uint32_t key_count,
                        uint32_t agg_count, const NaiveGroup *group)
{
    StrBuf buf = {.arena = arena};
    Value count = value_int8(group->row_count);

    for (uint32_t k = 0; k < key_count; k++)
        driver_print_cell(&buf, &table->data[k], group->first_row);
    if (agg_count > 0)
        driver_print_value(&buf, &count);
    if (agg_count > 1)
        driver_print_value(&buf, &group->sum);
    if (agg_count > 2)
        driver_print_value(&buf, &group->min);
    if (agg_count > 3 && group->row_count > 0)
        driver_print_cell(&buf, &table->data[table->column_count - 1], group->first_row);
    else if (agg_count > 3)
        strbuf_puts(&buf, "NULL ");
    driver_rows_add(rows, strbuf_text(&buf));
}

static DriverRows naive_aggregate(const DriverTable *table, uint32_t key_count, uint32_t agg_count)
{
    NaiveGroup *groups = ARENA_ARRAY(arena, NaiveGroup, table->row_count + 1);
    const Column *text = &table->data[table->column_count - 1];
    uint32_t group_count = 0;
    DriverRows rows = {0};

    for (uint32_t row = 0; row < table->row_count; row++) {
        uint32_t g = 0;

        if (!driver_is_kept(table, row))
            continue;
        while (g < group_count && !same_keys(table, key_count, groups[g].first_row, row))
            g++;
        if (g == group_count) {
            groups[g] = (NaiveGroup){.first_row = row,
                                     .sum = value_null(type_decimal(38, 0)),
                                     .min = value_null(text->type)};
            group_count++;
        }
        naive_update(table, &groups[g], row);
    }
    if (key_count == 0 && group_count == 0)
        groups[group_count++] =
            (NaiveGroup){.sum = value_null(type_decimal(38, 0)), .min = value_null(text->type)};
    for (uint32_t g = 0; g < group_count; g++)
        naive_print(&rows, table, key_count, agg_count, &groups[g]);
    return rows;
}

/* --- running --- */

static DriverRows run_mode(const DriverTable *table, const Plan *plan, DriverMode mode)
{
    ExecContext context = driver_context(pool, mode, &stop);
    Error err = ERROR_NONE;
    DriverRows rows;
    Operator *op;

    ck_assert_int_eq(op_hash_aggregate_new(&context, arena, plan_as_aggregate(plan), &err, &op),
                     ST_OK);
    ck_assert_int_eq(driver_fill(op, table, mode, &err), ST_OK);
    ck_assert_int_eq(driver_read(op, mode, &rows, &err), ST_OK);
    driver_close(op);
    ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    return rows;
}

static void check_aggregate(const DriverTable *table, uint32_t key_count, uint32_t agg_count)
{
    const Plan *plan = make_plan(table, key_count, agg_count);
    DriverRows expected = naive_aggregate(table, key_count, agg_count);

    for (uint32_t m = 0; m < DRIVER_MODE_COUNT; m++) {
        DriverRows rows = run_mode(table, plan, driver_modes[m]);

        driver_assert_same(&expected, &rows);
        driver_rows_fini(&rows);
    }
    driver_rows_fini(&expected);
}

/* --- tests --- */

static const TypeId types[] = {TYPE_BOOL,      TYPE_INT2,     TYPE_INT4,   TYPE_INT8,
                               TYPE_FLOAT4,    TYPE_FLOAT8,   TYPE_TEXT,   TYPE_DATE,
                               TYPE_TIMESTAMP, TYPE_INTERVAL, TYPE_DECIMAL};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

START_TEST(a_key_of_each_type)
{
    Type type = types[_i] == TYPE_DECIMAL ? type_decimal(30, 2) : type_of(types[_i]);

    for (uint32_t nulls = 0; nulls < 2; nulls++) {
        DriverTable table = {.row_count = 700, .has_selection = true, .has_dictionaries = true};

        driver_add_column(&table, arena, type, 70, nulls * 10, 1);
        add_arguments(&table);
        check_aggregate(&table, 1, ALL_AGGS);
    }
}
END_TEST

START_TEST(several_keys)
{
    DriverTable table = {.row_count = 1500, .has_dictionaries = true};

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 3, 20, 1);
    driver_add_column(&table, arena, type_of(TYPE_INT4), 4, 20, 2);
    driver_add_column(&table, arena, type_of(TYPE_BOOL), 2, 20, 3);
    driver_add_column(&table, arena, type_of(TYPE_FLOAT8), 8, 0, 4);
    add_arguments(&table);
    check_aggregate(&table, 4, ALL_AGGS);
    check_aggregate(&table, 3, 2);
    check_aggregate(&table, 2, 3);
}
END_TEST

START_TEST(distinct_rows)
{
    DriverTable table = {.row_count = 1000};

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 30, 20, 1);
    driver_add_column(&table, arena, type_of(TYPE_INT8), 7, 20, 2);
    add_arguments(&table);
    check_aggregate(&table, 2, 0);
}
END_TEST

START_TEST(everything_is_one_group)
{
    DriverTable table = {.row_count = 1000, .has_selection = true}, empty = {0};

    add_arguments(&table);
    check_aggregate(&table, 0, ALL_AGGS);
    add_arguments(&empty);
    check_aggregate(&empty, 0, ALL_AGGS);
    empty.column_count = 0;
    driver_add_column(&empty, arena, type_of(TYPE_INT4), 2, 0, 1);
    add_arguments(&empty);
    check_aggregate(&empty, 1, ALL_AGGS);
}
END_TEST

/* Keys whose range and dictionary change from batch to batch, single characters among them. */
START_TEST(keys_of_few_values)
{
    DriverTable table = {.row_count = 3000, .has_dictionaries = true};
    int32_t *numbers;
    Str *texts;

    driver_add_column(&table, arena, type_of(TYPE_INT4), 5, 5, 1);
    driver_add_column(&table, arena, type_of(TYPE_TEXT), 5, 5, 2);
    numbers = (int32_t *)(uintptr_t)table.data[0].values;
    texts = (Str *)(uintptr_t)table.data[1].values;
    for (uint32_t i = 0; i < table.row_count; i++) {
        if (i > 1000 && !column_is_null(&table.data[0], i))
            numbers[i] = i % 3 == 0 ? INT32_MIN + (int32_t)(i % 5) : INT32_MAX - (int32_t)(i % 7);
        if (i < 2000 && !column_is_null(&table.data[1], i))
            texts[i] = str_make("abcde" + i % 5, i % 10 == 0 ? 0 : 1);
    }
    add_arguments(&table);
    check_aggregate(&table, 1, ALL_AGGS);
    check_aggregate(&table, 2, ALL_AGGS);
}
END_TEST

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* More groups than are put in order, made more than once: with rows per group 1, 2, and
 * clustered. */
START_TEST(many_groups)
{
    DriverTable table = {.row_count = 140000};
    const Plan *plan;
    DriverRows first, alone;
    int64_t *keys;
    uint64_t state = 99;

    driver_add_column(&table, arena, type_of(TYPE_INT8), 2, 0, 1);
    add_arguments(&table);
    keys = (int64_t *)(uintptr_t)table.data[0].values;
    for (uint32_t i = 0; i < table.row_count; i++)
        keys[i] = _i == 0 ? i : _i == 1 ? (int64_t)(driver_random(&state) % 100000) : i / 2;
    plan = make_plan(&table, 1, ALL_AGGS);
    first = run_mode(&table, plan, (DriverMode){2, 2048, 9000});
    alone = run_mode(&table, plan, (DriverMode){1, 1000, 50000});
    driver_assert_same(&first, &alone);
    driver_rows_fini(&alone);
    qsort(first.texts, first.count, sizeof *first.texts, compare_texts);
    for (uint32_t i = 1; i < first.count; i++)
        ck_assert_int_ne(strncmp(first.texts[i - 1], first.texts[i], 16), 0);
    if (_i == 0)
        ck_assert_uint_eq(first.count, table.row_count);
    if (_i == 2)
        ck_assert_uint_eq(first.count, table.row_count / 2);
    driver_rows_fini(&first);
}
END_TEST

START_TEST(refused_memory_names_the_operator_and_all_is_freed)
{
    DriverTable table = {.row_count = 20000};
    const Plan *plan;

    driver_add_column(&table, arena, type_of(TYPE_TEXT), 5000, 5, 1);
    add_arguments(&table);
    plan = make_plan(&table, 1, ALL_AGGS);
    for (uint32_t nth = 1; nth < 300; nth += nth < 20 ? 1 : 29) {
        ExecContext context = driver_context(pool, driver_modes[3], &stop);
        Error err = ERROR_NONE;
        Operator *op;
        Status status;

        ck_assert_int_eq(op_hash_aggregate_new(&context, arena, plan_as_aggregate(plan), &err, &op),
                         ST_OK);
        mem_pool_fail_nth(pool, nth);
        status = driver_fill(op, &table, driver_modes[3], &err);
        mem_pool_fail_nth(pool, 0);
        if (status != ST_OK)
            ck_assert_int_eq(status, ST_OUT_OF_MEMORY);
        driver_close(op);
        ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agg");
    TCase *tcase = tcase_create("agg");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_key_of_each_type, 0, TYPE_COUNT);
    tcase_add_test(tcase, several_keys);
    tcase_add_test(tcase, distinct_rows);
    tcase_add_test(tcase, everything_is_one_group);
    tcase_add_test(tcase, keys_of_few_values);
    tcase_add_loop_test(tcase, many_groups, 0, 3);
    tcase_add_test(tcase, refused_memory_names_the_operator_and_all_is_freed);
    suite_add_tcase(suite, tcase);
    return driver_main(suite);
}
