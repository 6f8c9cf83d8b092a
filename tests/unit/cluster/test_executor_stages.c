/* test_executor_stages.c -- what an executor knows of outputs, in whatever order it is told */
#include <check.h>
#include <stdlib.h>

#include "cluster/executor_stages.h"

static OrderCopy copy_of(uint64_t output, uint32_t level)
{
    static const PlanColumn column = {1, {.id = TYPE_INT8}, "k", false};

    return (OrderCopy){.output = output,
                       .level = level,
                       .map_count = 2,
                       .reduce_count = 1,
                       .column_count = 1,
                       .columns = &column,
                       .of = {1, {.place = 9, .hash = 7}}};
}

/* Told of first by a stage that reads it, an output is kept as who makes or copies it says: else
 * what was written to disk would go with its last reader. */
START_TEST(test_level_of_an_input)
{
    MemPool *pool = mem_pool_new(NULL, "test", 1 << 20);
    BlockStore *store = block_store_new(pool, "/tmp");
    ExecutorStages *stages = executor_stages_new(&(StagesSpec){.store = store});
    OrderCopy read = copy_of(5, 0), kept = copy_of(5, KEEP_DEFAULT), other = copy_of(5, 0);
    BlockOutput *first = executor_stages_copied(stages, &read);
    BlockOutput *second = executor_stages_copied(stages, &kept), *third;

    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(block_output_level(first), KEEP_DEFAULT);
    third = executor_stages_copied(stages, &read);
    ck_assert_uint_eq(block_output_level(third), KEEP_DEFAULT);
    ck_assert_uint_eq(block_output_remote(first, 1).place, 9);
    other.map_count = 3;
    ck_assert_ptr_null(executor_stages_copied(stages, &other));
    block_output_unref(first);
    block_output_unref(second);
    block_output_unref(third);
    executor_stages_free(stages);
    block_store_free(store);
    mem_pool_free(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor_stages");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, test_level_of_an_input);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
