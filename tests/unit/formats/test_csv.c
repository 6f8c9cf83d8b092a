/* test_csv.c -- CSV files in and out: dialects, types, quotes over split borders, errors */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/data/value_text.h"
#include "formats/format.h"

static char folder[64];
static MemPool *pool;
static Arena *arena;

static void setup(void)
{
    strcpy(folder, "/tmp/vonk-csv-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
}

static void teardown(void)
{
    char command[128];

    ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    mem_pool_free(pool);
    arena_free(arena);
    snprintf(command, sizeof command, "%s/x.csv", folder);
    unlink(command);
    rmdir(folder);
}

static const char *write_file(const char *text, size_t bytes)
{
    const char *path = arena_printf(arena, "%s/x.csv", folder);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, bytes, file), bytes);
    fclose(file);
    return path;
}

static Table *open_text(const char *text, OptionList options)
{
    Table *table;
    Error error;

    ck_assert_msg(format_csv.open(1, (const char *[]){write_file(text, strlen(text))}, options,
                                  pool, &error, &table) == ST_OK,
                  "%s", error.message);
    return table;
}

/* All rows as "a|b\n", NULL as ~, read in splits of target_bytes and batches of batch_rows. */
static Status dump(Table *table, uint64_t target_bytes, uint32_t batch_rows, Error *err,
                   const char **text_out)
{
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, table->column_count);
    ScanRequest request = {.column_count = table->column_count,
                           .columns = columns,
                           .batch_rows = batch_rows,
                           .pool = pool};
    StrBuf buf = {.arena = arena};
    const Split *splits;
    uint32_t split_count;

    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = i;
    TRY(table->class->splits(table, arena, target_bytes, err, &split_count, &splits));
    for (uint32_t i = 0; i < split_count; i++) {
        TableScan *scan;
        Batch batch = {.row_count = 1};
        Status status = table->class->scan_open(table, &splits[i], &request, err, &scan);
        bool exact;

        while (status == ST_OK && batch.row_count > 0) {
            status = table->class->scan_next(scan, err, &batch, &exact);
            for (uint32_t row = 0; status == ST_OK && row < batch.selected_count; row++)
                for (uint32_t j = 0; j < batch.column_count; j++) {
                    Value value = value_from_column(&batch.columns[j], batch_row(&batch, row));

                    strbuf_puts(&buf, value.is_null ? "~" : value_print_arena(arena, &value));
                    strbuf_puts(&buf, j + 1 == batch.column_count ? "\n" : "|");
                }
        }
        table->class->scan_close(scan);
        if (status != ST_OK)
            return status;
    }
    *text_out = strbuf_text(&buf);
    return ST_OK;
}

static void check_rows(const char *csv, OptionList options, const char *wanted)
{
    Table *table = open_text(csv, options);
    Error error;
    const char *text;

    for (uint32_t batch_rows = 1; batch_rows <= 2048; batch_rows *= 2) {
        ck_assert_msg(dump(table, 1 << 20, batch_rows, &error, &text) == ST_OK, "%s",
                      error.message);
        ck_assert_str_eq(text, wanted);
    }
    table_unref(table);
}

static void check_types(const char *csv, const char *wanted)
{
    Table *table = open_text(csv, (OptionList){0});
    StrBuf buf = {.arena = arena};

    for (uint32_t i = 0; i < table->column_count; i++)
        strbuf_printf(&buf, "%s%s %s", i == 0 ? "" : ", ", table->columns[i].name,
                      type_name(arena, table->columns[i].type));
    ck_assert_str_eq(strbuf_text(&buf), wanted);
    table_unref(table);
}

START_TEST(infers_types)
{
    check_types("a,b,c,d,e,f\n1,1.5,x,2024-01-31,2024-01-31 10:00:00,true\n2,,y,,,false\n",
                "a bigint, b double precision, c text, d date, e timestamp without time zone, "
                "f boolean");
    check_types("1,2\n3,4\n", "column0 bigint, column1 bigint");
    check_types("x,y\na,b\n", "x text, y text");
    check_types("x,x,x_1\n1,2,3\n", "x bigint, x_1 bigint, x_1_1 bigint");
    check_types("n;m\n1;2,5\n3;4,5\n", "n bigint, m text");
    check_types("a\tb\n1\t2\n", "a bigint, b bigint");
    check_types("\xef\xbb\xbf"
                "a,b\n1,2\n",
                "a bigint, b bigint");
    check_types("only\n", "only text");
    check_types("", "");
}
END_TEST

