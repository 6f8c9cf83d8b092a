/* sorter.c -- the entries of all runs into buckets, and the buckets in order; see sorter.h */
#include "exec/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"

enum {
    BUCKET_BYTES =
        384 * 1024, /* with as much scratch space: what a core's own cache holds, about */
    BUCKETS_MAX = 1024,
    DEALER_ROWS_MIN = 32 * 1024,
    SAMPLES_PER_BUCKET = 16,
    DEALT_ROWS = 128, /* at a time */
    BLOCK_BYTES = 4 * 1024,
    SLAB_BYTES_MIN = 64 * 1024,
    SLAB_BYTES_MAX = 2 << 20 /* a huge page, and what large runs grow by */
};

/* Some of a bucket's entries, of one dealer. */
typedef struct SortBlock {
    struct SortBlock *next;
    uint64_t count;
    uint64_t entries[];
} SortBlock;

/* Memory that blocks are cut from. */
typedef struct SortSlab {
    struct SortSlab *next;
    uint64_t bytes;
} SortSlab;

typedef struct SortBucketPart {
    uint64_t *next, *end; /* room in the last block */
    SortBlock *first, *last;
} SortBucketPart;

/*
 * Where keys are spread evenly, the high bits of a key's distance from the first splitter nearly
 * say its bucket: cell c's keys are in bucket first[c] or in one of the next `steps`.
 */
enum { GUESS_CELLS = 4096, GUESS_STEPS_MAX = 3 };
typedef struct SortGuess {
    uint64_t low, span; /* keys below low are taken for low, those above low + span for that */
    uint32_t shift;
    uint32_t steps; /* more than GUESS_STEPS_MAX: of no use */
    uint16_t first[GUESS_CELLS];
} SortGuess;

/* One task of phase 0. */
struct SortDealer {
    SortSlab *slabs;
    char *room;
    size_t room_bytes, slab_bytes;
    SortBucketPart *parts; /* by bucket */
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
    sorter->row_count += run->entries.row_count;
}

static void release(Sorter *sorter, void *memory, uint64_t count, size_t size)
{
    mem_pool_release(sorter->spec->pool, memory, count * size);
}

static void release_input(Sorter *sorter)
{
    release(sorter, sorter->pieces, sorter->piece_capacity, sizeof *sorter->pieces);
    release(sorter, sorter->chunks, sorter->chunk_count, sizeof *sorter->chunks);
    release(sorter, sorter->splitters, sorter->bucket_count, sizeof *sorter->splitters);
    release(sorter, sorter->guess, 1, sizeof *sorter->guess);
    sorter->guess = NULL;
    sorter->pieces = NULL;
    sorter->chunks = NULL;
    sorter->splitters = NULL;
}

void sorter_fini(Sorter *sorter)
{
    if (sorter->spec == NULL)
        return;
    release_input(sorter);
    for (uint32_t d = 0; d < sorter->dealer_count && sorter->dealers != NULL; d++) {
        SortDealer *dealer = &sorter->dealers[d];

        for (SortSlab *slab = dealer->slabs, *next; slab != NULL; slab = next) {
            next = slab->next;
            mem_pool_release(sorter->spec->pool, slab, slab->bytes);
        }
        release(sorter, dealer->parts, sorter->bucket_count, sizeof *dealer->parts);
    }
    release(sorter, sorter->dealers, sorter->dealer_count, sizeof *sorter->dealers);
    *sorter = (Sorter){0};
}

static Status allocate(Sorter *sorter, uint64_t count, size_t size, Error *err, void *memory_out)
{
    void *memory;
    Status status =
        mem_pool_alloc(sorter->spec->pool, count * size, sorter->spec->consumer, err, &memory);

    if (status == ST_OK)
        memset(memory, 0, count * size);
    memcpy(memory_out, &memory, sizeof memory);
    return status;
}

/* --- pieces: all entries in the order of their splits --- */

/* All runs get the same shape. */
static Status agree_on_shape(Sorter *sorter, Error *err)
{
    const SortShape *full = &sorter->spec->shape;

    sorter->shape = sorter->spec->has_null_free ? &sorter->spec->null_free : full;
    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        if (run->shape == full)
            sorter->shape = full;
    for (SortRun *run = sorter->runs; run != NULL; run = run->next)
        if (run->shape != sorter->shape)
            TRY(sort_run_widen(run, err));
    sorter->words = sorter->shape->key.words;
    sorter->stride = sorter->shape->stride;
    return ST_OK;
}

