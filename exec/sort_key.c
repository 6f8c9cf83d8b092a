/* sort_key.c -- see sort_key.h */
#include "exec/sort_key.h"

#include <math.h>
#include <string.h>

#include "core/base/invariant.h"

enum {
    KEY_BYTES_MAX = SORT_KEY_WORDS_MAX * 8,
    TEXT_BYTES_MIN = 9, /* the length byte included */
    INTERVAL_BYTES = 10 /* 2^31 months in microseconds have 73 bits */
};

/* --- layout --- */

/* Bytes that a part should have; a text takes more if there are. */
static uint32_t wanted_bytes(const SortKeyPart *part)
{
    if (part->phys == PHYS_STR)
        return TEXT_BYTES_MIN;
    return part->phys == PHYS_INTERVAL ? INTERVAL_BYTES : (uint32_t)phys_bytes(part->phys);
}

/* What part k can have of the bytes that are left, when those after it get what they want. */
static uint32_t share_of(const SortKeyPart *parts, uint32_t k, uint32_t part_count, uint32_t left)
{
    uint32_t wanted = wanted_bytes(&parts[k]), later = 0;

    if (parts[k].phys != PHYS_STR)
        return wanted < left ? wanted : left;
    for (uint32_t i = k + 1; i < part_count && later < left; i++)
        later += parts[i].is_nullable + wanted_bytes(&parts[i]);
    if (later < left && left - later > wanted)
        return left - later;
    return wanted < left ? wanted : left;
}

/* Gives out the bytes of the words. */
static SortKeyLayout place_parts(SortKeyPart *parts, uint32_t part_count)
{
    SortKeyLayout layout = {.part_count = part_count, .parts = parts, .compared_from = part_count};
    uint32_t offset = 0;

    for (uint32_t k = 0; k < part_count; k++) {
        SortKeyPart *part = &parts[k];
        uint32_t left = KEY_BYTES_MAX - offset;

        part->offset = offset;
        part->value_bytes = 0;
        if (layout.is_cut || left < part->is_nullable + 2u) {
            layout.is_cut = true;
        } else {
            part->value_bytes = share_of(parts, k, part_count, left - part->is_nullable);
            offset += part->is_nullable + part->value_bytes;
            layout.encoded_count = k + 1;
            layout.is_cut = part->value_bytes < wanted_bytes(part) && part->phys != PHYS_STR;
        }
        if ((part->phys == PHYS_STR || layout.is_cut) && layout.compared_from > k)
            layout.compared_from = k;
    }
    layout.words = offset == 0 ? 1 : (offset + 7) / 8;
    return layout;
}

SortKeyLayout sort_key_layout_make(Arena *arena, const Plan *input, const SortKeyList *keys)
{
    SortKeyPart *parts = ARENA_ARRAY(arena, SortKeyPart, keys->count);

    for (uint32_t k = 0; k < keys->count; k++) {
        const SortKey *key = &keys->items[k];
        int32_t column = plan_column_index(input, key->column);

        CHECK(column >= 0);
        parts[k] = (SortKeyPart){.column = (uint32_t)column,
                                 .phys = type_phys(input->columns[column].type),
                                 .is_descending = key->is_descending,
                                 .nulls_first = key->nulls_first,
                                 .is_nullable = input->columns[column].is_nullable};
    }
    return place_parts(parts, keys->count);
}

SortKeyLayout sort_key_layout_without_nulls(Arena *arena, const SortKeyLayout *layout)
{
    SortKeyPart *parts = ARENA_ARRAY(arena, SortKeyPart, layout->part_count);

    for (uint32_t k = 0; k < layout->part_count; k++) {
        parts[k] = layout->parts[k];
        parts[k].is_nullable = false;
    }
    return place_parts(parts, layout->part_count);
}

