/*
 * codec_lz4.c -- LZ4 blocks, bare and in Hadoop's frames
 *
 * Hadoop's frame: output bytes, input bytes (both big-endian, 4 bytes), one LZ4 block; repeated.
 * Files that name the old "LZ4" codec may also hold LZ4's own frames or one bare block, depending
 * on who wrote them: these are tried in turn, the strictest first.
 */
#include <lz4.h>
#include <lz4frame.h>
#include <stdint.h>
#include <string.h>

#include "core/base/codec_internal.h"

enum { HADOOP_HEAD_BYTES = 8, EXPANSION_MAX = 256 };

static bool lz4_raw_decompress(void **slot, const void *from, size_t from_bytes, void *to,
                               size_t to_bytes)
{
    (void)slot;
    return from_bytes <= INT32_MAX && to_bytes <= INT32_MAX &&
           LZ4_decompress_safe(from, to, (int)from_bytes, (int)to_bytes) == (int)to_bytes;
}

static uint32_t big_endian_32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return __builtin_bswap32(value);
}

static bool hadoop_frames_decompress(const uint8_t *from, size_t from_bytes, uint8_t *to,
                                     size_t to_bytes)
{
    while (from_bytes >= HADOOP_HEAD_BYTES) {
        uint32_t made = big_endian_32(from), taken = big_endian_32(from + 4);

        from += HADOOP_HEAD_BYTES;
        from_bytes -= HADOOP_HEAD_BYTES;
        if (taken > from_bytes || made > to_bytes ||
            !lz4_raw_decompress(NULL, from, taken, to, made))
            return false;
        from += taken;
        from_bytes -= taken;
        to += made;
        to_bytes -= made;
    }
    return from_bytes == 0 && to_bytes == 0;
}

static bool lz4_frames_decompress(const uint8_t *from, size_t from_bytes, uint8_t *to,
                                  size_t to_bytes)
{
    LZ4F_dctx *context;
    bool is_good = true;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return false;
    while (is_good && from_bytes > 0) {
        size_t taken = from_bytes, made = to_bytes;
        size_t wanted = LZ4F_decompress(context, to, &made, from, &taken, NULL);

        is_good = !LZ4F_isError(wanted) && (taken > 0 || made > 0);
        from += taken;
        from_bytes -= taken;
        to += made;
        to_bytes -= made;
    }
    LZ4F_freeDecompressionContext(context);
    return is_good && to_bytes == 0;
}

static bool lz4_hadoop_decompress(void **slot, const void *from, size_t from_bytes, void *to,
                                  size_t to_bytes)
{
    return hadoop_frames_decompress(from, from_bytes, to, to_bytes) ||
           lz4_frames_decompress(from, from_bytes, to, to_bytes) ||
           lz4_raw_decompress(slot, from, from_bytes, to, to_bytes);
}

static size_t lz4_raw_bound(size_t from_bytes)
{
    return from_bytes > LZ4_MAX_INPUT_SIZE ? 0 : (size_t)LZ4_compressBound((int)from_bytes);
}

static size_t lz4_raw_compress(void **slot, int level, const void *from, size_t from_bytes,
                               void *to, size_t to_room)
{
    int written;

    (void)slot;
    (void)level;
    if (from_bytes > LZ4_MAX_INPUT_SIZE)
        return 0;
    written = LZ4_compress_default(from, to, (int)from_bytes,
                                   to_room > INT32_MAX ? INT32_MAX : (int)to_room);
    return written < 0 ? 0 : (size_t)written;
}

static size_t lz4_hadoop_bound(size_t from_bytes)
{
    return HADOOP_HEAD_BYTES + lz4_raw_bound(from_bytes);
}

static size_t lz4_hadoop_compress(void **slot, int level, const void *from, size_t from_bytes,
                                  void *to, size_t to_room)
{
    uint32_t head[2];
    size_t written;

    if (to_room < HADOOP_HEAD_BYTES)
        return 0;
    written = lz4_raw_compress(slot, level, from, from_bytes, (char *)to + HADOOP_HEAD_BYTES,
                               to_room - HADOOP_HEAD_BYTES);
    if (written == 0)
        return 0;
    head[0] = __builtin_bswap32((uint32_t)from_bytes);
    head[1] = __builtin_bswap32((uint32_t)written);
    memcpy(to, head, sizeof head);
    return HADOOP_HEAD_BYTES + written;
}

const CodecClass codec__lz4_raw = {.name = "lz4",
                                   .expansion_max = EXPANSION_MAX,
                                   .decompress = lz4_raw_decompress,
                                   .bound = lz4_raw_bound,
                                   .compress = lz4_raw_compress};

const CodecClass codec__lz4_hadoop = {.name = "hadoop lz4",
                                      .expansion_max = EXPANSION_MAX,
                                      .decompress = lz4_hadoop_decompress,
                                      .bound = lz4_hadoop_bound,
                                      .compress = lz4_hadoop_compress};