START_TEST(reads_quotes_and_nulls)
{
    check_rows("a,b\n1,\"x,y\"\n2,\"\"\n3,\n4,\"he said \"\"hi\"\"\"\n5,\"two\nlines\"\n",
               (OptionList){0}, "1|x,y\n2|\n3|~\n4|he said \"hi\"\n5|two\nlines\n");
    check_rows("a,b\r\n1,x\r\n\r\n2,y", (OptionList){0}, "1|x\n2|y\n");
    check_rows("1;NA\nNA;2\n",
               (OptionList){3, (const char *[]){"null", "NA", "delimiter", ";", "header", "false"}},
               "1|~\n~|2\n");
    check_rows("# a note\na,b\n1,2\n", (OptionList){1, (const char *[]){"skip", "1"}}, "1|2\n");
    check_rows("a,b\n1,'x\\'y,z'\n",
               (OptionList){2, (const char *[]){"quote", "'", "escape", "\\"}}, "1|x'y,z\n");
    check_rows("a,b\n007,1.50\n",
               (OptionList){1, (const char *[]){"columns", "n text, m numeric(6,2)"}},
               "007|1.50\n");
}
END_TEST

/* Every cut of a file full of quoted newlines gives the same rows. */
START_TEST(splits_do_not_change_rows)
{
    StrBuf csv = {.arena = arena};
    const char *whole, *cut;
    Error error;
    Table *table;

    strbuf_puts(&csv, "id,note\n");
    for (int i = 0; i < 5000; i++)
        strbuf_printf(&csv, "%d,\"line %d\n\"\"quoted\"\", %d\"\n", i, i, i * 7);
    table = open_text(strbuf_text(&csv), (OptionList){0});
    ck_assert(dump(table, UINT64_MAX / 2, 2048, &error, &whole) == ST_OK);
    for (uint64_t target = 100; target < 300000; target = target * 3 + 1) {
        ck_assert_msg(dump(table, target, 100, &error, &cut) == ST_OK, "%s", error.message);
        ck_assert_str_eq(whole, cut);
    }
    table_unref(table);
}
END_TEST

/*
 * Every mixture of what matters to the grammar, in every cut and both ways through the index (a
 * comment character that is never there makes it go byte by byte), gives the same rows.
 */
START_TEST(any_bytes_are_cut_right)
{
    static const char *const pieces[] = {"\"",
                                         "\"\"",
                                         ",",
                                         "\n",
                                         "\r\n",
                                         "x",
                                         " ",
                                         "12",
                                         "\",\"",
                                         "\"\n\"",
                                         "some longer text without anything in it that matters"};
    const char *options[] = {"all_text",  "true", "header",       "false", "quote",         "\"",
                             "delimiter", ",",    "null_padding", "true",  "ignore_errors", "true",
                             "comment",   "\x01"};
    uint32_t seed = 1;

    for (int round = 0; round < 60; round++) {
        StrBuf csv = {.arena = arena};
        const char *whole, *cut, *slow;
        Error error;
        Table *table;

        strbuf_puts(&csv, "a,b,c\n");
        for (int i = 0; i < 40 + 4 * round; i++) {
            seed = seed * 1664525 + 1013904223;
            strbuf_puts(&csv, pieces[(seed >> 16) % (sizeof pieces / sizeof pieces[0])]);
        }
        strbuf_puts(&csv, round % 2 ? "\n" : "\"\nq\n");
        table = open_text(strbuf_text(&csv), (OptionList){6, options});
        if (dump(table, UINT64_MAX / 2, 2048, &error, &whole) != ST_OK) {
            table_unref(table); /* the last quote is open */
            continue;
        }
        for (uint64_t target = 1; target < 3000; target += 1 + target / 3) {
            ck_assert_msg(dump(table, target, 3, &error, &cut) == ST_OK, "%s", error.message);
            ck_assert_msg(strcmp(whole, cut) == 0, "splits of %d bytes:\n%s\n%s", (int)target,
                          strbuf_text(&csv), cut);
        }
        table_unref(table);
        table = open_text(strbuf_text(&csv), (OptionList){7, options});
        ck_assert(dump(table, UINT64_MAX / 2, 2048, &error, &slow) == ST_OK);
        ck_assert_str_eq(whole, slow);
        table_unref(table);
    }
}
END_TEST

