/* rdd_job.c -- see rdd_job.h */
#include "core/rdd/rdd_job.h"

#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/plan/plan_wire_here.h"
#include "core/rdd/driver_internal.h"
#include "core/rdd/stage_wire.h"

/* Of the partitions that a streamed result begins with. */
enum { STREAM_GROWTH_MAX = 8 };

/* --- stages --- */

static BlockOutput *find_output(Driver *driver, JobStage *stage)
{
    const Fragment *fragment = stage->fragment;
    const PlanExchange *exchange = fragment->exchange;
    uint32_t level = KEEP_DEFAULT;
    BlockOutput *output = NULL;

    if (exchange != NULL && exchange->kind == EXCHANGE_KEEP)
        stage->keep_id = exchange->keep_id;
    if (stage->keep_id != 0)
        level = (uint32_t)exchange->keep_level;
    if (stage->keep_id != 0)
        output = driver__find_kept(driver, stage->keep_id);
    if (output != NULL && block_output_map_count(output) == fragment->partition_count)
        return output;
    block_output_unref(output); /* of what the files were then */
    output =
        block_output_new(driver->store, level, fragment->partition_count, fragment->reduce_count,
                         fragment->plan->column_count, fragment->plan->columns);
    if (stage->keep_id != 0)
        driver__keep(driver, stage->keep_id, output);
    return output;
}

/* What a kept output has of a partition; hash 0: nothing. */
static LedgerEntry kept_entry(const BlockOutput *output, uint32_t partition)
{
    return (LedgerEntry){.hash = block_output_hash(output, partition),
                         .rows = block_output_rows(output, partition, UINT32_MAX),
                         .bytes = block_output_bytes(output, partition)};
}

/* Partitions that an earlier job has left. */
static void note_kept(Driver *driver, JobStage *stage)
{
    for (uint32_t p = 0; stage->keep_id != 0 && p < stage->fragment->partition_count; p++) {
        LedgerEntry entry = kept_entry(stage->output, p);

        if (entry.hash == 0)
            continue;
        scheduler_output_exists(driver->scheduler, stage->id, p,
                                driver__kept_place(stage->output, p), entry.hash);
        stage->ledger[p] = entry;
        stage->report.skipped++;
    }
}

/* Each task of the stage will take what tasks of the producer make. */
static void count_reads(const JobStage *stage, uint32_t source, JobStage *producer)
{
    for (uint32_t p = 0; p < stage->fragment->partition_count; p++) {
        PartitionRange maps = driver__taken(stage, source, p);

        for (uint32_t m = maps.first; m < maps.first + maps.count; m++)
            producer->reads_left[m]++;
    }
}

