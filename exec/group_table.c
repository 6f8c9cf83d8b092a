/* group_table.c -- see group_table.h */
#include "exec/group_table.h"

#include <string.h>

#include "core/base/invariant.h"
#include "vonk/record.h"

enum { PREFETCH_ROWS = 64 };

_Static_assert(sizeof(GroupRecord) == 16, "records behind it are aligned to 16 bytes");

void group_table_init(GroupTable *table, Arena *arena, const GroupSpec *spec, MemPool *pool,
                      const char *consumer)
{
    *table = (GroupTable){.spec = spec, .pool = pool, .consumer = consumer};
    for (uint32_t i = 0; i < spec->input_count; i++) {
        for (uint32_t j = 0; j < spec->input_count; j++)
            table->keys[i][j] = record_keys_make(arena, spec->in[i], spec->in[j]);
        table->shapes[i] = record_shape_make(arena, spec->in[i]);
        row_store_init(&table->records[i],
                       (uint32_t)sizeof(GroupRecord) + ((spec->in[i]->bytes + 15) & ~15u), pool,
                       consumer);
    }
    text_store_init(&table->texts, pool, consumer);
    row_store_init(&table->groups,
                   (uint32_t)(sizeof(GroupEntry) + spec->input_count * sizeof(GroupLink)), pool,
                   consumer);
    hash_directory_init(&table->directory, offsetof(GroupEntry, hash), pool, consumer);
    table->row_hashes = arena_alloc_raw(arena, BATCH_ROWS_MAX * sizeof(uint64_t));
}

void group_table_empty(GroupTable *table)
{
    for (uint32_t i = 0; i < table->spec->input_count; i++)
        row_store_fini(&table->records[i]);
    text_store_fini(&table->texts);
    row_store_fini(&table->groups);
    hash_directory_fini(&table->directory);
}

void group_table_fini(GroupTable *table)
{
    if (table->pool != NULL)
        group_table_empty(table);
    table->pool = NULL;
}

size_t group_table_bytes(const GroupTable *table)
{
    size_t bytes = table->texts.used_bytes + table->groups.used_bytes +
                   hash_directory_bytes(&table->directory);

    for (uint32_t i = 0; i < table->spec->input_count; i++)
        bytes += table->records[i].used_bytes;
    return bytes;
}

/* --- adding --- */

static Status own_texts(GroupTable *table, const RecordShape *shape, char *record, Error *err)
{
    for (uint32_t i = 0; i < shape->text_count; i++) {
        char *at = record + shape->text_offsets[i];
        VonkText text;

        memcpy(&text, at, sizeof text);
        if (text.bytes == 0)
            continue;
        TRY(text_store_copy(&table->texts, text.data, text.bytes, err, &text.data));
        memcpy(at, &text, sizeof text);
    }
    return ST_OK;
}

/* A copy; none when memory is refused. */
static Status keep(GroupTable *table, uint32_t input, uint64_t number, const char *record,
                   Error *err, GroupRecord **kept_out)
{
    void *memory;

    *kept_out = NULL;
    TRY(row_store_add_one(&table->records[input], err, &memory));
    *(GroupRecord *)memory = (GroupRecord){.number = number};
    memcpy((GroupRecord *)memory + 1, record, table->spec->in[input]->bytes);
    if (own_texts(table, &table->shapes[input], (char *)((GroupRecord *)memory + 1), err) !=
        ST_OK) {
        row_store_drop_last(&table->records[input]);
        return ST_OUT_OF_MEMORY;
    }
    *kept_out = memory;
    return ST_OK;
}

