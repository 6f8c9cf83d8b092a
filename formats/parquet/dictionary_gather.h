/* dictionary_gather.h -- values by their codes, and values set apart by nulls */
#ifndef VONK_FORMATS_PARQUET_DICTIONARY_GATHER_H
#define VONK_FORMATS_PARQUET_DICTIONARY_GATHER_H

#include <stddef.h>
#include <stdint.h>

/* to[i] = from[codes[i]] for i in [0, count), or for the count i of the selection. */
void dictionary_gather(void *to, const void *from, uint32_t value_bytes, const uint32_t *codes,
                       const uint32_t *selection, uint32_t count);

/* values[0..ones) move to those of [0, count) whose bit start + i is set; the others become 0. */
void spread_values(void *values, uint32_t value_bytes, const uint64_t *validity, uint32_t start,
                   uint32_t count, uint32_t ones);

#endif
