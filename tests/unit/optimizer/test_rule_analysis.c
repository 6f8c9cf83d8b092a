/* test_rule_analysis.c -- what rules ask of plans and expressions: NULLs, uniqueness, facts, risk
 */
#include <stdlib.h>

#include "sql/optimizer/rules/rules.h"
#include "tests/unit/optimizer/fake_table.h"

static Type boolean(void)
{
    return type_of(TYPE_BOOL);
}

static const Expr *unary(Fixture *fix, FuncId func, const Expr *a)
{
    return expr_call1(fix->arena, func, boolean(), a);
}

static void assert_columns(ColumnSet set, uint32_t count, const Expr *first)
{
    ck_assert_uint_eq(set.count, count);
    if (count > 0)
        ck_assert(column_set_has(set, first->column));
}

START_TEST(nulls_reject)
{
    Fixture fix;
    const Plan *scan;
    const Expr *a, *b, *a_more, *b_null, *either;

    fixture_open(&fix);
    scan = fake_scan(&fix, fake_table(&fix, "t", 10, 2));
    a = col(&fix, scan, 0);
    b = col(&fix, scan, 1);
    a_more = call(&fix, FUNC_GT, a, num(&fix, 1));
    b_null = unary(&fix, FUNC_IS_NULL, b);
    assert_columns(expr_rejected_columns(fix.arena, a_more), 1, a);
    assert_columns(expr_rejected_columns(fix.arena, b_null), 0, b);
    assert_columns(expr_rejected_columns(fix.arena, unary(&fix, FUNC_IS_NOT_NULL, b)), 1, b);
    assert_columns(expr_rejected_columns(fix.arena, unary(&fix, FUNC_NOT, b_null)), 1, b);
    either = call(&fix, FUNC_OR, a_more, b_null);
    assert_columns(expr_rejected_columns(fix.arena, either), 0, a);
    assert_columns(expr_rejected_columns(fix.arena, call(&fix, FUNC_AND, a_more, b_null)), 1, a);
    assert_columns(expr_rejected_columns(fix.arena, call(&fix, FUNC_EQ, a, b)), 2, a);
    /* NULL IS NOT DISTINCT FROM NULL is TRUE */
    assert_columns(expr_rejected_columns(fix.arena, call(&fix, FUNC_NOT_DISTINCT_FROM, a, b)), 0,
                   a);
    fixture_close(&fix);
}
END_TEST

START_TEST(bounds_of_rows)
{
    Fixture fix;
    const Plan *scan, *one;
    RowBounds bounds;

    fixture_open(&fix);
    scan = fake_scan(&fix, fake_table(&fix, "t", 10, 2));
    one = plan_aggregate(fix.arena, scan, 0, NULL, 0, NULL, NULL);
    bounds = plan_row_bounds(one);
    ck_assert_int_eq(bounds.min, 1);
    ck_assert_int_eq(bounds.max, 1);
    ck_assert_int_eq(plan_row_bounds(plan_limit(fix.arena, scan, 0, 3)).max, 3);
    ck_assert_int_eq(plan_row_bounds(plan_limit(fix.arena, one, 1, ALL_ROWS)).max, 0);
    ck_assert(plan_row_bounds(scan).max == ALL_ROWS);
    ck_assert(plan_row_bounds(plan_limit(fix.arena, scan, 5, ALL_ROWS)).max == ALL_ROWS);
    ck_assert_int_eq(plan_row_bounds(plan_join(fix.arena, JOIN_LEFT, one, scan, NULL)).min, 1);
    ck_assert_int_eq(plan_row_bounds(plan_join(fix.arena, JOIN_SINGLE, one, scan, NULL)).max, 1);
    fixture_close(&fix);
}
END_TEST

START_TEST(uniqueness)
{
    Fixture fix;
    const Plan *left, *right, *groups, *joined;
    ColumnSet key, both;

    fixture_open(&fix);
    left = fake_scan(&fix, fake_table(&fix, "t", 10, 2));
    right = fake_scan(&fix, fake_table(&fix, "u", 10, 2));
    groups = plan_aggregate(fix.arena, right, 1, &right->columns[0].id, 0, NULL, NULL);
    key = column_set_make(fix.arena, 1, &right->columns[0].id);
    both = plan_output(fix.arena, left);
    ck_assert(plan_is_unique_on(fix.arena, groups, key));
    ck_assert(!plan_is_unique_on(fix.arena, right, key));
    ck_assert(!plan_is_unique_on(fix.arena, groups, (ColumnSet){0}));
    joined = plan_join(fix.arena, JOIN_LEFT, left, groups, eq(&fix, left, 0, groups, 0));
    ck_assert(join_matches_at_most_one(fix.arena, plan_as_join(joined)));
    ck_assert(!plan_is_unique_on(fix.arena, joined, both));
    joined = plan_join(fix.arena, JOIN_LEFT, plan_distinct(fix.arena, left), groups,
                       eq(&fix, left, 0, groups, 0));
    ck_assert(plan_is_unique_on(fix.arena, joined, both));
    joined = plan_join(fix.arena, JOIN_LEFT, plan_distinct(fix.arena, left), right,
                       eq(&fix, left, 0, right, 0));
    ck_assert(!plan_is_unique_on(fix.arena, joined, both));
    fixture_close(&fix);
}
END_TEST

