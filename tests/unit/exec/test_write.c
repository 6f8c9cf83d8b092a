/* test_write.c -- rows into a file in their order, and no file when it fails */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/exec/op_driver.h"

static MemPool *pool;
static Arena *arena;
static atomic_bool stop;
static char folder[64];

static void setup(void)
{
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    atomic_store(&stop, false);
    strcpy(folder, "/tmp/vonk-test-write-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    ck_assert_int_eq(rmdir(folder), 0); /* fails if some file was left */
    arena_free(arena);
    mem_pool_free(pool);
}

static uint32_t count_files(void)
{
    DIR *dir = opendir(folder);
    uint32_t count = 0;

    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.' || entry->d_name[1] != '\0';
    closedir(dir);
    return count - 1; /* ".." */
}

static const PlanWrite *make_plan(const DriverTable *table, const char *path, const char *format)
{
    static const char *const names[] = {"number", "name"};

    return plan_as_write(plan_write(arena, driver_plan(arena, table), path, format,
                                    (NameList){2, names}, (OptionList){0},
                                    driver_column(90, type_of(TYPE_INT8), false)));
}

/* number: the row's place; name: a text, NULL for every 7th row. */
static DriverTable make_table(uint32_t row_count)
{
    DriverTable table = {.row_count = row_count, .has_selection = true};
    int64_t *numbers;

    driver_add_column(&table, arena, type_of(TYPE_INT8), 10, 0, 1);
    driver_add_column(&table, arena, type_of(TYPE_TEXT), 50, 10, 2);
    numbers = (int64_t *)(uintptr_t)table.data[0].values;
    for (uint32_t i = 0; i < row_count; i++)
        numbers[i] = i;
    return table;
}

static const char *expected_file(const DriverTable *table, int64_t *rows_out)
{
    StrBuf buf = {.arena = arena};

    *rows_out = 0;
    strbuf_puts(&buf, "number,name\n");
    for (uint32_t i = 0; i < table->row_count; i++) {
        Value name = value_from_column(&table->data[1], i);

        if (!driver_is_kept(table, i))
            continue;
        strbuf_printf(&buf, "%u,", i);
        if (!name.is_null && name.str.length == 0)
            strbuf_puts(&buf, "\"\"");
        else if (!name.is_null)
            strbuf_add(&buf, str_bytes(&name.str), name.str.length);
        strbuf_puts(&buf, "\n");
        ++*rows_out;
    }
    return strbuf_text(&buf);
}

static const char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    StrBuf buf = {.arena = arena};
    char bytes[4096];

    ck_assert_ptr_nonnull(file);
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) > 0;)
        strbuf_add(&buf, bytes, got);
    fclose(file);
    return strbuf_text(&buf);
}

START_TEST(rows_are_written_in_order)
{
    static const uint32_t sizes[] = {0, 1, 5000};

    for (uint32_t s = 0; s < 3; s++) {
        DriverTable table = make_table(sizes[s]);
        const char *path = arena_printf(arena, "%s/t.csv", folder);
        int64_t row_count;
        const char *expected = expected_file(&table, &row_count);

        for (uint32_t m = 0; m < DRIVER_MODE_COUNT; m++) {
            ExecContext context = driver_context(pool, driver_modes[m], &stop);
            Error err = ERROR_NONE;
            DriverRows rows;
            Operator *op;
            Status status;

            ck_assert_int_eq(
                op_write_new(&context, arena, make_plan(&table, path, NULL), &err, &op), ST_OK);
            status = driver_fill(op, &table, driver_modes[m], &err);
            ck_assert_msg(status == ST_OK, "%s", err.message);
            ck_assert_int_eq(driver_read(op, driver_modes[m], &rows, &err), ST_OK);
            ck_assert_uint_eq(rows.count, 1);
            ck_assert_int_eq(strtoll(rows.texts[0], NULL, 16), row_count);
            driver_rows_fini(&rows);
            driver_close(op);
            ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
            ck_assert_str_eq(read_file(path), expected);
            ck_assert_int_eq(unlink(path), 0);
        }
    }
}
END_TEST

START_TEST(no_file_when_it_fails)
{
    DriverTable table = make_table(3000);
    const char *path = arena_printf(arena, "%s/t.csv", folder);

    for (uint32_t nth = 1; nth < 40; nth++) {
        ExecContext context = driver_context(pool, driver_modes[4], &stop);
        Error err = ERROR_NONE;
        Operator *op;
        Status status;

        ck_assert_int_eq(op_write_new(&context, arena, make_plan(&table, path, NULL), &err, &op),
                         ST_OK);
        mem_pool_fail_nth(pool, nth == 39 ? 0 : nth); /* the last is cancelled instead */
        atomic_store(&stop, nth == 39);
        status = driver_fill(op, &table, driver_modes[4], &err);
        mem_pool_fail_nth(pool, 0);
        driver_close(op);
        ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
        ck_assert_uint_eq(count_files(), status == ST_OK);
        if (status == ST_OK)
            ck_assert_int_eq(unlink(path), 0);
        if (nth == 39)
            ck_assert_int_eq(status, ST_CANCELLED);
    }
}
END_TEST

START_TEST(unknown_formats_and_bad_folders_are_errors)
{
    DriverTable table = make_table(10);
    ExecContext context = driver_context(pool, driver_modes[0], &stop);
    Error err = ERROR_NONE;
    Operator *op;

    ck_assert_int_eq(
        op_write_new(&context, arena, make_plan(&table, "/tmp/t.xyz", NULL), &err, &op),
        ST_NOT_SUPPORTED);
    ck_assert_int_eq(
        op_write_new(&context, arena, make_plan(&table, "/nowhere/t.csv", NULL), &err, &op), ST_OK);
    ck_assert_int_ne(driver_fill(op, &table, driver_modes[0], &err), ST_OK);
    ck_assert_ptr_nonnull(strstr(err.message, "/nowhere"));
    driver_close(op);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("write");
    TCase *tcase = tcase_create("write");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, rows_are_written_in_order);
    tcase_add_test(tcase, no_file_when_it_fails);
    tcase_add_test(tcase, unknown_formats_and_bad_folders_are_errors);
    suite_add_tcase(suite, tcase);
    return driver_main(suite);
}
