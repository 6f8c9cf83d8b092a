/*
 * ast_print_internal.h -- shared by ast_print_*.c only
 */
#ifndef VONK_SQL_PARSER_AST_PRINT_INTERNAL_H
#define VONK_SQL_PARSER_AST_PRINT_INTERNAL_H

#include "sql/parser/ast_print.h"

void print__expr(StrBuf *buf, const AstExpr *expr);
void print__exprs(StrBuf *buf, const AstExprs *exprs); /* with ", " between */
void print__type(StrBuf *buf, const AstTypeName *type);
void print__name(StrBuf *buf, const AstName *name);
void print__names(StrBuf *buf, const AstNames *names);           /* a, b */
void print__bracketed_names(StrBuf *buf, const AstNames *names); /* " (a, b)", "" when empty */
void print__sort_keys(StrBuf *buf, const AstSortKeys *keys);     /* " ORDER BY ...", or "" */
void print__window(StrBuf *buf, const AstWindow *window);        /* (PARTITION BY ...) */
void print__from(StrBuf *buf, const AstFrom *item);
void print__select(StrBuf *buf, const AstSelect *select);

#endif
