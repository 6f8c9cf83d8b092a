/* record_io.c -- see record_io.h */
#include "exec/record_io.h"

#include <math.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/decimal.h"
#include "vonk/record.h"

/* --- columns to records --- */

#define STORE_EACH(CType)                                                                          \
    for (uint32_t i = 0; i < count; i++)                                                           \
        memcpy(to + (size_t)i * record_bytes,                                                      \
               (const CType *)values + (rows == NULL ? i : rows[i]), sizeof(CType));               \
    break

static void store_flat(const void *values, size_t value_bytes, const uint32_t *rows, uint32_t count,
                       char *to, size_t record_bytes)
{
    switch (value_bytes) {
    case 1:
        STORE_EACH(uint8_t);
    case 2:
        STORE_EACH(uint16_t);
    case 4:
        STORE_EACH(uint32_t);
    case 8:
        STORE_EACH(uint64_t);
    case 16:
        STORE_EACH(UInt128);
    default:
        UNREACHABLE("value size");
    }
}

static void store_texts(const Column *column, const uint32_t *rows, uint32_t count, char *to,
                        size_t record_bytes)
{
    for (uint32_t i = 0; i < count; i++, to += record_bytes) {
        const Str *text = column_value(column, rows == NULL ? i : rows[i]);
        VonkText out = {str_bytes(text), text->length};

        memcpy(to, &out, sizeof out);
    }
}

static void store_values(const Column *column, const uint32_t *rows, uint32_t count, char *to,
                         size_t record_bytes)
{
    size_t value_bytes = phys_bytes(type_phys(column->type));

    if (type_phys(column->type) == PHYS_STR) {
        store_texts(column, rows, count, to, record_bytes);
    } else if (column->form == COLUMN_FLAT) {
        store_flat(column->values, value_bytes, rows, count, to, record_bytes);
    } else {
        for (uint32_t i = 0; i < count; i++)
            memcpy(to + (size_t)i * record_bytes, column->values, value_bytes);
    }
}

static Status null_error(const RecordLayout *layout, const RecordField *field, Error *err)
{
    (void)error_set_state(err, ST_BAD_INPUT, "22004", "NULL in field \"%s\" of record type %s",
                          field->name, layout->name);
    error_hint(err, "Declare the field with VONK_NULLABLE, or filter the NULLs out.");
    return ST_BAD_INPUT;
}

/* Which of rows [64 * word, 64 * word + 64) are NULL. */
static uint64_t null_bits(const Column *column, size_t word)
{
    if (column->validity == NULL)
        return 0;
    if (column->form == COLUMN_CONST)
        return column_is_null(column, 0) ? UINT64_MAX : 0;
    return ~column->validity[word];
}

/* NULL, in a field that is never NULL, or whose side of a pair is there. */
static bool is_wrong(const RecordLayout *layout, const Column *const *columns, uint32_t f,
                     uint32_t row)
{
    const RecordField *field = &layout->fields[f];

    if (!column_is_null(columns[f], row))
        return false;
    return field->present > 0 ? !column_is_null(columns[field->present], row)
                              : field->null_offset == RECORD_NEVER_NULL;
}

/* Whether the field is so in one of the rows; mostly, whole words say that it is in none. */
static bool has_wrong(const RecordLayout *layout, const Column *const *columns, uint32_t f,
                      const uint32_t *rows, uint32_t count)
{
    const RecordField *field = &layout->fields[f];
    uint32_t from = rows == NULL ? 0 : rows[0], end = rows == NULL ? count : rows[count - 1] + 1;
    uint64_t nulls = 0;

    if (columns[f]->validity == NULL ||
        (field->present == 0 && field->null_offset != RECORD_NEVER_NULL))
        return false;
    for (size_t word = from / 64; word < bitmap_words(end); word++) {
        uint64_t own = null_bits(columns[f], word);

        if (field->present > 0)
            own &= ~null_bits(columns[field->present], word);
        nulls |= word < end / 64 ? own : own & (((uint64_t)1 << (end % 64)) - 1);
    }
    if (rows == NULL || nulls == 0)
        return nulls != 0;
    for (uint32_t i = 0; i < count; i++)
        if (is_wrong(layout, columns, f, rows[i]))
            return true;
    return false;
}

/* Of the first row that has one: however rows come in batches, the error is the same. */
static const RecordField *first_wrong(const RecordLayout *layout, const Column *const *columns,
                                      const uint32_t *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t f = 0; f < layout->field_count; f++)
            if (is_wrong(layout, columns, f, rows == NULL ? i : rows[i]))
                return &layout->fields[f];
    UNREACHABLE("no NULL");
}

