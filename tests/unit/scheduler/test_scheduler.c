/* test_scheduler.c -- partitioned jobs, driven by hand: what the simulation cannot say by itself
 * (who goes first, where, what is in an error), and the cost of a large job */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/scheduler/scheduler.h"

enum { CANCEL_TIMEOUT_MS = 5000 };

static Arena *arena;
static Scheduler *scheduler;

static void setup(void)
{
    SchedulerConfig config = scheduler_config_default();

    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    config.speculates = true;
    config.cancel_timeout_ms = CANCEL_TIMEOUT_MS;
    scheduler = scheduler_new(arena, &config);
}

static void teardown(void)
{
    scheduler_check(scheduler);
    arena_free(arena);
}

static ExecutorId add_executor(uint32_t host, uint32_t slots)
{
    return scheduler_executor_added(
        scheduler, &(ExecutorSpec){.name = "executor", .host = host, .slots = slots});
}

static StageId add_stage(const char *name, uint32_t partitions, bool is_result, StageId parent)
{
    StageParent parents = {.stage = parent};

    return scheduler_add_stage(scheduler, &(StageSpec){.name = name,
                                                       .is_result = is_result,
                                                       .partition_count = partitions,
                                                       .parent_count = parent != 0,
                                                       .parents = &parents});
}

static JobId submit(StageId stage, uint32_t pool)
{
    return scheduler_submit(scheduler, &(JobSpec){.stage = stage, .pool = pool});
}

static SchedulerAction expect(SchedulerActionKind kind)
{
    SchedulerAction action = scheduler_next(scheduler);

    ck_assert_int_eq(action.kind, kind);
    return action;
}

static SchedulerAction expect_launch(StageId stage, uint32_t partition)
{
    SchedulerAction action = expect(ACTION_LAUNCH_TASK);

    ck_assert_uint_eq(action.stage, stage);
    ck_assert_uint_eq(action.partition, partition);
    return action;
}

START_TEST(lost_map_output_runs_just_that_map_again)
{
    ExecutorId a = add_executor(0, 1), b = add_executor(1, 1);
    StageId map = add_stage("map", 2, false, 0), reduce = add_stage("reduce", 1, true, map);
    JobId job = submit(reduce, DEFAULT_POOL);
    SchedulerAction first = expect_launch(map, 0), second = expect_launch(map, 1), third;
    FetchFailure failure = {.stage = map, .partition = 1, .executor = b};
    Error err = ERROR_NONE;

    ck_assert_uint_eq(first.executor, a);
    expect(ACTION_NONE);
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, first.attempt, 1), VERDICT_COUNTS);
    expect(ACTION_NONE); /* the reduce task needs both */
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, second.attempt, 2), VERDICT_COUNTS);
    third = expect_launch(reduce, 0);
    (void)error_set(&err, ST_IO, "no answer");
    scheduler_fetch_failed(scheduler, third.attempt, &failure, &err);
    second = expect_launch(map, 1);
    expect(ACTION_NONE);
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, second.attempt, 2), VERDICT_ACCEPTED);
    third = expect_launch(reduce, 0);
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, third.attempt, 3), VERDICT_COUNTS);
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, third.attempt, 3), VERDICT_REFUSED);
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, job);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_SUCCEEDED);
}
END_TEST

START_TEST(executor_losses_are_no_failures)
{
    StageId stage = add_stage("s", 1, true, 0);
    JobId job = submit(stage, DEFAULT_POOL);
    SchedulerAction action;

    for (int i = 0; i < 10; i++) {
        ExecutorId executor = add_executor(0, 1);

        expect_launch(stage, 0);
        scheduler_executor_lost(scheduler, executor, BLOCKS_LOST, "killed");
    }
    add_executor(0, 1);
    action = expect_launch(stage, 0);
    scheduler_task_succeeded(scheduler, action.attempt, 1);
    expect(ACTION_END_JOB);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_SUCCEEDED);
}
END_TEST

