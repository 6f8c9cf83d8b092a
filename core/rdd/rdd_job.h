/*
 * rdd_job.h -- a distributed plan runs: fragments are stages, partitions are tasks
 *
 *     job_start -> job_next, ... -> job_close
 *
 * Tasks make blocks (block_store.h). What is lost is made again, just that: a task that finds a
 * block gone or damaged says whose it was, and the scheduler sees to it. A partition that then has
 * other bytes ends the job with an error that names the stage, if somebody has used the first.
 *
 * Thread: one thread calls these for a job; any number of jobs at once.
 */
#ifndef VONK_CORE_RDD_RDD_JOB_H
#define VONK_CORE_RDD_RDD_JOB_H

#include "core/plan/plan_wire.h"
#include "core/rdd/adaptive.h"
#include "core/rdd/driver.h"

typedef struct Job Job;

typedef struct JobRequest {
    const Plan *plan; /* distributed; borrowed until job_close */
    uint32_t batch_rows;
    JitMode jit;
    CodeCache *cache;
    size_t spill_bytes; /* see StageWork */
    Codec codec;        /* of blocks that executors elsewhere send each other */
    bool encrypts;      /* executors elsewhere encrypt what goes to files     */
    bool is_wired; /* for tests: tasks run what executors elsewhere would: stages read from bytes */
    const atomic_bool *cancelled; /* NULL: never */
    const atomic_bool *unwanted;  /* as cancelled: set when nobody will read on; NULL: never */
    struct UserShared *shared;    /* for user functions; NULL: nothing */
    const PlanWireHooks *wire;    /* for executors elsewhere; NULL: there are none */
    TestFaults faults;
    AdaptiveSettings adaptive;  /* zeroed: stages are what the plan says */
    uint32_t stream_partitions; /* 0: the whole result is made at once; else as it is read, and what
                                 * was read is let go: so many partitions first, then more at a
                                 * time, as it seems that all are wanted */
    uint32_t pool;              /* of driver_add_pool; DEFAULT_POOL                */
    uint64_t group;             /* for driver_cancel_group; 0: none                */
    uint32_t tag_count;         /* for driver_cancel_tag                           */
    const uint64_t *tags;
    /* From here on whoever cancels its group finds it; called with the driver's lock. Or NULL. */
    void (*submitted)(void *context);
    void *context;
} JobRequest;

/* Runs the job up to its result, or the first partitions of it: blocks until they are there. */
MUST_CHECK Status job_start(Driver *driver, const JobRequest *request, Error *err, Job **job_out);

/* The next rows, partition by partition; valid until the next call; row_count 0 at the end. */
MUST_CHECK Status job_next(Job *job, Error *err, Batch *batch_out);

/* All that it has made, referenced. What of it is in this process belongs to no executor any
 * more. */
BlockOutput *job_take_output(Job *job);

/* The result's partitions and the rows of each. */
uint32_t job_partition_count(const Job *job);
uint64_t job_partition_rows(const Job *job, uint32_t partition);

/* What is known of a partition that a task has made: recomputed, it must have the same hash. */
typedef struct LedgerEntry {
    uint64_t hash; /* 0: it was not needed */
    uint64_t rows, bytes;
    uint32_t attempts; /* launched until it was there; 0: it was there already */
} LedgerEntry;

/* One a stage, the result's last. */
typedef struct StageReport {
    const char *name;
    uint32_t tasks;       /* partitions                            */
    uint32_t attempts;    /* tasks that ran, again ones counted    */
    uint32_t skipped;     /* partitions that were there already    */
    uint64_t rows, bytes; /* made                                */
    double ms;            /* of all threads                        */
    const Fragment *fragment;
    const LedgerEntry *ledger; /* by partition */
    const char *change; /* what the sizes of its inputs made of it (adaptive.h); NULL: nothing */
} StageReport;
uint32_t job_stages(const Job *job, const StageReport **reports_out);

void job_close(Job *job); /* accepts NULL */

/* --- progress: from any thread, of all jobs of the driver --- */

typedef struct JobProgress {
    uint32_t jobs;          /* that run; the rest is of the oldest one         */
    uint32_t stages, stage; /* of the job; which of them is at work, from 1 on */
    char name[64];          /* of that stage */
    uint32_t tasks, done, running;
    uint32_t retries; /* attempts of the job beyond the first of each task */
} JobProgress;

JobProgress driver_progress(Driver *driver);

/* Of the job whose request has that flag; all 0 when it does not run. */
JobProgress driver_job_progress(Driver *driver, const atomic_bool *cancelled);

/* The partitions that are kept under that id, if it has so many; hash 0: not there. Returns how
 * many are. */
uint32_t driver_kept(Driver *driver, int64_t keep_id, uint32_t partition_count,
                     LedgerEntry *entries_out);

#endif
