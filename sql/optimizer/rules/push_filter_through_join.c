/*
 * push_filter_through_join
 *
 *     Filter a > 1 AND b > 2 AND a = b           Join a = b
 *       Cross Join                         =>      Filter a > 1
 *         L (a)                                      L
 *         R (b)                                    Filter b > 2
 *                                                    R
 *
 *     join              conjuncts over left    over right   over both
 *     INNER             to the left            to the right to the condition
 *     LEFT, SINGLE      to the left            stay         stay
 *     SEMI, ANTI, MARK  to the left            -            stay (those over the mark)
 *     FULL              stay                   stay         stay
 *
 * Why:  rows are dropped before they are joined, and FROM a, b WHERE a.k = b.k is what SQL calls a
 *       join: without this rule it is a cross product. So it has no switch.
 *
 * Not when:
 *   (1) the conjunct is volatile.
 *   (2) the side is padded with NULLs by the join: the conjunct must see the padded rows.
 *         SELECT * FROM a LEFT JOIN b ON a.k = b.k WHERE b.v IS NULL
 */
#include "sql/optimizer/rules/rules.h"

static bool passes_left(JoinKind kind)
{
    return kind != JOIN_FULL;
}

static const Plan *push_filter_through_join(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanJoin *join = plan_as_join(plan->inputs[0]);
    ExprVec left = {.arena = rc->arena}, right = {.arena = rc->arena};
    ExprVec both = {.arena = rc->arena}, stays = {.arena = rc->arena};
    ColumnSet left_columns, right_columns;
    const Expr *const *parts;
    uint32_t count;
    const Plan *joined;

    if (join == NULL)
        return plan;
    left_columns = plan_output(rc->arena, join->head.inputs[0]);
    right_columns = plan_output(rc->arena, join->head.inputs[1]);
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    for (uint32_t i = 0; i < count; i++) {
        ColumnSet used = expr_columns(rc->arena, parts[i]);
        bool is_inner = join->kind == JOIN_INNER;

        if (expr_is_volatile(parts[i]))
            expr_vec_add(&stays, parts[i]); /* (1) */
        else if (passes_left((JoinKind)join->kind) && column_set_contains(left_columns, used))
            expr_vec_add(&left, parts[i]);
        else if (is_inner && column_set_contains(right_columns, used))
            expr_vec_add(&right, parts[i]);
        else
            expr_vec_add(is_inner ? &both : &stays, parts[i]); /* (2) */
    }
    if (stays.count == count)
        return plan;
    joined =
        plan_join_like(rc->arena, join, (JoinKind)join->kind,
                       plan_filter(rc->arena, join->head.inputs[0], expr_vec_and(&left)),
                       plan_filter(rc->arena, join->head.inputs[1], expr_vec_and(&right)),
                       expr_and(rc->arena, join->condition, expr_vec_and(&both)), join->null_aware);
    return plan_filter(rc->arena, joined, expr_vec_and(&stays));
}

const Rule rule_push_filter_through_join = {
    .name = "push_filter_through_join",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .is_required = true,
    .rewrite = push_filter_through_join,
};