static Status add_piece(Sorter *sorter, SortPiece piece, Error *err)
{
    uint32_t capacity = sorter->piece_capacity == 0 ? 64 : sorter->piece_capacity * 2;
    void *pieces = sorter->pieces;

    if (sorter->piece_count == sorter->piece_capacity) {
        TRY(mem_pool_realloc(sorter->spec->pool, &pieces,
                             sorter->piece_capacity * sizeof *sorter->pieces,
                             capacity * sizeof *sorter->pieces, sorter->spec->consumer, err));
        sorter->pieces = pieces;
        sorter->piece_capacity = capacity;
    }
    sorter->pieces[sorter->piece_count++] = piece;
    return ST_OK;
}

/* chunks: those of the run. */
static Status cut_run(Sorter *sorter, const SortRun *run, SortChunk *chunks, Error *err)
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
            if (count > 0) {
                char *entries = rows->rows + (size_t)used * store->row_bytes;

                TRY(add_piece(sorter,
                              (SortPiece){.split = run->segments[s].split,
                                          .count = count,
                                          .entries = (uint64_t *)(void *)entries,
                                          .first = sorter->piece_count,
                                          .chunk = &chunks[chunk]},
                              err));
                chunks[chunk].pieces_left++;
            }
            left -= count;
            used += count;
            if (used == rows->row_count) {
                chunk++;
                used = 0;
            }
        }
    }
    return ST_OK;
}

