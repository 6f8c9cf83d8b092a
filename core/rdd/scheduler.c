/* scheduler.c -- see scheduler.h */
#include "core/rdd/scheduler.h"

#include "core/base/invariant.h"

struct Scheduler {
    Arena *arena;
    uint32_t stage_count;
    StageRecord *stages;
    bool *is_finished; /* FINISH_STAGE was given out */
    uint32_t attempts_max;
    uint32_t finished_count;
    uint32_t busy_count; /* actions given out that will be reported on */
    JobState state;
    bool is_ended; /* END_JOB was given out */
};

Scheduler *scheduler_new(Arena *arena, uint32_t stage_count, const StageSpec *stages,
                         uint32_t attempts_max)
{
    Scheduler *scheduler = ARENA_NEW(arena, Scheduler);

    CHECK(attempts_max > 0);
    *scheduler = (Scheduler){.arena = arena,
                             .stage_count = stage_count,
                             .stages = ARENA_ARRAY(arena, StageRecord, stage_count),
                             .is_finished = ARENA_ARRAY(arena, bool, stage_count),
                             .attempts_max = attempts_max,
                             .state = stage_count == 0 ? JOB_SUCCEEDED : JOB_RUNNING};
    for (uint32_t i = 0; i < stage_count; i++) {
        uint32_t depend_count = stages[i].depend_count;

        for (uint32_t d = 0; d < depend_count; d++)
            CHECK(stages[i].depends[d] < i);
        scheduler->stages[i] =
            (StageRecord){.state = depend_count == 0 ? STAGE_READY : STAGE_WAITING,
                          .waits_for = depend_count,
                          .depend_count = depend_count,
                          .depends = arena_copy(arena, stages[i].depends,
                                                depend_count * sizeof *stages[i].depends)};
    }
    return scheduler;
}

static SchedulerAction stage_action(Scheduler *scheduler, uint32_t stage, SchedulerActionKind kind)
{
    return (SchedulerAction){.kind = kind,
                             .task = {.stage = stage, .round = scheduler->stages[stage].round}};
}

static void stage_done(Scheduler *scheduler, uint32_t done)
{
    for (uint32_t i = done + 1; i < scheduler->stage_count; i++) {
        StageRecord *stage = &scheduler->stages[i];

        for (uint32_t d = 0; d < stage->depend_count; d++)
            stage->waits_for -= stage->depends[d] == done;
        if (stage->state == STAGE_WAITING && stage->waits_for == 0)
            stage->state = STAGE_READY;
    }
}

static bool next_of_stage(Scheduler *scheduler, uint32_t number, SchedulerAction *action)
{
    StageRecord *stage = &scheduler->stages[number];
    uint32_t task;

    if (stage->state == STAGE_DONE && !scheduler->is_finished[number]) {
        scheduler->is_finished[number] = true;
        scheduler->finished_count++;
        if (scheduler->finished_count == scheduler->stage_count)
            scheduler->state = JOB_SUCCEEDED;
        *action = stage_action(scheduler, number, ACTION_FINISH_STAGE);
        return true;
    }
    if (stage->state == STAGE_READY) {
        stage->state = STAGE_BEGINNING;
        scheduler->busy_count++;
        *action = stage_action(scheduler, number, ACTION_BEGIN_ROUND);
        return true;
    }
    if (stage_launch_next(stage, &task)) {
        scheduler->busy_count++;
        *action = stage_action(scheduler, number, ACTION_LAUNCH_TASK);
        action->task.task = task;
        action->task.attempt = stage->tasks[task].attempt;
        return true;
    }
    return false;
}

SchedulerAction scheduler_next(Scheduler *scheduler)
{
    SchedulerAction action = {.kind = ACTION_NONE};

    if (scheduler->state == JOB_RUNNING)
        for (uint32_t i = 0; i < scheduler->stage_count; i++)
            if (next_of_stage(scheduler, i, &action))
                return action;
    if (scheduler->state != JOB_RUNNING && scheduler->busy_count == 0 && !scheduler->is_ended) {
        scheduler->is_ended = true;
        action.kind = ACTION_END_JOB;
    }
    return action;
}

void scheduler_round_begun(Scheduler *scheduler, uint32_t number, bool succeeded,
                           uint32_t task_count)
{
    CHECK(number < scheduler->stage_count && scheduler->busy_count > 0);
    scheduler->busy_count--;
    if (!succeeded) {
        if (scheduler->state == JOB_RUNNING)
            scheduler->state = JOB_FAILED;
        return;
    }
    stage_begin_round(&scheduler->stages[number], scheduler->arena, task_count);
    if (task_count == 0)
        stage_done(scheduler, number);
}

void scheduler_task_ended(Scheduler *scheduler, TaskId id, TaskOutcome outcome)
{
    StageRecord *stage = &scheduler->stages[id.stage];

    CHECK(id.stage < scheduler->stage_count && scheduler->busy_count > 0);
    scheduler->busy_count--;
    if (outcome == TASK_SUCCEEDED) {
        stage_task_succeeded(stage, id);
        return;
    }
    if (outcome == TASK_FAILED_RETRY && id.attempt + 1 < scheduler->attempts_max &&
        scheduler->state == JOB_RUNNING) {
        stage_task_lost(stage, id);
        return;
    }
    if (scheduler->state == JOB_RUNNING)
        scheduler->state = JOB_FAILED;
}

void scheduler_cancel(Scheduler *scheduler)
{
    if (scheduler->state == JOB_RUNNING)
        scheduler->state = JOB_CANCELLED;
}

JobState scheduler_state(const Scheduler *scheduler)
{
    return scheduler->state;
}
