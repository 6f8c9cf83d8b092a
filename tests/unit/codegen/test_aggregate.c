/*
 * test_aggregate.c -- aggregates through kernels: any order and grouping gives the same bits
 *
 * Random values are added up as one batch, as many small ones in another order, spread over groups
 * whose states are merged, and by kernels that keep many groups at once.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "codegen/ops/aggregate.h"
#include "random_kernel.h"

enum { VALUES = 1000, STATE_BYTES_MAX = 4096 };

static const struct {
    AggId agg;
    TypeId arg, result;
} aggregates[] = {{AGG_SUM, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_SUM, TYPE_FLOAT4, TYPE_FLOAT4},
                  {AGG_AVG, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_AVG, TYPE_FLOAT4, TYPE_FLOAT8},
                  {AGG_VAR_POP, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_VAR_SAMP, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_STDDEV_POP, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_STDDEV_SAMP, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_SUM, TYPE_INT4, TYPE_INT8},
                  {AGG_SUM, TYPE_INT2, TYPE_INT8},
                  {AGG_SUM, TYPE_INTERVAL, TYPE_INTERVAL},
                  {AGG_AVG, TYPE_INTERVAL, TYPE_INTERVAL},
                  {AGG_MIN, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_MAX, TYPE_FLOAT8, TYPE_FLOAT8},
                  {AGG_MIN, TYPE_INTERVAL, TYPE_INTERVAL},
                  {AGG_MAX, TYPE_INTERVAL, TYPE_INTERVAL},
                  {AGG_MIN, TYPE_TEXT, TYPE_TEXT},
                  {AGG_MAX, TYPE_TEXT, TYPE_TEXT},
                  {AGG_MIN, TYPE_DATE, TYPE_DATE},
                  {AGG_BOOL_AND, TYPE_BOOL, TYPE_BOOL},
                  {AGG_BOOL_OR, TYPE_BOOL, TYPE_BOOL},
                  {AGG_COUNT, TYPE_TEXT, TYPE_INT8}};

typedef struct Run {
    Random *r;
    MemPool *pool;
    Kernel *kernel;
    KernelInstance *instance;
    Column column; /* VALUES of the argument */
    uint32_t order[VALUES];
} Run;

static void build(Run *run, AggId agg, Type arg, Type result)
{
    Arena *arena = run->r->arena;
    PlanColumn *input = ARENA_NEW(arena, PlanColumn);
    const Expr *column = expr_column(arena, 1, arg);
    const Expr *call = expr_agg(arena, agg, result, 1, &column, false, NULL);
    KernelRequest request = {
        .name = "test", .input_count = 1, .inputs = input, .agg_count = 1, .aggs = &call};
    Error error = ERROR_NONE;

    *input = (PlanColumn){.id = 1, .type = arg, .name = "x", .is_nullable = true};
    ck_assert_msg(kernel_build(&request, &error, &run->kernel) == ST_OK, "%s", error.message);
    ck_assert(kernel_state_bytes(run->kernel) <= STATE_BYTES_MAX);
    ck_assert_int_eq(kernel_instance_new(run->kernel, run->pool, NULL, &run->instance), ST_OK);
}

static void shuffle(Run *run)
{
    for (uint32_t i = 0; i < VALUES; i++)
        run->order[i] = i;
    for (uint32_t i = VALUES; i > 1; i--) {
        uint32_t j = random_below(run->r, i), kept = run->order[i - 1];

        run->order[i - 1] = run->order[j];
        run->order[j] = kept;
    }
}

/* Rows order[from .. from + count) into states (NULL: into single). */
static void add(Run *run, uint32_t from, uint32_t count, void *const *states, void *single)
{
    Column copy = column_copy(run->r->arena, &run->column, run->order + from, count, false);
    Batch batch = {
        .column_count = 1, .row_count = count, .columns = &copy, .selected_count = count};

    ck_assert_int_eq(kernel_aggregate(run->instance, &batch, states, single, NULL), ST_OK);
}

static Value result_of(Run *run, const void *block, Status *status)
{
    Column column;

    *status = kernel_state_finish(run->kernel, run->r->arena, &block, 1, NULL, &column);
    return *status == ST_OK ? value_from_column(&column, 0) : value_null(type_of(TYPE_NULL));
}

static void *new_state(Run *run)
{
    void *block = arena_alloc(run->r->arena, STATE_BYTES_MAX);

    kernel_state_init(run->kernel, block);
    return block;
}

/* Small batches in another order. */
static void *add_in_pieces(Run *run)
{
    void *block = new_state(run);

    shuffle(run);
    for (uint32_t from = 0; from < VALUES;) {
        uint32_t count = 1 + random_below(run->r, 300);

        count = count < VALUES - from ? count : VALUES - from;
        add(run, from, count, NULL, block);
        from += count;
    }
    return block;
}

