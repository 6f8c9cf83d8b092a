/*
 * infer_filters
 *
 *     Join a = b                    Join a = b
 *       Filter a > 5          =>      Filter a > 5
 *         L (a)                         L (a)
 *       R (b)                         Filter b > 5
 *                                       R (b)
 *
 *     INNER, SEMI                  both ways
 *     LEFT, SINGLE, ANTI, MARK     from left to right only: the right rows are looked up
 *
 * Why:  rows that have no partner are dropped in the scan, perhaps whole row groups.
 *
 * Not when:
 *   (1) the filter uses other columns too, may fail or is volatile.
 *   (2) a and b may be equal and yet differ for the filter: floats (0.0 and -0.0), intervals.
 *       Comparisons with constants are sound even then.
 *   (3) the other side is filtered that far already.
 */
#include "sql/optimizer/rules/rules.h"

/* a = b with a of the left and b of the right input. */
static bool is_key(const PlanJoin *join, const Expr *part, const Expr **left, const Expr **right)
{
    if (part->kind != EXPR_CALL || part->func != FUNC_EQ || part->args[0]->kind != EXPR_COLUMN ||
        part->args[1]->kind != EXPR_COLUMN || !type_equal(part->args[0]->type, part->args[1]->type))
        return false;
    for (uint32_t side = 0; side < 2; side++) {
        *left = part->args[side];
        *right = part->args[1 - side];
        if (plan_column(join->head.inputs[0], (*left)->column) != NULL &&
            plan_column(join->head.inputs[1], (*right)->column) != NULL)
            return true;
    }
    return false;
}

/* Facts over one column each: facts.items[i] over columns[i]. */
typedef struct ColumnFacts {
    ExprVec facts;
    ColumnId *columns;
} ColumnFacts;

/* The plan's facts that may be moved. (1) */
static ColumnFacts movable_facts(Arena *arena, const Plan *plan)
{
    ExprVec all = plan_facts(arena, plan);
    ColumnFacts movable = {.facts = {.arena = arena},
                           .columns = ARENA_ARRAY(arena, ColumnId, all.count)};

    for (uint32_t i = 0; i < all.count; i++) {
        ColumnSet used = expr_columns(arena, all.items[i]);

        if (used.count != 1 || expr_can_fail(all.items[i]) || expr_is_volatile(all.items[i]))
            continue;
        movable.columns[movable.facts.count] = used.ids[0];
        expr_vec_add(&movable.facts, all.items[i]);
    }
    return movable;
}

/* (2) */
static bool is_sound(const Expr *fact, Type from, Type to)
{
    return expr_is_column_bound(fact) ||
           (type_equal(from, to) && !type_is_float(from) && from.id != TYPE_INTERVAL);
}

static bool is_known(const ExprVec *facts, const Expr *fact)
{
    for (uint32_t i = 0; i < facts->count; i++)
        if (expr_equal(facts->items[i], fact) || expr_bound_implies(facts->items[i], fact))
            return true;
    return false;
}

/* Facts about `from` that `to`'s side does not know yet, over `to`. */
static void infer(Arena *arena, const Expr *from, const ColumnFacts *from_facts, const Expr *to,
                  const ColumnFacts *to_facts, ExprVec *found)
{
    ColumnMap map = {1, &from->column, &to};

    for (uint32_t i = 0; i < from_facts->facts.count; i++) {
        const Expr *fact = from_facts->facts.items[i], *moved;

        if (from_facts->columns[i] != from->column || !is_sound(fact, from->type, to->type))
            continue;
        moved = expr_substitute(arena, fact, &map);
        if (moved->kind == EXPR_CALL && moved->func == FUNC_IS_NOT_NULL)
            continue; /* the equality says it */
        if (!is_known(&to_facts->facts, moved) && !is_known(found, moved)) /* (3) */
            expr_vec_add(found, moved);
    }
}

static const Plan *infer_filters(RuleCtx *rc, const Plan *plan)
{
    const PlanJoin *join = plan_as_join(plan);
    bool to_left = join->kind == JOIN_INNER || join->kind == JOIN_SEMI;
    ExprVec lefts = {.arena = rc->arena}, rights = {.arena = rc->arena};
    ColumnFacts left_facts, right_facts;
    const Expr *const *parts;
    const Plan *inputs[2];
    uint32_t count = expr_split_and(rc->arena, join->condition, &parts);

    if (join->kind == JOIN_FULL || count == 0)
        return plan;
    left_facts = movable_facts(rc->arena, plan->inputs[0]);
    right_facts = movable_facts(rc->arena, plan->inputs[1]);
    for (uint32_t i = 0; i < count; i++) {
        const Expr *left, *right;

        if (!is_key(join, parts[i], &left, &right))
            continue;
        infer(rc->arena, left, &left_facts, right, &right_facts, &rights);
        if (to_left)
            infer(rc->arena, right, &right_facts, left, &left_facts, &lefts);
    }
    inputs[0] = plan_filter(rc->arena, plan->inputs[0], expr_vec_and(&lefts));
    inputs[1] = plan_filter(rc->arena, plan->inputs[1], expr_vec_and(&rights));
    return plan_with_inputs(rc->arena, plan, inputs);
}

const Rule rule_infer_filters = {
    .name = "infer_filters",
    .root = PLAN_JOIN,
    .rewrite = infer_filters,
};
