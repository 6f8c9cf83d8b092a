/*
 * call_compiled.h -- a CALL's steps by their compiled loop, where there is one
 *
 *     call_compiled_open (may ask for code) -> each batch: call_compiled_code -> call_compiled_run
 *         -> call_compiled_close
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_CALL_COMPILED_H
#define VONK_EXEC_CALL_COMPILED_H

#include "exec/chain_code.h"

typedef struct CompiledCall {
    ChainCode code;
    const RecordLayout *layout; /* of what comes out           */
    ColumnBuffers *out;         /* where records become columns */
    uint8_t **out_nulls;        /* by field that may be NULL    */
    Column *columns;

    /* of the run at hand */
    Status (*emit)(void *context, uint32_t count); /* of columns */
    void *emit_context;
    Error *err;
    Status status;
} CompiledCall;

/* Rows become columns in `out` and `columns`. Arrays live in the arena. */
MUST_CHECK Status call_compiled_open(CompiledCall *compiled, const ExecContext *context,
                                     Arena *arena, const PlanCall *node, ColumnBuffers *out,
                                     Column *columns, Error *err);
void call_compiled_close(CompiledCall *compiled); /* accepts a zeroed one */

static inline ChainEntry call_compiled_code(const CompiledCall *compiled)
{
    return chain_code_entry(&compiled->code);
}

/* How many records the steps have got so far is taken over from numbers (by step), the first time.
 * Selected rows of the batch become records; emit is called whenever `columns` hold some. */
MUST_CHECK Status call_compiled_run(CompiledCall *compiled, ChainEntry code,
                                    const uint64_t *numbers, const Batch *batch,
                                    const Column *const *args,
                                    Status (*emit)(void *context, uint32_t count), void *context,
                                    Error *err);

#endif
