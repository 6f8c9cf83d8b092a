/* csv_convert.c -- fields to columns; see csv_internal.h */
#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/calendar.h"
#include "core/data/decimal.h"
#include "core/data/value_text.h"
#include "formats/csv/csv_internal.h"

bool csv_is_null(const CsvDialect *dialect, const CsvField *field, bool is_text)
{
    if (field->length == 0 && !(is_text && (field->is_quoted || dialect->null_count > 0)))
        return true;
    if (field->is_quoted)
        return false;
    for (uint32_t i = 0; i < dialect->null_count; i++)
        if (strlen(dialect->null_texts[i]) == field->length &&
            memcmp(dialect->null_texts[i], field->text, field->length) == 0)
            return true;
    return false;
}

/* --- fast paths for what most files hold; anything else goes to core/data --- */

static inline ParseResult parse_int8(const char *text, uint32_t length, int64_t *out)
{
    uint64_t number = 0;
    uint32_t at = length > 0 && text[0] == '-';

    if (length == at || length > 18)
        return value_parse_int8(text, length, out);
    for (uint32_t i = at; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - '0';

        if (digit > 9)
            return value_parse_int8(text, length, out);
        number = number * 10 + digit;
    }
    *out = at ? -(int64_t)number : (int64_t)number;
    return PARSE_OK;
}

static inline ParseResult parse_int4(const char *text, uint32_t length, int32_t *out)
{
    int64_t number;

    if (length > 9 || parse_int8(text, length, &number) != PARSE_OK)
        return value_parse_int4(text, length, out);
    *out = (int32_t)number;
    return PARSE_OK;
}

/* 123.45: up to 15 digits are exact in a double, and so is one division by a power of ten. */
static inline ParseResult parse_float8(const char *text, uint32_t length, double *out)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint32_t at = length > 0 && text[0] == '-', point = 0;
    uint64_t digits = 0;

    if (length - at > 16 || length == at)
        return value_parse_float8(text, length, out);
    for (uint32_t i = at; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - '0';

        if (digit <= 9)
            digits = digits * 10 + digit;
        else if (text[i] == '.' && point == 0 && length - at > 1)
            point = i + 1;
        else
            return value_parse_float8(text, length, out);
    }
    if (point == 0 && length - at > 15)
        return value_parse_float8(text, length, out);
    *out = (double)digits / powers[point == 0 ? 0 : length - point];
    if (at)
        *out = -*out;
    return PARSE_OK;
}

static inline int two_digits(const char *text)
{
    unsigned high = (unsigned char)text[0] - '0', low = (unsigned char)text[1] - '0';

    return high > 9 || low > 9 ? -1 : (int)(high * 10 + low);
}

/* yyyy-mm-dd with a day that every month has. */
static inline ParseResult parse_date(const char *text, uint32_t length, int32_t *out)
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
    *out = (int32_t)calendar_days(century * 100 + year, month, day);
    return PARSE_OK;
}

/* yyyy-mm-dd hh:mm:ss[.f], a T between, a Z behind. */
static ParseResult parse_timestamp(const char *text, uint32_t length, int64_t *out)
{
    int32_t days;
    int hour, minute, second;
    int64_t micros = 0, unit = MICROS_PER_SECOND / 10;

    if (length < 19 || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':' ||
        parse_date(text, 10, &days) != PARSE_OK)
        return value_parse_timestamp(text, length, out);
    hour = two_digits(text + 11);
    minute = two_digits(text + 14);
    second = two_digits(text + 17);
    if (text[length - 1] == 'Z')
        length--;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
        length > 26 || (length > 19 && text[19] != '.'))
        return value_parse_timestamp(text, length, out);
    for (uint32_t i = 20; i < length; i++, unit /= 10) {
        unsigned digit = (unsigned char)text[i] - '0';

        if (digit > 9)
            return value_parse_timestamp(text, length, out);
        micros += digit * unit;
    }
    *out =
        days * MICROS_PER_DAY + ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros;
    return PARSE_OK;
}

/* Digits with at most the type's scale behind the point, all in 64 bits. False: not so simple. */
static inline bool read_decimal8(Type type, const char *text, uint32_t length, int64_t *out)
{
    uint32_t at = length > 0 && text[0] == '-', behind = 0, missing;
    uint64_t number = 0;
    bool has_point = false;

    if (length == at || length > 18)
        return false;
    for (uint32_t i = at; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - '0';

        if (digit > 9) {
            if (text[i] != '.' || has_point || length - at == 1)
                return false;
            has_point = true;
            continue;
        }
        number = number * 10 + digit;
        behind += has_point;
    }
    if (behind > type.scale)
        return false;
    missing = type.scale - behind;
    if (number >= (uint64_t)decimal_pow10_64[type.precision - missing])
        return false;
    number *= (uint64_t)decimal_pow10_64[missing];
    *out = at ? -(int64_t)number : (int64_t)number;
    return true;
}

