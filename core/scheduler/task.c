/*
 * task.c -- attempts of tasks, and what becomes of them
 *
 *     IDLE     -- somebody wants it     -->  PENDING
 *     PENDING  -- launched              -->  RUNNING (one attempt; two when it straggles)
 *     RUNNING  -- an attempt succeeded  -->  DONE; the other attempt is cancelled
 *     RUNNING  -- its last attempt failed, was lost, or could not fetch  -->  PENDING
 *     PENDING, RUNNING  -- nobody wants it any more  -->  IDLE; attempts are cancelled
 *     DONE     -- its output was lost   -->  IDLE, and PENDING when somebody wants it
 *
 * A cancelled attempt no longer belongs to its task, but holds its slot until its executor has
 * said, in a report or a heartbeat, that it does not run.
 */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

static uint32_t index_of(const Task *task)
{
    return (uint32_t)(task - task->stage->tasks);
}

/* --- launch --- */

static uint64_t inputs_version(const Stage *stage)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < stage->edge_count; i++)
        sum += stage->edges[i].parent->outputs_version;
    return sum;
}

void sched__launch_action(const Scheduler *scheduler, Attempt *attempt, SchedulerAction *action)
{
    const Task *task = attempt->task;
    const Place *cache = &task->cache;

    attempt->sent_ms = scheduler->now_ms;
    *action = (SchedulerAction){.kind = ACTION_LAUNCH_TASK,
                                .stage = sched__stage_id(task->stage),
                                .partition = index_of(task),
                                .attempt = slot_handle(&attempt->head),
                                .executor = sched__executor_id(attempt->executor),
                                .launch_number = attempt->launch_number,
                                .reads_cache = attempt->reads_cache,
                                .context = task->stage->context};
    if (attempt->reads_cache && cache->kind == PLACE_EXECUTOR)
        action->cached_at = sched__executor_id(cache->executor);
}

static void take_from_queue(Scheduler *scheduler, Task *task)
{
    Stage *stage = task->stage;

    if (task->state == TASK_RUNNING) {
        sched__no_speculation(task);
    } else {
        sched__dequeue(task);
        task->state = TASK_RUNNING;
        stage->running_tasks++;
    }
    sched__update_ready(scheduler, stage);
}

void sched__launch(Scheduler *scheduler, Task *task, Executor *executor, Job *job,
                   SchedulerAction *action)
{
    Attempt *attempt = slot_table_take(&scheduler->attempts);
    Stage *stage = task->stage;

    CHECK(executor->free_slots > 0 && task->attempt_count < 2);
    take_from_queue(scheduler, task);
    attempt->task = task;
    attempt->executor = executor;
    attempt->job = slot_handle(&job->head);
    attempt->reads_cache = task->cache.kind != PLACE_NONE;
    attempt->stage_attempt = stage->stage_attempt;
    attempt->inputs_version = inputs_version(stage);
    attempt->launch_number = ++executor->launch_count;
    attempt->launched_ms = scheduler->now_ms;
    attempt->turns = 1 + (executor->room - executor->free_slots) / executor->slots;
    task->attempts[task->attempt_count++] = attempt;
    stage->attempt_count++;
    if (list_is_empty(&stage->running))
        list_push(&scheduler->speculating, &stage->speculation_node);
    list_push(&stage->running, &attempt->stage_node);
    list_push(&executor->attempts, &attempt->executor_node);
    sched__job_charge(scheduler, attempt->job, 1);
    executor->free_slots--;
    if (executor->free_slots > 0)
        sched__offer(scheduler, executor);
    sched__launch_action(scheduler, attempt, action);
}

/* --- leaving --- */

/* The attempt no longer counts for its task. */
static void detach(Scheduler *scheduler, Attempt *attempt)
{
    Task *task = attempt->task;
    Stage *stage = task->stage;

    if (task->attempts[0] == attempt)
        task->attempts[0] = task->attempts[1];
    task->attempts[1] = NULL;
    task->attempt_count--;
    list_remove(&stage->running, &attempt->stage_node);
    if (list_is_empty(&stage->running))
        list_remove(&scheduler->speculating, &stage->speculation_node);
    sched__job_charge(scheduler, attempt->job, -1);
}

