/*
 * codec.h -- compressed blocks of known size (stream_codec.h has streams)
 *
 *     codec_decompress(state, CODEC_SNAPPY, from, from_bytes, to, to_bytes, &err)
 *
 * The caller knows how many bytes come out (a page header says so) and gets exactly that
 * many, or ST_CORRUPT. No call reads or writes outside of the given ranges, whatever the input.
 *
 * Each library has one file: codec_snappy.c, codec_zstd.c, codec_gzip.c (libdeflate) and
 * codec_lz4.c.
 *
 * Thread: a state belongs to one thread at a time.
 */
#ifndef VONK_CORE_BASE_CODEC_H
#define VONK_CORE_BASE_CODEC_H

#include <stddef.h>

#include "core/base/status.h"

typedef enum Codec {
    CODEC_NONE,
    CODEC_SNAPPY,
    CODEC_ZSTD,
    CODEC_GZIP,       /* one or more gzip members (or a zlib stream) */
    CODEC_LZ4_RAW,    /* one LZ4 block                               */
    CODEC_LZ4_HADOOP, /* Hadoop's frames; reads LZ4 frames and bare blocks too */
    CODEC_COUNT
} Codec;

const char *codec_name(Codec codec); /* "snappy" */

/* Working memory of the libraries, kept between calls. */
typedef struct CodecState CodecState;
CodecState *codec_state_new(void);
void codec_state_free(CodecState *state); /* accepts NULL */

/* Fills to[0, to_bytes). state may be NULL: slower. */
MUST_CHECK Status codec_decompress(CodecState *state, Codec codec, const void *from,
                                   size_t from_bytes, void *to, size_t to_bytes, Error *err);

/* An upper bound of what from_bytes can decompress to, for checking a promised size before
 * memory is asked for. */
size_t codec_decompressed_max(Codec codec, size_t from_bytes);

/* Room that codec_compress needs at worst. */
size_t codec_compress_bound(Codec codec, size_t from_bytes);

/* level: 0 = the codec's usual one; only zstd and gzip have others. to_room: at least the bound. */
MUST_CHECK Status codec_compress(CodecState *state, Codec codec, int level, const void *from,
                                 size_t from_bytes, void *to, size_t to_room, Error *err,
                                 size_t *to_bytes_out);

/* CRC-32 as gzip and Parquet pages have it. */
uint32_t codec_crc32(const void *bytes, size_t byte_count);

#endif
