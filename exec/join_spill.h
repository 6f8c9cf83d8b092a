/*
 * join_spill.h -- a join whose build side memory has no room for
 *
 *     build    rows -> a file, by 16 parts of the keys' hash (as they stand in the table)
 *     probe    left rows -> likewise; nothing is emitted
 *     then     part by part: table, probe -> results, each with its left row's number -> a file;
 *              a part that is too large is cut again (join_parts.c)
 *     at last  the unmatched op gives results out by the left rows' numbers, then build rows by
 *              theirs: the order that there is without spilling
 *
 * Rows of one hash cannot be cut: the left rows then meet as many build rows as fit, again and
 * again.
 *
 * Only where there is one thread, a task's (core/rdd), and a folder to spill to.
 */
#ifndef VONK_EXEC_JOIN_SPILL_H
#define VONK_EXEC_JOIN_SPILL_H

#include "exec/join.h"
#include "exec/row_spill.h"

enum { JOIN_SPILL_BUILD, JOIN_SPILL_LEFT, JOIN_SPILL_OUT };

typedef struct JoinSpill {
    Join *join;
    Arena *arena;
    SpillSpace space;
    SpillSet build; /* made at once: when it is needed there is no memory */
    SpillSet left;
    bool is_active;  /* rows were written                         */
    bool is_joining; /* parts: the probe gives out pairs as usual */
    uint64_t build_count, left_count;
    RowSpill left_rows, out_rows;
    uint64_t *scratch; /* three words a batch row */
} JoinSpill;

typedef struct JoinSpillCursor JoinSpillCursor;

/* join->spill, if this join can. */
void join_spill_make(Join *join);

MUST_CHECK Status join_spill_open(Join *join, Error *err);
void join_spill_close(Join *join);

static inline bool join_spill_is_active(const Join *join)
{
    return join->spill != NULL && join->spill->is_active;
}

static inline bool join_spill_takes_left(const Join *join)
{
    return join_spill_is_active(join) && !join->spill->is_joining;
}

/* What one table should hold of collected rows: moved, and with a directory, they are more. */
static inline bool join_spill_is_much(const Join *join, const JoinRows *rows)
{
    return join_rows_bytes(rows) > join->context->spill_bytes / 3;
}

/* Build rows to the table's, and those to the file when they are too many. */
MUST_CHECK Status join_spill_add(Join *join, JoinRows *rows, const Column *keys,
                                 const Column *columns, const Batch *batch, Error *err);
MUST_CHECK Status join_spill_rows(Join *join, JoinRows *rows, Error *err);
/* Those that were combined already, and have not been moved. */
MUST_CHECK Status join_spill_table(Join *join, Error *err);

/* A batch of the left input. keys: NULL of a nested join. */
MUST_CHECK Status join_spill_left(const Join *join, const Column *keys, const Batch *batch,
                                  Error *err);

/* All parts are joined. *cursor_out goes to join_spill_end also when this fails. */
MUST_CHECK Status join_spill_join(Join *join, Error *err, JoinSpillCursor **cursor_out);
/* The next rows; sequence: of the first, counted on. */
MUST_CHECK Status join_spill_next(JoinSpillCursor *cursor, uint64_t *sequence, Error *err,
                                  Batch *batch_out);
void join_spill_end(JoinSpillCursor *cursor); /* accepts NULL */

/* --- join_parts.c --- */

/* What a part gives: pairs (and padded rows) by left row, build rows by their number. */
typedef struct JoinResults {
    SpillRun pairs, lone;
} JoinResults;

/* level: how often its rows were cut. */
MUST_CHECK Status join_part(JoinSpill *spill, const SpillRun *build, const SpillRun *left,
                            uint32_t level, Error *err, JoinResults *results_out);

/* One of as many as a set has. */
MUST_CHECK Status join_merge_parts(JoinSpill *spill, const JoinResults *parts, Error *err,
                                   JoinResults *results_out);

/* Rows of segments to the set, with numbers from *number on. */
MUST_CHECK Status join_segments_spill(JoinSpill *spill, const JoinSegment *segments,
                                      uint32_t segment_count, const uint64_t *numbers,
                                      uint64_t *number, SpillSet *set, Error *err);

#endif
