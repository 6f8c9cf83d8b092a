/*
 * aggregate_finish.c -- results of aggregates, and their states by number; see aggregate.h
 *
 * Sums are exact, so averages and variances are computed from them in 113-bit floats (a product of
 * two sums in 512 bits before that), and rounded once.
 */
#include <math.h>

#include "codegen/ops/aggregate.h"
#include "codegen/ops/big_int.h"
#include "codegen/ops/date.h"
#include "core/base/invariant.h"

typedef __float128 Quad;

/* --- numerics and integers --- */

static bool put_int(OpCtx *ctx, Int128 value, Type type, void *result)
{
    int64_t narrow = (int64_t)value;

    if (type.id == TYPE_DECIMAL && !decimal_fits(value, type.precision)) {
        op_raise(ctx, OPERR_NUMERIC_OVERFLOW);
        return false;
    }
    if (type_phys(type) == PHYS_INT128) {
        memcpy(result, &value, sizeof value);
        return true;
    }
    op_raise_if(ctx, value != narrow, OPERR_INT8_RANGE);
    memcpy(result, &narrow, sizeof narrow);
    return true;
}

static bool finish_int_sum(OpCtx *ctx, const AggTypes *types, const IntSumState *state,
                           void *result)
{
    return state->count > 0 && put_int(ctx, state->sum, types->result, result);
}

static bool finish_int_avg(OpCtx *ctx, const AggTypes *types, const IntSumState *state,
                           void *result)
{
    Int128 average;
    int32_t more_digits = types->result.scale - types->arg.scale;

    if (state->count == 0)
        return false;
    if (!decimal_multiply_divide(state->sum, decimal_pow10(more_digits), state->count, &average)) {
        op_raise(ctx, OPERR_NUMERIC_OVERFLOW);
        return false;
    }
    return put_int(ctx, average, types->result, result);
}

static bool wide_fits(const WideSumState *state)
{
    return state->high == (int64_t)((Int128)state->low >> 127);
}

static bool finish_wide_sum(OpCtx *ctx, const AggTypes *types, const WideSumState *state,
                            void *result)
{
    if (state->count == 0)
        return false;
    if (!wide_fits(state)) {
        op_raise(ctx, OPERR_NUMERIC_OVERFLOW);
        return false;
    }
    return put_int(ctx, (Int128)state->low, types->result, result);
}

static BigInt wide_magnitude(const WideSumState *state)
{
    UInt128 low = state->low;
    uint64_t high = (uint64_t)state->high;

    if (state->high < 0) {
        high = ~high + (low == 0);
        low = -low;
    }
    return big_of_words(3, (uint64_t[]){(uint64_t)low, (uint64_t)(low >> 64), high});
}

/* sum * 10^n / count of a sum that may need 192 bits */
static bool finish_wide_avg(OpCtx *ctx, const AggTypes *types, const WideSumState *state,
                            void *result)
{
    BigInt sum = wide_magnitude(state);
    Int128 average;

    if (state->count == 0)
        return false;
    big_multiply_pow10(&sum, types->result.scale - types->arg.scale);
    big_multiply(&sum, 2); /* + half of the divisor, / divisor: rounds half up */
    big_add_small(&sum, (uint64_t)state->count);
    big_divide(&sum, (uint64_t)state->count);
    big_divide(&sum, 2);
    if (!big_to_int128(&sum, &average)) {
        op_raise(ctx, OPERR_NUMERIC_OVERFLOW);
        return false;
    }
    return put_int(ctx, state->high < 0 ? -average : average, types->result, result);
}

/* --- floats --- */

