/* block_store.c -- see block_store.h */
#include "core/rdd/block_store.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/list.h"
#include "core/base/spill_file.h"

/* A block, in memory or in the file. */
typedef struct Kept {
    Block *block; /* NULL: in the file, or lost */
    uint64_t hash;
    uint64_t bytes;
    uint64_t offset; /* in the file */
    uint32_t rows;
    bool is_in_file;
} Kept;

typedef struct Cell {
    Kept *items;
    uint32_t count, capacity;
} Cell;

struct MapBlocks {
    BlockStore *store;
    Arena *arena;
    ListNode node; /* of store->all */
    uint64_t place;
    uint32_t reduce_count;
    Cell *cells; /* by reduce partition */
};

struct BlockOutput {
    _Atomic uint32_t references;
    BlockStore *store;
    ListNode node; /* of store->outputs */
    uint32_t map_count, reduce_count, column_count;
    PlanColumn *columns;
    MapBlocks **maps; /* NULL: not there */
    Arena *arena;     /* what is plan-sized */
};

struct BlockStore {
    pthread_mutex_t lock; /* of all that follows, and of all outputs and blocks */
    MemPool *pool;
    const char *spill_folder;
    Arena *arena;
    SpillFile *file;
    bool has_failed; /* the file, when it was written last: error says how */
    Error error;
    List all;     /* MapBlocks, the oldest first */
    List outputs; /* BlockOutputs */
};

BlockStore *block_store_new(MemPool *pool, const char *spill_folder)
{
    Arena *arena = arena_new(NULL, "block store", ARENA_NO_CAP);
    BlockStore *store = ARENA_NEW(arena, BlockStore);

    *store = (BlockStore){.pool = pool,
                          .spill_folder = spill_folder,
                          .arena = arena,
                          .file = spill_file_new(spill_folder)};
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

void block_store_free(BlockStore *store)
{
    if (store == NULL)
        return;
    CHECK(list_is_empty(&store->outputs) && list_is_empty(&store->all));
    spill_file_free(store->file);
    pthread_mutex_destroy(&store->lock);
    arena_free(store->arena);
}

MemPool *block_store_pool(const BlockStore *store)
{
    return store->pool;
}

const char *block_store_spill_folder(const BlockStore *store)
{
    return store->spill_folder;
}

/* --- the file --- */

static Status read_block(BlockOutput *output, const Kept *kept, Error *err, Block **block_out)
{
    MemPool *pool = output->store->pool;
    void *bytes;
    Status status;

    *block_out = NULL;
    TRY(mem_pool_alloc(pool, kept->bytes, "exchange", err, &bytes));
    status = spill_file_read(output->store->file, kept->offset, bytes, kept->bytes, err);
    if (status == ST_OK)
        status = block_from_bytes(bytes, kept->bytes, kept->hash, output->column_count,
                                  output->columns, pool, err, block_out);
    mem_pool_release(pool, bytes, kept->bytes);
    return status;
}

/* Only blocks that nobody else holds: giving up the store's reference frees their memory. */
static uint64_t spill_cell(BlockStore *store, Cell *cell, uint64_t wanted)
{
    uint64_t freed = 0;

    for (uint32_t i = 0; i < cell->count && freed < wanted && !store->has_failed; i++) {
        Kept *kept = &cell->items[i];

        if (kept->block == NULL || atomic_load(&kept->block->references) > 1)
            continue;
        if (!kept->is_in_file) {
            kept->offset = spill_file_reserve(store->file, kept->bytes);
            store->has_failed = spill_file_write(store->file, kept->offset, kept->block->head,
                                                 kept->bytes, &store->error) != ST_OK;
            if (store->has_failed)
                break;
            kept->is_in_file = true;
        }
        block_unref(kept->block);
        kept->block = NULL;
        freed += kept->bytes;
    }
    return freed;
}

uint64_t block_store_spill(BlockStore *store, uint64_t bytes)
{
    uint64_t freed = 0;

    if (store->spill_folder == NULL)
        return 0;
    pthread_mutex_lock(&store->lock); /* nobody asks for memory while it holds the lock */
    store->has_failed = false;
    LIST_EACH(node, &store->all)
    {
        MapBlocks *blocks = LIST_OWNER(node, MapBlocks, node);

        for (uint32_t r = 0; r < blocks->reduce_count && freed < bytes; r++)
            freed += spill_cell(store, &blocks->cells[r], bytes - freed);
    }
    pthread_mutex_unlock(&store->lock);
    return freed;
}

Status block_store_explain(BlockStore *store, Status status, Error *err)
{
    if (status != ST_OUT_OF_MEMORY)
        return status;
    pthread_mutex_lock(&store->lock);
    if (store->has_failed) {
        char refused[ERROR_MESSAGE_BYTES];

        status = store->error.status;
        if (err != NULL) {
            snprintf(refused, sizeof refused, "%s", err->message);
            *err = store->error;
            error_detail(err, "Memory was short, too: %s", refused);
        }
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* --- what one task makes --- */

MapBlocks *map_blocks_new(BlockStore *store, uint32_t reduce_count)
{
    Arena *arena = arena_new(NULL, "map output", ARENA_NO_CAP);
    MapBlocks *blocks = ARENA_NEW(arena, MapBlocks);

    blocks->store = store;
    blocks->arena = arena;
    blocks->reduce_count = reduce_count;
    blocks->cells = ARENA_ARRAY(arena, Cell, reduce_count);
    pthread_mutex_lock(&store->lock);
    list_push(&store->all, &blocks->node);
    pthread_mutex_unlock(&store->lock);
    return blocks;
}

/* With the lock. */
static void free_blocks(MapBlocks *blocks)
{
    BlockStore *store;

    if (blocks == NULL)
        return;
    store = blocks->store;
    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++) {
            const Kept *kept = &blocks->cells[r].items[i];

            block_unref(kept->block);
            if (kept->is_in_file)
                spill_file_forget(store->file, kept->offset, kept->bytes);
        }
    list_remove(&store->all, &blocks->node);
    if (list_is_empty(&store->all))
        spill_file_clear(store->file);
    arena_free(blocks->arena);
}

void map_blocks_free(MapBlocks *blocks)
{
    BlockStore *store;

    if (blocks == NULL)
        return;
    store = blocks->store;
    pthread_mutex_lock(&store->lock);
    free_blocks(blocks);
    pthread_mutex_unlock(&store->lock);
}

void map_blocks_add(MapBlocks *blocks, uint32_t reduce, Block *block)
{
    Cell *cell = &blocks->cells[reduce];

    pthread_mutex_lock(&blocks->store->lock);
    if (cell->count == cell->capacity) {
        uint32_t capacity = cell->capacity == 0 ? 4 : cell->capacity * 2;
        Kept *items = ARENA_ARRAY(blocks->arena, Kept, capacity);

        if (cell->count > 0)
            memcpy(items, cell->items, cell->count * sizeof *items);
        cell->items = items;
        cell->capacity = capacity;
    }
    cell->items[cell->count++] = (Kept){.block = block,
                                        .hash = block->hash,
                                        .bytes = block_bytes(block),
                                        .rows = block_row_count(block)};
    pthread_mutex_unlock(&blocks->store->lock);
}

uint64_t map_blocks_hash(const MapBlocks *blocks)
{
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);

    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++) {
            hash ^= blocks->cells[r].items[i].hash + r;
            hash *= UINT64_C(0xff51afd7ed558ccd);
            hash ^= hash >> 32;
        }
    return hash == 0 ? 1 : hash;
}

