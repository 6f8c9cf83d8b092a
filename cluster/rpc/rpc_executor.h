/*
 * rpc_executor.h -- the service Executor of the IDL, in plain C: orders, and its blocks
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_RPC_EXECUTOR_H
#define VONK_CLUSTER_RPC_RPC_EXECUTOR_H

#include "cluster/rpc/rpc_blocks.h"

/* It has taken them, all in order. ST_IO: no answer; sent again they do no harm. */
MUST_CHECK Status rpc_executor_deliver(RpcPool *pool, RpcAddress address, WireBytes orders,
                                       int64_t deadline_ns, Error *err);

typedef struct ExecutorHandler {
    BlocksHandler blocks;
    void *context;
    Status (*deliver)(void *context, WireBytes orders, Error *err);
} ExecutorHandler;

/* As rpc_blocks_serve. */
MUST_CHECK Status rpc_executor_serve(const RpcEndpoint *endpoint, const ExecutorHandler *handler,
                                     Error *err, RpcServer **server_out);

#endif
