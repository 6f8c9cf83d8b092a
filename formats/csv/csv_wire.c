/* csv_wire.c -- CSV tables as bytes for another process: dialect, schema, and where data begins */
#include <string.h>

#include "core/plan/plan_wire.h"
#include "formats/csv/csv_internal.h"
#include "formats/table_wire.h"

const TableFile *csv_table_files(const Table *base, Arena *arena, uint32_t *count_out)
{
    const CsvTable *table = (const CsvTable *)base;
    TableFile *files = ARENA_ARRAY(arena, TableFile, table->file_count);

    for (uint32_t i = 0; i < table->file_count; i++)
        files[i] = (TableFile){table->files[i].name, table->files[i].path, table->files[i].stamp};
    *count_out = table->file_count;
    return files;
}

/* --- writing --- */

static void put_dialect(WireWriter *to, const CsvDialect *dialect)
{
    wire_put_u8(to, (uint8_t)dialect->delimiter);
    wire_put_u8(to, (uint8_t)dialect->quote);
    wire_put_u8(to, (uint8_t)dialect->escape);
    wire_put_u8(to, (uint8_t)dialect->newline);
    wire_put_u8(to, (uint8_t)dialect->comment);
    wire_put_u8(to, dialect->has_header);
    wire_put_u32(to, dialect->null_count);
    for (uint32_t i = 0; i < dialect->null_count; i++)
        wire_put_text(to, dialect->null_texts[i]);
}

static void put_schema(WireWriter *to, const CsvSchema *schema)
{
    table_wire_put_columns(to, schema->column_count, schema->columns);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        wire_put_text(to, schema->formats[i]);
        wire_put_u8(to, schema->is_named[i]);
    }
    wire_put_f64(to, schema->record_bytes);
}

static void put_file(WireWriter *to, const CsvFile *file, uint32_t column_count)
{
    wire_put_u32(to, (uint32_t)file->codec);
    wire_put_u64(to, file->data_start);
    wire_put_u32(to, file->field_count);
    wire_put_u8(to, file->places != NULL);
    for (uint32_t i = 0; file->places != NULL && i < column_count; i++)
        wire_put_u32(to, file->places[i]);
}

Status csv_table_write(const Table *base, WireWriter *to, Error *err)
{
    const CsvTable *table = (const CsvTable *)base;

    for (uint32_t i = 0; i < table->file_count; i++) {
        if (!table->files[i].is_spooled)
            continue;
        error_set(err, ST_NOT_SUPPORTED,
                  "not supported: sending \"%s\" to another process: it is a pipe",
                  table->files[i].name);
        error_hint(err, "Write what it holds to a file first.");
        return ST_NOT_SUPPORTED;
    }
    put_dialect(to, &table->dialect);
    wire_put_u8(to, table->options.ignore_errors);
    wire_put_u8(to, table->options.null_padding);
    put_schema(to, &table->schema);
    for (uint32_t i = 0; i < table->file_count; i++)
        put_file(to, &table->files[i], table->schema.column_count);
    return ST_OK;
}

/* --- reading --- */

static void get_dialect(WireReader *from, Arena *arena, CsvDialect *dialect)
{
    Error err = ERROR_NONE;

    dialect->delimiter = (char)wire_get_u8(from);
    dialect->quote = (char)wire_get_u8(from);
    dialect->escape = (char)wire_get_u8(from);
    dialect->newline = (char)wire_get_u8(from);
    dialect->comment = (char)wire_get_u8(from);
    dialect->has_header = wire_get_bool(from);
    dialect->null_count = wire_get_below(from, CSV_NULL_TEXTS_MAX + 1, "texts for NULL");
    for (uint32_t i = 0; i < dialect->null_count; i++)
        dialect->null_texts[i] = wire_get_name(from, arena);
    if (from->status == ST_OK && dialect->newline != '\n' && dialect->newline != '\r')
        wire_fail(from, "lines that end in byte %d", dialect->newline);
    if (from->status == ST_OK && csv_check_dialect(dialect, &err) != ST_OK)
        wire_fail(from, "%s", err.message);
}

static bool is_readable(const TableColumn *column)
{
    return column->refused == NULL && column->type.id != TYPE_NULL &&
           column->type.id != TYPE_INTERVAL;
}

static void get_schema(WireReader *from, Arena *arena, CsvSchema *schema)
{
    bool *is_named;

    schema->columns = table_wire_get_columns(from, arena, &schema->column_count);
    schema->formats = ARENA_ARRAY(arena, const char *, schema->column_count);
    schema->is_named = is_named = ARENA_ARRAY(arena, bool, schema->column_count);
    for (uint32_t i = 0; from->status == ST_OK && i < schema->column_count; i++) {
        TypeId type = (TypeId)schema->columns[i].type.id;

        schema->formats[i] = wire_get_text(from, arena);
        is_named[i] = wire_get_bool(from);
        if (from->status == ST_OK && !is_readable(&schema->columns[i]))
            wire_fail(from, "a CSV column of type %s", type_id_name(type));
        if (from->status == ST_OK && schema->formats[i] != NULL &&
            ((type != TYPE_DATE && type != TYPE_TIMESTAMP) ||
             !csv_is_time_format(schema->formats[i])))
            wire_fail(from, "times of the form \"%.40s\"", schema->formats[i]);
    }
    schema->record_bytes = wire_get_f64(from);
    if (from->status == ST_OK && !(schema->record_bytes >= 1e-3 && schema->record_bytes <= 1e12))
        wire_fail(from, "records of %g bytes", schema->record_bytes);
}

static void get_file(WireReader *from, CsvTable *table, const TableFile *at, CsvFile *file)
{
    Arena *arena = table->arena;
    uint32_t *places;

    file->name = arena_strdup(arena, at->path);
    file->path = at->path == at->place ? file->name : arena_strdup(arena, at->place);
    file->stamp = at->stamp;
    file->codec = (StreamCodec)wire_get_below(from, STREAM_ZSTD + 1, "codec");
    file->data_start = wire_get_u64(from);
    file->field_count = wire_get_below(from, CSV_COLUMNS_MAX + 1, "fields");
    if (!wire_get_bool(from)) {
        if (from->status == ST_OK && file->field_count < table->schema.column_count)
            wire_fail(from, "%u fields are %u columns", file->field_count,
                      table->schema.column_count);
        return;
    }
    file->places = places = ARENA_ARRAY(arena, uint32_t, table->schema.column_count);
    for (uint32_t i = 0; from->status == ST_OK && i < table->schema.column_count; i++) {
        places[i] = wire_get_u32(from);
        if (places[i] != CSV_NO_FIELD && places[i] >= file->field_count)
            wire_fail(from, "field %u of %u", places[i], file->field_count);
    }
}

Status csv_table_receive(uint32_t file_count, const TableFile *files, WireReader *from,
                         MemPool *pool, Error *err, Table **table_out)
{
    CsvTable *table = csv_table_new(file_count, pool);

    (void)err;
    *table_out = NULL;
    get_dialect(from, table->arena, &table->dialect);
    table->options.ignore_errors = wire_get_bool(from);
    table->options.null_padding = wire_get_bool(from);
    get_schema(from, table->arena, &table->schema);
    for (uint32_t i = 0; from->status == ST_OK && i < file_count; i++)
        get_file(from, table, &files[i], &table->files[i]);
    if (from->status != ST_OK) {
        arena_free(table->arena);
        return from->status;
    }
    *table_out = csv_table_finish(table);
    return ST_OK;
}
