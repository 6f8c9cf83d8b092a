/* bind_order.c -- what stands above a select list: DISTINCT, ORDER BY, LIMIT */
#include "sql/binder/binder_internal.h"

static const char *clause_name(Clause clause)
{
    switch (clause) {
    case CLAUSE_GROUP_BY:
        return "GROUP BY";
    case CLAUSE_DISTINCT_ON:
        return "DISTINCT ON";
    default:
        return "ORDER BY";
    }
}

/* --- items that name a target --- */

/* The visible target of that name; equal ones may share it. */
static Status find_by_name(Binder *b, const Targets *targets, const char *name, int32_t offset,
                           Clause clause, uint32_t *target_out)
{
    for (uint32_t i = 0; i < targets->visible_count; i++) {
        if (strcmp(targets->items[i].name, name) != 0)
            continue;
        if (*target_out == TARGET_NONE)
            *target_out = i;
        else if (!expr_equal(targets->items[*target_out].expr, targets->items[i].expr))
            return bind__fail_at(b, offset, ST_BAD_INPUT, "42702", "%s \"%s\" is ambiguous",
                                 clause_name(clause), name);
    }
    return ST_OK;
}

static Status find_by_number(Binder *b, const Targets *targets, const AstConst *number,
                             Clause clause, uint32_t *target_out)
{
    if (number->const_kind != AST_CONST_INTEGER)
        return bind__fail_at(b, number->head.offset, ST_BAD_INPUT, "42601",
                             "non-integer constant in %s", clause_name(clause));
    if (number->integer < 1 || (uint32_t)number->integer > targets->visible_count)
        return bind__fail_at(b, number->head.offset, ST_BAD_INPUT, "42P10",
                             "%s position %d is not in select list", clause_name(clause),
                             number->integer);
    *target_out = (uint32_t)number->integer - 1;
    return ST_OK;
}

Status bind__target_reference(Binder *b, Scope *scope, const Targets *targets, const AstExpr *item,
                              Clause clause, uint32_t *target_out, const Expr **expr_out)
{
    const AstColumn *column = ast_as_column(item);
    const AstConst *constant = ast_as_const(item);
    ResolvedColumn found = {NULL, NULL};

    *target_out = TARGET_NONE;
    if (column != NULL && column->names.count == 1 && !column->is_star) {
        /* SQL-92's output names yield to columns in GROUP BY */
        if (clause == CLAUSE_GROUP_BY)
            TRY(scope__find_column(b, scope, column->names.items[0], item->offset, true, &found));
        if (found.column == NULL)
            TRY(find_by_name(b, targets, column->names.items[0], item->offset, clause, target_out));
    }
    if (constant != NULL)
        TRY(find_by_number(b, targets, constant, clause, target_out));
    if (*target_out != TARGET_NONE) {
        *expr_out = targets->items[*target_out].expr;
        return ST_OK;
    }
    scope->clause = clause;
    return bind__expr(b, scope, item, expr_out);
}

/* The target of an ORDER BY or DISTINCT ON item, added when it is a new expression. */
static Status target_of_item(Binder *b, Scope *scope, Targets *targets, const AstExpr *item,
                             Clause clause, uint32_t *target_out)
{
    const Expr *expr;

    TRY(bind__target_reference(b, scope, targets, item, clause, target_out, &expr));
    if (*target_out == TARGET_NONE) {
        TRY(bind__coerce_unknown_to_text(b, expr, &expr));
        *target_out = bind__targets_find_or_add(b, targets, expr, item->offset);
    }
    return bind__query_resolve_output(b, &targets->items[*target_out]);
}

/* --- ORDER BY --- */

static Status order_direction(Binder *b, const AstSortKey *key, bool *is_descending_out)
{
    Status status;

    *is_descending_out = key->is_descending;
    if (key->using_operator == NULL)
        return ST_OK;
    *is_descending_out = strcmp(key->using_operator, ">") == 0;
    if (*is_descending_out || strcmp(key->using_operator, "<") == 0)
        return ST_OK;
    status = bind__fail_at(b, key->offset, ST_BAD_INPUT, "42809",
                           "operator %s is not a valid ordering operator", key->using_operator);
    error_hint(b->err, "Ordering operators must be \"<\" or \">\" members of btree operator "
                       "families.");
    return status;
}

