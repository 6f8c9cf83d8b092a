/* sim_run.c -- one schedule: events by time, faults until they end, then all must end well */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* --- chance --- */

uint64_t sim_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * 0x9e3779b97f4a7c15u + b + 0x7f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t sim_random(Sim *sim)
{
    sim->random += 0x9e3779b97f4a7c15u;
    return sim_mix(sim->random, 0);
}

uint32_t sim_below(Sim *sim, uint32_t limit)
{
    return (uint32_t)(sim_random(sim) % limit);
}

bool sim_chance(Sim *sim, uint32_t per_thousand)
{
    return sim_below(sim, 1000) < per_thousand;
}

void sim_trace(Sim *sim, const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    sim->trace = sim_mix(sim_mix(sim_mix(sim->trace, a), b), c + (uint64_t)sim->now);
    if (sim->is_traced)
        printf("%8lld  %-9s %llu %llx %llx\n", (long long)sim->now, what, (unsigned long long)a,
               (unsigned long long)b, (unsigned long long)c);
}

void sim_fail(const Sim *sim, const char *what, int line)
{
    printf("seed %llu, at %lld ms, step %u: violated, line %d: %s\n"
           "replay with: scheduler_sim --seed %llu --trace\n",
           (unsigned long long)sim->seed, (long long)sim->now, sim->steps, line, what,
           (unsigned long long)sim->seed);
    fflush(stdout);
    abort();
}

/* --- events: a heap by time, then by sequence --- */

static bool is_before(const Event *a, const Event *b)
{
    return a->time != b->time ? a->time < b->time : a->sequence < b->sequence;
}

void sim_at(Sim *sim, int64_t delay, Event event)
{
    uint32_t at = sim->event_count++;

    MUST(sim, sim->event_count < EVENTS_MAX);
    event.time = sim->now + delay;
    event.sequence = sim->sequence++;
    for (; at > 0 && is_before(&event, &sim->events[(at - 1) / 2]); at = (at - 1) / 2)
        sim->events[at] = sim->events[(at - 1) / 2];
    sim->events[at] = event;
}

static Event take_event(Sim *sim)
{
    Event first = sim->events[0], last = sim->events[--sim->event_count];
    uint32_t at = 0;

    for (uint32_t child = 1; child < sim->event_count; child = 2 * at + 1) {
        if (child + 1 < sim->event_count && is_before(&sim->events[child + 1], &sim->events[child]))
            child++;
        if (!is_before(&sim->events[child], &last))
            break;
        sim->events[at] = sim->events[child];
        at = child;
    }
    sim->events[at] = last;
    return first;
}

void sim_send(Sim *sim, Event event)
{
    const Life *life = &sim->lives[event.life];

    if (!sim->has_heartbeats) { /* one process: nothing can get lost or overtake */
        sim_at(sim, 0, event);
        return;
    }
    if (life->cut_until > sim->now || sim_chance(sim, sim->odds.loss))
        return;
    if (sim_chance(sim, sim->odds.repeat))
        sim_at(sim, 1 + sim_below(sim, (uint32_t)sim->odds.delay_max * 4), event);
    sim_at(sim, sim_below(sim, (uint32_t)sim->odds.delay_max), event);
}

/* --- faults --- */

static void damage_block(Sim *sim, Life *life)
{
    uint32_t s = sim_below(sim, sim->stage_count), p = sim_below(sim, PARTS_MAX);
    Block *block = &life->blocks[s][p];

    if (sim_chance(sim, 500))
        block->is_damaged = true;
    else
        *block = (Block){.was_removed = true};
}

static void evict(Sim *sim, Life *life)
{
    uint32_t group = sim_below(sim, GROUPS_MAX), part = sim_below(sim, PARTS_MAX);

    life->cache[group][part] = (Block){.was_removed = true};
    for (uint32_t s = 0; s < sim->stage_count; s++)
        if (sim->stages[s].cache_group == group && sim->stages[s].id != 0 && sim_chance(sim, 500)) {
            scheduler_uncached(sim->scheduler, sim->stages[s].id, part);
            sim->stages[s].is_cached[part] = false;
        }
}

static void fault(Sim *sim)
{
    uint32_t number = sim_below(sim, sim->life_count);
    Life *life = &sim->lives[number];

    if (sim->life_count + 2 * MACHINES_MAX > LIVES_MAX)
        return;
    if (sim_chance(sim, sim->odds.kill)) {
        uint32_t at = sim->current[sim_below(sim, sim->machine_count)];

        if (at != NONE)
            executor_kill(sim, at, sim->keeps_blocks && sim_chance(sim, 900));
        return;
    }
    switch (sim_below(sim, 6)) {
    case 0:
        if (life->frozen_until < sim->now)
            life->frozen_until = sim->now + 20 + sim_below(sim, 1500);
        return;
    case 1:
        if (sim->has_heartbeats)
            life->cut_until = sim->now + 20 + sim_below(sim, 1500);
        return;
    case 2:
        damage_block(sim, life);
        return;
    case 3:
        evict(sim, life);
        return;
    default:
        driver_fault(sim);
    }
}

