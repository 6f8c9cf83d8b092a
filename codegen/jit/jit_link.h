/*
 * jit_link.h -- objects to memory: LLJIT as the linker, one for the process
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CODEGEN_JIT_JIT_LINK_H
#define VONK_CODEGEN_JIT_JIT_LINK_H

#include "codegen/jit_module.h"

/* symbol: the object's one exported function; the same symbol is always the same code. */
MUST_CHECK Status jit_link_load(const void *object, size_t bytes, const char *symbol, bool debug,
                                Error *err, JitCode **code_out, void **entry_out);
void jit_link_unload(JitCode *code); /* accepts NULL */

/* More of what code may call by name; also what the process itself has (libc, libm). */
MUST_CHECK Status jit_link_define(uint32_t count, const JitSymbol *symbols, Error *err);

/* What code may call by name; set once, before the first load. */
void jit_link_symbols(uint32_t count, const JitSymbol *symbols);

#endif
