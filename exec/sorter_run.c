/* sorter_run.c -- one thread's rows and the entries that will be sorted; see sorter.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/sorter.h"

struct SortScratch {
    uint64_t words[BATCH_ROWS_MAX * SORT_KEY_WORDS_MAX];
    bool is_open[BATCH_ROWS_MAX];
    void *rows[BATCH_ROWS_MAX];
    void *entries[BATCH_ROWS_MAX];
    Column columns[]; /* of the rows */
};

static size_t scratch_bytes(const SortSpec *spec)
{
    return sizeof(SortScratch) + spec->shape.rows.field_count * sizeof(Column);
}

static void init_entries(SortRun *run)
{
    row_store_init(&run->entries, run->shape->stride * (uint32_t)sizeof(uint64_t), run->spec->pool,
                   run->spec->consumer);
}

Status sort_run_init(SortRun *run, const SortSpec *spec, Error *err)
{
    void *scratch;

    *run = (SortRun){.spec = spec,
                     .shape = spec->has_null_free ? &spec->null_free : &spec->shape,
                     .ascends = true};
    row_store_init(&run->rows, spec->shape.rows.row_bytes, spec->pool, spec->consumer);
    text_store_init(&run->texts, spec->pool, spec->consumer);
    init_entries(run);
    TRY(mem_pool_alloc(spec->pool, scratch_bytes(spec), spec->consumer, err, &scratch));
    run->scratch = scratch;
    return ST_OK;
}

void sort_run_end(SortRun *run)
{
    if (run->spec == NULL)
        return;
    mem_pool_release(run->spec->pool, run->scratch, scratch_bytes(run->spec));
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
    for (uint32_t i = 0; i < run->held_count; i++)
        run->held[i]->let_go(run->held[i]);
    mem_pool_release(run->spec->pool, run->held, run->held_capacity * sizeof(TextMemory *));
    mem_pool_release(run->spec->pool, run->segments, run->segment_capacity * sizeof *run->segments);
    run->spec = NULL;
}

uint64_t sort_run_bytes(const SortRun *run)
{
    return run->rows.used_bytes + run->entries.used_bytes + run->texts.used_bytes + run->held_bytes;
}

/* Entries of a chunk at the end of run->entries. */
static Status widen_chunk(SortRun *run, const RowChunk *chunk, uint32_t row_bytes, Error *err)
{
    void *widened;

    for (uint32_t i = 0; i < chunk->row_count; i++) {
        const char *entry = chunk->rows + (size_t)i * row_bytes;

        TRY(row_store_add_one(&run->entries, err, &widened));
        sort_entry_widen(run->spec, (const uint64_t *)(const void *)entry, widened);
    }
    return ST_OK;
}

Status sort_run_widen(SortRun *run, Error *err)
{
    RowStore narrow = run->entries;
    Status status = ST_OK;

    if (run->shape == &run->spec->shape)
        return ST_OK;
    run->shape = &run->spec->shape;
    init_entries(run);
    for (uint32_t c = 0; c < narrow.chunk_count && status == ST_OK; c++) {
        status = stop_check(run->spec->stop, err);
        if (status == ST_OK)
            status = widen_chunk(run, &narrow.chunks[c], narrow.row_bytes, err);
        row_store_release_chunk(&narrow, c);
    }
    row_store_fini(&narrow);
    sort_words_widen(run->spec, false, run->first_words);
    sort_words_widen(run->spec, false, run->last_words);
    sort_words_widen(run->spec, true, run->differences);
    return status;
}

/* The segment of the batch's split. */
static Status find_segment(SortRun *run, uint32_t split, bool *is_new_out, Error *err)
{
    uint32_t capacity = run->segment_capacity == 0 ? 16 : run->segment_capacity * 2;
    void *segments = run->segments;

    *is_new_out = run->segment_count == 0 || run->segments[run->segment_count - 1].split != split;
    if (!*is_new_out)
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
    uint32_t words = run->shape->key.words;
    const uint64_t *keys = run->scratch->words;

    if (run->entries.row_count == 0)
        memcpy(run->first_words, keys, words * sizeof *keys);
    for (uint32_t w = 0; w < words; w++) {
        uint64_t first = run->first_words[w], differences = 0;

        for (uint32_t i = 0; i < count; i++)
            differences |= keys[(size_t)i * words + w] ^ first;
        run->differences[w] |= differences;
    }
}

