/* rdd_run.c -- plans become jobs; see rdd_internal.h */
#include <string.h>

#include "core/base/big_stack.h"
#include "engine/plan_transport.h"
#include "engine/rdd_internal.h"
#include "engine/rdd_lineage.h"
#include "sql/optimizer/distribute.h"

typedef struct Planning {
    RddRun *run;
    const Plan *plan;
    bool is_streamed;
    Error *err;
} Planning;

static Status make_plan(void *opaque)
{
    Planning *planning = opaque;
    RddRun *run = planning->run;
    RddSession *rdds = run->rdds;
    PlanIds ids = rdds->ids; /* so that each action makes the same plan */
    const Plan *plan = plan_from_graph(run->arena, planning->plan, &ids), *physical;

    TRY(session_optimize(rdds->session->session, run->arena, &ids, plan, planning->err, &physical));
    TRY(distribute(run->arena, &ids, physical, 0, planning->err, &run->physical));
    if (session_config(rdds->session->session)->test_wire)
        TRY(plan_transport_here(run->physical, rdds->jobs->pool, run->arena, planning->err,
                                &run->physical));
    return arena_check(run->arena, planning->err);
}

Status rdd_plan(RddSession *rdds, const Plan *plan, Error *err, RddRun *run_out)
{
    Planning planning = {.run = run_out, .plan = plan, .err = err};

    *run_out = (RddRun){.rdds = rdds, .arena = arena_new(NULL, "RDD job", ARENA_NO_CAP)};
    return big_stack_run(PLANNING_STACK_BYTES, make_plan, &planning, err);
}

void rdd_complete_request(void *opaque, Arena *arena, JobRequest *request)
{
    RddSession *rdds = opaque;

    request->shared = rdds->shared;
    request->pool = rdds->job_pool;
    request->group = rdds->group;
    request->tag_count = rdds->tag_count;
    request->tags = arena_copy(arena, rdds->tags, rdds->tag_count * sizeof *rdds->tags);
}

Status rdd_job_request(const RddRun *run, const atomic_bool *cancelled, bool is_streamed,
                       Error *err, JobRequest *request_out)
{
    TRY(session_job_request(run->rdds->session->session, run->physical, err, request_out));
    rdd_complete_request(run->rdds, run->arena, request_out);
    request_out->cancelled = cancelled;
    if (!is_streamed)
        request_out->stream_partitions = 0;
    return ST_OK;
}

static Status start_job(void *opaque)
{
    Planning *planning = opaque;
    RddRun *run = planning->run;
    JobRequest request;

    TRY(rdd_job_request(run, session_cancelled(run->rdds->session->session), planning->is_streamed,
                        planning->err, &request));
    return job_start(run->rdds->jobs->driver, &request, planning->err, &run->job);
}

static Status run_plan(RddSession *rdds, const Plan *plan, bool is_streamed, Error *err,
                       RddRun *run_out)
{
    Planning planning = {.run = run_out, .is_streamed = is_streamed, .err = err};
    Status status;

    session_begin(rdds->session->session);
    status = rdd_plan(rdds, plan, err, run_out);
    if (status == ST_OK)
        status = start_job(&planning);
    if (status != ST_OK)
        rdd_run_close(run_out);
    return status;
}

/* The ledger of what the job has made. */
static void write_lineage(const RddRun *run)
{
    VonkSession *session = run->rdds->session;

    if (session->lineage != NULL)
        fputs(lineage_of_job(run->arena, run->job, ++session->job_count), session->lineage);
}

void rdd_run_close(RddRun *run)
{
    if (run->job != NULL)
        write_lineage(run);
    job_close(run->job);
    arena_free(run->arena);
    *run = (RddRun){0};
}

static Status run_rdd(const VonkRdd *rdd, bool is_streamed, Error *err, RddRun *run_out)
{
    *run_out = (RddRun){0};
    if (rdd_is_failed(rdd))
        return (Status)rdd_report(rdd, (VonkError *)err);
    return run_plan(rdd->rdds, rdd->plan, is_streamed, err, run_out);
}

Status rdd_run(const VonkRdd *rdd, Error *err, RddRun *run_out)
{
    return run_rdd(rdd, false, err, run_out);
}

Status rdd_run_streamed(const VonkRdd *rdd, Error *err, RddRun *run_out)
{
    return run_rdd(rdd, true, err, run_out);
}

/* --- about the plan --- */

Status rdd_partition_count(RddSession *rdds, const Plan *plan, Error *err, uint32_t *count_out)
{
    RddRun run = {0};
    FragmentSet set;
    Status status = rdd_plan(rdds, plan, err, &run);

    *count_out = 0;
    if (status == ST_OK)
        status = fragments_cut(run.arena, run.physical, err, &set);
    if (status == ST_OK)
        *count_out = set.items[set.count - 1].partition_count;
    rdd_run_close(&run);
    return status;
}

VonkStatus vonk_rdd_partition_count(VonkRdd *rdd, uint32_t *count_out, VonkError *error)
{
    if (count_out == NULL)
        return rdd_missing(error, "count_out");
    *count_out = 0;
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);
    return (VonkStatus)rdd_partition_count(rdd->rdds, rdd->plan, (Error *)error, count_out);
}

static const char *explain(VonkRdd *rdd, LineageFormat format)
{
    if (rdd_is_failed(rdd))
        return rdd == NULL ? "the RDD is NULL" : rdd->error.message;

    Arena *arena = rdd->rdds->arena;
    Error err = ERROR_NONE;
    RddRun run = {0};
    FragmentSet set;
    const char *text;

    if (rdd_plan(rdd->rdds, rdd->plan, &err, &run) != ST_OK ||
        fragments_cut(run.arena, run.physical, &err, &set) != ST_OK)
        text = arena_strdup(arena, err.message);
    else
        text = arena_strdup(arena, lineage_print(run.arena, &set, rdd->rdds->jobs->driver, format));
    rdd_run_close(&run);
    return text;
}

const char *vonk_rdd_explain(VonkRdd *rdd)
{
    return explain(rdd, LINEAGE_TEXT);
}

const char *vonk_rdd_explain_as(VonkRdd *rdd, const char *format)
{
    static const char *const names[] = {"text", "json", "dot"};

    for (int i = 0; format != NULL && i < 3; i++)
        if (strcmp(format, names[i]) == 0)
            return explain(rdd, (LineageFormat)i);
    return NULL;
}
