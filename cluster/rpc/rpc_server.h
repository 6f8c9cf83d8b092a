/*
 * rpc_server.h -- answers calls: one gate, then a thread a connection
 *
 *     accept -> gate: hello, TLS (no thread, no Thrift, 10 s) -> a thread: frame -> call -> frame
 *
 * The gate is one thread for all who have not proved that they know the secret: however many of
 * them send nothing, or a byte a second, they cost a socket each, the oldest of too many goes, and
 * whoever has the secret gets in. Behind it, each connection is served by a thread of its own, up
 * to a bound.
 *
 * Thread: rpc_server_stop from any, once; handlers run on threads of the server.
 */
#ifndef VONK_CLUSTER_RPC_RPC_SERVER_H
#define VONK_CLUSTER_RPC_RPC_SERVER_H

#include "cluster/rpc/channel.h"

/* Of the ST_BAD_INPUT of a call that is refused because of who has made it. */
#define SQLSTATE_NOT_ALLOWED "42501"

/* Served by the functions of a service: rpc_blocks_serve. */
typedef struct RpcServer RpcServer;

typedef struct RpcEndpoint {
    const char *host; /* "127.0.0.1" */
    uint16_t port;    /* 0: any      */
    int listener;     /* a socket that listens already, taken; 0: host and port say where */
    const ChannelKeys *keys;
    uint32_t connections_max; /* that got in; 0: 256            */
    uint32_t pending_max;     /* that did not yet; 0: 2048      */
    int64_t handshake_ms;     /* 0: 10 s */
    int64_t idle_ms;          /* between two calls; 0: 5 min    */
    int64_t message_ms;       /* for a call to be read and answered; 0: 60 s */
} RpcEndpoint;

uint16_t rpc_server_port(const RpcServer *server);

typedef struct RpcServerCounts {
    uint64_t accepted, refused; /* connections that got in, and that did not */
    uint32_t open, pending;
} RpcServerCounts;
RpcServerCounts rpc_server_counts(RpcServer *server);

/* In a handler, on its thread: who has called. */
Identity rpc_caller(void);
/* The answer to a call that who has called may not make, with a line of log: "read blocks of
 * application 7". */
MUST_CHECK Status rpc_refuse(Error *err, const char *what);

/* Ends all connections, waits for the calls at work, frees it. Accepts NULL. */
void rpc_server_stop(RpcServer *server);

#endif
