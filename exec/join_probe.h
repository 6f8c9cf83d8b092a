/*
 * join_probe.h -- a batch of keys against a join table
 *
 *     join_probe_start (batch) -> join_probe_first (one match a row)
 *                              -> join_probe_pairs ... (all matches)
 *
 * All lookups of a batch go in passes: hash, directory, rows; each pass prefetches for the next, so
 * that a batch waits for memory a few times, not once a row.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_JOIN_PROBE_H
#define VONK_EXEC_JOIN_PROBE_H

#include "exec/join_range.h"

enum { JOIN_FIRST_QUOTA = 16, JOIN_QUOTA_GROWTH = 4 };

typedef struct JoinProbe {
    const JoinTable *table;
    const Column *keys; /* of the batch at hand */
    void *memory;
    uint32_t *input;         /* rows with a key that can match          */
    uint64_t *words[2];      /* of input, then of candidates            */
    uint64_t *hashes;        /* of input                                */
    uint32_t count;          /* candidates: rows whose slot may match   */
    uint32_t *rows;          /* batch rows, ascending                   */
    uint32_t *starts, *ends; /* where the slot's rows lie               */
    uint32_t next;           /* candidate that join_probe_pairs is at   */
    uint32_t place;          /* and where in its slot                   */
    bool seeks_one;          /* a row is done with once a match holds   */
    uint32_t quota;          /* then: pairs of a row, asked for at once */
    JoinRangeCursor *range;  /* nested joins: NULL, or finds candidates */
    bool uses_range;         /* for the batch at hand                   */
    bool is_started;         /* range is at row `next`                  */
    bool takes_first;        /* range: a row's first candidate is enough */
} JoinProbe;

MUST_CHECK Status join_probe_init(JoinProbe *probe, const JoinTable *table, Error *err);
void join_probe_fini(JoinProbe *probe); /* accepts a zeroed one */

/* Looks up the batch's selected rows. keys, as long as the batch, stay borrowed until the next
 * start. Those of a nested join are values of its range's bounds, or NULL: every row matches. */
void join_probe_start(JoinProbe *probe, const Column *keys, const Batch *batch);

/* The first match of each row that has one: rows_out ascending, matches_out the table's rows.
 * Returns how many. Use either this or join_probe_pairs. */
uint32_t join_probe_first(JoinProbe *probe, uint32_t *rows_out, uint32_t *matches_out);

/* The next matches, at most `most`, by batch row, then by build order; may be none although
 * join_probe_row names a row. All are out when join_probe_row says UINT32_MAX. */
uint32_t join_probe_pairs(JoinProbe *probe, uint32_t most, uint32_t *rows_out,
                          uint32_t *matches_out);

/* The batch row whose matches are not all given out yet; UINT32_MAX when all are. */
static inline uint32_t join_probe_row(const JoinProbe *probe)
{
    return probe->next == probe->count ? UINT32_MAX : probe->rows[probe->next];
}

/* Goes on with the next row: no more matches of the current one are wanted. */
static inline void join_probe_skip_row(JoinProbe *probe)
{
    probe->next++;
    probe->is_started = false;
    probe->quota = JOIN_FIRST_QUOTA;
    if (probe->next < probe->count)
        probe->place = probe->starts[probe->next];
}

#endif
