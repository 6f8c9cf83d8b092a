/* distribute_aggregate.c -- see distribute_aggregate.h */
#include "sql/optimizer/distribute_aggregate.h"

/* Fewer rows a group and partition, and the lower half is not worth its table. */
#define ROWS_A_GROUP_LEAST 8.0

static bool is_count(const Expr *agg)
{
    return agg->agg == AGG_COUNT_STAR || agg->agg == AGG_COUNT;
}

/* What makes one result of those of the parts. (1) */
static bool merges(const Expr *agg)
{
    if (agg->kind != EXPR_AGG || agg->is_distinct)
        return false;
    switch (agg->agg) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
    case AGG_MIN:
    case AGG_MAX:
    case AGG_BOOL_AND:
    case AGG_BOOL_OR:
        return true;
    case AGG_SUM:
        return type_is_integer(agg->type) || agg->type.id == TYPE_DECIMAL;
    default:
        return false;
    }
}

bool distribute_can_halve(const PlanAggregate *aggregate)
{
    double rows = aggregate->head.inputs[0]->estimated_rows;
    double groups = aggregate->head.estimated_rows;

    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        if (!merges(aggregate->aggs.items[i]))
            return false;
    return aggregate->keys.count == 0 ||
           (groups >= 0 && rows >= groups * ROWS_A_GROUP_LEAST); /* (2) */
}

const Plan *distribute_begin_aggregate(Arena *arena, PlanIds *ids, const PlanAggregate *aggregate,
                                       const Plan *input)
{
    uint32_t keys = aggregate->keys.count, count = aggregate->aggs.count;
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, count);

    for (uint32_t i = 0; i < count; i++) {
        columns[i] = aggregate->head.columns[keys + i];
        columns[i].id = plan_new_column(ids);
    }
    return plan_aggregate(arena, input, keys, aggregate->keys.ids, count, aggregate->aggs.items,
                          columns);
}

/* A sum of integers or decimals is a numeric of 38 digits. */
static const Expr *merge(Arena *arena, const Expr *agg, const PlanColumn *part)
{
    const Expr *column = expr_column(arena, part->id, part->type);
    bool is_sum = is_count(agg) || agg->agg == AGG_SUM;
    int scale = part->type.id == TYPE_DECIMAL ? part->type.scale : 0;

    return expr_agg(arena, is_sum ? AGG_SUM : agg->agg,
                    is_sum ? type_decimal(DECIMAL_DIGITS, scale) : agg->type, 1, &column, false,
                    NULL);
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
        aggs[i] = merge(arena, aggregate->aggs.items[i], &begun->columns[keys + i]);
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
