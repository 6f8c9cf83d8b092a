/*
 * user_emit.h -- what user_emit.c and user_link.c share: a chain on its way to a module
 *
 * Thread: one thread's.
 */
#ifndef VONK_CODEGEN_JIT_USER_EMIT_H
#define VONK_CODEGEN_JIT_USER_EMIT_H

#include <llvm-c/Core.h>

#include "codegen/user_chain.h"

/* The state's members; arrays of the output follow. */
enum {
    STATE_CALL,
    STATE_COUNT,   /* i64: of the output */
    STATE_STOPPED, /* i1                 */
    STATE_ARRAYS
};

typedef struct Chain {
    const UserChain *chain;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef i1, i8, i32, i64, pointer, nothing, state;
    LLVMTypeRef steps_type, emit_type;
    const RecordLayout *in, *out;
    bool has_output, has_flat_map, may_stop;
    bool *emits_wrong; /* by step: may emit a record of another size */
    uint32_t telling;  /* steps that may crash or fail: a crash must find the one at work */
    LLVMValueRef load_text, store_text;
} Chain;

/* --- user_link.c: the chain's module, and bitcode into it --- */

/* A context, an empty module and its types, for chain->chain. */
void user_chain_open(Chain *chain);

/* Step k's copy of its job: its function is vonk_user_k, and what it emits goes to vonk_emit_k. */
MUST_CHECK Status user_link_step(Chain *chain, uint32_t k, Error *err);

/* load_text and store_text. */
MUST_CHECK Status user_link_support(Chain *chain, Error *err);

/* The function of step k, once its copy is linked in. */
LLVMValueRef user_chain_function(const Chain *chain, uint32_t k);

#endif
