/* ranges.c -- see ranges.h */
#include "core/rdd/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "codegen/key_hash.h"
#include "core/base/invariant.h"
#include "core/rdd/range_key.h"

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
    RangeKeyEncoder *encoder;
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
    sampler->encoder = range_key_encoder_new(arena, &sampler->layout);
    sampler->keys = ARENA_ARRAY(arena, uint64_t, (size_t)sampler->capacity *RANGE_KEY_WORDS_MAX);
    sampler->picked = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
    sampler->is_open = ARENA_ARRAY(arena, bool, BATCH_ROWS_MAX);
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

static uint64_t *key_at(const RangeSampler *sampler, uint64_t n)
{
    return sampler->keys + n * RANGE_KEY_WORDS_MAX;
}

/* Half of the keys are enough from now on. */
static void thin_out(RangeSampler *sampler)
{
    sampler->level++;
    sampler->count /= 2;
    for (uint32_t i = 0; i < sampler->count; i++)
        memmove(key_at(sampler, i), key_at(sampler, half_of(i, sampler->level)),
                RANGE_KEY_WORDS_MAX * sizeof *sampler->keys);
}

void range_sampler_add(RangeSampler *sampler, const Batch *batch)
{
    uint64_t end = sampler->row + batch->row_count, next;
    Batch picked = *batch;

    CHECK(batch->row_count <= BATCH_ROWS_MAX);
    picked.selection = sampler->picked;
    do {
        uint32_t room = sampler->capacity - sampler->count, count = 0;

        while (count < room && (next = sampled_row(sampler, sampler->count + count)) < end)
            sampler->picked[count++] = (uint32_t)(next - sampler->row);
        picked.selected_count = count;
        range_keys_encode(sampler->encoder, &picked, key_at(sampler, sampler->count),
                          sampler->is_open);
        sampler->count += count;
        if (sampler->count == sampler->capacity)
            thin_out(sampler);
    } while (sampled_row(sampler, sampler->count) < end);
    sampler->row = end;
}

/* How many words of the keys have to be known: those of level 0, or all. */
static uint32_t words_of(const SortKeyLayout *layout, size_t count, const uint64_t *keys)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t w = layout->words; w < RANGE_KEY_WORDS_MAX; w++)
            if (keys[i * RANGE_KEY_WORDS_MAX + w] != 0)
                return RANGE_KEY_WORDS_MAX;
    return layout->words;
}

WireBytes range_sampler_take(const RangeSampler *sampler, uint64_t taken, uint64_t total,
                             Arena *arena)
{
    uint32_t count = sampler == NULL ? 0 : sampler->count;
    WireWriter to = {.arena = arena};
    uint64_t weight = KEY_WEIGHT;
    uint32_t words = 0;

    if (count > 0) {
        weight = (uint64_t)(((unsigned __int128)KEY_WEIGHT << sampler->level) * total / taken);
        words = words_of(&sampler->layout, count, sampler->keys);
    }
    wire_put_u64(&to, weight);
    wire_put_u32(&to, words);
    wire_put_u32(&to, count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t w = 0; w < words; w++)
            wire_put_u64(&to, key_at(sampler, i)[w]);
    return (WireBytes){to.bytes, to.length};
}

/* --- bounds --- */

typedef struct Sample {
    uint64_t words[RANGE_KEY_WORDS_MAX];
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
    int order = sort_key_compare_words(RANGE_KEY_WORDS_MAX, left->words, right->words);

    return order != 0 ? order : compare_places(left->place, right->place);
}

/* A sample's bytes, up to its keys. */
typedef struct SampleReader {
    WireReader from;
    uint64_t weight; /* of each key */
    uint32_t words, count;
} SampleReader;

static Status begin_sample(const RangeSample *sample, Error *err, SampleReader *reader)
{
    WireReader *from = &reader->from;

    *from = wire_reader(sample->bytes.bytes, sample->bytes.byte_count, "sample", err);
    reader->weight = wire_get_u64(from);
    reader->words = wire_get_below(from, RANGE_KEY_WORDS_MAX + 1, "words");
    reader->count = wire_get_count(from, reader->words * sizeof(uint64_t), "keys");
    if (reader->weight == 0 || (reader->words == 0 && reader->count > 0))
        return wire_fail(from, "%u keys", reader->count);
    return from->status;
}

/* What each key stands for: the rows from its place on. */
static Status take_sample(const RangeSample *sample, Error *err, Sample *samples,
                          uint32_t *count_out)
{
    SampleReader reader;

    TRY(begin_sample(sample, err, &reader));
    for (uint32_t i = 0; i < reader.count; i++) {
        samples[i] = (Sample){.weight = reader.weight, .place = sample->first};
        samples[i].place.row += i * reader.weight / KEY_WEIGHT;
        for (uint32_t w = 0; w < reader.words; w++)
            samples[i].words[w] = wire_get_u64(&reader.from);
    }
    *count_out = reader.count;
    return wire_end(&reader.from);
}

