/* bitmap.c -- see bitmap.h */
#include "core/data/bitmap.h"

#include <string.h>

void bitmap_fill(uint64_t *bits, size_t bit_count, bool value)
{
    size_t words = bitmap_words(bit_count);

    if (words == 0)
        return;
    memset(bits, value ? 0xff : 0, words * sizeof *bits);
    if (value && bit_count % 64 != 0)
        bits[words - 1] = ((uint64_t)1 << (bit_count % 64)) - 1;
}

size_t bitmap_count(const uint64_t *bits, size_t bit_count)
{
    size_t whole = bit_count / 64, ones = 0;

    for (size_t i = 0; i < whole; i++)
        ones += (size_t)__builtin_popcountll(bits[i]);
    if (bit_count % 64 != 0)
        ones += (size_t)__builtin_popcountll(bits[whole] & (((uint64_t)1 << (bit_count % 64)) - 1));
    return ones;
}

void bitmap_copy(uint64_t *dst, size_t dst_start, const uint64_t *src, size_t src_start,
                 size_t bit_count)
{
    if (dst_start % 64 == 0 && src_start % 64 == 0) {
        size_t whole = bit_count / 64;

        memcpy(dst + dst_start / 64, src + src_start / 64, whole * sizeof *dst);
        dst_start += whole * 64;
        src_start += whole * 64;
        bit_count -= whole * 64;
    }
    for (size_t i = 0; i < bit_count; i++)
        bitmap_put(dst, dst_start + i, bitmap_get(src, src_start + i));
}
