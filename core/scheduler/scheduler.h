/*
 * scheduler.h -- which task of which job runs where and when: events in, actions out
 *
 *     scheduler_new -> { scheduler_next -> do what it says -> tell what came of it } ...
 *
 * A pure state machine: no thread, no clock, no socket; the same events give the same actions.
 * Whoever drives it (threads in exec/worker.c, a cluster's driver) asks for the next action
 * whenever it can carry one out, and reports what happens. No queue of actions exists: an action
 * is decided on when it is asked for, so asking more slowly is all that back-pressure takes.
 *
 * Two kinds of job:
 *   shared       a query inside this process. Its tasks share state (a counter of splits, sinks), a
 *                stage runs in rounds whose task counts the backend tells; nothing is restartable.
 *   partitioned  a task is one partition of one stage, and may be run again anywhere. A map stage
 *                keeps the output of each partition where it ran, for later stages to fetch; a
 *                result stage delivers each partition to the driver, once.
 *
 *     action            the backend ...                                     and then calls
 *     BEGIN_ROUND       finds out how many tasks the stage's round has      scheduler_round_begun
 *     LAUNCH_SHARED     runs the task                                       scheduler_shared_ended
 *     FINISH_STAGE      lets go of what the stage used                      (nothing)
 *     LAUNCH_TASK       sends the attempt to its executor                   one of scheduler_task_*
 *     CANCEL_TASK       tells its executor to stop it                       one of scheduler_task_*
 *     EXECUTOR_DRAINED  may stop the executor: nothing runs on it           scheduler_executor_lost
 *     EXECUTOR_GONE     cuts the executor off: it was silent for too long   (nothing)
 *     RELEASE_STAGE     drops the stage's outputs: nobody can need them     (nothing)
 *     END_JOB           reports the job's end, then scheduler_job_release
 *     NONE              waits for an event, or until scheduler_wake_ms
 *
 * Messages between driver and executors may be late, lost, repeated and out of order. What
 * that takes is in docs/scheduler.md, with the invariants (numbered S1, S2, ...) and the states.
 *
 * Thread: one call at a time.
 */
#ifndef VONK_CORE_SCHEDULER_SCHEDULER_H
#define VONK_CORE_SCHEDULER_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"

typedef struct Scheduler Scheduler;

/* Handles; 0 is none. A handle whose object is gone is known as such for ever. */
typedef uint64_t JobId;
typedef uint64_t StageId;
typedef uint64_t AttemptId;
typedef uint64_t ExecutorId; /* one life of one process: who comes back is somebody else */

enum { DURABLE = 0 }; /* as an ExecutorId: a place that outlives all executors (a checkpoint) */

typedef struct SchedulerConfig {
    uint32_t attempts_max;         /* a task's own errors until its jobs fail                     */
    uint32_t stage_attempts_max;   /* fetch failures in a row of one output, without progress in
                                    * between                                                     */
    uint32_t losses_max;           /* executors that a task may outlive: what kills each one that
                                  * it runs on must end some time                               */
    int64_t locality_wait_ms;      /* how long a stage holds out for the places that it prefers   */
    int64_t launch_timeout_ms;     /* a launch that no heartbeat knows of is then sent again      */
    int64_t executor_timeout_ms;   /* of silence until an executor is given up; 0: never          */
    int64_t cancel_timeout_ms;     /* as long may an attempt go on that was cancelled, else its
                                    * executor is given up; 0: for ever                           */
    bool blocks_outlive_executors; /* one given up for its silence may still serve its blocks   */
    int64_t no_executor_timeout_ms; /* jobs fail when there is none for so long; 0: they wait   */

    uint32_t stage_failures_max; /* of a stage on one executor, until the stage avoids it       */
    uint32_t strikes_max;        /* tasks that failed there and succeeded elsewhere, until all
                                  * stages avoid it                                             */
    int64_t exclude_ms;          /* for how long */

    bool speculates;
    uint32_t speculation_quantile_percent; /* of a stage's tasks that are done first */
    uint32_t speculation_slower_percent;   /* of the median run time                 */
    int64_t speculation_min_ms;
} SchedulerConfig;

