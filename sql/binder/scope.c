/*
 * scope.c -- what names mean: columns and FROM items, from the innermost SELECT outwards
 *
 * The rules and the error texts are those of PostgreSQL's parse_relation.c.
 */
#include "sql/binder/binder_internal.h"

enum { FUZZY_DISTANCE_MAX = 3 };

void scope__init(Scope *scope, Scope *outer)
{
    *scope = (Scope){.outer = outer, .ctes = outer == NULL ? NULL : outer->ctes};
}

void scope__add_range(Binder *b, Scope *scope, const RangeItem *item)
{
    if (scope->range_count == scope->range_capacity) {
        uint32_t capacity = scope->range_capacity == 0 ? 8 : scope->range_capacity * 2;
        const RangeItem **ranges = ARENA_ARRAY(b->arena, const RangeItem *, capacity);

        if (scope->range_count > 0)
            memcpy(ranges, scope->ranges, scope->range_count * sizeof *ranges);
        scope->ranges = ranges;
        scope->range_capacity = capacity;
    }
    scope->ranges[scope->range_count++] = item;
}

void bind__visible_add(Binder *b, VisibleList *list, Visible visible)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        Visible *items = ARENA_ARRAY(b->arena, Visible, capacity);

        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = visible;
}

void bind__visible_append(Binder *b, VisibleList *list, const VisibleList *more)
{
    for (uint32_t i = 0; i < more->count; i++)
        bind__visible_add(b, list, more->items[i]);
}

void bind__visible_set_lateral(VisibleList *list, bool lateral_only, bool lateral_ok)
{
    for (uint32_t i = 0; i < list->count; i++) {
        list->items[i].lateral_only = lateral_only;
        list->items[i].lateral_ok = lateral_ok;
    }
}

Cte *scope__find_cte(const Scope *scope, const char *name)
{
    for (Cte *cte = scope->ctes; cte != NULL; cte = cte->outer)
        if (!cte->is_future && strcmp(cte->name, name) == 0)
            return cte;
    return NULL;
}

/* --- which scope makes a column --- */

const RangeColumn *scope__range_column(const Scope *scope, ColumnId id, const RangeItem **item_out)
{
    for (uint32_t i = 0; i < scope->range_count; i++) {
        const RangeItem *item = scope->ranges[i];

        for (uint32_t j = 0; j < item->column_count; j++)
            if (item->columns[j].id == id) {
                if (item_out != NULL)
                    *item_out = item;
                return &item->columns[j];
            }
    }
    return NULL;
}

bool scope__is_agg(const Scope *scope, ColumnId id)
{
    for (uint32_t i = 0; i < scope->agg_count; i++)
        if (scope->aggs[i].id == id)
            return true;
    return false;
}

/* --- errors --- */

/* PostgreSQL's 42P10 where a LATERAL item looks at the wrong side of an outer join. */
static Status check_lateral(Binder *b, const Visible *visible, const char *name, int32_t offset)
{
    Status status;

    if (!visible->lateral_only || visible->lateral_ok)
        return ST_OK;
    status = bind__fail_at(b, offset, ST_BAD_INPUT, "42P10",
                           "invalid reference to FROM-clause entry for table \"%s\"", name);
    error_detail(b->err, "The combining JOIN type must be INNER or LEFT for a LATERAL reference.");
    return status;
}

static Status ambiguous_column(Binder *b, const char *name, int32_t offset)
{
    return bind__fail_at(b, offset, ST_BAD_INPUT, "42702", "column reference \"%s\" is ambiguous",
                         name);
}

Status scope__missing_item(Binder *b, Scope *scope, const char *name, int32_t offset)
{
    const RangeItem *hidden = NULL, *renamed = NULL;
    Status status;

    for (Scope *level = scope; level != NULL; level = level->outer)
        for (uint32_t i = 0; i < level->range_count; i++) {
            const RangeItem *item = level->ranges[i];

            if (item->name != NULL && strcmp(item->name, name) == 0)
                hidden = item;
            else if (item->name != NULL && item->table_name != NULL &&
                     strcmp(item->table_name, name) == 0)
                renamed = item;
        }
    if (hidden == NULL && renamed == NULL)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42P01",
                             "missing FROM-clause entry for table \"%s\"", name);
    status = bind__fail_at(b, offset, ST_BAD_INPUT, "42P01",
                           "invalid reference to FROM-clause entry for table \"%s\"", name);
    if (hidden == NULL)
        error_hint(b->err, "Perhaps you meant to reference the table alias \"%s\".", renamed->name);
    else
        error_hint(b->err,
                   "There is an entry for table \"%s\", but it cannot be referenced from this "
                   "part of the query.",
                   name);
    return status;
}

