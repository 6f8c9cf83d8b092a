/* result_queue.c -- see result_queue.h */
#include "exec/result_queue.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/base/invariant.h"
#include "exec/row_spill.h"

enum {
    HEAD_BYTES_MAX = 16 << 20,  /* waiting at the head                  */
    AHEAD_BYTES_MAX = 64 << 20, /* waiting in all splits behind it      */
    SHARE_PARTS = 8,            /* and no more than this part of the memory there is */
    HAND_OVER_BYTES = 256 << 10,
    WAKE_MS = 20 /* sleepers look at context->stop this often */
};

static const char consumer_name[] = "result rows";

typedef struct SplitResult {
    BatchStore store;
    uint64_t row_count; /* also those already taken */
    bool is_ended;
} SplitResult;

struct ResultQueue {
    Operator op;
    uint64_t skip_rows; /* still to drop  */
    uint64_t left_rows; /* still to hand out */
    uint64_t wanted_rows;
    bool is_inline;
    ExecSinkFn sink; /* NULL: rows are kept */
    void *sink_context;

    pthread_mutex_t lock;
    pthread_cond_t has_rows; /* the taker waits   */
    pthread_cond_t has_room; /* producers wait    */
    SplitResult *splits;     /* by split number */
    uint32_t split_count, split_capacity;
    uint32_t head;   /* lowest split not handed out in full */
    uint32_t prefix; /* splits before it are ended; they have ... */
    uint64_t prefix_rows;
    uint64_t waiting_bytes;
    RowFifo spilled; /* inline: the rows behind all that wait in memory */
    bool is_ended;

    StoredBatch *taken;
    BatchStore trimmed; /* the taken batch, when only a part of it is wanted */
};

typedef struct ResultLocal {
    BatchStore store;
    uint64_t split_rows;
} ResultLocal;

/* --- the producers' side --- */

static Status queue_local_open(Operator *op, uint32_t thread, Error *err, void **local_out)
{
    void *memory;
    ResultLocal *local;

    (void)thread;
    TRY(mem_pool_alloc(op->context->pool, sizeof *local, consumer_name, err, &memory));
    local = memory;
    *local = (ResultLocal){.split_rows = 0};
    batch_store_init(&local->store, op->node->column_count, op->node->columns,
                     op->context->batch_rows, op->context->pool, consumer_name);
    *local_out = local;
    return ST_OK;
}

static void queue_local_close(Operator *op, void *opaque)
{
    ResultLocal *local = opaque;

    if (local == NULL)
        return;
    batch_store_fini(&local->store);
    mem_pool_release(op->context->pool, local, sizeof *local);
}

/* Makes room for the split's entry. The lock is held. */
static Status add_split(ResultQueue *queue, uint32_t split, Error *err)
{
    uint32_t needed = split + 1;
    uint32_t capacity = queue->split_capacity == 0 ? 16 : queue->split_capacity;
    void *memory = queue->splits;

    while (capacity < needed)
        capacity *= 2;
    if (capacity > queue->split_capacity) {
        TRY(mem_pool_realloc(queue->op.context->pool, &memory,
                             queue->split_capacity * sizeof(SplitResult),
                             capacity * sizeof(SplitResult), consumer_name, err));
        queue->splits = memory;
        queue->split_capacity = capacity;
    }
    for (; queue->split_count < needed; queue->split_count++) {
        SplitResult *entry = &queue->splits[queue->split_count];

        *entry = (SplitResult){.row_count = 0};
        batch_store_init(&entry->store, queue->op.node->column_count, queue->op.node->columns,
                         queue->op.context->batch_rows, queue->op.context->pool, consumer_name);
    }
    return ST_OK;
}

static void wait_ms(ResultQueue *queue, pthread_cond_t *condition, uint32_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(condition, &queue->lock, &until);
}

static bool must_wait(const ResultQueue *queue, uint32_t split)
{
    if (queue->is_inline || queue->is_ended || atomic_load(queue->op.context->stop))
        return false;
    if (split == queue->head)
        return queue->splits[split].store.used_bytes >
               mem_pool_share(queue->op.context->pool, HEAD_BYTES_MAX, SHARE_PARTS);
    return queue->waiting_bytes >
           mem_pool_share(queue->op.context->pool, AHEAD_BYTES_MAX, SHARE_PARTS);
}

