/* driver.c -- see driver.h */
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/invariant.h"
#include "core/base/log.h"
#include "core/rdd/driver_internal.h"
#include "core/rdd/sample_stage.h"
#include "exec/user_shared.h"

/* How often whoever waits for a job looks whether it was cancelled: by a flag, maybe from a signal
 * handler, which cannot wake anybody. */
enum { LOOK_EVERY_MS = 20 };

/* Where a partition can be that is kept for later jobs. */
enum { KEPT_PLACES_MAX = 2 };

Driver *driver_new(BlockStore *store, const SchedulerConfig *config)
{
    Arena *arena = arena_new(NULL, "driver", ARENA_NO_CAP);
    Driver *driver = ARENA_NEW(arena, Driver);
    pthread_condattr_t attr;

    driver->arena = arena;
    driver->store = store;
    driver->events = event_log_new();
    driver->scheduler = scheduler_new(arena, config);
    pthread_mutex_init(&driver->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&driver->changed, &attr);
    pthread_condattr_destroy(&attr);
    return driver;
}

void driver_free(Driver *driver)
{
    if (driver == NULL)
        return;
    CHECK(list_is_empty(&driver->stages));
    while (!list_is_empty(&driver->kept))
        driver__forget_kept(driver, LIST_OWNER(driver->kept.first, KeptOutput, node));
    pthread_cond_destroy(&driver->changed);
    pthread_mutex_destroy(&driver->lock);
    event_log_free(driver->events);
    arena_free(driver->arena);
}

void driver_set_backend(Driver *driver, TaskBackend *backend)
{
    driver->backend = backend;
}

void driver_set_observer(Driver *driver, JobObserver observer)
{
    driver->observer = observer;
}

EventLog *driver_events(Driver *driver)
{
    return driver->events;
}

/* --- time --- */

static int64_t now_ms(void)
{
    return clock_now_ns() / 1000000;
}

void driver__tick(Driver *driver)
{
    scheduler_tick(driver->scheduler, now_ms());
}

