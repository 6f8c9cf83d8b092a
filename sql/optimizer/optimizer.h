/*
 * optimizer.h -- rules rewrite the logical plan, statistics order its joins, and it becomes
 * physical
 *
 *     logical plan -> batches of rules to a fixed point -> join order -> physical plan
 *
 * Results never depend on it: every rule can be switched off by name. After each rewrite the
 * schema must be the same and plan_check() must hold.
 */
#ifndef VONK_SQL_OPTIMIZER_OPTIMIZER_H
#define VONK_SQL_OPTIMIZER_OPTIMIZER_H

#include <stdatomic.h>

#include "core/plan/plan.h"

/* One step of EXPLAIN (RULES). */
typedef struct RuleTrace {
    const char *batch;
    const char *rule;
    uint32_t fired; /* times in this pass */
    const Plan *before;
    const Plan *after;
} RuleTrace;

typedef struct OptimizeRequest {
    Arena *arena;
    PlanIds *ids;
    const char
        *disabled_rules;   /* "rule,rule" or "all"; NULL: none. What correctness needs (unnesting,
                                 * lowering) have no switch. */
    uint64_t memory_bytes; /* the query's budget */
    uint32_t threads;
    Status (*eval_const)(Arena *arena, const Expr *expr, Error *err, Value *value_out);
    /* How many rows of a sample the predicate keeps; values[i] is columns[i], FLAT. For estimates
     * only: a failure (division by zero in some row) is no failure of the query. NULL: textbook
     * selectivities. */
    Status (*eval_filter)(Arena *arena, const Expr *predicate, uint32_t column_count,
                          const PlanColumn *columns, const Column *values, uint32_t row_count,
                          Error *err, uint32_t *kept_count_out);
    const atomic_bool *cancelled; /* looked at between rewrites; NULL: never */
    bool keep_trace;
} OptimizeRequest;

typedef struct OptimizeResult {
    const Plan *logical;  /* after all rules         */
    const Plan *physical; /* what executors run      */
    uint32_t trace_count;
    const RuleTrace *trace;
} OptimizeResult;

MUST_CHECK Status optimize(const OptimizeRequest *request, const Plan *plan, Error *err,
                           OptimizeResult *result_out);

/* Names of all rules that can be switched off, for completion and checks. */
uint32_t optimizer_rule_names(const char *const **names_out);

#endif
