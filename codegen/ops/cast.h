/*
 * cast.h -- casts; see core/plan/functions_cast.def for their arguments
 *
 * Floats become integers by rounding half to even and numerics by their 15 (real: 6) significant
 * digits, numerics become integers by rounding half away from zero: all as PostgreSQL.
 */
#ifndef VONK_CODEGEN_OPS_CAST_H
#define VONK_CODEGEN_OPS_CAST_H

#include <math.h>

#include "codegen/ops/numeric.h"
#include "core/data/calendar.h"
#include "core/data/value_text.h"

/* --- integers and floats --- */

#define CAST_EXACT(from, to, From, To)                                                             \
    static inline To op_cast_##from##_##to(OpCtx *ctx, From a)                                     \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (To)a;                                                                              \
    }
#define CAST_NARROW(from, to, From, To, RANGE)                                                     \
    static inline To op_cast_##from##_##to(OpCtx *ctx, From a)                                     \
    {                                                                                              \
        op_raise_if(ctx, a != (To)a, RANGE);                                                       \
        return (To)a;                                                                              \
    }

CAST_EXACT(int2, int4, int16_t, int32_t)
CAST_EXACT(int2, int8, int16_t, int64_t)
CAST_EXACT(int4, int8, int32_t, int64_t)
CAST_NARROW(int4, int2, int32_t, int16_t, OPERR_INT2_RANGE)
CAST_NARROW(int8, int2, int64_t, int16_t, OPERR_INT2_RANGE)
CAST_NARROW(int8, int4, int64_t, int32_t, OPERR_INT4_RANGE)
CAST_EXACT(int2, float4, int16_t, float)
CAST_EXACT(int2, float8, int16_t, double)
CAST_EXACT(int4, float4, int32_t, float)
CAST_EXACT(int4, float8, int32_t, double)
CAST_EXACT(int8, float4, int64_t, float)
CAST_EXACT(int8, float8, int64_t, double)
CAST_EXACT(float4, float8, float, double)
CAST_EXACT(bool, int4, uint8_t, int32_t)

static inline uint8_t op_cast_int4_bool(OpCtx *ctx, int32_t a)
{
    (void)ctx;
    return a != 0;
}

/* LIMIT = 2^(bits-1) is a float; the largest integer itself need not be. */
#define CAST_ROUND(from, to, From, To, LIMIT, RANGE)                                               \
    static inline To op_cast_##from##_##to(OpCtx *ctx, From a)                                     \
    {                                                                                              \
        From rounded = (From)rint(a);                                                              \
        bool fits = rounded >= -(From)LIMIT && rounded < (From)LIMIT;                              \
        op_raise_if(ctx, !fits, RANGE);                                                            \
        return fits ? (To)rounded : 0;                                                             \
    }

CAST_ROUND(float4, int2, float, int16_t, 32768.0, OPERR_INT2_RANGE)
CAST_ROUND(float4, int4, float, int32_t, 2147483648.0, OPERR_INT4_RANGE)
CAST_ROUND(float4, int8, float, int64_t, 9223372036854775808.0, OPERR_INT8_RANGE)
CAST_ROUND(float8, int2, double, int16_t, 32768.0, OPERR_INT2_RANGE)
CAST_ROUND(float8, int4, double, int32_t, 2147483648.0, OPERR_INT4_RANGE)
CAST_ROUND(float8, int8, double, int64_t, 9223372036854775808.0, OPERR_INT8_RANGE)

static inline float op_cast_float8_float4(OpCtx *ctx, double a)
{
    float narrow = (float)a;

    op_raise_if(ctx, isinf(narrow) && !isinf(a), OPERR_FLOAT_OVERFLOW);
    op_raise_if(ctx, narrow == 0 && a != 0, OPERR_FLOAT_UNDERFLOW);
    return narrow;
}

/* --- numerics --- */

static inline Int128 op_fit_decimal(OpCtx *ctx, Int128 value, bool is_done, int32_t precision,
                                    int32_t scale)
{
    if (!is_done || !decimal_fits(value, precision)) {
        op__raise_precision(ctx, precision, scale);
        return 0;
    }
    return value;
}

