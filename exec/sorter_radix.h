/*
 * sorter_radix.h -- the stable in-memory sort that the others stand on
 *
 *     entry: word 0 .. words-1 (the key, most significant first), then one word that comes along
 *
 * Radix sort from the most significant byte that differs, by scattering back and forth between
 * the entries and temp; what is sorted already is left as it is, small runs are sorted by
 * insertion.
 */
#ifndef VONK_EXEC_SORTER_RADIX_H
#define VONK_EXEC_SORTER_RADIX_H

#include <stdint.h>

enum { SORTER_WORDS_MAX = 4 };

/* Sorts count entries of 1..SORTER_WORDS_MAX key words; temp has room for as many. Entries of
 * equal keys keep their order. */
void sorter_radix(uint32_t words, uint64_t *entries, uint64_t *temp, uint64_t count);

#endif
