/* master_state_internal.h -- the state behind master_state.h, for the files master_*.c */
#ifndef VONK_CLUSTER_MASTER_STATE_INTERNAL_H
#define VONK_CLUSTER_MASTER_STATE_INTERNAL_H

#include "cluster/driver_job.h"
#include "cluster/master_state.h"
#include "core/base/invariant.h"

enum {
    STAGE_LINES_MAX = 16,
    STAGE_NAME_BYTES = 64,
    HOST_BYTES = 256,
    PAST_MAX = 256,        /* of what has ended: so many are remembered */
    DRIVERS_OVER_MAX = 64, /* and so many drivers */
    WORKER_DRIVERS_MAX = 32
};

/* All arrays are dense; executors are in ascending order of their ids. */

typedef struct MasterWorker {
    int64_t id, incarnation;
    char name[MASTER_NAME_BYTES];
    int32_t pid, cores;
    int64_t memory_bytes;
    int32_t used_cores; /* by executors that are recorded, in any state */
    int64_t used_memory_bytes;
    uint32_t executor_count;
    int64_t registered_ns, heard_ns;
    bool is_draining, has_news;
    int64_t last_number; /* of its reports */
    bool has_strangers;  /* may run what is not recorded: it gets nothing until that is gone */
    int64_t drain_until_ns;
} MasterWorker;

typedef enum ExecutorState {
    EXECUTOR_ORDERED, /* its worker has not said yet that it runs */
    EXECUTOR_RUNNING,
    EXECUTOR_STOPPING, /* until its worker has it no more; counts for nobody but its cores */
} ExecutorState;

typedef struct MasterExecutor {
    int64_t id, application, worker;
    int64_t driver; /* not 0: it is that driver's process, of no application, without cores */
    ExecutorState state;
    int32_t cores;
    int64_t memory_bytes;
    int64_t started_ns;
    bool makes_room; /* stopped for an application that has fewer */
} MasterExecutor;

typedef enum ApplicationState {
    APPLICATION_AWAITED, /* known from its executors only */
    APPLICATION_ALIVE,
    APPLICATION_KILLED, /* its driver may not know yet */
} ApplicationState;

typedef struct NamedStage {
    StageLine line; /* its name is the one below */
    char name[STAGE_NAME_BYTES];
} NamedStage;

typedef struct MasterApplication {
    int64_t id, incarnation;
    int64_t process; /* of its driver, which a worker has started; or 0 */
    int64_t owner;   /* that driver */
    ApplicationState state;
    char name[MASTER_NAME_BYTES], host[HOST_BYTES];
    uint16_t port;
    int32_t wanted, cores;
    int64_t memory_bytes;
    uint32_t executor_count; /* ordered or running */
    int32_t used_cores;      /* of those */
    int64_t registered_ns, heard_ns;
    int32_t returning; /* executors of another master's that its workers may bring until then */
    int64_t return_until_ns;
    int64_t doubted_ns; /* an executor has ended as if there were no driver: is it there still? */
    /* executors that ended soon after their start, one after the other */
    uint32_t quick_ends;
    int64_t quick_end_ns, pause_until_ns, shunned_worker;
    char problem[MASTER_REASON_BYTES]; /* why that is so; or "" */
    char waits[MASTER_REASON_BYTES];   /* why there are not more executors; or "" */
    uint32_t stage_count;
    NamedStage stages[STAGE_LINES_MAX];
} MasterApplication;

typedef enum DriverState {
    DRIVER_AWAITED, /* from a master before: its worker may bring it */
    DRIVER_WAITING,
    DRIVER_STARTED,
    DRIVER_FINISHED,
    DRIVER_FAILED,
    DRIVER_KILLED,
} DriverState;

