/* csv_convert.c -- fields to columns; see csv_internal.h */
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/value_text.h"
#include "formats/csv/csv_internal.h"

bool csv_is_null(const CsvDialect *dialect, const CsvField *field)
{
    if (field->is_quoted)
        return false;
    if (field->length == 0)
        return true;
    return dialect->null_text != NULL && strlen(dialect->null_text) == field->length &&
           memcmp(dialect->null_text, field->text, field->length) == 0;
}

static Str field_text(Arena *arena, const CsvDialect *dialect, const CsvField *field)
{
    return field->is_escaped ? csv_unescape(arena, dialect, field)
                             : str_make(field->text, field->length);
}

/* The digits' fast path; anything else goes to value_parse_int8. */
static ParseResult parse_integer(const char *text, size_t length, int64_t *out)
{
    uint64_t number = 0;

    if (length == 0 || length > 18)
        return value_parse_int8(text, length, out);
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - '0';

        if (digit > 9)
            return value_parse_int8(text, length, out);
        number = number * 10 + digit;
    }
    *out = (int64_t)number;
    return PARSE_OK;
}

static int two_digits(const char *text)
{
    unsigned high = (unsigned char)text[0] - '0', low = (unsigned char)text[1] - '0';

    return high > 9 || low > 9 ? -1 : (int)(high * 10 + low);
}

/* Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms", 2013). */
static int32_t days_from_civil(int year, int month, int day)
{
    int era_year = month <= 2 ? year - 1 : year;
    int era = era_year / 400;
    int of_era = era_year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* yyyy-mm-dd with a day that every month has; the rest goes to value_parse_date. */
static ParseResult parse_date(const char *text, size_t length, int32_t *out)
{
    int century, year, month, day;

    if (length != 10 || text[4] != '-' || text[7] != '-')
        return value_parse_date(text, length, out);
    century = two_digits(text);
    year = two_digits(text + 2);
    month = two_digits(text + 5);
    day = two_digits(text + 8);
    if (century <= 0 || year < 0 || month < 1 || month > 12 || day < 1 || day > 28)
        return value_parse_date(text, length, out);
    *out = days_from_civil(century * 100 + year, month, day);
    return PARSE_OK;
}

static ParseResult parse_field(Type type, const char *text, size_t length, void *values,
                               uint32_t row)
{
    Value value;
    ParseResult result;

    switch ((TypeId)type.id) {
    case TYPE_INT8:
        return parse_integer(text, length, (int64_t *)values + row);
    case TYPE_FLOAT8:
        return value_parse_float8(text, length, (double *)values + row);
    case TYPE_DATE:
        return parse_date(text, length, (int32_t *)values + row);
    default:
        result = value_parse_result(type, text, length, &value);
        if (result == PARSE_OK)
            memcpy((char *)values + row * phys_bytes(type_phys(type)), value.bytes,
                   phys_bytes(type_phys(type)));
        return result;
    }
}

Status csv_convert(Arena *arena, const CsvDialect *dialect, Type type, const CsvField *fields,
                   uint32_t stride, uint32_t row_count, Error *err, Column *column_out,
                   uint32_t *bad_row_out)
{
    void *values = arena_alloc(arena, row_count * phys_bytes(type_phys(type)));
    uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(row_count));
    bool has_nulls = false;

    bitmap_fill(validity, row_count, true);
    for (uint32_t row = 0; row < row_count; row++) {
        const CsvField *field = &fields[(size_t)row * stride];
        ParseResult parsed;
        Str text;

        if (csv_is_null(dialect, field)) {
            bitmap_clear(validity, row);
            has_nulls = true;
            continue;
        }
        text = field_text(arena, dialect, field);
        if (type.id == TYPE_TEXT) {
            ((Str *)values)[row] = text;
            continue;
        }
        parsed = parse_field(type, str_bytes(&text), text.length, values, row);
        if (parsed != PARSE_OK) {
            *bad_row_out = row;
            return value_parse_error(parsed, type, str_bytes(&text), text.length, err);
        }
    }
    *column_out = (Column){.type = type,
                           .form = COLUMN_FLAT,
                           .values = values,
                           .validity = has_nulls ? validity : NULL};
    return ST_OK;
}
