/* test_own_address.c -- which address of this machine peers are told */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/own_address.h"

static const char *towards(Arena *arena, const char *host)
{
    Error err = ERROR_NONE;
    const char *own;

    ck_assert_msg(own_address(arena, (RpcAddress){host, 7077}, &err, &own) == ST_OK, "%s: %s", host,
                  err.message);
    return own;
}

START_TEST(test_loopback)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);

    ck_assert_str_eq(towards(arena, "127.0.0.1"), "127.0.0.1");
    ck_assert_int_eq(strncmp(towards(arena, "127.0.0.2"), "127.0.0.", 8), 0);
    arena_free(arena);
}
END_TEST

START_TEST(test_no_such_peer)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    Error err = ERROR_NONE;
    const char *own = "";

    ck_assert_int_eq(own_address(arena, (RpcAddress){"256.0.0.1.invalid", 7077}, &err, &own),
                     ST_IO);
    ck_assert_ptr_null(own);
    ck_assert_ptr_nonnull(strstr(err.message, "256.0.0.1.invalid"));
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("own_address");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, test_loopback);
    tcase_add_test(tcase, test_no_such_peer);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
