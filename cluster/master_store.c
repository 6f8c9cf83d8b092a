/* master_store.c -- see master_store.h */
#include "cluster/master_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/master_election.h"
#include "core/base/log.h"

static const char area[] = "master", ids_name[] = "ids";

/* --- drivers --- */

static Status put_package(const MasterStore *store, int64_t driver, WireBytes package, Error *err)
{
    for (size_t at = 0, number = 0; at < package.byte_count; number++) {
        size_t left = package.byte_count - at;
        uint32_t byte_count =
            (uint32_t)(left < STORE_VALUE_BYTES_MAX ? left : STORE_VALUE_BYTES_MAX);
        char name[64];

        snprintf(name, sizeof name, "driver-%" PRId64 ".%zu", driver, number);
        TRY(store->put(store->context, name, (const char *)package.bytes + at, byte_count, err));
        at += byte_count;
    }
    return ST_OK;
}

static Status remove_package(const MasterStore *store, int64_t driver, Error *err)
{
    char name[64];

    for (size_t number = 0; number * STORE_VALUE_BYTES_MAX < DRIVER_PACKAGE_BYTES_MAX; number++) {
        Arena *arena = arena_new(NULL, "piece", ARENA_NO_CAP);
        WireBytes piece;
        Status status;

        snprintf(name, sizeof name, "driver-%" PRId64 ".%zu", driver, number);
        status = store->get(store->context, name, arena, err, &piece);
        arena_free(arena);
        TRY(status);
        if (piece.bytes == NULL)
            break;
        TRY(store->remove(store->context, name, err));
    }
    return ST_OK;
}

Status store_keep(const MasterStore *store, const MasterKept *kept, Error *err)
{
    char name[64];

    snprintf(name, sizeof name, "driver-%" PRId64, kept->driver);
    if (kept->is_forgotten)
        TRY(store->remove(store->context, name, err));
    TRY(put_package(store, kept->driver, kept->package, err));
    if (!kept->is_forgotten)
        TRY(store->put(store->context, name, kept->record.bytes, (uint32_t)kept->record.byte_count,
                       err));
    return kept->is_forgotten || kept->has_no_package ? remove_package(store, kept->driver, err)
                                                      : ST_OK;
}

static Status get_package(const MasterStore *store, const char *record, Arena *arena, Error *err,
                          WireBytes *package_out)
{
    WireWriter whole = {.arena = arena};

    for (uint32_t number = 0;; number++) {
        WireBytes piece;

        TRY(store->get(store->context, arena_printf(arena, "%s.%u", record, number), arena, err,
                       &piece));
        if (piece.bytes == NULL)
            break;
        wire_put_bytes(&whole, piece.bytes, piece.byte_count);
    }
    *package_out = (WireBytes){whole.bytes, whole.length};
    return ST_OK;
}

Status store_restore(const MasterStore *store, MasterState *state, int64_t now_ns, Error *err)
{
    Arena *arena = arena_new(NULL, "restore", ARENA_NO_CAP);
    Arena *one = arena_new(arena, "driver", ARENA_NO_CAP);
    const char **names;
    uint32_t count;
    Status status = store->list(store->context, arena, err, &names, &count);

    for (uint32_t i = 0; i < count && status == ST_OK; i++) {
        WireBytes record, package = {0};
        Error bad = ERROR_NONE;

        if (strncmp(names[i], "driver-", 7) != 0 || strchr(names[i], '.') != NULL)
            continue;
        arena_reset(one);
        status = store->get(store->context, names[i], one, err, &record);
        if (status == ST_OK)
            status = get_package(store, names[i], one, err, &package);
        if (status == ST_OK && record.bytes != NULL &&
            master_restore_driver(state, record, package, now_ns, &bad) != ST_OK)
            LOG_WARN(area, "what was kept as %s is left out: %s", names[i], bad.message);
    }
    arena_free(arena);
    return status;
}

Status store_next_ids(const MasterStore *store, int64_t by_clock, Error *err, int64_t *first_id_out)
{
    Arena *arena = arena_new(NULL, "ids", ARENA_NO_CAP);
    WireBytes kept;
    Status status = store->get(store->context, ids_name, arena, err, &kept);
    int64_t last = status != ST_OK || kept.bytes == NULL
                       ? 0
                       : strtoll(arena_strndup(arena, kept.bytes, kept.byte_count), NULL, 10);
    const char *text;

    *first_id_out = by_clock > last ? by_clock : last + ELECTION_IDS;
    text = arena_printf(arena, "%" PRId64, *first_id_out);
    if (status == ST_OK)
        status = store->put(store->context, ids_name, text, (uint32_t)strlen(text), err);
    arena_free(arena);
    return status;
}

/* --- a folder --- */

static Status file_put(void *context, const char *name, const void *bytes, uint32_t byte_count,
                       Error *err)
{
    const char *folder = context;
    char path[PATH_MAX], temporary[PATH_MAX + 8];
    bool is_written;
    int fd;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot write \"%s\"", temporary);
    is_written = write(fd, bytes, byte_count) == (ssize_t)byte_count && fsync(fd) == 0;
    if (close(fd) != 0 || !is_written || rename(temporary, path) != 0) {
        int failure = errno;

        unlink(temporary);
        return error_set_errno(err, failure, "cannot write \"%s\"", path);
    }
    return ST_OK;
}

static Status file_remove(void *context, const char *name, Error *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", (const char *)context, name);
    return unlink(path) == 0 || errno == ENOENT
               ? ST_OK
               : error_set_errno(err, errno, "cannot remove \"%s\"", path);
}

static Status file_list(void *context, Arena *arena, Error *err, const char ***names_out,
                        uint32_t *count_out)
{
    enum { NAMES_MAX = MASTER_DRIVERS_MAX * 64 };
    DIR *folder = opendir(context);

    *names_out = ARENA_ARRAY(arena, const char *, NAMES_MAX);
    *count_out = 0;
    if (folder == NULL)
        return error_set_errno(err, errno, "cannot read \"%s\"", (const char *)context);
    for (struct dirent *entry = readdir(folder); entry != NULL && *count_out < NAMES_MAX;
         entry = readdir(folder))
        (*names_out)[(*count_out)++] = arena_strdup(arena, entry->d_name);
    closedir(folder);
    return ST_OK;
}

static Status file_get(void *context, const char *name, Arena *arena, Error *err,
                       WireBytes *bytes_out)
{
    char path[PATH_MAX], *bytes;
    ssize_t got;
    int fd;

    *bytes_out = (WireBytes){0};
    snprintf(path, sizeof path, "%s/%s", (const char *)context, name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ST_OK : error_set_errno(err, errno, "cannot read \"%s\"", path);
    bytes = arena_alloc_raw(arena, STORE_VALUE_BYTES_MAX);
    got = read(fd, bytes, STORE_VALUE_BYTES_MAX);
    close(fd);
    if (got < 0)
        return error_set_errno(err, errno, "cannot read \"%s\"", path);
    *bytes_out = (WireBytes){bytes, (size_t)got};
    return ST_OK;
}

Status master_store_folder(const char *folder, Error *err, MasterStore *store_out)
{
    *store_out =
        (MasterStore){(void *)(uintptr_t)folder, file_put, file_remove, file_list, file_get};
    return mkdir(folder, 0700) == 0 || errno == EEXIST
               ? ST_OK
               : error_set_errno(err, errno, "cannot make the folder \"%s\"", folder);
}