/* The three bins as sign, magnitude and the place of its bit 0 (as a power of two). */
static BigInt float_sum_magnitude(const FloatSum *sum, bool *is_negative, int32_t *power)
{
    uint64_t words[FLOAT_SUM_BINS + 1]; /* of a two's complement */
    Int128 rest = 0;

    for (int i = 0; i < FLOAT_SUM_BINS; i++) {
        rest += sum->bin[FLOAT_SUM_BINS - 1 - i];
        words[i] = (uint64_t)rest;
        rest >>= 64;
    }
    words[FLOAT_SUM_BINS] = (uint64_t)rest;
    *power = 64 * (sum->top - (FLOAT_SUM_BINS - 1)) - FLOAT_SUM_PLACE - 1074;
    *is_negative = rest < 0;
    for (int i = 0, carry = 1; *is_negative && i <= FLOAT_SUM_BINS; i++) {
        words[i] = ~words[i] + (uint64_t)carry;
        carry = carry && words[i] == 0;
    }
    return big_of_words(FLOAT_SUM_BINS + 1, words);
}

static Quad scale_quad(Quad value, int32_t power)
{
    for (; power > 1000; power -= 1000)
        value *= (Quad)ldexp(1, 1000);
    for (; power < -1000; power += 1000)
        value *= (Quad)ldexp(1, -1000);
    return value * (Quad)ldexp(1, power);
}

/* The leading 113 bits; a last bit that is set where others were cut off keeps a later rounding to
 * a double right. */
static Quad quad_of_big(const BigInt *value, int32_t power)
{
    int32_t dropped;
    UInt128 head = big_head(value, 112, &dropped);

    return scale_quad((Quad)head, power + dropped);
}

static Quad float_sum_quad(const FloatSum *sum)
{
    bool is_negative;
    int32_t power;
    BigInt magnitude = float_sum_magnitude(sum, &is_negative, &power);
    Quad value = quad_of_big(&magnitude, power);

    return is_negative ? -value : value;
}

/* True when the sum is a special value, which is then in *special. */
static bool float_special(uint32_t specials, double *special)
{
    if (specials == 0)
        return false;
    *special = specials == FLOAT_SUM_INF         ? INFINITY
               : specials == FLOAT_SUM_MINUS_INF ? -INFINITY
                                                 : NAN;
    return true;
}

static bool put_float(OpCtx *ctx, Quad value, Type type, void *result)
{
    double wide = (double)value;
    float narrow = (float)value;
    bool is_narrow = type.id == TYPE_FLOAT4;

    op_raise_if(ctx, is_narrow ? isinf(narrow) : isinf(wide), OPERR_FLOAT_OVERFLOW);
    if (is_narrow)
        memcpy(result, &narrow, sizeof narrow);
    else
        memcpy(result, &wide, sizeof wide);
    return true;
}

static bool put_special(double special, Type type, void *result)
{
    float narrow = (float)special;

    if (type.id == TYPE_FLOAT4)
        memcpy(result, &narrow, sizeof narrow);
    else
        memcpy(result, &special, sizeof special);
    return true;
}

static bool finish_float_sum(OpCtx *ctx, const AggTypes *types, const FloatSum *state, void *result)
{
    double special;

    if (state->count == 0)
        return false;
    if (float_special(state->specials, &special))
        return put_special(special, types->result, result);
    return put_float(ctx, float_sum_quad(state), types->result, result);
}

static bool finish_float_avg(OpCtx *ctx, const AggTypes *types, const FloatSum *state, void *result)
{
    double special;

    if (state->count == 0)
        return false;
    if (float_special(state->specials, &special))
        return put_special(special, types->result, result);
    return put_float(ctx, float_sum_quad(state) / (Quad)state->count, types->result, result);
}

/* --- intervals --- */

static bool finish_interval_sum(OpCtx *ctx, const IntervalSumState *state, Interval *result)
{
    if (state->count == 0)
        return false;
    *result = (Interval){(int32_t)state->months, (int32_t)state->days, (int64_t)state->micros};
    op_raise_if(ctx,
                result->months != state->months || result->days != state->days ||
                    result->micros != state->micros,
                OPERR_INTERVAL_RANGE);
    return true;
}

static bool finish_interval_avg(OpCtx *ctx, const IntervalSumState *state, Interval *result)
{
    if (!finish_interval_sum(ctx, state, result) || ctx->error != 0)
        return false;
    *result = op_div_interval_float8(ctx, *result, (double)state->count);
    return true;
}

