/*
 * text_read.c -- text files as a table of one column, a line a row
 *
 *     split [start, end)    the lines that begin there: the first may have begun before and is then
 *                           the split's before; the last may end behind
 *
 * Lines end in \n, \r\n or the end of the file. Bytes are passed as they are. Files that end in .gz
 * or .zst are decompressed on the way and are one split each. The option whole makes each file one
 * row of two columns, path and text; record_bytes=N makes rows of so many bytes each, of files that
 * are no text.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/file.h"
#include "core/base/invariant.h"
#include "core/base/stream_codec.h"
#include "core/data/bitmap.h"
#include "formats/format.h"
#include "formats/text/text_write.h"

enum {
    WINDOW_BYTES = 1 << 20,
    TAIL_BYTES = 16 << 10,
    PACKED_BYTES = 256 << 10,
    LINE_BYTES_GUESS = 64,
    RECORD_BYTES_MAX = 1 << 28
};

/* One line of more bytes is refused: it is no text. */
#define LINE_BYTES_MAX ((size_t)1 << 30)

typedef struct TextTable {
    Table table;
    Arena *arena;
    MemPool *pool;
    uint32_t file_count;
    TableFile *files;
    uint64_t bytes;
    bool is_whole;
    uint64_t record_bytes; /* 0: lines */
} TextTable;

typedef struct TextScan {
    const TextTable *table;
    const ScanRequest *request;
    const TableFile *from;
    File *file;
    Inflater *inflater; /* NULL: plain */
    char *packed;       /* compressed bytes */
    size_t packed_start, packed_end;
    bool is_between;  /* compressed: the input may end here */
    uint64_t read_at; /* where the next bytes of the file come from */
    uint64_t at, end; /* the next line's place in the text, and where the split ends */
    uint64_t reach;   /* the first line may begin behind that, but before here */
    char *window;     /* window[start..filled) is text not given out yet */
    size_t capacity, start, filled;
    bool is_file_end; /* nothing follows window[filled) */
    bool is_done;
    uint64_t sequence;
    Str *values;
    Str path_value;
    Column columns[2];
} TextScan;

/* --- the table --- */

static void text_close(Table *table)
{
    arena_free(((TextTable *)table)->arena);
}

static TableStatistics text_statistics(const Table *base)
{
    const TextTable *table = (const TextTable *)base;

    return (TableStatistics){.row_count = table->is_whole ? (double)table->file_count
                                                          : (double)table->bytes / LINE_BYTES_GUESS,
                             .row_count_is_exact = table->is_whole,
                             .file_bytes = table->bytes};
}

static ColumnStatistics text_column_statistics(const Table *base, uint32_t column)
{
    (void)base;
    (void)column;
    return (ColumnStatistics){
        .null_count = 0, .distinct_count = -1, .value_bytes = LINE_BYTES_GUESS};
}

static uint64_t pieces_of(const TextTable *table, uint32_t file, uint64_t target_bytes)
{
    uint64_t size = table->files[file].stamp.bytes;

    if (table->is_whole || stream_codec_of(table->files[file].path) != STREAM_PLAIN || size == 0)
        return 1;
    return (size + target_bytes - 1) / target_bytes;
}

static Status text_splits(const Table *base, Arena *arena, uint64_t target_bytes, Error *err,
                          uint32_t *count_out, const Split **splits_out)
{
    const TextTable *table = (const TextTable *)base;
    uint64_t count = 0;
    Split *splits, *next;

    *count_out = 0;
    if (target_bytes == 0)
        target_bytes = 1;
    for (uint32_t f = 0; f < table->file_count; f++)
        count += pieces_of(table, f, target_bytes);
    if (count > UINT32_MAX / 2)
        return error_set(err, ST_BAD_INPUT, "\"%s\": too many splits", table->table.path);
    next = splits = ARENA_ARRAY(arena, Split, count);
    for (uint32_t f = 0; f < table->file_count; f++) {
        uint64_t pieces = pieces_of(table, f, target_bytes), size = table->files[f].stamp.bytes;
        uint64_t unit = table->record_bytes == 0 ? 1 : table->record_bytes;

        for (uint64_t i = 0; i < pieces; i++) {
            uint64_t start = size / pieces / unit * unit * i,
                     end = i + 1 == pieces ? size : size / pieces / unit * unit * (i + 1);

            *next++ =
                (Split){.file = f,
                        .start = start,
                        .length = end - start,
                        .row_count = table->is_whole ? 1 : (double)(end - start) / LINE_BYTES_GUESS,
                        .bytes = end - start};
        }
    }
    *count_out = (uint32_t)count;
    *splits_out = splits;
    return ST_OK;
}

