/* object_swarm.c -- see object_swarm.h */
#include "cluster/object_swarm.h"

#include <pthread.h>
#include <string.h>

#include "core/base/list.h"

typedef struct Chunk {
    uint64_t checksum; /* 0: it was never given */
    int64_t given_ms;  /* the last time; -1: never */
    uint32_t copies;   /* members that have it  */
} Chunk;

/* An executor that wants the object, or has some of it. */
typedef struct Member {
    uint64_t place;
    uint8_t *have;     /* a bit a chunk */
    bool is_bad;       /* it was asked in vain: nobody asks it any more */
    uint64_t asks;     /* the place that it was sent to last */
    uint32_t asked_by; /* others, at the moment */
    ListNode node;
} Member;

typedef struct Object {
    Arena *arena;
    uint64_t hash, total_bytes;
    uint32_t chunk_count;
    Chunk *chunks;
    List members;
    ListNode node;
} Object;

struct ObjectSwarm {
    Arena *arena;
    pthread_mutex_t lock;
    uint32_t count;
    List objects; /* the one that was asked for last at the end */
};

/* --- the wire --- */

void swarm_ask_put(WireWriter *to, const SwarmAsk *ask)
{
    wire_put_u64(to, ask->object);
    wire_put_u64(to, ask->place);
    wire_put_u64(to, ask->failed);
    wire_put_blob(to, ask->have.bytes, (uint32_t)ask->have.byte_count);
}

Status swarm_ask_take(WireBytes bytes, Error *err, SwarmAsk *ask_out)
{
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "question for a chunk", err);
    uint32_t have_bytes;

    ask_out->object = wire_get_u64(&from);
    ask_out->place = wire_get_u64(&from);
    ask_out->failed = wire_get_u64(&from);
    ask_out->have.bytes = wire_get_blob(&from, &have_bytes);
    ask_out->have.byte_count = have_bytes;
    return wire_end(&from);
}

void swarm_answer_put(WireWriter *to, const SwarmAnswer *answer)
{
    wire_put_u32(to, (uint32_t)answer->kind);
    wire_put_u64(to, answer->total_bytes);
    wire_put_u32(to, answer->chunk);
    wire_put_u64(to, answer->checksum);
    wire_put_u64(to, answer->place);
    wire_put_text(to, answer->host);
    wire_put_u32(to, answer->port);
    wire_put_blob(to, answer->bytes.bytes, (uint32_t)answer->bytes.byte_count);
}

/* What it says of chunks fits its total. */
static bool answer_is_sound(const SwarmAnswer *answer)
{
    uint32_t count = swarm_chunk_count(answer->total_bytes);

    if (answer->total_bytes > (uint64_t)SWARM_CHUNKS_MAX * SWARM_CHUNK_BYTES)
        return false;
    if (answer->kind == SWARM_GIVE)
        return answer->chunk < count &&
               answer->bytes.byte_count == swarm_chunk_bytes(answer->total_bytes, answer->chunk);
    return answer->kind != SWARM_PEER || (answer->chunk < count && answer->host != NULL);
}

Status swarm_answer_take(WireBytes bytes, Arena *arena, Error *err, SwarmAnswer *answer_out)
{
    WireReader from = wire_reader(bytes.bytes, bytes.byte_count, "answer about a chunk", err);
    uint32_t byte_count;

    answer_out->kind = (SwarmKind)wire_get_below(&from, SWARM_WAIT + 1, "kinds of answers");
    answer_out->total_bytes = wire_get_u64(&from);
    answer_out->chunk = wire_get_u32(&from);
    answer_out->checksum = wire_get_u64(&from);
    answer_out->place = wire_get_u64(&from);
    answer_out->host = wire_get_text(&from, arena);
    answer_out->port = (uint16_t)wire_get_below(&from, UINT16_MAX + 1, "ports");
    answer_out->bytes.bytes = wire_get_blob(&from, &byte_count);
    answer_out->bytes.byte_count = byte_count;
    TRY(wire_end(&from));
    return answer_is_sound(answer_out)
               ? ST_OK
               : error_set(err, ST_CORRUPT, "an answer about a chunk contradicts itself");
}

/* --- objects and members, with the lock --- */

static Object *find_object(const ObjectSwarm *swarm, uint64_t hash)
{
    LIST_EACH(node, &swarm->objects)
    if (LIST_OWNER(node, Object, node)->hash == hash)
        return LIST_OWNER(node, Object, node);
    return NULL;
}

