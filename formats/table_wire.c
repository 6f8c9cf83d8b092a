/* table_wire.c -- see table_wire.h */
#include "formats/table_wire.h"

#include <string.h>
#include <unistd.h>

#include "core/plan/plan_wire.h"
#include "formats/format.h"
#include "formats/partition.h"
#include "formats/series_table.h"

enum { PATH_BYTES_MAX = 4096, COLUMNS_MAX = 1 << 14 };

/* A size that no file has, but a damaged message may: splits are counted from it. */
#define FILE_BYTES_MAX ((uint64_t)1 << 50)

static const Table *inside(const Table *table, size_t *skip_bytes_out)
{
    const Table *inner = partition_table_inner(table, skip_bytes_out);

    return inner == NULL ? table : inner;
}

bool table_can_write(const Table *table)
{
    size_t skip_bytes;

    return inside(table, &skip_bytes)->class->write != NULL;
}

/* --- columns --- */

void table_wire_put_columns(WireWriter *to, uint32_t count, const TableColumn *columns)
{
    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_text(to, columns[i].name);
        wire_put_type(to, columns[i].type);
        wire_put_u8(to, columns[i].is_nullable);
        wire_put_text(to, columns[i].refused);
    }
}

const TableColumn *table_wire_get_columns(WireReader *from, Arena *arena, uint32_t *count_out)
{
    uint32_t count = wire_get_count(from, 4 + 7 + 1 + 4, "columns of a table");
    TableColumn *columns;

    *count_out = 0;
    if (count > COLUMNS_MAX)
        wire_fail(from, "a table of %u columns", count);
    if (from->status != ST_OK)
        return NULL;
    columns = ARENA_ARRAY(arena, TableColumn, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i].name = wire_get_name(from, arena);
        columns[i].type = wire_get_type(from);
        columns[i].is_nullable = wire_get_bool(from);
        columns[i].refused = wire_get_text(from, arena);
    }
    *count_out = count;
    return columns;
}

/* --- files --- */

/* The folder that relative paths start from: this process's, or the one they came with. */
static const char *base_folder(Arena *arena, uint32_t count, const TableFile *files)
{
    char folder[PATH_BYTES_MAX];
    uint32_t i = 0;
    size_t place_bytes, path_bytes;

    while (i < count && files[i].path[0] == '/')
        i++;
    if (i == count)
        return NULL;
    place_bytes = strlen(files[i].place);
    path_bytes = strlen(files[i].path);
    if (files[i].place[0] == '/')
        return arena_strndup(arena, files[i].place, place_bytes - path_bytes - 1);
    return getcwd(folder, sizeof folder) == NULL ? NULL : arena_strdup(arena, folder);
}

static void put_files(WireWriter *to, uint32_t count, const TableFile *files)
{
    wire_put_text(to, base_folder(to->arena, count, files));
    wire_put_u32(to, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_text(to, files[i].path);
        wire_put_u64(to, files[i].stamp.bytes);
        wire_put_u64(to, (uint64_t)files[i].stamp.modified_ns);
    }
}

static const char *place_of(WireReader *from, Arena *arena, const char *folder, const char *path)
{
    if (path[0] == '/')
        return path;
    if (folder == NULL)
        wire_fail(from, "a path without the folder that it starts from");
    return folder == NULL ? path : arena_printf(arena, "%s/%s", folder, path);
}

static const TableFile *get_files(WireReader *from, Arena *arena, uint32_t *count_out)
{
    const char *folder = wire_get_text(from, arena);
    uint32_t count = wire_get_count(from, 4 + 8 + 8, "files");
    TableFile *files = ARENA_ARRAY(arena, TableFile, count);
    uint64_t bytes = 0;

    if (folder != NULL && strlen(folder) > PATH_BYTES_MAX)
        wire_fail(from, "the name of a folder is too long");
    for (uint32_t i = 0; from->status == ST_OK && i < count; i++) {
        files[i].path = wire_get_name(from, arena);
        files[i].stamp.bytes = wire_get_u64(from);
        files[i].stamp.modified_ns = (int64_t)wire_get_u64(from);
        if (from->status != ST_OK)
            break;
        if (files[i].stamp.bytes > FILE_BYTES_MAX - bytes)
            wire_fail(from, "files of more than 2^50 bytes");
        bytes += files[i].stamp.bytes;
        files[i].place = place_of(from, arena, folder, files[i].path);
    }
    *count_out = count;
    return files;
}

/* --- both --- */

Status table_write(const Table *table, WireWriter *to, Error *err)
{
    size_t skip_bytes = 0;
    const Table *inner = inside(table, &skip_bytes);
    const TableClass *class = inner->class;
    uint32_t file_count = 0;
    const TableFile *files = NULL;

    if (class->write == NULL)
        return error_set(err, ST_NOT_SUPPORTED,
                         "not supported: sending the table \"%s\" to another process", table->name);
    if (class->files != NULL)
        files = class->files(inner, to->arena, &file_count);
    wire_put_text(to, class->format);
    wire_put_u8(to, inner != table);
    if (inner != table)
        wire_put_u64(to, skip_bytes);
    put_files(to, file_count, files);
    return class->write(inner, to, err);
}

/* The same keys as there: they follow from the paths. */
static Status read_partitions(WireReader *from, Arena *arena, size_t skip_bytes,
                              uint32_t file_count, const TableFile *files, Error *err,
                              Table **table)
{
    const char **paths = ARENA_ARRAY(arena, const char *, file_count);

    for (uint32_t i = 0; i < file_count; i++)
        paths[i] = files[i].path;
    if (skip_bytes <= strlen(paths[0]) && partition_path_has_keys(paths[0], skip_bytes))
        return partition_table_new(*table, file_count, paths, skip_bytes, err, table);
    table_unref(*table);
    *table = NULL;
    return wire_fail(from, "partitions by folders, and \"%s\" is in none", paths[0]);
}

static Status read_table(WireReader *from, Arena *arena, MemPool *pool, Error *err,
                         Table **table_out)
{
    const char *name = wire_get_name(from, arena);
    bool is_partitioned = wire_get_bool(from);
    uint64_t skip_bytes = is_partitioned ? wire_get_u64(from) : 0;
    uint32_t file_count;
    const TableFile *files = get_files(from, arena, &file_count);
    const Format *format = format_find(name, NULL);

    TRY(from->status);
    if (format == NULL && strcmp(name, "series") == 0 && !is_partitioned && file_count == 0)
        return series_table_receive(from, table_out);
    if (format == NULL || format->receive == NULL || file_count == 0)
        return wire_fail(from, "a table of %u files of the format \"%.40s\"", file_count, name);
    TRY(format->receive(file_count, files, from, pool, err, table_out));
    if (is_partitioned)
        return read_partitions(from, arena, skip_bytes, file_count, files, err, table_out);
    return ST_OK;
}

Status table_read(WireReader *from, MemPool *pool, Error *err, Table **table_out)
{
    Arena *arena = arena_new(NULL, "files", ARENA_NO_CAP);

    *table_out = NULL;
    from->status = read_table(from, arena, pool, err, table_out);
    arena_free(arena);
    return from->status;
}