void sched__cancel_attempts(Scheduler *scheduler, Task *task)
{
    while (task->attempt_count > 0) {
        Attempt *attempt = task->attempts[0];

        detach(scheduler, attempt);
        attempt->is_cancelled = true;
        attempt->cancelled_ms = scheduler->now_ms;
        list_push(&scheduler->cancelling, &attempt->cancel_node);
        list_drop(&scheduler->relaunches, &attempt->action_node);
        list_push(&scheduler->cancels, &attempt->action_node);
    }
}

void sched__attempt_over(Scheduler *scheduler, Attempt *attempt)
{
    Task *task = attempt->task;
    Stage *stage = task->stage;
    Executor *executor = attempt->executor;

    if (attempt->is_cancelled) {
        list_drop(&scheduler->cancels, &attempt->action_node);
        list_remove(&scheduler->cancelling, &attempt->cancel_node);
    } else {
        list_drop(&scheduler->relaunches, &attempt->action_node);
        detach(scheduler, attempt);
        if (task->state == TASK_RUNNING && task->attempt_count == 0) {
            sched__no_speculation(task);
            task->state = TASK_PENDING;
            stage->running_tasks--;
            sched__enqueue(scheduler, task);
        }
    }
    list_remove(&executor->attempts, &attempt->executor_node);
    slot_table_give_back(&scheduler->attempts, attempt);
    stage->attempt_count--;
    sched__check_release(scheduler, stage);
    executor->free_slots++;
    sched__slot_freed(scheduler, executor);
}

/* --- outcomes --- */

/* The attempt that a report is about, when it still counts. One that was cancelled is over now. */
static Attempt *reported(Scheduler *scheduler, AttemptId id)
{
    Attempt *attempt = slot_table_find(&scheduler->attempts, id);

    if (attempt == NULL)
        return NULL;
    sched__executor_heard(scheduler, attempt->executor);
    if (!attempt->is_cancelled)
        return attempt;
    sched__attempt_over(scheduler, attempt);
    return NULL;
}

void sched__attempt_lost(Scheduler *scheduler, Attempt *attempt, const char *why)
{
    Task *task = attempt->task;
    Error err = ERROR_NONE;
    bool is_cancelled = attempt->is_cancelled;

    sched__attempt_over(scheduler, attempt);
    if (is_cancelled || ++task->losses < scheduler->config.losses_max)
        return;
    (void)error_set(&err, ST_IO,
                    "stage \"%s\", partition %u: lost %u times, the last time since %s",
                    task->stage->name, index_of(task), task->losses, why);
    error_hint(&err,
               "Does this partition end the executors that it runs on, by its need of memory?");
    sched__fail_stage(scheduler, task->stage, &err);
}

void sched__attempt_crashed(Scheduler *scheduler, Attempt *attempt, const char *why)
{
    Task *task = attempt->task;
    Error err = ERROR_NONE;
    bool is_cancelled = attempt->is_cancelled;

    sched__attempt_over(scheduler, attempt);
    if (is_cancelled || ++task->failures < scheduler->config.attempts_max)
        return;
    (void)error_set(
        &err, ST_IO,
        "stage \"%s\", partition %u: its executor has crashed %u time%s, the last time: "
        "%s",
        task->stage->name, index_of(task), task->failures, task->failures == 1 ? "" : "s", why);
    error_hint(&err, "A function that crashes, or needs more memory than there is, ends each "
                     "executor that it runs on.");
    sched__doom(scheduler, task, &err);
}

static void fail_changed_output(Scheduler *scheduler, const Task *task)
{
    Error err = ERROR_NONE;

    (void)error_set(
        &err, ST_BAD_INPUT,
        "stage \"%s\", partition %u is not deterministic: recomputed after a loss, it gave "
        "another result",
        task->stage->name, index_of(task));
    error_hint(&err, "Look for a clock, a random seed or the order of threads in its functions.");
    sched__fail_stage(scheduler, task->stage, &err);
}

/* What the task has read must give the same again from now on. */
static void mark_consumed(const Task *task)
{
    const Stage *stage = task->stage;

    for (uint32_t i = 0; i < stage->edge_count; i++) {
        const StageEdge *edge = &stage->edges[i];

        if (edge->ranges == NULL) {
            edge->parent->is_consumed = true;
            continue;
        }
        for (uint32_t p = 0; p < edge->ranges[index_of(task)].count; p++)
            edge->parent->tasks[edge->ranges[index_of(task)].first + p].is_consumed = true;
    }
}

