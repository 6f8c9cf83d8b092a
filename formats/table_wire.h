/*
 * table_wire.h -- a table as bytes for another process, which opens the same files
 *
 *     Table -> table_write -> | kind, files, what the format knows | -> table_read -> Table
 *
 * Files go by their paths, with the stamps they had when the driver opened them: a scan elsewhere
 * refuses another file. Schema and dialect go along, so that nobody infers them twice and a table
 * of text files is made without a look at any of them. Parquet files are opened for their footers.
 *
 * Thread: any.
 */
#ifndef VONK_FORMATS_TABLE_WIRE_H
#define VONK_FORMATS_TABLE_WIRE_H

#include "core/plan/table.h"

/* Files and series can; what is in memory goes as blocks (engine/plan_transport.h). */
bool table_can_write(const Table *table);
MUST_CHECK Status table_write(const Table *table, WireWriter *to, Error *err);

/* Believes nothing; see wire.h. */
MUST_CHECK Status table_read(WireReader *from, MemPool *pool, Error *err, Table **table_out);

/* --- for formats --- */

void table_wire_put_columns(WireWriter *to, uint32_t count, const TableColumn *columns);
/* In the arena. */
const TableColumn *table_wire_get_columns(WireReader *from, Arena *arena, uint32_t *count_out);

#endif
