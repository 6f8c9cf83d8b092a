/*
 * parse.h -- SQL text in, AST out
 *
 *     text -> limits (parse_limits.c) -> libpg_query (pg_parse.c) -> our AST (pg_to_ast_*.c)
 *
 * The grammar, its errors and their SQLSTATEs are PostgreSQL 15's. Hostile text costs an error and
 * little time: it is looked at token by token before the parser sees it, and what is deeper than a
 * few dozen levels is parsed on a thread with a large stack.
 */
#ifndef VONK_SQL_PARSER_PARSE_H
#define VONK_SQL_PARSER_PARSE_H

#include <stdatomic.h>

#include "core/base/arena.h"
#include "sql/parser/ast.h"

enum {
    SQL_BYTES_MAX = 1 << 20, /* of one text; takes at most about 1 s and 200 MB              */
    AST_DEPTH_MAX = 10010    /* levels of one statement's tree: a chain of 10,000 operators  */
};

/*
 * Parses all statements of text (UTF-8, need not be NUL-terminated). Empty statements are left
 * out, so that count may be 0. The result lives in the arena. Errors carry the byte offset in
 * text: 42601 syntax, 54001 too complex, 54000 too long, 22021 no UTF-8. *stop ends a long parse
 * within milliseconds (57014); NULL: nobody stops it.
 *
 * Thread: any; calls do not share state. Needs about 400 KiB of the caller's stack.
 */
MUST_CHECK Status parse_sql(Arena *arena, const char *text, size_t bytes, const atomic_bool *stop,
                            Error *err, AstStatements *statements_out);

#endif