SchedulerConfig scheduler_config_default(void);

/* Lives in the arena, with children of it for jobs and stages. */
Scheduler *scheduler_new(Arena *arena, const SchedulerConfig *config);

/* --- actions --- */

typedef enum SchedulerActionKind {
    ACTION_NONE,
    ACTION_BEGIN_ROUND,
    ACTION_LAUNCH_SHARED,
    ACTION_FINISH_STAGE,
    ACTION_LAUNCH_TASK,
    ACTION_CANCEL_TASK,
    ACTION_EXECUTOR_DRAINED,
    ACTION_EXECUTOR_GONE,
    ACTION_RELEASE_STAGE,
    ACTION_END_JOB
} SchedulerActionKind;

typedef struct SharedTask {
    uint32_t stage; /* of the job's stages      */
    uint32_t round; /* of the stage, from 0 on  */
    uint32_t task;  /* of the round, from 0 on  */
} SharedTask;

typedef struct SchedulerAction {
    SchedulerActionKind kind;
    JobId job;         /* END_JOB, and the three of shared jobs                                 */
    SharedTask shared; /* BEGIN_ROUND, FINISH_STAGE: stage and round only                       */
    StageId stage;     /* LAUNCH_TASK, CANCEL_TASK, RELEASE_STAGE                               */
    uint32_t partition;
    AttemptId attempt;      /* LAUNCH_TASK, CANCEL_TASK */
    ExecutorId executor;    /* these, and EXECUTOR_*    */
    uint64_t launch_number; /* LAUNCH_TASK, CANCEL_TASK: counts up an executor's launches; see
                             * scheduler_heartbeat */
    bool reads_cache;       /* LAUNCH_TASK: its cached input is at cached_at, it needs no parent */
    ExecutorId cached_at;
    const char *reason; /* EXECUTOR_GONE */
    void *context;      /* the stage's; END_JOB: the job's */
} SchedulerAction;

SchedulerAction scheduler_next(Scheduler *scheduler);

/* Time passes: milliseconds of any clock. An earlier time than the last one counts as no time. */
void scheduler_tick(Scheduler *scheduler, int64_t now_ms);

/* When scheduler_tick may have an effect; INT64_MAX: never. */
int64_t scheduler_wake_ms(const Scheduler *scheduler);

/* --- jobs --- */

typedef enum JobState { JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED } JobState;

typedef struct SharedStage {
    uint32_t depend_count;
    const uint32_t *depends; /* lower stage numbers only */
} SharedStage;

/* Copies. Its stages run side by side once those they depend on are finished, the lowest first;
 * a task that fails fails the job. END_JOB comes when nothing of it runs any more. */
JobId scheduler_submit_shared(Scheduler *scheduler, uint32_t stage_count,
                              const SharedStage *stages);

/* task_count 0: the stage is done. With succeeded false the job fails. */
void scheduler_round_begun(Scheduler *scheduler, JobId job, uint32_t stage, bool succeeded,
                           uint32_t task_count);
void scheduler_shared_ended(Scheduler *scheduler, JobId job, SharedTask task, bool succeeded);

typedef enum PoolOrder { POOL_FIFO, POOL_FAIR } PoolOrder; /* among the jobs of one pool */

enum { POOLS_MAX = 64, DEFAULT_POOL = 0 /* FIFO, weight 1 */ };

/* Pools share the slots by weight once each has its min_share. Returns the pool's number. */
uint32_t scheduler_add_pool(Scheduler *scheduler, PoolOrder order, uint32_t weight,
                            uint32_t min_share);

typedef struct PartitionRange {
    uint32_t first, count;
} PartitionRange;

typedef struct JobSpec {
    StageId stage;
    PartitionRange range; /* of its partitions: what is wanted; count 0: all */
    uint32_t pool;
    uint64_t group; /* for scheduler_cancel_group; 0: none */
    uint32_t tag_count;
    const uint64_t *tags;
    void *context; /* the caller's: in END_JOB */
} JobSpec;

