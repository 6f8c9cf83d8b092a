/*
 * push_filter_through_call
 *
 *     Filter id > 7                           Call  map to_pair: its id is the input's id
 *       Call  map to_pair          =>           Filter id > 7
 *         X                                       X
 *
 * A column that every function of the call passes on as it is stands for the column it comes from:
 * the job's bitcode says so (core/plan/call_fields.h).
 *
 * Why:  on its way to the scan, below user functions, which get fewer records.
 *
 * Not when:
 *   (1) some function does more than make its output of its input, or is not known: it may count
 *       the records it gets, or fail on one that the filter would drop.
 *   (2) a column in the predicate is made by a function.
 *   (3) the predicate is volatile.
 *   (4) the predicate may fail and the call drops records: those may be the ones that it fails on.
 */
#include "core/plan/call_fields.h"
#include "sql/optimizer/rules/rules.h"

/* The part below the call; NULL: it stays. */
static const Expr *below_call(RuleCtx *rc, const PlanCall *call, const Expr *part)
{
    ColumnId *from = ARENA_ARRAY(rc->arena, ColumnId, call->head.column_count);
    const Expr **to = ARENA_ARRAY(rc->arena, const Expr *, call->head.column_count);
    ColumnMap map = {0, from, to};
    ColumnSet columns = expr_columns(rc->arena, part);

    if (expr_is_volatile(part) || (expr_can_fail(part) && call_drops_records(call)))
        return NULL; /* (3), (4) */
    for (uint32_t i = 0; i < call->head.column_count; i++) {
        const PlanColumn *column = &call->head.columns[i];
        uint32_t field;

        if (!column_set_has(columns, column->id))
            continue;
        if (!call_passes_field(call, i, &field))
            return NULL; /* (2) */
        from[map.count] = column->id;
        to[map.count++] = expr_column(rc->arena, call->args.ids[field], column->type);
    }
    return expr_substitute(rc->arena, part, &map);
}

static const Plan *push_filter_through_call(RuleCtx *rc, const Plan *plan)
{
    const PlanFilter *filter = plan_as_filter(plan);
    const PlanCall *call = plan_as_call(plan->inputs[0]);
    ExprVec below = {.arena = rc->arena}, stays = {.arena = rc->arena};
    const Expr *const *parts;
    uint32_t count;

    if (call == NULL || !call_is_pure(call))
        return plan; /* (1) */
    count = expr_split_and(rc->arena, filter->predicate, &parts);
    for (uint32_t i = 0; i < count; i++) {
        const Expr *part = below_call(rc, call, parts[i]);

        if (part == NULL)
            expr_vec_add(&stays, parts[i]);
        else
            expr_vec_add(&below, part);
    }
    return plan_filter_below(rc, plan, &below, &stays);
}

const Rule rule_push_filter_through_call = {
    .name = "push_filter_through_call",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_FILTER,
    .rewrite = push_filter_through_call,
};
