/*
 * unnest_domain.c -- the general road: the outer columns' values join the correlated plan's leaves
 *
 *     Neumann & Kemper, "Unnesting Arbitrary Queries", BTW 2015. D: the distinct values.
 *
 *     Aggregate count(*)                Left Join d = d2, and COALESCE(count, 0)
 *       Filter k < o.k            =>      D
 *         Scan t                          Aggregate keys d2, count(*)
 *                                           Filter k < d2
 *                                             Join
 *                                               D as d2
 *                                               Scan t
 *
 * Each node below computes its result for every row of D at once: what was for one outer row
 * becomes a group, a further key, a further column to join, unite or intersect on. Values of D are
 * compared as groups are: NULLs are equal.
 */
#include "sql/optimizer/rules/unnest.h"

typedef struct Pusher {
    RuleCtx *rc;
    Arena *arena;
    const Domain *domain;
    uint32_t count; /* outer columns */
} Pusher;

static Dependent push(Pusher *pusher, const Plan *plan);

/* --- the domain's values as columns of a plan --- */

static const PlanColumn *value_column(const Dependent *dependent, uint32_t i)
{
    return plan_column(dependent->plan, dependent->values[i]);
}

/* The domain itself, under columns of its own. */
static Dependent domain_use(Pusher *pusher)
{
    const Plan *plan = pusher->domain->plan;
    ColumnId *from = ARENA_ARRAY(pusher->arena, ColumnId, pusher->count);
    ColumnId *values = ARENA_ARRAY(pusher->arena, ColumnId, pusher->count);
    PlanColumn *columns = ARENA_ARRAY(pusher->arena, PlanColumn, pusher->count);

    for (uint32_t i = 0; i < pusher->count; i++) {
        from[i] = plan->columns[i].id;
        columns[i] = plan->columns[i];
        columns[i].id = values[i] = plan_new_column(pusher->rc->ids);
    }
    return (Dependent){plan_shared(pusher->arena, plan, pusher->domain->shared_id, "domain", false,
                                   &(ColumnList){pusher->count, from}, pusher->count, columns),
                       values};
}

/* Outer columns -> the columns that hold their values. */
static ColumnMap outer_map(const Pusher *pusher, const Dependent *dependent)
{
    const Expr **to = ARENA_ARRAY(pusher->arena, const Expr *, pusher->count);

    for (uint32_t i = 0; i < pusher->count; i++)
        to[i] = expr_of_column(pusher->arena, value_column(dependent, i));
    return (ColumnMap){pusher->count, pusher->domain->outer.ids, to};
}

static const Expr *over_values(const Pusher *pusher, const Dependent *dependent, const Expr *expr)
{
    ColumnMap map = outer_map(pusher, dependent);

    return expr == NULL ? NULL : expr_substitute(pusher->arena, expr, &map);
}

/* All values of a equal those of b. */
static const Expr *alike(const Pusher *pusher, const Dependent *a, const Dependent *b)
{
    return same_values(pusher->arena, pusher->count, a->plan, a->values, b->plan, b->values);
}

/* The plan for every row of the domain, as it is. */
static Dependent cross_domain(Pusher *pusher, const Plan *plan)
{
    Dependent domain = domain_use(pusher);

    domain.plan = plan_join(pusher->arena, JOIN_INNER, domain.plan, plan, NULL);
    return domain;
}

/* What comes back has all columns that callers look for, and is thrown away. */
static Dependent fail(Pusher *pusher, const Plan *plan)
{
    rule_fail(pusher->rc,
              error_set(pusher->rc->err, ST_NOT_SUPPORTED,
                        "not supported: a %s over the columns of an outer query",
                        plan_kind_name(plan->kind)),
              plan);
    return cross_domain(pusher, plan);
}

/* --- nodes of one input --- */

static Dependent push_filter(Pusher *pusher, const PlanFilter *filter)
{
    Dependent below = push(pusher, filter->head.inputs[0]);

    below.plan =
        plan_filter(pusher->arena, below.plan, over_values(pusher, &below, filter->predicate));
    return below;
}