START_TEST(guesses_the_dialect)
{
    check_rows("a,b\n5\" pipe,x\n6\" rod,y\n", (OptionList){0}, "5\" pipe|x\n6\" rod|y\n");
    check_rows("a,b\n\"abc\"def,x\n1,2\n", (OptionList){0}, "abcdef|x\n1|2\n");
    check_rows("a,b\n1, \"x,y\" \n2, \"z\"\n", (OptionList){0}, "1|x,y\n2|z\n");
    check_rows("a,b\r1,2\r3,4\r", (OptionList){0}, "1|2\n3|4\n");
    check_rows("a,b\n'x,y',1\n'z',2\n", (OptionList){0}, "x,y|1\nz|2\n");
    check_rows("a,b\n\"x\\\"y\",1\n\"z\",2\n", (OptionList){0}, "x\"y|1\nz|2\n");
    check_rows("a\tb\n\"x\t1\ny\t2\n", (OptionList){0}, "\"x|1\ny|2\n");
    check_rows("Account: 123\nOf 2024\n\nDate;Amount\n2024-01-01;1,50\n2024-01-02;2,50\n",
               (OptionList){0}, "2024-01-01|1,50\n2024-01-02|2,50\n");
    check_rows("# a, note\n# more\na,b\n1,2\n#x\n3,4\n", (OptionList){0}, "1|2\n3|4\n");
    check_rows("#id,name\n1,x\n", (OptionList){0}, "1|x\n");
    check_rows("a,b\nr1,1,2\nr2,3,4\nr3,5,6\n", (OptionList){0}, "r1|1|2\nr2|3|4\nr3|5|6\n");
    check_types("a,b\nr1,1,2\nr2,3,4\n", "column0 text, a bigint, b bigint");
    check_types("a,b\n1,2,\n3,4,\n", "a bigint, b bigint, column2 text");
    check_types("text\nhello, world\nno comma here\nnor here\n", "text text");
    check_rows("a\n1\n\n3\n", (OptionList){0}, "1\n~\n3\n");
}
END_TEST

START_TEST(types_keep_what_texts_say)
{
    check_types("zip,tel,n\n01234,+49123,0\n02345,+1,-7\n", "zip text, tel text, n bigint");
    check_types("n\n9223372036854775808\n1\n", "n numeric(38,0)");
    check_types("n,m\nnan,nan\n1.5,inf\n", "n double precision, m text");
    check_types("a,b,c,d\n31/12/2023,12/31/2023,1.2.2023,01/02/2023\n01/02/2023,01/02/2023,"
                "31.12.2023,03/04/2023\n",
                "a date, b date, c date, d text");
    check_rows("d,t\n31/12/2023,31.12.2023 07:05\n1/2/2023,01.02.2023 10:00:00.5\n",
               (OptionList){0}, "2023-12-31|31.12.2023 07:05\n2023-02-01|01.02.2023 10:00:00.5\n");
    check_types("t,u,z\n2024-01-01T10:00:00Z,2024-01-01 10:00,2024-01-01 10:00:00+02\n",
                "t timestamp without time zone, u timestamp without time zone, z text");
    check_types("a,b,c,d\nt,yes,TRUE,y\nf,no,false,n\n", "a boolean, b boolean, c boolean, d text");
    check_types("a,b\n\"1\",\"\"\n\"\",\"2.5\"\n", "a bigint, b double precision");
    check_types(" a , b\n1,2\n", "a bigint, b bigint");
}
END_TEST