static void end_faults(Sim *sim)
{
    sim->is_over = true;
    sim->odds = (Odds){.delay_max = 5};
    for (uint32_t i = 0; i < sim->life_count; i++) {
        if (sim->has_heartbeats) /* else messages would overtake those that wait for the thaw */
            sim->lives[i].frozen_until = 0;
        sim->lives[i].cut_until = 0;
        sim->lives[i].is_bad = false;
    }
    for (uint32_t i = 0; i < sim->machine_count; i++)
        executor_start(sim, i);
}

/* --- a schedule --- */

static void choose_odds(Sim *sim)
{
    static const uint32_t levels[] = {0, 0, 10, 50, 200};

#define LEVEL levels[sim_below(sim, 5)]
    sim->has_heartbeats = sim_chance(sim, 800);
    sim->keeps_blocks = sim_chance(sim, 500);
    sim->odds = (Odds){.loss = LEVEL,
                       .repeat = LEVEL,
                       .task_error = LEVEL,
                       .damage = LEVEL / 2,
                       .kill = 100 + 4 * LEVEL,
                       .slow = LEVEL,
                       .delay_max = 1 + sim_below(sim, 60),
                       .fault_every = 5 + sim_below(sim, 300)};
#undef LEVEL
}

static SchedulerConfig choose_config(Sim *sim)
{
    SchedulerConfig config = scheduler_config_default();

    config.attempts_max = 1 + sim_below(sim, 4);
    config.stage_attempts_max = 1 + sim_below(sim, 4);
    config.losses_max = sim_chance(sim, 300) ? 3 + sim_below(sim, 10) : 64;
    config.locality_wait_ms = sim_below(sim, 200);
    config.launch_timeout_ms = 20 + sim_below(sim, 300);
    config.executor_timeout_ms = sim->has_heartbeats ? 200 + sim_below(sim, 1000) : 0;
    config.cancel_timeout_ms =
        sim->has_heartbeats && sim_chance(sim, 300) ? 50 + sim_below(sim, 500) : 0;
    config.blocks_outlive_executors = sim->keeps_blocks;
    config.no_executor_timeout_ms = sim_chance(sim, 300) ? 100 + sim_below(sim, 1000) : 0;
    config.exclude_ms = 10 + sim_below(sim, 2000);
    config.strikes_max = 1 + sim_below(sim, 4);
    config.speculates = sim_chance(sim, 500);
    config.speculation_min_ms = 10 + sim_below(sim, 100);
    return config;
}

static void choose_jobs(Sim *sim, int64_t faults_ms)
{
    bool is_taken[STAGES_MAX] = {false};

    sim->job_count = 1 + sim_below(sim, JOBS_MAX);
    for (uint32_t i = 0; i < sim->job_count; i++) {
        uint32_t stage =
            sim_chance(sim, 400) ? sim->stage_count - 1 : sim_below(sim, sim->stage_count);

        if (sim->stages[stage].is_result && is_taken[stage]) {
            sim->job_count = i; /* a result stage serves one job */
            break;
        }
        is_taken[stage] = true;
        sim->jobs[i] = (SimJob){.stage = stage};
        sim_at(sim, sim_below(sim, (uint32_t)faults_ms), (Event){.kind = EV_SUBMIT, .a = i});
    }
}

static void choose_shared(Sim *sim)
{
    uint32_t depends[2] = {0, 1};
    SharedStage stages[3] = {
        {0}, {.depend_count = 1, .depends = depends}, {.depend_count = 2, .depends = depends}};

    if (!sim_chance(sim, 200))
        return;
    sim->has_shared = true;
    sim->shared_job = scheduler_submit_shared(sim->scheduler, sim_below(sim, 4), stages);
}

