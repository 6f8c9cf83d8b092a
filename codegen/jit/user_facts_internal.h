/*
 * user_facts_internal.h -- what user_facts.c, user_copies.c and user_total.c share
 */
#ifndef VONK_CODEGEN_JIT_USER_FACTS_INTERNAL_H
#define VONK_CODEGEN_JIT_USER_FACTS_INTERNAL_H

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

#include "core/base/arena.h"
#include "core/plan/user_code.h"

#define ANYWHERE INT64_MAX

enum { FACTS_RANGES_MAX = 200 };

/* What a pointer was made from: a record's number, or one of these. */
enum { ROOT_TASK = -1, ROOT_OWN = -2 };

typedef struct Pointer {
    LLVMValueRef value;
    int root;
    int64_t offset; /* from the root's start; ANYWHERE */
} Pointer;

typedef struct Facts {
    Arena *arena;
    LLVMValueRef function;
    LLVMTargetDataRef layout;
    uint32_t pointer_count;
    Pointer *pointers;
    uint32_t global_count;
    LLVMValueRef *globals; /* that were looked at */
    bool is_beyond_us;
    bool can_inline, may_fail, may_crash, is_total, uses_closure;
    bool is_pure;     /* but for what it says when it fails */
    bool fails_aloud; /* calls vonk_fail                    */
    uint32_t record_count;
    uint32_t read_count[USER_RECORDS_MAX], write_count[USER_RECORDS_MAX];
    ByteRange *reads[USER_RECORDS_MAX], *writes[USER_RECORDS_MAX];
    uint32_t copy_count;
    ByteCopy *copies;
} Facts;

/* The pointer that a value is; NULL: it is none that was followed. */
const Pointer *facts_pointer(const Facts *facts, LLVMValueRef value);

/* --- what a line of code is --- */

/* A number of bytes; UINT32_MAX: it is not known before the function runs. */
uint64_t facts_constant_or_all(LLVMValueRef value);

bool facts_is_division(LLVMOpcode opcode);
/* By a constant that neither traps nor overflows. */
bool facts_divides_safely(LLVMValueRef line);
bool facts_has_name(LLVMValueRef value, const char *name);
bool facts_name_starts(LLVMValueRef value, const char *start);
/* Does nothing, or computes a number of numbers; no trap, no memory, no question to the machine. */
bool facts_is_arithmetic(LLVMValueRef callee);
bool facts_is_memory_intrinsic(LLVMValueRef callee);

/* user_copies.c: notes them, once reads and writes are known. */
void facts_find_copies(Facts *facts);

/* user_total.c: no record is one that the function cannot take (UserCode.is_total). */
bool facts_is_total(const Facts *facts);

#endif
