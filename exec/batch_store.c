/* batch_store.c -- see batch_store.h */
#include "exec/batch_store.h"

#include <string.h>

#include "core/base/invariant.h"
#include "exec/gather.h"

enum { FIRST_ROWS = 64 };

void batch_store_init(BatchStore *store, uint32_t column_count, const PlanColumn *columns,
                      uint32_t batch_rows, MemPool *pool, const char *consumer)
{
    *store = (BatchStore){.pool = pool,
                          .consumer = consumer,
                          .column_count = column_count,
                          .columns = columns,
                          .batch_rows = batch_rows};
}

size_t stored_batch_bytes(const StoredBatch *stored)
{
    return stored->memory_bytes + stored->texts.used_bytes;
}

void stored_batch_free(StoredBatch *stored, MemPool *pool)
{
    if (stored == NULL)
        return;
    text_store_fini(&stored->texts);
    mem_pool_release(pool, stored, stored->memory_bytes);
}

void stored_batch_disown(StoredBatch *stored, MemPool *pool)
{
    text_store_disown(&stored->texts);
    mem_pool_disown(pool, stored->memory_bytes);
}

void batch_store_fini(BatchStore *store)
{
    for (StoredBatch *stored = store->first, *next; stored != NULL; stored = next) {
        next = stored->next;
        stored_batch_free(stored, store->pool);
    }
    store->first = store->last = NULL;
}

static size_t round_up(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

/* One block: the struct, its arrays, then each column's values and validity. */
static Status add_stored(BatchStore *store, uint32_t capacity, Error *err)
{
    size_t validity_bytes = round_up(bitmap_words(capacity) * sizeof(uint64_t));
    size_t head_bytes =
        round_up(sizeof(StoredBatch) + store->column_count * (sizeof(Column) + sizeof(uint64_t *)));
    size_t bytes = head_bytes;
    StoredBatch *stored;
    void *memory;
    char *next;

    for (uint32_t i = 0; i < store->column_count; i++)
        bytes +=
            round_up(capacity * phys_bytes(type_phys(store->columns[i].type))) + validity_bytes;
    TRY(mem_pool_alloc(store->pool, bytes, store->consumer, err, &memory));
    stored = memory;
    *stored = (StoredBatch){.memory_bytes = bytes, .row_capacity = capacity};
    text_store_init(&stored->texts, store->pool, store->consumer);
    stored->columns = (Column *)(stored + 1);
    stored->validity = (uint64_t **)(stored->columns + store->column_count);
    next = (char *)memory + head_bytes;
    for (uint32_t i = 0; i < store->column_count; i++) {
        Type type = store->columns[i].type;

        stored->columns[i] = (Column){.type = type, .form = COLUMN_FLAT, .values = next};
        next += round_up(capacity * phys_bytes(type_phys(type)));
        stored->validity[i] = (uint64_t *)(void *)next;
        memset(next, 0, validity_bytes);
        next += validity_bytes;
    }
    if (store->last == NULL)
        store->first = stored;
    else
        store->last->next = stored;
    store->last = stored;
    store->used_bytes += bytes;
    return ST_OK;
}

static Status own_texts(StoredBatch *stored, Str *texts, const uint64_t *validity, size_t start,
                        uint32_t count, Error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!bitmap_get(validity, start + i))
            texts[i] = str_make("", 0);
        else if (texts[i].length > STR_INLINE_BYTES)
            TRY(text_store_own(&stored->texts, &texts[i], err));
    }
    return ST_OK;
}

/* Physical rows rows[0..count), or [first, first + count) when rows is NULL. */
static Status add_column(BatchStore *store, StoredBatch *stored, uint32_t number,
                         const Column *column, const uint32_t *rows, uint32_t count, Error *err)
{
    Phys phys = type_phys(store->columns[number].type);
    char *values = (char *)(uintptr_t)stored->columns[number].values;
    uint64_t *validity = stored->validity[number];

    ASSERT(type_phys(column->type) == phys);
    values += stored->row_count * phys_bytes(phys);
    gather_values(column, rows, count, values);
    if (gather_validity(column, rows, count, validity, stored->row_count))
        stored->columns[number].validity = validity;
    if (phys == PHYS_STR)
        return own_texts(stored, (Str *)(void *)values, validity, stored->row_count, count, err);
    return ST_OK;
}

static Status add_rows(BatchStore *store, const Batch *batch, uint32_t from, uint32_t count,
                       Error *err)
{
    StoredBatch *stored = store->last;
    size_t text_bytes = stored->texts.used_bytes;
    uint32_t identity[BATCH_ROWS_MAX];
    const uint32_t *rows = NULL;

    if (batch->selection != NULL) {
        rows = batch->selection + from;
    } else if (from > 0) {
        for (uint32_t i = 0; i < count; i++)
            identity[i] = from + i;
        rows = identity;
    }
    for (uint32_t i = 0; i < store->column_count; i++)
        TRY(add_column(store, stored, i, &batch->columns[i], rows, count, err));
    stored->row_count += count;
    store->row_count += count;
    store->used_bytes += stored->texts.used_bytes - text_bytes;
    return ST_OK;
}

Status batch_store_add(BatchStore *store, const Batch *batch, uint32_t from, uint32_t count,
                       Error *err)
{
    ASSERT(from + count <= batch->selected_count);
    while (count > 0) {
        StoredBatch *last = store->last;
        uint32_t room = last == NULL ? 0 : last->row_capacity - last->row_count;
        uint32_t now = count < room ? count : room;

        if (room == 0) {
            uint32_t capacity = last == NULL ? FIRST_ROWS : last->row_capacity * 4;

            if (capacity < count)
                capacity = count;
            TRY(add_stored(store, capacity < store->batch_rows ? capacity : store->batch_rows,
                           err));
            continue;
        }
        TRY(add_rows(store, batch, from, now, err));
        from += now;
        count -= now;
    }
    return ST_OK;
}

StoredBatch *batch_store_take_first(BatchStore *store)
{
    StoredBatch *stored = store->first;

    if (stored == NULL)
        return NULL;
    store->first = stored->next;
    if (store->first == NULL)
        store->last = NULL;
    store->row_count -= stored->row_count;
    store->used_bytes -= stored_batch_bytes(stored);
    stored->next = NULL;
    return stored;
}

Batch stored_batch_view(const StoredBatch *stored, uint32_t column_count)
{
    return (Batch){.column_count = column_count,
                   .row_count = stored->row_count,
                   .selected_count = stored->row_count,
                   .columns = stored->columns};
}
