/*
 * zk_session.h -- a session with ZooKeeper: nodes that are kept, and nodes that last as long as it
 *
 *     zk_open -> zk_create, zk_read, ... -> zk_close
 *
 * Who includes this does not see ZooKeeper's library. A call waits for its answer, or for the
 * connection's end, which a server that is silent for two thirds of the session comes to. After
 * ST_IO it is not known whether the call was carried out; the connection comes back by itself, at
 * another server if need be, until the session is over.
 *
 * Thread: one thread's, but for zk_interrupt.
 */
#ifndef VONK_CLUSTER_ZOOKEEPER_ZK_SESSION_H
#define VONK_CLUSTER_ZOOKEEPER_ZK_SESSION_H

#include "core/base/arena.h"
#include "core/base/status.h"

typedef struct ZkSession ZkSession;

typedef struct ZkOptions {
    const char *servers;  /* "host:port,host:port" */
    const char *password; /* only sessions with the same one see what this one makes; NULL: all */
    int32_t session_ms;   /* wanted: a server has bounds of its own */
    int64_t deadline_ns;  /* of being connected */
} ZkOptions;

typedef enum ZkKind {
    ZK_KEPT,
    ZK_NUMBERED_OF_SESSION, /* ends with the session; its name gets a number that ascends */
} ZkKind;

typedef struct ZkNode {
    bool is_there;
    const char *bytes; /* in the arena */
    uint32_t byte_count;
    int32_t version;
} ZkNode;

enum { ZK_ANY_VERSION = -1, ZK_NODE_BYTES_MAX = 512 << 10 };

MUST_CHECK Status zk_open(const ZkOptions *options, Error *err, ZkSession **session_out);
/* Its nodes end with it, at once if the server hears of it. Accepts NULL. */
void zk_close(ZkSession *session);

int32_t zk_session_ms(const ZkSession *session); /* as agreed with the server */
bool zk_is_over(const ZkSession *session);       /* it was given up: open another one */

/* *path_out: with its number, in the arena. A kept one that is there already stays as it is. */
MUST_CHECK Status zk_create(ZkSession *session, const char *path, const void *bytes,
                            uint32_t byte_count, ZkKind kind, Arena *arena, Error *err,
                            const char **path_out);
MUST_CHECK Status zk_read(ZkSession *session, const char *path, Arena *arena, Error *err,
                          ZkNode *node_out);
/* ST_BAD_INPUT: it is not there, or not of that version any more. */
MUST_CHECK Status zk_write(ZkSession *session, const char *path, const void *bytes,
                           uint32_t byte_count, int32_t version, Error *err);
/* One that is not there is removed already. */
MUST_CHECK Status zk_remove(ZkSession *session, const char *path, Error *err);
/* The names below a node. */
MUST_CHECK Status zk_list(ZkSession *session, const char *path, Arena *arena, Error *err,
                          const char ***names_out, uint32_t *count_out);
/* Whether it is there; zk_wait ends when that changes. */
MUST_CHECK Status zk_watch(ZkSession *session, const char *path, Error *err, bool *is_there_out);

/* Until something that is watched has changed, the session or its connection has, it is
 * interrupted, or it is that late. */
void zk_wait(ZkSession *session, int64_t until_ns);
void zk_interrupt(ZkSession *session);

#endif
