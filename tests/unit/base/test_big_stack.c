/*
 * test_big_stack.c -- deep recursion on a stack of its own
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/big_stack.h"

enum { FRAME_BYTES = 1024 };

typedef struct Job {
    uint32_t depth;
    uint64_t sum;
} Job;

/* Uses FRAME_BYTES of stack a level, whatever the optimizer thinks of it. */
static uint64_t descend(uint32_t depth)
{
    volatile unsigned char frame[FRAME_BYTES];

    memset((void *)frame, (int)(depth & 1), sizeof frame);
    return depth == 0 ? frame[0] : descend(depth - 1) + frame[depth % FRAME_BYTES];
}

static Status run_job(void *context)
{
    Job *job = context;

    job->sum = descend(job->depth);
    return ST_CANCELLED;
}

START_TEST(test_deeper_than_the_usual_stack)
{
    Job job = {.depth = 50000};

    ck_assert_int_eq(big_stack_run((size_t)512 << 20, run_job, &job, NULL), ST_CANCELLED);
    ck_assert_uint_eq(job.sum, 25000);
}
END_TEST

START_TEST(test_no_address_space)
{
    Job job = {.depth = 1};
    Error err = ERROR_NONE;

    ck_assert_int_eq(big_stack_run((size_t)1 << 62, run_job, &job, &err), ST_OUT_OF_MEMORY);
    ck_assert_uint_eq(job.sum, 0);
    ck_assert_str_ne(err.message, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("big_stack");
    TCase *cases = tcase_create("big_stack");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, test_deeper_than_the_usual_stack);
    tcase_add_test(cases, test_no_address_space);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
