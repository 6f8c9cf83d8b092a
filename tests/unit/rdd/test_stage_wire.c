/*
 * test_stage_wire.c -- a stage as bytes: what an executor makes of them gives the same blocks
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/plan/plan_wire_here.h"
#include "core/rdd/stage_wire.h"
#include "core/rdd/task_run.h"
#include "formats/format.h"

enum { ROWS_A_FILE = 5000, FILES = 3, REDUCES = 4 };

static Arena *arena;
static MemPool *pool;
static BlockStore *store;
static char folder[64];
static Table *table;
static FragmentSet set;
static WireHere here; /* tables by their place in a list */
static PlanWireHooks hooks;

static const char *part_path(int number)
{
    return arena_printf(arena, "%s/part-%d.csv", folder, number);
}

static void write_file(int number, int rows)
{
    FILE *file = fopen(part_path(number), "w");

    ck_assert_ptr_nonnull(file);
    fputs("k;word\n", file);
    for (int i = 0; i < rows; i++)
        fprintf(file, "%d;word %d\n", i * 7 % 100 + number, i % 13);
    fclose(file);
}

/* count(*) by word of those with k > 10, the words meeting in REDUCES partitions */
static const Plan *make_plan(void)
{
    PlanColumn columns[] = {{1, table->columns[0].type, "k", true},
                            {2, table->columns[1].type, "word", true}};
    PlanColumn count = {3, type_of(TYPE_INT8), "count", false};
    const Plan *scan = plan_scan(arena, table, "t", 2, (uint32_t[]){0, 1}, columns);
    const Expr *ten = expr_cast(arena, expr_const(arena, value_int4(10)), columns[0].type);
    const Plan *filter = plan_filter(arena, scan,
                                     expr_call2(arena, FUNC_GT, type_of(TYPE_BOOL),
                                                expr_column(arena, 1, columns[0].type), ten));
    const Plan *meet =
        plan_exchange(arena, EXCHANGE_HASH, filter, REDUCES, (ColumnList){1, (ColumnId[]){2}});
    const Expr *agg = expr_agg(arena, AGG_COUNT_STAR, type_of(TYPE_INT8), 0, NULL, false, NULL);

    return plan_aggregate(arena, meet, 1, (ColumnId[]){2}, 1, &agg, &count);
}

static void setup(void)
{
    static const char *const options[] = {"delimiter", ";"};
    Error err = ERROR_NONE;

    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    here = (WireHere){.arena = arena};
    hooks = wire_here_hooks(&here);
    pool = mem_pool_new(NULL, "test", (uint64_t)1 << 30);
    store = block_store_new(pool, "/tmp");
    snprintf(folder, sizeof folder, "/tmp/vonk-stage-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < FILES; i++)
        write_file(i, ROWS_A_FILE);
    ck_assert_msg(format_open_table(folder, "csv", (OptionList){1, options}, pool, &err, &table) ==
                      ST_OK,
                  "%s", err.message);
    ck_assert_int_eq(fragments_cut(arena, make_plan(), &err, &set), ST_OK);
    ck_assert_uint_eq(set.count, 2);
}

static void teardown(void)
{
    table_unref(table);
    block_store_free(store);
    mem_pool_free(pool);
    for (int i = 0; i < FILES; i++)
        unlink(part_path(i));
    rmdir(folder);
    arena_free(arena);
}

static const StageSettings settings = {.batch_rows = 1000, .jit = JIT_OFF, .spill_bytes = 1 << 20};

static WireBytes encode(uint32_t fragment)
{
    WireBytes bytes;
    Error err = ERROR_NONE;

    ck_assert_msg(
        stage_encode(&set, &set.items[fragment], &settings, &hooks, arena, &err, &bytes) == ST_OK,
        "%s", err.message);
    return bytes;
}

/* Runs one stage; the hash of all that its tasks made. */
static uint64_t run_stage(const Fragment *fragment, BlockOutput *input, BlockOutput *output)
{
    BlockOutput *inputs[] = {input};
    atomic_bool stop = false;
    uint64_t hash = 0;
    StageWork work;

    stage_work_init(&work, fragment);
    work.store = store;
    work.inputs = inputs;
    work.batch_rows = settings.batch_rows;
    work.jit = settings.jit;
    work.spill_bytes = settings.spill_bytes;
    for (uint32_t p = 0; p < fragment->partition_count; p++) {
        TaskResult result;

        task_run(&work, p, 0, &stop, &result);
        ck_assert_msg(result.status == ST_OK, "%s", result.error.message);
        ck_assert_uint_gt(result.rows, 0);
        hash = hash * 31 + result.hash;
        block_output_put(output, p, result.blocks, 1);
        task_result_fini(&result);
    }
    return hash;
}

static BlockOutput *new_output(const Fragment *fragment)
{
    return block_output_new(store, 0, fragment->partition_count, fragment->reduce_count,
                            fragment->plan->column_count, fragment->plan->columns);
}

/* Both stages of a job; *hashes as they come. */
static void run_job(const Fragment *first, const Fragment *second, uint64_t hashes[2])
{
    BlockOutput *between = new_output(first), *result = new_output(second);

    hashes[0] = run_stage(first, NULL, between);
    hashes[1] = run_stage(second, between, result);
    block_output_unref(between);
    block_output_unref(result);
}

START_TEST(test_the_same_blocks)
{
    Arena *elsewhere = arena_new(NULL, "executor", ARENA_NO_CAP);
    uint64_t before[2], after[2];
    StageWire stages[2];
    Error err = ERROR_NONE;

    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_msg(stage_decode(encode(i), &hooks, elsewhere, &err, &stages[i]) == ST_OK, "%s",
                      err.message);
        ck_assert_uint_eq(stages[i].fragment.id, i);
        ck_assert_uint_eq(stages[i].fragment.partition_count, set.items[i].partition_count);
        ck_assert_uint_eq(stages[i].fragment.reduce_count, set.items[i].reduce_count);
        ck_assert_str_eq(fragment_label(&stages[i].fragment, arena),
                         fragment_label(&set.items[i], arena));
        ck_assert_uint_eq(stages[i].settings.batch_rows, settings.batch_rows);
        ck_assert_uint_eq(stages[i].settings.spill_bytes, settings.spill_bytes);
    }
    ck_assert_uint_eq(stages[1].fragment.sources[0].producer, 0);
    ck_assert_uint_eq(stages[1].inputs[0].map_count, set.items[0].partition_count);
    ck_assert_uint_eq(stages[1].inputs[0].reduce_count, REDUCES);
    run_job(&set.items[0], &set.items[1], before);
    run_job(&stages[0].fragment, &stages[1].fragment, after);
    ck_assert_uint_eq(before[0], after[0]);
    ck_assert_uint_eq(before[1], after[1]);
    arena_free(elsewhere);
}
END_TEST

