/*
 * rdd_async.c -- actions, which are waited for or go on beside the program; groups and tags to
 * cancel them by
 *
 *     the session's thread      rdd_act: plans, starts ....... vonk_job_wait: finish
 *     the job's thread                          runs, settle
 *
 * An action that is waited for does all of that in one go.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/base/hash_text.h"
#include "core/base/invariant.h"
#include "engine/rdd_internal.h"

enum { LOOK_EVERY_MS = 20 };

struct VonkJob {
    Arena *arena;
    RddSession *rdds;
    RddAction action;
    void *context; /* the action's, copied */
    RddRun run;
    JobRequest request;
    atomic_bool is_cancelled;
    pthread_t thread;
    bool is_joined, is_finished;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool is_submitted;
    VonkJobState state;
    Error error;
};

/* --- one job --- */

static void free_job(VonkJob *job)
{
    rdd_run_close(&job->run);
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->lock);
    arena_free(job->arena);
}

/* All that a job asks of the session is asked here: nothing of it is touched where the job runs. */
static Status plan_job(VonkJob *job, const atomic_bool *cancelled, Error *err)
{
    TRY(rdd_plan(job->rdds, job->action.plan, err, &job->run));
    return rdd_job_request(&job->run, cancelled, false, err, &job->request);
}

static VonkJob *new_job(const RddAction *action)
{
    Arena *arena = arena_new(NULL, "action", ARENA_NO_CAP);
    VonkJob *job = ARENA_NEW(arena, VonkJob);

    *job = (VonkJob){
        .arena = arena, .rdds = action->rdd->rdds, .action = *action, .error = ERROR_NONE};
    if (action->context_bytes > 0)
        job->context = arena_copy(arena, action->context, action->context_bytes);
    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->changed, NULL);
    return job;
}

/* What a job that does not come to its end has begun is taken back. */
static void give_up(VonkJob *job)
{
    if (job->action.failed != NULL)
        job->action.failed(job->context);
}

static Status run_job(VonkJob *job, Error *err)
{
    const RddAction *action = &job->action;
    Status status = job_start(job->rdds->jobs->driver, &job->request, err, &job->run.job);

    if (status == ST_OK && action->settle != NULL)
        status = action->settle(job->context, err);
    if (status != ST_OK)
        give_up(job);
    return status;
}

static Status finish_job(VonkJob *job, Error *err)
{
    return job->action.finish == NULL ? ST_OK : job->action.finish(&job->run, job->context, err);
}

/* --- in the background --- */

