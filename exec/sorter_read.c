/* sorter_read.c -- sorted entries back into columns; see sorter.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/prefetch.h"
#include "exec/sorter.h"

/* Of the texts of a batch, which come from anywhere: they are to be in a core's own cache until
 * they are used. */
enum {
    TEXT_BATCH_BYTES = 128 * 1024,
    TEXT_ROWS_MIN = 128,
    LINE_BYTES = 64,
    PREFETCHED_BYTES = 512 /* of a text: what lies in order comes by itself from there on */
};

struct SortCursor {
    const Sorter *sorter;
    Arena *arena;
    uint32_t batch_rows;
    uint32_t next_rows; /* of them, as many as come at a time */
    RowReader reader;
    Column *columns;
    const void **rows;
    uint64_t *words; /* whole keys */
    void *memory;    /* of both, and values and validity of columns in the key */
    size_t memory_bytes;
    void **key_values;
    uint64_t **key_validity;

    uint32_t piece;
    uint32_t offset; /* in it */
    uint32_t split;
    uint64_t sequence, left;
};

static size_t align64(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static size_t values_bytes(const SortCursor *cursor, uint32_t column)
{
    Type type = cursor->sorter->spec->input_columns[column].type;

    return align64(cursor->batch_rows * phys_bytes(type_phys(type)));
}

static Status allocate_buffers(SortCursor *cursor, Error *err)
{
    const SortSpec *spec = cursor->sorter->spec;
    size_t rows_bytes = align64(cursor->batch_rows * sizeof(void *));
    size_t words_bytes = align64(cursor->batch_rows * SORT_KEY_WORDS_MAX * sizeof(uint64_t));
    size_t validity_bytes = align64(bitmap_words(cursor->batch_rows) * sizeof(uint64_t));
    char *next;

    cursor->memory_bytes = rows_bytes + words_bytes;
    for (uint32_t c = 0; c < spec->column_count; c++)
        if (spec->columns[c].is_in_key)
            cursor->memory_bytes += values_bytes(cursor, c) + validity_bytes;
    TRY(mem_pool_alloc(spec->pool, cursor->memory_bytes, spec->consumer, err, &cursor->memory));
    next = cursor->memory;
    cursor->rows = (const void **)(void *)next;
    cursor->words = (uint64_t *)(void *)(next + rows_bytes);
    next += rows_bytes + words_bytes;
    for (uint32_t c = 0; c < spec->column_count; c++) {
        if (!spec->columns[c].is_in_key)
            continue;
        cursor->key_values[c] = next;
        cursor->key_validity[c] = (uint64_t *)(void *)(next + values_bytes(cursor, c));
        next += values_bytes(cursor, c) + validity_bytes;
    }
    return ST_OK;
}

static uint32_t choose_next_rows(const Sorter *sorter, uint32_t batch_rows)
{
    uint64_t text_bytes = 0, rows;

    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        text_bytes += run->texts.used_bytes + run->held_bytes;
    if (text_bytes == 0 || sorter->row_count == 0)
        return batch_rows;
    rows = TEXT_BATCH_BYTES / (text_bytes / sorter->row_count + LINE_BYTES);
    if (rows < TEXT_ROWS_MIN)
        rows = TEXT_ROWS_MIN;
    return rows < batch_rows ? (uint32_t)rows : batch_rows;
}

Status sort_cursor_open(const Sorter *sorter, uint32_t batch_rows, Error *err,
                        SortCursor **cursor_out)
{
    const SortSpec *spec = sorter->spec;
    Arena *arena = arena_new(NULL, "sort cursor", ARENA_NO_CAP);
    SortCursor *cursor = ARENA_NEW(arena, SortCursor);
    const SortShape *shape = sorter->shape != NULL ? sorter->shape : &spec->shape;

    *cursor_out = cursor;
    cursor->sorter = sorter;
    cursor->arena = arena;
    cursor->batch_rows = batch_rows;
    cursor->next_rows = choose_next_rows(sorter, batch_rows);
    cursor->columns = ARENA_ARRAY(arena, Column, spec->column_count);
    cursor->key_values = ARENA_ARRAY(arena, void *, spec->column_count);
    cursor->key_validity = ARENA_ARRAY(arena, uint64_t *, spec->column_count);
    TRY(allocate_buffers(cursor, err));
    return row_reader_init(&cursor->reader, &shape->rows, batch_rows, arena, spec->pool,
                           spec->consumer, err);
}

void sort_cursor_close(SortCursor *cursor)
{
    if (cursor == NULL)
        return;
    if (cursor->reader.pool != NULL)
        row_reader_fini(&cursor->reader);
    mem_pool_release(cursor->sorter->spec->pool, cursor->memory, cursor->memory_bytes);
    arena_free(cursor->arena);
}

void sort_cursor_seek(SortCursor *cursor, uint32_t split, uint64_t start, uint64_t count)
{
    const Sorter *sorter = cursor->sorter;
    uint32_t low = 0, high = sorter->piece_count;

    cursor->split = split;
    cursor->sequence = 0;
    cursor->left = count;
    if (count == 0)
        return;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (sorter->pieces[middle].first <= start)
            low = middle;
        else
            high = middle;
    }
    cursor->piece = low;
    cursor->offset = (uint32_t)(start - sorter->pieces[low].first);
}

