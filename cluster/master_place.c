/*
 * master_place.c -- which executor goes where
 *
 * One at a time: of the applications that want more, the first (fifo) or the one that has the
 * fewest cores (fair); of the workers that have room, the one where it has the fewest executors,
 * then the one with the most cores free. Who comes to a cluster that is full gets, when it is fair,
 * an executor of the one that has most, if that leaves both nearer to each other.
 */
#include <stdio.h>

#include "cluster/master_state_internal.h"

/* --- where --- */

static uint32_t count_on(const MasterState *state, const MasterApplication *application,
                         const MasterWorker *worker)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < state->executor_count; i++)
        if (state->executors[i].application == application->id &&
            state->executors[i].worker == worker->id &&
            state->executors[i].state != EXECUTOR_STOPPING)
            count++;
    return count;
}

/* What the application gets there; false: there is no room. */
static bool size_on(const MasterApplication *application, const MasterWorker *worker,
                    int32_t *cores_out, int64_t *memory_out)
{
    int32_t free_cores = worker->cores - worker->used_cores;
    int64_t free_memory = worker->memory_bytes - worker->used_memory_bytes;

    *cores_out = application->cores > 0 ? application->cores : free_cores;
    *memory_out = application->memory_bytes > 0 ? application->memory_bytes
                                                : worker->memory_bytes / worker->cores * *cores_out;
    if (application->memory_bytes == 0 && *memory_out > free_memory)
        *memory_out = free_memory;
    return *cores_out > 0 && *cores_out <= free_cores && *memory_out > 0 &&
           *memory_out <= free_memory;
}

typedef struct Place {
    MasterWorker *worker; /* NULL: none */
    int32_t cores;
    int64_t memory_bytes;
    uint32_t neighbours; /* of the same application */
    bool is_shunned;
} Place;

static bool is_better(const Place *a, const Place *b)
{
    int32_t a_free, b_free;

    if (b->worker == NULL)
        return true;
    if (a->is_shunned != b->is_shunned)
        return b->is_shunned;
    if (a->neighbours != b->neighbours)
        return a->neighbours < b->neighbours;
    a_free = a->worker->cores - a->worker->used_cores;
    b_free = b->worker->cores - b->worker->used_cores;
    return a_free > b_free;
}

static Place find_place(const MasterState *state, const MasterApplication *application)
{
    Place best = {0};

    for (uint32_t i = 0; i < state->worker_count; i++) {
        Place place = {.worker = &state->workers[i]};

        if (place.worker->is_draining || place.worker->has_strangers ||
            !size_on(application, place.worker, &place.cores, &place.memory_bytes))
            continue;
        place.neighbours = count_on(state, application, place.worker);
        place.is_shunned =
            application->quick_ends > 0 && application->shunned_worker == place.worker->id;
        if (application->wanted == 0 && place.neighbours > 0)
            continue;
        if (is_better(&place, &best))
            best = place;
    }
    return best;
}

/* --- who --- */

static uint32_t wanted_of(const MasterState *state, const MasterApplication *application)
{
    uint32_t workers = 0;

    if (application->wanted > 0)
        return (uint32_t)application->wanted;
    for (uint32_t i = 0; i < state->worker_count; i++)
        if (!state->workers[i].is_draining)
            workers++;
    return workers;
}

static bool wants_more(const MasterState *state, const MasterApplication *application,
                       int64_t now_ns)
{
    return application->state == APPLICATION_ALIVE && now_ns >= application->pause_until_ns &&
           application->heard_ns > application->doubted_ns &&
           (now_ns >= application->return_until_ns ||
            application->executor_count >= (uint32_t)application->returning) &&
           application->executor_count < wanted_of(state, application);
}

/* Whether a comes before b; applications stand in the order in which they came. */
static bool is_before(const MasterState *state, const MasterApplication *a,
                      const MasterApplication *b)
{
    if (b == NULL)
        return true;
    return state->config.schedule == SCHEDULE_FAIR && a->used_cores < b->used_cores;
}

static void order(MasterState *state, MasterApplication *application, const Place *place,
                  int64_t now_ns)
{
    CHECK(state->executor_count < MASTER_EXECUTORS_MAX);
    state->executors[state->executor_count++] = (MasterExecutor){
        .id = state->next_id++,
        .application = application->id,
        .worker = place->worker->id,
        .state = EXECUTOR_ORDERED,
        .cores = place->cores,
        .memory_bytes = place->memory_bytes,
        .started_ns = now_ns,
    };
    place->worker->used_cores += place->cores;
    place->worker->used_memory_bytes += place->memory_bytes;
    place->worker->executor_count++;
    place->worker->has_news = true;
    application->executor_count++;
    application->used_cores += place->cores;
}

