/* block_remote.c -- what a block store knows of blocks that are elsewhere; see block_store.h */
#include "core/rdd/block_store_internal.h"

void block_store_set_source(BlockStore *store, BlockSource *source)
{
    store->source = source;
}

BlockSource *block_store_source(const BlockStore *store)
{
    return store->source;
}

uint64_t block_output_id(const BlockOutput *output)
{
    return output->id;
}

void block_output_set_id(BlockOutput *output, uint64_t id)
{
    output->id = id;
}

BlockStore *block_output_store(const BlockOutput *output)
{
    return output->store;
}

void block_output_columns(const BlockOutput *output, uint32_t *count_out,
                          const PlanColumn **columns_out)
{
    *count_out = output->column_count;
    *columns_out = output->columns;
}

/* --- what is elsewhere --- */

MapBlocks *store__usable(const BlockOutput *output, uint32_t map)
{
    MapBlocks *blocks = output->maps[map];
    const Elsewhere *other = output->elsewhere == NULL ? NULL : &output->elsewhere[map];

    return blocks == NULL || other == NULL || other->at.place == 0 || other->at.hash == blocks->hash
               ? blocks
               : NULL;
}

RemoteBlocks store__remote(const BlockOutput *output, uint32_t map)
{
    return output->elsewhere == NULL ? (RemoteBlocks){0} : output->elsewhere[map].at;
}

void store__set_remote(BlockOutput *output, uint32_t map, RemoteBlocks at)
{
    if (output->elsewhere == NULL)
        output->elsewhere = ARENA_ARRAY(output->arena, Elsewhere, output->map_count);
    output->elsewhere[map] = (Elsewhere){.at = at, .version = ++output->version};
}

void block_output_put_remote(BlockOutput *output, uint32_t map, const RemoteBlocks *at)
{
    pthread_mutex_lock(&output->store->lock);
    store__set_remote(output, map, *at);
    pthread_mutex_unlock(&output->store->lock);
}

void block_output_put_copy(BlockOutput *output, uint32_t map, MapBlocks *blocks,
                           const RemoteBlocks *of)
{
    blocks->hash = of->hash; /* so that it counts as long as that does */
    blocks->place = of->place;
    pthread_mutex_lock(&output->store->lock);
    store__drop_map(output, map);
    output->maps[map] = blocks;
    pthread_mutex_unlock(&output->store->lock);
}

RemoteBlocks block_output_remote(const BlockOutput *output, uint32_t map)
{
    RemoteBlocks at;

    pthread_mutex_lock(&output->store->lock);
    at = store__remote(output, map);
    pthread_mutex_unlock(&output->store->lock);
    return at;
}

uint32_t block_output_elsewhere(const BlockOutput *output, uint32_t from, uint32_t to,
                                uint32_t capacity, WantedMap *maps_out)
{
    uint32_t count = 0;

    pthread_mutex_lock(&output->store->lock);
    for (uint32_t m = from; m < to && count < capacity; m++) {
        RemoteBlocks at = store__remote(output, m);

        if (at.place == 0 || store__usable(output, m) != NULL)
            continue;
        if (maps_out != NULL)
            maps_out[count] = (WantedMap){.map = m, .at = at};
        count++;
    }
    pthread_mutex_unlock(&output->store->lock);
    return count;
}

uint32_t block_output_count_elsewhere(const BlockOutput *output, uint32_t from, uint32_t to)
{
    return block_output_elsewhere(output, from, to, UINT32_MAX, NULL);
}

void block_output_lock_copies(BlockOutput *output)
{
    pthread_mutex_lock(&output->copies);
}

void block_output_unlock_copies(BlockOutput *output)
{
    pthread_mutex_unlock(&output->copies);
}

uint32_t block_output_changes(const BlockOutput *output, uint64_t *version, Arena *arena,
                              const RemoteChange **changes_out)
{
    RemoteChange *changes = NULL;
    uint32_t count = 0;

    pthread_mutex_lock(&output->store->lock);
    if (output->version > *version)
        changes = ARENA_ARRAY(arena, RemoteChange, output->map_count);
    for (uint32_t m = 0; changes != NULL && m < output->map_count; m++)
        if (output->elsewhere[m].version > *version)
            changes[count++] = (RemoteChange){m, output->elsewhere[m].at};
    *version = output->version;
    pthread_mutex_unlock(&output->store->lock);
    *changes_out = changes;
    return count;
}
