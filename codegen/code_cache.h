/*
 * code_cache.h -- compiled kernels, kept in memory and on disk
 *
 * Keyed by kernel text, CPU name and features, LLVM's version and Vonk's. The disk part lives in $XDG_CACHE_HOME/vonk
 * (mode 0700, size-capped); a damaged file is recompiled, never trusted. Loading the module libvonk_jit.so happens on the
 * compile thread, at the first kernel that wants code: a process that only interprets never loads LLVM.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CODEGEN_CODE_CACHE_H
#define VONK_CODEGEN_CODE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct CodeCache CodeCache;

/* directory NULL: memory only. debug: gdb and perf see the code by name. The compile thread starts when needed. */
CodeCache *code_cache_new(const char *directory, uint64_t disk_limit_bytes, bool debug);
/* Waits for the compile thread. All kernels must be gone. Accepts NULL. */
void code_cache_free(CodeCache *cache);

/* The default directory: $XDG_CACHE_HOME/vonk or ~/.cache/vonk; false when neither can be had. */
bool code_cache_default_directory(char *path_out, uint32_t path_bytes);

typedef struct CodeCacheStatistics {
    uint64_t compiled, memory_hits, disk_hits, failures;
    double compile_ms;
} CodeCacheStatistics;
CodeCacheStatistics code_cache_statistics(const CodeCache *cache);

#endif