static void add_stage(Driver *driver, Job *job, JobStage *stage, const Fragment *fragment)
{
    Arena *arena = job->arena;
    StageParent *parents = ARENA_ARRAY(arena, StageParent, fragment->source_count);
    StageSpec spec = {
        .partition_count = fragment->partition_count, .parents = parents, .context = stage};
    const JobRequest *request = &job->request;

    stage->job = job;
    stage->fragment = fragment;
    stage->name = arena_printf(arena, "%u: %s", fragment->id, fragment_label(fragment, arena));
    stage->output = find_output(driver, stage);
    block_output_begin_use(stage->output);
    stage->launches = ARENA_ARRAY(arena, uint32_t, fragment->partition_count);
    stage->ledger = ARENA_ARRAY(arena, LedgerEntry, fragment->partition_count);
    stage->reads_left = ARENA_ARRAY(arena, uint32_t, fragment->partition_count);
    stage->is_let_go = ARENA_ARRAY(arena, bool, fragment->partition_count);
    stage->takes = ARENA_ARRAY(arena, const PartitionRange *, fragment->source_count);
    stage->report = (StageReport){.name = stage->name,
                                  .tasks = fragment->partition_count,
                                  .fragment = fragment,
                                  .ledger = stage->ledger};
    stage_work_init(&stage->work, stage->wired == NULL ? fragment : stage->wired);
    if (fragment_is_sampled(fragment)) {
        stage->range_arena = arena_new(NULL, "samples", ARENA_NO_CAP);
        stage->samples = ARENA_ARRAY(stage->range_arena, WireBytes, fragment->partition_count);
    }
    stage->work.store = driver->store;
    stage->work.level = block_output_level(stage->output);
    stage->work.batch_rows = request->batch_rows;
    stage->work.jit = request->jit;
    stage->work.cache = request->cache;
    stage->work.spill_bytes = request->spill_bytes;
    stage->work.shared = request->shared;
    stage->work.faults = request->faults;
    stage->work.inputs = ARENA_ARRAY(arena, BlockOutput *, fragment->source_count);
    for (uint32_t i = 0; i < fragment->source_count; i++) {
        JobStage *producer = &job->stages[fragment->sources[i].producer];

        if (fragment->sources[i].leaf->kind != PLAN_EXCHANGE)
            continue;
        stage->work.inputs[i] = producer->output;
        stage->takes[i] = fragment_takes(&job->fragments, fragment, i, arena);
        count_reads(stage, i, producer);
        parents[spec.parent_count++] =
            (StageParent){producer->id, fragment_reads(&job->fragments, fragment, i, arena)};
    }
    spec.name = stage->name;
    stage->id = scheduler_add_stage(driver->scheduler, &spec);
    list_push(&driver->stages, &stage->node);
    note_kept(driver, stage);
    driver__say_stage(driver, stage);
}

/* Every stage as bytes, for executors elsewhere. */
static Status encode_stages(Job *job, Error *err)
{
    const JobRequest *request = &job->request;
    StageSettings settings = {.batch_rows = request->batch_rows,
                              .jit = request->jit,
                              .spill_bytes = request->spill_bytes,
                              .codec = request->codec};

    for (uint32_t i = 0; request->wire != NULL && i < job->fragments.count; i++)
        TRY(stage_encode(&job->fragments, &job->fragments.items[i], &settings, request->wire,
                         job->arena, err, &job->stages[i].plan));
    return ST_OK;
}

/* --- running --- */

static JobStage *result_stage(const Job *job)
{
    return &job->stages[job->fragments.count - 1];
}

static bool is_cancelled(const JobRequest *request)
{
    return (request->cancelled != NULL && atomic_load(request->cancelled)) ||
           (request->unwanted != NULL && atomic_load(request->unwanted));
}

/* With the lock: those partitions of the result are there, or *err says why not. */
static Status run(Job *job, PartitionRange range, Error *err)
{
    Driver *driver = job->driver;
    const JobRequest *request = &job->request;
    JobSpec spec = {.stage = result_stage(job)->id,
                    .range = range,
                    .pool = request->pool,
                    .group = request->group,
                    .tag_count = request->tag_count,
                    .tags = request->tags,
                    .context = job};

    job->is_running = true;
    job->error = ERROR_NONE;
    if (driver->observer.began != NULL)
        driver->observer.began(driver->observer.context, driver);
    job->id = scheduler_submit(driver->scheduler, &spec);
    driver__say_job(driver, job, range);
    if (request->submitted != NULL)
        request->submitted(request->context);
    driver__pump(driver);
    while (job->is_running) {
        if (driver->shut.status != ST_OK || is_cancelled(request)) {
            scheduler_cancel(driver->scheduler, job->id);
            driver__pump(driver);
        } else {
            driver__wait(driver);
        }
    }
    if (job->state != JOB_SUCCEEDED && err != NULL)
        *err = job->error;
    return job->error.status;
}

