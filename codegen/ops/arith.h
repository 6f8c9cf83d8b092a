/* arith.h -- arithmetic of integers and floats; errors are PostgreSQL's */
#ifndef VONK_CODEGEN_OPS_ARITH_H
#define VONK_CODEGEN_OPS_ARITH_H

#include <math.h>

#include "codegen/ops/op_context.h"

/* --- smallint and integer: computed in the next wider type, which vectorises --- */

#define ARITH_NARROW(suffix, T, Wide, RANGE)                                                       \
    static inline T op_add_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        Wide sum = (Wide)a + b;                                                                    \
        op_raise_if(ctx, sum != (T)sum, RANGE);                                                    \
        return (T)sum;                                                                             \
    }                                                                                              \
    static inline T op_sub_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        Wide difference = (Wide)a - b;                                                             \
        op_raise_if(ctx, difference != (T)difference, RANGE);                                      \
        return (T)difference;                                                                      \
    }                                                                                              \
    static inline T op_mul_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        Wide product = (Wide)a * b;                                                                \
        op_raise_if(ctx, product != (T)product, RANGE);                                            \
        return (T)product;                                                                         \
    }                                                                                              \
    static inline T op_neg_##suffix(OpCtx *ctx, T a)                                               \
    {                                                                                              \
        Wide negated = -(Wide)a;                                                                   \
        op_raise_if(ctx, negated != (T)negated, RANGE);                                            \
        return (T)negated;                                                                         \
    }                                                                                              \
    static inline T op_abs_##suffix(OpCtx *ctx, T a)                                               \
    {                                                                                              \
        Wide magnitude = a < 0 ? -(Wide)a : (Wide)a;                                               \
        op_raise_if(ctx, magnitude != (T)magnitude, RANGE);                                        \
        return (T)magnitude;                                                                       \
    }

ARITH_NARROW(int2, int16_t, int32_t, OPERR_INT2_RANGE)
ARITH_NARROW(int4, int32_t, int64_t, OPERR_INT4_RANGE)

/* --- 64 bits: overflow shows in the signs --- */

/* By way of doubles, which hold such products exactly: vectors have no wide multiplication. */
static inline int64_t op_small_product(OpCtx *ctx, int64_t a, int64_t b, OpError error)
{
    double product = op_small_whole_float8(a) * op_small_whole_float8(b);

    op_raise_if(ctx, !op_are_small_wholes(a, b) | !(fabs(product) < 0x1p51), error);
    return op_small_float8_whole(product);
}

#define ARITH_64(suffix, RANGE)                                                                    \
    static inline int64_t op_add_##suffix(OpCtx *ctx, int64_t a, int64_t b)                        \
    {                                                                                              \
        int64_t sum = (int64_t)((uint64_t)a + (uint64_t)b);                                        \
        op_raise_if(ctx, ((a ^ sum) & (b ^ sum)) < 0, RANGE);                                      \
        return sum;                                                                                \
    }                                                                                              \
    static inline int64_t op_sub_##suffix(OpCtx *ctx, int64_t a, int64_t b)                        \
    {                                                                                              \
        int64_t difference = (int64_t)((uint64_t)a - (uint64_t)b);                                 \
        op_raise_if(ctx, ((a ^ b) & (a ^ difference)) < 0, RANGE);                                 \
        return difference;                                                                         \
    }                                                                                              \
    static inline int64_t op_mul_##suffix(OpCtx *ctx, int64_t a, int64_t b)                        \
    {                                                                                              \
        int64_t product;                                                                           \
        if (OP_IS_COMPILED)                                                                        \
            return op_small_product(ctx, a, b, RANGE);                                             \
        op_raise_if(ctx, __builtin_mul_overflow(a, b, &product), RANGE);                           \
        return product;                                                                            \
    }                                                                                              \
    static inline int64_t op_neg_##suffix(OpCtx *ctx, int64_t a)                                   \
    {                                                                                              \
        op_raise_if(ctx, a == INT64_MIN, RANGE);                                                   \
        return (int64_t)-(uint64_t)a;                                                              \
    }                                                                                              \
    static inline int64_t op_abs_##suffix(OpCtx *ctx, int64_t a)                                   \
    {                                                                                              \
        op_raise_if(ctx, a == INT64_MIN, RANGE);                                                   \
        return a < 0 ? (int64_t)-(uint64_t)a : a;                                                  \
    }

ARITH_64(int8, OPERR_INT8_RANGE)
ARITH_64(dec64, OPERR_NUMERIC_OVERFLOW)

/* --- division: the divisors 0 and -1 are taken out, for they trap --- */

#define ARITH_DIVIDE(suffix, T, MIN, RANGE)                                                        \
    static inline T op_div_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        if (b == 0) {                                                                              \
            op_raise(ctx, OPERR_DIVISION_BY_ZERO);                                                 \
            return 0;                                                                              \
        }                                                                                          \
        if (b == -1) {                                                                             \
            op_raise_if(ctx, a == MIN, RANGE);                                                     \
            return a == MIN ? 0 : (T) - a;                                                         \
        }                                                                                          \
        return (T)(a / b);                                                                         \
    }                                                                                              \
    static inline T op_mod_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        op_raise_if(ctx, b == 0, OPERR_DIVISION_BY_ZERO);                                          \
        return b == 0 || b == -1 ? 0 : (T)(a % b);                                                 \
    }

