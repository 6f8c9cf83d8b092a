/*
 * page_index.h -- which pages of a chunk can hold what is looked for, before any is read
 *
 * The column index has the bounds of each page, the offset index its first row. A damaged or
 * missing index only means that nothing is ruled out.
 */
#ifndef VONK_FORMATS_PARQUET_PAGE_INDEX_H
#define VONK_FORMATS_PARQUET_PAGE_INDEX_H

#include "formats/parquet/parquet_bounds.h"

typedef struct RowRange {
    int64_t start, end; /* rows [start, end) of a row group */
} RowRange;

/* Ascending, disjoint, not adjacent, not empty. */
typedef struct RowRanges {
    RowRange *items; /* in the arena */
    uint32_t count;
} RowRanges;

RowRanges row_ranges_all(Arena *arena, int64_t row_count);

/* Keeps of *ranges what is in pages that may match; memory comes from the arena, which is the row
 * group's. *read_bytes: counts what was read of the file. */
MUST_CHECK Status page_index_prune(const File *file, const ParquetColumn *column, uint8_t order,
                                   const ParquetChunk *chunk, int64_t row_count,
                                   const ScanPredicate *predicate, Arena *arena, Error *err,
                                   RowRanges *ranges, uint64_t *read_bytes);

#endif
