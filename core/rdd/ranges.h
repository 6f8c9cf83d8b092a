/*
 * ranges.h -- where the partitions of a range exchange begin, found by samples
 *
 *     who samples rows:     range_sampler_new -> range_sampler_add, ... -> range_sampler_take
 *     the driver:           ranges_of_samples -> ranges_encode -> with the stage, elsewhere
 *     who moves the rows:   ranges_decode -> range_placer_new -> range_placer_place, ...
 *
 * A sort is stable: rows of equal keys stay as they came, those of map task 0 first, in its order.
 * So all rows have an order, by key (range_key.h), then by place, and a bound is a point in it:
 * partition p has what is not before bound p - 1, and before bound p. A key that many rows have is
 * dealt to neighbours by where they come from, and partitions one after the other are still sorted:
 *
 *     map task 0 makes  5 5 1 5 7        bounds: (5, task 0's row 3), (5, task 1's row 2)
 *     map task 1 makes  5 2 5 5 5        partitions:   1 2 5 5 | 5 5 | 5 5 5 7
 *
 * Keys that are equal as far as they go, but open, may differ: their rows stay together. So do
 * those of a key that the samples have met just once.
 *
 * A sample has the key of one of each so many rows that a task has seen, in all of its share or in
 * windows of it (sample_stage.h), and says how many rows each stands for: so the same rows give the
 * same bounds, whoever made them. Where there were windows, a key's place is about that of its row.
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

/* Where a row comes from: which one it is of those that a map task of the exchange makes. */
typedef struct RowPlace {
    uint32_t task;
    uint64_t row;
} RowPlace;

/* The first of its rows will be there. */
typedef struct RangeSample {
    WireBytes bytes;
    RowPlace first;
} RangeSample;

typedef struct Ranges {
    SortKeyLayout layout;
    uint32_t bound_count; /* partitions - 1; 0: there are no rows                              */
    uint32_t words;       /* of a bound: layout.words, or where that leaves one of them open all */
    const uint64_t
        *bounds; /* ascending; where they are equal, by place                           */
    const RowPlace *places; /* by bound; the first one of all: all rows of its key are behind it */
    bool has_places;        /* some are not */
} Ranges;

/* like: as the samplers had it. Lives in the arena. ST_CORRUPT: a sample is damaged. */
MUST_CHECK Status ranges_of_samples(Arena *arena, const Plan *like, SortKeyList order,
                                    uint32_t partitions, uint32_t sample_count,
                                    const RangeSample *samples, Error *err, Ranges *ranges_out);

WireBytes ranges_encode(const Ranges *ranges, Arena *arena);
MUST_CHECK Status ranges_decode(WireBytes bytes, Arena *arena, const Plan *like, SortKeyList order,
                                uint32_t partitions, Error *err, Ranges *ranges_out);

/* Finds where rows go; borrows ranges, lives in the arena. */
typedef struct RangePlacer RangePlacer;
RangePlacer *range_placer_new(Arena *arena, const Ranges *ranges);

/* partitions_out[i]: where row i goes. first: where the batch's first one comes from; it has no
 * selection. */
void range_placer_place(RangePlacer *placer, const Batch *batch, RowPlace first,
                        uint32_t *partitions_out);

#endif
