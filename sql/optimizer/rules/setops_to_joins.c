/*
 * setops_to_joins
 *
 *     Intersect                  Project a AS c
 *       A (a)             =>       Semi Join a IS NOT DISTINCT FROM b
 *       B (b)                        Distinct a
 *                                      A
 *                                    B
 *
 *     EXCEPT likewise an anti join.
 *
 * Why:  joins are built on the smaller side, filter their scans at run time and take part in the
 *       join order; a set operation keeps both sides whole.
 *
 * Not when:
 *   (1) it is INTERSECT ALL or EXCEPT ALL: rows count.
 *   (2) there are no columns.
 *   (3) a column's type compares values as equal that differ in a row: floats, intervals.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_same_when_equal(const PlanSetop *setop)
{
    for (uint32_t i = 0; i < setop->head.column_count; i++)
        if (type_is_float(setop->head.columns[i].type) ||
            setop->head.columns[i].type.id == TYPE_INTERVAL)
            return false; /* (3) */
    return true;
}

static const Plan *mapped_columns(RuleCtx *rc, const PlanSetop *setop, uint32_t input)
{
    return plan_select_columns(rc->arena, setop->head.inputs[input], setop->maps[input].count,
                               setop->maps[input].ids);
}

/* A setop's input may name one column twice; then the keys are fewer than its columns. */
static bool has_doubles(ColumnList map)
{
    for (uint32_t i = 0; i < map.count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (map.ids[i] == map.ids[j])
                return true;
    return false;
}

static const Plan *setops_to_joins(RuleCtx *rc, const Plan *plan)
{
    const PlanSetop *setop = plan_as_setop(plan);
    ExprVec equalities = {.arena = rc->arena};
    const Plan *left, *joined;
    ColumnMap map;

    if (setop->is_all || plan->column_count == 0 || !is_same_when_equal(setop) ||
        has_doubles(setop->maps[0]))
        return plan; /* (1) (2) (3) */
    left = mapped_columns(rc, setop, 0);
    for (uint32_t i = 0; i < plan->column_count; i++)
        expr_vec_add(&equalities,
                     expr_same_value(rc->arena, plan_column(left, setop->maps[0].ids[i]),
                                     plan_column(plan->inputs[1], setop->maps[1].ids[i])));
    joined = plan_join(rc->arena, setop->kind == SETOP_INTERSECT ? JOIN_SEMI : JOIN_ANTI,
                       plan_distinct(rc->arena, left), plan->inputs[1], expr_vec_and(&equalities));
    map = set_map(rc->arena, plan, 0);
    return plan_project(rc->arena, joined, map.count, map.to, plan->columns);
}

const Rule rule_setops_to_joins = {
    .name = "setops_to_joins",
    .root = PLAN_SETOP,
    .rewrite = setops_to_joins,
};
