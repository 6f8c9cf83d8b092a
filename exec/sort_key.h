/*
 * sort_key.h -- sort keys as bytes that memcmp orders, packed into 1 to 4 words
 *
 *     ORDER BY a (integer), b DESC (text)     | a is null? | a, sign flipped | b is null? | b's
 *                                             bytes ... length |
 *
 * Values are big-endian; DESC inverts a value's bytes, NULLS FIRST / LAST chooses the byte before
 * them (which is left out for columns that are never null). Floats: NaN after all numbers, -0.0
 * as 0.0. Intervals by their length. Of a text its first bytes, padded with zeros, then its
 * length, or more than any length when it is cut off; what follows a text that is cut off stays
 * zero. So words that differ decide; equal words decide too, unless the key is "open": a text was
 * cut off, or the keys did not fit. sort_key_compare then looks at the rows.
 */
#ifndef VONK_EXEC_SORT_KEY_H
#define VONK_EXEC_SORT_KEY_H

#include "core/plan/plan.h"
#include "exec/row_layout.h"

enum { SORT_KEY_WORDS_MAX = 4 };

typedef struct SortKeyPart {
    uint32_t column; /* of the input; rows hold it as the field of the same number */
    Phys phys;
    bool is_descending;
    bool nulls_first;
    bool is_nullable;
    uint32_t offset;      /* of the null byte if there is one, else of the value  */
    uint32_t value_bytes; /* in the key; of a text, its length byte included       */
    uint32_t skip_bytes;  /* of a text: so many are known to be equal, and left out */
} SortKeyPart;

typedef struct SortKeyLayout {
    uint32_t part_count;
    const SortKeyPart *parts;
    uint32_t encoded_count; /* parts with bytes in the words                  */
    uint32_t words;
    bool is_cut;            /* not all parts are in the words with all their bytes */
    uint32_t compared_from; /* first part that open keys must compare in rows    */
} SortKeyLayout;

/* keys are columns of input. Lives in the arena. */
SortKeyLayout sort_key_layout_make(Arena *arena, const Plan *input, const SortKeyList *keys);

/* The same parts, for rows that have no NULL. Lives in the arena. */
SortKeyLayout sort_key_layout_without_nulls(Arena *arena, const SortKeyLayout *layout);

/* Whether a part's words give its values back, bit by bit. */
bool sort_key_can_decode(const SortKeyLayout *layout, uint32_t part);

/*
 * The key of what is left of the order when all before byte skip_bytes of part `first` is equal;
 * parts has room for what whole has.
 */
SortKeyLayout sort_key_layout_rest(const SortKeyLayout *whole, uint32_t first, uint32_t skip_bytes,
                                   SortKeyPart *parts);

/* Where an open key's words end: the part, and the byte of its text, from which on nothing is
 * known. */
void sort_key_find_end(const SortKeyLayout *layout, const uint64_t *words, uint32_t *part_out,
                       uint32_t *skip_bytes_out);

/* The keys of the selected rows: layout->words words each; is_open_out[i] says that equal words
 * do not decide. */
void sort_key_encode(const SortKeyLayout *layout, const Batch *batch, uint64_t *words_out,
                     bool *is_open_out);

/* The values of a part that can be decoded: words has layout->words words a row. Column's values
 * and validity are as given. */
Column sort_key_decode(const SortKeyLayout *layout, uint32_t part, Type type, const uint64_t *words,
                       uint32_t count, void *values, uint64_t *validity);

/* The order of two rows whose words are equal and open: < 0, 0, > 0. */
int sort_key_compare(const SortKeyLayout *layout, const RowLayout *rows, const void *a,
                     const void *b);

/* < 0, 0, > 0 */
static inline int sort_key_compare_words(uint32_t words, const uint64_t *a, const uint64_t *b)
{
    for (uint32_t w = 0; w < words; w++)
        if (a[w] != b[w])
            return a[w] < b[w] ? -1 : 1;
    return 0;
}

#endif
