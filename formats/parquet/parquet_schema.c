/* parquet_schema.c -- see parquet_schema.h */
#include "formats/parquet/parquet_schema.h"

#include <string.h>

enum { HALF_BYTES = 2, INT96_BYTES = 12, INTERVAL_BYTES = 12, FIXED_BYTES_MAX = 1 << 20 };

/* Bytes of a stored value; 0: each has its own length. */
static uint32_t physical_bytes(const ParquetElement *element)
{
    switch (element->physical) {
    case PARQUET_BOOLEAN:
        return 1;
    case PARQUET_INT32:
    case PARQUET_FLOAT:
        return 4;
    case PARQUET_INT64:
    case PARQUET_DOUBLE:
        return 8;
    case PARQUET_INT96:
        return INT96_BYTES;
    case PARQUET_FIXED:
        return (uint32_t)element->type_length;
    default:
        return 0;
    }
}

/* What old and new annotations say, as one. */
static ParquetLogical effective_logical(const ParquetElement *element, ParquetElement *out)
{
    static const struct {
        uint8_t logical, unit, bit_width;
        bool is_signed;
    } meanings[] = {
        [PARQUET_CONVERTED_UTF8] = {PARQUET_LOGICAL_STRING},
        [PARQUET_CONVERTED_MAP] = {PARQUET_LOGICAL_MAP},
        [PARQUET_CONVERTED_MAP_KEY_VALUE] = {PARQUET_LOGICAL_MAP},
        [PARQUET_CONVERTED_LIST] = {PARQUET_LOGICAL_LIST},
        [PARQUET_CONVERTED_ENUM] = {PARQUET_LOGICAL_ENUM},
        [PARQUET_CONVERTED_DECIMAL] = {PARQUET_LOGICAL_DECIMAL},
        [PARQUET_CONVERTED_DATE] = {PARQUET_LOGICAL_DATE},
        [PARQUET_CONVERTED_TIME_MILLIS] = {PARQUET_LOGICAL_TIME, PARQUET_MILLIS},
        [PARQUET_CONVERTED_TIME_MICROS] = {PARQUET_LOGICAL_TIME, PARQUET_MICROS},
        [PARQUET_CONVERTED_TIMESTAMP_MILLIS] = {PARQUET_LOGICAL_TIMESTAMP, PARQUET_MILLIS},
        [PARQUET_CONVERTED_TIMESTAMP_MICROS] = {PARQUET_LOGICAL_TIMESTAMP, PARQUET_MICROS},
        [PARQUET_CONVERTED_UINT_8] = {PARQUET_LOGICAL_INTEGER, 0, 8, false},
        [PARQUET_CONVERTED_UINT_16] = {PARQUET_LOGICAL_INTEGER, 0, 16, false},
        [PARQUET_CONVERTED_UINT_32] = {PARQUET_LOGICAL_INTEGER, 0, 32, false},
        [PARQUET_CONVERTED_UINT_64] = {PARQUET_LOGICAL_INTEGER, 0, 64, false},
        [PARQUET_CONVERTED_INT_8] = {PARQUET_LOGICAL_INTEGER, 0, 8, true},
        [PARQUET_CONVERTED_INT_16] = {PARQUET_LOGICAL_INTEGER, 0, 16, true},
        [PARQUET_CONVERTED_INT_32] = {PARQUET_LOGICAL_INTEGER, 0, 32, true},
        [PARQUET_CONVERTED_INT_64] = {PARQUET_LOGICAL_INTEGER, 0, 64, true},
        [PARQUET_CONVERTED_JSON] = {PARQUET_LOGICAL_JSON},
        [PARQUET_CONVERTED_BSON] = {PARQUET_LOGICAL_BSON},
    };
    *out = *element;
    if (element->logical == PARQUET_LOGICAL_NONE && element->converted >= 0 &&
        element->converted < (int)(sizeof meanings / sizeof *meanings)) {
        out->logical = meanings[element->converted].logical;
        out->unit = meanings[element->converted].unit;
        out->bit_width = meanings[element->converted].bit_width;
        out->is_signed = meanings[element->converted].is_signed;
    }
    return (ParquetLogical)out->logical;
}

