/*
 * bind_join.c -- JOIN: conditions, USING and NATURAL, and which names are seen afterwards
 *
 * A join is an item of its own: its columns are the merged ones of USING, then the left side's and
 * the right side's others. t.a still finds the sides' own columns, unless the join has an alias.
 * a RIGHT JOIN b is planned as b LEFT JOIN a.
 */
#include "sql/binder/binder_internal.h"

typedef struct JoinSides {
    const AstFromJoin *ast;
    const Plan *plans[2];
    VisibleList visible[2];
    const RangeItem *items[2]; /* whose columns each side offers by bare names */
    AstNames using_columns;
    const RangeColumn **merged[2]; /* the sides' columns of each USING name */
    const Expr *condition;
} JoinSides;

static const RangeItem *offered_item(const VisibleList *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].columns_visible)
            return list->items[i].item;
    UNREACHABLE("a FROM item that offers no columns");
}

/* The right side may look at the left one if it is LATERAL. */
static Status bind_sides(Binder *b, Scope *scope, JoinSides *sides)
{
    const AstFromJoin *ast = sides->ast;
    bool is_lateral_ok = ast->join != AST_JOIN_RIGHT && ast->join != AST_JOIN_FULL;
    VisibleList seen = scope->visible;

    TRY(bind__from_item(b, scope, ast->left, &sides->plans[0], &sides->visible[0]));
    bind__visible_set_lateral(&sides->visible[0], true, is_lateral_ok);
    scope->visible = (VisibleList){0, 0, NULL};
    bind__visible_append(b, &scope->visible, &seen);
    bind__visible_append(b, &scope->visible, &sides->visible[0]);
    TRY(bind__from_item(b, scope, ast->right, &sides->plans[1], &sides->visible[1]));
    scope->visible = seen;
    TRY(bind__place_error(b, ast->right->offset,
                          scope__check_alias_unique(b, &sides->visible[0], &sides->visible[1])));
    for (uint32_t i = 0; i < 2; i++) {
        sides->items[i] = offered_item(&sides->visible[i]);
        bind__visible_set_lateral(&sides->visible[i], false, true);
    }
    return ST_OK;
}

/* --- USING and NATURAL --- */

static bool item_has_column(const RangeItem *item, const char *name)
{
    for (uint32_t i = 0; i < item->column_count; i++)
        if (strcmp(item->columns[i].name, name) == 0)
            return true;
    return false;
}

/* NATURAL is USING with all names that both sides have. */
static AstNames natural_names(Binder *b, const JoinSides *sides)
{
    const RangeItem *left = sides->items[0];
    const char **names = ARENA_ARRAY(b->arena, const char *, left->column_count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < left->column_count; i++)
        if (item_has_column(sides->items[1], left->columns[i].name))
            names[count++] = left->columns[i].name;
    return (AstNames){count, names};
}

static Status find_merged(Binder *b, const JoinSides *sides, uint32_t side, const char *name,
                          const RangeColumn **column_out)
{
    const RangeItem *item = sides->items[side];
    const char *word = side == 0 ? "left" : "right";
    int32_t offset = sides->ast->head.offset;

    *column_out = NULL;
    /* as it is, else in any case: see scope__find_column */
    for (uint32_t any_case = 0; any_case < 2 && *column_out == NULL; any_case++) {
        for (uint32_t i = 0; i < item->column_count; i++) {
            const char *known = item->columns[i].name;

            if ((any_case ? strcasecmp(known, name) : strcmp(known, name)) != 0)
                continue;
            if (*column_out != NULL)
                return bind__fail_at(b, offset, ST_BAD_INPUT, "42702",
                                     "common column name \"%s\" appears more than once in %s table",
                                     name, word);
            *column_out = &item->columns[i];
        }
    }
    if (*column_out == NULL)
        return bind__fail_at(b, offset, ST_BAD_INPUT, "42703",
                             "column \"%s\" specified in USING clause does not exist in %s table",
                             name, word);
    return ST_OK;
}

