/* sorter_shape.c -- see sorter_shape.h */
#include "exec/sorter_shape.h"

#include <string.h>

#include "core/base/invariant.h"
#include "exec/sorter_radix.h"

/* --- shapes --- */

static uint32_t row_words(const RowLayout *rows)
{
    return rows->field_count == 0 ? 0 : rows->row_bytes / (uint32_t)sizeof(uint64_t);
}

static bool find_part(const SortKeyLayout *key, uint32_t column, uint32_t *part_out)
{
    for (uint32_t k = 0; k < key->part_count; k++) {
        *part_out = k;
        if (key->parts[k].column == column && sort_key_can_decode(key, k))
            return true;
    }
    return false;
}

/* Rows in the entries, unless entries become too long. */
static bool place_inline(Arena *arena, const Plan *input, const SortKeyLayout *key, SortSpec *spec)
{
    Type *types = ARENA_ARRAY(arena, Type, input->column_count);
    uint32_t *row_columns = ARENA_ARRAY(arena, uint32_t, input->column_count), fields = 0;
    SortColumn *columns = ARENA_ARRAY(arena, SortColumn, input->column_count);

    if (key->compared_from < key->part_count)
        return false;
    for (uint32_t c = 0; c < input->column_count; c++) {
        columns[c].is_in_key = find_part(key, c, &columns[c].place);
        if (columns[c].is_in_key)
            continue;
        columns[c].place = fields;
        types[fields] = input->columns[c].type;
        row_columns[fields++] = c;
    }
    spec->shape.rows = row_layout_make(arena, 0, fields, types, 0);
    spec->shape.stride = key->words + row_words(&spec->shape.rows);
    spec->columns = columns;
    spec->row_columns = row_columns;
    return spec->shape.stride <= SORTER_STRIDE_MAX;
}

static void place_apart(Arena *arena, const Plan *input, uint32_t head_bytes, SortSpec *spec)
{
    Type *types = ARENA_ARRAY(arena, Type, input->column_count);
    SortColumn *columns = ARENA_ARRAY(arena, SortColumn, input->column_count);
    uint32_t *row_columns = ARENA_ARRAY(arena, uint32_t, input->column_count);

    for (uint32_t c = 0; c < input->column_count; c++) {
        types[c] = input->columns[c].type;
        columns[c] = (SortColumn){.place = c};
        row_columns[c] = c;
    }
    spec->shape.rows = row_layout_make(arena, head_bytes, input->column_count, types, 0);
    spec->shape.stride = spec->shape.key.words + 1;
    spec->columns = columns;
    spec->row_columns = row_columns;
}

/* A shape that is widened byte by byte, and saves something. */
static void make_null_free(Arena *arena, SortSpec *spec)
{
    SortShape *free = &spec->null_free;

    *free = spec->shape;
    if (spec->shape.key.compared_from < spec->shape.key.part_count)
        return;
    free->key = sort_key_layout_without_nulls(arena, &spec->shape.key);
    if (spec->is_inline) {
        free->rows = row_layout_without_nulls(&spec->shape.rows);
        free->stride = free->key.words + row_words(&free->rows);
    } else {
        free->stride = free->key.words + 1;
    }
    spec->has_null_free = free->stride < spec->shape.stride;
}

SortSpec sort_spec_make(Arena *arena, const Plan *input, const SortKeyList *keys,
                        uint32_t head_bytes, bool may_inline)
{
    SortSpec spec = {.column_count = input->column_count, .input_columns = input->columns};

    spec.shape.key = sort_key_layout_make(arena, input, keys);
    spec.is_inline = may_inline && place_inline(arena, input, &spec.shape.key, &spec);
    if (!spec.is_inline)
        place_apart(arena, input, head_bytes, &spec);
    make_null_free(arena, &spec);
    return spec;
}

static bool may_have_null(const Batch *batch, uint32_t column)
{
    const Column *c = &batch->columns[column];

    if (c->validity == NULL)
        return false;
    if (c->form == COLUMN_CONST)
        return !bitmap_get(c->validity, 0);
    return bitmap_count(c->validity, batch->row_count) < batch->row_count;
}

bool sort_spec_needs_nulls(const SortSpec *spec, const Batch *batch)
{
    for (uint32_t k = 0; k < spec->shape.key.part_count; k++)
        if (may_have_null(batch, spec->shape.key.parts[k].column))
            return true;
    for (uint32_t f = 0; spec->is_inline && f < spec->shape.rows.field_count; f++)
        if (may_have_null(batch, spec->row_columns[f]))
            return true;
    return false;
}

