/*
 * physical_as_logical.h -- a physical plan said in logical nodes, for plan_interpreter.h to run
 *
 *     HashJoin right semi (probe, build), keys, residual   =>   Semi Join (build, probe), condition
 *     TopN                                                 =>   Limit (Sort)
 *
 * Runtime filters are left out: they change no result.
 */
#ifndef VONK_TESTS_PLANS_PHYSICAL_AS_LOGICAL_H
#define VONK_TESTS_PLANS_PHYSICAL_AS_LOGICAL_H

#include "core/plan/plan.h"

const Plan *physical_as_logical(Arena *arena, const Plan *plan);

#endif
