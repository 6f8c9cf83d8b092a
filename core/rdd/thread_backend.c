/*
 * thread_backend.c -- see thread_backend.h
 *
 * Locks, in this order: resize, the driver's, the backend's. A thread at rest waits for its launch,
 * which whoever makes the driver decide puts into its inbox.
 */
#include "core/rdd/thread_backend.h"

#include <pthread.h>
#include <stdio.h>

#include "core/base/big_stack.h"
#include "core/base/invariant.h"
#include "exec/user_shared.h"
#include "exec/user_task.h"

enum { THREADS_MAX = 256 };

typedef struct TaskThread {
    ThreadBackend *backend;
    uint32_t number;
    pthread_t thread;
    pthread_cond_t changed;
    ExecutorId executor; /* of its life at hand; set with the driver's lock */
    bool has_launch, must_end;
    TaskLaunch launch; /* in the inbox, or at work */
    atomic_bool stop;  /* the attempt at work should end */
} TaskThread;

struct ThreadBackend {
    TaskBackend backend;
    Driver *driver;
    Arena *arena;
    pthread_mutex_t resize;           /* of count */
    uint32_t count;                   /* the first ones, which run */
    pthread_mutex_t lock;             /* of inboxes */
    TaskThread *threads[THREADS_MAX]; /* in order; also those that were stopped */
};

SchedulerConfig thread_backend_config(bool is_test)
{
    SchedulerConfig config = scheduler_config_default();

    config.locality_wait_ms = 0;
    config.stage_failures_max = config.strikes_max = UINT32_MAX; /* no thread is worse */
    /* A straggler here is a large partition: a second attempt would take as long. */
    config.speculates = is_test;
    config.speculation_min_ms = 1;
    return config;
}

/* --- what the driver says --- */

static ThreadBackend *threads_of(TaskBackend *backend)
{
    return (ThreadBackend *)backend; /* its first member */
}

/* With the driver's lock. NULL: it is of an executor that is gone. */
static TaskThread *find_thread(const ThreadBackend *backend, ExecutorId executor)
{
    for (uint32_t i = 0; i < THREADS_MAX && backend->threads[i] != NULL; i++)
        if (backend->threads[i]->executor == executor)
            return backend->threads[i];
    return NULL;
}

static void backend_launch(TaskBackend *base, const TaskLaunch *launch)
{
    ThreadBackend *backend = threads_of(base);
    TaskThread *thread = find_thread(backend, launch->executor);

    CHECK(thread != NULL);
    pthread_mutex_lock(&backend->lock);
    CHECK(!thread->has_launch);
    thread->launch = *launch;
    thread->has_launch = true;
    atomic_store(&thread->stop, false);
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&backend->lock);
}

static void backend_cancel(TaskBackend *base, ExecutorId executor, AttemptId attempt,
                           uint64_t launch_number)
{
    ThreadBackend *backend = threads_of(base);
    TaskThread *thread = find_thread(backend, executor);

    (void)launch_number;
    if (thread == NULL)
        return;
    pthread_mutex_lock(&backend->lock);
    if (thread->launch.attempt == attempt)
        atomic_store(&thread->stop, true);
    pthread_mutex_unlock(&backend->lock);
}

static const TaskBackendClass thread_class = {.launch = backend_launch, .cancel = backend_cancel};

/* --- threads --- */

static void begin_life(TaskThread *thread)
{
    char name[32];
    ExecutorSpec spec = {.name = name, .slots = 1};

    snprintf(name, sizeof name, "thread %u", thread->number);
    driver_executor_added(thread->backend->driver, &spec, &thread->executor);
}

static void run_launch(TaskThread *thread, const TaskLaunch *launch)
{
    Driver *driver = thread->backend->driver;
    TaskResult result;

    task_run(launch->work, launch->partition, launch->number, &thread->stop, &result);
    if (!result.executor_died) {
        driver_task_ended(driver, launch, &result);
        return;
    }
    task_result_fini(&result);
    driver_executor_lost(driver, launch->executor, BLOCKS_LOST, "a fault of a test");
    begin_life(thread);
}

static void *thread_main(void *opaque)
{
    TaskThread *thread = opaque;
    ThreadBackend *backend = thread->backend;
    CrashStack stack;

    user_task_crash_stack_init(&stack);
    pthread_mutex_lock(&backend->lock);
    for (;;) {
        TaskLaunch launch = thread->launch;

        if (thread->has_launch) {
            thread->has_launch = false;
            pthread_mutex_unlock(&backend->lock);
            run_launch(thread, &launch);
            pthread_mutex_lock(&backend->lock);
        } else if (thread->must_end) {
            break;
        } else {
            pthread_cond_wait(&thread->changed, &backend->lock);
        }
    }
    pthread_mutex_unlock(&backend->lock);
    user_task_crash_stack_fini(&stack);
    return NULL;
}

/* Returns the system's error number. */
static int start_thread(ThreadBackend *backend, uint32_t number)
{
    TaskThread *thread = backend->threads[number];
    int failure;

    if (thread == NULL) {
        thread = ARENA_NEW(backend->arena, TaskThread);
        thread->backend = backend;
        thread->number = number;
        pthread_cond_init(&thread->changed, NULL);
        backend->threads[number] = thread;
    }
    thread->must_end = thread->has_launch = false;
    failure = big_stack_thread(TASK_STACK_BYTES, thread_main, thread, &thread->thread);
    if (failure == 0)
        begin_life(thread);
    return failure;
}

static void end_thread(ThreadBackend *backend, uint32_t number)
{
    TaskThread *thread = backend->threads[number];

    pthread_mutex_lock(&backend->lock);
    thread->must_end = true;
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&backend->lock);
    pthread_join(thread->thread, NULL);
    driver_executor_lost(backend->driver, thread->executor, BLOCKS_KEPT, "it was stopped");
}

static void resize(ThreadBackend *backend, uint32_t count, int *failure_out)
{
    *failure_out = 0;
    if (count > THREADS_MAX)
        count = THREADS_MAX;
    while (backend->count > count)
        end_thread(backend, --backend->count);
    while (backend->count < count && *failure_out == 0) {
        *failure_out = start_thread(backend, backend->count);
        backend->count += *failure_out == 0;
    }
}

Status thread_backend_resize(ThreadBackend *backend, uint32_t count, Error *err)
{
    Status status = ST_OK;
    int failure;

    pthread_mutex_lock(&backend->resize);
    resize(backend, count, &failure);
    if (backend->count == 0)
        status = error_set_errno(err, failure, "cannot start a thread");
    pthread_mutex_unlock(&backend->resize);
    return status;
}

ThreadBackend *thread_backend_new(Driver *driver)
{
    Arena *arena = arena_new(NULL, "task threads", ARENA_NO_CAP);
    ThreadBackend *backend = ARENA_NEW(arena, ThreadBackend);

    backend->backend.class = &thread_class;
    backend->driver = driver;
    backend->arena = arena;
    pthread_mutex_init(&backend->resize, NULL);
    pthread_mutex_init(&backend->lock, NULL);
    driver_set_backend(driver, &backend->backend);
    return backend;
}

void thread_backend_free(ThreadBackend *backend)
{
    int failure;

    if (backend == NULL)
        return;
    resize(backend, 0, &failure);
    for (uint32_t i = 0; i < THREADS_MAX && backend->threads[i] != NULL; i++)
        pthread_cond_destroy(&backend->threads[i]->changed);
    pthread_mutex_destroy(&backend->lock);
    pthread_mutex_destroy(&backend->resize);
    arena_free(backend->arena);
}
