/*
 * pg_to_ast_from.c -- the items of FROM: tables, subqueries, functions, joins
 */
#include <string.h>

#include "sql/parser/pg_to_ast_internal.h"
#include "sql/parser/sql_lexer.h"

enum { PG_NAME_BYTES_MAX = 63, MB_BYTES_MAX = 4 };

static Status from_item(PgToAst *c, const PgQuery__Node *node, const AstFrom **out);

static AstFrom head(PgToAst *c, AstFromKind kind, int32_t offset, const PgQuery__Alias *alias)
{
    return (AstFrom){.kind = kind, .offset = offset, .alias = pg__alias(c, alias)};
}

/* The grammar cuts names to PG_NAME_BYTES_MAX; paths of files are longer: the whole name is in the
 * text. NULL: it is no quoted name. */
static const char *uncut_name(PgToAst *c, int32_t offset)
{
    SqlLexer lexer = {.text = c->text, .bytes = c->bytes, .at = (size_t)offset};
    SqlToken token = sql_lexer_next(&lexer);
    char *name;
    size_t length = 0;

    if (token.kind != SQL_TOKEN_QUOTED_NAME || token.is_unterminated || c->text[token.start] != '"')
        return NULL;
    name = arena_alloc(c->arena, token.end - token.start);
    for (size_t i = token.start + 1; i + 1 < token.end; i++) {
        name[length++] = c->text[i];
        i += c->text[i] == '"';
    }
    return name;
}

static AstFromTable *table(PgToAst *c, const PgQuery__RangeVar *var)
{
    AstFromTable *item = ARENA_NEW(c->arena, AstFromTable);
    const char *uncut = NULL;

    item->head = head(c, AST_FROM_TABLE, var->location, var->alias);
    item->name = pg__range_var_name(c, var);
    if (item->name.schema == NULL && var->location >= 0 && (size_t)var->location < c->bytes &&
        strlen(item->name.name) + MB_BYTES_MAX > PG_NAME_BYTES_MAX)
        uncut = uncut_name(c, var->location);
    if (uncut != NULL)
        item->name.name = uncut;
    item->is_only = !var->inh;
    return item;
}

static Status sample(PgToAst *c, const PgQuery__RangeTableSample *sample_node, const AstFrom **out)
{
    AstFromTable *item;

    if (sample_node->relation == NULL ||
        sample_node->relation->node_case != PG_QUERY__NODE__NODE_RANGE_VAR)
        return pg__not_supported(c, sample_node->location, "TABLESAMPLE of anything but a table");
    item = table(c, sample_node->relation->range_var);
    item->sample = pg__name(c, sample_node->n_method, sample_node->method, -1).name;
    *out = &item->head;
    return ST_OK;
}

static Status subquery(PgToAst *c, const PgQuery__RangeSubselect *sub, const AstFrom **out)
{
    AstFromSubquery *item = ARENA_NEW(c->arena, AstFromSubquery);

    if (sub->subquery == NULL)
        return pg__unexpected(c, "FROM");
    TRY(pg__select_node(c, sub->subquery, &item->select));
    item->head = head(c, AST_FROM_SUBQUERY, item->select->offset, sub->alias);
    item->is_lateral = sub->lateral;
    *out = &item->head;
    return ST_OK;
}

