/* join_keys.c -- layout of build rows, and their keys as words or value by value; see join_table.h
 */
#include <math.h>
#include <string.h>

#include "core/base/invariant.h"
#include "exec/join_table.h"

enum { WORD_BYTES = 8, PACKED_BYTES_MAX = 16 };

/* --- layout --- */

static bool is_bitwise(Phys phys)
{
    switch (phys) {
    case PHYS_BOOL:
    case PHYS_INT16:
    case PHYS_INT32:
    case PHYS_INT64:
    case PHYS_INT128:
        return true;
    default:
        return false;
    }
}

/* Keys whose equality is that of their bytes, and that are never null in the table. */
static uint32_t packed_words(uint32_t key_count, const Type *key_types, const bool *null_equal)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < key_count; i++) {
        Phys phys = type_phys(key_types[i]);

        if (!is_bitwise(phys) || null_equal[i])
            return 0;
        bytes += phys_bytes(phys);
    }
    if (bytes == 0 || bytes > PACKED_BYTES_MAX)
        return 0;
    return bytes <= WORD_BYTES ? 1 : 2;
}

static uint32_t add_field(JoinField *field, Type type, uint32_t offset)
{
    field->type = type;
    field->phys = type_phys(type);
    field->offset = offset;
    field->null_offset = JOIN_NEVER_NULL;
    return offset + (uint32_t)phys_bytes(field->phys);
}

static uint32_t add_null_byte(JoinField *field, uint32_t offset)
{
    if (field->null_offset != JOIN_NEVER_NULL)
        return offset;
    field->null_offset = (int32_t)offset;
    return offset + 1;
}

JoinLayout join_layout_make(Arena *arena, uint32_t key_count, const Type *key_types,
                            const bool *key_nullable, const bool *null_equal, uint32_t column_count,
                            const PlanColumn *columns, const int32_t *key_of_column,
                            bool keeps_null_keys)
{
    JoinLayout layout = {.key_count = key_count,
                         .keys = ARENA_ARRAY(arena, JoinField, key_count),
                         .null_equal = null_equal,
                         .column_count = column_count,
                         .columns = ARENA_ARRAY(arena, JoinField, column_count),
                         .key_words = packed_words(key_count, key_types, null_equal)};
    uint32_t offset = 0;

    for (uint32_t i = 0; i < key_count; i++)
        offset = add_field(&layout.keys[i], key_types[i], offset);
    if (layout.key_words > 0)
        offset = layout.key_words * WORD_BYTES;
    if (key_count == 1 && layout.key_words == 1)
        layout.is_direct_able = layout.keys[0].phys != PHYS_BOOL;
    for (uint32_t i = 0; i < column_count; i++)
        if (key_of_column[i] < 0)
            offset = add_field(&layout.columns[i], columns[i].type, offset);
    for (uint32_t i = 0; i < key_count; i++)
        if (key_nullable[i] && (null_equal[i] || keeps_null_keys))
            offset = add_null_byte(&layout.keys[i], offset);
    for (uint32_t i = 0; i < column_count; i++) {
        if (key_of_column[i] >= 0) {
            layout.columns[i] = layout.keys[key_of_column[i]];
            layout.columns[i].type = columns[i].type;
        } else if (columns[i].is_nullable) {
            offset = add_null_byte(&layout.columns[i], offset);
        }
    }
    layout.row_bytes = (offset + 7) & ~7u;
    return layout;
}

/* --- words --- */

#define PACK(CType)                                                                                \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        CType value = ((const CType *)column->values)[column->form == COLUMN_CONST ? 0 : rows[i]]; \
        memcpy((char *)&words[i] + shift, &value, sizeof value);                                   \
    }                                                                                              \
    break

/* Writes the key's bytes at `shift` of each word; the other bytes stay. */
static void pack_narrow(const Column *column, const uint32_t *rows, uint32_t count, uint32_t shift,
                        uint64_t *words)
{
    switch (phys_bytes(type_phys(column->type))) {
    case 1:
        PACK(uint8_t);
    case 2:
        PACK(uint16_t);
    case 4:
        PACK(uint32_t);
    case 8:
        PACK(uint64_t);
    default:
        UNREACHABLE("width of a packed key");
    }
}

/* A key that begins in one word and may end in the next. */
static void pack_bytes(const Column *column, const uint32_t *rows, uint32_t count, uint32_t offset,
                       uint64_t *const words[2])
{
    size_t bytes = phys_bytes(type_phys(column->type));

    for (uint32_t i = 0; i < count; i++) {
        char block[PACKED_BYTES_MAX];

        memcpy(block, &words[0][i], WORD_BYTES);
        memcpy(block + WORD_BYTES, &words[1][i], WORD_BYTES);
        memcpy(block + offset, column_value(column, rows[i]), bytes);
        memcpy(&words[0][i], block, WORD_BYTES);
        memcpy(&words[1][i], block + WORD_BYTES, WORD_BYTES);
    }
}

