/* thrift_write.c -- see thrift_write.h */
#include "formats/parquet/thrift_write.h"

#include <string.h>

static void put_varint(ByteBuffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        byte_buffer_byte(out, (uint8_t)(value | 0x80));
    byte_buffer_byte(out, (uint8_t)value);
}

static void put_zigzag(ByteBuffer *out, int64_t value)
{
    put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_head(ByteBuffer *out, ThriftStruct *in, int32_t id, ThriftType type)
{
    int32_t delta = id - in->last_id;

    if (delta > 0 && delta < 16) {
        byte_buffer_byte(out, (uint8_t)(delta << 4 | type));
    } else {
        byte_buffer_byte(out, (uint8_t)type);
        put_zigzag(out, id);
    }
    in->last_id = id;
}

void thrift_put_bool(ByteBuffer *out, ThriftStruct *in, int32_t id, bool value)
{
    put_head(out, in, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_i8(ByteBuffer *out, ThriftStruct *in, int32_t id, int8_t value)
{
    put_head(out, in, id, THRIFT_I8);
    byte_buffer_byte(out, (uint8_t)value);
}

void thrift_put_i32(ByteBuffer *out, ThriftStruct *in, int32_t id, int32_t value)
{
    put_head(out, in, id, THRIFT_I32);
    put_zigzag(out, value);
}

void thrift_put_i64(ByteBuffer *out, ThriftStruct *in, int32_t id, int64_t value)
{
    put_head(out, in, id, THRIFT_I64);
    put_zigzag(out, value);
}

void thrift_put_element_binary(ByteBuffer *out, const void *bytes, size_t byte_count)
{
    put_varint(out, byte_count);
    byte_buffer_add(out, bytes, byte_count);
}

void thrift_put_binary(ByteBuffer *out, ThriftStruct *in, int32_t id, const void *bytes,
                       size_t byte_count)
{
    put_head(out, in, id, THRIFT_BINARY);
    thrift_put_element_binary(out, bytes, byte_count);
}

void thrift_put_text(ByteBuffer *out, ThriftStruct *in, int32_t id, const char *text)
{
    thrift_put_binary(out, in, id, text, strlen(text));
}

void thrift_put_struct(ByteBuffer *out, ThriftStruct *in, int32_t id)
{
    put_head(out, in, id, THRIFT_STRUCT);
}

void thrift_put_stop(ByteBuffer *out)
{
    byte_buffer_byte(out, THRIFT_STOP);
}

void thrift_put_list(ByteBuffer *out, ThriftStruct *in, int32_t id, ThriftType element,
                     uint32_t count)
{
    put_head(out, in, id, THRIFT_LIST);
    if (count < 15) {
        byte_buffer_byte(out, (uint8_t)(count << 4 | element));
    } else {
        byte_buffer_byte(out, (uint8_t)(0xf0 | element));
        put_varint(out, count);
    }
}

void thrift_put_element_i32(ByteBuffer *out, int32_t value)
{
    put_zigzag(out, value);
}

void thrift_put_element_i64(ByteBuffer *out, int64_t value)
{
    put_zigzag(out, value);
}

void thrift_put_element_bool(ByteBuffer *out, bool value)
{
    byte_buffer_byte(out, value ? THRIFT_TRUE : THRIFT_FALSE);
}
