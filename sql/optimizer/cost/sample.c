/*
 * sample.c -- a scan's predicates tried on a sample of its rows
 *
 * A sample sees what no formula does: correlated columns, LIKE, skew. It is blind below one hit:
 * there the textbook's estimate counts, held to what the sample allows.
 */
#include <math.h>

#include "sql/optimizer/cost/cost_internal.h"

/* From so many hits on, the sample alone decides. */
#define HITS_ENOUGH 8

/* The table columns that the conjuncts use, no doubles. */
static uint32_t used_columns(Arena *arena, const PlanScan *scan, uint32_t count,
                             const Expr *const *parts, uint32_t **places_out)
{
    uint32_t used = 0;
    uint32_t *places = ARENA_ARRAY(arena, uint32_t, scan->head.column_count);
    ColumnSet ids = {0};

    for (uint32_t i = 0; i < count; i++)
        ids = column_set_union(arena, ids, expr_columns(arena, parts[i]));
    for (uint32_t i = 0; i < scan->head.column_count; i++) {
        if (column_set_has(ids, scan->head.columns[i].id))
            places[used++] = i;
    }
    *places_out = places;
    return used == ids.count ? used : 0;
}

/* false: the sample could not be tried. */
static bool count_kept(Estimator *estimator, const PlanScan *scan, uint32_t count,
                       const Expr *const *parts, uint32_t *kept_out, uint32_t *rows_out)
{
    Arena *arena = estimator->arena;
    TableFacts *facts = cost__table_facts(estimator, scan->table);
    Error ignored = ERROR_NONE;
    uint32_t *places;
    uint32_t used = used_columns(arena, scan, count, parts, &places);
    uint32_t *table_columns = ARENA_ARRAY(arena, uint32_t, used);
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, used);
    Column *values = ARENA_ARRAY(arena, Column, used);

    if (used == 0 || estimator->request->eval_filter == NULL)
        return false;
    for (uint32_t i = 0; i < used; i++) {
        table_columns[i] = scan->table_columns.items[places[i]];
        columns[i] = scan->head.columns[places[i]];
    }
    if (!cost__read_sample(estimator, facts, used, table_columns))
        return false;
    for (uint32_t i = 0; i < used; i++)
        values[i] = facts->sample[table_columns[i]];
    *rows_out = facts->sample_rows;
    return estimator->request->eval_filter(arena, expr_join_and(arena, count, parts), used, columns,
                                           values, facts->sample_rows, &ignored, kept_out) == ST_OK;
}

double cost__sampled_selectivity(Estimator *estimator, const PlanScan *scan, uint32_t count,
                                 const Expr *const *parts, double prior)
{
    uint32_t kept = 0, rows = 0;
    double part, slack;

    if (count == 0 || !estimator->use_samples ||
        !count_kept(estimator, scan, count, parts, &kept, &rows) || rows == 0)
        return prior;
    part = (double)kept / rows;
    if (kept >= HITS_ENOUGH || rows >= cost__table_facts(estimator, scan->table)->rows)
        return part;
    slack = sqrt(kept + 1.0) / rows;
    return fmin(fmax(prior, fmax(0, part - slack)), part + slack);
}
