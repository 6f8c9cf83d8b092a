/* parquet_table.c -- Parquet files as one table: open, splits, statistics; see table.h */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "formats/parquet/parquet_internal.h"

enum {
    OPEN_FILES_MAX = 256, /* descriptors that one table keeps */
    ROW_BYTES_LEAST = 16, /* of a split: two numbers */
};

const Format format_parquet = {
    .name = "parquet",
    .endings = (const char *const[]){".parquet", NULL},
    .open = parquet__open,
    .receive = parquet__receive,
    .writer_open = parquet__writer_open,
    .writer_add = parquet__writer_add,
    .writer_finish = parquet__writer_finish,
    .writer_abort = parquet__writer_abort,
};

static void table_close(Table *base)
{
    ParquetTable *table = (ParquetTable *)base;

    for (uint32_t i = 0; i < table->file_count; i++)
        file_close(table->files[i].file);
    mem_pool_unreserve(table->pool, table->reserved_bytes);
    pthread_mutex_destroy(&table->lock);
    arena_free(table->arena); /* the table lives in it */
}

static Status differs(const ParquetTable *table, const ParquetFile *file, const char *column,
                      Error *err)
{
    error_set(err, ST_BAD_INPUT, "files \"%s\" and \"%s\" have different columns: see \"%s\"",
              table->files[0].at.path, file->at.path, column);
    error_hint(err, "All files of one table must have the same column names and types.");
    return ST_BAD_INPUT;
}

/* Brings the columns of a further file into the first one's order. */
static Status match_columns(ParquetTable *table, ParquetFile *file, uint32_t count,
                            const ParquetColumn *columns, Error *err)
{
    file->columns = ARENA_ARRAY(table->arena, ParquetColumn, count);
    for (uint32_t i = 0; i < table->table.column_count; i++) {
        const ParquetColumn *wanted = &table->files[0].columns[i];
        uint32_t found = i < count && parquet__column_matches(wanted, &columns[i]) ? i : 0;

        while (found < count && !parquet__column_matches(wanted, &columns[found]))
            found++;
        if (found == count || count != table->table.column_count)
            return differs(table, file, wanted->name, err);
        file->columns[i] = columns[found];
    }
    return ST_OK;
}

static void add_table_columns(ParquetTable *table, uint32_t count, const ParquetColumn *columns)
{
    TableColumn *table_columns = ARENA_ARRAY(table->arena, TableColumn, count);

    for (uint32_t i = 0; i < count; i++)
        table_columns[i] = (TableColumn){
            .name = columns[i].name, .type = columns[i].type, .refused = columns[i].refused};
    table->table.column_count = count;
    table->table.columns = table_columns;
}

/* must_match: the file is the one that had the stamp. */
static Status open_file(ParquetTable *table, uint32_t number, const TableFile *at, bool must_match,
                        Error *err)
{
    ParquetFile *file = &table->files[number];
    size_t reserved_bytes;
    ParquetColumn *columns;
    uint32_t column_count;
    Status status;

    file->at.path = arena_strdup(table->arena, at->path);
    file->at.place = arena_strdup(table->arena, at->place);
    TRY(file_open(at->place, err, &file->file));
    file->at.stamp = file_stamp(file->file);
    if (must_match)
        TRY(file_check_stamp(file->file, at->stamp, err));
    status = parquet__footer_read(file->file, table->arena, table->pool, err, &file->footer,
                                  &reserved_bytes);
    table->reserved_bytes += reserved_bytes;
    if (status != ST_OK)
        return status;
    parquet__schema_columns(&file->footer, table->arena, &column_count, &columns);
    for (uint32_t i = 0; i < column_count; i++)
        columns[i].is_unchecked = table->has_any_text;
    table->row_count += file->footer.row_count;
    table->file_bytes += file->at.stamp.bytes;
    if (number == 0) {
        file->columns = columns;
        add_table_columns(table, column_count, columns);
        return ST_OK;
    }
    if (number >= OPEN_FILES_MAX) {
        file_close(file->file);
        file->file = NULL;
    }
    return match_columns(table, file, column_count, columns, err);
}

/* A column has nulls if any file's may have. */
static void join_files(ParquetTable *table)
{
    TableColumn *columns = (TableColumn *)table->table.columns;

    table->statistics = ARENA_ARRAY(table->arena, ColumnStatistics, table->table.column_count);
    table->has_distinct = ARENA_ARRAY(table->arena, bool, table->table.column_count);
    for (uint32_t c = 0; c < table->table.column_count; c++) {
        for (uint32_t f = 0; f < table->file_count; f++)
            columns[c].is_nullable |= table->files[f].columns[c].is_nullable;
        table->statistics[c] = parquet__footer_statistics(table, c);
    }
}

