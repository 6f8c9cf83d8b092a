/*
 * heap.h -- small objects of fixed size from malloc, which cannot be refused
 *
 * For what is neither the data's (mem_pool.h) nor a plan's (arena.h, which ends up here too):
 * handles, names, tables of the code cache. When malloc itself refuses, the process ends through
 * heap_refused: LLVM would not survive it either, and no caller has a use for such an error. Free
 * with free().
 */
#ifndef VONK_CORE_BASE_HEAP_H
#define VONK_CORE_BASE_HEAP_H

#include <stddef.h>

/* Zeroed. */
void *heap_new(size_t bytes) __attribute__((malloc, returns_nonnull));
char *heap_strdup(const char *text) __attribute__((malloc, returns_nonnull));

/* Says so on standard error and aborts. */
_Noreturn void heap_refused(size_t bytes);

#endif
