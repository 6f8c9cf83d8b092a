/*
 * ops_bitcode.c -- the operations as functions that compiled kernels call, and LLVM inlines
 *
 * Every operation becomes void vonk_op_<name>(ctx, result, argument, ...), all by address: so that
 * one shape of call serves every type, whatever the ABI does with texts and 128-bit numbers. Once
 * inlined, the addresses are gone.
 *
 * Compiled once a group by clang to bitcode; a kernel links in only the groups that it needs.
 */
#include "codegen/ops/arith.h"
#include "codegen/ops/by_template.h"
#include "codegen/ops/cast.h"
#include "codegen/ops/compare.h"
#include "codegen/ops/date.h"
#include "codegen/ops/extract.h"
#include "codegen/ops/like.h"
#include "codegen/ops/math.h"
#include "codegen/ops/numeric.h"
#include "codegen/ops/op_context.h"
#include "codegen/ops/string.h"

#define FUNC(word, name, properties)
#define ALIAS(name, word)
#define OP1(word, c, r, a, e)                                                                      \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x);                               \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x)                                \
    {                                                                                              \
        *result = op_##c(ctx, *x);                                                                 \
    }
#define OP2(word, c, r, a, b, e)                                                                   \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x, const OPC_##b *y);             \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x, const OPC_##b *y)              \
    {                                                                                              \
        *result = op_##c(ctx, *x, *y);                                                             \
    }
#define OP3(word, c, r, a, b, c_, e)                                                               \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x, const OPC_##b *y,              \
                     const OPC_##c_ *z);                                                           \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x, const OPC_##b *y,              \
                     const OPC_##c_ *z)                                                            \
    {                                                                                              \
        *result = op_##c(ctx, *x, *y, *z);                                                         \
    }
#define OP4(word, c, r, a, b, c_, d, e)                                                            \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x, const OPC_##b *y,              \
                     const OPC_##c_ *z, const OPC_##d *w);                                         \
    void vonk_op_##c(OpCtx *ctx, OPC_##r *result, const OPC_##a *x, const OPC_##b *y,              \
                     const OPC_##c_ *z, const OPC_##d *w)                                          \
    {                                                                                              \
        *result = op_##c(ctx, *x, *y, *z, *w);                                                     \
    }

#if VONK_OPS_GROUP == 0
#include "core/plan/functions_compare.def"
#elif VONK_OPS_GROUP == 1
#include "core/plan/functions_math.def"
#elif VONK_OPS_GROUP == 2
#include "core/plan/functions_text.def"
#elif VONK_OPS_GROUP == 3
#include "core/plan/functions_date.def"
#else
#include "core/plan/functions_cast.def"
#endif
