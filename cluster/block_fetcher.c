/*
 * block_fetcher.c -- see block_fetcher.h
 *
 * A fetch has a group of map tasks a place, which has at most one call under way: so its blocks
 * come in order. Threads take groups that want a call from the fetcher's queue.
 *
 * Locks, in this order: a fetch's, the fetcher's.
 */
#include "cluster/block_fetcher.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cluster/block_wire.h"
#include "core/base/clock.h"
#include "core/base/id_map.h"
#include "core/base/invariant.h"
#include "core/base/list.h"
#include "core/base/log.h"

enum {
    THREADS = 4,
    AHEAD_BYTES_MAX = 8 << 20, /* that have come before anybody wants them, a fetch */
    CALL_MS = 5000,
    GIVE_UP_MS = 4000,         /* of calls without an answer */
    REFUSED_GIVE_UP_MS = 1000, /* nobody listens: but it may be about to be said who does now */
    DAMAGED_MAX = 3,           /* answers in a row           */
    BACKOFF_MS = 4,
    BACKOFF_MS_MAX = 500,
    LOOK_EVERY_MS = 50
};

typedef struct Peer {
    uint64_t place;
    const char *host;
    uint16_t port;    /* 0: gone */
    BlockOwner owner; /* zeros: whoever is asked */
} Peer;

struct BlockFetcher {
    BlockSource source; /* first */
    const RpcModule *rpc;
    RpcPool *pool;
    FetcherHooks hooks;
    Arena *arena;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed, moved;
    bool is_stopping;
    List queue;     /* Groups */
    uint64_t moves; /* of places to somebody else, so far */
    IdMap peers;    /* by place */
    uint32_t thread_count;
    pthread_t threads[THREADS];
};

typedef struct WaitingBlock {
    Block *block;
    ListNode node;
} WaitingBlock;

typedef struct MapState {
    WantedMap wanted;
    struct Group *group;
    List blocks; /* WaitingBlocks */
    bool is_complete;
} MapState;

/* The map tasks of a fetch whose blocks are at one place. */
typedef struct Group {
    BlockFetch *fetch;
    uint64_t place;
    uint32_t count, next; /* next: the one whose blocks come next */
    MapState **maps;
    uint32_t number; /* of the block that comes next */
    bool is_busy;    /* queued, or a call is under way */
    Status status;   /* what ended it */
    Error error;
    ListNode node; /* of the fetcher's queue */
} Group;

struct BlockFetch {
    BlockFetcher *fetcher;
    Arena *arena;
    FetchRequest request; /* maps and columns are its own */
    MapState *maps;
    uint32_t group_count;
    Group *groups;

    pthread_mutex_t lock; /* of groups and maps, and: */
    pthread_cond_t changed;
    uint32_t references; /* whoever opened it, and groups that are busy */
    bool is_closed;
    uint32_t at;          /* the map at hand */
    uint64_t ahead_bytes; /* that wait */
};

/* --- peers --- */

/* With the lock. */
static Peer *find_peer(const BlockFetcher *fetcher, uint64_t place)
{
    return id_map_thing(&fetcher->peers, place);
}

void block_fetcher_peer(BlockFetcher *fetcher, const OrderPeer *peer)
{
    Peer *known;

    pthread_mutex_lock(&fetcher->lock);
    known = find_peer(fetcher, peer->place);
    if (known == NULL) {
        known = ARENA_NEW(fetcher->arena, Peer);
        id_map_set_thing(&fetcher->peers, peer->place, known);
        *known =
            (Peer){peer->place, arena_strdup(fetcher->arena, peer->host), peer->port, peer->owner};
    } else if (peer->port == 0) {
        known->port = 0;
    } else if (peer->owner.application != 0 && known->port != 0) {
        *known =
            (Peer){peer->place, arena_strdup(fetcher->arena, peer->host), peer->port, peer->owner};
        fetcher->moves++;
        pthread_cond_broadcast(&fetcher->moved);
    }
    pthread_mutex_unlock(&fetcher->lock);
}

static Status find_place(BlockFetcher *fetcher, uint64_t place, Error *err, Peer *peer_out)
{
    const Peer *peer;
    Status status = ST_OK;

    pthread_mutex_lock(&fetcher->lock);
    peer = find_peer(fetcher, place);
    if (peer == NULL || peer->port == 0)
        status = error_set_state(err, ST_CORRUPT, SQLSTATE_PLACE_LOST,
                                 "the executor that had the blocks is gone");
    else
        *peer_out = *peer;
    pthread_mutex_unlock(&fetcher->lock);
    return status;
}

