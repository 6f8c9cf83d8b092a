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
            for (uint32_t row = 0; status == ST_OK && row < batch.row_count; row++)
                for (uint32_t j = 0; j < batch.column_count; j++) {
                    Value value = value_from_column(&batch.columns[j], row);

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
    check_error("a,b\n1,\"open\n", (OptionList){0}, "line 2: unterminated CSV quoted field");
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
        ck_assert(format_csv.writer_finish(writer, &error) == ST_OK);
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
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, infers_types);
    tcase_add_test(tests, reads_quotes_and_nulls);
    tcase_add_test(tests, splits_do_not_change_rows);
    tcase_add_test(tests, errors_say_where);
    tcase_add_test(tests, written_files_read_back);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
