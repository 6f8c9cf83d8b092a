/* value_convert.c -- see value_convert.h */
#include "formats/parquet/value_convert.h"

#include <math.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/utf8_check.h"

static const char *const out_of_range = "a value is out of its type's range";
const char *const value_not_utf8 = "a text is not valid UTF-8";

#define LOAD(CType, from, i)                                                                       \
    __extension__({                                                                                \
        CType loaded_;                                                                             \
        memcpy(&loaded_, (from) + (size_t)(i) * sizeof loaded_, sizeof loaded_);                   \
        loaded_;                                                                                   \
    })

/* Every value of a stored C type through an expression of x. */
#define CONVERT_EACH(Stored, Made, expression)                                                     \
    do {                                                                                           \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            Stored x = LOAD(Stored, from, i);                                                      \
            ((Made *)to)[i] = (Made)(expression);                                                  \
        }                                                                                          \
    } while (0)

/* The same where a value may not fit: test says which do not. */
#define CONVERT_CHECKED(Stored, Made, expression, test)                                            \
    do {                                                                                           \
        bool is_bad = false;                                                                       \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            Stored x = LOAD(Stored, from, i);                                                      \
            is_bad |= (test);                                                                      \
            ((Made *)to)[i] = (Made)(expression);                                                  \
        }                                                                                          \
        return is_bad ? out_of_range : NULL;                                                       \
    } while (0)

static int64_t floor_thousandth(int64_t nanos)
{
    return nanos / 1000 - (nanos % 1000 < 0);
}

/* Julian day 2440588 is 1970-01-01. Wraps around as Spark, whose format this is, does on both ways:
 * far dates come back as they went in. */
static void convert_int96(const uint8_t *from, uint32_t count, int64_t *to)
{
    const uint64_t day_micros = (uint64_t)86400 * 1000000;

    for (uint32_t i = 0; i < count; i++, from += 12) {
        int64_t nanos = LOAD(int64_t, from, 0);
        int32_t day;

        memcpy(&day, from + 8, sizeof day);
        to[i] =
            (int64_t)(((uint64_t)day - 2440588) * day_micros + (uint64_t)floor_thousandth(nanos));
    }
}

/* Three unsigned numbers; ours are signed. */
static ValueFailure convert_intervals(const uint8_t *from, uint32_t count, Interval *to)
{
    bool is_bad = false;

    for (uint32_t i = 0; i < count; i++, from += 12) {
        uint32_t parts[3];

        memcpy(parts, from, sizeof parts);
        is_bad |= parts[0] > INT32_MAX || parts[1] > INT32_MAX;
        to[i] = (Interval){.months = (int32_t)parts[0],
                           .days = (int32_t)parts[1],
                           .micros = (int64_t)parts[2] * 1000};
    }
    return is_bad ? out_of_range : NULL;
}

static float half_to_float(uint16_t half)
{
    int exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    float value;

    if (exponent == 0x1f)
        value = fraction == 0 ? INFINITY : NAN;
    else if (exponent == 0)
        value = ldexpf((float)fraction, -24);
    else
        value = ldexpf((float)(fraction + 0x400), exponent - 25);
    return half >> 15 ? -value : value;
}

/* Big-endian two's complement of any length; false when it needs more than 128 bits. */
static bool decimal_from_bytes(const uint8_t *from, uint32_t byte_count, Int128 *to)
{
    UInt128 value;
    uint8_t sign;

    *to = 0;
    if (byte_count == 0)
        return true;
    sign = from[0] >> 7 ? 0xff : 0;
    for (; byte_count > 16; from++, byte_count--)
        if (from[0] != sign || (from[1] ^ sign) >> 7)
            return false;
    value = sign ? ~(UInt128)0 : 0;
    for (uint32_t i = 0; i < byte_count; i++)
        value = value << 8 | from[i];
    *to = (Int128)value;
    return true;
}

/* Stores as column->value_bytes wants it. */
static bool store_decimal(const ParquetColumn *column, Int128 value, void *to, uint32_t i)
{
    if (column->convert == CONVERT_DECIMAL128) {
        ((Int128 *)to)[i] = value;
        return true;
    }
    ((int64_t *)to)[i] = (int64_t)value;
    return value == (int64_t)value;
}

static ValueFailure convert_fixed_decimals(const ParquetColumn *column, const uint8_t *from,
                                           uint32_t count, void *to)
{
    for (uint32_t i = 0; i < count; i++, from += column->raw_bytes) {
        Int128 value;

        if (!decimal_from_bytes(from, column->raw_bytes, &value) ||
            !store_decimal(column, value, to, i))
            return out_of_range;
    }
    return NULL;
}