static RpcAddress address_of(const Peer *peer)
{
    return (RpcAddress){peer->host, peer->port};
}

/* --- calls --- */

static bool is_unwanted(BlockFetch *fetch)
{
    bool answer;

    pthread_mutex_lock(&fetch->lock);
    answer = fetch->is_closed;
    pthread_mutex_unlock(&fetch->lock);
    return answer;
}

/* A little later each time, and not with all others at once; at once when a place has moved since
 * `moves`: it may be this one. */
static void back_off(BlockFetcher *fetcher, uint32_t tries, uint64_t moves)
{
    struct timespec at;
    uint32_t most = BACKOFF_MS << (tries < 7 ? tries : 7);
    uint32_t seed = (uint32_t)clock_now_ns();
    int64_t ms;

    if (most > BACKOFF_MS_MAX)
        most = BACKOFF_MS_MAX;
    ms = most / 2 + (int64_t)((uint32_t)rand_r(&seed) % (most / 2 + 1));
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += ms * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    pthread_mutex_lock(&fetcher->lock);
    while (fetcher->moves == moves &&
           pthread_cond_timedwait(&fetcher->moved, &fetcher->lock, &at) == 0)
        ;
    pthread_mutex_unlock(&fetcher->lock);
}

static uint64_t count_moves(BlockFetcher *fetcher)
{
    uint64_t moves;

    pthread_mutex_lock(&fetcher->lock);
    moves = fetcher->moves;
    pthread_mutex_unlock(&fetcher->lock);
    return moves;
}

/* Whether another try may help: no answer came, and there is time, and somebody waits. What the
 * driver has nobody makes again: an executor that cannot reach it is given up before a fetch is. */
static bool may_try_again(Group *group, const Error *err, int64_t start_ns, uint32_t tries)
{
    int64_t most_ms = 0;
    Status status = err->status;

    if (is_unwanted(group->fetch))
        return false;
    if (status == ST_CORRUPT)
        return tries < DAMAGED_MAX;
    if (status == ST_IO && group->place == DRIVER_PLACE)
        return true;
    if (status == ST_IO)
        most_ms = strcmp(err->sqlstate, SQLSTATE_REFUSED) == 0 ? REFUSED_GIVE_UP_MS : GIVE_UP_MS;
    return clock_now_ns() - start_ns < most_ms * 1000000;
}

static int64_t call_deadline(void)
{
    return clock_now_ns() + (int64_t)CALL_MS * 1000000;
}

/* An answer as it comes. */
typedef struct Answer {
    Group *group;
    const Peer *peer;
    Arena *arena;
    const BlocksBehind *behind; /* its entries */
    bool is_lost;               /* it will not come back, however often it is asked for */
} Answer;

/* The block's bytes as they are stored, a piece after the other. */
static Status fetch_pieces(const Answer *answer, const FetchEntry *entry, void *stored, Error *err)
{
    const Group *group = answer->group;
    const Peer *peer = answer->peer;
    const BlockFetch *fetch = group->fetch;
    BlockName name = {.owner = peer->owner,
                      .output = (int64_t)fetch->request.output,
                      .map_task = (int32_t)group->maps[group->next]->wanted.map,
                      .reduce_partition = (int32_t)fetch->request.reduce,
                      .number = (int32_t)entry->number};
    Status status = ST_OK;

    for (uint64_t offset = 0; status == ST_OK && offset < entry->form.stored_bytes;) {
        Arena *arena = arena_new(NULL, "piece", ARENA_NO_CAP);
        uint64_t left = entry->form.stored_bytes - offset;
        uint32_t bytes = left < BLOCK_PIECE_BYTES_MAX ? (uint32_t)left : BLOCK_PIECE_BYTES_MAX;
        BlockPiece piece;

        status = fetch->fetcher->rpc->rpc_blocks_fetch(fetch->fetcher->pool, address_of(peer), name,
                                                       offset, bytes, call_deadline(), arena, err,
                                                       &piece);
        if (status == ST_OK &&
            (piece.total_bytes != entry->form.stored_bytes || piece.byte_count != bytes))
            status = error_set(err, ST_CORRUPT, "another piece of a block came than was wanted");
        if (status == ST_OK)
            memcpy((char *)stored + offset, piece.bytes, bytes);
        offset += bytes;
        arena_free(arena);
    }
    return status;
}