START_TEST(options_do_what_they_say)
{
    check_rows("a,b\n1,x\nz,y\n3\n4,w\n",
               (OptionList){2, (const char *[]){"ignore_errors", "true", "types", "a bigint"}},
               "1|x\n4|w\n");
    check_rows("a,b,c\n1,2,3\n4\n", (OptionList){1, (const char *[]){"null_padding", "true"}},
               "1|2|3\n4|~|~\n");
    check_rows(
        "a,b\nNA,NA\n-,x\n,\n",
        (OptionList){3, (const char *[]){"nullstr", "NA", "nullstr", "-", "types", "a bigint"}},
        "~|~\n~|x\n~|\n");
    check_rows("1,2\n3,4\n", (OptionList){1, (const char *[]){"names", "x, \"y z\""}},
               "1|2\n3|4\n");
    check_rows("d\n3 Feb 24\n",
               (OptionList){2, (const char *[]){"dateformat", "%d %b %y", "types", "d date"}},
               "2024-02-03\n");
    check_rows("d\n02/03/2024\n", (OptionList){1, (const char *[]){"dateformat", "%d/%m/%Y"}},
               "2024-03-02\n");
}
END_TEST

static void check_open_error(const char *csv, OptionList options, const char *wanted)
{
    Table *table;
    Error error = ERROR_NONE;

    ck_assert(format_csv.open(1, (const char *[]){write_file(csv, strlen(csv))}, options, pool,
                              &error, &table) != ST_OK);
    ck_assert_ptr_null(table);
    ck_assert_msg(strstr(error.message, wanted) != NULL || strstr(error.hint, wanted) != NULL,
                  "%s\n%s", error.message, error.hint);
}

START_TEST(refuses_what_it_cannot_read)
{
    check_open_error("\xff\xfe"
                     "a",
                     (OptionList){0}, "UTF-16");
    check_open_error("a\n1\n", (OptionList){1, (const char *[]){"heeder", "1"}},
                     "Did you mean \"header\"?");
    check_open_error("a\n1\n", (OptionList){1, (const char *[]){"force_quote", "*"}},
                     "not recognized");
    check_open_error("abc\n1\n", (OptionList){1, (const char *[]){"types", "abd text"}},
                     "Did you mean \"abc\"?");
    check_open_error("a\n1\n", (OptionList){1, (const char *[]){"types", "a blob"}},
                     "type \"blob\" does not exist");
    check_open_error("a\n1\n", (OptionList){1, (const char *[]){"encoding", "latin-1"}}, "iconv");
}
END_TEST

static const char *write_named(const char *name, const char *text)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

START_TEST(files_are_matched_by_name)
{
    const char *paths[] = {write_named("1.csv", "a,b\n1,x\n"), write_named("2.csv", "b,a\ny,2.5\n"),
                           write_named("3.csv", ""), write_named("4.csv", "a,c\n4,z\n")};
    const char *text;
    Error error = ERROR_NONE;
    Table *table;

    ck_assert(format_csv.open(3, paths, (OptionList){0}, pool, &error, &table) == ST_OK);
    ck_assert(dump(table, 1 << 20, 2048, &error, &text) == ST_OK);
    ck_assert_str_eq(text, "1|x\n2.5|y\n");
    table_unref(table);
    ck_assert(format_csv.open(4, paths, (OptionList){0}, pool, &error, &table) == ST_BAD_INPUT);
    ck_assert_msg(strstr(error.message, "1.csv\" has no column \"c\"") != NULL, "%s",
                  error.message);
    ck_assert(format_csv.open(4, paths, (OptionList){1, (const char *[]){"union_by_name", "true"}},
                              pool, &error, &table) == ST_OK);
    ck_assert(dump(table, 1 << 20, 2048, &error, &text) == ST_OK);
    ck_assert_str_eq(text, "1|x|~\n2.5|y|~\n4|~|z\n");
    table_unref(table);
    for (int i = 0; i < 4; i++)
        unlink(paths[i]);
}
END_TEST

