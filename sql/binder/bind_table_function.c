/* bind_table_function.c -- functions in FROM: generate_series, read_parquet and kin, any scalar */
#include "sql/binder/binder_internal.h"

/* --- generate_series --- */

static bool is_of_time(const Expr *expr)
{
    return expr->type.id == TYPE_DATE || expr->type.id == TYPE_TIMESTAMP;
}

/* Integers, numerics, or timestamps with an interval as the step. */
static Status series_types(Binder *b, const AstFunc *func, uint32_t count, const Expr **args)
{
    bool is_time = count == 3 && (args[2]->type.id == TYPE_INTERVAL || is_of_time(args[0]) ||
                                  is_of_time(args[1]));
    Type type;

    if (is_time) {
        if (!bind__can_cast(args[2]->type, type_of(TYPE_INTERVAL), CAST_IMPLICIT))
            return bind__no_such_function(b, func, count, args, RESOLVE_NO_MATCH);
        TRY(bind__coerce(b, args[2], type_of(TYPE_INTERVAL), &args[2]));
        for (uint32_t i = 0; i < 2; i++)
            if (!bind__can_cast(args[i]->type, type_of(TYPE_TIMESTAMP), CAST_IMPLICIT))
                return bind__no_such_function(b, func, count, args, RESOLVE_NO_MATCH);
        for (uint32_t i = 0; i < 2; i++)
            TRY(bind__coerce(b, args[i], type_of(TYPE_TIMESTAMP), &args[i]));
        return ST_OK;
    }
    if (!bind__find_common_type(count, args, &type) || !type_is_number(type) || type_is_float(type))
        return bind__no_such_function(b, func, count, args, RESOLVE_NO_MATCH);
    if (type.id == TYPE_INT2)
        type = type_of(TYPE_INT4);
    for (uint32_t i = 0; i < count; i++)
        TRY(bind__coerce(b, args[i], type, &args[i]));
    return ST_OK;
}

static bool any_has_subquery(uint32_t count, const Expr *const *args)
{
    for (uint32_t i = 0; i < count; i++)
        if (expr_has_subquery(args[i]))
            return true;
    return false;
}

/* Arguments with subqueries are computed below a lateral join: SELECT f(x) FROM (SELECT ...) x. */
static const Plan *join_arguments(Binder *b, uint32_t count, const Expr **args)
{
    PlanColumn *columns = ARENA_ARRAY(b->arena, PlanColumn, count);
    const Plan *below;

    for (uint32_t i = 0; i < count; i++)
        columns[i] = (PlanColumn){.id = plan_new_column(b->ids),
                                  .type = args[i]->type,
                                  .name = "argument",
                                  .is_nullable = true};
    below = plan_project(b->arena, plan_one_row(b->arena), count, args, columns);
    for (uint32_t i = 0; i < count; i++)
        args[i] = expr_column(b->arena, columns[i].id, columns[i].type);
    return below;
}

Status bind__series(Binder *b, const AstFunc *func, const Expr **args, const char *name,
                    const Plan **plan_out)
{
    uint32_t count = func->arg_count;
    const Expr *all[3];
    const Plan *below = NULL;
    PlanColumn column;

    if (count < 2 || count > 3)
        return bind__no_such_function(b, func, count, args, RESOLVE_NO_MATCH);
    memcpy(all, args, count * sizeof *args);
    TRY(series_types(b, func, count, all));
    if (count == 2)
        TRY(bind__coerce(b, expr_const(b->arena, value_int4(1)), all[0]->type, &all[2]));
    if (any_has_subquery(3, all))
        below = join_arguments(b, 3, all);
    column = (PlanColumn){.id = plan_new_column(b->ids), .type = all[0]->type, .name = name};
    *plan_out = plan_table_function(b->arena, NULL, TABLE_FUNCTION_GENERATE_SERIES,
                                    (ExprList){3, all}, column);
    if (below != NULL)
        *plan_out = plan_select_columns(
            b->arena, plan_join(b->arena, JOIN_INNER, below, *plan_out, NULL), 1, &column.id);
    return ST_OK;
}

/* --- read_parquet('x'), read_csv('x', header = true) --- */

static const char *file_format(const char *function)
{
    static const char *const formats[][2] = {
        {"read_parquet", "parquet"}, {"read_csv", "csv"}, {"read_json", "json"}};

    for (uint32_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i][0], function) == 0)
            return formats[i][1];
    return NULL;
}

/* A constant as the text of an option's value. */
static Status option_value(Binder *b, Scope *scope, const AstExpr *ast, const char **value_out)
{
    const Expr *expr;
    Type text = type_of(TYPE_TEXT);

    TRY(bind__expr(b, scope, ast, &expr));
    if (expr->kind != EXPR_CONST && !expr_has_subquery(expr) &&
        expr_columns(b->arena, expr).count == 0) {
        Value value;

        TRY(bind__place_error(b, ast->offset,
                              b->request->eval_const(b->arena, expr, b->err, &value)));
        expr = expr_const(b->arena, value);
    }
    if (expr->kind != EXPR_CONST || expr->value.is_null)
        return bind__fail_at(b, ast->offset, ST_BAD_INPUT, "42601",
                             "options of a file must be constants");
    TRY(bind__coerce(b, expr, text, &expr));
    if (expr->kind != EXPR_CONST)
        return bind__fail_at(b, ast->offset, ST_BAD_INPUT, "42601",
                             "options of a file must be constants");
    *value_out = arena_strndup(b->arena, str_bytes(&expr->value.str), expr->value.str.length);
    return ST_OK;
}

