/*
 * op_keep.c -- rows kept in their order and read again: shared plans, and a LIMIT inside a plan
 *
 * A LIMIT keeps the rows [skip, skip + fetch). It stops a split that has that many rows, and the
 * whole input as soon as the splits that are done, counted from the first without a gap, have that
 * many.
 */
#include <pthread.h>
#include <string.h>

#include "core/base/invariant.h"
#include "exec/operators.h"
#include "exec/split_store.h"

enum { SPLIT_BATCHES = 16 };

typedef struct KeepOp {
    Operator op;
    SplitStore store;
    uint64_t skip_rows, wanted_rows; /* wanted: skip + fetch; UINT64_MAX: all */

    /* LIMIT: rows of the splits that are done */
    pthread_mutex_t lock;
    uint64_t *done_rows; /* by split, + 1; 0: not done */
    uint32_t done_capacity;
    uint32_t prefix; /* the splits before it are done, and have ... */
    uint64_t prefix_rows;
} KeepOp;

typedef struct KeepLocal {
    SplitStore store;
    uint64_t split_rows;
} KeepLocal;

typedef struct KeepCursor {
    uint32_t batch, end_batch;
    uint64_t row; /* of that batch, over all splits */
    uint64_t sequence;
    uint32_t selection[BATCH_ROWS_MAX];
} KeepCursor;

/* --- the sink --- */

static Status keep_local_open(Operator *base, uint32_t thread, Error *err, void **local_out)
{
    void *memory;
    KeepLocal *local;

    (void)thread;
    TRY(mem_pool_alloc(base->context->pool, sizeof *local, base->class->name, err, &memory));
    local = memory;
    *local = (KeepLocal){.split_rows = 0};
    split_store_init(&local->store, base->input_column_count, base->input_columns,
                     base->context->batch_rows, base->context->pool, base->class->name);
    *local_out = local;
    return ST_OK;
}

static void keep_local_close(Operator *base, void *opaque)
{
    KeepLocal *local = opaque;

    if (local == NULL)
        return;
    split_store_fini(&local->store);
    mem_pool_release(base->context->pool, local, sizeof *local);
}

static Status keep_consume(Operator *base, void *opaque, const Batch *batch, Emitter *emitter,
                           Error *err)
{
    KeepLocal *local = opaque;

    TRY(split_store_add(&local->store, batch, err));
    local->split_rows += batch->selected_count;
    if (local->split_rows >= ((KeepOp *)base)->wanted_rows)
        emit_stop_split(emitter);
    return ST_OK;
}

static Status note_done(KeepOp *op, uint32_t split, uint64_t rows, Error *err)
{
    if (split >= op->done_capacity) {
        uint32_t capacity = op->done_capacity == 0 ? 64 : op->done_capacity;
        void *memory = op->done_rows;

        while (capacity <= split)
            capacity *= 2;
        TRY(mem_pool_realloc(op->op.context->pool, &memory, op->done_capacity * sizeof(uint64_t),
                             capacity * sizeof(uint64_t), op->op.class->name, err));
        op->done_rows = memory;
        memset(op->done_rows + op->done_capacity, 0,
               (capacity - op->done_capacity) * sizeof(uint64_t));
        op->done_capacity = capacity;
    }
    op->done_rows[split] = rows + 1;
    while (op->prefix < op->done_capacity && op->done_rows[op->prefix] > 0)
        op->prefix_rows += op->done_rows[op->prefix++] - 1;
    return ST_OK;
}

static Status keep_end_split(Operator *base, void *opaque, uint32_t split, Emitter *emitter,
                             Error *err)
{
    KeepOp *op = (KeepOp *)base;
    KeepLocal *local = opaque;
    uint64_t rows = local->split_rows;
    Status status;

    local->split_rows = 0;
    if (op->wanted_rows == UINT64_MAX)
        return ST_OK;
    pthread_mutex_lock(&op->lock);
    status = note_done(op, split, rows, err);
    if (status == ST_OK && op->prefix > 0 && op->prefix_rows >= op->wanted_rows)
        emit_stop_after(emitter, op->prefix - 1);
    pthread_mutex_unlock(&op->lock);
    return status;
}

static Status keep_combine(Operator *base, void *opaque, Error *err)
{
    KeepOp *op = (KeepOp *)base;

    TRY(split_store_combine(&op->store, &((KeepLocal *)opaque)->store, err));
    operator_note_bytes(base, op->store.used_bytes);
    return ST_OK;
}

static Status keep_finish_begin(Operator *base, uint32_t phase, Error *err,
                                uint32_t *task_count_out)
{
    *task_count_out = 0;
    return phase == 0 ? split_store_finish(&((KeepOp *)base)->store, err) : ST_OK;
}

/* --- the source --- */

static uint32_t keep_split_count(Operator *base)
{
    return (((KeepOp *)base)->store.batch_count + SPLIT_BATCHES - 1) / SPLIT_BATCHES;
}

static double keep_row_estimate(Operator *base)
{
    return (double)((KeepOp *)base)->store.row_count;
}

