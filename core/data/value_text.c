/* value_text.c -- printing and parsing by type; see value_text.h */
#include "core/data/value_text.h"

#include "core/base/invariant.h"
#include "core/data/text_internal.h"

const char *value_print_at(Type type, const void *address, uint32_t flags, char *buffer,
                           uint32_t *length_out)
{
    Value value = value_null(type);

    memcpy(value.bytes, address, phys_bytes(type_phys(type)));
    if (type_phys(type) == PHYS_STR) { /* the bytes of a short text lie at the address */
        const Str *text = address;

        *length_out = text->length;
        return str_bytes(text);
    }
    return value_print(&value, flags, buffer, length_out);
}

static uint32_t print_bool(bool boolean, uint32_t flags, char *buffer)
{
    const char *text = boolean ? "true" : "false";
    uint32_t length = flags & VALUE_PRINT_SHORT_BOOL ? 1 : (uint32_t)strlen(text);

    memcpy(buffer, text, length);
    return length;
}

const char *value_print(const Value *value, uint32_t flags, char *buffer, uint32_t *length_out)
{
    switch ((TypeId)value->type.id) {
    case TYPE_NULL:
    case TYPE_BOOL:
        *length_out = print_bool(value->boolean, flags, buffer);
        return buffer;
    case TYPE_INT2:
        *length_out = value_print_int8(value->int16, buffer);
        return buffer;
    case TYPE_INT4:
        *length_out = value_print_int8(value->int32, buffer);
        return buffer;
    case TYPE_INT8:
        *length_out = value_print_int8(value->int64, buffer);
        return buffer;
    case TYPE_DECIMAL:
        *length_out = value_print_decimal(value_as_int128(value), value->type.scale, buffer);
        return buffer;
    case TYPE_FLOAT4:
        *length_out = value_print_float4(value->float32, buffer);
        return buffer;
    case TYPE_FLOAT8:
        *length_out = value_print_float8(value->float64, buffer);
        return buffer;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        *length_out = value->str.length;
        return str_bytes(&value->str);
    case TYPE_DATE:
        *length_out = value_print_date(value->int32, buffer);
        return buffer;
    case TYPE_TIMESTAMP:
        *length_out = value_print_timestamp(value->int64, buffer);
        return buffer;
    case TYPE_INTERVAL:
        *length_out = value_print_interval(value->interval, buffer);
        return buffer;
    case TYPE_ID_COUNT:
        break;
    }
    UNREACHABLE("type id");
}

const char *value_print_arena(Arena *arena, const Value *value)
{
    char buffer[VALUE_TEXT_BYTES];
    uint32_t length;
    const char *text;

    if (value->is_null)
        return "NULL";
    text = value_print(value, 0, buffer, &length);
    return arena_strndup(arena, text, length);
}

/* --- parsing --- */

/* varchar(n) and char(n): n characters; more are an error unless they are blanks. char(n) is kept
 * without trailing blanks. */
static ParseResult parse_text(Type type, const char *text, size_t length, Str *out)
{
    if (length > INT32_MAX)
        return PARSE_TOO_LONG;
    if (type.length > 0) {
        int32_t characters = 0;
        size_t fits = 0;

        for (; fits < length; fits++) {
            bool starts_character = ((unsigned char)text[fits] & 0xc0) != 0x80;

            if (starts_character && characters++ == type.length)
                break;
        }
        for (size_t i = fits; i < length; i++)
            if (text[i] != ' ')
                return PARSE_TOO_LONG;
        length = fits;
    }
    if (type.id == TYPE_CHAR)
        while (length > 0 && text[length - 1] == ' ')
            length--;
    *out = str_make(text, (uint32_t)length);
    return PARSE_OK;
}

static ParseResult parse_decimal(Type type, const char *text, size_t length, Value *value)
{
    Int128 unscaled;
    ParseResult result = value_parse_decimal(text, length, type.precision, type.scale, &unscaled);

    if (result == PARSE_OK)
        *value = value_decimal(unscaled, type.precision, type.scale);
    return result;
}

static ParseResult parse_bool(const char *text, size_t length, Value *value)
{
    bool boolean = false;
    ParseResult result = value_parse_bool(text, length, &boolean);

    value->boolean = boolean;
    return result;
}

