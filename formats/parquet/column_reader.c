/* column_reader.c -- see column_reader.h */
#include "formats/parquet/column_reader.h"

#include <string.h>

#include "core/base/invariant.h"
#include "core/base/utf8_check.h"
#include "formats/parquet/dictionary_gather.h"
#include "formats/parquet/value_convert.h"

enum {
    HEADER_TRY_BYTES = 256,     /* nearly all page headers are shorter ... */
    HEADER_BYTES_MAX = 1 << 24, /* ... but statistics of long texts stand in them */
    CHUNK_END_SLACK = 128       /* old parquet-mr left the dictionary's header out of the size */
};

Status reader__damaged(const ColumnReader *reader, Error *err, const char *what)
{
    if (what == value_not_utf8 && reader->column->is_bytes)
        return error_set(err, ST_NOT_SUPPORTED,
                         "not supported: type bytea of column \"%s\" in file \"%s\": its bytes are "
                         "not UTF-8 text",
                         reader->column->name, file_path(reader->file));
    error_set(err, ST_CORRUPT,
              "file \"%s\" is damaged: column \"%s\", row group %u, page at offset %llu: %s",
              file_path(reader->file), reader->column->name, reader->group_number,
              (unsigned long long)reader->page.offset, what);
    error_hint(err, "Copy or write the file anew; columns that are not damaged can still be read.");
    return ST_CORRUPT;
}

static Status alloc_window(ColumnReader *reader, size_t bytes_each, Error *err, void **memory_out)
{
    /* unpacking writes whole groups of eight */
    size_t byte_count = ((size_t)reader->window_rows_max + 8) * bytes_each;

    TRY(mem_pool_alloc(reader->pool, byte_count, "Parquet column", err, memory_out));
    memset(*memory_out, 0, byte_count);
    return ST_OK;
}

static void free_window(ColumnReader *reader, size_t bytes_each, void *memory)
{
    mem_pool_release(reader->pool, memory, ((size_t)reader->window_rows_max + 8) * bytes_each);
}

static size_t validity_bytes(const ColumnReader *reader)
{
    return (bitmap_words(reader->window_rows_max) + 1) * sizeof(uint64_t);
}

static bool makes_decimals_of_texts(const ParquetColumn *column)
{
    return column->raw_bytes == 0 && column->convert != CONVERT_TEXT;
}

Status column_reader_init(ColumnReader *reader, const ParquetColumn *column,
                          uint32_t window_rows_max, MemPool *pool, CodecState *codecs, Error *err)
{
    void *memory;

    *reader = (ColumnReader){.column = column,
                             .pool = pool,
                             .codecs = codecs,
                             .window_rows_max = window_rows_max,
                             .source = {.pool = pool}};
    TRY(alloc_window(reader, sizeof *reader->codes, err, &memory));
    reader->codes = memory;
    TRY(alloc_window(reader, column->value_bytes, err, &memory));
    reader->values = memory;
    TRY(mem_pool_alloc(pool, validity_bytes(reader), "Parquet column", err, &memory));
    reader->validity = memory;
    if (makes_decimals_of_texts(column)) {
        TRY(alloc_window(reader, sizeof(Str), err, &memory));
        reader->texts = memory;
    }
    return ST_OK;
}

static void free_buffer(ColumnReader *reader, PageBuffer *buffer)
{
    mem_pool_release(reader->pool, buffer->bytes, buffer->capacity);
}

void column_reader_fini(ColumnReader *reader)
{
    if (reader->pool == NULL)
        return;
    free_window(reader, sizeof *reader->codes, reader->codes);
    free_window(reader, reader->column->value_bytes, reader->values);
    free_window(reader, sizeof(Str), reader->texts);
    mem_pool_release(reader->pool, reader->validity, validity_bytes(reader));
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        free_buffer(reader, &reader->buffers[i]);
    mem_pool_release(reader->pool, reader->buffers, reader->buffer_count * sizeof *reader->buffers);
    free_buffer(reader, &reader->dictionary_bytes);
    free_buffer(reader, &reader->dictionary_values);
    chunk_source_fini(&reader->source);
}