/* Pieces of one split come from one run, in order: `first` is their number yet. */
static int compare_pieces(const void *a, const void *b)
{
    const SortPiece *x = a, *y = b;

    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void number_pieces(Sorter *sorter)
{
    uint64_t first = 0;

    for (uint32_t p = 0; p < sorter->piece_count; p++) {
        sorter->pieces[p].first = first;
        first += sorter->pieces[p].count;
    }
    CHECK(first == sorter->row_count);
}

static Status make_pieces(Sorter *sorter, Error *err)
{
    SortChunk *chunk;

    sorter->chunk_count = 0;
    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        sorter->chunk_count += run->entries.chunk_count;
    TRY(allocate(sorter, sorter->chunk_count, sizeof *sorter->chunks, err, &sorter->chunks));
    chunk = sorter->chunks;
    for (SortRun *run = sorter->runs; run != NULL; run = run->next) {
        for (uint32_t c = 0; c < run->entries.chunk_count; c++)
            chunk[c] = (SortChunk){.run = run, .index = c};
        TRY(cut_run(sorter, run, chunk, err));
        chunk += run->entries.chunk_count;
    }
    qsort(sorter->pieces, sorter->piece_count, sizeof *sorter->pieces, compare_pieces);
    number_pieces(sorter);
    return ST_OK;
}

static void release_piece(SortPiece *piece)
{
    if (atomic_fetch_sub(&piece->chunk->pieces_left, 1) == 1)
        row_store_release_chunk(&piece->chunk->run->entries, piece->chunk->index);
}

/* Entries of one word and more: is a's row to come after b's, or may it be? Equal words of open
 * keys are not looked into. */
static inline bool may_descend(const Sorter *sorter, const uint64_t *a, const uint64_t *b)
{
    int order = sort_key_compare_words(sorter->words, a, b);

    if (order != 0 || sorter->spec->shape.key.compared_from == sorter->spec->shape.key.part_count)
        return order > 0;
    return ((a[sorter->words] | b[sorter->words]) & SORT_ENTRY_OPEN) != 0;
}

static bool is_in_order(const Sorter *sorter)
{
    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        if (!run->ascends)
            return false;
    for (uint32_t p = 1; p < sorter->piece_count; p++) {
        const SortPiece *before = &sorter->pieces[p - 1];

        if (may_descend(sorter, before->entries + (before->count - 1) * (size_t)sorter->stride,
                        sorter->pieces[p].entries))
            return false;
    }
    return true;
}

/* --- packing: only bytes that differ --- */

static void plan_packing(Sorter *sorter)
{
    uint64_t differences[SORT_KEY_WORDS_MAX] = {0};
    const uint64_t *first = NULL;

    for (const SortRun *run = sorter->runs; run != NULL; run = run->next) {
        if (run->entries.row_count == 0)
            continue;
        if (first == NULL)
            first = run->first_words;
        for (uint32_t w = 0; w < sorter->words; w++)
            differences[w] |= run->differences[w] | (run->first_words[w] ^ first[w]);
    }
    sort_moves_plan(sorter->words, first, differences, &sorter->pack, &sorter->unpack);
    sorter->is_packed = true;
}

/* --- phase 0 --- */

static uint32_t choose_bucket_count(const Sorter *sorter)
{
    uint64_t bytes = sorter->row_count * sorter->stride * sizeof(uint64_t);
    uint32_t count = 1;

    if (sorter->row_count < DEALER_ROWS_MIN)
        return 1;
    while (count < BUCKETS_MAX &&
           (count * (uint64_t)BUCKET_BYTES < bytes || count < 4 * sorter->spec->threads))
        count *= 2;
    return count;
}

/* Enough for all threads, but so few that what is left over in their blocks is little. */
static uint32_t choose_dealer_count(const Sorter *sorter)
{
    uint64_t bytes = sorter->row_count * sorter->stride * sizeof(uint64_t);
    uint64_t count = sorter->row_count / DEALER_ROWS_MIN + 1;
    uint64_t thrifty = bytes / (4ull * sorter->bucket_count * BLOCK_BYTES) + 1;

    if (count > 4ull * sorter->spec->threads)
        count = 4ull * sorter->spec->threads;
    return (uint32_t)(count < thrifty ? count : thrifty);
}

static int compare_samples(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static Status make_guess(Sorter *sorter, Error *err)
{
    uint32_t splitter_count = sorter->bucket_count - 1, bucket = 0;
    SortGuess *guess;

    TRY(allocate(sorter, 1, sizeof *guess, err, &sorter->guess));
    guess = sorter->guess;
    guess->low = sorter->splitters[0];
    guess->span = sorter->splitters[splitter_count - 1] - guess->low;
    while (guess->span >> guess->shift >= GUESS_CELLS)
        guess->shift++;
    for (uint64_t cell = 0; cell <= guess->span >> guess->shift; cell++) {
        uint32_t start = bucket;

        guess->first[cell] = (uint16_t)bucket;
        while (bucket < splitter_count &&
               (sorter->splitters[bucket] - guess->low) >> guess->shift <= cell)
            bucket++;
        if (bucket - start > guess->steps)
            guess->steps = bucket - start;
    }
    return ST_OK;
}

/* Every n-th of the evenly taken samples, in order; bucket b has keys from splitter b - 1 on. A
 * value that is a splitter more than once gets a bucket of its own. */
static Status choose_splitters(Sorter *sorter, Error *err)
{
    uint64_t sample_count = (uint64_t)sorter->bucket_count * SAMPLES_PER_BUCKET, *samples;
    uint64_t packed[SORT_KEY_WORDS_MAX];
    uint32_t piece = 0;

    TRY(allocate(sorter, sorter->bucket_count, sizeof(uint64_t), err, &sorter->splitters));
    if (sorter->bucket_count == 1)
        return ST_OK;
    TRY(allocate(sorter, sample_count, sizeof(uint64_t), err, &samples));
    for (uint64_t s = 0; s < sample_count; s++) {
        uint64_t at = (uint64_t)((UInt128)s * sorter->row_count / sample_count);

        while (at >= sorter->pieces[piece].first + sorter->pieces[piece].count)
            piece++;
        sort_moves_apply(&sorter->pack,
                         sorter->pieces[piece].entries +
                             (at - sorter->pieces[piece].first) * sorter->shape->stride,
                         sorter->shape->stride, 1, packed, SORT_KEY_WORDS_MAX);
        samples[s] = packed[0];
    }
    qsort(samples, sample_count, sizeof *samples, compare_samples);
    for (uint32_t b = 0; b + 1 < sorter->bucket_count; b++) {
        sorter->splitters[b] = samples[(uint64_t)(b + 1) * SAMPLES_PER_BUCKET];
        if (b > 0 && sorter->splitters[b] <= sorter->splitters[b - 1] &&
            sorter->splitters[b - 1] < UINT64_MAX)
            sorter->splitters[b] = sorter->splitters[b - 1] + 1;
    }
    sorter->splitters[sorter->bucket_count - 1] = UINT64_MAX;
    release(sorter, samples, sample_count, sizeof *samples);
    return make_guess(sorter, err);
}

static Status make_dealers(Sorter *sorter, Error *err)
{
    uint64_t bytes = sorter->row_count * sorter->stride * sizeof(uint64_t);
    size_t slab_bytes = SLAB_BYTES_MIN;

    sorter->dealer_count = choose_dealer_count(sorter);
    TRY(allocate(sorter, sorter->dealer_count, sizeof *sorter->dealers, err, &sorter->dealers));
    while (slab_bytes < SLAB_BYTES_MAX && slab_bytes < bytes / sorter->dealer_count / 4)
        slab_bytes *= 2;
    for (uint32_t d = 0; d < sorter->dealer_count; d++) {
        SortDealer *dealer = &sorter->dealers[d];

        dealer->slab_bytes = slab_bytes;
        TRY(allocate(sorter, sorter->bucket_count, sizeof *dealer->parts, err, &dealer->parts));
    }
    return ST_OK;
}

static Status begin_dealing(Sorter *sorter, Error *err, uint32_t *task_count_out)
{
    for (const SortRun *run = sorter->runs; run != NULL; run = run->next)
        sorter->peak_bytes += sort_run_bytes(run);
    TRY(agree_on_shape(sorter, err));
    TRY(make_pieces(sorter, err));
    if (is_in_order(sorter))
        return ST_OK;
    plan_packing(sorter);
    sorter->words = sorter->pack.words;
    sorter->stride = sorter->words + sorter->shape->stride - sorter->shape->key.words;
    sorter->bucket_count = choose_bucket_count(sorter);
    TRY(choose_splitters(sorter, err));
    TRY(make_dealers(sorter, err));
    *task_count_out = sorter->dealer_count;
    return ST_OK;
}

/* By halves, without a branch that depends on the data, many keys side by side. */
static void search_buckets(const Sorter *sorter, const uint64_t *keys, uint32_t stride,
                           uint32_t count, uint32_t *buckets)
{
    uint32_t levels = 31 - (uint32_t)__builtin_clz(sorter->bucket_count);

    memset(buckets, 0, count * sizeof *buckets);
    for (uint32_t level = levels; level-- > 0;) {
        const uint64_t *splitters = sorter->splitters + (1u << level) - 1;

        for (uint32_t i = 0; i < count; i++)
            buckets[i] += (uint32_t)(splitters[buckets[i]] <= keys[(size_t)i * stride]) << level;
    }
}

static void guess_buckets(const Sorter *sorter, const uint64_t *keys, uint32_t stride,
                          uint32_t count, uint32_t *buckets)
{
    const SortGuess *guess = sorter->guess;
    uint32_t last = sorter->bucket_count - 1;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = keys[(size_t)i * stride], distance = key > guess->low ? key - guess->low : 0;

        distance = distance < guess->span ? distance : guess->span;
        buckets[i] = guess->first[distance >> guess->shift];
    }
    for (uint32_t step = 0; step < guess->steps; step++)
        for (uint32_t i = 0; i < count; i++) {
            uint32_t is_above = sorter->splitters[buckets[i]] <= keys[(size_t)i * stride];

            buckets[i] += is_above & (buckets[i] < last);
        }
}

/* How many splitters are not above each key. */
static void find_buckets(const Sorter *sorter, const uint64_t *keys, uint32_t stride,
                         uint32_t count, uint32_t *buckets)
{
    if (sorter->guess != NULL && sorter->guess->steps <= GUESS_STEPS_MAX)
        guess_buckets(sorter, keys, stride, count, buckets);
    else
        search_buckets(sorter, keys, stride, count, buckets);
}

static Status add_slab(Sorter *sorter, SortDealer *dealer, Error *err)
{
    void *memory;
    SortSlab *slab;

    TRY(mem_pool_alloc(sorter->spec->pool, dealer->slab_bytes, sorter->spec->consumer, err,
                       &memory));
    slab = memory;
    *slab = (SortSlab){.next = dealer->slabs, .bytes = dealer->slab_bytes};
    dealer->slabs = slab;
    dealer->room = (char *)memory + sizeof *slab;
    dealer->room_bytes = dealer->slab_bytes - sizeof *slab;
    return ST_OK;
}

static Status add_block(Sorter *sorter, SortDealer *dealer, SortBucketPart *part, Error *err)
{
    uint32_t capacity = (BLOCK_BYTES - sizeof(SortBlock)) / (sorter->stride * sizeof(uint64_t));
    SortBlock *block;

    if (dealer->room_bytes < BLOCK_BYTES)
        TRY(add_slab(sorter, dealer, err));
    block = (SortBlock *)(void *)dealer->room;
    dealer->room += BLOCK_BYTES;
    dealer->room_bytes -= BLOCK_BYTES;
    *block = (SortBlock){0};
    if (part->last == NULL) {
        part->first = block;
    } else {
        part->last->count = capacity;
        part->last->next = block;
    }
    part->last = block;
    part->next = block->entries;
    part->end = block->entries + (size_t)capacity * sorter->stride;
    return ST_OK;
}

/* Entries of a full stride to their buckets. */
static inline __attribute__((always_inline)) Status
deal_entries(Sorter *sorter, SortDealer *dealer, const uint64_t *entries, const uint64_t *keys,
             const uint32_t *buckets, uint32_t count, uint32_t words, uint32_t stride, Error *err)
{
    uint32_t input_words = sorter->shape->key.words, input_stride = sorter->shape->stride;

    for (uint32_t i = 0; i < count; i++) {
        SortBucketPart *part = &dealer->parts[buckets[i]];
        const uint64_t *tail = entries + (size_t)i * input_stride + input_words;

        if (part->next == part->end)
            TRY(add_block(sorter, dealer, part, err));
        for (uint32_t w = 0; w < words; w++)
            part->next[w] = keys[(size_t)i * words + w];
        for (uint32_t w = words; w < stride; w++)
            part->next[w] = tail[w - words];
        part->next += stride;
    }
    return ST_OK;
}

static Status deal_some(Sorter *sorter, SortDealer *dealer, const uint64_t *entries, uint32_t count,
                        Error *err)
{
    uint64_t keys[DEALT_ROWS * SORT_KEY_WORDS_MAX];
    uint32_t buckets[DEALT_ROWS];

    sort_moves_apply(&sorter->pack, entries, sorter->shape->stride, count, keys, sorter->words);
    find_buckets(sorter, keys, sorter->words, count, buckets);
    if (sorter->words == 1 && sorter->stride == 1)
        return deal_entries(sorter, dealer, entries, keys, buckets, count, 1, 1, err);
    if (sorter->words == 1 && sorter->stride == 2)
        return deal_entries(sorter, dealer, entries, keys, buckets, count, 1, 2, err);
    return deal_entries(sorter, dealer, entries, keys, buckets, count, sorter->words,
                        sorter->stride, err);
}

/* Pieces [first, end) are the dealer's. */
static Status deal(Sorter *sorter, uint32_t number, Error *err)
{
    SortDealer *dealer = &sorter->dealers[number];
    uint32_t first = (uint32_t)((uint64_t)sorter->piece_count * number / sorter->dealer_count);
    uint32_t end = (uint32_t)((uint64_t)sorter->piece_count * (number + 1) / sorter->dealer_count);

    for (uint32_t p = first; p < end; p++) {
        SortPiece *piece = &sorter->pieces[p];

        TRY(stop_check(sorter->spec->stop, err));
        for (uint32_t i = 0; i < piece->count; i += DEALT_ROWS) {
            uint32_t count = piece->count - i < DEALT_ROWS ? piece->count - i : DEALT_ROWS;

            TRY(deal_some(sorter, dealer, piece->entries + (size_t)i * sorter->shape->stride, count,
                          err));
        }
        release_piece(piece);
    }
    for (uint32_t b = 0; b < sorter->bucket_count; b++) {
        SortBucketPart *part = &dealer->parts[b];

        if (part->last != NULL)
            part->last->count =
                (uint64_t)(part->next - part->last->entries) / (uint64_t)sorter->stride;
    }
    return ST_OK;
}

/* --- phase 1 --- */

static void begin_sorting(Sorter *sorter)
{
    uint64_t bytes = 0;

    release_input(sorter);
    sorter->piece_count = 0;
    sorter->piece_capacity = 0;
    for (SortRun *run = sorter->runs; run != NULL; run = run->next) {
        row_store_fini(&run->entries);
        bytes += sort_run_bytes(run);
    }
    for (uint32_t d = 0; d < sorter->dealer_count; d++)
        for (const SortSlab *slab = sorter->dealers[d].slabs; slab != NULL; slab = slab->next)
            bytes += slab->bytes;
    if (bytes > sorter->peak_bytes)
        sorter->peak_bytes = bytes;
}

/* The bucket's blocks: those of dealer 0, then those of dealer 1, ... */
typedef struct BlockWalk {
    const Sorter *sorter;
    uint32_t bucket, dealer;
    SortBlock *block;
} BlockWalk;

static SortBlock *next_block(BlockWalk *walk)
{
    if (walk->block != NULL)
        walk->block = walk->block->next;
    while (walk->block == NULL && walk->dealer < walk->sorter->dealer_count)
        walk->block = walk->sorter->dealers[walk->dealer++].parts[walk->bucket].first;
    return walk->block;
}

/* Counts the bucket's entries; says whether they are in order. */
static bool look_at_bucket(const Sorter *sorter, uint32_t bucket, uint64_t *count_out)
{
    BlockWalk walk = {.sorter = sorter, .bucket = bucket};
    const uint64_t *last = NULL;
    bool ascends = true;

    *count_out = 0;
    for (SortBlock *block; (block = next_block(&walk)) != NULL;) {
        *count_out += block->count;
        for (uint64_t i = 0; i < block->count && ascends; i++) {
            const uint64_t *entry = block->entries + i * sorter->stride;

            ascends = last == NULL || !may_descend(sorter, last, entry);
            last = entry;
        }
    }
    return ascends;
}

static void copy_bucket(const Sorter *sorter, uint32_t bucket, uint64_t *entries, bool is_back)
{
    BlockWalk walk = {.sorter = sorter, .bucket = bucket};

    for (SortBlock *block; (block = next_block(&walk)) != NULL;) {
        size_t words = block->count * sorter->stride;

        if (is_back)
            memcpy(block->entries, entries, words * sizeof *entries);
        else
            memcpy(entries, block->entries, words * sizeof *entries);
        entries += words;
    }
}

static Status sort_bucket(Sorter *sorter, uint32_t bucket, Error *err)
{
    MemPool *pool = sorter->spec->pool;
    uint64_t count, *entries;
    size_t bytes;
    void *memory;
    Status status;

    TRY(stop_check(sorter->spec->stop, err));
    if (look_at_bucket(sorter, bucket, &count))
        return ST_OK;
    if (count > UINT32_MAX)
        return error_set(err, ST_NOT_SUPPORTED,
                         "more than 2^32 rows whose sort keys start with the same bytes");
    bytes = count * sorter->stride * sizeof(uint64_t);
    TRY(mem_pool_alloc(pool, 2 * bytes, sorter->spec->consumer, err, &memory));
    entries = memory;
    copy_bucket(sorter, bucket, entries, false);
    status = sorter_sort_entries(sorter->spec, sorter->words, sorter->stride, entries,
                                 entries + count * sorter->stride, count, err);
    copy_bucket(sorter, bucket, entries, true);
    mem_pool_release(pool, memory, 2 * bytes);
    return status;
}

/* --- the result --- */

static Status list_blocks(Sorter *sorter, Error *err)
{
    for (uint32_t b = 0; b < sorter->bucket_count; b++) {
        BlockWalk walk = {.sorter = sorter, .bucket = b};

        for (SortBlock *block; (block = next_block(&walk)) != NULL;)
            TRY(add_piece(sorter,
                          (SortPiece){.count = (uint32_t)block->count, .entries = block->entries},
                          err));
    }
    number_pieces(sorter);
    return ST_OK;
}

/* --- phases --- */

Status sorter_begin(Sorter *sorter, uint32_t phase, Error *err, uint32_t *task_count_out)
{
    *task_count_out = 0;
    if (sorter->row_count == 0)
        return ST_OK;
    switch (phase) {
    case 0:
        return begin_dealing(sorter, err, task_count_out);
    case 1:
        begin_sorting(sorter);
        *task_count_out = sorter->bucket_count;
        return ST_OK;
    default:
        return list_blocks(sorter, err);
    }
}

Status sorter_task(Sorter *sorter, uint32_t phase, uint32_t task, Error *err)
{
    return phase == 0 ? deal(sorter, task, err) : sort_bucket(sorter, task, err);
}
