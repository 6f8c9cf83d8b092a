/*
 * float_sum.h -- sums of doubles that do not depend on the order of the summands
 *
 * The idea is Demmel and Nguyen's ("Parallel reproducible summation", 2015; see also arXiv
 * 1802.09883), on integers: the bits of a double from 2^-1074 up are cut into bins of 64 bits at
 * fixed places, each summand adds its one or two pieces to the sums of those bins, and only the
 * three highest bins that any summand reached are kept.
 *
 *     bin        top          top-1        top-2       (dropped)
 *     x      0000 hhhh     llll llll
 *     y                    0000 0hhh     llll llll
 *
 * A piece of a bin depends on its summand only, integers add exactly, and a bin that is dropped
 *     when
 * a larger summand arrives would have been dropped from the start, had that one come first. So the
 * three sums depend on nothing but the set of summands: same bits in any order and grouping. At
 *     least
 * 75 bits below the largest summand's first bit are kept, so the sum is also more exact than a
 * plain one; pieces carry their summand's sign, so x and -x leave nothing.
 *
 * The bins' ends lie at 2^-32, 2^32 and so on, so that most columns of data stay within one.
 *
 * All zero bits is the empty sum. A bin overflows after 2^63 summands.
 */
#ifndef VONK_CODEGEN_OPS_FLOAT_SUM_H
#define VONK_CODEGEN_OPS_FLOAT_SUM_H

#include "codegen/ops/op_context.h"

enum { FLOAT_SUM_PLACE = 34 }; /* of 2^-1074, counted from the lowest bin's bit 0 */
enum { FLOAT_SUM_BINS = 3, FLOAT_SUM_NAN = 1, FLOAT_SUM_INF = 2, FLOAT_SUM_MINUS_INF = 4 };

typedef struct FloatSum {
    Int128 bin[FLOAT_SUM_BINS]; /* the highest first                                        */
    int32_t top;                /* bin 0 holds places from 64 top up; 0: none yet            */
    uint32_t specials;          /* FLOAT_SUM_NAN, ... seen                                  */
    int64_t count;
} FloatSum;

/* Makes room for bins up to top, dropping the lowest. */
static inline void float_sum_raise(FloatSum *sum, int32_t top)
{
    int32_t up = top - sum->top;

    sum->bin[2] = up == 1 ? sum->bin[1] : up == 2 ? sum->bin[0] : 0;
    sum->bin[1] = up == 1 ? sum->bin[0] : 0;
    sum->bin[0] = 0;
    sum->top = top;
}

static inline void float_sum_special(FloatSum *sum, double x)
{
    sum->specials |= x != x ? FLOAT_SUM_NAN : x > 0 ? FLOAT_SUM_INF : FLOAT_SUM_MINUS_INF;
}

/* Does not count. */
static inline void float_sum_add_part(FloatSum *sum, double x)
{
    uint64_t bits, significand, sign;
    int32_t exponent, place, down;
    int64_t high;
    Int128 low; /* high and low: the pieces of two neighbouring bins, with x's sign */
    UInt128 shifted;

    memcpy(&bits, &x, sizeof bits);
    exponent = (int32_t)(bits >> 52) & 0x7ff;
    if (__builtin_expect(exponent == 0x7ff, 0)) {
        float_sum_special(sum, x);
        return;
    }
    significand = (bits & 0xfffffffffffff) | (uint64_t)(exponent != 0) << 52;
    if (significand == 0)
        return;
    place = exponent - (exponent != 0) + FLOAT_SUM_PLACE; /* of the significand's bit 0 */
    shifted = (UInt128)significand << (place & 63);
    sign = (uint64_t)((int64_t)bits >> 63); /* all ones or none: x ^ sign - sign is x or -x */
    high = (int64_t)(((uint64_t)(shifted >> 64) ^ sign) - sign);
    low = (Int128)(((UInt128)sign << 64 | ((uint64_t)shifted ^ sign)) + (sign & 1));
    down = sum->top - ((place >> 6) + 1);
    if (__builtin_expect(down <= 0, 1)) {
        if (down < 0)
            float_sum_raise(sum, (place >> 6) + 1);
        sum->bin[0] += high;
        sum->bin[1] += low;
    } else if (down == 1) {
        sum->bin[1] += high;
        sum->bin[2] += low;
    } else if (down == 2) {
        sum->bin[2] += high;
    }
}

static inline void float_sum_add(FloatSum *sum, double x)
{
    sum->count++;
    float_sum_add_part(sum, x);
}

static inline void float_sum_merge(FloatSum *into, const FloatSum *from)
{
    FloatSum more = *from;

    if (more.top > into->top)
        float_sum_raise(into, more.top);
    else if (more.top < into->top)
        float_sum_raise(&more, into->top);
    for (int i = 0; i < FLOAT_SUM_BINS; i++)
        into->bin[i] += more.bin[i];
    into->specials |= more.specials;
    into->count += more.count;
}

#endif
