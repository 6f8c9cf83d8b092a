/* op_join_build.c -- the sink of a join's right input, and the build rows that come out after the
 * probe; see join.h */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/join.h"
#include "exec/join_spill.h"

enum { FILL_ROWS = 65536, UNMATCHED_SPLIT_ROWS = 16384, TABLE_PHASES = 3 };

typedef struct BuildLocal {
    Arena *arena;
    JoinRows rows;
    KernelInstance *keys;
    Column *key_columns;
    Column *kept_columns; /* and the range's keys */
    int64_t *range_values[RANGE_KEYS_MAX];
    uint64_t *range_validity[RANGE_KEYS_MAX];
} BuildLocal;

static Join *join_of_build(Operator *base)
{
    return (Join *)((char *)base - offsetof(Join, build));
}

Status join_keys_evaluate(const JoinKeys *keys, KernelInstance *instance, const Batch *batch,
                          Error *err, Column *keys_out)
{
    const uint32_t *selection;
    uint32_t count;

    if (keys->kernel != NULL)
        return kernel_project(instance, batch, err, keys_out, &selection, &count);
    for (uint32_t i = 0; i < keys->count; i++)
        keys_out[i] = batch->columns[keys->picks[i]];
    return ST_OK;
}

/* --- the sink --- */

static Status build_open(Operator *base, Error *err)
{
    Join *join = join_of_build(base);

    join_open_table(join);
    return join_spill_open(join, err);
}

bool join_asks_only(const Join *join)
{
    return join->residual == NULL && join->null_aware == NULL &&
           (join->kind == JOIN_SEMI || join->kind == JOIN_ANTI || join->kind == JOIN_MARK);
}

void join_open_table(Join *join)
{
    join_table_init(&join->table, join->context, &join->layout);
    join->table.keeps_null_keys = join_keeps_unmatched_build(join->kind);
    join->table.keeps_order = join_marks_build(join->kind);
    join->table.keeps_matched = join_marks_build(join->kind);
    join->table.asks_only = join_asks_only(join);
}

static void build_close(Operator *base)
{
    Join *join = join_of_build(base);

    for (uint32_t i = 0; i < join->filter_count; i++)
        join_filter_close(join->filters[i]);
    join_close_table(join);
    join_spill_close(join);
}

void join_close_table(Join *join)
{
    join_range_close(&join->range, join->context->pool);
    join_table_close(&join->table);
}

static Status build_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    Join *join = join_of_build(base);
    Arena *arena = arena_new(NULL, "join build", ARENA_NO_CAP);
    BuildLocal *local = ARENA_NEW(arena, BuildLocal);

    (void)thread;
    *local_out = local;
    local->arena = arena;
    local->key_columns = ARENA_ARRAY(arena, Column, join->right_keys.count);
    local->kept_columns = ARENA_ARRAY(arena, Column, join->kept_count + join->range.key_count);
    for (uint32_t i = 0; i < join->range.key_count; i++) {
        local->range_values[i] = ARENA_ARRAY(arena, int64_t, BATCH_ROWS_MAX);
        local->range_validity[i] = ARENA_ARRAY(arena, uint64_t, bitmap_words(BATCH_ROWS_MAX));
    }
    TRY(join_rows_init(&local->rows, &join->table, err));
    if (join->right_keys.kernel != NULL)
        return kernel_instance_new(join->right_keys.kernel, join->context->pool, err, &local->keys);
    return ST_OK;
}

static void build_local_close(Operator *base, void *opaque)
{
    BuildLocal *local = opaque;

    (void)base;
    if (local == NULL)
        return;
    join_rows_fini(&local->rows);
    kernel_instance_free(local->keys);
    arena_free(local->arena);
}

/* Keys of the range, as columns behind those that are kept. One that fails is not worth an error:
 * the rows it would fail for may not be asked for. */
static Status add_range_keys(Join *join, BuildLocal *local, const Batch *batch, Error *err)
{
    Error unheard = ERROR_NONE;
    Status status =
        join_keys_evaluate(&join->right_keys, local->keys, batch, &unheard, local->key_columns);

    if (status != ST_OK && status != ST_BAD_INPUT) {
        *err = unheard;
        return status;
    }
    if (status == ST_BAD_INPUT)
        atomic_store(&join->range.is_broken, true);
    for (uint32_t i = 0; i < join->range.key_count; i++)
        local->kept_columns[join->kept_count + i] =
            status == ST_OK ? join_range_key(&local->key_columns[i], batch, local->range_values[i],
                                             local->range_validity[i])
                            : column_of_nulls(type_of(TYPE_INT8));
    return ST_OK;
}

