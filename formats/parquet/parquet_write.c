/*
 * parquet_write.c -- batches become a Parquet file; see format.h
 *
 *     batch, batch, ... -> columns of a row group -> (full) each column encoded, on several
 *     threads -> written one after the other
 *
 * The same rows give the same bytes, whatever the threads.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/invariant.h"
#include "formats/parquet/footer_write.h"
#include "formats/parquet/parquet_internal.h"

enum {
    GROUP_ROWS = 1 << 17,
    GROUP_BYTES_MAX = 1 << 28,
    GROUP_PARTS = 8, /* and no more than this part of the memory there is */
    THREADS_MAX = 16,
    LEVEL_MAX = 22 /* zstd's */
};

typedef struct ParquetWriter {
    MemPool *pool;
    Arena *arena;
    FileWriter *file;
    uint32_t column_count;
    const TableColumn *columns;
    ColumnWriter *writers;
    FooterWriter footer;

    Codec codec;
    int level;
    uint32_t group_rows_max; /* rows of a row group, but for the last */
    uint32_t threads;

    uint32_t group_rows;
    _Atomic uint32_t next_column; /* to be encoded */
} ParquetWriter;

/* --- options --- */

static Status bad_option(const char *name, const char *value, const char *allowed, Error *err)
{
    error_set(err, ST_BAD_INPUT, "\"%s\" is no value of the Parquet option \"%s\"", value, name);
    error_hint(err, "Allowed: %s.", allowed);
    return ST_BAD_INPUT;
}

static Status read_number(const char *name, const char *value, int64_t max, Error *err,
                          int64_t *number_out)
{
    char *end;
    char allowed[64];

    errno = 0;
    *number_out = strtoll(value, &end, 10);
    if (*end == '\0' && end != value && errno == 0 && *number_out >= 1 && *number_out <= max)
        return ST_OK;
    snprintf(allowed, sizeof allowed, "1 to %lld", (long long)max);
    return bad_option(name, value, allowed, err);
}

static Status read_codec(ParquetWriter *writer, const char *value, Error *err)
{
    static const struct {
        const char *name;
        Codec codec;
    } codecs[] = {{"snappy", CODEC_SNAPPY}, {"zstd", CODEC_ZSTD}, {"gzip", CODEC_GZIP},
                  {"lz4", CODEC_LZ4_RAW},   {"none", CODEC_NONE}, {"uncompressed", CODEC_NONE}};

    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (strcasecmp(value, codecs[i].name) == 0) {
            writer->codec = codecs[i].codec;
            return ST_OK;
        }
    return bad_option("compression", value, "snappy, zstd, gzip, lz4, none", err);
}

static Status read_option(ParquetWriter *writer, const char *name, const char *value, Error *err)
{
    int64_t number;

    if (strcasecmp(name, "compression") == 0)
        return read_codec(writer, value, err);
    if (strcasecmp(name, "compression_level") == 0) {
        TRY(read_number(name, value, LEVEL_MAX, err, &number));
        writer->level = (int)number;
        return ST_OK;
    }
    if (strcasecmp(name, "row_group_size") == 0) {
        TRY(read_number(name, value, 1 << 24, err, &number));
        writer->group_rows_max = (uint32_t)number;
        return ST_OK;
    }
    error_set(err, ST_BAD_INPUT, "Parquet files have no option \"%s\" for writing", name);
    error_hint(err, "Options: compression, compression_level, row_group_size.");
    return ST_BAD_INPUT;
}

/* --- open and close --- */

static Status open_writer(ParquetWriter *writer, const char *path, OptionList options, Error *err)
{
    TRY(file_writer_open(path, err, &writer->file));
    for (uint32_t i = 0; i < options.count; i++)
        TRY(read_option(writer, options.items[2 * i], options.items[2 * i + 1], err));
    for (uint32_t c = 0; c < writer->column_count; c++)
        TRY(column_writer_init(&writer->writers[c], &writer->columns[c], writer->codec,
                               writer->level, writer->pool, err));
    return file_writer_add(writer->file, "PAR1", 4, err);
}

/* Columns outlive the caller's. */
static const TableColumn *copy_columns(Arena *arena, uint32_t count, const TableColumn *columns)
{
    TableColumn *copies = ARENA_ARRAY(arena, TableColumn, count);

    for (uint32_t c = 0; c < count; c++) {
        copies[c] = columns[c];
        copies[c].name = arena_strdup(arena, columns[c].name);
        copies[c].is_nullable |= columns[c].type.id == TYPE_NULL;
    }
    return copies;
}

static uint32_t usable_threads(uint32_t column_count)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t threads = online < 1 ? 1 : online > THREADS_MAX ? THREADS_MAX : (uint32_t)online;

    return threads < column_count ? threads : column_count;
}