static SplitWindows text_windows(const Table *base, Arena *arena, const Split *split,
                                 const WindowRequest *request)
{
    const TextTable *table = (const TextTable *)base;

    if (table->is_whole || stream_codec_of(table->files[split->file].path) != STREAM_PLAIN)
        return (SplitWindows){0};
    return windows_of_places(arena, split, request, request->least_bytes, 0,
                             table->record_bytes == 0 ? 1 : table->record_bytes);
}

/* --- bytes --- */

static Status read_inflated(TextScan *scan, char *to, size_t room, Error *err, size_t *got_out)
{
    *got_out = 0;
    while (*got_out == 0) {
        size_t in_bytes, out_bytes = room;
        Status status;

        if (scan->packed_start == scan->packed_end) {
            TRY(file_read_some(scan->file, scan->read_at, scan->packed, PACKED_BYTES, err,
                               &scan->packed_end));
            scan->packed_start = 0;
            scan->read_at += scan->packed_end;
            if (scan->packed_end == 0 && !scan->is_between)
                return error_set(err, ST_CORRUPT, "\"%s\" ends in the middle of compressed data",
                                 scan->from->path);
            if (scan->packed_end == 0)
                return ST_OK;
        }
        in_bytes = scan->packed_end - scan->packed_start;
        status = inflater_run(scan->inflater, scan->packed + scan->packed_start, &in_bytes, to,
                              &out_bytes, &scan->is_between, err);
        if (status != ST_OK) {
            error_detail(err, "In \"%s\", near byte %llu.", scan->from->path,
                         (unsigned long long)scan->read_at);
            return status;
        }
        scan->packed_start += in_bytes;
        *got_out = out_bytes;
    }
    return ST_OK;
}

static Status grow_window(TextScan *scan, Error *err)
{
    void *window = scan->window;
    size_t capacity = scan->capacity * 2;

    if (scan->capacity >= LINE_BYTES_MAX)
        return error_set(err, ST_BAD_INPUT, "\"%s\": a line of more than %zu MiB at byte %llu",
                         scan->from->path, LINE_BYTES_MAX >> 20, (unsigned long long)scan->at);
    TRY(mem_pool_realloc(scan->request->pool, &window, scan->capacity, capacity,
                         "reading a text file", err));
    scan->window = window;
    scan->capacity = capacity;
    return ST_OK;
}

/* How much to read: what the split has left, and behind it a little more, each time, than the line
 * or record has that begins in it. */
static size_t bytes_wanted(const TextScan *scan)
{
    uint64_t left = scan->end > scan->read_at ? scan->end - scan->read_at : 0;
    size_t room = scan->capacity - scan->filled;

    left += TAIL_BYTES + scan->filled;
    return left < room ? (size_t)left : room;
}

/* More text behind window[filled); what was given out is dropped. */
static Status fill_window(TextScan *scan, Error *err)
{
    size_t got = 0;

    if (scan->start > 0) {
        memmove(scan->window, scan->window + scan->start, scan->filled - scan->start);
        scan->filled -= scan->start;
        scan->start = 0;
    }
    if (scan->filled == scan->capacity)
        TRY(grow_window(scan, err));
    if (scan->inflater != NULL) {
        TRY(read_inflated(scan, scan->window + scan->filled, scan->capacity - scan->filled, err,
                          &got));
    } else {
        TRY(file_read_some(scan->file, scan->read_at, scan->window + scan->filled,
                           bytes_wanted(scan), err, &got));
        scan->read_at += got;
    }
    if (scan->request->counters != NULL)
        scan->request->counters->read_bytes += got;
    scan->filled += got;
    scan->is_file_end = got == 0;
    return ST_OK;
}