static void become(ParquetColumn *column, Type type, ParquetConvert convert)
{
    column->type = type;
    column->convert = convert;
    column->value_bytes = (uint32_t)phys_bytes(type_phys(type));
}

static void refuse(ParquetColumn *column, const char *type_name)
{
    column->refused = type_name;
    become(column, type_of(TYPE_NULL), CONVERT_BOOL);
}

static void map_decimal(ParquetColumn *column, const ParquetElement *element)
{
    bool is_wide = element->precision > DECIMAL64_DIGITS;
    Type type;

    if (element->precision < 1 || element->precision > DECIMAL_DIGITS || element->scale < 0 ||
        element->scale > element->precision) {
        refuse(column, "numeric of more than 38 digits");
        return;
    }
    type = type_decimal(element->precision, element->scale);
    switch (element->physical) {
    case PARQUET_INT32:
        become(column, type, is_wide ? CONVERT_INT32_TO_INT128 : CONVERT_INT32_TO_INT64);
        return;
    case PARQUET_INT64:
        become(column, type, is_wide ? CONVERT_INT64_TO_INT128 : CONVERT_COPY);
        return;
    case PARQUET_FIXED:
    case PARQUET_BYTE_ARRAY:
        become(column, type, is_wide ? CONVERT_DECIMAL128 : CONVERT_DECIMAL64);
        return;
    default:
        refuse(column, "numeric stored as floating point");
    }
}

static void map_int32(ParquetColumn *column, const ParquetElement *element)
{
    switch (element->logical) {
    case PARQUET_LOGICAL_DATE:
        become(column, type_of(TYPE_DATE), CONVERT_COPY);
        return;
    case PARQUET_LOGICAL_TIME:
        refuse(column, "time");
        return;
    case PARQUET_LOGICAL_INTEGER:
        if (element->bit_width == 8)
            become(column, type_of(TYPE_INT2),
                   element->is_signed ? CONVERT_INT8_TO_INT16 : CONVERT_UINT8_TO_INT16);
        else if (element->bit_width == 16 && element->is_signed)
            become(column, type_of(TYPE_INT2), CONVERT_INT16);
        else if (element->bit_width == 16)
            become(column, type_of(TYPE_INT4), CONVERT_UINT16_TO_INT32);
        else if (!element->is_signed)
            become(column, type_of(TYPE_INT8), CONVERT_UINT32_TO_INT64);
        else
            become(column, type_of(TYPE_INT4), CONVERT_COPY);
        return;
    default:
        become(column, type_of(TYPE_INT4), CONVERT_COPY);
    }
}

static void map_int64(ParquetColumn *column, const ParquetElement *element)
{
    switch (element->logical) {
    case PARQUET_LOGICAL_TIMESTAMP:
        become(column, type_of(TYPE_TIMESTAMP),
               element->unit == PARQUET_MILLIS  ? CONVERT_MILLIS
               : element->unit == PARQUET_NANOS ? CONVERT_NANOS
                                                : CONVERT_COPY);
        return;
    case PARQUET_LOGICAL_TIME:
        refuse(column, "time");
        return;
    case PARQUET_LOGICAL_INTEGER:
        if (!element->is_signed)
            become(column, type_decimal(20, 0), CONVERT_UINT64_TO_INT128);
        else
            become(column, type_of(TYPE_INT8), CONVERT_COPY);
        return;
    default:
        become(column, type_of(TYPE_INT8), CONVERT_COPY);
    }
}

