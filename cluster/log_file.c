/* log_file.c -- see log_file.h */
#include "cluster/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

Status log_file_open(LogFile *log, const char *path, Error *err)
{
    struct stat file;

    *log = (LogFile){.fd = -1};
    if (strlen(path) + sizeof ".1" > sizeof log->path)
        return error_set(err, ST_BAD_INPUT, "the path of a log is too long: \"%.200s...\"", path);
    snprintf(log->path, sizeof log->path, "%s", path);
    log->fd = open_log(path);
    if (log->fd < 0)
        return error_set_errno(err, errno, "cannot write the log \"%s\"", path);
    if (fstat(log->fd, &file) == 0)
        log->bytes = (uint64_t)file.st_size;
    return ST_OK;
}

/* path -> path.1 -> path.2; the new file's descriptor, or -1 */
static int turn_over(const LogFile *log)
{
    char from[PATH_MAX + 16], to[PATH_MAX + 16];

    for (int i = LOG_FILES_KEPT; i > 0; i--) {
        snprintf(to, sizeof to, "%s.%d", log->path, i);
        if (i == 1)
            snprintf(from, sizeof from, "%s", log->path);
        else
            snprintf(from, sizeof from, "%s.%d", log->path, i - 1);
        rename(from, to); /* one that is not there yet: no matter */
    }
    return open_log(log->path);
}

void log_file_add(LogFile *log, const char *bytes, size_t byte_count)
{
    ssize_t written;

    if (log->fd < 0)
        return;
    if (log->bytes >= LOG_FILE_BYTES) {
        int fd = turn_over(log);

        if (fd < 0)
            return;
        close(log->fd);
        log->fd = fd;
        log->bytes = 0;
    }
    written = write(log->fd, bytes, byte_count);
    if (written > 0)
        log->bytes += (uint64_t)written;
}

void log_file_close(LogFile *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

static bool become(int fd)
{
    return dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0;
}

Status log_file_become_output(LogFile *log, const char *path, Error *err)
{
    TRY(log_file_open(log, path, err));
    if (!become(log->fd))
        return error_set_errno(err, errno, "cannot write the log \"%s\"", path);
    log_file_close(log);
    return ST_OK;
}

void log_file_follow(LogFile *log)
{
    struct stat file;
    int fd;

    if (log->path[0] == '\0' || fstat(STDERR_FILENO, &file) != 0 || file.st_size < LOG_FILE_BYTES)
        return;
    fd = turn_over(log);
    if (fd < 0)
        return;
    (void)become(fd);
    close(fd);
}
