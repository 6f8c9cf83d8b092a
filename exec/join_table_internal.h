/* join_table_internal.h -- shared by join_table.c (phases) and join_table_fill.c (their tasks) */
#ifndef VONK_EXEC_JOIN_TABLE_INTERNAL_H
#define VONK_EXEC_JOIN_TABLE_INTERNAL_H

#include "exec/join_table.h"

/* DIRECT: sets the part's bits; notes keys seen twice. HASHED: counts the part's slots. Counts the
 * part's rows. */
MUST_CHECK Status join_table__mark(JoinTable *table, JoinPart *part, Error *err);

/* DIRECT: bits before each word. */
void join_table__rank(JoinTable *table);

/* Moves the part's rows to their places; notes equal keys of a slot (HASHED). The last part also
 * moves rows that are nowhere. */
MUST_CHECK Status join_table__move(JoinTable *table, uint32_t part, Error *err);

#endif
