/* test_pipeline.c -- stages, order, limits, shared plans, errors, cancelling */
#include <pthread.h>
#include <time.h>

#include "tests/unit/exec/plan_runner.h"

/* --- plans --- */

/* One column of int8: 0, 1, ..., row_count - 1. */
static const Plan *numbers(Runner *runner, uint32_t row_count, uint32_t split_rows)
{
    Type type = type_of(TYPE_INT8);
    int64_t *rows = ARENA_ARRAY(runner->arena, int64_t, row_count);

    for (uint32_t i = 0; i < row_count; i++)
        rows[i] = i;
    return runner_scan(runner, runner_table(runner, 1, &type, row_count, rows, split_rows));
}

static const Expr *number(Runner *runner, int64_t value)
{
    return expr_const(runner->arena, value_int8(value));
}

/* input WHERE column 0 <op> value */
static const Plan *where(Runner *runner, const Plan *input, FuncId func, int64_t value)
{
    return plan_filter(runner->arena, input,
                       bool_call(runner, func, column_of(runner, input, 0), number(runner, value)));
}

/* column 0 + value */
static const Plan *plus(Runner *runner, const Plan *input, int64_t value)
{
    const Expr *sum = expr_call2(runner->arena, FUNC_ADD, type_of(TYPE_INT8),
                                 column_of(runner, input, 0), number(runner, value));
    PlanColumn column = {.id = plan_new_column(&runner->ids),
                         .type = type_of(TYPE_INT8),
                         .name = "sum",
                         .is_nullable = true};

    return plan_project(runner->arena, input, 1, &sum, &column);
}

static const Plan *union_of(Runner *runner, const Plan *a, const Plan *b)
{
    const Plan *inputs[2] = {a, b};
    ColumnList maps[2] = {{1, &a->columns[0].id}, {1, &b->columns[0].id}};
    PlanColumn column = {.id = plan_new_column(&runner->ids),
                         .type = type_of(TYPE_INT8),
                         .name = "u",
                         .is_nullable = true};

    return plan_union(runner->arena, 2, inputs, maps, 1, &column);
}

static const Plan *shared(Runner *runner, const Plan *input, int64_t id)
{
    ColumnList map = {1, &input->columns[0].id};
    PlanColumn column = {.id = plan_new_column(&runner->ids),
                         .type = type_of(TYPE_INT8),
                         .name = "s",
                         .is_nullable = true};

    return plan_shared(runner->arena, input, id, "s", false, &map, 1, &column);
}

static const Plan *join(Runner *runner, JoinKind kind, const Plan *left, const Plan *right)
{
    const Plan *inputs[2] = {left, right};
    uint32_t count;
    const PlanColumn *columns = plan_join_columns(runner->arena, kind, left, right, NULL, &count);
    PlanHashJoin *node =
        (PlanHashJoin *)plan_new(runner->arena, PLAN_HASH_JOIN, 2, inputs, count, columns);
    const Expr **keys = ARENA_ARRAY(runner->arena, const Expr *, 2);

    keys[0] = column_of(runner, left, 0);
    keys[1] = column_of(runner, right, 0);
    node->kind = kind;
    node->left_keys = (ExprList){1, keys};
    node->right_keys = (ExprList){1, keys + 1};
    node->null_equal = (BoolList){1, ARENA_NEW(runner->arena, bool)};
    return &node->head;
}

static const Plan *series(Runner *runner, Type type, const Value args[3])
{
    const Expr *exprs[3];
    PlanColumn column = {.id = plan_new_column(&runner->ids), .type = type, .name = "g"};

    for (uint32_t i = 0; i < 3; i++)
        exprs[i] = expr_const(runner->arena, args[i]);
    return plan_table_function(runner->arena, NULL, TABLE_FUNCTION_GENERATE_SERIES,
                               (ExprList){3, exprs}, column);
}

/* "from\n...to-1\n" */
static const char *lines(Runner *runner, int64_t from, int64_t to)
{
    StrBuf text = {.arena = runner->arena};

    for (int64_t i = from; i < to; i++)
        strbuf_printf(&text, "%" PRId64 "\n", i);
    return strbuf_text(&text);
}

