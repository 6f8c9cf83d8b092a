/* test_master_state.c -- what a master decides, event by event */
#include <check.h>
#include <stdlib.h>

#include "cluster/master_state.h"
#include "core/base/log.h"

enum { SECOND = 1000000000 };

static const int64_t first_id = 1000;
static Arena *arena;
static MasterState *state;
static int64_t now;

static MasterConfig config_of(MasterSchedule schedule, int64_t first)
{
    return (MasterConfig){.build = {"1.0", 7},
                          .schedule = schedule,
                          .first_id = first,
                          .silence_ns = INT64_C(10) * SECOND,
                          .quick_end_ns = SECOND,
                          .drain_ns = INT64_C(60) * SECOND};
}

static void start_master(MasterSchedule schedule, int64_t first)
{
    MasterConfig config = config_of(schedule, first);

    state = master_state_new(arena, &config, now);
}

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    now = INT64_C(100) * SECOND;
    start_master(SCHEDULE_FAIR, first_id);
}

static void teardown(void)
{
    master_state_check(state);
    arena_free(arena);
}

/* --- workers of the test --- */

enum { EXECUTORS = 16 };

typedef struct TestWorker {
    int64_t id, incarnation, reports, seen, last_id;
    int32_t cores;
    uint32_t count;
    RunningExecutor running[EXECUTORS];
    WorkerOrders orders; /* of the last report */
} TestWorker;

static Status register_worker(TestWorker *worker, const char *name, Error *err)
{
    WorkerInfo info = {.build = {"1.0", 7},
                       .name = name,
                       .pid = 4711,
                       .cores = worker->cores,
                       .memory_bytes = worker->cores * 1000,
                       .incarnation = worker->incarnation,
                       .last_id = worker->last_id,
                       .running = worker->running,
                       .running_count = worker->count};

    return master_register_worker(state, &info, now, err, &worker->id);
}

static Status report(TestWorker *worker, const int64_t *folders, uint32_t folder_count)
{
    int64_t executors[EXECUTORS];
    WorkerReport message = {.worker = worker->id,
                            .incarnation = worker->incarnation,
                            .number = ++worker->reports,
                            .orders_seen = worker->seen,
                            .executors = executors,
                            .executor_count = worker->count,
                            .applications = folders,
                            .application_count = folder_count};

    for (uint32_t i = 0; i < worker->count; i++)
        executors[i] = worker->running[i].executor;
    TRY(master_worker_report(state, &message, now, NULL));
    return master_worker_orders(state, &message, now, arena, NULL, &worker->orders);
}

static TestWorker new_worker(const char *name, int32_t cores)
{
    static int64_t incarnation = 1;
    TestWorker worker = {.incarnation = incarnation++, .cores = cores};

    ck_assert_int_eq(register_worker(&worker, name, NULL), ST_OK);
    ck_assert_int_eq(report(&worker, NULL, 0), ST_OK); /* now it gets something */
    return worker;
}

/* A report, and the orders of its answer carried out; then another one, that says so. */
static void obey(TestWorker *worker)
{
    ck_assert_int_eq(report(worker, NULL, 0), ST_OK);
    for (uint32_t i = 0; i < worker->orders.start_count; i++) {
        const ExecutorOrder *order = &worker->orders.start[i];

        ck_assert_int_gt(order->executor, worker->seen);
        worker->seen = worker->last_id = order->executor;
        worker->running[worker->count++] = (RunningExecutor){order->executor, order->application,
                                                             order->cores, order->memory_bytes, 0};
    }
    for (uint32_t i = 0; i < worker->orders.stop_count; i++) {
        for (uint32_t e = 0; e < worker->count; e++)
            if (worker->running[e].executor == worker->orders.stop[i])
                worker->running[e--] = worker->running[--worker->count];
        if (worker->orders.stop[i] > worker->seen)
            worker->seen = worker->orders.stop[i];
    }
    ck_assert_int_eq(report(worker, NULL, 0), ST_OK);
}

