/*
 * checks.c -- what must hold of each driver's scheduler, whatever happens: its own invariants; no
 * task counts twice; nothing is taken from an executor that was given up
 *
 * Linked with --wrap between the driver and the scheduler.
 */
#include "core/base/invariant.h"
#include "core/scheduler/scheduler.h"
#include "world.h"

enum { SLOTS = 1 << 14, CHECK_EVERY = 16 };

typedef struct Entry {
    uint64_t key, value;
} Entry;

/* Of all schedulers: keys are mixed of the scheduler's number and handles. */
static struct {
    uint32_t actions;
    uint64_t scheduler_count;
    Entry schedulers[SLOTS]; /* address -> number of the one that is there now */
    Entry launches[SLOTS];   /* attempt -> its executor  */
    Entry tasks[SLOTS];      /* attempt -> its task      */
    Entry counted[SLOTS];    /* task -> 1                */
    Entry lost[SLOTS];       /* executor -> 1            */
} seen;

__typeof__(scheduler_new) __wrap_scheduler_new, __real_scheduler_new;
__typeof__(scheduler_next) __wrap_scheduler_next, __real_scheduler_next;
__typeof__(scheduler_task_succeeded) __wrap_scheduler_task_succeeded,
    __real_scheduler_task_succeeded;
__typeof__(scheduler_executor_lost) __wrap_scheduler_executor_lost, __real_scheduler_executor_lost;
__typeof__(scheduler_executor_crashed) __wrap_scheduler_executor_crashed,
    __real_scheduler_executor_crashed;

static uint64_t mix(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t key = a * UINT64_C(0xd6e8feb86659fd93) ^ b * UINT64_C(0x9e3779b97f4a7c15) ^
                   (c + 1) * UINT64_C(0xbf58476d1ce4e5b9);

    key = (key ^ (key >> 31)) * UINT64_C(0x94d049bb133111eb);
    return key | 1;
}

/* The entry of that key; a new one when there is none. */
static Entry *entry(Entry *entries, uint64_t key)
{
    uint64_t at = key >> 20 & (SLOTS - 1);

    for (uint32_t tries = 0; tries < SLOTS; tries++, at = (at + 1) & (SLOTS - 1)) {
        if (entries[at].key == 0)
            entries[at].key = key;
        if (entries[at].key == key)
            return &entries[at];
    }
    UNREACHABLE("there is room for all that one schedule does");
}

static Entry *number_of(const Scheduler *scheduler)
{
    return entry(seen.schedulers, mix((uint64_t)(uintptr_t)scheduler, 0, 0));
}

static uint64_t key_of(const Scheduler *scheduler, uint64_t a, uint64_t b)
{
    return mix(number_of(scheduler)->value, a, b);
}

Scheduler *__wrap_scheduler_new(Arena *arena, const SchedulerConfig *config)
{
    Scheduler *scheduler = __real_scheduler_new(arena, config);

    number_of(scheduler)->value = ++seen.scheduler_count;
    return scheduler;
}

static void lose(const Scheduler *scheduler, ExecutorId executor)
{
    entry(seen.lost, key_of(scheduler, executor, 0))->value = 1;
}

SchedulerAction __wrap_scheduler_next(Scheduler *scheduler)
{
    SchedulerAction action = __real_scheduler_next(scheduler);

    if (action.kind == ACTION_LAUNCH_TASK) {
        entry(seen.launches, key_of(scheduler, action.attempt, 0))->value = action.executor;
        entry(seen.tasks, key_of(scheduler, action.attempt, 0))->value =
            key_of(scheduler, action.stage, action.partition);
        if (entry(seen.lost, key_of(scheduler, action.executor, 0))->value != 0)
            sim_fail("a task is launched at an executor that was given up");
    } else if (action.kind == ACTION_EXECUTOR_GONE) {
        lose(scheduler, action.executor);
    }
    if (seen.actions++ % CHECK_EVERY == 0)
        scheduler_check(scheduler);
    return action;
}

TaskVerdict __wrap_scheduler_task_succeeded(Scheduler *scheduler, AttemptId attempt,
                                            uint64_t output_hash)
{
    uint64_t key = key_of(scheduler, attempt, 0);
    TaskVerdict verdict = __real_scheduler_task_succeeded(scheduler, attempt, output_hash);
    Entry *counted;

    if (verdict == VERDICT_REFUSED)
        return verdict;
    if (entry(seen.lost, key_of(scheduler, entry(seen.launches, key)->value, 0))->value != 0)
        sim_fail("a result of an executor that was given up is taken");
    if (verdict == VERDICT_COUNTS) {
        counted = entry(seen.counted, entry(seen.tasks, key)->value);
        if (counted->value++ != 0)
            sim_fail("a task counts twice");
    }
    return verdict;
}

void __wrap_scheduler_executor_lost(Scheduler *scheduler, ExecutorId executor, BlockFate fate,
                                    const char *reason)
{
    __real_scheduler_executor_lost(scheduler, executor, fate, reason);
    lose(scheduler, executor);
}

void __wrap_scheduler_executor_crashed(Scheduler *scheduler, ExecutorId executor, BlockFate fate,
                                       AttemptId blamed, const char *reason)
{
    __real_scheduler_executor_crashed(scheduler, executor, fate, blamed, reason);
    lose(scheduler, executor);
}
