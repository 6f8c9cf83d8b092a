/*
 * bind_select.c -- one SELECT
 *
 *     WITH, FROM, select list, WHERE, HAVING, ORDER BY, GROUP BY, DISTINCT, LIMIT   are bound
 *
 *     from -> Filter (WHERE) -> Aggregate -> Filter (HAVING) -> Project -> DISTINCT -> Sort, Limit
 *
 * PostgreSQL binds the clauses in this order, which decides what error comes first.
 */
#include "sql/binder/binder_internal.h"

/* --- targets --- */

uint32_t bind__targets_add(Binder *b, Targets *targets, Output output)
{
    if (targets->count == targets->capacity) {
        uint32_t capacity = targets->capacity == 0 ? 16 : targets->capacity * 2;
        Output *items = ARENA_ARRAY(b->arena, Output, capacity);

        if (targets->count > 0)
            memcpy(items, targets->items, targets->count * sizeof *items);
        targets->items = items;
        targets->capacity = capacity;
    }
    targets->items[targets->count] = output;
    return targets->count++;
}

uint32_t bind__targets_find_or_add(Binder *b, Targets *targets, const Expr *expr, int32_t offset)
{
    for (uint32_t i = 0; i < targets->count; i++)
        if (expr_equal(targets->items[i].expr, expr))
            return i;
    return bind__targets_add(b, targets,
                             (Output){.expr = expr, .name = "?column?", .offset = offset});
}

static void add_item_columns(Binder *b, Targets *targets, const RangeItem *item, int32_t offset)
{
    for (uint32_t i = 0; i < item->column_count; i++) {
        const RangeColumn *column = &item->columns[i];

        bind__targets_add(b, targets,
                          (Output){.expr = bind__expr_at(
                                       b, expr_column(b->arena, column->id, column->type), offset),
                                   .name = column->name,
                                   .offset = offset});
    }
}

/* * and t.* */
static Status add_star(Binder *b, Scope *scope, Targets *targets, const AstColumn *star)
{
    int32_t offset = star->head.offset;
    const RangeItem *item;
    bool any = false;

    if (star->names.count > 0) {
        const char *name = star->names.items[star->names.count - 1];

        TRY(scope__find_item(b, scope, name, offset, &item));
        if (item == NULL)
            return scope__missing_item(b, scope, name, offset);
        add_item_columns(b, targets, item, offset);
        return ST_OK;
    }
    for (uint32_t i = 0; i < scope->visible.count; i++)
        if (scope->visible.items[i].columns_visible) {
            add_item_columns(b, targets, scope->visible.items[i].item, offset);
            any = true;
        }
    if (!any)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42601",
                             "SELECT * with no tables specified is not valid");
    return ST_OK;
}

static Status bind_targets(Binder *b, Scope *scope, const AstSelect *select, Targets *targets)
{
    for (uint32_t i = 0; i < select->target_count; i++) {
        const AstTarget *target = &select->targets[i];
        const AstColumn *column = ast_as_column(target->expr);
        Output output = {.offset = target->expr->offset};

        if (column != NULL && column->is_star) {
            TRY(add_star(b, scope, targets, column));
        } else {
            TRY(bind__expr(b, scope, target->expr, &output.expr));
            output.name = target->name != NULL ? target->name : bind__target_name(target->expr);
            bind__targets_add(b, targets, output);
        }
        if (targets->count > BINDER_COLUMNS_MAX)
            return bind__fail_at(b, output.offset, ST_BAD_INPUT, "54011",
                                 "target lists can have at most %d entries", BINDER_COLUMNS_MAX);
    }
    targets->visible_count = targets->count;
    return ST_OK;
}

/* --- SELECT --- */

typedef struct SelectParts {
    const Plan *plan;
    Targets targets;
    const Expr *where, *having;
    Grouping grouping;
    Tail tail;
} SelectParts;

static Status refuse_unsupported(Binder *b, const AstSelect *select)
{
    if (select->window_count > 0)
        return bind__not_supported(b, select->windows[0].offset, "window functions");
    if (select->group_distinct)
        return bind__not_supported(b, select->offset, "GROUP BY DISTINCT");
    return ST_OK;
}

static Status bind_parts(Binder *b, Scope *scope, const AstSelect *select, SelectParts *parts)
{
    TRY(refuse_unsupported(b, select));
    scope->clause = CLAUSE_FROM;
    TRY(bind__from_list(b, scope, select->from, &parts->plan));
    if (parts->plan == NULL)
        parts->plan = plan_one_row(b->arena);
    scope->clause = CLAUSE_SELECT;
    TRY(bind_targets(b, scope, select, &parts->targets));
    scope->clause = CLAUSE_WHERE;
    if (select->where != NULL)
        TRY(bind__condition(b, scope, select->where, "WHERE", &parts->where));
    scope->clause = CLAUSE_HAVING;
    if (select->having != NULL)
        TRY(bind__condition(b, scope, select->having, "HAVING", &parts->having));
    parts->tail.key_count = select->order_by.count;
    TRY(bind__order_by(b, scope, &parts->targets, select->order_by, &parts->tail.keys));
    TRY(bind__group_by(b, scope, &parts->targets, select, &parts->grouping));
    TRY(bind__distinct(b, scope, &parts->targets, select, &parts->tail));
    return bind__limit(b, scope, select, &parts->tail.limit);
}

