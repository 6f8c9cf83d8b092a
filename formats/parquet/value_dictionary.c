/*
 * value_dictionary.c -- the distinct values of a column writer; see column_writer.h
 *
 * A hash table of entry numbers. Entries are numbered in the order in which their values come, so
 * the same rows always give the same dictionary.
 */
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "formats/parquet/column_writer.h"

enum {
    DICTIONARY_BYTES_MAX = 1 << 20, /* of its page: readers keep it in their caches */
    EMPTY = 0,                      /* slots hold entry number + 1                  */
    AHEAD_VALUES = 64               /* whose slots are asked for at once            */
};

static const uint8_t *value_at(const ColumnWriter *writer, uint32_t i, uint32_t *length_out)
{
    if (writer->stored.kind == STORED_TEXT)
        return column_writer_text(writer, i, length_out);
    *length_out = writer->stored.value_bytes;
    return writer->values.bytes + (size_t)i * writer->stored.value_bytes;
}

static bool same_value(const ColumnWriter *writer, uint32_t i, const uint8_t *bytes,
                       uint32_t length)
{
    uint32_t other_length;
    const uint8_t *other = value_at(writer, i, &other_length);

    if (length == sizeof(uint64_t) && other_length == length) {
        uint64_t a, b;

        memcpy(&a, other, sizeof a);
        memcpy(&b, bytes, sizeof b);
        return a == b;
    }
    return other_length == length && memcmp(other, bytes, length) == 0;
}

/* More entries than this and plain values are as small, or the page is too large. */
static uint32_t entries_max(const ColumnWriter *writer)
{
    uint32_t share = writer->stored.value_bytes == 4 ? 3 : 2;
    uint32_t least_bytes = writer->stored.kind == STORED_TEXT ? 4 : writer->stored.value_bytes;
    uint32_t limit = writer->value_count / share + 1, room;

    if (least_bytes == 0)
        return limit;
    room = DICTIONARY_BYTES_MAX / least_bytes + 1;
    return limit < room ? limit : room;
}

/* At least twice as many slots as there can be entries: a power of two. */
static uint32_t slot_count(uint32_t entries)
{
    uint32_t slots = 16;

    while (slots < 2 * entries)
        slots *= 2;
    return slots;
}

static uint32_t hash_of(const ColumnWriter *writer, uint32_t i)
{
    uint32_t length;
    const uint8_t *bytes = value_at(writer, i, &length);

    return (uint32_t)XXH3_64bits(bytes, length);
}

typedef struct Finder {
    const ColumnWriter *writer;
    uint32_t limit, slots;
    uint32_t *table, *codes, *entries;
    uint32_t count; /* of entries */
    uint64_t entry_bytes;
} Finder;

/* The code of value i; false: there are too many entries. */
static inline bool find_code(Finder *finder, uint32_t i, uint32_t hash)
{
    const ColumnWriter *writer = finder->writer;
    uint32_t length, slot = hash & (finder->slots - 1), *table = finder->table;
    const uint8_t *bytes = value_at(writer, i, &length);

    while (table[slot] != EMPTY &&
           !same_value(writer, finder->entries[table[slot] - 1], bytes, length))
        slot = (slot + 1) & (finder->slots - 1);
    if (table[slot] == EMPTY) {
        finder->entry_bytes += length + (writer->stored.kind == STORED_TEXT ? 4 : 0);
        if (finder->count == finder->limit || finder->entry_bytes > DICTIONARY_BYTES_MAX)
            return false;
        finder->entries[finder->count++] = i;
        table[slot] = finder->count;
    }
    finder->codes[i] = table[slot] - 1;
    return true;
}

static bool find_codes(Finder *finder, uint32_t value_count)
{
    uint32_t hashes[AHEAD_VALUES];

    for (uint32_t from = 0; from < value_count; from += AHEAD_VALUES) {
        uint32_t count = value_count - from < AHEAD_VALUES ? value_count - from : AHEAD_VALUES;

        for (uint32_t i = 0; i < count; i++) {
            hashes[i] = hash_of(finder->writer, from + i);
            __builtin_prefetch(&finder->table[hashes[i] & (finder->slots - 1)]);
        }
        for (uint32_t i = 0; i < count; i++)
            if (!find_code(finder, from + i, hashes[i]))
                return false;
    }
    return true;
}

#define COUNT_CHANGES(CType)                                                                       \
    do {                                                                                           \
        const CType *v = (const CType *)(const void *)writer->values.bytes;                        \
                                                                                                   \
        for (uint32_t i = 1; i < writer->value_count; i++) {                                       \
            falls |= v[i] < v[i - 1];                                                              \
            changes += v[i] != v[i - 1];                                                           \
        }                                                                                          \
    } while (0)

/* Ascending numbers are as many distinct ones as their neighbours say: no table need be asked. */
static bool are_too_many(const ColumnWriter *writer, uint32_t limit)
{
    uint32_t changes = 0;
    bool falls = false;

    if (writer->stored.kind == STORED_INT64)
        COUNT_CHANGES(int64_t);
    else if (writer->stored.kind == STORED_INT32)
        COUNT_CHANGES(int32_t);
    return !falls && changes >= limit;
}

bool column_writer_find_codes(ColumnWriter *writer)
{
    Finder finder = {.writer = writer, .limit = entries_max(writer)};

    if (are_too_many(writer, finder.limit))
        return false;
    finder.slots = slot_count(finder.limit);
    finder.table = byte_buffer_room(&writer->table, finder.slots * sizeof *finder.table);
    finder.codes = byte_buffer_room(&writer->codes, writer->value_count * sizeof *finder.codes);
    finder.entries = byte_buffer_room(&writer->entries, finder.limit * sizeof *finder.entries);
    if (writer->stored.kind == STORED_BOOL || writer->value_count == 0 || finder.table == NULL ||
        finder.codes == NULL || finder.entries == NULL)
        return false;
    memset(finder.table, 0, finder.slots * sizeof *finder.table);
    if (!find_codes(&finder, writer->value_count))
        return false;
    writer->entries.count = finder.count * sizeof *finder.entries;
    return true;
}
