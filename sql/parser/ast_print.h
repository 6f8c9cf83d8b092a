/*
 * ast_print.h -- AST back to SQL text, for tests and for people
 *
 *     a+b*2 NOT BETWEEN 1 AND c      ((a + (b * 2)) NOT BETWEEN 1 AND c)
 *
 * The text parses to the same tree, places aside, but for what the tree does not keep: AstOther,
 * TABLESAMPLE's arguments, types of column definition lists. Operators stand in brackets, keywords
 * in upper case. Recursive: trees of AST_DEPTH_MAX levels need a big stack.
 */
#ifndef VONK_SQL_PARSER_AST_PRINT_H
#define VONK_SQL_PARSER_AST_PRINT_H

#include "core/base/str.h"
#include "sql/parser/ast.h"

/* Texts live in the arena. */
const char *ast_print_expr(Arena *arena, const AstExpr *expr);
const char *ast_print_select(Arena *arena, const AstSelect *select);
const char *ast_print_statement(Arena *arena, const AstStatement *statement);
const char *ast_print_type(Arena *arena, const AstTypeName *type);

#endif
