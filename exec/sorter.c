/* sorter.c -- the entries of all runs into buckets, and the buckets in order; see sorter.h */
#include "exec/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/sorter_radix.h"

enum {
    BUCKET_ROWS = 32 * 1024, /* entries and as much scratch space fit in a core's own cache */
    BUCKETS_MAX = 1024,
    TASK_ROWS_MIN = 32 * 1024,
    SAMPLES_PER_BUCKET = 16
};

void sorter_init(Sorter *sorter, const SortSpec *spec)
{
    *sorter = (Sorter){.spec = spec};
}

void sorter_add_run(Sorter *sorter, SortRun *run)
{
    run->next = sorter->runs;
    sorter->runs = run;
    sorter->run_count++;
    sorter->row_count += run->rows.row_count;
}

static uint32_t entry_words(const Sorter *sorter)
{
    return sorter->packed_words + 1;
}

static void release(Sorter *sorter, void *memory, uint64_t count, size_t size)
{
    mem_pool_release(sorter->spec->pool, memory, count * size);
}

/* What only phases 0 and 1 need. */
static void release_early(Sorter *sorter)
{
    release(sorter, sorter->pieces, sorter->piece_capacity, sizeof *sorter->pieces);
    release(sorter, sorter->splitters, sorter->bucket_count, sizeof *sorter->splitters);
    release(sorter, sorter->counts, (uint64_t)sorter->task_count * sorter->bucket_count,
            sizeof *sorter->counts);
    release(sorter, sorter->buckets, sorter->row_count, sizeof *sorter->buckets);
    sorter->pieces = NULL;
    sorter->splitters = NULL;
    sorter->counts = NULL;
    sorter->buckets = NULL;
}

void sorter_fini(Sorter *sorter)
{
    if (sorter->spec == NULL)
        return;
    release_early(sorter);
    release(sorter, sorter->starts, sorter->bucket_count + 1, sizeof *sorter->starts);
    release(sorter, sorter->entries, sorter->row_count * entry_words(sorter), sizeof(uint64_t));
    release(sorter, sorter->rows, sorter->row_count, sizeof *sorter->rows);
    *sorter = (Sorter){0};
}

uint64_t sorter_bytes(const Sorter *sorter)
{
    uint64_t bytes = sorter->row_count * (entry_words(sorter) * sizeof(uint64_t) +
                                          sizeof *sorter->buckets + sizeof *sorter->rows);

    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        bytes += sort_run_bytes(run);
    return bytes;
}

static Status allocate(Sorter *sorter, uint64_t count, size_t size, Error *err, void *memory_out)
{
    void *memory;
    Status status =
        mem_pool_alloc(sorter->spec->pool, count * size, sorter->spec->consumer, err, &memory);

    memcpy(memory_out, &memory, sizeof memory);
    return status;
}

/* --- pieces: all entries in the order of their splits --- */

static uint32_t count_pieces(const Sorter *sorter)
{
    uint32_t count = 0;

    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        count += run->segment_count + run->entries.chunk_count;
    return count;
}

static void cut_run(Sorter *sorter, const SortRun *run)
{
    const RowStore *store = &run->entries;
    uint32_t chunk = 0, used = 0;

    for (uint32_t s = 0; s < run->segment_count; s++) {
        uint64_t left = run->segments[s].count;

        while (left > 0) {
            const RowChunk *rows = &store->chunks[chunk];
            uint32_t count = rows->row_count - used;

            if (count > left)
                count = (uint32_t)left;
            if (count > 0)
                sorter->pieces[sorter->piece_count++] = (SortPiece){
                    .split = run->segments[s].split,
                    .count = count,
                    .entries = (const uint64_t *)(const void *)(rows->rows +
                                                                (size_t)used * store->row_bytes)};
            left -= count;
            used += count;
            if (used == rows->row_count) {
                chunk++;
                used = 0;
            }
        }
    }
}

/* Pieces of one split come from one run; qsort must keep their order, so the address in the array
 * decides. */