static ValueFailure convert_fixed_texts(const ParquetColumn *column, const uint8_t *from,
                                        uint32_t count, Str *to)
{
    for (uint32_t i = 0; i < count; i++, from += column->raw_bytes) {
        if (!column->is_unchecked && !utf8_is_valid((const char *)from, column->raw_bytes))
            return value_not_utf8;
        to[i] = str_make((const char *)from, column->raw_bytes);
    }
    return NULL;
}

ValueFailure value_convert_fixed(const ParquetColumn *column, const uint8_t *from, uint32_t count,
                                 void *to)
{
    switch (column->convert) {
    case CONVERT_COPY:
        if (count > 0)
            memcpy(to, from, (size_t)count * column->raw_bytes);
        return NULL;
    case CONVERT_BOOL:
        CONVERT_CHECKED(uint8_t, uint8_t, x, x > 1);
    case CONVERT_INT8_TO_INT16:
        CONVERT_CHECKED(int32_t, int16_t, x, x != (int8_t)x);
    case CONVERT_INT16:
        CONVERT_CHECKED(int32_t, int16_t, x, x != (int16_t)x);
    case CONVERT_UINT8_TO_INT16:
        CONVERT_EACH(int32_t, int16_t, x & 0xff);
        return NULL;
    case CONVERT_UINT16_TO_INT32:
        CONVERT_EACH(int32_t, int32_t, x & 0xffff);
        return NULL;
    case CONVERT_UINT32_TO_INT64:
        CONVERT_EACH(uint32_t, int64_t, x);
        return NULL;
    case CONVERT_UINT64_TO_INT128:
        CONVERT_EACH(uint64_t, Int128, x);
        return NULL;
    case CONVERT_INT32_TO_INT64:
        CONVERT_EACH(int32_t, int64_t, x);
        return NULL;
    case CONVERT_INT32_TO_INT128:
        CONVERT_EACH(int32_t, Int128, x);
        return NULL;
    case CONVERT_INT64_TO_INT128:
        CONVERT_EACH(int64_t, Int128, x);
        return NULL;
    case CONVERT_MILLIS:
        CONVERT_CHECKED(int64_t, int64_t, (int64_t)((uint64_t)x * 1000),
                        x > INT64_MAX / 1000 || x < INT64_MIN / 1000);
    case CONVERT_NANOS:
        CONVERT_EACH(int64_t, int64_t, floor_thousandth(x));
        return NULL;
    case CONVERT_INT96:
        convert_int96(from, count, to);
        return NULL;
    case CONVERT_HALF:
        CONVERT_EACH(uint16_t, float, half_to_float(x));
        return NULL;
    case CONVERT_INTERVAL:
        return convert_intervals(from, count, to);
    case CONVERT_DECIMAL64:
    case CONVERT_DECIMAL128:
        return convert_fixed_decimals(column, from, count, to);
    case CONVERT_TEXT:
        return convert_fixed_texts(column, from, count, to);
    }
    UNREACHABLE("conversion");
}

ValueFailure value_convert_texts(const ParquetColumn *column, const Str *from, uint32_t count,
                                 void *to)
{
    if (column->convert == CONVERT_TEXT) {
        if (count > 0 && to != from)
            memcpy(to, from, count * sizeof *from);
        for (uint32_t i = 0; i < count && !column->is_unchecked; i++)
            if (!utf8_is_valid(str_bytes(&from[i]), from[i].length))
                return value_not_utf8;
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        Int128 value;

        if (!decimal_from_bytes((const uint8_t *)str_bytes(&from[i]), from[i].length, &value) ||
            !store_decimal(column, value, to, i))
            return out_of_range;
    }
    return NULL;
}

static const char *const too_long = "a text is longer than its page";

ValueFailure value_read_texts(const uint8_t **at_in_out, const uint8_t *end, uint32_t count,
                              Str *to)
{
    const uint8_t *at = *at_in_out;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;

        if (end - at < 4)
            return too_long;
        memcpy(&length, at, sizeof length);
        at += sizeof length;
        if (length > (size_t)(end - at))
            return too_long;
        to[i] = value_make_text(at, length);
        at += length;
    }
    *at_in_out = at;
    return NULL;
}

ValueFailure value_skip_texts(const uint8_t **at_in_out, const uint8_t *end, uint32_t count)
{
    const uint8_t *at = *at_in_out;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;

        if (end - at < 4)
            return too_long;
        memcpy(&length, at, sizeof length);
        at += sizeof length;
        if (length > (size_t)(end - at))
            return too_long;
        at += length;
    }
    *at_in_out = at;
    return NULL;
}

void value_unpack_bits(const uint8_t *from, uint32_t start, uint32_t count, uint8_t *to)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bit = start + i;

        to[i] = from[bit / 8] >> (bit % 8) & 1;
    }
}
