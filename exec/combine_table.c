/* combine_table.c -- see combine_table.h */
#include "exec/combine_table.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/base/prefetch.h"
#include "core/data/batch.h"

enum { SLOTS_FIRST = 1024, PREFETCH_ROWS = 64, TAG_SHIFT = 48, SHORT_TEXT_BYTES = 16 };

#define ADDRESS_MASK ((UINT64_C(1) << TAG_SHIFT) - 1)

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

static uint32_t aligned(uint32_t bytes, uint32_t to)
{
    return (bytes + to - 1) & ~(to - 1);
}

void combine_table_init(CombineTable *table, Arena *arena, const CombineSpec *spec, MemPool *pool,
                        UserTask *user, const char *consumer)
{
    uint32_t row_bytes;

    *table = (CombineTable){.spec = spec, .consumer = consumer, .pool = pool, .user = user};
    if (spec->has_keys)
        table->keys = record_keys_make(arena, spec->in, spec->acc);
    find_texts(table, arena);
    table->row_hashes = arena_alloc_raw(arena, BATCH_ROWS_MAX * sizeof(uint64_t));
    table->hash_offset = aligned(spec->acc->bytes, sizeof(uint64_t));
    row_bytes = table->hash_offset + sizeof(uint64_t) + table->key_text_count * SHORT_TEXT_BYTES;
    row_store_init(&table->records, aligned(row_bytes, 16), pool, consumer);
    text_store_init(&table->texts, pool, consumer);
}

void combine_table_fini(CombineTable *table)
{
    if (table->pool == NULL)
        return;
    row_store_fini(&table->records);
    text_store_fini(&table->texts);
    mem_pool_release(table->pool, table->directory, table->slot_count * sizeof(uint64_t));
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
           table->slot_count * sizeof(uint64_t);
}

uint32_t combine_table_read(const CombineTable *table, CombinePlace *place, uint32_t count,
                            char *records)
{
    const RowStore *store = &table->records;
    size_t bytes = table->spec->acc->bytes;
    uint32_t done = 0;

    while (done < count && place->chunk < store->chunk_count) {
        const RowChunk *chunk = &store->chunks[place->chunk];

        for (; done < count && place->row < chunk->row_count; place->row++, done++)
            memcpy(records + done * bytes, chunk->rows + (size_t)place->row * store->row_bytes,
                   bytes);
        if (place->row == chunk->row_count)
            *place = (CombinePlace){place->chunk + 1, 0};
    }
    return done;
}

/* --- the directory --- */

static uint64_t slot_of(uint64_t hash, const char *record)
{
    return (hash & ~ADDRESS_MASK) | (uint64_t)(uintptr_t)record;
}

static char *record_of(uint64_t slot)
{
    return (char *)(uintptr_t)(slot & ADDRESS_MASK); /* NULL of a free one */
}

static void fill_directory(CombineTable *table)
{
    const RowStore *store = &table->records;
    uint64_t mask = table->slot_count - 1;

    for (uint32_t c = 0; c < store->chunk_count; c++)
        for (uint32_t i = 0; i < store->chunks[c].row_count; i++) {
            const char *record = store->chunks[c].rows + (size_t)i * store->row_bytes;
            uint64_t hash, at;

            memcpy(&hash, record + table->hash_offset, sizeof hash);
            for (at = hash & mask; table->directory[at] != 0;)
                at = (at + 1) & mask;
            table->directory[at] = slot_of(hash, record);
        }
}

static Status grow_directory(CombineTable *table, Error *err)
{
    uint64_t slots = table->slot_count == 0 ? SLOTS_FIRST : table->slot_count * 2;
    void *directory;

    TRY(mem_pool_alloc(table->pool, slots * sizeof(uint64_t), table->consumer, err, &directory));
    mem_pool_release(table->pool, table->directory, table->slot_count * sizeof(uint64_t));
    table->directory = directory;
    table->slot_count = slots;
    memset(directory, 0, slots * sizeof(uint64_t));
    fill_directory(table);
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

/* Short texts of the key stand behind the record. */
static Status own_texts(CombineTable *table, char *record, Error *err)
{
    char *room = record + table->hash_offset + sizeof(uint64_t);

    for (uint32_t i = 0; i < table->text_count; i++, room += SHORT_TEXT_BYTES) {
        VonkText text;

        memcpy(&text, record + table->text_offsets[i], sizeof text);
        if (i >= table->key_text_count || text.bytes > SHORT_TEXT_BYTES) {
            TRY(own_text(table, record, table->text_offsets[i], err));
        } else if (text.bytes > 0) {
            memcpy(room, text.data, text.bytes);
            text.data = room;
            memcpy(record + table->text_offsets[i], &text, sizeof text);
        }
    }
    return ST_OK;
}

static Status start_key(CombineTable *table, uint64_t hash, uint64_t at, const char *record,
                        Error *err)
{
    const CombineSpec *spec = table->spec;
    void *memory;
    char *acc;

    TRY(row_store_add_one(&table->records, err, &memory));
    acc = memory;
    table->directory[at] = slot_of(hash, acc);
    memcpy(acc + table->hash_offset, &hash, sizeof hash);
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
    TRY(own_texts(table, acc, err));
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
        if ((slot ^ hash) >> TAG_SHIFT != 0)
            continue;
        acc = record_of(slot);
        if (record_keys_equal(&table->keys, record, acc))
            return call_add(table, acc, record, err);
    }
}

/* What the next records will touch is asked for level by level: each level's addresses stand in the
 * one before, which has come by then. */
PREFETCHER void prefetch(const CombineTable *table, const uint64_t *hashes, uint32_t count)
{
    uint64_t mask = table->slot_count - 1;

    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&table->directory[hashes[i] & mask]);
    for (uint32_t i = 0; i < count; i++) {
        const char *record = record_of(table->directory[hashes[i] & mask]);

        __builtin_prefetch(record, 1);
        __builtin_prefetch(record + table->records.row_bytes - 1, 1);
    }
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
    while (table->slot_count / 2 < table->records.row_count + count)
        TRY(grow_directory(table, err));
    record_keys_hash(&table->keys, records, count, table->row_hashes);
    user_task_begin(table->user, &table->spec->add);
    status = add_run(table, records, count, err);
    failed = user_task_end(table->user, status == ST_OK ? err : NULL);
    return status != ST_OK ? status : failed;
}

Status combine_table_put(CombineTable *table, const void *record, Error *err)
{
    void *memory;

    CHECK(!table->spec->has_keys && table->records.row_count == 0);
    TRY(row_store_add_one(&table->records, err, &memory));
    memcpy(memory, record, table->spec->acc->bytes);
    return ST_OK;
}
