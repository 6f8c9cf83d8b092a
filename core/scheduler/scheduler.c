/* scheduler.c -- time and actions; see scheduler.h and scheduler_internal.h */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

SchedulerConfig scheduler_config_default(void)
{
    return (SchedulerConfig){.attempts_max = 4,
                             .stage_attempts_max = 4,
                             .losses_max = 64,
                             .locality_wait_ms = 300,
                             .launch_timeout_ms = 5000,
                             .stage_failures_max = 2,
                             .strikes_max = 4,
                             .exclude_ms = 60000,
                             .speculation_quantile_percent = 75,
                             .speculation_slower_percent = 150,
                             .speculation_min_ms = 100};
}

Scheduler *scheduler_new(Arena *arena, const SchedulerConfig *config)
{
    Scheduler *scheduler = ARENA_NEW(arena, Scheduler);

    CHECK(config->attempts_max > 0 && config->stage_attempts_max > 0 && config->losses_max > 0);
    scheduler->arena = arena;
    scheduler->config = *config;
    scheduler->wake_ms = INT64_MAX;
    slot_table_init(&scheduler->jobs, arena, sizeof(Job));
    slot_table_init(&scheduler->stages, arena, sizeof(Stage));
    slot_table_init(&scheduler->attempts, arena, sizeof(Attempt));
    slot_table_init(&scheduler->executors, arena, sizeof(Executor));
    slot_table_init(&scheduler->stage_jobs, arena, sizeof(StageJob));
    scheduler_add_pool(scheduler, POOL_FIFO, 1, 0);
    return scheduler;
}

static bool next_of_shared(Scheduler *scheduler, SchedulerAction *action)
{
    LIST_EACH(node, &scheduler->shared)
    if (sched__shared_next(scheduler, LIST_OWNER(node, Job, action_node), action))
        return true;
    return false;
}

/* What must be told, before new work. */
static bool next_notice(Scheduler *scheduler, SchedulerAction *action)
{
    ListNode *node;

    if ((node = list_take(&scheduler->gone)) != NULL) {
        Executor *executor = LIST_OWNER(node, Executor, action_node);

        action->kind = ACTION_EXECUTOR_GONE;
        action->executor = sched__executor_id(executor);
        action->reason = executor->gone_reason;
        sched__executor_forget(scheduler, executor);
    } else if ((node = list_take(&scheduler->ended)) != NULL) {
        Job *job = LIST_OWNER(node, Job, action_node);

        job->is_reported = true;
        action->kind = ACTION_END_JOB;
        action->job = slot_handle(&job->head);
        action->context = job->context;
    } else if ((node = list_take(&scheduler->cancels)) != NULL) {
        sched__launch_action(scheduler, LIST_OWNER(node, Attempt, action_node), action);
        action->kind = ACTION_CANCEL_TASK;
    } else if ((node = list_take(&scheduler->drained)) != NULL) {
        action->kind = ACTION_EXECUTOR_DRAINED;
        action->executor = sched__executor_id(LIST_OWNER(node, Executor, action_node));
    } else if ((node = list_take(&scheduler->released)) != NULL) {
        sched__release(scheduler, LIST_OWNER(node, Stage, release_node), action);
    } else if ((node = list_take(&scheduler->relaunches)) != NULL) {
        sched__launch_action(scheduler, LIST_OWNER(node, Attempt, action_node), action);
    } else {
        return false;
    }
    return true;
}

static bool next_launch(Scheduler *scheduler, SchedulerAction *action)
{
    for (;;) {
        ListNode *first =
            list_is_empty(&scheduler->offers) ? scheduler->ahead.first : scheduler->offers.first;
        Executor *executor;
        Job *job;
        Task *task;

        if (first == NULL)
            return false;
        executor = LIST_OWNER(first, Executor, offer_node);
        task = sched__choose(scheduler, executor, &job);
        if (task != NULL) {
            sched__unoffer(executor);
            sched__launch(scheduler, task, executor, job, action);
            return true;
        }
        sched__set_idle(scheduler, executor);
    }
}

