/*
 * test_plan_wire.c -- plans as bytes: the same again afterwards, and whatever the bytes are, an
 * error or a sound plan
 */
#include <check.h>
#include <stdlib.h>

#include "core/plan/plan_wire_here.h"
#include "tests/unit/plan/wire_plans.h"

static Arena *arena;
static WirePlans all;
static WireHere here;
static PlanWireHooks hooks;

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    wire_plans_make(&all, arena);
    here = (WireHere){.arena = arena};
    hooks = wire_here_hooks(&here);
}

static void teardown(void)
{
    arena_free(arena);
}

static WireKind plan_kind(void)
{
    return (WireKind){.what = "plan",
                      .magic = "VPLN",
                      .format = PLAN_WIRE_FORMAT,
                      .vocabulary = plan_wire_vocabulary()};
}

static WireBytes encode(const Plan *plan)
{
    WireBytes bytes;
    Error err = ERROR_NONE;

    ck_assert_msg(plan_encode(plan, &hooks, arena, &err, &bytes) == ST_OK, "%s", err.message);
    return bytes;
}

/* Another body under a right checksum. */
static WireBytes sealed_body(Arena *scratch, const void *body, size_t byte_count)
{
    WireKind kind = plan_kind();
    WireWriter to = {.arena = scratch};
    WireBytes bytes;

    wire_begin(&to);
    wire_put_bytes(&to, body, byte_count);
    ck_assert_int_eq(wire_seal(&to, &kind, NULL, &bytes), ST_OK);
    return bytes;
}

