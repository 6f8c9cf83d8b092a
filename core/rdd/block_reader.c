/* block_reader.c -- see block_reader.h */
#include "core/rdd/block_reader.h"

void block_reader_open(BlockReader *reader, BlockOutput *output, BlockRange range, uint32_t number,
                       const atomic_bool *stop)
{
    *reader = (BlockReader){
        .output = output, .range = range, .stop = stop, .map = range.map_from, .number = number};
}

static void end_fetch(BlockReader *reader)
{
    if (reader->fetch != NULL)
        block_store_source(block_output_store(reader->output))->class->close(reader->fetch);
    arena_free(reader->arena);
    reader->fetch = NULL;
    reader->arena = NULL;
    reader->request = (FetchRequest){0};
    reader->fetched = 0;
}

void block_reader_close(BlockReader *reader)
{
    end_fetch(reader);
    *reader = (BlockReader){0};
}

/* What has to be fetched, from the map at hand on. */
static Status begin_fetch(BlockReader *reader, Error *err)
{
    BlockOutput *output = reader->output;
    BlockStore *store = block_output_store(output);
    BlockSource *source = block_store_source(store);
    WantedMap *maps;
    uint32_t count;

    reader->has_looked = true;
    count = block_output_count_elsewhere(output, reader->map, reader->range.map_to);
    if (count == 0 || source == NULL)
        return ST_OK;
    reader->arena = arena_new(NULL, "fetch", ARENA_NO_CAP);
    maps = ARENA_ARRAY(reader->arena, WantedMap, count);
    count = block_output_elsewhere(output, reader->map, reader->range.map_to, count, maps);
    if (count > 0 && maps[0].map == reader->map)
        maps[0].first = reader->number;
    reader->request = (FetchRequest){.output = block_output_id(output),
                                     .reduce = reader->range.reduce,
                                     .pool = block_store_pool(store),
                                     .map_count = count,
                                     .maps = maps,
                                     .stop = reader->stop};
    block_output_columns(output, &reader->request.column_count, &reader->request.columns);
    return count == 0 ? ST_OK : source->class->open(source, &reader->request, err, &reader->fetch);
}

static bool is_fetched(const BlockReader *reader)
{
    return reader->fetch != NULL && reader->fetched < reader->request.map_count &&
           reader->request.maps[reader->fetched].map == reader->map;
}

/* All that the map task at hand made, into the store. */
static Status bring_map(BlockReader *reader, Error *err)
{
    const WantedMap *wanted = &reader->request.maps[reader->fetched];
    BlockStore *store = block_output_store(reader->output);
    const BlockSourceClass *class = block_store_source(store)->class;
    MapBlocks *blocks = map_blocks_new(store, 1);
    Block *block = NULL;
    Status status;

    do {
        status = class->next(reader->fetch, err, &block);
        if (block != NULL)
            map_blocks_add(blocks, 0, block);
    } while (status == ST_OK && block != NULL);
    if (status == ST_OK && wanted->at.hash != 0 && map_blocks_hash(blocks) != wanted->at.hash)
        status = error_set(err, ST_CORRUPT,
                           "the blocks of map task %u are not those that its hash tells of",
                           wanted->map);
    if (status == ST_OK && block_output_level(reader->output) != 0) /* it is kept for later jobs */
        status = map_blocks_settle(blocks, block_output_level(reader->output), CODEC_NONE, err);
    if (status != ST_OK) {
        map_blocks_free(blocks);
        return status;
    }
    block_output_put_copy(reader->output, wanted->map, blocks, &wanted->at);
    reader->fetched++;
    return ST_OK;
}

/* One thread brings, the others wait for it and find the blocks in the store. */
static Status bring(BlockReader *reader, Error *err)
{
    uint32_t map = reader->map;
    Status status;

    block_output_lock_copies(reader->output);
    status = begin_fetch(reader, err);
    while (status == ST_OK && reader->fetched < reader->request.map_count) {
        reader->map = reader->request.maps[reader->fetched].map; /* whose loss it would be */
        status = bring_map(reader, err);
    }
    block_output_unlock_copies(reader->output);
    end_fetch(reader);
    if (status == ST_OK)
        reader->map = map;
    return status;
}

Status block_reader_next(BlockReader *reader, Error *err, Block **block_out)
{
    *block_out = NULL;
    if (!reader->has_looked)
        TRY(reader->range.is_shared ? bring(reader, err) : begin_fetch(reader, err));
    while (reader->map < reader->range.map_to) {
        bool comes = is_fetched(reader);

        if (comes)
            TRY(block_store_source(block_output_store(reader->output))
                    ->class->next(reader->fetch, err, block_out));
        else
            TRY(block_output_get(reader->output, reader->map, reader->range.reduce, reader->number,
                                 err, block_out));
        reader->number++;
        if (*block_out != NULL)
            return ST_OK;
        reader->fetched += comes;
        reader->map++;
        reader->number = 0;
    }
    return ST_OK;
}
