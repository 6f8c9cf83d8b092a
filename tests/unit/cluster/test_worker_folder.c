/* test_worker_folder.c -- what executors leave goes, however deep, and nothing else */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/worker_internal.h"

enum { DEPTH = 100 };
static const char long_name[] = "a-folder-whose-name-is-so-long-that-no-path-may-name-all-of-them";

static char folder[64], left[128], other[128];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/vonk-folder-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(left, sizeof left, "%s/left", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    ck_assert_int_eq(mkdir(left, 0700), 0);
    ck_assert_int_eq(mkdir(other, 0700), 0);
}

static void teardown(void)
{
    worker__remove_folder(folder);
}

static void make_file(int at, const char *name)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    close(fd);
}

/* Two folders and a file on each level, deeper than any path may be long. */
START_TEST(test_deep)
{
    int at = open(left, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < DEPTH; i++) {
        int next;

        make_file(at, "file");
        ck_assert_int_eq(mkdirat(at, "empty", 0700), 0);
        ck_assert_int_eq(mkdirat(at, long_name, 0700), 0);
        next = openat(at, long_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        close(at);
        at = next;
    }
    close(at);
    worker__remove_folder(left);
    ck_assert_int_ne(access(left, F_OK), 0);
}
END_TEST

START_TEST(test_links_are_not_followed)
{
    char path[200];
    int at = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    make_file(at, "stays");
    snprintf(path, sizeof path, "%s/link", left);
    ck_assert_int_eq(symlink(other, path), 0);
    worker__remove_folder(left);
    ck_assert_int_ne(access(left, F_OK), 0);
    ck_assert_int_eq(faccessat(at, "stays", F_OK, 0), 0);
    ck_assert_int_eq(symlink(other, left), 0); /* the folder itself */
    worker__remove_folder(left);
    ck_assert_int_eq(faccessat(at, "stays", F_OK, 0), 0);
    close(at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker_folder");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_deep);
    tcase_add_test(tcase, test_links_are_not_followed);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