static Status bring(const Answer *answer, const FetchEntry *entry, void *stored, Error *err)
{
    return entry->kind == FETCH_LARGE ? fetch_pieces(answer, entry, stored, err)
                                      : answer->behind->read(answer->behind->context, stored,
                                                             entry->form.stored_bytes, err);
}

/* What did not come within its entry. One that is not packed comes to where it stays. */
static Status bring_block(const Answer *answer, const FetchEntry *entry, Error *err,
                          Block **block_out)
{
    const FetchRequest *request = &answer->group->fetch->request;
    const BlockForm *form = &entry->form;
    bool is_packed = form->codec != CODEC_NONE;
    PackedBlock *packed = NULL;
    Status status;

    *block_out = NULL;
    if (is_packed)
        TRY(packed_block_new(request->pool, form->stored_bytes, err, &packed));
    else
        TRY(block_new(request->pool, form->bytes, err, block_out));
    status = bring(answer, entry, is_packed ? (void *)packed->bytes : (*block_out)->head, err);
    if (status == ST_OK && is_packed)
        status = block_of_form(request->pool, form, packed->bytes, request->column_count,
                               request->columns, err, block_out);
    else if (status == ST_OK)
        status = block_check(*block_out, form->bytes, form->hash, request->column_count,
                             request->columns, err);
    packed_block_unref(packed);
    if (status != ST_OK && *block_out != NULL) {
        block_unref(*block_out);
        *block_out = NULL;
    }
    return status;
}

/* Checked, and among those that wait. */
static Status take_block(const Answer *answer, const FetchEntry *entry, Error *err)
{
    Group *group = answer->group;
    BlockFetch *fetch = group->fetch;
    const FetchRequest *request = &fetch->request;
    WaitingBlock *waiting;
    Block *block;

    if (entry->number != group->number)
        return error_set(err, ST_CORRUPT, "another block came than was wanted");
    if (entry->kind == FETCH_BLOCK)
        TRY(block_of_form(request->pool, &entry->form, entry->data, request->column_count,
                          request->columns, err, &block));
    else
        TRY(bring_block(answer, entry, err, &block));
    pthread_mutex_lock(&fetch->lock);
    waiting = ARENA_NEW(fetch->arena, WaitingBlock);
    waiting->block = block;
    list_push(&group->maps[group->next]->blocks, &waiting->node);
    group->number++;
    fetch->ahead_bytes += block_bytes(block);
    pthread_cond_signal(&fetch->changed);
    pthread_mutex_unlock(&fetch->lock);
    return ST_OK;
}

static void end_map(Group *group)
{
    BlockFetch *fetch = group->fetch;

    pthread_mutex_lock(&fetch->lock);
    group->maps[group->next++]->is_complete = true;
    group->number = 0;
    pthread_cond_signal(&fetch->changed);
    pthread_mutex_unlock(&fetch->lock);
}

static Status take_entries(Answer *answer, WireReader from, Error *err)
{
    Group *group = answer->group;

    while (from.status == ST_OK && from.at < from.end) {
        FetchEntry entry = fetch_entry_take(&from, answer->arena);

        if (from.status != ST_OK)
            break;
        if (group->next == group->count)
            return error_set(err, ST_CORRUPT, "more blocks came than were wanted");
        if (entry.kind == FETCH_END) {
            end_map(group);
        } else if (entry.kind == FETCH_LOST || entry.kind == FETCH_GONE) {
            answer->is_lost = true;
            return error_set_state(err, ST_CORRUPT,
                                   entry.kind == FETCH_GONE ? SQLSTATE_PLACE_LOST
                                                            : status_sqlstate(ST_CORRUPT),
                                   "%s", entry.reason);
        } else {
            TRY(take_block(answer, &entry, err));
        }
    }
    return from.status;
}

static WireBytes wanted_bytes(const Group *group, const Peer *peer, Arena *arena)
{
    WireWriter to = {.arena = arena};
    FetchMap maps[FETCH_MAPS_MAX];
    FetchWanted wanted = {.owner = peer->owner,
                          .output = group->fetch->request.output,
                          .reduce = group->fetch->request.reduce,
                          .maps = maps};

    for (uint32_t i = group->next; i < group->count && wanted.map_count < FETCH_MAPS_MAX; i++) {
        const WantedMap *map = &group->maps[i]->wanted;

        maps[wanted.map_count++] = (FetchMap){.map = map->map, .first = map->first, map->at.hash};
    }
    maps[0].first = group->number;
    fetch_wanted_put(&to, &wanted);
    return (WireBytes){to.bytes, to.length};
}

