/* test_master_drivers.c -- what a master does about drivers that workers run, event by event */
#include <check.h>
#include <stdlib.h>

#include "cluster/driver_job.h"
#include "cluster/master_state.h"
#include "core/base/log.h"

enum { SECOND = 1000000000 };

static const RpcBuild build = {"1.0", 7};
static Arena *arena;
static MasterState *state;
static int64_t now;

typedef struct TestWorker {
    int64_t id, incarnation, reports, seen;
    RunningExecutor running; /* executor 0: nothing */
} TestWorker;

static void start_master(int64_t first_id)
{
    MasterConfig config = {.build = build,
                           .first_id = first_id,
                           .silence_ns = INT64_C(10) * SECOND,
                           .quick_end_ns = SECOND,
                           .drain_ns = INT64_C(60) * SECOND};

    master_state_free(state);
    state = master_state_new(arena_new(NULL, "master", ARENA_NO_CAP), &config, now);
}

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    now = INT64_C(100) * SECOND;
    start_master(1000);
}

static void teardown(void)
{
    master_state_check(state);
    master_state_free(state);
    state = NULL;
    arena_free(arena);
}

/* --- the test's worker, client and store --- */

static MasterKept kept; /* the last record */

static void keep_all(void)
{
    MasterKept next;

    while (master_next_to_keep(state, arena, &next)) {
        kept = next;
        master_kept(state, &next, now);
    }
}

static void register_worker(TestWorker *worker, const char *name)
{
    static int64_t incarnations = 1;
    WorkerInfo info = {.build = build,
                       .name = name,
                       .cores = 1,
                       .memory_bytes = 1000,
                       .incarnation = worker->incarnation = incarnations++,
                       .last_id = worker->seen,
                       .running = &worker->running,
                       .running_count = worker->running.executor != 0};

    ck_assert_int_eq(master_register_worker(state, &info, now, NULL, &worker->id), ST_OK);
}

/* A report, whose orders are carried out: at most one start. What it starts. */
static int64_t obey(TestWorker *worker)
{
    WorkerReport report = {.worker = worker->id,
                           .incarnation = worker->incarnation,
                           .number = ++worker->reports,
                           .orders_seen = worker->seen,
                           .executors = &worker->running.executor,
                           .executor_count = worker->running.executor != 0};
    WorkerOrders orders;

    ck_assert_int_eq(master_worker_report(state, &report, now, NULL), ST_OK);
    ck_assert_int_eq(master_worker_orders(state, &report, now, arena, NULL, &orders), ST_OK);
    if (orders.stop_count > 0)
        worker->running = (RunningExecutor){0};
    if (orders.start_count == 0)
        return 0;
    ck_assert_uint_eq(orders.start_count, 1);
    ck_assert_uint_gt(orders.start[0].job.byte_count, 0);
    worker->seen = orders.start[0].executor;
    worker->running =
        (RunningExecutor){.executor = worker->seen, .driver = orders.start[0].application};
    worker->running.application = worker->running.driver;
    return worker->seen;
}

static TestWorker new_worker(const char *name)
{
    TestWorker worker = {0};

    register_worker(&worker, name);
    (void)obey(&worker);
    return worker;
}

static int64_t submit(int64_t token, bool is_supervised)
{
    const char *const words[] = {"job.so"};
    DriverJob job = {
        .name = "job", .is_supervised = is_supervised, .word_count = 1, .words = words};
    WireBytes bytes;
    int64_t id;

    ck_assert_int_eq(driver_job_write(&job, arena, NULL, &bytes), ST_OK);
    ck_assert_int_eq(
        master_submit_driver(state, &build, token, bytes, (WireBytes){"files", 5}, now, NULL, &id),
        ST_OK);
    return id;
}

static DriverStatus news_of(int64_t driver)
{
    DriverStatus news;

    ck_assert_int_eq(master_driver_status(state, driver, arena, NULL, &news), ST_OK);
    return news;
}

static void end_process(TestWorker *worker, int32_t exit_code)
{
    ck_assert_int_eq(master_executor_ended(state, worker->id, worker->incarnation,
                                           worker->running.executor, "its words", exit_code, now,
                                           NULL),
                     ST_OK);
    worker->running = (RunningExecutor){0};
    keep_all();
}

