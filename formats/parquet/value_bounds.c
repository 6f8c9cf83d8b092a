/*
 * value_bounds.c -- the least and greatest value of a column writer; see column_writer.h
 *
 * Floats as the format's rules have it: NaN is left out, a least 0 is written as -0 and a greatest
 * as +0. Texts are cut to BOUND_BYTES_MAX: the least after a whole character, the greatest likewise
 * and then made the next greater text of that length.
 */
#include <math.h>
#include <string.h>

#include "core/data/type.h"
#include "formats/parquet/column_writer.h"

#define SCAN(CType)                                                                                \
    do {                                                                                           \
        const CType *at = (const CType *)(const void *)writer->values.bytes + start;               \
        CType least = at[0], greatest = at[0];                                                     \
        for (uint32_t i = 1; i < count; i++) {                                                     \
            least = at[i] < least ? at[i] : least;                                                 \
            greatest = at[i] > greatest ? at[i] : greatest;                                        \
        }                                                                                          \
        set_bound(&bounds.min, &least, sizeof least);                                              \
        set_bound(&bounds.max, &greatest, sizeof greatest);                                        \
        bounds.has_bounds = true;                                                                  \
    } while (0)

#define SCAN_FLOATS(CType)                                                                         \
    do {                                                                                           \
        const CType *at = (const CType *)(const void *)writer->values.bytes + start;               \
        CType least = 0, greatest = 0;                                                             \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            if (isnan(at[i])) {                                                                    \
                bounds.nan_count++;                                                                \
                continue;                                                                          \
            }                                                                                      \
            least = !bounds.has_bounds || at[i] < least ? at[i] : least;                           \
            greatest = !bounds.has_bounds || at[i] > greatest ? at[i] : greatest;                  \
            bounds.has_bounds = true;                                                              \
        }                                                                                          \
        least = least == 0 ? -(CType)0 : least;                                                    \
        greatest = greatest == 0 ? (CType)0 : greatest;                                            \
        set_bound(&bounds.min, &least, sizeof least);                                              \
        set_bound(&bounds.max, &greatest, sizeof greatest);                                        \
    } while (0)

static void set_bound(StoredBound *bound, const void *bytes, uint32_t length)
{
    bound->length = length;
    bound->is_exact = true;
    memcpy(bound->bytes, bytes, length);
}

static int compare_bytes(const uint8_t *a, uint32_t a_length, const uint8_t *b, uint32_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order != 0 ? order : a_length < b_length ? -1 : a_length > b_length;
}

/* The longest prefix of whole characters. */
static uint32_t cut_length(const uint8_t *bytes, uint32_t length)
{
    if (length <= BOUND_BYTES_MAX)
        return length;
    length = BOUND_BYTES_MAX;
    while (length > 0 && (bytes[length] & 0xc0) == 0x80)
        length--;
    return length;
}

/* The text after all that begin with this one: its last character that can be raised is. Only
 * ASCII characters are; false when there is none. */
static bool raise_text(StoredBound *bound)
{
    while (bound->length > 0) {
        uint8_t *last = &bound->bytes[bound->length - 1];

        if (*last < 0x7f) {
            (*last)++;
            return true;
        }
        bound->length--;
    }
    return false;
}

static bool set_text_bound(StoredBound *bound, const uint8_t *bytes, uint32_t length, bool is_max)
{
    uint32_t cut = cut_length(bytes, length);

    set_bound(bound, bytes, cut);
    bound->is_exact = cut == length;
    return bound->is_exact || !is_max || raise_text(bound);
}

static StoredBounds text_bounds(const ColumnWriter *writer, uint32_t start, uint32_t count)
{
    uint32_t min_length, max_length;
    const uint8_t *min = column_writer_text(writer, start, &min_length);
    const uint8_t *max = min;
    StoredBounds bounds = {0};

    max_length = min_length;
    for (uint32_t i = start + 1; i < start + count; i++) {
        uint32_t length;
        const uint8_t *bytes = column_writer_text(writer, i, &length);

        if (compare_bytes(bytes, length, min, min_length) < 0) {
            min = bytes;
            min_length = length;
        } else if (compare_bytes(bytes, length, max, max_length) > 0) {
            max = bytes;
            max_length = length;
        }
    }
    bounds.has_bounds = set_text_bound(&bounds.min, min, min_length, false) &&
                        set_text_bound(&bounds.max, max, max_length, true);
    return bounds;
}

/* Big-endian, as stored. */
static void swap_bound(StoredBound *bound, uint32_t fixed_bytes)
{
    uint8_t swapped[16];

    for (uint32_t i = 0; i < fixed_bytes; i++)
        swapped[i] = bound->bytes[fixed_bytes - 1 - i];
    set_bound(bound, swapped, fixed_bytes);
}

StoredBounds column_writer_bounds(const ColumnWriter *writer, uint32_t start, uint32_t count)
{
    StoredBounds bounds = {0};

    if (count == 0)
        return bounds;
    switch (writer->stored.kind) {
    case STORED_BOOL:
        SCAN(uint8_t);
        break;
    case STORED_INT32:
        SCAN(int32_t);
        break;
    case STORED_INT64:
        SCAN(int64_t);
        break;
    case STORED_INT128:
        SCAN(Int128);
        swap_bound(&bounds.min, writer->stored.fixed_bytes);
        swap_bound(&bounds.max, writer->stored.fixed_bytes);
        break;
    case STORED_FLOAT:
        SCAN_FLOATS(float);
        break;
    case STORED_DOUBLE:
        SCAN_FLOATS(double);
        break;
    case STORED_TEXT:
        return text_bounds(writer, start, count);
    case STORED_INTERVAL:
        break;
    }
    return bounds;
}

#define COMPARE(CType)                                                                             \
    do {                                                                                           \
        CType x, y;                                                                                \
        memcpy(&x, a->bytes, sizeof x);                                                            \
        memcpy(&y, b->bytes, sizeof y);                                                            \
        return x < y ? -1 : x > y;                                                                 \
    } while (0)

static int compare_bounds(const StoredType *stored, const StoredBound *a, const StoredBound *b)
{
    switch (stored->kind) {
    case STORED_BOOL:
        COMPARE(uint8_t);
    case STORED_INT32:
        COMPARE(int32_t);
    case STORED_INT64:
        COMPARE(int64_t);
    case STORED_FLOAT:
        COMPARE(float);
    case STORED_DOUBLE:
        COMPARE(double);
    case STORED_INT128: /* the sign first, the other bytes are in order */
        if ((a->bytes[0] ^ b->bytes[0]) >> 7)
            return a->bytes[0] >> 7 ? -1 : 1;
        return memcmp(a->bytes, b->bytes, a->length);
    case STORED_TEXT:
        return compare_bytes(a->bytes, a->length, b->bytes, b->length);
    case STORED_INTERVAL: /* has none */
        break;
    }
    return 0;
}

void stored_bounds_join(const StoredType *stored, StoredBounds *a, const StoredBounds *b)
{
    if (compare_bounds(stored, &b->min, &a->min) < 0)
        a->min = b->min;
    if (compare_bounds(stored, &b->max, &a->max) > 0)
        a->max = b->max;
}
