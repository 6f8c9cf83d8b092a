/* stream_codec.c -- see stream_codec.h; the only home of zlib */
#include "core/base/stream_codec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "core/base/invariant.h"

enum { GZIP_WINDOW_BITS = 15 + 16, GZIP_LEVEL = 6, ZSTD_LEVEL = 3 };

struct Inflater {
    StreamCodec codec;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool is_between; /* at the start, or a member has just ended */
    bool has_ended;  /* gzip: a member just has */
    bool is_padded;  /* gzip: zeros follow the last member */
};

struct Deflater {
    StreamCodec codec;
    z_stream gzip;
    ZSTD_CStream *zstd;
};

StreamCodec stream_codec_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    if (dot != NULL && strcasecmp(dot, ".gz") == 0)
        return STREAM_GZIP;
    if (dot != NULL && strcasecmp(dot, ".zst") == 0)
        return STREAM_ZSTD;
    return STREAM_PLAIN;
}

/* zlib counts in 32 bits. */
static unsigned clamp(size_t bytes)
{
    return bytes > (1u << 30) ? 1u << 30 : (unsigned)bytes;
}

Inflater *inflater_new(StreamCodec codec)
{
    Inflater *inflater = calloc(1, sizeof *inflater);

    if (inflater == NULL)
        return NULL;
    CHECK(codec != STREAM_PLAIN);
    inflater->codec = codec;
    inflater->is_between = true;
    if (codec == STREAM_ZSTD)
        inflater->zstd = ZSTD_createDStream();
    if (codec == STREAM_ZSTD ? inflater->zstd == NULL
                             : inflateInit2(&inflater->gzip, GZIP_WINDOW_BITS) != Z_OK) {
        free(inflater);
        return NULL;
    }
    return inflater;
}

void inflater_free(Inflater *inflater)
{
    if (inflater == NULL)
        return;
    if (inflater->codec == STREAM_GZIP)
        inflateEnd(&inflater->gzip);
    ZSTD_freeDStream(inflater->zstd);
    free(inflater);
}

/* What is written in blocks, as to tapes, may end in zeros, which gzip passes over, too. */
static Status skip_zeros(const char *in, size_t *in_bytes, size_t *out_bytes, Error *err)
{
    size_t zeros = 0;

    while (zeros < *in_bytes && in[zeros] == 0)
        zeros++;
    *out_bytes = 0;
    if (zeros == *in_bytes)
        return ST_OK;
    *in_bytes = zeros;
    return error_set(err, ST_CORRUPT, "damaged gzip data: more than zeros behind its end");
}

static Status inflate_gzip(Inflater *inflater, const void *in, size_t *in_bytes, void *out,
                           size_t *out_bytes, Error *err)
{
    z_stream *stream = &inflater->gzip;
    unsigned in_given = clamp(*in_bytes), out_given = clamp(*out_bytes);
    int result;

    if (inflater->has_ended && *in_bytes > 0 && *(const char *)in == 0)
        inflater->is_padded = true;
    if (inflater->is_padded)
        return skip_zeros(in, in_bytes, out_bytes, err);
    if (inflater->is_between && inflateReset(stream) != Z_OK)
        return error_set(err, ST_INTERNAL, "zlib could not start a member");
    stream->next_in = (Bytef *)(uintptr_t)in;
    stream->avail_in = in_given;
    stream->next_out = out;
    stream->avail_out = out_given;
    result = inflate(stream, Z_NO_FLUSH);
    *in_bytes = in_given - stream->avail_in;
    *out_bytes = out_given - stream->avail_out;
    if (result == Z_MEM_ERROR)
        return error_set(err, ST_OUT_OF_MEMORY, "out of memory: zlib was refused some");
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return error_set(err, ST_CORRUPT, "damaged gzip data: %s",
                         stream->msg == NULL ? "unknown" : stream->msg);
    inflater->has_ended = result == Z_STREAM_END || (inflater->has_ended && *in_bytes == 0);
    inflater->is_between = inflater->has_ended || (inflater->is_between && *in_bytes == 0);
    return ST_OK;
}

