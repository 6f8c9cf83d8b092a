/* join_probe.c -- see join_probe.h */
#include "exec/join_probe.h"

#include <string.h>

#include "core/base/cpu_clones.h"
#include "core/base/invariant.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static const char consumer_name[] = "hash join probe";

/* How a candidate's key is compared with a row's. */
typedef enum Comparison {
    COMPARE_NOTHING,
    COMPARE_WORD,
    COMPARE_TWO_WORDS,
    COMPARE_VALUES
} Comparison;

enum { MEMORY_BYTES = BATCH_ROWS_MAX * (4 * sizeof(uint32_t) + 3 * sizeof(uint64_t)) };

Status join_probe_init(JoinProbe *probe, const JoinTable *table, Error *err)
{
    uint64_t *longs;

    *probe = (JoinProbe){.table = table, .quota = JOIN_FIRST_QUOTA};
    TRY(mem_pool_alloc(table->context->pool, MEMORY_BYTES, consumer_name, err, &probe->memory));
    longs = probe->memory;
    probe->words[0] = longs;
    probe->words[1] = longs + BATCH_ROWS_MAX;
    probe->hashes = longs + 2 * BATCH_ROWS_MAX;
    probe->input = (uint32_t *)(longs + 3 * BATCH_ROWS_MAX);
    probe->rows = probe->input + BATCH_ROWS_MAX;
    probe->starts = probe->rows + BATCH_ROWS_MAX;
    probe->ends = probe->starts + BATCH_ROWS_MAX;
    return ST_OK;
}

void join_probe_fini(JoinProbe *probe)
{
    if (probe->memory != NULL)
        mem_pool_release(probe->table->context->pool, probe->memory, MEMORY_BYTES);
    probe->memory = NULL;
}

static Comparison comparison_of(const JoinTable *table)
{
    if (table->form != JOIN_FORM_HASHED)
        return COMPARE_NOTHING;
    if (table->layout->key_words == 0)
        return COMPARE_VALUES;
    return table->layout->key_words == 1 ? COMPARE_WORD : COMPARE_TWO_WORDS;
}

/* --- candidates --- */

static void find_all(JoinProbe *probe, uint32_t count)
{
    memcpy(probe->rows, probe->input, count * sizeof *probe->rows);
    for (uint32_t i = 0; i < count; i++) {
        probe->starts[i] = 0;
        probe->ends[i] = probe->table->row_count;
    }
    probe->count = probe->table->row_count == 0 ? 0 : count;
}

FOR_EACH_CPU static void find_direct(JoinProbe *probe, const uint64_t *keys, uint32_t count)
{
    const JoinTable *table = probe->table;
    const JoinWord *words = table->words;
    uint64_t min = (uint64_t)table->min_key, last = table->range - 1;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = keys[i] - min;
        uint64_t inside = slot <= last ? slot : 0;
        const JoinWord *word = &words[inside / 64];
        uint64_t bit = (uint64_t)1 << (inside % 64);

        probe->rows[kept] = probe->input[i];
        probe->starts[kept] = word->rank + join_bits_count(word->bits & (bit - 1));
        kept += slot <= last && (word->bits & bit) != 0;
    }
    probe->count = kept;
    if (table->ends == NULL) {
        for (uint32_t i = 0; i < kept; i++)
            probe->ends[i] = probe->starts[i] + 1;
    } else {
        for (uint32_t i = 0; i < kept; i++) {
            probe->ends[i] = table->ends[probe->starts[i] + 1];
            probe->starts[i] = table->ends[probe->starts[i]];
        }
    }
}

/* The DIRECT-able keys of probe->input, as numbers. Where these are all rows of a plain column,
 * they are read where they are. */
static const uint64_t *key_numbers(JoinProbe *probe, const Column *key, const Batch *batch,
                                   uint32_t count)
{
    const JoinLayout *layout = probe->table->layout;

    if (layout->keys[0].phys == PHYS_INT64 && key->form == COLUMN_FLAT && count == batch->row_count)
        return key->values;
    join_keys_pack(layout, key, probe->input, count, probe->words);
    join_keys_widen(layout, probe->words[0], count);
    return probe->words[0];
}

