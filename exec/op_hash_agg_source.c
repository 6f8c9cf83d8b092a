/* op_hash_agg_source.c -- finished groups as batches: keys and dependents from the rows, results
 * from their states */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/op_hash_agg_internal.h"

typedef struct AggCursor {
    Arena *arena;       /* of the cursor       */
    Arena *batch_arena; /* results of a batch  */
    RowReader reader;
    Column *columns;
    Column *results;     /* of the kernel */
    const void **blocks; /* states of the batch's groups */
    void *const *rows;   /* left of the split */
    uint64_t row_count;
    uint32_t split;
    uint64_t sequence;
    AggSpillCursor spilled;
} AggCursor;

uint32_t hash_aggregate_split_count(Operator *op)
{
    const HashAggregate *self = (HashAggregate *)op;

    return self->spill.has_begun ? self->spill.group_count > 0
                                 : agg_merger_split_count(&self->merger);
}

void hash_aggregate_source_close(Operator *op, void *cursor_memory)
{
    AggCursor *cursor = cursor_memory;

    (void)op;
    if (cursor == NULL)
        return;
    agg_spill_cursor_close(&cursor->spilled);
    row_reader_fini(&cursor->reader);
    arena_free(cursor->arena);
}

Status hash_aggregate_source_open(Operator *op, uint32_t thread, Error *err, void **cursor_out)
{
    const HashAggregate *self = (HashAggregate *)op;
    Arena *arena = arena_new(NULL, "hash aggregate source", ARENA_NO_CAP);
    AggCursor *cursor = ARENA_NEW(arena, AggCursor);

    (void)thread;
    *cursor_out = cursor;
    cursor->arena = arena;
    cursor->batch_arena = arena_new(arena, "hash aggregate results", ARENA_NO_CAP);
    cursor->columns = ARENA_ARRAY(arena, Column, op->node->column_count);
    cursor->results = ARENA_ARRAY(arena, Column, self->kernel_agg_count);
    cursor->blocks = ARENA_ARRAY(arena, const void *, op->context->batch_rows);
    return row_reader_init(&cursor->reader, &self->spec.layout, op->context->batch_rows, arena,
                           op->context->pool, "hash aggregate", err);
}

Status hash_aggregate_source_split(Operator *op, void *cursor_memory, uint32_t split, Error *err)
{
    HashAggregate *self = (HashAggregate *)op;
    AggCursor *cursor = cursor_memory;

    cursor->split = split;
    cursor->sequence = 0;
    if (self->spill.has_begun)
        return agg_spill_cursor_open(&cursor->spilled, &self->spill, cursor->arena, err);
    agg_merger_split(&self->merger, split, &cursor->rows, &cursor->row_count);
    return ST_OK;
}

static Status finish_states(const HashAggregate *self, AggCursor *cursor, uint32_t count,
                            Error *err)
{
    arena_reset(cursor->batch_arena);
    for (uint32_t i = 0; i < count; i++)
        cursor->blocks[i] = (const char *)cursor->rows[i] + self->spec.layout.tail_offset;
    return kernel_state_finish(self->kernel, cursor->batch_arena, cursor->blocks, count, err,
                               cursor->results);
}

Status hash_aggregate_source_next(Operator *op, void *cursor_memory, Error *err, Batch *batch_out)
{
    const HashAggregate *self = (HashAggregate *)op;
    AggCursor *cursor = cursor_memory;
    uint32_t count = op->context->batch_rows, key_count = self->spec.key_count;

    if (self->spill.has_begun) {
        TRY(agg_spill_take(&cursor->spilled, err, &count));
        cursor->rows = cursor->spilled.rows;
        cursor->row_count = count;
    }
    if (count > cursor->row_count)
        count = (uint32_t)cursor->row_count;
    *batch_out = (Batch){.column_count = op->node->column_count,
                         .row_count = count,
                         .columns = cursor->columns,
                         .selected_count = count,
                         .split = cursor->split,
                         .sequence = cursor->sequence};
    if (count == 0)
        return ST_OK;
    row_reader_read(&cursor->reader, (const void *const *)cursor->rows, count);
    if (self->kernel != NULL)
        TRY(finish_states(self, cursor, count, err));
    if (key_count > 0)
        memcpy(cursor->columns, cursor->reader.columns, key_count * sizeof(Column));
    for (uint32_t a = 0; a < self->node->aggs.count; a++) {
        AggOutput output = self->outputs[a];

        cursor->columns[key_count + a] =
            output.is_field ? cursor->reader.columns[output.index] : cursor->results[output.index];
    }
    cursor->rows += count;
    cursor->row_count -= count;
    cursor->sequence += count;
    return ST_OK;
}
