/*
 * sorter_shape.h -- what an entry of a sort looks like
 *
 *     inline   | key words | the row: columns that the key does not give back | nothing else |
 *     else     | key words | the row's address; its lowest bit says that the key is open      |
 *
 * Rows lie in the entries when those stay short (SORTER_STRIDE_MAX) and the key decides: then
 * nothing is read from anywhere else, and columns that the key gives back are not kept twice.
 * `ORDER BY a` of a table with the one bigint column a: an entry is 8 bytes.
 *
 * NULL takes a byte of the key, and a bit of the row. So entries have the null-free shape until the
 * first NULL comes; then they are widened.
 *
 * Bytes of the key in which no two entries differ are left out while sorting: SortMoves.
 */
#ifndef VONK_EXEC_SORTER_SHAPE_H
#define VONK_EXEC_SORTER_SHAPE_H

#include <stdatomic.h>

#include "exec/row_layout.h"
#include "exec/sort_key.h"

enum { SORT_ENTRY_OPEN = 1 }; /* in the lowest bit of an entry's row address */

typedef struct SortShape {
    SortKeyLayout key;
    RowLayout rows;  /* those in the entries, or those that they point to */
    uint32_t stride; /* of an entry, in words */
} SortShape;

/* Where a column of the input is. */
typedef struct SortColumn {
    bool is_in_key;
    uint32_t place; /* the key's part, or the row's field */
} SortColumn;

typedef struct SortSpec {
    SortShape shape;
    SortShape null_free; /* of rows without a NULL; the rows of entries that point are the same */
    bool has_null_free;
    bool is_inline;
    uint32_t column_count;
    const PlanColumn *input_columns;
    const SortColumn *columns;
    const uint32_t *row_columns; /* the input's column of each field */
    MemPool *pool;
    const char *consumer;
    const atomic_bool *stop;
    uint32_t threads;
} SortSpec;

/* may_inline: nobody asks for the rows themselves. pool and so on are the caller's to set. Lives in
 * the arena. */
SortSpec sort_spec_make(Arena *arena, const Plan *input, const SortKeyList *keys,
                        uint32_t head_bytes, bool may_inline);

/* Whether a row may have a NULL where the null-free shape has no room for it. */
bool sort_spec_needs_nulls(const SortSpec *spec, const Batch *batch);

/* The entry of the null-free shape in the other. */
void sort_entry_widen(const SortSpec *spec, const uint64_t *entry, uint64_t *widened);

/* The key's words alone; is_constant: of bits that say what differs, not of a key. */
void sort_words_widen(const SortSpec *spec, bool is_difference, uint64_t *words);

/* --- bytes of keys to other places --- */

typedef struct SortMove {
    uint8_t from_word, from_shift, to_word, to_shift;
    uint64_t mask;
} SortMove;

/* to[w] = constants[w], or-ed with what the moves bring there. */
typedef struct SortMoves {
    uint32_t words;
    uint32_t count;
    uint64_t constants[SORT_KEY_WORDS_MAX];
    SortMove moves[SORT_KEY_WORDS_MAX * 8];
} SortMoves;

/* Bytes are added in ascending order of both. */
void sort_moves_add(SortMoves *moves, uint32_t from_byte, uint32_t to_byte);

/* Of `count` keys, each `..._stride` words after the one before. */
void sort_moves_apply(const SortMoves *moves, const uint64_t *from, uint32_t from_stride,
                      uint32_t count, uint64_t *to, uint32_t to_stride);

/* The moves that leave out bytes without a difference, and those that bring them back. */
void sort_moves_plan(uint32_t words, const uint64_t *first_key, const uint64_t *differences,
                     SortMoves *pack_out, SortMoves *unpack_out);

static inline void *sorter_entry_row(uint64_t address)
{
    return (void *)(uintptr_t)(address & ~(uint64_t)SORT_ENTRY_OPEN);
}

#endif
