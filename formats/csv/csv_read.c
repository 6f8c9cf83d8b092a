/* csv_read.c -- CSV files as a table; see csv_internal.h */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/invariant.h"
#include "formats/csv/csv_internal.h"

enum {
    SAMPLE_BYTES = 2 << 20,         /* from the start of the file        */
    SAMPLE_CHUNK_BYTES = 256 << 10, /* and each further place in it    */
    SAMPLE_CHUNKS = 4,
    INPUT_BLOCK_BYTES = 256 << 10 /* of a compressed file              */
};

typedef struct CsvTable {
    Table head;
    Arena *arena;
    MemPool *pool;
    uint32_t file_count;
    const char **paths;
    CsvSchema schema;
    TableStatistics statistics;
} CsvTable;

/* Bytes of a split, one block after the other, decompressed on the way. */
typedef struct CsvInput {
    File *file;
    uint64_t at, end; /* of the file still to be read */
    Inflater *inflater;
    void *block; /* compressed bytes */
    size_t block_start, block_end;
    bool is_between; /* compressed: the stream may end here */
} CsvInput;

typedef struct CsvScan {
    const CsvTable *table;
    const char *path;
    ScanRequest request;
    Arena *arena;       /* the scan's own */
    Arena *batch_arena; /* reset with each batch */
    CsvInput input;
    char *buffer; /* text[start..filled) is still to be parsed */
    size_t capacity, start, filled;
    uint64_t buffer_offset;   /* of buffer[0] in the (decompressed) file */
    CsvField *record;         /* all fields of one record               */
    CsvField *fields;         /* wanted ones: fields[row * column_count + i] */
    uint64_t *record_offsets; /* of the batch's rows, for errors      */
    uint64_t sequence;
} CsvScan;

/* --- input --- */

static void input_close(CsvInput *input, MemPool *pool)
{
    file_close(input->file);
    inflater_free(input->inflater);
    mem_pool_release(pool, input->block, INPUT_BLOCK_BYTES);
}

static Status input_open(CsvInput *input, const char *path, uint64_t start, uint64_t end,
                         MemPool *pool, Error *err)
{
    StreamCodec codec = stream_codec_of(path);

    *input = (CsvInput){.at = start, .end = end, .is_between = true};
    TRY(file_open(path, err, &input->file));
    if (input->end > file_size(input->file))
        input->end = file_size(input->file);
    if (codec == STREAM_PLAIN)
        return ST_OK;
    input->inflater = inflater_new(codec);
    if (input->inflater == NULL)
        return error_set(err, ST_OUT_OF_MEMORY, "out of memory: reading \"%s\"", path);
    return mem_pool_alloc(pool, INPUT_BLOCK_BYTES, "reading a compressed CSV file", err,
                          &input->block);
}

static Status read_plain(CsvInput *input, char *to, size_t bytes, Error *err, size_t *got_out)
{
    uint64_t left = input->end - input->at;

    *got_out = left < bytes ? (size_t)left : bytes;
    TRY(file_read_at(input->file, input->at, to, *got_out, err));
    input->at += *got_out;
    return ST_OK;
}

static Status read_inflated(CsvInput *input, char *to, size_t bytes, Error *err, size_t *got_out)
{
    *got_out = 0;
    while (*got_out == 0) {
        size_t in_bytes, out_bytes = bytes;
        Status status;

        if (input->block_start == input->block_end) {
            input->block_start = 0;
            TRY(read_plain(input, input->block, INPUT_BLOCK_BYTES, err, &input->block_end));
            if (input->block_end == 0 && !input->is_between)
                return error_set(err, ST_CORRUPT, "\"%s\" ends in the middle of compressed data",
                                 file_path(input->file));
            if (input->block_end == 0)
                return ST_OK;
        }
        in_bytes = input->block_end - input->block_start;
        status = inflater_run(input->inflater, (char *)input->block + input->block_start, &in_bytes,
                              to, &out_bytes, &input->is_between, err);
        if (status != ST_OK) {
            error_detail(err, "In \"%s\", near byte %llu.", file_path(input->file),
                         (unsigned long long)input->at);
            return status;
        }
        input->block_start += in_bytes;
        *got_out = out_bytes;
    }
    return ST_OK;
}

