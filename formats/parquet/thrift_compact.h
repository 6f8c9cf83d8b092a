/*
 * thrift_compact.h -- a bounded reader of Thrift's compact protocol, for what Parquet keeps in it
 *
 *     ThriftReader reader = thrift_reader(bytes, byte_count);
 *     for (ThriftField field = {0}; thrift_next_field(&reader, &field);)
 *         switch (field.id) {
 *         case 3: rows = thrift_i64(&reader, &field); break;
 *         default: thrift_skip(&reader, &field);
 *         }
 *     if (reader.failure != NULL) ... damaged ...
 *
 * The first failure sticks: from then on every call returns zeros and every loop ends, so that
 * callers check once. Lengths and counts never pass the bytes that are left (each element takes at
 * least one), and skipping is iterative and at most THRIFT_DEPTH_MAX deep. A value of another type
 * than asked for is skipped, as generated readers do: writers put their own fields in.
 */
#ifndef VONK_FORMATS_PARQUET_THRIFT_COMPACT_H
#define VONK_FORMATS_PARQUET_THRIFT_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THRIFT_DEPTH_MAX = 32 };

typedef enum ThriftType {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_I8 = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12
} ThriftType;

typedef struct ThriftReader {
    const uint8_t *at;
    const uint8_t *end;
    const char *failure; /* a literal, NULL: none so far */
} ThriftReader;

/* The field being read; {0} before the first of a struct. As a list's element: type only. */
typedef struct ThriftField {
    int32_t id;
    ThriftType type;
} ThriftField;

typedef struct ThriftBytes {
    const uint8_t *bytes; /* in the reader's input; NULL when there are none */
    uint32_t length;
} ThriftBytes;

typedef struct ThriftList {
    ThriftField element; /* for the value functions below */
    uint32_t count;
} ThriftList;

ThriftReader thrift_reader(const void *bytes, size_t byte_count);

/* False at the struct's end. The field's value must be read or skipped before the next call. */
bool thrift_next_field(ThriftReader *reader, ThriftField *field);

bool thrift_bool(ThriftReader *reader, const ThriftField *field);
bool thrift_element_bool(ThriftReader *reader, const ThriftField *element);
int32_t thrift_i32(ThriftReader *reader, const ThriftField *field); /* i8, i16 and i32 */
int64_t thrift_i64(ThriftReader *reader, const ThriftField *field); /* any integer     */
ThriftBytes thrift_binary(ThriftReader *reader, const ThriftField *field);

/* Elements of element_bytes_min encoded bytes at least; a count that cannot be is a failure. */
ThriftList thrift_list(ThriftReader *reader, const ThriftField *field, uint32_t element_bytes_min);

/* True when the field is a struct, whose fields come next. */
bool thrift_struct(ThriftReader *reader, const ThriftField *field);

void thrift_skip(ThriftReader *reader, const ThriftField *field);

/* Records the first failure. */
void thrift_fail(ThriftReader *reader, const char *failure);

#endif
