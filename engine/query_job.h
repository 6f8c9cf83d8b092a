/*
 * query_job.h -- a query's plan as a job, whose rows are a table to this process
 *
 *     Limit 10                        Limit 10                here, by exec: the rest
 *       Project a + 1         =>        Scan job
 *         Scan t
 *                                     Limit 10                the job: once a partition of t
 *                                       Project a + 1
 *                                         Scan t
 *
 * What cannot be done partition by partition and only passes rows on (the last LIMIT, writing a
 * file) is left to the process that asked: it takes partitions as it wants rows, so that a LIMIT
 * runs no more of them than it needs, and files are written where the user is.
 */
#ifndef VONK_ENGINE_QUERY_JOB_H
#define VONK_ENGINE_QUERY_JOB_H

#include "engine/session_internal.h"

/* Whether the statement is to run as a job: RDDs are computed by jobs only. Otherwise a plan that
 * reads nothing is none. */
bool query_job_is_wanted(const Query *query, const Plan *physical);

/* The whole plan of the job and the rest, exchanges in it. */
MUST_CHECK Status query_job_distribute(Query *query, const Plan *physical, Error *err,
                                       const Plan **plan_out);

/* Makes query->job; rest_out is what is left to be executed, over the table of its rows. The job
 * starts when that is first scanned, and ends with the query's arena. */
MUST_CHECK Status query_job_new(Query *query, const Plan *physical, Error *err,
                                const Plan **rest_out);

/* What the job has made so far: of its stages (core/rdd/rdd_job.h). 0: it has not started. */
uint32_t query_job_stages(const QueryJob *job, const StageReport **reports_out);

#endif
