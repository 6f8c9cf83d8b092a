/*
 * fiber.h -- the threads of simulated processes: one runs at a time, on simulated time
 *
 *     fibers_begin(seed) -> process_new, fiber_start, ... -> fibers_run -> fibers_end
 *
 * Every pthread of the code under test is a fiber, a context with a stack of its own, and every
 * call that may wait (locks, conditions, naps, polls) comes here (fiber_calls.c): a fiber runs
 * until it waits, or is made to pause at a lock, for chance to take another. Time stands still
 * while any can run, then goes on to the next deadline. So a schedule follows from its seed alone.
 *
 * A process that is killed runs no further, wherever it was; locks that it held are free. One that
 * is frozen goes on later.
 */
#ifndef VONK_TESTS_SIM_FIBER_H
#define VONK_TESTS_SIM_FIBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/list.h"

typedef struct SimProcess {
    ListNode node;
    char name[24];
    uint32_t host;
    pid_t pid;
    struct SimProcess *parent; /* it ends with that one, which reaps it; NULL: none */
    bool is_dead, is_reaped, is_told_to_end;
    int wait_status;
    int64_t number; /* of a worker, at its master; 0: none yet */
    int signals;    /* where those are written that it is to take; 0: nowhere */
    int64_t frozen_until_ns;
    void *context; /* whoever made it knows what */
} SimProcess;

/* --- chance and time --- */

uint64_t sim_random(void);
uint32_t sim_below(uint32_t limit);
bool sim_chance(uint32_t per_thousand);
int64_t sim_now_ns(void);

/* --- processes --- */

SimProcess *process_new(const char *name, uint32_t host, SimProcess *parent);
/* And all that it started; may be the caller's own. */
void process_kill(SimProcess *process, int wait_status);
/* NULL: there is none. */
SimProcess *process_of_pid(pid_t pid);
SimProcess *process_self(void);
/* Nothing of it runs until then; a moment that has passed: it goes on, whatever was said before. */
void process_freeze(SimProcess *process, int64_t until_ns);
const List *processes(void);

/* --- fibers --- */

typedef struct Fiber Fiber;

Fiber *fiber_start(SimProcess *process, void *(*fn)(void *context), void *context, int64_t at_ns);
/* Called, on the fiber that kills, if it is killed before its end. */
void fiber_on_kill(Fiber *fiber, void (*fn)(void *context), void *context);
Fiber *fiber_self(void); /* NULL: outside */
uint32_t fiber_number(const Fiber *fiber);
bool fiber_is_alive(uint32_t slot, uint32_t number);
uint32_t fiber_slot(const Fiber *fiber);
/* How much CPU it has used, about. */
int64_t fiber_cpu_ns(void);

/* Perhaps somebody else goes first. */
void fiber_pause(void);
/* Until it is woken (true), or then. */
bool fiber_wait(const void *what, int64_t until_ns);
void fiber_sleep(int64_t ns);
void fiber_wake_all(const void *what);
void fiber_wake_one(const void *what);
/* The fiber of that number in that slot ends; its result. */
void *fiber_join(uint32_t slot, uint32_t number);
/* Between these nobody else runs. */
void fiber_hold_on(void);
void fiber_let_go_on(void);

/* --- the world --- */

/* pauses: of a thousand locks, at how many somebody else goes first, sometimes for milliseconds. */
void fibers_begin(uint64_t seed, uint32_t pauses_per_thousand);
/* Until is_over, which is asked whenever time goes on. False: nobody can ever run again, or all
 * run and run. */
bool fibers_run(bool (*is_over)(void));
void fibers_end(void);
/* Of all that happened. */
uint64_t fibers_trace_hash(void);
uint64_t fibers_switches(void);

#endif
