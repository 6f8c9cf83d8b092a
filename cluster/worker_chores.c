/* worker_chores.c -- a thread for what may take its time; see worker_internal.h */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/worker_internal.h"
#include "core/base/clock.h"
#include "core/base/log.h"

static const char area[] = "worker";
static const int64_t tell_ns = 2000000000;

struct ChoreQueue {
    Worker *worker;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;
    uint32_t first, count; /* a ring */
    Chore chores[CHORES_MAX];
};

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *place)
{
    (void)file;
    (void)kind;
    (void)place;
    if (remove(path) != 0 && errno != ENOENT)
        LOG_WARN(area, "cannot remove \"%s\": %s", path, strerror(errno));
    return 0;
}

void worker__remove_folder(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The master has seen the end by now, or will see it from a heartbeat. */
static void free_child(Worker *worker, int64_t executor)
{
    pthread_mutex_lock(&worker->lock);
    for (uint32_t i = 0; i < CHILDREN_MAX; i++)
        if (worker->children[i].state == CHILD_ENDED && worker->children[i].executor == executor)
            worker->children[i].state = CHILD_NONE;
    pthread_mutex_unlock(&worker->lock);
}

static void tell_master(Worker *worker, const Chore *chore)
{
    RpcAddress master;
    Error err = ERROR_NONE;
    int64_t id;

    pthread_mutex_lock(&worker->lock);
    id = worker->id;
    master = master_url_address(&worker->master);
    pthread_mutex_unlock(&worker->lock);
    if (id != 0 && worker->rpc->rpc_master_executor_ended(
                       worker->pool, master, id, worker->incarnation, chore->executor, chore->text,
                       clock_now_ns() + tell_ns, &err) != ST_OK)
        LOG_INFO(area, "the master is not told of the end of executor %" PRId64 ": %s",
                 chore->executor, err.message);
    free_child(worker, chore->executor);
}

static void tell_driver(Worker *worker, const Chore *chore)
{
    RpcAddress driver = {chore->driver_host, chore->driver_port};
    Error err = ERROR_NONE;

    if (worker->rpc->rpc_driver_executor_ended(worker->pool, driver, chore->executor, chore->text,
                                               clock_now_ns() + tell_ns, &err) != ST_OK)
        LOG_INFO(area, "the driver is not told of the end of executor %" PRId64 ": %s",
                 chore->executor, err.message);
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
        break;
    }
}

static void *chores_main(void *opaque)
{
    ChoreQueue *queue = opaque;
    Chore chore;

    pthread_mutex_lock(&queue->lock);
    for (;;) {
        while (queue->count == 0 && !queue->is_stopping)
            pthread_cond_wait(&queue->changed, &queue->lock);
        if (queue->count == 0)
            break;
        chore = queue->chores[queue->first];
        queue->first = (queue->first + 1) % CHORES_MAX;
        queue->count--;
        pthread_mutex_unlock(&queue->lock);
        do_chore(queue->worker, &chore);
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

void chores_add(ChoreQueue *queue, const Chore *chore)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->count == CHORES_MAX) {
        const Chore *oldest = &queue->chores[queue->first];

        LOG_WARN(area,
                 "there is too much to do: what was to be said of executor %" PRId64 " is dropped",
                 oldest->executor);
        if (oldest->kind == CHORE_TELL_MASTER)
            free_child(queue->worker, oldest->executor);
        queue->first = (queue->first + 1) % CHORES_MAX;
        queue->count--;
    }
    queue->chores[(queue->first + queue->count++) % CHORES_MAX] = *chore;
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
