/* split_store.c -- see split_store.h */
#include "exec/split_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"

void split_store_init(SplitStore *store, uint32_t column_count, const PlanColumn *columns,
                      uint32_t batch_rows, MemPool *pool, const char *consumer)
{
    *store = (SplitStore){.pool = pool,
                          .consumer = consumer,
                          .column_count = column_count,
                          .columns = columns,
                          .batch_rows = batch_rows};
}

void split_store_fini(SplitStore *store)
{
    if (store->pool == NULL)
        return;
    for (uint32_t i = 0; i < store->split_count; i++)
        batch_store_fini(&store->splits[i].store);
    mem_pool_release(store->pool, store->splits, store->split_capacity * sizeof(SplitRows));
    mem_pool_release(store->pool, store->batches, store->batch_count * sizeof(StoredBatch *));
    *store = (SplitStore){.pool = NULL};
}

static Status reserve(SplitStore *store, uint32_t more, Error *err)
{
    uint32_t capacity = store->split_capacity == 0 ? 8 : store->split_capacity;
    void *memory = store->splits;

    if (store->split_count + more <= store->split_capacity)
        return ST_OK;
    while (capacity < store->split_count + more)
        capacity *= 2;
    TRY(mem_pool_realloc(store->pool, &memory, store->split_capacity * sizeof(SplitRows),
                         capacity * sizeof(SplitRows), store->consumer, err));
    store->splits = memory;
    store->split_capacity = capacity;
    return ST_OK;
}

Status split_store_add(SplitStore *store, const Batch *batch, Error *err)
{
    SplitRows *last = store->split_count == 0 ? NULL : &store->splits[store->split_count - 1];
    size_t used_bytes;
    Status status;

    if (last == NULL || last->split != batch->split) {
        TRY(reserve(store, 1, err));
        last = &store->splits[store->split_count++];
        last->split = batch->split;
        batch_store_init(&last->store, store->column_count, store->columns, store->batch_rows,
                         store->pool, store->consumer);
    }
    used_bytes = last->store.used_bytes;
    status = batch_store_add(&last->store, batch, 0, batch->selected_count, err);
    store->used_bytes += last->store.used_bytes - used_bytes;
    store->row_count += batch->selected_count;
    return status;
}

Status split_store_combine(SplitStore *store, SplitStore *more, Error *err)
{
    TRY(reserve(store, more->split_count, err));
    if (more->split_count > 0)
        memcpy(store->splits + store->split_count, more->splits,
               more->split_count * sizeof(SplitRows));
    store->split_count += more->split_count;
    store->row_count += more->row_count;
    store->used_bytes += more->used_bytes;
    more->split_count = 0;
    more->row_count = more->used_bytes = 0;
    return ST_OK;
}

static int compare_splits(const void *a, const void *b)
{
    const SplitRows *x = a, *y = b;

    return x->split < y->split ? -1 : x->split > y->split;
}

Status split_store_finish(SplitStore *store, Error *err)
{
    uint32_t count = 0;
    void *memory;

    if (store->split_count > 0)
        qsort(store->splits, store->split_count, sizeof(SplitRows), compare_splits);
    for (uint32_t i = 0; i < store->split_count; i++)
        for (StoredBatch *b = store->splits[i].store.first; b != NULL; b = b->next)
            count++;
    TRY(mem_pool_alloc(store->pool, count * sizeof(StoredBatch *), store->consumer, err, &memory));
    store->batches = memory;
    store->batch_count = 0;
    for (uint32_t i = 0; i < store->split_count; i++)
        for (StoredBatch *b = store->splits[i].store.first; b != NULL; b = b->next)
            store->batches[store->batch_count++] = b;
    ASSERT(store->batch_count == count);
    return ST_OK;
}
