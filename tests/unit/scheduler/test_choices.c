/* test_choices.c -- partitioned jobs, driven by hand: which executor, pool, job, stage and task is
 * next, who is avoided and for how long, what is tried again and how often */
#include <check.h>
#include <string.h>

#include "core/scheduler/scheduler.h"

static Arena *arena;
static Scheduler *scheduler;
static SchedulerConfig config;

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    config = scheduler_config_default();
    scheduler = scheduler_new(arena, &config);
}

static void teardown(void)
{
    scheduler_check(scheduler);
    arena_free(arena);
}

/* With what the test has changed in config. */
static void set_up_again(void)
{
    scheduler = scheduler_new(arena, &config);
}

static ExecutorId add_executor(uint32_t slots)
{
    return scheduler_executor_added(scheduler, &(ExecutorSpec){.name = "executor", .slots = slots});
}

static StageId add_stage(uint32_t partitions, bool is_result, uint32_t parent_count,
                         const StageParent *parents)
{
    return scheduler_add_stage(scheduler, &(StageSpec){.name = "s",
                                                       .is_result = is_result,
                                                       .partition_count = partitions,
                                                       .parent_count = parent_count,
                                                       .parents = parents});
}

static StageId add_result(uint32_t partitions)
{
    return add_stage(partitions, true, 0, NULL);
}

static StageId add_reduce(uint32_t partitions, StageId map)
{
    return add_stage(partitions, true, 1, &(StageParent){.stage = map});
}

static JobId submit(StageId stage)
{
    return scheduler_submit(scheduler, &(JobSpec){.stage = stage});
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

static void succeed(SchedulerAction action)
{
    ck_assert_int_ne(scheduler_task_succeeded(scheduler, action.attempt, action.partition),
                     VERDICT_REFUSED);
}

static void fail_task(SchedulerAction action, TaskFailure failure, const char *message)
{
    Error err = ERROR_NONE;

    (void)error_set(&err, ST_BAD_INPUT, "%s", message);
    scheduler_task_failed(scheduler, action.attempt, failure, &err);
}

static void cannot_fetch(SchedulerAction action, StageId stage, uint32_t partition,
                         ExecutorId executor)
{
    FetchFailure failure = {.stage = stage, .partition = partition, .executor = executor};
    Error err = ERROR_NONE;

    (void)error_set(&err, ST_IO, "no answer");
    ck_assert(scheduler_fetch_failed(scheduler, action.attempt, &failure, &err));
}

static void expect_end(JobId job, JobState state)
{
    ck_assert_uint_eq(expect(ACTION_END_JOB).job, job);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), state);
}

/* --- who is next --- */

/* How many of the next launches are of the stage. */
static uint32_t launches_of(StageId stage, uint32_t all)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < all; i++)
        count += expect(ACTION_LAUNCH_TASK).stage == stage;
    return count;
}

START_TEST(a_pool_below_its_share_goes_first)
{
    uint32_t pool = scheduler_add_pool(scheduler, POOL_FIFO, 1, 6);
    StageId a = add_result(100), b = add_result(100);

    submit(a);
    scheduler_submit(scheduler, &(JobSpec){.stage = b, .pool = pool});
    add_executor(8);
    ck_assert_uint_eq(launches_of(b, 6), 6);
    ck_assert_uint_eq(launches_of(b, 2), 0);
}
END_TEST

START_TEST(pools_below_their_shares_divide_what_there_is)
{
    uint32_t one = scheduler_add_pool(scheduler, POOL_FIFO, 1, 2);
    uint32_t other = scheduler_add_pool(scheduler, POOL_FIFO, 1, 6);
    StageId a = add_result(100), b = add_result(100);

    scheduler_submit(scheduler, &(JobSpec){.stage = a, .pool = one});
    scheduler_submit(scheduler, &(JobSpec){.stage = b, .pool = other});
    add_executor(4);
    ck_assert_uint_eq(launches_of(b, 4), 3);
}
END_TEST

