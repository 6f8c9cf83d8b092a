/*
 * bind_aggregate.c -- GROUP BY and aggregates become an Aggregate node
 *
 *     SELECT a + 1, sum(b) FROM t GROUP BY a + 1
 *
 *     Project k, s                      the select list over keys and aggregates
 *       Aggregate k, s := sum(b)        scope->aggs
 *         Project ..., k := a + 1       keys that are no bare columns
 *           t
 *
 * Aggregate calls have been bound as columns already (bind_agg_call.c). Here every other use of a
 * FROM column above the grouping must be a key, or lie in an expression that is one.
 */
#include "sql/binder/binder_internal.h"

/* --- the same expression written twice --- */

/* Subqueries get the columns that a plan gets that is the first of the statement. */
static const Expr *renumber(void *context, const Expr *expr)
{
    Arena *arena = context;
    PlanIds ids = {.last_column = INT32_MAX};
    Expr *copy;

    if (expr->kind != EXPR_SUBQUERY)
        return expr;
    copy = arena_copy(arena, expr, sizeof *expr);
    copy->plan = plan_clone(arena, expr->plan, &ids, NULL);
    return copy;
}

/* Subqueries are bound each time they are written, to columns of their own: these may differ. */
static bool is_same(Binder *b, const Expr *one, const Expr *other)
{
    if (expr_equal(one, other))
        return true;
    if (!expr_has_subquery(one) || !expr_has_subquery(other))
        return false;
    return expr_equal(expr_rewrite(b->arena, one, renumber, b->arena),
                      expr_rewrite(b->arena, other, renumber, b->arena));
}

/* --- GROUP BY --- */

static bool uses_agg(Binder *b, const Scope *scope, const Expr *expr)
{
    ColumnSet columns = expr_columns(b->arena, expr);

    for (uint32_t i = 0; i < columns.count; i++)
        if (scope__is_agg(scope, columns.ids[i]))
            return true;
    return false;
}

static void add_key(Binder *b, Grouping *grouping, const Expr *key)
{
    for (uint32_t i = 0; i < grouping->key_count; i++)
        if (is_same(b, grouping->keys[i], key))
            return;
    grouping->keys[grouping->key_count++] = key;
}

static Status bind_key(Binder *b, Scope *scope, Targets *targets, const AstExpr *item,
                       Grouping *grouping)
{
    uint32_t target;
    const Expr *key;

    TRY(bind__target_reference(b, scope, targets, item, CLAUSE_GROUP_BY, &target, &key));
    if (target != TARGET_NONE) {
        TRY(bind__query_resolve_output(b, &targets->items[target]));
        key = targets->items[target].expr;
    }
    TRY(bind__coerce_unknown_to_text(b, key, &key));
    if (uses_agg(b, scope, key))
        return bind__fail_at(b, key->sql_offset, ST_BAD_INPUT, "42803",
                             "aggregate functions are not allowed in GROUP BY");
    add_key(b, grouping, key);
    return ST_OK;
}

/* GROUP BY (a, b) is GROUP BY a, b; () is no key at all. */
static uint32_t count_items(AstExprs items)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < items.count; i++) {
        const AstRow *row = ast_as_row(items.items[i]);

        count += row != NULL && !row->is_explicit ? row->items.count : 1;
    }
    return count;
}

Status bind__group_by(Binder *b, Scope *scope, Targets *targets, const AstSelect *select,
                      Grouping *grouping_out)
{
    AstExprs items = select->group_by;

    *grouping_out = (Grouping){.is_grouped = items.count > 0};
    grouping_out->keys = ARENA_ARRAY(b->arena, const Expr *, count_items(items));
    for (uint32_t i = 0; i < items.count; i++) {
        const AstRow *row = ast_as_row(items.items[i]);
        const AstGroupingSet *set = ast_as_grouping_set(items.items[i]);

        if (set != NULL && (set->grouping != AST_GROUPING_EMPTY || items.count > 1))
            return bind__not_supported(b, set->head.offset, "grouping sets");
        if (set != NULL)
            continue;
        if (row == NULL || row->is_explicit) {
            TRY(bind_key(b, scope, targets, items.items[i], grouping_out));
            continue;
        }
        for (uint32_t j = 0; j < row->items.count; j++)
            TRY(bind_key(b, scope, targets, row->items.items[j], grouping_out));
    }
    return ST_OK;
}

/* --- rewriting what stands above --- */

typedef struct Regroup {
    Binder *b;
    const Scope *scope;
    const Grouping *grouping;
    ColumnSet input;         /* FROM's columns */
    ColumnSet key_columns;   /* keys, as columns below the aggregate */
    const ColumnId *key_ids; /* of each key */
} Regroup;

static Status ungrouped_column(const Regroup *regroup, ColumnId id, int32_t offset,
                               bool is_in_subquery)
{
    const RangeItem *item = NULL;
    const RangeColumn *column = scope__range_column(regroup->scope, id, &item);
    const char *table = item == NULL || item->name == NULL ? "unnamed_join" : item->name;
    const char *name = column == NULL ? "?column?" : column->name;

    if (is_in_subquery)
        return bind__fail_at(regroup->b, offset, ST_BAD_INPUT, "42803",
                             "subquery uses ungrouped column \"%s.%s\" from outer query", table,
                             name);
    return bind__fail_at(
        regroup->b, offset, ST_BAD_INPUT, "42803",
        "column \"%s.%s\" must appear in the GROUP BY clause or be used in an aggregate "
        "function",
        table, name);
}

