/*
 * worker_user.c -- the user that executors and drivers run as; see worker_internal.h
 *
 * Folders that such a process writes are the user's, and what they are in is the worker's: so that
 * nobody turns a path below which the worker writes or removes into another one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/worker_internal.h"

enum { ENTRY_TEXT_BYTES = 1 << 16, GROUPS_MAX = 1024 };

/* What a probe ends with. */
enum { PROBE_REACHES, PROBE_IS_REFUSED, PROBE_NO_FOLDER, PROBE_NO_PROGRAM };

static Status no_right(const char *name, Error *err)
{
    error_set(err, ST_BAD_INPUT,
              "executors cannot run as user \"%s\": this worker has not the right", name);
    error_hint(err, "Start it as root, or leave out --run-as.");
    return ST_BAD_INPUT;
}

Status run_as_find(const char *name, Arena *arena, Error *err, RunAs *user_out)
{
    char *texts = arena_alloc(arena, ENTRY_TEXT_BYTES);
    struct passwd entry, *found = NULL;
    int count = GROUPS_MAX;

    *user_out = (RunAs){.is_other = false};
    if (name == NULL)
        return ST_OK;
    if (getpwnam_r(name, &entry, texts, ENTRY_TEXT_BYTES, &found) != 0 || found == NULL) {
        error_set(err, ST_BAD_INPUT, "there is no user \"%s\" for executors to run as", name);
        error_hint(err, "useradd --system '%s' makes one.", name);
        return ST_BAD_INPUT;
    }
    if (entry.pw_uid == geteuid())
        return ST_OK;
    if (geteuid() != 0)
        return no_right(name, err);
    *user_out = (RunAs){.is_other = true,
                        .name = entry.pw_name,
                        .home = entry.pw_dir,
                        .user = entry.pw_uid,
                        .group = entry.pw_gid,
                        .groups = ARENA_ARRAY(arena, gid_t, GROUPS_MAX)};
    if (getgrouplist(name, entry.pw_gid, user_out->groups, &count) < 0)
        return error_set(err, ST_BAD_INPUT, "user \"%s\" is in too many groups", name);
    user_out->group_count = (size_t)count;
    return ST_OK;
}

bool run_as_become(const RunAs *user)
{
    return !user->is_other || (setgroups(user->group_count, user->groups) == 0 &&
                               setresgid(user->group, user->group, user->group) == 0 &&
                               setresuid(user->user, user->user, user->user) == 0);
}

/* Whether it comes that far is known to a process that is that user. */
static Status probe(const RunAs *user, const char *dir, Error *err)
{
    int wait_status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (!run_as_become(user))
            _exit(PROBE_IS_REFUSED);
        if (access(dir, X_OK) != 0)
            _exit(PROBE_NO_FOLDER);
        _exit(access("/proc/self/exe", X_OK) != 0 ? PROBE_NO_PROGRAM : PROBE_REACHES);
    }
    if (pid < 0)
        return error_set_errno(err, errno, "cannot start a process");
    while (waitpid(pid, &wait_status, 0) < 0)
        if (errno != EINTR)
            return error_set_errno(err, errno, "cannot wait for a process");
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) == PROBE_IS_REFUSED)
        return no_right(user->name, err);
    if (WEXITSTATUS(wait_status) == PROBE_NO_FOLDER) {
        error_set(err, ST_BAD_INPUT, "user \"%s\" does not come to the folder \"%s\"", user->name,
                  dir);
        error_hint(err, "Each folder above it must let it pass (chmod o+x), or --dir names another "
                        "one, as below /var/lib.");
        return ST_BAD_INPUT;
    }
    if (WEXITSTATUS(wait_status) == PROBE_NO_PROGRAM)
        return error_set(err, ST_BAD_INPUT, "user \"%s\" may not start this program", user->name);
    return ST_OK;
}

Status run_as_prepare(const RunAs *user, const char *dir, Error *err)
{
    if (!user->is_other)
        return ST_OK;
    if (chmod(dir, 0711) != 0)
        return error_set_errno(err, errno, "cannot let others pass the folder \"%s\"", dir);
    return probe(user, dir, err);
}

/* --- folders --- */

Status worker__make_passage(const RunAs *user, const char *path, Error *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "cannot make the folder \"%s\"", path);
    if (user->is_other && chmod(path, 0711) != 0)
        return error_set_errno(err, errno, "cannot let others pass the folder \"%s\"", path);
    return ST_OK;
}

Status run_as_give(const RunAs *user, const char *path, Error *err)
{
    DIR *folder;
    bool is_given = true;
    int failure;

    if (!user->is_other)
        return ST_OK;
    folder = opendir(path);
    if (folder == NULL)
        return error_set_errno(err, errno, "cannot read the folder \"%s\"", path);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_given &= fchownat(dirfd(folder), entry->d_name, user->user, user->group,
                                 AT_SYMLINK_NOFOLLOW) == 0;
    is_given = is_given && fchown(dirfd(folder), user->user, user->group) == 0;
    failure = errno;
    closedir(folder);
    return is_given ? ST_OK
                    : error_set_errno(err, failure, "cannot give \"%s\" to user \"%s\"", path,
                                      user->name);
}
