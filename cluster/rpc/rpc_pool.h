/*
 * rpc_pool.h -- connections to other processes, kept for the next call
 *
 *     rpc_pool_new -> a call takes a connection, and gives it back -> rpc_pool_free
 *
 * A connection that is at rest may have been closed by the other side meanwhile: that is seen when
 * it is taken, and a new one is made. Whether a call that failed may be made again is known to who
 * made it, not here.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_RPC_POOL_H
#define VONK_CLUSTER_RPC_RPC_POOL_H

#include "cluster/rpc/channel.h"

typedef struct RpcPool RpcPool;

typedef struct RpcAddress {
    const char *host;
    uint16_t port;
} RpcAddress;

/* idle_max: connections at rest, of all addresses; the one that rested longest goes first. keys:
 * borrowed; NULL: no secret. */
RpcPool *rpc_pool_new(const ChannelKeys *keys, uint32_t idle_max);
void rpc_pool_free(RpcPool *pool); /* accepts NULL; what was taken must be back */

/* Connections that are made from now on speak as that one, who is whose the keys are, or below;
 * before, as whose the keys are. */
void rpc_pool_speak_as(RpcPool *pool, Identity as);

uint32_t rpc_pool_idle(RpcPool *pool);

#endif
