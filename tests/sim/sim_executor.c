/* sim_executor.c -- a model executor: takes launches, fetches, computes, keeps blocks, reports */
#include "sim.h"

enum { BEAT_EVERY = 40 };

uint32_t executor_life(const Sim *sim, ExecutorId id)
{
    for (uint32_t i = 0; i < sim->life_count; i++)
        if (sim->lives[i].id == id)
            return i;
    sim_fail(sim, "an executor that was never added", __LINE__);
}

void executor_start(Sim *sim, uint32_t machine)
{
    char name[16];
    uint32_t number = sim->life_count;
    Life *life = &sim->lives[number];

    MUST(sim, number < LIVES_MAX);
    if (sim->current[machine] != NONE)
        return;
    sim->life_count++;
    *life = (Life){.machine = machine,
                   .is_running = true,
                   .is_registered = true,
                   .is_served = true,
                   .is_bad = sim_chance(sim, 60),
                   .slots = 1 + sim_below(sim, SLOTS_MAX),
                   .ahead = sim_chance(sim, 250) ? 1 + sim_below(sim, AHEAD_MAX) : 0};
    snprintf(name, sizeof name, "e%u", number);
    life->heard = sim->clock;
    life->id = scheduler_executor_added(
        sim->scheduler,
        &(ExecutorSpec){.name = name, .host = machine, .slots = life->slots, .ahead = life->ahead});
    sim->current[machine] = number;
    sim_trace(sim, "start", number, machine, life->slots);
    if (sim->has_heartbeats)
        sim_at(sim, BEAT_EVERY, (Event){.kind = EV_BEAT, .life = number});
}

/* Somebody else serves what the life has made, but for what there was no room for. */
static void lose_unkept(Sim *sim, Life *life)
{
    if (!sim_chance(sim, 500))
        return;
    for (uint32_t s = 0; s < sim->stage_count; s++)
        for (uint32_t p = 0; p < sim->stages[s].parts; p++)
            if (life->blocks[s][p].is_there && sim_chance(sim, 300))
                life->blocks[s][p] = (Block){.was_removed = true};
}

void executor_kill(Sim *sim, uint32_t number, bool blocks_stay)
{
    Life *life = &sim->lives[number];

    if (!life->is_running)
        return;
    sim_trace(sim, "kill", number, blocks_stay, 0);
    life->is_running = false;
    life->is_served = blocks_stay;
    if (blocks_stay)
        lose_unkept(sim, life);
    sim->current[life->machine] = NONE;
    if (!sim->has_heartbeats || sim_chance(sim, 600))
        sim_at(sim, 1 + sim_below(sim, 100),
               (Event){.kind = EV_LOSS, .life = number, .a = blocks_stay});
    sim_at(sim, 1 + sim_below(sim, 200), (Event){.kind = EV_START, .a = life->machine});
}

static void list_attempt(Sim *sim, Life *life, uint32_t attempt)
{
    MUST(sim, life->listed_count < REPORTS_MAX);
    life->listed[life->listed_count++] = attempt;
}

static void unlist_attempt(Life *life, uint32_t attempt)
{
    for (uint32_t i = 0; i < life->listed_count; i++)
        if (life->listed[i] == attempt) {
            life->listed[i] = life->listed[--life->listed_count];
            return;
        }
}

/* --- a task --- */

static int64_t work_time(Sim *sim)
{
    if (sim_chance(sim, sim->odds.slow))
        return 300 + sim_below(sim, 3000);
    return 1 + sim_below(sim, 30);
}

static void take_launch(Sim *sim, Life *life, uint32_t number)
{
    SimAttempt *attempt = &sim->attempts[number];

    if (attempt->launch_number <= life->launches_taken)
        return;
    life->launches_taken = attempt->launch_number;
    MUST(sim, life->busy < life->slots + life->ahead); /* a slot is not used twice */
    MUST(sim, !attempt->is_running && !attempt->is_finished);
    life->busy++;
    attempt->is_running = true;
    list_attempt(sim, life, number);
    sim_at(sim, sim_below(sim, 20), (Event){.kind = EV_FETCH, .life = attempt->life, .a = number});
}

