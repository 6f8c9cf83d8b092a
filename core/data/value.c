/* value.c -- see value.h */
#include "core/data/value.h"

#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/invariant.h"

Value value_null(Type type)
{
    Value value = {.type = type, .is_null = true};

    memset(value.bytes, 0, sizeof value.bytes);
    return value;
}

Value value_zero(Type type)
{
    Value value = value_null(type);

    value.is_null = false;
    return value;
}

Value value_bool(bool boolean)
{
    Value value = value_zero(type_of(TYPE_BOOL));

    value.boolean = boolean;
    return value;
}

Value value_int4(int32_t number)
{
    Value value = value_zero(type_of(TYPE_INT4));

    value.int32 = number;
    return value;
}

Value value_int8(int64_t number)
{
    Value value = value_zero(type_of(TYPE_INT8));

    value.int64 = number;
    return value;
}

Value value_float8(double number)
{
    Value value = value_zero(type_of(TYPE_FLOAT8));

    value.float64 = number;
    return value;
}

Value value_text(Arena *arena, const char *text)
{
    Value value = value_zero(type_of(TYPE_TEXT));

    value.str = str_copy(arena, str_make(text, (uint32_t)strlen(text)));
    return value;
}

Value value_decimal(Int128 unscaled, int precision, int scale)
{
    Value value = value_zero(type_decimal(precision, scale));

    if (precision <= DECIMAL64_DIGITS)
        value.int64 = (int64_t)unscaled;
    else
        value.int128 = unscaled;
    return value;
}

Value value_from_column(const Column *column, size_t row)
{
    Value value = value_null(column->type);

    if (column_is_null(column, row))
        return value;
    value.is_null = false;
    memcpy(value.bytes, column_value(column, row), phys_bytes(type_phys(column->type)));
    return value;
}

Value value_copy(Arena *arena, Value value)
{
    if (!value.is_null && type_phys(value.type) == PHYS_STR)
        value.str = str_copy(arena, value.str);
    return value;
}

Column value_as_column(const Value *value)
{
    static const uint64_t none = 0;

    return (Column){.type = value->type,
                    .form = COLUMN_CONST,
                    .values = value->bytes,
                    .validity = value->is_null ? &none : NULL};
}

bool value_identical(const Value *a, const Value *b)
{
    if (!type_equal(a->type, b->type) || a->is_null != b->is_null)
        return false;
    if (a->is_null)
        return true;
    if (type_phys(a->type) == PHYS_STR)
        return str_equal(a->str, b->str);
    return memcmp(a->bytes, b->bytes, phys_bytes(type_phys(a->type))) == 0;
}

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return a < b ? -1 : a > b;
}

static Int128 interval_micros(Interval interval)
{
    const Int128 day_micros = (Int128)86400 * 1000000;

    return ((Int128)interval.months * 30 + interval.days) * day_micros + interval.micros;
}

int value_compare(const Value *a, const Value *b)
{
    Phys phys = type_phys(a->type);

    if (phys == PHYS_FLOAT32)
        return compare_doubles(a->float32, b->float32);
    if (phys == PHYS_FLOAT64)
        return compare_doubles(a->float64, b->float64);
    if (phys == PHYS_STR)
        return str_compare(a->str, b->str);
    if (phys == PHYS_INTERVAL) {
        Int128 x = interval_micros(a->interval), y = interval_micros(b->interval);

        return x < y ? -1 : x > y;
    }
    Int128 x = value_as_int128(a), y = value_as_int128(b);

    return x < y ? -1 : x > y;
}

uint64_t value_hash(const Value *value)
{
    Phys phys = type_phys(value->type);

    if (value->is_null)
        return XXH3_64bits(&value->type.id, 1);
    if (phys == PHYS_STR)
        return XXH3_64bits_withSeed(str_bytes(&value->str), value->str.length, value->type.id);
    return XXH3_64bits_withSeed(value->bytes, phys_bytes(phys), value->type.id);
}

Int128 value_as_int128(const Value *value)
{
    switch (type_phys(value->type)) {
    case PHYS_BOOL:
        return value->boolean;
    case PHYS_INT16:
        return value->int16;
    case PHYS_INT32:
        return value->int32;
    case PHYS_INT64:
        return value->int64;
    case PHYS_INT128:
        return value->int128;
    default:
        UNREACHABLE("value_as_int128 of a type that is no integer");
    }
}

double value_as_double(const Value *value)
{
    switch (type_phys(value->type)) {
    case PHYS_FLOAT32:
        return value->float32;
    case PHYS_FLOAT64:
        return value->float64;
    default:
        return (double)value_as_int128(value) / pow(10.0, value->type.scale);
    }
}
