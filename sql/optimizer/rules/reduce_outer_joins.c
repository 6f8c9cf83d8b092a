/*
 * reduce_outer_joins
 *
 *     Filter b > 1                    Filter b > 1
 *       Left Join a = b        =>       Inner Join a = b
 *         L (a)                           L (a)
 *         R (b)                           R (b)
 *
 * From the root down each node learns which columns its consumers want not to be NULL: rows where
 * one is NULL are dropped above. A join that would pad such a column need not pad.
 *
 *     FULL, a left column is wanted    LEFT                    (rows of the right side alone go)
 *     FULL, a right column is wanted   LEFT, sides exchanged
 *     FULL, both; LEFT, a right one    INNER
 *
 * Why:  inner joins can be reordered, let filters pass to both sides, and filter at run time.
 *
 * Not when:
 *   (1) the predicate can be TRUE of NULL.
 *         SELECT * FROM a LEFT JOIN b ON a.k = b.k WHERE b.v > 1 OR b.v IS NULL
 *   (2) there is a LIMIT in between: the padded rows count for it.
 *   (3) the join is a SINGLE join: a second match is still an error.
 */
#include "sql/optimizer/rules/rules.h"

typedef struct Reducer {
    RuleCtx *rc;
    PlanMemo memo;
} Reducer;

static const Plan *reduce(Reducer *reducer, const Plan *plan, ColumnSet wanted);

static ColumnSet with_rejected(Reducer *reducer, ColumnSet wanted, const Expr *predicate)
{
    Arena *arena = reducer->rc->arena;

    return column_set_union(arena, wanted, expr_rejected_columns(arena, predicate));
}

static const Plan *reduce_input(Reducer *reducer, const Plan *plan, ColumnSet wanted)
{
    return plan_with_input(reducer->rc->arena, plan, reduce(reducer, plan->inputs[0], wanted));
}

/* The input's columns that must not be NULL for the wanted ones to be not NULL. */
static ColumnSet wanted_below(Reducer *reducer, const ColumnMap *map, ColumnSet wanted)
{
    Arena *arena = reducer->rc->arena;
    ColumnSet below = {0};

    for (uint32_t i = 0; i < map->count; i++)
        if (column_set_has(wanted, map->from[i]))
            below = column_set_union(arena, below, expr_null_columns(arena, map->to[i]));
    return below;
}

/* FULL JOIN by the sides whose rows must be there. */
static JoinKind reduce_full(bool wants_left, bool wants_right, bool *exchange_out)
{
    *exchange_out = wants_right && !wants_left;
    return wants_left && wants_right   ? JOIN_INNER
           : wants_left || wants_right ? JOIN_LEFT
                                       : JOIN_FULL;
}

static const Plan *reduce_join_inputs(Reducer *reducer, const PlanJoin *join, ColumnSet wanted)
{
    ColumnSet left = wanted, right = {0};
    const Plan *inputs[2];

    switch ((JoinKind)join->kind) {
    case JOIN_INNER:
        left = right = with_rejected(reducer, wanted, join->condition);
        break;
    case JOIN_SEMI:
        left = with_rejected(reducer, wanted, join->condition);
        right = with_rejected(reducer, right, join->condition);
        break;
    case JOIN_LEFT:
    case JOIN_SINGLE:
    case JOIN_ANTI:
    case JOIN_MARK:
        right = with_rejected(reducer, right, join->condition);
        break;
    default:
        left = (ColumnSet){0};
        break;
    }
    inputs[0] = reduce(reducer, join->head.inputs[0], left);
    inputs[1] = reduce(reducer, join->head.inputs[1], right);
    return plan_with_inputs(reducer->rc->arena, &join->head, inputs);
}

