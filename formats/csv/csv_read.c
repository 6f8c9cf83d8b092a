/*
 * csv_read.c -- the records that start in a split, as batches
 *
 * The buffer holds a piece of the file that starts at a record; all whole records in it are
 * indexed at once, then handed out a batch at a time. What is left behind the last whole record
 * moves to the front, and more is read behind it: beyond the split's end too, until the last
 * record that starts before it is whole.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"
#include "formats/csv/csv_internal.h"

enum { TAIL_BYTES = 16 << 10, BUFFER_BYTES_MIN = 4 << 10 };

typedef struct CsvScan {
    const CsvTable *table;
    CsvFile *file;
    ScanRequest request;
    Arena *arena;       /* the scan's own */
    Arena *batch_arena; /* reset with each batch */
    CsvInput input;
    char *buffer; /* text[0..used) is indexed, text[used..filled) waits for its record's end */
    size_t capacity, used, filled;
    uint64_t buffer_offset; /* of buffer[0] in the (decompressed) file */
    uint64_t end;           /* records that start here or behind are others' */
    bool is_last;           /* the buffer reaches the end of the file        */
    bool is_over;           /* the buffer's records are the last             */
    CsvIndex index;
    size_t next_row; /* of the index */
    bool skips_header;
    CsvRow *rows; /* of the batch */
    uint32_t *selection;
    uint64_t sequence;
} CsvScan;

/* --- errors --- */

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
    if (csv_input_open(&input, scan->file->path, scan->file->codec, 0, scan->request.pool, NULL) ==
        ST_OK)
        while (at < offset && csv_input_read(&input, block, sizeof block, NULL, &got) == ST_OK &&
               got > 0) {
            for (size_t i = 0; i < got && at + i < offset; i++)
                line += block[i] == scan->table->dialect.newline;
            at += got;
        }
    csv_input_close(&input, scan->request.pool);
    memcpy(what, err->message, sizeof what);
    snprintf(err->message, sizeof err->message, "\"%.300s\", line %llu%s%.100s%s: %.550s",
             scan->file->name, (unsigned long long)line, column ? ", column \"" : "",
             column ? column : "", column ? "\"" : "", what);
    return status;
}

static uint64_t row_offset(const CsvScan *scan, CsvRow row)
{
    return scan->buffer_offset + (uint32_t)(scan->index.ends[row.first] + 1);
}

static Status wrong_field_count(const CsvScan *scan, CsvRow row, Error *err)
{
    uint32_t wanted = scan->file->field_count;
    char delimiter = scan->table->dialect.delimiter;

    error_set_state(err, ST_BAD_INPUT, "22P04", "%u field%s where %u %s expected", row.field_count,
                    row.field_count == 1 ? "" : "s", wanted, wanted == 1 ? "is" : "are");
    error_hint(err,
               "The delimiter is \"%s%c\"; read_csv('file', delimiter = '...') names another, "
               "%signore_errors = true leaves such lines out.",
               delimiter == '\t' ? "\\" : "", delimiter == '\t' ? 't' : delimiter,
               row.field_count < wanted ? "null_padding = true fills the row with NULLs, " : "");
    return located(scan, row_offset(scan, row), NULL, ST_BAD_INPUT, err);
}

static Status unclosed_quote(const CsvScan *scan, Error *err)
{
    error_set_state(err, ST_BAD_INPUT, "22P04", "unterminated CSV quoted field");
    error_hint(err, "read_csv('file', quote = '') reads quotes as text.");
    return located(scan, scan->buffer_offset + scan->used, NULL, ST_BAD_INPUT, err);
}

static Status too_long(const CsvScan *scan, Error *err)
{
    error_set_state(err, ST_BAD_INPUT, "54000", "a record is longer than %d MiB",
                    CSV_RECORD_BYTES_MAX >> 20);
    error_hint(err, "Is a quote left open?");
    return located(scan, scan->buffer_offset + scan->used, NULL, ST_BAD_INPUT, err);
}

/* --- the buffer --- */

