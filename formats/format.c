/* format.c -- paths to files, files to tables; see format.h */
#include "formats/format.h"

#include <string.h>
#include <strings.h>

#include "formats/partition.h"
#include "formats/path_list.h"

static const Format *const formats[] = {&format_parquet, &format_csv, &format_text};

static bool ends_with(const char *path, const char *ending)
{
    size_t path_bytes = strlen(path), ending_bytes = strlen(ending);

    return path_bytes > ending_bytes && strcasecmp(path + path_bytes - ending_bytes, ending) == 0;
}

static bool has_ending(const Format *format, const char *path)
{
    for (const char *const *ending = format->endings; *ending != NULL; ending++)
        if (ends_with(path, *ending))
            return true;
    return false;
}

const Format *format_find(const char *name, const char *path)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (name != NULL ? strcasecmp(formats[i]->name, name) == 0 : has_ending(formats[i], path))
            return formats[i];
    return NULL;
}

/* What a folder's files are chosen by. */
typedef struct Wanted {
    const char *format_name; /* NULL: any that there is */
    bool any_ending;
} Wanted;

static bool is_data_file(const void *context, const char *path)
{
    const Wanted *wanted = context;
    const Format *format = format_find(NULL, path);

    return wanted->any_ending ||
           (format != NULL &&
            (wanted->format_name == NULL || format == format_find(wanted->format_name, path)));
}

/* read_csv takes the .csv files of a folder, or all when none has such a name. */
static Status find_files(PathList *list, const char *path, const char *format_name, Error *err)
{
    Wanted wanted = {.format_name = format_name};
    Status status = path_list_find(list, path, is_data_file, &wanted, err);

    if (status == ST_OK || list->count > 0 || format_name == NULL)
        return status;
    wanted.any_ending = true;
    return path_list_find(list, path, is_data_file, &wanted, err);
}

/* The format that all files have. */
static Status find_format(const PathList *list, const char *format_name, Error *err,
                          const Format **format_out)
{
    const Format *format = format_find(format_name, list->paths[0]);

    *format_out = format;
    if (format == NULL) {
        error_set_state(err, ST_NOT_SUPPORTED, "0A000", "not supported: the format of \"%s\"",
                        format_name != NULL ? format_name : list->paths[0]);
        error_hint(err, "Vonk reads .parquet, .csv and .tsv (also .gz and .zst); "
                        "read_csv('path') reads any ending as CSV.");
        return ST_NOT_SUPPORTED;
    }
    for (uint32_t i = 1; format_name == NULL && i < list->count; i++)
        if (format_find(NULL, list->paths[i]) != format)
            return error_set(err, ST_BAD_INPUT,
                             "\"%s\" and \"%s\" have different formats: a table has one",
                             list->paths[0], list->paths[i]);
    return ST_OK;
}

Status format_open_table(const char *path, const char *format_name, OptionList options,
                         MemPool *pool, Error *err, Table **table_out)
{
    Arena *arena = arena_new(NULL, "files", ARENA_NO_CAP);
    PathList list = {.arena = arena};
    const Format *format = NULL;
    Status status = find_files(&list, path, format_name, err);

    *table_out = NULL;
    if (status == ST_OK)
        status = find_format(&list, format_name, err, &format);
    if (status == ST_OK)
        status = format->open(list.count, list.paths, options, pool, err, table_out);
    if (status == ST_OK && partition_path_has_keys(list.paths[0], list.fixed_bytes))
        status = partition_table_new(*table_out, list.count, list.paths, list.fixed_bytes, err,
                                     table_out);
    arena_free(arena);
    return status;
}
