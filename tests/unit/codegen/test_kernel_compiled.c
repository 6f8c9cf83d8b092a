/* test_kernel_compiled.c -- when compiled code leaves a batch to tier 0, and what comes out then */
#include <check.h>
#include <string.h>

#include "codegen/code_cache.h"
#include "codegen/kernel.h"

enum { ROWS = 1000, BATCHES = 10 };

static CodeCache *cache;
static Arena *arena;
static MemPool *pool;
static int64_t values[ROWS];
static Column column;
static const PlanColumn input = {.id = 1, .type = {.id = TYPE_INT8}, .name = "a"};

static void set_up(void)
{
    cache = code_cache_new(NULL, 0, false);
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    column = (Column){.type = input.type, .form = COLUMN_FLAT, .values = values};
}

static void tear_down(void)
{
    code_cache_free(cache);
    arena_free(arena);
    mem_pool_free(pool);
}

static const Expr *a(void)
{
    return expr_column(arena, input.id, input.type);
}

static const Expr *number(int64_t value)
{
    return expr_const(arena, value_int8(value));
}

/* func(a, value) */
static const Expr *with(FuncId func, int64_t value)
{
    Type type = type_of(func == FUNC_GE ? TYPE_BOOL : TYPE_INT8);

    return expr_call2(arena, func, type, a(), number(value));
}

static Kernel *build(const Expr *predicate, const Expr *output, KernelInstance **instance_out)
{
    KernelRequest request = {.name = "test",
                             .input_count = 1,
                             .inputs = &input,
                             .predicate = predicate,
                             .output_count = 1,
                             .outputs = &output,
                             .cache = cache,
                             .jit = JIT_ON};
    Kernel *kernel;

    ck_assert_int_eq(kernel_build(&request, NULL, &kernel), ST_OK);
    ck_assert_int_eq(kernel_instance_new(kernel, pool, NULL, instance_out), ST_OK);
    ck_assert(kernel_statistics(kernel).is_compiled);
    return kernel;
}

typedef struct Outcome {
    Status status;
    Error error;
    const int64_t *numbers;
    const uint32_t *selection;
    uint32_t count;
} Outcome;

static Outcome run(KernelInstance *instance, const uint32_t *selection, uint32_t selected_count)
{
    Batch batch = {.row_count = ROWS,
                   .column_count = 1,
                   .columns = &column,
                   .selection = selection,
                   .selected_count = selected_count};
    Outcome outcome = {.error = ERROR_NONE};
    Column output;

    outcome.status = kernel_project(instance, &batch, &outcome.error, &output, &outcome.selection,
                                    &outcome.count);
    outcome.numbers = output.values;
    return outcome;
}

/* Products that compiled code does not compute, though they are in range. */
START_TEST(test_gives_up)
{
    KernelInstance *instance;
    Kernel *kernel = build(NULL, with(FUNC_MUL, 3), &instance);
    KernelStatistics statistics;

    for (int64_t i = 0; i < ROWS; i++)
        values[i] = i == 700 ? INT64_C(1) << 60 : i;
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        Outcome outcome = run(instance, NULL, ROWS);

        ck_assert_int_eq(outcome.status, ST_OK);
        for (uint32_t i = 0; i < ROWS; i++)
            ck_assert_int_eq(outcome.numbers[i], values[i] * 3);
    }
    values[700] = 700; /* code that had to give up several times is not tried again */
    ck_assert_int_eq(run(instance, NULL, ROWS).status, ST_OK);
    statistics = kernel_statistics(kernel);
    ck_assert_uint_eq(statistics.tier1_rows, 0);
    ck_assert_uint_eq(statistics.tier0_rows, (BATCHES + 1) * ROWS);
    kernel_instance_free(instance);
    kernel_unref(kernel);
}
END_TEST

/* One batch that code cannot finish does not end it. */
START_TEST(test_goes_on)
{
    KernelInstance *instance;
    Kernel *kernel = build(NULL, with(FUNC_MUL, 3), &instance);

    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        for (int64_t i = 0; i < ROWS; i++)
            values[i] = batch == 1 ? i << 50 : -i;
        ck_assert_int_eq(run(instance, NULL, ROWS).numbers[999], values[999] * 3);
    }
    ck_assert_uint_eq(kernel_statistics(kernel).tier1_rows, (BATCHES - 1) * ROWS);
    kernel_instance_free(instance);
    kernel_unref(kernel);
}
END_TEST

/* A row that nobody wants may be what it likes; one that is wanted fails as in tier 0. */
START_TEST(test_masks_errors)
{
    KernelInstance *instance;
    Kernel *kernel = build(with(FUNC_GE, 0), with(FUNC_SUB, 1), &instance);
    Outcome outcome;

    for (int64_t i = 0; i < ROWS; i++)
        values[i] = i % 5 == 0 ? INT64_MIN : i;
    outcome = run(instance, NULL, ROWS);
    ck_assert_int_eq(outcome.status, ST_OK);
    ck_assert_uint_eq(outcome.count, ROWS - ROWS / 5);
    ck_assert_int_eq(outcome.numbers[outcome.selection[0]], 0);
    ck_assert_uint_eq(kernel_statistics(kernel).tier1_rows, ROWS);
    kernel_instance_free(instance);
    kernel_unref(kernel);

    kernel = build(NULL, with(FUNC_SUB, 1), &instance);
    outcome = run(instance, NULL, ROWS);
    ck_assert_int_ne(outcome.status, ST_OK);
    ck_assert_str_eq(outcome.error.message, "bigint out of range");
    kernel_instance_free(instance);
    kernel_unref(kernel);
}
END_TEST

/* Few rows wanted, by the batch or by the predicate, are tier 0's. */
START_TEST(test_few_rows)
{
    static const uint32_t few[] = {3, 500, 998};
    KernelInstance *instance;
    Kernel *kernel = build(with(FUNC_GE, 990), with(FUNC_MUL, 7), &instance);
    Outcome outcome;

    for (int64_t i = 0; i < ROWS; i++)
        values[i] = i;
    outcome = run(instance, NULL, ROWS);
    ck_assert_uint_eq(outcome.count, 10);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_uint_eq(outcome.selection[i], 990 + i);
        ck_assert_int_eq(outcome.numbers[990 + i], (990 + (int64_t)i) * 7);
    }
    ck_assert_uint_eq(kernel_statistics(kernel).tier1_rows, ROWS);
    outcome = run(instance, few, 3);
    ck_assert_uint_eq(outcome.count, 1);
    ck_assert_int_eq(outcome.numbers[outcome.selection[0]], 998 * 7);
    ck_assert_uint_eq(kernel_statistics(kernel).tier1_rows, ROWS);
    kernel_instance_free(instance);
    kernel_unref(kernel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel_compiled");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_gives_up);
    tcase_add_test(tcase, test_goes_on);
    tcase_add_test(tcase, test_masks_errors);
    tcase_add_test(tcase, test_few_rows);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
