/*
 * code_disk.h -- the code cache's files
 *
 *     <directory>/<32 hex digits of XXH3-128 of target and text>.code
 *
 *     8 bytes   "VONKOBJ1"
 *     8 bytes   XXH3-64 of all that follows
 *     3 x 8     lengths of target, text, object
 *     target, text, object
 *
 * Files are code that will run: they are read only when they belong to this user and nobody else
 * can write them, and only when every byte is as it was written. Anything else is no hit.
 */
#ifndef VONK_CODEGEN_CODE_DISK_H
#define VONK_CODEGEN_CODE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes the folder (0700) where it is missing; false when it cannot be trusted or made. */
bool code_disk_prepare(const char *directory);

/* The object kept for target and text, malloc'ed; NULL when there is none that can be trusted. */
void *code_disk_read(const char *directory, const char *target, const char *text,
                     size_t *bytes_out);

/* Keeps an object. One write in 64 looks through the folder, which may hold tens of thousands, and
 * removes the least recently used files past limit_bytes. Failing is no error: the next process
 * compiles again. */
void code_disk_write(const char *directory, const char *target, const char *text,
                     const void *object, size_t bytes, uint64_t limit_bytes);

#endif
