/* block_memory.c -- see block_memory.h */
#include "core/base/block_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/invariant.h"
#include "core/base/list.h"

enum {
    PAGE_BYTES = 4096,
    HUGE_PAGE_BYTES = 2 << 20,
    OWN_MAPPING_BYTES_MIN = HUGE_PAGE_BYTES - (64 << 10),
    POPULATED_GRANULES = 128, /* at once: they are still in the second cache when written */
    CHUNK_BYTES = 16 << 20,
    GRANULE_BYTES = 2048,
    GRANULES_PER_CHUNK = CHUNK_BYTES / GRANULE_BYTES,
    IDLE_BYTES_DEFAULT = 16 << 20,
    CHUNKS_AT_HAND_MAX = 64,
};

/* PURGED: its page has gone, or goes when the other half is freed. */
typedef enum GranuleState { IN_USE, IDLE, PURGED } GranuleState;

/* Lies at the start of its memory, which is aligned to CHUNK_BYTES. Counts are of granules. */
typedef struct Chunk {
    ListNode node;
    unsigned used; /* from the start on, this struct with them */
    unsigned freed;
    unsigned idle; /* of the freed: their pages are there */
    unsigned populated;
    bool is_at_hand;
    uint8_t states[GRANULES_PER_CHUNK]; /* GranuleState */
} Chunk;

enum { HEAD_GRANULES = (sizeof(Chunk) + GRANULE_BYTES - 1) / GRANULE_BYTES };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Chunk *at_hand[CHUNKS_AT_HAND_MAX];
static List chunks;
static size_t idle_granules, idle_granules_max = IDLE_BYTES_DEFAULT / GRANULE_BYTES;
static _Atomic size_t held_bytes;

/* One for each processor, but only as many as there are threads that allocate. */
static unsigned hand_of_thread(void)
{
    static _Atomic unsigned threads;
    static _Thread_local unsigned hand; /* 0: not chosen yet */

    if (hand == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        unsigned hands = processors < 2                    ? 2
                         : processors > CHUNKS_AT_HAND_MAX ? CHUNKS_AT_HAND_MAX
                                                           : (unsigned)processors;

        hand = 1 + atomic_fetch_add(&threads, 1) % hands;
    }
    return hand - 1;
}

/* With the lock, as all that follows but where it says so. */
static void add_chunk(Chunk *chunk)
{
    *chunk = (Chunk){.used = HEAD_GRANULES, .is_at_hand = true};
    list_push(&chunks, &chunk->node);
}

/* Nothing is in it. */
static void remove_chunk(Chunk *chunk)
{
    idle_granules -= chunk->idle;
    list_remove(&chunks, &chunk->node);
}

