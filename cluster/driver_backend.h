/*
 * driver_backend.h -- tasks run in executor processes, which come to this driver and may go
 *
 *     driver_new -> cluster_backend_new (serves; executors register) -> jobs
 *         -> cluster_backend_free -> driver_free
 *
 * Orders go out on one thread an executor, in order: a stage before its first launch there, where
 * the inputs of a launch are before it. What was sent and not answered is sent again; an executor
 * that takes nothing for a while is lost, and so is one that is silent (core/scheduler).
 *
 * Thread: any, but for new and free.
 */
#ifndef VONK_CLUSTER_DRIVER_BACKEND_H
#define VONK_CLUSTER_DRIVER_BACKEND_H

#include "cluster/rpc_module.h"
#include "core/rdd/driver.h"

typedef struct ClusterBackend ClusterBackend;

typedef struct BackendOptions {
    const char *host;     /* where executors reach this process */
    uint16_t port;        /* 0: any                             */
    const RpcModule *rpc; /* borrowed, as what follows          */
    const ChannelKeys *keys;
    RpcPool *pool;

    void *context;
    /* An executor was given up: the master's number. NULL: nobody wants to know. */
    void (*executor_given_up)(void *context, int64_t executor, const char *reason);
    /* Blocks that plans name, by block_output_id, referenced. NULL: none. */
    BlockOutput *(*find_output)(void *context, uint64_t id);
    /* A piece of a file that tasks need, by its content hash; see DriverHandler. NULL: none. */
    Status (*fetch_object)(void *context, uint64_t hash, uint64_t offset, uint32_t piece_bytes,
                           Arena *arena, Error *err, BlockPiece *piece_out);
} BackendOptions;

/* The store must be the driver's, and have no outputs yet. */
MUST_CHECK Status cluster_backend_new(Driver *driver, BlockStore *store,
                                      const BackendOptions *options, Error *err,
                                      ClusterBackend **backend_out);
/* Executors are told to end. Accepts NULL. */
void cluster_backend_free(ClusterBackend *backend);

uint16_t cluster_backend_port(const ClusterBackend *backend);

/* The application that the master has made of this driver: its executors are taken, who are told by
 * their key, and are spoken to as that. It may be called again. */
void cluster_backend_set_application(ClusterBackend *backend, int64_t application);

/* Executors that are here, and their slots. */
typedef struct ClusterSize {
    uint32_t executors, slots;
} ClusterSize;
ClusterSize cluster_backend_size(ClusterBackend *backend);

/* Bytes of objects (values and files that executors share) that it has sent so far. */
uint64_t cluster_backend_object_bytes(const ClusterBackend *backend);

/* It gets no more tasks, and ends when it has none. */
void cluster_backend_drain(ClusterBackend *backend, int64_t executor);

/* What suits processes on a network. */
SchedulerConfig cluster_backend_config(void);

#endif