static Status read_option(const char *name, const char *value, const char *no, const char *yes,
                          Error *err, bool *is_yes_out)
{
    *is_yes_out = strcmp(value, yes) == 0;
    if (!*is_yes_out && strcmp(value, no) != 0)
        return error_set(err, ST_BAD_INPUT, "\"%s\" is no value of the Parquet option \"%s\"",
                         value, name);
    return ST_OK;
}

/* Both are for checkpoints of RDDs. text 'bytes': whoever wrote it had bytes that need not be
 * UTF-8; splits 'files': one a file, also of a file without rows. */
static Status read_options(ParquetTable *table, OptionList options, Error *err)
{
    for (uint32_t i = 0; i < options.count; i++) {
        const char *name = options.items[2 * i], *value = options.items[2 * i + 1];

        if (strcmp(name, "text") == 0)
            TRY(read_option(name, value, "utf8", "bytes", err, &table->has_any_text));
        else if (strcmp(name, "splits") == 0)
            TRY(read_option(name, value, "groups", "files", err, &table->has_split_per_file));
        else
            return error_set(err, ST_BAD_INPUT, "Parquet files have no option \"%s\" for reading",
                             name);
    }
    return ST_OK;
}

static ParquetTable *table_new(uint32_t file_count, const char *name, MemPool *pool)
{
    Arena *arena = arena_new(NULL, "Parquet table", ARENA_NO_CAP);
    ParquetTable *table = ARENA_NEW(arena, ParquetTable);

    table->table.class = &parquet__table_class;
    table->table.name = table->table.path = arena_strdup(arena, name);
    table->table.ref_count = 1;
    table->arena = arena;
    table->pool = pool;
    table->files = ARENA_ARRAY(arena, ParquetFile, file_count);
    CHECK(pthread_mutex_init(&table->lock, NULL) == 0);
    return table;
}

/* Takes the table. */
static Status finish_table(ParquetTable *table, Status status, Table **table_out)
{
    *table_out = NULL;
    if (status != ST_OK) {
        table_close(&table->table);
        return status;
    }
    join_files(table);
    *table_out = &table->table;
    return ST_OK;
}

Status parquet__open(uint32_t path_count, const char *const *paths, OptionList options,
                     MemPool *pool, Error *err, Table **table_out)
{
    ParquetTable *table = table_new(path_count, paths[0], pool);
    Status status = read_options(table, options, err);

    for (uint32_t i = 0; i < path_count && status == ST_OK; i++) {
        TableFile at = {.path = paths[i], .place = paths[i]};

        table->file_count = i + 1;
        status = open_file(table, i, &at, false, err);
    }
    return finish_table(table, status, table_out);
}

/* --- elsewhere --- */

static const TableFile *table_files(const Table *base, Arena *arena, uint32_t *count_out)
{
    const ParquetTable *table = (const ParquetTable *)base;
    TableFile *files = ARENA_ARRAY(arena, TableFile, table->file_count);

    for (uint32_t i = 0; i < table->file_count; i++)
        files[i] = table->files[i].at;
    *count_out = table->file_count;
    return files;
}

static Status table_write(const Table *base, WireWriter *to, Error *err)
{
    const ParquetTable *table = (const ParquetTable *)base;

    (void)err;
    wire_put_u8(to, table->has_any_text);
    wire_put_u8(to, table->has_split_per_file);
    return ST_OK;
}

Status parquet__receive(uint32_t file_count, const TableFile *files, WireReader *from,
                        MemPool *pool, Error *err, Table **table_out)
{
    ParquetTable *table = table_new(file_count, files[0].path, pool);
    Status status;

    table->has_any_text = wire_get_bool(from);
    table->has_split_per_file = wire_get_bool(from);
    status = from->status;
    for (uint32_t i = 0; i < file_count && status == ST_OK; i++) {
        table->file_count = i + 1;
        status = open_file(table, i, &files[i], true, err);
    }
    return finish_table(table, status, table_out);
}

/* --- reading --- */

Status parquet__file_use(const ParquetFile *file, Error *err, const File **file_out,
                         File **opened_out)
{
    Status status;

    *opened_out = NULL;
    *file_out = file->file;
    if (file->file != NULL)
        return file_check_unchanged(file->file, err);
    TRY(file_open(file->at.place, err, opened_out));
    *file_out = *opened_out;
    status = file_check_stamp(*opened_out, file->at.stamp, err);
    if (status == ST_OK)
        return ST_OK;
    file_close(*opened_out);
    *opened_out = NULL;
    return status;
}

