/* test_log_file.c -- logs are turned over, and the oldest goes */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/log_file.h"

enum { PIECE = 1 << 20, PIECES_A_FILE = LOG_FILE_BYTES / PIECE };

static char folder[64], path[96], piece[PIECE];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/vonk-test-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
}

static const char *name_of(int number)
{
    static char name[128];

    snprintf(name, sizeof name, number == 0 ? "%s" : "%s.%d", path, number);
    return name;
}

static void tear_down(void)
{
    for (int i = 0; i <= LOG_FILES_KEPT; i++)
        unlink(name_of(i));
    ck_assert_int_eq(rmdir(folder), 0); /* there is no other */
}

/* The file's first character, and its size; -1: there is none. */
static int64_t size_of(int number, char *first_out)
{
    struct stat file;
    int fd = open(name_of(number), O_RDONLY);

    if (fd < 0)
        return -1;
    ck_assert_int_eq(fstat(fd, &file), 0);
    ck_assert_int_eq(file.st_mode & 0777, 0600);
    ck_assert_int_eq(read(fd, first_out, 1), file.st_size > 0);
    close(fd);
    return file.st_size;
}

static void add_pieces(LogFile *log, char letter, int count)
{
    memset(piece, letter, sizeof piece);
    for (int i = 0; i < count; i++)
        log_file_add(log, piece, sizeof piece);
}

START_TEST(the_oldest_goes)
{
    Error err = ERROR_NONE;
    LogFile log;
    char first;

    ck_assert_int_eq(log_file_open(&log, path, &err), ST_OK);
    add_pieces(&log, 'a', PIECES_A_FILE);
    ck_assert_int_eq(size_of(1, &first), -1);
    for (char letter = 'b'; letter <= 'd'; letter++)
        add_pieces(&log, letter, PIECES_A_FILE);
    add_pieces(&log, 'e', 1);
    log_file_close(&log);
    ck_assert_int_eq(size_of(0, &first), PIECE);
    ck_assert_int_eq(first, 'e');
    ck_assert_int_eq(size_of(1, &first), LOG_FILE_BYTES);
    ck_assert_int_eq(first, 'd');
    ck_assert_int_eq(size_of(2, &first), LOG_FILE_BYTES);
    ck_assert_int_eq(first, 'c');
}
END_TEST

START_TEST(what_is_there_is_appended_to)
{
    Error err = ERROR_NONE;
    LogFile log;
    char first;

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(log_file_open(&log, path, &err), ST_OK);
        log_file_add(&log, "a line\n", 7);
        log_file_close(&log);
        ck_assert_int_eq(size_of(0, &first), (i + 1) * 7);
    }
}
END_TEST

START_TEST(no_link_is_followed)
{
    Error err = ERROR_NONE;
    LogFile log;

    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert_int_ne(log_file_open(&log, path, &err), ST_OK);
    ck_assert_ptr_nonnull(strstr(err.message, path));
}
END_TEST

/* What a process says on its standard error: so in one of its own. */
START_TEST(output_is_turned_over)
{
    pid_t child = fork();
    char first;
    int status;

    if (child == 0) {
        Error err = ERROR_NONE;
        LogFile log;

        if (log_file_become_output(&log, path, &err) != ST_OK)
            _exit(1);
        memset(piece, 'a', sizeof piece);
        for (int i = 0; i < PIECES_A_FILE; i++) {
            log_file_follow(&log); /* not yet */
            if (write(STDERR_FILENO, piece, sizeof piece) != (ssize_t)sizeof piece)
                _exit(2);
        }
        log_file_follow(&log);
        _exit(write(STDOUT_FILENO, "b", 1) == 1 ? 0 : 3);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(size_of(0, &first), 1);
    ck_assert_int_eq(first, 'b');
    ck_assert_int_eq(size_of(1, &first), LOG_FILE_BYTES);
    ck_assert_int_eq(first, 'a');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_file");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_oldest_goes);
    tcase_add_test(tcase, what_is_there_is_appended_to);
    tcase_add_test(tcase, no_link_is_followed);
    tcase_add_test(tcase, output_is_turned_over);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
