/* fiber.c -- see fiber.h */
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "core/base/invariant.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
enum { STACK_BYTES = 2 << 20 };
#else
enum { STACK_BYTES = 512 << 10 };
#endif

enum {
    FIBERS_MAX = 4096,
    PID_FIRST = 5000000,
    LATE_PAUSES = 20, /* of a thousand pauses */
    LATE_NS_MAX = 20000000
};

#define SWITCHES_MAX UINT64_C(20000000)
#define START_NS     INT64_C(1800000000000000000)

typedef enum FiberState { FIBER_NONE, FIBER_CAN_RUN, FIBER_WAITS } FiberState;

struct Fiber {
    FiberState state;
    uint32_t slot, number; /* the number counts up: a slot is used again */
    SimProcess *process;
    ucontext_t context;
    void *jump[5];
    bool has_begun;
    char *stack;
    const void *waits_for;
    int64_t until_ns, cpu_ns;
    bool was_woken, is_over;
    bool is_frozen; /* it could run, but for its process */
    void *(*fn)(void *context);
    void *argument, *result;
    void (*on_kill)(void *context);
    void *on_kill_context;
};

static struct {
    uint64_t random, trace, switches;
    int64_t now_ns;
    uint32_t pauses, until_pause, hold_ons, count, next_number, process_count;
    uint32_t can_run_count, can_run[FIBERS_MAX]; /* slots */
    Fiber *fibers[FIBERS_MAX];
    Fiber *self;
    ucontext_t world;
    void *jump[5];
    List processes;
    void *fake_stack;
    const void *world_stack;
    size_t world_stack_bytes;
} world;

/* --- chance and time --- */

uint64_t sim_random(void)
{
    uint64_t z = world.random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t sim_below(uint32_t limit)
{
    return limit == 0 ? 0 : (uint32_t)(sim_random() % limit);
}

bool sim_chance(uint32_t per_thousand)
{
    return per_thousand > 0 && sim_below(1000) < per_thousand;
}

int64_t sim_now_ns(void)
{
    return world.now_ns;
}

static void note(uint64_t what)
{
    world.trace = (world.trace ^ what) * UINT64_C(0x100000001b3);
}

/* --- switching --- */

#if !defined(__SANITIZE_ADDRESS__)
/* A function of its own: where __builtin_setjmp is, it may not be. */
static _Noreturn __attribute__((noipa)) void jump_to(void **place)
{
    __builtin_longjmp(place, 1);
}
#endif

/* Once begun without ucontext, each of whose switches is a system call. */
static __attribute__((noipa)) void switch_to(Fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    void *fake;

    __sanitizer_start_switch_fiber(&fake, fiber->stack, STACK_BYTES);
    swapcontext(&world.world, &fiber->context);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
    if (__builtin_setjmp(world.jump) != 0)
        return;
    if (fiber->has_begun)
        jump_to(fiber->jump);
    fiber->has_begun = true;
    setcontext(&fiber->context);
#endif
}

static __attribute__((noipa)) void switch_to_world(Fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    void *fake;

    __sanitizer_start_switch_fiber(fiber->is_over ? NULL : &fake, world.world_stack,
                                   world.world_stack_bytes);
    swapcontext(&fiber->context, &world.world);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
    if (__builtin_setjmp(fiber->jump) == 0)
        jump_to(world.jump);
#endif
}

static void set_can_run(Fiber *fiber)
{
    fiber->state = FIBER_CAN_RUN;
    fiber->waits_for = NULL;
    world.can_run[world.can_run_count++] = fiber_slot(fiber);
}

/* Gives the turn away; comes back when it is chosen. */
static void give_way(void)
{
    switch_to_world(world.self);
}

static void fiber_main(void)
{
    Fiber *self = world.self;

#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &world.world_stack, &world.world_stack_bytes);
#endif
    self->result = self->fn(self->argument);
    self->is_over = true;
    self->state = FIBER_NONE;
    fiber_wake_all(self);
    switch_to_world(self);
    abort();
}

/* --- fibers --- */

static char *new_stack(void)
{
    char *map = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    CHECK(map != MAP_FAILED && mprotect(map, 4096, PROT_NONE) == 0);
    return map;
}

static Fiber *free_fiber(void)
{
    for (uint32_t i = 0; i < world.count; i++)
        if (world.fibers[i]->state == FIBER_NONE)
            return world.fibers[i];
    CHECK(world.count < FIBERS_MAX);
    world.fibers[world.count] = calloc(1, sizeof(Fiber));
    CHECK(world.fibers[world.count] != NULL);
    world.fibers[world.count]->stack = new_stack();
    world.fibers[world.count]->slot = world.count;
    return world.fibers[world.count++];
}

uint32_t fiber_slot(const Fiber *fiber)
{
    return fiber->slot;
}

Fiber *fiber_start(SimProcess *process, void *(*fn)(void *context), void *context, int64_t at_ns)
{
    Fiber *fiber = free_fiber();
    char *stack = fiber->stack;

#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(stack + 4096, STACK_BYTES - 4096); /* of who was killed on it */
#endif
    *fiber = (Fiber){.stack = stack,
                     .slot = fiber->slot,
                     .number = ++world.next_number,
                     .process = process,
                     .fn = fn,
                     .argument = context};
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, fiber_main, 0);
    fiber->state = FIBER_WAITS;
    fiber->until_ns = at_ns;
    if (at_ns <= world.now_ns)
        set_can_run(fiber);
    return fiber;
}