/* Submitted, kept, and running on the worker. */
static int64_t run_driver(TestWorker *worker, bool is_supervised)
{
    int64_t driver = submit(77, is_supervised);

    keep_all();
    ck_assert_int_ne(obey(worker), 0);
    (void)obey(worker);
    ck_assert_str_eq(news_of(driver).state, "running");
    return driver;
}

/* --- */

START_TEST(test_kept_before_it_is_ordered)
{
    TestWorker worker = new_worker("a");
    int64_t driver = submit(1, false);
    WireBytes package;

    ck_assert(master_has_to_keep(state));
    ck_assert_int_eq(obey(&worker), 0);
    ck_assert(!master_worker_has_news(state, worker.id, worker.incarnation));
    keep_all();
    ck_assert(master_worker_has_news(state, worker.id, worker.incarnation));
    ck_assert_int_ne(obey(&worker), 0);
    ck_assert_int_eq(worker.running.driver, driver);
    ck_assert_int_eq(master_driver_package(state, driver, arena, NULL, &package), ST_OK);
    ck_assert_uint_eq(package.byte_count, 5);
    ck_assert_int_eq(submit(1, false), driver); /* the same call again */
    ck_assert_int_ne(submit(2, false), driver);
    keep_all();
}
END_TEST

START_TEST(test_exit_codes)
{
    TestWorker worker = new_worker("a");
    int64_t driver = run_driver(&worker, true);
    WireBytes package;

    end_process(&worker, 3);
    ck_assert_str_eq(news_of(driver).state, "failed");
    ck_assert_int_eq(news_of(driver).exit_code, 3);
    ck_assert_str_eq(news_of(driver).reason, "its words");
    ck_assert_int_eq(master_driver_package(state, driver, arena, NULL, &package), ST_BAD_INPUT);
    ck_assert(kept.has_no_package);
    now += INT64_C(60) * SECOND;
    worker = new_worker("b");
    ck_assert_int_eq(obey(&worker), 0); /* it is over */
}
END_TEST

START_TEST(test_death)
{
    TestWorker a = new_worker("a"), b = new_worker("b");
    TestWorker *first, *second;
    int64_t driver = submit(1, true);

    keep_all();
    first = obey(&a) != 0 ? &a : &b;
    second = first == &a ? &b : &a;
    if (first == &b)
        ck_assert_int_ne(obey(&b), 0);
    end_process(first, EXIT_CODE_NONE);
    keep_all();
    ck_assert_int_eq(obey(first), 0);
    ck_assert_int_ne(obey(second), 0); /* elsewhere */
    ck_assert_int_eq(second->running.driver, driver);
    ck_assert_str_eq(news_of(driver).reason, "its words");
}
END_TEST

START_TEST(test_pauses)
{
    TestWorker worker = new_worker("a");
    int64_t driver = run_driver(&worker, true), starts = 1;

    for (int ms = 0; ms < 10000; ms += 10) {
        if (worker.running.executor != 0)
            end_process(&worker, EXIT_CODE_NONE);
        now += 10000000;
        master_state_tick(state, now);
        keep_all();
        starts += obey(&worker) != 0;
    }
    ck_assert_int_ge(starts, 5);
    ck_assert_int_le(starts, 12);
    ck_assert(!news_of(driver).is_over);
}
END_TEST

START_TEST(test_unsupervised_death)
{
    TestWorker worker = new_worker("a");
    int64_t driver = run_driver(&worker, false);

    end_process(&worker, EXIT_CODE_NONE);
    ck_assert_str_eq(news_of(driver).state, "failed");
    ck_assert_int_eq(news_of(driver).exit_code, EXIT_CODE_NONE);
}
END_TEST

START_TEST(test_kill)
{
    TestWorker worker = new_worker("a");
    int64_t driver = run_driver(&worker, true);

    ck_assert_int_eq(master_kill(state, driver, now, NULL), ST_OK);
    keep_all();
    ck_assert_str_eq(news_of(driver).state, "killed");
    (void)obey(&worker);
    ck_assert_int_eq(worker.running.executor, 0);
    ck_assert_int_eq(obey(&worker), 0);
}
END_TEST

