/*
 * text_find.c -- one text inside another; see like.h
 *
 * Compares 16 places at once with the needle's first and last byte, and the bytes between only
 * where both fit (Wojciech Mula, "SIMD-friendly algorithms for substring searching").
 */
#include "codegen/ops/like.h"

#ifdef __SSE2__
#include <emmintrin.h>

/* Looks at the 16 places from at; reads up to at + 15 + needle_bytes. */
static const char *find_in_block(const char *at, const char *needle, size_t needle_bytes,
                                 __m128i first, __m128i last)
{
    __m128i starts = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i ends = _mm_loadu_si128((const __m128i *)(const void *)(at + needle_bytes - 1));
    uint32_t places = (uint32_t)_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(starts, first), _mm_cmpeq_epi8(ends, last)));

    for (; places != 0; places &= places - 1) {
        const char *place = at + __builtin_ctz(places);

        if (memcmp(place, needle, needle_bytes) == 0)
            return place;
    }
    return NULL;
}

const char *op__find(const char *at, const char *end, const char *needle, size_t needle_bytes)
{
    __m128i first, last;

    if (needle_bytes == 0)
        return at;
    if ((size_t)(end - at) < needle_bytes)
        return NULL;
    first = _mm_set1_epi8(needle[0]);
    last = _mm_set1_epi8(needle[needle_bytes - 1]);
    for (; (size_t)(end - at) >= needle_bytes + 15; at += 16) {
        const char *found = find_in_block(at, needle, needle_bytes, first, last);

        if (found != NULL)
            return found;
    }
    for (; (size_t)(end - at) >= needle_bytes; at++)
        if (*at == *needle && memcmp(at, needle, needle_bytes) == 0)
            return at;
    return NULL;
}
#else
const char *op__find(const char *at, const char *end, const char *needle, size_t needle_bytes)
{
    return memmem(at, (size_t)(end - at), needle, needle_bytes);
}
#endif