ARITH_DIVIDE(int2, int16_t, INT16_MIN, OPERR_INT2_RANGE)
ARITH_DIVIDE(int4, int32_t, INT32_MIN, OPERR_INT4_RANGE)
ARITH_DIVIDE(int8, int64_t, INT64_MIN, OPERR_INT8_RANGE)

/* --- floats: a finite argument must not give an infinite result, nor vanish --- */

#define ARITH_FLOAT(suffix, T)                                                                     \
    static inline T op_add_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        T sum = a + b;                                                                             \
        op_raise_if(ctx, isinf(sum) && !isinf(a) && !isinf(b), OPERR_FLOAT_OVERFLOW);              \
        return sum;                                                                                \
    }                                                                                              \
    static inline T op_sub_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        T difference = a - b;                                                                      \
        op_raise_if(ctx, isinf(difference) && !isinf(a) && !isinf(b), OPERR_FLOAT_OVERFLOW);       \
        return difference;                                                                         \
    }                                                                                              \
    static inline T op_mul_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        T product = a * b;                                                                         \
        op_raise_if(ctx, isinf(product) && !isinf(a) && !isinf(b), OPERR_FLOAT_OVERFLOW);          \
        op_raise_if(ctx, product == 0 && a != 0 && b != 0, OPERR_FLOAT_UNDERFLOW);                 \
        return product;                                                                            \
    }                                                                                              \
    static inline T op_div_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        T quotient = a / b;                                                                        \
        bool by_zero = b == 0 && !isnan(a);                                                        \
        op_raise_if(ctx, by_zero, OPERR_DIVISION_BY_ZERO);                                         \
        op_raise_if(ctx, !by_zero && isinf(quotient) && !isinf(a), OPERR_FLOAT_OVERFLOW);          \
        op_raise_if(ctx, quotient == 0 && a != 0 && !isinf(b), OPERR_FLOAT_UNDERFLOW);             \
        return quotient;                                                                           \
    }                                                                                              \
    static inline T op_neg_##suffix(OpCtx *ctx, T a)                                               \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return -a;                                                                                 \
    }                                                                                              \
    static inline T op_abs_##suffix(OpCtx *ctx, T a)                                               \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)fabs(a);                                                                         \
    }

ARITH_FLOAT(float4, float)
ARITH_FLOAT(float8, double)

/* --- bits --- */

#define ARITH_BITS(suffix, T, Unsigned, BITS)                                                      \
    static inline T op_bit_and_##suffix(OpCtx *ctx, T a, T b)                                      \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)(a & b);                                                                         \
    }                                                                                              \
    static inline T op_bit_or_##suffix(OpCtx *ctx, T a, T b)                                       \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)(a | b);                                                                         \
    }                                                                                              \
    static inline T op_bit_xor_##suffix(OpCtx *ctx, T a, T b)                                      \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)(a ^ b);                                                                         \
    }                                                                                              \
    static inline T op_bit_not_##suffix(OpCtx *ctx, T a)                                           \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)~a;                                                                              \
    }                                                                                              \
    static inline T op_shift_left_##suffix(OpCtx *ctx, T a, int32_t count)                         \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)((Unsigned)a << (count & (BITS - 1)));                                           \
    }                                                                                              \
    static inline T op_shift_right_##suffix(OpCtx *ctx, T a, int32_t count)                        \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return (T)(a >> (count & (BITS - 1)));                                                     \
    }

/* PostgreSQL shifts a smallint as an integer: the count is taken modulo 32. */
ARITH_BITS(int2, int16_t, uint32_t, 32)
ARITH_BITS(int4, int32_t, uint32_t, 32)
ARITH_BITS(int8, int64_t, uint64_t, 64)

/* --- greatest common divisor, least common multiple --- */

#define ARITH_GCD(suffix, T, Unsigned, MAX, RANGE)                                                 \
    static inline T op_gcd_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        Unsigned x = a < 0 ? -(Unsigned)a : (Unsigned)a;                                           \
        Unsigned y = b < 0 ? -(Unsigned)b : (Unsigned)b;                                           \
        while (y != 0) {                                                                           \
            Unsigned rest = x % y;                                                                 \
            x = y;                                                                                 \
            y = rest;                                                                              \
        }                                                                                          \
        op_raise_if(ctx, x > (Unsigned)MAX, RANGE);                                                \
        return (T)x;                                                                               \
    }                                                                                              \
    static inline T op_lcm_##suffix(OpCtx *ctx, T a, T b)                                          \
    {                                                                                              \
        Int128 product;                                                                            \
        T divisor;                                                                                 \
        if (a == 0 || b == 0)                                                                      \
            return 0;                                                                              \
        divisor = op_gcd_##suffix(ctx, a, b);                                                      \
        if (ctx->error != 0)                                                                       \
            return 0;                                                                              \
        product = (Int128)(a / divisor) * b;                                                       \
        product = product < 0 ? -product : product;                                                \
        op_raise_if(ctx, product > MAX, RANGE);                                                    \
        return (T)product;                                                                         \
    }

ARITH_GCD(int4, int32_t, uint32_t, INT32_MAX, OPERR_INT4_RANGE)
ARITH_GCD(int8, int64_t, uint64_t, INT64_MAX, OPERR_INT8_RANGE)

#endif
