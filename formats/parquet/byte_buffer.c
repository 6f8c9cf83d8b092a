/* byte_buffer.c -- see byte_buffer.h */
#include "formats/parquet/byte_buffer.h"

#include <string.h>

enum { FIRST_BYTES = 256 };

void *byte_buffer_room(ByteBuffer *buffer, size_t byte_count)
{
    size_t needed = buffer->count + byte_count;
    void *memory = buffer->bytes, *room;

    if (buffer->status != ST_OK)
        return NULL;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity < FIRST_BYTES ? FIRST_BYTES : buffer->capacity * 2;

        capacity = capacity < needed ? needed : capacity;
        buffer->status = mem_pool_realloc(buffer->pool, &memory, buffer->capacity, capacity,
                                          "Parquet writer", &buffer->error);
        if (buffer->status != ST_OK)
            return NULL;
        buffer->bytes = memory;
        buffer->capacity = capacity;
    }
    room = buffer->bytes + buffer->count;
    buffer->count = needed;
    return room;
}

void byte_buffer_add(ByteBuffer *buffer, const void *bytes, size_t byte_count)
{
    void *room = byte_buffer_room(buffer, byte_count);

    if (room != NULL && byte_count > 0)
        memcpy(room, bytes, byte_count);
}

void byte_buffer_fini(ByteBuffer *buffer)
{
    if (buffer->bytes != NULL)
        mem_pool_release(buffer->pool, buffer->bytes, buffer->capacity);
    buffer->bytes = NULL;
    buffer->count = buffer->capacity = 0;
}

Status byte_buffer_check(const ByteBuffer *buffer, Error *err)
{
    if (buffer->status != ST_OK && err != NULL)
        *err = buffer->error;
    return buffer->status;
}