/* With the lock: the next partitions, at least one. */
static Status run_more(Job *job, Error *err)
{
    uint32_t count = result_stage(job)->fragment->partition_count - job->ready_end;
    PartitionRange range = {.first = job->ready_end, .count = count};

    if (job->request.stream_partitions != 0 && job->stream_partitions < count)
        range.count = job->stream_partitions;
    TRY(run(job, range, err));
    if (job->stream_partitions < STREAM_GROWTH_MAX * job->request.stream_partitions)
        job->stream_partitions *= 2;
    job->ready_end += range.count;
    return ST_OK;
}

static void read_from(Job *job, uint32_t partition, uint32_t number)
{
    BlockRange range = {.map_from = partition, .map_to = job->ready_end};

    block_reader_close(&job->reader);
    block_reader_open(&job->reader, result_stage(job)->output, range, number,
                      job->request.cancelled);
}

/* Each fragment as an executor elsewhere would have it. */
static Status wire_fragments(Job *job, Error *err)
{
    const JobRequest *request = &job->request;
    StageSettings settings = {.batch_rows = request->batch_rows,
                              .jit = request->jit,
                              .spill_bytes = request->spill_bytes,
                              .codec = request->codec};
    WireHere *here = ARENA_NEW(job->arena, WireHere);
    PlanWireHooks hooks;

    here->arena = job->arena;
    hooks = wire_here_hooks(here);
    for (uint32_t i = 0; i < job->fragments.count; i++) {
        StageWire *stage = ARENA_NEW(job->arena, StageWire);
        WireBytes bytes;

        TRY(stage_encode(&job->fragments, &job->fragments.items[i], &settings, &hooks, job->arena,
                         err, &bytes));
        TRY(stage_decode(bytes, &hooks, job->arena, err, stage));
        job->stages[i].wired = &stage->fragment;
    }
    return ST_OK;
}

static Status cut(Job *job, Error *err)
{
    TRY(fragments_cut(job->arena, job->request.plan, err, &job->fragments));
    job->stages = ARENA_ARRAY(job->arena, JobStage, job->fragments.count);
    job->reports = ARENA_ARRAY(job->arena, StageReport, job->fragments.count);
    TRY(encode_stages(job, err));
    return job->request.is_wired ? wire_fragments(job, err) : ST_OK;
}

Status job_start(Driver *driver, const JobRequest *request, Error *err, Job **job_out)
{
    Arena *arena = arena_new(NULL, "job", ARENA_NO_CAP);
    Job *job = ARENA_NEW(arena, Job);
    Status status;

    *job_out = NULL;
    job->arena = arena;
    job->request = *request;
    job->stream_partitions = request->stream_partitions;
    if (request->tag_count > 0) /* the caller's may change while it runs */
        job->request.tags =
            arena_copy(arena, request->tags, request->tag_count * sizeof *request->tags);
    job->driver = driver;
    job->view = block_view_make(arena, request->plan->column_count, request->batch_rows);
    status = cut(job, err);
    if (status == ST_OK) {
        pthread_mutex_lock(&driver->lock);
        driver__tick(driver);
        for (; job->stage_count < job->fragments.count; job->stage_count++)
            add_stage(driver, job, &job->stages[job->stage_count],
                      &job->fragments.items[job->stage_count]);
        status = run_more(job, err);
        pthread_mutex_unlock(&driver->lock);
    }
    if (status != ST_OK) {
        job_close(job);
        return status;
    }
    read_from(job, 0, 0);
    *job_out = job;
    return ST_OK;
}

/* With the lock. Attempts that were cancelled may still be at work on the job's plans. */
static void release_stages(Job *job)
{
    Driver *driver = job->driver;

    for (uint32_t i = job->stage_count; i > 0; i--)
        scheduler_stage_unref(driver->scheduler, job->stages[i - 1].id);
    driver__pump(driver);
    for (uint32_t i = 0; i < job->stage_count; i++)
        while (!job->stages[i].is_released)
            driver__wait(driver);
}

