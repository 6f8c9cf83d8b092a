/*
 * stages.h -- a physical plan is cut into stages
 *
 *     Top-N                    stage 0   scan b -> build of the join
 *       Hash Join              stage 1   scan a -> filter -> probe -> top-n
 *         Filter               stage 2   top-n -> result
 *           Scan a
 *         Scan b
 *
 * Breakers end a stage: join builds, aggregates, sorts, LIMIT inside a plan, shared
 * subplans, writes. Adjacent filters and a projection become one operator. The last stage ends in
 * the result queue, which also applies the plan's topmost LIMIT.
 *
 * Thread: built and released by one.
 */
#ifndef VONK_EXEC_STAGES_H
#define VONK_EXEC_STAGES_H

#include "exec/pipeline.h"
#include "exec/result_queue.h"

/* Which operator executes a node, for statistics. Nodes that were fused share one. */
typedef struct NodeOperator {
    const Plan *node;
    Operator *op;
    bool is_fused; /* the operator's time and rows are shown with another node */
    uint32_t stage;
} NodeOperator;

typedef struct StageSet {
    uint32_t stage_count;
    Stage **stages; /* each depends on earlier ones only; the last one fills the queue */
    uint32_t operator_count;
    Operator **operators; /* all */
    uint32_t node_count;
    NodeOperator *nodes;
    ResultQueue *queue;
} StageSet;

/* Everything lives in the arena. On failure, too, *set_out holds what was made: release it. */
MUST_CHECK Status stages_build(const ExecContext *context, Arena *arena, const Plan *plan,
                               Error *err, StageSet **set_out);

/* Closes what is open and lets go of kernels. */
void stages_release(StageSet *set);

/* The operator of a node, or NULL. */
const NodeOperator *stages_find_node(const StageSet *set, const Plan *node);

#endif