static int64_t new_application(int64_t incarnation, int32_t executors, int32_t cores, int64_t id)
{
    ApplicationInfo info = {.build = {"1.0", 7},
                            .name = "test",
                            .driver = {"127.0.0.1", 4000},
                            .executors = executors,
                            .executor_cores = cores,
                            .incarnation = incarnation,
                            .application = id,
                            .running = id == 0 ? 0 : executors};

    ck_assert_int_eq(master_register_application(state, &info, now, NULL, &id), ST_OK);
    return id;
}

static ApplicationNews heartbeat(int64_t application, int64_t incarnation)
{
    ApplicationNews news;

    ck_assert_int_eq(master_application_heartbeat(state, application, incarnation, NULL, 0, now,
                                                  arena, NULL, &news),
                     ST_OK);
    return news;
}

static void end_first(TestWorker *worker, const char *reason)
{
    ck_assert_int_eq(master_executor_ended(state, worker->id, worker->incarnation,
                                           worker->running[0].executor, reason, EXIT_CODE_NONE, now,
                                           NULL),
                     ST_OK);
    worker->running[0] = worker->running[--worker->count];
}

/* --- executors come and go --- */

START_TEST(test_spread_and_replaced)
{
    TestWorker workers[3] = {new_worker("a", 2), new_worker("b", 2), new_worker("c", 2)};
    int64_t application = new_application(1, 3, 1, 0);

    for (int i = 0; i < 3; i++) {
        obey(&workers[i]);
        ck_assert_uint_eq(workers[i].count, 1);
        ck_assert_int_eq(workers[i].running[0].application, application);
        ck_assert_int_eq(workers[i].running[0].memory_bytes, 1000);
    }
    ck_assert_int_eq(heartbeat(application, 1).executors, 3);
    now += INT64_C(5) * SECOND;
    for (int i = 0; i < 3; i++)
        obey(&workers[i]);
    end_first(&workers[1], "signal 9");
    ck_assert(master_worker_has_news(state, workers[1].id, workers[1].incarnation));
    obey(&workers[1]);
    ck_assert_uint_eq(workers[1].count, 1); /* at once, and where it was */
    ck_assert_int_eq(heartbeat(application, 1).executors, 3);
}
END_TEST

START_TEST(test_orders_are_repeated_until_seen)
{
    TestWorker worker = new_worker("a", 2);

    new_application(1, 1, 1, 0);
    ck_assert_int_eq(report(&worker, NULL, 0), ST_OK);
    ck_assert_uint_eq(worker.orders.start_count, 1);
    ck_assert(!master_worker_has_news(state, worker.id, worker.incarnation));
    ck_assert_int_eq(report(&worker, NULL, 0), ST_OK); /* the answer was lost */
    ck_assert_uint_eq(worker.orders.start_count, 1);
    obey(&worker);
    ck_assert_int_eq(report(&worker, NULL, 0), ST_OK);
    ck_assert_uint_eq(worker.orders.start_count, 0);
}
END_TEST

START_TEST(test_stopped_before_it_was_seen)
{
    TestWorker worker = new_worker("a", 1);
    int64_t first = new_application(1, 1, 1, 0);

    ck_assert_int_eq(master_end_application(state, first, 1, now, NULL), ST_OK);
    new_application(2, 1, 1, 0);
    ck_assert_int_eq(report(&worker, &first, 1), ST_OK);
    ck_assert_uint_eq(worker.orders.start_count, 0); /* its cores are not free yet */
    ck_assert_uint_eq(worker.orders.stop_count, 1);
    ck_assert_uint_eq(worker.orders.ended_count, 0);
    obey(&worker);
    ck_assert_int_eq(report(&worker, &first, 1), ST_OK);
    ck_assert_uint_eq(worker.orders.ended_count, 1); /* its folders can go */
    obey(&worker);
    ck_assert_uint_eq(worker.count, 1);
}
END_TEST

