/*
 * page_load.c -- a page's bytes: checked, decompressed, ready to be decoded; see column_reader.h
 *
 *     v1:  codec( levels' length (4), levels, values )
 *     v2:  levels, codec( values )
 *
 * Codes and PLAIN values are decoded later, window by window; pages of the rarer encodings
 * (DELTA_*, BYTE_STREAM_SPLIT) become arrays here.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/utf8_check.h"
#include "formats/parquet/column_reader.h"
#include "formats/parquet/delta.h"
#include "formats/parquet/value_convert.h"

enum { PAGE_SLACK_BYTES = 1 << 16, ROW_SLACK_BYTES = 16 };

_Static_assert((int)CHUNK_SLOP_BYTES >= (int)HYBRID_SLOP_BYTES + 8, "unpacking loads vectors");
_Static_assert((int)CHUNK_SLOP_BYTES >= (int)DELTA_SLOP_BYTES, "unpacking loads vectors");
_Static_assert((int)CHUNK_SLOP_BYTES >= (int)VALUE_SLOP_BYTES, "texts load whole words");

Status reader__grow(ColumnReader *reader, PageBuffer *buffer, size_t byte_count, Error *err)
{
    if (buffer->bytes != NULL && byte_count + CHUNK_SLOP_BYTES <= buffer->capacity) {
        memset((char *)buffer->bytes + byte_count, 0, CHUNK_SLOP_BYTES);
        return ST_OK;
    }
    if (buffer->bytes != NULL)
        mem_pool_release(reader->pool, buffer->bytes, buffer->capacity);
    buffer->capacity = byte_count + byte_count / 4 + CHUNK_SLOP_BYTES;
    TRY(mem_pool_alloc(reader->pool, buffer->capacity, "Parquet page", err, &buffer->bytes));
    memset((char *)buffer->bytes + byte_count, 0, CHUNK_SLOP_BYTES);
    return ST_OK;
}

static Status add_buffer(ColumnReader *reader, Error *err)
{
    void *memory = reader->buffers;
    size_t bytes = reader->buffer_count * sizeof *reader->buffers;

    TRY(mem_pool_realloc(reader->pool, &memory, bytes, bytes + sizeof *reader->buffers,
                         "Parquet page buffers", err));
    reader->buffers = memory;
    reader->buffers[reader->buffer_count++] = (PageBuffer){0};
    return ST_OK;
}

Status reader__page_room(ColumnReader *reader, size_t byte_count, Error *err, uint8_t **bytes_out)
{
    PageBuffer *buffer = NULL;

    *bytes_out = NULL;
    for (uint32_t i = 0; i < reader->buffer_count; i++)
        if (reader->buffers[i].page_number == 0 &&
            (buffer == NULL || reader->buffers[i].capacity > buffer->capacity))
            buffer = &reader->buffers[i];
    if (buffer == NULL) {
        TRY(add_buffer(reader, err));
        buffer = &reader->buffers[reader->buffer_count - 1];
    }
    TRY(reader__grow(reader, buffer, byte_count, err));
    buffer->page_number = reader->page_number;
    *bytes_out = buffer->bytes;
    return ST_OK;
}

Status reader__page_bytes(ColumnReader *reader, const PageHeader *header, uint64_t offset,
                          Error *err, const uint8_t **bytes_out)
{
    *bytes_out = NULL;
    if (offset > reader->source.end || header->packed_bytes > reader->source.end - offset)
        return reader__damaged(reader, err, "the page is longer than the column chunk");
    TRY(chunk_source_want(&reader->source, offset, header->packed_bytes, err, bytes_out, NULL));
    if (header->has_crc && codec_crc32(*bytes_out, header->packed_bytes) != header->crc)
        return reader__damaged(reader, err, "the page's checksum does not match its bytes");
    return ST_OK;
}

Status reader__check_size(const ColumnReader *reader, const PageHeader *header, size_t packed_bytes,
                          size_t unpacked_bytes, Error *err)
{
    /* values, and no more for levels, run headers and padding than any writer takes */
    size_t needed = PAGE_SLACK_BYTES +
                    (size_t)header->value_count * (reader->column->raw_bytes + ROW_SLACK_BYTES);

    if (unpacked_bytes > codec_decompressed_max(reader->codec, packed_bytes))
        return reader__damaged(reader, err, "the page claims to be larger than it can be");
    if (reader->column->raw_bytes > 0 && unpacked_bytes > needed)
        return reader__damaged(reader, err, "the page claims more bytes than its rows can take");
    return ST_OK;
}

