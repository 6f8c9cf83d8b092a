/* session_word.c -- what current_user, current_database, version and their kin are */
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/session_internal.h"

/* The name of the process's user; a number where the machine has no name for it. */
static const char *user_name(Arena *arena)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;

    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        return arena_strdup(arena, found->pw_name);
    return arena_printf(arena, "%u", (unsigned)geteuid());
}

/* The folder's own name, or "memory". */
static const char *database_name(Arena *arena, const char *folder)
{
    char path[PATH_MAX];
    const char *slash = NULL;

    if (folder != NULL && realpath(folder, path) != NULL)
        slash = strrchr(path, '/');
    return arena_strdup(arena, slash == NULL || slash[1] == '\0' ? "memory" : slash + 1);
}

const char *session_word(const void *session, Arena *arena, const char *word)
{
    const Session *self = session;

    if (strcmp(word, "version") == 0)
        return "Vonk " VONK_VERSION;
    if (strcmp(word, "current_schema") == 0)
        return "public";
    if (strcmp(word, "current_database") == 0 || strcmp(word, "current_catalog") == 0)
        return database_name(arena, session_catalog_folder(self->catalog));
    return user_name(arena);
}