/* What a row group counts for when splits of target_bytes are made: its compressed bytes, but at
 * least ROW_BYTES_LEAST a row (target_bytes at most): where encodings do very well, reading is work
 * by rows. */
static uint64_t group_weight(const ParquetRowGroup *group, uint64_t target_bytes)
{
    uint64_t rows = (uint64_t)group->row_count;
    uint64_t by_rows =
        rows > target_bytes / ROW_BYTES_LEAST ? target_bytes : rows * ROW_BYTES_LEAST;

    return group->total_bytes > by_rows ? group->total_bytes : by_rows;
}

/* Row groups [first, first + count) of one file. */
static Split make_split(const ParquetTable *table, uint32_t file, uint32_t first, uint32_t count)
{
    Split split = {.file = file, .start = first, .length = count};

    for (uint32_t g = first; g < first + count; g++) {
        split.row_count += (double)table->files[file].footer.row_groups[g].row_count;
        split.bytes += table->files[file].footer.row_groups[g].total_bytes;
    }
    return split;
}

static Split *splits_per_file(const ParquetTable *table, Arena *arena)
{
    Split *splits = ARENA_ARRAY(arena, Split, table->file_count);

    for (uint32_t f = 0; f < table->file_count; f++)
        splits[f] = make_split(table, f, 0, table->files[f].footer.row_group_count);
    return splits;
}

static Status table_splits(const Table *base, Arena *arena, uint64_t target_bytes, Error *err,
                           uint32_t *count_out, const Split **splits_out)
{
    const ParquetTable *table = (const ParquetTable *)base;
    uint64_t group_count = 0;
    uint32_t count = 0;
    Split *splits;

    (void)err;
    if (table->has_split_per_file) {
        *count_out = table->file_count;
        *splits_out = splits_per_file(table, arena);
        return ST_OK;
    }
    for (uint32_t f = 0; f < table->file_count; f++)
        group_count += table->files[f].footer.row_group_count;
    splits = ARENA_ARRAY(arena, Split, group_count);
    for (uint32_t f = 0; f < table->file_count; f++) {
        const ParquetFooter *footer = &table->files[f].footer;

        for (uint32_t g = 0, taken; g < footer->row_group_count; g += taken) {
            uint64_t weight = group_weight(&footer->row_groups[g], target_bytes);

            for (taken = 1; g + taken < footer->row_group_count; taken++) {
                weight += group_weight(&footer->row_groups[g + taken], target_bytes);
                if (weight > target_bytes)
                    break;
            }
            splits[count++] = make_split(table, f, g, taken);
        }
    }
    *count_out = count;
    *splits_out = splits;
    return ST_OK;
}

/* All in one scan: pages with several of them are decompressed once. */
static SplitWindows table_windows(const Table *base, Arena *arena, const Split *split,
                                  const WindowRequest *request)
{
    uint64_t total = (uint64_t)split->row_count;
    uint64_t row_bytes = total == 0 ? 1 : split->bytes / total + 1;
    uint64_t width = window_width(request, total, request->least_bytes / row_bytes + 1);
    Split *item = arena_copy(arena, split, sizeof *split);

    (void)base;
    if (total / request->count <= width)
        return (SplitWindows){1, item, 1, 1};
    item->window_count = request->count;
    item->window_rows = width;
    return (SplitWindows){1, item, width * request->count, total};
}

static TableStatistics table_statistics(const Table *base)
{
    const ParquetTable *table = (const ParquetTable *)base;

    return (TableStatistics){.row_count = (double)table->row_count,
                             .row_count_is_exact = true,
                             .file_bytes = table->file_bytes};
}

/* Distinct counts take a look into the file, so they are made when first asked for, and kept. */
static ColumnStatistics column_statistics(const Table *base, uint32_t column)
{
    ParquetTable *table = (ParquetTable *)base;
    ColumnStatistics statistics;

    pthread_mutex_lock(&table->lock);
    if (!table->has_distinct[column]) {
        table->statistics[column].distinct_count = parquet__distinct_estimate(table, column);
        table->has_distinct[column] = true;
    }
    statistics = table->statistics[column];
    pthread_mutex_unlock(&table->lock);
    return statistics;
}

const TableClass parquet__table_class = {
    .format = "parquet",
    .splits = table_splits,
    .statistics = table_statistics,
    .column_statistics = column_statistics,
    .scan_open = parquet__scan_open,
    .scan_next = parquet__scan_next,
    .scan_close = parquet__scan_close,
    .close = table_close,
    .files = table_files,
    .write = table_write,
    .windows = table_windows,
};
