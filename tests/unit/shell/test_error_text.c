/*
 * test_error_text.c -- errors with their line and caret; the progress line; options
 */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "shell/error_text.h"
#include "shell/progress.h"
#include "shell/sql_options.h"

static Arena *arena;

static void set_up(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
}

static void tear_down(void)
{
    arena_free(arena);
}

static const char *shown(const char *file, const char *text, size_t start, int32_t offset)
{
    SourceText source = {.file = file, .text = text, .bytes = strlen(text), .first_line = 1};
    Error err = ERROR_NONE;
    StrBuf buf = {.arena = arena};

    (void)!error_set(&err, ST_BAD_INPUT, "it is wrong");
    error_at(&err, offset);
    error_text_add(&buf, &err, &source, start, false);
    return strbuf_text(&buf);
}

START_TEST(test_caret)
{
    ck_assert_str_eq(shown(NULL, "select x", 0, 7), "ERROR:  it is wrong\n"
                                                    "LINE 1: select x\n"
                                                    "               ^\n");
}
END_TEST

START_TEST(test_caret_in_second_statement)
{
    ck_assert_str_eq(shown(NULL, "select 1;\n\tselect '\xe6\xbc\xa2', x", 11, 14),
                     "ERROR:  it is wrong\n"
                     "LINE 2:     select '\xe6\xbc\xa2', x\n"
                     "                         ^\n");
}
END_TEST

START_TEST(test_file_and_line)
{
    ck_assert_str_eq(shown("a.sql", "\n\nselect", 2, -1), "vonk:a.sql:3: ERROR:  it is wrong\n");
}
END_TEST

START_TEST(test_long_line)
{
    char text[2000];
    const char *lines;

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    lines = shown(NULL, text, 0, 1000);
    ck_assert_uint_lt(strlen(lines), 400);
    ck_assert_ptr_nonnull(strstr(lines, "LINE 1: ...xxx"));
    ck_assert_ptr_nonnull(strstr(lines, "xxx...\n"));
}
END_TEST

START_TEST(test_offset_past_the_end)
{
    ck_assert_str_eq(shown(NULL, "select", 0, 100), "ERROR:  it is wrong\n"
                                                    "LINE 1: select\n"
                                                    "              ^\n");
}
END_TEST

START_TEST(test_detail_and_hint)
{
    Error err = ERROR_NONE;
    StrBuf buf = {.arena = arena};

    (void)!error_set(&err, ST_BAD_INPUT, "a\x1b[0m");
    error_detail(&err, "d");
    error_hint(&err, "h");
    error_text_add(&buf, &err, NULL, 0, false);
    ck_assert_str_eq(strbuf_text(&buf), "ERROR:  a\\x1B[0m\nDETAIL:  d\nHINT:  h\n");
}
END_TEST

START_TEST(test_progress_line)
{
    ExecProgress seen = {.rows_done = 12345678, .bytes_done = 600000000, .bytes_total = 1200000000};
    char line[256];

    progress_line(seen, 4, 200, line, sizeof line);
    ck_assert_str_eq(line, " [============>           ]  50%  12.3M rows  600.0 MB of 1.20 GB  "
                           "4 s left");
    progress_line((ExecProgress){.rows_done = 7}, 2, 200, line, sizeof line);
    ck_assert_str_eq(line, " 7 rows  2 s");
    progress_line(seen, 4, 10, line, sizeof line);
    ck_assert_uint_eq(strlen(line), 10);
}
END_TEST

static bool parse(SqlOptions *options, int argc, const char *const *words)
{
    char **argv = ARENA_ARRAY(arena, char *, (size_t)argc + 1);

    for (int i = 0; i < argc; i++)
        argv[i] = arena_strdup(arena, words[i]);
    return sql_options_parse(arena, argc, argv, options);
}

START_TEST(test_options)
{
    static const char *const words[] = {"sql", "-c",       "select 1", "dir",     "--format=csv",
                                        "-f",  "x.sql",    "--set",    "a=b=c",   "--threads",
                                        "3",   "--timing", "--master", "local[2]"};
    SqlOptions options;

    ck_assert(parse(&options, 14, words));
    ck_assert_str_eq(options.database, "dir");
    ck_assert_int_eq(options.format, OUTPUT_CSV);
    ck_assert_uint_eq(options.job_count, 2);
    ck_assert(!options.jobs[0].is_file && options.jobs[1].is_file);
    ck_assert_uint_eq(options.setting_count, 3);
    ck_assert_str_eq(options.settings[0].name, "a");
    ck_assert_str_eq(options.settings[0].value, "b=c");
    ck_assert_str_eq(options.settings[1].value, "3");
    ck_assert_str_eq(options.settings[2].value, "2");
    ck_assert(options.has_timing);
}
END_TEST

START_TEST(test_wrong_options)
{
    static const char *const wrong[][4] = {{"sql", "--nonsense"},
                                           {"sql", "-c"},
                                           {"sql", "--format", "xml"},
                                           {"sql", "--set", "a"},
                                           {"sql", "--set", "=a"},
                                           {"sql", "a", "b"},
                                           {"sql", "--master", "spark://x:1"}};
    static const int counts[] = {2, 2, 3, 3, 3, 3, 3};
    SqlOptions options;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        ck_assert(!parse(&options, counts[i], wrong[i]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error_text");
    TCase *cases = tcase_create("error_text");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_caret);
    tcase_add_test(cases, test_caret_in_second_statement);
    tcase_add_test(cases, test_file_and_line);
    tcase_add_test(cases, test_long_line);
    tcase_add_test(cases, test_offset_past_the_end);
    tcase_add_test(cases, test_detail_and_hint);
    tcase_add_test(cases, test_progress_line);
    tcase_add_test(cases, test_options);
    tcase_add_test(cases, test_wrong_options);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
