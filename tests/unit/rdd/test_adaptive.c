/*
 * test_adaptive.c -- what the tasks of a stage read: the decision alone, then stages that a test
 * runs one task at a time
 */
#include "manual_backend.h"

enum { MAPS_MAX = 8, PARTITIONS_MAX = 16 };

static Arena *arena;
static uint64_t sizes[2][MAPS_MAX * PARTITIONS_MAX];
static ShapeSource sources[2];
static ShapeInput input;

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    memset(sizes, 0, sizeof sizes);
    input = (ShapeInput){.sources = sources, .merge_bytes = 100, .split_bytes = 1000};
}

static void teardown(void)
{
    arena_free(arena);
}

static void add_source(uint32_t maps, uint32_t partitions, bool may_split)
{
    uint32_t number = input.source_count++;

    sources[number] = (ShapeSource){number, {maps, partitions, sizes[number]}, may_split};
    input.count = partitions;
}

/* As one text: "0-2 3[0+2] 3[2+1]". */
static const char *shares_text(void)
{
    ShareList shares = {.arena = arena};
    StrBuf text = {.arena = arena};

    adaptive_share(&shares, &input);
    for (uint32_t i = 0; i < shares.count; i++) {
        const TaskShare *share = &shares.items[i];

        strbuf_printf(&text, "%s%u", i == 0 ? "" : " ", share->first);
        if (share->count > 1)
            strbuf_printf(&text, "-%u", share->first + share->count - 1);
        if (share->source != NO_SOURCE)
            strbuf_printf(&text, "/%u[%u+%u]", share->source, share->maps.first, share->maps.count);
    }
    return strbuf_text(&text);
}

static void set_sizes(uint32_t source, uint32_t map, uint32_t count, const uint64_t *bytes)
{
    memcpy(sizes[source] + (size_t)map * sources[source].sizes.partition_count, bytes,
           count * sizeof *bytes);
}

START_TEST(neighbours_up_to_the_target)
{
    add_source(1, 6, false);
    set_sizes(0, 0, 6, (uint64_t[]){30, 30, 40, 1, 100, 0});
    ck_assert_str_eq(shares_text(), "0-2 3 4-5");
    input.merge_bytes = 0;
    ck_assert_str_eq(shares_text(), "0 1 2 3 4 5");
    input.merge_bytes = UINT64_MAX;
    ck_assert_str_eq(shares_text(), "0-5");
}
END_TEST

START_TEST(all_inputs_count)
{
    add_source(2, 4, false);
    add_source(1, 4, false);
    set_sizes(0, 0, 4, (uint64_t[]){10, 10, 10, 10});
    set_sizes(0, 1, 4, (uint64_t[]){10, 10, 10, 10});
    ck_assert_str_eq(shares_text(), "0-3");
    set_sizes(1, 0, 4, (uint64_t[]){40, 40, 40, 40});
    ck_assert_str_eq(shares_text(), "0 1 2 3");
    set_sizes(1, 0, 4, (uint64_t[]){0, 61, 0, 0});
    ck_assert_str_eq(shares_text(), "0 1 2-3");
}
END_TEST

START_TEST(nothing_is_empty_partitions_together)
{
    add_source(3, 16, true);
    ck_assert_str_eq(shares_text(), "0-15");
    input.first = 7; /* behind other inputs of a UNION */
    input.count = 2;
    ck_assert_str_eq(shares_text(), "7-8");
}
END_TEST

START_TEST(skewed_by_map_tasks)
{
    add_source(4, 4, true);
    for (uint32_t m = 0; m < 4; m++)
        set_sizes(0, m, 4, (uint64_t[]){20, 500, 20, 20});
    ck_assert_str_eq(shares_text(), "0 1/0[0+1] 1/0[1+1] 1/0[2+1] 1/0[3+1] 2 3");
    input.split_bytes = 1999; /* a piece has half of that */
    ck_assert_str_eq(shares_text(), "0 1/0[0+1] 1/0[1+1] 1/0[2+1] 1/0[3+1] 2 3");
    for (uint32_t m = 0; m < 4; m++)
        set_sizes(0, m, 4, (uint64_t[]){20, 700, 20, 20});
    input.split_bytes = 2799;
    ck_assert_str_eq(shares_text(), "0 1/0[0+1] 1/0[1+1] 1/0[2+1] 1/0[3+1] 2 3");
    set_sizes(0, 1, 4, (uint64_t[]){20, 300, 20, 20});
    input.split_bytes = 2399;
    ck_assert_str_eq(shares_text(), "0 1/0[0+2] 1/0[2+1] 1/0[3+1] 2 3");
    input.split_bytes = 2400; /* not larger */
    ck_assert_str_eq(shares_text(), "0 1 2 3");
    input.split_bytes = 0;
    ck_assert_str_eq(shares_text(), "0 1 2 3");
}
END_TEST

