/*
 * pg_to_ast_func.c -- function calls, windows, sort keys
 */
#include <string.h>

#include "sql/parser/pg_to_ast_internal.h"

/* PostgreSQL's frame option bits (nodes/parsenodes.h), which the protobuf tree has as a number. */
enum {
    FRAME_NONDEFAULT = 0x00001,
    FRAME_ROWS = 0x00004,
    FRAME_GROUPS = 0x00008,
    FRAME_START_UNBOUNDED_FOLLOWING = 0x00080,
    FRAME_END_UNBOUNDED_PRECEDING = 0x00040,
    FRAME_START_UNBOUNDED_PRECEDING = 0x00020,
    FRAME_END_UNBOUNDED_FOLLOWING = 0x00100,
    FRAME_START_CURRENT_ROW = 0x00200,
    FRAME_END_CURRENT_ROW = 0x00400,
    FRAME_START_PRECEDING = 0x00800,
    FRAME_END_PRECEDING = 0x01000,
    FRAME_START_FOLLOWING = 0x02000,
    FRAME_END_FOLLOWING = 0x04000,
    FRAME_EXCLUDE_CURRENT_ROW = 0x08000,
    FRAME_EXCLUDE_GROUP = 0x10000,
    FRAME_EXCLUDE_TIES = 0x20000
};

static AstBoundKind frame_start(int32_t options)
{
    return options & FRAME_START_UNBOUNDED_FOLLOWING ? AST_BOUND_UNBOUNDED_FOLLOWING
           : options & FRAME_START_CURRENT_ROW       ? AST_BOUND_CURRENT_ROW
           : options & FRAME_START_PRECEDING         ? AST_BOUND_PRECEDING
           : options & FRAME_START_FOLLOWING         ? AST_BOUND_FOLLOWING
                                                     : AST_BOUND_UNBOUNDED_PRECEDING;
}

static AstBoundKind frame_end(int32_t options)
{
    return options & FRAME_END_UNBOUNDED_PRECEDING   ? AST_BOUND_UNBOUNDED_PRECEDING
           : options & FRAME_END_UNBOUNDED_FOLLOWING ? AST_BOUND_UNBOUNDED_FOLLOWING
           : options & FRAME_END_PRECEDING           ? AST_BOUND_PRECEDING
           : options & FRAME_END_FOLLOWING           ? AST_BOUND_FOLLOWING
                                                     : AST_BOUND_CURRENT_ROW;
}

static AstExclusion frame_exclusion(int32_t options)
{
    return options & FRAME_EXCLUDE_CURRENT_ROW ? AST_EXCLUDE_CURRENT_ROW
           : options & FRAME_EXCLUDE_GROUP     ? AST_EXCLUDE_GROUP
           : options & FRAME_EXCLUDE_TIES      ? AST_EXCLUDE_TIES
                                               : AST_EXCLUDE_NOTHING;
}

Status pg__window(PgToAst *c, const PgQuery__WindowDef *window, AstWindow *out)
{
    int32_t options = window->frame_options;

    *out = (AstWindow){.name = pg__text(c, window->name),
                       .ref_name = pg__text(c, window->refname),
                       .has_frame = (options & FRAME_NONDEFAULT) != 0,
                       .unit = options & FRAME_ROWS     ? AST_FRAME_ROWS
                               : options & FRAME_GROUPS ? AST_FRAME_GROUPS
                                                        : AST_FRAME_RANGE,
                       .start = frame_start(options),
                       .end = frame_end(options),
                       .exclusion = frame_exclusion(options),
                       .offset = window->location};
    TRY(pg__exprs(c, window->n_partition_clause, window->partition_clause, &out->partition_by));
    TRY(pg__sort_keys(c, window->n_order_clause, window->order_clause, &out->order_by));
    TRY(pg__expr(c, window->start_offset, &out->start_offset));
    return pg__expr(c, window->end_offset, &out->end_offset);
}

static Status sort_key(PgToAst *c, const PgQuery__Node *node, AstSortKey *out)
{
    const PgQuery__SortBy *sort;

    if (node->node_case != PG_QUERY__NODE__NODE_SORT_BY)
        return pg__unexpected(c, "ORDER BY");
    sort = node->sort_by;
    TRY(pg__expr(c, sort->node, &out->expr));
    if (out->expr == NULL)
        return pg__unexpected(c, "ORDER BY");
    out->is_descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    out->has_nulls = sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
                     sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST;
    out->nulls_first = out->has_nulls
                           ? sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST
                           : out->is_descending;
    if (sort->n_use_op > 0)
        out->using_operator = pg__name(c, sort->n_use_op, sort->use_op, -1).name;
    /* the key's own place is that of the operator of USING, or none */
    out->offset = sort->location >= 0 ? sort->location : out->expr->offset;
    return ST_OK;
}

