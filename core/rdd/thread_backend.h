/*
 * thread_backend.h -- tasks run on threads of this process: each is an executor with one slot
 *
 *     driver_new -> thread_backend_new -> thread_backend_resize (before each job) -> ...
 *         -> thread_backend_free -> driver_free
 *
 * So a task that failed is tried again on another thread, and what a thread made can be lost with
 * it in tests.
 *
 * Thread: every call may come from any thread, but for new and free.
 */
#ifndef VONK_CORE_RDD_THREAD_BACKEND_H
#define VONK_CORE_RDD_THREAD_BACKEND_H

#include "core/rdd/driver.h"

typedef struct ThreadBackend ThreadBackend;

ThreadBackend *thread_backend_new(Driver *driver);
void thread_backend_free(ThreadBackend *backend); /* accepts NULL; ends the threads */

/* So many threads from now on: fewer when the system refuses, none is an error. */
MUST_CHECK Status thread_backend_resize(ThreadBackend *backend, uint32_t count, Error *err);

/* What suits threads: they are all alike, and do not get lost. */
SchedulerConfig thread_backend_config(bool is_test);

#endif
