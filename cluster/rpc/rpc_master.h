/*
 * rpc_master.h -- the service Master of the IDL, in plain C: what workers, drivers and people say
 * to the master
 *
 * Whoever includes this sees neither Thrift nor GLib. What answers point to lives in the arena.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_RPC_RPC_MASTER_H
#define VONK_CLUSTER_RPC_RPC_MASTER_H

#include "cluster/rpc/rpc_pool.h"
#include "cluster/rpc/rpc_server.h"
#include "core/base/arena.h"
#include "core/base/wire.h"

/* Of an error that says that an application was killed: its driver does not register it anew. */
#define SQLSTATE_KILLED "57P01"

/* Of the ST_IO that a master answers which does not lead: another one may. */
#define SQLSTATE_STANDBY "57P03"

typedef struct RpcBuild {
    const char *version;
    uint64_t vocabulary; /* plan_wire_vocabulary() */
} RpcBuild;

typedef struct RunningExecutor {
    int64_t executor, application;
    int32_t cores;
    int64_t memory_bytes;
    int64_t driver; /* not 0: a process of that driver's, of no application */
    int64_t owner;  /* the driver whose application it is of; 0: a worker runs none */
} RunningExecutor;

typedef struct WorkerInfo {
    RpcBuild build;
    const char *name; /* host and folder: no two live workers share it */
    int32_t pid, cores;
    int64_t memory_bytes;
    int64_t incarnation;
    int64_t last_id; /* the highest id it has ever seen */
    const RunningExecutor *running;
    uint32_t running_count;
} WorkerInfo;

typedef struct WorkerReport {
    int64_t worker, incarnation;
    int64_t number;      /* ascends */
    int64_t orders_seen; /* the highest executor that it was told to start */
    const int64_t *executors;
    uint32_t executor_count;
    const int64_t *applications; /* that it has folders of */
    uint32_t application_count;
} WorkerReport;

typedef struct ExecutorOrder {
    int64_t executor, application; /* or a driver's id */
    RpcAddress driver;
    int32_t cores;
    int64_t memory_bytes;
    WireBytes job; /* of a driver; or empty */
    int64_t owner; /* as above */
} ExecutorOrder;

typedef struct WorkerOrders {
    const ExecutorOrder *start; /* in ascending order of their ids */
    uint32_t start_count;
    const int64_t *stop;
    uint32_t stop_count;
    const int64_t *ended; /* applications whose folders can go */
    uint32_t ended_count;
    bool leave; /* the worker may end */
} WorkerOrders;

typedef struct ApplicationInfo {
    RpcBuild build;
    const char *name;
    RpcAddress driver;
    int32_t executors;             /* wanted; 0: one on each worker */
    int32_t executor_cores;        /* 0: all that are free on a worker */
    int64_t executor_memory_bytes; /* 0: the share of the cores */
    int64_t incarnation;
    int64_t application; /* the id it had before, or 0 */
    int32_t running;     /* executors that it has from then */
    int64_t process;     /* of its driver, which a worker has started; or 0 */
    int64_t caller;      /* not sent: the driver that the one who calls has proved to be; or 0 */
} ApplicationInfo;

/* How far a stage is. */
typedef struct StageLine {
    int64_t stage;
    const char *name;
    int32_t tasks, done, running, failed;
} StageLine;

typedef struct ApplicationNews {
    int32_t executors;   /* that run */
    const char *problem; /* in words: why there are not more; or "" */
    const int64_t *draining;
    uint32_t draining_count; /* to be released by the driver, or stopped after a while */
} ApplicationNews;

enum { EXIT_CODE_NONE = -1 /* it did not end by itself */ };

/* What became of a driver that workers run. */
typedef struct DriverStatus {
    const char *state;
    bool is_over;
    int32_t exit_code;
    const char *reason, *log; /* its last words; "host:path" */
} DriverStatus;

typedef struct MasterCounts {
    int32_t workers, applications, executors; /* alive */
} MasterCounts;

/* --- asking: ST_IO: no answer, or none before the deadline, or the master does not lead; else what
 * it says --- */

MUST_CHECK Status rpc_master_register_worker(RpcPool *pool, RpcAddress master,
                                             const WorkerInfo *info, int64_t deadline_ns,
                                             Error *err, int64_t *worker_out);
/* Answered when there are orders, or after wait_ms. */
MUST_CHECK Status rpc_master_worker_heartbeat(RpcPool *pool, RpcAddress master,
                                              const WorkerReport *report, int32_t wait_ms,
                                              int64_t deadline_ns, Arena *arena, Error *err,
                                              WorkerOrders *orders_out);
MUST_CHECK Status rpc_master_executor_ended(RpcPool *pool, RpcAddress master, int64_t worker,
                                            int64_t incarnation, int64_t executor,
                                            const char *reason, int32_t exit_code,
                                            int64_t deadline_ns, Error *err);
