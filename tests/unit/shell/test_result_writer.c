/*
 * test_result_writer.c -- one small result in every format
 */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/result_writer.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

static Arena *arena;
static Output output;
static int read_fd;
static char text[TEXT_BYTES_MAX];

static void set_up(void)
{
    int fds[2];

    setlocale(LC_CTYPE, "C.UTF-8");
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    ck_assert_int_eq(pipe(fds), 0);
    read_fd = fds[0];
    output_init(&output, fds[1], "the pipe");
    output.owns_fd = true;
}

static void tear_down(void)
{
    close(read_fd);
    arena_free(arena);
}

static const char *written(void)
{
    size_t length = 0;
    ssize_t n;

    ck_assert_int_eq(output_fini(&output, NULL), ST_OK);
    while ((n = read(read_fd, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    return text;
}

static Value timestamp_value(int64_t micros)
{
    return (Value){.type = type_of(TYPE_TIMESTAMP), .int64 = micros};
}

static Value char_value(const char *chars, int32_t length)
{
    Value value = value_text(arena, chars);

    value.type = (Type){.id = TYPE_CHAR, .length = length};
    return value;
}

static WriterStyle style_of(OutputFormat format)
{
    return (WriterStyle){.format = format, .null_text = "NULL"};
}

/* rows of column_count values each, one batch a row */
static void write_rows(WriterStyle style, uint32_t column_count, const char *const *names,
                       uint32_t row_count, const Value *values)
{
    PlanColumn *columns = ARENA_ARRAY(arena, PlanColumn, column_count);
    Column *row_columns = ARENA_ARRAY(arena, Column, column_count);
    ResultWriter *writer;

    for (uint32_t i = 0; i < column_count; i++)
        columns[i] = (PlanColumn){.name = names[i],
                                  .type = row_count > 0 ? values[i].type : type_of(TYPE_TEXT)};
    writer = result_writer_new(arena, &output, style, column_count, columns);
    for (uint32_t row = 0; row < row_count; row++) {
        for (uint32_t i = 0; i < column_count; i++)
            row_columns[i] = value_as_column(&values[row * column_count + i]);
        result_writer_add(writer, &(Batch){.column_count = column_count,
                                           .row_count = 1,
                                           .selected_count = 1,
                                           .columns = row_columns});
    }
    result_writer_end(writer);
}

static const char *const names4[] = {"id", "na,me", "n", "ok"};

/* 1, a"b, 1.50, t / 20, '', NULL, NULL */
static void write_sample(WriterStyle style)
{
    Value values[] = {value_int4(1),
                      value_text(arena, "a\"b"),
                      value_decimal(150, 5, 2),
                      value_bool(true),
                      value_int4(20),
                      value_text(arena, ""),
                      value_null(type_decimal(5, 2)),
                      value_null(type_of(TYPE_BOOL))};

    write_rows(style, 4, names4, 2, values);
}

START_TEST(test_csv)
{
    write_sample(style_of(OUTPUT_CSV));
    ck_assert_str_eq(written(), "id,\"na,me\",n,ok\n1,\"a\"\"b\",1.50,true\n20,\"\",,\n");
}
END_TEST

START_TEST(test_tsv)
{
    write_sample(style_of(OUTPUT_TSV));
    ck_assert_str_eq(written(), "id\tna,me\tn\tok\n1\ta\"b\t1.50\ttrue\n20\t\t\\N\t\\N\n");
}
END_TEST

START_TEST(test_json)
{
    write_sample(style_of(OUTPUT_JSON));
    ck_assert_str_eq(written(), "[{\"id\":1,\"na,me\":\"a\\\"b\",\"n\":1.50,\"ok\":true},\n"
                                " {\"id\":20,\"na,me\":\"\",\"n\":null,\"ok\":null}]\n");
}
END_TEST

START_TEST(test_jsonl)
{
    Value values[] = {value_float8(NAN), value_float8(-INFINITY), timestamp_value(0),
                      value_text(arena, "\x01\n\xc3\xa9")};
    static const char *const names[] = {"a", "b", "c", "d"};

    write_rows(style_of(OUTPUT_JSONL), 4, names, 1, values);
    ck_assert_str_eq(written(), "{\"a\":\"NaN\",\"b\":\"-Infinity\",\"c\":\"1970-01-01T00:00:00\","
                                "\"d\":\"\\u0001\\n\xc3\xa9\"}\n");
}
END_TEST

START_TEST(test_empty_json)
{
    write_rows(style_of(OUTPUT_JSON), 1, names4, 0, NULL);
    ck_assert_str_eq(written(), "[]\n");
}
END_TEST

START_TEST(test_markdown)
{
    Value values[] = {value_int4(1), value_text(arena, "a|b\nc"), value_null(type_of(TYPE_TEXT))};
    static const char *const names[] = {"n", "t", "u"};

    write_rows(style_of(OUTPUT_MARKDOWN), 3, names, 1, values);
    ck_assert_str_eq(written(), "| n | t | u |\n|---:|---|---|\n| 1 | a\\|b<br>c | NULL |\n");
}
END_TEST

START_TEST(test_none)
{
    write_sample(style_of(OUTPUT_NONE));
    ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(test_plain)
{
    write_sample(style_of(OUTPUT_PLAIN));
    ck_assert_str_eq(written(), "1\ta\"b\t1.50\ttrue\n20\t\t\t\n");
}
END_TEST

START_TEST(test_table)
{
    write_sample(style_of(OUTPUT_TABLE));
    ck_assert_str_eq(written(), " id | na,me |  n   |  ok  \n"
                                "----+-------+------+------\n"
                                "  1 | a\"b   | 1.50 | t\n"
                                " 20 |       | NULL | NULL\n"
                                "(2 rows)\n\n");
}
END_TEST

START_TEST(test_expanded_table)
{
    WriterStyle style = style_of(OUTPUT_TABLE);

    style.expand = EXPAND_ON;
    write_sample(style);
    ck_assert_str_eq(written(), "-[ RECORD 1 ]\n"
                                "id    | 1\n"
                                "na,me | a\"b\n"
                                "n     | 1.50\n"
                                "ok    | t\n"
                                "-[ RECORD 2 ]\n"
                                "id    | 20\n"
                                "na,me |\n"
                                "n     | NULL\n"
                                "ok    | NULL\n"
                                "\n");
}
END_TEST

START_TEST(test_table_lines_and_controls)
{
    Value values[] = {value_text(arena, "a\nbcd"), value_int4(1),
                      value_text(arena, "\x1b[31m\xc3\xa9\xe6\xbc\xa2"), value_int4(-12)};
    static const char *const names[] = {"t", "n"};

    write_rows(style_of(OUTPUT_TABLE), 2, names, 2, values);
    ck_assert_str_eq(written(), "      t      |  n  \n"
                                "-------------+-----\n"
                                " a          +|   1\n"
                                " bcd         |    \n"
                                " \\x1B[31m\xc3\xa9\xe6\xbc\xa2 | -12\n"
                                "(2 rows)\n\n");
}
END_TEST

START_TEST(test_empty_table)
{
    write_rows(style_of(OUTPUT_TABLE), 2, names4, 0, NULL);
    ck_assert_str_eq(written(), " id | na,me \n----+-------\n(0 rows)\n\n");
}
END_TEST

START_TEST(test_table_without_columns)
{
    write_rows(style_of(OUTPUT_TABLE), 0, NULL, 1, NULL);
    ck_assert_ptr_nonnull(strstr(written(), "(1 row)"));
}
END_TEST

START_TEST(test_table_fits_terminal)
{
    Value values[] = {value_int4(1234567), value_text(arena, "a text that is far too wide for it"),
                      value_text(arena, "short")};
    static const char *const names[] = {"n", "wide", "s"};
    WriterStyle style = style_of(OUTPUT_TABLE);

    style.terminal_width = 40;
    style.expand = EXPAND_AUTO;
    write_rows(style, 3, names, 1, values);
    ck_assert_str_eq(written(), "    n    |         wide         |   s   \n"
                                "---------+----------------------+-------\n"
                                " 1234567 | a text that is far \xe2\x80\xa6 | short\n"
                                "(1 row) (values are cut to fit: \\x shows them whole)\n\n");
}
END_TEST

START_TEST(test_table_that_cannot_fit_is_expanded)
{
    Value values[] = {value_text(arena, "a text that is far too wide"),
                      value_text(arena, "another text of that kind")};
    static const char *const names[] = {"a", "b"};
    WriterStyle style = style_of(OUTPUT_TABLE);

    style.terminal_width = 20;
    style.expand = EXPAND_AUTO;
    write_rows(style, 2, names, 1, values);
    ck_assert_str_eq(written(), "-[ RECORD 1 ]------------------\n"
                                "a | a text that is far too wide\n"
                                "b | another text of that kind\n\n");
}
END_TEST

START_TEST(test_char_is_padded)
{
    Value values[] = {char_value("\xc3\xa9", 3)};

    write_rows(style_of(OUTPUT_CSV), 1, names4, 1, values);
    ck_assert_str_eq(written(), "id\n\xc3\xa9  \n");
}
END_TEST

/* More than is held: later rows are written with the widths of the first. */
START_TEST(test_long_table)
{
    Value values[2] = {value_text(arena, "x"), value_int4(1)};
    static const char *const names[] = {"t", "n"};
    PlanColumn columns[] = {{.name = names[0], .type = values[0].type},
                            {.name = names[1], .type = values[1].type}};
    Column row_columns[] = {value_as_column(&values[0]), value_as_column(&values[1])};
    Output nowhere;
    ResultWriter *writer;

    row_columns[0].form = COLUMN_CONST;
    ck_assert_int_eq(output_init_file(&nowhere, "/dev/null", NULL), ST_OK);
    writer = result_writer_new(arena, &nowhere, style_of(OUTPUT_TABLE), 2, columns);
    for (int i = 0; i < 100; i++)
        result_writer_add(writer, &(Batch){.column_count = 2,
                                           .row_count = BATCH_ROWS_MAX,
                                           .selected_count = BATCH_ROWS_MAX,
                                           .columns = row_columns});
    result_writer_end(writer);
    ck_assert_uint_eq(writer->row_count, 100 * BATCH_ROWS_MAX);
    ck_assert_uint_lt(arena_used_bytes(arena), 1 << 20);
    ck_assert_int_eq(output_fini(&nowhere, NULL), ST_OK);
}
END_TEST

START_TEST(test_full_disk)
{
    Output full;
    Error err = ERROR_NONE;

    ck_assert_int_eq(output_init_file(&full, "/dev/full", &err), ST_OK);
    output_puts(&full, "x");
    ck_assert_int_eq(output_fini(&full, &err), ST_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "/dev/full"));
}
END_TEST

START_TEST(test_formats)
{
    OutputFormat format;

    for (int i = 0; i < OUTPUT_FORMAT_COUNT; i++) {
        ck_assert(output_format_find(output_format_name((OutputFormat)i), &format));
        ck_assert_int_eq(format, i);
    }
    ck_assert(!output_format_find("xml", &format));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("result_writer");
    TCase *cases = tcase_create("result_writer");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_csv);
    tcase_add_test(cases, test_tsv);
    tcase_add_test(cases, test_json);
    tcase_add_test(cases, test_jsonl);
    tcase_add_test(cases, test_empty_json);
    tcase_add_test(cases, test_markdown);
    tcase_add_test(cases, test_none);
    tcase_add_test(cases, test_plain);
    tcase_add_test(cases, test_table);
    tcase_add_test(cases, test_expanded_table);
    tcase_add_test(cases, test_table_lines_and_controls);
    tcase_add_test(cases, test_empty_table);
    tcase_add_test(cases, test_table_without_columns);
    tcase_add_test(cases, test_table_fits_terminal);
    tcase_add_test(cases, test_table_that_cannot_fit_is_expanded);
    tcase_add_test(cases, test_char_is_padded);
    tcase_add_test(cases, test_long_table);
    tcase_add_test(cases, test_full_disk);
    tcase_add_test(cases, test_formats);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