static Dependent push_project(Pusher *pusher, const PlanProject *project)
{
    Dependent below = push(pusher, project->head.inputs[0]);
    ColumnVec outputs = {.arena = pusher->arena};

    for (uint32_t i = 0; i < project->exprs.count; i++)
        column_vec_add(&outputs, over_values(pusher, &below, project->exprs.items[i]),
                       project->head.columns[i]);
    for (uint32_t i = 0; i < pusher->count; i++)
        column_vec_keep(&outputs, below.plan, below.values[i]);
    below.plan = column_vec_project(&outputs, below.plan);
    return below;
}

static Dependent push_sort(Pusher *pusher, const PlanSort *sort)
{
    Dependent below = push(pusher, sort->head.inputs[0]);

    below.plan = plan_sort(pusher->arena, below.plan, sort->keys.count, sort->keys.items);
    return below;
}

static Dependent push_limit(Pusher *pusher, const PlanLimit *limit)
{
    Dependent below;

    if (limit->fetch_rows == 0) {
        below = push(pusher, limit->head.inputs[0]);
        below.plan = plan_empty(pusher->arena, below.plan);
        return below;
    }
    below = push(pusher, limit->head.inputs[0]);
    below.plan = unnest_group_limit(pusher->rc, below.plan, pusher->count, below.values, limit);
    return below;
}

/* --- functions that return rows: for each row of the domain --- */

static Dependent push_table_function(Pusher *pusher, const PlanTableFunction *function)
{
    Dependent domain = domain_use(pusher);
    const Expr **args = ARENA_ARRAY(pusher->arena, const Expr *, function->args.count);
    PlanColumn own = function->head.columns[function->head.column_count - 1];

    if (function->head.input_count == 1)
        domain = push(pusher, function->head.inputs[0]);
    for (uint32_t i = 0; i < function->args.count; i++)
        args[i] = over_values(pusher, &domain, function->args.items[i]);
    domain.plan =
        plan_table_function(pusher->arena, domain.plan, (TableFunctionKind)function->function,
                            (ExprList){function->args.count, args}, own);
    return domain;
}

/* --- aggregates --- */

/* One row for each row of the domain, also where it has no group: count is 0 there. */
static Dependent fill_empty_groups(Pusher *pusher, const PlanAggregate *aggregate,
                                   const Dependent *groups, const MapVec *zeros)
{
    Dependent domain = domain_use(pusher);
    ColumnVec outputs = {.arena = pusher->arena};
    const Plan *joined = plan_join(pusher->arena, JOIN_LEFT, domain.plan, groups->plan,
                                   alike(pusher, &domain, groups));

    for (uint32_t i = 0; i < aggregate->head.column_count; i++) {
        const PlanColumn *column = &aggregate->head.columns[i];
        const Expr *zero = map_vec_find(zeros, column->id);

        column_vec_add(&outputs, zero != NULL ? zero : expr_of_column(pusher->arena, column),
                       *column);
    }
    for (uint32_t i = 0; i < pusher->count; i++)
        column_vec_keep(&outputs, joined, domain.values[i]);
    domain.plan = column_vec_project(&outputs, joined);
    return domain;
}

/* The aggregates' columns; those that are 0 over no rows get ids of their own, and in zeros what
 * makes the old column of them. */
static PlanColumn *agg_columns(Pusher *pusher, const PlanAggregate *aggregate, MapVec *zeros)
{
    PlanColumn *columns = ARENA_ARRAY(pusher->arena, PlanColumn, aggregate->aggs.count);

    for (uint32_t i = 0; i < aggregate->aggs.count; i++) {
        const Expr *agg = aggregate->aggs.items[i];
        const PlanColumn *column = &aggregate->head.columns[aggregate->keys.count + i];

        columns[i] = *column;
        if (aggregate->keys.count > 0 || !(agg_properties(agg->agg) & AGG_ZERO_IS_EMPTY))
            continue;
        columns[i].id = plan_new_column(pusher->rc->ids);
        map_vec_add(zeros, column->id,
                    expr_call2(pusher->arena, FUNC_COALESCE, column->type,
                               expr_of_column(pusher->arena, &columns[i]),
                               expr_const(pusher->arena, value_int8(0))));
    }
    return columns;
}