START_TEST(not_split)
{
    add_source(4, 3, true);
    for (uint32_t m = 0; m < 4; m++) /* all of them are as large */
        set_sizes(0, m, 3, (uint64_t[]){500, 600, 700});
    ck_assert_str_eq(shares_text(), "0 1 2");
    for (uint32_t m = 0; m < 4; m++)
        set_sizes(0, m, 3, (uint64_t[]){50, m == 2 ? 6000 : 0, 70}); /* one task made it */
    ck_assert_str_eq(shares_text(), "0 1 2");
    set_sizes(0, 1, 3, (uint64_t[]){50, 6000, 70});
    ck_assert_str_eq(shares_text(), "0 1/0[0+2] 1/0[2+2] 2");
    sources[0].may_split = false;
    ck_assert_str_eq(shares_text(), "0 1 2");
}
END_TEST

/* What has to be read again for each piece is no larger than a piece; the larger side is cut. */
START_TEST(other_side_is_read_again)
{
    add_source(4, 3, true);
    add_source(4, 3, true);
    for (uint32_t m = 0; m < 4; m++) {
        set_sizes(0, m, 3, (uint64_t[]){10, 1000, 10});
        set_sizes(1, m, 3, (uint64_t[]){10, 500, 10});
    }
    ck_assert_str_eq(shares_text(), "0 1/0[0+2] 1/0[2+2] 2");
    sources[0].may_split = false;
    ck_assert_str_eq(shares_text(), "0 1 2"); /* 2000 bytes with each of 500: one piece */
}
END_TEST

/* --- stages --- */

static World world;

static void open_world(void)
{
    world_open(&world);
}

static void close_world(void)
{
    world_close(&world);
}

static const Plan *make_advised(uint32_t maps, uint32_t reduces)
{
    const Plan *plan = make_shuffle(&world, make_numbers(&world, maps), reduces);

    ((PlanExchange *)(uintptr_t)plan)->width = EXCHANGE_ADVISED;
    return plan;
}

static void begin_adaptive(RunningJob *job, const Plan *plan, bool shapes_result)
{
    *job = (RunningJob){
        .world = &world,
        .request = {.plan = plan,
                    .batch_rows = 64,
                    .adaptive = {.merge_bytes = 1 << 20, .shapes_result = shapes_result}},
        .error = ERROR_NONE};
    ck_assert_int_eq(pthread_create(&job->thread, NULL, running_job_main, job), 0);
}

START_TEST(tiny_partitions_are_one_task)
{
    RunningJob job;
    const StageReport *reports;

    world_add_executor(&world, 1);
    begin_adaptive(&job, make_advised(3, 5), true);
    for (uint32_t m = 0; m < 3; m++)
        expect_run(&world, 0, m);
    expect_run(&world, 1, 0);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 435);
    ck_assert_uint_eq(job_stages(job.job, &reports), 2);
    ck_assert_uint_eq(reports[1].tasks, 1);
    ck_assert_str_eq(reports[1].change, "partitions 5 -> 1 (merged)");
    job_close(job.job);
}
END_TEST

START_TEST(partitions_that_somebody_counts_stay)
{
    RunningJob job;

    world_add_executor(&world, 1);
    begin_adaptive(&job, make_advised(1, 2), false);
    expect_run(&world, 0, 0);
    expect_run(&world, 1, 0);
    expect_run(&world, 1, 1);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    job_close(job.job);
    begin_adaptive(&job, make_shuffle(&world, make_numbers(&world, 1), 2), true); /* as said */
    expect_run(&world, 0, 0);
    expect_run(&world, 1, 0);
    expect_run(&world, 1, 1);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    job_close(job.job);
}
END_TEST