/* Partitions of the stage are wanted: results, or a map stage's outputs. Copies; holds the stage
 * until its end. A result stage serves one job only. END_JOB comes as soon as the outcome is
 * known, with attempts perhaps still to be cancelled: RELEASE_STAGE tells when the last is gone. */
JobId scheduler_submit(Scheduler *scheduler, const JobSpec *spec);

void scheduler_cancel(Scheduler *scheduler, JobId job); /* no effect when it has ended */
void scheduler_cancel_group(Scheduler *scheduler, uint64_t group);
void scheduler_cancel_tag(Scheduler *scheduler, uint64_t tag);

/* Until scheduler_job_release. The error names the cause; NULL unless the job has failed, and for
 * shared jobs, whose backend knows it. */
JobState scheduler_job_state(const Scheduler *scheduler, JobId job);
const Error *scheduler_job_error(const Scheduler *scheduler, JobId job);

/* After END_JOB. */
void scheduler_job_release(Scheduler *scheduler, JobId job);

/* --- stages of partitioned jobs --- */

typedef struct StageParent {
    StageId stage;                /* a map stage                                                */
    const PartitionRange *ranges; /* a task each: which outputs it fetches; NULL: all           */
} StageParent;

typedef struct StageSpec {
    const char *name; /* for messages */
    bool is_result;
    uint32_t partition_count;
    uint32_t parent_count;
    const StageParent *parents;
    /* Hosts that hold a partition's input: those of partition p are
     * hosts[host_offsets[p]] to hosts[host_offsets[p + 1] - 1]. NULL: none. */
    const uint32_t *host_offsets;
    const uint32_t *hosts;
    void *context; /* the caller's: in actions on the stage */
} StageSpec;

/* Copies. Returns a reference; a stage holds its parents. Stages may serve many jobs: what is
 * there already is not run again. */
StageId scheduler_add_stage(Scheduler *scheduler, const StageSpec *spec);
void scheduler_stage_unref(Scheduler *scheduler, StageId stage);

/* A map output that the scheduler did not see being made; DURABLE: in a checkpoint. */
void scheduler_output_exists(Scheduler *scheduler, StageId stage, uint32_t partition,
                             ExecutorId executor, uint64_t hash);

/* The output is no longer there. Other places are out of date, and change nothing. */
void scheduler_output_lost(Scheduler *scheduler, StageId stage, uint32_t partition,
                           ExecutorId executor);

/* Where to fetch it; false: not available now. */
bool scheduler_output_place(const Scheduler *scheduler, StageId stage, uint32_t partition,
                            ExecutorId *executor_out, uint64_t *hash_out);

/* The task's input is cached at the executor: run there, or with a look there, it needs no parent.
 * Executors' caches go with them. */
void scheduler_cached(Scheduler *scheduler, StageId stage, uint32_t partition, ExecutorId executor);
void scheduler_uncached(Scheduler *scheduler, StageId stage, uint32_t partition);

/* --- what becomes of attempts --- */

/* False: it was answered for, or its executor is lost. */
bool scheduler_attempt_is_known(const Scheduler *scheduler, AttemptId attempt);

typedef enum TaskVerdict {
    VERDICT_REFUSED,  /* superseded, cancelled, repeated, unknown: as if it had not been       */
    VERDICT_ACCEPTED, /* a recomputed output: in use; its accumulators were counted before     */
    VERDICT_COUNTS    /* deliver its result, count its accumulators                            */
} TaskVerdict;

/* output_hash: of all that the attempt made. A recomputed output with another one fails the jobs
 * when the first was used, since what used it may not fit any more. */
TaskVerdict scheduler_task_succeeded(Scheduler *scheduler, AttemptId attempt, uint64_t output_hash);

