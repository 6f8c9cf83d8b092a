/*
 * rule.h -- a rule: one rewrite of the plan that keeps its result
 *
 *     const Rule rule_push_limit_through_project = {
 *         .name = "push_limit_through_project", .root = PLAN_LIMIT, .rewrite = ...};
 *
 * A rule looks at one node (rewrite), one expression (rewrite_expr) or the whole plan
 * (RULE_WHOLE_PLAN), and returns it as it was, the same pointer, or something better with the same
 * columns. The driver (optimizer.c) owns all else: walking, the fixed point, switching off by
 * name, tracing, and the checks after each rewrite. batches.c says which rules run when.
 *
 * Thread: a RuleCtx is one query's; rules keep no state of their own.
 */
#ifndef VONK_SQL_OPTIMIZER_RULE_H
#define VONK_SQL_OPTIMIZER_RULE_H

#include "sql/optimizer/optimizer.h"

typedef struct RuleCtx {
    const OptimizeRequest *request;
    Arena *arena;
    PlanIds *ids;
    Error *err;       /* may be NULL */
    Status status;    /* the first failure of a rule: rule_fail() sets it, the driver stops */
    const Plan *node; /* rewrite_expr: the node that the expression stands in; else NULL */
    struct Estimator *estimator; /* cost/cardinality.h: made on first use, starts as NULL */
} RuleCtx;

typedef enum RuleWalk {
    RULE_BOTTOM_UP, /* inputs first, then the node                                          */
    RULE_TOP_DOWN,  /* the node first, then what it became: for pushing through many levels */
    RULE_WHOLE_PLAN /* rewrite is called once, with the root                                */
} RuleWalk;

/* .root of rules that look at nodes of any kind. */
#define RULE_ANY_KIND PLAN_KIND_COUNT

typedef struct Rule {
    const char *name;
    RuleWalk walk;
    PlanKind root;
    bool is_required; /* results depend on it: no switch, no trace of "disabled" */
    const Plan *(*rewrite)(RuleCtx *rc, const Plan *plan);
    const Expr *(*rewrite_expr)(RuleCtx *rc, const Expr *expr); /* arguments come rewritten */
} Rule;

enum { RULES_PER_BATCH_MAX = 64 };

/* Runs its rules in order over the plan, again and again until none changes it or passes_max. */
typedef struct RuleBatch {
    const char *name;
    uint32_t passes_max;
    const Rule *const *rules; /* up to the first NULL */
} RuleBatch;

/* Notes the failure (the words must be in rc->err already) and returns plan. */
const Plan *rule_fail(RuleCtx *rc, Status status, const Plan *plan);

/* A rule failed, the query was cancelled, or its plan has outgrown its arena. The driver asks at
 * each node; rules ask where one node is long work. What they return then is not looked at. */
bool rule_must_stop(RuleCtx *rc);

#endif
