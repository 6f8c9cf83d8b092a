/*
 * combine_table.h -- one accumulator a key, filled by user functions
 *
 *     combine_table_init -> combine_table_add, ... -> read entries ->
 *         combine_table_clear -> ... -> combine_table_fini
 *
 * Accumulators are records in chunks, in the order in which their keys first came; they never move.
 * The directory is open addressing over (part of the hash, number). Texts of accumulators are
 * owned.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_COMBINE_TABLE_H
#define VONK_EXEC_COMBINE_TABLE_H

#include "exec/record_keys.h"
#include "exec/row_layout.h"
#include "exec/user_task.h"

typedef struct CombineEntry {
    uint64_t hash;
    char *record; /* the accumulator */
} CombineEntry;

typedef struct CombineTable {
    const CombineSpec *spec;
    const char *consumer;
    MemPool *pool;
    UserTask *user;
    RecordKeys keys;     /* a: In, b: Acc */
    uint32_t text_count; /* of the accumulator's fields; keys first */
    uint32_t key_text_count;
    uint32_t *text_offsets;
    const char **text_seen; /* where the texts that are no keys pointed before a call */

    RowStore records;
    TextStore texts;
    uint64_t *directory;   /* high 32 bits: of the hash; low 32: number + 1; 0: free */
    uint64_t slot_count;   /* a power of two */
    CombineEntry *entries; /* by number */
    uint64_t entry_capacity;
    uint64_t *row_hashes;   /* of a run of records */
    uint64_t record_number; /* added so far, for errors */
} CombineTable;

/* Arrays live in the arena. */
void combine_table_init(CombineTable *table, Arena *arena, const CombineSpec *spec, MemPool *pool,
                        UserTask *user, const char *consumer);
void combine_table_fini(CombineTable *table); /* accepts a zeroed one */

/* Adds up to BATCH_ROWS_MAX In records. */
MUST_CHECK Status combine_table_add(CombineTable *table, const char *records, uint32_t count,
                                    Error *err);

/* Room for one entry more, for who adds one by hand. */
MUST_CHECK Status combine_table_reserve_one(CombineTable *table, Error *err);

static inline uint64_t combine_table_count(const CombineTable *table)
{
    return table->records.row_count;
}

/* Memory held. */
size_t combine_table_bytes(const CombineTable *table);

/* Forgets all accumulators; keeps the directory. */
void combine_table_clear(CombineTable *table);

#endif