/* name => value, or name = value. */
static Status bind_option(Binder *b, Scope *scope, const AstArg *arg, const char **name_out,
                          const char **value_out)
{
    const AstOp *op = ast_as_op(arg->expr);
    const AstColumn *column = op == NULL ? NULL : ast_as_column(op->left);

    if (arg->name != NULL) {
        *name_out = arg->name;
        return option_value(b, scope, arg->expr, value_out);
    }
    if (op == NULL || strcmp(op->op.name, "=") != 0 || column == NULL || column->names.count != 1)
        return bind__fail_at(b, arg->offset, ST_BAD_INPUT, "42601",
                             "options of a file are written as name = value");
    *name_out = column->names.items[0];
    return option_value(b, scope, op->right, value_out);
}

static Status bind_read(Binder *b, Scope *scope, const AstFromFunction *from, const AstFunc *func,
                        const Plan **plan_out, VisibleList *visible_out)
{
    const Catalog *catalog = b->request->catalog;
    const char **pairs = ARENA_ARRAY(b->arena, const char *, 2 * (size_t)func->arg_count);
    const AstConst *path = func->arg_count > 0 ? ast_as_const(func->args[0].expr) : NULL;
    OptionList options = {0, pairs};
    const char *path_text;
    Table *table = NULL;

    if (func->arg_count == 0 || func->args[0].name != NULL ||
        (path != NULL && path->const_kind != AST_CONST_STRING))
        return bind__fail_at(b, func->head.offset, ST_BAD_INPUT, "42601",
                             "%s takes a file's path as its first argument", func->name.name);
    TRY(option_value(b, scope, func->args[0].expr, &path_text));
    for (uint32_t i = 1; i < func->arg_count; i++) {
        TRY(bind_option(b, scope, &func->args[i], &pairs[2 * (size_t)options.count],
                        &pairs[2 * (size_t)options.count + 1]));
        options.count++;
    }
    TRY(bind__place_error(b, func->head.offset,
                          catalog->open_file(catalog->context, path_text,
                                             file_format(func->name.name), options, b->err,
                                             &table)));
    return bind__scan(b, scope, table, func->name.name, &from->head, plan_out, visible_out);
}

/* --- the item --- */

/* A scalar function in FROM is a table of one row. */
static Status bind_scalar(Binder *b, Scope *scope, const AstExpr *call, const char *name,
                          const Plan **plan_out)
{
    const Expr *expr;
    PlanColumn column;

    TRY(bind__expr_known(b, scope, call, &expr));
    column = (PlanColumn){
        .id = plan_new_column(b->ids), .type = expr->type, .name = name, .is_nullable = true};
    *plan_out = plan_project(b->arena, plan_one_row(b->arena), 1, &expr, &column);
    return ST_OK;
}

static Status check_function_item(Binder *b, const AstFromFunction *from)
{
    if (from->is_rows_from || from->calls.count != 1)
        return bind__not_supported(b, from->head.offset, "ROWS FROM");
    if (from->has_ordinality)
        return bind__not_supported(b, from->head.offset, "WITH ORDINALITY");
    if (from->has_column_types)
        return bind__not_supported(b, from->head.offset, "column definition lists");
    return ST_OK;
}

static Status bind_call(Binder *b, Scope *scope, const AstExpr *call, const char *name,
                        const Plan **plan_out)
{
    const AstFunc *func = ast_as_func(call);
    const Expr **args;

    if (func == NULL || strcmp(func->name.name, "generate_series") != 0)
        return bind_scalar(b, scope, call, name, plan_out);
    args = ARENA_ARRAY(b->arena, const Expr *, func->arg_count);
    for (uint32_t i = 0; i < func->arg_count; i++)
        TRY(bind__expr(b, scope, func->args[i].expr, &args[i]));
    return bind__series(b, func, args, name, plan_out);
}

Status bind__from_function(Binder *b, Scope *scope, const AstFromFunction *from,
                           const Plan **plan_out, VisibleList *visible_out)
{
    const AstFunc *func;
    const char *function_name, *name;
    bool was_active = scope->lateral_active;
    Clause clause = scope->clause;

    TRY(check_function_item(b, from));
    func = ast_as_func(from->calls.items[0]);
    if (func != NULL && file_format(func->name.name) != NULL &&
        b->request->catalog->open_file != NULL)
        return bind_read(b, scope, from, func, plan_out, visible_out);
    function_name = bind__target_name(from->calls.items[0]);
    name = from->head.alias.name != NULL ? from->head.alias.name : function_name;
    scope->lateral_active = true;
    scope->clause = CLAUSE_FROM_FUNCTION;
    TRY(bind_call(b, scope, from->calls.items[0], name, plan_out));
    scope->lateral_active = was_active;
    scope->clause = clause;
    return bind__add_range(b, scope, &from->head, function_name, NULL, 1,
                           bind__range_columns_of_plan(b, *plan_out), visible_out);
}
