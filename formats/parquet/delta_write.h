/* delta_write.h -- numbers as DELTA_BINARY_PACKED; see delta.h for the format */
#ifndef VONK_FORMATS_PARQUET_DELTA_WRITE_H
#define VONK_FORMATS_PARQUET_DELTA_WRITE_H

#include "formats/parquet/byte_buffer.h"

/* Appends count numbers of value_bytes (4 or 8) each. */
void delta_write(ByteBuffer *out, const void *values, uint32_t count, uint32_t value_bytes);

/* About how many bits a number would take that way, by some of the numbers. */
uint32_t delta_bits(const void *values, uint32_t count, uint32_t value_bytes);

#endif