bool sort_key_can_decode(const SortKeyLayout *layout, uint32_t part)
{
    const SortKeyPart *p = &layout->parts[part];

    if (part >= layout->encoded_count || p->value_bytes < wanted_bytes(p))
        return false;
    switch (p->phys) {
    case PHYS_BOOL:
    case PHYS_INT16:
    case PHYS_INT32:
    case PHYS_INT64:
    case PHYS_INT128:
        return true;
    default:
        return false; /* -0.0 sorts as 0.0, 30 days as a month */
    }
}

SortKeyLayout sort_key_layout_rest(const SortKeyLayout *whole, uint32_t first, uint32_t skip_bytes,
                                   SortKeyPart *parts)
{
    uint32_t part_count = whole->part_count - first;

    memcpy(parts, whole->parts + first, part_count * sizeof *parts);
    if (part_count > 0)
        parts[0].skip_bytes = skip_bytes;
    return place_parts(parts, part_count);
}

static uint8_t key_byte(const uint64_t *words, uint32_t byte)
{
    return (uint8_t)(words[byte / 8] >> (56 - 8 * (byte % 8)));
}

void sort_key_find_end(const SortKeyLayout *layout, const uint64_t *words, uint32_t *part_out,
                       uint32_t *skip_bytes_out)
{
    for (uint32_t k = layout->compared_from; k < layout->encoded_count; k++) {
        const SortKeyPart *part = &layout->parts[k];
        uint32_t last_byte = part->offset + part->is_nullable + part->value_bytes - 1;
        uint8_t length = key_byte(words, last_byte);

        *part_out = k;
        *skip_bytes_out = 0;
        if (part->phys == PHYS_STR) {
            *skip_bytes_out = part->skip_bytes + part->value_bytes - 1;
            if ((uint8_t)(part->is_descending ? ~length : length) == part->value_bytes)
                return;
        } else if (part->value_bytes < wanted_bytes(part)) {
            return;
        }
    }
    *part_out = layout->encoded_count;
    *skip_bytes_out = 0;
}

/* --- encoding --- */

typedef struct Encoder {
    const SortKeyPart *part;
    const Column *column;
    const char *values; /* row r's lies at stride * r, or stride * codes[r] */
    size_t stride;
    const uint32_t *codes;
    const Batch *batch;
    uint64_t *keys; /* zeroed at first */
    uint32_t words; /* of one row      */
    const bool *is_open;
    bool is_dense; /* row i is value i, and every row has one */
} Encoder;

static inline const void *value_of(const Encoder *e, uint32_t row)
{
    return e->values + e->stride * (e->codes != NULL ? e->codes[row] : row);
}

/* Rows whose earlier text was cut off, or whose value is null, have no value bytes. */
static inline bool has_no_value(const Encoder *e, uint32_t i, uint32_t row)
{
    return e->is_open[i] || (e->part->is_nullable && column_is_null(e->column, row));
}

/* The last `bytes` bytes of bits (the others are zero) to the row's key, from byte `start` on. */
static inline void put_bytes(const Encoder *e, uint32_t i, uint64_t bits, uint32_t start,
                             uint32_t bytes)
{
    uint64_t *words = e->keys + (size_t)i * e->words + start / 8;
    uint32_t end = 8 * (start % 8 + bytes);

    if (end <= 64) {
        words[0] |= bits << (64 - end);
    } else {
        words[0] |= bits >> (end - 64);
        words[1] |= bits << (128 - end);
    }
}

/* Of the `size` bytes of bits the first part->value_bytes; size <= 8. */
static inline void put_64(const Encoder *e, uint32_t i, uint64_t bits, uint32_t size)
{
    const SortKeyPart *part = e->part;
    uint32_t cut = part->value_bytes < size ? size - part->value_bytes : 0;

    if (part->is_descending)
        bits = ~bits & (UINT64_MAX >> (64 - 8 * size));
    put_bytes(e, i, bits >> (8 * cut), part->offset + part->is_nullable, size - cut);
}

