/*
 * bloom_filter.c -- see bloom_filter.h
 *
 *     BloomFilterHeader (Thrift) {1: bytes, 2: algorithm, 3: hash, 4: compression} | blocks
 *
 * A split-block filter: a value's hash (XXH64 of its PLAIN bytes, a text without its length) picks
 * one block of eight 32-bit words and one bit of each word. So a question reads one block, not the
 * filter.
 */
#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "formats/parquet/bloom_filter.h"

enum {
    BLOCK_WORDS = 8,
    BLOCK_BYTES = 32,
    HEADER_BYTES_MAX = 64,
    FILTER_BYTES_MAX = 1 << 27,
    VALUES_MAX = 64, /* for more of them reading the pages is the better deal */
    FIXED_MAX = 16
};

/* How a value is stored; most have one way, 0 has two. */
typedef struct StoredValue {
    uint8_t bytes[FIXED_MAX];
    const void *at; /* bytes, or a text's */
    uint32_t length;
} StoredValue;

typedef enum Presence {
    PRESENCE_ASK,     /* the filter knows                    */
    PRESENCE_NEVER,   /* the stored type cannot hold it      */
    PRESENCE_UNKNOWN, /* it may be stored in several ways    */
} Presence;

static Presence store(StoredValue *stored, const void *bytes, uint32_t length)
{
    memcpy(stored->bytes, bytes, length);
    stored->at = stored->bytes;
    stored->length = length;
    return PRESENCE_ASK;
}

static Presence store_int32(StoredValue *stored, Int128 value, Int128 min, Int128 max)
{
    uint32_t bits = (uint32_t)value;

    return value < min || value > max ? PRESENCE_NEVER : store(stored, &bits, sizeof bits);
}

static Presence store_int64(StoredValue *stored, Int128 value, Int128 min, Int128 max)
{
    uint64_t bits = (uint64_t)value;

    return value < min || value > max ? PRESENCE_NEVER : store(stored, &bits, sizeof bits);
}

static Presence store_fixed_decimal(StoredValue *stored, Int128 value, uint32_t byte_count)
{
    UInt128 bits = (UInt128)value;
    uint8_t bytes[FIXED_MAX];

    if (byte_count == 0 || byte_count > FIXED_MAX)
        return PRESENCE_UNKNOWN;
    if (byte_count < FIXED_MAX && value >> (8 * byte_count - 1) != 0 &&
        value >> (8 * byte_count - 1) != -1)
        return PRESENCE_NEVER;
    for (uint32_t i = byte_count; i-- > 0; bits >>= 8)
        bytes[i] = (uint8_t)bits;
    return store(stored, bytes, byte_count);
}

/* NaN is stored in many ways. */
static Presence store_as_it_is(const ParquetColumn *column, const Value *value, StoredValue *stored)
{
    if (type_is_float(column->type) && isnan(value_as_double(value)))
        return PRESENCE_UNKNOWN;
    return store(stored, value->bytes, column->raw_bytes);
}

static Presence store_text(const ParquetColumn *column, const Value *value, StoredValue *stored)
{
    stored->at = str_bytes(&value->str);
    stored->length = value->str.length;
    return column->raw_bytes > 0 && stored->length != column->raw_bytes ? PRESENCE_NEVER
                                                                        : PRESENCE_ASK;
}

/* value_convert.c the other way round. */
static Presence stored_value(const ParquetColumn *column, const Value *value, StoredValue *stored)
{
    switch (column->convert) {
    case CONVERT_COPY:
        return store_as_it_is(column, value, stored);
    case CONVERT_INT8_TO_INT16:
    case CONVERT_INT16:
    case CONVERT_INT32_TO_INT64:
    case CONVERT_INT32_TO_INT128:
        return store_int32(stored, value_as_int128(value), INT32_MIN, INT32_MAX);
    case CONVERT_UINT32_TO_INT64:
        return store_int32(stored, value_as_int128(value), 0, UINT32_MAX);
    case CONVERT_INT64_TO_INT128:
        return store_int64(stored, value_as_int128(value), INT64_MIN, INT64_MAX);
    case CONVERT_UINT64_TO_INT128:
        return store_int64(stored, value_as_int128(value), 0, UINT64_MAX);
    case CONVERT_MILLIS:
        if (value->int64 % 1000 != 0)
            return PRESENCE_NEVER;
        return store_int64(stored, value->int64 / 1000, INT64_MIN, INT64_MAX);
    case CONVERT_DECIMAL64:
    case CONVERT_DECIMAL128:
        return store_fixed_decimal(stored, value_as_int128(value), column->raw_bytes);
    case CONVERT_TEXT:
        return store_text(column, value, stored);
    default: /* several stored values become the same of ours */
        return PRESENCE_UNKNOWN;
    }
}

typedef struct BloomFilter {
    const File *file;
    uint64_t offset; /* of the blocks; 0: no filter */
    uint64_t block_count;
} BloomFilter;

