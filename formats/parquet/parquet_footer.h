/*
 * parquet_footer.h -- a Parquet file's metadata: schema, row groups, column chunks
 *
 *     "PAR1" | column chunks ... | indexes | footer (Thrift) | footer bytes (4, LE) | "PAR1"
 *
 * Everything here lives in the arena given to parquet__footer_read, the footer's own bytes
 * included: names and statistics point into them. Offsets and sizes of chunks are checked to lie
 * in the file; what a chunk holds is checked when it is read.
 *
 * Thread: immutable once read.
 */
#ifndef VONK_FORMATS_PARQUET_PARQUET_FOOTER_H
#define VONK_FORMATS_PARQUET_PARQUET_FOOTER_H

#include "core/base/arena.h"
#include "core/base/file.h"
#include "formats/parquet/thrift_compact.h"

typedef enum ParquetPhysical {
    PARQUET_BOOLEAN = 0,
    PARQUET_INT32 = 1,
    PARQUET_INT64 = 2,
    PARQUET_INT96 = 3,
    PARQUET_FLOAT = 4,
    PARQUET_DOUBLE = 5,
    PARQUET_BYTE_ARRAY = 6,
    PARQUET_FIXED = 7, /* FIXED_LEN_BYTE_ARRAY */
    PARQUET_PHYSICAL_COUNT
} ParquetPhysical;

typedef enum ParquetRepetition {
    PARQUET_REQUIRED = 0,
    PARQUET_OPTIONAL = 1,
    PARQUET_REPEATED = 2
} ParquetRepetition;

/* ConvertedType: what old writers said a physical type means. */
typedef enum ParquetConverted {
    PARQUET_CONVERTED_NONE = -1,
    PARQUET_CONVERTED_UTF8 = 0,
    PARQUET_CONVERTED_MAP = 1,
    PARQUET_CONVERTED_MAP_KEY_VALUE = 2,
    PARQUET_CONVERTED_LIST = 3,
    PARQUET_CONVERTED_ENUM = 4,
    PARQUET_CONVERTED_DECIMAL = 5,
    PARQUET_CONVERTED_DATE = 6,
    PARQUET_CONVERTED_TIME_MILLIS = 7,
    PARQUET_CONVERTED_TIME_MICROS = 8,
    PARQUET_CONVERTED_TIMESTAMP_MILLIS = 9,
    PARQUET_CONVERTED_TIMESTAMP_MICROS = 10,
    PARQUET_CONVERTED_UINT_8 = 11,
    PARQUET_CONVERTED_UINT_16 = 12,
    PARQUET_CONVERTED_UINT_32 = 13,
    PARQUET_CONVERTED_UINT_64 = 14,
    PARQUET_CONVERTED_INT_8 = 15,
    PARQUET_CONVERTED_INT_16 = 16,
    PARQUET_CONVERTED_INT_32 = 17,
    PARQUET_CONVERTED_INT_64 = 18,
    PARQUET_CONVERTED_JSON = 19,
    PARQUET_CONVERTED_BSON = 20,
    PARQUET_CONVERTED_INTERVAL = 21
} ParquetConverted;

/* LogicalType: the field numbers of its union. */
typedef enum ParquetLogical {
    PARQUET_LOGICAL_NONE = 0,
    PARQUET_LOGICAL_STRING = 1,
    PARQUET_LOGICAL_MAP = 2,
    PARQUET_LOGICAL_LIST = 3,
    PARQUET_LOGICAL_ENUM = 4,
    PARQUET_LOGICAL_DECIMAL = 5,
    PARQUET_LOGICAL_DATE = 6,
    PARQUET_LOGICAL_TIME = 7,
    PARQUET_LOGICAL_TIMESTAMP = 8,
    PARQUET_LOGICAL_INTEGER = 10,
    PARQUET_LOGICAL_UNKNOWN = 11, /* always null */
    PARQUET_LOGICAL_JSON = 12,
    PARQUET_LOGICAL_BSON = 13,
    PARQUET_LOGICAL_UUID = 14,
    PARQUET_LOGICAL_FLOAT16 = 15,
    PARQUET_LOGICAL_VARIANT = 16,
    PARQUET_LOGICAL_GEOMETRY = 17,
    PARQUET_LOGICAL_GEOGRAPHY = 18
} ParquetLogical;

