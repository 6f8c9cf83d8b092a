/* dictionary_load.c -- a chunk's dictionary page, converted once; see column_reader.h */
#include "core/base/utf8_check.h"
#include "formats/parquet/column_reader.h"
#include "formats/parquet/value_convert.h"

#include <string.h>

/* Stored lengths and bytes of count texts become values. */
static const char *convert_texts(ColumnReader *reader, const uint8_t *bytes, size_t byte_count,
                                 uint32_t count, Str *texts)
{
    bool is_ascii = reader->column->convert == CONVERT_TEXT && utf8_is_ascii(bytes, byte_count);
    const char *failure = value_read_texts(&bytes, bytes + byte_count, count, texts);

    if (failure != NULL || is_ascii)
        return failure;
    return value_convert_texts(reader->column, texts, count, reader->dictionary_values.bytes);
}

static Status convert(ColumnReader *reader, const uint8_t *bytes, size_t byte_count, uint32_t count,
                      Error *err)
{
    const ParquetColumn *column = reader->column;
    const char *failure = NULL;
    PageBuffer texts = {0};
    Status status;

    if (column->raw_bytes > 0) {
        if (byte_count / column->raw_bytes < count)
            return reader__damaged(reader, err, "the dictionary ends too early");
        failure = value_convert_fixed(column, bytes, count, reader->dictionary_values.bytes);
    } else if (column->convert == CONVERT_TEXT) {
        failure = convert_texts(reader, bytes, byte_count, count, reader->dictionary_values.bytes);
    } else {
        status = reader__grow(reader, &texts, (size_t)count * sizeof(Str), err);
        if (status != ST_OK)
            return status;
        failure = convert_texts(reader, bytes, byte_count, count, texts.bytes);
        mem_pool_release(reader->pool, texts.bytes, texts.capacity);
    }
    return failure == NULL ? ST_OK : reader__damaged(reader, err, failure);
}

/* The values are there; one more than there are: rows that are null have code 0, which must exist
 * even when nothing else does. */
static void publish(ColumnReader *reader, uint32_t count)
{
    uint32_t value_bytes = reader->column->value_bytes;

    memset((char *)reader->dictionary_values.bytes + (size_t)count * value_bytes, 0, value_bytes);
    reader->has_dictionary = true;
    reader->dictionary_count = count;
    reader->dictionary = (Dictionary){.values = reader->dictionary_values.bytes,
                                      .value_count = count == 0 ? 1 : count,
                                      .id = dictionary_new_id()};
}

Status reader__empty_dictionary(ColumnReader *reader, Error *err)
{
    TRY(reader__grow(reader, &reader->dictionary_values, reader->column->value_bytes, err));
    publish(reader, 0);
    return ST_OK;
}

Status reader__load_dictionary(ColumnReader *reader, const PageHeader *header, uint64_t offset,
                               Error *err)
{
    const ParquetColumn *column = reader->column;
    uint32_t count = header->value_count;
    const uint8_t *packed;

    if (reader->has_dictionary)
        return reader__damaged(reader, err, "the column chunk has two dictionaries");
    if (header->encoding != PARQUET_PLAIN && header->encoding != PARQUET_PLAIN_DICTIONARY)
        return reader__damaged(reader, err, "the dictionary has an unknown encoding");
    if (column->physical == PARQUET_BOOLEAN)
        return reader__damaged(reader, err, "booleans have no dictionary");
    /* each entry takes bytes: a count that the page cannot hold is refused before memory is */
    if (count > header->unpacked_bytes / (column->raw_bytes > 0 ? column->raw_bytes : 4))
        return reader__damaged(reader, err, "the dictionary has more entries than bytes");
    TRY(reader__page_bytes(reader, header, offset, err, &packed));
    TRY(reader__check_size(reader, header, header->packed_bytes, header->unpacked_bytes, err));
    TRY(reader__grow(reader, &reader->dictionary_bytes, header->unpacked_bytes, err));
    TRY(reader__unpack(reader, packed, header->packed_bytes, reader->dictionary_bytes.bytes,
                       header->unpacked_bytes, err));
    TRY(reader__grow(reader, &reader->dictionary_values, ((size_t)count + 1) * column->value_bytes,
                     err));
    TRY(convert(reader, reader->dictionary_bytes.bytes, header->unpacked_bytes, count, err));
    publish(reader, count);
    return ST_OK;
}
