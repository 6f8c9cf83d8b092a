/*
 * driver_job.h -- what a driver that workers run is made of, as it travels
 *
 *     vonk submit: driver_package_write, driver_job_write -> the master, which keeps both
 *         -> a worker: driver_job_read; driver_package_unpack into a folder, in which it runs
 *             vonk submit --master URL WORD...
 *
 * The package holds the job's object and its side files; its name is the hash of its content, by
 * which workers keep it for the next time.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_DRIVER_JOB_H
#define VONK_CLUSTER_DRIVER_JOB_H

#include "core/base/content_hash.h"
#include "core/base/wire.h"

enum {
    DRIVER_JOB_BYTES_MAX = 64 << 10,
    DRIVER_PACKAGE_BYTES_MAX = 8 << 20,
    DRIVER_FILES_MAX = 256,
    DRIVER_WORDS_MAX = 1024
};

typedef struct DriverJob {
    const char *name;
    bool is_supervised; /* started again when its process dies */
    uint32_t word_count;
    const char *const *words;
    ContentHash package;
} DriverJob;

typedef struct DriverFile {
    const char *name; /* in the folder: no '/' */
    const char *path; /* where it is now */
} DriverFile;

/* What they write and read lives in the arena. ST_BAD_INPUT: it is too large. */
MUST_CHECK Status driver_job_write(const DriverJob *job, Arena *arena, Error *err,
                                   WireBytes *bytes_out);
MUST_CHECK Status driver_job_read(WireBytes bytes, Arena *arena, Error *err, DriverJob *job_out);

MUST_CHECK Status driver_package_write(const DriverFile *files, uint32_t count, Arena *arena,
                                       Error *err, WireBytes *package_out);
MUST_CHECK Status driver_package_unpack(WireBytes package, const char *folder, Error *err);

#endif
