/*
 * unnest_pull.c -- a correlated plan without its correlated predicates
 *
 *     Filter k = o.k AND v > 3      =>   Filter v > 3        and the predicate k = o.k
 *       Scan t                             Scan t
 *
 * Predicates rise through what they commute with. An aggregate lets one pass that is an equality
 * `inner = outer`: inner becomes a group key, and the aggregate is computed once for all outer
 * rows:
 *
 *     Aggregate sum(v)              =>   Aggregate keys k, sum(v)     and k = o.k
 *       Filter k = o.k                     Scan t
 *         Scan t
 *
 * Expressions of projections that use outer columns, that may fail for rows which no outer row asks
 * for, or that stand above an aggregate without keys, are deferred: computed above the join.
 *
 * Gives up (false) where a predicate cannot rise; then the domain comes down (unnest_domain.c).
 */
#include "sql/optimizer/rules/unnest.h"

typedef struct Puller {
    RuleCtx *rc;
    Arena *arena;
    ColumnSet outer;
} Puller;

static bool pull(Puller *puller, const Plan *plan, Pulled *out);

static bool uses_outer(const Puller *puller, const Expr *expr)
{
    return expr_uses_any(puller->arena, expr, puller->outer);
}

/* expr over the pulled plan's columns: deferred ones replaced by what computes them. */
static const Expr *over_pulled(const Puller *puller, const Pulled *pulled, const Expr *expr)
{
    ColumnMap map = map_vec_map(&pulled->deferred);

    return expr == NULL ? NULL : expr_substitute(puller->arena, expr, &map);
}

/* --- filter and project --- */

/* Splits predicate into what goes up and, returned, what stays. */
static const Expr *split_predicate(const Puller *puller, Pulled *out, const Expr *predicate)
{
    ExprVec stays = {.arena = puller->arena};
    const Expr *const *parts;
    uint32_t count = expr_split_and(puller->arena, predicate, &parts);

    for (uint32_t i = 0; i < count; i++) {
        const Expr *part = over_pulled(puller, out, parts[i]);

        if (uses_outer(puller, part))
            expr_vec_add(&out->predicates, part);
        else
            expr_vec_add(&stays, part);
    }
    return expr_vec_and(&stays);
}

static bool pull_filter(Puller *puller, const PlanFilter *filter, Pulled *out)
{
    if (!pull(puller, filter->head.inputs[0], out) || out->is_scalar)
        return false; /* HAVING over one row that is there even when no group is */
    if (expr_is_volatile(filter->predicate))
        return false;
    out->plan =
        plan_filter(puller->arena, out->plan, split_predicate(puller, out, filter->predicate));
    return true;
}

/* What predicates and deferred columns use must be in the output. */
static void keep_used(const Puller *puller, const Pulled *pulled, const Expr *expr,
                      ColumnVec *outputs)
{
    ColumnSet used = expr_columns(puller->arena, expr);

    for (uint32_t i = 0; i < used.count; i++)
        if (plan_column(pulled->plan, used.ids[i]) != NULL)
            column_vec_keep(outputs, pulled->plan, used.ids[i]);
}

static bool pull_project(Puller *puller, const PlanProject *project, Pulled *out)
{
    ColumnVec outputs = {.arena = puller->arena};
    MapVec deferred = {.arena = puller->arena};

    if (!pull(puller, project->head.inputs[0], out))
        return false;
    for (uint32_t i = 0; i < project->exprs.count; i++) {
        const PlanColumn *column = &project->head.columns[i];
        const Expr *expr = over_pulled(puller, out, project->exprs.items[i]);
        bool is_kept_column = expr->kind == EXPR_COLUMN && expr->column == column->id;

        if (expr_is_volatile(expr))
            return false;
        if (is_kept_column && plan_column(out->plan, column->id) != NULL)
            column_vec_keep(&outputs, out->plan, column->id);
        else if (out->is_scalar || uses_outer(puller, expr) || expr_is_risky(expr))
            map_vec_add(&deferred, column->id, expr);
        else
            column_vec_add(&outputs, expr, *column);
    }
    for (uint32_t i = 0; i < out->predicates.count; i++)
        keep_used(puller, out, out->predicates.items[i], &outputs);
    for (uint32_t i = 0; i < deferred.count; i++)
        keep_used(puller, out, deferred.to[i], &outputs);
    out->plan = column_vec_project(&outputs, out->plan);
    out->deferred = deferred;
    return true;
}

