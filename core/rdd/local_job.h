/*
 * local_job.h -- a distributed plan runs: fragments as stages, partitions as tasks, on threads
 *
 *     job_start -> job_next, ... -> job_close
 *
 * Tasks make blocks (block_store.h). What is lost is made again: a task that finds a block gone or
 * damaged says whose it was, and that task runs again before it; a partition that then has other
 * bytes ends the job with an error that names the stage.
 *
 * Thread: one thread calls these; cancelling is by the flag.
 */
#ifndef VONK_CORE_RDD_LOCAL_JOB_H
#define VONK_CORE_RDD_LOCAL_JOB_H

#include "codegen/kernel.h"
#include "core/rdd/block_store.h"
#include "core/rdd/fragment.h"

typedef struct Job Job;

/* Rows that stay for later jobs, by keep_id (persist). */
typedef struct KeepRegistry {
    void *context;
    /* The output kept under that id, referenced; NULL: none yet. */
    BlockOutput *(*find)(void *context, int64_t keep_id);
    /* A job has begun to fill it; takes no reference of the job's. */
    void (*keep)(void *context, int64_t keep_id, BlockOutput *output);
} KeepRegistry;

/* For tests: what goes wrong, from a seed. */
typedef struct JobFaults {
    uint64_t seed;     /* 0: nothing */
    double lose_block; /* the chance that a map task's blocks are gone when somebody wants them */
    double fail_task;  /* the chance that a task's attempt dies before it ends                  */
} JobFaults;

typedef struct JobRequest {
    const Plan *plan; /* distributed; borrowed until job_close */
    BlockStore *store;
    uint32_t threads;
    uint32_t batch_rows;
    JitMode jit;
    CodeCache *cache;
    const atomic_bool *cancelled;
    KeepRegistry keep;
    JobFaults faults;
} JobRequest;

/* Runs the job up to its result: blocks until it is there. */
MUST_CHECK Status job_start(const JobRequest *request, Error *err, Job **job_out);

/* The next rows, partition by partition; valid until the next call; row_count 0 at the end. */
MUST_CHECK Status job_next(Job *job, Error *err, Batch *batch_out);

/* The result's partitions and the rows of each. */
uint32_t job_partition_count(const Job *job);
uint64_t job_partition_rows(const Job *job, uint32_t partition);

/* One a stage, the result's last. */
typedef struct StageReport {
    uint32_t tasks;       /* partitions                            */
    uint32_t attempts;    /* tasks that ran, again ones counted    */
    uint32_t skipped;     /* partitions that were there already    */
    uint64_t rows, bytes; /* made                                */
    double ms;            /* of all threads                        */
    const Plan *plan;
} StageReport;
uint32_t job_stages(const Job *job, const StageReport **reports_out);

void job_close(Job *job); /* accepts NULL */

#endif
