/*
 * math.h -- functions of doubles; errors as PostgreSQL's
 *
 * Results are those of the C library: the last bit may differ between its versions.
 */
#ifndef VONK_CODEGEN_OPS_MATH_H
#define VONK_CODEGEN_OPS_MATH_H

#include <math.h>

#include "codegen/ops/op_context.h"

static inline double op_sign_float8(OpCtx *ctx, double a)
{
    (void)ctx;
    return (a > 0) - (a < 0);
}

#define MATH_PLAIN(name, FUNCTION)                                                                 \
    static inline double op_##name##_float8(OpCtx *ctx, double a)                                  \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return FUNCTION(a);                                                                        \
    }

MATH_PLAIN(ceil, ceil)
MATH_PLAIN(floor, floor)
MATH_PLAIN(round, rint) /* half to even */
MATH_PLAIN(trunc, trunc)
MATH_PLAIN(cbrt, cbrt)
MATH_PLAIN(atan, atan)
MATH_PLAIN(tanh, tanh)
MATH_PLAIN(asinh, asinh)

static inline double op_sqrt_float8(OpCtx *ctx, double a)
{
    op_raise_if(ctx, a < 0, OPERR_SQRT_OF_NEGATIVE);
    return sqrt(a);
}

static inline double op_exp_float8(OpCtx *ctx, double a)
{
    double result = exp(a);

    op_raise_if(ctx, isinf(result) && !isinf(a), OPERR_FLOAT_OVERFLOW);
    op_raise_if(ctx, result == 0 && !isinf(a), OPERR_FLOAT_UNDERFLOW);
    return result;
}

#define MATH_LOG(name, FUNCTION)                                                                   \
    static inline double op_##name##_float8(OpCtx *ctx, double a)                                  \
    {                                                                                              \
        op_raise_if(ctx, a == 0, OPERR_LOG_OF_ZERO);                                               \
        op_raise_if(ctx, a < 0, OPERR_LOG_OF_NEGATIVE);                                            \
        return FUNCTION(a);                                                                        \
    }

MATH_LOG(ln, log)
MATH_LOG(log, log10)

/* Not defined at infinity. */
#define MATH_CIRCLE(name, FUNCTION)                                                                \
    static inline double op_##name##_float8(OpCtx *ctx, double a)                                  \
    {                                                                                              \
        op_raise_if(ctx, isinf(a), OPERR_INPUT_RANGE);                                             \
        return FUNCTION(a);                                                                        \
    }

MATH_CIRCLE(sin, sin)
MATH_CIRCLE(cos, cos)
MATH_CIRCLE(tan, tan)

static inline double op_cot_float8(OpCtx *ctx, double a)
{
    op_raise_if(ctx, isinf(a), OPERR_INPUT_RANGE);
    return 1.0 / tan(a);
}

#define MATH_WITHIN(name, FUNCTION, OUTSIDE)                                                       \
    static inline double op_##name##_float8(OpCtx *ctx, double a)                                  \
    {                                                                                              \
        op_raise_if(ctx, OUTSIDE, OPERR_INPUT_RANGE);                                              \
        return FUNCTION(a);                                                                        \
    }

MATH_WITHIN(asin, asin, a < -1 || a > 1)
MATH_WITHIN(acos, acos, a < -1 || a > 1)
MATH_WITHIN(acosh, acosh, a < 1)
MATH_WITHIN(atanh, atanh, a < -1 || a > 1)

/* PostgreSQL lets sinh and cosh overflow to infinity. */
MATH_PLAIN(sinh, sinh)
MATH_PLAIN(cosh, cosh)

static inline double op_degrees_float8(OpCtx *ctx, double a)
{
    double result = a / (M_PI / 180.0);

    op_raise_if(ctx, isinf(result) && !isinf(a), OPERR_FLOAT_OVERFLOW);
    op_raise_if(ctx, result == 0 && a != 0, OPERR_FLOAT_UNDERFLOW);
    return result;
}

static inline double op_radians_float8(OpCtx *ctx, double a)
{
    double result = a * (M_PI / 180.0);

    op_raise_if(ctx, isinf(result) && !isinf(a), OPERR_FLOAT_OVERFLOW);
    op_raise_if(ctx, result == 0 && a != 0, OPERR_FLOAT_UNDERFLOW);
    return result;
}

static inline double op_atan2_float8(OpCtx *ctx, double y, double x)
{
    (void)ctx;
    return atan2(y, x);
}

static inline double op_power_float8(OpCtx *ctx, double a, double b)
{
    double result;

    if (isnan(a) || isnan(b)) /* NaN^0 and 1^NaN are 1 */
        return b == 0 || a == 1 ? 1.0 : a + b;
    if (a == 0 && b < 0) {
        op_raise(ctx, OPERR_ZERO_TO_NEGATIVE);
        return 0;
    }
    if (a < 0 && floor(b) != b) {
        op_raise(ctx, OPERR_COMPLEX_POWER);
        return 0;
    }
    result = pow(a, b);
    if (!isinf(a) && !isinf(b)) {
        op_raise_if(ctx, isinf(result), OPERR_FLOAT_OVERFLOW);
        op_raise_if(ctx, result == 0 && a != 0, OPERR_FLOAT_UNDERFLOW);
    }
    return result;
}

/* log(base, value) */
static inline double op_log_base(OpCtx *ctx, double base, double value)
{
    op_raise_if(ctx, base == 0 || value == 0, OPERR_LOG_OF_ZERO);
    if (base < 0 || value < 0) {
        op_raise(ctx, OPERR_LOG_OF_NEGATIVE);
        return 0;
    }
    op_raise_if(ctx, base == 1, OPERR_DIVISION_BY_ZERO);
    return log(value) / log(base);
}

/* The first argument is in the low half. */
static inline Int128 op_float_pair(OpCtx *ctx, double first, double second)
{
    uint64_t low, high;

    (void)ctx;
    memcpy(&low, &first, sizeof low);
    memcpy(&high, &second, sizeof high);
    return (Int128)((UInt128)high << 64 | low);
}

/* Which of count equal parts of [low, high) the value lies in: 0 before, count + 1 behind; low
 * may be the higher end. */
static inline int32_t op_width_bucket_float8(OpCtx *ctx, double value, double low, double high,
                                             int32_t count)
{
    double part;

    if (count <= 0 || value != value || low - low != 0 || high - high != 0 || low == high) {
        op_raise(ctx, count <= 0                                     ? OPERR_BUCKET_COUNT
                      : value != value || low != low || high != high ? OPERR_BUCKET_NAN
                      : low == high                                  ? OPERR_BUCKET_EQUAL
                                                                     : OPERR_BUCKET_INFINITE);
        return 0;
    }
    if (low < high ? value < low : value > low)
        return 0;
    if (low < high ? value >= high : value <= high) {
        op_raise_if(ctx, count == INT32_MAX, OPERR_INT4_RANGE);
        return count == INT32_MAX ? count : count + 1;
    }
    part = (value - low) / (high - low);
    return (int32_t)(part * count) + 1;
}

#endif
