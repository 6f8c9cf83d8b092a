/*
 * op_write.c -- COPY ... TO and CREATE TABLE AS: rows into a file, in the order of their places
 *
 * Splits are worked off side by side, the writer takes them one after the other. Whoever works on
 * the head, the lowest split not written yet, writes at once; what others have meanwhile waits in
 * memory, and when too much of it waits, so do they. (The head is always being worked on, as
 * threads take splits in ascending order, so nobody waits for ever.)
 *
 * The file appears when all rows are written; close before that removes what there is. One row
 * comes out: the count of rows.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/batch_store.h"
#include "exec/operator.h"
#include "formats/format.h"

enum { WAITING_BYTES_MAX = 64 * 1024 * 1024, WAITING_PARTS = 8, WAIT_MS = 20 };

static const char consumer_name[] = "write";

/* A split that is done, but not its turn yet. */
typedef struct WaitingSplit {
    struct WaitingSplit *next; /* of a higher number */
    uint32_t split;
    BatchStore store;
} WaitingSplit;

typedef struct Write {
    Operator op;
    const PlanWrite *node;
    const char *path; /* the node's, or that of this partition's part */
    const Format *format;
    TableColumn *columns;
    TableWriter *writer; /* NULL before open, and when the file is there */
    uint64_t row_count;  /* written; the head's alone while rows come    */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t head_moved;
    uint32_t head;
    WaitingSplit *waiting;
    uint64_t waiting_bytes;
} Write;

typedef struct WriteLocal {
    bool has_store;
    BatchStore store; /* of the split being worked off, while it is not the head */
} WriteLocal;

/* --- the file --- */

static Status write_open(Operator *op, Error *err)
{
    Write *self = (Write *)op;

    return self->format->writer_open(self->path, op->input_column_count, self->columns,
                                     self->node->options, op->context->pool, err, &self->writer);
}

static Status write_store(Write *self, BatchStore *store, Error *err)
{
    Status status = ST_OK;

    for (StoredBatch *stored = store->first; stored != NULL && status == ST_OK;
         stored = stored->next) {
        Batch batch = stored_batch_view(stored, self->op.input_column_count);

        status = stop_check(self->op.context->stop, err);
        if (status == ST_OK)
            status = self->format->writer_add(self->writer, &batch, err);
        self->row_count += batch.selected_count;
    }
    batch_store_fini(store);
    return status;
}

static void free_waiting(Write *self, WaitingSplit *waiting)
{
    batch_store_fini(&waiting->store);
    mem_pool_release(self->op.context->pool, waiting, sizeof *waiting);
}

static void write_close(Operator *op)
{
    Write *self = (Write *)op;

    while (self->waiting != NULL) {
        WaitingSplit *waiting = self->waiting;

        self->waiting = waiting->next;
        free_waiting(self, waiting);
    }
    self->format->writer_abort(self->writer);
    self->writer = NULL;
}

/* --- a thread's part --- */

static Status write_local_open(Operator *op, uint32_t thread, Error *err, void **local_out)
{
    (void)thread;
    TRY(mem_pool_alloc(op->context->pool, sizeof(WriteLocal), consumer_name, err, local_out));
    *(WriteLocal *)*local_out = (WriteLocal){0};
    return ST_OK;
}

static void drop_store(Write *self, WriteLocal *local)
{
    pthread_mutex_lock(&self->lock);
    self->waiting_bytes -= local->store.used_bytes;
    pthread_mutex_unlock(&self->lock);
    batch_store_fini(&local->store);
    local->has_store = false;
}

static void write_local_close(Operator *op, void *local_memory)
{
    WriteLocal *local = local_memory;

    if (local == NULL)
        return;
    if (local->has_store)
        drop_store((Write *)op, local);
    mem_pool_release(op->context->pool, local, sizeof *local);
}

/* Whether the split is the head; waits for that while too much waits to be written. Called and
 * returns with the lock held. */
static Status wait_for_turn(Write *self, uint32_t split, Error *err, bool *is_head_out)
{
    uint64_t waiting_bytes_max =
        mem_pool_share(self->op.context->pool, WAITING_BYTES_MAX, WAITING_PARTS);

    while (self->head != split && self->waiting_bytes > waiting_bytes_max) {
        struct timespec until;

        TRY(stop_check(self->op.context->stop, err));
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WAIT_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_clockwait(&self->head_moved, &self->lock, CLOCK_MONOTONIC, &until);
    }
    *is_head_out = self->head == split;
    return ST_OK;
}

