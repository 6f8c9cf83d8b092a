/*
 * sorter_radix.h -- the stable in-memory sort that the others stand on
 *
 *     entry: word 0 .. words-1 (the key, most significant first), then words that come along
 *
 * A level looks at as many of the highest bits that differ as make most entries unique (of 40,000
 * entries: 18), and sorts by them in two passes, the lower half first, from the entries to temp and
 * back. Entries that agree in all of them are then sorted in the same way by what is left, or by
 * insertion when they are few. What is in order already is left as it is.
 */
#ifndef VONK_EXEC_SORTER_RADIX_H
#define VONK_EXEC_SORTER_RADIX_H

#include <stdbool.h>
#include <stdint.h>

enum { SORTER_WORDS_MAX = 4, SORTER_STRIDE_MAX = 6 };

/* Sorts count entries of 1..SORTER_WORDS_MAX key words and stride words in all; temp has room for
 * as many. Entries of equal keys keep their order. */
void sorter_radix(uint32_t words, uint32_t stride, uint64_t *entries, uint64_t *temp,
                  uint64_t count);

#endif
