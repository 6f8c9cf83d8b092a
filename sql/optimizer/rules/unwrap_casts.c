/*
 * unwrap_casts
 *
 *     CAST(a AS bigint) = 5              =>   a = 5              a integer
 *     CAST(p AS numeric(17,4)) < 0.05    =>   p < 0.05           p numeric(15,2)
 *     CAST(a AS numeric) < 1.5           =>   a <= 1             no integer lies between 1 and 1.5
 *     CAST(d AS timestamp) >= '1998-09-02 00:00:00'   =>   d >= '1998-09-02'
 *     CAST(a AS bigint) IN (1, 5000000000)            =>   a IN (1)
 *
 * Why:  the column itself is compared: no cast per row, and scans can prune.
 *
 * Not when:
 *   (1) the cast is not exact and order-preserving: float4, text, anything that rounds.
 *   (2) the constant has no counterpart in the column's type: a = 1.5 is FALSE, but NULL for NULL.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_cast(const Expr *expr)
{
    return expr->kind == EXPR_CALL && expr->func == FUNC_CAST;
}

static bool cast_now(RuleCtx *rc, const Expr *constant, Type type, Value *value_out)
{
    const Expr *cast = expr_cast(rc->arena, constant, type);
    Error ignored = ERROR_NONE;

    if (cast == constant) {
        *value_out = constant->value;
        return !value_out->is_null;
    }
    if (rc->request->eval_const == NULL ||
        rc->request->eval_const(rc->arena, cast, &ignored, value_out) != ST_OK)
        return false;
    value_out->type = type;
    return !value_out->is_null;
}

/* The nearest value of type, and how it lies: < 0 below the constant, 0 equal, > 0 above. */
static bool nearest(RuleCtx *rc, const Expr *constant, Type type, Value *value_out, int *lies_out)
{
    Value back;

    if (constant->value.is_null || !cast_now(rc, constant, type, value_out) ||
        !cast_now(rc, expr_const(rc->arena, *value_out), constant->type, &back))
        return false;
    *lies_out = value_compare(&back, &constant->value);
    return true;
}

/* a func c for the nearest value n of a's type: no value of the type lies between n and c. */
static bool adjust(FuncId func, int lies, FuncId *func_out)
{
    *func_out = func;
    if (lies == 0)
        return true;
    switch (func) {
    case FUNC_LT:
    case FUNC_LE:
        *func_out = lies < 0 ? FUNC_LE : FUNC_LT;
        return true;
    case FUNC_GT:
    case FUNC_GE:
        *func_out = lies < 0 ? FUNC_GT : FUNC_GE;
        return true;
    default:
        return false; /* (2) */
    }
}

static const Expr *unwrap_comparison(RuleCtx *rc, const Expr *expr)
{
    const Expr *cast = expr->args[0], *constant = expr->args[1], *column;
    FuncId func;
    Value value;
    int lies;

    if (!is_cast(cast) || constant->kind != EXPR_CONST)
        return expr;
    column = cast->args[0];
    if (column->kind == EXPR_CONST || !type_holds_all(column->type, cast->type))
        return expr; /* (1) */
    if (!nearest(rc, constant, column->type, &value, &lies) || !adjust(expr->func, lies, &func))
        return expr;
    return expr_call2(rc->arena, func, expr->type, column, expr_const(rc->arena, value));
}

static const Expr *unwrap_in(RuleCtx *rc, const Expr *expr)
{
    const Expr *cast = expr->args[0], *column;
    ExprVec args = {.arena = rc->arena};

    if (!is_cast(cast))
        return expr;
    column = cast->args[0];
    if (column->kind == EXPR_CONST || !type_holds_all(column->type, cast->type))
        return expr; /* (1) */
    expr_vec_add(&args, column);
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        Value value;
        int lies;

        if (expr->args[i]->kind != EXPR_CONST || expr->args[i]->value.is_null)
            return expr;
        if (!nearest(rc, expr->args[i], column->type, &value, &lies))
            return expr; /* out of range, perhaps; or not evaluated at all */
        if (lies == 0)
            expr_vec_add(&args, expr_const(rc->arena, value));
    }
    if (args.count == 1)
        return expr; /* (2) */
    return expr_call(rc->arena, FUNC_IN, expr->type, args.count, args.items);
}

static const Expr *unwrap_casts(RuleCtx *rc, const Expr *expr)
{
    if (expr->kind != EXPR_CALL)
        return expr;
    switch (expr->func) {
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
        return unwrap_comparison(rc, expr);
    case FUNC_IN:
        return unwrap_in(rc, expr);
    default:
        return expr;
    }
}

const Rule rule_unwrap_casts = {
    .name = "unwrap_casts",
    .root = RULE_ANY_KIND,
    .rewrite_expr = unwrap_casts,
};
