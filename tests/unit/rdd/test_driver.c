/* test_driver.c -- jobs on a backend that the test plays: what is launched, again, and what not */
#include "manual_backend.h"

static World world;

static void setup(void)
{
    world_open(&world);
}

static void teardown(void)
{
    world_close(&world);
}

/* --- running --- */

START_TEST(stages_in_order)
{
    RunningJob job;
    const StageReport *reports;

    world_add_executor(&world, 1);
    job_begin(&world, &job, make_shuffle(&world, make_numbers(&world, 3), 2), DEFAULT_POOL);
    for (uint32_t m = 0; m < 3; m++)
        expect_run(&world, 0, m);
    for (uint32_t r = 0; r < 2; r++)
        expect_run(&world, 1, r);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 435);
    ck_assert_uint_eq(job_stages(job.job, &reports), 2);
    ck_assert_uint_eq(reports[0].attempts, 3);
    ck_assert_uint_eq(reports[0].rows, 30);
    ck_assert_uint_eq(reports[1].tasks, 2);
    for (uint32_t p = 0; p < 2; p++)
        ck_assert_uint_ne(reports[1].ledger[p].hash, 0);
    job_close(job.job);
}
END_TEST

/* Of three map tasks one is lost: it alone runs again, with the same hash. */
START_TEST(lost_block_runs_its_task_again)
{
    RunningJob job;
    TaskLaunch first;
    const StageReport *reports;
    uint64_t hash;

    world_add_executor(&world, 1);
    job_begin(&world, &job, make_shuffle(&world, make_numbers(&world, 3), 2), DEFAULT_POOL);
    for (uint32_t m = 0; m < 3; m++)
        expect_run(&world, 0, m);
    expect_run(&world, 1, 0);
    first = next_launch(&world);
    hash = block_output_hash(first.work->inputs[0], 1);
    block_output_drop(first.work->inputs[0], 1);
    run_it(&world, &first); /* finds out */
    expect_run(&world, 0, 1);
    expect_run(&world, 1, 1);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 435);
    job_stages(job.job, &reports);
    ck_assert_uint_eq(reports[0].attempts, 4);
    ck_assert_uint_eq(reports[0].ledger[1].attempts, 2);
    ck_assert_uint_eq(reports[0].ledger[1].hash, hash);
    job_close(job.job);
}
END_TEST

/* With an executor go its blocks; the others' stay. */
START_TEST(lost_executor)
{
    RunningJob job;
    ExecutorId dying;
    TaskLaunch launches[2];
    const StageReport *reports;

    dying = world_add_executor(&world, 1);
    world_add_executor(&world, 1);
    job_begin(&world, &job, make_shuffle(&world, make_numbers(&world, 2), 1), DEFAULT_POOL);
    for (int i = 0; i < 2; i++)
        launches[i] = next_launch(&world);
    ck_assert_uint_ne(launches[0].executor, launches[1].executor);
    for (int i = 0; i < 2; i++)
        run_it(&world, &launches[i]);
    launches[0] = next_launch(&world);
    driver_executor_lost(world.driver, dying, BLOCKS_LOST, "a test");
    if (launches[0].executor != dying)
        run_it(&world, &launches[0]); /* an input is gone */
    launches[0] = next_launch(&world);
    ck_assert_uint_eq(stage_of(&launches[0]), 0);
    run_it(&world, &launches[0]);
    expect_run(&world, 1, 0);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 190);
    job_stages(job.job, &reports);
    ck_assert_uint_eq(reports[0].attempts, 3);
    job_close(job.job);
}
END_TEST

/* --- failure --- */

START_TEST(four_attempts)
{
    RunningJob job;

    world_add_executor(&world, 1);
    job_begin(&world, &job, make_numbers(&world, 1), DEFAULT_POOL);
    for (uint32_t i = 0; i < 4; i++) {
        TaskLaunch launch = next_launch(&world);

        ck_assert_uint_eq(launch.number, i);
        fail_it(&world, &launch, ST_IO, "no such luck");
    }
    ck_assert_int_eq(job_wait(&job), ST_IO);
    ck_assert_str_eq(job.error.message, "no such luck");
    ck_assert_ptr_nonnull(strstr(job.error.detail, "partition 0 failed 4 times"));
}
END_TEST

