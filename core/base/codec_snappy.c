/* codec_snappy.c -- snappy blocks */
#include <snappy-c.h>

#include "core/base/codec_internal.h"

static bool snappy_decompress(void **slot, const void *from, size_t from_bytes, void *to,
                              size_t to_bytes)
{
    size_t promised, written = to_bytes;

    (void)slot;
    if (snappy_uncompressed_length(from, from_bytes, &promised) != SNAPPY_OK ||
        promised != to_bytes)
        return false;
    return snappy_uncompress(from, from_bytes, to, &written) == SNAPPY_OK && written == to_bytes;
}

static size_t snappy_compress_block(void **slot, int level, const void *from, size_t from_bytes,
                                    void *to, size_t to_room)
{
    size_t written = to_room;

    (void)slot;
    (void)level;
    return snappy_compress(from, from_bytes, to, &written) == SNAPPY_OK ? written : 0;
}

/* The best a copy does is 64 bytes out of 3 (two-byte offsets) */
const CodecClass codec__snappy = {.name = "snappy",
                                  .expansion_max = 64,
                                  .decompress = snappy_decompress,
                                  .bound = snappy_max_compressed_length,
                                  .compress = snappy_compress_block};
