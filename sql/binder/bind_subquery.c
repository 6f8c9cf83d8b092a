/*
 * bind_subquery.c -- subqueries in expressions become EXPR_SUBQUERY
 *
 * Correlation needs nothing: an outer column is a column id that the subquery's plan does not
 * produce. The optimizer's unnesting rules replace these expressions by joins.
 */
#include "sql/binder/binder_internal.h"

static Status check_one_column(Binder *b, const Query *query, int32_t offset)
{
    if (query->count == 1)
        return ST_OK;
    return bind__fail_at(b, offset, ST_BAD_INPUT, "42601", "subquery must return only one column");
}

static Status bind_exists(Binder *b, Scope *scope, const AstSubquery *ast, const Expr **expr_out)
{
    const Plan *plan;

    TRY(bind__query_plan(b, scope, ast->select, &plan));
    *expr_out =
        expr_subquery(b->arena, SUBQUERY_EXISTS, type_of(TYPE_BOOL), FUNC_EQ, plan, 0, NULL);
    return ST_OK;
}

static Status bind_scalar(Binder *b, Scope *scope, const AstSubquery *ast, const Expr **expr_out)
{
    Query query;
    const Plan *plan;

    TRY(bind__query(b, scope, ast->select, &query));
    TRY(check_one_column(b, &query, ast->head.offset));
    TRY(bind__query_close(b, &query, &plan));
    *expr_out =
        expr_subquery(b->arena, SUBQUERY_SCALAR, plan->columns[0].type, FUNC_EQ, plan, 0, NULL);
    return ST_OK;
}

/* --- IN, ANY, ALL --- */

/* The left side's values: the items of a row, or the one expression. */
static Status bind_left(Binder *b, Scope *scope, const AstExpr *arg, uint32_t *count_out,
                        const Expr ***args_out)
{
    const AstRow *row = ast_as_row(arg);
    AstExprs one = {1, &arg};

    *count_out = row == NULL ? 1 : row->items.count;
    return bind__exprs(b, scope, row == NULL ? one : row->items, args_out);
}

static Status check_column_count(Binder *b, uint32_t arg_count, const Query *query, int32_t offset)
{
    if (query->count == arg_count)
        return ST_OK;
    return bind__fail_at(b, offset, ST_BAD_INPUT, "42601", "subquery has too %s columns",
                         query->count > arg_count ? "many" : "few");
}

static Status comparison_of(Binder *b, const AstSubquery *ast, FuncId *func_out)
{
    const char *op = ast->op.name;

    if (ast->subquery == AST_SUBQUERY_IN) {
        *func_out = FUNC_EQ;
        return ST_OK;
    }
    if (!bind__comparison_by_name(op, func_out))
        return bind__not_supported(b, ast->head.offset, "operator %s with ANY or ALL", op);
    return ST_OK;
}

/* What the plan's rows say of the row args, one by one: a plan of one boolean column. */
static Status compare_each(Binder *b, FuncId func, const Plan *plan, const Expr *const *args,
                           int32_t offset, const Plan **plan_out)
{
    const Expr **outputs = ARENA_ARRAY(b->arena, const Expr *, plan->column_count), *compared;
    PlanColumn column = {.type = type_of(TYPE_BOOL), .name = "?column?", .is_nullable = true};

    for (uint32_t i = 0; i < plan->column_count; i++)
        outputs[i] = expr_column(b->arena, plan->columns[i].id, plan->columns[i].type);
    TRY(bind__compare_rows(b, func, plan->column_count, args, outputs, offset, &compared));
    column.id = plan_new_column(b->ids);
    *plan_out = plan_project(b->arena, plan, 1, &compared, &column);
    return ST_OK;
}

/* (a, b) < ANY (SELECT x, y ...) is TRUE = ANY (SELECT (a, b) < (x, y) ...). */
static Status make_row_quantified(Binder *b, SubqueryKind kind, FuncId func, const Plan *plan,
                                  const Expr *const *args, int32_t offset, const Expr **expr_out)
{
    const Expr *yes = expr_const(b->arena, value_bool(true));

    TRY(compare_each(b, func, plan, args, offset, &plan));
    *expr_out = bind__expr_at(
        b, expr_subquery(b->arena, kind, type_of(TYPE_BOOL), FUNC_EQ, plan, 1, &yes), offset);
    return ST_OK;
}