Status records_check_nulls(const RecordLayout *layout, const Column *const *columns,
                           const uint32_t *rows, uint32_t count, Error *err)
{
    for (uint32_t f = 0; count > 0 && f < layout->field_count; f++)
        if (has_wrong(layout, columns, f, rows, count))
            return null_error(layout, first_wrong(layout, columns, rows, count), err);
    return ST_OK;
}

static void store_nulls(const RecordLayout *layout, const RecordField *field, const Column *column,
                        const uint32_t *rows, uint32_t count, char *records)
{
    size_t bytes =
        type_phys(field->type) == PHYS_STR ? sizeof(VonkText) : phys_bytes(type_phys(field->type));

    for (uint32_t i = 0; i < count; i++) {
        char *record = records + (size_t)i * layout->bytes;
        bool is_null = column_is_null(column, rows == NULL ? i : rows[i]);

        record[field->null_offset] = is_null;
        if (is_null)
            memset(record + field->offset, 0, bytes);
    }
}

Status records_from_columns(const RecordLayout *layout, const Column *const *columns,
                            const uint32_t *rows, uint32_t count, char *records, Error *err)
{
    TRY(records_check_nulls(layout, columns, rows, count, err));
    for (uint32_t f = 0; f < layout->field_count; f++) {
        const RecordField *field = &layout->fields[f];

        store_values(columns[f], rows, count, records + field->offset, layout->bytes);
        if (field->null_offset == RECORD_NEVER_NULL)
            continue;
        if (columns[f]->validity != NULL) {
            store_nulls(layout, field, columns[f], rows, count, records);
        } else {
            for (uint32_t i = 0; i < count; i++)
                records[(size_t)i * layout->bytes + field->null_offset] = false;
        }
    }
    return ST_OK;
}

/* --- records to columns --- */

#define LOAD_EACH(CType)                                                                           \
    for (uint32_t i = 0; i < count; i++)                                                           \
        memcpy((CType *)values + i, from + (size_t)i * record_bytes, sizeof(CType));               \
    break

static void load_flat(const char *from, size_t record_bytes, size_t value_bytes, uint32_t count,
                      void *values)
{
    switch (value_bytes) {
    case 1:
        LOAD_EACH(uint8_t);
    case 2:
        LOAD_EACH(uint16_t);
    case 4:
        LOAD_EACH(uint32_t);
    case 8:
        LOAD_EACH(uint64_t);
    case 16:
        LOAD_EACH(UInt128);
    default:
        UNREACHABLE("value size");
    }
}

/* Which NaN comes of two, or of none, depends on how the function was compiled, and blocks must be
 * the same bytes whoever made them. */
static void make_nans_one(Phys phys, void *values, uint32_t count)
{
    if (phys == PHYS_FLOAT64)
        for (uint32_t i = 0; i < count; i++)
            ((double *)values)[i] = isnan(((double *)values)[i]) ? NAN : ((double *)values)[i];
    if (phys == PHYS_FLOAT32)
        for (uint32_t i = 0; i < count; i++)
            ((float *)values)[i] = isnan(((float *)values)[i]) ? NAN : ((float *)values)[i];
}

static Status check_text(const RecordField *field, VonkText text, Error *err)
{
    uint64_t characters = 0;

    if (text.data == NULL && text.bytes > 0)
        return error_set(err, ST_BAD_INPUT, "a text of %zu bytes in field \"%s\" is NULL",
                         text.bytes, field->name);
    if (text.bytes > UINT32_MAX)
        return error_set(err, ST_BAD_INPUT,
                         "a text of %zu bytes in field \"%s\": 4 GiB is the most", text.bytes,
                         field->name);
    if (field->type.length == 0)
        return ST_OK;
    for (size_t i = 0; i < text.bytes; i++)
        characters += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    if (characters <= (uint64_t)field->type.length)
        return ST_OK;
    return error_set_state(err, ST_BAD_INPUT, "22001",
                           "value too long for field \"%s\" of %d characters", field->name,
                           (int)field->type.length);
}

/* A char(n) is kept without the blanks behind it, which do not count. */
static size_t without_blanks(const char *data, size_t bytes)
{
    while (bytes > 0 && data[bytes - 1] == ' ')
        bytes--;
    return bytes;
}

static Status load_texts(const RecordField *field, const char *from, size_t record_bytes,
                         uint32_t count, Str *values, Error *err)
{
    bool is_char = field->type.id == TYPE_CHAR, is_checked = is_char || field->type.length > 0;

    for (uint32_t i = 0; i < count; i++, from += record_bytes) {
        VonkText text;

        memcpy(&text, from, sizeof text);
        if (text.bytes > UINT32_MAX || text.data == NULL || is_checked) {
            if (is_char && text.data != NULL)
                text.bytes = without_blanks(text.data, text.bytes);
            TRY(check_text(field, text, err));
        }
        values[i] = str_make(text.data, (uint32_t)text.bytes);
    }
    return ST_OK;
}

