/*
 * block_cache.h -- large blocks of memory, kept a while instead of given back
 *
 * The system takes some 0.1 us for each KiB that is given back and asked for again (page faults,
 * zeroing): more than decoding a Parquet page takes. So a pool's root keeps what was released
 * last, up to a limit, and hands it out again by exact size class.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_BASE_BLOCK_CACHE_H
#define VONK_CORE_BASE_BLOCK_CACHE_H

#include <stddef.h>

typedef struct BlockCache BlockCache;

/* Smaller blocks are malloc's business. */
enum { BLOCK_CACHE_BYTES_MIN = 1 << 14 };

/* Keeps up to kept_bytes_max bytes. */
BlockCache *block_cache_new(size_t kept_bytes_max);
void block_cache_free(BlockCache *cache); /* frees what it keeps; accepts NULL */

/* What a block for so many bytes has to have: steps of an eighth of a power of two. */
size_t block_cache_round(size_t bytes);

/* A kept block of block_cache_round(bytes) bytes, or NULL. */
void *block_cache_take(BlockCache *cache, size_t bytes);

/* Takes a block (from block_memory_alloc) of block_cache_round(bytes) bytes; frees it or older ones
 * when there are too many. */
void block_cache_give(BlockCache *cache, void *block, size_t bytes);

/* Frees the oldest blocks until no more than kept_bytes are kept: room for others in a budget. */
void block_cache_shrink(BlockCache *cache, size_t kept_bytes);

#endif
