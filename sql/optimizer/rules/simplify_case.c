/*
 * simplify_case
 *
 *     CASE WHEN FALSE THEN x WHEN b THEN y ELSE z END    =>   CASE WHEN b THEN y ELSE z END
 *     CASE WHEN TRUE THEN x ...                          =>   x
 *     CASE WHEN b THEN x WHEN TRUE THEN y ...            =>   CASE WHEN b THEN x ELSE y END
 *     CASE WHEN b THEN x ELSE x END                      =>   x
 *     CASE WHEN b THEN TRUE ELSE FALSE END               =>   b IS TRUE
 *
 * Why:  branches that are never taken need not be tested; and constants fold further.
 *
 * Not when:
 *   (1) the condition may raise an error and the branches are alike: the error would be lost.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_bool_const(const Expr *expr, bool value)
{
    return expr->kind == EXPR_CONST && expr->type.id == TYPE_BOOL && !expr->value.is_null &&
           expr->value.boolean == value;
}

static const Expr *null_of(RuleCtx *rc, Type type)
{
    return expr_const(rc->arena, value_null(type));
}

static bool all_values_equal(const ExprVec *args)
{
    const Expr *last = args->items[args->count - 1];

    for (uint32_t i = 0; i + 1 < args->count; i += 2)
        if (!expr_equal(args->items[i + 1], last) || expr_can_fail(args->items[i]) ||
            expr_is_volatile(args->items[i]))
            return false; /* (1) */
    return true;
}

static const Expr *simplify_case(RuleCtx *rc, const Expr *expr)
{
    ExprVec args = {.arena = rc->arena};
    const Expr *otherwise = NULL;
    uint32_t i = 0;

    if (expr->kind != EXPR_CALL || expr->func != FUNC_CASE)
        return expr;
    for (; otherwise == NULL && i + 1 < expr->arg_count; i += 2) {
        if (expr_is_false_or_null(expr->args[i]))
            continue;
        if (expr_is_true(expr->args[i])) {
            otherwise = expr->args[i + 1];
            continue;
        }
        expr_vec_add(&args, expr->args[i]);
        expr_vec_add(&args, expr->args[i + 1]);
    }
    if (otherwise == NULL)
        otherwise = i < expr->arg_count ? expr->args[i] : null_of(rc, expr->type);
    expr_vec_add(&args, otherwise);
    if (!type_equal(otherwise->type, expr->type))
        return expr;
    if (args.count == 1 || all_values_equal(&args))
        return otherwise;
    if (args.count == 3 && is_bool_const(args.items[1], true) && is_bool_const(otherwise, false))
        return expr_is_true_call(rc->arena, args.items[0]);
    if (args.count == expr->arg_count)
        return expr;
    return expr_call(rc->arena, FUNC_CASE, expr->type, args.count, args.items);
}

const Rule rule_simplify_case = {
    .name = "simplify_case",
    .root = RULE_ANY_KIND,
    .rewrite_expr = simplify_case,
};
