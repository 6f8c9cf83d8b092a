/* csv_input.c -- the bytes of a file, compressed or from a pipe; see csv_internal.h */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/invariant.h"
#include "formats/csv/csv_internal.h"

enum { INPUT_BLOCK_BYTES = 256 << 10, PIPE_BYTES = 64 << 10 };

Status csv_detect_codec(const char *path, Error *err, StreamCodec *codec_out)
{
    unsigned char start[4] = {0};
    size_t got;
    File *file;
    Status status;

    *codec_out = stream_codec_of(path);
    TRY(file_open(path, err, &file));
    status = file_read_some(file, 0, start, sizeof start, err, &got);
    file_close(file);
    if (memcmp(start, "\x1f\x8b", 2) == 0)
        *codec_out = STREAM_GZIP;
    else if (memcmp(start, "\x28\xb5\x2f\xfd", 4) == 0)
        *codec_out = STREAM_ZSTD;
    return status;
}

void csv_input_close(CsvInput *input, MemPool *pool)
{
    file_close(input->file);
    inflater_free(input->inflater);
    mem_pool_release(pool, input->block, INPUT_BLOCK_BYTES);
    *input = (CsvInput){0};
}

Status csv_input_open(CsvInput *input, const char *path, StreamCodec codec, uint64_t offset,
                      MemPool *pool, Error *err)
{
    *input = (CsvInput){.at = offset, .is_between = true};
    TRY(file_open(path, err, &input->file));
    if (codec == STREAM_PLAIN)
        return ST_OK;
    CHECK(offset == 0);
    input->inflater = inflater_new(codec);
    if (input->inflater == NULL)
        return error_set(err, ST_OUT_OF_MEMORY, "out of memory: reading \"%s\"", path);
    return mem_pool_alloc(pool, INPUT_BLOCK_BYTES, "reading a compressed CSV file", err,
                          &input->block);
}

static Status read_plain(CsvInput *input, char *to, size_t bytes, Error *err, size_t *got_out)
{
    uint64_t size = file_size(input->file);
    uint64_t left = size > input->at ? size - input->at : 0;

    *got_out = left < bytes ? (size_t)left : bytes;
    TRY(file_read_at(input->file, input->at, to, *got_out, err));
    input->at += *got_out;
    return ST_OK;
}

static Status read_inflated(CsvInput *input, char *to, size_t bytes, Error *err, size_t *got_out)
{
    *got_out = 0;
    while (*got_out == 0) {
        size_t in_bytes, out_bytes = bytes;
        Status status;

        if (input->block_start == input->block_end) {
            input->block_start = 0;
            TRY(read_plain(input, input->block, INPUT_BLOCK_BYTES, err, &input->block_end));
            if (input->block_end == 0 && !input->is_between)
                return error_set(err, ST_CORRUPT, "\"%s\" ends in the middle of compressed data",
                                 file_path(input->file));
            if (input->block_end == 0)
                return ST_OK;
        }
        in_bytes = input->block_end - input->block_start;
        status = inflater_run(input->inflater, (char *)input->block + input->block_start, &in_bytes,
                              to, &out_bytes, &input->is_between, err);
        if (status != ST_OK) {
            error_detail(
                err, "In \"%s\", near byte %llu.", file_path(input->file),
                (unsigned long long)(input->at - input->block_end + input->block_start + in_bytes));
            return status;
        }
        input->block_start += in_bytes;
        *got_out = out_bytes;
    }
    return ST_OK;
}

Status csv_input_read(CsvInput *input, char *to, size_t bytes, Error *err, size_t *got_out)
{
    return input->inflater == NULL ? read_plain(input, to, bytes, err, got_out)
                                   : read_inflated(input, to, bytes, err, got_out);
}

/* --- pipes --- */

static Status copy_pipe(int from, int to, const char *path, Error *err)
{
    char block[PIPE_BYTES];
    ssize_t got;

    while ((got = read(from, block, sizeof block)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "could not read \"%s\"", path);
        for (ssize_t done = 0, written; done < got; done += written) {
            written = write(to, block + done, (size_t)(got - done));
            if (written < 0 && errno != EINTR)
                return error_set_errno(err, errno, "could not keep what \"%s\" holds in a file",
                                       path);
            if (written < 0)
                written = 0;
        }
    }
    return ST_OK;
}

static int open_nameless(void)
{
    const char *folder = getenv("TMPDIR");

    return open(folder == NULL ? "/tmp" : folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
}

Status csv_spool(Arena *arena, const char *path, Error *err, int *descriptor_out,
                 const char **path_out)
{
    struct stat info;
    int from, to;
    Status status;

    *descriptor_out = -1;
    *path_out = path;
    if (stat(path, &info) != 0 || !(S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)))
        return ST_OK; /* what is no file is refused when it is opened */
    from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set_errno(err, errno, "could not open \"%s\"", path);
    to = open_nameless();
    status = to < 0
                 ? error_set_errno(err, errno, "could not keep what \"%s\" holds in a file", path)
                 : copy_pipe(from, to, path, err);
    close(from);
    if (status != ST_OK) {
        if (to >= 0)
            close(to);
        return status;
    }
    *descriptor_out = to;
    *path_out = arena_printf(arena, "/proc/self/fd/%d", to);
    return ST_OK;
}
