/*
 * manual_backend.h -- a backend whose tasks the test runs one by one, and a job on its own thread
 *
 *     world_open -> world_add_executor, ... -> job_begin (a thread that waits in job_start)
 *         -> next_launch -> run_it, fail_it ... -> job_end -> world_close
 *
 * The job of most tests: map tasks make ROWS_A_MAP numbers each, which an exchange by hash deals to
 * reduce tasks.
 */
#ifndef VONK_TESTS_MANUAL_BACKEND_H
#define VONK_TESTS_MANUAL_BACKEND_H

#include <check.h>
#include <pthread.h>
#include <string.h>

#include "core/rdd/driver_internal.h"
#include "core/rdd/rdd_job.h"

enum { LAUNCHES_MAX = 256, ROWS_A_MAP = 10 };

typedef struct World {
    TaskBackend backend;
    Arena *arena;
    MemPool *pool;
    BlockStore *store;
    Driver *driver;
    PlanIds ids;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    TaskLaunch launches[LAUNCHES_MAX];
    uint32_t launch_count, taken;
    AttemptId cancelled[LAUNCHES_MAX];
    uint32_t cancel_count;
} World;

static void world_launch(TaskBackend *backend, const TaskLaunch *launch)
{
    World *world = (World *)backend;

    pthread_mutex_lock(&world->lock);
    ck_assert_uint_lt(world->launch_count, LAUNCHES_MAX);
    world->launches[world->launch_count++] = *launch;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static void world_cancel(TaskBackend *backend, ExecutorId executor, AttemptId attempt,
                         uint64_t launch_number)
{
    World *world = (World *)backend;

    (void)executor;
    (void)launch_number;
    pthread_mutex_lock(&world->lock);
    world->cancelled[world->cancel_count++] = attempt;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

static const TaskBackendClass world_class = {.launch = world_launch, .cancel = world_cancel};

static inline void world_open(World *world)
{
    SchedulerConfig config = scheduler_config_default();

    config.locality_wait_ms = 0;
    *world = (World){.backend = {&world_class}, .arena = arena_new(NULL, "test", ARENA_NO_CAP)};
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->changed, NULL);
    world->pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    world->store = block_store_new(world->pool, "/tmp");
    world->driver = driver_new(world->store, &config);
    driver_set_backend(world->driver, &world->backend);
}

/* Checks that nothing is left over. */
static inline void world_close(World *world)
{
    SchedulerCounts counts = scheduler_counts(world->driver->scheduler);

    ck_assert_uint_eq(counts.jobs, 0);
    ck_assert_uint_eq(counts.stages, 0);
    ck_assert_uint_eq(counts.attempts, 0);
    scheduler_check(world->driver->scheduler);
    driver_free(world->driver);
    block_store_free(world->store);
    ck_assert_uint_eq(mem_pool_used_bytes(world->pool), 0);
    mem_pool_free(world->pool);
    arena_free(world->arena);
}

static inline ExecutorId world_add_executor(World *world, uint32_t slots)
{
    ExecutorId id;

    driver_executor_added(world->driver, &(ExecutorSpec){.name = "hand", .slots = slots}, &id);
    return id;
}

/* --- plans --- */

static inline const Plan *make_numbers(World *world, uint32_t maps)
{
    Arena *arena = world->arena;
    const Plan **inputs = ARENA_ARRAY(arena, const Plan *, maps);
    ColumnList *columns = ARENA_ARRAY(arena, ColumnList, maps);
    PlanColumn all = {.id = plan_new_column(&world->ids), .type = type_of(TYPE_INT8), .name = "k"};

    for (uint32_t m = 0; m < maps; m++) {
        int64_t first = (int64_t)m * ROWS_A_MAP;
        PlanColumn own = {
            .id = plan_new_column(&world->ids), .type = type_of(TYPE_INT8), .name = "k"};
        const Expr *args[3] = {expr_const(arena, value_int8(first)),
                               expr_const(arena, value_int8(first + ROWS_A_MAP - 1)),
                               expr_const(arena, value_int8(1))};

        inputs[m] = plan_table_function(arena, NULL, TABLE_FUNCTION_GENERATE_SERIES,
                                        (ExprList){3, args}, own);
        columns[m] = (ColumnList){1, arena_copy(arena, &own.id, sizeof own.id)};
    }
    return plan_union(arena, maps, inputs, columns, 1, &all);
}

static inline const Plan *make_shuffle(World *world, const Plan *input, uint32_t reduces)
{
    return plan_exchange(world->arena, EXCHANGE_HASH, input, reduces,
                         (ColumnList){1, &input->columns[0].id});
}

/* --- jobs --- */

typedef struct RunningJob {
    World *world;
    JobRequest request;
    pthread_t thread;
    Job *job;
    Status status;
    Error error;
    bool has_ended;
} RunningJob;

static void *running_job_main(void *opaque)
{
    RunningJob *running = opaque;

    running->status =
        job_start(running->world->driver, &running->request, &running->error, &running->job);
    pthread_mutex_lock(&running->world->lock);
    running->has_ended = true;
    pthread_cond_broadcast(&running->world->changed);
    pthread_mutex_unlock(&running->world->lock);
    return NULL;
}

static inline void job_begin(World *world, RunningJob *running, const Plan *plan, uint32_t pool)
{
    *running = (RunningJob){.world = world,
                            .request = {.plan = plan, .batch_rows = 64, .pool = pool},
                            .error = ERROR_NONE};
    ck_assert_int_eq(pthread_create(&running->thread, NULL, running_job_main, running), 0);
}

static inline Status job_wait(RunningJob *running)
{
    pthread_join(running->thread, NULL);
    return running->status;
}

/* The sum of the result's first column. */
static inline int64_t job_sum(RunningJob *running)
{
    int64_t sum = 0;
    Batch batch;

    do {
        ck_assert_int_eq(job_next(running->job, NULL, &batch), ST_OK);
        for (uint32_t i = 0; i < batch.row_count; i++)
            sum += *(const int64_t *)column_value(&batch.columns[0], i);
    } while (batch.row_count > 0);
    return sum;
}

/* --- tasks --- */

/* Waits for it. */
static inline TaskLaunch next_launch(World *world)
{
    TaskLaunch launch;

    pthread_mutex_lock(&world->lock);
    while (world->taken == world->launch_count)
        pthread_cond_wait(&world->changed, &world->lock);
    launch = world->launches[world->taken++];
    pthread_mutex_unlock(&world->lock);
    return launch;
}

static inline uint32_t stage_of(const TaskLaunch *launch)
{
    return launch->work->fragment->id;
}

static inline void run_it(World *world, const TaskLaunch *launch)
{
    static const atomic_bool never;
    TaskResult result;

    task_run(launch->work, launch->partition, launch->number, &never, &result);
    driver_task_ended(world->driver, launch, &result);
}

static inline void fail_it(World *world, const TaskLaunch *launch, Status status, const char *text)
{
    TaskResult result = {.status = status, .error = ERROR_NONE};

    (void)error_set(&result.error, status, "%s", text);
    driver_task_ended(world->driver, launch, &result);
}

/* Runs the next launch, which must be that one. */
static inline void expect_run(World *world, uint32_t stage, uint32_t partition)
{
    TaskLaunch launch = next_launch(world);

    ck_assert_uint_eq(stage_of(&launch), stage);
    ck_assert_uint_eq(launch.partition, partition);
    run_it(world, &launch);
}

static inline void wait_for_cancels(World *world, uint32_t count)
{
    pthread_mutex_lock(&world->lock);
    while (world->cancel_count < count)
        pthread_cond_wait(&world->changed, &world->lock);
    pthread_mutex_unlock(&world->lock);
}

#endif
