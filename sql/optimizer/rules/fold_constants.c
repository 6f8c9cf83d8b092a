/*
 * fold_constants
 *
 *     date '1998-12-01' - interval '90' day     =>     timestamp '1998-09-02'
 *
 * Why:  computed once, not per row; and constants are what statistics and indexes can be asked.
 *
 * Not when:
 *   (1) it raises an error: it is left to raise it at run time, if some row needs it at all.
 *         SELECT CASE WHEN a > 0 THEN 1 ELSE 1 / 0 END FROM t
 *   (2) it is volatile.
 *   (3) the result may be much larger than the arguments: repeat('x', 1000000000).
 */
#include "sql/optimizer/rules/rules.h"

enum { TEXT_BYTES_MAX = 65536 };

static bool makes_large_text(const Expr *expr)
{
    if (expr->func == FUNC_REPEAT || expr->func == FUNC_LPAD || expr->func == FUNC_RPAD)
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (type_phys(expr->args[i]->type) == PHYS_STR && !expr->args[i]->value.is_null &&
            expr->args[i]->value.str.length > TEXT_BYTES_MAX)
            return true;
    return false;
}

static const Expr *fold_constants(RuleCtx *rc, const Expr *expr)
{
    Error ignored = ERROR_NONE;
    Value value;

    if (expr->kind != EXPR_CALL || rc->request->eval_const == NULL)
        return expr;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (expr->args[i]->kind != EXPR_CONST)
            return expr;
    if (expr_is_volatile(expr) || makes_large_text(expr))
        return expr; /* (2) (3) */
    if (rc->request->eval_const(rc->arena, expr, &ignored, &value) != ST_OK)
        return expr; /* (1) */
    value.type = expr->type;
    return expr_const(rc->arena, value);
}

const Rule rule_fold_constants = {
    .name = "fold_constants",
    .root = RULE_ANY_KIND,
    .rewrite_expr = fold_constants,
};
