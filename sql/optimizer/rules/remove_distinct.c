/*
 * remove_distinct
 *
 *     Distinct a, sum                    Project a, sum
 *       Aggregate keys a, sum(v)   =>      Aggregate keys a, sum(v)
 *
 *     Semi Join x = y                    Semi Join x = y
 *       L                          =>      L
 *       Distinct y                         X
 *         X
 *
 * Why:  what is distinct already need not be hashed again; and a semi or anti join asks only
 *       whether there is a row.
 *
 * Not when:
 *   (1) the aggregate computes something besides its groups.
 *   (2) the input is not known to be unique on the keys.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_distinct(const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);

    return aggregate != NULL && aggregate->aggs.count == 0 && aggregate->keys.count > 0; /* (1) */
}

/* The right input of a semi, anti or mark join, below projections of bare columns. */
static const Plan *strip_distinct(Arena *arena, const Plan *plan)
{
    if (plan->kind == PLAN_PROJECT)
        return plan_with_input(arena, plan, strip_distinct(arena, plan->inputs[0]));
    return is_distinct(plan) ? plan->inputs[0] : plan;
}

static const Plan *remove_distinct(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);

    if (join != NULL &&
        (join->kind == JOIN_SEMI || join->kind == JOIN_ANTI || join->kind == JOIN_MARK)) {
        const Plan *inputs[2] = {plan->inputs[0], strip_distinct(rc->arena, plan->inputs[1])};

        return plan_with_inputs(rc->arena, plan, inputs);
    }
    if (is_distinct(plan) &&
        plan_is_unique_on(rc->arena, plan->inputs[0], plan_output(rc->arena, plan))) /* (2) */
        return plan_select_like(rc->arena, plan->inputs[0], plan);
    return plan;
}

const Rule rule_remove_distinct = {
    .name = "remove_distinct",
    .root = RULE_ANY_KIND,
    .rewrite = remove_distinct,
};
