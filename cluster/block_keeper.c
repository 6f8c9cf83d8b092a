/* block_keeper.c -- see block_keeper.h */
#include "cluster/block_keeper.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cluster/block_wire.h"
#include "cluster/membership.h"
#include "core/base/log.h"
#include "core/rdd/block_keep.h"

struct BlockKeeper {
    Arena *arena;
    KeeperOptions options;
    const RpcModule *rpc;
    ChannelKeys *keys;
    unsigned char keep_key[SECRET_KEY_BYTES]; /* what the executors' come from, if any are given */
    RpcServer *server;
};

/* Where an application has its files, and with what key. */
typedef struct Place {
    char folder[PATH_MAX];
    KeepKey key;
} Place;

void block_keeper_folder(const char *dir, Identity owner, char *path)
{
    int length = snprintf(path, PATH_MAX, "%s/app-%" PRId64 "/kept", dir, owner.application);

    if (owner.driver != 0 && length < PATH_MAX)
        snprintf(path + length, (size_t)(PATH_MAX - length), "-%" PRId64, owner.driver);
}

/* Of the application that is asked for, when it is who asks, or its driver. */
static Status find_place(const BlockKeeper *keeper, int64_t application, Error *err,
                         Place *place_out)
{
    Identity caller = keeper->rpc->rpc_caller(), owner = {caller.driver, application};
    char what[64];

    if (caller.application != 0 && caller.application != application) {
        snprintf(what, sizeof what, "read blocks of application %" PRId64, application);
        return keeper->rpc->rpc_refuse(err, what);
    }
    block_keeper_folder(keeper->options.dir, owner, place_out->folder);
    return keeper->options.keep_key == NULL ||
                   keeper->rpc->secret_key_of(keeper->keep_key, (Identity){0}, owner,
                                              place_out->key.bytes)
               ? ST_OK
               : error_set(err, ST_INTERNAL, "there is no key for what is kept");
}

/* NULL: nothing is encrypted. */
static const KeepKey *key_of(const BlockKeeper *keeper, const Place *place)
{
    return keeper->options.keep_key == NULL ? NULL : &place->key;
}

/* --- many at once --- */

static Status put_block(const KeptFile *file, uint32_t reduce, FetchEntry *entry, FetchAnswer *to,
                        Error *err)
{
    if (entry->kind != FETCH_LARGE) {
        void *bytes = arena_alloc_raw(to->said.arena, entry->form.stored_bytes);

        TRY(kept_file_read_block(file, reduce, entry->number, bytes, err));
        entry->data = bytes;
    }
    fetch_answer_put(to, entry);
    return ST_OK;
}

/* *is_full_out: there was no room for all blocks of the map task. */
static Status give_blocks(const KeptFile *file, uint32_t reduce, const FetchMap *map,
                          FetchAnswer *to, bool *is_full_out, Error *err)
{
    uint32_t first = file->cells[reduce], count = file->cells[reduce + 1] - first;

    for (uint32_t i = map->first; i < count; i++) {
        const KeptBlock *block = &file->blocks[first + i];
        FetchEntry entry = {
            .kind = fetch_kind(block->stored_bytes), .number = i, .form = kept_block_form(block)};
        bool is_large = entry.kind == FETCH_LARGE;

        *is_full_out = is_large || fetch_answer_is_full(to, block->stored_bytes);
        if (is_large || !*is_full_out)
            TRY(put_block(file, reduce, &entry, to, err));
        if (*is_full_out)
            return ST_OK;
    }
    fetch_answer_put(to, &(FetchEntry){.kind = FETCH_END});
    return ST_OK;
}

static Status give_map(const BlockKeeper *keeper, const Place *place, const FetchWanted *wanted,
                       const FetchMap *map, FetchAnswer *to, bool *is_full_out, Error *err)
{
    KeptFile file;
    Status status;

    TRY(kept_file_open(place->folder, wanted->output, wanted->owner.executor, map->map,
                       key_of(keeper, place), to->said.arena, err, &file));
    if (wanted->reduce >= file.reduce_count)
        status = error_set(err, ST_CORRUPT, "there is no such partition");
    else if (map->hash != 0 && map->hash != file.hash)
        status = error_set(err, ST_CORRUPT, "what was kept has another hash");
    else
        status = give_blocks(&file, wanted->reduce, map, to, is_full_out, err);
    kept_file_close(&file);
    return status;
}

static void put_lost(const FetchWanted *wanted, uint32_t map, FetchAnswer *to, const Error *err)
{
    bool is_gone = strcmp(err->sqlstate, SQLSTATE_PLACE_LOST) == 0;

    LOG_WARN("keeper", "what task %u of executor %" PRId64 " made cannot be given: %s", map,
             wanted->owner.executor, err->message);
    fetch_answer_put(
        to, &(FetchEntry){.kind = is_gone ? FETCH_GONE : FETCH_LOST, .reason = err->message});
}

