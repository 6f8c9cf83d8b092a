/* codec_stream.c -- gzip (zlib) and zstd files as streams of bytes */
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "core/base/codec.h"
#include "core/base/invariant.h"

enum {
    INPUT_BYTES = 1 << 16,
    GZIP_OR_ZLIB = 32 /* added to windowBits: the header says which */
};

struct CodecStream {
    Codec codec;
    const File *file;
    uint64_t offset; /* of the file, after what stands in input */
    size_t input_start, input_end;
    bool is_inside; /* a member or frame has begun and not ended */
    z_stream gzip;
    ZSTD_DStream *zstd;
    uint8_t input[INPUT_BYTES];
};

static bool stream_init(CodecStream *stream)
{
    if (stream->codec == CODEC_GZIP)
        return inflateInit2(&stream->gzip, MAX_WBITS + GZIP_OR_ZLIB) == Z_OK;
    if (stream->codec != CODEC_ZSTD)
        return true;
    stream->zstd = ZSTD_createDStream();
    return stream->zstd != NULL;
}

Status codec_stream_open(Codec codec, const File *file, Error *err, CodecStream **stream_out)
{
    CodecStream *stream;

    *stream_out = NULL;
    if (codec != CODEC_NONE && codec != CODEC_GZIP && codec != CODEC_ZSTD)
        return error_set(err, ST_NOT_SUPPORTED, "%s files are not supported", codec_name(codec));
    stream = calloc(1, sizeof *stream);
    CHECK(stream != NULL);
    stream->codec = codec;
    stream->file = file;
    if (!stream_init(stream)) {
        codec_stream_close(stream);
        return error_set(err, ST_OUT_OF_MEMORY, "out of memory: %s could not start",
                         codec_name(codec));
    }
    *stream_out = stream;
    return ST_OK;
}

static Status corrupt(const CodecStream *stream, const char *what, Error *err)
{
    return error_set(err, ST_CORRUPT, "file \"%s\" is damaged: %s data %s near byte %llu",
                     file_path(stream->file), codec_name(stream->codec), what,
                     (unsigned long long)codec_stream_position(stream));
}

static Status refill(CodecStream *stream, Error *err)
{
    size_t got;

    TRY(file_read_some(stream->file, stream->offset, stream->input, INPUT_BYTES, err, &got));
    stream->offset += got;
    stream->input_start = 0;
    stream->input_end = got;
    return ST_OK;
}

/* Takes from the input, makes up to room bytes. */
static Status gzip_step(CodecStream *stream, uint8_t *to, size_t room, Error *err, size_t *made_out)
{
    z_stream *gzip = &stream->gzip;
    int result;

    if (!stream->is_inside && inflateReset(gzip) != Z_OK)
        return corrupt(stream, "cannot be decoded", err);
    gzip->next_in = stream->input + stream->input_start;
    gzip->avail_in = (uInt)(stream->input_end - stream->input_start);
    gzip->next_out = to;
    gzip->avail_out = room > INPUT_BYTES * 16 ? INPUT_BYTES * 16 : (uInt)room;
    *made_out = gzip->avail_out;
    result = inflate(gzip, Z_NO_FLUSH);
    *made_out -= gzip->avail_out;
    stream->input_start = stream->input_end - gzip->avail_in;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return corrupt(stream, gzip->msg == NULL ? "cannot be decoded" : gzip->msg, err);
    stream->is_inside = result != Z_STREAM_END;
    return ST_OK;
}

static Status zstd_step(CodecStream *stream, uint8_t *to, size_t room, Error *err, size_t *made_out)
{
    ZSTD_inBuffer from = {stream->input, stream->input_end, stream->input_start};
    ZSTD_outBuffer out = {to, room, 0};
    size_t wanted = ZSTD_decompressStream(stream->zstd, &out, &from);

    stream->input_start = from.pos;
    *made_out = out.pos;
    if (ZSTD_isError(wanted))
        return corrupt(stream, ZSTD_getErrorName(wanted), err);
    stream->is_inside = wanted != 0;
    return ST_OK;
}

Status codec_stream_read(CodecStream *stream, void *to, size_t byte_count, Error *err,
                         size_t *got_out)
{
    size_t got = 0;

    *got_out = 0;
    if (stream->codec == CODEC_NONE) {
        TRY(file_read_some(stream->file, stream->offset, to, byte_count, err, got_out));
        stream->offset += *got_out;
        return ST_OK;
    }
    while (got < byte_count) {
        size_t made = 0, left = stream->input_end - stream->input_start;
        bool at_end = false;

        if (left == 0) {
            TRY(refill(stream, err));
            at_end = stream->input_end == 0;
            if (at_end && !stream->is_inside)
                break;
        }
        if (stream->codec == CODEC_GZIP)
            TRY(gzip_step(stream, (uint8_t *)to + got, byte_count - got, err, &made));
        else
            TRY(zstd_step(stream, (uint8_t *)to + got, byte_count - got, err, &made));
        if (at_end && made == 0)
            return corrupt(stream, "ends too early", err);
        got += made;
    }
    *got_out = got;
    return ST_OK;
}

uint64_t codec_stream_position(const CodecStream *stream)
{
    return stream->offset - (stream->input_end - stream->input_start);
}

void codec_stream_close(CodecStream *stream)
{
    if (stream == NULL)
        return;
    if (stream->codec == CODEC_GZIP)
        inflateEnd(&stream->gzip);
    if (stream->codec == CODEC_ZSTD)
        ZSTD_freeDStream(stream->zstd);
    free(stream);
}