static void finish(Sim *sim, Life *life, uint32_t number, OutcomeKind outcome)
{
    SimAttempt *attempt = &sim->attempts[number];

    attempt->is_running = false;
    attempt->is_finished = true;
    attempt->outcome = outcome;
    life->busy--;
    sim_send(sim, (Event){.kind = EV_REPORT, .life = attempt->life, .a = number});
}

static bool can_fetch(const Sim *sim, uint32_t from)
{
    const Life *source;

    if (from == NONE || !sim->lives[from].is_served)
        return false;
    source = &sim->lives[from];
    return sim->keeps_blocks || (source->frozen_until <= sim->now && source->cut_until <= sim->now);
}

static void fetch_failed(Sim *sim, Life *life, uint32_t number, uint32_t stage, uint32_t part,
                         uint32_t from, bool is_corrupt)
{
    SimAttempt *attempt = &sim->attempts[number];

    attempt->fetch = (FetchFailure){.stage = sim->stages[stage].id,
                                    .partition = part,
                                    .executor = from == NONE ? DURABLE : sim->lives[from].id,
                                    .is_corrupt = is_corrupt};
    attempt->fetch_stage = stage;
    attempt->fetch_life = from;
    finish(sim, life, number, OUT_FETCH);
}

/* The cached input, when it is really there. */
static bool read_cache(Sim *sim, SimAttempt *attempt)
{
    const SimStage *stage = &sim->stages[attempt->stage];
    const Life *source = attempt->cached_at == NONE ? NULL : &sim->lives[attempt->cached_at];
    const Block *block;

    if (source == NULL || (!source->is_running && attempt->cached_at != 0))
        return false;
    block = &source->cache[stage->cache_group][attempt->part];
    attempt->inputs = block->value;
    return block->is_there;
}

/* Fetches one output; false: it could not, and has reported so. */
static bool fetch_one(Sim *sim, Life *life, uint32_t number, uint32_t at, uint32_t parent,
                      uint32_t part)
{
    SimAttempt *attempt = &sim->attempts[number];
    uint32_t from = attempt->from[at];
    const Block *block;

    if (!can_fetch(sim, from)) {
        fetch_failed(sim, life, number, parent, part, from, false);
        return false;
    }
    block = &sim->lives[from].blocks[parent][part];
    MUST(sim, block->is_there || block->was_removed); /* no task runs without its inputs */
    if (!block->is_there || block->is_damaged) {
        fetch_failed(sim, life, number, parent, part, from, block->is_damaged);
        return false;
    }
    attempt->read[at] = block->value;
    attempt->inputs = sim_mix(attempt->inputs, block->value);
    return true;
}

static void fetch_inputs(Sim *sim, Life *life, uint32_t number)
{
    SimAttempt *attempt = &sim->attempts[number];
    const SimStage *stage = &sim->stages[attempt->stage];
    uint32_t at = 0;

    attempt->inputs = 1;
    if (attempt->reads_cache) {
        if (!read_cache(sim, attempt)) {
            fetch_failed(sim, life, number, attempt->stage, attempt->part, attempt->cached_at,
                         false);
            return;
        }
    } else {
        for (uint32_t d = 0; d < stage->parent_count; d++) {
            const SimStage *parent = &sim->stages[stage->parents[d]];
            PartitionRange range = stage->has_ranges[d] ? stage->ranges[d][attempt->part]
                                                        : (PartitionRange){.count = parent->parts};

            for (uint32_t i = 0; i < range.count; i++)
                if (!fetch_one(sim, life, number, at++, stage->parents[d], range.first + i))
                    return;
        }
    }
    attempt->has_fetched = true;
    sim_at(sim, work_time(sim), (Event){.kind = EV_FINISH, .life = attempt->life, .a = number});
}

