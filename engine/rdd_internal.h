/*
 * rdd_internal.h -- what the files of the RDD API share
 *
 *     rdd_types.c     record types: their layouts, and whether two are the same
 *     rdd.c           handles, sources, transformations: calls become plan nodes
 *     rdd_actions.c   plans become jobs, and their rows answers
 *
 * Plans of RDDs live in one arena of the session, under ids of their own: they are shared by all
 * actions. An action copies what it rewrites into an arena of its own.
 */
#ifndef VONK_ENGINE_RDD_INTERNAL_H
#define VONK_ENGINE_RDD_INTERNAL_H

#include "core/rdd/rdd_job.h"
#include "core/rdd/thread_backend.h"
#include "engine/api_internal.h"
#include "vonk/rdd.h"

typedef struct KnownLayout {
    const VonkRecordType *type;
    const RecordLayout *layout;
    struct KnownLayout *next;
} KnownLayout;

struct RddSession {
    VonkSession *session;
    Arena *arena;
    MemPool *pool; /* of blocks and tasks */
    PlanIds ids;
    BlockStore *store;
    Driver *driver;
    ThreadBackend *threads;
    KnownLayout *layouts;
    int64_t last_keep_id;
    VonkRdd *rdds; /* all */
};

struct VonkRdd {
    RddSession *rdds;
    VonkRdd *next;
    const Plan *plan;           /* NULL: failed */
    const RecordLayout *layout; /* of its records: the plan's columns, in order */
    int64_t keep_id;
    Error error;
};

/* The session's, made when it is first wanted. */
RddSession *rdd_session(VonkSession *session);

/* --- rdd_types.c --- */

/* Lives as long as the session; the same for types of the same name and fields. NULL: err says what
 * is wrong with the type. */
const RecordLayout *rdd_layout(RddSession *rdds, const VonkRecordType *type, Error *err);

/* Same fields, names and places: a pointer to the one may be used as one to the other. */
bool rdd_layouts_equal(const RecordLayout *a, const RecordLayout *b);

bool rdd_layout_has_keys(const RecordLayout *layout);

/* --- rdd.c --- */

VonkRdd *rdd_new(RddSession *rdds, const Plan *plan, const RecordLayout *layout);
VonkRdd *rdd_failed(RddSession *rdds, const Error *err);

/* All columns of a plan: what a record of it is made of. */
ColumnList rdd_columns(Arena *arena, const Plan *plan);

/* The function, with its closure copied. */
UserFunction rdd_function(RddSession *rdds, VonkCall call);

/* The record type that a call by key names must be that of the RDD, and have a key. */
MUST_CHECK Status rdd_check_keyed(const VonkRdd *rdd, const VonkRecordType *type,
                                  const char *function, Error *err,
                                  const RecordLayout **layout_out);
/* Keys of the same types in the same order. */
MUST_CHECK Status rdd_check_same_keys(const RecordLayout *a, const RecordLayout *b,
                                      const char *function, Error *err);

/* --- rdd_actions.c --- */

/* A job that runs the plan; rdd_run_close ends it. */
typedef struct RddRun {
    RddSession *rdds;
    Arena *arena;
    const Plan *physical; /* distributed */
    Job *job;
} RddRun;

MUST_CHECK Status rdd_run_plan(RddSession *rdds, const Plan *plan, Error *err, RddRun *run_out);
void rdd_run_close(RddRun *run); /* accepts a zeroed one */

#endif