/* --- variance --- */

typedef struct Spread {
    bool is_sample, is_root;
} Spread;

/* (n sum(x^2) - sum(x)^2) / (n (n or n - 1)), given the numerator */
static Quad spread_of(Quad numerator, int64_t count, Spread spread)
{
    return numerator / ((Quad)count * (Quad)(count - spread.is_sample));
}

/* Newton's steps double the 53 bits that sqrt() gives. */
static Quad quad_sqrt(Quad value)
{
    int32_t power = 0;
    Quad root;

    if (value <= 0)
        return 0;
    for (; value < (Quad)ldexp(1, -900); power -= 100)
        value *= (Quad)ldexp(1, 200);
    for (; value > (Quad)ldexp(1, 900); power += 100)
        value *= (Quad)ldexp(1, -200);
    root = (Quad)sqrt((double)value);
    root = (root + value / root) / 2;
    root = (root + value / root) / 2;
    return scale_quad(root, power);
}

static bool finish_float_variance(OpCtx *ctx, const AggTypes *types,
                                  const FloatVarianceState *state, Spread spread, void *result)
{
    int64_t count = state->sum.count;
    uint32_t specials = state->sum.specials;
    int32_t sum_power, squares_power, shift;
    bool is_negative;
    BigInt sum, squares;
    Quad variance;

    if (count <= spread.is_sample)
        return false;
    if (specials != 0)
        return put_special(NAN, types->result, result);
    if (state->squares.specials != 0) {
        op_raise(ctx, OPERR_FLOAT_OVERFLOW);
        return false;
    }
    sum = float_sum_magnitude(&state->sum, &is_negative, &sum_power);
    squares = float_sum_magnitude(&state->squares, &is_negative, &squares_power);
    big_square(&sum);
    big_multiply(&squares, (uint64_t)count);
    shift = 2 * sum_power - squares_power; /* to the common place of bit 0 */
    if (shift > 0 && !big_is_zero(&sum))
        big_shift_left(&sum, (uint32_t)shift);
    else if (shift < 0) {
        big_shift_left(&squares, (uint32_t)-shift);
        squares_power += shift;
    }
    if (is_negative || big_compare(&squares, &sum) < 0)
        squares = sum;
    big_subtract(&squares, &sum);
    variance = spread_of(quad_of_big(&squares, squares_power), count, spread);
    return put_float(ctx, spread.is_root ? quad_sqrt(variance) : variance, types->result, result);
}

/* value rounded half away from zero; false when it has more than 38 digits */
static bool int_of_quad(Quad value, Int128 *result)
{
    if (value + 0.5 >= (Quad)decimal_pow10(DECIMAL_DIGITS))
        return false;
    *result = (Int128)(value + (Quad)0.5);
    return true;
}

static bool finish_numeric_variance(OpCtx *ctx, const AggTypes *types,
                                    const NumericVarianceState *state, Spread spread, void *result)
{
    int64_t count = state->sum.count;
    BigInt squares = big_of_words(5, state->squares);
    BigInt sum = wide_magnitude(&state->sum);
    Quad variance;
    Int128 rounded;

    if (count <= spread.is_sample)
        return false;
    big_square(&sum);
    big_multiply(&squares, (uint64_t)count);
    big_subtract(&squares, &sum); /* never negative (Cauchy and Schwarz) */
    variance = spread_of(quad_of_big(&squares, 0), count, spread);
    for (int i = 0; i < 2 * types->arg.scale; i++)
        variance /= 10;
    if (spread.is_root)
        variance = quad_sqrt(variance);
    if (!int_of_quad(variance * (Quad)decimal_pow10(types->result.scale), &rounded)) {
        op_raise(ctx, OPERR_NUMERIC_OVERFLOW);
        return false;
    }
    return put_int(ctx, rounded, types->result, result);
}

/* --- pairs --- */

