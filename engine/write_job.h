/*
 * write_job.h -- CREATE TABLE AS and COPY ... TO: a query whose rows become a file or a table
 *
 *     write_job_bind -> query__optimize -> query__start -> write_job_take -> exec_close
 *
 * write_job_run does all of it; EXPLAIN (explain.c) goes step by step.
 */
#ifndef VONK_ENGINE_WRITE_JOB_H
#define VONK_ENGINE_WRITE_JOB_H

#include "engine/session_internal.h"

typedef struct WriteJob {
    Query *query;
    const char *command;       /* the tag's */
    const Plan *plan;          /* NULL: IF NOT EXISTS, and it does */
    const char *table_name;    /* of the table in memory that the rows become; NULL: plan writes */
    const PlanColumn *columns; /* of that table */
    uint64_t row_count;        /* written, after write_job_take */
} WriteJob;

bool write_job_is_one(const AstStatement *statement);
MUST_CHECK Status write_job_bind(Query *query, const AstStatement *statement, Error *err,
                                 WriteJob *job_out);
/* Takes execution, which runs the job's plan, to its end. */
MUST_CHECK Status write_job_take(WriteJob *job, Execution *execution, Error *err);
MUST_CHECK Status write_job_run(Result *result, const AstStatement *statement, Error *err);

#endif
