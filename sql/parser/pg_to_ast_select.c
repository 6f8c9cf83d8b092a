/*
 * pg_to_ast_select.c -- SELECT, VALUES and set operations with all their clauses
 */
#include "sql/parser/pg_to_ast_internal.h"

static const char *query_word(PgQuery__Node__NodeCase node_case)
{
    switch (node_case) {
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        return "INSERT";
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        return "UPDATE";
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        return "DELETE";
    default:
        return "this kind of statement in WITH";
    }
}

static Status cte(PgToAst *c, const PgQuery__Node *node, AstCte *out)
{
    const PgQuery__CommonTableExpr *expr;

    if (node->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR ||
        node->common_table_expr->ctequery == NULL)
        return pg__unexpected(c, "WITH");
    expr = node->common_table_expr;
    *out =
        (AstCte){.name = arena_strdup(c->arena, expr->ctename),
                 .columns = pg__names(c, expr->n_aliascolnames, expr->aliascolnames),
                 .has_search_or_cycle = expr->search_clause != NULL || expr->cycle_clause != NULL,
                 .offset = expr->location};
    if (expr->ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways)
        out->materialize = AST_MATERIALIZE_ALWAYS;
    else if (expr->ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeNever)
        out->materialize = AST_MATERIALIZE_NEVER;
    if (expr->ctequery->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
        return pg__select_node(c, expr->ctequery, &out->select);
    out->other = query_word(expr->ctequery->node_case);
    return ST_OK;
}

static Status with(PgToAst *c, const PgQuery__WithClause *clause, const AstWith **out)
{
    AstWith *result;
    AstCte *ctes;

    if (clause == NULL)
        return ST_OK;
    result = ARENA_NEW(c->arena, AstWith);
    ctes = ARENA_ARRAY(c->arena, AstCte, clause->n_ctes);
    for (size_t i = 0; i < clause->n_ctes; i++)
        TRY(cte(c, clause->ctes[i], &ctes[i]));
    *result = (AstWith){.is_recursive = clause->recursive,
                        .cte_count = (uint32_t)clause->n_ctes,
                        .ctes = ctes,
                        .offset = clause->location};
    *out = result;
    return ST_OK;
}

static Status targets(PgToAst *c, const PgQuery__SelectStmt *select, AstSelect *out)
{
    AstTarget *items = ARENA_ARRAY(c->arena, AstTarget, select->n_target_list);

    for (size_t i = 0; i < select->n_target_list; i++) {
        const PgQuery__Node *node = select->target_list[i];

        if (node->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
            return pg__unexpected(c, "the select list");
        items[i].name = pg__text(c, node->res_target->name);
        items[i].offset = node->res_target->location;
        TRY(pg__expr(c, node->res_target->val, &items[i].expr));
        if (items[i].expr == NULL)
            return pg__unexpected(c, "the select list");
    }
    out->targets = items;
    out->target_count = (uint32_t)select->n_target_list;
    return ST_OK;
}

/* A plain DISTINCT is a list of one empty node. */
static Status distinct(PgToAst *c, const PgQuery__SelectStmt *select, AstSelect *out)
{
    if (select->n_distinct_clause == 0)
        return ST_OK;
    if (select->distinct_clause[0]->node_case == PG_QUERY__NODE__NODE__NOT_SET) {
        out->distinct = AST_DISTINCT_ALL;
        return ST_OK;
    }
    out->distinct = AST_DISTINCT_ON;
    return pg__exprs(c, select->n_distinct_clause, select->distinct_clause, &out->distinct_on);
}

static Status windows(PgToAst *c, const PgQuery__SelectStmt *select, AstSelect *out)
{
    AstWindow *items = ARENA_ARRAY(c->arena, AstWindow, select->n_window_clause);

    for (size_t i = 0; i < select->n_window_clause; i++) {
        if (select->window_clause[i]->node_case != PG_QUERY__NODE__NODE_WINDOW_DEF)
            return pg__unexpected(c, "WINDOW");
        TRY(pg__window(c, select->window_clause[i]->window_def, &items[i]));
    }
    out->windows = items;
    out->window_count = (uint32_t)select->n_window_clause;
    return ST_OK;
}

static Status plain(PgToAst *c, const PgQuery__SelectStmt *select, AstSelect *out)
{
    out->kind = AST_SELECT_PLAIN;
    TRY(distinct(c, select, out));
    TRY(targets(c, select, out));
    TRY(pg__froms(c, select->n_from_clause, select->from_clause, &out->from));
    TRY(pg__expr(c, select->where_clause, &out->where));
    TRY(pg__exprs(c, select->n_group_clause, select->group_clause, &out->group_by));
    out->group_distinct = select->group_distinct;
    TRY(pg__expr(c, select->having_clause, &out->having));
    return windows(c, select, out);
}

static Status values(PgToAst *c, const PgQuery__SelectStmt *select, AstSelect *out)
{
    AstExprs *rows = ARENA_ARRAY(c->arena, AstExprs, select->n_values_lists);

    for (size_t i = 0; i < select->n_values_lists; i++) {
        const PgQuery__Node *node = select->values_lists[i];

        if (node->node_case != PG_QUERY__NODE__NODE_LIST)
            return pg__unexpected(c, "VALUES");
        TRY(pg__exprs(c, node->list->n_items, node->list->items, &rows[i]));
    }
    out->kind = AST_SELECT_VALUES;
    out->rows = rows;
    out->row_count = (uint32_t)select->n_values_lists;
    return ST_OK;
}

static Status setop(PgToAst *c, const PgQuery__SelectStmt *select, AstSelect *out)
{
    if (select->larg == NULL || select->rarg == NULL)
        return pg__unexpected(c, "a set operation");
    out->kind = AST_SELECT_SETOP;
    out->setop = select->op == PG_QUERY__SET_OPERATION__SETOP_UNION       ? AST_SETOP_UNION
                 : select->op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? AST_SETOP_INTERSECT
                                                                          : AST_SETOP_EXCEPT;
    out->setop_all = select->all;
    TRY(pg__select(c, select->larg, &out->left));
    return pg__select(c, select->rarg, &out->right);
}

static const char *locking_words(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_LOCKING_CLAUSE)
        return "FOR UPDATE";
    switch (node->locking_clause->strength) {
    case PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORKEYSHARE:
        return "FOR KEY SHARE";
    case PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORSHARE:
        return "FOR SHARE";
    case PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORNOKEYUPDATE:
        return "FOR NO KEY UPDATE";
    default:
        return "FOR UPDATE";
    }
}

static Status order_and_limit(PgToAst *c, const PgQuery__SelectStmt *select, AstSelect *out)
{
    TRY(pg__sort_keys(c, select->n_sort_clause, select->sort_clause, &out->order_by));
    TRY(pg__expr(c, select->limit_count, &out->limit));
    TRY(pg__expr(c, select->limit_offset, &out->limit_offset));
    out->limit_with_ties = select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
    if (select->n_locking_clause > 0)
        out->locking = locking_words(select->locking_clause[0]);
    return ST_OK;
}

/* The tree has no place for SELECT itself: that of the first thing in it which has one. */
static int32_t first_offset(const AstSelect *select)
{
    if (select->with != NULL && select->with->offset >= 0)
        return select->with->offset;
    if (select->kind == AST_SELECT_SETOP)
        return select->left->offset;
    if (select->kind == AST_SELECT_VALUES)
        return select->row_count > 0 && select->rows[0].count > 0 ? select->rows[0].items[0]->offset
                                                                  : -1;
    if (select->target_count > 0)
        return select->targets[0].offset;
    return select->from.count > 0 ? select->from.items[0]->offset : -1;
}

Status pg__select(PgToAst *c, const PgQuery__SelectStmt *select, const AstSelect **out)
{
    AstSelect *result = ARENA_NEW(c->arena, AstSelect);

    *out = NULL;
    TRY(pg__enter(c, -1));
    if (select->into_clause != NULL)
        return pg__not_supported(
            c, select->into_clause->rel == NULL ? -1 : select->into_clause->rel->location,
            "SELECT INTO (use CREATE TABLE AS)");
    TRY(with(c, select->with_clause, &result->with));
    if (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE &&
        select->op != PG_QUERY__SET_OPERATION__SET_OPERATION_UNDEFINED)
        TRY(setop(c, select, result));
    else if (select->n_values_lists > 0)
        TRY(values(c, select, result));
    else
        TRY(plain(c, select, result));
    TRY(order_and_limit(c, select, result));
    result->offset = first_offset(result);
    pg__leave(c);
    *out = result;
    return ST_OK;
}

Status pg__select_node(PgToAst *c, const PgQuery__Node *node, const AstSelect **out)
{
    *out = NULL;
    if (node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return pg__unexpected(c, "a query");
    return pg__select(c, node->select_stmt, out);
}