MUST_CHECK Status rpc_master_end_worker(RpcPool *pool, RpcAddress master, int64_t worker,
                                        int64_t incarnation, int64_t deadline_ns, Error *err);
MUST_CHECK Status rpc_master_drain_worker(RpcPool *pool, RpcAddress master, int64_t worker,
                                          int64_t deadline_ns, Error *err);

MUST_CHECK Status rpc_master_register_application(RpcPool *pool, RpcAddress master,
                                                  const ApplicationInfo *info, int64_t deadline_ns,
                                                  Error *err, int64_t *application_out);
/* An error that is not ST_IO: register anew, unless its SQLSTATE is SQLSTATE_KILLED. */
MUST_CHECK Status rpc_master_application_heartbeat(RpcPool *pool, RpcAddress master,
                                                   int64_t application, int64_t incarnation,
                                                   const StageLine *stages, uint32_t stage_count,
                                                   int64_t deadline_ns, Arena *arena, Error *err,
                                                   ApplicationNews *news_out);
/* The driver has given it up, or is done with it: another one may take its place. */
MUST_CHECK Status rpc_master_release_executor(RpcPool *pool, RpcAddress master, int64_t application,
                                              int64_t incarnation, int64_t executor,
                                              const char *reason, int64_t deadline_ns, Error *err);
MUST_CHECK Status rpc_master_end_application(RpcPool *pool, RpcAddress master, int64_t application,
                                             int64_t incarnation, int64_t deadline_ns, Error *err);
/* The same token again is the same driver: after ST_IO, too. */
MUST_CHECK Status rpc_master_submit_driver(RpcPool *pool, RpcAddress master, RpcBuild build,
                                           int64_t token, WireBytes job, WireBytes package,
                                           int64_t deadline_ns, Error *err, int64_t *driver_out);
MUST_CHECK Status rpc_master_fetch_package(RpcPool *pool, RpcAddress master, int64_t driver,
                                           int64_t deadline_ns, Arena *arena, Error *err,
                                           WireBytes *package_out);
MUST_CHECK Status rpc_master_driver_status(RpcPool *pool, RpcAddress master, int64_t driver,
                                           int64_t deadline_ns, Arena *arena, Error *err,
                                           DriverStatus *status_out);
MUST_CHECK Status rpc_master_kill_application(RpcPool *pool, RpcAddress master, int64_t application,
                                              int64_t deadline_ns, Error *err);
MUST_CHECK Status rpc_master_status(RpcPool *pool, RpcAddress master, bool is_json,
                                    int64_t deadline_ns, Arena *arena, Error *err,
                                    const char **text_out);
MUST_CHECK Status rpc_master_counts(RpcPool *pool, RpcAddress master, int64_t deadline_ns,
                                    Error *err, MasterCounts *counts_out);

/* --- answering --- */

/* Called by any number of threads at once; arenas live until the answer is sent. */
typedef struct MasterHandler {
    void *context;
    Status (*register_worker)(void *context, const WorkerInfo *info, Error *err,
                              int64_t *worker_out);
    Status (*worker_heartbeat)(void *context, const WorkerReport *report, int32_t wait_ms,
                               Arena *arena, Error *err, WorkerOrders *orders_out);
    Status (*executor_ended)(void *context, int64_t worker, int64_t incarnation, int64_t executor,
                             const char *reason, int32_t exit_code, Error *err);
    Status (*end_worker)(void *context, int64_t worker, int64_t incarnation, Error *err);
    Status (*drain_worker)(void *context, int64_t worker, Error *err);
    Status (*register_application)(void *context, const ApplicationInfo *info, Error *err,
                                   int64_t *application_out);
    Status (*application_heartbeat)(void *context, int64_t application, int64_t incarnation,
                                    const StageLine *stages, uint32_t stage_count, Arena *arena,
                                    Error *err, ApplicationNews *news_out);
    Status (*release_executor)(void *context, int64_t application, int64_t incarnation,
                               int64_t executor, const char *reason, Error *err);
    Status (*end_application)(void *context, int64_t application, int64_t incarnation, Error *err);
    Status (*submit_driver)(void *context, RpcBuild build, int64_t token, WireBytes job,
                            WireBytes package, Error *err, int64_t *driver_out);
    Status (*fetch_package)(void *context, int64_t driver, Arena *arena, Error *err,
                            WireBytes *package_out);
    Status (*driver_status)(void *context, int64_t driver, Arena *arena, Error *err,
                            DriverStatus *status_out);
    Status (*kill_application)(void *context, int64_t application, Error *err);
    Status (*status)(void *context, bool is_json, Arena *arena, Error *err, const char **text_out);
    Status (*counts)(void *context, Error *err, MasterCounts *counts_out);
} MasterHandler;

/* Until rpc_server_stop; the handler is copied. */
MUST_CHECK Status rpc_master_serve(const RpcEndpoint *endpoint, const MasterHandler *handler,
                                   Error *err, RpcServer **server_out);

#endif
