/*
 * rdd_internal.h -- what the files of the RDD API share
 *
 *     rdd.c           handles, and what every call on them asks first
 *     rdd_types.c     record types: their layouts, and whether two are the same
 *     rdd_sources.c rdd_table.c rdd_calls.c rdd_groups.c rdd_pipe.c rdd_window.c
 *     rdd_keys.c rdd_sets.c rdd_join.c rdd_places.c
 *                     calls become plan nodes
 *     rdd_shared.c    accumulators and broadcast values
 *     rdd_run.c rdd_async.c
 *                     plans become jobs, and actions, that are waited for or not
 *     rdd_actions.c rdd_statistics.c rdd_output.c rdd_save.c rdd_checkpoint.c
 *                     jobs' rows become answers, text, files
 *
 * Where a call hands the user's function something else than an operator of exec does (zip: a
 * record of each side), a function of the engine's own stands between: it is what the plan runs,
 * and the user's is its `inner` one (rdd_enter).
 *
 * Plans of RDDs live in one arena of the session, under ids of their own: they are shared by all
 * actions. An action copies what it rewrites into an arena of its own.
 */
#ifndef VONK_ENGINE_RDD_INTERNAL_H
#define VONK_ENGINE_RDD_INTERNAL_H

#include <stdatomic.h>
#include <string.h>

#include "engine/api_internal.h"
#include "exec/user_shared.h"
#include "exec/user_task.h"
#include "vonk/rdd.h"

typedef struct KnownLayout {
    const VonkRecordType *type;
    const RecordLayout *layout;
    struct KnownLayout *next;
} KnownLayout;

/* A task each, and what each of them makes for each of the next stage's: more are a mistake. */
enum { PARTITIONS_MAX = 100000, TAGS_MAX = 16 };

