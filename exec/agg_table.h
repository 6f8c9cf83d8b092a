/*
 * agg_table.h -- rows grouped by their keys, in two steps
 *
 *     a thread:     agg_table_init -> agg_table_find (batch by batch) -> agg_table_end
 *     finish task:  agg_table_merge (some of the partitions of all tables)
 *     at last:      agg_groups_fini, agg_table_fini
 *
 * A group is one row:
 *
 *     | hash, place | null bits | keys, then dependents | states |
 *
 * place is the group's first row; keys and dependents show that row's values. Rows are made in
 * one of 64 partitions by the hash's highest bits, and stay there: a table of slots (16 bits of
 * salt, 48 bits of pointer) points at them. When the table has grown past what helps, the slots
 * are cleared and a group may be made again; when nearly every row is a group of its own, rows
 * become groups without a look. agg_table_merge finds the groups that were made more than once,
 * in one thread or in several, and merges their states. Nothing of this shows in the result:
 * states do not depend on the order of merging, and the group's keys come from the smallest
 * place.
 *
 * Thread: a table is one thread's until agg_table_end; then agg_table_merge calls over different
 * partitions may run at once.
 */
#ifndef VONK_EXEC_AGG_TABLE_H
#define VONK_EXEC_AGG_TABLE_H

#include <stdatomic.h>

#include "exec/row_layout.h"

enum { AGG_PARTITION_COUNT = 64, AGG_PARTITION_SHIFT = 58 };

typedef struct AggHead {
    uint64_t hash;
    uint64_t place;
} AggHead;

/* What the groups of an operator look like; shared by its threads. */
typedef struct AggSpec {
    RowLayout layout; /* head: AggHead; fields: keys, dependents; tail: states */
    uint32_t key_count;
    uint32_t state_bytes;
    const void
        *state_template; /* a new group's states are a copy of it; NULL when there are none */
    void (*state_merge)(void *context, void *into, const void *from);
    void *context;
    MemPool *pool;
    const char *consumer;
    const atomic_bool *stop;
    double expected_rows;   /* that one table will see; -1: unknown */
    double expected_groups; /* of all rows; -1: unknown             */
} AggSpec;

typedef struct AggScratch AggScratch;
typedef struct AggDirect AggDirect;

typedef struct AggTable {
    const AggSpec *spec;
    RowStore partitions[AGG_PARTITION_COUNT];
    TextStore texts;
    AggScratch *scratch;
    AggDirect *direct;

    uint64_t *slots;
    uint64_t slot_count;  /* a power of two */
    uint64_t group_count; /* in the slots   */
    bool has_repeats;     /* a group may stand in the partitions twice */

    /* how well grouping goes: what agg_table_policy.c looks at */
    uint64_t rows_since_clear;
    uint64_t rows_since_growth, groups_at_growth;
    uint64_t rows_to_skip; /* rows still to become groups without a look */
} AggTable;

MUST_CHECK Status agg_table_init(AggTable *table, const AggSpec *spec, Error *err);
void agg_table_fini(AggTable *table); /* accepts a zeroed table */

/*
 * Finds or makes the group of each selected row: states_out[i] is row i's block. columns: keys,
 * then dependents, of batch->row_count rows. place: of the batch's physical row 0.
 */
MUST_CHECK Status agg_table_find(AggTable *table, const Batch *batch, const Column *columns,
                                 uint64_t place, Error *err, void **states_out);

/* For no keys: the one group of the table, made by its first row. */
MUST_CHECK Status agg_table_find_only(AggTable *table, const Batch *batch, const Column *columns,
                                      uint64_t place, Error *err, void **state_out);

/* A group of no rows: its keys and dependents are NULL. */
MUST_CHECK Status agg_table_add_empty(AggTable *table, Error *err);

/* Frees what only finding needs. */
void agg_table_end(AggTable *table);

uint64_t agg_table_row_count(const AggTable *table);
uint64_t agg_table_bytes(const AggTable *table);

/* Groups, each once, ascending by place. */
typedef struct AggGroups {
    MemPool *pool;
    void **rows;
    uint64_t count;
    uint64_t capacity;
} AggGroups;

/* The groups of partitions [first, end) of all tables; call agg_groups_fini also when this fails.
 */
MUST_CHECK Status agg_table_merge(const AggSpec *spec, AggTable *const *tables,
                                  uint32_t table_count, uint32_t first, uint32_t end, Error *err,
                                  AggGroups *groups_out);
/* The groups of several disjoint sets as one, ascending by place; the sets are emptied, unless it
 * fails. */
MUST_CHECK Status agg_groups_join(const AggSpec *spec, AggGroups *sets, uint32_t set_count,
                                  Error *err, AggGroups *groups_out);
void agg_groups_fini(AggGroups *groups); /* accepts a zeroed one */

#endif
