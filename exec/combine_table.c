/* combine_table.c -- see combine_table.h */
#include "exec/combine_table.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/data/batch.h"

enum { SLOTS_FIRST = 1024, PREFETCH_ROWS = 32 };

typedef void (*CreateFunction)(VonkTask *, const void *, void *);
typedef void (*AddFunction)(VonkTask *, void *, const void *);

static void find_texts(CombineTable *table, Arena *arena)
{
    const RecordLayout *acc = table->spec->acc;

    table->text_offsets = ARENA_ARRAY(arena, uint32_t, acc->field_count);
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < acc->field_count; i++) {
            if (type_phys(acc->fields[i].type) != PHYS_STR || acc->fields[i].is_key != (pass == 0))
                continue;
            table->text_offsets[table->text_count++] = acc->fields[i].offset;
            table->key_text_count += pass == 0;
        }
    table->text_seen = ARENA_ARRAY(arena, const char *, table->text_count);
}

void combine_table_init(CombineTable *table, Arena *arena, const CombineSpec *spec, MemPool *pool,
                        UserTask *user, const char *consumer)
{
    *table = (CombineTable){.spec = spec, .consumer = consumer, .pool = pool, .user = user};
    if (spec->has_keys)
        table->keys = record_keys_make(arena, spec->in, spec->acc);
    find_texts(table, arena);
    table->row_hashes = arena_alloc_raw(arena, BATCH_ROWS_MAX * sizeof(uint64_t));
    row_store_init(&table->records, (spec->acc->bytes + 15) & ~15u, pool, consumer);
    text_store_init(&table->texts, pool, consumer);
}

void combine_table_fini(CombineTable *table)
{
    if (table->pool == NULL)
        return;
    row_store_fini(&table->records);
    text_store_fini(&table->texts);
    mem_pool_release(table->pool, table->directory, table->slot_count * sizeof(uint64_t));
    mem_pool_release(table->pool, table->entries, table->entry_capacity * sizeof(CombineEntry));
    table->pool = NULL;
}

void combine_table_clear(CombineTable *table)
{
    row_store_fini(&table->records);
    text_store_fini(&table->texts);
    if (table->directory != NULL)
        memset(table->directory, 0, table->slot_count * sizeof(uint64_t));
}

size_t combine_table_bytes(const CombineTable *table)
{
    return table->records.used_bytes + table->texts.used_bytes +
           table->slot_count * sizeof(uint64_t) + table->entry_capacity * sizeof(CombineEntry);
}

/* --- growing --- */

static uint64_t slot_of(uint64_t hash, uint64_t number)
{
    return (hash & UINT64_C(0xffffffff00000000)) | (number + 1);
}

static Status grow_directory(CombineTable *table, Error *err)
{
    uint64_t slots = table->slot_count == 0 ? SLOTS_FIRST : table->slot_count * 2;
    void *directory, *entries = table->entries;

    TRY(mem_pool_alloc(table->pool, slots * sizeof(uint64_t), table->consumer, err, &directory));
    if (mem_pool_realloc(table->pool, &entries, table->entry_capacity * sizeof(CombineEntry),
                         slots / 2 * sizeof(CombineEntry), table->consumer, err) != ST_OK) {
        mem_pool_release(table->pool, directory, slots * sizeof(uint64_t));
        return ST_OUT_OF_MEMORY;
    }
    mem_pool_release(table->pool, table->directory, table->slot_count * sizeof(uint64_t));
    table->directory = directory;
    table->slot_count = slots;
    table->entries = entries;
    table->entry_capacity = slots / 2;
    memset(directory, 0, slots * sizeof(uint64_t));
    for (uint64_t i = 0; i < table->records.row_count; i++) {
        uint64_t at = table->entries[i].hash & (slots - 1);

        while (table->directory[at] != 0)
            at = (at + 1) & (slots - 1);
        table->directory[at] = slot_of(table->entries[i].hash, i);
    }
    return ST_OK;
}

/* --- texts that stay --- */

static Status own_text(CombineTable *table, char *record, uint32_t offset, Error *err)
{
    VonkText text;

    memcpy(&text, record + offset, sizeof text);
    if (text.bytes == 0)
        return ST_OK;
    TRY(text_store_copy(&table->texts, text.data, text.bytes, err, &text.data));
    memcpy(record + offset, &text, sizeof text);
    return ST_OK;
}

static const char *text_data(const char *record, uint32_t offset)
{
    VonkText text;

    memcpy(&text, record + offset, sizeof text);
    return text.data;
}

static Status own_changed_texts(CombineTable *table, char *record, Error *err)
{
    for (uint32_t i = table->key_text_count; i < table->text_count; i++)
        if (text_data(record, table->text_offsets[i]) != table->text_seen[i])
            TRY(own_text(table, record, table->text_offsets[i], err));
    return ST_OK;
}

