/*
 * worker.h -- the thread backend of the scheduler: threads that ask it what to do next
 *
 * Thread: one thread makes and frees the set.
 */
#ifndef VONK_EXEC_WORKER_H
#define VONK_EXEC_WORKER_H

#include "core/scheduler/scheduler.h"
#include "exec/exec.h"

typedef struct WorkerSet WorkerSet;

/* Starts thread_count threads, numbered from 0, of up to most; fewer when the system refuses, none
 * is an error. first: an action that was taken from the scheduler already. The execution's lock is
 * held, here and in worker_set_grow. */
MUST_CHECK Status worker_set_start(Execution *execution, uint32_t thread_count, uint32_t most,
                                   SchedulerAction first, Error *err, WorkerSet **set_out);

/* There are more tasks: starts as many threads, as far as there may be more. */
void worker_set_grow(WorkerSet *set, uint32_t task_count);

/* Wakes all: the scheduler may have something to do, or context->stop was set. */
void worker_set_wake(WorkerSet *set);

/* Waits for the job's end and for the threads. Accepts NULL. */
void worker_set_join(WorkerSet *set);

#endif
