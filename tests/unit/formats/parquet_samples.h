/*
 * parquet_samples.h -- for tests of the Parquet reader: sample files, and scans whose result is a
 * hash
 */
#ifndef VONK_TESTS_UNIT_FORMATS_PARQUET_SAMPLES_H
#define VONK_TESTS_UNIT_FORMATS_PARQUET_SAMPLES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/format.h"

/* The folder of the Apache project's sample files, or NULL with a message when it is not there. */
static inline const char *samples_folder(void)
{
    static const char *const places[] = {"../shared/data/parquet-testing",
                                         "../../../shared/data/parquet-testing",
                                         "../../shared/data/parquet-testing"};
    const char *named = getenv("VONK_PARQUET_TESTING");

    if (named != NULL && access(named, R_OK) == 0)
        return named;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    printf("skipped: set VONK_PARQUET_TESTING to the folder of Parquet's sample files\n");
    return NULL;
}

static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
    return hash;
}

/* Of the selected rows' values, in order. Reads every byte they refer to. */
static inline uint64_t hash_batch(uint64_t hash, const Batch *batch)
{
    for (uint32_t i = 0; i < batch->selected_count; i++)
        for (uint32_t c = 0; c < batch->column_count; c++) {
            Value value = value_from_column(&batch->columns[c], batch_row(batch, i));
            size_t byte_count = phys_bytes(type_phys(value.type));

            hash = hash_bytes(hash, &value.is_null, 1);
            if (value.is_null)
                continue;
            if (type_phys(value.type) == PHYS_STR)
                hash = hash_bytes(hash, str_bytes(&value.str), value.str.length);
            else
                hash = hash_bytes(hash, value.bytes, byte_count);
        }
    return hash;
}

typedef struct ScanResult {
    Status status;
    uint64_t rows, hash;
    Error error;
} ScanResult;

/* All splits of the table, one after the other. */
static inline ScanResult scan_table(const Table *table, const ScanRequest *request)
{
    ScanResult result = {.hash = 14695981039346656037u};
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    const Split *splits;
    uint32_t split_count;

    result.status = table->class->splits(table, arena, 1, &result.error, &split_count, &splits);
    for (uint32_t s = 0; s < split_count && result.status == ST_OK; s++) {
        TableScan *scan;
        Batch batch;
        bool is_exact;

        result.status = table->class->scan_open(table, &splits[s], request, &result.error, &scan);
        while (result.status == ST_OK) {
            result.status = table->class->scan_next(scan, &result.error, &batch, &is_exact);
            if (result.status != ST_OK || batch.row_count == 0)
                break;
            result.rows += batch.selected_count;
            result.hash = hash_batch(result.hash, &batch);
        }
        table->class->scan_close(scan);
    }
    arena_free(arena);
    return result;
}

/* Every column that can be read. */
static inline uint32_t readable_columns(const Table *table, uint32_t *columns, uint32_t columns_max)
{
    uint32_t count = 0;

    for (uint32_t c = 0; c < table->column_count && count < columns_max; c++)
        if (table->columns[c].type.id != TYPE_NULL)
            columns[count++] = c;
    return count;
}

enum { SAMPLE_COLUMNS_MAX = 256 };

/* The whole file, statistics looked at too. */
static inline ScanResult scan_file(const char *path, uint32_t batch_rows, MemPool *pool)
{
    uint32_t columns[SAMPLE_COLUMNS_MAX];
    ScanRequest request = {.columns = columns, .batch_rows = batch_rows, .pool = pool};
    ScanResult result = {.status = ST_OK};
    Table *table;

    result.status = format_parquet.open(1, &path, (OptionList){0}, pool, &result.error, &table);
    if (result.status != ST_OK)
        return result;
    for (uint32_t c = 0; c < table->column_count; c++)
        (void)table->class->column_statistics(table, c);
    request.column_count = readable_columns(table, columns, SAMPLE_COLUMNS_MAX);
    result = scan_table(table, &request);
    table_unref(table);
    return result;
}

#endif
