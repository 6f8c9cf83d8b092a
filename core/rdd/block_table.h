/*
 * block_table.h -- what a task reads, as tables
 *
 *     block_table         the blocks of one partition of an exchange
 *     slice_table         some splits of a table, one after the other
 *     checkpoint_table    all that a stage has made, a split a partition
 *
 * A task runs a plan in which each source is replaced by its partition's share; operators below see
 * tables as any other.
 *
 * Thread: as any table's.
 */
#ifndef VONK_CORE_RDD_BLOCK_TABLE_H
#define VONK_CORE_RDD_BLOCK_TABLE_H

#include "core/plan/table.h"
#include "core/rdd/block_reader.h"

/* Columns are the output's; references it. lost_map (may be NULL) is set to the map task whose
 * blocks could not be had when a scan fails with ST_CORRUPT. */
Table *block_table_new(BlockOutput *output, BlockRange range, uint32_t column_count,
                       const PlanColumn *columns, _Atomic uint32_t *lost_map);

/* Of an output with one reduce partition, whose lineage nobody has any more. References it; copies
 * name and columns. */
Table *checkpoint_table_new(BlockOutput *output, const char *name, uint32_t column_count,
                            const TableColumn *columns);
/* Borrowed; NULL: the table is of another kind. */
BlockOutput *checkpoint_table_output(const Table *table);

/* Splits are borrowed; references the table. */
Table *slice_table_new(Table *table, uint32_t split_count, const Split *splits);

#endif
