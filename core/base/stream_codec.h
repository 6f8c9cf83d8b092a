/*
 * stream_codec.h -- gzip and zstd as streams: for files too large to hold whole
 *
 *     inflater_new -> inflater_run, ... until it is done -> inflater_free
 *     deflater_new -> deflater_run, ..., last time with is_last -> deflater_free
 *
 * Thread: a stream belongs to one thread.
 */
#ifndef VONK_CORE_BASE_STREAM_CODEC_H
#define VONK_CORE_BASE_STREAM_CODEC_H

#include <stddef.h>

#include "core/base/status.h"

typedef enum StreamCodec { STREAM_PLAIN, STREAM_GZIP, STREAM_ZSTD } StreamCodec;

/* By the path's ending: .gz, .zst, anything else is plain. */
StreamCodec stream_codec_of(const char *path);

typedef struct Inflater Inflater;
typedef struct Deflater Deflater;

/* NULL when memory is refused. codec is not STREAM_PLAIN. */
Inflater *inflater_new(StreamCodec codec);
void inflater_free(Inflater *inflater); /* accepts NULL */

/*
 * Takes *in_bytes of in and fills *out_bytes of out; both are set to what was used. Several gzip
 * members or zstd frames one after the other are one stream; zeros may follow the last gzip member,
 * and nothing else. *is_between_out: the input may end here. Errors: ST_CORRUPT.
 */
MUST_CHECK Status inflater_run(Inflater *inflater, const void *in, size_t *in_bytes, void *out,
                               size_t *out_bytes, bool *is_between_out, Error *err);

Deflater *deflater_new(StreamCodec codec);
void deflater_free(Deflater *deflater);

/* As inflater_run; with is_last call again until *is_done_out. */
MUST_CHECK Status deflater_run(Deflater *deflater, const void *in, size_t *in_bytes, bool is_last,
                               void *out, size_t *out_bytes, bool *is_done_out, Error *err);

#endif
