/*
 * simplify_comparisons
 *
 *     5 < a            =>   a > 5
 *     a + 1 > 5        =>   a > 4           integers; dates plus or minus days
 *     7 - a >= 5       =>   a <= 2
 *     -a < 5           =>   a > -5
 *
 * Why:  a column alone against a constant is what scans, statistics and other rules know.
 *
 * Not when:
 *   (1) the constant would overflow: a + 1 > -2147483648.
 *   (2) numbers round: floats, and numerics whose scale the arithmetic changes.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_const(const Expr *expr)
{
    return expr->kind == EXPR_CONST;
}

/* a op b computed now, or NULL when it cannot be. */
static const Expr *computed(RuleCtx *rc, FuncId func, Type type, const Expr *a, const Expr *b)
{
    const Expr *call = expr_call2(rc->arena, func, type, a, b);
    Error ignored = ERROR_NONE;
    Value value;

    if (rc->request->eval_const == NULL ||
        rc->request->eval_const(rc->arena, call, &ignored, &value) != ST_OK || value.is_null)
        return NULL; /* (1) */
    value.type = type;
    return expr_const(rc->arena, value);
}

/* All of one integer type: moving a term is exact. */
static bool is_integer_term(const Expr *sum, const Expr *constant)
{
    return type_is_integer(sum->type) && type_equal(sum->type, constant->type) &&
           type_equal(sum->type, sum->args[0]->type) && type_equal(sum->type, sum->args[1]->type);
}

/* date + integer and date - integer are dates. */
static bool is_date_term(const Expr *sum, const Expr *constant)
{
    return sum->type.id == TYPE_DATE && constant->type.id == TYPE_DATE &&
           sum->args[0]->type.id == TYPE_DATE && sum->args[1]->type.id == TYPE_INT4;
}

static const Expr *compare(RuleCtx *rc, FuncId func, const Expr *a, const Expr *b)
{
    return b == NULL ? NULL : expr_call2(rc->arena, func, type_of(TYPE_BOOL), a, b);
}

/* (a op b) func constant with the constant of the left side moved; NULL when it does not fit. */
static const Expr *move_term(RuleCtx *rc, FuncId func, const Expr *sum, const Expr *constant)
{
    const Expr *a = sum->args[0], *b = sum->args[1];
    bool is_add = sum->func == FUNC_ADD;

    if (!is_integer_term(sum, constant) && !is_date_term(sum, constant))
        return NULL; /* (2) */
    if (is_const(b))
        return compare(rc, func, a,
                       computed(rc, is_add ? FUNC_SUB : FUNC_ADD, sum->type, constant, b));
    if (!is_const(a) || sum->type.id == TYPE_DATE)
        return NULL;
    if (is_add)
        return compare(rc, func, b, computed(rc, FUNC_SUB, sum->type, constant, a));
    return compare(rc, func_mirrored(func), b, computed(rc, FUNC_SUB, sum->type, a, constant));
}

static const Expr *move_sign(RuleCtx *rc, FuncId func, const Expr *negation, const Expr *constant)
{
    const Expr *zero;
    Value value = constant->value;

    if (!type_is_integer(negation->type) || !type_equal(negation->type, constant->type))
        return NULL;
    value.int64 = 0;
    zero = expr_const(rc->arena, value);
    return compare(rc, func_mirrored(func), negation->args[0],
                   computed(rc, FUNC_SUB, constant->type, zero, constant));
}

static bool is_comparison(FuncId func)
{
    return func == FUNC_EQ || func == FUNC_NE || func == FUNC_LT || func == FUNC_LE ||
           func == FUNC_GT || func == FUNC_GE;
}

static const Expr *simplify_comparisons(RuleCtx *rc, const Expr *expr)
{
    const Expr *a, *b, *moved = NULL;

    if (expr->kind != EXPR_CALL || !is_comparison(expr->func))
        return expr;
    a = expr->args[0];
    b = expr->args[1];
    if (is_const(a) && !is_const(b))
        return expr_call2(rc->arena, func_mirrored(expr->func), expr->type, b, a);
    if (!is_const(b) || b->value.is_null || a->kind != EXPR_CALL)
        return expr;
    if (a->func == FUNC_ADD || a->func == FUNC_SUB)
        moved = move_term(rc, expr->func, a, b);
    else if (a->func == FUNC_NEG)
        moved = move_sign(rc, expr->func, a, b);
    return moved == NULL ? expr : moved;
}

const Rule rule_simplify_comparisons = {
    .name = "simplify_comparisons",
    .root = RULE_ANY_KIND,
    .rewrite_expr = simplify_comparisons,
};
