/*
 * limit_exists
 *
 *     Semi Join (no condition)           Semi Join (no condition)
 *       L                          =>      L
 *       R                                  Limit 1
 *                                            R
 *
 * Also anti and mark joins: EXISTS of a subquery that does not depend on the row.
 *
 * Why:  one row decides for all.
 *
 * Not when:
 *   (1) the join compares something: it needs the rows.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *limit_exists(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);
    const Plan *inputs[2] = {plan->inputs[0], plan->inputs[1]};

    if (join->kind != JOIN_SEMI && join->kind != JOIN_ANTI && join->kind != JOIN_MARK)
        return plan;
    if (join->condition != NULL || join->null_aware != NULL)
        return plan; /* (1) */
    if (plan_row_bounds(inputs[1]).max <= 1)
        return plan;
    inputs[1] = plan_limit(rc->arena, inputs[1], 0, 1);
    return plan_with_inputs(rc->arena, plan, inputs);
}

const Rule rule_limit_exists = {
    .name = "limit_exists",
    .root = PLAN_JOIN,
    .rewrite = limit_exists,
};