/* Whatever comes of it, it is an error in words or a plan that can be looked at and sent on. */
static bool decode_hostile(WireBytes bytes)
{
    Arena *scratch = arena_new(NULL, "hostile", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    const Plan *plan;
    WireBytes again;
    bool is_plan = plan_decode(bytes, &hooks, scratch, &err, &plan) == ST_OK;

    if (is_plan) {
        ck_assert_int_eq(plan_check(scratch, plan, (ColumnSet){0}, &err), ST_OK);
        ck_assert_uint_gt(strlen(plan_print(scratch, plan)), 0);
        ck_assert_int_eq(plan_encode(plan, &hooks, scratch, &err, &again), ST_OK);
    } else {
        ck_assert_ptr_null(plan);
        ck_assert_int_ne(err.status, ST_OK);
        ck_assert_int_ne(err.status, ST_INTERNAL);
        ck_assert_uint_gt(strlen(err.message), 0);
    }
    arena_free(scratch);
    return is_plan;
}

static void note_kinds(const Plan *plan, bool *seen)
{
    seen[plan->kind] = true;
    for (uint32_t i = 0; i < plan->input_count; i++)
        note_kinds(plan->inputs[i], seen);
}

START_TEST(test_every_kind_comes_back)
{
    bool seen[PLAN_KIND_COUNT] = {false};

    for (uint32_t i = 0; i < all.count; i++) {
        Error err = ERROR_NONE;
        const Plan *twin;

        note_kinds(all.plans[i], seen);
        ck_assert_msg(plan_wire_here(all.plans[i], NULL, arena, &err, &twin) == ST_OK, "%s: %s",
                      plan_print(arena, all.plans[i]), err.message);
    }
    for (int kind = 0; kind < PLAN_KIND_COUNT; kind++)
        ck_assert_msg(seen[kind], "no plan with %s", plan_kind_name((PlanKind)kind));
}
END_TEST

START_TEST(test_plans_are_equal)
{
    for (uint32_t i = 0; i < all.count; i++) {
        const Plan *plan = all.plans[i], *twin;
        WireBytes bytes = encode(plan);

        ck_assert_int_eq(plan_decode(bytes, &hooks, arena, NULL, &twin), ST_OK);
        ck_assert_double_eq(plan->estimated_rows, twin->estimated_rows);
        ck_assert_uint_eq(plan->partition_shift, twin->partition_shift);
        /* specs of records are equal by identity */
        if (plan->kind != PLAN_CALL && plan->kind != PLAN_COMBINE && plan->kind != PLAN_GROUP &&
            plan->kind != PLAN_EXCHANGE)
            ck_assert_msg(plan_equal(plan, twin), "%s", plan_print(arena, plan));
    }
}
END_TEST

START_TEST(test_closures_and_records)
{
    for (uint32_t i = 0; i < all.count; i++) {
        const Plan *twin;
        const PlanCombine *combine;
        const WireRecord *zero;

        ck_assert_int_eq(plan_decode(encode(all.plans[i]), &hooks, arena, NULL, &twin), ST_OK);
        if (twin->kind == PLAN_CALL) {
            const CallStep *first = plan_as_call(twin)->steps.first;

            ck_assert_uint_eq(first->function.closure_bytes, 5);
            ck_assert_int_eq(memcmp(first->function.closure, "bytes", 5), 0);
            ck_assert(first->function.call == wire_plans_function);
            ck_assert(first->function.inner->call == wire_plans_other_function);
        }
        combine = plan_as_combine(twin);
        if (combine == NULL)
            continue;
        zero = combine->spec->zero;
        ck_assert_int_eq(zero->key, 5);
        ck_assert_uint_eq(zero->text.bytes, 29);
        ck_assert_int_eq(memcmp(zero->text.data, "a text that is somewhere else", 29), 0);
        ck_assert_ptr_null(combine->spec->empty);
    }
}
END_TEST

START_TEST(test_cut_short_anywhere)
{
    for (uint32_t i = 0; i < all.count; i++) {
        WireBytes bytes = encode(all.plans[i]);
        const unsigned char *body = (const unsigned char *)bytes.bytes + WIRE_ENVELOPE_BYTES;
        size_t body_bytes = bytes.byte_count - WIRE_ENVELOPE_BYTES;

        for (size_t length = 0; length < bytes.byte_count; length++)
            ck_assert(!decode_hostile((WireBytes){bytes.bytes, length}));
        for (size_t length = 0; length < body_bytes; length++) {
            Arena *scratch = arena_new(NULL, "cut", ARENA_NO_CAP);

            ck_assert(!decode_hostile(sealed_body(scratch, body, length)));
            arena_free(scratch);
        }
    }
}
END_TEST

START_TEST(test_any_flip_is_seen)
{
    for (uint32_t i = 0; i < all.count; i++) {
        WireBytes bytes = encode(all.plans[i]);
        unsigned char *copy = arena_copy(arena, bytes.bytes, bytes.byte_count);

        for (size_t at = 0; at < bytes.byte_count; at++) {
            copy[at] ^= 1u << at % 8;
            ck_assert(!decode_hostile((WireBytes){copy, bytes.byte_count}));
            copy[at] ^= 1u << at % 8;
        }
    }
}
END_TEST

/* What somebody could send who knows how checksums are made. */
START_TEST(test_flips_under_a_right_checksum)
{
    static const unsigned char masks[] = {0x01, 0x02, 0x04, 0x10, 0x80, 0xff};
    uint32_t plans = 0, errors = 0;

    for (uint32_t i = 0; i < all.count; i++) {
        WireBytes bytes = encode(all.plans[i]);
        size_t body_bytes = bytes.byte_count - WIRE_ENVELOPE_BYTES;
        unsigned char *body =
            arena_copy(arena, (const char *)bytes.bytes + WIRE_ENVELOPE_BYTES, body_bytes);

        for (size_t at = 0; at < body_bytes; at++)
            for (size_t m = 0; m < sizeof masks; m++) {
                Arena *scratch = arena_new(NULL, "flip", ARENA_NO_CAP);

                body[at] ^= masks[m];
                if (decode_hostile(sealed_body(scratch, body, body_bytes)))
                    plans++;
                else
                    errors++;
                body[at] ^= masks[m];
                arena_free(scratch);
            }
    }
    ck_assert_uint_gt(plans, 0);
    ck_assert_uint_gt(errors, plans); /* most are found: ids, types and counts hang together */
}
END_TEST

START_TEST(test_other_versions)
{
    WireBytes bytes = encode(all.plans[0]);
    WireKind kind = plan_kind();
    WireWriter to = {.arena = arena};
    WireBytes other;
    Error err = ERROR_NONE;
    const Plan *plan;

    kind.vocabulary++;
    wire_begin(&to);
    wire_put_bytes(&to, (const char *)bytes.bytes + WIRE_ENVELOPE_BYTES,
                   bytes.byte_count - WIRE_ENVELOPE_BYTES);
    ck_assert_int_eq(wire_seal(&to, &kind, NULL, &other), ST_OK);
    ck_assert_int_eq(plan_decode(other, &hooks, arena, &err, &plan), ST_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "was made by Vonk " VONK_VERSION));
    ck_assert_ptr_nonnull(strstr(err.hint, "same build"));
}
END_TEST

/* --- what would take more than it is worth --- */

static const Expr *chain(uint32_t length)
{
    const Expr *one = expr_const(arena, value_int8(1)), *sum = one;

    for (uint32_t i = 0; i < length; i++)
        sum = expr_call2(arena, FUNC_ADD, type_of(TYPE_INT8), sum, one);
    return sum;
}

