/*
 * distribute_aggregate.h -- an aggregate in two halves, one on each side of an exchange
 *
 *     Project k, s::bigint, n::bigint                 finish
 *       Aggregate k, sum(s), sum(n)
 *         Exchange hash k
 *           Aggregate k, sum(x) AS s, count(*) AS n   begin
 *
 * Why:  an exchange moves a row a group and partition, not all of them.
 *       What is rounded at the end (avg, variances, sums of floats) moves as a state (AggStep).
 *
 * Not when:
 *   (1) some aggregate is of distinct values.
 *   (2) there are keys, and not many rows of each are expected in a partition.
 */
#ifndef VONK_SQL_OPTIMIZER_DISTRIBUTE_AGGREGATE_H
#define VONK_SQL_OPTIMIZER_DISTRIBUTE_AGGREGATE_H

#include "core/plan/plan.h"

bool distribute_can_halve(const PlanAggregate *aggregate);

/* The lower half, over that input; its keys keep their ids. */
const Plan *distribute_begin_aggregate(Arena *arena, PlanIds *ids, const PlanAggregate *aggregate,
                                       const Plan *input);

/* The upper half; `moved` has the columns of `begun`. Columns are those of the aggregate. */
const Plan *distribute_finish_aggregate(Arena *arena, PlanIds *ids, const PlanAggregate *aggregate,
                                        const Plan *begun, const Plan *moved);

#endif