/* What came is not what was sent, or what is there is not what was made. */
static void say_damaged(const Group *group, const Peer *peer, const Error *err)
{
    const BlockFetch *fetch = group->fetch;

    if (group->next < group->count)
        LOG_WARN("blocks", "block %u of map task %u for partition %u, from %s:%u: %s",
                 group->number, group->maps[group->next]->wanted.map, fetch->request.reduce,
                 peer->host, peer->port, err == NULL ? "damaged" : err->message);
}

static Status take_answer(void *context, WireBytes bytes, const BlocksBehind *behind, Error *err)
{
    Answer *answer = context;
    Status status;

    answer->behind = behind;
    status =
        bytes.byte_count == 0
            ? error_set(err, ST_CORRUPT, "no block came")
            : take_entries(answer, wire_reader(bytes.bytes, bytes.byte_count, "blocks", err), err);
    if (status == ST_CORRUPT && !answer->is_lost)
        say_damaged(answer->group, answer->peer, err);
    return status;
}

/* A worker holds its keepers' socket: nobody refuses there as long as it lives, and what it had
 * goes with it. */
static bool is_gone(const Peer *peer, const Error *err)
{
    return peer->owner.application != 0 && strcmp(err->sqlstate, SQLSTATE_REFUSED) == 0;
}

static Status call_once(Group *group, bool *is_lost, Error *err)
{
    BlockFetcher *fetcher = group->fetch->fetcher;
    Arena *arena = arena_new(NULL, "fetch", ARENA_NO_CAP);
    Peer peer = {0};
    Answer answer = {.group = group, .peer = &peer, .arena = arena};
    Status status = find_place(fetcher, group->place, err, &peer);

    answer.is_lost = status != ST_OK;
    if (status == ST_OK)
        status = fetcher->rpc->rpc_blocks_fetch_many(fetcher->pool, address_of(&peer),
                                                     wanted_bytes(group, &peer, arena),
                                                     call_deadline(), take_answer, &answer, err);
    *is_lost = answer.is_lost || (status == ST_IO && is_gone(&peer, err));
    arena_free(arena);
    return status;
}

/* One answer's worth of the group. */
static Status call(Group *group, Error *err)
{
    int64_t start_ns = clock_now_ns();
    Status status = ST_OK;

    for (uint32_t tries = 0;; tries++) {
        uint64_t moves = count_moves(group->fetch->fetcher);
        bool is_lost;

        status = call_once(group, &is_lost, err);
        if (status == ST_OK || is_lost || !may_try_again(group, err, start_ns, tries + 1))
            break;
        back_off(group->fetch->fetcher, tries, moves);
    }
    if (status == ST_OK || status == ST_OUT_OF_MEMORY || status == ST_CORRUPT)
        return status;
    if (err != NULL)
        err->status = ST_CORRUPT; /* as good as lost */
    return ST_CORRUPT;
}

/* --- whose turn it is --- */

static void fetch_free(BlockFetch *fetch)
{
    for (uint32_t i = 0; i < fetch->request.map_count; i++)
        while (!list_is_empty(&fetch->maps[i].blocks))
            block_unref(LIST_OWNER(list_take(&fetch->maps[i].blocks), WaitingBlock, node)->block);
    pthread_cond_destroy(&fetch->changed);
    pthread_mutex_destroy(&fetch->lock);
    arena_free(fetch->arena);
}

/* With the lock, which it gives up. */
static void unref_unlock(BlockFetch *fetch)
{
    bool is_last = --fetch->references == 0;

    pthread_mutex_unlock(&fetch->lock);
    if (is_last)
        fetch_free(fetch);
}

/* With the fetch's lock: groups that may go on are queued. What somebody waits for always may. */
static void go_on(BlockFetch *fetch)
{
    BlockFetcher *fetcher = fetch->fetcher;
    const Group *wanted =
        fetch->at < fetch->request.map_count ? fetch->maps[fetch->at].group : NULL;

    for (uint32_t i = 0; i < fetch->group_count && !fetch->is_closed; i++) {
        Group *group = &fetch->groups[i];
        bool waits = group == wanted && list_is_empty(&fetch->maps[fetch->at].blocks);

        if (group->is_busy || group->status != ST_OK || group->next == group->count ||
            (!waits && fetch->ahead_bytes >= AHEAD_BYTES_MAX))
            continue;
        group->is_busy = true;
        fetch->references++;
        pthread_mutex_lock(&fetcher->lock);
        list_push(&fetcher->queue, &group->node);
        pthread_cond_signal(&fetcher->changed);
        pthread_mutex_unlock(&fetcher->lock);
    }
}

