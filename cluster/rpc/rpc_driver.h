/*
 * rpc_driver.h -- the service Driver of the IDL, in plain C: executors come, report, and end
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_RPC_DRIVER_H
#define VONK_CLUSTER_RPC_RPC_DRIVER_H

#include "cluster/rpc/rpc_blocks.h"

/* An executor that comes: which build it is, and where it serves its blocks. */
typedef struct ExecutorHello {
    const char *version;
    uint64_t vocabulary;
    int64_t executor; /* the master's number for the process */
    RpcAddress address;
    uint32_t slots;
    int64_t application;
    uint16_t keeper_port; /* where what it has kept is served, also after its end; 0: nowhere */
} ExecutorHello;

/* --- asking --- */

/* *place_out: what its life is called from now on. */
MUST_CHECK Status rpc_driver_register_executor(RpcPool *pool, RpcAddress address,
                                               const ExecutorHello *hello, int64_t deadline_ns,
                                               Error *err, uint64_t *place_out);

typedef struct ExecutorEnd {
    int64_t executor;
    const char *reason;
    bool has_crashed; /* by itself, which is the fault of what it was at work on */
    uint64_t attempt; /* of that one; 0: nobody knows */
} ExecutorEnd;

MUST_CHECK Status rpc_driver_executor_ended(RpcPool *pool, RpcAddress address,
                                            const ExecutorEnd *end, int64_t deadline_ns,
                                            Error *err);

/* The answer lives in the arena. ST_BAD_INPUT: the driver has given that life up. */
MUST_CHECK Status rpc_driver_report(RpcPool *pool, RpcAddress address, uint64_t place,
                                    WireBytes report, int64_t deadline_ns, Arena *arena, Error *err,
                                    WireBytes *answer_out);

/* A piece of a file, as rpc_blocks_fetch. */
MUST_CHECK Status rpc_driver_fetch_object(RpcPool *pool, RpcAddress address, uint64_t hash,
                                          uint64_t offset, uint32_t piece_bytes,
                                          int64_t deadline_ns, Arena *arena, Error *err,
                                          BlockPiece *piece_out);

/* Both as cluster/object_swarm.h has them; the answer lives in the arena. */
MUST_CHECK Status rpc_driver_ask_chunk(RpcPool *pool, RpcAddress address, WireBytes asked,
                                       int64_t deadline_ns, Arena *arena, Error *err,
                                       WireBytes *answer_out);

/* --- answering --- */

/* Called by any number of threads at once. */
typedef struct DriverHandler {
    BlocksHandler blocks;
    void *context;
    Status (*register_executor)(void *context, const ExecutorHello *hello, Error *err,
                                uint64_t *place_out);
    Status (*executor_ended)(void *context, const ExecutorEnd *end, Error *err);
    Status (*report)(void *context, uint64_t place, WireBytes report, Arena *arena, Error *err,
                     WireBytes *answer_out);
    ObjectPieceFn fetch_object;
    Status (*ask_chunk)(void *context, WireBytes asked, Arena *arena, Error *err,
                        WireBytes *answer_out);
} DriverHandler;

/* As rpc_blocks_serve. */
MUST_CHECK Status rpc_driver_serve(const RpcEndpoint *endpoint, const DriverHandler *handler,
                                   Error *err, RpcServer **server_out);

#endif
