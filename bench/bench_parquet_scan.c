/*
 * bench_parquet_scan.c -- how fast columns come out of a Parquet file, one thread, CPU time
 *
 *     bench_parquet_scan LINEITEM.parquet [ROUNDS]
 *
 * Scans what some TPC-H queries need of lineitem and touches nothing of it; "q6" applies Q6's
 * predicates in the scan. Best of ROUNDS (5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/invariant.h"
#include "formats/format.h"

enum { COLUMNS_MAX = 16, PREDICATES_MAX = 5 };

typedef struct RangeContext {
    int64_t low, high; /* both kept */
} RangeContext;

/* low <= x <= high on 4- or 8-byte integers, without branches. */
static Status keep_range(void *context, uint32_t thread, const Column *column, uint32_t row_count,
                         const uint32_t *selection, uint32_t count, uint32_t *kept,
                         uint32_t *kept_count_out, Error *err)
{
    const RangeContext *range = context;
    bool is_wide = phys_bytes(type_phys(column->type)) == 8;
    uint32_t kept_count = 0;

    (void)thread;
    (void)row_count;
    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = selection == NULL ? i : selection[i];
        int64_t value = is_wide ? ((const int64_t *)column->values)[row]
                                : ((const int32_t *)column->values)[row];

        kept[kept_count] = row;
        kept_count += (value >= range->low) & (value <= range->high);
    }
    *kept_count_out = kept_count;
    return ST_OK;
}

typedef struct Scene {
    const char *name;
    const char *columns[COLUMNS_MAX];
    struct {
        const char *column;
        RangeContext range;
    } predicates[PREDICATES_MAX];
} Scene;

static Scene scenes[] = {
    {"q6 columns", {"l_shipdate", "l_discount", "l_quantity", "l_extendedprice"}, {{0}}},
    {"q6",
     {"l_discount", "l_extendedprice"},
     {{"l_shipdate", {8766, 9130}}, {"l_discount", {5, 7}}, {"l_quantity", {0, 2399}}}},
    {"q1 columns",
     {"l_quantity", "l_extendedprice", "l_discount", "l_tax", "l_returnflag", "l_linestatus",
      "l_shipdate"},
     {{0}}},
    {"q18 columns", {"l_orderkey", "l_quantity"}, {{0}}},
    {"q9 columns",
     {"l_orderkey", "l_partkey", "l_suppkey", "l_quantity", "l_extendedprice", "l_discount"},
     {{0}}},
    {"l_shipdate", {"l_shipdate"}, {{0}}},
    {"l_orderkey", {"l_orderkey"}, {{0}}},
    {"l_partkey", {"l_partkey"}, {{0}}},
    {"l_extendedprice", {"l_extendedprice"}, {{0}}},
    {"l_shipmode", {"l_shipmode"}, {{0}}},
    {"l_comment", {"l_comment"}, {{0}}},
    {"one order", {"l_comment"}, {{"l_orderkey", {3000000, 3000000}}}},
};

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint32_t find_column(const Table *table, const char *name)
{
    int32_t column = table_find_column(table, name);

    CHECK(column >= 0);
    return (uint32_t)column;
}

static uint64_t scan_all(const Table *table, const Scene *scene, MemPool *pool)
{
    uint32_t columns[COLUMNS_MAX], split_count;
    Value values[PREDICATES_MAX][2];
    ScanPredicate predicates[2 * PREDICATES_MAX];
    ScanRequest request = {
        .columns = columns, .predicates = predicates, .batch_rows = BATCH_ROWS_MAX, .pool = pool};
    Arena *arena = arena_new(NULL, "bench", ARENA_NO_CAP);
    const Split *splits;
    uint64_t rows = 0;

    while (request.column_count < COLUMNS_MAX && scene->columns[request.column_count] != NULL) {
        columns[request.column_count] = find_column(table, scene->columns[request.column_count]);
        request.column_count++;
    }
    for (uint32_t p = 0; p < PREDICATES_MAX && scene->predicates[p].column != NULL; p++) {
        ScanPredicate predicate = {.column = find_column(table, scene->predicates[p].column),
                                   .kind = PREDICATE_GE,
                                   .value_count = 1,
                                   .keep = keep_range,
                                   .context = (void *)&scene->predicates[p].range};

        for (int side = 0; side < 2; side++) {
            const RangeContext *range = &scene->predicates[p].range;

            values[p][side] = value_int8(side == 0 ? range->low : range->high);
            values[p][side].type = table->columns[predicate.column].type;
        }
        predicate.values = &values[p][0];
        predicates[request.predicate_count++] = predicate;
        predicate.kind = PREDICATE_LE;
        predicate.values = &values[p][1];
        predicates[request.predicate_count++] = predicate;
    }
    CHECK(table->class->splits(table, arena, 1 << 20, NULL, &split_count, &splits) == ST_OK);
    for (uint32_t s = 0; s < split_count; s++) {
        TableScan *scan;
        Batch batch;
        bool is_exact;

        CHECK(table->class->scan_open(table, &splits[s], &request, NULL, &scan) == ST_OK);
        do {
            CHECK(table->class->scan_next(scan, NULL, &batch, &is_exact) == ST_OK);
            rows += batch.selected_count;
        } while (batch.row_count > 0);
        table->class->scan_close(scan);
    }
    arena_free(arena);
    return rows;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "lineitem.parquet";
    int rounds = argc > 2 ? atoi(argv[2]) : 5;
    const char *only = argc > 3 ? argv[3] : NULL;
    MemPool *pool = mem_pool_new(NULL, "bench", MEM_POOL_NO_LIMIT);
    Error err = ERROR_NONE;
    Table *table;

    if (format_parquet.open(1, &path, (OptionList){0}, pool, &err, &table) != ST_OK) {
        fprintf(stderr, "ERROR: %s\n", err.message);
        return EXIT_FAILURE;
    }
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        double best = 1e9;
        uint64_t rows = 0;

        if (only != NULL && strcmp(only, scenes[s].name) != 0)
            continue;
        for (int round = 0; round < rounds; round++) {
            double start = cpu_seconds(), seconds;

            rows = scan_all(table, &scenes[s], pool);
            seconds = cpu_seconds() - start;
            best = seconds < best ? seconds : best;
        }
        printf("%-16s %10llu rows %8.2f ms\n", scenes[s].name, (unsigned long long)rows,
               best * 1e3);
    }
    table_unref(table);
    mem_pool_free(pool);
    return EXIT_SUCCESS;
}
