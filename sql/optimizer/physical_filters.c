/*
 * physical_filters.c -- a join's build side filters the scans of its probe side
 *
 *     HashJoin l_partkey = p_partkey            [filter 1 from key 0]
 *       HashJoin l_orderkey = o_orderkey
 *         Scan lineitem                         [filter 1 on l_partkey]
 *         Scan orders
 *       Scan part, p_name LIKE '%green%'
 *
 *     NestedJoin l_shipdate > max               [filter 1: at least the smallest max]
 *       Scan lineitem                           [filter 1 on l_shipdate]
 *       Aggregate max(o_orderdate)
 *
 * Why:  what the build side does not hold is dropped by the scan, before other columns are decoded
 *       and other joins are probed.
 *
 * Not when:
 *   (1) the join keeps left rows without a match (LEFT, FULL, ANTI, MARK, SINGLE).
 *   (2) NULL matches NULL in that key: the filter drops NULLs.
 *   (3) the key is no bare column: a scan could not compute it.
 *   (4) nearly every left row has a match.
 *   (5) on the way down stands something whose rows others read or count (SHARED, LIMIT, TOP_N), or
 *       the side of a join that must not lose rows.
 *   (6) an inequality's build side has more than a few rows: their range is that of the column.
 */
#include <math.h>

#include "sql/optimizer/physical_internal.h"

/* (4) A filter that keeps more than this is not worth its test. */
#define KEPT_PART_MAX 0.8

/* A filter on its way down: its column's id changes as it goes. */
typedef struct Pushed {
    RuntimeFilter filter;
    double kept_part; /* of the rows that reach it */
} Pushed;

static const Plan *push(RuleCtx *rc, const Plan *plan, Pushed filter);

static const Plan *push_at(RuleCtx *rc, const Plan *plan, uint32_t index, Pushed filter)
{
    const Plan *input = plan->inputs[index];
    const Plan *pushed = push(rc, input, filter);
    const Plan **inputs;

    if (pushed == input)
        return plan;
    inputs = arena_copy(rc->arena, plan->inputs, plan->input_count * sizeof *inputs);
    inputs[index] = pushed;
    return plan_with_inputs(rc->arena, plan, inputs);
}

static RuntimeFilterList add_filter(Arena *arena, RuntimeFilterList list, RuntimeFilter filter)
{
    RuntimeFilter *items = ARENA_ARRAY(arena, RuntimeFilter, list.count + 1);

    for (uint32_t i = 0; i < list.count; i++)
        items[i] = list.items[i];
    items[list.count] = filter;
    return (RuntimeFilterList){list.count + 1, items};
}

static const Plan *push_into_scan(RuleCtx *rc, const PlanScan *scan, Pushed filter)
{
    PlanScan *copy;

    if (scan->row_limit != ALL_ROWS) /* (5) */
        return &scan->head;
    copy = arena_copy(rc->arena, scan, sizeof *copy);
    copy->runtime_filters = add_filter(rc->arena, scan->runtime_filters, filter.filter);
    return &copy->head;
}

/* Which inputs of a join may lose rows that its output then lacks: those whose rows are all in the
 * output (padded ones would show otherwise). */
static bool may_filter_side(JoinKind kind, uint32_t side)
{
    switch (kind) {
    case JOIN_INNER:
        return true;
    case JOIN_LEFT:
    case JOIN_SEMI:
    case JOIN_ANTI:
    case JOIN_MARK:
    case JOIN_SINGLE:
        return side == 0;
    case JOIN_RIGHT_OUTER:
    case JOIN_RIGHT_SEMI:
    case JOIN_RIGHT_ANTI:
        return side == 1;
    case JOIN_FULL:
        return false;
    }
    return false;
}

/* The other side's column that equals this one in every row the join gives, or 0. */
static ColumnId equal_column(const PlanHashJoin *join, uint32_t side, ColumnId column)
{
    const ExprList *mine = side == 0 ? &join->left_keys : &join->right_keys;
    const ExprList *others = side == 0 ? &join->right_keys : &join->left_keys;

    for (uint32_t i = 0; i < mine->count; i++) {
        if (!join->null_equal.items[i] && mine->items[i]->kind == EXPR_COLUMN &&
            mine->items[i]->column == column && others->items[i]->kind == EXPR_COLUMN)
            return others->items[i]->column;
    }
    return 0;
}

/* Into the side that has the column, and into the other one by the join's own equality: its rows
 * could only match rows that the filter drops. */
