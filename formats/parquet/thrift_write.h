/*
 * thrift_write.h -- Thrift's compact protocol, the writing half of what Parquet needs
 *
 *     ThriftStruct file = {0};
 *     thrift_put_i64(out, &file, 3, rows);
 *     thrift_put_struct(out, &file, 5);  ... fields with a ThriftStruct of their own ...
 *                                        thrift_put_stop(out);
 *     thrift_put_stop(out);
 *
 * Fields of one struct are put in ascending order.
 */
#ifndef VONK_FORMATS_PARQUET_THRIFT_WRITE_H
#define VONK_FORMATS_PARQUET_THRIFT_WRITE_H

#include <stdbool.h>

#include "formats/parquet/byte_buffer.h"
#include "formats/parquet/thrift_compact.h"

typedef struct ThriftStruct {
    int32_t last_id;
} ThriftStruct;

void thrift_put_bool(ByteBuffer *out, ThriftStruct *in, int32_t id, bool value);
void thrift_put_i32(ByteBuffer *out, ThriftStruct *in, int32_t id, int32_t value);
void thrift_put_i64(ByteBuffer *out, ThriftStruct *in, int32_t id, int64_t value);
void thrift_put_i8(ByteBuffer *out, ThriftStruct *in, int32_t id, int8_t value);
void thrift_put_binary(ByteBuffer *out, ThriftStruct *in, int32_t id, const void *bytes,
                       size_t byte_count);
void thrift_put_text(ByteBuffer *out, ThriftStruct *in, int32_t id, const char *text);

/* The struct's fields follow, then thrift_put_stop. */
void thrift_put_struct(ByteBuffer *out, ThriftStruct *in, int32_t id);
void thrift_put_stop(ByteBuffer *out);

/* count elements follow: of structs, fields and a stop each. */
void thrift_put_list(ByteBuffer *out, ThriftStruct *in, int32_t id, ThriftType element,
                     uint32_t count);
void thrift_put_element_i32(ByteBuffer *out, int32_t value);
void thrift_put_element_i64(ByteBuffer *out, int64_t value);
void thrift_put_element_bool(ByteBuffer *out, bool value);
void thrift_put_element_binary(ByteBuffer *out, const void *bytes, size_t byte_count);

#endif
