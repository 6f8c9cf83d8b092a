/*
 * vector_aggregate.c -- loops of aggregates.def; see vector.h
 *
 * With one state for all rows the state is held in registers meanwhile.
 */
#include "codegen/vector/vector_loops.h"

#define AGG_LOOPS(c, T)                                                                            \
    static void single_##c(const VectorAggCall *call)                                              \
    {                                                                                              \
        AGG_STATE_##c state = *(AGG_STATE_##c *)call->single;                                      \
        const T *values = call->values;                                                            \
        const uint32_t *selection = call->selection, step = call->step, count = call->count;       \
        if (selection == NULL && step != 0)                                                        \
            for (uint32_t i = 0; i < count; i++)                                                   \
                agg_##c##_update(&state, values[i]);                                               \
        else if (selection != NULL)                                                                \
            for (uint32_t k = 0; k < count; k++)                                                   \
                agg_##c##_update(&state, values[selection[k] & step]);                             \
        else                                                                                       \
            for (uint32_t i = 0; i < count; i++)                                                   \
                agg_##c##_update(&state, values[0]);                                               \
        *(AGG_STATE_##c *)call->single = state;                                                    \
    }                                                                                              \
    static void many_##c(const VectorAggCall *call)                                                \
    {                                                                                              \
        const T *values = call->values;                                                            \
        for (uint32_t k = 0; k < call->count; k++) {                                               \
            uint32_t i = call->selection == NULL ? k : call->selection[k];                         \
            AGG_STATE_##c *state = (void *)((char *)call->states[i] + call->offset);               \
            agg_##c##_update(state, values[i & call->step]);                                       \
        }                                                                                          \
    }

/* Counts look at no value. */
static void single_count_any(const VectorAggCall *call)
{
    ((CountState *)call->single)->count += call->count;
}

static void many_count_any(const VectorAggCall *call)
{
    for (uint32_t k = 0; k < call->count; k++) {
        uint32_t i = call->selection == NULL ? k : call->selection[k];

        ((CountState *)(void *)((char *)call->states[i] + call->offset))->count++;
    }
}

/* AGGOP rows whose argument is a type; count and first are not made here. */
#define AGG_LOOPS_NONE(c)
#define AGG_LOOPS_ANY(c)
#define AGG_LOOPS_BOOL(c)      AGG_LOOPS(c, OPC_BOOL)
#define AGG_LOOPS_INT2(c)      AGG_LOOPS(c, OPC_INT2)
#define AGG_LOOPS_INT4(c)      AGG_LOOPS(c, OPC_INT4)
#define AGG_LOOPS_INT8(c)      AGG_LOOPS(c, OPC_INT8)
#define AGG_LOOPS_DEC64(c)     AGG_LOOPS(c, OPC_DEC64)
#define AGG_LOOPS_DEC128(c)    AGG_LOOPS(c, OPC_DEC128)
#define AGG_LOOPS_FLOAT4(c)    AGG_LOOPS(c, OPC_FLOAT4)
#define AGG_LOOPS_FLOAT8(c)    AGG_LOOPS(c, OPC_FLOAT8)
#define AGG_LOOPS_TEXT(c)      AGG_LOOPS(c, OPC_TEXT)
#define AGG_LOOPS_DATE(c)      AGG_LOOPS(c, OPC_DATE)
#define AGG_LOOPS_TIMESTAMP(c) AGG_LOOPS(c, OPC_TIMESTAMP)
#define AGG_LOOPS_INTERVAL(c)  AGG_LOOPS(c, OPC_INTERVAL)

#define AGGOP(word, c, result, argument) AGG_LOOPS_##argument(c)
#include "core/plan/aggregates.def"

#define AGG_ROW(c)        [AGGOP_##c] = {AGGOP_##c, single_##c, many_##c},
#define AGG_ROW_BOOL      AGG_ROW
#define AGG_ROW_INT2      AGG_ROW
#define AGG_ROW_INT4      AGG_ROW
#define AGG_ROW_INT8      AGG_ROW
#define AGG_ROW_DEC64     AGG_ROW
#define AGG_ROW_DEC128    AGG_ROW
#define AGG_ROW_FLOAT4    AGG_ROW
#define AGG_ROW_FLOAT8    AGG_ROW
#define AGG_ROW_TEXT      AGG_ROW
#define AGG_ROW_DATE      AGG_ROW
#define AGG_ROW_TIMESTAMP AGG_ROW
#define AGG_ROW_INTERVAL  AGG_ROW
#define AGG_ROW_ANY(c)
#define AGG_ROW_NONE(c)

#define vector_aggs VECTOR_PASTE(vector_aggs_, VECTOR_LEVEL)
const VectorAgg vector_aggs[AGGOP_COUNT_] = {
#define AGGOP(word, c, result, argument) AGG_ROW_##argument(c)
#include "core/plan/aggregates.def"
    [AGGOP_count_star] = {AGGOP_count_star, single_count_any, many_count_any},
    [AGGOP_count_any] = {AGGOP_count_any, single_count_any, many_count_any}};