/* An exact product or sum: magnitude * 2^power. */
typedef struct ExactReal {
    BigInt magnitude;
    int32_t power;
    bool is_negative;
} ExactReal;

static ExactReal exact_sum(const FloatSum *sum)
{
    ExactReal real;

    real.magnitude = float_sum_magnitude(sum, &real.is_negative, &real.power);
    return real;
}

static Quad quad_of_exact(const ExactReal *real)
{
    Quad value = quad_of_big(&real->magnitude, real->power);

    return real->is_negative ? -value : value;
}

/* Beyond that far apart, their bits would not all fit: the leading ones do then. */
enum { EXACT_SHIFT_MAX = 448 };

/* a - b */
static Quad exact_difference(ExactReal a, ExactReal b)
{
    ExactReal *upper = a.power > b.power ? &a : &b;
    int32_t shift = upper == &a ? a.power - b.power : b.power - a.power;

    if (big_is_zero(&a.magnitude) || big_is_zero(&b.magnitude) || shift > EXACT_SHIFT_MAX)
        return quad_of_exact(&a) - quad_of_exact(&b);
    big_shift_left(&upper->magnitude, (uint32_t)shift);
    upper->power -= shift;
    if (a.is_negative != b.is_negative) {
        big_add(&a.magnitude, &b.magnitude);
    } else if (big_compare(&a.magnitude, &b.magnitude) >= 0) {
        big_subtract(&a.magnitude, &b.magnitude);
    } else {
        big_subtract(&b.magnitude, &a.magnitude);
        a.magnitude = b.magnitude;
        a.is_negative = !a.is_negative;
    }
    return quad_of_exact(&a);
}

/* sum((x - avg(x)) * (y - avg(y))) = (n sum(xy) - sum(x) sum(y)) / n */
static Quad deviations(const FloatSum *xy, const FloatSum *x, const FloatSum *y, int64_t count)
{
    ExactReal products = exact_sum(xy), a = exact_sum(x), b = exact_sum(y);

    big_multiply(&products.magnitude, (uint64_t)count);
    big_multiply_big(&a.magnitude, &b.magnitude);
    a.power += b.power;
    a.is_negative ^= b.is_negative;
    return exact_difference(products, a) / (Quad)count;
}

typedef struct PairMoments {
    Quad sxx, syy, sxy;
} PairMoments;

static Quad not_a_number(void)
{
    return (Quad)NAN;
}

/* As in PostgreSQL, an infinity or NaN among the x makes all that x has a part in NaN. */
static PairMoments moments_of(OpCtx *ctx, const PairSums *sums)
{
    bool has_x = sums->x.specials == 0, has_y = sums->y.specials == 0;
    int64_t count = sums->x.count;
    PairMoments moments = {not_a_number(), not_a_number(), not_a_number()};

    op_raise_if(ctx,
                (has_x && sums->xx.specials != 0) || (has_y && sums->yy.specials != 0) ||
                    (has_x && has_y && sums->xy.specials != 0),
                OPERR_FLOAT_OVERFLOW);
    if (ctx->error != 0)
        return moments;
    if (has_x)
        moments.sxx = deviations(&sums->xx, &sums->x, &sums->x, count);
    if (has_y)
        moments.syy = deviations(&sums->yy, &sums->y, &sums->y, count);
    if (has_x && has_y)
        moments.sxy = deviations(&sums->xy, &sums->x, &sums->y, count);
    moments.sxx = moments.sxx < 0 ? 0 : moments.sxx; /* of bins that were dropped */
    moments.syy = moments.syy < 0 ? 0 : moments.syy;
    return moments;
}

static Quad pair_sum(const FloatSum *sum)
{
    double special;

    return float_special(sum->specials, &special) ? (Quad)special : float_sum_quad(sum);
}

static bool put_any_float(OpCtx *ctx, Quad value, Type type, void *result)
{
    double special = (double)value;

    if (value != value || value - value != 0)
        return put_special(special, type, result);
    return put_float(ctx, value, type, result);
}

