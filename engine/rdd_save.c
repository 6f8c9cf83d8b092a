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

static Status write_parts(VonkRdd *rdd, const char *folder, const char *format, Error *err)
{
    Arena *arena = rdd->rdds->arena;
    const char **names = ARENA_ARRAY(arena, const char *, rdd->layout->field_count);
    PlanColumn count = {
        .id = plan_new_column(&rdd->rdds->ids), .type = type_of(TYPE_INT8), .name = "count"};
    PlanWrite *write;
    RddRun run;

    for (uint32_t i = 0; i < rdd->layout->field_count; i++)
        names[i] = rdd->layout->fields[i].name;
    write =
        arena_copy(arena,
                   plan_write(arena, rdd->plan, folder, format,
                              (NameList){rdd->layout->field_count, names}, (OptionList){0}, count),
                   sizeof *write);
    write->is_parts = true;
    TRY(rdd_run_plan(rdd->rdds, &write->head, err, &run));
    rdd_run_close(&run);
    return ST_OK;
}

static Status save_folder(VonkRdd *rdd, const char *path, const char *format, Error *err)
{
    static atomic_uint saves;
    Arena *arena = rdd->rdds->arena;
    const char *parent, *name = folder_name(arena, path, &parent);
    const char *final = arena_printf(arena, "%s/%s", parent, name);
    const char *temporary = arena_printf(arena, "%s/.%s.%ld.%u.tmp", parent, name, (long)getpid(),
                                         atomic_fetch_add(&saves, 1));
    bool is_synced = rdd->rdds->session->session->config.sync_saves;
    struct stat info;
    Status status;

    if (lstat(final, &info) == 0) {
        status = error_set(err, ST_BAD_INPUT, "\"%s\" is there already", final);
        error_hint(err, "Save to a new folder, or remove it first.");
        return status;
    }
    if (mkdir(temporary, 0777) != 0)
        return error_set_errno(err, errno, "cannot make the folder \"%s\"", temporary);
    status = write_parts(rdd, temporary, format, err);
    /* of tasks that were killed, where files have names from the start (file_writer_open) */
    remove_files(arena, temporary, true);
    if (status == ST_OK && is_synced)
        status = sync_files(arena, temporary, err);
    /* over an empty folder made meanwhile, at most: never over files */
    if (status == ST_OK && rename(temporary, final) != 0)
        status = error_set_errno(err, errno, "cannot rename \"%s\" to \"%s\"", temporary, final);
    if (status != ST_OK) {
        remove_files(arena, temporary, false);
        (void)rmdir(temporary);
        return status;
    }
    return is_synced ? file_sync(parent, err) : ST_OK;
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
