/*
 * parse_hints.c -- what to write instead, for syntax errors that users of other systems make
 */
#include <string.h>

#include "sql/parser/parser_internal.h"
#include "sql/parser/sql_lexer.h"

/* The word at the error. */
typedef struct HintRow {
    const char *word;
    const char *hint;
} HintRow;

static const HintRow hint_rows[] = {
    {"describe", "\\d NAME shows a table's columns; SELECT * FROM NAME LIMIT 0 has them too."},
    {"desc", "\\d NAME shows a table's columns. For an order, write ORDER BY NAME DESC."},
    {"summarize", "Ask for min, max and count of the columns you need."},
    {"qualify", "Put the query into a subquery and filter its result with WHERE."},
    {"pivot", "Write one aggregate with FILTER (WHERE ...) per column."},
    {"unpivot", "Write UNION ALL of one SELECT per column."},
    {"exclude", "Name the columns you want."},
    {"semi", "Write WHERE EXISTS (SELECT ...)."},
    {"anti", "Write WHERE NOT EXISTS (SELECT ...)."},
    {"use", "Name the DATABASE folder when you start: vonk sql DIR."},
    {"top", "Write LIMIT at the end of the query."},
};

/* The token at offset and the one before it, or a backtick before both. */
static SqlToken token_at(SqlLexer *lexer, int32_t offset, SqlToken *before_out)
{
    SqlToken token = sql_lexer_next(lexer);

    *before_out = (SqlToken){.kind = SQL_TOKEN_END};
    while (token.kind != SQL_TOKEN_END && (int64_t)token.end <= offset) {
        if (token.kind == SQL_TOKEN_OPERATOR && lexer->text[token.start] == '`')
            return token;
        *before_out = token;
        token = sql_lexer_next(lexer);
    }
    return token;
}

bool parse__quote_file_name(char *text, size_t bytes, int32_t offset)
{
    SqlLexer lexer = {.text = text, .bytes = bytes};
    SqlToken before, token = token_at(&lexer, offset, &before);
    size_t length = token.end - token.start;
    char *last;

    if (offset < 0 || token.kind != SQL_TOKEN_STRING || token.is_unterminated ||
        (int64_t)token.start != offset || length < 3 || text[token.start] != '\'' ||
        !(sql_token_is(&lexer, before, "from") || sql_token_is(&lexer, before, "join") ||
          sql_token_is_char(&lexer, before, ',')))
        return false;
    last = text + token.end - 1; /* neither quote within: the length stays, and so do positions */
    if (memchr(text + token.start + 1, '\'', length - 2) != NULL ||
        memchr(text + token.start, '"', length) != NULL)
        return false;
    text[token.start] = *last = '"';
    return true;
}

static const char *find_hint(const SqlLexer *lexer, SqlToken before, SqlToken token)
{
    if (token.kind == SQL_TOKEN_OPERATOR && lexer->text[token.start] == '`')
        return "Names are quoted with double quotes: \"name\".";
    if (token.kind == SQL_TOKEN_STRING &&
        (sql_token_is(lexer, before, "from") || sql_token_is(lexer, before, "join")))
        return "Write the file's name in double quotes: FROM \"path/file.parquet\"; or "
               "read_parquet('...') or read_csv('...').";
    for (size_t i = 0; i < sizeof hint_rows / sizeof hint_rows[0]; i++)
        if (sql_token_is(lexer, token, hint_rows[i].word))
            return hint_rows[i].hint;
    return NULL;
}

void parse__add_hint(const char *text, size_t bytes, int32_t offset, Error *err)
{
    SqlLexer lexer = {.text = text, .bytes = bytes};
    SqlToken before, token = token_at(&lexer, offset, &before);
    const char *hint = find_hint(&lexer, before, token);

    if (offset >= 0 && hint != NULL)
        error_hint(err, "%s", hint);
}