/* Drops what is used up and reads more behind the rest. */
static Status refill(CsvScan *scan, Error *err)
{
    size_t rest = scan->filled - scan->used, wanted, got;
    uint64_t at;

    if (scan->request.cancelled != NULL && atomic_load(scan->request.cancelled))
        return error_set(err, ST_CANCELLED, "canceling statement due to user request");
    if (rest > CSV_RECORD_BYTES_MAX)
        return too_long(scan, err);
    memmove(scan->buffer, scan->buffer + scan->used, rest);
    scan->buffer_offset += scan->used;
    scan->used = 0;
    scan->filled = rest;
    if (rest > scan->capacity / 2) { /* a record longer than the buffer */
        void *grown = scan->buffer;

        TRY(mem_pool_realloc(scan->request.pool, &grown, scan->capacity, 2 * scan->capacity,
                             "a CSV record", err));
        scan->buffer = grown;
        scan->capacity *= 2;
    }
    at = scan->buffer_offset + rest;
    wanted = scan->capacity - rest;
    if (at < scan->end && scan->end - at < wanted)
        wanted = (size_t)(scan->end - at);
    else if (at >= scan->end && wanted > TAIL_BYTES && rest < TAIL_BYTES)
        wanted = TAIL_BYTES;
    TRY(csv_input_read(&scan->input, scan->buffer + rest, wanted, err, &got));
    scan->filled += got;
    scan->is_last =
        got == 0 || (scan->input.inflater == NULL && scan->input.at >= file_size(scan->input.file));
    if (scan->request.counters != NULL)
        scan->request.counters->read_bytes += got;
    return ST_OK;
}

/* Indexes the buffer from `used` on, and leaves out records that start behind the split. */
static Status index_buffer(CsvScan *scan, Error *err)
{
    CsvIndex *index = &scan->index;
    CsvState state;
    size_t used;

    if (scan->used > 0) { /* the index's text starts at the buffer */
        memmove(scan->buffer, scan->buffer + scan->used, scan->filled - scan->used);
        scan->buffer_offset += scan->used;
        scan->filled -= scan->used;
        scan->used = 0;
    }
    TRY(csv_index_text(index, scan->buffer, scan->filled, scan->is_last, err, &used, &state));
    scan->used = used;
    scan->next_row = 0;
    while (index->row_count > 0 &&
           row_offset(scan, index->rows[index->row_count - 1]) >= scan->end) {
        index->row_count--;
        scan->is_over = true;
    }
    if (scan->is_last && !scan->is_over && state == CSV_QUOTED && index->row_count == 0)
        return unclosed_quote(scan, err);
    return ST_OK;
}

/* The next records of the split into the index; none: the end. */
static Status next_records(CsvScan *scan, Error *err)
{
    scan->index.row_count = scan->next_row = 0;
    while (scan->index.row_count == 0 && !scan->is_over) {
        if ((scan->is_last && scan->used == scan->filled) ||
            scan->buffer_offset + scan->used >= scan->end) {
            scan->is_over = true;
            break;
        }
        if (!scan->is_last)
            TRY(refill(scan, err));
        TRY(index_buffer(scan, err));
    }
    return ST_OK;
}

/* --- the start --- */

static Status open_input(CsvScan *scan, uint64_t offset, Error *err)
{
    const CsvFile *file = scan->file;

    TRY(csv_input_open(&scan->input, file->path, file->codec, offset, scan->request.pool, err));
    return file_check_stamp(scan->input.file, file->stamp, err);
}

/* A file's first split starts where its data does; the header's record is dropped. */
static Status start_file(CsvScan *scan, Error *err)
{
    uint64_t data_start = scan->file->data_start;

    scan->skips_header = scan->table->dialect.has_header;
    if (scan->file->codec == STREAM_PLAIN) {
        scan->buffer_offset = data_start;
        return open_input(scan, data_start, err);
    }
    TRY(open_input(scan, 0, err));
    while (scan->buffer_offset + scan->used < data_start && !scan->is_last) {
        TRY(refill(scan, err));
        scan->used = data_start - scan->buffer_offset < scan->filled
                         ? (size_t)(data_start - scan->buffer_offset)
                         : scan->filled;
    }
    return scan->filled > scan->used ? index_buffer(scan, err) : ST_OK;
}

