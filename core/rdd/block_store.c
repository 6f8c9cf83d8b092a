/* block_store.c -- see block_store.h */
#include "core/rdd/block_store.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "core/base/invariant.h"
#include "core/base/log.h"
#include "core/rdd/block_store_internal.h"

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

/* --- places --- */

static void let_go(Kept *kept)
{
    block_unref(kept->block);
    packed_block_unref(kept->packed);
    kept->block = NULL;
    kept->packed = NULL;
}

static Status check_stored(const Kept *kept, const PackedBlock *packed, Error *err)
{
    if (XXH3_64bits(packed->bytes, packed->byte_count) == kept->form.checksum)
        return ST_OK;
    return error_set(err, ST_CORRUPT,
                     "a packed block of %llu bytes has another checksum than its bytes",
                     (unsigned long long)packed->byte_count);
}

/* What is packed and in the file. */
static Status read_packed(const BlockOutput *output, const Kept *kept, Error *err,
                          PackedBlock **packed_out)
{
    const BlockStore *store = output->store;
    PackedBlock *packed;
    Status status;

    *packed_out = NULL;
    TRY(packed_block_new(store->pool, kept->form.stored_bytes, err, &packed));
    status = spill_file_read(store->file, kept->offset, packed->bytes, packed->byte_count, err);
    if (status == ST_OK)
        status = check_stored(kept, packed, err);
    if (status == ST_OK) {
        packed->checksum = kept->form.checksum;
        *packed_out = packed;
        return ST_OK;
    }
    packed_block_unref(packed);
    return status;
}

/* What is in the file as it is. */
static Status read_plain(const BlockOutput *output, const Kept *kept, Error *err, Block **block_out)
{
    const BlockStore *store = output->store;
    const BlockForm *form = &kept->form;
    Block *block;
    Status status;

    *block_out = NULL;
    TRY(block_new(store->pool, form->bytes, err, &block));
    status = spill_file_read(store->file, kept->offset, block->head, form->bytes, err);
    if (status == ST_OK)
        status =
            block_check(block, form->bytes, form->hash, output->column_count, output->columns, err);
    if (status == ST_OK) {
        *block_out = block;
        return ST_OK;
    }
    block_unref(block);
    return status;
}

/* From wherever the bytes are, which is not memory as tasks want it; kept->packed is held. */
static Status read_block(const BlockOutput *output, const Kept *kept, Error *err, Block **block_out)
{
    PackedBlock *packed = kept->packed;
    Status status;

    *block_out = NULL;
    if (kept->form.codec == CODEC_NONE)
        return read_plain(output, kept, err, block_out);
    if (packed == NULL)
        TRY(read_packed(output, kept, err, &packed));
    status = block_of_form(output->store->pool, &kept->form, packed->bytes, output->column_count,
                           output->columns, err, block_out);
    if (packed != kept->packed)
        packed_block_unref(packed);
    return status;
}

static bool is_held(const Kept *kept)
{
    return (kept->block != NULL && atomic_load(&kept->block->references) > 1) ||
           (kept->packed != NULL && atomic_load(&kept->packed->references) > 1);
}

/* From memory to the file. Only what nobody else holds: giving up the store's reference frees the
 * memory. Returns how much it was. */
static uint64_t move_to_file(BlockStore *store, Kept *kept)
{
    const void *bytes = kept->packed != NULL ? kept->packed->bytes : (const void *)NULL;

    if ((kept->block == NULL && kept->packed == NULL) || is_held(kept) || store->has_failed)
        return 0;
    if (kept->block != NULL)
        bytes = kept->block->head;
    kept->offset = spill_file_reserve(store->file, kept->form.stored_bytes);
    store->has_failed = spill_file_write(store->file, kept->offset, bytes, kept->form.stored_bytes,
                                         &store->error) != ST_OK;
    if (store->has_failed) { /* what was written of it takes no room */
        spill_file_forget(store->file, kept->offset, kept->form.stored_bytes);
        return 0;
    }
    kept->is_in_file = true;
    let_go(kept);
    return kept->form.stored_bytes;
}

