/*
 * split_or_by_column
 *
 *     Filter (a = 1 AND b = 2) OR (a = 3 AND b = 4)      Filter ... AND a IN (1, 3) AND b IN (2, 4)
 *       Scan t                                     =>      Scan t
 *
 * Runs once, before filters go into scans.
 *
 * Why:  a scan's predicates are over one column each: it can look at dictionaries and statistics,
 *       and leaves few rows to the OR itself.
 *
 * Not when:
 *   (1) a branch says nothing of the column.
 *   (2) a part may fail or is volatile.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *split_or_by_column(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const Plan *scan = plan->inputs[0];
    ExprVec found = {.arena = rc->arena};
    const Expr *const *parts;
    uint32_t count;

    if (scan->kind != PLAN_SCAN)
        return plan;
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    for (uint32_t i = 0; i < scan->column_count; i++)
        or_parts_over(rc->arena, count, parts, column_set_make(rc->arena, 1, &scan->columns[i].id),
                      &found);
    if (found.count == 0)
        return plan;
    return plan_filter(rc->arena, scan,
                       expr_and(rc->arena, expr_vec_and(&found), filter->predicate));
}

const Rule rule_split_or_by_column = {
    .name = "split_or_by_column",
    .root = PLAN_FILTER,
    .rewrite = split_or_by_column,
};