/* A column of decimals promises that its digits fit. */
static Status check_decimals(const RecordField *field, const void *values, uint32_t count,
                             Error *err)
{
    bool is_wide = type_phys(field->type) == PHYS_INT128;

    for (uint32_t i = 0; i < count; i++) {
        Int128 value = is_wide ? ((const Int128 *)values)[i] : ((const int64_t *)values)[i];

        if (!decimal_fits(value, field->type.precision))
            return error_set_state(err, ST_BAD_INPUT, "22003",
                                   "numeric field overflow in field \"%s\": %d digits fit",
                                   field->name, (int)field->type.precision);
    }
    return ST_OK;
}

/* Of flags that stand `step` bytes apart; NULL when none is set. */
static const uint64_t *validity_of(const void *flags, size_t step, uint32_t count,
                                   uint64_t *validity)
{
    const char *flag = flags;
    bool has_nulls = false;

    for (uint32_t i = 0; i < count; i++, flag += step) {
        bitmap_put(validity, i, *flag == 0);
        has_nulls |= *flag != 0;
    }
    return has_nulls ? validity : NULL;
}

/* What is NULL is zero, whatever the function left there: blocks have one content. */
static void clear_nulls(const Column *column, void *values, size_t value_bytes, uint32_t count)
{
    for (uint32_t i = 0; column->validity != NULL && i < count; i++)
        if (!bitmap_get(column->validity, i))
            memset((char *)values + i * value_bytes, 0, value_bytes);
}

static Status check_texts(const RecordField *field, Str *values, uint32_t count, Error *err)
{
    bool is_char = field->type.id == TYPE_CHAR;

    for (uint32_t i = 0; (is_char || field->type.length > 0) && i < count; i++) {
        VonkText text = {str_bytes(&values[i]), values[i].length};

        if (is_char) {
            text.bytes = without_blanks(text.data, text.bytes);
            values[i] = str_make(text.data, (uint32_t)text.bytes);
        }
        TRY(check_text(field, text, err));
    }
    return ST_OK;
}

Status columns_from_arrays(const RecordLayout *layout, const uint8_t *const *nulls,
                           bool is_text_too_long, uint32_t count, ColumnBuffers *buffers,
                           Column *columns_out, Error *err)
{
    ASSERT(count <= buffers->capacity);
    if (is_text_too_long)
        return error_set(err, ST_BAD_INPUT, "a text of 4 GiB or more in record type %s",
                         layout->name);
    for (uint32_t f = 0; f < layout->field_count; f++) {
        const RecordField *field = &layout->fields[f];
        Column *column = &columns_out[f];
        void *values = buffers->values[f];
        Phys phys = type_phys(field->type);

        *column = (Column){.type = field->type, .form = COLUMN_FLAT, .values = values};
        if (field->null_offset != RECORD_NEVER_NULL)
            column->validity = validity_of(nulls[f], 1, count, buffers->validity[f]);
        if (phys == PHYS_STR)
            TRY(check_texts(field, values, count, err));
        make_nans_one(phys, values, count);
        clear_nulls(column, values, phys_bytes(phys), count);
        if (field->type.id == TYPE_DECIMAL)
            TRY(check_decimals(field, values, count, err));
    }
    return ST_OK;
}

Status columns_from_records(const RecordLayout *layout, const char *records, uint32_t count,
                            ColumnBuffers *buffers, Column *columns_out, Error *err)
{
    ASSERT(count <= buffers->capacity);
    for (uint32_t f = 0; f < layout->field_count; f++) {
        const RecordField *field = &layout->fields[f];
        Column *column = &columns_out[f];
        void *values = buffers->values[f];
        Phys phys = type_phys(field->type);

        *column = (Column){.type = field->type, .form = COLUMN_FLAT, .values = values};
        if (field->null_offset != RECORD_NEVER_NULL)
            column->validity = validity_of(records + field->null_offset, layout->bytes, count,
                                           buffers->validity[f]);
        if (phys == PHYS_STR)
            TRY(load_texts(field, records + field->offset, layout->bytes, count, values, err));
        else
            load_flat(records + field->offset, layout->bytes, phys_bytes(phys), count, values);
        make_nans_one(phys, values, count);
        clear_nulls(column, values, phys_bytes(phys), count);
        if (field->type.id == TYPE_DECIMAL)
            TRY(check_decimals(field, values, count, err));
    }
    return ST_OK;
}
