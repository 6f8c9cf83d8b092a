/*
 * sample.c -- a scan's predicates tried on a sample of its rows
 *
 *     l_shipdate < '1995-03-15'            the range says it well enough: nothing is read
 *     p_name LIKE '%green%'                a sample of p_name
 *     l_commitdate < l_receiptdate         a sample of both, with other predicates on them
 *
 * A sample sees what no formula does: LIKE, skew, columns that depend on each other. It is blind
 * below one hit: there the textbook's estimate counts, held to what the sample allows. Reading one
 * costs about a page a column and split, so only predicates that need it are tried.
 */
#include <math.h>

#include "sql/optimizer/cost/cost_internal.h"

/* From so many hits on, the sample alone decides. */
#define HITS_ENOUGH 8

/* Tables of fewer rows are not worth the reading, values that occur fewer times are not in it. */
#define SKEW_ROWS_MIN    100000
#define SKEW_REPEATS_MIN 100

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
    const Sample *sample;

    if (used == 0 || estimator->request->eval_filter == NULL)
        return false;
    for (uint32_t i = 0; i < used; i++) {
        table_columns[i] = scan->table_columns.items[places[i]];
        columns[i] = scan->head.columns[places[i]];
    }
    sample = cost__sample(estimator, facts, used, table_columns);
    if (sample == NULL)
        return false;
    for (uint32_t i = 0; i < used; i++)
        values[i] = *cost__sample_column(sample, table_columns[i]);
    *rows_out = sample->row_count;
    return estimator->request->eval_filter(arena, expr_join_and(arena, count, parts), used, columns,
                                           values, sample->row_count, &ignored, kept_out) == ST_OK;
}

static bool is_column_or_const(const Expr *expr)
{
    return expr->kind == EXPR_COLUMN || expr->kind == EXPR_CONST;
}

/* Few values of many rows: some of them are often far more frequent than others. */
static bool may_be_skewed(const Scope *scope, const ColumnEstimate *column)
{
    double rows = scope->rels[0]->rows;

    return rows >= SKEW_ROWS_MIN && column->distinct_count * SKEW_REPEATS_MIN < rows;
}

/* The textbook knows: a column against constants where the column's values or range are known. */
static bool is_simple(const Scope *scope, const Expr *part)
{
    const ColumnEstimate *column;

    if (part->kind != EXPR_CALL)
        return true;
    if (part->func == FUNC_NOT && part->args[0]->kind == EXPR_CALL &&
        (part->args[0]->func == FUNC_LIKE || part->args[0]->func == FUNC_ILIKE ||
         part->args[0]->func == FUNC_CONTAINS))
        return true; /* keeps nearly all */
    if (part->func == FUNC_AND || part->func == FUNC_OR || part->func == FUNC_NOT) {
        for (uint32_t i = 0; i < part->arg_count; i++) {
            if (!is_simple(scope, part->args[i]))
                return false;
        }
        return part->func != FUNC_OR; /* its branches often depend on each other */
    }
    if (part->func == FUNC_IS_NULL || part->func == FUNC_IS_NOT_NULL)
        return part->args[0]->kind == EXPR_COLUMN;
    if (part->arg_count < 2 || part->args[0]->kind != EXPR_COLUMN)
        return false;
    for (uint32_t i = 1; i < part->arg_count; i++) {
        if (part->args[i]->kind != EXPR_CONST)
            return false;
    }
    column = cost__scope_column(scope, part->args[0]->column);
    if (column == NULL)
        return false;
    if (part->func == FUNC_EQ || part->func == FUNC_NE || part->func == FUNC_IN)
        return !column->distinct_is_guess && !column->is_sampled && !may_be_skewed(scope, column);
    return column->has_line && is_column_or_const(part->args[1]) &&
           (part->func == FUNC_LT || part->func == FUNC_LE || part->func == FUNC_GT ||
            part->func == FUNC_GE);
}

/* Conjuncts in two: those worth a sample, with simple ones over the same columns; and the rest. */
static uint32_t choose_parts(const Scope *scope, uint32_t count, const Expr *const *parts,
                             const Expr **tried, uint32_t *rest_count_out, const Expr **rest)
{
    Arena *arena = scope->estimator->arena;
    ColumnSet columns = {0};
    uint32_t tried_count = 0, rest_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!is_simple(scope, parts[i]) && !expr_is_volatile(parts[i]))
            columns = column_set_union(arena, columns, expr_columns(arena, parts[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!expr_is_volatile(parts[i]) && columns.count > 0 &&
            column_set_contains(columns, expr_columns(arena, parts[i])))
            tried[tried_count++] = parts[i];
        else
            rest[rest_count++] = parts[i];
    }
    *rest_count_out = rest_count;
    return tried_count;
}

static double try_parts(const Scope *scope, const PlanScan *scan, uint32_t count,
                        const Expr *const *parts)
{
    double prior = cost__conjuncts_selectivity(scope, count, parts), part, slack;
    uint32_t kept = 0, rows = 0;

    if (count == 0 || !count_kept(scope->estimator, scan, count, parts, &kept, &rows) || rows == 0)
        return prior;
    part = (double)kept / rows;
    if (kept >= HITS_ENOUGH || rows >= scope->rels[0]->rows)
        return part;
    slack = sqrt(kept + 1.0) / rows;
    return fmin(fmax(prior, fmax(0, part - slack)), part + slack);
}

double cost__scan_selectivity(const Scope *scope, const PlanScan *scan, uint32_t count,
                              const Expr *const *parts)
{
    Arena *arena = scope->estimator->arena;
    const Expr **tried = ARENA_ARRAY(arena, const Expr *, count);
    const Expr **rest = ARENA_ARRAY(arena, const Expr *, count);
    uint32_t rest_count, tried_count;

    if (count == 0 || !scope->estimator->use_samples)
        return cost__conjuncts_selectivity(scope, count, parts);
    tried_count = choose_parts(scope, count, parts, tried, &rest_count, rest);
    return try_parts(scope, scan, tried_count, tried) *
           cost__conjuncts_selectivity(scope, rest_count, rest);
}
