/* test_shared_job.c -- shared jobs, driven by hand and by a seeded backend that ends tasks in any
 * order */
#include <check.h>
#include <stdlib.h>

#include "core/scheduler/scheduler.h"

static Scheduler *start(Arena *arena, uint32_t stage_count, const SharedStage *stages,
                        JobId *job_out)
{
    SchedulerConfig config = scheduler_config_default();
    Scheduler *scheduler = scheduler_new(arena, &config);

    *job_out = scheduler_submit_shared(scheduler, stage_count, stages);
    return scheduler;
}

static SchedulerAction expect(Scheduler *scheduler, SchedulerActionKind kind, uint32_t stage)
{
    SchedulerAction action = scheduler_next(scheduler);

    ck_assert_int_eq(action.kind, kind);
    if (kind != ACTION_NONE && kind != ACTION_END_JOB)
        ck_assert_uint_eq(action.shared.stage, stage);
    return action;
}

START_TEST(two_stages_in_order)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    uint32_t zero = 0;
    SharedStage specs[2] = {{0}, {.depend_count = 1, .depends = &zero}};
    JobId job;
    Scheduler *scheduler = start(arena, 2, specs, &job);
    SchedulerAction a, b;

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_round_begun(scheduler, job, 0, true, 2);
    a = expect(scheduler, ACTION_LAUNCH_SHARED, 0);
    b = expect(scheduler, ACTION_LAUNCH_SHARED, 0);
    ck_assert_uint_eq(a.shared.task, 0);
    ck_assert_uint_eq(b.shared.task, 1);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_shared_ended(scheduler, job, b.shared, true);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_shared_ended(scheduler, job, a.shared, true);
    a = expect(scheduler, ACTION_BEGIN_ROUND, 0);
    ck_assert_uint_eq(a.shared.round, 1);
    scheduler_round_begun(scheduler, job, 0, true, 0);
    expect(scheduler, ACTION_FINISH_STAGE, 0);
    expect(scheduler, ACTION_BEGIN_ROUND, 1);
    scheduler_round_begun(scheduler, job, 1, true, 0);
    expect(scheduler, ACTION_FINISH_STAGE, 1);
    expect(scheduler, ACTION_END_JOB, 0);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_SUCCEEDED);
    arena_free(arena);
}
END_TEST

START_TEST(failure_waits_for_what_runs)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    SharedStage spec = {0};
    JobId job;
    Scheduler *scheduler = start(arena, 1, &spec, &job);
    SchedulerAction a, b;

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    scheduler_round_begun(scheduler, job, 0, true, 3);
    a = expect(scheduler, ACTION_LAUNCH_SHARED, 0);
    b = expect(scheduler, ACTION_LAUNCH_SHARED, 0);
    scheduler_shared_ended(scheduler, job, a.shared, false);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_shared_ended(scheduler, job, b.shared, true);
    expect(scheduler, ACTION_END_JOB, 0);
    expect(scheduler, ACTION_NONE, 0);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_FAILED);
    arena_free(arena);
}
END_TEST

START_TEST(failed_round_fails_the_job)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    SharedStage specs[2] = {{0}, {0}};
    JobId job;
    Scheduler *scheduler = start(arena, 2, specs, &job);

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    expect(scheduler, ACTION_BEGIN_ROUND, 1);
    scheduler_round_begun(scheduler, job, 0, false, 0);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_round_begun(scheduler, job, 1, true, 4);
    expect(scheduler, ACTION_END_JOB, 0);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_FAILED);
    arena_free(arena);
}
END_TEST

START_TEST(cancel_ends_the_job)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    SharedStage spec = {0};
    JobId job;
    Scheduler *scheduler = start(arena, 1, &spec, &job);
    SchedulerAction a;

    expect(scheduler, ACTION_BEGIN_ROUND, 0);
    scheduler_round_begun(scheduler, job, 0, true, 2);
    a = expect(scheduler, ACTION_LAUNCH_SHARED, 0);
    scheduler_cancel(scheduler, job);
    expect(scheduler, ACTION_NONE, 0);
    scheduler_shared_ended(scheduler, job, a.shared, false);
    expect(scheduler, ACTION_END_JOB, 0);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_CANCELLED);
    arena_free(arena);
}
END_TEST

/* Random graphs, random orders: every stage runs once, after all that it waits for. */
START_TEST(random_graphs)
{
    enum { STAGES = 12, BUSY = 64 };
    unsigned seed = (unsigned)_i + 1;
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    SharedStage specs[STAGES];
    uint32_t depends[STAGES][STAGES], rounds[STAGES] = {0};
    bool is_done[STAGES] = {false};
    SchedulerAction busy[BUSY], action;
    uint32_t busy_count = 0, finished = 0;
    JobId job;
    Scheduler *scheduler;

    for (uint32_t i = 0; i < STAGES; i++) {
        specs[i] = (SharedStage){.depends = depends[i]};
        for (uint32_t d = 0; d < i; d++)
            if (rand_r(&seed) % 3 == 0)
                depends[i][specs[i].depend_count++] = d;
    }
    scheduler = start(arena, STAGES, specs, &job);
    for (;;) {
        action = busy_count < BUSY - 1 ? scheduler_next(scheduler) : (SchedulerAction){0};
        if (action.kind == ACTION_END_JOB)
            break;
        if (action.kind == ACTION_FINISH_STAGE) {
            is_done[action.shared.stage] = true;
            finished++;
        } else if (action.kind != ACTION_NONE) {
            for (uint32_t d = 0; d < specs[action.shared.stage].depend_count; d++)
                ck_assert(is_done[depends[action.shared.stage][d]]);
            ck_assert(!is_done[action.shared.stage]);
            busy[busy_count++] = action;
        }
        if (busy_count > 0 && (action.kind == ACTION_NONE || rand_r(&seed) % 2 == 0)) {
            uint32_t pick = (uint32_t)rand_r(&seed) % busy_count;
            SchedulerAction ended = busy[pick];

            busy[pick] = busy[--busy_count];
            if (ended.kind == ACTION_BEGIN_ROUND)
                scheduler_round_begun(scheduler, job, ended.shared.stage, true,
                                      rounds[ended.shared.stage]++ < 2 ? (uint32_t)rand_r(&seed) % 5
                                                                       : 0);
            else
                scheduler_shared_ended(scheduler, job, ended.shared, true);
        }
    }
    ck_assert_uint_eq(busy_count, 0);
    ck_assert_uint_eq(finished, STAGES);
    ck_assert_int_eq(scheduler_job_state(scheduler, job), JOB_SUCCEEDED);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shared_job");
    TCase *tests = tcase_create("shared_job");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, two_stages_in_order);
    tcase_add_test(tests, failure_waits_for_what_runs);
    tcase_add_test(tests, failed_round_fails_the_job);
    tcase_add_test(tests, cancel_ends_the_job);
    tcase_add_loop_test(tests, random_graphs, 0, 200);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
