/*
 * test_kernel_random.c -- random kernels give the same over a whole batch, row by row, and compiled
 *
 * That compares dense with sparse loops, dictionaries with plain texts, guards with nothing to
 * guard, which row's error is reported, and tier 0 with tier 1. VONK_SEED and VONK_ROUNDS run it
 * longer by hand.
 */
#include <check.h>
#include <stdlib.h>

#include "codegen/code_cache.h"
#include "random_kernel.h"

enum { OUTPUTS = 3 };

typedef struct Outcome {
    Status status;
    Error error;
    uint32_t count;
    const uint32_t *selection;
    Column columns[OUTPUTS];
} Outcome;

static Outcome run(KernelInstance *instance, const Batch *batch)
{
    Outcome outcome = {.error = ERROR_NONE};

    outcome.status = kernel_project(instance, batch, &outcome.error, outcome.columns,
                                    &outcome.selection, &outcome.count);
    return outcome;
}

static bool same_value(const Column *a, uint32_t a_row, const Column *b, uint32_t b_row)
{
    Value x = value_from_column(a, a_row), y = value_from_column(b, b_row);

    if (x.is_null || y.is_null)
        return x.is_null == y.is_null;
    if (type_is_float(x.type) && value_compare(&x, &y) == 0)
        return true; /* which NaN, and the sign of zero behind it, are the processor's affair */
    return value_identical(&x, &y);
}

/* Goes through the rows one by one; the whole batch must have done the same. */
static void compare_rows(Random *r, KernelInstance *single, const Batch *batch,
                         const Outcome *whole, const char *program)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        Arena *arena = arena_new(NULL, "row", ARENA_NO_CAP);
        uint32_t row = batch_row(batch, i);
        Batch one = random_single_row(r, arena, row);
        Outcome alone = run(single, &one);

        if (alone.status != ST_OK) {
            ck_assert_msg(whole->status == alone.status, "row %u: \"%s\", batch: \"%s\"\n%s", row,
                          alone.error.message, whole->error.message, program);
            ck_assert_msg(strcmp(whole->error.message, alone.error.message) == 0,
                          "row %u: \"%s\", batch: \"%s\"\n%s", row, alone.error.message,
                          whole->error.message, program);
            arena_free(arena);
            return;
        }
        if (alone.count == 1 && whole->status == ST_OK) {
            ck_assert_msg(kept < whole->count &&
                              (whole->selection == NULL ? kept : whole->selection[kept]) == row,
                          "row %u was dropped\n%s", row, program);
            for (uint32_t j = 0; j < OUTPUTS; j++)
                ck_assert_msg(same_value(&whole->columns[j], row, &alone.columns[j], 0),
                              "row %u output %u\n%s", row, j, program);
            kept++;
        }
        arena_free(arena);
    }
    ck_assert_msg(whole->status == ST_OK, "the batch alone failed: %s\n%s", whole->error.message,
                  program);
    ck_assert_msg(kept == whole->count, "kept %u, expected %u\n%s", whole->count, kept, program);
}

/* The same kernel in tier 1 must do as the interpreted one did. */
static void compare_compiled(const Outcome *plain, const Outcome *compiled, const char *program)
{
    ck_assert_msg(plain->status == compiled->status, "interpreted: \"%s\", compiled: \"%s\"\n%s",
                  plain->error.message, compiled->error.message, program);
    if (plain->status != ST_OK) {
        ck_assert_msg(strcmp(plain->error.message, compiled->error.message) == 0,
                      "interpreted: \"%s\", compiled: \"%s\"\n%s", plain->error.message,
                      compiled->error.message, program);
        return;
    }
    ck_assert_msg(plain->count == compiled->count, "interpreted: %u rows, compiled: %u\n%s",
                  plain->count, compiled->count, program);
    for (uint32_t i = 0; i < plain->count; i++) {
        uint32_t row = plain->selection == NULL ? i : plain->selection[i];

        ck_assert_msg((compiled->selection == NULL ? i : compiled->selection[i]) == row,
                      "another row %u\n%s", i, program);
        for (uint32_t j = 0; j < OUTPUTS; j++)
            ck_assert_msg(same_value(&plain->columns[j], row, &compiled->columns[j], row),
                          "compiled, row %u output %u\n%s", row, j, program);
    }
}

