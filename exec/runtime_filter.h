/*
 * runtime_filter.h -- what a join's build side knows of its keys, told to the probe's scans
 *
 *     join_filter_new (planning) -> join_filter_begin, _add ..., _finish (the build is done)
 *         -> join_filter_predicates (scans)
 *
 *     EMPTY    there are no keys: scans read nothing
 *     FEW      up to 16 keys: pruned by, and compared with, each of them
 *     DIRECT   the join table's own bits (JoinWord) say exactly which keys there are
 *     BLOOM    a Bloom filter of 64-bit blocks (Putze, Sanders & Singler 2007): four bits a key
 *     RANGE    of an inequality: the largest key is an upper bound, the smallest a lower one
 *
 * All know the smallest and the largest key, by which row groups are skipped. A filter that turns
 * out to keep nearly all rows is asked no longer.
 *
 * Thread: _add may run in parallel; after _finish the filter is immutable.
 */
#ifndef VONK_EXEC_RUNTIME_FILTER_H
#define VONK_EXEC_RUNTIME_FILTER_H

#include "core/plan/table.h"
#include "exec/join_table.h"
#include "exec/operator.h"

typedef struct JoinFilter JoinFilter;

/* On key number `key` of the table; NULL when filters on keys of its type are not made. */
JoinFilter *join_filter_new(const ExecContext *context, Arena *arena, uint32_t id, uint32_t key,
                            Type type);
uint32_t join_filter_id(const JoinFilter *filter);
uint32_t join_filter_key(const JoinFilter *filter);

/* Of an inequality: the column is at most (else at least) some row's value in the field, a bigint
 * in place of the filter's type. */
void join_filter_bound(JoinFilter *filter, const JoinTable *table, const JoinField *field,
                       bool is_upper, bool is_strict);

/* Looks at the table, which is done; says whether _add is to be called for its rows. */
MUST_CHECK Status join_filter_begin(JoinFilter *filter, const JoinTable *table, Error *err,
                                    bool *needs_rows_out);
/* Rows [first, end) of the table's reachable ones; from several threads at once. */
void join_filter_add(JoinFilter *filter, uint32_t first, uint32_t end);
void join_filter_finish(JoinFilter *filter);
/* Frees what it holds; the filter is not to be asked any more. */
void join_filter_close(JoinFilter *filter);

/* True when it is known that no row can match. */
bool join_filter_is_empty(const JoinFilter *filter);

enum { JOIN_FILTER_PREDICATES_MAX = 2 };

/* Predicates for a scan of the column; what they point to lives in the arena. Returns how many: 0
 * when the filter is not made. */
uint32_t join_filter_predicates(const JoinFilter *filter, Arena *arena, uint32_t table_column,
                                Type column_type, uint32_t threads,
                                ScanPredicate predicates_out[JOIN_FILTER_PREDICATES_MAX]);

#endif
