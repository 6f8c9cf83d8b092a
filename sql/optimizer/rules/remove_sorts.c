/*
 * remove_sorts
 *
 *     Aggregate                 Aggregate           Sort a, b, a           Sort a, b
 *       Sort a          =>        X                   X             =>       X
 *         X
 *
 * From the root down each node learns whether anybody sees its order. Sorts that nobody sees go;
 * so do those of at most one row, keys that were there before, and keys behind a unique one.
 *
 * Why:  sorting is dear, and ORDER BY in views and subqueries is a habit.
 *
 * Not when:
 *   (1) a LIMIT above, of all rows or of each group, picks rows by the order.
 *   (2) an aggregate above takes the first row's value.
 *   (3) a UNION ALL above hands the rows on in order.
 *   (4) it is an RDD's: joins and sorts above keep its order among rows that are alike to them.
 *       Only an aggregate of all rows (a count) does not see it.
 */
#include "sql/optimizer/rules/rules.h"

typedef struct SortRemover {
    RuleCtx *rc;
    PlanMemo memo;
} SortRemover;

/* Who is above a plan. */
typedef struct Above {
    bool sees_order;
    bool sees_kept; /* of a sort that is kept */
} Above;

static const Plan *visit(SortRemover *remover, const Plan *plan, Above above);

static bool has_first(const PlanAggregate *aggregate)
{
    for (uint32_t i = 0; i < aggregate->aggs.count; i++)
        if (aggregate->aggs.items[i]->agg == AGG_FIRST)
            return true;
    return false;
}

/* Keys without those that cannot decide: repeated ones, and all after the keys so far are unique.
 */
static const Plan *shorten(RuleCtx *rc, const PlanSort *sort)
{
    SortKey *keys = ARENA_ARRAY(rc->arena, SortKey, sort->keys.count);
    ColumnId *ids = ARENA_ARRAY(rc->arena, ColumnId, sort->keys.count);
    uint32_t count = 0;
    const Plan *plan;

    for (uint32_t i = 0; i < sort->keys.count; i++) {
        ColumnSet so_far = column_set_make(rc->arena, count, ids);

        if (column_set_has(so_far, sort->keys.items[i].column))
            continue;
        if (plan_is_unique_on(rc->arena, sort->head.inputs[0], so_far))
            break;
        keys[count] = sort->keys.items[i];
        ids[count] = keys[count].column;
        count++;
    }
    if (count == sort->keys.count)
        return &sort->head;
    if (count == 0)
        return sort->head.inputs[0];
    plan = plan_sort(rc->arena, sort->head.inputs[0], count, keys);
    return sort->is_kept ? plan_sort_keep(rc->arena, plan) : plan;
}

static const Plan *visit_shared_input(SortRemover *remover, const Plan *input)
{
    const Plan *after = plan_memo_find(&remover->memo, input);

    if (after == NULL) {
        after = visit(remover, input, (Above){true, true});
        plan_memo_note(remover->rc, &remover->memo, input, after);
    }
    return after;
}

static bool input_order_is_seen(const Plan *plan, bool order_is_seen)
{
    switch (plan->kind) {
    case PLAN_LIMIT: /* (1) */
    case PLAN_GROUP_LIMIT:
    case PLAN_GROUP_CONCAT:
    case PLAN_WRITE:
    case PLAN_CALL: /* functions see rows in their order */
    case PLAN_COMBINE:
    case PLAN_GROUP:
    case PLAN_EXCHANGE:
        return true;
    case PLAN_AGGREGATE:
        return has_first((const PlanAggregate *)plan); /* (2) */
    case PLAN_FILTER:
    case PLAN_PROJECT:
    case PLAN_UNION: /* (3) */
        return order_is_seen;
    default:
        return false;
    }
}

static bool input_kept_is_seen(const Plan *plan, bool kept_is_seen) /* (4) */
{
    switch (plan->kind) {
    case PLAN_AGGREGATE: {
        const PlanAggregate *aggregate = (const PlanAggregate *)plan;

        return aggregate->keys.count > 0 || has_first(aggregate);
    }
    case PLAN_FILTER:
    case PLAN_PROJECT:
    case PLAN_UNION:
    case PLAN_JOIN:
    case PLAN_SORT:
        return kept_is_seen;
    default:
        return true;
    }
}

static const Plan *visit(SortRemover *remover, const Plan *plan, Above above)
{
    Arena *arena = remover->rc->arena;
    Above inputs_above = {input_order_is_seen(plan, above.sees_order),
                          input_kept_is_seen(plan, above.sees_kept)};
    const Plan **inputs;

    if (plan->kind == PLAN_SORT && !above.sees_order &&
        !(plan_as_sort(plan)->is_kept && above.sees_kept))
        return visit(remover, plan->inputs[0], above);
    inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = plan->kind == PLAN_SHARED ? visit_shared_input(remover, plan->inputs[i])
                                              : visit(remover, plan->inputs[i], inputs_above);
    plan = plan_with_inputs(arena, plan, inputs);
    return plan->kind == PLAN_SORT ? shorten(remover->rc, (const PlanSort *)plan) : plan;
}

static const Plan *remove_sorts(RuleCtx *rc, const Plan *plan)
{
    SortRemover remover = {.rc = rc};

    return visit(&remover, plan, (Above){true, true});
}

const Rule rule_remove_sorts = {
    .name = "remove_sorts",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = remove_sorts,
};
