/* csv_write.c -- batches as a CSV file (RFC 4180, NULL as nothing), gzip or zstd by the path's
 * ending */
#include <string.h>

#include "core/base/invariant.h"
#include "core/data/value_text.h"
#include "formats/csv/csv_internal.h"

enum { TEXT_BYTES = 64 << 10, COMPRESSED_BYTES = 64 << 10 };

typedef struct CsvWriter {
    Arena *arena;
    CsvDialect dialect;
    FileWriter *file;
    Deflater *deflater; /* NULL: plain */
    uint32_t column_count;
    bool *is_forced; /* columns whose values are always quoted */
    size_t filled;
    char text[TEXT_BYTES];
    char compressed[COMPRESSED_BYTES];
} CsvWriter;

void csv_writer_abort(TableWriter *handle)
{
    CsvWriter *writer = (CsvWriter *)handle;

    if (writer == NULL)
        return;
    file_writer_abort(writer->file);
    deflater_free(writer->deflater);
    arena_free(writer->arena);
}

/* Hands the bytes to the file, compressed where asked for. */
static Status write_bytes(CsvWriter *writer, const char *bytes, size_t byte_count, bool is_last,
                          Error *err)
{
    bool is_done = false;

    if (writer->deflater == NULL)
        return file_writer_add(writer->file, bytes, byte_count, err);
    while (byte_count > 0 || (is_last && !is_done)) {
        size_t in_bytes = byte_count, out_bytes = COMPRESSED_BYTES;

        TRY(deflater_run(writer->deflater, bytes, &in_bytes, is_last, writer->compressed,
                         &out_bytes, &is_done, err));
        TRY(file_writer_add(writer->file, writer->compressed, out_bytes, err));
        bytes += in_bytes;
        byte_count -= in_bytes;
    }
    return ST_OK;
}

static Status add_bytes(CsvWriter *writer, const char *bytes, size_t byte_count, Error *err)
{
    if (writer->filled + byte_count > TEXT_BYTES) {
        TRY(write_bytes(writer, writer->text, writer->filled, false, err));
        writer->filled = 0;
    }
    if (byte_count > TEXT_BYTES)
        return write_bytes(writer, bytes, byte_count, false, err);
    memcpy(writer->text + writer->filled, bytes, byte_count);
    writer->filled += byte_count;
    return ST_OK;
}

static bool needs_quotes(const CsvDialect *dialect, const char *text, size_t length)
{
    if (length == 0)
        return true; /* told from NULL */
    if (dialect->null_count > 0 && strlen(dialect->null_texts[0]) == length &&
        memcmp(dialect->null_texts[0], text, length) == 0)
        return true;
    if (text[0] == ' ' || text[0] == '#' || text[length - 1] == ' ')
        return true; /* blanks around a field, and # in front, mean more to some readers */
    for (size_t i = 0; i < length; i++)
        if (text[i] == dialect->delimiter || text[i] == dialect->quote ||
            text[i] == dialect->escape || text[i] == '\n' || text[i] == '\r')
            return true;
    return false;
}

static Status add_field(CsvWriter *writer, const char *text, size_t length, bool is_forced,
                        Error *err)
{
    const CsvDialect *dialect = &writer->dialect;
    size_t start = 0;

    if (dialect->quote == 0 || (!is_forced && !needs_quotes(dialect, text, length)))
        return add_bytes(writer, text, length, err);
    TRY(add_bytes(writer, &dialect->quote, 1, err));
    for (size_t i = 0; i < length; i++) {
        if (text[i] == dialect->quote || text[i] == dialect->escape) {
            TRY(add_bytes(writer, text + start, i - start, err));
            TRY(add_bytes(writer, &dialect->escape, 1, err));
            start = i;
        }
    }
    TRY(add_bytes(writer, text + start, length - start, err));
    return add_bytes(writer, &dialect->quote, 1, err);
}

static Status add_value(CsvWriter *writer, const Column *column, uint32_t row, bool is_forced,
                        Error *err)
{
    char buffer[VALUE_TEXT_BYTES];
    Value value = value_from_column(column, row);
    uint32_t length;
    const char *text;

    if (value.is_null) {
        text = writer->dialect.null_count == 0 ? "" : writer->dialect.null_texts[0];
        return add_bytes(writer, text, strlen(text), err);
    }
    text = value_print(&value, 0, buffer, &length);
    return add_field(writer, text, length, is_forced, err);
}

