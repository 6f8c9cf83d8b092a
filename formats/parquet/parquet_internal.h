/*
 * parquet_internal.h -- a table of Parquet files, and its scans
 */
#ifndef VONK_FORMATS_PARQUET_PARQUET_INTERNAL_H
#define VONK_FORMATS_PARQUET_PARQUET_INTERNAL_H

#include <pthread.h>

#include "core/plan/table.h"
#include "formats/format.h"
#include "formats/parquet/parquet_bounds.h"
#include "formats/parquet/parquet_schema.h"

typedef struct ParquetFile {
    TableFile at;
    File *file; /* NULL: opened by each scan, there are too many */
    ParquetFooter footer;
    ParquetColumn *columns; /* in the table's order; how this file stores each */
} ParquetFile;

typedef struct ParquetTable {
    Table table;
    Arena *arena;
    MemPool *pool;
    size_t reserved_bytes; /* of the pool, for footers */
    uint32_t file_count;
    ParquetFile *files;
    int64_t row_count;
    uint64_t file_bytes;
    bool has_any_text;            /* option: texts are any bytes */
    bool has_split_per_file;      /* option: a file is one split */
    ColumnStatistics *statistics; /* one a column; distinct counts come later, under the lock */
    bool *has_distinct;
    pthread_mutex_t lock;
} ParquetTable;

extern const TableClass parquet__table_class;

MUST_CHECK Status parquet__open(uint32_t path_count, const char *const *paths, OptionList options,
                                MemPool *pool, Error *err, Table **table_out);

MUST_CHECK Status parquet__receive(uint32_t file_count, const TableFile *files, WireReader *from,
                                   MemPool *pool, Error *err, Table **table_out);

/* The file, open: its own, or one opened now, which goes to *opened_out too (close it). */
MUST_CHECK Status parquet__file_use(const ParquetFile *file, Error *err, const File **file_out,
                                    File **opened_out);

/* Bounds of one column chunk from the footer. */
ParquetBounds parquet__chunk_bounds(const ParquetFile *file, uint32_t column, uint32_t row_group);

/* All that footers say about a column; distinct_count stays unknown. */
ColumnStatistics parquet__footer_statistics(const ParquetTable *table, uint32_t column);

/* An estimate from the dictionaries of a few row groups; -1: unknown. */
double parquet__distinct_estimate(const ParquetTable *table, uint32_t column);

MUST_CHECK Status parquet__scan_open(const Table *table, const Split *split,
                                     const ScanRequest *request, Error *err, TableScan **scan_out);
MUST_CHECK Status parquet__scan_next(TableScan *scan, Error *err, Batch *batch_out,
                                     bool *exact_filters_out);
void parquet__scan_close(TableScan *scan);

MUST_CHECK Status parquet__writer_open(const char *path, uint32_t column_count,
                                       const TableColumn *columns, OptionList options,
                                       MemPool *pool, Error *err, TableWriter **writer_out);
MUST_CHECK Status parquet__writer_add(TableWriter *writer, const Batch *batch, Error *err);
MUST_CHECK Status parquet__writer_finish(TableWriter *writer, bool is_synced, Error *err);
void parquet__writer_abort(TableWriter *writer);

#endif
