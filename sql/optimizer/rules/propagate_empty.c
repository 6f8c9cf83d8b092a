/*
 * propagate_empty
 *
 *     Inner Join              (no rows)          Left Join           Project a, NULL AS b
 *       L              =>                          L          =>       L
 *       (no rows)                                  (no rows)
 *
 * A filter whose predicate is FALSE or NULL, LIMIT 0, and all that nothing comes out of when
 * nothing goes in. What is left of unions, set operations, anti and mark joins is simplified
 * likewise.
 *
 * Why:  no scan need start to find nothing.
 *
 * Not when:
 *   (1) an aggregate has no keys: it has a row of no input. It becomes that row.
 *         SELECT count(*) FROM t WHERE false
 */
#include "sql/optimizer/rules/rules.h"

static bool is_false_filter(const Plan *plan)
{
    return plan->kind == PLAN_FILTER &&
           expr_is_false_or_null(((const PlanFilter *)plan)->predicate);
}

/* plan's columns from input: those that it has, NULLs for the others, `mark` FALSE. */
static const Plan *pad(RuleCtx *rc, const Plan *plan, const Plan *input, ColumnId mark)
{
    ColumnVec outputs = {.arena = rc->arena};

    for (uint32_t i = 0; i < plan->column_count; i++) {
        const PlanColumn *column = &plan->columns[i];
        const Expr *expr;

        if (plan_column(input, column->id) != NULL)
            expr = expr_of_column(rc->arena, column);
        else if (column->id == mark)
            expr = expr_const(rc->arena, value_bool(false));
        else
            expr = expr_const(rc->arena, value_null(column->type));
        column_vec_add(&outputs, expr, *column);
    }
    return column_vec_project(&outputs, input);
}

static const Plan *empty_join(RuleCtx *rc, const PlanJoin *join)
{
    const Plan *plan = &join->head, *left = plan->inputs[0], *right = plan->inputs[1];
    bool no_left = plan_is_empty(left), no_right = plan_is_empty(right);

    if (!no_left && !no_right)
        return plan;
    switch ((JoinKind)join->kind) {
    case JOIN_INNER:
    case JOIN_SEMI:
        return plan_empty(rc->arena, plan);
    case JOIN_FULL:
        return no_left && no_right ? plan_empty(rc->arena, plan)
                                   : pad(rc, plan, no_left ? right : left, 0);
    case JOIN_LEFT:
    case JOIN_SINGLE:
    case JOIN_ANTI:
    case JOIN_MARK:
        return no_left ? plan_empty(rc->arena, plan) : pad(rc, plan, left, join->mark);
    default:
        return plan;
    }
}

/* The row of an aggregate over nothing. */
static const Plan *aggregate_of_nothing(RuleCtx *rc, const PlanAggregate *aggregate)
{
    ColumnVec outputs = {.arena = rc->arena};

    for (uint32_t i = 0; i < aggregate->aggs.count; i++) {
        const Expr *agg = aggregate->aggs.items[i];
        bool is_zero = (agg_properties(agg->agg) & AGG_ZERO_IS_EMPTY) != 0;

        column_vec_add(&outputs,
                       expr_const(rc->arena, is_zero ? value_int8(0) : value_null(agg->type)),
                       aggregate->head.columns[i]);
    }
    return column_vec_project(&outputs, plan_one_row(rc->arena));
}

/* Input i of a union or set operation under the node's own columns. */
static const Plan *renamed_input(RuleCtx *rc, const Plan *plan, uint32_t i)
{
    ColumnMap map = set_map(rc->arena, plan, i);

    return plan_project(rc->arena, plan->inputs[i], map.count, map.to, plan->columns);
}

static const Plan *empty_union(RuleCtx *rc, const PlanUnion *set)
{
    const Plan *plan = &set->head;
    const Plan **inputs = ARENA_ARRAY(rc->arena, const Plan *, plan->input_count);
    ColumnList *maps = ARENA_ARRAY(rc->arena, ColumnList, plan->input_count);
    uint32_t count = 0, last = 0;

    for (uint32_t i = 0; i < plan->input_count; i++)
        if (!plan_is_empty(plan->inputs[i])) {
            inputs[count] = plan->inputs[i];
            maps[count++] = set->maps[i];
            last = i;
        }
    if (count == 0)
        return plan_empty(rc->arena, plan);
    if (count == 1)
        return renamed_input(rc, plan, last);
    if (count == plan->input_count)
        return plan;
    return plan_union(rc->arena, count, inputs, maps, plan->column_count, plan->columns);
}

static const Plan *empty_setop(RuleCtx *rc, const PlanSetop *setop)
{
    const Plan *plan = &setop->head, *left;
    bool no_left = plan_is_empty(plan->inputs[0]), no_right = plan_is_empty(plan->inputs[1]);

    if (no_left || (no_right && setop->kind == SETOP_INTERSECT))
        return plan_empty(rc->arena, plan);
    if (!no_right)
        return plan;
    left = renamed_input(rc, plan, 0);
    return setop->is_all ? left : plan_distinct(rc->arena, left);
}

static const Plan *propagate_empty(RuleCtx *rc, const Plan *plan)
{
    switch (plan->kind) {
    case PLAN_JOIN:
        return empty_join(rc, (const PlanJoin *)plan);
    case PLAN_UNION:
        return empty_union(rc, (const PlanUnion *)plan);
    case PLAN_SETOP:
        return empty_setop(rc, (const PlanSetop *)plan);
    case PLAN_AGGREGATE:
        if (plan_is_empty(plan->inputs[0]) && ((const PlanAggregate *)plan)->keys.count == 0)
            return aggregate_of_nothing(rc, (const PlanAggregate *)plan); /* (1) */
        break;
    case PLAN_LIMIT:
        if (((const PlanLimit *)plan)->fetch_rows == 0)
            return plan_empty(rc->arena, plan);
        break;
    case PLAN_FILTER:
        if (is_false_filter(plan))
            return plan_empty(rc->arena, plan);
        break;
    case PLAN_TABLE_FUNCTION:
        if (plan->input_count == 0)
            return plan;
        break;
    case PLAN_PROJECT:
    case PLAN_SORT:
    case PLAN_GROUP_LIMIT:
    case PLAN_GROUP_CONCAT:
    case PLAN_SHARED:
        break;
    default:
        return plan;
    }
    return plan_is_empty(plan->inputs[0]) ? plan_empty(rc->arena, plan) : plan;
}

const Rule rule_propagate_empty = {
    .name = "propagate_empty",
    .root = RULE_ANY_KIND,
    .rewrite = propagate_empty,
};