/* Each row into one of several groups, which are merged in some order. */
static void *add_by_groups(Run *run, uint32_t group_count)
{
    void *groups[VALUES], *states[VALUES];

    shuffle(run);
    for (uint32_t i = 0; i < group_count; i++)
        groups[i] = new_state(run);
    for (uint32_t i = 0; i < VALUES; i++)
        states[i] = groups[random_below(run->r, group_count)];
    add(run, 0, VALUES, states, NULL);
    while (group_count > 1) {
        uint32_t into = random_below(run->r, group_count - 1);

        kernel_state_merge(run->kernel, groups[into], groups[group_count - 1]);
        group_count--;
    }
    return groups[0];
}

static void check_same(Run *run, const void *block, const Value *wanted, Status wanted_status,
                       const char *how)
{
    Status status;
    Value value = result_of(run, block, &status);

    ck_assert_msg(status == wanted_status && value_identical(&value, wanted),
                  "%s differs when added %s", agg_name(agg_op_table[0].agg), how);
}

/* Ordinary numbers of widely different size: batches of these take the fast way. */
static void make_ordinary(Random *r, Column *column)
{
    double *values = (double *)(uintptr_t)column->values;
    int spread = 1 << random_below(r, 9);

    for (uint32_t i = 0; i < VALUES; i++)
        values[i] = ldexp((double)(int64_t)(random_bits(r) >> 12) - 0x1p51,
                          (int)random_below(r, (uint32_t)spread) - spread / 2);
}

START_TEST(test_order_does_not_matter)
{
    Random r;

    random_init(&r, 77 + (uint64_t)_i);
    r.row_count = VALUES;
    Run run = {.r = &r, .pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT)};
    void *block;
    Value wanted;
    Status status;

    build(&run, aggregates[_i].agg, type_of(aggregates[_i].arg), type_of(aggregates[_i].result));
    for (uint32_t round = 0; round < 20; round++) {
        run.column = random_flat_column(&r, type_of(aggregates[_i].arg), true);
        if (aggregates[_i].arg == TYPE_FLOAT8 && round % 2 == 0)
            make_ordinary(&r, &run.column);
        for (uint32_t i = 0; i < VALUES; i++)
            run.order[i] = i;
        block = new_state(&run);
        add(&run, 0, VALUES, NULL, block);
        wanted = result_of(&run, block, &status);
        check_same(&run, add_in_pieces(&run), &wanted, status, "in pieces");
        check_same(&run, add_by_groups(&run, 2), &wanted, status, "by 2 groups");
        check_same(&run, add_by_groups(&run, 100), &wanted, status, "by 100 groups");
    }
    kernel_instance_free(run.instance);
    kernel_unref(run.kernel);
    arena_free(r.arena);
    mem_pool_free(run.pool);
}
END_TEST

/* --- exactness of sums of doubles --- */

static double random_finite(Random *r)
{
    int exponent = (int)random_below(r, 2098) - 1074;

    return ldexp((double)(random_bits(r) >> 11) * (random_chance(r, 50) ? 1 : -1), exponent - 53);
}

/* Each value comes with its negative: nothing may be left, in any order. */
START_TEST(test_cancelling_sums_are_zero)
{
    Random r;
    FloatSum sum = {.count = 0};
    double values[VALUES], result = 1;
    OpCtx ctx = {.error = 0};
    AggTypes types = {type_of(TYPE_FLOAT8), type_of(TYPE_FLOAT8)};

    random_init(&r, 5);
    for (uint32_t i = 0; i < VALUES; i++) {
        values[i] = random_finite(&r);
        float_sum_add(&sum, values[i]);
    }
    for (uint32_t i = VALUES; i-- > 0;)
        float_sum_add(&sum, -values[i]);
    ck_assert(agg_finish(&ctx, AGGOP_sum_float8, &types, &sum, &result));
    ck_assert(result == 0);
    ck_assert_int_eq(sum.count, 2 * VALUES);
    arena_free(r.arena);
}
END_TEST

static double sum_of(uint32_t count, const double *values, uint32_t *error)
{
    FloatSum sum = {.count = 0};
    AggTypes types = {type_of(TYPE_FLOAT8), type_of(TYPE_FLOAT8)};
    OpCtx ctx = {.error = 0};
    double result = 0;

    for (uint32_t i = 0; i < count; i++)
        float_sum_add(&sum, values[i]);
    agg_finish(&ctx, AGGOP_sum_float8, &types, &sum, &result);
    *error = ctx.error;
    return result;
}

