/*
 * drivers.c -- simulated drivers: applications one after the other, each with some sessions, whose
 * jobs run side by side and read what earlier ones have kept
 *
 * Meanwhile what is kept is dropped now and then. In the end nobody may have anything of it.
 */
#include "world.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cluster/application.h"
#include "core/base/log.h"
#include "core/rdd/driver_internal.h"

enum { JOBS_MAX = 3, MEASURED_JOBS = 10 };

#define SECOND INT64_C(1000000000)
static const int64_t register_ns = 120 * SECOND, let_go_ns = 30 * SECOND;

typedef struct SimDriver SimDriver;

/* A thread of a driver. */
typedef struct Session {
    SimDriver *driver;
    uint32_t number, jobs;
    pthread_t thread;
    atomic_bool cancelled;
    bool was_cancelled;
} Session;

struct SimDriver {
    SimProcess *process;
    uint32_t applications, jobs, session_count, pools[2];
    bool keeps_all; /* nothing is dropped before its end         */
    bool cancels_groups;
    bool is_cancelling; /* all of a group, whatever runs of it then  */
    Session sessions[SESSIONS];
    Driver *driver; /* of the application that runs */
    bool is_over;   /* its sessions are             */
    const char *at; /* what it does, for whoever wonders */
};

static DriversSpec spec;
static SimDriver drivers[DRIVERS];

/* --- jobs --- */

/* What the simulation itself may have caused. */
static bool is_real_cause(const Session *session, const Error *err)
{
    static const char *const causes[] = {"the simulation lets a task fail", "wait status 11"};

    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (strstr(err->message, causes[i]) != NULL || strstr(err->detail, causes[i]) != NULL)
            return true;
    return (session->was_cancelled || session->driver->is_cancelling) &&
           err->status == ST_CANCELLED;
}

static uint64_t group_of(const Session *session)
{
    return 1 + session->number % 2;
}

static void run_job(Session *session)
{
    Arena *arena = arena_new(NULL, "sim job", ARENA_NO_CAP);
    SimJob job = jobs_draw();
    int64_t began_ns = sim_now_ns();
    const char *text;
    Error err;

    job.cancelled = &session->cancelled;
    job.group = group_of(session);
    job.pool = session->driver->pools[sim_below(2)];
    text = jobs_answer(session->driver->driver, &job, jobs_hooks(), arena, &err);
    if (text != NULL && !jobs_is_right(&job, text, arena))
        sim_fail("plan %u has another answer:\n%s", job.plan, text);
    if (text == NULL && !is_real_cause(session, &err))
        sim_fail("plan %u: %s: %s", job.plan, err.message, err.detail);
    atomic_fetch_add(text != NULL ? &sim_counts->right : &sim_counts->failed, 1);
    session->was_cancelled = false;
    atomic_store(&session->cancelled, false);
    arena_free(arena);
    if (spec.is_measured)
        printf("a job took %.3f s\n", (double)(sim_now_ns() - began_ns) / 1e9);
}

static void *session_main(void *opaque)
{
    Session *session = opaque;

    for (uint32_t i = 0; i < session->jobs; i++) {
        run_job(session);
        if (sim_chance(300))
            fiber_sleep((int64_t)sim_below(2000) * 1000000);
    }
    return NULL;
}

static void cancel_group(SimDriver *driver)
{
    uint64_t group = 1 + sim_below(2);

    driver->is_cancelling = true;
    driver_cancel_group(driver->driver, group);
    for (uint32_t i = 0; i < driver->session_count; i++)
        driver->sessions[i].was_cancelled |= group_of(&driver->sessions[i]) == group;
    driver->is_cancelling = false;
}

/* Whoever needs room drops what others may be about to read. */
static void *dropper_main(void *opaque)
{
    SimDriver *driver = opaque;

    while (!driver->is_over) {
        fiber_sleep((int64_t)(1 + sim_below(400)) * 1000000);
        if (!driver->is_over && !driver->keeps_all)
            driver_unpersist(driver->driver, 1 + sim_below(KEPT));
        if (!driver->is_over && sim_chance(driver->cancels_groups ? 100 : 0))
            cancel_group(driver);
    }
    return NULL;
}

static void run_sessions(SimDriver *driver)
{
    pthread_t dropper;

    driver->is_over = false;
    (void)!pthread_create(&dropper, NULL, dropper_main, driver);
    for (uint32_t i = 0; i < driver->session_count; i++)
        (void)!pthread_create(&driver->sessions[i].thread, NULL, session_main,
                              &driver->sessions[i]);
    for (uint32_t i = 0; i < driver->session_count; i++)
        (void)!pthread_join(driver->sessions[i].thread, NULL);
    driver->is_over = true;
    (void)!pthread_join(dropper, NULL);
}

/* --- applications --- */