static int compare_pieces(const void *a, const void *b)
{
    const SortPiece *x = a, *y = b;

    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static Status make_pieces(Sorter *sorter, Error *err)
{
    uint64_t first = 0;

    sorter->piece_capacity = count_pieces(sorter);
    TRY(allocate(sorter, sorter->piece_capacity, sizeof *sorter->pieces, err, &sorter->pieces));
    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        cut_run(sorter, run);
    for (uint32_t p = 0; p < sorter->piece_count; p++)
        sorter->pieces[p].first = p;
    qsort(sorter->pieces, sorter->piece_count, sizeof *sorter->pieces, compare_pieces);
    for (uint32_t p = 0; p < sorter->piece_count; p++) {
        sorter->pieces[p].first = first;
        first += sorter->pieces[p].count;
    }
    ASSERT(first == sorter->row_count);
    return ST_OK;
}

/* --- packing: only bytes that differ --- */

static void collect_differences(const Sorter *sorter, uint64_t *differences)
{
    const uint64_t *first = sorter->runs->first_words;

    for (uint32_t w = 0; w < sorter->spec->key.words; w++) {
        differences[w] = 0;
        for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
            if (run->rows.row_count > 0)
                differences[w] |= run->differences[w] | (run->first_words[w] ^ first[w]);
    }
}

/* {a b c d e f g h} of which b, c and g differ -> {b c g}: one move for `b c`, one for `g`. */
static void plan_moves(Sorter *sorter)
{
    uint64_t differences[SORT_KEY_WORDS_MAX];
    uint32_t packed_bytes = 0, last_byte = UINT32_MAX - 1;

    collect_differences(sorter, differences);
    for (uint32_t byte = 0; byte < sorter->spec->key.words * 8; byte++) {
        uint8_t shift = (uint8_t)(56 - 8 * (byte % 8));
        uint8_t to_shift = (uint8_t)(56 - 8 * (packed_bytes % 8));

        if (((differences[byte / 8] >> shift) & 0xff) == 0)
            continue;
        if (byte == last_byte + 1 && byte % 8 != 0 && packed_bytes % 8 != 0) {
            SortMove *move = &sorter->moves[sorter->move_count - 1];

            move->mask = move->mask << 8 | 0xff;
            move->from_shift = shift;
            move->to_shift = to_shift;
        } else {
            sorter->moves[sorter->move_count++] = (SortMove){.from_word = (uint8_t)(byte / 8),
                                                             .from_shift = shift,
                                                             .to_word = (uint8_t)(packed_bytes / 8),
                                                             .to_shift = to_shift,
                                                             .mask = 0xff};
        }
        last_byte = byte;
        packed_bytes++;
    }
    sorter->packed_words = packed_bytes == 0 ? 1 : (packed_bytes + 7) / 8;
}

static inline void pack(const Sorter *sorter, const uint64_t *key, uint64_t *packed)
{
    for (uint32_t w = 0; w < sorter->packed_words; w++)
        packed[w] = 0;
    for (uint32_t m = 0; m < sorter->move_count; m++) {
        const SortMove *move = &sorter->moves[m];

        packed[move->to_word] |= ((key[move->from_word] >> move->from_shift) & move->mask)
                                 << move->to_shift;
    }
}

/* The packed key's first word alone. */
static inline uint64_t pack_first(const Sorter *sorter, const uint64_t *key)
{
    uint64_t packed = 0;

    for (uint32_t m = 0; m < sorter->move_count && sorter->moves[m].to_word == 0; m++) {
        const SortMove *move = &sorter->moves[m];

        packed |= ((key[move->from_word] >> move->from_shift) & move->mask) << move->to_shift;
    }
    return packed;
}

/* --- phase 0 --- */

static uint32_t choose_bucket_count(const Sorter *sorter)
{
    uint32_t count = 1;

    if (sorter->row_count < TASK_ROWS_MIN)
        return 1;
    while (count < BUCKETS_MAX &&
           (count * (uint64_t)BUCKET_ROWS < sorter->row_count || count < 4 * sorter->spec->threads))
        count *= 2;
    return count;
}

static int compare_samples(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* Every n-th of the evenly taken samples, in order; bucket b has keys from splitter b - 1 on. */
static Status choose_splitters(Sorter *sorter, Error *err)
{
    uint64_t sample_count = (uint64_t)sorter->bucket_count * SAMPLES_PER_BUCKET, *samples;
    uint32_t stride = sorter->spec->key.words + 1, piece = 0;

    TRY(allocate(sorter, sorter->bucket_count, sizeof(uint64_t), err, &sorter->splitters));
    if (sorter->bucket_count == 1)
        return ST_OK;
    TRY(allocate(sorter, sample_count, sizeof(uint64_t), err, &samples));
    for (uint64_t s = 0; s < sample_count; s++) {
        uint64_t at = (uint64_t)((UInt128)s * sorter->row_count / sample_count);

        while (at >= sorter->pieces[piece].first + sorter->pieces[piece].count)
            piece++;
        samples[s] = pack_first(sorter, sorter->pieces[piece].entries +
                                            (at - sorter->pieces[piece].first) * stride);
    }
    qsort(samples, sample_count, sizeof *samples, compare_samples);
    for (uint32_t b = 0; b + 1 < sorter->bucket_count; b++)
        sorter->splitters[b] = samples[(uint64_t)(b + 1) * SAMPLES_PER_BUCKET];
    release(sorter, samples, sample_count, sizeof *samples);
    return ST_OK;
}

static Status begin_counting(Sorter *sorter, Error *err)
{
    uint32_t tasks_max = 4 * sorter->spec->threads;
    uint64_t count_count;

    TRY(make_pieces(sorter, err));
    plan_moves(sorter);
    sorter->task_count = (uint32_t)(sorter->row_count / TASK_ROWS_MIN) + 1;
    if (sorter->task_count > tasks_max)
        sorter->task_count = tasks_max;
    sorter->bucket_count = choose_bucket_count(sorter);
    TRY(choose_splitters(sorter, err));
    count_count = (uint64_t)sorter->task_count * sorter->bucket_count;
    TRY(allocate(sorter, count_count, sizeof *sorter->counts, err, &sorter->counts));
    memset(sorter->counts, 0, count_count * sizeof *sorter->counts);
    return allocate(sorter, sorter->row_count, sizeof *sorter->buckets, err, &sorter->buckets);
}

/* Pieces [first, end) are task's. */
static void task_pieces(const Sorter *sorter, uint32_t task, uint32_t *first_out, uint32_t *end_out)
{
    *first_out = (uint32_t)((uint64_t)sorter->piece_count * task / sorter->task_count);
    *end_out = (uint32_t)((uint64_t)sorter->piece_count * (task + 1) / sorter->task_count);
}

/* How many splitters are not above the key; the count of steps is the same for all keys. */
static inline uint32_t find_bucket(const Sorter *sorter, uint64_t key)
{
    uint32_t bucket = 0;

    for (uint32_t step = sorter->bucket_count / 2; step > 0; step /= 2)
        bucket += sorter->splitters[bucket + step - 1] <= key ? step : 0;
    return bucket;
}

static Status count_buckets(Sorter *sorter, uint32_t task, Error *err)
{
    uint64_t *counts = sorter->counts + (size_t)task * sorter->bucket_count;
    uint32_t stride = sorter->spec->key.words + 1, first, end;

    task_pieces(sorter, task, &first, &end);
    for (uint32_t p = first; p < end; p++) {
        const SortPiece *piece = &sorter->pieces[p];

        TRY(stop_check(sorter->spec->stop, err));
        for (uint32_t i = 0; i < piece->count; i++) {
            uint64_t key = pack_first(sorter, piece->entries + (size_t)i * stride);
            uint32_t bucket = find_bucket(sorter, key);

            counts[bucket]++;
            sorter->buckets[piece->first + i] = (uint16_t)bucket;
        }
    }
    return ST_OK;
}

/* --- phase 1 --- */

/* Counts become the places where each task writes next; starts, where each bucket begins. */
static Status begin_scattering(Sorter *sorter, Error *err)
{
    uint64_t next = 0;

    TRY(allocate(sorter, sorter->bucket_count + 1, sizeof *sorter->starts, err, &sorter->starts));
    for (uint32_t b = 0; b < sorter->bucket_count; b++) {
        sorter->starts[b] = next;
        for (uint32_t t = 0; t < sorter->task_count; t++) {
            uint64_t *count = &sorter->counts[(size_t)t * sorter->bucket_count + b];
            uint64_t start = next;

            next += *count;
            *count = start;
        }
    }
    sorter->starts[sorter->bucket_count] = next;
    return allocate(sorter, sorter->row_count * entry_words(sorter), sizeof(uint64_t), err,
                    &sorter->entries);
}

static Status scatter(Sorter *sorter, uint32_t task, Error *err)
{
    uint64_t *places = sorter->counts + (size_t)task * sorter->bucket_count;
    uint32_t words = sorter->spec->key.words, packed_stride = entry_words(sorter), first, end;

    task_pieces(sorter, task, &first, &end);
    for (uint32_t p = first; p < end; p++) {
        const SortPiece *piece = &sorter->pieces[p];

        TRY(stop_check(sorter->spec->stop, err));
        for (uint32_t i = 0; i < piece->count; i++) {
            const uint64_t *entry = piece->entries + (size_t)i * (words + 1);
            uint64_t place = places[sorter->buckets[piece->first + i]]++;
            uint64_t *packed = sorter->entries + place * packed_stride;

            pack(sorter, entry, packed);
            packed[packed_stride - 1] = entry[words];
        }
    }
    return ST_OK;
}

/* --- phase 2 --- */

static Status begin_sorting(Sorter *sorter, Error *err)
{
    release_early(sorter);
    for (SortRun *run = sorter->runs; run != NULL; run = run->next)
        row_store_fini(&run->entries);
    return allocate(sorter, sorter->row_count, sizeof *sorter->rows, err, &sorter->rows);
}

static Status sort_bucket(Sorter *sorter, uint32_t bucket, Error *err)
{
    uint64_t start = sorter->starts[bucket], count = sorter->starts[bucket + 1] - start;
    uint32_t stride = entry_words(sorter);
    uint64_t *entries = sorter->entries + start * stride, *temp;
    Status status;

    TRY(stop_check(sorter->spec->stop, err));
    if (count == 0)
        return ST_OK;
    TRY(allocate(sorter, count * stride, sizeof(uint64_t), err, &temp));
    status = sorter_sort_entries(sorter->spec, sorter->packed_words, entries, temp, count, err);
    release(sorter, temp, count * stride, sizeof(uint64_t));
    for (uint64_t i = 0; i < count; i++)
        sorter->rows[start + i] = sorter_entry_row(entries[i * stride + stride - 1]);
    return status;
}

/* --- phases --- */

Status sorter_begin(Sorter *sorter, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    *task_count_out = 0;
    if (sorter->row_count == 0)
        return ST_OK;
    switch (phase) {
    case 0:
        TRY(begin_counting(sorter, err));
        *task_count_out = sorter->task_count;
        return ST_OK;
    case 1:
        *task_count_out = sorter->task_count;
        return begin_scattering(sorter, err);
    case 2:
        *task_count_out = sorter->bucket_count;
        return begin_sorting(sorter, err);
    default:
        release(sorter, sorter->entries, sorter->row_count * entry_words(sorter), sizeof(uint64_t));
        sorter->entries = NULL;
        return ST_OK;
    }
}

Status sorter_task(Sorter *sorter, uint32_t phase, uint32_t task, Error *err)
{
    if (phase == 0)
        return count_buckets(sorter, task, err);
    if (phase == 1)
        return scatter(sorter, task, err);
    return sort_bucket(sorter, task, err);
}
