/*
 * op_table_function.c -- generate_series(start, stop, step)
 *
 * Integers, numerics, and timestamps whose step has no months are start + i * step, in splits of
 * many rows. A step with months is added again and again, as PostgreSQL does (31 January, 28
 * February, 28 March): one split.
 */
#include <string.h>

#include "codegen/ops/date.h"
#include "core/base/invariant.h"
#include "exec/operators.h"

enum { SPLIT_ROWS = 1 << 20, SPLITS_MAX = 1 << 20 };

typedef struct SeriesOp {
    Operator op;
    Arena *arena;
    const PlanTableFunction *node;
    Int128 start, stop, step;
    Interval interval; /* when it has months */
    bool has_months;
    uint64_t row_count, split_rows;
} SeriesOp;

typedef struct SeriesCursor {
    uint64_t row, end_row; /* start + i * step */
    uint64_t sequence;
    int64_t next; /* with months */
    bool is_done;
    Column column;
    char values[BATCH_ROWS_MAX * sizeof(Int128)];
} SeriesCursor;

/* --- arguments --- */

static Status no_step(Error *err)
{
    return error_set_state(err, ST_BAD_INPUT, "22023", "step size cannot equal zero");
}

/* PostgreSQL looks at the sign of the interval's length. */
static Int128 interval_length(Interval interval)
{
    return ((Int128)interval.months * 30 + interval.days) * MICROS_PER_DAY + interval.micros;
}

static Status take_step(SeriesOp *op, const Value *step, Error *err)
{
    if (step->type.id != TYPE_INTERVAL) {
        op->step = value_as_int128(step);
        return op->step == 0 ? no_step(err) : ST_OK;
    }
    op->step = interval_length(step->interval);
    if (op->step == 0)
        return no_step(err);
    op->has_months = step->interval.months != 0;
    op->interval = step->interval;
    return ST_OK;
}

static Status count_rows(SeriesOp *op, Error *err)
{
    Int128 distance = op->step > 0 ? op->stop - op->start : op->start - op->stop;
    Int128 step = op->step > 0 ? op->step : -op->step;
    Int128 count;

    if (distance < 0)
        return ST_OK;
    count = distance / step + 1;
    if (count > INT64_MAX)
        return error_set_state(err, ST_BAD_INPUT, "54000", "the series has too many rows");
    op->row_count = (uint64_t)count;
    op->split_rows = SPLIT_ROWS;
    while (op->row_count / op->split_rows >= SPLITS_MAX)
        op->split_rows *= 2;
    return ST_OK;
}

static Status series_open(Operator *base, Error *err)
{
    SeriesOp *op = (SeriesOp *)base;
    Value args[3];

    for (uint32_t i = 0; i < 3; i++)
        TRY(kernel_eval_const(op->arena, op->node->args.items[i], err, &args[i]));
    if (args[0].is_null || args[1].is_null || args[2].is_null)
        return ST_OK;
    op->start = value_as_int128(&args[0]);
    op->stop = value_as_int128(&args[1]);
    TRY(take_step(op, &args[2], err));
    if (!op->has_months)
        return count_rows(op, err);
    op->row_count = 1; /* not known, but there may be some */
    op->split_rows = 1;
    return ST_OK;
}

/* --- rows --- */

static uint32_t series_split_count(Operator *base)
{
    const SeriesOp *op = (const SeriesOp *)base;

    if (op->row_count == 0)
        return 0;
    return (uint32_t)((op->row_count - 1) / op->split_rows + 1);
}

static double series_row_estimate(Operator *base)
{
    return (double)((const SeriesOp *)base)->row_count;
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

    (void)err;
    cursor->row = split * op->split_rows;
    cursor->end_row = cursor->row + op->split_rows;
    if (cursor->end_row > op->row_count)
        cursor->end_row = op->row_count;
    cursor->sequence = 0;
    cursor->next = (int64_t)op->start;
    cursor->is_done = false;
    return ST_OK;
}

#define FILL(CType)                                                                                \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        CType value = (CType)(first + i * op->step);                                               \
                                                                                                   \
        memcpy(cursor->values + i * sizeof(CType), &value, sizeof value);                          \
    }                                                                                              \
    break

static uint32_t fill_regular(const SeriesOp *op, SeriesCursor *cursor)
{
    uint64_t left = cursor->end_row - cursor->row;
    uint32_t most = op->op.context->batch_rows, count = left < most ? (uint32_t)left : most;
    Int128 first = op->start + cursor->row * op->step;

    switch (type_phys(op->node->head.columns[0].type)) {
    case PHYS_INT32:
        FILL(int32_t);
    case PHYS_INT64:
        FILL(int64_t);
    case PHYS_INT128:
        FILL(Int128);
    default:
        UNREACHABLE("type of a series");
    }
    cursor->row += count;
    return count;
}

static Status fill_months(const SeriesOp *op, SeriesCursor *cursor, Error *err, uint32_t *count_out)
{
    bool is_up = op->step > 0;
    OpCtx context = {.error = OPERR_NONE};
    uint32_t count = 0;

    while (!cursor->is_done && count < op->op.context->batch_rows) {
        if (is_up ? cursor->next > op->stop : cursor->next < op->stop) {
            cursor->is_done = true;
            break;
        }
        memcpy(cursor->values + count++ * sizeof(int64_t), &cursor->next, sizeof(int64_t));
        cursor->next = op_add_timestamp_interval(&context, cursor->next, op->interval);
        if (context.error != OPERR_NONE)
            return error_set_state(err, ST_BAD_INPUT, "22008", "timestamp out of range");
    }
    *count_out = count;
    return ST_OK;
}

static Status series_source_next(Operator *base, void *opaque, Error *err, Batch *batch_out)
{
    const SeriesOp *op = (const SeriesOp *)base;
    SeriesCursor *cursor = opaque;
    uint32_t count = 0;

    if (op->has_months)
        TRY(fill_months(op, cursor, err, &count));
    else
        count = fill_regular(op, cursor);
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

    for (uint32_t i = 0; i < node->args.count; i++)
        if (expr_columns(arena, node->args.items[i]).count > 0)
            return error_set(err, ST_NOT_SUPPORTED,
                             "not supported: generate_series of other tables' columns");
    CHECK(node->function == TABLE_FUNCTION_GENERATE_SERIES && node->args.count == 3);
    op->op = (Operator){.class = &series_class, .context = context, .node = &node->head};
    op->arena = arena;
    op->node = node;
    *op_out = &op->op;
    return ST_OK;
}
