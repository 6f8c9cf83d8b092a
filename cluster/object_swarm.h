/*
 * object_swarm.h -- who gets which chunk of an object from whom: values and files that all want
 *
 *     executor: swarm_ask_put -> Driver.ask_chunk -> swarm_answer_take -> the chunk, or whom to ask
 *     driver:   swarm_ask_take -> object_swarm_ask -> (SWARM_GIVE: read it, object_swarm_gave)
 *                   -> swarm_answer_put
 *
 * An object that k executors want would go out of the driver k times. Here each chunk does so once,
 * to whoever asks first, and the others are sent to executors that have said that they have it: the
 * rarest chunk first, the holder with the least to do. Each question says what its asker has, so
 * that the driver knows at once; and who was asked in vain, and then is asked by nobody. A chunk
 * that nobody has got after a while is given once more. What is small is given to each.
 *
 * Chunks have checksums, made by the driver: what a peer gives is looked at before it counts.
 *
 * Thread: any.
 */
#ifndef VONK_CLUSTER_OBJECT_SWARM_H
#define VONK_CLUSTER_OBJECT_SWARM_H

#include "core/base/wire.h"

enum {
    SWARM_CHUNK_BYTES = 256 << 10,
    SWARM_CHUNKS_MAX = 1 << 14,   /* 4 GiB */
    SWARM_SMALL_BYTES = 64 << 10, /* the way to a peer would cost more */
    SWARM_GIVE_AGAIN_MS = 1000,
    SWARM_OBJECTS_MAX = 64 /* that are known at once: the oldest goes, and starts anew */
};

static inline uint32_t swarm_chunk_count(uint64_t total_bytes)
{
    return (uint32_t)((total_bytes + SWARM_CHUNK_BYTES - 1) / SWARM_CHUNK_BYTES);
}

static inline uint32_t swarm_chunk_bytes(uint64_t total_bytes, uint32_t chunk)
{
    uint64_t left = total_bytes - (uint64_t)chunk * SWARM_CHUNK_BYTES;

    return left < SWARM_CHUNK_BYTES ? (uint32_t)left : SWARM_CHUNK_BYTES;
}

typedef struct SwarmAsk {
    uint64_t object; /* its hash */
    uint64_t place;  /* who asks */
    uint64_t failed; /* the place that did not give what it was asked for; 0: none */
    WireBytes have;  /* a bit a chunk, the lowest first; no bytes: nothing is known yet */
} SwarmAsk;

typedef enum SwarmKind {
    SWARM_DONE, /* it has all                                 */
    SWARM_GIVE, /* the chunk, from the driver                 */
    SWARM_PEER, /* the chunk is at a peer                     */
    SWARM_WAIT  /* all that it wants is on its way to others  */
} SwarmKind;

typedef struct SwarmAnswer {
    SwarmKind kind;
    uint64_t total_bytes;
    uint32_t chunk;
    uint64_t checksum; /* XXH3 of the chunk */
    uint64_t place;    /* SWARM_PEER: which, and where */
    const char *host;
    uint16_t port;
    WireBytes bytes; /* SWARM_GIVE */
} SwarmAnswer;

void swarm_ask_put(WireWriter *to, const SwarmAsk *ask);
/* Borrows the bytes, as the answer does. */
MUST_CHECK Status swarm_ask_take(WireBytes bytes, Error *err, SwarmAsk *ask_out);
void swarm_answer_put(WireWriter *to, const SwarmAnswer *answer);
MUST_CHECK Status swarm_answer_take(WireBytes bytes, Arena *arena, Error *err,
                                    SwarmAnswer *answer_out);

/* --- the driver's --- */

typedef struct ObjectSwarm ObjectSwarm;

ObjectSwarm *object_swarm_new(void);
void object_swarm_free(ObjectSwarm *swarm); /* accepts NULL */

/* total_bytes: of the object. Of a chunk to be given, its number; of one at a peer, its place. */
MUST_CHECK Status object_swarm_ask(ObjectSwarm *swarm, const SwarmAsk *ask, uint64_t total_bytes,
                                   int64_t now_ms, Error *err, SwarmAnswer *answer_out);
/* Before the chunk goes out. */
void object_swarm_gave(ObjectSwarm *swarm, uint64_t object, uint32_t chunk, uint64_t checksum);
/* Its total when the object is known; else 0. */
uint64_t object_swarm_total(ObjectSwarm *swarm, uint64_t object);
/* The executor is gone. */
void object_swarm_lose(ObjectSwarm *swarm, uint64_t place);

#endif
