/*
 * reduce_anti_joins
 *
 *     Filter b IS NULL                Project a, NULL AS b
 *       Left Join a = b        =>       Anti Join a = b
 *         L (a)                           L (a)
 *         R (b)                           R (b)
 *
 * Why:  rows with a match are dropped at once, not made first; and an anti join stops at a row's
 *       first match.
 *
 * Not when:
 *   (1) b can be NULL in R and still match: such pairs pass the filter too.
 *         SELECT * FROM a LEFT JOIN b ON a.k = b.k WHERE b.v IS NULL
 */
#include "sql/optimizer/rules/rules.h"

/* Is it IS NULL of a right column that no pair has as NULL? */
static bool tests_padding(Arena *arena, const PlanJoin *join, const Expr *conjunct)
{
    const Plan *right = join->head.inputs[1];
    const PlanColumn *column;

    if (conjunct->kind != EXPR_CALL || conjunct->func != FUNC_IS_NULL ||
        conjunct->args[0]->kind != EXPR_COLUMN)
        return false;
    column = plan_column(right, conjunct->args[0]->column);
    return column != NULL &&
           (!column->is_nullable ||
            column_set_has(expr_rejected_columns(arena, join->condition), column->id)); /* (1) */
}

static const Plan *reduce_anti_joins(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanJoin *join = plan_as_join(plan->inputs[0]);
    ColumnVec outputs = {.arena = rc->arena};
    ExprVec others = {.arena = rc->arena};
    const Expr *const *parts;
    uint32_t count;
    const Plan *left;

    if (join == NULL || join->kind != JOIN_LEFT)
        return plan;
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    for (uint32_t i = 0; i < count; i++)
        if (!tests_padding(rc->arena, join, parts[i]))
            expr_vec_add(&others, parts[i]);
    if (others.count == count)
        return plan;
    left = join->head.inputs[0];
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const PlanColumn *column = &plan->columns[i];
        bool is_left = plan_column(left, column->id) != NULL;

        column_vec_add(&outputs,
                       is_left ? expr_of_column(rc->arena, column)
                               : expr_const(rc->arena, value_null(column->type)),
                       *column);
    }
    return plan_filter(
        rc->arena,
        column_vec_project(
            &outputs, plan_anti_join(rc->arena, left, join->head.inputs[1], join->condition, NULL)),
        expr_vec_and(&others));
}

const Rule rule_reduce_anti_joins = {
    .name = "reduce_anti_joins",
    .root = PLAN_FILTER,
    .rewrite = reduce_anti_joins,
};
