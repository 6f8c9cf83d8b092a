/* hybrid_write.h -- numbers as Parquet's RLE / bit-packed hybrid; see hybrid.h for the format */
#ifndef VONK_FORMATS_PARQUET_HYBRID_WRITE_H
#define VONK_FORMATS_PARQUET_HYBRID_WRITE_H

#include "formats/parquet/byte_buffer.h"

/* Bits that the largest number needs. */
uint32_t hybrid_width(uint32_t largest);

/* Appends count numbers of width bits. Runs of eight or more equal ones become RLE runs. */
void hybrid_write(ByteBuffer *out, const uint32_t *numbers, uint32_t count, uint32_t width);

#endif