static Dependent push_aggregate(Pusher *pusher, const PlanAggregate *aggregate)
{
    Dependent below = push(pusher, aggregate->head.inputs[0]);
    uint32_t agg_count = aggregate->aggs.count, key_count = aggregate->keys.count;
    const Expr **aggs = ARENA_ARRAY(pusher->arena, const Expr *, agg_count);
    ColumnId *keys = ARENA_ARRAY(pusher->arena, ColumnId, key_count + pusher->count);
    MapVec zeros = {.arena = pusher->arena};
    PlanColumn *columns = agg_columns(pusher, aggregate, &zeros);

    for (uint32_t i = 0; i < agg_count; i++)
        aggs[i] = over_values(pusher, &below, aggregate->aggs.items[i]);
    for (uint32_t i = 0; i < key_count; i++)
        keys[i] = aggregate->keys.ids[i];
    for (uint32_t i = 0; i < pusher->count; i++)
        keys[key_count + i] = below.values[i];
    below.plan = plan_aggregate(pusher->arena, below.plan, key_count + pusher->count, keys,
                                agg_count, aggs, columns);
    return key_count > 0 ? below : fill_empty_groups(pusher, aggregate, &below, &zeros);
}

/* --- joins --- */

/* Only the right input is correlated, and the join is an inner one: the domain stays there. */
static Dependent push_right(Pusher *pusher, const PlanJoin *join)
{
    Dependent right = push(pusher, join->head.inputs[1]);

    right.plan = plan_join(pusher->arena, JOIN_INNER, join->head.inputs[0], right.plan,
                           over_values(pusher, &right, join->condition));
    return right;
}

/* Both sides' rows may be padded: the domain's value is whichever side has it. */
static Dependent push_full_join(Pusher *pusher, const PlanJoin *join)
{
    Dependent left = push(pusher, join->head.inputs[0]);
    Dependent right = push(pusher, join->head.inputs[1]);
    const Expr *condition = expr_and(pusher->arena, over_values(pusher, &left, join->condition),
                                     alike(pusher, &left, &right));
    const Plan *joined = plan_join(pusher->arena, JOIN_FULL, left.plan, right.plan, condition);
    ColumnVec outputs = {.arena = pusher->arena};
    ColumnId *values = ARENA_ARRAY(pusher->arena, ColumnId, pusher->count);

    for (uint32_t i = 0; i < join->head.column_count; i++)
        column_vec_keep(&outputs, joined, join->head.columns[i].id);
    for (uint32_t i = 0; i < pusher->count; i++) {
        const PlanColumn *a = value_column(&left, i), *b = value_column(&right, i);
        PlanColumn column = column_named(pusher->rc, a->type, a->name, a->is_nullable);

        values[i] = column.id;
        column_vec_add(&outputs,
                       expr_call2(pusher->arena, FUNC_COALESCE, a->type,
                                  expr_of_column(pusher->arena, a),
                                  expr_of_column(pusher->arena, b)),
                       column);
    }
    return (Dependent){column_vec_project(&outputs, joined), values};
}

/*
 * The left input carries the domain. A correlated right input becomes correlated on the left one
 * instead, and is left to be unnested in its turn: perhaps without a domain.
 */
