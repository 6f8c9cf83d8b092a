/*
 * lower_distinct_aggregates
 *
 *     Aggregate keys k, sum(DISTINCT x)          Aggregate keys k, sum(x)
 *       X                                  =>      Aggregate keys k, x
 *                                                    X
 *
 *     with other aggregates that can be computed in two steps (count, min, max, exact sums):
 *
 *     Aggregate k, count(DISTINCT x), count(*)   Aggregate k, count(x), sum(n)
 *       X                                  =>      Aggregate k, x, count(*) AS n
 *                                                    X
 *
 *     else each argument, and the rest, in an aggregate of its own over the shared input:
 *
 *     Aggregate k, sum(DISTINCT x), avg(y)       Join k = k2 (NULLs are equal)
 *       X                                  =>      Aggregate k, avg(y)
 *                                                    Shared X
 *                                                  Aggregate k2, sum(x)
 *                                                    Aggregate k2, x
 *                                                      Shared X
 *
 * Why:  kernels update a group's state row by row and remember no values; groups of values are
 *       what aggregation by hash does well, in parallel.
 *
 * Not when:
 *   (1) duplicates do not matter: min(DISTINCT x) is min(x).
 *   (2) no aggregate is DISTINCT.
 */
#include "sql/optimizer/rules/rules.h"

typedef struct Lowering {
    RuleCtx *rc;
    Arena *arena;
    const PlanAggregate *aggregate;
    uint32_t count;    /* aggregates */
    const Expr **aggs; /* DISTINCT ones without filter: see without_filter() */
    ExprVec arguments; /* of DISTINCT aggregates, each once */
} Lowering;

static const PlanColumn *agg_column(const Lowering *lo, uint32_t i)
{
    return &lo->aggregate->head.columns[lo->aggregate->keys.count + i];
}

static const Expr *without_distinct(Arena *arena, const Expr *agg)
{
    return expr_agg(arena, agg->agg, agg->type, agg->arg_count, agg->args, false, agg->filter);
}

/* agg(DISTINCT x) FILTER (WHERE f) as agg(DISTINCT CASE WHEN f THEN x END): NULLs are skipped. */
static const Expr *without_filter(Arena *arena, const Expr *agg)
{
    const Expr *arg = agg->args[0];
    const Expr *chosen;

    if (agg->filter == NULL)
        return agg;
    chosen = expr_case(arena, agg->filter, arg, expr_const(arena, value_null(arg->type)));
    return expr_agg(arena, agg->agg, agg->type, 1, &chosen, true, NULL);
}

static uint32_t find_argument(const Lowering *lo, const Expr *argument)
{
    for (uint32_t i = 0; i < lo->arguments.count; i++)
        if (expr_equal(lo->arguments.items[i], argument))
            return i;
    return lo->arguments.count;
}

/* --- one argument: group by it, then aggregate it --- */

/* The sum of partial sums or counts, as the type that the whole would have had. */
static const Expr *sum_of(Arena *arena, const PlanColumn *partial)
{
    const Expr *column = expr_of_column(arena, partial);
    Type type = partial->type;

    if (type.id == TYPE_INT8)
        type = type_decimal(DECIMAL_DIGITS, 0);
    return expr_agg(arena, AGG_SUM, type, 1, &column, false, NULL);
}

/* Can it be computed of parts, to the same bits? Sums of floats round differently. */
static bool is_two_step(const Expr *agg)
{
    switch (agg->agg) {
    case AGG_COUNT:
    case AGG_COUNT_STAR:
    case AGG_MIN:
    case AGG_MAX:
    case AGG_BOOL_AND:
    case AGG_BOOL_OR:
        return true;
    case AGG_SUM:
        return agg->type.id == TYPE_INT8 || agg->type.id == TYPE_DECIMAL;
    default:
        return false;
    }
}

/* The lower aggregate: keys and the argument; partial results of the plain aggregates. */
typedef struct Steps {
    ColumnVec partials;
    PlanColumn argument;
    const Plan *plan;
} Steps;