static void check_error(const char *csv, OptionList options, const char *wanted)
{
    Table *table = open_text(csv, options);
    Error error = ERROR_NONE;
    const char *text;

    ck_assert(dump(table, 1 << 20, 2048, &error, &text) == ST_BAD_INPUT);
    ck_assert_msg(strstr(error.message, wanted) != NULL, "%s", error.message);
    table_unref(table);
}

START_TEST(errors_say_where)
{
    check_error("a,b\n1,2\n3\n", (OptionList){0}, "x.csv\", line 3: 1 field where 2 are expected");
    check_error("a,b\n1,2\n3,4,5\n", (OptionList){0}, "line 3: 3 fields where 2 are expected");
    check_error("a,b\n1,\"open\n", (OptionList){1, (const char *[]){"quote", "\""}},
                "line 2: unterminated CSV quoted field");
    check_error("a\n1\nx\xff\n", (OptionList){1, (const char *[]){"all_text", "true"}},
                "line 3, column \"a\": invalid byte sequence for encoding \"UTF8\": 0xff");
    check_error("d\n31/12/2024\n",
                (OptionList){4, (const char *[]){"header", "true", "types", "d date", "dateformat",
                                                 "%m/%d/%Y", "names", "d"}},
                "line 2, column \"d\": \"31/12/2024\" is no date of the form %m/%d/%Y");
    check_error("a,b\n1,2\n\"x\ny\",3\n",
                (OptionList){1, (const char *[]){"columns", "a integer, b integer"}},
                "line 3, column \"a\": invalid input syntax for type integer");
}
END_TEST

START_TEST(written_files_read_back)
{
    const char *csv = "a,b\n1,\"x,y\"\n2,\"\"\n3,\n4,\"q\"\"q\"\n5,\"two\nlines\"\n";
    const char *endings[] = {"csv", "csv.gz", "csv.zst", "tsv"};
    Table *table = open_text(csv, (OptionList){0});
    const char *wanted, *got;
    Error error;

    ck_assert(dump(table, 1 << 20, 2048, &error, &wanted) == ST_OK);
    for (int i = 0; i < 4; i++) {
        const char *path = arena_printf(arena, "%s/out.%s", folder, endings[i]);
        uint32_t columns[] = {0, 1};
        ScanRequest request = {
            .column_count = 2, .columns = columns, .batch_rows = 2, .pool = pool};
        TableWriter *writer;
        const Split *splits;
        uint32_t count;
        TableScan *scan;
        Batch batch;
        Table *again;
        bool exact;

        ck_assert(format_csv.writer_open(path, 2, table->columns, (OptionList){0}, pool, &error,
                                         &writer) == ST_OK);
        ck_assert(table->class->splits(table, arena, 1 << 20, &error, &count, &splits) == ST_OK);
        ck_assert(table->class->scan_open(table, &splits[0], &request, &error, &scan) == ST_OK);
        while (table->class->scan_next(scan, &error, &batch, &exact) == ST_OK &&
               batch.row_count > 0)
            ck_assert(format_csv.writer_add(writer, &batch, &error) == ST_OK);
        table->class->scan_close(scan);
        ck_assert(format_csv.writer_finish(writer, true, &error) == ST_OK);
        ck_assert_msg(format_open_table(path, NULL, (OptionList){0}, pool, &error, &again) == ST_OK,
                      "%s", error.message);
        ck_assert(dump(again, 1 << 20, 2048, &error, &got) == ST_OK);
        ck_assert_str_eq(wanted, got);
        table_unref(again);
        unlink(path);
    }
    table_unref(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tests = tcase_create("csv");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, infers_types);
    tcase_add_test(tests, reads_quotes_and_nulls);
    tcase_add_test(tests, splits_do_not_change_rows);
    tcase_add_test(tests, any_bytes_are_cut_right);
    tcase_add_test(tests, guesses_the_dialect);
    tcase_add_test(tests, types_keep_what_texts_say);
    tcase_add_test(tests, options_do_what_they_say);
    tcase_add_test(tests, refuses_what_it_cannot_read);
    tcase_add_test(tests, files_are_matched_by_name);
    tcase_add_test(tests, errors_say_where);
    tcase_add_test(tests, written_files_read_back);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