/* One cache for all rounds: its thread and LLVM take a while to start. */
static CodeCache *cache;
static uint32_t compiled_count;

/* In tier 1, on the rows that gave plain. */
static void run_compiled(const KernelRequest *request, Arena *arena, MemPool *pool,
                         const Batch *batch, const Outcome *plain)
{
    KernelRequest compiled_request = *request;
    KernelInstance *instance;
    Kernel *kernel;
    Outcome outcome;

    compiled_request.cache = cache;
    compiled_request.jit = JIT_ON;
    ck_assert_int_eq(kernel_build(&compiled_request, NULL, &kernel), ST_OK);
    ck_assert_int_eq(kernel_instance_new(kernel, pool, NULL, &instance), ST_OK);
    outcome = run(instance, batch);
    compare_compiled(plain, &outcome, kernel_print(arena, kernel));
    compiled_count += kernel_statistics(kernel).is_compiled;
    kernel_instance_free(instance);
    kernel_unref(kernel);
}

static void one_round(uint64_t seed)
{
    MemPool *pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    const Expr *outputs[OUTPUTS];
    KernelInstance *instance, *single;
    KernelRequest request;
    Random r;
    Kernel *kernel;
    Error error = ERROR_NONE;
    Status status;

    random_init(&r, seed);
    for (uint32_t i = 0; i < OUTPUTS; i++)
        outputs[i] = random_expr(&r, random_type(&r), 1 + random_below(&r, 4));
    request = (KernelRequest){
        .name = "random",
        .input_count = RANDOM_COLUMNS,
        .inputs = r.inputs,
        .predicate = random_chance(&r, 70) ? random_expr(&r, type_of(TYPE_BOOL), 3) : NULL,
        .output_count = OUTPUTS,
        .outputs = outputs};
    status = kernel_build(&request, &error, &kernel);
    if (status == ST_OK) {
        const char *program = kernel_print(r.arena, kernel);

        ck_assert_int_eq(kernel_instance_new(kernel, pool, NULL, &instance), ST_OK);
        ck_assert_int_eq(kernel_instance_new(kernel, pool, NULL, &single), ST_OK);
        for (uint32_t i = 0; i < 2; i++) { /* the second time with dictionary results at hand */
            Batch batch = random_batch(&r);
            Outcome whole = run(instance, &batch);

            compare_rows(&r, single, &batch, &whole, program);
            if (i == 1)
                run_compiled(&request, r.arena, pool, &batch, &whole);
        }
        kernel_instance_free(instance);
        kernel_instance_free(single);
        kernel_unref(kernel);
    } else {
        ck_assert_msg(status == ST_NOT_SUPPORTED || status == ST_BAD_INPUT, "%s", error.message);
    }
    arena_free(r.arena);
    mem_pool_free(pool);
}

START_TEST(test_random_kernels)
{
    const char *seed_text = getenv("VONK_SEED"), *rounds_text = getenv("VONK_ROUNDS");
    uint64_t seed = seed_text == NULL ? 1 : strtoull(seed_text, NULL, 10);
    uint64_t rounds = rounds_text == NULL ? 150 : strtoull(rounds_text, NULL, 10);

    cache = code_cache_new(NULL, 0, false);
    for (uint64_t i = 0; i < rounds; i++)
        one_round(seed * 1000003 + i);
    ck_assert_uint_gt(compiled_count, rounds / 2);
    code_cache_free(cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel_random");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 600);
    tcase_add_test(tcase, test_random_kernels);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
