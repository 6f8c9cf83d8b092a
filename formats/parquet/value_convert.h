/*
 * value_convert.h -- stored values become ours: PLAIN arrays, length-prefixed bytes, bits
 *
 * All functions stop before they would read past the end they are given, but load whole words:
 * VALUE_SLOP_BYTES readable bytes must follow.
 */
#ifndef VONK_FORMATS_PARQUET_VALUE_CONVERT_H
#define VONK_FORMATS_PARQUET_VALUE_CONVERT_H

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

/* Bits [start, start + count) as bytes of 0 and 1. */
void value_unpack_bits(const uint8_t *from, uint32_t start, uint32_t count, uint8_t *to);

#endif
