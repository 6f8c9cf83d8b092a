/* driver_internal.h -- what driver.c and rdd_job.c share */
#ifndef VONK_CORE_RDD_DRIVER_INTERNAL_H
#define VONK_CORE_RDD_DRIVER_INTERNAL_H

#include <pthread.h>

#include "core/base/list.h"
#include "core/rdd/block_reader.h"
#include "core/rdd/driver.h"
#include "core/rdd/rdd_job.h"

typedef struct KeptOutput {
    Arena *arena; /* its own: it ends with unpersist */
    int64_t keep_id;
    BlockOutput *output;
    bool *has_counted;   /* by partition: its accumulators are in */
    ExecutorId *copiers; /* by partition: who was told to make a second copy; 0: nobody is at it */
    ListNode node;
} KeptOutput;

struct Driver {
    pthread_mutex_t lock;   /* of all that follows, and of all jobs */
    pthread_cond_t changed; /* a job has ended, or a stage was released */
    Arena *arena;
    Scheduler *scheduler;
    BlockStore *store;
    TaskBackend *backend;
    JobObserver observer;
    EventLog *events;
    int64_t job_count, stage_count; /* so far: their numbers in the log */
    List stages;                    /* JobStages that are not released */
    List kept;
    Error shut; /* its status is ST_OK: it is not */
};

struct JobStage {
    Job *job;
    const Fragment *fragment;
    bool is_needed;        /* for the result, as it seemed at the beginning                    */
    bool waits;            /* for what it reads to be made (adaptive.h)                        */
    JoinTurn *turn;        /* it waits for what its reader's join builds on; NULL: no more */
    bool is_known;         /* its tasks are                                                    */
    bool is_added;         /* the scheduler has it: what follows is set                        */
    bool is_made;          /* all of its partitions were there once                            */
    bool is_wanted;        /* by the job itself, as `target`                                   */
    JobId target;          /* for as long                                                      */
    uint32_t readers_left; /* fragments that read it, and are no stages yet                    */
    const char *change;    /* what its producers' sizes made of it, in words; NULL: nothing    */
    uint64_t *sizes;       /* [map * reduce_count + reduce], bytes; NULL: nobody wants to know */
    const Fragment *wired; /* the same, through bytes; NULL: tasks run the fragment itself */
    const char *name;
    StageId id;
    int64_t number;        /* in the event log */
    int64_t target_number; /* of the target, there */
    int64_t target_began_ms;
    StageWork work;
    BlockOutput *output;
    WireBytes plan;     /* for executors elsewhere */
    Arena *range_arena; /* of what follows */
    WireBytes *samples; /* by partition, once it was made; NULL: nobody wants them */
    WireBytes ranges;   /* where its rows go, for executors elsewhere */
    int64_t keep_id;    /* 0: nobody else reads the output */
    uint32_t *launches; /* by partition: attempts so far   */
    LedgerEntry *ledger;
    const PartitionRange **takes; /* by source: fragment_takes                               */
    uint32_t *reads_left;         /* by partition: tasks of the job that have yet to take it */
    bool *is_let_go;              /* by partition: dropped when there were none left         */
    uint32_t *misses;             /* by partition: how often it was kept, and gone all the same */
    StageReport report;
    bool is_released;
    ListNode node; /* of driver->stages */
};

struct Job {
    Arena *arena;
    JobRequest request;
    Driver *driver;
    FragmentSet fragments;
    uint32_t stage_count; /* that the scheduler has: JobStage.is_added */
    JobStage *stages;     /* one a fragment */
    StageReport *reports;
    struct WireHere *here; /* for stages that are wired; NULL: none is */
    uint32_t wanted_count; /* stages with a target */
    Error error;           /* of the first target that failed */

    /* reading the result */
    BlockReader reader;
    uint32_t row;               /* of the block */
    uint32_t ready_end;         /* partitions before this one have been made        */
    uint32_t let_go;            /* those before this one have been read, and let go */
    uint32_t stream_partitions; /* to be made next */
    Block *block;
    BlockView view;
};

/* With the lock: carries out what the scheduler decides, until it has nothing more to say. */
void driver__pump(Driver *driver);

/* With the lock: lines of the event log. */
void driver__say_stage(Driver *driver, JobStage *stage);
void driver__say_target(Driver *driver, JobStage *stage, PartitionRange range);
void driver__say_target_ended(Driver *driver, const JobStage *stage, JobState state,
                              const Error *err);
void driver__say_executor(Driver *driver, ExecutorId executor, const ExecutorSpec *spec);
void driver__say_executor_lost(Driver *driver, ExecutorId executor, BlockFate fate,
                               const char *reason);
void driver__say_copy(Driver *driver, uint64_t output, uint32_t partition, ExecutorId executor);
/* outcome: "made", "failed", "cancelled", "input lost", or "refused": somebody else's counts. */
void driver__say_task(Driver *driver, const TaskLaunch *launch, const TaskResult *result,
                      const char *outcome);

/* With the lock: the time goes on. */
void driver__tick(Driver *driver);

/* With the lock. Waits for a change, at most until the scheduler wants to be woken. */
void driver__wait(Driver *driver);

/* With the lock. Where the scheduler has a kept partition: what is in this process outlives it. */
ExecutorId driver__kept_place(const BlockOutput *output, uint32_t partition);

/* Whose rows of the source's producer a task of the stage takes. */
static inline PartitionRange driver__taken(const JobStage *stage, uint32_t source,
                                           uint32_t partition)
{
    const FragmentSource *from = &stage->fragment->sources[source];

    if (stage->takes[source] != NULL)
        return stage->takes[source][partition];
    return (PartitionRange){0, stage->job->stages[from->producer].fragment->partition_count};
}

/* With the lock. What is kept under that id; NULL: nothing. */
KeptOutput *driver__kept(const Driver *driver, int64_t keep_id);
void driver__forget_kept(Driver *driver, KeptOutput *kept);
/* With the lock. All partitions that are there once instead of twice. lost: an executor that makes
 * no copies any more, or 0. */
void driver__copy_kept(Driver *driver, ExecutorId lost);
/* With the lock. Of an output that may be kept twice. */
void driver__copy_made_anew(Driver *driver, const BlockOutput *output, uint32_t partition);

/* With the lock. The output kept under that id, referenced; NULL: none. */
BlockOutput *driver__find_kept(const Driver *driver, int64_t keep_id);
/* What a kept output has of a partition; hash 0: nothing. */
LedgerEntry driver__kept_entry(const BlockOutput *output, uint32_t partition);
void driver__keep(Driver *driver, int64_t keep_id, BlockOutput *output);

/* job_stages.c: the job's fragments. */
Status job__cut(Job *job, Error *err);

/* With the lock: stages are made of the fragments whose tasks are known by now. */
Status job__add_stages(Job *job, Error *err);

#endif