static void run_group(Group *group)
{
    BlockFetch *fetch = group->fetch;
    Error err = ERROR_NONE;
    Status status = is_unwanted(fetch) ? ST_OK : call(group, &err);

    pthread_mutex_lock(&fetch->lock);
    group->is_busy = false;
    if (status != ST_OK) {
        group->status = status;
        group->error = err;
    }
    go_on(fetch);
    pthread_cond_signal(&fetch->changed);
    unref_unlock(fetch);
}

static void *thread_main(void *opaque)
{
    BlockFetcher *fetcher = opaque;

    pthread_mutex_lock(&fetcher->lock);
    while (!fetcher->is_stopping || !list_is_empty(&fetcher->queue)) {
        ListNode *node = list_take(&fetcher->queue);

        if (node == NULL) {
            pthread_cond_wait(&fetcher->changed, &fetcher->lock);
            continue;
        }
        pthread_mutex_unlock(&fetcher->lock);
        run_group(LIST_OWNER(node, Group, node));
        pthread_mutex_lock(&fetcher->lock);
    }
    pthread_mutex_unlock(&fetcher->lock);
    return NULL;
}

/* --- the source --- */

static Group *group_of(BlockFetch *fetch, uint64_t place)
{
    for (uint32_t i = 0; i < fetch->group_count; i++)
        if (fetch->groups[i].place == place)
            return &fetch->groups[i];
    fetch->groups[fetch->group_count] = (Group){.fetch = fetch, .place = place};
    return &fetch->groups[fetch->group_count++];
}

/* Twice the same walk: how many each place has, then which. */
static void make_groups(BlockFetch *fetch)
{
    uint32_t count = fetch->request.map_count;

    fetch->groups = ARENA_ARRAY(fetch->arena, Group, count);
    for (uint32_t i = 0; i < count; i++)
        if (fetch->request.maps[i].at.hash != NO_BLOCKS_HASH)
            group_of(fetch, fetch->request.maps[i].at.place)->count++;
    for (uint32_t i = 0; i < fetch->group_count; i++) {
        Group *group = &fetch->groups[i];

        group->maps = ARENA_ARRAY(fetch->arena, MapState *, group->count);
        group->count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        Group *group;

        fetch->maps[i] = (MapState){.wanted = fetch->request.maps[i]};
        fetch->maps[i].is_complete = fetch->maps[i].wanted.at.hash == NO_BLOCKS_HASH;
        if (fetch->maps[i].is_complete)
            continue;
        fetch->maps[i].group = group = group_of(fetch, fetch->request.maps[i].at.place);
        if (group->count == 0)
            group->number = fetch->maps[i].wanted.first;
        group->maps[group->count++] = &fetch->maps[i];
    }
}

static Status source_open(BlockSource *source, const FetchRequest *request, Error *err,
                          BlockFetch **fetch_out)
{
    Arena *arena = arena_new(NULL, "block fetch", ARENA_NO_CAP);
    BlockFetch *fetch = ARENA_NEW(arena, BlockFetch);
    pthread_condattr_t attr;

    (void)err;
    fetch->fetcher = (BlockFetcher *)source;
    fetch->arena = arena;
    fetch->request = *request;
    fetch->request.maps = arena_copy(arena, request->maps, request->map_count * sizeof(WantedMap));
    fetch->request.columns =
        arena_copy(arena, request->columns, request->column_count * sizeof(PlanColumn));
    fetch->maps = ARENA_ARRAY(arena, MapState, request->map_count);
    fetch->references = 1;
    pthread_mutex_init(&fetch->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&fetch->changed, &attr);
    pthread_condattr_destroy(&attr);
    make_groups(fetch);
    pthread_mutex_lock(&fetch->lock);
    go_on(fetch);
    pthread_mutex_unlock(&fetch->lock);
    *fetch_out = fetch;
    return ST_OK;
}

