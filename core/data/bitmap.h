/*
 * bitmap.h -- one bit a row, least significant bit first (as Arrow): bit i of word i/64
 *
 * As validity: 1 = the row has a value; a NULL pointer stands for "all ones".
 */
#ifndef VONK_CORE_DATA_BITMAP_H
#define VONK_CORE_DATA_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bitmap_words(size_t bit_count)
{
    return (bit_count + 63) / 64;
}

static inline bool bitmap_get(const uint64_t *bits, size_t index)
{
    return (bits[index / 64] >> (index % 64)) & 1;
}

static inline void bitmap_set(uint64_t *bits, size_t index)
{
    bits[index / 64] |= (uint64_t)1 << (index % 64);
}

static inline void bitmap_clear(uint64_t *bits, size_t index)
{
    bits[index / 64] &= ~((uint64_t)1 << (index % 64));
}

static inline void bitmap_put(uint64_t *bits, size_t index, bool value)
{
    uint64_t mask = (uint64_t)1 << (index % 64);

    bits[index / 64] = (bits[index / 64] & ~mask) | (value ? mask : 0);
}

/* Sets bits [0, bit_count) to value; bits past the end in the last word become 0. */
void bitmap_fill(uint64_t *bits, size_t bit_count, bool value);

/* Ones in [0, bit_count). */
size_t bitmap_count(const uint64_t *bits, size_t bit_count);

/* Copies bit_count bits from src at src_start to dst at dst_start; the ranges do not overlap. */
void bitmap_copy(uint64_t *dst, size_t dst_start, const uint64_t *src, size_t src_start,
                 size_t bit_count);

#endif
