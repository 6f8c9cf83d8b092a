/* content_hash.c -- see content_hash.h */
#include "core/base/content_hash.h"

#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/file.h"

enum { PIECE_BYTES = 64 << 10 };

static ContentHash hash_of(XXH128_hash_t hash)
{
    return (ContentHash){.low = hash.low64, .high = hash.high64};
}

ContentHash content_hash(const void *bytes, size_t byte_count)
{
    return hash_of(XXH3_128bits(bytes, byte_count));
}

Status content_hash_of_file(const char *path, Error *err, ContentHash *hash_out)
{
    XXH3_state_t state;
    char piece[PIECE_BYTES];
    size_t got = sizeof piece;
    uint64_t at = 0;
    Status status = ST_OK;
    File *file;

    *hash_out = (ContentHash){0};
    TRY(file_open(path, err, &file));
    XXH3_128bits_reset(&state);
    while (status == ST_OK && got == sizeof piece) {
        status = file_read_some(file, at, piece, sizeof piece, err, &got);
        XXH3_128bits_update(&state, piece, got);
        at += got;
    }
    file_close(file);
    if (status == ST_OK)
        *hash_out = hash_of(XXH3_128bits_digest(&state));
    return status;
}

void content_hash_text(ContentHash hash, char text_out[CONTENT_HASH_TEXT_BYTES])
{
    snprintf(text_out, CONTENT_HASH_TEXT_BYTES, "%016llx%016llx", (unsigned long long)hash.high,
             (unsigned long long)hash.low);
}
