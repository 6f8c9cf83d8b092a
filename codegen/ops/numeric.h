/*
 * numeric.h -- arithmetic of numerics, integers scaled by powers of ten
 *
 * Sums come with equal scales, products have the sum of the scales. The _scaled forms are told what
 * the plan's types say (see functions_math.def). Rounding is half away from zero.
 */
#ifndef VONK_CODEGEN_OPS_NUMERIC_H
#define VONK_CODEGEN_OPS_NUMERIC_H

#include "codegen/ops/arith.h"
#include "core/data/decimal.h"

static inline Int128 op_checked_dec128(OpCtx *ctx, Int128 value, bool overflowed)
{
    op_raise_if(ctx, overflowed || !decimal_fits(value, DECIMAL_DIGITS), OPERR_NUMERIC_OVERFLOW);
    return value;
}

static inline Int128 op_add_dec128(OpCtx *ctx, Int128 a, Int128 b)
{
    Int128 sum;
    bool overflowed = __builtin_add_overflow(a, b, &sum);

    return op_checked_dec128(ctx, sum, overflowed);
}

static inline Int128 op_sub_dec128(OpCtx *ctx, Int128 a, Int128 b)
{
    Int128 difference;
    bool overflowed = __builtin_sub_overflow(a, b, &difference);

    return op_checked_dec128(ctx, difference, overflowed);
}

static inline Int128 op_neg_dec128(OpCtx *ctx, Int128 a)
{
    (void)ctx;
    return -a;
}

static inline Int128 op_abs_dec128(OpCtx *ctx, Int128 a)
{
    (void)ctx;
    return a < 0 ? -a : a;
}

static inline Int128 op_mul_wide_dec64(OpCtx *ctx, int64_t a, int64_t b)
{
    (void)ctx;
    return (Int128)a * b;
}

static inline Int128 op_widen_dec64(OpCtx *ctx, int64_t a)
{
    (void)ctx;
    return a;
}

static inline Int128 op_mul_scaled_dec128(OpCtx *ctx, Int128 a, Int128 b, int32_t drop_digits)
{
    Int128 product = 0;

    if (!decimal_multiply_divide(a, b, decimal_pow10(drop_digits), &product))
        op_raise(ctx, OPERR_NUMERIC_OVERFLOW);
    return product;
}

static inline Int128 op_mul_dec128(OpCtx *ctx, Int128 a, Int128 b)
{
    if (a == (int64_t)a && b == (int64_t)b)
        return (Int128)(int64_t)a * (int64_t)b;
    return op_mul_scaled_dec128(ctx, a, b, 0);
}

static inline Int128 op_align_dec128(OpCtx *ctx, Int128 a, int32_t add_digits)
{
    (void)ctx;
    if (add_digits < 0 || add_digits > DECIMAL_DIGITS)
        add_digits = DECIMAL_DIGITS;
    if (decimal_fits(a, DECIMAL_DIGITS - add_digits))
        return a * decimal_pow10(add_digits);
    return a < 0 ? -decimal_pow10(DECIMAL_DIGITS) : decimal_pow10(DECIMAL_DIGITS);
}

/* a * 10^add_digits / b */
static inline Int128 op_div_scaled_dec128(OpCtx *ctx, Int128 a, Int128 b, int32_t add_digits)
{
    Int128 quotient = 0;

    if (b == 0)
        op_raise(ctx, OPERR_DIVISION_BY_ZERO);
    else if (!decimal_multiply_divide(a, decimal_pow10(add_digits), b, &quotient))
        op_raise(ctx, OPERR_NUMERIC_OVERFLOW);
    return quotient;
}

static inline Int128 op_div_dec128(OpCtx *ctx, Int128 a, Int128 b)
{
    return op_div_scaled_dec128(ctx, a, b, 0);
}

static inline int64_t op_div_dec64(OpCtx *ctx, int64_t a, int64_t b)
{
    return (int64_t)op_div_scaled_dec128(ctx, a, b, 0);
}

static inline int64_t op_mod_dec64(OpCtx *ctx, int64_t a, int64_t b)
{
    op_raise_if(ctx, b == 0, OPERR_DIVISION_BY_ZERO);
    return b == 0 || b == -1 ? 0 : a % b;
}

static inline Int128 op_mod_dec128(OpCtx *ctx, Int128 a, Int128 b)
{
    op_raise_if(ctx, b == 0, OPERR_DIVISION_BY_ZERO);
    return b == 0 ? 0 : a % b;
}

static inline int64_t op_int_div_dec64(OpCtx *ctx, int64_t a, int64_t b)
{
    op_raise_if(ctx, b == 0, OPERR_DIVISION_BY_ZERO);
    return b == 0 || b == -1 ? -(b != 0) * a : a / b;
}

