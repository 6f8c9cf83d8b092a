/* test_master_election.c -- who leads, by the numbers of nodes */
#include <check.h>
#include <stdlib.h>

#include "cluster/master_election.h"

static void check_place(const char *const *names, uint32_t count, const char *own,
                        const char *leads, const char *before)
{
    const char *lowest_found, *before_found;

    ck_assert(election_place(names, count, own, &lowest_found, &before_found));
    ck_assert_str_eq(lowest_found, leads);
    ck_assert_str_eq(before_found, before);
}

START_TEST(test_places)
{
    const char *const names[] = {"m-0000000012", "m-0000000009", "m-0000000011"};

    check_place(names, 3, "m-0000000009", "m-0000000009", "");
    check_place(names, 3, "m-0000000011", "m-0000000009", "m-0000000009");
    check_place(names, 3, "m-0000000012", "m-0000000009", "m-0000000011");
    check_place(names, 1, "m-0000000012", "m-0000000012", "");
}
END_TEST

START_TEST(test_one_that_is_gone)
{
    const char *const names[] = {"m-0000000012", "m-0000000009"};
    const char *lowest, *before;

    ck_assert(!election_place(names, 2, "m-0000000011", &lowest, &before));
    ck_assert_str_eq(lowest, "m-0000000009");
    ck_assert(!election_place(NULL, 0, "m-0000000011", &lowest, &before));
    ck_assert_str_eq(lowest, "");
}
END_TEST

START_TEST(test_wrong_servers)
{
    static const char *const wrong[] = {"", "/vonk", "host:2181/", "host:2181//vonk"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ElectionOptions options = {.zookeeper = wrong[i], .address = "127.0.0.1:7077"};
        Election *election;
        Error err;

        ck_assert_int_eq(election_start(&options, &err, &election), ST_BAD_INPUT);
        ck_assert_ptr_null(election);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("election");
    Suite *suite = suite_create("master_election");
    SRunner *runner;
    int failed;

    tcase_add_test(cases, test_places);
    tcase_add_test(cases, test_one_that_is_gone);
    tcase_add_test(cases, test_wrong_servers);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
