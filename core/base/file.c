/* file.c -- see file.h */
#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/base/invariant.h"

enum { WRITE_BUFFER_BYTES = FILE_WRITER_ROOM_MAX, OPEN_TRIES = 100 };

struct File {
    int descriptor;
    FileStamp stamp;
    char path[];
};

struct FileWriter {
    int descriptor;
    char *path;
    char *temporary_path;
    bool is_named;   /* the temporary file is at its path; else it has no name yet */
    uint64_t offset; /* bytes added, buffered ones included */
    size_t buffered;
    char buffer[WRITE_BUFFER_BYTES];
};

static FileStamp stamp_of(const struct stat *info)
{
    return (FileStamp){.bytes = (uint64_t)info->st_size,
                       .modified_ns =
                           (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec};
}

Status file_open(const char *path, Error *err, File **file_out)
{
    struct stat info;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t path_bytes = strlen(path) + 1;
    File *file;

    *file_out = NULL;
    if (descriptor < 0)
        return error_set_errno(err, errno, "could not open file \"%s\"", path);
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(descriptor);
        return error_set(err, ST_IO, "\"%s\" is not a regular file", path);
    }
    file = heap_new(sizeof *file + path_bytes);
    file->descriptor = descriptor;
    file->stamp = stamp_of(&info);
    memcpy(file->path, path, path_bytes);
    *file_out = file;
    return ST_OK;
}

void file_close(File *file)
{
    if (file == NULL)
        return;
    close(file->descriptor);
    free(file);
}

const char *file_path(const File *file)
{
    return file->path;
}

uint64_t file_size(const File *file)
{
    return file->stamp.bytes;
}

FileStamp file_stamp(const File *file)
{
    return file->stamp;
}

/* An empty one is as it was, whenever it was changed; those of /proc are. */
static Status compare_stamps(const char *path, FileStamp now, FileStamp then, Error *err)
{
    if (now.bytes == then.bytes && (now.modified_ns == then.modified_ns || now.bytes == 0))
        return ST_OK;
    error_set(err, ST_IO,
              "file \"%s\" is not the one that the query was planned on: it has %llu bytes, where "
              "that had %llu%s",
              path, (unsigned long long)now.bytes, (unsigned long long)then.bytes,
              now.bytes == then.bytes ? ", and was changed at another time" : "");
    error_hint(err, "Run the query again. Copies of a file on several machines need its time too: "
                    "cp -p, rsync -t.");
    return ST_IO;
}

Status file_check_stamp(const File *file, FileStamp stamp, Error *err)
{
    return compare_stamps(file->path, file->stamp, stamp, err);
}

Status file_check_unchanged(const File *file, Error *err)
{
    struct stat info;

    if (fstat(file->descriptor, &info) != 0)
        return error_set_errno(err, errno, "cannot look at \"%s\"", file->path);
    return compare_stamps(file->path, stamp_of(&info), file->stamp, err);
}

Status file_read_some(const File *file, uint64_t offset, void *to, size_t byte_count, Error *err,
                      size_t *got_out)
{
    size_t got = 0;

    *got_out = 0;
    if (offset > INT64_MAX - byte_count)
        return error_set(err, ST_IO, "could not read file \"%s\": offset %llu is too large",
                         file->path, (unsigned long long)offset);
    while (got < byte_count) {
        ssize_t more =
            pread(file->descriptor, (char *)to + got, byte_count - got, (off_t)(offset + got));

        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return error_set_errno(err, errno, "could not read file \"%s\" at offset %llu",
                                   file->path, (unsigned long long)(offset + got));
        if (more == 0)
            break;
        got += (size_t)more;
    }
    *got_out = got;
    return ST_OK;
}

Status file_read_at(const File *file, uint64_t offset, void *to, size_t byte_count, Error *err)
{
    size_t got;

    TRY(file_read_some(file, offset, to, byte_count, err, &got));
    if (got == byte_count)
        return ST_OK;
    return error_set(err, ST_IO, "file \"%s\" ends at %llu, before the %zu bytes wanted at %llu",
                     file->path, (unsigned long long)(offset + got), byte_count,
                     (unsigned long long)offset);
}

