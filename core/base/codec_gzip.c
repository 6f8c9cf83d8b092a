/* codec_gzip.c -- gzip members and zlib streams in one block of memory, by libdeflate */
#include <libdeflate.h>
#include <stdint.h>

#include "core/base/codec.h"
#include "core/base/codec_internal.h"

enum { USUAL_LEVEL = 6 };

uint32_t codec_crc32(const void *bytes, size_t byte_count)
{
    return libdeflate_crc32(0, bytes, byte_count);
}

static bool is_gzip(const uint8_t *from, size_t from_bytes)
{
    return from_bytes >= 2 && from[0] == 0x1f && from[1] == 0x8b;
}

/* Concatenated members are one text (RFC 1952); zeros after the last are padding. */
static bool decompress_members(struct libdeflate_decompressor *decompressor, const uint8_t *from,
                               size_t from_bytes, uint8_t *to, size_t to_bytes)
{
    while (is_gzip(from, from_bytes)) {
        size_t taken, made;

        if (libdeflate_gzip_decompress_ex(decompressor, from, from_bytes, to, to_bytes, &taken,
                                          &made) != LIBDEFLATE_SUCCESS)
            return false;
        from += taken;
        from_bytes -= taken;
        to += made;
        to_bytes -= made;
    }
    return to_bytes == 0;
}

static bool gzip_decompress(void **slot, const void *from, size_t from_bytes, void *to,
                            size_t to_bytes)
{
    if (*slot == NULL)
        *slot = libdeflate_alloc_decompressor();
    if (*slot == NULL)
        return false;
    if (is_gzip(from, from_bytes))
        return decompress_members(*slot, from, from_bytes, to, to_bytes);
    return libdeflate_zlib_decompress(*slot, from, from_bytes, to, to_bytes, NULL) ==
           LIBDEFLATE_SUCCESS;
}

static size_t gzip_bound(size_t from_bytes)
{
    return libdeflate_gzip_compress_bound(NULL, from_bytes);
}

/* The compressor depends on the level, so it is made anew: writing gzip is rare. */
static size_t gzip_compress(void **slot, int level, const void *from, size_t from_bytes, void *to,
                            size_t to_room)
{
    struct libdeflate_compressor *compressor =
        libdeflate_alloc_compressor(level == 0 ? USUAL_LEVEL : level);
    size_t written;

    (void)slot;
    if (compressor == NULL)
        return 0;
    written = libdeflate_gzip_compress(compressor, from, from_bytes, to, to_room);
    libdeflate_free_compressor(compressor);
    return written;
}

static void gzip_free_slots(void *decompress_slot, void *compress_slot)
{
    (void)compress_slot;
    libdeflate_free_decompressor(decompress_slot);
}

const CodecClass codec__gzip = {.name = "gzip",
                                .expansion_max = 1032, /* deflate: 258 bytes of two bits */
                                .decompress = gzip_decompress,
                                .bound = gzip_bound,
                                .compress = gzip_compress,
                                .free_slots = gzip_free_slots};
