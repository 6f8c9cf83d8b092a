/* test_physical.c -- joins by hash, sides, top-N, runtime filters, NOT IN */
#include "fake_table.h"
#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/physical_internal.h"

static const Plan *build(Fixture *fix, const Plan *logical)
{
    const Plan *physical = NULL;

    ck_assert_int_eq(physical_plan_build(&fix->rc, logical, &physical), ST_OK);
    ck_assert_int_eq(plan_check(fix->arena, physical, (ColumnSet){0}, &fix->err), ST_OK);
    ck_assert_uint_eq(physical->column_count, logical->column_count);
    for (uint32_t i = 0; i < logical->column_count; i++)
        ck_assert_uint_eq(physical->columns[i].id, logical->columns[i].id);
    ck_assert_double_ge(physical->estimated_rows, 0);
    return physical;
}

static const Plan *find(const Plan *plan, PlanKind kind)
{
    const Plan *found = plan->kind == kind ? plan : NULL;

    for (uint32_t i = 0; found == NULL && i < plan->input_count; i++)
        found = find(plan->inputs[i], kind);
    return found;
}

static const Plan *scan_of(Fixture *fix, const char *name, double rows)
{
    Table *table = fake_table(fix, name, rows, 2);

    fake_range(table, 0, 1, (int64_t)rows);
    fake_range(table, 1, 1, 10);
    return fake_scan(fix, table);
}

START_TEST(keys_and_residual)
{
    Fixture fix;
    const Plan *a, *b, *physical;
    const Expr *condition;
    const PlanHashJoin *join;

    fixture_open(&fix);
    a = scan_of(&fix, "a", 10);
    b = scan_of(&fix, "b", 1000);
    condition =
        expr_and(fix.arena, eq(&fix, b, 0, a, 0),
                 expr_and(fix.arena, call(&fix, FUNC_LT, col(&fix, a, 1), col(&fix, b, 1)),
                          call(&fix, FUNC_NOT_DISTINCT_FROM, col(&fix, a, 1), col(&fix, b, 1))));
    physical = build(&fix, plan_join(fix.arena, JOIN_INNER, a, b, condition));
    join = plan_as_hash_join(find(physical, PLAN_HASH_JOIN));
    ck_assert_ptr_nonnull(join);
    /* the smaller side is built, that is, on the right */
    ck_assert_ptr_eq(plan_as_scan(join->head.inputs[1])->table, plan_as_scan(a)->table);
    ck_assert_uint_eq(join->left_keys.count, 2);
    ck_assert_uint_eq(join->left_keys.items[0]->column, b->columns[0].id);
    ck_assert(!join->null_equal.items[0] && join->null_equal.items[1]);
    ck_assert_ptr_nonnull(join->residual);
    ck_assert_int_eq(join->residual->func, FUNC_LT);
    /* and nothing of it without an equality */
    physical = build(&fix, plan_join(fix.arena, JOIN_LEFT, a, b,
                                     call(&fix, FUNC_LT, col(&fix, a, 1), col(&fix, b, 1))));
    ck_assert_ptr_nonnull(find(physical, PLAN_NESTED_JOIN));
    fixture_close(&fix);
}
END_TEST

START_TEST(kept_side_is_built)
{
    static const struct {
        JoinKind kind, exchanged;
    } cases[] = {
        {JOIN_LEFT, JOIN_RIGHT_OUTER}, {JOIN_SEMI, JOIN_RIGHT_SEMI}, {JOIN_ANTI, JOIN_RIGHT_ANTI}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Fixture fix;
        const Plan *small, *big, *physical;

        fixture_open(&fix);
        small = scan_of(&fix, "small", 10);
        big = scan_of(&fix, "big", 100000);
        physical = build(
            &fix, plan_join(fix.arena, cases[i].kind, small, big, eq(&fix, small, 0, big, 0)));
        ck_assert_int_eq(plan_as_hash_join(find(physical, PLAN_HASH_JOIN))->kind,
                         (int)cases[i].exchanged);
        physical = build(
            &fix, plan_join(fix.arena, cases[i].kind, big, small, eq(&fix, small, 0, big, 0)));
        ck_assert_int_eq(plan_as_hash_join(find(physical, PLAN_HASH_JOIN))->kind,
                         (int)cases[i].kind);
        fixture_close(&fix);
    }
}
END_TEST

