/*
 * pg_to_ast_internal.h -- libpg_query's protobuf tree to our AST, shared by pg_*.c only
 *
 * Every converter takes the context, a node (borrowed, freed after the parse) and sets *out to a
 * node that lives in the context's arena; a NULL node gives a NULL *out. Recursion is counted by
 * pg__enter/pg__leave, so that a tree is at most AST_DEPTH_MAX deep.
 */
#ifndef VONK_SQL_PARSER_PG_TO_AST_INTERNAL_H
#define VONK_SQL_PARSER_PG_TO_AST_INTERNAL_H

#include <pg_query/pg_query.pb-c.h>

#include "core/base/arena.h"
#include "sql/parser/ast.h"

typedef struct PgToAst {
    Arena *arena;
    Error *err;
    const char *text; /* all of it, NUL-terminated */
    size_t bytes;
    uint32_t depth;       /* of the node being converted   */
    uint32_t depth_max;   /* seen in this statement        */
    uint32_t param_count; /* highest $n in this statement  */
} PgToAst;

/* Makes a zeroed Struct with its head's kind and offset set. */
#define PG_EXPR(c, Struct, KIND, offset) ((Struct *)pg__new_expr((c), sizeof(Struct), KIND, offset))

void *pg__new_expr(PgToAst *c, size_t struct_bytes, AstExprKind kind, int32_t offset);

MUST_CHECK Status pg__enter(PgToAst *c, int32_t offset);
void pg__leave(PgToAst *c);

/* Sets "not supported: <what>" at offset. */
Status pg__not_supported(PgToAst *c, int32_t offset, const char *what);
/* The tree holds what the grammar cannot have made: an error, no crash. */
Status pg__unexpected(PgToAst *c, const char *where);

/* --- pg_to_ast_name.c: names, lists of names, options --- */
const char *pg__text(PgToAst *c, const char *text);     /* a copy; NULL for NULL and "" */
const char *pg__node_string(const PgQuery__Node *node); /* borrowed; NULL: no string */
AstNames pg__names(PgToAst *c, size_t count, PgQuery__Node *const *nodes);
/* {"a", "b", "c"} -> schema "a.b", name "c"; a leading pg_catalog is dropped. */
AstName pg__name(PgToAst *c, size_t count, PgQuery__Node *const *nodes, int32_t offset);
AstName pg__range_var_name(PgToAst *c, const PgQuery__RangeVar *var);
AstAlias pg__alias(PgToAst *c, const PgQuery__Alias *alias);
AstOptions pg__options(PgToAst *c, size_t count, PgQuery__Node *const *nodes);
/* A constant (also within a cast) as text; NULL when it is no constant. */
const char *pg__const_text(PgToAst *c, const PgQuery__Node *node);

/* --- pg_to_ast_type.c --- */
MUST_CHECK Status pg__type(PgToAst *c, const PgQuery__TypeName *type, const AstTypeName **out);

/* --- pg_to_ast_expr.c --- */
MUST_CHECK Status pg__expr(PgToAst *c, const PgQuery__Node *node, const AstExpr **out);
MUST_CHECK Status pg__exprs(PgToAst *c, size_t count, PgQuery__Node *const *nodes, AstExprs *out);

/* --- pg_to_ast_op.c: A_Expr in all its kinds --- */
MUST_CHECK Status pg__a_expr(PgToAst *c, const PgQuery__AExpr *expr, const AstExpr **out);

/* --- pg_to_ast_func.c: calls, windows, sort keys --- */
MUST_CHECK Status pg__func(PgToAst *c, const PgQuery__FuncCall *call, const AstExpr **out);
MUST_CHECK Status pg__value_function(PgToAst *c, const PgQuery__SQLValueFunction *function,
                                     const AstExpr **out);
MUST_CHECK Status pg__window(PgToAst *c, const PgQuery__WindowDef *window, AstWindow *out);
MUST_CHECK Status pg__sort_keys(PgToAst *c, size_t count, PgQuery__Node *const *nodes,
                                AstSortKeys *out);

/* --- pg_to_ast_from.c --- */
MUST_CHECK Status pg__froms(PgToAst *c, size_t count, PgQuery__Node *const *nodes, AstFroms *out);

/* --- pg_to_ast_select.c --- */
MUST_CHECK Status pg__select(PgToAst *c, const PgQuery__SelectStmt *select, const AstSelect **out);
/* node must be a SELECT. */
MUST_CHECK Status pg__select_node(PgToAst *c, const PgQuery__Node *node, const AstSelect **out);

/* --- pg_to_ast_stmt.c --- */
/* The statement is text[start, end) without surrounding space. */
MUST_CHECK Status pg__statement(PgToAst *c, const PgQuery__Node *node, size_t start, size_t end,
                                const AstStatement **out);

#endif
