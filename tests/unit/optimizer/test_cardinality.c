/* test_cardinality.c -- row estimates from statistics and samples */
#include "fake_table.h"
#include "sql/optimizer/cost/cardinality.h"

static double rows_of(Fixture *fix, const Plan *plan)
{
    Estimator *estimator = estimator_of(&fix->rc);

    estimator_prepare(estimator, plan);
    return estimate_plan(estimator, plan)->rows;
}

static const Plan *where(Fixture *fix, const Plan *plan, const Expr *predicate)
{
    return plan_filter(fix->arena, plan, predicate);
}

START_TEST(scans_and_ranges)
{
    Fixture fix;
    Table *t;
    const Plan *scan;
    const Expr *both;

    fixture_open(&fix);
    t = fake_table(&fix, "t", 1000, 3);
    fake_range(t, 0, 1, 1000);
    fake_range(t, 1, 0, 9);
    scan = fake_scan(&fix, t);
    ck_assert_double_eq(rows_of(&fix, scan), 1000);
    ck_assert_double_eq_tol(
        rows_of(&fix, where(&fix, scan, call(&fix, FUNC_LE, col(&fix, scan, 0), num(&fix, 250)))),
        250, 5);
    ck_assert_double_eq_tol(
        rows_of(&fix, where(&fix, scan, call(&fix, FUNC_EQ, col(&fix, scan, 1), num(&fix, 3)))),
        100, 1);
    ck_assert_double_eq_tol(
        rows_of(&fix, where(&fix, scan, call(&fix, FUNC_EQ, num(&fix, 77), col(&fix, scan, 1)))), 0,
        0.01);
    both = call(&fix, FUNC_AND, call(&fix, FUNC_GE, col(&fix, scan, 0), num(&fix, 101)),
                call(&fix, FUNC_LT, col(&fix, scan, 0), num(&fix, 201)));
    ck_assert_double_eq_tol(rows_of(&fix, where(&fix, scan, both)), 100, 5);
    both = call(&fix, FUNC_OR, call(&fix, FUNC_EQ, col(&fix, scan, 1), num(&fix, 1)),
                call(&fix, FUNC_EQ, col(&fix, scan, 1), num(&fix, 2)));
    ck_assert_double_eq_tol(rows_of(&fix, where(&fix, scan, both)), 190, 5);
    fixture_close(&fix);
}
END_TEST

START_TEST(empty_and_unknown_tables)
{
    Fixture fix;
    const Plan *none, *unknown;

    fixture_open(&fix);
    none = fake_scan(&fix, fake_table(&fix, "none", 0, 1));
    unknown = fake_scan(&fix, fake_table(&fix, "unknown", -1, 1));
    ck_assert_double_eq(rows_of(&fix, none), 0);
    ck_assert_double_gt(rows_of(&fix, unknown), 0);
    ck_assert_double_eq(rows_of(&fix, plan_join(fix.arena, JOIN_INNER, none, unknown,
                                                eq(&fix, none, 0, unknown, 0))),
                        0);
    ck_assert_double_eq(rows_of(&fix, plan_empty(fix.arena, unknown)), 0);
    ck_assert_double_eq(rows_of(&fix, plan_one_row(fix.arena)), 1);
    ck_assert_double_eq(rows_of(&fix, plan_aggregate(fix.arena, none, 0, NULL, 0, NULL, NULL)), 1);
    fixture_close(&fix);
}
END_TEST

