/*
 * byte_buffer.h -- bytes that grow, in a pool's memory
 *
 * The first refusal sticks: adding goes on doing nothing, and whoever finishes the buffer asks
 * byte_buffer_check() once.
 */
#ifndef VONK_FORMATS_PARQUET_BYTE_BUFFER_H
#define VONK_FORMATS_PARQUET_BYTE_BUFFER_H

#include <stdint.h>

#include "core/base/mem_pool.h"

typedef struct ByteBuffer {
    MemPool *pool;
    uint8_t *bytes;
    size_t count, capacity;
    Status status;
    Error error; /* when status is not ST_OK */
} ByteBuffer;

/* Start from {.pool = pool}. */
void byte_buffer_add(ByteBuffer *buffer, const void *bytes, size_t byte_count);
void byte_buffer_fini(ByteBuffer *buffer);

/* Room for byte_count more bytes, which are counted already; NULL after a refusal. */
void *byte_buffer_room(ByteBuffer *buffer, size_t byte_count);

static inline void byte_buffer_byte(ByteBuffer *buffer, uint8_t byte)
{
    if (buffer->count < buffer->capacity)
        buffer->bytes[buffer->count++] = byte;
    else
        byte_buffer_add(buffer, &byte, 1);
}

/* Keeps the memory. */
static inline void byte_buffer_clear(ByteBuffer *buffer)
{
    buffer->count = 0;
}

MUST_CHECK Status byte_buffer_check(const ByteBuffer *buffer, Error *err);

#endif