/* The same for 8 < size <= 16. */
static inline void put_bits(const Encoder *e, uint32_t i, UInt128 bits, uint32_t size)
{
    const SortKeyPart *part = e->part;
    uint32_t start = part->offset + part->is_nullable, high_bytes = size - 8;
    uint32_t low_bytes = part->value_bytes < size ? 0 : 8;
    uint64_t high, low;

    if (part->is_descending)
        bits = ~bits;
    if (part->value_bytes < size && part->value_bytes > high_bytes)
        low_bytes = part->value_bytes - high_bytes;
    low = (uint64_t)bits >> (64 - 8 * low_bytes) % 64;
    high = (uint64_t)(bits >> 64) & (UINT64_MAX >> (64 - 8 * high_bytes));
    if (part->value_bytes < high_bytes) {
        high >>= 8 * (high_bytes - part->value_bytes);
        high_bytes = part->value_bytes;
    }
    put_bytes(e, i, high, start, high_bytes);
    if (low_bytes > 0)
        put_bytes(e, i, low, start + high_bytes, low_bytes);
}

static inline uint64_t float32_bits(float value)
{
    uint32_t bits;

    if (isnan(value))
        return UINT32_MAX;
    value += 0.0f; /* -0.0 becomes 0.0 */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 31 ? (uint32_t)~bits : bits | 0x80000000u;
}

static inline uint64_t float64_bits(double value)
{
    uint64_t bits;

    if (isnan(value))
        return UINT64_MAX;
    value += 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static inline UInt128 interval_bits(Interval interval)
{
    const Int128 day_micros = (Int128)86400 * 1000000;
    Int128 micros = ((Int128)interval.months * 30 + interval.days) * day_micros + interval.micros;

    return (UInt128)micros + ((UInt128)1 << (8 * INTERVAL_BYTES - 1));
}

/* put_64 of values one after the other: what is the same for all stands before the loops. */
static inline void put_dense(const Encoder *e, const uint64_t *bits, uint32_t from, uint32_t count,
                             uint32_t size)
{
    const SortKeyPart *part = e->part;
    uint32_t cut = part->value_bytes < size ? size - part->value_bytes : 0, words = e->words;
    uint32_t start = part->offset + part->is_nullable;
    uint32_t end = 8 * (start % 8 + size - cut); /* in bits, in the first of two words */
    uint64_t inversion = part->is_descending ? UINT64_MAX >> (64 - 8 * size) : 0;
    uint64_t *keys = e->keys + (size_t)from * words + start / 8;

    if (end > 64) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t value = (bits[i] ^ inversion) >> (8 * cut);

            keys[(size_t)i * words] |= value >> (end - 64);
            keys[(size_t)i * words + 1] |= value << (128 - end);
        }
    } else if (words == 1) {
        for (uint32_t i = 0; i < count; i++)
            keys[i] |= (bits[i] ^ inversion) >> (8 * cut) << (64 - end);
    } else {
        for (uint32_t i = 0; i < count; i++)
            keys[(size_t)i * words] |= (bits[i] ^ inversion) >> (8 * cut) << (64 - end);
    }
}

enum { DENSE_ROWS = 256 };

#define PUT_DENSE(CType, bits, size)                                                               \
    for (uint32_t from = 0; from < e->batch->selected_count; from += DENSE_ROWS) {                 \
        uint32_t left = e->batch->selected_count - from;                                           \
        uint32_t count = left < DENSE_ROWS ? left : DENSE_ROWS;                                    \
        const CType *values = (const CType *)(const void *)e->values + from;                       \
        uint64_t room[DENSE_ROWS];                                                                 \
                                                                                                   \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            CType value = values[i];                                                               \
                                                                                                   \
            room[i] = (bits);                                                                      \
        }                                                                                          \
        put_dense(e, room, from, count, (size));                                                   \
    }                                                                                              \
    break

