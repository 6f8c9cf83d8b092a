/*
 * jit_llvm.h -- what the files of the module share: the host's target, and module in, object out
 *
 * Thread: a context, and all made in it, belongs to one thread; jit_host() may come from any.
 */
#ifndef VONK_CODEGEN_JIT_JIT_LLVM_H
#define VONK_CODEGEN_JIT_JIT_LLVM_H

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#include "codegen/jit_module.h"

/* This CPU as LLVM names it. */
typedef struct JitHost {
    char *triple;
    char *cpu;
    char *features;
    const char *target; /* all that code depends on, as one text */
} JitHost;

/* The module's build, as text: another emitter or other operations have another one. */
void jit_identity(char *text, size_t room);

/* Initialises LLVM's native target, once per process. */
const JitHost *jit_host(void);

/* Dispose with LLVMDisposeTargetMachine; NULL when LLVM refuses. */
LLVMTargetMachineRef jit_target_machine(void);

enum { JIT_OPS_GROUPS = 5 };

/* A group of the operations' bitcode as a module of the context; the linker takes it. */
MUST_CHECK Status jit_ops_module(LLVMContextRef context, uint32_t group, Error *err,
                                 LLVMModuleRef *module_out);

/* Makes the operations in a module private to it, compiled for this CPU, and the small ones
 * inlined. */
void jit_adopt_operations(LLVMModuleRef module);

/* Runs the pass list over the module. */
MUST_CHECK Status jit_optimise(LLVMModuleRef module, LLVMTargetMachineRef machine, Error *err);

/* A LLVM message as an Error; disposes of the message. */
Status jit_fail(char *message, const char *what, Error *err);

#endif
