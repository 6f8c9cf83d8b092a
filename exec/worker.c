/* worker.c -- see worker.h */
#include "exec/worker.h"

#include <pthread.h>

#include "exec/exec_internal.h"

typedef struct Worker {
    WorkerSet *set;
    uint32_t number;
    pthread_t thread;
} Worker;

struct WorkerSet {
    Execution *execution;
    pthread_cond_t changed; /* goes with the execution's lock */
    SchedulerAction first;  /* NONE once somebody has taken it */
    uint32_t worker_count, most;
    Worker *workers;
};

static SchedulerAction next_action(WorkerSet *set)
{
    SchedulerAction action = set->first;

    set->first.kind = ACTION_NONE;
    return action.kind != ACTION_NONE ? action : scheduler_next(set->execution->scheduler);
}

static void *worker_main(void *opaque)
{
    Worker *worker = opaque;
    WorkerSet *set = worker->set;
    Execution *execution = set->execution;

    pthread_mutex_lock(&execution->lock);
    while (!execution->is_ended) {
        SchedulerAction action = next_action(set);

        if (action.kind == ACTION_NONE) {
            pthread_cond_wait(&set->changed, &execution->lock);
            continue;
        }
        exec__perform(execution, action, worker->number);
        pthread_cond_broadcast(&set->changed);
    }
    pthread_mutex_unlock(&execution->lock);
    return NULL;
}

/* Returns the system's error number. */
static int start_worker(WorkerSet *set)
{
    Worker *worker = &set->workers[set->worker_count];
    int failure;

    *worker = (Worker){.set = set, .number = set->worker_count};
    failure = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (failure == 0)
        set->worker_count++;
    return failure;
}

void worker_set_grow(WorkerSet *set, uint32_t task_count)
{
    for (uint32_t i = 0; i < task_count && set->worker_count < set->most; i++)
        if (start_worker(set) != 0)
            return;
}

Status worker_set_start(Execution *execution, uint32_t thread_count, uint32_t most,
                        SchedulerAction first, Error *err, WorkerSet **set_out)
{
    WorkerSet *set = ARENA_NEW(execution->arena, WorkerSet);
    int failure;

    *set_out = NULL;
    *set = (WorkerSet){.execution = execution,
                       .first = first,
                       .most = most,
                       .workers = ARENA_ARRAY(execution->arena, Worker, most)};
    pthread_cond_init(&set->changed, NULL);
    failure = start_worker(set);
    if (failure != 0) {
        pthread_cond_destroy(&set->changed);
        return error_set_errno(err, failure, "cannot start a thread");
    }
    worker_set_grow(set, thread_count - 1);
    *set_out = set;
    return ST_OK;
}

void worker_set_wake(WorkerSet *set)
{
    pthread_mutex_lock(&set->execution->lock);
    pthread_cond_broadcast(&set->changed);
    pthread_mutex_unlock(&set->execution->lock);
}

void worker_set_join(WorkerSet *set)
{
    if (set == NULL)
        return;
    pthread_mutex_lock(&set->execution->lock); /* until then, workers may start others */
    while (!set->execution->is_ended)
        pthread_cond_wait(&set->changed, &set->execution->lock);
    pthread_mutex_unlock(&set->execution->lock);
    for (uint32_t i = 0; i < set->worker_count; i++)
        pthread_join(set->workers[i].thread, NULL);
    pthread_cond_destroy(&set->changed);
}
