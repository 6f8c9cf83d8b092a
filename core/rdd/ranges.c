/* ranges.c -- see ranges.h */
#include "core/rdd/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "codegen/key_hash.h"
#include "core/base/invariant.h"

/* Of a key that stands for one row: of a window, it may stand for one and a half. */
enum { KEY_WEIGHT = 256 };

/*
 * Keys a partition, of all samples together: three times what keeps the largest partition below
 * 1.3 times the mean when all tasks have as many rows, as they may not have.
 */
enum { SAMPLES_A_PARTITION = 300, SAMPLE_LEAST = 100, SAMPLE_MOST = 1 << 16 };

/* --- sampling --- */

struct RangeSampler {
    SortKeyLayout layout;
    uint64_t row;   /* so far */
    uint32_t level; /* there is a key of each 2^level rows: of twice as many, when keys is full */
    uint32_t count, capacity;
    uint64_t *keys;
    uint32_t *picked; /* of the batch at hand */
    bool *is_open;
};

RangeSampler *range_sampler_new(Arena *arena, const Plan *like, SortKeyList order,
                                uint32_t partitions, uint32_t tasks)
{
    RangeSampler *sampler = ARENA_NEW(arena, RangeSampler);
    uint64_t least = ((uint64_t)partitions * SAMPLES_A_PARTITION + tasks - 1) / tasks;

    if (least < SAMPLE_LEAST)
        least = SAMPLE_LEAST;
    if (least > SAMPLE_MOST)
        least = SAMPLE_MOST;
    sampler->layout = sort_key_layout_make(arena, like, &order);
    sampler->capacity = (uint32_t)least * 2;
    sampler->keys = ARENA_ARRAY(arena, uint64_t, (size_t)sampler->capacity * sampler->layout.words);
    sampler->picked = ARENA_ARRAY(arena, uint32_t, sampler->capacity);
    sampler->is_open = ARENA_ARRAY(arena, bool, sampler->capacity);
    return sampler;
}

/*
 * Rows 2^level * n and following are sampled by one of them: by that of one half of them, down to a
 * single row. Which half is no rule that rows could follow, too, as every other one might.
 */
static uint64_t half_of(uint64_t n, uint32_t level)
{
    return 2 * n + (key_hash_two_words(n, level) >> 63);
}

static uint64_t sampled_row(const RangeSampler *sampler, uint64_t n)
{
    for (uint32_t level = sampler->level; level > 0; level--)
        n = half_of(n, level);
    return n;
}

/* Half of the keys are enough from now on. */
static void thin_out(RangeSampler *sampler)
{
    uint32_t words = sampler->layout.words;

    sampler->level++;
    sampler->count /= 2;
    for (uint32_t i = 0; i < sampler->count; i++)
        memmove(sampler->keys + (size_t)i * words,
                sampler->keys + (size_t)half_of(i, sampler->level) * words,
                words * sizeof *sampler->keys);
}

void range_sampler_add(RangeSampler *sampler, const Batch *batch)
{
    uint64_t end = sampler->row + batch->row_count, next;
    Batch picked = *batch;

    picked.selection = sampler->picked;
    do {
        uint32_t room = sampler->capacity - sampler->count, count = 0;

        while (count < room && (next = sampled_row(sampler, sampler->count + count)) < end)
            sampler->picked[count++] = (uint32_t)(next - sampler->row);
        picked.selected_count = count;
        if (count > 0)
            sort_key_encode(&sampler->layout, &picked,
                            sampler->keys + (size_t)sampler->count * sampler->layout.words,
                            sampler->is_open);
        sampler->count += count;
        if (sampler->count == sampler->capacity)
            thin_out(sampler);
    } while (sampled_row(sampler, sampler->count) < end);
    sampler->row = end;
}

WireBytes range_sampler_take(const RangeSampler *sampler, uint64_t taken, uint64_t total,
                             Arena *arena)
{
    uint32_t count = sampler == NULL ? 0 : sampler->count;
    WireWriter to = {.arena = arena};
    uint64_t weight = KEY_WEIGHT;

    if (count > 0)
        weight = (uint64_t)(((unsigned __int128)KEY_WEIGHT << sampler->level) * total / taken);
    wire_put_u64(&to, weight);
    wire_put_u32(&to, count);
    for (size_t i = 0; count > 0 && i < (size_t)count * sampler->layout.words; i++)
        wire_put_u64(&to, sampler->keys[i]);
    return (WireBytes){to.bytes, to.length};
}

/* --- bounds --- */

