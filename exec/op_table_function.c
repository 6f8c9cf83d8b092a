/*
 * op_table_function.c -- generate_series of constants: a source in splits of many rows
 *
 * A series whose step has months is one split (series.h).
 */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/operators.h"
#include "exec/series.h"

enum { SPLIT_ROWS = 1 << 20, SPLITS_MAX = 1 << 20 };

typedef struct SeriesOp {
    Operator op;
    Arena *arena;
    const PlanTableFunction *node;
    Series series;
    uint64_t split_rows;
} SeriesOp;

typedef struct SeriesCursor {
    SeriesReader reader;
    uint64_t sequence;
    Column column;
    char values[BATCH_ROWS_MAX * sizeof(Int128)];
} SeriesCursor;

static Status series_open(Operator *base, Error *err)
{
    SeriesOp *op = (SeriesOp *)base;
    Value args[3];

    for (uint32_t i = 0; i < 3; i++)
        TRY(kernel_eval_const(op->arena, op->node->args.items[i], err, &args[i]));
    TRY(series_make(args, err, &op->series));
    op->split_rows = SPLIT_ROWS;
    while (op->series.row_count / op->split_rows >= SPLITS_MAX)
        op->split_rows *= 2;
    return ST_OK;
}

static uint32_t series_split_count(Operator *base)
{
    const SeriesOp *op = (const SeriesOp *)base;

    if (op->series.row_count == 0)
        return 0;
    return (uint32_t)((op->series.row_count - 1) / op->split_rows + 1);
}

static double series_row_estimate(Operator *base)
{
    return (double)((const SeriesOp *)base)->series.row_count;
}

static Status series_source_open(Operator *base, uint32_t thread, Error *err, void **cursor_out)
{
    (void)thread;
    return mem_pool_alloc(base->context->pool, sizeof(SeriesCursor), "generate_series", err,
                          cursor_out);
}

static void series_source_close(Operator *base, void *cursor)
{
    mem_pool_release(base->context->pool, cursor, sizeof(SeriesCursor));
}

static Status series_source_split(Operator *base, void *opaque, uint32_t split, Error *err)
{
    const SeriesOp *op = (const SeriesOp *)base;
    SeriesCursor *cursor = opaque;
    uint64_t row = split * op->split_rows;

    (void)err;
    cursor->reader = series_reader(&op->series, row, row + op->split_rows);
    cursor->sequence = 0;
    return ST_OK;
}

static Status series_source_next(Operator *base, void *opaque, Error *err, Batch *batch_out)
{
    const SeriesOp *op = (const SeriesOp *)base;
    SeriesCursor *cursor = opaque;
    uint32_t count;

    TRY(series_read(&op->series, &cursor->reader, cursor->values, base->context->batch_rows, err,
                    &count));
    cursor->column = (Column){
        .type = op->node->head.columns[0].type, .form = COLUMN_FLAT, .values = cursor->values};
    *batch_out = (Batch){.column_count = 1,
                         .row_count = count,
                         .selected_count = count,
                         .columns = &cursor->column,
                         .sequence = cursor->sequence};
    cursor->sequence += count;
    return ST_OK;
}

static const OperatorClass series_class = {
    .name = "generate_series",
    .open = series_open,
    .split_count = series_split_count,
    .source_open = series_source_open,
    .source_split = series_source_split,
    .source_next = series_source_next,
    .source_close = series_source_close,
    .row_estimate = series_row_estimate,
};

Status op_table_function_new(const ExecContext *context, Arena *arena,
                             const PlanTableFunction *node, Error *err, Operator **op_out)
{
    SeriesOp *op = ARENA_NEW(arena, SeriesOp);

    (void)err;
    CHECK(node->function == TABLE_FUNCTION_GENERATE_SERIES && node->args.count == 3);
    op->op = (Operator){.class = &series_class, .context = context, .node = &node->head};
    op->arena = arena;
    op->node = node;
    *op_out = &op->op;
    return ST_OK;
}
