/* bind_from.c -- FROM: tables, views, files, WITH queries and subqueries */
#include "sql/binder/binder_internal.h"

/* --- an item's columns --- */

RangeColumn *bind__range_columns_of_plan(Binder *b, const Plan *plan)
{
    RangeColumn *columns = ARENA_ARRAY(b->arena, RangeColumn, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i] =
            (RangeColumn){plan->columns[i].name, plan->columns[i].id, plan->columns[i].type};
    return columns;
}

Status bind__add_range(Binder *b, Scope *scope, const AstFrom *from, const char *name,
                       const char *table_name, uint32_t column_count, RangeColumn *columns,
                       VisibleList *visible_out)
{
    AstNames aliases = from->alias.columns;
    RangeItem *item = ARENA_NEW(b->arena, RangeItem);

    if (from->alias.name != NULL)
        name = from->alias.name;
    if (aliases.count > column_count)
        return bind__fail_at(b, from->offset, ST_BAD_INPUT, "42P10",
                             "table \"%s\" has %u columns available but %u columns specified", name,
                             column_count, aliases.count);
    for (uint32_t i = 0; i < aliases.count; i++)
        columns[i].name = aliases.items[i];
    *item = (RangeItem){
        .name = name, .table_name = table_name, .column_count = column_count, .columns = columns};
    scope__add_range(b, scope, item);
    bind__visible_add(b, visible_out,
                      (Visible){.item = item,
                                .name_visible = name != NULL,
                                .columns_visible = true,
                                .lateral_ok = true});
    return ST_OK;
}

/* --- tables and files --- */

Status bind__scan(Binder *b, Scope *scope, Table *table, const char *name, const AstFrom *from,
                  const Plan **plan_out, VisibleList *visible_out)
{
    uint32_t count = table->column_count;
    uint32_t *indexes = ARENA_ARRAY(b->arena, uint32_t, count);
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, count);

    for (uint32_t i = 0; i < count; i++) {
        indexes[i] = i;
        columns[i] = (PlanColumn){.id = plan_new_column(b->ids),
                                  .type = table->columns[i].type,
                                  .name = table->columns[i].name,
                                  .is_nullable = table->columns[i].is_nullable};
    }
    *plan_out = plan_scan(b->arena, table, from->alias.name != NULL ? from->alias.name : name,
                          count, indexes, columns);
    return bind__add_range(b, scope, from, name, name, count,
                           bind__range_columns_of_plan(b, *plan_out), visible_out);
}

