/* object_cache.c -- see object_cache.h */
#include "cluster/object_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "cluster/object_swarm.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/log.h"

enum {
    KEPT_FRACTION = 8, /* of the pool: what stays for others */
    DRIVER_MS = 2000,
    GIVE_UP_MS = 3000, /* of questions without an answer: sooner than the driver gives up who does
                        * not take orders meanwhile */
    PEER_MS = 3000,    /* a peer that takes longer for a chunk is passed over */
    NAP_MS_MAX = 32
};

static const char consumer[] = "broadcast";

struct CachedObject {
    uint64_t hash, total_bytes;
    char *bytes;   /* NULL: its size is not known yet */
    uint8_t *have; /* a bit a chunk */
    size_t have_bytes;
    uint32_t holders; /* who uses it, fetches it or waits for it */
    bool is_whole, is_coming;
    ListNode node;
};

struct ObjectCache {
    const RpcModule *rpc;
    RpcPool *rpc_pool;
    RpcAddress driver;
    MemPool *pool;
    Arena *arena;
    _Atomic uint64_t place;
    pthread_mutex_t lock; /* of what follows, and of all objects but for chunks on their way */
    pthread_cond_t changed;
    uint64_t kept_bytes;
    List objects; /* the oldest first */
};

ObjectCache *object_cache_new(const RpcModule *rpc, RpcPool *rpc_pool, RpcAddress driver,
                              MemPool *pool)
{
    Arena *arena = arena_new(NULL, "object cache", ARENA_NO_CAP);
    ObjectCache *cache = ARENA_NEW(arena, ObjectCache);

    cache->rpc = rpc;
    cache->rpc_pool = rpc_pool;
    cache->driver = driver;
    cache->pool = pool;
    cache->arena = arena;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->changed, NULL);
    return cache;
}

void object_cache_set_place(ObjectCache *cache, uint64_t place)
{
    atomic_store(&cache->place, place);
}

/* --- objects, with the lock --- */

static void free_object(ObjectCache *cache, CachedObject *object)
{
    list_remove(&cache->objects, &object->node);
    if (object->bytes != NULL) {
        cache->kept_bytes -= object->total_bytes;
        mem_pool_release(cache->pool, object->bytes, object->total_bytes);
        mem_pool_release(cache->pool, object->have, object->have_bytes);
    }
    mem_pool_release(cache->pool, object, sizeof *object);
}

static void drop_oldest(ObjectCache *cache)
{
    uint64_t most = mem_pool_limit_bytes(cache->pool) / KEPT_FRACTION;

    LIST_EACH(node, &cache->objects)
    {
        CachedObject *object = LIST_OWNER(node, CachedObject, node);

        if (object->holders == 0 && (cache->kept_bytes > most || !object->is_whole))
            free_object(cache, object);
    }
}

static CachedObject *find_object(const ObjectCache *cache, uint64_t hash)
{
    LIST_EACH(node, &cache->objects)
    if (LIST_OWNER(node, CachedObject, node)->hash == hash)
        return LIST_OWNER(node, CachedObject, node);
    return NULL;
}

static Status have_object(ObjectCache *cache, uint64_t hash, Error *err, CachedObject **object_out)
{
    CachedObject *object = find_object(cache, hash);
    void *memory;

    if (object == NULL) {
        TRY(mem_pool_alloc(cache->pool, sizeof *object, consumer, err, &memory));
        object = memory;
        *object = (CachedObject){.hash = hash};
        list_push(&cache->objects, &object->node);
    }
    object->holders++;
    *object_out = object;
    return ST_OK;
}

void object_cache_free(ObjectCache *cache)
{
    if (cache == NULL)
        return;
    while (!list_is_empty(&cache->objects))
        free_object(cache, LIST_OWNER(cache->objects.first, CachedObject, node));
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    arena_free(cache->arena);
}

/* --- fetching --- */

/* With the lock, or by the thread that fetches it. Whether all chunks of the range are here. */
static bool has_range(const CachedObject *object, uint64_t offset, uint64_t byte_count)
{
    if (offset > object->total_bytes || (object->bytes == NULL && byte_count > 0))
        return false;
    for (uint64_t c = offset / SWARM_CHUNK_BYTES;
         c * SWARM_CHUNK_BYTES < offset + byte_count && c * SWARM_CHUNK_BYTES < object->total_bytes;
         c++)
        if ((object->have[c / 8] >> c % 8 & 1) == 0)
            return false;
    return true;
}

static int64_t in_ms(int64_t ms)
{
    return clock_now_ns() + ms * 1000000;
}

