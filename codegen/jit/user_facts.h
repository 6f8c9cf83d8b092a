/*
 * user_facts.h -- what a job's functions read, write and do, from their bitcode
 *
 * Thread: a module belongs to one thread.
 */
#ifndef VONK_CODEGEN_JIT_USER_FACTS_H
#define VONK_CODEGEN_JIT_USER_FACTS_H

#include <llvm-c/Core.h>

#include "core/base/arena.h"

/* Makes every function of a job's module ready to be inlined into its callers, but for vonk__emit,
 * which stays a call, and optimises what that makes simple. Private things stay. */
MUST_CHECK Status user_facts_simplify(LLVMModuleRef module, Error *err);

/* The facts of a function of a simplified module, as core/plan/user_code.c reads them; in the
 * arena. */
const char *user_facts_of(Arena *arena, LLVMValueRef function);

/* A function that records may be given to: it takes a task first. */
bool user_facts_apply(LLVMValueRef function);

/* Sets every function's CPU to the one we run on: only then LLVM inlines one into the other. */
void user_adopt(LLVMModuleRef module, bool inlines_all);

#endif