static Status inflate_zstd(Inflater *inflater, const void *in, size_t *in_bytes, void *out,
                           size_t *out_bytes, Error *err)
{
    ZSTD_inBuffer from = {in, *in_bytes, 0};
    ZSTD_outBuffer to = {out, *out_bytes, 0};
    size_t result = ZSTD_decompressStream(inflater->zstd, &to, &from);

    *in_bytes = from.pos;
    *out_bytes = to.pos;
    if (ZSTD_isError(result))
        return error_set(err, ST_CORRUPT, "damaged zstd data: %s", ZSTD_getErrorName(result));
    inflater->is_between = result == 0 || (inflater->is_between && from.pos == 0);
    return ST_OK;
}

Status inflater_run(Inflater *inflater, const void *in, size_t *in_bytes, void *out,
                    size_t *out_bytes, bool *is_between_out, Error *err)
{
    Status status = inflater->codec == STREAM_GZIP
                        ? inflate_gzip(inflater, in, in_bytes, out, out_bytes, err)
                        : inflate_zstd(inflater, in, in_bytes, out, out_bytes, err);

    *is_between_out = inflater->is_between;
    return status;
}

Deflater *deflater_new(StreamCodec codec)
{
    Deflater *deflater = calloc(1, sizeof *deflater);

    if (deflater == NULL)
        return NULL;
    CHECK(codec != STREAM_PLAIN);
    deflater->codec = codec;
    if (codec == STREAM_ZSTD)
        deflater->zstd = ZSTD_createCStream();
    if (codec == STREAM_ZSTD
            ? deflater->zstd == NULL || ZSTD_isError(ZSTD_initCStream(deflater->zstd, ZSTD_LEVEL))
            : deflateInit2(&deflater->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, 8,
                           Z_DEFAULT_STRATEGY) != Z_OK) {
        ZSTD_freeCStream(deflater->zstd);
        free(deflater);
        return NULL;
    }
    return deflater;
}

void deflater_free(Deflater *deflater)
{
    if (deflater == NULL)
        return;
    if (deflater->codec == STREAM_GZIP)
        deflateEnd(&deflater->gzip);
    ZSTD_freeCStream(deflater->zstd);
    free(deflater);
}

static Status deflate_gzip(Deflater *deflater, const void *in, size_t *in_bytes, bool is_last,
                           void *out, size_t *out_bytes, bool *is_done_out, Error *err)
{
    z_stream *stream = &deflater->gzip;
    unsigned in_given = clamp(*in_bytes), out_given = clamp(*out_bytes);
    bool all_given = in_given == *in_bytes;
    int result;

    stream->next_in = (Bytef *)(uintptr_t)in;
    stream->avail_in = in_given;
    stream->next_out = out;
    stream->avail_out = out_given;
    result = deflate(stream, is_last && all_given ? Z_FINISH : Z_NO_FLUSH);
    *in_bytes = in_given - stream->avail_in;
    *out_bytes = out_given - stream->avail_out;
    *is_done_out = result == Z_STREAM_END;
    if (result == Z_STREAM_ERROR)
        return error_set(err, ST_INTERNAL, "zlib could not compress");
    return ST_OK;
}

Status deflater_run(Deflater *deflater, const void *in, size_t *in_bytes, bool is_last, void *out,
                    size_t *out_bytes, bool *is_done_out, Error *err)
{
    ZSTD_inBuffer from = {in, *in_bytes, 0};
    ZSTD_outBuffer to = {out, *out_bytes, 0};
    size_t result;

    *is_done_out = false;
    if (deflater->codec == STREAM_GZIP)
        return deflate_gzip(deflater, in, in_bytes, is_last, out, out_bytes, is_done_out, err);
    result =
        ZSTD_compressStream2(deflater->zstd, &to, &from, is_last ? ZSTD_e_end : ZSTD_e_continue);
    *in_bytes = from.pos;
    *out_bytes = to.pos;
    if (ZSTD_isError(result))
        return error_set(err, ST_INTERNAL, "zstd could not compress: %s",
                         ZSTD_getErrorName(result));
    *is_done_out = is_last && result == 0;
    return ST_OK;
}