/* --- records --- */

static Status call_add(CombineTable *table, char *acc, const char *record, Error *err)
{
    AddFunction add = (AddFunction)table->spec->add.call;

    for (uint32_t i = table->key_text_count; i < table->text_count; i++)
        table->text_seen[i] = text_data(acc, table->text_offsets[i]);
    add(&table->user->task, acc, record);
    if (table->text_count > table->key_text_count)
        TRY(own_changed_texts(table, acc, err));
    return ST_OK;
}

static Status start_key(CombineTable *table, uint64_t hash, uint64_t at, const char *record,
                        Error *err)
{
    const CombineSpec *spec = table->spec;
    uint64_t number = table->records.row_count;
    void *memory;
    char *acc;

    TRY(row_store_add_one(&table->records, err, &memory));
    acc = memory;
    table->directory[at] = slot_of(hash, number);
    table->entries[number] = (CombineEntry){hash, acc};
    if (spec->zero != NULL) {
        memcpy(acc, spec->zero, spec->acc->bytes);
        record_keys_copy(&table->keys, record, acc);
    } else if (spec->create.call != NULL) {
        memset(acc, 0, spec->acc->bytes);
        table->user->task.closure = spec->create.closure;
        table->user->function = &spec->create;
        ((CreateFunction)spec->create.call)(&table->user->task, record, acc);
        record_keys_copy(&table->keys, record, acc);
        table->user->function = &spec->add;
        table->user->task.closure = spec->add.closure;
    } else {
        memcpy(acc, record, spec->acc->bytes);
    }
    for (uint32_t i = 0; i < table->text_count; i++)
        TRY(own_text(table, acc, table->text_offsets[i], err));
    return spec->zero == NULL ? ST_OK : call_add(table, acc, record, err);
}

static Status add_one(CombineTable *table, uint64_t hash, const char *record, Error *err)
{
    uint64_t mask = table->slot_count - 1;

    for (uint64_t at = hash & mask;; at = (at + 1) & mask) {
        uint64_t slot = table->directory[at];
        char *acc;

        if (slot == 0)
            return start_key(table, hash, at, record, err);
        if (slot >> 32 != hash >> 32)
            continue;
        acc = table->entries[(uint32_t)slot - 1].record;
        if (record_keys_equal(&table->keys, record, acc))
            return call_add(table, acc, record, err);
    }
}

/* What the next records will touch is asked for level by level: each level's addresses stand in the
 * one before, which has come by then. */
static void prefetch(const CombineTable *table, const uint64_t *hashes, uint32_t count)
{
    uint64_t mask = table->slot_count - 1, slots[PREFETCH_ROWS];
    const char *records[PREFETCH_ROWS];

    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&table->directory[hashes[i] & mask]);
    for (uint32_t i = 0; i < count; i++) {
        slots[i] = table->directory[hashes[i] & mask];
        __builtin_prefetch(&table->entries[slots[i] == 0 ? 0 : (uint32_t)slots[i] - 1]);
    }
    for (uint32_t i = 0; i < count; i++) {
        records[i] = slots[i] == 0 ? NULL : table->entries[(uint32_t)slots[i] - 1].record;
        __builtin_prefetch(records[i]);
    }
    for (uint32_t i = 0; i < count && table->key_text_count > 0; i++)
        if (records[i] != NULL)
            __builtin_prefetch(text_data(records[i], table->text_offsets[0]));
}

static Status add_run(CombineTable *table, const char *records, uint32_t count, Error *err)
{
    size_t bytes = table->spec->in->bytes;

    for (uint32_t i = 0; i < count && !table->user->task.is_failed; i++) {
        if (i % PREFETCH_ROWS == 0)
            prefetch(table, table->row_hashes + i,
                     count - i < PREFETCH_ROWS ? count - i : PREFETCH_ROWS);
        table->user->record = ++table->record_number;
        TRY(add_one(table, table->row_hashes[i], records + i * bytes, err));
    }
    return ST_OK;
}

Status combine_table_add(CombineTable *table, const char *records, uint32_t count, Error *err)
{
    Status status, failed;

    ASSERT(count <= BATCH_ROWS_MAX);
    if (table->records.row_count + count >= UINT32_MAX)
        return error_set(err, ST_OUT_OF_MEMORY, "more than 4 billion keys in one partition");
    while (table->entry_capacity < table->records.row_count + count)
        TRY(grow_directory(table, err));
    record_keys_hash(&table->keys, records, count, table->row_hashes);
    user_task_begin(table->user, &table->spec->add);
    status = add_run(table, records, count, err);
    failed = user_task_end(table->user, status == ST_OK ? err : NULL);
    return status != ST_OK ? status : failed;
}

Status combine_table_reserve_one(CombineTable *table, Error *err)
{
    return table->entry_capacity > table->records.row_count ? ST_OK : grow_directory(table, err);
}
