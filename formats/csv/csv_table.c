/* csv_table.c -- CSV files as one table: what they have in common, and their splits */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/invariant.h"
#include "formats/csv/csv_internal.h"

enum {
    START_BYTES = 1 << 20,        /* of the first file                            */
    START_BYTES_MAX = 64 << 20,   /* when its first records are longer            */
    OTHER_START_BYTES = 16 << 10, /* of the others: for their header              */
    CHUNK_BYTES = 256 << 10,      /* of each further place in a large file        */
    CHUNKS = 4,
    SAMPLED_FILES = 8 /* beside the first */
};

/* --- chunks of files --- */

/* From start on up to bytes, in the arena. */
static Status read_chunk(Arena *arena, const CsvFile *file, uint64_t start, size_t bytes,
                         MemPool *pool, Error *err, CsvChunk *chunk_out)
{
    char *text = arena_alloc_raw(arena, bytes);
    size_t filled = 0, got = 1;
    CsvInput input;
    Status status = csv_input_open(&input, file->path, file->codec, start, pool, err);

    while (status == ST_OK && filled < bytes && got > 0) {
        status = csv_input_read(&input, text + filled, bytes - filled, err, &got);
        filled += got;
    }
    *chunk_out = (CsvChunk){text, filled, filled < bytes || got == 0};
    if (status == ST_OK && input.inflater == NULL && input.at >= file_size(input.file))
        chunk_out->is_whole = true;
    csv_input_close(&input, pool);
    return status;
}

/* --- the first file --- */

/* Of a large uncompressed file, places spread over it. */
static Status add_chunks(CsvSample *sample, Arena *scratch, const CsvFile *file,
                         const CsvChunk *start, MemPool *pool, Error *err)
{
    uint64_t rest = file->stamp.bytes - start->byte_count;
    uint32_t count = csv_sample_field_count(sample);

    if (start->is_whole || file->codec != STREAM_PLAIN)
        return ST_OK;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        CsvChunk chunk;
        size_t bytes = rest / CHUNKS < CHUNK_BYTES ? (size_t)(rest / CHUNKS) + 1 : CHUNK_BYTES;

        TRY(read_chunk(scratch, file, start->byte_count + rest / CHUNKS * i, bytes, pool, err,
                       &chunk));
        TRY(csv_sample_add(sample, &chunk, false, NULL, count, pool, err));
    }
    return ST_OK;
}

/* What the file's first bytes say; *is_enough_out: a record behind the first, or all there is. */
static Status sample_start(CsvTable *table, Arena *scratch, size_t bytes, Error *err,
                           CsvChunk *start, CsvSample **sample_out, bool *is_enough_out)
{
    CsvFile *file = &table->files[0];

    TRY(read_chunk(scratch, file, 0, bytes, table->pool, err, start));
    TRY(csv_infer_dialect(file->name, &table->options, start, table->pool, err, &table->dialect));
    file->data_start = csv_data_start(&table->dialect, start->bytes, start->byte_count);
    *is_enough_out = true;
    if (!start->is_whole && bytes < START_BYTES_MAX) {
        TRY(csv_has_records(&table->dialect, start, 2, table->pool, err, is_enough_out));
        if (!*is_enough_out)
            return ST_OK;
    }
    return csv_sample_new(scratch, file->name, &table->options, &table->dialect, start, table->pool,
                          err, sample_out);
}

static Status sample_first(CsvTable *table, Arena *scratch, Error *err, CsvSample **sample_out)
{
    CsvFile *file = &table->files[0];
    const CsvOptions *options = &table->options;
    size_t bytes = options->sample_rows < 0 && file->codec == STREAM_PLAIN
                       ? (size_t)file->stamp.bytes + 1
                       : START_BYTES;
    bool has_header, is_enough = false;
    CsvChunk start;

    for (; !is_enough; bytes *= 4) /* some files have fields of megabytes */
        TRY(sample_start(table, scratch, bytes, err, &start, sample_out, &is_enough));
    TRY(add_chunks(*sample_out, scratch, file, &start, table->pool, err));
    has_header =
        options->has_header_option ? table->dialect.has_header : csv_sample_has_header(*sample_out);
    table->dialect.has_header = has_header;
    file->field_count = csv_sample_field_count(*sample_out);
    return csv_sample_names(*sample_out, has_header, err);
}