/* False: the result is NULL. */
static bool pair_result(AggOpId agg, const PairSums *sums, PairMoments m, Quad *value)
{
    Quad count = (Quad)sums->x.count;

    switch (agg) {
    case AGGOP_regr_avgx:
        *value = pair_sum(&sums->x) / count;
        return true;
    case AGGOP_regr_avgy:
        *value = pair_sum(&sums->y) / count;
        return true;
    case AGGOP_regr_sxx:
        *value = m.sxx;
        return true;
    case AGGOP_regr_syy:
        *value = m.syy;
        return true;
    case AGGOP_regr_sxy:
        *value = m.sxy;
        return true;
    case AGGOP_covar_pop:
        *value = m.sxy / count;
        return true;
    case AGGOP_covar_samp:
        *value = m.sxy / (count - 1);
        return count > 1;
    case AGGOP_corr:
        *value = m.sxy / (quad_sqrt(m.sxx) * quad_sqrt(m.syy));
        return m.sxx != 0 && m.syy != 0;
    case AGGOP_regr_r2:
        *value = m.syy == 0 ? 1 : (m.sxy / m.sxx) * (m.sxy / m.syy);
        return m.sxx != 0;
    case AGGOP_regr_slope:
        *value = m.sxy / m.sxx;
        return m.sxx != 0;
    default: /* regr_intercept */
        *value = (pair_sum(&sums->y) - pair_sum(&sums->x) * (m.sxy / m.sxx)) / count;
        return m.sxx != 0;
    }
}

static bool finish_pair(OpCtx *ctx, AggOpId agg, const AggTypes *types, const PairSums *sums,
                        void *result)
{
    PairMoments moments;
    Quad value;

    if (agg == AGGOP_regr_count) {
        memcpy(result, &sums->x.count, sizeof sums->x.count);
        return true;
    }
    if (sums->x.count == 0)
        return false;
    moments = moments_of(ctx, sums);
    if (ctx->error != 0 || !pair_result(agg, sums, moments, &value))
        return false;
    return put_any_float(ctx, value, types->result, result);
}

/* --- the rest --- */

static bool finish_count(const CountState *state, int64_t *result)
{
    *result = state->count;
    return true;
}

static bool finish_first(const FirstState *state, Type type, void *result)
{
    memcpy(result, state->value, phys_bytes(type_phys(type)));
    return state->is_set && !state->is_null;
}

/* Minima and maxima: the value comes first in every such state, is_set behind it. */
static bool finish_best(AggOpId agg, const void *state, Type type, void *result)
{
    size_t bytes = phys_bytes(type_phys(type));

    ASSERT(agg_state_bytes(agg) > bytes);
    memcpy(result, state, bytes);
    return ((const uint8_t *)state)[bytes];
}

static Spread spread_of_agg(AggOpId agg)
{
    switch (agg) {
    case AGGOP_var_samp_dec128:
    case AGGOP_var_samp_float8:
        return (Spread){.is_sample = true};
    case AGGOP_stddev_pop_dec128:
    case AGGOP_stddev_pop_float8:
        return (Spread){.is_root = true};
    case AGGOP_stddev_samp_dec128:
    case AGGOP_stddev_samp_float8:
        return (Spread){.is_sample = true, .is_root = true};
    default:
        return (Spread){.is_sample = false};
    }
}