/* A value does not change by trying again. */
START_TEST(bad_value_is_not_tried_again)
{
    RunningJob job;
    TaskLaunch launch;

    world_add_executor(&world, 1);
    job_begin(&world, &job, make_numbers(&world, 5), DEFAULT_POOL);
    launch = next_launch(&world);
    fail_it(&world, &launch, ST_BAD_INPUT, "division by zero");
    ck_assert_int_eq(job_wait(&job), ST_BAD_INPUT);
    ck_assert_uint_eq(world.launch_count, 1);
}
END_TEST

/* Inputs that get lost each time, without progress. */
START_TEST(four_stage_attempts)
{
    RunningJob job;

    world_add_executor(&world, 1);
    job_begin(&world, &job, make_shuffle(&world, make_numbers(&world, 1), 1), DEFAULT_POOL);
    for (int i = 0; i < 4; i++) {
        TaskLaunch launch;

        expect_run(&world, 0, 0);
        launch = next_launch(&world);
        block_output_drop(launch.work->inputs[0], 0);
        run_it(&world, &launch);
    }
    ck_assert_int_eq(job_wait(&job), ST_CORRUPT);
    ck_assert_ptr_nonnull(strstr(job.error.detail, "could not fetch partition 0"));
}
END_TEST

START_TEST(other_bytes_after_use)
{
    RunningJob job;
    TaskLaunch launch;
    TaskResult result;
    static const atomic_bool never;

    world_add_executor(&world, 1);
    job_begin(&world, &job, make_shuffle(&world, make_numbers(&world, 1), 2), DEFAULT_POOL);
    expect_run(&world, 0, 0);
    expect_run(&world, 1, 0); /* has used it */
    launch = next_launch(&world);
    block_output_drop(launch.work->inputs[0], 0);
    run_it(&world, &launch);
    launch = next_launch(&world);
    task_run(launch.work, launch.partition, launch.number, &never, &result);
    result.hash++;
    driver_task_ended(world.driver, &launch, &result);
    ck_assert_int_eq(job_wait(&job), ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(job.error.message, "not deterministic"));
    ck_assert_ptr_nonnull(strstr(job.error.message, "stage \"0: "));
}
END_TEST

START_TEST(cancel)
{
    RunningJob job;
    TaskLaunch launches[2];

    world_add_executor(&world, 2);
    job_begin(&world, &job, make_numbers(&world, 3), DEFAULT_POOL);
    launches[0] = next_launch(&world);
    launches[1] = next_launch(&world);
    pthread_mutex_lock(&world.driver->lock); /* the flag is not there: as by a group */
    scheduler_cancel(world.driver->scheduler, launches[0].stage->target);
    driver__pump(world.driver);
    pthread_mutex_unlock(&world.driver->lock);
    wait_for_cancels(&world, 2);
    for (int i = 0; i < 2; i++)
        fail_it(&world, &launches[i], ST_CANCELLED, "stopped");
    ck_assert_int_eq(job_wait(&job), ST_CANCELLED);
    ck_assert_uint_eq(world.launch_count, 2);
}
END_TEST

START_TEST(cancel_by_flag)
{
    RunningJob job;
    TaskLaunch launch;
    static atomic_bool flag;

    atomic_store(&flag, false);
    job = (RunningJob){
        .world = &world,
        .request = {.plan = make_numbers(&world, 2), .batch_rows = 64, .cancelled = &flag},
        .error = ERROR_NONE};
    world_add_executor(&world, 1);
    ck_assert_int_eq(pthread_create(&job.thread, NULL, running_job_main, &job), 0);
    launch = next_launch(&world);
    atomic_store(&flag, true);
    wait_for_cancels(&world, 1);
    ck_assert_uint_eq(world.cancelled[0], launch.attempt);
    fail_it(&world, &launch, ST_CANCELLED, "stopped");
    ck_assert_int_eq(job_wait(&job), ST_CANCELLED);
}
END_TEST

/* --- several jobs --- */

