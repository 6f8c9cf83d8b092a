/*
 * task.h -- one partition of one round of a stage, and how far it is
 *
 * A task may be tried more than once: an attempt has a number, and only the newest one counts. What
 * an older one reports is forgotten.
 *
 * Thread: none of its own; see scheduler.h.
 */
#ifndef VONK_CORE_RDD_TASK_H
#define VONK_CORE_RDD_TASK_H

#include <stdint.h>

typedef struct TaskId {
    uint32_t stage;
    uint32_t round;   /* of the stage, see stage.h         */
    uint32_t task;    /* in the round, counting from 0     */
    uint32_t attempt; /* of the task, counting from 0      */
} TaskId;

typedef enum TaskOutcome {
    TASK_SUCCEEDED,
    TASK_FAILED_RETRY, /* the machine's fault: another attempt may succeed        */
    TASK_FAILED,       /* the query's fault (a bad value, no memory): fail the job */
} TaskOutcome;

typedef enum TaskState { TASK_PENDING, TASK_RUNNING, TASK_DONE } TaskState;

typedef struct Task {
    TaskState state;
    uint32_t attempt; /* the one that runs, or that will be launched next */
} Task;

#endif
