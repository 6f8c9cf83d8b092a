/*
 * executor_stages.h -- the stages and outputs that an executor knows of
 *
 *     executor_stages_new -> orders add and drop them; tasks hold a stage while they run
 *         -> executor_stages_free
 *
 * An output is known as long as the driver has not dropped it, a stage also while a task runs.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_EXECUTOR_STAGES_H
#define VONK_CLUSTER_EXECUTOR_STAGES_H

#include "cluster/order_wire.h"
#include "core/base/list.h"
#include "core/rdd/stage_wire.h"
#include "core/rdd/task_run.h"

typedef struct ExecutorStages ExecutorStages;

typedef struct ExecutorStage {
    Arena *arena;
    uint64_t id;
    StageWire wire;
    StageWork work;
    BlockOutput *output; /* NULL: status says what is wrong with the stage */
    bool is_persisted;   /* what it makes, for later jobs */
    Status status;
    Error error;
    OrderStage order;    /* when it could not be opened yet */
    uint32_t references; /* the list's, and tasks' */
    ListNode node;
} ExecutorStage;

typedef struct StagesSpec {
    BlockStore *store;
    CodeCache *cache;
    size_t spill_bytes; /* see StageWork */
    uint64_t place;     /* this executor's */
    const PlanWireHooks *hooks;
    UserShared *shared; /* of all stages; learns with each */
} StagesSpec;

ExecutorStages *executor_stages_new(const StagesSpec *spec);
void executor_stages_free(ExecutorStages *stages); /* accepts NULL; no task may run */

void executor_stages_add(ExecutorStages *stages, const OrderStage *order);
void executor_stages_places(ExecutorStages *stages, uint64_t output, uint32_t count,
                            const RemoteChange *changes);
void executor_stages_drop(ExecutorStages *stages, uint64_t stage);
void executor_stages_drop_output(ExecutorStages *stages, uint64_t output);
void executor_stages_drop_map(ExecutorStages *stages, uint64_t output, uint32_t map);

/* Held. ST_CANCELLED: it is not known; else what is wrong with it. What was refused when it came is
 * tried again. */
MUST_CHECK Status executor_stages_hold(ExecutorStages *stages, uint64_t stage, Error *err,
                                       ExecutorStage **stage_out);
void executor_stages_let_go(ExecutorStages *stages, ExecutorStage *stage);

/* Referenced; NULL: it is not known. */
BlockOutput *executor_stages_output(ExecutorStages *stages, uint64_t output);
/* Referenced, and known from now on, with the place of what is to be copied; NULL: it has another
 * shape. */
BlockOutput *executor_stages_copied(ExecutorStages *stages, const OrderCopy *copy);

#endif
