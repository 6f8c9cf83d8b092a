/*
 * parquet_dump.c -- a Parquet file's rows as text, for comparing with what other readers say
 *
 *     parquet_dump FILE [BATCH_ROWS]
 *
 * First line: name and type of each column that can be read, tab-separated. Then a line a row;
 * NULL is \N, and backslash, tab and newline in texts are \\, \t and \n. Columns that cannot be
 * read are named on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/value_text.h"
#include "formats/format.h"

static void print_text(const char *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        if (text[i] == '\\')
            fputs("\\\\", stdout);
        else if (text[i] == '\t')
            fputs("\\t", stdout);
        else if (text[i] == '\n')
            fputs("\\n", stdout);
        else if (text[i] == '\r')
            fputs("\\r", stdout);
        else
            putchar(text[i]);
    }
}

static void print_batch(const Batch *batch)
{
    for (uint32_t i = 0; i < batch->selected_count; i++)
        for (uint32_t c = 0; c < batch->column_count; c++) {
            Value value = value_from_column(&batch->columns[c], batch_row(batch, i));
            char buffer[VALUE_TEXT_BYTES];
            const char *text;
            uint32_t length;

            if (value.is_null) {
                fputs("\\N", stdout);
            } else {
                text = value_print(&value, 0, buffer, &length);
                print_text(text, length);
            }
            putchar(c + 1 == batch->column_count ? '\n' : '\t');
        }
}

static Status dump_split(const Table *table, const Split *split, const ScanRequest *request,
                         Error *err)
{
    TableScan *scan;
    Batch batch;
    bool is_exact;
    Status status = table->class->scan_open(table, split, request, err, &scan);

    while (status == ST_OK) {
        status = table->class->scan_next(scan, err, &batch, &is_exact);
        if (status != ST_OK || batch.row_count == 0)
            break;
        print_batch(&batch);
    }
    table->class->scan_close(scan);
    return status;
}

/* Columns that a scan accepts. */
static uint32_t readable_columns(const Table *table, uint32_t *columns)
{
    uint32_t count = 0;

    for (uint32_t c = 0; c < table->column_count; c++) {
        if (table->columns[c].type.id == TYPE_NULL)
            fprintf(stderr, "not read: %s\n", table->columns[c].name);
        else
            columns[count++] = c;
    }
    return count;
}

static Status dump(const Table *table, MemPool *pool, uint32_t batch_rows, Arena *arena, Error *err)
{
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, table->column_count);
    ScanRequest request = {.columns = columns, .batch_rows = batch_rows, .pool = pool};
    const Split *splits;
    uint32_t split_count;
    Status status = table->class->splits(table, arena, 1 << 20, err, &split_count, &splits);

    request.column_count = readable_columns(table, columns);
    for (uint32_t c = 0; c < request.column_count; c++)
        printf("%s:%s%c", table->columns[columns[c]].name,
               type_name(arena, table->columns[columns[c]].type),
               c + 1 == request.column_count ? '\n' : '\t');
    for (uint32_t s = 0; s < split_count && status == ST_OK && request.column_count > 0; s++)
        status = dump_split(table, &splits[s], &request, err);
    return status;
}

int main(int argc, char **argv)
{
    Error err = ERROR_NONE;
    MemPool *pool = mem_pool_new(NULL, "dump", (uint64_t)1 << 30);
    Arena *arena = arena_new(NULL, "dump", ARENA_NO_CAP);
    uint32_t batch_rows = argc > 2 ? (uint32_t)atoi(argv[2]) : BATCH_ROWS_MAX;
    const char *path = argc > 1 ? argv[1] : "";
    Table *table = NULL;
    Status status = format_parquet.open(1, &path, (OptionList){0}, pool, &err, &table);

    if (status == ST_OK)
        status = dump(table, pool, batch_rows, arena, &err);
    table_unref(table);
    if (status != ST_OK)
        fprintf(stderr, "ERROR: %s\n", err.message);
    arena_free(arena);
    mem_pool_free(pool);
    return status == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
