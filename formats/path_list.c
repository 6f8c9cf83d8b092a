/* path_list.c -- see path_list.h */
#include "formats/path_list.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDER_DEPTH_MAX = 32, FILES_MAX = 1 << 20, BRACES_MAX = 1024 };

typedef struct Finder {
    PathList *list;
    PathFilter is_wanted;
    const void *context;
} Finder;

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

static bool is_hidden(const char *name)
{
    return name[0] == '.' || name[0] == '_';
}

static const char *join(Arena *arena, const char *folder, const char *name)
{
    size_t bytes = strlen(folder);

    return bytes == 0 || folder[bytes - 1] == '/' ? arena_printf(arena, "%s%s", folder, name)
                                                  : arena_printf(arena, "%s/%s", folder, name);
}

/* --- folders --- */

typedef struct Names {
    uint32_t count;
    const char **items;
} Names;

/* The folder's entries but . and .., in no order. */
static Status list_names(Arena *arena, const char *path, Error *err, Names *names_out)
{
    uint32_t capacity = 64;
    DIR *folder = opendir(path[0] == '\0' ? "." : path);

    *names_out = (Names){0, ARENA_ARRAY(arena, const char *, capacity)};
    if (folder == NULL)
        return error_set_errno(err, errno, "could not read the folder \"%s\"", path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (names_out->count == capacity) {
            const char **grown = ARENA_ARRAY(arena, const char *, 2 * (size_t)capacity);

            memcpy(grown, names_out->items, capacity * sizeof *grown);
            names_out->items = grown;
            capacity *= 2;
        }
        names_out->items[names_out->count++] = arena_strdup(arena, entry->d_name);
    }
    closedir(folder);
    return ST_OK;
}

/* The folders that a walk is in, inmost first: a link back to one of them is not followed. */
typedef struct Trail {
    const struct Trail *outer;
    dev_t device;
    ino_t inode;
} Trail;

static bool is_on_trail(const Trail *trail, const struct stat *info)
{
    for (; trail != NULL; trail = trail->outer)
        if (trail->device == info->st_dev && trail->inode == info->st_ino)
            return true;
    return false;
}

static Status add_folder(const Finder *finder, const char *path, const Trail *outer, uint32_t depth,
                         Error *err)
{
    Arena *arena = finder->list->arena;
    Trail trail = {.outer = outer};
    struct stat here;
    Names names;

    if (depth > FOLDER_DEPTH_MAX)
        return error_set(err, ST_BAD_INPUT, "folders below \"%s\" are more than %d deep", path,
                         FOLDER_DEPTH_MAX);
    TRY(list_names(arena, path, err, &names));
    if (stat(path, &here) == 0) {
        trail.device = here.st_dev;
        trail.inode = here.st_ino;
    }
    for (uint32_t i = 0; i < names.count; i++) {
        const char *entry = join(arena, path, names.items[i]);
        struct stat info;

        if (is_hidden(names.items[i]))
            continue;
        if (stat(entry, &info) != 0)
            return error_set_errno(err, errno, "could not open \"%s\"", entry);
        if (S_ISDIR(info.st_mode) && is_on_trail(&trail, &info))
            continue;
        if (S_ISDIR(info.st_mode))
            TRY(add_folder(finder, entry, &trail, depth + 1, err));
        else if (S_ISREG(info.st_mode) && finder->is_wanted(finder->context, entry))
            TRY(add_path(finder->list, entry, err));
    }
    return ST_OK;
}

/* --- globs --- */

static bool is_pattern(const char *segment)
{
    return strpbrk(segment, "*?[") != NULL;
}

static Status match(const Finder *finder, const char *folder, const char *rest, uint32_t depth,
                    Error *err);