/* Another split starts with the first record that starts at or behind its offset. */
static Status start_middle(CsvScan *scan, const Split *split, Error *err)
{
    CsvState state;
    bool has_newline = false;

    TRY(open_input(scan, split->start - 1, err));
    TRY(csv_states_note(scan->file->states, scan->input.file, split->start,
                        split->start + split->length, &scan->request, err));
    TRY(csv_state_at(scan->file->states, scan->input.file, split->start, &scan->request, err,
                     &state));
    scan->buffer_offset = split->start - 1;
    while (!scan->is_over) {
        const char *newline;

        if (scan->is_last || scan->buffer_offset + scan->filled >= scan->end + 1) {
            scan->is_over = true;
            return ST_OK;
        }
        scan->used = scan->filled;
        TRY(refill(scan, err));
        newline =
            has_newline ? NULL : memchr(scan->buffer, scan->table->dialect.newline, scan->filled);
        if (newline != NULL)
            scan->used = (size_t)(newline - scan->buffer) + 1;
        if (newline == NULL && !has_newline)
            continue;
        has_newline = true;
        scan->used += csv_find_record(&scan->table->dialect, &state, scan->buffer + scan->used,
                                      scan->filled - scan->used);
        if (state == CSV_RECORD_START)
            break;
    }
    if (scan->buffer_offset + scan->used >= scan->end)
        scan->is_over = true;
    else if (scan->used < scan->filled)
        return index_buffer(scan, err);
    return ST_OK;
}

void csv_scan_close(TableScan *handle)
{
    CsvScan *scan = (CsvScan *)handle;
    MemPool *pool;

    if (scan == NULL)
        return;
    pool = scan->request.pool;
    csv_input_close(&scan->input, pool);
    csv_index_fini(&scan->index);
    mem_pool_release(pool, scan->buffer, scan->capacity);
    arena_free(scan->arena);
}

Status csv_scan_open(const Table *table, const Split *split, const ScanRequest *request, Error *err,
                     TableScan **scan_out)
{
    const CsvTable *self = (const CsvTable *)table;
    Arena *arena = arena_new(NULL, "CSV batch", ARENA_NO_CAP);
    CsvScan *scan = ARENA_NEW(arena, CsvScan);
    CsvFile *file = &self->files[split->file];
    bool is_plain = file->codec == STREAM_PLAIN;
    size_t capacity = is_plain && split->length < CSV_BLOCK_BYTES - BUFFER_BYTES_MIN
                          ? (size_t)split->length + BUFFER_BYTES_MIN
                          : CSV_BLOCK_BYTES;
    void *buffer = NULL;
    Status status;

    *scan_out = NULL;
    *scan = (CsvScan){.table = self,
                      .file = file,
                      .request = *request,
                      .arena = arena,
                      .batch_arena = arena_new(arena, "CSV batch", ARENA_NO_CAP),
                      .end = is_plain ? split->start + split->length : UINT64_MAX};
    scan->rows = ARENA_ARRAY(arena, CsvRow, request->batch_rows);
    scan->selection = ARENA_ARRAY(arena, uint32_t, request->batch_rows);
    csv_index_init(&scan->index, &self->dialect, request->pool);
    status = mem_pool_alloc(request->pool, capacity, "reading a CSV file", err, &buffer);
    if (status == ST_OK) {
        scan->buffer = buffer;
        scan->capacity = capacity;
        status = !is_plain || split->start <= file->data_start ? start_file(scan, err)
                                                               : start_middle(scan, split, err);
    }
    if (status != ST_OK) {
        csv_scan_close((TableScan *)scan);
        return status;
    }
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

/* --- rows --- */

/* Up to a batch of the indexed records. */
static Status take_rows(CsvScan *scan, Error *err, uint32_t *row_count_out)
{
    uint32_t wanted = scan->file->field_count, rows = 0;
    const CsvOptions *options = &scan->table->options;

    for (; scan->next_row < scan->index.row_count && rows < scan->request.batch_rows;
         scan->next_row++) {
        CsvRow row = scan->index.rows[scan->next_row];

        if (scan->skips_header) {
            scan->skips_header = false;
            continue;
        }
        if (row.field_count == 1 && wanted > 1 && csv_is_blank(&scan->index, row))
            continue;
        if (row.field_count != wanted && !(options->null_padding && row.field_count < wanted)) {
            if (options->ignore_errors)
                continue;
            return wrong_field_count(scan, row, err);
        }
        scan->rows[rows++] = row;
    }
    *row_count_out = rows;
    return ST_OK;
}

static Status convert_column(CsvScan *scan, const CsvConvert *work, uint32_t column, Error *err,
                             Column *column_out)
{
    const CsvSchema *schema = &scan->table->schema;
    uint32_t place = scan->file->places == NULL ? column : scan->file->places[column], bad_row = 0;
    Status status = csv_convert(work, place, &schema->columns[column], schema->formats[column],
                                schema->is_named[column], err, column_out, &bad_row);

    if (status == ST_OK || status == ST_OUT_OF_MEMORY)
        return status;
    if (!schema->is_named[column] && schema->columns[column].type.id != TYPE_TEXT)
        error_hint(err,
                   "The type was inferred from a sample. read_csv('file', types = '\"%.100s\" "
                   "text') names another; sample_size = -1 looks at all rows; ignore_errors = "
                   "true leaves such rows out.",
                   schema->columns[column].name);
    return located(scan, row_offset(scan, scan->rows[bad_row]), schema->columns[column].name,
                   status, err);
}

/* The place of the table's column among the wanted ones, or their count. */
static uint32_t wanted_place(const CsvScan *scan, uint32_t column)
{
    uint32_t place = 0;

    while (place < scan->request.column_count && scan->request.columns[place] != column)
        place++;
    return place;
}

/* Drops the rows that a predicate does not keep, converting no more columns than that takes. */
static Status apply_predicates(CsvScan *scan, CsvConvert *work, Column *columns, bool *is_converted,
                               Error *err)
{
    const ScanRequest *request = &scan->request;

    for (uint32_t i = 0; i < request->predicate_count && work->selected_count > 0; i++) {
        const ScanPredicate *predicate = &request->predicates[i];
        uint32_t place = wanted_place(scan, predicate->column);

        if (place == request->column_count ||
            (predicate->ready != NULL && !atomic_load(predicate->ready)))
            continue;
        if (!is_converted[place])
            TRY(convert_column(scan, work, predicate->column, err, &columns[place]));
        is_converted[place] = true;
        TRY(predicate->keep(predicate->context, request->thread, &columns[place], work->row_count,
                            work->selection, work->selected_count, scan->selection,
                            &work->selected_count, err));
        work->selection = scan->selection;
    }
    return ST_OK;
}

/* With ignore_errors a row counts only when all its fields can be read, whatever is asked for. */
static Status drop_bad_rows(CsvScan *scan, CsvConvert *work, Column *columns, bool *is_converted,
                            Error *err)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < scan->table->schema.column_count; i++) {
        uint32_t place = wanted_place(scan, i);
        Column unused;

        TRY(convert_column(scan, work, i, err,
                           place < scan->request.column_count ? &columns[place] : &unused));
        if (place < scan->request.column_count)
            is_converted[place] = true;
    }
    for (uint32_t row = 0; row < work->row_count; row++)
        if (!bitmap_get(work->bad_rows, row))
            scan->selection[kept++] = row;
    work->selection = scan->selection;
    work->selected_count = kept;
    return ST_OK;
}

