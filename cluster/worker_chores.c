/* worker_chores.c -- a thread for what may take its time; see worker_internal.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cluster/worker_internal.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/log.h"

static const char area[] = "worker";
static const int64_t tell_ns = 2000000000, fetch_ns = 10000000000, patience_ns = 30000000000;

enum { DRIVER_LOGS_MAX = 100 };

typedef struct WaitingChore {
    Arena *arena;
    Chore chore;
    ListNode node;
} WaitingChore;

struct ChoreQueue {
    Worker *worker;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;
    uint32_t count;
    List waiting; /* WaitingChores, the oldest first */
};

/* The master has seen the end by now, or will see it from a heartbeat. */
static void free_child(Worker *worker, int64_t executor)
{
    pthread_mutex_lock(&worker->lock);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        Child *child = &worker->children[i];

        if (child->state != CHILD_ENDED || child->executor != executor)
            continue;
        child->state = CHILD_NONE;
        arena_free(child->arena);
        child->arena = NULL;
    }
    pthread_mutex_unlock(&worker->lock);
}

/* How an executor has ended does not matter much: that it has, a heartbeat tells as well. How a
 * driver has, does: it is said until a master has heard it. */
static void tell_master(Worker *worker, const Chore *chore)
{
    Status status = ST_IO;
    RpcAddress master;
    Error err = ERROR_NONE;
    bool is_stopping;
    int64_t id;

    pthread_mutex_lock(&worker->lock);
    id = worker->id;
    is_stopping = worker->is_stopping;
    master = master_url_address(&worker->master);
    pthread_mutex_unlock(&worker->lock);
    if (id != 0)
        status = worker->rpc->rpc_master_executor_ended(
            worker->pool, master, id, worker->incarnation, chore->executor, chore->text,
            chore->exit_code, clock_now_ns() + tell_ns, &err);
    if (status != ST_OK && chore->driver != 0 && !is_stopping) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        chores_add(worker->tell_master, chore);
        return;
    }
    if (status != ST_OK && id != 0)
        LOG_INFO(area, "the master is not told of the end of executor %" PRId64 ": %s",
                 chore->executor, err.message);
    free_child(worker, chore->executor);
}

/* As its executor would: that is who the driver knows. */
static void tell_driver(Worker *worker, const Chore *chore)
{
    RpcAddress driver = {chore->driver_host, chore->driver_port};
    RpcPool *pool = worker->rpc->rpc_pool_new(worker->keys, 0);
    ExecutorEnd end = {.executor = chore->executor,
                       .reason = chore->text,
                       .has_crashed = chore->has_crashed,
                       .attempt = chore->attempt};
    Error err = ERROR_NONE;

    worker->rpc->rpc_pool_speak_as(pool, (Identity){chore->owner, chore->application});
    if (worker->rpc->rpc_driver_executor_ended(pool, driver, &end, clock_now_ns() + tell_ns,
                                               &err) != ST_OK)
        LOG_INFO(area, "the driver is not told of the end of executor %" PRId64 ": %s",
                 chore->executor, err.message);
    worker->rpc->rpc_pool_free(pool);
}

/* --- packages of drivers --- */

/* Under its own name when it is whole. */
static Status write_package(Worker *worker, ContentHash hash, WireBytes package, Error *err)
{
    char path[PATH_MAX], temporary[PATH_MAX + 8];
    int fd;
    bool is_written;

    snprintf(path, sizeof path, "%s/packages", worker->options->dir);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
    package_path(worker->options, hash, path);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot write \"%s\"", temporary);
    is_written = write(fd, package.bytes, package.byte_count) == (ssize_t)package.byte_count;
    if (close(fd) != 0 || !is_written || rename(temporary, path) != 0) {
        int failure = errno;

        unlink(temporary);
        return error_set_errno(err, failure, "cannot write \"%s\"", path);
    }
    return ST_OK;
}

static Status fetch_once(Worker *worker, const Chore *chore, Arena *arena, Error *err)
{
    RpcAddress master;
    WireBytes package;

    pthread_mutex_lock(&worker->lock);
    master = master_url_address(&worker->master);
    pthread_mutex_unlock(&worker->lock);
    TRY(worker->rpc->rpc_master_fetch_package(worker->pool, master, chore->driver,
                                              clock_now_ns() + fetch_ns, arena, err, &package));
    if (!content_hash_equal(content_hash(package.bytes, package.byte_count), chore->package))
        return error_set(err, ST_CORRUPT, "the package of driver %" PRId64 " is another one",
                         chore->driver);
    return write_package(worker, chore->package, package, err);
}

