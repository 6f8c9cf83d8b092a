/*
 * aggregate.h -- states of aggregates, how a value is added, how two states become one
 *
 *     agg_<C name>_update(state, value)   for values that are not NULL
 *     agg_<C name>_merge(into, from)      as if into had seen from's rows after its own
 *     AGG_STATE_<C name>                  the state's type; all zero bits is the state before any
 *                                         row
 *
 * Results are made in aggregate_finish.c. Nothing here can fail: sums are kept wide enough, and the
 * result is checked against its type at the end, so that an error does not depend on the order of
 * rows.
 */
#ifndef VONK_CODEGEN_OPS_AGGREGATE_H
#define VONK_CODEGEN_OPS_AGGREGATE_H

#include "codegen/ops/compare.h"
#include "codegen/ops/float_sum.h"
#include "core/data/decimal.h"

/* --- counts --- */

typedef struct CountState {
    int64_t count;
} CountState;

static inline void count_merge(CountState *into, const CountState *from)
{
    into->count += from->count;
}

/* --- sums of integers and 64-bit numerics: 128 bits hold 2^64 of them --- */

typedef struct IntSumState {
    Int128 sum;
    int64_t count;
} IntSumState;

static inline void int_sum_add(IntSumState *state, int64_t value)
{
    state->sum += value;
    state->count++;
}

static inline void int_sum_merge(IntSumState *into, const IntSumState *from)
{
    into->sum += from->sum;
    into->count += from->count;
}

/* --- sums of 128-bit numerics: 192 bits --- */

typedef struct WideSumState {
    UInt128 low;
    int64_t high;
    int64_t count;
} WideSumState;

static inline void wide_sum_add(WideSumState *state, Int128 value)
{
    state->low += (UInt128)value;
    state->high += (int64_t)(value >> 127) + (state->low < (UInt128)value);
    state->count++;
}

static inline void wide_sum_merge(WideSumState *into, const WideSumState *from)
{
    into->low += from->low;
    into->high += from->high + (into->low < from->low);
    into->count += from->count;
}

/* --- sums of intervals --- */

typedef struct IntervalSumState {
    Int128 micros;
    int64_t months, days, count;
} IntervalSumState;

static inline void interval_sum_add(IntervalSumState *state, Interval value)
{
    state->months += value.months;
    state->days += value.days;
    state->micros += value.micros;
    state->count++;
}

static inline void interval_sum_merge(IntervalSumState *into, const IntervalSumState *from)
{
    into->months += from->months;
    into->days += from->days;
    into->micros += from->micros;
    into->count += from->count;
}

/* --- variance --- */

/* Of doubles: sums of x and of x*x, the latter without rounding (as product and its error). */
typedef struct FloatVarianceState {
    FloatSum sum, squares;
} FloatVarianceState;

static inline void float_variance_add(FloatVarianceState *state, double value)
{
    double square = value * value;

    float_sum_add(&state->sum, value);
    float_sum_add_part(&state->squares, square);
    if (square - square == 0) /* finite */
        float_sum_add_part(&state->squares, __builtin_fma(value, value, -square));
}

static inline void float_variance_merge(FloatVarianceState *into, const FloatVarianceState *from)
{
    float_sum_merge(&into->sum, &from->sum);
    float_sum_merge(&into->squares, &from->squares);
}

/* Of numerics: exact sums, of x in 192 bits and of x*x in 320. */
typedef struct NumericVarianceState {
    WideSumState sum;
    uint64_t squares[5]; /* the least significant first */
} NumericVarianceState;

