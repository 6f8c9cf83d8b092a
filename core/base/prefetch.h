/*
 * prefetch.h -- functions that only ask for cache lines
 *
 *     PREFETCHER void prefetch_row(const char *row) { __builtin_prefetch(row); }
 *
 * Inlined always: gcc finds that a function with nothing but prefetches in it has no effect, and
 * drops its calls.
 */
#ifndef VONK_CORE_BASE_PREFETCH_H
#define VONK_CORE_BASE_PREFETCH_H

#define PREFETCHER __attribute__((always_inline)) static inline

#endif
