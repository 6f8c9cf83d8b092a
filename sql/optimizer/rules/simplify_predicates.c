/*
 * simplify_predicates
 *
 *     Filter NULL                          =>   Filter FALSE
 *     Filter a IS TRUE                     =>   Filter a
 *     Filter a > 1 AND a IS NOT NULL       =>   Filter a > 1
 *     Filter a = a                         =>   Filter a IS NOT NULL
 *
 * In filters and join conditions, where NULL counts as FALSE.
 *
 * Why:  tests that others make already, and a FALSE that empties the plan.
 *
 * Not when:
 *   (1) the expression is not the predicate itself, or a part of its ANDs and ORs.
 *         SELECT (a > NULL) IS NULL FROM t
 */
#include "sql/optimizer/rules/rules.h"

static bool is_call(const Expr *expr, FuncId func)
{
    return expr->kind == EXPR_CALL && expr->func == func;
}

/* expr where only TRUE counts. */
static const Expr *as_predicate(Arena *arena, const Expr *expr)
{
    if (expr_is_false_or_null(expr))
        return expr->value.is_null ? expr_const(arena, value_bool(false)) : expr;
    if (is_call(expr, FUNC_IS_TRUE))
        return as_predicate(arena, expr->args[0]);
    if (is_call(expr, FUNC_EQ) && expr->args[0]->kind == EXPR_COLUMN &&
        expr_equal(expr->args[0], expr->args[1]))
        return expr_call1(arena, FUNC_IS_NOT_NULL, expr->type, expr->args[0]);
    if (is_call(expr, FUNC_AND) || is_call(expr, FUNC_OR)) {
        const Expr **args = ARENA_ARRAY(arena, const Expr *, expr->arg_count);

        for (uint32_t i = 0; i < expr->arg_count; i++)
            args[i] = as_predicate(arena, expr->args[i]);
        return expr_with_args(arena, expr, args);
    }
    return expr; /* (1) */
}

/* x IS NOT NULL where another conjunct is not TRUE of a NULL x. */
static bool is_implied_not_null(Arena *arena, const ExprVec *parts, uint32_t i)
{
    const Expr *part = parts->items[i];

    if (!is_call(part, FUNC_IS_NOT_NULL) || part->args[0]->kind != EXPR_COLUMN)
        return false;
    for (uint32_t j = 0; j < parts->count; j++) {
        bool is_same = expr_equal(parts->items[j], part);

        if (j != i && (!is_same || j < i) &&
            column_set_has(expr_rejected_columns(arena, parts->items[j]), part->args[0]->column))
            return true;
    }
    return false;
}

static const Expr *simplify(Arena *arena, const Expr *predicate)
{
    ExprVec parts = {.arena = arena}, kept = {.arena = arena};
    const Expr *simpler;

    if (predicate == NULL)
        return NULL;
    simpler = as_predicate(arena, predicate);
    expr_vec_add_and(&parts, simpler);
    for (uint32_t i = 0; i < parts.count; i++) {
        if (expr_is_false_or_null(parts.items[i]))
            return parts.count == 1 ? simpler : parts.items[i];
        if (!is_implied_not_null(arena, &parts, i))
            expr_vec_add(&kept, parts.items[i]);
    }
    return kept.count == parts.count ? simpler : expr_vec_and(&kept);
}

static const Plan *simplify_predicates(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanJoin *join = plan_as_join(plan);
    const Expr *before = filter != NULL ? filter->predicate : join != NULL ? join->condition : NULL;
    const Expr *after = simplify(rc->arena, before);

    if (after == before)
        return plan;
    if (filter != NULL)
        return plan_filter(rc->arena, plan->inputs[0], after);
    return plan_join_like(rc->arena, join, (JoinKind)join->kind, plan->inputs[0], plan->inputs[1],
                          after, join->null_aware);
}

const Rule rule_simplify_predicates = {
    .name = "simplify_predicates",
    .root = RULE_ANY_KIND,
    .rewrite = simplify_predicates,
};
