/*
 * ops_bitcode.c -- the operations as functions that compiled kernels call, and LLVM inlines
 *
 * Every operation becomes void vonk_op_<name>(ctx, result, argument, ...), all by address: so that
 * one shape of call serves every type, whatever the ABI does with texts and 128-bit numbers. Once
 * inlined, the addresses are gone.
 *
 * Compiled once a group by clang to bitcode; a kernel links in only the groups that it needs.
 */
#include "codegen/ops/aggregate.h"
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
#elif VONK_OPS_GROUP == 4
#include "core/plan/functions_cast.def"
#else

/* Aggregates: what takes a value. Counts are emitted in line. */
#define AGG(word, name, properties)
#define AGG_UPDATE(c, T)                                                                           \
    void vonk_agg_##c(AGG_STATE_##c *state, const OPC_##T *value);                                 \
    void vonk_agg_##c(AGG_STATE_##c *state, const OPC_##T *value)                                  \
    {                                                                                              \
        agg_##c##_update(state, *value);                                                           \
    }
#define AGGOP(word, c, result, argument) AGG_UPDATE_OF_##argument(c)
#define AGG_UPDATE_OF_NONE(c)
#define AGG_UPDATE_OF_ANY(c)
#define AGG_UPDATE_OF_BOOL(c)      AGG_UPDATE(c, BOOL)
#define AGG_UPDATE_OF_INT2(c)      AGG_UPDATE(c, INT2)
#define AGG_UPDATE_OF_INT4(c)      AGG_UPDATE(c, INT4)
#define AGG_UPDATE_OF_INT8(c)      AGG_UPDATE(c, INT8)
#define AGG_UPDATE_OF_DEC64(c)     AGG_UPDATE(c, DEC64)
#define AGG_UPDATE_OF_DEC128(c)    AGG_UPDATE(c, DEC128)
#define AGG_UPDATE_OF_FLOAT4(c)    AGG_UPDATE(c, FLOAT4)
#define AGG_UPDATE_OF_FLOAT8(c)    AGG_UPDATE(c, FLOAT8)
#define AGG_UPDATE_OF_TEXT(c)      AGG_UPDATE(c, TEXT)
#define AGG_UPDATE_OF_DATE(c)      AGG_UPDATE(c, DATE)
#define AGG_UPDATE_OF_TIMESTAMP(c) AGG_UPDATE(c, TIMESTAMP)
#define AGG_UPDATE_OF_INTERVAL(c)  AGG_UPDATE(c, INTERVAL)
#include "core/plan/aggregates.def"

void vonk_agg_first_any(FirstState *state, const void *value, uint64_t bytes, uint8_t is_null);
void vonk_agg_first_any(FirstState *state, const void *value, uint64_t bytes, uint8_t is_null)
{
    first_add(state, value, bytes, is_null != 0);
}
#endif