static Status find_codec(const ColumnReader *reader, Error *err, Codec *codec_out)
{
    static const char *const unsupported[] = {[3] = "LZO", [4] = "Brotli"};

    *codec_out = CODEC_NONE;
    switch (reader->chunk->codec) {
    case 0:
        return ST_OK;
    case 1:
        *codec_out = CODEC_SNAPPY;
        return ST_OK;
    case 2:
        *codec_out = CODEC_GZIP;
        return ST_OK;
    case 3:
    case 4:
        return error_set(
            err, ST_NOT_SUPPORTED, "not supported: %s compression of column \"%s\" in file \"%s\"",
            unsupported[reader->chunk->codec], reader->column->name, file_path(reader->file));
    case 5:
        *codec_out = CODEC_LZ4_HADOOP;
        return ST_OK;
    case 6:
        *codec_out = CODEC_ZSTD;
        return ST_OK;
    case 7:
        *codec_out = CODEC_LZ4_RAW;
        return ST_OK;
    default:
        return reader__damaged(reader, err, "the column chunk has an unknown compression");
    }
}

Status column_reader_begin_chunk(ColumnReader *reader, const File *file,
                                 const ParquetRowGroup *group, uint32_t group_number, Error *err)
{
    const ParquetChunk *chunk = &group->chunks[reader->column->leaf];
    uint64_t end = chunk->start + chunk->total_bytes + CHUNK_END_SLACK;

    reader->file = file;
    reader->chunk = chunk;
    reader->group_number = group_number;
    reader->group_rows = group->row_count;
    reader->next_page = chunk->start;
    reader->row = 0;
    reader->page = (Page){.offset = chunk->start};
    reader->has_dictionary = false;
    reader->dictionary_count = 0;
    chunk_source_begin(&reader->source, file, chunk->start,
                       end < file_size(file) ? end : file_size(file));
    if (chunk->physical != (int32_t)reader->column->physical)
        return reader__damaged(reader, err, "the column chunk has another type than the schema");
    if (chunk->value_count != group->row_count)
        return reader__damaged(reader, err, "the column chunk has not as many rows as its group");
    return find_codec(reader, err, &reader->codec);
}

/* The header at next_page. Its length is unknown: looks at a bit first. */
static Status read_header(ColumnReader *reader, Error *err, PageHeader *header_out)
{
    uint64_t left = reader->source.end - reader->next_page;
    size_t wanted = left < HEADER_TRY_BYTES ? (size_t)left : HEADER_TRY_BYTES;

    for (;;) {
        const uint8_t *bytes;
        const char *failure;
        size_t there;

        TRY(chunk_source_want(&reader->source, reader->next_page, wanted, err, &bytes, &there));
        failure = page_header_read(bytes, there, header_out);
        if (failure == NULL)
            return ST_OK;
        if (there >= left || there >= HEADER_BYTES_MAX)
            return reader__damaged(reader, err, failure);
        wanted = there * 16 < left ? there * 16 : (size_t)left;
    }
}

/* The next data page's header; a dictionary on the way is loaded. */
static Status next_page(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;

    page->is_loaded = false;
    page->rows_left = 0;
    while (page->rows_left == 0) {
        PageHeader header;

        page->offset = reader->next_page;
        if (reader->next_page >= reader->source.end)
            return reader__damaged(reader, err, "the column chunk ends before its last row");
        TRY(read_header(reader, err, &header));
        if (header.packed_bytes > reader->source.end - reader->next_page - header.header_bytes)
            return reader__damaged(reader, err, "the page is longer than the column chunk");
        reader->next_page += header.header_bytes + header.packed_bytes;
        page->header = header;
        if (header.type == PARQUET_PAGE_DICTIONARY)
            TRY(reader__load_dictionary(reader, &header, page->offset + header.header_bytes, err));
        else if (header.type == PARQUET_PAGE_DATA || header.type == PARQUET_PAGE_DATA_V2)
            page->rows_left = header.value_count;
        else if (header.type != PARQUET_PAGE_INDEX)
            return reader__damaged(reader, err, "the page has an unknown type");
    }
    if (page->rows_left > reader->group_rows - reader->row)
        return reader__damaged(reader, err, "the column chunk has more rows than its row group");
    return ST_OK;
}

