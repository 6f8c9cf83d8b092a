/* codec_zstd.c -- zstd frames in one block of memory */
#include <zstd.h>

#include "core/base/codec_internal.h"

static bool zstd_decompress(void **slot, const void *from, size_t from_bytes, void *to,
                            size_t to_bytes)
{
    if (*slot == NULL)
        *slot = ZSTD_createDCtx();
    return *slot != NULL && ZSTD_decompressDCtx(*slot, to, to_bytes, from, from_bytes) == to_bytes;
}

static size_t zstd_compress(void **slot, int level, const void *from, size_t from_bytes, void *to,
                            size_t to_room)
{
    size_t written;

    if (*slot == NULL)
        *slot = ZSTD_createCCtx();
    if (*slot == NULL)
        return 0;
    written = ZSTD_compressCCtx(*slot, to, to_room, from, from_bytes, level);
    return ZSTD_isError(written) ? 0 : written;
}

static void zstd_free_slots(void *decompress_slot, void *compress_slot)
{
    ZSTD_freeDCtx(decompress_slot);
    ZSTD_freeCCtx(compress_slot);
}

/* a block of 4 bytes can stand for 128 KiB of one byte */
const CodecClass codec__zstd = {.name = "zstd",
                                .expansion_max = 1 << 15,
                                .decompress = zstd_decompress,
                                .bound = ZSTD_compressBound,
                                .compress = zstd_compress,
                                .free_slots = zstd_free_slots};
