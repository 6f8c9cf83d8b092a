/* test_master_url.c -- which URLs name masters, and which do not */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/master_url.h"

static Arena *arena;

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
}

static void teardown(void)
{
    arena_free(arena);
}

START_TEST(test_right_ones)
{
    MasterUrl url;

    ck_assert_int_eq(master_url_parse(arena, "vonk://10.0.0.1", NULL, &url), ST_OK);
    ck_assert_str_eq(url.masters[0].host, "10.0.0.1");
    ck_assert_uint_eq(url.masters[0].port, MASTER_PORT);
    ck_assert_int_eq(master_url_parse(arena, "vonk://a:1,[::1]:65535,[fe80::1]", NULL, &url),
                     ST_OK);
    ck_assert_uint_eq(url.count, 3);
    ck_assert_str_eq(master_url_text(arena, url.masters[1]), "[::1]:65535");
    ck_assert_str_eq(url.masters[2].host, "fe80::1");
    for (int i = 0; i < 3; i++)
        master_url_next(&url);
    ck_assert_str_eq(master_url_text(arena, master_url_address(&url)), "a:1");
}
END_TEST

static const char *const wrong[] = {
    "",
    "local",
    "vonk://",
    "vonk://a,",
    "vonk://:7077",
    "vonk://a:",
    "vonk://a:0",
    "vonk://a:65536",
    "vonk://a:1x",
    "vonk://a:-1",
    "vonk://a:123456789012345678901234567890",
    "vonk://a/b:1",
    "vonk://[::1",
    "vonk://[::1]x",
    "vonk://a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9",
};

START_TEST(test_wrong_ones)
{
    Error err = ERROR_NONE;
    MasterUrl url;

    ck_assert_msg(master_url_parse(arena, wrong[_i], &err, &url) == ST_BAD_INPUT, "%s", wrong[_i]);
    ck_assert_ptr_nonnull(strstr(err.message, wrong[_i]));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("cases");
    Suite *suite = suite_create("master_url");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_right_ones);
    tcase_add_loop_test(cases, test_wrong_ones, 0, (int)(sizeof wrong / sizeof wrong[0]));
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
