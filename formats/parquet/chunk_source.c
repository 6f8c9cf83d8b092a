/* chunk_source.c -- see chunk_source.h */
#include "formats/parquet/chunk_source.h"

#include <string.h>

#include "core/base/invariant.h"

enum {
    AHEAD_BYTES = 1 << 18, /* sequential reading: stays in the second-level cache */
    JUMP_BYTES = 1 << 12   /* after a jump: a page header, and often the page */
};

void chunk_source_begin(ChunkSource *source, const File *file, uint64_t start, uint64_t end)
{
    source->file = file;
    source->start = start;
    source->end = end;
    source->window_start = start;
    source->window_bytes = 0;
}

static Status grow(ChunkSource *source, size_t byte_count, Error *err)
{
    uint64_t chunk_bytes = source->end - source->start;
    size_t usual = chunk_bytes < AHEAD_BYTES ? (size_t)chunk_bytes : AHEAD_BYTES;
    size_t capacity = byte_count < usual ? usual : byte_count;
    void *memory = source->window;

    if (capacity <= source->capacity)
        return ST_OK;
    TRY(mem_pool_realloc(source->pool, &memory,
                         source->window == NULL ? 0 : source->capacity + CHUNK_SLOP_BYTES,
                         capacity + CHUNK_SLOP_BYTES, "Parquet column chunk", err));
    source->window = memory;
    source->capacity = capacity;
    return ST_OK;
}

/* Moves the window to the offset, keeping what it holds from there on. */
static Status move_window(ChunkSource *source, uint64_t offset, size_t byte_count, Error *err)
{
    uint64_t window_end = source->window_start + source->window_bytes, left = source->end - offset;
    bool is_next = offset >= source->window_start && offset <= window_end;
    size_t ahead = is_next ? AHEAD_BYTES : JUMP_BYTES, kept = 0;
    size_t wanted = byte_count < ahead ? ahead : byte_count;

    wanted = wanted < left ? wanted : (size_t)left;
    TRY(grow(source, wanted, err));
    if (is_next) {
        kept = (size_t)(window_end - offset);
        memmove(source->window, source->window + (offset - source->window_start), kept);
    }
    source->window_start = offset;
    source->window_bytes = kept;
    TRY(file_read_at(source->file, offset + kept, source->window + kept, wanted - kept, err));
    source->read_bytes += wanted - kept;
    source->window_bytes = wanted;
    memset(source->window + wanted, 0, CHUNK_SLOP_BYTES);
    return ST_OK;
}

Status chunk_source_want(ChunkSource *source, uint64_t offset, size_t byte_count, Error *err,
                         const uint8_t **bytes_out, size_t *there_out)
{
    uint64_t window_end = source->window_start + source->window_bytes;

    *bytes_out = NULL;
    CHECK(offset >= source->start && offset <= source->end && byte_count <= source->end - offset);
    if (source->window == NULL || offset < source->window_start ||
        offset + byte_count > window_end) {
        TRY(move_window(source, offset, byte_count, err));
        window_end = source->window_start + source->window_bytes;
    }
    *bytes_out = source->window + (offset - source->window_start);
    if (there_out != NULL)
        *there_out = (size_t)(window_end - offset);
    return ST_OK;
}

void chunk_source_fini(ChunkSource *source)
{
    if (source->window != NULL)
        mem_pool_release(source->pool, source->window, source->capacity + CHUNK_SLOP_BYTES);
    source->window = NULL;
    source->capacity = 0;
}
