/* fuzz_csv.c -- any bytes as a CSV file: inferred, cut into small splits, read */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/format.h"

enum { POOL_BYTES = 1 << 28 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static void read_split(const Table *table, const Split *split, MemPool *pool, Arena *arena)
{
    uint32_t *columns = ARENA_ARRAY(arena, uint32_t, table->column_count);
    ScanRequest request = {
        .column_count = table->column_count, .columns = columns, .batch_rows = 7, .pool = pool};
    Batch batch = {.row_count = 1};
    TableScan *scan;
    bool exact;

    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = i;
    if (table->class->scan_open(table, split, &request, NULL, &scan) != ST_OK)
        return;
    while (batch.row_count > 0 && table->class->scan_next(scan, NULL, &batch, &exact) == ST_OK)
        continue;
    table->class->scan_close(scan);
}

static void read_table(const char *path, MemPool *pool)
{
    Arena *arena = arena_new(NULL, "fuzz", ARENA_NO_CAP);
    const Split *splits;
    uint32_t count = 0;
    Table *table;

    if (format_csv.open(1, &path, (OptionList){0}, pool, NULL, &table) == ST_OK) {
        if (table->class->splits(table, arena, 16, NULL, &count, &splits) != ST_OK)
            count = 0;
        for (uint32_t i = 0; i < count; i++)
            read_split(table, &splits[i], pool, arena);
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
