/*
 * merge_or_ranges
 *
 *     a <= 5 OR a <= 10 OR b       =>   a <= 10 OR b
 *
 * Why:  ORs taken apart by column leave such (TPC-H Q19); one bound can be asked of statistics.
 *
 * Not when:
 *   (1) neither range lies in the other: a < 5 OR a > 10.
 */
#include "sql/optimizer/rules/rules.h"

/* Past this many they are left alone: each is compared with each. */
enum { PARTS_MAX = 200 };

/* Some other part holds wherever part i does; of two alike the first stays. */
static bool is_covered(const Expr *expr, uint32_t i)
{
    for (uint32_t j = 0; j < expr->arg_count; j++)
        if (j != i && expr_bound_implies(expr->args[i], expr->args[j]) &&
            (j < i || !expr_bound_implies(expr->args[j], expr->args[i])))
            return true;
    return false;
}

static const Expr *merge_or_ranges(RuleCtx *rc, const Expr *expr)
{
    ExprVec parts = {.arena = rc->arena};

    if (expr->kind != EXPR_CALL || expr->func != FUNC_OR || expr->arg_count > PARTS_MAX)
        return expr;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (!is_covered(expr, i))
            expr_vec_add(&parts, expr->args[i]);
    if (parts.count == expr->arg_count)
        return expr; /* (1) */
    if (parts.count == 1)
        return parts.items[0];
    return expr_call(rc->arena, FUNC_OR, expr->type, parts.count, parts.items);
}

const Rule rule_merge_or_ranges = {
    .name = "merge_or_ranges",
    .root = RULE_ANY_KIND,
    .rewrite_expr = merge_or_ranges,
};