START_TEST(who_crashes_its_executors_fails)
{
    StageId stage = add_stage("crashes", 1, true, 0), other = add_stage("waits", 1, true, 0);
    JobId job = submit(stage, DEFAULT_POOL), bystander = submit(other, DEFAULT_POOL);
    SchedulerAction action;

    for (int i = 0; i < 4; i++) {
        ExecutorId executor = add_executor(0, 1);

        expect_launch(stage, 0);
        scheduler_executor_crashed(scheduler, executor, BLOCKS_LOST, 0, "signal 11");
    }
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, job);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_FAILED);
    ck_assert_str_eq(scheduler_job_error(scheduler, job)->message,
                     "stage \"crashes\", partition 0: its executor has crashed 4 times, the last "
                     "time: executor: signal 11");
    add_executor(0, 1);
    action = expect_launch(other, 0);
    scheduler_task_succeeded(scheduler, action.attempt, 1);
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, bystander);
    ck_assert_int_eq(scheduler_job_state(scheduler, bystander), JOB_SUCCEEDED);
}
END_TEST

/* Where it is known which of the two it was, the other one is only lost. */
START_TEST(who_runs_beside_a_crash_is_not_to_blame)
{
    StageId crashes = add_stage("crashes", 1, true, 0), beside = add_stage("beside", 1, true, 0);
    JobId job = submit(crashes, DEFAULT_POOL), bystander = submit(beside, DEFAULT_POOL);
    SchedulerAction first, second;

    for (int i = 0; i < 4; i++) {
        ExecutorId executor = add_executor(0, 2);

        first = expect(ACTION_LAUNCH_TASK);
        second = expect(ACTION_LAUNCH_TASK);
        ck_assert(first.stage != second.stage);
        scheduler_executor_crashed(scheduler, executor, BLOCKS_LOST,
                                   first.stage == crashes ? first.attempt : second.attempt,
                                   "signal 11");
    }
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, job);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_FAILED);
    add_executor(0, 1);
    first = expect_launch(beside, 0);
    scheduler_task_succeeded(scheduler, first.attempt, 1);
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, bystander);
    ck_assert_int_eq(scheduler_job_state(scheduler, bystander), JOB_SUCCEEDED);
}
END_TEST

START_TEST(who_does_not_stop_is_given_up)
{
    StageId stage = add_stage("s", 1, true, 0);
    JobId job = submit(stage, DEFAULT_POOL);
    ExecutorId executor = add_executor(0, 1);
    SchedulerAction action;

    scheduler_tick(scheduler, 1000);
    expect_launch(stage, 0);
    scheduler_cancel(scheduler, job);
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, job);
    expect(ACTION_CANCEL_TASK);
    ck_assert_int_eq(scheduler_wake_ms(scheduler), 1000 + CANCEL_TIMEOUT_MS);
    scheduler_tick(scheduler, 999 + CANCEL_TIMEOUT_MS);
    expect(ACTION_NONE);
    scheduler_tick(scheduler, 1000 + CANCEL_TIMEOUT_MS);
    action = expect(ACTION_EXECUTOR_GONE);
    ck_assert_uint_eq(action.executor, executor);
    ck_assert_str_eq(action.reason, "it did not stop a task that was cancelled");
    ck_assert_int_eq(scheduler_wake_ms(scheduler), INT64_MAX);
}
END_TEST

START_TEST(four_errors_fail_the_job_with_the_last)
{
    StageId stage = add_stage("parse", 1, true, 0);
    JobId job;
    Error err = ERROR_NONE;

    add_executor(0, 1);
    job = submit(stage, DEFAULT_POOL);
    for (int i = 1; i <= 4; i++) {
        (void)error_set(&err, ST_BAD_INPUT, "bad line %d", i);
        scheduler_task_failed(scheduler, expect_launch(stage, 0).attempt, TASK_FAILED_RETRY, &err);
    }
    expect(ACTION_END_JOB);
    ck_assert_str_eq(scheduler_job_error(scheduler, job)->message, "bad line 4");
    ck_assert(strstr(scheduler_job_error(scheduler, job)->detail, "\"parse\", partition 0") !=
              NULL);
}
END_TEST

