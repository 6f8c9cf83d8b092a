/* block_cache.c -- see block_cache.h */
#include "core/base/block_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/block_memory.h"
#include "core/base/heap.h"
#include "core/base/list.h"

enum { CLASSES_PER_DOUBLING = 8, CLASS_COUNT = 64 * CLASSES_PER_DOUBLING };

/* Stands in the block's own memory, while it is kept. */
typedef struct KeptBlock {
    ListNode by_class, by_age;
    size_t bytes;
} KeptBlock;

struct BlockCache {
    pthread_mutex_t lock;
    size_t kept_bytes_max;
    _Atomic size_t kept_bytes; /* changed under the lock */
    List blocks;               /* oldest first           */
    List classes[CLASS_COUNT]; /* oldest first           */
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
    block_cache_shrink(cache, 0);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static size_t class_step(size_t bytes)
{
    return ((size_t)1 << (63 - __builtin_clzll(bytes))) / CLASSES_PER_DOUBLING;
}

size_t block_cache_round(size_t bytes)
{
    size_t step;

    if (bytes <= BLOCK_CACHE_BYTES_MIN)
        return BLOCK_CACHE_BYTES_MIN;
    step = class_step(bytes);
    return (bytes + step - 1) / step * step;
}

static List *class_of(BlockCache *cache, size_t rounded)
{
    unsigned doubling = 63 - (unsigned)__builtin_clzll(rounded);

    return &cache->classes[doubling * CLASSES_PER_DOUBLING +
                           rounded / class_step(rounded) % CLASSES_PER_DOUBLING];
}

/* With the lock. */
static void remove_block(BlockCache *cache, KeptBlock *block)
{
    list_remove(class_of(cache, block->bytes), &block->by_class);
    list_remove(&cache->blocks, &block->by_age);
    cache->kept_bytes -= block->bytes;
}

void *block_cache_take(BlockCache *cache, size_t bytes)
{
    List *class = class_of(cache, block_cache_round(bytes));
    KeptBlock *block = NULL;

    pthread_mutex_lock(&cache->lock);
    if (!list_is_empty(class)) {
        block = LIST_OWNER(class->last, KeptBlock, by_class); /* likely still near */
        remove_block(cache, block);
    }
    pthread_mutex_unlock(&cache->lock);
    return block;
}

void block_cache_shrink(BlockCache *cache, size_t kept_bytes)
{
    while (atomic_load_explicit(&cache->kept_bytes, memory_order_relaxed) > kept_bytes) {
        KeptBlock *oldest = NULL;
        size_t bytes = 0;

        pthread_mutex_lock(&cache->lock);
        if (cache->kept_bytes > kept_bytes) {
            oldest = LIST_OWNER(cache->blocks.first, KeptBlock, by_age);
            bytes = oldest->bytes;
            remove_block(cache, oldest);
        }
        pthread_mutex_unlock(&cache->lock);
        block_memory_free(oldest, bytes);
    }
}

void block_cache_give(BlockCache *cache, void *memory, size_t bytes)
{
    size_t rounded = block_cache_round(bytes);
    KeptBlock *block = memory;

    if (rounded > cache->kept_bytes_max / 4) { /* one block is no cache */
        block_memory_free(memory, rounded);
        return;
    }
    block_cache_shrink(cache, cache->kept_bytes_max - rounded);
    *block = (KeptBlock){.bytes = rounded};
    pthread_mutex_lock(&cache->lock);
    list_push(class_of(cache, rounded), &block->by_class);
    list_push(&cache->blocks, &block->by_age);
    cache->kept_bytes += rounded;
    pthread_mutex_unlock(&cache->lock);
}
