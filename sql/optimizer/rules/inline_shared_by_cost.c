/*
 * inline_shared_by_cost
 *
 *     Join                                  Join
 *       Filter a = 1                          Filter a = 1
 *         Shared #1 (a)            =>           Join x = y ...
 *       Shared #1 (b)                         Join x = y ...
 *         Join x = y ...
 *
 * Where keeping the shared rows and reading them again costs more than making them once more for
 * each reader. Runs once, after the readers' filters have reached the shared plan.
 *
 * Why:  rows of a join are often more than its inputs'; a copy of the plan needs only its own
 *       reader's columns, takes its filters, and streams.
 *
 * Not when:
 *   (1) making them costs more than keeping them, as with most aggregates.
 *   (2) it is volatile: all readers must see the same rows.
 *   (3) user functions make them: nobody knows what those cost or do.
 *   (4) the user asked for it: AS MATERIALIZED.
 */
#include <math.h>

#include "sql/optimizer/cost/cardinality.h"
#include "sql/optimizer/rules/rules.h"

/* Nanoseconds on one thread, measured on TPC-H SF1; only their ratios matter. */
#define SCAN_VALUE_NS 2.0
#define SCAN_TEXT_NS  10.0
#define KEEP_VALUE_NS 5.0
#define KEEP_TEXT_NS  100.0
#define PROBE_ROW_NS  15.0
#define BUILD_ROW_NS  40.0
#define GROUP_ROW_NS  25.0
#define GROUP_NS      50.0
#define SORT_STEP_NS  5.0
#define OTHER_ROW_NS  5.0

/* More than this part of the query's memory is not kept. */
#define KEPT_MEMORY_PART 0.5

typedef struct Making {
    RuleCtx *rc;
    PlanSeen *seen; /* inputs of shared plans count once */
    double ns;
    bool is_volatile; /* (2) or (3) */
} Making;

static double rows_of(const Making *making, const Plan *plan)
{
    return estimate_plan(estimator_of(making->rc), plan)->rows;
}

static double row_ns(const Plan *plan, double value_ns, double text_ns)
{
    double ns = 0;

    for (uint32_t i = 0; i < plan->column_count; i++)
        ns += plan->columns[i].type.id == TYPE_TEXT ? text_ns : value_ns;
    return ns;
}

static double node_ns(const Making *making, const Plan *plan)
{
    double rows = rows_of(making, plan);
    double inputs[2] = {0, 0};

    for (uint32_t i = 0; i < plan->input_count && i < 2; i++)
        inputs[i] = rows_of(making, plan->inputs[i]);
    switch (plan->kind) {
    case PLAN_SCAN:
        return estimate_plan(estimator_of(making->rc), plan)->base_rows *
               row_ns(plan, SCAN_VALUE_NS, SCAN_TEXT_NS);
    case PLAN_JOIN: /* the smaller side is built, whatever the order now */
        return fmax(inputs[0], inputs[1]) * PROBE_ROW_NS +
               fmin(inputs[0], inputs[1]) * BUILD_ROW_NS + rows * OTHER_ROW_NS;
    case PLAN_AGGREGATE:
        return inputs[0] * GROUP_ROW_NS + rows * GROUP_NS;
    case PLAN_SORT:
        return inputs[0] * log2(inputs[0] + 2) * SORT_STEP_NS;
    default:
        return rows * OTHER_ROW_NS;
    }
}

static void add_costs(Making *making, const Plan *plan)
{
    if (plan_seen(making->rc->arena, plan, &making->seen))
        return;
    making->is_volatile |= node_is_volatile(plan) || plan->kind == PLAN_CALL ||
                           plan->kind == PLAN_COMBINE || plan->kind == PLAN_GROUP ||
                           plan->kind == PLAN_WRITE;
    making->ns += node_ns(making, plan);
    for (uint32_t i = 0; i < plan->input_count; i++)
        add_costs(making, plan->inputs[i]);
}

static double row_bytes(RuleCtx *rc, const Plan *plan)
{
    const RelEstimate *estimate = estimate_plan(estimator_of(rc), plan);
    double bytes = 0;

    for (uint32_t i = 0; i < plan->column_count; i++)
        bytes += fmax(estimate->columns[i].value_bytes, 1);
    return bytes;
}

static bool costs_more_to_keep(RuleCtx *rc, const PlanShared *shared, uint32_t reader_count)
{
    const Plan *input = shared->head.inputs[0];
    Making making = {.rc = rc};
    double rows;

    if (shared->is_materialized)
        return false; /* (4) */
    add_costs(&making, input);
    if (making.is_volatile)
        return false; /* (2) (3) */
    rows = rows_of(&making, input);
    return making.ns * (reader_count - 1) < rows * row_ns(input, KEEP_VALUE_NS, KEEP_TEXT_NS) ||
           rows * row_bytes(rc, input) > KEPT_MEMORY_PART * (double)rc->request->memory_bytes;
}

static const Plan *inline_shared_by_cost(RuleCtx *rc, const Plan *plan)
{
    if (rc->ids->last_shared == 0)
        return plan;
    estimator_prepare(estimator_of(rc), plan);
    return inline_shared_where(rc, plan, costs_more_to_keep);
}

const Rule rule_inline_shared_by_cost = {
    .name = "inline_shared_by_cost",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = inline_shared_by_cost,
};
