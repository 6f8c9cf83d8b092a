/*
 * simplify_arithmetic
 *
 *     a + 0, 0 + a, a - 0, a * 1, 1 * a, a / 1    =>   a
 *     - (- a)                                     =>   a
 *     (a + 1) + 2, (a - 1) - 2, (a * 2) * 3       =>   a + 3, a - 3, a * 6      integers
 *
 * Why:  generated SQL is full of it.
 *
 * Not when:
 *   (1) the result has another type than a: numeric(5,2) * 1 is no numeric(5,2).
 *   (2) a is a float and the operation a sum: -0.0 + 0.0 is 0.0.
 *   (3) the constants are not both positive, or overflow together: (a + 5) - 5 is an error of the
 *       largest a.
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

static bool is_positive_of(const Expr *expr, Type type)
{
    return expr->kind == EXPR_CONST && !expr->value.is_null && type_equal(expr->type, type) &&
           value_as_double(&expr->value) > 0;
}

/* The constant of a + 1, 1 + a, a - 1, a * 2 or 2 * a, and what it is joined with; else NULL. */
static const Expr *constant_term(const Expr *expr, const Expr **other_out)
{
    uint32_t sides = func_properties(expr->func) & FUNC_COMMUTES ? 2 : 1;

    for (uint32_t side = 0; side < sides; side++) {
        const Expr *constant = expr->args[1 - side];

        *other_out = expr->args[side];
        if (is_positive_of(constant, expr->type))
            return constant;
    }
    return NULL;
}

/* (a op 1) op 2 => a op 3; expr itself where that is not the same. */
static const Expr *join_constants(RuleCtx *rc, const Expr *expr)
{
    const Expr *outer, *inner, *below, *rest, *both;
    Error ignored = ERROR_NONE;
    Value value;

    if (!type_is_integer(expr->type) || expr->arg_count != 2 || rc->request->eval_const == NULL)
        return expr;
    outer = constant_term(expr, &below);
    if (outer == NULL || below->kind != EXPR_CALL || below->func != expr->func ||
        below->arg_count != 2 || !type_equal(below->type, expr->type))
        return expr;
    inner = constant_term(below, &rest);
    if (inner == NULL || !type_equal(rest->type, expr->type))
        return expr; /* (3) */
    both = expr_call2(rc->arena, expr->func == FUNC_SUB ? FUNC_ADD : expr->func, expr->type, inner,
                      outer);
    if (rc->request->eval_const(rc->arena, both, &ignored, &value) != ST_OK)
        return expr; /* (3) */
    value.type = expr->type;
    return expr_call2(rc->arena, expr->func, expr->type, rest, expr_const(rc->arena, value));
}

static const Expr *simplify_arithmetic(RuleCtx *rc, const Expr *expr)
{
    const Expr *a, *b;

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
        return is_number(b, 0) ? stands_for(expr, a) : join_constants(rc, expr);
    case FUNC_SUB:
        if (b == NULL || type_is_float(expr->type))
            return expr; /* (2) */
        return is_number(b, 0) ? stands_for(expr, a) : join_constants(rc, expr);
    case FUNC_MUL:
        if (is_number(a, 1))
            return stands_for(expr, b);
        return is_number(b, 1) ? stands_for(expr, a) : join_constants(rc, expr);
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
