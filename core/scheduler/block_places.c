/* block_places.c -- where map outputs and cached inputs are */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

static Task *find_task(const Scheduler *scheduler, StageId id, uint32_t partition)
{
    Stage *stage = sched__stage(scheduler, id);

    return stage == NULL || partition >= stage->task_count ? NULL : &stage->tasks[partition];
}

static bool is_at(const Place *place, ExecutorId id)
{
    if (id == DURABLE)
        return place->kind == PLACE_DURABLE;
    return place->kind == PLACE_EXECUTOR && sched__executor_id(place->executor) == id;
}

/* --- outputs --- */

static bool is_in_range(PartitionRange range, uint32_t partition)
{
    return partition >= range.first && partition - range.first < range.count;
}

static bool child_wants(const StageEdge *edge, uint32_t partition)
{
    const Stage *child = edge->child;

    if (edge->ranges == NULL)
        return true;
    for (uint32_t i = 0; i < child->task_count; i++) {
        const Task *task = &child->tasks[i];

        if ((task->state == TASK_PENDING || task->state == TASK_RUNNING) &&
            task->cache.kind == PLACE_NONE && is_in_range(edge->ranges[i], partition))
            return true;
    }
    return false;
}

static bool is_wanted(const Stage *stage, uint32_t partition)
{
    if (stage->target_count > 0)
        return true;
    LIST_EACH(node, &stage->children)
    if (child_wants(LIST_OWNER(node, StageEdge, node), partition))
        return true;
    return false;
}

static void drop_output(Scheduler *scheduler, Task *task)
{
    Stage *stage = task->stage;

    if (task->output.kind == PLACE_EXECUTOR)
        list_remove(&task->output.executor->outputs, &task->output.node);
    task->output = (Place){.kind = PLACE_NONE};
    task->state = TASK_IDLE;
    stage->done_count--;
    if (is_wanted(stage, (uint32_t)(task - stage->tasks)))
        sched__task_wanted(scheduler, task);
}

void sched__output_drop(Scheduler *scheduler, Task *task)
{
    Executor *executor = task->output.executor;

    if (task->output.kind == PLACE_NONE)
        return;
    drop_output(scheduler, task);
    if (executor != NULL)
        sched__executor_forget(scheduler, executor);
}

void sched__outputs_drop_all(Scheduler *scheduler, Executor *executor)
{
    while (!list_is_empty(&executor->outputs))
        drop_output(scheduler, LIST_OWNER(executor->outputs.first, Task, output.node));
}

void scheduler_output_exists(Scheduler *scheduler, StageId id, uint32_t partition,
                             ExecutorId executor_id, uint64_t hash)
{
    Task *task = find_task(scheduler, id, partition);
    Executor *executor = sched__executor(scheduler, executor_id);

    CHECK(task != NULL && !task->stage->is_result);
    if (task->state == TASK_DONE || (executor_id != DURABLE && executor == NULL) ||
        (task->has_hash && task->hash != hash))
        return;
    task->has_hash = true;
    task->hash = hash;
    task->output.kind = executor == NULL ? PLACE_DURABLE : PLACE_EXECUTOR;
    task->output.executor = executor;
    if (executor != NULL)
        list_push(&executor->outputs, &task->output.node);
    if (task->state == TASK_IDLE) {
        task->state = TASK_DONE;
        task->stage->done_count++;
    } else {
        sched__task_done(scheduler, task, TASK_DONE);
    }
    sched__settle(scheduler);
}

void scheduler_output_lost(Scheduler *scheduler, StageId id, uint32_t partition,
                           ExecutorId executor)
{
    Task *task = find_task(scheduler, id, partition);

    if (task == NULL || !is_at(&task->output, executor))
        return;
    sched__output_drop(scheduler, task);
    sched__settle(scheduler);
}

bool scheduler_output_place(const Scheduler *scheduler, StageId id, uint32_t partition,
                            ExecutorId *executor_out, uint64_t *hash_out)
{
    const Task *task = find_task(scheduler, id, partition);

    if (task == NULL || task->output.kind == PLACE_NONE)
        return false;
    *executor_out =
        task->output.kind == PLACE_DURABLE ? DURABLE : sched__executor_id(task->output.executor);
    *hash_out = task->hash;
    return true;
}

/* --- caches --- */

/* Changes the place; a waiting task changes its queue, a missing one its wish for inputs. */
static void change_cache(Scheduler *scheduler, Task *task, PlaceKind kind, Executor *executor)
{
    Stage *stage = task->stage;
    bool is_missing = task->state == TASK_PENDING || task->state == TASK_RUNNING;

    if (task->state == TASK_PENDING)
        sched__dequeue(task);
    if (is_missing && task->cache.kind == PLACE_NONE)
        stage->missing_inputs--;
    if (task->cache.kind == PLACE_EXECUTOR)
        list_remove(&task->cache.executor->caches, &task->cache.node);
    task->cache = (Place){.kind = kind, .executor = executor};
    if (executor != NULL)
        list_push(&executor->caches, &task->cache.node);
    if (is_missing && kind == PLACE_NONE) {
        stage->missing_inputs++;
        stage->needs_changed = true;
    }
    if (task->state == TASK_PENDING)
        sched__enqueue(scheduler, task);
    sched__touch(scheduler, stage);
}

void sched__cache_drop(Scheduler *scheduler, Task *task)
{
    if (task->cache.kind != PLACE_NONE)
        change_cache(scheduler, task, PLACE_NONE, NULL);
}

void scheduler_cached(Scheduler *scheduler, StageId id, uint32_t partition, ExecutorId executor_id)
{
    Task *task = find_task(scheduler, id, partition);
    Executor *executor = sched__executor(scheduler, executor_id);

    if (task == NULL ||
        (executor_id != DURABLE && (executor == NULL || executor->state == EXECUTOR_LOST)))
        return;
    change_cache(scheduler, task, executor == NULL ? PLACE_DURABLE : PLACE_EXECUTOR, executor);
    sched__settle(scheduler);
}

void scheduler_uncached(Scheduler *scheduler, StageId id, uint32_t partition)
{
    Task *task = find_task(scheduler, id, partition);

    if (task == NULL)
        return;
    sched__cache_drop(scheduler, task);
    sched__settle(scheduler);
}