void file_will_need(const File *file, uint64_t offset, uint64_t byte_count)
{
    (void)posix_fadvise(file->descriptor, (off_t)offset, (off_t)byte_count, POSIX_FADV_WILLNEED);
}

static Status read_whole(const File *file, uint64_t limit_bytes, MemPool *pool, Error *err,
                         void **bytes_out, size_t *byte_count_out)
{
    Status status;

    if (file->stamp.bytes > limit_bytes)
        return error_set(err, ST_BAD_INPUT,
                         "file \"%s\" has %llu bytes, more than the %llu allowed", file->path,
                         (unsigned long long)file->stamp.bytes, (unsigned long long)limit_bytes);
    TRY(mem_pool_alloc(pool, file->stamp.bytes, "file contents", err, bytes_out));
    status = file_read_at(file, 0, *bytes_out, file->stamp.bytes, err);
    if (status != ST_OK) {
        mem_pool_release(pool, *bytes_out, file->stamp.bytes);
        *bytes_out = NULL;
        return status;
    }
    *byte_count_out = file->stamp.bytes;
    return ST_OK;
}

Status file_read_whole(const char *path, uint64_t limit_bytes, MemPool *pool, Error *err,
                       void **bytes_out, size_t *byte_count_out)
{
    File *file;
    Status status;

    *bytes_out = NULL;
    *byte_count_out = 0;
    TRY(file_open(path, err, &file));
    status = read_whole(file, limit_bytes, pool, err, bytes_out, byte_count_out);
    file_close(file);
    return status;
}

/* "dir/name" -> "dir"; to be freed. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = heap_strdup(slash == NULL ? "." : path);

    if (slash != NULL)
        folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

/* "dir/name" -> "dir/.name.PID.N.tmp" */
static char *temporary_name(const char *path)
{
    static _Atomic unsigned last_number;
    const char *slash = strrchr(path, '/');
    int folder_bytes = slash == NULL ? 0 : (int)(slash - path) + 1;
    char *name;
    int printed = asprintf(&name, "%.*s.%s.%ld.%u.tmp", folder_bytes, path, path + folder_bytes,
                           (long)getpid(), atomic_fetch_add(&last_number, 1));

    if (printed < 0)
        heap_refused(strlen(path));
    return name;
}

static void writer_free(FileWriter *writer)
{
    if (writer->descriptor >= 0)
        close(writer->descriptor);
    free(writer->temporary_path);
    free(writer->path);
    free(writer);
}

/* A file without a name, which ends with its process, however that ends. -1 where the file system
 * (NFS) has none, or nothing could give it a name later (no /proc). */
static int open_unnamed(const char *path)
{
    char *folder = folder_of(path);
    int descriptor = -1;

    if (access("/proc/self/fd", X_OK) == 0)
        descriptor = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    free(folder);
    return descriptor;
}

/* Calls `make`, which gives the writer's file its temporary path, until that is a free one; 0 or
 * an errno. */
static int try_names(FileWriter *writer, int (*make)(FileWriter *))
{
    int error_number = EEXIST;

    for (int i = 0; i < OPEN_TRIES && error_number == EEXIST; i++) {
        free(writer->temporary_path);
        writer->temporary_path = temporary_name(writer->path);
        error_number = make(writer) < 0 ? errno : 0;
    }
    writer->is_named = error_number == 0;
    return error_number;
}

static int create_named(FileWriter *writer)
{
    writer->descriptor =
        open(writer->temporary_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return writer->descriptor;
}

static int link_unnamed(FileWriter *writer)
{
    char link[sizeof "/proc/self/fd/" + 3 * sizeof(int)];

    snprintf(link, sizeof link, "/proc/self/fd/%d", writer->descriptor);
    return linkat(AT_FDCWD, link, AT_FDCWD, writer->temporary_path, AT_SYMLINK_FOLLOW);
}

Status file_writer_open(const char *path, Error *err, FileWriter **writer_out)
{
    struct stat info;
    FileWriter *writer;
    int error_number;

    *writer_out = NULL;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* a rename would take its place */
        return error_set(err, ST_IO, "could not create file \"%s\": there is %s", path,
                         S_ISDIR(info.st_mode) ? "a folder" : "something that is no regular file");
    writer = heap_new(sizeof *writer);
    writer->path = heap_strdup(path);
    writer->descriptor = open_unnamed(path);
    error_number = writer->descriptor < 0 ? try_names(writer, create_named) : 0;
    if (error_number != 0) {
        writer_free(writer);
        return error_set_errno(err, error_number, "could not create file \"%s\"", path);
    }
    *writer_out = writer;
    return ST_OK;
}

static Status write_out(FileWriter *writer, const char *bytes, size_t byte_count, Error *err)
{
    while (byte_count > 0) {
        ssize_t written = write(writer->descriptor, bytes, byte_count);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, errno, "could not write file \"%s\"", writer->path);
        bytes += written;
        byte_count -= (size_t)written;
    }
    return ST_OK;
}

