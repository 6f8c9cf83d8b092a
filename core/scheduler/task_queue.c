/*
 * task_queue.c -- a stage's waiting tasks, and which of them an executor should take
 *
 * A stage has two queues: of tasks with a cached input, which may always run, and of those that
 * need the parents' outputs. In each, a task that prefers places is listed at all of these, so
 * that an executor finds its own in one step; to others it goes only after the stage has found no
 * preferred place for locality_wait_ms.
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

static List *bucket(Arena *arena, Buckets *buckets, uint32_t number)
{
    if (number >= buckets->count) {
        uint32_t count = number + 1 > 2 * buckets->count ? number + 1 : 2 * buckets->count;
        List *lists = ARENA_ARRAY(arena, List, count);

        if (buckets->count > 0)
            memcpy(lists, buckets->lists, buckets->count * sizeof *lists);
        *buckets = (Buckets){.lists = lists, .count = count};
    }
    return &buckets->lists[number];
}

static TaskQueue *queue_of(Task *task)
{
    return task->cache.kind == PLACE_NONE ? &task->stage->plain : &task->stage->cached;
}

static uint32_t index_of(const Task *task)
{
    return (uint32_t)(task - task->stage->tasks);
}

/* Calls for the hosts that the task prefers: a cached input matters more than a file. */
static bool host_range(const Task *task, uint32_t *first, uint32_t *end)
{
    const Stage *stage = task->stage;

    if (stage->host_offsets == NULL || task->cache.kind != PLACE_NONE)
        return false;
    *first = stage->host_offsets[index_of(task)];
    *end = stage->host_offsets[index_of(task) + 1];
    return true;
}

static bool has_live_host(const Scheduler *scheduler, const Task *task)
{
    uint32_t first, end;

    if (host_range(task, &first, &end))
        for (uint32_t i = first; i < end; i++) {
            uint32_t host = task->stage->hosts[i];

            if (host < scheduler->host_count && scheduler->hosts[host].executor_count > 0)
                return true;
        }
    return false;
}

static void list_at_places(Task *task, TaskQueue *queue)
{
    Stage *stage = task->stage;
    uint32_t first, end;

    if (task->cache.kind == PLACE_EXECUTOR) {
        task->executor_slot = task->cache.executor->head.slot;
        list_push(bucket(stage->arena, &queue->by_executor, task->executor_slot),
                  &task->executor_node);
    }
    if (host_range(task, &first, &end))
        for (uint32_t i = first; i < end; i++)
            list_push(bucket(stage->arena, &queue->by_host, stage->hosts[i]),
                      &stage->host_nodes[i].node);
}

void sched__enqueue(Scheduler *scheduler, Task *task)
{
    TaskQueue *queue = queue_of(task);

    task->is_choosy = task->cache.kind == PLACE_EXECUTOR || has_live_host(scheduler, task);
    list_push(task->is_choosy ? &queue->choosy : &queue->plain, &task->queue_node);
    if (task->is_choosy)
        list_at_places(task, queue);
    queue->count++;
    if (task->stage->is_ready)
        sched__wake_idle(scheduler);
    sched__touch(scheduler, task->stage);
}

void sched__dequeue(Task *task)
{
    TaskQueue *queue = queue_of(task);
    Stage *stage = task->stage;
    uint32_t first, end;

    list_remove(task->is_choosy ? &queue->choosy : &queue->plain, &task->queue_node);
    queue->count--;
    if (!task->is_choosy)
        return;
    if (task->executor_node.is_linked)
        list_remove(&queue->by_executor.lists[task->executor_slot], &task->executor_node);
    if (host_range(task, &first, &end))
        for (uint32_t i = first; i < end; i++)
            list_remove(&queue->by_host.lists[stage->hosts[i]], &stage->host_nodes[i].node);
}

void sched__speculate_on(Scheduler *scheduler, Task *task)
{
    CHECK(task->state == TASK_RUNNING && !task->is_speculative);
    task->is_speculative = true;
    list_push(&task->stage->speculative, &task->queue_node);
    if (task->stage->is_ready)
        sched__wake_idle(scheduler);
    sched__touch(scheduler, task->stage);
}