void driver__wait(Driver *driver)
{
    int64_t until = now_ms() + LOOK_EVERY_MS, wake = scheduler_wake_ms(driver->scheduler);
    struct timespec at;

    if (wake < until)
        until = wake;
    at = (struct timespec){.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_cond_timedwait(&driver->changed, &driver->lock, &at);
    driver__tick(driver);
    driver__pump(driver);
}

/* --- actions --- */

/* What the tasks of `sampler` have sampled is made, or was, where the stage's own tasks have it. */
static const RangeSample *place_samples(const JobStage *stage, const JobStage *sampler)
{
    RangeSample *samples =
        ARENA_ARRAY(stage->range_arena, RangeSample, sampler->fragment->partition_count);

    for (uint32_t t = 0; t < stage->fragment->partition_count; t++) {
        TaskShare share = fragment_share(stage->fragment, t);
        uint64_t row = 0;

        CHECK(share.first + share.count <= sampler->fragment->partition_count);
        for (uint32_t s = share.first; s < share.first + share.count; s++) {
            samples[s] = (RangeSample){sampler->samples[s], {t, row}};
            row += sampler->ledger[s].rows;
        }
    }
    return samples;
}

/* Once, before its first task: other bounds would not fit what was made with these. All tasks that
 * sample have succeeded by then, and the first sample of each counts. */
static void find_ranges(JobStage *stage)
{
    const Fragment *fragment = stage->work.fragment;
    uint32_t sampler = stage->fragment->sampler, tasks = 0;
    const RangeSample *samples = NULL;
    Error err = ERROR_NONE;

    if (stage->work.has_ranges || fragment->exchange == NULL ||
        fragment->exchange->kind != EXCHANGE_RANGE)
        return;
    stage->range_arena = arena_new(NULL, "ranges", ARENA_NO_CAP);
    if (sampler != NO_FRAGMENT) {
        samples = place_samples(stage, &stage->job->stages[sampler]);
        tasks = stage->job->stages[sampler].fragment->partition_count;
    }
    if (ranges_of_samples(stage->range_arena, fragment->plan, fragment->exchange->order,
                          fragment->reduce_count, tasks, samples, &err,
                          &stage->work.ranges) != ST_OK) {
        LOG_WARN("driver", "the rows of \"%s\" go to one partition: %s", stage->name, err.message);
        stage->work.ranges.bound_count = 0;
    }
    stage->work.has_ranges = true;
    stage->ranges = ranges_encode(&stage->work.ranges, stage->range_arena);
}

static void take_sample(JobStage *stage, uint32_t partition, WireBytes sample)
{
    if (stage->samples == NULL || stage->samples[partition].bytes != NULL)
        return;
    stage->samples[partition] = (WireBytes){
        arena_copy(stage->range_arena, sample.bytes, sample.byte_count), sample.byte_count};
}

/* All that it has made is here now: it need not run again when its executor is lost. */
static void settle_sample(Driver *driver, const TaskLaunch *launch, TaskResult *result)
{
    map_blocks_free(result->blocks); /* none */
    scheduler_output_lost(driver->scheduler, launch->stage->id, launch->partition,
                          launch->executor);
    scheduler_output_exists(driver->scheduler, launch->stage->id, launch->partition, DURABLE,
                            result->hash);
}

static void take_sizes(JobStage *stage, uint32_t partition, WireBytes sizes)
{
    uint32_t count = stage->fragment->reduce_count;

    if (stage->sizes == NULL || sizes.byte_count != count * sizeof *stage->sizes)
        return; /* shapes are worse, and right all the same */
    memcpy(stage->sizes + (size_t)partition * count, sizes.bytes, sizes.byte_count);
}

static void launch(Driver *driver, const SchedulerAction *action)
{
    JobStage *stage = action->context;
    TaskLaunch launch = {.executor = action->executor,
                         .attempt = action->attempt,
                         .launch_number = action->launch_number,
                         .stage = stage,
                         .work = &stage->work,
                         .partition = action->partition,
                         .number = stage->launches[action->partition]++};

    find_ranges(stage);
    driver->backend->class->launch(driver->backend, &launch);
}

static void release_stage(Driver *driver, JobStage *stage)
{
    if (driver->backend->class->stage_released != NULL)
        driver->backend->class->stage_released(driver->backend, stage->id);
    list_remove(&driver->stages, &stage->node);
    stage->is_released = true;
    pthread_cond_broadcast(&driver->changed);
}

static void end_target(Driver *driver, JobId id, JobStage *stage)
{
    const Error *told = scheduler_job_error(driver->scheduler, id);
    JobState state = scheduler_job_state(driver->scheduler, id);
    Error error = told == NULL ? ERROR_NONE : *told;
    Job *job = stage->job;

    if (state == JOB_CANCELLED && driver->shut.status != ST_OK)
        error = driver->shut;
    else if (state == JOB_CANCELLED)
        (void)error_set(&error, ST_CANCELLED, "canceling job due to user request");
    driver__say_target_ended(driver, stage, state, &error);
    scheduler_job_release(driver->scheduler, id);
    stage->is_wanted = false;
    stage->is_made |= state == JOB_SUCCEEDED;
    if (job->error.status == ST_OK)
        job->error = error;
    if (--job->wanted_count == 0 && driver->observer.ended != NULL)
        driver->observer.ended(driver->observer.context);
    pthread_cond_broadcast(&driver->changed);
}

/* What an earlier job has left is no executor's for the scheduler: it would find out block by
 * block, by tasks that fail. */
static void note_lost_kept(Driver *driver)
{
    LIST_EACH(node, &driver->stages)
    {
        const JobStage *stage = LIST_OWNER(node, JobStage, node);

        for (uint32_t p = 0; stage->keep_id != 0 && p < stage->fragment->partition_count; p++)
            if (!block_output_has(stage->output, p))
                scheduler_output_lost(driver->scheduler, stage->id, p, DURABLE);
    }
}

/* What is kept twice has another place now, where there was one at the executor. */
static void announce_copies(Driver *driver, ExecutorId executor)
{
    LIST_EACH(node, &driver->stages)
    {
        const JobStage *stage = LIST_OWNER(node, JobStage, node);

        for (uint32_t p = 0; stage->keep_id != 0 && p < stage->fragment->partition_count; p++) {
            ExecutorId place = driver__kept_place(stage->output, p);

            if (!block_output_has(stage->output, p) || place == executor)
                continue;
            scheduler_output_lost(driver->scheduler, stage->id, p, executor);
            scheduler_output_exists(driver->scheduler, stage->id, p, place,
                                    block_output_hash(stage->output, p));
        }
    }
}

/* BLOCKS_KEPT: somebody else serves what outlives the executor. After the scheduler knows that it
 * is lost. */
static void lose_blocks(Driver *driver, ExecutorId executor, BlockFate fate)
{
    if (fate == BLOCKS_LOST)
        block_store_drop_place(driver->store, executor);
    else
        block_store_drop_unkept(driver->store, executor);
    announce_copies(driver, executor);
    note_lost_kept(driver);
    LIST_EACH(node, &driver->stages)
    {
        const JobStage *stage = LIST_OWNER(node, JobStage, node);

        for (uint32_t p = 0; p < stage->fragment->partition_count; p++)
            if (!block_output_has(stage->output, p))
                scheduler_output_lost(driver->scheduler, stage->id, p, executor);
    }
}

void driver__pump(Driver *driver)
{
    const TaskBackendClass *class = driver->backend->class;

    for (;;) {
        SchedulerAction action = scheduler_next(driver->scheduler);

        switch (action.kind) {
        case ACTION_NONE:
            return;
        case ACTION_LAUNCH_TASK:
            launch(driver, &action);
            break;
        case ACTION_CANCEL_TASK:
            class->cancel(driver->backend, action.executor, action.attempt, action.launch_number);
            break;
        case ACTION_RELEASE_STAGE:
            release_stage(driver, action.context);
            break;
        case ACTION_END_JOB:
            end_target(driver, action.job, action.context);
            break;
        case ACTION_EXECUTOR_DRAINED:
            if (class->executor_drained != NULL)
                class->executor_drained(driver->backend, action.executor);
            break;
        case ACTION_EXECUTOR_GONE:
            lose_blocks(driver, action.executor, BLOCKS_KEPT);
            driver__say_executor_lost(driver, action.executor, BLOCKS_KEPT, action.reason);
            if (class->executor_gone != NULL)
                class->executor_gone(driver->backend, action.executor, action.reason);
            driver__copy_kept(driver, action.executor);
            break;
        case ACTION_BEGIN_ROUND:
        case ACTION_LAUNCH_SHARED:
        case ACTION_FINISH_STAGE:
            UNREACHABLE("an action that nobody has asked for");
        }
    }
}

static void enter(Driver *driver)
{
    pthread_mutex_lock(&driver->lock);
    driver__tick(driver);
}

static void leave(Driver *driver)
{
    driver__pump(driver);
    pthread_mutex_unlock(&driver->lock);
}

/* --- executors --- */

void driver_executor_added(Driver *driver, const ExecutorSpec *spec, ExecutorId *id_out)
{
    enter(driver);
    *id_out = scheduler_executor_added(driver->scheduler, spec);
    driver__say_executor(driver, *id_out, spec);
    leave(driver);
}

void driver_executor_lost(Driver *driver, ExecutorId executor, BlockFate fate, const char *reason)
{
    enter(driver);
    driver__say_executor_lost(driver, executor, fate, reason);
    scheduler_executor_lost(driver->scheduler, executor, fate, reason);
    lose_blocks(driver, executor, fate);
    driver__copy_kept(driver, executor);
    leave(driver);
}

void driver_executor_crashed(Driver *driver, ExecutorId executor, BlockFate fate, AttemptId blamed,
                             const char *reason)
{
    enter(driver);
    driver__say_executor_lost(driver, executor, fate, reason);
    scheduler_executor_crashed(driver->scheduler, executor, fate, blamed, reason);
    lose_blocks(driver, executor, fate);
    driver__copy_kept(driver, executor);
    leave(driver);
}

void driver_executor_drain(Driver *driver, ExecutorId executor)
{
    enter(driver);
    scheduler_executor_drain(driver->scheduler, executor);
    leave(driver);
}

uint32_t driver_heartbeat(Driver *driver, ExecutorId executor, uint64_t launches_taken,
                          const AttemptId *attempts, uint32_t attempt_count,
                          AttemptId *unwanted_out, bool *is_known_out)
{
    uint32_t unwanted;

    enter(driver);
    unwanted = scheduler_heartbeat(driver->scheduler, executor, launches_taken, attempts,
                                   attempt_count, unwanted_out, is_known_out);
    leave(driver);
    return unwanted;
}

StageOrder job_stage_order(const JobStage *stage)
{
    return (StageOrder){.id = stage->id,
                        .plan = stage->plan,
                        .ranges = stage->ranges,
                        .output = stage->output,
                        .input_count = stage->fragment->source_count,
                        .inputs = stage->work.inputs,
                        .shared = stage->work.shared,
                        .is_persisted = stage->keep_id != 0};
}

bool driver_shared_piece(Driver *driver, uint64_t hash, uint64_t offset, uint32_t byte_count,
                         Arena *arena, WireBytes *piece_out, uint64_t *total_out)
{
    bool is_there = false;

    pthread_mutex_lock(&driver->lock);
    LIST_EACH(node, &driver->stages)
    {
        UserShared *shared = LIST_OWNER(node, JobStage, node)->work.shared;

        if (!is_there && shared != NULL)
            is_there =
                user_shared_piece(shared, hash, offset, byte_count, arena, piece_out, total_out);
    }
    pthread_mutex_unlock(&driver->lock);
    return is_there;
}

/* --- ends of tasks --- */

/* Other stages, of this job or another, that want the same kept partition have it now. */
static void share_kept(Driver *driver, const JobStage *made, uint32_t partition)
{
    LedgerEntry entry = made->ledger[partition];

    LIST_EACH(node, &driver->stages)
    {
        JobStage *stage = LIST_OWNER(node, JobStage, node);

        if (stage == made || stage->output != made->output)
            continue;
        scheduler_output_exists(driver->scheduler, stage->id, partition,
                                driver__kept_place(made->output, partition), entry.hash);
        if (stage->ledger[partition].hash == 0)
            stage->ledger[partition] = (LedgerEntry){entry.hash, entry.rows, entry.bytes, 0};
    }
}

ExecutorId driver__kept_place(const BlockOutput *output, uint32_t partition)
{
    RemoteBlocks at = block_output_remote(output, partition);

    return at.place == 0 ? DURABLE : at.place;
}

/* Kept partitions outlive their jobs: one that a later job has to make again counted before. */
static bool counts_now(const JobStage *stage, uint32_t partition)
{
    KeptOutput *kept =
        stage->keep_id == 0 ? NULL : driver__kept(stage->job->driver, stage->keep_id);
    bool has_counted;

    if (kept == NULL || kept->output != stage->output)
        return true;
    has_counted = kept->has_counted[partition];
    kept->has_counted[partition] = true;
    return !has_counted;
}

/* What came from elsewhere; damage is no reason to run the task again, which has succeeded. */
static void take_counts(const JobStage *stage, TaskResult *result)
{
    Error err = ERROR_NONE;

    if (user_counts_decode(result->counts_bytes, stage->work.shared, &err, &result->counts) !=
        ST_OK)
        LOG_WARN("driver", "counts of a task of \"%s\" are lost: %s", stage->name, err.message);
}

/*
 * What no task of the job has yet to take is let go: its memory is wanted for what comes next.
 * Should some of what was made of it be lost, it is made again as if it had been lost too. That is
 * rare where all is in one process; elsewhere executors end, and all that led to what they had
 * would be made again: there it stays until the job ends.
 */
static void let_inputs_go(const JobStage *stage, uint32_t partition)
{
    const Fragment *fragment = stage->fragment;

    for (uint32_t i = 0; i < fragment->source_count && stage->job->request.wire == NULL; i++) {
        JobStage *producer = &stage->job->stages[fragment->sources[i].producer];
        PartitionRange maps;

        if (fragment->sources[i].leaf->kind != PLAN_EXCHANGE)
            continue;
        maps = driver__taken(stage, i, partition);
        for (uint32_t m = maps.first; m < maps.first + maps.count; m++)
            if (--producer->reads_left[m] == 0 && producer->readers_left == 0 &&
                producer->keep_id == 0) {
                producer->is_let_go[m] = true;
                block_output_drop(producer->output, m);
            }
    }
}

static void task_succeeded(Driver *driver, const TaskLaunch *launch, TaskResult *result)
{
    JobStage *stage = launch->stage;
    bool is_again = stage->ledger[launch->partition].hash != 0;
    TaskVerdict verdict =
        scheduler_task_succeeded(driver->scheduler, launch->attempt, result->hash);

    driver__say_task(driver, launch, result, verdict == VERDICT_REFUSED ? "refused" : "made");
    if (verdict == VERDICT_REFUSED) {
        map_blocks_free(result->blocks);
        return;
    }
    atomic_store(&stage->work.faults_in_row, 0);
    if (verdict == VERDICT_COUNTS && stage->work.shared != NULL &&
        counts_now(stage, launch->partition)) {
        if (result->counts == NULL)
            take_counts(stage, result);
        user_shared_count(stage->work.shared, result->counts);
    }
    take_sample(stage, launch->partition, result->sample);
    take_sizes(stage, launch->partition, result->sizes);
    if (fragment_is_sample(stage->fragment))
        settle_sample(driver, launch, result);
    else if (result->blocks != NULL)
        block_output_put(stage->output, launch->partition, result->blocks, launch->executor);
    else
        block_output_put_remote(stage->output, launch->partition,
                                &(RemoteBlocks){launch->executor, result->hash, result->rows,
                                                result->bytes, result->is_kept});
    stage->ledger[launch->partition] = (LedgerEntry){.hash = result->hash,
                                                     .rows = result->rows,
                                                     .bytes = result->bytes,
                                                     .attempts = launch->number + 1};
    if (stage->keep_id != 0) {
        share_kept(driver, stage, launch->partition);
        driver__copy_made_anew(driver, stage->output, launch->partition);
    }
    if (!is_again)
        let_inputs_go(stage, launch->partition);
}

/* Whether another attempt could end otherwise. What the system refuses may be granted later; what a
 * user's function says (class 38) may be about the world outside. Values do not change. */
static TaskFailure failure_of(const Error *err)
{
    if (err->status == ST_CANCELLED)
        return TASK_KILLED;
    if (err->status == ST_IO || err->status == ST_OUT_OF_MEMORY ||
        strncmp(err->sqlstate, "38", 2) == 0)
        return TASK_FAILED_RETRY;
    return TASK_FAILED;
}

/* Whoever serves it has answered: others that were made there may be fine. */
static bool is_damage(const TaskResult *result)
{
    return strcmp(result->error.sqlstate, status_sqlstate(ST_CORRUPT)) == 0;
}

/* What else of those outputs of the stage is gone without anybody having said so. */
static void note_lost(Driver *driver, const JobStage *stage, PartitionRange some, uint32_t known)
{
    for (uint32_t p = some.first; p < some.first + some.count; p++) {
        ExecutorId place;
        uint64_t hash;

        if (p != known && !block_output_has(stage->output, p) &&
            scheduler_output_place(driver->scheduler, stage->id, p, &place, &hash))
            scheduler_output_lost(driver->scheduler, stage->id, p, place);
    }
}

/* What let_inputs_go dropped is wanted once more, all that the task takes: no failure of it. */
static bool was_let_go(Driver *driver, const TaskLaunch *launch, const TaskResult *result)
{
    const JobStage *stage = launch->stage;
    JobStage *producer =
        &stage->job->stages[stage->fragment->sources[result->lost_source].producer];
    PartitionRange maps = driver__taken(stage, result->lost_source, launch->partition);

    if (!producer->is_let_go[result->lost_map] ||
        block_output_has(producer->output, result->lost_map))
        return false;
    for (uint32_t m = maps.first; m < maps.first + maps.count; m++)
        producer->is_let_go[m] = false;
    note_lost(driver, producer, maps, UINT32_MAX);
    scheduler_task_failed(driver->scheduler, launch->attempt, TASK_SET_BACK, &result->error);
    return true;
}

/* What is kept for later jobs executors let go of when they need the memory, and say so of each
 * partition when it is asked for, at each of its places. What is made again for a job stays until
 * that ends: so a task comes to its end that misses one after the other, however many there are. */
static TaskFailure kept_was_missed(const JobStage *producer, uint32_t partition)
{
    return ++producer->misses[partition] <= KEPT_PLACES_MAX ? TASK_SET_BACK : TASK_KILLED;
}

static void input_lost(Driver *driver, const TaskLaunch *launch, const TaskResult *result)
{
    const JobStage *stage = launch->stage;
    const FragmentSource *source = &stage->fragment->sources[result->lost_source];
    const JobStage *producer = &stage->job->stages[source->producer];
    FetchFailure failure = {
        .stage = producer->id, .partition = result->lost_map, .is_corrupt = is_damage(result)};
    BlockOutput *output = producer->output;
    uint64_t hash;
    bool is_news;

    if (was_let_go(driver, launch, result))
        return;
    is_news = scheduler_output_place(driver->scheduler, producer->id, result->lost_map,
                                     &failure.executor, &hash);
    if (result->lost_place != 0)
        is_news = is_news && failure.executor == result->lost_place;
    else
        is_news = is_news && !block_output_has(output, result->lost_map);
    /* made again meanwhile, or known to be lost, with its executor */
    if (!is_news) {
        scheduler_task_failed(driver->scheduler, launch->attempt, TASK_KILLED, &result->error);
        return;
    }
    if (block_output_lose(output, result->lost_map)) { /* there is a copy of it */
        announce_copies(driver, failure.executor);
        driver__copy_kept(driver, 0);
        scheduler_task_failed(driver->scheduler, launch->attempt,
                              kept_was_missed(producer, result->lost_map), &result->error);
        return;
    }
    note_lost(driver, producer, (PartitionRange){0, producer->fragment->partition_count},
              result->lost_map); /* all at once, not one a failure */
    if (producer->keep_id != 0) {
        scheduler_output_lost(driver->scheduler, producer->id, result->lost_map, failure.executor);
        scheduler_task_failed(driver->scheduler, launch->attempt,
                              kept_was_missed(producer, result->lost_map), &result->error);
        return;
    }
    scheduler_fetch_failed(driver->scheduler, launch->attempt, &failure, &result->error);
}

static void take_result(Driver *driver, const TaskLaunch *launch, TaskResult *result)
{
    TaskFailure failure;

    if (result->status == ST_OK) {
        task_succeeded(driver, launch, result);
        return;
    }
    failure = failure_of(&result->error);
    driver__say_task(driver, launch, result,
                     result->has_lost_input   ? "input lost"
                     : failure == TASK_KILLED ? "cancelled"
                                              : "failed");
    if (result->has_lost_input)
        input_lost(driver, launch, result);
    else
        scheduler_task_failed(driver->scheduler, launch->attempt, failure, &result->error);
}

static void task_ended(Driver *driver, const TaskLaunch *launch, TaskResult *result)
{
    if (!scheduler_attempt_is_known(driver->scheduler, launch->attempt)) {
        map_blocks_free(result->blocks); /* and its stage may be gone */
    } else {
        launch->stage->report.attempts++;
        launch->stage->report.ms += result->cpu_ms;
        take_result(driver, launch, result);
    }
    result->blocks = NULL;
    task_result_fini(result);
}

void driver_task_ended(Driver *driver, const TaskLaunch *launch, TaskResult *result)
{
    driver_tasks_ended(driver, 1, launch, result);
}

void driver_tasks_ended(Driver *driver, uint32_t count, const TaskLaunch *launches,
                        TaskResult *results)
{
    enter(driver);
    for (uint32_t i = 0; i < count; i++)
        task_ended(driver, &launches[i], &results[i]);
    leave(driver);
}

/* --- jobs in general --- */

void driver_shut(Driver *driver, const Error *err)
{
    pthread_mutex_lock(&driver->lock);
    driver->shut = *err;
    pthread_cond_broadcast(&driver->changed);
    pthread_mutex_unlock(&driver->lock);
}

uint32_t driver_add_pool(Driver *driver, PoolOrder order, uint32_t weight, uint32_t min_share)
{
    uint32_t pool;

    enter(driver);
    pool = scheduler_add_pool(driver->scheduler, order, weight, min_share);
    leave(driver);
    return pool;
}

void driver_cancel_group(Driver *driver, uint64_t group)
{
    enter(driver);
    scheduler_cancel_group(driver->scheduler, group);
    leave(driver);
}

void driver_cancel_tag(Driver *driver, uint64_t tag)
{
    enter(driver);
    scheduler_cancel_tag(driver->scheduler, tag);
    leave(driver);
}