static const char *both(Runner *runner, const char *a, const char *b)
{
    return arena_printf(runner->arena, "%s%s", a, b);
}

/* --- streaming --- */

START_TEST(scan_filter_project)
{
    Runner runner = runner_open();
    const Plan *plan = numbers(&runner, 1000, 37);

    runner_expect(&runner, plan, lines(&runner, 0, 1000));
    plan = where(&runner, where(&runner, plan, FUNC_GE, 100), FUNC_LT, 300);
    runner_expect(&runner, plan, lines(&runner, 100, 300));
    runner_expect(&runner, plus(&runner, plan, 5), lines(&runner, 105, 305));
    runner_expect(&runner, where(&runner, plus(&runner, plan, 5), FUNC_GE, 200),
                  lines(&runner, 200, 305));
    runner_close(&runner);
}
END_TEST

START_TEST(empty_inputs)
{
    Runner runner = runner_open();
    const Plan *none = numbers(&runner, 0, 10), *some = numbers(&runner, 10, 3);

    runner_expect(&runner, none, "");
    runner_expect(&runner, plan_empty(runner.arena, some), "");
    runner_expect(&runner, join(&runner, JOIN_INNER, some, none), "");
    runner_expect(&runner, join(&runner, JOIN_ANTI, some, none), lines(&runner, 0, 10));
    runner_expect(&runner, join(&runner, JOIN_RIGHT_ANTI, none, some), lines(&runner, 0, 10));
    runner_expect(&runner, union_of(&runner, none, some), lines(&runner, 0, 10));
    runner_close(&runner);
}
END_TEST

START_TEST(values)
{
    Runner runner = runner_open();
    const Expr *cells[3] = {number(&runner, 4),
                            expr_const(runner.arena, value_null(type_of(TYPE_INT8))),
                            number(&runner, 7)};
    ExprList rows[3] = {{1, cells}, {1, cells + 1}, {1, cells + 2}};
    PlanColumn column = {.id = plan_new_column(&runner.ids),
                         .type = type_of(TYPE_INT8),
                         .name = "v",
                         .is_nullable = true};

    runner_expect(&runner, plan_values(runner.arena, 1, &column, 3, rows), "4\n-\n7\n");
    runner_expect(&runner, plan_one_row(runner.arena), "\n");
    runner_close(&runner);
}
END_TEST

START_TEST(unions_in_order)
{
    Runner runner = runner_open();
    const Plan *a = numbers(&runner, 100, 7), *b = numbers(&runner, 50, 11);
    const char *expected = both(&runner, lines(&runner, 0, 100), lines(&runner, 10, 60));
    const Plan *plan = union_of(&runner, a, plus(&runner, b, 10));

    runner_expect(&runner, plan, expected);
    runner_expect(&runner, union_of(&runner, plan, plan), both(&runner, expected, expected));
    runner_expect(&runner, plus(&runner, union_of(&runner, plan, a), 0),
                  both(&runner, expected, lines(&runner, 0, 100)));
    runner_close(&runner);
}
END_TEST

/* Rows of the build side that come out after the probe keep their place before the union's next
 * input. */
START_TEST(unmatched_rows_inside_a_union)
{
    Runner runner = runner_open();
    const Plan *few = where(&runner, numbers(&runner, 60, 7), FUNC_LT, 20);
    const Plan *many = numbers(&runner, 60, 13);
    const Plan *outer = join(&runner, JOIN_RIGHT_ANTI, few, many);
    const Plan *twice = join(&runner, JOIN_RIGHT_SEMI, outer, numbers(&runner, 50, 5));

    runner_expect(&runner, outer, lines(&runner, 20, 60));
    runner_expect(&runner, union_of(&runner, outer, few),
                  both(&runner, lines(&runner, 20, 60), lines(&runner, 0, 20)));
    runner_expect(&runner, union_of(&runner, few, union_of(&runner, twice, outer)),
                  both(&runner, both(&runner, lines(&runner, 0, 20), lines(&runner, 20, 50)),
                       lines(&runner, 20, 60)));
    runner_close(&runner);
}
END_TEST

