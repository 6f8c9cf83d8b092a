/* exec_internal.h -- an execution: shared by exec.c (the caller's side), exec_task.c (what tasks
 * do) and worker.c */
#ifndef VONK_EXEC_EXEC_INTERNAL_H
#define VONK_EXEC_EXEC_INTERNAL_H

#include <pthread.h>

#include "core/scheduler/scheduler.h"
#include "exec/exec.h"
#include "exec/stages.h"
#include "exec/worker.h"

struct Execution {
    Arena *arena;
    ExecRequest request;
    ExecContext context;
    atomic_bool stop;
    StageSet *set;
    pthread_mutex_t driver_lock; /* opening, finishing and releasing of stages: one at a time */

    pthread_mutex_t lock; /* of all below, until no worker runs */
    Scheduler *scheduler;
    JobId job;
    bool is_ended; /* END_JOB was seen */
    Error error;
    uint32_t error_split; /* where it happened: of several, the one of the lowest split is kept */

    WorkerSet *workers;   /* NULL while the caller runs everything itself */
    StageRun *inline_run; /* the result stage, run by the caller step by step */
    SharedTask inline_task;
    bool is_finished; /* exec_next has said so */
};

/* Asked after each batch, so that a task which the caller itself runs sees a cancel too. */
bool exec__is_cancelled(const Execution *execution);

/* The task count of the stage's next round, see scheduler_round_begun. */
MUST_CHECK Status exec__begin_round(Execution *execution, uint32_t stage, Error *err,
                                    uint32_t *task_count_out);
MUST_CHECK Status exec__run_task(Execution *execution, SharedTask task, uint32_t thread, Error *err,
                                 uint32_t *split_out);
void exec__finish_stage(Execution *execution, uint32_t stage);

/* Few rows and nothing that makes many of them: not worth a thread. The stage is open. */
bool exec__is_small(const Execution *execution, uint32_t stage);

/* Keeps the error, unless an earlier row's is known, and stops everything. The lock is held. */
void exec__fail(Execution *execution, const Error *err, uint32_t split);

/* Carries out one action; reports to the scheduler. The lock is held, and let go of meanwhile. */
void exec__perform(Execution *execution, SchedulerAction action, uint32_t thread);

#endif