/* What is below an exchange is another stage's: its table is not even named. */
START_TEST(test_only_its_own_plan)
{
    encode(1);
    ck_assert_uint_eq(here.tables.count, 0);
    encode(0);
    ck_assert_uint_eq(here.tables.count, 1);
}
END_TEST

/* The executor has another table under that name: with other pieces. */
START_TEST(test_files_that_are_not_the_same)
{
    static const char *const options[] = {"delimiter", ";"};
    WireBytes bytes = encode(0);
    Error err = ERROR_NONE;
    StageWire stage;
    Table *other;

    write_file(1, ROWS_A_FILE + 10);
    ck_assert_int_eq(format_open_table(folder, "csv", (OptionList){1, options}, pool, &err, &other),
                     ST_OK);
    here.tables.items[0] = other;
    ck_assert_int_eq(stage_decode(bytes, &hooks, arena, &err, &stage), ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "not the same"));
    here.tables.items[0] = table;
    table_unref(other);
}
END_TEST

START_TEST(test_without_hooks)
{
    PlanWireHooks none = {0};
    WireBytes bytes;
    Error err = ERROR_NONE;

    ck_assert_int_eq(stage_encode(&set, &set.items[0], &settings, &none, arena, &err, &bytes),
                     ST_NOT_SUPPORTED);
}
END_TEST

START_TEST(test_cut_and_flipped)
{
    for (uint32_t f = 0; f < 2; f++) {
        WireBytes bytes = encode(f);
        unsigned char *copy = arena_copy(arena, bytes.bytes, bytes.byte_count);
        StageWire stage;
        Error err;

        for (size_t at = 0; at < bytes.byte_count; at++) {
            err = ERROR_NONE;
            ck_assert_int_ne(stage_decode((WireBytes){copy, at}, &hooks, arena, &err, &stage),
                             ST_OK);
            copy[at] ^= 0x40;
            ck_assert_int_ne(
                stage_decode((WireBytes){copy, bytes.byte_count}, &hooks, arena, &err, &stage),
                ST_OK);
            copy[at] ^= 0x40;
        }
    }
}
END_TEST

/* Its numbers flipped under a right checksum: the counts must follow from the plan. */
START_TEST(test_flipped_under_a_right_checksum)
{
    WireKind kind = {.what = "stage",
                     .magic = "VSTG",
                     .format = STAGE_WIRE_FORMAT,
                     .vocabulary = plan_wire_vocabulary()};
    WireBytes bytes = encode(1);
    size_t body_bytes = bytes.byte_count - WIRE_ENVELOPE_BYTES;
    unsigned char *body =
        arena_copy(arena, (const char *)bytes.bytes + WIRE_ENVELOPE_BYTES, body_bytes);

    for (size_t at = 0; at < body_bytes; at++)
        for (int mask = 1; mask < 256; mask = mask * 2 + 1) {
            WireWriter to = {.arena = arena};
            Error err = ERROR_NONE;
            WireBytes sealed;
            StageWire stage;

            body[at] ^= (unsigned char)mask;
            wire_begin(&to);
            wire_put_bytes(&to, body, body_bytes);
            ck_assert_int_eq(wire_seal(&to, &kind, NULL, &sealed), ST_OK);
            if (stage_decode(sealed, &hooks, arena, &err, &stage) != ST_OK)
                ck_assert_int_ne(err.status, ST_INTERNAL);
            body[at] ^= (unsigned char)mask;
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage_wire");
    TCase *cases = tcase_create("stage_wire");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_the_same_blocks);
    tcase_add_test(cases, test_only_its_own_plan);
    tcase_add_test(cases, test_files_that_are_not_the_same);
    tcase_add_test(cases, test_without_hooks);
    tcase_add_test(cases, test_cut_and_flipped);
    tcase_add_test(cases, test_flipped_under_a_right_checksum);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
