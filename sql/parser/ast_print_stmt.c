/*
 * ast_print_stmt.c -- statements as text
 */
#include "sql/parser/ast_print_internal.h"
#include "sql/parser/sql_keywords.h"

static void print_statement(StrBuf *buf, const AstStatement *statement);

static void print_option(StrBuf *buf, const AstOption *option, const char *between)
{
    sql_add_name(buf, option->name);
    if (option->value != NULL) {
        strbuf_puts(buf, between);
        sql_add_string(buf, option->value);
    }
    if (option->list.count == 1 && option->list.items[0][0] == '*')
        strbuf_puts(buf, " *");
    else
        print__bracketed_names(buf, &option->list);
}

/* " WITH (a = 'b')", or with brackets alone as in EXPLAIN (a 'b'). */
static void print_options(StrBuf *buf, const AstOptions *options, const char *before,
                          const char *between)
{
    if (options->count == 0)
        return;
    strbuf_printf(buf, "%s (", before);
    for (uint32_t i = 0; i < options->count; i++) {
        strbuf_puts(buf, i == 0 ? "" : ", ");
        print_option(buf, &options->items[i], between);
    }
    strbuf_putc(buf, ')');
}

static void print_create_view(StrBuf *buf, const AstCreateView *view)
{
    strbuf_printf(buf, "CREATE %s%s%sVIEW ", view->is_replace ? "OR REPLACE " : "",
                  view->is_temporary ? "TEMPORARY " : "", view->is_recursive ? "RECURSIVE " : "");
    print__name(buf, &view->name);
    print__bracketed_names(buf, &view->columns);
    print_options(buf, &view->options, " WITH", " = ");
    strbuf_puts(buf, " AS ");
    if (view->is_recursive)
        strbuf_puts(buf, view->select_text);
    else
        print__select(buf, view->select);
}

static void print_create_table_as(StrBuf *buf, const AstCreateTableAs *create)
{
    strbuf_printf(buf, "CREATE %s%s %s", create->is_temporary ? "TEMPORARY " : "",
                  create->is_materialized_view ? "MATERIALIZED VIEW" : "TABLE",
                  create->if_not_exists ? "IF NOT EXISTS " : "");
    print__name(buf, &create->name);
    print__bracketed_names(buf, &create->columns);
    if (create->access_method != NULL) {
        strbuf_puts(buf, " USING ");
        sql_add_name(buf, create->access_method);
    }
    print_options(buf, &create->options, " WITH", " = ");
    strbuf_puts(buf, " AS ");
    if (create->select != NULL)
        print__select(buf, create->select);
    else
        strbuf_puts(buf, "<EXECUTE>");
    strbuf_puts(buf, create->with_no_data ? " WITH NO DATA" : "");
}

static void print_drop(StrBuf *buf, const AstDrop *drop)
{
    strbuf_printf(buf, "DROP %s %s", drop->is_view ? "VIEW" : "TABLE",
                  drop->if_exists ? "IF EXISTS " : "");
    for (uint32_t i = 0; i < drop->name_count; i++) {
        strbuf_puts(buf, i == 0 ? "" : ", ");
        print__name(buf, &drop->names[i]);
    }
    strbuf_puts(buf, drop->is_cascade ? " CASCADE" : "");
}

static void print_copy_end(StrBuf *buf, const AstCopy *copy)
{
    strbuf_puts(buf, copy->is_from ? " FROM " : " TO ");
    strbuf_puts(buf, copy->is_program ? "PROGRAM " : "");
    if (copy->path != NULL)
        sql_add_string(buf, copy->path);
    else
        strbuf_puts(buf, copy->is_from ? "STDIN" : "STDOUT");
    print_options(buf, &copy->options, "", " ");
    if (copy->where != NULL) {
        strbuf_puts(buf, " WHERE ");
        print__expr(buf, copy->where);
    }
}

static void print_copy(StrBuf *buf, const AstCopy *copy)
{
    strbuf_puts(buf, "COPY ");
    if (copy->table.name != NULL) {
        print__name(buf, &copy->table);
        print__bracketed_names(buf, &copy->columns);
    } else {
        strbuf_putc(buf, '(');
        if (copy->select != NULL)
            print__select(buf, copy->select);
        strbuf_putc(buf, ')');
    }
    print_copy_end(buf, copy);
}

static void print_explain(StrBuf *buf, const AstExplain *explain)
{
    strbuf_puts(buf, "EXPLAIN");
    print_options(buf, &explain->options, "", " ");
    strbuf_putc(buf, ' ');
    print_statement(buf, explain->statement);
}

static void print_set(StrBuf *buf, const AstSet *set)
{
    if (set->set == AST_SET_RESET_ALL) {
        strbuf_puts(buf, "RESET ALL");
        return;
    }
    strbuf_puts(buf, set->set == AST_SET_RESET ? "RESET " : "SET ");
    strbuf_puts(buf, set->is_local ? "LOCAL " : "");
    strbuf_puts(buf, set->name);
    if (set->set == AST_SET_DEFAULT)
        strbuf_puts(buf, " TO DEFAULT");
    for (uint32_t i = 0; i < set->values.count; i++) {
        strbuf_puts(buf, i == 0 ? " = " : ", ");
        sql_add_string(buf, set->values.items[i]);
    }
}

static void print_statement(StrBuf *buf, const AstStatement *statement)
{
    switch (statement->kind) {
    case AST_STMT_SELECT:
        print__select(buf, ast_stmt_as_select(statement)->select);
        break;
    case AST_STMT_CREATE_VIEW:
        print_create_view(buf, ast_stmt_as_create_view(statement));
        break;
    case AST_STMT_CREATE_TABLE_AS:
        print_create_table_as(buf, ast_stmt_as_create_table_as(statement));
        break;
    case AST_STMT_DROP:
        print_drop(buf, ast_stmt_as_drop(statement));
        break;
    case AST_STMT_COPY:
        print_copy(buf, ast_stmt_as_copy(statement));
        break;
    case AST_STMT_EXPLAIN:
        print_explain(buf, ast_stmt_as_explain(statement));
        break;
    case AST_STMT_SET:
        print_set(buf, ast_stmt_as_set(statement));
        break;
    case AST_STMT_SHOW:
        strbuf_puts(buf, "SHOW ");
        strbuf_puts(buf, ast_stmt_as_show(statement)->name);
        break;
    case AST_STMT_TRANSACTION:
        strbuf_puts(buf, ast_stmt_as_transaction(statement)->tag);
        break;
    case AST_STMT_OTHER:
        strbuf_printf(buf, "<%s>", ast_stmt_as_other(statement)->what);
        break;
    }
}

const char *ast_print_statement(Arena *arena, const AstStatement *statement)
{
    StrBuf buf = {.arena = arena};

    print_statement(&buf, statement);
    return strbuf_text(&buf);
}
