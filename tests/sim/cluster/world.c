/*
 * world.c -- one schedule: a cluster, jobs, and a time in which things go wrong
 *
 * For a while (bad_ns) processes are killed, frozen and started again, links are cut, messages are
 * lost, repeated, late and damaged, tasks fail, crash or hang. Then all heals. In the end every job
 * has ended, with the right answer or an error that the simulation has caused; and nothing is left
 * of the applications anywhere.
 */
#include "world.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/master_main.h"
#include "cluster/worker_main.h"
#include "core/base/invariant.h"
#include "core/base/log.h"
#include "network.h"

enum { MASTER_PORTS = 7000, ONLY_SECONDS = 30, ONLY_PAUSE_MS = 200 };

#define SECOND INT64_C(1000000000)
static const int64_t jobs_end_ns = 240 * SECOND, clean_ns = 60 * SECOND;

static struct {
    uint64_t seed;
    const char *folder;
    bool is_traced, is_over, is_well, has_standby;
    int64_t start_ns, bad_ns;
    uint32_t fault_every_ms, worker_count, driver_count;
    int64_t keep_bytes;
    NetworkOdds network;
    WorldOdds odds;
    MasterSchedule schedule;
    SimProcess *masters[MASTERS], *workers[WORKERS], *own;
    int64_t master_start_ns[MASTERS], worker_start_ns[WORKERS];
    char url[64];
    WorldOnly only;
} world;

void sim_fail(const char *format, ...)
{
    va_list values;

    printf("seed %llu: ", (unsigned long long)world.seed);
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    printf(" (at %.3f s)\n", (double)(sim_now_ns() - world.start_ns) / 1e9);
    fflush(NULL);
    _exit(1);
}

static void trace(const char *what, const char *whom)
{
    LOG_INFO("--------", "%s %s", what, whom);
}

/* --- processes --- */

static RpcAddress master_at(uint32_t number)
{
    return (RpcAddress){number == 0 ? "h0" : "h1", (uint16_t)(MASTER_PORTS + number)};
}

static void *master_main(void *opaque)
{
    RpcAddress at = master_at(*(uint32_t *)opaque);
    MasterOptions options = {.host = at.host,
                             .port = at.port,
                             .schedule = world.schedule,
                             .zookeeper = world.has_standby ? "simulated" : NULL,
                             .ready_fd = -1};
    Error err = ERROR_NONE;

    if (master_run(&options, &err) != ST_OK)
        sim_fail("a master does not start: %s", err.message);
    process_kill(process_self(), 0);
    return NULL;
}

static void *worker_process(void *opaque)
{
    uint32_t number = *(uint32_t *)opaque;
    Arena *arena = arena_new(NULL, "worker", ARENA_NO_CAP);
    WorkerOptions options = {.host = arena_printf(arena, "h%u", FIRST_WORKER_HOST + number),
                             .cores = 1 + (int32_t)number % 2,
                             .memory_bytes = 1 << 30,
                             .dir = arena_printf(arena, "%s/worker-%u", world.folder, number),
                             .keep_bytes = world.keep_bytes,
                             .ready_fd = -1};
    Error err = ERROR_NONE;

    CHECK(master_url_parse(arena, world.url, &err, &options.master) == ST_OK);
    if (worker_run(&options, &err) != ST_OK)
        sim_fail("a worker does not run: %s", err.message);
    process_kill(process_self(), 0);
    return NULL;
}

static int64_t pause_ms(uint32_t most)
{
    return sim_below(world.only.fault == NULL ? most : ONLY_PAUSE_MS);
}

static void start_missing(void)
{
    static uint32_t numbers[WORKERS] = {0, 1, 2};
    char name[24];

    for (uint32_t i = 0; i < (world.has_standby ? MASTERS : 1); i++)
        if (world.masters[i]->is_dead && sim_now_ns() >= world.master_start_ns[i]) {
            snprintf(name, sizeof name, "master %u", i);
            world.masters[i] = process_new(name, i, NULL);
            (void)fiber_start(world.masters[i], master_main, &numbers[i], sim_now_ns());
            world.master_start_ns[i] = sim_now_ns() + pause_ms(4000) * INT64_C(1000000);
        }
    for (uint32_t i = 0; i < world.worker_count; i++)
        if (world.workers[i]->is_dead && sim_now_ns() >= world.worker_start_ns[i]) {
            snprintf(name, sizeof name, "worker %u", i);
            world.workers[i] = process_new(name, FIRST_WORKER_HOST + i, NULL);
            (void)fiber_start(world.workers[i], worker_process, &numbers[i], sim_now_ns());
            world.worker_start_ns[i] = sim_now_ns() + pause_ms(6000) * INT64_C(1000000);
        }
}