/* --- lines --- */

static void text_scan_close(TableScan *opaque)
{
    TextScan *scan = (TextScan *)opaque;
    MemPool *pool;

    if (scan == NULL)
        return;
    pool = scan->request->pool;
    file_close(scan->file);
    inflater_free(scan->inflater);
    mem_pool_release(pool, scan->packed, PACKED_BYTES);
    mem_pool_release(pool, scan->window, scan->capacity);
    mem_pool_release(pool, scan->values, BATCH_ROWS_MAX * sizeof(Str));
    mem_pool_release(pool, scan, sizeof *scan);
}

/* A line that began in the split before is that split's. */
static Status skip_begun_line(TextScan *scan, Error *err)
{
    for (;;) {
        const char *text = scan->window + scan->start;
        const char *newline = memchr(text, '\n', scan->filled - scan->start);
        size_t bytes = newline == NULL ? scan->filled - scan->start : (size_t)(newline - text) + 1;

        scan->start += bytes;
        scan->at += bytes;
        if (newline != NULL || scan->is_file_end || scan->at >= scan->reach)
            return ST_OK; /* no line begins in the split */
        TRY(fill_window(scan, err));
    }
}

static Status open_input(TextScan *scan, const Split *split, Error *err)
{
    MemPool *pool = scan->request->pool;
    StreamCodec codec = stream_codec_of(scan->from->path);
    void *memory;

    TRY(file_open(scan->from->place, err, &scan->file));
    TRY(file_check_stamp(scan->file, scan->from->stamp, err));
    TRY(mem_pool_alloc(pool, WINDOW_BYTES, "reading a text file", err, &memory));
    scan->window = memory;
    scan->capacity = WINDOW_BYTES;
    TRY(mem_pool_alloc(pool, BATCH_ROWS_MAX * sizeof(Str), "reading a text file", err, &memory));
    scan->values = memory;
    scan->end = UINT64_MAX;
    if (codec == STREAM_PLAIN) {
        scan->end = split->start + split->length;
        scan->reach = split->reach > scan->end ? split->reach : scan->end;
        if (scan->table->record_bytes > 0) {
            scan->read_at = scan->at = split->start;
            return ST_OK;
        }
        scan->read_at = scan->at = split->start == 0 ? 0 : split->start - 1;
        return split->start == 0 ? ST_OK : skip_begun_line(scan, err);
    }
    scan->inflater = inflater_new(codec);
    if (scan->inflater == NULL)
        return error_set(err, ST_OUT_OF_MEMORY, "out of memory: reading \"%s\"", scan->from->path);
    TRY(mem_pool_alloc(pool, PACKED_BYTES, "reading a text file", err, &memory));
    scan->packed = memory;
    return ST_OK;
}

static Status text_scan_open(const Table *base, const Split *split, const ScanRequest *request,
                             Error *err, TableScan **scan_out)
{
    const TextTable *table = (const TextTable *)base;
    void *memory;
    TextScan *scan;
    Status status;

    *scan_out = NULL;
    TRY(mem_pool_alloc(request->pool, sizeof *scan, "reading a text file", err, &memory));
    scan = memory;
    *scan = (TextScan){
        .table = table, .request = request, .from = &table->files[split->file], .is_between = true};
    status = open_input(scan, split, err);
    if (status != ST_OK) {
        text_scan_close((TableScan *)scan);
        return status;
    }
    *scan_out = (TableScan *)scan;
    return ST_OK;
}

/* The lines that lie whole in the window, as many as a batch holds; the last one, without its
 * newline, at the end of the file. */
static uint32_t take_lines(TextScan *scan)
{
    uint32_t count = 0;

    if (scan->sequence == 0 && scan->at >= scan->end && scan->at < scan->reach)
        scan->end = scan->at + 1;
    while (count < scan->request->batch_rows && scan->at < scan->end &&
           scan->start < scan->filled) {
        const char *line = scan->window + scan->start;
        size_t left = scan->filled - scan->start, bytes;
        const char *newline = memchr(line, '\n', left);

        if (newline == NULL && !scan->is_file_end)
            break;
        bytes = newline == NULL ? left : (size_t)(newline - line);
        scan->start += newline == NULL ? left : bytes + 1;
        scan->at += newline == NULL ? left : bytes + 1;
        if (bytes > 0 && line[bytes - 1] == '\r' && newline != NULL)
            bytes--;
        scan->values[count++] = str_make(line, (uint32_t)bytes);
    }
    return count;
}