Status bind__order_by(Binder *b, Scope *scope, Targets *targets, AstSortKeys keys,
                      OrderKey **keys_out)
{
    *keys_out = ARENA_ARRAY(b->arena, OrderKey, keys.count);
    for (uint32_t i = 0; i < keys.count; i++) {
        const AstSortKey *key = &keys.items[i];
        OrderKey *out = &(*keys_out)[i];

        TRY(target_of_item(b, scope, targets, key->expr, CLAUSE_ORDER_BY, &out->output));
        TRY(order_direction(b, key, &out->is_descending));
        out->nulls_first = key->has_nulls ? key->nulls_first : out->is_descending;
        out->offset = bind__expr_start(targets->items[out->output].expr);
    }
    return ST_OK;
}

/* --- DISTINCT --- */

static Status check_distinct_order(Binder *b, const Targets *targets, const Tail *tail)
{
    for (uint32_t i = 0; i < tail->key_count; i++)
        if (tail->keys[i].output >= targets->visible_count)
            return bind__fail_at(
                b, tail->keys[i].offset, ST_BAD_INPUT, "42P10",
                "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    return ST_OK;
}

static bool is_on_target(const Tail *tail, uint32_t target)
{
    for (uint32_t i = 0; i < tail->on_count; i++)
        if (tail->on_targets[i] == target)
            return true;
    return false;
}

/* ORDER BY starts with the DISTINCT ON items, in any order. */
static Status check_on_order(Binder *b, const Tail *tail, int32_t offset)
{
    uint32_t matched = 0;
    bool was_other = false;

    for (uint32_t i = 0; i < tail->key_count; i++) {
        bool is_on = is_on_target(tail, tail->keys[i].output);

        if (is_on && was_other)
            return bind__fail_at(b, offset, ST_BAD_INPUT, "42P10",
                                 "SELECT DISTINCT ON expressions must match initial ORDER BY "
                                 "expressions");
        was_other |= !is_on;
        matched += is_on;
    }
    if (was_other && matched < tail->on_count)
        return bind__fail_at(
            b, offset, ST_BAD_INPUT, "42P10",
            "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
    return ST_OK;
}

static Status bind_distinct_on(Binder *b, Scope *scope, Targets *targets, AstExprs items,
                               Tail *tail)
{
    uint32_t *on = ARENA_ARRAY(b->arena, uint32_t, items.count);

    tail->on_targets = on;
    for (uint32_t i = 0; i < items.count; i++) {
        uint32_t target;

        TRY(target_of_item(b, scope, targets, items.items[i], CLAUSE_DISTINCT_ON, &target));
        if (!is_on_target(tail, target))
            on[tail->on_count++] = target;
    }
    return check_on_order(b, tail, items.items[0]->offset);
}

Status bind__distinct(Binder *b, Scope *scope, Targets *targets, const AstSelect *select,
                      Tail *tail)
{
    tail->distinct = select->distinct;
    if (select->distinct == AST_DISTINCT_ON)
        return bind_distinct_on(b, scope, targets, select->distinct_on, tail);
    if (select->distinct == AST_DISTINCT_NONE)
        return ST_OK;
    if (targets->visible_count == 0)
        return bind__fail_at(b, select->offset, ST_BAD_INPUT, "42601",
                             "SELECT DISTINCT must have at least one column");
    for (uint32_t i = 0; i < targets->visible_count; i++)
        TRY(bind__query_resolve_output(b, &targets->items[i]));
    return check_distinct_order(b, targets, tail);
}

/* --- LIMIT --- */

static Status limit_value(Binder *b, Scope *scope, const AstExpr *ast, const char *word,
                          bool *is_null_out, int64_t *value_out)
{
    const Expr *expr;
    Value value;

    TRY(bind__expr(b, scope, ast, &expr));
    if (!bind__can_cast(expr->type, type_of(TYPE_INT8), CAST_ASSIGNMENT))
        return bind__fail_at(b, bind__expr_start(expr), ST_BAD_INPUT, "42804",
                             "argument of %s must be type bigint, not type %s", word,
                             bind__type_message_name(expr->type));
    TRY(bind__coerce(b, expr, type_of(TYPE_INT8), &expr));
    if (expr_has_subquery(expr))
        return bind__not_supported(b, ast->offset, "subqueries in %s", word);
    if (expr_columns(b->arena, expr).count > 0)
        return bind__fail_at(b, ast->offset, ST_BAD_INPUT, "42P10",
                             "argument of %s must not contain variables", word);
    value = expr->value;
    if (expr->kind != EXPR_CONST)
        TRY(bind__place_error(b, ast->offset,
                              b->request->eval_const(b->arena, expr, b->err, &value)));
    *is_null_out = value.is_null;
    *value_out = value.int64;
    return ST_OK;
}

Status bind__limit(Binder *b, Scope *scope, const AstSelect *select, LimitRange *range_out)
{
    int64_t value;
    bool is_null;

    *range_out = (LimitRange){0, ALL_ROWS, select->limit_with_ties};
    if (select->limit_offset != NULL) {
        scope->clause = CLAUSE_OFFSET;
        TRY(limit_value(b, scope, select->limit_offset, "OFFSET", &is_null, &value));
        if (!is_null && value < 0)
            return bind__fail_at(b, select->limit_offset->offset, ST_BAD_INPUT, "2201X",
                                 "OFFSET must not be negative");
        range_out->skip_rows = is_null ? 0 : value;
    }
    if (select->limit != NULL) {
        scope->clause = CLAUSE_LIMIT;
        TRY(limit_value(b, scope, select->limit, "LIMIT", &is_null, &value));
        if (!is_null && value < 0)
            return bind__fail_at(b, select->limit->offset, ST_BAD_INPUT, "2201W",
                                 "LIMIT must not be negative");
        range_out->fetch_rows = is_null ? ALL_ROWS : value;
    }
    return ST_OK;
}

/* --- planning --- */

/* Projects the targets, each to a column: afterwards their expressions are these columns. Equal
 * ones share a column, literals of unknown type stay as they are. */
static const Plan *project_targets(Binder *b, const Plan *plan, Targets *targets)
{
    const Expr **exprs = ARENA_ARRAY(b->arena, const Expr *, targets->count);
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, targets->count);
    uint32_t count = 0;

    for (uint32_t i = 0; i < targets->count; i++) {
        Output *target = &targets->items[i];
        const Expr *expr = target->expr;
        uint32_t same = 0;

        if (bind__is_unknown(expr))
            continue;
        while (same < count && !expr_equal(exprs[same], expr))
            same++;
        if (same == count) {
            const PlanColumn *own =
                expr->kind == EXPR_COLUMN ? plan_column(plan, expr->column) : NULL;
            bool is_hidden = i >= targets->visible_count;

            exprs[count] = expr;
            columns[count++] =
                (PlanColumn){.id = own != NULL ? own->id : plan_new_column(b->ids),
                             .type = expr->type,
                             .name = own != NULL && is_hidden ? own->name : target->name,
                             .is_nullable = bind__expr_is_nullable(plan, expr)};
        }
        target->expr =
            bind__expr_at(b, expr_column(b->arena, columns[same].id, expr->type), expr->sql_offset);
    }
    return plan_project(b->arena, plan, count, exprs, columns);
}

static uint32_t sort_keys(Binder *b, const Targets *targets, const Tail *tail, SortKey **keys_out)
{
    SortKey *keys = ARENA_ARRAY(b->arena, SortKey, tail->key_count);
    uint32_t count = 0;

    *keys_out = keys;
    for (uint32_t i = 0; i < tail->key_count; i++) {
        const Expr *expr = targets->items[tail->keys[i].output].expr;
        bool is_known = false;

        for (uint32_t j = 0; j < count; j++)
            is_known |= keys[j].column == expr->column;
        if (!is_known)
            keys[count++] = (SortKey){.column = expr->column,
                                      .type = expr->type,
                                      .is_descending = tail->keys[i].is_descending,
                                      .nulls_first = tail->keys[i].nulls_first};
    }
    return count;
}

static const Plan *sort_targets(Binder *b, const Plan *plan, const Targets *targets,
                                const Tail *tail)
{
    SortKey *keys;
    uint32_t count = sort_keys(b, targets, tail, &keys);

    return count == 0 ? plan : plan_sort(b->arena, plan, count, keys);
}

static bool is_on_column(const Targets *targets, const Tail *tail, ColumnId id)
{
    for (uint32_t i = 0; i < tail->on_count; i++)
        if (targets->items[tail->on_targets[i]].expr->column == id)
            return true;
    return false;
}

/* DISTINCT ON: the first row of each group in the input's order. */
static const Plan *plan_distinct_on(Binder *b, const Plan *plan, Targets *targets, const Tail *tail)
{
    uint32_t key_count = 0, agg_count = 0;
    ColumnId *keys = ARENA_ARRAY(b->arena, ColumnId, plan->column_count);
    const Expr **aggs = ARENA_ARRAY(b->arena, const Expr *, plan->column_count);
    PlanColumn *agg_columns = ARENA_ARRAY(b->arena, PlanColumn, plan->column_count);
    ColumnMap map = {0};
    ColumnId *from = ARENA_ARRAY(b->arena, ColumnId, plan->column_count);
    const Expr **to = ARENA_ARRAY(b->arena, const Expr *, plan->column_count);

    for (uint32_t i = 0; i < plan->column_count; i++) {
        const PlanColumn *column = &plan->columns[i];
        const Expr *value = expr_column(b->arena, column->id, column->type);

        if (is_on_column(targets, tail, column->id)) {
            keys[key_count++] = column->id;
            continue;
        }
        agg_columns[agg_count] = *column;
        agg_columns[agg_count].id = plan_new_column(b->ids);
        aggs[agg_count] = expr_agg(b->arena, AGG_FIRST, column->type, 1, &value, false, NULL);
        from[agg_count] = column->id;
        to[agg_count] = expr_column(b->arena, agg_columns[agg_count].id, column->type);
        agg_count++;
    }
    map = (ColumnMap){agg_count, from, to};
    for (uint32_t i = 0; i < targets->count; i++)
        targets->items[i].expr = expr_substitute(b->arena, targets->items[i].expr, &map);
    return plan_aggregate(b->arena, plan, key_count, keys, agg_count, aggs, agg_columns);
}

Status bind__plan_tail(Binder *b, const Plan *plan, Targets *targets, const Tail *tail,
                       Query *query_out)
{
    uint32_t key_count;
    SortKey *keys;

    if (tail->distinct == AST_DISTINCT_ALL) {
        targets->count = targets->visible_count;
        plan = plan_distinct(b->arena, project_targets(b, plan, targets));
    } else if (tail->key_count > 0 || tail->distinct == AST_DISTINCT_ON) {
        plan = project_targets(b, plan, targets);
    }
    if (tail->distinct == AST_DISTINCT_ON)
        plan = plan_distinct_on(b, sort_targets(b, plan, targets, tail), targets, tail);
    key_count = sort_keys(b, targets, tail, &keys);
    if (tail->limit.with_ties && key_count > 0)
        plan = bind__plan_ties(b, plan, key_count, keys, &tail->limit, targets);
    else if (key_count > 0)
        plan = plan_sort(b->arena, plan, key_count, keys);
    if ((!tail->limit.with_ties || key_count == 0) &&
        (tail->limit.skip_rows != 0 || tail->limit.fetch_rows != ALL_ROWS))
        plan = plan_limit(b->arena, plan, tail->limit.skip_rows, tail->limit.fetch_rows);
    *query_out = (Query){.plan = plan, .count = targets->visible_count, .outputs = targets->items};
    return ST_OK;
}
