/*
 * test_master_sim.c -- whole clusters from a seed: masters, workers and drivers on a network that
 * loses, delays and repeats, with processes that end at any time, and masters that go on for a
 * while although another one leads
 *
 *     test_master_sim                     so many seeds as VONK_SIM_SEEDS says
 *     VONK_SIM_SEED=4711 test_master_sim  one, with the master's log
 *
 * Some drivers are processes on workers: they are submitted, end by themselves or die, and are
 * known to the next master from what this one has kept.
 *
 * For 60 simulated seconds everything goes wrong; for 60 more nothing does. At every step the
 * state's invariants hold, and no worker runs more than it has cores for. In the end each
 * application that lives has what it wants and fits, and nothing else is left anywhere; what was
 * submitted is over as it should be, or runs once, and without supervision it was started once at
 * most.
 */
#include "master_sim.h"

/* --- the world --- */

static void start_master(void)
{
    MasterConfig config = {.build = {"1.0", 7},
                           .schedule = sim.schedule,
                           .first_id = sim.first_id,
                           .last_id = sim.first_id + EPOCH - 1,
                           .silence_ns = 10000 * MS_NS,
                           .quick_end_ns = 1000 * MS_NS,
                           .drain_ns = 60000 * MS_NS};

    sim.first_id += EPOCH;
    arena_reset(sim.arena);
    sim.master = master_state_new(sim.arena, &config, now_ns());
    restore();
}

static void kill_something(void)
{
    SimJob *job = &sim.jobs[below(JOBS)];

    if (below(2) == 0)
        (void)!master_kill(sim.master, sim.drivers[below(DRIVERS)].known_id, now_ns(), NULL);
    else if (job->id != 0 && master_kill(sim.master, job->id, now_ns(), NULL) == ST_OK)
        job->was_killed = true; /* or was to be: it may not have been kept */
}

/* It is stopped, or cut off: another one is elected, and it goes on. */
static void grow_old(void)
{
    Arena *arena = sim.old_arena;

    sim.old = sim.master;
    sim.old_until_ms = sim.now_ms + below(8000);
    sim.old_arena = sim.arena;
    sim.arena = arena;
}

static void step_master(void)
{
    if (sim.now_ms >= sim.old_until_ms)
        sim.old = NULL;
    if (sim.old != NULL && sim.now_ms % 100 == 0)
        master_state_tick(sim.old, now_ns());
    if (sim.master != NULL && happens(30000)) {
        if (below(2) == 0)
            grow_old();
        sim.master = NULL;
        sim.master_down_until_ms = sim.now_ms + below(5000);
    }
    if (sim.master == NULL && sim.now_ms >= sim.master_down_until_ms)
        start_master();
    if (sim.master == NULL)
        return;
    if (happens(60000))
        kill_something();
    keep();
    if (sim.now_ms % 100 == 0)
        master_state_tick(sim.master, now_ns());
    master_state_check(sim.master);
}

static void deliver(void)
{
    for (uint32_t i = 0; i < sim.message_count; i++) {
        Message message = sim.messages[i];

        if (message.due_ms > sim.now_ms)
            continue;
        sim.messages[i--] = sim.messages[--sim.message_count];
        if (message.kind < M_ANSWER_ID)
            at_master(&message);
        else if (message.kind == M_ANSWER_SUBMIT)
            sim.jobs[message.from].id = message.id;
        else if (message.kind == M_ANSWER_ORDERS || message.kind == M_ANSWER_ENDED ||
                 (message.kind == M_ANSWER_ID && message.executor == 0) ||
                 (message.kind == M_ANSWER_ERROR && message.id == 0))
            at_worker(&sim.workers[message.from], &message);
        else
            at_driver(&sim.drivers[message.from], &message);
    }
    arena_reset(sim.scratch);
}

static void start_world(uint64_t seed)
{
    Arena *arena = sim.arena, *old_arena = sim.old_arena, *scratch = sim.scratch;

    memset(&sim, 0, sizeof sim);
    sim.arena = arena;
    sim.old_arena = old_arena;
    sim.scratch = scratch;
    sim.random = seed;
    sim.next_incarnation = sim.next_call = 1;
    sim.first_id = EPOCH;
    sim.is_bad = true;
    sim.loss = below(30);
    sim.repeat = below(50);
    sim.delay_ms = 1 + below(300);
    sim.keep_steps = 1 + below(200);
    sim.schedule = below(2) == 0 ? SCHEDULE_FAIR : SCHEDULE_FIFO;
    for (uint32_t w = 0; w < WORKERS; w++)
        sim.workers[w] =
            (SimWorker){.incarnation = sim.next_incarnation++, .cores = 1 + (int32_t)below(4)};
    for (uint32_t d = 0; d < DRIVERS; d++)
        sim.drivers[d] = (SimDriver){.incarnation = sim.next_incarnation++,
                                     .start_ms = below(BAD_MS),
                                     .end_ms = below(2) == 0 ? 0 : 1000 + below(END_MS - 30000),
                                     .wanted = 1 + (int32_t)below(5),
                                     .cores = 1};
    for (uint32_t j = 0; j < JOBS; j++)
        sim.jobs[j] = (SimJob){.token = sim.next_incarnation++,
                               .submit_ms = below(BAD_MS),
                               .duration_ms = below(3) == 0 ? 0 : 100 + below(10000),
                               .is_supervised = below(2) == 0,
                               .exit_code = below(2) == 0 ? 0 : 3};
    start_master();
}

