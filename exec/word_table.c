/* word_table.c -- see word_table.h */
#include "exec/word_table.h"

#include <string.h>

#include "core/base/invariant.h"

/* The order has 32 bits a slot; its last value is the record beside them. */
#define SLOTS_MAX (UINT64_C(1) << 31)

#define BESIDE UINT32_MAX

/* A table with few slots grows faster: fewer records move, and so many are soon filled. */
enum { SLOTS_FIRST = 1024, SLOTS_FEW = 1 << 18, AHEAD = 16 };

void word_table_init(WordTable *table, uint32_t record_bytes, uint32_t key_offset,
                     const void *first, MemPool *pool, const char *consumer)
{
    CHECK(record_bytes <= WORD_RECORD_BYTES_MAX && key_offset + sizeof(uint64_t) <= record_bytes);
    *table = (WordTable){.pool = pool,
                         .consumer = consumer,
                         .key_offset = key_offset,
                         .slot_shift = record_bytes <= 16 ? 4 : 5};
    if (first != NULL)
        memcpy(table->first, first, record_bytes);
}

static size_t slots_bytes(const WordTable *table)
{
    return (table->slot_count << table->slot_shift) + table->slot_count / 2 * sizeof(uint32_t);
}

static size_t range_bytes(const WordTable *table)
{
    return (table->span << table->slot_shift) + (table->span + 63) / 64 * sizeof(uint64_t);
}

size_t word_table_bytes(const WordTable *table)
{
    return slots_bytes(table) + range_bytes(table);
}

static void drop_slots(WordTable *table)
{
    if (table->slots != NULL)
        mem_pool_release(table->pool, table->slots, slots_bytes(table));
    table->slots = NULL;
    table->order = NULL;
    table->slot_count = table->key_count = 0;
    table->has_free_key = false;
}

void word_table_fini(WordTable *table)
{
    word_table_drop_range(table);
    drop_slots(table);
}

static void free_slots(WordTable *table)
{
    uint64_t *words = (uint64_t *)(void *)table->slots;
    uint64_t count = (table->slot_count << table->slot_shift) / sizeof *words;

    for (uint64_t i = 0; i < count; i++)
        words[i] = WORD_FREE;
}

static void clear_range(WordTable *table)
{
    if (table->span > 0)
        memset(table->present, 0, (table->span + 63) / 64 * sizeof(uint64_t));
    table->present_count = 0;
    table->is_stale = table->span > 0;
}

/* One record after the other, which costs less than each when its key first comes. */
static void fill_range(WordTable *table)
{
    size_t bytes = (size_t)1 << table->slot_shift;

    for (uint64_t at = 0; at < table->span; at++) {
        char *record = table->records + (at << table->slot_shift);
        uint64_t word = table->low + at;

        memcpy(record, table->first, bytes);
        memcpy(record + table->key_offset, &word, sizeof word);
    }
    table->is_stale = false;
}

void word_table_clear(WordTable *table)
{
    if (table->key_count > 0)
        free_slots(table);
    table->key_count = 0;
    table->has_free_key = false;
    if (table->present_count > 0)
        clear_range(table);
}

static uint64_t free_slot(const WordTable *table, uint64_t word)
{
    uint64_t at = word_table_start(table, word);

    while (word_table_key(table, word_table_slot(table, at)) != WORD_FREE)
        at = (at + 1) & (table->slot_count - 1);
    return at;
}

/* Asks for what will be read of the old table, and where that goes in the new one. */
PREFETCHER void prefetch_move(const WordTable *to, const WordTable *from, uint64_t i)
{
    if (i + 2 * AHEAD < from->key_count && from->order[i + 2 * AHEAD] != BESIDE)
        __builtin_prefetch(word_table_slot(from, from->order[i + 2 * AHEAD]));
    if (i + AHEAD < from->key_count && from->order[i + AHEAD] != BESIDE) {
        const char *record = word_table_slot(from, from->order[i + AHEAD]);

        word_table_prefetch(to, word_table_start(to, word_table_key(from, record)));
    }
}

static void move_records(WordTable *to, const WordTable *from)
{
    size_t bytes = (size_t)1 << to->slot_shift;

    for (uint64_t i = 0; i < from->key_count; i++) {
        const char *record;
        uint64_t at;

        prefetch_move(to, from, i);
        if (from->order[i] == BESIDE) {
            to->order[i] = BESIDE;
            continue;
        }
        record = word_table_slot(from, from->order[i]);
        at = free_slot(to, word_table_key(from, record));
        memcpy(word_table_slot(to, at), record, bytes);
        to->order[i] = (uint32_t)at;
    }
}

Status word_table_grow(WordTable *table, uint64_t more, Error *err)
{
    WordTable grown = *table;
    void *memory;

    if (table->is_stale)
        fill_range(table);
    if (table->slot_count / 2 >= table->key_count + more)
        return ST_OK;
    grown.is_stale = false;
    grown.slot_count = table->slot_count == 0 ? SLOTS_FIRST : table->slot_count;
    if (table->slot_count > 0 && table->slot_count < SLOTS_FEW)
        grown.slot_count *= 4;
    while (grown.slot_count / 2 < table->key_count + more)
        grown.slot_count *= 2;
    if (grown.slot_count > SLOTS_MAX)
        return error_set(err, ST_OUT_OF_MEMORY, "out of memory: %s has too many keys at once",
                         table->consumer);
    TRY(mem_pool_alloc(table->pool, slots_bytes(&grown), table->consumer, err, &memory));
    grown.slots = memory;
    grown.order = (uint32_t *)(void *)(grown.slots + (grown.slot_count << grown.slot_shift));
    free_slots(&grown);
    move_records(&grown, table);
    if (table->slots != NULL)
        mem_pool_release(table->pool, table->slots, slots_bytes(table));
    *table = grown;
    return ST_OK;
}