/* What a path that matches to its end stands for. */
static Status add_match(const Finder *finder, const char *path, bool is_named, Error *err)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return is_named || errno == ENOENT
                   ? ST_OK
                   : error_set_errno(err, errno, "could not open \"%s\"", path);
    return S_ISDIR(info.st_mode) ? add_folder(finder, path, NULL, 0, err)
                                 : add_path(finder->list, path, err);
}

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ** does not follow links to folders: they may lead back. */
static bool is_link(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

/* segment is a pattern, rest what follows it; NULL: nothing. */
static Status match_names(const Finder *finder, const char *folder, const char *segment,
                          const char *rest, uint32_t depth, Error *err)
{
    Arena *arena = finder->list->arena;
    bool is_deep = strcmp(segment, "**") == 0;
    Names names;

    TRY(list_names(arena, folder, err, &names));
    for (uint32_t i = 0; i < names.count; i++) {
        const char *name = names.items[i], *path = join(arena, folder, name);

        if (is_hidden(name) && (is_deep || segment[0] != name[0]))
            continue;
        if (is_deep) {
            /* ** at the end: all files below */
            if (rest == NULL && !is_folder(path) && finder->is_wanted(finder->context, path))
                TRY(add_path(finder->list, path, err));
            if (is_folder(path) && !is_link(path))
                TRY(match(finder, path, rest == NULL ? "**" : arena_printf(arena, "**/%s", rest),
                          depth + 1, err));
        } else if (fnmatch(segment, name, 0) == 0) {
            if (rest == NULL)
                TRY(add_match(finder, path, false, err));
            else if (is_folder(path))
                TRY(match(finder, path, rest, depth + 1, err));
        }
    }
    return is_deep && rest != NULL ? match(finder, folder, rest, depth, err) : ST_OK;
}

static Status match(const Finder *finder, const char *folder, const char *rest, uint32_t depth,
                    Error *err)
{
    Arena *arena = finder->list->arena;
    const char *slash = strchr(rest, '/');
    const char *segment = slash == NULL ? rest : arena_strndup(arena, rest, (size_t)(slash - rest));

    if (depth > FOLDER_DEPTH_MAX)
        return error_set(err, ST_BAD_INPUT, "folders below \"%s\" are more than %d deep", folder,
                         FOLDER_DEPTH_MAX);
    if (is_pattern(segment))
        return match_names(finder, folder, segment, slash == NULL ? NULL : slash + 1, depth, err);
    if (slash == NULL)
        return add_match(finder, join(arena, folder, segment), true, err);
    return match(
        finder,
        arena_printf(arena, "%s%s/", folder[0] == '\0' ? "" : join(arena, folder, ""), segment),
        slash + 1, depth, err);
}

/* The } of the { at open, or NULL. */
static const char *closing_brace(const char *open)
{
    int depth = 0;

    for (const char *at = open; *at != '\0'; at++) {
        depth += *at == '{';
        if (*at == '}' && --depth == 0)
            return at;
    }
    return NULL;
}

/* The first {a,b} that is left becomes one pattern each. */
static Status match_braces(const Finder *finder, const char *pattern, uint32_t *count, Error *err)
{
    Arena *arena = finder->list->arena;
    const char *open = strchr(pattern, '{');
    const char *close = open == NULL ? NULL : closing_brace(open);
    int depth = 0;

    if (close == NULL) {
        if (++*count > BRACES_MAX)
            return error_set(err, ST_BAD_INPUT, "a pattern has more than %d choices", BRACES_MAX);
        return match(finder, "", pattern, 0, err);
    }
    for (const char *start = open + 1, *at = start; at <= close; at++) {
        if ((*at == ',' && depth == 0) || at == close) {
            TRY(match_braces(finder,
                             arena_printf(arena, "%.*s%.*s%s", (int)(open - pattern), pattern,
                                          (int)(at - start), start, close + 1),
                             count, err));
            start = at + 1;
        }
        depth += (*at == '{') - (*at == '}');
    }
    return ST_OK;
}

/* --- any path --- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_paths(PathList *list)
{
    uint32_t kept = 0;

    if (list->count > 1)
        qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
    for (uint32_t i = 0; i < list->count; i++) /* {a,a*} finds files twice */
        if (kept == 0 || strcmp(list->paths[kept - 1], list->paths[i]) != 0)
            list->paths[kept++] = list->paths[i];
    list->count = kept;
}

size_t path_glob_start(const char *path)
{
    size_t wild = strcspn(path, "*?[{");

    if (path[wild] == '\0')
        return wild;
    while (wild > 0 && path[wild - 1] != '/')
        wild--;
    return wild;
}

Status path_list_find(PathList *list, const char *path, PathFilter is_wanted, const void *context,
                      Error *err)
{
    Finder finder = {list, is_wanted, context};
    struct stat info;
    uint32_t brace_count = 0;

    list->fixed_bytes = strlen(path);
    if (stat(path, &info) == 0) {
        if (!S_ISDIR(info.st_mode))
            return add_path(list, path, err);
        TRY(add_folder(&finder, path, NULL, 0, err));
        if (list->count == 0)
            return error_set_state(err, ST_BAD_INPUT, "58P01",
                                   "there are no data files in the folder \"%s\"", path);
    } else if (path_glob_start(path) < strlen(path)) {
        list->fixed_bytes = path_glob_start(path);
        TRY(match_braces(&finder, path, &brace_count, err));
        if (list->count == 0)
            return error_set_state(err, ST_BAD_INPUT, "58P01", "no file matches \"%s\"", path);
    } else {
        return error_set_errno(err, errno, "could not open \"%s\"", path);
    }
    sort_paths(list);
    return ST_OK;
}
