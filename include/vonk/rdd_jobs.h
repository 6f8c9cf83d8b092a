/*
 * vonk/rdd_jobs.h -- jobs that run while the program goes on
 *
 *     VonkJob *job;
 *
 *     vonk_rdd_start(counts, &job, &error);
 *     ...                                              other calls, other jobs
 *     vonk_job_wait(job, &records, &error);
 *     vonk_job_free(job);
 *
 * Jobs of a session share its threads: the oldest one's tasks come first, those of the next ones
 * take what is left, unless pools say otherwise. Thread: poll, cancel and progress, and
 * vonk_cancel_..., from any thread; the rest as the session's.
 */
#ifndef VONK_RDD_JOBS_H
#define VONK_RDD_JOBS_H

#include "vonk/rdd_actions.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifndef __cplusplus

typedef struct VonkJob VonkJob;

typedef enum VonkJobState {
    VONK_JOB_RUNNING,
    VONK_JOB_DONE,
    VONK_JOB_FAILED,
    VONK_JOB_CANCELLED
} VonkJobState;

/* Of the stage at work; all 0 when the job does not run (any more). */
typedef struct VonkJobProgress {
    uint32_t stages, stage; /* of the job; which of them is at work, from 1 on */
    uint32_t tasks, done, running;
    uint32_t retries; /* attempts of the job beyond the first of each task */
} VonkJobProgress;

/*
 * Starts the job that makes the RDD's records, and returns. Free with vonk_job_free. Errors: of the
 * lineage and its plan; those of the job come with vonk_job_wait.
 *
 *     VonkJob *started;
 *     status = vonk_rdd_start(counts, &started, &error);
 */
VONK_API VonkStatus vonk_rdd_start(VonkRdd *rdd, VonkJob **job_out, VonkError *error);

/*
 * Waits for the end. records_out (NULL: not wanted) are the records, as collect gives them: the
 * first time that they are asked for.
 *
 *     status = vonk_job_wait(job, &records, &error);
 *     const Count *all = status == VONK_OK ? VONK_RECORDS(records, Count) : NULL;
 */
VONK_API VonkStatus vonk_job_wait(VonkJob *job, VonkRecords **records_out, VonkError *error);

/*
 * Waits for the end, and says how many records there are.
 *
 *     int64_t count;
 *     status = vonk_job_count(job, &count, &error);
 */
VONK_API VonkStatus vonk_job_count(VonkJob *job, int64_t *count_out, VonkError *error);

/*
 * How it stands; does not wait.
 *
 *     while (vonk_job_poll(job) == VONK_JOB_RUNNING)
 *         total++;
 */
VONK_API VonkJobState vonk_job_poll(VonkJob *job);

/*
 * Ends it soon, with VONK_CANCELLED; no effect when it has ended.
 *
 *     if (vonk_job_poll(job) == VONK_JOB_RUNNING)
 *         vonk_job_cancel(job);
 */
VONK_API void vonk_job_cancel(VonkJob *job);

/*
 * Which stage is at work, and how many of its tasks are done.
 *
 *     VonkJobProgress seen = vonk_job_progress(job);
 *     printf("stage %u: %u of %u tasks\n", seen.stage, seen.done, seen.tasks);
 */
VONK_API VonkJobProgress vonk_job_progress(VonkJob *job);

/*
 * Cancels the job if it runs, and frees what it made. Accepts NULL.
 *
 *     status = vonk_job_wait(job, NULL, &error);
 *     vonk_job_free(job);
 */
VONK_API void vonk_job_free(VonkJob *job);

/* --- several jobs --- */

/* How jobs share threads: pools by weight, once each has its min_share of tasks at a time; within a
 * pool the oldest job first, or all of its jobs alike. */
typedef struct VonkPool {
    bool is_fair;       /* false: the oldest job first */
    uint32_t weight;    /* 0: 1 */
    uint32_t min_share; /* tasks */
} VonkPool;

/*
 * A pool of that name, of this session, for vonk_job_pool. There is one already, "default": the
 * oldest job first, weight 1. The name is copied. Errors: there is one; more than 64.
 *
 *     VonkPool fair = {.is_fair = true, .weight = 2};
 *     status = vonk_pool_add(session, "reports", &fair, &error);
 */
VONK_API VonkStatus vonk_pool_add(VonkSession *session, const char *name, const VonkPool *pool,
                                  VonkError *error);

/*
 * Jobs that start from now on, actions' own included, run in that pool; NULL: in the default one.
 * Answers do not depend on it. Errors: there is no such pool.
 *
 *     status = vonk_job_pool(session, "reports", &error);
 *     status = vonk_rdd_start(counts, &job, &error);
 */
VONK_API VonkStatus vonk_job_pool(VonkSession *session, const char *name, VonkError *error);

/*
 * Jobs that start from now on are of that group, actions' own included; NULL: of none.
 *
 *     vonk_job_group(session, "reports");
 *     status = vonk_rdd_start(counts, &job, &error);
 */
VONK_API void vonk_job_group(VonkSession *session, const char *group);

/*
 * Jobs that start from now on have that tag too (up to 16).
 *
 *     vonk_job_tag(session, "nightly");
 *     status = vonk_rdd_start(counts, &job, &error);
 */
VONK_API void vonk_job_tag(VonkSession *session, const char *tag);

/*
 * ... no longer have it; NULL: have none.
 *
 *     vonk_job_untag(session, "nightly");
 *     vonk_job_untag(session, NULL);
 */
VONK_API void vonk_job_untag(VonkSession *session, const char *tag);

/*
 * Cancels the jobs of a group that run.
 *
 *     vonk_cancel_group(session, "reports");
 *     status = vonk_job_wait(job, NULL, &error);
 */
VONK_API void vonk_cancel_group(VonkSession *session, const char *group);

/*
 * Cancels the jobs with that tag that run.
 *
 *     vonk_cancel_tag(session, "nightly");
 *     status = vonk_job_wait(job, NULL, &error);
 */
VONK_API void vonk_cancel_tag(VonkSession *session, const char *tag);

#endif
#ifdef __cplusplus
}
#endif
#endif
