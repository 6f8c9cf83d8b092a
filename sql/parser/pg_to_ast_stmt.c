/*
 * pg_to_ast_stmt.c -- statements: one small function a kind, pg__statement chooses
 */
#include <ctype.h>
#include <string.h>

#include "core/base/str.h"
#include "sql/parser/explain_copy.h"
#include "sql/parser/pg_to_ast_internal.h"

/* Makes a zeroed Struct with its head's kind set; pg__statement fills the rest of the head. */
#define NEW_STMT(c, Struct, KIND) ((Struct *)new_statement((c), sizeof(Struct), KIND))

/* A statement's place in the text, without surrounding space. */
typedef struct Source {
    size_t start;
    size_t end;
} Source;

static void *new_statement(PgToAst *c, size_t struct_bytes, AstStmtKind kind)
{
    AstStatement *head = arena_alloc(c->arena, struct_bytes);

    head->kind = kind;
    return head;
}

static SqlLexer source_lexer(const PgToAst *c, Source source)
{
    return (SqlLexer){.text = c->text, .bytes = source.end, .at = source.start};
}

/* Moves past the first `word` outside brackets. False: there is none. */
static bool skip_past_word(SqlLexer *lexer, const char *word)
{
    SqlToken token = sql_lexer_next(lexer);
    uint32_t depth = 0;

    while (token.kind != SQL_TOKEN_END) {
        if (sql_token_is_char(lexer, token, '('))
            depth++;
        else if (sql_token_is_char(lexer, token, ')'))
            depth--;
        else if (depth == 0 && sql_token_is(lexer, token, word))
            return true;
        token = sql_lexer_next(lexer);
    }
    return false;
}

static bool has_word(const PgToAst *c, Source source, const char *word)
{
    SqlLexer lexer = source_lexer(c, source);

    return skip_past_word(&lexer, word);
}

/* CREATE VIEW v AS q: where q starts. */
static size_t view_query_start(const PgToAst *c, Source source)
{
    SqlLexer lexer = source_lexer(c, source);

    return skip_past_word(&lexer, "as") ? sql_lexer_next(&lexer).start : source.end;
}

static bool is_temporary(const PgQuery__RangeVar *var)
{
    return strcmp(var->relpersistence, "t") == 0;
}

static Status select_statement(PgToAst *c, const PgQuery__SelectStmt *select, AstStatement **out)
{
    AstSelectStmt *stmt = NEW_STMT(c, AstSelectStmt, AST_STMT_SELECT);

    *out = &stmt->head;
    return pg__select(c, select, &stmt->select);
}

/* RECURSIVE VIEW v (a) AS q is WITH RECURSIVE v (a) AS (q) SELECT a FROM v, with no places. */
static bool is_recursive_view(const PgQuery__Node *query)
{
    return query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
           query->select_stmt->with_clause != NULL && query->select_stmt->with_clause->location < 0;
}

static AstOptions view_options(PgToAst *c, const PgQuery__ViewStmt *view)
{
    AstOptions options = pg__options(c, view->n_options, view->options);
    AstOption *items;

    if (view->with_check_option != PG_QUERY__VIEW_CHECK_OPTION__LOCAL_CHECK_OPTION &&
        view->with_check_option != PG_QUERY__VIEW_CHECK_OPTION__CASCADED_CHECK_OPTION)
        return options;
    items = ARENA_ARRAY(c->arena, AstOption, options.count + 1);
    if (options.count > 0)
        memcpy(items, options.items, options.count * sizeof *items);
    items[options.count] = (AstOption){.name = "check_option", .offset = -1};
    return (AstOptions){.count = options.count + 1, .items = items};
}

static Status create_view(PgToAst *c, const PgQuery__ViewStmt *view, Source source,
                          AstStatement **out)
{
    AstCreateView *stmt = NEW_STMT(c, AstCreateView, AST_STMT_CREATE_VIEW);
    size_t select_start = view_query_start(c, source);

    if (view->view == NULL || view->query == NULL)
        return pg__unexpected(c, "CREATE VIEW");
    *out = &stmt->head;
    stmt->name = pg__range_var_name(c, view->view);
    stmt->columns = pg__names(c, view->n_aliases, view->aliases);
    stmt->is_replace = view->replace;
    stmt->is_temporary = is_temporary(view->view);
    stmt->is_recursive = is_recursive_view(view->query);
    stmt->options = view_options(c, view);
    stmt->select_text = arena_strndup(c->arena, c->text + select_start, source.end - select_start);
    stmt->select_offset = (int32_t)select_start;
    return pg__select_node(c, view->query, &stmt->select);
}