typedef enum TaskFailure {
    TASK_FAILED_RETRY, /* the task's own error, which another attempt may not meet             */
    TASK_FAILED,       /* an error that every attempt would meet (a bad value): fails the jobs */
    TASK_KILLED,       /* it was stopped, or refused: not its fault                            */
    TASK_SET_BACK      /* what it reads was not there, and is not registered any more. Counts
                        * against nothing: who says so sees to it that there is an end       */
} TaskFailure;

/* err: what it said. No effect when the attempt is not known any more. */
void scheduler_task_failed(Scheduler *scheduler, AttemptId attempt, TaskFailure failure,
                           const Error *err);

typedef struct FetchFailure {
    StageId stage; /* whose output it could not have; its own stage: the cached input */
    uint32_t partition;
    ExecutorId executor; /* where it looked                                            */
    bool is_corrupt;     /* somebody answered: just that output is damaged or missing  */
} FetchFailure;

/* As above. True: the attempt was known, and its inputs are seen to. */
bool scheduler_fetch_failed(Scheduler *scheduler, AttemptId attempt, const FetchFailure *failure,
                            const Error *err);

/* --- executors --- */

typedef struct ExecutorSpec {
    const char *name; /* for messages; copied, up to 47 bytes */
    uint32_t host;    /* a small number, the same for the same machine */
    uint32_t slots;   /* tasks that run side by side */
    uint32_t ahead;   /* and so many may wait there, of stages whose tasks are short, so that one
                       * message brings many; 0: none */
} ExecutorSpec;

ExecutorId scheduler_executor_added(Scheduler *scheduler, const ExecutorSpec *spec);

typedef enum BlockFate { BLOCKS_LOST, BLOCKS_KEPT /* somebody else serves them */ } BlockFate;

/* Its attempts are lost, which is not their failure; so are its cached partitions. Blocks of one
 * that was lost before may get lost later. reason: for messages. */
void scheduler_executor_lost(Scheduler *scheduler, ExecutorId executor, BlockFate fate,
                             const char *reason);

/* As above, of one that has ended itself: the attempt that did it has failed; 0, or one that is not
 * there: all that it was at work on, as nobody knows. Who crashes each executor ends its job with
 * an error; what waited for its turn there is not to blame. */
void scheduler_executor_crashed(Scheduler *scheduler, ExecutorId executor, BlockFate fate,
                                AttemptId blamed, const char *reason);
void scheduler_host_lost(Scheduler *scheduler, uint32_t host, const char *reason);

/* It gets nothing new; EXECUTOR_DRAINED follows. */
void scheduler_executor_drain(Scheduler *scheduler, ExecutorId executor);

/*
 * What the executor is busy with: attempts that run, and those whose report nobody acknowledged.
 * An executor takes launches in ascending order of launch_number and refuses what is not higher
 * than launches_taken, its highest; a CANCEL_TASK's number counts as taken too. So a launch that
 * it has not got is lost (not higher), or still on its way (higher: sent again after
 * launch_timeout_ms). Fills unwanted_out (attempt_count long) with those it should stop; returns
 * their number. False in *is_known_out: it was given up, and must come anew.
 */
uint32_t scheduler_heartbeat(Scheduler *scheduler, ExecutorId executor, uint64_t launches_taken,
                             const AttemptId *attempts, uint32_t attempt_count,
                             AttemptId *unwanted_out, bool *is_known_out);

/* --- for status pages and tests --- */

typedef struct SchedulerCounts {
    uint32_t jobs, stages, attempts, executors; /* records held, ended ones included */
    uint32_t slots, free_slots;                 /* of executors that are alive       */
} SchedulerCounts;

SchedulerCounts scheduler_counts(const Scheduler *scheduler);

typedef struct StageProgress {
    uint32_t partitions, done, running, waiting; /* waiting: for a slot or for inputs */
    uint32_t attempt;                            /* fetch failures have restarted it so often */
} StageProgress;

StageProgress scheduler_stage_progress(const Scheduler *scheduler, StageId stage);

/* CHECKs every invariant of docs/scheduler.md that the state alone can show. Slow. */
void scheduler_check(const Scheduler *scheduler);

#endif