START_TEST(jobs_of_a_fair_pool_get_as_much)
{
    uint32_t pool = scheduler_add_pool(scheduler, POOL_FAIR, 1, 0);
    StageId a = add_result(100), b = add_result(100);

    scheduler_submit(scheduler, &(JobSpec){.stage = a, .pool = pool});
    scheduler_submit(scheduler, &(JobSpec){.stage = b, .pool = pool});
    add_executor(4);
    ck_assert_uint_eq(launches_of(a, 4), 2);
}
END_TEST

START_TEST(older_jobs_of_another_go_first)
{
    StageId a = add_result(100), b = add_result(100);

    submit(b);
    submit(a);
    add_executor(4);
    ck_assert_uint_eq(launches_of(b, 4), 4);
}
END_TEST

static void check_stage_order(bool is_lower_named_first)
{
    StageId low = add_stage(1, false, 0, NULL), high = add_stage(1, false, 0, NULL);
    StageParent parents[] = {{.stage = is_lower_named_first ? low : high},
                             {.stage = is_lower_named_first ? high : low}};

    submit(add_stage(1, true, 2, parents));
    add_executor(1);
    succeed(expect_launch(low, 0));
    expect_launch(high, 0);
}

START_TEST(lower_stages_go_first)
{
    check_stage_order(true);
    set_up_again();
    check_stage_order(false);
}
END_TEST

START_TEST(what_has_a_cached_input_waits_for_its_executor)
{
    ExecutorId far = add_executor(1), near = add_executor(1);
    StageId stage = add_result(1);
    SchedulerAction action;

    scheduler_cached(scheduler, stage, 0, near);
    submit(stage);
    action = expect_launch(stage, 0);
    ck_assert(action.reads_cache);
    ck_assert_uint_eq(action.executor, near);
    ck_assert_uint_eq(action.cached_at, near);
    cannot_fetch(action, stage, 0, near); /* it was not there */
    action = expect(ACTION_LAUNCH_TASK);
    ck_assert(!action.reads_cache);
    (void)far;
}
END_TEST

START_TEST(only_wanted_inputs_are_made)
{
    PartitionRange ranges[] = {{0, 1}, {1, 1}};
    StageId map = add_stage(2, false, 0, NULL);
    StageId middle = add_stage(2, false, 1, &(StageParent){map, ranges});
    ExecutorId executor = add_executor(1);
    JobId job = scheduler_submit(scheduler, &(JobSpec){.stage = middle, .range = {1, 1}});

    succeed(expect_launch(map, 1));
    succeed(expect_launch(middle, 1));
    expect_end(job, JOB_SUCCEEDED);
    submit(middle);
    succeed(expect_launch(map, 0));
    scheduler_output_lost(scheduler, map, 1, executor); /* who reads it is done */
    expect_launch(middle, 0);
    expect(ACTION_NONE);
}
END_TEST

/* --- who is avoided --- */

START_TEST(a_task_avoids_where_it_failed)
{
    ExecutorId first = add_executor(1), other;
    StageId stage = add_result(1);
    SchedulerAction action;

    submit(stage);
    fail_task(expect_launch(stage, 0), TASK_FAILED_RETRY, "no");
    other = add_executor(1);
    action = expect_launch(stage, 0);
    ck_assert_uint_eq(action.executor, other);
    fail_task(action, TASK_FAILED_RETRY, "no");
    ck_assert_uint_eq(expect_launch(stage, 0).executor, first);
}
END_TEST

START_TEST(what_was_set_back_avoids_nobody)
{
    ExecutorId first = add_executor(1);
    StageId stage = add_result(1), other = add_result(1);
    SchedulerAction action;

    submit(stage);
    action = expect_launch(stage, 0);
    add_executor(1);
    submit(other);
    expect_launch(other, 0);
    fail_task(action, TASK_SET_BACK, "what it reads was not there");
    ck_assert_uint_eq(expect_launch(stage, 0).executor, first);
}
END_TEST