static void encode_dense(const Encoder *e)
{
    switch (e->part->phys) {
    case PHYS_INT32:
        PUT_DENSE(uint32_t, value ^ 0x80000000u, 4);
    case PHYS_INT64:
        PUT_DENSE(uint64_t, value ^ (uint64_t)1 << 63, 8);
    case PHYS_FLOAT64:
        PUT_DENSE(double, float64_bits(value), 8);
    default:
        UNREACHABLE("physical form");
    }
}

static bool has_dense_loop(const Encoder *e)
{
    return e->is_dense && (e->part->phys == PHYS_INT32 || e->part->phys == PHYS_INT64 ||
                           e->part->phys == PHYS_FLOAT64);
}

/* One loop a physical form; bits: an expression over `value` of its C type. */
#define PUT_EACH(CType, put, bits, size)                                                           \
    for (uint32_t i = 0; i < e->batch->selected_count; i++) {                                      \
        uint32_t row = batch_row(e->batch, i);                                                     \
        CType value;                                                                               \
                                                                                                   \
        if (has_no_value(e, i, row))                                                               \
            continue;                                                                              \
        memcpy(&value, value_of(e, row), sizeof value);                                            \
        put(e, i, (bits), (size));                                                                 \
    }                                                                                              \
    break

static void encode_fixed(const Encoder *e)
{
    switch (e->part->phys) {
    case PHYS_BOOL:
        PUT_EACH(uint8_t, put_64, value, 1);
    case PHYS_INT16:
        PUT_EACH(uint16_t, put_64, (uint16_t)(value ^ 0x8000u), 2);
    case PHYS_INT32:
        PUT_EACH(uint32_t, put_64, value ^ 0x80000000u, 4);
    case PHYS_INT64:
        PUT_EACH(uint64_t, put_64, value ^ (uint64_t)1 << 63, 8);
    case PHYS_INT128:
        PUT_EACH(UInt128, put_bits, value ^ (UInt128)1 << 127, 16);
    case PHYS_FLOAT32:
        PUT_EACH(float, put_64, float32_bits(value), 4);
    case PHYS_FLOAT64:
        PUT_EACH(double, put_64, float64_bits(value), 8);
    case PHYS_INTERVAL:
        PUT_EACH(Interval, put_bits, interval_bits(value), INTERVAL_BYTES);
    default:
        UNREACHABLE("physical form");
    }
}

/* The first `count` bytes, up to 8, as a number whose highest byte is the first. */
static inline uint64_t leading_bytes(const char *bytes, uint32_t count)
{
    uint64_t eight, first, middle, last;
    uint32_t first_four, last_four;

    if (count >= 8) {
        memcpy(&eight, bytes, sizeof eight);
        return __builtin_bswap64(eight);
    }
    if (count >= 4) { /* two pieces that may overlap */
        memcpy(&first_four, bytes, sizeof first_four);
        memcpy(&last_four, bytes + count - 4, sizeof last_four);
        return (uint64_t)__builtin_bswap32(first_four) << 32 |
               (uint64_t)__builtin_bswap32(last_four) << (64 - 8 * count);
    }
    if (count == 0)
        return 0;
    first = (uint8_t)bytes[0];
    middle = (uint8_t)bytes[count / 2];
    last = (uint8_t)bytes[count - 1];
    return first << 56 | middle << (56 - 8 * (count / 2)) | last << (64 - 8 * count);
}

/* The text's bytes to the row's key, from byte `start` on. */
static inline void put_text(const Encoder *e, uint32_t i, const char *bytes, uint32_t count,
                            uint32_t start)
{
    uint64_t *words = e->keys + (size_t)i * e->words + start / 8;
    uint32_t shift = 8 * (start % 8);

    for (uint32_t done = 0; done < count; done += 8, words++) {
        uint32_t some = count - done < 8 ? count - done : 8;
        uint64_t bits = leading_bytes(bytes + done, some);

        words[0] |= bits >> shift;
        if (shift + 8 * some > 64)
            words[1] |= bits << (64 - shift);
    }
}

