/*
 * kernel_call.h -- how compiled code is called: one batch, one call
 *
 * Rows are named by their physical number; `selection` lists those to look at (never NULL: for all
 * rows it is 0, 1, 2, ...). The code is two loops:
 *
 *     for i in 0 .. count:          row = selection[i]; if the predicate holds, kept[n++] = row
 *                                                       (for kernels with aggregates: = i)
 *     for k in 0 .. n:              computes the outputs of row kept[k] and updates the aggregates
 *
 * Without a predicate the first loop is left out and n is count. Errors are not looked at row by
 * row: ctx->error says at the end that some operation complained, and the caller runs the batch
 * again in tier 0, which names it. So both tiers report the same error.
 */
#ifndef VONK_CODEGEN_KERNEL_CALL_H
#define VONK_CODEGEN_KERNEL_CALL_H

#include <stdint.h>

typedef struct OpCtx OpCtx;
typedef struct ValueSet ValueSet;

typedef struct KernelCall {
    OpCtx *ctx;
    const void *const *inputs; /* by input: FLAT values                                */
    const uint64_t *const
        *input_validity;         /* by input: all ones where no row is null; not NULL    */
    const void *const *params;   /* by constant: its bytes                               */
    const ValueSet *const *sets; /* by LINE_IN set                                       */
    const uint32_t *selection;
    uint64_t count;
    uint32_t *kept;       /* room for count; untouched without a predicate                   */
    void *const *outputs; /* by output: room for all physical rows; NULL for bare inputs     */
    uint64_t *const
        *output_validity; /* by output: all ones on entry                              */
    void *const *states;  /* by position in selection: a group's state block                 */
    uint64_t state_mask;  /* all ones; 0: every row has states[0]                            */
} KernelCall;

/* Returns n. */
typedef uint64_t (*KernelEntry)(KernelCall *call);

#endif