Status parquet__writer_open(const char *path, uint32_t column_count, const TableColumn *columns,
                            OptionList options, MemPool *pool, Error *err, TableWriter **writer_out)
{
    Arena *arena = arena_new(NULL, "Parquet writer", ARENA_NO_CAP);
    ParquetWriter *writer = ARENA_NEW(arena, ParquetWriter);
    Status status;

    *writer_out = NULL;
    writer->pool = pool;
    writer->arena = arena;
    writer->column_count = column_count;
    writer->columns = copy_columns(arena, column_count, columns);
    writer->writers = ARENA_ARRAY(arena, ColumnWriter, column_count);
    writer->codec = CODEC_SNAPPY;
    writer->group_rows_max = GROUP_ROWS;
    writer->threads = usable_threads(column_count);
    footer_writer_init(&writer->footer, column_count, writer->columns, pool);
    status = open_writer(writer, path, options, err);
    if (status != ST_OK) {
        parquet__writer_abort((TableWriter *)writer);
        return status;
    }
    *writer_out = (TableWriter *)writer;
    return ST_OK;
}

static void writer_free(ParquetWriter *writer)
{
    for (uint32_t c = 0; c < writer->column_count; c++)
        column_writer_fini(&writer->writers[c]);
    footer_writer_fini(&writer->footer);
    arena_free(writer->arena);
}

void parquet__writer_abort(TableWriter *base)
{
    ParquetWriter *writer = (ParquetWriter *)base;

    if (writer == NULL)
        return;
    file_writer_abort(writer->file);
    writer_free(writer);
}

/* --- row groups --- */

static void *encode_columns(void *argument)
{
    ParquetWriter *writer = argument;
    CodecState *codecs = codec_state_new(); /* one a thread: zstd's take a MiB */
    uint32_t column;

    while ((column = atomic_fetch_add(&writer->next_column, 1)) < writer->column_count)
        column_writer_encode(&writer->writers[column], codecs);
    codec_state_free(codecs);
    return NULL;
}

/* This thread, and others when they can be had. */
static void encode_all(ParquetWriter *writer)
{
    pthread_t threads[THREADS_MAX];
    uint32_t started = 0;

    atomic_store(&writer->next_column, 0);
    while (started + 1 < writer->threads &&
           pthread_create(&threads[started], NULL, encode_columns, writer) == 0)
        started++;
    encode_columns(writer);
    while (started > 0)
        pthread_join(threads[--started], NULL);
}

static Status write_group(ParquetWriter *writer, Error *err)
{
    if (writer->group_rows == 0)
        return ST_OK;
    encode_all(writer);
    footer_note_group(&writer->footer, writer->group_rows);
    for (uint32_t c = 0; c < writer->column_count; c++) {
        ColumnWriter *column = &writer->writers[c];

        if (column->status != ST_OK && err != NULL)
            *err = column->error;
        TRY(column->status);
        footer_note_chunk(&writer->footer, column, file_writer_offset(writer->file));
        TRY(file_writer_add(writer->file, column->chunk.bytes.bytes, column->chunk.bytes.count,
                            err));
        column_writer_clear(column);
    }
    writer->group_rows = 0;
    return ST_OK;
}

static size_t group_bytes(const ParquetWriter *writer)
{
    size_t bytes = 0;

    for (uint32_t c = 0; c < writer->column_count; c++)
        bytes += column_writer_bytes(&writer->writers[c]);
    return bytes;
}

/* A group is there twice when it is written, as it came and encoded. */
static size_t group_bytes_max(const ParquetWriter *writer)
{
    return mem_pool_share(writer->pool, GROUP_BYTES_MAX, GROUP_PARTS);
}

/* Rows [start, start + count) of the batch's selected ones, as a batch of their own. */
static Batch slice_batch(const Batch *batch, uint32_t start, uint32_t count, uint32_t *selection)
{
    Batch slice = *batch;

    if (count == batch->selected_count)
        return slice;
    for (uint32_t i = 0; i < count; i++)
        selection[i] = batch_row(batch, start + i);
    slice.selection = selection;
    slice.selected_count = count;
    return slice;
}

Status parquet__writer_add(TableWriter *base, const Batch *batch, Error *err)
{
    ParquetWriter *writer = (ParquetWriter *)base;
    uint32_t selection[BATCH_ROWS_MAX];

    CHECK(batch->column_count == writer->column_count && batch->row_count <= BATCH_ROWS_MAX);
    for (uint32_t start = 0, count; start < batch->selected_count; start += count) {
        uint32_t room = writer->group_rows_max - writer->group_rows;
        Batch slice;

        count = batch->selected_count - start < room ? batch->selected_count - start : room;
        slice = slice_batch(batch, start, count, selection);
        for (uint32_t c = 0; c < writer->column_count; c++)
            TRY(column_writer_add(&writer->writers[c], &batch->columns[c], &slice, err));
        writer->group_rows += count;
        if (writer->group_rows == writer->group_rows_max ||
            group_bytes(writer) > group_bytes_max(writer))
            TRY(write_group(writer, err));
    }
    return ST_OK;
}

Status parquet__writer_finish(TableWriter *base, bool is_synced, Error *err)
{
    ParquetWriter *writer = (ParquetWriter *)base;
    Status status = write_group(writer, err);

    if (status == ST_OK)
        status = footer_finish(&writer->footer, writer->file, err);
    if (status != ST_OK) {
        parquet__writer_abort(base);
        return status;
    }
    status = file_writer_finish(writer->file, is_synced, err);
    writer_free(writer);
    return status;
}