static inline void squares_add(uint64_t squares[5], const uint64_t *words, int word_count)
{
    UInt128 carry = 0;

    for (int i = 0; i < 5; i++) {
        carry += (UInt128)squares[i] + (i < word_count ? words[i] : 0);
        squares[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static inline void numeric_variance_add(NumericVarianceState *state, Int128 value)
{
    UInt256 square = uint256_multiply(decimal_magnitude(value), decimal_magnitude(value));

    wide_sum_add(&state->sum, value);
    squares_add(state->squares, square.word, 4);
}

static inline void numeric_variance_merge(NumericVarianceState *into,
                                          const NumericVarianceState *from)
{
    wide_sum_merge(&into->sum, &from->sum);
    squares_add(into->squares, from->squares, 5);
}

/* --- minimum, maximum, first --- */

#define BEST_STATE(Name, T)                                                                        \
    typedef struct Name {                                                                          \
        T value;                                                                                   \
        uint8_t is_set;                                                                            \
        uint8_t is_owned; /* text: copied to where it outlives its batch */                        \
    } Name;

BEST_STATE(BoolBestState, uint8_t)
BEST_STATE(Int2BestState, int16_t)
BEST_STATE(Int4BestState, int32_t)
BEST_STATE(Int8BestState, int64_t)
BEST_STATE(Dec128BestState, Int128)
BEST_STATE(Float4BestState, float)
BEST_STATE(Float8BestState, double)
BEST_STATE(TextBestState, Str)
BEST_STATE(IntervalBestState, Interval)

/*
 * Values that compare equal may differ in their bits, and which one is kept must not depend on
 * which came first: -0.0 counts as less than 0.0, all NaNs become one, and of intervals of equal
 * length ('1 mon', '30 days') the one with fewer months is less.
 */
static inline int64_t float8_order(double value)
{
    int64_t bits;

    value = value != value ? __builtin_nan("") : value;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

static inline int32_t float4_order(float value)
{
    int32_t bits;

    value = value != value ? __builtin_nanf("") : value;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ (int32_t)((uint32_t)(bits >> 31) >> 1);
}

static inline bool interval_is_less(Interval a, Interval b)
{
    Int128 a_span = op_interval_span(a), b_span = op_interval_span(b);

    if (a_span != b_span)
        return a_span < b_span;
    return a.months != b.months ? a.months < b.months : a.days < b.days;
}

#define BEST_LT_FLOAT4(ctx, a, b)   (float4_order(a) < float4_order(b))
#define BEST_GT_FLOAT4(ctx, a, b)   (float4_order(a) > float4_order(b))
#define BEST_LT_FLOAT8(ctx, a, b)   (float8_order(a) < float8_order(b))
#define BEST_GT_FLOAT8(ctx, a, b)   (float8_order(a) > float8_order(b))
#define BEST_LT_INTERVAL(ctx, a, b) interval_is_less(a, b)
#define BEST_GT_INTERVAL(ctx, a, b) interval_is_less(b, a)

#define BEST_ONE(name, State, T, BETTER)                                                           \
    static inline void agg_##name##_update(State *state, T value)                                  \
    {                                                                                              \
        if (!state->is_set || BETTER(NULL, value, state->value)) {                                 \
            state->value = value;                                                                  \
            state->is_set = 1;                                                                     \
            state->is_owned = 0;                                                                   \
        }                                                                                          \
    }                                                                                              \
    static inline void agg_##name##_merge(State *into, const State *from)                          \
    {                                                                                              \
        if (from->is_set && (!into->is_set || BETTER(NULL, from->value, into->value)))             \
            *into = *from;                                                                         \
    }

#define BEST_OF(suffix, State, T)                                                                  \
    BEST_ONE(min_##suffix, State, T, op_lt_##suffix)                                               \
    BEST_ONE(max_##suffix, State, T, op_gt_##suffix)

BEST_OF(bool, BoolBestState, uint8_t)
BEST_OF(int2, Int2BestState, int16_t)
BEST_OF(int4, Int4BestState, int32_t)
BEST_OF(int8, Int8BestState, int64_t)
BEST_OF(dec64, Int8BestState, int64_t)
BEST_OF(dec128, Dec128BestState, Int128)
BEST_ONE(min_float4, Float4BestState, float, BEST_LT_FLOAT4)
BEST_ONE(max_float4, Float4BestState, float, BEST_GT_FLOAT4)
BEST_ONE(min_float8, Float8BestState, double, BEST_LT_FLOAT8)
BEST_ONE(max_float8, Float8BestState, double, BEST_GT_FLOAT8)
BEST_OF(text, TextBestState, Str)
BEST_OF(date, Int4BestState, int32_t)
BEST_OF(timestamp, Int8BestState, int64_t)
BEST_ONE(min_interval, IntervalBestState, Interval, BEST_LT_INTERVAL)
BEST_ONE(max_interval, IntervalBestState, Interval, BEST_GT_INTERVAL)

/* bool_and is the minimum, bool_or the maximum. */
BEST_ONE(bool_and, BoolBestState, uint8_t, op_lt_bool)
BEST_ONE(bool_or, BoolBestState, uint8_t, op_gt_bool)

/* Bitwise. */
#define BITS_ONE(name, State, T, OP)                                                               \
    static inline void agg_##name##_update(State *state, T value)                                  \
    {                                                                                              \
        state->value = state->is_set ? (T)(state->value OP value) : value;                         \
        state->is_set = 1;                                                                         \
    }                                                                                              \
    static inline void agg_##name##_merge(State *into, const State *from)                          \
    {                                                                                              \
        if (from->is_set)                                                                          \
            agg_##name##_update(into, from->value);                                                \
    }

#define BITS_OF(name, OP)                                                                          \
    BITS_ONE(name##_int2, Int2BestState, int16_t, OP)                                              \
    BITS_ONE(name##_int4, Int4BestState, int32_t, OP)                                              \
    BITS_ONE(name##_int8, Int8BestState, int64_t, OP)
BITS_OF(bit_and, &)
BITS_OF(bit_or, |)
BITS_OF(bit_xor, ^)

/* Sums of pairs of doubles and of their products: corr, covar and regr make their results of
 * them. */
typedef struct PairSums {
    FloatSum x, y, xx, yy, xy;
} PairSums;

/* a * b without rounding (as product and its error). */
static inline void pair_add_product(FloatSum *sum, double a, double b)
{
    double product = a * b;

    float_sum_add_part(sum, product);
    if (product - product == 0) /* finite */
        float_sum_add_part(sum, __builtin_fma(a, b, -product));
}

static inline void pair_add(PairSums *state, Int128 pair)
{
    uint64_t low = (uint64_t)pair, high = (uint64_t)((UInt128)pair >> 64);
    double y, x;

    memcpy(&y, &low, sizeof y);
    memcpy(&x, &high, sizeof x);
    float_sum_add(&state->x, x);
    float_sum_add(&state->y, y);
    pair_add_product(&state->xx, x, x);
    pair_add_product(&state->yy, y, y);
    pair_add_product(&state->xy, x, y);
}

static inline void pair_merge(PairSums *into, const PairSums *from)
{
    float_sum_merge(&into->x, &from->x);
    float_sum_merge(&into->y, &from->y);
    float_sum_merge(&into->xx, &from->xx);
    float_sum_merge(&into->yy, &from->yy);
    float_sum_merge(&into->xy, &from->xy);
}

/* A value of any type, NULL included. */
typedef struct FirstState {
    unsigned char value[16];
    uint8_t is_set, is_owned, is_null;
} FirstState;

static inline void first_add(FirstState *state, const void *value, size_t bytes, bool is_null)
{
    if (state->is_set)
        return;
    if (!is_null) /* else what stands there is no value */
        memcpy(state->value, value, bytes);
    state->is_set = 1;
    state->is_null = is_null;
}

static inline void first_merge(FirstState *into, const FirstState *from)
{
    if (!into->is_set)
        *into = *from;
}

/* --- by C name --- */

#define AGG_FORMS(name, State, T, family)                                                          \
    static inline void agg_##name##_update(State *state, T value)                                  \
    {                                                                                              \
        family##_add(state, value);                                                                \
    }                                                                                              \
    static inline void agg_##name##_merge(State *into, const State *from)                          \
    {                                                                                              \
        family##_merge(into, from);                                                                \
    }

AGG_FORMS(sum_int2, IntSumState, int16_t, int_sum)
AGG_FORMS(sum_int4, IntSumState, int32_t, int_sum)
AGG_FORMS(sum_int8, IntSumState, int64_t, int_sum)
AGG_FORMS(sum_dec64, IntSumState, int64_t, int_sum)
AGG_FORMS(sum_dec128, WideSumState, Int128, wide_sum)
AGG_FORMS(sum_float4, FloatSum, float, float_sum)
AGG_FORMS(sum_float8, FloatSum, double, float_sum)
AGG_FORMS(sum_interval, IntervalSumState, Interval, interval_sum)
AGG_FORMS(avg_int2, IntSumState, int16_t, int_sum)
AGG_FORMS(avg_int4, IntSumState, int32_t, int_sum)
AGG_FORMS(avg_int8, IntSumState, int64_t, int_sum)
AGG_FORMS(avg_dec64, IntSumState, int64_t, int_sum)
AGG_FORMS(avg_dec128, WideSumState, Int128, wide_sum)
AGG_FORMS(avg_float4, FloatSum, float, float_sum)
AGG_FORMS(avg_float8, FloatSum, double, float_sum)
AGG_FORMS(avg_interval, IntervalSumState, Interval, interval_sum)
AGG_FORMS(var_pop_dec128, NumericVarianceState, Int128, numeric_variance)
AGG_FORMS(var_samp_dec128, NumericVarianceState, Int128, numeric_variance)
AGG_FORMS(stddev_pop_dec128, NumericVarianceState, Int128, numeric_variance)
AGG_FORMS(stddev_samp_dec128, NumericVarianceState, Int128, numeric_variance)
AGG_FORMS(var_pop_float8, FloatVarianceState, double, float_variance)
AGG_FORMS(var_samp_float8, FloatVarianceState, double, float_variance)
AGG_FORMS(stddev_pop_float8, FloatVarianceState, double, float_variance)
AGG_FORMS(stddev_samp_float8, FloatVarianceState, double, float_variance)
AGG_FORMS(corr, PairSums, Int128, pair)
AGG_FORMS(covar_pop, PairSums, Int128, pair)
AGG_FORMS(covar_samp, PairSums, Int128, pair)
AGG_FORMS(regr_avgx, PairSums, Int128, pair)
AGG_FORMS(regr_avgy, PairSums, Int128, pair)
AGG_FORMS(regr_count, PairSums, Int128, pair)
AGG_FORMS(regr_intercept, PairSums, Int128, pair)
AGG_FORMS(regr_r2, PairSums, Int128, pair)
AGG_FORMS(regr_slope, PairSums, Int128, pair)
AGG_FORMS(regr_sxx, PairSums, Int128, pair)
AGG_FORMS(regr_sxy, PairSums, Int128, pair)
AGG_FORMS(regr_syy, PairSums, Int128, pair)

static inline void agg_count_star_merge(CountState *into, const CountState *from)
{
    count_merge(into, from);
}

static inline void agg_count_any_merge(CountState *into, const CountState *from)
{
    count_merge(into, from);
}

static inline void agg_first_any_merge(FirstState *into, const FirstState *from)
{
    first_merge(into, from);
}

/* The row number of an AGGOP row, in the order of aggregates.def: AGGOP_sum_int4. */
typedef enum AggOpId {
#define AGGOP(word, c, result, argument) AGGOP_##c,
#include "core/plan/aggregates.def"
    AGGOP_COUNT_
} AggOpId;

#define AGG_STATE_count_star         CountState
#define AGG_STATE_count_any          CountState
#define AGG_STATE_sum_int2           IntSumState
#define AGG_STATE_sum_int4           IntSumState
#define AGG_STATE_sum_int8           IntSumState
#define AGG_STATE_sum_dec64          IntSumState
#define AGG_STATE_sum_dec128         WideSumState
#define AGG_STATE_sum_float4         FloatSum
#define AGG_STATE_sum_float8         FloatSum
#define AGG_STATE_sum_interval       IntervalSumState
#define AGG_STATE_avg_int2           IntSumState
#define AGG_STATE_avg_int4           IntSumState
#define AGG_STATE_avg_int8           IntSumState
#define AGG_STATE_avg_dec64          IntSumState
#define AGG_STATE_avg_dec128         WideSumState
#define AGG_STATE_avg_float4         FloatSum
#define AGG_STATE_avg_float8         FloatSum
#define AGG_STATE_avg_interval       IntervalSumState
#define AGG_STATE_min_bool           BoolBestState
#define AGG_STATE_max_bool           BoolBestState
#define AGG_STATE_min_int2           Int2BestState
#define AGG_STATE_max_int2           Int2BestState
#define AGG_STATE_min_int4           Int4BestState
#define AGG_STATE_max_int4           Int4BestState
#define AGG_STATE_min_int8           Int8BestState
#define AGG_STATE_max_int8           Int8BestState
#define AGG_STATE_min_dec64          Int8BestState
#define AGG_STATE_max_dec64          Int8BestState
#define AGG_STATE_min_dec128         Dec128BestState
#define AGG_STATE_max_dec128         Dec128BestState
#define AGG_STATE_min_float4         Float4BestState
#define AGG_STATE_max_float4         Float4BestState
#define AGG_STATE_min_float8         Float8BestState
#define AGG_STATE_max_float8         Float8BestState
#define AGG_STATE_min_text           TextBestState
#define AGG_STATE_max_text           TextBestState
#define AGG_STATE_min_date           Int4BestState
#define AGG_STATE_max_date           Int4BestState
#define AGG_STATE_min_timestamp      Int8BestState
#define AGG_STATE_max_timestamp      Int8BestState
#define AGG_STATE_min_interval       IntervalBestState
#define AGG_STATE_max_interval       IntervalBestState
#define AGG_STATE_bool_and           BoolBestState
#define AGG_STATE_bool_or            BoolBestState
#define AGG_STATE_first_any          FirstState
#define AGG_STATE_stddev_pop_dec128  NumericVarianceState
#define AGG_STATE_stddev_samp_dec128 NumericVarianceState
#define AGG_STATE_var_pop_dec128     NumericVarianceState
#define AGG_STATE_var_samp_dec128    NumericVarianceState
#define AGG_STATE_stddev_pop_float8  FloatVarianceState
#define AGG_STATE_stddev_samp_float8 FloatVarianceState
#define AGG_STATE_var_pop_float8     FloatVarianceState
#define AGG_STATE_var_samp_float8    FloatVarianceState
#define AGG_STATE_bit_and_int2       Int2BestState
#define AGG_STATE_bit_and_int4       Int4BestState
#define AGG_STATE_bit_and_int8       Int8BestState
#define AGG_STATE_bit_or_int2        Int2BestState
#define AGG_STATE_bit_or_int4        Int4BestState
#define AGG_STATE_bit_or_int8        Int8BestState
#define AGG_STATE_bit_xor_int2       Int2BestState
#define AGG_STATE_bit_xor_int4       Int4BestState
#define AGG_STATE_bit_xor_int8       Int8BestState
#define AGG_STATE_corr               PairSums
#define AGG_STATE_covar_pop          PairSums
#define AGG_STATE_covar_samp         PairSums
#define AGG_STATE_regr_avgx          PairSums
#define AGG_STATE_regr_avgy          PairSums
#define AGG_STATE_regr_count         PairSums
#define AGG_STATE_regr_intercept     PairSums
#define AGG_STATE_regr_r2            PairSums
#define AGG_STATE_regr_slope         PairSums
#define AGG_STATE_regr_sxx           PairSums
#define AGG_STATE_regr_sxy           PairSums
#define AGG_STATE_regr_syy           PairSums

/* What a result is made for. */
typedef struct AggTypes {
    Type arg, result;
} AggTypes;

/* Writes the result; false: it is NULL. Errors go to ctx. (aggregate_finish.c) */
bool agg_finish(OpCtx *ctx, AggOpId agg, const AggTypes *types, const void *state, void *result);
void agg_merge(AggOpId agg, void *into, const void *from);
size_t agg_state_bytes(AggOpId agg);

/* The aggregate whose state and update this one has too: sum's for avg, var_pop's for stddev. */
AggOpId agg_state_owner(AggOpId agg);

#endif
