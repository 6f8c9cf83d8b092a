/*
 * spill_file.h -- bytes that memory has no room for, in a file without a name
 *
 *     spill_file_new -> { spill_file_reserve -> spill_file_write, ... -> spill_file_read
 *         -> spill_file_forget } ... -> spill_file_free
 *
 * The file is made by the first write, in a folder of the caller's, and is gone with the process,
 * however that ends. Who writes keeps a checksum: nothing here looks at the bytes.
 *
 * Where they are to be encrypted, each file has a key of its own, in this process's memory alone,
 * and another one when it is cleared: so no place is written twice with the same.
 *
 * Thread: every call may come from any thread, but for new and free.
 */
#ifndef VONK_CORE_BASE_SPILL_FILE_H
#define VONK_CORE_BASE_SPILL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct SpillFile SpillFile;

/* Files of this process that are opened or cleared from now on are encrypted. ST_NOT_SUPPORTED:
 * they cannot be. */
MUST_CHECK Status spill_files_encrypt(Error *err);
bool spill_files_are_encrypted(void);

/* folder: borrowed. */
SpillFile *spill_file_new(const char *folder);
void spill_file_free(SpillFile *file); /* accepts NULL */

/* A place for so many bytes. */
uint64_t spill_file_reserve(SpillFile *file, uint64_t bytes);

/* ST_IO names the folder, and says where more room is to be had. */
MUST_CHECK Status spill_file_write(SpillFile *file, uint64_t offset, const void *bytes,
                                   size_t byte_count, Error *err);

/* Exactly so many bytes; ST_CORRUPT when the file ends before. */
MUST_CHECK Status spill_file_read(const SpillFile *file, uint64_t offset, void *to,
                                  size_t byte_count, Error *err);

/* A place that was reserved is not needed any more: its room on the disk is given back. */
void spill_file_forget(SpillFile *file, uint64_t offset, uint64_t bytes);

/* Nothing in it is needed any more, and nobody is at work on it. */
void spill_file_clear(SpillFile *file);

#endif
