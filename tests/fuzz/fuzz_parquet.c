/*
 * fuzz_parquet.c -- any bytes as a Parquet file: opened, looked at, scanned with predicates
 *
 * Start from small real files (a corpus of the sample files works well).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/format.h"

enum { COLUMNS_MAX = 64, POOL_BYTES = 1 << 28 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* Keeps every other row. */
static Status keep_half(void *context, uint32_t thread, const Column *column, uint32_t row_count,
                        const uint32_t *selection, uint32_t count, uint32_t *kept,
                        uint32_t *kept_count_out, Error *err)
{
    uint32_t kept_count = 0;

    (void)context;
    (void)thread;
    (void)column;
    (void)row_count;
    (void)err;
    for (uint32_t i = 0; i < count; i += 2)
        kept[kept_count++] = selection == NULL ? i : selection[i];
    *kept_count_out = kept_count;
    return ST_OK;
}

/* Reads what the selected rows of a batch refer to. */
static uint64_t touch(const Batch *batch)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < batch->selected_count; i++)
        for (uint32_t c = 0; c < batch->column_count; c++) {
            Value value = value_from_column(&batch->columns[c], batch_row(batch, i));

            if (!value.is_null && type_phys(value.type) == PHYS_STR && value.str.length > 0)
                sum += (uint8_t)str_bytes(&value.str)[value.str.length - 1];
            else
                sum += (uint8_t)value.bytes[0];
        }
    return sum;
}

static uint64_t scan(const Table *table, const ScanRequest *request)
{
    Arena *arena = arena_new(NULL, "fuzz", ARENA_NO_CAP);
    const Split *splits;
    uint32_t split_count;
    uint64_t sum = 0;

    if (table->class->splits(table, arena, 1000, NULL, &split_count, &splits) != ST_OK)
        split_count = 0;
    for (uint32_t s = 0; s < split_count && s < 8; s++) {
        TableScan *open_scan;
        Batch batch;
        bool is_exact;
        Status status = table->class->scan_open(table, &splits[s], request, NULL, &open_scan);

        for (int batches = 0; status == ST_OK && batches < 1000; batches++) {
            status = table->class->scan_next(open_scan, NULL, &batch, &is_exact);
            if (status != ST_OK || batch.row_count == 0)
                break;
            sum += touch(&batch);
        }
        table->class->scan_close(open_scan);
    }
    arena_free(arena);
    return sum;
}

static uint64_t scan_twice(const Table *table, MemPool *pool)
{
    uint32_t columns[COLUMNS_MAX];
    ScanPredicate predicate = {.kind = PREDICATE_OTHER, .keep = keep_half};
    ColumnStatistics statistics;
    ScanRequest request = {
        .columns = columns, .batch_rows = 100, .pool = pool, .predicates = &predicate};
    uint64_t sum;

    for (uint32_t c = 0; c < table->column_count && request.column_count < COLUMNS_MAX; c++) {
        (void)table->class->column_statistics(table, c);
        if (table->columns[c].type.id != TYPE_NULL)
            columns[request.column_count++] = c;
    }
    sum = scan(table, &request);
    if (request.column_count > 0) {
        predicate.column = columns[request.column_count - 1];
        request.predicate_count = 1;
        sum += scan(table, &request);
        statistics = table->class->column_statistics(table, predicate.column);
        predicate.kind = statistics.has_range ? PREDICATE_GE : PREDICATE_IS_NOT_NULL;
        predicate.value_count = 1;
        predicate.values = &statistics.max;
        sum += scan(table, &request);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    MemPool *pool = mem_pool_new(NULL, "fuzz", POOL_BYTES);
    int descriptor = memfd_create("fuzz", 0);
    char path[64];
    const char *paths[] = {path};
    Table *table;

    if (descriptor < 0 || write(descriptor, bytes, byte_count) != (ssize_t)byte_count)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    if (format_parquet.open(1, paths, (OptionList){0}, pool, NULL, &table) == ST_OK) {
        (void)scan_twice(table, pool);
        table_unref(table);
    }
    close(descriptor);
    mem_pool_free(pool);
    return 0;
}
