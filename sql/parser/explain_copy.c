/* explain_copy.c -- see explain_copy.h */
#include "sql/parser/explain_copy.h"

#include <string.h>

#include "sql/parser/parse.h"

SqlToken parse__skip_explain_options(SqlLexer *lexer)
{
    SqlToken token = sql_lexer_next(lexer);
    uint32_t depth = 0;

    if (sql_token_is_char(lexer, token, '(')) {
        do {
            depth += sql_token_is_char(lexer, token, '(');
            depth -= sql_token_is_char(lexer, token, ')');
            token = sql_lexer_next(lexer);
        } while (depth > 0 && token.kind != SQL_TOKEN_END);
    }
    while (sql_token_is(lexer, token, "analyze") || sql_token_is(lexer, token, "analyse") ||
           sql_token_is(lexer, token, "verbose"))
        token = sql_lexer_next(lexer);
    return token;
}

ExplainCopy *parse__cut_explain_copies(Arena *arena, char *text, size_t bytes)
{
    SqlLexer lexer = {.text = text, .bytes = bytes};
    ExplainCopy *cut = NULL;
    SqlToken token;
    bool is_first = true;

    if (strcasestr(text, "explain") == NULL) /* most texts need no walk */
        return NULL;
    token = sql_lexer_next(&lexer);
    while (token.kind != SQL_TOKEN_END) {
        size_t start = token.start;

        if (is_first && sql_token_is(&lexer, token, "explain")) {
            token = parse__skip_explain_options(&lexer);
            if (sql_token_is(&lexer, token, "copy")) {
                ExplainCopy *found = ARENA_NEW(arena, ExplainCopy);

                *found = (ExplainCopy){
                    .next = cut,
                    .start = start,
                    .copy_start = token.start,
                    .text = arena_strndup(arena, text + start, token.start - start),
                };
                cut = found;
                memset(text + start, ' ', token.start - start);
            }
        }
        is_first = sql_token_is_char(&lexer, token, ';');
        token = sql_lexer_next(&lexer);
    }
    return cut;
}

/* The options, by way of an EXPLAIN that the grammar has. */
static Status parse_options(Arena *arena, const ExplainCopy *cut, Error *err,
                            AstOptions *options_out)
{
    const char *text = arena_printf(arena, "%s SELECT 1", cut->text);
    AstStatements statements;
    AstOption *items;

    TRY(parse_sql(arena, text, strlen(text), NULL, err, &statements));
    *options_out = ast_stmt_as_explain(statements.items[0])->options;
    items = arena_copy(arena, options_out->items, options_out->count * sizeof *items);
    for (uint32_t i = 0; i < options_out->count; i++)
        if (items[i].offset >= 0)
            items[i].offset += (int32_t)cut->start;
    options_out->items = items;
    return ST_OK;
}

Status parse__wrap_explain_copy(Arena *arena, const ExplainCopy *cut, size_t start, Error *err,
                                const AstStatement **statement)
{
    AstExplain *explain;

    while (cut != NULL && cut->copy_start != start)
        cut = cut->next;
    if (cut == NULL || (*statement)->kind != AST_STMT_COPY)
        return ST_OK;
    explain = ARENA_NEW(arena, AstExplain);
    explain->head = **statement;
    explain->head.kind = AST_STMT_EXPLAIN;
    explain->head.offset = (int32_t)cut->start;
    explain->statement = *statement;
    TRY(parse_options(arena, cut, err, &explain->options));
    *statement = &explain->head;
    return ST_OK;
}