static Status flush_buffer(FileWriter *writer, Error *err)
{
    size_t buffered = writer->buffered;

    writer->buffered = 0;
    return write_out(writer, writer->buffer, buffered, err);
}

Status file_writer_add(FileWriter *writer, const void *bytes, size_t byte_count, Error *err)
{
    writer->offset += byte_count;
    if (byte_count > WRITE_BUFFER_BYTES - writer->buffered)
        TRY(flush_buffer(writer, err));
    if (byte_count >= WRITE_BUFFER_BYTES)
        return write_out(writer, bytes, byte_count, err);
    if (byte_count > 0)
        memcpy(writer->buffer + writer->buffered, bytes, byte_count);
    writer->buffered += byte_count;
    return ST_OK;
}

Status file_writer_room(FileWriter *writer, size_t least_bytes, Error *err, char **room_out,
                        size_t *room_bytes_out)
{
    CHECK(least_bytes <= WRITE_BUFFER_BYTES);
    *room_out = NULL;
    *room_bytes_out = 0;
    if (least_bytes > WRITE_BUFFER_BYTES - writer->buffered)
        TRY(flush_buffer(writer, err));
    *room_out = writer->buffer + writer->buffered;
    *room_bytes_out = WRITE_BUFFER_BYTES - writer->buffered;
    return ST_OK;
}

void file_writer_fill(FileWriter *writer, size_t byte_count)
{
    CHECK(byte_count <= WRITE_BUFFER_BYTES - writer->buffered);
    writer->buffered += byte_count;
    writer->offset += byte_count;
}

uint64_t file_writer_offset(const FileWriter *writer)
{
    return writer->offset;
}

Status file_sync(const char *path, Error *err)
{
    Status status = ST_OK;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    /* some file systems cannot sync a folder (EINVAL): then there is nothing more to do */
    if (descriptor < 0 || (fsync(descriptor) != 0 && errno != EINVAL))
        status = error_set_errno(err, errno, "could not sync \"%s\"", path);
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

/* After the rename: makes the new name itself durable. */
static Status sync_folder_of(const char *path, Error *err)
{
    char *folder = folder_of(path);
    Status status = file_sync(folder, err);

    free(folder);
    return status;
}

static Status finish(FileWriter *writer, bool is_synced, Error *err)
{
    int closed, error_number = 0;

    TRY(flush_buffer(writer, err));
    if (is_synced && fsync(writer->descriptor) != 0)
        return error_set_errno(err, errno, "could not sync file \"%s\"", writer->path);
    if (!writer->is_named)
        error_number = try_names(writer, link_unnamed);
    if (error_number != 0)
        return error_set_errno(err, error_number, "could not create file \"%s\"", writer->path);
    closed = close(writer->descriptor);
    writer->descriptor = -1;
    if (closed != 0)
        return error_set_errno(err, errno, "could not close file \"%s\"", writer->path);
    if (rename(writer->temporary_path, writer->path) != 0)
        return error_set_errno(err, errno, "could not create file \"%s\"", writer->path);
    return is_synced ? sync_folder_of(writer->path, err) : ST_OK;
}

Status file_writer_finish(FileWriter *writer, bool is_synced, Error *err)
{
    Status status = finish(writer, is_synced, err);

    if (status != ST_OK)
        file_writer_abort(writer);
    else
        writer_free(writer);
    return status;
}

void file_writer_abort(FileWriter *writer)
{
    if (writer == NULL)
        return;
    if (writer->is_named)
        unlink(writer->temporary_path);
    writer_free(writer);
}