/* Records that lie whole in the window. */
static Status take_records(TextScan *scan, Error *err, uint32_t *count_out)
{
    uint64_t bytes = scan->table->record_bytes;
    uint32_t count = 0;

    while (count < scan->request->batch_rows && scan->at < scan->end &&
           scan->filled - scan->start >= bytes) {
        scan->values[count++] = str_make(scan->window + scan->start, (uint32_t)bytes);
        scan->start += bytes;
        scan->at += bytes;
    }
    *count_out = count;
    if (count == 0 && scan->is_file_end && scan->start < scan->filled)
        return error_set(err, ST_CORRUPT, "\"%s\" ends in the middle of a record of %llu bytes",
                         scan->from->path, (unsigned long long)bytes);
    return ST_OK;
}

static Status next_lines(TextScan *scan, Error *err, uint32_t *count_out)
{
    for (;;) {
        if (scan->table->record_bytes > 0)
            TRY(take_records(scan, err, count_out));
        else
            *count_out = take_lines(scan);
        if (*count_out > 0 || scan->at >= scan->end ||
            (scan->is_file_end && scan->start == scan->filled))
            return ST_OK;
        if (scan->request->cancelled != NULL && atomic_load(scan->request->cancelled))
            return error_set(err, ST_CANCELLED, "canceling statement due to user request");
        TRY(fill_window(scan, err));
    }
}

static Status next_whole(TextScan *scan, Error *err, uint32_t *count_out)
{
    *count_out = 0;
    if (scan->is_done)
        return ST_OK;
    while (!scan->is_file_end)
        TRY(fill_window(scan, err));
    scan->is_done = true;
    scan->values[0] = str_make(scan->window, (uint32_t)scan->filled);
    *count_out = 1;
    return ST_OK;
}

static Status text_scan_next(TableScan *opaque, Error *err, Batch *batch_out,
                             bool *exact_filters_out)
{
    TextScan *scan = (TextScan *)opaque;
    uint32_t count;

    *exact_filters_out = false;
    *batch_out = (Batch){.column_count = scan->request->column_count};
    if (scan->table->is_whole)
        TRY(next_whole(scan, err, &count));
    else
        TRY(next_lines(scan, err, &count));
    scan->path_value = str_make(scan->from->path, (uint32_t)strlen(scan->from->path));
    for (uint32_t i = 0; i < scan->request->column_count; i++) {
        bool is_path = scan->table->is_whole && scan->request->columns[i] == 0;

        scan->columns[i] = (Column){.type = type_of(TYPE_TEXT),
                                    .form = is_path ? COLUMN_CONST : COLUMN_FLAT,
                                    .values = is_path ? &scan->path_value : scan->values};
    }
    batch_out->columns = scan->columns;
    batch_out->row_count = batch_out->selected_count = count;
    batch_out->sequence = scan->sequence;
    scan->sequence += count;
    if (scan->request->counters != NULL)
        scan->request->counters->decoded_rows += count;
    return ST_OK;
}

/* --- elsewhere --- */

static const TableFile *text_files(const Table *base, Arena *arena, uint32_t *count_out)
{
    const TextTable *table = (const TextTable *)base;

    (void)arena;
    *count_out = table->file_count;
    return table->files;
}

static Status text_write(const Table *base, WireWriter *to, Error *err)
{
    const TextTable *table = (const TextTable *)base;

    (void)err;
    wire_put_u8(to, table->is_whole);
    wire_put_u32(to, (uint32_t)table->record_bytes);
    return ST_OK;
}

/* --- opening --- */

static const TableClass text_class = {
    .format = "text",
    .splits = text_splits,
    .statistics = text_statistics,
    .column_statistics = text_column_statistics,
    .scan_open = text_scan_open,
    .scan_next = text_scan_next,
    .scan_close = text_scan_close,
    .close = text_close,
    .files = text_files,
    .write = text_write,
    .windows = text_windows,
};

