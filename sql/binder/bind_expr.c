/* bind_expr.c -- an AST expression becomes a typed one: the switch, logic, CASE, COALESCE */
#include "sql/binder/binder_internal.h"

const Expr *bind__expr_at(Binder *b, const Expr *expr, int32_t offset)
{
    Expr *placed;

    if (b->views != NULL)
        offset = -1;
    if (expr->sql_offset == offset)
        return expr;
    placed = arena_copy(b->arena, expr, sizeof *expr);
    placed->sql_offset = offset;
    return placed;
}

int32_t bind__expr_start(const Expr *expr)
{
    int32_t start = expr->sql_offset;

    for (uint32_t i = 0; i < expr->arg_count; i++) {
        int32_t arg = bind__expr_start(expr->args[i]);

        if (arg >= 0 && (start < 0 || arg < start))
            start = arg;
    }
    return start;
}

/* --- where a column is used --- */

typedef struct ColumnSearch {
    ColumnId id;
    int32_t offset;
} ColumnSearch;

static void search_plan(ColumnSearch *search, const Plan *plan);

static bool search_part(void *context, const Expr *expr)
{
    ColumnSearch *search = context;

    if (expr->kind == EXPR_COLUMN && expr->column == search->id && search->offset < 0)
        search->offset = expr->sql_offset;
    if (expr->kind == EXPR_SUBQUERY)
        search_plan(search, expr->plan);
    return search->offset < 0;
}

static void search_expr(void *context, const Expr *expr)
{
    expr_visit(expr, search_part, context);
}

static void search_plan(ColumnSearch *search, const Plan *plan)
{
    plan_visit_exprs(plan, search_expr, search);
    for (uint32_t i = 0; i < plan->input_count; i++)
        search_plan(search, plan->inputs[i]);
}

int32_t bind__expr_find_column(const Expr *expr, ColumnId id)
{
    ColumnSearch search = {id, -1};

    search_expr(&search, expr);
    return search.offset;
}

/* --- using an expression twice --- */

static bool count_node(void *context, const Expr *expr)
{
    Binder *b = context;

    (void)expr;
    return ++b->reused_nodes <= BINDER_REUSED_MAX;
}

static const Expr *clone_subquery(void *context, const Expr *expr)
{
    Binder *b = context;
    Expr *copy;

    if (expr->kind != EXPR_SUBQUERY)
        return expr;
    copy = arena_copy(b->arena, expr, sizeof *expr);
    copy->plan = plan_clone(b->arena, expr->plan, b->ids, NULL);
    return copy;
}

Status bind__reuse_expr(Binder *b, const Expr *expr, const Expr **copy_out)
{
    *copy_out = expr;
    expr_visit(expr, count_node, b);
    if (b->reused_nodes > BINDER_REUSED_MAX)
        return bind__fail_at(b, expr->sql_offset, ST_BAD_INPUT, "54001", "the query is too large");
    if (expr_has_subquery(expr))
        *copy_out = expr_rewrite(b->arena, expr, clone_subquery, b);
    return ST_OK;
}

/* --- conditions --- */

Status bind__condition(Binder *b, Scope *scope, const AstExpr *ast, const char *construct,
                       const Expr **expr_out)
{
    const Expr *expr;

    TRY(bind__expr(b, scope, ast, &expr));
    return bind__coerce_to_bool(b, expr, construct, expr_out);
}

static Status bind_logic(Binder *b, Scope *scope, const AstLogic *logic, const Expr **expr_out)
{
    static const char *const names[] = {
        [AST_LOGIC_AND] = "AND", [AST_LOGIC_OR] = "OR", [AST_LOGIC_NOT] = "NOT"};
    static const FuncId funcs[] = {
        [AST_LOGIC_AND] = FUNC_AND, [AST_LOGIC_OR] = FUNC_OR, [AST_LOGIC_NOT] = FUNC_NOT};
    const Expr **args = ARENA_ARRAY(b->arena, const Expr *, logic->args.count);

    for (uint32_t i = 0; i < logic->args.count; i++)
        TRY(bind__condition(b, scope, logic->args.items[i], names[logic->logic], &args[i]));
    *expr_out = bind__expr_at(
        b, expr_call(b->arena, funcs[logic->logic], type_of(TYPE_BOOL), logic->args.count, args),
        logic->head.offset);
    return ST_OK;
}