static inline Int128 op_cast_any_decimal(OpCtx *ctx, Int128 value, int32_t from_scale,
                                         int32_t precision, int32_t scale)
{
    Int128 rescaled = 0;
    bool is_done = decimal_rescale(value, from_scale, scale, &rescaled);

    return op_fit_decimal(ctx, rescaled, is_done, precision, scale);
}

/* Within 64 bits, as both sides are: no 128-bit division. More digits: op_scale_up_dec64. */
static inline int64_t op_cast_dec64_dec64(OpCtx *ctx, int64_t a, int32_t from_scale,
                                          int32_t precision, int32_t scale)
{
    int64_t limit = decimal_pow10_64[precision];
    int64_t unit = decimal_pow10_64[from_scale - scale], rescaled = a / unit;

    rescaled += (a % unit >= unit - unit / 2) - (a % unit <= unit / 2 - unit);
    if (rescaled >= limit || rescaled <= -limit)
        op__raise_precision(ctx, precision, scale);
    return rescaled;
}

static inline Int128 op_cast_dec64_dec128(OpCtx *ctx, int64_t a, int32_t from_scale,
                                          int32_t precision, int32_t scale)
{
    return op_cast_any_decimal(ctx, a, from_scale, precision, scale);
}

static inline int64_t op_cast_dec128_dec64(OpCtx *ctx, Int128 a, int32_t from_scale,
                                           int32_t precision, int32_t scale)
{
    return (int64_t)op_cast_any_decimal(ctx, a, from_scale, precision, scale);
}

static inline Int128 op_cast_dec128_dec128(OpCtx *ctx, Int128 a, int32_t from_scale,
                                           int32_t precision, int32_t scale)
{
    return op_cast_any_decimal(ctx, a, from_scale, precision, scale);
}

/* A double's decimal digits, rounded to the scale; a slow matter. (number_cast.c) */
Int128 op__float_decimal(OpCtx *ctx, double a, int32_t digits, int32_t precision, int32_t scale);
double op__decimal_float8(Int128 a, int32_t scale);
float op__decimal_float4(Int128 a, int32_t scale);

static inline double op_decimal_float8(Int128 a, int32_t scale)
{
    /* both exact: then so is the rounding of the quotient */
    if (a < (Int128)1 << 53 && a > -((Int128)1 << 53) && scale <= 18)
        return (double)(int64_t)a / (double)decimal_pow10_64[scale];
    return op__decimal_float8(a, scale);
}

static inline double op_dec64_float8(OpCtx *ctx, int64_t a, int32_t scale)
{
    if (!OP_IS_COMPILED)
        return op_decimal_float8(a, scale);
    op_raise_if(ctx, !op_are_small_wholes(a, 0), OPERR_NUMERIC_OVERFLOW);
    return op_small_whole_float8(a) / (double)decimal_pow10_64[scale];
}

static inline double op_dec128_float8(OpCtx *ctx, Int128 a, int32_t scale)
{
    (void)ctx;
    return op_decimal_float8(a, scale);
}

/* Within 64 bits: |a| * unit < limit exactly where |a| <= (limit - 1) / unit. */
static inline int64_t op_scale_up_dec64(OpCtx *ctx, int64_t a, int32_t digits, int32_t precision,
                                        int32_t scale)
{
    int64_t unit = decimal_pow10_64[digits], most = (decimal_pow10_64[precision] - 1) / unit;
    bool fits = (a <= most) & (a >= -most);

    if (OP_IS_COMPILED)
        op_raise_if(ctx, !fits, OPERR_PRECISION);
    else if (!fits)
        op__raise_precision(ctx, precision, scale);
    return (int64_t)((uint64_t)a * (uint64_t)unit);
}

static inline int64_t op_whole_dec64(OpCtx *ctx, int64_t a, int32_t precision, int32_t scale)
{
    return op_scale_up_dec64(ctx, a, scale, precision, scale);
}

