/* codec.c -- see codec.h */
#include "core/base/codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/codec_internal.h"
#include "core/base/heap.h"

struct CodecState {
    void *decompress_slots[CODEC_COUNT];
    void *compress_slots[CODEC_COUNT];
};

static bool none_decompress(void **slot, const void *from, size_t from_bytes, void *to,
                            size_t to_bytes)
{
    (void)slot;
    if (from_bytes != to_bytes)
        return false;
    if (to_bytes > 0)
        memcpy(to, from, to_bytes);
    return true;
}

static size_t none_bound(size_t from_bytes)
{
    return from_bytes;
}

static size_t none_compress(void **slot, int level, const void *from, size_t from_bytes, void *to,
                            size_t to_room)
{
    (void)level;
    return none_decompress(slot, from, from_bytes, to, to_room < from_bytes ? 0 : from_bytes)
               ? from_bytes
               : 0;
}

static const CodecClass none = {.name = "uncompressed",
                                .expansion_max = 1,
                                .decompress = none_decompress,
                                .bound = none_bound,
                                .compress = none_compress};

static const CodecClass *const classes[CODEC_COUNT] = {
    [CODEC_NONE] = &none,
    [CODEC_SNAPPY] = &codec__snappy,
    [CODEC_ZSTD] = &codec__zstd,
    [CODEC_GZIP] = &codec__gzip,
    [CODEC_LZ4_RAW] = &codec__lz4_raw,
    [CODEC_LZ4_HADOOP] = &codec__lz4_hadoop,
};

const char *codec_name(Codec codec)
{
    return classes[codec]->name;
}

CodecState *codec_state_new(void)
{
    return heap_new(sizeof(CodecState));
}

static void free_slots(CodecState *state, Codec codec)
{
    if (classes[codec]->free_slots != NULL)
        classes[codec]->free_slots(state->decompress_slots[codec], state->compress_slots[codec]);
}

void codec_state_free(CodecState *state)
{
    if (state == NULL)
        return;
    for (Codec codec = 0; codec < CODEC_COUNT; codec++)
        free_slots(state, codec);
    free(state);
}

Status codec_decompress(CodecState *state, Codec codec, const void *from, size_t from_bytes,
                        void *to, size_t to_bytes, Error *err)
{
    CodecState temporary = {.decompress_slots = {NULL}};
    CodecState *used = state == NULL ? &temporary : state;
    bool is_done =
        classes[codec]->decompress(&used->decompress_slots[codec], from, from_bytes, to, to_bytes);

    if (state == NULL)
        free_slots(&temporary, codec);
    if (is_done)
        return ST_OK;
    return error_set(err, ST_CORRUPT, "%s data of %zu bytes does not decompress to %zu bytes",
                     codec_name(codec), from_bytes, to_bytes);
}

size_t codec_decompressed_max(Codec codec, size_t from_bytes)
{
    size_t expansion = classes[codec]->expansion_max;

    return expansion == 0 || from_bytes > SIZE_MAX / expansion ? SIZE_MAX : from_bytes * expansion;
}

size_t codec_compress_bound(Codec codec, size_t from_bytes)
{
    return classes[codec]->bound(from_bytes);
}

Status codec_compress(CodecState *state, Codec codec, int level, const void *from,
                      size_t from_bytes, void *to, size_t to_room, Error *err, size_t *to_bytes_out)
{
    CodecState temporary = {.decompress_slots = {NULL}};
    CodecState *used = state == NULL ? &temporary : state;

    *to_bytes_out = classes[codec]->compress(&used->compress_slots[codec], level, from, from_bytes,
                                             to, to_room);
    if (state == NULL)
        free_slots(&temporary, codec);
    if (*to_bytes_out > 0 || (codec == CODEC_NONE && from_bytes == 0))
        return ST_OK;
    return error_set(err, ST_INTERNAL, "%s could not compress %zu bytes", codec_name(codec),
                     from_bytes);
}
