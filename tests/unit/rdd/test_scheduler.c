/* test_scheduler.c -- the scheduler, driven by hand and by a seeded backend that ends tasks in any
 * order */
#include <check.h>
#include <stdlib.h>

#include "core/rdd/scheduler.h"

static SchedulerAction expect(Scheduler *scheduler, SchedulerActionKind kind, uint32_t stage)
{
    SchedulerAction action = scheduler_next(scheduler);

    ck_assert_int_eq(action.kind, kind);
    if (kind != ACTION_NONE && kind != ACTION_END_JOB)
        ck_assert_uint_eq(action.task.stage, stage);
    return action;
}

START_TEST(two_stages_in_order)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    uint32_t zero = 0;
    StageSpec specs[2] = {{0}, {.depend_count = 1, .depends = &zero}};
    Scheduler *scheduler = scheduler_new(arena, 2, specs, 1);
    SchedulerAction a, b;

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_round_begun(scheduler, 0, true, 2);
    a = expect(scheduler, ACTION_LAUNCH_TASK, 0);
    b = expect(scheduler, ACTION_LAUNCH_TASK, 0);
    ck_assert_uint_eq(a.task.task, 0);
    ck_assert_uint_eq(b.task.task, 1);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_task_ended(scheduler, b.task, TASK_SUCCEEDED);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_task_ended(scheduler, a.task, TASK_SUCCEEDED);
    a = expect(scheduler, ACTION_BEGIN_ROUND, 0);
    ck_assert_uint_eq(a.task.round, 1);
    scheduler_round_begun(scheduler, 0, true, 0);
    expect(scheduler, ACTION_FINISH_STAGE, 0);
    expect(scheduler, ACTION_BEGIN_ROUND, 1);
    scheduler_round_begun(scheduler, 1, true, 0);
    expect(scheduler, ACTION_FINISH_STAGE, 1);
    expect(scheduler, ACTION_END_JOB, 0);
    ck_assert_int_eq(scheduler_state(scheduler), JOB_SUCCEEDED);
    arena_free(arena);
}
END_TEST

START_TEST(failure_waits_for_what_runs)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    StageSpec spec = {0};
    Scheduler *scheduler = scheduler_new(arena, 1, &spec, 1);
    SchedulerAction a, b;

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    scheduler_round_begun(scheduler, 0, true, 3);
    a = expect(scheduler, ACTION_LAUNCH_TASK, 0);
    b = expect(scheduler, ACTION_LAUNCH_TASK, 0);
    scheduler_task_ended(scheduler, a.task, TASK_FAILED);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_task_ended(scheduler, b.task, TASK_SUCCEEDED);
    expect(scheduler, ACTION_END_JOB, 0);
    expect(scheduler, ACTION_NONE, 0);
    ck_assert_int_eq(scheduler_state(scheduler), JOB_FAILED);
    arena_free(arena);
}
END_TEST

START_TEST(failed_round_fails_the_job)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    StageSpec specs[2] = {{0}, {0}};
    Scheduler *scheduler = scheduler_new(arena, 2, specs, 1);

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    expect(scheduler, ACTION_BEGIN_ROUND, 1);
    scheduler_round_begun(scheduler, 0, false, 0);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_round_begun(scheduler, 1, true, 4);
    expect(scheduler, ACTION_END_JOB, 0);
    ck_assert_int_eq(scheduler_state(scheduler), JOB_FAILED);
    arena_free(arena);
}
END_TEST

START_TEST(lost_tasks_are_tried_again)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    StageSpec spec = {0};
    Scheduler *scheduler = scheduler_new(arena, 1, &spec, 2);
    SchedulerAction a;

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    scheduler_round_begun(scheduler, 0, true, 1);
    a = expect(scheduler, ACTION_LAUNCH_TASK, 0);
    scheduler_task_ended(scheduler, a.task, TASK_FAILED_RETRY);
    a = expect(scheduler, ACTION_LAUNCH_TASK, 0);
    ck_assert_uint_eq(a.task.attempt, 1);
    scheduler_task_ended(scheduler, a.task, TASK_FAILED_RETRY);
    expect(scheduler, ACTION_END_JOB, 0);
    ck_assert_int_eq(scheduler_state(scheduler), JOB_FAILED);
    arena_free(arena);
}
END_TEST

