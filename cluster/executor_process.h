/*
 * executor_process.h -- a process that runs tasks for one driver, and keeps what they make
 *
 *     executor_new -> executor_run (until it should end) -> executor_free
 *
 * It registers with the driver and serves orders and blocks on one port. Orders bring stages, where
 * their inputs lie, and launches; each launch runs on one of its slots (core/rdd/task_run.h); what
 * became of it is reported at once, and again until the driver has it. It ends when the driver is
 * silent for too long or gone, has given it up, or tells it to: what it keeps can be made again.
 *
 * Thread: executor_stop from any, also from a signal's handler; else one.
 */
#ifndef VONK_CLUSTER_EXECUTOR_PROCESS_H
#define VONK_CLUSTER_EXECUTOR_PROCESS_H

#include "cluster/rpc_module.h"
#include "codegen/code_cache.h"
#include "core/plan/plan_wire.h"
#include "core/rdd/block_store.h"

typedef struct Executor Executor;

/* What executors of a worker have as keep_least_ms. */
#define EXECUTOR_KEEP_LEAST_MS 1.0

typedef struct ExecutorOptions {
    RpcAddress driver;
    int64_t executor, application; /* the master's numbers */
    const char *host;              /* where others reach it */
    uint32_t cores;
    uint64_t memory_bytes;
    const char *folder;      /* of its files; it must be there   */
    uint16_t keeper_port;    /* where on host what it keeps is served; 0: nowhere */
    const char *keep_folder; /* what outlives it goes there (block_keep.h) */
    uint64_t keep_bytes;     /* of all that share that folder; 0: nothing is kept */
    double keep_least_ms;    /* what took less CPU time than a file does is made again instead */
    const char *keep_key; /* a file with the key of what is encrypted there (secret.h); or NULL */
    const char *secret_file; /* NULL: loopback only              */
    CodeCache *cache;        /* borrowed, until executor_free    */
    uint32_t damage_every;   /* for tests: see block_server.h    */
} ExecutorOptions;

/* Borrows the options' texts. */
MUST_CHECK Status executor_new(const ExecutorOptions *options, Error *err, Executor **executor_out);
/* Nobody asks it for anything any more, and no task runs: what its hooks hold may go. */
void executor_end(Executor *executor);
void executor_free(Executor *executor); /* accepts NULL; ends it */

/* --- for who makes the hooks --- */

MemPool *executor_pool(Executor *executor);
BlockStore *executor_store(Executor *executor);

/* What tasks of that executor have made or read of an output (block_output_id), referenced; NULL:
 * nothing. */
BlockOutput *executor_output(void *executor, uint64_t output);

/* The file that the driver has under that hash, in this executor's folder; the path lives in the
 * arena. What it holds is to be checked by who uses it. */
MUST_CHECK Status executor_fetch_object(Executor *executor, uint64_t hash, Arena *arena, Error *err,
                                        const char **path_out);

/* --- its life --- */

/* What plans name is found by the hooks. ST_OK: the driver wanted it to end, or is gone. */
MUST_CHECK Status executor_run(Executor *executor, const PlanWireHooks *hooks, Error *err);

void executor_stop(Executor *executor);

#endif