static void set_bounds(Ranges *ranges, uint32_t count, uint32_t words, const uint64_t *bounds,
                       const RowPlace *places)
{
    ranges->bound_count = count;
    ranges->words = words;
    ranges->bounds = bounds;
    ranges->places = places;
    for (uint32_t b = 0; b < count; b++)
        ranges->has_places |= places[b].task != 0 || places[b].row != 0;
}

static bool has_key_of(const Sample *a, const Sample *b)
{
    return sort_key_compare_words(RANGE_KEY_WORDS_MAX, a->words, b->words) == 0;
}

/* The sample before which p of `partitions` equal parts of all rows lie, for each p. */
static void cut(Arena *arena, uint32_t count, const Sample *samples, uint32_t partitions,
                Ranges *ranges)
{
    uint64_t *bounds = ARENA_ARRAY(arena, uint64_t, (size_t)partitions *RANGE_KEY_WORDS_MAX);
    RowPlace *places = ARENA_ARRAY(arena, RowPlace, partitions);
    uint64_t total = 0, before = 0;
    uint32_t at = 0, words;

    for (uint32_t i = 0; i < count; i++)
        total += samples[i].weight;
    for (uint32_t p = 1; p < partitions; p++) {
        uint64_t wanted = (uint64_t)((unsigned __int128)total * p / partitions);

        while (at + 1 < count && before + samples[at].weight <= wanted)
            before += samples[at++].weight;
        memcpy(bounds + (size_t)(p - 1) * RANGE_KEY_WORDS_MAX, samples[at].words,
               RANGE_KEY_WORDS_MAX * sizeof *bounds);
        if ((at > 0 && has_key_of(&samples[at - 1], &samples[at])) ||
            (at + 1 < count && has_key_of(&samples[at + 1], &samples[at])))
            places[p - 1] = samples[at].place;
    }
    words = words_of(&ranges->layout, partitions - 1, bounds);
    for (uint32_t b = 0; b < partitions - 1; b++)
        memmove(bounds + (size_t)b * words, bounds + (size_t)b * RANGE_KEY_WORDS_MAX,
                words * sizeof *bounds);
    set_bounds(ranges, partitions - 1, words, bounds, places);
}

