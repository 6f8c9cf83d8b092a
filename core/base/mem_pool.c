/* mem_pool.c -- see mem_pool.h */
#include "core/base/mem_pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/block_cache.h"
#include "core/base/block_memory.h"
#include "core/base/heap.h"
#include "core/base/invariant.h"
#include "core/base/str.h"

enum {
    POOL_ALIGN_BYTES = 64,
    KEPT_BYTES_MAX = 1 << 29, /* 512 MiB, or an eighth of the root's limit */
    KEPT_BYTES_IDLE = 1 << 26,
};

/* Kept blocks would hide from the sanitizer that somebody still uses them. */
#if defined(__SANITIZE_ADDRESS__)
enum { KEEPS_BLOCKS = 0 };
#else
enum { KEEPS_BLOCKS = 1 };
#endif

struct MemPool {
    MemPool *parent;
    const char *name;
    _Atomic uint64_t limit_bytes;
    _Atomic uint64_t used_bytes;
    _Atomic uint64_t peak_bytes;
    _Atomic uint64_t fail_countdown; /* 0: off */
    const atomic_bool *cancelled;    /* NULL: never; the parent's, unless it has one itself */
    BlockCache *blocks;              /* the root's; NULL: none is kept */
    uint64_t (*on_pressure)(void *context, uint64_t bytes); /* NULL: nobody can make room */
    void *pressure_context;
};

MemPool *mem_pool_new(MemPool *parent, const char *name, uint64_t limit_bytes)
{
    MemPool *pool = heap_new(sizeof *pool);

    pool->parent = parent;
    pool->name = name;
    atomic_init(&pool->limit_bytes, limit_bytes);
    if (parent != NULL) {
        pool->blocks = parent->blocks;
        pool->cancelled = parent->cancelled;
    } else if (KEEPS_BLOCKS) {
        pool->blocks = block_cache_new(
            limit_bytes != MEM_POOL_NO_LIMIT && limit_bytes / 8 < KEPT_BYTES_MAX ? limit_bytes / 8
                                                                                 : KEPT_BYTES_MAX);
    }
    return pool;
}

void mem_pool_free(MemPool *pool)
{
    if (pool == NULL)
        return;
    CHECK(atomic_load(&pool->used_bytes) == 0);
    if (pool->parent == NULL)
        block_cache_free(pool->blocks);
    else
        mem_pool_trim(pool);
    free(pool);
}

void mem_pool_trim(MemPool *pool)
{
    if (pool->blocks != NULL)
        block_cache_shrink(pool->blocks, KEPT_BYTES_IDLE);
}

static uint64_t limit_of(const MemPool *pool)
{
    return atomic_load_explicit(&pool->limit_bytes, memory_order_relaxed);
}

