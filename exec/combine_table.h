/*
 * combine_table.h -- one accumulator a key, filled by user functions
 *
 *     combine_table_init -> combine_table_add, ... -> combine_table_read, ... ->
 *         combine_table_clear -> ... -> combine_table_fini
 *
 *     directory  -->  | accumulator | hash | the key's texts, as Str | its number, when wanted |
 *
 * Accumulators are records in chunks, in the order in which their keys first came; they never move.
 * Texts of accumulators are owned; short ones of the key stand behind their record, so that looking
 * a key up touches one line of the directory and one record. Small accumulators whose key is one
 * word, or one text and no other, lie in a word table or a text table instead, and move when more
 * keys are added.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_COMBINE_TABLE_H
#define VONK_EXEC_COMBINE_TABLE_H

#include "exec/hash_directory.h"
#include "exec/record_keys.h"
#include "exec/record_spill.h"
#include "exec/text_table.h"
#include "exec/user_task.h"
#include "exec/word_table.h"

typedef struct CombineTable {
    const CombineSpec *spec;
    const char *consumer;
    MemPool *pool;
    UserTask *user;
    RecordKeys keys;     /* a: In, b: Acc */
    uint32_t text_count; /* of the accumulator's fields; keys first; without keys none is one */
    uint32_t key_text_count;
    uint32_t *text_offsets;
    const char **text_seen; /* where the texts that are no keys pointed before a call */
    uint32_t number_offset; /* in a row of records; 0: rows have no number */

    bool has_words, has_slots; /* accumulators are in words, in slots; else in records */
    WordTable words;
    TextTable slots;
    RowStore records;
    TextStore texts;
    HashDirectory directory;
    uint64_t *row_hashes;   /* of a run of records */
    uint64_t record_number; /* added so far, for errors */
} CombineTable;

/* Arrays live in the arena. */
void combine_table_init(CombineTable *table, Arena *arena, const CombineSpec *spec, MemPool *pool,
                        UserTask *user, const char *consumer);
void combine_table_fini(CombineTable *table); /* accepts a zeroed one */

/* Adds up to BATCH_ROWS_MAX In records. On ST_OUT_OF_MEMORY, when the user's task has not failed,
 * *done_out of them are in the table, which is sound; texts that the last one changed may still be
 * borrowed, until the user's task is reset. */
MUST_CHECK Status combine_table_add(CombineTable *table, const char *records, uint32_t count,
                                    Error *err, uint32_t *done_out);

/*
 * The first half of the same: *found_out rows' keys have an accumulator. accs_out[i] is row i's,
 * or its slot (chain_has_slots), until more keys are added;
 * that of a new key has CHAIN_ACC_IS_NEW in its address, and holds its key, and else `zero`, or
 * zeros. The key's values stand in a column (int64_t or Str, row rows[i], i when rows is NULL) when
 * combine_table_reads_column says so, or else in records. Of a table whose accumulators have no
 * texts but keys.
 */
MUST_CHECK Status combine_table_find(CombineTable *table, const void *values, const uint32_t *rows,
                                     const char *records, uint32_t count, Error *err,
                                     void **accs_out, uint32_t *found_out);

static inline bool combine_table_reads_column(const CombineTable *table)
{
    return table->keys.is_word || table->keys.is_text;
}

/* The same without keys. */
MUST_CHECK Status combine_table_find_only(CombineTable *table, Error *err, void **acc_out,
                                          bool *is_new_out);

/* Makes an accumulator of each record alone, beside the table; texts stay borrowed. */
MUST_CHECK Status combine_table_begin_each(CombineTable *table, const char *records, uint32_t count,
                                           char *accs, Error *err);

/* Adds that accumulator to a table without keys that has none; its texts stay borrowed. */
MUST_CHECK Status combine_table_put(CombineTable *table, const void *record, Error *err);

static inline uint64_t combine_table_count(const CombineTable *table)
{
    if (table->has_words)
        return word_table_count(&table->words);
    return table->has_slots ? table->slots.key_count : table->records.row_count;
}

/* How far a reader is; zeroed: at the first accumulator. */
typedef struct CombinePlace {
    uint32_t chunk, row;
    uint64_t number;
    _Alignas(16) char shown[CHAIN_SLOT_BYTES]; /* a slot's record */
} CombinePlace;

/* Copies the next accumulators, at most count, to records; returns how many there were. */
uint32_t combine_table_read(const CombineTable *table, CombinePlace *place, uint32_t count,
                            char *records);

/* --- keys that are numbers of a narrow range (word_table.h) --- */

/* How far the keys reach from the least on; 0: they are no such numbers, or there are none. */
uint64_t combine_table_extent(const CombineTable *table, uint64_t *low_out);

/* Of an empty table: accumulators of those keys have their places from now on, and are read first,
 * ascending. On failure, and when it is dropped, they have none. */
MUST_CHECK Status combine_table_set_range(CombineTable *table, uint64_t low, uint64_t span,
                                          Error *err);
void combine_table_drop_range(CombineTable *table);

/* Accumulators that are not in the range. */
static inline uint64_t combine_table_count_outside(const CombineTable *table)
{
    return combine_table_count(table) - table->words.present_count;
}

/* Memory held. */
size_t combine_table_bytes(const CombineTable *table);

/* Forgets all accumulators; keeps the directory. */
void combine_table_clear(CombineTable *table);

/* --- spilling --- */

enum { COMBINE_IN, COMBINE_ACC }; /* kinds of spilled records */

/* The next accumulator, to be spilled, until the place is used again; without numbers, `first`
 * counts up from 0. False: none. */
bool combine_table_next(const CombineTable *table, CombinePlace *place, SpilledRecord *record_out);

/* Forgets all accumulators, and holds no memory. */
void combine_table_empty(CombineTable *table);

/* From now on accumulators have numbers: `first` of the spilled record that began them. Of an empty
 * table. */
void combine_table_want_numbers(CombineTable *table);

/* As combine_table_add, of one that was spilled. */
MUST_CHECK Status combine_table_add_spilled(CombineTable *table, const SpilledRecord *record,
                                            Error *err, bool *is_added_out);

#endif