/* The heartbeat's thread finds the master again when there is another one. */
static Status fetch_package(Worker *worker, const Chore *chore, Error *err)
{
    int64_t end_ns = clock_now_ns() + patience_ns;
    Arena *arena = arena_new(NULL, "package", ARENA_NO_CAP);
    char path[PATH_MAX];
    Status status = ST_OK;

    package_path(worker->options, chore->package, path);
    while (access(path, R_OK) != 0) {
        bool is_stopping;

        arena_reset(arena);
        status = fetch_once(worker, chore, arena, err);
        pthread_mutex_lock(&worker->lock);
        is_stopping = worker->is_stopping;
        pthread_mutex_unlock(&worker->lock);
        if (status != ST_IO || clock_now_ns() > end_ns || is_stopping)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    arena_free(arena);
    return status;
}

static void bring_package(Worker *worker, const Chore *chore)
{
    Error err = ERROR_NONE;
    Status status = fetch_package(worker, chore, &err);

    pthread_mutex_lock(&worker->lock);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++) {
        Child *child = &worker->children[i];

        if (child->state != CHILD_FETCHES || child->executor != chore->executor)
            continue;
        if (status != ST_OK && child->problem[0] == '\0')
            snprintf(child->problem, sizeof child->problem, "its files did not come: %.400s",
                     err.message);
        child->state = CHILD_ORDERED;
    }
    pthread_mutex_unlock(&worker->lock);
    worker__wake(worker);
}

/* --- logs of drivers --- */

static int64_t log_driver(const struct dirent *entry)
{
    return strncmp(entry->d_name, "driver-", 7) == 0 && strstr(entry->d_name, ".log") != NULL
               ? strtoll(entry->d_name + 7, NULL, 10)
               : 0;
}

void worker__remove_old_logs(const char *dir)
{
    for (;;) {
        DIR *folder = opendir(dir);
        int64_t oldest = 0;
        uint32_t count = 0;
        char path[PATH_MAX + 64];

        if (folder == NULL)
            return;
        for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
            int64_t driver = log_driver(entry);

            count += driver != 0;
            if (driver != 0 && (oldest == 0 || driver < oldest))
                oldest = driver;
        }
        closedir(folder);
        if (count <= DRIVER_LOGS_MAX)
            return;
        snprintf(path, sizeof path, "%s/driver-%" PRId64 ".log", dir, oldest);
        unlink(path);
        for (int i = 1; i <= LOG_FILES_KEPT; i++) {
            snprintf(path, sizeof path, "%s/driver-%" PRId64 ".log.%d", dir, oldest, i);
            unlink(path);
        }
    }
}

/* Of a driver's process. The next one's may be beside it by now: what both are in goes with the
 * last one. */
static void remove_process(const Worker *worker, const Chore *chore)
{
    Child driver = {.driver = chore->driver, .application = chore->driver};
    char path[PATH_MAX];

    child_folder(worker->options, &driver, 0, path);
    if (rmdir(path) != 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
        LOG_WARN(area, "cannot remove \"%s\": %s", path, strerror(errno));
    worker__remove_old_logs(worker->options->dir);
}

static void do_chore(Worker *worker, const Chore *chore)
{
    switch (chore->kind) {
    case CHORE_TELL_MASTER:
        tell_master(worker, chore);
        break;
    case CHORE_TELL_DRIVER:
        tell_driver(worker, chore);
        break;
    case CHORE_REMOVE_FOLDER:
        worker__remove_folder(chore->text);
        if (chore->driver != 0)
            remove_process(worker, chore);
        break;
    case CHORE_FETCH_PACKAGE:
        bring_package(worker, chore);
        break;
    }
}

/* With the lock, of a queue that is not empty. */
static WaitingChore *take_oldest(ChoreQueue *queue)
{
    queue->count--;
    return LIST_OWNER(list_take(&queue->waiting), WaitingChore, node);
}

static void *chores_main(void *opaque)
{
    ChoreQueue *queue = opaque;
    WaitingChore *waiting;

    pthread_mutex_lock(&queue->lock);
    for (;;) {
        while (queue->count == 0 && !queue->is_stopping)
            pthread_cond_wait(&queue->changed, &queue->lock);
        if (queue->count == 0)
            break;
        waiting = take_oldest(queue);
        pthread_mutex_unlock(&queue->lock);
        do_chore(queue->worker, &waiting->chore);
        arena_free(waiting->arena);
        pthread_mutex_lock(&queue->lock);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

Status chores_start(Worker *worker, Arena *arena, Error *err, ChoreQueue **queue_out)
{
    ChoreQueue *queue = ARENA_NEW(arena, ChoreQueue);
    int failure;

    *queue_out = NULL;
    queue->worker = worker;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    failure = pthread_create(&queue->thread, NULL, chores_main, queue);
    if (failure != 0)
        return error_set_errno(err, failure, "cannot start a thread");
    *queue_out = queue;
    return ST_OK;
}

/* With the lock. */
static void drop_oldest(ChoreQueue *queue)
{
    WaitingChore *oldest = take_oldest(queue);

    LOG_WARN(area,
             "there is too much to do: what was to be said of executor %" PRId64 " is dropped",
             oldest->chore.executor);
    if (oldest->chore.kind == CHORE_TELL_MASTER)
        free_child(queue->worker, oldest->chore.executor);
    arena_free(oldest->arena);
}

void chores_add(ChoreQueue *queue, const Chore *chore)
{
    Arena *arena = arena_new(NULL, "chore", ARENA_NO_CAP);
    WaitingChore *waiting = ARENA_NEW(arena, WaitingChore);

    waiting->arena = arena;
    waiting->chore = *chore;
    pthread_mutex_lock(&queue->lock);
    if (queue->count == CHORES_MAX)
        drop_oldest(queue);
    list_push(&queue->waiting, &waiting->node);
    queue->count++;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void chores_stop(ChoreQueue *queue)
{
    if (queue == NULL)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->is_stopping = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    pthread_join(queue->thread, NULL);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
}