START_TEST(joins_on_keys)
{
    Fixture fix;
    Table *orders, *items;
    const Plan *o, *l, *few;

    fixture_open(&fix);
    orders = fake_table(&fix, "orders", 1500, 2);
    fake_range(orders, 0, 1, 6000); /* a key with gaps */
    items = fake_table(&fix, "items", 6010, 1);
    fake_range(items, 0, 1, 6000);
    o = fake_scan(&fix, orders);
    l = fake_scan(&fix, items);
    fake_range(orders, 1, 0, 9);
    ck_assert_double_eq_tol(
        rows_of(&fix, plan_join(fix.arena, JOIN_INNER, l, o, eq(&fix, l, 0, o, 0))), 6000, 1500);
    few = where(&fix, o, call(&fix, FUNC_EQ, col(&fix, o, 1), num(&fix, 3)));
    ck_assert_double_eq_tol(
        rows_of(&fix, plan_join(fix.arena, JOIN_INNER, l, few, eq(&fix, l, 0, few, 0))), 600, 150);
    ck_assert_double_eq_tol(
        rows_of(&fix, plan_join(fix.arena, JOIN_SEMI, l, few, eq(&fix, l, 0, few, 0))), 600, 200);
    ck_assert_double_eq_tol(
        rows_of(&fix, plan_join(fix.arena, JOIN_LEFT, l, few, eq(&fix, l, 0, few, 0))), 6010, 1);
    ck_assert_double_eq_tol(rows_of(&fix, plan_join(fix.arena, JOIN_INNER, l, o, NULL)),
                            6010.0 * 1500, 1);
    fixture_close(&fix);
}
END_TEST

START_TEST(joins_on_two_keys)
{
    Fixture fix;
    Table *partsupp, *items;
    const Plan *ps, *l;

    fixture_open(&fix);
    partsupp = fake_table(&fix, "partsupp", 8000, 2);
    fake_range(partsupp, 0, 1, 2000);
    fake_range(partsupp, 1, 1, 100);
    items = fake_table(&fix, "items", 60000, 2);
    fake_range(items, 0, 1, 2000);
    fake_range(items, 1, 1, 100);
    ps = fake_scan(&fix, partsupp);
    l = fake_scan(&fix, items);
    /* 2000 x 100 combinations, of which partsupp has 8000: each item finds its one */
    ck_assert_double_eq_tol(
        rows_of(&fix, plan_join(fix.arena, JOIN_INNER, l, ps,
                                expr_and(fix.arena, eq(&fix, l, 0, ps, 0), eq(&fix, l, 1, ps, 1)))),
        60000, 100);
    fixture_close(&fix);
}
END_TEST

START_TEST(groups)
{
    Fixture fix;
    Table *t;
    const Plan *scan;
    ColumnId keys[2];
    const Expr *agg, *having;
    PlanColumn column;
    const Plan *grouped;

    fixture_open(&fix);
    t = fake_table(&fix, "t", 60000, 3);
    fake_range(t, 0, 1, 3);
    fake_range(t, 1, 1, 2);
    fake_distinct(t, 2, 15000);
    scan = fake_scan(&fix, t);
    keys[0] = scan->columns[0].id;
    keys[1] = scan->columns[1].id;
    ck_assert_double_eq_tol(rows_of(&fix, plan_aggregate(fix.arena, scan, 2, keys, 0, NULL, NULL)),
                            6, 0.1);
    /* groups of four rows of 1..3: the sum passes 30 almost never */
    keys[0] = scan->columns[2].id;
    agg = expr_agg(fix.arena, AGG_SUM, type_decimal(38, 0), 1,
                   (const Expr *const[]){col(&fix, scan, 0)}, false, NULL);
    column = (PlanColumn){plan_new_column(&fix.ids), agg->type, "sum", true};
    grouped = plan_aggregate(fix.arena, scan, 1, keys, 1, &agg, &column);
    having = call(&fix, FUNC_GT, expr_column(fix.arena, column.id, column.type),
                  expr_const(fix.arena, value_decimal(30, 38, 0)));
    ck_assert_double_eq_tol(rows_of(&fix, grouped), 15000, 500);
    ck_assert_double_lt(rows_of(&fix, where(&fix, grouped, having)), 50);
    fixture_close(&fix);
}
END_TEST

/* Counts rows whose first column is even. */
static Status keep_even(Arena *arena, const Expr *predicate, uint32_t column_count,
                        const PlanColumn *columns, const Column *values, uint32_t row_count,
                        Error *err, uint32_t *kept_count_out)
{
    (void)arena, (void)predicate, (void)columns, (void)err;
    ck_assert_uint_eq(column_count, 1);
    *kept_count_out = 0;
    for (uint32_t i = 0; i < row_count; i++)
        *kept_count_out += ((const int64_t *)values[0].values)[i] % 2 == 0;
    return ST_OK;
}