void job_close(Job *job)
{
    if (job == NULL)
        return;
    block_unref(job->block);
    block_reader_close(&job->reader);
    pthread_mutex_lock(&job->driver->lock);
    release_stages(job);
    pthread_mutex_unlock(&job->driver->lock);
    for (uint32_t i = 0; i < job->stage_count; i++) {
        block_output_end_use(job->stages[i].output);
        block_output_unref(job->stages[i].output);
        arena_free(job->stages[i].range_arena);
    }
    mem_pool_trim(block_store_pool(job->driver->store));
    arena_free(job->arena);
}

/* --- the result --- */

/* How often a partition of the result is made again before that is an error. */
enum { REMAKES_MAX = 16 };

/* It was spilled, and is damaged, or its executor is lost: made again, the same bytes. */
static Status make_again(Job *job, uint32_t partition, Error *err)
{
    JobStage *stage = result_stage(job);
    uint64_t hash = stage->ledger[partition].hash, place_hash;
    Driver *driver = job->driver;
    ExecutorId place;
    Status status;

    pthread_mutex_lock(&driver->lock);
    block_output_drop(stage->output, partition);
    if (scheduler_output_place(driver->scheduler, stage->id, partition, &place, &place_hash))
        scheduler_output_lost(driver->scheduler, stage->id, partition, place);
    status = run(job, (PartitionRange){partition, 1}, err);
    pthread_mutex_unlock(&driver->lock);
    if (status == ST_OK && stage->ledger[partition].hash != hash)
        return error_set(err, ST_BAD_INPUT,
                         "stage \"%s\", partition %u is not deterministic: recomputed after a "
                         "loss, it gave another result",
                         stage->name, partition);
    return status;
}

/* It has been read, once and for all. */
static void let_go(const Job *job, uint32_t partition)
{
    const JobStage *stage = result_stage(job);
    Driver *driver = job->driver;
    ExecutorId place;
    uint64_t hash;

    pthread_mutex_lock(&driver->lock);
    block_output_drop(stage->output, partition);
    if (scheduler_output_place(driver->scheduler, stage->id, partition, &place, &hash))
        scheduler_output_lost(driver->scheduler, stage->id, partition, place);
    pthread_mutex_unlock(&driver->lock);
}

static Status make_more(Job *job, Error *err)
{
    Status status;

    pthread_mutex_lock(&job->driver->lock);
    driver__tick(job->driver);
    status = run_more(job, err);
    pthread_mutex_unlock(&job->driver->lock);
    return status;
}

/* The next block of the partitions that are ready; NULL behind them. */
static Status next_ready(Job *job, Error *err)
{
    Status status = block_reader_next(&job->reader, err, &job->block);

    for (int i = 0; status == ST_CORRUPT && i < REMAKES_MAX; i++) {
        uint32_t partition = job->reader.map, number = job->reader.number;

        TRY(make_again(job, partition, err));
        read_from(job, partition, number);
        status = block_reader_next(&job->reader, err, &job->block);
    }
    return block_store_explain(job->driver->store, status, err);
}

