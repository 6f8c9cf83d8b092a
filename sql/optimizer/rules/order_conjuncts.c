/*
 * order_conjuncts
 *
 *     Filter s LIKE '%a_b%' AND 10 / a > 1 AND a <> b
 *                                      =>     Filter a <> b AND s LIKE '%a_b%' AND 10 / a > 1
 *
 * In filters and join conditions: cheap ones first, those that may raise an error last.
 *
 * Why:  what a conjunct drops the next ones need not look at; and WHERE 10 / a > 1 AND a <> 0 does
 *       not fail, whatever the order it was written in.
 *
 * Not when:
 *   (1) two cost about the same: they stay in the order they were written in.
 *   (2) one is volatile: how often it is called would change.
 */
#include "sql/optimizer/rules/rules.h"

enum { COST_FIXED = 1, COST_TEXT = 3, COST_CALL = 8, COST_MAY_FAIL = 1000 };

static bool add_cost(void *context, const Expr *expr)
{
    uint32_t *cost = context;
    bool is_text = expr->arg_count > 0 && type_phys(expr->args[0]->type) == PHYS_STR;

    if (expr->kind != EXPR_CALL)
        return true;
    switch (expr->func) {
    case FUNC_AND:
    case FUNC_OR:
    case FUNC_NOT:
    case FUNC_IS_TRUE:
    case FUNC_IS_FALSE:
    case FUNC_IS_NULL:
    case FUNC_IS_NOT_NULL:
        break;
    case FUNC_EQ:
    case FUNC_NE:
    case FUNC_LT:
    case FUNC_LE:
    case FUNC_GT:
    case FUNC_GE:
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_MUL:
        *cost += is_text ? COST_TEXT : COST_FIXED;
        break;
    default:
        *cost += COST_CALL;
        break;
    }
    return true;
}

static uint32_t cost_of(const Expr *conjunct)
{
    uint32_t cost = expr_can_fail(conjunct) ? COST_MAY_FAIL : 0;

    expr_visit(conjunct, add_cost, &cost);
    return cost;
}

/* b is to be tried before a, which stands before it. (1) */
static bool is_cheaper(uint32_t b, uint32_t a)
{
    return b < a && a >= COST_CALL;
}

/* Stable: insertion; conjuncts are few, and mostly in order. */
static const Expr *ordered(Arena *arena, const Expr *predicate)
{
    const Expr *const *parts;
    uint32_t count = expr_split_and(arena, predicate, &parts);
    const Expr **sorted = arena_copy(arena, parts, count * sizeof *sorted);
    uint32_t *costs = ARENA_ARRAY(arena, uint32_t, count);
    bool changed = false;

    if (count < 2 || expr_is_volatile(predicate))
        return predicate; /* (2) */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t cost = cost_of(parts[i]), at = i;

        for (; at > 0 && is_cheaper(cost, costs[at - 1]); at--) {
            costs[at] = costs[at - 1];
            sorted[at] = sorted[at - 1];
            changed = true;
        }
        costs[at] = cost;
        sorted[at] = parts[i];
    }
    return changed ? expr_join_and(arena, count, sorted) : predicate;
}

static const Plan *order_conjuncts(RuleCtx *rc, const Plan *plan)
{
    return plan_map_predicate(rc, plan, ordered);
}

const Rule rule_order_conjuncts = {
    .name = "order_conjuncts",
    .root = RULE_ANY_KIND,
    .rewrite = order_conjuncts,
};