/* Up to bytes more; 0 only at the end. */
static Status input_read(CsvInput *input, char *to, size_t bytes, Error *err, size_t *got_out)
{
    return input->inflater == NULL ? read_plain(input, to, bytes, err, got_out)
                                   : read_inflated(input, to, bytes, err, got_out);
}

/* --- opening a table --- */

/* A chunk of an uncompressed file or the start of a compressed one, in the arena. */
static Status read_chunk(Arena *arena, const char *path, uint64_t start, size_t bytes,
                         MemPool *pool, Error *err, CsvChunk *chunk_out)
{
    char *text = arena_alloc_raw(arena, bytes);
    size_t filled = 0, got = 1;
    CsvInput input;
    Status status = input_open(&input, path, start, UINT64_MAX, pool, err);

    while (status == ST_OK && filled < bytes && got > 0) {
        status = input_read(&input, text + filled, bytes - filled, err, &got);
        filled += got;
    }
    *chunk_out = (CsvChunk){text, filled, filled < bytes || got == 0};
    if (status == ST_OK && input.inflater == NULL && input.at == file_size(input.file))
        chunk_out->is_whole = true;
    input_close(&input, pool);
    return status;
}

/* The start of the file and, of a large uncompressed one, some places spread over it. */
static Status read_sample(Arena *arena, const char *path, bool all, MemPool *pool, Error *err,
                          uint32_t *count_out, CsvChunk *chunks)
{
    struct stat info;
    uint64_t size;
    uint32_t count = 1;

    if (stat(path, &info) != 0)
        return error_set_errno(err, errno, "could not open \"%s\"", path);
    size = (uint64_t)info.st_size;
    if (all && stream_codec_of(path) == STREAM_PLAIN)
        TRY(read_chunk(arena, path, 0, size + 1, pool, err, &chunks[0]));
    else
        TRY(read_chunk(arena, path, 0, SAMPLE_BYTES, pool, err, &chunks[0]));
    if (stream_codec_of(path) == STREAM_PLAIN && !chunks[0].is_whole)
        for (; count <= SAMPLE_CHUNKS; count++)
            TRY(read_chunk(arena, path,
                           SAMPLE_BYTES + (size - SAMPLE_BYTES) / SAMPLE_CHUNKS * (count - 1),
                           SAMPLE_CHUNK_BYTES, pool, err, &chunks[count]));
    *count_out = count;
    return ST_OK;
}

static Status infer_schema(CsvTable *table, OptionList list, Error *err)
{
    Arena *scratch = arena_new(NULL, "CSV sample", ARENA_NO_CAP);
    CsvChunk chunks[SAMPLE_CHUNKS + 1];
    CsvOptions options;
    CsvSchema schema;
    uint32_t chunk_count = 0;
    Status status = csv_read_options(table->arena, list, &options, err);

    if (status == ST_OK)
        status = read_sample(scratch, table->paths[0], options.sample_all, table->pool, err,
                             &chunk_count, chunks);
    if (status == ST_OK)
        status = csv_infer(scratch, table->paths[0], &options, chunk_count, chunks, err, &schema);
    if (status == ST_OK) {
        TableColumn *columns =
            arena_copy(table->arena, schema.columns, schema.column_count * sizeof *columns);

        for (uint32_t i = 0; i < schema.column_count; i++)
            columns[i].name = arena_strdup(table->arena, columns[i].name);
        table->schema = schema;
        table->schema.columns = columns;
    }
    arena_free(scratch);
    return status;
}