/* The nearest names of a missing column: up to two at the same distance are worth a hint. */
typedef struct Suggestion {
    uint32_t distance;
    uint32_t count;
    const RangeItem *items[2];
    const char *names[2];
} Suggestion;

static void suggest_from_item(Suggestion *best, const RangeItem *item, const char *table,
                              const char *name)
{
    uint32_t table_distance = 0;

    if (item->name == NULL)
        return;
    if (table != NULL)
        table_distance = str_edit_distance(table, item->name, FUZZY_DISTANCE_MAX + 1);
    for (uint32_t i = 0; i < item->column_count; i++) {
        const char *column = item->columns[i].name;
        uint32_t column_distance = str_edit_distance(name, column, FUZZY_DISTANCE_MAX + 1);
        uint32_t distance = table_distance + column_distance;

        if (distance > best->distance || distance > FUZZY_DISTANCE_MAX ||
            column_distance > strlen(name) / 2)
            continue;
        if (distance < best->distance)
            best->count = 0;
        best->distance = distance;
        if (best->count < 2) {
            best->items[best->count] = item;
            best->names[best->count] = column;
        }
        best->count++;
    }
}

/* A column of that name that exists, but cannot be seen from here. */
static const RangeItem *find_unseen(Scope *scope, const char *table, const char *name)
{
    if (table != NULL)
        return NULL;
    for (; scope != NULL; scope = scope->outer)
        for (uint32_t i = 0; i < scope->range_count; i++)
            for (uint32_t j = 0; j < scope->ranges[i]->column_count; j++)
                if (scope->ranges[i]->name != NULL &&
                    strcmp(scope->ranges[i]->columns[j].name, name) == 0)
                    return scope->ranges[i];
    return NULL;
}

static Status missing_column(Binder *b, Scope *scope, const char *table, const char *name,
                             int32_t offset)
{
    Suggestion best = {.distance = FUZZY_DISTANCE_MAX + 1};
    const RangeItem *unseen = find_unseen(scope, table, name);
    Status status = table != NULL ? bind__fail_at(b, offset, ST_BAD_INPUT, "42703",
                                                  "column %s.%s does not exist", table, name)
                                  : bind__fail_at(b, offset, ST_BAD_INPUT, "42703",
                                                  "column \"%s\" does not exist", name);

    if (unseen != NULL) {
        error_hint(b->err,
                   "There is a column named \"%s\" in table \"%s\", but it cannot be referenced "
                   "from this part of the query.",
                   name, unseen->name);
        return status;
    }
    for (Scope *level = scope; level != NULL; level = level->outer)
        for (uint32_t i = 0; i < level->range_count; i++)
            suggest_from_item(&best, level->ranges[i], table, name);
    if (best.count == 1)
        error_hint(b->err, "Perhaps you meant to reference the column \"%s.%s\".",
                   best.items[0]->name, best.names[0]);
    else if (best.count == 2)
        error_hint(b->err,
                   "Perhaps you meant to reference the column \"%s.%s\" or the column \"%s.%s\".",
                   best.items[0]->name, best.names[0], best.items[1]->name, best.names[1]);
    return status;
}

/* --- lookups --- */

/* Files have columns such as "PassengerId", which no unquoted name finds, as it is folded to lower
 * case. So a name that is nowhere as it is may stand for one in other case. */
typedef enum NameMatch { NAME_AS_IS, NAME_IN_ANY_CASE } NameMatch;

static bool is_name(const char *known, const char *name, NameMatch match)
{
    return (match == NAME_AS_IS ? strcmp(known, name) : strcasecmp(known, name)) == 0;
}

/* The item's column of that name; a name that comes twice is ambiguous. */
static Status find_in_item(Binder *b, const RangeItem *item, const char *name, NameMatch match,
                           int32_t offset, const RangeColumn **column_out)
{
    *column_out = NULL;
    for (uint32_t i = 0; i < item->column_count; i++) {
        if (!is_name(item->columns[i].name, name, match))
            continue;
        if (*column_out != NULL)
            return ambiguous_column(b, name, offset);
        *column_out = &item->columns[i];
    }
    return ST_OK;
}

static Status find_in_scope(Binder *b, Scope *scope, const char *name, NameMatch match,
                            int32_t offset, ResolvedColumn *found)
{
    for (uint32_t i = 0; i < scope->visible.count; i++) {
        const Visible *visible = &scope->visible.items[i];
        const RangeColumn *column;

        if (!visible->columns_visible || (visible->lateral_only && !scope->lateral_active))
            continue;
        TRY(find_in_item(b, visible->item, name, match, offset, &column));
        if (column == NULL)
            continue;
        if (found->column != NULL)
            return ambiguous_column(b, name, offset);
        TRY(check_lateral(b, visible, visible->item->name == NULL ? name : visible->item->name,
                          offset));
        *found = (ResolvedColumn){column, visible->item};
    }
    return ST_OK;
}

