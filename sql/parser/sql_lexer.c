/*
 * sql_lexer.c -- tokens as PostgreSQL's scan.l cuts them
 */
#include "sql/parser/sql_lexer.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool is_word_part(char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_operator_char(char c)
{
    return c != '\0' && strchr("~!@#^&|`?+-*/%<>=", c) != NULL;
}

/* The byte at lexer->at + ahead, NUL past the end. */
static char peek(const SqlLexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;

    return at < lexer->bytes ? lexer->text[at] : '\0';
}

static void skip_line_comment(SqlLexer *lexer)
{
    while (lexer->at < lexer->bytes && peek(lexer, 0) != '\n' && peek(lexer, 0) != '\r')
        lexer->at++;
}

/* Block comments nest. False: the text ended first. */
static bool skip_block_comment(SqlLexer *lexer)
{
    size_t depth = 0;

    while (lexer->at < lexer->bytes) {
        if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
            depth++;
            lexer->at += 2;
        } else if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            lexer->at += 2;
            if (--depth == 0)
                return true;
        } else {
            lexer->at++;
        }
    }
    return false;
}

/* False: a comment without its end. */
static bool skip_space(SqlLexer *lexer)
{
    while (lexer->at < lexer->bytes) {
        if (is_space(peek(lexer, 0)))
            lexer->at++;
        else if (peek(lexer, 0) == '-' && peek(lexer, 1) == '-')
            skip_line_comment(lexer);
        else if (peek(lexer, 0) != '/' || peek(lexer, 1) != '*')
            return true;
        else if (!skip_block_comment(lexer))
            return false;
    }
    return true;
}

/* Stands on the opening quote; doubled quotes (and, with escapes, \' too) are part of the text. */
static bool skip_quoted(SqlLexer *lexer, char quote, bool has_escapes)
{
    lexer->at++;
    while (lexer->at < lexer->bytes) {
        char c = peek(lexer, 0);

        if (c == '\\' && has_escapes) {
            lexer->at += 2;
        } else if (c != quote) {
            lexer->at++;
        } else if (peek(lexer, 1) == quote) {
            lexer->at += 2;
        } else {
            lexer->at++;
            return true;
        }
    }
    lexer->at = lexer->bytes;
    return false;
}

/*
 * 'a'  -- white space with a line break, line comments
 * 'b'  is one string, and of the first part's kind: E'a' \n '\'' has an escaped quote.
 */
static bool skip_to_continuation(SqlLexer *lexer)
{
    size_t start = lexer->at;
    bool has_newline = false;

    while (lexer->at < lexer->bytes) {
        char c = peek(lexer, 0);

        if (is_space(c)) {
            has_newline = has_newline || c == '\n' || c == '\r';
            lexer->at++;
        } else if (c == '-' && peek(lexer, 1) == '-') {
            skip_line_comment(lexer);
        } else {
            break;
        }
    }
    if (has_newline && peek(lexer, 0) == '\'')
        return true;
    lexer->at = start;
    return false;
}

static bool skip_string(SqlLexer *lexer, bool has_escapes)
{
    do {
        if (!skip_quoted(lexer, '\'', has_escapes))
            return false;
    } while (skip_to_continuation(lexer));
    return true;
}

/* Bytes of $tag$ at the lexer's place, 0 when there is none. */
static size_t dollar_tag_bytes(const SqlLexer *lexer)
{
    size_t n = 1;

    if (is_word_start(peek(lexer, n))) {
        n++;
        while (is_word_start(peek(lexer, n)) || is_digit(peek(lexer, n)))
            n++;
    }
    return peek(lexer, n) == '$' ? n + 1 : 0;
}

static bool skip_dollar_string(SqlLexer *lexer, size_t tag_bytes)
{
    const char *tag = lexer->text + lexer->at;
    const char *found;

    lexer->at += tag_bytes;
    found = memmem(lexer->text + lexer->at, lexer->bytes - lexer->at, tag, tag_bytes);
    lexer->at = found == NULL ? lexer->bytes : (size_t)(found - lexer->text) + tag_bytes;
    return found != NULL;
}

static void skip_number(SqlLexer *lexer)
{
    while (is_digit(peek(lexer, 0)) || (peek(lexer, 0) == '.' && peek(lexer, 1) != '.'))
        lexer->at++;
    if (peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') {
        size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';

        if (is_digit(peek(lexer, 1 + sign)))
            lexer->at += 1 + sign;
    }
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
}

