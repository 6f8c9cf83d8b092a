/*
 * ranges.h -- where the partitions of a range exchange begin, found by samples
 *
 *     who samples rows:     range_sampler_new -> range_sampler_add, ... -> range_sampler_take
 *     the driver:           ranges_of_samples -> ranges_encode -> with the stage, elsewhere
 *     who moves the rows:   ranges_decode -> ranges_place
 *
 * Bounds are sort keys (exec/sort_key.h): partition p has the rows whose key is at least bound p -
 * 1 and less than bound p. Rows of equal keys meet in one partition. A sample has keys at even
 * distances of the rows that a task has seen, all of its share or windows of it (sample_stage.h),
 * and says how many rows each stands for: so the same rows give the same bounds, whoever made them.
 */
#ifndef VONK_CORE_RDD_RANGES_H
#define VONK_CORE_RDD_RANGES_H

#include "core/base/wire.h"
#include "core/data/batch.h"
#include "exec/sort_key.h"

typedef struct RangeSampler RangeSampler;

/* like: a plan of the rows' columns. partitions, tasks: of the exchange, and that sample for it.
 * Lives in the arena. */
RangeSampler *range_sampler_new(Arena *arena, const Plan *like, SortKeyList order,
                                uint32_t partitions, uint32_t tasks);
/* A batch without a selection. */
void range_sampler_add(RangeSampler *sampler, const Batch *batch);
/* A row stands for total / taken rows. In that arena; NULL: there was no row. */
WireBytes range_sampler_take(const RangeSampler *sampler, uint64_t taken, uint64_t total,
                             Arena *arena);

typedef struct Ranges {
    SortKeyLayout layout;
    uint32_t bound_count;   /* partitions - 1; 0: there are no rows */
    const uint64_t *bounds; /* layout.words each, ascending */
} Ranges;

/* like: as the samplers had it. Lives in the arena. ST_CORRUPT: a sample is damaged. */
MUST_CHECK Status ranges_of_samples(Arena *arena, const Plan *like, SortKeyList order,
                                    uint32_t partitions, uint32_t sample_count,
                                    const WireBytes *samples, Error *err, Ranges *ranges_out);

WireBytes ranges_encode(const Ranges *ranges, Arena *arena);
MUST_CHECK Status ranges_decode(WireBytes bytes, Arena *arena, const Plan *like, SortKeyList order,
                                uint32_t partitions, Error *err, Ranges *ranges_out);

/* partitions_out[i]: where row i goes. words, is_open: room for the batch's keys. */
void ranges_place(const Ranges *ranges, const Batch *batch, uint64_t *words, bool *is_open,
                  uint32_t *partitions_out);

#endif
