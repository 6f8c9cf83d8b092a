/*
 * simplify_single_joins
 *
 *     Single Join k = o.k              Left Join k = o.k
 *       L                        =>      L
 *       Aggregate keys k, ...            Aggregate keys k, ...
 *
 *     Single Join                      Cross Join
 *       L                        =>      L
 *       Aggregate max(v)                 Aggregate max(v)          (exactly one row)
 *
 * A left join whose right input has exactly one row and no condition is a cross join too.
 *
 * Why:  where a second match cannot be, nobody need look for it; a left join can be reduced to an
 *       inner one, and inner joins can be reordered.
 *
 * Not when:
 *   (1) the right input is not known to be unique on what the condition binds.
 *         SELECT (SELECT v FROM u WHERE u.k = t.k) FROM t
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *simplify_single_joins(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);
    const Plan *left = plan->inputs[0], *right = plan->inputs[1];
    RowBounds bounds;

    if (join->kind != JOIN_SINGLE && join->kind != JOIN_LEFT)
        return plan;
    bounds = plan_row_bounds(right);
    if (join->condition == NULL && bounds.min == 1 && bounds.max == 1)
        return plan_join(rc->arena, JOIN_INNER, left, right, NULL);
    if (join->kind == JOIN_SINGLE && join_matches_at_most_one(rc->arena, join)) /* (1) */
        return plan_join(rc->arena, JOIN_LEFT, left, right, join->condition);
    return plan;
}

const Rule rule_simplify_single_joins = {
    .name = "simplify_single_joins",
    .root = PLAN_JOIN,
    .rewrite = simplify_single_joins,
};
