/*
 * scheduler.h -- which tasks of a job run when: events in, actions out
 *
 *     scheduler_new -> { scheduler_next -> do what it says -> tell what came of it } ... END_JOB
 *
 * A pure state machine: no thread, no clock, no socket. A backend (exec/worker.c's threads;
 * executors elsewhere) asks for the next action whenever it can do one, carries it out, and
 * reports. Stages whose inputs are done run side by side; among tasks that can be launched, those
 * of the lowest stage come first.
 *
 *     action          the backend ...                                     and then calls
 *     BEGIN_ROUND     finds out how many tasks the stage's round has      scheduler_round_begun
 *     LAUNCH_TASK     runs the task                                       scheduler_task_ended
 *     FINISH_STAGE    lets go of what the stage used                      (nothing)
 *     END_JOB         stops asking: nothing runs any more                 (nothing)
 *     NONE            waits until it has something to report
 *
 * After a failure or a cancel nothing new is launched; END_JOB comes when what runs has ended.
 *
 * Thread: one call at a time.
 */
#ifndef VONK_CORE_RDD_SCHEDULER_H
#define VONK_CORE_RDD_SCHEDULER_H

#include "core/rdd/stage.h"

typedef struct Scheduler Scheduler;

typedef struct StageSpec {
    uint32_t depend_count;
    const uint32_t *depends; /* lower stage numbers only */
} StageSpec;

typedef enum JobState { JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED } JobState;

typedef enum SchedulerActionKind {
    ACTION_NONE,
    ACTION_BEGIN_ROUND,
    ACTION_LAUNCH_TASK,
    ACTION_FINISH_STAGE,
    ACTION_END_JOB
} SchedulerActionKind;

typedef struct SchedulerAction {
    SchedulerActionKind kind;
    TaskId task; /* BEGIN_ROUND, FINISH_STAGE: stage and round only */
} SchedulerAction;

/* Lives in the arena; copies the specs. attempts_max: how often one task is tried, at least 1. */
Scheduler *scheduler_new(Arena *arena, uint32_t stage_count, const StageSpec *stages,
                         uint32_t attempts_max);

SchedulerAction scheduler_next(Scheduler *scheduler);

/* task_count 0: the stage is done. With succeeded false the job fails. */
void scheduler_round_begun(Scheduler *scheduler, uint32_t stage, bool succeeded,
                           uint32_t task_count);
void scheduler_task_ended(Scheduler *scheduler, TaskId task, TaskOutcome outcome);
void scheduler_cancel(Scheduler *scheduler);

JobState scheduler_state(const Scheduler *scheduler);

#endif
