/*
 * driver.h -- the scheduler at work: one lock, one backend, any number of jobs
 *
 *     driver_new -> a backend is made and tells of executors -> job_start (core/rdd/rdd_job.h), ...
 *         -> all jobs closed -> backend freed -> driver_free
 *
 * Events become calls of the scheduler (core/scheduler/scheduler.h), its actions calls of the
 * backend (task_backend.h). The driver itself decides nothing. It knows where blocks are, what is
 * kept for later jobs, and a ledger of what each task made, and says what happens (event_log.h).
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_RDD_DRIVER_H
#define VONK_CORE_RDD_DRIVER_H

#include "core/rdd/event_log.h"
#include "core/rdd/task_backend.h"

typedef struct Driver Driver;

/* The store is borrowed. */
Driver *driver_new(BlockStore *store, const SchedulerConfig *config);
void driver_free(Driver *driver); /* accepts NULL */

/* Once, before the first executor. Borrowed. */
void driver_set_backend(Driver *driver, TaskBackend *backend);

/* Whoever wants to know when jobs run: called with the driver's lock held, so that it may not call
 * the driver, and should return soon. */
typedef struct JobObserver {
    void *context;
    void (*began)(void *context, Driver *driver);
    void (*ended)(void *context);
} JobObserver;

/* Before the first job. */
void driver_set_observer(Driver *driver, JobObserver observer);

/* What jobs did; lives as long as the driver. */
EventLog *driver_events(Driver *driver);

/* --- what a backend tells --- */

/* *id_out is set before the first launch for it. */
void driver_executor_added(Driver *driver, const ExecutorSpec *spec, ExecutorId *id_out);
/* BLOCKS_LOST: what it made is thrown away, or is gone with it. */
void driver_executor_lost(Driver *driver, ExecutorId executor, BlockFate fate, const char *reason);

/* As above; the attempt, or what it was at work on, has failed (scheduler_executor_crashed). */
void driver_executor_crashed(Driver *driver, ExecutorId executor, BlockFate fate, AttemptId blamed,
                             const char *reason);

/* It gets nothing new; executor_drained follows. */
void driver_executor_drain(Driver *driver, ExecutorId executor);

/* As scheduler_heartbeat; what follows from it is carried out. */
uint32_t driver_heartbeat(Driver *driver, ExecutorId executor, uint64_t launches_taken,
                          const AttemptId *attempts, uint32_t attempt_count,
                          AttemptId *unwanted_out, bool *is_known_out);

/* There is somebody who can be told to make second copies. */
void driver_copy_kept(Driver *driver);
/* The executor has a second copy of what is kept for later jobs; hash 0: it could not make one. */
void driver_copy_made(Driver *driver, uint64_t output, uint32_t partition, ExecutorId executor,
                      uint64_t hash);

/* user_shared_piece, of a value that the functions of a job that runs may ask for. */
bool driver_shared_piece(Driver *driver, uint64_t hash, uint64_t offset, uint32_t byte_count,
                         Arena *arena, WireBytes *piece_out, uint64_t *total_out);

/* What became of a launch; takes the result's blocks (NULL: they are at the launch's executor). No
 * effect when the attempt is not known any more. */
void driver_task_ended(Driver *driver, const TaskLaunch *launch, TaskResult *result);
/* Those of one message: what follows from them is decided, and said to the backend, together. */
void driver_tasks_ended(Driver *driver, uint32_t count, const TaskLaunch *launches,
                        TaskResult *results);

/* --- jobs in general --- */

/* Jobs that run and that come end with this error. */
void driver_shut(Driver *driver, const Error *err);

uint32_t driver_add_pool(Driver *driver, PoolOrder order, uint32_t weight, uint32_t min_share);
void driver_cancel_group(Driver *driver, uint64_t group);
void driver_cancel_tag(Driver *driver, uint64_t tag);

/* Partitions kept under that id that have two copies. */
uint32_t driver_kept_copies(Driver *driver, int64_t keep_id);

/* What is kept under that id is dropped once no job reads it any more. */
void driver_unpersist(Driver *driver, int64_t keep_id);

#endif