static uint64_t spill_map(BlockStore *store, MapBlocks *blocks, uint64_t wanted)
{
    uint64_t freed = 0;

    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count && freed < wanted; i++)
            freed += move_to_file(store, &blocks->cells[r].items[i]);
    return freed;
}

/* Memory that goes when the blocks do. */
static uint64_t memory_of(const MapBlocks *blocks)
{
    uint64_t bytes = 0;

    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++) {
            const Kept *kept = &blocks->cells[r].items[i];

            if (!kept->is_in_file && !is_held(kept))
                bytes += kept->form.stored_bytes;
        }
    return bytes;
}

/* What is kept in memory only, for jobs to come, is made again by them. */
static uint64_t drop_unused(BlockStore *store, uint64_t wanted)
{
    uint64_t freed = 0;

    LIST_EACH(node, &store->outputs)
    {
        BlockOutput *output = LIST_OWNER(node, BlockOutput, node);

        if ((output->level & KEEP_DISK) != 0 || output->user_count > 0)
            continue;
        for (uint32_t m = 0; m < output->map_count && freed < wanted; m++)
            if (output->maps[m] != NULL) {
                freed += memory_of(output->maps[m]);
                store__drop_map(output, m);
            }
    }
    return freed;
}

uint64_t block_store_spill(BlockStore *store, uint64_t bytes)
{
    uint64_t freed;

    pthread_mutex_lock(&store->lock); /* nobody asks for memory while it holds the lock */
    freed = drop_unused(store, bytes);
    store->has_failed = false;
    if (store->spill_folder != NULL)
        LIST_EACH(node, &store->all)
        {
            if (freed >= bytes)
                break;
            freed += spill_map(store, LIST_OWNER(node, MapBlocks, node), bytes - freed);
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
            Kept *kept = &blocks->cells[r].items[i];

            let_go(kept);
            if (kept->is_in_file)
                spill_file_forget(store->file, kept->offset, kept->form.stored_bytes);
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
    cell->items[cell->count++] =
        (Kept){.block = block, .form = block_form_plain(block), .rows = block_row_count(block)};
    pthread_mutex_unlock(&blocks->store->lock);
}

/* The block of an item, which spilling then leaves where it is; NULL: it is in the file. */
static Block *hold(MapBlocks *blocks, const Kept *kept)
{
    Block *block;

    pthread_mutex_lock(&blocks->store->lock);
    block = kept->block == NULL ? NULL : block_ref(kept->block);
    pthread_mutex_unlock(&blocks->store->lock);
    return block;
}

static Status pack_item(MapBlocks *blocks, Kept *kept, Codec codec, Error *err)
{
    Block *block = hold(blocks, kept);
    PackedBlock *packed;
    Status status;

    if (block == NULL)
        return ST_OK;
    status = block_pack(block, codec, err, &packed);
    if (status == ST_OUT_OF_MEMORY) /* to need less later, it would need more now */
        status = ST_OK;
    if (status == ST_OK && packed != NULL) {
        pthread_mutex_lock(&blocks->store->lock);
        let_go(kept);
        kept->packed = packed;
        kept->form.codec = codec;
        kept->form.stored_bytes = packed->byte_count;
        kept->form.checksum = packed->checksum;
        pthread_mutex_unlock(&blocks->store->lock);
    }
    block_unref(block);
    return status;
}

static Status write_item(MapBlocks *blocks, Kept *kept, Error *err)
{
    BlockStore *store = blocks->store;
    Status status = ST_OK;

    pthread_mutex_lock(&store->lock);
    store->has_failed = false;
    (void)move_to_file(store, kept);
    if (store->has_failed) {
        status = store->error.status;
        if (err != NULL)
            *err = store->error;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

Status map_blocks_settle(MapBlocks *blocks, uint32_t level, Codec codec, Error *err)
{
    if (codec == CODEC_NONE && (level & KEEP_COMPRESSED) != 0)
        codec = CODEC_LZ4_RAW;
    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++) {
            if (codec != CODEC_NONE)
                TRY(pack_item(blocks, &blocks->cells[r].items[i], codec, err));
            if ((level & KEEP_MEMORY) == 0)
                TRY(write_item(blocks, &blocks->cells[r].items[i], err));
        }
    return ST_OK;
}

uint64_t map_blocks_hash(const MapBlocks *blocks)
{
    uint64_t hash = NO_BLOCKS_HASH;

    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++) {
            hash ^= blocks->cells[r].items[i].form.hash + r;
            hash *= UINT64_C(0xff51afd7ed558ccd);
            hash ^= hash >> 32;
        }
    return hash == 0 ? 1 : hash;
}

/* --- outputs --- */

BlockOutput *block_output_new(BlockStore *store, uint32_t level, uint32_t map_count,
                              uint32_t reduce_count, uint32_t column_count,
                              const PlanColumn *columns)
{
    Arena *arena = arena_new(NULL, "block output", ARENA_NO_CAP);
    BlockOutput *output = ARENA_NEW(arena, BlockOutput);

    *output = (BlockOutput){.references = 1,
                            .store = store,
                            .level = level,
                            .map_count = map_count,
                            .reduce_count = reduce_count,
                            .column_count = column_count,
                            .maps = ARENA_ARRAY(arena, MapBlocks *, map_count),
                            .arena = arena};
    output->columns = arena_copy(arena, columns, column_count * sizeof *columns);
    for (uint32_t i = 0; i < column_count; i++)
        output->columns[i].name = arena_strdup(arena, columns[i].name);
    pthread_mutex_init(&output->copies, NULL);
    pthread_mutex_lock(&store->lock);
    output->id = ++store->last_id;
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
void store__drop_map(BlockOutput *output, uint32_t map)
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
        store__drop_map(output, m);
    pthread_mutex_unlock(&store->lock);
    /* also where nothing of it is known: tasks that nobody waited for may have made some */
    if (store->source != NULL && store->source->class->forget != NULL)
        store->source->class->forget(store->source, output->id);
    pthread_mutex_destroy(&output->copies);
    arena_free(output->arena);
}

/* With the lock. Part of it is in the file. */
static bool has_spilled(const MapBlocks *blocks)
{
    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++)
            if (blocks->cells[r].items[i].is_in_file)
                return true;
    return false;
}

