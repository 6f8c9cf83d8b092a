/*
 * row_layout.h -- rows kept by operators: fixed-size, one after the other, in chunks of a pool
 *
 *     | head: the operator's own | 16-byte fields | 8 | 4 | 2 | 1 | null bits | tail: the
 *         operator's own |
 *
 *     RowLayout   where each field lies in a row
 *     TextStore   bytes of texts longer than 12, in chunks
 *     RowStore    rows, in chunks; a row never moves
 *     RowReader   rows back into columns
 *
 *     row_store_add (pointers to new rows) -> row_write (columns into rows) -> row_match (rows
 *         against columns)
 *     -> row_reader_read (rows into columns)
 *
 * Field i is null when bit i of the null bytes is set; its value is then zero. Texts of rows are
 * owned by a TextStore.
 *
 * Thread: a store is one thread's while it grows; afterwards any number may read it.
 */
#ifndef VONK_EXEC_ROW_LAYOUT_H
#define VONK_EXEC_ROW_LAYOUT_H

#include "core/base/mem_pool.h"
#include "core/data/batch.h"

typedef struct RowField {
    Type type;
    Phys phys;
    uint32_t offset; /* of the value, from the row's start */
} RowField;

typedef struct RowLayout {
    uint32_t field_count;
    const RowField *fields;
    uint32_t null_offset;
    uint32_t null_bytes;
    uint32_t tail_offset; /* of tail_bytes for the operator, aligned to 16 */
    uint32_t row_bytes;   /* a multiple of 8; of 16 when there is a tail   */
    bool has_text;
} RowLayout;

/* head_bytes: a multiple of 8, before the fields. The fields live in the arena. */
RowLayout row_layout_make(Arena *arena, uint32_t head_bytes, uint32_t field_count,
                          const Type *types, uint32_t tail_bytes);

/* Of a layout without a tail: the same fields at the same places, none of which is ever null. */
RowLayout row_layout_without_nulls(const RowLayout *layout);

/*
 * A row's place (split, sequence) as one number of the same order: 23 bits and 40, so that the
 * highest bit is free. place_first is the place of the batch's physical row 0; row r's is that +
 * r.
 */
enum { PLACE_SEQUENCE_BITS = 40, PLACE_SPLIT_BITS = 23 };
MUST_CHECK Status place_first(const Batch *batch, Error *err, uint64_t *place_out);

static inline bool row_is_null(const RowLayout *layout, const void *row, uint32_t field)
{
    const uint8_t *nulls = (const uint8_t *)row + layout->null_offset;

    return layout->null_bytes > 0 && (nulls[field / 8] >> (field % 8)) & 1;
}

static inline const void *row_value(const RowLayout *layout, const void *row, uint32_t field)
{
    return (const char *)row + layout->fields[field].offset;
}

/* --- texts --- */

typedef struct TextChunk TextChunk;

typedef struct TextStore {
    MemPool *pool;
    const char *consumer;
    TextChunk *chunks; /* newest first */
    char *next;
    size_t left_bytes;
    size_t used_bytes; /* of all chunks */
} TextStore;

void text_store_init(TextStore *store, MemPool *pool, const char *consumer);
void text_store_fini(TextStore *store);
/* Takes the texts out of the store's pool: they may outlive it. Nothing more is added. */
void text_store_disown(TextStore *store);

/* Room for so many bytes. */
MUST_CHECK Status text_store_room(TextStore *store, size_t bytes, Error *err, char **room_out);
/* bytes > 0. */
MUST_CHECK Status text_store_copy(TextStore *store, const char *data, size_t bytes, Error *err,
                                  const char **copy_out);

/* Copies the bytes of a text longer than 12 and makes *text point to the copy. */
MUST_CHECK Status text_store_own(TextStore *store, Str *text, Error *err);

/* --- rows --- */

typedef struct RowChunk {
    char *rows;
    uint32_t row_count, row_capacity;
} RowChunk;

typedef struct RowStore {
    uint32_t row_bytes;
    MemPool *pool;
    const char *consumer;
    RowChunk *chunks;
    uint32_t chunk_count, chunk_capacity;
    uint64_t row_count;
    size_t used_bytes;
} RowStore;