START_TEST(test_sums_are_rounded_once)
{
    static const struct {
        uint32_t count;
        double values[4];
        double sum;
    } sums[] = {{3, {1e16, 1, -1e16}, 1},
                {3, {0.1, 0.2, 0.3}, 0.6},
                {2, {1, 0x1p-53}, 1}, /* a tie goes to even */
                {3, {1, 0x1p-53, 0x1p-105}, 1 + 0x1p-52},
                {2, {0x1p-1074, 0x1p-1074}, 0x1p-1073},
                {2, {0x1p-1022, -0x1p-1074}, 0x1p-1022 - 0x1p-1074},
                {3, {1e308, 1e308, -1e308}, 1e308},
                {2, {-0.0, 0.0}, 0},
                {4, {1e100, 1, -1e100, 1}, 2 * 0}}; /* more than the bins span: 1 is lost */
    uint32_t error;

    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        double sum = sum_of(sums[i].count, sums[i].values, &error);

        ck_assert_int_eq(error, 0);
        ck_assert_msg(sum == sums[i].sum, "sum %zu: %.17g, not %.17g", i, sum, sums[i].sum);
    }
}
END_TEST

START_TEST(test_special_sums)
{
    uint32_t error;

    ck_assert(isnan(sum_of(2, (double[]){NAN, 1}, &error)));
    ck_assert(isnan(sum_of(2, (double[]){INFINITY, -INFINITY}, &error)));
    ck_assert(sum_of(2, (double[]){-INFINITY, 1}, &error) == -INFINITY);
    ck_assert_int_eq(error, 0);
    sum_of(2, (double[]){1e308, 1e308}, &error);
    ck_assert_int_eq(error, OPERR_FLOAT_OVERFLOW);
}
END_TEST

/* --- numerics --- */

static Status finish_numeric(AggId agg, Type arg, Type result, uint32_t count, const Int128 *values,
                             Error *error, Value *value_out)
{
    Random r = {.arena = arena_new(NULL, "test", ARENA_NO_CAP), .row_count = count};
    Run run = {.r = &r, .pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT)};
    const void *block;
    Column column;
    Status status;

    build(&run, agg, arg, result);
    run.column = (Column){.type = arg, .form = COLUMN_FLAT, .values = values};
    for (uint32_t i = 0; i < count; i++)
        run.order[i] = i;
    block = new_state(&run);
    add(&run, 0, count, NULL, (void *)(uintptr_t)block);
    status = kernel_state_finish(run.kernel, r.arena, &block, 1, error, &column);
    if (status == ST_OK)
        *value_out = value_from_column(&column, 0);
    kernel_instance_free(run.instance);
    kernel_unref(run.kernel);
    arena_free(r.arena);
    mem_pool_free(run.pool);
    return status;
}

/* Sums may pass 128 bits on their way. */
START_TEST(test_wide_sums)
{
    Int128 most = decimal_pow10(38) - 1;
    Int128 values[] = {most, most, most, -most, -most};
    Type type = type_decimal(38, 2);
    Error error = ERROR_NONE;
    Value value;

    ck_assert_int_eq(finish_numeric(AGG_SUM, type, type, 5, values, &error, &value), ST_OK);
    ck_assert(value.int128 == most);
    ck_assert_int_eq(finish_numeric(AGG_SUM, type, type, 3, values, &error, &value), ST_BAD_INPUT);
    ck_assert_str_eq(error.sqlstate, "22003");
    ck_assert_int_eq(finish_numeric(AGG_AVG, type, type_decimal(38, 2), 3, values, &error, &value),
                     ST_OK);
    ck_assert(value.int128 == most);
    ck_assert_int_eq(finish_numeric(AGG_VAR_POP, type_decimal(38, 30), type_decimal(38, 16), 3,
                                    values, &error, &value),
                     ST_OK);
    ck_assert(value.int128 == 0);
}
END_TEST

START_TEST(test_averages_round_half_away)
{
    Int128 values[] = {1, 0, -1, -1, 0, 0, 0, 0}; /* cents: -1/8 of a cent */
    Error error = ERROR_NONE;
    Value value;

    ck_assert_int_eq(finish_numeric(AGG_AVG, type_decimal(38, 2), type_decimal(38, 4), 8, values,
                                    &error, &value),
                     ST_OK);
    ck_assert(value.int128 == -13); /* -0.00125 -> -0.0013 */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aggregate");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_order_does_not_matter, 0,
                        (int)(sizeof aggregates / sizeof aggregates[0]));
    tcase_add_test(tcase, test_cancelling_sums_are_zero);
    tcase_add_test(tcase, test_sums_are_rounded_once);
    tcase_add_test(tcase, test_special_sums);
    tcase_add_test(tcase, test_wide_sums);
    tcase_add_test(tcase, test_averages_round_half_away);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
