/* distribute_aggregate.c -- see distribute_aggregate.h */
#include "sql/optimizer/distribute_aggregate.h"

/* Fewer rows a group and partition, and the lower half is not worth its table. */
#define ROWS_A_GROUP_LEAST 8.0

/* How the parts' results become one. */
typedef enum Halving {
    HALVE_NEVER,
    HALVE_BY_ITSELF, /* the least of the least ones  */
    HALVE_BY_SUM,    /* counts, sums of exact numbers */
    HALVE_BY_STATE   /* rounded once, at the end      */
} Halving;

static Halving halving_of(const Expr *agg, bool has_keys)
{
    if (agg->kind != EXPR_AGG ||
        (agg->is_distinct && !(agg_properties(agg->agg) & AGG_DUPLICATES_DO_NOT_MATTER)))
        return HALVE_NEVER; /* (1) */
    switch (agg->agg) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        return HALVE_BY_SUM;
    case AGG_MIN:
    case AGG_MAX:
    case AGG_BOOL_AND:
    case AGG_BOOL_OR:
    case AGG_BIT_AND:
    case AGG_BIT_OR:
    case AGG_BIT_XOR:
        return HALVE_BY_ITSELF;
    case AGG_FIRST: /* a partition without rows has no group, if there are keys */
        return has_keys ? HALVE_BY_ITSELF : HALVE_NEVER;
    case AGG_SUM:
        return type_is_integer(agg->type) || agg->type.id == TYPE_DECIMAL ? HALVE_BY_SUM
                                                                          : HALVE_BY_STATE;
    case AGG_STRING_AGG:
    case AGG_COUNT_:
        return HALVE_NEVER;
    default:
        return agg->arg_count == 1 ? HALVE_BY_STATE : HALVE_NEVER;
    }
}

bool distribute_can_halve(const PlanAggregate *aggregate)
{
    double rows = aggregate->head.inputs[0]->estimated_rows;
    double groups = aggregate->head.estimated_rows;

    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        if (halving_of(aggregate->aggs.items[i], aggregate->keys.count > 0) == HALVE_NEVER)
            return false;
    return aggregate->keys.count == 0 ||
           (groups >= 0 && rows >= groups * ROWS_A_GROUP_LEAST); /* (2) */
}

const Plan *distribute_begin_aggregate(Arena *arena, PlanIds *ids, const PlanAggregate *aggregate,
                                       const Plan *input)
{
    uint32_t keys = aggregate->keys.count, count = aggregate->aggs.count;
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, count);
    const Expr **aggs = ARENA_ARRAY(arena, const Expr *, count);
    PlanAggregate *begun;

    for (uint32_t i = 0; i < count; i++) {
        aggs[i] = aggregate->aggs.items[i];
        if (halving_of(aggs[i], keys > 0) == HALVE_BY_STATE)
            aggs[i] = expr_agg_to_state(arena, aggs[i]);
        columns[i] = aggregate->head.columns[keys + i];
        columns[i].id = plan_new_column(ids);
        columns[i].type = aggs[i]->type;
    }
    begun = (PlanAggregate *)(uintptr_t)plan_aggregate(
        arena, input, keys, aggregate->keys.ids, count, aggs, columns); /* nobody has seen it */
    begun->part = AGGREGATE_PARTIAL;
    return &begun->head;
}

/* A sum of integers or decimals is a numeric of 38 digits. */
static const Expr *merge(Arena *arena, const Expr *agg, const PlanColumn *part, bool has_keys)
{
    const Expr *column = expr_column(arena, part->id, part->type);
    int scale = part->type.id == TYPE_DECIMAL ? part->type.scale : 0;

    switch (halving_of(agg, has_keys)) {
    case HALVE_BY_STATE:
        return expr_agg_of_states(arena, agg, column);
    case HALVE_BY_SUM:
        return expr_agg(arena, AGG_SUM, type_decimal(DECIMAL_DIGITS, scale), 1, &column, false,
                        NULL);
    default:
        return expr_agg(arena, agg->agg, agg->type, 1, &column, false, NULL);
    }
}

const Plan *distribute_finish_aggregate(Arena *arena, PlanIds *ids, const PlanAggregate *aggregate,
                                        const Plan *begun, const Plan *moved)
{
    uint32_t keys = aggregate->keys.count, count = aggregate->aggs.count;
    const Expr **aggs = ARENA_ARRAY(arena, const Expr *, count);
    const Expr **exprs = ARENA_ARRAY(arena, const Expr *, keys + count);
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, count);
    const Plan *merged;

    for (uint32_t i = 0; i < count; i++) {
        aggs[i] = merge(arena, aggregate->aggs.items[i], &begun->columns[keys + i], keys > 0);
        columns[i] = begun->columns[keys + i];
        columns[i].id = plan_new_column(ids);
        columns[i].type = aggs[i]->type;
        columns[i].is_nullable = true;
    }
    merged = plan_aggregate(arena, moved, keys, aggregate->keys.ids, count, aggs, columns);
    for (uint32_t i = 0; i < keys + count; i++)
        exprs[i] =
            expr_cast(arena, expr_column(arena, merged->columns[i].id, merged->columns[i].type),
                      aggregate->head.columns[i].type);
    return plan_project(arena, merged, keys + count, exprs, aggregate->head.columns);
}