static Status bind_plain(Binder *b, Scope *scope, const AstSelect *select, Query *query_out)
{
    SelectParts parts = {0};
    const Plan *plan;

    TRY(bind_parts(b, scope, select, &parts));
    plan = plan_filter(b->arena, parts.plan, parts.where);
    parts.grouping.is_grouped |= scope->agg_count > 0 || select->having != NULL;
    if (parts.grouping.is_grouped && scope->sets != NULL)
        return bind__not_supported(b, select->offset,
                                   "set-returning functions in the select list of a grouped query");
    if (parts.grouping.is_grouped)
        TRY(bind__plan_grouping(b, scope, &parts.grouping, &parts.targets, &parts.having, &plan));
    plan = plan_filter(b->arena, plan, parts.having);
    plan = bind__plan_sets(b, scope, plan);
    return bind__plan_tail(b, plan, &parts.targets, &parts.tail, query_out);
}

/* --- any query --- */

/* VALUES with ORDER BY and LIMIT: as SELECT * FROM (VALUES ...). */
static Status bind_values_query(Binder *b, Scope *scope, const AstSelect *select, Query *query_out)
{
    Targets targets = {0};
    Tail tail = {.key_count = select->order_by.count};
    AstFrom from = {.kind = AST_FROM_SUBQUERY, .offset = select->offset};
    Query values;
    const Plan *plan;

    TRY(bind__values(b, scope, select, &values));
    TRY(bind__query_close(b, &values, &plan));
    scope->visible = (VisibleList){0, 0, NULL};
    TRY(bind__add_range(b, scope, &from, "*VALUES*", NULL, plan->column_count,
                        bind__range_columns_of_plan(b, plan), &scope->visible));
    add_item_columns(b, &targets, scope->visible.items[0].item, select->offset);
    targets.visible_count = targets.count;
    TRY(bind__order_by(b, scope, &targets, select->order_by, &tail.keys));
    TRY(bind__limit(b, scope, select, &tail.limit));
    if (scope->agg_count > 0)
        return bind__not_supported(b, select->offset, "aggregates over VALUES");
    return bind__plan_tail(b, plan, &targets, &tail, query_out);
}

static Status bind_query_kind(Binder *b, Scope *scope, const AstSelect *select, Query *query_out)
{
    if (select->with != NULL)
        TRY(bind__with(b, scope, select->with));
    switch (select->kind) {
    case AST_SELECT_PLAIN:
        return bind_plain(b, scope, select, query_out);
    case AST_SELECT_VALUES:
        return bind_values_query(b, scope, select, query_out);
    case AST_SELECT_SETOP:
        return bind__setop(b, scope, select, query_out);
    }
    UNREACHABLE("SELECT kind");
}

Status bind__query(Binder *b, Scope *outer, const AstSelect *select, Query *query_out)
{
    Scope scope;

    *query_out = (Query){NULL, 0, NULL};
    TRY(bind__enter(b, select->offset));
    if (select->locking != NULL)
        return bind__not_supported(b, select->offset, "%s", select->locking);
    scope__init(&scope, outer);
    TRY(bind_query_kind(b, &scope, select, query_out));
    bind__leave(b);
    return ST_OK;
}

Status bind__query_plan(Binder *b, Scope *outer, const AstSelect *select, const Plan **plan_out)
{
    Query query;

    *plan_out = NULL;
    TRY(bind__query(b, outer, select, &query));
    return bind__query_close(b, &query, plan_out);
}

/* --- closing --- */

Status bind__query_resolve_output(Binder *b, Output *output)
{
    return bind__coerce_unknown_to_text(b, output->expr, &output->expr);
}

/* Whether the outputs are the plan's columns as they are, names included. */
static bool is_closed(const Query *query)
{
    if (query->plan->column_count != query->count)
        return false;
    for (uint32_t i = 0; i < query->count; i++)
        if (query->outputs[i].expr->kind != EXPR_COLUMN ||
            query->outputs[i].expr->column != query->plan->columns[i].id ||
            strcmp(query->outputs[i].name, query->plan->columns[i].name) != 0)
            return false;
    return true;
}

/* A bare column keeps its id where it comes first; else the output gets a new one. */
static ColumnId output_id(Binder *b, const Query *query, const Expr *expr,
                          const PlanColumn *columns, uint32_t count)
{
    if (expr->kind != EXPR_COLUMN || plan_column(query->plan, expr->column) == NULL)
        return plan_new_column(b->ids);
    for (uint32_t i = 0; i < count; i++)
        if (columns[i].id == expr->column)
            return plan_new_column(b->ids);
    return expr->column;
}

Status bind__query_close(Binder *b, Query *query, const Plan **plan_out)
{
    const Expr **exprs = ARENA_ARRAY(b->arena, const Expr *, query->count);
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, query->count);

    for (uint32_t i = 0; i < query->count; i++)
        TRY(bind__query_resolve_output(b, &query->outputs[i]));
    *plan_out = query->plan;
    if (is_closed(query))
        return ST_OK;
    for (uint32_t i = 0; i < query->count; i++) {
        const Output *output = &query->outputs[i];

        exprs[i] = output->expr;
        columns[i] = (PlanColumn){.id = output_id(b, query, output->expr, columns, i),
                                  .type = output->expr->type,
                                  .name = output->name,
                                  .is_nullable = bind__expr_is_nullable(query->plan, output->expr)};
    }
    *plan_out = plan_project(b->arena, query->plan, query->count, exprs, columns);
    return ST_OK;
}
