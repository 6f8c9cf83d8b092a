/*
 * block_store.h -- where blocks are kept: what tasks made, until nobody wants it any more
 *
 *     block_store_new -> map_blocks_new -> map_blocks_add, ...     (a task at work)
 *     block_output_new -> block_output_put (what one task made), block_output_get ...
 *         -> block_output_unref -> block_store_free
 *
 * An output is what one stage makes: each of its map tasks writes a list of blocks for each reduce
 * partition. When memory is short, blocks that nobody reads at the moment go to a file without a
 * name in the spill folder, those of a task that is still at work too, and come back checked: a
 * block that does not match its hash is lost, and its task runs again.
 *
 * What a map task made may lie elsewhere (block_output_put_remote): then only where is known, and
 * block_reader.h brings it.
 *
 * An output that is kept for later jobs has a level (core/plan/plan.h). What may be in memory only
 * goes first when memory is short and no job uses it. While one does, it spills as all: a job that
 * needs more than there is gets slower, and does not make the same partitions again and again. What
 * has spilled then is dropped when the last job is done with it.
 *
 * Thread: every call may come from any thread.
 */
#ifndef VONK_CORE_RDD_BLOCK_STORE_H
#define VONK_CORE_RDD_BLOCK_STORE_H

#include "core/rdd/block_pack.h"
#include "core/rdd/block_source.h"

typedef struct BlockStore BlockStore;
typedef struct BlockOutput BlockOutput;
typedef struct MapBlocks MapBlocks;

/* spill_folder: NULL: none, memory is all there is; borrowed. pool: what blocks count in. */
BlockStore *block_store_new(MemPool *pool, const char *spill_folder);
void block_store_free(BlockStore *store); /* accepts NULL; outputs must be gone */

/* Who brings what lies elsewhere; borrowed. Before the first output; NULL: nobody. */
void block_store_set_source(BlockStore *store, BlockSource *source);
BlockSource *block_store_source(const BlockStore *store);

MemPool *block_store_pool(const BlockStore *store);
const char *block_store_spill_folder(const BlockStore *store);

/* Frees memory by dropping blocks that are kept in memory only and in use by no job, then by
 * writing blocks to the file, the oldest first: at least `bytes` if that many can be had. Returns
 * how many were; 0 also when the disk is full: block_store_explain says so. */
uint64_t block_store_spill(BlockStore *store, uint64_t bytes);

/* Memory was refused: when that is because the file could not be written the last time, *err and
 * the status become that. */
Status block_store_explain(BlockStore *store, Status status, Error *err);

/* --- what one task makes --- */

MapBlocks *map_blocks_new(BlockStore *store, uint32_t reduce_count);
void map_blocks_free(MapBlocks *blocks); /* accepts NULL */

/* Behind those that reduce partition `reduce` has so far. Takes the reference. */
void map_blocks_add(MapBlocks *blocks, uint32_t reduce, Block *block);

/* The task is done: blocks are packed (with LZ4 where the level alone wants it), and written to the
 * file, as the level wants it. */
MUST_CHECK Status map_blocks_settle(MapBlocks *blocks, uint32_t level, Codec codec, Error *err);

/* One number for all of it: the order of reduce partitions and of blocks counts. Never 0. */
uint64_t map_blocks_hash(const MapBlocks *blocks);
uint64_t map_blocks_rows(const MapBlocks *blocks);
uint64_t map_blocks_bytes(const MapBlocks *blocks);
uint64_t map_blocks_stored_bytes(const MapBlocks *blocks); /* as they are stored and sent */

/* --- what one stage makes --- */

/* level: KeepLevel. Columns are copied. Reference count 1. */
BlockOutput *block_output_new(BlockStore *store, uint32_t level, uint32_t map_count,
                              uint32_t reduce_count, uint32_t column_count,
                              const PlanColumn *columns);
BlockOutput *block_output_ref(BlockOutput *output);
void block_output_unref(BlockOutput *output); /* accepts NULL */

/* What it is called by all who have a part of it: where it was made first, its number there. */
uint64_t block_output_id(const BlockOutput *output);
void block_output_set_id(BlockOutput *output, uint64_t id);
BlockStore *block_output_store(const BlockOutput *output);
void block_output_columns(const BlockOutput *output, uint32_t *count_out,
                          const PlanColumn **columns_out);

/* A job makes it or reads it, until it has said that it is done. */
void block_output_begin_use(BlockOutput *output);
void block_output_end_use(BlockOutput *output);

uint32_t block_output_level(const BlockOutput *output);
void block_output_set_level(BlockOutput *output, uint32_t level);
uint32_t block_output_map_count(const BlockOutput *output);
uint32_t block_output_reduce_count(const BlockOutput *output);