bool agg_finish(OpCtx *ctx, AggOpId agg, const AggTypes *types, const void *state, void *result)
{
    switch (agg) {
    case AGGOP_count_star:
    case AGGOP_count_any:
        return finish_count(state, result);
    case AGGOP_sum_int2:
    case AGGOP_sum_int4:
    case AGGOP_sum_int8:
    case AGGOP_sum_dec64:
        return finish_int_sum(ctx, types, state, result);
    case AGGOP_sum_dec128:
        return finish_wide_sum(ctx, types, state, result);
    case AGGOP_avg_int2:
    case AGGOP_avg_int4:
    case AGGOP_avg_int8:
    case AGGOP_avg_dec64:
        return finish_int_avg(ctx, types, state, result);
    case AGGOP_avg_dec128:
        return finish_wide_avg(ctx, types, state, result);
    case AGGOP_sum_float4:
    case AGGOP_sum_float8:
        return finish_float_sum(ctx, types, state, result);
    case AGGOP_avg_float4:
    case AGGOP_avg_float8:
        return finish_float_avg(ctx, types, state, result);
    case AGGOP_sum_interval:
        return finish_interval_sum(ctx, state, result);
    case AGGOP_avg_interval:
        return finish_interval_avg(ctx, state, result);
    case AGGOP_first_any:
        return finish_first(state, types->result, result);
    case AGGOP_var_pop_dec128:
    case AGGOP_var_samp_dec128:
    case AGGOP_stddev_pop_dec128:
    case AGGOP_stddev_samp_dec128:
        return finish_numeric_variance(ctx, types, state, spread_of_agg(agg), result);
    case AGGOP_var_pop_float8:
    case AGGOP_var_samp_float8:
    case AGGOP_stddev_pop_float8:
    case AGGOP_stddev_samp_float8:
        return finish_float_variance(ctx, types, state, spread_of_agg(agg), result);
    case AGGOP_corr:
    case AGGOP_covar_pop:
    case AGGOP_covar_samp:
    case AGGOP_regr_avgx:
    case AGGOP_regr_avgy:
    case AGGOP_regr_count:
    case AGGOP_regr_intercept:
    case AGGOP_regr_r2:
    case AGGOP_regr_slope:
    case AGGOP_regr_sxx:
    case AGGOP_regr_sxy:
    case AGGOP_regr_syy:
        return finish_pair(ctx, agg, types, state, result);
    default:
        return finish_best(agg, state, types->result, result);
    }
}

void agg_merge(AggOpId agg, void *into, const void *from)
{
    switch (agg) {
#define AGGOP(word, c, result, argument)                                                           \
    case AGGOP_##c:                                                                                \
        agg_##c##_merge(into, from);                                                               \
        return;
#include "core/plan/aggregates.def"
    case AGGOP_COUNT_:
        break;
    }
    UNREACHABLE("aggregate");
}

size_t agg_state_bytes(AggOpId agg)
{
    static const uint16_t bytes[AGGOP_COUNT_] = {
#define AGGOP(word, c, result, argument) [AGGOP_##c] = sizeof(AGG_STATE_##c),
#include "core/plan/aggregates.def"
    };

    return bytes[agg];
}

AggOpId agg_state_owner(AggOpId agg)
{
    switch (agg) {
    case AGGOP_avg_int2:
        return AGGOP_sum_int2;
    case AGGOP_avg_int4:
        return AGGOP_sum_int4;
    case AGGOP_avg_int8:
        return AGGOP_sum_int8;
    case AGGOP_avg_dec64:
        return AGGOP_sum_dec64;
    case AGGOP_avg_dec128:
        return AGGOP_sum_dec128;
    case AGGOP_avg_float4:
        return AGGOP_sum_float4;
    case AGGOP_avg_float8:
        return AGGOP_sum_float8;
    case AGGOP_avg_interval:
        return AGGOP_sum_interval;
    case AGGOP_var_samp_dec128:
    case AGGOP_stddev_pop_dec128:
    case AGGOP_stddev_samp_dec128:
        return AGGOP_var_pop_dec128;
    case AGGOP_var_samp_float8:
    case AGGOP_stddev_pop_float8:
    case AGGOP_stddev_samp_float8:
        return AGGOP_var_pop_float8;
    case AGGOP_covar_pop:
    case AGGOP_covar_samp:
    case AGGOP_regr_avgx:
    case AGGOP_regr_avgy:
    case AGGOP_regr_count:
    case AGGOP_regr_intercept:
    case AGGOP_regr_r2:
    case AGGOP_regr_slope:
    case AGGOP_regr_sxx:
    case AGGOP_regr_sxy:
    case AGGOP_regr_syy:
        return AGGOP_corr;
    default:
        return agg;
    }
}
