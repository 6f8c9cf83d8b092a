/*
 * op_join_pairs.c -- left rows with any number of matches; see op_join_probe.c
 *
 *     pairs with equal keys, a batch at a time -> residual -> null_aware -> the kind
 *
 * Pairs come in the order of left rows. LEFT and its like put a padded row in the place of a left
 * row without a match; SEMI and its like note what is known of each row, and look no further at
 * rows that are decided.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/join_probe_op.h"

typedef enum RowState { ROW_NO_MATCH = 0, ROW_MATCH = 1, ROW_UNKNOWN = 2 } RowState;

/* A batch's pairs on their way. */
typedef struct Pairs {
    ProbeLocal *local;
    const Batch *batch;
    Emitter *emitter;
    uint32_t count;        /* in local->rows, local->matches */
    uint32_t padded_count; /* in local->padded_*             */
    uint32_t next;         /* selected row that is not padded or passed yet */
} Pairs;

/* --- conditions over pairs --- */

static Batch pair_batch(Pairs *pairs)
{
    ProbeLocal *local = pairs->local;
    const Join *join = local->join;
    uint32_t left_count = join->left->column_count, right_count = join->right->column_count;
    Column *columns = local->pair_columns;

    for (uint32_t i = 0; i < left_count; i++)
        columns[i] = join->left_is_used[i]
                         ? gather_column(&local->left_buffers, i, &pairs->batch->columns[i],
                                         local->rows, pairs->count)
                         : column_of_nulls(join->left->columns[i].type);
    for (uint32_t i = 0; i < right_count; i++)
        columns[left_count + i] =
            join->right_is_used[i]
                ? join_gather(join, &local->right_buffers, join->kept_place[i], local->matches,
                              pairs->count, NULL, pairs->count, false)
                : column_of_nulls(join->right->columns[i].type);
    return (Batch){.column_count = left_count + right_count,
                   .row_count = pairs->count,
                   .columns = columns,
                   .selected_count = pairs->count,
                   .split = pairs->batch->split};
}

static Status filter_pairs(Pairs *pairs, Error *err)
{
    ProbeLocal *local = pairs->local;
    const uint32_t *selection;
    uint32_t kept_count;
    Batch batch;

    if (local->residual == NULL || pairs->count == 0 ||
        (local->probe.uses_range && local->join->range.is_exact))
        return ST_OK;
    batch = pair_batch(pairs);
    TRY(kernel_filter(local->residual, &batch, err, &selection, &kept_count));
    if (selection != NULL) {
        for (uint32_t i = 0; i < kept_count; i++) {
            local->rows[i] = local->rows[selection[i]];
            local->matches[i] = local->matches[selection[i]];
        }
    }
    pairs->count = kept_count;
    return ST_OK;
}

/* What the comparison of each pair says of its left row. */
static Status note_null_aware(Pairs *pairs, Error *err)
{
    ProbeLocal *local = pairs->local;
    const uint32_t *selection;
    Column result;
    uint32_t count;
    Batch batch;

    if (pairs->count == 0)
        return ST_OK;
    batch = pair_batch(pairs);
    TRY(kernel_project(local->null_aware, &batch, err, &result, &selection, &count));
    for (uint32_t i = 0; i < pairs->count; i++) {
        uint8_t *state = &local->states[local->rows[i]];

        if (column_is_null(&result, i))
            *state = *state == ROW_MATCH ? ROW_MATCH : ROW_UNKNOWN;
        else if (*(const uint8_t *)column_value(&result, i))
            *state = ROW_MATCH;
    }
    return ST_OK;
}

static void note_matches(Pairs *pairs)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        pairs->local->states[pairs->local->rows[i]] = ROW_MATCH;
}

/* --- padded rows --- */

static Status flush_padded(Pairs *pairs, Error *err)
{
    ProbeLocal *local = pairs->local;
    uint32_t count = pairs->padded_count;

    pairs->padded_count = 0;
    return probe__emit_pairs(local, pairs->batch, local->padded_rows, local->padded_matches, count,
                             pairs->emitter, err);
}

static Status push_padded(Pairs *pairs, uint32_t row, uint32_t match, Error *err)
{
    ProbeLocal *local = pairs->local;

    local->padded_rows[pairs->padded_count] = row;
    local->padded_matches[pairs->padded_count++] = match;
    if (pairs->padded_count == local->join->context->batch_rows)
        return flush_padded(pairs, err);
    return ST_OK;
}

/* Selected rows before `row` are complete: those without a match are padded. */
static Status pad_until(Pairs *pairs, uint32_t row, Error *err)
{
    while (pairs->next < pairs->batch->selected_count) {
        uint32_t selected = batch_row(pairs->batch, pairs->next);

        if (selected >= row)
            return ST_OK;
        if (pairs->local->states[selected] == ROW_NO_MATCH)
            TRY(push_padded(pairs, selected, JOIN_NO_MATCH, err));
        pairs->next++;
    }
    return ST_OK;
}