START_TEST(cancel_ends_the_job)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    StageSpec spec = {0};
    Scheduler *scheduler = scheduler_new(arena, 1, &spec, 2);
    SchedulerAction a;

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    scheduler_round_begun(scheduler, 0, true, 2);
    a = expect(scheduler, ACTION_LAUNCH_TASK, 0);
    scheduler_cancel(scheduler);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_task_ended(scheduler, a.task, TASK_FAILED_RETRY);
    expect(scheduler, ACTION_END_JOB, 0);
    ck_assert_int_eq(scheduler_state(scheduler), JOB_CANCELLED);
    arena_free(arena);
}
END_TEST

/* Random graphs, random orders: every stage runs once, after all that it waits for; some tasks get
 * lost. */
START_TEST(random_graphs)
{
    enum { STAGES = 12, BUSY = 64 };
    unsigned seed = (unsigned)_i + 1;
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    StageSpec specs[STAGES];
    uint32_t depends[STAGES][STAGES], rounds[STAGES] = {0};
    bool is_done[STAGES] = {false};
    SchedulerAction busy[BUSY], action;
    uint32_t busy_count = 0, finished = 0;
    Scheduler *scheduler;

    for (uint32_t i = 0; i < STAGES; i++) {
        specs[i] = (StageSpec){.depends = depends[i]};
        for (uint32_t d = 0; d < i; d++)
            if (rand_r(&seed) % 3 == 0)
                depends[i][specs[i].depend_count++] = d;
    }
    scheduler = scheduler_new(arena, STAGES, specs, 1000);
    for (;;) {
        action = busy_count < BUSY - 1 ? scheduler_next(scheduler) : (SchedulerAction){0};
        if (action.kind == ACTION_END_JOB)
            break;
        if (action.kind == ACTION_FINISH_STAGE) {
            is_done[action.task.stage] = true;
            finished++;
        } else if (action.kind != ACTION_NONE) {
            for (uint32_t d = 0; d < specs[action.task.stage].depend_count; d++)
                ck_assert(is_done[depends[action.task.stage][d]]);
            ck_assert(!is_done[action.task.stage]);
            busy[busy_count++] = action;
        }
        if (busy_count > 0 && (action.kind == ACTION_NONE || rand_r(&seed) % 2 == 0)) {
            uint32_t pick = (uint32_t)rand_r(&seed) % busy_count;
            SchedulerAction ended = busy[pick];

            busy[pick] = busy[--busy_count];
            if (ended.kind == ACTION_BEGIN_ROUND)
                scheduler_round_begun(scheduler, ended.task.stage, true,
                                      rounds[ended.task.stage]++ < 2 ? (uint32_t)rand_r(&seed) % 5
                                                                     : 0);
            else
                scheduler_task_ended(scheduler, ended.task,
                                     rand_r(&seed) % 4 == 0 ? TASK_FAILED_RETRY : TASK_SUCCEEDED);
        }
    }
    ck_assert_uint_eq(busy_count, 0);
    ck_assert_uint_eq(finished, STAGES);
    ck_assert_int_eq(scheduler_state(scheduler), JOB_SUCCEEDED);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scheduler");
    TCase *tests = tcase_create("scheduler");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, two_stages_in_order);
    tcase_add_test(tests, failure_waits_for_what_runs);
    tcase_add_test(tests, failed_round_fails_the_job);
    tcase_add_test(tests, lost_tasks_are_tried_again);
    tcase_add_test(tests, cancel_ends_the_job);
    tcase_add_loop_test(tests, random_graphs, 0, 200);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
