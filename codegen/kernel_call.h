/*
 * kernel_call.h -- how compiled code is called: it computes lines of a kernel over a batch's rows
 *
 * A kernel has two parts, the predicate's mask and what is computed of the rows that it keeps, and
 * each part one loop over all physical rows, wanted or not, so that LLVM vectorises it:
 *
 *     for row in 0 .. count:   values[line][row] = ...;   errors of rows not wanted are masked out
 *
 * Where few rows are wanted tier 0 does less than that, and gets the part.
 *
 * What a part leaves is what tier 0 leaves in the lines' vectors, so that selections, aggregates
 * and outputs are made of them by the same code. Validities are a byte a row here: bytes of
 * neighbouring rows can be read and written at once.
 *
 * Errors are not looked at row by row: ctx->error says at the end that some operation complained,
 * and the caller runs the batch again in tier 0, which names it. So both tiers report the same
 * error.
 */
#ifndef VONK_CODEGEN_KERNEL_CALL_H
#define VONK_CODEGEN_KERNEL_CALL_H

#include <stdint.h>

typedef struct OpCtx OpCtx;
typedef struct ValueSet ValueSet;

typedef enum KernelPart { KERNEL_PREDICATE, KERNEL_RESULTS } KernelPart;

typedef struct KernelCall {
    OpCtx *ctx;
    const void *const *inputs;            /* by input: FLAT values                                */
    const uint8_t *const *input_validity; /* by nullable input: by row, 1: not NULL               */
    const void *const *params;            /* by constant: its bytes                               */
    const ValueSet *const *sets;          /* by LINE_IN set                                       */
    uint64_t part;                        /* KernelPart                                           */
    const uint8_t *wanted;                /* by row, 1: wanted                                    */
    uint64_t count;                       /* physical rows                                        */
    void *const *values;                  /* by line: room for all physical rows                  */
    uint8_t *const *validity;             /* by line that is nullable, likewise                   */
} KernelCall;

typedef void (*KernelEntry)(KernelCall *call);

#endif
