/*
 * scheduler_internal.h -- the scheduler's records, and what its files offer each other
 *
 *     scheduler.c      time and actions        shared_job.c     rounds of a query in this process
 *     job.c            jobs and pools          stage.c          which stages work, and for whom
 *     task.c           attempts and outcomes   task_queue.c     waiting tasks, by place
 *     executor.c       slots, loss, heartbeat  exclusion.c      executors that fail
 *     block_places.c   outputs and caches      speculation.c    stragglers
 *     scheduler_check.c  the invariants
 *
 * An event changes tasks; changed stages are then brought up to date by sched__settle.
 */
#ifndef VONK_CORE_SCHEDULER_SCHEDULER_INTERNAL_H
#define VONK_CORE_SCHEDULER_SCHEDULER_INTERNAL_H

#include "core/base/list.h"
#include "core/scheduler/scheduler.h"
#include "core/scheduler/slot_table.h"

typedef struct Executor Executor;
typedef struct Stage Stage;
typedef struct Job Job;
typedef struct Attempt Attempt;
typedef struct SharedJob SharedJob;

enum { EXECUTOR_NAME_BYTES = 48, STAGE_EXCLUSIONS_MAX = 8 };

/* --- tasks --- */

typedef enum TaskState {
    TASK_IDLE,    /* nobody wants it now                                */
    TASK_PENDING, /* wanted; in a queue, whether or not its inputs are there */
    TASK_RUNNING, /* one attempt, or two                                */
    TASK_DONE     /* its output is registered; its result is delivered  */
} TaskState;

typedef enum PlaceKind { PLACE_NONE, PLACE_EXECUTOR, PLACE_DURABLE } PlaceKind;

typedef struct Place {
    PlaceKind kind;
    Executor *executor;
    ListNode node; /* of the executor's outputs or caches */
} Place;

typedef struct HostNode {
    struct Task *task;
    ListNode node; /* of TaskQueue.by_host */
} HostNode;

typedef struct Task {
    Stage *stage;
    uint8_t state;
    bool is_counted;     /* a verdict said so: never again                  */
    bool has_hash;       /* an output was made some time                    */
    bool is_consumed;    /* and used: it must not change any more           */
    bool is_speculative; /* wants a second attempt, in stage->speculative   */
    bool is_choosy;      /* as it was put into its queue                    */
    uint8_t attempt_count;
    uint32_t failures; /* its own errors, since it became wanted */
    uint32_t losses;   /* attempts that were lost without its fault */
    uint64_t hash;
    uint64_t fetch_series; /* the last one in which its output could not be fetched */
    ExecutorId avoid;      /* where it failed last */
    Attempt *attempts[2];
    Place output, cache;
    ListNode queue_node;    /* of TaskQueue.plain or .choosy, or stage->speculative */
    ListNode executor_node; /* of TaskQueue.by_executor */
    uint32_t executor_slot;
} Task;

typedef struct Buckets {
    List *lists; /* by executor's slot, or by host */
    uint32_t count;
} Buckets;

/* Waiting tasks. A choosy one prefers places, and is listed at each of them too. */
typedef struct TaskQueue {
    uint32_t count;
    List plain, choosy;
    Buckets by_executor, by_host;
} TaskQueue;

struct Attempt {
    SlotHead head;
    Task *task;
    Executor *executor;
    JobId job; /* whose share of the slots it uses */
    bool is_cancelled;
    bool reads_cache;
    uint32_t stage_attempt;
    uint64_t inputs_version;
    uint64_t launch_number;
    uint64_t beat; /* the last heartbeat that named it */
    int64_t launched_ms, sent_ms;
    uint32_t turns; /* of its executor's slots until it ends, its own included */
    ListNode executor_node, stage_node;
    ListNode action_node; /* of scheduler->cancels or ->relaunches */
    ListNode cancel_node; /* of scheduler->cancelling, since cancelled_ms */
    int64_t cancelled_ms;
};

/* --- stages --- */

typedef struct StageEdge {
    Stage *child, *parent;
    const PartitionRange *ranges; /* NULL: all */
    ListNode node;                /* of parent->children, while the child wants inputs */
} StageEdge;

/* A job works on a stage, directly or for another stage. */
typedef struct StageJob {
    SlotHead head;
    Stage *stage;
    Job *job;
    bool is_target;
    ListNode stage_node, job_node, ready_node;
} StageJob;

typedef struct StageExclusion {
    ExecutorId executor;
    uint32_t failures;
    int64_t until_ms; /* 0: it failed, and is not excluded yet */
} StageExclusion;

enum { DURATION_BUCKETS = 160 };

