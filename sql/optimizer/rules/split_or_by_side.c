/*
 * split_or_by_side
 *
 *     Join (a = 1 AND b = 2) OR (a = 3 AND b = 4)       Join (a = 1 AND b = 2) OR (a = 3 AND b = 4)
 *       L (a)                                     =>      Filter a = 1 OR a = 3
 *       R (b)                                               L
 *                                                         Filter b = 2 OR b = 4
 *                                                           R
 *
 * Each branch must say something of the side. The join keeps its condition. Runs once.
 *
 * Why:  most rows are dropped before the join (TPC-H Q7, Q19).
 *
 * Not when:
 *   (1) a branch says nothing of the side: then all its rows may match.
 *   (2) the side is one whose rows the join keeps without a match.
 *   (3) a part may fail or is volatile: it would be evaluated for rows that it guards not.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *split_or_by_side(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);
    bool may_filter[2] = {join->kind == JOIN_INNER || join->kind == JOIN_SEMI,
                          join->kind != JOIN_FULL}; /* (2) */
    const Plan *inputs[2];
    const Expr *const *parts;
    uint32_t count = expr_split_and(rc->arena, join->condition, &parts);

    for (uint32_t side = 0; side < 2; side++) {
        ExprVec found = {.arena = rc->arena};

        if (may_filter[side])
            or_parts_over(rc->arena, count, parts, plan_output(rc->arena, plan->inputs[side]),
                          &found);
        inputs[side] = plan_filter(rc->arena, plan->inputs[side], expr_vec_and(&found));
    }
    return plan_with_inputs(rc->arena, plan, inputs);
}

const Rule rule_split_or_by_side = {
    .name = "split_or_by_side",
    .root = PLAN_JOIN,
    .rewrite = split_or_by_side,
};