/* Without the lock, by the thread that fetches it. */
static Status make_room(ObjectCache *cache, CachedObject *object, uint64_t total_bytes, Error *err)
{
    size_t have_bytes = (swarm_chunk_count(total_bytes) + 7) / 8;
    void *bytes, *have;
    Status status;

    if (object->bytes != NULL)
        return object->total_bytes == total_bytes
                   ? ST_OK
                   : error_set(err, ST_CORRUPT, "an object is of another size than it was");
    TRY(mem_pool_alloc(cache->pool, total_bytes, consumer, err, &bytes));
    status = mem_pool_alloc(cache->pool, have_bytes, consumer, err, &have);
    if (status != ST_OK) {
        mem_pool_release(cache->pool, bytes, total_bytes);
        return status;
    }
    memset(have, 0, have_bytes);
    pthread_mutex_lock(&cache->lock);
    object->total_bytes = total_bytes;
    object->bytes = bytes;
    object->have = have;
    object->have_bytes = have_bytes;
    cache->kept_bytes += total_bytes;
    pthread_mutex_unlock(&cache->lock);
    return ST_OK;
}

/* The chunk is here: others may have it. */
static Status take_chunk(ObjectCache *cache, CachedObject *object, const SwarmAnswer *answer,
                         WireBytes bytes, Error *err)
{
    uint32_t chunk = answer->chunk;

    if (bytes.byte_count != swarm_chunk_bytes(object->total_bytes, chunk) ||
        XXH3_64bits(bytes.bytes, bytes.byte_count) != answer->checksum)
        return error_set(err, ST_CORRUPT, "chunk %u of an object was damaged on its way", chunk);
    memcpy(object->bytes + (size_t)chunk * SWARM_CHUNK_BYTES, bytes.bytes, bytes.byte_count);
    pthread_mutex_lock(&cache->lock);
    object->have[chunk / 8] |= (uint8_t)(1 << chunk % 8);
    pthread_mutex_unlock(&cache->lock);
    return ST_OK;
}

static Status ask_peer(ObjectCache *cache, CachedObject *object, const SwarmAnswer *answer,
                       Arena *arena, Error *err)
{
    uint64_t offset = (uint64_t)answer->chunk * SWARM_CHUNK_BYTES;
    RpcAddress peer = {answer->host, answer->port};
    BlockPiece piece;

    TRY(cache->rpc->rpc_executor_fetch_object(cache->rpc_pool, peer, object->hash, offset,
                                              SWARM_CHUNK_BYTES, in_ms(PEER_MS), arena, err,
                                              &piece));
    return take_chunk(cache, object, answer, (WireBytes){piece.bytes, piece.byte_count}, err);
}

/* One question, and what comes of it. *failed: the place that did not give what it was said to
 * have. */
static Status step(ObjectCache *cache, CachedObject *object, uint64_t *failed, Arena *arena,
                   SwarmKind *kind_out, Error *err)
{
    WireWriter to = {.arena = arena};
    SwarmAnswer answer;
    SwarmAsk ask = {.object = object->hash,
                    .place = atomic_load(&cache->place),
                    .failed = *failed,
                    .have = {object->have, object->have_bytes}};
    WireBytes bytes;
    Error why = ERROR_NONE;

    *failed = 0;
    swarm_ask_put(&to, &ask);
    TRY(cache->rpc->rpc_driver_ask_chunk(cache->rpc_pool, cache->driver,
                                         (WireBytes){to.bytes, to.length}, in_ms(DRIVER_MS), arena,
                                         err, &bytes));
    TRY(swarm_answer_take(bytes, arena, err, &answer));
    *kind_out = answer.kind;
    if (answer.total_bytes > 0)
        TRY(make_room(cache, object, answer.total_bytes, err));
    if (answer.kind == SWARM_DONE && !has_range(object, 0, object->total_bytes))
        return error_set(err, ST_CORRUPT, "not all of an object has come");
    if (answer.kind == SWARM_GIVE)
        return take_chunk(cache, object, &answer, answer.bytes, err);
    if (answer.kind != SWARM_PEER || ask_peer(cache, object, &answer, arena, &why) == ST_OK)
        return ST_OK;
    LOG_INFO("executor", "chunk %u of an object is not to be had from %s:%u: %s", answer.chunk,
             answer.host, answer.port, why.message);
    *failed = answer.place;
    return ST_OK;
}

/* Nobody else fetches it. A question or its answer may be lost or damaged on its way: then it is
 * asked again. */
static Status fetch(ObjectCache *cache, CachedObject *object, Error *err)
{
    SwarmKind kind = SWARM_WAIT;
    Status status = ST_OK;
    uint64_t failed = 0;
    int64_t nap_ms = 1, give_up_ns = in_ms(GIVE_UP_MS);

    while (status == ST_OK && kind != SWARM_DONE) {
        Arena *arena = arena_new(NULL, "chunk", ARENA_NO_CAP);

        status = step(cache, object, &failed, arena, &kind, err);
        arena_free(arena);
        if (status == ST_OK) {
            give_up_ns = in_ms(GIVE_UP_MS);
        } else if (status == ST_IO && clock_now_ns() < give_up_ns) {
            status = ST_OK;
            kind = SWARM_WAIT;
        }
        nap_ms = kind != SWARM_WAIT ? 1 : nap_ms < NAP_MS_MAX ? 2 * nap_ms : NAP_MS_MAX;
        if (status == ST_OK && kind == SWARM_WAIT)
            nanosleep(&(struct timespec){.tv_nsec = nap_ms * 1000000}, NULL);
    }
    return status;
}