/* The hash becomes the task's. False: it must not change any more, and has. */
static bool accept_hash(Task *task, uint64_t hash)
{
    if (task->has_hash && task->hash != hash) {
        if (task->is_consumed || task->stage->is_consumed)
            return false;
        task->stage->outputs_version++; /* whoever reads the first now will be refused */
    }
    task->has_hash = true;
    task->hash = hash;
    return true;
}

static TaskVerdict take_result(Scheduler *scheduler, Attempt *attempt)
{
    Task *task = attempt->task;
    Stage *stage = task->stage;
    Executor *executor = attempt->executor;
    TaskVerdict verdict = task->is_counted ? VERDICT_ACCEPTED : VERDICT_COUNTS;

    task->is_counted = true;
    if (!attempt->reads_cache)
        mark_consumed(task);
    stage->fetch_failures = 0;
    sched__duration_seen(scheduler, stage, scheduler->now_ms - attempt->launched_ms);
    sched__turn_seen(stage, attempt, scheduler->now_ms);
    sched__exclusion_succeeded(scheduler, task, executor);
    if (!stage->is_result) {
        task->output.executor = executor;
        task->output.kind = PLACE_EXECUTOR;
        list_push(&executor->outputs, &task->output.node);
    }
    sched__task_done(scheduler, task, TASK_DONE); /* cancels its attempts: this one is over */
    sched__attempt_over(scheduler, attempt);
    return verdict;
}

TaskVerdict scheduler_task_succeeded(Scheduler *scheduler, AttemptId id, uint64_t output_hash)
{
    Attempt *attempt = reported(scheduler, id);
    TaskVerdict verdict = VERDICT_REFUSED;

    if (attempt != NULL) {
        Task *task = attempt->task;

        if (!attempt->reads_cache && attempt->inputs_version != inputs_version(task->stage)) {
            sched__attempt_lost(scheduler, attempt, "its inputs were recomputed and have changed");
        } else if (!accept_hash(task, output_hash)) {
            sched__attempt_over(scheduler, attempt);
            fail_changed_output(scheduler, task);
        } else {
            verdict = take_result(scheduler, attempt);
        }
    }
    sched__settle(scheduler);
    return verdict;
}

/* The jobs' error: the task's own, and how it got there. */
static Error task_error(const Task *task, const Executor *executor, const Error *cause)
{
    Error err = *cause;

    error_detail(&err, "%s%sStage \"%s\", partition %u failed %u time%s, the last time on %s.",
                 cause->detail, cause->detail[0] == '\0' ? "" : "\n", task->stage->name,
                 index_of(task), task->failures, task->failures == 1 ? "" : "s", executor->name);
    return err;
}

void scheduler_task_failed(Scheduler *scheduler, AttemptId id, TaskFailure failure,
                           const Error *err)
{
    Attempt *attempt = reported(scheduler, id);

    if (attempt != NULL) {
        Task *task = attempt->task;
        Executor *executor = attempt->executor;

        if (failure != TASK_SET_BACK)
            task->avoid = sched__executor_id(executor);
        if (failure == TASK_SET_BACK) {
            sched__attempt_over(scheduler, attempt);
        } else if (failure == TASK_KILLED) {
            sched__attempt_lost(scheduler, attempt, err == NULL ? "it was stopped" : err->message);
        } else {
            task->failures++;
            sched__exclusion_failed(scheduler, task, executor);
            sched__attempt_over(scheduler, attempt);
            if (failure == TASK_FAILED || task->failures >= scheduler->config.attempts_max) {
                Error why = task_error(task, executor, err);

                sched__doom(scheduler, task, &why);
            }
        }
    }
    sched__settle(scheduler);
}

/* --- fetch failures --- */

static Stage *parent_of(const Stage *stage, StageId id)
{
    for (uint32_t i = 0; i < stage->edge_count; i++)
        if (sched__stage_id(stage->edges[i].parent) == id)
            return stage->edges[i].parent;
    return NULL;
}

static bool is_at(const Place *place, ExecutorId id)
{
    if (id == DURABLE)
        return place->kind == PLACE_DURABLE;
    return place->kind == PLACE_EXECUTOR && sched__executor_id(place->executor) == id;
}