/* (a, b) IS NULL: all of them; IS NOT NULL: none of them. */
static Status bind_row_is_null(Binder *b, Scope *scope, const AstIs *is, const AstRow *row,
                               const Expr **expr_out)
{
    FuncId func = is->is_negated ? FUNC_IS_NOT_NULL : FUNC_IS_NULL;
    Type boolean = type_of(TYPE_BOOL);
    const Expr **parts = ARENA_ARRAY(b->arena, const Expr *, row->items.count);

    for (uint32_t i = 0; i < row->items.count; i++) {
        TRY(bind__expr_known(b, scope, row->items.items[i], &parts[i]));
        parts[i] = bind__expr_at(b, expr_call1(b->arena, func, boolean, parts[i]), is->head.offset);
    }
    *expr_out = row->items.count == 1
                    ? parts[0]
                    : expr_call(b->arena, FUNC_AND, boolean, row->items.count, parts);
    return ST_OK;
}

static Status bind_is(Binder *b, Scope *scope, const AstIs *is, const Expr **expr_out)
{
    static const char *const names[][2] = {[AST_IS_TRUE] = {"IS TRUE", "IS NOT TRUE"},
                                           [AST_IS_FALSE] = {"IS FALSE", "IS NOT FALSE"},
                                           [AST_IS_UNKNOWN] = {"IS UNKNOWN", "IS NOT UNKNOWN"}};
    bool is_null_test = is->is == AST_IS_NULL || is->is == AST_IS_UNKNOWN;
    FuncId func = is->is == AST_IS_TRUE ? FUNC_IS_TRUE : FUNC_IS_FALSE;
    const AstRow *row = ast_as_row(is->arg);
    Type boolean = type_of(TYPE_BOOL);
    const Expr *arg;

    if (is->is == AST_IS_NULL && row != NULL && row->items.count > 0)
        return bind_row_is_null(b, scope, is, row, expr_out);
    if (is->is == AST_IS_NULL)
        TRY(bind__expr_known(b, scope, is->arg, &arg));
    else
        TRY(bind__condition(b, scope, is->arg, names[is->is][is->is_negated], &arg));
    if (is_null_test)
        func = is->is_negated ? FUNC_IS_NOT_NULL : FUNC_IS_NULL;
    *expr_out = bind__expr_at(b, expr_call1(b->arena, func, boolean, arg), is->head.offset);
    if (is->is_negated && !is_null_test)
        *expr_out = expr_call1(b->arena, FUNC_NOT, boolean, *expr_out);
    return ST_OK;
}

/* --- CASE --- */

/* CASE x WHEN v: the condition x = v. */
static Status bind_when_value(Binder *b, Scope *scope, const Expr **arg, const AstWhen *when,
                              const Expr **condition_out)
{
    const Expr *value;

    TRY(bind__expr(b, scope, when->condition, &value));
    TRY(bind__make_comparison(b, FUNC_EQ, *arg, value, when->offset, condition_out));
    return bind__reuse_expr(b, *arg, arg);
}

static Status bind_case(Binder *b, Scope *scope, const AstCase *ast, const Expr **expr_out)
{
    uint32_t count = ast->when_count;
    const Expr **args = ARENA_ARRAY(b->arena, const Expr *, 2 * (size_t)count + 1);
    const Expr **results = ARENA_ARRAY(b->arena, const Expr *, (size_t)count + 1);
    const Expr *arg = NULL;
    uint32_t set_count = scope->set_count;
    Type type;

    if (ast->arg != NULL)
        TRY(bind__expr_known(b, scope, ast->arg, &arg));
    for (uint32_t i = 0; i < count; i++) {
        const AstWhen *when = &ast->whens[i];

        if (arg != NULL)
            TRY(bind_when_value(b, scope, &arg, when, &args[2 * i]));
        else
            TRY(bind__condition(b, scope, when->condition, "CASE/WHEN", &args[2 * i]));
        TRY(bind__expr(b, scope, when->result, &results[i + 1]));
    }
    if (ast->otherwise != NULL)
        TRY(bind__expr(b, scope, ast->otherwise, &results[0]));
    else
        results[0] = expr_const(b->arena, value_null(type_of(TYPE_NULL)));
    TRY(bind__refuse_sets(b, scope, set_count, ast->head.offset, "CASE"));
    /* as PostgreSQL does, ELSE comes first when the type is chosen */
    TRY(bind__coerce_all_common(b, "CASE", count + 1, results, &type));
    for (uint32_t i = 0; i < count; i++)
        args[2 * i + 1] = results[i + 1];
    args[2 * count] = results[0];
    *expr_out = bind__expr_at(b, expr_call(b->arena, FUNC_CASE, type, 2 * count + 1, args),
                              ast->head.offset);
    return ST_OK;
}