static const TableColumn line_columns[] = {{.name = "text", .type = {.id = TYPE_TEXT}}};
static const TableColumn whole_columns[] = {{.name = "path", .type = {.id = TYPE_TEXT}},
                                            {.name = "text", .type = {.id = TYPE_TEXT}}};

static Status read_options(TextTable *table, OptionList options, Error *err)
{
    for (uint32_t i = 0; i < options.count; i++) {
        const char *name = options.items[2 * i], *value = options.items[2 * i + 1];

        if (strcasecmp(name, "whole") == 0) {
            table->is_whole = strcasecmp(value, "true") == 0;
        } else if (strcasecmp(name, "record_bytes") == 0) {
            table->record_bytes = strtoull(value, NULL, 10);
            if (table->record_bytes == 0 || table->record_bytes > RECORD_BYTES_MAX)
                return error_set(err, ST_BAD_INPUT, "records of %s bytes: 1 to %d are possible",
                                 value, RECORD_BYTES_MAX);
        } else {
            return error_set(err, ST_BAD_INPUT,
                             "unknown option \"%s\": text files have \"whole\" and "
                             "\"record_bytes\"",
                             name);
        }
    }
    return ST_OK;
}

static Status note_files(TextTable *table, uint32_t count, const char *const *paths, Error *err)
{
    table->file_count = count;
    table->files = ARENA_ARRAY(table->arena, TableFile, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *path = arena_strdup(table->arena, paths[i]);
        File *file;

        TRY(file_open(path, err, &file));
        table->files[i] = (TableFile){path, path, file_stamp(file)};
        file_close(file);
    }
    return ST_OK;
}

static TextTable *table_new(MemPool *pool)
{
    Arena *arena = arena_new(NULL, "text table", ARENA_NO_CAP);
    TextTable *table = ARENA_NEW(arena, TextTable);

    table->arena = arena;
    table->pool = pool;
    return table;
}

/* Takes the table. */
static Status finish_table(TextTable *table, Status status, Table **table_out)
{
    *table_out = NULL;
    if (status != ST_OK) {
        arena_free(table->arena);
        return status;
    }
    for (uint32_t i = 0; i < table->file_count; i++)
        table->bytes += table->files[i].stamp.bytes;
    table->table = (Table){.class = &text_class,
                           .name = table->files[0].path,
                           .path = table->files[0].path,
                           .column_count = table->is_whole ? 2 : 1,
                           .columns = table->is_whole ? whole_columns : line_columns,
                           .ref_count = 1};
    *table_out = &table->table;
    return ST_OK;
}

static Status text_open(uint32_t path_count, const char *const *paths, OptionList options,
                        MemPool *pool, Error *err, Table **table_out)
{
    TextTable *table = table_new(pool);
    Status status = read_options(table, options, err);

    if (status == ST_OK)
        status = note_files(table, path_count, paths, err);
    return finish_table(table, status, table_out);
}

static Status text_receive(uint32_t file_count, const TableFile *files, WireReader *from,
                           MemPool *pool, Error *err, Table **table_out)
{
    TextTable *table = table_new(pool);

    (void)err;
    table->is_whole = wire_get_bool(from);
    table->record_bytes = wire_get_below(from, RECORD_BYTES_MAX + 1, "bytes of a record");
    table->file_count = file_count;
    table->files = ARENA_ARRAY(table->arena, TableFile, file_count);
    for (uint32_t i = 0; i < file_count; i++)
        table->files[i] = (TableFile){arena_strdup(table->arena, files[i].path),
                                      arena_strdup(table->arena, files[i].place), files[i].stamp};
    return finish_table(table, from->status, table_out);
}

static const char *const no_endings[] = {NULL};

const Format format_text = {
    .name = "text",
    .endings = no_endings,
    .open = text_open,
    .receive = text_receive,
    .writer_open = text_writer_open,
    .writer_add = text_writer_add,
    .writer_finish = text_writer_finish,
    .writer_abort = text_writer_abort,
};
