/*
 * memory_table.h -- rows in memory as a table: registered data, tests
 *
 *     memory_table_new -> memory_table_add, ... -> (a Table as any other) -> table_unref
 *
 * Batches are copied; the bytes count in the pool. A split is a run of whole batches, which the
 * caller ends (memory_table_end_split) or which ends when it has split_rows rows.
 *
 * Thread: one thread adds; after the last add any number may scan.
 */
#ifndef VONK_FORMATS_MEMORY_TABLE_H
#define VONK_FORMATS_MEMORY_TABLE_H

#include "core/plan/table.h"

/* Copies name and columns. split_rows: rows a split has at least, but for the last; 0: a good
 * default. */
MUST_CHECK Status memory_table_new(const char *name, uint32_t column_count,
                                   const TableColumn *columns, uint32_t split_rows, MemPool *pool,
                                   Error *err, Table **table_out);

/* Copies the selected rows. */
MUST_CHECK Status memory_table_add(Table *table, const Batch *batch, Error *err);

/* What was added since the last call is a split, also when that is nothing; split_rows does not
 * count any more. The last call ends the table. */
void memory_table_end_split(Table *table);

#endif