/* The error is that of the lowest partition, whichever is known first; what is above is not begun
 * any more. */
START_TEST(lowest_error_is_reported)
{
    StageId stage = add_stage("parse", 5, true, 0);
    AttemptId attempts[4];
    JobId job;
    Error err = ERROR_NONE;

    add_executor(0, 4);
    job = submit(stage, DEFAULT_POOL);
    for (uint32_t p = 0; p < 4; p++)
        attempts[p] = expect_launch(stage, p).attempt;
    for (int i = 3; i > 1; i--) {
        (void)error_set(&err, ST_BAD_INPUT, "bad line in %d", i);
        scheduler_task_failed(scheduler, attempts[i], TASK_FAILED, &err);
        expect(ACTION_NONE);
        scheduler_check(scheduler);
    }
    scheduler_task_succeeded(scheduler, attempts[0], 1);
    expect(ACTION_NONE);
    (void)error_set(&err, ST_BAD_INPUT, "busy");
    scheduler_task_failed(scheduler, attempts[1], TASK_KILLED, &err);
    attempts[1] = expect_launch(stage, 1).attempt;
    expect(ACTION_NONE);
    scheduler_task_succeeded(scheduler, attempts[1], 1);
    expect(ACTION_END_JOB);
    ck_assert_str_eq(scheduler_job_error(scheduler, job)->message, "bad line in 2");
}
END_TEST

/* Partition 0 comes to be wanted, by another job, after 2 has failed: then 0 may fail as well. */
START_TEST(lowest_error_of_what_came_to_be_wanted)
{
    StageId stage = add_stage("parse", 3, false, 0);
    AttemptId attempts[3];
    JobId some, all;
    Error err = ERROR_NONE;

    add_executor(0, 3);
    some =
        scheduler_submit(scheduler, &(JobSpec){.stage = stage, .range = {.first = 1, .count = 2}});
    attempts[1] = expect_launch(stage, 1).attempt;
    attempts[2] = expect_launch(stage, 2).attempt;
    (void)error_set(&err, ST_BAD_INPUT, "bad line in 2");
    scheduler_task_failed(scheduler, attempts[2], TASK_FAILED, &err);
    expect(ACTION_NONE);
    all = submit(stage, DEFAULT_POOL);
    attempts[0] = expect_launch(stage, 0).attempt;
    scheduler_task_succeeded(scheduler, attempts[1], 1);
    expect(ACTION_NONE);
    (void)error_set(&err, ST_BAD_INPUT, "bad line in 0");
    scheduler_task_failed(scheduler, attempts[0], TASK_FAILED, &err);
    expect(ACTION_END_JOB);
    expect(ACTION_END_JOB);
    ck_assert_str_eq(scheduler_job_error(scheduler, all)->message, "bad line in 0");
    ck_assert_int_eq(scheduler_job_state(scheduler, some), JOB_FAILED);
}
END_TEST

START_TEST(four_fetch_failures_fail_the_job)
{
    StageId map = add_stage("map", 1, false, 0), reduce = add_stage("reduce", 1, true, map);
    JobId job = submit(reduce, DEFAULT_POOL);
    FetchFailure failure = {.stage = map, .executor = add_executor(0, 1), .is_corrupt = true};
    Error err = ERROR_NONE;

    (void)error_set(&err, ST_CORRUPT, "bad checksum");
    for (int i = 0; i < 4; i++) {
        scheduler_task_succeeded(scheduler, expect_launch(map, 0).attempt, 1);
        ck_assert(
            scheduler_fetch_failed(scheduler, expect_launch(reduce, 0).attempt, &failure, &err));
    }
    expect(ACTION_END_JOB);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_FAILED);
    ck_assert(strstr(scheduler_job_error(scheduler, job)->detail, "partition 0 of stage \"map\"") !=
              NULL);
}
END_TEST

