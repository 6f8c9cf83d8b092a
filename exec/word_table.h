/*
 * word_table.h -- small records by one word of theirs, their key, in the slots of a hash table
 *
 *     slots   | record of key 7 | free | record of key 3 | free | ...
 *     order   | 2 | 0 | ...                the slots, in the order in which their keys first came
 *
 *     word_table_init -> { word_table_reserve -> word_table_find, ... }, ... ->
 *         word_table_read, ... -> word_table_clear -> ... -> word_table_fini
 *
 * Looking a key up touches one line: where the key is compared, there the record is. So records
 * move when the table grows, which only reserve does. A slot is free when its key is WORD_FREE; the
 * record that has this very key lies beside the slots.
 *
 * Keys of a range, where one was set, have an array instead: no hash, no comparison, and they come
 * out first, in ascending order.
 *
 *     records | record of key low | - | record of low + 2 | ...        present | 1 0 1 ... |
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_WORD_TABLE_H
#define VONK_EXEC_WORD_TABLE_H

#include "codegen/key_hash.h"
#include "core/base/mem_pool.h"
#include "core/base/prefetch.h"

#define WORD_FREE UINT64_C(0x8d3c5a1f72b4e697)

enum { WORD_RECORD_BYTES_MAX = 32 };

typedef struct WordTable {
    MemPool *pool;
    const char *consumer;
    uint32_t key_offset; /* in a record */
    uint32_t slot_shift; /* of its bytes */
    char *slots;
    uint32_t *order;
    uint64_t slot_count; /* a power of two, at least twice the keys */
    uint64_t key_count;  /* in slots, and beside them */
    bool has_free_key;
    uint64_t low, span; /* the range: keys low, low + 1, ..., span of them; none: 0 */
    char *records;
    uint64_t *present; /* a bit a record; one that is not there is as a new one */
    uint64_t present_count;
    bool is_stale; /* records of the range hold what was there before */
    _Alignas(16) char first[WORD_RECORD_BYTES_MAX]; /* a new record, but for its key */
    _Alignas(16) char free_key_record[WORD_RECORD_BYTES_MAX];
} WordTable;

/* record_bytes: up to WORD_RECORD_BYTES_MAX; key_offset: of 8 bytes in it; first: what a new record
 * of a range holds beside its key, NULL: zeros. */
void word_table_init(WordTable *table, uint32_t record_bytes, uint32_t key_offset,
                     const void *first, MemPool *pool, const char *consumer);
void word_table_fini(WordTable *table); /* accepts a zeroed one; it is empty then */

/* Forgets all keys; keeps its memory. */
void word_table_clear(WordTable *table);

/* As word_table_reserve, where there is something to do. */
MUST_CHECK Status word_table_grow(WordTable *table, uint64_t more, Error *err);

/* Room for `more` keys. On failure all is as it was. Records move. */
MUST_CHECK static inline Status word_table_reserve(WordTable *table, uint64_t more, Error *err)
{
    return table->slot_count / 2 >= table->key_count + more && !table->is_stale
               ? ST_OK
               : word_table_grow(table, more, err);
}

size_t word_table_bytes(const WordTable *table); /* memory held */

static inline uint64_t word_table_count(const WordTable *table)
{
    return table->key_count + table->present_count;
}

static inline char *word_table_slot(const WordTable *table, uint64_t at)
{
    return table->slots + (at << table->slot_shift);
}

/* Where the look-up of a key begins. */
static inline uint64_t word_table_start(const WordTable *table, uint64_t word)
{
    return key_hash_word(word) & (table->slot_count - 1);
}

/* For the second cache: more are asked for than the first one waits for at a time. */
PREFETCHER void word_table_prefetch(const WordTable *table, uint64_t start)
{
    __builtin_prefetch(word_table_slot(table, start), 0, 2);
}

static inline uint64_t word_table_key(const WordTable *table, const char *record)
{
    uint64_t word;

    __builtin_memcpy(&word, record + table->key_offset, sizeof word);
    return word;
}

/* WORD_FREE's. */
char *word_table_find_free_key(WordTable *table, bool *is_new_out);

static inline char *word_table_find_in_range(WordTable *table, uint64_t word, bool *is_new_out)
{
    uint64_t at = word - table->low, *bits = &table->present[at / 64];
    uint64_t bit = UINT64_C(1) << at % 64;

    *is_new_out = (*bits & bit) == 0;
    *bits |= bit;
    table->present_count += *is_new_out;
    return table->records + (at << table->slot_shift);
}

/* The key's record. One that is new has its key, and nothing else yet, but in a range `first`:
 * reserve has made the room. start: as word_table_start has it. */
static inline char *word_table_find(WordTable *table, uint64_t word, uint64_t start,
                                    bool *is_new_out)
{
    uint64_t at = start;

    if (word - table->low < table->span)
        return word_table_find_in_range(table, word, is_new_out);
    if (__builtin_expect(word == WORD_FREE, 0))
        return word_table_find_free_key(table, is_new_out);
    for (;; at = (at + 1) & (table->slot_count - 1)) {
        char *slot = word_table_slot(table, at);
        uint64_t key = word_table_key(table, slot);

        if (key == word) {
            *is_new_out = false;
            return slot;
        }
        if (key != WORD_FREE)
            continue;
        *is_new_out = true;
        table->order[table->key_count++] = (uint32_t)at;
        __builtin_memcpy(slot + table->key_offset, &word, sizeof word);
        return slot;
    }
}

/* --- ranges --- */

/* The least of the table's keys, as signed numbers, and how many numbers there are up to the
 * greatest; 0: none, or all that there are. */
uint64_t word_table_extent(const WordTable *table, uint64_t *low_out);

/* Of an empty table. On failure it has no range. */
MUST_CHECK Status word_table_set_range(WordTable *table, uint64_t low, uint64_t span, Error *err);
void word_table_drop_range(WordTable *table); /* of an empty one, too */

/* at: less than the range's span. */
PREFETCHER void word_table_prefetch_place(const WordTable *table, uint64_t at)
{
    __builtin_prefetch(table->records + (at << table->slot_shift), 0, 2);
}

/* --- reading --- */

/* The next record, from *place on: 0 is the first one's. NULL: none. */
const char *word_table_next(const WordTable *table, uint64_t *place);

/* Copies the first record_bytes of the next records, count at most; returns how many there were. */
uint32_t word_table_read(const WordTable *table, uint64_t *place, uint32_t count,
                         uint32_t record_bytes, char *records);

#endif
