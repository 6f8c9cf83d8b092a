/*
 * test_plan_transport.c -- tables and functions as another process gets them: the same rows in the
 * same pieces; a file that has changed is refused; damaged bytes are an error or a table
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/rdd/block_table.h"
#include "engine/plan_transport.h"
#include "formats/format.h"
#include "formats/memory_table.h"
#include "formats/series_table.h"

enum { LINES = 4000, SPLIT_BYTES = 16 << 10 };

static Arena *arena;
static MemPool *pool;
static BlockStore *store;
static PlanTransport *transport;
static PlanWireHooks hooks;
static char folder[64];

static void setup(void)
{
    TransportSpec spec;

    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    pool = mem_pool_new(NULL, "test", (uint64_t)1 << 30);
    store = block_store_new(pool, NULL);
    spec = (TransportSpec){.pool = pool, .store = store};
    transport = plan_transport_new(&spec);
    hooks = plan_transport_hooks(transport);
    snprintf(folder, sizeof folder, "/tmp/vonk-transport-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    plan_transport_free(transport);
    block_store_free(store);
    mem_pool_free(pool);
    ck_assert_int_eq(system(arena_printf(arena, "rm -r %s", folder)), 0);
    arena_free(arena);
}

/* --- files --- */

static const char *path_of(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static void write_lines(const char *name, const char *header, const char *format, int count)
{
    FILE *file = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(file);
    fputs(header, file);
    for (int i = 0; i < count; i++)
        fprintf(file, format, i, i * 7 % 1000); // NOLINT(clang-diagnostic-format-nonliteral)
    fclose(file);
}

static Table *open_table(const char *path, const char *format, OptionList options)
{
    Error err = ERROR_NONE;
    Table *table = NULL;

    ck_assert_msg(format_open_table(path, format, options, pool, &err, &table) == ST_OK, "%s",
                  err.message);
    return table;
}

/* All rows of the table as a Parquet file of small row groups. */
static void write_parquet(const Table *table, const char *name)
{
    ScanRequest request = {.column_count = table->column_count,
                           .columns = (uint32_t[]){0, 1, 2, 3},
                           .batch_rows = BATCH_ROWS_MAX,
                           .pool = pool};
    Error err = ERROR_NONE;
    TableWriter *writer;
    const Split *splits;
    uint32_t count;

    ck_assert_msg(format_parquet.writer_open(path_of(name), table->column_count, table->columns,
                                             (OptionList){0}, pool, &err, &writer) == ST_OK,
                  "%s", err.message);
    ck_assert_int_eq(table->class->splits(table, arena, 0, &err, &count, &splits), ST_OK);
    for (uint32_t s = 0; s < count; s++) {
        TableScan *scan;
        Batch batch = {.row_count = 1};
        bool is_exact;

        ck_assert_int_eq(table->class->scan_open(table, &splits[s], &request, &err, &scan), ST_OK);
        while (batch.row_count > 0) {
            ck_assert_int_eq(table->class->scan_next(scan, &err, &batch, &is_exact), ST_OK);
            if (batch.row_count > 0)
                ck_assert_int_eq(format_parquet.writer_add(writer, &batch, &err), ST_OK);
        }
        table->class->scan_close(scan);
    }
    ck_assert_int_eq(format_parquet.writer_finish(writer, true, &err), ST_OK);
}

/* --- through bytes --- */

static WireBytes bytes_of(const Table *table)
{
    WireWriter to = {.arena = arena};
    Error err = ERROR_NONE;

    ck_assert_msg(hooks.write_table(transport, table, &to, &err) == ST_OK, "%s", err.message);
    return (WireBytes){to.bytes, to.length};
}

static Table *table_of(WireBytes bytes)
{
    Error err = ERROR_NONE;
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "table", &err);
    Table *table = NULL;

    ck_assert_msg(hooks.read_table(transport, &from, &err, &table) == ST_OK, "%s", err.message);
    ck_assert_int_eq(wire_end(&from), ST_OK);
    return table;
}

