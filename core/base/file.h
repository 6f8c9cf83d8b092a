/*
 * file.h -- files: read at a position, read whole, written so that they appear whole or not at all
 *
 *     file_open -> file_read_at, ... -> file_close
 *     file_writer_open -> file_writer_add, ... -> file_writer_finish | file_writer_abort
 *
 * Reading copies (pread) and never maps: a file that shrinks while it is read gives an error, not
 * a SIGBUS.
 *
 * A writer fills a file without a name, which ends with its process; where there is none (NFS) a
 * sibling, ".name.PID.N.tmp". Finishing flushes it to the disk and renames it over the path: a
 * reader finds the old file or the new one, also after a crash. Every error names the path.
 *
 * Thread: calls on one File may come from any thread; a FileWriter belongs to one.
 */
#ifndef VONK_CORE_BASE_FILE_H
#define VONK_CORE_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/mem_pool.h"

typedef struct File File;
typedef struct FileWriter FileWriter;

/* A regular file; directories and pipes are refused with ST_IO. Free with file_close. */
MUST_CHECK Status file_open(const char *path, Error *err, File **file_out);
void file_close(File *file); /* accepts NULL */

const char *file_path(const File *file);
uint64_t file_size(const File *file); /* when it was opened */

/* What tells a file from what was at its path before. */
typedef struct FileStamp {
    uint64_t bytes;
    int64_t modified_ns; /* since 1970 */
} FileStamp;

FileStamp file_stamp(const File *file); /* when it was opened */
/* ST_IO unless the file is the one that had the stamp. */
MUST_CHECK Status file_check_stamp(const File *file, FileStamp stamp, Error *err);
/* ST_IO when it has been written to since it was opened. */
MUST_CHECK Status file_check_unchanged(const File *file, Error *err);

/* Exactly byte_count bytes; ST_IO when the file ends before. */
MUST_CHECK Status file_read_at(const File *file, uint64_t offset, void *to, size_t byte_count,
                               Error *err);

/* Up to byte_count bytes; *got_out < byte_count only at the end of the file. */
MUST_CHECK Status file_read_some(const File *file, uint64_t offset, void *to, size_t byte_count,
                                 Error *err, size_t *got_out);

/* Tells the system that these bytes will be wanted soon. */
void file_will_need(const File *file, uint64_t offset, uint64_t byte_count);

/* The whole file in memory of the pool (release byte_count_out bytes; never NULL on success).
 * More than limit_bytes is refused with ST_BAD_INPUT. */
MUST_CHECK Status file_read_whole(const char *path, uint64_t limit_bytes, MemPool *pool, Error *err,
                                  void **bytes_out, size_t *byte_count_out);

/* Makes the temporary file. Devices, pipes and folders are refused: they are not replaced. */
MUST_CHECK Status file_writer_open(const char *path, Error *err, FileWriter **writer_out);

/* Appends; buffered. After a failure only file_writer_abort may follow. */
MUST_CHECK Status file_writer_add(FileWriter *writer, const void *bytes, size_t byte_count,
                                  Error *err);
/* Where the next bytes are buffered: room for at least least_bytes, up to FILE_WRITER_ROOM_MAX.
 * file_writer_fill then adds as many as were written there. */
enum { FILE_WRITER_ROOM_MAX = 1 << 18 };
MUST_CHECK Status file_writer_room(FileWriter *writer, size_t least_bytes, Error *err,
                                   char **room_out, size_t *room_bytes_out);
void file_writer_fill(FileWriter *writer, size_t byte_count);
uint64_t file_writer_offset(const FileWriter *writer); /* bytes added so far */

/* Write, fsync, rename, fsync of the directory; unless it is_synced no fsync: then a power cut
 * within the next seconds may take the file, or what is in it. Frees the writer, also on failure:
 * then the temporary file is gone and the path is as it was. */
MUST_CHECK Status file_writer_finish(FileWriter *writer, bool is_synced, Error *err);

/* What is in the file, or the folder's names, outlives a power cut from now on. */
MUST_CHECK Status file_sync(const char *path, Error *err);
void file_writer_abort(FileWriter *writer); /* removes and frees; accepts NULL */

#endif
