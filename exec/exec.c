/* exec.c -- see exec.h */
#include "exec/exec.h"

#include <string.h>

#include "core/base/invariant.h"
#include "exec/exec_internal.h"
#include "exec/operators.h"

enum { POLL_MS = 20 };

bool exec__is_cancelled(const Execution *execution)
{
    return atomic_load(&execution->stop) ||
           (execution->request.cancelled != NULL && atomic_load(execution->request.cancelled));
}

/* What operators look at. A partition is one task on the thread that asked for its rows: nobody
 * else is there who would see that the request is cancelled, and say so. */
static const atomic_bool *stop_of(const Execution *execution)
{
    const ExecRequest *request = &execution->request;

    return request->partition_count > 0 && request->cancelled != NULL ? request->cancelled
                                                                      : &execution->stop;
}

static void submit(Execution *execution)
{
    SchedulerConfig config = scheduler_config_default();
    const StageSet *set = execution->set;
    SharedStage *stages = ARENA_ARRAY(execution->arena, SharedStage, set->stage_count);

    for (uint32_t i = 0; i < set->stage_count; i++)
        stages[i] = (SharedStage){.depend_count = set->stages[i]->depend_count,
                                  .depends = set->stages[i]->depends};
    execution->scheduler = scheduler_new(execution->arena, &config);
    execution->job = scheduler_submit_shared(execution->scheduler, set->stage_count, stages);
}

Status exec_start(const ExecRequest *request, Error *err, Execution **execution_out)
{
    Arena *arena = arena_new(NULL, "execution", ARENA_NO_CAP);
    Execution *execution = ARENA_NEW(arena, Execution);
    Error ignored;
    Status status;

    CHECK(request->threads >= 1 && request->batch_rows >= 1 &&
          request->batch_rows <= BATCH_ROWS_MAX);
    *execution_out = NULL;
    execution->arena = arena;
    execution->request = *request;
    execution->error = ERROR_NONE;
    execution->context = (ExecContext){.pool = request->pool,
                                       .threads = request->threads,
                                       .batch_rows = request->batch_rows,
                                       .jit = request->jit,
                                       .cache = request->cache,
                                       .cancelled = request->cancelled,
                                       .stop = stop_of(execution),
                                       .analyze = request->analyze,
                                       .partition = request->partition,
                                       .partition_count = request->partition_count,
                                       .shared = request->shared,
                                       .counts = request->counts,
                                       .spill_folder = request->spill_folder,
                                       .spill_bytes = request->spill_bytes};
    pthread_mutex_init(&execution->driver_lock, NULL);
    pthread_mutex_init(&execution->lock, NULL);
    status = stages_build(&execution->context, arena, request->plan, err == NULL ? &ignored : err,
                          &execution->set);
    if (status != ST_OK) {
        exec_close(execution);
        return status;
    }
    CHECK(request->sink == NULL || request->partition_count > 0);
    result_queue_set_sink(execution->set->queue, request->sink, request->sink_context);
    submit(execution);
    *execution_out = execution;
    return ST_OK;
}

/* --- the caller runs small stages itself --- */

static void inline_run_end(Execution *execution, bool succeeded)
{
    run_close(execution->inline_run);
    execution->inline_run = NULL;
    scheduler_shared_ended(execution->scheduler, execution->job, execution->inline_task, succeeded);
}

/* One step of a stage that makes the result's rows. */
static void inline_run_step(Execution *execution)
{
    StageRun *run = execution->inline_run;
    Error err = ERROR_NONE;
    bool is_done;
    Status status = run_step(run, &err, &is_done);

    if (status == ST_OK && is_done)
        status = run_combine(run, &err);
    if (status != ST_OK)
        exec__fail(execution, &err, run_split(run));
    if (status != ST_OK || is_done)
        inline_run_end(execution, status == ST_OK);
}

static bool wants_threads(const Execution *execution, SchedulerAction action)
{
    /* a partition is one task on the thread that asked for its rows */
    return action.kind == ACTION_LAUNCH_SHARED && execution->request.partition_count == 0 &&
           !exec__is_small(execution, action.shared.stage);
}

static Status inline_launch(Execution *execution, SchedulerAction action, Error *err)
{
    uint32_t stage = action.shared.stage;

    if (execution->set->stages[stage]->feed->sink != result_queue_operator(execution->set->queue) ||
        execution->set->stages[stage]->is_finishing) {
        exec__perform(execution, action, 0);
        return ST_OK;
    }
    execution->inline_task = action.shared;
    result_queue_set_inline(execution->set->queue, true);
    return run_open(execution->set->stages[stage], &execution->context, 0, err,
                    &execution->inline_run);
}

