/*
 * binder.h -- names, types and functions: an AST statement becomes a logical plan
 *
 * Types follow PostgreSQL's rules (coerce.c): literals of unknown type take the other side's,
 * operators resolve by the fewest casts, integer literals are int4, int8 or numeric by size.
 * Errors carry PostgreSQL's texts, SQLSTATEs and the byte offset of what they are about.
 */
#ifndef VONK_SQL_BINDER_BINDER_H
#define VONK_SQL_BINDER_BINDER_H

#include <stdatomic.h>

#include "core/plan/plan.h"
#include "sql/parser/ast.h"

/* Where names of tables, views and files lead. Implemented by the engine. */
typedef struct Catalog Catalog;
struct Catalog {
    void *context;
    /* A table by name, or a view as its SELECT's AST (lives in the arena); both NULL and ST_OK
     * when there is none. The table is borrowed: it lives as long as the statement. */
    Status (*lookup)(void *context, Arena *arena, const char *name, Error *err, Table **table_out,
                     const AstSelect **view_out);
    /* "dir/x.parquet" in FROM, read_parquet('glob'), read_csv('path', option, value, ...): format
     * NULL = by the path's ending. Borrowed as above. */
    Status (*open_file)(void *context, const char *path, const char *format, OptionList options,
                        Error *err, Table **table_out);
    /* All names, for "did you mean". */
    uint32_t (*names)(void *context, Arena *arena, const char *const **names_out);
};

typedef struct BindRequest {
    Arena *arena; /* the query's */
    PlanIds *ids;
    const Catalog *catalog;
    uint32_t param_count; /* values for $1..; text ones take the type they are used as */
    const Value *params;
    int64_t now_micros; /* statement time, for now() and current_date */
    /* What current_user, current_database, version and their kin are; may be NULL. */
    const char *(*session_word)(const void *session, Arena *arena, const char *word);
    const void *session;
    const atomic_bool *cancelled; /* looked at in each expression; NULL: never */
    /* Evaluates an expression without columns (LIMIT, casts of literals): kernel_eval_const. */
    Status (*eval_const)(Arena *arena, const Expr *expr, Error *err, Value *value_out);
} BindRequest;

/* A SELECT, VALUES, ... as a plan. Column names are the result's. */
MUST_CHECK Status bind_select_statement(const BindRequest *request, const AstSelect *select,
                                        Error *err, const Plan **plan_out);

/* expr as a value of that type, as INSERT would cast it; 42846 when there is no such cast. */
MUST_CHECK Status bind_assignment_cast(const BindRequest *request, const Expr *expr, Type type,
                                       Error *err, const Expr **expr_out);

#endif