/* The only thread cannot wait for itself. What one batch has become by then may be any number of
 * rows. */
static bool must_spill(const ResultQueue *queue)
{
    const ExecContext *context = queue->op.context;

    if (!queue->is_inline || context->spill_folder == NULL)
        return false;
    return queue->spilled.row_count > 0 ||
           queue->waiting_bytes > mem_pool_share(context->pool, HEAD_BYTES_MAX, SHARE_PARTS);
}

static Status spill(ResultQueue *queue, BatchStore *from, uint32_t split, Error *err)
{
    const Operator *op = &queue->op;
    Status status = ST_OK;

    queue->splits[split].row_count += from->row_count;
    while (from->first != NULL && status == ST_OK) {
        StoredBatch *stored = batch_store_take_first(from);
        Batch batch = stored_batch_view(stored, op->node->column_count);

        status = row_fifo_put(&queue->spilled, &batch, op->node->columns, op->context->batch_rows,
                              op->context->spill_folder, op->context->pool, consumer_name, err);
        stored_batch_free(stored, op->context->pool);
    }
    return status;
}

/* Moves what the thread has gathered of the split to its entry; waits when there is too much. */
static Status hand_over(ResultQueue *queue, ResultLocal *local, uint32_t split, Error *err)
{
    BatchStore *from = &local->store, *to;
    Status status;

    pthread_mutex_lock(&queue->lock);
    status = add_split(queue, split, err);
    if (status == ST_OK)
        while (must_wait(queue, split))
            wait_ms(queue, &queue->has_room, WAKE_MS);
    if (status == ST_OK && from->first != NULL && must_spill(queue)) {
        status = spill(queue, from, split, err);
    } else if (status == ST_OK && from->first != NULL) {
        to = &queue->splits[split].store;
        queue->splits[split].row_count += from->row_count;
        if (to->last == NULL)
            to->first = from->first;
        else
            to->last->next = from->first;
        to->last = from->last;
        to->row_count += from->row_count;
        to->used_bytes += from->used_bytes;
        queue->waiting_bytes += from->used_bytes;
        from->first = from->last = NULL;
        from->row_count = from->used_bytes = 0;
        pthread_cond_signal(&queue->has_rows);
    }
    pthread_mutex_unlock(&queue->lock);
    return status;
}

/* Rows [from, from + count) of the selected ones, as batches of their own, to the sink. */
static Status pass_some(ResultQueue *queue, BatchStore *store, const Batch *batch, uint32_t from,
                        uint32_t count, Error *err)
{
    Status status = batch_store_add(store, batch, from, count, err);
    StoredBatch *stored;

    while (status == ST_OK && (stored = batch_store_take_first(store)) != NULL) {
        Batch some = stored_batch_view(stored, queue->op.node->column_count);

        status = queue->sink(queue->sink_context, &some, err);
        stored_batch_free(stored, queue->op.context->pool);
    }
    return status;
}

/* What is wanted of the batch goes to the sink; in order, as there is one thread. */
static Status pass_on(ResultQueue *queue, ResultLocal *local, const Batch *batch, Emitter *emitter,
                      Error *err)
{
    uint32_t selected = batch->selected_count;
    uint32_t skip = queue->skip_rows < selected ? (uint32_t)queue->skip_rows : selected;
    uint32_t rows =
        queue->left_rows < selected - skip ? (uint32_t)queue->left_rows : selected - skip;

    queue->skip_rows -= skip;
    queue->left_rows -= rows;
    if (queue->left_rows == 0) {
        emit_stop_split(emitter);
        emit_stop_after(emitter, batch->split);
    }
    atomic_fetch_add(&queue->op.rows, rows);
    if (rows == 0)
        return ST_OK;
    if (batch->selection == NULL && rows == batch->row_count)
        return queue->sink(queue->sink_context, batch, err);
    return pass_some(queue, &local->store, batch, skip, rows, err);
}