START_TEST(test_seen_but_not_there)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0);

    obey(&worker);
    now += INT64_C(2) * SECOND;
    worker.count = 0; /* its end was told, but the message was lost */
    obey(&worker);
    ck_assert_uint_eq(worker.count, 1);
    ck_assert_int_eq(heartbeat(application, 1).executors, 1);
}
END_TEST

START_TEST(test_pauses_after_quick_ends)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0);
    StrBuf text = {.arena = arena};

    for (int i = 0; i < QUICK_ENDS_FREE; i++) {
        obey(&worker);
        ck_assert_uint_eq(worker.count, 1);
        ck_assert_str_eq(heartbeat(application, 1).problem, "");
        end_first(&worker, "exit code 3");
    }
    obey(&worker);
    ck_assert_uint_eq(worker.count, 0);
    ck_assert_ptr_nonnull(strstr(heartbeat(application, 1).problem, "exit code 3"));
    ck_assert_ptr_nonnull(strstr(heartbeat(application, 1).problem, "3 executors in a row"));
    master_status_text(state, now, &text);
    ck_assert_ptr_nonnull(strstr(text.text, "waits: 0 of 1 executors: they end at once"));
    now += SECOND / 9;
    master_state_tick(state, now);
    obey(&worker);
    ck_assert_uint_eq(worker.count, 1);
    now += INT64_C(2) * SECOND;
    obey(&worker);
    heartbeat(application, 1);
    master_state_tick(state, now); /* this one lives: all is well again */
    ck_assert_str_eq(heartbeat(application, 1).problem, "");
    end_first(&worker, "exit code 4");
    obey(&worker);
    ck_assert_uint_eq(worker.count, 1);
}
END_TEST

START_TEST(test_pause_has_a_bound)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0);

    for (int i = 0; i < 40; i++) {
        now += INT64_C(10) * SECOND;
        ck_assert_int_eq(register_worker(&worker, "a", NULL), ST_OK); /* the same: it is heard */
        heartbeat(application, 1);
        master_state_tick(state, now);
        obey(&worker);
        ck_assert_uint_eq(worker.count, 1);
        end_first(&worker, "exit code 3");
    }
}
END_TEST

START_TEST(test_other_worker_after_quick_end)
{
    TestWorker a = new_worker("a", 2), b = new_worker("b", 1);

    new_application(1, 1, 1, 0);
    obey(&a);
    ck_assert_uint_eq(a.count, 1); /* it has more cores free */
    end_first(&a, "exit code 1");
    obey(&b);
    ck_assert_uint_eq(b.count, 1);
}
END_TEST

/* --- several applications --- */

START_TEST(test_fair)
{
    TestWorker worker = new_worker("a", 4);
    int64_t first = new_application(1, 3, 1, 0), second = new_application(2, 3, 1, 0);

    for (int i = 0; i < 4; i++)
        obey(&worker);
    for (int i = 0; i < 4; i++) { /* one of the rich one's makes room; it does not go on for ever */
        obey(&worker);
        ck_assert_int_eq(heartbeat(first, 1).executors + heartbeat(second, 2).executors, 4);
    }
    ck_assert_int_eq(heartbeat(first, 1).executors, 2);
    ck_assert_ptr_nonnull(strstr(heartbeat(first, 1).problem, "2 of 3 executors"));
}
END_TEST

START_TEST(test_fifo)
{
    TestWorker worker;
    int64_t first, second;

    start_master(SCHEDULE_FIFO, first_id);
    worker = new_worker("a", 4);
    first = new_application(1, 3, 1, 0);
    second = new_application(2, 3, 1, 0);
    for (int i = 0; i < 3; i++)
        obey(&worker);
    ck_assert_int_eq(heartbeat(first, 1).executors, 3);
    ck_assert_int_eq(heartbeat(second, 2).executors, 1);
    ck_assert_int_eq(master_end_application(state, first, 1, now, NULL), ST_OK);
    obey(&worker);
    obey(&worker);
    ck_assert_int_eq(heartbeat(second, 2).executors, 3);
}
END_TEST