static void hash_keys(JoinProbe *probe, const Column *keys, uint32_t count)
{
    const JoinLayout *layout = probe->table->layout;

    join_keys_pack(layout, keys, probe->input, count, probe->words);
    if (layout->is_direct_able)
        join_keys_widen(layout, probe->words[0], count);
    if (layout->key_words == 2)
        for (uint32_t i = 0; i < count; i++)
            probe->hashes[i] = join_hash_words(probe->words[0][i], probe->words[1][i]);
    else
        for (uint32_t i = 0; i < count; i++)
            probe->hashes[i] = join_hash_word(probe->words[0][i]);
}

static void find_hashed(JoinProbe *probe, uint32_t count)
{
    const JoinTable *table = probe->table;
    const uint64_t *entries = table->entries;
    uint32_t kept = 0, shift = table->shift;

    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&entries[probe->hashes[i] >> shift]);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = probe->hashes[i], tag = join_tag(hash);
        const uint64_t *entry = &entries[hash >> shift];

        probe->rows[kept] = probe->input[i];
        probe->words[0][kept] = probe->words[0][i];
        probe->words[1][kept] = probe->words[1][i];
        probe->starts[kept] = (uint32_t)(entry[0] >> 16);
        probe->ends[kept] = (uint32_t)(entry[1] >> 16);
        kept += (entry[1] & tag) == tag;
    }
    probe->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        __builtin_prefetch(join_table_row(table, probe->starts[i]));
}

void join_probe_start(JoinProbe *probe, const Column *keys, const Batch *batch)
{
    const JoinTable *table = probe->table;
    const JoinLayout *layout = table->layout;
    uint32_t count = batch->selected_count;
    Batch part = *batch;

    for (uint32_t i = 0; i < count; i++)
        probe->input[i] = batch_row(batch, i);
    count = join_keys_not_null(layout, keys, probe->input, count, probe->input);
    probe->keys = keys;
    probe->next = 0;
    probe->uses_range = probe->range != NULL && keys != NULL;
    probe->is_started = false;
    probe->quota = JOIN_FIRST_QUOTA;
    if (table->form == JOIN_FORM_ALL) {
        find_all(probe, count);
    } else if (table->reachable_count == 0) {
        probe->count = 0;
    } else if (table->form == JOIN_FORM_DIRECT) {
        find_direct(probe, key_numbers(probe, keys, batch, count), count);
    } else {
        part.selection = probe->input;
        part.selected_count = count;
        if (layout->key_words > 0)
            hash_keys(probe, keys, count);
        else
            kernel_hash(layout->key_count, keys, &part, probe->hashes);
        find_hashed(probe, count);
    }
    probe->place = probe->count == 0 ? 0 : probe->starts[0];
}

/* --- matches --- */

ALWAYS_INLINE bool is_match(const JoinProbe *probe, Comparison comparison, uint32_t candidate,
                            uint32_t place)
{
    const char *row;
    uint64_t first, second;

    if (comparison == COMPARE_NOTHING)
        return true;
    row = join_table_row(probe->table, place);
    if (comparison == COMPARE_VALUES)
        return join_key_equals_columns(probe->table->layout, row, probe->keys,
                                       probe->rows[candidate]);
    memcpy(&first, row, sizeof first);
    if (comparison == COMPARE_WORD)
        return first == probe->words[0][candidate];
    memcpy(&second, row + sizeof first, sizeof second);
    return first == probe->words[0][candidate] && second == probe->words[1][candidate];
}

ALWAYS_INLINE uint32_t first_matches(const JoinProbe *probe, Comparison comparison,
                                     uint32_t *rows_out, uint32_t *matches_out)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < probe->count; i++) {
        uint32_t place = probe->starts[i], end = probe->ends[i];

        while (place < end && !is_match(probe, comparison, i, place))
            place++;
        rows_out[found] = probe->rows[i];
        matches_out[found] = place;
        found += place < end;
    }
    return found;
}

