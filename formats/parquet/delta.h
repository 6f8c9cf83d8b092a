/*
 * delta.h -- the DELTA_* encodings and BYTE_STREAM_SPLIT, a whole page at a time
 *
 * DELTA_BINARY_PACKED holds differences between neighbours, in blocks of miniblocks, each
 * bit-packed with its own width; the two byte-array encodings hold lengths that way, then the
 * bytes. Whole pages, because such pages are small and their values depend on each other.
 *
 * Failures are literals for an error message; NULL: none. The input must be followed by
 * DELTA_SLOP_BYTES readable bytes.
 */
#ifndef VONK_FORMATS_PARQUET_DELTA_H
#define VONK_FORMATS_PARQUET_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum { DELTA_SLOP_BYTES = 64 };

/* Numbers still to be decoded: read by delta_begin from the header. */
typedef struct DeltaReader {
    const uint8_t *at, *end;
    uint32_t block_values, miniblock_count, miniblock_values;
    uint32_t value_count;
    uint64_t first;
} DeltaReader;

const char *delta_begin(const uint8_t *bytes, size_t byte_count, DeltaReader *reader_out);

/* All value_count numbers, of value_bytes 4 or 8; reader->at then stands behind them. */
const char *delta_read(DeltaReader *reader, uint32_t value_bytes, void *to);

/* DELTA_LENGTH_BYTE_ARRAY after its lengths were decoded: the texts point into bytes. */
const char *delta_length_texts(const uint8_t *bytes, size_t byte_count, const int32_t *lengths,
                               uint32_t count, Str *to);

/* DELTA_BYTE_ARRAY: value i is prefixes[i] bytes of value i - 1, then suffixes[i]. First how many
 * bytes all take, then the texts in that memory. */
const char *delta_prefix_measure(const int32_t *prefixes, const Str *suffixes, uint32_t count,
                                 uint64_t *byte_count_out);
void delta_prefix_texts(const int32_t *prefixes, const Str *suffixes, uint32_t count, char *bytes,
                        Str *to);

/* BYTE_STREAM_SPLIT: byte k of all values, then byte k + 1 of all, ... */
void byte_stream_merge(const uint8_t *from, uint32_t count, uint32_t value_bytes, uint8_t *to);

#endif