START_TEST(test_one_on_each_worker)
{
    TestWorker a = new_worker("a", 4), b = new_worker("b", 2), c;
    int64_t application = new_application(1, 0, 0, 0);

    obey(&a);
    obey(&b);
    ck_assert_int_eq(a.running[0].cores, 4);
    ck_assert_int_eq(a.running[0].memory_bytes, 4000);
    ck_assert_int_eq(b.running[0].cores, 2);
    c = new_worker("c", 1);
    obey(&c);
    ck_assert_int_eq(heartbeat(application, 1).executors, 3);
}
END_TEST

/* Also of who takes an executor on each worker that there is. */
START_TEST(test_no_worker)
{
    int64_t first = new_application(1, 0, 0, 0), second;
    TestWorker worker;

    ck_assert_int_eq(heartbeat(first, 1).executors, 0);
    ck_assert_str_eq(heartbeat(first, 1).problem, "no worker is registered");
    worker = new_worker("a", 1);
    ck_assert_int_eq(master_drain_worker(state, worker.id, now, NULL), ST_OK);
    second = new_application(2, 0, 0, 0);
    ck_assert_str_eq(heartbeat(second, 2).problem, "all workers are drained");
}
END_TEST

START_TEST(test_too_large)
{
    TestWorker worker = new_worker("a", 4);
    int64_t application = new_application(1, 1, 5, 0);

    obey(&worker);
    ck_assert_uint_eq(worker.count, 0);
    ck_assert_str_eq(heartbeat(application, 1).problem,
                     "0 of 1 executors: no worker has 5 more cores free");
}
END_TEST

/* --- ends --- */

START_TEST(test_silent_worker)
{
    TestWorker a = new_worker("a", 1), b;
    int64_t application = new_application(1, 1, 1, 0);

    obey(&a);
    b = new_worker("b", 1);
    for (int i = 0; i < 10; i++) {
        now += SECOND;
        heartbeat(application, 1);
        obey(&b);
        master_state_tick(state, now);
    }
    obey(&b);
    ck_assert_uint_eq(b.count, 1);
    ck_assert_int_eq(report(&a, NULL, 0),
                     ST_BAD_INPUT); /* it comes back: what it has is too late */
    ck_assert_int_eq(register_worker(&a, "a", NULL), ST_OK);
    obey(&a);
    ck_assert_uint_eq(a.count, 0);
    ck_assert_int_eq(heartbeat(application, 1).executors, 1);
}
END_TEST

START_TEST(test_worker_started_anew)
{
    TestWorker old = new_worker("a", 1), young;
    int64_t application = new_application(1, 1, 1, 0);

    obey(&old);
    young = new_worker("a", 1); /* the same name: the old process is gone */
    ck_assert_int_eq(report(&old, NULL, 0), ST_BAD_INPUT);
    obey(&young);
    ck_assert_uint_eq(young.count, 1);
    ck_assert_int_eq(heartbeat(application, 1).executors, 1);
}
END_TEST

START_TEST(test_silent_driver)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0);
    ApplicationNews news;

    obey(&worker);
    for (int i = 0; i < 10; i++) {
        now += SECOND;
        obey(&worker);
        master_state_tick(state, now);
    }
    obey(&worker);
    ck_assert_uint_eq(worker.count, 0);
    ck_assert_int_eq(
        master_application_heartbeat(state, application, 1, NULL, 0, now, arena, NULL, &news),
        ST_BAD_INPUT);
}
END_TEST

