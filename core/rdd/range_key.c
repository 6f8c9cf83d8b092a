/* range_key.c -- see range_key.h */
#include "core/rdd/range_key.h"

#include <string.h>

/* Where the next level of a key begins. */
typedef struct KeyPoint {
    uint32_t part, skip_bytes;
} KeyPoint;

struct RangeKeyEncoder {
    SortKeyLayout layout;
    SortKeyPart *parts; /* of the level at hand */

    /* by key of the batch */
    KeyPoint *points;
    bool *is_done; /* has its words of the level at hand */

    /* of those that are encoded together */
    uint32_t *numbers; /* which key of the batch */
    uint32_t *rows;
    uint64_t *words;
    bool *is_open;
};

RangeKeyEncoder *range_key_encoder_new(Arena *arena, const SortKeyLayout *layout)
{
    RangeKeyEncoder *encoder = ARENA_NEW(arena, RangeKeyEncoder);

    *encoder =
        (RangeKeyEncoder){.layout = *layout,
                          .parts = ARENA_ARRAY(arena, SortKeyPart, layout->part_count),
                          .points = ARENA_ARRAY(arena, KeyPoint, BATCH_ROWS_MAX),
                          .is_done = ARENA_ARRAY(arena, bool, BATCH_ROWS_MAX),
                          .numbers = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX),
                          .rows = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX),
                          .words = ARENA_ARRAY(arena, uint64_t, BATCH_ROWS_MAX *SORT_KEY_WORDS_MAX),
                          .is_open = ARENA_ARRAY(arena, bool, BATCH_ROWS_MAX)};
    return encoder;
}

/* The keys from `first` on that have no words of the level yet, and go on where that one does. */
static uint32_t find_alike(RangeKeyEncoder *encoder, const Batch *batch, uint32_t first)
{
    KeyPoint point = encoder->points[first];
    uint32_t count = 0;

    for (uint32_t i = first; i < batch->selected_count; i++) {
        if (encoder->is_done[i] || encoder->points[i].part != point.part ||
            encoder->points[i].skip_bytes != point.skip_bytes)
            continue;
        encoder->is_done[i] = true;
        encoder->numbers[count] = i;
        encoder->rows[count++] = batch_row(batch, i);
    }
    return count;
}

/* Their words of the level, which begin at word `start` of each key. */
static void encode_alike(RangeKeyEncoder *encoder, const Batch *batch, uint32_t count,
                         uint32_t start, uint64_t *keys_out, bool *is_open_out)
{
    KeyPoint point = encoder->points[encoder->numbers[0]];
    SortKeyLayout layout = start == 0 ? encoder->layout
                                      : sort_key_layout_rest(&encoder->layout, point.part,
                                                             point.skip_bytes, encoder->parts);
    Batch some = *batch;

    some.selection = encoder->rows;
    some.selected_count = count;
    sort_key_encode(&layout, &some, encoder->words, encoder->is_open);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *words = encoder->words + (size_t)i * layout.words;
        uint32_t number = encoder->numbers[i], part;
        KeyPoint *next = &encoder->points[number];

        memcpy(keys_out + (size_t)number * RANGE_KEY_WORDS_MAX + start, words,
               layout.words * sizeof *words);
        is_open_out[number] = encoder->is_open[i];
        if (!encoder->is_open[i])
            continue;
        sort_key_find_end(&layout, words, &part, &next->skip_bytes);
        next->part = point.part + part;
    }
}

void range_keys_encode(RangeKeyEncoder *encoder, const Batch *batch, uint64_t *keys_out,
                       bool *is_open_out)
{
    uint32_t count = batch->selected_count, start = 0;

    memset(keys_out, 0, (size_t)count * RANGE_KEY_WORDS_MAX * sizeof *keys_out);
    memset(encoder->points, 0, count * sizeof *encoder->points);
    memset(is_open_out, true, count * sizeof *is_open_out);
    for (uint32_t level = 0; level < RANGE_KEY_LEVELS; level++) {
        for (uint32_t i = 0; i < count; i++)
            encoder->is_done[i] = !is_open_out[i];
        for (uint32_t i = 0; i < count; i++)
            if (!encoder->is_done[i])
                encode_alike(encoder, batch, find_alike(encoder, batch, i), start, keys_out,
                             is_open_out);
        start += level == 0 ? encoder->layout.words : SORT_KEY_WORDS_MAX;
    }
}
