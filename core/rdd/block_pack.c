/* block_pack.c -- see block_pack.h */
#include "core/rdd/block_pack.h"

#include <string.h>

#include "core/base/codec.h"

static const char consumer[] = "exchange";

static size_t memory_bytes(uint64_t byte_count)
{
    return sizeof(PackedBlock) + byte_count;
}

static Status pack_into(const Block *block, void *room, size_t room_bytes, Error *err,
                        PackedBlock **packed_out)
{
    PackedBlock *packed;
    void *memory;
    size_t bytes;

    TRY(codec_compress(NULL, CODEC_LZ4_RAW, 0, block->head, block_bytes(block), room, room_bytes,
                       err, &bytes));
    if (memory_bytes(bytes) >= block_bytes(block))
        return ST_OK;
    TRY(mem_pool_alloc(block->pool, memory_bytes(bytes), consumer, err, &memory));
    packed = memory;
    *packed = (PackedBlock){.references = 1, .pool = block->pool, .byte_count = bytes};
    memcpy(packed->bytes, room, bytes);
    *packed_out = packed;
    return ST_OK;
}

Status block_pack(const Block *block, Error *err, PackedBlock **packed_out)
{
    size_t room_bytes = codec_compress_bound(CODEC_LZ4_RAW, block_bytes(block));
    Status status;
    void *room;

    *packed_out = NULL;
    TRY(mem_pool_alloc(block->pool, room_bytes, consumer, err, &room));
    status = pack_into(block, room, room_bytes, err, packed_out);
    mem_pool_release(block->pool, room, room_bytes);
    return status;
}

PackedBlock *packed_block_ref(PackedBlock *packed)
{
    atomic_fetch_add(&packed->references, 1);
    return packed;
}

void packed_block_unref(PackedBlock *packed)
{
    if (packed != NULL && atomic_fetch_sub(&packed->references, 1) == 1)
        mem_pool_release(packed->pool, packed, memory_bytes(packed->byte_count));
}

Status block_unpack(const void *packed, uint64_t packed_bytes, Block *block, uint64_t bytes,
                    Error *err)
{
    Status status =
        codec_decompress(NULL, CODEC_LZ4_RAW, packed, packed_bytes, block->head, bytes, err);

    block->head->bytes = bytes; /* of its memory, whatever came out */
    return status;
}