static Status corrupt_codes(const ColumnReader *reader, Error *err)
{
    return reader__damaged(reader, err, "a dictionary code is larger than the dictionary");
}

static Status ends_early(const ColumnReader *reader, Error *err)
{
    return reader__damaged(reader, err, "the page has fewer values than rows");
}

/* The next count values (nulls are not among them) in the page's own form, to `to` (codes for
 * PAGE_CODES); to NULL: passes over them. */
static Status take_fixed(ColumnReader *reader, uint32_t count, void *to, Error *err)
{
    Page *page = &reader->page;
    uint32_t raw_bytes = reader->column->raw_bytes;
    const char *failure = NULL;

    if ((size_t)(page->end - page->at) / raw_bytes < count)
        return ends_early(reader, err);
    if (to != NULL)
        failure = value_convert_fixed(reader->column, page->at, count, to);
    page->at += (size_t)count * raw_bytes;
    return failure == NULL ? ST_OK : reader__damaged(reader, err, failure);
}

static Status take_bytes(ColumnReader *reader, uint32_t count, void *to, Error *err)
{
    Page *page = &reader->page;
    Str *texts = reader->texts != NULL ? reader->texts : to;
    const char *failure;

    if (to == NULL) {
        failure = value_skip_texts(&page->at, page->end, count);
    } else {
        failure = value_read_texts(&page->at, page->end, count, texts);
        if (failure == NULL && (texts != to || !page->is_ascii))
            failure = value_convert_texts(reader->column, texts, count, to);
    }
    return failure == NULL ? ST_OK : reader__damaged(reader, err, failure);
}

static Status take_texts(ColumnReader *reader, uint32_t count, void *to, Error *err)
{
    Page *page = &reader->page;
    const char *failure = NULL;

    if ((size_t)(page->end - page->at) / sizeof(Str) < count)
        return ends_early(reader, err);
    if (to != NULL && count > 0 && page->is_ascii && reader->column->convert == CONVERT_TEXT)
        memcpy(to, page->at, (size_t)count * sizeof(Str));
    else if (to != NULL)
        failure =
            value_convert_texts(reader->column, (const Str *)(const void *)page->at, count, to);
    page->at += (size_t)count * sizeof(Str);
    return failure == NULL ? ST_OK : reader__damaged(reader, err, failure);
}

static Status take_bits(ColumnReader *reader, uint32_t count, void *to, Error *err)
{
    Page *page = &reader->page;

    if ((uint64_t)(page->end - page->at) * 8 < (uint64_t)page->bit + count)
        return ends_early(reader, err);
    if (to != NULL)
        value_unpack_bits(page->at, page->bit, count, to);
    page->bit += count;
    return ST_OK;
}

static Status take_runs(ColumnReader *reader, uint32_t count, void *to, Error *err)
{
    uint32_t largest;

    if (to == NULL)
        return hybrid_skip(&reader->page.codes, count) ? ST_OK : ends_early(reader, err);
    if (!hybrid_read(&reader->page.codes, reader->codes, count, &largest))
        return ends_early(reader, err);
    for (uint32_t i = 0; i < count; i++)
        ((uint8_t *)to)[i] = reader->codes[i] & 1;
    return ST_OK;
}

static Status take_codes(ColumnReader *reader, uint32_t count, uint32_t *to, Error *err)
{
    uint32_t largest;

    if (to == NULL)
        return hybrid_skip(&reader->page.codes, count) ? ST_OK : ends_early(reader, err);
    if (!hybrid_read(&reader->page.codes, to, count, &largest))
        return ends_early(reader, err);
    return count > 0 && largest >= reader->dictionary_count ? corrupt_codes(reader, err) : ST_OK;
}

