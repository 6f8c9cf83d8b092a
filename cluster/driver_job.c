/* driver_job.c -- see driver_job.h */
#include "cluster/driver_job.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1 };

static const WireKind job_kind = {"driver's job", {'V', 'D', 'J', 'B'}, FORMAT, 0};
static const WireKind package_kind = {"driver's package", {'V', 'D', 'P', 'K'}, FORMAT, 0};

/* --- the job --- */

Status driver_job_write(const DriverJob *job, Arena *arena, Error *err, WireBytes *bytes_out)
{
    WireWriter to = {.arena = arena, .bytes_max = DRIVER_JOB_BYTES_MAX};

    *bytes_out = (WireBytes){0};
    if (job->word_count > DRIVER_WORDS_MAX)
        return error_set(err, ST_BAD_INPUT, "a job has more than %d arguments", DRIVER_WORDS_MAX);
    wire_begin(&to);
    wire_put_text(&to, job->name);
    wire_put_u8(&to, job->is_supervised);
    wire_put_u64(&to, job->package.low);
    wire_put_u64(&to, job->package.high);
    wire_put_u32(&to, job->word_count);
    for (uint32_t i = 0; i < job->word_count; i++)
        wire_put_text(&to, job->words[i]);
    if (to.is_full)
        return error_set(err, ST_BAD_INPUT, "a job's arguments have more than %d KiB",
                         DRIVER_JOB_BYTES_MAX >> 10);
    return wire_seal(&to, &job_kind, err, bytes_out);
}

Status driver_job_read(WireBytes bytes, Arena *arena, Error *err, DriverJob *job_out)
{
    const char **words;
    WireReader from;

    *job_out = (DriverJob){.name = ""};
    TRY(wire_unseal(bytes.bytes, bytes.byte_count, &job_kind, err, &from));
    job_out->name = wire_get_name(&from, arena);
    job_out->is_supervised = wire_get_bool(&from);
    job_out->package.low = wire_get_u64(&from);
    job_out->package.high = wire_get_u64(&from);
    job_out->word_count = wire_get_count(&from, 1, "arguments");
    if (job_out->word_count > DRIVER_WORDS_MAX)
        return wire_fail(&from, "too many arguments");
    job_out->words = words = ARENA_ARRAY(arena, const char *, job_out->word_count);
    for (uint32_t i = 0; i < job_out->word_count; i++)
        words[i] = wire_get_name(&from, arena);
    return wire_end(&from);
}

/* --- the package --- */

static Status too_large(Error *err)
{
    error_set(err, ST_BAD_INPUT, "the job and its files have more than %d MiB",
              DRIVER_PACKAGE_BYTES_MAX >> 20);
    error_hint(err, "Put larger files where every node reads them.");
    return ST_BAD_INPUT;
}

static Status add_content(WireWriter *to, int fd, const char *path, Error *err)
{
    struct stat info;
    size_t done = 0;

    if (fstat(fd, &info) != 0)
        return error_set_errno(err, errno, "cannot read \"%s\"", path);
    if (!S_ISREG(info.st_mode))
        return error_set(err, ST_BAD_INPUT, "\"%s\" is no plain file", path);
    if (info.st_size > DRIVER_PACKAGE_BYTES_MAX)
        return too_large(err);
    wire_put_u32(to, (uint32_t)info.st_size);
    wire_reserve(to, (size_t)info.st_size);
    if (to->is_full)
        return too_large(err);
    while (done < (size_t)info.st_size) {
        ssize_t got = read(fd, to->bytes + to->length, (size_t)info.st_size - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, ST_IO, "\"%s\" has changed while it was read", path);
        to->length += (size_t)got;
        done += (size_t)got;
    }
    return ST_OK;
}

Status driver_package_write(const DriverFile *files, uint32_t count, Arena *arena, Error *err,
                            WireBytes *package_out)
{
    WireWriter to = {.arena = arena, .bytes_max = DRIVER_PACKAGE_BYTES_MAX};

    *package_out = (WireBytes){0};
    if (count > DRIVER_FILES_MAX)
        return error_set(err, ST_BAD_INPUT, "a job has more than %d files", DRIVER_FILES_MAX);
    wire_begin(&to);
    wire_put_u32(&to, count);
    for (uint32_t i = 0; i < count; i++) {
        int fd = open(files[i].path, O_RDONLY | O_CLOEXEC);
        Status status;

        if (fd < 0)
            return error_set_errno(err, errno, "cannot read \"%s\"", files[i].path);
        wire_put_text(&to, files[i].name);
        status = add_content(&to, fd, files[i].path, err);
        close(fd);
        TRY(status);
    }
    return to.is_full ? too_large(err) : wire_seal(&to, &package_kind, err, package_out);
}

static Status write_file(const char *path, const char *bytes, uint32_t byte_count, Error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0700);
    uint32_t done = 0;

    if (fd < 0)
        return error_set_errno(err, errno, "cannot write \"%s\"", path);
    while (done < byte_count) {
        ssize_t put = write(fd, bytes + done, byte_count - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            int failure = errno;

            close(fd);
            return error_set_errno(err, failure, "cannot write \"%s\"", path);
        }
        done += (uint32_t)put;
    }
    close(fd);
    return ST_OK;
}

static bool is_plain(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

Status driver_package_unpack(WireBytes package, const char *folder, Error *err)
{
    Arena *arena = arena_new(NULL, "package", ARENA_NO_CAP);
    WireReader from;
    Status status = wire_unseal(package.bytes, package.byte_count, &package_kind, err, &from);
    uint32_t count = status == ST_OK ? wire_get_count(&from, 2, "files") : 0;

    for (uint32_t i = 0; i < count && status == ST_OK; i++) {
        const char *name = wire_get_name(&from, arena), *bytes;
        uint32_t byte_count;

        bytes = wire_get_blob(&from, &byte_count);
        if (from.status != ST_OK || !is_plain(name))
            status = wire_fail(&from, "a file without a name");
        else
            status = write_file(arena_printf(arena, "%s/%s", folder, name), bytes, byte_count, err);
    }
    if (status == ST_OK)
        status = wire_end(&from);
    arena_free(arena);
    return status;
}
