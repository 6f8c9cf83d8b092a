/*
 * op_top_n.c -- ORDER BY ... LIMIT in memory for a few rows
 *
 * A thread keeps up to twice as many rows as are wanted. When it has that many, it sorts them,
 * throws the worse half away, and from then on takes only rows before the worst one kept. Rows of
 * a thread come in the order of their places, so a row whose key equals the worst one's is never
 * wanted.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/operator.h"
#include "exec/row_source.h"
#include "exec/sorter.h"
#include "exec/sorter_radix.h"

enum { KEPT_ROWS_MIN = 4096, ENTRIES_FIRST = 1024, SPLIT_ROWS = 32 * 1024 };

static const char consumer_name[] = "top-N";

typedef struct TopN {
    Operator op;
    const PlanTopN *node;
    SortSpec spec; /* a row's head is its place */
    uint64_t skip_rows;
    uint64_t wanted_rows; /* skipped and fetched */
    struct TopNLocal *locals;
    uint64_t *entries;
    uint64_t entry_count; /* of all locals */
    void **rows;
    uint64_t row_count; /* fetched */
} TopN;

typedef struct TopNLocal {
    struct TopNLocal *next;
    bool is_combined;
    RowStore rows;
    TextStore texts;
    uint64_t *entries; /* key words, then the row's address */
    uint64_t entry_count, entry_capacity;
    bool has_cutoff;
    uint64_t cutoff[SORT_KEY_WORDS_MAX];
    uint64_t words[BATCH_ROWS_MAX * SORT_KEY_WORDS_MAX];
    bool is_open[BATCH_ROWS_MAX];
    uint32_t kept[BATCH_ROWS_MAX];      /* which of the selected rows */
    uint32_t kept_rows[BATCH_ROWS_MAX]; /* as physical rows      */
    void *new_rows[BATCH_ROWS_MAX];
} TopNLocal;

static size_t entry_bytes(const TopN *self)
{
    return (self->spec.shape.key.words + 1) * sizeof(uint64_t);
}

/* --- life of a thread's part --- */

static void local_free(TopN *self, TopNLocal *local)
{
    MemPool *pool = self->op.context->pool;

    row_store_fini(&local->rows);
    text_store_fini(&local->texts);
    mem_pool_release(pool, local->entries, local->entry_capacity * entry_bytes(self));
    mem_pool_release(pool, local, sizeof *local);
}

static Status top_n_local_open(Operator *op, uint32_t thread, Error *err, void **local_out)
{
    TopN *self = (TopN *)op;
    void *memory;
    TopNLocal *local;

    (void)thread;
    *local_out = NULL;
    TRY(mem_pool_alloc(op->context->pool, sizeof(TopNLocal), consumer_name, err, &memory));
    local = memory;
    memset(local, 0, offsetof(TopNLocal, words));
    row_store_init(&local->rows, self->spec.shape.rows.row_bytes, op->context->pool, consumer_name);
    text_store_init(&local->texts, op->context->pool, consumer_name);
    *local_out = local;
    return ST_OK;
}

static void top_n_local_close(Operator *op, void *local_memory)
{
    TopNLocal *local = local_memory;

    if (local != NULL && !local->is_combined)
        local_free((TopN *)op, local);
}

/* --- keeping the best --- */

/* Copies the rows still wanted to a store of their own, and lets go of the others. */
static Status compact(TopN *self, TopNLocal *local, Error *err)
{
    const RowLayout *layout = &self->spec.shape.rows;
    uint32_t words = self->spec.shape.key.words;
    RowStore old_rows = local->rows;
    TextStore old_texts = local->texts;
    Status status = ST_OK;

    row_store_init(&local->rows, layout->row_bytes, self->op.context->pool, consumer_name);
    text_store_init(&local->texts, self->op.context->pool, consumer_name);
    for (uint64_t i = 0; i < local->entry_count && status == ST_OK; i++) {
        uint64_t *address = &local->entries[i * (words + 1) + words];
        void *row;

        status = row_store_add_one(&local->rows, err, &row);
        if (status != ST_OK)
            break;
        memcpy(row, sorter_entry_row(*address), layout->row_bytes);
        for (uint32_t f = 0; f < layout->field_count && status == ST_OK; f++)
            if (layout->fields[f].phys == PHYS_STR)
                status = text_store_own(
                    &local->texts, (Str *)(void *)((char *)row + layout->fields[f].offset), err);
        *address = (uint64_t)(uintptr_t)row | (*address & SORT_ENTRY_OPEN);
    }
    row_store_fini(&old_rows);
    text_store_fini(&old_texts);
    return status;
}