static const Plan *row_of(const Expr *expr)
{
    PlanColumn column = {1, expr->type, "x", false};
    ExprList row = {1, arena_copy(arena, &expr, sizeof expr)};

    return plan_values(arena, 1, &column, 1, &row);
}

START_TEST(test_too_deep)
{
    Error err = ERROR_NONE;
    const Plan *plan = row_of(expr_true(arena)), *twin;
    WireBytes bytes;

    ck_assert_int_eq(plan_decode(encode(row_of(chain(PLAN_WIRE_EXPRS_DEEP_MAX - 1))), &hooks, arena,
                                 &err, &twin),
                     ST_OK);
    ck_assert_int_eq(
        plan_encode(row_of(chain(PLAN_WIRE_EXPRS_DEEP_MAX + 1)), &hooks, arena, &err, &bytes),
        ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "54001");
    for (uint32_t i = 0; i < PLAN_WIRE_NODES_DEEP_MAX; i++)
        plan = plan_limit(arena, plan, 1, ALL_ROWS);
    ck_assert_int_eq(plan_encode(plan, &hooks, arena, &err, &bytes), ST_BAD_INPUT);
}
END_TEST

/* 64 sums, each of the one before with itself: a walk over the tree would take 2^64 steps. */
START_TEST(test_a_walk_without_end)
{
    const Expr *sum = expr_const(arena, value_int8(1));
    Error err = ERROR_NONE;
    const Plan *twin;

    for (int i = 0; i < 64; i++)
        sum = expr_call2(arena, FUNC_ADD, type_of(TYPE_INT8), sum, sum);
    ck_assert_int_eq(plan_decode(encode(row_of(sum)), &hooks, arena, &err, &twin), ST_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "steps large"));
}
END_TEST

/* WITH upon WITH: each shared plan is read twice, and walked once. */
START_TEST(test_shared_plans_stay_shared)
{
    const Plan *plan = row_of(expr_const(arena, value_int8(1))), *twin;
    ColumnId next = 2;
    Error err = ERROR_NONE;
    WireBytes bytes;

    for (int64_t level = 1; level <= 40; level++) {
        const Plan *both[2];
        ColumnList map = {1, &plan->columns[0].id};

        for (int i = 0; i < 2; i++) {
            PlanColumn column = plan->columns[0];

            column.id = next++;
            both[i] = plan_shared(arena, plan, level, "w", false, &map, 1, &column);
        }
        plan = plan_select_columns(arena, plan_join(arena, JOIN_INNER, both[0], both[1], NULL), 1,
                                   &both[0]->columns[0].id);
    }
    bytes = encode(plan);
    ck_assert_uint_lt(bytes.byte_count, 20000);
    ck_assert_msg(plan_decode(bytes, &hooks, arena, &err, &twin) == ST_OK, "%s", err.message);
    ck_assert_uint_eq(encode(twin).byte_count, bytes.byte_count);
}
END_TEST

START_TEST(test_too_large)
{
    char *text = arena_alloc(arena, PLAN_WIRE_BYTES_MAX + 1);
    Error err = ERROR_NONE;
    WireBytes bytes;

    memset(text, 'x', PLAN_WIRE_BYTES_MAX);
    ck_assert_int_eq(plan_encode(row_of(expr_const(arena, value_text(arena, text))), &hooks, arena,
                                 &err, &bytes),
                     ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "54001");
    ck_assert_ptr_null(bytes.bytes);
}
END_TEST

START_TEST(test_without_hooks)
{
    PlanWireHooks none = {0};
    Error err = ERROR_NONE;
    const Plan *scan = wire_plans_scan(&all), *twin;
    WireBytes bytes;

    ck_assert_int_eq(plan_encode(scan, &none, arena, &err, &bytes), ST_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "table \"t\""));
    ck_assert_int_eq(plan_decode(encode(scan), &none, arena, &err, &twin), ST_NOT_SUPPORTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan_wire");
    TCase *cases = tcase_create("plan_wire");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, test_every_kind_comes_back);
    tcase_add_test(cases, test_plans_are_equal);
    tcase_add_test(cases, test_closures_and_records);
    tcase_add_test(cases, test_cut_short_anywhere);
    tcase_add_test(cases, test_any_flip_is_seen);
    tcase_add_test(cases, test_flips_under_a_right_checksum);
    tcase_add_test(cases, test_other_versions);
    tcase_add_test(cases, test_too_deep);
    tcase_add_test(cases, test_a_walk_without_end);
    tcase_add_test(cases, test_shared_plans_stay_shared);
    tcase_add_test(cases, test_too_large);
    tcase_add_test(cases, test_without_hooks);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