/* The next block of the result; NULL at the end. */
static Status next_block(Job *job, Error *err)
{
    uint32_t count = result_stage(job)->fragment->partition_count;

    block_unref(job->block);
    job->block = NULL;
    job->row = 0;
    for (;;) {
        TRY(next_ready(job, err));
        for (; job->request.stream_partitions != 0 && job->let_go < job->reader.map; job->let_go++)
            let_go(job, job->let_go);
        if (job->block != NULL || job->ready_end == count)
            return ST_OK;
        TRY(make_more(job, err));
        read_from(job, job->reader.map, 0);
    }
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

BlockOutput *job_take_output(Job *job)
{
    BlockOutput *output = result_stage(job)->output;

    block_output_move(output, DURABLE);
    return block_output_ref(output);
}

uint32_t job_partition_count(const Job *job)
{
    return result_stage(job)->fragment->partition_count;
}

uint64_t job_partition_rows(const Job *job, uint32_t partition)
{
    return result_stage(job)->ledger[partition].rows;
}

uint32_t job_stages(const Job *job, const StageReport **reports_out)
{
    pthread_mutex_lock(&job->driver->lock);
    for (uint32_t i = 0; i < job->stage_count; i++) {
        StageReport *report = &job->reports[i];

        *report = job->stages[i].report;
        for (uint32_t p = 0; p < report->tasks; p++) {
            report->rows += report->ledger[p].rows;
            report->bytes += report->ledger[p].bytes;
        }
    }
    pthread_mutex_unlock(&job->driver->lock);
    *reports_out = job->reports;
    return job->stage_count;
}

uint32_t driver_kept(Driver *driver, int64_t keep_id, uint32_t partition_count,
                     LedgerEntry *entries_out)
{
    BlockOutput *output;
    uint32_t count = 0;

    pthread_mutex_lock(&driver->lock);
    output = driver__find_kept(driver, keep_id);
    pthread_mutex_unlock(&driver->lock);
    memset(entries_out, 0, partition_count * sizeof *entries_out);
    if (output != NULL && block_output_map_count(output) == partition_count)
        for (uint32_t p = 0; p < partition_count; p++) {
            entries_out[p] = kept_entry(output, p);
            count += entries_out[p].hash != 0;
        }
    block_output_unref(output);
    return count;
}

/* --- progress --- */

/* Of the stages at work the last: those before it are made again for it, or beside it. */
static const JobStage *stage_at_work(const Driver *driver, const Job *job, StageProgress *seen_out)
{
    const JobStage *found = NULL;

    for (uint32_t i = 0; i < job->stage_count; i++) {
        StageProgress seen = scheduler_stage_progress(driver->scheduler, job->stages[i].id);

        if (seen.running == 0 && (found != NULL || seen.waiting == 0))
            continue;
        found = &job->stages[i];
        *seen_out = seen;
    }
    return found;
}

static void describe(const Driver *driver, const Job *job, JobProgress *progress)
{
    StageProgress seen = {0};
    const JobStage *stage = stage_at_work(driver, job, &seen);

    progress->stages = job->stage_count;
    for (uint32_t i = 0; i < job->stage_count; i++)
        for (uint32_t p = 0; p < job->stages[i].fragment->partition_count; p++)
            if (job->stages[i].launches[p] > 1)
                progress->retries += job->stages[i].launches[p] - 1;
    if (stage == NULL)
        return;
    progress->stage = stage->fragment->id + 1;
    snprintf(progress->name, sizeof progress->name, "%s", strchr(stage->name, ' ') + 1);
    progress->tasks = seen.partitions;
    progress->done = seen.done;
    progress->running = seen.running;
}

JobProgress driver_progress(Driver *driver)
{
    JobProgress progress = {0};
    const Job *last = NULL, *first = NULL;

    pthread_mutex_lock(&driver->lock);
    LIST_EACH(node, &driver->stages) /* a job's stand together, the oldest job's first */
    {
        const Job *job = LIST_OWNER(node, JobStage, node)->job;

        if (job == last || !job->is_running)
            continue;
        last = job;
        progress.jobs++;
        if (first == NULL)
            first = job;
    }
    if (first != NULL)
        describe(driver, first, &progress);
    pthread_mutex_unlock(&driver->lock);
    return progress;
}

JobProgress driver_job_progress(Driver *driver, const atomic_bool *cancelled)
{
    JobProgress progress = {0};

    pthread_mutex_lock(&driver->lock);
    LIST_EACH(node, &driver->stages)
    {
        const Job *job = LIST_OWNER(node, JobStage, node)->job;

        if (job->request.cancelled != cancelled || !job->is_running)
            continue;
        progress.jobs = 1;
        describe(driver, job, &progress);
        break;
    }
    pthread_mutex_unlock(&driver->lock);
    return progress;
}
