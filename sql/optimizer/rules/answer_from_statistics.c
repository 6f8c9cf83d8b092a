/*
 * answer_from_statistics
 *
 *     Aggregate count(*), min(a)         Project 6001215, 1
 *       Scan t                     =>      (one row)
 *
 * Why:  a Parquet footer knows; no page need be read.
 *
 * Not when:
 *   (1) the scan has a predicate, or the aggregate keys, DISTINCT or FILTER.
 *   (2) the statistics are estimates, or bounds that need not be reached.
 *   (3) the column is a float: files leave NaN out of their minimum and maximum.
 */
#include "sql/optimizer/rules/rules.h"

/* A count known to the row, or -1. */
static int64_t exact_rows(const PlanScan *scan)
{
    TableStatistics statistics;

    if (scan->table->class->statistics == NULL)
        return -1;
    statistics = scan->table->class->statistics(scan->table);
    if (!statistics.row_count_is_exact || statistics.row_count < 0 || statistics.row_count > 9e15)
        return -1; /* (2) */
    return (int64_t)statistics.row_count;
}

static ColumnStatistics statistics_of(const PlanScan *scan, const Expr *column)
{
    int32_t index = plan_column_index(&scan->head, column->column);

    if (index < 0 || scan->table->class->column_statistics == NULL)
        return (ColumnStatistics){.null_count = -1, .distinct_count = -1};
    return scan->table->class->column_statistics(scan->table,
                                                 scan->table_columns.items[(uint32_t)index]);
}

static const Expr *answer_count(RuleCtx *rc, const PlanScan *scan, const Expr *column, int64_t rows)
{
    const PlanColumn *own = plan_column(&scan->head, column->column);
    ColumnStatistics statistics = statistics_of(scan, column);

    if (own != NULL && !own->is_nullable)
        return expr_const(rc->arena, value_int8(rows));
    if (statistics.null_count < 0 || statistics.null_count > rows)
        return NULL;
    return expr_const(rc->arena, value_int8(rows - statistics.null_count));
}

static const Expr *answer_extreme(RuleCtx *rc, const PlanScan *scan, const Expr *agg, int64_t rows)
{
    ColumnStatistics statistics = statistics_of(scan, agg->args[0]);
    Value value = agg->agg == AGG_MIN ? statistics.min : statistics.max;

    if (rows == 0 || statistics.null_count == rows)
        return expr_const(rc->arena, value_null(agg->type));
    if (!statistics.has_range || !statistics.range_is_exact || type_is_float(agg->type) ||
        value.is_null || !type_equal(value.type, agg->type))
        return NULL; /* (2) (3) */
    return expr_const(rc->arena, value);
}

static const Expr *answer(RuleCtx *rc, const PlanScan *scan, const Expr *agg, int64_t rows)
{
    if (agg->is_distinct || agg->filter != NULL)
        return NULL; /* (1) */
    if (agg->agg == AGG_COUNT_STAR)
        return expr_const(rc->arena, value_int8(rows));
    if (agg->arg_count != 1 || agg->args[0]->kind != EXPR_COLUMN)
        return NULL;
    if (agg->agg == AGG_COUNT)
        return answer_count(rc, scan, agg->args[0], rows);
    if (agg->agg == AGG_MIN || agg->agg == AGG_MAX)
        return answer_extreme(rc, scan, agg, rows);
    return NULL;
}

static const Plan *answer_from_statistics(RuleCtx *rc, const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);
    const PlanScan *scan = plan_as_scan(plan->inputs[0]);
    ColumnVec outputs = {.arena = rc->arena};
    int64_t rows;

    if (scan == NULL || aggregate->keys.count > 0 || scan->predicates.count > 0 ||
        scan->row_limit != ALL_ROWS)
        return plan; /* (1) */
    rows = exact_rows(scan);
    if (rows < 0)
        return plan;
    for (uint32_t i = 0; i < aggregate->aggs.count; i++) {
        const Expr *value = answer(rc, scan, aggregate->aggs.items[i], rows);

        if (value == NULL)
            return plan;
        column_vec_add(&outputs, value, plan->columns[i]);
    }
    return column_vec_project(&outputs, plan_one_row(rc->arena));
}

const Rule rule_answer_from_statistics = {
    .name = "answer_from_statistics",
    .root = PLAN_AGGREGATE,
    .rewrite = answer_from_statistics,
};
