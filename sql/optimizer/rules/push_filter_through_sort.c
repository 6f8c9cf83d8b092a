/*
 * push_filter_through_sort
 *
 *     Filter                Sort
 *       Sort         =>       Filter
 *         X                     X
 *
 * Why:  fewer rows to sort; and the filter is on its way to the scan.
 *
 * Not when:
 *   (1) the predicate is volatile.
 *   (2) there is a LIMIT in between: it would count other rows. (Then the input is no sort.)
 *         SELECT * FROM (SELECT * FROM t ORDER BY a LIMIT 3) s WHERE a > 1
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *push_filter_through_sort(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanSort *sort = plan_as_sort(plan->inputs[0]);

    if (sort == NULL || expr_is_volatile(filter->predicate))
        return plan; /* (1) (2) */
    return plan_with_input(rc->arena, &sort->head,
                           plan_filter(rc->arena, sort->head.inputs[0], filter->predicate));
}

const Rule rule_push_filter_through_sort = {
    .name = "push_filter_through_sort",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .rewrite = push_filter_through_sort,
};