static Status add_using_column(Binder *b, JoinSides *sides, uint32_t index)
{
    const char *name = sides->using_columns.items[index];
    const Expr *equal, *sides_expr[2];
    Type type;

    for (uint32_t i = 0; i < index; i++)
        if (strcmp(sides->using_columns.items[i], name) == 0)
            return bind__fail_at(b, sides->ast->head.offset, ST_BAD_INPUT, "42701",
                                 "column name \"%s\" appears more than once in USING clause", name);
    for (uint32_t side = 0; side < 2; side++) {
        const RangeColumn *column;

        TRY(find_merged(b, sides, side, name, &column));
        sides->merged[side][index] = column;
        sides_expr[side] = expr_column(b->arena, column->id, column->type);
    }
    TRY(bind__common_type(b, "JOIN/USING", 2, sides_expr, &type));
    TRY(bind__make_comparison(b, FUNC_EQ, sides_expr[0], sides_expr[1], sides->ast->head.offset,
                              &equal));
    sides->condition = expr_and(b->arena, sides->condition, equal);
    return ST_OK;
}

static Status bind_using(Binder *b, JoinSides *sides)
{
    uint32_t count = sides->using_columns.count;

    for (uint32_t side = 0; side < 2; side++)
        sides->merged[side] = ARENA_ARRAY(b->arena, const RangeColumn *, count);
    for (uint32_t i = 0; i < count; i++)
        TRY(add_using_column(b, sides, i));
    return ST_OK;
}

/* --- ON --- */

static Status bind_on(Binder *b, Scope *scope, JoinSides *sides)
{
    VisibleList seen = scope->visible;
    Clause clause = scope->clause;

    scope->visible = (VisibleList){0, 0, NULL};
    bind__visible_append(b, &scope->visible, &sides->visible[0]);
    bind__visible_append(b, &scope->visible, &sides->visible[1]);
    scope->clause = CLAUSE_JOIN_ON;
    TRY(bind__condition(b, scope, sides->ast->on, "JOIN/ON", &sides->condition));
    scope->visible = seen;
    scope->clause = clause;
    return ST_OK;
}

/* --- the join's own columns --- */

/* The value of a merged column: a side's column, or COALESCE of both for FULL. */
static Status merged_value(Binder *b, const JoinSides *sides, uint32_t index, const Expr **expr_out)
{
    const Expr *both[2];
    bool is_column[2];
    Type type;

    for (uint32_t side = 0; side < 2; side++) {
        const RangeColumn *column = sides->merged[side][index];

        both[side] = expr_column(b->arena, column->id, column->type);
    }
    TRY(bind__coerce_all_common(b, "JOIN/USING", 2, both, &type));
    for (uint32_t side = 0; side < 2; side++)
        is_column[side] = both[side]->kind == EXPR_COLUMN;
    switch (sides->ast->join) {
    case AST_JOIN_FULL:
        *expr_out = expr_call2(b->arena, FUNC_COALESCE, type, both[0], both[1]);
        break;
    case AST_JOIN_RIGHT:
        *expr_out = both[1];
        break;
    case AST_JOIN_LEFT:
        *expr_out = both[0];
        break;
    default: /* either will do: one without a cast is better */
        *expr_out = is_column[0] || !is_column[1] ? both[0] : both[1];
        break;
    }
    return ST_OK;
}

/* Adds the computed merged columns to what the join produces. */
static const Plan *project_merged(Binder *b, const Plan *plan, uint32_t count,
                                  const Expr *const *values, RangeColumn *columns)
{
    uint32_t total = plan->column_count;
    const Expr **exprs = ARENA_ARRAY(b->arena, const Expr *, (size_t)total + count);
    PlanColumn *out = ARENA_ARRAY(b->arena, PlanColumn, (size_t)total + count);

    for (uint32_t i = 0; i < total; i++) {
        out[i] = plan->columns[i];
        exprs[i] = expr_column(b->arena, out[i].id, out[i].type);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (values[i]->kind == EXPR_COLUMN) {
            columns[i].id = values[i]->column;
            continue;
        }
        columns[i].id = plan_new_column(b->ids);
        exprs[total] = values[i];
        out[total++] = (PlanColumn){.id = columns[i].id,
                                    .type = columns[i].type,
                                    .name = columns[i].name,
                                    .is_nullable = bind__expr_is_nullable(plan, values[i])};
    }
    return total == plan->column_count ? plan : plan_project(b->arena, plan, total, exprs, out);
}

