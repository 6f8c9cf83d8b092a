/* test_event_log.c -- lines of JSON: what is kept, what is in the file, who may read it */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/rdd/event_log.h"

static Arena *arena;
static char folder[64];

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    strcpy(folder, "/tmp/vonk-events-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    arena_free(arena);
}

static void say(EventLog *log, int64_t number, const char *text)
{
    event_begin(log, "test");
    event_number(log, "number", number);
    event_text(log, "text", text);
    event_end(log);
}

/* The folder's only file. */
static char *file_text(const char *in, size_t *byte_count_out)
{
    char command[160];
    char *text = arena_alloc(arena, 1 << 24);
    FILE *pipe;

    snprintf(command, sizeof command, "cat '%s'/vonk-*.jsonl", in);
    pipe = popen(command, "r");
    *byte_count_out = fread(text, 1, (1 << 24) - 1, pipe);
    ck_assert_int_eq(pclose(pipe), 0);
    return text;
}

START_TEST(test_a_line)
{
    EventLog *log = event_log_new();
    int64_t numbers[] = {1, 22};
    const char *text;

    event_begin(log, "test");
    event_text(log, "text", "a \"b\"\n");
    event_text(log, "nothing", NULL);
    event_numbers(log, "numbers", 2, numbers);
    event_hash(log, "hash", 0xab);
    event_hash(log, "no_hash", 0);
    event_end(log);
    text = event_log_kept(log, arena).bytes;
    ck_assert_ptr_nonnull(strstr(text, "{\"event\": \"test\", \"time_ms\": "));
    ck_assert_ptr_nonnull(strstr(text, ", \"text\": \"a \\\"b\\\"\\n\", \"numbers\": [1, 22], "
                                       "\"hash\": \"00000000000000ab\"}\n"));
    event_log_free(log);
}
END_TEST

/* Whole lines, the last ones; the file has all. */
START_TEST(test_what_is_kept)
{
    enum { EVENTS = 40000 };
    EventLog *log = event_log_new();
    Error err = ERROR_NONE;
    size_t file_bytes, lines = 0;
    const char *text;
    WireBytes kept;

    ck_assert_int_eq(event_log_to_folder(log, folder, &err), ST_OK);
    for (int i = 1; i <= EVENTS; i++)
        say(log, i, "some text, for the length");
    kept = event_log_kept(log, arena);
    ck_assert_uint_le(kept.byte_count, EVENT_LOG_KEPT_BYTES);
    ck_assert_uint_gt(kept.byte_count, EVENT_LOG_KEPT_BYTES / 2);
    ck_assert_int_eq(memcmp(kept.bytes, "{\"event\"", 8), 0);
    event_log_flush(log);
    text = file_text(folder, &file_bytes);
    ck_assert_uint_gt(file_bytes, kept.byte_count);
    ck_assert_int_eq(memcmp(text + file_bytes - kept.byte_count, kept.bytes, kept.byte_count), 0);
    for (size_t i = 0; i < file_bytes; i++)
        lines += text[i] == '\n';
    ck_assert_uint_eq(lines, EVENTS);
    event_log_free(log);
}
END_TEST

/* One that is larger than all that is kept. */
START_TEST(test_a_long_line)
{
    EventLog *log = event_log_new();
    char *text = arena_alloc(arena, 2 * EVENT_LOG_KEPT_BYTES);

    memset(text, 'x', 2 * EVENT_LOG_KEPT_BYTES - 1);
    say(log, 1, "short");
    say(log, 2, text);
    say(log, 3, "short");
    ck_assert_uint_lt(event_log_kept(log, arena).byte_count, 1000);
    event_log_free(log);
}
END_TEST

static void *say_many(void *log)
{
    for (int i = 0; i < 1000; i++)
        say(log, i, "by a thread");
    return NULL;
}

START_TEST(test_threads)
{
    EventLog *log = event_log_new();
    Error err = ERROR_NONE;
    pthread_t threads[4];
    size_t byte_count, lines = 0;
    const char *text;

    ck_assert_int_eq(event_log_to_folder(log, folder, &err), ST_OK);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, say_many, log);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    event_log_free(log);
    text = file_text(folder, &byte_count);
    for (const char *at = text; at < text + byte_count; at = strchr(at, '\n') + 1, lines++)
        ck_assert_int_eq(memcmp(at, "{\"event\": \"test\"", 16), 0);
    ck_assert_uint_eq(lines, 4000);
}
END_TEST

START_TEST(test_the_file)
{
    const char *deeper = arena_printf(arena, "%s/logs", folder);
    EventLog *log = event_log_new();
    Error err = ERROR_NONE;
    struct stat info;
    size_t byte_count;

    ck_assert_int_eq(event_log_to_folder(log, deeper, &err), ST_OK);
    say(log, 1, "x");
    event_log_free(log);
    ck_assert_int_eq(stat(deeper, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0700);
    (void)file_text(deeper, &byte_count);
    ck_assert_uint_gt(byte_count, 0);

    log = event_log_new();
    ck_assert_int_eq(event_log_to_folder(log, "/proc/no-folder", &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "/proc/no-folder"));
    say(log, 1, "goes on");
    event_log_free(log);
}
END_TEST

/* A file that may not grow: the log goes on in memory. */
START_TEST(test_a_full_disk)
{
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    EventLog *log = event_log_new();
    Error err = ERROR_NONE;
    size_t byte_count;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(event_log_to_folder(log, folder, &err), ST_OK);
    for (int i = 0; i < 1000; i++)
        say(log, i, "more than a buffer");
    event_log_flush(log);
    say(log, 1, "goes on");
    ck_assert_ptr_nonnull(strstr(event_log_kept(log, arena).bytes, "goes on"));
    event_log_free(log);
    (void)file_text(folder, &byte_count);
    ck_assert_uint_le(byte_count, 4096);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event_log");
    TCase *cases = tcase_create("event_log");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_a_line);
    tcase_add_test(cases, test_what_is_kept);
    tcase_add_test(cases, test_a_long_line);
    tcase_add_test(cases, test_threads);
    tcase_add_test(cases, test_the_file);
    tcase_add_test(cases, test_a_full_disk);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
