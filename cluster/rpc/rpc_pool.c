/* rpc_pool.c -- see rpc_pool.h */
#include "cluster/rpc/rpc_pool_internal.h"

#include <pthread.h>
#include <string.h>

#include "core/base/list.h"

typedef struct IdleConnection {
    Arena *arena;
    const char *host;
    uint16_t port;
    FrameIo *io;
    ListNode node;
} IdleConnection;

struct RpcPool {
    Arena *arena;
    const ChannelKeys *keys;
    uint32_t idle_max;
    Identity as; /* with the lock, as what follows */
    pthread_mutex_t lock;
    uint32_t idle_count;
    List idle; /* the one that rests longest first */
};

RpcPool *rpc_pool_new(const ChannelKeys *keys, uint32_t idle_max)
{
    Arena *arena = arena_new(NULL, "rpc pool", ARENA_NO_CAP);
    RpcPool *pool = ARENA_NEW(arena, RpcPool);

    pool->arena = arena;
    pool->keys = keys;
    pool->as = channel_keys_identity(keys);
    pool->idle_max = idle_max;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

/* With the lock. */
static FrameIo *take_out(RpcPool *pool, IdleConnection *idle)
{
    FrameIo *io = idle->io;

    list_remove(&pool->idle, &idle->node);
    pool->idle_count--;
    arena_free(idle->arena);
    return io;
}

void rpc_pool_free(RpcPool *pool)
{
    if (pool == NULL)
        return;
    while (!list_is_empty(&pool->idle))
        frame_io_free(take_out(pool, LIST_OWNER(pool->idle.first, IdleConnection, node)));
    pthread_mutex_destroy(&pool->lock);
    arena_free(pool->arena);
}

/* The one that was used last; NULL: none is at rest. */
static FrameIo *take_idle(RpcPool *pool, RpcAddress address)
{
    FrameIo *io = NULL;

    pthread_mutex_lock(&pool->lock);
    for (ListNode *node = pool->idle.last; io == NULL && node != NULL; node = node->prev) {
        IdleConnection *idle = LIST_OWNER(node, IdleConnection, node);

        if (idle->port == address.port && strcmp(idle->host, address.host) == 0) {
            io = take_out(pool, idle);
            break;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return io;
}

void rpc_pool_speak_as(RpcPool *pool, Identity as)
{
    pthread_mutex_lock(&pool->lock);
    pool->as = as;
    while (!list_is_empty(&pool->idle))
        frame_io_free(take_out(pool, LIST_OWNER(pool->idle.first, IdleConnection, node)));
    pthread_mutex_unlock(&pool->lock);
}

static Identity speaks_as(RpcPool *pool)
{
    Identity as;

    pthread_mutex_lock(&pool->lock);
    as = pool->as;
    pthread_mutex_unlock(&pool->lock);
    return as;
}

Status rpc_pool_take(RpcPool *pool, RpcAddress address, int64_t deadline_ns, Error *err,
                     FrameIo **io_out)
{
    Channel *channel;

    while ((*io_out = take_idle(pool, address)) != NULL) {
        if (channel_is_quiet(frame_io_channel(*io_out)) &&
            channel_is_welcome(frame_io_channel(*io_out))) {
            frame_io_begin(*io_out, deadline_ns);
            return ST_OK;
        }
        frame_io_free(*io_out);
    }
    TRY(channel_connect(address.host, address.port, pool->keys, speaks_as(pool), deadline_ns, err,
                        &channel));
    *io_out = frame_io_new(channel);
    frame_io_begin(*io_out, deadline_ns);
    return ST_OK;
}

void rpc_pool_give(RpcPool *pool, RpcAddress address, FrameIo *io, bool is_sound)
{
    IdleConnection *idle;
    Arena *arena;

    if (!is_sound || pool->idle_max == 0) {
        frame_io_free(io);
        return;
    }
    arena = arena_new(NULL, "idle connection", ARENA_NO_CAP);
    idle = ARENA_NEW(arena, IdleConnection);
    *idle = (IdleConnection){
        .arena = arena, .host = arena_strdup(arena, address.host), .port = address.port, .io = io};
    pthread_mutex_lock(&pool->lock);
    io = pool->idle_count < pool->idle_max
             ? NULL
             : take_out(pool, LIST_OWNER(pool->idle.first, IdleConnection, node));
    list_push(&pool->idle, &idle->node);
    pool->idle_count++;
    pthread_mutex_unlock(&pool->lock);
    frame_io_free(io);
}

uint32_t rpc_pool_idle(RpcPool *pool)
{
    uint32_t count;

    pthread_mutex_lock(&pool->lock);
    count = pool->idle_count;
    pthread_mutex_unlock(&pool->lock);
    return count;
}
