/*
 * codec.h -- compressed blocks of known size, and compressed streams
 *
 *     codec_decompress(state, CODEC_SNAPPY, from, from_bytes, to, to_bytes, &err)
 *     codec_stream_open -> codec_stream_read, ... -> codec_stream_close
 *
 * Blocks: the caller knows how many bytes come out (a page header says so) and gets exactly that
 * many, or ST_CORRUPT. No call reads or writes outside of the given ranges, whatever the input.
 *
 * Each library has one file: codec_snappy.c, codec_zstd.c, codec_gzip.c (libdeflate),
 * codec_lz4.c; codec_stream.c unites zlib's and zstd's streams.
 *
 * Thread: a state or stream belongs to one thread at a time; blocks without a state to any.
 */
#ifndef VONK_CORE_BASE_CODEC_H
#define VONK_CORE_BASE_CODEC_H

#include <stddef.h>

#include "core/base/file.h"

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

/* A file's decompressed bytes in order: CODEC_NONE, CODEC_GZIP or CODEC_ZSTD; concatenated
 * members and frames are one stream. Borrows the file. */
typedef struct CodecStream CodecStream;
MUST_CHECK Status codec_stream_open(Codec codec, const File *file, Error *err,
                                    CodecStream **stream_out);

/* Up to byte_count bytes; *got_out < byte_count only at the end. ST_CORRUPT names the file. */
MUST_CHECK Status codec_stream_read(CodecStream *stream, void *to, size_t byte_count, Error *err,
                                    size_t *got_out);

/* Bytes of the file taken in so far, for progress. */
uint64_t codec_stream_position(const CodecStream *stream);
void codec_stream_close(CodecStream *stream); /* accepts NULL */

#endif
