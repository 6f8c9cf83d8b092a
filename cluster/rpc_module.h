/*
 * rpc_module.h -- the calls between processes, in a module that is loaded when there is a cluster
 *
 *     rpc_module() -> rpc->rpc_blocks_fetch(...), ...
 *
 * GLib and Thrift are in libvonk_rpc.so alone: a process that is refused memory does not outlive
 * them, and one that never sees a cluster does not load them. The module has a copy of core/base:
 * arenas and errors may be handed over, memory pools may not.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_MODULE_H
#define VONK_CLUSTER_RPC_MODULE_H

#include "cluster/rpc/rpc_blocks.h"
#include "cluster/rpc/rpc_driver.h"
#include "cluster/rpc/rpc_executor.h"
#include "cluster/rpc/rpc_master.h"

/* One more call: one more line. */
#define RPC_FUNCTIONS(F)                                                                           \
    F(secret_read)                                                                                 \
    F(secret_make)                                                                                 \
    F(secret_hand_over)                                                                            \
    F(secret_hand_over_key)                                                                        \
    F(secret_key_of)                                                                               \
    F(node_keys_revoke)                                                                            \
    F(node_keys_make)                                                                              \
    F(secret_wipe)                                                                                 \
    F(secret_derive)                                                                               \
    F(channel_keys_new)                                                                            \
    F(channel_keys_free)                                                                           \
    F(channel_keys_identity)                                                                       \
    F(channel_listen)                                                                              \
    F(rpc_pool_new)                                                                                \
    F(rpc_pool_free)                                                                               \
    F(rpc_pool_speak_as)                                                                           \
    F(rpc_caller)                                                                                  \
    F(rpc_refuse)                                                                                  \
    F(rpc_server_port)                                                                             \
    F(rpc_server_counts)                                                                           \
    F(rpc_server_stop)                                                                             \
    F(rpc_master_register_worker)                                                                  \
    F(rpc_master_worker_heartbeat)                                                                 \
    F(rpc_master_executor_ended)                                                                   \
    F(rpc_master_end_worker)                                                                       \
    F(rpc_master_drain_worker)                                                                     \
    F(rpc_master_register_application)                                                             \
    F(rpc_master_application_heartbeat)                                                            \
    F(rpc_master_release_executor)                                                                 \
    F(rpc_master_end_application)                                                                  \
    F(rpc_master_submit_driver)                                                                    \
    F(rpc_master_fetch_package)                                                                    \
    F(rpc_master_driver_status)                                                                    \
    F(rpc_master_kill_application)                                                                 \
    F(rpc_master_status)                                                                           \
    F(rpc_master_counts)                                                                           \
    F(rpc_master_serve)                                                                            \
    F(rpc_blocks_fetch)                                                                            \
    F(rpc_blocks_fetch_many)                                                                       \
    F(rpc_blocks_serve)                                                                            \
    F(rpc_executor_deliver)                                                                        \
    F(rpc_executor_serve)                                                                          \
    F(rpc_driver_register_executor)                                                                \
    F(rpc_driver_executor_ended)                                                                   \
    F(rpc_driver_report)                                                                           \
    F(rpc_driver_fetch_object)                                                                     \
    F(rpc_driver_ask_chunk)                                                                        \
    F(rpc_executor_fetch_object)                                                                   \
    F(rpc_driver_serve)

#define RPC_MEMBER(name) __typeof__(name) *name;

typedef struct RpcModule {
    RPC_FUNCTIONS(RPC_MEMBER)
} RpcModule;

/* The module exports "vonk_rpc_interface", a text that is VONK_RPC_INTERFACE when both were built
 * from the same headers, and this function as "vonk_rpc_module". */
typedef const RpcModule *(*RpcModuleFn)(void);

/* Loads the module when it is first called; it stays. ST_NOT_SUPPORTED: there is none that fits. */
MUST_CHECK Status rpc_module(Error *err, const RpcModule **module_out);

#endif
