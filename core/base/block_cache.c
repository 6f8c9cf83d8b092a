/* block_cache.c -- see block_cache.h */
#include "core/base/block_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/heap.h"
#include "core/base/invariant.h"

enum { BLOCKS_MAX = 128, CLASSES_PER_DOUBLING = 8 };

typedef struct KeptBlock {
    void *memory;
    size_t bytes;
} KeptBlock;

struct BlockCache {
    pthread_mutex_t lock;
    size_t kept_bytes_max;
    _Atomic size_t kept_bytes; /* changed under the lock */
    unsigned count;
    KeptBlock blocks[BLOCKS_MAX]; /* oldest first */
};

BlockCache *block_cache_new(size_t kept_bytes_max)
{
    BlockCache *cache = heap_new(sizeof *cache);

    CHECK(pthread_mutex_init(&cache->lock, NULL) == 0);
    cache->kept_bytes_max = kept_bytes_max;
    return cache;
}

void block_cache_free(BlockCache *cache)
{
    if (cache == NULL)
        return;
    for (unsigned i = 0; i < cache->count; i++)
        free(cache->blocks[i].memory);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

size_t block_cache_round(size_t bytes)
{
    size_t step;

    if (bytes <= BLOCK_CACHE_BYTES_MIN)
        return BLOCK_CACHE_BYTES_MIN;
    step = ((size_t)1 << (63 - __builtin_clzll(bytes))) / CLASSES_PER_DOUBLING;
    return (bytes + step - 1) / step * step;
}

static void remove_block(BlockCache *cache, unsigned index)
{
    cache->kept_bytes -= cache->blocks[index].bytes;
    cache->count--;
    for (unsigned i = index; i < cache->count; i++)
        cache->blocks[i] = cache->blocks[i + 1];
}

void *block_cache_take(BlockCache *cache, size_t bytes)
{
    size_t rounded = block_cache_round(bytes);
    void *memory = NULL;

    pthread_mutex_lock(&cache->lock);
    for (unsigned i = cache->count; i-- > 0 && memory == NULL;)
        if (cache->blocks[i].bytes == rounded) {
            memory = cache->blocks[i].memory;
            remove_block(cache, i);
        }
    pthread_mutex_unlock(&cache->lock);
    return memory;
}

/* The oldest blocks beyond kept_bytes, to be freed without the lock. */
static unsigned evict(BlockCache *cache, size_t kept_bytes, void **evicted)
{
    unsigned count = 0;

    while (cache->count > 0 && cache->kept_bytes > kept_bytes) {
        evicted[count++] = cache->blocks[0].memory;
        remove_block(cache, 0);
    }
    return count;
}

void block_cache_shrink(BlockCache *cache, size_t kept_bytes)
{
    void *evicted[BLOCKS_MAX];
    unsigned evicted_count;

    if (atomic_load_explicit(&cache->kept_bytes, memory_order_relaxed) <= kept_bytes)
        return;
    pthread_mutex_lock(&cache->lock);
    evicted_count = evict(cache, kept_bytes, evicted);
    pthread_mutex_unlock(&cache->lock);
    while (evicted_count > 0)
        free(evicted[--evicted_count]);
}

void block_cache_give(BlockCache *cache, void *block, size_t bytes)
{
    size_t rounded = block_cache_round(bytes);
    void *evicted[BLOCKS_MAX];
    unsigned evicted_count;

    if (rounded > cache->kept_bytes_max / 4) { /* one block is no cache */
        free(block);
        return;
    }
    pthread_mutex_lock(&cache->lock);
    evicted_count = evict(cache, cache->kept_bytes_max - rounded, evicted);
    if (cache->count == BLOCKS_MAX) {
        evicted[evicted_count++] = cache->blocks[0].memory;
        remove_block(cache, 0);
    }
    cache->blocks[cache->count++] = (KeptBlock){.memory = block, .bytes = rounded};
    cache->kept_bytes += rounded;
    pthread_mutex_unlock(&cache->lock);
    while (evicted_count > 0)
        free(evicted[--evicted_count]);
}
