/*
 * agg_spill.h -- groups of an aggregate that memory has no room for
 *
 *     agg_spill_open -> agg_spill_is_due, agg_spill_write (all groups of the table) ... ->
 *         agg_spill_finish -> agg_spill_cursor_open, agg_spill_take, ... -> agg_spill_close
 *
 * What is written are groups with their states, in the table's partitions by the hash's highest
 * bits; a partition is read back, and its groups merged, for itself, and cut by further bits when
 * it is too large (spill_resolve.h). A group may be written many times: states do not depend on the
 * order of merging. Groups come out in the order that there is without spilling (agg_merger.h).
 *
 * Only where there is one thread, a task's (core/rdd), and a folder to spill to.
 */
#ifndef VONK_EXEC_AGG_SPILL_H
#define VONK_EXEC_AGG_SPILL_H

#include "exec/agg_table.h"
#include "exec/operator.h"
#include "exec/row_spill.h"

typedef struct AggSpill {
    const AggSpec *spec;
    const ExecContext *context;
    SpillSpace space;
    SpillWriter writer; /* of one partition after the other */
    SpillRun groups[AGG_PARTITION_COUNT];
    SpillRun results[AGG_PARTITION_COUNT];
    uint64_t group_count;                     /* of results */
    bool is_open;                             /* there is a place to spill to */
    bool has_begun;                           /* groups were written          */
    uint64_t row_counts[AGG_PARTITION_COUNT]; /* of the table before a batch  */
    void *window[2 * (size_t)BATCH_ROWS_MAX]; /* rows that are put in order   */

    /* a partition that is read back */
    RowStore rows;
    TextStore texts;
    uint64_t *slots;
    uint64_t slot_count;
} AggSpill;

/* Whether there is one thread, a folder, and groups at all. */
bool agg_spill_is_possible(const ExecContext *context, const AggSpec *spec);

/* text_count texts in a group's states, which start at those offsets. */
MUST_CHECK Status agg_spill_open(AggSpill *spill, Arena *arena, const AggSpec *spec,
                                 const ExecContext *context, uint32_t text_count,
                                 const uint32_t *text_offsets, Error *err);
void agg_spill_close(AggSpill *spill); /* accepts a zeroed one */

/* Notes how full the table is before a batch; agg_spill_undo takes the batch's groups out again,
 * whose states have seen nothing. The table is good for agg_spill_write only then. */
void agg_spill_note(AggSpill *spill, const AggTable *table);
void agg_spill_undo(const AggSpill *spill, AggTable *table);

bool agg_spill_is_due(const AggSpill *spill, const AggTable *table);

/* All groups of the table go to the file; it is as new. */
MUST_CHECK Status agg_spill_write(AggSpill *spill, AggTable *table, Error *err);

MUST_CHECK Status agg_spill_finish(AggSpill *spill, Error *err);

typedef struct AggSpillCursor {
    AggSpill *spill;
    RowMerge merge; /* of all results, or of one partition's */
    uint32_t next;  /* partition                             */
    bool is_merged, is_reading;
    TextStore texts;
    char *memory;
    size_t memory_bytes;
    void **rows; /* of the batch */
} AggSpillCursor;

/* rows live in the arena. */
MUST_CHECK Status agg_spill_cursor_open(AggSpillCursor *cursor, AggSpill *spill, Arena *arena,
                                        Error *err);
void agg_spill_cursor_close(AggSpillCursor *cursor); /* accepts a zeroed one */

/* The next groups, at most a batch; 0 at the end. They live until the next call. */
MUST_CHECK Status agg_spill_take(AggSpillCursor *cursor, Error *err, uint32_t *count_out);

#endif
