/*
 * mem_pool.h -- memory that grows with the data, asked for from a budget
 *
 *     mem_pool_new(NULL, "process", limit) -> mem_pool_new(process, "query", limit) -> alloc/free
 *
 * A pool has a limit and, mostly, a parent: a request counts in the pool and in each ancestor,
 * and is refused with ST_OUT_OF_MEMORY (53200) when any of them would pass its limit. Refusal is
 * an answer, not an accident: the caller spills, partitions or fails its query with the pool's
 * and the consumer's names in the error. What counts is the memory that is there: a large block
 * with what it was rounded up by (block_cache.h).
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_BASE_MEM_POOL_H
#define VONK_CORE_BASE_MEM_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct MemPool MemPool;

enum { MEM_POOL_NO_LIMIT = 0 };

/* name is borrowed (a literal). Free with mem_pool_free, after everything in it is freed. */
MemPool *mem_pool_new(MemPool *parent, const char *name, uint64_t limit_bytes);
void mem_pool_free(MemPool *pool); /* accepts NULL; CHECKs that nothing is left */

/* Work has ended: what was kept for more of it (block_cache.h) goes back to the system, but for a
 * little. So does mem_pool_free of a pool with a parent. */
void mem_pool_trim(MemPool *pool);

/* Memory aligned to 64 bytes, contents undefined. consumer names who asks, e.g. "hash join build".
 * *memory_out is NULL on failure. bytes == 0 gives a valid pointer. */
MUST_CHECK Status mem_pool_alloc(MemPool *pool, size_t bytes, const char *consumer, Error *err,
                                 void **memory_out);

/* Grows or shrinks *memory from old_bytes to new_bytes, keeping the contents; on failure the old
 * memory stays as it was. *memory may be NULL when old_bytes is 0. */
MUST_CHECK Status mem_pool_realloc(MemPool *pool, void **memory, size_t old_bytes, size_t new_bytes,
                                   const char *consumer, Error *err);

/* bytes must be what was asked for. Accepts NULL. pool NULL: memory that left its pool. */
void mem_pool_release(MemPool *pool, void *memory, size_t bytes);

/* Memory of so many bytes leaves its pool, to be kept longer than the pool lives. */
void mem_pool_disown(MemPool *pool, size_t bytes);

/* Counts memory that somebody else allocates (an arena, a library). */
MUST_CHECK Status mem_pool_reserve(MemPool *pool, size_t bytes, const char *consumer, Error *err);
void mem_pool_unreserve(MemPool *pool, size_t bytes);

/* Before this pool or one below it refuses, make_room is asked to give at least `bytes` back (to
 * write something to the disk); it returns how many it gave, 0: none. From any thread, with
 * whatever locks the one who asks for memory holds. Set before the pool is shared. */
void mem_pool_on_pressure(MemPool *pool, uint64_t (*make_room)(void *context, uint64_t bytes),
                          void *context);

/* Of a pool that may be in use: what it has beyond a smaller limit stays. */
void mem_pool_set_limit(MemPool *pool, uint64_t limit_bytes);

uint64_t mem_pool_used_bytes(const MemPool *pool);
uint64_t mem_pool_peak_bytes(const MemPool *pool);
uint64_t mem_pool_limit_bytes(const MemPool *pool); /* the smallest limit up the chain */

/* How much a buffer that works with less as well should hold: most_bytes, but no more than the
 * 1/parts of the limit. */
uint64_t mem_pool_share(const MemPool *pool, uint64_t most_bytes, unsigned parts);

/* From now on, while *cancelled is true, the pool refuses with ST_CANCELLED: whatever grows stops
 * there. cancelled is borrowed; pools made of this one later have it too. */
void mem_pool_set_cancel(MemPool *pool, const atomic_bool *cancelled);
bool mem_pool_is_cancelled(const MemPool *pool);

/* Test hook: the nth request from now (1 = the next) of this pool is refused; 0 turns it off. */
void mem_pool_fail_nth(MemPool *pool, uint64_t nth);

#endif
