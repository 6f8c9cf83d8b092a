/*
 * agg_table_direct.c -- a cache in front of the table of groups, for keys of few values
 *
 *     code = code(key 0) + stride(1) * code(key 1) + ...;  group = rows[code]
 *
 * A key's code: of a dictionary's text its number there, of a text of at most one byte that byte,
 * of booleans and small ranges of integers (dates) the distance from the smallest seen; 0 is
 * NULL. Rows whose key has no code, and codes not seen yet, go the long way. The shape is set by
 * the first batch and set anew when a batch does not fit (another dictionary).
 */
#include <string.h>

#include "core/base/invariant.h"
#include "exec/agg_table_internal.h"

enum {
    DIRECT_KEYS_MAX = 4,
    DIRECT_CODES_MAX = 16 * 1024,
    DIRECT_MISSES_MAX = 16, /* after so many shapes that too many rows missed, give up */
    NO_CODE = 1 << 24       /* larger than any sum of codes */
};

typedef enum KeyKind { KEY_DICT, KEY_CHAR, KEY_INTEGER } KeyKind;

typedef struct DirectKey {
    KeyKind kind;
    uint32_t stride;
    uint32_t code_count; /* code 0 (NULL) included   */
    uint64_t dictionary; /* DICT: its id             */
    int64_t base;        /* INTEGER: code 1          */
} DirectKey;

struct AggDirect {
    const AggSpec *spec;
    bool is_off;
    bool has_shape;
    uint32_t missed_shapes;
    uint32_t code_count; /* product of the keys' */
    uint64_t seen_rows, missed_rows;
    DirectKey keys[DIRECT_KEYS_MAX];
    void **rows; /* by code */
};

static bool is_integer_phys(Phys phys)
{
    return phys == PHYS_BOOL || phys == PHYS_INT16 || phys == PHYS_INT32 || phys == PHYS_INT64;
}

Status agg__direct_new(const AggSpec *spec, Error *err, AggDirect **direct_out)
{
    void *memory;
    AggDirect *direct;

    *direct_out = NULL;
    TRY(mem_pool_alloc(spec->pool, sizeof(AggDirect), spec->consumer, err, &memory));
    direct = memory;
    *direct = (AggDirect){.spec = spec};
    direct->is_off = spec->key_count == 0 || spec->key_count > DIRECT_KEYS_MAX;
    for (uint32_t k = 0; k < spec->key_count; k++) {
        Phys phys = spec->layout.fields[k].phys;

        direct->is_off |= phys != PHYS_STR && !is_integer_phys(phys);
    }
    *direct_out = direct;
    return ST_OK;
}

void agg__direct_free(const AggSpec *spec, AggDirect *direct)
{
    if (direct == NULL)
        return;
    mem_pool_release(spec->pool, direct->rows, DIRECT_CODES_MAX * sizeof *direct->rows);
    mem_pool_release(spec->pool, direct, sizeof *direct);
}

void agg__direct_clear(AggDirect *direct)
{
    if (direct->rows != NULL)
        memset(direct->rows, 0, direct->code_count * sizeof *direct->rows);
}

/* --- shape --- */

static inline int64_t integer_at(const Column *column, Phys phys, size_t row)
{
    const void *value = column_value(column, row);

    switch (phys) {
    case PHYS_BOOL:
        return *(const uint8_t *)value;
    case PHYS_INT16:
        return *(const int16_t *)value;
    case PHYS_INT32:
        return *(const int32_t *)value;
    default:
        return *(const int64_t *)value;
    }
}

/* The range of the batch's values, with as much room again on either side. */
static bool shape_integer(DirectKey *key, const Column *column, Phys phys, const Batch *batch)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    uint64_t range;

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t row = batch_row(batch, i);
        int64_t value;

        if (column_is_null(column, row))
            continue;
        value = integer_at(column, phys, row);
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    range = least > most ? 0 : (uint64_t)most - (uint64_t)least;
    if (range >= DIRECT_CODES_MAX / 4)
        return false;
    key->kind = KEY_INTEGER;
    key->base = least > most ? 0 : least;
    if (phys == PHYS_BOOL) {
        key->base = 0;
        range = 1;
    } else if (key->base >= INT64_MIN + (int64_t)range + 1) {
        key->base -= (int64_t)range;
        range *= 3;
    }
    key->code_count = (uint32_t)range + 2;
    return true;
}