/* Whether the segment still ascends; equal words of open keys are not looked into. */
static void note_order(SortRun *run, uint32_t count, bool is_new_segment)
{
    uint32_t words = run->shape->key.words;
    const uint64_t *keys = run->scratch->words, *last = run->last_words;
    bool is_last_open = run->is_last_open;

    if (!run->ascends)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *key = keys + (size_t)i * words;
        int order = i == 0 && is_new_segment ? -1 : sort_key_compare_words(words, last, key);

        if (order > 0 || (order == 0 && (is_last_open || run->scratch->is_open[i]))) {
            run->ascends = false;
            return;
        }
        last = key;
        is_last_open = run->scratch->is_open[i];
    }
    memmove(run->last_words, last, words * sizeof *last);
    run->is_last_open = is_last_open;
}

#define WRITE_KEYS(count_of_words)                                                                 \
    case count_of_words:                                                                           \
        for (uint32_t i = 0; i < count; i++)                                                       \
            memcpy(scratch->entries[i], scratch->words + (size_t)i * (count_of_words),             \
                   (count_of_words) * sizeof(uint64_t));                                           \
        return

/* Keys to the entries. */
static void write_keys(SortRun *run, uint32_t count)
{
    const SortScratch *scratch = run->scratch;

    switch (run->shape->key.words) {
        WRITE_KEYS(1);
        WRITE_KEYS(2);
        WRITE_KEYS(3);
        WRITE_KEYS(4);
    default:
        UNREACHABLE("words of a sort key");
    }
}

/* Whether the batch's texts stay where they are, for they are most of what they lie in. */
static bool may_hold(const Batch *batch)
{
    return batch->texts != NULL && batch->selected_count > batch->row_count / 2;
}

static Status hold_texts(SortRun *run, TextMemory *texts, Error *err)
{
    uint32_t capacity = run->held_capacity == 0 ? 16 : run->held_capacity * 2;
    void *held = run->held;

    if (run->held_count > 0 && run->held[run->held_count - 1] == texts)
        return ST_OK;
    if (run->held_count == run->held_capacity) {
        TRY(mem_pool_realloc(run->spec->pool, &held, run->held_capacity * sizeof(TextMemory *),
                             capacity * sizeof(TextMemory *), run->spec->consumer, err));
        run->held = held;
        run->held_capacity = capacity;
    }
    texts->hold(texts);
    run->held[run->held_count++] = texts;
    run->held_bytes += texts->bytes;
    return ST_OK;
}

/* The rows behind the keys, or their addresses. */
static Status write_rows(SortRun *run, const Batch *batch, uint32_t count, Error *err)
{
    const SortSpec *spec = run->spec;
    const RowLayout *rows = &run->shape->rows;
    SortScratch *scratch = run->scratch;
    uint32_t words = run->shape->key.words;
    bool holds = rows->has_text && may_hold(batch);

    if (rows->field_count == 0)
        return ST_OK;
    if (holds)
        TRY(hold_texts(run, batch->texts, err));
    for (uint32_t f = 0; f < rows->field_count; f++)
        scratch->columns[f] = batch->columns[spec->row_columns[f]];
    if (spec->is_inline)
        for (uint32_t i = 0; i < count; i++)
            scratch->rows[i] = (uint64_t *)scratch->entries[i] + words;
    else
        TRY(row_store_add(&run->rows, count, err, scratch->rows));
    TRY(row_write(rows, holds ? NULL : &run->texts, scratch->columns, batch->selection, count,
                  scratch->rows, err));
    for (uint32_t i = 0; !spec->is_inline && i < count; i++)
        ((uint64_t *)scratch->entries[i])[words] =
            (uint64_t)(uintptr_t)scratch->rows[i] | scratch->is_open[i];
    return ST_OK;
}

Status sort_run_add(SortRun *run, const Batch *batch, Error *err)
{
    uint32_t count = batch->selected_count;
    SortScratch *scratch = run->scratch;
    bool is_new_segment;

    if (count == 0)
        return ST_OK;
    if (run->shape != &run->spec->shape && sort_spec_needs_nulls(run->spec, batch))
        TRY(sort_run_widen(run, err));
    sort_key_encode(&run->shape->key, batch, scratch->words, scratch->is_open);
    note_differences(run, count);
    TRY(find_segment(run, batch->split, &is_new_segment, err));
    note_order(run, count, is_new_segment);
    TRY(row_store_add(&run->entries, count, err, scratch->entries));
    write_keys(run, count);
    TRY(write_rows(run, batch, count, err));
    run->segments[run->segment_count - 1].count += count;
    return ST_OK;
}

bool sort_run_undo(SortRun *run, uint64_t row_count)
{
    if (run->entries.row_count < row_count) /* it was being widened */
        return false;
    row_store_cut(&run->entries, row_count);
    if (!run->spec->is_inline)
        row_store_cut(&run->rows, row_count);
    return true;
}
