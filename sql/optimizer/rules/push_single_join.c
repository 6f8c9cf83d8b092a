/*
 * push_single_join
 *
 *     Filter a = v                       Inner Join
 *       Single Join (no condition)         Filter a = v
 *         Inner Join                 =>      Single Join
 *           L (a)                              L (a)
 *           R                                  S (v)
 *         S (v)                            R
 *
 * Why:  WHERE d.month = (SELECT ...) chooses among the rows of d; above the joins it would choose
 *       among all that the rows of d are joined with.
 *
 * Not when:
 *   (1) the join has a condition: its subquery depends on the row.
 *   (2) no conjunct compares the subquery's value with columns of one side alone.
 *         SELECT * FROM t, u WHERE t.a + u.a = (SELECT v FROM w)
 *   (3) the conjunct may fail or is volatile: it is not evaluated for more rows than before.
 */
#include "sql/optimizer/rules/rules.h"

/* The conjuncts over the subquery's value and side to moved, the others to stays. */
static void split_parts(RuleCtx *rc, const PlanFilter *filter, ColumnSet side, ColumnSet value,
                        ExprVec *moved, ExprVec *stays)
{
    const Expr *const *parts;
    uint32_t count = expr_split_and(rc->arena, filter->predicate, &parts);
    ColumnSet both = column_set_union(rc->arena, side, value);

    for (uint32_t i = 0; i < count; i++) {
        ColumnSet used = expr_columns(rc->arena, parts[i]);
        bool moves = column_set_overlaps(used, value) && column_set_overlaps(used, side) &&
                     column_set_contains(both, used) && !expr_is_risky(parts[i]) &&
                     !expr_is_volatile(parts[i]); /* (2) (3) */

        expr_vec_add(moves ? moved : stays, parts[i]);
    }
}

static const Plan *push_single_join(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *single = plan_as_join(plan->inputs[0]), *inner;
    ColumnSet value;

    if (single == NULL || single->kind != JOIN_SINGLE || single->condition != NULL)
        return plan; /* (1) */
    inner = plan_as_join(single->head.inputs[0]);
    if (inner == NULL || inner->kind != JOIN_INNER)
        return plan;
    value = plan_output(rc->arena, single->head.inputs[1]);
    for (uint32_t side = 0; side < 2; side++) {
        const Plan *inputs[2] = {inner->head.inputs[0], inner->head.inputs[1]};
        ExprVec moved = {.arena = rc->arena}, stays = {.arena = rc->arena};
        const Plan *joined;

        split_parts(rc, plan_as_filter(plan), plan_output(rc->arena, inputs[side]), value, &moved,
                    &stays);
        if (moved.count == 0)
            continue;
        inputs[side] = plan_filter(rc->arena,
                                   plan_join_like(rc->arena, single, JOIN_SINGLE, inputs[side],
                                                  single->head.inputs[1], NULL, single->null_aware),
                                   expr_vec_and(&moved));
        joined = plan_join_like(rc->arena, inner, JOIN_INNER, inputs[0], inputs[1],
                                inner->condition, inner->null_aware);
        return plan_select_like(rc->arena, plan_filter(rc->arena, joined, expr_vec_and(&stays)),
                                plan);
    }
    return plan;
}

const Rule rule_push_single_join = {
    .name = "push_single_join",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .rewrite = push_single_join,
};
