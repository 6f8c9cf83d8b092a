/* local_job.c -- see local_job.h */
#include "core/rdd/local_job.h"

#include <pthread.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/invariant.h"
#include "core/rdd/block_table.h"
#include "core/rdd/partition_writer.h"
#include "core/rdd/ranges.h"
#include "exec/exec.h"

/* A stage whose tasks find their inputs gone so often in a row, without one that ends, fails. */
enum { STAGE_ATTEMPTS_MAX = 4, THREADS_MAX = 256 };

typedef struct JobStage {
    Job *job;
    const Fragment *fragment;
    BlockOutput *output;
    Ranges ranges;
    bool has_ranges;
    StageReport report;
    uint32_t *attempts; /* by task */

    /* of the run at hand */
    pthread_mutex_t lock;
    uint32_t *missing; /* tasks to run, ascending */
    uint32_t missing_count, next, ended_count;
    uint32_t failed; /* the lowest task that failed; UINT32_MAX: none */
    Error error;
    uint32_t lost_count; /* inputs that tasks did not find */
} JobStage;

struct Job {
    Arena *arena;
    JobRequest request;
    FragmentSet fragments;
    JobStage *stages;
    StageReport *reports;

    /* reading the result */
    uint32_t partition, number, row;
    Block *block;
    BlockView view;
};

/* --- one task --- */

typedef struct TaskRun {
    JobStage *stage;
    uint32_t partition;
    uint32_t attempt;
    Arena *arena;
    uint32_t table_count;
    Table **tables;         /* to be let go */
    uint32_t *producers;    /* by table: the stage whose blocks it reads */
    _Atomic uint32_t *lost; /* by table: the map task whose blocks are gone */
} TaskRun;

/* Uniform in [0, 1), from what names the event alone. */
static double chance(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = seed ^ (a * UINT64_C(0x9e3779b97f4a7c15)) ^ (b * UINT64_C(0xbf58476d1ce4e5b9)) ^
                 (c * UINT64_C(0x94d049bb133111eb));

    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (double)(x >> 11) * 0x1p-53;
}

static BlockRange range_of(const PlanExchange *exchange, const BlockOutput *output,
                           uint32_t partition)
{
    uint32_t maps = block_output_map_count(output);

    if (exchange->kind == EXCHANGE_KEEP)
        return (BlockRange){partition, partition + 1, 0};
    if (exchange->kind == EXCHANGE_BROADCAST)
        return (BlockRange){0, maps, 0};
    return (BlockRange){0, maps, partition};
}

/* Faults of a test: some of what is about to be read is gone. */
static void lose_blocks(const TaskRun *run, BlockOutput *output, BlockRange range)
{
    const JobFaults *faults = &run->stage->job->request.faults;

    if (faults->seed == 0 || faults->lose_block <= 0)
        return;
    for (uint32_t m = range.map_from; m < range.map_to; m++)
        if (chance(faults->seed, run->stage->fragment->id * 1000003u + run->partition, m,
                   run->attempt) < faults->lose_block)
            block_output_drop(output, m);
}

static Table *table_of(void *context, const FragmentSource *source, uint32_t partition)
{
    TaskRun *run = context;
    Job *job = run->stage->job;
    uint32_t number = run->table_count++;

    if (source->leaf->kind == PLAN_SCAN) {
        bool is_any = partition < source->split_count;

        run->producers[number] = UINT32_MAX;
        run->tables[number] = slice_table_new(plan_as_scan(source->leaf)->table, is_any,
                                              is_any ? &source->splits[partition] : NULL);
    } else {
        BlockOutput *output = job->stages[source->producer].output;
        BlockRange range = range_of(plan_as_exchange(source->leaf), output, partition);

        lose_blocks(run, output, range);
        run->producers[number] = source->producer;
        run->tables[number] = block_table_new(output, range, source->leaf->column_count,
                                              source->leaf->columns, &run->lost[number]);
    }
    return run->tables[number];
}

/* Rows from the plan to the output. */
static Status move_rows(TaskRun *run, Execution *execution, PartitionWriter *writer, Error *err,
                        bool *is_same_out)
{
    JobStage *stage = run->stage;
    Batch batch;

    do {
        TRY(exec_next(execution, err, &batch));
        if (batch.row_count > 0)
            TRY(partition_writer_add(writer, &batch, err));
    } while (batch.row_count > 0);
    return partition_writer_finish(writer, stage->output, err, is_same_out);
}