START_TEST(shared_plans)
{
    Runner runner = runner_open();
    const Plan *input = where(&runner, numbers(&runner, 3000, 100), FUNC_LT, 2500);
    const Plan *first = shared(&runner, input, 1), *second = shared(&runner, input, 1);

    runner_expect(&runner, join(&runner, JOIN_SEMI, where(&runner, first, FUNC_GE, 2000), second),
                  lines(&runner, 2000, 2500));
    runner_expect(&runner, union_of(&runner, first, second),
                  both(&runner, lines(&runner, 0, 2500), lines(&runner, 0, 2500)));
    runner_close(&runner);
}
END_TEST

START_TEST(series_of_numbers)
{
    Runner runner = runner_open();
    Type type = type_of(TYPE_INT8);
    Value up[3] = {value_int8(3), value_int8(4000), value_int8(1)};
    Value down[3] = {value_int8(5), value_int8(-5), value_int8(-3)};
    Value never[3] = {value_int8(5), value_int8(-5), value_int8(3)};
    Value null[3] = {value_int8(5), value_null(type), value_int8(3)};
    Value edge[3] = {value_int8(INT64_MAX - 1), value_int8(INT64_MAX), value_int8(1)};
    Value still[3] = {value_int8(1), value_int8(2), value_int8(0)};
    Error err = ERROR_NONE;
    const char *text;

    runner_expect(&runner, series(&runner, type, up), lines(&runner, 3, 4001));
    runner_expect(&runner, series(&runner, type, down), "5\n2\n-1\n-4\n");
    runner_expect(&runner, series(&runner, type, never), "");
    runner_expect(&runner, series(&runner, type, null), "");
    runner_expect(&runner, series(&runner, type, edge),
                  "9223372036854775806\n9223372036854775807\n");
    ck_assert_int_eq(runner_try(&runner, series(&runner, type, still), run_modes[0], &err, &text),
                     ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "22023");
    runner_close(&runner);
}
END_TEST

/* 31 January and a month at a time: the day that was cut off does not come back. */
START_TEST(series_of_months)
{
    Runner runner = runner_open();
    Type type = type_of(TYPE_TIMESTAMP), step = type_of(TYPE_INTERVAL);
    const int64_t day = (int64_t)86400 * 1000000;
    Value args[3] = {value_int8(30 * day), value_int8(120 * day), value_null(step)};
    const char *expected =
        arena_printf(runner.arena, "%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n", 30 * day,
                     58 * day, 86 * day, 117 * day);

    args[0].type = args[1].type = type;
    args[2].is_null = false;
    args[2].interval = (Interval){.months = 1};
    runner_expect(&runner, series(&runner, type, args), expected);
    runner_close(&runner);
}
END_TEST

/* --- LIMIT --- */

START_TEST(limit_on_top)
{
    Runner runner = runner_open();
    const Plan *plan = numbers(&runner, 5000, 100);

    runner_expect(&runner, plan_limit(runner.arena, plan, 0, 10), lines(&runner, 0, 10));
    runner_expect(&runner, plan_limit(runner.arena, plan, 250, 1000), lines(&runner, 250, 1250));
    runner_expect(&runner, plan_limit(runner.arena, plan, 4990, 100), lines(&runner, 4990, 5000));
    runner_expect(&runner, plan_limit(runner.arena, plan, 6000, 100), "");
    runner_expect(&runner, plan_limit(runner.arena, plan, 10, 0), "");
    runner_expect(&runner, plan_limit(runner.arena, plan, 4000, ALL_ROWS),
                  lines(&runner, 4000, 5000));
    plan = where(&runner, plan, FUNC_GE, 3333);
    runner_expect(&runner, plan_limit(runner.arena, plan, 1, 3), lines(&runner, 3334, 3337));
    runner_close(&runner);
}
END_TEST