static void start(Sim *sim, Arena *arena)
{
    int64_t faults_ms;

    choose_odds(sim);
    sim->config = choose_config(sim);
    sim->scheduler = scheduler_new(arena, &sim->config);
    scheduler_add_pool(sim->scheduler, POOL_FAIR, 1 + sim_below(sim, 3), sim_below(sim, 3));
    scheduler_add_pool(sim->scheduler, POOL_FIFO, 1 + sim_below(sim, 3), sim_below(sim, 3));
    sim->life_count = 1;
    sim->lives[0] = (Life){.is_served = true, .machine = NONE};
    sim->machine_count = 1 + sim_below(sim, MACHINES_MAX);
    for (uint32_t i = 0; i < sim->machine_count; i++) {
        sim->current[i] = NONE;
        if (sim_chance(sim, 700))
            executor_start(sim, i);
        else
            sim_at(sim, sim_below(sim, 500), (Event){.kind = EV_START, .a = i});
    }
    plan_make(sim);
    faults_ms = 100 + sim_below(sim, 1500);
    choose_jobs(sim, faults_ms);
    choose_shared(sim);
    for (uint32_t i = 0; i < sim->stage_count; i++)
        sim_at(sim, sim_below(sim, (uint32_t)faults_ms * 2), (Event){.kind = EV_UNREF, .a = i});
    sim_at(sim, sim->odds.fault_every, (Event){.kind = EV_FAULT});
    sim_at(sim, faults_ms, (Event){.kind = EV_END_OF_FAULTS});
}

static bool all_is_done(const Sim *sim)
{
    SchedulerCounts counts = scheduler_counts(sim->scheduler);

    return sim->is_over && counts.jobs == 0 && counts.stages == 0 && counts.attempts == 0;
}

static void handle(Sim *sim, const Event *event)
{
    if (event->kind <= EV_BEAT) {
        executor_event(sim, event);
        return;
    }
    driver_event(sim, event);
    switch (event->kind) {
    case EV_START:
        executor_start(sim, event->a);
        break;
    case EV_FAULT:
        if (sim->is_over)
            break;
        fault(sim);
        sim_at(sim, 1 + sim_below(sim, (uint32_t)sim->odds.fault_every * 2),
               (Event){.kind = EV_FAULT});
        break;
    case EV_END_OF_FAULTS:
        end_faults(sim);
        break;
    default:
        break;
    }
}

/* A tick when the scheduler asks for one. */
static void set_alarm(Sim *sim)
{
    int64_t wake = scheduler_wake_ms(sim->scheduler), delay;

    if (wake == INT64_MAX)
        return;
    delay = wake - (sim->now + sim->skew);
    delay = delay < 1 ? 1 : delay;
    if (sim->now + delay >= sim->tick_at)
        return;
    sim->tick_at = sim->now + delay;
    sim_at(sim, delay, (Event){.kind = EV_TICK});
}

static void check_nothing_left(Sim *sim)
{
    SchedulerCounts counts = scheduler_counts(sim->scheduler);

    for (uint32_t i = 0; i < sim->job_count; i++)
        MUST(sim, !sim->jobs[i].is_submitted || sim->jobs[i].has_ended);
    for (uint32_t i = 0; i < sim->stage_count; i++)
        MUST(sim, sim->stages[i].is_released || sim->stages[i].id == 0);
    MUST(sim, !sim->has_shared || sim->shared_ended);
    MUST(sim, counts.free_slots == counts.slots); /* no slot is lost */
    for (uint32_t i = 1; i < sim->life_count; i++) {
        MUST(sim, !sim->lives[i].is_given_up || !sim->lives[i].is_registered);
        scheduler_executor_lost(sim->scheduler, sim->lives[i].id, BLOCKS_LOST, "the end");
    }
    while (scheduler_next(sim->scheduler).kind != ACTION_NONE)
        ;
    MUST(sim, scheduler_counts(sim->scheduler).executors == 0);
    scheduler_check(sim->scheduler);
}

uint64_t sim_run(Sim *sim, uint64_t seed, bool is_traced)
{
    SimAttempt *attempts = sim->attempts;
    Event *events = sim->events;
    Arena *arena = arena_new(NULL, "sim", ARENA_NO_CAP);
    uint32_t check_every;

    memset(sim, 0, sizeof *sim);
    sim->attempts = attempts;
    sim->events = events;
    sim->seed = seed;
    sim->random = sim_mix(seed, 4711);
    sim->is_traced = is_traced;
    sim->tick_at = INT64_MAX;
    start(sim, arena);
    check_every = 1 + sim_below(sim, 40);
    while (!all_is_done(sim)) {
        Event event;

        MUST(sim, sim->event_count > 0); /* somebody waits for nothing */
        event = take_event(sim);
        sim->now = event.time;
        MUST(sim, ++sim->steps < STEPS_MAX); /* no livelock */
        sim_trace(sim, "event", event.kind, event.life, event.a);
        handle(sim, &event);
        driver_check_alone(sim);
        if (event.kind > EV_BEAT) {
            driver_act(sim);
            set_alarm(sim);
        }
        if (sim->steps % check_every == 0)
            scheduler_check(sim->scheduler);
    }
    check_nothing_left(sim);
    arena_free(arena);
    return sim->trace;
}
