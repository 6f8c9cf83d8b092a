/*
 * ast_print_from.c -- the items of FROM as text
 */
#include "sql/parser/ast_print_internal.h"
#include "sql/parser/sql_keywords.h"

static void print_alias(StrBuf *buf, const AstAlias *alias)
{
    if (alias->name != NULL) {
        strbuf_puts(buf, " AS ");
        sql_add_name(buf, alias->name);
    }
    print__bracketed_names(buf, &alias->columns);
}

static void print_table(StrBuf *buf, const AstFromTable *table)
{
    strbuf_puts(buf, table->is_only ? "ONLY " : "");
    print__name(buf, &table->name);
    print_alias(buf, &table->head.alias);
    if (table->sample != NULL)
        strbuf_printf(buf, " TABLESAMPLE %s (?)", table->sample);
}

static void print_subquery(StrBuf *buf, const AstFromSubquery *subquery)
{
    strbuf_puts(buf, subquery->is_lateral ? "LATERAL (" : "(");
    print__select(buf, subquery->select);
    strbuf_putc(buf, ')');
    print_alias(buf, &subquery->head.alias);
}

static void print_function(StrBuf *buf, const AstFromFunction *function)
{
    strbuf_puts(buf, function->is_lateral ? "LATERAL " : "");
    strbuf_puts(buf, function->is_rows_from ? "ROWS FROM (" : "");
    print__exprs(buf, &function->calls);
    strbuf_puts(buf, function->is_rows_from ? ")" : "");
    strbuf_puts(buf, function->has_ordinality ? " WITH ORDINALITY" : "");
    print_alias(buf, &function->head.alias);
}

static void print_join_right(StrBuf *buf, const AstFrom *right)
{
    bool needs_brackets = ast_from_as_join(right) != NULL && right->alias.name == NULL;

    strbuf_puts(buf, needs_brackets ? "(" : "");
    print__from(buf, right);
    strbuf_puts(buf, needs_brackets ? ")" : "");
}

static void print_join(StrBuf *buf, const AstFromJoin *join)
{
    static const char *const words[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN",
                                        "CROSS JOIN"};

    strbuf_puts(buf, join->head.alias.name != NULL ? "(" : "");
    print__from(buf, join->left);
    strbuf_printf(buf, "%s %s ", join->is_natural ? " NATURAL" : "", words[join->join]);
    print_join_right(buf, join->right);
    if (join->using_columns.count > 0) {
        strbuf_puts(buf, " USING");
        print__bracketed_names(buf, &join->using_columns);
    }
    if (join->using_alias != NULL) {
        strbuf_puts(buf, " AS ");
        sql_add_name(buf, join->using_alias);
    }
    if (join->on != NULL) {
        strbuf_puts(buf, " ON ");
        print__expr(buf, join->on);
    }
    if (join->head.alias.name != NULL) {
        strbuf_putc(buf, ')');
        print_alias(buf, &join->head.alias);
    }
}

void print__from(StrBuf *buf, const AstFrom *item)
{
    switch (item->kind) {
    case AST_FROM_TABLE:
        print_table(buf, ast_from_as_table(item));
        break;
    case AST_FROM_SUBQUERY:
        print_subquery(buf, ast_from_as_subquery(item));
        break;
    case AST_FROM_FUNCTION:
        print_function(buf, ast_from_as_function(item));
        break;
    case AST_FROM_JOIN:
        print_join(buf, ast_from_as_join(item));
        break;
    }
}
