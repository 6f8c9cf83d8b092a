/* thrift_compact.c -- see thrift_compact.h */
#include "formats/parquet/thrift_compact.h"

enum { VARINT_BYTES_MAX = 10, LIST_COUNT_LONG = 15 };

ThriftReader thrift_reader(const void *bytes, size_t byte_count)
{
    const uint8_t *at = bytes;

    return (ThriftReader){.at = at, .end = at + byte_count};
}

void thrift_fail(ThriftReader *reader, const char *failure)
{
    if (reader->failure == NULL)
        reader->failure = failure;
    reader->at = reader->end;
}

static size_t bytes_left(const ThriftReader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static uint8_t read_byte(ThriftReader *reader)
{
    if (reader->at == reader->end) {
        thrift_fail(reader, "it ends too early");
        return 0;
    }
    return *reader->at++;
}

static uint64_t read_varint(ThriftReader *reader)
{
    uint64_t value = 0;

    for (int i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = read_byte(reader);

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return value;
    }
    thrift_fail(reader, "a number is too long");
    return 0;
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

bool thrift_next_field(ThriftReader *reader, ThriftField *field)
{
    uint8_t head = read_byte(reader);
    int64_t id;

    if (reader->failure != NULL || (head & 0x0f) == THRIFT_STOP)
        return false;
    field->type = head & 0x0f;
    if (field->type > THRIFT_STRUCT) {
        thrift_fail(reader, "a field has an unknown type");
        return false;
    }
    id = head >> 4 != 0 ? field->id + (head >> 4) : unzigzag(read_varint(reader));
    if (id <= 0 || id > INT16_MAX) {
        thrift_fail(reader, "a field's number is out of range");
        return false;
    }
    field->id = (int32_t)id;
    return reader->failure == NULL;
}

bool thrift_bool(ThriftReader *reader, const ThriftField *field)
{
    if (field->type != THRIFT_TRUE && field->type != THRIFT_FALSE)
        thrift_skip(reader, field);
    return field->type == THRIFT_TRUE;
}

bool thrift_element_bool(ThriftReader *reader, const ThriftField *element)
{
    if (element->type != THRIFT_TRUE && element->type != THRIFT_FALSE) {
        thrift_skip(reader, element);
        return false;
    }
    return read_byte(reader) == THRIFT_TRUE;
}

int64_t thrift_i64(ThriftReader *reader, const ThriftField *field)
{
    if (field->type == THRIFT_I8)
        return (int8_t)read_byte(reader);
    if (field->type < THRIFT_I16 || field->type > THRIFT_I64) {
        thrift_skip(reader, field);
        return 0;
    }
    return unzigzag(read_varint(reader));
}

int32_t thrift_i32(ThriftReader *reader, const ThriftField *field)
{
    int64_t value = thrift_i64(reader, field);

    if (value < INT32_MIN || value > INT32_MAX) {
        thrift_fail(reader, "a number is out of range");
        return 0;
    }
    return (int32_t)value;
}

ThriftBytes thrift_binary(ThriftReader *reader, const ThriftField *field)
{
    ThriftBytes binary = {0};
    uint64_t length;

    if (field->type != THRIFT_BINARY) {
        thrift_skip(reader, field);
        return binary;
    }
    length = read_varint(reader);
    if (length > bytes_left(reader) || length > UINT32_MAX) {
        thrift_fail(reader, "a text is longer than what is left");
        return binary;
    }
    binary.bytes = reader->at;
    binary.length = (uint32_t)length;
    reader->at += length;
    return binary;
}

ThriftList thrift_list(ThriftReader *reader, const ThriftField *field, uint32_t element_bytes_min)
{
    ThriftList list = {0};
    uint8_t head;
    uint64_t count;

    if (field->type != THRIFT_LIST && field->type != THRIFT_SET) {
        thrift_skip(reader, field);
        return list;
    }
    head = read_byte(reader);
    count = head >> 4 == LIST_COUNT_LONG ? read_varint(reader) : head >> 4;
    list.element.type = head & 0x0f;
    if (count > UINT32_MAX || count * element_bytes_min > bytes_left(reader))
        thrift_fail(reader, "a list is longer than what is left");
    if (list.element.type > THRIFT_STRUCT || (list.element.type == THRIFT_STOP && count > 0))
        thrift_fail(reader, "a list has an unknown type");
    list.count = reader->failure == NULL ? (uint32_t)count : 0;
    return list;
}

bool thrift_struct(ThriftReader *reader, const ThriftField *field)
{
    if (field->type == THRIFT_STRUCT)
        return reader->failure == NULL;
    thrift_skip(reader, field);
    return false;
}

/* What remains to be skipped on one level: a struct's fields, or elements of lists and maps. */
typedef struct SkipLevel {
    bool is_struct;
    uint32_t elements_left;      /* of lists and maps: keys and values count apart */
    ThriftType element_types[2]; /* taken in turn */
} SkipLevel;

static SkipLevel skip_map_begin(ThriftReader *reader)
{
    SkipLevel level = {.is_struct = false};
    uint64_t count = read_varint(reader);
    uint8_t types;

    if (count == 0)
        return level;
    types = read_byte(reader);
    if (count > bytes_left(reader) / 2) {
        thrift_fail(reader, "a map is longer than what is left");
        return level;
    }
    level.elements_left = (uint32_t)count * 2;
    level.element_types[0] = types >> 4;
    level.element_types[1] = types & 0x0f;
    return level;
}

/* Skips a value without parts; true when the value has parts, which *level_out tells. */
static bool skip_begin(ThriftReader *reader, ThriftType type, bool is_element, SkipLevel *level_out)
{
    const ThriftField field = {.type = type};
    ThriftList list;

    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        if (is_element)
            read_byte(reader);
        return false;
    case THRIFT_I8:
        read_byte(reader);
        return false;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        read_varint(reader);
        return false;
    case THRIFT_DOUBLE:
        if (bytes_left(reader) < 8)
            thrift_fail(reader, "it ends too early");
        else
            reader->at += 8;
        return false;
    case THRIFT_BINARY:
        (void)thrift_binary(reader, &field);
        return false;
    case THRIFT_LIST:
    case THRIFT_SET:
        list = thrift_list(reader, &field, 1);
        *level_out = (SkipLevel){.elements_left = list.count,
                                 .element_types = {list.element.type, list.element.type}};
        return true;
    case THRIFT_MAP:
        *level_out = skip_map_begin(reader);
        return true;
    case THRIFT_STRUCT:
        *level_out = (SkipLevel){.is_struct = true};
        return true;
    case THRIFT_STOP:
        break;
    }
    thrift_fail(reader, "a value has an unknown type");
    return false;
}

/* The next value on this level, or THRIFT_STOP at its end. */
static ThriftType skip_next(ThriftReader *reader, SkipLevel *level)
{
    ThriftField field = {0};

    if (level->is_struct)
        return thrift_next_field(reader, &field) ? field.type : THRIFT_STOP;
    if (level->elements_left == 0)
        return THRIFT_STOP;
    level->elements_left--;
    return level->element_types[level->elements_left % 2 == 0];
}

void thrift_skip(ThriftReader *reader, const ThriftField *field)
{
    SkipLevel levels[THRIFT_DEPTH_MAX];
    int depth = skip_begin(reader, field->type, false, &levels[0]) ? 1 : 0;

    while (depth > 0 && reader->failure == NULL) {
        SkipLevel *level = &levels[depth - 1];
        ThriftType type = skip_next(reader, level);

        if (type == THRIFT_STOP) {
            depth--;
            continue;
        }
        if (depth == THRIFT_DEPTH_MAX) {
            thrift_fail(reader, "it is nested too deeply");
            return;
        }
        if (skip_begin(reader, type, !level->is_struct, &levels[depth]))
            depth++;
    }
}
