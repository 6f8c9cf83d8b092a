/* api_internal.h -- what the files that make up the public API share */
#ifndef VONK_ENGINE_API_INTERNAL_H
#define VONK_ENGINE_API_INTERNAL_H

#include <stdatomic.h>
#include <stdio.h>

#include "engine/session_jobs.h"
#include "vonk/vonk.h"

typedef struct RddSession RddSession;

/* Lives until it is closed and the last of its results is freed. */
struct VonkSession {
    Session *session;
    Arena *arena; /* of this struct and of texts of settings */
    atomic_uint ref_count;
    RddSession *rdds;   /* made by the first RDD */
    FILE *lineage;      /* where what jobs make is noted; NULL: nowhere */
    uint64_t job_count; /* noted so far */
};

/* A result holds its session; the last one lets go of it. */
void api_session_unref(VonkSession *session);

/* Before the first job. */
void api_session_observe(VonkSession *session, JobObserver observer);
/* A line of JSON for each job on RDDs that ended well: engine/rdd_lineage.h. Borrowed. */
void api_session_note_lineage(VonkSession *session, FILE *to);

void rdd_session_free(RddSession *rdds); /* accepts NULL */

#endif
