/* block_store.c -- see block_store.h */
#include "core/rdd/block_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/invariant.h"

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
    uint32_t count;
} Cell;

typedef struct MapOutput {
    bool is_there;
    uint64_t hash; /* 0: never made */
    Cell *cells;   /* by reduce partition */
    Arena *arena;  /* of the cells */
} MapOutput;

struct BlockOutput {
    _Atomic uint32_t references;
    BlockStore *store;
    BlockOutput *next, *previous; /* of the store's list */
    uint32_t map_count, reduce_count, column_count;
    PlanColumn *columns;
    MapOutput *maps;
    Arena *arena; /* what is plan-sized */
};

struct BlockStore {
    pthread_mutex_t lock; /* of all that follows, and of all outputs */
    MemPool *pool;
    const char *spill_folder;
    Arena *arena;
    int file; /* -1: not open yet */
    uint64_t file_end;
    BlockOutput *first, *last;
};

BlockStore *block_store_new(MemPool *pool, const char *spill_folder)
{
    Arena *arena = arena_new(NULL, "block store", ARENA_NO_CAP);
    BlockStore *store = ARENA_NEW(arena, BlockStore);

    *store = (BlockStore){.pool = pool, .spill_folder = spill_folder, .arena = arena, .file = -1};
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

void block_store_free(BlockStore *store)
{
    if (store == NULL)
        return;
    CHECK(store->first == NULL);
    if (store->file >= 0)
        close(store->file);
    pthread_mutex_destroy(&store->lock);
    arena_free(store->arena);
}

MemPool *block_store_pool(const BlockStore *store)
{
    return store->pool;
}

/* --- the file --- */

static Status open_file(BlockStore *store, Error *err)
{
    char path[4096];

    if (store->file >= 0)
        return ST_OK;
    store->file = open(store->spill_folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (store->file >= 0)
        return ST_OK;
    /* file systems without nameless files: one that loses its name at once */
    snprintf(path, sizeof path, "%s/vonk-spill-XXXXXX", store->spill_folder);
    store->file = mkostemp(path, O_CLOEXEC);
    if (store->file < 0)
        return error_set_errno(err, errno, "cannot create a spill file in \"%s\"",
                               store->spill_folder);
    unlink(path);
    return ST_OK;
}

static Status write_block(BlockStore *store, const Block *block, Error *err)
{
    const char *at = (const char *)block->head;
    uint64_t left = block_bytes(block), offset = store->file_end;

    TRY(open_file(store, err));
    while (left > 0) {
        ssize_t wrote = pwrite(store->file, at, left, (off_t)offset);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            Status status =
                error_set_errno(err, wrote < 0 ? errno : ENOSPC,
                                "cannot write a spill file in \"%s\"", store->spill_folder);

            error_hint(err, "Name a folder with more room: --spill-dir, or SET spill_dir.");
            return status;
        }
        at += wrote;
        left -= (uint64_t)wrote;
        offset += (uint64_t)wrote;
    }
    store->file_end = (offset + 4095) & ~(uint64_t)4095;
    return ST_OK;
}

static Status read_bytes(const BlockStore *store, uint64_t offset, char *to, uint64_t left,
                         Error *err)
{
    while (left > 0) {
        ssize_t got = pread(store->file, to, left, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "cannot read a spill file in \"%s\"",
                                   store->spill_folder);
        if (got == 0)
            return error_set(err, ST_CORRUPT, "a spill file in \"%s\" ends too early",
                             store->spill_folder);
        to += got;
        left -= (uint64_t)got;
        offset += (uint64_t)got;
    }
    return ST_OK;
}

static Status read_block(BlockOutput *output, const Kept *kept, Error *err, Block **block_out)
{
    MemPool *pool = output->store->pool;
    void *bytes;
    Status status;

    *block_out = NULL;
    TRY(mem_pool_alloc(pool, kept->bytes, "exchange", err, &bytes));
    status = read_bytes(output->store, kept->offset, bytes, kept->bytes, err);
    if (status == ST_OK)
        status = block_from_bytes(bytes, kept->bytes, kept->hash, output->column_count,
                                  output->columns, pool, err, block_out);
    mem_pool_release(pool, bytes, kept->bytes);
    return status;
}

/* Only blocks that nobody else holds: giving up the store's reference frees their memory. */
static uint64_t spill_cell(BlockStore *store, Cell *cell, uint64_t wanted, Error *err, bool *failed)
{
    uint64_t freed = 0;

    for (uint32_t i = 0; i < cell->count && freed < wanted && !*failed; i++) {
        Kept *kept = &cell->items[i];

        if (kept->block == NULL || atomic_load(&kept->block->references) > 1)
            continue;
        if (!kept->is_in_file) {
            uint64_t offset = store->file_end;

            if (write_block(store, kept->block, err) != ST_OK) {
                *failed = true;
                break;
            }
            kept->offset = offset;
            kept->is_in_file = true;
        }
        block_unref(kept->block);
        kept->block = NULL;
        freed += kept->bytes;
    }
    return freed;
}

uint64_t block_store_spill(BlockStore *store, uint64_t bytes, Error *err)
{
    uint64_t freed = 0;
    bool failed = false;

    if (store->spill_folder == NULL)
        return 0;
    pthread_mutex_lock(&store->lock); /* nobody asks for memory while it holds the lock */
    for (BlockOutput *output = store->first; output != NULL && freed < bytes && !failed;
         output = output->next)
        for (uint32_t m = 0; m < output->map_count && freed < bytes && !failed; m++)
            for (uint32_t r = 0; output->maps[m].is_there && r < output->reduce_count; r++)
                freed += spill_cell(store, &output->maps[m].cells[r], bytes - freed, err, &failed);
    pthread_mutex_unlock(&store->lock);
    return freed;
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
                            .maps = ARENA_ARRAY(arena, MapOutput, map_count),
                            .arena = arena};
    output->columns = arena_copy(arena, columns, column_count * sizeof *columns);
    for (uint32_t i = 0; i < column_count; i++)
        output->columns[i].name = arena_strdup(arena, columns[i].name);
    pthread_mutex_lock(&store->lock);
    output->previous = store->last;
    if (store->last == NULL)
        store->first = output;
    else
        store->last->next = output;
    store->last = output;
    pthread_mutex_unlock(&store->lock);
    return output;
}

