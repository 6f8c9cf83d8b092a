/*
 * op_join_cross.c -- every left row with every row of the table, one left row at a time
 *
 *     left row 0 | its values as constants | rows 0.. of the table as columns | -> residual -> out
 *     left row 1 | ...
 *
 * Nothing is written for a pair: the table's columns are gathered once, a batch's worth in a block
 * (once for each left row, beyond the first blocks), and the left row's are constants.
 * Pairs come in the order of op_join_pairs.c. Only inner joins, and only where the table has enough
 * rows to make batches of.
 */
#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/join_probe_op.h"

enum { TABLE_ROWS_MIN = 256, KEPT_BLOCKS = 15 };

/* Some of the table's rows as columns, by kept column. Behind the kept blocks one more, that is
 * gathered anew each time. */
typedef struct CrossBlock {
    bool is_ready;
    ColumnBuffers buffers;
    Column *columns;
} CrossBlock;

bool probe__can_cross(const ProbeLocal *local)
{
    const Join *join = local->join;

    return join->kind == JOIN_INNER && join->table.form == JOIN_FORM_ALL &&
           !local->probe.uses_range && join->table.row_count >= TABLE_ROWS_MIN &&
           join->context->batch_rows >= TABLE_ROWS_MIN;
}

/* The row's value in all rows. */
static Column constant(const Column *column, uint32_t row)
{
    static const uint64_t null = 0;

    return (Column){.type = column->type,
                    .form = COLUMN_CONST,
                    .values = column_value(column, row),
                    .validity = column_is_null(column, row) ? &null : NULL};
}

/* Rows [start, start + count) of the table. */
static Status find_block(ProbeLocal *local, uint32_t start, uint32_t count, Error *err,
                         const Column **columns_out)
{
    const Join *join = local->join;
    uint32_t number = start / join->context->batch_rows;
    CrossBlock *block;

    if (local->blocks == NULL)
        local->blocks = ARENA_ARRAY(local->arena, CrossBlock, KEPT_BLOCKS + 1);
    block = &local->blocks[number < KEPT_BLOCKS ? number : KEPT_BLOCKS];
    if (block->columns == NULL) {
        TRY(join_buffers_init(join, local->arena, &block->buffers, err));
        block->columns = ARENA_ARRAY(local->arena, Column, join->kept_count);
    }
    *columns_out = block->columns;
    if (block->is_ready)
        return ST_OK;
    block->is_ready = number < KEPT_BLOCKS;
    for (uint32_t i = 0; i < count; i++)
        local->matches[i] = start + i;
    for (uint32_t k = 0; k < join->kept_count; k++)
        block->columns[k] =
            join_gather(join, &block->buffers, k, local->matches, count, NULL, count, false);
    return ST_OK;
}

void probe__cross_close(ProbeLocal *local)
{
    for (uint32_t b = 0; local->blocks != NULL && b <= KEPT_BLOCKS; b++)
        column_buffers_fini(&local->blocks[b].buffers);
}

static Status filter_block(ProbeLocal *local, const Batch *batch, uint32_t row, const Column *right,
                           uint32_t count, Error *err, const uint32_t **selection_out,
                           uint32_t *count_out)
{
    const Join *join = local->join;
    uint32_t left_count = join->left->column_count, right_count = join->right->column_count;
    Column *columns = local->pair_columns;
    Batch pairs = {.column_count = left_count + right_count,
                   .row_count = count,
                   .columns = columns,
                   .selected_count = count,
                   .split = batch->split};

    *selection_out = NULL;
    *count_out = count;
    if (local->residual == NULL)
        return ST_OK;
    for (uint32_t i = 0; i < left_count; i++)
        columns[i] = join->left_is_used[i] ? constant(&batch->columns[i], row)
                                           : column_of_nulls(join->left->columns[i].type);
    for (uint32_t i = 0; i < right_count; i++)
        columns[left_count + i] = join->right_is_used[i]
                                      ? right[join->kept_place[i]]
                                      : column_of_nulls(join->right->columns[i].type);
    return kernel_filter(local->residual, &pairs, err, selection_out, count_out);
}

static Status emit_block(ProbeLocal *local, const Batch *batch, uint32_t row, const Column *right,
                         uint32_t count, Emitter *emitter, Error *err)
{
    const Join *join = local->join;
    const uint32_t *selection;
    uint32_t selected_count;

    TRY(filter_block(local, batch, row, right, count, err, &selection, &selected_count));
    if (selected_count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < join->output_count; i++) {
        const JoinOutput *output = &join->outputs[i];

        if (output->side == JOIN_SIDE_LEFT)
            local->out_columns[i] = constant(&batch->columns[output->index], row);
        else if (output->side == JOIN_SIDE_RIGHT)
            local->out_columns[i] = right[join->kept_place[output->index]];
        else
            local->out_columns[i] = column_of_nulls(join->node->columns[i].type);
    }
    return probe__emit_columns(local, count, selection, selected_count, emitter, err);
}

Status probe__cross(ProbeLocal *local, const Batch *batch, Emitter *emitter, Error *err)
{
    const Join *join = local->join;
    uint32_t table_rows = join->table.row_count, most = join->context->batch_rows;

    for (uint32_t i = 0; i < local->probe.count; i++) {
        for (uint32_t start = 0, count; start < table_rows; start += count) {
            const Column *right;

            count = table_rows - start < most ? table_rows - start : most;
            TRY(stop_check(join->context->stop, err));
            if (emit_is_done(emitter))
                return ST_OK;
            TRY(find_block(local, start, count, err, &right));
            TRY(emit_block(local, batch, local->probe.rows[i], right, count, emitter, err));
        }
    }
    return ST_OK;
}
