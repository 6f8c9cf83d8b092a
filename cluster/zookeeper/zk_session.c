/* zk_session.c -- see zk_session.h: the one file that includes ZooKeeper's header */
#include "cluster/zookeeper/zk_session.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

#include "core/base/clock.h"

enum { POLL_MS = 10, PATH_BYTES = 1024 };

struct ZkSession {
    Arena *arena;
    zhandle_t *handle;
    bool has_password;
    char *buffer;         /* for what is read */
    pthread_mutex_t lock; /* of what follows: the library's threads call on_event */
    pthread_cond_t changed;
    bool is_over;
    uint32_t events, events_seen;
};

static void note_event(ZkSession *session, bool is_over)
{
    pthread_mutex_lock(&session->lock);
    session->events++;
    session->is_over |= is_over;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->lock);
}

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle;
    (void)path;
    note_event(context, type == ZOO_SESSION_EVENT &&
                            (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE));
}

static void ignore_answer(int code, const void *data)
{
    (void)code;
    (void)data;
}

/* --- its life --- */

static void start(ZkSession *session)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&session->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&session->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static Status await_connection(ZkSession *session, const ZkOptions *options, Error *err)
{
    while (zoo_state(session->handle) != ZOO_CONNECTED_STATE) {
        if (zk_is_over(session))
            return error_set(err, ST_IO, "ZooKeeper at %s refuses this process", options->servers);
        if (clock_now_ns() >= options->deadline_ns)
            return error_set(err, ST_IO, "there is no answer from ZooKeeper at %s",
                             options->servers);
        zk_wait(session, clock_now_ns() + (int64_t)POLL_MS * 1000000);
    }
    return ST_OK;
}

Status zk_open(const ZkOptions *options, Error *err, ZkSession **session_out)
{
    Arena *arena = arena_new(NULL, "zookeeper", ARENA_NO_CAP);
    ZkSession *session = ARENA_NEW(arena, ZkSession);
    Status status = ST_OK;

    *session_out = NULL;
    session->arena = arena;
    session->has_password = options->password != NULL;
    session->buffer = arena_alloc_raw(arena, ZK_NODE_BYTES_MAX);
    start(session);
    zoo_set_debug_level((ZooLogLevel)0); /* what matters comes as errors */
    session->handle =
        zookeeper_init(options->servers, on_event, options->session_ms, NULL, session, 0);
    if (session->handle == NULL)
        status = error_set_errno(err, errno, "cannot ask ZooKeeper at \"%s\"", options->servers);
    if (status == ST_OK && options->password != NULL &&
        zoo_add_auth(session->handle, "digest", options->password, (int)strlen(options->password),
                     ignore_answer, NULL) != ZOK)
        status = error_set(err, ST_IO, "ZooKeeper takes no password");
    if (status == ST_OK)
        status = await_connection(session, options, err);
    if (status != ST_OK) {
        zk_close(session);
        return status;
    }
    *session_out = session;
    return ST_OK;
}

void zk_close(ZkSession *session)
{
    if (session == NULL)
        return;
    if (session->handle != NULL)
        zookeeper_close(session->handle);
    pthread_cond_destroy(&session->changed);
    pthread_mutex_destroy(&session->lock);
    arena_free(session->arena);
}

int32_t zk_session_ms(const ZkSession *session)
{
    return zoo_recv_timeout(session->handle);
}

bool zk_is_over(const ZkSession *session)
{
    ZkSession *shared = (ZkSession *)(uintptr_t)session;
    bool is_over;

    pthread_mutex_lock(&shared->lock);
    is_over = session->is_over;
    pthread_mutex_unlock(&shared->lock);
    return is_over;
}

/* --- calls --- */

static Status failed(int code, const char *what, const char *path, Error *err)
{
    Status status = code == ZNONODE || code == ZBADVERSION ? ST_BAD_INPUT : ST_IO;

    return error_set(err, status, "ZooKeeper: %s \"%s\": %s", what, path, zerror(code));
}