/* --- outputs --- */

BlockOutput *block_output_new(BlockStore *store, uint32_t map_count, uint32_t reduce_count,
                              uint32_t column_count, const PlanColumn *columns)
{
    Arena *arena = arena_new(NULL, "block output", ARENA_NO_CAP);
    BlockOutput *output = ARENA_NEW(arena, BlockOutput);

    *output = (BlockOutput){.references = 1,
                            .store = store,
                            .map_count = map_count,
                            .reduce_count = reduce_count,
                            .column_count = column_count,
                            .maps = ARENA_ARRAY(arena, MapBlocks *, map_count),
                            .arena = arena};
    output->columns = arena_copy(arena, columns, column_count * sizeof *columns);
    for (uint32_t i = 0; i < column_count; i++)
        output->columns[i].name = arena_strdup(arena, columns[i].name);
    pthread_mutex_lock(&store->lock);
    list_push(&store->outputs, &output->node);
    pthread_mutex_unlock(&store->lock);
    return output;
}

BlockOutput *block_output_ref(BlockOutput *output)
{
    atomic_fetch_add(&output->references, 1);
    return output;
}

/* With the lock. */
static void drop_map(BlockOutput *output, uint32_t map)
{
    free_blocks(output->maps[map]);
    output->maps[map] = NULL;
}

void block_output_unref(BlockOutput *output)
{
    BlockStore *store;

    if (output == NULL || atomic_fetch_sub(&output->references, 1) > 1)
        return;
    store = output->store;
    pthread_mutex_lock(&store->lock);
    list_remove(&store->outputs, &output->node);
    for (uint32_t m = 0; m < output->map_count; m++)
        drop_map(output, m);
    pthread_mutex_unlock(&store->lock);
    arena_free(output->arena);
}

uint32_t block_output_map_count(const BlockOutput *output)
{
    return output->map_count;
}