static Chunk *new_chunk(void)
{
    char *mapped =
        mmap(NULL, 2 * CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *start;

    if (mapped == MAP_FAILED)
        return NULL;
    start = (char *)(((uintptr_t)mapped + CHUNK_BYTES - 1) & ~(uintptr_t)(CHUNK_BYTES - 1));
    if (start > mapped)
        munmap(mapped, (size_t)(start - mapped));
    munmap(start + CHUNK_BYTES, (size_t)(mapped + CHUNK_BYTES - start));
    add_chunk((Chunk *)(void *)start);
    atomic_fetch_add(&held_bytes, CHUNK_BYTES);
    return (Chunk *)(void *)start;
}

/* Without the lock. */
static void unmap_chunk(Chunk *chunk)
{
    munmap(chunk, CHUNK_BYTES);
    atomic_fetch_sub(&held_bytes, CHUNK_BYTES);
}

static bool is_all_freed(const Chunk *chunk)
{
    return chunk->freed == chunk->used - HEAD_GRANULES;
}

/* The pages of [from, to), all at once: one by one, as they are touched, each costs a fault. A
 * system that cannot do it leaves things as they are. Without the lock. */
static void populate(char *from, char *to)
{
#ifdef MADV_POPULATE_WRITE
    (void)madvise(from, (size_t)(to - from), MADV_POPULATE_WRITE);
#else
    (void)from;
    (void)to;
#endif
}

/* Looked up at random, small pages cost a walk through their tables, which takes as long as the
 * memory itself. */
static void *alloc_own_mapping(size_t bytes)
{
    void *memory;

    /* aligned_alloc wants a multiple of the alignment, and the thread sanitizer insists on it */
    if (posix_memalign(&memory, HUGE_PAGE_BYTES, bytes) != 0)
        return NULL;
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

static unsigned granules_of(size_t bytes)
{
    return (unsigned)((bytes + GRANULE_BYTES - 1) / GRANULE_BYTES);
}

/* NULL: there is no memory. The pages [*new_out, *new_end_out) are to be populated, if any. */
static void *carve(unsigned granules, char **new_out, char **new_end_out)
{
    Chunk **hand = &at_hand[hand_of_thread()], *chunk = *hand;
    void *memory;

    if (chunk != NULL && is_all_freed(chunk)) {
        /* asking for pages that are there costs a walk through their tables, a block each time */
        unsigned populated = chunk->idle == chunk->freed ? chunk->populated : 0;

        remove_chunk(chunk);
        add_chunk(chunk);
        chunk->populated = populated;
    }
    if (chunk == NULL || chunk->used + granules > GRANULES_PER_CHUNK) {
        if (chunk != NULL)
            chunk->is_at_hand = false;
        *hand = chunk = new_chunk();
        if (chunk == NULL)
            return NULL;
    }
    memory = (char *)chunk + (size_t)chunk->used * GRANULE_BYTES;
    chunk->used += granules;
    *new_out = (char *)chunk + (size_t)chunk->populated * GRANULE_BYTES;
    while (chunk->populated < chunk->used)
        chunk->populated += POPULATED_GRANULES;
    *new_end_out = (char *)chunk + (size_t)chunk->populated * GRANULE_BYTES;
    return memory;
}

void *block_memory_alloc(size_t bytes)
{
    char *new_pages, *end;
    void *memory;

    if (bytes >= OWN_MAPPING_BYTES_MIN)
        return alloc_own_mapping(bytes);
    pthread_mutex_lock(&lock);
    memory = carve(granules_of(bytes), &new_pages, &end);
    pthread_mutex_unlock(&lock);
    if (memory != NULL && end > new_pages)
        populate(new_pages, end);
    return memory;
}

static void give_pages_back(char *start, char *end)
{
    uintptr_t from = ((uintptr_t)start + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
    uintptr_t to = (uintptr_t)end & ~(uintptr_t)(PAGE_BYTES - 1);

    if (to > from)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static void purge(Chunk *chunk)
{
    uint8_t *end = chunk->states + chunk->used, *from = chunk->states + HEAD_GRANULES, *to;
    char *memory = (char *)chunk;

    for (; (from = memchr(from, IDLE, (size_t)(end - from))) != NULL; from = to) {
        for (to = from; to < end && *to == IDLE;)
            *to++ = PURGED;
        give_pages_back(memory + (from - chunk->states - (from[-1] == PURGED)) * GRANULE_BYTES,
                        memory +
                            (to - chunk->states + (to < end && *to == PURGED)) * GRANULE_BYTES);
    }
    idle_granules -= chunk->idle;
    chunk->idle = 0;
}

static void purge_all(void)
{
    LIST_EACH(node, &chunks)
    {
        Chunk *chunk = LIST_OWNER(node, Chunk, node);

        if (chunk->idle > 0)
            purge(chunk);
    }
}

void block_memory_free(void *memory, size_t bytes)
{
    Chunk *chunk, *emptied = NULL;
    unsigned first, granules = granules_of(bytes);

    if (memory == NULL)
        return;
    if (bytes >= OWN_MAPPING_BYTES_MIN) {
        free(memory);
        return;
    }
    chunk = (Chunk *)(void *)((uintptr_t)memory & ~(uintptr_t)(CHUNK_BYTES - 1));
    first = (unsigned)((size_t)((char *)memory - (char *)chunk) / GRANULE_BYTES);
    pthread_mutex_lock(&lock);
    CHECK(chunk->states[first] == IN_USE);
    memset(chunk->states + first, IDLE, granules);
    chunk->freed += granules;
    chunk->idle += granules;
    idle_granules += granules;
    if (is_all_freed(chunk) && !chunk->is_at_hand) {
        remove_chunk(chunk);
        emptied = chunk;
    } else if (idle_granules > idle_granules_max) {
        purge_all();
    }
    pthread_mutex_unlock(&lock);
    if (emptied != NULL) /* nobody has anything in it */
        unmap_chunk(emptied);
}

void block_memory_keep(size_t idle_bytes)
{
    pthread_mutex_lock(&lock);
    idle_granules_max = idle_bytes / GRANULE_BYTES;
    pthread_mutex_unlock(&lock);
}

size_t block_memory_held_bytes(void)
{
    return atomic_load(&held_bytes);
}