START_TEST(a_stage_avoids_where_two_failed)
{
    StageId stage = add_result(5), other = add_result(2);
    ExecutorId bad;
    SchedulerAction first, second;

    submit(stage);
    bad = add_executor(2);
    first = expect_launch(stage, 0);
    second = expect_launch(stage, 1);
    add_executor(1);
    expect_launch(stage, 2);
    fail_task(first, TASK_FAILED_RETRY, "no");
    fail_task(second, TASK_FAILED_RETRY, "no");
    expect(ACTION_NONE);
    ck_assert_int_eq(scheduler_wake_ms(scheduler), config.exclude_ms);
    submit(other); /* another stage does not */
    first = expect_launch(other, 0);
    ck_assert_uint_eq(first.executor, bad);
    second = expect_launch(other, 1);
    succeed(first);
    succeed(second);
    expect(ACTION_END_JOB);
    expect(ACTION_NONE);
    scheduler_tick(scheduler, config.exclude_ms);
    ck_assert_uint_eq(expect_launch(stage, 3).executor, bad);
}
END_TEST

/* A task of its own stage fails at one and succeeds at the other. */
static void strike(ExecutorId bad, ExecutorId good)
{
    StageId stage = add_result(1);
    JobId job = submit(stage);
    SchedulerAction action = expect_launch(stage, 0);

    if (action.executor == good && bad != good) { /* the bad one's turn comes with the next */
        StageId next = add_result(1);
        JobId other = submit(next);
        SchedulerAction second = expect_launch(next, 0);

        succeed(action);
        expect_end(job, JOB_SUCCEEDED);
        action = second;
        job = other;
        stage = next;
    }
    ck_assert_uint_eq(action.executor, bad);
    fail_task(action, TASK_FAILED_RETRY, "no");
    action = expect_launch(stage, 0);
    ck_assert_uint_eq(action.executor, good);
    succeed(action);
    expect_end(job, JOB_SUCCEEDED);
}

START_TEST(all_avoid_who_has_four_strikes)
{
    ExecutorId bad = add_executor(1), good = add_executor(1);
    StageId stage = add_result(2);

    for (int i = 0; i < 4; i++)
        strike(bad, good);
    submit(stage);
    ck_assert_uint_eq(expect_launch(stage, 0).executor, good);
    expect(ACTION_NONE);
    ck_assert_int_eq(scheduler_wake_ms(scheduler), config.exclude_ms);
    scheduler_tick(scheduler, config.exclude_ms);
    ck_assert_uint_eq(expect_launch(stage, 1).executor, bad);
}
END_TEST

START_TEST(what_succeeds_where_it_failed_is_no_strike)
{
    ExecutorId only = add_executor(1), other;
    StageId stage = add_result(2);

    for (int i = 0; i < 5; i++)
        strike(only, only);
    other = add_executor(1);
    strike(only, other);
    submit(stage);
    expect_launch(stage, 0);
    expect_launch(stage, 1);
}
END_TEST

START_TEST(who_is_drained_and_lost_is_not_told_drained)
{
    ExecutorId executor = add_executor(1);

    scheduler_executor_drain(scheduler, executor);
    scheduler_executor_lost(scheduler, executor, BLOCKS_LOST, "killed");
    expect(ACTION_NONE);
}
END_TEST

/* --- stragglers --- */

/* A stage of four tasks, three of which have taken so long; the other one goes on. */
static StageId start_straggler(const int64_t durations[3], SchedulerAction *slow_out)
{
    StageId stage = add_result(4);
    SchedulerAction actions[4];

    add_executor(4);
    submit(stage);
    for (uint32_t i = 0; i < 4; i++)
        actions[i] = expect_launch(stage, i);
    *slow_out = actions[0];
    for (int i = 0; i < 3; i++) {
        scheduler_tick(scheduler, durations[i]);
        expect(ACTION_NONE); /* too few have ended */
        succeed(actions[i + 1]);
    }
    add_executor(1);
    expect(ACTION_NONE);
    return stage;
}

