/*
 * object_cache.h -- what an executor has of the objects that its driver gives to all
 *
 *     object_cache_new -> object_cache_get (fetches it, or waits for who does) -> object_let_go
 *     peers ask: object_cache_piece                                     -> object_cache_free
 *
 * Chunks come from the driver or from executors that it names (object_swarm.h), and are given to
 * others as soon as they are here, and for a while after: up to a bound on bytes, the oldest object
 * that nobody holds goes first. Memory is the pool's.
 *
 * Thread: any, but for new and free.
 */
#ifndef VONK_CLUSTER_OBJECT_CACHE_H
#define VONK_CLUSTER_OBJECT_CACHE_H

#include "cluster/rpc_module.h"
#include "core/base/mem_pool.h"

typedef struct ObjectCache ObjectCache;
typedef struct CachedObject CachedObject;

/* All borrowed. */
ObjectCache *object_cache_new(const RpcModule *rpc, RpcPool *rpc_pool, RpcAddress driver,
                              MemPool *pool);
void object_cache_free(ObjectCache *cache); /* accepts NULL; nothing may be held */

/* What the driver calls this executor. */
void object_cache_set_place(ObjectCache *cache, uint64_t place);

/* All bytes of it, held. ST_IO: the driver does not answer. */
MUST_CHECK Status object_cache_get(ObjectCache *cache, uint64_t hash, Error *err,
                                   CachedObject **object_out);
WireBytes object_bytes(const CachedObject *object);
void object_let_go(ObjectCache *cache, CachedObject *object);

/* The same, copied to the arena. */
MUST_CHECK Status object_cache_copy(ObjectCache *cache, uint64_t hash, Arena *arena, Error *err,
                                    WireBytes *bytes_out);

/* It will not be wanted again: goes at once, unless it is held. */
void object_cache_forget(ObjectCache *cache, uint64_t hash);

/* As a file of its owner's alone, whole or not there. */
MUST_CHECK Status object_cache_to_file(ObjectCache *cache, uint64_t hash, const char *path,
                                       Arena *arena, Error *err);

/* For peers: an ObjectPieceFn, of what is here. */
MUST_CHECK Status object_cache_piece(ObjectCache *cache, uint64_t hash, uint64_t offset,
                                     uint32_t piece_bytes, Arena *arena, Error *err,
                                     BlockPiece *piece_out);

#endif
