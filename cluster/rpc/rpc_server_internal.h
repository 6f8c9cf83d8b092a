/* rpc_server_internal.h -- what services start a server with */
#ifndef VONK_CLUSTER_RPC_RPC_SERVER_INTERNAL_H
#define VONK_CLUSTER_RPC_RPC_SERVER_INTERNAL_H

#include "cluster/rpc/rpc_server.h"

typedef struct FrameIo FrameIo;
typedef struct _ThriftProcessor ThriftProcessor; /* Thrift's */

/* processor: what answers; a reference is taken. calls: what it answers, NULL behind the last, a
 * constant: c_glib leaks at each call that there is not, so that it sees none. */
MUST_CHECK Status rpc_server_start(const RpcEndpoint *endpoint, ThriftProcessor *processor,
                                   const char *const *calls, Error *err, RpcServer **server_out);

/* What the call at hand came through; only in a handler. */
FrameIo *rpc__served(void);

#endif