/* --- widening --- */

void sort_words_widen(const SortSpec *spec, bool is_difference, uint64_t *words)
{
    const SortKeyLayout *from = &spec->null_free.key, *to = &spec->shape.key;
    SortMoves moves = {.words = to->words};
    uint64_t widened[SORT_KEY_WORDS_MAX] = {0};

    for (uint32_t k = 0; k < to->part_count; k++) {
        const SortKeyPart *part = &to->parts[k];

        if (part->is_nullable && part->nulls_first && !is_difference)
            moves.constants[part->offset / 8] |= (uint64_t)1 << (56 - 8 * (part->offset % 8));
        for (uint32_t b = 0; b < part->value_bytes; b++)
            sort_moves_add(&moves, from->parts[k].offset + b, part->offset + part->is_nullable + b);
    }
    sort_moves_apply(&moves, words, from->words, 1, widened, to->words);
    memcpy(words, widened, to->words * sizeof *words);
}

void sort_entry_widen(const SortSpec *spec, const uint64_t *entry, uint64_t *widened)
{
    uint32_t from_words = spec->null_free.key.words, to_words = spec->shape.key.words;
    uint64_t words[SORT_KEY_WORDS_MAX];

    memcpy(words, entry, from_words * sizeof *words);
    sort_words_widen(spec, false, words);
    memset(widened, 0, spec->shape.stride * sizeof *widened);
    memcpy(widened, words, to_words * sizeof *words);
    memcpy(widened + to_words, entry + from_words,
           spec->is_inline ? spec->shape.rows.null_offset : sizeof *entry);
}

/* --- moves --- */

static uint8_t byte_shift(uint32_t byte)
{
    return (uint8_t)(56 - 8 * (byte % 8));
}

/* {a b c d e f g h} of which b, c and g are wanted -> {b c g}: one move for `b c`, one for `g`. */
void sort_moves_add(SortMoves *moves, uint32_t from_byte, uint32_t to_byte)
{
    uint8_t from_shift = byte_shift(from_byte), to_shift = byte_shift(to_byte);

    if (moves->count > 0) {
        SortMove *last = &moves->moves[moves->count - 1];

        if (last->from_word == from_byte / 8 && last->to_word == to_byte / 8 &&
            last->from_shift == from_shift + 8 && last->to_shift == to_shift + 8) {
            last->mask = last->mask << 8 | 0xff;
            last->from_shift = from_shift;
            last->to_shift = to_shift;
            return;
        }
    }
    CHECK(moves->count < SORT_KEY_WORDS_MAX * 8);
    moves->moves[moves->count++] = (SortMove){.from_word = (uint8_t)(from_byte / 8),
                                              .from_shift = from_shift,
                                              .to_word = (uint8_t)(to_byte / 8),
                                              .to_shift = to_shift,
                                              .mask = 0xff};
}

void sort_moves_apply(const SortMoves *moves, const uint64_t *from, uint32_t from_stride,
                      uint32_t count, uint64_t *to, uint32_t to_stride)
{
    for (uint32_t w = 0; w < moves->words; w++) {
        uint64_t constant = moves->constants[w];

        for (uint32_t i = 0; i < count; i++)
            to[(size_t)i * to_stride + w] = constant;
    }
    for (uint32_t m = 0; m < moves->count; m++) {
        const SortMove move = moves->moves[m];

        for (uint32_t i = 0; i < count; i++)
            to[(size_t)i * to_stride + move.to_word] |=
                ((from[(size_t)i * from_stride + move.from_word] >> move.from_shift) & move.mask)
                << move.to_shift;
    }
}

void sort_moves_plan(uint32_t words, const uint64_t *first_key, const uint64_t *differences,
                     SortMoves *pack_out, SortMoves *unpack_out)
{
    uint32_t packed_bytes = 0;

    *pack_out = (SortMoves){0};
    *unpack_out = (SortMoves){.words = words};
    memcpy(unpack_out->constants, first_key, words * sizeof *first_key);
    for (uint32_t byte = 0; byte < words * 8; byte++) {
        uint64_t mask = (uint64_t)0xff << byte_shift(byte);

        if ((differences[byte / 8] & mask) == 0)
            continue;
        unpack_out->constants[byte / 8] &= ~mask;
        sort_moves_add(pack_out, byte, packed_bytes);
        sort_moves_add(unpack_out, packed_bytes, byte);
        packed_bytes++;
    }
    pack_out->words = packed_bytes == 0 ? 1 : (packed_bytes + 7) / 8;
}