/* An operator ends where a comment begins: in "+--1" it is "+". */
static void skip_operator(SqlLexer *lexer)
{
    do
        lexer->at++;
    while (is_operator_char(peek(lexer, 0)) && !(peek(lexer, 0) == '-' && peek(lexer, 1) == '-') &&
           !(peek(lexer, 0) == '/' && peek(lexer, 1) == '*'));
}

/* A word, or the string or quoted name that it is the prefix of: E'', B'', X'', N'', U&'', U&"". */
static SqlTokenKind read_word(SqlLexer *lexer, bool *is_terminated)
{
    char first = peek(lexer, 0) | 0x20;

    if (peek(lexer, 1) == '\'' && strchr("ebxn", first) != NULL) {
        lexer->at++;
        *is_terminated = skip_string(lexer, first == 'e');
        return SQL_TOKEN_STRING;
    }
    if (first == 'u' && peek(lexer, 1) == '&' && peek(lexer, 2) == '\'') {
        lexer->at += 2;
        *is_terminated = skip_string(lexer, false);
        return SQL_TOKEN_STRING;
    }
    if (first == 'u' && peek(lexer, 1) == '&' && peek(lexer, 2) == '"') {
        lexer->at += 2;
        *is_terminated = skip_quoted(lexer, '"', false);
        return SQL_TOKEN_QUOTED_NAME;
    }
    while (is_word_part(peek(lexer, 0)))
        lexer->at++;
    return SQL_TOKEN_WORD;
}

static SqlTokenKind read_dollar(SqlLexer *lexer, bool *is_terminated)
{
    size_t tag_bytes = dollar_tag_bytes(lexer);

    if (tag_bytes > 0) {
        *is_terminated = skip_dollar_string(lexer, tag_bytes);
        return SQL_TOKEN_STRING;
    }
    lexer->at++;
    if (!is_digit(peek(lexer, 0)))
        return SQL_TOKEN_PUNCTUATION;
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
    return SQL_TOKEN_PARAM;
}

static SqlTokenKind read_token(SqlLexer *lexer, bool *is_terminated)
{
    char c = peek(lexer, 0);

    if (is_word_start(c))
        return read_word(lexer, is_terminated);
    if (c == '\'') {
        *is_terminated = skip_string(lexer, false);
        return SQL_TOKEN_STRING;
    }
    if (c == '"') {
        *is_terminated = skip_quoted(lexer, '"', false);
        return SQL_TOKEN_QUOTED_NAME;
    }
    if (c == '$')
        return read_dollar(lexer, is_terminated);
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        skip_number(lexer);
        return SQL_TOKEN_NUMBER;
    }
    if (is_operator_char(c)) {
        skip_operator(lexer);
        return SQL_TOKEN_OPERATOR;
    }
    lexer->at += c == ':' && peek(lexer, 1) == ':' ? 2 : 1;
    return SQL_TOKEN_PUNCTUATION;
}

SqlToken sql_lexer_next(SqlLexer *lexer)
{
    SqlToken token = {.kind = SQL_TOKEN_END};
    bool is_terminated = skip_space(lexer);

    token.start = lexer->at;
    if (lexer->at < lexer->bytes)
        token.kind = read_token(lexer, &is_terminated);
    token.end = lexer->at;
    token.is_unterminated = !is_terminated;
    return token;
}

bool sql_token_is(const SqlLexer *lexer, SqlToken token, const char *word)
{
    size_t length = token.end - token.start;

    if (token.kind != SQL_TOKEN_WORD || strlen(word) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = lexer->text[token.start + i];

        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != word[i])
            return false;
    }
    return true;
}

bool sql_token_is_char(const SqlLexer *lexer, SqlToken token, char c)
{
    return token.kind == SQL_TOKEN_PUNCTUATION && token.end - token.start == 1 &&
           lexer->text[token.start] == c;
}

void sql_text_trim(const char *text, size_t start, size_t end, size_t *start_out, size_t *end_out)
{
    SqlLexer lexer = {.text = text, .bytes = end, .at = start};
    SqlToken token = sql_lexer_next(&lexer);

    *start_out = token.kind == SQL_TOKEN_END ? start : token.start;
    *end_out = start;
    while (token.kind != SQL_TOKEN_END) {
        *end_out = token.end;
        token = sql_lexer_next(&lexer);
    }
}
