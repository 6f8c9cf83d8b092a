/* sorter_run.c -- one thread's rows and the entries that will be sorted; see sorter.h */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/sorter.h"

struct SortScratch {
    uint64_t words[BATCH_ROWS_MAX * SORT_KEY_WORDS_MAX];
    bool is_open[BATCH_ROWS_MAX];
    void *rows[BATCH_ROWS_MAX];
    void *entries[BATCH_ROWS_MAX];
};

Status sort_run_init(SortRun *run, const SortSpec *spec, Error *err)
{
    uint32_t entry_bytes = (spec->key.words + 1) * (uint32_t)sizeof(uint64_t);
    void *scratch;

    *run = (SortRun){.spec = spec};
    row_store_init(&run->rows, spec->rows.row_bytes, spec->pool, spec->consumer);
    row_store_init(&run->entries, entry_bytes, spec->pool, spec->consumer);
    text_store_init(&run->texts, spec->pool, spec->consumer);
    TRY(mem_pool_alloc(spec->pool, sizeof(SortScratch), spec->consumer, err, &scratch));
    run->scratch = scratch;
    return ST_OK;
}

void sort_run_end(SortRun *run)
{
    if (run->spec == NULL)
        return;
    mem_pool_release(run->spec->pool, run->scratch, sizeof(SortScratch));
    run->scratch = NULL;
}

void sort_run_fini(SortRun *run)
{
    if (run->spec == NULL)
        return;
    sort_run_end(run);
    row_store_fini(&run->rows);
    row_store_fini(&run->entries);
    text_store_fini(&run->texts);
    mem_pool_release(run->spec->pool, run->segments, run->segment_capacity * sizeof *run->segments);
    run->spec = NULL;
}

uint64_t sort_run_bytes(const SortRun *run)
{
    return run->rows.used_bytes + run->entries.used_bytes + run->texts.used_bytes;
}

/* The segment of the batch's split. */
static Status find_segment(SortRun *run, uint32_t split, Error *err)
{
    uint32_t capacity = run->segment_capacity == 0 ? 16 : run->segment_capacity * 2;
    void *segments = run->segments;

    if (run->segment_count > 0 && run->segments[run->segment_count - 1].split == split)
        return ST_OK;
    if (run->segment_count == run->segment_capacity) {
        TRY(mem_pool_realloc(run->spec->pool, &segments,
                             run->segment_capacity * sizeof *run->segments,
                             capacity * sizeof *run->segments, run->spec->consumer, err));
        run->segments = segments;
        run->segment_capacity = capacity;
    }
    run->segments[run->segment_count++] =
        (SortSegment){.split = split, .start = run->entries.row_count};
    return ST_OK;
}

static void note_differences(SortRun *run, uint32_t count)
{
    uint32_t words = run->spec->key.words;
    const uint64_t *keys = run->scratch->words;

    if (run->rows.row_count == 0)
        memcpy(run->first_words, keys, words * sizeof *keys);
    for (uint32_t w = 0; w < words; w++) {
        uint64_t first = run->first_words[w], differences = 0;

        for (uint32_t i = 0; i < count; i++)
            differences |= keys[(size_t)i * words + w] ^ first;
        run->differences[w] |= differences;
    }
}

Status sort_run_add(SortRun *run, const Batch *batch, Error *err)
{
    uint32_t count = batch->selected_count, words = run->spec->key.words;
    SortScratch *scratch = run->scratch;

    if (count == 0)
        return ST_OK;
    sort_key_encode(&run->spec->key, batch, scratch->words, scratch->is_open);
    note_differences(run, count);
    TRY(find_segment(run, batch->split, err));
    TRY(row_store_add(&run->rows, count, err, scratch->rows));
    TRY(row_write(&run->spec->rows, &run->texts, batch->columns, batch->selection, count,
                  scratch->rows, err));
    TRY(row_store_add(&run->entries, count, err, scratch->entries));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *entry = scratch->entries[i];

        for (uint32_t w = 0; w < words; w++)
            entry[w] = scratch->words[(size_t)i * words + w];
        entry[words] = (uint64_t)(uintptr_t)scratch->rows[i] | scratch->is_open[i];
    }
    run->segments[run->segment_count - 1].count += count;
    return ST_OK;
}
