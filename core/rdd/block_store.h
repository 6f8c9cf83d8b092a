/*
 * block_store.h -- where blocks are kept: what tasks made, until nobody wants it any more
 *
 *     block_store_new -> block_output_new (maps x reduces) -> block_output_put (one task's blocks),
 *         block_output_get ... -> block_output_unref -> block_store_free
 *
 * An output is what one stage makes: each of its map tasks writes a list of blocks for each reduce
 * partition. When memory is short, blocks that nobody reads at the moment go to a file without a
 * name in the spill folder, and come back checked: a block that does not match its hash is lost,
 * and its task runs again.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_RDD_BLOCK_STORE_H
#define VONK_CORE_RDD_BLOCK_STORE_H

#include "core/rdd/block.h"

typedef struct BlockStore BlockStore;
typedef struct BlockOutput BlockOutput;

/* spill_folder: NULL: none, memory is all there is; borrowed. pool: what blocks count in. */
BlockStore *block_store_new(MemPool *pool, const char *spill_folder);
void block_store_free(BlockStore *store); /* accepts NULL; outputs must be gone */

MemPool *block_store_pool(const BlockStore *store);

/* Frees memory by writing blocks to the file, oldest outputs first: at least `bytes` if that many
 * can be had. Returns how many were; 0 also when the disk is full (then err says so). */
uint64_t block_store_spill(BlockStore *store, uint64_t bytes, Error *err);

/* Columns are copied. Reference count 1. */
BlockOutput *block_output_new(BlockStore *store, uint32_t map_count, uint32_t reduce_count,
                              uint32_t column_count, const PlanColumn *columns);
BlockOutput *block_output_ref(BlockOutput *output);
void block_output_unref(BlockOutput *output); /* accepts NULL */

uint32_t block_output_map_count(const BlockOutput *output);
uint32_t block_output_reduce_count(const BlockOutput *output);

/* blocks[r][i]: what map task `map` made for reduce partition r. Takes the references. Blocks of an
 * earlier attempt stay if they have the same hashes (is_same_out), and are replaced if not. */
void block_output_put(BlockOutput *output, uint32_t map, Block *const *const *blocks,
                      const uint32_t *block_counts, bool *is_same_out);

/* Whether the map task's blocks are there. */
bool block_output_has(const BlockOutput *output, uint32_t map);

/* Throws a map task's blocks away (lost, or wanted by nobody); the hash stays known. */
void block_output_drop(BlockOutput *output, uint32_t map);

/* The i-th block of (map, reduce), referenced; *block_out NULL when there are fewer. ST_CORRUPT
 * when it came back damaged, or is not there at all: the map task must run again. */
MUST_CHECK Status block_output_get(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i,
                                   Error *err, Block **block_out);

/* Rows of (map, reduce); of all maps and reduces with UINT32_MAX. */
uint64_t block_output_rows(const BlockOutput *output, uint32_t map, uint32_t reduce);
uint64_t block_output_bytes(const BlockOutput *output);

/* One number for all that a map task made; 0 when it never ran. */
uint64_t block_output_hash(const BlockOutput *output, uint32_t map);

#endif