void block_output_begin_use(BlockOutput *output)
{
    pthread_mutex_lock(&output->store->lock);
    output->user_count++;
    pthread_mutex_unlock(&output->store->lock);
}

void block_output_end_use(BlockOutput *output)
{
    pthread_mutex_lock(&output->store->lock);
    output->user_count--;
    if (output->user_count == 0 && (output->level & KEEP_DISK) == 0)
        for (uint32_t m = 0; m < output->map_count; m++)
            if (output->maps[m] != NULL && has_spilled(output->maps[m]))
                store__drop_map(output, m);
    pthread_mutex_unlock(&output->store->lock);
}

void block_output_set_level(BlockOutput *output, uint32_t level)
{
    output->level = level;
}

uint32_t block_output_level(const BlockOutput *output)
{
    return output->level;
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
    blocks->hash = map_blocks_hash(blocks);
    pthread_mutex_lock(&output->store->lock);
    store__drop_map(output, map);
    blocks->place = place;
    output->maps[map] = blocks;
    pthread_mutex_unlock(&output->store->lock);
}

void block_output_move(BlockOutput *output, uint64_t place)
{
    pthread_mutex_lock(&output->store->lock);
    for (uint32_t m = 0; m < output->map_count; m++)
        if (output->maps[m] != NULL)
            output->maps[m]->place = place;
    pthread_mutex_unlock(&output->store->lock);
}

bool block_output_has(const BlockOutput *output, uint32_t map)
{
    bool is_there;

    pthread_mutex_lock(&output->store->lock);
    is_there = output->maps[map] != NULL || store__remote(output, map).place != 0;
    pthread_mutex_unlock(&output->store->lock);
    return is_there;
}

void block_output_drop(BlockOutput *output, uint32_t map)
{
    BlockSource *source = output->store->source;
    uint64_t places[2] = {0};

    pthread_mutex_lock(&output->store->lock);
    store__drop_map(output, map);
    places[0] = store__remote(output, map).place;
    if (places[0] != 0) {
        places[1] = output->elsewhere[map].copy;
        store__set_remote(output, map, (RemoteBlocks){0});
    }
    pthread_mutex_unlock(&output->store->lock);
    for (int i = 0; i < 2; i++)
        if (places[i] != 0 && source != NULL && source->class->forget_map != NULL)
            source->class->forget_map(source, output->id, map, places[i]);
}

