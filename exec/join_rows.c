/* join_rows.c -- a thread collects build rows; see join_table.h */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/gather.h"
#include "exec/join_table.h"

static const char consumer_name[] = "hash join build";

enum { CHUNK_ROWS_FIRST = 64, CHUNK_BYTES = 1 << 20 };

Status join_rows_init(JoinRows *rows, JoinTable *table, Error *err)
{
    void *memory;

    *rows = (JoinRows){.table = table, .min_key = INT64_MAX, .max_key = INT64_MIN};
    text_store_init(&rows->texts, table->context->pool, consumer_name);
    TRY(mem_pool_alloc(table->context->pool, 3 * BATCH_ROWS_MAX * sizeof(uint64_t), consumer_name,
                       err, &memory));
    rows->scratch = memory;
    return ST_OK;
}

static void free_chunks(JoinChunk *chunk, MemPool *pool)
{
    for (JoinChunk *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        mem_pool_release(pool, chunk, chunk->memory_bytes);
    }
}

void join_rows_fini(JoinRows *rows)
{
    MemPool *pool;

    if (rows->table == NULL)
        return;
    pool = rows->table->context->pool;
    text_store_fini(&rows->texts);
    free_chunks(rows->chunks, pool);
    mem_pool_release(pool, rows->segments, rows->segment_capacity * sizeof(JoinSegment));
    mem_pool_release(pool, rows->scratch, 3 * BATCH_ROWS_MAX * sizeof(uint64_t));
    *rows = (JoinRows){.table = NULL};
}

void join_rows_clear(JoinRows *rows)
{
    MemPool *pool = rows->table->context->pool;

    text_store_fini(&rows->texts);
    text_store_init(&rows->texts, pool, consumer_name);
    free_chunks(rows->chunks, pool);
    rows->chunks = NULL;
    rows->segment_count = 0;
    rows->row_count = rows->nowhere_count = 0;
    rows->used_bytes = 0;
    rows->min_key = INT64_MAX;
    rows->max_key = INT64_MIN;
}

/* --- room --- */

static Status add_chunk(JoinRows *rows, uint32_t row_count, Error *err)
{
    const JoinTable *table = rows->table;
    uint32_t capacity = rows->chunks == NULL ? CHUNK_ROWS_FIRST : rows->chunks->row_capacity * 2;
    size_t row_bytes = table->layout->row_bytes, rows_bytes, bytes;
    JoinChunk *chunk;
    void *memory;

    if (row_bytes > 0 && capacity > CHUNK_BYTES / row_bytes)
        capacity = (uint32_t)(CHUNK_BYTES / row_bytes);
    if (capacity < row_count)
        capacity = row_count;
    rows_bytes = (capacity * row_bytes + 63) & ~(size_t)63;
    bytes = sizeof *chunk + rows_bytes + capacity * sizeof(uint64_t) +
            (table->keeps_null_keys ? capacity : 0);
    TRY(mem_pool_alloc(table->context->pool, bytes, consumer_name, err, &memory));
    chunk = memory;
    *chunk = (JoinChunk){.next = rows->chunks, .memory_bytes = bytes, .row_capacity = capacity};
    chunk->rows = (char *)(chunk + 1);
    chunk->hashes = (uint64_t *)(void *)(chunk->rows + rows_bytes);
    if (table->keeps_null_keys)
        chunk->is_nowhere = (uint8_t *)(chunk->hashes + capacity);
    rows->chunks = chunk;
    rows->used_bytes += bytes;
    return ST_OK;
}

static Status add_segment(JoinRows *rows, uint32_t split, Error *err)
{
    if (rows->segment_count == rows->segment_capacity) {
        uint32_t capacity = rows->segment_capacity == 0 ? 16 : 2 * rows->segment_capacity;
        void *memory = rows->segments;

        TRY(mem_pool_realloc(rows->table->context->pool, &memory,
                             rows->segment_capacity * sizeof(JoinSegment),
                             capacity * sizeof(JoinSegment), consumer_name, err));
        rows->segments = memory;
        rows->segment_capacity = capacity;
    }
    rows->segments[rows->segment_count] = (JoinSegment){.split = split,
                                                        .number = rows->segment_count,
                                                        .chunk = rows->chunks,
                                                        .first = rows->chunks->row_count};
    rows->segment_count++;
    return ST_OK;
}

/* Room for row_count rows of the split in the newest chunk, the last segment. */
static Status make_room(JoinRows *rows, uint32_t split, uint32_t row_count, Error *err)
{
    const JoinSegment *last =
        rows->segment_count == 0 ? NULL : &rows->segments[rows->segment_count - 1];

    if (rows->chunks == NULL || rows->chunks->row_capacity - rows->chunks->row_count < row_count)
        TRY(add_chunk(rows, row_count, err));
    if (last == NULL || last->split != split || last->chunk != rows->chunks)
        return add_segment(rows, split, err);
    return ST_OK;
}