Status zk_create(ZkSession *session, const char *path, const void *bytes, uint32_t byte_count,
                 ZkKind kind, Arena *arena, Error *err, const char **path_out)
{
    const struct ACL_vector *acl =
        session->has_password ? &ZOO_CREATOR_ALL_ACL : &ZOO_OPEN_ACL_UNSAFE;
    char made[PATH_BYTES] = "";
    int code = zoo_create(session->handle, path, bytes, (int)byte_count, acl,
                          kind == ZK_KEPT ? 0 : ZOO_EPHEMERAL | ZOO_SEQUENCE, made, sizeof made);

    *path_out = NULL;
    if (code != ZOK && !(code == ZNODEEXISTS && kind == ZK_KEPT))
        return failed(code, "cannot make", path, err);
    *path_out = arena_strdup(arena, code == ZOK ? made : path);
    return ST_OK;
}

Status zk_read(ZkSession *session, const char *path, Arena *arena, Error *err, ZkNode *node_out)
{
    int byte_count = ZK_NODE_BYTES_MAX;
    struct Stat stat;
    int code = zoo_get(session->handle, path, 0, session->buffer, &byte_count, &stat);

    *node_out = (ZkNode){0};
    if (code == ZNONODE)
        return ST_OK;
    if (code != ZOK)
        return failed(code, "cannot read", path, err);
    if (stat.dataLength > ZK_NODE_BYTES_MAX)
        return error_set(err, ST_CORRUPT, "ZooKeeper: \"%s\" is too large", path);
    if (byte_count < 0) /* it has none */
        byte_count = 0;
    *node_out = (ZkNode){.is_there = true,
                         .bytes = arena_copy(arena, session->buffer, (size_t)byte_count),
                         .byte_count = (uint32_t)byte_count,
                         .version = stat.version};
    return ST_OK;
}

Status zk_write(ZkSession *session, const char *path, const void *bytes, uint32_t byte_count,
                int32_t version, Error *err)
{
    int code = zoo_set(session->handle, path, bytes, (int)byte_count, version);

    return code == ZOK ? ST_OK : failed(code, "cannot write", path, err);
}

Status zk_remove(ZkSession *session, const char *path, Error *err)
{
    int code = zoo_delete(session->handle, path, ZK_ANY_VERSION);

    return code == ZOK || code == ZNONODE ? ST_OK : failed(code, "cannot remove", path, err);
}

Status zk_list(ZkSession *session, const char *path, Arena *arena, Error *err,
               const char ***names_out, uint32_t *count_out)
{
    struct String_vector names = {0};
    int code = zoo_get_children(session->handle, path, 0, &names);

    *names_out = NULL;
    *count_out = 0;
    if (code != ZOK)
        return failed(code, "cannot list", path, err);
    *names_out = ARENA_ARRAY(arena, const char *, (size_t)names.count);
    for (int32_t i = 0; i < names.count; i++)
        (*names_out)[(*count_out)++] = arena_strdup(arena, names.data[i]);
    deallocate_String_vector(&names);
    return ST_OK;
}

Status zk_watch(ZkSession *session, const char *path, Error *err, bool *is_there_out)
{
    int code = zoo_wexists(session->handle, path, on_event, session, NULL);

    *is_there_out = code == ZOK;
    return code == ZOK || code == ZNONODE ? ST_OK : failed(code, "cannot watch", path, err);
}

void zk_wait(ZkSession *session, int64_t until_ns)
{
    struct timespec moment = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

    pthread_mutex_lock(&session->lock);
    while (session->events == session->events_seen)
        if (pthread_cond_timedwait(&session->changed, &session->lock, &moment) == ETIMEDOUT)
            break;
    session->events_seen = session->events;
    pthread_mutex_unlock(&session->lock);
}

void zk_interrupt(ZkSession *session)
{
    note_event(session, false);
}
