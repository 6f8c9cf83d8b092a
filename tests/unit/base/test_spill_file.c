/* test_spill_file.c -- what is spilled comes back, and is not to be read in the file */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/spill_file.h"

enum { BYTES = 300000 };

static char folder[64], text[BYTES], back[BYTES];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/vonk-spill-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < BYTES; i++)
        text[i] = "the secret is out "[i % 18];
}

static void teardown(void)
{
    ck_assert_int_eq(rmdir(folder), 0);
}

/* The file without a name in `folder`. */
static int open_again(void)
{
    char path[64], target[256];

    for (int fd = 3; fd < 256; fd++) {
        ssize_t length;

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        if (strncmp(target, folder, strlen(folder)) == 0)
            return open(path, O_RDWR);
    }
    ck_abort_msg("there is no spill file");
    return -1;
}

static bool is_readable_in_file(void)
{
    char *bytes = malloc(1 << 20);
    int fd = open_again();
    ssize_t got = pread(fd, bytes, 1 << 20, 0);
    bool is_found = got > 0 && memmem(bytes, (size_t)got, "secret", 6) != NULL;

    ck_assert_int_gt(got, 0);
    close(fd);
    free(bytes);
    return is_found;
}

/* Places of all lengths and alignments; in pieces; not a byte more. */
static void write_and_read(SpillFile *file)
{
    static const size_t lengths[] = {1, 15, 16, 17, 4096, 70001, BYTES};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint64_t at = spill_file_reserve(file, lengths[i] + 100) + i * 3;
        size_t half = lengths[i] / 2;

        ck_assert_int_eq(spill_file_write(file, at, text, half, NULL), ST_OK);
        ck_assert_int_eq(spill_file_write(file, at + half, text + half, lengths[i] - half, NULL),
                         ST_OK);
        memset(back, 0, sizeof back);
        ck_assert_int_eq(spill_file_read(file, at, back, lengths[i], NULL), ST_OK);
        ck_assert_int_eq(memcmp(back, text, lengths[i]), 0);
        memset(back, 0, sizeof back);
        ck_assert_int_eq(spill_file_read(file, at + half, back, lengths[i] - half, NULL), ST_OK);
        ck_assert_int_eq(memcmp(back, text + half, lengths[i] - half), 0);
    }
}

START_TEST(plain)
{
    SpillFile *file = spill_file_new(folder);

    write_and_read(file);
    ck_assert(is_readable_in_file());
    spill_file_free(file);
}
END_TEST

static void read_place(char *to)
{
    int fd = open_again();

    ck_assert_int_eq(pread(fd, to, 64, 0), 64);
    close(fd);
}

/* The same bytes at the same place are other ones in the file each time. */
START_TEST(encrypted)
{
    SpillFile *file = spill_file_new(folder);
    char places[3][64];
    Error err = ERROR_NONE;

    ck_assert_msg(spill_files_encrypt(&err) == ST_OK, "%s", err.message);
    for (int i = 0; i < 2; i++) {
        write_and_read(file);
        ck_assert(!is_readable_in_file());
        spill_file_clear(file);
        ck_assert_uint_eq(spill_file_reserve(file, 64), 0);
        ck_assert_int_eq(spill_file_write(file, 0, text, 64, NULL), ST_OK);
        read_place(places[i]);
        spill_file_clear(file);
    }
    spill_file_free(file);
    file = spill_file_new(folder);
    ck_assert_int_eq(spill_file_write(file, 0, text, 64, NULL), ST_OK);
    read_place(places[2]);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(memcmp(places[i], places[j], 64), 0);
    spill_file_free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spill_file");
    TCase *tcase = tcase_create("spill_file");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, plain);
    tcase_add_test(tcase, encrypted);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
