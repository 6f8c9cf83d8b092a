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

/* As rpc_driver_fetch_object, of what it has. */
MUST_CHECK Status rpc_executor_fetch_object(RpcPool *pool, RpcAddress address, uint64_t hash,
                                            uint64_t offset, uint32_t piece_bytes,
                                            int64_t deadline_ns, Arena *arena, Error *err,
                                            BlockPiece *piece_out);

typedef struct ExecutorHandler {
    BlocksHandler blocks;
    void *context;
    ObjectPieceFn fetch_object;
    Status (*deliver)(void *context, WireBytes orders, Error *err);
} ExecutorHandler;

/* As rpc_blocks_serve. */
MUST_CHECK Status rpc_executor_serve(const RpcEndpoint *endpoint, const ExecutorHandler *handler,
                                     Error *err, RpcServer **server_out);

#endif