START_TEST(limit_inside)
{
    Runner runner = runner_open();
    const Plan *plan = where(&runner, numbers(&runner, 5000, 100), FUNC_GE, 700);

    for (int64_t rows = 0; rows < 5000; rows += 811)
        runner_expect(&runner, plus(&runner, plan_limit(runner.arena, plan, 100, rows), 0),
                      lines(&runner, 800, 800 + rows < 5000 ? 800 + rows : 5000));
    plan = plan_limit(runner.arena, plan, 10, 5);
    runner_expect(&runner, union_of(&runner, plan, plan),
                  both(&runner, lines(&runner, 710, 715), lines(&runner, 710, 715)));
    runner_close(&runner);
}
END_TEST

/* The first rows need a few splits only, of very many rows. */
START_TEST(limit_stops_the_input)
{
    Runner runner = runner_open();
    Value args[3] = {value_int8(0), value_int8(INT64_MAX / 2), value_int8(1)};
    const Plan *plan = series(&runner, type_of(TYPE_INT8), args);

    for (uint32_t i = 0; i < RUN_MODE_COUNT; i++) {
        const Plan *inner = plus(&runner, plan_limit(runner.arena, plan, 5, 20), 0);

        ck_assert_str_eq(runner_rows(&runner, plan_limit(runner.arena, plan, 5, 20), run_modes[i]),
                         lines(&runner, 5, 25));
        ck_assert_str_eq(runner_rows(&runner, inner, run_modes[i]), lines(&runner, 5, 25));
    }
    runner_close(&runner);
}
END_TEST

/* --- errors and cancelling --- */

START_TEST(errors_come_out)
{
    Runner runner = runner_open();
    Value still[3] = {value_int8(1), value_int8(2), value_int8(0)};
    const Plan *bad = series(&runner, type_of(TYPE_INT8), still);
    const Plan *plan = union_of(&runner, numbers(&runner, 1000, 10), bad);

    for (uint32_t i = 0; i < RUN_MODE_COUNT; i++) {
        Error err = ERROR_NONE;
        const char *text;

        ck_assert_int_eq(runner_try(&runner, plan, run_modes[i], &err, &text), ST_BAD_INPUT);
        ck_assert_str_eq(err.message, "step size cannot equal zero");
    }
    runner_close(&runner);
}
END_TEST

static void *cancel_soon(void *execution)
{
    struct timespec wait = {.tv_nsec = 30 * 1000000};

    nanosleep(&wait, NULL);
    exec_cancel(execution);
    return NULL;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void expect_cancel(Runner *runner, const Plan *plan, uint32_t threads)
{
    ExecRequest request = runner_request(runner, plan, (RunMode){threads, 2048});
    Error err = ERROR_NONE;
    Execution *execution;
    Batch batch = {0};
    pthread_t thread;
    Status status;
    double start;

    ck_assert_int_eq(exec_start(&request, &err, &execution), ST_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, execution), 0);
    start = seconds_now();
    do {
        status = exec_next(execution, &err, &batch);
    } while (status == ST_OK && batch.row_count > 0);
    ck_assert_int_eq(status, ST_CANCELLED);
    ck_assert_str_eq(err.sqlstate, "57014");
    ck_assert(seconds_now() - start < 5);
    pthread_join(thread, NULL);
    exec_close(execution);
}

START_TEST(cancelling)
{
    Runner runner = runner_open();
    Value args[3] = {value_int8(0), value_int8(INT64_MAX / 2), value_int8(1)};
    const Plan *endless = series(&runner, type_of(TYPE_INT8), args);
    const Plan *nothing = where(&runner, endless, FUNC_LT, 0);

    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        expect_cancel(&runner, endless, threads);
        expect_cancel(&runner, nothing, threads);
        expect_cancel(&runner, join(&runner, JOIN_INNER, numbers(&runner, 10, 1), nothing),
                      threads);
    }
    runner_close(&runner);
}
END_TEST

