/*
 * parquet_bounds.h -- what statistics promise about the values of a chunk or page
 *
 * Statistics are only used where their order is known to be ours:
 *   (1) new min/max (min_value) of text and big-endian decimals need the footer's column order
 *   (2) old min/max (deprecated) only count for signed integers, dates and timestamps
 *   (3) floats: NaN is the largest value here, but is left out of the statistics: a max says
 *       nothing about NaN unless nan_count is 0, and a min or max that is NaN says nothing at all
 *   (4) texts may be cut short: a min is a lower, a max an upper bound, no more
 *   (5) INT96 and intervals have no order
 */
#ifndef VONK_FORMATS_PARQUET_PARQUET_BOUNDS_H
#define VONK_FORMATS_PARQUET_PARQUET_BOUNDS_H

#include "core/plan/table.h"
#include "formats/parquet/parquet_schema.h"

typedef struct ParquetBounds {
    bool has_min, has_max;
    bool max_leaves_out_nan; /* floats: max holds for what is not NaN */
    bool is_exact;           /* min and max are values of the column   */
    Value min, max;          /* texts borrow the statistics' bytes      */
    int64_t null_count;      /* -1: unknown                            */
    int64_t row_count;
} ParquetBounds;

/* order: ParquetColumnOrder of the leaf. */
ParquetBounds parquet__bounds(const ParquetColumn *column, uint8_t order,
                              const ParquetStatistics *statistics, int64_t row_count);

/* False when no row within the bounds can satisfy the predicate. */
bool parquet__bounds_may_match(const ParquetBounds *bounds, const ScanPredicate *predicate);

/* Static predicates, and those whose filter has arrived. */
bool parquet__predicate_is_ready(const ScanPredicate *predicate);

#endif
