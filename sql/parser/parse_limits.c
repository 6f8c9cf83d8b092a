/*
 * parse_limits.c -- a linear look at the tokens before libpg_query sees them
 *
 * libpg_query's protobuf output and protobuf-c's unpacking recurse once per level of the tree, with
 * up to 6 KiB of stack each: 30,000 chained operators overflow the usual 8 MiB. Here the depth is
 * bounded from above without parsing. Within one bracket, tokens can deepen the tree only until the
 * next comma, AND or OR, as those make flat lists:
 *
 *     f(a + b + c, d) AND e       run "f", child (run "a+b+c" = 5, run "d") = 6, so 7; run "e"
 *
 * depth(bracket) = 1 + max over runs (tokens + deepest bracket in the run) + JOINs and UNIONs,
 * which go on across commas. The AND of BETWEEN ends no run: x BETWEEN 1 AND NOT y BETWEEN 1 AND
 * ... nests on its right.
 */
#include <string.h>

#include "sql/parser/parse.h"
#include "sql/parser/parser_internal.h"
#include "sql/parser/sql_lexer.h"

/* One open bracket or CASE. */
typedef struct Level {
    uint32_t run_tokens;
    uint32_t run_child_depth;
    uint32_t deepest_run;
    uint32_t chained; /* JOIN, UNION, ...: not ended by commas */
    uint32_t open_betweens;
    bool is_case;
} Level;

typedef struct Limits {
    SqlLexer lexer;
    Error *err;
    SqlToken before_last, last;
    uint32_t level;
    uint32_t deepest_statement;
    Level levels[PARSE_NESTING_MAX + 1];
} Limits;

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Bytes of the UTF-8 character at text, 0 when it is none; NUL counts as none. */
static size_t utf8_char_bytes(const unsigned char *text, size_t bytes)
{
    unsigned char c = text[0];
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t length;

    if (c < 0x80)
        return c != 0;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (c == 0xE0)
        low = 0xA0; /* overlong */
    else if (c == 0xED)
        high = 0x9F; /* surrogates */
    else if (c == 0xF0)
        low = 0x90; /* overlong */
    else if (c == 0xF4)
        high = 0x8F; /* past U+10FFFF */
    if (length > bytes || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xBF)
            return 0;
    return length;
}

static Status check_utf8(const char *text, size_t bytes, Error *err)
{
    size_t length;

    for (size_t at = 0; at < bytes; at += length) {
        length = utf8_char_bytes((const unsigned char *)text + at, bytes - at);
        if (length == 0) {
            Status status = error_set_state(err, ST_BAD_INPUT, "22021",
                                            "invalid byte sequence for encoding \"UTF8\": 0x%02x",
                                            (unsigned char)text[at]);

            error_at(err, (int32_t)at);
            return status;
        }
    }
    return ST_OK;
}

static Status too_complex(Error *err, size_t offset, const char *detail, int limit)
{
    Status status = error_set_state(err, ST_BAD_INPUT, "54001", "statement too complex");

    error_detail(err, detail, limit);
    error_at(err, (int32_t)offset);
    return status;
}

static void end_run(Level *level)
{
    level->deepest_run = max_u32(level->deepest_run, level->run_tokens + level->run_child_depth);
    level->run_tokens = 0;
    level->run_child_depth = 0;
}

static uint32_t level_depth(Level *level)
{
    end_run(level);
    return 1 + level->deepest_run + level->chained;
}

static Status open_level(Limits *limits, SqlToken token, bool is_case)
{
    if (limits->level == PARSE_NESTING_MAX)
        return too_complex(limits->err, token.start,
                           "Brackets and CASEs are nested more than %d deep.", PARSE_NESTING_MAX);
    limits->levels[++limits->level] = (Level){.is_case = is_case};
    return ST_OK;
}

static void close_level(Limits *limits)
{
    uint32_t depth = level_depth(&limits->levels[limits->level]);
    Level *outer = &limits->levels[--limits->level];

    outer->run_child_depth = max_u32(outer->run_child_depth, depth);
}

static bool is_case_open(const Limits *limits)
{
    return limits->levels[limits->level].is_case;
}

/* A closing bracket also closes CASEs that lack their END: the parser will complain. */
static void close_bracket(Limits *limits)
{
    while (limits->level > 0 && is_case_open(limits))
        close_level(limits);
    if (limits->level > 0)
        close_level(limits);
}

static void end_statement(Limits *limits)
{
    while (limits->level > 0)
        close_level(limits);
    limits->deepest_statement = max_u32(limits->deepest_statement, level_depth(&limits->levels[0]));
    limits->levels[0] = (Level){.is_case = false};
}

/* After a dot or AS a keyword is a name. */
static bool is_name_place(const Limits *limits)
{
    return sql_token_is_char(&limits->lexer, limits->last, '.') ||
           sql_token_is(&limits->lexer, limits->last, "as");
}

static bool is_chain_word(const SqlLexer *lexer, SqlToken token)
{
    return sql_token_is(lexer, token, "join") || sql_token_is(lexer, token, "union") ||
           sql_token_is(lexer, token, "intersect") || sql_token_is(lexer, token, "except");
}

