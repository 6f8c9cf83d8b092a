/*
 * jit_module.h -- what libvonk and libvonk_jit.so say to each other
 *
 * LLVM lives in the module alone: loading libLLVM costs a process 16 ms, which a program that only
 * interprets never pays. code_cache.c loads the module on its compile thread and asks it for the
 * symbols below.
 *
 * Thread: every function may be called from any thread, also at the same time.
 */
#ifndef VONK_CODEGEN_JIT_MODULE_H
#define VONK_CODEGEN_JIT_MODULE_H

#include "core/base/arena.h"

typedef struct Kernel Kernel;
typedef struct UserChain UserChain;
typedef struct JitCode JitCode;

/* A function that compiled code may call by name. */
typedef struct JitSymbol {
    const char *name;
    void *address;
} JitSymbol;

typedef struct JitModule {
    const char
        *target; /* LLVM's version, CPU name and features: code for one is no code for another */

    /* The kernel as a relocatable object that exports its entry as symbol; free with object_free.
     */
    Status (*compile)(const Kernel *kernel, const char *symbol, Error *err, void **object_out,
                      size_t *bytes_out);
    Status (*compile_chain)(const UserChain *chain, const char *symbol, Error *err,
                            void **object_out, size_t *bytes_out);
    void (*object_free)(void *object);

    /* Puts an object's code into memory. debug: gdb and perf are told of it. */
    Status (*load)(const void *object, size_t bytes, const char *symbol, bool debug, Error *err,
                   JitCode **code_out, void **entry_out);
    void (*unload)(JitCode *code); /* accepts NULL */

    /* More names that code may call; those known already are left. They live as long as the
     * process. */
    Status (*define)(uint32_t symbol_count, const JitSymbol *symbols, Error *err);

    /* See user_chain.h; free the result with object_free. */
    Status (*prepare_job)(const void *bitcode, size_t bytes, Error *err, void **made_out,
                          size_t *made_bytes_out);

    /* IR and assembly for EXPLAIN (CODE), in the arena. */
    Status (*explain)(Arena *arena, const Kernel *kernel, Error *err, const char **text_out);
} JitModule;

/* The module exports two symbols: "vonk_jit_interface", a text that is VONK_JIT_INTERFACE when both
 * were built from the same headers (libvonk takes no other module), and the function
 * "vonk_jit_module". symbols live as long as the process. */
typedef const JitModule *(*JitModuleFn)(uint32_t symbol_count, const JitSymbol *symbols);

#endif