/* --- aggregate and limit: predicates become keys --- */

/* inner = outer, either way round. */
static bool split_equality(const Puller *puller, const Expr *predicate, const Expr **inner_out,
                           const Expr **outer_out)
{
    if (predicate->kind != EXPR_CALL ||
        (predicate->func != FUNC_EQ && predicate->func != FUNC_NOT_DISTINCT_FROM))
        return false;
    for (uint32_t side = 0; side < 2; side++) {
        const Expr *inner = predicate->args[side], *outer = predicate->args[1 - side];

        if (!uses_outer(puller, inner) && expr_uses_only(puller->arena, outer, puller->outer) &&
            expr_columns(puller->arena, inner).count > 0) {
            *inner_out = inner;
            *outer_out = outer;
            return true;
        }
    }
    return false;
}

typedef struct KeyVec {
    uint32_t count;
    ColumnId *ids;
} KeyVec;

static void add_key(KeyVec *keys, ColumnId id)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (keys->ids[i] == id)
            return;
    keys->ids[keys->count++] = id;
}

/* The inner side of an equality as a column of the pulled plan. */
static PlanColumn column_of_inner(const Puller *puller, Pulled *out, const Expr *inner)
{
    ColumnVec outputs = {.arena = puller->arena};
    PlanColumn column;

    if (inner->kind == EXPR_COLUMN)
        return *plan_column(out->plan, inner->column);
    column = column_named(puller->rc, inner->type, "key", true);
    column_vec_keep_all(&outputs, out->plan);
    column_vec_add(&outputs, inner, column);
    out->plan = column_vec_project(&outputs, out->plan);
    return column;
}

/* Makes each predicate one over keys and outer columns only, adding keys as needed. */
static bool predicates_to_keys(const Puller *puller, Pulled *out, KeyVec *keys)
{
    for (uint32_t i = 0; i < out->predicates.count; i++) {
        const Expr *predicate = out->predicates.items[i], *inner, *outer;
        ColumnSet own = column_set_make(puller->arena, keys->count, keys->ids);
        ColumnSet allowed = column_set_union(puller->arena, own, puller->outer);
        PlanColumn column;

        if (expr_uses_only(puller->arena, predicate, allowed))
            continue;
        if (!split_equality(puller, predicate, &inner, &outer))
            return false;
        column = column_of_inner(puller, out, inner);
        add_key(keys, column.id);
        out->predicates.items[i] = expr_call2(puller->arena, predicate->func, predicate->type,
                                              expr_of_column(puller->arena, &column), outer);
    }
    return true;
}

/*
 * The aggregates over the pulled plan. Without keys the ones that are 0 over no rows (count) are
 * deferred as COALESCE(count, 0): where no group belongs to an outer row, the join gives NULL.
 */
static bool pull_aggs(const Puller *puller, const PlanAggregate *aggregate, const Pulled *out,
                      MapVec *deferred, const Expr **aggs, PlanColumn *columns)
{
    for (uint32_t i = 0; i < aggregate->aggs.count; i++) {
        const Expr *agg = over_pulled(puller, out, aggregate->aggs.items[i]);

        columns[i] = aggregate->head.columns[aggregate->keys.count + i];
        if (uses_outer(puller, agg) || expr_is_risky(agg) || expr_is_volatile(agg))
            return false;
        aggs[i] = agg;
        if (aggregate->keys.count == 0 && (agg_properties(agg->agg) & AGG_ZERO_IS_EMPTY)) {
            ColumnId id = columns[i].id;

            columns[i].id = plan_new_column(puller->rc->ids);
            map_vec_add(deferred, id,
                        expr_call2(puller->arena, FUNC_COALESCE, agg->type,
                                   expr_of_column(puller->arena, &columns[i]),
                                   expr_const(puller->arena, value_int8(0))));
        }
    }
    return true;
}

