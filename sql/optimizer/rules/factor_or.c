/*
 * factor_or
 *
 *     (a AND b) OR (a AND c)     =>   a AND (b OR c)
 *     (a AND b) OR a             =>   a
 *
 * Why:  a may be a join's equality, or a filter for a scan (TPC-H Q19).
 *
 * Not when:
 *   (1) the common part is volatile.
 */
#include "sql/optimizer/rules/rules.h"

static bool has_part(const ExprVec *parts, const Expr *part)
{
    for (uint32_t i = 0; i < parts->count; i++)
        if (expr_equal(parts->items[i], part))
            return true;
    return false;
}

static const Expr *factor_or(RuleCtx *rc, const Expr *expr)
{
    ExprVec *branches, common = {.arena = rc->arena}, rests = {.arena = rc->arena};

    if (expr->kind != EXPR_CALL || expr->func != FUNC_OR)
        return expr;
    branches = ARENA_ARRAY(rc->arena, ExprVec, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        branches[i].arena = rc->arena;
        expr_vec_add_and(&branches[i], expr->args[i]);
    }
    for (uint32_t j = 0; j < branches[0].count; j++) {
        const Expr *part = branches[0].items[j];
        bool is_common = !expr_is_volatile(part); /* (1) */

        for (uint32_t i = 1; is_common && i < expr->arg_count; i++)
            is_common = has_part(&branches[i], part);
        if (is_common)
            expr_vec_add(&common, part);
    }
    if (common.count == 0)
        return expr;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        ExprVec rest = {.arena = rc->arena};

        for (uint32_t j = 0; j < branches[i].count; j++)
            if (!has_part(&common, branches[i].items[j]))
                expr_vec_add(&rest, branches[i].items[j]);
        if (rest.count == 0)
            return expr_vec_and(&common);
        expr_vec_add(&rests, expr_vec_and(&rest));
    }
    expr_vec_add(&common, expr_call(rc->arena, FUNC_OR, expr->type, rests.count, rests.items));
    return expr_vec_and(&common);
}

const Rule rule_factor_or = {
    .name = "factor_or",
    .root = RULE_ANY_KIND,
    .rewrite_expr = factor_or,
};