/* Rows are compared whole by = ANY (IN) and by <> ALL, which is NOT (= ANY). */
static Status make_quantified(Binder *b, SubqueryKind kind, FuncId func, const Plan *plan,
                              uint32_t arg_count, const Expr *const *args, int32_t offset,
                              const Expr **expr_out)
{
    Type boolean = type_of(TYPE_BOOL);
    bool is_row = arg_count > 1;
    bool is_not_in = is_row && kind == SUBQUERY_ALL && func == FUNC_NE;

    if (is_row && !is_not_in && (kind != SUBQUERY_ANY || func != FUNC_EQ))
        return make_row_quantified(b, kind, func, plan, args, offset, expr_out);
    if (is_not_in)
        *expr_out = expr_subquery(b->arena, SUBQUERY_ANY, boolean, FUNC_EQ, plan, arg_count, args);
    else
        *expr_out = expr_subquery(b->arena, kind, boolean, func, plan, arg_count, args);
    *expr_out = bind__expr_at(b, *expr_out, offset);
    if (is_not_in)
        *expr_out = expr_call1(b->arena, FUNC_NOT, boolean, *expr_out);
    return ST_OK;
}

static Status bind_quantified(Binder *b, Scope *scope, const AstSubquery *ast,
                              const Expr **expr_out)
{
    SubqueryKind kind = ast->subquery == AST_SUBQUERY_ALL ? SUBQUERY_ALL : SUBQUERY_ANY;
    int32_t offset = ast->head.offset;
    const Expr **args;
    const Plan *plan;
    uint32_t arg_count;
    FuncId func;
    Query query;

    TRY(comparison_of(b, ast, &func));
    TRY(bind__query(b, scope, ast->select, &query));
    TRY(bind_left(b, scope, ast->arg, &arg_count, &args));
    TRY(check_column_count(b, arg_count, &query, offset));
    for (uint32_t i = 0; i < arg_count; i++) {
        TRY(bind__query_resolve_output(b, &query.outputs[i]));
        TRY(bind__unify_comparison(b, func, &args[i], &query.outputs[i].expr, offset));
    }
    TRY(bind__query_close(b, &query, &plan));
    return make_quantified(b, kind, func, plan, arg_count, args, offset, expr_out);
}

/* A scalar subquery that compares each row it finds; it may find one at most. */
Status bind__row_subquery(Binder *b, Scope *scope, FuncId func, const AstRow *row,
                          const AstSubquery *ast, int32_t offset, const Expr **expr_out)
{
    const Expr **args;
    const Plan *plan;
    Query query;

    TRY(bind__exprs(b, scope, row->items, &args));
    TRY(bind__query(b, scope, ast->select, &query));
    TRY(check_column_count(b, row->items.count, &query, offset));
    TRY(bind__query_close(b, &query, &plan));
    TRY(compare_each(b, func, plan, args, offset, &plan));
    *expr_out = bind__expr_at(
        b, expr_subquery(b->arena, SUBQUERY_SCALAR, type_of(TYPE_BOOL), FUNC_EQ, plan, 0, NULL),
        offset);
    return ST_OK;
}

Status bind__subquery(Binder *b, Scope *scope, const AstSubquery *ast, const Expr **expr_out)
{
    switch (ast->subquery) {
    case AST_SUBQUERY_EXISTS:
        TRY(bind_exists(b, scope, ast, expr_out));
        break;
    case AST_SUBQUERY_SCALAR:
        TRY(bind_scalar(b, scope, ast, expr_out));
        break;
    case AST_SUBQUERY_ARRAY:
        return bind__not_supported(b, ast->head.offset, "arrays");
    default:
        return bind_quantified(b, scope, ast, expr_out);
    }
    *expr_out = bind__expr_at(b, *expr_out, ast->head.offset);
    return ST_OK;
}