Status pg__sort_keys(PgToAst *c, size_t count, PgQuery__Node *const *nodes, AstSortKeys *out)
{
    AstSortKey *items = ARENA_ARRAY(c->arena, AstSortKey, count);

    *out = (AstSortKeys){.count = 0};
    for (size_t i = 0; i < count; i++)
        TRY(sort_key(c, nodes[i], &items[i]));
    *out = (AstSortKeys){.count = (uint32_t)count, .items = items};
    return ST_OK;
}

static Status arg(PgToAst *c, const PgQuery__Node *node, AstArg *out)
{
    bool is_named = node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR;

    if (is_named)
        out->name = pg__text(c, node->named_arg_expr->name);
    TRY(pg__expr(c, is_named ? node->named_arg_expr->arg : node, &out->expr));
    if (out->expr == NULL)
        return pg__unexpected(c, "an argument");
    out->offset = is_named ? node->named_arg_expr->location : out->expr->offset;
    return ST_OK;
}

static bool is_extract(const PgQuery__FuncCall *call)
{
    const char *name = call->n_funcname == 2 ? pg__node_string(call->funcname[1]) : NULL;

    return name != NULL && call->funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX &&
           strcmp(name, "extract") == 0 && call->n_args == 2 &&
           call->args[0]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
           call->args[0]->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
}

static Status extract(PgToAst *c, const PgQuery__FuncCall *call, const AstExpr **out)
{
    AstExtract *expr = PG_EXPR(c, AstExtract, AST_EXTRACT, call->location);

    expr->field = arena_strdup(c->arena, call->args[0]->a_const->sval->sval);
    TRY(pg__expr(c, call->args[1], &expr->arg));
    if (expr->arg == NULL)
        return pg__unexpected(c, "EXTRACT");
    *out = &expr->head;
    return ST_OK;
}

static Status over(PgToAst *c, const PgQuery__WindowDef *window, AstFunc *func)
{
    AstWindow *result;

    if (window == NULL)
        return ST_OK;
    result = ARENA_NEW(c->arena, AstWindow);
    func->over = result;
    return pg__window(c, window, result);
}

Status pg__func(PgToAst *c, const PgQuery__FuncCall *call, const AstExpr **out)
{
    AstFunc *func;
    AstArg *args;

    if (is_extract(call))
        return extract(c, call, out);
    func = PG_EXPR(c, AstFunc, AST_FUNC, call->location);
    func->name = pg__name(c, call->n_funcname, call->funcname, call->location);
    func->arg_count = (uint32_t)call->n_args;
    func->args = args = ARENA_ARRAY(c->arena, AstArg, call->n_args);
    for (size_t i = 0; i < call->n_args; i++)
        TRY(arg(c, call->args[i], &args[i]));
    TRY(pg__sort_keys(c, call->n_agg_order, call->agg_order, &func->order_by));
    TRY(pg__expr(c, call->agg_filter, &func->filter));
    TRY(over(c, call->over, func));
    func->is_star = call->agg_star;
    func->is_distinct = call->agg_distinct;
    func->is_variadic = call->func_variadic;
    func->is_within_group = call->agg_within_group;
    func->is_syntax = call->funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX;
    *out = &func->head;
    return ST_OK;
}

static const char *value_function_name(PgQuery__SQLValueFunctionOp op)
{
    switch (op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
        return "current_date";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
        return "current_time";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
        return "current_timestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
        return "localtime";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
        return "localtimestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
        return "current_role";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
        return "current_user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
        return "user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
        return "session_user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
        return "current_catalog";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
        return "current_schema";
    default:
        return NULL;
    }
}

static bool has_precision(PgQuery__SQLValueFunctionOp op)
{
    return op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N ||
           op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N ||
           op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N ||
           op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N;
}

Status pg__value_function(PgToAst *c, const PgQuery__SQLValueFunction *function,
                          const AstExpr **out)
{
    AstFunc *func = PG_EXPR(c, AstFunc, AST_FUNC, function->location);

    func->name = (AstName){.name = value_function_name(function->op), .offset = function->location};
    if (func->name.name == NULL)
        return pg__unexpected(c, "a function without brackets");
    func->is_syntax = true;
    if (has_precision(function->op)) {
        AstConst *precision = PG_EXPR(c, AstConst, AST_CONST, function->location);
        AstArg *args = ARENA_NEW(c->arena, AstArg);

        precision->const_kind = AST_CONST_INTEGER;
        precision->integer = function->typmod;
        *args = (AstArg){.expr = &precision->head, .offset = function->location};
        func->args = args;
        func->arg_count = 1;
    }
    *out = &func->head;
    return ST_OK;
}
