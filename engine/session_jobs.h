/*
 * session_jobs.h -- who runs a session's jobs, on RDDs and of SQL: its driver, where blocks are,
 * and the executors, which are threads, or processes of a cluster
 *
 *     session_jobs -> session_job_request -> job_start (core/rdd/rdd_job.h), ...
 */
#ifndef VONK_ENGINE_SESSION_JOBS_H
#define VONK_ENGINE_SESSION_JOBS_H

#include "cluster/application.h"
#include "core/rdd/rdd_job.h"
#include "core/rdd/thread_backend.h"
#include "engine/session.h"

typedef struct SessionJobs {
    Arena *arena;
    MemPool *pool; /* of blocks and tasks */
    BlockStore *store;
    Driver *driver;
    ThreadBackend *threads;   /* NULL: on a cluster */
    Application *application; /* NULL: on threads   */
    Error unreachable;        /* why there is no cluster, where one is wanted */
    struct PlanTransport *transport;
    PlanWireHooks wire; /* what plans name, for executors */
} SessionJobs;

/* Whether its jobs go to a cluster, by the setting "master". */
bool session_on_cluster(const Session *session);

/* The session's, made by the first who asks; they end with it. */
SessionJobs *session_jobs(Session *session);

/* RDDs that are tables of the session, as queries see them. */
typedef struct NamedRdds {
    void *context;
    const PlanIds *ids; /* of all their plans: a query's are drawn behind them */
    /* plan with theirs in place of scans of their tables, in the arena; itself when it has none */
    const Plan *(*replace)(Arena *arena, PlanIds *ids, const Plan *plan);
    /* What a job that runs their functions asks for besides. */
    void (*complete)(void *context, Arena *arena, JobRequest *request);
} NamedRdds;

/* Before the first of them is a table. Their plans may be deep: statements are run on a stack of
 * PLANNING_STACK_BYTES from then on. */
void session_name_rdds(Session *session, NamedRdds rdds);

/* Rules walk plans recursively; a lineage may have ten thousand steps. */
#define PLANNING_STACK_BYTES ((size_t)1 << 30)

/* Before session_jobs. */
void session_observe_jobs(Session *session, JobObserver observer);

/* What each job asks for, by the settings as they are now: its result is streamed, can be cancelled
 * by session_cancel, and takes no user functions, unless the caller changes that. distributed:
 * borrowed until the job is closed. Its executors are there when this returns. */
MUST_CHECK Status session_job_request(Session *session, const Plan *distributed, Error *err,
                                      JobRequest *request_out);

void session_jobs_free(SessionJobs *jobs); /* accepts NULL */

#endif