static inline Int128 op_whole_dec128(OpCtx *ctx, int64_t a, int32_t precision, int32_t scale)
{
    return op_cast_any_decimal(ctx, a, 0, precision, scale);
}

#define CAST_DECIMAL(dec, Dec)                                                                     \
    static inline Dec op_cast_int2_##dec(OpCtx *ctx, int16_t a, int32_t precision, int32_t scale)  \
    {                                                                                              \
        return op_whole_##dec(ctx, a, precision, scale);                                           \
    }                                                                                              \
    static inline Dec op_cast_int4_##dec(OpCtx *ctx, int32_t a, int32_t precision, int32_t scale)  \
    {                                                                                              \
        return op_whole_##dec(ctx, a, precision, scale);                                           \
    }                                                                                              \
    static inline Dec op_cast_int8_##dec(OpCtx *ctx, int64_t a, int32_t precision, int32_t scale)  \
    {                                                                                              \
        return op_whole_##dec(ctx, a, precision, scale);                                           \
    }                                                                                              \
    static inline Dec op_cast_float4_##dec(OpCtx *ctx, float a, int32_t precision, int32_t scale)  \
    {                                                                                              \
        return (Dec)op__float_decimal(ctx, (double)a, 6, precision, scale);                        \
    }                                                                                              \
    static inline Dec op_cast_float8_##dec(OpCtx *ctx, double a, int32_t precision, int32_t scale) \
    {                                                                                              \
        return (Dec)op__float_decimal(ctx, a, 15, precision, scale);                               \
    }                                                                                              \
    static inline int16_t op_cast_##dec##_int2(OpCtx *ctx, Dec a, int32_t scale)                   \
    {                                                                                              \
        Int128 whole = decimal_divide_round(a, decimal_pow10(scale));                              \
        op_raise_if(ctx, whole != (int16_t)whole, OPERR_INT2_RANGE);                               \
        return (int16_t)whole;                                                                     \
    }                                                                                              \
    static inline int32_t op_cast_##dec##_int4(OpCtx *ctx, Dec a, int32_t scale)                   \
    {                                                                                              \
        Int128 whole = decimal_divide_round(a, decimal_pow10(scale));                              \
        op_raise_if(ctx, whole != (int32_t)whole, OPERR_INT4_RANGE);                               \
        return (int32_t)whole;                                                                     \
    }                                                                                              \
    static inline int64_t op_cast_##dec##_int8(OpCtx * ctx, Dec a, int32_t scale)                  \
    {                                                                                              \
        Int128 whole = decimal_divide_round(a, decimal_pow10(scale));                              \
        op_raise_if(ctx, whole != (int64_t)whole, OPERR_INT8_RANGE);                               \
        return (int64_t)whole;                                                                     \
    }                                                                                              \
    static inline float op_cast_##dec##_float4(OpCtx *ctx, Dec a, int32_t scale)                   \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return op__decimal_float4(a, scale);                                                       \
    }                                                                                              \
    static inline double op_cast_##dec##_float8(OpCtx *ctx, Dec a, int32_t scale)                  \
    {                                                                                              \
        return op_##dec##_float8(ctx, a, scale);                                                   \
    }

CAST_DECIMAL(dec64, int64_t)
CAST_DECIMAL(dec128, Int128)

/* --- dates --- */

static inline int64_t op_cast_date_timestamp(OpCtx *ctx, int32_t days)
{
    int64_t micros;

    op_raise_if(ctx, __builtin_mul_overflow((int64_t)days, MICROS_PER_DAY, &micros),
                OPERR_DATE_FOR_TIMESTAMP);
    return micros;
}

static inline int32_t op_cast_timestamp_date(OpCtx *ctx, int64_t micros)
{
    (void)ctx;
    return (int32_t)calendar_day_of_micros(micros);
}

/* --- to text --- */