static void note_submitted(void *opaque)
{
    VonkJob *job = opaque;

    pthread_mutex_lock(&job->lock);
    job->is_submitted = true;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

/* A job that has been started can be cancelled: by itself, its group and its tags. */
static void wait_for_submission(VonkJob *job)
{
    pthread_mutex_lock(&job->lock);
    while (!job->is_submitted && job->state == VONK_JOB_RUNNING)
        pthread_cond_wait(&job->changed, &job->lock);
    pthread_mutex_unlock(&job->lock);
}

static void *job_main(void *opaque)
{
    VonkJob *job = opaque;
    Error err = ERROR_NONE;
    Status status = run_job(job, &err);

    pthread_mutex_lock(&job->lock);
    job->error = err;
    job->state = status == ST_OK          ? VONK_JOB_DONE
                 : status == ST_CANCELLED ? VONK_JOB_CANCELLED
                                          : VONK_JOB_FAILED;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
    return NULL;
}

static Status start_thread(VonkJob *job, Error *err)
{
    int failure;

    job->request.submitted = note_submitted;
    job->request.context = job;
    failure = pthread_create(&job->thread, NULL, job_main, job);
    if (failure != 0)
        return error_set_errno(err, failure, "cannot start a thread");
    wait_for_submission(job);
    atomic_fetch_add(&job->rdds->session->ref_count, 1);
    return ST_OK;
}

VonkRdd *vonk_rdd_async(VonkRdd *rdd, VonkJob **job_out)
{
    VonkRdd *handle;

    if (job_out != NULL)
        *job_out = NULL;
    if (rdd_is_failed(rdd))
        return rdd;
    if (job_out == NULL) {
        Error err = ERROR_NONE;

        (void)error_set(&err, ST_BAD_INPUT, "job_out is NULL");
        return rdd_failed(rdd->rdds, &err);
    }
    handle = rdd_new(rdd->rdds, rdd->plan, rdd->layout);
    handle->job_out = job_out;
    return handle;
}

Status rdd_act(const RddAction *action, Error *error)
{
    VonkJob **job_out = action->rdd->job_out;
    VonkJob *job = new_job(action);
    const Session *session = job->rdds->session->session;
    Error err = ERROR_NONE; /* its own: the caller may want none */
    Status status;

    session_begin(job->rdds->session->session); /* a cancel before this one is not for it */
    status = plan_job(job, job_out == NULL ? session_cancelled(session) : &job->is_cancelled, &err);
    if (status == ST_OK && job_out != NULL)
        status = start_thread(job, &err);
    if (status != ST_OK)
        give_up(job);
    else if (job_out == NULL && (status = run_job(job, &err)) == ST_OK)
        status = finish_job(job, &err);
    if (status == ST_OK && job_out != NULL)
        *job_out = job;
    else
        free_job(job);
    if (status != ST_OK && error != NULL)
        *error = err;
    return status;
}

VonkStatus rdd_answer(const VonkRdd *rdd, const Plan *plan,
                      Status (*finish)(RddRun *run, void *context, Error *err), const void *context,
                      size_t context_bytes, VonkError *error)
{
    RddAction action = {.rdd = rdd,
                        .plan = plan,
                        .finish = finish,
                        .context = context,
                        .context_bytes = context_bytes};

    return (VonkStatus)rdd_act(&action, (Error *)error);
}

VonkJobState vonk_job_poll(VonkJob *job)
{
    VonkJobState state;

    if (job == NULL)
        return VONK_JOB_FAILED;
    pthread_mutex_lock(&job->lock);
    state = job->state;
    pthread_mutex_unlock(&job->lock);
    return state;
}

void vonk_job_cancel(VonkJob *job)
{
    if (job != NULL)
        atomic_store(&job->is_cancelled, true);
}

VonkJobProgress vonk_job_progress(VonkJob *job)
{
    JobProgress seen = {0};

    if (job != NULL)
        seen = driver_job_progress(job->rdds->jobs->driver, &job->is_cancelled);
    return (VonkJobProgress){.stages = seen.stages,
                             .stage = seen.stage,
                             .tasks = seen.tasks,
                             .done = seen.done,
                             .running = seen.running,
                             .retries = seen.retries};
}

/* Until the job has ended; cancelling the session cancels it too. */
static void wait_for(VonkJob *job)
{
    const atomic_bool *session_stops = session_cancelled(job->rdds->session->session);

    pthread_mutex_lock(&job->lock);
    while (job->state == VONK_JOB_RUNNING) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_clockwait(&job->changed, &job->lock, CLOCK_MONOTONIC, &until);
        if (atomic_load(session_stops))
            atomic_store(&job->is_cancelled, true);
    }
    pthread_mutex_unlock(&job->lock);
    if (!job->is_joined)
        pthread_join(job->thread, NULL);
    job->is_joined = true;
}

VonkStatus vonk_job_wait(VonkJob *job, VonkError *error)
{
    Error err = ERROR_NONE;

    if (job == NULL)
        return rdd_missing(error, "the job");
    wait_for(job);
    if (job->error.status == ST_OK && !job->is_finished && finish_job(job, &err) != ST_OK) {
        pthread_mutex_lock(&job->lock);
        job->error = err;
        job->state = VONK_JOB_FAILED;
        pthread_mutex_unlock(&job->lock);
    }
    job->is_finished = true;
    rdd_run_close(&job->run);
    if (job->error.status != ST_OK && error != NULL)
        *(Error *)error = job->error;
    return (VonkStatus)job->error.status;
}