static bool pull_aggregate(Puller *puller, const PlanAggregate *aggregate, Pulled *out)
{
    uint32_t agg_count = aggregate->aggs.count;
    const Expr **aggs = ARENA_ARRAY(puller->arena, const Expr *, agg_count);
    PlanColumn *columns = ARENA_ARRAY(puller->arena, PlanColumn, agg_count);
    MapVec deferred = {.arena = puller->arena};
    KeyVec keys = {0};

    if (!pull(puller, aggregate->head.inputs[0], out) || out->is_scalar)
        return false;
    if (!pull_aggs(puller, aggregate, out, &deferred, aggs, columns))
        return false;
    keys.ids = ARENA_ARRAY(puller->arena, ColumnId, aggregate->keys.count + out->predicates.count);
    for (uint32_t i = 0; i < aggregate->keys.count; i++) {
        if (plan_column(out->plan, aggregate->keys.ids[i]) == NULL)
            return false;
        add_key(&keys, aggregate->keys.ids[i]);
    }
    if (!predicates_to_keys(puller, out, &keys))
        return false;
    out->plan =
        plan_aggregate(puller->arena, out->plan, keys.count, keys.ids, agg_count, aggs, columns);
    out->deferred = deferred;
    out->is_scalar = aggregate->keys.count == 0;
    return true;
}

/* Columns that are no keys become FIRST aggregates: input's own get other ids below. */
static const Plan *first_per_group(RuleCtx *rc, const Plan *input, uint32_t key_count,
                                   const ColumnId *keys)
{
    ColumnSet key_set = column_set_make(rc->arena, key_count, keys);
    MapVec renamed = {.arena = rc->arena};
    ExprVec aggs = {.arena = rc->arena};
    PlanColumn *columns = ARENA_ARRAY(rc->arena, PlanColumn, input->column_count);
    ColumnMap map;

    for (uint32_t i = 0; i < input->column_count; i++) {
        PlanColumn column = input->columns[i];
        const Expr *below;

        if (column_set_has(key_set, column.id))
            continue;
        below = expr_column(rc->arena, plan_new_column(rc->ids), column.type);
        map_vec_add(&renamed, column.id, below);
        columns[aggs.count] = column;
        expr_vec_add(&aggs, expr_agg(rc->arena, AGG_FIRST, column.type, 1, &below, false, NULL));
    }
    map = map_vec_map(&renamed);
    return plan_aggregate(rc->arena, plan_substitute(rc->arena, input, &map), key_count, keys,
                          aggs.count, aggs.items, columns);
}

const Plan *unnest_group_limit(RuleCtx *rc, const Plan *input, uint32_t key_count,
                               const ColumnId *keys, const PlanLimit *limit)
{
    const PlanSort *sort = plan_as_sort(input);

    if (limit->skip_rows == 0 && limit->fetch_rows == 1)
        return first_per_group(rc, input, key_count, keys);
    return plan_group_limit(rc->arena, sort == NULL ? input : sort->head.inputs[0], key_count, keys,
                            sort == NULL ? (SortKeyList){0} : sort->keys, limit->skip_rows,
                            limit->fetch_rows);
}

/* The first rows of each group. Each key is bound by an equality, so at most one group
 * belongs to an outer row. */
static bool pull_limit(Puller *puller, const PlanLimit *limit, Pulled *out)
{
    KeyVec keys = {0};

    if (limit->fetch_rows == 0)
        return false;
    if (!pull(puller, limit->head.inputs[0], out) || out->is_scalar)
        return false;
    keys.ids = ARENA_ARRAY(puller->arena, ColumnId, out->predicates.count);
    if (!predicates_to_keys(puller, out, &keys) || keys.count == 0)
        return false;
    out->plan = unnest_group_limit(puller->rc, out->plan, keys.count, keys.ids, limit);
    return true;
}

static bool pull_sort(Puller *puller, const PlanSort *sort, Pulled *out)
{
    if (!pull(puller, sort->head.inputs[0], out))
        return false;
    for (uint32_t i = 0; i < sort->keys.count; i++)
        if (plan_column(out->plan, sort->keys.items[i].column) == NULL)
            return false;
    out->plan = plan_sort(puller->arena, out->plan, sort->keys.count, sort->keys.items);
    return true;
}

