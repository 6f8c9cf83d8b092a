/* jit_link.c -- see jit_link.h */
#include "codegen/jit/jit_link.h"

#include <dlfcn.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/LLJITUtils.h>
#include <llvm-c/Orc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codegen/jit/jit_llvm.h"
#include "core/base/heap.h"
#include "core/base/invariant.h"

/* Loaded code; several caches of the process may hold the same. */
struct JitCode {
    JitCode *next;
    char *symbol;
    uint32_t references;
    void *entry;
    LLVMOrcResourceTrackerRef tracker;
};

static struct {
    pthread_once_t once;
    LLVMOrcLLJITRef jit; /* lives as long as the process */
    uint32_t symbol_count;
    const JitSymbol *symbols;
    char failure[256];
    pthread_mutex_t mutex; /* guards what follows */
    JitCode *codes;
    const JitSymbol *defined; /* by jit_link_define: one list for the process */
    bool debug_is_on;
} linker = {.once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER};

static Status fail(LLVMErrorRef failure, const char *what, Error *err)
{
    char *message = LLVMGetErrorMessage(failure);

    error_set(err, ST_INTERNAL, "%s: %.500s", what, message);
    LLVMDisposeErrorMessage(message);
    return ST_INTERNAL;
}

void jit_link_symbols(uint32_t count, const JitSymbol *symbols)
{
    linker.symbol_count = count;
    linker.symbols = symbols;
}

/* Binds each symbol that code may call to its address. */
static LLVMErrorRef define_symbols(uint32_t count, const JitSymbol *symbols)
{
    LLVMOrcCSymbolMapPair *pairs = heap_new(count * sizeof *pairs);
    LLVMErrorRef failure;

    for (uint32_t i = 0; i < count; i++)
        pairs[i] = (LLVMOrcCSymbolMapPair){
            .Name = LLVMOrcLLJITMangleAndIntern(linker.jit, symbols[i].name),
            .Sym = {.Address = (LLVMOrcExecutorAddress)(uintptr_t)symbols[i].address,
                    .Flags = {LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable,
                              0}}};
    failure = LLVMOrcJITDylibDefine(LLVMOrcLLJITGetMainJITDylib(linker.jit),
                                    LLVMOrcAbsoluteSymbols(pairs, count));
    free(pairs);
    return failure;
}

static void start_linker(void)
{
    LLVMTargetMachineRef machine = jit_target_machine();
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMErrorRef failure;
    Error error = ERROR_NONE;

    if (machine == NULL) {
        snprintf(linker.failure, sizeof linker.failure, "LLVM does not know this CPU");
        return;
    }
    LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(
        builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine));
    failure = LLVMOrcCreateLLJIT(&linker.jit, builder);
    if (failure == NULL)
        failure = define_symbols(linker.symbol_count, linker.symbols);
    if (failure != NULL) {
        fail(failure, "LLVM's linker did not start", &error);
        snprintf(linker.failure, sizeof linker.failure, "%.255s", error.message);
    }
}

/* Names of the process itself: a user's function may call what it likes of libc and libm. */
static LLVMErrorRef search_process(void)
{
    LLVMOrcDefinitionGeneratorRef generator;
    LLVMErrorRef failure = LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
        &generator, LLVMOrcLLJITGetGlobalPrefix(linker.jit), NULL, NULL);

    if (failure == NULL)
        LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(linker.jit), generator);
    return failure;
}

Status jit_link_define(uint32_t count, const JitSymbol *symbols, Error *err)
{
    LLVMErrorRef failure = NULL;

    pthread_once(&linker.once, start_linker);
    if (linker.failure[0] != '\0')
        return error_set(err, ST_INTERNAL, "%s", linker.failure);
    pthread_mutex_lock(&linker.mutex);
    if (linker.defined == NULL) {
        failure = define_symbols(count, symbols);
        if (failure == NULL)
            failure = search_process();
        linker.defined = symbols;
    }
    pthread_mutex_unlock(&linker.mutex);
    return failure == NULL ? ST_OK : fail(failure, "symbols of user functions", err);
}