typedef struct MasterDriver {
    int64_t id, token;
    Arena *arena, *package_arena; /* the package is needed until it is over */
    WireBytes job, package;
    char name[MASTER_NAME_BYTES];
    bool is_supervised;
    DriverState state;
    int64_t process;                /* an executor's id; 0: none */
    char worker[MASTER_NAME_BYTES]; /* where it runs, or ran */
    int32_t exit_code;
    char reason[MASTER_REASON_BYTES]; /* of its last end */
    uint32_t restarts, quick_ends;
    int64_t submitted_ns, pause_until_ns, shunned_worker;
    uint64_t version, kept_version; /* kept_version 0: nowhere yet */
} MasterDriver;

typedef enum PastKind { PAST_WORKER, PAST_APPLICATION, PAST_EXECUTOR, PAST_PROCESS } PastKind;

typedef struct MasterPast {
    PastKind kind;
    int64_t id, incarnation, of; /* of: an executor's application, a process's driver */
    bool is_killed;
    int64_t ended_ns;
    char name[MASTER_NAME_BYTES], reason[MASTER_REASON_BYTES];
} MasterPast;

struct MasterState {
    Arena *arena;
    MasterConfig config;
    int64_t started_ns, next_id;
    uint32_t worker_count, application_count, executor_count;
    MasterWorker *workers;
    MasterApplication *applications;
    MasterExecutor *executors;
    uint32_t driver_count, forgotten_count;
    MasterDriver *drivers;
    int64_t *forgotten;       /* drivers that were kept */
    char address[HOST_BYTES]; /* "": the only master */
    uint32_t standby_count;
    char standbys[MASTER_STANDBYS_MAX][HOST_BYTES];
    uint64_t past_count; /* ever; the last PAST_MAX of them are there */
    MasterPast *past;
};

MasterWorker *master__worker(const MasterState *state, int64_t id);
MasterApplication *master__application(const MasterState *state, int64_t id);
MasterExecutor *master__executor(const MasterState *state, int64_t id);

/* Orders executors where there is room and somebody wants them. */
void master__place(MasterState *state, int64_t now_ns);

/* The worker is told to stop it; its cores are free when it is gone. */
void master__stop_executor(MasterState *state, MasterExecutor *executor);

MasterPast *master__remember(MasterState *state, PastKind kind, int64_t id, const char *name,
                             const char *reason, int64_t now_ns);
const MasterPast *master__past(const MasterState *state, PastKind kind, int64_t id);

/* The application, or a new one that only its executors tell of; NULL: there are too many. */
MasterApplication *master__await_application(MasterState *state, int64_t id, int64_t owner,
                                             int64_t now_ns);
void master__end_silent_applications(MasterState *state, int64_t now_ns);

/* Of that process of the driver; and of the driver, whichever process's, those that only executors
 * tell of. */
void master__end_applications_of(MasterState *state, int64_t process, int64_t driver,
                                 const char *reason, int64_t now_ns);

MasterDriver *master__driver(const MasterState *state, int64_t id);
void master__driver_ended(MasterState *state, const MasterExecutor *process, const char *reason,
                          int32_t exit_code, int64_t now_ns);
bool master__kill_driver(MasterState *state, int64_t id, int64_t now_ns);
bool master__adopt_driver(MasterState *state, int64_t id, int64_t process, const char *worker);
/* The worker has come, and all that it runs is known: what else was there is gone. */
void master__end_drivers_of(MasterState *state, const char *worker, int64_t now_ns);
void master__place_drivers(MasterState *state, int64_t now_ns);
const char *master__driver_state_name(const MasterDriver *driver);
const char *master__driver_log(const MasterDriver *driver, Arena *arena);
void master__check_drivers(const MasterState *state);

/* ST_NOT_SUPPORTED when it is not this master's. who: "worker". */
MUST_CHECK Status master__check_build(const MasterState *state, const RpcBuild *build,
                                      const char *who, Error *err);

/* A copy that fits, with '?' for each byte that is not of something printable in UTF-8. */
void master__copy_text(char *to, size_t bytes, const char *text);

#endif