/* Any other type, and any in another form. */
static ParseResult parse_any(Type type, const char *text, uint32_t length, void *out)
{
    Value value;
    ParseResult result = value_parse_result(type, text, length, &value);

    if (result == PARSE_OK)
        memcpy(out, value.bytes, phys_bytes(type_phys(type)));
    return result;
}

/* A whole number is what the sample has promised; rounding would hide that it is none. */
static ParseResult parse_whole(Type type, const char *text, uint32_t length, void *out)
{
    for (uint32_t i = length > 0 && text[0] == '-'; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return PARSE_SYNTAX;
    return parse_any(type, text, length, out);
}

static ParseResult parse_form(Type type, const char *format, const char *text, uint32_t length,
                              void *out)
{
    int64_t days, micros;

    while (length > 0 && text[length - 1] == ' ')
        length--;
    while (length > 0 && *text == ' ')
        text++, length--;
    if (!csv_parse_time(format, text, length, &days, &micros))
        return PARSE_SYNTAX;
    if (type.id == TYPE_DATE) {
        int32_t date = (int32_t)days;

        memcpy(out, &date, sizeof date);
    } else {
        micros += days * MICROS_PER_DAY;
        memcpy(out, &micros, sizeof micros);
    }
    return PARSE_OK;
}

/* --- UTF-8 --- */

/* How many bytes are well-formed: no overlong forms, surrogates, or past U+10FFFF. */
static uint32_t utf8_valid_bytes(const char *text, uint32_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t at = 0;

    while (at < length) {
        uint32_t lead = bytes[at], more, low, high;

        if (lead < 0x80) {
            at++;
            continue;
        }
        more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (lead < 0xc2 || lead > 0xf4 || length - at <= more)
            return at;
        low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (bytes[at + 1] < low || bytes[at + 1] > high)
            return at;
        for (uint32_t i = 2; i <= more; i++)
            if ((bytes[at + i] & 0xc0) != 0x80)
                return at;
        at += more + 1;
    }
    return length;
}

static Status not_utf8(const char *text, uint32_t length, Error *err)
{
    uint32_t at = utf8_valid_bytes(text, length);
    char bytes[32] = "";

    for (uint32_t i = 0; i < 3 && at + i < length; i++)
        snprintf(bytes + strlen(bytes), sizeof bytes - strlen(bytes), " 0x%02x",
                 (unsigned char)text[at + i]);
    error_set_state(err, ST_BAD_INPUT, "22021", "invalid byte sequence for encoding \"UTF8\":%s",
                    bytes);
    error_hint(err, "Is the file in another encoding? iconv -f LATIN1 -t UTF-8 FILE converts it.");
    return ST_BAD_INPUT;
}

/* --- columns --- */

typedef struct Target {
    const CsvConvert *work;
    uint32_t place;
    Type type;
    const char *format;
    char *values;
    uint64_t *validity;
    bool has_nulls;
    uint32_t bad_row;
} Target;

typedef ParseResult (*ParseField)(const Target *target, const char *text, uint32_t length,
                                  void *out);

static inline ParseResult field_int8(const Target *target, const char *text, uint32_t length,
                                     void *out)
{
    (void)target;
    return parse_int8(text, length, out);
}

static inline ParseResult field_int4(const Target *target, const char *text, uint32_t length,
                                     void *out)
{
    (void)target;
    return parse_int4(text, length, out);
}

static inline ParseResult field_float8(const Target *target, const char *text, uint32_t length,
                                       void *out)
{
    (void)target;
    return parse_float8(text, length, out);
}

static inline ParseResult field_date(const Target *target, const char *text, uint32_t length,
                                     void *out)
{
    (void)target;
    return parse_date(text, length, out);
}

static inline ParseResult field_timestamp(const Target *target, const char *text, uint32_t length,
                                          void *out)
{
    (void)target;
    return parse_timestamp(text, length, out);
}

static inline ParseResult field_decimal8(const Target *target, const char *text, uint32_t length,
                                         void *out)
{
    return read_decimal8(target->type, text, length, out)
               ? PARSE_OK
               : parse_any(target->type, text, length, out);
}

static inline ParseResult field_any(const Target *target, const char *text, uint32_t length,
                                    void *out)
{
    return parse_any(target->type, text, length, out);
}

static inline ParseResult field_whole(const Target *target, const char *text, uint32_t length,
                                      void *out)
{
    return parse_whole(target->type, text, length, out);
}

static inline ParseResult field_form(const Target *target, const char *text, uint32_t length,
                                     void *out)
{
    return parse_form(target->type, target->format, text, length, out);
}

static Status bad_field(Target *target, uint32_t row, ParseResult result, Str text, Error *err)
{
    const CsvConvert *work = target->work;

    if (work->ignores_errors) {
        work->bad_rows[row / 64] |= UINT64_C(1) << (row % 64);
        bitmap_clear(target->validity, row);
        target->has_nulls = true;
        return ST_OK;
    }
    target->bad_row = row;
    if (target->type.id == TYPE_TEXT)
        return not_utf8(str_bytes(&text), text.length, err);
    if (target->format == NULL)
        return value_parse_error(result, target->type, str_bytes(&text), text.length, err);
    return error_set_state(err, ST_BAD_INPUT, "22007", "\"%.*s\" is no %s of the form %s",
                           text.length < 80 ? (int)text.length : 80, str_bytes(&text),
                           target->type.id == TYPE_DATE ? "date" : "timestamp", target->format);
}

/* Whether the row has a value: one that it lacks, and a NULL, is noted. */
static inline bool has_value(Target *target, uint32_t row, bool is_text, CsvField *field_out)
{
    const CsvConvert *work = target->work;
    CsvRow record = work->rows[row];

    if (target->place < record.field_count) {
        *field_out = csv_field(work->index, record, target->place);
        if (field_out->length > 0 && work->index->dialect->null_count == 0)
            return true;
        if (!csv_is_null(work->index->dialect, field_out, is_text))
            return true;
    }
    bitmap_clear(target->validity, row);
    target->has_nulls = true;
    return false;
}

/* Inlined into one loop a type. */
static inline __attribute__((always_inline)) Status convert_values(Target *target,
                                                                   size_t value_bytes,
                                                                   ParseField parse, Error *err)
{
    const CsvConvert *work = target->work;

    for (uint32_t i = 0; i < work->selected_count; i++) {
        uint32_t row = work->selection == NULL ? i : work->selection[i];
        ParseResult result;
        CsvField field;
        Str text;

        if (!has_value(target, row, false, &field))
            continue;
        if (!field.is_escaped) {
            result = parse(target, field.text, field.length, target->values + row * value_bytes);
            if (result == PARSE_OK)
                continue;
        }
        text = csv_field_text(work->arena, work->index->dialect, &field);
        result = parse(target, str_bytes(&text), text.length, target->values + row * value_bytes);
        if (result != PARSE_OK)
            TRY(bad_field(target, row, result, text, err));
    }
    return ST_OK;
}

static Status convert_texts(Target *target, Error *err)
{
    const CsvConvert *work = target->work;
    Str *values = (Str *)(void *)target->values;

    for (uint32_t i = 0; i < work->selected_count; i++) {
        uint32_t row = work->selection == NULL ? i : work->selection[i];
        CsvField field;

        if (!has_value(target, row, true, &field))
            continue;
        values[row] = field.is_escaped ? csv_field_text(work->arena, work->index->dialect, &field)
                                       : str_make(field.text, field.length);
        if (!work->index->is_ascii &&
            utf8_valid_bytes(str_bytes(&values[row]), values[row].length) < values[row].length)
            TRY(bad_field(target, row, PARSE_SYNTAX, values[row], err));
    }
    return ST_OK;
}

static Status convert_by_type(Target *target, bool is_named, Error *err)
{
    size_t bytes = phys_bytes(type_phys(target->type));

    if (target->format != NULL)
        return convert_values(target, bytes, field_form, err);
    switch ((TypeId)target->type.id) {
    case TYPE_TEXT:
        return convert_texts(target, err);
    case TYPE_INT4:
        return convert_values(target, sizeof(int32_t), field_int4, err);
    case TYPE_INT8:
        return convert_values(target, sizeof(int64_t), field_int8, err);
    case TYPE_FLOAT8:
        return convert_values(target, sizeof(double), field_float8, err);
    case TYPE_DATE:
        return convert_values(target, sizeof(int32_t), field_date, err);
    case TYPE_TIMESTAMP:
        return convert_values(target, sizeof(int64_t), field_timestamp, err);
    case TYPE_DECIMAL:
        if (bytes == sizeof(int64_t))
            return convert_values(target, sizeof(int64_t), field_decimal8, err);
        return is_named ? convert_values(target, bytes, field_any, err)
                        : convert_values(target, bytes, field_whole, err);
    default:
        return convert_values(target, bytes, field_any, err);
    }
}

Status csv_convert(const CsvConvert *work, uint32_t place, const TableColumn *column,
                   const char *format, bool is_named, Error *err, Column *column_out,
                   uint32_t *bad_row_out)
{
    Target target = {.work = work, .place = place, .type = column->type, .format = format};
    Status status;

    target.values = arena_alloc(work->arena, work->row_count * phys_bytes(type_phys(column->type)));
    target.validity = ARENA_ARRAY(work->arena, uint64_t, bitmap_words(work->row_count));
    bitmap_fill(target.validity, work->row_count, true);
    status = convert_by_type(&target, is_named, err);
    *bad_row_out = target.bad_row;
    *column_out = (Column){.type = column->type,
                           .form = COLUMN_FLAT,
                           .values = target.values,
                           .validity = target.has_nulls ? target.validity : NULL};
    return status;
}
