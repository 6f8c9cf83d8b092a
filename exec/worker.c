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
    uint32_t worker_count;
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

Status worker_set_start(Execution *execution, uint32_t thread_count, SchedulerAction first,
                        Error *err, WorkerSet **set_out)
{
    WorkerSet *set = ARENA_NEW(execution->arena, WorkerSet);

    *set_out = NULL;
    *set = (WorkerSet){.execution = execution,
                       .first = first,
                       .workers = ARENA_ARRAY(execution->arena, Worker, thread_count)};
    pthread_cond_init(&set->changed, NULL);
    for (uint32_t i = 0; i < thread_count; i++) {
        Worker *worker = &set->workers[i];
        int failure;

        *worker = (Worker){.set = set, .number = i};
        failure = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (failure != 0 && i == 0) {
            pthread_cond_destroy(&set->changed);
            return error_set_errno(err, failure, "cannot start a thread");
        }
        if (failure != 0)
            break;
        set->worker_count++;
    }
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
    for (uint32_t i = 0; i < set->worker_count; i++)
        pthread_join(set->workers[i].thread, NULL);
    pthread_cond_destroy(&set->changed);
}
