/*
 * vector_loops.h -- the macros that make an operation's loops; see vector.h
 *
 * A file defines VECTOR_NAME and includes this, then the operations, then vector_table.h, which
 * makes the loops and the table from VECTOR_ROWS, a .def file.
 */
#ifndef VONK_CODEGEN_VECTOR_VECTOR_LOOPS_H
#define VONK_CODEGEN_VECTOR_VECTOR_LOOPS_H

#include "codegen/vector/vector.h"

#define VECTOR_PASTE_(a, b)     a##b
#define VECTOR_PASTE(a, b)      VECTOR_PASTE_(a, b)
#define VECTOR_PASTE3_(a, b, c) a##b##c
#define VECTOR_PASTE3(a, b, c)  VECTOR_PASTE3_(a, b, c)

/* Whether a type may stand in a dense loop: F fast, S slow (text: garbage must not be followed). */
#define VECTOR_KIND_BOOL      F
#define VECTOR_KIND_INT2      F
#define VECTOR_KIND_INT4      F
#define VECTOR_KIND_INT8      F
#define VECTOR_KIND_DEC64     F
#define VECTOR_KIND_DEC128    F
#define VECTOR_KIND_FLOAT4    F
#define VECTOR_KIND_FLOAT8    F
#define VECTOR_KIND_TEXT      S
#define VECTOR_KIND_DATE      F
#define VECTOR_KIND_TIMESTAMP F
#define VECTOR_KIND_INTERVAL  F

#define VECTOR_BOTH_FF        F
#define VECTOR_BOTH_FS        S
#define VECTOR_BOTH_SF        S
#define VECTOR_BOTH_SS        S
#define VECTOR_BOTH(a, b)     VECTOR_PASTE3(VECTOR_BOTH_, a, b)
#define VECTOR_KIND2(r, a)    VECTOR_BOTH(VECTOR_KIND_##r, VECTOR_KIND_##a)
#define VECTOR_KIND3(r, a, b) VECTOR_BOTH(VECTOR_KIND2(r, a), VECTOR_KIND_##b)

/* --- sparse --- */

#define VECTOR_SPARSE(c, R, DECLARE, CALL)                                                         \
    static uint32_t sparse_##c(const VectorCall *call)                                             \
    {                                                                                              \
        OpCtx *ctx = call->ctx;                                                                    \
        R *out = call->out;                                                                        \
        DECLARE                                                                                    \
        for (uint32_t k = 0; k < call->count; k++) {                                               \
            uint32_t i = call->selection == NULL ? k : call->selection[k];                         \
            out[i] = CALL;                                                                         \
            if (__builtin_expect(ctx->error != 0, 0))                                              \
                return k;                                                                          \
        }                                                                                          \
        return call->count;                                                                        \
    }

#define VECTOR_ARG(n, T)                                                                           \
    const T *a##n = call->args[n];                                                                 \
    const uint32_t step##n = call->steps[n];
#define VECTOR_AT(n) a##n[i & step##n]

