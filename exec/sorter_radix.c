/* sorter_radix.c -- see sorter_radix.h; one instance of the code for each shape of an entry */
#include "exec/sorter_radix.h"

#include <string.h>

#include "core/base/invariant.h"

enum {
    INSERTION_MAX = 24,
    PASS_BITS_MAX = 10, /* a pass writes to so many places that they stay in the first cache */
    ONE_PASS_BITS = 6
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE int compare(uint32_t words, const uint64_t *a, const uint64_t *b)
{
    for (uint32_t w = 0; w < words; w++)
        if (a[w] != b[w])
            return a[w] < b[w] ? -1 : 1;
    return 0;
}

ALWAYS_INLINE void copy_entry(uint32_t stride, uint64_t *to, const uint64_t *from)
{
    for (uint32_t w = 0; w < stride; w++)
        to[w] = from[w];
}

ALWAYS_INLINE void insertion_sort(uint32_t words, uint32_t stride, uint64_t *entries,
                                  uint64_t count)
{
    uint64_t entry[SORTER_STRIDE_MAX];

    for (uint64_t i = 1; i < count; i++) {
        uint64_t *place = entries + i * stride;

        if (compare(words, place, place - stride) >= 0)
            continue;
        copy_entry(stride, entry, place);
        do {
            copy_entry(stride, place, place - stride);
            place -= stride;
        } while (place > entries && compare(words, entry, place - stride) < 0);
        copy_entry(stride, place, entry);
    }
}

/* Whether the entries ascend; differences_out has the bits of each word in which some entries
 * differ. */
ALWAYS_INLINE bool scan(uint32_t words, uint32_t stride, const uint64_t *entries, uint64_t count,
                        uint64_t *differences_out)
{
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

/* Bits [shift, shift + low_bits + high_bits) of a word; above them all entries agree. */
typedef struct Digit {
    uint32_t word, shift, low_bits, high_bits;
    bool is_last; /* nothing else differs */
} Digit;

ALWAYS_INLINE Digit choose_digit(uint32_t words, const uint64_t *differences, uint64_t count)
{
    uint32_t wanted_bits = 66 - (uint32_t)__builtin_clzll(count), top;
    Digit digit = {0};

    while (digit.word + 1 < words && differences[digit.word] == 0)
        digit.word++;
    top = 64 - (uint32_t)__builtin_clzll(differences[digit.word] | 1);
    if (wanted_bits > 2 * PASS_BITS_MAX)
        wanted_bits = 2 * PASS_BITS_MAX;
    if (wanted_bits > top)
        wanted_bits = top;
    digit.shift = top - wanted_bits;
    digit.low_bits = wanted_bits <= ONE_PASS_BITS ? wanted_bits : wanted_bits / 2;
    digit.high_bits = wanted_bits - digit.low_bits;
    digit.is_last = (differences[digit.word] & (((uint64_t)1 << digit.shift) - 1)) == 0;
    for (uint32_t w = digit.word + 1; w < words; w++)
        digit.is_last = digit.is_last && differences[w] == 0;
    return digit;
}

ALWAYS_INLINE void counts_to_starts(uint32_t *counts, uint32_t bits)
{
    uint32_t start = 0;

    for (uint32_t d = 0; d < 1u << bits; d++) {
        uint32_t count = counts[d];

        counts[d] = start;
        start += count;
    }
}

ALWAYS_INLINE void scatter(uint32_t stride, const uint64_t *from, uint64_t *to, uint64_t count,
                           uint32_t word, uint32_t shift, uint32_t bits, uint32_t *starts)
{
    const uint64_t mask = ((uint64_t)1 << bits) - 1;

    for (uint64_t i = 0; i < count; i++) {
        const uint64_t *entry = from + i * stride;

        copy_entry(stride, to + (size_t)starts[(entry[word] >> shift) & mask]++ * stride, entry);
    }
}

/* Sorts by the digit alone. */
ALWAYS_INLINE void sort_by_digit(uint32_t stride, uint64_t *entries, uint64_t *temp, uint64_t count,
                                 Digit digit)
{
    const uint64_t low_mask = ((uint64_t)1 << digit.low_bits) - 1;
    const uint64_t high_mask = ((uint64_t)1 << digit.high_bits) - 1;
    uint32_t low[1 << PASS_BITS_MAX], high[1 << PASS_BITS_MAX];

    memset(low, 0, sizeof *low << digit.low_bits);
    memset(high, 0, sizeof *high << digit.high_bits);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t bits = entries[i * stride + digit.word] >> digit.shift;

        low[bits & low_mask]++;
        high[bits >> digit.low_bits & high_mask]++;
    }
    counts_to_starts(low, digit.low_bits);
    scatter(stride, entries, temp, count, digit.word, digit.shift, digit.low_bits, low);
    if (digit.high_bits == 0) {
        memcpy(entries, temp, count * stride * sizeof *entries);
        return;
    }
    counts_to_starts(high, digit.high_bits);
    scatter(stride, temp, entries, count, digit.word, digit.shift + digit.low_bits, digit.high_bits,
            high);
}

typedef void SortFn(uint64_t *entries, uint64_t *temp, uint64_t count);

ALWAYS_INLINE void sort(uint32_t words, uint32_t stride, uint64_t *entries, uint64_t *temp,
                        uint64_t count, SortFn *again)
{
    uint64_t differences[SORTER_WORDS_MAX];
    Digit digit;

    if (count <= INSERTION_MAX) {
        insertion_sort(words, stride, entries, count);
        return;
    }
    if (scan(words, stride, entries, count, differences))
        return;
    digit = choose_digit(words, differences, count);
    sort_by_digit(stride, entries, temp, count, digit);
    if (digit.is_last)
        return;
    for (uint64_t start = 0, end; start < count; start = end) {
        uint64_t *first = entries + start * stride;
        uint64_t bits = first[digit.word] >> digit.shift;

        for (end = start + 1; end < count; end++)
            if (entries[end * stride + digit.word] >> digit.shift != bits)
                break;
        if (end - start <= INSERTION_MAX)
            insertion_sort(words, stride, first, end - start);
        else
            again(first, temp, end - start);
    }
}

/* Shapes: key words, and words in all. */
/* clang-format off */
#define SHAPES(X)                                   \
    X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) \
    X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6)         \
    X(3, 3) X(3, 4) X(3, 5) X(3, 6)                 \
    X(4, 4) X(4, 5) X(4, 6)
/* clang-format on */

#define DEFINE_SORT(words, stride)                                                                 \
    static void sort_##words##_##stride(uint64_t *entries, uint64_t *temp, uint64_t count)         \
    {                                                                                              \
        sort(words, stride, entries, temp, count, sort_##words##_##stride);                        \
    }
SHAPES(DEFINE_SORT)

#define SORT_ROW(words, stride) [words][stride] = sort_##words##_##stride,

void sorter_radix(uint32_t words, uint32_t stride, uint64_t *entries, uint64_t *temp,
                  uint64_t count)
{
    static SortFn *const sorts[SORTER_WORDS_MAX + 1][SORTER_STRIDE_MAX + 1] = {SHAPES(SORT_ROW)};

    CHECK(words <= SORTER_WORDS_MAX && stride <= SORTER_STRIDE_MAX && sorts[words][stride] != NULL);
    CHECK(count <= UINT32_MAX);
    sorts[words][stride](entries, temp, count);
}
