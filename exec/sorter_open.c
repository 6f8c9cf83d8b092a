/*
 * sorter_open.c -- entries whose words do not decide; see sorter.h
 *
 *     few of them    a merge sort that compares rows
 *     many           the rows' keys from there on, where the words end, become words of new
 *                    entries, which are sorted by
 *                    radix in turn: "Customer#000000001", ... -> the common start is skipped,
 *                        then {"000000001"}
 */
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/stop_check.h"
#include "exec/sorter.h"
#include "exec/sorter_radix.h"

enum {
    POLL_ROWS = 16 * 1024,
    ENCODED_ROWS_MIN = 128, /* fewer are compared */
    DEPTH_MAX = 16          /* deeper down they are compared, too */
};

/* --- comparing --- */

static int compare(const SortSpec *spec, uint64_t a, uint64_t b)
{
    return sort_key_compare(&spec->shape.key, &spec->shape.rows, sorter_entry_row(a),
                            sorter_entry_row(b));
}

/* from[start, middle) and from[middle, end), both sorted, into to[start, end). */
static void merge(const SortSpec *spec, const uint64_t *from, uint64_t start, uint64_t middle,
                  uint64_t end, uint64_t *to)
{
    uint64_t left = start, right = middle;

    for (uint64_t i = start; i < end; i++) {
        bool takes_left =
            right == end || (left < middle && compare(spec, from[left], from[right]) <= 0);

        to[i] = takes_left ? from[left++] : from[right++];
    }
}

/* scratch: room for 2 * count words. */
static Status sort_by_comparing(const SortSpec *spec, uint64_t *entries, uint32_t stride,
                                uint64_t count, uint64_t *scratch, Error *err)
{
    uint64_t *from = scratch, *to = scratch + count, *swap, merged = 0;

    for (uint64_t i = 0; i < count; i++)
        from[i] = entries[i * stride + stride - 1];
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * width) {
            uint64_t middle = start + width < count ? start + width : count;
            uint64_t end = middle + width < count ? middle + width : count;

            merge(spec, from, start, middle, end, to);
            merged += end - start;
            if (merged > POLL_ROWS) {
                TRY(stop_check(spec->stop, err));
                merged = 0;
            }
        }
        swap = from;
        from = to;
        to = swap;
    }
    for (uint64_t i = 0; i < count; i++)
        entries[i * stride + stride - 1] = from[i];
    return ST_OK;
}

/* --- encoding what is left --- */

/* A key that begins within the spec's. */
typedef struct RestKey {
    SortKeyLayout layout;
    uint32_t first; /* part of the spec's key */
    uint32_t depth;
} RestKey;

/* Work space to encode keys of rows. */
typedef struct RowEncoder {
    const SortSpec *spec;
    Column *columns; /* by field; only the key's are filled in */
    char *values;    /* of BATCH_ROWS_MAX rows, part after part */
    uint64_t validity[BATCH_ROWS_MAX / 64];
    const void *rows[BATCH_ROWS_MAX];
    uint64_t words[BATCH_ROWS_MAX * SORT_KEY_WORDS_MAX];
    bool is_open[BATCH_ROWS_MAX];
} RowEncoder;

enum { VALUE_BYTES_MAX = 16 };

static size_t part_bytes(void)
{
    return BATCH_ROWS_MAX * VALUE_BYTES_MAX + BATCH_ROWS_MAX / 8;
}

static size_t encoder_bytes(const SortSpec *spec)
{
    return sizeof(RowEncoder) + spec->shape.rows.field_count * sizeof(Column) +
           spec->shape.key.part_count * part_bytes();
}

static Status encoder_new(const SortSpec *spec, Error *err, RowEncoder **encoder_out)
{
    RowEncoder *encoder;
    void *memory;

    *encoder_out = NULL;
    TRY(mem_pool_alloc(spec->pool, encoder_bytes(spec), spec->consumer, err, &memory));
    encoder = memory;
    encoder->spec = spec;
    encoder->columns = (Column *)(encoder + 1);
    encoder->values = (char *)(encoder->columns + spec->shape.rows.field_count);
    *encoder_out = encoder;
    return ST_OK;
}

