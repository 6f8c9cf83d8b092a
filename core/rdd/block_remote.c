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

bool store__turn_to_copy(BlockOutput *output, uint32_t map)
{
    Elsewhere *known = output->elsewhere == NULL ? NULL : &output->elsewhere[map];

    if (known == NULL || known->copy == 0)
        return false;
    known->at.place = known->copy;
    known->at.is_kept = false;
    known->copy = 0;
    known->version = ++output->version;
    return true;
}

void store__forget_copies(BlockOutput *output, uint64_t place)
{
    for (uint32_t m = 0; output->elsewhere != NULL && m < output->map_count; m++)
        if (output->elsewhere[m].copy == place)
            output->elsewhere[m].copy = 0;
}

bool block_output_note_copy(BlockOutput *output, uint32_t map, uint64_t place, uint64_t hash)
{
    bool is_news = false;

    pthread_mutex_lock(&output->store->lock);
    if (map < output->map_count && output->elsewhere != NULL) {
        Elsewhere *known = &output->elsewhere[map];

        is_news = known->at.place != 0 && known->at.place != place && known->at.hash == hash &&
                  known->copy == 0;
        if (is_news)
            known->copy = place;
    }
    pthread_mutex_unlock(&output->store->lock);
    return is_news;
}

bool block_output_has_copy(const BlockOutput *output, uint32_t map)
{
    bool has_copy;

    pthread_mutex_lock(&output->store->lock);
    has_copy = output->elsewhere != NULL && output->elsewhere[map].copy != 0;
    pthread_mutex_unlock(&output->store->lock);
    return has_copy;
}

uint32_t block_output_copies(const BlockOutput *output)
{
    uint32_t count = 0;

    pthread_mutex_lock(&output->store->lock);
    for (uint32_t m = 0; output->elsewhere != NULL && m < output->map_count; m++)
        count += output->elsewhere[m].copy != 0;
    pthread_mutex_unlock(&output->store->lock);
    return count;
}

bool block_output_lose(BlockOutput *output, uint32_t map)
{
    BlockSource *source = output->store->source;
    bool has_copy;
    uint64_t place;

    pthread_mutex_lock(&output->store->lock);
    place = store__remote(output, map).place;
    has_copy = store__turn_to_copy(output, map);
    pthread_mutex_unlock(&output->store->lock);
    if (!has_copy)
        block_output_drop(output, map);
    else if (source != NULL && source->class->forget_map != NULL)
        source->class->forget_map(source, output->id, map, place);
    return has_copy;
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
