/*
 * combine_spill.h -- a combine table that outgrows its memory goes on by hash, on the disk
 *
 *     combine_spill_init -> combine_spill_add, ... -> { table: combine_table_read |
 *         has_begun: combine_spill_finish -> results, a run a part } -> combine_spill_fini
 *
 * When the table is too large, its accumulators are written, each to the part of its hash, and so
 * are the records that follow. A part has an accumulator before the records of its key, and those
 * in their order: so each key is combined in the order in which it would have been in memory.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_COMBINE_SPILL_H
#define VONK_EXEC_COMBINE_SPILL_H

#include "exec/combine_table.h"
#include "exec/spill_resolve.h"

typedef struct CombineSpill {
    CombineTable *table; /* NULL: not in use */
    const ExecContext *context;
    SpillSpace space;
    SpillSet set; /* made at once: when it is needed there is no memory */
    bool has_begun;
    SpillRun results[SPILL_PARTS];
} CombineSpill;

/* Of a table with keys. Shapes live in the arena. Without a folder in the context the table may
 * just grow. */
MUST_CHECK Status combine_spill_init(CombineSpill *spill, Arena *arena, const ExecContext *context,
                                     CombineTable *table, Error *err);
void combine_spill_fini(CombineSpill *spill); /* accepts a zeroed one */

/* The table has outgrown its memory (ST_OUT_OF_MEMORY), or what it should have: `status` of adding
 * to it, where no function failed. */
bool combine_spill_is_due(const CombineSpill *spill, Status status);

/* The table goes to the disk, and these records that are not in it. */
MUST_CHECK Status combine_spill_begin(CombineSpill *spill, const char *records, uint32_t count,
                                      Error *err);

/* Up to BATCH_ROWS_MAX In records, to the table or the disk. */
MUST_CHECK Status combine_spill_add(CombineSpill *spill, const char *records, uint32_t count,
                                    Error *err);

/* When it has begun: makes the results. */
MUST_CHECK Status combine_spill_finish(CombineSpill *spill, Error *err);

#endif
