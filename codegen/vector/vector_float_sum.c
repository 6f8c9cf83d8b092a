/*
 * vector_float_sum.c -- sums of doubles, a batch at a time; see ops/float_sum.h and vector.h
 *
 * Pieces are cut into halves of 32 bits and added in 64-bit lanes, without branches:
 * BATCH_ROWS_MAX of them
 * cannot overflow. One pass for each bin that the batch's values begin in: mostly one, and at most
 * three, for what begins lower is dropped. Batches with infinities, NaNs and subnormal numbers
 * are added
 * up one by one. Both give the same bits, as any order and grouping does.
 */
#include "codegen/vector/vector_loops.h"

#define SIGNIFICAND ((UINT64_C(1) << 52) - 1)

/* Bins of the smallest and the largest value but zeros. */
typedef struct Span {
    int32_t least, most;
    bool is_empty, is_special;
} Span;

static int32_t bin_of(int64_t magnitude)
{
    return (int32_t)(((magnitude >> 52) - 1 + FLOAT_SUM_PLACE) >> 6);
}

enum { LANES = 4 };
typedef int64_t Lanes __attribute__((vector_size(LANES * sizeof(int64_t))));
typedef uint64_t Bits __attribute__((vector_size(LANES * sizeof(uint64_t))));

/* By hand: compilers do not see that this is a minimum and a maximum. Up to LANES values. */
static inline void widen_span(const double *values, uint32_t count, Lanes *least, Lanes *most)
{
    Lanes magnitudes = {0}, or_most, is_less, is_more;

    memcpy(&magnitudes, values, count * sizeof *values);
    magnitudes &= INT64_MAX;
    or_most = magnitudes | ((magnitudes == 0) & INT64_MAX);
    is_less = or_most < *least;
    is_more = magnitudes > *most;
    *least = (or_most & is_less) | (*least & ~is_less);
    *most = (magnitudes & is_more) | (*most & ~is_more);
}

static Span span_of(const double *values, uint32_t count)
{
    Lanes least_lanes = (Lanes){0} + INT64_MAX, most_lanes = {0};
    int64_t least = INT64_MAX, most = 0;
    uint32_t i = 0;

    for (; i + LANES <= count; i += LANES)
        widen_span(values + i, LANES, &least_lanes, &most_lanes);
    widen_span(values + i, count - i, &least_lanes, &most_lanes);
    for (uint32_t j = 0; j < LANES; j++) {
        least = least_lanes[j] < least ? least_lanes[j] : least;
        most = most_lanes[j] > most ? most_lanes[j] : most;
    }
    return (Span){.least = bin_of(least),
                  .most = bin_of(most),
                  .is_empty = most == 0,
                  .is_special = most >> 52 == 0x7ff || least >> 52 == 0};
}

/* Sums of pieces by lane, the lowest 32 bits first. Negative numbers' bits are inverted, and how
 * many there were is added at the end: -x is ~x + 1. */
typedef struct Pieces {
    Bits sum[4];
    Bits negative_count;
} Pieces;

/* By hand: compilers make 32-bit lanes of some steps, and shuffle. Up to LANES values. */
static inline void add_pieces(Pieces *pieces, const double *values, uint32_t count, uint64_t bin)
{
    const Bits half = (Bits){0} + UINT32_MAX;
    Bits bits = {0}, place, shift, sign, significand, low, high;

    memcpy(&bits, values, count * sizeof *values);
    sign = (Bits)((Lanes)bits < 0);
    bits &= INT64_MAX;
    place = (bits >> 52) + (FLOAT_SUM_PLACE - 1);
    shift = place & 63;
    significand = ((bits & SIGNIFICAND) | UINT64_C(1) << 52) & (Bits)(place >> 6 == bin);
    significand &= (Bits)(bits != 0);
    sign &= (Bits)(significand != 0);
    low = significand << shift;
    high = significand >> 1 >> (shift ^ 63);
    pieces->sum[0] += (low & half) ^ sign;
    pieces->sum[1] += (low >> 32) ^ sign;
    pieces->sum[2] += (high & half) ^ sign;
    pieces->sum[3] += (high >> 32) ^ sign;
    pieces->negative_count -= sign;
}