static void invert_bytes(const Encoder *e, uint32_t i, uint32_t start, uint32_t count)
{
    uint64_t *words = e->keys + (size_t)i * e->words;

    for (uint32_t b = start; b < start + count; b++)
        words[b / 8] ^= (uint64_t)0xff << (56 - 8 * (b % 8));
}

static void encode_texts(const Encoder *e, bool *is_open)
{
    uint32_t prefix_bytes = e->part->value_bytes - 1, skip_bytes = e->part->skip_bytes;
    uint32_t start = e->part->offset + e->part->is_nullable;

    for (uint32_t i = 0; i < e->batch->selected_count; i++) {
        uint32_t row = batch_row(e->batch, i), length, bytes;
        const Str *text = value_of(e, row);

        if (has_no_value(e, i, row))
            continue;
        length = text->length > skip_bytes ? text->length - skip_bytes : 0;
        bytes = length < prefix_bytes ? length : prefix_bytes;
        put_text(e, i, str_bytes(text) + (length > 0 ? skip_bytes : 0), bytes, start);
        put_bytes(e, i, length <= prefix_bytes ? length : prefix_bytes + 1, start + prefix_bytes,
                  1);
        if (e->part->is_descending)
            invert_bytes(e, i, start, prefix_bytes + 1);
        is_open[i] = length > prefix_bytes;
    }
}

static void encode_nulls(const Encoder *e)
{
    for (uint32_t i = 0; i < e->batch->selected_count; i++) {
        bool is_null = column_is_null(e->column, batch_row(e->batch, i));

        if (!e->is_open[i])
            put_bytes(e, i, is_null != e->part->nulls_first, e->part->offset, 1);
    }
}

/* may_be_open: an earlier part of some key may have been cut off. */
static Encoder make_encoder(const SortKeyLayout *layout, uint32_t k, const Batch *batch,
                            uint64_t *words, const bool *is_open, bool may_be_open)
{
    const Column *column = &batch->columns[layout->parts[k].column];
    Encoder encoder = {
        .part = &layout->parts[k],
        .column = column,
        .values = column->values,
        .stride = column->form == COLUMN_CONST ? 0 : phys_bytes(layout->parts[k].phys),
        .batch = batch,
        .keys = words,
        .words = layout->words,
        .is_open = is_open,
        .is_dense = !may_be_open && batch->selection == NULL && column->form == COLUMN_FLAT &&
                    (column->validity == NULL || !layout->parts[k].is_nullable)};

    if (column->form == COLUMN_DICT) {
        encoder.values = (const char *)column->dictionary->values;
        encoder.codes = column->codes;
    }
    return encoder;
}

void sort_key_encode(const SortKeyLayout *layout, const Batch *batch, uint64_t *words_out,
                     bool *is_open_out)
{
    size_t word_count = (size_t)batch->selected_count * layout->words;
    bool may_be_open = false;

    memset(words_out, 0, word_count * sizeof *words_out);
    memset(is_open_out, 0, batch->selected_count * sizeof *is_open_out);
    for (uint32_t k = 0; k < layout->encoded_count; k++) {
        Encoder encoder = make_encoder(layout, k, batch, words_out, is_open_out, may_be_open);

        if (layout->parts[k].is_nullable)
            encode_nulls(&encoder);
        if (layout->parts[k].phys == PHYS_STR) {
            encode_texts(&encoder, is_open_out);
            may_be_open = true;
        } else if (has_dense_loop(&encoder)) {
            encode_dense(&encoder);
        } else {
            encode_fixed(&encoder);
        }
    }
    if (layout->is_cut)
        memset(is_open_out, true, batch->selected_count * sizeof *is_open_out);
}

/* --- decoding --- */

/* Up to 8 bytes of a key, from byte `start`, as a number. */
static inline uint64_t key_bits(const uint64_t *key, uint32_t start, uint32_t bytes)
{
    uint32_t word = start / 8, bit = 8 * (start % 8);
    uint64_t bits = key[word] << bit;

    if (bit + 8 * bytes > 64)
        bits |= key[word + 1] >> (64 - bit);
    return bits >> (64 - 8 * bytes);
}