static Status queue_consume(Operator *op, void *opaque, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    ResultQueue *queue = (ResultQueue *)op;
    ResultLocal *local = opaque;

    if (queue->sink != NULL)
        return pass_on(queue, local, batch, emitter, err);
    TRY(batch_store_add(&local->store, batch, 0, batch->selected_count, err));
    local->split_rows += batch->selected_count;
    if (local->split_rows >= queue->wanted_rows)
        emit_stop_split(emitter);
    if (local->store.used_bytes >= HAND_OVER_BYTES)
        return hand_over(queue, local, batch->split, err);
    return ST_OK;
}

static Status queue_end_split(Operator *op, void *opaque, uint32_t split, Emitter *emitter,
                              Error *err)
{
    ResultQueue *queue = (ResultQueue *)op;
    ResultLocal *local = opaque;

    local->split_rows = 0;
    TRY(hand_over(queue, local, split, err));
    pthread_mutex_lock(&queue->lock);
    queue->splits[split].is_ended = true;
    while (queue->prefix < queue->split_count && queue->splits[queue->prefix].is_ended) {
        queue->prefix_rows += queue->splits[queue->prefix].row_count;
        queue->prefix++;
    }
    if (queue->prefix > 0 && queue->prefix_rows >= queue->wanted_rows)
        emit_stop_after(emitter, queue->prefix - 1);
    pthread_cond_signal(&queue->has_rows);
    pthread_mutex_unlock(&queue->lock);
    return ST_OK;
}

/* --- the taker's side --- */

/* The next stored batch in order; NULL: none yet. The lock is held. */
static StoredBatch *take_stored(ResultQueue *queue)
{
    while (queue->head < queue->split_count) {
        SplitResult *entry = &queue->splits[queue->head];
        size_t bytes = entry->store.used_bytes;
        StoredBatch *stored = batch_store_take_first(&entry->store);

        queue->waiting_bytes -= bytes - entry->store.used_bytes;
        if (stored != NULL) {
            pthread_cond_broadcast(&queue->has_room);
            return stored;
        }
        if (!entry->is_ended)
            return NULL;
        queue->head++;
        pthread_cond_broadcast(&queue->has_room);
    }
    return NULL;
}

/* The next batch of those in the file; there are some. */
static Status take_spilled(ResultQueue *queue, Error *err)
{
    const Operator *op = &queue->op;
    BatchStore store;
    Batch batch;
    Status status;

    TRY(row_fifo_take(&queue->spilled, err, &batch));
    batch_store_init(&store, op->node->column_count, op->node->columns, batch.row_count,
                     op->context->pool, consumer_name);
    status = batch_store_add(&store, &batch, 0, batch.row_count, err);
    queue->taken = batch_store_take_first(&store);
    batch_store_fini(&store);
    return status;
}

/* The wanted part of the taken batch; may be no rows. */
static Status trim(ResultQueue *queue, Error *err, Batch *batch_out)
{
    uint32_t columns = queue->op.node->column_count;
    Batch all = stored_batch_view(queue->taken, columns);
    uint64_t skip = queue->skip_rows < all.row_count ? queue->skip_rows : all.row_count;
    uint64_t rows = all.row_count - skip;

    if (rows > queue->left_rows)
        rows = queue->left_rows;
    queue->skip_rows -= skip;
    queue->left_rows -= rows;
    atomic_fetch_add(&queue->op.rows, rows);
    *batch_out = all;
    batch_out->row_count = batch_out->selected_count = (uint32_t)rows;
    if (skip == 0 || rows == 0)
        return ST_OK;
    batch_store_fini(&queue->trimmed);
    batch_store_init(&queue->trimmed, columns, queue->op.node->columns, all.row_count,
                     queue->op.context->pool, consumer_name);
    TRY(batch_store_add(&queue->trimmed, &all, (uint32_t)skip, (uint32_t)rows, err));
    stored_batch_free(queue->taken, queue->op.context->pool);
    queue->taken = batch_store_take_first(&queue->trimmed);
    *batch_out = stored_batch_view(queue->taken, columns);
    return ST_OK;
}