static uint32_t count_leaves(const Plan *plan)
{
    uint32_t count = plan->kind == PLAN_SCAN || plan->kind == PLAN_EXCHANGE;

    if (plan->kind == PLAN_EXCHANGE)
        return 1;
    for (uint32_t i = 0; i < plan->input_count; i++)
        count += count_leaves(plan->inputs[i]);
    return count;
}

static Status run_plan(TaskRun *run, Error *err, bool *is_same_out)
{
    JobStage *stage = run->stage;
    const JobRequest *request = &stage->job->request;
    MemPool *pool = block_store_pool(request->store);
    static const atomic_bool never;
    const atomic_bool *cancelled = request->cancelled == NULL ? &never : request->cancelled;
    ExecRequest exec = {.pool = pool,
                        .threads = 1,
                        .batch_rows = request->batch_rows,
                        .jit = request->jit,
                        .cache = request->cache,
                        .cancelled = cancelled,
                        .partition = run->partition,
                        .partition_count = stage->fragment->partition_count};
    ExecContext context = {.pool = pool,
                           .stop = cancelled,
                           .partition = run->partition,
                           .partition_count = stage->fragment->partition_count};
    PartitionWriter *writer = NULL;
    Execution *execution = NULL;
    UserTask user;
    Status status;

    user_task_init(&user, &context);
    exec.plan = fragment_restrict(stage->fragment, run->arena, run->partition, table_of, run);
    status =
        partition_writer_open(run->arena, stage->fragment, run->partition,
                              stage->has_ranges ? &stage->ranges : NULL, pool, &user, err, &writer);
    if (status == ST_OK)
        status = exec_start(&exec, err, &execution);
    if (status == ST_OK)
        status = move_rows(run, execution, writer, err, is_same_out);
    exec_close(execution);
    partition_writer_close(writer);
    user_task_fini(&user);
    return status;
}

/* What a task that ended badly found missing is dropped, so that it is made again. */
static bool drop_lost(TaskRun *run)
{
    bool is_any = false;

    for (uint32_t i = 0; i < run->table_count; i++) {
        uint32_t map = atomic_load(&run->lost[i]);

        if (run->producers[i] == UINT32_MAX || map == UINT32_MAX)
            continue;
        block_output_drop(run->stage->job->stages[run->producers[i]].output, map);
        is_any = true;
    }
    return is_any;
}

static Status run_task(JobStage *stage, uint32_t partition, Error *err, bool *is_lost_out)
{
    uint32_t leaves = count_leaves(stage->fragment->plan);
    Arena *arena = arena_new(NULL, "task", ARENA_NO_CAP);
    TaskRun run = {.stage = stage, .partition = partition, .arena = arena};
    const JobFaults *faults = &stage->job->request.faults;
    bool is_same = true;
    Status status;

    *is_lost_out = false;
    run.attempt = stage->attempts[partition]++;
    run.tables = ARENA_ARRAY(arena, Table *, leaves);
    run.producers = ARENA_ARRAY(arena, uint32_t, leaves);
    run.lost = arena_alloc(arena, leaves * sizeof *run.lost);
    for (uint32_t i = 0; i < leaves; i++)
        atomic_store(&run.lost[i], UINT32_MAX);
    status = run_plan(&run, err, &is_same);
    if (status != ST_OK)
        *is_lost_out = drop_lost(&run);
    for (uint32_t i = 0; i < run.table_count; i++)
        table_unref(run.tables[i]);
    arena_free(arena);
    if (status == ST_OK && !is_same)
        return error_set(err, ST_INTERNAL,
                         "partition %u of stage %u has other bytes than when it was first made: a "
                         "function on the way to it is not deterministic",
                         partition, stage->fragment->id);
    if (status == ST_OK && faults->seed != 0 &&
        chance(faults->seed, stage->fragment->id + 7919u, partition, run.attempt) <
            faults->fail_task) {
        block_output_drop(stage->output, partition);
        *is_lost_out = true;
        return error_set(err, ST_CORRUPT, "a fault of a test");
    }
    return status;
}

/* --- one stage, on threads --- */

static bool take_task(JobStage *stage, uint32_t *task_out)
{
    bool is_any;

    pthread_mutex_lock(&stage->lock);
    is_any = stage->next < stage->missing_count && stage->failed == UINT32_MAX;
    if (is_any)
        *task_out = stage->missing[stage->next++];
    pthread_mutex_unlock(&stage->lock);
    return is_any;
}

