/* test_rule_driver.c -- the driver: switching off, tracing, checks */
#include <stdlib.h>
#include <string.h>

#include "sql/optimizer/rules/rules.h"
#include "tests/unit/optimizer/fake_table.h"

/* Project c0, Filter c1 > 5 AND c1 > 7, Scan t (c0, c1, c2) */
static const Plan *small_plan(Fixture *fix)
{
    const Plan *scan = fake_scan(fix, fake_table(fix, "t", 1000, 3));
    const Expr *more = call(fix, FUNC_GT, col(fix, scan, 1), num(fix, 5));
    const Expr *most = call(fix, FUNC_GT, col(fix, scan, 1), num(fix, 7));
    const Plan *filter = plan_filter(fix->arena, scan, expr_and(fix->arena, more, most));

    return plan_select_columns(fix->arena, filter, 1, &scan->columns[0].id);
}

static OptimizeResult optimized(Fixture *fix, const Plan *plan, const char *disabled, bool trace)
{
    OptimizeResult result;

    fix->request.disabled_rules = disabled;
    fix->request.keep_trace = trace;
    ck_assert_int_eq(optimize(&fix->request, plan, &fix->err, &result), ST_OK);
    return result;
}

static const Plan *scan_below(const Plan *plan)
{
    while (plan->input_count > 0)
        plan = plan->inputs[0];
    return plan;
}

START_TEST(rules_can_be_switched_off_by_name)
{
    Fixture fix;
    const Plan *scan;

    fixture_open(&fix);
    scan = scan_below(optimized(&fix, small_plan(&fix), NULL, false).logical);
    ck_assert_uint_eq(scan->column_count, 2);
    ck_assert_uint_eq(plan_as_scan(scan)->predicates.count, 1);
    scan = scan_below(optimized(&fix, small_plan(&fix), "prune_columns", false).logical);
    ck_assert_uint_eq(scan->column_count, 3);
    ck_assert_uint_eq(plan_as_scan(scan)->predicates.count, 1);
    scan =
        scan_below(optimized(&fix, small_plan(&fix), "merge_ranges, prune_columns", false).logical);
    ck_assert_uint_eq(plan_as_scan(scan)->predicates.count, 2);
    /* a name is matched whole */
    scan = scan_below(optimized(&fix, small_plan(&fix), "prune", false).logical);
    ck_assert_uint_eq(scan->column_count, 2);
    scan = scan_below(optimized(&fix, small_plan(&fix), "all", false).logical);
    ck_assert_uint_eq(plan_as_scan(scan)->predicates.count, 0);
    fixture_close(&fix);
}
END_TEST

START_TEST(the_trace_leads_from_plan_to_plan)
{
    Fixture fix;
    const Plan *plan;
    OptimizeResult result;

    fixture_open(&fix);
    plan = small_plan(&fix);
    result = optimized(&fix, plan, NULL, true);
    ck_assert_uint_gt(result.trace_count, 2);
    ck_assert_ptr_eq(result.trace[0].before, plan);
    for (uint32_t i = 0; i < result.trace_count; i++) {
        ck_assert_uint_gt(result.trace[i].fired, 0);
        ck_assert_ptr_ne(result.trace[i].before, result.trace[i].after);
        if (i > 0)
            ck_assert_ptr_eq(result.trace[i].before, result.trace[i - 1].after);
    }
    ck_assert_ptr_eq(result.trace[result.trace_count - 1].after, result.logical);
    ck_assert_uint_eq(optimized(&fix, plan, NULL, false).trace_count, 0);
    fixture_close(&fix);
}
END_TEST

START_TEST(names_are_all_different_and_not_required)
{
    const char *const *names;
    uint32_t count = optimizer_rule_names(&names);

    ck_assert_uint_gt(count, 30);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_str_ne(names[i], "lower_subqueries");
        ck_assert_str_ne(names[i], "unnest_dependent_joins");
        for (uint32_t j = 0; j < i; j++)
            ck_assert_str_ne(names[i], names[j]);
    }
}
END_TEST

START_TEST(a_rule_may_not_change_the_schema)
{
    Fixture fix;
    const Plan *scan, *fewer, *other;

    fixture_open(&fix);
    scan = fake_scan(&fix, fake_table(&fix, "t", 1000, 2));
    other = fake_scan(&fix, fake_table(&fix, "t", 1000, 2));
    fewer = plan_select_columns(fix.arena, scan, 1, &scan->columns[0].id);
    ck_assert_int_eq(opt__schema_check(&rule_merge_filters, scan, scan, &fix.err), ST_OK);
    ck_assert_int_eq(opt__schema_check(&rule_merge_filters, scan, fewer, &fix.err), ST_INTERNAL);
    ck_assert_int_eq(opt__schema_check(&rule_merge_filters, scan, other, &fix.err), ST_INTERNAL);
    ck_assert_ptr_nonnull(strstr(fix.err.message, "merge_filters"));
    fixture_close(&fix);
}
END_TEST

START_TEST(the_first_failure_is_kept)
{
    Fixture fix;
    const Plan *plan;

    fixture_open(&fix);
    plan = small_plan(&fix);
    ck_assert_ptr_eq(rule_fail(&fix.rc, ST_NOT_SUPPORTED, plan), plan);
    rule_fail(&fix.rc, ST_INTERNAL, plan);
    ck_assert_int_eq(fix.rc.status, ST_NOT_SUPPORTED);
    fixture_close(&fix);
}
END_TEST

START_TEST(shared_inputs_stay_one)
{
    Fixture fix;
    const Plan *scan, *input, *shared[2], *joined;
    PlanColumn columns[2][2];

    fixture_open(&fix);
    scan = fake_scan(&fix, fake_table(&fix, "t", 1000, 3));
    input = plan_filter(fix.arena, plan_distinct(fix.arena, scan),
                        call(&fix, FUNC_GT, col(&fix, scan, 0), num(&fix, 5)));
    for (uint32_t i = 0; i < 2; i++) {
        ColumnList map = {2, (ColumnId[]){scan->columns[0].id, scan->columns[1].id}};

        for (uint32_t c = 0; c < 2; c++) {
            columns[i][c] = scan->columns[c];
            columns[i][c].id = plan_new_column(&fix.ids);
        }
        shared[i] = plan_shared(fix.arena, input, 1, "s", false, &map, 2, columns[i]);
    }
    joined = plan_join(fix.arena, JOIN_INNER, shared[0], shared[1],
                       eq(&fix, shared[0], 0, shared[1], 1));
    joined = optimized(&fix, joined, "join_order,infer_filters", false).logical;
    ck_assert_ptr_nonnull(plan_as_shared(joined->inputs[0]));
    ck_assert_ptr_eq(joined->inputs[0]->inputs[0], joined->inputs[1]->inputs[0]);
    ck_assert_uint_eq(plan_as_scan(scan_below(joined->inputs[0]))->predicates.count, 1);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {rules_can_be_switched_off_by_name,
                                  the_trace_leads_from_plan_to_plan,
                                  names_are_all_different_and_not_required,
                                  a_rule_may_not_change_the_schema,
                                  the_first_failure_is_kept,
                                  shared_inputs_stay_one};

    return run_tests("rule driver", tests, sizeof tests / sizeof tests[0]);
}