Status result_queue_take(ResultQueue *queue, uint32_t wait, Error *err, Batch *batch_out,
                         TakeOutcome *outcome_out)
{
    bool is_end;

    *batch_out = (Batch){.column_count = queue->op.node->column_count};
    *outcome_out = TAKE_LATER;
    while (queue->left_rows > 0) {
        stored_batch_free(queue->taken, queue->op.context->pool);
        pthread_mutex_lock(&queue->lock);
        queue->taken = take_stored(queue);
        if (queue->taken == NULL && wait > 0 && !queue->is_ended) {
            wait_ms(queue, &queue->has_rows, wait);
            queue->taken = take_stored(queue);
            wait = 0;
        }
        is_end = queue->is_ended;
        pthread_mutex_unlock(&queue->lock);
        if (queue->taken == NULL && queue->spilled.row_count > 0)
            TRY(take_spilled(queue, err));
        if (queue->taken == NULL) {
            *outcome_out = is_end ? TAKE_END : TAKE_LATER;
            return ST_OK;
        }
        TRY(trim(queue, err, batch_out));
        if (batch_out->row_count > 0) {
            *outcome_out = TAKE_ROWS;
            return ST_OK;
        }
    }
    *outcome_out = TAKE_END;
    return ST_OK;
}

StoredBatch *result_queue_disown(ResultQueue *queue)
{
    StoredBatch *stored = queue->taken;

    queue->taken = NULL;
    if (stored != NULL)
        stored_batch_disown(stored, queue->op.context->pool);
    return stored;
}

void result_queue_end(ResultQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_ended = true;
    pthread_cond_broadcast(&queue->has_rows);
    pthread_cond_broadcast(&queue->has_room);
    pthread_mutex_unlock(&queue->lock);
}

void result_queue_wake(ResultQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    pthread_cond_broadcast(&queue->has_rows);
    pthread_cond_broadcast(&queue->has_room);
    pthread_mutex_unlock(&queue->lock);
}

void result_queue_set_inline(ResultQueue *queue, bool is_inline)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_inline = is_inline;
    pthread_mutex_unlock(&queue->lock);
}

void result_queue_set_sink(ResultQueue *queue, ExecSinkFn sink, void *context)
{
    queue->sink = sink;
    queue->sink_context = context;
}

/* --- life --- */

static void queue_free(void *opaque)
{
    ResultQueue *queue = opaque;
    MemPool *pool = queue->op.context->pool;

    stored_batch_free(queue->taken, pool);
    batch_store_fini(&queue->trimmed);
    row_fifo_fini(&queue->spilled);
    for (uint32_t i = 0; i < queue->split_count; i++)
        batch_store_fini(&queue->splits[i].store);
    mem_pool_release(pool, queue->splits, queue->split_capacity * sizeof(SplitResult));
    pthread_cond_destroy(&queue->has_rows);
    pthread_cond_destroy(&queue->has_room);
    pthread_mutex_destroy(&queue->lock);
}

static const OperatorClass result_class = {
    .name = "result",
    .local_open = queue_local_open,
    .consume = queue_consume,
    .end_split = queue_end_split,
    .local_close = queue_local_close,
};

ResultQueue *result_queue_new(const ExecContext *context, Arena *arena, const Plan *node,
                              int64_t skip_rows, int64_t fetch_rows)
{
    ResultQueue *queue = ARENA_NEW(arena, ResultQueue);
    pthread_condattr_t attributes;

    queue->op = (Operator){.class = &result_class,
                           .context = context,
                           .node = node,
                           .input_column_count = node->column_count,
                           .input_columns = node->columns};
    queue->skip_rows = skip_rows < 0 ? 0 : (uint64_t)skip_rows;
    queue->left_rows = fetch_rows < 0 ? 0 : (uint64_t)fetch_rows;
    queue->wanted_rows = queue->skip_rows + queue->left_rows; /* both below 2^63 */
    if (fetch_rows == ALL_ROWS)
        queue->wanted_rows = UINT64_MAX;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->has_rows, &attributes);
    pthread_cond_init(&queue->has_room, &attributes);
    pthread_condattr_destroy(&attributes);
    arena_on_free(arena, queue_free, queue);
    return queue;
}

Operator *result_queue_operator(ResultQueue *queue)
{
    return &queue->op;
}
