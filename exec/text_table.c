/* text_table.c -- see text_table.h */
#include "exec/text_table.h"

#include <string.h>

#include "core/base/invariant.h"

/* Places have 32 bits of a hash, and a slot more than one of them. */
#define SLOTS_MAX (UINT64_C(1) << 31)

/* A table with few slots grows faster: fewer of them move, and so many are soon filled. Where fewer
 * than one slot in SLOTS_A_KEY has a key, those alone are cleared. */
enum { SLOTS_FIRST = 1024, SLOTS_FEW = 1 << 18, SLOTS_A_KEY = 8 };

enum { AHEAD = 16, AHEAD_ROWS = 32, AHEAD_LATE = 8 };

void text_table_init(TextTable *table, uint32_t record_bytes, uint32_t key_offset, TextStore *texts,
                     MemPool *pool, const char *consumer)
{
    CHECK(record_bytes <= CHAIN_SLOT_BYTES && key_offset + sizeof(Str) <= record_bytes);
    *table = (TextTable){.pool = pool,
                         .consumer = consumer,
                         .record_bytes = record_bytes,
                         .key_offset = key_offset,
                         .texts = texts};
}

/* The order's places stand behind the slots. */
size_t text_table_bytes(const TextTable *table)
{
    return table->slot_count * CHAIN_SLOT_BYTES + text_table_room(table) * sizeof(TextPlace);
}

void text_table_fini(TextTable *table)
{
    if (table->slots != NULL)
        mem_pool_release(table->pool, table->slots, text_table_bytes(table));
    table->slots = NULL;
    table->order = NULL;
    table->slot_count = table->key_count = 0;
}

static void free_slots(char *slots, uint64_t count)
{
    memset(slots, 0xff, count * CHAIN_SLOT_BYTES);
}

/* A free slot is all ones: no text is so long and lies there. */
static inline bool is_free(const TextTable *table, const char *slot)
{
    uint64_t words[2];

    memcpy(words, slot + table->key_offset, sizeof words);
    return (words[0] & words[1]) == UINT64_MAX;
}

void text_table_clear(TextTable *table)
{
    if (table->key_count > table->slot_count / SLOTS_A_KEY)
        free_slots(table->slots, table->slot_count);
    else
        for (uint64_t i = 0; i < table->key_count; i++)
            free_slots(text_table_slot(table, i), 1);
    table->key_count = 0;
}

/* The first slot of the next line, behind a line's last one. */
static char *next_slot(const TextTable *table, char *slot)
{
    slot += CHAIN_SLOT_BYTES;
    return slot == table->slots + table->slot_count * CHAIN_SLOT_BYTES ? table->slots : slot;
}

static void move_slots(TextTable *to, const TextTable *from)
{
    for (uint64_t i = 0; i < from->key_count; i++) {
        char *slot;

        if (i + 2 * AHEAD < from->key_count)
            __builtin_prefetch(text_table_slot(from, i + 2 * AHEAD));
        if (i + AHEAD < from->key_count)
            text_table_prefetch(to, from->order[i + AHEAD].hash);
        slot = text_table_line(to, from->order[i].hash);
        while (!is_free(to, slot))
            slot = next_slot(to, slot);
        memcpy(slot, text_table_slot(from, i), CHAIN_SLOT_BYTES);
        to->order[i].slot = (uint32_t)((size_t)(slot - to->slots) / CHAIN_SLOT_BYTES);
        to->order[i].hash = from->order[i].hash;
    }
}

Status text_table_grow(TextTable *table, uint64_t more, Error *err)
{
    TextTable grown = *table;
    void *memory;

    grown.slot_count = table->slot_count == 0 ? SLOTS_FIRST : table->slot_count;
    if (table->slot_count > 0 && table->slot_count < SLOTS_FEW)
        grown.slot_count *= 4;
    while (text_table_room(&grown) < table->key_count + more)
        grown.slot_count *= 2;
    if (grown.slot_count > SLOTS_MAX)
        return error_set(err, ST_OUT_OF_MEMORY, "out of memory: %s has too many keys at once",
                         table->consumer);
    TRY(mem_pool_alloc(table->pool, text_table_bytes(&grown), table->consumer, err, &memory));
    grown.slots = memory;
    grown.order = (TextPlace *)(void *)(grown.slots + grown.slot_count * CHAIN_SLOT_BYTES);
    free_slots(grown.slots, grown.slot_count);
    move_slots(&grown, table);
    if (table->slots != NULL)
        mem_pool_release(table->pool, table->slots, text_table_bytes(table));
    *table = grown;
    return ST_OK;
}

/* The key is there, seen without a branch; false may also be said of a key that is not short. */
static inline bool is_at(const TextTable *table, const char *slot, Str key)
{
    uint64_t a[2], b[2];

    memcpy(a, &key, sizeof a);
    memcpy(b, slot + table->key_offset, sizeof b);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
}

