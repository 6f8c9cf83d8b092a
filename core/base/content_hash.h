/*
 * content_hash.h -- the name of what travels: a hash of all its bytes (XXH3, 128 bits)
 *
 * It tells versions of a file apart. It is no proof against somebody who wants two files of one
 * name: those who may send files here may run code anyway.
 */
#ifndef VONK_CORE_BASE_CONTENT_HASH_H
#define VONK_CORE_BASE_CONTENT_HASH_H

#include <stddef.h>

#include "core/base/status.h"

typedef struct ContentHash {
    uint64_t low, high;
} ContentHash;

enum { CONTENT_HASH_TEXT_BYTES = 33 };

ContentHash content_hash(const void *bytes, size_t byte_count);
/* Of the whole file, which is read a piece at a time. */
MUST_CHECK Status content_hash_of_file(const char *path, Error *err, ContentHash *hash_out);

static inline bool content_hash_equal(ContentHash a, ContentHash b)
{
    return a.low == b.low && a.high == b.high;
}

/* 32 hexadecimal digits: a file's name in a cache. */
void content_hash_text(ContentHash hash, char text_out[CONTENT_HASH_TEXT_BYTES]);

#endif
