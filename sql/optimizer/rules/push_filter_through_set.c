/*
 * push_filter_through_set
 *
 *     Filter c = 1                Union c
 *       Union c            =>       Filter a = 1
 *         A (a)                       A
 *         B (b)                     Filter b = 1
 *                                     B
 *
 * Also INTERSECT and EXCEPT: rows are compared whole, so a row that fails the predicate fails it on
 * both sides.
 *
 * Why:  on its way to the scans.
 *
 * Not when:
 *   (1) the predicate is volatile.
 *   (2) it may fail, and rows of the inputs are none of an INTERSECT's or EXCEPT's.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *push_filter_through_set(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const Plan *set = plan->inputs[0];
    const Plan **inputs;

    if ((set->kind != PLAN_UNION && set->kind != PLAN_SETOP) || expr_is_volatile(filter->predicate))
        return plan; /* (1) */
    if (set->kind == PLAN_SETOP && expr_is_risky(filter->predicate))
        return plan; /* (2) */
    inputs = ARENA_ARRAY(rc->arena, const Plan *, set->input_count);
    for (uint32_t i = 0; i < set->input_count; i++) {
        ColumnMap map = set_map(rc->arena, set, i);

        inputs[i] = plan_filter(rc->arena, set->inputs[i],
                                expr_substitute(rc->arena, filter->predicate, &map));
    }
    return plan_with_inputs(rc->arena, set, inputs);
}

const Rule rule_push_filter_through_set = {
    .name = "push_filter_through_set",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .rewrite = push_filter_through_set,
};
