/* query_job.c -- see query_job.h */
#include "engine/query_job.h"

#include "core/base/invariant.h"
#include "sql/optimizer/distribute.h"

struct QueryJob {
    Table table;
    Session *session;
    const Plan *below; /* what the job runs; the rest is above */
    JobRequest request;
    Job *job; /* NULL: not started */
};

/* --- its rows as a table --- */

typedef struct JobScan {
    QueryJob *job;
    const ScanRequest *request;
    uint64_t sequence;
    Arena *arena;
    Column *columns;
} JobScan;

static Status table_splits(const Table *table, Arena *arena, uint64_t target_bytes, Error *err,
                           uint32_t *count_out, const Split **splits_out)
{
    const QueryJob *job = (const QueryJob *)table;
    Split *split = ARENA_NEW(arena, Split);

    (void)target_bytes, (void)err;
    split->row_count = job->below->estimated_rows;
    *splits_out = split;
    *count_out = 1;
    return ST_OK;
}

static TableStatistics table_statistics(const Table *table)
{
    return (TableStatistics){.row_count = ((const QueryJob *)table)->below->estimated_rows};
}

static ColumnStatistics table_column_statistics(const Table *table, uint32_t column)
{
    (void)table, (void)column;
    return (ColumnStatistics){.null_count = -1, .distinct_count = -1};
}

/* As of a statement, not of a job; who was ended by others is told so (57P01). */
static Status say_cancelled(Status status, Error *err)
{
    return status == ST_CANCELLED && strcmp(err->sqlstate, status_sqlstate(ST_CANCELLED)) == 0
               ? error_set(err, ST_CANCELLED, "canceling statement due to user request")
               : status;
}

static Status start(QueryJob *job, const ScanRequest *scan, Error *err)
{
    JobRequest *request = &job->request;

    if (job->job != NULL)
        return error_set(err, ST_INTERNAL, "the rows of a job are read twice");
    request->unwanted = scan->cancelled;
    return job_start(session_jobs(job->session)->driver, request, err, &job->job);
}

