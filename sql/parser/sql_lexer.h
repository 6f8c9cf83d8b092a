/*
 * sql_lexer.h -- SQL text as tokens, one at a time and without a parser
 *
 * For looks at text that must not cost a parse: limits before libpg_query sees a statement, the
 * place where a view's query starts, where a statement ends while somebody still types it. It sees
 * strings ('x', E'x\'', $tag$x$tag$), quoted names, comments and operators as PostgreSQL's lexer
 * does with standard_conforming_strings on, so nothing hides from it in a string or comment.
 *
 * Never fails: what is unterminated runs to the end of the text and says so.
 */
#ifndef VONK_SQL_PARSER_SQL_LEXER_H
#define VONK_SQL_PARSER_SQL_LEXER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum SqlTokenKind {
    SQL_TOKEN_END,
    SQL_TOKEN_WORD,        /* keyword or unquoted name                              */
    SQL_TOKEN_QUOTED_NAME, /* "x", U&"x"                                            */
    SQL_TOKEN_STRING,      /* all kinds, prefix and continuation lines included     */
    SQL_TOKEN_NUMBER,
    SQL_TOKEN_PARAM,      /* $1                                                       */
    SQL_TOKEN_OPERATOR,   /* a run of operator characters: <=, ||, ->                 */
    SQL_TOKEN_PUNCTUATION /* one of ( ) [ ] , ; : . and any byte that is nothing else; also ::  */
} SqlTokenKind;

typedef struct SqlToken {
    SqlTokenKind kind;
    size_t start; /* byte offsets in the text: [start, end) */
    size_t end;
    bool is_unterminated; /* a string, quoted name or (then END) comment without its end */
} SqlToken;

typedef struct SqlLexer {
    const char *text; /* borrowed; need not be NUL-terminated */
    size_t bytes;
    size_t at;
} SqlLexer;

/* Skips white space and comments, then reads a token; SQL_TOKEN_END at the end, again and again. */
SqlToken sql_lexer_next(SqlLexer *lexer);

/* The token is the unquoted word given, in any case. word is lower case. */
bool sql_token_is(const SqlLexer *lexer, SqlToken token, const char *word);

/* The token is that one punctuation character. */
bool sql_token_is_char(const SqlLexer *lexer, SqlToken token, char c);

/* The part of [start, end) from its first token to the end of its last one; both are set to start
 * when there is none. */
void sql_text_trim(const char *text, size_t start, size_t end, size_t *start_out, size_t *end_out);

#endif
