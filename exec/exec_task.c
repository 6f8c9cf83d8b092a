/* exec_task.c -- what the scheduler's actions do to stages; see exec_internal.h */
#include "exec/exec_internal.h"

enum { SMALL_ROWS = 20000, SMALL_SPLITS = 1 };

/* --- rounds --- */

static Status begin_finishing(Stage *stage, Error *err, uint32_t *task_count_out)
{
    Operator *sink = stage->feed->sink;

    stage->is_finishing = true;
    *task_count_out = 0;
    if (!stage->is_last_of_feed || sink->class->finish_begin == NULL)
        return ST_OK;
    return sink->class->finish_begin(sink, stage->phase++, err, task_count_out);
}

static Status begin_round(Execution *execution, Stage *stage, Error *err, uint32_t *task_count_out)
{
    *task_count_out = 0;
    if (stage->is_finishing)
        return begin_finishing(stage, err, task_count_out);
    if (!stage->is_opened) {
        stage->is_opened = true;
        TRY(stage_open(stage, err));
        *task_count_out = stage->split_count < execution->context.threads
                              ? stage->split_count
                              : execution->context.threads;
        if (*task_count_out > 1 && exec__is_small(execution, stage->id))
            *task_count_out = 1;
        if (*task_count_out > 0)
            return ST_OK;
    }
    return begin_finishing(stage, err, task_count_out);
}

Status exec__begin_round(Execution *execution, uint32_t number, Error *err,
                         uint32_t *task_count_out)
{
    Status status;

    pthread_mutex_lock(&execution->driver_lock);
    status = begin_round(execution, execution->set->stages[number], err, task_count_out);
    pthread_mutex_unlock(&execution->driver_lock);
    execution->set->stages[number]->task_count = *task_count_out;
    return status;
}

void exec__finish_stage(Execution *execution, uint32_t number)
{
    pthread_mutex_lock(&execution->driver_lock);
    stage_release(execution->set->stages[number]);
    pthread_mutex_unlock(&execution->driver_lock);
}

bool exec__is_small(const Execution *execution, uint32_t number)
{
    const Stage *stage = execution->set->stages[number];
    double rows = 0;

    for (uint32_t i = 0; i < stage->op_count; i++)
        if (stage->ops[i]->makes_more_rows)
            return false;
    for (uint32_t i = 0; i < stage->branch_count; i++) {
        Operator *source = stage->branches[i].source;

        if (source->class->row_estimate == NULL && stage->branches[i].split_count > SMALL_SPLITS)
            return false;
        if (source->class->row_estimate != NULL)
            rows += source->class->row_estimate(source);
    }
    return rows <= SMALL_ROWS;
}

/* --- tasks --- */

static Status run_splits(Execution *execution, Stage *stage, uint32_t thread, Error *err,
                         uint32_t *split_out)
{
    bool is_done = false;
    Status status;
    StageRun *run;

    TRY(run_open(stage, &execution->context, thread, err, &run));
    do {
        if (exec__is_cancelled(execution))
            atomic_store(&execution->stop, true); /* which run_step looks at */
        status = run_step(run, err, &is_done);
    } while (status == ST_OK && !is_done);
    if (status == ST_OK)
        status = run_combine(run, err);
    *split_out = run_split(run);
    run_close(run);
    return status;
}

Status exec__run_task(Execution *execution, SharedTask task, uint32_t thread, Error *err,
                      uint32_t *split_out)
{
    Stage *stage = execution->set->stages[task.stage];
    Operator *sink = stage->feed->sink;

    *split_out = UINT32_MAX;
    if (!stage->is_finishing)
        return run_splits(execution, stage, thread, err, split_out);
    if (atomic_load(&execution->stop))
        return error_set(err, ST_CANCELLED, "canceling statement due to user request");
    return sink->class->finish_task(sink, stage->phase - 1, task.task, thread, err);
}

void exec__fail(Execution *execution, const Error *err, uint32_t split)
{
    bool is_echo = err->status == ST_CANCELLED && execution->error.status != ST_OK;

    if (!is_echo && (execution->error.status == ST_OK || execution->error.status == ST_CANCELLED ||
                     split < execution->error_split)) {
        execution->error = *err;
        execution->error_split = split;
    }
    atomic_store(&execution->stop, true);
}

void exec__perform(Execution *execution, SchedulerAction action, uint32_t thread)
{
    uint32_t stage = action.shared.stage, task_count = 0, split = UINT32_MAX;
    Error err = ERROR_NONE;
    Status status;

    switch (action.kind) {
    case ACTION_BEGIN_ROUND:
        pthread_mutex_unlock(&execution->lock);
        status = exec__begin_round(execution, stage, &err, &task_count);
        pthread_mutex_lock(&execution->lock);
        if (status != ST_OK)
            exec__fail(execution, &err, split);
        scheduler_round_begun(execution->scheduler, action.job, stage, status == ST_OK, task_count);
        if (execution->workers != NULL && status == ST_OK)
            worker_set_grow(execution->workers, task_count);
        return;
    case ACTION_LAUNCH_SHARED:
        pthread_mutex_unlock(&execution->lock);
        status = exec__run_task(execution, action.shared, thread, &err, &split);
        pthread_mutex_lock(&execution->lock);
        if (status != ST_OK)
            exec__fail(execution, &err, split);
        scheduler_shared_ended(execution->scheduler, action.job, action.shared, status == ST_OK);
        return;
    case ACTION_FINISH_STAGE:
        pthread_mutex_unlock(&execution->lock);
        exec__finish_stage(execution, stage);
        pthread_mutex_lock(&execution->lock);
        return;
    case ACTION_END_JOB:
        execution->is_ended = true;
        result_queue_end(execution->set->queue);
        return;
    default: /* nothing to do; what only partitioned jobs have does not happen */
        return;
    }
}