/* Executors that find no driver end in order: no others are started until it is heard of. */
START_TEST(test_driver_that_is_gone)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0);

    obey(&worker);
    now += SECOND;
    ck_assert_int_eq(master_executor_ended(state, worker.id, worker.incarnation,
                                           worker.running[0].executor, "its driver is gone", 0, now,
                                           NULL),
                     ST_OK);
    worker.count = 0;
    now += SECOND;
    master_state_tick(state, now);
    obey(&worker);
    ck_assert_uint_eq(worker.count, 0);
    now += SECOND;
    (void)heartbeat(application, 1); /* it lives after all */
    master_state_tick(state, now);
    obey(&worker);
    ck_assert_uint_eq(worker.count, 1);
}
END_TEST

START_TEST(test_kill)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0), id;
    ApplicationInfo info = {.build = {"1.0", 7},
                            .name = "test",
                            .driver = {"127.0.0.1", 4000},
                            .executors = 1,
                            .incarnation = 1,
                            .application = application};
    ApplicationNews news;
    Error err = ERROR_NONE;

    obey(&worker);
    ck_assert_int_eq(master_kill(state, application + 5, now, NULL), ST_BAD_INPUT);
    ck_assert_int_eq(master_kill(state, application, now, NULL), ST_OK);
    obey(&worker);
    ck_assert_uint_eq(worker.count, 0);
    for (int i = 0; i < 2; i++) { /* also when its driver was away for long */
        ck_assert_int_eq(
            master_application_heartbeat(state, application, 1, NULL, 0, now, arena, &err, &news),
            ST_CANCELLED);
        ck_assert_str_eq(err.sqlstate, SQLSTATE_KILLED);
        ck_assert_int_eq(master_register_application(state, &info, now, &err, &id), ST_CANCELLED);
        ck_assert_str_eq(err.sqlstate, SQLSTATE_KILLED);
        now += INT64_C(11) * SECOND;
        master_state_tick(state, now);
    }
}
END_TEST

START_TEST(test_release)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0), old;

    obey(&worker);
    old = worker.running[0].executor;
    ck_assert_int_eq(master_release_executor(state, application, 2, old, "", now, NULL),
                     ST_BAD_INPUT); /* another incarnation */
    ck_assert_int_eq(master_release_executor(state, application, 1, old, "lost", now, NULL), ST_OK);
    obey(&worker);
    obey(&worker);
    ck_assert_uint_eq(worker.count, 1);
    ck_assert_int_gt(worker.running[0].executor, old);
}
END_TEST

START_TEST(test_drain)
{
    TestWorker a = new_worker("a", 1), b = new_worker("b", 1);
    int64_t application = new_application(1, 1, 1, 0);
    TestWorker *has = NULL, *other;

    obey(&a);
    obey(&b);
    has = a.count == 1 ? &a : &b;
    other = a.count == 1 ? &b : &a;
    ck_assert_int_eq(master_drain_worker(state, 99, now, NULL), ST_BAD_INPUT);
    ck_assert_int_eq(master_drain_worker(state, has->id, now, NULL), ST_OK);
    ck_assert_uint_eq(heartbeat(application, 1).draining_count, 1);
    obey(has);
    ck_assert(!has->orders.leave);
    ck_assert_int_eq(master_release_executor(state, application, 1, has->running[0].executor,
                                             "drained", now, NULL),
                     ST_OK);
    obey(other);
    ck_assert_uint_eq(other->count, 1);
    obey(has);
    obey(has);
    ck_assert(has->orders.leave);
    ck_assert_uint_eq(has->count, 0);
}
END_TEST

START_TEST(test_drain_does_not_wait_for_ever)
{
    TestWorker worker = new_worker("a", 1);
    int64_t application = new_application(1, 1, 1, 0);

    obey(&worker);
    ck_assert_int_eq(master_drain_worker(state, worker.id, now, NULL), ST_OK);
    for (int i = 0; i < 61; i++) {
        now += SECOND;
        heartbeat(application, 1);
        obey(&worker);
        master_state_tick(state, now);
    }
    obey(&worker);
    ck_assert_uint_eq(worker.count, 0);
}
END_TEST

