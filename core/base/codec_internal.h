/*
 * codec_internal.h -- what each codec_*.c presents to codec.c
 *
 * Failing functions return false; codec.c turns that into words.
 */
#ifndef VONK_CORE_BASE_CODEC_INTERNAL_H
#define VONK_CORE_BASE_CODEC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* One codec. *slot is NULL at first and the codec's own between calls. */
typedef struct CodecClass {
    const char *name;
    size_t expansion_max; /* output bytes per input byte, at most; 0: unlimited */
    bool (*decompress)(void **slot, const void *from, size_t from_bytes, void *to, size_t to_bytes);
    size_t (*bound)(size_t from_bytes);
    /* The size, 0 = failed. */
    size_t (*compress)(void **slot, int level, const void *from, size_t from_bytes, void *to,
                       size_t to_room);
    void (*free_slots)(void *decompress_slot, void *compress_slot); /* NULL: no slots */
} CodecClass;

extern const CodecClass codec__snappy;
extern const CodecClass codec__zstd;
extern const CodecClass codec__gzip;
extern const CodecClass codec__lz4_raw;
extern const CodecClass codec__lz4_hadoop;

#endif