static void keep_blocks(Sim *sim, Life *life, SimAttempt *attempt)
{
    const SimStage *stage = &sim->stages[attempt->stage];

    if (stage->is_released)
        return;
    if (!stage->is_result)
        life->blocks[attempt->stage][attempt->part] = (Block){
            .is_there = true,
            .value = attempt->value,
            .is_damaged = attempt->part == stage->bad_part || sim_chance(sim, sim->odds.damage)};
    if (stage->cache_group != NONE && !attempt->reads_cache)
        life->cache[stage->cache_group][attempt->part] =
            (Block){.is_there = true, .value = attempt->inputs};
}

static void end_work(Sim *sim, Life *life, uint32_t number)
{
    SimAttempt *attempt = &sim->attempts[number];
    const SimStage *stage = &sim->stages[attempt->stage];

    if (attempt->part == stage->error_part) {
        finish(sim, life, number, stage->is_error_final ? OUT_FINAL_ERROR : OUT_ERROR);
        return;
    }
    if (sim_chance(sim, life->is_bad ? 700 : sim->odds.task_error)) {
        finish(sim, life, number, OUT_ERROR);
        return;
    }
    attempt->value = sim_mix(attempt->inputs, attempt->stage * PARTS_MAX + attempt->part);
    if (stage->is_random)
        attempt->value ^= sim_mix(number, 77);
    keep_blocks(sim, life, attempt);
    finish(sim, life, number, OUT_SUCCEEDED);
}

/* --- what arrives --- */

static void stop_attempt(Sim *sim, Life *life, uint32_t number)
{
    SimAttempt *attempt = &sim->attempts[number];

    if (attempt->is_running)
        finish(sim, life, number, OUT_KILLED);
}

static void send_heartbeat(Sim *sim, Life *life, uint32_t number)
{
    uint32_t slot = sim->beat_count++ % BEATS_MAX;
    Beat *beat = &sim->beats[slot];

    *beat = (Beat){.launches_taken = life->launches_taken};
    for (uint32_t i = 0; i < life->listed_count; i++) {
        SimAttempt *attempt = &sim->attempts[life->listed[i]];

        beat->attempts[beat->count++] = attempt->id;
        if (attempt->is_finished && !sim_chance(sim, 300)) /* reports are sent until acknowledged */
            sim_send(sim, (Event){.kind = EV_REPORT, .life = number, .a = life->listed[i]});
    }
    sim_send(sim, (Event){.kind = EV_HEARTBEAT, .life = number, .a = slot});
    sim_at(sim, BEAT_EVERY, (Event){.kind = EV_BEAT, .life = number});
}

void executor_event(Sim *sim, const Event *event)
{
    Life *life = &sim->lives[event->life];
    SimAttempt *attempt = &sim->attempts[event->a];

    if (!life->is_running)
        return;
    if (life->frozen_until > sim->now) {
        sim_at(sim, life->frozen_until - sim->now + (sim->has_heartbeats ? sim_below(sim, 3) : 0),
               *event);
        return;
    }
    switch (event->kind) {
    case EV_LAUNCH:
        take_launch(sim, life, event->a);
        return;
    case EV_CANCEL:
        if (attempt->launch_number > life->launches_taken)
            life->launches_taken = attempt->launch_number;
        stop_attempt(sim, life, event->a);
        return;
    case EV_UNWANTED:
        stop_attempt(sim, life, event->a);
        return;
    case EV_ACK:
        if (!attempt->is_acknowledged)
            unlist_attempt(life, event->a);
        attempt->is_acknowledged = true;
        return;
    case EV_UNKNOWN:
        executor_kill(sim, event->life, sim->keeps_blocks);
        return;
    case EV_FETCH:
        if (attempt->is_running)
            fetch_inputs(sim, life, event->a);
        return;
    case EV_FINISH:
        if (attempt->is_running)
            end_work(sim, life, event->a);
        return;
    case EV_BEAT:
        send_heartbeat(sim, life, event->life);
        return;
    default:
        sim_fail(sim, "no event of an executor", __LINE__);
    }
}
