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
 *   (3) the conjunct may fail, and would be evaluated for rows that the join or another conjunct
 *       drops. An equality of the two sides is moved all the same: it is what is joined by.
 *         SELECT * FROM a JOIN b ON a.k = b.k WHERE 10 / a.v > 1
 */
#include "sql/optimizer/rules/rules.h"

static bool has_join(const Plan *plan)
{
    if (plan->kind == PLAN_JOIN)
        return true;
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (has_join(plan->inputs[i]))
            return true;
    return false;
}

static bool keeps_left_rows(JoinKind kind)
{
    return kind == JOIN_LEFT || kind == JOIN_SINGLE || kind == JOIN_MARK;
}

/* An equality of one part's columns with another's, in a plan where parts are joined. */
static bool may_be_key(Arena *arena, const Plan *plan, const Expr *part)
{
    ColumnSet left, right;

    if (part->kind != EXPR_CALL || part->func != FUNC_EQ || !has_join(plan))
        return false;
    left = expr_columns(arena, part->args[0]);
    right = expr_columns(arena, part->args[1]);
    return left.count > 0 && right.count > 0 && !column_set_overlaps(left, right);
}

/* May the conjunct be evaluated for all rows of an inner join's input? */
static bool passes_into_input(Arena *arena, const Plan *input, const Expr *part)
{
    return !expr_is_risky(part) || may_be_key(arena, input, part); /* (3) */
}

/* all_are_left: no other conjunct needs both sides. */
static bool passes_left(Arena *arena, const PlanJoin *join, const Expr *part, bool all_are_left)
{
    if (join->kind == JOIN_FULL)
        return false;
    return (keeps_left_rows((JoinKind)join->kind) && all_are_left) ||
           passes_into_input(arena, join->head.inputs[0], part);
}

/* May it become part of the join's condition, which the join order may test before other joins, and
 * which is tested before the conjuncts that stay above? */
static bool passes_into_condition(Arena *arena, const PlanJoin *join, const Expr *part,
                                  bool some_stay)
{
    return !expr_is_risky(part) || may_be_key(arena, &join->head, part) ||
           (!some_stay && !has_join(join->head.inputs[0]) &&
            !has_join(join->head.inputs[1])); /* (3) */
}

/* Conjuncts over both sides: to the condition, or to those that stay. */
static void add_over_both(const PlanJoin *join, const ExprVec *over_both, ExprVec *both,
                          ExprVec *stays)
{
    bool some_stay = stays->count > 0;

    for (uint32_t i = 0; i < over_both->count; i++) {
        const Expr *part = over_both->items[i];

        expr_vec_add(join->kind == JOIN_INNER &&
                             passes_into_condition(both->arena, join, part, some_stay)
                         ? both
                         : stays,
                     part); /* (2) (3) */
    }
}

static const Plan *push_filter_through_join(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanJoin *join = plan_as_join(plan->inputs[0]);
    ExprVec left = {.arena = rc->arena}, right = {.arena = rc->arena};
    ExprVec both = {.arena = rc->arena}, stays = {.arena = rc->arena};
    ExprVec over_both = {.arena = rc->arena};
    ColumnSet left_columns, right_columns;
    const Expr *const *parts;
    uint32_t count;
    const Plan *joined;
    bool all_are_left;

    if (join == NULL)
        return plan;
    left_columns = plan_output(rc->arena, join->head.inputs[0]);
    right_columns = plan_output(rc->arena, join->head.inputs[1]);
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    all_are_left = expr_uses_only(rc->arena, filter->predicate, left_columns);
    for (uint32_t i = 0; i < count; i++) {
        ColumnSet used = expr_columns(rc->arena, parts[i]);
        bool is_inner = join->kind == JOIN_INNER;

        if (expr_is_volatile(parts[i]))
            expr_vec_add(&stays, parts[i]); /* (1) */
        else if (column_set_contains(left_columns, used))
            expr_vec_add(passes_left(rc->arena, join, parts[i], all_are_left) ? &left : &stays,
                         parts[i]);
        else if (column_set_contains(right_columns, used))
            expr_vec_add(is_inner && passes_into_input(rc->arena, join->head.inputs[1], parts[i])
                             ? &right
                             : &stays,
                         parts[i]); /* (2) (3) */
        else
            expr_vec_add(&over_both, parts[i]);
    }
    add_over_both(join, &over_both, &both, &stays);
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