static void raise_peak(MemPool *pool, uint64_t used_bytes)
{
    uint64_t peak = atomic_load_explicit(&pool->peak_bytes, memory_order_relaxed);

    while (peak < used_bytes &&
           !atomic_compare_exchange_weak_explicit(&pool->peak_bytes, &peak, used_bytes,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

static bool must_fail_now(MemPool *pool)
{
    uint64_t left = atomic_load_explicit(&pool->fail_countdown, memory_order_relaxed);

    return left != 0 && atomic_fetch_sub(&pool->fail_countdown, 1) == 1;
}

static Status refuse(const MemPool *pool, size_t bytes, const char *consumer, Error *err)
{
    uint64_t used_bytes = atomic_load_explicit(&pool->used_bytes, memory_order_relaxed);

    char need[BYTES_TEXT_MAX], limit[BYTES_TEXT_MAX], used[BYTES_TEXT_MAX];

    error_set(err, ST_OUT_OF_MEMORY, "out of memory: %s needs %s more", consumer,
              str_of_bytes(bytes, need));
    error_detail(err, "The %s's limit is %s, of which %s are in use.", pool->name,
                 str_of_bytes(limit_of(pool), limit), str_of_bytes(used_bytes, used));
    error_hint(err, "Raise it with --memory or SET memory, or ask for less at once.");
    return ST_OUT_OF_MEMORY;
}

void mem_pool_unreserve(MemPool *pool, size_t bytes)
{
    for (; pool != NULL; pool = pool->parent) {
        uint64_t before = atomic_fetch_sub(&pool->used_bytes, bytes);

        CHECK(before >= bytes);
    }
}

/* NULL, or the pool that refuses. */
static MemPool *try_reserve(MemPool *pool, size_t bytes)
{
    for (MemPool *level = pool; level != NULL; level = level->parent) {
        uint64_t used_bytes = atomic_fetch_add(&level->used_bytes, bytes) + bytes;
        uint64_t limit_bytes = limit_of(level);

        if ((limit_bytes != MEM_POOL_NO_LIMIT && used_bytes > limit_bytes) ||
            must_fail_now(level)) {
            atomic_fetch_sub(&level->used_bytes, bytes);
            for (MemPool *below = pool; below != level; below = below->parent)
                atomic_fetch_sub(&below->used_bytes, bytes);
            return level;
        }
        raise_peak(level, used_bytes);
        if (limit_bytes != MEM_POOL_NO_LIMIT && pool->blocks != NULL)
            block_cache_shrink(pool->blocks, limit_bytes - used_bytes);
    }
    return NULL;
}

/* Somebody above gives memory back. */
static bool make_room(MemPool *pool, size_t bytes)
{
    for (; pool != NULL; pool = pool->parent)
        if (pool->on_pressure != NULL && pool->on_pressure(pool->pressure_context, bytes) > 0)
            return true;
    return false;
}

Status mem_pool_reserve(MemPool *pool, size_t bytes, const char *consumer, Error *err)
{
    for (;;) {
        MemPool *refusing;

        if (mem_pool_is_cancelled(pool))
            return error_set(err, ST_CANCELLED, "canceling statement due to user request");
        refusing = try_reserve(pool, bytes);
        if (refusing == NULL)
            return ST_OK;
        if (!make_room(pool, bytes))
            return refuse(refusing, bytes, consumer, err);
    }
}

void mem_pool_on_pressure(MemPool *pool, uint64_t (*make_room_fn)(void *context, uint64_t bytes),
                          void *context)
{
    pool->pressure_context = context;
    pool->on_pressure = make_room_fn;
}

static bool is_large(size_t bytes)
{
    return KEEPS_BLOCKS && bytes >= BLOCK_CACHE_BYTES_MIN;
}

static size_t counted_bytes(size_t bytes)
{
    return is_large(bytes) ? block_cache_round(bytes) : bytes;
}

void mem_pool_disown(MemPool *pool, size_t bytes)
{
    mem_pool_unreserve(pool, counted_bytes(bytes));
}

static size_t malloc_bytes(size_t bytes)
{
    size_t rounded = (bytes + POOL_ALIGN_BYTES - 1) & ~(size_t)(POOL_ALIGN_BYTES - 1);

    return rounded == 0 ? POOL_ALIGN_BYTES : rounded;
}

Status mem_pool_alloc(MemPool *pool, size_t bytes, const char *consumer, Error *err,
                      void **memory_out)
{
    *memory_out = NULL;
    if (bytes > SIZE_MAX / 2)
        return refuse(pool, bytes, consumer, err);
    TRY(mem_pool_reserve(pool, counted_bytes(bytes), consumer, err));
    if (is_large(bytes)) {
        *memory_out = block_cache_take(pool->blocks, bytes);
        if (*memory_out == NULL)
            *memory_out = block_memory_alloc(block_cache_round(bytes));
    } else {
        *memory_out = aligned_alloc(POOL_ALIGN_BYTES, malloc_bytes(bytes));
    }
    if (*memory_out == NULL) {
        mem_pool_disown(pool, bytes);
        return error_set(err, ST_OUT_OF_MEMORY,
                         "out of memory: the operating system refused %zu bytes for %s", bytes,
                         consumer);
    }
    return ST_OK;
}

Status mem_pool_realloc(MemPool *pool, void **memory, size_t old_bytes, size_t new_bytes,
                        const char *consumer, Error *err)
{
    void *grown;

    TRY(mem_pool_alloc(pool, new_bytes, consumer, err, &grown));
    if (old_bytes > 0)
        memcpy(grown, *memory, old_bytes < new_bytes ? old_bytes : new_bytes);
    mem_pool_release(pool, *memory, old_bytes);
    *memory = grown;
    return ST_OK;
}

void mem_pool_release(MemPool *pool, void *memory, size_t bytes)
{
    if (memory == NULL)
        return;
    if (!is_large(bytes))
        free(memory);
    else if (pool == NULL)
        block_memory_free(memory, block_cache_round(bytes));
    else
        block_cache_give(pool->blocks, memory, bytes);
    if (pool != NULL)
        mem_pool_disown(pool, bytes);
}

uint64_t mem_pool_used_bytes(const MemPool *pool)
{
    return atomic_load(&pool->used_bytes);
}

uint64_t mem_pool_peak_bytes(const MemPool *pool)
{
    return atomic_load(&pool->peak_bytes);
}

uint64_t mem_pool_limit_bytes(const MemPool *pool)
{
    uint64_t limit_bytes = MEM_POOL_NO_LIMIT;

    for (; pool != NULL; pool = pool->parent) {
        uint64_t own_bytes = limit_of(pool);

        if (own_bytes != MEM_POOL_NO_LIMIT &&
            (limit_bytes == MEM_POOL_NO_LIMIT || own_bytes < limit_bytes))
            limit_bytes = own_bytes;
    }
    return limit_bytes;
}

void mem_pool_set_limit(MemPool *pool, uint64_t limit_bytes)
{
    atomic_store(&pool->limit_bytes, limit_bytes);
}

uint64_t mem_pool_share(const MemPool *pool, uint64_t most_bytes, unsigned parts)
{
    uint64_t limit_bytes = mem_pool_limit_bytes(pool);

    return limit_bytes == MEM_POOL_NO_LIMIT || limit_bytes / parts > most_bytes
               ? most_bytes
               : limit_bytes / parts;
}

void mem_pool_set_cancel(MemPool *pool, const atomic_bool *cancelled)
{
    pool->cancelled = cancelled;
}

bool mem_pool_is_cancelled(const MemPool *pool)
{
    return pool->cancelled != NULL && atomic_load_explicit(pool->cancelled, memory_order_relaxed);
}

void mem_pool_fail_nth(MemPool *pool, uint64_t nth)
{
    atomic_store(&pool->fail_countdown, nth);
}