static Status count_word(Limits *limits, SqlToken token)
{
    const SqlLexer *lexer = &limits->lexer;
    Level *level = &limits->levels[limits->level];

    level->run_tokens++;
    if (is_name_place(limits))
        return ST_OK;
    if (sql_token_is(lexer, token, "case"))
        return open_level(limits, token, true);
    if (sql_token_is(lexer, token, "end") && level->is_case) {
        close_level(limits);
    } else if (sql_token_is(lexer, token, "between")) {
        level->open_betweens++;
    } else if (sql_token_is(lexer, token, "and") && level->open_betweens > 0) {
        level->open_betweens--;
    } else if (sql_token_is(lexer, token, "and") || sql_token_is(lexer, token, "or")) {
        end_run(level);
    } else if (is_chain_word(lexer, token)) {
        end_run(level);
        level->chained++;
    }
    return ST_OK;
}

static Status count_punctuation(Limits *limits, SqlToken token)
{
    switch (limits->lexer.text[token.start]) {
    case '(':
    case '[':
        return open_level(limits, token, false);
    case ')':
    case ']':
        close_bracket(limits);
        return ST_OK;
    case ',':
        end_run(&limits->levels[limits->level]);
        return ST_OK;
    case ';':
        /* inside brackets it belongs to one statement: CREATE RULE ... DO (a; b) */
        if (limits->level == 0)
            end_statement(limits);
        return ST_OK;
    default:
        limits->levels[limits->level].run_tokens++;
        return ST_OK;
    }
}

/* PostgreSQL cuts + and - off an operator's end: "=-+1" is three operators and a number. */
static uint32_t operator_parts(const SqlLexer *lexer, SqlToken token)
{
    uint32_t parts = 1;

    for (size_t at = token.end; at > token.start + 1; at--) {
        if (lexer->text[at - 1] != '+' && lexer->text[at - 1] != '-')
            break;
        parts++;
    }
    return parts;
}

static Status count_token(Limits *limits, SqlToken token)
{
    switch (token.kind) {
    case SQL_TOKEN_WORD:
        return count_word(limits, token);
    case SQL_TOKEN_PUNCTUATION:
        return count_punctuation(limits, token);
    case SQL_TOKEN_OPERATOR:
        limits->levels[limits->level].run_tokens += operator_parts(&limits->lexer, token);
        return ST_OK;
    default:
        limits->levels[limits->level].run_tokens++;
        return ST_OK;
    }
}

/* "a SEMI JOIN b" is valid SQL: a, under the alias semi, joined with b. Nobody means that. */
static Status check_join_word(Limits *limits, SqlToken token)
{
    static const char *const join_words[] = {"semi", "anti", "asof", "positional"};
    static const char *const name_follows[] = {"from", "join", "as", "only", "lateral"};
    const SqlLexer *lexer = &limits->lexer;
    SqlToken before = limits->before_last;

    if (!sql_token_is(lexer, token, "join"))
        return ST_OK;
    for (size_t i = 0; i < sizeof name_follows / sizeof name_follows[0]; i++)
        if (sql_token_is(lexer, before, name_follows[i]))
            return ST_OK;
    if (before.kind == SQL_TOKEN_END || sql_token_is_char(lexer, before, ',') ||
        sql_token_is_char(lexer, before, '(') || sql_token_is_char(lexer, before, '.'))
        return ST_OK;
    for (size_t i = 0; i < sizeof join_words / sizeof join_words[0]; i++) {
        Status status;

        if (!sql_token_is(lexer, limits->last, join_words[i]))
            continue;
        status = error_set(limits->err, ST_NOT_SUPPORTED, "not supported: %.*s JOIN",
                           (int)(limits->last.end - limits->last.start),
                           lexer->text + limits->last.start);
        error_hint(limits->err,
                   "PostgreSQL would read \"%s\" as an alias of the table before it; if you mean "
                   "that, write AS %s. A semi or anti join is WHERE [NOT] EXISTS (SELECT ...).",
                   join_words[i], join_words[i]);
        error_at(limits->err, (int32_t)limits->last.start);
        return status;
    }
    return ST_OK;
}

static Status count_tokens(Limits *limits)
{
    SqlToken token = sql_lexer_next(&limits->lexer);

    while (token.kind != SQL_TOKEN_END) {
        TRY(check_join_word(limits, token));
        TRY(count_token(limits, token));
        if (limits->levels[limits->level].run_tokens > PARSE_CHAIN_TOKENS_MAX ||
            limits->levels[limits->level].chained > PARSE_CHAIN_TOKENS_MAX)
            return too_complex(limits->err, token.start,
                               "An expression or a chain of joins or set operations has more "
                               "than %d parts.",
                               PARSE_CHAIN_TOKENS_MAX);
        limits->before_last = limits->last;
        limits->last = token;
        token = sql_lexer_next(&limits->lexer);
    }
    end_statement(limits);
    return ST_OK;
}

Status parse__check_limits(const char *text, size_t bytes, Error *err, uint32_t *depth_out)
{
    Limits limits;

    *depth_out = 0;
    if (bytes > SQL_BYTES_MAX) {
        Status status = error_set_state(err, ST_BAD_INPUT, "54000",
                                        "the SQL text is too long: %zu bytes, at most %d", bytes,
                                        (int)SQL_BYTES_MAX);

        error_hint(err, "Split it at its semicolons, or put data into a file and read that.");
        return status;
    }
    TRY(check_utf8(text, bytes, err));
    limits = (Limits){.lexer = {.text = text, .bytes = bytes}, .err = err};
    TRY(count_tokens(&limits));
    *depth_out = limits.deepest_statement;
    if (limits.deepest_statement > PARSE_NESTING_MAX + PARSE_CHAIN_TOKENS_MAX)
        return too_complex(err, 0, "Nested expressions have more than %d parts in all.",
                           PARSE_CHAIN_TOKENS_MAX);
    return ST_OK;
}