static const Plan *push_into_join(RuleCtx *rc, const PlanHashJoin *join, Pushed filter)
{
    const Plan *plan = &join->head;
    JoinKind kind = (JoinKind)join->kind;
    uint32_t side = plan_column_index(plan->inputs[0], filter.filter.column) >= 0 ? 0 : 1;

    if (plan_column_index(plan->inputs[side], filter.filter.column) < 0 ||
        !may_filter_side(kind, side))
        return plan;
    plan = push_at(rc, plan, side, filter);
    filter.filter.column = equal_column(join, side, filter.filter.column);
    if (filter.filter.column != 0 && join->null_aware == NULL && kind != JOIN_SINGLE)
        plan = push_at(rc, plan, 1 - side, filter);
    return plan;
}

static const Plan *push_into_nested(RuleCtx *rc, const PlanNestedJoin *join, Pushed filter)
{
    for (uint32_t side = 0; side < 2; side++) {
        if (plan_column_index(join->head.inputs[side], filter.filter.column) >= 0 &&
            may_filter_side((JoinKind)join->kind, side))
            return push_at(rc, &join->head, side, filter);
    }
    return &join->head;
}

static const Plan *push_into_project(RuleCtx *rc, const PlanProject *project, Pushed filter)
{
    const Expr *expr =
        project->exprs.items[plan_column_index(&project->head, filter.filter.column)];

    if (expr->kind != EXPR_COLUMN)
        return &project->head;
    filter.filter.column = expr->column;
    return push_at(rc, &project->head, 0, filter);
}

static const Plan *push_into_aggregate(RuleCtx *rc, const PlanAggregate *aggregate, Pushed filter)
{
    for (uint32_t i = 0; i < aggregate->keys.count; i++) {
        if (aggregate->keys.ids[i] == filter.filter.column)
            return push_at(rc, &aggregate->head, 0, filter);
    }
    return &aggregate->head;
}

/* Each row with values of its own: none of the filter's, if it is the input's column. */
static const Plan *push_into_table_function(RuleCtx *rc, const Plan *plan, Pushed filter)
{
    bool is_input =
        plan->input_count > 0 && plan_column_index(plan->inputs[0], filter.filter.column) >= 0;

    return is_input ? push_at(rc, plan, 0, filter) : plan;
}

static const Plan *push_into_mapped(RuleCtx *rc, const Plan *plan, Pushed filter)
{
    int32_t column = plan_column_index(plan, filter.filter.column);
    const ColumnList *maps = plan_maps(plan);

    for (uint32_t i = 0; i < plan->input_count; i++) {
        filter.filter.column = maps[i].ids[column];
        plan = push_at(rc, plan, i, filter);
    }
    return plan;
}

static const Plan *push_into(RuleCtx *rc, const Plan *plan, Pushed filter)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        return push_into_scan(rc, plan_as_scan(plan), filter);
    case PLAN_FILTER:
    case PLAN_SORT:
        return push_at(rc, plan, 0, filter);
    case PLAN_PROJECT:
        return push_into_project(rc, plan_as_project(plan), filter);
    case PLAN_HASH_JOIN:
        return push_into_join(rc, plan_as_hash_join(plan), filter);
    case PLAN_NESTED_JOIN:
        return push_into_nested(rc, plan_as_nested_join(plan), filter);
    case PLAN_AGGREGATE:
        return push_into_aggregate(rc, plan_as_aggregate(plan), filter);
    case PLAN_TABLE_FUNCTION:
        return push_into_table_function(rc, plan, filter);
    case PLAN_UNION:
        return push_into_mapped(rc, plan, filter);
    default:
        return plan; /* (5) */
    }
}

/* plan has the filter's column. The same pointer when no scan could be reached. */
static const Plan *push(RuleCtx *rc, const Plan *plan, Pushed filter)
{
    const Plan *made = push_into(rc, plan, filter);

    if (made == plan)
        return plan;
    return plan_with_rows(rc->arena, made, plan->estimated_rows * filter.kept_part);
}

static bool drops_unmatched_left(JoinKind kind)
{
    return kind == JOIN_INNER || kind == JOIN_SEMI || kind == JOIN_RIGHT_OUTER ||
           kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI; /* (1) */
}

/* An expression of one of the join's inputs: that input, and what is known of its values. */
static ColumnEstimate key_estimate(RuleCtx *rc, const PlanJoin *logical, const Expr *key,
                                   double *rows_out)
{
    Estimator *estimator = estimator_of(rc);
    const Plan *side = logical->head.inputs[0];
    ColumnEstimate estimate;

    if (!column_set_contains(plan_output(rc->arena, side), expr_columns(rc->arena, key)))
        side = logical->head.inputs[1];
    *rows_out = estimate_plan(estimator, side)->rows;
    estimate = estimate_column(estimator, side, key->kind == EXPR_COLUMN ? key->column : 0);
    return estimate;
}