uint32_t join_probe_first(JoinProbe *probe, uint32_t *rows_out, uint32_t *matches_out)
{
    switch (comparison_of(probe->table)) {
    case COMPARE_NOTHING:
        memcpy(rows_out, probe->rows, probe->count * sizeof *rows_out);
        memcpy(matches_out, probe->starts, probe->count * sizeof *matches_out);
        return probe->count;
    case COMPARE_WORD:
        return first_matches(probe, COMPARE_WORD, rows_out, matches_out);
    case COMPARE_TWO_WORDS:
        return first_matches(probe, COMPARE_TWO_WORDS, rows_out, matches_out);
    case COMPARE_VALUES:
        return first_matches(probe, COMPARE_VALUES, rows_out, matches_out);
    }
    UNREACHABLE("comparison");
}

/* Where one match decides a row, a few of its pairs are tried first, and more each time that they
 * did not. */
static void raise_quota(JoinProbe *probe)
{
    if (probe->quota < BATCH_ROWS_MAX)
        probe->quota *= JOIN_QUOTA_GROWTH;
}

/* How many pairs there may be when the row at hand stops. */
static uint32_t stop_at(const JoinProbe *probe, uint32_t found, uint32_t most)
{
    return probe->seeks_one && most - found > probe->quota ? found + probe->quota : most;
}

ALWAYS_INLINE uint32_t next_pairs(JoinProbe *probe, Comparison comparison, uint32_t most,
                                  uint32_t *rows_out, uint32_t *matches_out)
{
    uint32_t found = 0, next = probe->next, place = probe->place;

    while (next < probe->count && found < most) {
        uint32_t end = probe->ends[next], row = probe->rows[next];
        uint32_t stop = stop_at(probe, found, most);

        for (; place < end && found < stop; place++) {
            rows_out[found] = row;
            matches_out[found] = place;
            found += is_match(probe, comparison, next, place);
        }
        if (place < end) {
            raise_quota(probe);
            break;
        }
        next++;
        probe->quota = JOIN_FIRST_QUOTA;
        if (next < probe->count)
            place = probe->starts[next];
    }
    probe->next = next;
    probe->place = place;
    return found;
}

static uint32_t range_pairs(JoinProbe *probe, uint32_t most, uint32_t *rows_out,
                            uint32_t *matches_out)
{
    uint32_t found = 0;

    while (probe->next < probe->count && found < most) {
        uint32_t row = probe->rows[probe->next], wanted = stop_at(probe, found, most) - found, got;

        if (!probe->is_started)
            join_range_start(probe->range, probe->keys, row);
        probe->is_started = true;
        if (probe->takes_first)
            wanted = 1;
        got = join_range_next(probe->range, wanted, matches_out + found);
        for (uint32_t i = 0; i < got; i++)
            rows_out[found + i] = row;
        found += got;
        if (got == wanted && !probe->takes_first) {
            raise_quota(probe);
            break;
        }
        join_probe_skip_row(probe);
    }
    return found;
}

uint32_t join_probe_pairs(JoinProbe *probe, uint32_t most, uint32_t *rows_out,
                          uint32_t *matches_out)
{
    if (probe->uses_range)
        return range_pairs(probe, most, rows_out, matches_out);
    switch (comparison_of(probe->table)) {
    case COMPARE_NOTHING:
        return next_pairs(probe, COMPARE_NOTHING, most, rows_out, matches_out);
    case COMPARE_WORD:
        return next_pairs(probe, COMPARE_WORD, most, rows_out, matches_out);
    case COMPARE_TWO_WORDS:
        return next_pairs(probe, COMPARE_TWO_WORDS, most, rows_out, matches_out);
    case COMPARE_VALUES:
        return next_pairs(probe, COMPARE_VALUES, most, rows_out, matches_out);
    }
    UNREACHABLE("comparison");
}