/* --- COALESCE, NULLIF, GREATEST, LEAST --- */

/* Types of one family are compared by operators of PostgreSQL's between them: the first argument
 * stays what it is. Else it has been cast to be compared, and the result is what it became. */
static bool are_family(Type a, Type c)
{
    return a.id == c.id || (type_is_integer(a) && type_is_integer(c)) ||
           (type_is_float(a) && type_is_float(c)) || (type_is_text(a) && type_is_text(c)) ||
           (type_category(a) == 'D' && type_category(c) == 'D');
}

static Status make_nullif(Binder *b, const Expr **args, int32_t offset, const Expr **expr_out)
{
    const Expr *result = args[0], *null, *equal;

    if (bind__is_unknown(result) && !bind__is_unknown(args[1]))
        TRY(bind__coerce(b, result, args[1]->type, &result));
    TRY(bind__coerce_unknown_to_text(b, result, &result));
    TRY(bind__reuse_expr(b, result, &args[0]));
    TRY(bind__make_comparison(b, FUNC_EQ, args[0], args[1], offset, &equal));
    if (equal->args[0] == args[0] && type_equal(equal->args[1]->type, result->type)) {
        *expr_out = bind__expr_at(
            b, expr_call2(b->arena, FUNC_NULLIF, result->type, result, equal->args[1]), offset);
        return ST_OK;
    }
    if (!are_family(result->type, args[1]->type) && result->kind != EXPR_CONST) {
        Type type = equal->args[0]->type;

        TRY(bind__coerce(b, result, type.id == TYPE_DECIMAL ? type_of(TYPE_DECIMAL) : type,
                         &result));
    }
    null = expr_const(b->arena, value_null(result->type));
    *expr_out = bind__expr_at(
        b, expr_call(b->arena, FUNC_CASE, result->type, 3, (const Expr *[]){equal, null, result}),
        offset);
    return ST_OK;
}

static Status bind_choice(Binder *b, Scope *scope, const AstChoice *ast, const Expr **expr_out)
{
    static const char *const names[] = {[AST_CHOICE_COALESCE] = "COALESCE",
                                        [AST_CHOICE_GREATEST] = "GREATEST",
                                        [AST_CHOICE_LEAST] = "LEAST"};
    static const FuncId funcs[] = {[AST_CHOICE_COALESCE] = FUNC_COALESCE,
                                   [AST_CHOICE_GREATEST] = FUNC_GREATEST,
                                   [AST_CHOICE_LEAST] = FUNC_LEAST};
    uint32_t set_count = scope->set_count;
    const Expr **args;
    Type type;

    TRY(bind__exprs(b, scope, ast->args, &args));
    if (ast->choice == AST_CHOICE_COALESCE)
        TRY(bind__refuse_sets(b, scope, set_count, ast->head.offset, "COALESCE"));
    if (ast->choice == AST_CHOICE_NULLIF)
        return make_nullif(b, args, ast->head.offset, expr_out);
    TRY(bind__coerce_all_common(b, names[ast->choice], ast->args.count, args, &type));
    *expr_out = bind__expr_at(
        b, expr_call(b->arena, funcs[ast->choice], type, ast->args.count, args), ast->head.offset);
    return ST_OK;
}

/* --- the rest --- */

/* A parameter of type text is a literal of unknown type, as in PostgreSQL's clients. */
static Status bind_param(Binder *b, const AstParam *param, const Expr **expr_out)
{
    Value value;

    if (param->number == 0 || param->number > b->request->param_count)
        return bind__fail_at(b, param->head.offset, ST_BAD_INPUT, "42P02",
                             "there is no parameter $%u", param->number);
    value = value_copy(b->arena, b->request->params[param->number - 1]);
    if (value.type.id == TYPE_TEXT)
        value.type = type_of(TYPE_NULL);
    *expr_out = bind__expr_at(b, expr_const(b->arena, value), param->head.offset);
    return ST_OK;
}

static Status bind_column(Binder *b, Scope *scope, const AstColumn *column, const Expr **expr_out)
{
    if (column->is_star)
        return bind__not_supported(b, column->head.offset, "whole-row references");
    return scope__resolve(b, scope, column, expr_out);
}

