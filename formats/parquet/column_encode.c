/*
 * column_encode.c -- collected values become pages; see column_writer.h
 *
 *     dictionary page (PLAIN)?  data page | data page | ...
 *
 * Data pages are version 1, which every reader knows: levels (nullable columns), then codes or
 * values, compressed together. Each page has its checksum. Numbers that are near their neighbours
 * (sorted ones, times) are written as differences: smaller than what a codec makes of them, sooner.
 */
#include <string.h>

#include "formats/parquet/column_writer.h"
#include "formats/parquet/delta_write.h"
#include "formats/parquet/hybrid_write.h"
#include "formats/parquet/page_header.h"
#include "formats/parquet/thrift_write.h"

enum { PAGE_ROWS_MAX = 20000, PAGE_BYTES_MAX = 1 << 20 };

static void put_fixed_big_endian(ByteBuffer *out, const uint8_t *value, uint32_t fixed_bytes)
{
    uint8_t *to = byte_buffer_room(out, fixed_bytes);

    if (to == NULL)
        return;
    for (uint32_t i = 0; i < fixed_bytes; i++)
        to[i] = value[fixed_bytes - 1 - i];
}

static void put_text(ByteBuffer *out, const uint8_t *bytes, uint32_t length)
{
    byte_buffer_add(out, &length, sizeof length);
    byte_buffer_add(out, bytes, length);
}

/* PLAIN: value i of the column. */
static void put_plain(const ColumnWriter *writer, uint32_t i, ByteBuffer *out)
{
    const uint8_t *value = writer->values.bytes + (size_t)i * writer->stored.value_bytes;
    uint32_t length;

    if (writer->stored.kind == STORED_TEXT) {
        const uint8_t *bytes = column_writer_text(writer, i, &length);

        put_text(out, bytes, length);
    } else if (writer->stored.kind == STORED_INT128) {
        put_fixed_big_endian(out, value, writer->stored.fixed_bytes);
    } else {
        byte_buffer_add(out, value, writer->stored.value_bytes);
    }
}

static void put_bits(const uint8_t *booleans, uint32_t count, ByteBuffer *out)
{
    uint8_t *to = byte_buffer_room(out, (count + 7) / 8);

    if (to == NULL)
        return;
    memset(to, 0, (count + 7) / 8);
    for (uint32_t i = 0; i < count; i++)
        to[i / 8] |= (uint8_t)(booleans[i] << i % 8);
}

static void put_plain_values(const ColumnWriter *writer, uint32_t start, uint32_t count,
                             ByteBuffer *out)
{
    uint32_t value_bytes = writer->stored.value_bytes;

    if (writer->stored.kind == STORED_BOOL)
        put_bits(writer->values.bytes + start, count, out);
    else if (writer->stored.kind != STORED_TEXT && writer->stored.kind != STORED_INT128)
        byte_buffer_add(out, writer->values.bytes + (size_t)start * value_bytes,
                        (size_t)count * value_bytes);
    else
        for (uint32_t i = start; i < start + count; i++)
            put_plain(writer, i, out);
}

static void put_codes(const ColumnWriter *writer, uint32_t start, uint32_t count, ByteBuffer *out)
{
    uint32_t entry_count = (uint32_t)(writer->entries.count / sizeof(uint32_t));
    uint32_t width = hybrid_width(entry_count - 1);
    const uint32_t *codes = (const uint32_t *)(const void *)writer->codes.bytes;

    byte_buffer_byte(out, (uint8_t)width);
    hybrid_write(out, codes + start, count, width);
}

static void put_deltas(const ColumnWriter *writer, uint32_t start, uint32_t count, ByteBuffer *out)
{
    uint32_t value_bytes = writer->stored.value_bytes;

    delta_write(out, writer->values.bytes + (size_t)start * value_bytes, count, value_bytes);
}