/* AS t (a int, b text): the names go to the alias. */
static AstNames column_definitions(PgToAst *c, const PgQuery__RangeFunction *function)
{
    const char **items = ARENA_ARRAY(c->arena, const char *, function->n_coldeflist);
    uint32_t count = 0;

    for (size_t i = 0; i < function->n_coldeflist; i++)
        if (function->coldeflist[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF)
            items[count++] = arena_strdup(c->arena, function->coldeflist[i]->column_def->colname);
    return (AstNames){.count = count, .items = items};
}

/* functions is a list of lists {call, column definitions of ROWS FROM}. */
static Status function_calls(PgToAst *c, const PgQuery__RangeFunction *function,
                             AstFromFunction *item)
{
    const AstExpr **calls = ARENA_ARRAY(c->arena, const AstExpr *, function->n_functions);

    for (size_t i = 0; i < function->n_functions; i++) {
        const PgQuery__Node *node = function->functions[i];

        if (node->node_case != PG_QUERY__NODE__NODE_LIST || node->list->n_items == 0)
            return pg__unexpected(c, "FROM");
        TRY(pg__expr(c, node->list->items[0], &calls[i]));
        if (calls[i] == NULL)
            return pg__unexpected(c, "FROM");
        if (node->list->n_items > 1 &&
            node->list->items[1]->node_case != PG_QUERY__NODE__NODE__NOT_SET)
            item->has_column_types = true;
    }
    item->calls = (AstExprs){.count = (uint32_t)function->n_functions, .items = calls};
    return ST_OK;
}

static Status function(PgToAst *c, const PgQuery__RangeFunction *range, const AstFrom **out)
{
    AstFromFunction *item = ARENA_NEW(c->arena, AstFromFunction);

    TRY(function_calls(c, range, item));
    if (item->calls.count == 0)
        return pg__unexpected(c, "FROM");
    item->head = head(c, AST_FROM_FUNCTION, item->calls.items[0]->offset, range->alias);
    item->is_rows_from = range->is_rowsfrom;
    item->is_lateral = range->lateral;
    item->has_ordinality = range->ordinality;
    if (range->n_coldeflist > 0) {
        item->has_column_types = true;
        item->head.alias.columns = column_definitions(c, range);
    }
    *out = &item->head;
    return ST_OK;
}

static AstJoinKind join_kind(const PgQuery__JoinExpr *join)
{
    switch (join->jointype) {
    case PG_QUERY__JOIN_TYPE__JOIN_LEFT:
        return AST_JOIN_LEFT;
    case PG_QUERY__JOIN_TYPE__JOIN_RIGHT:
        return AST_JOIN_RIGHT;
    case PG_QUERY__JOIN_TYPE__JOIN_FULL:
        return AST_JOIN_FULL;
    default:
        return join->quals == NULL && join->n_using_clause == 0 && !join->is_natural
                   ? AST_JOIN_CROSS
                   : AST_JOIN_INNER;
    }
}

static Status join(PgToAst *c, const PgQuery__JoinExpr *join_expr, const AstFrom **out)
{
    AstFromJoin *item = ARENA_NEW(c->arena, AstFromJoin);

    if (join_expr->larg == NULL || join_expr->rarg == NULL)
        return pg__unexpected(c, "JOIN");
    TRY(from_item(c, join_expr->larg, &item->left));
    TRY(from_item(c, join_expr->rarg, &item->right));
    TRY(pg__expr(c, join_expr->quals, &item->on));
    item->head = head(c, AST_FROM_JOIN, item->left->offset, join_expr->alias);
    item->join = join_kind(join_expr);
    item->is_natural = join_expr->is_natural;
    item->using_columns = pg__names(c, join_expr->n_using_clause, join_expr->using_clause);
    if (join_expr->join_using_alias != NULL)
        item->using_alias = pg__text(c, join_expr->join_using_alias->aliasname);
    *out = &item->head;
    return ST_OK;
}

static Status convert(PgToAst *c, const PgQuery__Node *node, const AstFrom **out)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        *out = &table(c, node->range_var)->head;
        return ST_OK;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        return subquery(c, node->range_subselect, out);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        return function(c, node->range_function, out);
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
        return join(c, node->join_expr, out);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
        return sample(c, node->range_table_sample, out);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC:
        return pg__not_supported(c, node->range_table_func->location, "XMLTABLE");
    default:
        return pg__not_supported(c, -1, "this kind of FROM item");
    }
}

static Status from_item(PgToAst *c, const PgQuery__Node *node, const AstFrom **out)
{
    *out = NULL;
    TRY(pg__enter(c, -1));
    TRY(convert(c, node, out));
    pg__leave(c);
    return ST_OK;
}

Status pg__froms(PgToAst *c, size_t count, PgQuery__Node *const *nodes, AstFroms *out)
{
    const AstFrom **items = ARENA_ARRAY(c->arena, const AstFrom *, count);

    *out = (AstFroms){.count = 0};
    for (size_t i = 0; i < count; i++)
        TRY(from_item(c, nodes[i], &items[i]));
    *out = (AstFroms){.count = (uint32_t)count, .items = items};
    return ST_OK;
}
