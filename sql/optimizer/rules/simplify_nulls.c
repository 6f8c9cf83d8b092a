/*
 * simplify_nulls
 *
 *     a + NULL                        =>   NULL          for strict functions
 *     a IS NULL, a never null         =>   FALSE
 *     a IS NOT DISTINCT FROM NULL     =>   a IS NULL
 *     a IS NOT DISTINCT FROM b        =>   a = b         both never null
 *     coalesce(NULL, a, b), a never   =>   a
 *
 * Why:  what is NULL already need not be computed, and what is never NULL need not be asked.
 *
 * Not when:
 *   (1) an argument is volatile.
 *   (2) the column is nullable here: below an outer join's padding it may be NULL though the file
 *       has none.
 */
#include "sql/optimizer/rules/rules.h"

/* A column that is never null in the rows that the expression sees, or a constant. */
static bool is_never_null(const RuleCtx *rc, const Expr *expr)
{
    const Plan *node = rc->node;

    if (expr->kind == EXPR_CONST)
        return !expr->value.is_null;
    if (expr->kind != EXPR_COLUMN || node == NULL)
        return false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const PlanColumn *column = plan_column(node->inputs[i], expr->column);

        if (column != NULL)
            return !column->is_nullable; /* (2) */
    }
    if (node->kind == PLAN_SCAN) {
        const PlanColumn *column = plan_column(node, expr->column);

        return column != NULL && !column->is_nullable;
    }
    return false;
}

static bool is_null_const(const Expr *expr)
{
    return expr->kind == EXPR_CONST && expr->value.is_null;
}

static const Expr *simplify_coalesce(RuleCtx *rc, const Expr *expr)
{
    ExprVec args = {.arena = rc->arena};

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (is_null_const(expr->args[i]))
            continue;
        expr_vec_add(&args, expr->args[i]);
        if (is_never_null(rc, expr->args[i]))
            break;
    }
    if (args.count == expr->arg_count && args.count > 1)
        return expr;
    if (args.count == 0)
        return expr_const(rc->arena, value_null(expr->type));
    if (args.count == 1)
        return type_equal(args.items[0]->type, expr->type) ? args.items[0] : expr;
    return expr_call(rc->arena, FUNC_COALESCE, expr->type, args.count, args.items);
}

/* IS [NOT] DISTINCT FROM; comparison is what it is for values that are not null. */
static const Expr *simplify_distinct(RuleCtx *rc, const Expr *expr, FuncId comparison,
                                     FuncId null_test)
{
    const Expr *a = expr->args[0], *b = expr->args[1];

    if (is_null_const(b))
        return expr_call1(rc->arena, null_test, expr->type, a);
    if (is_null_const(a))
        return expr_call1(rc->arena, null_test, expr->type, b);
    if (is_never_null(rc, a) && is_never_null(rc, b))
        return expr_call2(rc->arena, comparison, expr->type, a, b);
    return expr;
}

static const Expr *simplify_strict(RuleCtx *rc, const Expr *expr)
{
    bool has_null = false;

    for (uint32_t i = 0; i < expr->arg_count; i++)
        has_null |= is_null_const(expr->args[i]);
    if (!has_null || expr_is_volatile(expr))
        return expr; /* (1) */
    return expr_const(rc->arena, value_null(expr->type));
}

static const Expr *simplify_nulls(RuleCtx *rc, const Expr *expr)
{
    if (expr->kind != EXPR_CALL)
        return expr;
    switch (expr->func) {
    case FUNC_IS_NULL:
    case FUNC_IS_NOT_NULL:
        if (!is_never_null(rc, expr->args[0]))
            return expr;
        return expr_const(rc->arena, value_bool(expr->func == FUNC_IS_NOT_NULL));
    case FUNC_COALESCE:
        return simplify_coalesce(rc, expr);
    case FUNC_DISTINCT_FROM:
        return simplify_distinct(rc, expr, FUNC_NE, FUNC_IS_NOT_NULL);
    case FUNC_NOT_DISTINCT_FROM:
        return simplify_distinct(rc, expr, FUNC_EQ, FUNC_IS_NULL);
    case FUNC_CAST:
    case FUNC_NOT:
        return simplify_strict(rc, expr);
    default:
        return func_properties(expr->func) & FUNC_STRICT ? simplify_strict(rc, expr) : expr;
    }
}

const Rule rule_simplify_nulls = {
    .name = "simplify_nulls",
    .root = RULE_ANY_KIND,
    .rewrite_expr = simplify_nulls,
};