/* What map task `map` made at `place` (an ExecutorId). Takes it, instead of what was there. */
void block_output_put(BlockOutput *output, uint32_t map, MapBlocks *blocks, uint64_t place);

/* What the map task made is elsewhere. What of it is here stays when it is the same. */
void block_output_put_remote(BlockOutput *output, uint32_t map, const RemoteBlocks *at);

/* As block_output_put, a copy of what is elsewhere. */
void block_output_put_copy(BlockOutput *output, uint32_t map, MapBlocks *blocks,
                           const RemoteBlocks *of);

/* Where it is when it is elsewhere; place 0: here, or nowhere. */
RemoteBlocks block_output_remote(const BlockOutput *output, uint32_t map);

/* What must be fetched of maps [from, to): how many at the moment; the first ones of them. */
uint32_t block_output_count_elsewhere(const BlockOutput *output, uint32_t from, uint32_t to);
uint32_t block_output_elsewhere(const BlockOutput *output, uint32_t from, uint32_t to,
                                uint32_t capacity, WantedMap *maps_out);

/* Whoever copies what is elsewhere does so alone. */
void block_output_lock_copies(BlockOutput *output);
void block_output_unlock_copies(BlockOutput *output);

/* Where things are that have changed since that version, which *version is moved to; they live in
 * the arena. place 0: nowhere. */
typedef struct RemoteChange {
    uint32_t map;
    RemoteBlocks at;
} RemoteChange;
uint32_t block_output_changes(const BlockOutput *output, uint64_t *version, Arena *arena,
                              const RemoteChange **changes_out);

/* All of it that is here is at that place from now on. */
void block_output_move(BlockOutput *output, uint64_t place);

/* Whether the map task's blocks are there, here or elsewhere. */
bool block_output_has(const BlockOutput *output, uint32_t map);

/* Throws a map task's blocks away (lost, or wanted by nobody). */
void block_output_drop(BlockOutput *output, uint32_t map);

/* A second copy of what is elsewhere is at the place, if it is of that hash. False: it is not, or
 * there is one. */
bool block_output_note_copy(BlockOutput *output, uint32_t map, uint64_t place, uint64_t hash);
bool block_output_has_copy(const BlockOutput *output, uint32_t map);
uint32_t block_output_copies(const BlockOutput *output); /* maps that have one */

/* What is at that place cannot be had: a copy elsewhere counts instead. False: there is none, and
 * it is dropped. */
bool block_output_lose(BlockOutput *output, uint32_t map);

/* Throws away all that was made at the place, or what does not outlive it. What has a copy is there
 * from now on. */
void block_store_drop_place(BlockStore *store, uint64_t place);
void block_store_drop_unkept(BlockStore *store, uint64_t place);

/* Whether something of an output is known to be there. */
bool block_store_has_place(BlockStore *store, uint64_t place);

/* Ids of all outputs there are, in the arena; returns the highest that there ever was. */
uint64_t block_store_outputs(BlockStore *store, Arena *arena, uint32_t *count_out,
                             const uint64_t **ids_out);

/* The i-th block of (map, reduce), referenced; *block_out NULL when there are fewer. ST_CORRUPT
 * when it is not here, or came back damaged (then all of the map task is thrown away): the map
 * task must run again. */
MUST_CHECK Status block_output_get(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i,
                                   Error *err, Block **block_out);

/* A block as it is stored, to be stored or sent elsewhere. */
typedef struct StoredBlock {
    BlockForm form;
    const void *bytes;   /* NULL: there is no such block */
    Block *block;        /* what they lie in             */
    PackedBlock *packed; /* or this */
} StoredBlock;

/* As block_output_get; to be let go of. What is in the file is checked. */
MUST_CHECK Status block_output_get_stored(BlockOutput *output, uint32_t map, uint32_t reduce,
                                          uint32_t i, Error *err, StoredBlock *stored_out);
StoredBlock stored_block_of(Block *block); /* takes the reference; NULL: none */
void stored_block_let_go(StoredBlock *stored);

/* Rows of (map, reduce); of all maps and reduces with UINT32_MAX. Of what lies elsewhere, about as
 * many where there are several reduce partitions. */
uint64_t block_output_rows(const BlockOutput *output, uint32_t map, uint32_t reduce);

uint64_t block_output_bytes(const BlockOutput *output, uint32_t map);

/* map_blocks_hash of what the map task made; 0 when it is not there. */
uint64_t block_output_hash(const BlockOutput *output, uint32_t map);

#endif