static Status create_table_as(PgToAst *c, const PgQuery__CreateTableAsStmt *create,
                              AstStatement **out)
{
    AstCreateTableAs *stmt = NEW_STMT(c, AstCreateTableAs, AST_STMT_CREATE_TABLE_AS);
    const PgQuery__IntoClause *into = create->into;

    if (into == NULL || into->rel == NULL || create->query == NULL)
        return pg__unexpected(c, "CREATE TABLE AS");
    *out = &stmt->head;
    stmt->name = pg__range_var_name(c, into->rel);
    stmt->columns = pg__names(c, into->n_col_names, into->col_names);
    stmt->if_not_exists = create->if_not_exists;
    stmt->is_temporary = is_temporary(into->rel);
    stmt->is_materialized_view = create->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW;
    stmt->with_no_data = into->skip_data;
    stmt->access_method = pg__text(c, into->access_method);
    stmt->options = pg__options(c, into->n_options, into->options);
    if (create->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return ST_OK;
    return pg__select_node(c, create->query, &stmt->select);
}

/* Names in DROP have no places: all get the statement's. */
static Status drop(PgToAst *c, const PgQuery__DropStmt *drop_stmt, Source source,
                   AstStatement **out)
{
    AstDrop *stmt = NEW_STMT(c, AstDrop, AST_STMT_DROP);
    AstName *names = ARENA_ARRAY(c->arena, AstName, drop_stmt->n_objects);

    *out = &stmt->head;
    for (size_t i = 0; i < drop_stmt->n_objects; i++) {
        const PgQuery__Node *node = drop_stmt->objects[i];

        if (node->node_case != PG_QUERY__NODE__NODE_LIST)
            return pg__unexpected(c, "DROP");
        names[i] = pg__name(c, node->list->n_items, node->list->items, (int32_t)source.start);
    }
    stmt->is_view = drop_stmt->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW;
    stmt->if_exists = drop_stmt->missing_ok;
    stmt->is_cascade = drop_stmt->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    stmt->name_count = (uint32_t)drop_stmt->n_objects;
    stmt->names = names;
    return ST_OK;
}

/* The tree has "" both for TO '' and for TO STDOUT. */
static const char *copy_path(PgToAst *c, const PgQuery__CopyStmt *copy_stmt, Source source)
{
    if (copy_stmt->filename[0] == '\0' &&
        (has_word(c, source, "stdin") || has_word(c, source, "stdout")))
        return NULL;
    return arena_strdup(c->arena, copy_stmt->filename);
}

static Status copy(PgToAst *c, const PgQuery__CopyStmt *copy_stmt, Source source,
                   AstStatement **out)
{
    AstCopy *stmt = NEW_STMT(c, AstCopy, AST_STMT_COPY);

    *out = &stmt->head;
    if (copy_stmt->relation != NULL)
        stmt->table = pg__range_var_name(c, copy_stmt->relation);
    stmt->columns = pg__names(c, copy_stmt->n_attlist, copy_stmt->attlist);
    stmt->is_from = copy_stmt->is_from;
    stmt->is_program = copy_stmt->is_program;
    stmt->path = copy_path(c, copy_stmt, source);
    stmt->options = pg__options(c, copy_stmt->n_options, copy_stmt->options);
    TRY(pg__expr(c, copy_stmt->where_clause, &stmt->where));
    if (copy_stmt->query == NULL || copy_stmt->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return ST_OK;
    return pg__select_node(c, copy_stmt->query, &stmt->select);
}

/* Past EXPLAIN and its options. */
static Source explained_source(const PgToAst *c, Source source, bool has_options)
{
    SqlLexer lexer = source_lexer(c, source);
    SqlToken token;

    (void)sql_lexer_next(&lexer); /* EXPLAIN */
    token = has_options ? parse__skip_explain_options(&lexer) : sql_lexer_next(&lexer);
    return (Source){.start = token.start, .end = source.end};
}

static Status explain(PgToAst *c, const PgQuery__ExplainStmt *explain_stmt, Source source,
                      AstStatement **out)
{
    AstExplain *stmt = NEW_STMT(c, AstExplain, AST_STMT_EXPLAIN);
    Source inner = explained_source(c, source, explain_stmt->n_options > 0);

    *out = &stmt->head;
    if (explain_stmt->query == NULL)
        return pg__unexpected(c, "EXPLAIN");
    stmt->options = pg__options(c, explain_stmt->n_options, explain_stmt->options);
    return pg__statement(c, explain_stmt->query, inner.start, inner.end, &stmt->statement);
}

static Status other(PgToAst *c, const char *what, AstStatement **out)
{
    AstOtherStmt *stmt = NEW_STMT(c, AstOtherStmt, AST_STMT_OTHER);

    stmt->what = what;
    *out = &stmt->head;
    return ST_OK;
}

static AstNames set_values(PgToAst *c, const PgQuery__VariableSetStmt *set_stmt)
{
    const char **items = ARENA_ARRAY(c->arena, const char *, set_stmt->n_args);
    uint32_t count = 0;

    for (size_t i = 0; i < set_stmt->n_args; i++) {
        const char *text = pg__const_text(c, set_stmt->args[i]);

        if (text != NULL)
            items[count++] = text;
    }
    return (AstNames){.count = count, .items = items};
}

static Status set(PgToAst *c, const PgQuery__VariableSetStmt *set_stmt, AstStatement **out)
{
    AstSet *stmt;

    if (set_stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI)
        return other(c, arena_printf(c->arena, "SET %s", set_stmt->name), out);
    if (set_stmt->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_CURRENT)
        return other(c, "SET ... FROM CURRENT", out);
    stmt = NEW_STMT(c, AstSet, AST_STMT_SET);
    *out = &stmt->head;
    switch (set_stmt->kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
        stmt->set = AST_SET_DEFAULT;
        break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET:
        stmt->set = AST_SET_RESET;
        break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
        stmt->set = AST_SET_RESET_ALL;
        break;
    default:
        stmt->set = AST_SET_VALUE;
        break;
    }
    stmt->name = pg__text(c, set_stmt->name);
    stmt->values = set_values(c, set_stmt);
    stmt->is_local = set_stmt->is_local;
    return ST_OK;
}

static Status show(PgToAst *c, const PgQuery__VariableShowStmt *show_stmt, AstStatement **out)
{
    AstShow *stmt = NEW_STMT(c, AstShow, AST_STMT_SHOW);

    stmt->name = arena_strdup(c->arena, show_stmt->name);
    *out = &stmt->head;
    return ST_OK;
}

static void add_upper(StrBuf *buf, const SqlLexer *lexer, SqlToken token)
{
    if (buf->length > 0)
        strbuf_putc(buf, ' ');
    for (size_t i = token.start; i < token.end; i++)
        strbuf_putc(buf, (char)toupper((unsigned char)lexer->text[i]));
}

/* The words that say what a statement is: "INSERT", "CREATE INDEX" for CREATE UNIQUE INDEX i ... */
static const char *first_words(PgToAst *c, Source source)
{
    static const char *const verbs[] = {"create", "alter", "drop"};
    static const char *const adjectives[] = {
        "or",    "replace",   "temp",    "temporary",  "unlogged",   "unique", "global",
        "local", "recursive", "trusted", "procedural", "constraint", "default"};
    SqlLexer lexer = source_lexer(c, source);
    SqlToken token = sql_lexer_next(&lexer);
    StrBuf buf = {.arena = c->arena};
    bool has_noun = false, is_adjective = true;

    add_upper(&buf, &lexer, token);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        has_noun = has_noun || sql_token_is(&lexer, token, verbs[i]);
    while (has_noun && is_adjective) {
        token = sql_lexer_next(&lexer);
        is_adjective = false;
        for (size_t i = 0; i < sizeof adjectives / sizeof adjectives[0]; i++)
            is_adjective = is_adjective || sql_token_is(&lexer, token, adjectives[i]);
    }
    if (has_noun && token.kind == SQL_TOKEN_WORD)
        add_upper(&buf, &lexer, token);
    return strbuf_text(&buf);
}

static Status transaction(PgToAst *c, const PgQuery__TransactionStmt *transaction_stmt,
                          Source source, AstStatement **out)
{
    AstTransaction *stmt = NEW_STMT(c, AstTransaction, AST_STMT_TRANSACTION);

    *out = &stmt->head;
    switch (transaction_stmt->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
        stmt->tag = "BEGIN";
        return ST_OK;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
        stmt->tag = "START TRANSACTION";
        return ST_OK;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
        stmt->tag = "COMMIT";
        return ST_OK;
    default:
        stmt->tag = first_words(c, source);
        stmt->is_undo = true;
        return ST_OK;
    }
}

static Status convert(PgToAst *c, const PgQuery__Node *node, Source source, AstStatement **out)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        return select_statement(c, node->select_stmt, out);
    case PG_QUERY__NODE__NODE_VIEW_STMT:
        return create_view(c, node->view_stmt, source, out);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        return create_table_as(c, node->create_table_as_stmt, out);
    case PG_QUERY__NODE__NODE_DROP_STMT:
        if (node->drop_stmt->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
            node->drop_stmt->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_VIEW)
            return other(c, first_words(c, source), out);
        return drop(c, node->drop_stmt, source, out);
    case PG_QUERY__NODE__NODE_COPY_STMT:
        return copy(c, node->copy_stmt, source, out);
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
        return explain(c, node->explain_stmt, source, out);
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
        return set(c, node->variable_set_stmt, out);
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
        return show(c, node->variable_show_stmt, out);
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
        return transaction(c, node->transaction_stmt, source, out);
    /* these may begin with WITH */
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        return other(c, "INSERT", out);
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        return other(c, "UPDATE", out);
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        return other(c, "DELETE", out);
    case PG_QUERY__NODE__NODE_MERGE_STMT:
        return other(c, "MERGE", out);
    default:
        return other(c, first_words(c, source), out);
    }
}

Status pg__statement(PgToAst *c, const PgQuery__Node *node, size_t start, size_t end,
                     const AstStatement **out)
{
    AstStatement *statement = NULL;

    *out = NULL;
    c->depth = 0;
    c->depth_max = 0;
    c->param_count = 0;
    TRY(convert(c, node, (Source){.start = start, .end = end}, &statement));
    statement->offset = (int32_t)start;
    statement->text = arena_strndup(c->arena, c->text + start, end - start);
    statement->text_bytes = (uint32_t)(end - start);
    statement->depth = c->depth_max;
    statement->param_count = c->param_count;
    *out = statement;
    return ST_OK;
}
