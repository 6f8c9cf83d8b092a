/* test_narrow_decimals.c -- 128-bit numerics become 64-bit where the files' ranges allow */
#include "fake_table.h"
#include "sql/optimizer/cost/cardinality.h"

#define DEC(precision, scale) type_decimal(precision, scale)

typedef struct Prices {
    Fixture fix;
    Table *table;
    const Plan *scan;
    const Expr *price, *discount, *product; /* product as the binder has it: 128 bits */
} Prices;

static void prices_open(Prices *p, int64_t price_max)
{
    Fixture *fix = &p->fix;
    const Expr *one_minus;

    fixture_open(fix);
    p->table = fake_table(fix, "t", 1000, 2);
    fake_type(p->table, 0, DEC(15, 2));
    fake_type(p->table, 1, DEC(15, 2));
    fake_range(p->table, 0, 100, price_max);
    fake_range(p->table, 1, 0, 10);
    p->scan = fake_scan(fix, p->table);
    p->price = col(fix, p->scan, 0);
    p->discount = col(fix, p->scan, 1);
    one_minus = expr_call2(fix->arena, FUNC_SUB, DEC(16, 2),
                           expr_const(fix->arena, value_decimal(100, 3, 2)), p->discount);
    p->product =
        expr_call2(fix->arena, FUNC_MUL, DEC(31, 4), expr_cast(fix->arena, p->price, DEC(31, 2)),
                   expr_cast(fix->arena, one_minus, DEC(31, 2)));
}

static const Plan *summed(Prices *p, const Plan *input, const Expr *arg)
{
    const Expr *agg = expr_agg(p->fix.arena, AGG_SUM, DEC(38, 4), 1, &arg, false, NULL);
    PlanColumn column = {plan_new_column(&p->fix.ids), agg->type, "sum", true};

    return plan_aggregate(p->fix.arena, input, 0, NULL, 1, &agg, &column);
}

static const Plan *narrowed(Prices *p, const Plan *plan)
{
    const Plan *after = rule_narrow_decimals.rewrite(&p->fix.rc, plan);

    ck_assert_int_eq(plan_check(p->fix.arena, after, (ColumnSet){0}, &p->fix.err), ST_OK);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        ck_assert_uint_eq(after->columns[i].id, plan->columns[i].id);
        ck_assert(type_equal(after->columns[i].type, plan->columns[i].type));
    }
    ck_assert_ptr_eq(rule_narrow_decimals.rewrite(&p->fix.rc, after), after);
    return after;
}

static bool all_64_bits(const Expr *expr)
{
    if (type_phys(expr->type) == PHYS_INT128)
        return false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!all_64_bits(expr->args[i]))
            return false;
    }
    return true;
}

START_TEST(sum_of_product)
{
    Prices p;
    const Plan *plan;

    prices_open(&p, 10494950);
    plan = narrowed(&p, summed(&p, p.scan, p.product));
    ck_assert(all_64_bits(plan_as_aggregate(plan)->aggs.items[0]->args[0]));
    ck_assert_int_eq(plan_as_aggregate(plan)->aggs.items[0]->type.precision, 38);
    fixture_close(&p.fix);
}
END_TEST

START_TEST(too_large)
{
    Prices p;
    const Plan *plan, *after;

    prices_open(&p, 100000000000000000); /* 1e15.00 * 1.00 has 19 digits after scaling */
    plan = summed(&p, p.scan, p.product);
    after = narrowed(&p, plan);
    ck_assert(!all_64_bits(plan_as_aggregate(after)->aggs.items[0]->args[0]));
    fixture_close(&p.fix);
}
END_TEST

START_TEST(no_statistics)
{
    Prices p;
    const Plan *plan;

    prices_open(&p, 1000);
    ((FakeTable *)p.table)->statistics[0].has_range = false;
    plan = summed(&p, p.scan, p.product);
    ck_assert_ptr_eq(narrowed(&p, plan), plan);
    fixture_close(&p.fix);
}
END_TEST

/* A projection shows the wide type; what stands above it and only sums gets the narrow one. */
START_TEST(projections)
{
    Prices p;
    PlanColumn column;
    const Plan *project, *plan;
    const Expr *shown;

    prices_open(&p, 10494950);
    column = (PlanColumn){plan_new_column(&p.fix.ids), p.product->type, "revenue", true};
    project = plan_project(p.fix.arena, p.scan, 1, &p.product, &column);
    shown = plan_as_project(narrowed(&p, project))->exprs.items[0];
    ck_assert_int_eq(shown->func, FUNC_CAST);
    ck_assert(all_64_bits(shown->args[0]));
    plan = narrowed(&p, summed(&p, project, expr_column(p.fix.arena, column.id, column.type)));
    ck_assert(all_64_bits(plan_as_project(plan->inputs[0])->exprs.items[0]));
    fixture_close(&p.fix);
}
END_TEST

START_TEST(comparisons_and_case)
{
    Prices p;
    const Expr *limit, *greater, *args[3], *choice;
    const Plan *plan;

    prices_open(&p, 10494950);
    limit = expr_const(p.fix.arena, value_decimal(12345, 31, 4));
    greater = call(&p.fix, FUNC_GT, p.product, limit);
    plan = narrowed(&p, plan_filter(p.fix.arena, p.scan, greater));
    ck_assert(all_64_bits(plan_as_filter(plan)->predicate));
    args[0] = greater;
    args[1] = p.product;
    args[2] = expr_const(p.fix.arena, value_decimal(0, 31, 4));
    choice = expr_call(p.fix.arena, FUNC_CASE, DEC(31, 4), 3, args);
    plan = narrowed(&p, summed(&p, p.scan, choice));
    ck_assert(all_64_bits(plan_as_aggregate(plan)->aggs.items[0]->args[0]));
    fixture_close(&p.fix);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {sum_of_product, too_large, no_statistics, projections,
                                  comparisons_and_case};

    return run_tests("narrow_decimals", tests, sizeof tests / sizeof tests[0]);
}