/* --- the other files --- */

static Status lacks_column(const CsvFile *file, const CsvFile *other, const char *column,
                           Error *err)
{
    error_set_state(err, ST_BAD_INPUT, "42703",
                    "\"%.300s\" has no column \"%.100s\", which \"%.300s\" has", file->name, column,
                    other->name);
    error_hint(err, "read_csv('...', union_by_name = true) reads it as NULL; header = false says "
                    "that the files have no header.");
    return ST_BAD_INPUT;
}

/* Which column each field of the file is, by the names in its header. */
static Status map_fields(CsvTable *table, CsvSample *sample, CsvFile *file, uint32_t name_count,
                         const char *const *names, uint32_t *columns, Error *err)
{
    const CsvFile *first = &table->files[0];
    uint32_t known = csv_sample_field_count(sample);
    bool *is_there = ARENA_ARRAY(table->arena, bool, CSV_COLUMNS_MAX);

    for (uint32_t i = 0; i < name_count; i++) {
        const char *name =
            names[i][0] != '\0' ? names[i] : arena_printf(table->arena, "column%u", i);

        columns[i] = csv_sample_column(sample, name, table->options.union_by_name);
        if (columns[i] == CSV_NO_FIELD)
            return lacks_column(first, file, name, err);
        if (is_there[columns[i]])
            return error_set_state(err, ST_BAD_INPUT, "42701",
                                   "\"%.300s\" has two columns \"%.100s\"", file->name, name);
        is_there[columns[i]] = true;
    }
    for (uint32_t i = 0; i < known && !table->options.union_by_name; i++)
        if (!is_there[i])
            return lacks_column(file, first, csv_sample_column_name(sample, i), err);
    return ST_OK;
}

/* Whether the names are those of the first file, in its order; then nothing is to be mapped. */
static bool has_same_header(const CsvSample *sample, uint32_t count, const char *const *names,
                            const char *const *first_names, uint32_t first_count)
{
    if (count != first_count || csv_sample_field_count(sample) < count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], first_names[i]) != 0)
            return false;
    return true;
}

/* The file's start, with its header. */
static Status read_start(const CsvTable *table, Arena *arena, const CsvFile *file, Error *err,
                         CsvChunk *chunk_out)
{
    bool is_enough = false;

    for (size_t bytes = OTHER_START_BYTES; !is_enough; bytes *= 4) {
        TRY(read_chunk(arena, file, 0, bytes, table->pool, err, chunk_out));
        is_enough = chunk_out->is_whole || bytes >= START_BYTES_MAX;
        if (!is_enough)
            TRY(csv_has_records(&table->dialect, chunk_out, 1, table->pool, err, &is_enough));
    }
    return ST_OK;
}

typedef struct Header {
    uint32_t count;
    const char *const *names;
} Header;

/* Its data's start, its columns, and what its first records say of their types. */
static Status note_file(CsvTable *table, CsvSample *sample, CsvFile *file, const Header *first,
                        bool is_sampled, Error *err)
{
    Arena *scratch = arena_new(NULL, "CSV sample", ARENA_NO_CAP);
    uint32_t *columns = NULL;
    CsvChunk start;
    Header header = {0};
    Status status = read_start(table, scratch, file, err, &start);

    if (status == ST_OK) {
        file->data_start = csv_data_start(&table->dialect, start.bytes, start.byte_count);
        file->field_count = table->files[0].field_count;
        if (table->dialect.has_header)
            status = csv_read_names(scratch, &table->dialect, &start, table->pool, err,
                                    &header.count, &header.names);
    }
    if (status == ST_OK && header.count > 0 &&
        !has_same_header(sample, header.count, header.names, first->names, first->count)) {
        columns = ARENA_ARRAY(table->arena, uint32_t, header.count);
        file->field_count = header.count;
        status = map_fields(table, sample, file, header.count, header.names, columns, err);
        file->places = columns; /* by field: turned round when all columns are known */
    }
    if (status == ST_OK && is_sampled)
        status = csv_sample_add(sample, &start, true, columns, file->field_count, table->pool, err);
    arena_free(scratch);
    return status;
}

