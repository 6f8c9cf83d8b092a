/*
 * drop_group_keys
 *
 *     Aggregate keys a, b, sum(v)            Project a, 5 AS b, sum
 *       Filter b = 5                  =>       Aggregate keys a, sum(v)
 *         X                                      Filter b = 5
 *                                                  X
 *
 *     keys a, c where a = c: c is a again.
 *
 * Why:  narrower keys hash and compare faster.
 *
 * Not when:
 *   (1) it is the last key: without keys there is a row even of no input.
 *   (2) equal values may differ: floats (0.0 and -0.0), intervals.
 *   (3) the column that would stand for it is said to be nullable, and it is not.
 */
#include "sql/optimizer/rules/rules.h"

static bool is_same_when_equal(Type type)
{
    return !type_is_float(type) && type.id != TYPE_INTERVAL; /* (2) */
}

static bool may_stand_for(const Plan *input, const Expr *other, ColumnId column, ColumnSet kept)
{
    if (other->kind == EXPR_CONST)
        return true;
    return other->kind == EXPR_COLUMN && column_set_has(kept, other->column) &&
           (plan_column(input, column)->is_nullable ||
            !plan_column(input, other->column)->is_nullable); /* (3) */
}

/* What the facts say that the column is: a constant, or one of the columns kept. */
static const Expr *known_value(const Plan *input, const ExprVec *facts, ColumnId column,
                               ColumnSet kept)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        const Expr *fact = facts->items[i];

        if (fact->kind != EXPR_CALL || fact->func != FUNC_EQ ||
            !type_equal(fact->args[0]->type, fact->args[1]->type) ||
            !is_same_when_equal(fact->args[0]->type))
            continue;
        for (uint32_t side = 0; side < 2; side++) {
            const Expr *own = fact->args[side], *other = fact->args[1 - side];

            if (own->kind == EXPR_COLUMN && own->column == column &&
                may_stand_for(input, other, column, kept))
                return other;
        }
    }
    return NULL;
}

static const Plan *drop_group_keys(RuleCtx *rc, const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);
    uint32_t key_count = aggregate->keys.count, kept_count = 0;
    ColumnId *kept = ARENA_ARRAY(rc->arena, ColumnId, key_count);
    ColumnVec outputs = {.arena = rc->arena};
    ExprVec facts;

    if (key_count < 2)
        return plan; /* (1) */
    facts = plan_facts(rc->arena, plan->inputs[0]);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const PlanColumn *column = &plan->columns[i];
        ColumnSet so_far = column_set_make(rc->arena, kept_count, kept);
        bool is_last = kept_count == 0 && i + 1 == key_count;
        const Expr *value = i < key_count && !is_last
                                ? known_value(plan->inputs[0], &facts, column->id, so_far)
                                : NULL;

        if (value == NULL && i < key_count)
            kept[kept_count++] = column->id;
        column_vec_add(&outputs, value == NULL ? expr_of_column(rc->arena, column) : value,
                       *column);
    }
    if (kept_count == key_count)
        return plan;
    return column_vec_project(&outputs, plan_aggregate(rc->arena, plan->inputs[0], kept_count, kept,
                                                       aggregate->aggs.count, aggregate->aggs.items,
                                                       plan->columns + key_count));
}

const Rule rule_drop_group_keys = {
    .name = "drop_group_keys",
    .root = PLAN_AGGREGATE,
    .rewrite = drop_group_keys,
};