/* The rows of a split's first batches as text. */
static const char *rows_of(const Table *table, const Split *split, uint32_t batches,
                           Status *status_out, Error *err)
{
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, table->column_count);
    ScanRequest request = {
        .column_count = table->column_count, .columns = columns, .batch_rows = 100, .pool = pool};
    WireWriter text = {.arena = arena};
    TableScan *scan = NULL;
    Batch batch = {.row_count = 1};
    bool is_exact;
    Status status;

    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = i;
    status = table->class->scan_open(table, split, &request, err, &scan);
    while (status == ST_OK && batch.row_count > 0 && batches-- > 0) {
        status = table->class->scan_next(scan, err, &batch, &is_exact);
        for (uint32_t row = 0; status == ST_OK && row < batch.row_count; row++)
            for (uint32_t c = 0; c < table->column_count; c++) {
                Value value = value_from_column(&batch.columns[c], row);

                wire_put_bytes(&text, value.is_null ? "-" : "+", 1);
                if (type_phys(value.type) == PHYS_STR)
                    wire_put_blob(&text, str_bytes(&value.str), value.str.length);
                else if (!value.is_null)
                    wire_put_bytes(&text, value.bytes, phys_bytes(type_phys(value.type)));
            }
    }
    table->class->scan_close(scan);
    *status_out = status;
    return arena_printf(arena, "%zu bytes, %llx", text.length,
                        (unsigned long long)content_hash(text.bytes, text.length).low);
}

static void same_tables(const Table *a, const Table *b)
{
    Error err = ERROR_NONE;
    uint32_t a_count, b_count;
    const Split *a_splits, *b_splits;

    ck_assert_str_eq(a->name, b->name);
    ck_assert_uint_eq(a->column_count, b->column_count);
    for (uint32_t i = 0; i < a->column_count; i++) {
        ck_assert_str_eq(a->columns[i].name, b->columns[i].name);
        ck_assert(type_equal(a->columns[i].type, b->columns[i].type));
        ck_assert(a->columns[i].is_nullable == b->columns[i].is_nullable);
    }
    ck_assert_int_eq(a->class->splits(a, arena, SPLIT_BYTES, &err, &a_count, &a_splits), ST_OK);
    ck_assert_int_eq(b->class->splits(b, arena, SPLIT_BYTES, &err, &b_count, &b_splits), ST_OK);
    ck_assert_uint_eq(a_count, b_count);
    for (uint32_t i = 0; i < a_count; i++) {
        Status a_status, b_status;
        const char *a_rows = rows_of(a, &a_splits[i], UINT32_MAX, &a_status, &err);
        const char *b_rows = rows_of(b, &b_splits[i], UINT32_MAX, &b_status, &err);

        ck_assert_uint_eq(a_splits[i].file, b_splits[i].file);
        ck_assert_uint_eq(a_splits[i].start, b_splits[i].start);
        ck_assert_uint_eq(a_splits[i].length, b_splits[i].length);
        ck_assert_uint_eq(a_splits[i].bytes, b_splits[i].bytes);
        ck_assert_msg(a_status == ST_OK && b_status == ST_OK, "%s", err.message);
        ck_assert_str_eq(a_rows, b_rows);
    }
}

/* Whatever the bytes are, there is an error or a table. */
static void try_damage(WireBytes bytes)
{
    unsigned char *copy = arena_copy(arena, bytes.bytes, bytes.byte_count);
    size_t step = bytes.byte_count / 400 + 1;

    for (size_t at = 0; at < bytes.byte_count; at += step)
        for (int mask = 0; mask < 256; mask = mask * 2 + 1) {
            size_t count = mask == 0 ? at : bytes.byte_count;
            Error err = ERROR_NONE;
            WireReader from;
            Table *table = NULL;
            uint32_t split_count;
            const Split *splits;
            Arena *scratch = arena_new(NULL, "damage", ARENA_NO_CAP);

            copy[at] ^= (unsigned char)mask;
            from = wire_reader(copy, count, "table", &err);
            if (hooks.read_table(transport, &from, &err, &table) == ST_OK) {
                ck_assert_int_eq(table->class->splits(table, scratch, (uint64_t)1 << 32, &err,
                                                      &split_count, &splits),
                                 ST_OK);
                if (split_count > 0) {
                    Status ignored;

                    rows_of(table, &splits[0], 3, &ignored, &err);
                }
            } else {
                ck_assert_int_ne(err.status, ST_OK);
                ck_assert_int_ne(err.status, ST_INTERNAL);
            }
            table_unref(table);
            arena_free(scratch);
            copy[at] ^= (unsigned char)mask;
        }
}