Status reader__unpack(ColumnReader *reader, const uint8_t *packed, size_t packed_bytes, void *to,
                      size_t unpacked_bytes, Error *err)
{
    Error inner = ERROR_NONE;

    if (unpacked_bytes == 0)
        return ST_OK;
    if (codec_decompress(reader->codecs, reader->codec, packed, packed_bytes, to, unpacked_bytes,
                         &inner) == ST_OK)
        return ST_OK;
    return reader__damaged(reader, err, inner.message);
}

/* v2: the levels stand before the values, outside of the compression. */
static Status open_page_v2(ColumnReader *reader, const uint8_t *packed, Error *err)
{
    Page *page = &reader->page;
    const PageHeader *header = &page->header;
    size_t level_bytes = (size_t)header->definition_bytes + header->repetition_bytes;
    size_t value_bytes, packed_bytes;
    uint8_t *room;

    if (level_bytes > header->packed_bytes || level_bytes > header->unpacked_bytes)
        return reader__damaged(reader, err, "the page's levels are longer than the page");
    value_bytes = header->unpacked_bytes - level_bytes;
    packed_bytes = header->packed_bytes - level_bytes;
    if (!header->is_packed || reader->codec == CODEC_NONE)
        value_bytes = packed_bytes;
    else
        TRY(reader__check_size(reader, header, packed_bytes, value_bytes, err));
    /* values first, where they are aligned */
    TRY(reader__page_room(reader, value_bytes + CHUNK_SLOP_BYTES + level_bytes, err, &room));
    if (header->is_packed && reader->codec != CODEC_NONE)
        TRY(reader__unpack(reader, packed + level_bytes, packed_bytes, room, value_bytes, err));
    else
        memcpy(room, packed + level_bytes, value_bytes);
    memset(room + value_bytes, 0, CHUNK_SLOP_BYTES);
    memcpy(room + value_bytes + CHUNK_SLOP_BYTES, packed, level_bytes);
    page->at = room;
    page->end = room + value_bytes;
    page->is_owned = true;
    page->levels = level_reader(room + value_bytes + CHUNK_SLOP_BYTES + header->repetition_bytes,
                                header->definition_bytes);
    return ST_OK;
}

/* v1: the levels of a nullable column come first in the page. */
static Status take_levels(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    size_t left = (size_t)(page->end - page->at);
    uint32_t level_bytes;

    if (!reader->column->is_nullable)
        return ST_OK;
    if (page->header.level_encoding == PARQUET_BIT_PACKED) {
        level_bytes = page->header.value_count / 8 + (page->header.value_count % 8 != 0);
        if (level_bytes > left)
            return reader__damaged(reader, err, "the page's levels are longer than the page");
        page->levels = level_reader_old(page->at, level_bytes);
        page->at += level_bytes;
        return ST_OK;
    }
    if (page->header.level_encoding != PARQUET_RLE)
        return reader__damaged(reader, err, "the page's levels have an unknown encoding");
    if (left < 4)
        return reader__damaged(reader, err, "the page's levels are missing");
    memcpy(&level_bytes, page->at, sizeof level_bytes);
    if (level_bytes > left - 4)
        return reader__damaged(reader, err, "the page's levels are longer than the page");
    page->levels = level_reader(page->at + 4, level_bytes);
    page->at += 4 + (size_t)level_bytes;
    return ST_OK;
}

static Status open_page_v1(ColumnReader *reader, const uint8_t *packed, Error *err)
{
    Page *page = &reader->page;
    const PageHeader *header = &page->header;
    bool has_pointers_into_it = reader->column->raw_bytes == 0;
    uint8_t *room;

    if (reader->codec == CODEC_NONE && !has_pointers_into_it) {
        /* used where it is: the window moves only when this page is done */
        page->at = packed;
        page->end = packed + header->packed_bytes;
        page->is_owned = false;
        return take_levels(reader, err);
    }
    TRY(reader__check_size(reader, header, header->packed_bytes, header->unpacked_bytes, err));
    TRY(reader__page_room(reader, header->unpacked_bytes, err, &room));
    TRY(reader__unpack(reader, packed, header->packed_bytes, room, header->unpacked_bytes, err));
    page->at = room;
    page->end = room + header->unpacked_bytes;
    page->is_owned = true;
    return take_levels(reader, err);
}