/* Adds the values that begin in this bin. */
static void add_in_bin(FloatSum *sum, const double *values, uint32_t count, int32_t bin)
{
    int32_t down = sum->top - (bin + 1);
    int64_t piece[4] = {0};
    Pieces pieces = {0};
    uint32_t i = 0;

    for (; i + LANES <= count; i += LANES)
        add_pieces(&pieces, values + i, LANES, (uint64_t)bin);
    add_pieces(&pieces, values + i, count - i, (uint64_t)bin);
    for (uint32_t p = 0; p < 4; p++)
        for (uint32_t lane = 0; lane < LANES; lane++)
            piece[p] += (int64_t)(pieces.sum[p][lane] + pieces.negative_count[lane]);
    sum->bin[down] += (Int128)piece[3] * ((int64_t)1 << 32) + piece[2];
    if (down + 1 < FLOAT_SUM_BINS)
        sum->bin[down + 1] += (Int128)piece[1] * ((int64_t)1 << 32) + piece[0];
}

static void add_parts(FloatSum *sum, const double *values, uint32_t count)
{
    Span span = span_of(values, count);

    if (span.is_empty)
        return;
    if (span.is_special) {
        for (uint32_t i = 0; i < count; i++)
            float_sum_add_part(sum, values[i]);
        return;
    }
    if (sum->top < span.most + 1)
        float_sum_raise(sum, span.most + 1);
    for (int32_t bin = span.most; bin >= span.least && sum->top - bin <= FLOAT_SUM_BINS; bin--)
        add_in_bin(sum, values, count, bin);
}

/* The call's values as doubles, one behind the other. */
static const double *gather_doubles(const VectorAggCall *call, double *room)
{
    const double *values = call->values;

    if (call->selection == NULL && call->step != 0)
        return values;
    for (uint32_t k = 0; k < call->count; k++)
        room[k] = values[(call->selection == NULL ? k : call->selection[k]) & call->step];
    return room;
}

static const double *gather_floats(const VectorAggCall *call, double *room)
{
    const float *values = call->values;

    for (uint32_t k = 0; k < call->count; k++)
        room[k] = (double)values[(call->selection == NULL ? k : call->selection[k]) & call->step];
    return room;
}

static void sum_doubles(const VectorAggCall *call)
{
    double room[BATCH_ROWS_MAX];
    FloatSum *sum = call->single;

    add_parts(sum, gather_doubles(call, room), call->count);
    sum->count += call->count;
}

static void sum_floats(const VectorAggCall *call)
{
    double room[BATCH_ROWS_MAX];
    FloatSum *sum = call->single;

    add_parts(sum, gather_floats(call, room), call->count);
    sum->count += call->count;
}

static void sum_squares(const VectorAggCall *call)
{
    double room[BATCH_ROWS_MAX], squares[BATCH_ROWS_MAX], errors[BATCH_ROWS_MAX];
    FloatVarianceState *state = call->single;
    const double *values = gather_doubles(call, room);

    for (uint32_t i = 0; i < call->count; i++) {
        squares[i] = values[i] * values[i];
        errors[i] = squares[i] - squares[i] == 0 /* finite */
                        ? __builtin_fma(values[i], values[i], -squares[i])
                        : 0;
    }
    add_parts(&state->sum, values, call->count);
    add_parts(&state->squares, squares, call->count);
    add_parts(&state->squares, errors, call->count);
    state->sum.count += call->count;
}

#define VECTOR_FLOAT_SUM VECTOR_PASTE(vector_float_sum_, VECTOR_LEVEL)
VectorAggFn VECTOR_FLOAT_SUM(AggOpId agg)
{
    switch (agg) {
    case AGGOP_sum_float8:
    case AGGOP_avg_float8:
        return sum_doubles;
    case AGGOP_sum_float4:
    case AGGOP_avg_float4:
        return sum_floats;
    case AGGOP_var_pop_float8:
    case AGGOP_var_samp_float8:
    case AGGOP_stddev_pop_float8:
    case AGGOP_stddev_samp_float8:
        return sum_squares;
    default:
        return NULL;
    }
}