/* --- columns into rows --- */

#define WRITE(CType)                                                                               \
    for (uint32_t i = 0; i < count; i++, to += row_bytes)                                          \
        memcpy(to, &((const CType *)column->values)[rows[i]], sizeof(CType));                      \
    break

static void write_flat(const Column *column, const uint32_t *rows, uint32_t count, char *to,
                       size_t row_bytes)
{
    switch (phys_bytes(type_phys(column->type))) {
    case 1:
        WRITE(uint8_t);
    case 2:
        WRITE(uint16_t);
    case 4:
        WRITE(uint32_t);
    case 8:
        WRITE(uint64_t);
    case 16:
        WRITE(UInt128);
    default:
        UNREACHABLE("value size");
    }
}

static void write_nulls(const JoinField *field, const Column *column, const uint32_t *rows,
                        uint32_t count, char *first, size_t row_bytes)
{
    if (field->null_offset == JOIN_NEVER_NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        first[i * row_bytes + (size_t)field->null_offset] = column_is_null(column, rows[i]);
}

static Status own_texts(TextStore *texts, const JoinField *field, uint32_t count, char *first,
                        size_t row_bytes, Error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        char *row = first + i * row_bytes;
        Str text;

        if (field->null_offset != JOIN_NEVER_NULL && row[field->null_offset] != 0) {
            text = str_make("", 0);
            memcpy(row + field->offset, &text, sizeof text);
            continue;
        }
        memcpy(&text, row + field->offset, sizeof text);
        if (text.length <= STR_INLINE_BYTES)
            continue;
        TRY(text_store_own(texts, &text, err));
        memcpy(row + field->offset, &text, sizeof text);
    }
    return ST_OK;
}

static Status write_column(JoinRows *out, const JoinField *field, const Column *column,
                           const uint32_t *rows, uint32_t count, char *first, Error *err)
{
    size_t row_bytes = out->table->layout->row_bytes, value_bytes = phys_bytes(field->phys);

    ASSERT(type_phys(column->type) == field->phys);
    write_nulls(field, column, rows, count, first, row_bytes);
    if (column->form == COLUMN_FLAT)
        write_flat(column, rows, count, first + field->offset, row_bytes);
    else
        for (uint32_t i = 0; i < count; i++)
            memcpy(first + i * row_bytes + field->offset, column_value(column, rows[i]),
                   value_bytes);
    if (field->phys == PHYS_STR)
        return own_texts(&out->texts, field, count, first, row_bytes, err);
    return ST_OK;
}

/* --- keys --- */

static void note_range(JoinRows *rows, const int64_t *keys, uint32_t count)
{
    int64_t min = rows->min_key, max = rows->max_key;

    for (uint32_t i = 0; i < count; i++) {
        min = keys[i] < min ? keys[i] : min;
        max = keys[i] > max ? keys[i] : max;
    }
    rows->min_key = min;
    rows->max_key = max;
}

/* Key blocks of rows whose keys compare as words; hashes. */
static void write_words(JoinRows *out, const Column *keys, const uint32_t *rows, uint32_t count,
                        char *first, uint64_t *hashes)
{
    const JoinLayout *layout = out->table->layout;
    uint64_t *words[2] = {out->scratch, out->scratch + BATCH_ROWS_MAX};

    join_keys_pack(layout, keys, rows, count, words);
    if (layout->is_direct_able)
        join_keys_widen(layout, words[0], count);
    for (uint32_t w = 0; w < layout->key_words; w++)
        for (uint32_t i = 0; i < count; i++)
            memcpy(first + i * layout->row_bytes + w * sizeof(uint64_t), &words[w][i],
                   sizeof(uint64_t));
    if (layout->key_words == 2)
        for (uint32_t i = 0; i < count; i++)
            hashes[i] = join_hash_words(words[0][i], words[1][i]);
    else if (layout->is_direct_able)
        memcpy(hashes, words[0], count * sizeof *hashes);
    else
        for (uint32_t i = 0; i < count; i++)
            hashes[i] = join_hash_word(words[0][i]);
}

static Status write_keys(JoinRows *out, const Column *keys, const Batch *batch,
                         const uint32_t *rows, uint32_t count, char *first, uint64_t *hashes,
                         Error *err)
{
    const JoinLayout *layout = out->table->layout;
    Batch part = *batch;

    if (layout->key_count == 0)
        return ST_OK;
    if (layout->key_words > 0) {
        write_words(out, keys, rows, count, first, hashes);
    } else {
        part.selection = rows;
        part.selected_count = count;
        kernel_hash(layout->key_count, keys, &part, hashes);
    }
    for (uint32_t k = 0; k < layout->key_count; k++) {
        if (layout->key_words > 0)
            write_nulls(&layout->keys[k], &keys[k], rows, count, first, layout->row_bytes);
        else
            TRY(write_column(out, &layout->keys[k], &keys[k], rows, count, first, err));
    }
    return ST_OK;
}

