/* test_scan.c -- predicates, row limits and runtime filters of scans */
#include "tests/unit/exec/plan_runner.h"

enum { ROWS = 1000 };

/* Columns: i, i % 10 or NULL, text of i. */
static Table *make_table(Runner *runner, Type key_type)
{
    Type types[3] = {key_type, type_of(TYPE_INT4), type_of(TYPE_TEXT)};
    int64_t *rows = ARENA_ARRAY(runner->arena, int64_t, ROWS * 3);

    for (int64_t i = 0; i < ROWS; i++) {
        rows[i * 3] = i;
        rows[i * 3 + 1] = i % 7 == 0 ? NIL : i % 10;
        rows[i * 3 + 2] = i;
    }
    return runner_table(runner, 3, types, ROWS, rows, 64);
}

static const Expr *int4(Runner *runner, int32_t value)
{
    return expr_const(runner->arena, value_int4(value));
}

static const Plan *scan_where(Runner *runner, Table *table, uint32_t column, FuncId func,
                              int32_t value, int64_t row_limit)
{
    PlanScan *scan = arena_copy(runner->arena, runner_scan(runner, table), sizeof *scan);
    const Expr **predicates = ARENA_ARRAY(runner->arena, const Expr *, 1);

    predicates[0] =
        bool_call(runner, func, column_of(runner, &scan->head, column), int4(runner, value));
    scan->predicates = (ExprList){1, predicates};
    scan->row_limit = row_limit;
    return &scan->head;
}

static const Plan *only_column(Runner *runner, const Plan *plan, uint32_t column)
{
    return plan_select_columns(runner->arena, plan, 1, &plan->columns[column].id);
}

static const char *numbers_where(Runner *runner, bool (*keeps)(int64_t number))
{
    StrBuf text = {.arena = runner->arena};

    for (int64_t i = 0; i < ROWS; i++)
        if (keeps(i))
            strbuf_printf(&text, "%" PRId64 "\n", i);
    return strbuf_text(&text);
}

static bool is_small(int64_t number)
{
    return number < 77;
}

static bool ends_in_three(int64_t number)
{
    return number % 7 != 0 && number % 10 == 3;
}

START_TEST(predicates)
{
    Runner runner = runner_open();
    Table *table = make_table(&runner, type_of(TYPE_INT4));
    const Plan *small = scan_where(&runner, table, 0, FUNC_LT, 77, ALL_ROWS);
    const Plan *three = scan_where(&runner, table, 1, FUNC_EQ, 3, ALL_ROWS);

    runner_expect(&runner, only_column(&runner, small, 0), numbers_where(&runner, is_small));
    runner_expect(&runner, only_column(&runner, three, 0), numbers_where(&runner, ends_in_three));
    runner_close(&runner);
}
END_TEST

/* The limit holds per split: rows may be more, but the first ones are there. */
START_TEST(row_limits)
{
    Runner runner = runner_open();
    Table *table = make_table(&runner, type_of(TYPE_INT4));
    const Plan *plan = scan_where(&runner, table, 0, FUNC_GE, 500, 5);

    runner_expect(&runner, plan_limit(runner.arena, only_column(&runner, plan, 0), 0, 5),
                  "500\n501\n502\n503\n504\n");
    runner_close(&runner);
}
END_TEST

/* --- runtime filters --- */

typedef struct FilterCase {
    TypeId type;
    int32_t build_from, build_to; /* rows of the build side: [from, to) of the table's keys */
    uint32_t key_count;
} FilterCase;

static const FilterCase filter_cases[] = {
    {TYPE_INT8, 0, 0, 1},      {TYPE_INT8, 300, 307, 1}, {TYPE_INT8, 100, 600, 1},
    {TYPE_INT4, 990, 1000, 1}, {TYPE_INT4, 20, 900, 1},  {TYPE_INT2, 100, 400, 1},
    {TYPE_INT8, 100, 600, 2},  {TYPE_INT4, 5, 8, 2},     {TYPE_TEXT, 100, 200, 1},
};
enum { FILTER_CASE_COUNT = sizeof filter_cases / sizeof filter_cases[0] };

