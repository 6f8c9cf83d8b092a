/*
 * bit_unpack.c -- see bit_unpack.h
 *
 * With AVX2, up to 25 bits: each 32-bit lane gets the four bytes that hold its number (one byte
 * shuffle), shifts them by its own distance and masks. Lanes 0-3 load from the group's start and
 * lanes 4-7 from the byte in which number 4 starts. Without: one 8-byte load per number.
 */
#include "formats/parquet/bit_unpack.h"

#include <string.h>

static inline uint64_t load_u64(const uint8_t *from)
{
    uint64_t word;

    memcpy(&word, from, sizeof word);
    return word;
}

static inline uint32_t unpack_scalar(const uint8_t *from, uint32_t width, size_t group_count,
                                     uint32_t *to)
{
    const uint64_t mask = ((uint64_t)1 << width) - 1;
    uint32_t largest = 0;

    for (size_t g = 0; g < group_count; g++, from += width, to += 8)
        for (uint32_t i = 0; i < 8; i++) {
            uint32_t bit = i * width;
            uint32_t value = (uint32_t)(load_u64(from + bit / 8) >> (bit % 8) & mask);

            to[i] = value;
            largest = value > largest ? value : largest;
        }
    return largest;
}

#if defined(__x86_64__)

#include <immintrin.h>

enum { VECTOR_WIDTH_MAX = 25 };

/* The bit in which number i of a group starts, counted from its half's first byte */
#define BIT(w, i) (((i) < 4 ? 0 : 4 * (w) % 8) + (i) % 4 * (w))

#define LANE(w, i) BIT(w, i) / 8, BIT(w, i) / 8 + 1, BIT(w, i) / 8 + 2, BIT(w, i) / 8 + 3
#define SHUFFLE(w)                                                                                 \
    {LANE(w, 0), LANE(w, 1), LANE(w, 2), LANE(w, 3), LANE(w, 4), LANE(w, 5), LANE(w, 6), LANE(w, 7)}
#define SHIFT(w)                                                                                   \
    {BIT(w, 0) % 8, BIT(w, 1) % 8, BIT(w, 2) % 8, BIT(w, 3) % 8,                                   \
     BIT(w, 4) % 8, BIT(w, 5) % 8, BIT(w, 6) % 8, BIT(w, 7) % 8}
#define WIDTHS(X)                                                                                  \
    X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), X(14),       \
        X(15), X(16), X(17), X(18), X(19), X(20), X(21), X(22), X(23), X(24), X(25)

static const uint8_t shuffles[VECTOR_WIDTH_MAX][32] = {WIDTHS(SHUFFLE)};
static const uint32_t shifts[VECTOR_WIDTH_MAX][8] = {WIDTHS(SHIFT)};

__attribute__((target("avx2"))) static uint32_t unpack_avx2(const uint8_t *from, uint32_t width,
                                                            size_t group_count, uint32_t *to)
{
    const __m256i shuffle = _mm256_loadu_si256((const __m256i *)shuffles[width - 1]);
    const __m256i shift = _mm256_loadu_si256((const __m256i *)shifts[width - 1]);
    const __m256i mask = _mm256_set1_epi32((int)(((uint32_t)1 << width) - 1));
    const size_t half = 4 * width / 8;
    __m256i largest = _mm256_setzero_si256();
    uint32_t lanes[8], result = 0;

    for (size_t g = 0; g < group_count; g++, from += width, to += 8) {
        __m128i low = _mm_loadu_si128((const __m128i *)from);
        __m128i high = _mm_loadu_si128((const __m128i *)(from + half));
        __m256i bytes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), shuffle);
        __m256i values = _mm256_and_si256(_mm256_srlv_epi32(bytes, shift), mask);

        largest = _mm256_max_epu32(largest, values);
        _mm256_storeu_si256((__m256i *)to, values);
    }
    _mm256_storeu_si256((__m256i *)lanes, largest);
    for (int i = 0; i < 8; i++)
        result = lanes[i] > result ? lanes[i] : result;
    return result;
}

uint32_t bit_unpack_groups(const uint8_t *from, uint32_t width, size_t group_count, uint32_t *to)
{
    if (width <= VECTOR_WIDTH_MAX && __builtin_cpu_supports("avx2"))
        return unpack_avx2(from, width, group_count, to);
    return unpack_scalar(from, width, group_count, to);
}

#else

uint32_t bit_unpack_groups(const uint8_t *from, uint32_t width, size_t group_count, uint32_t *to)
{
    return unpack_scalar(from, width, group_count, to);
}

#endif