void block_store_drop_place(BlockStore *store, uint64_t place)
{
    pthread_mutex_lock(&store->lock);
    LIST_EACH(node, &store->outputs)
    {
        BlockOutput *output = LIST_OWNER(node, BlockOutput, node);

        store__forget_copies(output, place);
        for (uint32_t m = 0; m < output->map_count; m++) {
            if (output->maps[m] != NULL && output->maps[m]->place == place)
                store__drop_map(output, m);
            if (store__remote(output, m).place == place && !store__turn_to_copy(output, m))
                store__set_remote(output, m, (RemoteBlocks){0});
        }
    }
    pthread_mutex_unlock(&store->lock);
}

void block_store_drop_unkept(BlockStore *store, uint64_t place)
{
    pthread_mutex_lock(&store->lock);
    LIST_EACH(node, &store->outputs)
    {
        BlockOutput *output = LIST_OWNER(node, BlockOutput, node);

        store__forget_copies(output, place);
        for (uint32_t m = 0; m < output->map_count; m++) {
            RemoteBlocks at = store__remote(output, m);

            if (at.place == place && !at.is_kept && !store__turn_to_copy(output, m))
                store__set_remote(output, m, (RemoteBlocks){0});
        }
    }
    pthread_mutex_unlock(&store->lock);
}

bool block_store_has_place(BlockStore *store, uint64_t place)
{
    bool has = false;

    pthread_mutex_lock(&store->lock);
    LIST_EACH(node, &store->outputs)
    {
        const BlockOutput *output = LIST_OWNER(node, BlockOutput, node);

        for (uint32_t m = 0; m < output->map_count && !has; m++)
            has = store__remote(output, m).place == place;
    }
    pthread_mutex_unlock(&store->lock);
    return has;
}

uint64_t block_store_outputs(BlockStore *store, Arena *arena, uint32_t *count_out,
                             const uint64_t **ids_out)
{
    uint32_t count = 0;
    uint64_t *ids, last;

    pthread_mutex_lock(&store->lock);
    LIST_EACH(node, &store->outputs)
    count++;
    ids = ARENA_ARRAY(arena, uint64_t, count);
    count = 0;
    LIST_EACH(node, &store->outputs)
    ids[count++] = LIST_OWNER(node, BlockOutput, node)->id;
    last = store->last_id;
    pthread_mutex_unlock(&store->lock);
    *count_out = count;
    *ids_out = ids;
    return last;
}

/* What the store has of the block, its memory held: with let_go to be given back. A zeroed one when
 * there is none. */
static Status find_kept(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i, Error *err,
                        Kept *kept_out, const MapBlocks **from_out)
{
    Status status = ST_OK;
    const MapBlocks *from;

    *kept_out = (Kept){.is_in_file = false};
    pthread_mutex_lock(&output->store->lock);
    from = *from_out = store__usable(output, map);
    if (from == NULL) {
        status = error_set(err, ST_CORRUPT, "the blocks of map task %u are lost", map);
    } else if (i < from->cells[reduce].count) {
        *kept_out = from->cells[reduce].items[i];
        if (kept_out->block != NULL)
            block_ref(kept_out->block);
        if (kept_out->packed != NULL)
            packed_block_ref(kept_out->packed);
    }
    pthread_mutex_unlock(&output->store->lock);
    return status;
}

/* It came back damaged: all of the map task is thrown away. */
static void drop_damaged(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i,
                         const MapBlocks *from, const Error *err)
{
    LOG_WARN("blocks", "block %u of map task %u for partition %u, from the spill file: %s", i, map,
             reduce, err == NULL ? "damaged" : err->message);
    pthread_mutex_lock(&output->store->lock);
    if (output->maps[map] == from) /* else it was made again meanwhile */
        store__drop_map(output, map);
    pthread_mutex_unlock(&output->store->lock);
}

