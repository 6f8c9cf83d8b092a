/*
 * range_key.h -- sort keys of up to 16 words, where the first 4 do not decide
 *
 *     ORDER BY url        level 0   https://example.org/2026/11/27/   cut off
 *                         level 1   a-title.html                      12 bytes
 *
 * Words of exec/sort_key.h may leave a key open: a text was cut off, or the keys did not fit. What
 * is left is a key again, and its words are the next level of this one. Keys compare as their words
 * do: those that are equal so far are open alike, and go on with the same part, at the same byte.
 *
 * Thread: one task's.
 */
#ifndef VONK_CORE_RDD_RANGE_KEY_H
#define VONK_CORE_RDD_RANGE_KEY_H

#include "core/data/batch.h"
#include "exec/sort_key.h"

enum { RANGE_KEY_LEVELS = 4, RANGE_KEY_WORDS_MAX = RANGE_KEY_LEVELS * SORT_KEY_WORDS_MAX };

typedef struct RangeKeyEncoder RangeKeyEncoder;

/* layout: of level 0, which takes its words; the others take SORT_KEY_WORDS_MAX. Lives in the
 * arena. */
RangeKeyEncoder *range_key_encoder_new(Arena *arena, const SortKeyLayout *layout);

/* Of the selected rows: RANGE_KEY_WORDS_MAX words each, zeros at their end. is_open_out[i]: equal
 * ones do not decide even so. */
void range_keys_encode(RangeKeyEncoder *encoder, const Batch *batch, uint64_t *keys_out,
                       bool *is_open_out);

#endif