static Status bind_collate(Binder *b, Scope *scope, const AstCollate *collate,
                           const Expr **expr_out)
{
    const char *name = collate->collation.name;

    TRY(bind__expr_known(b, scope, collate->arg, expr_out));
    if (strcmp(name, "C") != 0 && strcmp(name, "POSIX") != 0 && strcmp(name, "ucs_basic") != 0)
        return bind__not_supported(b, collate->collation.offset, "collation \"%s\"", name);
    if (!type_is_text((*expr_out)->type))
        return bind__fail_at(b, collate->head.offset, ST_BAD_INPUT, "42804",
                             "collations are not supported by type %s",
                             bind__type_message_name((*expr_out)->type));
    return ST_OK;
}

static Status bind_node(Binder *b, Scope *scope, const AstExpr *ast, const Expr **expr_out)
{
    switch (ast->kind) {
    case AST_COLUMN:
        return bind_column(b, scope, (const AstColumn *)ast, expr_out);
    case AST_CONST:
        return bind__const(b, (const AstConst *)ast, expr_out);
    case AST_PARAM:
        return bind_param(b, (const AstParam *)ast, expr_out);
    case AST_OP:
        return bind__operator(b, scope, (const AstOp *)ast, expr_out);
    case AST_LOGIC:
        return bind_logic(b, scope, (const AstLogic *)ast, expr_out);
    case AST_FUNC:
        return bind__function(b, scope, (const AstFunc *)ast, expr_out);
    case AST_EXTRACT: {
        const AstExtract *extract = (const AstExtract *)ast;

        return bind__extract(b, scope, extract->field, ast->offset, extract->arg, ast->offset,
                             expr_out);
    }
    case AST_CAST:
        return bind__cast(b, scope, (const AstCast *)ast, expr_out);
    case AST_CASE:
        return bind_case(b, scope, (const AstCase *)ast, expr_out);
    case AST_CHOICE:
        return bind_choice(b, scope, (const AstChoice *)ast, expr_out);
    case AST_IN_LIST:
        return bind__in_list(b, scope, (const AstInList *)ast, expr_out);
    case AST_BETWEEN:
        return bind__between(b, scope, (const AstBetween *)ast, expr_out);
    case AST_LIKE:
        return bind__like(b, scope, (const AstLike *)ast, expr_out);
    case AST_IS:
        return bind_is(b, scope, (const AstIs *)ast, expr_out);
    case AST_IS_DISTINCT:
        return bind__is_distinct(b, scope, (const AstIsDistinct *)ast, expr_out);
    case AST_SUBQUERY:
        return bind__subquery(b, scope, (const AstSubquery *)ast, expr_out);
    case AST_COLLATE:
        return bind_collate(b, scope, (const AstCollate *)ast, expr_out);
    case AST_ROW:
        return bind__not_supported(b, ast->offset, "row values outside of comparisons");
    case AST_QUANTIFIED:
        return bind__quantified_array(b, scope, (const AstQuantified *)ast, expr_out);
    case AST_ARRAY:
        return bind__not_supported(b, ast->offset, "arrays");
    case AST_GROUPING_SET:
        return bind__not_supported(b, ast->offset, "grouping sets");
    case AST_OTHER:
        return bind__not_supported(b, ast->offset, "%s", ((const AstOther *)ast)->what);
    }
    UNREACHABLE("AST expression kind");
}

Status bind__expr(Binder *b, Scope *scope, const AstExpr *ast, const Expr **expr_out)
{
    *expr_out = NULL;
    TRY(bind__enter(b, ast->offset));
    TRY(bind_node(b, scope, ast, expr_out));
    bind__leave(b);
    return ST_OK;
}

Status bind__expr_known(Binder *b, Scope *scope, const AstExpr *ast, const Expr **expr_out)
{
    TRY(bind__expr(b, scope, ast, expr_out));
    return bind__coerce_unknown_to_text(b, *expr_out, expr_out);
}

Status bind__exprs(Binder *b, Scope *scope, AstExprs asts, const Expr ***exprs_out)
{
    *exprs_out = ARENA_ARRAY(b->arena, const Expr *, asts.count);
    for (uint32_t i = 0; i < asts.count; i++)
        TRY(bind__expr(b, scope, asts.items[i], &(*exprs_out)[i]));
    return ST_OK;
}