START_TEST(top_n)
{
    Fixture fix;
    const Plan *a, *sorted;
    SortKey key;

    fixture_open(&fix);
    a = scan_of(&fix, "a", 1000000);
    key = (SortKey){.column = a->columns[0].id, .type = a->columns[0].type};
    sorted = plan_sort(fix.arena, a, 1, &key);
    ck_assert_int_eq(build(&fix, plan_limit(fix.arena, sorted, 5, 10))->kind, PLAN_TOP_N);
    ck_assert_int_eq(build(&fix, plan_limit(fix.arena, sorted, 0, 200000))->kind, PLAN_LIMIT);
    ck_assert_int_eq(build(&fix, plan_limit(fix.arena, sorted, INT64_MAX - 1, 10))->kind,
                     PLAN_LIMIT);
    ck_assert_int_eq(build(&fix, plan_limit(fix.arena, sorted, 5, ALL_ROWS))->kind, PLAN_LIMIT);
    ck_assert_int_eq(build(&fix, plan_limit(fix.arena, a, 5, 10))->kind, PLAN_LIMIT);
    fixture_close(&fix);
}
END_TEST

/* --- runtime filters --- */

static const PlanScan *scan_by_name(const Plan *plan, const char *name)
{
    const PlanScan *scan = plan_as_scan(plan);

    if (scan != NULL)
        return strcmp(scan->alias, name) == 0 ? scan : NULL;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        scan = scan_by_name(plan->inputs[i], name);
        if (scan != NULL)
            return scan;
    }
    return NULL;
}

START_TEST(filters_reach_scans)
{
    Fixture fix;
    const Plan *fact, *dim, *few, *joined, *physical;
    const PlanHashJoin *join;
    const PlanScan *scan;
    const Expr *doubled;
    PlanColumn columns[2];
    const Expr *exprs[2];

    fixture_open(&fix);
    fact = scan_of(&fix, "fact", 100000);
    dim = scan_of(&fix, "dim", 1000);
    fake_range(plan_as_scan(fact)->table, 1, 1, 1000);
    few = plan_filter(fix.arena, dim, call(&fix, FUNC_EQ, col(&fix, dim, 1), num(&fix, 3)));
    /* through a projection, on the bare column */
    doubled = expr_call2(fix.arena, FUNC_ADD, type_of(TYPE_INT8), col(&fix, fact, 0), num(&fix, 1));
    exprs[0] = doubled;
    exprs[1] = col(&fix, fact, 1);
    columns[0] = (PlanColumn){plan_new_column(&fix.ids), doubled->type, "d", true};
    columns[1] = fact->columns[1];
    joined = plan_join(fix.arena, JOIN_INNER, plan_project(fix.arena, fact, 2, exprs, columns), few,
                       eq(&fix, fact, 1, dim, 0));
    physical = build(&fix, joined);
    join = plan_as_hash_join(find(physical, PLAN_HASH_JOIN));
    ck_assert_uint_eq(join->runtime_filters.count, 1);
    scan = scan_by_name(physical, "fact");
    ck_assert_uint_eq(scan->runtime_filters.count, 1);
    ck_assert_uint_eq(scan->runtime_filters.items[0].id, join->runtime_filters.items[0].id);
    ck_assert_uint_eq(scan->runtime_filters.items[0].column, fact->columns[1].id);
    /* a build side that holds all values filters nothing */
    physical = build(&fix, plan_join(fix.arena, JOIN_INNER, fact, dim, eq(&fix, fact, 1, dim, 0)));
    ck_assert_uint_eq(plan_as_hash_join(find(physical, PLAN_HASH_JOIN))->runtime_filters.count, 0);
    /* a left join keeps all rows of its left input */
    physical = build(&fix, plan_join(fix.arena, JOIN_LEFT, fact, few, eq(&fix, fact, 1, dim, 0)));
    ck_assert_uint_eq(scan_by_name(physical, "fact")->runtime_filters.count, 0);
    fixture_close(&fix);
}
END_TEST

