/* test_join_order.c -- join orders, their cost, and the time it takes to find them */
#include <stdio.h>

#include "core/base/clock.h"
#include "fake_table.h"
#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/join_order_internal.h"

/* Rows of all joins of a plan, added up. */
static double joined_rows(Fixture *fix, const Plan *plan)
{
    double rows = 0;

    if (plan->kind == PLAN_JOIN)
        rows = estimate_plan(estimator_of(&fix->rc), plan)->rows;
    for (uint32_t i = 0; i < plan->input_count; i++)
        rows += joined_rows(fix, plan->inputs[i]);
    return rows;
}

static uint32_t count_kind(const Plan *plan, PlanKind kind)
{
    uint32_t count = plan->kind == kind;

    for (uint32_t i = 0; i < plan->input_count; i++)
        count += count_kind(plan->inputs[i], kind);
    return count;
}

static const Plan *order(Fixture *fix, const Plan *plan)
{
    const Plan *after = rule_join_order.rewrite(&fix->rc, plan);

    ck_assert_int_eq(plan_check(fix->arena, after, (ColumnSet){0}, &fix->err), ST_OK);
    ck_assert_uint_eq(after->column_count, plan->column_count);
    for (uint32_t i = 0; i < plan->column_count; i++)
        ck_assert_uint_eq(after->columns[i].id, plan->columns[i].id);
    /* once ordered, there is nothing to do */
    ck_assert_ptr_eq(rule_join_order.rewrite(&fix->rc, after), after);
    return after;
}

/* A table whose column i has values 1..rows for i = 0 and 1..distinct for the others. */
static const Plan *table_of(Fixture *fix, double rows, uint32_t columns, double distinct)
{
    Table *table = fake_table(fix, "t", rows, columns);

    for (uint32_t i = 0; i < columns; i++)
        fake_range(table, i, 1, (int64_t)(i == 0 ? rows : distinct));
    return fake_scan(fix, table);
}

START_TEST(small_first)
{
    Fixture fix;
    const Plan *big, *dim1, *dim2, *plan, *after, *few;

    fixture_open(&fix);
    big = table_of(&fix, 1000000, 3, 1000);
    dim1 = table_of(&fix, 1000, 2, 10);
    dim2 = table_of(&fix, 1000, 2, 10);
    few = plan_filter(fix.arena, dim2, call(&fix, FUNC_EQ, col(&fix, dim2, 1), num(&fix, 1)));
    plan = plan_join(fix.arena, JOIN_INNER, big, dim1, eq(&fix, big, 1, dim1, 0));
    plan = plan_join(fix.arena, JOIN_INNER, plan, few, eq(&fix, big, 2, dim2, 0));
    after = order(&fix, plan);
    ck_assert_double_lt(joined_rows(&fix, after), joined_rows(&fix, plan) / 3);
    fixture_close(&fix);
}
END_TEST

/* a.0 = b.0 and b.0 = c.0: a and c may be joined first, on their own. */
START_TEST(equal_columns_connect)
{
    Fixture fix;
    const Plan *a, *b, *c, *plan, *after;

    fixture_open(&fix);
    a = table_of(&fix, 100, 1, 0);
    b = table_of(&fix, 1000000, 1, 0);
    c = table_of(&fix, 10, 1, 0);
    fake_range(plan_as_scan(a)->table, 0, 1, 1000000);
    fake_range(plan_as_scan(c)->table, 0, 1, 1000000);
    fake_distinct(plan_as_scan(a)->table, 0, 100);
    fake_distinct(plan_as_scan(c)->table, 0, 10);
    plan = plan_join(fix.arena, JOIN_INNER, a, b, eq(&fix, a, 0, b, 0));
    plan = plan_join(fix.arena, JOIN_INNER, plan, c, eq(&fix, b, 0, c, 0));
    after = order(&fix, plan);
    ck_assert_ptr_eq(after == plan ? NULL : after, after);
    ck_assert_uint_eq(count_kind(after, PLAN_JOIN), 2);
    fixture_close(&fix);
}
END_TEST

/* Two columns of one table in one class: both equalities must stay. */
START_TEST(both_columns_of_one_table)
{
    Fixture fix;
    const Plan *a, *b, *c, *plan, *after;
    const char *text;

    fixture_open(&fix);
    a = table_of(&fix, 10000, 3, 100);
    b = table_of(&fix, 10, 2, 5);
    c = table_of(&fix, 20, 1, 5);
    plan = plan_join(fix.arena, JOIN_INNER, a, c, eq(&fix, a, 2, c, 0));
    plan = plan_join(fix.arena, JOIN_INNER, plan, b,
                     expr_and(fix.arena, eq(&fix, a, 0, b, 0), eq(&fix, a, 1, b, 0)));
    after = order(&fix, plan);
    text = plan_print(fix.arena, after);
    ck_assert_ptr_nonnull(strstr(text, arena_printf(fix.arena, "#%u", a->columns[0].id)));
    ck_assert_uint_eq(count_kind(after, PLAN_JOIN), 2);
    {
        /* three equalities in all */
        uint32_t equalities = 0;

        for (const char *at = text; (at = strstr(at, " = ")) != NULL; at++)
            equalities++;
        ck_assert_uint_eq(equalities, 3);
    }
    fixture_close(&fix);
}
END_TEST