uint32_t block_output_reduce_count(const BlockOutput *output)
{
    return output->reduce_count;
}

void block_output_put(BlockOutput *output, uint32_t map, MapBlocks *blocks, uint64_t place)
{
    CHECK(blocks->reduce_count == output->reduce_count);
    pthread_mutex_lock(&output->store->lock);
    drop_map(output, map);
    blocks->place = place;
    output->maps[map] = blocks;
    pthread_mutex_unlock(&output->store->lock);
}

bool block_output_has(const BlockOutput *output, uint32_t map)
{
    bool is_there;

    pthread_mutex_lock(&output->store->lock);
    is_there = output->maps[map] != NULL;
    pthread_mutex_unlock(&output->store->lock);
    return is_there;
}

void block_output_drop(BlockOutput *output, uint32_t map)
{
    pthread_mutex_lock(&output->store->lock);
    drop_map(output, map);
    pthread_mutex_unlock(&output->store->lock);
}

void block_store_drop_place(BlockStore *store, uint64_t place)
{
    pthread_mutex_lock(&store->lock);
    LIST_EACH(node, &store->outputs)
    {
        BlockOutput *output = LIST_OWNER(node, BlockOutput, node);

        for (uint32_t m = 0; m < output->map_count; m++)
            if (output->maps[m] != NULL && output->maps[m]->place == place)
                drop_map(output, m);
    }
    pthread_mutex_unlock(&store->lock);
}

/* Where the block is: in *block_out (referenced), in the file (*kept_out), or there is none. */
static Status find_block(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i, Error *err,
                         Block **block_out, Kept *kept_out)
{
    const MapBlocks *from = output->maps[map];

    if (from == NULL)
        return error_set(err, ST_CORRUPT, "the blocks of map task %u are lost", map);
    if (i >= from->cells[reduce].count)
        return ST_OK;
    *kept_out = from->cells[reduce].items[i];
    if (kept_out->block != NULL)
        *block_out = block_ref(kept_out->block);
    return ST_OK;
}

Status block_output_get(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i, Error *err,
                        Block **block_out)
{
    Kept kept = {.is_in_file = false};
    const MapBlocks *from;
    Status status;

    *block_out = NULL;
    pthread_mutex_lock(&output->store->lock);
    from = output->maps[map];
    status = find_block(output, map, reduce, i, err, block_out, &kept);
    pthread_mutex_unlock(&output->store->lock);
    if (status != ST_OK || *block_out != NULL || !kept.is_in_file)
        return status;
    /* without the lock: memory for it may come from spilling others */
    status = read_block(output, &kept, err, block_out);
    if (status == ST_CORRUPT) {
        pthread_mutex_lock(&output->store->lock);
        if (output->maps[map] == from) /* else it was made again meanwhile */
            drop_map(output, map);
        pthread_mutex_unlock(&output->store->lock);
    }
    return status;
}

static uint64_t map_rows(const MapBlocks *from, uint32_t reduce)
{
    uint64_t rows = 0;

    for (uint32_t r = 0; from != NULL && r < from->reduce_count; r++)
        for (uint32_t i = 0; i < from->cells[r].count; i++)
            if (reduce == UINT32_MAX || reduce == r)
                rows += from->cells[r].items[i].rows;
    return rows;
}

uint64_t block_output_rows(const BlockOutput *output, uint32_t map, uint32_t reduce)
{
    uint64_t rows = 0;

    pthread_mutex_lock(&output->store->lock);
    for (uint32_t m = 0; m < output->map_count; m++)
        if (map == UINT32_MAX || map == m)
            rows += map_rows(output->maps[m], reduce);
    pthread_mutex_unlock(&output->store->lock);
    return rows;
}

uint64_t map_blocks_rows(const MapBlocks *blocks)
{
    return map_rows(blocks, UINT32_MAX);
}

uint64_t map_blocks_bytes(const MapBlocks *blocks)
{
    uint64_t bytes = 0;

    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++)
            bytes += blocks->cells[r].items[i].bytes;
    return bytes;
}

uint64_t block_output_bytes(const BlockOutput *output, uint32_t map)
{
    uint64_t bytes;

    pthread_mutex_lock(&output->store->lock);
    bytes = output->maps[map] == NULL ? 0 : map_blocks_bytes(output->maps[map]);
    pthread_mutex_unlock(&output->store->lock);
    return bytes;
}

uint64_t block_output_hash(const BlockOutput *output, uint32_t map)
{
    uint64_t hash;

    pthread_mutex_lock(&output->store->lock);
    hash = output->maps[map] == NULL ? 0 : map_blocks_hash(output->maps[map]);
    pthread_mutex_unlock(&output->store->lock);
    return hash;
}