/* --- another master --- */

/* _i: who comes first, the worker or the driver */
START_TEST(test_master_started_anew)
{
    TestWorker worker = new_worker("a", 2);
    int64_t application = new_application(1, 2, 1, 0);

    obey(&worker);
    start_master(SCHEDULE_FAIR, first_id * 2);
    ck_assert_int_eq(report(&worker, &application, 1), ST_BAD_INPUT);
    if (_i == 0)
        ck_assert_int_eq(register_worker(&worker, "a", NULL), ST_OK);
    ck_assert_int_eq(new_application(1, 2, 1, application), application);
    if (_i == 1)
        ck_assert_int_eq(register_worker(&worker, "a", NULL), ST_OK);
    ck_assert_int_eq(report(&worker, &application, 1), ST_OK);
    ck_assert_uint_eq(worker.orders.start_count, 0);
    ck_assert_uint_eq(worker.orders.stop_count, 0);
    ck_assert_uint_eq(worker.orders.ended_count, 0);
    ck_assert_int_eq(heartbeat(application, 1).executors, 2); /* those that ran */
    now += SECOND;
    end_first(&worker, "signal 9");
    obey(&worker);
    ck_assert_int_ge(worker.running[1].executor, first_id * 2);
}
END_TEST

/* One that comes first gets nothing for an application whose executor another one is about to
 * bring. */
START_TEST(test_master_started_anew_waits_for_workers)
{
    TestWorker first = new_worker("a", 1), second;
    int64_t application = new_application(1, 1, 1, 0);

    obey(&first);
    ck_assert_uint_eq(first.count, 1);
    second = new_worker("b", 1);
    start_master(SCHEDULE_FAIR, first_id * 2);
    ck_assert_int_eq(new_application(1, 1, 1, application), application);
    ck_assert_int_eq(register_worker(&second, "b", NULL), ST_OK);
    obey(&second);
    ck_assert_uint_eq(second.count, 0);
    now += SECOND / 2;
    ck_assert_int_eq(register_worker(&first, "a", NULL), ST_OK);
    obey(&first);
    ck_assert_uint_eq(first.count, 1);
    now += SECOND;
    ck_assert_int_eq(heartbeat(application, 1).executors, 1);
    master_state_tick(state, now);
    obey(&second);
    ck_assert_uint_eq(second.count, 0);
}
END_TEST

/* Its first master had ended before it gave it any: nobody brings one. */
START_TEST(test_master_started_anew_and_none_runs)
{
    TestWorker worker;
    ApplicationInfo info = {.build = {"1.0", 7},
                            .name = "test",
                            .driver = {"127.0.0.1", 4000},
                            .executors = 1,
                            .incarnation = 1,
                            .application = first_id + 1};
    int64_t application;

    start_master(SCHEDULE_FAIR, first_id * 2);
    worker = new_worker("a", 1);
    ck_assert_int_eq(master_register_application(state, &info, now, NULL, &application), ST_OK);
    obey(&worker);
    ck_assert_uint_eq(worker.count, 1);
}
END_TEST

START_TEST(test_driver_does_not_come_back)
{
    TestWorker worker = new_worker("a", 2);
    int64_t application = new_application(1, 2, 1, 0);

    obey(&worker);
    start_master(SCHEDULE_FAIR, first_id * 2);
    ck_assert_int_eq(register_worker(&worker, "a", NULL), ST_OK);
    for (int i = 0; i < 11; i++) {
        now += SECOND;
        obey(&worker);
        master_state_tick(state, now);
    }
    obey(&worker);
    ck_assert_uint_eq(worker.count, 0);
    ck_assert_int_eq(report(&worker, &application, 1), ST_OK);
    ck_assert_uint_eq(worker.orders.ended_count, 1);
}
END_TEST

