/*
 * text_table.h -- small records by a text of theirs, their key, in the slots of a hash table
 *
 *     lines   | record of "ab" | free | record of "c" | record of "d" | free | free | ...
 *     order   | slot, hash | slot, hash | ...     in the order in which their keys first came
 *
 *     text_table_init -> { text_table_reserve -> text_table_find, ... }, ... ->
 *         text_table_slot, ... -> text_table_clear -> ... -> text_table_fini
 *
 * A slot is a record whose text, the key, is a Str: texts of up to 12 bytes lie in it, longer ones
 * in a TextStore. Two slots are a cache line, where a look-up begins, and mostly ends: where the
 * key is compared, there the record is. text_table_show makes a record of a slot, text_table_set
 * the other way. Slots move when the table grows, which only reserve does.
 *
 * Thread: one thread's.
 */
#ifndef VONK_EXEC_TEXT_TABLE_H
#define VONK_EXEC_TEXT_TABLE_H

#include "codegen/key_hash.h"
#include "codegen/user_chain.h"
#include "core/base/mem_pool.h"
#include "core/base/prefetch.h"
#include "exec/row_layout.h"

enum { TEXT_LINE_SLOTS = 2, TEXT_LINE_BYTES = TEXT_LINE_SLOTS * CHAIN_SLOT_BYTES };

/* The hash is its lower half: no table has more slots than that tells. */
typedef struct TextPlace {
    uint32_t slot, hash;
} TextPlace;

typedef struct TextTable {
    MemPool *pool;
    const char *consumer;
    uint32_t record_bytes;
    uint32_t key_offset; /* of a VonkText in a record, of a Str in a slot */
    TextStore *texts;    /* of keys that are not short; borrowed */
    char *slots;
    TextPlace *order;
    uint64_t slot_count; /* a power of two, at least 4/3 of the keys */
    uint64_t key_count;
} TextTable;

/* record_bytes: up to CHAIN_SLOT_BYTES. */
void text_table_init(TextTable *table, uint32_t record_bytes, uint32_t key_offset, TextStore *texts,
                     MemPool *pool, const char *consumer);
void text_table_fini(TextTable *table); /* accepts a zeroed one; it is empty then */

/* Forgets all keys; keeps its memory. The texts are their store's. */
void text_table_clear(TextTable *table);

/* As text_table_reserve, where there is something to do. */
MUST_CHECK Status text_table_grow(TextTable *table, uint64_t more, Error *err);

static inline uint64_t text_table_room(const TextTable *table)
{
    return table->slot_count / 4 * 3;
}

/* Room for `more` keys, but not for their texts. On failure all is as it was. Slots move. */
MUST_CHECK static inline Status text_table_reserve(TextTable *table, uint64_t more, Error *err)
{
    return text_table_room(table) >= table->key_count + more ? ST_OK
                                                             : text_table_grow(table, more, err);
}

size_t text_table_bytes(const TextTable *table); /* memory held, but for texts */

static inline uint64_t text_table_hash(Str key)
{
    return key_hash_text(key);
}

/* Where the look-up of a hash begins: the first slot of a line. */
static inline char *text_table_line(const TextTable *table, uint64_t hash)
{
    return table->slots +
           (hash & (table->slot_count / TEXT_LINE_SLOTS - 1)) * (uint64_t)TEXT_LINE_BYTES;
}

PREFETCHER void text_table_prefetch(const TextTable *table, uint64_t hash)
{
    __builtin_prefetch(text_table_line(table, hash), 1);
}

static inline Str *text_table_key(const TextTable *table, const char *slot)
{
    return (Str *)(uintptr_t)(slot + table->key_offset);
}

/* The key's slot; hash: as text_table_hash has it. One that is new has its key, and nothing else
 * yet: reserve has made the room. */
MUST_CHECK Status text_table_find(TextTable *table, Str key, uint64_t hash, Error *err,
                                  char **slot_out, bool *is_new_out);

/*
 * The slots of count rows' keys, values[rows[i]], or values[i] when rows is NULL; there is room for
 * them all. A new key's slot has `first` beside its key, or zeros, and CHAIN_ACC_IS_NEW in its
 * address. hashes: room for count. On failure, *found_out of them were found.
 */
MUST_CHECK Status text_table_find_rows(TextTable *table, const Str *values, const uint32_t *rows,
                                       uint32_t count, uint64_t *hashes, const void *first,
                                       Error *err, void **slots_out, uint32_t *found_out);

/* The slot of key number i, in the order in which they first came. */
static inline char *text_table_slot(const TextTable *table, uint64_t i)
{
    return table->slots + (uint64_t)table->order[i].slot * CHAIN_SLOT_BYTES;
}

/* The slot's record; its text lives as long as the slot does not move. */
static inline void text_table_show(const TextTable *table, const char *slot, char *record)
{
    const Str *key = text_table_key(table, slot);
    VonkText text = {str_bytes(key), key->length};

    __builtin_memcpy(record, slot, table->record_bytes);
    __builtin_memcpy(record + table->key_offset, &text, sizeof text);
}

/* The slot has what the record has beside the key. */
static inline void text_table_set(const TextTable *table, const char *record, char *slot)
{
    Str key = *text_table_key(table, slot);

    __builtin_memcpy(slot, record, table->record_bytes);
    *text_table_key(table, slot) = key;
}

/* The records of the next keys, count at most, from key number *place on; returns how many there
 * were. */
uint32_t text_table_read(const TextTable *table, uint64_t *place, uint32_t count, char *records);

#endif