struct Stage {
    SlotHead head;
    Arena *arena;
    const char *name;
    void *context;
    bool is_result;
    bool is_linked;   /* it wants inputs: its edges are among its parents' children */
    bool is_released; /* on the list of RELEASE_STAGE */
    bool is_consumed; /* some task of another stage used all outputs */
    bool jobs_changed;
    bool needs_changed; /* more of its tasks want inputs */
    bool was_targeted;
    bool is_ready;   /* its StageJobs are in their jobs' ready lists */
    uint64_t number; /* of creation; lower stages go first */
    uint32_t references;
    uint32_t task_count, edge_count;
    Task *tasks;
    StageEdge *edges;
    const uint32_t *host_offsets, *hosts;
    HostNode *host_nodes;
    uint32_t missing;        /* tasks PENDING or RUNNING         */
    uint32_t missing_inputs; /* of these, those without a cached input */
    uint32_t running_tasks;
    uint32_t done_count;
    uint32_t attempt_count; /* of all tasks, cancelled ones included */
    uint32_t waits_for;     /* edges (when linked) whose parent misses outputs */
    uint64_t outputs_version;
    TaskQueue cached, plain; /* plain: may run when waits_for == 0 */
    List speculative;
    List running; /* attempts, the oldest first */
    List children, jobs;
    uint32_t target_count;
    int64_t preferred_ms; /* when it last launched where it prefers to */
    uint32_t stage_attempt, fetch_failures;
    uint64_t fetch_series; /* of failures without progress in between: its number */
    ExecutorId fetch_failed_at;
    uint32_t doomed; /* the lowest partition that has failed for good; UINT32_MAX: none  */
    uint32_t sound;  /* those below it have been made, or are not wanted, up to this one */
    Error *doom;     /* what it failed with                                              */
    uint32_t exclusion_count;
    StageExclusion exclusions[STAGE_EXCLUSIONS_MAX];
    int64_t turn_us;     /* how long an attempt takes, the last ones above all; -1: not known  */
    uint32_t *durations; /* how many tasks took so long, see speculation.c */
    uint64_t mark;
    ListNode dirty_node, walk_node, release_node, speculation_node;
};

/* --- jobs --- */

struct Job {
    SlotHead head;
    Arena *arena; /* NULL until needed */
    JobState state;
    bool is_reported; /* END_JOB was given out */
    uint64_t number, tried;
    int64_t submitted_ms;
    uint32_t pool;
    uint32_t running; /* attempts, for the share */
    uint64_t group;
    uint32_t tag_count;
    uint64_t *tags;
    void *context;
    Error *error;
    Stage *stage;
    SharedJob *shared; /* or NULL */
    List nodes, ready; /* ready: StageJobs with something to launch, lower stages first */
    ListNode pool_node, all_node, action_node;
};

typedef struct Pool {
    PoolOrder order;
    uint32_t weight, min_share, running;
    uint64_t tried;
    List ready; /* jobs with something to launch, the oldest first */
} Pool;

/* --- executors --- */

typedef enum ExecutorState { EXECUTOR_ALIVE, EXECUTOR_DRAINING, EXECUTOR_LOST } ExecutorState;

struct Executor {
    SlotHead head;
    char name[EXECUTOR_NAME_BYTES];
    ExecutorState state;
    bool is_drain_reported;
    uint32_t host;
    uint32_t slots;            /* that run side by side */
    uint32_t room, free_slots; /* slots, and what may wait; what of it is free */
    uint32_t strikes;
    int64_t excluded_until_ms; /* 0: it is not */
    int64_t heard_ms;
    const char *gone_reason; /* it is in scheduler->gone */
    uint64_t launch_count;
    uint64_t beat;
    List attempts, outputs, caches;
    ListNode offer_node; /* of scheduler->offers, ->ahead or ->idle */
    List *offered_in;    /* which of them; NULL: none */
    ListNode heard_node, excluded_node, action_node;
};

typedef struct Host {
    uint32_t executor_count; /* alive */
} Host;

struct Scheduler {
    Arena *arena;
    SchedulerConfig config;
    int64_t now_ms;
    int64_t wake_ms;        /* an idle executor may take something then */
    int64_t speculation_ms; /* when stragglers are looked for next      */
    int64_t starving_ms;    /* since when there is no executor          */
    SlotTable jobs, stages, attempts, executors, stage_jobs;
    uint64_t stage_number, job_number, pass, mark, fetch_series;
    List all_jobs;
    List shared; /* running shared jobs, by action_node */
    Pool pools[POOLS_MAX];
    uint32_t pool_count;
    List offers; /* executors with a free slot that nothing is known against */
    List ahead;  /* with none, but with room for tasks that wait             */
    List idle;   /* with a slot or room for which there was nothing          */
    List heard;  /* executors alive, the longest silent first                */
    List excluded;
    List speculating;      /* stages with running attempts */
    uint32_t usable_count; /* executors that may be given tasks */
    Host *hosts;
    uint32_t host_count;
    List dirty, released, cancels, relaunches, ended, drained, gone;
    List cancelling; /* attempts that have not ended yet, those cancelled first in front */
};

/* --- stage.c --- */

void sched__settle(Scheduler *scheduler);
void sched__touch(Scheduler *scheduler, Stage *stage);
Stage *sched__stage(const Scheduler *scheduler, StageId id);
StageId sched__stage_id(const Stage *stage);
bool sched__is_demanded(const Stage *stage);

