/*
 * runtime_filter.h -- what a hash join's build side knows about its keys, told to scans of the probe side
 *
 *     join_filter_new (planning) -> join_filter_begin, _add ..., _finish (the build's finish phase) -> join_filter_predicates (scan)
 *
 * By what the keys are: nothing at all (empty build side), a few values, a range with an exact bitmap where integer keys
 * lie close together, or a range with a blocked Bloom filter (Putze, Sanders & Singler 2007; 8 bits of one 64-byte... word of 8 bytes).
 * A filter that turns out to keep nearly all rows is no longer asked.
 *
 * Thread: _add may run in parallel; the filter is immutable after _finish.
 */
#ifndef VONK_EXEC_RUNTIME_FILTER_H
#define VONK_EXEC_RUNTIME_FILTER_H

#include "core/plan/table.h"
#include "exec/operator.h"

typedef struct JoinFilter JoinFilter;

/* For key type `type`; NULL when filters on such keys are not made. */
JoinFilter *join_filter_new(const ExecContext *context, Arena *arena, uint32_t id, Type type);
uint32_t join_filter_id(const JoinFilter *filter);

/* min, max over all keys; row_count 0: nothing matches. Allocates; the bits are set by _add. */
MUST_CHECK Status join_filter_begin(JoinFilter *filter, uint64_t row_count, int64_t min,
                                    int64_t max, Error *err);
/* key_count values of the key's physical form (int16, 32 or 64), row_bytes apart; from several threads at once. */
void join_filter_add(JoinFilter *filter, const char *first_key, size_t row_bytes,
                     uint64_t key_count);
void join_filter_finish(JoinFilter *filter);
void join_filter_close(JoinFilter *filter); /* frees the bits; accepts NULL */

enum { JOIN_FILTER_PREDICATES_MAX = 2 };

/* Predicates on the table's column for a scan; their arrays live in the arena. Returns how many: 0 when the filter is not ready or of no use. */
uint32_t join_filter_predicates(JoinFilter *filter, Arena *arena, uint32_t table_column,
                                Type column_type, uint32_t threads,
                                ScanPredicate predicates_out[JOIN_FILTER_PREDICATES_MAX]);

#endif