SchedulerAction scheduler_next(Scheduler *scheduler)
{
    SchedulerAction action = {.kind = ACTION_NONE};

    if (!next_of_shared(scheduler, &action) && !next_notice(scheduler, &action) &&
        !next_launch(scheduler, &action))
        action = (SchedulerAction){.kind = ACTION_NONE};
    return action;
}

/* When the job has had no executor for too long; INT64_MAX: it does not wait for one. */
static int64_t starves_ms(const Scheduler *scheduler, const Job *job)
{
    int64_t since = scheduler->starving_ms;

    if (job->shared != NULL || job->state != JOB_RUNNING)
        return INT64_MAX;
    if (job->submitted_ms > since)
        since = job->submitted_ms;
    return since + scheduler->config.no_executor_timeout_ms;
}

static void fail_starving_jobs(Scheduler *scheduler)
{
    if (scheduler->config.no_executor_timeout_ms == 0 || !list_is_empty(&scheduler->heard))
        return;
    LIST_EACH(node, &scheduler->all_jobs)
    {
        Job *job = LIST_OWNER(node, Job, all_node);
        Error err = ERROR_NONE;

        if (scheduler->now_ms < starves_ms(scheduler, job))
            continue;
        (void)error_set(&err, ST_IO, "there has been no executor for %lld ms",
                        (long long)scheduler->config.no_executor_timeout_ms);
        error_hint(&err, "Start workers, or see in their logs why they have gone.");
        sched__job_end(scheduler, job, JOB_FAILED, &err);
    }
}

void scheduler_tick(Scheduler *scheduler, int64_t now_ms)
{
    if (now_ms > scheduler->now_ms)
        scheduler->now_ms = now_ms;
    sched__executor_tick(scheduler);
    sched__exclusion_tick(scheduler);
    sched__speculation_tick(scheduler);
    fail_starving_jobs(scheduler);
    if (scheduler->now_ms >= scheduler->wake_ms) {
        scheduler->wake_ms = INT64_MAX;
        sched__wake_idle(scheduler);
    }
    sched__settle(scheduler);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t scheduler_wake_ms(const Scheduler *scheduler)
{
    const SchedulerConfig *config = &scheduler->config;
    int64_t wake = scheduler->wake_ms;

    if (!list_is_empty(&scheduler->excluded)) {
        ListNode *first = scheduler->excluded.first;

        wake = earlier(wake, LIST_OWNER(first, Executor, excluded_node)->excluded_until_ms);
    }
    if (config->executor_timeout_ms != 0 && !list_is_empty(&scheduler->heard)) {
        Executor *silent = LIST_OWNER(scheduler->heard.first, Executor, heard_node);

        wake = earlier(wake, silent->heard_ms + config->executor_timeout_ms);
    }
    if (config->cancel_timeout_ms != 0 && !list_is_empty(&scheduler->cancelling)) {
        Attempt *stubborn = LIST_OWNER(scheduler->cancelling.first, Attempt, cancel_node);

        wake = earlier(wake, stubborn->cancelled_ms + config->cancel_timeout_ms);
    }
    if (config->no_executor_timeout_ms != 0 && list_is_empty(&scheduler->heard))
        LIST_EACH(node, &scheduler->all_jobs)
    wake = earlier(wake, starves_ms(scheduler, LIST_OWNER(node, Job, all_node)));
    if (config->speculates && !list_is_empty(&scheduler->speculating))
        wake = earlier(wake, scheduler->speculation_ms);
    return wake;
}

SchedulerCounts scheduler_counts(const Scheduler *scheduler)
{
    SchedulerCounts counts = {.jobs = scheduler->jobs.live_count,
                              .stages = scheduler->stages.live_count,
                              .attempts = scheduler->attempts.live_count,
                              .executors = scheduler->executors.live_count};

    LIST_EACH(node, &scheduler->heard)
    {
        const Executor *executor = LIST_OWNER(node, Executor, heard_node);

        uint32_t taken = executor->room - executor->free_slots;

        counts.slots += executor->slots;
        counts.free_slots += taken < executor->slots ? executor->slots - taken : 0;
    }
    return counts;
}
