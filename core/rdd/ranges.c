/* ranges.c -- see ranges.h */
#include "core/rdd/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/rdd/block_reader.h"

/* Sampled rows a partition: with 100, the largest partition is seldom 1.3 times the mean. */
enum { SAMPLES_A_PARTITION = 100 };

typedef struct Sample {
    uint64_t words[SORT_KEY_WORDS_MAX];
} Sample;

typedef struct Sampler {
    const Ranges *ranges;
    const Plan *like;
    uint64_t step; /* every step-th row */
    uint64_t row;  /* of all, so far */
    Sample *samples;
    uint64_t count, capacity;
    BlockView view; /* of one row */
} Sampler;

static void sample_row(Sampler *sampler, const Block *block, uint32_t row)
{
    Batch batch = {.column_count = sampler->like->column_count,
                   .row_count = 1,
                   .columns = sampler->view.columns,
                   .selected_count = 1};
    bool is_open;

    for (uint32_t i = 0; i < batch.column_count; i++)
        block_view_column(&sampler->view, i, block, i, sampler->like->columns[i].type, row, 1);
    sort_key_encode(&sampler->ranges->layout, &batch, sampler->samples[sampler->count++].words,
                    &is_open);
}

static void sample_block(Sampler *sampler, const Block *block)
{
    uint64_t rows = block_row_count(block);
    uint64_t next = (sampler->row + sampler->step - 1) / sampler->step * sampler->step;

    for (; next < sampler->row + rows && sampler->count < sampler->capacity; next += sampler->step)
        sample_row(sampler, block, (uint32_t)(next - sampler->row));
    sampler->row += rows;
}

static Status sample_output(Sampler *sampler, BlockOutput *kept, Error *err, uint32_t *lost_map_out)
{
    BlockReader reader;
    Status status;
    Block *block;

    block_reader_open(&reader, kept, (BlockRange){.map_to = block_output_map_count(kept)}, 0, NULL);
    do {
        status = block_reader_next(&reader, err, &block);
        if (block != NULL)
            sample_block(sampler, block);
        block_unref(block);
    } while (status == ST_OK && block != NULL);
    *lost_map_out = reader.map;
    block_reader_close(&reader);
    return status;
}

/* The rows of all map tasks, once all are there: else the step would not be the same each time. */
static Status count_rows(BlockOutput *kept, Error *err, uint32_t *lost_map_out, uint64_t *rows_out)
{
    *rows_out = 0;
    for (uint32_t m = 0; m < block_output_map_count(kept); m++) {
        *rows_out += block_output_rows(kept, m, 0);
        if (!block_output_has(kept, m)) {
            *lost_map_out = m;
            return error_set(err, ST_CORRUPT, "the blocks of map task %u are lost", m);
        }
    }
    return ST_OK;
}

static int compare_samples(const void *a, const void *b)
{
    /* words beyond the layout's are zero */
    return sort_key_compare_words(SORT_KEY_WORDS_MAX, ((const Sample *)a)->words,
                                  ((const Sample *)b)->words);
}

Status ranges_find(Arena *arena, BlockOutput *kept, const Plan *like, SortKeyList order,
                   uint32_t partitions, Error *err, uint32_t *lost_map_out, Ranges *ranges_out)
{
    uint64_t wanted = (uint64_t)partitions * SAMPLES_A_PARTITION, rows;
    Sampler sampler = {.ranges = ranges_out, .like = like};
    uint64_t *bounds;

    *ranges_out = (Ranges){.layout = sort_key_layout_make(arena, like, &order)};
    TRY(count_rows(kept, err, lost_map_out, &rows));
    sampler.step = rows / wanted == 0 ? 1 : rows / wanted;
    sampler.capacity = rows / sampler.step + 1;
    sampler.samples = ARENA_ARRAY(arena, Sample, sampler.capacity);
    sampler.view = block_view_make(arena, like->column_count, 1);
    TRY(sample_output(&sampler, kept, err, lost_map_out));
    CHECK(sampler.row == rows);
    if (sampler.count == 0)
        return ST_OK;
    qsort(sampler.samples, sampler.count, sizeof(Sample), compare_samples);
    bounds = ARENA_ARRAY(arena, uint64_t, (size_t)partitions * ranges_out->layout.words);
    for (uint32_t p = 1; p < partitions; p++) {
        const Sample *bound = &sampler.samples[sampler.count * p / partitions];

        memcpy(bounds + (size_t)(p - 1) * ranges_out->layout.words, bound->words,
               ranges_out->layout.words * sizeof *bounds);
    }
    ranges_out->bound_count = partitions - 1;
    ranges_out->bounds = bounds;
    return ST_OK;
}

/* How many bounds are at most the key. */
static uint32_t find_range(const Ranges *ranges, const uint64_t *key)
{
    uint32_t words = ranges->layout.words, low = 0, high = ranges->bound_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (sort_key_compare_words(words, ranges->bounds + (size_t)middle * words, key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* As find_range, of keys of one word: by halves, without a branch that depends on the data, many
 * keys side by side. */
static void find_word_ranges(const Ranges *ranges, const uint64_t *keys, uint32_t key_count,
                             uint32_t *ranges_out)
{
    const uint64_t *bounds = ranges->bounds;
    uint32_t count = ranges->bound_count;

    memset(ranges_out, 0, key_count * sizeof *ranges_out);
    while (count > 1) {
        uint32_t half = count / 2;

        for (uint32_t i = 0; i < key_count; i++)
            ranges_out[i] += bounds[ranges_out[i] + half - 1] <= keys[i] ? half : 0;
        count -= half;
    }
    if (count == 1)
        for (uint32_t i = 0; i < key_count; i++)
            ranges_out[i] += bounds[ranges_out[i]] <= keys[i];
}

void ranges_place(const Ranges *ranges, const Batch *batch, uint64_t *words, bool *is_open,
                  uint32_t *partitions_out)
{
    sort_key_encode(&ranges->layout, batch, words, is_open);
    if (ranges->layout.words == 1)
        find_word_ranges(ranges, words, batch->selected_count, partitions_out);
    else
        for (uint32_t i = 0; i < batch->selected_count; i++)
            partitions_out[i] = find_range(ranges, words + (size_t)i * ranges->layout.words);
}
