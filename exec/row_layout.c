/* row_layout.c -- where fields lie, and the chunks that rows and texts live in; see row_layout.h */
#include "exec/row_layout.h"

#include <string.h>

#include "core/base/invariant.h"

enum {
    ROW_CHUNK_BYTES_FIRST = 4 * 1024,
    ROW_CHUNK_BYTES_MAX = 256 * 1024,
    ROW_CHUNK_BYTES_HUGE = 2 << 20,
    TEXT_CHUNK_BYTES_FIRST = 4 * 1024,
    TEXT_CHUNK_BYTES_MAX = 256 * 1024
};

/* --- layout --- */

static uint32_t align_up(uint32_t offset, uint32_t alignment)
{
    return (offset + alignment - 1) & ~(alignment - 1);
}

RowLayout row_layout_make(Arena *arena, uint32_t head_bytes, uint32_t field_count,
                          const Type *types, uint32_t tail_bytes)
{
    RowField *fields = ARENA_ARRAY(arena, RowField, field_count);
    RowLayout layout = {.field_count = field_count, .fields = fields};
    uint32_t offset;

    offset = head_bytes;
    for (uint32_t i = 0; i < field_count; i++) {
        fields[i] = (RowField){.type = types[i], .phys = type_phys(types[i])};
        layout.has_text |= fields[i].phys == PHYS_STR;
    }
    for (uint32_t bytes = 16; bytes >= 1; bytes /= 2) {
        for (uint32_t i = 0; i < field_count; i++) {
            if (phys_bytes(fields[i].phys) != bytes)
                continue;
            fields[i].offset = offset;
            offset += bytes;
        }
    }
    layout.null_offset = offset;
    layout.null_bytes = (field_count + 7) / 8;
    layout.tail_offset = align_up(offset + layout.null_bytes, tail_bytes > 0 ? 16 : 8);
    layout.row_bytes = align_up(layout.tail_offset + tail_bytes, tail_bytes > 0 ? 16 : 8);
    if (layout.row_bytes == 0)
        layout.row_bytes = 8;
    return layout;
}

RowLayout row_layout_without_nulls(const RowLayout *layout)
{
    RowLayout without = *layout;

    without.null_bytes = 0;
    without.row_bytes = align_up(without.null_offset, 8);
    without.tail_offset = without.row_bytes;
    return without;
}

Status place_first(const Batch *batch, Error *err, uint64_t *place_out)
{
    *place_out = (uint64_t)batch->split << PLACE_SEQUENCE_BITS | batch->sequence;
    if (batch->split >> PLACE_SPLIT_BITS != 0 ||
        (batch->sequence + batch->row_count) >> PLACE_SEQUENCE_BITS != 0)
        return error_set(err, ST_NOT_SUPPORTED,
                         "an input of more than %d splits, or of 2^%d rows "
                         "in one",
                         1 << PLACE_SPLIT_BITS, PLACE_SEQUENCE_BITS);
    return ST_OK;
}

/* --- texts --- */

struct TextChunk {
    TextChunk *next;
    size_t bytes; /* this head included */
};

void text_store_init(TextStore *store, MemPool *pool, const char *consumer)
{
    *store = (TextStore){.pool = pool, .consumer = consumer};
}

void text_store_fini(TextStore *store)
{
    for (TextChunk *chunk = store->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        mem_pool_release(store->pool, chunk, chunk->bytes);
    }
    store->chunks = NULL;
    store->left_bytes = 0;
    store->used_bytes = 0;
}

void text_store_disown(TextStore *store)
{
    for (const TextChunk *chunk = store->chunks; chunk != NULL; chunk = chunk->next)
        mem_pool_disown(store->pool, chunk->bytes);
    store->pool = NULL;
}

/* Texts larger than a quarter of a chunk get one of their own, so that the current one is not
 * given up for them. */
static Status add_text_chunk(TextStore *store, size_t text_bytes, Error *err, char **bytes_out)
{
    size_t bytes = TEXT_CHUNK_BYTES_FIRST;
    bool is_own;
    void *memory;
    TextChunk *chunk;

    while (bytes < store->used_bytes && bytes < TEXT_CHUNK_BYTES_MAX)
        bytes *= 2;
    is_own = text_bytes > bytes / 4;
    if (is_own)
        bytes = sizeof *chunk + text_bytes;
    TRY(mem_pool_alloc(store->pool, bytes, store->consumer, err, &memory));
    chunk = memory;
    *chunk = (TextChunk){.next = store->chunks, .bytes = bytes};
    store->chunks = chunk;
    store->used_bytes += bytes;
    *bytes_out = (char *)(chunk + 1);
    if (!is_own) {
        store->next = *bytes_out + text_bytes;
        store->left_bytes = bytes - sizeof *chunk - text_bytes;
    }
    return ST_OK;
}

Status text_store_room(TextStore *store, size_t bytes, Error *err, char **room_out)
{
    if (bytes > store->left_bytes)
        return add_text_chunk(store, bytes, err, room_out);
    *room_out = store->next;
    store->next += bytes;
    store->left_bytes -= bytes;
    return ST_OK;
}

