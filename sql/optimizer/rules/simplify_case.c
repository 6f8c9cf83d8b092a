/*
 * simplify_case
 *
 *     CASE WHEN FALSE THEN x WHEN b THEN y ELSE z END    =>   CASE WHEN b THEN y ELSE z END
 *     CASE WHEN TRUE THEN x ...                          =>   x
 *     CASE WHEN b THEN x WHEN TRUE THEN y ...            =>   CASE WHEN b THEN x ELSE y END
 *     CASE WHEN b THEN x ELSE x END                      =>   x
 *     CASE WHEN a THEN x WHEN b THEN y ELSE y END        =>   CASE WHEN a THEN x ELSE y END
 *     CASE WHEN b THEN TRUE ELSE FALSE END               =>   b IS TRUE
 *     CASE WHEN a THEN FALSE WHEN b THEN TRUE ELSE FALSE END
 *                                                        =>   NOT (a IS TRUE) AND b IS TRUE
 *
 * Why:  branches that are never taken need not be tested; and constants fold further.
 *
 * Not when:
 *   (1) the condition may raise an error and the branches are alike: the error would be lost.
 *   (2) a later condition may raise an error: AND and OR do not guard it as CASE does.
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

/* Branches before ELSE that give what it gives. */
static void drop_last_alike(ExprVec *args)
{
    while (args->count > 1) {
        const Expr *otherwise = args->items[args->count - 1];
        const Expr *when = args->items[args->count - 3];

        if (!expr_equal(args->items[args->count - 2], otherwise) || expr_can_fail(when) ||
            expr_is_volatile(when))
            return; /* (1) */
        args->count -= 2;
        args->items[args->count - 1] = otherwise;
    }
}

/* All results are TRUE or FALSE: ANDs and ORs from the last branch to the first; else NULL. */
static const Expr *as_logic(RuleCtx *rc, const ExprVec *args)
{
    uint32_t last = args->count - 1;
    const Expr *logic = args->items[last];

    if ((!is_bool_const(logic, true) && !is_bool_const(logic, false)) ||
        expr_equal(args->items[last - 1], logic))
        return NULL;
    for (uint32_t i = 0; i < last; i += 2) {
        if (!is_bool_const(args->items[i + 1], true) && !is_bool_const(args->items[i + 1], false))
            return NULL;
        if ((i > 0 && expr_can_fail(args->items[i])) || expr_is_volatile(args->items[i]))
            return NULL; /* (2) */
    }
    for (uint32_t i = last; i > 0; i -= 2) {
        const Expr *when = expr_is_true_call(rc->arena, args->items[i - 2]);
        bool then = is_bool_const(args->items[i - 1], true);

        if (!then)
            when = expr_not(rc->arena, when);
        /* the last branch and ELSE differ */
        logic = i == last ? when
                          : expr_call2(rc->arena, then ? FUNC_OR : FUNC_AND, type_of(TYPE_BOOL),
                                       when, logic);
    }
    return logic;
}

static const Expr *simplify_case(RuleCtx *rc, const Expr *expr)
{
    const Expr *logic;
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
    drop_last_alike(&args);
    if (args.count == 1)
        return otherwise;
    logic = expr->type.id == TYPE_BOOL ? as_logic(rc, &args) : NULL;
    if (logic != NULL)
        return logic;
    if (args.count == expr->arg_count)
        return expr;
    return expr_call(rc->arena, FUNC_CASE, expr->type, args.count, args.items);
}

const Rule rule_simplify_case = {
    .name = "simplify_case",
    .root = RULE_ANY_KIND,
    .rewrite_expr = simplify_case,
};