static Status estimate_rows(CsvTable *table, Error *err)
{
    double bytes = 0;

    for (uint32_t i = 0; i < table->file_count; i++) {
        struct stat info;

        if (stat(table->paths[i], &info) != 0)
            return error_set_errno(err, errno, "could not open \"%s\"", table->paths[i]);
        table->statistics.file_bytes += (uint64_t)info.st_size;
        /* text shrinks to about a quarter */
        bytes +=
            (double)info.st_size * (stream_codec_of(table->paths[i]) == STREAM_PLAIN ? 1.0 : 4.0);
    }
    table->statistics.row_count = bytes / table->schema.record_bytes;
    return ST_OK;
}

static void csv_close(Table *table)
{
    arena_free(((CsvTable *)table)->arena);
}

static const TableClass csv_class;

Status csv_table_open(uint32_t path_count, const char *const *paths, OptionList options,
                      MemPool *pool, Error *err, Table **table_out)
{
    Arena *arena = arena_new(NULL, "CSV table", ARENA_NO_CAP);
    CsvTable *table = ARENA_NEW(arena, CsvTable);
    Status status;

    *table_out = NULL;
    table->arena = arena;
    table->pool = pool;
    table->file_count = path_count;
    table->paths = ARENA_ARRAY(arena, const char *, path_count);
    for (uint32_t i = 0; i < path_count; i++)
        table->paths[i] = arena_strdup(arena, paths[i]);
    status = infer_schema(table, options, err);
    if (status == ST_OK)
        status = estimate_rows(table, err);
    if (status != ST_OK) {
        arena_free(arena);
        return status;
    }
    table->head = (Table){.class = &csv_class,
                          .name = table->paths[0],
                          .path = table->paths[0],
                          .column_count = table->schema.column_count,
                          .columns = table->schema.columns};
    atomic_init(&table->head.ref_count, 1);
    *table_out = &table->head;
    return ST_OK;
}

/* --- statistics and splits --- */

static TableStatistics csv_statistics(const Table *table)
{
    return ((const CsvTable *)table)->statistics;
}

static ColumnStatistics csv_column_statistics(const Table *table, uint32_t column)
{
    Type type = table->columns[column].type;

    return (ColumnStatistics){
        .null_count = -1, .distinct_count = -1, .value_bytes = (double)phys_bytes(type_phys(type))};
}

/* Splits carry byte ranges; a compressed file is one. Headers are the first split's to skip. */
static Status csv_splits(const Table *table, Arena *arena, uint64_t target_bytes, Error *err,
                         uint32_t *count_out, const Split **splits_out)
{
    const CsvTable *self = (const CsvTable *)table;
    uint32_t capacity = 0, count = 0;
    Split *splits = NULL;

    *count_out = 0;
    for (uint32_t i = 0; i < self->file_count; i++) {
        uint32_t range_count = 1;
        const uint64_t *offsets;
        File *file;
        Status status;

        TRY(file_open(self->paths[i], err, &file));
        status = csv_cut(file, &self->schema.dialect, 0,
                         stream_codec_of(self->paths[i]) == STREAM_PLAIN && target_bytes > 0
                             ? target_bytes
                             : UINT64_MAX / 2,
                         arena, self->pool, err, &range_count, &offsets);
        file_close(file);
        TRY(status);
        if (count + range_count > capacity) {
            Split *grown = ARENA_ARRAY(arena, Split, 2 * (count + range_count));

            if (count > 0)
                memcpy(grown, splits, count * sizeof *grown);
            capacity = 2 * (count + range_count);
            splits = grown;
        }
        for (uint32_t range = 0; range < range_count; range++) {
            uint64_t bytes = offsets[range + 1] - offsets[range];

            splits[count++] = (Split){.file = i,
                                      .start = offsets[range],
                                      .length = bytes,
                                      .row_count = (double)bytes / self->schema.record_bytes,
                                      .bytes = bytes};
        }
    }
    *count_out = count;
    *splits_out = splits;
    return ST_OK;
}