/* There and back: the same; sent on, the same bytes. Takes the table. */
static void check_table(Table *table)
{
    WireBytes bytes = bytes_of(table);
    Table *twin = table_of(bytes);
    WireBytes again = bytes_of(twin);

    same_tables(table, twin);
    ck_assert_uint_eq(bytes.byte_count, again.byte_count);
    ck_assert_int_eq(memcmp(bytes.bytes, again.bytes, bytes.byte_count), 0);
    try_damage(bytes);
    table_unref(twin);
    table_unref(table);
}

/* --- the kinds --- */

START_TEST(test_csv)
{
    static const char *const options[] = {"union_by_name", "true", "types", "when timestamp"};

    write_lines("a.csv", "k;when\n", "%d;2024-01-02 03:04:%02d\n", 8);
    write_lines("b.csv", "when;more;k\n", "2024-02-03;\"a %d\nb\";%d\n", LINES);
    check_table(open_table(path_of("*.csv"), NULL, (OptionList){2, options}));
    write_lines("empty", "a,b\n", "%d,%d\n", 0);
    check_table(open_table(path_of("empty"), "csv", (OptionList){0}));
    write_lines("dates", "d|n\n", "2%03d-01-01|%d\n", LINES);
    check_table(open_table(path_of("dates"), "csv", (OptionList){0}));
}
END_TEST

START_TEST(test_text)
{
    static const char *const whole[] = {"whole", "true"}, *const records[] = {"record_bytes", "8"};

    write_lines("a.txt", "", "%d words of %d\r\n", LINES);
    write_lines("b.txt", "no newline", "%d%d", 0);
    check_table(open_table(path_of("*.txt"), "text", (OptionList){0}));
    check_table(open_table(path_of("*.txt"), "text", (OptionList){1, whole}));
    write_lines("c.bin", "", "%05d%03d", LINES);
    check_table(open_table(path_of("c.bin"), "text", (OptionList){1, records}));
}
END_TEST

START_TEST(test_parquet_and_folders)
{
    Table *csv;

    write_lines("a.csv", "k,v\n", "%d,text %d\n", LINES);
    csv = open_table(path_of("a.csv"), NULL, (OptionList){0});
    ck_assert_int_eq(mkdir(path_of("t"), 0700), 0);
    ck_assert_int_eq(mkdir(path_of("t/year=2023"), 0700), 0);
    ck_assert_int_eq(mkdir(path_of("t/year=2024"), 0700), 0);
    write_parquet(csv, "t/year=2023/a.parquet");
    write_parquet(csv, "t/year=2024/b.parquet");
    table_unref(csv);
    check_table(open_table(path_of("t/year=2023/a.parquet"), NULL, (OptionList){0}));
    csv = open_table(path_of("t"), NULL, (OptionList){0});
    ck_assert_uint_eq(csv->column_count, 3);
    check_table(csv);
}
END_TEST

START_TEST(test_series)
{
    check_table(series_table_new("range", -5, 3, 1000, 7));
    check_table(series_table_new("range", 0, 1, 0, 2));
}
END_TEST

static Table *memory_table(uint32_t splits, uint32_t batches, bool has_ends)
{
    TableColumn columns[] = {{"a", type_of(TYPE_INT8), true}, {"b", type_of(TYPE_TEXT), true}};
    int64_t numbers[1000];
    Str texts[1000];
    uint64_t validity[16];
    Column data[] = {
        {.type = columns[0].type, .form = COLUMN_FLAT, .values = numbers, .validity = validity},
        {.type = columns[1].type, .form = COLUMN_FLAT, .values = texts}};
    Batch batch = {.column_count = 2, .row_count = 1000, .selected_count = 1000, .columns = data};
    Error err = ERROR_NONE;
    Table *table;

    ck_assert_int_eq(memory_table_new("m", 2, columns, 3000, pool, &err, &table), ST_OK);
    memset(validity, 0x7e, sizeof validity);
    for (uint32_t i = 0; i < 1000; i++) {
        const char *text = arena_printf(arena, "%u is a text of some length", i);

        numbers[i] = i * i;
        texts[i] = str_make(text, (uint32_t)strlen(text));
    }
    for (uint32_t s = 0; s < splits; s++) {
        for (uint32_t b = 0; b < batches; b++)
            ck_assert_int_eq(memory_table_add(table, &batch, &err), ST_OK);
        if (has_ends)
            memory_table_end_split(table);
    }
    return table;
}

