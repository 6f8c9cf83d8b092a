/* test_executor_stages.c -- what an executor knows of stages and outputs, whatever comes first */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cluster/executor_stages.h"
#include "core/plan/plan_wire_here.h"
#include "formats/format.h"

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

/* --- stages --- */

static PlanWireHooks list_hooks;
static uint32_t refusals; /* of the table, that are still to come */

static Status read_table(void *here, WireReader *from, Error *err, Table **table_out)
{
    if (refusals == 0)
        return list_hooks.read_table(here, from, err, table_out);
    refusals--;
    return error_set(err, ST_IO, "no connection");
}

/* The one stage of a plan that reads the table. */
static WireBytes encode_stage(Arena *arena, Table *table, const PlanWireHooks *hooks)
{
    static const StageSettings settings = {.batch_rows = 1000, .jit = JIT_OFF};
    PlanColumn column = {1, table->columns[0].type, "k", true};
    FragmentSet set;
    WireBytes bytes;

    ck_assert_int_eq(
        fragments_cut(arena, plan_scan(arena, table, "t", 1, (uint32_t[]){0}, &column), NULL, &set),
        ST_OK);
    ck_assert_int_eq(stage_encode(&set, &set.items[0], &settings, hooks, arena, NULL, &bytes),
                     ST_OK);
    return bytes;
}

/* What was refused when a stage came, as a file by the driver, each task asks for again. */
START_TEST(test_stage_is_opened_later)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    MemPool *pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    BlockStore *store = block_store_new(pool, "/tmp");
    WireHere here = {.arena = arena};
    PlanWireHooks hooks = list_hooks = wire_here_hooks(&here);
    char path[] = "/tmp/vonk-stage-XXXXXX.csv";
    OrderStage order = {.stage = 3, .output = 4, .input_count = 1, .inputs = (uint64_t[]){0}};
    ExecutorStages *stages;
    ExecutorStage *stage;
    Error err = ERROR_NONE;
    Table *table;
    int fd = mkstemps(path, 4);

    ck_assert_int_eq(write(fd, "k\n1\n", 4), 4);
    close(fd);
    ck_assert_int_eq(format_open_table(path, "csv", (OptionList){0}, pool, NULL, &table), ST_OK);
    hooks.read_table = read_table;
    order.plan = encode_stage(arena, table, &hooks);
    stages = executor_stages_new(&(StagesSpec){.store = store, .hooks = &hooks});
    refusals = 2;
    executor_stages_add(stages, &order);
    ck_assert_int_eq(executor_stages_hold(stages, 3, &err, &stage), ST_IO);
    ck_assert_str_eq(err.message, "no connection");
    ck_assert_ptr_null(stage);
    ck_assert_int_eq(executor_stages_hold(stages, 3, &err, &stage), ST_OK);
    ck_assert_uint_eq(stage->wire.fragment.partition_count, 1);
    executor_stages_let_go(stages, stage);
    ck_assert_int_eq(executor_stages_hold(stages, 5, &err, &stage), ST_CANCELLED);
    executor_stages_free(stages);
    table_unref(table);
    block_store_free(store);
    mem_pool_free(pool);
    arena_free(arena);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("executor_stages");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, test_level_of_an_input);
    tcase_add_test(tcase, test_stage_is_opened_later);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
