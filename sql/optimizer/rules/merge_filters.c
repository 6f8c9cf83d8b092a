/*
 * merge_filters
 *
 *     Filter a                 Filter b AND a
 *       Filter b        =>       X
 *         X
 *
 * Why:  one loop over the rows, and rules see all conjuncts together.
 *
 * Not when:
 *   (1) a predicate is volatile: it would be called for other rows than before.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *merge_filters(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *above = plan_as_filter(plan);
    const PlanFilter *below = plan_as_filter(plan->inputs[0]);

    if (below == NULL)
        return plan;
    if (expr_is_volatile(above->predicate) || expr_is_volatile(below->predicate))
        return plan; /* (1) */
    return plan_filter(rc->arena, below->head.inputs[0],
                       expr_and(rc->arena, below->predicate, above->predicate));
}

const Rule rule_merge_filters = {
    .name = "merge_filters",
    .root = PLAN_FILTER,
    .rewrite = merge_filters,
};