/* With the lock. True: it is there, or will not come. */
static bool has_come(BlockFetch *fetch, Status *status, Error *err, Block **block_out)
{
    MapState *map = &fetch->maps[fetch->at];
    const Group *group = map->group; /* NULL: it made nothing */

    if (!list_is_empty(&map->blocks)) {
        *block_out = LIST_OWNER(list_take(&map->blocks), WaitingBlock, node)->block;
        fetch->ahead_bytes -= block_bytes(*block_out);
        return true;
    }
    if (map->is_complete) {
        fetch->at++;
        return true;
    }
    if (group->status == ST_OK)
        return false;
    *status = group->status;
    if (err != NULL)
        *err = group->error;
    return true;
}

static void wait_a_while(BlockFetch *fetch)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += LOOK_EVERY_MS * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&fetch->changed, &fetch->lock, &at);
}

static Status source_next(BlockFetch *fetch, Error *err, Block **block_out)
{
    const atomic_bool *stop = fetch->request.stop;
    Status status = ST_OK;

    *block_out = NULL;
    pthread_mutex_lock(&fetch->lock);
    CHECK(fetch->at < fetch->request.map_count);
    while (!has_come(fetch, &status, err, block_out)) {
        if (stop != NULL && atomic_load(stop)) {
            status = error_set(err, ST_CANCELLED, "canceling task due to user request");
            break;
        }
        go_on(fetch);
        wait_a_while(fetch);
    }
    go_on(fetch);
    pthread_mutex_unlock(&fetch->lock);
    return status;
}

static void source_close(BlockFetch *fetch)
{
    if (fetch == NULL)
        return;
    pthread_mutex_lock(&fetch->lock);
    fetch->is_closed = true;
    unref_unlock(fetch);
}

static void source_forget(BlockSource *source, uint64_t output)
{
    const FetcherHooks *hooks = &((BlockFetcher *)source)->hooks;

    if (hooks->forget != NULL)
        hooks->forget(hooks->context, output);
}

static void source_forget_map(BlockSource *source, uint64_t output, uint32_t map, uint64_t place)
{
    const FetcherHooks *hooks = &((BlockFetcher *)source)->hooks;

    if (hooks->forget_map != NULL)
        hooks->forget_map(hooks->context, output, map, place);
}

static const BlockSourceClass source_class = {.open = source_open,
                                              .next = source_next,
                                              .close = source_close,
                                              .forget = source_forget,
                                              .forget_map = source_forget_map};

/* --- the fetcher --- */

Status block_fetcher_new(const RpcModule *rpc, RpcPool *pool, FetcherHooks hooks, Error *err,
                         BlockFetcher **fetcher_out)
{
    Arena *arena = arena_new(NULL, "block fetcher", ARENA_NO_CAP);
    BlockFetcher *fetcher = ARENA_NEW(arena, BlockFetcher);
    pthread_condattr_t monotonic;
    int failure = 0;

    *fetcher_out = NULL;
    fetcher->source.class = &source_class;
    fetcher->rpc = rpc;
    fetcher->pool = pool;
    fetcher->hooks = hooks;
    fetcher->arena = arena;
    pthread_mutex_init(&fetcher->lock, NULL);
    pthread_cond_init(&fetcher->changed, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&fetcher->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    while (fetcher->thread_count < THREADS && failure == 0) {
        failure =
            pthread_create(&fetcher->threads[fetcher->thread_count], NULL, thread_main, fetcher);
        fetcher->thread_count += failure == 0;
    }
    if (fetcher->thread_count == 0) {
        block_fetcher_free(fetcher);
        return error_set_errno(err, failure, "cannot start a thread");
    }
    *fetcher_out = fetcher;
    return ST_OK;
}

void block_fetcher_free(BlockFetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    pthread_mutex_lock(&fetcher->lock);
    fetcher->is_stopping = true;
    pthread_cond_broadcast(&fetcher->changed);
    pthread_mutex_unlock(&fetcher->lock);
    for (uint32_t i = 0; i < fetcher->thread_count; i++)
        pthread_join(fetcher->threads[i], NULL);
    pthread_cond_destroy(&fetcher->changed);
    pthread_cond_destroy(&fetcher->moved);
    pthread_mutex_destroy(&fetcher->lock);
    id_map_fini(&fetcher->peers);
    arena_free(fetcher->arena);
}

BlockSource *block_fetcher_source(BlockFetcher *fetcher)
{
    return &fetcher->source;
}