/* As of an executor that had to drop what it had: each is news once. */
START_TEST(many_lost_outputs_do_not_fail_the_job)
{
    enum { MAPS = 100 };
    StageId map = add_stage("map", MAPS, false, 0), reduce = add_stage("reduce", 1, true, map);
    JobId job = submit(reduce, DEFAULT_POOL);
    FetchFailure failure = {.stage = map, .executor = add_executor(0, 1), .is_corrupt = true};
    Error err = ERROR_NONE;

    (void)error_set(&err, ST_CORRUPT, "it is not here any more");
    for (uint32_t i = 0; i < MAPS; i++)
        scheduler_task_succeeded(scheduler, expect_launch(map, i).attempt, 1);
    for (; failure.partition < MAPS; failure.partition++) {
        ck_assert(
            scheduler_fetch_failed(scheduler, expect_launch(reduce, 0).attempt, &failure, &err));
        scheduler_task_succeeded(scheduler, expect_launch(map, failure.partition).attempt, 1);
    }
    scheduler_task_succeeded(scheduler, expect_launch(reduce, 0).attempt, 1);
    expect(ACTION_END_JOB);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_SUCCEEDED);
}
END_TEST

/* As of one that misses partitions which were kept for it, one by one. */
START_TEST(set_back_is_not_lost)
{
    StageId map = add_stage("kept", 1, false, 0), reduce = add_stage("reduce", 1, true, map);
    ExecutorId executor = add_executor(0, 1);
    JobId job = submit(reduce, DEFAULT_POOL);
    Error err = ERROR_NONE;

    (void)error_set(&err, ST_CORRUPT, "it is not here any more");
    for (int i = 0; i < 100; i++) {
        SchedulerAction action;

        scheduler_task_succeeded(scheduler, expect_launch(map, 0).attempt, 1);
        action = expect_launch(reduce, 0);
        scheduler_output_lost(scheduler, map, 0, executor);
        scheduler_task_failed(scheduler, action.attempt, TASK_SET_BACK, &err);
    }
    scheduler_task_succeeded(scheduler, expect_launch(map, 0).attempt, 1);
    scheduler_task_succeeded(scheduler, expect_launch(reduce, 0).attempt, 1);
    expect(ACTION_END_JOB);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_SUCCEEDED);
}
END_TEST

START_TEST(shuffle_outputs_are_used_again)
{
    StageId map = add_stage("map", 1, false, 0);
    StageId one = add_stage("one", 1, true, map), two = add_stage("two", 1, true, map);

    add_executor(0, 1);
    submit(one, DEFAULT_POOL);
    scheduler_task_succeeded(scheduler, expect_launch(map, 0).attempt, 1);
    scheduler_task_succeeded(scheduler, expect_launch(one, 0).attempt, 1);
    expect(ACTION_END_JOB);
    submit(two, DEFAULT_POOL);
    scheduler_task_succeeded(scheduler, expect_launch(two, 0).attempt, 1); /* map is skipped */
    expect(ACTION_END_JOB);
}
END_TEST

START_TEST(tasks_wait_for_the_host_they_prefer)
{
    uint32_t offsets[] = {0, 1}, hosts[] = {1};
    StageId stage;
    ExecutorId far = add_executor(0, 1), near = add_executor(1, 1);

    stage = scheduler_add_stage(scheduler, &(StageSpec){.name = "scan",
                                                        .is_result = true,
                                                        .partition_count = 1,
                                                        .host_offsets = offsets,
                                                        .hosts = hosts});
    submit(stage, DEFAULT_POOL);
    ck_assert_uint_eq(expect_launch(stage, 0).executor, near);
    scheduler_executor_drain(scheduler, near);
    scheduler_executor_lost(scheduler, near, BLOCKS_LOST, "killed");
    ck_assert_uint_eq(expect_launch(stage, 0).executor, far); /* nobody is left to wait for */
}
END_TEST