#define VECTOR_SPARSE1(c, r, a)                                                                    \
    VECTOR_SPARSE(c, OPC_##r, VECTOR_ARG(0, OPC_##a), op_##c(ctx, VECTOR_AT(0)))
#define VECTOR_SPARSE2(c, r, a, b)                                                                 \
    VECTOR_SPARSE(c, OPC_##r, VECTOR_ARG(0, OPC_##a) VECTOR_ARG(1, OPC_##b),                       \
                  op_##c(ctx, VECTOR_AT(0), VECTOR_AT(1)))
#define VECTOR_SPARSE3(c, r, a, b, c_)                                                             \
    VECTOR_SPARSE(c, OPC_##r,                                                                      \
                  VECTOR_ARG(0, OPC_##a) VECTOR_ARG(1, OPC_##b) VECTOR_ARG(2, OPC_##c_),           \
                  op_##c(ctx, VECTOR_AT(0), VECTOR_AT(1), VECTOR_AT(2)))
#define VECTOR_SPARSE4(c, r, a, b, c_, d)                                                          \
    VECTOR_SPARSE(c, OPC_##r,                                                                      \
                  VECTOR_ARG(0, OPC_##a) VECTOR_ARG(1, OPC_##b) VECTOR_ARG(2, OPC_##c_)            \
                      VECTOR_ARG(3, OPC_##d),                                                      \
                  op_##c(ctx, VECTOR_AT(0), VECTOR_AT(1), VECTOR_AT(2), VECTOR_AT(3)))

/* --- dense: the context is local, so that it lives in registers; what it complains of is not
 * used --- */

#define VECTOR_DENSE(name, R, DECLARE, CALL)                                                       \
    static uint32_t name(const VectorCall *call)                                                   \
    {                                                                                              \
        OpCtx local = {.text_at = call->ctx->text_at,                                              \
                       .text_end = call->ctx->text_end,                                            \
                       .heap = call->ctx->heap},                                                   \
              *ctx = &local;                                                                       \
        const uint32_t count = call->count;                                                        \
        R *restrict out = call->out;                                                               \
        DECLARE                                                                                    \
        for (uint32_t i = 0; i < count; i++)                                                       \
            out[i] = CALL;                                                                         \
        return local.error;                                                                        \
    }

#define VECTOR_COLUMN(n, T)   const T *restrict a##n = call->args[n];
#define VECTOR_CONSTANT(n, T) const T c##n = *(const T *)call->args[n];

#define VECTOR_DENSE1_F(c, r, a)                                                                   \
    VECTOR_DENSE(dense_v_##c, OPC_##r, VECTOR_COLUMN(0, OPC_##a), op_##c(ctx, a0[i]))
#define VECTOR_DENSE2_F(c, r, a, b)                                                                \
    VECTOR_DENSE(dense_vv_##c, OPC_##r, VECTOR_COLUMN(0, OPC_##a) VECTOR_COLUMN(1, OPC_##b),       \
                 op_##c(ctx, a0[i], a1[i]))                                                        \
    VECTOR_DENSE(dense_vc_##c, OPC_##r, VECTOR_COLUMN(0, OPC_##a) VECTOR_CONSTANT(1, OPC_##b),     \
                 op_##c(ctx, a0[i], c1))                                                           \
    VECTOR_DENSE(dense_cv_##c, OPC_##r, VECTOR_CONSTANT(0, OPC_##a) VECTOR_COLUMN(1, OPC_##b),     \
                 op_##c(ctx, c0, a1[i]))
#define VECTOR_DENSE3_F(c, r, a, b, c_)                                                            \
    VECTOR_DENSE(dense_vvc_##c, OPC_##r,                                                           \
                 VECTOR_COLUMN(0, OPC_##a) VECTOR_COLUMN(1, OPC_##b) VECTOR_CONSTANT(2, OPC_##c_), \
                 op_##c(ctx, a0[i], a1[i], c2))                                                    \
    VECTOR_DENSE(dense_vcc_##c, OPC_##r,                                                           \
                 VECTOR_COLUMN(0, OPC_##a) VECTOR_CONSTANT(1, OPC_##b)                             \
                     VECTOR_CONSTANT(2, OPC_##c_),                                                 \
                 op_##c(ctx, a0[i], c1, c2))
#define VECTOR_DENSE4_F(c, r, a, b, c_, d)                                                         \
    VECTOR_DENSE(dense_vccc_##c, OPC_##r,                                                          \
                 VECTOR_COLUMN(0, OPC_##a) VECTOR_CONSTANT(1, OPC_##b)                             \
                     VECTOR_CONSTANT(2, OPC_##c_) VECTOR_CONSTANT(3, OPC_##d),                     \
                 op_##c(ctx, a0[i], c1, c2, c3))

#define VECTOR_DENSE1_S(c, r, a)
#define VECTOR_DENSE2_S(c, r, a, b)
#define VECTOR_DENSE3_S(c, r, a, b, c_)
#define VECTOR_DENSE4_S(c, r, a, b, c_, d)

#define VECTOR_NAMES1_F(c) {dense_v_##c}
#define VECTOR_NAMES2_F(c) {dense_vv_##c, dense_cv_##c, dense_vc_##c}
#define VECTOR_NAMES3_F(c) {NULL, NULL, NULL, NULL, dense_vvc_##c, NULL, dense_vcc_##c}
#define VECTOR_NAMES4_F(c) {NULL, NULL, NULL, NULL, NULL, NULL, dense_vccc_##c}
#define VECTOR_NAMES1_S(c) {NULL}
#define VECTOR_NAMES2_S(c) {NULL}
#define VECTOR_NAMES3_S(c) {NULL}
#define VECTOR_NAMES4_S(c) {NULL}

#endif