/* Keys of count rows, whose addresses end the entries, to encoder->words and is_open. */
static void encode_rows(RowEncoder *encoder, const SortKeyLayout *layout, const uint64_t *entries,
                        uint32_t stride, uint32_t count)
{
    char *values = encoder->values;
    Batch batch = {.column_count = encoder->spec->shape.rows.field_count,
                   .row_count = count,
                   .columns = encoder->columns,
                   .selected_count = count};

    for (uint32_t i = 0; i < count; i++) {
        encoder->rows[i] = sorter_entry_row(entries[(size_t)i * stride + stride - 1]);
        __builtin_prefetch(encoder->rows[i]);
    }
    for (uint32_t k = 0; k < layout->encoded_count; k++, values += part_bytes()) {
        uint32_t column = layout->parts[k].column;
        uint64_t *validity = (uint64_t *)(void *)(values + BATCH_ROWS_MAX * VALUE_BYTES_MAX);

        encoder->columns[column] = row_read_field(&encoder->spec->shape.rows, column, encoder->rows,
                                                  count, values, validity);
    }
    sort_key_encode(layout, &batch, encoder->words, encoder->is_open);
}

static Str text_of(const SortSpec *spec, uint64_t address, uint32_t column)
{
    Str text;

    memcpy(&text, row_value(&spec->shape.rows, sorter_entry_row(address), column), sizeof text);
    return text;
}

/* How many bytes all texts have in common, from is_known bytes on. */
static uint32_t common_bytes(const SortSpec *spec, const uint64_t *entries, uint32_t stride,
                             uint64_t count, uint32_t column, uint32_t known_bytes)
{
    Str first = text_of(spec, entries[stride - 1], column);
    uint32_t common = first.length;

    for (uint64_t i = 1; i < count && common > known_bytes; i++) {
        Str text = text_of(spec, entries[i * stride + stride - 1], column);
        const char *a = str_bytes(&first), *b = str_bytes(&text);
        uint32_t same = known_bytes;

        if (text.length < common)
            common = text.length;
        if (memcmp(a + same, b + same, common - same) == 0)
            continue;
        while (a[same] == b[same])
            same++;
        common = same;
    }
    return common;
}

/* Where the words of these entries, equal and open under key, end. */
static RestKey find_rest(RowEncoder *encoder, const RestKey *key, const uint64_t *entries,
                         uint32_t stride, uint64_t count, SortKeyPart *parts)
{
    const SortSpec *spec = encoder->spec;
    RestKey rest = {.depth = key->depth + 1};
    uint32_t part, skip_bytes;

    encode_rows(encoder, &key->layout, entries, stride, 1);
    sort_key_find_end(&key->layout, encoder->words, &part, &skip_bytes);
    rest.first = key->first + part;
    if (skip_bytes > 0)
        skip_bytes =
            common_bytes(spec, entries, stride, count, key->layout.parts[part].column, skip_bytes);
    rest.layout = sort_key_layout_rest(&spec->shape.key, rest.first, skip_bytes, parts);
    return rest;
}

static Status sort_equal_words(const SortSpec *spec, RowEncoder *encoder, const RestKey *key,
                               uint64_t *entries, uint32_t words, uint64_t count, uint64_t *scratch,
                               Error *err);

/* The rest of the key as words of entries of their own, sorted; the addresses go back to entries
 * in that order. */