static Status cut_off(TopN *self, TopNLocal *local, Error *err)
{
    size_t bytes = local->entry_count * entry_bytes(self);
    uint32_t words = self->spec.shape.key.words;
    void *temp;
    Status status;

    TRY(mem_pool_alloc(self->op.context->pool, bytes, consumer_name, err, &temp));
    status = sorter_sort_entries(&self->spec, words, words + 1, local->entries, temp,
                                 local->entry_count, err);
    mem_pool_release(self->op.context->pool, temp, bytes);
    if (status != ST_OK)
        return status;
    local->entry_count = self->wanted_rows;
    local->has_cutoff = true;
    memcpy(local->cutoff, local->entries + (local->entry_count - 1) * (words + 1),
           words * sizeof(uint64_t));
    return compact(self, local, err);
}

/* Room for count more entries. */
static Status reserve_entries(TopN *self, TopNLocal *local, uint32_t count, Error *err)
{
    uint64_t capacity = local->entry_capacity == 0 ? ENTRIES_FIRST : local->entry_capacity;
    void *entries = local->entries;

    while (capacity < local->entry_count + count)
        capacity *= 2;
    if (capacity == local->entry_capacity)
        return ST_OK;
    TRY(mem_pool_realloc(self->op.context->pool, &entries,
                         local->entry_capacity * entry_bytes(self), capacity * entry_bytes(self),
                         consumer_name, err));
    local->entries = entries;
    local->entry_capacity = capacity;
    return ST_OK;
}

/* The selected rows that may be among the wanted ones. */
static uint32_t choose_rows(const TopN *self, TopNLocal *local, const Batch *batch)
{
    uint32_t words = self->spec.shape.key.words, count = 0;

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        int order =
            !local->has_cutoff
                ? -1
                : sort_key_compare_words(words, local->words + (size_t)i * words, local->cutoff);

        local->kept[count] = i;
        local->kept_rows[count] = batch_row(batch, i);
        count += order < 0 || (order == 0 && local->is_open[i]);
    }
    return count;
}

static Status top_n_consume(Operator *op, void *local_memory, const Batch *batch, Emitter *emitter,
                            Error *err)
{
    TopN *self = (TopN *)op;
    TopNLocal *local = local_memory;
    uint32_t words = self->spec.shape.key.words, count;
    uint64_t place, kept_max = 2 * self->wanted_rows;

    (void)emitter;
    if (self->wanted_rows == 0)
        return ST_OK;
    TRY(place_first(batch, err, &place));
    sort_key_encode(&self->spec.shape.key, batch, local->words, local->is_open);
    count = choose_rows(self, local, batch);
    if (count == 0)
        return ST_OK;
    TRY(reserve_entries(self, local, count, err));
    TRY(row_store_add(&local->rows, count, err, local->new_rows));
    TRY(row_write(&self->spec.shape.rows, &local->texts, batch->columns, local->kept_rows, count,
                  local->new_rows, err));
    for (uint32_t k = 0; k < count; k++) {
        uint64_t *entry = local->entries + local->entry_count++ * (words + 1);
        uint32_t i = local->kept[k];

        *(uint64_t *)local->new_rows[k] = place + local->kept_rows[k];
        memcpy(entry, local->words + (size_t)i * words, words * sizeof *entry);
        entry[words] = (uint64_t)(uintptr_t)local->new_rows[k] | local->is_open[i];
    }
    if (kept_max < self->wanted_rows + KEPT_ROWS_MIN)
        kept_max = self->wanted_rows + KEPT_ROWS_MIN;
    return local->entry_count >= kept_max ? cut_off(self, local, err) : ST_OK;
}

static Status top_n_combine(Operator *op, void *local_memory, Error *err)
{
    TopN *self = (TopN *)op;
    TopNLocal *local = local_memory;

    (void)err;
    local->is_combined = true;
    local->next = self->locals;
    self->locals = local;
    self->entry_count += local->entry_count;
    return ST_OK;
}

/* --- finish: one task --- */

/* All entries in the order of their rows' places: a stable sort by key keeps it for ties. */
static void collect_entries(TopN *self, uint64_t *entries, uint64_t *temp)
{
    uint32_t stride = self->spec.shape.key.words + 1;
    uint64_t count = 0;

    /* {place, address of the entry} sorted in temp, by way of entries */
    for (const TopNLocal *local = self->locals; local != NULL; local = local->next) {
        for (uint64_t i = 0; i < local->entry_count; i++) {
            const uint64_t *entry = local->entries + i * stride;

            temp[2 * count] = *(const uint64_t *)sorter_entry_row(entry[stride - 1]);
            temp[2 * count++ + 1] = (uint64_t)(uintptr_t)entry;
        }
    }
    sorter_radix(1, 2, temp, entries, count);
    for (uint64_t i = 0; i < count; i++)
        memcpy(entries + i * stride, (const void *)(uintptr_t)temp[2 * i + 1],
               stride * sizeof *entries);
}

static Status top_n_finish_begin(Operator *op, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    TopN *self = (TopN *)op;
    uint64_t bytes = self->entry_count * entry_bytes(self);

    (void)err;
    for (const TopNLocal *local = self->locals; local != NULL; local = local->next)
        bytes += local->rows.used_bytes + local->texts.used_bytes;
    operator_note_bytes(op, bytes);
    *task_count_out = phase == 0 && self->entry_count > self->skip_rows ? 1 : 0;
    return ST_OK;
}