/* What the thread kept before its split became the head. */
static Status flush_store(Write *self, WriteLocal *local, Error *err)
{
    BatchStore store = local->store;

    if (!local->has_store)
        return ST_OK;
    pthread_mutex_lock(&self->lock);
    self->waiting_bytes -= store.used_bytes;
    pthread_mutex_unlock(&self->lock);
    local->has_store = false;
    return write_store(self, &store, err);
}

static Status keep_batch(Write *self, WriteLocal *local, const Batch *batch, Error *err)
{
    const ExecContext *context = self->op.context;
    uint64_t before;
    Status status;

    if (!local->has_store)
        batch_store_init(&local->store, self->op.input_column_count, self->op.input_columns,
                         BATCH_ROWS_MAX, context->pool, consumer_name);
    local->has_store = true;
    before = local->store.used_bytes;
    status = batch_store_add(&local->store, batch, 0, batch->selected_count, err);
    pthread_mutex_lock(&self->lock);
    self->waiting_bytes += local->store.used_bytes - before;
    operator_note_bytes(&self->op, self->waiting_bytes);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static Status write_consume(Operator *op, void *local_memory, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    Write *self = (Write *)op;
    WriteLocal *local = local_memory;
    bool is_head = false;
    Status status;

    (void)emitter;
    pthread_mutex_lock(&self->lock);
    status = wait_for_turn(self, batch->split, err, &is_head);
    pthread_mutex_unlock(&self->lock);
    if (status != ST_OK)
        return status;
    if (!is_head)
        return keep_batch(self, local, batch, err);
    TRY(flush_store(self, local, err));
    self->row_count += batch->selected_count;
    return self->format->writer_add(self->writer, batch, err);
}

/* The first of the waiting splits if it is the head; else the head is somebody's who will write
 * it. */
static WaitingSplit *take_head(Write *self)
{
    WaitingSplit *waiting = self->waiting;

    if (waiting == NULL || waiting->split != self->head)
        return NULL;
    self->waiting = waiting->next;
    self->waiting_bytes -= waiting->store.used_bytes;
    return waiting;
}

/* The head is written: on to the next, and through all that wait already. */
static Status move_head(Write *self, Error *err)
{
    Status status = ST_OK;
    WaitingSplit *waiting;

    do {
        pthread_mutex_lock(&self->lock);
        self->head++;
        waiting = take_head(self);
        pthread_cond_broadcast(&self->head_moved);
        pthread_mutex_unlock(&self->lock);
        if (waiting != NULL) {
            status = write_store(self, &waiting->store, err);
            free_waiting(self, waiting);
        }
    } while (waiting != NULL && status == ST_OK);
    return status;
}

static void insert_waiting(Write *self, WaitingSplit *added)
{
    WaitingSplit **link = &self->waiting;

    while (*link != NULL && (*link)->split < added->split)
        link = &(*link)->next;
    added->next = *link;
    *link = added;
}

static Status write_end_split(Operator *op, void *local_memory, uint32_t split, Emitter *emitter,
                              Error *err)
{
    Write *self = (Write *)op;
    WriteLocal *local = local_memory;
    WaitingSplit *added;
    void *memory;
    bool is_head;

    (void)emitter;
    TRY(mem_pool_alloc(op->context->pool, sizeof *added, consumer_name, err, &memory));
    added = memory;
    *added = (WaitingSplit){.split = split, .store = local->store};
    pthread_mutex_lock(&self->lock);
    is_head = self->head == split;
    if (!is_head) {
        if (!local->has_store)
            added->store = (BatchStore){0};
        local->has_store = false;
        insert_waiting(self, added);
    }
    pthread_mutex_unlock(&self->lock);
    if (!is_head)
        return ST_OK;
    mem_pool_release(op->context->pool, added, sizeof *added);
    TRY(flush_store(self, local, err));
    return move_head(self, err);
}

/* --- finish --- */

static Status write_finish_begin(Operator *op, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    (void)op;
    (void)err;
    *task_count_out = phase == 0 ? 1 : 0;
    return ST_OK;
}

/* Splits that nobody wanted any more leave gaps: what waits behind them is written now. */
static Status write_finish_task(Operator *op, uint32_t phase, uint32_t task, uint32_t thread,
                                Error *err)
{
    Write *self = (Write *)op;
    TableWriter *writer;

    (void)phase;
    (void)task;
    (void)thread;
    while (self->waiting != NULL) {
        WaitingSplit *waiting = self->waiting;
        Status status;

        self->waiting = waiting->next;
        status = write_store(self, &waiting->store, err);
        free_waiting(self, waiting);
        if (status != ST_OK)
            return status;
    }
    TRY(stop_check(op->context->stop, err));
    writer = self->writer;
    self->writer = NULL;
    return self->format->writer_finish(writer, !self->node->is_parts, err);
}

/* --- source: one row --- */

typedef struct WriteCursor {
    int64_t count;
    Column column;
    bool is_done;
} WriteCursor;

static uint32_t write_split_count(Operator *op)
{
    (void)op;
    return 1;
}

static Status write_source_open(Operator *op, uint32_t thread, Error *err, void **cursor_out)
{
    (void)thread;
    return mem_pool_alloc(op->context->pool, sizeof(WriteCursor), consumer_name, err, cursor_out);
}

static void write_source_close(Operator *op, void *cursor)
{
    mem_pool_release(op->context->pool, cursor, sizeof(WriteCursor));
}

static Status write_source_split(Operator *op, void *cursor_memory, uint32_t split, Error *err)
{
    WriteCursor *cursor = cursor_memory;

    (void)split;
    (void)err;
    *cursor = (WriteCursor){.count = (int64_t)((Write *)op)->row_count};
    cursor->column =
        (Column){.type = op->node->columns[0].type, .form = COLUMN_FLAT, .values = &cursor->count};
    return ST_OK;
}

static Status write_source_next(Operator *op, void *cursor_memory, Error *err, Batch *batch_out)
{
    WriteCursor *cursor = cursor_memory;

    (void)op;
    (void)err;
    *batch_out = (Batch){.column_count = 1, .columns = &cursor->column};
    batch_out->row_count = cursor->is_done ? 0 : 1;
    batch_out->selected_count = batch_out->row_count;
    cursor->is_done = true;
    return ST_OK;
}

static const OperatorClass write_class = {.name = "write",
                                          .open = write_open,
                                          .local_open = write_local_open,
                                          .consume = write_consume,
                                          .end_split = write_end_split,
                                          .local_close = write_local_close,
                                          .close = write_close,
                                          .finish_begin = write_finish_begin,
                                          .finish_task = write_finish_task,
                                          .split_count = write_split_count,
                                          .source_open = write_source_open,
                                          .source_split = write_source_split,
                                          .source_next = write_source_next,
                                          .source_close = write_source_close};

static void destroy_lock(void *object)
{
    Write *self = object;

    pthread_cond_destroy(&self->head_moved);
    pthread_mutex_destroy(&self->lock);
}

/* Text files have no ending of their own, to be read by. */
static const char *part_ending(const Format *format)
{
    return format->endings[0] == NULL ? ".txt" : format->endings[0];
}

Status op_write_new(const ExecContext *context, Arena *arena, const PlanWrite *node, Error *err,
                    Operator **op_out)
{
    Write *self = ARENA_NEW(arena, Write);
    const Plan *input = node->head.inputs[0];

    *op_out = &self->op;
    self->op = (Operator){.class = &write_class,
                          .context = context,
                          .node = &node->head,
                          .input_column_count = input->column_count,
                          .input_columns = input->columns};
    self->node = node;
    self->format = format_find(node->format, node->path);
    self->path = node->path;
    if (node->is_parts && self->format != NULL)
        self->path = arena_printf(arena, "%s/part-%05u%s", node->path,
                                  context->partition - node->head.partition_shift,
                                  part_ending(self->format));
    if (self->format == NULL || self->format->writer_open == NULL)
        return error_set(err, ST_NOT_SUPPORTED, "cannot write \"%s\": unknown format%s%s",
                         node->path, node->format == NULL ? "" : " ",
                         node->format == NULL ? "" : node->format);
    self->columns = ARENA_ARRAY(arena, TableColumn, input->column_count);
    for (uint32_t c = 0; c < input->column_count; c++)
        self->columns[c] = (TableColumn){.name = c < node->names.count ? node->names.items[c]
                                                                       : input->columns[c].name,
                                         .type = input->columns[c].type,
                                         .is_nullable = input->columns[c].is_nullable};
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->head_moved, NULL);
    arena_on_free(arena, destroy_lock, self);
    return ST_OK;
}
