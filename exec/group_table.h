/*
 * group_table.h -- records of one to four inputs, gathered by key
 *
 *     group_table_init -> group_table_add(input, records), ... -> group_table_next, ...
 *         -> group_table_fini
 *
 * Records are kept in their order, linked by group and input; groups in the order in which their
 * keys first came. Records are numbered as they come, through all inputs. Texts are owned.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_GROUP_TABLE_H
#define VONK_EXEC_GROUP_TABLE_H

#include "exec/hash_directory.h"
#include "exec/record_keys.h"
#include "exec/record_spill.h"

/* In front of each record kept. */
typedef struct GroupRecord {
    struct GroupRecord *next; /* of the same group and input */
    uint64_t number;
} GroupRecord;

static inline const char *group_record_bytes(const GroupRecord *record)
{
    return (const char *)(record + 1);
}

typedef struct GroupLink {
    GroupRecord *first, *last;
} GroupLink;

typedef struct GroupEntry {
    uint64_t hash;
    uint64_t number;   /* of the key's first record, */
    uint64_t input;    /* which is of that input     */
    GroupLink links[]; /* by input */
} GroupEntry;

typedef struct GroupTable {
    const GroupSpec *spec;
    MemPool *pool;
    const char *consumer;
    RecordKeys keys[GROUP_INPUTS_MAX][GROUP_INPUTS_MAX]; /* a: the first index's type */
    RecordShape shapes[GROUP_INPUTS_MAX];
    RowStore records[GROUP_INPUTS_MAX];
    TextStore texts;
    RowStore groups; /* GroupEntry */
    HashDirectory directory;
    uint64_t *row_hashes;
    uint64_t record_number; /* how many came so far */
} GroupTable;

/* Arrays live in the arena. */
void group_table_init(GroupTable *table, Arena *arena, const GroupSpec *spec, MemPool *pool,
                      const char *consumer);
void group_table_fini(GroupTable *table); /* accepts a zeroed one */

/* Copies up to BATCH_ROWS_MAX records of that input. On ST_OUT_OF_MEMORY, *done_out of them are in
 * the table, which is sound. */
MUST_CHECK Status group_table_add(GroupTable *table, uint32_t input, const char *records,
                                  uint32_t count, Error *err, uint32_t *done_out);

size_t group_table_bytes(const GroupTable *table);

/* How far a reader is; zeroed: at the beginning. */
typedef struct GroupPlace {
    uint32_t input, chunk, row;
} GroupPlace;

/* The next group; NULL at the end. */
const GroupEntry *group_table_next(const GroupTable *table, GroupPlace *place);

/* --- spilling: kinds are inputs --- */

/* The next record, by input and in its order, to be spilled. False at the end. */
bool group_table_next_record(const GroupTable *table, GroupPlace *place, SpilledRecord *record_out);

/* Forgets all, and holds no memory. */
void group_table_empty(GroupTable *table);

/* Adds one that was spilled. ST_OUT_OF_MEMORY: it is not in. */
MUST_CHECK Status group_table_add_spilled(GroupTable *table, const SpilledRecord *record,
                                          Error *err);

#endif