static Dependent push_join(Pusher *pusher, const PlanJoin *join)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    bool is_nested = plan_uses_any(pusher->arena, right, plan_output(pusher->arena, left));
    Dependent below;
    ColumnMap map;

    if (join->kind == JOIN_FULL)
        return push_full_join(pusher, join);
    if (join->kind == JOIN_INNER && !is_nested &&
        !plan_uses_any(pusher->arena, left, pusher->domain->outer) &&
        plan_uses_any(pusher->arena, right, pusher->domain->outer))
        return push_right(pusher, join);
    below = push(pusher, left);
    map = outer_map(pusher, &below);
    below.plan = plan_join_like(pusher->arena, join, (JoinKind)join->kind, below.plan,
                                plan_substitute(pusher->arena, right, &map),
                                over_values(pusher, &below, join->condition),
                                over_values(pusher, &below, join->null_aware));
    return below;
}

/* --- unions and set operations: the values are further columns --- */

static Dependent push_set_node(Pusher *pusher, const Plan *plan)
{
    uint32_t count = plan->column_count + pusher->count;
    const Plan **inputs = ARENA_ARRAY(pusher->arena, const Plan *, plan->input_count);
    ColumnList *maps = ARENA_ARRAY(pusher->arena, ColumnList, plan->input_count);
    PlanColumn *columns = ARENA_ARRAY(pusher->arena, PlanColumn, count);
    ColumnId *values = ARENA_ARRAY(pusher->arena, ColumnId, pusher->count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i] = plan->columns[i];
    for (uint32_t i = 0; i < pusher->count; i++) {
        columns[plan->column_count + i] = pusher->domain->plan->columns[i];
        columns[plan->column_count + i].id = values[i] = plan_new_column(pusher->rc->ids);
    }
    for (uint32_t input = 0; input < plan->input_count; input++) {
        Dependent below = push(pusher, plan->inputs[input]);
        ColumnId *ids = ARENA_ARRAY(pusher->arena, ColumnId, count);

        for (uint32_t i = 0; i < plan->column_count; i++)
            ids[i] = plan_maps(plan)[input].ids[i];
        for (uint32_t i = 0; i < pusher->count; i++)
            ids[plan->column_count + i] = below.values[i];
        inputs[input] = below.plan;
        maps[input] = (ColumnList){count, ids};
    }
    if (plan->kind == PLAN_UNION)
        return (Dependent){
            plan_union(pusher->arena, plan->input_count, inputs, maps, count, columns), values};
    const PlanSetop *setop = (const PlanSetop *)plan;
    return (Dependent){plan_setop(pusher->arena, (SetopKind)setop->kind, setop->is_all, inputs[0],
                                  inputs[1], maps, count, columns),
                       values};
}

/* --- */

static Dependent push(Pusher *pusher, const Plan *plan)
{
    if (pusher->rc->status != ST_OK || !plan_uses_any(pusher->arena, plan, pusher->domain->outer))
        return cross_domain(pusher, plan);
    switch (plan->kind) {
    case PLAN_FILTER:
        return push_filter(pusher, (const PlanFilter *)plan);
    case PLAN_PROJECT:
        return push_project(pusher, (const PlanProject *)plan);
    case PLAN_AGGREGATE:
        return push_aggregate(pusher, (const PlanAggregate *)plan);
    case PLAN_SORT:
        return push_sort(pusher, (const PlanSort *)plan);
    case PLAN_LIMIT:
        return push_limit(pusher, (const PlanLimit *)plan);
    case PLAN_JOIN:
        return push_join(pusher, (const PlanJoin *)plan);
    case PLAN_UNION:
    case PLAN_SETOP:
        return push_set_node(pusher, plan);
    case PLAN_VALUES:
        return push(pusher, values_as_projects(pusher->rc, (const PlanValues *)plan));
    case PLAN_SHARED:
        return push(pusher, shared_as_copy(pusher->rc, (const PlanShared *)plan));
    case PLAN_TABLE_FUNCTION:
        return push_table_function(pusher, (const PlanTableFunction *)plan);
    default:
        return fail(pusher, plan);
    }
}

Dependent unnest_push_domain(RuleCtx *rc, const Domain *domain, const Plan *plan)
{
    Pusher pusher = {rc, rc->arena, domain, domain->outer.count};

    return push(&pusher, plan);
}
