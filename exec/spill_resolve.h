/*
 * spill_resolve.h -- what was spilled by hash is finished part by part, and put in order again
 *
 *     SpillSet -> spill_resolve (each part goes through the client's table; one that is too large
 *         is cut again) -> SpillMerge: results of all parts by their `first`
 *
 * In every part, records and results ascend in `first`, the place where a key came first; so what
 * comes out has the order that it had come in without spilling.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_SPILL_RESOLVE_H
#define VONK_EXEC_SPILL_RESOLVE_H

#include "exec/record_spill.h"

/* A table that takes records and gives results: an operator's. */
typedef struct SpillClient {
    void *context;
    size_t bytes_max; /* that it should hold */
    /* ST_OUT_OF_MEMORY: no room; *is_added_out says whether the record is in it all the same. */
    Status (*add)(void *context, const SpilledRecord *record, Error *err, bool *is_added_out);
    /* What it holds goes into the set, in the order in which it came; it is empty then. */
    Status (*dump)(void *context, SpillSet *set, Error *err);
    /* What it holds is complete: its results, in order; it is empty then. */
    Status (*finish)(void *context, SpillWriter *results, Error *err);
    size_t (*bytes)(void *context);
    /* The record's key, for a message. */
    void (*print_key)(void *context, const SpilledRecord *record, char *text, size_t text_bytes);
    const atomic_bool *stop;
} SpillClient;

/* Takes the set's runs, when it is finished; runs_out has room for SPILL_PARTS. */
MUST_CHECK Status spill_resolve(const SpillClient *client, const SpillSet *set, Error *err,
                                SpillRun *runs_out);

/* One run of it, which was cut by hash `level` times. */
MUST_CHECK Status spill_resolve_run(const SpillClient *client, SpillSpace *space,
                                    const SpillRun *run, uint32_t level, Error *err,
                                    SpillRun *run_out);

typedef struct SpillMerge {
    SpillReader readers[SPILL_PARTS];
    SpilledRecord records[SPILL_PARTS]; /* the next of each */
    bool has_record[SPILL_PARTS];
} SpillMerge;

MUST_CHECK Status spill_merge_init(SpillMerge *merge, const SpillSpace *space, const SpillRun *runs,
                                   Error *err);
void spill_merge_fini(SpillMerge *merge); /* accepts a zeroed one */

/* The next results, at most count, 0 at the end: copied to records, but for their texts, which live
 * until the next call. */
MUST_CHECK Status spill_merge_take(SpillMerge *merge, char *records, size_t record_bytes,
                                   uint32_t count, Error *err, uint32_t *count_out);

#endif
