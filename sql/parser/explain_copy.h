/*
 * explain_copy.h -- EXPLAIN of COPY, which PostgreSQL's grammar does not have
 *
 *     EXPLAIN (ANALYZE) COPY t TO 'f'; SELECT 1
 *                    becomes
 *                       COPY t TO 'f'; SELECT 1
 *
 * so that all places stay what they are; the statement that starts there is wrapped afterwards.
 */
#ifndef VONK_SQL_PARSER_EXPLAIN_COPY_H
#define VONK_SQL_PARSER_EXPLAIN_COPY_H

#include "core/base/arena.h"
#include "sql/parser/ast.h"
#include "sql/parser/sql_lexer.h"

/* An EXPLAIN that was cut out. */
typedef struct ExplainCopy {
    struct ExplainCopy *next; /* the one before it */
    size_t start, copy_start; /* of EXPLAIN and of COPY */
    const char *text;         /* "EXPLAIN (ANALYZE) " */
} ExplainCopy;

/* Behind EXPLAIN: reads its options, in brackets or the words ANALYZE and VERBOSE, and the token
 * behind them, which is returned. */
SqlToken parse__skip_explain_options(SqlLexer *lexer);

/* Overwrites with blanks what stands before COPY in every EXPLAIN of one; returns what it found.
 * text is NUL-terminated. */
ExplainCopy *parse__cut_explain_copies(Arena *arena, char *text, size_t bytes);

/* The statement, which starts at that offset, as EXPLAIN of it when it was one. */
MUST_CHECK Status parse__wrap_explain_copy(Arena *arena, const ExplainCopy *cut, size_t start,
                                           Error *err, const AstStatement **statement);

#endif
