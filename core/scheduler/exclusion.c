/*
 * exclusion.c -- executors on which tasks keep failing get none for a while
 *
 *   task   avoids the executor where it failed last
 *   stage  avoids an executor where stage_failures_max of its tasks failed, for exclude_ms
 *   all    avoid one that has strikes_max strikes, for exclude_ms. A strike is a task that failed
 *          there and succeeded elsewhere: so a task that fails everywhere excludes nobody.
 *
 * Exclusion is advice. It never leaves a task without an executor: the last usable one is not
 * excluded, and when the others are lost, the excluded ones come back.
 */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

/* --- stages --- */

static StageExclusion *find_exclusion(const Stage *stage, ExecutorId id)
{
    for (uint32_t i = 0; i < stage->exclusion_count; i++)
        if (stage->exclusions[i].executor == id)
            return (StageExclusion *)&stage->exclusions[i];
    return NULL;
}

/* A full table forgets the executor that failed first. */
static StageExclusion *add_exclusion(Stage *stage, ExecutorId id)
{
    if (stage->exclusion_count == STAGE_EXCLUSIONS_MAX) {
        for (uint32_t i = 1; i < STAGE_EXCLUSIONS_MAX; i++)
            stage->exclusions[i - 1] = stage->exclusions[i];
        stage->exclusion_count--;
    }
    stage->exclusions[stage->exclusion_count] = (StageExclusion){.executor = id};
    return &stage->exclusions[stage->exclusion_count++];
}

void sched__exclusion_failed(Scheduler *scheduler, Task *task, const Executor *executor)
{
    ExecutorId id = sched__executor_id(executor);
    StageExclusion *exclusion = find_exclusion(task->stage, id);

    if (exclusion == NULL)
        exclusion = add_exclusion(task->stage, id);
    if (++exclusion->failures >= scheduler->config.stage_failures_max)
        exclusion->until_ms = scheduler->now_ms + scheduler->config.exclude_ms;
}

static bool is_excluded(const Scheduler *scheduler, const StageExclusion *exclusion)
{
    return exclusion->until_ms > scheduler->now_ms;
}

/* How many usable executors the stage would have if it kept to its exclusions. */
static uint32_t allowed_count(const Scheduler *scheduler, const Stage *stage)
{
    uint32_t count = scheduler->usable_count;

    for (uint32_t i = 0; i < stage->exclusion_count; i++) {
        const Executor *executor = sched__executor(scheduler, stage->exclusions[i].executor);

        if (is_excluded(scheduler, &stage->exclusions[i]) && executor != NULL)
            count -= sched__is_usable(executor);
    }
    return count;
}

bool sched__stage_allows(Scheduler *scheduler, const Stage *stage, const Executor *executor)
{
    const StageExclusion *exclusion;

    if (stage->exclusion_count == 0)
        return true;
    exclusion = find_exclusion(stage, sched__executor_id(executor));
    if (exclusion == NULL || !is_excluded(scheduler, exclusion) ||
        allowed_count(scheduler, stage) == 0)
        return true;
    if (exclusion->until_ms < scheduler->wake_ms)
        scheduler->wake_ms = exclusion->until_ms;
    return false;
}

bool sched__task_allows(const Scheduler *scheduler, const Task *task, const Executor *executor)
{
    if (task - task->stage->tasks >= task->stage->doomed)
        return false; /* the stage only works for what is below */
    return task->avoid != sched__executor_id(executor) ||
           allowed_count(scheduler, task->stage) <= 1;
}

/* --- the application --- */

void sched__exclusion_end(Scheduler *scheduler, Executor *executor)
{
    if (executor->excluded_until_ms == 0)
        return;
    executor->excluded_until_ms = 0;
    list_remove(&scheduler->excluded, &executor->excluded_node);
}

static void readmit(Scheduler *scheduler, Executor *executor)
{
    sched__exclusion_end(scheduler, executor);
    scheduler->usable_count++;
    sched__offer(scheduler, executor);
    sched__wake_idle(scheduler);
}

void sched__exclusion_succeeded(Scheduler *scheduler, Task *task, const Executor *executor)
{
    Executor *failed = sched__executor(scheduler, task->avoid);

    task->avoid = 0;
    if (failed == NULL || failed == executor || !sched__is_usable(failed) ||
        ++failed->strikes < scheduler->config.strikes_max || scheduler->usable_count <= 1)
        return;
    failed->strikes = 0;
    failed->excluded_until_ms = scheduler->now_ms + scheduler->config.exclude_ms;
    list_push(&scheduler->excluded, &failed->excluded_node);
    scheduler->usable_count--;
    sched__unoffer(failed);
    sched__wake_idle(scheduler); /* fewer are left to choose from */
}

void sched__exclusion_tick(Scheduler *scheduler)
{
    while (!list_is_empty(&scheduler->excluded)) {
        Executor *executor = LIST_OWNER(scheduler->excluded.first, Executor, excluded_node);

        if (executor->excluded_until_ms > scheduler->now_ms)
            return;
        readmit(scheduler, executor);
    }
}

void sched__exclusion_balance(Scheduler *scheduler)
{
    while (scheduler->usable_count == 0 && !list_is_empty(&scheduler->excluded))
        readmit(scheduler, LIST_OWNER(scheduler->excluded.first, Executor, excluded_node));
}
