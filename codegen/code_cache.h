/*
 * code_cache.h -- compiled kernels, kept in memory and on disk
 *
 *     code_cache_request -> (the compile thread works) -> code_entry_code -> code_entry_release
 *
 * Keyed by the kernel's text, the CPU, LLVM's version and Vonk's. The disk part lives in
 * $XDG_CACHE_HOME/vonk (mode 0700, size-capped); a damaged file is recompiled, never trusted. The
 * compile thread starts with the first request and loads libvonk_jit.so, and with it LLVM, then: a
 * process that only interprets never does. Where the module is missing every request fails
 * quietly and kernels stay in tier 0.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CODEGEN_CODE_CACHE_H
#define VONK_CODEGEN_CODE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"

typedef struct CodeCache CodeCache;
typedef struct CodeEntry CodeEntry;
typedef struct Kernel Kernel;
typedef struct UserChain UserChain;
typedef struct JitSymbol JitSymbol;

/* directory NULL: memory only. debug: gdb and perf see the code by name. */
CodeCache *code_cache_new(const char *directory, uint64_t disk_limit_bytes, bool debug);
/* While *cancelled is true, nobody waits for code. cancelled is borrowed. */
void code_cache_set_cancel(CodeCache *cache, const atomic_bool *cancelled);
/* Waits for the compile thread. All entries must have been released. Accepts NULL. */
void code_cache_free(CodeCache *cache);

/* Whether LLVM is loaded: what is compiled next takes less long. */
bool code_cache_has_module(CodeCache *cache);

/* The default directory: $XDG_CACHE_HOME/vonk or ~/.cache/vonk; false when neither can be had. */
bool code_cache_default_directory(char *path_out, uint32_t path_bytes);

/* What the compile thread works on; the cache holds a reference until it is done. */
typedef struct CodeRequest {
    const char *name; /* for gdb and perf; copied                  */
    const char *text; /* the kernel's text, the key; copied        */
    const Kernel *kernel;
    void (*kernel_release)(const Kernel *kernel); /* called once, when it is no longer needed */
    const UserChain *chain;                       /* instead of a kernel; taken */
    uint32_t symbol_count; /* what a chain's functions may call, once for the process */
    const JitSymbol *symbols;
} CodeRequest;

/* The entry of that text, being made if it is new. Release it. NULL when the cache is shutting down
 * (the kernel is released). */
CodeEntry *code_cache_request(CodeCache *cache, const CodeRequest *request);
void code_entry_release(CodeCache *cache, CodeEntry *entry); /* accepts NULL */

/* The code's entry point, or NULL while there is none (yet, or ever). */
void *code_entry_code(const CodeEntry *entry);
/* Waits until the entry has code or has failed, the query is cancelled, or most_ms have passed; its
 * code or NULL. */
enum { CODE_WAIT_LONG = 1 << 30 };
void *code_entry_wait(CodeCache *cache, CodeEntry *entry, int64_t most_ms);

typedef struct CodeEntryInfo {
    bool is_done;
    bool is_from_disk;
    double compile_ms; /* 0 for what came from the disk */
} CodeEntryInfo;
CodeEntryInfo code_entry_info(const CodeEntry *entry);

/* IR and assembly of a kernel, in the arena; "" when there is no module. */
MUST_CHECK Status code_cache_explain(CodeCache *cache, Arena *arena, const Kernel *kernel,
                                     Error *err, const char **text_out);

typedef struct CodeCacheStatistics {
    uint64_t compiled, memory_hits, disk_hits, failures;
    double compile_ms;
} CodeCacheStatistics;
CodeCacheStatistics code_cache_statistics(CodeCache *cache);

#endif
