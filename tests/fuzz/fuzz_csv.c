/* fuzz_csv.c -- any bytes as a CSV file: inferred, cut into small splits, read; as many rows as
 * without cuts */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/format.h"

enum { POOL_BYTES = 1 << 28 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* The split's rows, added to *rows; false: it cannot be read. */
static bool read_split(const Table *table, const Split *split, MemPool *pool, Arena *arena,
                       uint64_t *rows)
{
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, table->column_count);
    ScanRequest request = {
        .column_count = table->column_count, .columns = columns, .batch_rows = 7, .pool = pool};
    Batch batch = {.row_count = 1};
    Status status = ST_OK;
    TableScan *scan;
    bool exact;

    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = i;
    if (table->class->scan_open(table, split, &request, NULL, &scan) != ST_OK)
        return false;
    while (batch.row_count > 0 && status == ST_OK) {
        status = table->class->scan_next(scan, NULL, &batch, &exact);
        *rows += status == ST_OK ? batch.selected_count : 0;
    }
    table->class->scan_close(scan);
    return status == ST_OK;
}

static bool read_all(const Table *table, uint64_t target_bytes, MemPool *pool, Arena *arena,
                     uint64_t *rows_out)
{
    const Split *splits;
    uint32_t count = 0;
    bool is_readable = true;

    *rows_out = 0;
    if (table->class->splits(table, arena, target_bytes, NULL, &count, &splits) != ST_OK)
        return false;
    for (uint32_t i = 0; i < count; i++)
        is_readable &= read_split(table, &splits[i], pool, arena, rows_out);
    return is_readable;
}

static void read_table(const char *path, MemPool *pool)
{
    Arena *arena = arena_new(NULL, "fuzz", ARENA_NO_CAP);
    uint64_t whole, cut;
    Table *table;

    if (format_csv.open(1, &path, (OptionList){0}, pool, NULL, &table) == ST_OK) {
        if (read_all(table, 16, pool, arena, &cut) &&
            read_all(table, 1 << 20, pool, arena, &whole) && cut != whole)
            abort();
        table_unref(table);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    MemPool *pool = mem_pool_new(NULL, "fuzz", POOL_BYTES);
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (write(file, bytes, byte_count) == (ssize_t)byte_count)
        read_table(path, pool);
    close(file);
    mem_pool_free(pool);
    return 0;
}
