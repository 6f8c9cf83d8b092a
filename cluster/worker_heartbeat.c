/*
 * worker_heartbeat.c -- the thread of a worker that talks to the master
 *
 *     register -> heartbeat, which waits for orders -> the board -> heartbeat, ...
 *
 * No answer, or from one that stands by: the next address, soon again. Any other error: the master
 * does not know this worker (any more), and it registers anew, with the executors it runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cluster/worker_internal.h"
#include "core/base/clock.h"
#include "core/base/log.h"

enum { WAIT_MS = 1000, NAP_FIRST_MS = 20, NAP_MOST_MS = 500 };

static const char area[] = "worker";
/* A master that hangs costs no more than that before the next one is asked. */
static const int64_t call_ns = 3000000000, say_again_ns = 30000000000;

/* What the thread remembers for itself. */
typedef struct Beat {
    Worker *worker;
    int64_t nap_ms;
    bool was_ready;
    char complaint[256]; /* what was logged last */
    int64_t complained_ns;
} Beat;

/* --- the board --- */

static Child *find_child(Worker *worker, int64_t executor)
{
    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        if (worker->children[i].state != CHILD_NONE && worker->children[i].executor == executor)
            return &worker->children[i];
    return NULL;
}

static void note_folder(Worker *worker, int64_t application)
{
    for (uint32_t i = 0; i < worker->folder_count; i++)
        if (worker->folders[i] == application)
            return;
    if (worker->folder_count < FOLDERS_MAX)
        worker->folders[worker->folder_count++] = application;
}

/* With the lock. */
static void post_driver(Worker *worker, Child *child, const ExecutorOrder *order)
{
    Chore chore = {.kind = CHORE_FETCH_PACKAGE, .executor = order->executor};
    Error err = ERROR_NONE;

    child->state = CHILD_FETCHES;
    child->driver = chore.driver = order->application;
    child->arena = arena_new(NULL, "driver", ARENA_NO_CAP);
    if (driver_job_read(order->job, child->arena, &err, &child->job) != ST_OK)
        snprintf(child->problem, sizeof child->problem, "%.*s", REASON_BYTES - 1, err.message);
    chore.package = child->job.package;
    chores_add(worker->fetches, &chore);
}

/* With the lock. One for which there is no place is over with that: the master sees that it was
 * seen and is not there. */
static void post_start(Worker *worker, const ExecutorOrder *order)
{
    Child *free_one = NULL;

    if (order->executor <= worker->orders_seen)
        return;
    worker->orders_seen = order->executor;
    for (uint32_t i = 0; i < CHILDREN_MAX && free_one == NULL; i++)
        if (worker->children[i].state == CHILD_NONE)
            free_one = &worker->children[i];
    if (free_one == NULL || strlen(order->driver.host) >= sizeof free_one->driver_host ||
        worker->folder_count == FOLDERS_MAX) {
        LOG_WARN(area, "executor %" PRId64 " is not started: there are too many", order->executor);
        return;
    }
    *free_one = (Child){.state = CHILD_ORDERED,
                        .executor = order->executor,
                        .application = order->application,
                        .owner = order->owner,
                        .driver_port = order->driver.port,
                        .cores = order->cores,
                        .memory_bytes = order->memory_bytes,
                        .output = -1};
    memcpy(free_one->driver_host, order->driver.host, strlen(order->driver.host) + 1);
    if (order->job.byte_count > 0)
        post_driver(worker, free_one, order);
    else
        note_folder(worker, order->application);
}

/* With the lock. An executor that is not known yet is never started then. */
static void post_stop(Worker *worker, int64_t executor)
{
    Child *child = find_child(worker, executor);

    if (child != NULL)
        child->is_unwanted = true;
    else if (executor > worker->orders_seen)
        worker->orders_seen = executor;
}

/* With the lock. It goes under another name: an application that comes again has its folder anew,
 * however long this one's removal takes. */
