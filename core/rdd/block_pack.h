/*
 * block_pack.h -- a block's bytes, compressed: what is kept for long, and needed seldom
 *
 *     block_pack -> PackedBlock (its bytes may lie in a file meanwhile) -> block_unpack -> Block
 *
 * LZ4: taking it apart costs little beside what a task does with the rows.
 *
 * Thread: packed blocks are immutable and counted.
 */
#ifndef VONK_CORE_RDD_BLOCK_PACK_H
#define VONK_CORE_RDD_BLOCK_PACK_H

#include "core/rdd/block.h"

typedef struct PackedBlock {
    _Atomic uint32_t references;
    MemPool *pool;
    uint64_t byte_count;
    char bytes[];
} PackedBlock;

/* NULL when that would save nothing. */
MUST_CHECK Status block_pack(const Block *block, Error *err, PackedBlock **packed_out);
PackedBlock *packed_block_ref(PackedBlock *packed);
void packed_block_unref(PackedBlock *packed); /* accepts NULL */

/* Fills in a new block from packed bytes. ST_CORRUPT, and the block may only be let go, when they
 * do not come to just its size. */
MUST_CHECK Status block_unpack(const void *packed, uint64_t packed_bytes, Block *block,
                               uint64_t bytes, Error *err);

#endif