START_TEST(test_memory)
{
    check_table(memory_table(0, 0, false));
    check_table(memory_table(2, 0, true));
    check_table(memory_table(3, 2, true));
    check_table(memory_table(8, 1, false));
}
END_TEST

static BlockOutput *output_of_ten(void *context, uint64_t id)
{
    BlockOutput *output = context;

    block_output_set_id(output, id);
    return block_output_ref(output);
}

/* Of what lies where it is read, nothing is fetched: the table is of that output. */
static void check_found(WireBytes bytes, uint32_t map_count, Status wanted)
{
    BlockOutput *here = block_output_new(store, KEEP_DEFAULT, map_count, 1, 0, NULL);
    TransportSpec spec = {.pool = pool,
                          .store = store,
                          .driver_place = 7,
                          .find_output = output_of_ten,
                          .context = here};
    PlanTransport *reader = plan_transport_new(&spec);
    PlanWireHooks others = plan_transport_hooks(reader);
    Error err = ERROR_NONE;
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "table", &err);
    Table *twin = NULL;

    ck_assert_int_eq(others.read_table(reader, &from, &err, &twin), wanted);
    if (wanted == ST_OK)
        ck_assert_ptr_eq(checkpoint_table_output(twin), here);
    table_unref(twin);
    plan_transport_free(reader);
    block_output_unref(here);
}

/* More than goes along: by name, from whoever has it. */
START_TEST(test_served)
{
    Table *table = memory_table(10, 8, true);
    WireBytes bytes = bytes_of(table);
    TransportSpec spec = {.pool = pool, .store = store};
    PlanTransport *stranger = plan_transport_new(&spec);
    PlanWireHooks others = plan_transport_hooks(stranger);
    Error err = ERROR_NONE;
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "table", &err);
    Table *twin;

    ck_assert_uint_lt(bytes.byte_count, 500);
    ck_assert_int_eq(others.read_table(stranger, &from, &err, &twin), ST_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "\"m\""));
    plan_transport_free(stranger);

    /* who knows where has the table, and fetches it when it is read: nobody can here */
    spec.driver_place = 7;
    stranger = plan_transport_new(&spec);
    others = plan_transport_hooks(stranger);
    from = wire_reader(bytes.bytes, bytes.byte_count, "table", &err);
    ck_assert_int_eq(others.read_table(stranger, &from, &err, &twin), ST_OK);
    ck_assert_uint_eq(block_output_remote(checkpoint_table_output(twin), 9).rows, 8000);
    table_unref(twin);
    plan_transport_free(stranger);
    check_found(bytes, 10, ST_OK);
    check_found(bytes, 9, ST_CORRUPT);
    check_table(table);
}
END_TEST

/* --- files that are others --- */

static void must_be_refused(Table *table, const char *name, const char *changed)
{
    WireBytes bytes = bytes_of(table);
    Error err = ERROR_NONE;
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "table", &err);
    Table *twin = NULL;
    FILE *file = fopen(path_of(name), "a");
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000}};
    Status status;
    uint32_t count;
    const Split *splits;

    if (changed != NULL)
        fputs(changed, file);
    fclose(file);
    if (changed == NULL)
        ck_assert_int_eq(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
    status = hooks.read_table(transport, &from, &err, &twin);
    if (status == ST_OK) {
        ck_assert_int_eq(twin->class->splits(twin, arena, 0, &err, &count, &splits), ST_OK);
        rows_of(twin, &splits[0], 3, &status, &err);
    }
    ck_assert_int_eq(status, ST_IO);
    ck_assert_msg(strstr(err.message, "not the one that the query was planned on") != NULL, "%s",
                  err.message);
    table_unref(twin);
    table_unref(table);
}

START_TEST(test_changed_files)
{
    Table *csv;

    write_lines("a.csv", "k,v\n", "%d,%d\n", 10);
    csv = open_table(path_of("a.csv"), NULL, (OptionList){0});
    write_parquet(csv, "a.parquet");
    must_be_refused(csv, "a.csv", "11,11\n");
    must_be_refused(open_table(path_of("a.csv"), NULL, (OptionList){0}), "a.csv", NULL);
    must_be_refused(open_table(path_of("a.csv"), "text", (OptionList){0}), "a.csv", "12,12\n");
    must_be_refused(open_table(path_of("a.parquet"), NULL, (OptionList){0}), "a.parquet", NULL);
}
END_TEST