static Status add_header(CsvWriter *writer, const TableColumn *columns, Error *err)
{
    for (uint32_t i = 0; i < writer->column_count; i++) {
        if (i > 0)
            TRY(add_bytes(writer, &writer->dialect.delimiter, 1, err));
        TRY(add_field(writer, columns[i].name, strlen(columns[i].name), false, err));
    }
    return add_bytes(writer, "\n", 1, err);
}

static Status force_quotes(CsvWriter *writer, const CsvOptions *options, const TableColumn *columns,
                           Error *err)
{
    TableColumn *named = ARENA_ARRAY(writer->arena, TableColumn, writer->column_count + 1);
    uint32_t count = 0;

    for (uint32_t i = 0; i < writer->column_count; i++)
        writer->is_forced[i] = options->force_quote_all;
    if (options->force_quote == NULL || options->force_quote_all)
        return ST_OK;
    TRY(csv_parse_columns(writer->arena, "force_quote", options->force_quote, true,
                          writer->column_count, named, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = 0;

        while (place < writer->column_count && strcmp(columns[place].name, named[i].name) != 0)
            place++;
        if (place == writer->column_count)
            return error_set_state(err, ST_BAD_INPUT, "42703", "column \"%s\" does not exist",
                                   named[i].name);
        writer->is_forced[place] = true;
    }
    return ST_OK;
}

Status csv_writer_open(const char *path, uint32_t column_count, const TableColumn *columns,
                       OptionList options, MemPool *pool, Error *err, TableWriter **writer_out)
{
    Arena *arena = arena_new(NULL, "CSV writer", ARENA_NO_CAP);
    CsvWriter *writer = ARENA_NEW(arena, CsvWriter);
    StreamCodec codec = stream_codec_of(path);
    CsvOptions read;
    Status status;

    (void)pool; /* it needs no memory that grows with the data */
    *writer_out = NULL;
    writer->arena = arena;
    writer->column_count = column_count;
    writer->is_forced = ARENA_ARRAY(arena, bool, column_count + 1);
    status = csv_read_options(arena, options, true, &read, err);
    writer->dialect = read.dialect;
    if (read.has_codec)
        codec = read.codec;
    if (status == ST_OK)
        status = force_quotes(writer, &read, columns, err);
    if (!read.has_delimiter && (strstr(path, ".tsv") != NULL))
        writer->dialect.delimiter = '\t';
    if (status == ST_OK)
        status = file_writer_open(path, err, &writer->file);
    if (status == ST_OK && codec != STREAM_PLAIN) {
        writer->deflater = deflater_new(codec);
        if (writer->deflater == NULL)
            status = error_set(err, ST_OUT_OF_MEMORY, "out of memory: compressing \"%s\"", path);
    }
    if (status == ST_OK && (!read.has_header_option || read.dialect.has_header))
        status = add_header(writer, columns, err);
    if (status != ST_OK) {
        csv_writer_abort((TableWriter *)writer);
        return status;
    }
    *writer_out = (TableWriter *)writer;
    return ST_OK;
}

Status csv_writer_add(TableWriter *handle, const Batch *batch, Error *err)
{
    CsvWriter *writer = (CsvWriter *)handle;

    for (uint32_t i = 0; i < batch->selected_count; i++) {
        uint32_t row = batch_row(batch, i);

        for (uint32_t j = 0; j < batch->column_count; j++) {
            if (j > 0)
                TRY(add_bytes(writer, &writer->dialect.delimiter, 1, err));
            TRY(add_value(writer, &batch->columns[j], row, writer->is_forced[j], err));
        }
        TRY(add_bytes(writer, "\n", 1, err));
    }
    return ST_OK;
}

Status csv_writer_finish(TableWriter *handle, bool is_synced, Error *err)
{
    CsvWriter *writer = (CsvWriter *)handle;
    Status status = write_bytes(writer, writer->text, writer->filled, true, err);

    if (status == ST_OK) {
        status = file_writer_finish(writer->file, is_synced, err);
        writer->file = NULL;
    }
    csv_writer_abort(handle);
    return status;
}