/* A delta-coded run of numbers, decoded into page memory; *bytes_left_out is what follows it. */
static Status load_numbers(ColumnReader *reader, const uint8_t *bytes, size_t byte_count,
                           uint32_t value_bytes, Error *err, void **numbers_out,
                           uint32_t *count_out, const uint8_t **rest_out)
{
    const char *failure;
    DeltaReader delta;
    uint8_t *room;

    *numbers_out = NULL;
    *count_out = 0;
    *rest_out = NULL;
    failure = delta_begin(bytes, byte_count, &delta);
    if (failure != NULL)
        return reader__damaged(reader, err, failure);
    if (delta.value_count > reader->page.header.value_count)
        return reader__damaged(reader, err, "the page has more delta-coded values than rows");
    TRY(reader__page_room(reader, (size_t)delta.value_count * value_bytes, err, &room));
    failure = delta_read(&delta, value_bytes, room);
    if (failure != NULL)
        return reader__damaged(reader, err, failure);
    *numbers_out = room;
    *count_out = delta.value_count;
    *rest_out = delta.at;
    return ST_OK;
}

static void set_array(Page *page, PageForm form, const void *array, size_t byte_count)
{
    page->form = form;
    page->at = array;
    page->end = page->at + byte_count;
    page->is_owned = true;
}

static Status load_delta_numbers(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    uint32_t value_bytes = reader->column->raw_bytes, count;
    const uint8_t *rest;
    void *numbers;

    if (reader->column->physical != PARQUET_INT32 && reader->column->physical != PARQUET_INT64)
        return reader__damaged(reader, err, "only integers can be delta-coded");
    TRY(load_numbers(reader, page->at, (size_t)(page->end - page->at), value_bytes, err, &numbers,
                     &count, &rest));
    set_array(page, PAGE_FIXED, numbers, (size_t)count * value_bytes);
    return ST_OK;
}

/* DELTA_LENGTH_BYTE_ARRAY from `bytes` on: lengths, then all texts. */
static Status load_length_texts(ColumnReader *reader, const uint8_t *bytes, Error *err,
                                Str **texts_out, uint32_t *count_out)
{
    const uint8_t *end = reader->page.end, *rest;
    const char *failure;
    void *lengths;
    uint8_t *room;

    *texts_out = NULL;
    TRY(load_numbers(reader, bytes, (size_t)(end - bytes), 4, err, &lengths, count_out, &rest));
    TRY(reader__page_room(reader, *count_out * sizeof(Str), err, &room));
    failure =
        delta_length_texts(rest, (size_t)(end - rest), lengths, *count_out, (Str *)(void *)room);
    if (failure != NULL)
        return reader__damaged(reader, err, failure);
    /* texts with prefixes are made of nothing else either */
    reader->page.is_ascii = utf8_is_ascii(rest, (size_t)(end - rest));
    *texts_out = (Str *)(void *)room;
    return ST_OK;
}

/* DELTA_BYTE_ARRAY: prefix lengths, then the suffixes as above. */
static Status load_prefix_texts(ColumnReader *reader, Error *err, Str **texts_out,
                                uint32_t *count_out)
{
    Page *page = &reader->page;
    uint32_t suffix_count;
    const uint8_t *rest;
    const char *failure;
    void *prefixes;
    uint64_t total;
    uint8_t *room;
    Str *texts;

    *texts_out = NULL;
    TRY(load_numbers(reader, page->at, (size_t)(page->end - page->at), 4, err, &prefixes, count_out,
                     &rest));
    TRY(load_length_texts(reader, rest, err, &texts, &suffix_count));
    if (suffix_count != *count_out)
        return reader__damaged(reader, err, "the page has not as many suffixes as prefixes");
    failure = delta_prefix_measure(prefixes, texts, *count_out, &total);
    if (failure != NULL)
        return reader__damaged(reader, err, failure);
    TRY(reader__page_room(reader, total, err, &room));
    delta_prefix_texts(prefixes, texts, *count_out, (char *)room, texts);
    *texts_out = texts;
    return ST_OK;
}

/* Fixed-length values that came as texts lie one after the other. */
static Status flatten_texts(ColumnReader *reader, const Str *texts, uint32_t count, Error *err)
{
    uint32_t value_bytes = reader->column->raw_bytes;
    uint8_t *room;

    TRY(reader__page_room(reader, (size_t)count * value_bytes, err, &room));
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].length != value_bytes)
            return reader__damaged(reader, err, "a fixed-length value has another length");
        memcpy(room + (size_t)i * value_bytes, str_bytes(&texts[i]), value_bytes);
    }
    set_array(&reader->page, PAGE_FIXED, room, (size_t)count * value_bytes);
    return ST_OK;
}

