/*
 * log_file.h -- a log that does not fill the disk
 *
 *     log_file_open -> log_file_add, ... -> log_file_close
 *
 * When it has grown to a size it becomes "path.1", what that was "path.2", and a new one begins.
 *
 * Thread: one thread's.
 */
#ifndef VONK_CLUSTER_LOG_FILE_H
#define VONK_CLUSTER_LOG_FILE_H

#include <limits.h>
#include <stddef.h>

#include "core/base/status.h"

enum { LOG_FILE_BYTES = 10 << 20, LOG_FILES_KEPT = 2 /* beside the one at work */ };

typedef struct LogFile {
    int fd;
    uint64_t bytes;
    char path[PATH_MAX];
} LogFile;

/* Appends to what is there; 0600. */
MUST_CHECK Status log_file_open(LogFile *log, const char *path, Error *err);
/* What cannot be written is dropped: nobody would read an error. */
void log_file_add(LogFile *log, const char *bytes, size_t byte_count);
void log_file_close(LogFile *log);

/* Standard output and error of this process go to the file from now on; log_file_follow, a few
 * times a minute, turns it over when it has grown. */
MUST_CHECK Status log_file_become_output(LogFile *log, const char *path, Error *err);
void log_file_follow(LogFile *log);

#endif
