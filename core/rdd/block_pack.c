/* block_pack.c -- see block_pack.h */
#include "core/rdd/block_pack.h"

#include <string.h>
#include <strings.h>
#include <xxhash.h>

/* Of a block that is packed: it is smaller by that much at least. */
enum { SAVED_FRACTION = 8 };

static const char consumer[] = "exchange";

static const struct {
    const char *name;
    Codec codec;
} codecs[] = {
    {"none", CODEC_NONE}, {"lz4", CODEC_LZ4_RAW}, {"snappy", CODEC_SNAPPY}, {"zstd", CODEC_ZSTD}};

enum { CODECS = sizeof codecs / sizeof codecs[0] };

bool block_codec_of_name(const char *name, Codec *codec_out)
{
    for (int i = 0; i < CODECS; i++)
        if (strcasecmp(codecs[i].name, name) == 0) {
            *codec_out = codecs[i].codec;
            return true;
        }
    return false;
}

const char *block_codec_name(Codec codec)
{
    for (int i = 0; i < CODECS; i++)
        if (codecs[i].codec == codec)
            return codecs[i].name;
    return NULL;
}

bool block_codec_is_known(uint32_t codec)
{
    return codec < CODEC_COUNT && block_codec_name((Codec)codec) != NULL;
}

BlockForm block_form_plain(const Block *block)
{
    return (BlockForm){.hash = block->hash,
                       .bytes = block_bytes(block),
                       .stored_bytes = block_bytes(block),
                       .checksum = block->hash,
                       .codec = CODEC_NONE};
}

bool block_form_is_sound(const BlockForm *form)
{
    if (!block_codec_is_known((uint32_t)form->codec) || form->bytes < sizeof(BlockHead))
        return false;
    if (form->codec == CODEC_NONE)
        return form->stored_bytes == form->bytes && form->checksum == form->hash;
    return form->stored_bytes < form->bytes &&
           form->bytes <= codec_decompressed_max(form->codec, form->stored_bytes);
}

static size_t memory_bytes(uint64_t byte_count)
{
    return sizeof(PackedBlock) + byte_count;
}

Status packed_block_new(MemPool *pool, uint64_t byte_count, Error *err, PackedBlock **packed_out)
{
    void *memory;

    *packed_out = NULL;
    TRY(mem_pool_alloc(pool, memory_bytes(byte_count), consumer, err, &memory));
    *packed_out = memory;
    **packed_out = (PackedBlock){.references = 1, .pool = pool, .byte_count = byte_count};
    return ST_OK;
}

static Status pack_into(const Block *block, Codec codec, void *room, size_t room_bytes, Error *err,
                        PackedBlock **packed_out)
{
    uint64_t plain = block_bytes(block);
    size_t bytes;

    TRY(codec_compress(NULL, codec, 0, block->head, plain, room, room_bytes, err, &bytes));
    if (memory_bytes(bytes) > plain - plain / SAVED_FRACTION)
        return ST_OK;
    TRY(packed_block_new(block->pool, bytes, err, packed_out));
    memcpy((*packed_out)->bytes, room, bytes);
    (*packed_out)->checksum = XXH3_64bits(room, bytes);
    return ST_OK;
}

Status block_pack(const Block *block, Codec codec, Error *err, PackedBlock **packed_out)
{
    size_t room_bytes = codec_compress_bound(codec, block_bytes(block));
    Status status;
    void *room;

    *packed_out = NULL;
    TRY(mem_pool_alloc(block->pool, room_bytes, consumer, err, &room));
    status = pack_into(block, codec, room, room_bytes, err, packed_out);
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

/* The block's own bytes; of what is not packed block_check looks at the checksum. */
static Status fill(const BlockForm *form, const void *stored, Block *block, Error *err)
{
    if (form->codec == CODEC_NONE) {
        memcpy(block->head, stored, form->bytes);
        return ST_OK;
    }
    if (XXH3_64bits(stored, form->stored_bytes) != form->checksum)
        return error_set(err, ST_CORRUPT,
                         "a packed block of %llu bytes has another checksum than its bytes",
                         (unsigned long long)form->stored_bytes);
    return codec_decompress(NULL, form->codec, stored, form->stored_bytes, block->head, form->bytes,
                            err);
}

Status block_of_form(MemPool *pool, const BlockForm *form, const void *stored,
                     uint32_t column_count, const PlanColumn *columns, Error *err,
                     Block **block_out)
{
    Status status;
    Block *block;

    *block_out = NULL;
    if (!block_form_is_sound(form))
        return error_set(err, ST_CORRUPT, "a block is of a form that there is not");
    TRY(block_new(pool, form->bytes, err, &block));
    status = fill(form, stored, block, err);
    if (status == ST_OK)
        status = block_check(block, form->bytes, form->hash, column_count, columns, err);
    if (status == ST_OK) {
        *block_out = block;
        return ST_OK;
    }
    block_unref(block);
    return status;
}
