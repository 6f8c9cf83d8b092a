/* arrow_import.c -- batches in; see arrow_c_data.h */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/arrow_c_data.h"

/* How the values of an Arrow format lie in memory. */
typedef enum ArrowLayout {
    ARROW_NULLS,
    ARROW_BITS,
    ARROW_INT8,
    ARROW_UINT8,
    ARROW_INT16,
    ARROW_UINT16,
    ARROW_INT32,
    ARROW_UINT32,
    ARROW_INT64,
    ARROW_UINT64,
    ARROW_FLOAT16,
    ARROW_FLOAT32,
    ARROW_FLOAT64,
    ARROW_DECIMAL128,
    ARROW_UTF8,
    ARROW_LARGE_UTF8,
    ARROW_UTF8_VIEW,
    ARROW_MONTHS,
    ARROW_DAYS_MILLIS,
    ARROW_MONTHS_DAYS_NANOS
} ArrowLayout;

typedef struct ArrowFormat {
    const char *format;
    ArrowLayout layout;
    TypeId type;
    int64_t multiply, divide; /* to reach our unit; 0: as it is */
} ArrowFormat;

static const int64_t day_millis = 86400000;

static const ArrowFormat arrow_formats[] = {
    {"n", ARROW_NULLS, TYPE_NULL, 0, 0},
    {"b", ARROW_BITS, TYPE_BOOL, 0, 0},
    {"c", ARROW_INT8, TYPE_INT2, 0, 0},
    {"C", ARROW_UINT8, TYPE_INT2, 0, 0},
    {"s", ARROW_INT16, TYPE_INT2, 0, 0},
    {"S", ARROW_UINT16, TYPE_INT4, 0, 0},
    {"i", ARROW_INT32, TYPE_INT4, 0, 0},
    {"I", ARROW_UINT32, TYPE_INT8, 0, 0},
    {"l", ARROW_INT64, TYPE_INT8, 0, 0},
    {"L", ARROW_UINT64, TYPE_DECIMAL, 0, 0},
    {"e", ARROW_FLOAT16, TYPE_FLOAT4, 0, 0},
    {"f", ARROW_FLOAT32, TYPE_FLOAT4, 0, 0},
    {"g", ARROW_FLOAT64, TYPE_FLOAT8, 0, 0},
    {"u", ARROW_UTF8, TYPE_TEXT, 0, 0},
    {"U", ARROW_LARGE_UTF8, TYPE_TEXT, 0, 0},
    {"vu", ARROW_UTF8_VIEW, TYPE_TEXT, 0, 0},
    {"tdD", ARROW_INT32, TYPE_DATE, 0, 0},
    {"tdm", ARROW_INT64, TYPE_DATE, 0, day_millis},
    {"tiM", ARROW_MONTHS, TYPE_INTERVAL, 0, 0},
    {"tiD", ARROW_DAYS_MILLIS, TYPE_INTERVAL, 0, 0},
    {"tin", ARROW_MONTHS_DAYS_NANOS, TYPE_INTERVAL, 0, 0},
    {"tss:", ARROW_INT64, TYPE_TIMESTAMP, 1000000, 0},
    {"tsm:", ARROW_INT64, TYPE_TIMESTAMP, 1000, 0},
    {"tsu:", ARROW_INT64, TYPE_TIMESTAMP, 0, 0},
    {"tsn:", ARROW_INT64, TYPE_TIMESTAMP, 0, 1000},
};

/* Timestamps carry their zone behind the colon. */
static bool format_matches(const char *known, const char *format)
{
    if (strncmp(known, "ts", 2) == 0)
        return strncmp(known, format, 4) == 0;
    return strcmp(known, format) == 0;
}

/* d:precision,scale or d:precision,scale,bits */
static bool find_decimal(const char *format, ArrowFormat *format_out, Type *type_out)
{
    int precision, scale, bits = 128;
    char end;
    int found = sscanf(format, "d:%d,%d,%d%c", &precision, &scale, &bits, &end);

    if (found != 3 && (found != 2 || sscanf(format, "d:%*d,%*d%c", &end) == 1))
        return false;
    if (precision < 1 || precision > DECIMAL_DIGITS || scale < 0 || scale > precision)
        return false;
    if ((bits == 32 && precision > 9) || (bits == 64 && precision > 18))
        return false;
    *type_out = type_decimal(precision, scale);
    *format_out = (ArrowFormat){.format = format,
                                .layout = bits == 32   ? ARROW_INT32
                                          : bits == 64 ? ARROW_INT64
                                                       : ARROW_DECIMAL128,
                                .type = TYPE_DECIMAL};
    return bits == 32 || bits == 64 || bits == 128;
}