static Status build_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    Join *join = join_of_build(base);
    BuildLocal *local = opaque;

    (void)emitter;
    if (join->range.key_count > 0)
        TRY(add_range_keys(join, local, batch, err));
    else
        TRY(join_keys_evaluate(&join->right_keys, local->keys, batch, err, local->key_columns));
    for (uint32_t i = 0; i < join->kept_count; i++)
        local->kept_columns[i] = batch->columns[join->kept[i]];
    return join_spill_add(join, &local->rows, local->key_columns, local->kept_columns, batch, err);
}

static Status build_combine(Operator *base, void *opaque, Error *err)
{
    Join *join = join_of_build(base);
    JoinRows *rows = &((BuildLocal *)opaque)->rows;

    if (join_spill_is_active(join))
        TRY(join_spill_rows(join, rows, err));
    return join_table_combine(&join->table, rows, err);
}

/* The table is done: filters look at it; those that want its rows get them in tasks. */
static Status begin_filters(Join *join, Error *err, uint32_t *task_count_out)
{
    for (uint32_t i = 0; i < join->filter_count; i++) {
        const JoinRange *range = &join->range;
        bool needs_rows;

        if (range->bound_count > 0) {
            const RangeBound *bound = &range->bounds[join_filter_key(join->filters[i])];

            if (!range->is_broken)
                join_filter_bound(join->filters[i], &join->table,
                                  &join->layout.columns[join->kept_count + bound->key],
                                  bound->is_least, bound->is_strict);
            continue;
        }

        TRY(join_filter_begin(join->filters[i], &join->table, err, &needs_rows));
        if (needs_rows)
            join->filling[join->filling_count++] = join->filters[i];
    }
    join->fill_tasks = join->filling_count == 0 ? 0 : join->table.reachable_count / FILL_ROWS + 1;
    *task_count_out = join->fill_tasks;
    return ST_OK;
}

static Status build_finish_begin(Operator *base, uint32_t phase, Error *err,
                                 uint32_t *task_count_out)
{
    Join *join = join_of_build(base);

    Status status = ST_OK;

    *task_count_out = 0;
    if (join_spill_is_active(join))
        return ST_OK;
    if (phase < TABLE_PHASES)
        status = join_table_finish_begin(&join->table, phase, err, task_count_out);
    if (status == ST_OUT_OF_MEMORY && join->spill != NULL) {
        *task_count_out = 0;
        return join_spill_table(join, err);
    }
    TRY(status);
    if (phase + 1 < TABLE_PHASES)
        return ST_OK;
    if (phase + 1 == TABLE_PHASES) {
        TRY(join_range_build(&join->range, &join->table, join->layout.columns + join->kept_count,
                             err));
        operator_note_bytes(&join->probe, join->table.peak_bytes + join->range.memory_bytes);
        TRY(begin_filters(join, err, task_count_out));
    }
    if (*task_count_out == 0)
        for (uint32_t i = 0; i < join->filter_count; i++)
            join_filter_finish(join->filters[i]);
    return ST_OK;
}

static Status build_finish_task(Operator *base, uint32_t phase, uint32_t task, uint32_t thread,
                                Error *err)
{
    Join *join = join_of_build(base);
    uint32_t first = task * FILL_ROWS, end = first + FILL_ROWS;

    (void)thread;
    if (phase + 1 < TABLE_PHASES)
        return join_table_finish_task(&join->table, phase, task, err);
    if (end > join->table.reachable_count)
        end = join->table.reachable_count;
    for (uint32_t i = 0; i < join->filling_count; i++)
        join_filter_add(join->filling[i], first, end);
    return ST_OK;
}

const OperatorClass join_build_class = {
    .name = "join build",
    .open = build_open,
    .local_open = build_local_open,
    .consume = build_consume,
    .local_close = build_local_close,
    .close = build_close,
    .combine = build_combine,
    .finish_begin = build_finish_begin,
    .finish_task = build_finish_task,
};

/* --- build rows after the probe --- */

