/* session_internal.h -- what the files of engine/ share */
#ifndef VONK_ENGINE_SESSION_INTERNAL_H
#define VONK_ENGINE_SESSION_INTERNAL_H

#include "engine/catalog.h"
#include "engine/session.h"
#include "engine/session_jobs.h"
#include "sql/optimizer/optimizer.h"

struct Session {
    Arena *arena;
    Config config;
    MemPool *pool;
    SessionCatalog *catalog;
    CodeCache *code_cache; /* made by the first query that may compile */
    SessionJobs *jobs;     /* made by the first job */
    JobObserver job_observer;
    NamedRdds rdds; /* all NULL: there are none */
    atomic_bool cancelled;
};

typedef struct QueryJob QueryJob;

/* One statement's work, from binding to its last row. */
typedef struct Query {
    Session *session;
    Arena *arena;
    MemPool *pool;
    Resources resources;
    PlanIds ids;
    Catalog catalog;
    uint32_t param_count;
    const Value *params;
    int64_t now_micros;
    bool reads_rdds;
    QueryJob *job; /* that its rows come from (query_job.h); NULL: it runs by itself */
} Query;

struct Result {
    Query query;
    Execution *execution;    /* rows come from a plan, or */
    uint32_t text_row_count; /* are made here: text_rows[row][column], NULL is SQL's NULL */
    const char *const *const *text_rows;
    uint32_t next_text_row;
    bool has_rows;
    uint32_t column_count;
    const PlanColumn *columns;
    uint64_t rows_returned;
    const char *command; /* "SELECT": the tag is the command and, with_count, the number of rows */
    bool tag_has_count;
    const char *tag;
    const char *notice; /* or NULL */
};

/* What SQL's current_user, current_database, current_schema, version are in the session, which may
 * be any of BindRequest. (session_word.c) */
const char *session_word(const void *session, Arena *arena, const char *word);

/* query.c: the steps of a SELECT */
/* plan with the columns that a client is to see. */
const Plan *query__show_chars(Query *query, const Plan *plan);
MUST_CHECK Status query__bind(Query *query, const AstSelect *select, Error *err,
                              const Plan **plan_out);
MUST_CHECK Status query__optimize(Query *query, const Plan *plan, bool keep_trace, Error *err,
                                  OptimizeResult *result_out);
MUST_CHECK Status query__start(Query *query, const Plan *physical, bool analyze, Error *err,
                               Execution **execution_out);

/* statements.c: everything but SELECT. result is set up but for its rows and tag. */
MUST_CHECK Status statement__run(Result *result, const AstStatement *statement, Error *err);
/* Tables and views have no schema but public. */
MUST_CHECK Status statement__check_schema(const AstName *name, Error *err);
/* Renames the first columns of plan, as CREATE VIEW v (a, b) AS asks. */
MUST_CHECK Status statement__rename_columns(Arena *arena, const Plan *plan, AstNames names,
                                            Error *err, const PlanColumn **columns_out);
/* Makes result return these rows of text; arrays live in the query's arena. */
void result__set_text(Result *result, uint32_t column_count, const char *const *names,
                      uint32_t row_count, const char *const *const *rows);
/* Makes result return the rows of select, written or read. */
MUST_CHECK Status result__start_plan(Result *result, const Plan *plan, Error *err);

/* explain.c */
MUST_CHECK Status explain__run(Result *result, const AstExplain *explain, Error *err);

#endif