START_TEST(samples)
{
    enum { ROWS = 1000 };
    Fixture fix;
    Table *t;
    int64_t *values;
    Column *sample;
    const Plan *scan, *filtered, *joined;
    ColumnEstimate column;

    fixture_open(&fix);
    fix.request.eval_filter = keep_even;
    t = fake_table(&fix, "t", 100000, 1);
    values = ARENA_ARRAY(fix.arena, int64_t, ROWS);
    sample = ARENA_NEW(fix.arena, Column);
    for (int i = 0; i < ROWS; i++)
        values[i] = (int64_t)((uint32_t)i * 2654435761u % 500);
    *sample = (Column){.type = type_of(TYPE_INT8), .form = COLUMN_FLAT, .values = values};
    ((FakeTable *)t)->sample = sample;
    ((FakeTable *)t)->sample_rows = ROWS;
    scan = fake_scan(&fix, t);
    filtered = where(
        &fix, scan,
        call(&fix, FUNC_EQ, call(&fix, FUNC_MOD, col(&fix, scan, 0), num(&fix, 2)), num(&fix, 0)));
    /* samples are only read when the plan joins */
    joined = plan_join(fix.arena, JOIN_INNER, filtered, fake_scan(&fix, t), NULL);
    rows_of(&fix, joined);
    ck_assert_double_eq_tol(rows_of(&fix, filtered), 50000, 2000);
    column = estimate_column(estimator_of(&fix.rc), scan, scan->columns[0].id);
    ck_assert_double_eq_tol(column.distinct_count, 500, 150);
    fixture_close(&fix);
}
END_TEST

START_TEST(bounds_of_products)
{
    Fixture fix;
    Table *t;
    const Plan *scan, *project;
    const Expr *product;
    PlanColumn column;
    ColumnEstimate estimate;

    fixture_open(&fix);
    t = fake_table(&fix, "t", 100, 2);
    fake_type(t, 0, type_decimal(15, 2));
    fake_type(t, 1, type_decimal(15, 2));
    fake_range(t, 0, -500, 1000);
    fake_range(t, 1, -3, 7);
    scan = fake_scan(&fix, t);
    product = expr_call2(fix.arena, FUNC_MUL, type_decimal(30, 4), col(&fix, scan, 0),
                         col(&fix, scan, 1));
    column = (PlanColumn){plan_new_column(&fix.ids), product->type, "p", true};
    project = plan_project(fix.arena, scan, 1, &product, &column);
    estimate = estimate_column(estimator_of(&fix.rc), project, column.id);
    ck_assert(estimate.has_bounds);
    ck_assert(estimate.min == -3500 && estimate.max == 7000);
    fixture_close(&fix);
}
END_TEST

START_TEST(ranges_of_all_there_are)
{
    Fixture fix;
    Table *t;
    const Plan *scan;

    fixture_open(&fix);
    t = fake_table(&fix, "t", 1000, 2);
    fake_range(t, 0, INT64_MIN, INT64_MAX);
    fake_type(t, 1, type_decimal(38, 0));
    fake_range(t, 1, 0, 0);
    ((FakeTable *)t)->statistics[1].min.int128 = -((Int128)INT64_MAX << 63);
    ((FakeTable *)t)->statistics[1].max.int128 = (Int128)INT64_MAX << 63;
    scan = fake_scan(&fix, t);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_double_eq_tol(
            estimate_column(estimator_of(&fix.rc), scan, scan->columns[i].id).distinct_count, 1000,
            1);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {scans_and_ranges,
                                  empty_and_unknown_tables,
                                  joins_on_keys,
                                  joins_on_two_keys,
                                  groups,
                                  samples,
                                  bounds_of_products,
                                  ranges_of_all_there_are};

    return run_tests("cardinality", tests, sizeof tests / sizeof tests[0]);
}