static void share_slots(PoolOrder order, const uint32_t *expected)
{
    uint32_t pool = driver_add_pool(world.driver, order, 1, 0);
    RunningJob jobs[2];
    const Job *known[2] = {NULL, NULL};
    TaskLaunch first;

    world_add_executor(&world, 1);
    job_begin(&world, &jobs[0], make_numbers(&world, 4), pool);
    first = next_launch(&world);
    known[0] = first.stage->job;
    job_begin(&world, &jobs[1], make_numbers(&world, 4), pool);
    for (uint32_t jobs_seen = 0; jobs_seen < 2;) { /* until the second is there too */
        jobs_seen = driver_progress(world.driver).jobs;
    }
    run_it(&world, &first);
    for (uint32_t i = 1; i < 8; i++) {
        TaskLaunch launch = next_launch(&world);

        ck_assert_uint_eq(launch.stage->job != known[0], expected[i]);
        run_it(&world, &launch);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(job_wait(&jobs[i]), ST_OK);
        ck_assert_int_eq(job_sum(&jobs[i]), 780);
        job_close(jobs[i].job);
    }
}

START_TEST(fifo)
{
    static const uint32_t expected[] = {0, 0, 0, 0, 1, 1, 1, 1};

    share_slots(POOL_FIFO, expected);
}
END_TEST

/* With one slot, a job that runs nothing goes first: the older one, while both run nothing. */
START_TEST(fair)
{
    uint32_t pool = driver_add_pool(world.driver, POOL_FAIR, 1, 0);
    RunningJob jobs[2];
    TaskLaunch launches[4];
    uint32_t of_second = 0;

    world_add_executor(&world, 2);
    job_begin(&world, &jobs[0], make_numbers(&world, 8), pool);
    launches[0] = next_launch(&world);
    launches[1] = next_launch(&world);
    job_begin(&world, &jobs[1], make_numbers(&world, 8), pool);
    while (driver_progress(world.driver).jobs < 2) {
    }
    run_it(&world, &launches[0]);
    launches[2] = next_launch(&world);
    ck_assert_ptr_ne(launches[2].stage->job, launches[0].stage->job);
    run_it(&world, &launches[1]);
    launches[3] = next_launch(&world);
    ck_assert_ptr_eq(launches[3].stage->job, launches[0].stage->job);
    run_it(&world, &launches[2]);
    run_it(&world, &launches[3]);
    for (uint32_t i = 4; i < 16; i++) {
        launches[0] = next_launch(&world);
        of_second += i < 10 && launches[0].stage->job == launches[2].stage->job;
        run_it(&world, &launches[0]);
    }
    ck_assert_uint_ge(of_second, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(job_wait(&jobs[i]), ST_OK);
        job_close(jobs[i].job);
    }
}
END_TEST

START_TEST(cancel_group)
{
    RunningJob jobs[2];
    TaskLaunch launches[2];

    world_add_executor(&world, 2);
    for (int i = 0; i < 2; i++) {
        jobs[i] = (RunningJob){.world = &world,
                               .request = {.plan = make_numbers(&world, 1),
                                           .batch_rows = 64,
                                           .group = 7 + (uint64_t)i},
                               .error = ERROR_NONE};
        ck_assert_int_eq(pthread_create(&jobs[i].thread, NULL, running_job_main, &jobs[i]), 0);
        launches[i] = next_launch(&world);
    }
    driver_cancel_group(world.driver, 7);
    wait_for_cancels(&world, 1);
    ck_assert_uint_eq(world.cancelled[0], launches[0].attempt);
    fail_it(&world, &launches[0], ST_CANCELLED, "stopped");
    run_it(&world, &launches[1]);
    ck_assert_int_eq(job_wait(&jobs[0]), ST_CANCELLED);
    ck_assert_int_eq(job_wait(&jobs[1]), ST_OK);
    job_close(jobs[1].job);
}
END_TEST

/* --- what is kept --- */