static Status keep_source_open(Operator *base, uint32_t thread, Error *err, void **cursor_out)
{
    (void)thread;
    return mem_pool_alloc(base->context->pool, sizeof(KeepCursor), base->class->name, err,
                          cursor_out);
}

static void keep_source_close(Operator *base, void *cursor)
{
    mem_pool_release(base->context->pool, cursor, sizeof(KeepCursor));
}

static Status keep_source_split(Operator *base, void *opaque, uint32_t split, Error *err)
{
    const SplitStore *store = &((KeepOp *)base)->store;
    KeepCursor *cursor = opaque;

    (void)err;
    cursor->batch = split * SPLIT_BATCHES;
    cursor->end_batch = cursor->batch + SPLIT_BATCHES;
    if (cursor->end_batch > store->batch_count)
        cursor->end_batch = store->batch_count;
    cursor->row = cursor->sequence = 0;
    for (uint32_t i = 0; i < cursor->batch; i++)
        cursor->row += store->batches[i]->row_count;
    return ST_OK;
}

/* Selects rows [from, to) of the batch. */
static void select_range(KeepCursor *cursor, Batch *batch, uint64_t from, uint64_t to)
{
    if (from == 0 && to == batch->row_count)
        return;
    for (uint64_t i = from; i < to; i++)
        cursor->selection[i - from] = (uint32_t)i;
    batch->selection = cursor->selection;
    batch->selected_count = (uint32_t)(to - from);
}

static Status keep_source_next(Operator *base, void *opaque, Error *err, Batch *batch_out)
{
    const KeepOp *op = (const KeepOp *)base;
    KeepCursor *cursor = opaque;

    (void)err;
    while (cursor->batch < cursor->end_batch) {
        const StoredBatch *stored = op->store.batches[cursor->batch++];
        uint64_t first = cursor->row, from = 0, to = stored->row_count;

        cursor->row += stored->row_count;
        if (op->skip_rows > first)
            from = op->skip_rows - first < to ? op->skip_rows - first : to;
        if (op->wanted_rows < first + to)
            to = op->wanted_rows > first ? op->wanted_rows - first : 0;
        if (from >= to)
            continue;
        *batch_out = stored_batch_view(stored, op->store.column_count);
        batch_out->sequence = cursor->sequence;
        cursor->sequence += stored->row_count;
        select_range(cursor, batch_out, from, to);
        return ST_OK;
    }
    *batch_out = (Batch){.column_count = op->store.column_count};
    return ST_OK;
}

static void keep_close(Operator *base)
{
    KeepOp *op = (KeepOp *)base;

    split_store_fini(&op->store);
    mem_pool_release(base->context->pool, op->done_rows, op->done_capacity * sizeof(uint64_t));
    op->done_rows = NULL;
    op->done_capacity = 0;
}

#define KEEP_FUNCTIONS                                                                             \
    .local_open = keep_local_open, .consume = keep_consume, .end_split = keep_end_split,           \
    .local_close = keep_local_close, .close = keep_close, .combine = keep_combine,                 \
    .finish_begin = keep_finish_begin, .split_count = keep_split_count,                            \
    .source_open = keep_source_open, .source_split = keep_source_split,                            \
    .source_next = keep_source_next, .source_close = keep_source_close,                            \
    .row_estimate = keep_row_estimate

static const OperatorClass limit_class = {.name = "limit", KEEP_FUNCTIONS};
static const OperatorClass shared_class = {.name = "shared", KEEP_FUNCTIONS};

static void destroy_lock(void *lock)
{
    pthread_mutex_destroy(lock);
}

static KeepOp *make(const ExecContext *context, Arena *arena, const OperatorClass *class,
                    const Plan *node)
{
    KeepOp *op = ARENA_NEW(arena, KeepOp);
    const Plan *input = node->inputs[0];

    op->op = (Operator){.class = class,
                        .context = context,
                        .node = node,
                        .input_column_count = input->column_count,
                        .input_columns = input->columns};
    op->wanted_rows = UINT64_MAX;
    split_store_init(&op->store, input->column_count, input->columns, context->batch_rows,
                     context->pool, class->name);
    pthread_mutex_init(&op->lock, NULL);
    arena_on_free(arena, destroy_lock, &op->lock);
    return op;
}

Status op_limit_new(const ExecContext *context, Arena *arena, const PlanLimit *node, Error *err,
                    Operator **op_out)
{
    KeepOp *op = make(context, arena, &limit_class, &node->head);

    (void)err;
    op->skip_rows = node->skip_rows < 0 ? 0 : (uint64_t)node->skip_rows;
    if (node->fetch_rows != ALL_ROWS)
        op->wanted_rows = op->skip_rows + (node->fetch_rows < 0 ? 0 : (uint64_t)node->fetch_rows);
    *op_out = &op->op;
    return ST_OK;
}

Status op_shared_new(const ExecContext *context, Arena *arena, const PlanShared *node, Error *err,
                     Operator **op_out)
{
    (void)err;
    *op_out = &make(context, arena, &shared_class, &node->head)->op;
    (*op_out)->is_read_by_others = true;
    return ST_OK;
}