static void remove_folder(Worker *worker, int64_t application)
{
    Chore chore = {.kind = CHORE_REMOVE_FOLDER, .application = application};
    Child of = {.application = application};
    char path[PATH_MAX];

    child_folder(worker->options, &of, 0, path);
    snprintf(chore.text, sizeof chore.text, "%.*s.%" PRIx64, (int)sizeof chore.text - 20, path,
             (uint64_t)membership_incarnation());
    if (rename(path, chore.text) == 0)
        chores_add(worker->others, &chore);
    else if (errno != ENOENT)
        LOG_WARN(area, "cannot remove \"%s\": %s", path, strerror(errno));
}

/* With the lock. */
static void post_ended(Worker *worker, int64_t application)
{
    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        if (worker->children[i].state != CHILD_NONE &&
            worker->children[i].application == application)
            return; /* later, then */
    for (uint32_t i = 0; i < worker->folder_count; i++) {
        if (worker->folders[i] != application)
            continue;
        worker->folders[i] = worker->folders[--worker->folder_count];
        remove_folder(worker, application);
        return;
    }
}

static void take_orders(Worker *worker, const WorkerOrders *orders)
{
    pthread_mutex_lock(&worker->lock);
    for (uint32_t i = 0; i < orders->start_count; i++) {
        if (orders->start[i].executor > worker->last_id)
            worker->last_id = orders->start[i].executor;
        post_start(worker, &orders->start[i]);
    }
    for (uint32_t i = 0; i < orders->stop_count; i++)
        post_stop(worker, orders->stop[i]);
    for (uint32_t i = 0; i < orders->ended_count; i++)
        post_ended(worker, orders->ended[i]);
    if (orders->leave && !worker->is_stopping) {
        LOG_INFO(area, "is drained");
        worker->is_stopping = true;
    }
    pthread_mutex_unlock(&worker->lock);
    worker__wake(worker);
}

/* --- the calls --- */

/* With the lock; those that have not been told of count as running. */
static void fill_report(Worker *worker, Arena *arena, WorkerReport *report)
{
    int64_t *executors = ARENA_ARRAY(arena, int64_t, CHILDREN_MAX);

    *report = (WorkerReport){
        .worker = worker->id,
        .incarnation = worker->incarnation,
        .number = ++worker->reports,
        .orders_seen = worker->orders_seen,
        .executors = executors,
        .applications = arena_copy(arena, worker->folders, worker->folder_count * sizeof(int64_t)),
        .application_count = worker->folder_count};
    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        if (worker->children[i].state != CHILD_NONE)
            executors[report->executor_count++] = worker->children[i].executor;
}

static void fill_info(Worker *worker, Arena *arena, WorkerInfo *info)
{
    RunningExecutor *running = ARENA_ARRAY(arena, RunningExecutor, CHILDREN_MAX);

    *info = (WorkerInfo){.build = membership_build(),
                         .name = worker->name,
                         .pid = (int32_t)getpid(),
                         .cores = worker->options->cores,
                         .memory_bytes = worker->options->memory_bytes,
                         .incarnation = worker->incarnation,
                         .last_id = worker->last_id,
                         .running = running};
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        const Child *child = &worker->children[i];

        if (child->state == CHILD_FETCHES || child->state == CHILD_ORDERED ||
            child->state == CHILD_RUNS || (child->state == CHILD_ENDED && child->driver != 0))
            running[info->running_count++] =
                (RunningExecutor){child->executor,     child->application, child->cores,
                                  child->memory_bytes, child->driver,      child->owner};
    }
}

static Status register_anew(Worker *worker, RpcAddress master, Arena *arena, Error *err)
{
    WorkerInfo info;
    int64_t id;

    pthread_mutex_lock(&worker->lock);
    fill_info(worker, arena, &info);
    pthread_mutex_unlock(&worker->lock);
    TRY(worker->rpc->rpc_master_register_worker(worker->pool, master, &info,
                                                clock_now_ns() + call_ns, err, &id));
    pthread_mutex_lock(&worker->lock);
    worker->id = id;
    if (id > worker->last_id)
        worker->last_id = id;
    pthread_mutex_unlock(&worker->lock);
    LOG_INFO(area, "is registered with the master at %s as worker %" PRId64,
             master_url_text(arena, master), id);
    return ST_OK;
}

