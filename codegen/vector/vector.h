/*
 * vector.h -- tier 0's primitives: one operation over many rows, compiled ahead of time
 *
 * Each operation has up to four loops, all made by macros from its row in functions.def:
 *
 *     dense    rows 0..count-1, whether anybody needs them or not: the compiler vectorises it.
 *              One loop
 *              for each pattern of constant arguments that is worth it, none for text.
 *     sparse   the rows of a selection, stopping at the first that fails
 *
 * The files of this folder are compiled twice: for any x86-64, and for x86-64-v3 (AVX2). Which one
 * runs is decided once, by the CPU; both give the same bits.
 */
#ifndef VONK_CODEGEN_VECTOR_VECTOR_H
#define VONK_CODEGEN_VECTOR_VECTOR_H

#include "codegen/kernel_internal.h"

typedef struct VectorCall {
    OpCtx *ctx;                /* sparse: holds the error. dense: only lends its text room      */
    uint32_t count;            /* rows, or entries of the selection                             */
    const uint32_t *selection; /* sparse only; NULL: rows 0..count-1                            */
    void *out;                 /* indexed by row                                                */
    const void *args[OP_ARGS_MAX];
    uint32_t steps[OP_ARGS_MAX]; /* UINT32_MAX: indexed by row; 0: one value for all rows        */
} VectorCall;

/* dense: 0, or nonzero when some row failed. sparse: the index of the failing entry, or count. */
typedef uint32_t (*VectorFn)(const VectorCall *call);

enum { VECTOR_PATTERNS = 7 };

typedef struct VectorOp {
    OpId op;
    VectorFn sparse;
    VectorFn dense[VECTOR_PATTERNS]; /* by the bits of constant arguments among the first three */
} VectorOp;

/* An aggregate's loops over rows that are not NULL. */
typedef struct VectorAggCall {
    uint32_t count;
    const uint32_t *selection; /* NULL: rows 0..count-1                                          */
    const void *values;        /* indexed by row & step                                          */
    uint32_t step;
    void *single;        /* the one state, or                                              */
    void *const *states; /* the block of each row, in which the state lies at offset        */
    uint32_t offset;
} VectorAggCall;

typedef void (*VectorAggFn)(const VectorAggCall *call);

typedef struct VectorAgg {
    AggOpId agg;
    VectorAggFn single, many;
} VectorAgg;

typedef struct VectorTable {
    uint32_t count;
    const VectorOp *ops;
} VectorTable;

/* One table per .def file and CPU level. */
#define VECTOR_TABLES(level)                                                                       \
    extern const VectorTable vector_compare_##level, vector_math_##level, vector_text_##level,     \
        vector_date_##level, vector_cast_##level;                                                  \
    extern const VectorAgg vector_aggs_##level[AGGOP_COUNT_];                                      \
    VectorAggFn vector_float_sum_##level(AggOpId agg); /* a faster `single`, or NULL */
VECTOR_TABLES(base)
#ifdef VONK_VECTOR_V3
VECTOR_TABLES(v3)
#endif

/* For this CPU. */
const VectorOp *vector_op(OpId op);
VectorAgg vector_agg(AggOpId agg);

#endif
