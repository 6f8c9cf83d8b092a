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

#endif