/* The number of a union's field; 1 is the only one of each union that is known here. */
static bool is_first_of_union(ThriftReader *thrift, const ThriftField *field)
{
    bool is_first = false;

    if (!thrift_struct(thrift, field))
        return false;
    for (ThriftField part = {0}; thrift_next_field(thrift, &part); thrift_skip(thrift, &part))
        is_first = part.id == 1;
    return is_first;
}

static BloomFilter parse_header(const File *file, const ParquetChunk *chunk, const uint8_t *bytes,
                                size_t byte_count)
{
    ThriftReader thrift = thrift_reader(bytes, byte_count);
    uint64_t filter_bytes = 0, header_bytes, room;
    BloomFilter filter = {.file = file};
    int known = 0;

    for (ThriftField part = {0}; thrift_next_field(&thrift, &part);) {
        if (part.id == 1)
            filter_bytes = (uint64_t)thrift_i64(&thrift, &part);
        else if (part.id <= 4)
            known += is_first_of_union(&thrift, &part);
        else
            thrift_skip(&thrift, &part);
    }
    header_bytes = (uint64_t)(thrift.at - bytes);
    room = chunk->bloom_bytes > 0 ? chunk->bloom_bytes : file_size(file) - chunk->bloom_offset;
    if (thrift.failure != NULL || known != 3 || filter_bytes == 0 ||
        filter_bytes % BLOCK_BYTES != 0 || filter_bytes > FILTER_BYTES_MAX || header_bytes > room ||
        filter_bytes > room - header_bytes)
        return filter;
    filter.offset = chunk->bloom_offset + header_bytes;
    filter.block_count = filter_bytes / BLOCK_BYTES;
    return filter;
}

static Status open_filter(const File *file, const ParquetChunk *chunk, Error *err,
                          BloomFilter *filter_out, uint64_t *read_bytes)
{
    uint8_t header[HEADER_BYTES_MAX];
    size_t got;

    *filter_out = (BloomFilter){.file = file};
    if (chunk->bloom_offset == 0)
        return ST_OK;
    TRY(file_read_some(file, chunk->bloom_offset, header, sizeof header, err, &got));
    *read_bytes += got;
    *filter_out = parse_header(file, chunk, header, got);
    return ST_OK;
}

static Status ask_filter(const BloomFilter *filter, const StoredValue *stored, Error *err,
                         bool *is_there_out, uint64_t *read_bytes)
{
    static const uint32_t salts[BLOCK_WORDS] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                                0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
    uint64_t hash = XXH64(stored->at, stored->length, 0);
    uint64_t block = ((hash >> 32) * filter->block_count) >> 32;
    uint32_t words[BLOCK_WORDS], missing = 0;

    TRY(file_read_at(filter->file, filter->offset + block * BLOCK_BYTES, words, sizeof words, err));
    *read_bytes += sizeof words;
    for (int i = 0; i < BLOCK_WORDS; i++)
        missing |= ~words[i] & (uint32_t)1 << ((uint32_t)hash * salts[i] >> 27);
    *is_there_out = missing == 0;
    return ST_OK;
}

static Status may_hold(const BloomFilter *filter, const ParquetColumn *column, const Value *value,
                       Error *err, bool *is_there_out, uint64_t *read_bytes)
{
    StoredValue stored = {0};

    *is_there_out = false;
    if (value->is_null)
        return ST_OK;
    switch (stored_value(column, value, &stored)) {
    case PRESENCE_NEVER:
        return ST_OK;
    case PRESENCE_UNKNOWN:
        *is_there_out = true;
        return ST_OK;
    case PRESENCE_ASK:
        break;
    }
    TRY(ask_filter(filter, &stored, err, is_there_out, read_bytes));
    if (*is_there_out || !type_is_float(column->type) || value_as_double(value) != 0)
        return ST_OK;
    stored.bytes[stored.length - 1] ^= 0x80; /* 0 and -0 are equal */
    return ask_filter(filter, &stored, err, is_there_out, read_bytes);
}

Status bloom_filter_prune(const File *file, const ParquetColumn *column, const ParquetChunk *chunk,
                          const ScanPredicate *predicate, Error *err, bool *may_match_out,
                          uint64_t *read_bytes)
{
    BloomFilter filter;

    *may_match_out = true;
    if ((predicate->kind != PREDICATE_EQ && predicate->kind != PREDICATE_IN) ||
        predicate->value_count == 0 || predicate->value_count > VALUES_MAX)
        return ST_OK;
    TRY(open_filter(file, chunk, err, &filter, read_bytes));
    if (filter.offset == 0)
        return ST_OK;
    for (uint32_t i = 0; i < predicate->value_count; i++) {
        TRY(may_hold(&filter, column, &predicate->values[i], err, may_match_out, read_bytes));
        if (*may_match_out)
            return ST_OK;
    }
    return ST_OK;
}
