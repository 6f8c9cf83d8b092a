/* format.c -- paths to files, files to tables; see format.h */
#include "formats/format.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "formats/partition.h"

enum { FOLDER_DEPTH_MAX = 32, FILES_MAX = 1 << 20 };

static const Format *const formats[] = {&format_parquet, &format_csv};

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

/* --- files of a path --- */

typedef struct PathList {
    Arena *arena;
    uint32_t count;
    uint32_t capacity;
    const char **paths;
} PathList;

static Status add_path(PathList *list, const char *path, Error *err)
{
    if (list->count == FILES_MAX)
        return error_set(err, ST_BAD_INPUT, "more than %d files in one table", FILES_MAX);
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        const char **paths = ARENA_ARRAY(list->arena, const char *, capacity);

        if (list->count > 0)
            memcpy(paths, list->paths, list->count * sizeof *paths);
        list->paths = paths;
        list->capacity = capacity;
    }
    list->paths[list->count++] = arena_strdup(list->arena, path);
    return ST_OK;
}

/* Hidden files and those of other programs' commits (_SUCCESS, _temporary) are none of the table.
 */
static bool is_hidden(const char *name)
{
    return name[0] == '.' || name[0] == '_';
}

static Status add_folder(PathList *list, const char *path, const char *format_name, uint32_t depth,
                         Error *err);

static Status add_entry(PathList *list, const char *path, const char *format_name, uint32_t depth,
                        Error *err)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return error_set_errno(err, errno, "could not open \"%s\"", path);
    if (S_ISDIR(info.st_mode))
        return add_folder(list, path, format_name, depth + 1, err);
    if (S_ISREG(info.st_mode) && (format_name != NULL || format_find(NULL, path) != NULL))
        return add_path(list, path, err);
    return ST_OK;
}

static Status add_folder(PathList *list, const char *path, const char *format_name, uint32_t depth,
                         Error *err)
{
    DIR *folder;
    Status status = ST_OK;

    if (depth > FOLDER_DEPTH_MAX)
        return error_set(err, ST_BAD_INPUT, "folders below \"%s\" are more than %d deep", path,
                         FOLDER_DEPTH_MAX);
    folder = opendir(path);
    if (folder == NULL)
        return error_set_errno(err, errno, "could not read the folder \"%s\"", path);
    for (struct dirent *entry; status == ST_OK && (entry = readdir(folder)) != NULL;)
        if (!is_hidden(entry->d_name))
            status = add_entry(list, arena_printf(list->arena, "%s/%s", path, entry->d_name),
                               format_name, depth, err);
    closedir(folder);
    return status;
}

static Status add_glob(PathList *list, const char *pattern, Error *err)
{
    glob_t found;
    int failure = glob(pattern, GLOB_ERR, NULL, &found);
    Status status = ST_OK;

    if (failure == GLOB_NOMATCH)
        return error_set_state(err, ST_BAD_INPUT, "58P01", "no file matches \"%s\"", pattern);
    if (failure != 0)
        return error_set_errno(err, failure == GLOB_NOSPACE ? ENOMEM : errno,
                               "could not read the folders of \"%s\"", pattern);
    for (size_t i = 0; status == ST_OK && i < found.gl_pathc; i++)
        status = add_path(list, found.gl_pathv[i], err);
    globfree(&found);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The path's files in order; *fixed_bytes_out: how much of each is the path itself, not found. */
static Status list_files(PathList *list, const char *path, const char *format_name, Error *err,
                         size_t *fixed_bytes_out)
{
    struct stat info;
    size_t wild = strcspn(path, "*?[");

    *fixed_bytes_out = strlen(path);
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        return add_path(list, path, err);
    if (stat(path, &info) == 0) {
        TRY(add_folder(list, path, format_name, 0, err));
        if (list->count == 0)
            return error_set_state(err, ST_BAD_INPUT, "58P01",
                                   "there are no data files in the folder \"%s\"", path);
    } else if (path[wild] != '\0') {
        TRY(add_glob(list, path, err));
        while (wild > 0 && path[wild - 1] != '/')
            wild--;
        *fixed_bytes_out = wild;
    } else {
        return error_set_errno(err, errno, "could not open \"%s\"", path);
    }
    if (list->count > 1)
        qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
    return ST_OK;
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
    size_t fixed_bytes = 0;
    Status status = list_files(&list, path, format_name, err, &fixed_bytes);

    *table_out = NULL;
    if (status == ST_OK)
        status = find_format(&list, format_name, err, &format);
    if (status == ST_OK)
        status = format->open(list.count, list.paths, options, pool, err, table_out);
    if (status == ST_OK && partition_path_has_keys(list.paths[0], fixed_bytes))
        status =
            partition_table_new(*table_out, list.count, list.paths, fixed_bytes, err, table_out);
    arena_free(arena);
    return status;
}