#define CAST_TO_TEXT(from, T, PRINT)                                                               \
    static inline Str op_cast_##from##_text(OpCtx *ctx, T a)                                       \
    {                                                                                              \
        char buffer[VALUE_TEXT_BYTES];                                                             \
        return op_text_copy(ctx, buffer, PRINT(a, buffer));                                        \
    }

CAST_TO_TEXT(int2, int16_t, value_print_int8)
CAST_TO_TEXT(int4, int32_t, value_print_int8)
CAST_TO_TEXT(int8, int64_t, value_print_int8)
CAST_TO_TEXT(float4, float, value_print_float4)
CAST_TO_TEXT(float8, double, value_print_float8)
CAST_TO_TEXT(date, int32_t, value_print_date)
CAST_TO_TEXT(timestamp, int64_t, value_print_timestamp)
CAST_TO_TEXT(interval, Interval, value_print_interval)

static inline Str op_cast_bool_text(OpCtx *ctx, uint8_t a)
{
    (void)ctx;
    return a ? str_make("true", 4) : str_make("false", 5);
}

static inline Str op_cast_dec128_text(OpCtx *ctx, Int128 a, int32_t scale)
{
    char buffer[VALUE_TEXT_BYTES];

    return op_text_copy(ctx, buffer, value_print_decimal(a, scale, buffer));
}

static inline Str op_cast_dec64_text(OpCtx *ctx, int64_t a, int32_t scale)
{
    return op_cast_dec128_text(ctx, a, scale);
}

/* varchar(n) and char(n): the first n characters; char without trailing blanks. */
Str op__cut_text(Str a, bool is_char, int32_t length);

static inline Str op_cast_text_text(OpCtx *ctx, Str a, int32_t is_char, int32_t length)
{
    (void)ctx;
    return op__cut_text(a, is_char != 0, length);
}

/* --- from text --- */

#define CAST_FROM_TEXT(to, T, Parsed, TYPE, PARSE)                                                 \
    static inline T op_cast_text_##to(OpCtx *ctx, Str a)                                           \
    {                                                                                              \
        Parsed parsed = {0};                                                                       \
        ParseResult result = PARSE(str_bytes(&a), a.length, &parsed);                              \
        if (result != PARSE_OK)                                                                    \
            op__raise_parse(ctx, (uint8_t)result, type_of(TYPE), a);                               \
        return parsed;                                                                             \
    }

#define PARSE_ANY_INTERVAL(text, length, out) value_parse_interval(text, length, INTERVAL_ANY, out)

CAST_FROM_TEXT(bool, uint8_t, bool, TYPE_BOOL, value_parse_bool)
CAST_FROM_TEXT(int2, int16_t, int16_t, TYPE_INT2, value_parse_int2)
CAST_FROM_TEXT(int4, int32_t, int32_t, TYPE_INT4, value_parse_int4)
CAST_FROM_TEXT(int8, int64_t, int64_t, TYPE_INT8, value_parse_int8)
CAST_FROM_TEXT(float4, float, float, TYPE_FLOAT4, value_parse_float4)
CAST_FROM_TEXT(float8, double, double, TYPE_FLOAT8, value_parse_float8)
CAST_FROM_TEXT(date, int32_t, int32_t, TYPE_DATE, value_parse_date)
CAST_FROM_TEXT(timestamp, int64_t, int64_t, TYPE_TIMESTAMP, value_parse_timestamp)
CAST_FROM_TEXT(interval, Interval, Interval, TYPE_INTERVAL, PARSE_ANY_INTERVAL)

static inline Int128 op_cast_text_dec128(OpCtx *ctx, Str a, int32_t precision, int32_t scale)
{
    Int128 value = 0;
    ParseResult result = value_parse_decimal(str_bytes(&a), a.length, precision, scale, &value);

    if (result != PARSE_OK)
        op__raise_parse(ctx, (uint8_t)result, type_decimal(precision, scale), a);
    return value;
}

static inline int64_t op_cast_text_dec64(OpCtx *ctx, Str a, int32_t precision, int32_t scale)
{
    return (int64_t)op_cast_text_dec128(ctx, a, precision, scale);
}

#endif
