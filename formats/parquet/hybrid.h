/*
 * hybrid.h -- Parquet's RLE / bit-packed hybrid: dictionary codes, levels, booleans
 *
 *     run = header (varint), then
 *           header odd:   (header >> 1) groups of eight numbers, bit-packed
 *           header even:  one number in whole bytes, standing (header >> 1) times
 *
 * Two readers of it: HybridReader makes 32-bit codes, LevelReader makes bits (levels of columns
 * that are not nested are 0 = null or 1 = a value).
 *
 * The bytes must be followed by HYBRID_SLOP_BYTES readable ones. A reader asked for more than the
 * bytes hold says so; whatever the bytes, it stays inside.
 */
#ifndef VONK_FORMATS_PARQUET_HYBRID_H
#define VONK_FORMATS_PARQUET_HYBRID_H

#include <stdbool.h>

#include "formats/parquet/bit_unpack.h"

enum { HYBRID_SLOP_BYTES = BIT_UNPACK_SLOP_BYTES, HYBRID_WIDTH_MAX = 32 };

typedef struct HybridReader {
    const uint8_t *at, *end;
    uint32_t width;
    uint32_t repeat_value;
    uint32_t repeats_left; /* of an RLE run                                        */
    uint32_t packed_left;  /* numbers of a bit-packed run whose group is not taken */
    uint32_t spare_start, spare_end;
    uint32_t spare[8]; /* the rest of the group that the last read cut          */
} HybridReader;

/* width 0: every number is 0 and the bytes do not matter. */
HybridReader hybrid_reader(const uint8_t *bytes, size_t byte_count, uint32_t width);

/* Writes count numbers, returns false when there are not as many; *largest_out is at least as
 * large as any of them, and itself in the data. to has room for 8 more. */
bool hybrid_read(HybridReader *reader, uint32_t *to, uint32_t count, uint32_t *largest_out);
bool hybrid_skip(HybridReader *reader, uint32_t count);

typedef struct LevelReader {
    const uint8_t *at, *end;
    uint32_t left;  /* levels of the run             */
    uint32_t start; /* bit-packed: the next bit      */
    bool is_packed, repeat_bit;
    bool is_old; /* BIT_PACKED: no runs, most significant bit first */
} LevelReader;

LevelReader level_reader(const uint8_t *bytes, size_t byte_count);

/* For the deprecated BIT_PACKED encoding of levels. */
LevelReader level_reader_old(const uint8_t *bytes, size_t byte_count);

/* Sets bits[start, start + count) to the next levels; false when there are not as many.
 * *ones_out: how many are 1. bits NULL: only counts. */
bool level_read(LevelReader *reader, uint64_t *bits, uint32_t start, uint32_t count,
                uint32_t *ones_out);

#endif