START_TEST(test_pipe)
{
    Error err = ERROR_NONE;
    WireWriter to = {.arena = arena};
    Table *table;
    const char *fifo = path_of("fifo.csv");

    ck_assert_int_eq(
        system(arena_printf(arena, "mkfifo %s; (echo a,b; echo 1,2) > %s &", fifo, fifo)), 0);
    table = open_table(fifo, NULL, (OptionList){0});
    ck_assert_int_eq(hooks.write_table(transport, table, &to, &err), ST_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "it is a pipe"));
    table_unref(table);
}
END_TEST

/* Relative paths mean the driver's folder. */
START_TEST(test_relative_paths)
{
    char before[4096];
    WireBytes bytes;
    Table *table, *twin;

    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    write_lines("a.csv", "k,v\n", "%d,%d\n", 10);
    ck_assert_int_eq(chdir(folder), 0);
    table = open_table("a.csv", NULL, (OptionList){0});
    bytes = bytes_of(table);
    ck_assert_int_eq(chdir(before), 0);
    twin = table_of(bytes);
    ck_assert_str_eq(twin->name, "a.csv");
    table_unref(table);
    table = open_table(path_of("a.csv"), NULL, (OptionList){0});
    twin->name = table->name; /* the rest is the same */
    same_tables(table, twin);
    table_unref(table);
    table_unref(twin);
}
END_TEST

/* --- functions --- */

static int called;

static void hidden_function(void)
{
    called++;
}

static void send_function(const UserFunction *function, WireWriter *to)
{
    Error err = ERROR_NONE;

    ck_assert_msg(hooks.write_function(transport, function, to, &err) == ST_OK, "%s", err.message);
}

START_TEST(test_function_of_the_program)
{
    UserFunction function = {.name = "hidden_function", .call = hidden_function};
    WireWriter to = {.arena = arena};
    Error err = ERROR_NONE;
    WireReader from;
    void (*call)(void) = NULL;

    send_function(&function, &to);
    from = wire_reader(to.bytes, to.length, "plan", &err);
    ck_assert_msg(hooks.read_function(transport, &from, function.name, &err, &call) == ST_OK, "%s",
                  err.message);
    call();
    ck_assert_int_eq(called, 1);
}
END_TEST

static Status give_path(void *context, ContentHash object, Arena *to, Error *err,
                        const char **path_out)
{
    (void)object, (void)to, (void)err;
    *path_out = context;
    return ST_OK;
}

START_TEST(test_places_that_are_not_there)
{
    CodePlace place;
    Error err = ERROR_NONE;
    void *function;

    ck_assert_int_eq(
        code_place_of((const void *)(uintptr_t)hidden_function, "f", NULL, &err, &place, NULL),
        ST_OK);
    place.offset = UINT64_MAX / 2;
    ck_assert_int_eq(code_place_find(&place, "f", NULL, NULL, &err, &function), ST_CORRUPT);
    place.object.low ^= 1;
    ck_assert_int_eq(code_place_find(&place, "f", NULL, NULL, &err, &function), ST_NOT_SUPPORTED);
    place.is_program = false;
    ck_assert_int_eq(code_place_find(&place, "f", NULL, NULL, &err, &function), ST_NOT_SUPPORTED);
    write_lines("other.so", "", "%d %d", 3);
    ck_assert_int_eq(code_place_find(&place, "f", give_path, (void *)(uintptr_t)path_of("other.so"),
                                     &err, &function),
                     ST_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "\"f\""));
    ck_assert_int_eq(content_hash_of_file(path_of("other.so"), &err, &place.object), ST_OK);
    ck_assert_int_eq(code_place_find(&place, "f", give_path, (void *)(uintptr_t)path_of("other.so"),
                                     &err, &function),
                     ST_BAD_INPUT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan_transport");
    TCase *cases = tcase_create("plan_transport");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, test_csv);
    tcase_add_test(cases, test_text);
    tcase_add_test(cases, test_parquet_and_folders);
    tcase_add_test(cases, test_series);
    tcase_add_test(cases, test_memory);
    tcase_add_test(cases, test_served);
    tcase_add_test(cases, test_changed_files);
    tcase_add_test(cases, test_pipe);
    tcase_add_test(cases, test_relative_paths);
    tcase_add_test(cases, test_function_of_the_program);
    tcase_add_test(cases, test_places_that_are_not_there);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
