/*
 * op_join_probe.c -- a batch of the left input meets the join table; see join.h
 *
 * Two ways. Where a row has at most one match that matters (unique keys; SEMI, ANTI and MARK
 * without a residual), matches stay at their row's place in the batch: left columns are passed on
 * as they are, under a selection. Else pairs are formed, a batch of them at a time, in the order of
 * left rows, then of the build input (op_join_pairs.c).
 */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/join_probe_op.h"
#include "exec/join_spill.h"

static Status probe_open(Operator *base, Error *err)
{
    Join *join = join_of_probe(base);

    (void)err;
    join->is_single = join_asks_only(join) || (join->null_aware == NULL && join->table.is_unique);
    base->makes_more_rows = !join->is_single;
    return ST_OK;
}

static Status open_range(ProbeLocal *local, Error *err)
{
    const Join *join = local->join;
    bool seeks_one = join->kind == JOIN_SEMI || join->kind == JOIN_ANTI || join->kind == JOIN_MARK;
    bool any_order = seeks_one || join->kind == JOIN_RIGHT_SEMI || join->kind == JOIN_RIGHT_ANTI;

    local->probe.seeks_one = seeks_one;
    if (!join->range.is_ready)
        return ST_OK;
    TRY(join_range_cursor_init(&local->range, &join->range, any_order, join->context->pool, err));
    local->probe.range = &local->range;
    local->probe.takes_first = seeks_one && join->range.is_exact && join->null_aware == NULL;
    return ST_OK;
}

/* For the left columns, and the row's number behind them. */
static Status open_left_buffers(ProbeLocal *local, Error *err)
{
    const Plan *left = local->join->left;
    bool has_number = local->join->output_count > local->join->node->column_count;
    PlanColumn *columns = ARENA_ARRAY(local->arena, PlanColumn, left->column_count + 1);

    if (left->column_count > 0)
        memcpy(columns, left->columns, left->column_count * sizeof *columns);
    columns[left->column_count] = (PlanColumn){.type = type_of(TYPE_INT8)};
    return column_buffers_init(&local->left_buffers, local->arena, local->join->context->pool,
                               left->column_count + has_number, columns, BATCH_ROWS_MAX,
                               "hash join", err);
}

static Status probe_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    Join *join = join_of_probe(base);
    MemPool *pool = join->context->pool;
    Arena *arena = arena_new(NULL, "join probe", ARENA_NO_CAP);
    ProbeLocal *local = ARENA_NEW(arena, ProbeLocal);

    (void)thread;
    *local_out = local;
    local->arena = arena;
    local->join = join;
    local->split = UINT32_MAX;
    local->key_columns = ARENA_ARRAY(arena, Column, join->left_keys.count);
    local->pair_columns =
        ARENA_ARRAY(arena, Column, join->left->column_count + join->right->column_count);
    local->out_columns = ARENA_ARRAY(arena, Column, join->output_count);
    local->rows = arena_alloc(arena, sizeof *local->rows * BATCH_ROWS_MAX);
    local->matches = arena_alloc(arena, sizeof *local->matches * BATCH_ROWS_MAX);
    local->padded_rows = arena_alloc(arena, sizeof *local->padded_rows * BATCH_ROWS_MAX);
    local->padded_matches = arena_alloc(arena, sizeof *local->padded_matches * BATCH_ROWS_MAX);
    local->states = arena_alloc(arena, BATCH_ROWS_MAX);
    local->mark = arena_alloc(arena, BATCH_ROWS_MAX);
    local->mark_validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(BATCH_ROWS_MAX));
    TRY(join_probe_init(&local->probe, &join->table, err));
    TRY(open_range(local, err));
    TRY(open_left_buffers(local, err));
    TRY(join_buffers_init(join, arena, &local->right_buffers, err));
    if (join->left_keys.kernel != NULL)
        TRY(kernel_instance_new(join->left_keys.kernel, pool, err, &local->keys));
    if (join->residual != NULL)
        TRY(kernel_instance_new(join->residual, pool, err, &local->residual));
    if (join->null_aware != NULL)
        TRY(kernel_instance_new(join->null_aware, pool, err, &local->null_aware));
    return ST_OK;
}

static void probe_local_close(Operator *base, void *opaque)
{
    ProbeLocal *local = opaque;

    (void)base;
    if (local == NULL)
        return;
    join_probe_fini(&local->probe);
    join_range_cursor_fini(&local->range, local->join->context->pool);
    column_buffers_fini(&local->left_buffers);
    column_buffers_fini(&local->right_buffers);
    probe__cross_close(local);
    kernel_instance_free(local->keys);
    kernel_instance_free(local->residual);
    kernel_instance_free(local->null_aware);
    arena_free(local->arena);
}