/* --- another master --- */

static void restore(int64_t first_id)
{
    start_master(first_id);
    ck_assert_int_eq(master_restore_driver(state, kept.record, (WireBytes){"files", 5}, now, NULL),
                     ST_OK);
}

START_TEST(test_worker_brings_it)
{
    TestWorker worker = new_worker("a");
    int64_t driver = run_driver(&worker, true), process = worker.running.executor;

    restore(5000);
    ck_assert_str_eq(news_of(driver).state, "awaited");
    register_worker(&worker, "a");
    worker.reports = 0;
    (void)obey(&worker);
    ck_assert_int_eq(worker.running.executor, process);
    ck_assert_str_eq(news_of(driver).state, "running");
    end_process(&worker, 0);
    ck_assert_str_eq(news_of(driver).state, "finished");
    restore(9000);
    ck_assert_str_eq(news_of(driver).state, "finished");
    ck_assert_int_eq(submit(77, true), driver);
}
END_TEST

START_TEST(test_nobody_brings_it)
{
    for (int is_supervised = 0; is_supervised < 2; is_supervised++) {
        TestWorker worker = new_worker("a"), other = {0};
        int64_t driver = run_driver(&worker, is_supervised);

        restore(5000 * (is_supervised + 1));
        register_worker(&other, "b");
        (void)obey(&other);
        ck_assert_int_eq(obey(&other), 0); /* not yet */
        now += INT64_C(10) * SECOND;
        ck_assert_int_eq(obey(&other), 0);
        master_state_tick(state, now);
        keep_all();
        ck_assert_int_eq(obey(&other) != 0, is_supervised);
        ck_assert_str_eq(news_of(driver).state, is_supervised ? "running" : "failed");
        start_master(20000);
    }
}
END_TEST

/* Whoever has it would have brought it: there is nothing to wait for. */
START_TEST(test_its_worker_comes_without_it)
{
    for (int is_supervised = 0; is_supervised < 2; is_supervised++) {
        TestWorker worker = new_worker("a"), other = {0};
        int64_t driver = run_driver(&worker, is_supervised);

        restore(5000 * (is_supervised + 1));
        register_worker(&other, "b");
        (void)obey(&other);
        ck_assert_str_eq(news_of(driver).state, "awaited");
        worker = new_worker("a");
        keep_all();
        (void)obey(&other);
        ck_assert_int_eq(worker.running.executor + other.running.executor != 0, is_supervised);
        ck_assert_str_eq(news_of(driver).state, is_supervised ? "running" : "failed");
        start_master(20000);
    }
}
END_TEST

/* It had died, and was to be started again, when its master ended. */
START_TEST(test_one_that_waited)
{
    TestWorker worker = new_worker("a"), other = {0};
    int64_t driver = run_driver(&worker, true);

    ck_assert_int_eq(master_executor_ended(state, worker.id, worker.incarnation,
                                           worker.running.executor, "its words", EXIT_CODE_NONE,
                                           now, NULL),
                     ST_OK);
    ck_assert(master_next_to_keep(state, arena, &kept)); /* and no more */
    restore(5000);
    ck_assert_str_eq(news_of(driver).state, "waiting");
    register_worker(&other, "b");
    (void)obey(&other);
    keep_all();
    ck_assert_int_ne(obey(&other), 0);
}
END_TEST

/* The record names the worker: what another one has is from before, and is stopped. */
START_TEST(test_a_process_from_before)
{
    TestWorker worker = new_worker("a"), before = {0};
    int64_t driver = run_driver(&worker, true);

    before.running = (RunningExecutor){.executor = 1001, .application = driver, .driver = driver};
    before.seen = 1001;
    restore(5000);
    register_worker(&before, "b");
    (void)obey(&before);
    ck_assert_int_eq(before.running.executor, 0);
    ck_assert_str_eq(news_of(driver).state, "awaited");
    register_worker(&worker, "a");
    worker.reports = 0;
    (void)obey(&worker);
    ck_assert_str_eq(news_of(driver).state, "running");
}
END_TEST

