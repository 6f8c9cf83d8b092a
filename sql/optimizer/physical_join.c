/*
 * physical_join.c -- hash or nested, and which side is built
 *
 *     a.x = b.y AND a.z < b.w      keys (x, y), residual z < w       hash join
 *     a.z < b.w                    no keys                           nested join
 *
 * The right input of a hash join is built; the smaller one is put there. Where the join keeps its
 * left rows (LEFT, SEMI, ANTI), exchanging sides means RIGHT_OUTER, RIGHT_SEMI, RIGHT_ANTI.
 */
#include <math.h>

#include "core/base/invariant.h"
#include "sql/optimizer/physical_internal.h"

/* RIGHT_SEMI and its like mark rows in the table and give them out at the end: worth it when the
 * kept side is so many times smaller. */
#define KEPT_SIDE_SMALLER 1.5

/* An expression of one side alone, and of some column of it. */
static bool is_of_side(Arena *arena, const Expr *expr, ColumnSet side)
{
    ColumnSet used = expr_columns(arena, expr);

    return used.count > 0 && column_set_contains(side, used) && !expr_is_volatile(expr);
}

static bool as_key(Arena *arena, const Expr *part, ColumnSet left, ColumnSet right, JoinKey *key)
{
    if (part->kind != EXPR_CALL || (part->func != FUNC_EQ && part->func != FUNC_NOT_DISTINCT_FROM))
        return false;
    key->null_equal = part->func == FUNC_NOT_DISTINCT_FROM;
    for (uint32_t i = 0; i < 2; i++) {
        key->left = part->args[i];
        key->right = part->args[1 - i];
        if (is_of_side(arena, key->left, left) && is_of_side(arena, key->right, right))
            return true;
    }
    return false;
}

uint32_t physical_split_condition(Arena *arena, const Plan *left, const Plan *right,
                                  const Expr *condition, const JoinKey **keys_out,
                                  const Expr **residual_out)
{
    const Expr *const *parts;
    uint32_t part_count = expr_split_and(arena, condition, &parts), count = 0, other_count = 0;
    JoinKey *keys = ARENA_ARRAY(arena, JoinKey, part_count);
    const Expr **others = ARENA_ARRAY(arena, const Expr *, part_count);
    ColumnSet left_columns = plan_output(arena, left), right_columns = plan_output(arena, right);

    for (uint32_t i = 0; i < part_count; i++) {
        if (as_key(arena, parts[i], left_columns, right_columns, &keys[count]))
            count++;
        else
            others[other_count++] = parts[i];
    }
    *keys_out = keys;
    *residual_out = expr_join_and(arena, other_count, others);
    return count;
}

static bool exchanged_kind(JoinKind kind, JoinKind *kind_out)
{
    *kind_out = kind;
    switch (kind) {
    case JOIN_INNER:
    case JOIN_FULL:
        return true;
    case JOIN_LEFT:
        *kind_out = JOIN_RIGHT_OUTER;
        return true;
    case JOIN_SEMI:
        *kind_out = JOIN_RIGHT_SEMI;
        return true;
    case JOIN_ANTI:
        *kind_out = JOIN_RIGHT_ANTI;
        return true;
    default:
        return false;
    }
}

/* The inner join's right side is built: the join order has chosen, rows decide where it has not. */
static bool wants_exchange(RuleCtx *rc, const PlanJoin *join, JoinKind *kind_out)
{
    Estimator *estimator = estimator_of(rc);
    double left = estimate_plan(estimator, join->head.inputs[0])->rows;
    double right = estimate_plan(estimator, join->head.inputs[1])->rows;
    JoinKind exchanged;

    *kind_out = (JoinKind)join->kind;
    if (join->null_aware != NULL || opt__is_off(rc, "join_sides") ||
        !exchanged_kind((JoinKind)join->kind, &exchanged))
        return false;
    if (join->kind == JOIN_INNER || join->kind == JOIN_FULL)
        return left < right;
    if (left * KEPT_SIDE_SMALLER >= right)
        return false;
    *kind_out = exchanged;
    return true;
}

static const PlanColumn *mark_column(const PlanJoin *join)
{
    return join->kind == JOIN_MARK ? plan_column(&join->head, join->mark) : NULL;
}

static Plan *new_join_node(Arena *arena, PlanKind plan_kind, JoinKind kind, const Plan *left,
                           const Plan *right, const PlanColumn *mark)
{
    const Plan *inputs[2] = {left, right};
    uint32_t count;
    const PlanColumn *columns = plan_join_columns(arena, kind, left, right, mark, &count);

    return plan_new(arena, plan_kind, 2, inputs, count, columns);
}

static const Plan *hash_join(RuleCtx *rc, const PlanJoin *logical, JoinKind kind, const Plan *left,
                             const Plan *right, uint32_t key_count, const JoinKey *keys,
                             const Expr *residual)
{
    Arena *arena = rc->arena;
    PlanHashJoin *join = (PlanHashJoin *)new_join_node(arena, PLAN_HASH_JOIN, kind, left, right,
                                                       mark_column(logical));
    const Expr **left_keys = ARENA_ARRAY(arena, const Expr *, key_count);
    const Expr **right_keys = ARENA_ARRAY(arena, const Expr *, key_count);
    bool *null_equal = ARENA_ARRAY(arena, bool, key_count);

    for (uint32_t i = 0; i < key_count; i++) {
        left_keys[i] = keys[i].left;
        right_keys[i] = keys[i].right;
        null_equal[i] = keys[i].null_equal;
    }
    join->kind = kind;
    join->left_keys = (ExprList){key_count, left_keys};
    join->right_keys = (ExprList){key_count, right_keys};
    join->null_equal = (BoolList){key_count, null_equal};
    join->residual = residual;
    join->null_aware = logical->null_aware;
    join->mark = logical->mark;
    return &join->head;
}

static const Plan *nested_join(RuleCtx *rc, const PlanJoin *logical, const Plan *left,
                               const Plan *right)
{
    PlanNestedJoin *join = (PlanNestedJoin *)new_join_node(
        rc->arena, PLAN_NESTED_JOIN, (JoinKind)logical->kind, left, right, mark_column(logical));

    join->kind = logical->kind;
    join->condition = logical->condition;
    join->null_aware = logical->null_aware;
    join->mark = logical->mark;
    return &join->head;
}

const Plan *physical_join(RuleCtx *rc, const PlanJoin *logical, const Plan *left, const Plan *right)
{
    const JoinKey *keys;
    const Expr *residual;
    uint32_t key_count;
    JoinKind kind;

    key_count =
        physical_split_condition(rc->arena, left, right, logical->condition, &keys, &residual);
    if (wants_exchange(rc, logical, &kind) && (key_count > 0 || kind == JOIN_INNER)) {
        const Plan *other = left;

        left = right;
        right = other;
        key_count =
            physical_split_condition(rc->arena, left, right, logical->condition, &keys, &residual);
    } else {
        kind = (JoinKind)logical->kind;
    }
    if (key_count == 0)
        return nested_join(rc, logical, left, right);
    return hash_join(rc, logical, kind, left, right, key_count, keys, residual);
}