typedef enum ParquetTimeUnit {
    PARQUET_UNIT_NONE = 0,
    PARQUET_MILLIS = 1,
    PARQUET_MICROS = 2,
    PARQUET_NANOS = 3
} ParquetTimeUnit;

typedef enum ParquetEncoding {
    PARQUET_PLAIN = 0,
    PARQUET_PLAIN_DICTIONARY = 2,
    PARQUET_RLE = 3,
    PARQUET_BIT_PACKED = 4,
    PARQUET_DELTA_BINARY_PACKED = 5,
    PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    PARQUET_DELTA_BYTE_ARRAY = 7,
    PARQUET_RLE_DICTIONARY = 8,
    PARQUET_BYTE_STREAM_SPLIT = 9
} ParquetEncoding;

/* One node of the schema tree, which is kept in pre-order. */
typedef struct ParquetElement {
    const char *name;
    int32_t physical; /* ParquetPhysical; -1: a group */
    int32_t type_length;
    int32_t repetition;
    uint32_t child_count;
    int32_t converted;
    int32_t logical;
    int32_t scale, precision;
    int32_t unit;      /* of times and timestamps */
    int32_t bit_width; /* of LOGICAL_INTEGER      */
    bool is_signed;
} ParquetElement;

/* Statistics as written; what they are worth is parquet_bounds.c's business. */
typedef struct ParquetStatistics {
    ThriftBytes min, max;               /* bytes NULL: none */
    ThriftBytes legacy_min, legacy_max; /* in an order nobody had defined */
    int64_t null_count;                 /* -1: unknown */
    int64_t nan_count;                  /* -1: unknown */
    int64_t distinct_count;             /* -1: unknown */
    int8_t min_is_exact, max_is_exact;  /* 1: a value of the column; 0: not; -1: not said */
} ParquetStatistics;

typedef struct ParquetChunk {
    int32_t physical;
    int32_t codec;        /* Parquet's number */
    uint64_t start;       /* of the first page, dictionary or data */
    uint64_t total_bytes; /* compressed, page headers included */
    uint64_t unpacked_bytes;
    int64_t value_count;
    bool has_plain_pages; /* what the encodings say: some data pages may lack the dictionary */
    ParquetStatistics statistics;
    uint64_t column_index_offset, offset_index_offset, bloom_offset; /* 0: none */
    uint32_t column_index_bytes, offset_index_bytes, bloom_bytes;    /* bloom: 0 = unknown */
} ParquetChunk;

typedef struct ParquetRowGroup {
    int64_t row_count;
    uint64_t total_bytes; /* of its chunks, compressed */
    ParquetChunk *chunks; /* one a leaf of the schema  */
} ParquetRowGroup;

typedef struct ParquetFooter {
    uint32_t element_count;
    ParquetElement *elements; /* [0] is the root */
    uint32_t leaf_count;
    int64_t row_count;
    uint32_t row_group_count;
    ParquetRowGroup *row_groups;
    uint8_t *leaf_orders; /* ParquetColumnOrder, one a leaf */
} ParquetFooter;

/* How min and max were compared. */
typedef enum ParquetColumnOrder {
    PARQUET_ORDER_UNDEFINED = 0,
    PARQUET_ORDER_TYPE = 1, /* by the logical type            */
    PARQUET_ORDER_TOTAL = 2 /* floats: IEEE 754's total order */
} ParquetColumnOrder;

/* Reads and checks the footer; memory is counted in the pool until the caller unreserves
 * *reserved_bytes_out (set also on failure). */
MUST_CHECK Status parquet__footer_read(const File *file, Arena *arena, MemPool *pool, Error *err,
                                       ParquetFooter *footer_out, size_t *reserved_bytes_out);

/* Statistics as they stand in footers and in data page headers; the field is the struct. */
void parquet__statistics_read(ThriftReader *reader, const ThriftField *field,
                              ParquetStatistics *statistics_out);

#endif