static inline Int128 op_int_div_dec128(OpCtx *ctx, Int128 a, Int128 b)
{
    op_raise_if(ctx, b == 0, OPERR_DIVISION_BY_ZERO);
    return b == 0 ? 0 : a / b;
}

/* --- rounding to scale 0, and to a number of digits after the point (at the same scale) --- */

static inline Int128 op_floor_part(Int128 a, Int128 unit)
{
    return a / unit - (a % unit < 0);
}

#define NUMERIC_ROUNDING(suffix, T)                                                                \
    static inline T op_sign_scaled_##suffix(OpCtx *ctx, T a, int32_t scale)                        \
    {                                                                                              \
        (void)ctx;                                                                                 \
        (void)scale;                                                                               \
        return (a > 0) - (a < 0);                                                                  \
    }                                                                                              \
    static inline T op_floor_scaled_##suffix(OpCtx *ctx, T a, int32_t scale)                       \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)op_floor_part(a, decimal_pow10(scale));                                          \
    }                                                                                              \
    static inline T op_ceil_scaled_##suffix(OpCtx *ctx, T a, int32_t scale)                        \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T) - op_floor_part(-(Int128)a, decimal_pow10(scale));                              \
    }                                                                                              \
    static inline T op_round_scaled_##suffix(OpCtx *ctx, T a, int32_t scale)                       \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)decimal_divide_round(a, decimal_pow10(scale));                                   \
    }                                                                                              \
    static inline T op_trunc_scaled_##suffix(OpCtx *ctx, T a, int32_t scale)                       \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)(a / decimal_pow10(scale));                                                      \
    }                                                                                              \
    static inline T op_round_to_scaled_##suffix(OpCtx *ctx, T a, int32_t digits, int32_t scale)    \
    {                                                                                              \
        Int128 unit, rounded;                                                                      \
        if (digits >= scale)                                                                       \
            return a;                                                                              \
        if (digits < scale - DECIMAL_DIGITS)                                                       \
            return 0;                                                                              \
        unit = decimal_pow10(scale - digits);                                                      \
        if (__builtin_mul_overflow(decimal_divide_round(a, unit), unit, &rounded) ||               \
            !decimal_fits(rounded, sizeof(T) == 8 ? DECIMAL64_DIGITS : DECIMAL_DIGITS))            \
            op_raise(ctx, OPERR_NUMERIC_OVERFLOW);                                                 \
        return (T)rounded;                                                                         \
    }                                                                                              \
    static inline T op_trunc_to_scaled_##suffix(OpCtx *ctx, T a, int32_t digits, int32_t scale)    \
    {                                                                                              \
        Int128 unit;                                                                               \
        (void)ctx;                                                                                 \
        if (digits >= scale)                                                                       \
            return a;                                                                              \
        if (digits < scale - DECIMAL_DIGITS)                                                       \
            return 0;                                                                              \
        unit = decimal_pow10(scale - digits);                                                      \
        return (T)(a / unit * unit);                                                               \
    }                                                                                              \
    static inline T op_sign_##suffix(OpCtx *ctx, T a)                                              \
    {                                                                                              \
        return op_sign_scaled_##suffix(ctx, a, 0);                                                 \
    }                                                                                              \
    static inline T op_floor_##suffix(OpCtx *ctx, T a)                                             \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return a;                                                                                  \
    }                                                                                              \
    static inline T op_ceil_##suffix(OpCtx *ctx, T a)                                              \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return a;                                                                                  \
    }                                                                                              \
    static inline T op_round_##suffix(OpCtx *ctx, T a)                                             \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return a;                                                                                  \
    }                                                                                              \
    static inline T op_trunc_##suffix(OpCtx *ctx, T a)                                             \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return a;                                                                                  \
    }                                                                                              \
    static inline T op_round_to_##suffix(OpCtx *ctx, T a, int32_t digits)                          \
    {                                                                                              \
        return op_round_to_scaled_##suffix(ctx, a, digits, 0);                                     \
    }                                                                                              \
    static inline T op_trunc_to_##suffix(OpCtx *ctx, T a, int32_t digits)                          \
    {                                                                                              \
        return op_trunc_to_scaled_##suffix(ctx, a, digits, 0);                                     \
    }

NUMERIC_ROUNDING(dec64, int64_t)
NUMERIC_ROUNDING(dec128, Int128)

/* 33! is the largest that 38 digits hold. */
static inline Int128 op_factorial_int8(OpCtx *ctx, int64_t n)
{
    Int128 product = 1;

    if (n < 0 || n > 33) {
        op_raise(ctx, n < 0 ? OPERR_FACTORIAL_NEGATIVE : OPERR_VALUE_OVERFLOW);
        return 0;
    }
    for (int64_t i = 2; i <= n; i++)
        product *= i;
    return product;
}

#endif