static Status take_values(ColumnReader *reader, uint32_t count, void *to, Error *err)
{
    switch (reader->page.form) {
    case PAGE_CODES:
        return take_codes(reader, count, to, err);
    case PAGE_FIXED:
        return take_fixed(reader, count, to, err);
    case PAGE_BYTES:
        return take_bytes(reader, count, to, err);
    case PAGE_TEXTS:
        return take_texts(reader, count, to, err);
    case PAGE_BITS:
        return take_bits(reader, count, to, err);
    case PAGE_RUNS:
        return take_runs(reader, count, to, err);
    }
    UNREACHABLE("page form");
}

/* Passes over rows inside of the loaded page. */
static Status skip_rows(ColumnReader *reader, uint32_t count, Error *err)
{
    uint32_t ones = count;

    if (reader->column->is_nullable && !level_read(&reader->page.levels, NULL, 0, count, &ones))
        return reader__damaged(reader, err, "the page has fewer levels than rows");
    return take_values(reader, ones, NULL, err);
}

/* Moves to the row; its page's header has been read then, but the page need not be loaded. */
static Status find_row(ColumnReader *reader, int64_t row, Error *err)
{
    Page *page = &reader->page;

    ASSERT(row >= reader->row && row < reader->group_rows);
    for (;;) {
        uint32_t step;

        if (page->rows_left == 0)
            TRY(next_page(reader, err));
        if (row - reader->row < page->rows_left)
            break;
        step = page->rows_left;
        page->rows_left = 0;
        reader->row += step;
    }
    return ST_OK;
}

static Status open_row(ColumnReader *reader, int64_t row, Error *err)
{
    uint32_t step;

    TRY(find_row(reader, row, err));
    if (!reader->page.is_loaded)
        TRY(reader__load_page(reader, err));
    step = (uint32_t)(row - reader->row);
    if (step == 0)
        return ST_OK;
    reader->row += step;
    reader->page.rows_left -= step;
    return skip_rows(reader, step, err);
}

/* Codes become values, rows [0, count) of the window. */
static void settle(ColumnReader *reader, uint32_t count)
{
    dictionary_gather(reader->values, reader->dictionary_values.bytes, reader->column->value_bytes,
                      reader->codes, NULL, count);
    reader->is_coded = false;
}

static Status read_codes(ColumnReader *reader, uint32_t at, uint32_t count, uint32_t ones,
                         Error *err)
{
    TRY(take_codes(reader, ones, reader->codes + at, err));
    if (ones < count)
        spread_values(reader->codes + at, sizeof *reader->codes, reader->validity, at, count, ones);
    if (reader->is_coded)
        return ST_OK;
    dictionary_gather((char *)reader->values + (size_t)at * reader->column->value_bytes,
                      reader->dictionary_values.bytes, reader->column->value_bytes,
                      reader->codes + at, NULL, count);
    return ST_OK;
}

/* Does the page hold values as we have them? */
static bool has_our_values(const ColumnReader *reader)
{
    if (reader->page.form == PAGE_TEXTS)
        return reader->page.is_ascii && reader->column->convert == CONVERT_TEXT;
    return reader->page.form == PAGE_FIXED && reader->column->convert == CONVERT_COPY;
}

/* A window that is one run of such values is not copied. */
static bool can_point_into_page(const ColumnReader *reader, uint32_t at, uint32_t count,
                                uint32_t ones)
{
    const Page *page = &reader->page;

    return at == 0 && count == reader->window_rows && ones == count && page->is_owned &&
           has_our_values(reader) && (uintptr_t)page->at % reader->column->value_bytes == 0;
}