static bool place_one(MasterState *state, int64_t now_ns)
{
    MasterApplication *next = NULL;
    Place place = {0};

    for (uint32_t i = 0; i < state->application_count; i++) {
        MasterApplication *application = &state->applications[i];
        Place there;

        if (!wants_more(state, application, now_ns) || !is_before(state, application, next))
            continue;
        there = find_place(state, application);
        if (there.worker == NULL)
            continue;
        next = application;
        place = there;
    }
    if (next == NULL || state->executor_count == MASTER_EXECUTORS_MAX)
        return false;
    order(state, next, &place, now_ns);
    return true;
}

/* --- making room --- */

/* The newest executor of the application with most cores whose going leaves it with more than the
 * poor one would have then. */
static MasterExecutor *find_victim(const MasterState *state, const MasterApplication *poor)
{
    MasterExecutor *victim = NULL;
    int32_t victim_cores = 0;

    for (uint32_t i = state->executor_count; i-- > 0;) {
        MasterExecutor *executor = &state->executors[i];
        const MasterApplication *rich = master__application(state, executor->application);
        const MasterWorker *worker = master__worker(state, executor->worker);

        if (executor->state != EXECUTOR_RUNNING || rich == NULL || rich->executor_count < 2 ||
            worker->is_draining || executor->cores < poor->cores ||
            executor->memory_bytes < poor->memory_bytes ||
            poor->used_cores + executor->cores > rich->used_cores - executor->cores)
            continue;
        if (rich->used_cores > victim_cores) {
            victim = executor;
            victim_cores = rich->used_cores;
        }
    }
    return victim;
}

/* One at a time: the next one when this one is gone. */
static void make_room(MasterState *state, int64_t now_ns)
{
    MasterApplication *poor = NULL;
    MasterExecutor *victim;

    for (uint32_t i = 0; i < state->executor_count; i++)
        if (state->executors[i].makes_room)
            return;
    for (uint32_t i = 0; i < state->application_count; i++)
        if (wants_more(state, &state->applications[i], now_ns) &&
            is_before(state, &state->applications[i], poor))
            poor = &state->applications[i];
    victim = poor == NULL ? NULL : find_victim(state, poor);
    if (victim == NULL)
        return;
    master__stop_executor(state, victim);
    victim->makes_room = true;
}

/* --- what to say to those who wait --- */

static void note_waiting(MasterState *state, MasterApplication *application, int64_t now_ns)
{
    uint32_t wanted = wanted_of(state, application);
    char memory[BYTES_TEXT_MAX];
    int32_t cores = application->cores > 0 ? application->cores : 1;

    application->waits[0] = '\0';
    if (application->state != APPLICATION_ALIVE ||
        (application->executor_count >= wanted && application->executor_count > 0))
        return;
    if (state->worker_count == 0)
        snprintf(application->waits, sizeof application->waits, "no worker is registered");
    else if (wanted == 0)
        snprintf(application->waits, sizeof application->waits, "all workers are drained");
    else if (now_ns < application->pause_until_ns)
        snprintf(application->waits, sizeof application->waits,
                 "%u of %u executors: they end at once, and are started less and less often",
                 application->executor_count, wanted);
    else if (application->memory_bytes > 0)
        snprintf(application->waits, sizeof application->waits,
                 "%u of %u executors: no worker has %d more core%s and %s free",
                 application->executor_count, wanted, cores, cores == 1 ? "" : "s",
                 str_of_bytes((uint64_t)application->memory_bytes, memory));
    else
        snprintf(application->waits, sizeof application->waits,
                 "%u of %u executors: no worker has %d more core%s free",
                 application->executor_count, wanted, cores, cores == 1 ? "" : "s");
}

void master__place(MasterState *state, int64_t now_ns)
{
    master__place_drivers(state, now_ns);
    while (place_one(state, now_ns))
        ;
    if (state->config.schedule == SCHEDULE_FAIR)
        make_room(state, now_ns);
    for (uint32_t i = 0; i < state->application_count; i++)
        note_waiting(state, &state->applications[i], now_ns);
}