START_TEST(inequalities_bound_scans)
{
    Fixture fix;
    const Plan *fact, *dim, *one, *physical;
    const PlanNestedJoin *join;
    const PlanScan *scan;

    fixture_open(&fix);
    fact = scan_of(&fix, "fact", 100000);
    dim = scan_of(&fix, "dim", 1000);
    one = plan_limit(fix.arena, dim, 0, 1);
    physical = build(&fix, plan_join(fix.arena, JOIN_INNER, fact, one,
                                     call(&fix, FUNC_GT, col(&fix, dim, 0), col(&fix, fact, 1))));
    join = plan_as_nested_join(find(physical, PLAN_NESTED_JOIN));
    ck_assert_uint_eq(join->runtime_filters.count, 1);
    ck_assert_int_eq(join->runtime_filters.items[0].kind, FILTER_AT_MOST);
    scan = scan_by_name(physical, "fact");
    ck_assert_uint_eq(scan->runtime_filters.count, 1);
    ck_assert_uint_eq(scan->runtime_filters.items[0].column, fact->columns[1].id);
    /* many build rows bound nothing */
    physical = build(&fix, plan_join(fix.arena, JOIN_INNER, fact, dim,
                                     call(&fix, FUNC_GT, col(&fix, dim, 0), col(&fix, fact, 1))));
    ck_assert_uint_eq(scan_by_name(physical, "fact")->runtime_filters.count, 0);
    /* a left join keeps all rows of its left input */
    physical = build(&fix, plan_join(fix.arena, JOIN_LEFT, fact, one,
                                     call(&fix, FUNC_GT, col(&fix, dim, 0), col(&fix, fact, 1))));
    ck_assert_uint_eq(scan_by_name(physical, "fact")->runtime_filters.count, 0);
    fixture_close(&fix);
}
END_TEST

START_TEST(filters_stop_where_rows_count)
{
    Fixture fix;
    const Plan *fact, *dim, *few, *physical;
    ColumnId key;
    const Expr *count;
    PlanColumn column;

    fixture_open(&fix);
    fact = scan_of(&fix, "fact", 100000);
    dim = scan_of(&fix, "dim", 1000);
    fake_range(plan_as_scan(fact)->table, 1, 1, 1000);
    few = plan_filter(fix.arena, dim, call(&fix, FUNC_EQ, col(&fix, dim, 1), num(&fix, 3)));
    physical = build(&fix, plan_join(fix.arena, JOIN_INNER, plan_limit(fix.arena, fact, 0, 50000),
                                     few, eq(&fix, fact, 1, dim, 0)));
    ck_assert_uint_eq(scan_by_name(physical, "fact")->runtime_filters.count, 0);
    /* through an aggregate, on its key */
    key = fact->columns[1].id;
    count = expr_agg(fix.arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL);
    column = (PlanColumn){plan_new_column(&fix.ids), count->type, "n", false};
    physical = build(&fix, plan_join(fix.arena, JOIN_INNER,
                                     plan_aggregate(fix.arena, fact, 1, &key, 1, &count, &column),
                                     few, eq(&fix, fact, 1, dim, 0)));
    ck_assert_uint_eq(scan_by_name(physical, "fact")->runtime_filters.count, 1);
    fixture_close(&fix);
}
END_TEST

/* --- NOT IN --- */

