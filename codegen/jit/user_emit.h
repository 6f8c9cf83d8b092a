/*
 * user_emit.h -- what user_*.c share: a chain on its way to a module
 *
 * A chain's functions are numbered: its steps', then `add` and `create` of what it ends in.
 *
 * Thread: one thread's.
 */
#ifndef VONK_CODEGEN_JIT_USER_EMIT_H
#define VONK_CODEGEN_JIT_USER_EMIT_H

#include <llvm-c/Core.h>
#include <string.h>

#include "codegen/user_chain.h"

/* The state's members; arrays of the output follow. */
enum {
    STATE_CALL,
    STATE_COUNT,   /* i64: of the output, or of records combined */
    STATE_STOPPED, /* i1                                         */
    STATE_ACC,     /* where the record at hand goes              */
    STATE_HAS_ACC, /* i1: something is in it                     */
    STATE_ARRAYS
};

enum { RECORD_ALIGN = 16 };

typedef struct Chain {
    const UserChain *chain;
    uint32_t function_count;
    const UserCode **codes;  /* by function */
    LLVMValueRef *functions; /* once they are linked in */
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTypeRef i1, i8, i32, i64, pointer, nothing, state;
    LLVMTypeRef steps_type, emit_type;
    const RecordLayout *in, *out;
    bool has_output, has_flat_map, may_stop;
    bool *emits_wrong; /* by function: may emit a record of another size */
    uint32_t telling;  /* functions that may crash or fail: a crash must find the one at work */
    LLVMValueRef load_text, store_text;
} Chain;

/* --- user_link.c: the chain's module, and bitcode into it --- */

/* A context, an empty module and its types, for chain->chain. */
void user_chain_open(Chain *chain);

/* Each function in a copy of its job's bitcode; what flat_map k emits goes to vonk_emit_k. */
MUST_CHECK Status user_link_functions(Chain *chain, Error *err);

/* load_text and store_text. */
MUST_CHECK Status user_link_support(Chain *chain, Error *err);

/* --- user_fields.c: records and columns --- */

bool user_field_may_be_null(const RecordField *field);
unsigned user_field_align(const RecordField *field);

/* values[row] -> the record's field. validity NULL: it is none that is NULL. */
void user_load_field(const Chain *chain, const RecordField *field, LLVMValueRef values,
                     LLVMValueRef validity, LLVMValueRef row, LLVMValueRef record);

/* The record's field -> values[row]. */
void user_store_field(const Chain *chain, const RecordField *field, LLVMValueRef call,
                      LLVMValueRef values, LLVMValueRef nulls, LLVMValueRef row,
                      LLVMValueRef record);

/* Room for a record, zeroed. */
LLVMValueRef user_new_record(const Chain *chain, const RecordLayout *layout);

/* The keys of one record to another. */
void user_copy_keys(const Chain *chain, const RecordLayout *in, LLVMValueRef from,
                    const RecordLayout *out, LLVMValueRef to);

/* --- user_emit.c: calls of functions --- */

bool user_tells(const Chain *chain, uint32_t k); /* may crash or fail */

/* Counts the record where an error or a crash may tell its number. Returns the number before. */
LLVMValueRef user_count_record(const Chain *chain, uint32_t k, LLVMValueRef call,
                               LLVMValueRef task);

/* A crash from here on is function k's. */
void user_set_running(const Chain *chain, uint32_t k, LLVMValueRef call, LLVMValueRef task);

LLVMValueRef user_call(const Chain *chain, uint32_t k, LLVMValueRef *args, unsigned count);

void user_return_if_failed(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                           uint32_t k, LLVMValueRef task);

/* --- user_combine.c: the end of a chain that ends in accumulators --- */

/* The record, into the state's accumulator. */
void user_combine_record(const Chain *chain, LLVMValueRef function, LLVMValueRef state,
                         LLVMValueRef record);

/* --- building --- */

static inline LLVMValueRef number(const Chain *chain, uint64_t value)
{
    return LLVMConstInt(chain->i64, value, false);
}

/* The address of a member, by its offset. */
static inline LLVMValueRef at(const Chain *chain, LLVMValueRef base, uint64_t offset)
{
    LLVMValueRef index = number(chain, offset);

    return offset == 0 ? base
                       : LLVMBuildInBoundsGEP2(chain->builder, chain->i8, base, &index, 1, "");
}

static inline LLVMValueRef element(const Chain *chain, LLVMTypeRef type, LLVMValueRef base,
                                   LLVMValueRef index)
{
    return LLVMBuildInBoundsGEP2(chain->builder, type, base, &index, 1, "");
}

static inline LLVMValueRef load(const Chain *chain, LLVMTypeRef type, LLVMValueRef from,
                                const char *name)
{
    return LLVMBuildLoad2(chain->builder, type, from, name);
}

/* call->member, a pointer; or call->member[index]. */
static inline LLVMValueRef call_member(const Chain *chain, LLVMValueRef call, size_t offset)
{
    return load(chain, chain->pointer, at(chain, call, offset), "");
}

static inline LLVMValueRef call_item(const Chain *chain, LLVMValueRef call, size_t offset,
                                     uint32_t index)
{
    return load(
        chain, chain->pointer,
        element(chain, chain->pointer, call_member(chain, call, offset), number(chain, index)), "");
}

static inline LLVMValueRef state_member(const Chain *chain, LLVMValueRef state, uint32_t index)
{
    return LLVMBuildStructGEP2(chain->builder, chain->state, state, index, "");
}

static inline LLVMBasicBlockRef new_block(const Chain *chain, LLVMValueRef function,
                                          const char *name)
{
    return LLVMAppendBasicBlockInContext(chain->context, function, name);
}

static inline void begin_block(const Chain *chain, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(chain->builder, block);
}

static inline void add_flag(const Chain *chain, LLVMValueRef function, unsigned place,
                            const char *name)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    LLVMAddAttributeAtIndex(function, place, LLVMCreateEnumAttribute(chain->context, kind, 0));
}

#endif