static Status load_delta_texts(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    uint32_t count;
    Str *texts;

    if (reader->column->physical != PARQUET_BYTE_ARRAY && reader->column->physical != PARQUET_FIXED)
        return reader__damaged(reader, err, "only byte arrays can be coded by their lengths");
    if (page->header.encoding == PARQUET_DELTA_BYTE_ARRAY)
        TRY(load_prefix_texts(reader, err, &texts, &count));
    else
        TRY(load_length_texts(reader, page->at, err, &texts, &count));
    if (reader->column->physical == PARQUET_FIXED)
        return flatten_texts(reader, texts, count, err);
    set_array(page, PAGE_TEXTS, texts, count * sizeof(Str));
    return ST_OK;
}

static Status load_byte_streams(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    uint32_t value_bytes = reader->column->raw_bytes;
    size_t byte_count = (size_t)(page->end - page->at);
    uint8_t *room;

    if (value_bytes == 0 || reader->column->physical == PARQUET_BOOLEAN ||
        byte_count % value_bytes != 0)
        return reader__damaged(reader, err, "the page's byte streams do not fit its type");
    TRY(reader__page_room(reader, byte_count, err, &room));
    byte_stream_merge(page->at, (uint32_t)(byte_count / value_bytes), value_bytes, room);
    set_array(page, PAGE_FIXED, room, byte_count);
    return ST_OK;
}

static Status begin_codes(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    uint32_t width = 0;

    if (page->at < page->end) /* a page of nulls only may be empty */
        width = *page->at++;
    if (width > HYBRID_WIDTH_MAX)
        return reader__damaged(reader, err, "dictionary codes have more than 32 bits");
    page->codes = hybrid_reader(page->at, (size_t)(page->end - page->at), width);
    page->form = PAGE_CODES;
    return reader->has_dictionary ? ST_OK : reader__empty_dictionary(reader, err);
}

static Status begin_runs(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    uint32_t byte_count = 0;

    if (reader->column->physical != PARQUET_BOOLEAN)
        return reader__damaged(reader, err, "only booleans can be run-length coded");
    page->form = PAGE_RUNS;
    if (page->end - page->at >= 4) {
        memcpy(&byte_count, page->at, sizeof byte_count);
        page->at += 4;
    }
    if (byte_count > (size_t)(page->end - page->at))
        return reader__damaged(reader, err, "run-length coded values are longer than their page");
    page->codes = hybrid_reader(page->at, byte_count, 1);
    return ST_OK;
}

static Status begin_values(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    char what[64];

    switch (page->header.encoding) {
    case PARQUET_PLAIN:
        page->form = reader->column->physical == PARQUET_BOOLEAN ? PAGE_BITS
                     : reader->column->raw_bytes == 0            ? PAGE_BYTES
                                                                 : PAGE_FIXED;
        page->bit = 0;
        page->is_ascii =
            page->form == PAGE_BYTES && utf8_is_ascii(page->at, (size_t)(page->end - page->at));
        return ST_OK;
    case PARQUET_PLAIN_DICTIONARY:
    case PARQUET_RLE_DICTIONARY:
        return begin_codes(reader, err);
    case PARQUET_RLE:
        return begin_runs(reader, err);
    case PARQUET_DELTA_BINARY_PACKED:
        return load_delta_numbers(reader, err);
    case PARQUET_DELTA_LENGTH_BYTE_ARRAY:
    case PARQUET_DELTA_BYTE_ARRAY:
        return load_delta_texts(reader, err);
    case PARQUET_BYTE_STREAM_SPLIT:
        return load_byte_streams(reader, err);
    default:
        snprintf(what, sizeof what, "the page has the unknown encoding %d", page->header.encoding);
        return reader__damaged(reader, err, what);
    }
}

Status reader__load_page(ColumnReader *reader, Error *err)
{
    Page *page = &reader->page;
    const uint8_t *packed;

    ASSERT(!page->is_loaded);
    reader->page_number++;
    TRY(reader__page_bytes(reader, &page->header, page->offset + page->header.header_bytes, err,
                           &packed));
    if (page->header.type == PARQUET_PAGE_DATA_V2)
        TRY(open_page_v2(reader, packed, err));
    else
        TRY(open_page_v1(reader, packed, err));
    TRY(begin_values(reader, err));
    page->is_loaded = true;
    return ST_OK;
}
