/*
 * chain_code.h -- a compiled chain of user functions (codegen/user_chain.h), and what it runs with
 *
 *     chain_code_open (may ask for code) -> each batch: chain_code_entry -> chain_code_set ->
 *         { chain_code_run } -> chain_code_reset -> ... -> chain_code_close
 *
 * Each of its functions has a task of its own. Columns are given to it flat, a value a row.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_CHAIN_CODE_H
#define VONK_EXEC_CHAIN_CODE_H

#include "codegen/code_cache.h"
#include "codegen/user_chain.h"
#include "exec/gather.h"
#include "exec/user_task.h"

typedef struct ChainCode {
    const ExecContext *context;
    CodeEntry *entry; /* NULL: never; all else is unset then */
    const Plan *node;
    uint32_t function_count;
    const UserFunction **functions; /* the steps', then add and create */
    UserTask *users;                /* by function                     */
    bool has_begun;

    const RecordLayout *in;
    ColumnBuffers flat;  /* room for input that is not flat */
    uint64_t *all_valid; /* bits of a batch                 */
    const void **values; /* by field of the input           */
    const uint64_t **validity;
    ChainCall call;
} ChainCode;

/* steps may be none, combine NULL. Arrays live in the arena. */
MUST_CHECK Status chain_code_open(ChainCode *code, const ExecContext *context, Arena *arena,
                                  CallStepList steps, const CombineSpec *combine, const Plan *node,
                                  Error *err);
/* As user_task_set_wanted, of each function. */
void chain_code_set_wanted(ChainCode *code, bool is_wanted);
void chain_code_close(ChainCode *code); /* accepts a zeroed one */

/* The loop, or NULL while there is none (yet, or ever). */
static inline ChainEntry chain_code_entry(const ChainCode *code)
{
    return code->entry == NULL ? NULL : (ChainEntry)(uintptr_t)code_entry_code(code->entry);
}

/* How many records functions have got so far is taken over from numbers (by function), the first
 * time. */
void chain_code_begin(ChainCode *code, const uint64_t *numbers);

/* The selected rows of the batch are what call.rows counts; args: its columns, by field. A NULL
 * where the field cannot have one is an error. */
MUST_CHECK Status chain_code_set(ChainCode *code, const Batch *batch, const Column *const *args,
                                 Error *err);

/* Runs over rows [from, from + count) of the selected ones; the error of a function that fails. */
MUST_CHECK Status chain_code_run(ChainCode *code, ChainEntry entry, uint32_t from, uint32_t count,
                                 Error *err);

bool chain_code_has_failed(const ChainCode *code);

/* Frees what functions asked for: the batch is done. */
void chain_code_reset(ChainCode *code);

#endif