static const Plan *with_filter(Runner *runner, const Plan *scan, RuntimeFilter *filter)
{
    PlanScan *copy = arena_copy(runner->arena, scan, sizeof *copy);

    copy->runtime_filters = (RuntimeFilterList){1, filter};
    return &copy->head;
}

static const Plan *filtered_join(Runner *runner, const FilterCase *test, Table *table,
                                 bool has_filter)
{
    const Plan *left = runner_scan(runner, table), *right = runner_scan(runner, table);
    const Expr **keys = ARENA_ARRAY(runner->arena, const Expr *, 4);
    RuntimeFilter *filter = ARENA_NEW(runner->arena, RuntimeFilter);
    const Plan *inputs[2];
    const PlanColumn *columns;
    PlanHashJoin *join;
    uint32_t count;

    *filter = (RuntimeFilter){.id = 1, .column = left->columns[0].id};
    if (has_filter)
        left = with_filter(runner, left, filter);
    inputs[0] = left;
    inputs[1] =
        plan_limit(runner->arena, right, test->build_from, test->build_to - test->build_from);
    columns = plan_join_columns(runner->arena, JOIN_INNER, inputs[0], inputs[1], NULL, &count);
    join = (PlanHashJoin *)plan_new(runner->arena, PLAN_HASH_JOIN, 2, inputs, count, columns);
    for (uint32_t k = 0; k < test->key_count; k++) {
        keys[k] = column_of(runner, left, k);
        keys[2 + k] = column_of(runner, right, k);
    }
    join->kind = JOIN_INNER;
    join->left_keys = (ExprList){test->key_count, keys};
    join->right_keys = (ExprList){test->key_count, keys + 2};
    join->null_equal = (BoolList){test->key_count, ARENA_ARRAY(runner->arena, bool, 2)};
    if (has_filter)
        join->runtime_filters = (RuntimeFilterList){1, filter};
    return &join->head;
}

/* The scan's own count of rows, in *rows_out. */
static const char *rows_and_scanned(Runner *runner, const Plan *plan, uint64_t *rows_out)
{
    ExecRequest request = runner_request(runner, plan, (RunMode){2, 64});
    StrBuf text = {.arena = runner->arena};
    const OperatorStatistics *statistics;
    Error err = ERROR_NONE;
    Execution *execution;
    Batch batch;

    ck_assert_int_eq(exec_start(&request, &err, &execution), ST_OK);
    do {
        ck_assert_int_eq(exec_next(execution, &err, &batch), ST_OK);
        add_batch(&text, &batch);
    } while (batch.row_count > 0);
    exec_statistics(execution, runner->arena, &statistics);
    ck_assert_int_eq(statistics[1].node->kind, PLAN_SCAN);
    *rows_out = statistics[1].rows;
    exec_close(execution);
    return strbuf_text(&text);
}

START_TEST(runtime_filters)
{
    const FilterCase *test = &filter_cases[_i];
    Runner runner = runner_open();
    Table *table = make_table(&runner, type_of(test->type));
    uint64_t rows, all_rows;
    const char *expected =
        rows_and_scanned(&runner, filtered_join(&runner, test, table, false), &all_rows);
    const Plan *plan = filtered_join(&runner, test, table, true);

    ck_assert_str_eq(rows_and_scanned(&runner, plan, &rows), expected);
    ck_assert_uint_eq(all_rows, ROWS);
    if (test->type != TYPE_TEXT)
        ck_assert_uint_lt(rows, (uint64_t)(test->build_to - test->build_from) + 30);
    runner_expect(&runner, plan, expected);
    runner_close(&runner);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, predicates);
    tcase_add_test(tests, row_limits);
    tcase_add_loop_test(tests, runtime_filters, 0, FILTER_CASE_COUNT);
}

int main(void)
{
    return runner_main("scan", add_tests);
}