static void speculate(void)
{
    config.speculates = true;
    set_up_again();
}

START_TEST(a_straggler_takes_longer_than_the_median)
{
    SchedulerAction slow;
    StageId stage;

    speculate();
    stage = start_straggler((int64_t[]){10, 400, 400}, &slow);
    scheduler_tick(scheduler, 590);
    expect(ACTION_NONE);
    scheduler_tick(scheduler, 700);
    ck_assert_uint_ne(expect_launch(stage, 0).executor, slow.executor);
}
END_TEST

START_TEST(a_straggler_takes_its_time)
{
    SchedulerAction slow;
    StageId stage;

    speculate();
    stage = start_straggler((int64_t[]){1, 1, 1}, &slow);
    scheduler_tick(scheduler, config.speculation_min_ms);
    expect(ACTION_NONE);
    scheduler_tick(scheduler, 2 * config.speculation_min_ms);
    expect_launch(stage, 0);
}
END_TEST

START_TEST(nothing_straggles_before_most_have_ended)
{
    StageId stage = 0;
    SchedulerAction actions[4];

    speculate();
    stage = add_result(4);
    submit(stage);
    add_executor(4);
    add_executor(1);
    for (uint32_t i = 0; i < 4; i++)
        actions[i] = expect_launch(stage, i);
    succeed(actions[1]);
    succeed(actions[2]);
    scheduler_tick(scheduler, 10000);
    expect(ACTION_NONE);
}
END_TEST

/* --- what is tried again, and how often --- */

START_TEST(what_was_killed_has_not_failed)
{
    StageId stage = add_result(1);
    JobId job = submit(stage);

    add_executor(1);
    for (uint32_t i = 0; i + 1 < config.losses_max; i++)
        fail_task(expect_launch(stage, 0), TASK_KILLED, "stopped");
    succeed(expect_launch(stage, 0));
    expect_end(job, JOB_SUCCEEDED);
}
END_TEST

START_TEST(what_is_always_lost_fails)
{
    StageId stage = add_result(1);
    JobId job = submit(stage);

    for (uint32_t i = 0; i < config.losses_max; i++) {
        ExecutorId executor = add_executor(1);

        expect_launch(stage, 0);
        scheduler_executor_lost(scheduler, executor, BLOCKS_LOST, "killed");
    }
    expect_end(job, JOB_FAILED);
    ck_assert(strstr(scheduler_job_error(scheduler, job)->message, "lost 64 times") != NULL);
}
END_TEST

START_TEST(tasks_of_one_attempt_of_a_stage_count_once)
{
    StageId map = add_stage(1, false, 0, NULL), reduce = add_reduce(2, map);
    ExecutorId executor = add_executor(2);
    JobId job = submit(reduce);

    for (uint32_t i = 1; i < config.stage_attempts_max; i++) {
        SchedulerAction first, second;

        succeed(expect_launch(map, 0));
        first = expect(ACTION_LAUNCH_TASK);
        second = expect(ACTION_LAUNCH_TASK);
        cannot_fetch(first, map, 0, executor);
        cannot_fetch(second, map, 0, executor);
    }
    succeed(expect_launch(map, 0));
    succeed(expect(ACTION_LAUNCH_TASK));
    succeed(expect(ACTION_LAUNCH_TASK));
    expect_end(job, JOB_SUCCEEDED);
}
END_TEST

START_TEST(fetch_failures_count_from_the_last_success_on)
{
    StageId map = add_stage(1, false, 0, NULL), reduce = add_reduce(2, map);
    ExecutorId executor = add_executor(1);
    JobId job = submit(reduce);

    succeed(expect_launch(map, 0));
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 1; i < config.stage_attempts_max; i++) {
            cannot_fetch(expect(ACTION_LAUNCH_TASK), map, 0, executor);
            succeed(expect_launch(map, 0));
        }
        succeed(expect(ACTION_LAUNCH_TASK));
    }
    expect_end(job, JOB_SUCCEEDED);
}
END_TEST

