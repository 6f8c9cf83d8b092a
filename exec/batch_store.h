/*
 * batch_store.h -- batches kept: columns copied into a pool, a few thousand rows at a time
 *
 *     batch_store_add, ... -> first, next, ... -> batch_store_fini
 *
 * Small batches are gathered into larger ones. What is kept has no selection, and owns its texts.
 *
 * Thread: a store is one thread's while it grows; afterwards any number may read it.
 */
#ifndef VONK_EXEC_BATCH_STORE_H
#define VONK_EXEC_BATCH_STORE_H

#include "core/plan/plan.h"
#include "exec/row_layout.h"

typedef struct StoredBatch {
    struct StoredBatch *next;
    size_t memory_bytes;
    uint32_t row_capacity;
    uint32_t row_count;
    TextStore texts;
    Column *columns;
    uint64_t *
        *validity; /* a column's bits, also while columns[i].validity is NULL for want of nulls */
} StoredBatch;

typedef struct BatchStore {
    MemPool *pool;
    const char *consumer;
    uint32_t column_count;
    const PlanColumn *columns; /* borrowed */
    uint32_t batch_rows;
    StoredBatch *first, *last;
    uint64_t row_count;
    size_t used_bytes;
} BatchStore;

void batch_store_init(BatchStore *store, uint32_t column_count, const PlanColumn *columns,
                      uint32_t batch_rows, MemPool *pool, const char *consumer);
void batch_store_fini(BatchStore *store); /* accepts a zeroed one */

/* Copies the selected rows [from, from + count) of the batch. */
MUST_CHECK Status batch_store_add(BatchStore *store, const Batch *batch, uint32_t from,
                                  uint32_t count, Error *err);

/* Takes the first batch out of the store; free it with stored_batch_free. NULL when there is none.
 */
StoredBatch *batch_store_take_first(BatchStore *store);
void stored_batch_free(StoredBatch *stored, MemPool *pool); /* accepts NULL */

/* Takes the batch out of the pool: it outlives it, and is freed by stored_batch_free(stored, NULL).
 */
void stored_batch_disown(StoredBatch *stored, MemPool *pool);

/* Bytes held by one stored batch. */
size_t stored_batch_bytes(const StoredBatch *stored);

/* Split and sequence are 0. */
Batch stored_batch_view(const StoredBatch *stored, uint32_t column_count);

#endif