static Status beat_once(Worker *worker, RpcAddress master, Arena *arena, Error *err)
{
    WorkerReport report;
    WorkerOrders orders;

    pthread_mutex_lock(&worker->lock);
    fill_report(worker, arena, &report);
    pthread_mutex_unlock(&worker->lock);
    TRY(worker->rpc->rpc_master_worker_heartbeat(worker->pool, master, &report, WAIT_MS,
                                                 clock_now_ns() + call_ns, arena, err, &orders));
    take_orders(worker, &orders);
    return ST_OK;
}

/* --- what goes wrong --- */

/* Once a matter, and again from time to time. */
static void complain(Beat *beat, const Error *err)
{
    int64_t now = clock_now_ns();

    if (strncmp(beat->complaint, err->message, sizeof beat->complaint - 1) == 0 &&
        now - beat->complained_ns < say_again_ns)
        return;
    LOG_WARN(area, "%s%s%s; trying again", err->message, err->hint[0] != '\0' ? "; " : "",
             err->hint);
    beat->complained_ns = now;
    snprintf(beat->complaint, sizeof beat->complaint, "%.*s", (int)sizeof beat->complaint - 1,
             err->message);
}

/* Ends at once when the worker does. */
static void nap(Beat *beat)
{
    Worker *worker = beat->worker;
    int64_t until = clock_now_ns() + beat->nap_ms * 1000000 / worker->master.count;
    struct timespec moment = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    pthread_mutex_lock(&worker->lock);
    while (!worker->is_stopping &&
           pthread_cond_timedwait(&worker->changed, &worker->lock, &moment) == 0)
        ;
    pthread_mutex_unlock(&worker->lock);
    beat->nap_ms = beat->nap_ms * 2 > NAP_MOST_MS ? NAP_MOST_MS : beat->nap_ms * 2;
}

static void say_ready(Beat *beat)
{
    int fd = beat->worker->options->ready_fd;

    if (beat->was_ready)
        return;
    beat->was_ready = true;
    if (fd < 0)
        return;
    if (write(fd, "ready\n", 6) < 0)
        LOG_WARN(area, "nobody waits for this worker");
    close(fd);
}

/* A master of another build: no use in trying again. */
static void refuse(Worker *worker, const Error *err)
{
    pthread_mutex_lock(&worker->lock);
    worker->is_refused = worker->is_stopping = true;
    worker->err = *err;
    pthread_mutex_unlock(&worker->lock);
    worker__wake(worker);
}

static void take_failure(Beat *beat, Status status, bool was_registered, const Error *err)
{
    Worker *worker = beat->worker;
    bool is_stopping;

    if (status == ST_NOT_SUPPORTED && !was_registered) {
        refuse(worker, err);
        return;
    }
    pthread_mutex_lock(&worker->lock);
    is_stopping = worker->is_stopping;
    if (status == ST_IO)
        master_url_next(&worker->master);
    else
        worker->id = 0;
    pthread_mutex_unlock(&worker->lock);
    if (is_stopping) /* it has said good-bye: then nobody knows it */
        return;
    if (strcmp(err->sqlstate, SQLSTATE_STANDBY) != 0) /* that is as it should be */
        complain(beat, err);
    if (status == ST_IO || !was_registered)
        nap(beat);
}

void *worker__heartbeat_main(void *opaque)
{
    Beat beat = {.worker = opaque, .nap_ms = NAP_FIRST_MS};
    Worker *worker = opaque;
    Arena *arena = arena_new(NULL, "heartbeat", ARENA_NO_CAP);

    for (;;) {
        bool is_stopping, is_registered;
        Error err = ERROR_NONE;
        RpcAddress master;
        Status status;

        pthread_mutex_lock(&worker->lock);
        is_stopping = worker->is_stopping;
        is_registered = worker->id != 0;
        master = master_url_address(&worker->master);
        pthread_mutex_unlock(&worker->lock);
        if (is_stopping)
            break;
        arena_reset(arena);
        status = is_registered ? beat_once(worker, master, arena, &err)
                               : register_anew(worker, master, arena, &err);
        if (status != ST_OK) {
            take_failure(&beat, status, is_registered, &err);
            continue;
        }
        say_ready(&beat);
        beat.nap_ms = NAP_FIRST_MS;
        beat.complaint[0] = '\0';
    }
    arena_free(arena);
    return NULL;
}