static bool find_format(const char *format, ArrowFormat *format_out, Type *type_out)
{
    if (strncmp(format, "d:", 2) == 0)
        return find_decimal(format, format_out, type_out);
    for (size_t i = 0; i < sizeof arrow_formats / sizeof arrow_formats[0]; i++) {
        if (format_matches(arrow_formats[i].format, format)) {
            *format_out = arrow_formats[i];
            *type_out = arrow_formats[i].layout == ARROW_UINT64 ? type_decimal(20, 0)
                                                                : type_of(arrow_formats[i].type);
            return true;
        }
    }
    return false;
}

static Status import_field(const struct ArrowSchema *schema, Error *err, ArrowField *field_out)
{
    const struct ArrowSchema *values = schema->dictionary ? schema->dictionary : schema;
    ArrowFormat format;

    field_out->name = schema->name == NULL ? "" : schema->name;
    field_out->is_nullable = (schema->flags & ARROW_FLAG_NULLABLE) != 0;
    if (find_format(values->format, &format, &field_out->type) && values->dictionary == NULL)
        return ST_OK;
    return error_set(err, ST_NOT_SUPPORTED,
                     "not supported: the Arrow type \"%s\"%s of column \"%s\"", values->format,
                     schema->dictionary != NULL ? " in a dictionary" : "", field_out->name);
}

Status arrow_import_schema(Arena *arena, const struct ArrowSchema *schema, Error *err,
                           uint32_t *field_count_out, const ArrowField **fields_out)
{
    ArrowField *fields;

    *field_count_out = 0;
    *fields_out = NULL;
    if (strcmp(schema->format, "+s") != 0)
        return error_set(err, ST_BAD_INPUT, "an Arrow stream of records is wanted, not of \"%s\"",
                         schema->format);
    fields = ARENA_ARRAY(arena, ArrowField, (size_t)schema->n_children);
    for (int64_t i = 0; i < schema->n_children; i++) {
        TRY(import_field(schema->children[i], err, &fields[i]));
        fields[i].name = arena_strdup(arena, fields[i].name);
    }
    *field_count_out = (uint32_t)schema->n_children;
    *fields_out = fields;
    return ST_OK;
}

/* --- values --- */

/* Row `at` of the array's own numbering. */
static bool is_valid(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *bits = array->n_buffers > 0 ? array->buffers[0] : NULL;

    at += array->offset;
    return bits == NULL || array->null_count == 0 || ((bits[at / 8] >> (at % 8)) & 1) != 0;
}

static int64_t read_integer(ArrowLayout layout, const void *values, int64_t at)
{
    switch (layout) {
    case ARROW_INT8:
        return ((const int8_t *)values)[at];
    case ARROW_UINT8:
        return ((const uint8_t *)values)[at];
    case ARROW_INT16:
        return ((const int16_t *)values)[at];
    case ARROW_UINT16:
        return ((const uint16_t *)values)[at];
    case ARROW_INT32:
    case ARROW_MONTHS:
        return ((const int32_t *)values)[at];
    case ARROW_UINT32:
        return ((const uint32_t *)values)[at];
    case ARROW_INT64:
    case ARROW_UINT64:
        return ((const int64_t *)values)[at];
    default:
        UNREACHABLE("an Arrow layout that is no integer");
    }
}

static void write_integer(Phys phys, void *values, uint32_t row, int64_t number)
{
    switch (phys) {
    case PHYS_INT16:
        ((int16_t *)values)[row] = (int16_t)number;
        return;
    case PHYS_INT32:
        ((int32_t *)values)[row] = (int32_t)number;
        return;
    case PHYS_INT64:
        ((int64_t *)values)[row] = number;
        return;
    default:
        UNREACHABLE("a physical form that is no integer");
    }
}

static Status import_integer(const ArrowFormat *format, Type type, const struct ArrowArray *array,
                             int64_t at, void *values, uint32_t row, Error *err)
{
    int64_t number = read_integer(format->layout, array->buffers[1], at + array->offset);

    if (format->layout == ARROW_UINT64) {
        ((Int128 *)values)[row] = (Int128)(uint64_t)number;
        return ST_OK;
    }
    if (format->multiply != 0 && __builtin_mul_overflow(number, format->multiply, &number))
        return error_set_state(err, ST_BAD_INPUT, "22008", "timestamp out of range");
    if (format->divide != 0) /* rounds down, also before 1970 */
        number = number / format->divide - (number % format->divide < 0);
    write_integer(type_phys(type), values, row, number);
    return ST_OK;
}

