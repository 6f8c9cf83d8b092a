/*
 * optimizer_internal.h -- what the optimizer's files share
 *
 *     optimizer.c  drives:  batches.c's rules  ->  physical_plan_build
 *     join_order.c is a rule like the others (whole plan), run after the push-down batches
 */
#ifndef VONK_SQL_OPTIMIZER_OPTIMIZER_INTERNAL_H
#define VONK_SQL_OPTIMIZER_OPTIMIZER_INTERNAL_H

#include "sql/optimizer/rule.h"

/* batches.c: the whole strategy, in order. */
extern const RuleBatch opt__batches[];
extern const uint32_t opt__batch_count;

/* join_order.c: a RULE_WHOLE_PLAN rule. Failures through rule_fail(). */
extern const Rule rule_join_order;

/* narrow_decimals.c: a RULE_WHOLE_PLAN rule, the last one; after it only physical_plan_build. */
extern const Rule rule_narrow_decimals;

/* physical.c: the plan that executors run, estimates filled in. */
MUST_CHECK Status physical_plan_build(RuleCtx *rc, const Plan *logical, const Plan **physical_out);

/* Steps of the physical planner that are switched off by name, as rules are: LIMIT over SORT as one
 * node, building the smaller side, NOT IN by hash although there are NULLs, filters from a join's
 * build side in scans. */
#define PHYSICAL_SWITCHES(SWITCH)                                                                  \
    SWITCH(top_n) SWITCH(join_sides) SWITCH(hash_not_in) SWITCH(runtime_filters)

/* optimizer.c: is it among the request's disabled rules? */
bool opt__is_off(const RuleCtx *rc, const char *name);

/* schema_check.c: ST_INTERNAL when after lacks one of before's columns, in order, ids and types
 * alike, or says that a column is never null where before could not. */
MUST_CHECK Status opt__schema_check(const Rule *rule, const Plan *before, const Plan *after,
                                    Error *err);

#endif