static Status sort_all(TopN *self, uint64_t *entries, Error *err)
{
    uint64_t *temp = entries + self->entry_count * (self->spec.shape.key.words + 1);

    collect_entries(self, entries, temp);
    return sorter_sort_entries(&self->spec, self->spec.shape.key.words, self->spec.shape.stride,
                               entries, temp, self->entry_count, err);
}

static Status top_n_finish_task(Operator *op, uint32_t phase, uint32_t task, uint32_t thread,
                                Error *err)
{
    TopN *self = (TopN *)op;
    MemPool *pool = op->context->pool;
    uint32_t stride = self->spec.shape.key.words + 1;
    size_t bytes = 2 * self->entry_count * entry_bytes(self);
    uint64_t end = self->entry_count < self->wanted_rows ? self->entry_count : self->wanted_rows;
    void *memory, *rows = NULL;
    Status status;

    (void)phase;
    (void)task;
    (void)thread;
    TRY(mem_pool_alloc(pool, bytes, consumer_name, err, &memory));
    status = sort_all(self, memory, err);
    if (status == ST_OK)
        status = mem_pool_alloc(pool, (end - self->skip_rows) * sizeof(void *), consumer_name, err,
                                &rows);
    if (status == ST_OK) {
        const uint64_t *entries = memory;

        self->rows = rows;
        self->row_count = end - self->skip_rows;
        for (uint64_t i = 0; i < self->row_count; i++)
            self->rows[i] = sorter_entry_row(entries[(self->skip_rows + i) * stride + stride - 1]);
    }
    mem_pool_release(pool, memory, bytes);
    return status;
}

static void top_n_close(Operator *op)
{
    TopN *self = (TopN *)op;
    TopNLocal *local = self->locals, *next;

    for (; local != NULL; local = next) {
        next = local->next;
        local_free(self, local);
    }
    self->locals = NULL;
    mem_pool_release(op->context->pool, self->rows, self->row_count * sizeof(void *));
    self->rows = NULL;
}

/* --- source --- */

static uint32_t top_n_split_count(Operator *op)
{
    return (uint32_t)((((TopN *)op)->row_count + SPLIT_ROWS - 1) / SPLIT_ROWS);
}

static Status top_n_source_open(Operator *op, uint32_t thread, Error *err, void **cursor_out)
{
    (void)thread;
    return row_source_open(op->context, &((TopN *)op)->spec.shape.rows, consumer_name, err,
                           cursor_out);
}

static Status top_n_source_split(Operator *op, void *cursor, uint32_t split, Error *err)
{
    const TopN *self = (TopN *)op;
    uint64_t start = (uint64_t)split * SPLIT_ROWS, count = self->row_count - start;

    (void)err;
    row_source_split(cursor, split, self->rows + start, count < SPLIT_ROWS ? count : SPLIT_ROWS);
    return ST_OK;
}

static Status top_n_source_next(Operator *op, void *cursor, Error *err, Batch *batch_out)
{
    (void)op;
    (void)err;
    row_source_next(cursor, batch_out);
    return ST_OK;
}

static void top_n_source_close(Operator *op, void *cursor)
{
    (void)op;
    row_source_close(cursor);
}

static const OperatorClass top_n_class = {.name = "top-N",
                                          .local_open = top_n_local_open,
                                          .consume = top_n_consume,
                                          .local_close = top_n_local_close,
                                          .close = top_n_close,
                                          .combine = top_n_combine,
                                          .finish_begin = top_n_finish_begin,
                                          .finish_task = top_n_finish_task,
                                          .split_count = top_n_split_count,
                                          .source_open = top_n_source_open,
                                          .source_split = top_n_source_split,
                                          .source_next = top_n_source_next,
                                          .source_close = top_n_source_close};

static uint64_t rows_or_none(int64_t rows)
{
    return rows < 0 ? 0 : (uint64_t)rows;
}

Status op_top_n_new(const ExecContext *context, Arena *arena, const PlanTopN *node, Error *err,
                    Operator **op_out)
{
    TopN *self = ARENA_NEW(arena, TopN);
    const Plan *input = node->head.inputs[0];

    (void)err;
    self->op = (Operator){.class = &top_n_class,
                          .context = context,
                          .node = &node->head,
                          .input_column_count = input->column_count,
                          .input_columns = input->columns};
    self->node = node;
    self->skip_rows = rows_or_none(node->skip_rows);
    self->wanted_rows = self->skip_rows + rows_or_none(node->fetch_rows);
    if (self->wanted_rows > INT64_MAX / 4)
        self->wanted_rows = INT64_MAX / 4; /* none are ever cut off */
    self->spec = sort_spec_make(arena, input, &node->keys, sizeof(uint64_t), false);
    self->spec.pool = context->pool;
    self->spec.consumer = consumer_name;
    self->spec.stop = context->stop;
    self->spec.threads = context->threads;
    *op_out = &self->op;
    return ST_OK;
}