/* --- emitting --- */

Status probe__emit_columns(ProbeLocal *local, uint32_t row_count, const uint32_t *selection,
                           uint32_t selected_count, Emitter *emitter, Error *err)
{
    Batch out = {.column_count = local->join->output_count,
                 .row_count = row_count,
                 .columns = local->out_columns,
                 .selection = selection,
                 .selected_count = selected_count,
                 .split = local->split,
                 .sequence = local->sequence};

    local->sequence += row_count;
    return emit(emitter, &out, err);
}

static Column mark_column(const ProbeLocal *local, Type type, bool has_nulls)
{
    return (Column){.type = type,
                    .form = COLUMN_FLAT,
                    .values = local->mark,
                    .validity = has_nulls ? local->mark_validity : NULL};
}

Status probe__emit_pairs(ProbeLocal *local, const Batch *batch, const uint32_t *rows,
                         const uint32_t *matches, uint32_t count, Emitter *emitter, Error *err)
{
    const Join *join = local->join;

    if (count == 0)
        return ST_OK;
    for (uint32_t i = 0; i < join->output_count; i++) {
        const JoinOutput *output = &join->outputs[i];

        if (output->side == JOIN_SIDE_LEFT)
            local->out_columns[i] = gather_column(&local->left_buffers, output->index,
                                                  &batch->columns[output->index], rows, count);
        else if (output->side == JOIN_SIDE_RIGHT)
            local->out_columns[i] =
                join_gather(join, &local->right_buffers, join->kept_place[output->index], matches,
                            count, NULL, count, false);
        else
            local->out_columns[i] = column_of_nulls(join->node->columns[i].type);
    }
    return probe__emit_columns(local, count, NULL, count, emitter, err);
}

Status probe__emit_left(ProbeLocal *local, const Batch *batch, const uint32_t *selection,
                        uint32_t count, bool mark_has_nulls, Emitter *emitter, Error *err)
{
    const Join *join = local->join;

    for (uint32_t i = 0; i < join->output_count; i++) {
        const JoinOutput *output = &join->outputs[i];

        if (output->side == JOIN_SIDE_LEFT)
            local->out_columns[i] = batch->columns[output->index];
        else if (output->side == JOIN_SIDE_MARK)
            local->out_columns[i] = mark_column(local, join->node->columns[i].type, mark_has_nulls);
        else
            local->out_columns[i] = column_of_nulls(join->node->columns[i].type);
    }
    return probe__emit_columns(local, batch->row_count, selection, count, emitter, err);
}

/* Left columns as they are, right ones at their rows' places: under the selection of matches, or,
 * padded, under the batch's; under none when every row has a match. */
static Status emit_in_place(ProbeLocal *local, const Batch *batch, uint32_t count, bool is_padded,
                            Emitter *emitter, Error *err)
{
    const Join *join = local->join;
    bool is_whole = count == batch->row_count;
    const uint32_t *at = is_whole ? NULL : local->rows;

    is_padded = is_padded && !is_whole;
    for (uint32_t i = 0; i < join->output_count; i++) {
        const JoinOutput *output = &join->outputs[i];

        if (output->side == JOIN_SIDE_LEFT)
            local->out_columns[i] = batch->columns[output->index];
        else if (output->side == JOIN_SIDE_RIGHT)
            local->out_columns[i] =
                join_gather(join, &local->right_buffers, join->kept_place[output->index],
                            local->matches, count, at, batch->row_count, is_padded);
        else
            local->out_columns[i] = column_of_nulls(join->node->columns[i].type);
    }
    if (is_padded)
        return probe__emit_columns(local, batch->row_count, batch->selection, batch->selected_count,
                                   emitter, err);
    return probe__emit_columns(local, batch->row_count, at, count, emitter, err);
}

void probe__mark_build(const Join *join, const uint32_t *matches, uint32_t count)
{
    _Atomic uint8_t *matched = join->table.matched;

    for (uint32_t i = 0; i < count; i++)
        if (!atomic_load_explicit(&matched[matches[i]], memory_order_relaxed))
            atomic_store_explicit(&matched[matches[i]], 1, memory_order_relaxed);
}

/* --- at most one match a row --- */