START_TEST(kept_rows_are_not_made_again)
{
    const Plan *kept = plan_exchange_keep(world.arena, make_numbers(&world, 2), 5, KEEP_DEFAULT);
    RunningJob jobs[2];
    const StageReport *reports;

    world_add_executor(&world, 1);
    for (int i = 0; i < 2; i++) {
        job_begin(&world, &jobs[i], kept, DEFAULT_POOL);
        for (uint32_t m = 0; i == 0 && m < 2; m++)
            expect_run(&world, 0, m);
        for (uint32_t m = 0; m < 2; m++)
            expect_run(&world, 1, m);
        ck_assert_int_eq(job_wait(&jobs[i]), ST_OK);
        ck_assert_int_eq(job_sum(&jobs[i]), 190);
        job_stages(jobs[i].job, &reports);
        ck_assert_uint_eq(reports[0].attempts, i == 0 ? 2 : 0);
        ck_assert_uint_eq(reports[0].skipped, i == 0 ? 0 : 2);
        job_close(jobs[i].job);
    }
    driver_unpersist(world.driver, 5);
}
END_TEST

/* One of the kept partitions is lost: its task runs again, from the second job's own lineage. */
START_TEST(kept_partition_is_lost)
{
    const Plan *kept = plan_exchange_keep(world.arena, make_numbers(&world, 2), 5, KEEP_DEFAULT);
    RunningJob job;
    TaskLaunch launch;

    world_add_executor(&world, 1);
    job_begin(&world, &job, kept, DEFAULT_POOL);
    for (uint32_t s = 0; s < 2; s++)
        for (uint32_t m = 0; m < 2; m++)
            expect_run(&world, s, m);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    job_close(job.job);

    job_begin(&world, &job, kept, DEFAULT_POOL);
    launch = next_launch(&world);
    ck_assert_uint_eq(stage_of(&launch), 1);
    block_output_drop(launch.work->inputs[0], 0);
    run_it(&world, &launch);
    expect_run(&world, 0, 0);
    for (int i = 0; i < 2; i++) {
        launch = next_launch(&world);
        ck_assert_uint_eq(stage_of(&launch), 1);
        run_it(&world, &launch);
    }
    ck_assert_uint_eq(world.launch_count, world.taken);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 190);
    job_close(job.job);
    driver_unpersist(world.driver, 5);
}
END_TEST

/* As of a task of an executor elsewhere, where what it has made stays. */
static void made_elsewhere(const TaskLaunch *launch)
{
    TaskResult result = {.error = ERROR_NONE, .hash = 1, .rows = 1, .bytes = 8};

    driver_task_ended(world.driver, launch, &result);
}

/* An executor that needs the memory lets go of it at each of its two places, which is no failure;
 * but one that does so each time ends the job. */
START_TEST(kept_partition_is_missed)
{
    enum { PLACES = 2, LOSSES = 64 };
    const Plan *kept = plan_exchange_keep(world.arena, make_numbers(&world, 1), 5, KEEP_DEFAULT);
    RunningJob job;

    world_add_executor(&world, 1);
    job_begin(&world, &job, kept, DEFAULT_POOL);
    for (uint32_t i = 0; i < PLACES + LOSSES; i++) {
        TaskResult missing = {.error = ERROR_NONE, .has_lost_input = true};
        TaskLaunch launch = next_launch(&world);

        ck_assert_uint_eq(stage_of(&launch), 0);
        made_elsewhere(&launch);
        launch = next_launch(&world);
        ck_assert_uint_eq(stage_of(&launch), 1);
        missing.lost_place = launch.executor;
        missing.status = error_set(&missing.error, ST_CORRUPT, "it is not here any more");
        driver_task_ended(world.driver, &launch, &missing);
    }
    ck_assert_int_eq(job_wait(&job), ST_IO);
    ck_assert_ptr_nonnull(strstr(job.error.message, "lost 64 times"));
    driver_unpersist(world.driver, 5);
}
END_TEST