/* A free slot gets a key that is short, or owned. */
static inline void put_key(TextTable *table, Str key, uint64_t hash, char *slot)
{
    uint32_t number = (uint32_t)((size_t)(slot - table->slots) / CHAIN_SLOT_BYTES);

    *text_table_key(table, slot) = key;
    table->order[table->key_count++] = (TextPlace){number, (uint32_t)hash};
}

Status text_table_find(TextTable *table, Str key, uint64_t hash, Error *err, char **slot_out,
                       bool *is_new_out)
{
    char *slot = text_table_line(table, hash);

    for (; !is_free(table, slot); slot = next_slot(table, slot))
        if (str_equal(key, *text_table_key(table, slot))) {
            *slot_out = slot;
            *is_new_out = false;
            return ST_OK;
        }
    if (key.length > STR_INLINE_BYTES)
        TRY(text_store_own(table->texts, &key, err));
    put_key(table, key, hash, slot);
    *slot_out = slot;
    *is_new_out = true;
    return ST_OK;
}

/* The same for a key that is probably new: which slot of its line is free is a matter of luck, so
 * no branch depends on it. */
static inline Status find_new(TextTable *table, Str key, uint64_t hash, Error *err, char **slot_out,
                              bool *is_new_out)
{
    char *line = text_table_line(table, hash), *second = line + CHAIN_SLOT_BYTES;
    bool first_is_free = is_free(table, line), second_is_free = is_free(table, second);
    bool is_first = is_at(table, line, key), is_second = is_at(table, second, key);

    if (!(first_is_free | second_is_free) || key.length > STR_INLINE_BYTES ||
        (is_first | is_second))
        return text_table_find(table, key, hash, err, slot_out, is_new_out);
    *slot_out = line + (first_is_free ? 0 : (size_t)CHAIN_SLOT_BYTES);
    *is_new_out = true;
    put_key(table, key, hash, *slot_out);
    return ST_OK;
}

/*
 * Keys that stand in the line where their look-up begins, as most known ones do, are found without
 * a branch that waits for memory, so that many look-ups are under way at once. late: the rows of
 * the others. Returns how many.
 */
static inline __attribute__((always_inline)) uint32_t find_known(const TextTable *table,
                                                                 const Str *values,
                                                                 const uint32_t *rows,
                                                                 uint32_t count, uint64_t *hashes,
                                                                 void **slots_out, uint32_t *late)
{
    uint32_t late_count = 0;

    for (uint32_t i = 0; i < count; i++)
        hashes[i] = text_table_hash(values[rows == NULL ? i : rows[i]]);
    for (uint32_t i = 0; i < AHEAD_ROWS && i < count; i++)
        text_table_prefetch(table, hashes[i]);
    for (uint32_t i = 0; i < count; i++) {
        char *line = text_table_line(table, hashes[i]);
        Str key = values[rows == NULL ? i : rows[i]];
        bool is_first = is_at(table, line, key);
        bool is_second = is_at(table, line + CHAIN_SLOT_BYTES, key);

        text_table_prefetch(table, hashes[i + AHEAD_ROWS < count ? i + AHEAD_ROWS : count - 1]);
        slots_out[i] = line + is_second * (size_t)CHAIN_SLOT_BYTES;
        late[late_count] = i;
        late_count += !(is_first | is_second);
    }
    return late_count;
}

/* New keys are among the late ones, and put in in their order. */
Status text_table_find_rows(TextTable *table, const Str *values, const uint32_t *rows,
                            uint32_t count, uint64_t *hashes, const void *first, Error *err,
                            void **slots_out, uint32_t *found_out)
{
    static const _Alignas(16) char zeros[CHAIN_SLOT_BYTES];
    uint32_t late[BATCH_ROWS_MAX], late_count;

    late_count = rows == NULL ? find_known(table, values, NULL, count, hashes, slots_out, late)
                              : find_known(table, values, rows, count, hashes, slots_out, late);
    for (uint32_t k = 0; k < late_count; k++) {
        uint32_t i = late[k];
        char *slot;
        bool is_new;

        *found_out = i;
        if (k + AHEAD_LATE < late_count)
            text_table_prefetch(table, hashes[late[k + AHEAD_LATE]]);
        TRY(find_new(table, values[rows == NULL ? i : rows[i]], hashes[i], err, &slot, &is_new));
        if (is_new)
            text_table_set(table, first == NULL ? zeros : first, slot);
        slots_out[i] = slot + (is_new ? CHAIN_ACC_IS_NEW : 0);
    }
    *found_out = count;
    return ST_OK;
}

uint32_t text_table_read(const TextTable *table, uint64_t *place, uint32_t count, char *records)
{
    uint64_t left = table->key_count - *place;

    count = left < count ? (uint32_t)left : count;
    for (uint32_t i = 0; i < count; i++, ++*place) {
        if (*place + AHEAD_ROWS < table->key_count)
            __builtin_prefetch(text_table_slot(table, *place + AHEAD_ROWS));
        text_table_show(table, text_table_slot(table, *place),
                        records + (size_t)i * table->record_bytes);
    }
    return count;
}
