/*
 * partition.h -- key=value folders as columns: sales/year=2024/month=1/part-0.parquet
 *
 * Wraps the table of the files: the keys become columns behind its own, constant per file. A
 * predicate over a key drops whole files before they are opened. A key is bigint when all its
 * values are whole numbers, date when all are dates, else text; %XX is decoded, and
 * __HIVE_DEFAULT_PARTITION__ is NULL.
 */
#ifndef VONK_FORMATS_PARTITION_H
#define VONK_FORMATS_PARTITION_H

#include "core/plan/table.h"

/* Whether the path below its first skip_bytes bytes has a key=value folder. */
bool partition_path_has_keys(const char *path, size_t skip_bytes);

/*
 * Takes inner (released on failure too), whose files are paths in that order. Errors: ST_BAD_INPUT
 * when files have other keys than the first, or a key is also a column's name.
 */
MUST_CHECK Status partition_table_new(Table *inner, uint32_t path_count, const char *const *paths,
                                      size_t skip_bytes, Error *err, Table **table_out);

/* The table that it wraps, and skip_bytes; NULL: the table is of another kind. */
const Table *partition_table_inner(const Table *table, size_t *skip_bytes_out);

#endif
