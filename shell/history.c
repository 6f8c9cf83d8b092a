/* history.c -- see history.h */
#include "shell/history.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Makes path's folders, each for the user alone. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)!mkdir(path, 0700);
        *slash = '/';
    }
}

const char *history_file_path(Arena *arena)
{
    const char *own = getenv("VONK_HISTORY");
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *path;

    if (own != NULL)
        return own[0] == '\0' ? NULL : own;
    if (state != NULL && state[0] == '/')
        path = arena_printf(arena, "%s/vonk/history", state);
    else if (home != NULL && home[0] == '/')
        path = arena_printf(arena, "%s/.local/state/vonk/history", home);
    else
        return NULL;
    make_folders(path);
    return path;
}
