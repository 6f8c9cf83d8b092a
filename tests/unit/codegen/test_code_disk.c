/* test_code_disk.c -- compiled code kept in files: what comes back, and how much is kept */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codegen/code_disk.h"

enum { OBJECT_BYTES = 1000, OBJECT_COUNT = 2000, LIMIT_BYTES = 100 * OBJECT_BYTES };

static char folder[64];

static void set_up(void)
{
    strcpy(folder, "/tmp/vonk_test_code_disk_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Bytes of the folder's files; removes them if asked to. */
static size_t folder_bytes(bool removes)
{
    DIR *dir = opendir(folder);
    size_t bytes = 0;

    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat info;

        if (entry->d_name[0] == '.')
            continue;
        ck_assert_int_eq(fstatat(dirfd(dir), entry->d_name, &info, 0), 0);
        bytes += (size_t)info.st_size;
        if (removes)
            ck_assert_int_eq(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    }
    closedir(dir);
    return bytes;
}

static void tear_down(void)
{
    folder_bytes(true);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put(uint32_t number, uint64_t limit_bytes)
{
    char text[32], object[OBJECT_BYTES];

    snprintf(text, sizeof text, "kernel %u", number);
    memset(object, (int)number, sizeof object);
    code_disk_write(folder, "a cpu", text, object, sizeof object, limit_bytes);
}

static bool has(uint32_t number, const char *target)
{
    char text[32], *object;
    size_t bytes;
    bool right;

    snprintf(text, sizeof text, "kernel %u", number);
    object = code_disk_read(folder, target, text, &bytes);
    right = object != NULL && bytes == OBJECT_BYTES && object[0] == (char)number &&
            object[OBJECT_BYTES - 1] == (char)number;
    ck_assert(right == (object != NULL));
    free(object);
    return right;
}

START_TEST(objects_come_back_for_their_target)
{
    put(1, LIMIT_BYTES);
    put(2, LIMIT_BYTES);
    ck_assert(has(1, "a cpu") && has(2, "a cpu"));
    ck_assert(!has(3, "a cpu") && !has(1, "another cpu"));
}
END_TEST

/* The folder is not looked through at each write, but never grows far past its limit. */
START_TEST(the_oldest_go_past_the_limit)
{
    uint32_t kept_late = 0;

    for (uint32_t i = 0; i < OBJECT_COUNT; i++)
        put(i, LIMIT_BYTES);
    ck_assert_uint_lt(folder_bytes(false), 5 * LIMIT_BYTES);
    ck_assert_uint_gt(folder_bytes(false), LIMIT_BYTES / 2);
    for (uint32_t i = OBJECT_COUNT - 50; i < OBJECT_COUNT; i++)
        kept_late += has(i, "a cpu");
    ck_assert_uint_eq(kept_late, 50);
    ck_assert(!has(0, "a cpu"));
    put(OBJECT_COUNT, OBJECT_BYTES - 1); /* larger than all that may be kept */
    ck_assert(!has(OBJECT_COUNT, "a cpu"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("code_disk");
    TCase *tests = tcase_create("code_disk");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, objects_come_back_for_their_target);
    tcase_add_test(tests, the_oldest_go_past_the_limit);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
