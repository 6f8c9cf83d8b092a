/*
 * push_filter_into_scan
 *
 *     Filter a > 1 AND a < b            Filter a < b
 *       Scan t                    =>      Scan t, predicates a > 1
 *
 * Why:  the scan skips what its statistics rule out, looks at a dictionary's entries once, and
 *       decodes other columns only for rows that are kept.
 *
 * Not when:
 *   (1) the conjunct is over no column, or several: a scan's predicate is over exactly one.
 *   (2) it is volatile.
 *   (3) it may raise an error: the scan may try dictionary entries that no row has.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *push_filter_into_scan(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanScan *scan = plan_as_scan(plan->inputs[0]);
    ExprVec into = {.arena = rc->arena}, stays = {.arena = rc->arena};
    const Expr *const *parts;
    uint32_t count;
    PlanScan *copy;

    if (scan == NULL || scan->row_limit != ALL_ROWS)
        return plan;
    for (uint32_t i = 0; i < scan->predicates.count; i++)
        expr_vec_add(&into, scan->predicates.items[i]);
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    for (uint32_t i = 0; i < count; i++) {
        bool fits = expr_columns(rc->arena, parts[i]).count == 1 && /* (1) */
                    !expr_is_volatile(parts[i]) &&                  /* (2) */
                    !expr_can_fail(parts[i]);                       /* (3) */

        expr_vec_add(fits ? &into : &stays, parts[i]);
    }
    if (stays.count == count)
        return plan;
    copy = arena_copy(rc->arena, scan, sizeof *scan);
    copy->predicates = (ExprList){into.count, into.items};
    return plan_filter(rc->arena, &copy->head, expr_vec_and(&stays));
}

const Rule rule_push_filter_into_scan = {
    .name = "push_filter_into_scan",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .rewrite = push_filter_into_scan,
};