void fiber_on_kill(Fiber *fiber, void (*fn)(void *context), void *context)
{
    fiber->on_kill = fn;
    fiber->on_kill_context = context;
}

Fiber *fiber_self(void)
{
    return world.self;
}

uint32_t fiber_number(const Fiber *fiber)
{
    return fiber->number;
}

bool fiber_is_alive(uint32_t slot, uint32_t number)
{
    return slot < world.count && world.fibers[slot]->state != FIBER_NONE &&
           world.fibers[slot]->number == number;
}

int64_t fiber_cpu_ns(void)
{
    return world.self == NULL ? 0 : (world.self->cpu_ns += sim_below(1500000));
}

void fiber_pause(void)
{
    if (world.self == NULL || world.pauses == 0 || world.hold_ons > 0 || --world.until_pause > 0)
        return;
    world.until_pause = 1 + sim_below(2000 / world.pauses);
    if (sim_chance(LATE_PAUSES)) { /* its processor has something else to do */
        fiber_sleep(sim_below(LATE_NS_MAX));
        return;
    }
    set_can_run(world.self);
    give_way();
}

bool fiber_wait(const void *what, int64_t until_ns)
{
    Fiber *self = world.self;

    CHECK(self != NULL && world.hold_ons == 0);
    self->state = FIBER_WAITS;
    self->waits_for = what;
    self->until_ns = until_ns;
    self->was_woken = false;
    give_way();
    return self->was_woken;
}

void fiber_sleep(int64_t ns)
{
    (void)fiber_wait(world.self, world.now_ns + (ns < 1 ? 1 : ns));
}

static void wake(Fiber *fiber)
{
    fiber->was_woken = true;
    set_can_run(fiber);
}

void fiber_wake_all(const void *what)
{
    for (uint32_t i = 0; i < world.count; i++)
        if (world.fibers[i]->state == FIBER_WAITS && world.fibers[i]->waits_for == what)
            wake(world.fibers[i]);
}

void fiber_wake_one(const void *what)
{
    uint32_t count = 0, chosen;

    for (uint32_t i = 0; i < world.count; i++)
        count += world.fibers[i]->state == FIBER_WAITS && world.fibers[i]->waits_for == what;
    if (count == 0)
        return;
    chosen = sim_below(count);
    for (uint32_t i = 0; i < world.count; i++)
        if (world.fibers[i]->state == FIBER_WAITS && world.fibers[i]->waits_for == what &&
            chosen-- == 0)
            wake(world.fibers[i]);
}

void *fiber_join(uint32_t slot, uint32_t number)
{
    CHECK(slot < world.count);
    while (fiber_is_alive(slot, number))
        (void)fiber_wait(world.fibers[slot], INT64_MAX);
    return world.fibers[slot]->number == number ? world.fibers[slot]->result : NULL;
}

void fiber_hold_on(void)
{
    world.hold_ons++;
}

void fiber_let_go_on(void)
{
    world.hold_ons--;
}

/* --- processes --- */

SimProcess *process_new(const char *name, uint32_t host, SimProcess *parent)
{
    SimProcess *process = calloc(1, sizeof *process);

    CHECK(process != NULL);
    snprintf(process->name, sizeof process->name, "%s", name);
    process->host = host;
    process->parent = parent;
    process->pid = (pid_t)(PID_FIRST + world.process_count++);
    list_push(&world.processes, &process->node);
    return process;
}

