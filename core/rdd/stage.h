/*
 * stage.h -- a stage of a job: what it waits for, and its tasks round by round
 *
 *     WAITING  -- all stages it depends on are done -->  READY
 *     READY    -- round begun with n > 0 tasks      -->  RUNNING
 *     RUNNING  -- all tasks of the round are done   -->  READY (for the next round)
 *     READY    -- round begun with 0 tasks          -->  DONE
 *
 * A stage runs in rounds: round 0 works off its splits, later ones are what its sink needs to
 * finish (merge partitions, sort runs). How many tasks a round has is known only when it begins.
 *
 * Thread: none of its own; see scheduler.h.
 */
#ifndef VONK_CORE_RDD_STAGE_H
#define VONK_CORE_RDD_STAGE_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/rdd/task.h"

typedef enum StageState {
    STAGE_WAITING,
    STAGE_READY,     /* a round can begin           */
    STAGE_BEGINNING, /* the backend was asked to    */
    STAGE_RUNNING,
    STAGE_DONE
} StageState;

typedef struct StageRecord {
    StageState state;
    uint32_t waits_for; /* stages it depends on that are not done */
    uint32_t depend_count;
    const uint32_t *depends; /* stages that it waits for               */
    uint32_t round;
    uint32_t task_count;
    uint32_t running_count;
    uint32_t done_count;
    Task *tasks;
    uint32_t task_capacity;
} StageRecord;

/* Tasks become pending; 0 tasks: the stage is done. */
void stage_begin_round(StageRecord *stage, Arena *arena, uint32_t task_count);

/* The lowest pending task becomes running; false when there is none. */
bool stage_launch_next(StageRecord *stage, uint32_t *task_out);

/* False when the attempt is not the one that counts: nothing has happened then. */
bool stage_task_succeeded(StageRecord *stage, TaskId id);

/* As above; the task is pending again with its next attempt. */
bool stage_task_lost(StageRecord *stage, TaskId id);

#endif
