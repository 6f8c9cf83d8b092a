/*
 * agg_merger.h -- from the groups that threads made to the groups of a result: finish phases and
 * source splits
 *
 *     agg_merger_init -> agg_merger_add (each table) -> agg_merger_begin, agg_merger_task in
 *         parallel, phase after phase
 *     -> agg_merger_split_count, agg_merger_split -> agg_merger_fini
 *
 *     phase 0   groups made more than once become one, partition by partition
 *     phase 1   if there are few, they are put in the order of their first rows
 *
 * Order of the groups: up to 65,536 by their first row; else by partition, then by first row.
 * Both depend on the data alone.
 *
 * Thread: agg_merger_task calls of one phase may run at once; then any number may read; the rest
 * is one thread's.
 */
#ifndef VONK_EXEC_AGG_MERGER_H
#define VONK_EXEC_AGG_MERGER_H

#include "exec/agg_table.h"

enum { AGG_ORDERED_GROUPS_MAX = 64 * 1024 };

typedef struct AggMerger {
    const AggSpec *spec;
    AggTable **tables; /* borrowed */
    uint32_t table_count, table_capacity;
    uint64_t row_count;
    AggGroups sets[AGG_PARTITION_COUNT]; /* one when the groups are ordered, else one a partition */
    uint32_t set_count;
} AggMerger;

void agg_merger_init(AggMerger *merger, const AggSpec *spec);
void agg_merger_fini(AggMerger *merger); /* accepts a zeroed one */
MUST_CHECK Status agg_merger_add(AggMerger *merger, AggTable *table, Error *err);

MUST_CHECK Status agg_merger_begin(AggMerger *merger, uint32_t phase, Error *err,
                                   uint32_t *task_count_out);
MUST_CHECK Status agg_merger_task(AggMerger *merger, uint32_t phase, uint32_t task, Error *err);

uint32_t agg_merger_split_count(const AggMerger *merger);
/* The groups of one split. */
void agg_merger_split(const AggMerger *merger, uint32_t split, void *const **rows_out,
                      uint64_t *count_out);
uint64_t agg_merger_bytes(const AggMerger *merger);

#endif
