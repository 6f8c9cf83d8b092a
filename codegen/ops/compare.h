/*
 * compare.h -- = <> < <= > >= on each type
 *
 * Floats: NaN equals NaN and is greater than all else, -0 equals 0. Text by bytes. Intervals as
 * 30-day months and 24-hour days.
 */
#ifndef VONK_CODEGEN_OPS_COMPARE_H
#define VONK_CODEGEN_OPS_COMPARE_H

#include "codegen/ops/op_context.h"

#define COMPARE_ONE(name, T, EXPRESSION)                                                           \
    static inline uint8_t op_##name(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return EXPRESSION;                                                                         \
    }

#define COMPARE_PLAIN(suffix, T)                                                                   \
    COMPARE_ONE(eq_##suffix, T, a == b)                                                            \
    COMPARE_ONE(ne_##suffix, T, a != b)                                                            \
    COMPARE_ONE(lt_##suffix, T, a < b)                                                             \
    COMPARE_ONE(le_##suffix, T, a <= b)                                                            \
    COMPARE_ONE(gt_##suffix, T, a > b)                                                             \
    COMPARE_ONE(ge_##suffix, T, a >= b)

COMPARE_PLAIN(bool, uint8_t)
COMPARE_PLAIN(int2, int16_t)
COMPARE_PLAIN(int4, int32_t)
COMPARE_PLAIN(int8, int64_t)
COMPARE_PLAIN(dec64, int64_t)
COMPARE_PLAIN(dec128, Int128)
COMPARE_PLAIN(date, int32_t)
COMPARE_PLAIN(timestamp, int64_t)

/* Without branches: x != x says NaN. */
#define COMPARE_FLOAT(suffix, T)                                                                   \
    COMPARE_ONE(eq_##suffix, T, (a == b) | ((a != a) & (b != b)))                                  \
    COMPARE_ONE(ne_##suffix, T, !((a == b) | ((a != a) & (b != b))))                               \
    COMPARE_ONE(lt_##suffix, T, (a < b) | ((b != b) & (a == a)))                                   \
    COMPARE_ONE(le_##suffix, T, (a <= b) | (b != b))                                               \
    COMPARE_ONE(gt_##suffix, T, (a > b) | ((a != a) & (b == b)))                                   \
    COMPARE_ONE(ge_##suffix, T, (a >= b) | (a != a))

COMPARE_FLOAT(float4, float)
COMPARE_FLOAT(float8, double)

COMPARE_ONE(eq_text, Str, str_equal(a, b))
COMPARE_ONE(ne_text, Str, !str_equal(a, b))
COMPARE_ONE(lt_text, Str, str_compare(a, b) < 0)
COMPARE_ONE(le_text, Str, str_compare(a, b) <= 0)
COMPARE_ONE(gt_text, Str, str_compare(a, b) > 0)
COMPARE_ONE(ge_text, Str, str_compare(a, b) >= 0)

/* The span in microseconds. */
static inline Int128 op_interval_span(Interval interval)
{
    int64_t days = (int64_t)interval.months * 30 + interval.days;

    return (Int128)days * INT64_C(86400000000) + interval.micros;
}

COMPARE_ONE(eq_interval, Interval, op_interval_span(a) == op_interval_span(b))
COMPARE_ONE(ne_interval, Interval, op_interval_span(a) != op_interval_span(b))
COMPARE_ONE(lt_interval, Interval, op_interval_span(a) < op_interval_span(b))
COMPARE_ONE(le_interval, Interval, op_interval_span(a) <= op_interval_span(b))
COMPARE_ONE(gt_interval, Interval, op_interval_span(a) > op_interval_span(b))
COMPARE_ONE(ge_interval, Interval, op_interval_span(a) >= op_interval_span(b))

#endif
