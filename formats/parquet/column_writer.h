/*
 * column_writer.h -- one column of the row group that is being written
 *
 *     init -> (add, ... -> encode -> [its pages go into the file] -> clear), ... -> fini
 *
 * Values are collected as Parquet stores them, nulls left out; encode turns them into pages:
 *
 *     column_writer.c    collecting
 *     column_encode.c    dictionary, deltas or plain, pages, compression
 *     value_dictionary.c the distinct values
 *     value_bounds.c     the least and the greatest, cut short where they are long
 *
 * Thread: one at a time; different columns on different threads.
 */
#ifndef VONK_FORMATS_PARQUET_COLUMN_WRITER_H
#define VONK_FORMATS_PARQUET_COLUMN_WRITER_H

#include "core/base/codec.h"
#include "core/plan/table.h"
#include "formats/parquet/byte_buffer.h"
#include "formats/parquet/parquet_footer.h"

typedef enum StoredKind {
    STORED_BOOL,
    STORED_INT32,
    STORED_INT64,
    STORED_INT128, /* FIXED_LEN_BYTE_ARRAY, big-endian */
    STORED_FLOAT,
    STORED_DOUBLE,
    STORED_INTERVAL, /* FIXED_LEN_BYTE_ARRAY: months, days, milliseconds */
    STORED_TEXT
} StoredKind;

/* How a type is stored; ST_NOT_SUPPORTED for types that Parquet files of ours do not have. */
typedef struct StoredType {
    StoredKind kind;
    ParquetPhysical physical;
    uint32_t value_bytes; /* while collected; text: 0                 */
    uint32_t fixed_bytes; /* FIXED_LEN_BYTE_ARRAY: of the value in the file */
} StoredType;

MUST_CHECK Status stored_type_of(const TableColumn *column, Error *err, StoredType *stored_out);

enum { BOUND_BYTES_MAX = 64 };

/* The least or greatest value, as statistics have it. */
typedef struct StoredBound {
    uint32_t length;
    bool is_exact; /* not cut short */
    uint8_t bytes[BOUND_BYTES_MAX];
} StoredBound;

typedef struct StoredBounds {
    bool has_bounds; /* false: no values, or only NaN, or no greatest text of that length; or the
                      * type has no order that readers agree on */
    StoredBound min, max;
    uint32_t nan_count; /* which the bounds leave out */
} StoredBounds;

typedef struct WrittenPage {
    uint64_t offset; /* in the chunk */
    uint32_t bytes;  /* header included */
    uint32_t first_row, row_count, null_count;
    StoredBounds bounds;
} WrittenPage;

/* What encode made. */
typedef struct WrittenChunk {
    ByteBuffer bytes; /* all pages */
    ByteBuffer pages; /* WrittenPage, data pages only */
    bool has_dictionary;
    int32_t encoding;     /* of data pages: a ParquetEncoding */
    uint64_t data_offset; /* of the first data page, in bytes */
    uint64_t unpacked_bytes;
    uint32_t null_count, nan_count;
    StoredBounds bounds;
} WrittenChunk;

typedef struct ColumnWriter {
    const TableColumn *column;
    StoredType stored;
    Codec codec;
    int level;

    ByteBuffer values; /* of value_bytes each; texts: their bytes, one after the other */
    ByteBuffer ends;   /* texts: uint64_t, where each ends                              */
    ByteBuffer is_set; /* nullable columns: a byte of 0 or 1 for each row              */
    uint32_t row_count, value_count;

    WrittenChunk chunk;
    Status status; /* of encode */
    Error error;

    /* scratch */
    CodecState *codecs; /* borrowed while encoding */
    ByteBuffer codes, entries, table, page, packed, levels;
} ColumnWriter;

MUST_CHECK Status column_writer_init(ColumnWriter *writer, const TableColumn *column, Codec codec,
                                     int level, MemPool *pool, Error *err);
void column_writer_fini(ColumnWriter *writer);

/* Collects the selected rows. */
MUST_CHECK Status column_writer_add(ColumnWriter *writer, const Column *column, const Batch *batch,
                                    Error *err);

/* Bytes collected. */
size_t column_writer_bytes(const ColumnWriter *writer);

/* Makes writer->chunk; the result is in writer->status. */
void column_writer_encode(ColumnWriter *writer, CodecState *codecs);

/* Forgets the rows, keeps the memory. */
void column_writer_clear(ColumnWriter *writer);

/* --- shared by the files --- */

/* The i-th collected text. */
static inline const uint8_t *column_writer_text(const ColumnWriter *writer, uint32_t i,
                                                uint32_t *length_out)
{
    const uint64_t *ends = (const uint64_t *)(const void *)writer->ends.bytes;
    uint64_t start = i == 0 ? 0 : ends[i - 1];

    *length_out = (uint32_t)(ends[i] - start);
    return *length_out == 0 ? (const uint8_t *)"" : writer->values.bytes + start;
}

/* A code for each value into writer->codes, and which value each code stands for into
 * writer->entries (both uint32_t). False when a dictionary would not pay, or memory is refused. */
bool column_writer_find_codes(ColumnWriter *writer);

/* Of values [start, start + count). */
StoredBounds column_writer_bounds(const ColumnWriter *writer, uint32_t start, uint32_t count);

/* Widens a to hold b too. */
void stored_bounds_join(const StoredType *stored, StoredBounds *a, const StoredBounds *b);

#endif