/* Length and levels. */
static void put_levels(ColumnWriter *writer, uint32_t row, uint32_t count, ByteBuffer *out)
{
    const uint8_t *is_set = writer->is_set.bytes + row;
    size_t at = out->count;
    uint32_t length = 0;
    uint32_t *levels;

    byte_buffer_clear(&writer->levels);
    levels = byte_buffer_room(&writer->levels, count * sizeof *levels);
    if (levels == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        levels[i] = is_set[i];
    byte_buffer_add(out, &length, sizeof length);
    hybrid_write(out, levels, count, 1);
    if (out->status == ST_OK) {
        length = (uint32_t)(out->count - at - sizeof length);
        memcpy(out->bytes + at, &length, sizeof length);
    }
}

static void put_page_header(ByteBuffer *out, bool is_dictionary, size_t unpacked_bytes,
                            const ByteBuffer *packed, uint32_t value_count, int32_t encoding)
{
    ThriftStruct header = {0}, kind = {0};

    thrift_put_i32(out, &header, 1, is_dictionary ? PARQUET_PAGE_DICTIONARY : PARQUET_PAGE_DATA);
    thrift_put_i32(out, &header, 2, (int32_t)unpacked_bytes);
    thrift_put_i32(out, &header, 3, (int32_t)packed->count);
    thrift_put_i32(out, &header, 4, (int32_t)codec_crc32(packed->bytes, packed->count));
    thrift_put_struct(out, &header, is_dictionary ? 7 : 5);
    thrift_put_i32(out, &kind, 1, (int32_t)value_count);
    thrift_put_i32(out, &kind, 2, encoding);
    if (!is_dictionary) {
        thrift_put_i32(out, &kind, 3, PARQUET_RLE);
        thrift_put_i32(out, &kind, 4, PARQUET_RLE);
    }
    thrift_put_stop(out);
    thrift_put_stop(out);
}

static Status compress_page(ColumnWriter *writer, Error *err)
{
    ByteBuffer *packed = &writer->packed;
    size_t bound = codec_compress_bound(writer->codec, writer->page.count), packed_bytes;
    void *room;

    TRY(byte_buffer_check(&writer->page, err));
    byte_buffer_clear(packed);
    room = byte_buffer_room(packed, bound > 0 ? bound : 1);
    TRY(byte_buffer_check(packed, err));
    TRY(codec_compress(writer->codecs, writer->codec, writer->level, writer->page.bytes,
                       writer->page.count, room, bound, err, &packed_bytes));
    packed->count = packed_bytes;
    if (writer->page.count > INT32_MAX || packed_bytes > INT32_MAX)
        return error_set(err, ST_NOT_SUPPORTED,
                         "a page of column \"%s\" would be larger than 2 GiB",
                         writer->column->name);
    return ST_OK;
}

/* Appends writer->page, compressed, with its header, to the chunk. */
static Status add_page(ColumnWriter *writer, bool is_dictionary, uint32_t value_count,
                       int32_t encoding, Error *err)
{
    ByteBuffer *out = &writer->chunk.bytes;
    size_t start = out->count;

    TRY(compress_page(writer, err));
    put_page_header(out, is_dictionary, writer->page.count, &writer->packed, value_count, encoding);
    writer->chunk.unpacked_bytes += out->count - start + writer->page.count;
    byte_buffer_add(out, writer->packed.bytes, writer->packed.count);
    byte_buffer_clear(&writer->page);
    return byte_buffer_check(out, err);
}

static Status add_dictionary_page(ColumnWriter *writer, Error *err)
{
    const uint32_t *entries = (const uint32_t *)(const void *)writer->entries.bytes;
    uint32_t count = (uint32_t)(writer->entries.count / sizeof *entries);

    for (uint32_t i = 0; i < count; i++)
        put_plain(writer, entries[i], &writer->page);
    return add_page(writer, true, count, PARQUET_PLAIN, err);
}

/* Rows of the next page, and how many values they have. */
static uint32_t next_page_rows(const ColumnWriter *writer, uint32_t row, uint32_t value,
                               uint32_t *values_out)
{
    uint32_t left = writer->row_count - row, rows = 0, values = 0, length;
    uint64_t bytes = 0;

    left = left < PAGE_ROWS_MAX ? left : PAGE_ROWS_MAX;
    for (; rows < left && (rows == 0 || bytes < PAGE_BYTES_MAX); rows++) {
        if (writer->column->is_nullable && !writer->is_set.bytes[row + rows])
            continue;
        if (writer->stored.kind == STORED_TEXT && !writer->chunk.has_dictionary) {
            column_writer_text(writer, value + values, &length);
            bytes += 4 + (uint64_t)length;
        }
        values++;
    }
    *values_out = values;
    return rows;
}

static void note_page(WrittenChunk *chunk, const StoredType *stored, WrittenPage *page)
{
    bool is_first = chunk->pages.count == 0 || chunk->null_count == page->first_row;

    chunk->null_count += page->null_count;
    chunk->nan_count += page->bounds.nan_count;
    if (page->null_count == page->row_count) {
        /* nothing but nulls says nothing about the bounds */
    } else if (is_first) {
        chunk->bounds = page->bounds;
    } else if (chunk->bounds.has_bounds && page->bounds.has_bounds) {
        stored_bounds_join(stored, &chunk->bounds, &page->bounds);
    } else {
        chunk->bounds.has_bounds = false;
    }
    byte_buffer_add(&chunk->pages, page, sizeof *page);
}

static Status add_data_pages(ColumnWriter *writer, Error *err)
{
    WrittenChunk *chunk = &writer->chunk;
    uint32_t value = 0;

    chunk->data_offset = chunk->bytes.count;
    for (uint32_t row = 0, rows; row < writer->row_count; row += rows) {
        WrittenPage page = {.offset = chunk->bytes.count, .first_row = row};
        uint32_t values;

        rows = next_page_rows(writer, row, value, &values);
        if (writer->column->is_nullable)
            put_levels(writer, row, rows, &writer->page);
        if (chunk->encoding == PARQUET_RLE_DICTIONARY)
            put_codes(writer, value, values, &writer->page);
        else if (chunk->encoding == PARQUET_DELTA_BINARY_PACKED)
            put_deltas(writer, value, values, &writer->page);
        else
            put_plain_values(writer, value, values, &writer->page);
        page.row_count = rows;
        page.null_count = rows - values;
        page.bounds = column_writer_bounds(writer, value, values);
        TRY(add_page(writer, false, rows, chunk->encoding, err));
        page.bytes = (uint32_t)(chunk->bytes.count - page.offset);
        note_page(chunk, &writer->stored, &page);
        value += values;
    }
    return byte_buffer_check(&chunk->pages, err);
}

/* Of data pages without a dictionary. Differences take a bit of the reader's time, so they must
 * be worth it: half of the plain bytes. */
static int32_t choose_encoding(const ColumnWriter *writer)
{
    const StoredType *stored = &writer->stored;
    uint32_t plain_bits = 8 * stored->value_bytes;

    if (stored->kind != STORED_INT32 && stored->kind != STORED_INT64)
        return PARQUET_PLAIN;
    return delta_bits(writer->values.bytes, writer->value_count, stored->value_bytes) <=
                   plain_bits / 2
               ? PARQUET_DELTA_BINARY_PACKED
               : PARQUET_PLAIN;
}

static Status encode(ColumnWriter *writer, Error *err)
{
    WrittenChunk *chunk = &writer->chunk;

    chunk->unpacked_bytes = 0;
    chunk->null_count = chunk->nan_count = 0;
    chunk->bounds = (StoredBounds){0};
    chunk->has_dictionary = column_writer_find_codes(writer);
    chunk->encoding = chunk->has_dictionary ? PARQUET_RLE_DICTIONARY : choose_encoding(writer);
    TRY(byte_buffer_check(&writer->codes, err));
    TRY(byte_buffer_check(&writer->entries, err));
    TRY(byte_buffer_check(&writer->table, err));
    if (chunk->has_dictionary)
        TRY(add_dictionary_page(writer, err));
    return add_data_pages(writer, err);
}

void column_writer_encode(ColumnWriter *writer, CodecState *codecs)
{
    writer->codecs = codecs;
    writer->status = encode(writer, &writer->error);
    writer->codecs = NULL;
}
