/* block_server.c -- see block_server.h */
#include "cluster/block_server.h"

#include "cluster/block_wire.h"
#include "core/rdd/block_reader.h"

/* --- many at once --- */

/* Another block than the stored one, which others read. */
static void damage(BlockServer *server, FetchEntry *entry, Arena *arena)
{
    unsigned char *bytes;

    if (server->damage_every == 0 ||
        (atomic_fetch_add(&server->given, 1) + 1) % server->damage_every != 0)
        return;
    entry->data = bytes = arena_copy(arena, entry->data, entry->form.stored_bytes);
    bytes[entry->form.stored_bytes - 1] ^= 1;
}

static void let_go(void *stored)
{
    stored_block_let_go(stored);
}

/* It stays until the answer is sent. */
static void put_block(BlockServer *server, FetchEntry *entry, StoredBlock stored, FetchAnswer *to)
{
    Arena *arena = to->said.arena;

    arena_on_free(arena, let_go, arena_copy(arena, &stored, sizeof stored));
    entry->data = stored.bytes;
    if (entry->kind != FETCH_LARGE)
        damage(server, entry, arena);
    fetch_answer_put(to, entry);
}

/* A block of the cell, to be let go of. */
static Status find_block(const BlockServer *server, BlockOutput *output, uint32_t map,
                         uint32_t reduce, uint32_t number, Error *err, StoredBlock *stored_out)
{
    BlockRange range = {.map_from = map, .map_to = map + 1, .reduce = reduce};
    BlockReader reader;
    Block *block;
    Status status;

    if (!server->brings)
        return block_output_get_stored(output, map, reduce, number, err, stored_out);
    block_reader_open(&reader, output, range, number, NULL);
    status = block_reader_next(&reader, err, &block);
    block_reader_close(&reader);
    *stored_out = stored_block_of(block);
    return status;
}

/* The blocks of one map task; *is_full_out: there was no room for all of them. */
static Status give_map(BlockServer *server, BlockOutput *output, const FetchWanted *wanted,
                       const FetchMap *map, FetchAnswer *to, bool *is_full_out, Error *err)
{
    FetchEntry entry = {.number = map->first};

    for (;; entry.number++) {
        StoredBlock stored;

        TRY(find_block(server, output, map->map, wanted->reduce, entry.number, err, &stored));
        if (stored.bytes == NULL)
            break;
        entry.form = stored.form;
        entry.kind = fetch_kind(entry.form.stored_bytes);
        *is_full_out =
            fetch_answer_is_full(to, entry.kind == FETCH_LARGE ? 0 : entry.form.stored_bytes);
        if (*is_full_out)
            stored_block_let_go(&stored);
        else
            put_block(server, &entry, stored, to);
        *is_full_out |= entry.kind == FETCH_LARGE;
        if (*is_full_out)
            return ST_OK;
    }
    fetch_answer_put(to, &(FetchEntry){.kind = FETCH_END});
    return ST_OK;
}

/* Why it cannot be given; NULL: it can. */
static const char *refusal(const BlockOutput *output, const FetchWanted *wanted,
                           const FetchMap *map)
{
    if (wanted->owner.application != 0)
        return "this process has kept nothing of others";
    if (output == NULL || map->map >= block_output_map_count(output) ||
        wanted->reduce >= block_output_reduce_count(output))
        return "there is no such output";
    if (map->hash != 0 && block_output_hash(output, map->map) != map->hash)
        return block_output_hash(output, map->map) == 0 ? "it is not here any more"
                                                        : "it has another hash";
    return NULL;
}

static Status give_all(BlockServer *server, BlockOutput *output, const FetchWanted *wanted,
                       FetchAnswer *to, Error *err)
{
    bool stops = false;

    for (uint32_t i = 0; i < wanted->map_count && !stops && !fetch_answer_is_full(to, 0); i++) {
        const char *reason = refusal(output, wanted, &wanted->maps[i]);
        Status status = ST_OK;

        if (reason == NULL)
            status = give_map(server, output, wanted, &wanted->maps[i], to, &stops, err);
        if (status == ST_CORRUPT)
            reason = err->message;
        else if (status != ST_OK)
            return status;
        if (reason == NULL)
            continue;
        fetch_answer_put(to, &(FetchEntry){.kind = FETCH_LOST, .reason = reason});
        return ST_OK;
    }
    return ST_OK;
}

static Status fetch_many(void *context, WireBytes bytes, Arena *arena, Error *err,
                         BlocksAnswer *answer_out)
{
    BlockServer *server = context;
    FetchAnswer to = {.said = {.arena = arena}};
    BlockOutput *output;
    FetchWanted wanted;
    Status status;

    *answer_out = (BlocksAnswer){.behind_count = 0};
    if (server->check != NULL)
        TRY(server->check(server->context, err));
    TRY(fetch_wanted_take(bytes, arena, err, &wanted));
    output = server->find(server->context, wanted.output);
    status = give_all(server, output, &wanted, &to, err);
    block_output_unref(output);
    *answer_out = fetch_answer_end(&to);
    return status;
}

/* --- a piece --- */

/* What the piece at hand is of, until it is sent. */
static __thread StoredBlock held;

static Status fetch_piece(void *context, BlockName name, uint64_t offset, uint32_t piece_bytes,
                          Error *err, BlockPiece *piece_out)
{
    BlockServer *server = context;
    StoredBlock stored = {.bytes = NULL};
    Status status = ST_OK;
    BlockOutput *output;
    uint64_t bytes;

    if (server->check != NULL)
        TRY(server->check(server->context, err));
    output = server->find(server->context, (uint64_t)name.output);
    if (output == NULL || name.owner.application != 0 || name.map_task < 0 ||
        name.reduce_partition < 0 || name.number < 0 ||
        (uint32_t)name.map_task >= block_output_map_count(output) ||
        (uint32_t)name.reduce_partition >= block_output_reduce_count(output))
        status = error_set(err, ST_CORRUPT, "there is no such output");
    else
        status = find_block(server, output, (uint32_t)name.map_task,
                            (uint32_t)name.reduce_partition, (uint32_t)name.number, err, &stored);
    block_output_unref(output);
    if (status == ST_OK && (stored.bytes == NULL || offset > stored.form.stored_bytes)) {
        stored_block_let_go(&stored);
        status = error_set(err, ST_CORRUPT, "there is no such block");
    }
    if (status != ST_OK)
        return status;
    held = stored;
    bytes = stored.form.stored_bytes - offset;
    *piece_out = (BlockPiece){.total_bytes = stored.form.stored_bytes,
                              .hash = stored.form.checksum,
                              .bytes = (const char *)stored.bytes + offset,
                              .byte_count = bytes < piece_bytes ? (uint32_t)bytes : piece_bytes};
    return ST_OK;
}

static void piece_done(void *context, const BlockPiece *piece)
{
    (void)context;
    (void)piece;
    stored_block_let_go(&held);
}

BlocksHandler block_server_handler(BlockServer *server)
{
    return (BlocksHandler){
        .context = server, .fetch = fetch_piece, .done = piece_done, .fetch_many = fetch_many};
}