/* The part of left rows whose key value the right side holds. */
static double kept_part(RuleCtx *rc, const PlanJoin *logical, const Expr *left, const Expr *right)
{
    double left_rows, right_rows;
    ColumnEstimate probed = key_estimate(rc, logical, left, &left_rows);
    ColumnEstimate built = key_estimate(rc, logical, right, &right_rows);

    return fmin(right_rows, built.distinct_count) / fmax(1, probed.domain_count);
}

/* Pushes the filter, whose id is not yet set, down the probe side; the same pointer: nowhere. */
static const Plan *push_new(RuleCtx *rc, const Plan *join, Pushed *filter)
{
    const Plan *pushed;

    filter->filter.id = rc->ids->last_filter + 1;
    if (filter->kept_part > KEPT_PART_MAX) /* (4) */
        return join;
    pushed = push_at(rc, join, 0, *filter);
    if (pushed != join)
        rc->ids->last_filter++;
    return pushed;
}

/* column < expression of the right side, either way round. */
static bool is_bound(RuleCtx *rc, const PlanNestedJoin *join, const Expr *conjunct,
                     RuntimeFilter *filter_out)
{
    ColumnSet right = plan_output(rc->arena, join->head.inputs[1]);

    if (conjunct->kind != EXPR_CALL || conjunct->arg_count != 2 || expr_is_volatile(conjunct))
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        const Expr *column = conjunct->args[i], *bound = conjunct->args[1 - i];
        bool is_less = conjunct->func == FUNC_LT || conjunct->func == FUNC_LE;
        bool is_greater = conjunct->func == FUNC_GT || conjunct->func == FUNC_GE;
        ColumnSet used = expr_columns(rc->arena, bound);

        if (!(is_less || is_greater) || column->kind != EXPR_COLUMN || used.count == 0 ||
            !column_set_contains(right, used) ||
            plan_column_index(join->head.inputs[0], column->column) < 0)
            continue;
        *filter_out =
            (RuntimeFilter){.kind = is_less == (i == 0) ? FILTER_AT_MOST : FILTER_AT_LEAST,
                            .column = column->column};
        return true;
    }
    return false;
}

static const Plan *add_bounds(RuleCtx *rc, const PlanJoin *logical, const PlanNestedJoin *join)
{
    const Expr *const *conjuncts;
    uint32_t count = expr_split_and(rc->arena, join->condition, &conjuncts);
    double right_rows = estimate_plan(estimator_of(rc), logical->head.inputs[1])->rows;
    double kept_part = right_rows / (right_rows + 1); /* the largest of so many, evenly spread */
    const Plan *pushed = &join->head;

    for (uint32_t i = 0; i < count; i++) {
        Pushed filter = {.kept_part = kept_part};
        const Plan *more;
        PlanNestedJoin *made;

        if (!is_bound(rc, join, conjuncts[i], &filter.filter))
            continue;
        more = push_new(rc, pushed, &filter); /* (6) */
        if (more == pushed)
            continue;
        made = arena_copy(rc->arena, more, sizeof *made);
        made->runtime_filters = add_filter(rc->arena, made->runtime_filters, filter.filter);
        pushed = &made->head;
    }
    return pushed;
}

const Plan *physical_add_filters(RuleCtx *rc, const PlanJoin *logical, const Plan *plan)
{
    const PlanHashJoin *join = plan_as_hash_join(plan);
    const PlanNestedJoin *nested = plan_as_nested_join(plan);
    const Plan *pushed = plan;

    if (opt__is_off(rc, "runtime_filters"))
        return plan;
    if (nested != NULL && drops_unmatched_left((JoinKind)nested->kind))
        return add_bounds(rc, logical, nested);
    if (join == NULL || !drops_unmatched_left((JoinKind)join->kind))
        return plan;
    for (uint32_t i = 0; i < join->left_keys.count; i++) {
        const Expr *key = join->left_keys.items[i];
        Pushed filter = {.filter = {.key = i, .column = key->column}};
        const Plan *more;
        PlanHashJoin *made;

        if (join->null_equal.items[i] || key->kind != EXPR_COLUMN) /* (2) (3) */
            continue;
        filter.kept_part = kept_part(rc, logical, key, join->right_keys.items[i]);
        more = push_new(rc, pushed, &filter);
        if (more == pushed)
            continue;
        made = arena_copy(rc->arena, more, sizeof *made);
        made->runtime_filters = add_filter(rc->arena, made->runtime_filters, filter.filter);
        pushed = &made->head;
    }
    return pushed;
}