/* dir/x.parquet, x.csv.gz: what stands in double quotes after FROM may be a file. */
static bool looks_like_file(const char *name)
{
    static const char *const endings[] = {".parquet", ".csv", ".tsv", ".json", ".jsonl",
                                          ".ndjson",  ".gz",  ".zst", ".txt",  ".arrow"};
    size_t length = strlen(name);

    if (strchr(name, '/') != NULL || strchr(name, '*') != NULL)
        return true;
    for (uint32_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);

        if (length > ending && strcmp(name + length - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

/* "x" of "dir/x.csv.gz". */
static const char *file_range_name(Binder *b, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    size_t length = strcspn(base, ".");

    return length == 0 ? base : arena_strndup(b->arena, base, length);
}

/* Keeps the nearer of two names for "did you mean". */
static void prefer_nearer(const char *name, const char *candidate, const char **best,
                          uint32_t *best_distance)
{
    uint32_t distance = str_edit_distance(name, candidate, *best_distance);

    if (distance < *best_distance && distance <= strlen(name) / 2) {
        *best = candidate;
        *best_distance = distance;
    }
}

static const char *nearest_table(Binder *b, const Scope *scope, const char *name)
{
    const Catalog *catalog = b->request->catalog;
    uint32_t best_distance = 3, count = 0;
    const char *const *names = NULL, *best = NULL;

    if (catalog->names != NULL)
        count = catalog->names(catalog->context, b->arena, &names);
    for (uint32_t i = 0; i < count; i++)
        prefer_nearer(name, names[i], &best, &best_distance);
    for (const Cte *cte = scope->ctes; cte != NULL; cte = cte->outer)
        if (!cte->is_future)
            prefer_nearer(name, cte->name, &best, &best_distance);
    return best;
}

static bool is_future_cte(const Scope *scope, const char *name)
{
    for (const Cte *cte = scope->ctes; cte != NULL; cte = cte->outer)
        if (cte->is_future && strcmp(cte->name, name) == 0)
            return true;
    return false;
}

static Status missing_relation(Binder *b, const Scope *scope, const AstFromTable *from)
{
    const AstName *name = &from->name;
    const char *full = name->schema == NULL
                           ? name->name
                           : arena_printf(b->arena, "%s.%s", name->schema, name->name);
    const char *nearest = nearest_table(b, scope, name->name);
    Status status = bind__fail_at(b, from->head.offset, ST_BAD_INPUT, "42P01",
                                  "relation \"%s\" does not exist", full);

    if (name->schema == NULL && is_future_cte(scope, name->name)) {
        error_detail(b->err,
                     "There is a WITH item named \"%s\", but it cannot be referenced from this "
                     "part of the query.",
                     name->name);
        error_hint(b->err, "Use WITH RECURSIVE, or re-order the WITH items to remove forward "
                           "references.");
    } else if (name->schema != NULL && looks_like_file(full))
        error_hint(b->err, "To read a file, write its path in double quotes: \"%s\".", full);
    else if (nearest != NULL && name->schema == NULL)
        error_hint(b->err, "Perhaps you meant the table \"%s\".", nearest);
    return status;
}

static Status bind_file(Binder *b, Scope *scope, const AstFromTable *from, const Plan **plan_out,
                        VisibleList *visible_out)
{
    const Catalog *catalog = b->request->catalog;
    const char *path = from->name.name;
    Table *table = NULL;

    TRY(bind__place_error(
        b, from->head.offset,
        catalog->open_file(catalog->context, path, NULL, (OptionList){0, NULL}, b->err, &table)));
    return bind__scan(b, scope, table, file_range_name(b, path), &from->head, plan_out,
                      visible_out);
}

/* --- views --- */

static Status bind_view(Binder *b, Scope *scope, const AstFromTable *from, const AstSelect *view,
                        const Plan **plan_out, VisibleList *visible_out)
{
    ViewFrame frame = {.outer = b->views, .name = from->name.name};
    uint32_t depth = 1;
    Status status;

    for (const ViewFrame *outer = b->views; outer != NULL; outer = outer->outer) {
        depth++;
        if (strcmp(outer->name, frame.name) == 0 || depth > BINDER_VIEW_DEPTH_MAX)
            return bind__fail_at(b, from->head.offset, ST_BAD_INPUT, "42P17",
                                 "infinite recursion detected in rules for relation \"%s\"",
                                 frame.name);
    }
    b->views = &frame;
    status = bind__query_plan(b, NULL, view, plan_out);
    b->views = frame.outer;
    if (status != ST_OK) {
        if (b->err != NULL && b->err->detail[0] == '\0')
            error_detail(b->err, "This is in the view \"%s\".", frame.name);
        return bind__place_error(b, from->head.offset, status);
    }
    return bind__add_range(b, scope, &from->head, frame.name, frame.name, (*plan_out)->column_count,
                           bind__range_columns_of_plan(b, *plan_out), visible_out);
}

/* --- FROM name --- */

static Status bind_cte(Binder *b, Scope *scope, const AstFromTable *from, Cte *cte,
                       const Plan **plan_out, VisibleList *visible_out)
{
    RangeColumn *columns;

    TRY(bind__cte_reference(b, cte, from->head.offset, plan_out, &columns));
    return bind__add_range(b, scope, &from->head, cte->name, cte->name, cte->column_count, columns,
                           visible_out);
}

static Status bind_table(Binder *b, Scope *scope, const AstFromTable *from, const Plan **plan_out,
                         VisibleList *visible_out)
{
    const Catalog *catalog = b->request->catalog;
    const AstName *name = &from->name;
    const AstSelect *view = NULL;
    Table *table = NULL;
    Cte *cte;

    if (from->sample != NULL)
        return bind__not_supported(b, from->head.offset, "TABLESAMPLE");
    cte = name->schema == NULL ? scope__find_cte(scope, name->name) : NULL;
    if (cte != NULL)
        return bind_cte(b, scope, from, cte, plan_out, visible_out);
    if (name->schema == NULL || strcmp(name->schema, "public") == 0)
        TRY(bind__place_error(
            b, from->head.offset,
            catalog->lookup(catalog->context, b->arena, name->name, b->err, &table, &view)));
    if (view != NULL)
        return bind_view(b, scope, from, view, plan_out, visible_out);
    if (table != NULL)
        return bind__scan(b, scope, table, name->name, &from->head, plan_out, visible_out);
    if (name->schema == NULL && catalog->open_file != NULL && looks_like_file(name->name))
        return bind_file(b, scope, from, plan_out, visible_out);
    return missing_relation(b, scope, from);
}

/* --- FROM (SELECT ...) --- */

static Status bind_derived(Binder *b, Scope *scope, const AstFromSubquery *from,
                           const Plan **plan_out, VisibleList *visible_out)
{
    bool was_active = scope->lateral_active;

    scope->lateral_active = from->is_lateral;
    TRY(bind__query_plan(b, scope, from->select, plan_out));
    scope->lateral_active = was_active;
    return bind__add_range(b, scope, &from->head, NULL, NULL, (*plan_out)->column_count,
                           bind__range_columns_of_plan(b, *plan_out), visible_out);
}

/* --- the clause --- */

static Status bind_from_node(Binder *b, Scope *scope, const AstFrom *from, const Plan **plan_out,
                             VisibleList *visible_out)
{
    switch (from->kind) {
    case AST_FROM_TABLE:
        return bind_table(b, scope, (const AstFromTable *)from, plan_out, visible_out);
    case AST_FROM_SUBQUERY:
        return bind_derived(b, scope, (const AstFromSubquery *)from, plan_out, visible_out);
    case AST_FROM_FUNCTION:
        return bind__from_function(b, scope, (const AstFromFunction *)from, plan_out, visible_out);
    case AST_FROM_JOIN:
        return bind__from_join(b, scope, (const AstFromJoin *)from, plan_out, visible_out);
    }
    UNREACHABLE("FROM item kind");
}

Status bind__from_item(Binder *b, Scope *scope, const AstFrom *from, const Plan **plan_out,
                       VisibleList *visible_out)
{
    *plan_out = NULL;
    *visible_out = (VisibleList){0, 0, NULL};
    TRY(bind__enter(b, from->offset));
    TRY(bind_from_node(b, scope, from, plan_out, visible_out));
    bind__leave(b);
    return ST_OK;
}

/* Crossed from the left; of many items in halves, as every join lists the columns of all below it.
 * What is lateral stays to the right of what it may look at. */
static const Plan *cross_items(Binder *b, uint32_t count, const Plan *const *plans)
{
    enum { IN_A_ROW_MAX = 64 };
    const Plan *plan = plans[0];

    if (count > IN_A_ROW_MAX)
        return plan_join(b->arena, JOIN_INNER, cross_items(b, count / 2, plans),
                         cross_items(b, count - count / 2, plans + count / 2), NULL);
    for (uint32_t i = 1; i < count; i++)
        plan = plan_join(b->arena, JOIN_INNER, plan, plans[i], NULL);
    return plan;
}

Status bind__from_list(Binder *b, Scope *scope, AstFroms from, const Plan **plan_out)
{
    const Plan **plans = ARENA_ARRAY(b->arena, const Plan *, from.count);

    *plan_out = NULL;
    for (uint32_t i = 0; i < from.count; i++) {
        VisibleList visible;

        TRY(bind__from_item(b, scope, from.items[i], &plans[i], &visible));
        TRY(bind__place_error(b, from.items[i]->offset,
                              scope__check_alias_unique(b, &scope->visible, &visible)));
        bind__visible_set_lateral(&visible, true, true);
        bind__visible_append(b, &scope->visible, &visible);
    }
    if (from.count > 0)
        *plan_out = cross_items(b, from.count, plans);
    bind__visible_set_lateral(&scope->visible, false, true);
    return ST_OK;
}