START_TEST(test_one_that_was_never_started)
{
    TestWorker worker = {0};
    int64_t driver = submit(1, false);

    keep_all();
    restore(5000);
    register_worker(&worker, "a");
    (void)obey(&worker);
    keep_all();
    ck_assert_int_ne(obey(&worker), 0);
    ck_assert_int_eq(worker.running.driver, driver);
}
END_TEST

/* --- the application of its process --- */

START_TEST(test_its_application)
{
    TestWorker worker = new_worker("a");
    ApplicationInfo info = {
        .build = build, .name = "job", .driver = {"127.0.0.1", 4000}, .incarnation = 5};
    int64_t application;
    Error err;

    (void)run_driver(&worker, true);
    info.process = worker.running.executor;
    ck_assert_int_eq(master_register_application(state, &info, now, NULL, &application), ST_OK);
    ck_assert_int_eq(master_counts(state).applications, 1);
    end_process(&worker, EXIT_CODE_NONE);
    ck_assert_int_eq(master_counts(state).applications, 0);
    ck_assert_int_eq(master_register_application(state, &info, now, &err, &application),
                     ST_CANCELLED); /* it was given up: another process is the driver */
    ck_assert_str_eq(err.sqlstate, SQLSTATE_KILLED);
}
END_TEST

/* Its heartbeat comes while the worker ends it: it registers no other one. */
START_TEST(test_its_application_is_killed_with_it)
{
    TestWorker worker = new_worker("a");
    ApplicationInfo info = {
        .build = build, .name = "job", .driver = {"127.0.0.1", 4000}, .incarnation = 5};
    int64_t application, driver = run_driver(&worker, true);
    Error err;

    info.process = worker.running.executor;
    ck_assert_int_eq(master_register_application(state, &info, now, NULL, &application), ST_OK);
    ck_assert_int_eq(master_kill(state, driver, now, NULL), ST_OK);
    ck_assert_int_eq(master_counts(state).applications, 0);
    ck_assert_int_eq(master_register_application(state, &info, now, &err, &application),
                     ST_CANCELLED);
    ck_assert_str_eq(err.sqlstate, SQLSTATE_KILLED);
    ck_assert_int_eq(master_counts(state).applications, 0);
}
END_TEST

/* Only its executors tell the next master of it. */
START_TEST(test_its_application_is_awaited)
{
    for (int comes_without = 0; comes_without < 2; comes_without++) {
        TestWorker worker = new_worker("a"), other = {0};
        int64_t driver = run_driver(&worker, true);

        other.running = (RunningExecutor){.executor = 1004,
                                          .application = 1003,
                                          .owner = driver,
                                          .cores = 1,
                                          .memory_bytes = 100};
        other.seen = 1004;
        restore(5000 * (comes_without + 1));
        register_worker(&other, "b");
        if (comes_without) {
            worker = new_worker("a");
        } else {
            register_worker(&worker, "a");
            worker.reports = 0;
            end_process(&worker, EXIT_CODE_NONE);
        }
        keep_all();
        (void)obey(&other);
        ck_assert_int_eq(other.running.executor, 0);
        start_master(20000);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("drivers");
    Suite *suite = suite_create("master_drivers");
    SRunner *runner;
    int failed;

    log_set_level(LOG_OFF);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_kept_before_it_is_ordered);
    tcase_add_test(cases, test_exit_codes);
    tcase_add_test(cases, test_death);
    tcase_add_test(cases, test_pauses);
    tcase_add_test(cases, test_unsupervised_death);
    tcase_add_test(cases, test_kill);
    tcase_add_test(cases, test_worker_brings_it);
    tcase_add_test(cases, test_nobody_brings_it);
    tcase_add_test(cases, test_its_worker_comes_without_it);
    tcase_add_test(cases, test_one_that_waited);
    tcase_add_test(cases, test_a_process_from_before);
    tcase_add_test(cases, test_one_that_was_never_started);
    tcase_add_test(cases, test_its_application);
    tcase_add_test(cases, test_its_application_is_killed_with_it);
    tcase_add_test(cases, test_its_application_is_awaited);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
