/*
 * bloom_filter.h -- what a chunk's Bloom filter rules out, before any page is read
 *
 * A filter says of a value that it is not among the chunk's, or that it may be. Asked for = and IN.
 * A damaged or missing filter only means that nothing is ruled out.
 */
#ifndef VONK_FORMATS_PARQUET_BLOOM_FILTER_H
#define VONK_FORMATS_PARQUET_BLOOM_FILTER_H

#include "formats/parquet/parquet_bounds.h"

/* *may_match_out: false when no value of the chunk can satisfy the predicate. *read_bytes: counts
 * what was read of the file. */
MUST_CHECK Status bloom_filter_prune(const File *file, const ParquetColumn *column,
                                     const ParquetChunk *chunk, const ScanPredicate *predicate,
                                     Error *err, bool *may_match_out, uint64_t *read_bytes);

#endif