void join_keys_pack(const JoinLayout *layout, const Column *keys, const uint32_t *rows,
                    uint32_t count, uint64_t *const words[2])
{
    for (uint32_t w = 0; w < layout->key_words; w++)
        memset(words[w], 0, count * sizeof(uint64_t));
    for (uint32_t k = 0; k < layout->key_count; k++) {
        uint32_t offset = layout->keys[k].offset;
        uint32_t word = offset / WORD_BYTES, shift = offset % WORD_BYTES;
        size_t bytes = phys_bytes(layout->keys[k].phys);

        if (bytes <= WORD_BYTES && shift + bytes <= WORD_BYTES)
            pack_narrow(&keys[k], rows, count, shift, words[word]);
        else
            pack_bytes(&keys[k], rows, count, offset, words);
    }
}

void join_keys_widen(const JoinLayout *layout, uint64_t *words, uint32_t count)
{
    if (layout->keys[0].phys == PHYS_INT32)
        for (uint32_t i = 0; i < count; i++)
            words[i] = (uint64_t)(int64_t)(int32_t)words[i];
    else if (layout->keys[0].phys == PHYS_INT16)
        for (uint32_t i = 0; i < count; i++)
            words[i] = (uint64_t)(int64_t)(int16_t)words[i];
}

void join_keys_hash(const JoinLayout *layout, const Column *keys, const Batch *batch,
                    uint64_t *scratch, uint64_t *hashes_out)
{
    uint32_t rows[BATCH_ROWS_MAX], count = batch->selected_count;
    uint64_t *words[2] = {scratch, scratch + BATCH_ROWS_MAX};

    if (layout->key_count == 0 || count == 0) {
        memset(hashes_out, 0, count * sizeof *hashes_out);
        return;
    }
    if (layout->key_words == 0) {
        kernel_hash(layout->key_count, keys, batch, hashes_out);
        return;
    }
    rows[0] = batch_row(batch, 0);
    for (uint32_t i = 1; i < count; i++)
        rows[i] = batch_row(batch, i);
    join_keys_pack(layout, keys, rows, count, words);
    if (layout->is_direct_able)
        join_keys_widen(layout, words[0], count);
    for (uint32_t i = 0; i < count; i++)
        hashes_out[i] = layout->key_words == 2 ? join_hash_words(words[0][i], words[1][i])
                                               : join_hash_word(words[0][i]);
}

/* --- value by value --- */

static bool floats_equal(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static Int128 interval_micros(const Interval *interval)
{
    const Int128 day_micros = (Int128)86400 * 1000000;

    return ((Int128)interval->months * 30 + interval->days) * day_micros + interval->micros;
}

static bool values_equal(Phys phys, const void *a, const void *b)
{
    switch (phys) {
    case PHYS_FLOAT32: {
        float x, y;

        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return floats_equal(x, y);
    }
    case PHYS_FLOAT64: {
        double x, y;

        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return floats_equal(x, y);
    }
    case PHYS_STR: {
        Str x, y;

        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return str_equal(x, y);
    }
    case PHYS_INTERVAL: {
        Interval x, y;

        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return interval_micros(&x) == interval_micros(&y);
    }
    default:
        return memcmp(a, b, phys_bytes(phys)) == 0;
    }
}

static bool field_is_null(const JoinField *field, const char *row)
{
    return field->null_offset != JOIN_NEVER_NULL && row[field->null_offset] != 0;
}

bool join_key_equals_columns(const JoinLayout *layout, const char *row, const Column *keys,
                             uint32_t probe_row)
{
    for (uint32_t k = 0; k < layout->key_count; k++) {
        const JoinField *field = &layout->keys[k];
        bool row_null = field_is_null(field, row);

        if (row_null != column_is_null(&keys[k], probe_row))
            return false;
        if (!row_null &&
            !values_equal(field->phys, row + field->offset, column_value(&keys[k], probe_row)))
            return false;
    }
    return true;
}

bool join_key_equals_row(const JoinLayout *layout, const char *a, const char *b)
{
    for (uint32_t k = 0; k < layout->key_count; k++) {
        const JoinField *field = &layout->keys[k];
        bool a_null = field_is_null(field, a);

        if (a_null != field_is_null(field, b))
            return false;
        if (!a_null && !values_equal(field->phys, a + field->offset, b + field->offset))
            return false;
    }
    return true;
}

uint32_t join_keys_not_null(const JoinLayout *layout, const Column *keys, const uint32_t *rows,
                            uint32_t count, uint32_t *rows_out)
{
    const uint32_t *from = rows;

    for (uint32_t k = 0; k < layout->key_count; k++) {
        uint32_t kept = 0;

        if (layout->null_equal[k] || keys[k].validity == NULL)
            continue;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = from[i];

            rows_out[kept] = row;
            kept += !column_is_null(&keys[k], row);
        }
        count = kept;
        from = rows_out;
    }
    if (from == rows && rows_out != rows && count > 0)
        memcpy(rows_out, rows, count * sizeof *rows);
    return count;
}