void vonk_job_free(VonkJob *job)
{
    VonkSession *session;

    if (job == NULL)
        return;
    vonk_job_cancel(job);
    wait_for(job);
    session = job->rdds->session;
    free_job(job);
    api_session_unref(session);
}

/* --- pools --- */

static uint32_t find_pool(const RddSession *rdds, const char *name)
{
    uint32_t pool = 0;

    while (pool < rdds->pool_count && strcmp(rdds->pool_names[pool], name) != 0)
        pool++;
    return pool;
}

VonkStatus vonk_pool_add(VonkSession *session, const char *name, const VonkPool *pool,
                         VonkError *error)
{
    if (session == NULL || name == NULL || pool == NULL)
        return rdd_missing(error, session == NULL ? "the session"
                                  : name == NULL  ? "the name of a pool"
                                                  : "the pool");

    RddSession *rdds = rdd_session(session);
    Error *err = (Error *)error;

    if (find_pool(rdds, name) < rdds->pool_count)
        return (VonkStatus)error_set(err, ST_BAD_INPUT, "there is a pool \"%s\" already", name);
    if (rdds->pool_count == POOLS_MAX)
        return (VonkStatus)error_set(err, ST_BAD_INPUT, "a session has at most %d pools",
                                     POOLS_MAX);
    rdds->pool_names[rdds->pool_count] = arena_strdup(rdds->arena, name);
    CHECK(driver_add_pool(rdds->jobs->driver, pool->is_fair ? POOL_FAIR : POOL_FIFO,
                          pool->weight == 0 ? 1 : pool->weight,
                          pool->min_share) == rdds->pool_count);
    rdds->pool_count++;
    return VONK_OK;
}

VonkStatus vonk_job_pool(VonkSession *session, const char *name, VonkError *error)
{
    if (session == NULL)
        return rdd_missing(error, "the session");

    RddSession *rdds = rdd_session(session);
    uint32_t pool = name == NULL ? DEFAULT_POOL : find_pool(rdds, name);

    if (pool == rdds->pool_count)
        return (VonkStatus)error_set((Error *)error, ST_BAD_INPUT, "there is no pool \"%s\"", name);
    rdds->job_pool = pool;
    return VONK_OK;
}

/* --- groups and tags --- */

/* Names become numbers, which a job carries; 0 is none. */
static uint64_t number_of(const char *name)
{
    return name == NULL ? 0 : hash_text(name, strlen(name)) | 1;
}

void vonk_job_group(VonkSession *session, const char *group)
{
    if (session != NULL)
        rdd_session(session)->group = number_of(group);
}

void vonk_job_tag(VonkSession *session, const char *tag)
{
    if (session == NULL)
        return;

    RddSession *rdds = rdd_session(session);
    uint64_t number = number_of(tag);

    for (uint32_t i = 0; i < rdds->tag_count; i++)
        if (rdds->tags[i] == number)
            return;
    if (number != 0 && rdds->tag_count < TAGS_MAX)
        rdds->tags[rdds->tag_count++] = number;
}

void vonk_job_untag(VonkSession *session, const char *tag)
{
    if (session == NULL)
        return;

    RddSession *rdds = rdd_session(session);
    uint64_t number = number_of(tag);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < rdds->tag_count; i++)
        if (tag != NULL && rdds->tags[i] != number)
            rdds->tags[kept++] = rdds->tags[i];
    rdds->tag_count = kept;
}

void vonk_cancel_group(VonkSession *session, const char *group)
{
    if (session != NULL && session->rdds != NULL && group != NULL)
        driver_cancel_group(session->rdds->jobs->driver, number_of(group));
}

void vonk_cancel_tag(VonkSession *session, const char *tag)
{
    if (session != NULL && session->rdds != NULL && tag != NULL)
        driver_cancel_tag(session->rdds->jobs->driver, number_of(tag));
}