static Steps group_by_argument(Lowering *lo, const Plan *input, const Expr *argument,
                               uint32_t key_count, const ColumnId *keys, bool with_plain)
{
    Steps steps = {.partials = {.arena = lo->arena}};
    ColumnId *all_keys = ARENA_ARRAY(lo->arena, ColumnId, key_count + 1);
    bool is_key = false;

    if (argument->kind == EXPR_COLUMN) {
        steps.argument = *plan_column(input, argument->column);
    } else {
        ColumnVec outputs = {.arena = lo->arena};

        steps.argument = column_named(lo->rc, argument->type, "argument", true);
        column_vec_keep_all(&outputs, input);
        column_vec_add(&outputs, argument, steps.argument);
        input = column_vec_project(&outputs, input);
    }
    for (uint32_t i = 0; i < key_count; i++) {
        all_keys[i] = keys[i];
        is_key |= keys[i] == steps.argument.id;
    }
    all_keys[key_count] = steps.argument.id;
    for (uint32_t i = 0; with_plain && i < lo->count; i++) {
        PlanColumn column = *agg_column(lo, i);

        if (lo->aggs[i]->is_distinct)
            continue;
        column.id = plan_new_column(lo->rc->ids);
        column_vec_add(&steps.partials, lo->aggs[i], column);
    }
    steps.plan = plan_aggregate(lo->arena, input, key_count + !is_key, all_keys,
                                steps.partials.count, steps.partials.exprs, steps.partials.columns);
    return steps;
}

/* The upper aggregate of a plain one, by a new column; and in `outputs` the old column. */
static void add_upper(Lowering *lo, uint32_t i, const PlanColumn *partial, ColumnVec *uppers,
                      ColumnVec *outputs)
{
    const Expr *agg = lo->aggs[i];
    const PlanColumn *column = agg_column(lo, i);
    bool is_sum = agg->agg == AGG_SUM || agg->agg == AGG_COUNT || agg->agg == AGG_COUNT_STAR;
    const Expr *arg = expr_of_column(lo->arena, partial), *upper, *output;
    PlanColumn made;

    upper = is_sum ? sum_of(lo->arena, partial)
                   : expr_agg(lo->arena, agg->agg, agg->type, 1, &arg, false, NULL);
    made = column_named(lo->rc, upper->type, column->name, column->is_nullable);
    column_vec_add(uppers, upper, made);
    output = expr_cast(lo->arena, expr_of_column(lo->arena, &made), column->type);
    if (agg_properties(agg->agg) & AGG_ZERO_IS_EMPTY)
        output = expr_call2(lo->arena, FUNC_COALESCE, column->type, output,
                            expr_const(lo->arena, value_int8(0)));
    column_vec_add(outputs, output, *column);
}

static const Plan *lower_in_two_steps(Lowering *lo)
{
    const PlanAggregate *aggregate = lo->aggregate;
    ColumnVec uppers = {.arena = lo->arena}, outputs = {.arena = lo->arena};
    Steps steps = group_by_argument(lo, aggregate->head.inputs[0], lo->arguments.items[0],
                                    aggregate->keys.count, aggregate->keys.ids, true);
    const Expr *argument = expr_of_column(lo->arena, &steps.argument);
    uint32_t partial = 0;

    for (uint32_t i = 0; i < aggregate->keys.count; i++)
        column_vec_add(&outputs, expr_of_column(lo->arena, &aggregate->head.columns[i]),
                       aggregate->head.columns[i]);
    for (uint32_t i = 0; i < lo->count; i++) {
        const Expr *agg = lo->aggs[i];

        if (!agg->is_distinct) {
            add_upper(lo, i, &steps.partials.columns[partial++], &uppers, &outputs);
            continue;
        }
        column_vec_add(&uppers, expr_agg(lo->arena, agg->agg, agg->type, 1, &argument, false, NULL),
                       *agg_column(lo, i));
        column_vec_add(&outputs, expr_of_column(lo->arena, agg_column(lo, i)), *agg_column(lo, i));
    }
    return column_vec_project(&outputs, plan_aggregate(lo->arena, steps.plan, aggregate->keys.count,
                                                       aggregate->keys.ids, uppers.count,
                                                       uppers.exprs, uppers.columns));
}

/* --- several arguments: an aggregate each, joined by the keys --- */

/* The shared input under columns of its own; keys_out are the keys there. */
static const Plan *use_input(Lowering *lo, const Plan *input, int64_t shared_id, ColumnId *keys_out,
                             MapVec *map)
{
    const Plan *plan = share_plan(lo->rc, input, shared_id, "input", map);

    for (uint32_t i = 0; i < lo->aggregate->keys.count; i++)
        keys_out[i] = map_vec_find(map, lo->aggregate->keys.ids[i])->column;
    return plan;
}