/* A task that was not missing is wanted, or is not any more. */
void sched__task_wanted(Scheduler *scheduler, Task *task);
void sched__task_done(Scheduler *scheduler, Task *task, TaskState state);

/* The task has failed for good. Jobs get the error once no lower partition can have another: what
 * is reported does not depend on which failed first. */
void sched__doom(Scheduler *scheduler, const Task *task, const Error *err);

/* Fails all jobs that need the stage now. */
void sched__fail_stage(Scheduler *scheduler, Stage *stage, const Error *err);
void sched__attach_target(Scheduler *scheduler, Job *job, Stage *stage, PartitionRange range);
void sched__detach_job(Scheduler *scheduler, Job *job);
void sched__drop_reference(Scheduler *scheduler, Stage *stage);
void sched__check_release(Scheduler *scheduler, Stage *stage);
void sched__release(Scheduler *scheduler, Stage *stage, SchedulerAction *action);
void sched__update_ready(Scheduler *scheduler, Stage *stage);

/* --- job.c --- */

void sched__job_end(Scheduler *scheduler, Job *job, JobState state, const Error *err);
void sched__job_ready(Scheduler *scheduler, StageJob *node, bool is_ready);
Task *sched__choose(Scheduler *scheduler, const Executor *executor, Job **job_out);
void sched__job_charge(Scheduler *scheduler, JobId job, int change);

/* --- task.c --- */

void sched__launch(Scheduler *scheduler, Task *task, Executor *executor, Job *job,
                   SchedulerAction *action);
void sched__launch_action(const Scheduler *scheduler, Attempt *attempt, SchedulerAction *action);
void sched__cancel_attempts(Scheduler *scheduler, Task *task);

/* The attempt is over; its task, when it counted, becomes pending unless another attempt runs. */
void sched__attempt_over(Scheduler *scheduler, Attempt *attempt);

/* As above, without the task's fault. why: for the error after losses_max of them. */
void sched__attempt_lost(Scheduler *scheduler, Attempt *attempt, const char *why);

/* As above: it, or another one that ran there, has ended its executor. */
void sched__attempt_crashed(Scheduler *scheduler, Attempt *attempt, const char *why);

/* --- task_queue.c --- */

void sched__enqueue(Scheduler *scheduler, Task *task);
void sched__dequeue(Task *task);
void sched__speculate_on(Scheduler *scheduler, Task *task);
void sched__no_speculation(Task *task);
bool sched__has_launchable(const Stage *stage);
Task *sched__pick(Scheduler *scheduler, Stage *stage, const Executor *executor);

/* --- executor.c --- */

Executor *sched__executor(const Scheduler *scheduler, ExecutorId id);
ExecutorId sched__executor_id(const Executor *executor);
bool sched__is_usable(const Executor *executor);
void sched__offer(Scheduler *scheduler, Executor *executor);
void sched__unoffer(Executor *executor);
/* There was nothing for it. */
void sched__set_idle(Scheduler *scheduler, Executor *executor);
/* Whether a task would run there at once. */
bool sched__has_slot(const Executor *executor);
void sched__wake_idle(Scheduler *scheduler);
void sched__slot_freed(Scheduler *scheduler, Executor *executor);
void sched__executor_tick(Scheduler *scheduler);
void sched__executor_forget(Scheduler *scheduler, Executor *executor);
void sched__executor_heard(Scheduler *scheduler, Executor *executor);

/* --- exclusion.c --- */

void sched__exclusion_failed(Scheduler *scheduler, Task *task, const Executor *executor);
void sched__exclusion_succeeded(Scheduler *scheduler, Task *task, const Executor *executor);
void sched__exclusion_tick(Scheduler *scheduler);
void sched__exclusion_balance(Scheduler *scheduler);
void sched__exclusion_end(Scheduler *scheduler, Executor *executor);

/* May the stage use the executor; if only for a time, sees to waking. */
bool sched__stage_allows(Scheduler *scheduler, const Stage *stage, const Executor *executor);
bool sched__task_allows(const Scheduler *scheduler, const Task *task, const Executor *executor);

/* --- block_places.c --- */

void sched__output_drop(Scheduler *scheduler, Task *task);

/* The caller then forgets the executor. */
void sched__outputs_drop_all(Scheduler *scheduler, Executor *executor);
void sched__cache_drop(Scheduler *scheduler, Task *task);

/* --- speculation.c --- */

void sched__turn_seen(Stage *stage, const Attempt *attempt, int64_t now_ms);
void sched__duration_seen(Scheduler *scheduler, Stage *stage, int64_t duration_ms);
void sched__speculation_tick(Scheduler *scheduler);

/* --- shared_job.c --- */

SharedJob *sched__shared_new(Arena *arena, uint32_t stage_count, const SharedStage *stages);
bool sched__shared_next(Scheduler *scheduler, Job *job, SchedulerAction *action);

#endif
