/*
 * path_list.h -- the files that a path stands for: a file, a folder of part files, a glob
 *
 * A glob's segments have *, ?, [a-z] and {a,b}; ** stands for any number of folders. What other
 * programs leave beside data is passed over, unless it is named: hidden files, and those that
 * start with an underscore (_SUCCESS, _temporary). A folder that a glob finds stands for all its
 * files. Links are followed; files come in the order of their paths.
 */
#ifndef VONK_FORMATS_PATH_LIST_H
#define VONK_FORMATS_PATH_LIST_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/status.h"

typedef struct PathList {
    Arena *arena;
    uint32_t count;
    uint32_t capacity;
    const char **paths;
    size_t fixed_bytes; /* how much of each path is the path itself, not found */
} PathList;

/* Whether a file of a folder belongs to the table. */
typedef bool (*PathFilter)(const void *context, const char *path);

/* Errors: 58P01 when nothing is found. */
MUST_CHECK Status path_list_find(PathList *list, const char *path, PathFilter is_wanted,
                                 const void *context, Error *err);

/* "parts/" of "parts/x*.csv": where a glob begins; the length when the path is none. */
size_t path_glob_start(const char *path);

#endif