Status block_output_get(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i, Error *err,
                        Block **block_out)
{
    const MapBlocks *from;
    Status status;
    Kept kept;

    *block_out = NULL;
    TRY(find_kept(output, map, reduce, i, err, &kept, &from));
    *block_out = kept.block;
    if (kept.block != NULL || (kept.packed == NULL && !kept.is_in_file))
        return ST_OK;
    /* without the lock: memory for it may come from spilling others */
    status = read_block(output, &kept, err, block_out);
    packed_block_unref(kept.packed);
    if (status == ST_CORRUPT)
        drop_damaged(output, map, reduce, i, from, err);
    return status;
}

StoredBlock stored_block_of(Block *block)
{
    if (block == NULL)
        return (StoredBlock){.bytes = NULL};
    return (StoredBlock){.form = block_form_plain(block), .bytes = block->head, .block = block};
}

void stored_block_let_go(StoredBlock *stored)
{
    block_unref(stored->block);
    packed_block_unref(stored->packed);
    *stored = (StoredBlock){.bytes = NULL};
}

Status block_output_get_stored(BlockOutput *output, uint32_t map, uint32_t reduce, uint32_t i,
                               Error *err, StoredBlock *stored_out)
{
    const MapBlocks *from;
    Status status = ST_OK;
    Kept kept;

    *stored_out = (StoredBlock){.bytes = NULL};
    TRY(find_kept(output, map, reduce, i, err, &kept, &from));
    if (kept.is_in_file && kept.form.codec == CODEC_NONE)
        status = read_plain(output, &kept, err, &kept.block);
    else if (kept.is_in_file)
        status = read_packed(output, &kept, err, &kept.packed);
    if (status == ST_CORRUPT)
        drop_damaged(output, map, reduce, i, from, err);
    if (kept.block != NULL)
        *stored_out = stored_block_of(kept.block);
    else if (kept.packed != NULL)
        *stored_out =
            (StoredBlock){.form = kept.form, .bytes = kept.packed->bytes, .packed = kept.packed};
    return status;
}

static uint64_t cell_rows(const Cell *cell)
{
    uint64_t rows = 0;

    for (uint32_t i = 0; i < cell->count; i++)
        rows += cell->items[i].rows;
    return rows;
}

static uint64_t map_rows(const MapBlocks *from, uint32_t reduce)
{
    uint64_t rows = 0;

    if (reduce != UINT32_MAX)
        return reduce < from->reduce_count ? cell_rows(&from->cells[reduce]) : 0;
    for (uint32_t r = 0; r < from->reduce_count; r++)
        rows += cell_rows(&from->cells[r]);
    return rows;
}

uint64_t block_output_rows(const BlockOutput *output, uint32_t map, uint32_t reduce)
{
    uint32_t end = map == UINT32_MAX ? output->map_count : map + 1;
    uint64_t rows = 0;

    pthread_mutex_lock(&output->store->lock);
    for (uint32_t m = map == UINT32_MAX ? 0 : map; m < end; m++) {
        if (store__usable(output, m) != NULL)
            rows += map_rows(output->maps[m], reduce);
        else if (reduce == UINT32_MAX)
            rows += store__remote(output, m).rows;
        else
            rows += store__remote(output, m).rows / output->reduce_count;
    }
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
            bytes += blocks->cells[r].items[i].form.bytes;
    return bytes;
}

uint64_t map_blocks_stored_bytes(const MapBlocks *blocks)
{
    uint64_t bytes = 0;

    for (uint32_t r = 0; r < blocks->reduce_count; r++)
        for (uint32_t i = 0; i < blocks->cells[r].count; i++)
            bytes += blocks->cells[r].items[i].form.stored_bytes;
    return bytes;
}

uint64_t block_output_bytes(const BlockOutput *output, uint32_t map)
{
    uint64_t bytes;

    pthread_mutex_lock(&output->store->lock);
    bytes = store__usable(output, map) == NULL ? store__remote(output, map).bytes
                                               : map_blocks_bytes(output->maps[map]);
    pthread_mutex_unlock(&output->store->lock);
    return bytes;
}

uint64_t block_output_hash(const BlockOutput *output, uint32_t map)
{
    uint64_t hash;

    pthread_mutex_lock(&output->store->lock);
    hash = store__usable(output, map) == NULL ? store__remote(output, map).hash
                                              : output->maps[map]->hash;
    pthread_mutex_unlock(&output->store->lock);
    return hash;
}