static bool shape_text(DirectKey *key, const Column *column, const Batch *batch)
{
    if (column->form == COLUMN_DICT) {
        key->kind = KEY_DICT;
        key->dictionary = column->dictionary->id;
        key->code_count = column->dictionary->value_count + 1;
        return key->code_count <= DIRECT_CODES_MAX;
    }
    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t row = batch_row(batch, i);

        if (!column_is_null(column, row) && ((const Str *)column_value(column, row))->length > 1)
            return false;
    }
    key->kind = KEY_CHAR;
    key->code_count = 1 + 1 + 256; /* NULL, empty, each byte */
    return true;
}

/* Turns the cache off when the keys have no shape that fits. */
static void take_shape(AggDirect *direct, const Batch *batch, const Column *columns)
{
    const RowLayout *layout = &direct->spec->layout;
    uint64_t code_count = 1;
    void *rows = direct->rows;
    bool has_shape = true;

    for (uint32_t k = 0; k < direct->spec->key_count && has_shape; k++) {
        DirectKey *key = &direct->keys[k];
        Phys phys = layout->fields[k].phys;

        *key = (DirectKey){.stride = (uint32_t)code_count};
        has_shape = phys == PHYS_STR ? shape_text(key, &columns[k], batch)
                                     : shape_integer(key, &columns[k], phys, batch);
        code_count *= has_shape ? key->code_count : 1;
        has_shape &= code_count <= DIRECT_CODES_MAX;
    }
    if (has_shape && rows == NULL &&
        mem_pool_alloc(direct->spec->pool, DIRECT_CODES_MAX * sizeof *direct->rows,
                       direct->spec->consumer, NULL, &rows) != ST_OK)
        has_shape = false; /* it goes without */
    direct->rows = rows;
    direct->has_shape = has_shape;
    direct->is_off = !has_shape;
    direct->code_count = has_shape ? (uint32_t)code_count : 0;
    direct->seen_rows = 0;
    direct->missed_rows = 0;
    agg__direct_clear(direct);
}

static bool shape_fits(const AggDirect *direct, const Column *columns)
{
    if (!direct->has_shape)
        return false;
    for (uint32_t k = 0; k < direct->spec->key_count; k++) {
        const DirectKey *key = &direct->keys[k];
        bool is_dict = columns[k].form == COLUMN_DICT;

        if (is_dict != (key->kind == KEY_DICT) ||
            (is_dict && columns[k].dictionary->id != key->dictionary))
            return false;
    }
    return true;
}

/* --- codes --- */

/* The loops of one key over the selected rows; value: its code but for NULLs, in terms of `row`. */
#define CODE_LOOP(row_of_i, null_of_row, value)                                                    \
    for (uint32_t i = 0; i < rows; i++) {                                                          \
        uint32_t row = (row_of_i);                                                                 \
        uint32_t code = (value);                                                                   \
        codes[i] += (null_of_row) ? 0 : code == NO_CODE ? NO_CODE : code * stride;                 \
    }
#define ADD_CODES(value)                                                                           \
    {                                                                                              \
        if (validity != NULL)                                                                      \
            CODE_LOOP(selection ? selection[i] : i, !bitmap_get(validity, row), value)             \
        else if (selection != NULL)                                                                \
            CODE_LOOP(selection[i], false, value)                                                  \
        else                                                                                       \
            CODE_LOOP(i, false, value)                                                             \
    }

#define INTEGER_CODE(CType)                                                                        \
    ((uint64_t)((const CType *)column->values)[row] - base < limit                                 \
         ? (uint32_t)((uint64_t)((const CType *)column->values)[row] - base) + 1                   \
         : NO_CODE)

static inline uint32_t char_code(const Str *text)
{
    if (text->length == 1)
        return 2 + (uint8_t)text->head[0];
    return text->length == 0 ? 1 : NO_CODE;
}