/* The next entries that lie one after the other: at least one, at most `count`. */
static const uint64_t *next_entries(SortCursor *cursor, uint32_t count, uint32_t *count_out)
{
    const SortPiece *piece = &cursor->sorter->pieces[cursor->piece];
    const uint64_t *entries = piece->entries + (size_t)cursor->offset * cursor->sorter->stride;

    *count_out = piece->count - cursor->offset < count ? piece->count - cursor->offset : count;
    cursor->offset += *count_out;
    if (cursor->offset == piece->count) {
        cursor->piece++;
        cursor->offset = 0;
    }
    return entries;
}

static uint32_t take(SortCursor *cursor, uint32_t count)
{
    if (count > cursor->left)
        count = (uint32_t)cursor->left;
    cursor->left -= count;
    return count;
}

/* Whole keys, and where the rows lie that are in the entries. */
static void read_entries(SortCursor *cursor, uint32_t count)
{
    const Sorter *sorter = cursor->sorter;
    uint32_t key_words = sorter->shape->key.words;

    for (uint32_t done = 0, some; done < count; done += some) {
        const uint64_t *entries = next_entries(cursor, count - done, &some);
        uint64_t *words = cursor->words + (size_t)done * key_words;

        for (uint32_t i = 0; i < some && sorter->stride > sorter->words; i++)
            cursor->rows[done + i] = entries + (size_t)i * sorter->stride + sorter->words;
        if (sorter->is_packed)
            sort_moves_apply(&sorter->unpack, entries, sorter->stride, some, words, key_words);
        else
            for (uint32_t i = 0; i < some; i++)
                memcpy(words + (size_t)i * key_words, entries + (size_t)i * sorter->stride,
                       key_words * sizeof *words);
    }
}

static uint32_t read_addresses(SortCursor *cursor, uint32_t count)
{
    const Sorter *sorter = cursor->sorter;

    for (uint32_t done = 0, some; done < count; done += some) {
        const uint64_t *entries = next_entries(cursor, count - done, &some);

        for (uint32_t i = 0; i < some; i++)
            cursor->rows[done + i] =
                sorter_entry_row(entries[(size_t)i * sorter->stride + sorter->words]);
    }
    return count;
}

uint32_t sort_cursor_rows(SortCursor *cursor, uint32_t count, void **rows_out)
{
    CHECK(!cursor->sorter->spec->is_inline);
    if (count > cursor->batch_rows)
        count = cursor->batch_rows;
    count = read_addresses(cursor, take(cursor, count));
    memcpy(rows_out, cursor->rows, count * sizeof *rows_out);
    return count;
}

/* For the second cache: a batch has more lines than the first one waits for at a time, or holds. */
PREFETCHER void prefetch_bytes(const char *bytes, uint32_t count)
{
    for (uint32_t at = 0; at < count; at += LINE_BYTES)
        __builtin_prefetch(bytes + at, 0, 2);
    __builtin_prefetch(bytes + count - 1, 0, 2);
}

/* Sorted rows lie anywhere in memory: ask for all before the first is read. */
static void prefetch_rows(const SortCursor *cursor, uint32_t count)
{
    uint32_t row_bytes = cursor->reader.layout->row_bytes;

    for (uint32_t i = 0; i < count; i++)
        prefetch_bytes(cursor->rows[i], row_bytes);
}

/* So do their texts. */
static void prefetch_texts(const SortCursor *cursor, uint32_t count)
{
    const RowReader *reader = &cursor->reader;

    for (uint32_t f = 0; f < reader->layout->field_count; f++) {
        const Str *texts = reader->columns[f].values;

        if (reader->layout->fields[f].phys != PHYS_STR)
            continue;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t length =
                texts[i].length < PREFETCHED_BYTES ? texts[i].length : PREFETCHED_BYTES;

            if (length > STR_INLINE_BYTES)
                prefetch_bytes(texts[i].data, length);
        }
    }
}

void sort_cursor_next(SortCursor *cursor, Batch *batch_out)
{
    const Sorter *sorter = cursor->sorter;
    const SortSpec *spec = sorter->spec;
    uint32_t count = take(cursor, cursor->next_rows);

    *batch_out = (Batch){.column_count = spec->column_count,
                         .row_count = count,
                         .columns = cursor->columns,
                         .selected_count = count,
                         .split = cursor->split,
                         .sequence = cursor->sequence};
    if (count == 0)
        return;
    cursor->sequence += count;
    if (spec->is_inline) {
        read_entries(cursor, count);
    } else {
        read_addresses(cursor, count);
        prefetch_rows(cursor, count);
    }
    row_reader_read(&cursor->reader, cursor->rows, count);
    if (!spec->is_inline)
        prefetch_texts(cursor, count);
    for (uint32_t c = 0; c < spec->column_count; c++) {
        SortColumn column = spec->columns[c];

        cursor->columns[c] =
            column.is_in_key ? sort_key_decode(&sorter->shape->key, column.place,
                                               spec->input_columns[c].type, cursor->words, count,
                                               cursor->key_values[c], cursor->key_validity[c])
                             : cursor->reader.columns[column.place];
    }
}