/* Two jobs fill it at once: what the one has made, the other does not make. */
START_TEST(two_jobs_fill_what_is_kept)
{
    const Plan *kept = plan_exchange_keep(world.arena, make_numbers(&world, 4), 5, KEEP_DEFAULT);
    RunningJob jobs[2];
    uint32_t made = 0, read = 0;

    world_add_executor(&world, 1);
    for (uint32_t i = 0; i < 2; i++) {
        job_begin(&world, &jobs[i], kept, DEFAULT_POOL);
        while (driver_progress(world.driver).jobs <= i) {
        }
    }
    while (read < 8) {
        TaskLaunch launch = next_launch(&world);

        made += stage_of(&launch) == 0;
        read += stage_of(&launch) == 1;
        run_it(&world, &launch);
    }
    ck_assert_uint_eq(made, 4);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(job_wait(&jobs[i]), ST_OK);
        ck_assert_int_eq(job_sum(&jobs[i]), 780);
        job_close(jobs[i].job);
    }
    driver_unpersist(world.driver, 5);
}
END_TEST

START_TEST(unpersist_while_running)
{
    const Plan *kept = plan_exchange_keep(world.arena, make_numbers(&world, 2), 5, KEEP_DEFAULT);
    RunningJob job;

    world_add_executor(&world, 1);
    job_begin(&world, &job, kept, DEFAULT_POOL);
    expect_run(&world, 0, 0);
    driver_unpersist(world.driver, 5);
    expect_run(&world, 0, 1);
    expect_run(&world, 1, 0);
    driver_unpersist(world.driver, 5);
    expect_run(&world, 1, 1);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 190);
    job_close(job.job);
}
END_TEST

/* --- results --- */

/* A result partition that is damaged while its rows are read is made again. */
static void *read_result(void *opaque)
{
    ck_assert_int_eq(job_sum(opaque), 190);
    return NULL;
}

START_TEST(result_is_lost_while_it_is_read)
{
    RunningJob job;
    pthread_t reader;
    TaskLaunch launch;

    world_add_executor(&world, 1);
    job_begin(&world, &job, make_shuffle(&world, make_numbers(&world, 2), 1), DEFAULT_POOL);
    expect_run(&world, 0, 0);
    expect_run(&world, 0, 1);
    expect_run(&world, 1, 0);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    block_output_drop(job.job->stages[1].output, 0);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_result, &job), 0);
    launch = next_launch(&world); /* what it reads was let go when all had read it */
    run_it(&world, &launch);
    expect_run(&world, 0, 0);
    expect_run(&world, 0, 1);
    expect_run(&world, 1, 0);
    pthread_join(reader, NULL);
    job_close(job.job);
}
END_TEST

/* A coalesced partition needs only its own inputs. */
START_TEST(coalesce_is_narrow)
{
    RunningJob job;
    TaskLaunch launch;
    const Plan *merged =
        plan_exchange(world.arena, EXCHANGE_MERGE, make_numbers(&world, 4), 2, (ColumnList){0});

    world_add_executor(&world, 1);
    job_begin(&world, &job, merged, DEFAULT_POOL);
    for (uint32_t m = 0; m < 4; m++)
        expect_run(&world, 0, m);
    launch = next_launch(&world);
    block_output_drop(launch.work->inputs[0], 3); /* of partition 1 */
    run_it(&world, &launch);
    launch = next_launch(&world);
    ck_assert_uint_eq(launch.partition, 1);
    run_it(&world, &launch);
    expect_run(&world, 0, 3);
    expect_run(&world, 1, 1);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 780);
    job_close(job.job);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("driver");
    TCase *tests = tcase_create("driver");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, stages_in_order);
    tcase_add_test(tests, lost_block_runs_its_task_again);
    tcase_add_test(tests, lost_executor);
    tcase_add_test(tests, four_attempts);
    tcase_add_test(tests, bad_value_is_not_tried_again);
    tcase_add_test(tests, four_stage_attempts);
    tcase_add_test(tests, other_bytes_after_use);
    tcase_add_test(tests, cancel);
    tcase_add_test(tests, cancel_by_flag);
    tcase_add_test(tests, fifo);
    tcase_add_test(tests, fair);
    tcase_add_test(tests, cancel_group);
    tcase_add_test(tests, kept_rows_are_not_made_again);
    tcase_add_test(tests, kept_partition_is_lost);
    tcase_add_test(tests, kept_partition_is_missed);
    tcase_add_test(tests, two_jobs_fill_what_is_kept);
    tcase_add_test(tests, unpersist_while_running);
    tcase_add_test(tests, result_is_lost_while_it_is_read);
    tcase_add_test(tests, coalesce_is_narrow);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