static Interval import_interval(ArrowLayout layout, const void *values, int64_t at)
{
    if (layout == ARROW_MONTHS)
        return (Interval){.months = ((const int32_t *)values)[at]};
    if (layout == ARROW_DAYS_MILLIS) {
        const int32_t *pair = (const int32_t *)values + 2 * at;

        return (Interval){.days = pair[0], .micros = (int64_t)pair[1] * 1000};
    }
    Interval interval;

    memcpy(&interval, (const char *)values + 16 * at, sizeof interval);
    interval.micros /= 1000;
    return interval;
}

/* The text at `at`, borrowed. Views of up to 12 bytes have Str's own form. */
static Status import_text(ArrowLayout layout, const struct ArrowArray *array, int64_t at,
                          Error *err, Str *text_out)
{
    const void *index = array->buffers[1];
    int64_t start, length;
    const char *bytes;

    at += array->offset;
    if (layout == ARROW_UTF8) {
        start = ((const int32_t *)index)[at];
        length = ((const int32_t *)index)[at + 1] - start;
        bytes = array->buffers[2];
    } else if (layout == ARROW_LARGE_UTF8) {
        start = ((const int64_t *)index)[at];
        length = ((const int64_t *)index)[at + 1] - start;
        bytes = array->buffers[2];
    } else {
        const int32_t *view = (const int32_t *)index + 4 * at;

        length = view[0];
        start = length <= STR_INLINE_BYTES ? 0 : view[3];
        bytes = length <= STR_INLINE_BYTES ? (const char *)&view[1] : array->buffers[2 + view[2]];
    }
    if (start < 0 || length < 0 || length > UINT32_MAX)
        return error_set(err, ST_CORRUPT, "an Arrow text column has a bad offset");
    *text_out = str_make(length == 0 ? "" : bytes + start, (uint32_t)length);
    return ST_OK;
}

/* IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
static float read_half(uint16_t half)
{
    int exponent = (half >> 10) & 31;
    float fraction = (float)(half & 1023);
    float size;

    if (exponent == 31)
        size = fraction == 0 ? INFINITY : NAN;
    else if (exponent == 0)
        size = ldexpf(fraction, -24);
    else
        size = ldexpf(fraction + 1024, exponent - 25);
    return (half & 0x8000) != 0 ? -size : size;
}

static Status import_value(const ArrowFormat *format, Type type, const struct ArrowArray *array,
                           int64_t at, void *values, uint32_t row, Error *err)
{
    int64_t place = at + array->offset;

    switch (format->layout) {
    case ARROW_NULLS:
        return ST_OK;
    case ARROW_BITS:
        ((uint8_t *)values)[row] =
            (((const uint8_t *)array->buffers[1])[place / 8] >> (place % 8)) & 1;
        return ST_OK;
    case ARROW_FLOAT16:
        ((float *)values)[row] = read_half(((const uint16_t *)array->buffers[1])[place]);
        return ST_OK;
    case ARROW_FLOAT32:
        ((float *)values)[row] = ((const float *)array->buffers[1])[place];
        return ST_OK;
    case ARROW_FLOAT64:
        ((double *)values)[row] = ((const double *)array->buffers[1])[place];
        return ST_OK;
    case ARROW_DECIMAL128: {
        Int128 number;

        memcpy(&number, (const char *)array->buffers[1] + 16 * place, sizeof number);
        if (type_phys(type) == PHYS_INT64)
            ((int64_t *)values)[row] = (int64_t)number;
        else
            ((Int128 *)values)[row] = number;
        return ST_OK;
    }
    case ARROW_UTF8:
    case ARROW_LARGE_UTF8:
    case ARROW_UTF8_VIEW:
        return import_text(format->layout, array, at, err, &((Str *)values)[row]);
    case ARROW_MONTHS:
    case ARROW_DAYS_MILLIS:
    case ARROW_MONTHS_DAYS_NANOS:
        ((Interval *)values)[row] = import_interval(format->layout, array->buffers[1], place);
        return ST_OK;
    default:
        return import_integer(format, type, array, at, values, row, err);
    }
}

/* Where row `at` of a dictionary-encoded array stands in the dictionary. */
static Status dictionary_place(const struct ArrowSchema *schema, const struct ArrowArray *array,
                               int64_t at, Error *err, int64_t *place_out)
{
    ArrowFormat format;
    Type type;

    if (find_format(schema->format, &format, &type) && format.layout >= ARROW_INT8 &&
        format.layout <= ARROW_UINT64)
        *place_out = read_integer(format.layout, array->buffers[1], at + array->offset);
    else
        *place_out = -1;
    if (*place_out < 0 || *place_out >= array->dictionary->length)
        return error_set(err, ST_CORRUPT, "an Arrow dictionary lacks entry %lld",
                         (long long)*place_out);
    return ST_OK;
}