Status object_cache_get(ObjectCache *cache, uint64_t hash, Error *err, CachedObject **object_out)
{
    CachedObject *object;
    Status status;

    *object_out = NULL;
    pthread_mutex_lock(&cache->lock);
    status = have_object(cache, hash, err, &object);
    while (status == ST_OK && object->is_coming)
        pthread_cond_wait(&cache->changed, &cache->lock);
    if (status == ST_OK && !object->is_whole) {
        object->is_coming = true;
        pthread_mutex_unlock(&cache->lock);
        status = fetch(cache, object, err);
        pthread_mutex_lock(&cache->lock);
        object->is_coming = false;
        object->is_whole = status == ST_OK;
        pthread_cond_broadcast(&cache->changed);
        object->holders -= status != ST_OK;
    }
    drop_oldest(cache);
    pthread_mutex_unlock(&cache->lock);
    if (status == ST_OK)
        *object_out = object;
    return status;
}

WireBytes object_bytes(const CachedObject *object)
{
    return (WireBytes){object->bytes, object->total_bytes};
}

void object_let_go(ObjectCache *cache, CachedObject *object)
{
    pthread_mutex_lock(&cache->lock);
    object->holders--;
    drop_oldest(cache);
    pthread_mutex_unlock(&cache->lock);
}

Status object_cache_copy(ObjectCache *cache, uint64_t hash, Arena *arena, Error *err,
                         WireBytes *bytes_out)
{
    CachedObject *object;
    WireBytes bytes;

    TRY(object_cache_get(cache, hash, err, &object));
    bytes = object_bytes(object);
    *bytes_out = (WireBytes){arena_copy(arena, bytes.bytes, bytes.byte_count), bytes.byte_count};
    object_let_go(cache, object);
    return ST_OK;
}

void object_cache_forget(ObjectCache *cache, uint64_t hash)
{
    CachedObject *object;

    pthread_mutex_lock(&cache->lock);
    object = find_object(cache, hash);
    if (object != NULL && object->holders == 0)
        free_object(cache, object);
    pthread_mutex_unlock(&cache->lock);
}

/* --- files --- */

static Status write_all(int fd, WireBytes bytes, const char *path, Error *err)
{
    for (size_t written = 0; written < bytes.byte_count;) {
        ssize_t count = write(fd, (const char *)bytes.bytes + written, bytes.byte_count - written);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set_errno(err, errno, "could not write \"%s\"", path);
        written += (size_t)count;
    }
    return ST_OK;
}

/* Written beside its place first: what is there under its name is whole. */
static Status write_object(const char *path, WireBytes bytes, Arena *arena, Error *err)
{
    const char *part = arena_printf(arena, "%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    Status status;

    if (fd < 0)
        return error_set_errno(err, errno, "could not write \"%s\"", part);
    status = write_all(fd, bytes, part, err);
    if (close(fd) != 0 && status == ST_OK)
        status = error_set_errno(err, errno, "could not write \"%s\"", part);
    if (status == ST_OK && rename(part, path) != 0)
        status = error_set_errno(err, errno, "could not rename \"%s\"", part);
    if (status != ST_OK)
        unlink(part);
    return status;
}

Status object_cache_to_file(ObjectCache *cache, uint64_t hash, const char *path, Arena *arena,
                            Error *err)
{
    CachedObject *object;
    Status status;

    TRY(object_cache_get(cache, hash, err, &object));
    status = write_object(path, object_bytes(object), arena, err);
    object_let_go(cache, object);
    return status;
}

/* --- for peers --- */

Status object_cache_piece(ObjectCache *cache, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                          Arena *arena, Error *err, BlockPiece *piece_out)
{
    CachedObject *object;
    bool is_here;

    pthread_mutex_lock(&cache->lock);
    object = find_object(cache, hash);
    is_here = object != NULL && has_range(object, offset, piece_bytes);
    if (is_here)
        object->holders++;
    pthread_mutex_unlock(&cache->lock);
    if (!is_here)
        return error_set(err, ST_BAD_INPUT, "it is not here");
    if (piece_bytes > object->total_bytes - offset)
        piece_bytes = (uint32_t)(object->total_bytes - offset);
    *piece_out = (BlockPiece){.total_bytes = object->total_bytes,
                              .bytes = arena_copy(arena, object->bytes + offset, piece_bytes),
                              .byte_count = piece_bytes};
    object_let_go(cache, object);
    return ST_OK;
}