static void forget_object(ObjectSwarm *swarm, Object *object)
{
    list_remove(&swarm->objects, &object->node);
    swarm->count--;
    arena_free(object->arena);
}

static Object *have_object(ObjectSwarm *swarm, uint64_t hash, uint64_t total_bytes)
{
    Object *object = find_object(swarm, hash);
    Arena *arena;

    if (object != NULL) {
        list_remove(&swarm->objects, &object->node);
        list_push(&swarm->objects, &object->node);
        return object;
    }
    if (swarm->count == SWARM_OBJECTS_MAX)
        forget_object(swarm, LIST_OWNER(swarm->objects.first, Object, node));
    arena = arena_new(NULL, "object", ARENA_NO_CAP);
    object = ARENA_NEW(arena, Object);
    object->arena = arena;
    object->hash = hash;
    object->total_bytes = total_bytes;
    object->chunk_count = swarm_chunk_count(total_bytes);
    object->chunks = ARENA_ARRAY(arena, Chunk, object->chunk_count);
    for (uint32_t i = 0; i < object->chunk_count; i++)
        object->chunks[i].given_ms = -1;
    list_push(&swarm->objects, &object->node);
    swarm->count++;
    return object;
}

static Member *find_member(const Object *object, uint64_t place)
{
    LIST_EACH(node, &object->members)
    if (LIST_OWNER(node, Member, node)->place == place)
        return LIST_OWNER(node, Member, node);
    return NULL;
}

static Member *have_member(Object *object, uint64_t place)
{
    Member *member = find_member(object, place);

    if (member != NULL)
        return member;
    member = ARENA_NEW(object->arena, Member);
    member->place = place;
    member->have = ARENA_ARRAY(object->arena, uint8_t, (object->chunk_count + 7) / 8);
    list_push(&object->members, &member->node);
    return member;
}

static bool has_chunk(const uint8_t *have, uint32_t chunk)
{
    return (have[chunk / 8] >> chunk % 8 & 1) != 0;
}

/* Nothing is to be had from it any more. */
static void take_copies(Object *object, Member *member)
{
    for (uint32_t c = 0; c < object->chunk_count && !member->is_bad; c++)
        object->chunks[c].copies -= has_chunk(member->have, c);
    member->is_bad = true;
}

static void end_asking(const Object *object, Member *member)
{
    Member *asked = member->asks == 0 ? NULL : find_member(object, member->asks);

    if (asked != NULL && asked->asked_by > 0)
        asked->asked_by--;
    member->asks = 0;
}

/* What it has now, no more and no less: it may have let go of what it had. */
static void note_have(Object *object, Member *member, WireBytes have)
{
    const uint8_t *bits = have.byte_count == (object->chunk_count + 7) / 8 ? have.bytes : NULL;

    for (uint32_t c = 0; c < object->chunk_count; c++) {
        bool has = bits != NULL && has_chunk(bits, c);

        if (has == has_chunk(member->have, c))
            continue;
        member->have[c / 8] ^= (uint8_t)(1 << c % 8);
        if (!member->is_bad)
            object->chunks[c].copies += has ? 1 : UINT32_MAX; /* or one less */
    }
}

/* Who has the chunk, and the least to do. */
static Member *holder_of(const Object *object, const Member *asker, uint32_t chunk)
{
    Member *best = NULL;

    LIST_EACH(node, &object->members)
    {
        Member *member = LIST_OWNER(node, Member, node);

        if (member != asker && !member->is_bad && has_chunk(member->have, chunk) &&
            (best == NULL || member->asked_by < best->asked_by))
            best = member;
    }
    return best;
}

static SwarmAnswer give(Object *object, uint32_t chunk, int64_t now_ms)
{
    object->chunks[chunk].given_ms = now_ms;
    return (SwarmAnswer){.kind = SWARM_GIVE, .chunk = chunk};
}

