/* test_log.c -- log.h and clock.h */
#include "core/base/log.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"

/* Runs log_line with standard error caught; the text lives until the next call. */
static const char *caught_line(LogLevel level, const char *text)
{
    static char buffer[4096];
    int pipe_ends[2], saved = dup(STDERR_FILENO);
    ssize_t length;

    ck_assert_int_eq(pipe(pipe_ends), 0);
    ck_assert_int_eq(fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK), 0);
    dup2(pipe_ends[1], STDERR_FILENO);
    log_line(level, "test", "%s", text);
    dup2(saved, STDERR_FILENO);
    length = read(pipe_ends[0], buffer, sizeof(buffer) - 1);
    buffer[length < 0 ? 0 : length] = '\0';
    close(saved);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return buffer;
}

START_TEST(levels)
{
    LogLevel level;

    ck_assert_int_eq(log_level(), LOG_WARN);
    ck_assert_str_eq(caught_line(LOG_INFO, "quiet"), "");
    ck_assert_ptr_nonnull(strstr(caught_line(LOG_WARN, "loud"), "WARN  test: loud\n"));
    ck_assert(log_level_parse("Debug", &level));
    ck_assert_int_eq(level, LOG_DEBUG);
    ck_assert(!log_level_parse("verbose", &level));
    log_set_level(LOG_OFF);
    ck_assert_str_eq(caught_line(LOG_ERROR, "never"), "");
}
END_TEST

START_TEST(one_line)
{
    char text[3000];
    const char *line;

    memset(text, 'x', sizeof(text));
    text[10] = '\n';
    text[sizeof(text) - 1] = '\0';
    line = caught_line(LOG_ERROR, text);
    ck_assert_uint_lt(strlen(line), 1200);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(time_goes_forward)
{
    int64_t start = clock_now_ns();

    ck_assert_int_gt(start, 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_now_ns();

        ck_assert_int_ge(now, start);
        start = now;
    }
    ck_assert_int_ge(clock_thread_cpu_ns(), 0);
    ck_assert_double_eq(clock_ms(2500000), 2.5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, levels);
    tcase_add_test(tcase, one_line);
    tcase_add_test(tcase, time_goes_forward);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