Status ranges_of_samples(Arena *arena, const Plan *like, SortKeyList order, uint32_t partitions,
                         uint32_t sample_count, const RangeSample *samples, Error *err,
                         Ranges *ranges_out)
{
    uint32_t capacity = 0, count = 0;
    SampleReader reader;
    Sample *all;

    *ranges_out = (Ranges){.layout = sort_key_layout_make(arena, like, &order)};
    for (uint32_t i = 0; i < sample_count; i++) {
        TRY(begin_sample(&samples[i], err, &reader));
        capacity += reader.count;
    }
    all = ARENA_ARRAY(arena, Sample, capacity);
    for (uint32_t i = 0; i < sample_count; i++) {
        uint32_t taken = 0;

        TRY(take_sample(&samples[i], err, all + count, &taken));
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

    wire_put_u32(&to, ranges->words);
    wire_put_u32(&to, ranges->bound_count);
    for (size_t i = 0; i < (size_t)ranges->bound_count * ranges->words; i++)
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
    uint32_t count, words;
    uint64_t *bounds;
    RowPlace *places;

    *ranges_out = (Ranges){.layout = sort_key_layout_make(arena, like, &order)};
    words = wire_get_below(&from, RANGE_KEY_WORDS_MAX + 1, "words");
    count = wire_get_count(&from, words * sizeof *bounds, "bounds");
    if (count != 0 && count != partitions - 1)
        return wire_fail(&from, "%u bounds of %u partitions", count, partitions);
    if (count > 0 && words != ranges_out->layout.words && words != RANGE_KEY_WORDS_MAX)
        return wire_fail(&from, "%u words a bound", words);
    bounds = ARENA_ARRAY(arena, uint64_t, (size_t)count *words);
    places = ARENA_ARRAY(arena, RowPlace, count);
    for (size_t i = 0; i < (size_t)count * words; i++)
        bounds[i] = wire_get_u64(&from);
    for (uint32_t b = 0; b < count; b++) {
        places[b].task = wire_get_u32(&from);
        places[b].row = wire_get_u64(&from);
    }
    set_bounds(ranges_out, count, words, bounds, places);
    return wire_end(&from);
}

/* --- where rows go --- */

struct RangePlacer {
    const Ranges *ranges;

    /* of the batch at hand */
    uint64_t *words; /* level 0 of its keys */
    bool *is_open;
    uint32_t closer_count; /* rows that level 0 does not decide about */
    uint32_t *closer;
    RangeKeyEncoder *encoder; /* theirs; NULL: no bound has more words than level 0 */
    uint64_t *keys;
};

RangePlacer *range_placer_new(Arena *arena, const Ranges *ranges)
{
    RangePlacer *placer = ARENA_NEW(arena, RangePlacer);

    placer->ranges = ranges;
    placer->words = ARENA_ARRAY(arena, uint64_t, (size_t)BATCH_ROWS_MAX * ranges->layout.words);
    placer->is_open = ARENA_ARRAY(arena, bool, BATCH_ROWS_MAX);
    if (ranges->words > ranges->layout.words) {
        placer->closer = ARENA_ARRAY(arena, uint32_t, BATCH_ROWS_MAX);
        placer->encoder = range_key_encoder_new(arena, &ranges->layout);
        placer->keys = ARENA_ARRAY(arena, uint64_t, BATCH_ROWS_MAX *RANGE_KEY_WORDS_MAX);
    }
    return placer;
}

static const uint64_t *bound_at(const Ranges *ranges, uint32_t bound)
{
    return ranges->bounds + (size_t)bound * ranges->words;
}

/* How many of the first `high` bounds are not behind that key, of so many words, and place. */
static uint32_t find_range(const Ranges *ranges, uint32_t words, const uint64_t *key,
                           RowPlace place, uint32_t high)
{
    uint32_t low = 0;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = sort_key_compare_words(words, bound_at(ranges, middle), key);

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
find_word_ranges(const Ranges *ranges, uint32_t stride, uint32_t words, const uint64_t *keys,
                 uint32_t key_count, uint32_t *ranges_out)
{
    const uint64_t *bounds = ranges->bounds;
    uint32_t count = ranges->bound_count;

    memset(ranges_out, 0, key_count * sizeof *ranges_out);
    while (count > 1) {
        uint32_t half = count / 2;

        for (uint32_t i = 0; i < key_count; i++) {
            uint32_t range = ranges_out[i];
            bool is_above = bounds[(size_t)(range + half - 1) * stride] <= keys[(size_t)i * words];

            ranges_out[i] = range + (half & -(uint32_t)is_above);
        }
        count -= half;
    }
    if (count == 1)
        for (uint32_t i = 0; i < key_count; i++)
            ranges_out[i] += bounds[(size_t)ranges_out[i] * stride] <= keys[(size_t)i * words];
}

/* The place behind all. */
static const RowPlace last_place = {UINT32_MAX, UINT64_MAX};

/* Where the first word of the last bound found is the key's, the others tell, and the place. */
static void look_closer(RangePlacer *placer, RowPlace first, uint32_t count, uint32_t *ranges_out)
{
    const Ranges *ranges = placer->ranges;
    uint32_t words = ranges->layout.words;

    placer->closer_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *key = placer->words + (size_t)i * words;
        bool is_open = placer->is_open[i];
        RowPlace place = is_open ? last_place : (RowPlace){first.task, first.row + i};
        uint32_t high = ranges_out[i];

        if (high == 0 || bound_at(ranges, high - 1)[0] != key[0])
            continue;
        high = ranges_out[i] = find_range(ranges, words, key, place, high);
        if (is_open && placer->encoder != NULL && high > 0 &&
            sort_key_compare_words(words, bound_at(ranges, high - 1), key) == 0)
            placer->closer[placer->closer_count++] = i;
    }
}

/* The same of those whose level 0 is a bound's, and open. */
static void look_at_all_words(RangePlacer *placer, const Batch *batch, RowPlace first,
                              uint32_t *ranges_out)
{
    Batch some = *batch;

    some.selection = placer->closer;
    some.selected_count = placer->closer_count;
    range_keys_encode(placer->encoder, &some, placer->keys, placer->is_open);
    for (uint32_t i = 0; i < some.selected_count; i++) {
        uint32_t row = placer->closer[i];
        RowPlace place = placer->is_open[i] ? last_place : (RowPlace){first.task, first.row + row};

        ranges_out[row] =
            find_range(placer->ranges, RANGE_KEY_WORDS_MAX,
                       placer->keys + (size_t)i * RANGE_KEY_WORDS_MAX, place, ranges_out[row]);
    }
}

void range_placer_place(RangePlacer *placer, const Batch *batch, RowPlace first,
                        uint32_t *partitions_out)
{
    const Ranges *ranges = placer->ranges;
    uint32_t count = batch->row_count, words = ranges->layout.words;

    CHECK(batch->selection == NULL && count <= BATCH_ROWS_MAX);
    sort_key_encode(&ranges->layout, batch, placer->words, placer->is_open);
    if (ranges->words == 1)
        find_word_ranges(ranges, 1, 1, placer->words, count, partitions_out);
    else
        find_word_ranges(ranges, ranges->words, words, placer->words, count, partitions_out);
    if (words > 1 || ranges->has_places || placer->encoder != NULL)
        look_closer(placer, first, count, partitions_out);
    if (placer->encoder != NULL && placer->closer_count > 0)
        look_at_all_words(placer, batch, first, partitions_out);
}