/* Closing early stops what runs, also threads that wait for a slow reader. */
START_TEST(closing_early)
{
    Runner runner = runner_open();
    Value args[3] = {value_int8(0), value_int8(INT64_MAX / 2), value_int8(1)};
    const Plan *endless = series(&runner, type_of(TYPE_INT8), args);

    for (uint32_t i = 0; i < RUN_MODE_COUNT; i++) {
        ExecRequest request = runner_request(&runner, endless, run_modes[i]);
        struct timespec wait = {.tv_nsec = 20 * 1000000};
        Error err = ERROR_NONE;
        Execution *execution;
        Batch batch;

        ck_assert_int_eq(exec_start(&request, &err, &execution), ST_OK);
        ck_assert_int_eq(exec_next(execution, &err, &batch), ST_OK);
        ck_assert_uint_gt(batch.row_count, 0);
        nanosleep(&wait, NULL);
        exec_close(execution);
    }
    runner_close(&runner);
}
END_TEST

/* --- what EXPLAIN shows --- */

START_TEST(stages_as_text)
{
    Runner runner = runner_open();
    const Plan *plan = join(&runner, JOIN_FULL, where(&runner, numbers(&runner, 10, 5), FUNC_LT, 5),
                            numbers(&runner, 10, 5));

    ck_assert_str_eq(exec_print_stages(runner.arena, plan),
                     "Stage 0\n"
                     "  scan t -> join build\n"
                     "Stage 1 (after 0)\n"
                     "  scan t -> project -> join probe -> result (more to come)\n"
                     "Stage 2 (after 1, 0)\n"
                     "  join unmatched -> result\n");
    runner_close(&runner);
}
END_TEST

START_TEST(statistics)
{
    Runner runner = runner_open();
    const Plan *left = where(&runner, numbers(&runner, 1000, 100), FUNC_LT, 500);
    const Plan *plan = plan_limit(
        runner.arena, join(&runner, JOIN_INNER, left, numbers(&runner, 400, 50)), 0, 300);
    ExecRequest request = runner_request(&runner, plan, (RunMode){1, 100});
    const OperatorStatistics *rows;
    Error err = ERROR_NONE;
    Execution *execution;
    ExecProgress progress;
    Batch batch;

    request.analyze = true;
    ck_assert_int_eq(exec_start(&request, &err, &execution), ST_OK);
    do {
        ck_assert_int_eq(exec_next(execution, &err, &batch), ST_OK);
    } while (batch.row_count > 0);
    ck_assert_uint_eq(exec_statistics(execution, runner.arena, &rows), 5);
    ck_assert_int_eq(rows[0].node->kind, PLAN_LIMIT);
    ck_assert_uint_eq(rows[0].rows, 300);
    ck_assert_int_eq(rows[1].node->kind, PLAN_HASH_JOIN);
    ck_assert_uint_eq(rows[1].depth, 1);
    ck_assert_uint_ge(rows[1].rows, 300);
    ck_assert_uint_gt(rows[1].memory_bytes, 400 * 8);
    ck_assert_int_eq(rows[2].node->kind, PLAN_FILTER);
    ck_assert_int_eq(rows[4].node->kind, PLAN_SCAN);
    ck_assert_uint_eq(rows[4].rows, 400);
    ck_assert_uint_eq(rows[4].stage, 0);
    progress = exec_progress(execution);
    ck_assert_uint_ge(progress.rows_done, 700);
    exec_close(execution);
    runner_close(&runner);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, scan_filter_project);
    tcase_add_test(tests, empty_inputs);
    tcase_add_test(tests, values);
    tcase_add_test(tests, unions_in_order);
    tcase_add_test(tests, unmatched_rows_inside_a_union);
    tcase_add_test(tests, shared_plans);
    tcase_add_test(tests, series_of_numbers);
    tcase_add_test(tests, series_of_months);
    tcase_add_test(tests, limit_on_top);
    tcase_add_test(tests, limit_inside);
    tcase_add_test(tests, limit_stops_the_input);
    tcase_add_test(tests, errors_come_out);
    tcase_add_test(tests, cancelling);
    tcase_add_test(tests, closing_early);
    tcase_add_test(tests, stages_as_text);
    tcase_add_test(tests, statistics);
}

int main(void)
{
    return runner_main("pipeline", add_tests);
}
