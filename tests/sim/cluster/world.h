/*
 * world.h -- a simulated cluster: masters, workers with executors and keepers, drivers with jobs
 *
 *     jobs_begin (plans, and their answers from threads) -> world_run(seed) in a process of its own
 *
 * All of it is the code that runs for real: master_run, worker_run, executor_run, block_keeper_new,
 * application_open, jobs. What stands in for the rest: fiber_calls.c for threads and time,
 * network.c for connections, elections.c for ZooKeeper, processes.c for fork, exec and waitpid.
 */
#ifndef VONK_TESTS_SIM_WORLD_H
#define VONK_TESTS_SIM_WORLD_H

#include <stdatomic.h>

#include "core/plan/plan_wire.h"
#include "core/rdd/rdd_job.h"
#include "fiber.h"

enum {
    MASTERS = 2,
    WORKERS = 3,
    DRIVERS = 2,
    SESSIONS = 3, /* of a driver: jobs side by side */
    PLANS = 64,
    KEPT = 6, /* ids of what plans keep for later jobs: 1 to so many */
    FIRST_WORKER_HOST = 2,
    FIRST_DRIVER_HOST = 8
};

/* What goes wrong, drawn from the seed; chances are of a thousand. */
typedef struct WorldOdds {
    uint32_t task_fails, task_crashes, task_is_slow;
    int64_t slow_task_ns;
    uint32_t start_fails;
} WorldOdds;

/* Of all schedules; shared by their processes. */
typedef struct SimCounts {
    _Atomic uint64_t right, failed, faults, switches, seconds;
    _Atomic uint64_t kept; /* partitions of earlier jobs that later ones have read */
} SimCounts;

extern SimCounts *sim_counts;

/* --- jobs.c --- */

/* Makes the data below folder, the plans, and what threads answer. In a fiber. */
void jobs_begin(const char *folder);
const PlanWireHooks *jobs_hooks(void);
/* One that a driver may run, and how. */
typedef struct SimJob {
    uint32_t plan, stream, pool;
    Codec codec;
    uint64_t group;
    AdaptiveSettings adaptive;
    const atomic_bool *cancelled;
} SimJob;
SimJob jobs_draw(void);
/* NULL: *err. */
const char *jobs_answer(Driver *driver, const SimJob *job, const PlanWireHooks *wire, Arena *arena,
                        Error *err);
bool jobs_is_right(const SimJob *job, const char *text, Arena *arena);

/* --- plans.c --- */

void plans_begin(Arena *arena, Table *table);
const Plan *plans_draw(void);

/* --- processes.c --- */

void processes_begin(WorldOdds odds, bool is_traced);
void processes_set(WorldOdds odds);
bool process_is_executor(const SimProcess *process);
/* As SIGTERM. */
void process_tell_to_end(SimProcess *process);
/* An executor's memory is short. */
void process_squeeze(SimProcess *executor);
/* What executors have of a driver at that host, whose jobs are over; NULL: nothing. */
const char *process_executors_have(uint32_t driver_host);

/* --- drivers.c --- */

typedef struct DriversSpec {
    uint32_t count;
    const char *url, *folder;
    int64_t start_ns;
    bool is_measured; /* they go on until all is well, and say how long things took */
} DriversSpec;

void drivers_begin(const DriversSpec *spec);
bool drivers_are_over(void);
/* Some are not, and should be. */
void drivers_fail_hanging(void);
SimProcess *drivers_any(void);
void drivers_cancel_one(void);

/* --- elections.c --- */

void elections_begin(void);

/* --- world.c --- */

/* Nothing goes wrong any more. */
bool world_is_well(void);

_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* To measure: no fault but this one, and how long each job takes is printed. */
typedef struct WorldOnly {
    const char *fault; /* as world.c has them, or "nothing"; NULL: all of them */
    uint32_t every_ms; /* on average */
} WorldOnly;

/* Ends this process: with 0, all was as it should be. */
_Noreturn void world_run(uint64_t seed, const char *folder, WorldOnly only, bool is_traced);

#endif