static Status note_others(CsvTable *table, CsvSample *sample, Arena *scratch, Error *err)
{
    uint32_t step = (table->file_count - 1) / SAMPLED_FILES + 1;
    CsvChunk start;
    Header first = {0};

    if (table->file_count == 1)
        return ST_OK;
    if (table->dialect.has_header) {
        TRY(read_start(table, scratch, &table->files[0], err, &start));
        TRY(csv_read_names(scratch, &table->dialect, &start, table->pool, err, &first.count,
                           &first.names));
    }
    for (uint32_t i = 1; i < table->file_count; i++)
        TRY(note_file(table, sample, &table->files[i], &first, i % step == 0, err));
    return ST_OK;
}

/* places[field] = column becomes places[column] = field. */
static void turn_places(CsvTable *table)
{
    uint32_t count = table->schema.column_count;

    for (uint32_t i = 0; i < table->file_count; i++) {
        CsvFile *file = &table->files[i];
        uint32_t *places;

        if (file->places == NULL && file->field_count >= count)
            continue;
        places = ARENA_ARRAY(table->arena, uint32_t, count);
        for (uint32_t column = 0; column < count; column++)
            places[column] = CSV_NO_FIELD;
        for (uint32_t field = 0; field < file->field_count; field++)
            places[file->places == NULL ? field : file->places[field]] = field;
        file->places = places;
    }
}

/* The schema out of the scratch arena. */
static void keep_schema(CsvTable *table, const CsvSchema *schema)
{
    uint32_t count = schema->column_count;
    TableColumn *columns = arena_copy(table->arena, schema->columns, count * sizeof *columns);

    for (uint32_t i = 0; i < count; i++)
        columns[i].name = arena_strdup(table->arena, columns[i].name);
    table->schema = *schema;
    table->schema.columns = columns;
    table->schema.formats =
        arena_copy(table->arena, schema->formats, count * sizeof *schema->formats);
    table->schema.is_named =
        arena_copy(table->arena, schema->is_named, count * sizeof *schema->is_named);
}

static Status infer_schema(CsvTable *table, Error *err)
{
    Arena *scratch = arena_new(NULL, "CSV sample", ARENA_NO_CAP);
    CsvSample *sample = NULL;
    CsvSchema schema;
    Status status = sample_first(table, scratch, err, &sample);

    if (status == ST_OK)
        status = note_others(table, sample, scratch, err);
    if (status == ST_OK)
        status = csv_sample_schema(sample, err, &schema);
    if (status == ST_OK) {
        keep_schema(table, &schema);
        turn_places(table);
    }
    arena_free(scratch);
    return status;
}

/* --- opening --- */

static void close_spool(void *object)
{
    close(*(const int *)object);
}

static Status open_file(CsvTable *table, CsvFile *file, const char *path, Error *err)
{
    struct stat info;
    int descriptor;

    file->name = arena_strdup(table->arena, path);
    TRY(csv_spool(table->arena, file->name, err, &descriptor, &file->path));
    if (descriptor >= 0) {
        int *kept = ARENA_NEW(table->arena, int);

        *kept = descriptor;
        file->is_spooled = true;
        arena_on_free(table->arena, close_spool, kept);
    }
    if (table->options.has_codec)
        file->codec = table->options.codec;
    else
        TRY(csv_detect_codec(file->path, err, &file->codec));
    if (stat(file->path, &info) != 0)
        return error_set_errno(err, errno, "could not open \"%s\"", path);
    file->stamp.bytes = (uint64_t)info.st_size;
    file->stamp.modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    return ST_OK;
}

static void estimate_rows(CsvTable *table)
{
    double bytes = 0;

    for (uint32_t i = 0; i < table->file_count; i++) {
        CsvFile *file = &table->files[i];

        table->statistics.file_bytes += file->stamp.bytes;
        /* text shrinks to about a quarter */
        bytes += (double)file->stamp.bytes * (file->codec == STREAM_PLAIN ? 1.0 : 4.0);
        if (file->codec == STREAM_PLAIN)
            file->states =
                csv_states_new(table->arena, &table->dialect, file->data_start, file->stamp.bytes);
    }
    table->statistics.row_count = bytes / table->schema.record_bytes;
}