static Status make_batch(CsvScan *scan, uint32_t row_count, Error *err, Batch *batch_out)
{
    const ScanRequest *request = &scan->request;
    Arena *arena = scan->batch_arena;
    Column *columns = ARENA_ARRAY(arena, Column, request->column_count + 1);
    bool *is_converted = ARENA_ARRAY(arena, bool, request->column_count + 1);
    CsvConvert work = {.arena = arena,
                       .index = &scan->index,
                       .row_count = row_count,
                       .rows = scan->rows,
                       .selected_count = row_count,
                       .ignores_errors = scan->table->options.ignore_errors};

    if (work.ignores_errors) {
        work.bad_rows = ARENA_ARRAY(arena, uint64_t, bitmap_words(row_count));
        TRY(drop_bad_rows(scan, &work, columns, is_converted, err));
    }
    TRY(apply_predicates(scan, &work, columns, is_converted, err));
    for (uint32_t i = 0; i < request->column_count && work.selected_count > 0; i++)
        if (!is_converted[i])
            TRY(convert_column(scan, &work, request->columns[i], err, &columns[i]));
    *batch_out = (Batch){.column_count = request->column_count,
                         .row_count = row_count,
                         .columns = columns,
                         .selection = work.selection,
                         .selected_count = work.selected_count,
                         .sequence = scan->sequence};
    scan->sequence += row_count;
    return ST_OK;
}

Status csv_scan_next(TableScan *handle, Error *err, Batch *batch_out, bool *exact_filters_out)
{
    CsvScan *scan = (CsvScan *)handle;
    uint32_t rows = 0;

    *exact_filters_out = true;
    for (;;) {
        *batch_out = (Batch){0};
        arena_reset(scan->batch_arena);
        if (scan->next_row == scan->index.row_count)
            TRY(next_records(scan, err));
        if (scan->index.row_count == 0)
            return ST_OK;
        TRY(take_rows(scan, err, &rows));
        if (rows == 0)
            continue;
        TRY(make_batch(scan, rows, err, batch_out));
        if (scan->request.counters != NULL)
            scan->request.counters->decoded_rows += rows;
        if (batch_out->selected_count > 0)
            return ST_OK;
    }
}