static Status read_values(ColumnReader *reader, uint32_t at, uint32_t count, uint32_t ones,
                          Error *err)
{
    uint32_t value_bytes = reader->column->value_bytes;
    char *to = (char *)reader->values + (size_t)at * value_bytes;

    if (can_point_into_page(reader, at, count, ones)) {
        reader->direct = reader->page.at;
        return take_values(reader, count, NULL, err);
    }
    TRY(take_values(reader, ones, to, err));
    if (ones < count)
        spread_values(to, value_bytes, reader->validity, at, count, ones);
    return ST_OK;
}

/* Rows of the loaded page become rows [at, at + count) of the window. */
static Status read_segment(ColumnReader *reader, uint32_t at, uint32_t count, Error *err)
{
    bool is_coded_page = reader->page.form == PAGE_CODES;
    uint32_t ones = count;

    if (reader->column->is_nullable &&
        !level_read(&reader->page.levels, reader->validity, at, count, &ones))
        return reader__damaged(reader, err, "the page has fewer levels than rows");
    reader->has_nulls |= ones < count;
    if (at == 0)
        reader->is_coded = is_coded_page;
    if (reader->is_coded && !is_coded_page)
        settle(reader, at);
    if (is_coded_page)
        return read_codes(reader, at, count, ones, err);
    return read_values(reader, at, count, ones, err);
}

/* Pages that only the last window pointed into may be overwritten. */
static void forget_window(ColumnReader *reader)
{
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        if (reader->buffers[i].page_number != reader->page_number || !reader->page.is_loaded)
            reader->buffers[i].page_number = 0;
    reader->window_rows = 0;
    reader->is_gathered = false;
    reader->has_nulls = false;
    reader->direct = NULL;
}

Status column_reader_load(ColumnReader *reader, int64_t row, uint32_t count, Error *err)
{
    ASSERT(count > 0 && count <= reader->window_rows_max);
    forget_window(reader);
    reader->window_rows = count;
    for (uint32_t at = 0; at < count;) {
        uint32_t step;

        TRY(open_row(reader, row + at, err));
        step = count - at < reader->page.rows_left ? count - at : reader->page.rows_left;
        TRY(read_segment(reader, at, step, err));
        at += step;
        reader->row += step;
        reader->page.rows_left -= step;
    }
    return ST_OK;
}

Status column_reader_peek(ColumnReader *reader, int64_t row, Error *err, bool *is_coded_out,
                          uint32_t *rows_out)
{
    int32_t encoding;

    *is_coded_out = false;
    *rows_out = 0;
    TRY(find_row(reader, row, err));
    encoding = reader->page.header.encoding;
    *is_coded_out = reader->has_dictionary &&
                    (encoding == PARQUET_PLAIN_DICTIONARY || encoding == PARQUET_RLE_DICTIONARY);
    *rows_out = reader->page.rows_left - (uint32_t)(row - reader->row);
    return ST_OK;
}

void column_reader_column(ColumnReader *reader, const uint32_t *selection, uint32_t selected_count,
                          Column *column_out)
{
    const ParquetColumn *column = reader->column;

    *column_out = (Column){.type = column->type,
                           .form = COLUMN_FLAT,
                           .validity = reader->has_nulls ? reader->validity : NULL};
    if (reader->is_coded && column->convert == CONVERT_TEXT) {
        column_out->form = COLUMN_DICT;
        column_out->codes = reader->codes;
        column_out->dictionary = &reader->dictionary;
        return;
    }
    if (reader->is_coded && !reader->is_gathered) {
        bool is_sparse = selection != NULL && selected_count < reader->window_rows / 4;

        dictionary_gather(reader->values, reader->dictionary_values.bytes, column->value_bytes,
                          reader->codes, is_sparse ? selection : NULL,
                          is_sparse ? selected_count : reader->window_rows);
        reader->is_gathered = !is_sparse;
    }
    column_out->values = reader->direct != NULL ? reader->direct : reader->values;
}

Column column_reader_dictionary(const ColumnReader *reader)
{
    return (Column){.type = reader->column->type,
                    .form = COLUMN_FLAT,
                    .values = reader->dictionary_values.bytes};
}