static Status emit_padded(Pairs *pairs, Error *err)
{
    ProbeLocal *local = pairs->local;

    for (uint32_t i = 0; i < pairs->count; i++) {
        uint32_t row = local->rows[i];

        TRY(pad_until(pairs, row, err));
        if (local->join->kind == JOIN_SINGLE && local->states[row] == ROW_MATCH)
            return error_set_state(
                err, ST_BAD_INPUT, "21000",
                "more than one row returned by a subquery used as an expression");
        local->states[row] = ROW_MATCH;
        TRY(push_padded(pairs, row, local->matches[i], err));
    }
    return pad_until(pairs, join_probe_row(&local->probe), err);
}

/* --- by kind --- */

static Status deal_with(Pairs *pairs, Error *err)
{
    ProbeLocal *local = pairs->local;
    uint32_t row;

    TRY(filter_pairs(pairs, err));
    if (join_marks_build(local->join->kind))
        probe__mark_build(local->join, local->matches, pairs->count);
    switch (local->join->kind) {
    case JOIN_INNER:
    case JOIN_RIGHT_OUTER:
        return probe__emit_pairs(local, pairs->batch, local->rows, local->matches, pairs->count,
                                 pairs->emitter, err);
    case JOIN_LEFT:
    case JOIN_FULL:
    case JOIN_SINGLE:
        return emit_padded(pairs, err);
    case JOIN_RIGHT_SEMI:
    case JOIN_RIGHT_ANTI:
        return ST_OK;
    case JOIN_SEMI:
    case JOIN_ANTI:
    case JOIN_MARK:
        if (local->null_aware != NULL)
            TRY(note_null_aware(pairs, err));
        else
            note_matches(pairs);
        row = join_probe_row(&local->probe);
        if (row != UINT32_MAX && local->states[row] == ROW_MATCH)
            join_probe_skip_row(&local->probe);
        return ST_OK;
    }
    UNREACHABLE("join kind");
}

static Status emit_rows_in_state(Pairs *pairs, RowState state, Error *err)
{
    ProbeLocal *local = pairs->local;
    uint32_t count = 0;

    for (uint32_t i = 0; i < pairs->batch->selected_count; i++) {
        uint32_t row = batch_row(pairs->batch, i);

        local->rows[count] = row;
        count += local->states[row] == (uint8_t)state;
    }
    return probe__emit_left(local, pairs->batch, local->rows, count, false, pairs->emitter, err);
}

static Status emit_marks(Pairs *pairs, Error *err)
{
    ProbeLocal *local = pairs->local;
    bool has_nulls = false;

    for (uint32_t row = 0; row < pairs->batch->row_count; row++) {
        bool is_null = local->states[row] == ROW_UNKNOWN;

        local->mark[row] = local->states[row] == ROW_MATCH;
        bitmap_put(local->mark_validity, row, !is_null);
        has_nulls |= is_null;
    }
    return probe__emit_left(local, pairs->batch, pairs->batch->selection,
                            pairs->batch->selected_count, has_nulls, pairs->emitter, err);
}

static Status finish(Pairs *pairs, Error *err)
{
    switch (pairs->local->join->kind) {
    case JOIN_LEFT:
    case JOIN_FULL:
    case JOIN_SINGLE:
        TRY(pad_until(pairs, UINT32_MAX, err));
        return flush_padded(pairs, err);
    case JOIN_SEMI:
        return emit_rows_in_state(pairs, ROW_MATCH, err);
    case JOIN_ANTI:
        return emit_rows_in_state(pairs, ROW_NO_MATCH, err);
    case JOIN_MARK:
        return emit_marks(pairs, err);
    default:
        return ST_OK;
    }
}

Status probe__pairs(ProbeLocal *local, const Batch *batch, Emitter *emitter, Error *err)
{
    uint32_t most = local->join->context->batch_rows;
    Pairs pairs = {.local = local, .batch = batch, .emitter = emitter};

    memset(local->states, ROW_NO_MATCH, batch->row_count);
    while (join_probe_row(&local->probe) != UINT32_MAX) {
        if (atomic_load_explicit(local->join->context->stop, memory_order_relaxed))
            return error_set(err, ST_CANCELLED, "canceling statement due to user request");
        if (emit_is_done(emitter))
            return ST_OK;
        pairs.count = join_probe_pairs(&local->probe, most, local->rows, local->matches);
        TRY(deal_with(&pairs, err));
    }
    return finish(&pairs, err);
}