static bool is_merged(const JoinSides *sides, uint32_t side, const RangeColumn *column)
{
    for (uint32_t i = 0; i < sides->using_columns.count; i++)
        if (sides->merged[side][i] == column)
            return true;
    return false;
}

/* Merged columns, then each side's others. */
static Status join_columns(Binder *b, const JoinSides *sides, const Plan **plan,
                           uint32_t *count_out, RangeColumn **columns_out)
{
    uint32_t merged = sides->using_columns.count, count = merged;
    size_t capacity = (size_t)sides->items[0]->column_count + sides->items[1]->column_count;
    RangeColumn *columns = ARENA_ARRAY(b->arena, RangeColumn, capacity);
    const Expr **values = ARENA_ARRAY(b->arena, const Expr *, merged);

    for (uint32_t i = 0; i < merged; i++) {
        TRY(merged_value(b, sides, i, &values[i]));
        columns[i] = (RangeColumn){.name = sides->using_columns.items[i], .type = values[i]->type};
    }
    *plan = project_merged(b, *plan, merged, values, columns);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < sides->items[side]->column_count; i++)
            if (!is_merged(sides, side, &sides->items[side]->columns[i]))
                columns[count++] = sides->items[side]->columns[i];
    *count_out = count;
    *columns_out = columns;
    return ST_OK;
}

/* JOIN ... USING (a) AS x: x.a is the merged column. */
static Status add_using_alias(Binder *b, Scope *scope, const JoinSides *sides,
                              const RangeColumn *columns, VisibleList *visible_out)
{
    const char *alias = sides->ast->using_alias;
    uint32_t count = sides->using_columns.count;
    AstFrom from = {
        .kind = AST_FROM_JOIN, .offset = sides->ast->head.offset, .alias = {alias, {0}}};
    RangeColumn *copy = arena_copy(b->arena, columns, count * sizeof *columns);
    VisibleList item = {0, 0, NULL};

    TRY(bind__add_range(b, scope, &from, alias, NULL, count, copy, &item));
    item.items[0].columns_visible = false;
    TRY(bind__place_error(b, from.offset, scope__check_alias_unique(b, visible_out, &item)));
    bind__visible_append(b, visible_out, &item);
    return ST_OK;
}

/* What can be seen of the join: its sides by their names, unless it has its own. */
static Status show_join(Binder *b, Scope *scope, JoinSides *sides, uint32_t count,
                        RangeColumn *columns, VisibleList *visible_out)
{
    if (sides->ast->head.alias.name == NULL)
        for (uint32_t side = 0; side < 2; side++) {
            for (uint32_t i = 0; i < sides->visible[side].count; i++)
                sides->visible[side].items[i].columns_visible = false;
            bind__visible_append(b, visible_out, &sides->visible[side]);
        }
    if (sides->ast->using_alias != NULL)
        TRY(add_using_alias(b, scope, sides, columns, visible_out));
    return bind__add_range(b, scope, &sides->ast->head, NULL, NULL, count, columns, visible_out);
}

static const Plan *plan_sides(Binder *b, const JoinSides *sides)
{
    const Plan *left = sides->plans[0], *right = sides->plans[1];

    switch (sides->ast->join) {
    case AST_JOIN_LEFT:
        return plan_join(b->arena, JOIN_LEFT, left, right, sides->condition);
    case AST_JOIN_RIGHT:
        return plan_join(b->arena, JOIN_LEFT, right, left, sides->condition);
    case AST_JOIN_FULL:
        return plan_join(b->arena, JOIN_FULL, left, right, sides->condition);
    default:
        return plan_join(b->arena, JOIN_INNER, left, right, sides->condition);
    }
}

Status bind__from_join(Binder *b, Scope *scope, const AstFromJoin *join, const Plan **plan_out,
                       VisibleList *visible_out)
{
    JoinSides sides = {.ast = join, .using_columns = join->using_columns};
    RangeColumn *columns;
    uint32_t count;

    TRY(bind_sides(b, scope, &sides));
    if (join->is_natural)
        sides.using_columns = natural_names(b, &sides);
    TRY(bind_using(b, &sides));
    if (join->on != NULL)
        TRY(bind_on(b, scope, &sides));
    *plan_out = plan_sides(b, &sides);
    TRY(join_columns(b, &sides, plan_out, &count, &columns));
    return show_join(b, scope, &sides, count, columns, visible_out);
}