START_TEST(pools_share_by_weight)
{
    uint32_t heavy = scheduler_add_pool(scheduler, POOL_FAIR, 3, 0);
    StageId a = add_stage("a", 100, true, 0), b = add_stage("b", 100, true, 0);
    uint32_t of_a = 0;

    submit(a, DEFAULT_POOL);
    submit(b, heavy);
    add_executor(0, 40);
    for (int i = 0; i < 40; i++)
        of_a += expect(ACTION_LAUNCH_TASK).stage == a;
    ck_assert_uint_eq(of_a, 10);
}
END_TEST

START_TEST(stragglers_run_twice_and_count_once)
{
    StageId stage = add_stage("s", 4, true, 0);
    SchedulerAction slow, again;

    add_executor(0, 4);
    submit(stage, DEFAULT_POOL);
    slow = expect_launch(stage, 0);
    for (uint32_t i = 1; i < 4; i++)
        scheduler_task_succeeded(scheduler, expect_launch(stage, i).attempt, 1);
    add_executor(1, 1);
    scheduler_tick(scheduler, 1000);
    again = expect_launch(stage, 0);
    ck_assert(again.executor != slow.executor);
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, again.attempt, 1), VERDICT_COUNTS);
    expect(ACTION_END_JOB);
    ck_assert_uint_eq(expect(ACTION_CANCEL_TASK).attempt, slow.attempt);
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, slow.attempt, 1), VERDICT_REFUSED);
}
END_TEST

/* 100,000 tasks on 1,000 executors, then a reduce stage: a quadratic step would take minutes. */
/* Two executors of a slot run a task each; one has ended after ms: so many are launched then. */
static uint32_t launched_after(StageId stage, int64_t ms)
{
    SchedulerAction action = expect(ACTION_LAUNCH_TASK);
    uint32_t count = 0;

    expect(ACTION_LAUNCH_TASK);
    expect(ACTION_NONE); /* how long they take is not known */
    scheduler_tick(scheduler, ms);
    scheduler_task_succeeded(scheduler, action.attempt, 1);
    while ((action = scheduler_next(scheduler)).kind == ACTION_LAUNCH_TASK) {
        ck_assert_uint_eq(action.stage, stage);
        count++;
    }
    return count;
}

START_TEST(short_tasks_wait_at_executors)
{
    ExecutorSpec spec = {.name = "executor", .slots = 1, .ahead = 3};
    StageId stage = add_stage("short", 20, true, 0);

    scheduler_executor_added(scheduler, &spec);
    scheduler_executor_added(scheduler, &spec);
    submit(stage, DEFAULT_POOL);
    ck_assert_uint_eq(launched_after(stage, 1), 4); /* a slot, and room for three */
}
END_TEST

START_TEST(long_tasks_do_not_wait_at_executors)
{
    ExecutorSpec spec = {.name = "executor", .slots = 1, .ahead = 3};
    StageId stage = add_stage("long", 20, true, 0);

    scheduler_executor_added(scheduler, &spec);
    scheduler_executor_added(scheduler, &spec);
    submit(stage, DEFAULT_POOL);
    ck_assert_uint_eq(launched_after(stage, 100), 1);
}
END_TEST

START_TEST(free_slots_come_before_room)
{
    ExecutorSpec spec = {.name = "executor", .slots = 1, .ahead = 3};
    StageId stage = add_stage("short", 4, true, 0);
    ExecutorId busy = scheduler_executor_added(scheduler, &spec);
    ExecutorId other = scheduler_executor_added(scheduler, &spec);
    SchedulerAction first, second;

    submit(stage, DEFAULT_POOL);
    first = expect_launch(stage, 0);
    second = expect_launch(stage, 1);
    ck_assert_uint_eq(first.executor, busy);
    ck_assert_uint_eq(second.executor, other);
    scheduler_task_succeeded(scheduler, first.attempt, 1);
    scheduler_task_succeeded(scheduler, second.attempt, 1);
    first = expect_launch(stage, 2);
    second = expect_launch(stage, 3); /* not where one is at work, though it could wait there */
    ck_assert_uint_ne(first.executor, second.executor);
}
END_TEST

