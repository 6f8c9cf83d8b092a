/*
 * optimizer.c -- the driver: runs the batches of rules over the plan, then makes it physical
 *
 *     batch, pass, rule, node:   apply -> schema check -> plan check
 *
 * A pass runs every rule of a batch once over the whole plan; passes go on until one changes
 * nothing. A rule that left the plan as it was is not run again until another changes the plan.
 * Nodes of one shared_id keep one input: what a rule made of it is remembered during a walk.
 */
#include "sql/optimizer/optimizer.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/base/pointer_map.h"
#include "core/base/stop_check.h"
#include "sql/optimizer/optimizer_internal.h"

typedef struct Driver {
    RuleCtx rc;
    const Rule *rule;
    uint32_t fired;
    PointerMap shared; /* what the walk made of the inputs of SHARED nodes */
    RuleTrace *trace;
    uint32_t trace_count;
    uint32_t trace_capacity;
} Driver;

const Plan *rule_fail(RuleCtx *rc, Status status, const Plan *plan)
{
    CHECK(status != ST_OK);
    if (rc->status == ST_OK)
        rc->status = status;
    return plan;
}

bool rule_must_stop(RuleCtx *rc)
{
    Status status = rc->status;

    if (status == ST_OK)
        status = stop_check(rc->request->cancelled, rc->err);
    if (status == ST_OK)
        status = arena_check(rc->arena, rc->err);
    rc->status = status;
    return status != ST_OK;
}

/* --- one rule, one node --- */

bool opt__is_off(const RuleCtx *rc, const char *name)
{
    const char *disabled = rc->request->disabled_rules;
    size_t length = strlen(name);

    if (disabled == NULL)
        return false;
    if (strcmp(disabled, "all") == 0)
        return true;
    for (const char *at = disabled; (at = strstr(at, name)) != NULL; at += length) {
        bool starts = at == disabled || at[-1] == ',' || at[-1] == ' ';
        bool ends = at[length] == '\0' || at[length] == ',' || at[length] == ' ';

        if (starts && ends)
            return true;
    }
    return false;
}

static bool is_disabled(const RuleCtx *rc, const Rule *rule)
{
    return !rule->is_required && opt__is_off(rc, rule->name);
}

/* In debug builds each rewrite is looked at whole; in others once a batch. */
static Status check_rewrite(Driver *driver, const Plan *before, const Plan *after)
{
    TRY(opt__schema_check(driver->rule, before, after, driver->rc.err));
#ifndef NDEBUG
    Arena *arena = driver->rc.arena;
    Status status = plan_check(arena, after, plan_free_columns(arena, before), driver->rc.err);

    if (status != ST_OK)
        error_detail(driver->rc.err, "after optimizer rule %s, which made of\n%s\nthis:\n%s",
                     driver->rule->name, plan_print(arena, before), plan_print(arena, after));
    return status;
#else
    return ST_OK;
#endif
}

static const Expr *rewrite_one_expr(void *context, const Expr *expr)
{
    Driver *driver = context;

    return driver->rule->rewrite_expr(&driver->rc, expr);
}

static const Plan *apply_rule(Driver *driver, const Plan *plan)
{
    const Rule *rule = driver->rule;
    const Plan *after;
    Status status;

    if (rule->root != RULE_ANY_KIND && plan->kind != rule->root)
        return plan;
    if (rule->rewrite_expr != NULL) {
        driver->rc.node = plan;
        after = plan_rewrite_exprs(driver->rc.arena, plan, rewrite_one_expr, driver);
        driver->rc.node = NULL;
    } else {
        after = rule->rewrite(&driver->rc, plan);
    }
    if (after == plan || driver->rc.status != ST_OK)
        return plan;
    driver->fired++;
    status = check_rewrite(driver, plan, after);
    return status == ST_OK ? after : rule_fail(&driver->rc, status, plan);
}

/* --- one rule, the whole plan --- */

static const Plan *walk(Driver *driver, const Plan *plan);

static const Plan *walk_shared_input(Driver *driver, const Plan *input)
{
    const Plan *after = pointer_map_get(&driver->shared, input);

    if (after == NULL) {
        after = walk(driver, input);
        pointer_map_set(&driver->shared, driver->rc.arena, input, after);
    }
    return after;
}

