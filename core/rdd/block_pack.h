/*
 * block_pack.h -- a block as it is stored and sent: its bytes, or those compressed
 *
 *     block_pack -> PackedBlock (its bytes may lie in a file, a message) -> block_of_form -> Block
 *
 * Two hashes: the checksum is of the bytes that lie somewhere, and is looked at before the first of
 * them is used; the block's own is of what it means, which is what ledgers have. A block that would
 * not get smaller by an eighth stays as it is.
 *
 * Thread: packed blocks are immutable and counted.
 */
#ifndef VONK_CORE_RDD_BLOCK_PACK_H
#define VONK_CORE_RDD_BLOCK_PACK_H

#include "core/base/codec.h"
#include "core/rdd/block.h"

typedef struct BlockForm {
    uint64_t hash, bytes;  /* the block's own                                    */
    uint64_t stored_bytes; /* of what lies somewhere                             */
    uint64_t checksum;     /* XXH3 of that; the hash itself when it is not packed */
    Codec codec;           /* CODEC_NONE: not packed                             */
} BlockForm;

BlockForm block_form_plain(const Block *block);

/* Whether numbers from elsewhere can be a block's: before memory is asked for. */
bool block_form_is_sound(const BlockForm *form);

typedef struct PackedBlock {
    _Atomic uint32_t references;
    MemPool *pool;
    uint64_t byte_count, checksum;
    char bytes[];
} PackedBlock;

/* NULL when that would save too little. */
MUST_CHECK Status block_pack(const Block *block, Codec codec, Error *err, PackedBlock **packed_out);
/* For somebody to fill in. */
MUST_CHECK Status packed_block_new(MemPool *pool, uint64_t byte_count, Error *err,
                                   PackedBlock **packed_out);
PackedBlock *packed_block_ref(PackedBlock *packed);
void packed_block_unref(PackedBlock *packed); /* accepts NULL */

/* The block that lies in `stored`, checked from the checksum to its form; the rest as block_check
 * has it. ST_CORRUPT, and no block, otherwise. */
MUST_CHECK Status block_of_form(MemPool *pool, const BlockForm *form, const void *stored,
                                uint32_t column_count, const PlanColumn *columns, Error *err,
                                Block **block_out);

/* What shuffle_compression may be: "none", "lz4", "snappy", "zstd". False: it is none of them. */
bool block_codec_of_name(const char *name, Codec *codec_out);
const char *block_codec_name(Codec codec);
bool block_codec_is_known(uint32_t codec);

#endif