/* --- faults --- */

static SimProcess *random_process(bool (*fits)(const SimProcess *process))
{
    uint32_t count = 0, chosen;

    LIST_EACH(node, processes())
    count +=
        !LIST_OWNER(node, SimProcess, node)->is_dead && fits(LIST_OWNER(node, SimProcess, node));
    if (count == 0)
        return NULL;
    chosen = sim_below(count);
    LIST_EACH(node, processes())
    {
        SimProcess *process = LIST_OWNER(node, SimProcess, node);

        if (!process->is_dead && fits(process) && chosen-- == 0)
            return process;
    }
    return NULL;
}

static bool is_keeper(const SimProcess *process)
{
    return strcmp(process->name, "keeper") == 0;
}

static bool is_anybody(const SimProcess *process)
{
    return process != world.own && strcmp(process->name, "network") != 0;
}

static void kill_one(SimProcess *process)
{
    if (process == NULL)
        return;
    trace("kill", process->name);
    process_kill(process, SIGKILL);
}

static void freeze_one(void)
{
    SimProcess *process = random_process(is_anybody);

    if (process == NULL)
        return;
    trace("freeze", process->name);
    process_freeze(process, sim_now_ns() + (int64_t)sim_below(15000) * 1000000);
}

static void cut_one(void)
{
    uint32_t a = sim_below(HOSTS), b = sim_below(HOSTS), how = sim_below(4);
    int64_t until_ns = sim_now_ns() + (int64_t)sim_below(12000) * 1000000;
    char text[32];

    snprintf(text, sizeof text, "h%u h%u, %u", a, b, how);
    trace("cut", text);
    if (how != 1)
        network_cut(a, b, until_ns);
    if (how != 2)
        network_cut(b, a, until_ns);
    if (how == 3) /* off from all */
        for (uint32_t i = 0; i < HOSTS; i++) {
            network_cut(a, i, until_ns);
            network_cut(i, a, until_ns);
        }
}

static SimProcess *any_worker(void)
{
    return world.workers[sim_below(world.worker_count)];
}

static SimProcess *any_master(void)
{
    return world.masters[sim_below(world.has_standby ? MASTERS : 1)];
}

/* With what it has kept, and tasks at work; a new one comes when it has left. */
static void drain_worker(void)
{
    SimProcess *worker = any_worker();
    Error err = ERROR_NONE;

    if (worker->is_dead || worker->number == 0)
        return;
    trace("drain", worker->name);
    for (uint32_t i = 0; i < MASTERS; i++)
        (void)!network_rpc()->rpc_master_drain_worker(NULL, master_at(i), worker->number,
                                                      sim_now_ns() + SECOND / 10, &err);
}

static void stop_one(void)
{
    SimProcess *process = sim_chance(300) ? any_master() : any_worker();

    if (process->is_dead)
        return;
    trace("stop", process->name);
    process_tell_to_end(process);
}

static void squeeze_executor(void)
{
    SimProcess *executor = random_process(process_is_executor);

    if (executor == NULL)
        return;
    trace("squeeze", executor->name);
    process_squeeze(executor);
}

static void kill_master(void)
{
    kill_one(any_master());
}

static void kill_worker(void)
{
    kill_one(any_worker());
}

static void kill_keeper(void)
{
    kill_one(random_process(is_keeper));
}

static void kill_driver(void)
{
    kill_one(drivers_any());
}

static void kill_executor(void)
{
    kill_one(random_process(process_is_executor));
}

typedef struct Fault {
    const char *name;
    uint32_t weight;
    void (*happen)(void);
} Fault;

