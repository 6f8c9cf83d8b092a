/*
 * op_series_rows.c -- generate_series of columns: each row, with every value of its series
 *
 *     (a, stop)           (a, stop, value)
 *     x   2         =>    x   2     1
 *     y   3               x   2     2
 *                         y   3     1 ...
 *
 * Rows come in the order of the input's, then of the series.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/gather.h"
#include "exec/operators.h"
#include "exec/series.h"

static const char consumer_name[] = "generate_series";

typedef struct SeriesRows {
    Operator op;
    const PlanTableFunction *node;
    Kernel *kernel; /* the arguments */
} SeriesRows;

typedef struct SeriesRowsLocal {
    Arena *arena;
    KernelInstance *instance;
    ColumnBuffers buffers; /* of all output columns */
    Column *columns;
    uint32_t *rows; /* of the input's batch: where the values in the last buffer belong */
    uint32_t count;
    uint32_t split;
    uint64_t sequence;
} SeriesRowsLocal;

static Status series_rows_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    const SeriesRows *self = (const SeriesRows *)base;
    const Plan *node = &self->node->head;
    Arena *arena = arena_new(NULL, consumer_name, ARENA_NO_CAP);
    SeriesRowsLocal *local = ARENA_NEW(arena, SeriesRowsLocal);

    (void)thread;
    *local_out = local;
    local->arena = arena;
    local->split = UINT32_MAX;
    local->columns = ARENA_ARRAY(arena, Column, node->column_count);
    local->rows = ARENA_ARRAY(arena, uint32_t, base->context->batch_rows);
    TRY(column_buffers_init(&local->buffers, arena, base->context->pool, node->column_count,
                            node->columns, base->context->batch_rows, consumer_name, err));
    return kernel_instance_new(self->kernel, base->context->pool, err, &local->instance);
}

static void series_rows_local_close(Operator *base, void *opaque)
{
    SeriesRowsLocal *local = opaque;

    (void)base;
    if (local == NULL)
        return;
    kernel_instance_free(local->instance);
    column_buffers_fini(&local->buffers);
    arena_free(local->arena);
}

static Status flush(const SeriesRows *self, SeriesRowsLocal *local, const Batch *batch,
                    Emitter *emitter, Error *err)
{
    uint32_t last = self->node->head.column_count - 1;
    Batch out = {.column_count = last + 1,
                 .row_count = local->count,
                 .selected_count = local->count,
                 .columns = local->columns,
                 .split = batch->split,
                 .sequence = local->sequence};

    if (local->count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < last; i++)
        local->columns[i] =
            gather_column(&local->buffers, i, &batch->columns[i], local->rows, local->count);
    local->columns[last] = (Column){.type = self->node->head.columns[last].type,
                                    .form = COLUMN_FLAT,
                                    .values = local->buffers.values[last]};
    local->sequence += local->count;
    local->count = 0;
    return emit(emitter, &out, err);
}

/* All values of one row's series. */
static Status add_series(const SeriesRows *self, SeriesRowsLocal *local, const Batch *batch,
                         uint32_t row, const Series *series, Emitter *emitter, Error *err)
{
    uint32_t last = self->node->head.column_count - 1, most = self->op.context->batch_rows;
    SeriesReader reader = series_reader(series, 0, UINT64_MAX);
    size_t bytes = phys_bytes(series->phys);
    uint32_t count;

    for (;;) {
        TRY(series_read(series, &reader, (char *)local->buffers.values[last] + local->count * bytes,
                        most - local->count, err, &count));
        if (count == 0)
            return ST_OK;
        for (uint32_t i = 0; i < count; i++)
            local->rows[local->count++] = row;
        if (local->count < most)
            return ST_OK;
        TRY(flush(self, local, batch, emitter, err));
        if (emit_is_done(emitter))
            return ST_OK;
        if (atomic_load_explicit(self->op.context->stop, memory_order_relaxed))
            return error_set(err, ST_CANCELLED, "canceling statement due to user request");
    }
}

static Status series_rows_consume(Operator *base, void *opaque, const Batch *batch,
                                  Emitter *emitter, Error *err)
{
    const SeriesRows *self = (const SeriesRows *)base;
    SeriesRowsLocal *local = opaque;
    const uint32_t *selection;
    Column args[3];
    Value values[3];
    uint32_t count;

    if (local->split != batch->split) {
        local->split = batch->split;
        local->sequence = 0;
    }
    TRY(kernel_project(local->instance, batch, err, args, &selection, &count));
    for (uint32_t a = 0; a < 3 && count > 0; a++)
        if (args[a].form == COLUMN_CONST)
            values[a] = value_from_column(&args[a], 0);
    for (uint32_t i = 0; i < count && !emit_is_done(emitter); i++) {
        uint32_t row = selection == NULL ? i : selection[i];
        Series series;

        for (uint32_t a = 0; a < 3; a++)
            if (args[a].form != COLUMN_CONST)
                values[a] = value_from_column(&args[a], row);
        TRY(series_make(values, err, &series));
        TRY(add_series(self, local, batch, row, &series, emitter, err));
    }
    return flush(self, local, batch, emitter, err);
}

static const OperatorClass series_rows_class = {
    .name = "generate_series",
    .local_open = series_rows_local_open,
    .consume = series_rows_consume,
    .local_close = series_rows_local_close,
};

Status op_series_rows_new(const ExecContext *context, Arena *arena, const PlanTableFunction *node,
                          Error *err, Operator **op_out)
{
    SeriesRows *self = ARENA_NEW(arena, SeriesRows);
    const Plan *input = node->head.inputs[0];
    KernelRequest request = {.name = "series",
                             .input_count = input->column_count,
                             .inputs = input->columns,
                             .output_count = node->args.count,
                             .outputs = node->args.items,
                             .expected_rows = input->estimated_rows,
                             .jit = context->jit,
                             .cache = context->cache};

    CHECK(node->function == TABLE_FUNCTION_GENERATE_SERIES && node->args.count == 3);
    self->op = (Operator){.class = &series_rows_class,
                          .context = context,
                          .node = &node->head,
                          .input_column_count = input->column_count,
                          .input_columns = input->columns,
                          .makes_more_rows = true};
    self->node = node;
    TRY(kernel_build(&request, err, &self->kernel));
    operator_add_kernel(&self->op, arena, self->kernel);
    *op_out = &self->op;
    return ST_OK;
}
