/*
 * pg_to_ast_op.c -- PostgreSQL's A_Expr: operators, IN lists, BETWEEN, LIKE, DISTINCT, NULLIF
 */
#include <string.h>

#include "sql/parser/pg_to_ast_internal.h"

/* "!=" is "<>" already; NOT IN, NOT LIKE and the like differ from the plain form in the name. */
static bool op_is(const PgQuery__AExpr *expr, const char *name)
{
    const char *last = expr->n_name == 0 ? NULL : pg__node_string(expr->name[expr->n_name - 1]);

    return last != NULL && strcmp(last, name) == 0;
}

static Status operator(PgToAst *c, const PgQuery__AExpr *a, const AstExpr **out)
{
    AstOp *expr = PG_EXPR(c, AstOp, AST_OP, a->location);

    expr->op = pg__name(c, a->n_name, a->name, a->location);
    TRY(pg__expr(c, a->lexpr, &expr->left));
    TRY(pg__expr(c, a->rexpr, &expr->right));
    if (expr->right == NULL)
        return pg__unexpected(c, "an operator");
    *out = &expr->head;
    return ST_OK;
}

static Status quantified(PgToAst *c, const PgQuery__AExpr *a, bool is_all, const AstExpr **out)
{
    AstQuantified *expr = PG_EXPR(c, AstQuantified, AST_QUANTIFIED, a->location);

    expr->op = pg__name(c, a->n_name, a->name, a->location);
    expr->is_all = is_all;
    TRY(pg__expr(c, a->lexpr, &expr->arg));
    TRY(pg__expr(c, a->rexpr, &expr->array));
    if (expr->arg == NULL || expr->array == NULL)
        return pg__unexpected(c, "ANY or ALL");
    *out = &expr->head;
    return ST_OK;
}

static Status is_distinct(PgToAst *c, const PgQuery__AExpr *a, bool is_negated, const AstExpr **out)
{
    AstIsDistinct *expr = PG_EXPR(c, AstIsDistinct, AST_IS_DISTINCT, a->location);

    expr->is_negated = is_negated;
    TRY(pg__expr(c, a->lexpr, &expr->left));
    TRY(pg__expr(c, a->rexpr, &expr->right));
    if (expr->left == NULL || expr->right == NULL)
        return pg__unexpected(c, "IS DISTINCT FROM");
    *out = &expr->head;
    return ST_OK;
}

static Status nullif(PgToAst *c, const PgQuery__AExpr *a, const AstExpr **out)
{
    AstChoice *expr = PG_EXPR(c, AstChoice, AST_CHOICE, a->location);
    PgQuery__Node *args[2] = {a->lexpr, a->rexpr};

    if (args[0] == NULL || args[1] == NULL)
        return pg__unexpected(c, "NULLIF");
    expr->choice = AST_CHOICE_NULLIF;
    TRY(pg__exprs(c, 2, args, &expr->args));
    *out = &expr->head;
    return ST_OK;
}

static bool is_list(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_LIST;
}

static Status in_list(PgToAst *c, const PgQuery__AExpr *a, const AstExpr **out)
{
    AstInList *expr = PG_EXPR(c, AstInList, AST_IN_LIST, a->location);

    if (!is_list(a->rexpr))
        return pg__unexpected(c, "IN");
    expr->is_negated = op_is(a, "<>");
    TRY(pg__expr(c, a->lexpr, &expr->arg));
    if (expr->arg == NULL)
        return pg__unexpected(c, "IN");
    TRY(pg__exprs(c, a->rexpr->list->n_items, a->rexpr->list->items, &expr->items));
    *out = &expr->head;
    return ST_OK;
}

static Status between(PgToAst *c, const PgQuery__AExpr *a, bool is_symmetric, bool is_negated,
                      const AstExpr **out)
{
    AstBetween *expr = PG_EXPR(c, AstBetween, AST_BETWEEN, a->location);

    if (!is_list(a->rexpr) || a->rexpr->list->n_items != 2)
        return pg__unexpected(c, "BETWEEN");
    expr->is_symmetric = is_symmetric;
    expr->is_negated = is_negated;
    TRY(pg__expr(c, a->lexpr, &expr->arg));
    TRY(pg__expr(c, a->rexpr->list->items[0], &expr->low));
    TRY(pg__expr(c, a->rexpr->list->items[1], &expr->high));
    if (expr->arg == NULL || expr->low == NULL || expr->high == NULL)
        return pg__unexpected(c, "BETWEEN");
    *out = &expr->head;
    return ST_OK;
}

/* The call like_escape(pattern, escape) or similar_to_escape(pattern[, escape]) that the grammar
 * makes around a pattern, or NULL. */
static const PgQuery__FuncCall *escape_call(const PgQuery__Node *node)
{
    const PgQuery__FuncCall *call;
    const char *name;

    if (node == NULL || node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL)
        return NULL;
    call = node->func_call;
    if (call->n_funcname != 2 || call->n_args < 1 || call->n_args > 2)
        return NULL;
    name = pg__node_string(call->funcname[0]);
    if (name == NULL || strcmp(name, "pg_catalog") != 0)
        return NULL;
    name = pg__node_string(call->funcname[1]);
    if (name == NULL ||
        (strcmp(name, "like_escape") != 0 && strcmp(name, "similar_to_escape") != 0))
        return NULL;
    return call;
}

static Status like(PgToAst *c, const PgQuery__AExpr *a, AstLikeKind kind, const AstExpr **out)
{
    AstLike *expr = PG_EXPR(c, AstLike, AST_LIKE, a->location);
    const PgQuery__FuncCall *call = escape_call(a->rexpr);

    expr->like = kind;
    expr->is_negated = op_is(a, "!~~") || op_is(a, "!~~*") || op_is(a, "!~");
    TRY(pg__expr(c, a->lexpr, &expr->arg));
    TRY(pg__expr(c, call == NULL ? a->rexpr : call->args[0], &expr->pattern));
    if (call != NULL && call->n_args == 2)
        TRY(pg__expr(c, call->args[1], &expr->escape));
    if (expr->arg == NULL || expr->pattern == NULL)
        return pg__unexpected(c, "LIKE");
    *out = &expr->head;
    return ST_OK;
}

Status pg__a_expr(PgToAst *c, const PgQuery__AExpr *expr, const AstExpr **out)
{
    switch (expr->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        return operator(c, expr, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
        return quantified(c, expr, false, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
        return quantified(c, expr, true, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        return is_distinct(c, expr, false, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        return is_distinct(c, expr, true, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        return nullif(c, expr, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        return in_list(c, expr, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
        return like(c, expr, AST_LIKE_LIKE, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
        return like(c, expr, AST_LIKE_ILIKE, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
        return like(c, expr, AST_LIKE_SIMILAR, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
        return between(c, expr, false, false, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
        return between(c, expr, false, true, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
        return between(c, expr, true, false, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
        return between(c, expr, true, true, out);
    default:
        return pg__unexpected(c, "an operator");
    }
}
