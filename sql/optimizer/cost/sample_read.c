/*
 * sample_read.c -- a sample of a table by its ordinary scans: the first rows of some splits
 *
 *     splits 0 1 2 3 4 5 6 7 8         three of them, spread evenly:  1  4  7
 *
 * Of texts, one split: a text column's dictionary often costs a millisecond to read.
 * The rows are neighbours, which is no harm unless the table is sorted by a column; statistics.c
 * knows those by their order. The same table and columns give the same rows each time.
 */
#include <string.h>

#include "sql/optimizer/cost/cost_internal.h"

enum {
    SAMPLE_SPLITS = 3,
    SAMPLE_SPLITS_OF_TEXT = 1,
    SPLIT_BYTES = 8 << 20,
    POOL_BYTES = 128 << 20
};

/* A column that rows are added to. */
typedef struct Collected {
    unsigned char *values;
    uint64_t *validity;
    Type type;
} Collected;

typedef struct Sampler {
    const Table *table;
    Arena *arena;
    MemPool *pool;
    uint32_t column_count;
    const uint32_t *columns;
    Collected *collected;
    uint32_t row_count, row_max;
} Sampler;

static void add_rows(Sampler *sampler, const Batch *batch, uint32_t count)
{
    for (uint32_t c = 0; c < sampler->column_count; c++) {
        Collected *to = &sampler->collected[c];
        size_t bytes = phys_bytes(type_phys(to->type));
        Column copy =
            column_copy(sampler->arena, &batch->columns[c], batch->selection, count, true);

        memcpy(to->values + sampler->row_count * bytes, copy.values, count * bytes);
        for (uint32_t i = 0; i < count; i++)
            bitmap_put(to->validity, sampler->row_count + i, !column_is_null(&copy, i));
    }
    sampler->row_count += count;
}

/* Up to row_max rows of one split. */
static Status read_split(Sampler *sampler, const Split *split, uint32_t row_max, Error *err)
{
    ScanRequest request = {.column_count = sampler->column_count,
                           .columns = sampler->columns,
                           .batch_rows = row_max < BATCH_ROWS_MAX ? row_max : BATCH_ROWS_MAX,
                           .pool = sampler->pool};
    TableScan *scan = NULL;
    Status status = sampler->table->class->scan_open(sampler->table, split, &request, err, &scan);
    uint32_t rows = 0;

    while (status == ST_OK && rows < row_max) {
        Batch batch = {0};
        bool exact_filters;
        uint32_t count;

        status = sampler->table->class->scan_next(scan, err, &batch, &exact_filters);
        if (status != ST_OK || batch.row_count == 0)
            break;
        count = batch.selected_count < row_max - rows ? batch.selected_count : row_max - rows;
        add_rows(sampler, &batch, count);
        rows += count;
    }
    if (scan != NULL)
        sampler->table->class->scan_close(scan);
    return status;
}

static Status read_splits(Sampler *sampler, Error *err)
{
    const Split *splits;
    uint32_t split_count, wanted = SAMPLE_SPLITS;

    TRY(sampler->table->class->splits(sampler->table, sampler->arena, SPLIT_BYTES, err,
                                      &split_count, &splits));
    for (uint32_t c = 0; c < sampler->column_count; c++) {
        if (type_is_text(sampler->collected[c].type))
            wanted = SAMPLE_SPLITS_OF_TEXT;
    }
    wanted = split_count < wanted ? split_count : wanted;
    for (uint32_t i = 0; i < wanted; i++) {
        uint32_t rows_left = sampler->row_max - sampler->row_count;
        uint64_t place = ((uint64_t)2 * i + 1) * split_count / ((uint64_t)2 * wanted);

        TRY(read_split(sampler, &splits[place], rows_left / (wanted - i), err));
    }
    return ST_OK;
}

Status cost__sample_by_scan(const Table *table, Arena *arena, const uint32_t *columns,
                            uint32_t column_count, uint32_t row_count, Error *err,
                            Column *columns_out, uint32_t *row_count_out)
{
    Sampler sampler = {.table = table,
                       .arena = arena,
                       .pool = mem_pool_new(NULL, "sample", POOL_BYTES),
                       .column_count = column_count,
                       .columns = columns,
                       .collected = ARENA_ARRAY(arena, Collected, column_count),
                       .row_max = row_count};
    Status status;

    for (uint32_t c = 0; c < column_count; c++) {
        Type type = table->columns[columns[c]].type;

        sampler.collected[c] =
            (Collected){.values = arena_alloc(arena, row_count * phys_bytes(type_phys(type))),
                        .validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(row_count)),
                        .type = type};
    }
    status = read_splits(&sampler, err);
    mem_pool_free(sampler.pool);
    *row_count_out = status == ST_OK ? sampler.row_count : 0;
    for (uint32_t c = 0; c < column_count; c++)
        columns_out[c] = (Column){.type = sampler.collected[c].type,
                                  .form = COLUMN_FLAT,
                                  .values = sampler.collected[c].values,
                                  .validity = sampler.collected[c].validity};
    return status;
}
