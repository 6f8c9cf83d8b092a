/*
 * push_join_condition
 *
 *     Left Join a = b AND b > 2           Left Join a = b
 *       L (a)                       =>      L
 *       R (b)                               Filter b > 2
 *                                             R
 *
 *     join                       conjuncts over left only    over right only
 *     INNER, SEMI                to the left                 to the right
 *     LEFT, SINGLE, ANTI, MARK   stay                        to the right
 *     FULL                       stay                        stay
 *
 * Conjuncts over no columns go where the join's kind lets them.
 *
 * Why:  rows that cannot match are dropped before the join.
 *
 * Not when:
 *   (1) the conjunct is volatile.
 *   (2) the join keeps rows of that side without a match: they would be lost.
 *         SELECT * FROM a LEFT JOIN b ON a.k = b.k AND a.v > 1
 *   (3) the conjunct may fail: it would be evaluated for rows that find no partner.
 */
#include "sql/optimizer/rules/rules.h"

static const Plan *push_join_condition(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);
    const Plan *left = plan->inputs[0], *right = plan->inputs[1];
    bool to_left = join->kind == JOIN_INNER || join->kind == JOIN_SEMI;
    bool to_right = join->kind != JOIN_FULL;
    ExprVec lefts = {.arena = rc->arena}, rights = {.arena = rc->arena};
    ExprVec stays = {.arena = rc->arena};
    ColumnSet left_columns, right_columns;
    const Expr *const *parts;
    uint32_t count;

    if (join->condition == NULL || !to_right)
        return plan;
    left_columns = plan_output(rc->arena, left);
    right_columns = plan_output(rc->arena, right);
    count = expr_split_and(rc->arena, join->condition, &parts);
    for (uint32_t i = 0; i < count; i++) {
        ColumnSet used = expr_columns(rc->arena, parts[i]);

        if (expr_is_volatile(parts[i]) || expr_is_risky(parts[i]))
            expr_vec_add(&stays, parts[i]); /* (1) (3) */
        else if (to_left && column_set_contains(left_columns, used))
            expr_vec_add(&lefts, parts[i]);
        else if (column_set_contains(right_columns, used))
            expr_vec_add(&rights, parts[i]);
        else
            expr_vec_add(&stays, parts[i]); /* (2) */
    }
    if (stays.count == count)
        return plan;
    return plan_join_like(rc->arena, join, (JoinKind)join->kind,
                          plan_filter(rc->arena, left, expr_vec_and(&lefts)),
                          plan_filter(rc->arena, right, expr_vec_and(&rights)),
                          expr_vec_and(&stays), join->null_aware);
}

const Rule rule_push_join_condition = {
    .name = "push_join_condition",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_JOIN,
    .rewrite = push_join_condition,
};
