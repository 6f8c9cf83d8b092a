/*
 * remote_executor.h -- an executor as its driver sees it: what it knows, what it is told next
 *
 *     remote_sender_init -> remote_executor_start (its thread sends what is put) -> orders are put
 *         -> remote_executor_end, or remote_sender_close for all
 *         -> remote_sender_fini
 *
 * Thread: all calls with the sender's lock held, but for init, close and fini.
 */
#ifndef VONK_CLUSTER_REMOTE_EXECUTOR_H
#define VONK_CLUSTER_REMOTE_EXECUTOR_H

#include <pthread.h>

#include "cluster/order_wire.h"
#include "cluster/rpc_module.h"
#include "core/base/id_map.h"
#include "core/base/list.h"
#include "core/rdd/task_backend.h"

enum { HOSTS_MAX = 1024 };

typedef struct RemoteExecutor RemoteExecutor;

typedef struct RemoteSender {
    const RpcModule *rpc;
    RpcPool *pool;
    /* An executor takes nothing any more; called without the lock. */
    void (*unreachable)(void *context, RemoteExecutor *executor, const char *reason);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_closing;
    List executors; /* RemoteExecutors that are here  */
    IdMap by_place; /* those of them that have one    */
    List over;      /* whose threads have to be joined */
} RemoteSender;

struct RemoteExecutor {
    RemoteSender *sender;
    Arena *arena;
    uint32_t references; /* of the list, of its thread, of whoever holds it */
    ExecutorId id;       /* the scheduler's: with the driver's lock alone     */
    uint64_t place;      /* the same, once it is known here                   */
    int64_t number;      /* the master's                                    */
    const char *host;
    uint16_t port;
    BlockOwner owner;     /* as a keeper calls it       */
    uint16_t keeper_port; /* 0: its blocks go with it */
    uint32_t slots;
    bool is_gone, has_ended; /* has_ended: its thread */
    bool worker_has_ended;   /* what was kept there is gone */
    bool is_draining;
    int64_t sent_ns; /* when it took orders last, or was to */
    pthread_t thread;
    pthread_mutex_t reports; /* one at a time */
    List chunks;             /* of orders, the oldest first */
    uint64_t messages;       /* so far: chunks that there were */
    uint64_t copies;         /* that it was asked for so far */
    List launches;           /* that were not answered for, and by attempt: */
    IdMap by_attempt;
    IdMap stages;  /* that it knows; no values                              */
    IdMap outputs; /* as well: block_output_changes up to there were sent */
    ListNode node;
};

void remote_sender_init(RemoteSender *sender, const RpcModule *rpc, RpcPool *pool,
                        void (*unreachable)(void *context, RemoteExecutor *executor,
                                            const char *reason),
                        void *context);
/* All are told to end, and waited for, but not for long. */
void remote_sender_close(RemoteSender *sender, const char *reason);
/* When nobody can ask for an executor any more. */
void remote_sender_fini(RemoteSender *sender);

/* What was put goes out. */
void remote_sender_wake(RemoteSender *sender);

/* NULL: there is none. By id, which may have no place yet: with the driver's lock as well. */
RemoteExecutor *remote_sender_find(const RemoteSender *sender, uint64_t place);
RemoteExecutor *remote_sender_find_id(const RemoteSender *sender, ExecutorId id);

/* For a second copy of what that one has: another one, on another host if there is one, or at least
 * of another worker, with the fewest copies. NULL: there is none. */
RemoteExecutor *remote_sender_copier(const RemoteSender *sender, const RemoteExecutor *of);

MUST_CHECK Status remote_executor_start(RemoteSender *sender, const ExecutorHello *hello,
                                        Error *err, RemoteExecutor **executor_out);
/* Its id is its place from now on: it is known to others. */
void remote_executor_settle(RemoteExecutor *executor);
/* Nothing is sent to it any more; its launches are forgotten. */
void remote_executor_end(RemoteSender *sender, RemoteExecutor *executor);
void remote_executor_unref(RemoteExecutor *executor);

/* Where to put orders that take about so many bytes. */
WireWriter *remote_executor_orders(RemoteExecutor *executor, size_t bytes);

/* The launch, and what it needs to know before. */
void remote_executor_put_launch(RemoteExecutor *executor, const StageOrder *order,
                                const TaskLaunch *launch);
/* A copy of what is elsewhere. */
void remote_executor_put_copy(RemoteExecutor *executor, const BlockOutput *output,
                              uint32_t partition);
void remote_executor_drop_stage(RemoteExecutor *executor, StageId stage);
void remote_executor_drop_output(RemoteExecutor *executor, uint64_t output);

/* False: it was answered for. */
bool remote_executor_take_launch(RemoteExecutor *executor, AttemptId attempt,
                                 TaskLaunch *launch_out);
/* Launches that have got lost on the way: the scheduler knows, too. */
void remote_executor_forget_unknown(RemoteExecutor *executor, const ExecutorReport *report);

#endif