Status scope__find_column(Binder *b, Scope *scope, const char *name, int32_t offset,
                          bool local_only, ResolvedColumn *found_out)
{
    *found_out = (ResolvedColumn){NULL, NULL};
    for (int match = NAME_AS_IS; match <= NAME_IN_ANY_CASE; match++) {
        for (Scope *level = scope; level != NULL; level = level->outer) {
            TRY(find_in_scope(b, level, name, (NameMatch)match, offset, found_out));
            if (found_out->column != NULL)
                return ST_OK;
            if (local_only)
                break;
        }
    }
    return ST_OK;
}

Status scope__find_item(Binder *b, Scope *scope, const char *name, int32_t offset,
                        const RangeItem **item_out)
{
    *item_out = NULL;
    for (; scope != NULL && *item_out == NULL; scope = scope->outer)
        for (uint32_t i = 0; i < scope->visible.count; i++) {
            const Visible *visible = &scope->visible.items[i];

            if (!visible->name_visible || visible->item->name == NULL ||
                (visible->lateral_only && !scope->lateral_active) ||
                strcmp(visible->item->name, name) != 0)
                continue;
            if (*item_out != NULL)
                return bind__fail_at(b, offset, ST_BAD_INPUT, "42P09",
                                     "table reference \"%s\" is ambiguous", name);
            TRY(check_lateral(b, visible, name, offset));
            *item_out = visible->item;
        }
    return ST_OK;
}

static const Expr *column_expr(Binder *b, const RangeColumn *column, int32_t offset)
{
    return bind__expr_at(b, expr_column(b->arena, column->id, column->type), offset);
}

static Status resolve_bare(Binder *b, Scope *scope, const char *name, int32_t offset,
                           const Expr **expr_out)
{
    ResolvedColumn found;
    const RangeItem *item;

    TRY(scope__find_column(b, scope, name, offset, false, &found));
    if (found.column == NULL) {
        TRY(scope__find_item(b, scope, name, offset, &item));
        if (item != NULL)
            return bind__not_supported(b, offset, "whole-row references");
        return missing_column(b, scope, NULL, name, offset);
    }
    *expr_out = column_expr(b, found.column, offset);
    return ST_OK;
}

static const char *dotted_name(Binder *b, AstNames names)
{
    StrBuf text = {.arena = b->arena};

    for (uint32_t i = 0; i < names.count; i++)
        strbuf_printf(&text, "%s%s", i > 0 ? "." : "", names.items[i]);
    return strbuf_text(&text);
}

Status scope__resolve(Binder *b, Scope *scope, const AstColumn *column, const Expr **expr_out)
{
    AstNames names = column->names;
    int32_t offset = column->head.offset;
    const RangeItem *item;
    const RangeColumn *found;

    if (names.count == 1)
        return resolve_bare(b, scope, names.items[0], offset, expr_out);
    if (names.count > 3)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42601",
                             "improper qualified name (too many dotted names): %s",
                             dotted_name(b, names));
    const char *table = names.items[names.count - 2], *name = names.items[names.count - 1];

    TRY(scope__find_item(b, scope, table, offset, &item));
    if (item == NULL || (names.count == 3 && strcmp(names.items[0], "public") != 0))
        return scope__missing_item(b, scope, table, offset);
    TRY(find_in_item(b, item, name, NAME_AS_IS, offset, &found));
    if (found == NULL)
        TRY(find_in_item(b, item, name, NAME_IN_ANY_CASE, offset, &found));
    if (found == NULL)
        return missing_column(b, scope, table, name, offset);
    *expr_out = column_expr(b, found, offset);
    return ST_OK;
}

Status scope__check_alias_unique(Binder *b, const VisibleList *left, const VisibleList *right)
{
    for (uint32_t i = 0; i < left->count; i++)
        for (uint32_t j = 0; j < right->count; j++) {
            const Visible *a = &left->items[i], *c = &right->items[j];

            if (a->name_visible && c->name_visible && a->item->name != NULL &&
                c->item->name != NULL && strcmp(a->item->name, c->item->name) == 0)
                return bind__fail_at(b, -1, ST_BAD_INPUT, "42712",
                                     "table name \"%s\" specified more than once", a->item->name);
        }
    return ST_OK;
}
