/*
 * simplify_mark_joins
 *
 *     Filter mark                     Project a, TRUE AS mark
 *       Mark Join a = b        =>       Semi Join a = b
 *         L (a)                           L (a)
 *         R (b)                           R (b)
 *
 * And NOT mark: an anti join that knows NULLs, its mark FALSE.
 *
 * Why:  a semi join drops rows at once and can be pushed and ordered; a mark join makes a column.
 *
 * Not when:
 *   (1) the mark stands in a larger conjunct.
 *         SELECT * FROM t WHERE a IN (SELECT b FROM u) OR a > 5
 */
#include "sql/optimizer/rules/rules.h"

static bool is_mark(const PlanJoin *join, const Expr *expr)
{
    return expr->kind == EXPR_COLUMN && expr->column == join->mark;
}

static bool is_not_mark(const PlanJoin *join, const Expr *expr)
{
    return expr->kind == EXPR_CALL && (expr->func == FUNC_NOT || expr->func == FUNC_IS_FALSE) &&
           is_mark(join, expr->args[0]);
}

static const Plan *make_join(RuleCtx *rc, const PlanJoin *join, bool is_semi)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];

    if (is_semi)
        return plan_join(rc->arena, JOIN_SEMI, left, right,
                         expr_and(rc->arena, join->condition, join->null_aware));
    return plan_anti_join(rc->arena, left, right, join->condition, join->null_aware);
}

static const Plan *simplify_mark_joins(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanJoin *join = plan_as_join(plan->inputs[0]);
    ColumnVec outputs = {.arena = rc->arena};
    ExprVec others = {.arena = rc->arena};
    bool is_semi = false, is_anti = false;
    const Expr *const *parts;
    uint32_t count;

    if (join == NULL || join->kind != JOIN_MARK)
        return plan;
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_semi && !is_anti && is_mark(join, parts[i]))
            is_semi = true;
        else if (!is_semi && !is_anti && is_not_mark(join, parts[i]))
            is_anti = true;
        else
            expr_vec_add(&others, parts[i]); /* (1) */
    }
    if (!is_semi && !is_anti)
        return plan;
    column_vec_keep_all(&outputs, join->head.inputs[0]);
    column_vec_add(&outputs, expr_const(rc->arena, value_bool(is_semi)),
                   join->head.columns[join->head.column_count - 1]);
    return plan_filter(rc->arena, column_vec_project(&outputs, make_join(rc, join, is_semi)),
                       expr_vec_and(&others));
}

const Rule rule_simplify_mark_joins = {
    .name = "simplify_mark_joins",
    .root = PLAN_FILTER,
    .rewrite = simplify_mark_joins,
};
