/*
 * group_table.h -- records of one to four inputs, gathered by key
 *
 *     group_table_init -> group_table_add(input, records), ... -> read entries -> group_table_fini
 *
 * Records are kept in their order, linked by group and input; groups in the order in which their
 * keys first came. Texts are owned.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_GROUP_TABLE_H
#define VONK_EXEC_GROUP_TABLE_H

#include "exec/record_keys.h"
#include "exec/row_layout.h"

/* In front of each record kept. */
typedef struct GroupRecord {
    struct GroupRecord *next; /* of the same group and input */
    void *padding;            /* the record behind is aligned to 16 bytes */
} GroupRecord;

static inline const char *group_record_bytes(const GroupRecord *record)
{
    return (const char *)(record + 1);
}

typedef struct GroupEntry {
    uint64_t hash;
    uint32_t first_input; /* where the key was seen first */
    GroupRecord *first[GROUP_INPUTS_MAX], *last[GROUP_INPUTS_MAX];
} GroupEntry;

typedef struct GroupTable {
    const GroupSpec *spec;
    MemPool *pool;
    const char *consumer;
    RecordKeys keys[GROUP_INPUTS_MAX][GROUP_INPUTS_MAX]; /* a: the first index's type */
    uint32_t text_counts[GROUP_INPUTS_MAX];
    uint32_t *text_offsets[GROUP_INPUTS_MAX];
    RowStore records[GROUP_INPUTS_MAX];
    TextStore texts;
    GroupEntry *entries;
    uint64_t count, capacity;
    uint64_t *directory; /* as combine_table.h's */
    uint64_t slot_count;
    uint64_t *row_hashes;
} GroupTable;

/* Arrays live in the arena. */
void group_table_init(GroupTable *table, Arena *arena, const GroupSpec *spec, MemPool *pool,
                      const char *consumer);
void group_table_fini(GroupTable *table); /* accepts a zeroed one */

/* Copies up to BATCH_ROWS_MAX records of that input. */
MUST_CHECK Status group_table_add(GroupTable *table, uint32_t input, const char *records,
                                  uint32_t count, Error *err);

size_t group_table_bytes(const GroupTable *table);

#endif