typedef struct Sample {
    uint64_t words[SORT_KEY_WORDS_MAX]; /* those beyond the layout's are zero */
    uint64_t weight;
    RowPlace place;
} Sample;

static int compare_places(RowPlace a, RowPlace b)
{
    if (a.task != b.task)
        return a.task < b.task ? -1 : 1;
    return a.row < b.row ? -1 : a.row > b.row;
}

static int compare_samples(const void *a, const void *b)
{
    const Sample *left = a, *right = b;
    int order = sort_key_compare_words(SORT_KEY_WORDS_MAX, left->words, right->words);

    return order != 0 ? order : compare_places(left->place, right->place);
}

/* What each key stands for: the rows from its place on. */
static Status take_sample(const RangeSample *sample, uint32_t words, Error *err, uint32_t capacity,
                          Sample *samples, uint32_t *count_out)
{
    WireReader from = wire_reader(sample->bytes.bytes, sample->bytes.byte_count, "sample", err);
    uint64_t weight = wire_get_u64(&from);
    uint32_t count = wire_get_count(&from, words * sizeof(uint64_t), "keys");

    if (count > capacity || weight == 0)
        return wire_fail(&from, "%u keys", count);
    for (uint32_t i = 0; i < count; i++) {
        samples[i] = (Sample){.weight = weight, .place = sample->first};
        samples[i].place.row += i * weight / KEY_WEIGHT;
        for (uint32_t w = 0; w < words; w++)
            samples[i].words[w] = wire_get_u64(&from);
    }
    *count_out = count;
    return wire_end(&from);
}

static void set_bounds(Ranges *ranges, uint32_t count, const uint64_t *bounds,
                       const RowPlace *places)
{
    ranges->bound_count = count;
    ranges->bounds = bounds;
    ranges->places = places;
    for (uint32_t b = 0; b < count; b++)
        ranges->has_places |= places[b].task != 0 || places[b].row != 0;
}

static bool has_key_of(const Sample *a, const Sample *b)
{
    return sort_key_compare_words(SORT_KEY_WORDS_MAX, a->words, b->words) == 0;
}

/* The sample before which p of `partitions` equal parts of all rows lie, for each p. */
static void cut(Arena *arena, uint32_t count, const Sample *samples, uint32_t partitions,
                Ranges *ranges)
{
    uint32_t words = ranges->layout.words;
    uint64_t *bounds = ARENA_ARRAY(arena, uint64_t, (size_t)partitions *words);
    RowPlace *places = ARENA_ARRAY(arena, RowPlace, partitions);
    uint64_t total = 0, before = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++)
        total += samples[i].weight;
    for (uint32_t p = 1; p < partitions; p++) {
        uint64_t wanted = (uint64_t)((unsigned __int128)total * p / partitions);

        while (at + 1 < count && before + samples[at].weight <= wanted)
            before += samples[at++].weight;
        memcpy(bounds + (size_t)(p - 1) * words, samples[at].words, words * sizeof *bounds);
        if ((at > 0 && has_key_of(&samples[at - 1], &samples[at])) ||
            (at + 1 < count && has_key_of(&samples[at + 1], &samples[at])))
            places[p - 1] = samples[at].place;
    }
    set_bounds(ranges, partitions - 1, bounds, places);
}

Status ranges_of_samples(Arena *arena, const Plan *like, SortKeyList order, uint32_t partitions,
                         uint32_t sample_count, const RangeSample *samples, Error *err,
                         Ranges *ranges_out)
{
    uint32_t words, capacity = 0, count = 0;
    Sample *all;

    *ranges_out = (Ranges){.layout = sort_key_layout_make(arena, like, &order)};
    words = ranges_out->layout.words;
    for (uint32_t i = 0; i < sample_count; i++)
        capacity += (uint32_t)(samples[i].bytes.byte_count / (words * sizeof(uint64_t)));
    all = ARENA_ARRAY(arena, Sample, capacity);
    for (uint32_t i = 0; i < sample_count; i++) {
        uint32_t taken = 0;

        TRY(take_sample(&samples[i], words, err, capacity - count, all + count, &taken));
        count += taken;
    }
    if (count == 0)
        return ST_OK;
    qsort(all, count, sizeof *all, compare_samples);
    cut(arena, count, all, partitions, ranges_out);
    return ST_OK;
}

/* --- bounds as bytes --- */

