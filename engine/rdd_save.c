/*
 * rdd_save.c -- a folder of part files, one a partition, which appears whole or not at all
 *
 *     .NAME.PID.N.tmp/part-00000.csv, part-00001.csv, ...   each whole
 *     -> NAME/                                              when all are there
 *
 * As of Spark's files, the system writes them to the disk when it sees fit, which may be after the
 * job: with sync_saves all are there before the folder has its name.
 */
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "engine/rdd_internal.h"
#include "engine/session_internal.h"

/* "data/out/" -> "data/out"; what stands before the last slash goes to *parent_out. */
static const char *folder_name(Arena *arena, const char *path, const char **parent_out)
{
    size_t bytes = strlen(path);
    const char *slash, *name;

    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    path = arena_printf(arena, "%.*s", (int)bytes, path);
    slash = strrchr(path, '/');
    name = slash == NULL ? path : slash + 1;
    *parent_out = slash == NULL   ? "."
                  : slash == path ? "/"
                                  : arena_printf(arena, "%.*s", (int)(slash - path), path);
    return name;
}

/* The folder's files, which nobody else has seen yet, and their names. */
static Status sync_files(Arena *arena, const char *path, Error *err)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    Status status = ST_OK;

    if (folder == NULL)
        return error_set_errno(err, errno, "cannot read the folder \"%s\"", path);
    while (status == ST_OK && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            status = file_sync(arena_printf(arena, "%s/%s", path, entry->d_name), err);
    closedir(folder);
    return status == ST_OK ? file_sync(path, err) : status;
}

/* Of its files all, or just the hidden ones. */
static void remove_files(Arena *arena, const char *path, bool just_hidden)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && (name[0] == '.' || !just_hidden))
            (void)unlink(arena_printf(arena, "%s/%s", path, name));
    }
    if (folder != NULL)
        closedir(folder);
}

typedef struct Save {
    const char *parent, *final, *temporary; /* folders; live as long as the session */
    bool is_synced;
} Save;

/* All parts are there: the folder gets its name. */
static Status name_folder(void *opaque, Error *err)
{
    const Save *save = opaque;
    Arena *arena = arena_new(NULL, "save", ARENA_NO_CAP);
    Status status = ST_OK;

    /* of tasks that were killed, where files have names from the start (file_writer_open) */
    remove_files(arena, save->temporary, true);
    if (save->is_synced)
        status = sync_files(arena, save->temporary, err);
    arena_free(arena);
    /* over an empty folder made meanwhile, at most: never over files */
    if (status == ST_OK && rename(save->temporary, save->final) != 0)
        status = error_set_errno(err, errno, "cannot rename \"%s\" to \"%s\"", save->temporary,
                                 save->final);
    return status == ST_OK && save->is_synced ? file_sync(save->parent, err) : status;
}

static void remove_folder(void *opaque)
{
    const Save *save = opaque;
    Arena *arena = arena_new(NULL, "remove a folder", ARENA_NO_CAP);

    remove_files(arena, save->temporary, false);
    (void)rmdir(save->temporary);
    arena_free(arena);
}

static const Plan *write_parts(VonkRdd *rdd, const char *folder, const char *format)
{
    Arena *arena = rdd->rdds->arena;
    const char **names = ARENA_ARRAY(arena, const char *, rdd->layout->field_count);
    PlanColumn count = {
        .id = plan_new_column(&rdd->rdds->ids), .type = type_of(TYPE_INT8), .name = "count"};
    PlanWrite *write;

    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        names[i] = rdd->layout->fields[i].name;
    write =
        arena_copy(arena,
                   plan_write(arena, rdd_whole(rdd)->plan, folder, format,
                              (NameList){rdd->layout->field_count, names}, (OptionList){0}, count),
                   sizeof *write);
    write->is_parts = true;
    return &write->head;
}

static Status save_folder(VonkRdd *rdd, const char *path, const char *format, Error *err)
{
    static atomic_uint saves;
    Arena *arena = rdd->rdds->arena;
    const char *parent, *name = folder_name(arena, path, &parent);
    Save save = {.parent = arena_strdup(arena, parent),
                 .final = arena_printf(arena, "%s/%s", parent, name),
                 .temporary = arena_printf(arena, "%s/.%s.%ld.%u.tmp", parent, name, (long)getpid(),
                                           atomic_fetch_add(&saves, 1)),
                 .is_synced = rdd->rdds->session->session->config.sync_saves};
    RddAction action = {.rdd = rdd,
                        .plan = write_parts(rdd, save.temporary, format),
                        .settle = name_folder,
                        .failed = remove_folder,
                        .context = &save,
                        .context_bytes = sizeof save};
    struct stat info;
    Status status;

    if (lstat(save.final, &info) == 0) {
        status = error_set(err, ST_BAD_INPUT, "\"%s\" is there already", save.final);
        error_hint(err, "Save to a new folder, or remove it first.");
        return status;
    }
    if (mkdir(save.temporary, 0777) != 0)
        return error_set_errno(err, errno, "cannot make the folder \"%s\"", save.temporary);
    return rdd_act(&action, err);
}

static VonkStatus save(VonkRdd *rdd, const char *folder, const char *format, VonkError *error)
{
    if (rdd_is_failed(rdd))
        return rdd_report(rdd, error);
    if (folder == NULL)
        return rdd_missing(error, "the folder");
    return (VonkStatus)save_folder(rdd, folder, format, (Error *)error);
}

VonkStatus vonk_rdd_save_as_text(VonkRdd *rdd, const char *folder, VonkError *error)
{
    return save(rdd, folder, "text", error);
}

VonkStatus vonk_rdd_save_as_csv(VonkRdd *rdd, const char *folder, VonkError *error)
{
    return save(rdd, folder, "csv", error);
}

VonkStatus vonk_rdd_save_as_parquet(VonkRdd *rdd, const char *folder, VonkError *error)
{
    return save(rdd, folder, "parquet", error);
}
