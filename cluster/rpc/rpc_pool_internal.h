/* rpc_pool_internal.h -- what calls take connections with */
#ifndef VONK_CLUSTER_RPC_RPC_POOL_INTERNAL_H
#define VONK_CLUSTER_RPC_RPC_POOL_INTERNAL_H

#include "cluster/rpc/frame_io.h"
#include "cluster/rpc/rpc_pool.h"

/* Ready for a call that ends at the deadline; the caller's thread's. */
MUST_CHECK Status rpc_pool_take(RpcPool *pool, RpcAddress address, int64_t deadline_ns, Error *err,
                                FrameIo **io_out);
/* is_sound: the call got its answer; else the connection is closed. */
void rpc_pool_give(RpcPool *pool, RpcAddress address, FrameIo *io, bool is_sound);

#endif
