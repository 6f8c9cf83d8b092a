/*
 * plan_brief.h -- plans as EXPLAIN shows them
 */
#ifndef VONK_CORE_PLAN_PLAN_BRIEF_H
#define VONK_CORE_PLAN_PLAN_BRIEF_H

#include "core/plan/plan.h"

/* A line for each node, in the order of a pre-order walk that goes into the input of SHARED nodes
 * once, below the first of them (plan_seen): as plan_print has it, without columns and estimates,
 * and with ids only where two columns share a name. All of it lives in the arena. */
const char *const *plan_brief_lines(Arena *arena, const Plan *plan, uint32_t *count_out);

#endif