static const Fault faults[] = {{"executor", 60, kill_executor},
                               {"master", 10, kill_master},
                               {"worker", 10, kill_worker},
                               {"keeper", 10, kill_keeper},
                               {"driver", 3, kill_driver},
                               {"freeze", 20, freeze_one},
                               {"cut", 20, cut_one},
                               {"drain", 8, drain_worker},
                               {"stop", 8, stop_one},
                               {"squeeze", 15, squeeze_executor},
                               {"cancel", 3, drivers_cancel_one}};

enum { FAULTS = sizeof faults / sizeof *faults };

static uint32_t weight_of(const Fault *fault)
{
    if (world.only.fault == NULL)
        return fault->weight;
    return strcmp(world.only.fault, fault->name) == 0;
}

static void break_something(void)
{
    uint32_t sum = 0, chosen;

    for (uint32_t i = 0; i < FAULTS; i++)
        sum += weight_of(&faults[i]);
    if (sum == 0)
        return;
    atomic_fetch_add(&sim_counts->faults, 1);
    chosen = sim_below(sum);
    for (uint32_t i = 0; i < FAULTS; i++) {
        if (chosen < weight_of(&faults[i])) {
            faults[i].happen();
            return;
        }
        chosen -= weight_of(&faults[i]);
    }
}

static void heal(void)
{
    trace("heal", "");
    network_set((NetworkOdds){0});
    processes_set((WorldOdds){0});
    for (uint32_t a = 0; a < HOSTS; a++)
        for (uint32_t b = 0; b < HOSTS; b++)
            network_cut(a, b, 0);
    LIST_EACH(node, processes())
    process_freeze(LIST_OWNER(node, SimProcess, node), 0);
}

/* --- in the end --- */

static bool has_application_folder(uint32_t worker)
{
    char path[512];
    bool has = false;
    DIR *folder;

    snprintf(path, sizeof path, "%s/worker-%u", world.folder, worker);
    folder = opendir(path);
    if (folder == NULL)
        return false;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        has |= strncmp(entry->d_name, "app-", 4) == 0;
    closedir(folder);
    return has;
}

/* What is left of applications; NULL: nothing. */
static const char *what_is_left(void)
{
    MasterCounts counts = {.workers = -1};
    Error err = ERROR_NONE;

    for (uint32_t i = 0; i < MASTERS && counts.workers < 0; i++)
        if (network_rpc()->rpc_master_counts(NULL, master_at(i), sim_now_ns() + SECOND, &err,
                                             &counts) != ST_OK)
            counts.workers = -1;
    if (counts.workers != (int32_t)world.worker_count)
        return "not all workers are known";
    if (counts.applications != 0)
        return "an application is known that has ended";
    if (counts.executors != 0)
        return "an executor is known of an application that has ended";
    if (random_process(process_is_executor) != NULL)
        return "an executor runs of an application that has ended";
    for (uint32_t i = 0; i < world.worker_count; i++)
        if (has_application_folder(i))
            return "a folder is there of an application that has ended";
    return NULL;
}

static void await_end(void)
{
    const char *left = NULL;
    int64_t end_ns;

    while (!drivers_are_over()) {
        if (sim_now_ns() - world.start_ns > jobs_end_ns)
            drivers_fail_hanging();
        start_missing();
        fiber_sleep(20000000);
    }
    trace("all drivers are over", "");
    end_ns = sim_now_ns() + clean_ns;
    while ((left = what_is_left()) != NULL) {
        if (sim_now_ns() > end_ns)
            sim_fail("%s", left);
        start_missing();
        fiber_sleep(100000000);
    }
}

static void *world_main(void *opaque)
{
    int64_t next_ns = sim_now_ns();

    (void)opaque;
    while (sim_now_ns() - world.start_ns < world.bad_ns && !drivers_are_over()) {
        start_missing();
        if (sim_now_ns() >= next_ns) {
            next_ns = sim_now_ns() + (int64_t)(1 + sim_below(2 * world.fault_every_ms)) * 1000000;
            break_something();
        }
        fiber_sleep(10000000);
    }
    heal();
    world.is_well = true;
    await_end();
    world.is_over = true;
    return NULL;
}

/* --- its beginning --- */

bool world_is_well(void)
{
    return world.is_well;
}

static bool is_over(void)
{
    return world.is_over;
}

