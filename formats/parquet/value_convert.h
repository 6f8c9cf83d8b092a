/*
 * value_convert.h -- stored values become ours: PLAIN arrays, length-prefixed bytes, bits
 *
 * All functions stop before they would read past the end they are given, but load whole words:
 * VALUE_SLOP_BYTES readable bytes must follow.
 */
#ifndef VONK_FORMATS_PARQUET_VALUE_CONVERT_H
#define VONK_FORMATS_PARQUET_VALUE_CONVERT_H

#include <string.h>

#include "core/base/str.h"
#include "formats/parquet/parquet_schema.h"

enum { VALUE_SLOP_BYTES = 32 };

/* NULL, or what is wrong with the values: a literal for an error message. */
typedef const char *ValueFailure;
extern const char *const value_not_utf8;

/* count values of column->raw_bytes each; the caller knows that they are there. */
ValueFailure value_convert_fixed(const ParquetColumn *column, const uint8_t *from, uint32_t count,
                                 void *to);

/* Texts as they are, decimals out of their bytes. */
ValueFailure value_convert_texts(const ParquetColumn *column, const Str *from, uint32_t count,
                                 void *to);

/* count values of 4 bytes of length and the bytes, from *at on; *at moves past them. The texts
 * point into the input. */
ValueFailure value_read_texts(const uint8_t **at, const uint8_t *end, uint32_t count, Str *to);
ValueFailure value_skip_texts(const uint8_t **at, const uint8_t *end, uint32_t count);

/* str_make without branches: loads 12 bytes, whatever the length. */
static inline Str value_make_text(const uint8_t *at, uint32_t length)
{
    static const uint64_t masks[9] = {0,
                                      0xff,
                                      0xffff,
                                      0xffffff,
                                      0xffffffff,
                                      0xffffffffff,
                                      0xffffffffffff,
                                      0xffffffffffffff,
                                      0xffffffffffffffff};
    uint32_t head_bytes = length < 4 ? length : 4;
    uint32_t tail_bytes = length < 4 ? 0 : length < STR_INLINE_BYTES ? length - 4 : 8;
    uint64_t head = 0, tail, words[2];
    Str text;

    memcpy(&head, at, 4);
    memcpy(&tail, at + 4, 8);
    words[0] = length | (head & masks[head_bytes]) << 32;
    words[1] = length <= STR_INLINE_BYTES ? tail & masks[tail_bytes] : (uint64_t)(uintptr_t)at;
    memcpy(&text, words, sizeof text);
    return text;
}

/* Bits [start, start + count) as bytes of 0 and 1. */
void value_unpack_bits(const uint8_t *from, uint32_t start, uint32_t count, uint8_t *to);

#endif
