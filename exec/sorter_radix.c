/* sorter_radix.c -- see sorter_radix.h; one instance of the code for each key width */
#include "exec/sorter_radix.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/invariant.h"

enum { INSERTION_MAX = 24, DIGITS = 256 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE int compare(uint32_t words, const uint64_t *a, const uint64_t *b)
{
    for (uint32_t w = 0; w < words; w++)
        if (a[w] != b[w])
            return a[w] < b[w] ? -1 : 1;
    return 0;
}

ALWAYS_INLINE void copy_entry(uint32_t words, uint64_t *to, const uint64_t *from)
{
    for (uint32_t w = 0; w <= words; w++)
        to[w] = from[w];
}

/* From entries into sorted, which may be the same. */
ALWAYS_INLINE void insertion_sort(uint32_t words, const uint64_t *entries, uint64_t *sorted,
                                  uint64_t count)
{
    const uint32_t stride = words + 1;
    uint64_t entry[SORTER_WORDS_MAX + 1];

    for (uint64_t i = 0; i < count; i++) {
        uint64_t *place = sorted + i * stride;

        copy_entry(words, entry, entries + i * stride);
        while (place > sorted && compare(words, entry, place - stride) < 0) {
            copy_entry(words, place, place - stride);
            place -= stride;
        }
        copy_entry(words, place, entry);
    }
}

/* Whether the entries ascend; differences_out has the bits of each word in which some entries
 * differ. */
ALWAYS_INLINE bool scan(uint32_t words, const uint64_t *entries, uint64_t count,
                        uint64_t *differences_out)
{
    const uint32_t stride = words + 1;
    const uint64_t *previous = entries;
    bool ascends = true;

    for (uint32_t w = 0; w < words; w++)
        differences_out[w] = 0;
    for (uint64_t i = 1; i < count; i++) {
        const uint64_t *entry = entries + i * stride;

        for (uint32_t w = 0; w < words; w++)
            differences_out[w] |= entry[w] ^ entries[w];
        ascends = ascends && compare(words, previous, entry) <= 0;
        previous = entry;
    }
    return ascends;
}

/* The most significant byte that differs, as a word and a shift. */
ALWAYS_INLINE void find_digit(uint32_t words, const uint64_t *differences, uint32_t *word_out,
                              uint32_t *shift_out)
{
    uint32_t word = 0;

    while (word + 1 < words && differences[word] == 0)
        word++;
    *word_out = word;
    *shift_out = (63 - (uint32_t)__builtin_clzll(differences[word] | 1)) / 8 * 8;
}

/* Sorts entries; the result goes to target, which is either entries or temp. */
typedef void SortFn(uint64_t *entries, uint64_t *temp, uint64_t count, uint64_t *target);

ALWAYS_INLINE void sort(uint32_t words, uint64_t *entries, uint64_t *temp, uint64_t count,
                        uint64_t *target, SortFn *again)
{
    const uint32_t stride = words + 1;
    uint64_t differences[SORTER_WORDS_MAX], ends[DIGITS] = {0}, start = 0;
    uint32_t word, shift;

    if (count <= INSERTION_MAX) {
        insertion_sort(words, entries, target, count);
        return;
    }
    if (scan(words, entries, count, differences)) {
        if (target != entries)
            memcpy(target, entries, count * stride * sizeof *entries);
        return;
    }
    find_digit(words, differences, &word, &shift);
    for (uint64_t i = 0; i < count; i++)
        ends[(entries[i * stride + word] >> shift) & (DIGITS - 1)]++;
    for (uint32_t d = 0; d < DIGITS; d++) {
        uint64_t digit_count = ends[d];

        ends[d] = start;
        start += digit_count;
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t *entry = entries + i * stride;

        copy_entry(words, temp + ends[(entry[word] >> shift) & (DIGITS - 1)]++ * stride, entry);
    }
    start = 0;
    for (uint32_t d = 0; d < DIGITS; d++) {
        uint64_t offset = start * stride, digit_count = ends[d] - start;

        if (digit_count > 0)
            again(temp + offset, entries + offset, digit_count, target + offset);
        start = ends[d];
    }
}

#define DEFINE_SORT(words)                                                                         \
    static void sort_##words(uint64_t *entries, uint64_t *temp, uint64_t count, uint64_t *target)  \
    {                                                                                              \
        sort(words, entries, temp, count, target, sort_##words);                                   \
    }
DEFINE_SORT(1)
DEFINE_SORT(2)
DEFINE_SORT(3)
DEFINE_SORT(4)

void sorter_radix(uint32_t words, uint64_t *entries, uint64_t *temp, uint64_t count)
{
    static SortFn *const sorts[SORTER_WORDS_MAX] = {sort_1, sort_2, sort_3, sort_4};

    CHECK(words >= 1 && words <= SORTER_WORDS_MAX);
    sorts[words - 1](entries, temp, count, entries);
}