WireBytes ranges_encode(const Ranges *ranges, Arena *arena)
{
    WireWriter to = {.arena = arena};

    wire_put_u32(&to, ranges->bound_count);
    for (size_t i = 0; i < (size_t)ranges->bound_count * ranges->layout.words; i++)
        wire_put_u64(&to, ranges->bounds[i]);
    for (uint32_t b = 0; b < ranges->bound_count; b++) {
        wire_put_u32(&to, ranges->places[b].task);
        wire_put_u64(&to, ranges->places[b].row);
    }
    return (WireBytes){to.bytes, to.length};
}

Status ranges_decode(WireBytes bytes, Arena *arena, const Plan *like, SortKeyList order,
                     uint32_t partitions, Error *err, Ranges *ranges_out)
{
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "ranges", err);
    uint32_t count;
    uint64_t *bounds;
    RowPlace *places;
    size_t words;

    *ranges_out = (Ranges){.layout = sort_key_layout_make(arena, like, &order)};
    words = ranges_out->layout.words;
    count = wire_get_count(&from, words * sizeof *bounds, "bounds");
    if (count != 0 && count != partitions - 1)
        return wire_fail(&from, "%u bounds of %u partitions", count, partitions);
    bounds = ARENA_ARRAY(arena, uint64_t, count *words);
    places = ARENA_ARRAY(arena, RowPlace, count);
    for (size_t i = 0; i < count * words; i++)
        bounds[i] = wire_get_u64(&from);
    for (uint32_t b = 0; b < count; b++) {
        places[b].task = wire_get_u32(&from);
        places[b].row = wire_get_u64(&from);
    }
    set_bounds(ranges_out, count, bounds, places);
    return wire_end(&from);
}

/* --- where rows go --- */

/* How many of the first `high` bounds are not behind that key and place. */
static uint32_t find_range(const Ranges *ranges, const uint64_t *key, RowPlace place, uint32_t high)
{
    uint32_t words = ranges->layout.words, low = 0;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = sort_key_compare_words(words, ranges->bounds + (size_t)middle * words, key);

        if (order == 0)
            order = compare_places(ranges->places[middle], place);
        if (order <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many bounds have a first word that is at most the key's: by halves, without a branch that
 * depends on the data, many keys side by side. */
static inline __attribute__((always_inline)) void
find_word_ranges(const Ranges *ranges, uint32_t words, const uint64_t *keys, uint32_t key_count,
                 uint32_t *ranges_out)
{
    const uint64_t *bounds = ranges->bounds;
    uint32_t count = ranges->bound_count;

    memset(ranges_out, 0, key_count * sizeof *ranges_out);
    while (count > 1) {
        uint32_t half = count / 2;

        for (uint32_t i = 0; i < key_count; i++) {
            uint32_t range = ranges_out[i];
            bool is_above = bounds[(size_t)(range + half - 1) * words] <= keys[(size_t)i * words];

            ranges_out[i] = range + (half & -(uint32_t)is_above);
        }
        count -= half;
    }
    if (count == 1)
        for (uint32_t i = 0; i < key_count; i++)
            ranges_out[i] += bounds[(size_t)ranges_out[i] * words] <= keys[(size_t)i * words];
}

/* Where the first word of the last bound found is the key's, the others tell, and the place. */
static void look_closer(const Ranges *ranges, const uint64_t *keys, const bool *is_open,
                        RowPlace first, uint32_t key_count, uint32_t *ranges_out)
{
    static const RowPlace last = {UINT32_MAX, UINT64_MAX};
    const uint64_t *bounds = ranges->bounds;
    uint32_t words = ranges->layout.words;

    for (uint32_t i = 0; i < key_count; i++) {
        const uint64_t *key = keys + (size_t)i * words;
        RowPlace place = is_open[i] ? last : (RowPlace){first.task, first.row + i};
        uint32_t high = ranges_out[i];

        if (high > 0 && bounds[(size_t)(high - 1) * words] == key[0])
            ranges_out[i] = find_range(ranges, key, place, high);
    }
}

void ranges_place(const Ranges *ranges, const Batch *batch, RowPlace first, uint64_t *words,
                  bool *is_open, uint32_t *partitions_out)
{
    sort_key_encode(&ranges->layout, batch, words, is_open);
    if (ranges->layout.words == 1)
        find_word_ranges(ranges, 1, words, batch->selected_count, partitions_out);
    else
        find_word_ranges(ranges, ranges->layout.words, words, batch->selected_count,
                         partitions_out);
    if (ranges->layout.words > 1 || ranges->has_places)
        look_closer(ranges, words, is_open, first, batch->selected_count, partitions_out);
}