/* Bit i of validity for row i; whether some row is null. */
static bool decode_nulls(const SortKeyLayout *layout, const SortKeyPart *part,
                         const uint64_t *words, uint32_t count, uint64_t *validity)
{
    bool has_null = false;

    if (!part->is_nullable)
        return false;
    for (uint32_t start = 0; start < count; start += 64) {
        uint32_t end = count - start < 64 ? count - start : 64;
        uint64_t nulls = 0;

        for (uint32_t i = 0; i < end; i++) {
            const uint64_t *key = words + (size_t)(start + i) * layout->words;

            nulls |= (uint64_t)((key_byte(key, part->offset) != 0) != part->nulls_first) << i;
        }
        validity[start / 64] = ~nulls;
        has_null |= nulls != 0;
    }
    return has_null;
}

/* One loop a physical form. A null's bytes are zero, and so is its value; sign: flips back what
 * encoding has flipped. */
#define DECODE_EACH(CType, sign)                                                                   \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        const uint64_t *key = words + (size_t)i * layout->words;                                   \
        CType value = (CType)((key_bits(key, start, sizeof(CType)) ^ inversion) ^ (sign));         \
                                                                                                   \
        if (has_null && !bitmap_get(validity, i))                                                  \
            value = 0;                                                                             \
        ((CType *)values)[i] = value;                                                              \
    }                                                                                              \
    break

static void decode_int128(const SortKeyLayout *layout, const SortKeyPart *part,
                          const uint64_t *words, uint32_t count, const uint64_t *validity,
                          UInt128 *values)
{
    uint32_t start = part->offset + part->is_nullable;

    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *key = words + (size_t)i * layout->words;
        UInt128 bits = (UInt128)key_bits(key, start, 8) << 64 | key_bits(key, start + 8, 8);

        if (part->is_descending)
            bits = ~bits;
        values[i] = validity != NULL && !bitmap_get(validity, i) ? 0 : bits ^ (UInt128)1 << 127;
    }
}

Column sort_key_decode(const SortKeyLayout *layout, uint32_t part_number, Type type,
                       const uint64_t *words, uint32_t count, void *values, uint64_t *validity)
{
    const SortKeyPart *part = &layout->parts[part_number];
    bool has_null = decode_nulls(layout, part, words, count, validity);
    uint64_t inversion = part->is_descending ? UINT64_MAX : 0;
    uint32_t start = part->offset + part->is_nullable;

    switch (part->phys) {
    case PHYS_BOOL:
        DECODE_EACH(uint8_t, 0);
    case PHYS_INT16:
        DECODE_EACH(uint16_t, 0x8000u);
    case PHYS_INT32:
        DECODE_EACH(uint32_t, 0x80000000u);
    case PHYS_INT64:
        DECODE_EACH(uint64_t, (uint64_t)1 << 63);
    case PHYS_INT128:
        decode_int128(layout, part, words, count, has_null ? validity : NULL, values);
        break;
    default:
        UNREACHABLE("physical form");
    }
    return (Column){.type = type,
                    .form = COLUMN_FLAT,
                    .values = values,
                    .validity = has_null ? validity : NULL};
}

/* --- rows --- */

int sort_key_compare(const SortKeyLayout *layout, const RowLayout *rows, const void *a,
                     const void *b)
{
    for (uint32_t k = layout->compared_from; k < layout->part_count; k++) {
        const SortKeyPart *part = &layout->parts[k];
        bool a_null = row_is_null(rows, a, part->column),
             b_null = row_is_null(rows, b, part->column);
        int order;

        if (a_null && b_null)
            continue;
        if (a_null || b_null)
            return a_null == part->nulls_first ? -1 : 1;
        order = row_compare_field(rows, part->column, a, b);
        if (order != 0)
            return part->is_descending ? -order : order;
    }
    return 0;
}