static uint32_t one_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return (uint32_t[]){a, b, c, d}[sim_below(4)];
}

static void draw_world(void)
{
    world.has_standby = sim_chance(500);
    world.worker_count = 1 + sim_below(WORKERS);
    world.driver_count = 1 + sim_below(DRIVERS);
    world.schedule = sim_chance(500) ? SCHEDULE_FAIR : SCHEDULE_FIFO;
    world.keep_bytes = sim_chance(500) ? 64 << 20 : sim_chance(300) ? 20000 : 0;
    world.bad_ns = (int64_t)(1000 + sim_below(20000)) * 1000000;
    world.fault_every_ms = one_of(100, 500, 2000, 8000);
    world.network = (NetworkOdds){.loss = one_of(0, 0, 10, 200),
                                  .repeat = one_of(0, 20, 100, 300),
                                  .damage = one_of(0, 0, 5, 50),
                                  .slow = one_of(0, 10, 100, 500),
                                  .slow_ns = (int64_t)one_of(1, 20, 200, 3000) * 1000000};
    world.odds = (WorldOdds){.task_fails = one_of(0, 0, 10, 100),
                             .task_crashes = one_of(0, 0, 5, 30),
                             .task_is_slow = one_of(0, 20, 100, 500),
                             .slow_task_ns = (int64_t)one_of(50, 500, 2000, 4000) * 1000000,
                             .start_fails = one_of(0, 0, 50, 300)};
    snprintf(world.url, sizeof world.url, world.has_standby ? "vonk://h0:%d,h1:%d" : "vonk://h0:%d",
             MASTER_PORTS, MASTER_PORTS + 1);
}

/* One kind of fault and no other, workers that come back soon: how long do jobs take? */
static void draw_only(void)
{
    world.has_standby = true;
    world.worker_count = WORKERS;
    world.driver_count = 1;
    world.keep_bytes = 64 << 20;
    world.bad_ns = ONLY_SECONDS * SECOND;
    world.fault_every_ms = world.only.every_ms;
    world.network = (NetworkOdds){0};
    world.odds = (WorldOdds){.task_is_slow = 100, .slow_task_ns = 100000000};
}

static void begin_world(void)
{
    static SimProcess nobody = {.is_dead = true};

    world.start_ns = sim_now_ns();
    draw_world();
    if (world.only.fault != NULL)
        draw_only();
    snprintf(world.url, sizeof world.url, world.has_standby ? "vonk://h0:%d,h1:%d" : "vonk://h0:%d",
             MASTER_PORTS, MASTER_PORTS + 1);
    network_begin();
    network_set(world.network);
    elections_begin();
    processes_begin(world.odds, world.is_traced);
    for (uint32_t i = 0; i < MASTERS; i++)
        world.masters[i] = &nobody;
    for (uint32_t i = 0; i < WORKERS; i++)
        world.workers[i] = &nobody;
    drivers_begin(&(DriversSpec){.count = world.driver_count,
                                 .url = world.url,
                                 .folder = world.folder,
                                 .start_ns = world.start_ns,
                                 .is_measured = world.only.fault != NULL});
    world.own = process_new("world", FIRST_DRIVER_HOST, NULL);
    (void)fiber_start(world.own, world_main, NULL, sim_now_ns());
}

void world_run(uint64_t seed, const char *folder, WorldOnly only, bool is_traced)
{
    world.seed = seed;
    world.only = only;
    world.folder = folder;
    world.is_traced = is_traced;
    fibers_begin(seed, (uint32_t[]){0, 5, 50, 300}[seed % 4]);
    begin_world();
    if (!fibers_run(is_over))
        sim_fail("nothing goes on any more, or nothing ends");
    atomic_fetch_add(&sim_counts->switches, fibers_switches());
    atomic_fetch_add(&sim_counts->seconds, (uint64_t)((sim_now_ns() - world.start_ns) / SECOND));
    if (is_traced)
        printf("seed %llu: %.3f s simulated, %llu switches, trace %016llx\n",
               (unsigned long long)seed, (double)(sim_now_ns() - world.start_ns) / 1e9,
               (unsigned long long)fibers_switches(), (unsigned long long)fibers_trace_hash());
    fflush(NULL);
    _exit(0);
}
