/*
 * push_filter_through_aggregate
 *
 *     Filter k = 1 AND sum > 2           Filter sum > 2
 *       Aggregate keys k, sum(v)   =>      Aggregate keys k, sum(v)
 *         X                                  Filter k = 1
 *                                              X
 *
 * Why:  whole groups are dropped before they are computed.
 *
 * Not when:
 *   (1) the conjunct uses an aggregate's result.
 *   (2) the aggregate has no keys: it has a row even of no input.
 *         SELECT count(*) FROM t HAVING false
 *   (3) the conjunct is volatile.
 *   (4) it may fail, and another one stays that might drop the group first.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *push_filter_through_aggregate(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanAggregate *aggregate = plan_as_aggregate(plan->inputs[0]);
    ExprVec below = {.arena = rc->arena}, stays = {.arena = rc->arena};
    const Expr *const *parts;
    uint32_t count;
    ColumnSet keys;
    bool all_pass;

    if (aggregate == NULL || aggregate->keys.count == 0)
        return plan; /* (2) */
    keys = column_set_make(rc->arena, aggregate->keys.count, aggregate->keys.ids);
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    all_pass = expr_uses_only(rc->arena, filter->predicate, keys);
    for (uint32_t i = 0; i < count; i++) {
        bool passes = expr_uses_only(rc->arena, parts[i], keys) && !expr_is_volatile(parts[i]) &&
                      (all_pass || !expr_is_risky(parts[i]));

        expr_vec_add(passes ? &below : &stays, parts[i]); /* (1) (3) (4) */
    }
    return plan_filter_below(rc, plan, &below, &stays);
}

const Rule rule_push_filter_through_aggregate = {
    .name = "push_filter_through_aggregate",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .rewrite = push_filter_through_aggregate,
};
