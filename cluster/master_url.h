/*
 * master_url.h -- where the master is: "vonk://host:port[,host:port]..."
 *
 * Several addresses: a master and those that stand by. A caller asks the current one, and turns to
 * the next where there is no answer.
 *
 * Thread: a MasterUrl is one thread's; copies are cheap.
 */
#ifndef VONK_CLUSTER_MASTER_URL_H
#define VONK_CLUSTER_MASTER_URL_H

#include "cluster/rpc/rpc_pool.h"
#include "core/base/arena.h"

enum { MASTERS_MAX = 8, MASTER_PORT = 7077 /* where the URL has none */ };

typedef struct MasterUrl {
    uint32_t count, current;
    RpcAddress masters[MASTERS_MAX]; /* the hosts live in the arena */
} MasterUrl;

/* An IPv6 address stands in brackets. */
MUST_CHECK Status master_url_parse(Arena *arena, const char *url, Error *err, MasterUrl *url_out);

static inline RpcAddress master_url_address(const MasterUrl *url)
{
    return url->masters[url->current];
}

/* The current one does not answer. */
static inline void master_url_next(MasterUrl *url)
{
    url->current = (url->current + 1) % url->count;
}

/* "host:port", "[::1]:7077" */
const char *master_url_text(Arena *arena, RpcAddress address);

#endif