static void end_fibers(const SimProcess *process)
{
    for (uint32_t i = 0; i < world.count; i++) {
        Fiber *fiber = world.fibers[i];

        if (fiber->state == FIBER_NONE || fiber->process != process || fiber == world.self)
            continue;
        fiber->state = FIBER_NONE;
        for (uint32_t at = 0; at < world.can_run_count; at++)
            if (world.can_run[at] == i)
                world.can_run[at--] = world.can_run[--world.can_run_count];
        if (fiber->on_kill != NULL)
            fiber->on_kill(fiber->on_kill_context);
    }
}

void process_kill(SimProcess *process, int wait_status)
{
    if (process->is_dead)
        return;
    process->is_dead = true;
    process->wait_status = wait_status;
    note((uint64_t)process->pid);
    end_fibers(process);
    LIST_EACH(node, &world.processes)
    {
        SimProcess *child = LIST_OWNER(node, SimProcess, node);

        if (child->parent == process)
            process_kill(child, wait_status);
    }
    if (process->parent != NULL)
        fiber_wake_all(process->parent); /* which may wait for it */
    if (world.self != NULL && world.self->process == process) {
        Fiber *self = world.self;

        self->state = FIBER_NONE;
        self->is_over = true;
        if (self->on_kill != NULL)
            self->on_kill(self->on_kill_context);
        switch_to_world(self);
    }
}

SimProcess *process_of_pid(pid_t pid)
{
    LIST_EACH(node, &world.processes)
    if (LIST_OWNER(node, SimProcess, node)->pid == pid)
        return LIST_OWNER(node, SimProcess, node);
    return NULL;
}

SimProcess *process_self(void)
{
    return world.self == NULL ? NULL : world.self->process;
}

const List *processes(void)
{
    return &world.processes;
}

/* --- the world --- */

void fibers_begin(uint64_t seed, uint32_t pauses_per_thousand)
{
    world.random = seed;
    world.pauses = pauses_per_thousand;
    world.until_pause = 1;
    world.now_ns = START_NS;
    world.trace = seed;
    world.switches = 0;
}

void fibers_end(void)
{
    for (uint32_t i = 0; i < world.count; i++)
        world.fibers[i]->state = FIBER_NONE;
    world.can_run_count = 0;
    while (!list_is_empty(&world.processes))
        free(LIST_OWNER(list_take(&world.processes), SimProcess, node));
}

void process_freeze(SimProcess *process, int64_t until_ns)
{
    process->frozen_until_ns = until_ns;
    for (uint32_t i = 0; i < world.count; i++)
        if (world.fibers[i]->state == FIBER_WAITS && world.fibers[i]->is_frozen &&
            world.fibers[i]->process == process)
            world.fibers[i]->until_ns = until_ns;
}

/* To the next moment at which somebody waits no longer; false: there is none. */
static bool let_time_pass(void)
{
    int64_t next_ns = INT64_MAX;

    for (uint32_t i = 0; i < world.count; i++)
        if (world.fibers[i]->state == FIBER_WAITS && world.fibers[i]->until_ns < next_ns)
            next_ns = world.fibers[i]->until_ns;
    if (next_ns == INT64_MAX)
        return false;
    if (next_ns > world.now_ns)
        world.now_ns = next_ns;
    for (uint32_t i = 0; i < world.count; i++)
        if (world.fibers[i]->state == FIBER_WAITS && world.fibers[i]->until_ns <= world.now_ns)
            set_can_run(world.fibers[i]);
    return true;
}

static void run_one(void)
{
    uint32_t at = sim_below(world.can_run_count), slot = world.can_run[at];
    Fiber *fiber = world.fibers[slot];

    world.can_run[at] = world.can_run[--world.can_run_count];
    if (fiber->process->frozen_until_ns > world.now_ns) {
        fiber->state = FIBER_WAITS;
        fiber->waits_for = NULL;
        fiber->until_ns = fiber->process->frozen_until_ns;
        fiber->is_frozen = true;
        return;
    }
    fiber->is_frozen = false;
    world.self = fiber;
    world.switches++;
    world.now_ns += 200;
    note(fiber->number ^ (uint64_t)world.now_ns << 16);
    switch_to(fiber);
    world.self = NULL;
}

bool fibers_run(bool (*is_over)(void))
{
    while (world.switches < SWITCHES_MAX) {
        if (world.can_run_count > 0) {
            run_one();
            continue;
        }
        if (is_over())
            return true;
        if (!let_time_pass())
            return false;
    }
    return false;
}

uint64_t fibers_trace_hash(void)
{
    return world.trace;
}

uint64_t fibers_switches(void)
{
    return world.switches;
}