/* Takes the output, or all that a lost executor had, from the register. */
static void unregister(Scheduler *scheduler, Stage *parent, const FetchFailure *failure,
                       Executor *source)
{
    Task *task = &parent->tasks[failure->partition];

    if (source != NULL && source->state == EXECUTOR_LOST && !failure->is_corrupt) {
        sched__outputs_drop_all(scheduler, source);
        sched__executor_forget(scheduler, source);
    } else if (is_at(&task->output, failure->executor)) {
        sched__output_drop(scheduler, task);
    }
}

/* Whether the stage has failed for want of others since its last success, and never of this one. An
 * executor that was short of memory may have dropped many outputs: each is found out by itself. */
static bool is_next_loss(Scheduler *scheduler, Stage *stage, Task *lost)
{
    bool is_next;

    if (stage->fetch_failures == 0)
        stage->fetch_series = ++scheduler->fetch_series;
    is_next = stage->fetch_failures > 0 && lost->fetch_series != stage->fetch_series;
    lost->fetch_series = stage->fetch_series;
    return is_next;
}

/* Counts stage attempts without progress. True: there were too many. What a lost executor cannot
 * serve is no news, so it does not count. */
static bool stage_attempt_failed(Scheduler *scheduler, const Attempt *attempt, ExecutorId executor,
                                 bool is_next)
{
    Stage *stage = attempt->task->stage;
    const Executor *source = sched__executor(scheduler, executor);
    const Executor *last = sched__executor(scheduler, stage->fetch_failed_at);

    if (attempt->stage_attempt != stage->stage_attempt)
        return false;
    stage->stage_attempt++;
    if (executor != DURABLE && (source == NULL || source->state == EXECUTOR_LOST))
        return false;
    if (stage->fetch_failed_at != DURABLE && (last == NULL || last->state == EXECUTOR_LOST))
        stage->fetch_failures = 0; /* it was about to be lost */
    stage->fetch_failed_at = executor;
    if (is_next && stage->fetch_failures > 0)
        return false;
    return ++stage->fetch_failures >= scheduler->config.stage_attempts_max;
}

static void fail_fetch(Scheduler *scheduler, const Task *task, const FetchFailure *failure,
                       const Stage *parent, const Error *cause)
{
    const Executor *source = sched__executor(scheduler, failure->executor);
    Error err = *cause;

    error_detail(
        &err,
        "Stage \"%s\" could not fetch partition %u of stage \"%s\" from %s, in %u attempts "
        "without progress in between.",
        task->stage->name, failure->partition, parent->name,
        source == NULL ? "its place" : source->name, task->stage->fetch_failures);
    sched__fail_stage(scheduler, task->stage, &err);
}

bool scheduler_fetch_failed(Scheduler *scheduler, AttemptId id, const FetchFailure *failure,
                            const Error *err)
{
    Attempt *attempt = slot_table_find(&scheduler->attempts, id);
    Stage *stage = attempt == NULL ? NULL : attempt->task->stage;
    Stage *parent = stage == NULL ? NULL : parent_of(stage, failure->stage);

    if (stage != NULL && failure->stage != sched__stage_id(stage) &&
        (parent == NULL || failure->partition >= parent->task_count)) {
        scheduler_task_failed(scheduler, id, TASK_FAILED_RETRY, err); /* a nonsensical report */
        return false;
    }
    attempt = reported(scheduler, id);
    if (attempt != NULL) {
        Task *task = attempt->task;

        if (parent == NULL) {
            if (attempt->reads_cache && is_at(&task->cache, failure->executor))
                sched__cache_drop(scheduler, task);
            sched__attempt_lost(scheduler, attempt, "its cached input was gone");
        } else {
            bool is_next = is_next_loss(scheduler, stage, &parent->tasks[failure->partition]);
            bool is_last = stage_attempt_failed(scheduler, attempt, failure->executor, is_next);

            unregister(scheduler, parent, failure, sched__executor(scheduler, failure->executor));
            if (is_next)
                sched__attempt_over(scheduler, attempt);
            else
                sched__attempt_lost(scheduler, attempt, err->message);
            if (is_last)
                fail_fetch(scheduler, task, failure, parent, err);
        }
    }
    sched__settle(scheduler);
    return attempt != NULL;
}

bool scheduler_attempt_is_known(const Scheduler *scheduler, AttemptId attempt)
{
    return slot_table_find(&scheduler->attempts, attempt) != NULL;
}