START_TEST(large_job)
{
    enum { EXECUTORS = 1000, TASKS = 100000 };
    AttemptId *busy = calloc(EXECUTORS * 2, sizeof *busy);
    StageId map = add_stage("map", TASKS, false, 0), reduce = add_stage("reduce", 1000, true, map);
    JobId job = submit(reduce, DEFAULT_POOL);
    uint32_t first = 0, count = 0, launched = 0;
    bool has_ended = false;

    for (uint32_t i = 0; i < EXECUTORS; i++)
        add_executor(i, 2);
    while (!has_ended) {
        SchedulerAction action = scheduler_next(scheduler);

        has_ended = action.kind == ACTION_END_JOB;
        if (action.kind == ACTION_LAUNCH_TASK) {
            busy[(first + count++) % (EXECUTORS * 2)] = action.attempt;
            launched++;
        } else if (!has_ended) {
            ck_assert_uint_gt(count, 0);
            scheduler_task_succeeded(scheduler, busy[first], 1);
            first = (first + 1) % (EXECUTORS * 2);
            count--;
        }
    }
    ck_assert_uint_eq(launched, TASKS + 1000);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_SUCCEEDED);
    free(busy);
}
END_TEST

/* 10,000 shuffles in a row: nothing recurses. */
START_TEST(long_lineage)
{
    StageId stage = 0;
    JobId job;

    add_executor(0, 1);
    for (int i = 0; i < 10000; i++) {
        StageId next = add_stage("step", 1, i == 9999, stage);

        if (stage != 0)
            scheduler_stage_unref(scheduler, stage);
        stage = next;
    }
    job = submit(stage, DEFAULT_POOL);
    scheduler_stage_unref(scheduler, stage);
    for (int i = 0; i < 10000; i++)
        scheduler_task_succeeded(scheduler, expect(ACTION_LAUNCH_TASK).attempt, 1);
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, job);
    for (int i = 0; i < 10000; i++)
        expect(ACTION_RELEASE_STAGE);
    expect(ACTION_NONE);
    ck_assert_uint_eq(scheduler_counts(scheduler).stages, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scheduler");
    TCase *tests = tcase_create("scheduler");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, lost_map_output_runs_just_that_map_again);
    tcase_add_test(tests, executor_losses_are_no_failures);
    tcase_add_test(tests, who_crashes_its_executors_fails);
    tcase_add_test(tests, who_runs_beside_a_crash_is_not_to_blame);
    tcase_add_test(tests, who_does_not_stop_is_given_up);
    tcase_add_test(tests, four_errors_fail_the_job_with_the_last);
    tcase_add_test(tests, lowest_error_is_reported);
    tcase_add_test(tests, lowest_error_of_what_came_to_be_wanted);
    tcase_add_test(tests, four_fetch_failures_fail_the_job);
    tcase_add_test(tests, many_lost_outputs_do_not_fail_the_job);
    tcase_add_test(tests, set_back_is_not_lost);
    tcase_add_test(tests, shuffle_outputs_are_used_again);
    tcase_add_test(tests, tasks_wait_for_the_host_they_prefer);
    tcase_add_test(tests, pools_share_by_weight);
    tcase_add_test(tests, stragglers_run_twice_and_count_once);
    tcase_add_test(tests, short_tasks_wait_at_executors);
    tcase_add_test(tests, long_tasks_do_not_wait_at_executors);
    tcase_add_test(tests, free_slots_come_before_room);
    tcase_add_test(tests, large_job);
    tcase_add_test(tests, long_lineage);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
