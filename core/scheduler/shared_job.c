/*
 * shared_job.c -- a query inside this process: stages in rounds, see scheduler.h
 *
 *     WAITING    -- all stages it depends on are DONE -->  READY
 *     READY      -- BEGIN_ROUND is given out          -->  BEGINNING
 *     BEGINNING  -- the round has n > 0 tasks         -->  RUNNING
 *     RUNNING    -- all tasks of the round are done   -->  READY (for the next round)
 *     BEGINNING  -- the round has 0 tasks             -->  DONE
 */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler_internal.h"

typedef enum SharedState {
    SHARED_WAITING,
    SHARED_READY,
    SHARED_BEGINNING,
    SHARED_RUNNING,
    SHARED_DONE
} SharedState;

typedef struct SharedRecord {
    SharedState state;
    bool is_finished;   /* FINISH_STAGE was given out         */
    uint32_t waits_for; /* stages it depends on that are not done */
    uint32_t depend_count;
    const uint32_t *depends;
    uint32_t round;
    uint32_t task_count, launched_count, done_count;
} SharedRecord;

struct SharedJob {
    uint32_t stage_count;
    SharedRecord *stages;
    uint32_t finished_count;
    uint32_t busy_count; /* actions given out that will be reported on */
};

SharedJob *sched__shared_new(Arena *arena, uint32_t stage_count, const SharedStage *stages)
{
    SharedJob *shared = ARENA_NEW(arena, SharedJob);

    *shared = (SharedJob){.stage_count = stage_count,
                          .stages = ARENA_ARRAY(arena, SharedRecord, stage_count)};
    for (uint32_t i = 0; i < stage_count; i++) {
        uint32_t depend_count = stages[i].depend_count;

        for (uint32_t d = 0; d < depend_count; d++)
            CHECK(stages[i].depends[d] < i);
        shared->stages[i] =
            (SharedRecord){.state = depend_count == 0 ? SHARED_READY : SHARED_WAITING,
                           .waits_for = depend_count,
                           .depend_count = depend_count,
                           .depends = arena_copy(arena, stages[i].depends,
                                                 depend_count * sizeof *stages[i].depends)};
    }
    return shared;
}

static void stage_done(SharedJob *shared, uint32_t done)
{
    shared->stages[done].state = SHARED_DONE;
    for (uint32_t i = done + 1; i < shared->stage_count; i++) {
        SharedRecord *stage = &shared->stages[i];

        for (uint32_t d = 0; d < stage->depend_count; d++)
            stage->waits_for -= stage->depends[d] == done;
        if (stage->state == SHARED_WAITING && stage->waits_for == 0)
            stage->state = SHARED_READY;
    }
}

static bool next_of_stage(SharedJob *shared, uint32_t number, SchedulerAction *action)
{
    SharedRecord *stage = &shared->stages[number];

    action->shared = (SharedTask){.stage = number, .round = stage->round};
    if (stage->state == SHARED_DONE && !stage->is_finished) {
        stage->is_finished = true;
        shared->finished_count++;
        action->kind = ACTION_FINISH_STAGE;
        return true;
    }
    if (stage->state == SHARED_READY) {
        stage->state = SHARED_BEGINNING;
        shared->busy_count++;
        action->kind = ACTION_BEGIN_ROUND;
        return true;
    }
    if (stage->state == SHARED_RUNNING && stage->launched_count < stage->task_count) {
        action->shared.task = stage->launched_count++;
        shared->busy_count++;
        action->kind = ACTION_LAUNCH_SHARED;
        return true;
    }
    return false;
}

bool sched__shared_next(Scheduler *scheduler, Job *job, SchedulerAction *action)
{
    SharedJob *shared = job->shared;

    action->job = slot_handle(&job->head);
    if (job->state == JOB_RUNNING)
        for (uint32_t i = 0; i < shared->stage_count; i++)
            if (next_of_stage(shared, i, action))
                return true;
    if (job->state == JOB_RUNNING && shared->finished_count == shared->stage_count)
        job->state = JOB_SUCCEEDED;
    if (job->state == JOB_RUNNING || shared->busy_count > 0)
        return false;
    list_remove(&scheduler->shared, &job->action_node);
    list_push(&scheduler->ended, &job->action_node);
    return false;
}

static SharedRecord *reported_stage(const Scheduler *scheduler, JobId id, uint32_t number,
                                    Job **job_out)
{
    Job *job = slot_table_find(&scheduler->jobs, id);

    CHECK(job != NULL && job->shared != NULL && number < job->shared->stage_count &&
          job->shared->busy_count > 0);
    job->shared->busy_count--;
    *job_out = job;
    return &job->shared->stages[number];
}

static void job_failed(Job *job)
{
    if (job->state == JOB_RUNNING)
        job->state = JOB_FAILED;
}

void scheduler_round_begun(Scheduler *scheduler, JobId id, uint32_t number, bool succeeded,
                           uint32_t task_count)
{
    Job *job;
    SharedRecord *stage = reported_stage(scheduler, id, number, &job);

    CHECK(stage->state == SHARED_BEGINNING);
    if (!succeeded) {
        job_failed(job);
        return;
    }
    stage->task_count = task_count;
    stage->launched_count = stage->done_count = 0;
    stage->state = SHARED_RUNNING;
    if (task_count == 0)
        stage_done(job->shared, number);
}

void scheduler_shared_ended(Scheduler *scheduler, JobId id, SharedTask task, bool succeeded)
{
    Job *job;
    SharedRecord *stage = reported_stage(scheduler, id, task.stage, &job);

    CHECK(stage->state == SHARED_RUNNING && task.round == stage->round &&
          task.task < stage->launched_count && stage->done_count < stage->launched_count);
    if (!succeeded) {
        job_failed(job);
        return;
    }
    if (++stage->done_count == stage->task_count) {
        stage->state = SHARED_READY;
        stage->round++;
    }
}