/* perf's map of code made at run time: start, length and name a line. */
static void write_perf_map(const void *entry, size_t bytes, const char *name)
{
    char path[64];
    FILE *map;

    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    map = fopen(path, "ae");
    if (map == NULL)
        return;
    fprintf(map, "%llx %zx vonk:%s\n", (unsigned long long)(uintptr_t)entry, bytes, name);
    fclose(map);
}

/* gdb learns of every object loaded from here on. LLVM looks the function that tells gdb up among
 * the process's global symbols, where its library has to be for that. */
static Status turn_debug_on(Error *err)
{
    Dl_info llvm;
    LLVMErrorRef failure;

    if (linker.debug_is_on)
        return ST_OK;
    if (dladdr((void *)(uintptr_t)LLVMOrcLLJITEnableDebugSupport, &llvm) == 0 ||
        dlopen(llvm.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL) == NULL)
        return error_set(err, ST_INTERNAL, "jit.debug: LLVM's library is not found");
    failure = LLVMOrcLLJITEnableDebugSupport(linker.jit);
    if (failure != NULL)
        return fail(failure, "jit.debug: gdb cannot be told of code", err);
    linker.debug_is_on = true;
    return ST_OK;
}

static JitCode *find_code(const char *symbol)
{
    JitCode *code = linker.codes;

    while (code != NULL && strcmp(code->symbol, symbol) != 0)
        code = code->next;
    return code;
}

static void free_code(JitCode *code)
{
    LLVMErrorRef failure;

    if (code->tracker != NULL) {
        failure = LLVMOrcResourceTrackerRemove(code->tracker);
        if (failure != NULL)
            LLVMConsumeError(failure);
        LLVMOrcReleaseResourceTracker(code->tracker);
    }
    free(code->symbol);
    free(code);
}

static Status link_object(JitCode *code, const void *object, size_t bytes, Error *err)
{
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy(object, bytes, code->symbol);
    LLVMOrcExecutorAddress entry = 0;
    LLVMErrorRef failure;

    code->tracker = LLVMOrcJITDylibCreateResourceTracker(LLVMOrcLLJITGetMainJITDylib(linker.jit));
    failure = LLVMOrcLLJITAddObjectFileWithRT(linker.jit, code->tracker, buffer);
    if (failure == NULL)
        failure = LLVMOrcLLJITLookup(linker.jit, &entry, code->symbol);
    code->entry = (void *)(uintptr_t)entry;
    return failure == NULL ? ST_OK : fail(failure, "a kernel's code cannot be linked", err);
}

/* With the mutex held. */
static Status load_locked(const void *object, size_t bytes, const char *symbol, bool debug,
                          Error *err, JitCode **code_out)
{
    JitCode *code = find_code(symbol);
    Status status;

    *code_out = code;
    if (code != NULL) {
        code->references++;
        return ST_OK;
    }
    if (debug)
        TRY(turn_debug_on(err));
    code = heap_new(sizeof *code);
    code->symbol = heap_strdup(symbol);
    status = link_object(code, object, bytes, err);
    if (status != ST_OK) {
        free_code(code);
        return status;
    }
    if (debug)
        write_perf_map(code->entry, bytes, symbol);
    code->references = 1;
    code->next = linker.codes;
    linker.codes = code;
    *code_out = code;
    return ST_OK;
}

Status jit_link_load(const void *object, size_t bytes, const char *symbol, bool debug, Error *err,
                     JitCode **code_out, void **entry_out)
{
    Status status;

    *code_out = NULL;
    *entry_out = NULL;
    pthread_once(&linker.once, start_linker);
    if (linker.failure[0] != '\0')
        return error_set(err, ST_INTERNAL, "%s", linker.failure);
    pthread_mutex_lock(&linker.mutex);
    status = load_locked(object, bytes, symbol, debug, err, code_out);
    pthread_mutex_unlock(&linker.mutex);
    if (status == ST_OK)
        *entry_out = (*code_out)->entry;
    return status;
}

void jit_link_unload(JitCode *code)
{
    if (code == NULL)
        return;
    pthread_mutex_lock(&linker.mutex);
    if (--code->references == 0) {
        JitCode **link = &linker.codes;

        while (*link != code)
            link = &(*link)->next;
        *link = code->next;
        free_code(code);
    }
    pthread_mutex_unlock(&linker.mutex);
}