static Status sort_rest(const SortSpec *spec, RowEncoder *encoder, const RestKey *rest,
                        uint64_t *entries, uint32_t stride, uint64_t count, uint64_t *sorted,
                        uint64_t *temp, Error *err)
{
    uint32_t words = rest->layout.words;

    for (uint64_t start = 0; start < count; start += BATCH_ROWS_MAX) {
        uint32_t rows = count - start < BATCH_ROWS_MAX ? (uint32_t)(count - start) : BATCH_ROWS_MAX;

        TRY(stop_check(spec->stop, err));
        encode_rows(encoder, &rest->layout, entries + start * stride, stride, rows);
        for (uint32_t i = 0; i < rows; i++) {
            uint64_t *entry = sorted + (start + i) * (words + 1);

            memcpy(entry, encoder->words + (size_t)i * words, words * sizeof *entry);
            entry[words] = (uint64_t)(uintptr_t)encoder->rows[i] | encoder->is_open[i];
        }
    }
    sorter_radix(words, words + 1, sorted, temp, count);
    TRY(sort_equal_words(spec, encoder, rest, sorted, words, count, temp, err));
    for (uint64_t i = 0; i < count; i++)
        entries[i * stride + stride - 1] = sorted[i * (words + 1) + words] | SORT_ENTRY_OPEN;
    return ST_OK;
}

static Status sort_by_encoding(const SortSpec *spec, RowEncoder *encoder, const RestKey *key,
                               uint64_t *entries, uint32_t stride, uint64_t count, Error *err)
{
    size_t parts_bytes = spec->shape.key.part_count * sizeof(SortKeyPart);
    size_t entries_bytes = count * (SORT_KEY_WORDS_MAX + 1) * sizeof(uint64_t);
    char *memory;
    void *allocated;
    RestKey rest;
    Status status;

    TRY(mem_pool_alloc(spec->pool, 2 * entries_bytes + parts_bytes, spec->consumer, err,
                       &allocated));
    memory = allocated;
    rest = find_rest(encoder, key, entries, stride, count,
                     (SortKeyPart *)(void *)(memory + 2 * entries_bytes));
    status = sort_rest(spec, encoder, &rest, entries, stride, count, allocated,
                       (uint64_t *)(void *)(memory + entries_bytes), err);
    mem_pool_release(spec->pool, allocated, 2 * entries_bytes + parts_bytes);
    return status;
}

/* --- runs of equal words --- */

/* Entries are sorted by their words, which are those of `key`. */
static Status sort_equal_words(const SortSpec *spec, RowEncoder *encoder, const RestKey *key,
                               uint64_t *entries, uint32_t words, uint64_t count, uint64_t *scratch,
                               Error *err)
{
    uint32_t stride = words + 1;

    for (uint64_t start = 0, end; start < count; start = end) {
        uint64_t *first = entries + start * stride;

        for (end = start + 1; end < count; end++)
            if (sort_key_compare_words(words, first, entries + end * stride) != 0)
                break;
        if (end - start == 1 || (first[words] & SORT_ENTRY_OPEN) == 0)
            continue;
        if (encoder == NULL || key->depth >= DEPTH_MAX || end - start < ENCODED_ROWS_MIN)
            TRY(sort_by_comparing(spec, first, stride, end - start, scratch, err));
        else
            TRY(sort_by_encoding(spec, encoder, key, first, stride, end - start, err));
    }
    return ST_OK;
}

Status sorter_sort_entries(const SortSpec *spec, uint32_t words, uint32_t stride, uint64_t *entries,
                           uint64_t *temp, uint64_t count, Error *err)
{
    RestKey whole = {.layout = spec->shape.key};
    RowEncoder *encoder = NULL;
    Status status = ST_OK;

    sorter_radix(words, stride, entries, temp, count);
    if (spec->shape.key.compared_from == spec->shape.key.part_count)
        return ST_OK;
    CHECK(stride == words + 1);
    if (count >= ENCODED_ROWS_MIN)
        status = encoder_new(spec, err, &encoder);
    if (status == ST_OK)
        status = sort_equal_words(spec, encoder, &whole, entries, words, count, temp, err);
    mem_pool_release(spec->pool, encoder, encoder_bytes(spec));
    return status;
}