/* Keeps of local->rows and matches those for which the residual holds. */
static Status filter_single(ProbeLocal *local, const Batch *batch, uint32_t *count, Error *err)
{
    const Join *join = local->join;
    uint32_t left_count = join->left->column_count, kept = 0, kept_count;
    Batch pairs = *batch;
    const uint32_t *selection;

    for (uint32_t i = 0; i < left_count; i++)
        local->pair_columns[i] = batch->columns[i];
    for (uint32_t i = 0; i < join->right->column_count; i++)
        local->pair_columns[left_count + i] =
            join->right_is_used[i]
                ? join_gather(join, &local->right_buffers, join->kept_place[i], local->matches,
                              *count, local->rows, batch->row_count, false)
                : column_of_nulls(join->right->columns[i].type);
    pairs.column_count = left_count + join->right->column_count;
    pairs.columns = local->pair_columns;
    pairs.selection = local->rows;
    pairs.selected_count = *count;
    TRY(kernel_filter(local->residual, &pairs, err, &selection, &kept_count));
    if (selection == NULL) /* all physical rows: all had a match */
        return ST_OK;
    for (uint32_t i = 0; i < *count && kept < kept_count; i++) {
        if (local->rows[i] != selection[kept])
            continue;
        local->rows[kept] = local->rows[i];
        local->matches[kept++] = local->matches[i];
    }
    *count = kept;
    return ST_OK;
}

/* The batch's selected rows that are not in local->rows, to padded_rows. */
static uint32_t unmatched_rows(ProbeLocal *local, const Batch *batch, uint32_t count)
{
    uint32_t next = 0, found = 0;

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t row = batch_row(batch, i);

        if (next < count && local->rows[next] == row)
            next++;
        else
            local->padded_rows[found++] = row;
    }
    return found;
}

static Status emit_single(ProbeLocal *local, const Batch *batch, uint32_t count, Emitter *emitter,
                          Error *err)
{
    switch (local->join->kind) {
    case JOIN_INNER:
    case JOIN_RIGHT_OUTER:
        if (count < batch->row_count / SPARSE_PART)
            return probe__emit_pairs(local, batch, local->rows, local->matches, count, emitter,
                                     err);
        return emit_in_place(local, batch, count, false, emitter, err);
    case JOIN_LEFT:
    case JOIN_FULL:
    case JOIN_SINGLE:
        return emit_in_place(local, batch, count, true, emitter, err);
    case JOIN_SEMI:
        return probe__emit_left(local, batch, local->rows, count, false, emitter, err);
    case JOIN_ANTI:
        count = unmatched_rows(local, batch, count);
        return probe__emit_left(local, batch, local->padded_rows, count, false, emitter, err);
    case JOIN_MARK:
        memset(local->mark, 0, batch->row_count);
        for (uint32_t i = 0; i < count; i++)
            local->mark[local->rows[i]] = 1;
        return probe__emit_left(local, batch, batch->selection, batch->selected_count, false,
                                emitter, err);
    case JOIN_RIGHT_SEMI:
    case JOIN_RIGHT_ANTI:
        return ST_OK;
    }
    UNREACHABLE("join kind");
}

static Status probe_single(ProbeLocal *local, const Batch *batch, Emitter *emitter, Error *err)
{
    uint32_t count = join_probe_first(&local->probe, local->rows, local->matches);

    if (local->residual != NULL && count > 0)
        TRY(filter_single(local, batch, &count, err));
    if (join_marks_build(local->join->kind))
        probe__mark_build(local->join, local->matches, count);
    return emit_single(local, batch, count, emitter, err);
}

/* NULL when a range has no index, or its keys fail for a row: the residual says whether that
 * matters. */
static Status evaluate_keys(ProbeLocal *local, const Batch *batch, Error *err,
                            const Column **keys_out)
{
    const Join *join = local->join;
    Error unheard = ERROR_NONE;
    Status status;

    *keys_out = NULL;
    if (join->range.bound_count > 0 && !join->range.is_ready)
        return ST_OK;
    status = join_keys_evaluate(&join->left_keys, local->keys, batch, &unheard, local->key_columns);
    if (status == ST_OK)
        *keys_out = local->key_columns;
    else if (status == ST_BAD_INPUT && join->range.bound_count > 0)
        status = ST_OK;
    else
        *err = unheard;
    return status;
}

static Status probe_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    const Join *join = join_of_probe(base);
    ProbeLocal *local = opaque;
    const Column *keys;

    if (local->split != batch->split) {
        local->split = batch->split;
        local->sequence = 0;
    }
    TRY(evaluate_keys(local, batch, err, &keys));
    if (join_spill_takes_left(join))
        return join_spill_left(join, keys, batch, err);
    join_probe_start(&local->probe, keys, batch);
    if (join->is_single)
        return probe_single(local, batch, emitter, err);
    if (probe__can_cross(local))
        return probe__cross(local, batch, emitter, err);
    return probe__pairs(local, batch, emitter, err);
}

const OperatorClass join_probe_class = {
    .name = "join probe",
    .open = probe_open,
    .local_open = probe_local_open,
    .consume = probe_consume,
    .local_close = probe_local_close,
};