static void add_integer_codes(const DirectKey *key, const Column *column, Phys phys,
                              const uint32_t *selection, uint32_t rows, uint32_t *codes)
{
    const uint64_t *validity = column->validity;
    uint64_t base = (uint64_t)key->base, limit = key->code_count - 1;
    uint32_t stride = key->stride;

    switch (phys) {
    case PHYS_BOOL:
        ADD_CODES(INTEGER_CODE(uint8_t));
        break;
    case PHYS_INT16:
        ADD_CODES(INTEGER_CODE(int16_t))
        break;
    case PHYS_INT32:
        ADD_CODES(INTEGER_CODE(int32_t))
        break;
    default:
        ADD_CODES(INTEGER_CODE(int64_t))
        break;
    }
}

static void add_codes(const DirectKey *key, const Column *column, Phys phys, const Batch *batch,
                      uint32_t *codes)
{
    const uint64_t *validity = column->validity;
    const uint32_t *selection = batch->selection;
    uint32_t rows = batch->selected_count, stride = key->stride;

    if (key->kind == KEY_DICT)
        ADD_CODES(column->codes[row] + 1)
    else if (key->kind == KEY_CHAR)
        ADD_CODES(char_code(&((const Str *)column->values)[row]))
    else
        add_integer_codes(key, column, phys, selection, rows, codes);
}

static void add_constant_code(const DirectKey *key, const Column *column, Phys phys, uint32_t rows,
                              uint32_t *codes)
{
    uint32_t code;

    if (column_is_null(column, 0)) {
        code = 0;
    } else if (key->kind == KEY_CHAR) {
        code = char_code(column->values);
    } else {
        uint64_t distance = (uint64_t)integer_at(column, phys, 0) - (uint64_t)key->base;

        code = distance < key->code_count - 1 ? (uint32_t)distance + 1 : NO_CODE;
    }
    code = code == NO_CODE ? NO_CODE : code * key->stride;
    for (uint32_t i = 0; i < rows; i++)
        codes[i] += code;
}

static uint32_t all_pending(AggScratch *scratch, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++)
        scratch->pending[i] = i;
    return rows;
}

uint32_t agg__direct_find(AggDirect *direct, const Batch *batch, const Column *columns,
                          AggScratch *scratch)
{
    uint32_t rows = batch->selected_count, pending = 0, missed = 0;

    if (direct->missed_rows * 4 > direct->seen_rows + BATCH_ROWS_MAX) {
        direct->has_shape = false;
        direct->is_off |= ++direct->missed_shapes > DIRECT_MISSES_MAX;
    }
    if (!direct->is_off && !shape_fits(direct, columns))
        take_shape(direct, batch, columns);
    if (direct->is_off)
        return all_pending(scratch, rows);
    memset(scratch->codes, 0, rows * sizeof scratch->codes[0]);
    for (uint32_t k = 0; k < direct->spec->key_count; k++) {
        Phys phys = direct->spec->layout.fields[k].phys;

        if (columns[k].form == COLUMN_CONST)
            add_constant_code(&direct->keys[k], &columns[k], phys, rows, scratch->codes);
        else
            add_codes(&direct->keys[k], &columns[k], phys, batch, scratch->codes);
    }
    for (uint32_t i = 0; i < rows; i++) {
        bool has_code = scratch->codes[i] < NO_CODE;
        void *row = direct->rows[has_code ? scratch->codes[i] : 0];

        scratch->rows[i] = row;
        scratch->pending[pending] = i;
        pending += !has_code || row == NULL;
        missed += !has_code;
    }
    direct->seen_rows += rows;
    direct->missed_rows += missed;
    return pending;
}

void agg__direct_learn(AggDirect *direct, uint32_t rows, const AggScratch *scratch)
{
    if (direct->is_off)
        return;
    for (uint32_t i = 0; i < rows; i++)
        if (scratch->codes[i] < NO_CODE)
            direct->rows[scratch->codes[i]] = scratch->rows[i];
}