static void csv_close(Table *table)
{
    arena_free(((CsvTable *)table)->arena);
}

static const TableClass csv_class;

CsvTable *csv_table_new(uint32_t file_count, MemPool *pool)
{
    Arena *arena = arena_new(NULL, "CSV table", ARENA_NO_CAP);
    CsvTable *table = ARENA_NEW(arena, CsvTable);

    table->arena = arena;
    table->pool = pool;
    table->file_count = file_count;
    table->files = ARENA_ARRAY(arena, CsvFile, file_count);
    return table;
}

Table *csv_table_finish(CsvTable *table)
{
    estimate_rows(table);
    table->head = (Table){.class = &csv_class,
                          .name = table->files[0].name,
                          .path = table->files[0].name,
                          .column_count = table->schema.column_count,
                          .columns = table->schema.columns};
    atomic_init(&table->head.ref_count, 1);
    return &table->head;
}

Status csv_table_open(uint32_t path_count, const char *const *paths, OptionList options,
                      MemPool *pool, Error *err, Table **table_out)
{
    CsvTable *table = csv_table_new(path_count, pool);
    Status status = csv_read_options(table->arena, options, false, &table->options, err);

    *table_out = NULL;
    for (uint32_t i = 0; status == ST_OK && i < path_count; i++)
        status = open_file(table, &table->files[i], paths[i], err);
    if (status == ST_OK)
        status = infer_schema(table, err);
    if (status != ST_OK) {
        arena_free(table->arena);
        return status;
    }
    *table_out = csv_table_finish(table);
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

/* A split is the records that start in a range of bytes; a compressed file is one. */
static Status csv_splits(const Table *table, Arena *arena, uint64_t target_bytes, Error *err,
                         uint32_t *count_out, const Split **splits_out)
{
    const CsvTable *self = (const CsvTable *)table;
    uint64_t count = 0, made = 0;
    Split *splits;

    (void)err;
    for (uint32_t i = 0; i < self->file_count; i++) {
        const CsvFile *file = &self->files[i];

        if (file->codec != STREAM_PLAIN || target_bytes == 0)
            count++;
        else if (file->stamp.bytes > file->data_start)
            count += (file->stamp.bytes - file->data_start - 1) / target_bytes + 1;
    }
    splits = ARENA_ARRAY(arena, Split, count);
    for (uint32_t i = 0; i < self->file_count; i++) {
        const CsvFile *file = &self->files[i];
        bool is_one = file->codec != STREAM_PLAIN || target_bytes == 0;
        uint64_t at = is_one ? 0 : file->data_start;

        while (is_one || at < file->stamp.bytes) {
            uint64_t left = file->stamp.bytes - at;
            uint64_t bytes = is_one || left < target_bytes ? left : target_bytes;

            splits[made++] = (Split){.file = i,
                                     .start = at,
                                     .length = bytes,
                                     .row_count = (double)bytes / self->schema.record_bytes,
                                     .bytes = bytes};
            at += bytes;
            if (is_one)
                break;
        }
    }
    CHECK(made == count && count <= UINT32_MAX);
    *count_out = (uint32_t)count;
    *splits_out = splits;
    return ST_OK;
}

/* Where quotes matter, windows begin where it is known whether one is open. */
static SplitWindows csv_windows(const Table *base, Arena *arena, const Split *split,
                                const WindowRequest *request)
{
    const CsvFile *file = &((const CsvTable *)base)->files[split->file];

    if (file->codec != STREAM_PLAIN)
        return (SplitWindows){0};
    return windows_of_places(arena, split, request, request->least_bytes, file->data_start,
                             file->states == NULL ? 1 : CSV_PIECE_BYTES);
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
    .files = csv_table_files,
    .write = csv_table_write,
    .windows = csv_windows,
};

static const char *const csv_endings[] = {".csv",     ".tsv",     ".csv.gz", ".tsv.gz",
                                          ".csv.zst", ".tsv.zst", NULL};

const Format format_csv = {
    .name = "csv",
    .endings = csv_endings,
    .open = csv_table_open,
    .receive = csv_table_receive,
    .writer_open = csv_writer_open,
    .writer_add = csv_writer_add,
    .writer_finish = csv_writer_finish,
    .writer_abort = csv_writer_abort,
};