START_TEST(what_lost_executors_cannot_serve_does_not_count)
{
    StageId map = add_stage(2, false, 0, NULL), reduce = add_reduce(1, map);
    JobId job = submit(reduce);
    ExecutorId place;
    uint64_t hash;

    for (int i = 0; i < 10; i++) {
        ExecutorId executor = add_executor(2);
        SchedulerAction first = expect_launch(map, 0), second = expect_launch(map, 1), action;

        succeed(first);
        succeed(second);
        scheduler_executor_lost(scheduler, executor, BLOCKS_KEPT, "killed");
        add_executor(1);
        action = expect_launch(reduce, 0);
        cannot_fetch(action, map, 0, executor);
        ck_assert(!scheduler_output_place(scheduler, map, 1, &place, &hash)); /* nor the other */
        scheduler_executor_lost(scheduler, action.executor, BLOCKS_LOST, "it is in the way");
    }
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_RUNNING);
}
END_TEST

/* Nor after failures that do. */
START_TEST(what_a_lost_executor_cannot_serve_is_not_the_last_straw)
{
    StageId map = add_stage(1, false, 0, NULL), reduce = add_reduce(1, map);
    ExecutorId executor = add_executor(1), other;
    JobId job = submit(reduce);

    for (uint32_t i = 1; i < config.stage_attempts_max; i++) {
        succeed(expect_launch(map, 0));
        cannot_fetch(expect_launch(reduce, 0), map, 0, executor);
    }
    other = add_executor(1);
    scheduler_output_exists(scheduler, map, 0, other, 0);
    scheduler_executor_lost(scheduler, other, BLOCKS_KEPT, "killed");
    cannot_fetch(expect_launch(reduce, 0), map, 0, other);
    succeed(expect_launch(map, 0));
    succeed(expect_launch(reduce, 0));
    expect_end(job, JOB_SUCCEEDED);
}
END_TEST

/* Outputs that nobody has read, since inputs were cached, may come out otherwise the next time. */
START_TEST(what_reads_a_cache_has_not_used_the_outputs)
{
    StageId map = add_stage(1, false, 0, NULL), reduce = add_reduce(2, map);
    ExecutorId executor = add_executor(1);
    JobId job;
    SchedulerAction action;

    scheduler_cached(scheduler, reduce, 0, executor);
    job = submit(reduce);
    succeed(expect_launch(map, 0));
    action = expect_launch(reduce, 0);
    ck_assert(action.reads_cache);
    succeed(action);
    scheduler_output_lost(scheduler, map, 0, executor);
    action = expect_launch(map, 0);
    ck_assert_int_eq(scheduler_task_succeeded(scheduler, action.attempt, 77), VERDICT_ACCEPTED);
    succeed(expect_launch(reduce, 1));
    expect_end(job, JOB_SUCCEEDED);
}
END_TEST

START_TEST(an_error_above_the_reported_one_changes_nothing)
{
    StageId stage = add_result(3);
    JobId job = submit(stage);
    SchedulerAction actions[3];

    add_executor(3);
    for (uint32_t i = 0; i < 3; i++)
        actions[i] = expect_launch(stage, i);
    fail_task(actions[1], TASK_FAILED, "of one");
    fail_task(actions[2], TASK_FAILED, "of two");
    succeed(actions[0]);
    expect_end(job, JOB_FAILED);
    ck_assert_str_eq(scheduler_job_error(scheduler, job)->message, "of one");
}
END_TEST

START_TEST(a_stage_that_failed_begins_anew)
{
    StageId map = add_stage(3, false, 0, NULL);
    JobId job = submit(map);

    add_executor(1);
    succeed(expect_launch(map, 0));
    fail_task(expect_launch(map, 1), TASK_FAILED, "of one");
    expect_end(job, JOB_FAILED);
    job = submit(map);
    succeed(expect_launch(map, 1));
    succeed(expect_launch(map, 2));
    expect_end(job, JOB_SUCCEEDED);
}
END_TEST

