/* physical_as_logical.c -- see physical_as_logical.h */
#include "tests/plans/physical_as_logical.h"

static const Plan *logical_join(Arena *arena, const Plan *plan, JoinKind kind, const Plan *left,
                                const Plan *right, const Expr *condition, const Expr *null_aware,
                                ColumnId mark)
{
    switch (kind) {
    case JOIN_RIGHT_OUTER:
        return plan_join(arena, JOIN_LEFT, right, left, condition);
    case JOIN_RIGHT_SEMI:
        return plan_join(arena, JOIN_SEMI, right, left, condition);
    case JOIN_RIGHT_ANTI:
        return plan_anti_join(arena, right, left, condition, null_aware);
    case JOIN_ANTI:
        return plan_anti_join(arena, left, right, condition, null_aware);
    case JOIN_MARK:
        return plan_mark_join(arena, left, right, condition, null_aware, *plan_column(plan, mark));
    default:
        return plan_join(arena, kind, left, right, condition);
    }
}

static const Expr *hash_condition(Arena *arena, const PlanHashJoin *join)
{
    const Expr *condition = join->residual;

    for (uint32_t i = 0; i < join->left_keys.count; i++)
        condition = expr_and(
            arena, condition,
            expr_call2(arena, join->null_equal.items[i] ? FUNC_NOT_DISTINCT_FROM : FUNC_EQ,
                       type_of(TYPE_BOOL), join->left_keys.items[i], join->right_keys.items[i]));
    return condition;
}

static const Plan *with_logical_inputs(Arena *arena, const Plan *plan)
{
    const Plan **inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);

    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = physical_as_logical(arena, plan->inputs[i]);
    return plan_with_inputs(arena, plan, inputs);
}

const Plan *physical_as_logical(Arena *arena, const Plan *physical)
{
    const Plan *plan = with_logical_inputs(arena, physical);
    const PlanHashJoin *hash = plan_as_hash_join(plan);
    const PlanNestedJoin *nested = plan_as_nested_join(plan);
    const PlanTopN *top = plan_as_top_n(plan);

    if (hash != NULL)
        return logical_join(arena, plan, (JoinKind)hash->kind, plan->inputs[0], plan->inputs[1],
                            hash_condition(arena, hash), hash->null_aware, hash->mark);
    if (nested != NULL)
        return logical_join(arena, plan, (JoinKind)nested->kind, plan->inputs[0], plan->inputs[1],
                            nested->condition, nested->null_aware, nested->mark);
    if (top != NULL)
        return plan_limit(arena,
                          plan_sort(arena, plan->inputs[0], top->keys.count, top->keys.items),
                          top->skip_rows, top->fetch_rows);
    return plan;
}
