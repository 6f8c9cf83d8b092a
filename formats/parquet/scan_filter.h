/*
 * scan_filter.h -- a scan's predicates on one column, answered as cheaply as the column allows
 *
 * On codes: the predicates are asked once for each entry of the dictionary, and rows look their
 * answer up, one for all predicates. On values: they are asked for the rows that are left. Which
 * one is cheaper depends on how many rows are left per entry.
 *
 * Thread: one, the scan's.
 */
#ifndef VONK_FORMATS_PARQUET_SCAN_FILTER_H
#define VONK_FORMATS_PARQUET_SCAN_FILTER_H

#include "core/plan/table.h"
#include "formats/parquet/column_reader.h"

typedef struct ScanFilter {
    uint32_t predicate_count;
    const ScanPredicate **predicates; /* all on the reader's column */
    ColumnReader *reader;
    uint32_t thread;
    uint32_t rows_max; /* most rows that `keep` is asked for at once */
    MemPool *pool;

    uint32_t ready_count;   /* predicates that the answers below are of: filters may arrive */
    uint64_t dictionary_id; /* that answers belong to; 0: none */
    uint8_t *answers;       /* 1: rows of this code are kept   */
    size_t answers_bytes;
    uint32_t kept_codes;
    bool knows_null, keeps_null;

    double rows_in, rows_out; /* so far, halved now and then */
} ScanFilter;

/* Rows that are still in: all of [0, row_count) when selection is NULL. */
typedef struct ScanRows {
    uint32_t row_count;
    uint32_t *selection; /* NULL, or buffer */
    uint32_t selected_count;
    uint32_t *buffer; /* room for row_count */
} ScanRows;

void scan_filter_fini(ScanFilter *filter);

/*
 * Drops rows of [row, row + rows->row_count). is_loaded: the reader's window is these rows;
 * otherwise they are loaded (and *is_loaded set) unless the dictionary alone gives the answer.
 * rows_ahead: rows of the row group from here on.
 */
MUST_CHECK Status scan_filter_apply(ScanFilter *filter, int64_t row, int64_t rows_ahead,
                                    bool *is_loaded, ScanRows *rows, Error *err);

/* Smaller is better applied first. */
double scan_filter_rank(const ScanFilter *filter);

#endif
