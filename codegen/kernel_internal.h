/*
 * kernel_internal.h -- a kernel's program, as its builder makes it and both tiers read it
 *
 * A program is a list of lines in single assignment: line i computes register i for every row, from
 * earlier registers. Two sorts of registers:
 *
 *     values   of a SQL type, NULL allowed where is_nullable
 *     masks    boolean, never NULL: "x IS TRUE", "x IS NULL", conjunctions of those
 *
 * AND, OR, NOT, CASE, COALESCE and predicates are all spelled in masks, so no three-valued logic is
 * left: a nullable boolean is made at the very end, from the mask of its TRUEs and that of its
 * FALSEs.
 *
 *     where a > 1 and b / c > 2;      output case when d = '' then null else d end
 *
 *       %0 = column 0                          a
 *       %2 = gt_int4(%0, $0)
 *       %7 = div_int4(%3, %4) if %2            may fail: computed only where its guard holds
 *       %8 = gt_int4(%7, $1)
 *       %9 = %2 & %8                           the predicate
 *       ------------------------------------   from here on, rows that the predicate keeps
 *       %11 = eq_text(%10, $2)
 *       %13 = select(%11, null, %10)
 *
 * A line's guard is a mask: rows outside need not be computed, and must raise no error. What a
 * register holds there (and in rows that no selection has) is arbitrary but safe to copy.
 */
#ifndef VONK_CODEGEN_KERNEL_INTERNAL_H
#define VONK_CODEGEN_KERNEL_INTERNAL_H

#include <stdatomic.h>

#include "codegen/kernel.h"
#include "codegen/ops/aggregate.h"
#include "codegen/value_set.h"

#define NO_REGISTER UINT32_MAX

typedef enum LineKind {
    LINE_INPUT,   /* value: column `index` of the batch                                          */
    LINE_PARAM,   /* value: constant `index`                                                     */
    LINE_OP,      /* value: op(args); NULL where an argument is                                  */
    LINE_IN,      /* value: whether args[0] is in set `index`; NULL where args[0] is              */
    LINE_SELECT,  /* value: args[1] where the mask args[0], else args[2]                         */
    LINE_BOOL,    /* value: TRUE where the mask args[0], FALSE where args[1], else NULL          */
    LINE_IS_TRUE, /* mask of the boolean args[0]                                               */
    LINE_IS_FALSE,
    LINE_IS_NULL, /* mask of the value args[0]                                                 */
    LINE_IS_NOT_NULL,
    LINE_MASK_AND, /* masks of masks                                                           */
    LINE_MASK_OR,
    LINE_MASK_AND_NOT,
    LINE_MASK_NOT
} LineKind;

typedef struct KernelLine {
    LineKind kind;
    OpId op;
    uint32_t index;
    uint32_t arg_count;
    uint32_t args[OP_ARGS_MAX]; /* registers                                                   */
    uint32_t guard;             /* a mask, or NO_REGISTER                                      */
    Type type;
    bool is_nullable;
} KernelLine;

typedef struct KernelAgg {
    AggOpId op;
    uint32_t arg;    /* register, or NO_REGISTER                                               */
    uint32_t filter; /* mask of the rows to take, or NO_REGISTER: all that the predicate keeps */
    uint32_t state_offset;
    AggTypes types;
    AggStep step;
    bool skips_null;
    bool is_shared; /* an earlier aggregate keeps the same state: this one only finishes it     */
} KernelAgg;

/* Made and swapped in by the JIT (kernel_compile.c). */
typedef struct KernelCode KernelCode;

struct Kernel {
    Arena *arena; /* all below lives in it */
    _Atomic uint32_t references;
    const char *name;

    uint32_t input_count;
    const PlanColumn *inputs;
    uint32_t line_count;
    const KernelLine *lines;
    uint32_t filter_line_count; /* the first lines: up to the predicate                        */
    uint32_t predicate;         /* a mask, or NO_REGISTER: keeps all rows                       */
    uint32_t param_count;
    const Value *params;
    uint32_t set_count;
    const ValueSet *const *sets;
    uint32_t output_count;
    const uint32_t *outputs; /* registers                                                      */
    const Type *output_types;
    uint32_t agg_count;
    const KernelAgg *aggs;
    size_t state_bytes;

    JitMode jit;
    CodeCache *cache;
    double expected_rows;
    _Atomic(KernelCode *) code; /* NULL: tier 0                                                */
    _Atomic uint64_t tier0_rows, tier1_rows;
};

static inline bool line_is_mask(const KernelLine *line)
{
    return line->kind >= LINE_IS_TRUE;
}

/* Cheap enough to be computed of every row, its error masked: that keeps loops without branches.
 * Compiled, some complain of large numbers too, that are then left to tier 0. */
static inline bool op_is_masked(const Op *op)
{
    for (uint32_t i = 0; i < op->arg_count; i++)
        if (op->args[i] == OPTYPE_DEC128 || op->args[i] == OPTYPE_INTERVAL ||
            op->args[i] == OPTYPE_TEXT)
            return false;
    switch (op->func) {
    case FUNC_ADD:
    case FUNC_SUB:
    case FUNC_MUL:
    case FUNC_NEG:
    case FUNC_ABS:
    case FUNC_SCALE_UP:
        return op->result != OPTYPE_DEC128 && op->result != OPTYPE_INTERVAL;
    case FUNC_DIV:
        return op->result == OPTYPE_FLOAT8 || op->result == OPTYPE_FLOAT4;
    case FUNC_CAST:
        return op->result == OPTYPE_DEC64
                   ? op->args[0] == OPTYPE_INT2 || op->args[0] == OPTYPE_INT4 ||
                         op->args[0] == OPTYPE_INT8
                   : op->result == OPTYPE_FLOAT8 && op->args[0] == OPTYPE_DEC64;
    default:
        return false;
    }
}

/* Drops lines that nobody needs and numbers registers anew. (kernel_prune.c) */
void kernel__prune(Kernel *kernel, KernelLine *lines, uint32_t *outputs, KernelAgg *aggs);

/* The error that an operation has left in ctx. (kernel_error.c) */
/* States with pointers to texts in them, which are no bytes to send. */
bool kernel__agg_holds_text(const KernelAgg *agg);

Status kernel__op_error(const OpCtx *ctx, Error *err);

#endif