static Status table_scan_open(const Table *table, const Split *split, const ScanRequest *request,
                              Error *err, TableScan **scan_out)
{
    QueryJob *job = (QueryJob *)(uintptr_t)table; /* one scan, one reader */
    Arena *arena;
    JobScan *scan;

    (void)split;
    *scan_out = NULL;
    TRY(say_cancelled(start(job, request, err), err));
    arena = arena_new(NULL, "scan of a job", ARENA_NO_CAP);
    scan = ARENA_NEW(arena, JobScan);
    *scan = (JobScan){.job = job,
                      .request = request,
                      .arena = arena,
                      .columns = ARENA_ARRAY(arena, Column, request->column_count)};
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

static Status table_scan_next(TableScan *opaque, Error *err, Batch *batch_out, bool *exact_out)
{
    JobScan *scan = (JobScan *)opaque;
    Batch batch;

    *exact_out = false;
    *batch_out = (Batch){.column_count = scan->request->column_count};
    TRY(say_cancelled(job_next(scan->job->job, err, &batch), err));
    for (uint32_t i = 0; i < scan->request->column_count && batch.row_count > 0; i++)
        scan->columns[i] = batch.columns[scan->request->columns[i]];
    batch_out->columns = scan->columns;
    batch_out->row_count = batch_out->selected_count = batch.row_count;
    batch_out->sequence = scan->sequence;
    scan->sequence += batch.row_count;
    return ST_OK;
}

static void table_scan_close(TableScan *opaque)
{
    if (opaque != NULL)
        arena_free(((JobScan *)opaque)->arena);
}

static void table_close(Table *table)
{
    job_close(((QueryJob *)table)->job);
}

static const TableClass job_class = {
    .format = "job",
    .splits = table_splits,
    .statistics = table_statistics,
    .column_statistics = table_column_statistics,
    .scan_open = table_scan_open,
    .scan_next = table_scan_next,
    .scan_close = table_scan_close,
    .close = table_close,
};

static void unref_table(void *table)
{
    table_unref(table);
}

/* --- what runs where --- */

static bool reads_rows(const Plan *plan)
{
    if (plan->kind == PLAN_SCAN || plan->kind == PLAN_TABLE_FUNCTION)
        return true;
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (reads_rows(plan->inputs[i]))
            return true;
    return false;
}

bool query_job_is_wanted(const Query *query, const Plan *physical)
{
    bool as_jobs = query->session->config.test_jobs != 0 || session_on_cluster(query->session);

    return query->reads_rdds || (as_jobs && reads_rows(physical));
}

static bool is_gather(const Plan *plan)
{
    const PlanExchange *exchange = plan_as_exchange(plan);

    return exchange != NULL && exchange->kind == EXCHANGE_GATHER;
}

/* Where the distributed plan is cut: what a WRITE reads, or what a LIMIT gathers, with nothing but
 * projections above; else all of it. */
static const Plan *find_below(const Plan *distributed)
{
    const Plan *plan = distributed;
    const Plan *below = distributed;

    if (plan->kind == PLAN_WRITE)
        plan = below = plan->inputs[0];
    if (is_gather(plan))
        return plan->inputs[0];
    while (plan->kind == PLAN_PROJECT)
        plan = plan->inputs[0];
    if (plan->kind == PLAN_LIMIT && is_gather(plan->inputs[0]))
        return plan->inputs[0]->inputs[0];
    return below;
}

static const Plan *scan_of_job(QueryJob *job, Arena *arena)
{
    const Plan *below = job->below;
    TableColumn *columns = ARENA_ARRAY(arena, TableColumn, below->column_count);
    uint32_t *places = ARENA_ARRAY(arena, uint32_t, below->column_count);

    for (uint32_t i = 0; i < below->column_count; i++) {
        const PlanColumn *column = &below->columns[i];

        columns[i] = (TableColumn){column->name, column->type, column->is_nullable, NULL};
        places[i] = i;
    }
    job->table = (Table){.class = &job_class,
                         .name = "job",
                         .column_count = below->column_count,
                         .columns = columns,
                         .ref_count = 1};
    arena_on_free(arena, unref_table, &job->table);
    return plan_with_rows(
        arena, plan_scan(arena, &job->table, NULL, below->column_count, places, below->columns),
        below->estimated_rows);
}

/* The chain from plan down to below or the exchange over it, over the scan instead. */
static const Plan *rest_above(Arena *arena, const Plan *plan, const Plan *below, const Plan *scan)
{
    if (plan == below || (plan->kind == PLAN_EXCHANGE && plan->inputs[0] == below))
        return scan;
    return plan_with_input(arena, plan, rest_above(arena, plan->inputs[0], below, scan));
}

Status query_job_distribute(Query *query, const Plan *physical, Error *err, const Plan **plan_out)
{
    int64_t partitions = query->reads_rdds ? 0 : query->session->config.test_jobs;

    return distribute(query->arena, &query->ids, physical, (uint32_t)partitions, err, plan_out);
}

Status query_job_new(Query *query, const Plan *physical, Error *err, const Plan **rest_out)
{
    Arena *arena = query->arena;
    const Config *config = &query->session->config;
    const NamedRdds *rdds = &query->session->rdds;
    QueryJob *job = ARENA_NEW(arena, QueryJob);
    const Plan *distributed;

    TRY(query_job_distribute(query, physical, err, &distributed));
    job->session = query->session;
    job->below = find_below(distributed);
    TRY(session_job_request(query->session, job->below, err, &job->request));
    if (query->reads_rdds) /* whose partitions functions may see: they stay as they are */
        rdds->complete(rdds->context, arena, &job->request);
    else
        job->request.adaptive = (AdaptiveSettings){.merge_bytes = config->adaptive_merge_bytes,
                                                   .split_bytes = config->adaptive_split_bytes,
                                                   .turns_joins = config->adaptive_join,
                                                   .shapes_result = true};
    *rest_out = rest_above(arena, distributed, job->below, scan_of_job(job, arena));
    query->job = job;
    return ST_OK;
}

uint32_t query_job_stages(const QueryJob *job, const StageReport **reports_out)
{
    *reports_out = NULL;
    return job->job == NULL ? 0 : job_stages(job->job, reports_out);
}
