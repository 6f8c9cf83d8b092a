/* group_table.c -- see group_table.h */
#include "exec/group_table.h"

#include <string.h>

#include "core/base/invariant.h"
#include "vonk/record.h"

enum { SLOTS_FIRST = 1024 };

_Static_assert(sizeof(GroupRecord) == 16, "records behind it are aligned to 16 bytes");

static void find_texts(GroupTable *table, Arena *arena, uint32_t input)
{
    const RecordLayout *layout = table->spec->in[input];

    table->text_offsets[input] = ARENA_ARRAY(arena, uint32_t, layout->field_count);
    for (uint32_t i = 0; i < layout->field_count; i++)
        if (type_phys(layout->fields[i].type) == PHYS_STR)
            table->text_offsets[input][table->text_counts[input]++] = layout->fields[i].offset;
}

void group_table_init(GroupTable *table, Arena *arena, const GroupSpec *spec, MemPool *pool,
                      const char *consumer)
{
    *table = (GroupTable){.spec = spec, .pool = pool, .consumer = consumer};
    for (uint32_t i = 0; i < spec->input_count; i++) {
        for (uint32_t j = 0; j < spec->input_count; j++)
            table->keys[i][j] = record_keys_make(arena, spec->in[i], spec->in[j]);
        find_texts(table, arena, i);
        row_store_init(&table->records[i],
                       (uint32_t)sizeof(GroupRecord) + ((spec->in[i]->bytes + 15) & ~15u), pool,
                       consumer);
    }
    text_store_init(&table->texts, pool, consumer);
    table->row_hashes = arena_alloc_raw(arena, 2048 * sizeof(uint64_t));
}

void group_table_fini(GroupTable *table)
{
    if (table->pool == NULL)
        return;
    for (uint32_t i = 0; i < table->spec->input_count; i++)
        row_store_fini(&table->records[i]);
    text_store_fini(&table->texts);
    mem_pool_release(table->pool, table->entries, table->capacity * sizeof(GroupEntry));
    mem_pool_release(table->pool, table->directory, table->slot_count * sizeof(uint64_t));
    table->pool = NULL;
}

size_t group_table_bytes(const GroupTable *table)
{
    size_t bytes = table->texts.used_bytes + table->capacity * sizeof(GroupEntry) +
                   table->slot_count * sizeof(uint64_t);

    for (uint32_t i = 0; i < table->spec->input_count; i++)
        bytes += table->records[i].used_bytes;
    return bytes;
}

static uint64_t slot_of(uint64_t hash, uint64_t number)
{
    return (hash & UINT64_C(0xffffffff00000000)) | (number + 1);
}

static Status grow(GroupTable *table, Error *err)
{
    uint64_t slots = table->slot_count == 0 ? SLOTS_FIRST : table->slot_count * 2;
    void *directory, *entries = table->entries;

    TRY(mem_pool_alloc(table->pool, slots * sizeof(uint64_t), table->consumer, err, &directory));
    if (mem_pool_realloc(table->pool, &entries, table->capacity * sizeof(GroupEntry),
                         slots / 2 * sizeof(GroupEntry), table->consumer, err) != ST_OK) {
        mem_pool_release(table->pool, directory, slots * sizeof(uint64_t));
        return ST_OUT_OF_MEMORY;
    }
    mem_pool_release(table->pool, table->directory, table->slot_count * sizeof(uint64_t));
    table->directory = directory;
    table->slot_count = slots;
    table->entries = entries;
    table->capacity = slots / 2;
    memset(directory, 0, slots * sizeof(uint64_t));
    for (uint64_t i = 0; i < table->count; i++) {
        uint64_t at = table->entries[i].hash & (slots - 1);

        while (table->directory[at] != 0)
            at = (at + 1) & (slots - 1);
        table->directory[at] = slot_of(table->entries[i].hash, i);
    }
    return ST_OK;
}

static Status keep(GroupTable *table, uint32_t input, const char *record, Error *err,
                   GroupRecord **kept_out)
{
    void *memory;
    char *copy;

    TRY(row_store_add_one(&table->records[input], err, &memory));
    *kept_out = memory;
    (*kept_out)->next = NULL;
    copy = (char *)(*kept_out + 1);
    memcpy(copy, record, table->spec->in[input]->bytes);
    for (uint32_t i = 0; i < table->text_counts[input]; i++) {
        char *at = copy + table->text_offsets[input][i];
        VonkText text;

        memcpy(&text, at, sizeof text);
        if (text.bytes == 0)
            continue;
        TRY(text_store_copy(&table->texts, text.data, text.bytes, err, &text.data));
        memcpy(at, &text, sizeof text);
    }
    return ST_OK;
}

/* The group of the record's key; a new one when it is the first. */
static GroupEntry *find_group(GroupTable *table, uint32_t input, uint64_t hash, const char *record)
{
    uint64_t mask = table->slot_count - 1, at;

    for (at = hash & mask; table->directory[at] != 0; at = (at + 1) & mask) {
        GroupEntry *entry = &table->entries[(uint32_t)table->directory[at] - 1];

        if (entry->hash == hash &&
            record_keys_equal(&table->keys[input][entry->first_input], record,
                              group_record_bytes(entry->first[entry->first_input])))
            return entry;
    }
    table->directory[at] = slot_of(hash, table->count);
    table->entries[table->count] = (GroupEntry){.hash = hash, .first_input = input};
    return &table->entries[table->count++];
}

Status group_table_add(GroupTable *table, uint32_t input, const char *records, uint32_t count,
                       Error *err)
{
    size_t bytes = table->spec->in[input]->bytes;

    if (table->count + count >= UINT32_MAX)
        return error_set(err, ST_OUT_OF_MEMORY, "more than 4 billion keys in one partition");
    while (table->capacity < table->count + count)
        TRY(grow(table, err));
    record_keys_hash(&table->keys[input][input], records, count, table->row_hashes);
    for (uint32_t i = 0; i < count; i++) {
        const char *record = records + i * bytes;
        GroupRecord *kept;
        GroupEntry *entry;

        TRY(keep(table, input, record, err, &kept));
        entry = find_group(table, input, table->row_hashes[i], record);
        if (entry->last[input] == NULL)
            entry->first[input] = kept;
        else
            entry->last[input]->next = kept;
        entry->last[input] = kept;
    }
    return ST_OK;
}
