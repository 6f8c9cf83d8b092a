/*
 * push_call_filter
 *
 *     Call  filter is_big, map f              Call  map f
 *       Exchange hash k                         Exchange hash k
 *         X                              =>       Call  filter is_big
 *                                                   X
 *
 * Filters that are a call's first functions move below an exchange that says by the row alone where
 * it goes, and below a sort.
 *
 * Why:  rows that are dropped are neither moved nor sorted, and the filter may join the call below.
 *
 * Not when:
 *   (1) the filter does more than look at its record, or is not known: it may count the records
 *       that it gets, or ask which partition it is in.
 *   (2) where a row goes depends on how many rows there are (DEAL), or rows are kept for others.
 *   (3) a key of the exchange or the sort is no field of the record.
 */
#include "core/plan/call_fields.h"
#include "sql/optimizer/rules/rules.h"

static bool is_passed(const Plan *plan)
{
    const PlanExchange *exchange = plan_as_exchange(plan);

    return exchange == NULL ? plan->kind == PLAN_SORT : exchange_places_by_row(exchange); /* (2) */
}

/* The column of `to` in the place that id has in `from`. */
static bool rename_column(ColumnList from, ColumnList to, ColumnId *id)
{
    for (uint32_t i = 0; i < from.count; i++)
        if (from.ids[i] == *id) {
            *id = to.ids[i];
            return true;
        }
    return false; /* (3) */
}

static bool rename_keys(RuleCtx *rc, ColumnList from, ColumnList to, SortKeyList *keys)
{
    SortKey *items = arena_copy(rc->arena, keys->items, keys->count * sizeof *items);

    for (uint32_t i = 0; i < keys->count; i++)
        if (!rename_column(from, to, &items[i].column))
            return false;
    keys->items = items;
    return true;
}

/* The sort or exchange over the filtered rows; NULL: it needs what is no field. */
static const Plan *over(RuleCtx *rc, const Plan *plan, const Plan *filtered, ColumnList from,
                        ColumnList to)
{
    const PlanExchange *exchange = plan_as_exchange(plan);
    PlanExchange *copy;
    ColumnId *keys;

    if (exchange == NULL) {
        SortKeyList order = plan_as_sort(plan)->keys;
        const Plan *sorted;

        if (!rename_keys(rc, from, to, &order))
            return NULL;
        sorted = plan_sort(rc->arena, filtered, order.count, order.items);
        return plan_as_sort(plan)->is_kept ? plan_sort_keep(rc->arena, sorted) : sorted;
    }
    copy = arena_copy(rc->arena, exchange, sizeof *copy);
    keys = arena_copy(rc->arena, exchange->keys.ids, exchange->keys.count * sizeof *keys);
    for (uint32_t i = 0; i < exchange->keys.count; i++)
        if (!rename_column(from, to, &keys[i]))
            return NULL;
    copy->keys.ids = keys;
    if (!rename_keys(rc, from, to, &copy->order))
        return NULL;
    copy->head.column_count = filtered->column_count;
    copy->head.columns = filtered->columns;
    return plan_with_input(rc->arena, &copy->head, filtered);
}

static const Plan *push_call_filter(RuleCtx *rc, const Plan *plan)
{
    const PlanCall *call = plan_as_call(plan);
    const CallStep *const *steps = call_steps(rc->arena, call->steps);
    const Plan *moves = plan->inputs[0], *at;
    ColumnList args = call->args;
    uint32_t filters = 0;

    while (filters < call->steps.count && steps[filters]->kind == CALL_FILTER &&
           call_step_is_pure(steps[filters])) /* (1) */
        filters++;
    if (filters == 0 || !is_passed(moves))
        return plan;
    at = moves->inputs[0];
    for (uint32_t i = 0; i < filters; i++)
        at = rule_add_call_step(rc, at, &args, steps[i],
                                i + 1 < call->steps.count ? NULL : plan->columns);
    at = over(rc, moves, at, call->args, args);
    if (at == NULL)
        return plan;
    for (uint32_t i = filters; i < call->steps.count; i++)
        at = rule_add_call_step(rc, at, &args, steps[i],
                                i + 1 < call->steps.count ? NULL : plan->columns);
    return at;
}

const Rule rule_push_call_filter = {
    .name = "push_call_filter",
    .walk = RULE_TOP_DOWN,
    .root = PLAN_CALL,
    .rewrite = push_call_filter,
};