BlockOutput *block_output_ref(BlockOutput *output)
{
    atomic_fetch_add(&output->references, 1);
    return output;
}

static void free_cells(BlockOutput *output, MapOutput *map)
{
    for (uint32_t r = 0; map->is_there && r < output->reduce_count; r++)
        for (uint32_t i = 0; i < map->cells[r].count; i++)
            block_unref(map->cells[r].items[i].block);
    arena_free(map->arena);
    map->arena = NULL;
    map->cells = NULL;
    map->is_there = false;
}

void block_output_unref(BlockOutput *output)
{
    BlockStore *store;

    if (output == NULL || atomic_fetch_sub(&output->references, 1) > 1)
        return;
    store = output->store;
    pthread_mutex_lock(&store->lock);
    if (output->previous == NULL)
        store->first = output->next;
    else
        output->previous->next = output->next;
    if (output->next == NULL)
        store->last = output->previous;
    else
        output->next->previous = output->previous;
    for (uint32_t m = 0; m < output->map_count; m++)
        free_cells(output, &output->maps[m]);
    if (store->first == NULL && store->file >= 0) { /* nothing is left in the file */
        store->file_end = 0;
        if (ftruncate(store->file, 0) != 0)
            store->file_end = 0;
    }
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

/* The order of reduce partitions and of blocks counts. */
static uint64_t hash_of(const BlockOutput *output, Block *const *const *blocks,
                        const uint32_t *counts)
{
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);

    for (uint32_t r = 0; r < output->reduce_count; r++)
        for (uint32_t i = 0; i < counts[r]; i++) {
            hash ^= blocks[r][i]->hash + r;
            hash *= UINT64_C(0xff51afd7ed558ccd);
            hash ^= hash >> 32;
        }
    return hash == 0 ? 1 : hash;
}