static void *stage_main(void *opaque)
{
    JobStage *stage = opaque;
    uint32_t task;

    while (take_task(stage, &task)) {
        int64_t start = clock_thread_cpu_ns();
        Error err = ERROR_NONE;
        bool is_lost;
        Status status = run_task(stage, task, &err, &is_lost);

        pthread_mutex_lock(&stage->lock);
        stage->report.ms += (double)(clock_thread_cpu_ns() - start) / 1e6;
        stage->report.attempts++;
        if (status == ST_OK) {
            stage->ended_count++;
        } else if (is_lost) {
            stage->lost_count++;
            if (stage->error.status == ST_OK)
                stage->error = err;
        } else if (task < stage->failed) {
            stage->failed = task;
            stage->error = err;
        }
        pthread_mutex_unlock(&stage->lock);
    }
    return NULL;
}

static void run_on_threads(JobStage *stage)
{
    pthread_t threads[THREADS_MAX];
    uint32_t wanted = stage->job->request.threads, count = 0;

    if (wanted > stage->missing_count)
        wanted = stage->missing_count;
    if (wanted > THREADS_MAX)
        wanted = THREADS_MAX;
    while (count + 1 < wanted && pthread_create(&threads[count], NULL, stage_main, stage) == 0)
        count++;
    stage_main(stage);
    while (count > 0)
        pthread_join(threads[--count], NULL);
}

static void find_missing(JobStage *stage)
{
    stage->missing_count = stage->next = stage->ended_count = stage->lost_count = 0;
    stage->failed = UINT32_MAX;
    stage->error = ERROR_NONE;
    for (uint32_t p = 0; p < stage->fragment->partition_count; p++)
        if (!block_output_has(stage->output, p))
            stage->missing[stage->missing_count++] = p;
}

static Status ensure_stage(Job *job, JobStage *stage, Error *err);

static Status ensure_inputs(Job *job, JobStage *stage, Error *err)
{
    const Fragment *fragment = stage->fragment;

    for (uint32_t i = 0; i < fragment->source_count; i++)
        if (fragment->sources[i].leaf->kind == PLAN_EXCHANGE)
            TRY(ensure_stage(job, &job->stages[fragment->sources[i].producer], err));
    if (stage->has_ranges || fragment->exchange == NULL ||
        fragment->exchange->kind != EXCHANGE_RANGE)
        return ST_OK;
    TRY(ranges_find(job->arena, job->stages[fragment->sources[0].producer].output, fragment->plan,
                    fragment->exchange->order, fragment->reduce_count, err, &stage->ranges));
    stage->has_ranges = true;
    return ST_OK;
}

/* All partitions of the stage are there: those that are missing run, after what they need. */
static Status ensure_stage(Job *job, JobStage *stage, Error *err)
{
    uint32_t fruitless = 0;

    for (;;) {
        Status status;

        find_missing(stage);
        if (stage->missing_count == 0)
            return ST_OK;
        status = ensure_inputs(job, stage, err);
        if (status == ST_CORRUPT && fruitless++ < STAGE_ATTEMPTS_MAX)
            continue;
        TRY(status);
        find_missing(stage);
        run_on_threads(stage);
        if (stage->failed != UINT32_MAX || (stage->error.status == ST_CANCELLED)) {
            if (err != NULL)
                *err = stage->error;
            return stage->error.status;
        }
        fruitless = stage->ended_count > 0 || job->request.faults.seed != 0 ? 0 : fruitless + 1;
        if (stage->lost_count > 0 && fruitless >= STAGE_ATTEMPTS_MAX) {
            if (err != NULL)
                *err = stage->error;
            error_hint(err, "Stage %u lost its input %u times in a row.", stage->fragment->id,
                       fruitless);
            return stage->error.status;
        }
    }
}

/* --- the job --- */

static BlockOutput *find_output(Job *job, const Fragment *fragment)
{
    const KeepRegistry *keep = &job->request.keep;
    const PlanExchange *exchange = fragment->exchange;
    bool is_kept = exchange != NULL && exchange->kind == EXCHANGE_KEEP && exchange->keep_id != 0 &&
                   keep->find != NULL;
    BlockOutput *output = is_kept ? keep->find(keep->context, exchange->keep_id) : NULL;

    if (output != NULL)
        return output;
    output = block_output_new(job->request.store, fragment->partition_count, fragment->reduce_count,
                              fragment->plan->column_count, fragment->plan->columns);
    if (is_kept)
        keep->keep(keep->context, exchange->keep_id, output);
    return output;
}