static const Plan *walk_inputs(Driver *driver, const Plan *plan)
{
    const Plan **inputs;

    if (plan->input_count == 0)
        return plan;
    inputs = ARENA_ARRAY(driver->rc.arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = plan->kind == PLAN_SHARED ? walk_shared_input(driver, plan->inputs[i])
                                              : walk(driver, plan->inputs[i]);
    return plan_with_inputs(driver->rc.arena, plan, inputs);
}

static const Plan *walk(Driver *driver, const Plan *plan)
{
    if (rule_must_stop(&driver->rc))
        return plan;
    if (driver->rule->walk == RULE_TOP_DOWN)
        return walk_inputs(driver, apply_rule(driver, plan));
    return apply_rule(driver, walk_inputs(driver, plan));
}

static void add_trace(Driver *driver, const char *batch, const Plan *before, const Plan *after)
{
    if (!driver->rc.request->keep_trace)
        return;
    if (driver->trace_count == driver->trace_capacity) {
        uint32_t capacity = driver->trace_capacity == 0 ? 32 : driver->trace_capacity * 2;
        RuleTrace *more = ARENA_ARRAY(driver->rc.arena, RuleTrace, capacity);

        if (driver->trace_count > 0)
            memcpy(more, driver->trace, driver->trace_count * sizeof *more);
        driver->trace = more;
        driver->trace_capacity = capacity;
    }
    driver->trace[driver->trace_count++] = (RuleTrace){.batch = batch,
                                                       .rule = driver->rule->name,
                                                       .fired = driver->fired,
                                                       .before = before,
                                                       .after = after};
}

static const Plan *run_rule(Driver *driver, const char *batch, const Rule *rule, const Plan *plan)
{
    const Plan *after;

    driver->rule = rule;
    driver->fired = 0;
    driver->shared = (PointerMap){0};
    after = rule->walk == RULE_WHOLE_PLAN ? apply_rule(driver, plan) : walk(driver, plan);
    if (driver->rc.status == ST_OK)
        driver->rc.status = arena_check(driver->rc.arena, driver->rc.err);
    if (driver->rc.status == ST_OK && after != plan)
        add_trace(driver, batch, plan, after);
    return after;
}

/* --- batches --- */

static const Plan *run_batch(Driver *driver, const RuleBatch *batch, const Plan *plan)
{
    const Plan *seen[RULES_PER_BATCH_MAX] = {0}; /* by which rule, leaving it as it was */
    bool changed = true;

    for (uint32_t pass = 0; changed && pass < batch->passes_max; pass++) {
        changed = false;
        for (uint32_t i = 0; i < RULES_PER_BATCH_MAX && batch->rules[i] != NULL; i++) {
            const Plan *after;

            if (seen[i] == plan || is_disabled(&driver->rc, batch->rules[i]))
                continue;
            after = run_rule(driver, batch->name, batch->rules[i], plan);
            if (rule_must_stop(&driver->rc))
                return plan;
            if (after == plan)
                seen[i] = plan;
            changed |= after != plan;
            plan = after;
        }
    }
    return plan;
}

Status optimize(const OptimizeRequest *request, const Plan *plan, Error *err,
                OptimizeResult *result_out)
{
    Driver driver = {.rc = {.request = request,
                            .arena = request->arena,
                            .ids = request->ids,
                            .err = err,
                            .status = ST_OK}};

    *result_out = (OptimizeResult){0};
    for (uint32_t i = 0; i < opt__batch_count; i++) {
        plan = run_batch(&driver, &opt__batches[i], plan);
        TRY(driver.rc.status);
        TRY(arena_check(request->arena, err));
        TRY(plan_check(request->arena, plan, (ColumnSet){0}, err));
    }
    result_out->logical = plan;
    result_out->trace = driver.trace;
    result_out->trace_count = driver.trace_count;
    TRY(physical_plan_build(&driver.rc, plan, &result_out->physical));
    return arena_check(request->arena, err);
}

/* --- names --- */

static const char *const rule_names[] = {
#define RULE(name) #name,
#define REQUIRED_RULE(name)
#include "sql/optimizer/rules/rules.def"
#define SWITCH(name) #name,
    PHYSICAL_SWITCHES(SWITCH)
#undef SWITCH
};

uint32_t optimizer_rule_names(const char *const **names_out)
{
    *names_out = rule_names;
    return sizeof rule_names / sizeof rule_names[0];
}