/* Each asker looks from another place on, so that they do not all want the same. */
static SwarmAnswer choose(Object *object, Member *asker, int64_t now_ms)
{
    uint32_t count = object->chunk_count, best = count, late = count, missing = 0;
    uint32_t start = (uint32_t)((asker->place * UINT64_C(0x9E3779B97F4A7C15)) >> 33) % count;
    Member *holder;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t c = (start + i) % count;
        const Chunk *chunk = &object->chunks[c];

        if (has_chunk(asker->have, c))
            continue;
        missing++;
        if (chunk->given_ms < 0 || object->total_bytes <= SWARM_SMALL_BYTES)
            return give(object, c, now_ms);
        if (chunk->copies > 0 && chunk->checksum != 0 &&
            (best == count || chunk->copies < object->chunks[best].copies))
            best = c;
        if (chunk->copies == 0 && now_ms - chunk->given_ms >= SWARM_GIVE_AGAIN_MS)
            late = c;
    }
    if (missing == 0)
        return (SwarmAnswer){.kind = SWARM_DONE};
    holder = best == count ? NULL : holder_of(object, asker, best);
    if (late < count || (best < count && holder == NULL))
        return give(object, late < count ? late : best, now_ms);
    if (holder == NULL)
        return (SwarmAnswer){.kind = SWARM_WAIT};
    holder->asked_by++;
    asker->asks = holder->place;
    return (SwarmAnswer){.kind = SWARM_PEER,
                         .chunk = best,
                         .checksum = object->chunks[best].checksum,
                         .place = holder->place};
}

/* --- the swarm --- */

Status object_swarm_ask(ObjectSwarm *swarm, const SwarmAsk *ask, uint64_t total_bytes,
                        int64_t now_ms, Error *err, SwarmAnswer *answer_out)
{
    Object *object;
    Member *asker, *failed;

    *answer_out = (SwarmAnswer){.kind = SWARM_DONE, .total_bytes = total_bytes};
    if (swarm_chunk_count(total_bytes) > SWARM_CHUNKS_MAX)
        return error_set(err, ST_BAD_INPUT, "an object of %llu bytes is too large to be given",
                         (unsigned long long)total_bytes);
    if (total_bytes == 0)
        return ST_OK;
    pthread_mutex_lock(&swarm->lock);
    object = have_object(swarm, ask->object, total_bytes);
    asker = have_member(object, ask->place);
    end_asking(object, asker);
    note_have(object, asker, ask->have);
    failed = ask->failed == 0 ? NULL : find_member(object, ask->failed);
    if (failed != NULL)
        take_copies(object, failed);
    *answer_out = choose(object, asker, now_ms);
    answer_out->total_bytes = object->total_bytes;
    pthread_mutex_unlock(&swarm->lock);
    return ST_OK;
}

void object_swarm_gave(ObjectSwarm *swarm, uint64_t hash, uint32_t chunk, uint64_t checksum)
{
    Object *object;

    pthread_mutex_lock(&swarm->lock);
    object = find_object(swarm, hash);
    if (object != NULL && chunk < object->chunk_count)
        object->chunks[chunk].checksum = checksum;
    pthread_mutex_unlock(&swarm->lock);
}

uint64_t object_swarm_total(ObjectSwarm *swarm, uint64_t hash)
{
    const Object *object;
    uint64_t total;

    pthread_mutex_lock(&swarm->lock);
    object = find_object(swarm, hash);
    total = object == NULL ? 0 : object->total_bytes;
    pthread_mutex_unlock(&swarm->lock);
    return total;
}

void object_swarm_lose(ObjectSwarm *swarm, uint64_t place)
{
    pthread_mutex_lock(&swarm->lock);
    LIST_EACH(node, &swarm->objects)
    {
        Object *object = LIST_OWNER(node, Object, node);
        Member *member = find_member(object, place);

        if (member == NULL)
            continue;
        end_asking(object, member);
        take_copies(object, member);
        list_remove(&object->members, &member->node);
    }
    pthread_mutex_unlock(&swarm->lock);
}

ObjectSwarm *object_swarm_new(void)
{
    Arena *arena = arena_new(NULL, "swarm", ARENA_NO_CAP);
    ObjectSwarm *swarm = ARENA_NEW(arena, ObjectSwarm);

    swarm->arena = arena;
    pthread_mutex_init(&swarm->lock, NULL);
    return swarm;
}

void object_swarm_free(ObjectSwarm *swarm)
{
    if (swarm == NULL)
        return;
    while (!list_is_empty(&swarm->objects))
        forget_object(swarm, LIST_OWNER(swarm->objects.first, Object, node));
    pthread_mutex_destroy(&swarm->lock);
    arena_free(swarm->arena);
}
