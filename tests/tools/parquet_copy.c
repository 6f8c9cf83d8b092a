/*
 * parquet_copy.c -- reads a Parquet file and writes what it has read, for others to look at
 *
 *     parquet_copy FROM TO [OPTION VALUE]...
 *
 * Columns of types that are not read are left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "formats/format.h"

static Status copy_split(const Table *table, const Split *split, const ScanRequest *request,
                         TableWriter *writer, Error *err)
{
    TableScan *scan;
    Batch batch;
    bool is_exact;
    Status status = table->class->scan_open(table, split, request, err, &scan);

    while (status == ST_OK) {
        status = table->class->scan_next(scan, err, &batch, &is_exact);
        if (status != ST_OK || batch.row_count == 0)
            break;
        status = format_parquet.writer_add(writer, &batch, err);
    }
    table->class->scan_close(scan);
    return status;
}

static Status copy_rows(const Table *table, const ScanRequest *request, Arena *arena,
                        TableWriter *writer, Error *err)
{
    const Split *splits;
    uint32_t split_count;
    Status status = table->class->splits(table, arena, 1, err, &split_count, &splits);

    for (uint32_t s = 0; s < split_count && status == ST_OK; s++)
        status = copy_split(table, &splits[s], request, writer, err);
    if (status == ST_OK)
        return format_parquet.writer_finish(writer, true, err);
    format_parquet.writer_abort(writer);
    return status;
}

static Status copy(const Table *table, const char *to, OptionList options, MemPool *pool,
                   Arena *arena, Error *err)
{
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, table->column_count);
    TableColumn *written = ARENA_ARRAY(arena, TableColumn, table->column_count);
    ScanRequest request = {.columns = columns, .batch_rows = BATCH_ROWS_MAX, .pool = pool};
    TableWriter *writer;
    Status status;

    for (uint32_t c = 0; c < table->column_count; c++) {
        if (table->columns[c].type.id == TYPE_NULL)
            continue;
        written[request.column_count] = table->columns[c];
        columns[request.column_count++] = c;
    }
    status =
        format_parquet.writer_open(to, request.column_count, written, options, pool, err, &writer);
    return status == ST_OK ? copy_rows(table, &request, arena, writer, err) : status;
}

int main(int argc, char **argv)
{
    Error err = ERROR_NONE;
    MemPool *pool = mem_pool_new(NULL, "copy", (uint64_t)1 << 31);
    Arena *arena = arena_new(NULL, "copy", ARENA_NO_CAP);
    const char *path = argc > 1 ? argv[1] : "";
    OptionList options = {.count = argc > 3 ? (uint32_t)(argc - 3) / 2 : 0,
                          .items = (const char *const *)(argv + 3)};
    Table *table = NULL;
    Status status = format_parquet.open(1, &path, (OptionList){0}, pool, &err, &table);

    if (status == ST_OK)
        status = copy(table, argc > 2 ? argv[2] : "", options, pool, arena, &err);
    table_unref(table);
    if (status != ST_OK)
        fprintf(stderr, "ERROR: %s\n", err.message);
    arena_free(arena);
    mem_pool_free(pool);
    return status == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