static Status fetch_many(void *context, WireBytes bytes, Arena *arena, Error *err,
                         BlocksAnswer *answer_out)
{
    const BlockKeeper *keeper = context;
    FetchAnswer to = {.said = {.arena = arena}};
    FetchWanted wanted;
    bool stops = false;
    Place place;

    TRY(fetch_wanted_take(bytes, arena, err, &wanted));
    TRY(find_place(keeper, wanted.owner.application, err, &place));
    for (uint32_t i = 0; i < wanted.map_count && !stops && !fetch_answer_is_full(&to, 0); i++) {
        Status status = give_map(keeper, &place, &wanted, &wanted.maps[i], &to, &stops, err);

        if (status != ST_OK && status != ST_CORRUPT)
            return status;
        stops |= status != ST_OK;
        if (status != ST_OK)
            put_lost(&wanted, wanted.maps[i].map, &to, err);
    }
    *answer_out = fetch_answer_end(&to);
    return ST_OK;
}

/* --- a piece --- */

/* What the piece at hand lies in, until it is sent. */
static __thread Arena *held;

static void piece_done(void *context, const BlockPiece *piece)
{
    (void)context;
    (void)piece;
    arena_free(held);
    held = NULL;
}

static Status read_piece(const KeptFile *file, BlockName name, uint64_t offset,
                         uint32_t piece_bytes, Error *err, BlockPiece *piece_out)
{
    uint32_t reduce = (uint32_t)name.reduce_partition, number = (uint32_t)name.number;
    const KeptBlock *block;
    void *bytes;

    if (reduce >= file->reduce_count || number >= file->cells[reduce + 1] - file->cells[reduce])
        return error_set(err, ST_CORRUPT, "there is no such block");
    block = &file->blocks[file->cells[reduce] + number];
    if (offset > block->stored_bytes)
        return error_set(err, ST_CORRUPT, "there is no such piece of the block");
    if (piece_bytes > block->stored_bytes - offset)
        piece_bytes = (uint32_t)(block->stored_bytes - offset);
    bytes = arena_alloc_raw(held, piece_bytes);
    TRY(kept_file_read(file, block, offset, bytes, piece_bytes, err));
    *piece_out = (BlockPiece){.total_bytes = block->stored_bytes,
                              .hash = block->checksum,
                              .bytes = bytes,
                              .byte_count = piece_bytes};
    return ST_OK;
}

static Status fetch_piece(void *context, BlockName name, uint64_t offset, uint32_t piece_bytes,
                          Error *err, BlockPiece *piece_out)
{
    const BlockKeeper *keeper = context;
    Status status;
    KeptFile file;
    Place place;

    TRY(find_place(keeper, name.owner.application, err, &place));
    held = arena_new(NULL, "piece", ARENA_NO_CAP);
    status = kept_file_open(place.folder, (uint64_t)name.output, name.owner.executor,
                            (uint32_t)name.map_task, key_of(keeper, &place), held, err, &file);
    if (status == ST_OK) {
        status = read_piece(&file, name, offset, piece_bytes, err, piece_out);
        kept_file_close(&file);
    }
    if (status != ST_OK)
        piece_done(NULL, NULL);
    return status;
}

/* --- its life --- */

static Status start(BlockKeeper *keeper, Error *err)
{
    const KeeperOptions *options = &keeper->options;
    BlocksHandler handler = {
        .context = keeper, .fetch = fetch_piece, .done = piece_done, .fetch_many = fetch_many};
    RpcEndpoint endpoint = {.host = options->host, .listener = options->listener};

    TRY(rpc_module(err, &keeper->rpc));
    TRY(membership_keys(keeper->rpc, options->secret_file, err, &keeper->keys));
    if (options->keep_key != NULL)
        TRY(membership_key(keeper->rpc, options->keep_key, err, keeper->keep_key));
    endpoint.keys = keeper->keys;
    return keeper->rpc->rpc_blocks_serve(&endpoint, &handler, err, &keeper->server);
}

Status block_keeper_new(const KeeperOptions *options, Error *err, BlockKeeper **keeper_out)
{
    Arena *arena = arena_new(NULL, "keeper", ARENA_NO_CAP);
    BlockKeeper *keeper = ARENA_NEW(arena, BlockKeeper);
    Status status;

    *keeper_out = NULL;
    keeper->arena = arena;
    keeper->options = *options;
    status = start(keeper, err);
    if (status != ST_OK) {
        block_keeper_free(keeper);
        return status;
    }
    *keeper_out = keeper;
    return ST_OK;
}

uint16_t block_keeper_port(const BlockKeeper *keeper)
{
    return keeper->rpc->rpc_server_port(keeper->server);
}

void block_keeper_free(BlockKeeper *keeper)
{
    if (keeper == NULL)
        return;
    if (keeper->rpc != NULL) {
        keeper->rpc->rpc_server_stop(keeper->server);
        keeper->rpc->channel_keys_free(keeper->keys);
    }
    arena_free(keeper->arena);
}