Status text_store_copy(TextStore *store, const char *data, size_t bytes, Error *err,
                       const char **copy_out)
{
    char *copy;

    *copy_out = NULL;
    TRY(text_store_room(store, bytes, err, &copy));
    memcpy(copy, data, bytes);
    *copy_out = copy;
    return ST_OK;
}

Status text_store_own(TextStore *store, Str *text, Error *err)
{
    const char *copy;

    if (text->length <= STR_INLINE_BYTES)
        return ST_OK;
    TRY(text_store_copy(store, text->data, text->length, err, &copy));
    text->data = copy;
    return ST_OK;
}

/* --- rows --- */

void row_store_init(RowStore *store, uint32_t row_bytes, MemPool *pool, const char *consumer)
{
    *store = (RowStore){.row_bytes = row_bytes, .pool = pool, .consumer = consumer};
}

void row_store_fini(RowStore *store)
{
    for (uint32_t i = 0; i < store->chunk_count; i++)
        mem_pool_release(store->pool, store->chunks[i].rows,
                         (size_t)store->chunks[i].row_capacity * store->row_bytes);
    mem_pool_release(store->pool, store->chunks, store->chunk_capacity * sizeof *store->chunks);
    row_store_init(store, store->row_bytes, store->pool, store->consumer);
}

static Status reserve_chunks(RowStore *store, uint32_t chunk_count, Error *err)
{
    uint32_t capacity = store->chunk_capacity == 0 ? 4 : store->chunk_capacity;
    void *chunks = store->chunks;

    if (chunk_count <= store->chunk_capacity)
        return ST_OK;
    while (capacity < chunk_count)
        capacity *= 2;
    TRY(mem_pool_realloc(store->pool, &chunks, store->chunk_capacity * sizeof *store->chunks,
                         capacity * sizeof *store->chunks, store->consumer, err));
    store->chunks = chunks;
    store->chunk_capacity = capacity;
    return ST_OK;
}

Status row_store_grow(RowStore *store, Error *err)
{
    size_t bytes = ROW_CHUNK_BYTES_FIRST;
    uint32_t row_capacity;
    void *rows;

    while (bytes < store->used_bytes && bytes < ROW_CHUNK_BYTES_MAX)
        bytes *= 2;
    if (store->used_bytes >= ROW_CHUNK_BYTES_HUGE)
        bytes = ROW_CHUNK_BYTES_HUGE; /* a block that lies on huge pages */
    row_capacity = (uint32_t)(bytes / store->row_bytes);
    if (row_capacity == 0)
        row_capacity = 1;
    bytes = (size_t)row_capacity * store->row_bytes;
    TRY(reserve_chunks(store, store->chunk_count + 1, err));
    TRY(mem_pool_alloc(store->pool, bytes, store->consumer, err, &rows));
    store->chunks[store->chunk_count++] = (RowChunk){.rows = rows, .row_capacity = row_capacity};
    store->used_bytes += bytes;
    return ST_OK;
}

void row_store_cut(RowStore *store, uint64_t row_count)
{
    for (uint32_t c = store->chunk_count; c-- > 0 && store->row_count > row_count;) {
        uint64_t surplus = store->row_count - row_count;
        RowChunk *chunk = &store->chunks[c];

        if (surplus > chunk->row_count)
            surplus = chunk->row_count;
        chunk->row_count -= (uint32_t)surplus;
        store->row_count -= surplus;
    }
}

Status row_store_add(RowStore *store, uint32_t count, Error *err, void **rows_out)
{
    uint32_t done = 0;

    while (done < count) {
        uint32_t room = row_store_room(store);
        RowChunk *chunk;
        char *row;

        if (room == 0) {
            TRY(row_store_grow(store, err));
            continue;
        }
        chunk = &store->chunks[store->chunk_count - 1];
        if (room > count - done)
            room = count - done;
        row = chunk->rows + (size_t)chunk->row_count * store->row_bytes;
        for (uint32_t i = 0; i < room; i++, row += store->row_bytes)
            rows_out[done + i] = row;
        chunk->row_count += room;
        store->row_count += room;
        done += room;
    }
    return ST_OK;
}

void row_store_release_chunk(RowStore *store, uint32_t chunk)
{
    RowChunk *released = &store->chunks[chunk];

    mem_pool_release(store->pool, released->rows,
                     (size_t)released->row_capacity * store->row_bytes);
    *released = (RowChunk){0};
}

void row_store_list(const RowStore *store, void **pointers)
{
    for (uint32_t i = 0; i < store->chunk_count; i++) {
        char *row = store->chunks[i].rows;

        for (uint32_t k = 0; k < store->chunks[i].row_count; k++, row += store->row_bytes)
            *pointers++ = row;
    }
}

Status row_store_move(RowStore *into, RowStore *more, Error *err)
{
    ASSERT(into->row_bytes == more->row_bytes && into->pool == more->pool);
    if (more->chunk_count == 0)
        return ST_OK;
    TRY(reserve_chunks(into, into->chunk_count + more->chunk_count, err));
    memcpy(into->chunks + into->chunk_count, more->chunks,
           more->chunk_count * sizeof *more->chunks);
    into->chunk_count += more->chunk_count;
    into->row_count += more->row_count;
    into->used_bytes += more->used_bytes;
    more->chunk_count = 0;
    row_store_fini(more);
    return ST_OK;
}