START_TEST(facts_rise_where_they_hold)
{
    Fixture fix;
    const Plan *left, *right, *filtered;
    const Expr *more;

    fixture_open(&fix);
    left = fake_scan(&fix, fake_table(&fix, "t", 10, 2));
    right = fake_scan(&fix, fake_table(&fix, "u", 10, 2));
    more = call(&fix, FUNC_GT, col(&fix, right, 0), num(&fix, 5));
    filtered = plan_filter(fix.arena, right, more);
    ck_assert_uint_eq(plan_facts(fix.arena, filtered).count, 1);
    ck_assert_uint_eq(
        plan_facts(fix.arena, plan_join(fix.arena, JOIN_INNER, left, filtered, NULL)).count, 1);
    /* padded rows do not meet it */
    ck_assert_uint_eq(
        plan_facts(fix.arena, plan_join(fix.arena, JOIN_LEFT, left, filtered, NULL)).count, 0);
    ck_assert_uint_eq(
        plan_facts(fix.arena, plan_join(fix.arena, JOIN_LEFT, filtered, left, NULL)).count, 1);
    ck_assert_uint_eq(
        plan_facts(fix.arena, plan_join(fix.arena, JOIN_FULL, filtered, left, NULL)).count, 0);
    /* a group's other columns are gone */
    ck_assert_uint_eq(plan_facts(fix.arena, plan_aggregate(fix.arena, filtered, 1,
                                                           &right->columns[1].id, 0, NULL, NULL))
                          .count,
                      0);
    fixture_close(&fix);
}
END_TEST

START_TEST(bounds_imply_bounds)
{
    static const struct {
        FuncId known;
        int64_t known_value;
        FuncId bound;
        int64_t bound_value;
        bool implies;
    } rows[] = {{FUNC_GT, 5, FUNC_GT, 3, true},  {FUNC_GT, 3, FUNC_GT, 5, false},
                {FUNC_GT, 5, FUNC_GE, 5, true},  {FUNC_GE, 5, FUNC_GT, 5, false},
                {FUNC_EQ, 5, FUNC_LE, 5, true},  {FUNC_EQ, 5, FUNC_LT, 5, false},
                {FUNC_LE, 5, FUNC_EQ, 5, false}, {FUNC_LT, 5, FUNC_LE, 5, true},
                {FUNC_LT, 5, FUNC_GT, 1, false}, {FUNC_LE, 4, FUNC_LT, 5, true},
                {FUNC_GE, 5, FUNC_GE, 5, true},  {FUNC_GE, 6, FUNC_GT, 5, true},
                {FUNC_EQ, 5, FUNC_EQ, 5, true},  {FUNC_EQ, 5, FUNC_EQ, 6, false}};
    Fixture fix;
    const Plan *scan;

    fixture_open(&fix);
    scan = fake_scan(&fix, fake_table(&fix, "t", 10, 2));
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const Expr *known =
            call(&fix, rows[i].known, col(&fix, scan, 0), num(&fix, rows[i].known_value));
        const Expr *bound =
            call(&fix, rows[i].bound, col(&fix, scan, 0), num(&fix, rows[i].bound_value));
        const Expr *other =
            call(&fix, rows[i].bound, col(&fix, scan, 1), num(&fix, rows[i].bound_value));

        ck_assert_msg(expr_bound_implies(known, bound) == rows[i].implies, "row %u", i);
        ck_assert(!expr_bound_implies(known, other));
    }
    fixture_close(&fix);
}
END_TEST

START_TEST(what_may_fail)
{
    Fixture fix;
    const Plan *scan;
    const Expr *a, *text, *sum, *quotient, *like;
    Type int8 = type_of(TYPE_INT8);

    fixture_open(&fix);
    scan = fake_scan(&fix, fake_table(&fix, "t", 10, 2));
    a = col(&fix, scan, 0);
    text = expr_const(fix.arena, value_text(fix.arena, "abc"));
    sum = expr_call2(fix.arena, FUNC_ADD, int8, a, num(&fix, 1));
    quotient = expr_call2(fix.arena, FUNC_DIV, int8, a, num(&fix, 2));
    ck_assert(!expr_is_risky(quotient)); /* neither 0 nor -1 */
    ck_assert(!expr_can_fail(quotient));
    quotient = expr_call2(fix.arena, FUNC_DIV, int8, a, col(&fix, scan, 1));
    ck_assert(expr_can_fail(sum));
    ck_assert(expr_is_risky(sum)); /* bigint overflows */
    ck_assert(expr_is_risky(quotient));
    ck_assert(!expr_can_fail(call(&fix, FUNC_GT, a, num(&fix, 1))));
    ck_assert(expr_can_fail(call(&fix, FUNC_GT, quotient, num(&fix, 1))));
    like = call(&fix, FUNC_LIKE, text, expr_const(fix.arena, value_text(fix.arena, "a%b_")));
    ck_assert(!expr_can_fail(like));
    like = call(&fix, FUNC_LIKE, text, expr_const(fix.arena, value_text(fix.arena, "ab\\")));
    ck_assert(expr_can_fail(like));
    like = call(&fix, FUNC_LIKE, text, expr_const(fix.arena, value_text(fix.arena, "ab\\\\")));
    ck_assert(!expr_can_fail(like));
    ck_assert(expr_can_fail(call(&fix, FUNC_LIKE, text, text)) == false);
    ck_assert(expr_can_fail(call(&fix, FUNC_AND, call(&fix, FUNC_GT, quotient, a), like)));
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {nulls_reject,        bounds_of_rows,
                                  uniqueness,          facts_rise_where_they_hold,
                                  bounds_imply_bounds, what_may_fail};

    return run_tests("rule analysis", tests, sizeof tests / sizeof tests[0]);
}