/* The aggregates of one DISTINCT argument, or (argument NULL) the plain ones. */
static const Plan *branch(Lowering *lo, const Plan *input, int64_t shared_id, const Expr *argument,
                          ColumnId *keys)
{
    MapVec map_vec = {.arena = lo->arena};
    const Plan *plan = use_input(lo, input, shared_id, keys, &map_vec);
    ColumnMap map = map_vec_map(&map_vec);
    ColumnVec aggs = {.arena = lo->arena};
    uint32_t key_count = lo->aggregate->keys.count;
    const Expr *column = NULL;

    if (argument != NULL) {
        Steps steps = group_by_argument(lo, plan, expr_substitute(lo->arena, argument, &map),
                                        key_count, keys, false);

        plan = steps.plan;
        column = expr_of_column(lo->arena, &steps.argument);
    }
    for (uint32_t i = 0; i < lo->count; i++) {
        const Expr *agg = lo->aggs[i];

        if (argument == NULL && !agg->is_distinct)
            column_vec_add(&aggs, expr_substitute(lo->arena, agg, &map), *agg_column(lo, i));
        else if (argument != NULL && agg->is_distinct && expr_equal(agg->args[0], argument))
            column_vec_add(&aggs, expr_agg(lo->arena, agg->agg, agg->type, 1, &column, false, NULL),
                           *agg_column(lo, i));
    }
    return plan_aggregate(lo->arena, plan, key_count, keys, aggs.count, aggs.exprs, aggs.columns);
}

/* The joined branches under the aggregate's own columns. */
static const Plan *rename_keys(Lowering *lo, const Plan *joined, const ColumnId *keys)
{
    const Plan *like = &lo->aggregate->head;
    ColumnVec outputs = {.arena = lo->arena};

    for (uint32_t i = 0; i < like->column_count; i++) {
        ColumnId source = i < lo->aggregate->keys.count ? keys[i] : like->columns[i].id;

        column_vec_add(&outputs, expr_column(lo->arena, source, like->columns[i].type),
                       like->columns[i]);
    }
    return column_vec_project(&outputs, joined);
}

static const Plan *lower_by_join(Lowering *lo, bool has_plain)
{
    const Plan *input = lo->aggregate->head.inputs[0];
    int64_t shared_id = ++lo->rc->ids->last_shared;
    uint32_t key_count = lo->aggregate->keys.count;
    ColumnId *keys = ARENA_ARRAY(lo->arena, ColumnId, key_count);
    const Plan *joined = has_plain ? branch(lo, input, shared_id, NULL, keys) : NULL;

    for (uint32_t i = 0; i < lo->arguments.count; i++) {
        ColumnId *own = joined == NULL ? keys : ARENA_ARRAY(lo->arena, ColumnId, key_count);
        const Plan *next = branch(lo, input, shared_id, lo->arguments.items[i], own);

        joined = joined == NULL
                     ? next
                     : plan_join(lo->arena, JOIN_INNER, joined, next,
                                 same_values(lo->arena, key_count, joined, keys, next, own));
    }
    return rename_keys(lo, joined, keys);
}

/* --- */

static const Plan *lower_distinct_aggregates(RuleCtx *rc, const Plan *plan)
{
    const PlanAggregate *aggregate = plan_as_aggregate(plan);
    Lowering lo = {.rc = rc,
                   .arena = rc->arena,
                   .aggregate = aggregate,
                   .count = aggregate->aggs.count,
                   .arguments = {.arena = rc->arena}};
    bool changed = false, is_two_steps = true, has_plain = false;

    lo.aggs = ARENA_ARRAY(rc->arena, const Expr *, lo.count);
    for (uint32_t i = 0; i < lo.count; i++) {
        const Expr *agg = lo.aggs[i] = aggregate->aggs.items[i];

        changed |= agg->is_distinct;
        if (agg->is_distinct && (agg_properties(agg->agg) & AGG_DUPLICATES_DO_NOT_MATTER))
            agg = lo.aggs[i] = without_distinct(rc->arena, agg); /* (1) */
        if (agg->is_distinct) {
            agg = lo.aggs[i] = without_filter(rc->arena, agg);
            if (find_argument(&lo, agg->args[0]) == lo.arguments.count)
                expr_vec_add(&lo.arguments, agg->args[0]);
        } else {
            has_plain = true;
            is_two_steps &= is_two_step(agg);
        }
    }
    if (!changed)
        return plan; /* (2) */
    if (lo.arguments.count == 0)
        return plan_aggregate(rc->arena, plan->inputs[0], aggregate->keys.count,
                              aggregate->keys.ids, lo.count, lo.aggs,
                              plan->columns + aggregate->keys.count);
    if (lo.arguments.count == 1 && is_two_steps)
        return lower_in_two_steps(&lo);
    return lower_by_join(&lo, has_plain);
}

const Rule rule_lower_distinct_aggregates = {
    .name = "lower_distinct_aggregates",
    .root = PLAN_AGGREGATE,
    .is_required = true,
    .rewrite = lower_distinct_aggregates,
};