void sched__no_speculation(Task *task)
{
    if (!task->is_speculative)
        return;
    task->is_speculative = false;
    list_remove(&task->stage->speculative, &task->queue_node);
}

bool sched__has_launchable(const Stage *stage)
{
    return stage->cached.count > 0 ||
           (stage->waits_for == 0 &&
            (stage->plain.count > 0 || !list_is_empty(&stage->speculative)));
}

/* --- picking --- */

static Task *first_allowed(const Scheduler *scheduler, const List *list, const Executor *executor)
{
    LIST_EACH(node, list)
    {
        Task *task = LIST_OWNER(node, Task, queue_node);

        if (sched__task_allows(scheduler, task, executor))
            return task;
    }
    return NULL;
}

static Task *first_at_executor(const Scheduler *scheduler, const TaskQueue *queue,
                               const Executor *executor)
{
    if (executor->head.slot < queue->by_executor.count)
        LIST_EACH(node, &queue->by_executor.lists[executor->head.slot])
        {
            Task *task = LIST_OWNER(node, Task, executor_node);

            if (sched__task_allows(scheduler, task, executor))
                return task;
        }
    return NULL;
}

static Task *first_at_host(const Scheduler *scheduler, const TaskQueue *queue,
                           const Executor *executor)
{
    if (executor->host < queue->by_host.count)
        LIST_EACH(node, &queue->by_host.lists[executor->host])
        {
            Task *task = LIST_OWNER(node, HostNode, node)->task;

            if (sched__task_allows(scheduler, task, executor))
                return task;
        }
    return NULL;
}

static Task *pick_from(Scheduler *scheduler, Stage *stage, const TaskQueue *queue,
                       const Executor *executor)
{
    int64_t until = stage->preferred_ms + scheduler->config.locality_wait_ms;
    Task *task = first_at_executor(scheduler, queue, executor);

    if (task == NULL)
        task = first_at_host(scheduler, queue, executor);
    if (task != NULL) {
        stage->preferred_ms = scheduler->now_ms;
        return task;
    }
    task = first_allowed(scheduler, &queue->plain, executor);
    if (task != NULL || list_is_empty(&queue->choosy))
        return task;
    if (scheduler->now_ms >= until)
        return first_allowed(scheduler, &queue->choosy, executor);
    if (until < scheduler->wake_ms)
        scheduler->wake_ms = until;
    return NULL;
}

static Task *pick_straggler(const Stage *stage, const Executor *executor)
{
    LIST_EACH(node, &stage->speculative)
    {
        Task *task = LIST_OWNER(node, Task, queue_node);

        if (task->attempts[0]->executor != executor)
            return task;
    }
    return NULL;
}

/* --- waiting at an executor --- */

/* A task that waits where others run should not do so for longer. */
enum { AHEAD_US = 5000, TURN_MEMORY = 4 };

void sched__turn_seen(Stage *stage, const Attempt *attempt, int64_t now_ms)
{
    int64_t us = (now_ms - attempt->launched_ms) * 1000 / attempt->turns;

    stage->turn_us = stage->turn_us < 0 ? us : stage->turn_us + (us - stage->turn_us) / TURN_MEMORY;
}

/* The executor runs one of the stage's soon enough after what it has. */
static bool is_soon(const Stage *stage, const Executor *executor)
{
    int64_t turns = (executor->room - executor->free_slots) / executor->slots;

    return stage->turn_us >= 0 && stage->turn_us * turns <= AHEAD_US;
}

Task *sched__pick(Scheduler *scheduler, Stage *stage, const Executor *executor)
{
    Task *task = NULL;

    if (!sched__stage_allows(scheduler, stage, executor) ||
        (!sched__has_slot(executor) && !is_soon(stage, executor)))
        return NULL;
    if (stage->cached.count > 0)
        task = pick_from(scheduler, stage, &stage->cached, executor);
    if (task == NULL && stage->waits_for == 0 && stage->plain.count > 0)
        task = pick_from(scheduler, stage, &stage->plain, executor);
    if (task == NULL && stage->waits_for == 0 && sched__has_slot(executor))
        task = pick_straggler(stage, executor);
    return task;
}
