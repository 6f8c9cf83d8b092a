/*
 * vonk/rdd_jobs.h -- jobs that run while the program goes on
 *
 *     VonkJob *job;
 *
 *     vonk_rdd_sum(vonk_rdd_async(counts, &job), "n", &sum, &error);
 *     ...                                              other calls, other jobs
 *     vonk_job_wait(job, &error);                      sum is there now
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
 * The RDD, for an action that goes on in the background: the action starts its job and returns, and
 * *job_out is the job. Its results are where its arguments say once vonk_job_wait has returned
 * VONK_OK. Of actions all but vonk_rdd_iterate and vonk_rdd_print_csv, which stay as they are; what
 * a transformation makes of it is an RDD as any other.
 * Cost: of the action: plans now; the job runs beside what the program does. Order: of jobs, as
 * pools say. Ownership: the caller frees the job with vonk_job_free; places of results stay until
 * vonk_job_wait or vonk_job_free has returned. Errors: the action's: those of the lineage and its
 * plan, *job_out is NULL then; those of the job come with vonk_job_wait.
 *
 *     VonkJob *started;
 *     status = vonk_rdd_collect(vonk_rdd_async(counts, &started), &records, &error);
 */
VONK_API VonkRdd *vonk_rdd_async(VonkRdd *rdd, VonkJob **job_out);

/*
 * Waits for the end, and puts the action's results in their places; the same status each time.
 * Cost: waits; cancelling the session ends it. Order: of jobs, any. Ownership: results as those of
 * the action. Errors: of the job; VONK_CANCELLED.
 *
 *     status = vonk_job_wait(job, &error);
 *     const Count *all = status == VONK_OK ? VONK_RECORDS(records, Count) : NULL;
 */
VONK_API VonkStatus vonk_job_wait(VonkJob *job, VonkError *error);

/*
 * How it stands; does not wait. From any thread.
 * Cost: none. Order: does not matter. Ownership: borrows the job. Errors: none; NULL is one that
 * has failed.
 *
 *     while (vonk_job_poll(job) == VONK_JOB_RUNNING)
 *         total++;
 */
VONK_API VonkJobState vonk_job_poll(VonkJob *job);

/*
 * Ends it soon, with VONK_CANCELLED; no effect when it has ended. From any thread.
 * Cost: none; does not wait. Order: does not matter. Ownership: borrows the job, which must still
 * be freed. Errors: none.
 *
 *     if (vonk_job_poll(job) == VONK_JOB_RUNNING)
 *         vonk_job_cancel(job);
 */
VONK_API void vonk_job_cancel(VonkJob *job);

/*
 * Which stage is at work, and how many of its tasks are done. From any thread.
 * Cost: none. Order: does not matter. Ownership: borrows the job. Errors: none; all 0 when it does
 * not run (any more).
 *
 *     VonkJobProgress seen = vonk_job_progress(job);
 *     printf("stage %u: %u of %u tasks\n", seen.stage, seen.done, seen.tasks);
 */
VONK_API VonkJobProgress vonk_job_progress(VonkJob *job);

/*
 * Cancels the job if it runs, and frees what it made. Accepts NULL.
 * Cost: waits until its tasks have stopped. Order: the session may be closed already. Ownership:
 * takes the job. Errors: none.
 *
 *     status = vonk_job_wait(job, &error);
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
 * oldest job first, weight 1.
 * Cost: none. Order: of jobs, as the pool says; answers do not depend on it. Ownership: name is
 * copied; the pool lives as long as the session. Errors: there is one of that name; more than 64.
 *
 *     VonkPool fair = {.is_fair = true, .weight = 2};
 *     status = vonk_pool_add(session, "reports", &fair, &error);
 */
VONK_API VonkStatus vonk_pool_add(VonkSession *session, const char *name, const VonkPool *pool,
                                  VonkError *error);

/*
 * Jobs that start from now on, actions' own included, run in that pool; NULL: in the default one.
 * Cost: none. Order: of jobs, as the pool says; answers do not depend on it. Ownership: nothing is
 * kept. Errors: there is no such pool.
 *
 *     status = vonk_job_pool(session, "reports", &error);
 *     status = vonk_rdd_collect(vonk_rdd_async(counts, &job), &records, &error);
 */
VONK_API VonkStatus vonk_job_pool(VonkSession *session, const char *name, VonkError *error);

/*
 * Jobs that start from now on are of that group, actions' own included; NULL: of none.
 * Cost: none. Order: jobs that have started stay as they are. Ownership: group is copied. Errors:
 * none.
 *
 *     vonk_job_group(session, "reports");
 *     status = vonk_rdd_collect(vonk_rdd_async(counts, &job), &records, &error);
 */
VONK_API void vonk_job_group(VonkSession *session, const char *group);

/*
 * Jobs that start from now on have that tag too (up to 16; more are ignored).
 * Cost: none. Order: jobs that have started stay as they are. Ownership: tag is copied. Errors:
 * none.
 *
 *     vonk_job_tag(session, "nightly");
 *     status = vonk_rdd_collect(vonk_rdd_async(counts, &job), &records, &error);
 */
VONK_API void vonk_job_tag(VonkSession *session, const char *tag);

/*
 * ... no longer have it; NULL: have none.
 * Cost: none. Order: jobs that have started stay as they are. Ownership: nothing is kept. Errors:
 * none.
 *
 *     vonk_job_untag(session, "nightly");
 *     vonk_job_untag(session, NULL);
 */
VONK_API void vonk_job_untag(VonkSession *session, const char *tag);

/*
 * Cancels the jobs of a group that run. From any thread.
 * Cost: none; does not wait. Order: jobs that start later are not cancelled. Ownership: nothing is
 * kept. Errors: none.
 *
 *     vonk_cancel_group(session, "reports");
 *     status = vonk_job_wait(job, &error);
 */
VONK_API void vonk_cancel_group(VonkSession *session, const char *group);

/*
 * Cancels the jobs with that tag that run. From any thread.
 * Cost: none; does not wait. Order: jobs that start later are not cancelled. Ownership: nothing is
 * kept. Errors: none.
 *
 *     vonk_cancel_tag(session, "nightly");
 *     status = vonk_job_wait(job, &error);
 */
VONK_API void vonk_cancel_tag(VonkSession *session, const char *tag);

#endif
#ifdef __cplusplus
}
#endif
#endif
