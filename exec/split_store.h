/*
 * split_store.h -- rows kept by split: what shared plans and inner LIMITs collect
 *
 *     split_store_add, ... (a store a thread) -> split_store_combine -> split_store_finish
 *         -> batches in order
 *
 * Thread: a store is one thread's while it grows; combine is serialised by the caller; after finish
 * any number may read.
 */
#ifndef VONK_EXEC_SPLIT_STORE_H
#define VONK_EXEC_SPLIT_STORE_H

#include "exec/batch_store.h"

typedef struct SplitRows {
    uint32_t split;
    BatchStore store;
} SplitRows;

/* Rows of some splits; also the whole. */
typedef struct SplitStore {
    MemPool *pool;
    const char *consumer;
    uint32_t column_count;
    const PlanColumn *columns; /* borrowed */
    uint32_t batch_rows;
    uint32_t split_count, split_capacity;
    SplitRows *splits;
    uint64_t row_count;
    size_t used_bytes;
    uint32_t batch_count; /* after finish */
    StoredBatch **batches;
} SplitStore;

void split_store_init(SplitStore *store, uint32_t column_count, const PlanColumn *columns,
                      uint32_t batch_rows, MemPool *pool, const char *consumer);
void split_store_fini(SplitStore *store); /* accepts a zeroed one */

/* Adds to the batch's split; batches of one split come one after the other. */
MUST_CHECK Status split_store_add(SplitStore *store, const Batch *batch, Error *err);

/* Takes more's splits. */
MUST_CHECK Status split_store_combine(SplitStore *store, SplitStore *more, Error *err);

/* Puts all batches in order. */
MUST_CHECK Status split_store_finish(SplitStore *store, Error *err);

#endif