/* The group of the record's key; a new one when it is the first. */
static Status find_group(GroupTable *table, uint32_t input, uint64_t hash, const GroupRecord *kept,
                         Error *err, GroupEntry **entry_out)
{
    uint64_t at = hash_directory_start(&table->directory, hash);
    void *memory;
    char *row;

    while ((row = hash_directory_next(&table->directory, hash, &at)) != NULL) {
        *entry_out = (GroupEntry *)(void *)row;
        if ((*entry_out)->hash == hash &&
            record_keys_equal(&table->keys[input][(*entry_out)->input], group_record_bytes(kept),
                              group_record_bytes((*entry_out)->links[(*entry_out)->input].first)))
            return ST_OK;
    }
    TRY(row_store_add_one(&table->groups, err, &memory));
    memset(memory, 0, table->groups.row_bytes);
    *entry_out = memory;
    (*entry_out)->number = kept->number;
    (*entry_out)->input = input;
    hash_directory_put(&table->directory, hash, at, memory);
    return ST_OK;
}

static Status add_one(GroupTable *table, uint32_t input, uint64_t hash, uint64_t number,
                      const char *record, Error *err)
{
    GroupRecord *kept;
    GroupEntry *entry;
    GroupLink *link;

    TRY(keep(table, input, number, record, err, &kept));
    if (find_group(table, input, hash, kept, err, &entry) != ST_OK) {
        row_store_drop_last(&table->records[input]);
        return ST_OUT_OF_MEMORY;
    }
    link = &entry->links[input];
    if (link->last == NULL)
        link->first = kept;
    else
        link->last->next = kept;
    link->last = kept;
    return ST_OK;
}

Status group_table_add(GroupTable *table, uint32_t input, const char *records, uint32_t count,
                       Error *err, uint32_t *done_out)
{
    size_t bytes = table->spec->in[input]->bytes;

    ASSERT(count <= BATCH_ROWS_MAX);
    *done_out = 0;
    TRY(hash_directory_reserve(&table->directory, &table->groups, count, err));
    record_keys_hash(&table->keys[input][input], records, count, table->row_hashes);
    for (uint32_t i = 0; i < count; i++) {
        if (i % PREFETCH_ROWS == 0)
            hash_directory_prefetch(&table->directory, table->groups.row_bytes,
                                    table->row_hashes + i,
                                    count - i < PREFETCH_ROWS ? count - i : PREFETCH_ROWS);
        TRY(add_one(table, input, table->row_hashes[i], table->record_number, records + i * bytes,
                    err));
        table->record_number++;
        *done_out = i + 1;
    }
    return ST_OK;
}

Status group_table_add_spilled(GroupTable *table, const SpilledRecord *record, Error *err)
{
    TRY(hash_directory_reserve(&table->directory, &table->groups, 1, err));
    return add_one(table, record->kind, record->hash, record->first, record->record, err);
}

/* --- reading --- */

/* NULL: the place is behind the last row. */
static char *next_row(const RowStore *store, GroupPlace *place)
{
    const RowChunk *chunk = &store->chunks[place->chunk];
    char *row;

    if (place->chunk == store->chunk_count || place->row == chunk->row_count)
        return NULL;
    row = chunk->rows + (size_t)place->row++ * store->row_bytes;
    if (place->row == chunk->row_count) {
        place->chunk++;
        place->row = 0;
    }
    return row;
}

const GroupEntry *group_table_next(const GroupTable *table, GroupPlace *place)
{
    return (const GroupEntry *)(void *)next_row(&table->groups, place);
}

bool group_table_next_record(const GroupTable *table, GroupPlace *place, SpilledRecord *record_out)
{
    char *row;

    while ((row = next_row(&table->records[place->input], place)) == NULL) {
        if (place->input + 1 == table->spec->input_count)
            return false;
        *place = (GroupPlace){.input = place->input + 1};
    }
    *record_out = (SpilledRecord){.kind = place->input,
                                  .first = ((const GroupRecord *)(void *)row)->number,
                                  .record = row + sizeof(GroupRecord)};
    record_keys_hash(&table->keys[place->input][place->input], record_out->record, 1,
                     &record_out->hash);
    return true;
}