/* --- silence --- */

static bool is_kept_after_silence(bool blocks_outlive_executors)
{
    StageId map;
    ExecutorId place;
    uint64_t hash;

    config.executor_timeout_ms = 100;
    config.blocks_outlive_executors = blocks_outlive_executors;
    set_up_again();
    map = add_stage(1, false, 0, NULL);
    add_executor(1);
    submit(map);
    succeed(expect_launch(map, 0));
    expect(ACTION_END_JOB);
    scheduler_tick(scheduler, 99);
    expect(ACTION_NONE);
    scheduler_tick(scheduler, 100);
    expect(ACTION_EXECUTOR_GONE);
    return scheduler_output_place(scheduler, map, 0, &place, &hash);
}

START_TEST(blocks_go_with_their_executor)
{
    ck_assert(!is_kept_after_silence(false));
}
END_TEST

START_TEST(blocks_stay_where_somebody_else_serves_them)
{
    ck_assert(is_kept_after_silence(true));
}
END_TEST

START_TEST(an_attempt_of_another_executor_is_not_wanted)
{
    StageId stage = add_result(1);
    AttemptId attempt, unwanted = 0;
    ExecutorId other;
    bool is_known;

    submit(stage);
    add_executor(1);
    attempt = expect_launch(stage, 0).attempt;
    other = add_executor(1);
    ck_assert_uint_eq(scheduler_heartbeat(scheduler, other, 0, &attempt, 1, &unwanted, &is_known),
                      1);
    ck_assert(is_known && unwanted == attempt);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("choices");
    TCase *tests = tcase_create("choices");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_pool_below_its_share_goes_first);
    tcase_add_test(tests, pools_below_their_shares_divide_what_there_is);
    tcase_add_test(tests, jobs_of_a_fair_pool_get_as_much);
    tcase_add_test(tests, older_jobs_of_another_go_first);
    tcase_add_test(tests, lower_stages_go_first);
    tcase_add_test(tests, what_has_a_cached_input_waits_for_its_executor);
    tcase_add_test(tests, only_wanted_inputs_are_made);
    tcase_add_test(tests, a_task_avoids_where_it_failed);
    tcase_add_test(tests, what_was_set_back_avoids_nobody);
    tcase_add_test(tests, a_stage_avoids_where_two_failed);
    tcase_add_test(tests, all_avoid_who_has_four_strikes);
    tcase_add_test(tests, what_succeeds_where_it_failed_is_no_strike);
    tcase_add_test(tests, who_is_drained_and_lost_is_not_told_drained);
    tcase_add_test(tests, a_straggler_takes_longer_than_the_median);
    tcase_add_test(tests, a_straggler_takes_its_time);
    tcase_add_test(tests, nothing_straggles_before_most_have_ended);
    tcase_add_test(tests, what_was_killed_has_not_failed);
    tcase_add_test(tests, what_is_always_lost_fails);
    tcase_add_test(tests, tasks_of_one_attempt_of_a_stage_count_once);
    tcase_add_test(tests, fetch_failures_count_from_the_last_success_on);
    tcase_add_test(tests, what_lost_executors_cannot_serve_does_not_count);
    tcase_add_test(tests, what_a_lost_executor_cannot_serve_is_not_the_last_straw);
    tcase_add_test(tests, what_reads_a_cache_has_not_used_the_outputs);
    tcase_add_test(tests, an_error_above_the_reported_one_changes_nothing);
    tcase_add_test(tests, a_stage_that_failed_begins_anew);
    tcase_add_test(tests, blocks_go_with_their_executor);
    tcase_add_test(tests, blocks_stay_where_somebody_else_serves_them);
    tcase_add_test(tests, an_attempt_of_another_executor_is_not_wanted);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