/* The shape outlives what it was decided on: the executor that had it, and its blocks. */
START_TEST(shape_stays_when_inputs_are_lost)
{
    RunningJob job;
    ExecutorId dying;
    TaskLaunch launch;
    const StageReport *reports;

    dying = world_add_executor(&world, 1);
    begin_adaptive(&job, make_advised(3, 4), true);
    for (uint32_t m = 0; m < 3; m++)
        expect_run(&world, 0, m);
    launch = next_launch(&world);
    ck_assert_uint_eq(stage_of(&launch), 1);
    driver_executor_lost(world.driver, dying, BLOCKS_LOST, "a test");
    world_add_executor(&world, 1);
    for (uint32_t m = 0; m < 3; m++)
        expect_run(&world, 0, m);
    launch = next_launch(&world);
    block_output_drop(launch.work->inputs[0], 1);
    run_it(&world, &launch); /* finds out */
    expect_run(&world, 0, 1);
    expect_run(&world, 1, 0);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 435);
    job_stages(job.job, &reports);
    ck_assert_uint_eq(reports[1].tasks, 1);
    ck_assert_uint_eq(reports[0].attempts, 7);
    job_close(job.job);
}
END_TEST

/* What fails before all stages are known ends the job; so does who cancels it. */
START_TEST(ends_before_the_result_is_known)
{
    static atomic_bool cancelled;
    RunningJob job;
    TaskLaunch launch;

    world_add_executor(&world, 1);
    begin_adaptive(&job, make_advised(1, 2), true);
    launch = next_launch(&world);
    fail_it(&world, &launch, ST_BAD_INPUT, "no number");
    ck_assert_int_eq(job_wait(&job), ST_BAD_INPUT);
    ck_assert_str_eq(job.error.message, "no number");
    job = (RunningJob){.world = &world,
                       .request = {.plan = make_advised(1, 2),
                                   .batch_rows = 64,
                                   .cancelled = &cancelled,
                                   .adaptive = {.merge_bytes = 1, .shapes_result = true}},
                       .error = ERROR_NONE};
    ck_assert_int_eq(pthread_create(&job.thread, NULL, running_job_main, &job), 0);
    launch = next_launch(&world);
    atomic_store(&cancelled, true);
    wait_for_cancels(&world, 1);
    fail_it(&world, &launch, ST_CANCELLED, "stopped");
    ck_assert_int_eq(job_wait(&job), ST_CANCELLED);
}
END_TEST

/* The exchange of a sort moves what was kept for its sample: both are merged. */
START_TEST(ranges_are_merged)
{
    SortKey key = {0};
    RunningJob job;
    const StageReport *reports;
    const Plan *plan = make_advised(3, 4);

    key.column = plan->columns[0].id;
    plan = plan_exchange_range(world.arena, plan, 4, (SortKeyList){1, &key});
    ((PlanExchange *)(uintptr_t)plan)->width = EXCHANGE_ADVISED;
    plan = plan_sort(world.arena, plan, 1, &key);
    world_add_executor(&world, 1);
    begin_adaptive(&job, plan, true);
    for (uint32_t m = 0; m < 3; m++)
        expect_run(&world, 0, m);
    for (uint32_t s = 1; s < 4; s++) /* keeps, moves, sorts */
        expect_run(&world, s, 0);
    ck_assert_int_eq(job_wait(&job), ST_OK);
    ck_assert_int_eq(job_sum(&job), 435);
    ck_assert_uint_eq(job_stages(job.job, &reports), 4);
    for (uint32_t s = 1; s < 4; s++)
        ck_assert_uint_eq(reports[s].tasks, 1);
    job_close(job.job);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("adaptive");
    TCase *decision = tcase_create("the decision"), *stages = tcase_create("stages");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(decision, setup, teardown);
    tcase_add_test(decision, neighbours_up_to_the_target);
    tcase_add_test(decision, all_inputs_count);
    tcase_add_test(decision, nothing_is_empty_partitions_together);
    tcase_add_test(decision, skewed_by_map_tasks);
    tcase_add_test(decision, not_split);
    tcase_add_test(decision, other_side_is_read_again);
    suite_add_tcase(suite, decision);
    tcase_add_checked_fixture(stages, open_world, close_world);
    tcase_set_timeout(stages, 60);
    tcase_add_test(stages, tiny_partitions_are_one_task);
    tcase_add_test(stages, partitions_that_somebody_counts_stay);
    tcase_add_test(stages, shape_stays_when_inputs_are_lost);
    tcase_add_test(stages, ends_before_the_result_is_known);
    tcase_add_test(stages, ranges_are_merged);
    suite_add_tcase(suite, stages);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