/* --- in the end --- */

static bool is_process_of(int64_t driver, int64_t executor)
{
    uint32_t found = 0;

    for (uint32_t w = 0; w < WORKERS; w++)
        for (uint32_t c = 0; c < sim.workers[w].child_count; c++)
            found += sim.workers[w].children[c].driver == driver;
    return found == (executor != 0);
}

static void check_job(uint64_t seed, const SimJob *job)
{
    DriverStatus news;
    Status status = master_driver_status(sim.master, job->id, sim.scratch, NULL, &news);

    ck_assert_msg(job->id != 0 && status == ST_OK, "seed %llu: a job was lost",
                  (unsigned long long)seed);
    ck_assert_msg(is_process_of(job->id, !news.is_over), "seed %llu: a job that is %s",
                  (unsigned long long)seed, news.state);
    if (strcmp(news.state, "killed") == 0)
        ck_assert(job->was_killed);
    else if (!news.is_over)
        ck_assert_str_eq(news.state, "running");
    else if (news.exit_code == EXIT_CODE_NONE)
        ck_assert_msg(!job->is_supervised, "seed %llu: a supervised job is given up: %s",
                      (unsigned long long)seed, news.reason);
    else
        ck_assert(news.exit_code == job->exit_code && job->duration_ms != 0);
    ck_assert_msg(!job->was_heard || job->was_killed || news.exit_code == job->exit_code,
                  "seed %llu: how a job ended is forgotten: %s", (unsigned long long)seed,
                  news.reason);
    ck_assert_msg(news.is_over || job->duration_ms == 0, "seed %llu: a job hangs",
                  (unsigned long long)seed);
}

static const SimDriver *driver_of(int64_t application)
{
    for (uint32_t d = 0; d < DRIVERS; d++)
        if (sim.drivers[d].state == DRIVER_ON && sim.drivers[d].known_id == application)
            return &sim.drivers[d];
    return NULL;
}

static void check_end(uint64_t seed)
{
    int32_t cores = 0, wanted = 0, running = 0, applications = 0;
    MasterCounts counts;

    ck_assert_ptr_nonnull(sim.master);
    for (uint32_t j = 0; j < JOBS; j++)
        check_job(seed, &sim.jobs[j]);
    counts = master_counts(sim.master);
    for (uint32_t w = 0; w < WORKERS; w++) {
        const SimWorker *worker = &sim.workers[w];

        cores += worker->cores;
        for (uint32_t c = 0; c < worker->child_count; c++) {
            running += worker->children[c].driver == 0;
            ck_assert_msg(worker->children[c].driver != 0 ||
                              driver_of(worker->children[c].application) != NULL,
                          "seed %llu: an executor of nobody", (unsigned long long)seed);
        }
        for (uint32_t f = 0; f < worker->folder_count; f++)
            ck_assert_msg(driver_of(worker->folders[f]) != NULL, "seed %llu: a folder of nobody",
                          (unsigned long long)seed);
    }
    for (uint32_t d = 0; d < DRIVERS; d++) {
        applications += sim.drivers[d].state == DRIVER_ON;
        wanted += sim.drivers[d].state == DRIVER_ON ? sim.drivers[d].wanted : 0;
    }
    ck_assert_msg(counts.workers == WORKERS && counts.applications == applications,
                  "seed %llu: %d workers, %d of %d applications", (unsigned long long)seed,
                  counts.workers, counts.applications, applications);
    ck_assert_msg(counts.executors == running && running == (wanted < cores ? wanted : cores),
                  "seed %llu: %d cores, %d wanted, %d run, the master knows %d",
                  (unsigned long long)seed, cores, wanted, running, counts.executors);
}

static void run_seed(uint64_t seed)
{
    start_world(seed);
    for (sim.now_ms = STEP_MS; sim.now_ms <= END_MS; sim.now_ms += STEP_MS) {
        sim.is_bad = sim.now_ms < BAD_MS;
        step_master();
        for (uint32_t w = 0; w < WORKERS; w++)
            step_worker(&sim.workers[w]);
        for (uint32_t d = 0; d < DRIVERS; d++)
            step_driver(&sim.drivers[d]);
        for (uint32_t j = 0; j < JOBS; j++)
            step_job(&sim.jobs[j]);
        deliver();
    }
    check_end(seed);
}

START_TEST(test_seeds)
{
    const char *one = getenv("VONK_SIM_SEED"), *count = getenv("VONK_SIM_SEEDS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t seeds = one != NULL ? 1 : count != NULL ? strtoull(count, NULL, 10) : 100;

    log_set_level(one != NULL ? LOG_DEBUG : LOG_OFF);
    sim.arena = arena_new(NULL, "sim", ARENA_NO_CAP);
    sim.old_arena = arena_new(NULL, "sim", ARENA_NO_CAP);
    sim.scratch = arena_new(NULL, "sim", ARENA_NO_CAP);
    for (uint64_t seed = first; seed < first + seeds; seed++)
        run_seed(seed);
    arena_free(sim.arena);
    arena_free(sim.old_arena);
    arena_free(sim.scratch);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("seeds");
    Suite *suite = suite_create("master_sim");
    SRunner *runner;
    int failed;

    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, test_seeds);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