char *word_table_find_free_key(WordTable *table, bool *is_new_out)
{
    static const uint64_t word = WORD_FREE;

    *is_new_out = !table->has_free_key;
    if (!table->has_free_key) {
        table->has_free_key = true;
        table->order[table->key_count++] = BESIDE;
        memcpy(table->free_key_record + table->key_offset, &word, sizeof word);
    }
    return table->free_key_record;
}

/* --- ranges --- */

uint64_t word_table_extent(const WordTable *table, uint64_t *low_out)
{
    int64_t least = INT64_MAX, greatest = INT64_MIN;
    const char *record;
    uint64_t place = 0;

    *low_out = 0;
    while ((record = word_table_next(table, &place)) != NULL) {
        int64_t key = (int64_t)word_table_key(table, record);

        least = key < least ? key : least;
        greatest = key > greatest ? key : greatest;
    }
    if (place == 0)
        return 0;
    *low_out = (uint64_t)least;
    return (uint64_t)greatest - (uint64_t)least + 1;
}

Status word_table_set_range(WordTable *table, uint64_t low, uint64_t span, Error *err)
{
    WordTable ranged;
    void *memory;

    CHECK(word_table_count(table) == 0 && table->span == 0);
    drop_slots(table); /* few keys will be there */
    ranged = *table;
    ranged.low = low;
    ranged.span = span;
    TRY(mem_pool_alloc(table->pool, range_bytes(&ranged), table->consumer, err, &memory));
    ranged.records = memory;
    ranged.present = (uint64_t *)(void *)(ranged.records + (span << table->slot_shift));
    clear_range(&ranged);
    *table = ranged;
    return ST_OK;
}

void word_table_drop_range(WordTable *table)
{
    if (table->span > 0)
        mem_pool_release(table->pool, table->records, range_bytes(table));
    table->records = NULL;
    table->present = NULL;
    table->span = table->present_count = 0;
    table->is_stale = false;
}

/* --- reading --- */

static const char *ordered(const WordTable *table, uint64_t i)
{
    return table->order[i] == BESIDE ? table->free_key_record
                                     : word_table_slot(table, table->order[i]);
}

/* The first key of the range from `at` on that is present; span: none. */
static uint64_t next_present(const WordTable *table, uint64_t at)
{
    uint64_t bits;

    if (at >= table->span)
        return table->span;
    bits = table->present[at / 64] >> at % 64 << at % 64;
    for (at = at / 64 * 64; bits == 0; bits = table->present[at / 64]) {
        at += 64;
        if (at >= table->span)
            return table->span;
    }
    return at + (uint64_t)__builtin_ctzll(bits);
}

/* Places are those of the range, and behind it those of the order. */
const char *word_table_next(const WordTable *table, uint64_t *place)
{
    uint64_t at = *place;

    if (at < table->span)
        at = next_present(table, at);
    if (at - table->span == table->key_count)
        return NULL;
    *place = at + 1;
    if (at < table->span)
        return table->records + (at << table->slot_shift);
    at -= table->span;
    if (at + AHEAD < table->key_count)
        __builtin_prefetch(ordered(table, at + AHEAD));
    return ordered(table, at);
}

enum { MOST_BYTES = WORD_RECORD_BYTES_MAX / 2 }; /* of a record, mostly */

/* All are copied, those that are there over those that are not: no branch depends on a bit. */
static uint32_t read_present(const char *record, uint64_t bits, uint32_t count, char *to)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < count; i++, record += MOST_BYTES, bits >>= 1) {
        memcpy(to + (size_t)done * MOST_BYTES, record, MOST_BYTES);
        done += bits & 1;
    }
    return done;
}

/* Records of the range, as long as there is room for all of a word's bits. */
static uint32_t read_range(const WordTable *table, uint64_t *place, uint32_t count, char *records)
{
    uint64_t at = *place, last = table->span / 64 * 64;
    uint32_t done = 0, bits;

    for (; at < last && count - done >= 64; at += bits) {
        bits = 64 - at % 64;
        done += read_present(table->records + at * MOST_BYTES, table->present[at / 64] >> at % 64,
                             bits, records + (size_t)done * MOST_BYTES);
    }
    *place = at;
    return done;
}

uint32_t word_table_read(const WordTable *table, uint64_t *place, uint32_t count,
                         uint32_t record_bytes, char *records)
{
    const char *record;
    uint32_t done = 0;

    if (record_bytes == MOST_BYTES)
        done = read_range(table, place, count, records);
    while (done < count && (record = word_table_next(table, place)) != NULL) {
        char *to = records + (size_t)done++ * record_bytes;

        if (record_bytes == MOST_BYTES)
            memcpy(to, record, MOST_BYTES);
        else
            memcpy(to, record, record_bytes);
    }
    return done;
}
