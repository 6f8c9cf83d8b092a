/*
 * simplify_arithmetic
 *
 *     a + 0, 0 + a, a - 0, a * 1, 1 * a, a / 1    =>   a
 *     - (- a)                                     =>   a
 *
 * Why:  generated SQL is full of it.
 *
 * Not when:
 *   (1) the result has another type than a: numeric(5,2) * 1 is no numeric(5,2).
 *   (2) a is a float and the operation a sum: -0.0 + 0.0 is 0.0.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_number(const Expr *expr, int number)
{
    if (expr->kind != EXPR_CONST || expr->value.is_null || !type_is_number(expr->type))
        return false;
    return value_as_double(&expr->value) == number;
}

/* a when it may stand for the whole. */
static const Expr *stands_for(const Expr *whole, const Expr *a)
{
    return type_equal(whole->type, a->type) ? a : whole; /* (1) */
}

static const Expr *simplify_arithmetic(RuleCtx *rc, const Expr *expr)
{
    const Expr *a, *b;

    (void)rc;
    if (expr->kind != EXPR_CALL || expr->arg_count == 0)
        return expr;
    a = expr->args[0];
    b = expr->arg_count > 1 ? expr->args[1] : NULL;
    switch (expr->func) {
    case FUNC_NEG:
        return a->kind == EXPR_CALL && a->func == FUNC_NEG ? stands_for(expr, a->args[0]) : expr;
    case FUNC_ADD:
        if (type_is_float(expr->type))
            return expr; /* (2) */
        if (is_number(a, 0))
            return stands_for(expr, b);
        return is_number(b, 0) ? stands_for(expr, a) : expr;
    case FUNC_SUB:
        return !type_is_float(expr->type) && is_number(b, 0) ? stands_for(expr, a) : expr;
    case FUNC_MUL:
        if (is_number(a, 1))
            return stands_for(expr, b);
        return is_number(b, 1) ? stands_for(expr, a) : expr;
    case FUNC_DIV:
        return is_number(b, 1) ? stands_for(expr, a) : expr;
    default:
        return expr;
    }
}

const Rule rule_simplify_arithmetic = {
    .name = "simplify_arithmetic",
    .root = RULE_ANY_KIND,
    .rewrite_expr = simplify_arithmetic,
};