/* A user would try again, too. */
static Application *open_application(SimDriver *driver, BlockStore *store)
{
    char host[8];
    ApplicationOptions options = {.master_url = spec.url,
                                  .name = driver->process->name,
                                  .host = host,
                                  .executors = sim_below(6),
                                  .executor_cores = sim_chance(800) ? 1 : 0};
    Application *application = NULL;
    Error err = ERROR_NONE;

    snprintf(host, sizeof host, "h%u", driver->process->host);
    while (application_open(driver->driver, store, &options, &err, &application) != ST_OK) {
        LOG_INFO("driver", "no master: %s", err.message);
        if (sim_now_ns() - spec.start_ns > register_ns)
            sim_fail("no application can be registered: %s", err.message);
        fiber_sleep(100000000);
    }
    return application;
}

/* When nothing goes wrong any more, what nobody wants is nowhere, while executors go on. */
static void check_let_go(SimDriver *driver)
{
    int64_t end_ns;
    const char *left;

    driver->at = "until all is well";
    while (!world_is_well())
        fiber_sleep(100000000);
    driver->at = "until all is let go";
    for (int64_t kept = 1; kept <= KEPT; kept++)
        driver_unpersist(driver->driver, kept);
    end_ns = sim_now_ns() + let_go_ns;
    while ((left = process_executors_have(driver->process->host)) != NULL) {
        if (sim_now_ns() > end_ns)
            sim_fail("%s, which nobody wants", left);
        fiber_sleep(100000000);
    }
}

static void run_application(SimDriver *driver)
{
    SchedulerConfig config = cluster_backend_config();
    MemPool *pool = mem_pool_new(NULL, "sim driver", 64 << 20);
    BlockStore *store = block_store_new(pool, spec.folder);
    Application *application;

    driver->driver = driver_new(store, &config);
    driver->at = "at its registration";
    application = open_application(driver, store);
    driver->pools[1] = driver_add_pool(driver->driver, POOL_FAIR, 1 + sim_below(3), sim_below(3));
    driver->at = "at its jobs";
    run_sessions(driver);
    if (driver_progress(driver->driver).jobs != 0)
        sim_fail("a job is not over that has ended");
    if (!spec.is_measured && sim_chance(250))
        check_let_go(driver);
    driver->at = "at its end";
    application_close(application);
    driver_free(driver->driver);
    driver->driver = NULL;
    block_store_free(store);
    mem_pool_free(pool);
}

/* Applications of a job each, and of many, as long as things go wrong. */
static void measure(SimDriver *driver)
{
    for (uint32_t i = 0; !world_is_well(); i++) {
        int64_t began_ns = sim_now_ns();

        driver->sessions[0].jobs = i % 2 == 0 ? 1 : MEASURED_JOBS;
        run_application(driver);
        if (i % 2 == 0)
            printf("an application took %.3f s\n", (double)(sim_now_ns() - began_ns) / 1e9);
    }
}

static void *driver_process(void *opaque)
{
    SimDriver *driver = opaque;

    if (spec.is_measured)
        measure(driver);
    else
        for (uint32_t i = 0; i < driver->applications; i++)
            run_application(driver);
    process_kill(process_self(), 0);
    return NULL;
}

/* --- for the world --- */

static void start_driver(SimDriver *driver, uint32_t number)
{
    char name[24];

    snprintf(name, sizeof name, "driver %u", number);
    driver->process = process_new(name, FIRST_DRIVER_HOST + number, NULL);
    driver->applications = 1 + sim_chance(300);
    driver->session_count = spec.is_measured || sim_chance(500) ? 1 : 1 + sim_below(SESSIONS);
    driver->keeps_all = spec.is_measured || sim_chance(500);
    driver->cancels_groups = !spec.is_measured && sim_chance(100);
    driver->at = "before its beginning";
    for (uint32_t i = 0; i < driver->session_count; i++) {
        driver->sessions[i].driver = driver;
        driver->sessions[i].number = i;
        driver->sessions[i].jobs = 1 + sim_below(JOBS_MAX);
    }
    (void)fiber_start(driver->process, driver_process, driver,
                      sim_now_ns() + sim_below(sim_chance(500) ? 200 : 3000) * INT64_C(1000000));
}

void drivers_begin(const DriversSpec *with)
{
    spec = *with;
    for (uint32_t i = 0; i < spec.count; i++)
        start_driver(&drivers[i], i);
}

bool drivers_are_over(void)
{
    for (uint32_t i = 0; i < spec.count; i++)
        if (!drivers[i].process->is_dead)
            return false;
    return true;
}

void drivers_fail_hanging(void)
{
    for (uint32_t i = 0; i < spec.count; i++)
        if (!drivers[i].process->is_dead)
            sim_fail("driver %u hangs %s", i, drivers[i].at);
}

SimProcess *drivers_any(void)
{
    return drivers[sim_below(spec.count)].process;
}

/* A flag, as from a signal handler. */
void drivers_cancel_one(void)
{
    SimDriver *driver = &drivers[sim_below(spec.count)];
    Session *session = &driver->sessions[sim_below(driver->session_count)];

    session->was_cancelled = true;
    atomic_store(&session->cancelled, true);
}