typedef struct UnmatchedCursor {
    Arena *arena;
    ColumnBuffers buffers;
    Column *columns;
    struct JoinSpillCursor *spilled; /* NULL: nothing was */
    uint32_t next, end;              /* in build order */
    uint64_t sequence;
    uint32_t matches[BATCH_ROWS_MAX];
} UnmatchedCursor;

static Join *join_of_unmatched(Operator *base)
{
    return (Join *)((char *)base - offsetof(Join, unmatched));
}

static uint32_t unmatched_split_count(Operator *base)
{
    const Join *join = join_of_unmatched(base);
    uint32_t rows = join->table.row_count;

    if (join_spill_is_active(join))
        return 1;
    if (!join_marks_build(join->kind))
        return 0;
    return rows / UNMATCHED_SPLIT_ROWS + (rows % UNMATCHED_SPLIT_ROWS != 0);
}

static double unmatched_row_estimate(Operator *base)
{
    return join_of_unmatched(base)->table.row_count;
}

void join_build_columns(const Join *join, ColumnBuffers *buffers, const uint32_t *matches,
                        uint32_t count, Column *columns_out)
{
    for (uint32_t i = 0; i < join->node->column_count; i++) {
        const JoinOutput *output = &join->outputs[i];

        columns_out[i] = output->side == JOIN_SIDE_RIGHT
                             ? join_gather(join, buffers, join->kept_place[output->index], matches,
                                           count, NULL, count, false)
                             : column_of_nulls(join->node->columns[i].type);
    }
}

static Status unmatched_source_open(Operator *base, uint32_t thread, Error *err, void **cursor_out)
{
    Join *join = join_of_unmatched(base);
    Arena *arena = arena_new(NULL, "unmatched rows", ARENA_NO_CAP);
    UnmatchedCursor *cursor = ARENA_NEW(arena, UnmatchedCursor);

    (void)thread;
    *cursor_out = cursor;
    cursor->arena = arena;
    cursor->columns = ARENA_ARRAY(arena, Column, join->node->column_count);
    if (join_spill_is_active(join))
        return join_spill_join(join, err, &cursor->spilled);
    return join_buffers_init(join, arena, &cursor->buffers, err);
}

static void unmatched_source_close(Operator *base, void *opaque)
{
    UnmatchedCursor *cursor = opaque;

    (void)base;
    if (cursor == NULL)
        return;
    join_spill_end(cursor->spilled);
    column_buffers_fini(&cursor->buffers);
    arena_free(cursor->arena);
}

static Status unmatched_source_split(Operator *base, void *opaque, uint32_t split, Error *err)
{
    uint32_t rows = join_of_unmatched(base)->table.row_count;
    UnmatchedCursor *cursor = opaque;

    (void)err;
    cursor->next = split * UNMATCHED_SPLIT_ROWS;
    cursor->end =
        rows - cursor->next < UNMATCHED_SPLIT_ROWS ? rows : cursor->next + UNMATCHED_SPLIT_ROWS;
    cursor->sequence = 0;
    return ST_OK;
}

static Status unmatched_source_next(Operator *base, void *opaque, Error *err, Batch *batch_out)
{
    const Join *join = join_of_unmatched(base);
    const JoinTable *table = &join->table;
    bool wanted = join->kind == JOIN_RIGHT_SEMI;
    UnmatchedCursor *cursor = opaque;
    uint32_t count = 0;

    if (cursor->spilled != NULL)
        return join_spill_next(cursor->spilled, &cursor->sequence, err, batch_out);
    for (; cursor->next < cursor->end && count < join->context->batch_rows; cursor->next++) {
        uint32_t row = table->order[cursor->next];
        bool is_matched = atomic_load_explicit(&table->matched[row], memory_order_relaxed) != 0;

        cursor->matches[count] = row;
        count += is_matched == wanted;
    }
    join_build_columns(join, &cursor->buffers, cursor->matches, count, cursor->columns);
    *batch_out = (Batch){.column_count = join->node->column_count,
                         .row_count = count,
                         .selected_count = count,
                         .columns = cursor->columns,
                         .sequence = cursor->sequence};
    cursor->sequence += count;
    return ST_OK;
}

const OperatorClass join_unmatched_class = {
    .name = "join unmatched",
    .split_count = unmatched_split_count,
    .source_open = unmatched_source_open,
    .source_split = unmatched_source_split,
    .source_next = unmatched_source_next,
    .source_close = unmatched_source_close,
    .row_estimate = unmatched_row_estimate,
};
