/*
 * series_table.h -- evenly spaced numbers as a table of one column, cut into as many splits as
 * asked for: what RDDs of ranges scan
 *
 * Thread: as any table's.
 */
#ifndef VONK_FORMATS_SERIES_TABLE_H
#define VONK_FORMATS_SERIES_TABLE_H

#include "core/plan/table.h"

/* first, first + step, ...: count numbers, all of which int8 holds, in splits of equal size; some
 * are empty when there are more of them than numbers. Copies name. */
Table *series_table_new(const char *name, int64_t first, int64_t step, uint64_t count,
                        uint32_t split_count);

/* From what its class wrote. */
MUST_CHECK Status series_table_receive(WireReader *from, Table **table_out);

#endif
