/*
 * test_detached_call.c -- a call that is waited for, and one that is left behind
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/detached_call.h"

enum { STACK_BYTES = 1 << 20 };

/* What the test and the call both see, though each may go on without the other. */
typedef struct Job {
    atomic_bool *may_end, *is_released;
    bool has_run;
} Job;

static void short_sleep(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void run(void *context)
{
    Job *job = context;

    while (!atomic_load(job->may_end))
        short_sleep();
    job->has_run = true;
}

static void release(void *context)
{
    Job *job = context;
    atomic_bool *is_released = job->is_released;

    free(job);
    atomic_store(is_released, true);
}

static DetachedCall call_of(atomic_bool *may_end, atomic_bool *is_released)
{
    Job *job = malloc(sizeof *job);

    *job = (Job){.may_end = may_end, .is_released = is_released};
    return (DetachedCall){
        .run = run, .release = release, .context = job, .stack_bytes = STACK_BYTES};
}

START_TEST(test_waits_for_the_end)
{
    atomic_bool may_end = true, is_released = false;
    DetachedCall call = call_of(&may_end, &is_released);

    ck_assert_int_eq(detached_call_run(&call, NULL, NULL), ST_OK);
    ck_assert(((Job *)call.context)->has_run);
    ck_assert(!is_released);
    release(call.context);
}
END_TEST

START_TEST(test_stop_leaves_it_behind)
{
    atomic_bool may_end = false, is_released = false, stop = true;
    DetachedCall call = call_of(&may_end, &is_released);
    Error err = ERROR_NONE;

    ck_assert_int_eq(detached_call_run(&call, &stop, &err), ST_CANCELLED);
    ck_assert_str_eq(err.sqlstate, "57014");
    ck_assert(!atomic_load(&is_released));
    atomic_store(&may_end, true);
    while (!atomic_load(&is_released))
        short_sleep();
}
END_TEST

START_TEST(test_no_thread)
{
    atomic_bool may_end = true, is_released = false;
    DetachedCall call = call_of(&may_end, &is_released);
    Error err = ERROR_NONE;

    call.stack_bytes = (size_t)1 << 62;
    ck_assert_int_ne(detached_call_run(&call, NULL, &err), ST_OK);
    ck_assert(is_released);
    ck_assert_str_ne(err.message, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("detached_call");
    TCase *cases = tcase_create("detached_call");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_waits_for_the_end);
    tcase_add_test(cases, test_stop_leaves_it_behind);
    tcase_add_test(cases, test_no_thread);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