START_TEST(not_in)
{
    Fixture fix;
    const Plan *a, *b, *physical;
    PlanColumn mark;

    fixture_open(&fix);
    a = scan_of(&fix, "a", 1000);
    b = scan_of(&fix, "b", 100);
    physical = build(&fix, plan_anti_join(fix.arena, a, b, NULL, eq(&fix, a, 0, b, 0)));
    ck_assert_ptr_nonnull(find(physical, PLAN_SHARED));
    ck_assert_ptr_nonnull(find(physical, PLAN_HASH_JOIN));
    ck_assert_ptr_null(plan_as_hash_join(find(physical, PLAN_HASH_JOIN))->null_aware);
    physical =
        build(&fix, plan_anti_join(fix.arena, a, b, eq(&fix, a, 1, b, 1), eq(&fix, a, 0, b, 0)));
    ck_assert_ptr_nonnull(find(physical, PLAN_SHARED));
    ck_assert_ptr_null(find(physical, PLAN_NESTED_JOIN));
    mark = (PlanColumn){plan_new_column(&fix.ids), type_of(TYPE_BOOL), "mark", true};
    physical = build(
        &fix, plan_mark_join(fix.arena, a, b, eq(&fix, a, 1, b, 1), eq(&fix, a, 0, b, 0), mark));
    ck_assert_ptr_nonnull(find(physical, PLAN_SHARED));
    /* pairs of columns are compared one by one */
    physical = build(
        &fix, plan_anti_join(fix.arena, a, b, NULL,
                             expr_and(fix.arena, eq(&fix, a, 0, b, 0), eq(&fix, a, 1, b, 1))));
    ck_assert_ptr_nonnull(plan_as_nested_join(find(physical, PLAN_NESTED_JOIN))->null_aware);
    fixture_close(&fix);
}
END_TEST

START_TEST(not_in_without_nulls)
{
    Fixture fix;
    Table *table;
    const Plan *a, *b, *physical;

    fixture_open(&fix);
    table = fake_table(&fix, "t", 100, 2);
    ((TableColumn *)(void *)table->columns)[0].is_nullable = false;
    a = fake_scan(&fix, table);
    b = fake_scan(&fix, table);
    physical = build(&fix, plan_anti_join(fix.arena, a, b, NULL, eq(&fix, a, 0, b, 0)));
    ck_assert_ptr_null(find(physical, PLAN_SHARED));
    ck_assert_uint_eq(plan_as_hash_join(find(physical, PLAN_HASH_JOIN))->left_keys.count, 1);
    fixture_close(&fix);
}
END_TEST

/* Nodes of one shared_id keep one input. */
START_TEST(shared_stays_shared)
{
    Fixture fix;
    const Plan *a, *one, *two, *physical;
    PlanColumn columns[2];
    ColumnId ids[2];
    ColumnList map = {2, ids};

    fixture_open(&fix);
    a = scan_of(&fix, "a", 1000);
    for (int i = 0; i < 2; i++) {
        ids[i] = a->columns[i].id;
        columns[i] = a->columns[i];
        columns[i].id = plan_new_column(&fix.ids);
    }
    one = plan_shared(fix.arena, a, 1, "w", false, &map, 2, columns);
    for (int i = 0; i < 2; i++)
        columns[i].id = plan_new_column(&fix.ids);
    two = plan_shared(fix.arena, a, 1, "w", false, &map, 2, columns);
    physical =
        find(build(&fix, plan_join(fix.arena, JOIN_INNER, one, two, eq(&fix, one, 0, two, 0))),
             PLAN_HASH_JOIN);
    ck_assert_ptr_eq(physical->inputs[0]->inputs[0], physical->inputs[1]->inputs[0]);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {keys_and_residual,
                                  kept_side_is_built,
                                  top_n,
                                  filters_reach_scans,
                                  inequalities_bound_scans,
                                  filters_stop_where_rows_count,
                                  not_in,
                                  not_in_without_nulls,
                                  shared_stays_shared};

    return run_tests("physical", tests, sizeof tests / sizeof tests[0]);
}
