/*
 * rpc_call.h -- the asking half of a call
 *
 *     rpc_call_begin -> Thrift's vrpc_..._client_...(call.client, ..., &call.failure, &call.error)
 *         -> rpc_call_end
 *
 * or, where more is read behind the answer, rpc_call_answered -> that -> rpc_call_over.
 */
#ifndef VONK_CLUSTER_RPC_RPC_CALL_H
#define VONK_CLUSTER_RPC_RPC_CALL_H

#include "cluster/rpc/call_error.h"
#include "cluster/rpc/rpc_pool_internal.h"

typedef struct RpcCall {
    RpcPool *pool;
    RpcAddress address;
    FrameIo *io;
    void *client;           /* of the type that was asked for */
    vrpcCallError *failure; /* what the client's function sets, as error */
    GError *error;
    bool is_sound; /* the connection may serve another call */
} RpcCall;

/* client: the GType VRPC_TYPE_..._CLIENT. ST_OK: rpc_call_end must follow. */
MUST_CHECK Status rpc_call_begin(RpcCall *call, RpcPool *pool, RpcAddress address, size_t client,
                                 int64_t deadline_ns, Error *err);

/* What became of it; is_answered: what the client's function has returned. */
MUST_CHECK Status rpc_call_answered(RpcCall *call, int is_answered, Error *err);
/* The connection goes back to the pool. */
void rpc_call_over(RpcCall *call);

/* Both. */
MUST_CHECK Status rpc_call_end(RpcCall *call, int is_answered, Error *err);

#endif
