/* stage.c -- see stage.h */
#include "core/rdd/stage.h"

#include "core/base/invariant.h"

void stage_begin_round(StageRecord *stage, Arena *arena, uint32_t task_count)
{
    CHECK(stage->state == STAGE_BEGINNING && stage->running_count == 0);
    if (task_count == 0) {
        stage->state = STAGE_DONE;
        return;
    }
    if (task_count > stage->task_capacity) {
        stage->tasks = ARENA_ARRAY(arena, Task, task_count);
        stage->task_capacity = task_count;
    }
    for (uint32_t i = 0; i < task_count; i++)
        stage->tasks[i] = (Task){.state = TASK_PENDING};
    stage->task_count = task_count;
    stage->done_count = 0;
    stage->state = STAGE_RUNNING;
}

bool stage_launch_next(StageRecord *stage, uint32_t *task_out)
{
    if (stage->state != STAGE_RUNNING ||
        stage->running_count + stage->done_count == stage->task_count)
        return false;
    for (uint32_t i = 0; i < stage->task_count; i++) {
        if (stage->tasks[i].state != TASK_PENDING)
            continue;
        stage->tasks[i].state = TASK_RUNNING;
        stage->running_count++;
        *task_out = i;
        return true;
    }
    UNREACHABLE("a pending task that is not there");
}

/* The running task that id speaks of, or NULL when the report is out of date. */
static Task *running_task(StageRecord *stage, TaskId id)
{
    Task *task;

    if (stage->state != STAGE_RUNNING || id.round != stage->round || id.task >= stage->task_count)
        return NULL;
    task = &stage->tasks[id.task];
    return task->state == TASK_RUNNING && task->attempt == id.attempt ? task : NULL;
}

bool stage_task_succeeded(StageRecord *stage, TaskId id)
{
    Task *task = running_task(stage, id);

    if (task == NULL)
        return false;
    task->state = TASK_DONE;
    stage->running_count--;
    stage->done_count++;
    if (stage->done_count == stage->task_count) {
        stage->state = STAGE_READY;
        stage->round++;
    }
    return true;
}

bool stage_task_lost(StageRecord *stage, TaskId id)
{
    Task *task = running_task(stage, id);

    if (task == NULL)
        return false;
    task->state = TASK_PENDING;
    task->attempt++;
    stage->running_count--;
    return true;
}