START_TEST(cross_products_last)
{
    Fixture fix;
    const Plan *a, *b, *c, *d, *plan, *after;

    fixture_open(&fix);
    a = table_of(&fix, 100, 1, 0);
    b = table_of(&fix, 100, 1, 0);
    c = table_of(&fix, 100, 1, 0);
    d = table_of(&fix, 100, 1, 0);
    plan = plan_join(fix.arena, JOIN_INNER, a, b, NULL);
    plan = plan_join(fix.arena, JOIN_INNER, plan, c, eq(&fix, a, 0, c, 0));
    plan = plan_join(fix.arena, JOIN_INNER, plan, d, eq(&fix, b, 0, d, 0));
    after = order(&fix, plan);
    ck_assert_double_le(joined_rows(&fix, after), 10000 + 200 + 1);
    fixture_close(&fix);
}
END_TEST

/* --- time --- */

typedef enum Shape { CHAIN, CYCLE, STAR, CLIQUE } Shape;

static const Plan *shaped(Fixture *fix, Shape shape, uint32_t count)
{
    const Plan *tables[REGION_RELATIONS_MAX + 100];
    const Plan *plan = NULL;

    for (uint32_t i = 0; i < count; i++) {
        const Expr *condition = NULL;

        tables[i] = table_of(fix, 1e6 + 37e4 * (i * 7 % 11), count, 5e5 + i);
        for (uint32_t j = 0; j < i; j++) {
            bool joins = shape == CLIQUE || (shape == STAR && j == 0) ||
                         (shape != STAR && j + 1 == i) ||
                         (shape == CYCLE && j == 0 && i + 1 == count);

            if (joins)
                condition = expr_and(fix->arena, condition, eq(fix, tables[i], j, tables[j], i));
        }
        plan = plan == NULL ? tables[i]
                            : plan_join(fix->arena, JOIN_INNER, plan, tables[i], condition);
    }
    return plan;
}

static double time_of(Shape shape, uint32_t count)
{
    Fixture fix;
    const Plan *plan, *after;
    int64_t start;
    double ms;

    fixture_open(&fix);
    plan = shaped(&fix, shape, count);
    estimate_plan(estimator_of(&fix.rc), plan);
    start = clock_thread_cpu_ns();
    after = rule_join_order.rewrite(&fix.rc, plan);
    ms = clock_ms(clock_thread_cpu_ns() - start);
    ck_assert_uint_eq(count_kind(after, PLAN_JOIN), count - 1);
    ck_assert_int_eq(plan_check(fix.arena, after, (ColumnSet){0}, &fix.err), ST_OK);
    fixture_close(&fix);
    return ms;
}

START_TEST(times)
{
    static const struct {
        const char *name;
        Shape shape;
        uint32_t count;
    } cases[] = {{"chain", CHAIN, 8},   {"chain", CHAIN, 20},  {"chain", CHAIN, 64},
                 {"cycle", CYCLE, 20},  {"cycle", CYCLE, 64},  {"star", STAR, 8},
                 {"star", STAR, 12},    {"star", STAR, 16},    {"star", STAR, 20},
                 {"star", STAR, 64},    {"clique", CLIQUE, 8}, {"clique", CLIQUE, 12},
                 {"clique", CLIQUE, 20}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double ms = time_of(cases[i].shape, cases[i].count);

        printf("%-6s of %2u: %8.2f ms\n", cases[i].name, cases[i].count, ms);
        ck_assert_double_lt(ms, 5000); /* sanitizers included */
    }
}
END_TEST

/* More relations than a word has bits: the query still runs. */
START_TEST(seventy_relations)
{
    time_of(CHAIN, 70);
    time_of(STAR, 150);
}
END_TEST

/* ... and the joins far up are ordered among themselves. */
START_TEST(small_first_of_eighty)
{
    Fixture fix;
    const Plan *plan, *big, *dim, *few;

    fixture_open(&fix);
    plan = big = table_of(&fix, 1000000, 2, 1000);
    for (uint32_t i = 0; i < 80; i++) {
        dim = table_of(&fix, 1000, 2, 10);
        plan = plan_join(fix.arena, JOIN_INNER, plan, dim, eq(&fix, big, 1, dim, 0));
    }
    dim = table_of(&fix, 1000, 2, 10);
    few = plan_filter(fix.arena, dim, call(&fix, FUNC_EQ, col(&fix, dim, 1), num(&fix, 1)));
    plan = plan_join(fix.arena, JOIN_INNER, plan, few, eq(&fix, big, 1, dim, 0));
    ck_assert_double_lt(joined_rows(&fix, rule_join_order.rewrite(&fix.rc, plan)),
                        joined_rows(&fix, plan) / 3);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        small_first, equal_columns_connect, both_columns_of_one_table, cross_products_last,
        times,       seventy_relations,     small_first_of_eighty};

    return run_tests("join_order", tests, sizeof tests / sizeof tests[0]);
}
