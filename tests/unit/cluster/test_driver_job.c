/* test_driver_job.c -- jobs and packages of drivers, whole and damaged */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/driver_job.h"

static Arena *arena;
static char folder[] = "/tmp/test_driver_job.XXXXXX";

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    static const char *const names[] = {"in", "a", "b"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(arena_printf(arena, "%s/%s", folder, names[i]));
    rmdir(folder);
    arena_free(arena);
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static WireBytes job_bytes(void)
{
    const char *const words[] = {"--set", "threads=2", "./job.so", ""};
    DriverJob job = {
        .name = "count", .is_supervised = true, .word_count = 4, .words = words, .package = {1, 2}};
    WireBytes bytes;

    ck_assert_int_eq(driver_job_write(&job, arena, NULL, &bytes), ST_OK);
    return bytes;
}

START_TEST(test_job)
{
    DriverJob job;

    ck_assert_int_eq(driver_job_read(job_bytes(), arena, NULL, &job), ST_OK);
    ck_assert_str_eq(job.name, "count");
    ck_assert(job.is_supervised);
    ck_assert_uint_eq(job.word_count, 4);
    ck_assert_str_eq(job.words[1], "threads=2");
    ck_assert_str_eq(job.words[3], "");
    ck_assert_uint_eq(job.package.high, 2);
}
END_TEST

START_TEST(test_damaged_job)
{
    WireBytes whole = job_bytes();
    unsigned char *bytes = arena_copy(arena, whole.bytes, whole.byte_count);
    DriverJob job;

    for (size_t length = 0; length < whole.byte_count; length++)
        ck_assert_int_ne(driver_job_read((WireBytes){bytes, length}, arena, NULL, &job), ST_OK);
    for (size_t at = 0; at < whole.byte_count; at++) {
        bytes[at] ^= 0x10;
        (void)!driver_job_read((WireBytes){bytes, whole.byte_count}, arena, NULL, &job);
        bytes[at] ^= 0x10;
    }
}
END_TEST

START_TEST(test_large_job)
{
    static char text[DRIVER_JOB_BYTES_MAX + 1];
    const char *const words[] = {text};
    DriverJob job = {.name = "", .word_count = 1, .words = words};
    WireBytes bytes;

    memset(text, 'x', sizeof text - 1);
    ck_assert_int_eq(driver_job_write(&job, arena, NULL, &bytes), ST_BAD_INPUT);
    job.word_count = DRIVER_WORDS_MAX + 1;
    ck_assert_int_eq(driver_job_write(&job, arena, NULL, &bytes), ST_BAD_INPUT);
}
END_TEST

START_TEST(test_package)
{
    const char *in = write_file("in", "some\ntext");
    DriverFile files[] = {{"a", in}, {"b", "/dev/null"}};
    WireBytes package;
    char text[16] = "";
    FILE *file;
    Error err;

    ck_assert_int_eq(driver_package_write(files, 2, arena, &err, &package), ST_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "no plain file"));
    files[1].path = in;
    ck_assert_int_eq(driver_package_write(files, 2, arena, &err, &package), ST_OK);
    ck_assert_int_eq(driver_package_unpack(package, folder, &err), ST_OK);
    file = fopen(arena_printf(arena, "%s/a", folder), "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(text, 1, sizeof text, file), 9);
    ck_assert_str_eq(text, "some\ntext");
    fclose(file);
}
END_TEST

/* Nothing leaves the folder. */
START_TEST(test_names)
{
    static const char *const wrong[] = {"", ".", "..", "../a", "/tmp/a", "b/c"};
    const char *in = write_file("in", "text");

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        DriverFile file = {wrong[i], in};
        WireBytes package;

        ck_assert_int_eq(driver_package_write(&file, 1, arena, NULL, &package), ST_OK);
        ck_assert_int_eq(driver_package_unpack(package, folder, NULL), ST_CORRUPT);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("driver_job");
    Suite *suite = suite_create("driver_job");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_job);
    tcase_add_test(cases, test_damaged_job);
    tcase_add_test(cases, test_large_job);
    tcase_add_test(cases, test_package);
    tcase_add_test(cases, test_names);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