static void open_stages(Job *job)
{
    uint32_t count = job->fragments.count;

    job->stages = ARENA_ARRAY(job->arena, JobStage, count);
    job->reports = ARENA_ARRAY(job->arena, StageReport, count);
    for (uint32_t i = 0; i < count; i++) {
        JobStage *stage = &job->stages[i];
        const Fragment *fragment = &job->fragments.items[i];

        stage->job = job;
        stage->fragment = fragment;
        pthread_mutex_init(&stage->lock, NULL);
        stage->output = find_output(job, fragment);
        stage->attempts = ARENA_ARRAY(job->arena, uint32_t, fragment->partition_count);
        stage->missing = ARENA_ARRAY(job->arena, uint32_t, fragment->partition_count);
        stage->report = (StageReport){.tasks = fragment->partition_count, .plan = fragment->plan};
        for (uint32_t p = 0; p < fragment->partition_count; p++)
            stage->report.skipped += block_output_has(stage->output, p);
    }
}

Status job_start(const JobRequest *request, Error *err, Job **job_out)
{
    Arena *arena = arena_new(NULL, "job", ARENA_NO_CAP);
    Job *job = ARENA_NEW(arena, Job);
    const Plan *plan = request->plan;
    Status status;

    *job_out = NULL;
    job->arena = arena;
    job->request = *request;
    job->view = block_view_make(arena, plan->column_count, request->batch_rows);
    status = fragments_cut(arena, plan, err, &job->fragments);
    if (status == ST_OK) {
        open_stages(job);
        status = ensure_stage(job, &job->stages[job->fragments.count - 1], err);
    }
    if (status != ST_OK) {
        job_close(job);
        return status;
    }
    *job_out = job;
    return ST_OK;
}

void job_close(Job *job)
{
    if (job == NULL)
        return;
    block_unref(job->block);
    for (uint32_t i = 0; job->stages != NULL && i < job->fragments.count; i++) {
        block_output_unref(job->stages[i].output);
        pthread_mutex_destroy(&job->stages[i].lock);
    }
    arena_free(job->arena);
}

static const JobStage *result_stage(const Job *job)
{
    return &job->stages[job->fragments.count - 1];
}

/* The next block of the result; NULL at the end. */
static Status next_block(Job *job, Error *err)
{
    JobStage *stage = &job->stages[job->fragments.count - 1];

    block_unref(job->block);
    job->block = NULL;
    job->row = 0;
    while (job->partition < stage->fragment->partition_count) {
        Status status =
            block_output_get(stage->output, job->partition, 0, job->number, err, &job->block);

        if (status == ST_CORRUPT) { /* spilled, and damaged since: made again, the same bytes */
            block_output_drop(stage->output, job->partition);
            TRY(ensure_stage(job, stage, err));
            status =
                block_output_get(stage->output, job->partition, 0, job->number, err, &job->block);
        }
        TRY(status);
        job->number++;
        if (job->block != NULL)
            return ST_OK;
        job->partition++;
        job->number = 0;
    }
    return ST_OK;
}

Status job_next(Job *job, Error *err, Batch *batch_out)
{
    const Plan *plan = job->request.plan;
    uint32_t count;

    *batch_out = (Batch){.column_count = plan->column_count};
    while (job->block == NULL || job->row == block_row_count(job->block)) {
        TRY(next_block(job, err));
        if (job->block == NULL)
            return ST_OK;
    }
    count = block_row_count(job->block) - job->row;
    if (count > job->request.batch_rows)
        count = job->request.batch_rows;
    for (uint32_t i = 0; i < plan->column_count; i++)
        block_view_column(&job->view, i, job->block, i, plan->columns[i].type, job->row, count);
    job->row += count;
    batch_out->columns = job->view.columns;
    batch_out->row_count = batch_out->selected_count = count;
    return ST_OK;
}

uint32_t job_partition_count(const Job *job)
{
    return result_stage(job)->fragment->partition_count;
}

uint64_t job_partition_rows(const Job *job, uint32_t partition)
{
    return block_output_rows(result_stage(job)->output, partition, UINT32_MAX);
}

uint32_t job_stages(const Job *job, const StageReport **reports_out)
{
    for (uint32_t i = 0; i < job->fragments.count; i++) {
        job->reports[i] = job->stages[i].report;
        job->reports[i].rows = block_output_rows(job->stages[i].output, UINT32_MAX, UINT32_MAX);
        job->reports[i].bytes = block_output_bytes(job->stages[i].output);
    }
    *reports_out = job->reports;
    return job->fragments.count;
}
