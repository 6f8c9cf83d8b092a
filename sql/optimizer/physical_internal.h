/*
 * physical_internal.h -- what the files that make the physical plan share
 *
 *     physical.c              node by node, estimates, TOP_N, the order of the root's columns
 *     physical_join.c         hash or nested, which side is built
 *     physical_null_aware.c   NOT IN and its like, made of ordinary joins
 *     physical_setop.c        INTERSECT and EXCEPT, made of aggregates
 *     physical_filters.c      from a join's build side to the scans of its probe side
 */
#ifndef VONK_SQL_OPTIMIZER_PHYSICAL_INTERNAL_H
#define VONK_SQL_OPTIMIZER_PHYSICAL_INTERNAL_H

#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/optimizer_internal.h"

/* An equality that a hash join can use: left of one input, right of the other. */
typedef struct JoinKey {
    const Expr *left;
    const Expr *right;
    bool null_equal;
} JoinKey;

/* Splits a join condition (conjuncts) in keys and the rest; both arrays live in the arena. */
uint32_t physical_split_condition(Arena *arena, const Plan *left, const Plan *right,
                                  const Expr *condition, const JoinKey **keys_out,
                                  const Expr **residual_out);

/* The join over inputs that are physical already. logical gives kind, condition and estimate. */
const Plan *physical_join(RuleCtx *rc, const PlanJoin *logical, const Plan *left,
                          const Plan *right);

/* A join whose null_aware comparison needs no special care any more; the same pointer when it
 * does, or when there is none. Logical in, logical out. */
const Plan *physical_lower_null_aware(RuleCtx *rc, const PlanJoin *join);

/* INTERSECT and EXCEPT [ALL] as an aggregate of both inputs. Logical in, logical out. */
const Plan *physical_lower_setop(RuleCtx *rc, const PlanSetop *setop);

/* The hash join, made of logical, with runtime filters on it and on scans below its left input;
 * other kinds of node come back as they are. */
const Plan *physical_add_filters(RuleCtx *rc, const PlanJoin *logical, const Plan *plan);

#endif
