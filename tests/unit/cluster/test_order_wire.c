/* test_order_wire.c -- messages of orders: each is carried out once, however often it comes */
#include <check.h>
#include <stdlib.h>

#include "cluster/order_wire.h"

typedef struct Seen {
    uint32_t dropped;
    uint64_t last;
} Seen;

static Arena *arena;
static Seen seen;
static uint64_t taken;

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    seen = (Seen){0};
    taken = 0;
}

static void teardown(void)
{
    arena_free(arena);
}

static void take_drop(void *context, uint64_t output)
{
    Seen *to = context;

    to->dropped++;
    to->last = output;
}

static WireBytes message(uint64_t number, uint64_t output)
{
    WireWriter to = {.arena = arena};

    orders_begin(&to, number);
    order_put_drop_output(&to, output);
    return (WireBytes){to.bytes, to.length};
}

static Status take(WireBytes orders)
{
    OrderTaker taker = {.context = &seen, .drop_output = take_drop};
    Error err = ERROR_NONE;

    return orders_take(orders, &taker, &taken, &err);
}

START_TEST(test_again)
{
    ck_assert_int_eq(take(message(1, 10)), ST_OK);
    ck_assert_int_eq(take(message(1, 10)), ST_OK);
    ck_assert_uint_eq(seen.dropped, 1);
    ck_assert_int_eq(take(message(2, 20)), ST_OK);
    ck_assert_uint_eq(seen.dropped, 2);
    ck_assert_int_eq(take(message(1, 10)), ST_OK); /* it was on its way for long */
    ck_assert_uint_eq(seen.dropped, 2);
    ck_assert_uint_eq(seen.last, 20);
}
END_TEST

START_TEST(test_damaged)
{
    WireBytes whole = message(1, 10);

    for (size_t bytes = 0; bytes < whole.byte_count; bytes++)
        if (bytes != sizeof(uint64_t)) /* that is a message without orders */
            ck_assert_int_eq(take((WireBytes){whole.bytes, bytes}), ST_CORRUPT);
    ck_assert_uint_eq(seen.dropped, 0);
    ck_assert_int_eq(take(whole), ST_OK);
    ck_assert_uint_eq(seen.dropped, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("order_wire");
    TCase *test = tcase_create("messages");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(test, setup, teardown);
    tcase_add_test(test, test_again);
    tcase_add_test(test, test_damaged);
    suite_add_tcase(suite, test);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