void row_store_init(RowStore *store, uint32_t row_bytes, MemPool *pool, const char *consumer);
void row_store_fini(RowStore *store);

/* A chunk with room for more. */
MUST_CHECK Status row_store_grow(RowStore *store, Error *err);

/* Free rows in the newest chunk. */
static inline uint32_t row_store_room(const RowStore *store)
{
    const RowChunk *chunk;

    if (store->chunk_count == 0)
        return 0;
    chunk = &store->chunks[store->chunk_count - 1];
    return chunk->row_capacity - chunk->row_count;
}

/* One row, contents undefined. */
MUST_CHECK static inline Status row_store_add_one(RowStore *store, Error *err, void **row_out)
{
    RowChunk *chunk;

    if (row_store_room(store) == 0)
        TRY(row_store_grow(store, err));
    chunk = &store->chunks[store->chunk_count - 1];
    *row_out = chunk->rows + (size_t)chunk->row_count++ * store->row_bytes;
    store->row_count++;
    return ST_OK;
}

/* The row that was added last is not wanted. */
static inline void row_store_drop_last(RowStore *store)
{
    store->chunks[store->chunk_count - 1].row_count--;
    store->row_count--;
}

/* Only the first row_count rows stay. */
void row_store_cut(RowStore *store, uint64_t row_count);

/* count rows, contents undefined. */
MUST_CHECK Status row_store_add(RowStore *store, uint32_t count, Error *err, void **rows_out);

/* Pointers to all rows in the order they were added; pointers has room for store->row_count. */
void row_store_list(const RowStore *store, void **pointers);

/* Frees the chunk's rows; their addresses mean nothing from then on. Calls for different chunks may
 * run at once, while nothing is added. */
void row_store_release_chunk(RowStore *store, uint32_t chunk);

/* Takes more's rows to the end of into; more is empty then. Both have the same row size and pool.
 */
MUST_CHECK Status row_store_move(RowStore *into, RowStore *more, Error *err);

/* --- columns into rows --- */

/* Clears the null bits, then writes columns[f] to field f, for all fields: row rows[i] gets the
 * column's row selection[i] (i when selection is NULL). Texts are copied to the store; with store
 * NULL they stay borrowed. */
MUST_CHECK Status row_write(const RowLayout *layout, TextStore *store, const Column *columns,
                            const uint32_t *selection, uint32_t count, void *const *rows,
                            Error *err);

/*
 * Of the candidates i (indexes into rows and selection), keeps in place those whose rows[i]
 * equals row selection[i] of columns[0..key_count) in fields 0..key_count: NULL equals NULL, -0.0
 * equals 0.0, NaN equals NaN, intervals by their length. The others go to rejected, in no order.
 * Returns how many are kept.
 */
uint32_t row_match(const RowLayout *layout, uint32_t key_count, const Column *columns,
                   const uint32_t *selection, void *const *rows, uint32_t *candidates,
                   uint32_t count, uint32_t *rejected, uint32_t *rejected_count_out);

/* The same equality for two rows. */
bool row_equal(const RowLayout *layout, uint32_t key_count, const void *a, const void *b);

/* SQL order of a field of two rows, neither null there. */
int row_compare_field(const RowLayout *layout, uint32_t field, const void *a, const void *b);

/* --- rows into columns --- */

/* Field f of count rows as a FLAT column over values and validity, which have room for them. */
Column row_read_field(const RowLayout *layout, uint32_t field, const void *const *rows,
                      uint32_t count, void *values, uint64_t *validity);

typedef struct RowReader {
    const RowLayout *layout;
    MemPool *pool;
    uint32_t row_capacity;
    void *memory;
    size_t memory_bytes;
    Column *columns; /* field by field */
} RowReader;

/* Buffers for up to row_capacity rows; columns live in the arena. */
MUST_CHECK Status row_reader_init(RowReader *reader, const RowLayout *layout, uint32_t row_capacity,
                                  Arena *arena, MemPool *pool, const char *consumer, Error *err);
void row_reader_fini(RowReader *reader); /* accepts a zeroed reader */

/* reader->columns hold the rows' fields, FLAT, until the next call; texts are borrowed from the
 * rows' store. */
void row_reader_read(RowReader *reader, const void *const *rows, uint32_t count);

#endif
