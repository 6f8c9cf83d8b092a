/*
 * worker_folder.c -- a folder goes, with all that others have put into it; see worker_internal.h
 *
 * What is in a folder below the top goes away, or up into the top under a name that nobody knew
 * before. So no depth needs more than two descriptors, and no path is walked that somebody could
 * turn into another one meanwhile.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/membership.h"
#include "cluster/worker_internal.h"
#include "core/base/log.h"

static bool is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Takes the descriptor. Whether something came up. */
static bool empty_into(int top, int folder)
{
    DIR *listed = fdopendir(folder);
    bool has_moved = false;
    char name[32];

    if (listed == NULL) {
        close(folder);
        return false;
    }
    for (struct dirent *entry = readdir(listed); entry != NULL; entry = readdir(listed)) {
        if (!is_entry(entry) || unlinkat(folder, entry->d_name, 0) == 0 ||
            unlinkat(folder, entry->d_name, AT_REMOVEDIR) == 0)
            continue;
        snprintf(name, sizeof name, "%" PRIx64, (uint64_t)membership_incarnation());
        has_moved |= renameat(folder, entry->d_name, top, name) == 0;
    }
    closedir(listed);
    return has_moved;
}

/* All that is there; what came up meanwhile may be left. */
static bool empty_once(int top)
{
    int again = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listed = again < 0 ? NULL : fdopendir(again);
    bool has_moved = false;

    if (listed == NULL)
        return false;
    for (struct dirent *entry = readdir(listed); entry != NULL; entry = readdir(listed)) {
        int folder;

        if (!is_entry(entry) || unlinkat(top, entry->d_name, 0) == 0)
            continue;
        folder = openat(top, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0)
            continue;
        has_moved |= empty_into(top, folder);
        unlinkat(top, entry->d_name, AT_REMOVEDIR);
    }
    closedir(listed);
    return has_moved;
}

void worker__remove_folder(const char *path)
{
    int top;

    if (unlink(path) == 0)
        return;
    top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top >= 0) {
        while (empty_once(top))
            ;
        close(top);
    }
    if (rmdir(path) != 0 && errno != ENOENT)
        LOG_WARN("worker", "cannot remove \"%s\": %s", path, strerror(errno));
}