/* Texts, and bytes without a meaning: these are text as long as they are UTF-8. */
static void map_bytes(ParquetColumn *column, const ParquetElement *element)
{
    if (element->converted == PARQUET_CONVERTED_INTERVAL && column->raw_bytes == INTERVAL_BYTES)
        become(column, type_of(TYPE_INTERVAL), CONVERT_INTERVAL);
    else if (element->logical == PARQUET_LOGICAL_UUID)
        refuse(column, "uuid");
    else if (element->logical == PARQUET_LOGICAL_BSON)
        refuse(column, "bson");
    else if (element->logical == PARQUET_LOGICAL_GEOMETRY ||
             element->logical == PARQUET_LOGICAL_GEOGRAPHY)
        refuse(column, "geometry");
    else if (element->logical == PARQUET_LOGICAL_FLOAT16 && column->raw_bytes == HALF_BYTES)
        become(column, type_of(TYPE_FLOAT4), CONVERT_HALF);
    else
        become(column, type_of(TYPE_TEXT), CONVERT_TEXT);
    column->is_bytes = element->logical != PARQUET_LOGICAL_STRING &&
                       element->logical != PARQUET_LOGICAL_ENUM &&
                       element->logical != PARQUET_LOGICAL_JSON;
}

static void map_leaf(ParquetColumn *column, const ParquetElement *written)
{
    ParquetElement element;
    ParquetLogical logical = effective_logical(written, &element);

    column->physical = (ParquetPhysical)element.physical;
    column->raw_bytes = physical_bytes(&element);
    if (element.physical == PARQUET_FIXED &&
        (element.type_length < 1 || element.type_length > FIXED_BYTES_MAX)) {
        refuse(column, "fixed-length bytes of an impossible length");
        return;
    }
    if (logical == PARQUET_LOGICAL_DECIMAL) {
        map_decimal(column, &element);
        return;
    }
    switch (element.physical) {
    case PARQUET_BOOLEAN:
        become(column, type_of(TYPE_BOOL), CONVERT_BOOL);
        return;
    case PARQUET_INT32:
        map_int32(column, &element);
        return;
    case PARQUET_INT64:
        map_int64(column, &element);
        return;
    case PARQUET_INT96:
        become(column, type_of(TYPE_TIMESTAMP), CONVERT_INT96);
        return;
    case PARQUET_FLOAT:
        become(column, type_of(TYPE_FLOAT4), CONVERT_COPY);
        return;
    case PARQUET_DOUBLE:
        become(column, type_of(TYPE_FLOAT8), CONVERT_COPY);
        return;
    default:
        map_bytes(column, &element);
    }
}

static const char *group_name(const ParquetElement *written)
{
    ParquetElement element;

    switch (effective_logical(written, &element)) {
    case PARQUET_LOGICAL_LIST:
        return "list";
    case PARQUET_LOGICAL_MAP:
        return "map";
    case PARQUET_LOGICAL_VARIANT:
        return "variant";
    default:
        return "record";
    }
}

/* The number of schema elements in the subtree that starts at first, and its leaves. */
static uint32_t measure_subtree(const ParquetFooter *footer, uint32_t first, uint32_t *leaves_out)
{
    uint64_t open = 1;
    uint32_t at = first;

    *leaves_out = 0;
    for (; open > 0 && at < footer->element_count; at++) {
        open = open - 1 + footer->elements[at].child_count;
        *leaves_out += footer->elements[at].physical >= 0;
    }
    return at - first;
}

void parquet__schema_columns(const ParquetFooter *footer, Arena *arena, uint32_t *count_out,
                             ParquetColumn **columns_out)
{
    uint32_t count = footer->elements[0].child_count, leaf = 0, at = 1;
    ParquetColumn *columns = ARENA_ARRAY(arena, ParquetColumn, count);

    for (uint32_t i = 0; i < count; i++) {
        const ParquetElement *element = &footer->elements[at];
        ParquetColumn *column = &columns[i];
        uint32_t leaves;

        column->name = element->name;
        column->leaf = leaf;
        column->is_nullable = element->repetition != PARQUET_REQUIRED;
        at += measure_subtree(footer, at, &leaves);
        leaf += leaves;
        if (element->physical < 0)
            refuse(column, group_name(element));
        else if (element->repetition == PARQUET_REPEATED)
            refuse(column, "list");
        else
            map_leaf(column, element);
    }
    *count_out = count;
    *columns_out = columns;
}

bool parquet__column_matches(const ParquetColumn *a, const ParquetColumn *b)
{
    return strcmp(a->name, b->name) == 0 && type_equal(a->type, b->type) &&
           (a->refused == NULL) == (b->refused == NULL);
}