/* --- scanning --- */

/* The file, and the line that byte `offset` is in: counted from the start, for errors only. */
static Status located(const CsvScan *scan, uint64_t offset, const char *column, Status status,
                      Error *err)
{
    char block[8192], what[ERROR_MESSAGE_BYTES];
    uint64_t line = 1, at = 0;
    size_t got = 1;
    CsvInput input;

    if (err == NULL)
        return status;
    if (input_open(&input, scan->path, 0, UINT64_MAX, scan->request.pool, NULL) == ST_OK)
        while (at < offset && input_read(&input, block, sizeof block, NULL, &got) == ST_OK &&
               got > 0) {
            for (size_t i = 0; i < got && at + i < offset; i++)
                line += block[i] == '\n';
            at += got;
        }
    input_close(&input, scan->request.pool);
    memcpy(what, err->message, sizeof what);
    snprintf(err->message, sizeof err->message, "\"%.300s\", line %llu%s%.100s%s: %.550s",
             scan->path, (unsigned long long)line, column ? ", column \"" : "",
             column ? column : "", column ? "\"" : "", what);
    return status;
}

static Status wrong_field_count(const CsvScan *scan, uint64_t offset, uint32_t count, Error *err)
{
    uint32_t wanted = scan->table->schema.column_count;

    error_set_state(err, ST_BAD_INPUT, "22P04", "%u field%s where %u %s expected", count,
                    count == 1 ? "" : "s", wanted, wanted == 1 ? "is" : "are");
    error_hint(err,
               "The delimiter was taken to be \"%c\"; read_csv('file', delimiter = ';') "
               "names another.",
               scan->table->schema.dialect.delimiter);
    return located(scan, offset, NULL, ST_BAD_INPUT, err);
}

static void csv_scan_close(TableScan *handle)
{
    CsvScan *scan = (CsvScan *)handle;
    MemPool *pool;

    if (scan == NULL)
        return;
    pool = scan->request.pool;
    input_close(&scan->input, pool);
    mem_pool_release(pool, scan->buffer, scan->capacity);
    arena_free(scan->arena);
}

/* Makes room behind what is unparsed, and reads more. *got_out 0: the end. */
static Status refill(CsvScan *scan, Error *err, size_t *got_out)
{
    size_t kept = scan->filled - scan->start;

    memmove(scan->buffer, scan->buffer + scan->start, kept);
    scan->buffer_offset += scan->start;
    scan->start = 0;
    scan->filled = kept;
    if (kept > scan->capacity / 2) { /* a record longer than the buffer */
        void *grown = scan->buffer;

        TRY(mem_pool_realloc(scan->request.pool, &grown, scan->capacity, 2 * scan->capacity,
                             "a CSV record", err));
        scan->buffer = grown;
        scan->capacity *= 2;
    }
    TRY(input_read(&scan->input, scan->buffer + kept, scan->capacity - kept, err, got_out));
    scan->filled += *got_out;
    if (scan->request.counters != NULL)
        scan->request.counters->read_bytes += *got_out;
    return ST_OK;
}

/* The header line of each file that has one, a byte order mark, and lines to skip. */
static Status skip_head(CsvScan *scan, Error *err)
{
    const CsvDialect *dialect = &scan->table->schema.dialect;
    uint32_t lines = dialect->skip_lines, count;
    size_t got = 1;
    bool open_quote;
    CsvStep step;

    TRY(refill(scan, err, &got));
    if (scan->filled >= 3 && memcmp(scan->buffer, "\xef\xbb\xbf", 3) == 0)
        scan->start = 3;
    while (lines > 0 && got > 0) {
        const char *newline = memchr(scan->buffer + scan->start, '\n', scan->filled - scan->start);

        if (newline == NULL) {
            TRY(refill(scan, err, &got));
            continue;
        }
        scan->start = (size_t)(newline + 1 - scan->buffer);
        lines--;
    }
    if (!dialect->has_header)
        return ST_OK;
    do {
        CsvCursor cursor = {dialect, scan->buffer + scan->start, scan->buffer + scan->filled,
                            got == 0};

        step = csv_next_record(&cursor, scan->record, scan->table->schema.column_count, &count,
                               &open_quote);
        if (step == CSV_RECORD)
            scan->start = (size_t)(cursor.at - scan->buffer);
        else if (step == CSV_MORE && got > 0)
            TRY(refill(scan, err, &got));
    } while (step == CSV_MORE && got > 0);
    return ST_OK;
}

