/*
 * session.h -- from SQL text to rows: what the public API and the shell stand on
 *
 *     session_open -> script_parse -> for each statement: session_run -> result_next, ... ->
 *         result_free
 *                  -> script_free -> session_close
 *
 * A session owns settings, views, tables made without a database folder, the code cache and a
 * memory budget. It shares nothing with other sessions.
 *
 * Thread: one thread at a time, but for session_cancel and result_progress (any thread, also
 * signal handlers).
 */
#ifndef VONK_ENGINE_SESSION_H
#define VONK_ENGINE_SESSION_H

#include "core/plan/plan.h"
#include "engine/config.h"
#include "exec/exec.h"
#include "sql/parser/ast.h"

typedef struct Session Session;
typedef struct Script Script;
typedef struct Result Result;

/* database: a folder whose files are tables, or NULL. *session_out is NULL on failure. */
MUST_CHECK Status session_open(const char *database, Error *err, Session **session_out);
void session_close(Session *session); /* accepts NULL; results and scripts must be gone */

Config *session_config(Session *session);
MemPool *session_pool(Session *session); /* what tables in memory count in */
void session_cancel(Session *session);

/* Before each text that is parsed and run: what is cancelled from here on is that text. */
void session_clear_cancel(Session *session);

/* Statements of text; errors carry offsets in text. session_cancel ends it. Free: script_free. */
MUST_CHECK Status script_parse(Session *session, const char *text, size_t bytes, Error *err,
                               Script **script_out);
void script_free(Script *script); /* accepts NULL */
const AstStatements *script_statements(const Script *script);

/* Starts statement; borrows it until result_free. Statements that make no rows have run when this
 * returns. */
MUST_CHECK Status session_run(Session *session, const AstStatement *statement, uint32_t param_count,
                              const Value *params, Error *err, Result **result_out);

/* Rows without a selection, valid until the next call; row_count 0 at the end. */
MUST_CHECK Status result_next(Result *result, Error *err, Batch *batch_out);
/* The batch that result_next gave last becomes the caller's and outlives the result. NULL: it
 * cannot. Free with exec_kept_free. */
KeptBatch *result_keep_batch(Result *result);
uint32_t result_column_count(const Result *result);
const PlanColumn *result_columns(const Result *result);
/* Whether the statement makes rows at all (SELECT does, SET does not). */
bool result_has_rows(const Result *result);
/* "SELECT 5", "CREATE VIEW"; valid as long as the result. */
const char *result_tag(Result *result);
const char *result_notice(const Result *result); /* what a user should know; or NULL */
ExecProgress result_progress(const Result *result);
uint64_t result_peak_bytes(const Result *result);
void result_free(Result *result); /* accepts NULL */

/* Names for completion and \d: tables and views in name order; live in the arena. */
typedef struct RelationInfo {
    const char *name;
    bool is_view;
    const char *format; /* "parquet", "csv", "memory"; views: NULL */
    const char *path;   /* NULL for those in memory                */
} RelationInfo;
MUST_CHECK Status session_relations(Session *session, Arena *arena, Error *err, uint32_t *count_out,
                                    const RelationInfo **relations_out);
/* The columns of a table or view. */
MUST_CHECK Status session_describe(Session *session, Arena *arena, const char *name, Error *err,
                                   uint32_t *count_out, const PlanColumn **columns_out);

/* The rows of a query (one SELECT) as a plan, not optimized: its nodes live in the arena, which
 * also keeps its tables open; ids are drawn from ids. Column i gets the type types[i] by an
 * assignment cast; another number of columns than type_count is an error. */
MUST_CHECK Status session_bind_query(Session *session, Arena *arena, PlanIds *ids, const char *sql,
                                     uint32_t type_count, const Type *types, Error *err,
                                     const Plan **plan_out);

/* Optimizes a logical plan in the arena, as queries are. */
MUST_CHECK Status session_optimize(Session *session, Arena *arena, PlanIds *ids, const Plan *plan,
                                   Error *err, const Plan **physical_out);

/* The session's, made by the first who asks; NULL: nothing is compiled. */
CodeCache *session_code_cache(Session *session);
const atomic_bool *session_cancelled(const Session *session);
/* Calls may be cancelled from now on; forgets an earlier cancel. */
void session_begin(Session *session);

/* Puts a table under that name into the session, in place of an earlier one made that way; takes
 * the reference. */
MUST_CHECK Status session_add_table(Session *session, const char *name, Table *table, Error *err);

#endif
