/*
 * plan_wire_here.h -- a plan through bytes and back, within this process: for tests
 *
 * Tables and functions are named by their place in a list that both directions share.
 */
#ifndef VONK_CORE_PLAN_PLAN_WIRE_HERE_H
#define VONK_CORE_PLAN_PLAN_WIRE_HERE_H

#include "core/plan/plan_wire.h"

typedef struct WireHereList {
    uint32_t count, capacity;
    const void **items;
} WireHereList;

typedef struct WireHere {
    Arena *arena;
    WireHereList tables, functions;
} WireHere;

/* Starts from {.arena = arena}; context of the hooks is the WireHere. */
PlanWireHooks wire_here_hooks(WireHere *here);

/* What another process would run: encoded and decoded. ST_INTERNAL unless it prints as the plan
 * does and becomes the same bytes again. hooks NULL: those of a list. */
MUST_CHECK Status plan_wire_here(const Plan *plan, const PlanWireHooks *hooks, Arena *arena,
                                 Error *err, const Plan **twin_out);

#endif