/* Acts until there are rows, the end, or something that wants threads. */
static Status run_inline(Execution *execution, Error *err, Batch *batch_out, TakeOutcome *outcome)
{
    SchedulerAction action;
    Status status = ST_OK;

    pthread_mutex_lock(&execution->lock);
    do {
        if (execution->inline_run != NULL) {
            inline_run_step(execution);
        } else {
            action = scheduler_next(execution->scheduler);
            if (wants_threads(execution, action)) {
                result_queue_set_inline(execution->set->queue, false);
                status = worker_set_start(
                    execution, execution->set->stages[action.shared.stage]->task_count,
                    execution->context.threads, action, err, &execution->workers);
                break;
            }
            if (action.kind == ACTION_LAUNCH_SHARED)
                status = inline_launch(execution, action, err);
            else
                exec__perform(execution, action, 0);
        }
        if (status == ST_OK && execution->error.status == ST_OK)
            status = result_queue_take(execution->set->queue, 0, err, batch_out, outcome);
    } while (status == ST_OK && *outcome == TAKE_LATER && !execution->is_ended &&
             !exec__is_cancelled(execution));
    pthread_mutex_unlock(&execution->lock);
    return status;
}

/* --- exec_next --- */

static void request_stop(Execution *execution)
{
    atomic_store(&execution->stop, true);
    pthread_mutex_lock(&execution->lock);
    scheduler_cancel(execution->scheduler, execution->job);
    pthread_mutex_unlock(&execution->lock);
    result_queue_wake(execution->set->queue);
}

/* Stops what still runs and waits for it. */
static void settle(Execution *execution)
{
    request_stop(execution);
    if (execution->inline_run != NULL)
        inline_run_end(execution, false);
    if (execution->workers != NULL) {
        worker_set_wake(execution->workers);
        worker_set_join(execution->workers);
        execution->workers = NULL;
    }
    execution->is_ended = true;
}

/* The error of the rows that came first, or of a cancel. */
static Status report(Execution *execution, Error *err)
{
    if (execution->error.status == ST_OK)
        return error_set(err, ST_CANCELLED, "canceling statement due to user request");
    if (err != NULL)
        *err = execution->error;
    return execution->error.status;
}

static Status next_rows(Execution *execution, Error *err, Batch *batch_out, TakeOutcome *outcome)
{
    *outcome = TAKE_LATER;
    while (*outcome == TAKE_LATER) {
        bool has_failed;

        if (exec__is_cancelled(execution)) {
            settle(execution);
            return report(execution, err);
        }
        if (execution->workers == NULL)
            TRY(run_inline(execution, err, batch_out, outcome));
        else
            TRY(result_queue_take(execution->set->queue, POLL_MS, err, batch_out, outcome));
        pthread_mutex_lock(&execution->lock);
        has_failed = execution->error.status != ST_OK;
        pthread_mutex_unlock(&execution->lock);
        if (has_failed) {
            settle(execution);
            return report(execution, err);
        }
    }
    return ST_OK;
}

Status exec_next(Execution *execution, Error *err, Batch *batch_out)
{
    TakeOutcome outcome;
    Status status;

    *batch_out = (Batch){.column_count = execution->request.plan->column_count};
    if (execution->is_finished)
        return ST_OK;
    status = next_rows(execution, err, batch_out, &outcome);
    if (status == ST_OK && outcome == TAKE_ROWS)
        return ST_OK;
    execution->is_finished = true;
    settle(execution);
    *batch_out = (Batch){.column_count = execution->request.plan->column_count};
    return status;
}

KeptBatch *exec_keep_batch(Execution *execution)
{
    return result_queue_disown(execution->set->queue);
}

void exec_kept_free(KeptBatch *kept)
{
    stored_batch_free(kept, NULL);
}

void exec_close(Execution *execution)
{
    if (execution == NULL)
        return;
    if (execution->scheduler != NULL)
        settle(execution);
    stages_release(execution->set);
    pthread_mutex_destroy(&execution->driver_lock);
    pthread_mutex_destroy(&execution->lock);
    arena_free(execution->arena);
}

void exec_cancel(Execution *execution)
{
    atomic_store(&execution->stop, true);
}

ExecProgress exec_progress(const Execution *execution)
{
    ExecProgress progress = {0};

    for (uint32_t i = 0; i < execution->set->operator_count; i++) {
        uint64_t rows = 0, bytes = 0, bytes_total = 0;

        if (!op_is_scan(execution->set->operators[i]))
            continue;
        op_scan_progress(execution->set->operators[i], &rows, &bytes, &bytes_total);
        progress.rows_done += rows;
        progress.bytes_done += bytes;
        progress.bytes_total += bytes_total;
    }
    return progress;
}
