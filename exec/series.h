/*
 * series.h -- the values of generate_series(start, stop, step)
 *
 *     series_make (from the arguments) -> series_read, series_read, ... until it gives none
 *
 * Integers, numerics, and timestamps whose step has no months are start + i * step, so that any
 * part can be read on its own. A step with months is added again and again, as PostgreSQL does (31
 * January, 28 February, 28 March): how many values there are shows at the end only.
 */
#ifndef VONK_EXEC_SERIES_H
#define VONK_EXEC_SERIES_H

#include "core/base/status.h"
#include "core/data/value.h"

typedef struct Series {
    Phys phys; /* of the values */
    Int128 start, stop, step;
    Interval interval; /* when it has months */
    bool has_months;
    uint64_t row_count; /* with months: 1 where there may be some */
} Series;

/* A place in a series: values [row, end_row) are left; with months those from `next` on. */
typedef struct SeriesReader {
    uint64_t row, end_row;
    int64_t next;
    bool is_done;
} SeriesReader;

/* No rows when an argument is NULL. */
MUST_CHECK Status series_make(const Value args[3], Error *err, Series *series_out);

/* Rows [row, end_row); with months all of them, whatever the numbers. */
SeriesReader series_reader(const Series *series, uint64_t row, uint64_t end_row);

/* Up to `most` values, 0 at the end. values has room for them. */
MUST_CHECK Status series_read(const Series *series, SeriesReader *reader, void *values,
                              uint32_t most, Error *err, uint32_t *count_out);

#endif