/* --- joins --- */

static void append(Pulled *out, const Pulled *more)
{
    for (uint32_t i = 0; i < more->predicates.count; i++)
        expr_vec_add(&out->predicates, more->predicates.items[i]);
    for (uint32_t i = 0; i < more->deferred.count; i++)
        map_vec_add(&out->deferred, more->deferred.from[i], more->deferred.to[i]);
}

/* A right input that itself depends on the left one's columns must still find them. */
static bool right_finds_left(const Puller *puller, const Plan *right, const Plan *left,
                             const Pulled *pulled_left)
{
    ColumnSet free_columns = plan_free_columns(puller->arena, right);

    for (uint32_t i = 0; i < free_columns.count; i++)
        if (plan_column(left, free_columns.ids[i]) != NULL &&
            plan_column(pulled_left->plan, free_columns.ids[i]) == NULL)
            return false;
    return true;
}

static bool pull_inner_join(Puller *puller, const PlanJoin *join, Pulled *out)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    bool is_nested = plan_uses_any(puller->arena, right, plan_output(puller->arena, left));
    Pulled right_out = {.predicates = {.arena = puller->arena},
                        .deferred = {.arena = puller->arena}};
    const Expr *condition;

    if (is_nested && plan_uses_any(puller->arena, right, puller->outer))
        return false;
    if (!pull(puller, left, out) || out->is_scalar)
        return false;
    if (!pull(puller, right, &right_out) || right_out.is_scalar)
        return false;
    if (!right_finds_left(puller, right, left, out))
        return false;
    append(out, &right_out);
    condition = split_predicate(puller, out, join->condition);
    out->plan = plan_join(puller->arena, JOIN_INNER, out->plan, right_out.plan, condition);
    return true;
}

/* Kinds that keep each left row: predicates over the left input rise. */
static bool pull_left_of_join(Puller *puller, const PlanJoin *join, Pulled *out)
{
    const Plan *left = join->head.inputs[0], *right = join->head.inputs[1];
    const Expr *condition, *null_aware;

    if (join->kind == JOIN_SINGLE || join->kind == JOIN_FULL)
        return false; /* a second match is an error only for rows that an outer row asks for */
    if (plan_uses_any(puller->arena, right, puller->outer))
        return false;
    if (!pull(puller, left, out) || out->is_scalar || !right_finds_left(puller, right, left, out))
        return false;
    condition = over_pulled(puller, out, join->condition);
    null_aware = over_pulled(puller, out, join->null_aware);
    if (uses_outer(puller, condition) || uses_outer(puller, null_aware))
        return false;
    out->plan = plan_join_like(puller->arena, join, (JoinKind)join->kind, out->plan, right,
                               condition, null_aware);
    return true;
}

static bool pull(Puller *puller, const Plan *plan, Pulled *out)
{
    *out = (Pulled){
        .plan = plan, .predicates = {.arena = puller->arena}, .deferred = {.arena = puller->arena}};
    if (!plan_uses_any(puller->arena, plan, puller->outer))
        return true;
    switch (plan->kind) {
    case PLAN_FILTER:
        return pull_filter(puller, (const PlanFilter *)plan, out);
    case PLAN_PROJECT:
        return pull_project(puller, (const PlanProject *)plan, out);
    case PLAN_AGGREGATE:
        return pull_aggregate(puller, (const PlanAggregate *)plan, out);
    case PLAN_SORT:
        return pull_sort(puller, (const PlanSort *)plan, out);
    case PLAN_LIMIT:
        return pull_limit(puller, (const PlanLimit *)plan, out);
    case PLAN_JOIN:
        return ((const PlanJoin *)plan)->kind == JOIN_INNER
                   ? pull_inner_join(puller, (const PlanJoin *)plan, out)
                   : pull_left_of_join(puller, (const PlanJoin *)plan, out);
    default:
        return false;
    }
}

bool unnest_pull(RuleCtx *rc, const Plan *plan, ColumnSet outer, Pulled *out)
{
    Puller puller = {rc, rc->arena, outer};

    return pull(&puller, plan, out);
}
