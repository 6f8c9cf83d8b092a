/*
 * row_spill.h -- rows of columns that memory has no room for: runs of them, read back in order
 *
 *     RowSpill: row_spill_init -> row_spill_fill (columns into rows) -> spill_write
 *     RowMerge: row_merge_init (runs, each in order) -> row_merge_next, ...  one order of all
 *     RowSpill: row_spill_take (a row that was read), ... -> row_spill_columns
 *
 * What is spilled are rows as row_layout.h has them, with their texts. Memory is asked for when
 * something is made, and for long texts as they come back.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_ROW_SPILL_H
#define VONK_EXEC_ROW_SPILL_H

#include "core/plan/plan.h"
#include "exec/record_spill.h"
#include "exec/row_layout.h"

/* Rows of one kind on their way out or in: a batch of them. */
typedef struct RowSpill {
    RowLayout layout;
    MemPool *pool;
    const char *consumer;
    uint32_t capacity;
    void *memory; /* of rows */
    void **rows;
    uint32_t count;  /* taken           */
    TextStore texts; /* of rows taken   */
    RowReader reader;
} RowSpill;

/* space->kinds[kind] becomes the rows'. Arrays live in the arena. */
MUST_CHECK Status row_spill_init(RowSpill *spill, SpillSpace *space, uint32_t kind, Arena *arena,
                                 uint32_t column_count, const PlanColumn *columns,
                                 uint32_t capacity, Error *err);
void row_spill_fini(RowSpill *spill); /* accepts a zeroed one */

/* spill->rows[i] is row selection[i] (i when NULL) of the columns; texts stay borrowed. count: no
 * more than the capacity. */
MUST_CHECK Status row_spill_fill(RowSpill *spill, const Column *columns, const uint32_t *selection,
                                 uint32_t count, Error *err);

/* Copies a row, to be a row of the next batch; spill->count is below the capacity. */
MUST_CHECK Status row_spill_take(RowSpill *spill, const char *row, Error *err);

/* What was taken, as columns in spill->reader.columns, until something is taken or filled again.
 * Returns how many rows: they are forgotten. */
uint32_t row_spill_columns(RowSpill *spill);

/* The shape of rows of a layout, in the arena. */
RecordShape row_shape_make(Arena *arena, const RowLayout *layout);

/* --- merging --- */

/* Negative: a comes before b. Of equal records those of the earlier run come first. */
typedef int (*RunCompareFn)(const void *context, const SpilledRecord *a, const SpilledRecord *b);

int spilled_compare_first(const void *context, const SpilledRecord *a, const SpilledRecord *b);

/* As many readers as are worth the memory of their buffers. */
enum { MERGE_RUNS_MAX = 64 };

typedef struct RowMerge {
    RunCompareFn compare;
    const void *context;
    uint32_t run_count;
    SpillReader readers[MERGE_RUNS_MAX];
    SpilledRecord records[MERGE_RUNS_MAX]; /* the next of each */
    uint32_t heap_count;
    uint32_t heap[MERGE_RUNS_MAX]; /* runs with a record; the next one's first */
    bool is_begun;
} RowMerge;

MUST_CHECK Status row_merge_init(RowMerge *merge, const SpillSpace *space, uint32_t run_count,
                                 const SpillRun *runs, RunCompareFn compare, const void *context,
                                 Error *err);
void row_merge_fini(RowMerge *merge); /* accepts a zeroed one */

/* *record_out lives until the next call; NULL at the end. */
MUST_CHECK Status row_merge_next(RowMerge *merge, Error *err, const SpilledRecord **record_out);

/* All runs as one. */
MUST_CHECK Status row_merge_into(RowMerge *merge, SpillSpace *space, const atomic_bool *stop,
                                 Error *err, SpillRun *run_out);

/* --- first in, first out --- */

/* Rows that wait for somebody who takes them later. Zeroed: empty, and holds nothing. */
typedef struct RowFifo {
    Arena *arena; /* NULL: nothing was put yet */
    SpillSpace space;
    RowSpill rows;
    SpillWriter writer;
    SpillReader reader;
    uint64_t row_count; /* that wait */
} RowFifo;

/* The batch has no selection, and no more rows than batch_rows. */
MUST_CHECK Status row_fifo_put(RowFifo *fifo, const Batch *batch, const PlanColumn *columns,
                               uint32_t batch_rows, const char *folder, MemPool *pool,
                               const char *consumer, Error *err);

/* The next rows, until the next call; there are some. */
MUST_CHECK Status row_fifo_take(RowFifo *fifo, Error *err, Batch *batch_out);

void row_fifo_fini(RowFifo *fifo);

#endif