static bool shares_field(const JoinLayout *layout, const JoinField *field)
{
    for (uint32_t k = 0; k < layout->key_count; k++)
        if (layout->keys[k].offset == field->offset)
            return true;
    return false;
}

/* Rows all reachable, or all nowhere. */
static Status add_rows(JoinRows *out, const Column *keys, const Column *columns, const Batch *batch,
                       const uint32_t *rows, uint32_t count, bool is_nowhere, Error *err)
{
    const JoinLayout *layout = out->table->layout;
    JoinChunk *chunk;
    uint64_t *hashes;
    char *first;

    if (count == 0)
        return ST_OK;
    TRY(make_room(out, batch->split, count, err));
    chunk = out->chunks;
    first = chunk->rows + (size_t)chunk->row_count * layout->row_bytes;
    hashes = chunk->hashes + chunk->row_count;
    TRY(write_keys(out, keys, batch, rows, count, first, hashes, err));
    for (uint32_t c = 0; c < layout->column_count; c++)
        if (!shares_field(layout, &layout->columns[c]))
            TRY(write_column(out, &layout->columns[c], &columns[c], rows, count, first, err));
    if (chunk->is_nowhere != NULL)
        memset(chunk->is_nowhere + chunk->row_count, is_nowhere, count);
    if (layout->is_direct_able && !is_nowhere)
        note_range(out, (const int64_t *)hashes, count);
    chunk->row_count += count;
    out->segments[out->segment_count - 1].count += count;
    out->row_count += count;
    out->nowhere_count += is_nowhere ? count : 0;
    return ST_OK;
}

/* Runs of rows with and without a NULL key, in order. */
static Status add_mixed(JoinRows *out, const Column *keys, const Column *columns,
                        const Batch *batch, const uint32_t *rows, uint32_t count,
                        const uint32_t *reachable, uint32_t reachable_count, Error *err)
{
    uint32_t next = 0, start = 0;

    while (start < count) {
        bool is_nowhere = next == reachable_count || rows[start] != reachable[next];
        uint32_t end = start;

        while (end < count &&
               (next == reachable_count || rows[end] != reachable[next]) == is_nowhere) {
            next += !is_nowhere;
            end++;
        }
        TRY(add_rows(out, keys, columns, batch, rows + start, end - start, is_nowhere, err));
        start = end;
    }
    return ST_OK;
}

Status join_rows_add(JoinRows *out, const Column *keys, const Column *columns, const Batch *batch,
                     Error *err)
{
    uint32_t rows[BATCH_ROWS_MAX], reachable[BATCH_ROWS_MAX];
    uint32_t count = batch->selected_count, reachable_count;

    if (count == 0)
        return ST_OK;
    rows[0] = batch_row(batch, 0);
    for (uint32_t i = 1; i < count; i++)
        rows[i] = batch_row(batch, i);
    reachable_count = join_keys_not_null(out->table->layout, keys, rows, count, reachable);
    if (reachable_count < count && out->table->keeps_null_keys)
        return add_mixed(out, keys, columns, batch, rows, count, reachable, reachable_count, err);
    return add_rows(out, keys, columns, batch, reachable, reachable_count, false, err);
}

Status join_rows_add_row(JoinRows *out, const char *row, uint64_t hash, bool is_nowhere,
                         const uint32_t *text_offsets, uint32_t text_count, Error *err)
{
    const JoinLayout *layout = out->table->layout;
    JoinChunk *chunk;
    char *to;

    TRY(make_room(out, 0, 1, err));
    chunk = out->chunks;
    to = chunk->rows + (size_t)chunk->row_count * layout->row_bytes;
    memcpy(to, row, layout->row_bytes);
    for (uint32_t i = 0; i < text_count; i++) {
        Str text;

        memcpy(&text, to + text_offsets[i], sizeof text);
        if (text.length <= STR_INLINE_BYTES)
            continue;
        TRY(text_store_own(&out->texts, &text, err));
        memcpy(to + text_offsets[i], &text, sizeof text);
    }
    if (layout->is_direct_able) /* the key, which stands first */
        memcpy(&hash, to, sizeof hash);
    chunk->hashes[chunk->row_count] = hash;
    if (chunk->is_nowhere != NULL)
        chunk->is_nowhere[chunk->row_count] = is_nowhere;
    if (layout->is_direct_able && !is_nowhere)
        note_range(out, (const int64_t *)&chunk->hashes[chunk->row_count], 1);
    chunk->row_count++;
    out->segments[out->segment_count - 1].count++;
    out->row_count++;
    out->nowhere_count += is_nowhere;
    return ST_OK;
}