struct RddSession {
    VonkSession *session;
    Arena *arena;
    PlanIds ids;
    SessionJobs *jobs;
    UserShared *shared;
    uint64_t group;    /* of jobs that start now; 0: none */
    uint32_t job_pool; /* of jobs that start now          */
    uint32_t pool_count;
    const char *pool_names[POOLS_MAX]; /* of the driver's pools, by number; [0]: the default */
    uint32_t tag_count;
    uint64_t tags[TAGS_MAX];
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
    BlockOutput *blocks; /* of a local checkpoint, as long as the session; else NULL */
    VonkJob **job_out;   /* of vonk_rdd_async: an action goes on in the background; else NULL */
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

/* The record, and so many int8 fields behind it, from *offset_out on. */
const RecordLayout *rdd_wider_layout(Arena *arena, const RecordLayout *in, uint32_t count,
                                     const char *const *names, uint32_t *offset_out);

/* The fields, all as keys: for what compares whole records. */
const RecordField *rdd_all_keys(Arena *arena, const RecordLayout *layout);

/* --- rdd.c --- */

VonkRdd *rdd_new(RddSession *rdds, const Plan *plan, const RecordLayout *layout);
VonkRdd *rdd_failed(RddSession *rdds, const Error *err);

/* A call on what is not there gives what is not there: NULL, too. The action says so. */
static inline bool rdd_is_failed(const VonkRdd *rdd)
{
    return rdd == NULL || rdd->plan == NULL;
}

/* A failed RDD's error goes to the caller; of NULL, that it is NULL. */
VonkStatus rdd_report(const VonkRdd *failed, VonkError *error);
VonkStatus rdd_missing(VonkError *error, const char *what); /* it is NULL */

/* RDDs that a call takes together: all there, of one session. Otherwise false, and *failed_out is
 * what the call gives. */
MUST_CHECK bool rdd_check_together(VonkRdd *const *rdds, uint32_t count, const char *function,
                                   VonkRdd **failed_out);

/* A number of partitions that there can be, from 1 on. */
MUST_CHECK Status rdd_check_partitions(uint32_t partitions, Error *err);

/* All columns of a plan: what a record of it is made of; those of its key. */
ColumnList rdd_columns(Arena *arena, const Plan *plan);
ColumnList rdd_key_columns(Arena *arena, const Plan *plan, const RecordLayout *layout);

/* The same plan under ids of its own, to be read beside the first; whether it is made once for both
 * is settled when the plan is run (plan_from_graph). */
const Plan *rdd_apart(Arena *arena, PlanIds *ids, const Plan *plan);

/* The function, with its closure copied. */
UserFunction rdd_function(RddSession *rdds, VonkCall call);

/* A function of the engine's, under a name that no user's has, with the closure copied; inner: the
 * user's that it calls, which errors name. */
UserFunction rdd_own_function(RddSession *rdds, const char *name, void (*function)(void),
                              const UserFunction *inner, const void *closure, size_t bytes);

/* The record with its texts; NULL: NULL. */
const void *rdd_copy_record(RddSession *rdds, const RecordLayout *layout, const void *record);

/* The record type that a call names must be that of the RDD (NULL: is). */
MUST_CHECK Status rdd_check_input(const VonkRdd *rdd, const VonkRecordType *type,
                                  const char *function, Error *err,
                                  const RecordLayout **layout_out);
MUST_CHECK Status rdd_check_keys(const RecordLayout *layout, const char *function, Error *err);
/* Both. */
MUST_CHECK Status rdd_check_keyed(const VonkRdd *rdd, const VonkRecordType *type,
                                  const char *function, Error *err,
                                  const RecordLayout **layout_out);
/* Keys of the same types in the same order. */
MUST_CHECK Status rdd_check_same_keys(const RecordLayout *a, const RecordLayout *b,
                                      const char *function, Error *err);

/* As above, for records that get the keys of others: a NULL must have a place. */
MUST_CHECK Status rdd_check_kept_keys(const RecordLayout *in, const RecordLayout *out,
                                      const char *function, Error *err);

/* --- fields of records --- */

/* What a field holds; texts are borrowed. */
Value rdd_field_value(const RecordField *field, const void *record);

/* A value that goes from one record to another, with its NULL. */
typedef struct FieldCopy {
    uint32_t from, to, bytes;
    uint32_t from_null, to_null; /* RECORD_NEVER_NULL: no place */
} FieldCopy;

/* Of in's fields, in order, to those of out that are no key; copies has room for all. */
MUST_CHECK Status rdd_field_copies(const RecordLayout *in, const RecordLayout *out,
                                   const char *function, Error *err, FieldCopy *copies);

static inline void field_copy(const FieldCopy *copy, const void *in, void *out)
{
    memcpy((char *)out + copy->to, (const char *)in + copy->from, copy->bytes);
    if (copy->to_null != RECORD_NEVER_NULL)
        ((bool *)out)[copy->to_null] =
            copy->from_null != RECORD_NEVER_NULL && ((const bool *)in)[copy->from_null];
}

/* Where a record's texts are: for functions of the engine's that keep records. */
typedef struct TextPlaces {
    uint32_t count;
    uint32_t offsets[];
} TextPlaces;

/* Lives in the arena. */
const TextPlaces *rdd_text_places(Arena *arena, const RecordLayout *layout, size_t *bytes_out);

/* The record's texts are copied to the task's memory; false: there is none, the task has failed. */
bool texts_own(VonkTask *task, const TextPlaces *places, void *record);
bool text_own(VonkTask *task, char *place); /* the VonkText there */

/* --- functions of the engine's around those of users --- */

/* The user's function; its closure is what the task shows until rdd_leave. */
static inline const UserFunction *rdd_enter(VonkTask *task)
{
    const UserFunction *inner = ((UserTask *)task)->function->inner;

    task->closure = inner->closure;
    return inner;
}

static inline void rdd_leave(VonkTask *task)
{
    task->closure = ((UserTask *)task)->function->closure;
}

/* --- rdd_calls.c, rdd_groups.c --- */

/* A step behind the RDD's plan; in is the RDD's layout. */
VonkRdd *rdd_call(VonkRdd *rdd, CallStep step);

/* A function over whole partitions (has_keys: over the records of one key) of count RDDs. */
VonkRdd *rdd_group(VonkRdd *const *group, uint32_t count, bool has_keys,
                   const VonkRecordType *const *in, const VonkRecordType *out,
                   UserFunction function, uint32_t partitions);

/* A function reads each partition of the RDD (in: what of its records; none of their fields: only
 * how many there are) and then, for_all not NULL, all of that. */
VonkRdd *rdd_read_partitions(VonkRdd *rdd, VonkRdd *for_all, const RecordLayout *in,
                             const RecordLayout *out, UserFunction function);

/* The function over the RDD's partitions, each beside what `summary` makes of all of them (records
 * of that layout); one plan, and the records are made once. */
VonkRdd *rdd_beside_summaries(VonkRdd *rdd, const RecordLayout *summaries, UserFunction summary,
                              const RecordLayout *out, UserFunction function);

/* For one of several readers in a plan, which has the RDD once: all of one ++ids.last_shared see
 * the same partitions. */
VonkRdd *rdd_shared(VonkRdd *rdd, int64_t shared_id);

/* --- rdd_output.c --- */

/* For what is written somewhere without a function that would read it: the same records, of which
 * one with a NULL in a field that has none is an error. */
VonkRdd *rdd_whole(VonkRdd *rdd);

/* --- rdd_places.c --- */

/* "n DESC, word" as keys on the RDD's columns; NULL: the order of its key. */
MUST_CHECK Status rdd_find_order(const VonkRdd *rdd, const char *order, bool is_reversed,
                                 Error *err, SortKeyList *keys_out);

/* --- rdd_sources.c --- */

/* A scan of all columns, under the names and types of the layout. Takes the table. */
VonkRdd *rdd_scan(RddSession *rdds, Table *table, const RecordLayout *layout);

/* --- rdd_table.c --- */

/* The plan, in the arena, with scans of registered RDDs replaced by their plans; itself when it has
 * none. ids are above all of these. */
const Plan *rdd_replace_tables(Arena *arena, PlanIds *ids, const Plan *plan);

/* --- rdd_join.c --- */

/* The keys of a row of both plans are the same. */
const Expr *rdd_keys_equal(Arena *arena, const Plan *a, const RecordLayout *a_layout, const Plan *b,
                           const RecordLayout *b_layout);

/* --- rdd_run.c --- */

/* A job that runs the plan; rdd_run_close ends it. */
typedef struct RddRun {
    RddSession *rdds;
    Arena *arena;
    const Plan *physical; /* distributed */
    Job *job;
} RddRun;

MUST_CHECK Status rdd_plan(RddSession *rdds, const Plan *plan, Error *err, RddRun *run_out);
/* Where the session's functions find what they share, and what its jobs are called now; rdds: an
 * RddSession (NamedRdds). */
void rdd_complete_request(void *rdds, Arena *arena, JobRequest *request);
/* What the job of a plan asks for; cancelled: looked at while it runs. is_streamed: its result is
 * made as it is read. */
MUST_CHECK Status rdd_job_request(const RddRun *run, const atomic_bool *cancelled, bool is_streamed,
                                  Error *err, JobRequest *request_out);
MUST_CHECK Status rdd_run(const VonkRdd *rdd, Error *err, RddRun *run_out);
MUST_CHECK Status rdd_run_streamed(const VonkRdd *rdd, Error *err, RddRun *run_out);
void rdd_run_close(RddRun *run); /* accepts a zeroed one */

/* --- rdd_async.c --- */

/* What an action runs, and what it makes of the rows. */
typedef struct RddAction {
    const VonkRdd *rdd; /* that it was called on: says whether it goes on in the background */
    const Plan *plan;
    /* NULL, or what is to be done behind the job, and when it was not: on the job's thread, where
     * nothing of the session's may be touched. */
    Status (*settle)(void *context, Error *err);
    void (*failed)(void *context);
    /* NULL, or what gives the caller the answer, on the session's thread. */
    Status (*finish)(RddRun *run, void *context, Error *err);
    const void *context; /* copied now */
    size_t context_bytes;
} RddAction;

/* Runs it; or starts it, where its RDD is one of vonk_rdd_async: finish then comes with
 * vonk_job_wait. */
MUST_CHECK Status rdd_act(const RddAction *action, Error *err);

/* An action that only gives an answer: finish makes it, of the context's bytes. */
MUST_CHECK VonkStatus rdd_answer(const VonkRdd *rdd, const Plan *plan,
                                 Status (*finish)(RddRun *run, void *context, Error *err),
                                 const void *context, size_t context_bytes, VonkError *error);

/* An RDD that was just made for an action on another goes on as that one would. */
static inline VonkRdd *rdd_as_asked(VonkRdd *made, const VonkRdd *asked)
{
    if (made != NULL && asked != NULL)
        made->job_out = asked->job_out;
    return made;
}

/* --- rdd_actions.c --- */

/* All records, and how many are of each partition. */
typedef struct RddPieces {
    VonkRecords *records;
    const char *data;
    uint32_t partition_count;
    uint64_t *rows;
} RddPieces;

/* What the run has made: records of that layout, from any thread. */
MUST_CHECK Status rdd_pieces(RddRun *run, const RecordLayout *layout, Error *err,
                             RddPieces *pieces_out);
void rdd_pieces_free(RddPieces *pieces);

/* --- rdd_run.c, again --- */

/* Without running anything. */
MUST_CHECK Status rdd_partition_count(RddSession *rdds, const Plan *plan, Error *err,
                                      uint32_t *count_out);

#endif
