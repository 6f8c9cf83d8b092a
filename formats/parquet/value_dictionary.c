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
    EMPTY = 0                       /* slots hold entry number + 1                  */
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

    return other_length == length && memcmp(other, bytes, length) == 0;
}

/* More entries than this and plain values are as small. */
static uint32_t entries_max(const ColumnWriter *writer)
{
    uint32_t share = writer->stored.value_bytes == 4 ? 3 : 2;

    return writer->value_count / share + 1;
}

/* At least twice as many slots as there can be entries: a power of two. */
static uint32_t slot_count(uint32_t entries)
{
    uint32_t slots = 16;

    while (slots < 2 * entries)
        slots *= 2;
    return slots;
}

bool column_writer_find_codes(ColumnWriter *writer)
{
    uint32_t limit = entries_max(writer), slots = slot_count(limit), count = 0;
    uint64_t entry_bytes = 0;
    uint32_t *table = byte_buffer_room(&writer->table, slots * sizeof *table);
    uint32_t *codes = byte_buffer_room(&writer->codes, writer->value_count * sizeof *codes);
    uint32_t *entries = byte_buffer_room(&writer->entries, limit * sizeof *entries);

    if (writer->stored.kind == STORED_BOOL || writer->value_count == 0 || table == NULL ||
        codes == NULL || entries == NULL)
        return false;
    memset(table, 0, slots * sizeof *table);
    for (uint32_t i = 0; i < writer->value_count; i++) {
        uint32_t length;
        const uint8_t *bytes = value_at(writer, i, &length);
        uint32_t slot = (uint32_t)XXH3_64bits(bytes, length) & (slots - 1);

        while (table[slot] != EMPTY && !same_value(writer, entries[table[slot] - 1], bytes, length))
            slot = (slot + 1) & (slots - 1);
        if (table[slot] == EMPTY) {
            entry_bytes += length + (writer->stored.kind == STORED_TEXT ? 4 : 0);
            if (count == limit || entry_bytes > DICTIONARY_BYTES_MAX)
                return false;
            entries[count++] = i;
            table[slot] = count;
        }
        codes[i] = table[slot] - 1;
    }
    writer->entries.count = count * sizeof *entries;
    return true;
}
