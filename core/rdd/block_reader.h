/*
 * block_reader.h -- the blocks of a cell of an output, one after the other, wherever they lie
 *
 *     block_reader_open -> block_reader_next, ... -> block_reader_close
 *
 * What is in the store comes from there; the rest is fetched, in the same order, some of it ahead.
 * What other tasks here want as well is fetched once, and is in the store from then on.
 *
 * Thread: one thread's.
 */
#ifndef VONK_CORE_RDD_BLOCK_READER_H
#define VONK_CORE_RDD_BLOCK_READER_H

#include "core/rdd/block_store.h"

/* A cell of an output: what map tasks [map_from, map_to) made for `reduce`. A table (block_table.h)
 * goes on with the next one, up to reduce_to. */
typedef struct BlockRange {
    uint32_t map_from, map_to;
    uint32_t reduce, reduce_to;
    bool is_shared; /* others in this process read it too */
} BlockRange;

typedef struct BlockReader {
    BlockOutput *output;
    BlockRange range;
    const atomic_bool *stop;
    uint32_t map,
        number; /* of the next block: when reading fails, what map task `map` made is lost */
    bool has_looked;
    Arena *arena;
    FetchRequest request;
    BlockFetch *fetch;
    uint32_t fetched; /* of the request's maps, those that have come */
} BlockReader;

/* number: of the first map's blocks, the first one to be read. The output is borrowed. stop: may be
 * NULL. */
void block_reader_open(BlockReader *reader, BlockOutput *output, BlockRange range, uint32_t number,
                       const atomic_bool *stop);

/* Referenced; NULL at the end. ST_CORRUPT: see map. */
MUST_CHECK Status block_reader_next(BlockReader *reader, Error *err, Block **block_out);

/* Accepts a zeroed one. */
void block_reader_close(BlockReader *reader);

#endif
