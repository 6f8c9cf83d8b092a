/*
 * decimal.h -- scaled integers: powers of ten, rounding division, 256-bit products
 *
 * A numeric(p,s) is an integer, value * 10^s. Everything here is inline, so that kernels compile it
 * into their loops. Rounding is half away from zero, as PostgreSQL's.
 */
#ifndef VONK_CORE_DATA_DECIMAL_H
#define VONK_CORE_DATA_DECIMAL_H

#include <stdbool.h>

#include "core/data/type.h"

#define DECIMAL_E18 ((Int128)1000000000000000000)
#define DECIMAL_E36 (DECIMAL_E18 * DECIMAL_E18)

static const int64_t decimal_pow10_64[19] = {1,
                                             10,
                                             100,
                                             1000,
                                             10000,
                                             100000,
                                             1000000,
                                             10000000,
                                             100000000,
                                             1000000000,
                                             10000000000,
                                             100000000000,
                                             1000000000000,
                                             10000000000000,
                                             100000000000000,
                                             1000000000000000,
                                             10000000000000000,
                                             100000000000000000,
                                             1000000000000000000};

/* 10^digits, 0 <= digits <= 38 */
static inline Int128 decimal_pow10(int32_t digits)
{
    if (digits <= 18)
        return decimal_pow10_64[digits];
    if (digits <= 36)
        return DECIMAL_E18 * decimal_pow10_64[digits - 18];
    return DECIMAL_E36 * decimal_pow10_64[digits - 36];
}

static inline UInt128 decimal_magnitude(Int128 value)
{
    return value < 0 ? -(UInt128)value : (UInt128)value;
}

static inline bool decimal_fits(Int128 value, int32_t precision)
{
    return decimal_magnitude(value) < (UInt128)decimal_pow10(precision);
}

/* value / divisor rounded half away from zero; divisor > 0. */
static inline Int128 decimal_divide_round(Int128 value, Int128 divisor)
{
    Int128 quotient = value / divisor, rest = value % divisor;
    UInt128 twice = decimal_magnitude(rest) * 2;

    if (twice >= (UInt128)divisor)
        quotient += value < 0 ? -1 : 1;
    return quotient;
}

/* An unsigned number of four 64-bit words, the least significant first. */
typedef struct UInt256 {
    uint64_t word[4];
} UInt256;

static inline UInt256 uint256_multiply(UInt128 a, UInt128 b)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    UInt128 low = (UInt128)a0 * b0;
    UInt128 mid1 = (UInt128)a0 * b1 + (uint64_t)(low >> 64);
    UInt128 mid2 = (UInt128)a1 * b0 + (uint64_t)mid1;
    UInt128 high = (UInt128)a1 * b1 + (uint64_t)(mid1 >> 64) + (uint64_t)(mid2 >> 64);

    return (UInt256){{(uint64_t)low, (uint64_t)mid2, (uint64_t)high, (uint64_t)(high >> 64)}};
}

static inline bool uint256_fits_128(UInt256 a)
{
    return a.word[2] == 0 && a.word[3] == 0;
}

static inline UInt128 uint256_low(UInt256 a)
{
    return (UInt128)a.word[1] << 64 | a.word[0];
}

/* a / divisor with *rest_out; bit by bit, unless the divisor has 64 bits. divisor != 0. */
static inline UInt256 uint256_divide(UInt256 a, UInt128 divisor, UInt128 *rest_out)
{
    UInt256 quotient = {{0, 0, 0, 0}};
    UInt128 rest = 0;

    if (divisor >> 64 == 0) {
        for (int i = 3; i >= 0; i--) {
            UInt128 part = rest << 64 | a.word[i];

            quotient.word[i] = (uint64_t)(part / divisor);
            rest = part % divisor;
        }
        *rest_out = rest;
        return quotient;
    }
    for (int bit = 255; bit >= 0; bit--) {
        bool carry = rest >> 127;

        rest = rest << 1 | ((a.word[bit / 64] >> (bit % 64)) & 1);
        if (carry || rest >= divisor) {
            rest -= divisor;
            quotient.word[bit / 64] |= (uint64_t)1 << (bit % 64);
        }
    }
    *rest_out = rest;
    return quotient;
}

/* a * b / divisor rounded half away from zero; false when the result has more than 38 digits. */
static inline bool decimal_multiply_divide(Int128 a, Int128 b, Int128 divisor, Int128 *result_out)
{
    bool is_negative = (a < 0) != (b < 0);
    UInt128 by = decimal_magnitude(divisor), rest;
    UInt256 product = uint256_multiply(decimal_magnitude(a), decimal_magnitude(b));
    UInt256 quotient;
    UInt128 low;

    if (uint256_fits_128(product)) {
        low = uint256_low(product) / by;
        rest = uint256_low(product) % by;
    } else {
        quotient = uint256_divide(product, by, &rest);
        if (!uint256_fits_128(quotient))
            return false;
        low = uint256_low(quotient);
    }
    if (rest >= by - rest)
        low++;
    if (low >= (UInt128)decimal_pow10(DECIMAL_DIGITS))
        return false;
    *result_out = is_negative != (divisor < 0) ? -(Int128)low : (Int128)low;
    return true;
}

/* From one scale to another, rounding; false when the result has more than 38 digits. */
static inline bool decimal_rescale(Int128 value, int32_t from_scale, int32_t to_scale,
                                   Int128 *result_out)
{
    if (to_scale <= from_scale) {
        *result_out = to_scale == from_scale
                          ? value
                          : decimal_divide_round(value, decimal_pow10(from_scale - to_scale));
        return true;
    }
    if (!decimal_fits(value, DECIMAL_DIGITS - (to_scale - from_scale)))
        return false;
    *result_out = value * decimal_pow10(to_scale - from_scale);
    return true;
}

#endif
