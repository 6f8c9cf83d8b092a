/*
 * task_backend.h -- who runs tasks for the driver: threads here, processes elsewhere
 *
 *     driver  -- launch, cancel, ... -->  backend     (with its lock held: hand over and return)
 *     backend -- driver_executor_added, driver_task_ended, ... -->  driver       (from any thread)
 *
 * A backend decides nothing: which task runs where is the scheduler's business
 * (core/scheduler/scheduler.h), what became of it the backend's to tell. Each launch is answered by
 * one driver_task_ended, unless its executor is lost; so is one that was cancelled. Where messages
 * may get lost, driver_heartbeat says so.
 */
#ifndef VONK_CORE_RDD_TASK_BACKEND_H
#define VONK_CORE_RDD_TASK_BACKEND_H

#include "core/base/wire.h"
#include "core/rdd/task_run.h"
#include "core/scheduler/scheduler.h"

typedef struct JobStage JobStage;

typedef struct TaskLaunch {
    ExecutorId executor;
    AttemptId attempt;
    uint64_t launch_number; /* counts up an executor's launches, see scheduler_heartbeat */
    JobStage *stage;
    StageWork *work; /* of the stage; lives until the attempt is answered for */
    uint32_t partition;
    uint32_t number; /* which attempt of the partition, from 0 */
} TaskLaunch;

/* A stage as an executor elsewhere has to know it. */
typedef struct StageOrder {
    StageId id;
    WireBytes plan;   /* stage_encode; lives as long as the stage */
    WireBytes ranges; /* ranges_encode, as well; no bytes: its rows do not go by ranges */
    BlockOutput *output;
    uint32_t input_count; /* of the fragment's sources */
    BlockOutput *const *inputs;
    struct UserShared *shared; /* NULL: its functions share nothing */
    bool is_persisted; /* kept for later jobs, at the level that they want: in its executor */
} StageOrder;

/* With the driver's lock, of a stage that has a launch or is about to. */
StageOrder job_stage_order(const JobStage *stage);

typedef struct TaskBackend TaskBackend;

typedef struct TaskBackendClass {
    void (*launch)(TaskBackend *backend, const TaskLaunch *launch);
    /* May come when it has ended already, or before the launch has arrived. */
    void (*cancel)(TaskBackend *backend, ExecutorId executor, AttemptId attempt,
                   uint64_t launch_number);
    /* A second copy of a partition that one executor has is wanted at another. Who was told, which
     * becomes known by driver_copy_made; 0: there is nobody. NULL: there is no elsewhere. */
    ExecutorId (*copy)(TaskBackend *backend, const BlockOutput *output, uint32_t partition,
                       ExecutorId at);
    /* Nothing of the stage runs or will. NULL: nobody wants to know; so of what follows. */
    void (*stage_released)(TaskBackend *backend, StageId stage);
    /* It was silent, or stubborn, for too long: it is none of the driver's any more. */
    void (*executor_gone)(TaskBackend *backend, ExecutorId executor, const char *reason);
    /* Nothing runs there, and nothing new will. */
    void (*executor_drained)(TaskBackend *backend, ExecutorId executor);
} TaskBackendClass;

struct TaskBackend {
    const TaskBackendClass *class;
};

#endif
