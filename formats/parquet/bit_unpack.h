/*
 * bit_unpack.h -- numbers of width bits, packed least significant bit first, made 32-bit
 *
 *     width 3:   byte 0: bbbaaa.. with the two low bits of c on top   byte 1: eeedddc ...
 *
 * Eight numbers take exactly width bytes, so that a group of eight always starts on a byte.
 */
#ifndef VONK_FORMATS_PARQUET_BIT_UNPACK_H
#define VONK_FORMATS_PARQUET_BIT_UNPACK_H

#include <stddef.h>
#include <stdint.h>

/* Readable bytes that must follow the packed ones: whole vectors are loaded. */
enum { BIT_UNPACK_SLOP_BYTES = 32 };

/* Unpacks group_count groups of eight; width is 1..32. Returns the largest number. */
uint32_t bit_unpack_groups(const uint8_t *from, uint32_t width, size_t group_count, uint32_t *to);

#endif