ParseResult value_parse_result(Type type, const char *text, size_t length, Value *value_out)
{
    *value_out = value_null(type);
    value_out->is_null = false;
    switch ((TypeId)type.id) {
    case TYPE_BOOL:
        return parse_bool(text, length, value_out);
    case TYPE_INT2:
        return value_parse_int2(text, length, &value_out->int16);
    case TYPE_INT4:
        return value_parse_int4(text, length, &value_out->int32);
    case TYPE_INT8:
        return value_parse_int8(text, length, &value_out->int64);
    case TYPE_DECIMAL:
        return parse_decimal(type, text, length, value_out);
    case TYPE_FLOAT4:
        return value_parse_float4(text, length, &value_out->float32);
    case TYPE_FLOAT8:
        return value_parse_float8(text, length, &value_out->float64);
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return parse_text(type, text, length, &value_out->str);
    case TYPE_DATE:
        return value_parse_date(text, length, &value_out->int32);
    case TYPE_TIMESTAMP:
        return value_parse_timestamp(text, length, &value_out->int64);
    case TYPE_INTERVAL:
        return value_parse_interval(text, length, INTERVAL_ANY, &value_out->interval);
    case TYPE_NULL:
    case TYPE_ID_COUNT:
        break;
    }
    return PARSE_UNSUPPORTED;
}

Status value_parse(Type type, const char *text, size_t length, Error *err, Value *value_out)
{
    ParseResult result = value_parse_result(type, text, length, value_out);

    return result == PARSE_OK ? ST_OK : value_parse_error(result, type, text, length, err);
}

void value_precision_detail(Error *err, int32_t precision, int32_t scale)
{
    const char *ten = precision - scale > 0 ? "10^" : "";

    error_detail(err,
                 "A field with precision %d, scale %d must round to an absolute value less than "
                 "%s%d.",
                 precision, scale, ten, precision - scale > 0 ? precision - scale : 1);
}

static Status date_error(ParseResult result, Type type, int shown, const char *text, Error *err)
{
    bool is_interval = type.id == TYPE_INTERVAL;

    if (is_interval && result != PARSE_SYNTAX)
        return error_set_state(err, ST_BAD_INPUT, "22015",
                               "interval field value out of range: \"%.*s\"", shown, text);
    if (result == PARSE_FIELD)
        return error_set_state(err, ST_BAD_INPUT, "22008",
                               "date/time field value out of range: \"%.*s\"", shown, text);
    if (result == PARSE_RANGE)
        return error_set_state(err, ST_BAD_INPUT, "22008", "%s out of range: \"%.*s\"",
                               type.id == TYPE_DATE ? "date" : "timestamp", shown, text);
    return error_set_state(err, ST_BAD_INPUT, "22007", "invalid input syntax for type %s: \"%.*s\"",
                           type.id == TYPE_TIMESTAMP ? "timestamp" : type_id_name(type.id), shown,
                           text);
}

Status value_parse_error(ParseResult result, Type type, const char *text, size_t length, Error *err)
{
    const char *name = type_id_name(type.id);
    int shown = length > 500 ? 500 : (int)length;

    if (result == PARSE_UNSUPPORTED)
        return error_set(err, ST_NOT_SUPPORTED, "not supported: \"%.*s\" as %s", shown, text, name);
    if (result == PARSE_TOO_LONG)
        return error_set_state(err, ST_BAD_INPUT, "22001", "value too long for type %s(%d)", name,
                               (int)type.length);
    if (result == PARSE_PRECISION) {
        error_set_state(err, ST_BAD_INPUT, "22003", "numeric field overflow");
        value_precision_detail(err, type.precision, type.scale);
        return ST_BAD_INPUT;
    }
    if (type.id == TYPE_DATE || type.id == TYPE_TIMESTAMP || type.id == TYPE_INTERVAL)
        return date_error(result, type, shown, text, err);
    if (result == PARSE_RANGE && type_is_float(type))
        return error_set_state(err, ST_BAD_INPUT, "22003", "\"%.*s\" is out of range for type %s",
                               shown, text, name);
    if (result == PARSE_RANGE)
        return error_set_state(err, ST_BAD_INPUT, "22003",
                               "value \"%.*s\" is out of range for type %s", shown, text, name);
    return error_set_state(err, ST_BAD_INPUT, "22P02", "invalid input syntax for type %s: \"%.*s\"",
                           name, shown, text);
}