/* Of FROM's columns a subquery may use the keys only. */
static Status check_subquery(const Regroup *regroup, const Expr *subquery)
{
    ColumnSet used = plan_free_columns(regroup->b->arena, subquery->plan);
    ColumnSet wrong = column_set_minus(
        regroup->b->arena, column_set_intersect(regroup->b->arena, used, regroup->input),
        regroup->key_columns);

    if (wrong.count == 0)
        return ST_OK;
    return ungrouped_column(regroup, wrong.ids[0], bind__expr_find_column(subquery, wrong.ids[0]),
                            true);
}

/* Top down, so that the largest expression that is a key is taken. */
static Status regroup_expr(const Regroup *regroup, const Expr **expr)
{
    Arena *arena = regroup->b->arena;
    const Expr *old = *expr;
    const Expr **args;

    for (uint32_t i = 0; i < regroup->grouping->key_count; i++)
        if (is_same(regroup->b, regroup->grouping->keys[i], old)) {
            *expr = bind__expr_at(regroup->b, expr_column(arena, regroup->key_ids[i], old->type),
                                  old->sql_offset);
            return ST_OK;
        }
    if (old->kind == EXPR_COLUMN && column_set_has(regroup->input, old->column) &&
        !column_set_has(regroup->key_columns, old->column))
        return ungrouped_column(regroup, old->column, old->sql_offset, false);
    if (old->kind == EXPR_SUBQUERY)
        TRY(check_subquery(regroup, old));
    if (old->arg_count == 0)
        return ST_OK;
    args = arena_copy(arena, old->args, old->arg_count * sizeof *args);
    for (uint32_t i = 0; i < old->arg_count; i++)
        TRY(regroup_expr(regroup, &args[i]));
    *expr = expr_with_args(arena, old, args);
    return ST_OK;
}

/* --- the plan --- */

/* Each key as a column: its own, or a new one of a projection that passes all others through. */
static const Plan *project_keys(Binder *b, const Plan *plan, const Grouping *grouping,
                                ColumnId *ids)
{
    uint32_t count = plan->column_count;
    const Expr **exprs = ARENA_ARRAY(b->arena, const Expr *, (size_t)count + grouping->key_count);
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, (size_t)count + grouping->key_count);

    for (uint32_t i = 0; i < count; i++) {
        columns[i] = plan->columns[i];
        exprs[i] = expr_column(b->arena, columns[i].id, columns[i].type);
    }
    for (uint32_t i = 0; i < grouping->key_count; i++) {
        const Expr *key = grouping->keys[i];

        if (key->kind == EXPR_COLUMN && plan_column(plan, key->column) != NULL) {
            ids[i] = key->column;
            continue;
        }
        ids[i] = plan_new_column(b->ids);
        exprs[count] = key;
        columns[count++] = (PlanColumn){.id = ids[i],
                                        .type = key->type,
                                        .name = "?column?",
                                        .is_nullable = bind__expr_is_nullable(plan, key)};
    }
    return count == plan->column_count ? plan : plan_project(b->arena, plan, count, exprs, columns);
}

/* Of a group, which has a row: NULL only if the argument can be. */
static bool agg_is_nullable(const Plan *plan, const Expr *agg, bool has_keys)
{
    if (agg_properties(agg->agg) & AGG_ZERO_IS_EMPTY)
        return false;
    switch (agg->agg) {
    case AGG_SUM:
    case AGG_AVG:
    case AGG_MIN:
    case AGG_MAX:
    case AGG_BOOL_AND:
    case AGG_BOOL_OR:
        return !has_keys || agg->filter != NULL || bind__expr_is_nullable(plan, agg->args[0]);
    default:
        return true;
    }
}

static const Plan *aggregate(Binder *b, const Scope *scope, const Plan *plan, uint32_t key_count,
                             const ColumnId *keys)
{
    const Expr **aggs = ARENA_ARRAY(b->arena, const Expr *, scope->agg_count);
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, scope->agg_count);

    for (uint32_t i = 0; i < scope->agg_count; i++) {
        aggs[i] = scope->aggs[i].expr;
        columns[i] = (PlanColumn){.id = scope->aggs[i].id,
                                  .type = aggs[i]->type,
                                  .name = scope->aggs[i].name,
                                  .is_nullable = agg_is_nullable(plan, aggs[i], key_count > 0)};
    }
    return plan_aggregate(b->arena, plan, key_count, keys, scope->agg_count, aggs, columns);
}

Status bind__plan_grouping(Binder *b, Scope *scope, Grouping *grouping, Targets *targets,
                           const Expr **having, const Plan **plan)
{
    ColumnId *ids = ARENA_ARRAY(b->arena, ColumnId, grouping->key_count);
    Regroup regroup = {.b = b, .scope = scope, .grouping = grouping, .key_ids = ids};

    regroup.input = plan_output(b->arena, *plan);
    *plan = project_keys(b, *plan, grouping, ids);
    regroup.key_columns = column_set_make(b->arena, grouping->key_count, ids);
    for (uint32_t i = 0; i < targets->count; i++)
        TRY(regroup_expr(&regroup, &targets->items[i].expr));
    if (*having != NULL)
        TRY(regroup_expr(&regroup, having));
    *plan = aggregate(b, scope, *plan, grouping->key_count, ids);
    return ST_OK;
}