/* Whether rows can be used where they are: no nulls (whose values may be anything), and a layout
 * that is ours. */
static bool is_as_ours(const ArrowFormat *format, Type type, const struct ArrowSchema *schema,
                       const struct ArrowArray *array, const void *values)
{
    size_t bytes = phys_bytes(type_phys(type));
    bool is_same;

    switch (format->layout) {
    case ARROW_INT16:
    case ARROW_INT32:
    case ARROW_INT64:
        is_same = bytes == (format->layout == ARROW_INT16   ? 2
                            : format->layout == ARROW_INT32 ? 4
                                                            : 8);
        break;
    case ARROW_FLOAT32:
    case ARROW_FLOAT64:
        is_same = true;
        break;
    case ARROW_DECIMAL128:
        is_same = bytes == sizeof(Int128);
        break;
    default:
        is_same = false;
    }
    return is_same && format->multiply == 0 && format->divide == 0 && schema->dictionary == NULL &&
           (array->null_count == 0 || array->buffers[0] == NULL) && (uintptr_t)values % bytes == 0;
}

static Status import_column(Arena *arena, const struct ArrowSchema *schema,
                            const struct ArrowArray *array, int64_t start, uint32_t row_count,
                            Error *err, Column *column_out)
{
    const struct ArrowSchema *value_schema = schema->dictionary ? schema->dictionary : schema;
    uint64_t *validity;
    ArrowFormat format;
    ArrowField field;
    const char *first = NULL;
    size_t value_bytes;
    void *values;

    TRY(import_field(schema, err, &field));
    CHECK(find_format(value_schema->format, &format, &field.type));
    value_bytes = phys_bytes(type_phys(field.type));
    if (array->n_buffers > 1 && array->buffers[1] != NULL)
        first = (const char *)array->buffers[1] + (size_t)(start + array->offset) * value_bytes;
    if (first != NULL && is_as_ours(&format, field.type, schema, array, first)) {
        *column_out = (Column){.type = field.type, .form = COLUMN_FLAT, .values = first};
        return ST_OK;
    }
    validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(row_count));
    values = arena_alloc(arena, row_count * value_bytes);
    for (uint32_t row = 0; row < row_count; row++) {
        const struct ArrowArray *from = array;
        int64_t at = start + row;

        if (format.layout == ARROW_NULLS || !is_valid(array, at))
            continue;
        if (schema->dictionary != NULL) {
            TRY(dictionary_place(schema, array, at, err, &at));
            from = array->dictionary;
            if (!is_valid(from, at))
                continue;
        }
        bitmap_set(validity, row);
        TRY(import_value(&format, field.type, from, at, values, row, err));
    }
    *column_out =
        (Column){.type = field.type, .form = COLUMN_FLAT, .values = values, .validity = validity};
    return ST_OK;
}

Status arrow_import_batch(Arena *arena, const struct ArrowSchema *schema,
                          const struct ArrowArray *array, int64_t start, uint32_t row_count,
                          Error *err, Batch *batch_out)
{
    Column *columns = ARENA_ARRAY(arena, Column, (size_t)schema->n_children);

    *batch_out = (Batch){0};
    if (array->n_children != schema->n_children)
        return error_set(err, ST_CORRUPT, "an Arrow array has %lld columns, its schema %lld",
                         (long long)array->n_children, (long long)schema->n_children);
    for (int64_t i = 0; i < schema->n_children; i++)
        TRY(import_column(arena, schema->children[i], array->children[i], start + array->offset,
                          row_count, err, &columns[i]));
    *batch_out = (Batch){.column_count = (uint32_t)schema->n_children,
                         .row_count = row_count,
                         .columns = columns,
                         .selected_count = row_count};
    return ST_OK;
}