void block_output_put(BlockOutput *output, uint32_t map, Block *const *const *blocks,
                      const uint32_t *block_counts, bool *is_same_out)
{
    uint64_t hash = hash_of(output, blocks, block_counts);
    MapOutput *to = &output->maps[map];
    Arena *arena = arena_new(NULL, "map output", ARENA_NO_CAP);
    Cell *cells = ARENA_ARRAY(arena, Cell, output->reduce_count);

    for (uint32_t r = 0; r < output->reduce_count; r++) {
        cells[r].count = block_counts[r];
        cells[r].items = ARENA_ARRAY(arena, Kept, block_counts[r]);
        for (uint32_t i = 0; i < block_counts[r]; i++)
            cells[r].items[i] = (Kept){.block = blocks[r][i],
                                       .hash = blocks[r][i]->hash,
                                       .bytes = block_bytes(blocks[r][i]),
                                       .rows = block_row_count(blocks[r][i])};
    }
    pthread_mutex_lock(&output->store->lock);
    *is_same_out = to->hash == 0 || to->hash == hash;
    free_cells(output, to);
    *to = (MapOutput){.is_there = true, .hash = hash, .cells = cells, .arena = arena};
    pthread_mutex_unlock(&output->store->lock);
}

bool block_output_has(const BlockOutput *output, uint32_t map)
{
    bool is_there;

    pthread_mutex_lock(&output->store->lock);
    is_there = output->maps[map].is_there;
    pthread_mutex_unlock(&output->store->lock);
    return is_there;
}

void block_output_drop(BlockOutput *output, uint32_t map)
{
    pthread_mutex_lock(&output->store->lock);
    free_cells(output, &output->maps[map]);
    pthread_mutex_unlock(&output->store->lock);
}

/* Where the block is: in *block_out (referenced), in the file (*kept_out), or there is none. */
static Status find_block(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i, Error *err,
                         Block **block_out, Kept *kept_out)
{
    const MapOutput *from = &output->maps[map];

    if (!from->is_there)
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
    Status status;

    *block_out = NULL;
    pthread_mutex_lock(&output->store->lock);
    status = find_block(output, map, reduce, i, err, block_out, &kept);
    pthread_mutex_unlock(&output->store->lock);
    if (status != ST_OK || *block_out != NULL || !kept.is_in_file)
        return status;
    /* without the lock: memory for it may come from spilling others */
    return read_block(output, &kept, err, block_out);
}

static uint64_t map_rows(const BlockOutput *output, uint32_t map, uint32_t reduce)
{
    const MapOutput *from = &output->maps[map];
    uint64_t rows = 0;

    for (uint32_t r = 0; from->is_there && r < output->reduce_count; r++)
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
            rows += map_rows(output, m, reduce);
    pthread_mutex_unlock(&output->store->lock);
    return rows;
}

uint64_t block_output_bytes(const BlockOutput *output)
{
    uint64_t bytes = 0;

    pthread_mutex_lock(&output->store->lock);
    for (uint32_t m = 0; m < output->map_count; m++)
        for (uint32_t r = 0; output->maps[m].is_there && r < output->reduce_count; r++)
            for (uint32_t i = 0; i < output->maps[m].cells[r].count; i++)
                bytes += output->maps[m].cells[r].items[i].bytes;
    pthread_mutex_unlock(&output->store->lock);
    return bytes;
}

uint64_t block_output_hash(const BlockOutput *output, uint32_t map)
{
    uint64_t hash;

    pthread_mutex_lock(&output->store->lock);
    hash = output->maps[map].hash;
    pthread_mutex_unlock(&output->store->lock);
    return hash;
}
