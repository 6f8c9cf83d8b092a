/* rdd_job.c -- see rdd_job.h */
#include "core/rdd/rdd_job.h"

#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/rdd/driver_internal.h"

/* Of the partitions that a streamed result begins with. */
enum { STREAM_GROWTH_MAX = 8 };

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

/* With the lock. count 0: all partitions. */
static void want(JobStage *stage, PartitionRange range)
{
    Job *job = stage->job;
    Driver *driver = job->driver;
    const JobRequest *request = &job->request;
    JobSpec spec = {.stage = stage->id,
                    .range = range,
                    .pool = request->pool,
                    .group = request->group,
                    .tag_count = request->tag_count,
                    .tags = request->tags,
                    .context = stage};

    stage->is_wanted = true;
    if (job->wanted_count++ == 0 && driver->observer.began != NULL)
        driver->observer.began(driver->observer.context, driver);
    stage->target = scheduler_submit(driver->scheduler, &spec);
    driver__say_target(driver, stage, range);
    if (request->submitted != NULL)
        request->submitted(request->context);
    driver__pump(driver);
}

static void cancel_targets(Job *job)
{
    for (uint32_t i = 0; i < job->fragments.count; i++)
        if (job->stages[i].is_wanted)
            scheduler_cancel(job->driver->scheduler, job->stages[i].target);
    driver__pump(job->driver);
}

/* With the lock: until no more than so many targets are left. An error ends all of them. */
static Status wait_for_targets(Job *job, uint32_t left, Error *err)
{
    while (job->wanted_count > left || (job->error.status != ST_OK && job->wanted_count > 0)) {
        if (job->driver->shut.status != ST_OK || is_cancelled(&job->request) ||
            job->error.status != ST_OK)
            cancel_targets(job);
        else
            driver__wait(job->driver);
    }
    if (job->error.status != ST_OK && err != NULL)
        *err = job->error;
    return job->error.status;
}

/* With the lock: those partitions of the result are there, or *err says why not. */
static Status run(Job *job, PartitionRange range, Error *err)
{
    if (job->wanted_count == 0)
        job->error = ERROR_NONE;
    want(result_stage(job), range);
    return wait_for_targets(job, 0, err);
}

/* With the lock: what stages that are not known yet read is wanted. */
static void want_producers(Job *job)
{
    for (uint32_t i = 0; i < job->fragments.count; i++) {
        JobStage *stage = &job->stages[i];

        if (stage->is_added && stage->is_needed && stage->readers_left > 0 && !stage->is_made &&
            !stage->is_wanted)
            want(stage, (PartitionRange){.count = stage->fragment->partition_count});
    }
}

/* With the lock: up to where all stages are known. */
static Status run_to_result(Job *job, Error *err)
{
    for (;;) {
        Status status;

        if (job->error.status != ST_OK)
            return wait_for_targets(job, 0, err);
        status = job__add_stages(job, err);
        if (status != ST_OK) {
            cancel_targets(job);
            (void)wait_for_targets(job, 0, NULL);
            return status;
        }
        if (job->stage_count == job->fragments.count)
            return wait_for_targets(job, job->wanted_count, err);
        want_producers(job);
        if (job->wanted_count > 0) /* else what is missing was made while plans became bytes */
            TRY(wait_for_targets(job, job->wanted_count - 1, err));
    }
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
    status = job__cut(job, err);
    if (status == ST_OK) {
        pthread_mutex_lock(&driver->lock);
        driver__tick(driver);
        status = run_to_result(job, err);
        if (status == ST_OK)
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

    for (uint32_t i = job->fragments.count; i > 0; i--)
        if (job->stages[i - 1].is_added)
            scheduler_stage_unref(driver->scheduler, job->stages[i - 1].id);
    driver__pump(driver);
    for (uint32_t i = 0; i < job->fragments.count; i++)
        while (job->stages[i].is_added && !job->stages[i].is_released)
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
    for (uint32_t i = 0; i < job->fragments.count; i++)
        if (job->stages[i].is_added) {
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
        if (err != NULL)
            *err = ERROR_NONE; /* what was said of the loss: it is made good */
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
    uint32_t count = 0;

    pthread_mutex_lock(&job->driver->lock);
    for (uint32_t i = 0; i < job->fragments.count; i++) {
        StageReport *report = &job->reports[count];

        if (!job->stages[i].is_added)
            continue;
        count++;
        *report = job->stages[i].report;
        for (uint32_t p = 0; p < report->tasks; p++) {
            report->rows += report->ledger[p].rows;
            report->bytes += report->ledger[p].bytes;
        }
    }
    pthread_mutex_unlock(&job->driver->lock);
    *reports_out = job->reports;
    return count;
}

/* --- progress --- */

/* Of the stages at work the last: those before it are made again for it, or beside it. */
static const JobStage *stage_at_work(const Driver *driver, const Job *job, StageProgress *seen_out)
{
    const JobStage *found = NULL;

    for (uint32_t i = 0; i < job->fragments.count; i++) {
        StageProgress seen;

        if (!job->stages[i].is_added)
            continue;
        seen = scheduler_stage_progress(driver->scheduler, job->stages[i].id);

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

    progress->stages = job->fragments.count;
    for (uint32_t i = 0; i < job->fragments.count; i++)
        for (uint32_t p = 0;
             job->stages[i].is_added && p < job->stages[i].fragment->partition_count; p++)
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

        if (job == last || job->wanted_count == 0)
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

        if (job->request.cancelled != cancelled || job->wanted_count == 0)
            continue;
        progress.jobs = 1;
        describe(driver, job, &progress);
        break;
    }
    pthread_mutex_unlock(&driver->lock);
    return progress;
}
