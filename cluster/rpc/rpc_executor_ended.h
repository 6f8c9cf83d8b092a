/*
 * rpc_executor_ended.h -- the one call of a worker to a driver: an executor of yours has ended
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_RPC_EXECUTOR_ENDED_H
#define VONK_CLUSTER_RPC_RPC_EXECUTOR_ENDED_H

#include "cluster/rpc/rpc_pool.h"

MUST_CHECK Status rpc_driver_executor_ended(RpcPool *pool, RpcAddress driver, int64_t executor,
                                            const char *reason, int64_t deadline_ns, Error *err);

#endif