START_TEST(test_ids_ascend_when_the_clock_was_set_back)
{
    TestWorker worker = new_worker("a", 2);
    int64_t application = new_application(1, 1, 1, 0);

    obey(&worker);
    start_master(SCHEDULE_FAIR, 10); /* below what the one before has given */
    ck_assert_int_eq(register_worker(&worker, "a", NULL), ST_OK);
    ck_assert_int_gt(new_application(2, 1, 1, 0), application);
}
END_TEST

/* --- what is refused, and what is shown --- */

START_TEST(test_other_builds)
{
    WorkerInfo worker = {.build = {"1.1", 7}, .name = "a", .cores = 1, .memory_bytes = 1};
    ApplicationInfo application = {.build = {"1.0", 8}, .name = "a", .driver = {"h", 1}};
    Error err = ERROR_NONE;
    int64_t id;

    ck_assert_int_eq(master_register_worker(state, &worker, now, &err, &id), ST_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "1.1"));
    ck_assert_int_eq(master_register_application(state, &application, now, &err, &id),
                     ST_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "0000000000000008"));
}
END_TEST

START_TEST(test_status)
{
    TestWorker worker = new_worker("a \"quoted\"\n \xc3\xa4 \xe2\x82\xac \xff\xc2\x9b\xe2\x82", 2);
    StageLine stage = {1, "scan", 10, 4, 2, 0};
    int64_t application = new_application(1, 3, 1, 0);
    StrBuf json = {.arena = arena}, text = {.arena = arena};
    ApplicationNews news;

    obey(&worker);
    ck_assert_int_eq(
        master_application_heartbeat(state, application, 1, &stage, 1, now, arena, NULL, &news),
        ST_OK);
    master_status_json(state, now, &json);
    master_status_text(state, now, &text);
    ck_assert_ptr_nonnull(strstr(json.text, "\"a \\\"quoted\\\"? \xc3\xa4 \xe2\x82\xac ?????\""));
    ck_assert_ptr_nonnull(strstr(json.text, "\"tasks\": 10, \"done\": 4"));
    ck_assert_ptr_nonnull(strstr(text.text, "4 of 10 tasks done, 2 running"));
    ck_assert_ptr_nonnull(strstr(text.text, "waits: 2 of 3 executors"));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("cases");
    Suite *suite = suite_create("master_state");
    SRunner *runner;
    int failed;

    log_set_level(LOG_OFF);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_spread_and_replaced);
    tcase_add_test(cases, test_orders_are_repeated_until_seen);
    tcase_add_test(cases, test_stopped_before_it_was_seen);
    tcase_add_test(cases, test_seen_but_not_there);
    tcase_add_test(cases, test_pauses_after_quick_ends);
    tcase_add_test(cases, test_pause_has_a_bound);
    tcase_add_test(cases, test_other_worker_after_quick_end);
    tcase_add_test(cases, test_fair);
    tcase_add_test(cases, test_fifo);
    tcase_add_test(cases, test_one_on_each_worker);
    tcase_add_test(cases, test_too_large);
    tcase_add_test(cases, test_no_worker);
    tcase_add_test(cases, test_silent_worker);
    tcase_add_test(cases, test_worker_started_anew);
    tcase_add_test(cases, test_silent_driver);
    tcase_add_test(cases, test_driver_that_is_gone);
    tcase_add_test(cases, test_kill);
    tcase_add_test(cases, test_release);
    tcase_add_test(cases, test_drain);
    tcase_add_test(cases, test_drain_does_not_wait_for_ever);
    tcase_add_loop_test(cases, test_master_started_anew, 0, 2);
    tcase_add_test(cases, test_master_started_anew_waits_for_workers);
    tcase_add_test(cases, test_master_started_anew_and_none_runs);
    tcase_add_test(cases, test_driver_does_not_come_back);
    tcase_add_test(cases, test_ids_ascend_when_the_clock_was_set_back);
    tcase_add_test(cases, test_other_builds);
    tcase_add_test(cases, test_status);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
