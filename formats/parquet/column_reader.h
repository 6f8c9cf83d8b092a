/*
 * column_reader.h -- one column of one row group, read forwards in windows of rows
 *
 *     init -> begin_chunk -> (load -> column), ... -> begin_chunk -> ... -> fini
 *
 * Rows are named by their number in the row group. A load may jump forwards: pages in between are
 * neither read nor decompressed (page headers are), and the rows in front of it in its own page
 * are passed over as cheaply as the encoding allows.
 *
 *     column_reader.c    windows of rows out of pages
 *     page_load.c        a page's bytes: checked, decompressed, made ready for one of the forms
 *                        below
 *     dictionary_load.c  the dictionary page, converted once
 *
 * After a load, a window of a dictionary-coded column holds codes only, so that a predicate can be
 * answered per code; column_reader_column() turns them into values, of the rows that are still
 * wanted. Texts keep their codes: the column is a COLUMN_DICT.
 *
 * Everything handed out lives until the next load or begin_chunk. Thread: one.
 */
#ifndef VONK_FORMATS_PARQUET_COLUMN_READER_H
#define VONK_FORMATS_PARQUET_COLUMN_READER_H

#include "core/base/codec.h"
#include "core/data/column.h"
#include "formats/parquet/chunk_source.h"
#include "formats/parquet/hybrid.h"
#include "formats/parquet/page_header.h"
#include "formats/parquet/parquet_schema.h"

/* How a loaded page's values lie in memory. */
typedef enum PageForm {
    PAGE_CODES, /* of the dictionary                                     */
    PAGE_FIXED, /* values of column->raw_bytes, one after the other      */
    PAGE_BYTES, /* length (4 bytes), bytes, length, bytes, ...           */
    PAGE_TEXTS, /* an array of Str                                       */
    PAGE_BITS,  /* booleans, one bit each                                */
    PAGE_RUNS   /* booleans as a hybrid of width 1                       */
} PageForm;

typedef struct Page {
    PageHeader header;
    uint64_t offset;    /* of the header, in the file         */
    uint32_t rows_left; /* 0: there is no page                */
    bool is_loaded;     /* what follows is only set when it is */
    bool is_owned;      /* the values lie in a page buffer, not in the source's window */
    bool is_ascii;      /* PAGE_BYTES, PAGE_TEXTS: no need to check texts */
    PageForm form;
    LevelReader levels; /* of nullable columns                 */
    HybridReader codes; /* PAGE_CODES, PAGE_RUNS               */
    const uint8_t *at, *end;
    uint32_t bit; /* PAGE_BITS: the next one             */
} Page;

/* Memory for a page's bytes, kept until no window can point into it. */
typedef struct PageBuffer {
    void *bytes;
    size_t capacity;
    uint64_t page_number; /* who uses it; 0: nobody */
} PageBuffer;

typedef struct ColumnReader {
    const ParquetColumn *column;
    MemPool *pool;
    CodecState *codecs;
    uint32_t window_rows_max;

    /* the chunk */
    const File *file;
    const ParquetChunk *chunk;
    Codec codec;
    uint32_t group_number;
    int64_t group_rows;
    ChunkSource source;
    uint64_t next_page; /* offset of its header */
    int64_t row;        /* of the page's next value */
    Page page;

    PageBuffer *buffers;
    uint32_t buffer_count;
    uint64_t page_number; /* of the current page, counted through the scan */

    /* the dictionary; values are ours, of column->value_bytes each */
    bool has_dictionary;
    uint32_t dictionary_count;
    PageBuffer dictionary_bytes, dictionary_values;
    Dictionary dictionary; /* texts only: what COLUMN_DICT refers to */

    /* the window */
    uint32_t window_rows;
    bool is_coded;    /* codes hold the window, values do not (yet)  */
    bool is_gathered; /* values hold the window as well */
    bool has_nulls;
    const void *direct; /* values in the page itself; NULL: in values   */
    uint32_t *codes;
    void *values;
    uint64_t *validity;
    Str *texts; /* on the way to decimals */
} ColumnReader;

/* Borrows all it is given. After a failure, too, fini must follow. */
MUST_CHECK Status column_reader_init(ColumnReader *reader, const ParquetColumn *column,
                                     uint32_t window_rows_max, MemPool *pool, CodecState *codecs,
                                     Error *err);
void column_reader_fini(ColumnReader *reader);

MUST_CHECK Status column_reader_begin_chunk(ColumnReader *reader, const File *file,
                                            const ParquetRowGroup *group, uint32_t group_number,
                                            Error *err);

/* Rows [row, row + count) become the window; row is not before the last window's end, and the
 * rows exist. */
MUST_CHECK Status column_reader_load(ColumnReader *reader, int64_t row, uint32_t count, Error *err);

/* Moves to the page that holds the row without loading it, and says whether the rows from there
 * on, *rows_out of them, are codes of reader->dictionary. */
MUST_CHECK Status column_reader_peek(ColumnReader *reader, int64_t row, Error *err,
                                     bool *is_coded_out, uint32_t *rows_out);

/* The window as a column. Only rows selection[0..selected_count) need to have values (all when
 * selection is NULL); other rows hold something initialised. */
void column_reader_column(ColumnReader *reader, const uint32_t *selection, uint32_t selected_count,
                          Column *column_out);

/* The dictionary's values as a FLAT column of dictionary_count rows. */
Column column_reader_dictionary(const ColumnReader *reader);

/* --- shared by the three files --- */

/* "file ... is damaged: column ..., row group ..., page at offset ...: what" */
Status reader__damaged(const ColumnReader *reader, Error *err, const char *what);

/* Room for byte_count bytes and the slop, for the current page. */
MUST_CHECK Status reader__page_room(ColumnReader *reader, size_t byte_count, Error *err,
                                    uint8_t **bytes_out);
MUST_CHECK Status reader__grow(ColumnReader *reader, PageBuffer *buffer, size_t byte_count,
                               Error *err);

/* The bytes of a page as they stand in the file, checksum verified. */
MUST_CHECK Status reader__page_bytes(ColumnReader *reader, const PageHeader *header,
                                     uint64_t offset, Error *err, const uint8_t **bytes_out);

/* Decompresses packed into to, which has room for unpacked_bytes. */
MUST_CHECK Status reader__unpack(ColumnReader *reader, const uint8_t *packed, size_t packed_bytes,
                                 void *to, size_t unpacked_bytes, Error *err);

/* Refuses a size that the bytes cannot decompress to, or the page's values cannot need. */
MUST_CHECK Status reader__check_size(const ColumnReader *reader, const PageHeader *header,
                                     size_t packed_bytes, size_t unpacked_bytes, Error *err);

/* A dictionary without entries, for pages of nulls only. */
MUST_CHECK Status reader__empty_dictionary(ColumnReader *reader, Error *err);

MUST_CHECK Status reader__load_page(ColumnReader *reader, Error *err);
MUST_CHECK Status reader__load_dictionary(ColumnReader *reader, const PageHeader *header,
                                          uint64_t offset, Error *err);

#endif