static const Plan *reduce_join(Reducer *reducer, const PlanJoin *join, ColumnSet wanted)
{
    Arena *arena = reducer->rc->arena;
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    bool wants_left = column_set_overlaps(wanted, plan_output(arena, left));
    bool wants_right = column_set_overlaps(wanted, plan_output(arena, right));
    JoinKind kind = (JoinKind)join->kind;
    bool exchange = false;
    const Plan *reduced;

    if (kind == JOIN_FULL)
        kind = reduce_full(wants_left, wants_right, &exchange);
    else if (kind == JOIN_LEFT && wants_right)
        kind = JOIN_INNER;
    if (kind == (JoinKind)join->kind)
        return reduce_join_inputs(reducer, join, wanted);
    reduced =
        plan_join(arena, kind, exchange ? right : left, exchange ? left : right, join->condition);
    reduced = reduce_join_inputs(reducer, plan_as_join(reduced), wanted);
    return plan_select_like(arena, reduced, &join->head);
}

static const Plan *reduce_set(Reducer *reducer, const Plan *plan, ColumnSet wanted)
{
    Arena *arena = reducer->rc->arena;
    const Plan **inputs = ARENA_ARRAY(arena, const Plan *, plan->input_count);

    for (uint32_t i = 0; i < plan->input_count; i++) {
        ColumnMap map = set_map(arena, plan, i);

        inputs[i] = reduce(reducer, plan->inputs[i], wanted_below(reducer, &map, wanted));
    }
    return plan_with_inputs(arena, plan, inputs);
}

/* All nodes of one shared_id keep one input; what one wants the others may not. */
static const Plan *reduce_shared(Reducer *reducer, const Plan *plan)
{
    const Plan *before = plan->inputs[0];
    const Plan *after = plan_memo_find(&reducer->memo, before);

    if (after == NULL) {
        after = reduce(reducer, before, (ColumnSet){0});
        plan_memo_note(reducer->rc, &reducer->memo, before, after);
    }
    return plan_with_input(reducer->rc->arena, plan, after);
}

static const Plan *reduce(Reducer *reducer, const Plan *plan, ColumnSet wanted)
{
    Arena *arena = reducer->rc->arena;

    switch (plan->kind) {
    case PLAN_FILTER:
        return reduce_input(reducer, plan,
                            with_rejected(reducer, wanted, ((const PlanFilter *)plan)->predicate));
    case PLAN_PROJECT: {
        ColumnMap map = project_map(arena, (const PlanProject *)plan);

        return reduce_input(reducer, plan, wanted_below(reducer, &map, wanted));
    }
    case PLAN_AGGREGATE: {
        const PlanAggregate *aggregate = (const PlanAggregate *)plan;
        ColumnSet keys = column_set_make(arena, aggregate->keys.count, aggregate->keys.ids);

        return reduce_input(reducer, plan, column_set_intersect(arena, wanted, keys));
    }
    case PLAN_SORT:
        return reduce_input(reducer, plan, wanted);
    case PLAN_JOIN:
        return reduce_join(reducer, (const PlanJoin *)plan, wanted);
    case PLAN_UNION:
        return reduce_set(reducer, plan, wanted);
    case PLAN_SHARED:
        return reduce_shared(reducer, plan);
    case PLAN_SETOP:
        return reduce_set(reducer, plan, (ColumnSet){0});
    case PLAN_LIMIT: /* (2) */
    case PLAN_GROUP_LIMIT:
    case PLAN_GROUP_CONCAT:
    case PLAN_WRITE:
        return reduce_input(reducer, plan, (ColumnSet){0});
    case PLAN_TABLE_FUNCTION:
        return plan->input_count == 0 ? plan : reduce_input(reducer, plan, (ColumnSet){0});
    default:
        return plan;
    }
}

static const Plan *reduce_outer_joins(RuleCtx *rc, const Plan *plan)
{
    Reducer reducer = {.rc = rc};

    return reduce(&reducer, plan, (ColumnSet){0});
}

const Rule rule_reduce_outer_joins = {
    .name = "reduce_outer_joins",
    .walk = RULE_WHOLE_PLAN,
    .root = RULE_ANY_KIND,
    .rewrite = reduce_outer_joins,
};
