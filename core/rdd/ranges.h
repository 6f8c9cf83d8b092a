/*
 * ranges.h -- where the partitions of a range exchange begin, found by a sample
 *
 * Bounds are sort keys (exec/sort_key.h): partition p has the rows whose key is at least bound p -
 * 1 and less than bound p. Rows of equal keys meet in one partition. The sample takes rows at even
 * distances from every block, so that the same rows give the same bounds.
 */
#ifndef VONK_CORE_RDD_RANGES_H
#define VONK_CORE_RDD_RANGES_H

#include "core/rdd/block_store.h"
#include "exec/sort_key.h"

typedef struct Ranges {
    SortKeyLayout layout;
    uint32_t bound_count;   /* partitions - 1 */
    const uint64_t *bounds; /* layout.words each, ascending */
} Ranges;

/* kept: what the exchange's input made, all of it; like: a plan of its columns. Lives in the
 * arena. ST_CORRUPT: what map task *lost_map_out made could not be had. */
MUST_CHECK Status ranges_find(Arena *arena, BlockOutput *kept, const Plan *like, SortKeyList order,
                              uint32_t partitions, Error *err, uint32_t *lost_map_out,
                              Ranges *ranges_out);

/* partitions_out[i]: where row i goes. words, is_open: room for the batch's keys. */
void ranges_place(const Ranges *ranges, const Batch *batch, uint64_t *words, bool *is_open,
                  uint32_t *partitions_out);

#endif
