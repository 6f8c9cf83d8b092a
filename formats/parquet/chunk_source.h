/*
 * chunk_source.h -- a window over a column chunk's bytes in the file
 *
 * Reads ahead while pages are taken one after the other, and only what is asked for after a jump,
 * so that pages which nobody wants are never read. Memory is kept from chunk to chunk.
 *
 * Thread: one.
 */
#ifndef VONK_FORMATS_PARQUET_CHUNK_SOURCE_H
#define VONK_FORMATS_PARQUET_CHUNK_SOURCE_H

#include "core/base/file.h"

enum { CHUNK_SLOP_BYTES = 64 };

typedef struct ChunkSource {
    MemPool *pool;
    const File *file;
    uint64_t start, end; /* of the chunk, in the file */
    uint64_t window_start;
    size_t window_bytes;
    uint8_t *window;
    size_t capacity;     /* of the window, the slop not counted */
    uint64_t read_bytes; /* from files so far, for the scan's counters */
} ChunkSource;

/* Begins another chunk: bytes [start, end) of the file, which is borrowed. */
void chunk_source_begin(ChunkSource *source, const File *file, uint64_t start, uint64_t end);

/* *bytes_out: byte_count bytes at an offset of the file that lie in the chunk (the caller checks),
 * followed by CHUNK_SLOP_BYTES readable ones; valid until the next call. *there_out, when not
 * NULL, gets how many bytes from the offset on are in the window. */
MUST_CHECK Status chunk_source_want(ChunkSource *source, uint64_t offset, size_t byte_count,
                                    Error *err, const uint8_t **bytes_out, size_t *there_out);

void chunk_source_fini(ChunkSource *source);

#endif