static Status csv_scan_open(const Table *table, const Split *split, const ScanRequest *request,
                            Error *err, TableScan **scan_out)
{
    const CsvTable *self = (const CsvTable *)table;
    Arena *arena = arena_new(NULL, "CSV batch", ARENA_NO_CAP);
    Arena *batch_arena = arena_new(arena, "CSV batch", ARENA_NO_CAP);
    CsvScan *scan = ARENA_NEW(arena, CsvScan);
    uint32_t column_count = request->column_count == 0 ? 1 : request->column_count;
    bool is_compressed = stream_codec_of(self->paths[split->file]) != STREAM_PLAIN;
    void *buffer = NULL;
    Status status;

    *scan_out = NULL;
    scan->table = self;
    scan->path = self->paths[split->file];
    scan->request = *request;
    scan->arena = arena;
    scan->batch_arena = batch_arena;
    scan->buffer_offset = split->start;
    scan->record = ARENA_ARRAY(arena, CsvField, self->schema.column_count);
    scan->fields = ARENA_ARRAY(arena, CsvField, (size_t)request->batch_rows * column_count);
    scan->record_offsets = ARENA_ARRAY(arena, uint64_t, request->batch_rows);
    status =
        input_open(&scan->input, scan->path, split->start,
                   is_compressed ? UINT64_MAX : split->start + split->length, request->pool, err);
    if (status == ST_OK)
        status = mem_pool_alloc(request->pool, CSV_BLOCK_BYTES, "reading a CSV file", err, &buffer);
    if (status == ST_OK) {
        scan->buffer = buffer;
        scan->capacity = CSV_BLOCK_BYTES;
        if (split->start == 0)
            status = skip_head(scan, err);
    }
    if (status != ST_OK) {
        csv_scan_close((TableScan *)scan);
        return status;
    }
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

/* Keeps the wanted fields of the record at hand as row `row`. */
static void keep_row(CsvScan *scan, uint32_t row, uint64_t offset)
{
    uint32_t count = scan->request.column_count;

    for (uint32_t i = 0; i < count; i++)
        scan->fields[(size_t)row * count + i] = scan->record[scan->request.columns[i]];
    scan->record_offsets[row] = offset;
}

/* Parses records of the buffer into rows; stops at the batch's size or where the buffer ends. */
static Status parse_rows(CsvScan *scan, bool is_last, Error *err, uint32_t *row_count_out,
                         bool *needs_more_out)
{
    uint32_t column_count = scan->table->schema.column_count, rows = 0, count;
    CsvCursor cursor = {&scan->table->schema.dialect, scan->buffer + scan->start,
                        scan->buffer + scan->filled, is_last};
    bool open_quote;

    *needs_more_out = false;
    *row_count_out = 0;
    while (rows < scan->request.batch_rows) {
        uint64_t offset = scan->buffer_offset + (uint64_t)(cursor.at - scan->buffer);
        CsvStep step = csv_next_record(&cursor, scan->record, column_count, &count, &open_quote);

        if (step == CSV_MORE && open_quote && is_last) {
            error_set_state(err, ST_BAD_INPUT, "22P04", "unterminated CSV quoted field");
            return located(scan, offset, NULL, ST_BAD_INPUT, err);
        }
        if (step != CSV_RECORD) {
            *needs_more_out = step == CSV_MORE;
            break;
        }
        if (count == 1 && column_count > 1 && scan->record[0].length == 0 &&
            !scan->record[0].is_quoted)
            continue; /* a blank line */
        if (count != column_count)
            return wrong_field_count(scan, offset, count, err);
        keep_row(scan, rows++, offset);
    }
    scan->start = (size_t)(cursor.at - scan->buffer);
    *row_count_out = rows;
    return ST_OK;
}

static Status convert_columns(CsvScan *scan, uint32_t row_count, Error *err, Column *columns)
{
    uint32_t count = scan->request.column_count, bad_row = 0;

    for (uint32_t i = 0; i < count; i++) {
        const TableColumn *column = &scan->table->schema.columns[scan->request.columns[i]];
        Status status = csv_convert(scan->batch_arena, &scan->table->schema.dialect, column->type,
                                    scan->fields + i, count, row_count, err, &columns[i], &bad_row);

        if (status != ST_OK) {
            error_hint(err, "The column's type was inferred from a sample; read_csv('file', "
                            "all_text = true) reads text, columns = '...' names types.");
            return located(scan, scan->record_offsets[bad_row], column->name, status, err);
        }
    }
    return ST_OK;
}

static Status csv_scan_next(TableScan *handle, Error *err, Batch *batch_out,
                            bool *exact_filters_out)
{
    CsvScan *scan = (CsvScan *)handle;
    uint32_t rows = 0;
    bool needs_more, is_last = false;
    Column *columns;

    *exact_filters_out = scan->request.predicate_count == 0;
    *batch_out = (Batch){0};
    arena_reset(scan->batch_arena);
    for (;;) {
        size_t got;

        if (scan->request.cancelled != NULL && atomic_load(scan->request.cancelled))
            return error_set(err, ST_CANCELLED, "canceling statement due to user request");
        TRY(parse_rows(scan, is_last, err, &rows, &needs_more));
        if (rows > 0 || is_last)
            break;
        if (scan->filled - scan->start > CSV_RECORD_BYTES_MAX) {
            error_set_state(err, ST_BAD_INPUT, "54000", "a record is longer than %d MiB",
                            CSV_RECORD_BYTES_MAX >> 20);
            error_hint(err, "Is a quote left open?");
            return located(scan, scan->buffer_offset + scan->start, NULL, ST_BAD_INPUT, err);
        }
        TRY(refill(scan, err, &got));
        is_last = got == 0;
    }
    if (rows == 0)
        return ST_OK;
    columns = ARENA_ARRAY(scan->batch_arena, Column, scan->request.column_count);
    TRY(convert_columns(scan, rows, err, columns));
    *batch_out = (Batch){.column_count = scan->request.column_count,
                         .row_count = rows,
                         .columns = columns,
                         .selected_count = rows,
                         .sequence = scan->sequence};
    scan->sequence += rows;
    if (scan->request.counters != NULL)
        scan->request.counters->decoded_rows += rows;
    return ST_OK;
}

static const TableClass csv_class = {
    .format = "csv",
    .splits = csv_splits,
    .statistics = csv_statistics,
    .column_statistics = csv_column_statistics,
    .scan_open = csv_scan_open,
    .scan_next = csv_scan_next,
    .scan_close = csv_scan_close,
    .close = csv_close,
};

static const char *const csv_endings[] = {".csv",     ".tsv",     ".csv.gz", ".tsv.gz",
                                          ".csv.zst", ".tsv.zst", NULL};

const Format format_csv = {
    .name = "csv",
    .endings = csv_endings,
    .open = csv_table_open,
    .writer_open = csv_writer_open,
    .writer_add = csv_writer_add,
    .writer_finish = csv_writer_finish,
    .writer_abort = csv_writer_abort,
};
